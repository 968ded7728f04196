"""What `check --routes` prints: who hears what, for people and for programs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bot.core.money import NANO, exact_usd, show_usd
from bot.core.quiet import Quiet
from bot.core.routes import NO_TEAM, Heard, Hearing, Routing
from bot.render.problems import visible


def as_text(routing: Routing) -> str:
    """Return each room with what it hears below it, and at the end what nobody does."""
    lines: list[str] = []
    for hearing in routing.rooms:
        lines += [_room(hearing), *(f"    {line}" for line in _said(hearing)), ""]
    if routing.unheard:
        lines += ["nobody hears", *(f"    {_heard(one)}: {visible(one.why)}" for one in routing.unheard), ""]
    return "\n".join(lines[:-1]) if lines else "There are no rules, so nobody hears anything."


def described(routing: Routing) -> dict[str, Any]:
    """Return the object that `check --routes --format json` adds under `routes`."""
    return {
        "rooms": [_described(hearing) for hearing in routing.rooms],
        "unheard": [{**_described_rule(one), "why": one.why} for one in routing.unheard],
    }


def _room(hearing: Hearing) -> str:
    room, told = hearing.room, []
    if room.target.kind == "webhook":
        only = ", critical only" if room.only == "critical" else f", {room.only} and above"
        floor = "" if room.only == "info" else only
        return visible(f"webhook {room.target.address}: route {room.route}{floor}")
    if hearing.team:
        told.append(f"team {hearing.team}")
    elif room.route:
        told.append(f"route {room.route}")
    else:
        told.append("BUDGETBOT_CHANNEL")
    if room.only != "info":
        told.append("critical only" if room.only == "critical" else f"{room.only} and above")
    if room.only != "critical":
        told.append(f"gathers for {span(room.gather)}")
    if hearing.quiet:
        told.append(_quiet(hearing.quiet))
    if hearing.remind:
        told.append(f"reminds at {hearing.remind:%H:%M}")
    if room.mention:
        told.append(f"mentions {' and '.join(f'@{who}' for who in room.mention)} at critical")
    if hearing.escalate:
        told.append(f"escalates to {hearing.escalate.to} after {span(hearing.escalate.after)}")
    return visible(f"{'@' if hearing.person else '#'}{room.target.address}: {', '.join(told)}")


def _said(hearing: Hearing) -> list[str]:
    lines = [_heard(one) for one in hearing.rules]
    lines += [f"digest {digest}" for digest in hearing.digests]
    lines += [f"what nobody acknowledges in route {visible(route)}" for route in hearing.escalated]
    return [*lines, "the bot's own trouble"] if hearing.ops else lines


def _heard(one: Heard) -> str:
    levels = ", ".join(f"{level.label} {level.severity}".strip() for level in one.levels)
    state = "" if one.active else " (inactive)"
    return visible(f"{one.rule}{state}: {levels}{_of(one.teams)}")


def _of(teams: Sequence[str]) -> str:
    named = [team for team in teams if team != NO_TEAM]
    told = [f"{'teams' if len(named) > 1 else 'team'} {', '.join(named)}"] if named else []
    told += ["what has no team"] if NO_TEAM in teams else []
    return f", of {' and of '.join(told)}" if told else ""


def _quiet(quiet: Quiet) -> str:
    hours = f"{quiet.begins:%H:%M}-{quiet.ends:%H:%M}" if quiet.begins and quiet.ends else ""
    times = " and ".join(part for part in (hours, "weekends" if quiet.weekends else "") if part)
    wake = show_usd(quiet.wake, cents=quiet.wake % NANO != 0)
    return f"quiet {times} (wakes for +{wake})"


def span(length: timedelta) -> str:
    """Return a duration as rule files write it: `30m`, `36h`, `7d`."""
    minutes = length // timedelta(minutes=1)
    if minutes and minutes % (24 * 60) == 0:
        return f"{minutes // (24 * 60)}d"
    return f"{minutes // 60}h" if minutes and minutes % 60 == 0 else f"{minutes}m"


def _described(hearing: Hearing) -> dict[str, Any]:
    room, quiet, escalate = hearing.room, hearing.quiet, hearing.escalate
    hook = room.target.kind == "webhook"
    return {
        "channel": None if hearing.person or hook else room.target.address,
        "user": room.target.address if hearing.person else None,
        "webhook": room.target.address if hook else None,
        "route": room.route or None,
        "team": hearing.team or None,
        "only": room.only,
        "gather": span(room.gather),
        "mention": list(room.mention),
        "quiet": {
            "name": quiet.name,
            "begins": f"{quiet.begins:%H:%M}" if quiet.begins else None,
            "ends": f"{quiet.ends:%H:%M}" if quiet.ends else None,
            "weekends": quiet.weekends,
            "wake_usd": exact_usd(quiet.wake),
        }
        if quiet
        else None,
        "remind": f"{hearing.remind:%H:%M}" if hearing.remind else None,
        "escalate": {"after": span(escalate.after), "to": escalate.to} if escalate else None,
        "rules": [_described_rule(one) for one in hearing.rules],
        "digests": list(hearing.digests),
        "escalated_from": list(hearing.escalated),
        "ops": hearing.ops,
    }


def _described_rule(one: Heard) -> dict[str, Any]:
    """Return a rule as a room hears it; `teams` is null where it hears of all spend, null among them is no team."""
    return {
        "rule": one.rule,
        "active": one.active,
        "teams": [None if team == NO_TEAM else team for team in one.teams] or None,
        "levels": [{"level": level.label or None, "severity": level.severity} for level in one.levels],
    }
