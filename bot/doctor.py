"""`doctor`: every setting, key, scope, channel, clock, database and rule looked at, each with a remedy."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from bot.app import App
from bot.checkups import openai, rules, samples, slack, stored
from bot.core.errors import BotError
from bot.core.health import Finding, Health
from bot.core.spend import Names
from bot.edge.slack import Slack
from bot.edge.store import engine, records
from bot.edge.store.store import Store
from bot.rulebook import InForce, Rules
from bot.settings import FROM, Settings, Wrong

USED = (
    "OPENAI_ADMIN_KEY",
    "OPENAI_BASE_URL",
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_API_URL",
    "DATABASE_URL",
    "BUDGETBOT_RULES_URL",
    "BUDGETBOT_POLL",
    "BUDGETBOT_HEARTBEAT_URL",
)
"""The settings that this version's commands read and that can be wrong."""
HURRY = 4.0
"""Seconds that Slack has for each question of somebody who waits in Slack."""


def examine(settings: Settings, now: datetime, malformed: Sequence[Wrong] = ()) -> Iterator[Finding]:
    """Look at one thing after the other; a failure of one never hides the next.

    `malformed` is what is wrong with the settings named in USED: nothing is asked of what they lead to.
    """
    signed = bool(settings.slack_signing_secret) and not settings.slack_app_token
    if signed:  # Slack is heard at an address of our own, and no socket is wanted
        malformed = [problem for problem in malformed if problem.name != "SLACK_APP_TOKEN"]
    wrong = {problem.name.removesuffix("_FILE") for problem in malformed}
    yield from _settings(settings, malformed, signed=signed)
    store: Store | None = None
    in_force: InForce | None = None
    if "DATABASE_URL" not in wrong:
        try:
            store = Store(settings.database_url)
            yield Finding("database", "ok", f"{store.url.database} stands at migration {engine.newest()}")
            yield from stored.polls(store, now)
            yield from stored.messages(store, now)
        except BotError as failed:
            yield Finding("database", "wrong", failed.happened, failed.remedy)
    try:
        in_force = Rules(settings, store).now(now)
        yield from rules.in_force(in_force)
        yield from rules.unheard(in_force.book, settings.channel)
        yield from rules.webhooks(in_force.book)
        if store is not None:
            yield from stored.age(store, in_force.book, now)
    except BotError as failed:
        yield Finding("rules", "wrong", failed.happened, failed.remedy)
    if not wrong & {"OPENAI_ADMIN_KEY", "OPENAI_BASE_URL"}:
        yield from openai.asked(settings, now)
    if not wrong & {"SLACK_BOT_TOKEN", "SLACK_API_URL"}:
        yield from _slack(settings, store, in_force, now)
    if not signed and not wrong & {"SLACK_APP_TOKEN", "SLACK_API_URL"}:
        yield slack.socket(settings)
    if store is not None:
        store.close()


def _settings(settings: Settings, malformed: Sequence[Wrong], *, signed: bool) -> Iterator[Finding]:
    for problem in malformed:
        yield Finding(problem.name, "wrong", problem.said, problem.remedy)
    wrong = {problem.name.removesuffix("_FILE") for problem in malformed}
    for name in USED:
        if name in wrong or (signed and name == "SLACK_APP_TOKEN"):
            continue
        if name in FROM or name in settings.given:
            yield Finding(name, "ok", "is set")
    if not settings.budgetbot_heartbeat_url and "BUDGETBOT_HEARTBEAT_URL" not in wrong:
        remedy = (
            "Set BUDGETBOT_HEARTBEAT_URL to an address of a service that misses it: healthchecks.io is one."
        )
        yield Finding(
            "BUDGETBOT_HEARTBEAT_URL", "note", "nobody outside notices when the bot is gone", remedy
        )
    if signed:
        yield Finding(
            "SLACK_SIGNING_SECRET", "ok", "is set: Slack is heard at our own address, by budgetbot serve"
        )


def _slack(
    settings: Settings, store: Store | None, in_force: InForce | None, now: datetime
) -> Iterator[Finding]:
    edge = Slack(settings.slack_bot_token, settings.slack_api_url)
    told = slack.reached(edge)
    if isinstance(told, Finding):
        yield told
        return
    found, granted = told
    yield found
    yield slack.clock(settings)
    yield from slack.scopes(granted)
    if in_force is None:
        return
    names = Names()
    if store is not None:
        with store.reading() as tx:
            names = records.names(tx)
    yield from slack.channels(edge, in_force.book, names, settings.channel)
    yield from slack.people(edge, in_force.book, settings, granted)
    if store is not None:
        yield from stored.home(store)
        yield from slack.forms(edge, samples.samples(store, in_force, now))


def from_inside(app: App, in_force: InForce, now: datetime) -> Health:
    """Return what matters of a bot that runs, within seconds: what only a shell can tell is left to it."""
    settings = app.settings
    edge = Slack(settings.slack_bot_token, settings.slack_api_url, timeout=HURRY)
    with app.store.reading() as tx:
        names = records.names(tx)

    def rooms() -> list[Finding]:
        told = slack.reached(edge)
        if isinstance(told, Finding):
            return [told]
        return [
            told[0],
            *slack.scopes(told[1]),
            *slack.channels(edge, in_force.book, names, settings.channel),
        ]

    def ears() -> list[Finding]:
        if settings.slack_app_token:
            return [slack.socket(settings)]
        return [Finding("Slack requests", "ok", "reach us: this is one")]

    asked: list[Callable[[], list[Finding]]] = [rooms, ears, lambda: [slack.clock(settings, HURRY)]]
    with ThreadPoolExecutor(len(asked)) as together:
        answers = [together.submit(ask) for ask in asked]
        found = [
            *stored.polls(app.store, now),
            *stored.clock(app.store),
            *stored.age(app.store, in_force.book, now),
            *stored.messages(app.store, now),
            *rules.in_force(in_force),
            *rules.unheard(in_force.book, settings.channel),
            *rules.webhooks(in_force.book),
        ]
        for answer in answers:
            found += answer.result()
    return Health(tuple(found), now)
