"""What alerts of every kind are made of: their levels, runs and dates; escaped, ready for mrkdwn.

What each kind says in its own words is in `kinds`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from bot.core.acknowledge import Acknowledgement
from bot.core.incident import Incident, Reason
from bot.core.money import show_percent
from bot.core.period import Span, show_day, show_span
from bot.core.silence import Silence
from bot.core.telling import WORDS, Part, Telling, subject
from bot.core.units import USD, Unit, unit_of
from bot.render import blocks
from bot.render.figures import Figures, alone, exact, short

COLOR = {"critical": blocks.RED, "warning": blocks.AMBER, "info": blocks.BLUE}
EMOJI = {"critical": ":red_circle:", "warning": ":large_yellow_circle:", "info": ":large_blue_circle:"}
WORD = {"critical": "Red", "warning": "Amber", "info": "Info"}
"""Severity in words beside its colour: top-level text is read aloud."""

OK: Mapping[str, str] = {Reason.CORRECTED: "Corrected", Reason.FORECAST_CLEARED: "Cleared"}
"""What is not so any more while its period goes on."""

GREY = "#6e7781"

RUNS = ("day", "week", "rolling")


@dataclass(frozen=True, slots=True)
class Told:
    """An incident and what its card says of it."""

    incident: Incident
    telling: Telling
    notes: tuple[str, ...] = ()
    """What people laid over it: who acknowledged it, that nobody did. Escaped mrkdwn."""
    acknowledged: bool = False
    """Somebody looks after it."""
    silenced: bool = False
    """What else there is to say of it is held back."""

    @property
    def unit(self) -> Unit:
        """Return what its figures count."""
        return unit_of(self.telling.unit)

    @property
    def days(self) -> Span | None:
        """Return the days its figures are about; None where nobody wrote them down."""
        telling = self.telling
        start, end = telling.days or (telling.start, telling.end)
        return Span(date.fromisoformat(start), date.fromisoformat(end)) if start and end else None

    @property
    def figures(self) -> Figures:
        """Return what it comes to."""
        incident, telling = self.incident, self.telling
        return Figures(
            telling.kind,
            self.unit,
            incident.value,
            incident.amount,
            incident.foremost,
            self.days if telling.days else None,
            telling.note,
            telling.estimated,
        )

    @property
    def subject(self) -> str:
        """Return what it speaks of, without markup; not escaped."""
        return "OpenAI's costs" if self.telling.kind == "freshness" else subject(self.telling)


def who(told: Told) -> str:
    """Return what it speaks of, in bold."""
    return f"*{blocks.name(told.subject, 120)}*"


def sums(value: int, amount: int, unit: Unit = USD) -> str:
    """Return `*$1,095* of $1,000, *109%*`."""
    share = f", *{show_percent(value, amount)}*" if amount else ""
    return f"*{short(value, unit)}* of {alone(amount, unit)}{share}"


def usd(amount: int) -> str:
    """Return whole dollars; cents where they matter."""
    return short(amount)


def in_a_row(told: Told) -> str:
    """Return `day 4 in a row`, or `day 4 since 3 Nov` where a run has gaps."""
    days, kind = told.incident.days, told.telling.period_kind
    unit = "week" if kind == "week" else "day"
    step = timedelta(days=7 if kind == "week" else 1)
    if all(later - earlier == step for earlier, later in pairwise(days)):
        return f"{unit} {len(days)} in a row"
    return f"{unit} {len(days)} since {show_day(began(told))}"


def run_words(told: Told, what: str) -> str:
    """Return how long a run was: `3 days past it, 4–6 Nov`; `what` it was, follows the days."""
    incident, unit = told.incident, "week" if told.telling.period_kind == "week" else "day"
    whole = show_span(Span(began(told), incident.span.end))
    return f"{len(incident.days)} {unit}{'s' if len(incident.days) != 1 else ''} {what}, {whole}"


def began(told: Told) -> date:
    """Return the day a run began: of a rolling period, the day up to which it looked."""
    incident = told.incident
    if told.telling.period_kind == "rolling":
        return incident.first_day + (incident.span.last - incident.span.start)
    return incident.first_day


def peak_of(incident: Incident) -> int:
    """Return the highest figure it had, the present one included."""
    return max(incident.peak, incident.value)


def as_of(telling: Telling) -> str:
    """Return `data as of 22 Nov 13:05 UTC, settles 2 Dec 12:00`: never a figure without its date."""
    known = instant(telling.as_of)
    settles = instant(telling.settles_at)
    said = f"data as of {show_instant(known)} UTC" if known else "data of an unknown date"
    if telling.estimated > 0:
        said += ", estimated in part"
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


def silenced(by: Silence) -> str:
    """Return `Silenced by @alice until 5 Oct 14:00 UTC: load test · si_3`."""
    over = "it is over, " if by.with_incident else ""
    at_most = " at most" if by.with_incident else ""
    reason = blocks.escape(blocks.clean(by.reason))
    until = f"until {over}{show_instant(by.ends_at)} UTC{at_most}"
    return f":no_bell: Silenced by {named(by.made_by)} {until}: {reason} · `{by.mark}`"


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


def part_words(part: Part, told: Told) -> str:
    """Return `line item `gpt-5.2, output` $8,124.00 (79%)`: where much of the figure went."""
    amount = alone(part.amount, told.unit, exact)
    share = show_percent(part.amount, told.incident.value)
    return f"{WORDS[part.dimension]} `{blocks.name(part.name, 80)}` {amount} ({share})"


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
        return OK.get(incident.reason, "Below")
    return WORD.get(incident.severity, "Note")


def color(incident: Incident) -> str:
    if incident.state == "ended" and not incident.late:
        return GREY
    return blocks.GREEN if incident.state == "ok" else COLOR.get(incident.severity, GREY)


def plain(mrkdwn: str) -> str:
    """Return escaped mrkdwn without our own bold and code marks, for top-level text."""
    return mrkdwn.replace("*", "").replace("`", "")


def rule_line(telling: Telling) -> str:
    """Return the rule by its title, linked to its line in git where one knows how."""
    title = blocks.name(telling.title, 80)
    said = f"Rule <{url(telling.link)}|{title}>" if telling.link else f"Rule *{title}*"
    if not telling.author:
        return said
    return f"{said} (last changed by {blocks.name(telling.author)}, at {blocks.name(telling.commit)})"


def url(address: str) -> str:
    return blocks.escape(address).replace("|", "%7C")


def instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def show_instant(at: datetime | None) -> str:
    return f"{at.day} {at:%b %H:%M}" if at else "?"
