"""The rules in force: read again when their files change; a bad edit keeps yesterday's and is said once."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from bot.core.errors import SetupWrong
from bot.core.rules.book import Problem, Rulebook
from bot.edge import rule_files
from bot.edge.rule_commit import commit_of
from bot.edge.rule_revision import authors_of
from bot.edge.store import records
from bot.edge.store.store import Store
from bot.settings import Settings
from bot.voice import Voice

log = logging.getLogger("budgetbot.rules")

REST, LOOKS = 0.2, 15
"""Seconds that changed files must stay as they are before they are read, and how often that is waited for."""
NOWHERE = "nowhere"
"""The fingerprint of no rules folder at all."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The rulebook that judges now, and what is wrong with the files, if anything is."""

    book: Rulebook
    problems: tuple[Problem, ...] = ()
    trouble: str = ""
    """Why the files are not in force: one sentence; '' when they are."""
    voice: Voice = field(default_factory=Voice)

    @property
    def errors(self) -> Sequence[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]


class Rules:
    """Loads rule files, and falls back on the last good load, which the database remembers.

    `keep`: remember good loads. Whoever judges does; whoever only asks must not decide what is in force.
    """

    def __init__(self, settings: Settings, store: Store | None = None, *, keep: bool = False) -> None:
        self._settings = settings
        self._store = store
        self._keep = keep
        self._seen = ""
        self._in_force: InForce | None = None
        self._reading = threading.Lock()

    def now(self, at: datetime) -> InForce:
        """Return the rules in force, reading the files again if they changed.

        Raises SetupWrong when there is nothing to fall back on: no good load, ever.
        """
        with self._reading:
            path = self._settings.rules_path
            seen = NOWHERE if path is None else rule_files.fingerprint(path)
            if self._in_force is not None and seen != self._seen:
                seen = _at_rest(path, seen)
            if self._in_force is None or seen != self._seen:
                self._in_force = self._without_files() if path is None else self._load(path, at)
                self._seen = seen
            return self._in_force

    def last(self, at: datetime) -> InForce:
        """Return the rules that were in force when somebody last looked; raises as `now` does."""
        return self._in_force or self.now(at)

    def _without_files(self) -> InForce:
        """Return the built-in rulebook, unless there were rules before: a folder that is lost ends no watch."""
        kept = self._last_good()
        if kept is None or not kept.book.rules or kept.book.built_in:
            return self._built_in()
        where = self._settings.budgetbot_rules
        gone = f"There is no folder {where!r} here"
        if self._settings.rules_path is not None:
            gone = f"There is no rule file in {where!r}"
        log.warning("rules not loaded", extra={"why": gone})
        return InForce(kept.book, (), f"{gone}; the last good rules go on.", kept.voice)

    def _built_in(self) -> InForce:
        book = rule_files.built_in().book
        assert book is not None
        # Its lines stand in no repository of the reader's.
        return InForce(book, voice=Voice(self._settings.channel))

    def _load(self, path: Path, at: datetime) -> InForce:
        try:
            loaded = rule_files.load(path)
        except SetupWrong as gone:
            kept = self._last_good()
            if kept is None:
                raise
            log.warning("rules not loaded", extra={"why": gone.happened})
            return InForce(kept.book, (), f"{gone.happened} The last good rules go on.", kept.voice)
        if loaded.book is not None and not loaded.shown and not loaded.problems:
            return self._without_files()
        if loaded.book is not None:
            commit = self._settings.budgetbot_rules_rev or commit_of(path)
            if self._keep and self._store is not None:
                with self._store.writing() as tx:
                    records.keep_book(tx, records.Book(loaded.hash, commit, at, loaded.files))
            # Who asks in a shell waits for no git; who judges asks it once for each edit.
            authors = authors_of(path) if self._keep and commit else {}
            voice = replace(self._voice(path, commit), authors=authors)
            return InForce(loaded.book, loaded.problems, voice=voice)
        errors = [problem for problem in loaded.problems if problem.severity == "error"]
        first = errors[0]
        trouble = (
            f"The rule files have {len(errors)} error{'s' if len(errors) != 1 else ''} "
            f"({first.file}:{first.line}:{first.column} {first.code}: {first.message})"
        )
        kept = self._last_good()
        if kept is None:
            raise SetupWrong(
                f"{trouble}, and no good load to go on with.", "Run budgetbot check and mend them."
            )
        log.warning("rules not loaded", extra={"why": trouble})
        return InForce(kept.book, loaded.problems, f"{trouble}; the last good rules go on.", kept.voice)

    def _last_good(self) -> InForce | None:
        if self._in_force is not None:
            return self._in_force
        if self._store is None:
            return None
        with self._store.reading() as tx:
            stored = records.book(tx)
        if stored is None:
            return None
        loaded = rule_files.load_texts(stored.files)
        if loaded.book is None:
            return None
        return InForce(loaded.book, voice=self._voice(self._settings.rules_path, stored.commit))

    def _voice(self, path: Path | None, commit: str) -> Voice:
        return Voice(self._settings.channel, self._settings.budgetbot_rules_url, commit, prefix_of(path))


def _at_rest(path: Path | None, seen: str) -> str:
    """Return the fingerprint once nobody writes any more: half of a file may well be a smaller set of rules."""
    for _ in range(LOOKS):
        if path is None:
            break
        time.sleep(REST)
        before, seen = seen, rule_files.fingerprint(path)
        if seen == before:
            break
    return seen


def prefix_of(path: Path | None) -> str:
    """Return the rules folder's path inside its repository, '' or with a slash at its end.

    Where there is no `.git` to ask, the working directory is taken for the repository, as on a host that got
    its files alone.
    """
    if path is None:
        return ""
    folder = (path if path.is_dir() or not path.exists() else path.parent).resolve()
    tops = [above for above in (folder, *folder.parents) if (above / ".git").exists()]
    for top in (*tops[:1], Path.cwd().resolve()):
        if folder.is_relative_to(top):
            inside = folder.relative_to(top).as_posix()
            return "" if inside == "." else f"{inside}/"
    return f"{folder.name}/"
