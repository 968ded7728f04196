"""Who spends in the simulated organization: projects, people, keys, streams, and what happens to them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TypedDict, Unpack

from bot.demo.ledger import CostRow, Wire, api_key, project, service_account, user
from bot.demo.traffic import CUSTOMERS, NIGHTLY, OFFICE, STEADY, Rhythm, Stream, Turn, one_day

PROJECTS = (
    "search-prod", "payments-ml", "support-bot", "labs", "eval-nightly", "docs-bot", "image-studio",
    "voice-agents", "fraud-screening", "data-pipeline", "recruiting-assistant", "sandbox-mira", "chat-legacy",
)  # fmt: skip
PEOPLE = ("Ada Lindqvist", "Jonas Weber", "Li Wei", "Mira Okafor", "Priya Nair", "Tomás Rivera")
ALWAYS = date.max
FOUNDED = date(2025, 6, 2)

CHAT = {"uncached": 900.0, "cached": 1_400.0, "output": 350.0}
LONG = {"uncached": 5_200.0, "cached": 900.0, "output": 620.0}
AGENT = {"uncached": 2_300.0, "cached": 9_800.0, "output": 740.0}
TEXTS = {"uncached": 480.0}


def identity(prefix: str, name: str, length: int = 24) -> str:
    """Return an id as OpenAI's look, the same for the same name."""
    return prefix + hashlib.sha256(name.encode()).hexdigest()[:length]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days on which something happens, told from the last day of the story."""

    end: date

    def before_end(self, days: int) -> date:
        return self.end - timedelta(days=days)

    @property
    def begins(self) -> date:
        """The first day of the story's two months."""
        return (self.end.replace(day=1) - timedelta(days=1)).replace(day=1)

    @property
    def archived(self) -> date:
        return self.before_end(108)

    @property
    def new_model(self) -> date:
        return self.before_end(40)

    @property
    def credit(self) -> date:
        return self.before_end(39)

    @property
    def launch(self) -> date:
        return self.before_end(25)

    @property
    def runaway(self) -> date:
        return self.before_end(19)

    @property
    def revoked(self) -> date:
        return self.before_end(15)

    @property
    def backlog(self) -> date:
        return self.before_end(6)

    @property
    def backlog_billed(self) -> date:
        return self.before_end(4)


class More(TypedDict, total=False):
    """What a stream need not say."""

    user_id: str
    surface: str
    batch: bool
    more: Mapping[str, str | bool | None]
    turns: tuple[Turn, ...]
    since: date
    until: date
    needs_turn: bool
    billed_on: date


@dataclass(slots=True)
class Cast:
    """Everybody and everything that spends, with the names of it."""

    calendar: Calendar
    streams: list[Stream] = field(default_factory=list)
    credits: list[CostRow] = field(default_factory=list)
    projects: dict[str, Wire] = field(default_factory=dict)
    users: dict[str, Wire] = field(default_factory=dict)
    api_keys: dict[str, dict[str, Wire]] = field(default_factory=dict)
    service_accounts: dict[str, dict[str, Wire]] = field(default_factory=dict)

    def spends(
        self,
        where: str | None,
        key: str,
        source: str,
        model: str | None,
        usd: float,
        per_request: Mapping[str, float],
        rhythm: Rhythm = CUSTOMERS,
        *,
        person: str | None = None,
        listed: date | None = FOUNDED,
        **more: Unpack[More],
    ) -> None:
        """Add a stream, and its key and the key's owner to the lists.

        `listed` is the day the key was made; None: it was deleted since, and has no name any more.
        """
        project_id = self.project_id(where) if where else None
        key_id = identity("key_", f"{where}/{key}", 16)
        if person:
            more["user_id"] = identity("user-", person)
        name = f"{where}/{key}/{source}/{model}"
        self.streams.append(Stream(name, project_id, key_id, source, model, usd, per_request, rhythm, **more))
        if project_id and listed is not None:
            owner = self.users[more["user_id"]] if person else self._account(project_id, key)
            self.api_keys.setdefault(project_id, {})[key_id] = api_key(
                key_id, key, created_at=_seconds(listed), owner=owner
            )

    def project_id(self, name: str) -> str:
        return identity("proj_", name)

    def _account(self, project_id: str, key: str) -> Wire:
        account_id = identity("svc_acct_", f"{project_id}/{key}", 16)
        account = service_account(account_id, key, created_at=_seconds(FOUNDED))
        self.service_accounts.setdefault(project_id, {})[account_id] = account
        return account


def cast(end: date) -> Cast:
    """Return the whole organization for a story that ends on this day."""
    day = Calendar(end)
    company = Cast(day)
    _people_and_projects(company)
    _products(company)
    _platform(company)
    _story(company)
    return company


def _people_and_projects(company: Cast) -> None:
    for person in PEOPLE:
        person_id, (first, *_) = identity("user-", person), person.split()
        email = f"{first.lower().replace('á', 'a')}@example.com"
        company.users[person_id] = user(
            person_id, person, email, role="owner" if "Ada" in person else "reader"
        )
    archived_at = _seconds(company.calendar.archived)
    for name in PROJECTS:
        project_id = company.project_id(name)
        company.projects[project_id] = project(
            project_id, name, archived_at=archived_at if name == "chat-legacy" else None
        )


def _products(company: Cast) -> None:
    """Add what customers use."""
    spends, day = company.spends, company.calendar
    launched = (Turn(day.launch, ALWAYS, 1.3), Turn(day.launch, day.launch + timedelta(days=4), 1.5))
    search: More = {"turns": launched}
    spends("search-prod", "answers-api", "completions", "gpt-5.2", 372, AGENT, **search)
    spends("search-prod", "ranker", "completions", "gpt-5-mini-2025-08-07", 85, LONG, **search)
    spends("search-prod", "ranker", "embeddings", "text-embedding-3-small", 31, TEXTS, **search)
    searches = {"calls": 1.4}
    more_searches: More = {"turns": (Turn(day.launch, ALWAYS, 1.4),), "more": {"context_level": "medium"}}
    spends("search-prod", "answers-api", "web_search_calls", "gpt-5.2", 8, searches, **more_searches)

    spends("payments-ml", "disputes", "completions", "gpt-5-mini-2025-08-07", 118, LONG, OFFICE)
    spends("payments-ml", "disputes", "completions", "gpt-4.1-2025-04-14", 92, CHAT, OFFICE)
    spends("payments-ml", "matching", "embeddings", "text-embedding-3-large", 17, TEXTS, OFFICE)
    spends("payments-ml", "disputes", "code_interpreter_sessions", None, 7, {"sessions": 1.0}, OFFICE)

    spends("support-bot", "helpdesk", "completions", "gpt-5-mini-2025-08-07", 74, CHAT)
    spends("support-bot", "helpdesk", "completions", "gpt-5.2", 45, CHAT)
    articles = {"vector_store_id": identity("vs_", "help-articles")}
    spends("support-bot", "helpdesk", "file_search_calls", None, 6, {"calls": 1.0}, more=articles)
    searching = {"context_level": "low"}
    spends(
        "support-bot", "helpdesk", "web_search_calls", "gpt-5-mini-2025-08-07", 2, searches, more=searching
    )
    spends("support-bot", "helpdesk", "moderations", "omni-moderation-latest", 42_000, TEXTS)
    stored = {"byte_hours": 24.0 * 2**30}
    spends("support-bot", "helpdesk", "vector_stores", None, 1.6, stored, STEADY)

    reading = {"cached": 6_100.0, "uncached": 700.0, "output": 300.0}
    spends("docs-bot", "site", "completions", "gpt-5-mini-2025-08-07", 18, reading, until=day.new_model)
    writing = reading | {"cache_write": 450.0}
    spends("docs-bot", "site", "completions", "gpt-5.6-luna", 24, writing, since=day.new_model)
    spends("docs-bot", "site", "web_search_calls", "gpt-5.6-luna", 2, searches, more=searching)

    speech = {"audio_input": 1_900.0, "audio_output": 2_600.0}
    spends("voice-agents", "phone-line", "completions", "gpt-realtime-2.1", 52, speech)
    spends("voice-agents", "phone-line", "audio_transcriptions", "whisper-1", 12, {"seconds": 74.0})
    spends("voice-agents", "phone-line", "audio_speeches", "tts-1", 9, {"characters": 310.0})
    pictures = {"source": "image.generation", "size": "1024x1024"}
    spends(
        "image-studio",
        "campaigns",
        "images",
        "gpt-image-2-2026-04-21",
        55,
        {"images": 1.3},
        OFFICE,
        more=pictures,
    )
    legacy: More = {"until": day.archived}
    spends("chat-legacy", "web", "completions", "gpt-4o-2024-08-06", 64, CHAT, listed=None, **legacy)


def _platform(company: Cast) -> None:
    """Add what colleagues run."""
    spends = company.spends
    spends("eval-nightly", "suite", "completions", "gpt-5.2", 62, LONG, NIGHTLY, batch=True)
    spends(
        "eval-nightly", "suite", "completions", "gpt-5-mini-2025-08-07", 28, LONG, NIGHTLY, surface="evals | "
    )
    spends("fraud-screening", "stream", "completions", "gpt-5-nano-2025-08-07", 74, LONG)
    spends("fraud-screening", "stream", "completions", "gpt-4.1-2025-04-14", 61, CHAT)
    spends("data-pipeline", "backfill", "completions", "gpt-5-mini-2025-08-07", 78, LONG, NIGHTLY, batch=True)
    spends("data-pipeline", "indexer", "embeddings", "text-embedding-3-small", 34, TEXTS, NIGHTLY)
    spends("recruiting-assistant", "intake", "completions", "gpt-4o-mini-2024-07-18", 9, LONG, OFFICE)
    spends("labs", "notebooks", "completions", "gpt-5.2", 14, LONG, OFFICE, person="Li Wei")
    spends(
        "labs", "notebooks", "completions", "gpt-5-mini-2025-08-07", 6, LONG, OFFICE, person="Tomás Rivera"
    )
    spends("sandbox-mira", "R&D <scratch>", "completions", "gpt-5.2", 5, CHAT, OFFICE, person="Mira Okafor")
    # a user key from before there were projects
    spends(None, "legacy", "completions", "gpt-4o-mini-2024-07-18", 4, CHAT, OFFICE, person="Jonas Weber")


def _story(company: Cast) -> None:
    """Add the runaway key, the bill that comes late, and the credit."""
    spends, day = company.spends, company.calendar
    shares = (0.33, 0.95, 1.1, 1.05, 0.4)  # from an afternoon until somebody noticed, four days later
    days = tuple(one_day(day.runaway + timedelta(days=nth), share) for nth, share in enumerate(shares))
    # usage shows a new key at once, the bill only from the next day on
    runaway: More = {"turns": days, "needs_turn": True, "billed_on": day.runaway + timedelta(days=1)}
    spends(
        "labs", "ingest-worker", "completions", "gpt-5.2", 460, LONG, STEADY, listed=day.runaway, **runaway
    )
    backlog: More = {
        "turns": (one_day(day.backlog, 1.0),),
        "needs_turn": True,
        "billed_on": day.backlog_billed,
        "more": {"service_tier": "flex"},
    }
    spends("support-bot", "ticket-backlog", "completions", "gpt-5.2", 940, LONG, STEADY, **backlog)
    company.credits.append(CostRow(day.credit, None, "service credit", "-250.00"))


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
