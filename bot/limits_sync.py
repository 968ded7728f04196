"""OpenAI's own hard limits: asked for every half hour, and never a reason for costs to be incomplete."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from bot.core.errors import BotError
from bot.core.limits import ORGANIZATION
from bot.edge.openai import AskRefused, KeyRefused, Named, NoAnswer, NotOffered, OpenAI, SpendLimit
from bot.edge.store import limits, records
from bot.edge.store.limits import Unread
from bot.edge.store.records import SourceResult
from bot.edge.store.store import Store
from bot.naming import AT_ONCE, Seen
from bot.sync_plan import REREAD

log = logging.getLogger("budgetbot.limits")

EVERY = timedelta(minutes=30)
REFUSED_EVERY = timedelta(days=1)
"""How often they are asked for while the key may read none of them."""
SOURCE = "limits"
ASKED, REFUSED = "limits asked at", "limits refused"


@dataclass(slots=True)
class Learned:
    """Limits that were read, and why others were not; written with the poll's own transaction."""

    found: dict[str, SpendLimit | Unread] = field(default_factory=dict)
    """Project id → its limit, '' for the organization's own. Empty: none was due."""
    requests: int = 0
    seconds: float = 0.0
    why: str = ""
    """What could not be read, in one sentence."""
    refused: bool = False
    """The key may read none: that is how things are, and no failure."""
    failed: bool = False
    """Something failed that should not."""

    def keep(self, tx: Connection, now: datetime) -> tuple[SourceResult, ...]:
        """Write what was read, and return the result of its own it has among the poll's; none where none was due."""
        if not self.found:
            return ()
        changed = limits.keep(tx, self.found, now)
        if changed:
            records.changed(tx)  # rules look at limits too
        records.mark(tx, ASKED, now.isoformat())
        records.mark(tx, REFUSED, "yes" if self.refused else "")
        known = sum(isinstance(each, SpendLimit) for each in self.found.values())
        why, seconds = self.why, round(self.seconds, 3)
        return (SourceResult(SOURCE, "", not self.failed, self.requests, known, changed, seconds, why),)


def learn(
    openai: OpenAI, store: Store, named: Iterable[Named], seen: Iterable[Seen], now: datetime
) -> Learned:
    """Read the limits of the organization and of each project that is not archived, when they are due.

    `named` and `seen` are what this poll has learned of and is not stored yet.
    """
    with store.reading() as tx:
        asked, refused = records.marker(tx, ASKED), records.marker(tx, REFUSED)
        if asked and timedelta() <= now - datetime.fromisoformat(asked) < (
            REFUSED_EVERY if refused else EVERY
        ):
            return Learned()
        archived = records.projects(tx)
        spenders = limits.spenders(tx, now.astimezone(UTC).date() - REREAD)
    archived |= {each.id: each.archived for each in named if each.kind == "project"}
    ids = archived.keys() | spenders | {key for dimension, key, _ in seen if dimension == "project"}
    return _Asking(openai).all([ORGANIZATION, *sorted(each for each in ids if not archived.get(each))])


class _Asking:
    """Asks for one limit after the other, a few at once, and gives up where asking on is for nothing."""

    def __init__(self, openai: OpenAI) -> None:
        self._openai = openai
        self._found: dict[str, SpendLimit | Unread] = {}
        self._failures: dict[str, BotError] = {}
        self._silences = 0

    def all(self, ids: Sequence[str]) -> Learned:
        """Return every limit. When the first few all fail, the others do for the same reason."""
        began = time.monotonic()
        first, others = ids[:AT_ONCE], ids[AT_ONCE:]
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="limits") as pool:
            list(pool.map(self._one, first))
            hopeless = len(self._failures) == len(first)
            if not hopeless:
                list(pool.map(self._one, others))
        done = Learned(self._found, len(self._found), time.monotonic() - began)
        if self._failures:
            chief = self._chief(ids)
            refusals = sum(
                isinstance(each, KeyRefused | AskRefused | NotOffered) for each in self._failures.values()
            )
            done.found |= {each: Unread(str(chief)) for each in ids if each not in self._found}
            done.refused = hopeless and refusals == len(first)
            done.failed = refusals < len(self._failures)
            unread = sum(isinstance(each, Unread) for each in done.found.values())
            done.why = f"{unread} of {len(ids)} spend limits are unknown: {chief}"
            log.log(
                logging.WARNING if done.failed else logging.INFO, "limits not read", extra={"why": done.why}
            )
        return done

    def _one(self, project_id: str) -> None:
        if self._silences >= AT_ONCE:
            return  # each further one would wait as long for nothing
        try:
            self._found[project_id] = self._openai.spend_limit(project_id or None)
        except BotError as failed:
            self._silences += isinstance(failed, NoAnswer)
            self._failures[project_id] = failed
            self._found[project_id] = Unread(str(failed))

    def _chief(self, ids: Sequence[str]) -> BotError:
        """Return a failure of the most frequent kind, the first of those: one sentence stands for all."""
        failures = [self._failures[each] for each in ids if each in self._failures]
        kinds = Counter(type(each) for each in failures)
        return max(failures, key=lambda each: kinds[type(each)])
