"""Spend laid out by hand for answers: (day, series, nano-dollars) rows, cut as a question needs them."""

import os
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from bot.core.dimension import Series
from bot.core.query import parse
from bot.core.question import Query
from bot.core.report import report, spans_needed
from bot.core.rules.book import Rulebook, Team
from bot.core.rules.select import Pattern
from bot.core.spend import Names, Spend, cuts_of

TODAY = date(2026, 11, 22)
AS_OF = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
LONG_AGO = date(2025, 1, 1)
DOLLAR = 1_000_000_000
NAMES = Names(
    {
        ("project", "proj_search"): "search-prod",
        ("project", "proj_labs"): "labs",
        ("project", "proj_quiet"): "quiet-one",
        ("api_key", "key_1"): "ingest-worker",
    }
)
BOOK = Rulebook(teams=(Team("search", (Pattern("search-*"),)),))
PROJECTS = ("", "proj_search", "proj_labs", "proj_new")
LINES = ("gpt-5.2, input", "gpt-5.2, output", "gpt-image-2 image, output", "web search tool calls", "")
SERIES = {
    i: Series(project, line, key)
    for i, (project, line, key) in enumerate(
        (project, line, key) for project in PROJECTS for line in LINES for key in ("", "key_1")
    )
}


def number(project="", line="", key=""):
    """The series of a project's line item."""
    return next(i for i, series in SERIES.items() if series == Series(project, line, key))


def scan(rows, spans, *, series=None, names=NAMES, history_from=LONG_AGO, as_of=AS_OF, book=BOOK):
    """The scan that a store would make of these rows."""
    cuts = cuts_of(spans)
    stretches = []
    for start, end in pairwise(cuts):
        sums = {}
        for day, place, amount in rows:
            if start <= day < end:
                sums[place] = sums.get(place, 0) + amount
        stretches.append(sums)
    return Spend(cuts, stretches, series or SERIES, names, book, history_from=history_from, as_of=as_of)


def asked(words, today=TODAY):
    query = parse(words, today)
    assert isinstance(query, Query), query
    return query


def answered(words, rows, *, today=TODAY, **known):
    """The report that `words` ask of these rows."""
    query = asked(words, today)
    return report(query, scan(rows, spans_needed(query), **known), today)


def ago(days):
    return TODAY - timedelta(days=days)


def golden(name, text):
    """Compare with a file that a person has read; BUDGETBOT_GOLDEN=write writes it anew."""
    path = Path(__file__).parent / "golden" / name
    if os.environ.get("BUDGETBOT_GOLDEN") == "write":
        path.write_text(text + "\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text + "\n"
