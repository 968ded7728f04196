"""People in Slack and the bot that runs: real sockets, real answers from the store, each once and in time."""

from contextlib import contextmanager
from threading import Event, Thread

import pytest

from bot.desk import Desk
from bot.edge.slack_app import Socket, build_app
from bot.listen import Listener
from tests.syncing import empty_database
from tests.world import LABS, SEARCH, at, world

RULES = """\
version: 1
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 1000}
"""


@contextmanager
def listening(w):
    listener = Listener(Desk(w.app.store, w.app.rules.last, w.app.clock))
    bolt = build_app(w.settings.slack_bot_token, w.settings.slack_api_url, listener.handlers)
    socket = Socket(bolt, w.settings.slack_app_token, ping_interval=1)
    socket.connect()
    try:
        w.slack.people.wait_connected()
        yield w.slack
    finally:
        socket.close()


@pytest.fixture(scope="module")
def spent(on_engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("listen")
    (folder / "budgetbot.db").write_bytes(empty_database())
    with world(folder, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-09-20", SEARCH, "gpt-5.2, output", "400")
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "550.25")
        built.ledger.cost("2025-10-03", LABS, "gpt-5.2, input", "12")
        built.poll("2025-10-05 12:00")
        built.app.clock = lambda: at("2025-10-05 12:00")
        with listening(built):
            yield built


@pytest.fixture
def slack(spent):
    return spent.slack


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param("", "Everything", id="nothing is status"),
        pytest.param("status", "56%", id="status"),
        pytest.param("report last-month by project", "400", id="report"),
        pytest.param("report project=“search-prod”", "550.25", id="smart quotes"),
        pytest.param("top 1 by project", "search-prod", id="top"),
        pytest.param("rules", "Everything", id="rules"),
        pytest.param("help", "report", id="help"),
    ],
)
def test_words_are_acked_at_once_and_answered_privately(slack, words, says):
    asked = slack.slash(words)
    assert asked.acked
    assert asked.ack_payload in (None, {}, "")
    (answer,) = asked.wait()
    assert says in str(answer)
    assert answer.get("response_type", "ephemeral") == "ephemeral"
    assert answer["text"]
    assert asked.refusals == []


def test_public_is_for_the_channel(slack):
    assert slack.slash("report public").wait()[0]["response_type"] == "in_channel"


def test_a_typo_is_answered_with_a_button_that_runs_the_corrected_command(slack):
    (answer,) = slack.slash("report lastmonth by project").wait()
    assert answer["response_type"] == "ephemeral"
    assert "lastmonth" in answer["text"]
    buttons = [
        e for block in answer["blocks"] for e in block.get("elements", []) if e.get("type") == "button"
    ]
    run = next(button for button in buttons if button["action_id"].startswith("cmd.run"))
    assert run["value"] == "v1|report last-month by project"
    clicked = slack.click(run["action_id"], run["value"])
    assert clicked.acked
    (told,) = clicked.wait()
    assert "400" in str(told)
    assert told.get("response_type", "ephemeral") == "ephemeral"


@pytest.mark.parametrize(
    ("action", "value"),
    [
        pytest.param("cmd.run", "", id="no value"),
        pytest.param("cmd.run", "v9|report", id="another version"),
        pytest.param("cmd.run", "v1|" + "x" * 500, id="no question"),
        pytest.param("alert.ack", "v1|abc|1", id="a button of tomorrow"),
    ],
)
def test_a_click_that_means_nothing_is_answered_all_the_same(slack, action, value):
    clicked = slack.click(action, value)
    assert clicked.acked
    assert clicked.wait()[0]["text"]


def test_a_second_delivery_is_acked_and_not_answered_again(slack):
    asked = slack.slash("status")
    asked.wait()
    slack.people.again(asked)
    assert asked.acks == 2
    slack.slash("help").wait()  # what came later is answered
    assert len(asked.answers) == 1


def test_hostile_names_arrive_as_they_are_written(spent, slack):
    spent.ledger.project(LABS, "<!channel> *labs* & `co`")
    try:
        (answer,) = slack.slash("report project=<!channel>").wait()
        assert "<!channel>" not in answer["text"]
    finally:
        spent.ledger.project(LABS, "labs")


def test_forty_people_at_once_during_a_poll_are_all_heard_and_answered(spent, slack):
    poll = Thread(target=spent.poll, args=("2025-10-05 12:05",))
    asked = []
    people = [
        Thread(target=lambda n=n: asked.append(slack.slash("report by project", user=f"U{n}P")))
        for n in range(40)
    ]
    poll.start()
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert len([one for one in asked if one.acked]) == 40
    for one in asked:
        assert "550.25" in str(one.wait(seconds=30)[0])
    poll.join()


def test_nobody_waits_for_whoever_writes_to_the_database(spent, slack):
    with spent.app.store.writing():
        asked = slack.slash("report by project")
        assert "550.25" in str(asked.wait(seconds=5)[0])
        slack.people.again(asked)
        slack.slash("help").wait(seconds=5)
    assert len(asked.answers) == 1


def test_what_one_process_heard_the_next_one_knows(spent):
    def a_process():
        return Listener(Desk(spent.app.store, spent.app.rules.last, lambda: clock[0]))

    clock = [at("2025-10-05 12:00")]
    first = a_process()
    assert first.first_time("1.trigger-x")
    assert not first.first_time("1.trigger-x")
    first.command({"text": "help"}, lambda answer: None)  # what was heard is kept after the answer
    assert not a_process().first_time("1.trigger-x")
    clock[0] = at("2025-10-05 13:01")
    assert a_process().first_time("1.trigger-x")
    assert first.first_time("1.trigger-x")


def test_who_asks_what_somebody_is_just_asking_shares_the_answer(spent, monkeypatch):
    import bot.desk

    real, begun, go_on, said = bot.desk.answer, Event(), Event(), []

    def slow(store, rules, words, now, **more):
        begun.set()
        assert go_on.wait(10)
        return real(store, rules, words, now, **more)

    monkeypatch.setattr("bot.desk.answer", slow)
    listener = Listener(Desk(spent.app.store, spent.app.rules.last, spent.app.clock))
    people = [Thread(target=listener.command, args=({"text": "status"}, said.append)) for _ in range(5)]
    people[0].start()
    assert begun.wait(10)
    for person in people[1:]:
        person.start()
    listening_in = [person for person in people if person.is_alive()]
    go_on.set()
    for person in people:
        person.join()
    assert len(listening_in) == 5
    assert len(said) == 5
    assert all(answer == said[0] for answer in said)
    monkeypatch.setattr("bot.desk.answer", real)
    listener.command({"text": "status"}, said.append)  # nothing is kept for later
    assert len(said) == 6


def test_a_store_that_does_not_answer_is_told_with_an_id(spent, slack, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("canary xoxb-canary")

    monkeypatch.setattr("bot.desk.answer", broken)
    (answer,) = slack.slash("status").wait()
    assert "id e-" in answer["text"]
    assert "canary" not in str(answer)
