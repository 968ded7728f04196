"""Slack as the bot finds it: who we are there, what we may do, where we may speak, whether it takes our forms."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from bot.core.audience import audience, called, is_id, is_person
from bot.core.health import Finding
from bot.core.rules.book import Rulebook, Team
from bot.core.spend import Names
from bot.edge.slack import ChannelInfo, Slack, SlackTrouble
from bot.edge.slack_app import socket_trouble
from bot.edge.slack_clock import slack_skew
from bot.manifest import OPTIONAL, REQUIRED
from bot.settings import FROM, Settings

SKEW = timedelta(minutes=5)
"""Further off, and Slack refuses our signatures and we look for our own messages at the wrong hour."""
PEOPLE = 40
"""Owners who are looked up one by one."""
INVITE = "In Slack, type /invite in it and choose the app."
ROLES = ("BUDGETBOT_OPERATORS", "BUDGETBOT_ADMINS")


def reached(slack: Slack) -> tuple[Finding, frozenset[str] | None] | Finding:
    """Return who we are with what we may do; or what is wrong with the token."""
    try:
        who = slack.whoami()
    except SlackTrouble as failed:
        remedy = "See that the token is of an installed app."
        if failed.kind in ("passing", "uncertain"):
            remedy = "Slack did not answer: try again."
        return Finding("Slack", "wrong", f"{failed.code} ({failed.kind})", remedy)
    return Finding("Slack", "ok", f"workspace {who.team} ({who.team_id}), as {who.user_id}"), who.scopes


def scopes(granted: frozenset[str] | None) -> Iterator[Finding]:
    """Look at what was granted: what must be, and what is off without what may be."""
    if granted is None:
        yield Finding("Slack scopes", "note", "Slack did not say which the token has")
        return
    if missing := [scope for scope in REQUIRED if scope not in granted]:
        said = "missing: " + "; ".join(f"{scope} ({REQUIRED[scope]})" for scope in missing)
        yield Finding(
            "Slack scopes", "wrong", said, "Add them to the app (budgetbot manifest) and install it again."
        )
    else:
        yield Finding("Slack scopes", "ok", "all that are needed")
    off: dict[str, list[str]] = {}
    for scope, without in OPTIONAL.items():
        if scope not in granted:
            off.setdefault(without, []).append(scope)
    for without, absent in off.items():
        remedy = "Allow it when you install the app again, if you want that."
        yield Finding(f"Slack scope {', '.join(absent)}", "note", f"not granted: {without}", remedy)
    if more := sorted(granted - REQUIRED.keys() - OPTIONAL.keys()):
        said = f"{', '.join(more)}: granted, and nothing needs them"
        yield Finding("Slack scopes beyond", "note", said, "Take them from the app: less is safer.")


def socket(settings: Settings) -> Finding:
    """Look whether a socket may be opened; it is not."""
    trouble = socket_trouble(settings.slack_app_token, settings.slack_api_url)
    if trouble is None:
        return Finding("Slack socket", "ok", "may be opened")
    remedy = "See that the machine reaches Slack, and run it again."
    if trouble.kind in ("revoked", "permanent"):
        remedy = f"Make a new one: {FROM['SLACK_APP_TOKEN']}."
    return Finding("Slack socket", "wrong", f"cannot be opened ({trouble.code})", remedy)


def clock(settings: Settings, timeout: float = 10) -> Finding:
    """Look at our clock by Slack's."""
    try:
        skew = slack_skew(settings.slack_bot_token, settings.slack_api_url, timeout=timeout)
    except SlackTrouble as failed:
        return Finding("clock by Slack's", "note", f"Slack did not say ({failed.code})")
    if skew is None:
        return Finding("clock by Slack's", "note", "Slack did not say")
    far = abs(skew) > SKEW
    remedy = "Set the clock by NTP: Slack refuses what is more than 5 minutes off." if far else ""
    said = f"{abs(skew).total_seconds():.0f} s from Slack's"
    return Finding("clock by Slack's", "wrong" if far else "ok", said, remedy)


def channels(slack: Slack, book: Rulebook, names: Names, fallback: str) -> Iterator[Finding]:
    """Look at each channel that rules speak in."""
    targets = audience(book, names, fallback)
    if not targets:
        remedy = "Give the rules a route, or set BUDGETBOT_CHANNEL."
        yield Finding("channels", "wrong", "no rule has a route", remedy)
        return
    try:
        listed = slack.channels()
    except SlackTrouble as failed:
        remedy = "See that the app has the scopes channels:read and groups:read, and run it again."
        yield Finding("channels", "wrong", f"cannot be listed: {failed}", remedy)
        return
    # Of a living channel and an archived one with one name, the living one is meant.
    by_name = {each.name: each for each in sorted(listed.values(), key=lambda each: not each.is_archived)}
    for target in targets:
        if not is_person(target.address):
            yield _channel(target.address, {**by_name, **listed}.get(target.address.removeprefix("#")))


def _channel(address: str, found: ChannelInfo | None) -> Finding:
    what = called(address)
    if found is not None and is_id(address):
        what = f"#{found.name}"
    if found is None:
        return Finding(what, "wrong", "is not there, or is private and the bot is not in it", INVITE)
    if found.is_archived:
        return Finding(what, "wrong", "is archived", "Unarchive it, or name another one in the rule file.")
    if not found.is_member:
        return Finding(what, "wrong", "the bot is not in it", INVITE)
    return Finding(what, "ok", "the bot is in it")


def people(
    slack: Slack, book: Rulebook, settings: Settings, granted: frozenset[str] | None
) -> Iterator[Finding]:
    """Look whether Slack knows those whom rules call, and those who may acknowledge and silence."""
    named: dict[str, str] = {}
    for team in book.teams:
        if isinstance(team, Team):
            named |= {who: f"team {team.name}" for who in (team.page, team.owner) if who}
    for route in book.routes.values():
        named |= {who: f"route {route.name}" for who in (*route.mention, route.user) if who}
    for setting in ROLES:
        listed = str(getattr(settings, setting.lower()))
        named |= {who: setting for part in listed.split(",") if (who := part.strip())}
    known = _groups(slack, granted) if any(not is_person(_bare(who)) for who in named) else {}
    for who, where in list(named.items())[:PEOPLE]:
        if (finding := _person(slack, who, where, known)) is not None:
            yield finding


def _bare(who: str) -> str:
    return who.removeprefix("@").removeprefix("<@").removesuffix(">")


def _groups(slack: Slack, granted: frozenset[str] | None) -> Mapping[str, str] | None:
    """Return the handles of user groups with their ids; None where we may not look."""
    if granted is not None and "usergroups:read" not in granted:
        return None
    try:
        return slack.groups()
    except SlackTrouble:
        return None


def _person(slack: Slack, who: str, where: str, groups: Mapping[str, str] | None) -> Finding | None:
    """Return what is wrong with somebody who is named; None where nothing is, or nobody can tell."""
    what, bare = f"{who} ({where})", _bare(who)
    if is_person(bare):
        try:
            person = slack.user(bare)
        except SlackTrouble as failed:
            if failed.code not in ("user_not_found", "user_not_visible"):
                return None
            return Finding(
                what, "wrong", "Slack knows nobody of this id", "Write the id of somebody who is there."
            )
        if person.deleted:
            return Finding(what, "wrong", "the account is deactivated", "Write somebody who is there.")
        return None
    if groups is None:
        return None
    if bare in groups.values():
        return None
    if (group_id := groups.get(bare.lower())) is not None:
        if where in ROLES:
            return None
        remedy = f"Write its id {group_id} to call the group."
        return Finding(what, "note", "a handle is written out and calls nobody", remedy)
    said = "Slack knows no user group of this name, so it calls nobody"
    if where in ROLES:
        return Finding(
            what, "wrong", "Slack knows no user group of this name", "Write its handle, or ids of people."
        )
    return Finding(what, "note", said, "Write ids: U… of a person, S… of a user group.")


Drawn = tuple[str, Mapping[str, Any]]
"""(what it is, a message or a view)."""


def forms(slack: Slack, drawn: Iterable[Drawn]) -> Iterator[Finding]:
    """Ask Slack itself whether it would take what we draw; it needs no token, and reaches nobody."""
    for what, held in drawn:
        name = f"Slack takes {what}"
        try:
            errors = slack.validate(held)
        except SlackTrouble as failed:
            yield Finding("Slack's own check of messages", "note", f"cannot be reached ({failed.code})")
            return
        if errors:
            remedy = "A bug of ours: please report it. The message is sent in plainer form."
            yield Finding(name, "wrong", f"no: {'; '.join(errors[:3])}", remedy)
        else:
            yield Finding(name, "ok", "as it is drawn")
