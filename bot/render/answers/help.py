"""`help`: what can be asked, or everything about one verb."""

from typing import Any

from bot.core.helping import OPERATORS, Help
from bot.core.question import Query
from bot.render import blocks
from bot.render.answering import run_button


def slack(answer: Help, query: Query | None = None) -> dict[str, Any]:
    """Return the answer in Slack."""
    del query
    lines = []
    for verb in answer.verbs:
        lines.append(f"*{verb.name}*: {blocks.escape(verb.summary)}")
        examples = verb.examples if answer.topic else verb.examples[:1]
        lines += [f"`/budget {blocks.escape(command)}` {blocks.escape(what)}" for command, what in examples]
        if answer.topic:
            lines.append(f"`{blocks.escape(verb.usage)}`")
    more = [
        f"Ranges, in UTC days: `{answer.ranges}`" if answer.ranges else "",
        f"By: `{answer.dimensions}`" if answer.dimensions else "",
        f"Filters: `{blocks.escape(answer.filters)}` ({blocks.escape(OPERATORS)})" if answer.filters else "",
        f"A silence ends: `{answer.ends}, until over`" if answer.ends else "",
        "Only you see the answer; add `public` to answer in the channel." if answer.shared else "",
    ]
    body = [blocks.section("\n".join(lines))]
    if any(more):
        body.append(blocks.context(*[line for line in more if line]))
    buttons = [
        run_button(verb.name, f"Run: {verb.name}", verb.name)
        for verb in answer.verbs
        if verb.name != "help" and verb.alone
    ]
    if buttons:
        body.append(blocks.actions(buttons))
    known = ", ".join(verb.name for verb in answer.verbs)
    text = (
        f"Help on {answer.topic}: {answer.verbs[0].summary}."
        if answer.topic
        else f"What you can ask: {known}."
    )
    return blocks.message(blocks.escape(text), body)


def shell(answer: Help, form: str = "table", query: Query | None = None) -> str:
    """Return the answer as text, whatever the form."""
    del form, query
    lines: list[str] = []
    for verb in answer.verbs:
        lines.append(f"{verb.usage}")
        lines.append(f"    {verb.summary}")
        lines += [f"    e.g. {command}: {what}" for command, what in (verb.examples if answer.topic else ())]
    more = [
        f"RANGE: {answer.ranges} (UTC days)" if answer.ranges else "",
        f"DIM: {answer.dimensions}" if answer.dimensions else "",
        f"WHEN: {answer.ends}, until over (the incident is)" if answer.ends else "",
        f"KEY: {answer.filters} ({OPERATORS}; quote > and * for the shell)" if answer.filters else "",
    ]
    return "\n".join([*lines, "", *[line for line in more if line]]).rstrip()
