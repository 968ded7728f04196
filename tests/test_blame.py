"""Who and since when: which part of a figure rose, and when it left what was usual."""

from datetime import date, timedelta

import pytest

from bot.core.blame import NOT_YET, Suspects
from bot.core.comparison import question
from bot.core.dimension import Series
from bot.core.evaluate import evaluate
from bot.core.incident import Finding, Reason
from bot.core.onset import Onset, onset
from bot.core.period import DAY, Span, midnight
from bot.core.spend import Names, Spend
from bot.core.telling import Blame
from bot.core.trail import Trail, to_the_hour
from tests.replaying import DOLLAR, LONG_AGO, Story, at, book_of, sums

NAMES = Names(
    {
        ("project", "proj_a"): "search-prod",
        ("project", "proj_b"): "labs",
        ("api_key", "key_web"): "web",
        ("api_key", "key_ingest"): "ingest-worker",
        ("api_key", "key_batch"): "nightly",
        ("user", "user_mira"): "Mira",
    }
)
MONTH = """
  - id: month
    kind: budget
    select: {}
    each: project
    period: month
    amount: 1,000
    thresholds: [100%]
"""
NOW = "2026-11-20T14:00"


def series(key="key_web", item="gpt-5.2, input", project="proj_a", user=""):
    return Series(project, item, key, user)


class Days:
    """Dollars by day and series, and what is blamed for what."""

    def __init__(self, rules=MONTH, *, history_from=LONG_AGO, refused=()):
        self.book = book_of(rules)
        self.history_from = history_from
        self.refused = refused
        self.series = {}
        self.cost = {}

    def spend(self, first, last, amount, **of):
        """So many dollars on each day, or on each weekday (Monday first) where they are seven."""
        wanted = series(**of)
        number = next((known for known, each in self.series.items() if each == wanted), len(self.series) + 1)
        self.series[number] = wanted
        day = date.fromisoformat(f"2026-{first}")
        while day <= date.fromisoformat(f"2026-{last}"):
            dollars = amount[day.weekday()] if isinstance(amount, list) else amount
            self.cost[day, number] = self.cost.get((day, number), 0) + dollars * DOLLAR
            day += DAY
        return self

    def scan(self, cuts):
        return Spend(
            cuts, sums(self.cost, cuts), self.series, NAMES, self.book, history_from=self.history_from
        )

    def finding(self, now, group):
        story = Story(self.book, self.series, history_from=self.history_from, names=NAMES)
        story.cost = self.cost
        found = evaluate(self.book, story.view(at(now)), at(now)).findings
        return [each for each in found if each.group == group][-1]

    def blame(self, now=NOW, group=("proj_a",), *, first_day=None, reason=Reason.FIRST):
        finding = self.finding(now, group)
        asked = question(finding, first_day or finding.span.start, reason, at(now))
        first = max(asked.first, self.history_from)
        days = [first + place * DAY for place in range((at(now).date() - first).days + 2)]
        self.known = Suspects(self.scan(days), at(now), refused=self.refused)
        return self.known.of(asked)

    def maybe_new(self):
        """Who of those to blame nobody saw before, as far as the days that were looked at go."""
        suspect = self.blame()
        return list(self.known.maybe_new(suspect))


def said(suspect):
    """What a blame says, in short."""
    blame = suspect.blame
    parts = " > ".join(f"{part.dimension} {part.name}" for part in blame.parts)
    return f"{parts} | {blame.share}% | {blame.since}" if parts else blame.why_not


def quiet(days):
    """Two usual months: a customers' key and a nightly one."""
    return (
        days.spend("09-20", "11-20", 20, key="key_web")
        .spend("09-20", "11-20", 10, key="key_web", item="gpt-5.2, output")
        .spend("09-20", "11-20", 30, key="key_batch", item="gpt-5-mini, input")
    )


RUNAWAY = {"key": "key_ingest", "item": "gpt-5.2, output"}

BLAMED = [
    pytest.param(
        lambda: quiet(Days()).spend("11-18", "11-20", 300, **RUNAWAY),
        "api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="a key that was not there before",
    ),
    pytest.param(
        lambda: quiet(Days()).spend("11-18", "11-20", 300, **RUNAWAY).spend("11-05", "11-05", 60, **RUNAWAY),
        "api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="a trial some days before is not when it began",
    ),
    pytest.param(
        lambda: (
            quiet(Days())
            .spend("11-18", "11-20", 200, **RUNAWAY)
            .spend("11-18", "11-20", 150, key="key_ingest")
        ),
        "api_key ingest-worker > model gpt-5.2 | 100% | 2026-11-18",
        id="as much input as output: the model is said, and no direction",
    ),
    pytest.param(
        lambda: (
            quiet(Days())
            .spend("11-18", "11-20", 300, **RUNAWAY)
            .spend("11-10", "11-20", 25, key="key_batch", item="gpt-5-mini, input")
        ),
        "api_key ingest-worker > model gpt-5.2 > direction output | 76% | 2026-11-18",
        id="another key rose too: of all that rose, rounded down",
    ),
    pytest.param(
        lambda: quiet(Days()).spend("11-18", "11-20", 300, key="key_web", item="gpt-5.2, output"),
        "api_key web > model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="a key of old that grew",
    ),
    pytest.param(
        lambda: quiet(Days()).spend("11-12", "11-14", 400, **RUNAWAY),
        "api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-11-12",
        id="it is over again, and has cost all the same",
    ),
    pytest.param(
        lambda: quiet(Days()).spend("10-29", "11-20", 60, **RUNAWAY),
        "api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-10-29",
        id="it began before the period",
    ),
    pytest.param(
        lambda: (
            quiet(Days())
            .spend("09-20", "11-20", [50, 50, 50, 50, 50, 0, 0], key="key_batch")
            .spend("11-16", "11-20", 300, **RUNAWAY)
        ),
        "api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-11-16",
        id="an office's week is usual by weekday",
    ),
    pytest.param(
        lambda: (
            quiet(Days())
            .spend("11-05", "11-06", 200, **RUNAWAY)
            .spend("11-09", "11-13", 200, **RUNAWAY)
            .spend("11-16", "11-20", 200, **RUNAWAY)
        ),
        "api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-11-05",
        id="weekends do not end a stretch",
    ),
    pytest.param(
        lambda: quiet(Days()).spend("11-01", "11-20", 12, key="key_batch", item="gpt-5-mini, input"),
        "api_key nightly > model gpt-5-mini > direction input | 100% | 2026-11-01",
        id="two fifths more from the first day on",
    ),
    pytest.param(
        lambda: quiet(Days()).spend("11-01", "11-20", 6, key="key_batch", item="gpt-5-mini, input"),
        "api_key nightly > model gpt-5-mini > direction input | 100% | ",
        id="a fifth more has no beginning that could be told from noise",
    ),
    pytest.param(
        lambda: quiet(Days()).spend("11-18", "11-20", 300, key="key_ingest", item="web search tool calls"),
        "api_key ingest-worker > line_item web search tool calls | 100% | 2026-11-18",
        id="a tool that no model is billed with",
    ),
    pytest.param(
        lambda: quiet(Days()).spend("11-18", "11-20", 300, key="key_ingest", item="evals | gpt-5.2, input"),
        "api_key ingest-worker > line_item evals | gpt-5.2, input | 100% | 2026-11-18",
        id="a line of its own for where it was asked",
    ),
    pytest.param(
        lambda: quiet(Days()).spend(
            "11-18", "11-20", 300, key="key_ingest", item="gpt-image-2 image, output"
        ),
        "api_key ingest-worker > model gpt-image-2 > direction image output | 100% | 2026-11-18",
        id="the modality is part of the direction",
    ),
    pytest.param(
        lambda: [
            days := quiet(Days()),
            *(
                days.spend("11-18", "11-20", 30, key=f"key_{place}", item="gpt-5.2, output")
                for place in range(10)
            ),
        ][0],
        "model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="ten keys took to one model: no key stands out, the model does",
    ),
    pytest.param(
        lambda: [
            days := quiet(Days()),
            *(days.spend("11-18", "11-20", 30, key=f"key_{p}", item=f"model-{p}, output") for p in range(10)),
        ][0],
        "no part stands out",
        id="ten keys rose by ten models",
    ),
    pytest.param(
        lambda: quiet(Days()).spend("11-18", "11-20", 300, key="", item="gpt-5.2, output"),
        "model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="nobody knows the key of it",
    ),
    pytest.param(
        lambda: quiet(Days()).spend("11-01", "11-20", 1, key="key_ingest"),
        "nobody in particular, about as much was usual before",
        id="the budget is passed by what is usual",
    ),
    pytest.param(
        lambda: quiet(Days(history_from=date(2026, 10, 28))).spend("11-18", "11-20", 300, **RUNAWAY),
        "nothing is stored before 28 Oct to compare with",
        id="too little history to know what was usual",
    ),
    pytest.param(
        lambda: quiet(Days(history_from=date(2026, 10, 20))).spend("11-18", "11-20", 300, **RUNAWAY),
        "api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="twelve days tell what is usual, if not by weekday",
    ),
]


@pytest.mark.parametrize(("days", "expected"), BLAMED)
def test_who_is_to_blame(days, expected):
    assert said(days().blame()) == expected


@pytest.mark.parametrize(
    ("key", "why"),
    [
        pytest.param(
            "", "costs are not told by key to this organization", id="the model is told all the same"
        ),
        pytest.param("key_ingest", "", id="where a key is told, nothing is missing"),
    ],
)
def test_costs_that_are_not_told_by_key(key, why):
    days = Days(refused=("api_key_id",)).spend("09-20", "11-20", 20, key=key)
    days.spend("11-18", "11-20", 300, key=key, item="gpt-5.2, output")
    blame = days.blame().blame
    assert blame.why_not == why
    assert blame.parts[-1].name == "output"


def test_a_user_is_told_where_no_key_is():
    days = Days().spend("09-20", "11-20", 20, key="").spend("11-18", "11-20", 300, key="", user="user_mira")
    assert said(days.blame()) == "user Mira > model gpt-5.2 > direction input | 100% | 2026-11-18"


def test_the_budget_changed_and_nothing_rose():
    assert said(quiet(Days()).blame(reason=Reason.BUDGET_CHANGED)) == "it did not rise: the budget changed"


KINDS = [
    pytest.param(
        "  - {id: all, kind: budget, select: {}, period: month, amount: 1000, thresholds: [100%]}",
        (),
        "project labs > api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="the whole organization: the project first",
    ),
    pytest.param(
        "  - {id: one, kind: budget, select: {project: labs}, period: month, amount: 100, thresholds: [100%]}",
        (),
        "api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="one project: its name is in the first line",
    ),
    pytest.param(
        "  - {id: key, kind: budget, select: {}, each: [project, api_key], period: month, amount: 100, thresholds: [100%]}",
        ("proj_b", "key_ingest"),
        "model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="by key: what it asked for",
    ),
    pytest.param(
        "  - {id: item, kind: budget, select: {}, each: line_item, period: month, amount: 100, thresholds: [100%]}",
        ("gpt-5.2, output",),
        "project labs > api_key ingest-worker | 100% | 2026-11-18",
        id="by line item: who",
    ),
    pytest.param(
        "  - {id: model, kind: budget, select: {}, each: model, period: month, amount: 100, thresholds: [100%]}",
        ("gpt-5.2",),
        "project labs > api_key ingest-worker > direction output | 100% | 2026-11-18",
        id="by model: who, and which direction",
    ),
    pytest.param(
        "  - {id: day, kind: budget, select: {}, each: project, period: day, amount: 100, thresholds: [100%]}",
        ("proj_b",),
        "api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="a day: since when its run began",
    ),
    pytest.param(
        "  - {id: change, kind: change, select: {}, each: project, window: 3d, when: {increase: 40%}}",
        ("proj_b",),
        "api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="a change: against its own days before",
    ),
    pytest.param(
        "  - {id: unusual, kind: anomaly, select: {}, each: project}",
        ("proj_b",),
        "api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="an unusual day",
    ),
    pytest.param(
        "  - {id: new, kind: first_seen, select: {}, dimension: api_key, each: project, lookback: 30d, min_amount: $1}",
        ("proj_b", "key_ingest"),
        "model gpt-5.2 > direction output | 100% | 2026-11-18",
        id="something new",
    ),
]


@pytest.mark.parametrize(("rules", "group", "expected"), KINDS)
def test_rules_of_every_kind(rules, group, expected):
    days = quiet(Days(rules)).spend("09-20", "11-20", 20, project="proj_b", key="key_web")
    days.spend("11-18", "11-21", 300, project="proj_b", **RUNAWAY)
    assert (
        said(days.blame("2026-11-21T14:00", group, first_day=date(2026, 11, 18) if "day" in rules else None))
        == expected
    )


TODAY = "  - {id: day, kind: budget, select: {}, each: project, period: day, amount: 50, thresholds: [50%]}"


@pytest.mark.parametrize(
    ("spent", "expected"),
    [
        pytest.param(25, NOT_YET, id="the nightly key has done its night's work"),
        pytest.param(
            45, "api_key nightly > model gpt-5-mini > direction input | 100% | 2026-11-20", id="and more"
        ),
    ],
)
def test_a_day_that_is_not_over_is_held_against_a_whole_one(spent, expected):
    days = Days(TODAY).spend("09-20", "11-19", 20, key="key_web")
    days.spend("09-20", "11-19", 30, key="key_batch", item="gpt-5-mini, input")
    days.spend("11-20", "11-20", spent, key="key_batch", item="gpt-5-mini, input")
    assert said(days.blame("2026-11-20T05:00")) == expected


def test_the_days_of_a_run_are_not_usual():
    days = quiet(Days(TODAY)).spend("11-10", "11-20", 60, key="key_web")
    asked = {"now": "2026-11-20T23:00", "group": ("proj_a",)}
    assert said(days.blame(**asked)).endswith("| 2026-11-10")
    assert days.blame(**asked).blame.parts[0].amount < 60 * DOLLAR
    assert days.blame(**asked, first_day=date(2026, 11, 10)).blame.parts[0].amount == 60 * DOLLAR


def test_of_many_small_groups_nobody_is_told():
    rules = MONTH.replace("each: project", "each: project\n    limit: 1")
    days = (
        quiet(Days(rules))
        .spend("11-01", "11-20", 5, project="proj_b")
        .spend("11-01", "11-20", 5, project="c")
    )
    assert said(days.blame(group=("(other)",))) == "these are many small groups together"


@pytest.mark.parametrize(
    ("rule", "holding", "asks"),
    [
        pytest.param("{id: old, kind: freshness, poll: 3h}", ("stale",), False, id="data is late"),
        pytest.param(
            "{id: l, kind: native_limit, select: {}, each: project}",
            ("missing",),
            False,
            id="no limit is set",
        ),
        pytest.param(
            "{id: l, kind: native_limit, select: {}, each: project}",
            ("cut-off",),
            True,
            id="the limit is near",
        ),
    ],
)
def test_what_is_about_no_amount_is_not_asked_about(rule, holding, asks):
    (judged,) = book_of(f"  - {rule}").rules
    span = Span(date(2026, 11, 20), date(2026, 11, 21))
    finding = Finding(judged, ("p",), span, DOLLAR, DOLLAR, (), closed=False, holding=holding)
    assert (question(finding, span.start, "", at(NOW)) is not None) is asks


def test_a_fall_is_told_apart_as_a_fall():
    rules = "  - {id: fall, kind: change, select: {}, each: project, window: 3d, when: {decrease: 40%}}"
    days = Days(rules).spend("09-20", "11-21", 20, key="key_web").spend("09-20", "11-15", 80, key="key_batch")
    blame = days.blame("2026-11-20T14:00").blame
    assert blame.fell
    assert [part.name for part in blame.parts] == ["nightly", "gpt-5.2", "input"]
    assert blame.since == "2026-11-16"


def test_live_days_stand_in_for_the_billed():
    days = quiet(Days(TODAY))
    finding = days.finding("2026-11-20T14:00", ("proj_a",))
    cuts = [date(2026, 10, 20) + place * DAY for place in range(33)]
    told = {**days.series, -1: series(**RUNAWAY)}
    live = Spend([cuts[-2], cuts[-1]], [{-1: 90 * DOLLAR}], told, NAMES, days.book)
    asked = question(finding, finding.span.start, "", at("2026-11-20T09:20"))
    suspect = Suspects(days.scan(cuts), at("2026-11-20T09:20"), live=live).of(asked)
    assert said(suspect) == "api_key ingest-worker > model gpt-5.2 > direction output | 100% | 2026-11-20"


@pytest.mark.parametrize(
    ("days", "new"),
    [
        pytest.param(quiet(Days()).spend("11-18", "11-20", 300, **RUNAWAY), [("api_key", "key_ingest")], id="a key that was not there before"),
        pytest.param(quiet(Days()).spend("11-18", "11-20", 300, **RUNAWAY).spend("10-20", "10-20", 60, **RUNAWAY), [], id="there was a trial the month before"),
        pytest.param(quiet(Days()).spend("11-18", "11-20", 300, key="key_web", item="gpt-5.2, output"), [], id="a key that was always there"),
        pytest.param(quiet(Days()).spend("11-18", "11-20", 300, key="key_web", item="gpt-6, output"), [("model", "gpt-6")], id="a model"),
        pytest.param(quiet(Days(history_from=date(2026, 10, 24))).spend("11-03", "11-20", 300, **RUNAWAY).spend("10-28", "11-02", 200, **RUNAWAY), [], id="history does not reach a week back"),
        pytest.param(Days().spend("09-20", "11-20", 60, key="").spend("11-18", "11-20", 300, **RUNAWAY), [], id="keys were not told before"),
    ],
)  # fmt: skip
def test_who_may_never_have_been_there_before(days, new):
    assert days.maybe_new() == new


# -- since when ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("away", "usual", "reaching", "found"),
    [
        pytest.param([0, 0, 5, 6], [9] * 4, 0, Onset(2, 11), id="the first place of the stretch"),
        pytest.param(
            [0, 0, 1, 6], [9] * 4, 0, Onset(3, 6), id="less than a quarter of the furthest does not count"
        ),
        pytest.param([0, 0, 5, 6], [22] * 4, 0, Onset(3, 6), id="nor less than a quarter of the usual"),
        pytest.param([6, 0, 0, 5], [9] * 4, 0, Onset(0, 11), id="two ordinary places do not end it"),
        pytest.param(
            [6, 0, 0, 0, 5], [9] * 5, 0, Onset(0, 6), id="three do, and the furthest stretch counts"
        ),
        pytest.param([6, 6, 0, 0, 0, 5], [9] * 6, 5, Onset(5, 5), id="what was over before is another story"),
        pytest.param([0, 6, 6, 5], [9] * 4, 3, Onset(1, 5), id="what goes on began before"),
        pytest.param([0, -5, -9], [9] * 3, 0, None, id="nothing is away"),
        pytest.param([], [], 0, None, id="nothing is known"),
    ],
)
def test_where_a_series_left_its_usual_level(away, usual, reaching, found):
    assert onset(away, usual, 2, reaching) == found


BORN = date(2026, 11, 18)
BLAME = Blame(since="2026-11-18", share=74)
TRAIL = Trail(BORN, frozenset({("proj_a", "key_ingest")}), frozenset({"gpt-5.2"}), "", "output", new=True)


def hours(spans):
    """Counts by hour: (day of November, first hour, hour after the last, count)."""
    return {
        midnight(date(2026, 11, day)) + timedelta(hours=hour): count
        for day, first, last, count in spans
        for hour in range(first, last)
    }


@pytest.mark.parametrize(
    ("spans", "known_from", "new", "since"),
    [
        pytest.param([(18, 9, 24, 100)], 10, True, "2026-11-18T09:00:00Z", id="from nine on"),
        pytest.param([(18, 4, 5, 10), (18, 9, 24, 100)], 10, True, "2026-11-18T09:00:00Z", id="a trial before"),
        pytest.param([(17, 21, 24, 100), (18, 0, 24, 100)], 10, True, "2026-11-17T21:00:00Z", id="the evening before"),
        pytest.param([(17, 0, 24, 100), (18, 0, 24, 100)], 10, True, "2026-11-18", id="from before the hours asked for"),
        pytest.param([(18, 9, 24, 100)], 18, True, "2026-11-18", id="the hours before are not stored"),
        pytest.param(
            [*((day, 0, 24, 50) for day in range(10, 19)), (18, 9, 24, 100)],
            10, False, "2026-11-18T09:00:00Z", id="twice what is usual",
        ),
        pytest.param(
            [*((day, 2, 4, 90) for day in range(10, 19)), (18, 9, 24, 100)],
            10, False, "2026-11-18T09:00:00Z", id="its nightly hours are usual",
        ),
        pytest.param([(17, 0, 24, 5), (18, 9, 24, 100)], 17, False, "2026-11-18", id="what is usual is not known"),
        pytest.param([], 10, True, "2026-11-18", id="nothing was used: the bill is about something else"),
    ],
)  # fmt: skip
def test_the_hour(spans, known_from, new, since):
    trail = Trail(BORN, TRAIL.callers, TRAIL.models, "", "", new=new)
    found = to_the_hour(BLAME, trail, hours(spans), date(2026, 11, known_from))
    assert (found.since, found.since_hour) == (since, "T" in since)


USED = {"input_tokens": 7, "output_tokens": 3, "images": 2, "num_model_requests": 1}


@pytest.mark.parametrize(
    ("trail", "endpoint", "count"),
    [
        pytest.param({"direction": "output"}, "completions", 3, id="the direction that rose"),
        pytest.param({"direction": "cached input"}, "completions", 7, id="what is read"),
        pytest.param({"direction": ""}, "completions", 10, id="both where neither stands out"),
        pytest.param({"direction": ""}, "images", 2, id="what is billed of an endpoint"),
        pytest.param(
            {"metric": "num_model_requests", "direction": ""}, "completions", 1, id="a metric's own"
        ),
    ],
)
def test_what_is_counted_by_the_hour(trail, endpoint, count):
    known = {"metric": "", **trail}
    followed = Trail(BORN, TRAIL.callers, TRAIL.models, known["metric"], known["direction"], new=True)
    assert followed.count(Series("proj_a", "", "key_ingest", endpoint=endpoint), USED) == count


@pytest.mark.parametrize(
    ("of", "follows"),
    [
        pytest.param({}, True, id="its own"),
        pytest.param({"api_key_id": "key_web"}, False, id="another key"),
        pytest.param({"project_id": "proj_b"}, False, id="another project"),
        pytest.param({"model": "gpt-5-mini"}, False, id="another model"),
    ],
)
def test_whose_usage_is_followed(of, follows):
    used = Series(**{"project_id": "proj_a", "api_key_id": "key_ingest", "model": "gpt-5.2", **of})
    assert TRAIL.follows(used, used.model) is follows


def test_costs_without_keys_are_followed_by_project():
    trail = Trail(BORN, frozenset({("proj_a", "")}), None, "", "", new=True)
    assert trail.follows(Series("proj_a", api_key_id="key_web"), "gpt-5.2")
    assert not trail.follows(Series("proj_b", api_key_id="key_web"), "gpt-5.2")
