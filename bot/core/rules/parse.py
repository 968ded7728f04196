"""From what rule files hold to a rulebook, or every mistake in them at once."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from bot.core.kinds import KINDS, Reading, reading
from bot.core.rules.book import Problem, Rule, Rulebook
from bot.core.rules.digests import DIGEST_KEYS
from bot.core.rules.fields import choice, text_of
from bot.core.rules.hearing import Read, warn_of_unheard_levels, warn_of_unused
from bot.core.rules.nodes import Mapping as MappingNode
from bot.core.rules.nodes import Node, Scalar, Sequence
from bot.core.rules.problems import Problems, closest, quoted, where_is
from bot.core.rules.routes import QUIET_KEYS, ROUTE_KEYS
from bot.core.rules.rule_keys import ID, KIND, WAS, common_part, mention
from bot.core.rules.sections import (
    CALENDAR_KEYS,
    DEFAULTS,
    PROJECTS,
    TEAM_KEYS,
    Setting,
    read_setting,
)
from bot.core.rules.selecting import named_values
from bot.core.rules.snapshot_check import Mention
from bot.core.rules.table import Field, Key, Table, Values, as_mapping, is_empty


def _as_it_is(node: Node, _name: str, _problems: Problems) -> Node:
    return node


def _section(schema: Mapping[str, object]) -> Field[Node]:
    """Return the field of a section that is read later, with all the files at hand."""
    return Field(_as_it_is, schema)


VERSION = Key(
    "version",
    choice("version of the language", {"1": 1}),
    "The version of the language.",
    required="begin the file with version: 1",
)
SECTIONS = Table(
    VERSION,
    Key("defaults", _section(DEFAULTS.schema), "What holds where a rule says nothing."),
    Key("teams", _section(TEAM_KEYS.by_name), "Who owns which projects."),
    Key("routes", _section(ROUTE_KEYS.by_name), "Where rules speak."),
    Key("quiet", _section(QUIET_KEYS.by_name), "Hours in which only what is critical speaks."),
    Key(
        "digests",
        _section({"type": "array", "items": DIGEST_KEYS.schema}),
        "Reports that are posted on schedule.",
    ),
    Key("calendars", _section(CALENDAR_KEYS.by_name), "Fiscal years."),
    Key("rules", _section({"type": "array"}), "What is watched."),  # of which kinds: see schema.py
)


_KINDS = f"it may be: {', '.join(KINDS)}"


class Parsed(NamedTuple):
    """What the files mean."""

    book: Rulebook | None
    """None when there are errors."""
    problems: tuple[Problem, ...]
    """Sorted by file and line."""
    rules: int
    """How many rules the files hold, right or wrong."""
    mentions: tuple[Mention, ...]
    """The names they write out."""


def parse(
    roots: Iterable[Node],
    problems: Problems,
    *,
    text_hash: str = "",
    complete: bool = True,
    mentioned: bool = True,
) -> Parsed:
    """Return the rulebook of the files whose top-level nodes are given, or every problem.

    `problems` may hold those found on the way here. `complete` is False when a file could not be read. The names
    they write out are gathered for those who want them `mentioned`.
    """
    files = []
    for root in roots:
        values = SECTIONS.read(root, "the file", problems)
        if values is not None:
            files.append({name: value for name, value in values.found.items() if isinstance(value, Node)})
    setting = read_setting(files, problems, complete=complete)
    rules, count = _rules(files, setting, problems)
    warn_of_unheard_levels(rules, setting, problems)
    if setting.complete and not problems.errors:
        warn_of_unused(rules, setting, problems)
    return Parsed(
        book=None if problems.errors else _book(rules, setting, text_hash),
        problems=tuple(sorted(problems.found)),
        rules=count,
        mentions=tuple(_mentions(files, rules)) if mentioned else (),
    )


def _mentions(files: list[dict[str, Node]], rules: list[Read]) -> Iterator[Mention]:
    yield from _team_mentions(files)
    for read in rules:
        yield from read.kind.mentions(read.values, read.rule)


def _rules(files: list[dict[str, Node]], setting: Setting, problems: Problems) -> tuple[list[Read], int]:
    ids: dict[str, Scalar] = {}
    rules: list[Read] = []
    nodes = [
        node for sections in files if "rules" in sections for node in _items(sections["rules"], problems)
    ]
    # First what all of them hold, then what all of them mean: a sixth quicker than both of one after the other.
    held = [found for node in nodes if (found := _values(node, ids, problems)) is not None]
    for kind, values in held:
        common = common_part(values, kind.word, setting, problems)
        rules.append(Read(kind.parse(values, common, setting, problems), values, kind))
    _check_former_ids(rules, ids, problems)
    if any(read.kind.join for read in rules):
        by_id = dict.fromkeys(ids) | {read.rule.id: read.rule for read in rules}
        rules = [_joined(read, by_id, setting, problems) for read in rules]
    return rules, len(nodes)


def _joined(read: Read, by_id: Mapping[str, Rule | None], setting: Setting, problems: Problems) -> Read:
    """Return the rule with what it takes from others, once all are read."""
    if read.kind.join is None:
        return read
    return read._replace(rule=read.kind.join(read.rule, read.values, by_id, setting, problems))


def _items(node: Node, problems: Problems) -> tuple[Node, ...]:
    if isinstance(node, Sequence):
        return tuple(
            item
            for item in node.items
            if type(item) is MappingNode or not is_empty(item, 'an item of "rules" is empty', problems)
        )
    if not (isinstance(node, Scalar) and node.bad):
        problems.add("B011", node, '"rules" takes a list: begin each rule with "- id: ..."')
    return ()


def _values(node: Node, ids: dict[str, Scalar], problems: Problems) -> tuple[Reading, Values] | None:
    """Return a rule's kind and what its keys hold; None, told, when it cannot be read as a rule of any kind."""
    mapping = as_mapping(node, "a rule", problems)
    if mapping is None:
        return None
    written = mapping.entries.get(ID.name)
    name = written.value if written else None
    where = "this rule"
    if isinstance(name, Scalar) and name.text and not name.bad:
        where = f"rule {quoted(name.text)}"
        if name.text in ids:
            first = where_is(ids[name.text])
            problems.add("B030", name, f"two rules have the id {quoted(name.text)} (first at {first})")
        ids.setdefault(name.text, name)
    kind = mapping.entries.get(KIND.name)
    if kind is None:
        problems.add("B010", mapping, f'{where} needs "kind": {", ".join(KINDS)}')
        return None
    if is_empty(kind.value, '"kind" is empty', problems, _KINDS, kind.key):
        return None
    word = text_of(kind.value, "kind", problems)
    if word is not None and word not in KINDS:
        near = closest(word, KINDS)
        message = f"kind {quoted(word)} is not known to this version; it knows: {', '.join(KINDS)}"
        problems.add("B035", kind.value, message, near)
        # A misspelt kind hides none of the rule's other mistakes.
        return _read_as(near, mapping, where, problems) if near else None
    return _read_as(word, mapping, where, problems) if word is not None else None


def _read_as(
    word: str, mapping: MappingNode, where: str, problems: Problems
) -> tuple[Reading, Values] | None:
    kind = reading(word)
    values = kind.keys.read(mapping, where, problems)
    return (kind, values) if values else None


def _check_former_ids(rules: list[Read], ids: dict[str, Scalar], problems: Problems) -> None:
    """Tell of a former id that is still a rule's own, or that two rules claim: whose state would it be?"""
    claimed: dict[str, Node] = {}
    for read in rules:
        for former in read.rule.was:
            place = read.values.at(WAS)
            if former in ids:
                problems.add("B033", place, f"{quoted(former)} is still a rule (at {where_is(ids[former])})")
            elif former in claimed:
                message = f"two rules were {quoted(former)} (first at {where_is(claimed[former])})"
                problems.add("B033", place, message)
            claimed.setdefault(former, place)


def _team_mentions(files: list[dict[str, Node]]) -> Iterator[Mention]:
    for sections in files:
        teams = sections.get("teams")
        for _, team in teams.entries.values() if isinstance(teams, MappingNode) else ():
            if isinstance(team, MappingNode) and PROJECTS.name in team.entries:
                for dimension, place in named_values(team.entries[PROJECTS.name].value, "project"):
                    yield mention(dimension, place)


def _book(rules: list[Read], setting: Setting, text_hash: str) -> Rulebook:
    return Rulebook(
        rules=tuple(read.rule for read in rules),
        teams=tuple(team for _, team in setting.teams.values()),
        routes={name: route for name, (_, route) in setting.routes.items()},
        timezone=setting.timezone,
        default_route=setting.default_route,
        quiets={name: quiet for name, (_, quiet) in setting.quiets.items()},
        digests=setting.digests,
        freshness_poll=setting.freshness[0],
        freshness_data=setting.freshness[1],
        hash=text_hash,
    )
