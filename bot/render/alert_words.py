"""What alerts are made of: the sentence of an incident, its levels, its dates; escaped, ready for mrkdwn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from bot.core.acknowledge import Acknowledgement
from bot.core.incident import Incident, Reason
from bot.core.money import NANO, show_percent, show_usd
from bot.core.period import Span, show_day, show_span
from bot.core.telling import WORDS, Part, Telling, subject
from bot.render import blocks

COLOR = {"critical": blocks.RED, "warning": blocks.AMBER, "info": blocks.BLUE}
EMOJI = {"critical": ":red_circle:", "warning": ":large_yellow_circle:", "info": ":large_blue_circle:"}
WORD = {"critical": "Red", "warning": "Amber", "info": "Info"}
"""Severity in words beside its colour: top-level text is read aloud."""

GREY = "#6e7781"

RUNS = ("day", "week", "rolling")


@dataclass(frozen=True, slots=True)
class Told:
    """An incident and what its card says of it."""

    incident: Incident
    telling: Telling
    notes: tuple[str, ...] = ()
    """What people laid over it: who acknowledged it, that nobody did. Escaped mrkdwn."""


def headline(told: Told) -> str:
    """Return the first line without its emoji, escaped: what, how much, so what."""
    incident, telling = told.incident, told.telling
    who, budget = f"*{blocks.name(subject(telling), 120)}*", _budget(telling)
    sums = figures(incident.value, incident.amount)
    if incident.state == "ended":
        return _ended_headline(told, who, budget, sums)
    if incident.state == "ok":
        why = "after a correction" if incident.reason == Reason.CORRECTED else "since the budget was raised"
        return f"{who} is below every level of {budget} {why}: {sums}"
    run = f", {in_a_row(told)}" if len(incident.days) > 1 else ""
    return f"{who} {_so_what(told, budget, sums)}{run}"


def _so_what(told: Told, budget: str, sums: str) -> str:
    incident, left_for = told.incident, _left_for(told)
    if not incident.amount:
        return f"spent *{usd(incident.value)}*, and {budget} is $0"
    over, course = incident.value - incident.amount, on_course(told)
    if over > 0:
        return f"is *{usd(over)} over* {budget}: {sums}{course}"
    if course:
        share = show_percent(incident.value, incident.amount)
        return f"has used *{share}* of {budget}: *{usd(incident.value)}* of {usd(incident.amount)}{course}"
    share = show_percent(incident.value, incident.amount)
    left = f"{usd(-over)} left{left_for}" if over else f"nothing left{left_for}"
    return f"has used *{share}* of {budget}: *{usd(incident.value)}* of {usd(incident.amount)}, {left}"


def on_course(told: Told) -> str:
    """Return `, on course for *$14,020*, $2,020 over`, where the period is on course past its budget."""
    incident, outlook = told.incident, told.telling.outlook
    if outlook is None or outlook.total <= incident.amount or outlook.total <= incident.value:
        return ""
    over = f", {usd(outlook.total - incident.amount)} over" if incident.value <= incident.amount else ""
    return f", on course for *{usd(outlook.total)}*{over}"


def _ended_headline(told: Told, who: str, budget: str, sums: str) -> str:
    incident, telling = told.incident, told.telling
    match incident.reason:
        case Reason.LATE if incident.value > incident.amount:
            over = usd(incident.value - incident.amount)
            return f"{who} was *{over} over* {budget}, by data that came after its end: {sums}"
        case Reason.LATE:
            return f"{who} passed {levels(true_levels(told))} of {budget}, by data that came after its end: {sums}"
        case Reason.PERIOD_OVER:
            return f"{who} closed {blocks.escape(telling.period)} at {sums}"
        case Reason.RUN_OVER if not incident.days:
            return f"{who} is back to normal; {blocks.escape(telling.period)} was corrected to {sums}"
        case Reason.RUN_OVER:
            peak = f"peak *{usd(peak_of(incident))}* of {usd(incident.amount)}"
            return f"{who} is back below {budget}: {run_words(told)}, {peak}"
    return f"{who} is no longer watched here ({reason_of(told)}): last {sums}"


def figures(value: int, amount: int) -> str:
    """Return `*$1,095* of $1,000, *109%*`."""
    share = f", *{show_percent(value, amount)}*" if amount else ""
    return f"*{usd(value)}* of {usd(amount)}{share}"


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
    known = instant(telling.as_of)
    if telling.period_kind in ("day", "rolling") or known is None or not telling.end:
        return ""
    days = (date.fromisoformat(telling.end) - known.date()).days
    return "" if days < 1 else " for today" if days == 1 else f" for {days} days"


def in_a_row(told: Told) -> str:
    """Return `day 4 in a row`, or `day 4 since 3 Nov` where a run has gaps."""
    days, kind = told.incident.days, told.telling.period_kind
    unit = "week" if kind == "week" else "day"
    step = timedelta(days=7 if kind == "week" else 1)
    if all(later - earlier == step for earlier, later in pairwise(days)):
        return f"{unit} {len(days)} in a row"
    return f"{unit} {len(days)} since {show_day(began(told))}"


def run_words(told: Told) -> str:
    """Return how long a run was: `over on 3 days, 4–6 Nov`."""
    incident, unit = told.incident, "week" if told.telling.period_kind == "week" else "day"
    whole = show_span(Span(began(told), incident.span.end))
    return f"{len(incident.days)} {unit}{'s' if len(incident.days) != 1 else ''} past it, {whole}"


def began(told: Told) -> date:
    """Return the day a run began: of a rolling period, the day up to which it looked."""
    incident = told.incident
    if told.telling.period_kind == "rolling":
        return incident.first_day + (incident.span.last - incident.span.start)
    return incident.first_day


def peak_of(incident: Incident) -> int:
    """Return the highest figure it had, the present one included."""
    return max(incident.peak, incident.value)


def true_levels(told: Told) -> list[str]:
    """Return the levels its figure has reached, lowest first."""
    value = told.incident.value
    return [label for label, at in told.telling.percents if value > 0 and value >= at]


def as_of(telling: Telling) -> str:
    """Return `data as of 22 Nov 13:05 UTC, settles 2 Dec 12:00`: never a figure without its date."""
    known = instant(telling.as_of)
    settles = instant(telling.settles_at)
    said = f"data as of {show_instant(known)} UTC" if known else "data of an unknown date"
    if known and settles and known >= settles:
        return f"{said}, settled"
    return f"{said}, settles {show_instant(settles)} UTC" if settles else said


def reason_of(told: Told) -> str:
    """Return why an incident ended, with the commit where a file made it so."""
    incident, commit = told.incident, told.telling.commit
    by_file = incident.reason in (Reason.RULE_REMOVED, Reason.INACTIVE, Reason.PERIOD_CHANGED)
    return (
        f"{blocks.escape(incident.reason)} in {blocks.name(commit)}"
        if commit and by_file
        else blocks.escape(incident.reason)
    )


def mention(who: str) -> str:
    """Return a mention of a user id or user-group id; a handle stays words, because only ids can be mentioned."""
    if who[:1] in ("U", "W") and who.isalnum() and who.isupper():
        return f"<@{who}>"
    if who[:1] == "S" and who.isalnum() and who.isupper():
        return f"<!subteam^{who}>"
    return f"@{blocks.name(who)}"


def named(who: str) -> str:
    """Return a person as a mention, or by the name they have in the shell."""
    return f"<@{who}>" if who[:1] in ("U", "W") and who.isalnum() and who.isupper() else blocks.name(who)


def acknowledged(given: Acknowledgement) -> str:
    """Return `Acknowledged by @alice at 5 Oct 14:00 UTC`."""
    return f"Acknowledged by {named(given.by)} at {show_instant(given.at)} UTC"


def in_words(span: timedelta) -> str:
    """Return `24 hours`, `3 days`, `45 minutes`."""
    minutes = int(span.total_seconds() // 60)
    for unit, length in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes % length == 0 and (
            minutes > length or length == 1 or (minutes == length and unit != "day")
        ):
            count = minutes // length
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{minutes} minutes"


def part_words(part: Part, total: int) -> str:
    return f"{WORDS[part.dimension]} `{blocks.name(part.name, 80)}` {show_usd(part.amount)} ({show_percent(part.amount, total)})"  # noqa: E501


def levels(labels: Sequence[str]) -> str:
    """Return `50, 80 and 100%`, `$100 and 80%`."""
    if all(label.endswith("%") for label in labels) and len(labels) > 1:
        numbers = [label.removesuffix("%") for label in labels]
        return f"{', '.join(numbers[:-1])} and {numbers[-1]}%"
    words = [blocks.escape(label) for label in labels]
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0] if words else "a level"


def period_days(telling: Telling) -> str:
    if not telling.start:
        return blocks.escape(telling.period)
    days = show_span(Span(date.fromisoformat(telling.start), date.fromisoformat(telling.end)))
    return f"{days} (UTC days)"


def usd(amount: int) -> str:
    """Return whole dollars; cents where they matter."""
    return show_usd(amount, cents=abs(amount) < 100 * NANO and amount % NANO != 0)


def emoji(incident: Incident) -> str:
    if incident.state == "ended" and not incident.late:
        return ":white_circle:"
    if incident.state == "ok":
        return ":large_green_circle:"
    return EMOJI.get(incident.severity, ":white_circle:")


def word(incident: Incident) -> str:
    if incident.state == "ended" and not incident.late:
        return "Ended"
    if incident.state == "ok":
        return "Corrected" if incident.reason == Reason.CORRECTED else "Below"
    return WORD.get(incident.severity, "Note")


def color(incident: Incident) -> str:
    if incident.state == "ended" and not incident.late:
        return GREY
    return blocks.GREEN if incident.state == "ok" else COLOR.get(incident.severity, GREY)


def plain(mrkdwn: str) -> str:
    """Return escaped mrkdwn without our own bold and code marks, for top-level text."""
    return mrkdwn.replace("*", "").replace("`", "")


def url(address: str) -> str:
    return blocks.escape(address).replace("|", "%7C")


def instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def show_instant(at: datetime | None) -> str:
    return f"{at.day} {at:%b %H:%M}" if at else "?"
