"""`doctor`: every setting, key, scope, channel, clock, database and rule looked at, each with a remedy."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from bot.core.errors import BotError
from bot.core.money import show_usd
from bot.core.period import DAY, midnight
from bot.core.rooms import Target, ops_room, rooms_of
from bot.core.rules.book import TEAM, Rulebook, Team
from bot.core.spend import Names
from bot.edge.openai import Ask, OpenAI, SpendLimit
from bot.edge.slack import Slack, SlackTrouble
from bot.edge.slack_app import socket_trouble
from bot.edge.store import engine, records
from bot.edge.store.store import Store
from bot.manifest import OPTIONAL, REQUIRED
from bot.poll import SKEW
from bot.rulebook import InForce, Rules
from bot.settings import FROM, Settings, Wrong

State = Literal["ok", "note", "wrong"]
ASLEEP = timedelta(days=2)
"""Longer than the longest pause anybody polls at on purpose."""
USED = (
    "OPENAI_ADMIN_KEY",
    "OPENAI_BASE_URL",
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_API_URL",
    "DATABASE_URL",
    "BUDGETBOT_RULES_URL",
    "BUDGETBOT_POLL",
)
"""The settings that this version's commands read and that can be wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: State
    said: str
    remedy: str = ""


def examine(settings: Settings, now: datetime, malformed: Sequence[Wrong] = ()) -> Iterator[Finding]:
    """Look at one thing after the other; a failure of one never hides the next.

    `malformed` is what is wrong with the settings named in USED: nothing is asked of what they lead to.
    """
    wrong = {problem.name.removesuffix("_FILE") for problem in malformed}
    yield from _settings(settings, malformed)
    book: Rulebook | None = None
    store: Store | None = None
    if "DATABASE_URL" not in wrong:
        try:
            store = Store(settings.database_url)
            yield Finding("database", "ok", f"{store.url.database} stands at migration {engine.newest()}")
            yield from _polls(store, now)
        except BotError as failed:
            yield Finding("database", "wrong", failed.happened, failed.remedy)
    try:
        in_force = Rules(settings, store).now(now)
        book = in_force.book
        yield from _rules(in_force)
        yield from _unheard(book, settings)
    except BotError as failed:
        yield Finding("rules", "wrong", failed.happened, failed.remedy)
    if not wrong & {"OPENAI_ADMIN_KEY", "OPENAI_BASE_URL"}:
        yield from _openai(settings, now)
    if not wrong & {"SLACK_BOT_TOKEN", "SLACK_API_URL"}:
        names = Names()
        if store is not None:
            with store.reading() as tx:
                names = records.names(tx)
        yield from _slack(settings, book or Rulebook(), names)
    if not wrong & {"SLACK_APP_TOKEN", "SLACK_API_URL"}:
        yield _socket(settings)
    if store is not None:
        store.close()


def _settings(settings: Settings, malformed: Sequence[Wrong]) -> Iterator[Finding]:
    for problem in malformed:
        yield Finding(problem.name, "wrong", problem.said, problem.remedy)
    wrong = {problem.name.removesuffix("_FILE") for problem in malformed}
    for name in USED:
        if name not in wrong and (name in FROM or name in settings.given):
            yield Finding(name, "ok", "is set")


def _socket(settings: Settings) -> Finding:
    trouble = socket_trouble(settings.slack_app_token, settings.slack_api_url)
    if trouble is None:
        return Finding("Slack socket", "ok", "may be opened")
    remedy = "See that the machine reaches Slack, and run it again."
    if trouble.kind in ("revoked", "permanent"):
        remedy = f"Make a new one: {FROM['SLACK_APP_TOKEN']}."
    return Finding("Slack socket", "wrong", f"cannot be opened ({trouble.code})", remedy)


def _polls(store: Store, now: datetime) -> Iterator[Finding]:
    with store.reading() as tx:
        last = records.last_poll(tx)
        costs = records.stored(tx).get(("costs", "1d"))
    if last is None:
        yield Finding("polls", "note", "nothing was polled yet", "Run budgetbot poll, or budgetbot run.")
        return
    at, complete, results = last
    if complete and now - at > ASLEEP:
        said = f"the last one was {_age(now - at)} ago, so nothing is watched"
        yield Finding(
            "polls", "wrong", said, "See that budgetbot run lives, or that cron calls budgetbot poll."
        )
    elif complete:
        yield Finding("polls", "ok", f"the last one, {_age(now - at)} ago, was complete")
    else:
        why = "; ".join(f"{result.source}: {result.why}" for result in results if not result.complete)
        said = f"the last one, {_age(now - at)} ago, was not complete: {why}"
        yield Finding("polls", "wrong", said, "What is stored stands; mend what it names and poll again.")
    if costs is not None and costs.since is not None:
        yield Finding("history", "ok", f"costs are stored from {costs.since} on")
    for source, why in dict.fromkeys((r.source, r.why) for r in results if r.complete and r.why):
        yield Finding(f"source {source}", "note", why)


def _rules(in_force: InForce) -> Iterator[Finding]:
    errors = len(in_force.errors)
    if in_force.trouble:
        yield Finding("rules", "wrong", in_force.trouble, "Run budgetbot check and mend them.")
    elif in_force.book.built_in:
        yield Finding(
            "rules",
            "note",
            "nobody has written any: the built-in ones are in force",
            "Write rules/budgets.yaml.",
        )
    elif not in_force.book.rules:
        yield Finding("rules", "note", "there are none, so nothing is watched", "Write rules/budgets.yaml.")
    else:
        count = len(in_force.book.rules)
        warnings = len(in_force.problems) - errors
        said = f"{count} rule{'s' if count != 1 else ''} in force"
        yield Finding("rules", "ok", f"{said}, {warnings} warning{'s' if warnings != 1 else ''}")


def _unheard(book: Rulebook, settings: Settings) -> Iterator[Finding]:
    if book.built_in:
        if not settings.channel:
            yield Finding("built-in rules", "note", "nobody hears them", "Set BUDGETBOT_CHANNEL.")
        return
    for rule in book.rules:
        nobody = tuple("" for _ in rule.scope.each)
        if rule.route != TEAM and not rooms_of(book, rule, nobody, Names(), settings.channel):
            remedy = "Give it a route, write one under defaults, or set BUDGETBOT_CHANNEL."
            yield Finding(f"rule {rule.id}", "wrong", "nobody hears it", remedy)


def _openai(settings: Settings, now: datetime) -> Iterator[Finding]:
    today = now.astimezone(UTC).date()
    with OpenAI(settings.openai_admin_key, settings.openai_base_url) as openai:
        yield _asked(
            "OpenAI costs",
            lambda: (
                f"answers ({openai.read(Ask('costs', midnight(today), midnight(today + DAY)), now).pages} page)"
            ),
        )
        yield _asked("OpenAI names", lambda: f"answers ({len(openai.projects())} projects)", needed=False)
        yield _asked("OpenAI limits", lambda: _own_limit(openai.spend_limit(None)), needed=False)
        skew = openai.skew
        if skew is not None:
            far = abs(skew) > SKEW
            yield Finding(
                "clock",
                "wrong" if far else "ok",
                f"{abs(skew).total_seconds():.0f} s from OpenAI's",
                "Set the clock by NTP: a poll is refused while it is more than 5 minutes off." if far else "",
            )


def _own_limit(found: SpendLimit) -> str:
    if found.amount is None:
        return "answers (the organization has no hard limit)"
    return f"answers (the organization's hard limit is {show_usd(found.amount)} a month)"


def _asked(what: str, ask: Callable[[], str], *, needed: bool = True) -> Finding:
    try:
        return Finding(what, "ok", ask())
    except BotError as failed:
        return Finding(what, "wrong" if needed else "note", failed.happened, failed.remedy)


def _slack(settings: Settings, book: Rulebook, names: Names) -> Iterator[Finding]:
    slack = Slack(settings.slack_bot_token, settings.slack_api_url)
    try:
        who = slack.whoami()
    except SlackTrouble as failed:
        remedy = "See that the token is of an installed app."
        if failed.kind in ("passing", "uncertain"):
            remedy = "Slack did not answer: try again."
        yield Finding("Slack", "wrong", f"{failed.code} ({failed.kind})", remedy)
        return
    yield Finding("Slack", "ok", f"workspace {who.team}")
    yield from _scopes(who.scopes)
    try:
        yield from _channels(slack, settings, book, names)
    except SlackTrouble as failed:
        remedy = "See that the app has the scopes channels:read and groups:read, and run it again."
        yield Finding("channels", "wrong", f"cannot be listed: {failed}", remedy)


def _scopes(scopes: frozenset[str] | None) -> Iterator[Finding]:
    if scopes is None:
        yield Finding("Slack scopes", "note", "Slack did not say which the token has")
        return
    if missing := sorted(set(REQUIRED) - scopes):
        yield Finding(
            "Slack scopes",
            "wrong",
            f"missing: {', '.join(missing)}",
            "Add them to the app (budgetbot manifest) and install it again.",
        )
    else:
        yield Finding("Slack scopes", "ok", "all that are needed")
    if absent := sorted(set(OPTIONAL) - scopes):
        yield Finding(
            "Slack scopes, optional",
            "note",
            f"without {', '.join(absent)}: after a crash a message may be repeated, and says so",
        )


def _channels(slack: Slack, settings: Settings, book: Rulebook, names: Names) -> Iterator[Finding]:
    targets = _targets(book, names, settings.channel)
    if not targets:
        yield Finding(
            "channels", "wrong", "no rule has a route", "Give the rules a route, or set BUDGETBOT_CHANNEL."
        )
        return
    listed = slack.channels()
    known = listed | {channel.name: channel for channel in listed.values()}
    for target in targets:
        name = target.address
        if name[:1] in ("U", "W") and name.isupper():
            continue
        channel = known.get(name)
        invite = f"In Slack, type /invite in #{name} and choose the app."
        if channel is None:
            yield Finding(f"#{name}", "wrong", "is not there, or is private and the bot is not in it", invite)
        elif channel.is_archived:
            yield Finding(f"#{name}", "wrong", "is archived", "Name another channel in the rule file.")
        elif not channel.is_member:
            yield Finding(f"#{name}", "wrong", "the bot is not in it", invite)
        else:
            yield Finding(f"#{name}", "ok", "the bot is in it")


def _targets(book: Rulebook, names: Names, fallback: str) -> Sequence[Target]:
    found: dict[Target, None] = {}
    for rule in book.rules:
        for room in rooms_of(book, rule, tuple("" for _ in rule.scope.each), names, fallback):
            found[room.target] = None
    for team in book.teams:
        if isinstance(team, Team) and team.channel:
            found[Target("slack", team.channel)] = None
    for route in book.routes.values():
        if route.channel or route.user:
            found[Target("slack", route.channel or route.user)] = None
    ops = ops_room(book, fallback)
    if ops is not None:
        found[ops.target] = None
    return sorted(found)


def _age(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"
