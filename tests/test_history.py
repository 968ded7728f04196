"""What has been and what is open: a month of trouble, asked about in Slack and in a shell, held against the store."""

import json
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from threading import current_thread

import pytest

from bot.answers import answer
from bot.core.alerts import Alert, Alerts, Place
from bot.core.explanation import Delivery
from bot.core.history import Deed, History, Moment, Past
from bot.core.period import Span
from bot.core.query import parse
from bot.core.status import Standing
from bot.desk import Desk
from bot.edge.slack_app import Socket, build_app
from bot.listen import Listener
from bot.people import People
from bot.render.answers import alerts, history
from bot.render.blocks import characters
from bot.render.replies import reply
from tests.engines import look
from tests.shell import Here, environment
from tests.spending import DOLLAR, golden
from tests.standins.slack_rules import check_message
from tests.syncing import empty_database
from tests.world import LABS, SEARCH, at, world

RULES = """\
version: 1
teams:
  search: {projects: ["search-*"], channel: search-ops, owner: "@alice"}
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 10000, labels: {tier: prod}}
  - id: project-month
    kind: budget
    title: A project's month
    select: {}
    each: project
    period: month
    amount: 1000
    thresholds: [{at: 80%, severity: warning}, {at: 100%, severity: critical}]
    route: team
"""


@contextmanager
def listening(w, user="U1ALICE"):
    people = People(w.app.slack, w.settings, w.app.clock)
    listener = Listener(Desk(w.app.store, w.app.rules.last, w.app.clock, people, app=w.app))
    bolt = build_app(w.settings.slack_bot_token, w.settings.slack_api_url, listener.handlers)
    socket = Socket(bolt, w.settings.slack_app_token, ping_interval=1)
    socket.connect()
    try:
        w.slack.people.wait_connected()
        yield w.slack.people
    finally:
        socket.close()


@pytest.fixture(scope="module")
def lived(on_engine, tmp_path_factory):
    """An October: search-prod passes 80% and is acknowledged, passes 100%; labs comes and is silenced; November ends it."""
    folder = tmp_path_factory.mktemp("history")
    (folder / "budgetbot.db").write_bytes(empty_database())
    with world(folder, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-10-02", SEARCH, "gpt-5.2, output", "100")
        built.poll("2025-10-02 12:00")
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "750.25")
        built.poll("2025-10-03 12:00")
        clock = [at("2025-10-03 12:30")]
        built.app.clock = lambda: clock[0]
        with listening(built) as slack:

            def say(words, when, user="U1ALICE"):
                clock[0] = at(when)
                return slack.slash(words, user=user).wait()[0]

            built.say, built.mark = say, lambda project: mark(built, project)
            say(f"ack {built.mark(SEARCH)[:6]}", "2025-10-03 12:20", "U3GUEST")
            say(f"ack {built.mark(SEARCH)} -- known load test", "2025-10-03 12:30")
            built.ledger.cost("2025-10-04", SEARCH, "gpt-5.2, output", "300")
            built.poll("2025-10-04 12:00")
            say("silence project=labs for 20h -- <!channel> migration", "2025-10-04 13:00", "U2BOB")
            built.ledger.cost("2025-10-04", LABS, "gpt-5.2, input", "1200")
            built.poll("2025-10-04 14:00")
            say("unsilence si_1", "2025-10-04 15:00", "U2BOB")
            built.poll("2025-10-04 15:05")
            built.clock_at = clock
            yield built


def mark(built, project):
    (found,) = rows(built, f"SELECT fingerprint FROM incident WHERE group_ids = '[\"{project}\"]'")
    return found[0]


def rows(built, sql):
    return look(built.settings.database_url, sql)


@pytest.fixture
def here(lived, monkeypatch, capsys):
    run = Here(monkeypatch, capsys)

    def ask(*words, now="2025-10-05T12:00:00Z"):
        return run(lived.tmp_path, environment(lived), *words, "--now", now)

    return ask


# -- history -----------------------------------------------------------------------------------------------


def test_the_alerts_of_a_range_and_who_did_what(lived):
    answer = lived.say("history 30d", "2025-10-05 12:00")
    assert answer["text"].startswith(
        "2 alerts, 6 Sep – 5 Oct: all of them are open; 1 of them nobody acknowledged."
    )
    (table,) = [block for block in answer["blocks"] if block["type"] == "table"]
    told = [[cell["text"] for cell in row] for row in table["rows"]]
    (posts,) = rows(
        lived, f"SELECT count(*) FROM notice WHERE key LIKE '{lived.mark(SEARCH)}%' AND state = 'sent'"
    )
    assert told[1:] == [
        ["4 Oct 14:00", "labs", "critical 100%", "$1,200 of $1,000", "22 h", "by nobody", "open", told[1][7]],
        ["3 Oct 12:00", "search-prod", "critical 100%", "$1,150 of $1,000", "2 days", "after 30 min", "open", str(posts[0])],
    ]  # fmt: skip
    (done,) = [
        b["text"]["text"] for b in answer["blocks"] if b["type"] == "section" and "did" in b["text"]["text"]
    ]
    assert done.split("\n") == [
        "*What people did*",
        "4 Oct 15:00 <@U2BOB> ended the silence of project=labs (si_1)",
        "4 Oct 13:00 <@U2BOB> silenced project=labs until 5 Oct 09:00: &lt;!channel&gt; migration (si_1)",
        "4 Oct 12:00 budgetbot took back the acknowledgement of search-prod: it is critical now",
        "3 Oct 12:30 <@U1ALICE> acknowledged search-prod: known load test",
        "3 Oct 12:20 <@U3GUEST> was refused: ack search-prod: Guests may look, and change nothing.",
    ]
    run = [e["value"] for b in answer["blocks"] for e in b.get("elements", ()) if e.get("type") == "button"]
    assert f"v1|history {lived.mark(LABS)}" in run


@pytest.mark.parametrize(
    ("filters", "subjects"),
    [
        pytest.param("project=labs", ["labs"], id="project"),
        pytest.param("severity>=critical", ["labs", "search-prod"], id="severity is the gravest it had"),
        pytest.param("severity=info", [], id="no severity"),
        pytest.param("team=search", ["search-prod"], id="team"),
        pytest.param("owner=alice", ["search-prod"], id="owner"),
        pytest.param("rule!=project-month", [], id="rule"),
        pytest.param("label=tier=prod", [], id="label"),
        pytest.param("state=firing project!=labs", ["search-prod"], id="state"),
    ],
)
def test_filters_choose_alerts_and_what_was_done_about_them(here, filters, subjects):
    told = here("history", "30d", *filters.split(), "--format", "json").json
    assert [each["group"]["project"] for each in told["alerts"]] == subjects
    known = {each["fingerprint"] for each in told["alerts"]} | ({"si_1"} if "labs" in subjects else set())
    assert all(any(mark.startswith(deed["subject"]) for mark in known) for deed in told["actions"])


def test_one_alert_from_its_beginning(lived, here):
    fingerprint = lived.mark(SEARCH)
    told = here("history", fingerprint[:6], "--format", "json").json
    assert told["alert"]["acknowledged_by"] == "U1ALICE"
    assert told["alert"]["acknowledged_after_seconds"] == 1800
    assert (told["alert"]["peak"], told["alert"]["highest_level"]) == ("1150.25", "100%")
    kept = [(each["what"], each["level"], each["value"]) for each in told["events"] if "level" in each]
    stored = rows(
        lived,
        f"SELECT transition, level, value_nano FROM event WHERE fingerprint = '{fingerprint}' ORDER BY id",
    )
    assert [(what, level, float(value) * DOLLAR) for what, level, value in kept] == stored
    assert [each["what"] for each in told["events"]] == ["fired", "ack", "ack", "raised", "unack"]
    assert told["events"][0]["delivered"][0]["to"] == "search-ops"
    assert told["events"][0]["delivered"][0]["state"] == "sent"
    text = here("history", fingerprint).out
    assert "3 Oct 12:30  U1ALICE acknowledged it: known load test" in text
    assert "3 Oct 12:20  U3GUEST was refused: ack it: Guests may look" in text
    assert "raised 100% at $1,150.25: higher level → #search-ops" in text
    csv = here("history", fingerprint, "--format", "csv").out.splitlines()
    assert csv[0].startswith("at,what,level,value")
    assert len(csv) == 6


def test_a_silence_is_part_of_an_alerts_history(lived):
    answer = lived.say(f"history {lived.mark(LABS)}", "2025-10-05 12:00")
    said = "\n".join(
        block["text"]["text"] for block in answer["blocks"] if block["type"] == "section" and "text" in block
    )
    assert "<@U2BOB> silenced it until 5 Oct 09:00: &lt;!channel&gt; migration (si_1)" in said
    assert "the silence si_1 ended: taken back by <@U2BOB>" in said


def test_a_range_in_which_nothing_stood_says_so(here):
    assert "No alert, 1–30 Sep." in here("history", "2025-09").out
    assert here("history", "2025-09", "--format", "json").json["alerts"] == []


def test_a_fingerprint_nobody_knows_is_answered_with_what_may_be_meant(lived, here):
    missing = here("history", "0000")
    assert missing.code == 2
    assert "No alert has the fingerprint" in missing.err
    answer = lived.say("history 0000", "2025-10-05 12:00")
    assert "history 30d" in json.dumps(answer["blocks"])


@pytest.mark.parametrize("words", ["history 30d", "history 30d rule=project-month", "alerts"])
def test_the_store_is_read_a_fixed_number_of_times(lived, words):
    from sqlalchemy import event

    asked, app = [], lived.app
    engine, rules = app.store._engine, app.rules.last(at("2025-10-05 12:00"))

    def reads(when):
        asked.clear()
        answer(app.store, rules, words, at(when))
        return len(asked)

    def count(*args):
        if current_thread() is here:  # what was just heard is kept by another
            asked.append(args[2])

    here = current_thread()
    event.listen(engine, "before_cursor_execute", count)
    try:
        # Of two alerts as of one.
        assert reads("2025-10-05 12:00") == reads("2025-10-03 12:10") < 25
    finally:
        event.remove(engine, "before_cursor_execute", count)


# -- alerts ------------------------------------------------------------------------------------------------


def test_few_open_alerts_have_their_buttons(lived):
    answer = lived.say("alerts", "2025-10-05 12:00")
    assert answer["text"] == "2 alerts are open: 2 critical; nobody looks after any of them."
    buttons = [e for b in answer["blocks"] for e in b.get("elements", ()) if e.get("type") == "button"]
    acks = [each["value"] for each in buttons if each["action_id"] == "alert.ack"]
    (revision,) = rows(
        lived,
        "SELECT c.revision FROM card c JOIN card_member m ON m.card_id = c.id "
        f"WHERE m.fingerprint = '{lived.mark(LABS)}'",
    )
    assert acks[0] == f"v1|{lived.mark(LABS)}|{revision[0]}"
    assert len(acks) == 2


def test_machines_read_open_alerts_in_the_words_of_status(lived, here):
    now = "2025-10-04T15:10:00Z"
    told = here("alerts", "project=search-prod", "--format", "json", now=now).json
    assert told["as_of"] == "2025-10-04T15:05:00Z"
    (alert,) = told["alerts"]
    (status,) = [
        each for each in here("status", "project=search-prod", "--format", "json", now=now).json["rules"]
        if each["fingerprint"] == alert["fingerprint"]
    ]  # fmt: skip
    for key in (
        "rule",
        "group",
        "period",
        "state",
        "level",
        "severity",
        "value",
        "amount",
        "ratio",
        "unit",
        "reason",
    ):
        assert alert[key] == status[key], key
    assert alert["opened_at"] == "2025-10-03T12:00:00Z"
    assert alert["acknowledged_by"] is None
    assert alert["said_in"] == ["#search-ops"]
    assert "search-prod" in here("alerts").out
    assert here("alerts", "--format", "csv").out.count("\n") == 3


def test_no_open_alert_is_good_news(here):
    assert "No alert is open (project=nobody)." in here("alerts", "project=nobody").out


# -- messages ----------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
NOVEMBER = Span(date(2026, 11, 1), date(2026, 12, 1))
HOSTILE = "<!channel> *_~`x` \u202ereversed :red_circle: " + "long " * 60
FIRING = Standing(
    "project-month", "Monthly budget", "9f00aa11bb22", ("project",), ("proj_search",), ("search-prod",), NOVEMBER,
    "November", "firing", "first this period", "80%", "warning", 10_284_170_000_000, 12_000 * DOLLAR, owner="@alice",
)  # fmt: skip
OPENED = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def past(**more):
    of_past = {field.name for field in fields(Past)}
    kept = replace(FIRING, **{key: more.pop(key) for key in list(more) if key not in of_past})
    return Past(**{"standing": kept, "opened_at": OPENED, "ended_at": None, "peak": kept.value} | more)


DEEDS = (
    Deed(NOW, "U1ALICE", "ack", "9f00aa11bb22", "search-prod", {}, {"by": "U1ALICE", "note": HOSTILE}),
    Deed(
        NOW,
        HOSTILE,
        "silence",
        "si_3",
        "",
        {},
        {"matchers": {"project": [HOSTILE]}, "ends_at": "2026-11-23T09:00:00+00:00"},
    ),
    Deed(NOW, "U2BOB", "ack", "9f00aa11bb22", "search-prod", {}, {"refused": "Only operators may do that."}),
    Deed(
        NOW,
        "U2BOB",
        "subscribe",
        "su_3",
        "",
        {},
        {"when": "weekly monday 09:00", "report": "last-week by project", "zone": "UTC"},
    ),
    Deed(
        NOW,
        "U2BOB",
        "more",
        "9f00aa11bb22",
        "search-prod",
        {"amount": 1},
        {"wish": 14_500 * DOLLAR, "reason": "launch"},
    ),
    Deed(NOW, "U2BOB", "share", "C1OPS", "", {}, {"asked": "report mtd by project in C1OPS"}),
    Deed(NOW, "U2BOB", "refresh", "costs", "", {}, {"said": "nothing changed"}),
    Deed(NOW, "U2BOB", HOSTILE, HOSTILE),
)
MOMENTS = (
    Moment(OPENED, "fired", "80%", 9_600 * DOLLAR, "first this period", poll=7, deliveries=(
        Delivery("search-ops", "sent", OPENED), Delivery("C1", "dropped", None, HOSTILE))),
    Moment(OPENED, "silence", reason=HOSTILE, who="U2BOB", after={"silence": "si_3", "ends_at": NOW.isoformat()}),
    Moment(NOW, "silence over", reason="it grew", after={"silence": "si_3"}),
    Moment(NOW, "ack", who="U1ALICE", after={"by": "U1ALICE", "note": "known"}),
)  # fmt: skip


def asked(words):
    return parse(words, NOW.date())


MESSAGES = {
    "history_range": (
        History(Span(date(2026, 10, 24), date(2026, 11, 23)), (
            past(acknowledged_by="U1ALICE", acknowledged_at=NOW, messages=4),
            past(group_names=("labs",), state="ended", ended_at=NOW, reason="the period is over", level="100%", severity="critical"),
        ), DEEDS, (), NOW, NOW), "history 30d"),
    "history_none": (History(Span(date(2026, 10, 24), date(2026, 11, 23)), (), (), (), NOW, NOW), "history 30d severity=info"),
    "history_one": (History(None, (past(acknowledged_by="U1ALICE", acknowledged_at=NOW, messages=4),), (), MOMENTS, NOW, NOW), "history 9f00aa11bb22"),
    "alerts_few": (Alerts(NOW, (
        Alert(replace(FIRING, severity="critical", level="100%"), OPENED, NOW, 11 * DOLLAR, places=(
            Place("#search-ops", 4, 7, "C1", "1.2"), Place("#exec", 5, 2, "C2", "1.3", "nobody has acknowledged it for 24 hours"))),
        Alert(replace(FIRING, acknowledged_by="U2BOB", silenced_by="si_3"), OPENED, NOW, 11 * DOLLAR, OPENED, NOW, HOSTILE),
    ), NOW), "alerts"),
    "alerts_none": (Alerts(NOW, (), NOW, ("Costs were last read 5 hours ago: what was spent since is not in these figures.",)), "alerts"),
    "alerts_many": (Alerts(NOW, tuple(
        Alert(replace(FIRING, group_names=(f"project-{n}",), fingerprint=f"{n:012x}"), OPENED, NOW, n) for n in range(60)
    ), NOW), "alerts severity>=warning"),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_are_what_a_person_has_read(name):
    answer, words = MESSAGES[name]
    body = reply(answer, asked(words))
    check_message(body)
    golden(f"reply_{name}.json", json.dumps(body, indent=1, ensure_ascii=False))


@pytest.mark.parametrize("name", [pytest.param(HOSTILE, id="hostile"), pytest.param("", id="empty"), pytest.param("&<>", id="entities"), pytest.param("x" * 300, id="long")])  # fmt: skip
def test_names_from_outside_stay_names(name):
    odd = {"group_names": (name,), "rule_name": name, "reason": name}
    many = History(
        Span(date(2026, 10, 24), date(2026, 11, 23)),
        tuple(past(**odd) for _ in range(60)),
        DEEDS * 9,
        (),
        NOW,
        NOW,
    )
    one = History(None, (past(**odd, acknowledged_by=name),), (), MOMENTS * 30, NOW, NOW)
    held = tuple(
        Alert(
            replace(FIRING, **odd, acknowledged_by=name),
            OPENED,
            NOW,
            1,
            places=(Place("#" + name, 1, 1, "", "", name),),
        )
        for _ in range(5)
    )
    for told, words in (
        (many, "history 30d"),
        (one, "history 9f00"),
        (Alerts(NOW, held, NOW), "alerts"),
        (Alerts(NOW, held * 9, NOW), "alerts"),
    ):
        body = reply(told, asked(words))
        check_message(body)
        assert "<!channel>" not in body["text"]
        assert not any("<!channel>" in text for text in mrkdwn(body))
        assert sum(map(characters, body["blocks"])) <= 12_000
        for sayer in (history, alerts):
            if sayer.__name__.endswith(type(told).__name__.lower()):
                assert "\u202e" not in sayer.shell(told, "table", asked(words))


def mrkdwn(held):
    if isinstance(held, dict):
        if held.get("type") == "mrkdwn":
            yield held["text"]
        for value in held.values():
            yield from mrkdwn(value)
    elif isinstance(held, list):
        for value in held:
            yield from mrkdwn(value)
