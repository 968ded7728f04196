"""`python -m tests.bench.child KIND JSON`: one thing, measured in a process of its own with its peak memory."""

import json
import resource
import sys
from datetime import date, datetime
from pathlib import Path
from time import perf_counter


def fetch(address, since, until, now):
    from bot.core.period import midnight
    from bot.edge.openai import Ask, OpenAI
    from bot.sync import BACKFILL
    from tests.bench.rows_store import COSTS
    from tests.bench.serve import KEY

    rows, total = 0, 0
    with OpenAI(KEY, address) as openai:
        ask = Ask("costs", midnight(day(since)), midnight(day(until)), "1d", COSTS)
        began = perf_counter()
        for reading in openai.read_span(ask, datetime.fromisoformat(now), concurrency=BACKFILL):
            rows += reading.count
            total += sum(sum(bucket.columns[0]) for bucket in reading.rows.values())
            del reading
        return {"seconds": perf_counter() - began, "rows": rows, "total": total}


def distant(address, since, until, now, repeat):
    """The seconds of each time a year is read, after a first time that opens connections and learns pages' sizes."""
    from bot.core.period import midnight
    from bot.edge.openai import Ask, OpenAI
    from bot.sync import BACKFILL
    from tests.bench.rows_store import COSTS
    from tests.bench.serve import KEY

    with OpenAI(KEY, address) as openai:
        ask = Ask("costs", midnight(day(since)), midnight(day(until)), "1d", COSTS)
        seconds, pages = [], 0
        for _ in range(repeat + 1):
            began = perf_counter()
            span = openai.read_span(ask, datetime.fromisoformat(now), concurrency=BACKFILL)
            pages = sum(reading.pages for reading in span)
            seconds.append(perf_counter() - began)
        return {"seconds": seconds[1:], "pages": pages}


def official(address, since, until, now):
    from openai import OpenAI

    from bot.core.period import midnight
    from tests.bench.place import WINDOW
    from tests.bench.rows_store import COSTS
    from tests.bench.serve import KEY

    rows, total, more = 0, 0.0, {}
    with OpenAI(admin_api_key=KEY, api_key="", base_url=address, max_retries=0) as client:
        ask = client.admin.organization.usage.costs
        began = perf_counter()
        while True:
            page = ask(
                start_time=int(midnight(day(since)).timestamp()),
                end_time=int(midnight(day(until)).timestamp()),
                bucket_width="1d",
                group_by=list(COSTS),
                limit=WINDOW,
                **more,
            )
            for bucket in page.data:
                rows += len(bucket.results)
                total += sum(result.amount.value for result in bucket.results)
            if not page.has_more:
                return {"seconds": perf_counter() - began, "rows": rows, "total": total}
            more = {"page": page.next_page}


def backfill(address, file, since, until, now, source):
    """What `budgetbot sync` does, as its process is set up."""
    from bot.edge.memory import stay_small

    stay_small()
    from bot.edge.openai import OpenAI
    from bot.edge.store.store import Store
    from bot.sync import Syncer
    from tests.bench.serve import KEY

    at = datetime.fromisoformat(now)
    with OpenAI(KEY, address) as openai, Store(f"sqlite:///{file}") as store:
        began = perf_counter()
        done = Syncer(openai, store, lambda: at).span(day(since), day(until), at, [source])
        assert done.complete, done
        result = done.results[0]
        return {"seconds": perf_counter() - began, "rows": result.rows, "changed": result.changed}


def day(text):
    return date.fromisoformat(text)


def peak():
    """Return this process's highest memory in bytes. What Linux adds up by itself counts the parent's before exec."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) * 1024 for line in status.open() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    kinds = {"fetch": fetch, "distant": distant, "official": official, "backfill": backfill}
    measured = kinds[sys.argv[1]](*json.loads(sys.argv[2]))
    sys.stdout.write(json.dumps(measured | {"peak": peak()}))
