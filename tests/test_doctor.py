"""`doctor`: whatever is wrong has a remedy, and one trouble never hides the next."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler

import pytest

from bot.demo import openai_server
from bot.demo.openai_faults import Status
from bot.edge.store import records
from bot.edge.store.tables import ORGANIZATION
from bot.manifest import OPTIONAL, REQUIRED
from bot.poll import tick
from tests.shell import Here, environment
from tests.standins.slack import HTML, refuse
from tests.syncing import empty_database
from tests.world import SEARCH, world

RULES = """\
version: 1
routes: {ops: {channel: budget-admin}, money: {channel: finance}}
rules:
  - {id: total, kind: budget, select: {}, period: month, amount: 1000, route: money}
"""


@pytest.fixture
def w(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built._clock[0] = datetime.now(UTC)
        built.rules(RULES)
        built.ledger.cost(datetime.now(UTC).date(), SEARCH, "gpt-5.2, output", "1")
        for channel in built.slack.channels.values():
            channel.is_member = True
        yield built


@pytest.fixture
def examined(monkeypatch, capsys):
    here = Here(monkeypatch, capsys)

    def run(w, **more):
        done = here(w.tmp_path, environment(w, **more), "doctor", "--format", "json")
        assert "Traceback" not in done.err, done.err
        found = {finding["what"]: finding for finding in done.json}
        for finding in found.values():
            assert set(finding) == {"what", "state", "said", "remedy"}
            assert finding["remedy"] or finding["state"] != "wrong", finding
        assert done.code == any(finding["state"] == "wrong" for finding in found.values())
        return found

    return run


def test_a_bot_that_is_well_is_exit_0(w, examined):
    found = examined(w)
    assert [finding for finding in found.values() if finding["state"] == "wrong"] == []
    for what in (
        "database",
        "rules",
        "OpenAI costs",
        "clock",
        "Slack",
        "Slack scopes",
        "Slack socket",
        "#finance",
    ):
        assert found[what]["state"] == "ok", what


def test_it_works_with_nothing_at_all(tmp_path, monkeypatch, capsys):
    done = Here(monkeypatch, capsys)(tmp_path, {}, "doctor")
    assert done.code == 1
    for name in ("OPENAI_ADMIN_KEY", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        assert f"WRONG {name}: is not set" in done.out
    assert "3 things to mend." in done.out
    assert "built-in rules: nobody hears them" in done.out
    assert done.err == ""


def hurried(monkeypatch):
    def slow(handler, timestamp=None):
        return format_datetime(datetime.now(UTC) - timedelta(minutes=12), usegmt=True)

    monkeypatch.setattr(openai_server._Handler, "date_time_string", slow)


def kicked(w):
    for channel in w.slack.channels.values():
        channel.is_member = False


def archived(w):
    for channel in w.slack.channels.values():
        channel.is_archived = True


@pytest.mark.parametrize(
    ("break_it", "more", "what", "says"),
    [
        pytest.param(lambda w: w.openai.break_down(Status(401)), {}, "OpenAI costs", "refuses the key", id="key"),
        pytest.param(lambda w: w.openai.break_down(Status(500)), {}, "OpenAI costs", "in trouble", id="outage"),
        pytest.param(lambda w: w.slack.fault("auth.test", refuse("invalid_auth")), {}, "Slack", "invalid_auth", id="bot token"),
        pytest.param(lambda w: w.slack.fault("auth.test", HTML, HTML), {}, "Slack", "http_200", id="Slack in trouble"),
        pytest.param(lambda w: w.slack.fault("apps.connections.open", refuse("invalid_auth")), {}, "Slack socket", "invalid_auth", id="app token"),
        pytest.param(lambda w: setattr(w.slack, "scopes", "commands"), {}, "Slack scopes", "chat:write", id="scopes"),
        pytest.param(kicked, {}, "#finance", "not in it", id="not invited"),
        pytest.param(archived, {}, "#finance", "archived", id="archived"),
        pytest.param(lambda w: w.slack.channels.clear(), {}, "#finance", "not there", id="no such channel"),
        pytest.param(lambda w: w.rules("version: 1\nrules: [{id: x}]\n"), {}, "rules", "error", id="rules"),
        pytest.param(lambda w: None, {"BUDGETBOT_RULES": "gone"}, "rules", "no rules at gone", id="no rules"),
        pytest.param(lambda w: None, {"DATABASE_URL": "mysql://u:canary@h/d"}, "DATABASE_URL", "not spoken here", id="database"),
        pytest.param(lambda w: (w.tmp_path / "budgetbot.db").write_bytes(b"no" * 9999), {}, "database", "damaged", id="damaged"),
        pytest.param(lambda w: None, {"DYNO": "worker.1"}, "DATABASE_URL", "thrown away", id="a disk thrown away"),
        pytest.param(lambda w: None, {"BUDGETBOT_POLL": "x"}, "BUDGETBOT_POLL", "fields", id="schedule"),
        pytest.param(lambda w: None, {"SLACK_API_URL": "http://slack.example/canary"}, "SLACK_API_URL", "in clear", id="address"),
        pytest.param(lambda w: None, {"SLACK_BOT_TOKEN": "canary"}, "SLACK_BOT_TOKEN", "xoxb-", id="no token"),
        pytest.param(lambda w: None, {"OPENAI_ADMIN_KEY": None, "OPENAI_ADMIN_KEY_FILE": "/nowhere"}, "OPENAI_ADMIN_KEY_FILE", "cannot be read", id="file"),
    ],
)  # fmt: skip
def test_each_trouble_is_found_and_hides_no_other(w, examined, break_it, more, what, says):
    break_it(w)
    found = examined(w, **more)
    assert found[what]["state"] == "wrong"
    assert says in found[what]["said"]
    assert "canary" not in str(found)
    wrong = {name for name, finding in found.items() if finding["state"] == "wrong"}
    channels = {name for name in found if name.startswith("#")} | {"channels"}
    assert wrong <= {what} | channels


def test_a_clock_that_is_off_is_found(w, examined, monkeypatch):
    hurried(monkeypatch)
    assert "NTP" in examined(w)["clock"]["remedy"]


NEEDED = "commands,chat:write,channels:read,groups:read,im:write,users:read"


def test_what_is_off_without_an_optional_scope_is_a_note_each(w, examined):
    w.slack.scopes = f"{NEEDED},channels:join,usergroups:read,app_mentions:read"
    found = examined(w)
    assert found["Slack scopes"]["state"] == "ok"
    notes = {what: each["said"] for what, each in found.items() if what.startswith("Slack scope ")}
    assert sorted(notes) == [
        "Slack scope channels:history, groups:history, im:history",
        "Slack scope files:write, files:read",
    ]
    assert "may be repeated" in notes["Slack scope channels:history, groups:history, im:history"]
    assert "picture" in notes["Slack scope files:write, files:read"]


def test_more_scopes_than_anything_needs_are_a_note(w, examined):
    w.slack.scopes = ",".join([*REQUIRED, *OPTIONAL, "chat:write.public"])
    found = examined(w)
    assert found["Slack scopes beyond"]["said"] == "chat:write.public: granted, and nothing needs them"
    assert not [what for what in found if what.startswith("Slack scope ")]


def test_a_bot_that_listens_at_its_own_address_needs_no_socket(w, examined):
    found = examined(w, SLACK_APP_TOKEN=None, SLACK_SIGNING_SECRET="shh")
    assert found["SLACK_SIGNING_SECRET"]["state"] == "ok"
    assert "Slack socket" not in found
    assert [what for what, each in found.items() if each["state"] == "wrong"] == []


CALLED = """\
version: 1
defaults: {route: money}
routes: {ops: {channel: budget-admin}, money: {channel: finance, mention: [U4LEFT, U9NOBODY, "@finance-leads"]}}
teams:
  search: {projects: [search-*], owner: "@search-folk", page: S1GROUP}
rules:
  - {id: total, kind: budget, select: {}, period: month, amount: 1000}
"""


def test_people_and_groups_whom_nobody_finds_are_named(w, examined):
    w.rules(CALLED)
    w.slack.web.groups["S1GROUP"] = ("searchers", ["U1ALICE"])
    w.slack.web.groups["S2GROUP"] = ("finance-leads", ["U1ALICE"])
    found = examined(w, BUDGETBOT_OPERATORS="U1ALICE, searchers, nosuchgroup")
    told = {
        what: (each["state"], each["said"], each["remedy"]) for what, each in found.items() if "(" in what
    }
    assert told == {
        "U4LEFT (route money)": ("wrong", "the account is deactivated", "Write somebody who is there."),
        "U9NOBODY (route money)": (
            "wrong",
            "Slack knows nobody of this id",
            "Write the id of somebody who is there.",
        ),
        "finance-leads (route money)": (
            "note",
            "a handle is written out and calls nobody",
            "Write its id S2GROUP to call the group.",
        ),
        "search-folk (team search)": (
            "note",
            "Slack knows no user group of this name, so it calls nobody",
            "Write ids: U… of a person, S… of a user group.",
        ),
        "nosuchgroup (BUDGETBOT_OPERATORS)": (
            "wrong",
            "Slack knows no user group of this name",
            "Write its handle, or ids of people.",
        ),
    }


def test_handles_are_no_matter_where_nobody_may_look(w, examined):
    w.rules(CALLED.replace("U4LEFT, U9NOBODY, ", ""))
    w.slack.scopes = NEEDED
    assert [what for what in examined(w) if "(" in what] == []


def test_slacks_own_check_takes_what_is_drawn(w, examined, monkeypatch, capsys):
    w.rules(RULES.replace("amount: 1000", "amount: 1"))
    assert Here(monkeypatch, capsys)(w.tmp_path, environment(w), "poll").code == 0
    found = examined(w)
    for what in ("an alert", "a report with its chart", "the Home tab"):
        assert found[f"Slack takes {what}"]["state"] == "ok", found[f"Slack takes {what}"]


def test_what_slacks_own_check_refuses_is_said(w, examined):
    w.slack.fault("blocks.validate", refuse("invalid_message"))
    found = examined(w)
    assert found["Slack takes a report with its chart"]["state"] == "wrong"
    assert found["Slack takes the Home tab"]["state"] == "ok"


def test_a_check_that_cannot_be_reached_is_a_note(w, examined):
    w.slack.fault("blocks.validate", HTML, HTML, HTML)
    found = examined(w)
    assert found["Slack's own check of messages"]["state"] == "note"
    assert not [what for what in found if what.startswith("Slack takes")]


def test_the_home_tab_that_nobody_saw_says_how_it_is_switched_on(w, examined):
    found = examined(w)
    assert (found["Home tab"]["state"], "interactivity" in found["Home tab"]["remedy"]) == ("note", True)
    with w.start().store.writing() as tx:
        tx.exec_driver_sql(
            "INSERT INTO home (organization_id, user_id, opened_at, shown, slack_hash) VALUES (?, 'U1', ?, '', '')",
            (ORGANIZATION, "2025-10-01 00:00:00"),
        )
    assert examined(w)["Home tab"]["said"] == "was opened by 1 person"


def test_a_clock_that_slack_finds_off_is_found(w, examined, monkeypatch):
    def slow(handler, timestamp=None):
        off = 12 if handler.server is w.slack._http else 0
        return format_datetime(datetime.now(UTC) - timedelta(minutes=off), usegmt=True)

    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", slow)
    found = examined(w)
    assert found["clock by Slack's"]["state"] == "wrong"
    assert "NTP" in found["clock by Slack's"]["remedy"]
    assert found["clock"]["state"] == "ok"


def test_what_waits_and_who_refuses_is_told(w, examined):
    w.rules(RULES.replace("amount: 1000", "amount: 1"))
    w.slack.scopes = NEEDED
    kicked(w)
    tick(w.start(), datetime.now(UTC), wait=0)
    found = examined(w)
    assert found["messages"]["said"].endswith("on the way")
    assert "not_in_channel" in found["room #finance"]["said"]
    with w.start().store.writing() as tx:
        tx.exec_driver_sql("UPDATE card SET created_at = ?, due_at = ?", ("2025-10-01 00:00:00",) * 2)
    found = examined(w)
    assert found["messages"]["state"] == "wrong"
    assert "could not be delivered yet" in found["messages"]["said"]


def test_what_says_the_same_of_many_is_one_line_with_a_count(w, monkeypatch, capsys):
    rules = "".join(
        f"  - {{id: r{place}, kind: budget, select: {{}}, period: month, amount: 10}}\n"
        for place in range(12)
    )
    w.rules(f"version: 1\nrules:\n{rules}")
    here = Here(monkeypatch, capsys)
    done = here(w.tmp_path, environment(w, BUDGETBOT_CHANNEL=None), "doctor")
    assert "WRONG rule r0, rule r1, rule r2 and 9 others (12 in all): nobody hears it" in done.out
    assert done.out.count("nobody hears it") == 1
    every = here(w.tmp_path, environment(w, BUDGETBOT_CHANNEL=None), "doctor", "--format", "json")
    assert sum(each["said"] == "nobody hears it" for each in every.json) == 12


def test_a_bot_that_has_slept_for_days_is_found(w, examined):
    """Nothing was wrong with the last poll; that there was none since is."""
    now = datetime.now(UTC)
    with w.start().store.writing() as tx:
        records.poll(tx, now - timedelta(days=3), now, now, ())
    found = examined(w)["polls"]
    assert (found["state"], found["said"]) == ("wrong", "the last one was 3 days ago, so nothing is watched")


def test_the_last_poll_is_told(w, examined, monkeypatch, capsys):
    here = Here(monkeypatch, capsys)
    assert here(w.tmp_path, environment(w), "poll").code == 0
    assert examined(w)["polls"]["state"] == "ok"
    w.openai.fail("/organization/costs", Status(500), 5)
    assert here(w.tmp_path, environment(w), "poll").code == 4
    found = examined(w)
    assert found["polls"]["state"] == "wrong"
    assert "costs" in found["polls"]["said"]
