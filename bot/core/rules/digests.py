"""`digests`: reports that are posted on schedule."""

from collections.abc import Sequence
from datetime import date

from bot.core.rules.book import Digest
from bot.core.rules.fields import RULE_ID, TEXT, YES_NO, from_text
from bot.core.rules.nodes import Node, Scalar
from bot.core.rules.nodes import Sequence as SequenceNode
from bot.core.rules.problems import Problems, quoted, where_is
from bot.core.rules.table import Key, Table, is_empty

_ANY_DAY = date(2099, 12, 31)
"""A report of a digest is asked on many days: no day that is written out may be in its future."""


def _schedule(text: str) -> str | None:
    return None if _problem_of(text) else text


def _problem_of(text: str) -> str:
    """Return what is the matter with a schedule; '' when nothing is."""
    from bot.core.schedule import problem_of  # noqa: PLC0415 - few files have digests

    return problem_of(text)


ID = Key("id", RULE_ID, "What the digest is, for good.", required="a name for good")
SCHEDULE = Key(
    "schedule",
    from_text(
        _schedule,
        "B028",
        lambda text: f'{quoted(text)} {_problem_of(text)}; write five fields such as "0 9 * * MON"',
        {"type": "string"},
    ),
    "When it is posted: a cron expression, by the clocks of `timezone`.",
    required='five fields such as "0 9 * * MON"',
)
REPORT = Key(
    "report",
    TEXT,
    "What /budget report is asked, like last-week by project.",
    required="what /budget report is asked, like last-week by project",
)
ROUTE = Key("route", TEXT, "Where it is posted.")
CHART = Key("chart", YES_NO, "false: it comes without its chart.", default=True)
DIGEST_KEYS = Table(ID, SCHEDULE, REPORT, ROUTE, CHART)


def read_digests(sections: Sequence[Node], problems: Problems) -> tuple[list[Digest], list[tuple[str, Node]]]:
    """Return the digests of all files, and the routes they name with their places."""
    digests: list[Digest] = []
    routes: list[tuple[str, Node]] = []
    first: dict[str, Node] = {}
    for node in (item for section in sections for item in _items(section, problems)):
        values = DIGEST_KEYS.read(node, "a digest", problems)
        if values is None:
            continue
        name, schedule, report = values[ID], values[SCHEDULE], values[REPORT]
        if name is not None and name in first:
            message = f"two digests have the id {quoted(name)} (first at {where_is(first[name])})"
            problems.add("B030", values.at(ID), message)
        first.setdefault(name or "", values.at(ID))
        if report is not None:
            _check_report(report, values.at(REPORT), problems)
        route = values[ROUTE]
        if route is not None:
            routes.append((route, values.at(ROUTE)))
        if name is not None and schedule is not None and report is not None:
            digests.append(Digest(name, schedule, report, route or "", values.get(CHART, True)))
    return digests, routes


def _check_report(report: str, place: Node, problems: Problems) -> None:
    from bot.core.query import Misread, parse  # noqa: PLC0415 - as above

    asked = parse(f"report {report}", _ANY_DAY)
    if isinstance(asked, Misread):
        near = asked.corrections[0].removeprefix("report ") if asked.corrections else ""
        problems.add("B028", place, f"no report can be asked so: {asked.problem}", near)
    elif asked.verb != "report":
        problems.add("B028", place, f"{quoted(report)} asks for no report")


def _items(node: Node, problems: Problems) -> tuple[Node, ...]:
    if isinstance(node, SequenceNode):
        return tuple(
            item for item in node.items if not is_empty(item, 'an item of "digests" is empty', problems)
        )
    if not (isinstance(node, Scalar) and node.bad):
        problems.add("B011", node, '"digests" takes a list: begin each digest with "- id: ..."')
    return ()
