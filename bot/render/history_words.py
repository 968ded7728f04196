"""What has been, in words: of a range, of one alert, of one moment."""

from bot.core.explanation import Delivery
from bot.core.history import Deed, History, Moment, Past
from bot.core.period import show_span
from bot.core.question import Query
from bot.core.status import Standing
from bot.core.units import unit_of
from bot.render import deeds, headlines
from bot.render.blocks import NOTHING
from bot.render.deeds import when
from bot.render.figures import Show, alone, duration, exact, short
from bot.render.headlines import Style


def headline(answer: History, query: Query | None, style: Style) -> str:
    """Return what has been in one sentence, without its full stop."""
    if answer.one is not None:
        return _of_one(answer.one, answer, style)
    assert answer.span is not None
    only = f" ({style.name(' '.join(map(str, query.filters)))})" if query and query.filters else ""
    days = show_span(answer.span)
    count = len(answer.alerts)
    if not count:
        return f"No alert{only}, {days}"
    told = f"{style.bold(f'{count:,} alert' + ('s' if count > 1 else ''))}{only}, {days}: {_still(answer, count)}"
    if answer.unattended == count:
        return f"{told}; nobody acknowledged {'any' if count > 1 else 'it'}"
    if answer.unattended:
        return f"{told}; {answer.unattended:,} of them nobody acknowledged"
    return f"{told}; {'all of them were' if count > 1 else 'it was'} acknowledged"


def _still(answer: History, count: int) -> str:
    if answer.open == count:
        return "all of them are open" if count > 1 else "it is open"
    if answer.open:
        return f"{answer.open:,} still open"
    return "none is open any more" if count > 1 else "it is over"


def _of_one(past: Past, answer: History, style: Style) -> str:
    standing = past.standing
    subject = style.bold(style.name(standing.subject))
    how = ended(past, style)
    stands = f"stood {lasted(past, answer)}" if past.ended_at else f"has stood for {lasted(past, answer)}"
    worst = style.name(highest(past))
    return f"{subject}, {style.name(_period(standing))}: {worst} at its highest; it {stands} ({how})"


def _period(standing: Standing) -> str:
    return headlines.period(standing) or standing.rule_name


def highest(past: Past) -> str:
    """Return `critical 100%`."""
    standing = past.standing
    return f"{standing.severity or ''} {standing.level}".strip() or NOTHING


def lasted(past: Past, answer: History) -> str:
    """Return `19 h 40 min`."""
    return duration(int(past.lasted(answer.now).total_seconds()))


def ended(past: Past, style: Style) -> str:
    """Return why it is over, or how it stands."""
    if past.ended_at:
        return style.name(past.standing.reason)
    return (
        "open"
        if past.standing.state == "firing"
        else f"below every level: {style.name(past.standing.reason)}"
    )


def peak(past: Past, show: Show = short) -> str:
    """Return `$14,020 of $12,000`."""
    standing = past.standing
    unit = unit_of(standing.unit)
    return f"{show(past.peak, unit)} of {alone(standing.amount or 0, unit, show)}"


def after(past: Past) -> str:
    """Return `after 4 min`, `by nobody`."""
    waited = past.acknowledged_after
    return f"after {duration(int(waited.total_seconds()))}" if waited is not None else "by nobody"


def moment_words(moment: Moment, past: Past, who: deeds.Who, quote: deeds.Quote) -> str:
    """Return one thing that happened, without its instant."""
    if moment.what == "silence over":
        mark = moment.after.get("silence", "")
        why = f"taken back by {who(moment.who)}" if moment.who else quote(moment.reason)
        return f"the silence {mark} ended: {why}"
    if moment.what == "silence":
        held = {**moment.after, "reason": moment.reason}
        mark = str(moment.after.get("silence", ""))
        return f"{who(moment.who)} {deeds.act('silence', 'it', {}, held, quote)} ({mark})"
    if moment.value is None:
        deed = Deed(moment.at, moment.who, moment.what, "it", "it", moment.before, moment.after)
        return deeds.done(deed, who, quote)
    unit = unit_of(past.standing.unit)
    level = f" {quote(moment.level)}" if moment.level else ""
    said = f"{moment.what}{level} at {alone(moment.value, unit, exact)}: {quote(moment.reason)}"
    rooms = "; ".join(_delivered(each, quote) for each in moment.deliveries)
    return f"{said} → {rooms or 'said nowhere'}"


def _delivered(each: Delivery, quote: deeds.Quote) -> str:
    where = quote(each.where if each.where.startswith(("#", "@")) else f"#{each.where}")
    if each.state == "sent":
        return f"{where} {when(each.at) if each.at else 'delivered'}"
    why = f", {quote(each.why)}" if each.why else ""
    return f"{where} {each.state}{why}"
