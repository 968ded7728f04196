"""From what a case file holds to its cases, or every mistake in it at its place.

rules: [openai.yaml]             # relative to this file; left out: every rule file of its folder
cases:
  - name: a late revision pulls search back under 80%
    rule: project-month
    group: {project: search-prod}
    days: {from: 2026-08-01, values: "400x12 5200 400x5"}
    revise: [{seen: 2026-08-14T12:00Z, day: 2026-08-13, value: 1200}]
    expect:
      - {at: 2026-08-12T18:00Z, state: ok}
      - {at: 2026-08-13T18:00Z, state: firing, level: 80%, says: "search-prod"}
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, get_args

from bot.core.cases.case import (
    Case,
    CaseFile,
    Edit,
    Expectation,
    Labels,
    LimitStep,
    Line,
    Outage,
    Step,
)
from bot.core.cases.fields import DAYS, FIGURE, INSTANT, REVISE, readings, several, show
from bot.core.dimension import UNATTRIBUTED
from bot.core.limits import Limit
from bot.core.metrics import METRICS, metric_named
from bot.core.money import nano
from bot.core.period import DAY, midnight
from bot.core.rules.fields import DATE, DURATION, RULE_ID, TEXT, YES_NO, choice, list_of, text_of, whole
from bot.core.rules.nodes import Mapping as MappingNode
from bot.core.rules.nodes import Node, Scalar
from bot.core.rules.problems import Problems, closest, quoted
from bot.core.rules.table import Field, Key, Table, Values, as_mapping, entries, is_empty
from bot.core.rules.thresholds import SEVERITY
from bot.core.status import State

LONGEST_WATCH = timedelta(days=800)
"""How long after its first day a case may expect something: evaluating takes time."""


def _metric(node: Node, name: str, problems: Problems) -> str | None:
    text = text_of(node, name, problems)
    if text is None or text in ("cost", "spend"):
        return text
    metric = metric_named(text)
    if metric is None:
        near = closest(text, ("cost", "spend", *METRICS))
        problems.add(
            "B013", node, f"{quoted(text)} is no metric; write cost, spend or one that usage counts", near
        )
        return None
    return metric.name


def _labels(node: Node, name: str, problems: Problems) -> Labels | None:
    """Return (dimension, name) pairs; a single word belongs to the rule's one dimension, called ''."""
    if isinstance(node, Scalar):
        text = text_of(node, name, problems)
        return None if text is None else (("", text),)
    found: list[tuple[str, str]] = []
    for key, value in entries(node, f'"{name}"', problems):
        if key.text not in UNATTRIBUTED:
            known = ", ".join(UNATTRIBUTED)
            message = f"there is no dimension {quoted(key.text)}; there are {known}"
            problems.add("B034", key, message, closest(key.text, UNATTRIBUTED))
        elif not is_empty(value, f'"{key.text}" is empty', problems, key=key):
            text = text_of(value, key.text, problems)
            if text is not None:
                found.append((key.text, text))
    return tuple(found)


METRIC = Key(
    "metric", Field(_metric, {"type": "string"}), "What the figures count: cost, spend, requests ..."
)
DAYS_KEY = Key("days", DAYS, "Figures by day: {from: 2026-08-01, values: 400x12 5200}.")
REVISE_KEY = Key("revise", REVISE, "What a day's figure becomes, and from when on that is known.")
LABEL_KEYS = tuple(
    Key(dimension, TEXT, f"Whose figures they are, by {dimension.replace('_', ' ')}.")
    for dimension in UNATTRIBUTED
)
SERIES_KEYS = Table(METRIC, *LABEL_KEYS, replace(DAYS_KEY, required="figures by day"), REVISE_KEY)

_STATUS: dict[str, Literal["set", "none", "unknown"]] = {"set": "set", "none": "none", "unknown": "unknown"}
LIMIT_PROJECT = Key("project", TEXT, "Whose limit; left out: the organization's own.")
LIMIT_AMOUNT = Key("amount", FIGURE, "Dollars a month.")
LIMIT_STATUS = Key(
    "status",
    choice("status of a limit", _STATUS),
    "set, none, or unknown where it could not be read.",
)
LIMIT_ENFORCING = Key("enforcing", YES_NO, "OpenAI refuses requests because of it.")
LIMIT_FROM = Key("from", INSTANT, "From when on; left out: always.")
LIMIT_KEYS = Table(LIMIT_PROJECT, LIMIT_AMOUNT, LIMIT_STATUS, LIMIT_ENFORCING, LIMIT_FROM)

STEP_AT = Key("at", INSTANT, "When it moves.", required="the instant at which it moves")
STEP_BACK = Key("back", DURATION, "How far back: 10m.")
STEP_AHEAD = Key("ahead", DURATION, "How far ahead: 10m.")
STEP_KEYS = Table(STEP_AT, STEP_BACK, STEP_AHEAD)

OUTAGE_FROM = Key("from", INSTANT, "The first poll that fails.", required="when polls begin to fail")
OUTAGE_TO = Key("to", INSTANT, "The first that succeeds again.", required="when polls succeed again")
OUTAGE_KEYS = Table(OUTAGE_FROM, OUTAGE_TO)

AT = Key("at", INSTANT, "When.", required="when, like 2026-08-14T12:30Z")
GROUP = Key(
    "group",
    Field(_labels, {"type": ["object", "string"]}),
    "Which of the rule's groups: {project: search-prod}.",
)
_STATES: dict[str, str] = {state: state for state in get_args(State)}
STATE = Key("state", choice("state", _STATES), "ok, firing, ended, learning ...")
LEVEL = Key("level", TEXT, "The highest level that fires: 80%.")
SEVERITY_KEY = Key("severity", SEVERITY, "How grave it is.")
REASON = Key("reason", TEXT, "The word of the decision that led there: corrected, higher level ...")
SAYS = Key("says", list_of(TEXT), "Words that the message or its thread must hold.")
SILENT = Key("says_not", list_of(TEXT), "Words that neither the message nor its thread may hold.")
VALUE = Key("value", FIGURE, "The figure it stands at.")
AMOUNT = Key("amount", FIGURE, "The amount it is measured by.")
MESSAGES = Key("messages", whole(0, 10_000), "How many messages there were so far.")
REPLIES = Key("replies", whole(0, 10_000), "How many lines their threads hold so far.")
EXPECT_KEYS = Table(
    AT, GROUP, STATE, LEVEL, SEVERITY_KEY, REASON, SAYS, SILENT, VALUE, AMOUNT, MESSAGES, REPLIES
)

EDIT_AT, EDIT_REMOVE = "at", "remove"
FOR_GOOD = ("id", "kind", "was")
"""Keys of a rule that no edit of a case changes: a case follows one rule."""


def _series(node: Node, _name: str, problems: Problems) -> Line | None:
    values = SERIES_KEYS.read(node, "a series", problems)
    if values is None:
        return None
    labels = tuple((key.name, text) for key in LABEL_KEYS if (text := values[key]) is not None)
    return Line(
        values.get(METRIC, "cost"), labels, readings(values, DAYS_KEY, REVISE_KEY, problems), values.node
    )


def _limit(node: Node, _name: str, problems: Problems) -> LimitStep | None:
    values = LIMIT_KEYS.read(node, "a limit", problems)
    if values is None:
        return None
    amount, since = values[LIMIT_AMOUNT], values[LIMIT_FROM]
    status = values[LIMIT_STATUS] or ("none" if values.has(LIMIT_STATUS) else "set")
    if status == "set" and not values.has(LIMIT_AMOUNT):
        problems.add("B010", values.node, 'a limit needs "amount": dollars a month; or status: none')
    if status != "set" and values.has(LIMIT_AMOUNT):
        problems.add("B033", values.at(LIMIT_AMOUNT), f'a limit whose status is "{status}" has no amount')
    limit = Limit(
        status,
        None if amount is None else _nano(amount, values.at(LIMIT_AMOUNT), problems),
        values.get(LIMIT_ENFORCING, False),
        why="the case says so" if status == "unknown" else "",
    )
    return LimitStep(values.get(LIMIT_PROJECT, ""), limit, since)


def _nano(figure: Decimal, place: Node, problems: Problems) -> int | None:
    try:
        return nano(figure)
    except ValueError as wrong:
        problems.add("B022", place, str(wrong))
        return None


def _step(node: Node, _name: str, problems: Problems) -> Step | None:
    values = STEP_KEYS.read(node, "a step of the clock", problems)
    if values is None:
        return None
    at, back, ahead = values[STEP_AT], values[STEP_BACK], values[STEP_AHEAD]
    if values.has(STEP_BACK) == values.has(STEP_AHEAD):
        problems.add("B033", values.node, 'a step of the clock goes "back" or "ahead", like back: 10m')
        return None
    if at is None or (back is None and ahead is None):
        return None
    return Step(at, ahead.total_seconds() if ahead else -back.total_seconds() if back else 0)


def _outage(node: Node, name: str, problems: Problems) -> Outage | None:
    values = OUTAGE_KEYS.read(node, f'"{name}"', problems)
    start, end = (values[OUTAGE_FROM], values[OUTAGE_TO]) if values else (None, None)
    if values is None or start is None or end is None:
        return None
    if start >= end:
        problems.add("B033", values.at(OUTAGE_TO), f'"to" must come after {show(start)}')
        return None
    return Outage(start, end)


def _edit(node: Node, name: str, problems: Problems) -> Edit | None:
    mapping = as_mapping(node, f'"{name}"', problems)
    if mapping is None:
        return None
    at: datetime | None = None
    remove = False
    keys = []
    for entry in mapping.entries.values():
        match entry.key.text:
            case "at":
                at = INSTANT.read(entry.value, EDIT_AT, problems)
            case "remove":
                remove = bool(YES_NO.read(entry.value, EDIT_REMOVE, problems))
            case word if word in FOR_GOOD:
                problems.add("B033", entry.key, f'an edit cannot change "{word}": a case follows one rule')
            case _:
                keys.append(entry)
    if EDIT_AT not in mapping.entries:
        problems.add("B010", mapping, 'an edit needs "at": from when on, like 2026-08-14T00:00Z')
    if remove and keys:
        problems.add("B033", keys[0].key, "a rule that is removed has no keys")
    if not remove and not mapping.entries.keys() - {EDIT_AT, EDIT_REMOVE}:
        problems.add("B010", mapping, "an edit needs keys of the rule to write anew, or remove: true")
    return None if at is None else Edit(at, tuple(keys), remove, mapping)


def _expectation(node: Node, _name: str, problems: Problems) -> Expectation | None:
    values = EXPECT_KEYS.read(node, "an expectation", problems)
    if values is None:
        return None
    if not values.node.entries.keys() - {AT.name, GROUP.name}:
        problems.add(
            "B010", values.node, "an expectation needs what is expected: state, level, reason, says ..."
        )
    at, severity = values[AT], values[SEVERITY_KEY]
    if at is None:
        return None
    return Expectation(
        at=at,
        place=values.node,
        group=values[GROUP],
        state=values.get(STATE, ""),
        level=values.get(LEVEL, ""),
        severity=severity or "",
        reason=values.get(REASON, ""),
        says=values.get(SAYS, ()),
        silent=values.get(SILENT, ()),
        value=values[VALUE],
        amount=values[AMOUNT],
        messages=values[MESSAGES],
        replies=values[REPLIES],
    )


_OBJECT: dict[str, object] = {"type": "object"}
NAME = Key("name", TEXT, "What the case shows.", required="what the case shows, in a sentence")
RULE = Key("rule", RULE_ID, "The id of the rule.", required="the id of the rule it is about")
SERIES = Key("series", several(Field(_series, _OBJECT)), "More series: other groups, other metrics.")
LIMITS = Key("limits", several(Field(_limit, _OBJECT)), "OpenAI's own hard limits.")
EDIT = Key("edit", several(Field(_edit, _OBJECT)), "The rule from an instant on: {at: ..., amount: 15,000}.")
CLOCK = Key("clock", several(Field(_step, _OBJECT)), "Steps of the machine's clock: {at: ..., back: 10m}.")
MISSING = Key("missing", several(Field(_outage, _OBJECT)), "Polls that fail: {from: ..., to: ...}.")
HISTORY_FROM = Key("history_from", DATE, "The first day that is stored; left out: long before the first day.")
EXPECT = Key(
    "expect", several(Field(_expectation, _OBJECT)), "What must be so, and when.", required="what must be so"
)
CASE_KEYS = Table(
    NAME,
    RULE,
    GROUP,
    METRIC,
    DAYS_KEY,
    REVISE_KEY,
    SERIES,
    LIMITS,
    EDIT,
    CLOCK,
    MISSING,
    HISTORY_FROM,
    EXPECT,
)


def _case(node: Node, name: str, problems: Problems) -> Case | None:
    mapping = as_mapping(node, "a case", problems)
    if mapping is None:
        return None
    before = problems.errors
    written = mapping.entries.get(NAME.name)
    titled = written is not None and isinstance(written.value, Scalar) and written.value.text
    values = CASE_KEYS.read(mapping, f"case {quoted(titled)}" if titled else f'an item of "{name}"', problems)
    if values is None:
        return None
    lines = values.get(SERIES, ())
    edits, steps = values.get(EDIT, ()), values.get(CLOCK, ())
    if values.has(DAYS_KEY):
        own = readings(values, DAYS_KEY, REVISE_KEY, problems)
        lines = (Line(values.get(METRIC, ""), (), own, values.at(DAYS_KEY)), *lines)
    elif values.has(REVISE_KEY):
        problems.add("B033", values.at(REVISE_KEY), '"revise" corrects "days", of which the case has none')
    case = Case(
        name=values.get(NAME, ""),
        rule_id=values.get(RULE, ""),
        rule_place=values.at(RULE),
        place=values.node,
        group=values[GROUP],
        group_place=values.at(GROUP) if values.has(GROUP) else None,
        lines=lines,
        limits=values.get(LIMITS, ()),
        edits=tuple(sorted(edits, key=lambda edit: edit.at)),
        clock=tuple(sorted(steps, key=lambda step: step.at)),
        outages=values.get(MISSING, ()),
        history_from=values[HISTORY_FROM],
        expects=values.get(EXPECT, ()),
    )
    if not any(line.readings for line in case.lines):
        if not values.has(DAYS_KEY) and not values.has(SERIES):
            problems.add("B010", mapping, f'{values.where} needs "days" or "series": figures by day')
        return None
    _check_times(case, values, problems)
    return case if problems.errors == before else None


def _check_times(case: Case, values: Values, problems: Problems) -> None:
    """Tell of what stands before the case begins, or so long after it that it would never be reached."""
    begins = midnight(case.first_day)
    for expectation in case.expects:
        place = expectation.place.entries[AT.name].value
        if expectation.at < begins:
            message = f"{show(expectation.at)} is before the first day of the case, {case.first_day}"
            problems.add("B033", place, message)
        elif expectation.at > begins + LONGEST_WATCH:
            longest = begins + LONGEST_WATCH
            problems.add(
                "B033",
                place,
                f"{show(expectation.at)} is too late: this case may last until {longest.date()}",
            )
    last = max((expectation.at for expectation in case.expects), default=None)
    for edit in case.edits:
        if last is not None and edit.at > last:
            problems.add("W106", edit.place, f"nothing is expected after this edit, at {show(edit.at)}")
    if case.history_from and case.history_from > case.first_day + DAY * 366:
        problems.add("B033", values.at(HISTORY_FROM), '"history_from" is long after the first day')


def _rules(node: Node, name: str, problems: Problems) -> tuple[tuple[str, Node], ...] | None:
    found = []
    for item in getattr(node, "items", (node,)) if not isinstance(node, MappingNode) else (node,):
        text = text_of(item, name, problems)
        if text is not None:
            found.append((text, item))
    return tuple(found)


FILE_RULES = Key("rules", Field(_rules, {"type": "array"}), "Rule files, relative to this file.")
FILE_CASES = Key("cases", several(Field(_case, _OBJECT)), "The cases.", required="a list of cases")
FILE_KEYS = Table(FILE_RULES, FILE_CASES)


def parse(root: Node, problems: Problems) -> CaseFile:
    """Return the cases of a file; those with mistakes are left out, the mistakes are told."""
    values = FILE_KEYS.read(root, "the file", problems)
    if values is None:
        return CaseFile()
    written = values.at(FILE_CASES)
    count = len(getattr(written, "items", (written,))) if values.has(FILE_CASES) else 0
    _tell_of_twins(values.get(FILE_CASES, ()), problems)
    return CaseFile(values.get(FILE_CASES, ()), values.get(FILE_RULES, ()), count)


def _tell_of_twins(cases: tuple[Case, ...], problems: Problems) -> None:
    first: dict[str, Case] = {}
    for case in cases:
        if case.name and case.name in first:
            line = first[case.name].place.line
            problems.add(
                "B030", case.place, f"two cases have the name {quoted(case.name)} (first on line {line})"
            )
        first.setdefault(case.name, case)
