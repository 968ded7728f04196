"""What a backtest prints: what would have been said and when, how much of it each rule and room, and what differs."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.backtest import Backtest, Much, Saying
from bot.core.dimension import described
from bot.core.period import show_day
from bot.core.rules.book import Budget
from bot.render.answering import iso, json_of
from bot.render.blocks import EMPTY, clean
from bot.render.drawn import table
from bot.render.figures import decimal, exact

TOP = 20
"""Alerts a table shows; json carries all."""


def shell(answer: Backtest, form: str, fallback: str) -> str:
    """Return a backtest as `table` or `json`; `fallback` is the channel of rules without any route."""
    if form == "json":
        return json_of(_described(answer, fallback))
    lines = [f"{_first_line(answer)}."]
    openings = answer.told.openings
    if openings:
        lines += ["", *_alerts(answer, openings[-TOP:])]
        if len(openings) > TOP:
            lines.append(f"{len(openings) - TOP:,} others, earlier")
    lines += ["", *_by_rule(answer)]
    if rooms := _by_room(answer, fallback):
        lines += ["", *rooms]
    if answer.difference is not None:
        lines += ["", *differs(answer)]
    if answer.notes:
        lines += ["", *map(clean, answer.notes)]
    return "\n".join(lines)


def much(told: Sequence[Much]) -> list[str]:
    """Return `unusual-spend: 412 series, would have said 9 things in the last 60 days` for each rule."""
    lines = []
    for each in told:
        series = "" if each.series is None else f"{_count(each.series, 'series', 'series')}, "
        things = _count(each.said, "thing") if each.said else "nothing"
        lines.append(
            f"{each.rule_id}: {series}would have said {things} in the last {_count(each.days, 'day')}"
        )
    return lines


def much_described(told: Sequence[Much]) -> list[dict[str, Any]]:
    """Return the same for machines; `series` is null for a rule that looks at no spend."""
    return [
        {"rule": each.rule_id, "series": each.series, "said": each.said, "days": each.days} for each in told
    ]


def sums(answer: Backtest) -> str:
    """Return `3 alerts would start, 1 would stop`."""
    difference = answer.difference
    assert difference is not None
    starts, stops = len(difference.starts), len(difference.stops)
    if not starts and not stops:
        return "no alert would start, and none would stop"
    return f"{_count(starts, 'alert') if starts else 'no alert'} would start, {stops or 'none'} would stop"


def differs(answer: Backtest) -> list[str]:
    """Return what starts and what stops against the rules of a revision, each with why."""
    difference = answer.difference
    assert difference is not None
    lines = [f"Compared with {clean(difference.revision)}: {sums(answer)}."]
    for word, sayings in (("starts", difference.starts), ("stops", difference.stops)):
        if not sayings:
            continue
        rows = [[word, *cells(answer, saying), clean(answer.reason(saying))] for saying in sayings[:TOP]]
        lines += ["", *table(rows, [{}, {}, {}, {}, {}, {"align": "right"}, {}])]
        if len(sayings) > TOP:
            lines.append(f"{len(sayings) - TOP:,} others {'start' if word == 'starts' else 'stop'}")
    return lines


def cells(answer: Backtest, saying: Saying) -> list[str]:
    """Return an alert in cells: when, rule, whom, level, figure of amount."""
    event, rule = saying.event, answer.rule_of(saying)
    against = "of" if isinstance(rule, Budget) else "against"
    return [
        f"{event.at:%Y-%m-%d %H:%M}",
        event.rule_id,
        clean(whom(answer, saying)) or EMPTY,
        event.level,
        f"{exact(event.value, rule.unit)} {against} {exact(saying.incident.amount, rule.unit)}",
    ]


def whom(answer: Backtest, saying: Saying) -> str:
    """Return the group by name: `search-prod · gpt-5.2`; `everything` without one."""
    each = answer.rule_of(saying).scope.each
    group = saying.event.group
    if not group:
        return "everything"
    return " · ".join(answer.names.of(name, value) for name, value in zip(each, group, strict=False))


def _first_line(answer: Backtest) -> str:
    alerts, things = len(answer.told.openings), len(answer.told.sayings)
    told = (
        f"{_count(alerts, 'alert')}, {_count(things, 'thing')} said in all"
        if things
        else "nothing would be said"
    )
    return (
        f"{_count(len(answer.book.rules), 'rule')} over {answer.since:%Y-%m-%d} to {answer.until:%Y-%m-%d %H:%M} UTC: "
        f"{told}"
    )


def _alerts(answer: Backtest, openings: Sequence[Saying]) -> list[str]:
    rows = [["when (UTC)", "rule", "whom", "level", "figure"]]
    rows += [cells(answer, saying) for saying in openings]
    return list(table(rows, [{}, {}, {}, {}, {"align": "right"}]))


def _by_rule(answer: Backtest) -> list[str]:
    rows = [["rule", "alerts", "things said"]]
    counted = sorted(_counted(answer), key=lambda row: (-row[1], -row[2]))
    rows += [[rule_id, f"{alerts:,}", f"{said:,}"] for rule_id, alerts, said in counted[:TOP]]
    lines = list(table(rows, [{}, {"align": "right"}, {"align": "right"}]))
    if len(counted) > TOP:
        lines.append(f"{len(counted) - TOP:,} others")
    return lines


def _counted(answer: Backtest) -> list[tuple[str, int, int]]:
    """Return (rule, alerts, things said) of every rule, also of those that say nothing."""
    found = {rule.id: [0, 0] for rule in answer.book.rules}
    for saying in answer.told.sayings:
        mine = found[saying.event.rule_id]
        mine[0] += saying.event.opens
        mine[1] += 1
    return [(rule_id, alerts, said) for rule_id, (alerts, said) in found.items()]


def _by_room(answer: Backtest, fallback: str) -> list[str]:
    heard = answer.heard(fallback)
    if not heard:
        return []
    weeks = max((answer.until - answer.since).days / 7, 1.0)
    rows = [["channel", "route", "alerts", "a week", "most in a week"]]
    ranked = sorted(heard.items(), key=lambda each: (-each[1].total(), each[0].target))
    for room, by_week in ranked[:TOP]:
        monday, most = max(by_week.items(), key=lambda each: (each[1], each[0]))
        rows.append(
            [
                clean(room.target.address),
                clean(room.route) or EMPTY,
                f"{by_week.total():,}",
                f"{by_week.total() / weeks:.1f}",
                f"{most:,}, from {show_day(monday)} on",
            ]
        )
    right = {"align": "right"}
    lines = list(table(rows, [{}, {}, right, right, {}]))
    if len(ranked) > TOP:
        lines.append(f"{len(ranked) - TOP:,} others")
    return lines


# -- machines --------------------------------------------------------------------------------------------


def _described(answer: Backtest, fallback: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "since": iso(answer.since),
        "until": iso(answer.until),
        "first_poll": iso(answer.first_poll),
        "looks": answer.told.steps,
        "rules": [
            {"rule": rule_id, "alerts": alerts, "said": said, "learning": rule_id in answer.told.learning}
            for rule_id, alerts, said in _counted(answer)
        ],
        "said": [said(answer, saying) for saying in answer.told.sayings],
        "rooms": [
            {
                "channel": room.target.address,
                "route": room.route or None,
                "alerts": by_week.total(),
                "weeks": [
                    {"week": monday.isoformat(), "alerts": count} for monday, count in sorted(by_week.items())
                ],
            }
            for room, by_week in sorted(answer.heard(fallback).items(), key=lambda each: each[0].target)
        ],
        "notes": list(answer.notes),
    }
    if answer.difference is not None:
        body["difference"] = compared(answer)
    return body


def compared(answer: Backtest) -> dict[str, Any]:
    """Return what starts and what stops against the rules of a revision."""
    difference = answer.difference
    assert difference is not None
    return {
        "revision": difference.revision,
        "starts": [_because(answer, saying) for saying in difference.starts],
        "stops": [_because(answer, saying) for saying in difference.stops],
    }


def _because(answer: Backtest, saying: Saying) -> dict[str, Any]:
    return {**said(answer, saying), "because": answer.reason(saying) or None}


def said(answer: Backtest, saying: Saying) -> Mapping[str, Any]:
    """Return one thing that would have been said; figures are exact decimals in the rule's unit."""
    event, incident, rule = saying.event, saying.incident, answer.rule_of(saying)
    unit = rule.unit
    counted = "share" if unit.share else f"usd {unit.word}".strip() if unit.dollars else unit.word
    return {
        "at": iso(event.at),
        "rule": event.rule_id,
        "fingerprint": event.fingerprint,
        "group": described(rule.scope.each, event.group, answer.names.of),
        "period": {"start": incident.span.start.isoformat(), "end": incident.span.end.isoformat()},
        "transition": event.transition,
        "level": event.level or None,
        "severity": event.severity or None,
        "reason": str(event.reason),
        "value": decimal(event.value, unit),
        "amount": decimal(incident.amount, unit),
        "unit": counted,
    }


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
