"""`help`: the few verbs that are taught, the others by name; or everything about one verb."""

from typing import Any

from bot.core.helping import OPERATORS, Help
from bot.core.question import Query
from bot.core.verbs import Verb
from bot.render import blocks
from bot.render.answering import run_button

MORE = "`/budget help VERB` says everything about one. A name alone asks about it: `/budget search-prod`."
SHARED = "Only you see the answer; add `public`, `in #channel` or `to @person` to share it."


def slack(answer: Help, query: Query | None = None) -> dict[str, Any]:
    """Return the answer in Slack."""
    del query
    return _topic(answer, answer.verbs[0]) if answer.topic else _overview(answer)


def _overview(answer: Help) -> dict[str, Any]:
    taught = [
        f"*{each.name}*: {_escaped(each.summary)}\n{_typed(each.examples[0][0])}" for each in answer.taught
    ]
    others = [f"`{each.name}` {_escaped(each.summary)}" for each in answer.others]
    body = [
        blocks.section("\n".join(taught)),
        blocks.divider(),
        blocks.section("\n".join(others)),
        blocks.context(MORE, SHARED),
        blocks.actions(_runs(answer.taught)),
    ]
    first = ", ".join(each.name for each in answer.taught)
    rest = ", ".join(each.name for each in answer.others)
    return blocks.message(_escaped(f"What you can ask first: {first}. And: {rest}."), body)


def _topic(answer: Help, verb: Verb) -> dict[str, Any]:
    lines = [f"*{verb.name}*: {_escaped(verb.summary)}", f"`{_escaped(verb.usage)}`"]
    lines += [f"{_typed(command)} {_escaped(what)}" for command, what in verb.examples]
    filters = _escaped(answer.filters.replace("owner=…", "owner=@me|…"))
    more = [
        f"Ranges, in UTC days: `{answer.ranges}`" if answer.ranges else "",
        f"By: `{answer.dimensions}`" if answer.dimensions else "",
        f"Filters: `{filters}` ({_escaped(OPERATORS)})" if filters else "",
        f"When: `{answer.schedules}`, by your own clocks." if answer.schedules else "",
        f"A silence ends: `{answer.ends}, until over`" if answer.ends else "",
        answer.who,
        SHARED if answer.shared else "",
    ]
    body = [blocks.section("\n".join(lines))]
    if any(more):
        body.append(blocks.context(*[line for line in more if line]))
    if buttons := _runs(answer.verbs):
        body.append(blocks.actions(buttons))
    return blocks.message(_escaped(f"Help on {answer.topic}: {verb.summary}."), body)


def _runs(verbs: tuple[Verb, ...]) -> list[dict[str, Any]]:
    return [
        run_button(verb.name, f"Run: {verb.name}", verb.name)
        for verb in verbs
        if verb.alone and not verb.topics
    ]


def _typed(command: str) -> str:
    return f"`/budget {_escaped(command)}`"


def _escaped(text: str) -> str:
    return blocks.escape(text)


def shell(answer: Help, form: str = "table", query: Query | None = None) -> str:
    """Return the answer as text, whatever the form."""
    del form, query
    if not answer.topic:
        width = max(len(verb.name) for verb in answer.verbs) + 2
        lines = []
        for verb in answer.taught:
            lines.append(f"{verb.name:<{width}}{verb.summary}")
            lines.append(f"{'':<{width}}e.g. {verb.examples[0][0]}")
        lines.append("")
        lines += [f"{verb.name:<{width}}{verb.summary}" for verb in answer.others]
        return "\n".join([*lines, "", "help VERB says everything about one."])
    verb = answer.verbs[0]
    lines = [f"{verb.name} {verb.words(slack=False)}".rstrip(), f"    {verb.summary}"]
    lines += [f"    e.g. {command}: {what}" for command, what in verb.examples]
    more = [
        f"RANGE: {answer.ranges} (UTC days)" if answer.ranges else "",
        f"DIM: {answer.dimensions}" if answer.dimensions else "",
        f"WHEN: {answer.schedules}" if answer.schedules else "",
        f"WHEN: {answer.ends}, until over (the incident is)" if answer.ends else "",
        f"KEY: {answer.filters} ({OPERATORS}; quote > and * for the shell)" if answer.filters else "",
    ]
    return "\n".join([*lines, "", *[line for line in more if line]]).rstrip()
