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

from datetime import timedelta

from bot.core.cases.around import CLOCK, EDITS, LIMITS, OUTAGES
from bot.core.cases.case import Case, CaseFile, Line
from bot.core.cases.expecting import AT, EXPECTATIONS, GROUP
from bot.core.cases.fields import DAYS, REVISE, readings, several, show
from bot.core.dimension import UNATTRIBUTED
from bot.core.period import DAY, midnight
from bot.core.rules.fields import DATE, RULE_ID, TEXT, text_of
from bot.core.rules.metric_keys import METRIC_FIELD
from bot.core.rules.nodes import Mapping as MappingNode
from bot.core.rules.nodes import Node, Scalar
from bot.core.rules.problems import Problems, quoted
from bot.core.rules.table import Field, Key, Table, Values, as_mapping

LONGEST_WATCH = timedelta(days=800)
"""How long after its first day a case may expect something: evaluating takes time."""


METRIC = Key("metric", METRIC_FIELD, "What the figures count: cost, spend, requests ...")
DAYS_KEY = Key("days", DAYS, "Figures by day: {from: 2026-08-01, values: 400x12 5200}.")
REVISE_KEY = Key("revise", REVISE, "What a day's figure becomes, and from when on that is known.")
LABEL_KEYS = tuple(
    Key(dimension, TEXT, f"Whose figures they are, by {dimension.replace('_', ' ')}.")
    for dimension in UNATTRIBUTED
)
SERIES_KEYS = Table(METRIC, *LABEL_KEYS, DAYS_KEY._replace(required="figures by day"), REVISE_KEY)


def _series(node: Node, _name: str, problems: Problems) -> Line | None:
    values = SERIES_KEYS.read(node, "a series", problems)
    if values is None:
        return None
    labels = tuple((key.name, text) for key in LABEL_KEYS if (text := values[key]) is not None)
    return Line(values.get(METRIC, ""), labels, readings(values, DAYS_KEY, REVISE_KEY, problems), values.node)


NAME = Key("name", TEXT, "What the case shows.", required="what the case shows, in a sentence")
RULE = Key("rule", RULE_ID, "The id of the rule.", required="the id of the rule it is about")
SERIES = Key(
    "series", several(Field(_series, SERIES_KEYS.schema)), "More series: other groups, other metrics."
)
LIMITS_KEY = Key("limits", LIMITS, "OpenAI's own hard limits.")
EDIT = Key("edit", EDITS, "The rule from an instant on: {at: ..., amount: 15,000}.")
CLOCK_KEY = Key("clock", CLOCK, "Steps of the machine's clock: {at: ..., back: 10m}.")
MISSING = Key("missing", OUTAGES, "Polls that fail: {from: ..., to: ...}.")
HISTORY_FROM = Key("history_from", DATE, "The first day that is stored; left out: long before the first day.")
EXPECT = Key("expect", EXPECTATIONS, "What must be so, and when.", required="what must be so")
CASE_KEYS = Table(
    NAME,
    RULE,
    GROUP,
    METRIC,
    DAYS_KEY,
    REVISE_KEY,
    SERIES,
    LIMITS_KEY,
    EDIT,
    CLOCK_KEY,
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
    edits, steps = values.get(EDIT, ()), values.get(CLOCK_KEY, ())
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
        limits=values.get(LIMITS_KEY, ()),
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
FILE_CASES = Key("cases", several(Field(_case, CASE_KEYS.schema)), "The cases.", required="a list of cases")
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
