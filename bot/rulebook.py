"""The rules in force: read again when their files change; a bad edit keeps yesterday's and is said once."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bot.core.errors import SetupWrong
from bot.core.rules.book import Problem, Rulebook
from bot.edge import rule_files
from bot.edge.rule_commit import commit_of
from bot.edge.store import records
from bot.edge.store.store import Store
from bot.judge import Voice
from bot.settings import Settings

log = logging.getLogger("budgetbot.rules")


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
    """Loads rule files, and remembers the last good load in the database."""

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self._settings = settings
        self._store = store
        self._path = settings.rules_path
        self._seen = ""
        self._in_force: InForce | None = None
        self._reading = threading.Lock()

    def now(self, at: datetime) -> InForce:
        """Return the rules in force, reading the files again if they changed.

        Raises SetupWrong when there is nothing to fall back on: no good load, ever.
        """
        if self._path is None:
            if self._in_force is None:
                # No folder, and nobody named one: there is nothing to read and nothing to remember.
                self._in_force = InForce(Rulebook(hash="built-in"), voice=self._voice(""))
            return self._in_force
        with self._reading:
            seen = rule_files.fingerprint(self._path)
            if self._in_force is None or seen != self._seen:
                self._in_force = self._load(self._path, at)
                self._seen = seen
            return self._in_force

    def _load(self, path: Path, at: datetime) -> InForce:
        commit = self._settings.budgetbot_rules_rev or commit_of(path)
        try:
            loaded = rule_files.load(path)
        except SetupWrong as gone:
            kept = self._last_good()
            if kept is None:
                raise
            log.warning("rules not loaded", extra={"why": gone.happened})
            return InForce(kept.book, (), f"{gone.happened} The last good rules go on.", kept.voice)
        if loaded.book is not None:
            if self._store is not None:
                with self._store.writing() as tx:
                    records.keep_book(tx, records.Book(loaded.hash, commit, at, loaded.files))
            return InForce(loaded.book, loaded.problems, voice=self._voice(commit))
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
        return InForce(loaded.book, voice=self._voice(stored.commit)) if loaded.book is not None else None

    def _voice(self, commit: str) -> Voice:
        return Voice(self._settings.channel, self._settings.budgetbot_rules_url, commit, _prefix(self._path))


def _prefix(path: Path | None) -> str:
    """Return the rules folder's path inside its repository, for links to a rule's line."""
    if path is None:
        return ""
    folder = (path if path.is_dir() else path.parent).resolve()
    for above in (folder, *folder.parents):
        if (above / ".git").exists():
            inside = folder.relative_to(above).as_posix()
            return "" if inside == "." else f"{inside}/"
    return f"{folder.name}/" if path.is_dir() else ""
