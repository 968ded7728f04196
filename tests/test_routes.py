"""`check --routes`: who hears what, told from the rules alone."""

from datetime import date

import pytest

from bot.core.routes import routing
from bot.edge.rule_files import load_texts
from bot.render.routes import as_text, described
from tests.shell import Here

HEAD = """\
version: 1
defaults: {route: finops, thresholds: [50%, 80%, 100%]}
teams:
  search:   {projects: [search-*, ranker], channel: search-ops, owner: search-leads, page: search-oncall}
  payments: {projects: [payments-*, fraud], channel: pay-alerts}
  labs:     {projects: lab-*}
routes:
  finops: {channel: ai-spend, quiet: nights, gather: 90m, escalate: {after: 36h, to: exec}}
  exec:   {user: cfo, only: critical, remind: never}
  ops:    {channel: budget-admin, mention: [ann, bob]}
quiet:
  nights: {hours: 20:00-08:00, weekends: true}
rules:
"""
BUDGET = "  - {id: %s, kind: budget, select: {}, period: month, amount: 9}\n"


def rule(name="a", **keys):
    held = {"id": name, "kind": "budget", "select": "{}", "period": "month", "amount": "9"} | keys
    return "  - {" + ", ".join(f"{key}: {value}" for key, value in held.items() if value) + "}\n"


def hearing(*rules, head=HEAD, fallback="", today=date(2026, 11, 1)):
    loaded = load_texts({"a.yaml": head + "".join(rules)})
    assert loaded.book is not None, loaded.problems
    return routing(loaded.book, today, fallback)


def heard_in(told):
    """Room → rule → what it hears, with the teams it hears of."""
    return {
        f"{'@' if room.person else '#'}{room.room.target.address}": {
            one.rule: " ".join((*(level.label or level.severity for level in one.levels), *one.teams))
            for one in room.rules
        }
        for room in told.rooms
    }


ALL = "50% 80% 100%"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param({}, {"#ai-spend": ALL}, id="the default route"),
        pytest.param({"route": "exec"}, {"@cfo": "100%"}, id="a route with a floor"),
        pytest.param(
            {"route": "team", "each": "project"},
            {"#search-ops": ALL, "#pay-alerts": ALL, "#ai-spend": f"{ALL} labs (no team)"},
            id="every team that has a channel, the others in the default room",
        ),
        pytest.param(
            {"route": "team", "each": "project", "except": "{team: payments}"},
            {"#search-ops": ALL, "#ai-spend": f"{ALL} labs (no team)"},
            id="without a team that is left out",
        ),
        pytest.param(
            {"route": "team", "each": "[model, team]", "select": "{team: [search, payments]}"},
            {"#search-ops": ALL, "#pay-alerts": ALL},
            id="the teams that are selected",
        ),
        pytest.param(
            {"route": "team", "select": "{project: [ranker, fraud]}", "each": "project"},
            {"#search-ops": ALL, "#pay-alerts": ALL},
            id="the teams of projects that are written out",
        ),
        pytest.param(
            {"route": "team", "select": "{project: [ranker, search-x]}", "each": "model"},
            {"#search-ops": ALL},
            id="one group of one team",
        ),
        pytest.param(
            {"route": "team", "select": "{project: [ranker, fraud]}"},
            {"#ai-spend": f"{ALL} (no team)"},
            id="one group of two teams is nobody's",
        ),
        pytest.param(
            {"route": "team", "select": "{project: s*}"},
            {"#search-ops": ALL, "#pay-alerts": ALL, "#ai-spend": f"{ALL} labs (no team)"},
            id="a pattern may mean any team",
        ),
        pytest.param({"route": "team", "select": "{team: search}"}, {"#search-ops": ALL}, id="one team"),
        pytest.param(
            {"route": "team"}, {"#ai-spend": f"{ALL} (no team)"}, id="everything together is no team's"
        ),
    ],
)
def test_a_rule_is_followed_to_its_rooms(keys, expected):
    told = heard_in(hearing(rule(**keys)))
    assert {room: rules["a"] for room, rules in told.items() if "a" in rules} == expected


def test_levels_below_every_floor_are_told_with_the_reason():
    told = hearing(rule("a", route="exec"), rule("b"))
    (deaf,) = told.unheard
    assert (deaf.rule, [level.label for level in deaf.levels]) == ("a", ["50%", "80%"])
    assert deaf.why == 'route "exec" hears only critical'


def test_what_no_team_owns_may_be_heard_by_nobody():
    head = HEAD.replace("route: finops, ", "")
    told = hearing(rule("a", route="team", each="project"), head=head)
    assert set(heard_in(told)) == {"#search-ops", "#pay-alerts", "#budget-admin", "@cfo"}
    (deaf,) = told.unheard
    assert deaf.teams == ("labs", "(no team)")
    assert "BUDGETBOT_CHANNEL" in deaf.why


def test_rules_without_any_route_speak_in_the_channel_of_the_settings():
    head = "version: 1\nrules:\n"
    assert heard_in(hearing(BUDGET % "a", head=head, fallback="budgets")) == {"#budgets": {"a": ALL}}
    alone = hearing(BUDGET % "a", head=head)
    assert alone.rooms == ()
    assert [one.rule for one in alone.unheard] == ["a"]


def test_a_critical_above_is_a_level_too():
    told = hearing(rule("a", critical_above="$50", thresholds="[80%]"))
    assert heard_in(told)["#ai-spend"] == {"a": "80% $50 over"}


DIGEST = 'digests: [{id: weekly, schedule: "0 9 * * MON", report: last-week, route: finops}]\n'


def test_it_reads_as_a_page():
    rules = (rule("a", each="project", route="team"), rule("b", enabled="false"), rule("c", route="exec"))
    assert as_text(hearing(*rules, DIGEST)).splitlines() == [
        "#search-ops: team search, gathers for 1h, reminds at 09:00, mentions @search-leads and @search-oncall at critical",
        "    a: 50% info, 80% warning, 100% critical",
        "",
        "#pay-alerts: team payments, gathers for 1h, reminds at 09:00",
        "    a: 50% info, 80% warning, 100% critical",
        "",
        "#ai-spend: route finops, gathers for 90m, quiet 20:00-08:00 and weekends (wakes for +$500), reminds at 09:00, escalates to exec after 36h",
        "    a: 50% info, 80% warning, 100% critical, of team labs and of what has no team",
        "    b (inactive): 50% info, 80% warning, 100% critical",
        "    digest weekly",
        "",
        "@cfo: route exec, critical only",
        "    c: 100% critical",
        "    what nobody acknowledges in route finops",
        "",
        "#budget-admin: route ops, gathers for 1h, reminds at 09:00, mentions @ann and @bob at critical",
        "    the bot's own trouble",
        "",
        "nobody hears",
        '    c: 50% info, 80% warning: route "exec" hears only critical',
    ]


def test_it_reads_as_json():
    rooms = described(hearing(rule("a", each="project", route="team"), DIGEST))["rooms"]
    by_address = {room["channel"] or room["user"]: room for room in rooms}
    finops = by_address["ai-spend"]
    assert finops | {"rules": None} == {
        "channel": "ai-spend",
        "user": None,
        "webhook": None,
        "route": "finops",
        "team": None,
        "only": "info",
        "gather": "90m",
        "mention": [],
        "quiet": {"name": "nights", "begins": "20:00", "ends": "08:00", "weekends": True, "wake_usd": "500"},
        "remind": "09:00",
        "escalate": {"after": "36h", "to": "exec"},
        "rules": None,
        "digests": ["weekly"],
        "escalated_from": [],
        "ops": False,
    }
    assert finops["rules"] == [
        {
            "rule": "a",
            "active": True,
            "teams": ["labs", None],
            "levels": [
                {"level": "50%", "severity": "info"},
                {"level": "80%", "severity": "warning"},
                {"level": "100%", "severity": "critical"},
            ],
        }
    ]
    assert (by_address["search-ops"]["team"], by_address["search-ops"]["rules"][0]["teams"]) == (
        "search",
        None,
    )
    assert (by_address["cfo"]["user"], by_address["cfo"]["escalated_from"]) == ("cfo", ["finops"])
    assert by_address["budget-admin"]["ops"]


@pytest.fixture
def here(monkeypatch, capsys):
    return Here(monkeypatch, capsys)


def test_the_command_says_it_after_the_problems(tmp_path, here):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("version: 1\nrules:\n" + BUDGET % "a", encoding="utf-8")
    done = here(tmp_path, {"BUDGETBOT_CHANNEL": "budgets"}, "check", "--routes")
    assert done.code == 0
    assert done.out.splitlines() == [
        "0 errors, 0 warnings in 1 file, 1 rule",
        "",
        "#budgets: BUDGETBOT_CHANNEL, gathers for 1h, reminds at 09:00",
        "    a: 50% info, 80% warning, 100% critical",
        "    the bot's own trouble",
    ]
    told = here(tmp_path, {"BUDGETBOT_CHANNEL": "budgets"}, "check", "--routes", "--format", "json").json
    assert (told["errors"], told["routes"]["rooms"][0]["channel"]) == (0, "budgets")
    assert "routes" not in here(tmp_path, {}, "check", "--format", "json").json


def test_nobody_knows_who_hears_rules_with_errors(tmp_path, here):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("version: 1\nrulez: []\n", encoding="utf-8")
    done = here(tmp_path, {"BUDGETBOT_CHANNEL": "budgets"}, "check", "--routes")
    assert done.code == 1
    assert "#budgets" not in done.out
    assert here(tmp_path, {}, "check", "--routes", "--format", "json").json["routes"] is None
