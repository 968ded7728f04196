"""Acknowledgements, silences, quiet hours, reminders and escalation, told through the real tick."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.core.asker import Asker
from bot.core.query import parse
from bot.core.question import Query
from bot.orders import carry_out
from tests.engines import held
from tests.standins.slack_rules import check_message
from tests.syncing import empty_database
from tests.test_stories import Story, shown
from tests.world import LABS, SEARCH, at, world

MONTHLY = """
  - id: project-month
    kind: budget
    title: Monthly budget of a project
    labels: {tier: prod}
    select: {}
    each: project
    period: month
    amount: 1,000
    thresholds: [50%, 80%, 100%]
"""


class Laid(Story):
    """A story in which people order."""

    def rules(self, routes="", quiet="", timezone="UTC", rules=MONTHLY, default="finops"):
        lines = ["version: 1", f"defaults: {{timezone: {timezone}{f', route: {default}' if routes else ''}}}"]
        lines += ["routes:", *(f"  {line}" for line in routes.strip().splitlines())] if routes else []
        lines += [f"quiet: {quiet}"] if quiet else []
        super().rules("\n".join(lines[1:]) + "\nrules:" + rules)

    def order(self, words, now, who="U1ALICE", role="admin"):
        query = parse(words.replace("FP", self.fingerprint()), at(now).date())
        assert isinstance(query, Query), query
        rules = self.world.app.rules.now(at(now))
        return carry_out(self.world.app.store, rules, query, Asker(who, role=role), at(now))

    def rows(self, sql):
        with self.world.app.store.reading() as tx:
            return [tuple(row) for row in tx.exec_driver_sql(sql).fetchall()]

    def state(self):
        return self.rows_of("SELECT state, level, severity FROM incident ORDER BY opened_at")[0]

    def rows_of(self, sql):
        with self.world.app.store.reading() as tx:
            return [tuple(row) for row in tx.exec_driver_sql(sql).fetchall()]

    def all(self):
        return [message.text for message in self.slack.messages]

    @property
    def reminders(self):
        return [message for message in self.world.posts if "nobody has" in message.text]


@pytest.fixture
def story(tmp_path):
    with world(tmp_path) as built:
        yield Laid(built)
        for message in built.slack.messages:
            check_message(
                {"text": message.text, "blocks": message.blocks, "attachments": message.attachments}
            )


def critical(story, routes="finops: {channel: ai-spend, remind: never}", **more):
    """search-prod is over its budget since 2 Oct 12:00."""
    story.rules(routes, **more)
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-02", "1100")
    story.poll("2026-10-02 12:00")
    (only,) = story.posts
    assert only.startswith("Red: search-prod is $100 over")


# -- acknowledging ---------------------------------------------------------------------------------


def test_an_acknowledgement_stands_on_the_card_and_once_in_the_thread(story):
    critical(story)
    done = story.order("ack FP -- load <test>", "2026-10-02 12:30")
    assert done.said.startswith("search-prod is acknowledged: no reminder and no escalation until")
    story.poll("2026-10-02 13:00")
    assert story.lines == ["*search-prod*: Acknowledged by <@U1ALICE>: load &lt;test&gt;"]
    assert "Acknowledged by <@U1ALICE> at 2 Oct 12:30 UTC" in shown(story.card)

    again = story.order("ack FP", "2026-10-02 13:30", who="U2BOB")
    assert again.said == "search-prod is acknowledged already, by {by} at 2 Oct 12:30 UTC, 1 hour ago."
    assert (again.by, again.refused) == ("U1ALICE", False)
    story.poll("2026-10-02 14:00")
    assert len(story.lines) == 1
    ((who, what, after),) = story.rows_of("SELECT who, what, after FROM audit")
    assert (who, what, held(after)["note"]) == ("U1ALICE", "ack", "load <test>")
    assert story.state() == ("firing", "100%", "critical")


def test_an_acknowledgement_is_taken_back_by_hand(story):
    critical(story)
    story.order("ack FP", "2026-10-02 12:30")
    assert (
        story.order("unack FP", "2026-10-02 12:40", who="U2BOB").said
        == "search-prod is acknowledged no longer."
    )
    assert story.order("unack FP", "2026-10-02 12:41").said == "Nobody has acknowledged search-prod."
    story.poll("2026-10-02 13:00")
    assert story.lines[1:] == ["*search-prod*: No longer acknowledged: taken back by <@U2BOB>"]
    assert "Acknowledged by" not in shown(story.card)
    assert [row[0] for row in story.rows_of("SELECT what FROM audit ORDER BY id")] == ["ack", "unack"]


@pytest.mark.parametrize(
    ("first", "then", "why"),
    [
        pytest.param("600", "820", "it is warning now", id="severity"),
        pytest.param("1039", "1300", "it has grown by 25% or more since", id="value"),
    ],
)
def test_an_acknowledgement_falls_when_it_gets_worse(story, first, then, why):
    story.rules("finops: {channel: ai-spend, remind: never}")
    story.spend("2026-10-01", "1")
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-02", first)
    story.poll("2026-10-02 12:00")
    story.order("ack FP", "2026-10-02 12:30")
    story.spend("2026-10-02", str(int(then) - 2))
    story.poll("2026-10-02 13:00")
    story.spend("2026-10-02", then)
    story.poll("2026-10-02 14:00")
    assert story.lines[-1] == f"*search-prod*: no longer acknowledged by <@U1ALICE>: {why}"
    assert sum("no longer" in line for line in story.lines) == 1
    assert "Acknowledged by" not in shown(story.card)
    assert story.rows_of("SELECT who, what FROM audit ORDER BY id")[1] == ("budgetbot", "unack")
    assert story.order("ack FP", "2026-10-02 14:30").done


def test_while_somebody_looks_after_it_its_thread_is_not_broadcast(story):
    story.rules("finops: {channel: ai-spend, remind: never}")
    story.spend("2026-10-01", "1")
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-02", "1000")
    story.poll("2026-10-02 12:00")
    story.order("ack FP", "2026-10-02 12:30")
    story.spend("2026-10-02", "900")
    story.poll("2026-10-02 13:00")
    story.spend("2026-10-02", "1110")
    story.poll("2026-10-02 14:00")
    assert "at 100% again" in story.lines[-1]
    assert story.loud == []


def test_an_alert_that_is_over_cannot_be_acknowledged(story):
    critical(story)
    story.poll("2026-11-01 01:00")
    before = story.all()
    done = story.order("ack FP", "2026-11-01 02:00")
    assert (done.said, done.done, done.refused) == (
        "search-prod is over, since 1 Nov 01:00 UTC: there is nothing to look after.",
        False,
        False,
    )
    story.poll("2026-11-01 02:05")
    assert story.all() == before
    assert story.rows_of("SELECT * FROM acknowledgement") == []


def test_a_fingerprint_may_be_shortened_and_must_be_known(story):
    critical(story)
    mark = story.fingerprint()
    assert story.order(f"ack {mark[:5]}", "2026-10-02 12:30").done
    wrong = story.order("ack 0000", "2026-10-02 12:30")
    assert (wrong.said, wrong.refused) == (
        "No alert has the fingerprint 0000: alerts shows those there are.",
        True,
    )


# -- reminders -------------------------------------------------------------------------------------


def test_a_room_is_reminded_once_a_day_at_its_hour(story):
    critical(story, "finops: {channel: ai-spend, remind: 09:30}", timezone="Europe/Berlin")
    assert story.reminders == []
    story.poll("2026-10-03 07:29")
    assert story.reminders == []
    story.poll("2026-10-03 07:30")
    (reminder,) = story.reminders
    assert reminder.text == "One red alert that nobody has acknowledged."
    assert story.fingerprint() in shown(reminder)
    assert "search-prod" in shown(reminder)
    story.poll("2026-10-03 07:35")
    story.poll("2026-10-03 20:00")
    assert len(story.reminders) == 1
    # Asleep on the fourth, and late on the fifth: one, for the fifth.
    story.restart()
    story.poll("2026-10-05 15:00")
    assert len(story.reminders) == 2
    story.order("ack FP", "2026-10-05 16:00")
    story.poll("2026-10-06 08:00")
    assert len(story.reminders) == 2
    story.order("unack FP", "2026-10-06 09:00")
    story.poll("2026-10-06 10:00")
    assert len(story.reminders) == 2
    story.poll("2026-10-07 08:00")
    assert len(story.reminders) == 3


def test_nobody_is_reminded_of_what_is_mild_silenced_new_or_not_wanted(story):
    story.rules("finops: {channel: ai-spend}")
    story.poll("2026-10-02 08:00")
    story.spend("2026-10-02", "900")
    story.poll("2026-10-02 09:00")
    story.poll("2026-10-03 09:00")
    assert story.reminders == []
    story.spend("2026-10-03", "200")
    story.poll("2026-10-04 09:00")  # it turns red in the tick of the reminder: it says so itself
    assert story.reminders == []
    story.order("silence FP for 2d -- known", "2026-10-04 10:00")
    story.poll("2026-10-05 09:00")
    assert story.reminders == []
    story.rules("finops: {channel: ai-spend, remind: never}")
    story.poll("2026-10-07 09:00")
    assert story.reminders == []


# -- escalation ------------------------------------------------------------------------------------

ESCALATES = """
finops: {channel: ai-spend, remind: never, escalate: {after: 24h, to: exec}}
exec: {channel: finance, remind: never, mention: U9BOSS}
"""


def test_what_nobody_acknowledges_is_said_in_the_next_room_once(story):
    critical(story, ESCALATES)
    story.poll("2026-10-03 11:55")
    assert story.room("finance") == []
    story.poll("2026-10-03 12:05")
    (told,) = story.room("finance")
    assert told.startswith("Red: search-prod is $100 over")
    card = story.world.posts[-1]
    assert "Nobody has acknowledged it for 24 hours" in shown(card)
    assert "<@U9BOSS>" in shown(card)
    for hour in ("13:00", "18:00"):
        story.poll(f"2026-10-03 {hour}")
    assert len(story.room("finance")) == 1
    story.spend("2026-10-03", "50")
    story.poll("2026-10-03 19:00")
    assert "$150 over" in story.room("finance")[0]
    story.order("ack FP", "2026-10-03 20:00")
    story.poll("2026-10-03 20:05")
    assert "Acknowledged by <@U1ALICE>" in shown(story.world.posts[-1])
    assert "Nobody has acknowledged" not in shown(story.world.posts[-1])


def test_an_acknowledgement_in_time_keeps_it_in_its_room_and_a_clock_begins_anew(story):
    critical(story, ESCALATES)
    story.order("ack FP", "2026-10-03 11:00")
    story.poll("2026-10-03 12:05")
    story.order("unack FP", "2026-10-03 14:00")
    story.poll("2026-10-03 14:05")
    story.poll("2026-10-04 14:00")
    assert story.room("finance") == []
    story.poll("2026-10-04 14:10")
    assert len(story.room("finance")) == 1


# -- silences --------------------------------------------------------------------------------------


def test_what_is_silenced_opens_when_the_silence_ends_if_it_is_still_news(story):
    story.rules("finops: {channel: ai-spend, remind: never}")
    story.spend("2026-10-01", "1")
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-01", "1", LABS)
    query = parse("silence project=search-prod for 2h -- migration", at("2026-10-02 11:30").date())
    story.world.poll("2026-10-02 11:30")
    done = carry_out(
        story.world.app.store,
        story.world.app.rules.now(at("2026-10-02 11:30")),
        query,
        Asker("ada", role="admin"),
        at("2026-10-02 11:30"),
    )
    assert done.said == (
        "si_1 holds back project=search-prod until 2 Oct 13:30 UTC: migration. "
        "That is 0 alerts firing now. unsilence si_1 takes it back."
    )
    story.spend("2026-10-02", "900")
    story.spend("2026-10-02", "700", LABS)
    story.poll("2026-10-02 12:00")
    (only,) = story.posts
    assert only.startswith("Info: labs has used 70%")
    assert story.rows_of("SELECT state FROM incident") == [("firing",), ("firing",)]
    assert story.rows_of("SELECT why FROM notice WHERE state = 'held'") == [
        ("silenced until 2026-10-02T13:30Z",)
    ]
    story.spend("2026-10-02", "950")
    story.poll("2026-10-02 13:00")
    assert len(story.all()) == 1
    done = story.poll("2026-10-02 13:30")
    assert done.skipped.startswith("nothing changed")
    assert len(story.posts) == 2
    assert story.posts[1].startswith("Amber: search-prod has used 95%")
    story.poll("2026-10-02 13:35")
    story.poll("2026-10-03 12:00")
    assert len(story.all()) == 2
    assert story.rows_of("SELECT ended_by FROM silence") == [("time",)]


def test_what_is_no_news_any_more_is_one_line_at_the_end_of_its_silence(story):
    story.rules("finops: {channel: ai-spend, remind: never}")
    story.spend("2026-10-01", "1")
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-30", "1100")
    silence(story, "silence rule=project-month for 20d -- quarter's end", "2026-10-29 12:00")
    story.poll("2026-10-30 12:00")
    story.poll("2026-11-01 12:00")
    assert story.posts == []
    story.poll("2026-11-18 12:00")
    assert [text for text in story.posts if "closed October" in text] == [
        f"search-prod closed October at $1,101 of $1,000, 110% · {story.fingerprint()}"
    ]
    story.poll("2026-11-18 12:05")
    assert sum("closed October" in text for text in story.all()) == 1


def silence(story, words, now, role="admin", who="U1ALICE"):
    query = parse(words, at(now).date())
    assert isinstance(query, Query), query
    return carry_out(
        story.world.app.store, story.world.app.rules.now(at(now)), query, Asker(who, role=role), at(now)
    )


def test_lines_of_a_silenced_thread_come_together_when_it_is_taken_back(story):
    story.rules("finops: {channel: ai-spend, remind: never}")
    story.spend("2026-10-01", "510")
    story.poll("2026-10-01 12:00")
    done = story.order("silence FP for 4h -- known", "2026-10-01 12:30", role="operator")
    assert "That is 1 alert firing now" in done.said
    story.spend("2026-10-01", "810")
    story.poll("2026-10-01 13:00")
    story.spend("2026-10-01", "1010")
    story.poll("2026-10-01 14:00")
    assert story.lines == ["*search-prod*: Silenced by <@U1ALICE> until 1 Oct 16:30 UTC: known"]
    assert story.card.text.startswith("Red:")  # edits notify nobody
    over = story.order("unsilence FP", "2026-10-01 14:30", who="U2BOB")
    assert over.said == "si_1 is over: what it held back is said with the next poll."
    story.poll("2026-10-01 14:35")
    assert len(story.posts) == 1
    (line,) = story.lines[1:]
    assert shown(story.world.replies[-1]).splitlines() == [
        ":large_yellow_circle: Amber: *search-prod*: passed 80%: $810.00 of $1,000.00 (81%)",
        ":red_circle: Red: *search-prod*: passed 100%: $1,010.00 of $1,000.00 (101%)",
    ]
    assert story.loud == [line]
    story.poll("2026-10-01 15:00")
    assert len(story.lines) == 2
    again = story.order("unsilence si_1", "2026-10-01 15:00")
    assert (again.said, again.by) == ("si_1 ended already, at 1 Oct 14:30 UTC: taken back by {by}.", "U2BOB")
    assert [row[:2] for row in story.rows_of("SELECT who, what FROM audit ORDER BY id")] == [
        ("U1ALICE", "silence"),
        ("U2BOB", "unsilence"),
    ]


def test_a_silence_wakes_for_what_grows_and_holds_the_rest(story):
    story.rules("finops: {channel: ai-spend, remind: never}")
    story.spend("2026-10-01", "510")
    story.spend("2026-10-01", "520", LABS)
    story.poll("2026-10-01 12:00")
    silence(story, "silence rule=project-month for 10h wake=+$300 -- launch", "2026-10-01 12:30")
    story.spend("2026-10-01", "805")
    story.spend("2026-10-01", "805", LABS)
    story.poll("2026-10-01 13:00")
    assert not any("passed" in line for line in story.lines)
    story.spend("2026-10-01", "810")
    story.poll("2026-10-01 14:00")
    assert [line for line in story.lines if "passed" in line] == [
        ":large_yellow_circle: Amber: *search-prod*: passed 80%: $805.00 of $1,000.00 (80%)"
    ]
    story.spend("2026-10-01", "1000")
    story.poll("2026-10-01 15:00")
    assert len([line for line in story.lines if "passed" in line]) == 2
    assert not any("labs" in line and "passed" in line for line in story.lines)


def test_a_silence_until_over_ends_with_its_incident(story):
    critical(story)
    story.order("silence FP until over -- accepted", "2026-10-02 12:30")
    story.poll("2026-10-20 12:00")
    story.poll("2026-11-01 00:05")
    assert story.rows_of("SELECT ended_by FROM silence") == [("incident",)]
    assert story.lines[1:] == ["October is over: $1,100.00 of $1,000.00 (110%)"]


def test_a_silence_by_severity_holds_no_graver_news(story):
    story.rules("finops: {channel: ai-spend, remind: never}")
    story.spend("2026-10-01", "1")
    story.poll("2026-10-01 12:00")
    silence(story, "silence severity=info label=tier=prod for 1d -- noise", "2026-10-01 12:30")
    story.spend("2026-10-01", "600")
    story.poll("2026-10-01 13:00")
    assert story.posts == []
    story.spend("2026-10-01", "900")
    story.poll("2026-10-01 14:00")
    (only,) = story.posts
    assert only.startswith("Amber: search-prod has used 90%")


@pytest.mark.parametrize(
    ("words", "role", "said"),
    [
        pytest.param(
            "silence project=labs for 25h -- x", "operator", "Silences of more than 24 hours", id="operator"
        ),
        pytest.param("silence project=labs for 1h -- x", "viewer", "Only operators may", id="viewer"),
        pytest.param("ack FP", "viewer", "Only operators may", id="viewer-ack"),
        pytest.param(
            "silence project=labs for 32d -- x", "admin", "A silence lasts 31 days at most", id="32d"
        ),
        pytest.param(
            "silence project=labs until 2026-10-01 -- x", "admin", "That is over already", id="over already"
        ),
        pytest.param("silence FP until over -- x", "operator", "Silences of more than 24", id="until over"),
        pytest.param("unsilence si_7", "admin", "There is no silence si_7", id="no such silence"),
    ],
)
def test_what_may_not_be_ordered_changes_nothing(story, words, role, said):
    critical(story)
    done = story.order(words, "2026-10-02 12:30", role=role)
    assert said in done.said
    assert done.refused
    assert story.rows_of("SELECT * FROM silence") == story.rows_of("SELECT * FROM acknowledgement") == []
    kept = [held(row[0]) for row in story.rows_of("SELECT after FROM audit")]
    assert kept == ([{"refused": done.said}] if role != "admin" else [])


def test_the_same_silence_twice_says_whose_it_is(story):
    critical(story)
    story.order("silence project=search-prod for 4h -- first", "2026-10-02 12:30")
    again = story.order("silence project=search-prod for 2h -- second", "2026-10-02 12:40", who="U2BOB")
    assert again.said == "si_1 holds that back already, until 2 Oct 16:30 UTC, by {by}: first."
    assert again.by == "U1ALICE"
    other = story.order("unsilence FP", "2026-10-02 12:50")
    assert other.said == ("search-prod is held back by si_1 (project=search-prod): unsilence si_1 ends that.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param("project=serach-prod", "“serach-prod”; the closest is “search-prod”", id="a project"),
        pytest.param("rule=nothing-like-it", "No rule is called “nothing-like-it”", id="a rule"),
    ],
)
def test_a_name_that_nothing_has_is_not_silenced(story, words, said):
    critical(story)
    done = story.order(f"silence {words} for 2h -- oops", "2026-10-02 12:30")
    assert said in done.said
    assert done.refused
    assert story.rows_of("SELECT * FROM silence") == []
    assert not story.order("silence project=future-* for 2h -- to come", "2026-10-02 12:31").refused


# -- quiet hours -----------------------------------------------------------------------------------

NIGHTS = "{nights: {hours: 20:00-08:00, weekends: true}}"
QUIET = "finops: {channel: ai-spend, quiet: nights, remind: never}"


def night(story):
    story.rules(QUIET, NIGHTS, timezone="Europe/Berlin")
    for project in ("a", "b", "c"):
        story.ledger.project(f"proj_{project}", f"team-{project}")
    story.poll("2026-10-05 12:00")


def test_the_night_comes_as_one_message_in_the_morning(story):
    night(story)
    story.spend("2026-10-05", "600", "proj_a")
    story.poll("2026-10-05 18:30")
    story.spend("2026-10-05", "700", "proj_b")
    story.poll("2026-10-05 23:00")
    story.spend("2026-10-06", "950", "proj_c")
    story.poll("2026-10-06 02:00")
    story.poll("2026-10-06 05:55")
    assert story.all() == []
    assert {row[0] for row in story.rows_of("SELECT why FROM notice")} == {"quiet until 2026-10-06T06:00Z"}
    done = story.poll("2026-10-06 06:00")
    assert done.skipped.startswith("nothing changed")
    (only,) = story.posts
    assert only == "Amber: 3 budgets are past a level; the furthest is team-c at 95%."
    story.poll("2026-10-06 06:05")
    assert len(story.all()) == 1


def test_critical_passes_the_night_and_leaves_the_others_to_the_morning(story):
    night(story)
    story.spend("2026-10-05", "600", "proj_a")
    story.spend("2026-10-05", "700", "proj_b")
    story.poll("2026-10-05 20:00")
    assert story.all() == []
    story.spend("2026-10-05", "1050", "proj_b")
    story.spend("2026-10-05", "1200", "proj_c")
    story.poll("2026-10-05 21:00")
    assert sorted(text[:20] for text in story.posts) == ["Red: team-b is $50 o", "Red: team-c is $200 "]
    story.poll("2026-10-06 06:00")
    assert len(story.posts) == 3
    assert story.posts[2].startswith("Info: team-a has used 60%")


def test_what_grows_by_its_wake_passes_the_night(story):
    night(story)
    story.rules(QUIET, NIGHTS, timezone="Europe/Berlin", rules=MONTHLY.replace("1,000", "10,000"))
    story.poll("2026-10-05 12:05")
    story.spend("2026-10-05", "5100", "proj_a")
    story.spend("2026-10-05", "5100", "proj_b")
    story.poll("2026-10-05 20:00")
    story.spend("2026-10-05", "5599", "proj_a")
    story.poll("2026-10-05 21:00")
    assert story.all() == []
    story.spend("2026-10-05", "5600", "proj_a")
    story.poll("2026-10-05 22:00")
    (only,) = story.posts
    assert only.startswith("Info: team-a has used 56%")
    story.poll("2026-10-06 06:00")
    assert len(story.posts) == 2


def test_thread_lines_wait_for_the_morning_and_the_loud_ones_join_its_message(story):
    night(story)
    story.spend("2026-10-05", "600", "proj_a")
    story.poll("2026-10-05 13:00")
    story.spend("2026-10-05", "810", "proj_a")
    story.poll("2026-10-05 20:00")
    story.spend("2026-10-05", "620", "proj_b")
    story.poll("2026-10-05 21:00")
    assert story.lines == []
    assert len(story.posts) == 1
    assert story.posts[0].startswith("Amber: team-a")  # the card is edited all the same
    story.poll("2026-10-06 06:00")
    assert len(story.posts) == 2
    assert story.lines == [":large_yellow_circle: Amber: *team-a*: passed 80%: $810.00 of $1,000.00 (81%)"]
    assert story.loud == []
    assert "Held back until now" in shown(story.world.posts[1])
    assert "*team-a*: passed 80%" in shown(story.world.posts[1])


def test_one_loud_line_of_the_night_is_broadcast_by_itself(story):
    night(story)
    story.spend("2026-10-05", "600", "proj_a")
    story.poll("2026-10-05 13:00")
    story.spend("2026-10-05", "810", "proj_a")
    story.poll("2026-10-05 20:00")
    story.poll("2026-10-06 06:10")
    assert len(story.posts) == 1
    assert story.loud == [":large_yellow_circle: Amber: *team-a*: passed 80%: $810.00 of $1,000.00 (81%)"]


def test_what_gathers_into_the_night_comes_in_the_morning(story):
    night(story)
    story.spend("2026-10-05", "600", "proj_a")
    story.spend("2026-10-05", "610", "proj_b")
    story.poll("2026-10-05 17:30")
    assert len(story.posts) == 1
    story.poll("2026-10-05 18:40")
    assert len(story.posts) == 1
    story.poll("2026-10-06 06:00")
    assert len(story.posts) == 2


def test_what_is_corrected_in_the_night_is_never_said(story):
    night(story)
    story.spend("2026-10-05", "600", "proj_a")
    story.poll("2026-10-05 20:00")
    story.spend("2026-10-05", "100", "proj_a")
    story.poll("2026-10-05 21:00")
    story.poll("2026-10-06 06:00")
    assert story.all() == []


def test_a_silence_that_ends_at_night_leaves_the_rest_to_the_morning(story):
    night(story)
    silence(story, "silence project=team-a for 10h -- known", "2026-10-05 12:00")
    story.spend("2026-10-05", "600", "proj_a")
    story.poll("2026-10-05 13:00")
    story.poll("2026-10-05 22:30")
    assert story.all() == []
    story.poll("2026-10-06 06:00")
    (only,) = story.posts
    assert only.startswith("Info: team-a has used 60%")


@pytest.mark.parametrize("words", ["status"])
def test_status_names_who_acknowledged_and_what_silences(story, words):
    from bot.answers import answer

    critical(story)
    story.order("ack FP", "2026-10-02 12:30")
    story.order("silence project=search-prod for 4h -- first", "2026-10-02 12:30")
    now = at("2026-10-02 13:00")
    told, _ = answer(story.world.app.store, story.world.app.rules.now(now), words, now)
    (mine,) = [each for each in told.standings if each.state == "firing"]
    assert (mine.acknowledged_by, mine.silenced_by) == ("U1ALICE", "si_1")


# -- digests ---------------------------------------------------------------------------------------

DIGESTS = """
routes: {finops: {channel: ai-spend}, exec: {channel: finance}}
defaults: {route: finops, timezone: Europe/Berlin}
digests:
  - {id: daily, schedule: 0 9 * * *, report: yesterday by project, route: exec}
  - {id: weekly, schedule: "0 9 * * MON", report: last-week by project}
rules: []
"""


def test_a_digest_is_posted_once_each_time_it_falls_due(story):
    story.world.rules("version: 1\n" + DIGESTS)
    story.spend("2026-10-01", "120")
    story.spend("2026-10-02", "30", LABS)
    story.poll("2026-10-02 12:00")
    assert story.all() == []  # its first time is the next one
    story.poll("2026-10-03 06:55")
    assert story.all() == []
    story.poll("2026-10-03 07:00")
    story.poll("2026-10-03 07:05")
    (daily,) = story.room("finance")
    assert "$30" in daily
    assert "Digest `daily`" in shown(story.world.posts[0])
    # Slept through the fourth; late on monday the fifth: the last time of each.
    story.restart()
    story.poll("2026-10-05 11:00")
    assert len(story.room("finance")) == 2
    (weekly,) = story.room("ai-spend")
    assert "$150" in weekly
    story.poll("2026-10-05 12:00")
    assert len(story.all()) == 3


def test_a_digest_names_the_projects_that_no_budget_watches(story):
    rule = "  - {id: search, kind: budget, select: {project: search-*}, period: month, amount: 9000}"
    story.world.rules("version: 1\n" + DIGESTS.replace("rules: []", f"rules:\n{rule}"))
    story.spend("2026-10-01", "120")
    story.spend("2026-10-02", "30", LABS)
    story.poll("2026-10-02 12:00")
    story.poll("2026-10-03 07:00")
    assert "*No budget watches* labs $30.00" in shown(story.world.posts[0])


# -- never twice -----------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("spend"), st.sampled_from([SEARCH, LABS]), st.integers(0, 1500)),
        st.tuples(st.just("wait"), st.sampled_from([0, 1, 30, 60, 300, 900, 1500])),
        st.tuples(
            st.just("order"),
            st.sampled_from(
                [
                    "ack FP",
                    "unack FP",
                    "unsilence FP",
                    "unsilence si_1",
                    "silence project=search-prod for 3h -- x",
                    "silence rule=project-month for 1d wake=+$300 -- x",
                    "silence FP until over -- x",
                ]
            ),
        ),
    ),
    min_size=4,
    max_size=14,
)


@settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    phases=[Phase.generate],
    derandomize=True,
)
@given(steps=STEPS)
def test_whatever_is_ordered_and_however_late_the_poll_nothing_is_said_twice(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("never")
    (folder / "budgetbot.db").write_bytes(empty_database())
    with world(folder, offers=("costs",)) as built:
        story = Laid(built)
        routes = "finops: {channel: ai-spend, quiet: nights, escalate: {after: 3h, to: exec}}\nexec: {channel: finance}"
        story.rules(routes, NIGHTS)
        now = at("2026-10-01 12:00")

        def poll():
            story.poll(f"{now:%Y-%m-%d %H:%M}")

        poll()
        for kind, *what in steps:
            if kind == "spend":
                story.spend(f"{now:%Y-%m-%d}", str(what[1]), what[0])
            elif kind == "wait":
                now += timedelta(minutes=what[0])
            elif story.rows_of("SELECT 1 FROM incident"):
                story.order(what[0], f"{now:%Y-%m-%d %H:%M}")
            poll()
        before = len(story.all())
        poll()
        assert len(story.all()) == before
        # When every silence and every night is over, what is firing stands in its room, in one message.
        now += timedelta(days=32)
        now = now.replace(hour=12)
        now += timedelta(days=(7 - now.weekday()) % 7)
        poll()
        poll()
        held = story.rows_of("SELECT id FROM notice WHERE state IN ('held', 'waiting', 'sending')")
        assert held == []
        members = story.rows_of("SELECT fingerprint, target, count(*) FROM card_member GROUP BY 1, 2")
        assert all(count == 1 for *_, count in members)
        # Each decision was said once, wherever it waited: no call was made twice.
        posts = story.rows_of(
            "SELECT count(DISTINCT card_id) FROM notice WHERE state = 'sent' AND act = 'post'"
        )
        replies = story.rows_of("SELECT count(*) FROM notice WHERE state = 'sent' AND act = 'reply'")
        assert (len(story.world.posts), len(story.world.replies)) == (posts[0][0], replies[0][0])
        passed = [
            (message.thread_ts, line)
            for message in story.world.replies
            for line in shown(message).splitlines()
            if ": passed " in line
        ]
        assert len(passed) == len(set(passed))
        for message in built.slack.messages:
            check_message(
                {"text": message.text, "blocks": message.blocks, "attachments": message.attachments}
            )
