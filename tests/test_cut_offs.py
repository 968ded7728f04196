"""When OpenAI cuts off what an answer shows: told where it is known, once for each project, and never guessed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core.cut_offs import with_limits
from bot.core.limits import Limit, Limits
from bot.core.period import DAY, Span
from bot.core.rules.book import Origin, Rule, Rulebook
from bot.core.rules.select import Pattern, Scope, Selector
from bot.core.status import Limited
from bot.core.view import View
from tests.spending import DOLLAR, TODAY, number, scan
from tests.test_terminal import FIRING, LEARNING

NOW = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
DAYS = [Span(TODAY - n * DAY, TODAY - n * DAY + DAY) for n in range(100)]
ROWS = [(day.start, number("proj_search", "gpt-5.2, input"), 100 * DOLLAR) for day in DAYS]
PROJECTS = Rule("project-month", "budget", Origin("rules.yaml", 1), scope=Scope(each=("project",)))
EVERYTHING = replace(PROJECTS, id="all", scope=Scope())
SELECTED = replace(
    PROJECTS, id="some", scope=Scope(select=Selector((("model", (Pattern("gpt-5*"),)),)), each=())
)
RULES = Rulebook((PROJECTS, EVERYTHING, SELECTED))


def view(limit, days=DAYS, history_from=date(2025, 1, 1)):
    daily = scan(ROWS, days, history_from=history_from) if days else None
    return View(
        scan([], [], history_from=history_from), daily=daily,
        limits=Limits(organization=limit, projects={"proj_search": limit}),
    )  # fmt: skip


SET = Limit("set", 2_600 * DOLLAR)


def told(standing=FIRING, limit=SET, **known):
    (standing,) = with_limits([standing], view(limit, **known), RULES, NOW)
    return standing.limited


def test_the_day_is_told_at_which_the_limit_is_reached_at_this_pace():
    # 2,200 of 2,600 are gone by the evening of the 22nd, 100 a day.
    limited = told()
    assert limited.amount == 2_600 * DOLLAR
    assert limited.cut_off_at.date() in (date(2026, 11, 26), date(2026, 11, 27))


@pytest.mark.parametrize(
    ("limited", "expected"),
    [
        pytest.param(lambda: told(limit=Limit("none")), None, id="no limit is set"),
        pytest.param(lambda: told(limit=Limit("unknown", why="403")), None, id="nobody knows"),
        pytest.param(lambda: told(limit=Limit("set", 9_000 * DOLLAR)), Limited(9_000 * DOLLAR), id="not this month"),
        pytest.param(
            lambda: told(limit=Limit("set", 9_000 * DOLLAR, enforcing=True)),
            Limited(9_000 * DOLLAR, enforcing=True),
            id="enforced",
        ),
        pytest.param(lambda: told(days=()), Limited(2_600 * DOLLAR), id="no days are at hand"),
        pytest.param(lambda: told(days=DAYS[:9]), Limited(2_600 * DOLLAR), id="a part of the month"),
        pytest.param(
            lambda: told(replace(FIRING, group=("",))), None, id="spend without a project has no limit"
        ),
        pytest.param(lambda: told(replace(FIRING, group=("(other)",))), None, id="nor the smallest together"),
        pytest.param(lambda: told(LEARNING), None, id="what was not judged has no figures"),
        pytest.param(
            lambda: told(replace(FIRING, rule_id="some", each=(), group=(), group_names=())),
            None,
            id="a selection is under no limit",
        ),
    ],
)  # fmt: skip
def test_nothing_is_told_that_nobody_knows(limited, expected):
    assert limited() == expected


def test_everything_together_is_under_the_organizations_limit():
    whole = replace(FIRING, rule_id="all", each=(), group=(), group_names=())
    assert told(whole).cut_off_at is not None


def test_history_that_begins_within_the_month_is_the_whole_of_it():
    begins = DAYS[15].start
    limited = told(days=DAYS[:16], history_from=begins, limit=Limit("set", 1_550 * DOLLAR))
    assert limited.cut_off_at is not None
    assert limited.cut_off_at <= NOW + timedelta(days=1)


def test_a_project_is_looked_at_once():
    first, second = with_limits([FIRING, FIRING], view(SET), RULES, NOW)
    assert first.limited is second.limited
