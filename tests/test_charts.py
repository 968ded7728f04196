"""Charts: what they show, and how Slack and code blocks draw it within Slack's limits."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
import slackblocks as kit

from bot.core import charts
from bot.core.charts import Chart, as_json, from_json
from bot.core.course import budget_of, course, days_needed, month_of
from bot.core.dimension import Series
from bot.core.limits import Limits
from bot.core.period import Period, Span
from bot.core.report import report, spans_needed
from bot.core.rules.book import Amount, Budget, Origin, Plan, Rulebook
from bot.core.rules.select import Pattern, Scope, Selector
from bot.core.spend import Names, Spend, cuts_of
from bot.render import blocks
from bot.render.charts import bars, lettered, native, picture
from bot.render.drawn import draw
from tests.spending import asked, golden

DOLLAR = 1_000_000_000
NOVEMBER = Span(date(2026, 11, 1), date(2026, 12, 1))
NAMES = Names({("project", "proj_search"): "search-prod", ("project", "proj_labs"): "labs"})
SERIES = {0: Series("proj_search", "gpt-5.2, output", ""), 1: Series("proj_labs", "gpt-5.2, output", "")}


def budget(dollars, **scope):
    plan = Plan(((date(2020, 1, 1), dollars * DOLLAR),))
    return Budget(
        "month", "budget", Origin("", 0), scope=Scope(**scope), period=Period("month"),
        amount=Amount(((Pattern("*"), plan),)),
    )  # fmt: skip


def spent(days, *, first=date(2026, 8, 1), read, rules=(), labs=0, begins=None):
    """A scan by day: dollars of search-prod on each day from `first` on, and of labs as many on each."""
    cuts = [first + timedelta(days=n) for n in range(len(days) + 1)]
    stretches = [{0: int(amount * DOLLAR), 1: int(labs * DOLLAR)} for amount in days]
    book = Rulebook(rules=rules)
    return book, Spend(cuts, stretches, SERIES, NAMES, book, history_from=begins or first, as_of=read)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def november(now, rules=(), words="report mtd", per_day=100, **known):
    """How November goes at `now`, after days of `per_day` dollars since August."""
    days = (now.date() - date(2026, 8, 1)).days + 1
    book, spend = spent([per_day] * days, read=known.pop("read", now), rules=rules, **known)
    return course(book, spend, asked(words, now.date()).filters, Limits(), NOVEMBER, now)


# -- how a month goes ------------------------------------------------------------------------------------


def test_a_month_is_what_was_spent_its_budget_and_what_each_of_its_days_will_have_come_to():
    told = november(at("2026-11-20 12:00"), rules=(budget(2_500),))

    assert told.spent == tuple(n * 100 * DOLLAR for n in range(1, 21))
    assert told.amount == 2_500 * DOLLAR
    assert len(told.ahead) == 10
    assert [reach.total for reach in told.ahead] == [n * 100 * DOLLAR for n in range(21, 31)]
    assert all(reach.low <= reach.total <= reach.high for reach in told.ahead)
    assert told.end.total == 3_000 * DOLLAR


def test_what_a_month_will_have_come_to_never_falls_and_is_never_less_than_what_was_spent():
    days = [5, 90, 400, 20, 0, 0, 130] * 16
    now = at("2026-11-20 12:00")
    book, spend = spent(days[: (now.date() - date(2026, 8, 1)).days + 1], read=now)

    told = course(book, spend, (), Limits(), NOVEMBER, now)

    for line in ("low", "total", "high"):
        amounts = [told.total, *(getattr(reach, line) for reach in told.ahead)]
        assert amounts == sorted(amounts)


@pytest.mark.parametrize(
    ("now", "first", "why"),
    [
        pytest.param(at("2026-11-03 12:00"), date(2026, 11, 1), "needs 14 settled days, has 1", id="new"),
        pytest.param(at("2026-11-01 12:00"), date(2026, 11, 1), "needs 14 settled days, has 0", id="today"),
    ],
)
def test_without_enough_days_there_is_no_forecast_and_it_is_said_why(now, first, why):
    book, spend = spent([100] * ((now.date() - first).days + 1), first=first, read=now)

    told = course(book, spend, (), Limits(), NOVEMBER, now)

    assert (told.ahead, told.why) == ((), why)


def test_days_that_nobody_has_read_are_not_days_without_spend():
    told = november(at("2026-11-20 12:00"), read=at("2026-11-17 12:00"))

    assert told.known_until == date(2026, 11, 18)
    assert len(told.ahead) == 13
    assert told.end.total == 3_000 * DOLLAR


def test_a_month_that_began_before_anything_was_stored_has_no_course():
    now = at("2026-11-20 12:00")
    book, spend = spent([100] * 10, first=date(2026, 11, 11), read=now)

    assert course(book, spend, (), Limits(), NOVEMBER, now) is None


def test_a_month_that_is_over_is_what_it_came_to():
    now = at("2026-12-05 12:00")
    book, spend = spent([100] * 127, read=now, rules=(budget(2_500),))

    told = course(book, spend, (), Limits(), NOVEMBER, now)

    assert (told.total, told.ahead, told.why) == (3_000 * DOLLAR, (), "")
    assert days_needed(NOVEMBER, now.date()) == NOVEMBER


@pytest.mark.parametrize(
    ("words", "today", "month"),
    [
        pytest.param("report mtd", date(2026, 11, 22), NOVEMBER, id="so far"),
        pytest.param("report nov", date(2026, 11, 22), NOVEMBER, id="by name"),
        pytest.param("report last-month", date(2026, 12, 5), NOVEMBER, id="whole"),
        pytest.param("report mtd", date(2026, 11, 30), NOVEMBER, id="on its last day"),
        pytest.param("report 2026-11-01..2026-11-10", date(2026, 11, 22), None, id="a part"),
        pytest.param("report 7d", date(2026, 11, 7), NOVEMBER, id="as many days as it has had"),
        pytest.param("report 7d", date(2026, 11, 22), None, id="a week"),
        pytest.param("report qtd", date(2026, 11, 22), None, id="a quarter"),
    ],
)
def test_a_range_that_is_a_month_is_known_as_one(words, today, month):
    assert month_of(asked(words, today).span, today) == month


EACH = budget(700, each=("project",))
WHOLE = budget(9_000)
GLOB = budget(80, select=Selector((("project", (Pattern("lab*"),)),)))
BOTH = budget(90, select=Selector((("project", (Pattern("*"),)),)))
LABS = budget(300, select=Selector((("project", (Pattern("labs"),)),)))


@pytest.mark.parametrize(
    ("words", "rules", "dollars"),
    [
        pytest.param("report mtd", (EACH, WHOLE), 9_000, id="of everything"),
        pytest.param("report mtd", (EACH,), None, id="none is of everything"),
        pytest.param("report mtd project=search-prod", (WHOLE, EACH), 700, id="one group of many"),
        pytest.param("report mtd project=labs", (LABS,), 300, id="selected by itself"),
        pytest.param("report mtd project=search-prod", (WHOLE, LABS), None, id="of another"),
        pytest.param("report mtd project=labs", (GLOB,), 80, id="by a pattern that nothing else matches"),
        pytest.param("report mtd project=search-prod", (BOTH,), None, id="by a pattern of more"),
        pytest.param("report mtd project!=labs", (WHOLE, EACH), None, id="of all but one"),
        pytest.param("report mtd project=s*,l*", (WHOLE, EACH), None, id="of several"),
    ],
)
def test_a_chart_is_held_against_the_budget_of_just_what_it_shows(words, rules, dollars):
    today = date(2026, 11, 20)
    book, spend = spent([100] * 112, read=at("2026-11-20 12:00"), rules=rules, labs=1)

    _, amount = budget_of(book, spend, asked(words, today).filters, Limits(), Span(NOVEMBER.start, today))

    assert amount == (None if dollars is None else dollars * DOLLAR)


# -- what a chart says -----------------------------------------------------------------------------------


def of_month(now, rules=(), words="report mtd", **known):
    filters = asked(words, now.date()).filters
    return charts.cumulative(november(now, rules, words, **known), filters, now.date())


@pytest.mark.parametrize(
    ("chart", "finding"),
    [
        pytest.param(
            lambda: of_month(at("2026-11-20 12:00"), (budget(4_000),)),
            "$2,000 spent in November by 20 Nov, 50% of the budget of $4,000; on course for $3,000, within it "
            "(four times in five $2,955 to $3,047).",
            id="within",
        ),
        pytest.param(
            lambda: of_month(at("2026-11-20 12:00"), (budget(2_500),)),
            "$2,000 spent in November by 20 Nov, 80% of the budget of $2,500; on course for $3,000, $500 over "
            "(four times in five $2,955 to $3,047).",
            id="will be over",
        ),
        pytest.param(
            lambda: of_month(at("2026-11-20 12:00"), (budget(1_800),)),
            "$2,000 spent in November by 20 Nov, $200 over the budget of $1,800; on course for $3,000 "
            "(four times in five $2,955 to $3,047).",
            id="over",
        ),
        pytest.param(
            lambda: of_month(at("2026-11-20 12:00"), words="report mtd project=search-prod"),
            "search-prod: $2,000 spent in November by 20 Nov; on course for $3,000 "
            "(four times in five $2,955 to $3,047).",
            id="no budget",
        ),
    ],
)
def test_a_chart_of_a_month_says_what_is_to_be_seen(chart, finding):
    assert chart().finding == finding


def in_time(words, days, *, today=date(2026, 11, 22), begins=None, pace=None):
    query = asked(words, today)
    unit = query.by[0] if query.by[0] in ("day", "week", "month") else ""
    read = datetime(today.year, today.month, today.day, 13, tzinfo=UTC)
    _, spend = spent(days, begins=begins, read=read)
    return charts.columns(spend, query.range_words, query.span, query.filters, unit=unit, pace=pace)


DAYS = [50] * 100 + [100, 110, 120, 130, 140, 150, 160, 110, 121, 132, 143, 154, 165, 176]
"""From 1 August to 22 November."""


def test_a_week_stands_beside_the_week_before():
    chart = in_time("report 7d by day", DAYS, pace=100 * DOLLAR)

    assert chart.labels == tuple(f"{day} Nov" for day in range(16, 23))
    assert chart.actual == tuple(each * DOLLAR for each in DAYS[-7:])
    assert chart.earlier == tuple(each * DOLLAR for each in DAYS[-14:-7])
    assert chart.budget == 100 * DOLLAR
    assert chart.finding == "$1,001 spent in 16–22 Nov, up 10% on 9–15 Nov; most on Sun 22 Nov, $176."
    assert chart.axis == "day, UTC; 22 Nov is not over"


def test_a_single_day_is_shown_at_the_end_of_two_weeks():
    chart = in_time("report yesterday", DAYS)

    assert len(chart.labels) == 14
    assert chart.labels[-1] == "21 Nov"
    assert chart.axis == "day, UTC"
    assert chart.earlier == ()


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        pytest.param("report 2026-08-01..2026-11-22", 17, id="weeks of a quarter"),
        pytest.param("report 2026-10-01..2026-11-10 by month", 2, id="months as asked"),
        pytest.param("report 30d", 30, id="days of a month"),
    ],
)
def test_a_long_range_is_drawn_in_few_columns(words, labels):
    assert len(in_time(words, DAYS).labels) == labels


def test_days_that_are_not_stored_are_not_drawn_as_nothing():
    chart = in_time("report 7d by day", DAYS, begins=date(2026, 11, 21))

    assert (chart.labels, chart.earlier) == (("21 Nov", "22 Nov"), ())
    assert in_time("report 12w by week", DAYS, begins=date(2026, 11, 4)).labels == (
        "2 Nov",
        "9 Nov",
        "16 Nov",
    )
    assert in_time("report 2026-10-01..2026-10-07 by day", DAYS, begins=date(2026, 11, 4)) is None


def grouped(names):
    """The chart of a month by project, each of which spent as much as its name says."""
    today = date(2026, 11, 22)
    query = asked("report mtd by project", today)
    cuts = cuts_of(spans_needed(query))
    numbers = dict(enumerate(names))
    sums = {key: int(amount * DOLLAR) for key, (_, amount) in numbers.items()}
    stretches = [sums if start == query.span.start else {} for start, _ in pairwise(cuts)]
    series = {key: Series(f"proj_{key}", "x", "") for key in numbers}
    known = Names({("project", f"proj_{key}"): name for key, (name, _) in numbers.items()})
    spend = Spend(
        cuts,
        stretches,
        series,
        known,
        Rulebook(),
        history_from=date(2026, 1, 1),
        as_of=at("2026-11-22 13:00"),
    )
    return charts.bars(report(query, spend, today))


MANY = [("search-prod", 300), ("labs", 200), ("docs", 100), *((f"team-{n}", 10) for n in range(20))]


def test_the_largest_stand_first_and_the_others_together():
    chart = grouped(MANY)

    assert chart.labels[:3] == ("search-prod", "labs", "docs")
    assert chart.labels[-1] == "14 others"
    assert sum(chart.actual) == 800 * DOLLAR
    assert chart.finding == "search-prod comes to $300 in 1–22 Nov, 37% of $800; the first three are 75%."
    assert grouped([]) is None


# -- as Slack draws it -----------------------------------------------------------------------------------

HOSTILE = [
    ("<!channel>", 9),
    ("*bold* _x_ ~y~ `z`", 8),
    ("\u202egnp.exe", 7),
    ("a" * 300, 6),
    ("a" * 299 + "b", 5),
    ("", 4),
    ("   ", 3),
]


def drawn():
    now = at("2026-11-20 12:00")
    yield "month", of_month(now, (budget(4_000),))
    yield "month-new", charts.cumulative(november(at("2026-11-01 12:00"), (budget(4_000),)))
    yield (
        "month-over",
        charts.cumulative(
            course(
                *spent([100] * 127, read=at("2026-12-05 12:00")),
                (),
                Limits(),
                NOVEMBER,
                at("2026-12-05 12:00"),
            )
        ),
    )
    yield "week", in_time("report 7d by day", DAYS, pace=100 * DOLLAR)
    yield "day", in_time("report yesterday", DAYS)
    yield "thirty-days", in_time("report 30d", DAYS)
    yield "months", in_time("report 2026-08-01..2026-11-22 by month", DAYS)
    yield "projects", grouped(MANY)
    yield "hostile", grouped(HOSTILE)
    yield "cents", grouped([("one", 0.004), ("two", 0.25)])


DRAWN = [pytest.param(chart, name, id=name) for name, chart in drawn()]


def rebuilt(block):
    """The block as an independent library writes it; raises where Slack would refuse it."""
    held = block["chart"]
    axis = held["axis_config"]
    series = [
        kit.DataSeries(
            each["name"], [kit.DataPoint(point["label"], point["value"]) for point in each["data"]]
        )
        for each in held["series"]
    ]
    kinds = {"line": kit.LineChart, "bar": kit.BarChart}
    chart = kinds[held["type"]](series, kit.AxisConfig(axis["categories"], axis["x_label"], axis["y_label"]))
    return json.loads(repr(kit.DataVisualizationBlock(block["title"], chart, block["block_id"])))


@pytest.mark.parametrize(("chart", "name"), DRAWN)
def test_every_chart_is_one_that_slack_takes(chart, name):
    block = native(chart, "dig.chart.1")

    assert rebuilt(block) == block
    assert len(block["chart"]["series"]) <= 6
    assert len(block["chart"]["axis_config"]["categories"]) <= 20
    assert all(
        each == blocks.clean(each) and each
        for each in (block["title"], *block["chart"]["axis_config"]["categories"])
    )


def test_a_month_that_runs_is_one_line_around_which_the_forecast_opens():
    block = native(of_month(at("2026-11-20 12:00"), (budget(4_000),)), "x")

    lines = {
        each["name"]: {point["label"]: point["value"] for point in each["data"]}
        for each in block["chart"]["series"]
    }
    assert list(lines) == ["Spent, then forecast", "Forecast, low", "Forecast, high", "Budget"]
    spent_line, low, high, limit = lines.values()
    assert spent_line["20"] == low["20"] == high["20"] == 2_000
    assert spent_line["30"] == 3_000
    assert low["30"] < spent_line["30"] < high["30"]
    assert set(limit.values()) == {4_000}
    assert block["chart"]["axis_config"]["x_label"] == "Day of November, UTC; forecast from 21"


def test_of_a_long_range_slack_is_given_the_last_days_and_told_so():
    block = native(in_time("report 30d", DAYS), "x")

    axis = block["chart"]["axis_config"]
    assert axis["categories"][-1] == "22 Nov"
    assert axis["x_label"] == "Day, UTC; 22 Nov is not over; the last 20 of 30"


@pytest.mark.parametrize("form", ["native", "letters"])
def test_charts_are_drawn_as_people_have_read_them(form):
    told = [
        f"{name}\n{json.dumps(native(chart, name), indent=1) if form == 'native' else bars(chart)}"
        for name, chart in drawn()
    ]
    golden(f"charts-{form}.txt", "\n\n".join(told))


@pytest.mark.parametrize(("chart", "name"), DRAWN)
def test_a_terminal_draws_what_slack_would(chart, name):
    drawn_ = draw("finance", {"text": "x", "blocks": [native(chart, name)]})

    assert blocks.plain(chart.title, 50) in drawn_
    assert any(letter in drawn_ for letter in "▁▂▃▄▅▆▇█")


# -- in letters, and beside a message --------------------------------------------------------------------


@pytest.mark.parametrize(("chart", "name"), DRAWN)
def test_letters_fit_into_a_code_block_that_nothing_ends(chart, name):
    block = lettered(chart, "x")

    text = block["text"]["text"]
    assert text.startswith("```")
    assert text.endswith("```")
    assert "`" not in text[3:-3]
    assert len(text) < 3_000
    assert "<!channel>" not in text


@pytest.mark.parametrize(("chart", "name"), DRAWN)
def test_a_chart_travels_as_json(chart, name):
    assert from_json(json.loads(json.dumps(as_json(chart)))) == chart


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"kind": "pie"}, id="unknown kind"),
        pytest.param({"actual": [1]}, id="fewer amounts than labels"),
        pytest.param({"actual": [1, 2.5]}, id="cents"),
        pytest.param({"budget": "12"}, id="a budget in words"),
        pytest.param({"labels": None}, id="no labels"),
    ],
)
def test_what_is_no_chart_is_refused(change):
    known = as_json(Chart("columns", "t", "f", "day", ("a", "b"), (1, 2)))
    assert from_json(known).labels == ("a", "b")
    with pytest.raises(ValueError, match="chart"):
        from_json(known | change)


def test_an_uploaded_picture_is_shown_with_what_it_says():
    chart = grouped(MANY)

    assert picture(chart, "F123", "dig.chart.2") == {
        "type": "image",
        "block_id": "dig.chart.2",
        "slack_file": {"id": "F123"},
        "alt_text": chart.finding,
    }
