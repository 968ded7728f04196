"""What people order: the words, who may, and the shell and Slack that carry it out."""

import time
from datetime import UTC, date, datetime, timedelta
from getpass import getuser
from threading import Event

import pytest

from bot.core.errors import Unanswered
from bot.core.filters import Filter
from bot.core.money import NANO
from bot.core.ordering import ends_at
from bot.core.query import Misread, parse
from bot.core.question import Query
from bot.core.roles import may, role_of
from bot.desk import Desk
from bot.edge.slack import Identity, Person, Slack, SlackTrouble
from bot.edge.slack_app import Socket, build_app
from bot.listen import Listener
from bot.people import KEPT, PATIENCE, STALE, People
from bot.settings import Settings
from tests.engines import held, look
from tests.shell import Here, environment
from tests.syncing import empty_database
from tests.world import SEARCH, at, world

TODAY = date(2026, 11, 22)  # a Sunday
RULES = """\
version: 1
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 1000}
"""

# -- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "command"),
    [
        pytest.param("ack 9F3C", "ack 9f3c", id="ack"),
        pytest.param("ack 9f3c21aa01bc – known load test", None, id="a lone dash is no reason"),
        pytest.param(
            "ack 9f3c21aa01bc — known load test", 'ack 9f3c21aa01bc -- "known load test"', id="a long dash is"
        ),
        pytest.param("ack 9f3c abcd because planned", "ack 9f3c abcd -- planned", id="two, because"),
        pytest.param("unack 9f3c", "unack 9f3c", id="unack"),
        pytest.param("unsilence si_3", "unsilence si_3", id="unsilence"),
        pytest.param(
            "silence project=labs for 2d -- migration to v2",
            'silence project=labs for 2d -- "migration to v2"',
            id="silence",
        ),
        pytest.param(
            "silence for 4h severity>=warning label=tier=prod wake=$1,500 -- x = 5, y = “6”",
            'silence severity>=warning label="tier=prod" for 4h wake=+$1500 -- "x = 5, y = 6"',
            id="any order, and a reason that looks like a filter",
        ),
        pytest.param(
            "silence 9f3c until over -- it's fine", 'silence 9f3c until over -- "it\'s fine"', id="until over"
        ),
        pytest.param("silence 9f3c until 18:00 -- x", "silence 9f3c until 18:00 -- x", id="until a time"),
        pytest.param(
            "silence team=payments until 2026-12-01 -- freeze &amp; thaw",
            'silence team=payments until 2026-12-01 -- "freeze & thaw"',
            id="entities",
        ),
        pytest.param("silence ?", "help silence", id="help"),
    ],
)
def test_an_order_is_understood_and_can_be_said_again(text, command):
    order = parse(text, TODAY)
    if command is None:
        assert isinstance(order, Misread)
        return
    assert isinstance(order, Query), order
    assert order.command == command
    assert parse(order.command, TODAY) == order


def test_the_parts_of_an_order():
    order = parse(
        ["silence", "project=search-*,labs", "until", "monday", "wake=+$250.50", "--", "load test"], TODAY
    )
    assert order == Query(
        "silence",
        filters=(Filter("project", "=", ("search-*", "labs")),),
        lasts="until monday",
        wake=250_500_000_000,
        reason="load test",
    )


@pytest.mark.parametrize(
    ("text", "problem", "corrections"),
    [
        pytest.param("ack", "needs a fingerprint", ("alerts",), id="ack what"),
        pytest.param("silence for 2d -- x", "what it is to hold back", ("alerts",), id="silence what"),
        pytest.param(
            "silence labs for 2d -- x", "labs", ("silence project=labs for 2d -- x",), id="a bare name"
        ),
        pytest.param(
            "silence project=labs -- x",
            "must end",
            ("silence project=labs for 4h -- x", "silence project=labs for 24h -- x"),
            id="no end",
        ),
        pytest.param("silence project=labs for 2d", "needs a reason", ("help silence",), id="no reason"),
        pytest.param(
            "silence project=labs for 2 days -- x",
            "is written “for 2d”",
            ("silence project=labs for 2d -- x",),
            id="two words",
        ),
        pytest.param(
            "silence project=labs 2d -- x", "is written", ("silence project=labs for 2d -- x",), id="no for"
        ),
        pytest.param(
            "silence project=labs for ever -- x",
            "needs a duration",
            ("silence project=labs for 4h -- x",),
            id="ever",
        ),
        pytest.param(
            "silence project=labs until 25:00 -- x",
            "needs a day",
            ("silence project=labs until tomorrow -- x",),
            id="no such time",
        ),
        pytest.param(
            "silence project=labs for 2d until monday -- x",
            "two ends",
            ("silence project=labs for 2d -- x",),
            id="two ends",
        ),
        pytest.param(
            "silence project=labs until over -- x",
            "name it by its fingerprint",
            ("silence project=labs for 24h -- x",),
            id="over, of what",
        ),
        pytest.param(
            "silence project=labs for 2d wake=much -- x",
            "wake",
            ("silence project=labs for 2d wake=+$500 -- x", "silence project=labs for 2d -- x"),
            id="wake",
        ),
        pytest.param("ack 9f3c project=labs", "project", ("ack 9f3c",), id="ack takes no filter"),
        pytest.param("ack 9f3c public", "takes no “public”", ("ack 9f3c",), id="nothing is shared"),
        pytest.param(
            "silense project=labs for 2d -- x", "silense", ("silence project=labs for 2d -- x",), id="a typo"
        ),
    ],
)
def test_an_order_that_lacks_something_is_never_guessed(text, problem, corrections):
    misread = parse(text, TODAY)
    assert isinstance(misread, Misread), misread
    assert problem in misread.problem
    assert misread.corrections[: len(corrections)] == corrections


@pytest.mark.parametrize(
    ("lasts", "ends"),
    [
        pytest.param("for 90m", "2026-11-20 15:30", id="minutes"),
        pytest.param("for 1w", "2026-11-27 14:00", id="a week"),
        pytest.param("until 18:00", "2026-11-20 17:00", id="later today in Berlin"),
        pytest.param("until 15:00", "2026-11-21 14:00", id="the time it is: tomorrow"),
        pytest.param("until tomorrow", "2026-11-20 23:00", id="tomorrow begins at midnight"),
        pytest.param("until monday", "2026-11-22 23:00", id="monday"),
        pytest.param("until friday", "2026-11-26 23:00", id="on a friday, the next one"),
        pytest.param("until month-end", "2026-11-30 23:00", id="month's end"),
        pytest.param("until 2026-12-24", "2026-12-23 23:00", id="a day"),
        pytest.param("until over", None, id="over"),
    ],
)
def test_when_a_silence_ends_by_the_clocks_of_the_book(lasts, ends):
    now = at("2026-11-20 14:00")  # a Friday, 15:00 in Berlin
    assert ends_at(lasts, now, "Europe/Berlin") == (at(ends) if ends else None)


# -- roles -----------------------------------------------------------------------------------------


def test_roles():
    assert role_of({"U1"}, (), ()) == "operator"
    assert role_of({"U1"}, {"U2"}, ()) == "viewer"
    assert role_of({"U1", "S1"}, {"S1"}, {"U9"}) == "operator"
    assert role_of({"U1", "S1"}, {"S1"}, ()) == "admin"
    assert role_of({"U1"}, {"U1"}, {"U1"}) == "admin"
    day = timedelta(hours=24)
    assert may("operator") == may("operator", day) == may("admin", 31 * day) == ""
    assert "admins" in may("operator", day + timedelta(seconds=1))
    assert "operators" in may("viewer")
    assert may("viewer", owns=True) == may("viewer", day, owns=True) == ""
    assert "admins" in may("viewer", day + timedelta(seconds=1), owns=True)


@pytest.fixture
def looked_up(tmp_path):
    with world(tmp_path) as built:
        clock = [datetime(2026, 11, 22, 12, tzinfo=UTC)]
        built.slack.web.groups = {"S1OPS": ("budget-ops", ["U1ALICE"]), "S2BOSSES": ("Bosses", ["U2BOB"])}
        built.slack.scopes = "commands,chat:write,users:read,usergroups:read"

        def people(operators="", admins=""):
            settings = Settings(budgetbot_operators=operators, budgetbot_admins=admins)
            slack = Slack(built.slack.bot_token, built.slack.api_url)
            return People(slack, settings, lambda: clock[0])

        yield built.slack, people, clock


@pytest.mark.parametrize(
    ("user", "why"),
    [
        pytest.param("U3GUEST", "Guests", id="guest"),
        pytest.param("U4LEFT", "deactivated", id="left"),
        pytest.param("U5STRANGER", "another workspace", id="stranger"),
        pytest.param("U0NOBODY", "does not say who you are", id="unknown"),
    ],
)
def test_who_is_no_full_member_may_change_nothing(looked_up, user, why):
    _, people, _ = looked_up
    known = people(operators=user).look_up(user)
    assert why in known.why
    assert known.role == "viewer"


@pytest.mark.parametrize(
    ("operators", "admins", "roles"),
    [
        pytest.param("", "", ("operator", "operator"), id="nobody is named"),
        pytest.param("U1ALICE", "", ("admin", "viewer"), id="by id; without an admin operators are admins"),
        pytest.param("U1ALICE", "U9", ("operator", "viewer"), id="by id, and somebody else is admin"),
        pytest.param(" @budget-ops , U9", "S2BOSSES", ("operator", "admin"), id="handle and group id"),
        pytest.param("bosses", "U9", ("viewer", "operator"), id="handle in another case"),
        pytest.param("nobody-knows-it", "", ("viewer", "viewer"), id="no such group"),
    ],
)
def test_operators_and_admins_are_people_or_groups(looked_up, operators, admins, roles):
    _, people, _ = looked_up
    asked = people(operators, admins)
    assert tuple(asked.look_up(user).role for user in ("U1ALICE", "U2BOB")) == roles


def test_a_group_is_believed_for_a_while_and_then_not(looked_up):
    slack, people, clock = looked_up
    asked = people("S1OPS", "U9")
    assert asked.look_up("U1ALICE").role == "operator"
    slack.web.groups = {"S1OPS": ("budget-ops", [])}
    assert asked.look_up("U1ALICE").role == "operator"
    clock[0] += KEPT + timedelta(seconds=1)
    assert asked.look_up("U1ALICE").role == "viewer"
    slack.web.groups = {"S1OPS": ("budget-ops", ["U1ALICE"])}
    clock[0] += KEPT + timedelta(seconds=1)
    assert asked.look_up("U1ALICE").role == "operator"
    slack.scopes = "commands,chat:write,users:read"
    clock[0] += STALE - timedelta(seconds=1)
    assert asked.look_up("U1ALICE").role == "operator"
    clock[0] += timedelta(seconds=2)
    assert "does not say" in asked.look_up("U1ALICE").why


class Directory:
    """Slack, asked who is who: it counts the questions, and is silent on request."""

    def __init__(self):
        self.asked = []
        self.silent = ""
        """What it does not answer; `*` is everything."""
        self.leads = frozenset({"U1ALICE"})
        self.answered = Event()

    def _said(self, what):
        self.asked.append(what)
        self.answered.set()
        if self.silent in ("*", what):
            raise SlackTrouble("passing", "ratelimited")

    def user(self, user_id):
        self._said(user_id)
        called = "leads" if user_id == "U3EVE" else user_id.lower()
        return Person(user_id, called, "T1", "UTC", is_bot=False, is_restricted=False, deleted=False)

    def whoami(self):
        return Identity("T1", "example", "U1BOT", "B1BOT", None)

    def groups(self):
        self._said("groups")
        return {"leads": "S1LEADS"}

    def members(self, group_id):
        self._said(group_id)
        return self.leads


@pytest.fixture
def directory():
    clock = [datetime(2026, 11, 22, 12, tzinfo=UTC)]
    asked = Directory()

    def people(operators="", admins=""):
        settings = Settings(budgetbot_operators=operators, budgetbot_admins=admins)
        return People(asked, settings, lambda: clock[0])

    return asked, people, clock


def test_who_somebody_is_is_asked_again_before_it_is_needed(directory):
    asked, people, clock = directory
    of = people("leads", "U9")
    assert of.known("U1ALICE") is None
    assert of.look_up("U1ALICE").role == "operator"
    assert of.known("U1ALICE").role == "operator"
    before = list(asked.asked)
    clock[0] += KEPT / 2 + timedelta(seconds=1)
    asked.leads, asked.answered = frozenset(), Event()
    assert of.look_up("U1ALICE").role == "operator"  # nobody waits for the newer answer
    assert asked.answered.wait(10)
    deadline = time.monotonic() + 10
    while of.look_up("U1ALICE").role == "operator" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert of.look_up("U1ALICE").role == "viewer"
    assert len(asked.asked) == 2 * len(before)


def test_a_slack_that_is_silent_is_not_asked_by_every_click(directory):
    asked, people, clock = directory
    of = people("leads", "U9")
    asked.silent = "*"
    for _ in range(5):
        assert "does not say who you are" in of.look_up("U1ALICE").why
    assert asked.asked == ["U1ALICE"]
    asked.silent = ""
    clock[0] += PATIENCE + timedelta(seconds=1)
    assert of.look_up("U1ALICE").role == "operator"


def test_what_somebody_owns_is_told_by_ids_and_groups_and_never_by_a_name_of_their_own(directory):
    _, people, _ = directory
    of = people("U9", "U9")
    hers = of.look_up("U1ALICE", {"@leads", "U2BOB", "u1alice"})
    assert hers.owns(["@leads"])
    assert hers.owns(["U1ALICE"])
    assert not hers.owns(["U2BOB"])
    assert not hers.owns(["", "@"])
    eve = of.look_up("U3EVE", {"@leads"})
    assert "leads" in eve.known_as  # what is called hers may be shown to her
    assert not eve.owns(["@leads"])


def test_a_group_that_slack_does_not_tell_of_takes_nothing_from_who_needs_it_not(directory):
    asked, people, _ = directory
    of = people("U1ALICE,leads", "U9")
    asked.silent = "S1LEADS"
    assert (of.look_up("U1ALICE").role, of.look_up("U1ALICE").why) == ("operator", "")
    assert "does not say which groups you are in" in of.look_up("U2BOB").why
    asked.silent = "S7OTHERS"
    other = people("leads", "U9")
    assert (other.look_up("U2BOB", {"S7OTHERS"}).role, other.look_up("U2BOB", {"S7OTHERS"}).why) == (
        "viewer",
        "",
    )


# -- Slack -----------------------------------------------------------------------------------------


@pytest.fixture
def breached(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "1200")
        built.poll("2025-10-05 12:00")
        yield built


def rows(built, sql):
    return look(built.settings.database_url, sql)


def mark(built):
    return rows(built, "SELECT fingerprint FROM incident")[0][0]


def test_people_order_in_slack_and_guests_do_not(breached):
    breached.app.clock = lambda: at("2025-10-05 12:10")
    settings = Settings()
    people = People(breached.app.slack, settings, breached.app.clock)
    listener = Listener(Desk(breached.app.store, breached.app.rules.last, breached.app.clock, people))
    bolt = build_app(breached.settings.slack_bot_token, breached.settings.slack_api_url, listener.handlers)
    socket = Socket(bolt, breached.settings.slack_app_token, ping_interval=1)
    socket.connect()
    try:
        slack = breached.slack.people
        slack.wait_connected()

        def say(words, user="U1ALICE"):
            (answer,) = slack.slash(words, user=user).wait()
            assert answer["response_type"] == "ephemeral"
            return answer["text"]

        assert say(f"ack {mark(breached)}", "U3GUEST") == "Guests may look, and change nothing."
        assert rows(breached, "SELECT * FROM acknowledgement") == []
        assert "is acknowledged: no reminder" in say(f"ack {mark(breached)}")
        assert "already, by <@U1ALICE> at 5 Oct 12:10 UTC" in say(f"ack {mark(breached)[:4]}", "U2BOB")
        assert "more than 24 hours" in say("silence rule=total for 2d -- x")
        assert say("silence rule=total for 2h -- <!channel>").startswith(
            "si_1 holds back rule=total until 5 Oct 14:10 UTC (16:10 in Europe/Berlin): &lt;!channel&gt;."
        )
        assert "critical 100%, silenced" in str(slack.slash("status").wait())
        clicked = slack.click("cmd.run.0", "v1|unsilence si_1", user="U2BOB").wait()
        assert clicked[0]["text"] == "si_1 is over: what it held back is said with the next poll."
        assert rows(breached, "SELECT who, what, after ->> 'refused' FROM audit ORDER BY id") == [
            ("U3GUEST", "ack", "Guests may look, and change nothing."),
            ("U1ALICE", "ack", None),
            (
                "U1ALICE",
                "silence",
                "Silences of more than 24 hours are for admins: BUDGETBOT_ADMINS names them.",
            ),
            ("U1ALICE", "silence", None),
            ("U2BOB", "unsilence", None),
        ]
    finally:
        socket.close()


def test_a_database_that_cannot_be_written_is_said_and_changes_nothing(breached):
    class Busy:
        def writing(self):
            raise Unanswered("The database is busy.", "Try again.")

    said = []
    people = People(breached.app.slack, Settings(), breached.app.clock)
    desk = Desk(breached.app.store, breached.app.rules.last, breached.app.clock, people)
    listener = Listener(desk)
    desk.store = Busy()
    listener.command({"text": "ack 9f3c", "user_id": "U1ALICE"}, said.append)
    assert said[0]["text"] == "The database is busy. Nothing was changed."


# -- the shell -------------------------------------------------------------------------------------


def test_a_shell_orders_under_the_systems_name(breached, monkeypatch, capsys):
    here, now = Here(monkeypatch, capsys), "2025-10-05T12:10:00Z"

    def order(*words):
        return here(breached.tmp_path, environment(breached), *words, "--now", now)

    def talk(*words):
        before, place = words[: words.index("--")], words.index("--")
        return here(breached.tmp_path, environment(breached), *before, "--now", now, *words[place:])

    done = talk("ack", mark(breached), "--", "load", "test --now")
    assert (done.code, done.said) == (0, [])
    assert "is acknowledged" in done.out
    ((who, after),) = rows(breached, "SELECT who, after FROM audit")
    assert (who, held(after)["note"]) == (getuser(), "load test --now")
    again = order("ack", mark(breached))
    assert (again.code, f"already, by {getuser()} at" in again.out) == (0, True)
    unknown = order("ack", "0000")
    assert unknown.code == 2
    assert "No alert has the fingerprint 0000" in unknown.err
    lacks = order("silence", "rule=total", "for", "20d")
    assert lacks.code == 2
    assert "needs a reason" in lacks.err
    long = talk("silence", "rule=total", "for", "20d", "wake=+$500", "--", "planned")
    assert (long.code, "si_1 holds back rule=total until 25 Oct 12:10 UTC" in long.out) == (0, True)
    assert rows(breached, "SELECT wake_nano, made_by FROM silence") == [(500 * NANO, getuser())]
    status = order("status", "--format", "json").json["rules"][0]
    assert (status["acknowledged_by"], status["silenced_by"]) == (getuser(), "si_1")
    assert order("unsilence", "si_1").code == 0
    assert order("unack", mark(breached)).code == 0
    assert "WORDS" in order("silence", "--help").out
