"""Why a rule says what it says, in words: for a shell, for machines, and for Slack."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bot.core.dimension import described
from bot.core.explanation import Delivery, Explanation, Laid, Spoken
from bot.core.period import show_day
from bot.core.question import Query
from bot.core.status import Standing
from bot.core.units import unit_of
from bot.render import blocks, headlines
from bot.render.alert_words import named
from bot.render.alerts import EMOJI
from bot.render.answering import asked_at, command, csv_of, dated, file_of, iso, json_of, run_button, warnings
from bot.render.drawn import table
from bot.render.figures import alone, decimal, exact
from bot.render.headlines import PLAIN, Style

DAYS, SLACK_DAYS = 31, 20
"""Days of a table: the latest. json and csv carry every one."""
TOLD, SLACK_TOLD = 12, 6
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
    period = headlines.period(each) if each.span else ""
    one_day = each.span is not None and each.span.days == 1
    when = (
        f" {'on' if one_day else 'in'} {style.name(period)}"
        if period not in ("", "now")
        else f" {period}".rstrip()
    )
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
    return f" {'on' if period == each.period and each.span.days == 1 else 'in'} {style.name(period)}"


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


def overlays(answer: Explanation, style: Style, who: Any) -> list[str]:
    """Return what lies over the alert, a sentence each; `who` writes a person's name."""
    return [_laid(each, style, who) for each in answer.laid]


def _laid(each: Laid, style: Style, who: Any) -> str:
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


def _another(answer: Explanation) -> str:
    if not answer.others:
        return ""
    firing = f", {answer.firing:,} of them firing" if answer.firing else ""
    groups = "another group" if answer.others == 1 else f"{answer.others:,} other groups"
    return f"The rule has {groups}{firing}. Another one is named like this"


# -- a shell, and machines -------------------------------------------------------------------------------


def shell(answer: Explanation, form: str) -> str:
    """Return why, as `table`, `json`, or `csv` of the days."""
    if form == "json":
        return json_of(_body(answer))
    if form == "csv":
        columns = [name for name, _ in answer.working.columns]
        rows = []
        for line in answer.working.days:
            figures = zip(answer.working.columns, line.figures, strict=True)
            rows.append(
                {"day": line.day.isoformat(), "note": line.note}
                | {name: decimal(value, unit) for (name, unit), value in figures}
            )
        return csv_of(["day", *columns, "note"], rows, columns)
    lines = [*(f"Warning: {blocks.clean(note)}" for note in answer.notes), f"{headline(answer, PLAIN)}.", ""]
    facts = list(about(answer, PLAIN))
    if answer.standing.fingerprint:
        facts.append(("Fingerprint", answer.standing.fingerprint))
    lines += [f"{name:<12}{text}" for name, text in facts]
    if answer.present is not None:
        lines.append(f"{'Today':<12}{_today(answer, PLAIN)}")
    for title, said in _parts(answer, PLAIN, blocks.clean, TOLD):
        lines += ["", title, *(f"  {line}" for line in said)]
    if answer.working.days:
        lines += ["", *_days_table(answer)]
    if another := _another(answer):
        lines += ["", f"{another}: budgetbot {answer.another}"]
    as_of = next((source.read_at for source in answer.data.sources if source.name == "costs"), None)
    return "\n".join([*lines, "", asked_at(as_of)])


def _today(answer: Explanation, style: Style) -> str:
    present = answer.present
    if present is None:
        return ""
    figures = f", {style.name(headlines.figures(present, exact))}" if present.amount is not None else ""
    return (
        f"{headlines.state(present)} in {style.name(present.period)}{figures}: {style.name(present.reason)}"
    )


def _parts(answer: Explanation, style: Style, who: Any, most: int) -> Iterator[tuple[str, list[str]]]:
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


def _days_table(answer: Explanation) -> list[str]:
    working = answer.working
    titles = ["day", *(name for name, _ in working.columns), ""]
    right: dict[str, str] = {"align": "right"}
    settings = [{}, *(right for _ in working.columns), {}]
    return list(table([titles, *_day_rows(answer, DAYS)], settings))


def _day_rows(answer: Explanation, most: int) -> list[list[str]]:
    working = answer.working
    shown = working.days[-most:]
    rows = [
        [
            f"{line.day:%a} {show_day(line.day)}",
            *(
                alone(value, unit, exact)
                for (_, unit), value in zip(working.columns, line.figures, strict=True)
            ),
            line.note,
        ]
        for line in shown
    ]
    if (earlier := len(working.days) - len(shown)) > 0:
        rows.insert(0, [f"{earlier} earlier", *["" for _ in working.columns], ""])
    return rows


def _body(answer: Explanation) -> dict[str, Any]:
    each, rule, working = answer.standing, answer.rule, answer.working
    unit = unit_of(each.unit)
    names = dict(zip(each.each, each.group_names, strict=True))
    known = each.amount is not None
    body: dict[str, Any] = {
        "rule": each.rule_id,
        "title": each.rule_name,
        "kind": each.kind,
        "file": answer.origin.file if answer.origin and answer.origin.file else None,
        "line": answer.origin.line if answer.origin and answer.origin.file else None,
        "commit": answer.commit or None,
        "link": (rule.link or None) if rule else None,
        "selects": rule.selects if rule else None,
        "asks": headlines.budget(rule) if rule else None,
        "levels": list(rule.thresholds) if rule else [],
        "fingerprint": each.fingerprint or None,
        "group": described(each.each, each.group, lambda dimension, _value: names[dimension]),
        "period": {"start": each.span.start.isoformat(), "end": each.span.end.isoformat()}
        if each.span
        else None,
        "state": each.state,
        "level": each.level or None,
        "severity": each.severity,
        "value": decimal(each.value, unit) if known else None,
        "amount": decimal(each.amount or 0, unit) if known else None,
        "reason": each.reason,
        "data": {
            "poll": answer.data.poll,
            "polled_at": iso(answer.data.polled_at),
            "complete": answer.data.complete,
            "sources": [
                {
                    "source": source.name,
                    "as_of": iso(source.read_at),
                    "newest_day": source.newest.isoformat() if source.newest else None,
                }
                for source in answer.data.sources
            ],
        },
        "arithmetic": [{"text": step.text, "holds": step.holds} for step in working.steps],
        "would_fire": list(working.would),
        "days": [
            {
                "day": line.day.isoformat(),
                "figures": {
                    name: decimal(value, held)
                    for (name, held), value in zip(working.columns, line.figures, strict=True)
                },
                "note": line.note or None,
            }
            for line in working.days
        ],
        "speaks_in": list(answer.speaks_in),
        "overlays": [
            {
                "what": laid.what,
                "by": laid.by or None,
                "where": laid.where or None,
                "at": iso(laid.at),
                "until": iso(laid.until),
                "why": laid.why or None,
            }
            for laid in answer.laid
        ],
        "told": [
            {
                "fingerprint": spoken.fingerprint,
                "at": iso(spoken.at),
                "transition": spoken.transition,
                "level": spoken.level or None,
                "reason": spoken.reason,
                "value": decimal(spoken.value, unit),
                "poll": spoken.poll,
                "delivered": [
                    {"to": way.where, "state": way.state, "at": iso(way.at), "why": way.why or None}
                    for way in spoken.deliveries
                ],
            }
            for spoken in answer.told
        ],
        "other_groups": answer.others,
    }
    if answer.present is not None:
        body["today"] = {"state": answer.present.state, "level": answer.present.level or None}
    if answer.notes:
        body["notes"] = list(answer.notes)
    return body


# -- Slack -----------------------------------------------------------------------------------------------


def reply(answer: Explanation, query: Query | None) -> dict[str, Any]:
    """Return the message that answers in Slack."""
    each = answer.standing
    mark = f"{EMOJI[each.severity]} " if each.state == "firing" and each.severity else ""
    body = [*warnings(answer.notes), blocks.section(f"{mark}{headline(answer, SLACK)}")]
    facts = [f"*{name}* {text}" for name, text in about(answer, SLACK)]
    if answer.rule is not None and answer.rule.link:
        facts[0] += f" · <{blocks.escape(answer.rule.link)}|in git>"
    if answer.present is not None:
        facts.append(f"*Today* {_today(answer, SLACK)}")
    body.append(blocks.section("\n".join(facts)))
    for title, said in _parts(answer, SLACK, named, SLACK_TOLD):
        body.append(blocks.section("\n".join([f"*{title}*", *said])))
    if answer.working.days:
        titles = ["Day", *(name[:1].upper() + name[1:] for name, _ in answer.working.columns), "Note"]
        right = tuple(range(1, len(titles) - 1))
        body.append(blocks.table(titles, _day_rows(answer, SLACK_DAYS), right=right))
    if another := _another(answer):
        body.append(blocks.context(f"{another}: {command(f'/budget {answer.another}')}"))
    if query and query.format:
        body.append(file_of(query))
    as_of = next((source.read_at for source in answer.data.sources if source.name == "costs"), None)
    asked = f"{command(query.command)} · " if query else ""
    marked = f" · `{each.fingerprint}`" if each.fingerprint else ""
    body.append(blocks.context(f"{asked}{dated(as_of)}, UTC days{marked}"))
    body.append(
        blocks.actions([run_button("status", "Status", "status"), run_button("rules", "Rules", "rules")])
    )
    return blocks.message(f"{headline(answer, SPOKEN)}.", body)
