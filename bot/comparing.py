"""The rules of a folder beside what they were at a git revision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.core.backtest import Compared, Difference
from bot.core.difference import edits
from bot.core.errors import SetupWrong
from bot.core.rules.book import Problem, Rulebook
from bot.edge import case_files, rule_files
from bot.edge.rule_revision import at_revision

LATELY = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Before:
    """The rules at a revision."""

    revision: str
    """As it was asked for, with its commit: `origin/main (1a2b3c4)`."""
    book: Rulebook | None
    """None where they have errors."""
    why: str = ""
    """What must be said of them: that there were none, or what is wrong."""


def before(path: Path, revision: str) -> Before:
    """Return the rules that stood at `path` at a revision.

    Raises Misused for a revision that does not exist, and SetupWrong without git or a repository.
    """
    found = at_revision(path, revision)
    told = f"{revision} ({found.short})"
    if not found.files:
        return Before(told, Rulebook(), f"There were no rules at {path.as_posix()} in {told}.")
    loaded = rule_files.load_texts(found.files, path.as_posix() if path.is_dir() else path.parent.as_posix())
    if loaded.book is None:
        return Before(told, None, f"The rules at {told} have {first_of(loaded.problems)}.")
    return Before(told, loaded.book)


def loadable(path: Path, revision: str) -> Before:
    """Return the same; raises SetupWrong where those rules have errors too."""
    found = before(path, revision)
    if found.book is None:
        raise SetupWrong(found.why, "Name a revision whose rules load.")
    return found


def first_of(problems: Sequence[Problem]) -> str:
    """Return `2 errors (rules/a.yaml:3:5 B012: unknown key …)`."""
    errors = [problem for problem in problems if problem.severity == "error"]
    one = errors[0]
    count = f"{len(errors)} error{'s' if len(errors) != 1 else ''}"
    return f"{count} ({one.file}:{one.line}:{one.column} {one.code}: {one.message})"


def compare(paths: Iterable[Path], revision: str, database: str, now: datetime) -> list[Compared]:
    """Return what was edited since a revision under each path, and what the last 60 days would have heard otherwise.

    `database` is the address of one whose history is replayed; '' for none. A path whose files have errors has
    nothing to compare: they are told by `check`. Raises as `before` does.
    """
    found: list[Compared] = []
    for path in paths:
        if case_files.is_case_file(path):
            continue
        was, book = before(path, revision), rule_files.load(path).book
        if book is not None:
            found.append(_compared(was, book, database, now))
    return found


def _compared(was: Before, book: Rulebook, database: str, now: datetime) -> Compared:
    notes = (was.why,) if was.why else ()
    if was.book is None:
        return Compared(Difference((), revision=was.revision), notes=notes)
    changed = Difference(edits(was.book, book), revision=was.revision)
    if not database or not changed.edits:
        return Compared(changed, notes=notes)
    # The database's libraries cost half a second: only where there is something to replay.
    from bot.backtesting import run  # noqa: PLC0415
    from bot.edge.store import history  # noqa: PLC0415
    from bot.edge.store.store import Store  # noqa: PLC0415

    with Store(database) as store:
        with store.reading() as tx:
            first = history.first_poll(tx)
        if first is None or first >= now:
            return Compared(changed, notes=notes)
        told = run(store, book, (now - LATELY).date(), now, other=was.book, revision=was.revision)
    assert told.difference is not None
    return Compared(told.difference, told, (*notes, *told.notes))
