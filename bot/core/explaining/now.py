"""Why a rule about what is so now says what it says: what is new, how old the data is, OpenAI's own limits."""

from datetime import UTC, datetime
from itertools import accumulate

from bot.core.explaining.working import DayLine, Step, Working
from bot.core.incident import Unjudged
from bot.core.kinds import first_seen, freshness, native_limit
from bot.core.kinds.freshness import instant
from bot.core.kinds.freshness import told as lasting
from bot.core.limited import limited_project
from bot.core.limits import running_month
from bot.core.money import show_usd
from bot.core.period import DAY, show_day
from bot.core.spend import Group
from bot.core.units import USD
from bot.core.view import COST, View

SHOWN = 14


def first_seen_work(rule: first_seen.FirstSeen, view: View, now: datetime, group: Group) -> Working:
    """Return when a group was first seen, after how long, and what it came to since."""
    today = now.astimezone(UTC).date()
    days = view.days(COST, rule.scope)
    word = rule.dimension.replace("_", " ")
    would = (
        f"a {word} that was not seen since {show_day(today - rule.lookback)} and comes to {show_usd(rule.min_amount)}",
    )
    if days is None or not group or group not in days.values:
        count = len(days.values) if days else 0
        return Working((Step(f"{count:,} were seen, and none of them is new"),), would)
    values = days.of(group)
    seen = next((place for place, value in enumerate(values) if value > 0), None)
    if seen is None:
        return Working((Step(f"nothing was spent on it since {show_day(days.first)}"),), would)
    first = days.first + seen * DAY
    last_gap = seen
    for place in range(seen + 1, len(values)):
        if values[place] > 0:
            if place - last_gap > rule.lookback.days:
                seen, first = place, days.first + place * DAY
            last_gap = place
    sums = list(accumulate(values[seen:]))
    reached = next((place for place, value in enumerate(sums) if value >= rule.min_amount), None)
    least = f"{show_usd(rule.min_amount)} since then"
    steps = [
        Step(f"first seen on {show_day(first)}, after {rule.lookback.days} days without it"),
        Step(
            f"{least}: reached on {show_day(first + reached * DAY)}, {show_usd(sums[-1])} by now"
            if reached is not None
            else f"{least}: {show_usd(sums[-1])} by now",
            reached is not None,
        ),
    ]
    if reached is not None:
        until = first + reached * DAY + first_seen.TOLD_FOR
        steps.append(
            Step(f"news for {first_seen.TOLD_FOR.days} days, up to {show_day(until - DAY)}", today < until)
        )
    lines = tuple(
        DayLine(first + place * DAY, (values[seen + place], total))
        for place, total in enumerate(sums)
        if first + place * DAY <= today
    )
    return Working(tuple(steps), would, (("cost", USD), ("sum", USD)), lines[-SHOWN:])


def freshness_work(rule: freshness.Freshness, view: View, now: datetime, _group: Group) -> Working:
    """Return how old the costs are by both measures, and when they would be stale."""
    steps, would = [], []
    for age in freshness.ages(view.sources, now, rule.poll, rule.data):
        what = "since costs were last read" if age.polled else "since the end of the newest day with costs"
        hours = age.of.total_seconds() / 3600
        steps.append(Step(f"{hours:.1f} hours {what}, {lasting(age.allowed)} are allowed", age.stale))
        if not age.stale:
            ends = f"no complete poll before {instant(now - age.of + age.allowed)}"
            late = f"no costs of a newer day before {instant(now - age.of + age.allowed)}"
            would.append(ends if age.polled else late)
    if not steps:
        return Working((Step("no costs were asked for yet"),))
    return Working(tuple(steps), tuple(would))


def native_limit_work(rule: native_limit.NativeLimit, view: View, now: datetime, group: Group) -> Working:
    """Return what OpenAI says of a limit, what is expected of it, and what is spent of it."""
    limit, month = view.limits.of(limited_project(rule, group, view.names) or ""), running_month(now)
    spent = view.within(COST, rule.scope, month).get(group, 0)
    read = f", read {instant(limit.read_at)}" if limit.read_at else ""
    found = [each for each in native_limit.judge(rule, view, now, None) if each.group == group]
    holding = () if not found or isinstance(found[0], Unjudged) else found[0].holding or ()
    if limit.status == "unknown":
        return Working(
            (Step(f"OpenAI's hard limit is not known: {limit.why}"),), ("the limit must be read first",)
        )
    steps = []
    if limit.status == "none" or limit.amount is None:
        steps.append(Step(f"OpenAI has no hard limit here{read}", native_limit.MISSING.label in holding))
    else:
        steps.append(Step(f"OpenAI's hard limit is {show_usd(limit.amount)} a month{read}"))
        to_go = f"{show_usd(limit.amount - spent)} to go" if spent < limit.amount else "reached"
        steps.append(Step(f"{show_usd(spent)} spent in {month.start:%B}: {to_go}"))
        if rule.expect is not None:
            steps.append(Step(f"outside the expected {rule.expect}", native_limit.OUTSIDE.label in holding))
        days = native_limit.AHEAD.days
        steps.append(Step(f"reached within {days} days at this pace", native_limit.CUT_OFF.label in holding))
        steps.append(Step("OpenAI refuses requests because of it", limit.enforcing))
    notes = [each.note for each in found if not isinstance(each, Unjudged) and each.note]
    steps += [Step(note) for note in notes]
    would = []
    if limit.status == "set":
        would = ["OpenAI's limit is taken away", f"the pace reaches it within {native_limit.AHEAD.days} days"]
        if rule.expect is not None:
            would.append(
                f"the limit, or the amount of {rule.expect.rule_id}, is moved out of what is expected"
            )
    return Working(tuple(steps), tuple(would) if not holding else ())
