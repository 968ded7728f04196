"""Asking: answers beside one sum over the same facts, and a minute of many people."""

from contextlib import closing, contextmanager

from sqlalchemy import event

from bot.answers import answer
from bot.core.period import midnight
from bot.rulebook import InForce
from tests.bench.place import connect
from tests.bench.rows_judge import book, turns
from tests.bench.table import row

MOST_STATEMENTS = 30
QUESTIONS = ("report 12m by project", "report 12m by model", "status", "top 12m by project", "why last-month")
RULES = 20


def asked(place):
    store, rules = place.store(place.stored), InForce(book(place, RULES))
    held = place._ended.enter_context(closing(connect(place.stored)))
    first = int(midnight(place.since).timestamp())
    for words in QUESTIONS:

        def ask(words=words):
            told, query = answer(store, rules, words, place.now)
            assert query is not None, told

        def total():
            held.execute("SELECT SUM(amount_nano) FROM cost_fact WHERE bucket >= ?", (first,)).fetchall()

        ask()
        with counted(store) as statements:
            ask()
        ours, peer = turns(place, ask, total)
        yield row(
            f"ask: {words}",
            f"`{words}`",
            "the SUM of a year",
            ours,
            peer,
            "s",
            "≤ 3, < 200 ms",
            3,
            and_=ours < 0.2 and len(statements) <= MOST_STATEMENTS,
            note=f"{len(statements)} statements",
        )


@contextmanager
def counted(store):
    statements = []

    def one(*told):
        statements.append(told[2])

    event.listen(store._engine, "before_cursor_execute", one)
    try:
        yield statements
    finally:
        event.remove(store._engine, "before_cursor_execute", one)


def load(place):
    from tests.load import p, run

    acks, took, failed, polls = run(100, 60, place.seed)
    note = f"{polls} polls meanwhile, {len(failed)} failed"
    for name, values, most in (("acknowledged", acks, 250), ("answered", took, 1_500)):
        yield row(
            f"load-{name}",
            f"`/budget` at 100 a second for a minute: {name}, p99",
            "",
            p(values, 99),
            None,
            "ms",
            f"< {most:,} ms",
            most,
            and_=not failed,
            note=note,
        )


ROWS = {"ask": asked, "load": load}
