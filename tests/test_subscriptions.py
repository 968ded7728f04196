"""`subscribe` and `unsubscribe`: when a report comes, to whom, and how it ends."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.asker import Asker
from bot.core.outcome import Outcome
from bot.core.query import parse
from bot.core.subscription import MOST, Subscription, Subscriptions, cron_of, report_of, zone_of
from bot.desk import Desk
from bot.people import People
from bot.questions import Asked, answering
from bot.render.answers import subscribe as said
from bot.render.replies import reply
from bot.settings import Settings
from bot.subscribing import FORM, look_for_leavers
from tests.engines import look
from tests.standins.slack import SERVER_ERROR, refuse
from tests.standins.slack_rules import check_message
from tests.syncing import empty_database
from tests.world import LABS, SEARCH, at, world

TODAY = date(2026, 11, 22)
BERLIN = "Europe/Berlin"
RULES = """\
version: 1
defaults: {timezone: Europe/Berlin}
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 100000}
"""

# -- when ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "cron", "report"),
    [
        pytest.param("daily", "0 9 * * *", "yesterday by project", id="daily"),
        pytest.param("weekly", "0 9 * * 1", "last-week by project", id="weekly"),
        pytest.param("weekly sunday 23:05", "5 23 * * 0", "last-week by project", id="cron's sunday is 0"),
        pytest.param("monthly 28 18:30 by day", "30 18 28 * *", "last-month by day", id="monthly"),
        pytest.param(
            "daily 08:30 7d by model,project project=search-prod top=5 nochart raw",
            "30 8 * * *",
            "7d by model,project project=search-prod top=5 nochart raw",
            id="all words",
        ),
    ],
)
def test_what_is_subscribed_to_can_be_asked_again(words, cron, report):
    query = parse(f"subscribe {words}", TODAY)
    assert (cron_of(query.when), report_of(query)) == (cron, report)
    assert parse(f"report {report}", TODAY).command == f"report {report}"


def test_a_zone_nobody_knows_is_the_books_or_utc():
    assert zone_of("", BERLIN) == BERLIN
    assert zone_of("Mars/Olympus", "../etc/passwd", "America/New_York") == "America/New_York"
    assert zone_of("") == "UTC"


NIGHTS = {"spring": ("2026-03-28 12:00", 29), "autumn": ("2026-10-24 12:00", 25)}


@pytest.mark.parametrize("night", NIGHTS)
@pytest.mark.parametrize(
    "clock", ["00:00", "01:59", "02:00", "02:30", "02:59", "03:00", "03:30", "09:00", "23:59"]
)
def test_a_daily_report_is_due_once_on_both_nights_the_clocks_change(night, clock):
    begin, day = NIGHTS[night]
    made = at(begin)
    each = Subscription(1, "U1", cron_of(f"daily {clock}"), BERLIN, f"daily {clock}", "7d", made, made)
    found = []
    for minutes in range(10, 48 * 60, 10):
        now = made + timedelta(minutes=minutes)
        assert each.next(now).astimezone(UTC) > now
        if (due := each.due(now)) is not None:
            found.append(due.astimezone(ZoneInfo(BERLIN)))
            each = replace(each, last_at=due)
    left_out = night == "spring" and clock.startswith("02")  # comes at once after the hour that is not there
    changing, other = (due for due in sorted(found, key=lambda due: due.day != day))
    assert (changing.day, f"{changing:%H:%M}", changing.fold) == (day, "03:00" if left_out else clock, 0)
    assert (abs(other.day - day), f"{other:%H:%M}") == (1, clock)


# -- words -----------------------------------------------------------------------------------------


@pytest.fixture
def built(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        for day in range(1, 32):
            built.ledger.cost(f"2026-10-{day:02d}", SEARCH, "gpt-5.2, output", "40")
            built.ledger.cost(f"2026-10-{day:02d}", LABS, "gpt-5.2, input", "2.5")
        built.poll("2026-10-22 12:00")
        yield built


def rows(built, sql):
    return look(built.settings.database_url, sql)


def desk_at(built, moment):
    built.app.clock = lambda: at(moment)
    people = People(built.app.slack, Settings(budgetbot_operators="U9OPS"), built.app.clock)
    return Desk(built.app.store, built.app.rules.last, built.app.clock, people, built.app.slack, built.app)


def texts(body):
    return body["text"] + str(body.get("blocks"))


def test_a_viewer_subscribes_lists_and_ends_it_and_all_of_it_is_audited(built):
    desk = desk_at(built, "2026-10-22 12:05")  # a Thursday
    made = desk.ask("subscribe weekly monday 09:00 by project", "U1ALICE")
    check_message({key: made[key] for key in ("text", "blocks")})
    assert made["text"] == (
        "su_1 comes to you alone, report last-week by project, weekly monday 09:00 (Europe/Berlin), "
        "next on 26 Oct 09:00. unsubscribe su_1 ends it."
    )
    again = desk.ask("subscribe weekly monday 09:00", "U1ALICE")
    assert again["text"].startswith("su_1 says that already")
    assert rows(built, "SELECT COUNT(*) FROM subscription") == [(1,)]

    listed = desk.ask("subscribe list", "U1ALICE")
    check_message({key: listed[key] for key in ("text", "blocks")})
    assert "Mon 26 Oct 09:00 (Europe/Berlin)" in texts(listed)
    button = listed["blocks"][1]["accessory"]
    assert (button["action_id"], button["value"]) == ("cmd.run.unsubscribe", "v1|unsubscribe su_1")

    assert "You have no subscriptions" in desk.ask("subscribe", "U2BOB")["text"]
    assert "su_1 is not yours" in desk.ask("unsubscribe su_1", "U2BOB")["text"]
    assert "no subscription su_7" in desk.ask("unsubscribe su_7", "U2BOB")["text"]
    assert "nothing to end" in desk.ask("unsubscribe all", "U2BOB")["text"]
    assert rows(built, "SELECT ended_at FROM subscription") == [(None,)]

    assert desk.ask("subscribe daily 08:00", "U1ALICE")["text"].startswith("su_2 comes")
    assert "su_1 is over" in desk.ask("unsubscribe su_1", "U1ALICE")["text"]
    assert "over already" in desk.ask("unsubscribe su_1", "U1ALICE")["text"]
    assert "su_2 is over" in desk.ask("unsubscribe all", "U1ALICE")["text"]
    assert rows(built, "SELECT who, what, subject FROM audit ORDER BY id") == [
        ("U1ALICE", "subscribe", "su_1"),
        ("U1ALICE", "subscribe", "su_2"),
        ("U1ALICE", "unsubscribe", "su_1"),
        ("U1ALICE", "unsubscribe", "su_2"),
    ]
    assert rows(built, "SELECT ended_by FROM subscription") == [("U1ALICE",), ("U1ALICE",)]


def test_several_are_ended_together_or_not_at_all(built):
    desk = desk_at(built, "2026-10-22 12:05")
    desk.ask("subscribe daily", "U1ALICE")
    desk.ask("subscribe daily", "U2BOB")
    assert "su_2 is not yours" in desk.ask("unsubscribe su_1 su_2", "U1ALICE")["text"]
    assert rows(built, "SELECT COUNT(*) FROM subscription WHERE ended_at IS NULL") == [(2,)]


@pytest.mark.parametrize(
    ("user", "why"),
    [
        pytest.param("U3GUEST", "Guests may look", id="guest"),
        pytest.param("U5STRANGER", "another workspace", id="stranger"),
    ],
)
def test_who_is_no_full_member_subscribes_to_nothing(built, user, why):
    assert why in desk_at(built, "2026-10-22 12:05").ask("subscribe daily", user)["text"]
    assert rows(built, "SELECT COUNT(*) FROM subscription") == [(0,)]


def test_twenty_are_enough(built):
    desk = desk_at(built, "2026-10-22 12:05")
    for hour in range(MOST):
        assert "comes to you alone" in desk.ask(f"subscribe daily {hour:02d}:00", "U1ALICE")["text"]
    assert "20 is the most" in desk.ask("subscribe daily 23:00", "U1ALICE")["text"]
    assert "comes to you alone" in desk.ask("subscribe daily 23:00", "U2BOB")["text"]


def test_in_a_shell_it_must_be_said_whose_it_is(built):
    now = at("2026-10-22 12:05")

    def ask(words, who):
        query = parse(words, now.date())
        asker = Asker(who, frozenset({who}), role="admin")
        rules = built.app.rules.last(now)
        return answering(query.verb).answer(Asked(built.app.store, rules, query, now, asker=asker)), query

    for words in ("subscribe daily", "subscribe list", "unsubscribe all"):
        told, _ = ask(words, "root")
        assert isinstance(told, Outcome)
        assert (told.refused, told.done) == (True, False)
    ask("subscribe daily 07:15 by model", "U0123ABCD")
    told, query = ask("subscribe list", "U0123ABCD")
    assert said.shell(told, "table", query).splitlines() == [
        "id    when         report              next",
        "su_1  daily 07:15  yesterday by model  Fri 23 Oct 07:15 (Europe/Berlin)",
    ]
    assert '"next": "2026-10-23T05:15:00Z"' in said.shell(told, "json", query)
    assert (
        said.shell(told, "csv", query).splitlines()[1].startswith("su_1,U0123ABCD,daily 07:15,Europe/Berlin")
    )
    assert said.shell(Subscriptions((), now), "table", query) == "There are no subscriptions."


def test_a_list_of_hostile_words_is_still_a_message():
    now = datetime(2026, 11, 22, tzinfo=UTC)
    report = 'last-week by project project="<!channel> *_~`\u202e ' + "x" * 300 + '"'
    rows_ = tuple(
        Subscription(n, "U1", "0 9 * * *", BERLIN, "daily 09:00", report, now, now) for n in range(MOST)
    )
    body = reply(Subscriptions(rows_, now))
    check_message({key: body[key] for key in ("text", "blocks")})
    assert "<!channel>" not in texts(body)
    assert "\u202e" not in texts(body)


# -- delivery --------------------------------------------------------------------------------------


def digests(built):
    return [message for message in built.posts if "Your subscription" in str(message.blocks)]


def test_a_subscription_comes_once_as_a_direct_message_on_both_nights(built):
    desk = desk_at(built, "2026-10-24 12:00")
    desk.ask("subscribe daily 02:30 by project", "U1ALICE")
    for halves in range(12):
        moment = at("2026-10-24 22:10") + timedelta(minutes=30 * halves)
        built.poll(f"{moment:%Y-%m-%d %H:%M}")
    # 02:30 on the 25th comes twice; it is said in the first of the two, 00:30 UTC.
    keys = [key for (key,) in rows(built, "SELECT key FROM card WHERE form = 'subscription'")]
    assert keys == ["su:1:2026-10-25T00:30:00+00:00"]
    (message,) = digests(built)
    assert message.channel == built.slack.web._direct("U1ALICE").id
    assert "$42.50" in str(message.blocks)
    assert "search-prod" in str(message.blocks)
    assert "Your subscription, daily 02:30 (Europe/Berlin)" in str(message.blocks)


def test_in_spring_too(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2026-03-27", SEARCH, "gpt-5.2, output", "40")
        built.poll("2026-03-28 12:00")
        desk_at(built, "2026-03-28 12:00").ask("subscribe daily 02:30", "U1ALICE")
        for halves in range(8):
            moment = at("2026-03-28 23:40") + timedelta(minutes=30 * halves)
            built.poll(f"{moment:%Y-%m-%d %H:%M}")
        keys = [key for (key,) in rows(built, "SELECT key FROM card WHERE form = 'subscription'")]
        assert keys == ["su:1:2026-03-29T01:00:00+00:00"]  # there is no 02:30: at 03:00, which follows 01:59
        assert len(digests(built)) == 1


def test_what_was_slept_through_comes_once_the_last_of_it(built):
    desk_at(built, "2026-10-22 12:00").ask("subscribe daily 09:00", "U1ALICE")
    built.poll("2026-10-27 12:00")
    built.poll("2026-10-27 12:10")
    keys = [key for (key,) in rows(built, "SELECT key FROM card WHERE form = 'subscription'")]
    assert keys == ["su:1:2026-10-27T08:00:00+00:00"]


def test_what_ended_comes_no_more_and_two_people_get_their_own(built):
    desk = desk_at(built, "2026-10-22 12:00")
    for user in ("U1ALICE", "U2BOB"):
        desk.ask("subscribe daily 09:00", user)
    built.poll("2026-10-23 09:00")
    desk.ask("unsubscribe all", "U2BOB")
    built.poll("2026-10-24 09:00")
    rooms = [message.channel for message in digests(built)]
    alice, bob = (built.slack.web._direct(user).id for user in ("U1ALICE", "U2BOB"))
    assert rooms == [alice, bob, alice]


def test_a_report_that_can_be_asked_no_more_is_left_out_and_the_others_come(built, caplog):
    desk = desk_at(built, "2026-10-22 12:00")
    desk.ask("subscribe daily 09:00", "U1ALICE")
    desk.ask("subscribe daily 09:00 by model", "U1ALICE")
    with built.app.store.writing() as tx:
        tx.exec_driver_sql("UPDATE subscription SET report = 'last-week by nonsense' WHERE id = 1")
    built.poll("2026-10-23 09:00")
    assert len(digests(built)) == 1
    assert "no report can be asked so" in caplog.text


@pytest.mark.parametrize("code", ["user_not_found", "user_disabled", "channel_not_found"])
def test_who_cannot_be_reached_gets_no_more_of_it_and_nobody_else_gets_it(built, code, caplog):
    desk_at(built, "2026-10-22 12:00").ask("subscribe daily 09:00", "U1ALICE")
    desk_at(built, "2026-10-22 12:00").ask("subscribe weekly friday 20:00", "U1ALICE")
    built.slack.fault("chat.postMessage", refuse(code))
    built.poll("2026-10-23 09:00")
    assert rows(built, "SELECT ended_by FROM subscription") == [("gone",), ("gone",)]
    assert rows(built, f"SELECT state FROM notice JOIN card ON card.id = card_id WHERE form = '{FORM}'") == [
        ("dropped",)
    ]
    assert rows(built, "SELECT who, what, subject FROM audit WHERE who = 'budgetbot'") == [
        ("budgetbot", "unsubscribe", "su_1"),
        ("budgetbot", "unsubscribe", "su_2"),
    ]
    assert "subscriptions ended" in caplog.text
    built.poll("2026-10-24 09:00")
    assert built.posts == []


def test_what_slack_forbids_us_ends_nobodys_subscription_and_is_tried_for_a_day(built):
    desk_at(built, "2026-10-22 12:00").ask("subscribe daily 09:00", "U1ALICE")
    # The courier's clock is the app's.
    for moment in ("2026-10-23 07:00", "2026-10-23 08:30", "2026-10-24 08:00"):
        built.slack.fault("chat.postMessage", refuse("messages_tab_disabled"))
        built.app.clock = lambda moment=moment: at(moment)
        built.poll(moment, wait=0)
    assert rows(built, "SELECT ended_at FROM subscription") == [(None,)]
    states = rows(built, f"SELECT state FROM notice JOIN card ON card.id = card_id WHERE form = '{FORM}'")
    assert states[0] == ("dropped",)
    assert all("messages come here" not in str(message.blocks) for message in built.posts)


def test_who_left_is_found_once_a_day(built):
    desk = desk_at(built, "2026-10-22 12:00")
    for user in ("U1ALICE", "U2BOB"):
        desk.ask("subscribe daily 09:00", user)
    store, slack = built.app.store, built.app.slack
    asked = len(built.slack.said("users.info"))
    look_for_leavers(store, slack, at("2026-10-22 13:00"))
    look_for_leavers(store, slack, at("2026-10-22 14:00"))
    assert len(built.slack.said("users.info")) == asked + 2
    built.slack.web.users["U2BOB"]["deleted"] = True
    look_for_leavers(store, slack, at("2026-10-23 13:00"))
    assert rows(built, "SELECT user_id, ended_by FROM subscription ORDER BY id") == [
        ("U1ALICE", ""),
        ("U2BOB", "gone"),
    ]


def test_a_slack_that_does_not_answer_makes_nobody_leave(built):
    desk_at(built, "2026-10-22 12:00").ask("subscribe daily 09:00", "U1ALICE")
    built.slack.down = SERVER_ERROR
    with pytest.raises(Exception, match="Slack"):
        look_for_leavers(built.app.store, built.app.slack, at("2026-10-23 13:00"))
    assert rows(built, "SELECT ended_at FROM subscription") == [(None,)]
