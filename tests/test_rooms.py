"""Who hears what, and which openings are one message: tables."""

from datetime import UTC, datetime, time, timedelta

import pytest

from bot.core.quiet import Quiet
from bot.core.rooms import Opening, Room, Target, Waiting, ops_room, plan, reached, room_of, rooms_of, team_of
from bot.core.rules.book import Budget, Escalation, Origin, Route, Rulebook, Team
from bot.core.rules.select import Pattern, Scope, Selector
from bot.core.spend import Names

NOW = datetime(2026, 10, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROOM, OTHER = Target("slack", "ai-spend"), Target("slack", "finance")


def opening(name, severity="info", over=0, target=ROOM, first_of=""):
    return Opening(name, f"{name}:fired", Room(target, "r", only="info"), severity, over, first_of)


def told(planned):
    """`a` alone and at once, `b c @60` together in an hour, `+7` joined to message 7."""
    words = []
    for message in planned.messages:
        names = " ".join(each.fingerprint for each in message.openings)
        minutes = int((message.due_at - NOW).total_seconds() // 60)
        words.append(
            names + (f" @{minutes}" if minutes else "") + (f" +{message.joins}" if message.joins else "")
        )
    return words


@pytest.mark.parametrize(
    ("openings", "gathers", "waiting", "messages", "starts"),
    [
        pytest.param([opening("a")], {}, {}, ["a"], True, id="the first speaks at once"),
        pytest.param(
            [opening("a"), opening("b", over=5)], {}, {}, ["b", "a @60"], True, id="the dearest is the first"
        ),
        pytest.param(
            [opening("a")], {ROOM: NOW + HOUR / 2}, {}, ["a @30"], False, id="within the span it waits"
        ),
        pytest.param([opening("a")], {ROOM: NOW}, {}, ["a"], True, id="at its end the span is over"),
        pytest.param(
            [opening("a")],
            {ROOM: NOW + HOUR / 2},
            {ROOM: Waiting(7, NOW + HOUR / 2)},
            ["a @30 +7"],
            False,
            id="and joins what waits already",
        ),
        pytest.param(
            [opening("a")],
            {ROOM: NOW + HOUR / 2},
            {ROOM: Waiting(7, NOW)},
            ["a @30"],
            False,
            id="but not what was hurried off",
        ),
        pytest.param(
            [opening("a", "critical"), opening("b", "critical")],
            {ROOM: NOW + HOUR / 2},
            {},
            ["a", "b"],
            False,
            id="critical speaks at once, each alone",
        ),
        pytest.param(
            [opening("a", "critical"), opening("b"), opening("c")],
            {},
            {},
            ["a", "b", "c @60"],
            True,
            id="critical does not take the place of the first mild one",
        ),
        pytest.param(
            [opening("a", "critical"), opening("b"), opening("c"), opening("d")],
            {ROOM: NOW + HOUR / 2},
            {},
            ["a b c d"],
            False,
            id="more than three are one, critical included",
        ),
        pytest.param(
            [opening(name) for name in "abcd"],
            {},
            {},
            ["a b c d"],
            True,
            id="a flood starts the gathering too",
        ),
        pytest.param(
            [opening(name) for name in "abcd"],
            {ROOM: NOW + HOUR / 2},
            {},
            ["a b c d @30"],
            False,
            id="a mild flood waits where the room gathers",
        ),
        pytest.param(
            [opening("a", first_of="r1"), opening("b", first_of="r1"), opening("c")],
            {},
            {},
            ["a b", "c"],
            True,
            id="a new rule speaks once, beside the old ones",
        ),
        pytest.param(
            [opening("a"), opening("b", target=OTHER)],
            {},
            {},
            ["a", "b"],
            True,
            id="every room gathers on its own",
        ),
        pytest.param([], {}, {}, [], False, id="nothing"),
    ],
)
def test_what_is_one_message(openings, gathers, waiting, messages, starts):
    planned = plan(openings, gathers, waiting, NOW)
    assert told(planned) == messages
    assert (ROOM in planned.gathers) is starts
    if starts:
        assert planned.gathers[ROOM] == NOW + HOUR


TEAMS = (
    Team("search", (Pattern("search-*"),), "search-ops", "U1ALICE", "S1PAGE"),
    Team("silent", (Pattern("quiet-*"),)),
    Team("rest", (Pattern("labs"),), "labs-room"),
)
NAMES = Names(
    {
        ("project", "p1"): "search-prod",
        ("project", "p2"): "quiet-one",
        ("project", "p3"): "labs",
        ("project", "p4"): "x",
    }
)
ROUTES = {
    "all": Route("all", channel="ai-spend"),
    "boss": Route("boss", user="U9BOSS", only="critical", mention=("U9BOSS",)),
}


def rule(route="", each=("project",), **select):
    terms = tuple((key, tuple(Pattern(text) for text in texts)) for key, texts in select.items())
    return Budget(
        id="r", kind="budget", origin=Origin("a", 1), route=route, scope=Scope(Selector(terms), each=each)
    )


@pytest.mark.parametrize(
    ("of", "group", "default", "rooms"),
    [
        pytest.param(rule("team"), ("p1",), "all", ["search-ops"], id="the team of the project"),
        pytest.param(rule("team"), ("p2",), "all", ["ai-spend"], id="a team without a channel"),
        pytest.param(rule("team"), ("p4",), "all", ["ai-spend"], id="a project without a team"),
        pytest.param(rule("team"), ("",), "all", ["ai-spend"], id="rows without a project"),
        pytest.param(rule("team"), ("p4",), "team", ["fallback"], id="the default is team as well"),
        pytest.param(rule("boss"), ("p1",), "all", ["U9BOSS"], id="a person"),
        pytest.param(rule(), ("p1",), "boss", ["U9BOSS"], id="the default route"),
        pytest.param(rule(), ("p1",), "", ["fallback"], id="no route at all"),
        pytest.param(rule("team", ("team",)), ("search",), "all", ["search-ops"], id="each: team"),
        pytest.param(
            rule("team", (), project=["search-*"]),
            (),
            "all",
            ["search-ops"],
            id="selected projects of one team",
        ),
        pytest.param(
            rule("team", (), project=["search-*", "labs"]), (), "all", ["ai-spend"], id="of two teams"
        ),
        pytest.param(rule("team", (), team=["rest"]), (), "all", ["labs-room"], id="a selected team"),
        pytest.param(rule("team", ("model",)), ("gpt-5.2",), "all", ["ai-spend"], id="models have no team"),
    ],
)
def test_where_a_rule_speaks(of, group, default, rooms):
    book = Rulebook(teams=TEAMS, routes=ROUTES, default_route=default)
    assert [room.target.address for room in rooms_of(book, of, group, NAMES, "fallback")] == rooms


def test_a_teams_room_mentions_its_owner_and_its_pager():
    book = Rulebook(teams=TEAMS, routes=ROUTES, default_route="all")
    (room,) = rooms_of(book, rule("team"), ("p1",), NAMES, "")
    assert room.mention == ("U1ALICE", "S1PAGE")
    assert team_of(book, rule().scope, ("p1",), NAMES).name == "search"


def test_a_floor_lets_graver_ones_through():
    (room,) = rooms_of(Rulebook(routes=ROUTES), rule("boss"), ("p1",), NAMES, "")
    assert [room.hears(severity) for severity in ("info", "warning", "critical")] == [False, False, True]


def test_nobody_hears_without_a_route_and_a_fallback():
    assert rooms_of(Rulebook(), rule(), ("p1",), NAMES, "") == ()
    assert ops_room(Rulebook(), "") is None


@pytest.mark.parametrize(
    ("routes", "default", "room"),
    [
        pytest.param({**ROUTES, "ops": Route("ops", channel="admin")}, "all", "admin", id="the route ops"),
        pytest.param(ROUTES, "all", "ai-spend", id="the default one"),
        pytest.param(ROUTES, "team", "fallback", id="a default of teams is none"),
    ],
)
def test_where_the_bot_speaks_of_itself(routes, default, room):
    assert ops_room(Rulebook(routes=routes, default_route=default), "fallback").target.address == room


NIGHTS = Quiet("nights", time(11), time(14))
"""NOW, 12:00, is at night here."""


def nightly(name, severity="info", over=0, *, first_of="", urgent=False, quiet=NIGHTS):
    room = Room(ROOM, "r", only="info", quiet=quiet)
    return Opening(name, f"{name}:fired", room, severity, over, first_of, urgent=urgent)


@pytest.mark.parametrize(
    ("openings", "gathers", "waiting", "messages"),
    [
        pytest.param([nightly("a")], {}, {}, ["a @120"], id="mild waits for the morning"),
        pytest.param([nightly("a", "critical")], {}, {}, ["a"], id="critical passes"),
        pytest.param([nightly("a", urgent=True)], {}, {}, ["a"], id="what has grown passes"),
        pytest.param(
            [nightly("a"), nightly("b", "warning"), nightly("c", "critical")],
            {},
            {},
            ["b a @120", "c"],
            id="what waits is one message",
        ),
        pytest.param(
            [nightly("a")], {}, {ROOM: Waiting(7, NOW + 2 * HOUR)}, ["a @120 +7"], id="and joins what waits"
        ),
        pytest.param(
            [nightly("a")],
            {ROOM: NOW + HOUR / 2},
            {ROOM: Waiting(7, NOW + HOUR / 2)},
            ["a @120 +7"],
            id="what would have come at night comes in the morning",
        ),
        pytest.param(
            [nightly(name) for name in "abcde"], {}, {}, ["a b c d e @120"], id="a flood waits like the rest"
        ),
        pytest.param(
            [nightly("a", first_of="r"), nightly("b", first_of="r")],
            {},
            {},
            ["a b @120"],
            id="a new rule too",
        ),
        pytest.param(
            [
                nightly("a", quiet=Quiet("x", time(12, 30), time(15))),
                nightly("b", quiet=Quiet("x", time(12, 30), time(15))),
            ],
            {},
            {},
            ["a", "b @180"],
            id="what gathers into the night comes in the morning",
        ),
    ],
)
def test_what_waits_for_the_morning(openings, gathers, waiting, messages):
    planned = plan(openings, gathers, waiting, NOW)
    assert told(planned) == messages
    for message in planned.messages:
        assert message.why.startswith("quiet until 2026-10-10T1" if message.due_at > NOW else "")


def test_a_room_and_those_that_hear_next():
    book = Rulebook(
        routes={
            "a": Route("a", "one", escalate=Escalation(HOUR, "b"), quiet="nights"),
            "b": Route("b", user="boss", escalate=Escalation(HOUR, "c"), remind=None),
            "c": Route("c", "one"),
        },
        quiets={"nights": NIGHTS},
        timezone="Europe/Berlin",
        default_route="a",
    )
    first = rooms_of(book, Budget("r", "budget", Origin("f", 1)), (), Names(), "")
    found = reached(book, first)
    assert [target.address for target in found] == ["one", "boss"]
    assert (first[0].quiet, first[0].zone) == (NIGHTS, "Europe/Berlin")
    assert first[0].quiet_until(NOW - HOUR) == NOW  # 13:00 in Berlin; at 14:00 the night is over
    assert first[0].quiet_until(NOW) is None
    assert room_of(book, "nowhere") is None
