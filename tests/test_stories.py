"""Whole months told through the real tick: real HTTP, real SQLite, a stand-in for OpenAI and one for Slack."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.standins.slack_rules import check_message
from tests.world import LABS, SEARCH, world

MONTHLY = """
rules:
  - id: project-month
    kind: budget
    title: Monthly budget of a project
    select: {}
    each: project
    period: month
    amount: AMOUNT
    thresholds: [50%, 80%, 100%]
"""
DAILY = """
rules:
  - id: cap
    kind: budget
    title: Daily cap
    select: {}
    each: project
    period: day
    amount: 100
    thresholds: [{at: 100%, severity: warning}, {at: 200%, severity: critical}]
"""


class Story:
    """A world whose people only read."""

    def __init__(self, built):
        self.world = built
        self.slack = built.slack
        self.ledger = built.ledger
        self.rows = {}
        self.restart()

    def restart(self):
        self.world.start().pace = timedelta()

    def rules(self, text, amount="1,000"):
        self.world.rules("version: 1\n" + text.replace("AMOUNT", amount))

    def spend(self, day, amount, project=SEARCH, item="gpt-5.2, input"):
        """Set what a project's line item cost on a day."""
        known = self.rows.get((day, project, item))
        if known is None:
            self.rows[day, project, item] = self.ledger.cost(day, project, item, amount)
        else:
            self.rows[day, project, item] = self.ledger.revise(known, amount)

    def poll(self, now):
        done = self.world.poll(now)
        assert done.complete, [result.why for result in done.results]
        assert not done.delivered.waiting
        return done

    @property
    def posts(self):
        return [message.text for message in self.world.posts]

    @property
    def lines(self):
        return [message.text for message in self.world.replies]

    @property
    def loud(self):
        return [message.text for message in self.world.replies if message.broadcast]

    @property
    def card(self):
        (only,) = self.world.posts
        return only

    def fingerprint(self):
        with self.world.app.store.reading() as tx:
            return tx.exec_driver_sql("SELECT fingerprint FROM incident ORDER BY opened_at").fetchone()[0]

    def room(self, name):
        ids = {channel.id for channel in self.slack.channels.values() if channel.name == name}
        return [message.text for message in self.world.posts if message.channel in ids]

    def cells(self, message):
        (table,) = [block for block in message.blocks if block["type"] == "table"]
        return [[cell["text"] for cell in row] for row in table["rows"]]


@pytest.fixture
def story(tmp_path):
    with world(tmp_path) as built:
        yield Story(built)
        for message in built.slack.messages:
            check_message(
                {"text": message.text, "blocks": message.blocks, "attachments": message.attachments}
            )


def shown(message):
    """Everything a reader sees of a message, as one text."""

    def texts(held):
        if isinstance(held, dict):
            if isinstance(held.get("text"), str):
                yield held["text"]
            for value in held.values():
                yield from texts(value)
        elif isinstance(held, list):
            for value in held:
                yield from texts(value)

    return "\n".join(texts([message.blocks, message.attachments]))


# -- a month ---------------------------------------------------------------------------------------


def test_a_month_from_49_percent_to_its_close(story):
    story.rules(MONTHLY)
    for day in range(1, 10):
        story.spend(f"2026-10-0{day}", "55.00")
    assert story.poll("2026-10-10 08:00").events == ()
    assert story.posts == []

    story.spend("2026-10-10", "600.00")
    story.poll("2026-10-10 12:00")
    assert story.posts == [
        (
            "Red: search-prod is $95 over its October budget: $1,095 of $1,000, 109%, on course for $2,250. "
            f"Passed 50, 80 and 100%. {story.fingerprint()}"
        )
    ]
    assert "50, 80 and 100%" in shown(story.card)

    again = story.poll("2026-10-10 12:05")
    assert again.skipped == "nothing changed and no boundary passed"
    assert len(story.slack.messages) == 1

    assert story.poll("2026-11-01 00:05").events[0].transition == "ended"
    assert story.card.text.startswith("Ended: search-prod closed October at $1,095 of $1,000, 109%.")
    assert story.lines == ["October is over: $1,095.00 of $1,000.00 (109%)"]
    assert story.loud == []

    story.poll("2026-11-02 11:55")
    assert len(story.posts) == 1
    story.poll("2026-11-02 12:05")
    assert story.posts[1:] == [
        "October 2026 is closed: the budget of search-prod was $95 over, $1,095 of $1,000, 109%."
    ]
    story.poll("2026-11-05 12:05")
    assert len(story.slack.messages) == 3


def test_a_higher_level_replies_aloud_exactly_when_the_severity_rises(story):
    story.rules(MONTHLY.replace("[50%, 80%, 100%]", "[50%, 60%, 80%, 100%]"))
    story.spend("2026-10-02", "510")
    story.poll("2026-10-02 12:00")
    assert story.posts[0].startswith(
        "Info: search-prod has used 51% of its October budget: $510 of $1,000, $490 left for 30 days."
    )
    story.spend("2026-10-03", "100")
    story.poll("2026-10-03 12:00")
    assert (story.lines, story.loud) == (
        [":large_blue_circle: Info: passed 60%: $610.00 of $1,000.00 (61%)"],
        [],
    )
    story.spend("2026-10-04", "200")
    story.poll("2026-10-04 12:00")
    story.spend("2026-10-05", "200")
    story.poll("2026-10-05 12:00")
    assert story.loud == [
        ":large_yellow_circle: Amber: *search-prod*: passed 80%: $810.00 of $1,000.00 (81%)",
        ":red_circle: Red: *search-prod*: passed 100%: $1,010.00 of $1,000.00 (101%)",
    ]
    assert story.card.text.startswith(
        "Red: search-prod is $10 over its October budget: $1,010 of $1,000, 101%."
    )


def test_a_revision_is_said_as_before_and_after_and_crossing_again_is_no_news(story):
    story.rules(MONTHLY)
    story.spend("2026-10-01", "700")
    story.spend("2026-10-02", "340")
    story.poll("2026-10-02 20:00")
    story.spend("2026-10-02", "290")  # $990: within 2% of the level, so nothing is taken back
    story.poll("2026-10-02 21:00")
    assert story.lines == []
    assert story.card.text.startswith("Red: search-prod has used 99%")
    story.poll("2026-10-02 21:05")
    story.spend("2026-10-02", "270")
    story.poll("2026-10-02 22:00")
    assert story.lines == ["corrected, $1,040.00 → $970.00 of $1,000.00 (97%), back to 80%"]
    assert story.card.text.startswith("Amber: search-prod has used 97%")
    story.spend("2026-10-02", "310")
    story.poll("2026-10-02 23:00")
    assert story.lines[1:] == ["at 100% again: $1,010.00 of $1,000.00 (101%)"]
    assert story.loud == []


def test_crossing_again_is_loud_ten_percent_above_the_earlier_peak(story):
    story.rules(MONTHLY)
    for amount in ("1000", "900", "1100"):
        story.spend("2026-10-02", amount)
        story.poll(f"2026-10-02 {10 + len(story.slack.messages)}:00")
    assert story.loud == ["*search-prod*: at 100% again: $1,100.00 of $1,000.00 (110%)"]


def test_a_fall_below_every_level_is_green_and_says_so(story):
    story.rules(MONTHLY)
    story.spend("2026-10-02", "900")
    story.poll("2026-10-02 10:00")
    story.spend("2026-10-02", "100")
    story.poll("2026-10-02 11:00")
    assert story.lines == ["corrected, $900.00 → $100.00 of $1,000.00 (10%), below every level"]
    assert story.card.text.startswith(
        "Corrected: search-prod is below every level of its October budget after a correction: $100 of $1,000, 10%."
    )
    story.poll("2026-11-01 01:00")
    assert len(story.lines) == 1
    assert story.card.text.startswith("Ended:")


# -- late data -------------------------------------------------------------------------------------


def test_a_closed_month_that_breaches_late_is_said_once_as_of_that_month(story):
    story.rules(MONTHLY)
    story.spend("2026-10-30", "400")
    story.poll("2026-10-31 12:00")
    story.poll("2026-11-03 12:00")
    story.spend("2026-10-31", "650")
    story.poll("2026-11-03 13:00")
    assert story.posts == [
        f"Red: search-prod was $50 over its October budget, by data that came after its end: $1,050 of $1,000, 105%. {story.fingerprint()}"
    ]
    assert "settled" in shown(story.card)
    story.poll("2026-11-03 14:00")
    story.spend("2026-10-31", "655")
    story.poll("2026-11-04 14:00")
    assert len(story.slack.messages) == 1
    assert "$1,055" in story.posts[0]


def test_after_settling_and_seven_days_nothing_late_is_said(story):
    story.rules(MONTHLY)
    story.spend("2026-10-30", "400")
    story.poll("2026-10-31 12:00")
    story.poll("2026-11-09 12:00")
    story.spend("2026-10-31", "6500")
    story.poll("2026-11-10 03:00")
    assert story.slack.messages == []


def test_a_closed_month_that_changes_is_a_line_and_loud_only_with_a_new_level(story):
    story.rules(MONTHLY)
    story.spend("2026-10-30", "600")
    story.poll("2026-10-31 12:00")
    story.poll("2026-11-01 12:00")
    story.spend("2026-10-30", "700")
    story.poll("2026-11-01 13:00")
    assert story.lines[1:] == ["October changed after its end, $600.00 → $700.00 of $1,000.00 (70%)"]
    assert story.loud == []
    story.spend("2026-10-30", "1010")
    story.poll("2026-11-01 14:00")
    assert story.loud == [
        ":red_circle: Red: *search-prod*: October changed after its end, $700.00 → $1,010.00 of $1,000.00 (101%), now past 80 and 100%"
    ]
    assert story.card.text.startswith("Ended: search-prod closed October at $1,010 of $1,000, 101%.")


def test_yesterdays_breach_whose_data_arrives_after_midnight_is_said(story):
    story.rules(DAILY)
    story.spend("2026-10-04", "20")
    story.poll("2026-10-04 23:00")
    story.spend("2026-10-04", "140")
    story.poll("2026-10-05 02:00")
    assert story.posts[0].startswith(
        "Amber: search-prod is $40 over its budget of 4 Oct: $140 of $100, 140%."
    )


def test_a_day_long_over_is_said_late_and_as_ended(story):
    story.rules(DAILY)
    story.spend("2026-10-04", "20")
    story.poll("2026-10-04 23:00")
    story.poll("2026-10-10 12:00")
    story.spend("2026-10-04", "240")
    story.poll("2026-10-11 13:00")  # the daily look further back
    assert story.posts[0].startswith(
        "Red: search-prod was $140 over its budget of 4 Oct, by data that came after its end"
    )
    story.poll("2026-10-12 12:00")
    assert story.lines == []


# -- runs ------------------------------------------------------------------------------------------


def test_thirty_days_over_the_cap_are_one_card(story):
    story.rules(DAILY)
    start = date(2026, 10, 1)
    for number in range(30):
        day = start + timedelta(days=number)
        story.spend(str(day), "110")
        story.poll(f"{day} 12:00")
        story.spend(str(day), "120")
        story.poll(f"{day} 18:00")
    assert story.lines == []
    assert story.card.text.startswith(
        "Amber: search-prod is $20 over its budget of 30 Oct: $120 of $100, 120%, day 30 in a row."
    )


def test_a_run_is_heard_again_only_25_percent_above_its_peak_and_ends_after_three_quiet_days(story):
    story.rules(DAILY)
    for day, amount in (("2026-10-01", "120"), ("2026-10-02", "149"), ("2026-10-03", "150")):
        story.spend(day, amount)
        story.poll(f"{day} 12:00")
    assert story.lines == []
    story.spend("2026-10-04", "187.50")
    story.poll("2026-10-04 12:00")
    story.spend("2026-10-04", "195")
    story.poll("2026-10-04 18:00")
    assert story.lines == [
        "4 Oct: day 4 in a row, 25% or more above the run's peak: $187.50 of $100.00 (187%)"
    ]
    story.spend("2026-10-05", "3")
    story.poll("2026-10-07 12:00")
    assert len(story.lines) == 1
    story.poll("2026-10-08 12:00")
    assert story.lines[1:] == [
        "the run is over: 4 days past it, 1–4 Oct, peak $195.00; the last, 4 Oct: $195.00 of $100.00 (195%)"
    ]
    assert story.card.text.startswith(
        "Ended: search-prod is back below its budget of 4 Oct: 4 days past it, 1–4 Oct, peak $195 of $100."
    )
    story.spend("2026-10-20", "130")
    story.poll("2026-10-20 12:00")
    assert len(story.posts) == 2


def test_a_run_ends_by_the_calendar_when_a_project_stops_altogether(story):
    story.rules(DAILY)
    story.spend("2026-10-01", "130")
    story.poll("2026-10-01 12:00")
    for day in range(2, 8):
        story.poll(f"2026-10-0{day} 12:00")
    assert story.lines == [
        "the run is over: 1 day past it, 1 Oct, peak $130.00; the last, 1 Oct: $130.00 of $100.00 (130%)"
    ]


def test_each_days_second_level_is_news_once_in_a_run(story):
    story.rules(DAILY)
    for day in ("2026-10-01", "2026-10-02", "2026-10-03"):
        for hour, amount in ((9, "110"), (15, "205")):
            story.spend(day, amount)
            story.poll(f"{day} {hour:02}:00")
    assert story.lines == [":red_circle: Red: *search-prod*: 1 Oct: passed 200%: $205.00 of $100.00 (205%)"]


def test_the_last_day_of_a_run_is_corrected_and_the_day_before_stands(story):
    story.rules(DAILY)
    story.spend("2026-10-01", "150")
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-02", "130")
    story.poll("2026-10-02 12:00")
    story.spend("2026-10-02", "30")
    story.poll("2026-10-02 13:00")
    assert story.lines == ["2 Oct: corrected, $150.00 → $30.00 of $100.00 (30%), below every level"]
    assert story.card.text.startswith(
        "Amber: search-prod is $50 over its budget of 1 Oct: $150 of $100, 150%."
    )
    story.spend("2026-10-02", "160")
    story.poll("2026-10-02 14:00")
    assert "day 2 in a row" in story.card.text


def test_a_day_just_below_the_cap_after_a_revision_does_not_flap(story):
    story.rules(DAILY)
    story.spend("2026-10-01", "101")
    story.poll("2026-10-01 12:00")
    for hour, amount in ((13, "98.50"), (14, "99"), (15, "98.10")):
        story.spend("2026-10-01", amount)
        story.poll(f"2026-10-01 {hour}:00")
    assert story.lines == []
    story.spend("2026-10-01", "97")
    story.poll("2026-10-01 16:00")
    assert story.lines == ["1 Oct: corrected, $101.00 → $97.00 of $100.00 (97%), below every level"]
    story.spend("2026-10-01", "40")
    story.poll("2026-10-01 17:00")
    assert "$40 of $100, 40%" in story.card.text
    story.spend("2026-10-01", "120")
    story.poll("2026-10-01 18:00")
    assert story.lines[1:] == ["*search-prod*: 1 Oct: at 100% again: $120.00 of $100.00 (120%)"]
    story.spend("2026-10-01", "20")
    story.poll("2026-10-01 19:00")
    assert story.lines[2:] == ["1 Oct: corrected, $120.00 → $20.00 of $100.00 (20%), below every level"]


def test_weeks_form_runs(story):
    story.rules(DAILY.replace("period: day", "period: week"))
    for monday in ("2026-10-05", "2026-10-12", "2026-10-19"):
        story.spend(monday, "120")
        story.poll(f"{monday} 12:00")
    assert story.card.text.startswith(
        "Amber: search-prod is $20 over its budget of the week of 19 Oct: $120 of $100, 120%, week 3 in a row."
    )
    story.poll("2026-10-26 12:00")
    assert story.lines == []
    story.poll("2026-11-02 12:00")
    assert story.lines == [
        "the run is over: 3 weeks past it, 5–25 Oct, peak $120.00; the last, the week of 19 Oct: $120.00 of $100.00 (120%)"
    ]


def test_a_rolling_period_is_one_run_while_it_stays_above(story):
    story.rules(DAILY.replace("period: day", "period: {rolling: 7d}"))
    story.spend("2026-10-05", "120")
    for day in range(5, 17):
        story.poll(f"2026-10-{day:02} 12:00")
    assert len(story.posts) == 1
    assert story.lines == [
        "the run is over: 7 days past it, 5–11 Oct, peak $120.00; the last, the last 7 days: $120.00 of $100.00 (120%)"
    ]


# -- new rules, other rules ------------------------------------------------------------------------


def test_a_new_rule_speaks_once_for_all_its_groups_and_not_of_the_past(story):
    for number in range(6):
        story.ledger.project(f"proj_{number}", f"team-{number}")
        story.spend("2026-09-20", "2000", f"proj_{number}")
        story.spend("2026-10-01", str(600 + number), f"proj_{number}")
    story.rules(MONTHLY)
    story.poll("2026-10-01 12:00")
    assert story.posts == ["Info: 6 budgets are past a level; the furthest is team-5 at 60%."]
    assert [row[1] for row in story.cells(story.card)[1:]] == [f"team-{n}" for n in (5, 4, 3, 2, 1, 0)]
    story.poll("2026-10-02 12:00")
    assert len(story.slack.messages) == 1


def test_two_groups_of_a_new_rule_are_one_message_and_old_rules_go_on(story):
    story.rules(MONTHLY)
    story.spend("2026-10-01", "600")
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-01", "300", LABS)
    story.rules(MONTHLY + DAILY.replace("rules:\n", ""))
    story.poll("2026-10-01 14:00")
    assert len(story.posts) == 2
    assert story.posts[1].startswith("Red: 2 budgets are past a level; the furthest is search-prod at 600%")


def test_a_removed_rule_ends_its_card_and_comes_back_to_it(story):
    story.rules(MONTHLY)
    story.spend("2026-10-01", "600")
    story.poll("2026-10-01 12:00")
    story.world.start(budgetbot_rules_rev="a1b2c3d4e5f6")
    story.world.app.pace = timedelta()
    story.rules("rules: []")
    story.poll("2026-10-02 12:00")
    assert story.lines == ["rule removed in a1b2c3d: last $600.00 of $1,000.00 (60%)"]
    assert story.card.text.startswith(
        "Ended: search-prod is no longer watched here (rule removed in a1b2c3d): last $600 of $1,000, 60%."
    )
    story.rules(MONTHLY)
    story.poll("2026-10-03 12:00")
    assert len(story.posts) == 1
    assert story.card.text.startswith("Info: search-prod has used 60%")


def test_a_renamed_rule_keeps_its_card(story):
    story.rules(MONTHLY)
    story.spend("2026-10-01", "600")
    story.poll("2026-10-01 12:00")
    story.rules(MONTHLY.replace("id: project-month", "id: monthly\n    was: [older, project-month]"))
    story.poll("2026-10-02 12:00")
    story.spend("2026-10-02", "250")
    story.poll("2026-10-02 13:00")
    assert len(story.posts) == 1
    assert story.lines == [
        ":large_yellow_circle: Amber: *search-prod*: passed 80%: $850.00 of $1,000.00 (85%)"
    ]


def test_another_fan_out_ends_the_old_cards_and_speaks_once(story):
    story.rules(MONTHLY)
    story.spend("2026-10-01", "600")
    story.spend("2026-10-01", "700", LABS)
    story.poll("2026-10-01 12:00")
    assert len(story.posts) == 1
    story.rules(MONTHLY.replace("each: project", "each: model"))
    story.poll("2026-10-02 12:00")
    assert len(story.posts) == 2
    assert story.posts[1].startswith("Red: gpt-5.2 is $300 over its October budget")
    assert [line.rpartition(": no longer")[2] for line in story.lines] == [
        " judged by the rule: last $700.00 of $1,000.00 (70%)",
        " judged by the rule: last $600.00 of $1,000.00 (60%)",
    ]


def test_a_rule_switched_off_ends_its_card(story):
    story.rules(MONTHLY)
    story.spend("2026-10-01", "600")
    story.poll("2026-10-01 12:00")
    story.rules(MONTHLY + "    enabled: false\n")
    story.poll("2026-10-02 12:00")
    assert story.lines == ["inactive: last $600.00 of $1,000.00 (60%)"]


def test_a_larger_budget_retires_levels_quietly_and_they_come_again_as_news(story):
    story.rules(MONTHLY)
    story.spend("2026-10-01", "900")
    story.poll("2026-10-01 12:00")
    story.rules(MONTHLY, amount="2,000")
    story.poll("2026-10-01 13:00")
    assert story.lines == []
    assert "45%" in story.card.text
    assert "since the budget was raised" in story.card.text
    story.spend("2026-10-01", "950")
    story.poll("2026-10-01 14:00")
    assert "since the budget was raised" in story.card.text
    story.spend("2026-10-02", "700")
    story.poll("2026-10-02 14:00")
    assert story.lines == [
        ":large_yellow_circle: Amber: *search-prod*: passed 80%: $1,650.00 of $2,000.00 (82%)"
    ]


def test_a_smaller_budget_says_that_it_is_the_reason(story):
    story.rules(MONTHLY, amount="15,000")
    story.spend("2026-10-01", "7,600".replace(",", ""))
    story.poll("2026-10-01 12:00")
    story.world.start(budgetbot_rules_rev="a1b2c3d4")
    story.world.app.pace = timedelta()
    story.rules(MONTHLY, amount="9,000")
    story.poll("2026-10-01 13:00")
    assert story.lines == [
        ":large_yellow_circle: Amber: *search-prod*: passed 80% because the budget changed from $15,000 to $9,000 in a1b2c3d: $7,600.00 of $9,000.00 (84%)"
    ]


def test_a_plan_steps_at_the_start_of_a_period(story):
    story.rules(MONTHLY, amount="[{from: 2026-01-01, amount: 1000}, {from: 2026-10-15, amount: 5000}]")
    story.spend("2026-10-14", "600")
    story.poll("2026-10-14 12:00")
    assert "of $1,000" in story.posts[0]
    story.poll("2026-10-20 12:00")
    assert "of $1,000" in story.posts[0]
    story.spend("2026-11-02", "2600")
    story.poll("2026-11-02 10:00")
    assert any("$2,600 of $5,000" in text for text in story.posts)


def test_a_budget_of_nothing_speaks_at_the_first_cent(story):
    story.rules(MONTHLY, amount="0")
    story.spend("2026-10-01", "0.00")
    story.poll("2026-10-01 12:00")
    assert story.posts == []
    story.spend("2026-10-01", "0.50")
    story.poll("2026-10-01 13:00")
    assert story.posts == [
        f"Red: search-prod spent $0.50, and its October budget is $0. Passed 50, 80 and 100%. {story.fingerprint()}"
    ]
    story.spend("2026-10-01", "0")
    story.poll("2026-10-01 14:00")
    assert story.lines == ["corrected, $0.50 → $0.00 of $0.00, below every level"]


def test_credits_may_make_a_month_negative(story):
    story.rules(MONTHLY)
    story.spend("2026-10-01", "600")
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-02", "-700", item="promotional credit")
    story.poll("2026-10-02 12:00")
    assert story.lines == ["corrected, $600.00 → −$100.00 of $1,000.00 (-10%), below every level"]


def test_rows_without_a_project_are_a_group(story):
    story.rules(MONTHLY)
    story.spend("2026-10-01", "600", None)
    story.poll("2026-10-01 12:00")
    assert story.posts[0].startswith("Info: (no project) has used 60% of its October budget")


def test_groups_beyond_the_limit_fold_into_one(story):
    story.rules(MONTHLY.replace("each: project", "each: project\n    limit: 1"))
    story.spend("2026-10-01", "700")
    for number in range(4):
        story.spend("2026-10-01", "200", f"proj_{number}")
    story.poll("2026-10-01 12:00")
    ops, message = story.world.posts
    assert [row[1] for row in story.cells(message)[1:]] == ["(other), the smallest together", "search-prod"]
    assert "more than 1 group:" in ops.text


# -- who hears what --------------------------------------------------------------------------------

ROUTED = """
teams:
  search: {projects: [search-*], channel: search-ops, owner: U1ALICE, page: S0PAGERS}
routes:
  fin: {channel: finance, only: critical, mention: [U2BOB]}
  all: {channel: ai-spend}
defaults: {route: all}
rules:
  - id: project-month
    kind: budget
    select: {}
    each: project
    period: month
    amount: 1000
    thresholds: [50%, 80%, 100%]
    route: ROUTE
"""


def test_a_floor_is_passed_when_an_incident_rises_above_it(story):
    story.rules(ROUTED.replace("ROUTE", "fin"))
    story.spend("2026-10-01", "850")
    story.poll("2026-10-01 12:00")
    assert story.slack.messages == []
    story.spend("2026-10-01", "1001")
    story.poll("2026-10-01 13:00")
    assert len(story.room("finance")) == 1
    assert "<@U2BOB>" in shown(story.card)


def test_people_are_mentioned_at_critical_only(story):
    story.rules(ROUTED.replace("ROUTE", "team"))
    story.spend("2026-10-01", "850")
    story.poll("2026-10-01 12:00")
    assert len(story.room("search-ops")) == 1
    assert "<@U1ALICE>" not in story.card.blocks[0]["text"]["text"]
    story.spend("2026-10-01", "1001")
    story.poll("2026-10-01 13:00")
    assert story.loud == [
        ":red_circle: Red: *search-prod*: passed 100%: $1,001.00 of $1,000.00 (100%) <@U1ALICE> <!subteam^S0PAGERS>"
    ]


def test_a_project_without_a_team_is_heard_in_the_default_room(story):
    story.rules(ROUTED.replace("ROUTE", "team"))
    story.spend("2026-10-01", "600", LABS)
    story.poll("2026-10-01 12:00")
    assert len(story.room("ai-spend")) == 1


def test_a_route_that_changes_is_followed_by_what_opens_next(story):
    story.rules(ROUTED.replace("ROUTE", "team"))
    story.spend("2026-10-01", "600")
    story.poll("2026-10-01 12:00")
    story.rules(ROUTED.replace("ROUTE", "all"))
    story.poll("2026-10-01 13:00")
    assert len(story.posts) == 1
    story.spend("2026-10-01", "850")
    story.poll("2026-10-01 14:00")
    assert len(story.room("search-ops")) == 1
    assert len(story.room("ai-spend")) == 1
    assert len(story.lines) == 1


def test_without_any_route_it_is_recorded_and_the_tick_says_that_nobody_hears(story):
    story.rules(MONTHLY)
    story.world.start(budgetbot_channel="")
    story.spend("2026-10-01", "600")
    done = story.world.poll("2026-10-01 12:00")
    assert len(done.events) == 1
    assert done.notes == ("Nobody hears project-month: give it a route, or set BUDGETBOT_CHANNEL.",)


# -- gathering -------------------------------------------------------------------------------------


def projects(story, *amounts, first=0, day="2026-10-05"):
    for number, amount in enumerate(amounts, first):
        story.ledger.project(f"proj_{number}", f"team-{number}")
        story.spend(day, str(amount), f"proj_{number}")


def quiet_start(story):
    story.rules(MONTHLY)
    story.spend("2026-10-04", "1")
    story.poll("2026-10-05 08:00")


def test_the_first_speaks_at_once_and_the_others_come_together(story):
    quiet_start(story)
    projects(story, 600)
    story.poll("2026-10-05 12:00")
    assert len(story.posts) == 1
    projects(story, 610, first=1)
    assert story.poll("2026-10-05 12:10").delivered.held == 1
    projects(story, 620, first=2)
    story.poll("2026-10-05 12:20")
    assert len(story.posts) == 1
    story.poll("2026-10-05 13:00")
    assert story.posts[1:] == ["Info: 2 budgets are past a level; the furthest is team-2 at 62%."]
    projects(story, 1100, first=1)
    story.poll("2026-10-05 13:05")
    assert story.loud == [":red_circle: Red: *team-1*: passed 80 and 100%: $1,100.00 of $1,000.00 (110%)"]
    assert story.cells(story.world.posts[1])[1][:4] == ["Red, 100%", "team-1", "110%", "$1,100 of $1,000"]
    assert len(story.posts) == 2


def test_one_that_waited_alone_is_a_card(story):
    quiet_start(story)
    projects(story, 600)
    story.poll("2026-10-05 12:00")
    projects(story, 610, first=1)
    story.poll("2026-10-05 12:10")
    story.poll("2026-10-05 13:00")
    assert story.posts[1].startswith("Info: team-1 has used 61% of its October budget")


def test_what_was_corrected_while_it_waited_is_never_said(story):
    quiet_start(story)
    projects(story, 600)
    story.poll("2026-10-05 12:00")
    projects(story, 610, first=1)
    story.poll("2026-10-05 12:10")
    projects(story, 10, first=1)
    story.poll("2026-10-05 12:20")
    story.poll("2026-10-05 13:30")
    assert len(story.slack.messages) == 1
    projects(story, 640, first=1)
    story.poll("2026-10-05 14:00")
    assert story.posts[1].startswith("Info: team-1 has used 64%")


def test_a_waiting_one_that_turns_critical_goes_at_once(story):
    quiet_start(story)
    projects(story, 600)
    story.poll("2026-10-05 12:00")
    projects(story, 610, first=1)
    story.poll("2026-10-05 12:10")
    projects(story, 1610, first=1)
    story.poll("2026-10-05 12:20")
    assert story.posts[1].startswith("Red: team-1 is $610 over")


def test_critical_speaks_at_once_and_alone(story):
    quiet_start(story)
    projects(story, 600)
    story.poll("2026-10-05 12:00")
    projects(story, 1100, 620, first=1)
    story.poll("2026-10-05 12:10")
    assert [text[:12] for text in story.posts] == ["Info: team-0", "Red: team-1 "]


def test_more_than_three_in_a_tick_are_one_table_critical_included(story):
    quiet_start(story)
    projects(story, 600, 1200, 850, 700)
    story.poll("2026-10-05 12:00")
    assert story.posts == ["Red: 4 budgets are past a level; the furthest is team-1 at 120%."]
    assert "all of them spent at least half on line item `gpt-5.2, input`" in shown(story.card)


def test_a_table_of_many_keeps_the_rest_in_its_thread(story):
    quiet_start(story)
    projects(story, *range(501, 526))
    story.poll("2026-10-05 12:00")
    assert len(story.cells(story.card)) == 12
    assert story.cells(story.card)[-1][1] == "15 more, in the thread"
    assert [text.count("•") for text in story.lines] == [10, 5]
    story.poll("2026-11-01 12:00")
    assert story.posts[0].startswith("Ended: 25 budgets: all of them ended or were corrected.")


# -- time ------------------------------------------------------------------------------------------


def test_asleep_over_the_end_of_a_month(story):
    story.rules(MONTHLY)
    story.spend("2026-10-20", "600")
    story.poll("2026-10-20 12:00")
    story.spend("2026-10-30", "500")
    story.spend("2026-11-01", "700")
    story.restart()
    story.poll("2026-11-03 12:00")
    assert story.posts[0].startswith("Ended: search-prod closed October at $1,100 of $1,000, 110%.")
    assert story.loud == [
        ":red_circle: Red: *search-prod*: passed 80 and 100%: $1,100.00 of $1,000.00 (110%)"
    ]
    assert story.posts[1].startswith("Info: search-prod has used 70% of its November budget")
    assert story.posts[2].startswith("October 2026 is closed")
    assert len(story.posts) == 3


def test_asleep_until_the_month_is_no_longer_judged(story):
    story.rules(MONTHLY)
    story.spend("2026-10-20", "600")
    story.poll("2026-10-20 12:00")
    story.poll("2026-11-20 12:00")
    assert story.posts[0].startswith("Ended: search-prod closed October at $600 of $1,000, 60%.")
    assert story.lines == ["October is over: $600.00 of $1,000.00 (60%)"]


def test_an_earlier_now_judges_nothing(story):
    story.rules(MONTHLY)
    story.spend("2026-10-01", "1")
    story.poll("2026-10-10 12:00")
    story.spend("2026-10-01", "900")
    done = story.poll("2026-10-09 12:00")
    assert done.skipped == "now is earlier than the last evaluation at 2026-10-10T12:00:00Z"
    assert story.posts == []
    story.poll("2026-10-10 12:01")
    assert len(story.posts) == 1


def test_nothing_changed_means_nothing_is_read(story, monkeypatch):
    from bot.edge.store import facts

    story.rules(MONTHLY)
    story.spend("2026-10-01", "1")
    story.poll("2026-10-10 12:00")
    scans = []
    real = facts.sums
    monkeypatch.setattr(facts, "sums", lambda *args, **how: scans.append(1) or real(*args, **how))
    for minute in range(5):
        assert story.poll(f"2026-10-10 12:0{minute}").skipped == "nothing changed and no boundary passed"
    assert scans == []
    story.spend("2026-10-10", "2")
    story.poll("2026-10-10 13:00")
    assert len(scans) == 1
    story.poll("2026-10-11 00:00")
    assert len(scans) == 2


def test_the_close_names_who_was_over_and_what_nobody_watches(story):
    story.rules(MONTHLY, amount="{search-*: 1000, labs: 500}")
    story.ledger.project("proj_x", "side-project")
    story.spend("2026-10-01", "1200")
    story.spend("2026-10-01", "450", LABS)
    story.spend("2026-10-01", "77", "proj_x")
    story.poll("2026-10-01 12:00")
    story.poll("2026-11-02 12:00")
    assert (
        story.posts[-1]
        == "October 2026 is closed, 1 of 2 budgets were passed: $1,650 of $1,500, 110% together."
    )
    assert story.cells(story.world.posts[-1])[1:] == [
        ["search-prod", "$1,200.00", "$1,000.00", "120%", "+$200.00", "$1,200 (±0%)"],
        ["labs", "$450.00", "$500.00", "90%", "—", "$450 (±0%)"],
    ]
    assert "*No budget watches* side-project $77.00" in shown(story.world.posts[-1])


def test_what_a_rule_selects_is_said_where_its_fan_out_does_not(story):
    story.rules(
        MONTHLY.replace(
            "select: {}",
            'select: {line_item: ["web search*", "file search*"]}\n    except: {api_key: key_test}',
        )
    )
    story.spend("2026-10-01", "600", item="web search tool calls")
    story.poll("2026-10-01 12:00")
    assert story.posts[0].startswith(
        "Info: search-prod (line item web search∗ or file search∗, not key key_test) has used 60%"
    )


def test_model_and_project_and_line_item_are_named(story):
    story.rules(MONTHLY.replace("each: project", "each: [model, project]"))
    story.spend("2026-10-01", "600")
    story.poll("2026-10-01 12:00")
    assert story.posts[0].startswith("Info: gpt-5.2 in search-prod has used 60%")
    assert "line item `gpt-5.2, input` $600.00 (100%)" in shown(story.card)


def test_what_nobody_heard_is_said_once_a_route_exists(story):
    story.world.settings = replace(story.world.settings, budgetbot_channel="")
    story.restart()
    story.rules(MONTHLY)
    story.spend("2026-10-05", "850")
    done = story.poll("2026-10-06 12:00")
    assert [event.level for event in done.events] == ["80%"]
    assert done.notes == ("Nobody hears project-month: give it a route, or set BUDGETBOT_CHANNEL.",)
    assert story.posts == []
    story.rules("defaults: {route: finops}\nroutes: {finops: {channel: finance}}\n" + MONTHLY)
    story.poll("2026-10-06 12:05")
    assert len(story.room("finance")) == 1
    assert story.room("finance")[0].startswith("Amber: search-prod has used 85%")
    story.poll("2026-10-06 12:10")
    assert len(story.slack.messages) == 1


def test_a_message_that_could_not_be_posted_follows_its_mended_route(story):
    story.world.settings = replace(story.world.settings, budgetbot_channel="")
    story.restart()
    routed = "defaults: {route: finops}\nroutes: {finops: {channel: CHANNEL}}\n" + MONTHLY
    story.rules(routed.replace("CHANNEL", "nowhere"))
    story.spend("2026-10-05", "850")
    done = story.world.poll("2026-10-06 12:00", wait=0.0)
    assert done.delivered.waiting == 1
    assert str(done.unsaid) == (
        "Slack does not let the bot speak in nowhere (channel_not_found); what is to be said there waits. "
        "Invite the app with /invite, or change the route in the rule file."
    )
    story.rules(routed.replace("CHANNEL", "finance"))
    assert story.poll("2026-10-06 12:05").delivered.done == 1
    assert len(story.room("finance")) == 1


def test_a_refusing_room_falls_back_on_the_default_route(story):
    story.world.settings = replace(story.world.settings, budgetbot_channel="")
    story.restart()
    routes = "defaults: {route: finops}\nroutes: {finops: {channel: finance}, gone: {channel: nowhere}}\n"
    story.rules(routes + MONTHLY.replace("    each: project\n", "    each: project\n    route: gone\n"))
    story.spend("2026-10-05", "850")
    story.poll("2026-10-06 12:00")
    (alert, why) = sorted(story.room("finance"))
    assert alert.startswith("Amber: search-prod has used 85%")
    assert why.startswith("budgetbot: Slack does not let me speak in #nowhere (channel_not_found)")
