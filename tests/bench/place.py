"""Where a run works: its organization, pages, server and databases, each made when a row first asks for it."""

import gc
import shutil
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from bot.core.period import DAY
from bot.edge.openai import OpenAI
from bot.edge.store import months
from bot.edge.store.store import Store
from bot.naming import learn
from bot.sync import Syncer
from tests.bench.generate import DAYS, Organization, instant
from tests.bench.serve import KEY, serving

LATENCY = 0.15
YEAR = 365
WINDOW = 7
"""Days of a page, as the bot asks for this organization's costs."""


@dataclass
class Place:
    """A folder that holds everything of one run; a context manager."""

    folder: Path
    scale: float = 1.0
    repeat: int = 5
    seed: int = 1
    now: datetime = field(default_factory=instant)
    _ended: ExitStack = field(default_factory=ExitStack)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return self._ended.__exit__(*error)

    @property
    def tomorrow(self):
        return self.now.date() + DAY

    @property
    def since(self):
        """The first day of the year that ends today."""
        return self.tomorrow - YEAR * DAY

    @cached_property
    def organization(self):
        return Organization(self.seed, self.scale, self.now.date())

    def pages(self, *what):
        """Return the folder of pages that hold what is named."""
        folder = self.folder / "pages"
        folder.mkdir(exist_ok=True)
        self.organization.render(folder, what)
        gc.collect()
        gc.freeze()  # nobody who is measured walks through the organization
        return folder

    @cached_property
    def _address(self):
        return self._ended.enter_context(serving(self.folder / "pages"))

    def address(self, *what):
        """Return where these pages are served."""
        self.pages(*what)
        return self._address

    def slow(self, *what):
        """Return where they are served after 150 ms."""
        return self._ended.enter_context(serving(self.pages(*what), LATENCY))

    def openai(self, address):
        return self._ended.enter_context(OpenAI(KEY, address))

    def syncer(self, openai, store):
        return Syncer(openai, store, lambda: self.now)

    # -- databases ---------------------------------------------------------------------------------

    def empty(self, name):
        """Return a new database that knows everybody's names."""
        file = self.folder / f"{name}.db"
        for old in self.folder.glob(f"{name}.db*"):
            old.unlink()
        shutil.copy(self._named, file)
        return file

    @cached_property
    def _named(self):
        file = self.folder / "named.db"
        with Store(f"sqlite:///{file}") as store:
            names = learn(self.openai(self.address("costs")), store, (), self.now)
            with store.writing() as tx:
                names.keep(tx, self.now)
        settle(file)
        return file

    @cached_property
    def stored(self):
        """A database with all 400 days of costs, their months added up as by a poll."""
        file = self.empty("stored")
        with Store(f"sqlite:///{file}") as store:
            first = self.tomorrow - DAYS * DAY
            self.syncer(self.openai(self.address("costs")), store).span(
                first, self.tomorrow, self.now, ["costs"]
            )
            months.add_up(store, self.now.date())
        settle(file)
        return file

    @cached_property
    def polled(self):
        """The same after a first poll of all sources."""
        file = self.folder / "polled.db"
        shutil.copy(self.stored, file)
        with Store(f"sqlite:///{file}") as store:
            done = self.syncer(self.openai(self.address("poll")), store).poll(self.now)
            assert done.complete, done
        settle(file)
        return file

    @cached_property
    def longer(self):
        """The same with four times the history."""
        file = self.folder / "longer.db"
        shutil.copy(self.polled, file)
        with closing(sqlite3.connect(file)) as held:
            for table in ("cost_fact", "usage_day"):
                columns = [column[1] for column in held.execute(f"PRAGMA table_info({table})")]
                others = ", ".join(name for name in columns if name != "bucket")
                first, last = held.execute(f"SELECT MIN(bucket), MAX(bucket) FROM {table}").fetchone()
                for times in range(1, 4):
                    back = times * (last - first + 86_400)
                    held.execute(
                        f"INSERT INTO {table} (bucket, {others}) SELECT bucket - {back}, {others} "
                        f"FROM {table} WHERE bucket >= {first} ORDER BY bucket, series_id"
                    )
            earlier = self.tomorrow - 4 * DAYS * DAY
            held.execute("UPDATE source_state SET since = ? WHERE source = 'costs'", (earlier.isoformat(),))
            held.commit()
        settle(file)
        return file

    def store(self, file):
        return self._ended.enter_context(Store(f"sqlite:///{file}"))

    def rules(self, count):
        """Return a folder of so many rules."""
        folder = self.folder / f"rules-{count}"
        folder.mkdir(exist_ok=True)
        for name, text in self.organization.rules(count).items():
            (folder / name).write_text(text)
        return folder


def settle(file):
    """Bring what is written ahead into the file, so that it can be copied."""
    with closing(connect(file)) as held:
        held.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def connect(file):
    """Return a plain connection with the bot's own settings of SQLite."""
    held = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-8000"):
        held.execute(f"PRAGMA {pragma}").fetchall()
    return held
