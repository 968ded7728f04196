"""Judging: rules beside one scan of what they look at, a longer history, and a year replayed."""

from contextlib import closing
from statistics import median

from bot.backtesting import run
from bot.core.evaluate import evaluate, needs
from bot.core.period import midnight
from bot.edge import rule_files
from bot.loading import load_view
from tests.bench.place import YEAR, connect
from tests.bench.rows_fetch import steady
from tests.bench.table import row, took


def book(place, count):
    loaded = rule_files.load(place.rules(count))
    assert loaded.book is not None, loaded.problems[:3]
    return loaded.book


def judged(place, rules, file):
    """Return what evaluates the rules, loading what they look at, as each poll does."""
    store = place.store(file)

    def once():
        with store.reading() as tx:
            view = load_view(tx, store, rules, place.now)
        found = evaluate(rules, view, place.now, {})
        assert not found.broken, found.broken
        return found

    return once


def scan(place, rules, file, *, summed=True):
    """Return what scans the same days once, grouped by series, with one sum for each span the rules look at."""
    spans = sorted({(span.start, span.end) for span in needs(rules, place.now).spans})
    edges = [tuple(int(midnight(day).timestamp()) for day in span) for span in spans]
    sums = [f"SUM(amount_nano) FILTER (WHERE bucket >= {a} AND bucket < {b})" for a, b in edges]
    query = (
        f"SELECT series_id, {', '.join(sums if summed else ['SUM(amount_nano)'])} FROM cost_fact "
        f"WHERE bucket >= {min(a for a, _ in edges)} AND bucket < {max(b for _, b in edges)} GROUP BY series_id"
    )
    held = place._ended.enter_context(closing(connect(file)))
    return lambda: held.execute(query).fetchall()


def evaluation(place, count, limit, name):
    rules = book(place, count)
    works = (
        judged(place, rules, place.stored),
        scan(place, rules, place.stored),
        scan(place, rules, place.stored, summed=False),
    )
    ours, peer, plain = turns(place, *works)
    spans = len({(span.start, span.end) for span in needs(rules, place.now).spans})
    yield row(
        name,
        f"evaluate {count:,} rules, half of them for each project",
        f"one scan with {spans} sums a series",
        ours,
        peer,
        "s",
        f"≤ {limit}",
        limit,
        note=f"a scan with one sum: {plain * 1000:.1f} ms",
    )


def turns(place, *works):
    for work in works:
        work()
    found = [[took(work)[0] for work in works] for _ in range(place.repeat)]
    return [median(column) for column in zip(*found, strict=True)]


def thousand(place):
    yield from evaluation(place, 1_000, 1.3, "rules-1000")


def ten_thousand(place):
    yield from evaluation(place, 10_000, 2.5, "rules-10000")


def history(place):
    rules = book(place, 1_000)
    longer, shorter = turns(place, judged(place, rules, place.longer), judged(place, rules, place.polled))
    yield row(
        "history-rules",
        "evaluate 1,000 rules, 4 × the history",
        "1 × the history",
        longer,
        shorter,
        "s",
        "≤ 1.2",
        1.2,
    )
    longer, shorter = steady(place, place.longer)[0], steady(place, place.polled)[0]
    yield row(
        "history-poll",
        "a steady poll, 4 × the history",
        "1 × the history",
        longer,
        shorter,
        "s",
        "≤ 1.2",
        1.2,
    )


def backtest(place):
    rules = book(place, 1_000)
    (one,) = turns(place, judged(place, rules, place.stored))
    store = place.store(place.stored)
    ours, _ = took(lambda: run(store, rules, place.since, place.now))
    yield row(
        "backtest",
        f"a backtest of {YEAR} days, 1,000 rules",
        "one evaluation × the days",
        ours,
        one * YEAR,
        "s",
        "≤ 1.0",
        1.0,
        note="once",
    )


ROWS = {"rules-1000": thousand, "rules-10000": ten_thousand, "history": history, "backtest": backtest}
