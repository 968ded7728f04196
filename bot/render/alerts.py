"""The words of alerts: cards, tables of several, thread lines, the month's close, the bot's own trouble."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from bot.core.incident import Event, Incident, Reason
from bot.core.money import NANO, show_percent, show_usd
from bot.core.period import Span, show_day, show_span
from bot.core.rules.book import rank
from bot.core.telling import WORDS, Telling, subject
from bot.render import blocks

COLOR = {"critical": blocks.RED, "warning": blocks.AMBER, "info": blocks.BLUE}
EMOJI = {"critical": ":red_circle:", "warning": ":large_yellow_circle:", "info": ":large_blue_circle:"}
WORD = {"critical": "Red", "warning": "Amber", "info": "Info"}
"""Severity in words beside its colour: top-level text is read aloud."""

GREY = "#6e7781"
TABLE_ROWS = 10

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
    who, budget = f"*{blocks.name(subject(telling), 120)}*", _budget(telling)
    figures = _figures(incident.value, incident.amount)
    if incident.state == "ended":
        return _ended_headline(told, who, budget, figures)
    if incident.state == "ok":
        why = "after a correction" if incident.reason == Reason.CORRECTED else "since the budget was raised"
        return f"{who} is below every level of {budget} {why}: {figures}"
    run = f", {_in_a_row(told)}" if len(incident.days) > 1 else ""
    return f"{who} {_so_what(incident, budget, figures, _left_for(told))}{run}"


def _so_what(incident: Incident, budget: str, figures: str, left_for: str) -> str:
    if not incident.amount:
        return f"spent *{_usd(incident.value)}*, and {budget} is $0"
    over = incident.value - incident.amount
    if over > 0:
        return f"is *{_usd(over)} over* {budget}: {figures}"
    share = show_percent(incident.value, incident.amount)
    left = f"{_usd(-over)} left{left_for}" if over else f"nothing left{left_for}"
    return f"has used *{share}* of {budget}: *{_usd(incident.value)}* of {_usd(incident.amount)}, {left}"


def _ended_headline(told: Told, who: str, budget: str, figures: str) -> str:
    incident, telling = told.incident, told.telling
    match incident.reason:
        case Reason.LATE if incident.value > incident.amount:
            over = _usd(incident.value - incident.amount)
            return f"{who} was *{over} over* {budget}, by data that came after its end: {figures}"
        case Reason.LATE:
            return f"{who} passed {_levels(_true_levels(told))} of {budget}, by data that came after its end: {figures}"
        case Reason.PERIOD_OVER:
            return f"{who} closed {blocks.escape(telling.period)} at {figures}"
        case Reason.RUN_OVER if not incident.days:
            return f"{who} is back to normal; {blocks.escape(telling.period)} was corrected to {figures}"
        case Reason.RUN_OVER:
            peak = f"peak *{_usd(_peak(incident))}* of {_usd(incident.amount)}"
            return f"{who} is back below {budget}: {_run(told)}, {peak}"
    return f"{who} is no longer watched here ({_reason(told)}): last {figures}"


def _figures(value: int, amount: int) -> str:
    share = f", *{show_percent(value, amount)}*" if amount else ""
    return f"*{_usd(value)}* of {_usd(amount)}{share}"


def _budget(telling: Telling) -> str:
    """Return `its November budget`, `its budget of 22 Nov`, `its budget of the last 30 days`."""
    period = blocks.escape(telling.period)
    if telling.period_kind == "month" or (
        telling.period_kind in ("quarter", "year") and " from " not in period
    ):
        return f"its {period} budget"
    return f"its budget of {period}"


def _left_for(told: Told) -> str:
    """Return ` for 8 days`: how long what is left must last, today included."""
    telling = told.telling
    known = _instant(telling.as_of)
    if telling.period_kind in ("day", "rolling") or known is None or not telling.end:
        return ""
    days = (date.fromisoformat(telling.end) - known.date()).days
    return "" if days < 1 else " for today" if days == 1 else f" for {days} days"


def _in_a_row(told: Told) -> str:
    """Return `day 4 in a row`, or `day 4 since 3 Nov` where a run has gaps."""
    days, kind = told.incident.days, told.telling.period_kind
    unit = "week" if kind == "week" else "day"
    step = timedelta(days=7 if kind == "week" else 1)
    if all(later - earlier == step for earlier, later in pairwise(days)):
        return f"{unit} {len(days)} in a row"
    return f"{unit} {len(days)} since {show_day(_began(told))}"


def _run(told: Told) -> str:
    """Return how long a run was: `over on 3 days, 4–6 Nov`."""
    incident, unit = told.incident, "week" if told.telling.period_kind == "week" else "day"
    whole = show_span(Span(_began(told), incident.span.end))
    return f"{len(incident.days)} {unit}{'s' if len(incident.days) != 1 else ''} past it, {whole}"


def _began(told: Told) -> date:
    """Return the day a run began: of a rolling period, the day up to which it looked."""
    incident = told.incident
    if told.telling.period_kind == "rolling":
        return incident.first_day + (incident.span.last - incident.span.start)
    return incident.first_day


def _peak(incident: Incident) -> int:
    return max(incident.peak, incident.value)


def _true_levels(told: Told) -> list[str]:
    value = told.incident.value
    return [label for label, at in told.telling.percents if value > 0 and value >= at]


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
    facts = [
        f"*Spent*\n{show_usd(incident.value)} of {show_usd(incident.amount)}",
        f"*Period*\n{_period(telling)}",
    ]
    passed = _true_levels(told)
    if passed:
        facts.append(f"*Passed*\n{_levels(passed)}")
    coming = next(((label, at) for label, at in telling.percents if label not in passed), None)
    if coming and incident.state != "ended":
        at_most = "" if coming[0].startswith("$") else f" at {show_usd(coming[1])}"
        facts.append(f"*Next level*\n{blocks.escape(coming[0])}{at_most}")
    if incident.peak > incident.value:
        facts.append(f"*Peak*\n{show_usd(incident.peak)} ({show_percent(incident.peak, incident.amount)})")
    if len(incident.days) > 1:
        unit = "Weeks" if telling.period_kind == "week" else "Days"
        facts.append(f"*{unit} over*\n{len(incident.days)}, since {show_day(_began(told))}")
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
    if incident.state == "ended" and not incident.late:
        words.insert(0, f"Ended: {_reason(told)}")
    words.append(f"`{incident.fingerprint}`")
    return words


def as_of(telling: Telling) -> str:
    """Return `data as of 22 Nov 13:05 UTC, settles 2 Dec 12:00`: never a figure without its date."""
    known = _instant(telling.as_of)
    settles = _instant(telling.settles_at)
    said = f"data as of {_show(known)} UTC" if known else "data of an unknown date"
    if known and settles and known >= settles:
        return f"{said}, settled"
    return f"{said}, settles {_show(settles)} UTC" if settles else said


def _reason(told: Told) -> str:
    """Return why an incident ended, with the commit where a file made it so."""
    incident, commit = told.incident, told.telling.commit
    by_file = incident.reason in (Reason.RULE_REMOVED, Reason.INACTIVE, Reason.PERIOD_CHANGED)
    return (
        f"{blocks.escape(incident.reason)} in {blocks.name(commit)}"
        if commit and by_file
        else blocks.escape(incident.reason)
    )


# -- several incidents -----------------------------------------------------------------------------


def _table(told: Sequence[Told], revision: int, mentions: Sequence[str]) -> dict[str, Any]:
    alive = [each for each in told if each.incident.state == "firing" or each.incident.late]
    gravest = max((each.incident for each in alive or told), key=lambda i: rank(i.severity))
    rows = [
        [
            _row_state(each.incident),
            subject(each.telling),
            show_percent(each.incident.value, each.incident.amount),
            f"{_usd(each.incident.value)} of {_usd(each.incident.amount)}",
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
        blocks.section(f"{_emoji(gravest)} {line}{called}"),
        blocks.table(
            ["State", "Budget", "Used", "Spent", "Over by", "Period"],
            rows,
            right=(2, 3, 4),
            block_id=f"incidents.{revision}",
        ),
    ]
    if cause := _cause(told):
        above.append(blocks.section(cause))
    notes = [as_of(told[0].telling), "each is tracked on its own, its history in the thread"]
    notes.append(" ".join(f"`{each.incident.fingerprint}`" for each in told[:TABLE_ROWS]))
    above.append(blocks.context(" · ".join(notes)))
    return blocks.message(f"{_word(gravest)}: {_plain(line)}.", above)


def _table_headline(told: Sequence[Told], alive: Sequence[Told]) -> str:
    if not alive:
        return f"*{len(told)} budgets*: all of them ended or were corrected"
    count = (
        f"*{len(told)} budgets* are"
        if len(alive) == len(told)
        else f"*{len(alive)} of {len(told)} budgets* are"
    )
    worst = max(alive, key=lambda each: each.incident.value - each.incident.amount)
    share = show_percent(worst.incident.value, worst.incident.amount)
    of = f"at *{share}*" if worst.incident.amount else f"with *{_usd(worst.incident.value)}* of $0"
    return f"{count} past a level; the furthest is *{blocks.name(subject(worst.telling), 80)}* {of}"


def _row_state(incident: Incident) -> str:
    if incident.state == "firing" or incident.late:
        return f"{_word(incident)}, {incident.level}" if incident.level else _word(incident)
    return _word(incident)


def _over(over: int) -> str:
    return f"+{_usd(over)}" if over > 0 else ""


def _cause(told: Sequence[Told]) -> str:
    """Return the largest part that most of the incidents share; '' when they share none."""
    counts: dict[tuple[str, str], int] = {}
    for each in told:
        for part in each.telling.parts:
            if part.amount * 2 >= each.incident.value:
                counts[part.dimension, part.name] = counts.get((part.dimension, part.name), 0) + 1
    (dimension, name), shared = max(counts.items(), key=lambda item: item[1], default=(("", ""), 0))
    if shared * 3 < len(told) * 2:
        return ""
    how_many = "all of them" if shared == len(told) else f"{shared} of the {len(told)}"
    return (
        f"*One likely cause:* {how_many} spent at least half on {WORDS[dimension]} `{blocks.name(name, 80)}`"
    )


def overflow(told: Sequence[Told]) -> list[str]:
    """Return the thread lines for incidents that the table has no row for, ten to a line."""
    rest = sorted(told, key=_worst)[TABLE_ROWS:] if len(told) > 1 else []
    lines = [f"• {headline(each)} · `{each.incident.fingerprint}`" for each in rest]
    return ["\n".join(lines[start : start + 10]) for start in range(0, len(lines), 10)]


def _worst(told: Told) -> tuple[int, str]:
    """Order by dollars over, so that a row moves only when its money does."""
    incident = told.incident
    return (incident.amount - incident.value, incident.fingerprint)


# -- lines in a thread -----------------------------------------------------------------------------


def line(event: Event, told: Told, *, in_table: bool) -> str:
    """Return the thread line of an event, escaped mrkdwn; names its subject where the message has several."""
    incident, telling = told.incident, told.telling
    who = f"*{blocks.name(subject(telling), 120)}*: " if in_table else ""
    value, before = show_usd(event.value), show_usd(event.said_before)
    share = f" ({show_percent(event.value, incident.amount)})" if incident.amount else ""
    of = f"{value} of {show_usd(incident.amount)}{share}"
    period = blocks.escape(event.period or telling.period)
    day = f"{period}: " if telling.period_kind in RUNS else ""
    because = f" because {_because(event, telling)}" if event.because else ""
    match event.transition:
        case "fired" | "raised":
            words = f"{day}passed {_levels(event.passed or (event.level,))}{because}: {of}"
        case "recrossed":
            words = f"{day}at {blocks.escape(event.level)} again{because}: {of}"
        case "corrected":
            now = f"back to {blocks.escape(event.level)}" if event.level else "below every level"
            words = f"{day}corrected, {before} → {of}, {now}"
        case "continued":
            words = f"{day}{_in_a_row(told)}, 25% or more above the run's peak: {of}"
        case "restated":
            new = f", now past {_levels(event.passed)}" if event.passed else ""
            words = f"{period} changed after its end, {before} → {of}{new}"
        case "ended":
            words = _end_words(event, told, of)
    mark = f"{_mark(event.severity)} " if event.transition in ("fired", "raised") or event.passed else ""
    return f"{mark}{who}{words}"


RUNS = ("day", "week", "rolling")


def _mark(severity: str) -> str:
    """Return a severity as colour and word: neither stands alone."""
    return f"{EMOJI[severity]} {WORD[severity]}:" if severity in EMOJI else ":white_circle:"


def _because(event: Event, telling: Telling) -> str:
    commit = f" in {blocks.name(telling.commit)}" if telling.commit else ""
    return f"{blocks.escape(event.because)}{commit}"


def _end_words(event: Event, told: Told, of: str) -> str:
    incident, period = told.incident, blocks.escape(told.telling.period)
    match event.reason:
        case Reason.PERIOD_OVER:
            return f"{period} is over: {of}"
        case Reason.RUN_OVER:
            return (
                f"the run is over: {_run(told)}, peak {show_usd(_peak(incident))}; the last, {period}: {of}"
            )
    return f"{_reason(told)}: last {of}"


def plain_line(event: Event, told: Told) -> str:
    """Return the thread line for logs and terminals, without markup."""
    return _plain(line(event, told, in_table=True))


# -- messages of their own -------------------------------------------------------------------------


def close(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the month's close for one room: totals, and who was over."""
    rows = [tuple(row) for row in body["rows"]]
    over = [row for row in rows if row[1] > row[2]]
    total, amount = sum(row[1] for row in rows), sum(row[2] for row in rows)
    month = f"*{blocks.escape(body['month'])}* is closed"
    if len(rows) == 1:
        kept = f"*{_usd(total - amount)} over*" if over else "kept"
        said = (
            f"{month}: the budget of *{blocks.name(rows[0][0], 120)}* was {kept}, {_figures(total, amount)}"
        )
    else:
        passed = (
            f"*{len(over)} of {len(rows)} budgets* were passed"
            if over
            else f"all {len(rows)} budgets were kept"
        )
        together = f": {_figures(total, amount)} together" if body.get("rules") == 1 else ""
        said = f"{month}, {passed}{together}"
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
        added = (
            [show_usd(sum(row[place] for row in rest)) for place in (1, 2)]
            if body.get("rules") == 1
            else ["", ""]
        )
        shown.append([f"{len(rest)} others", *added, "", ""])
    known = _instant(str(body["as_of"]))
    dated = f"Settled · data as of {_show(known)} UTC" if known else "Settled"
    above = [
        blocks.section(f":checkered_flag: {said}"),
        blocks.table(["Budget", "Spent", "Budgeted", "Used", "Over by"], shown, right=(1, 2, 3, 4)),
    ]
    if unwatched := [tuple(row) for row in body.get("unwatched", ())]:
        few = ", ".join(f"{blocks.name(project)} {show_usd(value)}" for project, value in unwatched[:10])
        more = f" and {len(unwatched) - 10} more" if len(unwatched) > 10 else ""
        above.append(blocks.section(f"*No monthly budget watches* {few}{more}"))
    above.append(blocks.context(f"{dated} · UTC days"))
    return blocks.message(f"{_plain(said)}.", above)


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
    days = show_span(Span(date.fromisoformat(telling.start), date.fromisoformat(telling.end)))
    return f"{days} (UTC days)"


def _usd(amount: int) -> str:
    """Return whole dollars; cents where they matter."""
    return show_usd(amount, cents=abs(amount) < 100 * NANO and amount % NANO != 0)


def _emoji(incident: Incident) -> str:
    if incident.state == "ended" and not incident.late:
        return ":white_circle:"
    if incident.state == "ok":
        return ":large_green_circle:"
    return EMOJI.get(incident.severity, ":white_circle:")


def _word(incident: Incident) -> str:
    if incident.state == "ended" and not incident.late:
        return "Ended"
    if incident.state == "ok":
        return "Corrected" if incident.reason == Reason.CORRECTED else "Below"
    return WORD.get(incident.severity, "Note")


def _color(incident: Incident) -> str:
    if incident.state == "ended" and not incident.late:
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
