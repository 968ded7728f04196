"""An office with messages to be, a Slack that bites, and couriers that come and go."""

import itertools
import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from bot.core.incident import Event, Incident, Reason
from bot.core.period import Span
from bot.core.rooms import Message, Opening, Room, Target
from bot.core.telling import Telling
from bot.deliver import Courier
from bot.edge.slack import Slack
from bot.edge.store import cards, incidents, outbox
from bot.edge.store.store import Store
from tests.standins.slack import SlackStandIn
from tests.standins.slack_web import Channel

DOLLAR = 10**9
NOW = datetime(2026, 10, 10, 12, tzinfo=UTC)
OCTOBER = Span(date(2026, 10, 1), date(2026, 11, 1))
OPS, RESEARCH, FALLBACK = Target("slack", "ops"), Target("slack", "research"), Target("slack", "ai-spend")


def incident(number, **changes):
    built = Incident(
        fingerprint=f"{number:012x}",
        rule_id="project-month",
        group=(f"proj_{number}",),
        occurrence="2026-10-01",
        state="firing",
        level="80%",
        severity="warning",
        said_levels=("50%", "80%"),
        value=(800 + number) * DOLLAR,
        amount=1000 * DOLLAR,
        said=(800 + number) * DOLLAR,
        peak=(800 + number) * DOLLAR,
        span=OCTOBER,
        days=(OCTOBER.start,),
        opened_at=NOW,
        changed_at=NOW,
        reason=Reason.FIRST,
    )
    telling = Telling(
        "project-month",
        "Monthly budget",
        (("project", f"team-{number}"),),
        period="October",
        start="2026-10-01",
        end="2026-11-01",
        percents=(("80%", 800 * DOLLAR), ("100%", 1000 * DOLLAR)),
    )
    return replace(built, **{"facts": incidents.facts(telling), **changes})


class Office:
    """A database with messages to be, a Slack, and couriers that come and go. Time passes when somebody sleeps."""

    def __init__(self, store, slack):
        self.store, self.slack = store, slack
        self.now = NOW
        self.slept = []
        ticks = itertools.count(1)
        slack.web._now = lambda: f"{int(self.now.timestamp())}.{next(ticks):06d}"
        slack.web.messages.clear()
        slack.calls.clear()
        self.client = Slack(slack.bot_token, slack.api_url, sleep=self.sleep)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def courier(self, store=None, speaker=None, **how):
        return Courier(
            store or self.store,
            speaker or self.client,
            lambda: self.now,
            sleep=self.sleep,
            **{"fallback": "ai-spend", **how},
        )

    def deliver(self, wait=3600.0, **how):
        return self.courier(**how).deliver(self.now, wait=wait)

    def opens(self, number, target=OPS, **changes):
        """Write what judging writes when an incident opens."""
        known = incident(number, **changes)
        event = Event(
            known.fingerprint,
            known.rule_id,
            known.group,
            "fired",
            known.level,
            0,
            NOW,
            known.reason,
            known.value,
            known.severity,
        )
        with self.store.writing() as tx:
            incidents.write(tx, [known], None)
            ids = incidents.record(tx, [event], None)
            opening = Opening(known.fingerprint, event.key, Room(target, "r"), known.severity, 0)
            outbox.open_message(tx, Message(target, (opening,), NOW), ids, NOW)
        return known

    def changes(self, known, n, target=OPS, *, line=True, **changes):
        """Write what judging writes when an incident changes: its state, a line in its thread, a stale card."""
        known = replace(known, **changes)
        event = Event(
            known.fingerprint,
            known.rule_id,
            known.group,
            "raised",
            "100%",
            n,
            NOW,
            known.reason,
            known.value,
            known.severity,
        )
        with self.store.writing() as tx:
            incidents.write(tx, [known], None)
            ids = incidents.record(tx, [event], None)
            card = cards.cards_of(tx, [known.fingerprint])[known.fingerprint, target]
            if line:
                outbox.reply(
                    tx,
                    f"{event.key}:{target}:reply",
                    ids[event.key],
                    card,
                    f"line {n} of {known.fingerprint}",
                )
            outbox.touch(tx, [known.fingerprint])
        return known

    @property
    def cards(self):
        return [message for message in self.slack.messages if not message.thread_ts]

    @property
    def lines(self):
        return [message.text for message in self.slack.messages if message.thread_ts]

    def undelivered(self):
        with self.store.reading() as tx:
            return tx.exec_driver_sql(
                "SELECT key, state, why FROM notice WHERE state NOT IN ('sent', 'dropped')"
            ).fetchall()


def empty_database(folder):
    """Return the path of a database that nothing is in, to be copied."""
    path = folder / "empty.db"
    Store(f"sqlite:///{path}").close()
    return path


@contextmanager
def a_workspace():
    """Return a Slack with the channel that hears what others refuse."""
    with SlackStandIn() as slack:
        slack.web.channels["C9SPEND"] = Channel("C9SPEND", "ai-spend")
        yield slack


@contextmanager
def an_office(tmp_path, template, slack):
    shutil.copy(template, tmp_path / "bot.db")
    with Store(f"sqlite:///{tmp_path}/bot.db") as store:
        yield Office(store, slack)
