"""The Home tab: what it shows, that Slack takes it, and when it is shown anew."""

import json
import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot import homing
from bot.core.acknowledge import Acknowledgement
from bot.core.ahead import Ahead
from bot.core.asker import Asker
from bot.core.explanation import Explanation
from bot.core.filters import Filter
from bot.core.home import Home, Open, Trouble, in_order, owned, split
from bot.core.query import Misread, parse
from bot.core.rules.book import Team
from bot.core.silence import Silence
from bot.core.status import Counts, Status
from bot.core.subscription import Subscription
from bot.core.units import USD
from bot.desk import Desk
from bot.edge.slack_app import Socket, build_app
from bot.homing import LOOKED_LATELY
from bot.listen import Listener
from bot.people import FOREIGN, GUEST, People
from bot.render import home
from bot.settings import Settings
from tests.engines import look as peek
from tests.spending import DOLLAR, golden
from tests.standins.slack import SERVER_ERROR, rate_limited, refuse
from tests.standins.slack_views import check_view
from tests.syncing import empty_database
from tests.test_alerts import told
from tests.test_replies import DAILY, FINE, FIRING, KINDS, LEARNING, MONTH, texts
from tests.world import LABS, SEARCH, at, world

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
AS_OF = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
ALICE = Asker("U1ALICE", frozenset({"U1ALICE"}), "Europe/Berlin", "operator")
AHEAD = Ahead(
    "total", "Everything", (), (), (), MONTH, "November", "cost", USD, 41_907 * DOLLAR, 0, 60_000 * DOLLAR,
    total=58_400 * DOLLAR, low=55_100 * DOLLAR, high=61_900 * DOLLAR, probability=0.3, whole=True,
)  # fmt: skip
HOSTILE = "<!channel> *_~` :red_circle: \u202edlo\u2066 " + "x" * 300
WEEKLY = Subscription(
    3, "U1ALICE", "0 9 * * 1", "Europe/Berlin", "weekly monday 09:00", "last-week by project", NOW, NOW
)


def opened(name="search-prod", number=1, **more):
    held = told(name, fingerprint=f"{number:012x}", **more)
    return Open(held.incident, held.telling)


MARKED = replace(
    opened(number=2),
    acknowledgement=Acknowledgement("000000000002", "U2BOB", NOW, 0, "warning"),
    silence=Silence(3, (Filter("project", "=", ("search-prod",)),), "migration", "U2BOB", NOW, NOW),
)
STATUS = Status(AS_OF, (FIRING, DAILY, FINE, LEARNING), (), Counts(3, 3))
FULL = Home(
    ALICE,
    NOW,
    STATUS,
    month=AHEAD,
    alerts=(opened(severity="critical", level="100%", value=12_402), MARKED),
    mine=(FIRING,),
    others=(DAILY, FINE, LEARNING),
    more=3,
    rooms=(Trouble("research", "Slack: is_archived (permanent)"), Trouble("C0123ROOM", "not_in_channel")),
    subscriptions=(WEEKLY,),
    notes=("Costs were last read 5 hours ago: what was spent since is not in these figures.",),
)
MANY = tuple(
    replace(FIRING, group=(f"proj_{n}",), group_names=(f"project {n:03d}",), fingerprint=f"{n:012x}")
    for n in range(300)
)
VIEWS = {
    "full": FULL,
    "empty": Home(ALICE, NOW, Status(None, ()), notes=("No costs are stored yet: the first poll fetches them.",)),
    "guest": replace(FULL, asker=Asker("U3GUEST", why=GUEST), mine=(), subscriptions=(), rooms=()),
    "stranger": Home(Asker("U5STRANGER", why=FOREIGN), NOW, Status(None, ()), hidden="Only for members."),
    "no_budget": replace(
        FULL, month=replace(AHEAD, rule_id="", amount=None), alerts=(), mine=(), others=(), rooms=(), more=0,
        status=Status(AS_OF, ()), subscriptions=(),
    ),
    "over": replace(FULL, month=replace(AHEAD, value=61_000 * DOLLAR, total=72_000 * DOLLAR, estimated=900 * DOLLAR)),
    "no_forecast": replace(FULL, month=replace(AHEAD, why="needs 14 settled days, has 6", total=0, low=0, high=0)),
}  # fmt: skip


def buttons(view):
    for block in view["blocks"]:
        for element in (block.get("accessory"), *(block.get("elements") or ())):
            if element and element["type"] in ("button", "overflow"):
                yield element


def accepted(view):
    """Check a view as Slack would, and return it."""
    check_view(view)
    assert {block["type"] for block in view["blocks"]} <= {
        "section",
        "context",
        "header",
        "divider",
        "actions",
    }
    for element in buttons(view):
        kind, value = element["action_id"].split(".")[0], element.get("value", "")
        if kind == "cmd":
            assert not isinstance(parse(value.partition("|")[2], NOW.date()), Misread), value
        elif kind == "alert":
            values = [option["value"] for option in element.get("options", ())] or [value]
            assert all(re.fullmatch(r"([a-z]+\|)?v1\|[0-9a-f]{12}\|0", each) for each in values), values
        else:
            assert kind == "home"
    for text in texts(view["blocks"]):
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", text)
        assert "<!channel>" not in text
    return view


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_what_a_person_has_read(name):
    view = accepted(home.view(VIEWS[name]))
    golden(f"home_{name}.json", json.dumps(view, indent=1, ensure_ascii=False))


def test_nothing_from_outside_speaks_in_a_view():
    view = accepted(
        home.view(
            replace(
                FULL,
                alerts=(opened(HOSTILE), opened("", 2)),
                mine=(replace(FIRING, group_names=(HOSTILE,), rule_name=HOSTILE),),
                others=(replace(FINE, group_names=("",)), *KINDS),
                rooms=(Trouble(HOSTILE, HOSTILE),),
                notes=(HOSTILE,),
                subscriptions=(replace(WEEKLY, report=f'7d by model project="{HOSTILE}"'),),
            )
        )
    )
    said = str(view)
    assert "(empty)" in said
    assert (
        "x" * 200
        not in "".join(
            block["text"]["text"]
            for block in view["blocks"]
            if "project" in str(block) and "accessory" in block
        )
        or "report 7d" in said
    )


def test_three_hundred_budgets_and_a_hundred_alerts_are_still_one_view():
    crowded = replace(
        FULL,
        alerts=tuple(opened(f"project {n} {HOSTILE}", n) for n in range(100)),
        mine=MANY[:40],
        others=MANY[40:],
        more=10_000,
        subscriptions=tuple(replace(WEEKLY, id=n) for n in range(20)),
        rooms=tuple(Trouble(f"room {n}", HOSTILE) for n in range(50)),
    )
    view = accepted(home.view(crowded))
    assert len(view["blocks"]) <= 100
    said = str(view)
    assert "Your subscriptions" in said
    assert "… 90 more: `/budget alerts`" in said
    shown = said.count("'Explain'")
    assert 0 < shown <= 30
    assert f"… {10_300 - shown:,} more: `/budget status`" in said
    view = accepted(home.view(replace(FULL, alerts=(), mine=(), others=MANY, more=0)))
    assert str(view).count("'Explain'") == 30
    assert "… 270 more" in str(view)


def test_what_is_ones_own_comes_first():
    teams = (
        Team("a", (), owner="@Search-Leads"),
        Team("b", (), owner="U1ALICE"),
        Team("c", (), owner="U2BOB"),
    )
    known = Asker("U1ALICE", frozenset({"U1ALICE", "search-leads"}))
    assert owned(known, teams) == ("@Search-Leads", "U1ALICE")
    assert owned(Asker("U9"), teams) == ()
    theirs = opened("theirs", 1, severity="critical", tell={"owner": "U2BOB"}.items())
    mine = opened("mine", 2, severity="info")
    grave = opened("grave", 3, severity="critical")
    assert in_order((theirs, mine, grave), ["U1ALICE"]) == (grave, mine, theirs)
    rest, more = split((FIRING, DAILY, FINE), (FINE,), 1)
    assert (rest, more) == ((), 0) or rest[0] != FINE


# -- stories ---------------------------------------------------------------------------------------

RULES = """\
version: 1
teams:
  search: {projects: [search-*], owner: U1ALICE}
  labs: {projects: [labs], owner: U2BOB}
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 5000}
  - {id: project-month, kind: budget, title: Project, select: {}, each: project, period: month, amount: 1000}
"""


@pytest.fixture
def breached(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "1200")
        built.ledger.cost("2025-10-03", LABS, "gpt-5.2, input", "990.5")
        built.poll("2025-10-05 12:00")
        built.app.clock = lambda: at("2025-10-05 12:10")
        yield built


@contextmanager
def listening(built, operators=""):
    """The bot in Slack, and its desk."""

    def clock():
        return built.app.clock()

    people = People(built.app.slack, Settings(budgetbot_operators=operators), clock)
    desk = Desk(built.app.store, built.app.rules.last, clock, people, built.app.slack, built.app)
    bolt = build_app(built.settings.slack_bot_token, built.settings.slack_api_url, Listener(desk).handlers)
    socket = Socket(bolt, built.settings.slack_app_token, ping_interval=1)
    socket.connect()
    try:
        built.slack.people.wait_connected()
        yield desk
    finally:
        socket.close()


def rows(built, sql):
    return peek(built.settings.database_url, sql)


def until(true):
    """Wait until something is true; what never is fails."""
    for _ in range(1_000):
        if true():
            return True
        time.sleep(0.01)
    return False


def look(built, user="U1ALICE"):
    """Open the Home tab, wait until it is shown, and return what is seen."""
    before = len(built.slack.said("views.publish"))
    assert built.slack.people.open_home(user).acked
    assert until(lambda: len(built.slack.said("views.publish")) > before)
    assert until(lambda: rows(built, f"SELECT 1 FROM home WHERE user_id = '{user}'"))
    return seen(built, user)


def seen(built, user="U1ALICE"):
    return "\n".join(texts(built.slack.home(user).blocks))


def published(built):
    return len([call for call in built.slack.said("views.publish") if not call.error])


def test_who_looks_sees_the_month_their_own_first_and_what_is_open(breached):
    with listening(breached):
        said = look(breached)
        accepted(breached.slack.home("U1ALICE").held)
        assert "OpenAI spend in October" in said
        assert "*$2,190* so far of $5,000" in said
        assert "data as of 5 Oct 12:00 UTC" in said
        assert (
            said.index("*Yours*")
            < said.index("search-prod", said.index("*Yours*"))
            < said.index("*All others*")
        )
        assert "labs" in said[said.index("*All others*") :]
        assert "*Open alerts* (2)" in said
        assert "None. `/budget subscribe" in said
        bob = look(breached, "U2BOB")
        assert "labs" in bob[bob.index("*Yours*") : bob.index("*All others*")]
        guest = look(breached, "U3GUEST")
        assert "*$2,190* so far" in guest
        assert "Acknowledge" not in guest
        assert "subscriptions" not in guest
        stranger = look(breached, "U5STRANGER")
        assert "$" not in stranger
        assert "its own members alone" in stranger


def test_an_ack_from_home_is_shown_at_once_and_answered(breached):
    with listening(breached):
        look(breached)
        before, view = published(breached), breached.slack.home("U1ALICE")
        breached.slack.people.press(view, "alert.ack")
        assert until(lambda: published(breached) > before)
        said = seen(breached)
        assert "Acknowledged by <@U1ALICE> at 5 Oct 12:10 UTC" in said
        assert "Un-acknowledge" in said
        assert rows(breached, "SELECT who, what FROM audit") == [("U1ALICE", "ack")]
        accepted(breached.slack.home("U1ALICE").held)


def test_a_subscription_is_ended_from_home_and_somebody_elses_is_not(breached):
    with listening(breached) as desk:
        for user in ("U1ALICE", "U2BOB"):
            desk.ask("subscribe weekly monday 09:00", user)
        assert "`report last-week by project`, weekly monday 09:00" in look(breached)
        people, view = breached.slack.people, breached.slack.home("U1ALICE")
        before = published(breached)
        people.press(view, "home.unsubscribe")
        assert until(lambda: published(breached) > before)
        assert "None. `/budget subscribe" in seen(breached)
        assert rows(breached, "SELECT user_id, ended_by FROM subscription ORDER BY id") == [
            ("U1ALICE", "U1ALICE"),
            ("U2BOB", ""),
        ]
        forged = {"type": "button", "action_id": "home.unsubscribe", "block_id": "b", "value": "v1|su_2"}
        people._clicked(forged, "U1ALICE", 3, view=view)
        assert until(lambda: breached.slack.modal() is not None)
        assert "su_2 is not yours" in str(breached.slack.modal().blocks)
        assert rows(breached, "SELECT ended_by FROM subscription WHERE id = 2") == [("",)]


def test_what_asks_for_a_table_is_answered_in_a_direct_message(breached):
    with listening(breached):
        look(breached)
        before = len(breached.slack.messages)
        breached.slack.people.press(breached.slack.home("U1ALICE"), "cmd.run.report")
        assert until(lambda: len(breached.slack.messages) > before)
        message = breached.slack.messages[-1]
        assert message.channel == breached.slack.web._direct("U1ALICE").id
        assert "2,190.50" in str(message.blocks)
        breached.slack.fault("chat.postMessage", refuse("invalid_blocks"))
        breached.slack.people.press(breached.slack.home("U1ALICE"), "cmd.run.report")
        assert until(lambda: len(breached.slack.messages) > before + 1)
        assert "```Project" in str(breached.slack.messages[-1].blocks)


def test_every_button_on_it_is_answered(breached):
    with listening(breached) as desk:
        look(breached)
        view = breached.slack.home("U1ALICE")
        explained = [each["value"] for each in buttons(view.held) if each["action_id"] == "cmd.run.explain"]
        assert len(explained) == 3
        for value in explained:
            told, _ = desk.answered(value.partition("|")[2], "U1ALICE")
            assert isinstance(told, Explanation), told
        pressed = {element["action_id"] for element in buttons(view.held) if element["type"] == "button"} - {
            "home.refresh"
        }
        for action in sorted(pressed):
            answered = len(breached.slack.messages) + len(breached.slack.web.views)
            shown = published(breached)
            breached.slack.people.press(view, action)
            assert until(
                lambda answered=answered, shown=shown: (
                    len(breached.slack.messages) + len(breached.slack.web.views) > answered
                    or published(breached) > shown
                )
            ), action


def test_it_is_shown_again_after_a_poll_that_changed_something_and_not_otherwise(breached):
    with listening(breached) as desk:
        look(breached)
        desk.homes.look()
        first = published(breached)
        desk.homes.look()
        assert published(breached) == first
        breached.ledger.cost("2025-10-05", LABS, "gpt-5.2, input", "200")
        breached.poll("2025-10-05 12:30")
        breached.app.clock = lambda: at("2025-10-05 12:31")
        desk.homes.look()
        assert published(breached) == first + 1
        assert "*$2,390* so far" in seen(breached)
        desk.ask("silence project=search-prod for 2h -- x", "U2BOB")
        desk.homes.look()
        assert published(breached) == first + 2
        assert "si_1" in seen(breached)
        # Who has not looked for an hour is left alone.
        breached.ledger.cost("2025-10-05", LABS, "gpt-5.2, output", "10")
        breached.poll("2025-10-05 13:30")
        breached.app.clock = lambda: at("2025-10-05 12:31") + LOOKED_LATELY
        desk.homes.look()
        assert published(breached) == first + 2


def test_while_the_bot_runs_it_is_kept_up_to_date_and_who_left_is_found(breached, monkeypatch, caplog):
    monkeypatch.setattr(homing, "LOOK", 0.01)
    with listening(breached) as desk:
        look(breached)
        desk.ask("subscribe daily", "U2BOB")
        breached.slack.web.users["U2BOB"]["deleted"] = True
        monkeypatch.setattr(desk.homes, "look", Failing(desk.homes.look))
        desk.homes.start()
        desk.ask("subscribe daily", "U1ALICE")
        assert until(lambda: "daily 09:00" in seen(breached))
        assert until(lambda: rows(breached, "SELECT ended_by FROM subscription WHERE id = 1") == [("gone",)])
        desk.homes.close()
    assert "a bug of the first look" in caplog.text


class Failing:
    """Fails once and does what it should from then on."""

    def __init__(self, work):
        self.work, self.failed = work, False

    def __call__(self):
        if not self.failed:
            self.failed = True
            raise RuntimeError("a bug of the first look")
        self.work()


def test_looking_again_at_the_same_publishes_nothing(breached):
    with listening(breached) as desk:
        look(breached)
        once = published(breached)
        desk.homes.opened("U1ALICE", breached.slack.home("U1ALICE").hash)
        assert published(breached) == once
        desk.homes.opened("U1ALICE", "")  # Slack forgot it
        assert published(breached) == once + 1


def test_forty_people_who_look_at_once_are_all_shown_theirs_from_one_working_out(breached, monkeypatch):
    worked = []
    common = homing.common
    monkeypatch.setattr(homing, "common", lambda *words: worked.append(1) or common(*words))
    users = [f"U{number}MANY" for number in range(40)]
    for user in users:
        breached.slack.web.users[user] = {**breached.slack.web.users["U2BOB"], "name": user.lower()}
    with listening(breached):
        with ThreadPoolExecutor(40) as pool:
            asked = list(pool.map(breached.slack.people.open_home, users))
        assert all(each.acked for each in asked)
        assert until(lambda: all(breached.slack.home(user) for user in users))
        assert until(lambda: rows(breached, "SELECT COUNT(*) FROM home") == [(40,)])
    assert len(worked) == 1


def test_a_conflict_is_shown_over_with_what_is_so_now(breached):
    with listening(breached) as desk:
        look(breached)
        breached.slack.fault("views.publish", refuse("hash_conflict"))
        desk.ask("subscribe daily", "U1ALICE")
        desk.homes.look()
        assert "daily 09:00" in seen(breached)


@pytest.mark.parametrize("fault", [rate_limited(7), SERVER_ERROR, refuse("invalid_arguments")])
def test_a_slack_that_refuses_it_does_no_harm_and_is_asked_again_later(breached, caplog, fault):
    with listening(breached) as desk:
        look(breached)
        desk.ask("subscribe daily", "U1ALICE")
        before = len(breached.slack.said("views.publish"))
        # What is safe to repeat is tried more than once by Slack's edge.
        breached.slack.fault("views.publish", *[fault] * 10)
        desk.homes.look()
        tried = len(breached.slack.said("views.publish"))
        assert tried > before
        assert "home not shown" in caplog.text
        desk.homes.look()
        assert len(breached.slack.said("views.publish")) == tried
        breached.slack._faults.clear()
        breached.app.clock = lambda: at("2025-10-05 12:12")
        desk.ask("subscribe daily 10:00", "U1ALICE")
        desk.homes.look()
        assert "daily 10:00" in seen(breached)


def test_rooms_in_trouble_are_for_operators(breached):
    with closing(sqlite3.connect(breached.tmp_path / "budgetbot.db")) as held:
        held.execute(
            "INSERT INTO room (organization_id, target_kind, target, trouble) VALUES ('default', 'slack', "
            "'research', 'archived')"
        )
        held.commit()
    with listening(breached, operators="U2BOB"):
        assert "#research: archived" in look(breached, "U2BOB")
        assert "research" not in look(breached, "U1ALICE")


def test_an_organization_without_costs_has_a_home_too(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        built.start()
        built.app.rules.now(at("2025-10-05"))
        built.app.clock = lambda: at("2025-10-05 12:10")
        with listening(built):
            said = look(built)
            assert "No costs are stored yet" in said
            assert "$" not in said.replace("$5,000", "")
