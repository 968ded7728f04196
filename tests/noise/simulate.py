"""Thirty days of polls through the bot's own store, evaluation, decisions and delivery; OpenAI and Slack left out."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from bot.core.acknowledge import Acknowledgement
from bot.core.period import DAY, epoch, midnight
from bot.core.rules.book import Budget, Rulebook
from bot.deliver import Courier
from bot.edge.openai.limits import SpendLimit
from bot.edge.openai.names import Named
from bot.edge.store import facts, incidents, limits, overlays, records
from bot.edge.store.records import Stored
from bot.edge.store.store import Store
from bot.judge import EVALUATED, judge
from bot.tending import tend
from bot.voice import Voice
from tests.readings import reading

from .organization import BILLED_EVERY, Organization

POLL = timedelta(minutes=5)
REREAD = 7
"""Days back that are read again: no row comes later than that."""
ASKED_AGAIN = 199
"""One of so many polls at which nothing is new is judged all the same: nothing may come of it."""
TENDED = 20
"""Minutes between two looks at what waits, where nothing is judged: what gathers comes that much later."""
LOOKED_AFTER = time(10, 0)
"""When people acknowledge what is critical (UTC, every day): an hour after they are reminded of it."""
VOICE = Voice("finops")


class Said(NamedTuple):
    """A message in a room, or a line of a thread."""

    at: datetime
    room: str
    form: str
    """`message`, `broadcast` or `thread`."""
    kind: str
    """The kind of the rules it is about; `table` where they are several."""
    about: tuple[str, ...] = ()
    """The incidents of its message."""


@dataclass
class Heard:
    """What every room heard, and what else came of the polls."""

    first: datetime
    days: int
    said: list[Said] = field(default_factory=list)
    polls: int = 0
    judged: int = 0
    idle_checked: int = 0
    """Polls that were passed over and evaluated all the same: nothing came of them."""
    runs: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Incident → its rule, and on how many days (weeks, months) it was so."""


@dataclass(frozen=True)
class Posted:
    channel: str
    ts: str


class Silent:
    """A Slack that takes everything."""

    def __init__(self) -> None:
        self._count = 0

    def post(self, channel: str, message: Mapping[str, Any], **_: object) -> Posted:
        assert message["text"]
        self._count += 1
        return Posted(channel, f"{self._count}")

    def update(self, channel: str, ts: str, message: Mapping[str, Any]) -> None:
        assert channel
        assert ts
        assert message["text"]

    def find(self, *_: object) -> None:
        raise AssertionError("nothing was lost")


def simulate(
    made: Organization, book: Rulebook, every: timedelta = POLL, asked_again: int = ASKED_AGAIN
) -> Heard:
    """Return what the rooms heard of an organization by the rules of a book."""
    heard = Heard(midnight(made.begins), made.days)
    with tempfile.TemporaryDirectory() as folder, Store(f"sqlite:///{Path(folder) / 'noise.db'}") as store:
        clock = [midnight(made.begins)]
        courier = Courier(store, Silent(), lambda: clock[0], pace=timedelta(0))
        _prepare(store, made, book, clock[0])
        for now, billed in _polls(made, every):
            clock[0] = now
            if billed:
                _read(store, made, now, now.date() - REREAD * DAY)
            _poll(store, book, courier, now, heard, asked_again)
        heard.said = list(_said(store, book))
        with store.reading() as tx:
            known = incidents.said(tx, made.begins).incidents
        heard.runs = {one.fingerprint: (one.rule_id, len(one.days)) for one in known}
    return heard


def _polls(made: Organization, every: timedelta) -> Iterator[tuple[datetime, bool]]:
    """Yield each poll's instant, and whether OpenAI has billed anew since the one before."""
    now, end = midnight(made.begins) + every, midnight(made.ends)
    due = now
    while now < end:
        yield now, now >= due
        due = due + BILLED_EVERY if now >= due else due
        now += every


def _poll(
    store: Store, book: Rulebook, courier: Courier, now: datetime, heard: Heard, asked_again: int
) -> None:
    judged = judge(store, book, now, None, VOICE)
    heard.polls += 1
    heard.judged += not judged.skipped
    if judged.skipped and heard.polls % asked_again == 0:
        # What is passed over says nothing: evaluated all the same, nothing comes of it.
        with store.writing() as tx:
            mark = records.marker(tx, EVALUATED)
            records.mark(tx, EVALUATED, "")
        again = judge(store, book, now, None, VOICE)
        assert not again.skipped
        assert again.events == (), again.events
        with store.writing() as tx:
            records.mark(tx, EVALUATED, mark)
        heard.idle_checked += 1
    if judged.skipped and now.minute % TENDED:
        return
    with store.writing() as tx:
        if now.time() == LOOKED_AFTER:
            _look_after(tx, now)
        tend(tx, book, now, VOICE)
    courier.deliver(now)


def _look_after(tx: Connection, now: datetime) -> None:
    """Acknowledge every critical alert that nobody looks after yet."""
    known = overlays.acknowledgements(tx)
    for incident in incidents.current(tx):
        if (
            incident.state == "firing"
            and incident.severity == "critical"
            and incident.fingerprint not in known
        ):
            overlays.acknowledge(tx, Acknowledgement.of(incident, "owner", now))


# -- what OpenAI says ------------------------------------------------------------------------------


def _prepare(store: Store, made: Organization, book: Rulebook, now: datetime) -> None:
    with store.writing() as tx:
        records.name(tx, (Named("project", key, name) for key, name in made.names.items()), now)
        limits.keep(tx, dict(_limits(made, book)), now)
    _read(store, made, now, made.first)


def _limits(made: Organization, book: Rulebook) -> Iterator[tuple[str, SpendLimit]]:
    """Yield hard limits: three of four projects have one a quarter above their budget, the others none."""
    budget = book.rule("project-month")
    assert isinstance(budget, Budget)
    yield "", SpendLimit(None)
    for place, (key, name) in enumerate(made.names.items()):
        amount = budget.amount.of(key, name, made.begins)
        yield key, SpendLimit(None if place % 4 == 3 or amount is None else amount * 5 // 4)


def _read(store: Store, made: Organization, now: datetime, first: date) -> None:
    """Store what a poll at `now` would have read of the days from `first` on."""
    until = now.date() + DAY
    days = [first + n * DAY for n in range((until - first).days)]
    read = reading(
        "costs",
        "1d",
        midnight(first),
        midnight(until),
        tuple(map(epoch, days)),
        ("project_id", "line_item", "quantity_unit"),
        ("amount_nano", "quantity_micro"),
        {
            (epoch(day), project, item, ""): (amount, None)
            for day in days
            for (project, item), amount in made.billed(day, now).items()
        },
    )
    with store.writing() as tx:
        changed = facts.store(tx, store.index, read, now)
        if changed:
            records.changed(tx)
        records.keep(tx, [Stored("costs", since=made.first, through=until, read_at=now, reread_at=now)])
        limits.keep(tx, {}, now)


# -- what rooms heard ------------------------------------------------------------------------------


def _said(store: Store, book: Rulebook) -> Iterator[Said]:
    with store.reading() as tx:
        rule_of = dict(tx.execute(text("SELECT fingerprint, rule_id FROM incident")).all())
        members: dict[int, list[str]] = {}
        for card_id, fingerprint in tx.execute(text("SELECT card_id, fingerprint FROM card_member")):
            members.setdefault(card_id, []).append(fingerprint)
        rows = tx.execute(
            text(
                "SELECT n.act, n.broadcast, min(n.sent_at), c.id, c.target, c.form FROM notice n "
                "JOIN card c ON c.id = n.card_id WHERE n.state = 'sent' "
                "GROUP BY CASE WHEN n.act = 'post' THEN 'p' || c.id ELSE 'n' || n.id END ORDER BY 3"
            )
        ).all()
    for act, broadcast, sent_at, card_id, room, form in rows:
        about = tuple(members.get(card_id, ()))
        kinds = {rule.kind for mark in about if (rule := book.rule(rule_of[mark]))}
        name = "message" if act == "post" else "broadcast" if broadcast else "thread"
        kind = form if form != "incidents" else kinds.pop() if len(kinds) == 1 else "several"
        yield Said(datetime.fromisoformat(sent_at).replace(tzinfo=UTC), room, name, kind, about)
