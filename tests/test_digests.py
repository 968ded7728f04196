"""Digests, told through the real tick: what falls due is posted once, with its chart, and its figures are the ledger's."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bot.answers import answer
from bot.core.charts import from_json
from bot.core.query import parse
from bot.core.schedule import last_due
from bot.digesting import compose
from tests.spending import golden
from tests.standins.slack_rules import check_message
from tests.test_stories import Story, shown
from tests.world import LABS, SEARCH, at, world

RULES = """
routes: {finops: {channel: ai-spend, remind: never}, exec: {channel: finance, remind: never}}
defaults: {route: finops, timezone: Europe/Berlin}
digests:
DIGESTS
rules:
  - id: organization-month
    kind: budget
    select: {}
    period: month
    amount: 4,000
    thresholds: [50%]
  - id: search
    kind: budget
    select: {project: search-*}
    period: month
    amount: 3,000
    thresholds: [100%]
"""
WEEKLY = '  - {id: weekly, schedule: "0 9 * * MON", report: last-week by project, route: exec}'
MONTHLY = '  - {id: monthly, schedule: "0 9 1 * *", report: last-month by project, route: exec}'
DAILY = '  - {id: daily, schedule: "0 9 * * *", report: mtd by model, route: exec}'


class Told(Story):
    """Since August search-prod spends $100 a day, and $150 from 16 November on; labs $20, and nothing from then on."""

    def since_august(self, until):
        day = date(2026, 8, 1)
        while day <= until:
            risen = day >= date(2026, 11, 16)
            self.spend(day.isoformat(), "150" if risen else "100.25")
            if not risen:
                self.spend(day.isoformat(), "20", LABS, "gpt-5.2, output")
            day += timedelta(days=1)

    def billed(self, first, last):
        """What the ledger holds of some days."""
        days = [
            date.fromisoformat(first) + timedelta(days=n)
            for n in range((date.fromisoformat(last) - date.fromisoformat(first)).days + 1)
        ]
        return sum(
            Decimal(row.amount) for day in days for row in self.ledger.cost_rows(day, at("2027-01-01"))
        )

    def digests(self, *lines):
        self.rules(RULES.replace("DIGESTS", "\n".join(lines)))

    def told(self, name="finance"):
        ids = {channel.id for channel in self.slack.channels.values() if channel.name == name}
        return [message for message in self.world.posts if message.channel in ids]


@pytest.fixture
def story(tmp_path):
    with world(tmp_path) as built:
        yield Told(built)
        for message in built.slack.messages:
            check_message(
                {"text": message.text, "blocks": message.blocks, "attachments": message.attachments}
            )


def chart_of(message):
    (block,) = [block for block in message.blocks if block["type"] == "data_visualization"]
    return block, {
        each["name"]: {point["label"]: point["value"] for point in each["data"]}
        for each in block["chart"]["series"]
    }


def test_a_weekly_digest_tells_the_week_its_chart_who_moved_and_how_the_month_goes_on(story):
    story.digests(WEEKLY)
    story.since_august(date(2026, 11, 23))
    story.poll("2026-11-22 12:00")
    assert story.told() == []
    story.poll("2026-11-23 09:00")

    (message,) = story.told()
    week, before = story.billed("2026-11-16", "2026-11-22"), story.billed("2026-11-09", "2026-11-15")
    assert (week, before) == (Decimal(1050), Decimal("841.75"))
    month, _ = answer(story.world.app.store, story.world.app.rules.now(at("2026-11-23 09:00")), "forecast",
                      at("2026-11-23 09:00"))  # fmt: skip
    whole = next(row for row in month.rows if row.whole)
    assert whole.amount == 4_000 * 10**9
    assert message.text == (
        "OpenAI spend, 16–22 Nov: $1,050, up 25% on 9–15 Nov. "
        f"November is on course for ${round(whole.total / 10**9):,} of $4,000 (99%)."
    )
    block, lines = chart_of(message)
    assert block["title"] == "Spend by day, 16–22 Nov"
    assert list(lines["Spent"].values()) == [150] * 7
    assert sum(lines["9–15 Nov"].values()) == pytest.approx(float(before), abs=4)
    said = shown(message)
    assert "*Up the most*\nsearch-prod +$348 (+50%)" in said
    assert "*Down the most*\nlabs −$140 (−100%)" in said
    assert "1 alert opened, none closed; 1 is open now" in said
    assert "Digest `weekly`" in said


def test_the_digest_of_a_month_adds_it_up_against_its_budget(story):
    story.digests(MONTHLY)
    story.since_august(date(2026, 12, 1))
    story.poll("2026-11-30 12:00")
    story.poll("2026-12-01 08:00")

    (message,) = story.told()
    billed = story.billed("2026-11-01", "2026-11-30")
    assert billed == Decimal("4053.75")
    assert "$4,054, up 9% on 1–31 Oct, $53.75 over the budget of $4,000." in message.text
    block, lines = chart_of(message)
    assert block["title"] == "Spend in November"
    assert lines["Spent"]["30"] == 4054
    assert set(lines["Budget"].values()) == {4000}


def test_a_running_month_is_drawn_with_its_forecast(story):
    story.digests(DAILY)
    story.since_august(date(2026, 11, 20))
    story.poll("2026-11-19 12:00")
    story.poll("2026-11-20 09:00")

    (message,) = story.told()
    block, lines = chart_of(message)
    assert list(lines) == ["Spent, then forecast", "Forecast, low", "Forecast, high", "Budget"]
    assert (
        lines["Forecast, low"]["20"]
        == lines["Forecast, high"]["20"]
        == round(story.billed("2026-11-01", "2026-11-20"))
    )
    ends = [each["30"] for each in lines.values()]
    assert ends[1] < ends[0] < ends[2]
    assert f"November is on course for ${ends[0]:,} of $4,000" in message.text
    assert block["chart"]["axis_config"]["x_label"] == "Day of November, UTC; forecast from 21"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(DAILY.replace("route: exec", "route: exec, chart: false"), id="by its key"),
        pytest.param(DAILY.replace("by model", "by model nochart"), id="by its words"),
    ],
)
def test_a_digest_comes_without_its_chart_where_the_file_says_so(story, line):
    story.digests(line)
    story.since_august(date(2026, 11, 20))
    story.poll("2026-11-19 12:00")
    story.poll("2026-11-20 09:00")

    (message,) = story.told()
    assert [block["type"] for block in message.blocks][:3] == ["header", "section", "table"]
    assert all(block["type"] != "data_visualization" for block in message.blocks)


def test_without_any_spend_there_is_a_digest_and_no_chart(story):
    story.digests(DAILY)
    story.poll("2026-10-19 12:00")
    story.poll("2026-10-20 09:00")

    (message,) = story.told()
    assert "1–20 Oct: $0" in message.text
    assert all(block["type"] != "data_visualization" for block in message.blocks)


def test_only_the_last_of_the_times_slept_through_is_told(story):
    story.digests(DAILY.replace("mtd by model", "yesterday by project"))
    story.since_august(date(2026, 11, 20))
    story.poll("2026-11-10 12:00")
    story.restart()
    story.poll("2026-11-20 12:00")
    story.poll("2026-11-20 12:30")

    (message,) = story.told()
    assert "OpenAI spend, 19 Nov" in message.text


# -- as others ask for it ----------------------------------------------------------------------------------


def composed(story, words, now="2026-11-20 12:00", **more):
    query = parse(f"report {words}", at(now).date())
    rules = story.world.app.rules.now(at(now))
    return compose(story.world.app.store, rules, query, at(now), footer="`/budget subscribe`", **more)


def test_anybody_may_have_a_digest_of_what_they_look_after(story):
    story.digests(DAILY)
    story.since_august(date(2026, 11, 20))
    story.poll("2026-11-20 12:00")

    told = composed(story, "mtd by model project=search-prod", asker_zone="Asia/Tokyo")

    assert told["text"].startswith("OpenAI spend, 1–20 Nov, project=search-prod: $2,254")
    assert "of $3,000" in told["text"]
    assert "data as of 20 Nov 21:00 JST · `/budget subscribe`" in json.dumps(told, ensure_ascii=False)
    chart = from_json(json.loads(json.dumps(told["chart"])))
    assert chart.title == "Spend in November, search-prod"
    assert chart.budget == 3_000 * 10**9
    assert sum(1 for block in told["blocks"] if block["type"] == "data_visualization") == 1
    check_message({key: told[key] for key in ("text", "blocks")})


def test_alerts_of_others_are_not_counted(story):
    story.digests(DAILY)
    story.since_august(date(2026, 11, 20))
    story.poll("2026-11-20 12:00")

    assert "1 alert opened" in shown_of(composed(story, "mtd by model"))
    assert "no alerts" in shown_of(composed(story, "mtd by model project=labs"))


def test_no_other_question_has_a_digest(story):
    story.digests(DAILY)
    story.poll("2026-11-20 12:00")
    now = at("2026-11-20 12:00")

    for words in ("status", "forecast", "rules"):
        query = parse(words, now.date())
        assert compose(story.world.app.store, story.world.app.rules.now(now), query, now, footer="") is None


@pytest.mark.parametrize("name", ["<!channel>", "*b* _i_ ~s~ `c`", "\u202egnp.exe", "a" * 300, "&lt;"])
def test_what_a_project_is_called_changes_nothing_of_its_digest(story, name):
    story.ledger.project(SEARCH, name)
    story.digests(DAILY)
    story.since_august(date(2026, 11, 20))
    story.poll("2026-11-20 12:00")

    for words in (
        "mtd by project",
        f"last-week by project project={SEARCH}",
        f'mtd by model project="{name}"',
    ):
        told = composed(story, words)
        check_message({key: told[key] for key in ("text", "blocks")})
        said = " ".join(
            [
                told["text"],
                *(b["text"]["text"] for b in told["blocks"] if b["type"] == "section" and "text" in b),
            ]
        )
        assert "<!" not in said
        assert "`c`" not in said


def test_before_anything_is_stored_a_digest_says_so(story):
    story.digests(DAILY)
    story.restart()

    told = composed(story, "mtd by model")

    assert told["text"] == (
        "OpenAI spend, 1–20 Nov: No costs are stored yet. The first poll fetches them; ask again in some minutes."
    )
    assert "chart" not in told
    check_message({key: told[key] for key in ("text", "blocks")})


def test_a_digest_of_days_of_which_some_are_missing_says_which_it_tells(story):
    story.digests(DAILY)
    story.since_august(date(2026, 11, 20))
    story.poll("2026-11-20 12:00")

    # The first poll reads so many days and no more.
    told = composed(story, "2026-01-15..2026-08-20 by project")

    assert "since " in told["text"]
    assert "(earlier days are not stored)" in told["text"]
    assert ", up " not in told["text"]
    assert told["chart"]["kind"] == "columns"
    assert "Up the most" not in shown_of(told)


def test_a_late_poll_is_said_and_its_missing_days_are_not_drawn(story):
    story.digests(DAILY)
    story.since_august(date(2026, 11, 20))
    story.poll("2026-11-17 12:00")

    told = composed(story, "mtd by model")

    assert "up to 17 Nov (later days were not read yet)" in told["text"]
    chart = from_json(told["chart"])
    assert chart.known == 17


@pytest.mark.parametrize(
    "words", ["last-week by project", "mtd by model", "yesterday by project", "last-month by team"]
)
def test_digests_are_said_as_people_have_read_them(story, words):
    story.digests(DAILY)
    story.since_august(date(2026, 11, 20))
    story.ledger.cost("2026-11-12", "proj_new", "gpt-5.2, input", "4.5")
    story.ledger.project("proj_new", "<!channel> *new* `x`")
    story.poll("2026-11-20 12:00")

    told = composed(story, words)

    check_message({key: told[key] for key in ("text", "blocks")})
    golden(f"digest_{words.replace(' ', '_')}.json", json.dumps(told, indent=1, ensure_ascii=False))


def shown_of(message):
    return json.dumps(message["blocks"], ensure_ascii=False)


# -- when it falls due -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "night", "times"),
    [
        pytest.param(
            "0 9 * * *", "2026-03-28 12:00", ["2026-03-29 07:00", "2026-03-30 07:00"], id="nine-in-spring"
        ),
        pytest.param(
            "0 9 * * *", "2026-10-24 12:00", ["2026-10-25 08:00", "2026-10-26 08:00"], id="nine-in-autumn"
        ),
        pytest.param(
            "30 2 * * *", "2026-03-28 12:00", ["2026-03-29 01:00", "2026-03-30 00:30"], id="left-out"
        ),
        pytest.param(
            "30 2 * * *", "2026-10-24 12:00", ["2026-10-25 00:30", "2026-10-26 01:30"], id="comes-twice"
        ),
        pytest.param(
            "0 2 * * *", "2026-10-24 12:00", ["2026-10-25 00:00", "2026-10-26 01:00"], id="twice-at-two"
        ),
        pytest.param(
            "0 3 * * MON", "2026-10-24 12:00", ["2026-10-19 01:00", "2026-10-26 02:00"], id="weekly"
        ),
    ],
)
def test_on_both_nights_of_the_year_a_digest_is_due_once(schedule, night, times):
    """Berlin leaves out 02:00 to 03:00 on 29 March, and has it twice on 25 October 2026."""
    berlin = ZoneInfo("Europe/Berlin")
    looks = [at(night) + timedelta(minutes=5 * n) for n in range(45 * 12)]

    due = [last_due(schedule, look.astimezone(berlin)).astimezone(UTC) for look in looks]

    known = list(dict.fromkeys(each for each in due if each >= at(times[0])))
    assert known == [at(each) for each in times]
    assert all(first <= second for first, second in pairwise(due))


def test_in_the_night_that_is_an_hour_longer_a_digest_is_posted_once(story):
    story.digests(DAILY.replace("0 9 * * *", "30 2 * * *"))
    story.since_august(date(2026, 10, 26))
    for look in ("2026-10-24 12:00", "2026-10-25 00:25", "2026-10-25 00:30", "2026-10-25 01:25", "2026-10-25 01:35",
                 "2026-10-25 02:40"):  # fmt: skip
        story.poll(look)
    assert len(story.told()) == 1
    story.poll("2026-10-26 01:30")
    assert len(story.told()) == 2
    assert datetime.fromisoformat("2026-10-25T02:30:00+02:00") == at("2026-10-25 00:30")


def test_the_ledger_is_what_is_told(story):
    story.since_august(date(2026, 11, 2))
    assert story.billed("2026-11-01", "2026-11-02") == Decimal("240.5")
    assert SEARCH in {row.project_id for row in story.ledger.cost_rows(date(2026, 11, 1), at("2026-11-02"))}
