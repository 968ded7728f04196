"""Home tabs: shown when somebody looks at theirs, and again, for an hour, when what they show has changed."""

import hashlib
import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from bot.clicks.click import Click
from bot.core import places, standings
from bot.core.ahead import Ahead
from bot.core.asker import Asker
from bot.core.errors import Unanswered
from bot.core.filters import Filter
from bot.core.home import Home, Open, Trouble, in_order, marked, owned, split
from bot.core.lookout import look_ahead, rules_asked
from bot.core.period import Period
from bot.core.rules.book import Budget
from bot.core.status import Counts, Standing, Status
from bot.core.subscription import Subscription
from bot.core.view import COST, LIVE
from bot.dated import notes
from bot.edge.slack_trouble import SlackTrouble
from bot.edge.store import homes, incidents, records, subscriptions
from bot.edge.store.homes import Shown
from bot.edge.store.store import Store
from bot.edge.store.tables import ORGANIZATION
from bot.loading import load_view
from bot.overlays import Overlays
from bot.people import FOREIGN, GUEST
from bot.plainly import send
from bot.render import home
from bot.rulebook import InForce
from bot.subscribing import look_for_leavers

if TYPE_CHECKING:
    from bot.desk import Desk

log = logging.getLogger("budgetbot.home")

LOOKED_LATELY = timedelta(hours=1)
"""How long after somebody looked at their Home tab it is kept up to date."""
LOOK = 2.0
"""Seconds between two looks whether something changed."""
GRACE = 2.0
"""Seconds that are waited for a look under way."""
LEAVERS = timedelta(hours=1)
"""Between two tries to ask whether subscribers are still there; one that succeeds is enough for a day."""
ROWS = home.ROWS
UNKNOWN = "Slack does not say who you are just now. Look here again in a minute."


@dataclass(frozen=True, slots=True)
class Common:
    """What every Home tab is made of, worked out once for all who look."""

    rules: InForce
    now: datetime
    as_of: datetime | None
    month: Ahead | None
    stood: standings.Standings
    worst: tuple[Standing, ...]
    others: Counts
    alerts: tuple[Open, ...]
    rooms: tuple[Trouble, ...]
    notes: tuple[str, ...]


def common(tx: Connection, store: Store, rules: InForce, now: datetime) -> Common:
    """Return what every Home tab is made of, from a fixed number of queries."""
    now, book = now.astimezone(UTC), rules.book
    month = tuple(rule for rule in rules_asked(book, (), now) if _is_month(rule))
    whole = replace(book, rules=(*book.rules, *month))
    view = load_view(tx, store, whole, now, places.spans_needed(book, now), answering=True)
    known = incidents.said(tx, now.date())
    over = Overlays.read(tx, book, view.names, now)
    firing = [each for each in known.incidents if each.state == "firing" and each.announced and each.facts]
    alerts = tuple(
        Open(each, incidents.telling(each), over.acknowledged(each), over.silence_of(each)) for each in firing
    )
    stood = standings.Standings(book, view, known.incidents, known.runs, ORGANIZATION, now)
    worst, others = stood.told((), 2 * ROWS)
    ahead = look_ahead(book, month, view, (), now).rows
    return Common(
        rules,
        now,
        view.cost.as_of,
        next(iter(sorted(ahead, key=lambda row: not row.rule_id)), None) if view.cost.as_of else None,
        stood,
        marked(worst, alerts),
        others,
        alerts,
        homes.troubles(tx),
        tuple(notes(rules, view, records.last_poll(tx), now)),
    )


def home_of(held: Common, asker: Asker, mine_alone: tuple[Subscription, ...]) -> Home:
    """Return one person's Home tab."""
    if asker.why and asker.why != GUEST:
        return Home(asker, held.now, Status(None, ()), hidden=FOREIGN if asker.why == FOREIGN else UNKNOWN)
    owners = owned(asker, held.rules.book.teams)
    mine: tuple[Standing, ...] = ()
    if owners:
        mine, _ = held.stood.told((Filter("owner", "=", owners),), ROWS)
        mine = marked(mine, held.alerts)
    status = Status(held.as_of, held.worst, held.notes, held.others)
    others, _ = split(held.worst, mine, max(ROWS - len(mine), ROWS // 3))
    return Home(
        asker,
        held.now,
        status,
        month=held.month,
        alerts=in_order(held.alerts, owners),
        mine=mine,
        others=others,
        more=max(0, status.counts.standings - len(mine) - len(others)),
        rooms=held.rooms if asker.role != "viewer" and not asker.why else (),
        subscriptions=mine_alone,
        notes=held.notes,
    )


class Homes:
    """Shows Home tabs. Safe to be called from many threads at once; none of it stands in an alert's way."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._working = threading.Lock()
        self._common: tuple[tuple[object, ...], Common] | None = None
        self._seen: tuple[object, ...] | None = None
        """What was the case when every Home tab was last looked after."""
        self._rests_until: datetime | None = None
        self._leavers_at: datetime | None = None
        self._stop = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="homes", daemon=True)

    def opened(self, user: str, slack_hash: str = "") -> None:
        """Show somebody their Home tab, who just looked at it; `slack_hash` is what Slack says that it shows."""
        now = self._desk.clock()
        with self._desk.store.reading() as tx:
            known = homes.shown(tx, now - timedelta(days=3_650), user).get(user)
        if known is None or known.slack_hash != slack_hash:
            # What Slack shows is not what we showed last: whatever it is, it is not believed.
            known = Shown(user, now, "", slack_hash)
        self._show(replace(known, opened_at=now), looked=True)

    def again(self, user: str) -> None:
        """Show somebody, who did something on their Home tab, what became of it."""
        with self._desk.store.reading() as tx:
            known = homes.shown(tx, self._desk.clock() - LOOKED_LATELY, user).get(user)
        if known is not None:
            self._show(known)

    def look(self) -> None:
        """Show what changed to everybody who looked lately. Cheap where nothing did, or nobody looked."""
        now = self._desk.clock()
        if self._rests_until is not None and now < self._rests_until:
            return
        with self._desk.store.reading() as tx:
            lately = homes.shown(tx, now - LOOKED_LATELY)
            stamp = self._stamp(tx, now) if lately else ()
        if not lately or stamp == self._seen:
            return
        for known in lately.values():
            if not self._show(known):
                return  # Slack is in trouble: the others are looked after when it rests no more
        self._seen = stamp

    def start(self) -> None:
        """Begin to look again and again, in a thread of its own: no alert waits for a Home tab."""
        self._keeper.start()

    def close(self) -> None:
        """Look no more; a call to Slack that is under way is left hanging."""
        self._stop.set()
        if self._keeper.is_alive():
            self._keeper.join(GRACE)

    def _keep(self) -> None:
        """Look until stopped; whatever fails, the next look may succeed."""
        while not self._stop.wait(LOOK):
            try:
                self.look()
                self._look_for_leavers()
            except Unanswered as failed:
                log.warning("not looked after", extra={"why": str(failed)})
            except Exception:
                log.exception("bug")

    def answer(self, click: Click, message: Mapping[str, Any]) -> None:
        """Answer a click on the Home tab, which has no room to answer in: over it, or in a direct message."""
        slack = self._desk.slack
        try:
            if (modal := home.modal(message)) is not None:
                slack.open_view(click.trigger, modal)
                return
        except SlackTrouble as trouble:  # its three seconds are over, or the click opened something already
            log.info("no modal", extra={"why": str(trouble)})
        try:
            send(message, partial(slack.say, click.user), slack)
        except SlackTrouble as trouble:
            log.warning("not answered", extra={"why": str(trouble)})

    # -- one tab -----------------------------------------------------------------------------------

    def _show(self, known: Shown, *, looked: bool = False) -> bool:
        """Publish a Home tab if it would show something else; False when Slack wants to be left in peace."""
        view = self._drawn(known.user)
        content = _hash(view)
        slack_hash = known.slack_hash
        if content != known.content:
            try:
                slack_hash = self._published(known, view)
            except SlackTrouble as trouble:
                log.warning("home not shown", extra={"who": known.user, "why": str(trouble)})
                if trouble.kind not in ("passing", "uncertain", "revoked"):
                    return True  # a matter of this person, or of this view
                self._rests_until = self._desk.clock() + timedelta(seconds=trouble.retry_after or 30)
                return False
        elif not looked:
            return True
        with self._desk.store.writing() as tx:
            homes.keep(tx, replace(known, content=content, slack_hash=slack_hash))
        return True

    def _published(self, known: Shown, view: dict[str, Any]) -> str:
        try:
            return self._desk.slack.publish(known.user, view, known.slack_hash)
        except SlackTrouble as trouble:
            if trouble.code != "hash_conflict":
                raise
        # Somebody else of us was faster, or Slack shows what we do not know of: as it is now goes over it.
        return self._desk.slack.publish(known.user, self._drawn(known.user), "")

    def _drawn(self, user: str) -> dict[str, Any]:
        asker = self._desk.asker(user)
        store, now = self._desk.store, self._desk.clock()
        with self._working:  # of many who look at once, one works it out
            with store.reading() as tx:
                stamp = self._stamp(tx, now)
                if self._common is None or self._common[0] != stamp:
                    self._common = (stamp, common(tx, store, self._desk.rules(now), now))
                mine = subscriptions.standing(tx, user)
            held = self._common[1]
        return home.view(home_of(replace(held, now=now), asker, mine))

    def _stamp(self, tx: Connection, now: datetime) -> tuple[object, ...]:
        rules = self._desk.rules(now)
        return (*homes.stamp(tx), now.astimezone(UTC).date(), rules.trouble, rules.book)

    def _look_for_leavers(self) -> None:
        now = self._desk.clock()
        if self._leavers_at is not None and now - self._leavers_at < LEAVERS:
            return
        self._leavers_at = now
        try:
            look_for_leavers(self._desk.store, self._desk.slack, now)
        except SlackTrouble as trouble:
            log.info("subscribers not looked up", extra={"why": str(trouble)})


def _is_month(rule: Budget) -> bool:
    """Tell whether a budget is of all that the organization spends in a month."""
    return (
        not rule.scope.dimensions
        and not rule.scope.each
        and rule.period == Period("month")
        and rule.metric in (COST, LIVE)
    )


def _hash(view: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(view, sort_keys=True).encode()).hexdigest()[:24]
