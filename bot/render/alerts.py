"""Alerts as messages: the card of one incident, or a table of several."""

from collections.abc import Sequence
from typing import Any

from bot.render import alert_blame, alert_buttons, alert_limits, announcements, blocks
from bot.render.alert_tables import overflow, table
from bot.render.alert_words import (
    EMOJI,
    Told,
    as_of,
    color,
    emoji,
    levels,
    mention,
    part_words,
    plain,
    reason_of,
    rule_line,
    url,
    word,
)
from bot.render.kinds import headline, words

__all__ = ["EMOJI", "Told", "card", "mention", "overflow"]

Block = dict[str, Any]


def card(
    told: Sequence[Told],
    revision: int,
    mentions: Sequence[str] = (),
    lines: Sequence[str] = (),
    *,
    card_id: int = 0,
) -> dict[str, Any]:
    """Return the message that holds these incidents: one card, or a table of several, worst first.

    `lines` is what else was held back until it is posted, in escaped mrkdwn. `card_id` is the number by which the
    buttons of a table name it.
    """
    alone = len(told) == 1
    message = _one(told[0], revision, mentions) if alone else table(told, revision, mentions, card_id)
    if lines:
        message["blocks"] = [*message.get("blocks", []), *announcements.held_back(lines)]
    return message


# -- one incident ----------------------------------------------------------------------------------


def _one(told: Told, revision: int, mentions: Sequence[str]) -> dict[str, Any]:
    incident, telling = told.incident, told.telling
    line = headline(told)
    called = f" {' '.join(mention(who) for who in mentions)}" if mentions else ""
    who, cut_off, note = alert_blame.line(told), alert_limits.line(told), _note(told)
    said = [f"{emoji(incident)} {line}{called}", *(words for words in (who, cut_off, note) if words)]
    above = [blocks.section("\n".join(said))]
    above += [blocks.context(why_not)] if (why_not := alert_blame.unknown(told)) else []
    above += [blocks.context(" · ".join(told.notes))] if told.notes else []
    beside: list[Block] = [blocks.fields(*_facts(told))]
    if telling.parts and not alert_blame.repeats(telling.blame, telling.parts):
        mostly = "\n".join(f"• {part_words(part, told)}" for part in telling.parts)
        beside.append(blocks.section(f"*Where it went*\n{mostly}"))
    beside.append(blocks.context(" · ".join(_context(told))))
    beside += alert_buttons.row(told, revision)
    passed = words(told).passed(told)
    # Who only hears the notification should know of every level that was passed at once.
    several = f" Passed {plain(levels(passed))}." if len(passed) > 1 and incident.state == "firing" else ""
    more = "".join(f" {plain(words)}." for words in (alert_blame.person(told), cut_off) if words)
    text = f"{word(incident)}: {plain(line)}.{several}{more} {incident.fingerprint}"
    return blocks.message(text, above, [blocks.attachment(color(incident), plain(line), beside)])


def _facts(told: Told) -> list[str]:
    limit = alert_limits.fact(told)
    return [*words(told).facts(told), *([limit] if limit else [])][: blocks.FIELDS]


def _note(told: Told) -> str:
    note = blocks.clean(told.telling.note)
    return blocks.escape(note[:1].upper() + note[1:]) if words(told).notes else ""


def _context(told: Told) -> list[str]:
    incident, telling = told.incident, told.telling
    said = [rule_line(telling)]
    if telling.owner:
        said.append(f"owner {mention(telling.owner)}")
    elif telling.team:
        said.append(f"team {blocks.name(telling.team)}")
    said.append(as_of(telling))
    if telling.runbook:
        said.append(f"<{url(telling.runbook)}|Runbook>")
    if telling.limits_url:
        said.append(f"<{url(telling.limits_url)}|OpenAI limits>")
    if incident.state == "ended" and not incident.late:
        said.insert(0, f"Ended: {reason_of(told)}")
    said.append(f"`{incident.fingerprint}`")
    return said
