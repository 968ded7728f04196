"""`check`: every problem of the rule files and of their cases, and what the last snapshot knows of their names."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import BotError
from bot.core.rules.book import Problem, Rulebook
from bot.core.rules.problems import Problems
from bot.edge import case_files, rule_files
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.core.backtest import Much


class Checked(NamedTuple):
    """What `check` found."""

    problems: tuple[Problem, ...]
    files: int
    rules: int
    unasked: str = ""
    """Why the database could not be asked about names and spend; '' when it was, or there is none."""
    much: "tuple[Much, ...]" = ()
    """What each rule would have said; empty where nothing is stored to replay."""
    unsaid: str = ""
    """Why that is not told although something is stored."""
    database: str = ""
    """The address of the database that was asked."""

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)


def check(
    paths: Iterable[Path],
    settings: Settings,
    now: datetime,
    *,
    replays: bool = True,
    begin: Callable[[], None] | None = None,
) -> Checked:
    """Return every problem of the files under `paths`, and of their cases; nothing is asked of the network.

    With `replays`, and where a database has history, what each rule would have said of it too. `begin` is called
    before a database is asked, which takes longer than looking at files.
    """
    paths = tuple(paths)
    much: list[Much] = []
    unsaid = ""
    problems = _of_cases(paths)
    files = rules = 0
    database, unasked = _database(settings)
    if database and begin is not None:
        begin()
    for path in paths:
        if case_files.is_case_file(path):
            continue
        loaded = rule_files.load(path, compared=bool(database))
        files += len(loaded.shown)
        rules += loaded.rules
        problems += loaded.problems
        if loaded.book is not None and not settings.channel:
            problems += _unheard(loaded.book, loaded.shown)
        if database:
            from bot import confronting  # noqa: PLC0415 - what judges, and the database: only where one is

            problems += confronting.compared(database, loaded.book, loaded.mentions, loaded.shown, now)
            if replays and loaded.book is not None:
                said, unsaid = confronting.how_much(database, loaded.book, now)
                much += said
    return Checked(tuple(sorted(set(problems))), files, rules, unasked, tuple(much), unsaid, database)


def _of_cases(paths: tuple[Path, ...]) -> list[Problem]:
    """Return the mistakes in the case files under the paths, and what they expect that does not hold."""
    found = Problems()
    if not case_files.find(paths, found):
        return found.found
    from bot.casing import run_cases  # noqa: PLC0415 - what judges: only cases need it

    return list(run_cases(paths).told)


def _unheard(book: Rulebook, shown: Mapping[str, str]) -> list[Problem]:
    """Say which rules speak nowhere: no route of their own, no default one, and no channel in the settings."""
    return [
        Problem(
            file=shown.get(rule.origin.file, rule.origin.file),
            line=rule.origin.line,
            column=5,
            code="W108",
            message=f'nobody hears "{rule.id}": give it a route, write one under defaults, or set BUDGETBOT_CHANNEL',
            severity="warning",
        )
        for rule in book.rules
        if not rule.route and not book.default_route
    ]


def _database(settings: Settings) -> tuple[str, str]:
    """Return the address of a database that can be asked, or why the one that is there cannot.

    One that is not up to date is no trouble: `check` never makes or migrates one.
    """
    prefix = "sqlite:///"
    url = settings.database_url
    # A default nobody asked for is not looked for on a server.
    if url.startswith(prefix) and not Path(url.removeprefix(prefix)).is_file():
        return "", ""
    # The database's libraries cost half a second: only where there is something to compare with.
    from bot.edge.store.engine import newest  # noqa: PLC0415
    from bot.edge.store.standing import standing  # noqa: PLC0415

    try:
        return (url, "") if standing(url) == newest() else ("", "")
    except BotError as failed:
        return "", str(failed)
