"""`poll`, as cron meets it: what is printed, which exit code, and nothing lost or said twice."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
from filelock import FileLock

from bot.demo import openai_server
from bot.demo.openai_endpoints import OFFERED
from bot.demo.openai_faults import BadJson, Cut, Html, Mutate, Status
from tests.shell import Here, environment, shell, started
from tests.standins.slack import DROP_AFTER, SERVER_ERROR, refuse
from tests.syncing import empty_database
from tests.world import LABS, SEARCH, at, world

RULES = """\
version: 1
rules:
  - id: project-month
    kind: budget
    select: {}
    each: project
    period: month
    amount: 1000
    thresholds: [50%, 80%, 100%]
"""
NOW = "2025-10-05T12:00:00Z"


@pytest.fixture
def w(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        built._clock[0] = at("2025-10-05 12:00")
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "550.25")
        built.ledger.cost("2025-10-03", LABS, "gpt-5.2, input", "12")
        yield built


@pytest.fixture(autouse=True)
def _edits_at_once(monkeypatch):
    monkeypatch.setattr("bot.edge.store.delivery.EDIT_PACE", timedelta(0))
    monkeypatch.setattr("bot.deliver.LOOK_AGAIN", 0)


@pytest.fixture
def here(monkeypatch, capsys):
    return Here(monkeypatch, capsys)


def stored(w):
    """What is known of money and of incidents."""
    with closing(sqlite3.connect(w.tmp_path / "budgetbot.db")) as held:
        return {
            table: held.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("series", "cost_fact", "cost_history", "incident", "event")
        }


# -- what is printed -----------------------------------------------------------------------------------


def test_a_poll_prints_what_the_contract_says(w):
    done = shell(w.tmp_path, environment(w), "poll", "--now", NOW, "--format", "json")
    assert done.code == 0, done.err
    told = done.json
    assert list(told)[:6] == ["now", "complete", "sources", "events", "delivered", "waiting"]
    assert (told["now"], told["complete"], told["delivered"], told["waiting"]) == (NOW, True, 1, 0)
    assert told["sources"]["costs"]["complete"] is True
    assert told["sources"]["costs"]["rows"] >= 2
    assert told["sources"]["costs"]["changed"] == 2
    (event,) = told["events"]
    assert event["rule"] == "project-month"
    assert event["group"] == {"project_id": SEARCH, "project": "search-prod"}
    assert (event["transition"], event["level"]) == ("fired", "50%")
    assert event["reason"]
    assert event["fingerprint"]
    assert len(w.posts) == 1
    assert done.logs  # every line of stderr is JSON
    assert done.said == []


def test_a_second_poll_says_nothing_more(w, here):
    assert here(w.tmp_path, environment(w), "poll", "--now", NOW).code == 0
    done = here(w.tmp_path, environment(w), "poll", "--now", NOW, "--format", "json")
    assert (done.code, done.json["events"], done.json["delivered"]) == (0, [], 0)
    assert len(w.posts) == 1


def test_a_table_is_for_people(w, here):
    done = here(w.tmp_path, environment(w), "poll", "--now", NOW)
    assert "2025-10-05T12:00:00Z: complete" in done.out
    assert "fired 50% project-month search-prod" in done.out


# -- OpenAI's trouble ----------------------------------------------------------------------------------


def endless(answer):
    answer["has_more"], answer["next_page"] = True, "page_again"


def changed(**values):
    def change(answer):
        for bucket in answer["data"]:
            for row in bucket["results"]:
                row.update(values)

    return Mutate(change)


def without(key):
    def change(answer):
        for bucket in answer["data"]:
            bucket.pop(key, None)

    return Mutate(change)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        pytest.param(Status(500), 4, id="500"),
        pytest.param(Status(503, headers={"Retry-After": "3600"}), 4, id="503 for an hour"),
        pytest.param(Status(429), 4, id="429"),
        pytest.param(Html(), 4, id="HTML with 502"),
        pytest.param(Html(200), 4, id="HTML with 200"),
        pytest.param(Cut(), 4, id="cut"),
        pytest.param(BadJson(), 4, id="bad JSON"),
        pytest.param(Status(401), 3, id="401"),
        pytest.param(Status(403), 3, id="403"),
        pytest.param(Status(404), 4, id="404 of what was there"),
        pytest.param(Mutate(endless), 4, id="endless cursor"),
        pytest.param(changed(amount={"value": "NaN", "currency": "usd"}), 4, id="NaN"),
        pytest.param(changed(amount=None), 4, id="no amount"),
        pytest.param(changed(amount={"value": "1", "currency": "eur"}), 4, id="euros"),
        pytest.param(changed(amount={"value": "1e400", "currency": "usd"}), 4, id="too large"),
        pytest.param(without("results"), 4, id="no results"),
        pytest.param(Mutate(lambda answer: answer["data"].clear()), 4, id="a hole in the days"),
    ],
)
def test_openais_trouble_is_one_sentence_and_changes_nothing(w, here, fault, code):
    assert here(w.tmp_path, environment(w), "poll", "--now", NOW).code == 0
    before = stored(w)
    assert before["cost_fact"]
    assert before["event"]
    posts = list(w.slack.messages)
    w.ledger.cost("2025-10-04", SEARCH, "gpt-5.2, output", "300")
    later = "2025-10-05T12:05:00Z"
    w.openai.break_down(fault, "/organization/costs")
    done = here(w.tmp_path, environment(w), "poll", "--now", later, "--format", "json")
    assert done.code == code, done.err
    assert len(done.said) == 1, done.said
    assert done.said[0].startswith("budgetbot: ")
    assert "Traceback" not in done.err
    assert done.json["complete"] is False
    assert done.json["sources"]["costs"]["complete"] is False
    assert done.json["events"] == []
    assert stored(w) == before
    assert [m for m in w.slack.messages if m not in posts and "passed" in str(m)] == []

    w.openai.recover()
    caught_up = here(w.tmp_path, environment(w), "poll", "--now", "2025-10-05T12:10:00Z", "--format", "json")
    assert caught_up.code == 0, caught_up.err
    assert [event["level"] for event in caught_up.json["events"]] == ["80%"]


def test_many_sources_with_one_trouble_are_one_short_sentence(w, here):
    w.openai.offers = frozenset(OFFERED)
    w.openai.break_down(Status(503))
    done = here(w.tmp_path, environment(w), "poll", "--now", NOW)
    assert done.code == 4
    assert len(done.said) == 1
    assert "other sources" in done.said[0]
    assert len(done.said[0]) < 400


def test_openai_that_is_not_there_is_exit_4(w, here):
    given = environment(w, OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    done = here(w.tmp_path, given, "poll", "--now", NOW)
    assert (done.code, len(done.said)) == (4, 1)
    assert "cannot be reached" in done.said[0]


# -- Slack's trouble -----------------------------------------------------------------------------------


def test_slack_down_keeps_the_rest_and_the_next_poll_delivers_once(w, here, monkeypatch):
    monkeypatch.setattr("bot.poll.WAIT", 0.2)
    w.slack.down = SERVER_ERROR
    done = here(w.tmp_path, environment(w), "poll", "--now", NOW, "--format", "json")
    assert done.code == 4, done.err
    assert (done.json["complete"], done.json["delivered"], done.json["waiting"]) == (True, 0, 1)
    assert len(done.said) == 1
    assert "nothing is lost" in done.said[0]
    w.slack.down = None
    assert w.posts == []
    monkeypatch.setattr("bot.poll.WAIT", 60)
    for _ in range(2):
        done = here(w.tmp_path, environment(w), "poll", "--now", NOW, "--format", "json")
        assert (done.code, done.json["waiting"]) == (0, 0)
    assert len(w.posts) == 1


def test_a_post_whose_answer_was_lost_is_not_repeated(w, here):
    w.slack.fault("chat.postMessage", DROP_AFTER)
    done = here(w.tmp_path, environment(w), "poll", "--now", NOW)
    assert done.code == 0, done.err
    assert len(w.posts) == 1


def test_a_revoked_token_is_exit_3_and_the_message_waits(w, here):
    w.slack.fault("chat.postMessage", refuse("token_revoked"))
    done = here(w.tmp_path, environment(w), "poll", "--now", NOW, "--format", "json")
    assert done.code == 3
    assert (done.json["complete"], done.json["delivered"], done.json["waiting"]) == (True, 0, 1)
    assert len(done.said) == 1
    assert "token_revoked" in done.said[0]
    with closing(sqlite3.connect(w.tmp_path / "budgetbot.db")) as held:  # five minutes later
        held.execute("UPDATE notice SET try_at = '2025-01-01 00:00:00.000000'")
        held.commit()
    assert here(w.tmp_path, environment(w), "poll", "--now", NOW).code == 0
    assert len(w.posts) == 1


# -- the clock -----------------------------------------------------------------------------------------


def test_an_earlier_now_stores_and_delivers_and_judges_nothing(w, here, monkeypatch):
    monkeypatch.setattr("bot.poll.WAIT", 0.1)
    w.slack.down = SERVER_ERROR
    assert here(w.tmp_path, environment(w), "poll", "--now", NOW).code == 4
    w.slack.down = None
    w.ledger.cost("2025-10-04", SEARCH, "gpt-5.2, output", "300")
    monkeypatch.setattr("bot.poll.WAIT", 60)
    done = here(w.tmp_path, environment(w), "poll", "--now", "2025-10-05T11:00:00Z", "--format", "json")
    assert done.code == 0, done.err
    assert done.json["sources"]["costs"]["changed"] == 1
    assert done.json["events"] == []
    assert "earlier than the last evaluation" in done.json["skipped"]
    assert done.json["delivered"] >= 1
    assert len(w.posts) == 1
    table = here(w.tmp_path, environment(w), "poll", "--now", "2025-10-05T11:00:00Z")
    assert "not judged: now is earlier" in table.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["--now", "2199-01-01"], "lies ahead", id="ahead of the clock"),
        pytest.param(["--now", "soon"], "no instant", id="no instant"),
        pytest.param(["--now", "0001-01-01T00:00:00+14:00"], "no instant", id="before the first day"),
        pytest.param(["--now", "1999-12-31"], "not of this age", id="before anybody had a bill"),
        pytest.param(["--now", "9999-12-31", "--dry-run"], "not of this age", id="the last year"),
        pytest.param(["--format", "csv"], "csv", id="no table"),
    ],
)
def test_wrong_words_are_exit_2_before_any_setting_is_asked_for(tmp_path, here, words, says):
    done = here(tmp_path, {}, "poll", *words)
    assert done.code == 2
    assert says in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_clock_that_is_off_fails_the_poll_and_is_said_once_and_its_repair_once(w, here, monkeypatch):
    w.rules(RULES + "routes: {ops: {channel: budget-admin}}\n")

    def slow(handler, timestamp=None):
        return format_datetime(datetime.now(UTC) - timedelta(minutes=12), usegmt=True)

    with monkeypatch.context() as patch:
        patch.setattr(openai_server._Handler, "date_time_string", slow)
        for minute in ("00", "05"):
            done = here(
                w.tmp_path, environment(w), "poll", "--now", f"2025-10-05T12:{minute}:00Z", "--format", "json"
            )
            assert done.code == 4
            assert done.json["events"] == []
            assert len(done.said) == 1
            assert "12 minutes ahead of OpenAI's" in done.said[0]
            assert "NTP" in done.said[0]
    for minute in ("10", "15"):
        assert here(w.tmp_path, environment(w), "poll", "--now", f"2025-10-05T12:{minute}:00Z").code == 0
    said = [str(message) for message in w.slack.messages if "clock" in str(message)]
    assert len([text for text in said if "12 minutes" in text]) == 1
    assert len([text for text in said if "right again" in text]) == 1


# -- a dry run -----------------------------------------------------------------------------------------


def test_a_dry_run_prints_and_keeps_nothing(w):
    assert shell(w.tmp_path, environment(w), "poll", "--now", "2025-10-01").code == 0
    folder = {path.name: path.read_bytes() for path in w.tmp_path.iterdir() if path.is_file()}
    calls = len(w.slack.calls)
    done = shell(
        w.tmp_path,
        environment(w, SLACK_BOT_TOKEN=None, SLACK_API_URL=None),
        "poll",
        "--now",
        NOW,
        "--dry-run",
    )
    assert done.code == 0, done.err
    assert "search-prod" in done.out
    assert "55%" in done.out
    assert "#ai-spend" in done.out
    assert "1 to deliver" in done.out
    assert len(w.slack.calls) == calls
    assert {path.name: path.read_bytes() for path in w.tmp_path.iterdir() if path.is_file()} == folder


def test_a_dry_run_needs_no_database_and_may_look_ahead(w, here):
    (w.tmp_path / "budgetbot.db").unlink()
    w._clock[0] = datetime.now(UTC) + timedelta(days=2)
    w.ledger.cost((datetime.now(UTC) + timedelta(days=1)).date(), SEARCH, "gpt-5.2, output", "990")
    ahead = (datetime.now(UTC) + timedelta(days=1, minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = ("poll", "--now", ahead, "--dry-run", "--format", "json")
    done = here(w.tmp_path, environment(w, SLACK_BOT_TOKEN=None), *words)
    assert done.code == 0, done.err
    assert done.json["dry_run"] is True
    assert done.json["delivered"] == 0
    assert any("search-prod" in message for message in done.json["messages"])
    assert not (w.tmp_path / "budgetbot.db").exists()


def test_a_dry_run_that_cannot_read_is_exit_4(w, here):
    w.openai.break_down(Status(500))
    done = here(w.tmp_path, environment(w), "poll", "--now", NOW, "--dry-run")
    assert (done.code, len(done.said)) == (4, 1)


# -- one at a time -------------------------------------------------------------------------------------


def test_two_polls_at_once_say_nothing_twice(w):
    with (
        started(w.tmp_path / "one", environment(w), "poll", "--now", NOW) as one,
        started(w.tmp_path / "two", environment(w), "poll", "--now", NOW) as two,
    ):
        codes = {one.wait(60).code, two.wait(60).code}
    assert codes == {0}
    assert len(w.posts) == 1


def test_a_poll_that_waits_too_long_for_another_is_exit_4(w, here, monkeypatch):
    monkeypatch.setattr("bot.app.WAIT", 0.05)
    assert here(w.tmp_path, environment(w), "poll", "--now", NOW).code == 0
    with FileLock(w.tmp_path / "budgetbot.db.poll.lock"):
        done = here(w.tmp_path, environment(w), "poll", "--now", NOW)
    assert (done.code, len(done.said)) == (4, 1)
    assert "Another budgetbot is polling" in done.said[0]


# -- rules ---------------------------------------------------------------------------------------------


def test_the_first_start_with_bad_rules_names_the_first_problem(w, here):
    w.rules("version: 1\nrules:\n  - id: x\n    kind: bugdet\n")
    done = here(w.tmp_path, environment(w), "poll", "--now", NOW)
    assert (done.code, len(done.said)) == (3, 1)
    assert "rules.yaml:3" in done.said[0]
    assert "budgetbot check" in done.said[0]


@pytest.mark.parametrize(
    "break_rules",
    [
        pytest.param(lambda w: w.rules("version: 1\nrules: [{id: x}]\n"), id="a bad edit"),
        pytest.param(lambda w: w.rules_folder.rename(w.tmp_path / "elsewhere"), id="the folder is gone"),
    ],
)
def test_lost_rules_go_on_and_are_said_once_and_so_is_their_repair(w, here, break_rules):
    assert here(w.tmp_path, environment(w), "poll", "--now", "2025-10-02").code == 0
    break_rules(w)
    for minute in ("00", "05"):
        done = here(
            w.tmp_path, environment(w), "poll", "--now", f"2025-10-05T12:{minute}:00Z", "--format", "json"
        )
        assert done.code == 0, done.err
        assert "last good rules go on" in done.json["notes"][0]
    w.rules_folder.mkdir(exist_ok=True)
    w.rules(RULES)
    for minute in ("10", "15"):
        assert here(w.tmp_path, environment(w), "poll", "--now", f"2025-10-05T12:{minute}:00Z").code == 0
    said = [str(message) for message in w.slack.messages]
    assert len([text for text in said if "last good rules" in text]) == 1
    assert len([text for text in said if "in force" in text]) == 1
    assert len([text for text in said if "search-prod" in text]) == 1  # judged by yesterday's rules, once


def test_the_default_folder_that_vanishes_ends_no_watch(w, here):
    given = environment(w, BUDGETBOT_RULES=None)
    assert here(w.tmp_path, given, "poll", "--now", "2025-10-02").code == 0
    w.rules_folder.rename(w.tmp_path / "elsewhere")
    done = here(w.tmp_path, given, "poll", "--now", NOW, "--format", "json")
    assert done.code == 0
    assert [event["rule"] for event in done.json["events"]] == ["project-month"]
    assert "last good rules go on" in done.json["notes"][0]


def test_who_only_asks_does_not_decide_which_rules_are_in_force(w, here):
    assert here(w.tmp_path, environment(w), "poll", "--now", NOW).code == 0
    draft = w.tmp_path / "draft"
    draft.mkdir()
    (draft / "draft.yaml").write_text(RULES.replace("project-month", "draft-month"), encoding="utf-8")
    asked = here(w.tmp_path, environment(w, BUDGETBOT_RULES=str(draft)), "status", "--now", NOW)
    assert "draft-month" in asked.out
    (draft / "draft.yaml").unlink()
    w.rules("version: 1\nrules: [{id: x}]\n")
    done = here(w.tmp_path, environment(w), "poll", "--now", NOW, "--format", "json")
    assert done.code == 0
    assert "draft" not in done.out
    assert "project-month" in here(w.tmp_path, environment(w), "status", "--now", NOW).out


def test_no_costs_for_hours_are_said_once_even_when_there_never_were_any(w, here):
    w.openai.break_down(Status(503))
    for hour in ("12", "14", "16", "18"):
        w._clock[0] = at(f"2025-10-05 {hour}:00")
        assert here(w.tmp_path, environment(w), "poll", "--now", f"2025-10-05T{hour}:00:00Z").code == 4
    said = [str(message) for message in w.slack.messages if "No costs could be read" in str(message)]
    assert len(said) == 1
    w.openai.recover()
    w._clock[0] = at("2025-10-05 19:00")
    assert here(w.tmp_path, environment(w), "poll", "--now", "2025-10-05T19:00:00Z").code == 0
    assert len([message for message in w.slack.messages if "read again" in str(message)]) == 1


def test_the_sum_of_a_poll_is_the_literal_one(w, here):
    w.ledger.cost("2025-10-02", LABS, "gpt-5.2, input", "0.0000000004")
    w.ledger.cost("2025-10-02", SEARCH, "gpt-5.2, input", "0.1")
    assert here(w.tmp_path, environment(w), "poll", "--now", NOW).code == 0
    told = here(
        w.tmp_path, environment(w), "report", "mtd", "by", "project", "--now", NOW, "--format", "json"
    ).json
    assert Decimal(told["total_usd"]) == Decimal("562.35")


def test_a_rule_that_tells_other_things_apart_ends_what_stood_and_breaks_no_answer(w, here):
    daily = RULES.replace("period: month", "period: day").replace("amount: 1000", "amount: 100")
    w.rules(daily)
    w.ledger.cost("2025-10-05", SEARCH, "gpt-5.2, output", "150")
    assert here(w.tmp_path, environment(w), "poll", "--now", NOW).code == 0
    w.rules(daily.replace("each: project", "each: [project, model]"))
    told = here(w.tmp_path, environment(w), "status", "--format", "json", "--now", NOW)
    assert told.code == 0, told.err
    assert [rule["group"].get("model") for rule in told.json["rules"]] == ["gpt-5.2"]
    done = here(w.tmp_path, environment(w), "poll", "--now", "2025-10-05T12:05:00Z", "--format", "json")
    assert done.code == 0, done.err
    assert {event["transition"] for event in done.json["events"]} == {"fired", "ended"}


def test_status_waits_as_long_as_the_rule_asks(w, here):
    """100% was reached today, 80% two days ago."""
    w.rules(RULES.replace("amount: 1000", "amount: 600") + "    for: 3d\n")
    w.ledger.cost("2025-10-05", SEARCH, "gpt-5.2, output", "150")
    assert here(w.tmp_path, environment(w), "poll", "--now", NOW).code == 0
    told, *_ = here(w.tmp_path, environment(w), "status", "--format", "json", "--now", NOW).json["rules"]
    assert (told["state"], told["level"], told["reason"]) == ("firing", "80%", "first this period")
