"""Why a rule says what it says, sentence by sentence, for any room."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from bot.core.explanation import Delivery, Explanation, Laid, Spoken
from bot.core.period import show_day
from bot.core.status import Standing
from bot.core.units import unit_of
from bot.render import blocks, headlines
from bot.render.figures import alone, exact
from bot.render.headlines import Style

Who = Callable[[str], str]
"""Writes a person's name."""

SOURCES = 4
LONG = 400
"""Characters of a sentence that may hold names from outside."""
SLACK = Style(lambda text: blocks.name(text, LONG), "*{}*")
SPOKEN = Style(lambda text: blocks.name(text, LONG))
MARKS = {True: "✓", False: "✗", None: "·"}


def headline(answer: Explanation, style: Style) -> str:
    """Return what the rule says, of whom, and why, without its full stop."""
    each = answer.standing
    rule = style.bold(style.name(each.rule_id))
    whom = style.bold(style.name(each.subject)) if each.group_names else ""
    when = _when(each, style)
    figures = f", {style.name(headlines.figures(each, exact))}" if each.amount is not None else ""
    reason = style.name(each.reason)
    of, for_ = (f" of {whom}", f" for {whom}") if whom else ("", "")
    match each.state:
        case "firing":
            grave = f" ({each.severity})" if each.severity else ""
            said = f"fires at {style.bold(style.name(each.level))}{grave}{for_}"
        case "ok":
            said = f"says nothing{of}"
        case "pending":
            said = f"holds{for_}, and waits"
        case "ended":
            said = f"has ended{for_}"
        case _:
            said = f"is not judged{for_}"
    return f"{rule} {said}{when}{figures}: {reason}"


def _when(each: Standing, style: Style) -> str:
    """Return ` in November`, ` on 20 Oct`, ` now`; '' of no period."""
    if each.span is None:
        return ""
    period = headlines.period(each)
    if period == "now":
        return " now"
    if period == show_day(each.span.start):
        return f" on {style.name(period)}"
    return f" in {'the ' if period[:1].isdigit() and ' ' in period else ''}{style.name(period)}"


def about(answer: Explanation, style: Style) -> Iterator[tuple[str, str]]:
    """Yield (what it is called, what it is) of the rule and the data it was judged by."""
    rule, each = answer.rule, answer.standing
    if rule is not None:
        place = ""
        if answer.origin is not None and answer.origin.file:
            revision = f" in {answer.commit}" if answer.commit else ""
            place = f", {style.name(answer.origin.file)}:{answer.origin.line}{revision}"
        yield "Rule", f"{style.name(rule.title)} ({rule.kind}{place})"
        asks = headlines.budget(rule)
        levels = f", at {style.name(' '.join(rule.thresholds))}" if rule.thresholds else ""
        yield "Asks", f"{style.name(rule.selects)}; {style.name(asks)}{levels}"
    else:
        yield "Rule", f"{style.name(each.rule_name)}: there is no such rule any more"
    if each.group_names:
        pairs = zip(each.each, each.group, each.group_names, strict=True)
        yield (
            "Group",
            ", ".join(
                f"{headlines.words(key)} {style.name(name)}{'' if value in ('', name) else f' ({style.name(value)})'}"
                for key, value, name in pairs
            ),
        )
    data = answer.data
    if data.poll is None or data.polled_at is None:
        yield "Data", "nothing was polled yet"
        return
    complete = "" if data.complete else ", not complete"
    read = [
        f"{source.name.replace('_', ' ')} read {_at(source.read_at)}"
        + (f", newest day {show_day(source.newest)}" if source.newest else "")
        for source in data.sources
        if source.read_at is not None
    ]
    more = f"; {len(read) - SOURCES} more sources" if len(read) > SOURCES else ""
    yield "Data", f"poll {data.poll} of {_at(data.polled_at)}{complete}; {'; '.join(read[:SOURCES])}{more}"
    if answer.speaks_in:
        yield "Speaks in", style.name(", ".join(answer.speaks_in))


def overlays(answer: Explanation, style: Style, who: Who) -> list[str]:
    """Return what lies over the alert, a sentence each; `who` writes a person's name."""
    return [_laid(each, style, who) for each in answer.laid]


def _laid(each: Laid, style: Style, who: Who) -> str:
    until = f" until {_at(each.until)}" if each.until else ""
    where = f" in {style.name(each.where)}" if each.where else ""
    match each.what:
        case "acknowledged":
            return f"acknowledged by {who(each.by)}{f' at {_at(each.at)}' if each.at else ''}"
        case "silenced":
            return f"silenced{until} by {who(each.by)}: {style.name(each.why)}"
        case "quiet":
            return f"quiet hours{where}{until}"
        case "gathered":
            return f"gathered{where}{until}"
        case "below floor":
            return f"not said{where}: it hears {style.name(each.why)} only"
    return "said nowhere: its rule has no route"


def told(each: Spoken, answer: Explanation, style: Style) -> str:
    """Return one decision to speak, and what became of it."""
    unit = unit_of(answer.standing.unit)
    level = f" {style.name(each.level)}" if each.level else ""
    said = f"{_at(each.at)} {each.transition}{level} at {alone(each.value, unit, exact)}: {style.name(each.reason)}"
    other = "" if each.fingerprint == answer.standing.fingerprint else f" ({each.fingerprint})"
    rooms = "; ".join(_delivered(delivery, style) for delivery in each.deliveries)
    return f"{said}{other}{f' → {rooms}' if rooms else ' → said nowhere'}"


def _delivered(each: Delivery, style: Style) -> str:
    where = style.name(each.where if each.where.startswith(("#", "@")) else f"#{each.where}")
    if each.state == "sent":
        return f"{where} {_at(each.at) if each.at else 'delivered'}"
    why = f", {style.name(each.why)}" if each.why else ""
    when = f" until {_at(each.at)}" if each.at and each.state == "waiting" else ""
    return f"{where} {each.state}{when}{why}"


def _at(at: datetime | None) -> str:
    if at is None:
        return "never"
    at = at.astimezone(UTC)
    return f"{show_day(at.date())} {at:%H:%M} UTC"


def another(answer: Explanation) -> str:
    if not answer.others:
        return ""
    if answer.others == 1:
        groups, firing = "another group", ", and it fires" if answer.firing else ""
    else:
        groups = f"{answer.others:,} other groups"
        firing = f", {answer.firing:,} of them firing" if answer.firing else ""
    return f"The rule has {groups}{firing}. Another one is named like this"


def today(answer: Explanation, style: Style) -> str:
    present = answer.present
    if present is None:
        return ""
    figures = f", {style.name(headlines.figures(present, exact))}" if present.amount is not None else ""
    return (
        f"{headlines.state(present)} in {style.name(present.period)}{figures}: {style.name(present.reason)}"
    )


def parts(answer: Explanation, style: Style, who: Who, most: int) -> Iterator[tuple[str, list[str]]]:
    working = answer.working
    if working.steps:
        yield "How it is reckoned", [f"{MARKS[step.holds]} {style.name(step.text)}" for step in working.steps]
    if working.would:
        higher = (
            "What would make it fire higher"
            if answer.standing.state == "firing"
            else "What would make it fire"
        )
        yield higher, [style.name(sentence) for sentence in working.would]
    if answer.laid:
        yield "What lies over it", overlays(answer, style, who)
    if answer.told:
        said = [told(each, answer, style) for each in answer.told[:most]]
        if len(answer.told) > most:
            said.append(f"and {len(answer.told) - most} before")
        yield "What people were told", said
    elif answer.standing.state == "firing":
        yield "What people were told", ["nothing yet: the next poll decides"]
