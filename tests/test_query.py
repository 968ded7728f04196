"""What people type, in Slack and in a shell, and what is made of it."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.filters import Filter, passes
from bot.core.period import Span
from bot.core.query import Misread, Query, parse
from bot.core.ranges import EXAMPLES, before, read_range
from bot.core.status import Standing
from bot.core.tokens import from_slack, quoted, split, values
from bot.core.verbs import COST_KEYS, FLAGS, ORDERED, VERBS, WORDS_OF

TODAY = date(2026, 11, 22)  # a Sunday


def days(first, last):
    return Span(date.fromisoformat(first), date.fromordinal(date.fromisoformat(last).toordinal() + 1))


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        pytest.param("today", "2026-11-22", "2026-11-22", id="today"),
        pytest.param("yesterday", "2026-11-21", "2026-11-21", id="yesterday"),
        pytest.param("7d", "2026-11-16", "2026-11-22", id="seven-days-include-today"),
        pytest.param("4w", "2026-10-26", "2026-11-22", id="four-weeks"),
        pytest.param("3m", "2026-08-23", "2026-11-22", id="three-months"),
        pytest.param("this-week", "2026-11-16", "2026-11-22", id="this-week"),
        pytest.param("last-week", "2026-11-09", "2026-11-15", id="last-week-is-monday-to-sunday"),
        pytest.param("mtd", "2026-11-01", "2026-11-22", id="month-to-date"),
        pytest.param("last-month", "2026-10-01", "2026-10-31", id="last-month"),
        pytest.param("qtd", "2026-10-01", "2026-11-22", id="quarter-to-date"),
        pytest.param("ytd", "2026-01-01", "2026-11-22", id="year-to-date"),
        pytest.param("2025", "2025-01-01", "2025-12-31", id="a-year"),
        pytest.param("2026", "2026-01-01", "2026-11-22", id="a-year-that-is-not-over-ends-today"),
        pytest.param("2026-10", "2026-10-01", "2026-10-31", id="a-month"),
        pytest.param("nov", "2026-11-01", "2026-11-22", id="the-month-that-runs"),
        pytest.param("dec", "2025-12-01", "2025-12-31", id="a-month-to-come-is-last-year's"),
        pytest.param("nov 2025", "2025-11-01", "2025-11-30", id="a-month-and-its-year"),
        pytest.param("Nov-2025", "2025-11-01", "2025-11-30", id="with-a-dash-in-any-case"),
        pytest.param("2026-10-31", "2026-10-31", "2026-10-31", id="a-day"),
        pytest.param("2026-10-01..2026-10-31", "2026-10-01", "2026-10-31", id="both-ends-belong-to-it"),
        pytest.param("2026-10..2026-11", "2026-10-01", "2026-11-22", id="months-as-ends"),
        pytest.param("2026-10-01..", "2026-10-01", "2026-11-22", id="open-end"),
        pytest.param("since 2026-10-01", "2026-10-01", "2026-11-22", id="since"),
        pytest.param("2026-10-01..2026-10-31", "2026-10-01", "2026-10-31", id="dots"),
        pytest.param("2024-01-01..2024-12-31", "2024-01-01", "2024-12-31", id="a-leap-year-is-366-days"),
    ],
)
def test_ranges_are_utc_days(words, first, last):
    query = parse(f"report {words}", TODAY)
    assert isinstance(query, Query), query
    assert query.span == days(first, last)


@pytest.mark.parametrize(
    ("words", "problem", "instead"),
    [
        pytest.param(
            "2026-10-31..2026-10-01",
            "ends before it begins",
            "2026-10-01..2026-10-31",
            id="reversed-is-refused-not-swapped",
        ),
        pytest.param(
            "2026-11-01..2026-11-30", "future", "2026-11-01..2026-11-22", id="ends-tomorrow-or-later"
        ),
        pytest.param("2027-01", "future", "mtd", id="a-month-to-come"),
        pytest.param("2026-02-30", "no day", "2026-02-28", id="no-such-day"),
        pytest.param("2026-13", "no month", "2026", id="no-such-month"),
        pytest.param("2025-01-01..2026-11-01", "670 days", "2025-11-01..2026-11-01", id="more-than-366-days"),
        pytest.param("400d", "366", "366d", id="too-many-days-back"),
        pytest.param("0d", "no days", "1d", id="none"),
    ],
)
def test_ranges_that_cannot_be_answered_say_why_and_what_can(words, problem, instead):
    misread = parse(f"report {words} by model", TODAY)
    assert isinstance(misread, Misread)
    assert problem in misread.problem
    assert misread.corrections[0] == f"report {instead} by model"


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        pytest.param("mtd", "2026-10-01", "2026-10-22", id="mtd-with-the-same-days-of-last-month"),
        pytest.param("last-month", "2026-09-01", "2026-09-30", id="a-whole-month-with-the-whole-one-before"),
        pytest.param("2026-09", "2026-08-01", "2026-08-31", id="a-named-month"),
        pytest.param("this-week", "2026-11-09", "2026-11-15", id="this-week"),
        pytest.param("qtd", "2026-07-01", "2026-08-22", id="quarter"),
        pytest.param("ytd", "2025-01-01", "2025-11-22", id="year"),
        pytest.param("7d", "2026-11-09", "2026-11-15", id="the-seven-days-before"),
        pytest.param("today", "2026-11-21", "2026-11-21", id="yesterday"),
        pytest.param("2026-11-01..2026-11-07", "2026-10-25", "2026-10-31", id="as-many-days-before"),
    ],
)
def test_what_a_range_is_compared_with(words, first, last):
    span = read_range(words, TODAY)
    assert isinstance(span, Span)
    assert before(words, span) == days(first, last)


def test_a_long_month_is_compared_with_no_more_than_the_short_one_before_it():
    span = read_range("mtd", date(2026, 3, 30))
    assert isinstance(span, Span)
    assert before("mtd", span) == days("2026-02-01", "2026-02-28")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        pytest.param("", "status", id="nothing-asks-the-status"),
        pytest.param("?", "help", id="a-question-mark"),
        pytest.param("help Report", "help report", id="help-about-a-verb"),
        pytest.param("report ?", "help report", id="help-after-the-verb"),
        pytest.param("report", "report mtd by project", id="defaults"),
        pytest.param("REPORT Last-Month BY Model", "report last-month by model", id="any-case"),
        pytest.param("report by model 7d project=labs", "report 7d by model project=labs", id="any-order"),
        pytest.param(
            "report project=labs 7d models",
            "report 7d by model project=labs",
            id="a-lone-dimension-needs-no-by",
        ),
        pytest.param("report by model, day", "report mtd by model,day", id="blank-after-the-comma"),
        pytest.param("report by model day", "report mtd by model,day", id="blank-instead-of-a-comma"),
        pytest.param("report by line-item", "report mtd by line_item", id="a-dash-is-an-underscore"),
        pytest.param("report keys", "report mtd by api_key", id="aliases"),
        pytest.param("top 5 by api_key 7d", "top 5 7d by api_key", id="top-and-a-number"),
        pytest.param("top by model top=3", "top 3 mtd by model", id="top-as-a-flag"),
        pytest.param("top 2026", "top 5 2026 by project", id="a-year-is-not-a-count"),
        pytest.param("report top 10 public csv", "report mtd by project top=10 public csv", id="flags"),
        pytest.param("status severity&gt;=warning", "status severity>=warning", id="slack's-entities"),
        pytest.param("report project=a,b", "report mtd by project project=a,b", id="any-of"),
        pytest.param(
            "report project = labs", "report mtd by project project=labs", id="blanks-around-the-operator"
        ),
        pytest.param(
            "report project=a, public", "report mtd by project project=a public", id="a-flag-is-no-value"
        ),
        pytest.param(
            "report project=“Search Prod”", 'report mtd by project project="Search Prod"', id="smart-quotes"
        ),
        pytest.param(
            "report project=(no project)", 'report mtd by project project="(no project)"', id="parentheses"
        ),
        pytest.param("report 2026–10–01", "report 2026-10-01 by project", id="typographic-dashes"),
        pytest.param("forecast project=labs csv", "forecast project=labs csv", id="a-forecast"),
        pytest.param("explain 9F3C21aa01bc public", "explain 9F3C21aa01bc public", id="a-fingerprint"),
        pytest.param(
            "explain rule project-month", "explain project-month", id="the-word-rule-says-nothing-more"
        ),
        pytest.param(
            "explain rule=project-month project=labs",
            "explain project-month project=labs",
            id="a-rule-as-a-filter",
        ),
        pytest.param('explain "Monthly budget"', 'explain "Monthly budget"', id="a-rule-by-its-title"),
        pytest.param("explain ?", "help explain", id="help-on-explain"),
        pytest.param(
            "report user=<@U1ADA|Ada L>",
            'report mtd by project user="<@U1ADA|Ada L>"',
            id="mentions-stay-whole",
        ),
        pytest.param(
            "report project=<http://labs.io|labs.io>",
            "report mtd by project project=labs.io",
            id="slack's-links-are-words",
        ),
        pytest.param("rules project=labs", "rules project=labs", id="rules-of-a-project"),
        pytest.param("compare", "compare mtd by project", id="compare"),
        pytest.param(
            "compare by model vs=2026-11-01..2026-11-07 7d",
            "compare 7d vs=2026-11-01..2026-11-07 by model",
            id="with-a-range-of-ones-choice",
        ),
        pytest.param("compare vs last-month", "compare mtd vs=last-month by project", id="vs-as-a-word"),
        pytest.param("compare 7d vs nov 2025", "compare 7d vs=nov-2025 by project", id="vs-a-month-and-year"),
        pytest.param(
            "compare 7d vs since 2026-10-01", "compare 7d vs=2026-10-01.. by project", id="vs-since"
        ),
        pytest.param(
            "compare 7d vs=“since 2026-10-01”", "compare 7d vs=2026-10-01.. by project", id="vs-quoted"
        ),
        pytest.param("why", "why mtd", id="why"),
        pytest.param("why 9F3C21aa01bc", "why 9f3c21aa01bc", id="why-an-alert-spoke"),
        pytest.param("why 9f3c by model", "why 9f3c by model", id="what-its-fingerprint-begins-with"),
        pytest.param("why 366d", "why 366d", id="a-range-comes-before-a-fingerprint"),
        pytest.param("why 2026", "why 2026", id="a-year-as-well"),
        pytest.param(
            "why yesterday project=search-prod chart raw",
            "why yesterday project=search-prod chart raw",
            id="why-a-day",
        ),
        pytest.param("history", "history 30d", id="history"),
        pytest.param("history 9f3c21aa01bc", "history 9f3c21aa01bc", id="history-of-one"),
        pytest.param(
            "history state!=ended label=tier=prod owner=me",
            'history 30d state!=ended label="tier=prod" owner=@me',
            id="history-filtered",
        ),
        pytest.param("alerts severity>=critical", "alerts severity>=critical", id="alerts"),
        pytest.param("status owner=<@U1ADA|ada>", "status owner=U1ADA", id="an-owner-is-kept-by-id"),
        pytest.param(
            "status owner!=<!subteam^S07AB|@ml>,ada", "status owner!=S07AB,ada", id="a-group-is-kept-by-id"
        ),
        pytest.param("export", "export mtd by project,day csv", id="export"),
        pytest.param("export JSONL 7d by model", "export 7d by model jsonl", id="export-lines"),
        pytest.param("subscribe", "subscribe list", id="subscribe-lists"),
        pytest.param("subscribe LIST", "subscribe list", id="as-it-does-when-told-to"),
        pytest.param("subscribe daily", "subscribe daily 09:00 by project", id="every-day"),
        pytest.param("subscribe weekly", "subscribe weekly monday 09:00 by project", id="every-week"),
        pytest.param("subscribe monthly", "subscribe monthly 1 09:00 by project", id="every-month"),
        pytest.param(
            "subscribe by model at 8:30 every friday project=labs nochart",
            "subscribe weekly friday 08:30 by model project=labs nochart",
            id="as-it-is-spoken",
        ),
        pytest.param(
            "subscribe monthly on 15th",
            "subscribe monthly 15 09:00 by project",
            id="a-day-of-the-month",
        ),
        pytest.param(
            "subscribe weekly mtd top=3 by day",
            "subscribe weekly monday 09:00 mtd by day top=3",
            id="days-are-a-dimension-after-by",
        ),
        pytest.param("subscribe 18:00", "subscribe daily 18:00 by project", id="a-time-alone-is-every-day"),
        pytest.param("subscribe every day", "subscribe daily 09:00 by project", id="every-day-in-two-words"),
        pytest.param("unsubscribe su_3 SU_4", "unsubscribe su_3 su_4", id="unsubscribe"),
        pytest.param("unsubscribe all", "unsubscribe all", id="unsubscribe-all"),
        pytest.param("refresh", "refresh", id="refresh"),
        pytest.param("doctor", "doctor", id="doctor"),
        pytest.param("ack all", "ack all", id="ack-all"),
        pytest.param(
            "ack project=labs all -- known load test",
            'ack all project=labs -- "known load test"',
            id="ack-all-of-a-project",
        ),
        pytest.param("report in <#C1OPS|ops>", "report mtd by project in C1OPS", id="in-a-channel"),
        pytest.param("report to <@U1ADA|ada> csv", "report mtd by project to U1ADA csv", id="to-a-person"),
        pytest.param("report to <#C1OPS|ops>", "report mtd by project in C1OPS", id="to-a-channel"),
        pytest.param(
            "explain project-month in C1OPS", "explain project-month in C1OPS", id="explained-there"
        ),
        pytest.param(
            'explain "in" in C1OPS', 'explain "in" in C1OPS', id="a-rule-whose-name-is-a-word-of-the-grammar"
        ),
        pytest.param("history 30d to <@U1ADA|ada>", "history 30d to U1ADA", id="no-range-to-a-person"),
        pytest.param(
            "compare this-month with last month",
            "compare this-month vs=last-month by project",
            id="compare-with",
        ),
        pytest.param("report by project and model", "report mtd by project,model", id="dimensions-with-and"),
        pytest.param("top chart raw", "top 5 mtd by project chart raw", id="top-with-a-chart"),
    ],
)
def test_what_is_understood(text, command):
    query = parse(text, TODAY)
    assert isinstance(query, Query), query
    assert query.command == command


def test_a_shell_hands_its_words_over_as_they_are():
    query = parse(
        ["report", "2026-10-01..2026-10-31", "by", "line_item", "line_item=gpt-5.2, input", "project=a,b"],
        TODAY,
    )
    assert query == Query(
        "report",
        days("2026-10-01", "2026-10-31"),
        "2026-10-01..2026-10-31",
        ("line_item",),
        (Filter("line_item", "=", ("gpt-5.2, input",)), Filter("project", "=", ("a", "b"))),
    )


@pytest.mark.parametrize(
    ("text", "understood", "said", "corrections"),
    [
        pytest.param(
            "report lastweek by project", "report", "lastweek", ("report last-week by project",), id="glued"
        ),
        pytest.param(
            "report last week", "report", "last week", ("report last-week by project",), id="two-words"
        ),
        pytest.param(
            "report last 7 days by day", "report", "last 7 days", ("report 7d by day",), id="spoken"
        ),
        pytest.param(
            "report from 2026-10-01 to 2026-10-05",
            "report",
            "from",
            ("report 2026-10-01..2026-10-05 by project",),
            id="from-to",
        ),
        pytest.param(
            "reprot lastweek by projct",
            "",
            "reprot",
            ("report last-week by project",),
            id="three-typos-one-correction",
        ),
        pytest.param("7d report", "", "7d", ("report 7d by project",), id="the-verb-comes-first"),
        pytest.param(
            "report 5",
            "report",
            "5",
            ("report mtd by project top=5", "report 5d by project"),
            id="two-readings",
        ),
        pytest.param(
            "top 7 days",
            "top",
            "7 days",
            ("top 5 7d by project", "top 7 mtd by day"),
            id="two-readings-of-top",
        ),
        pytest.param(
            "project=labs",
            "",
            "project=labs",
            ("status project=labs", "report mtd by project project=labs"),
            id="no-verb",
        ),
        pytest.param("search-prod", "", "search-prod", ("status project=search-prod",), id="a-name-alone"),
        pytest.param("fizz", "", "fizz", ("help", "status"), id="nothing-like-it"),
        pytest.param("compost", "", "compost", ("help", "status"), id="a-verb-that-does-not-exist"),
        pytest.param(
            "report today yesterday",
            "report today",
            "two ranges",
            ("report today by project", "report yesterday by project"),
            id="two-ranges",
        ),
        pytest.param(
            "report by day,week", "report", "day", ("report mtd by day", "report mtd by week"), id="two-times"
        ),
        pytest.param(
            "report by model day user",
            "report by model,day",
            "not 3",
            ("report mtd by model,day",),
            id="three-dimensions",
        ),
        pytest.param(
            "report project=a project=b",
            "report project=a",
            "two values",
            ("report mtd by project project=a,b",),
            id="either-of-two",
        ),
        pytest.param(
            "report severity=warning",
            "report",
            "severity",
            ("status severity=warning",),
            id="a-filter-of-another-verb",
        ),
        pytest.param(
            "status severity>=warnng",
            "status",
            "warnng",
            ("status severity>=warning",),
            id="a-misspelt-severity",
        ),
        pytest.param(
            "status 7d", "status", "no range", ("status", "report 7d by project"), id="status-is-now"
        ),
        pytest.param(
            "report project>labs",
            "report",
            "severity",
            ("report mtd by project project=labs",),
            id="projects-have-no-order",
        ),
        pytest.param("report project=", "report", "no value", ("report mtd by project",), id="no-value"),
        pytest.param(
            'report project="two words',
            "",
            "quote",
            ('report mtd by project project="two words"',),
            id="an-open-quote",
        ),
        pytest.param("top 0", "top", "From 1", ("top 1 mtd by project",), id="top-nothing"),
        pytest.param(
            "report project=*a*b*c*d*", "report", "stars", ("report mtd by project",), id="too-many-stars"
        ),
        pytest.param(
            "explain project=labs",
            "explain project=labs",
            "needs a rule",
            ("rules", "status project=labs"),
            id="explain-what",
        ),
        pytest.param(
            "explain project-month labs",
            "explain project-month",
            "one thing at a time",
            ("explain project-month project=labs", "explain project-month"),
            id="a-group-without-its-key",
        ),
        pytest.param(
            "explain project-month by model",
            "explain project-month",
            "cannot be grouped",
            ("explain project-month",),
            id="explain-by",
        ),
        pytest.param(
            "report 2026-10-01 to 2026-10-05",
            "report",
            "2026-10-01 to",
            ("report 2026-10-01..2026-10-05 by project",),
            id="a-range-with-to",
        ),
        pytest.param(
            "compare vs=lastweek",
            "compare",
            "lastweek",
            ("compare mtd vs=last-week by project",),
            id="vs-what",
        ),
        pytest.param(
            "compare 7d vs=7d", "compare 7d vs=7d", "same range", ("compare 7d by project",), id="itself"
        ),
        pytest.param(
            "compare by day",
            "compare",
            "each day",
            ("compare mtd by project", "report mtd by day"),
            id="of-days",
        ),
        pytest.param("status vs=7d", "status", "vs", ("status",), id="status-compares-nothing"),
        pytest.param(
            "why by model,project",
            "why",
            "one dimension",
            ("why mtd by model", "why mtd by project"),
            id="why-by-two",
        ),
        pytest.param(
            "why 9f3c21aa01bc yesterday",
            "why 9f3c21aa01bc yesterday",
            "an alert or of a range",
            ("why 9f3c21aa01bc", "why yesterday"),
            id="an-alert-or-a-range",
        ),
        pytest.param(
            "ack project=labs", "ack project=labs", "say all", ("ack all project=labs",), id="one-or-all"
        ),
        pytest.param(
            "ack 9f3c all", "ack 9f3c all", "either", ("ack 9f3c", "ack all"), id="two-readings-of-an-order"
        ),
        pytest.param(
            "silence all for 2h -- exams",
            "silence",
            "every alert",
            ("silence severity>=info for 2h -- exams",),
            id="everything-is-a-filter",
        ),
        pytest.param(
            "mine", "", "owner=@me", ("status owner=@me", "alerts owner=@me"), id="mine-is-a-filter"
        ),
        pytest.param("my alerts 7d", "", "owner=@me", ("alerts owner=@me",), id="my-alerts"),
        pytest.param("status mine", "status", "mine", ("status owner=@me",), id="mine-after-the-verb"),
        pytest.param(
            "status critical", "status", "critical", ("status severity=critical",), id="a-bare-word-of-a-key"
        ),
        pytest.param("spend 7d", "", "called report", ("report 7d by project",), id="another-name-of-a-verb"),
        pytest.param("mute 9f3c for 2h -- x", "", "silence", ("silence 9f3c for 2h -- x",), id="mute"),
        pytest.param("unsilence 3", "unsilence", "si_3", ("unsilence si_3",), id="a-bare-number"),
        pytest.param(
            "compare nov oct by model",
            "compare nov",
            "compared with the other",
            ("compare nov vs=oct by model", "compare oct vs=nov by model"),
            id="which-is-compared-with-which",
        ),
        pytest.param(
            "why nov to oct",
            "why",
            "two ranges or one",
            ("why nov vs=oct",),
            id="two-ranges-or-one",
        ),
        pytest.param("ack si_3", "ack", "unsilence", ("unsilence si_3",), id="a-silence-is-not-acknowledged"),
        pytest.param(
            "unsubscribe",
            "unsubscribe",
            "number",
            ("subscribe list", "unsubscribe all"),
            id="unsubscribe-what",
        ),
        pytest.param(
            "subscribe by model",
            "subscribe by model",
            "How often",
            ("subscribe weekly monday 09:00 by model", "subscribe daily 09:00 by model"),
            id="how-often",
        ),
        pytest.param(
            "subscribe daily monday",
            "subscribe daily monday",
            "no “monday”",
            ("subscribe weekly monday 09:00 by project", "subscribe daily 09:00 by project"),
            id="every-day-or-monday",
        ),
        pytest.param(
            "subscribe 9",
            "subscribe",
            "may be a time",
            ("subscribe daily 09:00 by project", "subscribe monthly 9 09:00 by project"),
            id="a-time-or-a-day",
        ),
        pytest.param(
            "subscribe daily 9am", "subscribe daily", "09:00", ("subscribe daily 09:00 by project",), id="am"
        ),
        pytest.param(
            "subscribe monthly 31",
            "subscribe monthly",
            "every month has",
            ("subscribe monthly 28 09:00 by project",),
            id="a-day-february-lacks",
        ),
        pytest.param(
            "subscribe weekly 2026-10",
            "subscribe weekly",
            "stays where it is",
            ("subscribe weekly monday 09:00 7d by project", "subscribe weekly monday 09:00 by project"),
            id="days-that-do-not-move",
        ),
        pytest.param(
            "report in #ops", "report", "picked from", ("report mtd by project",), id="which-channel"
        ),
        pytest.param(
            "ack 9f3c in C1OPS", "ack 9f3c", "yours alone", ("ack 9f3c",), id="an-order-is-not-shared"
        ),
        pytest.param(
            "export 7d public",
            "export 7d",
            "public",
            ("export 7d by project,day csv",),
            id="a-file-is-ones-own",
        ),
        pytest.param(
            "report chart nochart",
            "report chart",
            "either",
            ("report mtd by project chart",),
            id="a-chart-or-none",
        ),
        pytest.param(
            "report jsonl", "report", "jsonl", ("report mtd by project csv",), id="a-file-it-cannot-be"
        ),
        pytest.param("refresh now", "refresh", "now", ("refresh",), id="refresh-takes-nothing"),
        pytest.param("help fizz", "help", "fizz", ("help",), id="help-about-nothing"),
        pytest.param("report " + "x" * 2000, "", "too long", ("help",), id="too-long"),
    ],
)
def test_what_is_not_understood_is_answered_with_what_could_be_meant(text, understood, said, corrections):
    misread = parse(text, TODAY)
    assert isinstance(misread, Misread), misread
    assert misread.understood == understood
    assert said in misread.problem
    assert misread.corrections[: len(corrections)] == corrections


scraps = st.sampled_from(
    [
        *(verb for verb in VERBS),
        *EXAMPLES,
        *(
            "by",
            "top",
            "top=3",
            "top 7",
            "project",
            "models,day",
            "line-item",
            "since",
            *FLAGS,
            "?",
        ),
        *(
            "project=",
            "=",
            "!=x",
            "severity>=",
            "key~a b",
            '"',
            "“",
            "(",
            "<@U1|A B>",
            "&lt;",
            "..",
            "lastweek",
            "5",
            ",",
        ),
        *(
            "state=firing",
            "rule!=x",
            "user='a b'",
            "2026-99",
            "nov",
            "2025",
            "from",
            "to",
            "last",
            "7",
            "days",
            "\\",
        ),
        *("for", "2d", "for 4h", "until", "monday", "until over", "18:00", "wake=+$500", "--", "because"),
        *(
            "vs=7d",
            "vs",
            "vs=",
            "vs=2026-99",
            "versus",
            "vs=since 2026-10-01",
            "in",
            "<#C1|ops>",
            "<@U1|a>",
            "#ops",
        ),
        *("owner=@me", "owner=<@U1|A, B>", "owner=<!subteam^S1|@x>", "all", "list", "weekly", "monthly"),
        *("friday", "mon", "9:00", "25:00", "9am", "31", "15th", "at", "on", "every", "su_3"),
        *("9f3c21aa01bc", "si_3", "label=tier=prod", "it's", "-- a reason"),
    ]
)
texts = st.one_of(
    st.text(max_size=60), st.lists(st.one_of(scraps, st.text(max_size=8)), max_size=8).map(" ".join)
)


said = st.builds(
    lambda verb, words: [verb, *words], st.sampled_from(list(VERBS)), st.lists(scraps, max_size=7)
)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    st.one_of(texts, said, said.map(" ".join), st.lists(st.one_of(scraps, st.text(max_size=12)), max_size=8))
)
def test_no_words_raise_and_every_correction_can_be_asked(words):
    outcome = parse(words, TODAY)
    if isinstance(outcome, Misread):
        assert outcome.problem
        assert outcome.corrections
        for command in outcome.corrections:
            assert isinstance(parse(command, TODAY), Query), command
    else:
        assert parse(outcome.command, TODAY) == outcome
        assert len(outcome.command) < 1990


RANGES = st.sampled_from([word for word in EXAMPLES if " " not in word])
VALUES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12).filter(
    lambda value: value.count("*") < 3
)


def words_of_a_key(key):
    known = WORDS_OF.get(key)
    ops = ("=", "!=", ">=", ">") if key in ORDERED else ("=", "!=", "~")
    if key == "owner":
        return st.sampled_from(["owner=@me", "owner!=U1ADA", "owner=ml-leads"])
    plain = st.sampled_from(known) if known else VALUES.map(quoted)
    return st.builds(lambda op, value: f"{key}{op}{value}", st.sampled_from(ops), plain)


@st.composite
def said_rightly(draw):
    """The verb, and arguments that it takes, each as words that belong together."""
    verb = VERBS[draw(st.sampled_from(sorted(VERBS)))]
    arguments = []

    def may(kind):
        if draw(st.booleans()):
            arguments.append([draw(kind)] if isinstance(kind, st.SearchStrategy) else kind)

    if verb.topics:
        may(st.sampled_from(sorted(VERBS)))
        return verb, arguments
    if verb.named:
        arguments.append(
            [draw(st.sampled_from(["project-month", "9f3c21aa01bc", '"Monthly budget"', '"in"']))]
        )
    if verb.ids:
        kind = draw(st.sampled_from(verb.ids.split("|")))
        arguments.append([{"FINGERPRINT": "9f3c21aa01bc", "si_N": "si_3", "su_N": "su_4"}[kind]])
    if verb.schedules:
        may(st.sampled_from(["8:30", "18:00"]))
        when = draw(
            st.sampled_from(
                [["daily"], ["weekly"], ["weekly", "friday"], ["monthly", "15"], ["on", "monday"]]
            )
        )
        arguments.append(when)
    if verb.marked and draw(st.booleans()):
        arguments.append(["9f3c21aa01bc"])
    elif verb.span:
        may(RANGES)
    if verb.versus:
        may(draw(st.sampled_from([["vs=2025-02"], ["vs", "2024-02-03..2024-02-05"]])))
    if verb.by is not None:
        dimensions = draw(st.permutations(COST_KEYS))[: verb.crossed]
        may(["by", ",".join(dimensions)])
    if verb.keys and not (verb.ids and verb.every):
        keys = draw(st.lists(st.sampled_from(verb.keys), max_size=3, unique=True))
        arguments.extend([draw(words_of_a_key(key))] for key in keys)
    if verb.counts:
        may(st.integers(1, 100).map(lambda number: f"top={number}"))
    if verb.charts:
        may(st.sampled_from(["chart", "nochart"]))
        may(["raw"])
    if verb.shared:
        may(["public"])
        may(draw(st.sampled_from([["in", "C1OPS"], ["to", "<@U1ADA|ada l>"]])))
    if verb.formats:
        may(st.sampled_from(verb.formats))
    if verb.lasts:
        arguments.append(draw(st.sampled_from([["for", "2d"], ["until", "monday"], ["until", "18:00"]])))
        may(["wake=+$500"])
    return verb, arguments


@settings(deadline=None, derandomize=True, max_examples=200)
@given(said_rightly(), st.randoms(use_true_random=False))
def test_what_is_said_rightly_is_understood_in_any_order(said, chance):
    verb, arguments = said
    reason = {"must": ["--", "a “reason” of mine"], "may": ["--", "why not"]}.get(verb.reason, [])

    def asked(arguments):
        words = [verb.name, *(word for argument in arguments for word in argument), *reason]
        outcome = parse(" ".join(words), TODAY)
        assert isinstance(outcome, Query), outcome
        assert parse(outcome.command, TODAY) == outcome
        return outcome

    query = asked(arguments)
    assert query.verb == verb.name
    shuffled = list(arguments)
    chance.shuffle(shuffled)
    again = asked(shuffled)
    assert replace(again, filters=()) == replace(query, filters=())
    assert set(again.filters) == set(query.filters)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.dates(date(2024, 1, 1), date(2032, 12, 31)), st.sampled_from(EXAMPLES))
def test_ranges_never_reach_into_the_future_nor_beyond_366_days(today, words):
    span = read_range(words, today)
    if isinstance(span, Span):
        assert span.start < span.end <= date.fromordinal(today.toordinal() + 1)
        assert span.days <= 366
        previous = before(words, span)
        assert previous.days > 0
        assert previous.end <= span.start


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.text(min_size=1, max_size=40).map(str.strip).filter(bool))
def test_a_quoted_value_is_read_back(value):
    tokens, unclosed = split(from_slack(f"project={quoted(value)}"))
    assert not unclosed
    assert values(tokens[0].removeprefix("project=")) == (value,)


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_every_example_of_the_help_can_be_asked(verb):
    for command, answer in verb.examples:
        query = parse(command, TODAY)
        assert isinstance(query, Query), command
        assert query.verb == verb.name
        assert answer


def standing(rule="project-month", project="labs", **facts):
    return Standing(
        rule,
        "Monthly budget",
        "ab12",
        ("project",),
        (f"proj_{project}",),
        (project,),
        None,
        "November",
        facts.pop("state", "ok"),
        "",
        **facts,
    )


def test_filters_choose_standings():
    labs = standing(state="firing", severity="critical", team="research", owner="@ada")
    search = standing(project="search-prod", severity="warning")
    whole = Standing("org", "Organization", "cd34", (), (), (), None, "November", "ok", "")

    def left(text):
        query = parse(f"status {text}", TODAY)
        assert isinstance(query, Query), query
        return tuple(each for each in (labs, search, whole) if passes(each, query.filters))

    assert left("project=LABS") == (labs,)
    assert left("project=search-*") == (search,)
    assert left("project!=labs") == (search, whole)
    assert left("project~arch") == (search,)
    assert left("severity>=warning") == (labs, search)
    assert left("severity>warning") == (labs,)
    assert left("state=firing") == (labs,)
    assert left("team=research") == (labs,)
    assert left("team!=research") == (search, whole)
    assert left("owner=ada") == (labs,)
    assert left("rule=org") == (whole,)
    assert left("model=gpt-5") == ()
