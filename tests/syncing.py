"""An organization, its stand-in and a syncer with a real database; what is stored, read back in plain SQL."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.core.period import epoch
from bot.demo.ledger import Ledger
from bot.demo.openai_questions import Refused
from bot.demo.openai_server import OpenAIServer
from bot.edge.openai import OpenAI
from bot.edge.store import records
from bot.edge.store.sql import run
from bot.edge.store.store import Store
from bot.sync import Syncer
from tests.engines import database_url

TODAY = date(2026, 10, 20)
NOON = datetime(2026, 10, 20, 12, 0, 30, tzinfo=UTC)
LINE = "gpt-6-astra, input"


def ago(days):
    return TODAY - timedelta(days=days)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Choosy(OpenAIServer):
    """A stand-in that also answers with the status that `refuses(path, params)` returns."""

    refuses = None

    def answer(self, method, path, params, authorization, *, plain=False):
        if self.refuses is not None and (status := self.refuses(path, params)):
            raise Refused(status, "This combination is not supported.", "group_by", "invalid_value")
        return super().answer(method, path, params, authorization, plain=plain)


def groups(*names):
    """Refuse a request grouped by all these."""
    return lambda path, params: 400 * (set(names) <= {value for name, value in params if name == "group_by"})


def before(day, status=400):
    """Refuse a request that begins before the day."""
    edge = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    return lambda path, params: (
        status * any(name == "start_time" and int(value) < edge for name, value in params)
    )


@lru_cache(maxsize=1)
def empty_database():
    """Return a migrated database, byte for byte: migrating one takes longer than a story."""
    with TemporaryDirectory() as folder:
        Store(f"sqlite:///{folder}/empty.db").close()
        return Path(folder, "empty.db").read_bytes()


class Bot:
    def __init__(self, path, server, openai, clock):
        self.path = path
        self.server = server
        self.ledger = server.world
        self.openai = openai
        self.clock = clock
        path.write_bytes(empty_database())
        self.url = database_url(path.parent, name=path.stem)
        self.store = Store(self.url)
        self.sources = ("costs",)

    def poll(self, now=NOON, **more):
        self.clock[0] = now
        more.setdefault("sources", self.sources)
        return Syncer(self.openai, self.store, lambda: self.clock[0]).poll(now, **more)

    def span(self, since, until=TODAY + timedelta(days=1), now=NOON, sources=("costs",), progress=None):
        self.clock[0] = now
        return Syncer(self.openai, self.store, lambda: self.clock[0]).span(
            since, until, now, sources, progress
        )

    def restart(self):
        """What a killed process leaves is what its successor finds."""
        self.store.close()
        self.store = Store(self.url)

    def rows(self, statement, *values):
        with self.store.reading() as tx:
            return [tuple(row) for row in run(tx, statement, values)]

    def one(self, statement, *values):
        return self.rows(statement, *values)[0][0]

    def state(self, source="costs", width="1d"):
        with self.store.reading() as tx:
            return records.stored(tx).get((source, width))

    def version(self):
        with self.store.reading() as tx:
            return records.version(tx)

    def day(self, day):
        """Return a day's costs in nano-dollars by (project, line item)."""
        rows = self.rows(
            "SELECT s.project_id, s.line_item, SUM(f.amount_nano) FROM cost_fact f JOIN series s ON s.id = f.series_id "
            "WHERE f.bucket = ? GROUP BY 1, 2",
            epoch(day),
        )
        return {(project, line): int(amount) for project, line, amount in rows if amount}

    def costs(self):
        """Return the whole of what is stored of costs."""
        return self.rows("SELECT * FROM cost_fact ORDER BY 1, 2"), self.rows(
            "SELECT * FROM cost_history ORDER BY 1, 2, 3"
        )

    def asked_since(self, path="/costs"):
        """Return the first day of each request for a path."""
        return [
            datetime.fromtimestamp(int(dict(request.params)["start_time"]), UTC).date()
            for request in self.server.asked(path)
        ]

    def asked_until(self, path="/costs"):
        return [
            datetime.fromtimestamp(int(dict(request.params)["end_time"]), UTC)
            for request in self.server.asked(path)
        ]

    def forget_requests(self):
        self.server.requests.clear()

    def groupings(self, path="/costs"):
        return [
            tuple(value for name, value in request.params if name == "group_by")
            for request in self.server.asked(path)
        ]


@contextmanager
def bot(tmp_path, ledger=None, **server):
    clock = [NOON]
    world = ledger if ledger is not None else Ledger()
    with (
        Choosy(world, now=lambda: clock[0] + timedelta(seconds=1), **server) as standin,
        OpenAI(standin.admin_key, standin.base_url) as openai,
    ):
        built = Bot(tmp_path / "budgetbot.db", standin, openai, clock)
        try:
            yield built
        finally:
            built.store.close()
