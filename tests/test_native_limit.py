"""`kind: native_limit`: OpenAI's own hard limits are where they should be, and nobody is cut off by surprise."""

from datetime import UTC, datetime

import pytest

from bot.core.dimension import Series
from bot.core.kinds import KINDS
from bot.core.limits import Limit, Limits
from bot.demo.openai_faults import Status
from bot.edge.rule_files import load_texts
from tests.replaying import DOLLAR, Story, at, book_of
from tests.world import LABS, SEARCH, world

BUDGET = """  - id: project-month
    kind: budget
    select: {}
    each: project
    period: month
    amount: {search-prod: "10,000", else: hard_limit}
    enabled: false
"""
RULE = "  - {id: hard-limits, kind: native_limit, each: project, expect: 100%..150% of project-month}\n"
OWN = "  - {id: own-limit, kind: native_limit}\n"
SERIES = {
    1: Series("proj_a", "gpt-5.2, input"),
    2: Series("proj_b", "gpt-6, output"),
    3: Series("", "gpt-6, output"),
}
ONE, TWO = ("proj_a",), ("proj_b",)


def dollars(amount, *, enforcing=False):
    return Limit("set", amount * DOLLAR, enforcing, datetime(2026, 11, 20, tzinfo=UTC))


NO_LIMIT = Limit("none", read_at=datetime(2026, 11, 20, tzinfo=UTC))
UNKNOWN = Limit("unknown", why="OpenAI refuses the key")


def limits(own=NO_LIMIT, **projects):
    return Limits(own, {f"proj_{name}": limit for name, limit in projects.items()})


def story(rules=BUDGET + RULE, **found):
    """proj_a spends $300 a day: $6,600 by the 22nd."""
    s = Story(book_of(rules), SERIES).spend("2026-06-01", "300x220")
    s.limits = limits(**found)
    return s


def told(events):
    return [(event.group, event.transition, event.level, event.severity) for event in events]


def notes(s):
    return {found.group: found.note for found in s.replay.last.findings}


NOW = "2026-11-22T12:00"


@pytest.mark.parametrize(
    ("limit", "level", "severity", "says"),
    [
        pytest.param(NO_LIMIT, "missing", "info", "OpenAI has no hard limit for this project", id="missing"),
        pytest.param(
            dollars(9_999), "outside", "warning",
            "the hard limit of $9,999 is below the expected $10,000 to $15,000", id="below",
        ),
        pytest.param(dollars(10_000), "", "", "", id="the-least"),
        pytest.param(dollars(15_000), "", "", "", id="the-most"),
        pytest.param(
            dollars(15_001), "outside", "warning",
            "the hard limit of $15,001 is above the expected $10,000 to $15,000", id="above",
        ),
        pytest.param(
            dollars(12_000, enforcing=True), "enforcing", "critical",
            "OpenAI refuses its requests: the hard limit of $12,000 a month is reached", id="enforcing",
        ),
    ],
)  # fmt: skip
def test_a_limit_is_as_it_should_be_or_said_not_to_be(limit, level, severity, says):
    s = story(a=limit)
    events = told(s.tick(NOW))
    assert events == ([(ONE, "fired", level, severity)] if level else [])
    assert notes(s).get(ONE, "") == says
    assert s.tick("2026-11-22T18:00") == []


def test_the_finding_holds_the_months_cost_against_the_limit():
    s = story(a=dollars(9_000))
    s.tick(NOW)
    (found,) = s.replay.last.findings
    assert (found.value, found.amount) == (6_600 * DOLLAR, 9_000 * DOLLAR)
    assert (found.days.start.day, found.days.end.day) == (1, 23)


def test_the_cut_off_is_told_three_days_ahead_with_its_hour():
    s = story(BUDGET + RULE.replace(", expect: 100%..150% of project-month", ""), a=dollars(8_000))
    assert told(s.tick("2026-11-25T06:00")) == [(ONE, "fired", "cut-off", "warning")]
    # 26 days of $300 are $7,800; the other $200 take two thirds of the 27th.
    assert notes(s)[ONE] == (
        "OpenAI cuts it off Friday 27 Nov 16:00 UTC at this pace, at its hard limit of $8,000"
    )


def test_a_cut_off_is_said_once_as_it_comes_nearer():
    s = story(BUDGET + RULE.replace(", expect: 100%..150% of project-month", ""), a=dollars(8_000))
    assert s.run("2026-11-20T00:00", "2026-11-27T12:00") == [("24 18:00", "fired", "cut-off")]


def test_what_has_reached_its_limit_may_be_cut_off_any_moment():
    s = story(a=dollars(6_000))
    s.tick(NOW)
    assert (
        "the hard limit of $6,000 a month is reached: OpenAI may refuse its requests any moment"
        in notes(s)[ONE]
    )
    assert s.incident.level == "cut-off"
    assert s.incident.said_levels == ("outside", "cut-off")


def test_it_gets_worse_in_its_own_message_and_ends_when_it_is_mended():
    s = story(a=NO_LIMIT)
    assert told(s.tick(NOW)) == [(ONE, "fired", "missing", "info")]
    s.limits = limits(a=dollars(7_000))
    assert told(s.tick("2026-11-22T13:00")) == [(ONE, "raised", "cut-off", "warning")]
    s.limits = limits(a=dollars(7_000, enforcing=True))
    (event,) = s.tick("2026-11-22T14:00")
    assert (event.transition, event.level, event.quiet) == ("raised", "enforcing", False)
    s.limits = limits(a=dollars(12_000))
    assert told(s.tick("2026-11-22T15:00")) == [(ONE, "ended", "enforcing", "critical")]
    assert s.incident.state == "ended"
    assert len(s.replay.incidents) == 1


def test_what_cannot_be_read_is_not_known_and_never_missing():
    s = story(a=UNKNOWN, b=NO_LIMIT).spend("2026-11-10", "10x15", number=2)
    assert told(s.tick(NOW)) == [(TWO, "fired", "missing", "info")]
    (why,) = [why for why in s.replay.last.unjudged if why.rule_id == "hard-limits"]
    assert (why.group, why.state) == (ONE, "nodata")
    assert why.reason == "source stale: OpenAI's hard limit is not known (OpenAI refuses the key)"


def test_an_incident_stays_as_it_is_while_the_limit_is_not_known():
    s = story(a=NO_LIMIT)
    s.tick(NOW)
    s.limits = limits(a=UNKNOWN)
    assert s.tick("2026-11-22T13:00") == []
    assert s.incident.state == "firing"


def test_a_key_that_may_read_none_is_said_once_for_the_rule():
    s = story(a=UNKNOWN, b=UNKNOWN).spend("2026-11-10", "10x15", number=2)
    assert s.tick(NOW) == []
    assert [(why.group, why.state) for why in s.replay.last.unjudged if why.rule_id == "hard-limits"] == [
        (None, "nodata")
    ]
    s.limits = limits(a=NO_LIMIT, b=dollars(5))
    assert {group for group, *_ in told(s.tick("2026-11-22T13:00"))} == {ONE, TWO}


def test_projects_without_spend_and_without_a_limit_are_no_news():
    s = story(a=dollars(12_000), b=NO_LIMIT)
    assert s.tick(NOW) == []


def test_spend_without_a_project_is_under_no_projects_limit():
    s = story(a=dollars(12_000)).spend("2026-11-10", "10x15", number=3)
    assert s.tick(NOW) == []


def test_a_missing_limit_is_not_forgotten_on_the_first_of_a_month():
    s = story(b=NO_LIMIT, a=dollars(12_000)).spend("2026-11-10", "10x10", number=2)
    s.tick(NOW)
    assert s.run("2026-11-30T00:00", "2026-12-03T00:00") == []
    assert s.incident.state == "firing"
    assert [event.transition for event in s.tick("2027-01-01T06:00")] == ["ended"]  # a month without spend


def test_a_limit_that_is_reached_ends_with_the_month():
    s = story(a=dollars(12_000, enforcing=True))
    s.tick(NOW)
    s.limits = limits(a=dollars(12_000))
    assert told(s.tick("2026-12-01T00:30")) == [(ONE, "ended", "enforcing", "critical")]


def test_the_budgets_own_hard_limit_is_always_as_expected():
    s = story(a=dollars(12_000), b=dollars(70)).spend("2026-11-10", "1x15", number=2)
    assert s.tick(NOW) == []


def test_a_project_that_the_budget_does_not_count_is_expected_nothing():
    rules = BUDGET.replace("select: {}", "select: {project: labs}") + RULE
    assert story(rules, a=dollars(900_000)).tick(NOW) == []


def test_the_organization_has_a_limit_of_its_own():
    budget = BUDGET.replace("    each: project\n", "").replace(
        'amount: {search-prod: "10,000", else: hard_limit}', "amount: 10000"
    )
    rules = budget + OWN.replace("}", ", expect: 110%..150% of project-month}")
    s = story(rules, own=dollars(10_000))
    assert told(s.tick(NOW)) == [((), "fired", "outside", "warning")]
    assert notes(s)[()] == "the hard limit of $10,000 is below the expected $11,000 to $15,000"
    s = story(OWN, own=NO_LIMIT)
    s.tick(NOW)
    assert notes(s)[()] == "OpenAI has no hard limit for the organization"


def test_a_month_that_is_not_stored_whole_is_no_figure():
    s = Story(book_of(OWN), SERIES, history_from=at("2026-11-10T00:00").date()).spend("2026-11-10", "300x20")
    s.limits = limits(own=dollars(100))
    assert s.tick(NOW) == []
    (why,) = s.replay.last.unjudged
    assert why.reason == "learning: history from 10 Nov, needs 1 Nov"


def test_it_is_listed_in_words():
    book = book_of(BUDGET + RULE)
    summary = KINDS["native_limit"].summary(book.rule("hard-limits"))
    assert summary == "set, 100% to 150% of project-month, not reached within 3 days"
    assert book.rule("hard-limits").expected is book.rule("project-month")


BAD = """  - {id: tokens, kind: budget, select: {}, each: project, period: month, metric: requests, amount: 5}
  - {id: weekly, kind: budget, select: {}, each: project, period: week, amount: 5}
  - {id: whole, kind: budget, select: {}, period: month, amount: 5}
  - {id: newest, kind: first_seen, dimension: model}
"""


@pytest.mark.parametrize(
    ("keys", "word", "code", "says"),
    [
        pytest.param(
            "each: project, expect: 100% of weekly", "100%", "B023", "write 100%..150% of", id="one-side"
        ),
        pytest.param(
            "each: project, expect: 150%..100% of weekly", "150%", "B023", "smaller side", id="swapped"
        ),
        pytest.param(
            "each: project, expect: 100%..150% of wekly", "100%", "B031", 'no rule "wekly"', id="unknown"
        ),
        pytest.param(
            "each: project, expect: 100%..150% of weekly", "100%", "B033", "calendar months", id="a-week"
        ),
        pytest.param("each: project, expect: 100%..150% of tokens", "100%", "B033", "dollars", id="of-usage"),
        pytest.param(
            "each: project, expect: 100%..150% of whole", "100%", "B033", "each: project", id="per-project"
        ),
        pytest.param(
            "each: project, expect: 100%..150% of newest", "100%", "B033", "is no budget", id="no-budget"
        ),
        pytest.param(
            "expect: 100%..150% of project-month", "100%", "B033", 'no "each"', id="of-the-organization"
        ),
        pytest.param("each: model", "model", "B033", "OpenAI limits projects", id="each-model"),
        pytest.param(
            "each: project, select: {model: x}", "{model", "B034", 'no dimension "model"', id="select-model"
        ),
        pytest.param("select: {project: x}", "{project", "B033", "one for all", id="select-without-each"),
        pytest.param(
            "each: project, amount: 5", "amount", "B012", 'unknown key "amount"', id="a-key-of-budgets"
        ),
    ],
)
def test_a_mistake_is_told_at_its_place(keys, word, code, says):
    line = f"  - {{id: a, kind: native_limit, {keys}}}"
    found = load_texts({"a.yaml": f"version: 1\nrules:\n{BUDGET}{BAD}{line}\n"}).problems
    (problem,) = found
    assert (problem.code, problem.line) == (code, 14)
    assert says in problem.message
    assert problem.column == line.index(word) + 1
    assert problem.suggestion == ("weekly" if code == "B031" else "")


def test_a_budget_that_could_not_be_read_is_not_called_unknown():
    text = "version: 1\nrules:\n  - {id: project-month, kind: zebra}\n" + RULE
    assert {problem.code for problem in load_texts({"a.yaml": text}).problems} == {"B035"}


# -- through the real poll -----------------------------------------------------------------------------

HOUR = (
    "version: 1\nrules:\n"
    + BUDGET.replace("10,000", "100").replace("enabled: false\n", "thresholds: 500%\n")
    + RULE
)


@pytest.fixture
def w(tmp_path):
    with world(tmp_path) as built:
        built.rules(HOUR)
        for day in range(1, 6):
            built.ledger.cost(f"2025-10-{day:02}", SEARCH, "gpt-5.2, output", "10")
        built.ledger.limit(SEARCH, 120_00)
        yield built


def test_a_limit_is_read_and_judged_with_the_next_poll(w):
    w.poll("2025-10-05 12:00")
    assert w.posts == []
    w.ledger.limit(SEARCH, 90_00)
    w.poll("2025-10-05 12:40")
    (post,) = w.posts
    assert "search-prod" in str(post)
    w.ledger.limit(SEARCH, 120_00)
    w.poll("2025-10-05 13:20")
    assert len(w.posts) == 1
    assert len(w.replies) == 1


def test_limits_that_may_not_be_read_are_no_alert(w):
    w.openai.fail("/spend_limit", Status(403), 99)
    w.ledger.cost("2025-10-05", LABS, "gpt-5.2, output", "10")
    done = w.poll("2025-10-05 12:00")
    assert done.complete
    assert w.posts == []
