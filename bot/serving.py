"""What the bot shows at its own address: whether it lives, whether it can be relied on, alerts, metrics."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from bot.app import App
from bot.core.asker import NOBODY
from bot.core.errors import BotError
from bot.core.pulse import Pulse
from bot.core.query import Query, parse
from bot.core.status import Status
from bot.edge.store.pulse import pulse
from bot.edge.web import Page, Request, Routes
from bot.questions import Asked, answering
from bot.render.metrics import KIND, exposition
from bot.render.terminal import shell

KEPT = 10.0
"""Seconds that a scrape is answered with the same figures: several scrapers ask at once."""
JSON = "application/json"


def pages(app: App) -> Routes:
    """Return the three pages that are read, and the one that only says that the process lives."""
    return {
        ("GET", "/healthz"): _healthy,
        ("GET", "/readyz"): lambda _: _ready(app),
        ("GET", "/alerts"): _kept(lambda: _alerts(app)),
        ("GET", "/metrics"): _kept(lambda: _metrics(app)),
    }


def read_pulse(app: App) -> Pulse:
    """Return how the bot is now."""
    now = app.clock()
    rules = app.rules.last(now)
    with app.store.reading() as tx:
        told = pulse(tx, now)
    return replace(told, rules=len(rules.book.rules), rules_trouble=rules.trouble)


def _healthy(_: Request) -> Page:
    return Page(body="ok\n")


def _ready(app: App) -> Page:
    """Say whether the database answers and the last complete poll is not too long ago."""
    try:
        told = read_pulse(app)
    except BotError as failed:
        return Page(503, json.dumps({"ready": False, "why": failed.happened}) + "\n", JSON)
    why = told.trouble(app.settings.budgetbot_poll)
    last = told.last_complete.strftime("%Y-%m-%dT%H:%M:%SZ") if told.last_complete else None
    body = {
        "ready": not why,
        "why": why,
        "last_complete_poll": last,
        "rules_in_force": not told.rules_trouble,
    }
    return Page(503 if why else 200, json.dumps(body) + "\n", JSON)


def _alerts(app: App) -> Page:
    now = app.clock()
    query = _query("alerts", now)
    given = answering("alerts").answer(
        Asked(app.store, app.rules.last(now), query, now, every=True, asker=NOBODY)
    )
    return Page(body=shell(given, "json", query) + "\n", kind=JSON)


def _metrics(app: App) -> Page:
    now = app.clock()
    query = _query("status", now)
    given = answering("status").answer(
        Asked(app.store, app.rules.last(now), query, now, every=True, asker=NOBODY)
    )
    assert isinstance(given, Status)
    return Page(body=exposition(_version(), read_pulse(app), given.standings), kind=KIND)


def _query(words: str, now: datetime) -> Query:
    query = parse(words, now.date())
    assert isinstance(query, Query)
    return query


def _version() -> str:
    try:
        return version("budgetbot")
    except PackageNotFoundError:
        return "unknown"


def _kept(make: Callable[[], Page]) -> Callable[[Request], Page]:
    """Return a page that is made at most every ten seconds, by one thread; a failure is not kept."""
    lock = threading.Lock()
    kept: list[tuple[float, Page]] = []

    def answer(_: Request) -> Page:
        with lock:
            if not kept or time.monotonic() - kept[0][0] > KEPT:
                try:
                    kept[:] = [(time.monotonic(), make())]
                except BotError as failed:
                    kept.clear()
                    return Page(503, f"{failed.happened}\n")
            return kept[0][1]

    return answer
