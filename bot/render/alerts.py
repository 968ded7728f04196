"""Alerts as messages: the card of one incident, or a table of several."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from bot.core.incident import Incident
from bot.core.money import show_percent, show_usd
from bot.core.period import DAY, show_day
from bot.core.rules.book import rank
from bot.core.telling import WORDS, subject
from bot.render import announcements, blocks
from bot.render.alert_words import (
    EMOJI,
    Told,
    as_of,
    began,
    color,
    emoji,
    headline,
    instant,
    levels,
    mention,
    part_words,
    period_days,
    plain,
    reason_of,
    true_levels,
    url,
    usd,
    word,
)

__all__ = ["EMOJI", "Told", "card", "mention", "overflow"]

TABLE_ROWS = 10
SHARED = 3
"""Fewer incidents than this share something by chance."""

Block = dict[str, Any]


def card(
    told: Sequence[Told], revision: int, mentions: Sequence[str] = (), lines: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the message that holds these incidents: one card, or a table of several, worst first.

    `lines` is what else was held back until it is posted, in escaped mrkdwn.
    """
    worst_first = sorted(told, key=_worst)
    message = _one(told[0], mentions) if len(told) == 1 else _table(worst_first, revision, mentions)
    if lines:
        message["blocks"] = [*message.get("blocks", []), *announcements.held_back(lines)]
    return message


# -- one incident ----------------------------------------------------------------------------------


def _one(told: Told, mentions: Sequence[str]) -> dict[str, Any]:
    incident, telling = told.incident, told.telling
    line = headline(told)
    called = f" {' '.join(mention(who) for who in mentions)}" if mentions else ""
    above = [blocks.section(f"{emoji(incident)} {line}{called}")]
    above += [blocks.context(" · ".join(told.notes))] if told.notes else []
    beside: list[Block] = [blocks.fields(*_facts(told))]
    if telling.parts:
        mostly = "\n".join(f"• {part_words(part, incident.value)}" for part in telling.parts)
        beside.append(blocks.section(f"*Where it went*\n{mostly}"))
    beside.append(blocks.context(" · ".join(_context(told))))
    passed = true_levels(told)
    # Who only hears the notification should know of every level that was passed at once.
    several = f" Passed {plain(levels(passed))}." if len(passed) > 1 and incident.state == "firing" else ""
    text = f"{word(incident)}: {plain(line)}.{several} {incident.fingerprint}"
    return blocks.message(text, above, [blocks.attachment(color(incident), plain(line), beside)])


def _facts(told: Told) -> list[str]:
    incident, telling = told.incident, told.telling
    facts = [
        f"*Spent*\n{show_usd(incident.value)} of {show_usd(incident.amount)}",
        f"*Period*\n{period_days(telling)}",
    ]
    passed = true_levels(told)
    if passed:
        facts.append(f"*Passed*\n{levels(passed)}")
    coming = next(((label, at) for label, at in telling.percents if label not in passed), None)
    if coming and incident.state != "ended":
        at_most = "" if coming[0].startswith("$") else f" at {show_usd(coming[1])}"
        facts.append(f"*Next level*\n{blocks.escape(coming[0])}{at_most}")
    facts += _ahead(told)
    if incident.peak > incident.value:
        facts.append(f"*Peak*\n{show_usd(incident.peak)} ({show_percent(incident.peak, incident.amount)})")
    if len(incident.days) > 1:
        unit = "Weeks" if telling.period_kind == "week" else "Days"
        facts.append(f"*{unit} over*\n{len(incident.days)}, since {show_day(began(told))}")
    return facts


def _ahead(told: Told) -> list[str]:
    """Return what the period is on course for; once it is over, what it was."""
    incident, outlook = told.incident, told.telling.outlook
    if outlook is None or not told.telling.end:
        return []
    share = show_percent(outlook.total, incident.amount)
    if incident.state == "ended":
        said = show_day(date.fromisoformat(outlook.settled_until))
        return [f"*Forecast was*\n{usd(outlook.total)} ({share}), by the days before {said}"]
    last = show_day(date.fromisoformat(told.telling.end) - DAY)
    facts = [f"*Forecast, {last}*\n{usd(outlook.total)} ({share}), {usd(outlook.low)} to {usd(outlook.high)}"]
    runs_out = instant(outlook.runs_out_at)
    if runs_out is not None:
        facts.append(f"*Runs out*\n{show_day(runs_out.date())}, about {runs_out:%H}:00 UTC")
    return facts


def _context(told: Told) -> list[str]:
    incident, telling = told.incident, told.telling
    words = [f"Rule *{blocks.name(telling.title, 80)}*"]
    if telling.link:
        words = [f"Rule <{telling.link}|{blocks.name(telling.title, 80)}>"]
    if telling.owner:
        words.append(f"owner {mention(telling.owner)}")
    elif telling.team:
        words.append(f"team {blocks.name(telling.team)}")
    words.append(as_of(telling))
    if telling.runbook:
        words.append(f"<{url(telling.runbook)}|Runbook>")
    if telling.limits_url:
        words.append(f"<{url(telling.limits_url)}|OpenAI limits>")
    if incident.state == "ended" and not incident.late:
        words.insert(0, f"Ended: {reason_of(told)}")
    words.append(f"`{incident.fingerprint}`")
    return words


# -- several incidents -----------------------------------------------------------------------------


def _table(told: Sequence[Told], revision: int, mentions: Sequence[str]) -> dict[str, Any]:
    alive = [each for each in told if each.incident.state == "firing" or each.incident.late]
    gravest = max((each.incident for each in alive or told), key=lambda i: rank(i.severity))
    rows = [
        [
            _row_state(each.incident),
            subject(each.telling),
            show_percent(each.incident.value, each.incident.amount),
            f"{usd(each.incident.value)} of {usd(each.incident.amount)}",
            _over(each.incident.value - each.incident.amount),
            each.telling.period,
        ]
        for each in told[:TABLE_ROWS]
    ]
    if len(told) > TABLE_ROWS:
        rest = [each.incident for each in told[TABLE_ROWS:]]
        over = sum(max(0, incident.value - incident.amount) for incident in rest)
        rows.append(["", f"{len(rest)} more, in the thread", "", "", _over(over), ""])
    line = _table_headline(told, alive)
    called = f" {' '.join(mention(who) for who in mentions)}" if mentions else ""
    above = [
        blocks.section(f"{emoji(gravest)} {line}{called}"),
        blocks.table(
            ["State", "Budget", "Used", "Spent", "Over by", "Period"],
            rows,
            right=(2, 3, 4),
            block_id=f"incidents.{revision}",
        ),
    ]
    if shared := _in_common(alive):
        above.append(blocks.section(shared))
    laid_over = [
        f"{blocks.name(subject(each.telling), 80)}: {note}"
        for each in told[:TABLE_ROWS]
        for note in each.notes
    ]
    if laid_over:
        above.append(blocks.context("\n".join(laid_over)))
    notes = [as_of(told[0].telling), "each is tracked on its own, its history in the thread"]
    notes.append(" ".join(f"`{each.incident.fingerprint}`" for each in told[:TABLE_ROWS]))
    above.append(blocks.context(" · ".join(notes)))
    return blocks.message(f"{word(gravest)}: {plain(line)}.", above)


def _table_headline(told: Sequence[Told], alive: Sequence[Told]) -> str:
    if not alive:
        return f"*{len(told)} budgets*: all of them ended or were corrected"
    count = (
        f"*{len(told)} budgets* are"
        if len(alive) == len(told)
        else f"*{len(alive)} of {len(told)} budgets* are"
    )
    worst = max(alive, key=lambda each: (_ratio(each.incident), each.incident.value))
    share = show_percent(worst.incident.value, worst.incident.amount)
    of = f"at *{share}*" if worst.incident.amount else f"with *{usd(worst.incident.value)}* of $0"
    return f"{count} past a level; the furthest is *{blocks.name(subject(worst.telling), 80)}* {of}"


def _ratio(incident: Incident) -> float:
    return incident.value / incident.amount if incident.amount else float("inf")


def _row_state(incident: Incident) -> str:
    if incident.state == "firing" or incident.late:
        return f"{word(incident)}, {incident.level}" if incident.level else word(incident)
    return word(incident)


def _over(over: int) -> str:
    return f"+{usd(over)}" if over > 0 else ""


def _in_common(told: Sequence[Told]) -> str:
    """Return the part on which most of three or more incidents spent at least half; '' when they share none."""
    counts: dict[tuple[str, str], int] = {}
    for each in told:
        for part in each.telling.parts:
            if part.amount * 2 >= each.incident.value:
                counts[part.dimension, part.name] = counts.get((part.dimension, part.name), 0) + 1
    (dimension, name), shared = max(counts.items(), key=lambda item: item[1], default=(("", ""), 0))
    if shared < SHARED or shared * 3 < len(told) * 2:
        return ""
    how_many = "all of them" if shared == len(told) else f"{shared} of the {len(told)}"
    return f"*In common:* {how_many} spent at least half on {WORDS[dimension]} `{blocks.name(name, 80)}`"


def overflow(told: Sequence[Told]) -> list[str]:
    """Return the thread lines for incidents that the table has no row for, ten to a line."""
    rest = sorted(told, key=_worst)[TABLE_ROWS:] if len(told) > 1 else []
    lines = [f"• {headline(each)} · `{each.incident.fingerprint}`" for each in rest]
    return ["\n".join(lines[start : start + 10]) for start in range(0, len(lines), 10)]


def _worst(told: Told) -> tuple[int, str]:
    """Order by dollars over, so that a row moves only when its money does."""
    incident = told.incident
    return (incident.amount - incident.value, incident.fingerprint)
