"""`doctor`: whatever is wrong has a remedy, and one trouble never hides the next."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bot.demo import openai_server
from bot.demo.openai_faults import Status
from bot.edge.store import records
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
        pytest.param(lambda w: None, {"DATABASE_URL": "mysql://u:canary@h/d"}, "DATABASE_URL", "does not speak", id="database"),
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


def test_what_is_optional_is_a_note(w, examined):
    w.slack.scopes = "commands,chat:write,channels:read,groups:read,im:write,users:read"
    assert examined(w)["Slack scopes, optional"]["state"] == "note"


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
