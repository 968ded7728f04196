"""A case meets the rules it is about: which rule, which group, whose figures; and the rules as it edits them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import product

from bot.core.cases.case import Case, Edit, Expectation, Labels, Line
from bot.core.dimension import UNATTRIBUTED, Series, model_of
from bot.core.groups import OTHER
from bot.core.metrics import METRICS
from bot.core.money import LARGEST
from bot.core.rules.book import Rule, Rulebook
from bot.core.rules.metric_keys import unit_of_metric
from bot.core.rules.nodes import Entry, Node, Scalar
from bot.core.rules.nodes import Mapping as MappingNode
from bot.core.rules.nodes import Sequence as SequenceNode
from bot.core.rules.parse import parse as parse_rules
from bot.core.rules.problems import Problems, closest, listed, quoted
from bot.core.rules.select import Pattern
from bot.core.spend import Group, Names

NO_NAMES = Names()
"""In a case a name is its own id."""
FILLS = ("", "a", "x1")
"""What a `*` may stand for where a case leaves out a name its rule selects by a glob."""


@dataclass(frozen=True, slots=True)
class Version:
    """The rules from an instant on; None is from the start."""

    since: datetime | None
    book: Rulebook
    rule: Rule | None
    """None where the case has taken it out."""


@dataclass(frozen=True, slots=True)
class Known:
    """A figure, in nano-dollars or the metric's own unit, from the instant it is known."""

    seen: datetime
    metric: str
    series: int
    day: date
    value: int


@dataclass(frozen=True, slots=True)
class Bound:
    """A case that can be played."""

    case: Case
    versions: tuple[Version, ...]
    series: Mapping[int, Series]
    known: tuple[Known, ...]
    """In the order it becomes known."""
    groups: Mapping[Labels, Group]
    """The groups the case speaks of."""

    def group_of(self, expectation: Expectation) -> Group:
        """Return the group an expectation is about."""
        return self.groups[expectation.group if expectation.group is not None else self.case.group or ()]


def bind(case: Case, roots: Sequence[Node], book: Rulebook, problems: Problems) -> Bound | None:
    """Return the case with its rules, or None where something of it fits none of them, which is told.

    `roots` are the top-level nodes of the rule files that `book` was read from.
    """
    before = problems.errors
    rule = book.rule(case.rule_id)
    if rule is None:
        if case.rule_id:
            ids = [known.id for known in book.rules]
            near = closest(case.rule_id, ids)
            have = "" if near or not 0 < len(ids) <= 12 else f"; there is {listed(ids)}"
            problems.add("B031", case.rule_place, f"there is no rule {quoted(case.rule_id)}{have}", near)
        return None
    versions = (Version(None, book, rule), *_edited(case, roots, problems))
    own = case.group or ()
    groups = {own: _group(rule, case.group, case.group_place or case.place, problems)}
    for expectation in case.expects:
        if expectation.group is not None and expectation.group not in groups:
            place = expectation.place.entries["group"].value
            groups[expectation.group] = _group(rule, expectation.group, place, problems)
    _check_levels(case, versions, problems)
    series: dict[int, Series] = {}
    known: list[Known] = []
    if problems.errors == before:
        for line in case.lines:
            metric = line.metric or rule.metric
            found = _series(line, metric, rule, groups[own], book, problems)
            if found is not None:
                series[len(series)] = found
                known += _figures(line, metric, len(series) - 1, problems)
    if problems.errors > before:
        return None
    return Bound(case, versions, series, tuple(sorted(known, key=lambda one: one.seen)), groups)


# -- which rules ----------------------------------------------------------------------------------------


def _edited(case: Case, roots: Sequence[Node], problems: Problems) -> Iterator[Version]:
    """Yield the rules after each edit; what is wrong with them is told where the edit stands."""
    for edit in case.edits:
        roots = [_with_edit(root, case.rule_id, edit) for root in roots]
        told = Problems()
        book = parse_rules(roots, told).book
        if book is None:
            file = case.place.source.shown
            errors = [problem for problem in told.found if problem.severity == "error"]
            mine = [problem for problem in errors if problem.file == file] or errors[:1]
            problems.found += [replace(problem, file=file) for problem in mine]
            return
        yield Version(edit.at, book, book.rule(case.rule_id))


def _with_edit(root: Node, rule_id: str, edit: Edit) -> Node:
    """Return the file with the rule's keys written anew; a file that does not hold it as it is."""
    if not isinstance(root, MappingNode) or "rules" not in root.entries:
        return root
    key, rules = root.entries["rules"]
    if not isinstance(rules, SequenceNode):
        return root
    items = tuple(
        _written_anew(item, edit) if _is_rule(item, rule_id) else item
        for item in rules.items
        if not (edit.remove and _is_rule(item, rule_id))
    )
    return root._replace(entries={**root.entries, "rules": Entry(key, rules._replace(items=items))})


def _is_rule(node: Node, rule_id: str) -> bool:
    written = node.entries.get("id") if isinstance(node, MappingNode) else None
    return written is not None and isinstance(written.value, Scalar) and written.value.text == rule_id


def _written_anew(node: Node, edit: Edit) -> Node:
    assert isinstance(node, MappingNode)
    return node._replace(entries={**node.entries, **{entry.key.text: entry for entry in edit.keys}})


def _check_levels(case: Case, versions: Sequence[Version], problems: Problems) -> None:
    """Tell of a level that the rule never has."""
    for expectation in case.expects:
        known = {label for version in versions for label in _levels(version.rule)}
        if expectation.level and known and expectation.level not in known:
            near = closest(expectation.level, known)
            have = "" if near else f"; it has {listed(sorted(known))}"
            place = expectation.place.entries["level"].value
            problems.add(
                "B031",
                place,
                f"rule {quoted(case.rule_id)} has no level {quoted(expectation.level)}{have}",
                near,
            )


def _levels(rule: Rule | None) -> tuple[str, ...]:
    return tuple(level.label for level in getattr(rule, "thresholds", ()))


# -- which group ----------------------------------------------------------------------------------------


def _group(rule: Rule, labels: Labels | None, place: Node, problems: Problems) -> Group:
    """Return the ids of a group that is written by names."""
    each = rule.scope.each
    written = dict(labels or ())
    if "" in written and len(each) == 1:
        written = {each[0]: written[""]}
    missing = [dimension for dimension in each if dimension not in written]
    if missing or "" in written:
        example = ", ".join(f"{dimension}: ..." for dimension in each)
        asked = (
            f"is judged for each {' and '.join(each)}: write group: {{{example}}}"
            if each
            else "has one group"
        )
        problems.add("B033", place, f"rule {quoted(rule.id)} {asked}")
        return ()
    for dimension in written.keys() - set(each):
        what = f"judged for each {' and '.join(each)}" if each else "judged as a whole"
        problems.add("B033", place, f"rule {quoted(rule.id)} is {what}, not for each {dimension}")
    return tuple(_id(dimension, written[dimension]) for dimension in each)


def _id(dimension: str, name: str) -> str:
    return "" if name.casefold() == UNATTRIBUTED[dimension] else name


# -- whose figures --------------------------------------------------------------------------------------


def _series(
    line: Line, metric: str, rule: Rule, group: Group, book: Rulebook, problems: Problems
) -> Series | None:
    """Return the series of a line: what it says itself, then the case's group, then what its rule selects."""
    said = {dimension: _id(dimension, name) for dimension, name in line.labels}
    own = {d: value for d, value in zip(rule.scope.each, group, strict=True) if value != OTHER}
    settled = {**own, **said}
    open_ = [
        (dimension, [name for pattern in patterns for name in _names(pattern)])
        for dimension, patterns in rule.scope.select.terms
        if dimension not in settled
    ]
    first: Series | None = None
    for chosen in product(*(names or [""] for _, names in open_)):
        values = {**settled, **dict(zip((dimension for dimension, _ in open_), chosen, strict=True))}
        series = _as_series(values, metric, book)
        if series is None:
            continue
        first = first or series
        if _admitted(series, values, rule, book, own if not said else {}):
            return series
    if said and first is not None:
        return first  # whose figures the case says itself need not be the rule's
    problems.add(
        "B033",
        line.place,
        f"these are no figures that rule {quoted(rule.id)} looks at: write series: with the names they belong to",
    )
    return None


def _names(pattern: Pattern) -> list[str]:
    """Return names that a pattern of a rule stands for; none of a regular expression."""
    if pattern.regex:
        return []
    filled = (pattern.text.replace("*", fill).replace("?", "a") for fill in FILLS)
    return list(dict.fromkeys(name for name in filled if name and not name.endswith("-")))


def _as_series(values: Mapping[str, str], metric: str, book: Rulebook) -> Series | None:
    """Return the series with these dimension values; None where no series has them all."""
    project = values.get("project", "")
    if "team" in values and "project" not in values:
        found = _project_of(values["team"], book)
        if found is None:
            return None
        project = found
    shared = Series(project_id=project, api_key_id=values.get("api_key", ""), user_id=values.get("user", ""))
    if metric not in METRICS:
        model, item = values.get("model", ""), values.get("line_item", "")
        return replace(shared, line_item=item or (f"{model}, output" if model else ""))
    return replace(
        shared,
        endpoint=METRICS[metric].sources[0],
        model=values.get("model", ""),
        batch=values.get("batch", ""),
        service_tier=values.get("service_tier", ""),
        size=values.get("size", ""),
        source=values.get("source", ""),
        vector_store_id=values.get("vector_store", ""),
        context_level=values.get("context_level", ""),
        api_source=values.get("api_source", ""),
    )


def _project_of(team: str, book: Rulebook) -> str | None:
    """Return the name of a project that belongs to a team; '' for the lack of a team."""
    known = book.team(team)
    patterns = known.projects if known else ()
    for name in (name for pattern in patterns for name in _names(pattern)):
        if book.team_of(name, name) == team:
            return name
    return None if team else ""


def _admitted(
    series: Series, values: Mapping[str, str], rule: Rule, book: Rulebook, own: Mapping[str, str]
) -> bool:
    """Tell whether a rule looks at a series, and under which group."""
    project = series.project_id
    seen = {dimension: values.get(dimension, "") for dimension in rule.scope.dimensions}
    seen["project"] = project
    seen["team"] = book.team_of(project, project) if project else ""
    seen["line_item"] = series.line_item
    seen["model"] = series.model or model_of(series.line_item, {values.get("model", "")} - {""})
    if any(seen[dimension] != value for dimension, value in own.items()):
        return False
    return rule.scope.admits(seen, NO_NAMES.of)


def _figures(line: Line, metric: str, series: int, problems: Problems) -> Iterator[Known]:
    unit = unit_of_metric(metric)
    told = False
    for reading in line.readings:
        value = reading.figure * unit.scale
        if not told and (value != value.to_integral_value() or abs(value) > LARGEST):
            told = True
            what = "more than can be stored" if abs(value) > LARGEST else f"not a whole number of {unit.word}"
            problems.add("B022", reading.place, f"{reading.figure} is {what}")
        yield Known(reading.seen, metric, series, reading.day, int(value))


def in_unit(figure: Decimal, rule: Rule) -> int:
    """Return a figure as a rule counts it."""
    return int(figure * rule.unit.scale)
