"""Storing: all the way from HTTP, and the store alone, on SQLite and on PostgreSQL."""

from contextlib import closing
from itertools import groupby
from statistics import median

from bot.core.period import midnight
from bot.edge.openai import Ask
from bot.edge.store import facts
from bot.edge.store.store import Store
from bot.sync import BACKFILL
from tests.bench.place import WINDOW, connect
from tests.bench.table import child, row, took

COSTS = ("project_id", "line_item", "api_key_id")
FACTS = ("bucket", "series_id", "observed_at", "amount_nano", "quantity_micro")
UPSERT = (
    f"INSERT INTO cost_fact ({', '.join(FACTS)}) VALUES (?, ?, ?, ?, ?) ON CONFLICT (bucket, series_id) DO UPDATE "
    f"SET {', '.join(f'{name} = excluded.{name}' for name in FACTS[2:])}"
)


def year(place):
    """Return the question for a year of costs."""
    return Ask("costs", midnight(place.since), midnight(place.tomorrow), "1d", COSTS)


def readings(place):
    """Return a year of costs as it is read, newest first."""
    openai = place.openai(place.address("costs"))
    return list(openai.read_span(year(place), place.now, concurrency=BACKFILL, newest_first=True))


def windows(file, since):
    """Return the stored rows, a list for each page of the API."""
    with closing(connect(file)) as held:
        query = f"SELECT {', '.join(FACTS)} FROM cost_fact WHERE bucket >= ? ORDER BY bucket, series_id"
        rows = held.execute(query, (int(midnight(since).timestamp()),)).fetchall()
    pages = groupby(rows, key=lambda one: one[0] // 86_400 // WINDOW)
    return [list(page) for _, page in pages][::-1]


def upserted(place, pages):
    """Return the seconds that sqlite3 alone takes for the same rows, the same series and the same commits."""
    file = place.empty("raw")
    with closing(connect(file)) as held, closing(connect(place.stored)) as known:
        series = known.execute("SELECT * FROM series").fetchall()
        marks = ", ".join("?" * len(series[0]))
        held.executemany(f"INSERT INTO series VALUES ({marks})", series)

        def write():
            for page in pages:
                held.execute("BEGIN IMMEDIATE")
                for first in range(0, len(page), 5_000):
                    held.executemany(UPSERT, page[first : first + 5_000])
                held.execute("COMMIT")

        return took(write)[0]


def kept(store, read, now):
    """Store readings as a backfill does; return how many values there were."""
    count = 0
    for reading in read:
        with store.writing() as tx:
            store.index.refresh(tx)
            count += facts.store(tx, store.index, reading, now)
    return count


def fetch_and_store(place):
    address, pages = place.address("costs"), windows(place.stored, place.since)
    span = place.since.isoformat(), place.tomorrow.isoformat(), place.now.isoformat()
    count, ours, raw = sum(map(len, pages)), [], []
    for _ in range(place.repeat):
        done = child("backfill", address, str(place.empty("synced")), *span, "costs")
        assert done["changed"] == count, (done, count)
        ours.append(done["seconds"])
        raw.append(upserted(place, pages))
    yield row(
        "fetch-store",
        f"fetch, decode and store a year of costs, {count:,} rows",
        "sqlite3 upserts the same rows",
        count / median(ours),
        count / median(raw),
        "rows/s",
        "≥ 0.35",
        0.35,
        least=True,
    )


def store_alone(place):
    read, pages = readings(place), windows(place.stored, place.since)
    count, ours, raw = sum(map(len, pages)), [], []
    for _ in range(place.repeat):
        with Store(f"sqlite:///{place.empty('alone')}") as store:
            seconds, written = took(kept, store, read, place.now)
        assert written == count, (written, count)
        ours.append(seconds)
        raw.append(upserted(place, pages))
    yield row(
        "store",
        "the store alone",
        "sqlite3 upserts the same rows",
        count / median(ours),
        count / median(raw),
        "rows/s",
        "≥ 0.75",
        0.75,
        least=True,
    )


def store_on_postgres(place):
    import psycopg

    from tests import engines

    read, ours, raw, count = readings(place), [], [], 0
    for _ in range(place.repeat):
        url = engines._created(engines._template())
        with Store(url) as store:
            seconds, count = took(kept, store, read, place.now)
        ours.append(seconds)
        with psycopg.connect(url) as held:
            names = ", ".join(FACTS)
            rows = held.execute(f"SELECT {names} FROM cost_fact ORDER BY bucket, series_id").fetchall()
            held.execute("TRUNCATE cost_fact")
            held.commit()
            texts = [
                "".join(
                    "\t".join("\\N" if cell is None else str(cell) for cell in one) + "\n" for one in page
                )
                for _, page in groupby(rows, key=lambda one: one[0] // 86_400 // WINDOW)
            ][::-1]

            def copied(held=held, names=names, texts=texts):
                for text in texts:
                    with held.cursor() as cursor, cursor.copy(f"COPY cost_fact ({names}) FROM STDIN") as copy:
                        copy.write(text)
                    held.commit()

            assert len(rows) == count
            raw.append(took(copied)[0])
        with psycopg.connect(engines._uri("postgres"), autocommit=True) as held:
            held.execute(f"DROP DATABASE {url.partition('?')[0].rpartition('/')[2]} WITH (FORCE)")
    yield row(
        "store-postgres",
        "the store alone, PostgreSQL",
        "COPY of the same rows into the keyed table",
        count / median(ours),
        count / median(raw),
        "rows/s",
        "≥ 0.40",
        0.40,
        least=True,
    )


ROWS = {"fetch-store": fetch_and_store, "store": store_alone, "store-postgres": store_on_postgres}
