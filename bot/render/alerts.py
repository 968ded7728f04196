"""The words of alerts: cards, tables of several, thread lines, the month's close, the bot's own trouble."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.core.incident import Event, Incident
from bot.core.money import show_percent, show_usd
from bot.core.rules.book import rank
from bot.core.telling import Telling, subject
from bot.render import blocks

COLOR = {"critical": blocks.RED, "warning": blocks.AMBER, "info": blocks.BLUE}
EMOJI = {"critical": ":red_circle:", "warning": ":large_yellow_circle:", "info": ":large_blue_circle:"}
WORD = {"critical": "Red", "warning": "Amber", "info": "Info"}
"""Severity in words beside its colour: top-level text is read aloud."""

GREY = "#6e7781"
TABLE_ROWS = 10
WORDS = {
    "project": "project",
    "line_item": "line item",
    "model": "model",
    "api_key": "key",
    "user": "user",
    "team": "team",
}

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """An incident and what its card says of it."""

    incident: Incident
    telling: Telling


def card(told: Sequence[Told], revision: int, mentions: Sequence[str] = ()) -> dict[str, Any]:
    """Return the message that holds these incidents: one card, or a table of several, worst first."""
    if len(told) == 1:
        return _one(told[0], mentions)
    return _table(sorted(told, key=_worst), revision, mentions)


# -- one incident ----------------------------------------------------------------------------------


def headline(told: Told) -> str:
    """Return the first line without its emoji, escaped: what, how much, so what."""
    incident, telling = told.incident, told.telling
    who = f"*{blocks.name(subject(telling), 120)}*"
    value, amount = show_usd(incident.value, cents=False), show_usd(incident.amount, cents=False)
    share = show_percent(incident.value, incident.amount)
    period = blocks.escape(telling.period)
    if incident.state == "ok":
        return f"{who} is under its {period} budget again after a correction: *{value}* of {amount}, {share}"
    if incident.state == "ended" and telling.period_kind not in RUNS:
        return f"{who} used *{share}* of its {period} budget: *{value}* of {amount}"
    verb = "has passed" if incident.value > incident.amount else "has used"
    if incident.value > incident.amount:
        over = show_usd(incident.value - incident.amount, cents=False)
        return f"{who} {verb} its {period} budget: *{value}* of {amount}, *{share}*, {over} over"
    return f"{who} {verb} *{share}* of its {period} budget: *{value}* of {amount}"


RUNS = ("day", "week", "rolling")


def _one(told: Told, mentions: Sequence[str]) -> dict[str, Any]:
    incident, telling = told.incident, told.telling
    line = headline(told)
    called = f" {' '.join(mention(who) for who in mentions)}" if mentions else ""
    above = [blocks.section(f"{_emoji(incident)} {line}{called}")]
    beside: list[Block] = [blocks.fields(*_facts(told))]
    if telling.parts:
        mostly = "\n".join(f"• {_part(part, incident.value)}" for part in telling.parts)
        beside.append(blocks.section(f"*Where it went*\n{mostly}"))
    beside.append(blocks.context(" · ".join(_context(told))))
    text = f"{_word(incident)}: {_plain(line)}. {incident.fingerprint}"
    return blocks.message(text, above, [blocks.attachment(_color(incident), _plain(line), beside)])


def _facts(told: Told) -> list[str]:
    incident, telling = told.incident, told.telling
    spent = f"*Spent*\n{show_usd(incident.value)} of {show_usd(incident.amount)}"
    facts = [spent, f"*Period*\n{_period(telling)}"]
    if incident.state == "ended" or incident.peak > incident.value:
        facts.append(f"*Peak*\n{show_usd(incident.peak)}  ({show_percent(incident.peak, incident.amount)})")
    if incident.said_levels and incident.state != "ended":
        facts.append(f"*Passed*\n{_levels(incident.said_levels)}")
    if telling.period_kind in RUNS and len(incident.days) > 1:
        unit = "week" if telling.period_kind == "week" else "day"
        facts.append(f"*In a row*\n{unit} {len(incident.days)}, since {incident.first_day}")
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
        words.append(f"<{_url(telling.runbook)}|Runbook>")
    if telling.limits_url:
        words.append(f"<{_url(telling.limits_url)}|OpenAI limits>")
    if incident.state == "ended":
        words.insert(0, _ending(incident))
    words.append(f"`{incident.fingerprint}`")
    return words


def as_of(telling: Telling) -> str:
    """Return `data as of 22 Nov 13:05 UTC, settles 2 Dec 12:00`: never a figure without its date."""
    known = _instant(telling.as_of)
    settles = _instant(telling.settles_at)
    said = f"data as of {_show(known)} UTC" if known else "data of an unknown date"
    if known and settles and known >= settles:
        return f"{said}, settled"
    return f"{said}, settles {_show(settles)}" if settles else said


def _ending(incident: Incident) -> str:
    reason = blocks.escape(incident.reason)
    return f"Ended: {reason}"


# -- several incidents -----------------------------------------------------------------------------


def _table(told: Sequence[Told], revision: int, mentions: Sequence[str]) -> dict[str, Any]:
    gravest = max(
        (each.incident for each in told), key=lambda i: rank(i.severity) if i.state == "firing" else -1
    )
    over = sum(max(0, each.incident.value - each.incident.amount) for each in told)
    count = f"{len(told)} budgets"
    passed = f", by *{show_usd(over, cents=False)}* together" if over else ""
    worst = told[0]
    line = (
        f"*{count}* have passed a level{passed}; worst is *{blocks.name(subject(worst.telling), 80)}* "
        f"at *{show_percent(worst.incident.value, worst.incident.amount)}*"
    )
    rows = [
        [
            f"{_word(each.incident)}",
            subject(each.telling),
            show_percent(each.incident.value, each.incident.amount),
            f"{show_usd(each.incident.value, cents=False)} of {show_usd(each.incident.amount, cents=False)}",
            each.telling.period,
        ]
        for each in told[:TABLE_ROWS]
    ]
    if len(told) > TABLE_ROWS:
        rest = told[TABLE_ROWS:]
        rows.append(
            [
                blocks.NOTHING,
                f"{len(rest)} more, in the thread",
                blocks.NOTHING,
                show_usd(sum(each.incident.value for each in rest), cents=False),
                blocks.NOTHING,
            ]
        )
    called = f" {' '.join(mention(who) for who in mentions)}" if mentions else ""
    above = [
        blocks.section(f"{_emoji(gravest)} {line}{called}"),
        blocks.table(
            ["Level", "Budget", "Used", "Spent", "Period"],
            rows,
            right=(2, 3),
            block_id=f"incidents.{revision}",
        ),
        blocks.context(
            " · ".join(
                [
                    as_of(worst.telling),
                    "each is tracked on its own, its history in the thread",
                    " ".join(f"`{each.incident.fingerprint}`" for each in told[:TABLE_ROWS]),
                ]
            )
        ),
    ]
    return blocks.message(f"{_word(gravest)}: {_plain(line)}.", above)


def overflow(told: Sequence[Told]) -> list[str]:
    """Return the thread lines for incidents that the table has no row for, ten to a line."""
    rest = sorted(told, key=_worst)[TABLE_ROWS:] if len(told) > 1 else []
    lines = [f"• {headline(each)} · `{each.incident.fingerprint}`" for each in rest]
    return ["\n".join(lines[start : start + 10]) for start in range(0, len(lines), 10)]


def _worst(told: Told) -> tuple[int, int, int, str]:
    incident = told.incident
    return (
        -(incident.state == "firing"),
        -rank(incident.severity),
        incident.amount - incident.value,
        incident.fingerprint,
    )


# -- lines in a thread -----------------------------------------------------------------------------


def line(event: Event, told: Told, *, in_table: bool) -> str:
    """Return the thread line of an event, escaped mrkdwn; names its subject where the message has several."""
    incident, telling = told.incident, told.telling
    who = f"*{blocks.name(subject(telling), 120)}*: " if in_table else ""
    value, before = show_usd(event.value), show_usd(event.said_before)
    of = f"{show_usd(incident.amount)} ({show_percent(event.value, incident.amount)})"
    period = blocks.escape(telling.period)
    match event.transition:
        case "fired" | "raised":
            because = f" because {blocks.escape(event.because)}" if event.because else ""
            words = f"passed {_levels(event.passed or (event.level,))}{because}: {value} of {of}"
        case "recrossed":
            words = f"at {blocks.escape(event.level)} again: {value} of {of}"
        case "corrected":
            now = f"back to {blocks.escape(event.level)}" if event.level else "under every level"
            words = f"corrected, {before} → {value}, {now}"
        case "continued":
            unit = "week" if telling.period_kind == "week" else "day"
            words = f"{unit} {len(incident.days)} in a row, well above the ones before: {value} of {of}"
        case "restated":
            new = f", now past {_levels(event.passed)}" if event.passed else ""
            words = f"{period} was restated after its end, {before} → {value}{new}: {show_percent(event.value, incident.amount)} of {show_usd(incident.amount)}"  # noqa: E501
        case "ended":
            words = _end_words(event, incident, period)
    mark = (
        f"{EMOJI.get(event.severity, ':white_circle:')} " if event.transition in ("fired", "raised") else ""
    )
    return f"{mark}{who}{words}"


def _end_words(event: Event, incident: Incident, period: str) -> str:
    total = f"{show_usd(event.value)} of {show_usd(incident.amount)} ({show_percent(event.value, incident.amount)})"
    match event.reason:
        case "the period is over":
            return f"{period} is over: {total}"
        case "run is over":
            days = f"{len(incident.days)} in a row" if len(incident.days) > 1 else "one alone"
            return f"the run is over ({days}), last {period}: {total}; peak {show_usd(incident.peak)}"
        case _:
            return f"{blocks.escape(event.reason)}: last {total}"


def plain_line(event: Event, told: Told) -> str:
    """Return the thread line for logs and terminals, without markup."""
    return _plain(line(event, told, in_table=True))


# -- messages of their own -------------------------------------------------------------------------


def close(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the month's close for one room: totals, and who was over."""
    rows = [tuple(row) for row in body["rows"]]
    over = [row for row in rows if row[1] > row[2]]
    total, amount = sum(row[1] for row in rows), sum(row[2] for row in rows)
    over_words = f"{len(over)} of {len(rows)} budgets were passed" if over else "no budget was passed"
    if len(rows) == 1:
        over_words = "the budget was passed" if over else "the budget was kept"
    said = (
        f"*{blocks.escape(body['month'])}* is closed: *{show_usd(total, cents=False)}* of "
        f"{show_usd(amount, cents=False)} budgeted ({show_percent(total, amount)}), {over_words}"
    )
    cells = [
        [
            name,
            show_usd(value),
            show_usd(of),
            show_percent(value, of),
            f"+{show_usd(value - of)}" if value > of else "",
        ]
        for name, value, of in rows
    ]
    shown = cells[:30]
    if len(cells) > len(shown):
        rest = rows[len(shown) :]
        shown.append(
            [
                f"{len(rest)} others",
                show_usd(sum(r[1] for r in rest)),
                show_usd(sum(r[2] for r in rest)),
                "",
                "",
            ]
        )
    known = _instant(str(body["as_of"]))
    dated = f"Settled · data as of {_show(known)} UTC" if known else "Settled"
    return blocks.message(
        f"{_plain(said)}.",
        [
            blocks.section(f":checkered_flag: {said}"),
            blocks.table(["Budget", "Spent", "Budgeted", "Used", "Over by"], shown, right=(1, 2, 3, 4)),
            blocks.context(f"{dated} · UTC days"),
        ],
    )


def ops(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message about the bot's own trouble, or its recovery: what happened, and what to do."""
    happened, remedy = blocks.escape(str(body["happened"])), blocks.escape(str(body.get("remedy", "")))
    mark = ":white_check_mark:" if body.get("recovered") else ":warning:"
    return blocks.message(
        f"budgetbot: {happened} {remedy}".strip(),
        [blocks.section(f"{mark} *budgetbot*: {happened}" + (f"\n{remedy}" if remedy else ""))],
    )


# -- words -----------------------------------------------------------------------------------------


def mention(who: str) -> str:
    """Return a mention of a user id or user-group id; a handle stays words, because only ids can be mentioned."""
    if who[:1] in ("U", "W") and who.isalnum() and who.isupper():
        return f"<@{who}>"
    if who[:1] == "S" and who.isalnum() and who.isupper():
        return f"<!subteam^{who}>"
    return f"@{blocks.name(who)}"


def _part(part: Any, total: int) -> str:
    return f"{WORDS[part.dimension]} `{blocks.name(part.name, 80)}` {show_usd(part.amount)} ({show_percent(part.amount, total)})"  # noqa: E501


def _levels(labels: Sequence[str]) -> str:
    """Return `50, 80 and 100%`, `$100 and 80%`."""
    if all(label.endswith("%") for label in labels) and len(labels) > 1:
        numbers = [label.removesuffix("%") for label in labels]
        return f"{', '.join(numbers[:-1])} and {numbers[-1]}%"
    words = [blocks.escape(label) for label in labels]
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0] if words else "a level"


def _period(telling: Telling) -> str:
    if not telling.start:
        return blocks.escape(telling.period)
    return f"{blocks.escape(telling.period)} (UTC days from {telling.start})"


def _emoji(incident: Incident) -> str:
    if incident.state == "ended":
        return ":white_circle:"
    if incident.state == "ok":
        return ":large_green_circle:"
    return EMOJI.get(incident.severity, ":white_circle:")


def _word(incident: Incident) -> str:
    if incident.state == "ended":
        return "Ended"
    if incident.state == "ok":
        return "Corrected"
    return WORD.get(incident.severity, "Note")


def _color(incident: Incident) -> str:
    if incident.state == "ended":
        return GREY
    return blocks.GREEN if incident.state == "ok" else COLOR.get(incident.severity, GREY)


def _plain(mrkdwn: str) -> str:
    """Return escaped mrkdwn without our own bold and code marks, for top-level text."""
    return mrkdwn.replace("*", "").replace("`", "")


def _url(address: str) -> str:
    return blocks.escape(address).replace("|", "%7C")


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _show(at: datetime | None) -> str:
    return f"{at.day} {at:%b %H:%M}" if at else "?"
