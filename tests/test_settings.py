"""Settings as they are met: everything wrong at once, where it comes from, and never a secret."""

from pathlib import Path

import pytest

from bot.core.errors import SetupWrong
from bot.settings import SECRETS, Settings, read, survey

KEY, BOT, APP = "sk-admin-canary", "xoxb-canary-bot", "xapp-canary-app"
GOOD = {"OPENAI_ADMIN_KEY": KEY, "SLACK_BOT_TOKEN": BOT, "SLACK_APP_TOKEN": APP}
POLL = ("OPENAI_ADMIN_KEY", "SLACK_BOT_TOKEN", "DATABASE_URL", "BUDGETBOT_POLL", "BUDGETBOT_RULES_URL")


def refused(environment, needs=POLL, dotenv=None):
    with pytest.raises(SetupWrong) as caught:
        read(environment, needs, dotenv=dotenv)
    return str(caught.value)


def test_everything_wrong_is_said_at_once_and_nothing_of_it_repeated():
    said = refused(
        {
            "OPENAI_BASE_URL": "http://me:canary-password@openai.example",
            "SLACK_BOT_TOKEN": "canary-token",
            "SLACK_API_URL": "http://slack.example/canary-path",
            "DATABASE_URL": "mysql://me:canary-password@db.example/budget",
            "BUDGETBOT_POLL": "every five minutes",
            "BUDGETBOT_RULES_URL": "https://git.example/canary/{path}",
        }
    )
    for name in ("OPENAI_ADMIN_KEY", "OPENAI_BASE_URL", "SLACK_BOT_TOKEN", "SLACK_API_URL"):
        assert f"{name} " in said
    for name in ("DATABASE_URL", "BUDGETBOT_POLL", "BUDGETBOT_RULES_URL"):
        assert f"{name} " in said
    assert "Admin keys" in said  # where the key comes from
    assert "OAuth & Permissions" in said
    assert "canary" not in said


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        pytest.param("OPENAI_ADMIN_KEY", " ", "is not set", id="blank is absent"),
        pytest.param("OPENAI_ADMIN_KEY", "sk-admin-canary one", "characters", id="a blank inside"),
        pytest.param("OPENAI_ADMIN_KEY", "sk-admin-canaryé", "characters", id="a key that is no ASCII"),
        pytest.param("OPENAI_ADMIN_KEY", "sk-admin-canary\nSLACK", "characters", id="two lines"),
        pytest.param("OPENAI_BASE_URL", "http://api.example/v1", "in clear", id="a key in clear"),
        pytest.param("OPENAI_BASE_URL", "ftp://127.0.0.1/v1", "is not an address", id="no http"),
        pytest.param("OPENAI_BASE_URL", "api.openai.com", "is not an address", id="no scheme"),
        pytest.param("OPENAI_BASE_URL", "https://u:p@api.example", "a user", id="userinfo"),
        pytest.param("OPENAI_BASE_URL", "http://localhost.evil.example", "in clear", id="almost loopback"),
        pytest.param("SLACK_API_URL", "http://slack.example/api/", "in clear", id="a token in clear"),
        pytest.param("SLACK_BOT_TOKEN", "xapp-1-canary", "xoxb-", id="the other token"),
        pytest.param("DATABASE_URL", "budget.db", "not an address", id="a path alone"),
        pytest.param("DATABASE_URL", "mysql://h/d", "not spoken here", id="another database"),
        pytest.param("DATABASE_URL", "sqlite:///b.db?mode=ro", "more than the path", id="a query"),
        pytest.param("BUDGETBOT_POLL", "* * * *", "BUDGETBOT_POLL", id="four fields"),
        pytest.param("BUDGETBOT_POLL", "0 9 31 2 *", "BUDGETBOT_POLL", id="a day that never comes"),
        pytest.param("BUDGETBOT_RULES_URL", "javascript:alert(1)", "address of a rule", id="no web address"),
        pytest.param("BUDGETBOT_RULES_URL", "https://g.example/{rev", "address of a rule", id="open brace"),
    ],
)
def test_a_malformed_setting_is_refused_with_a_remedy(name, value, says):
    said = refused({**GOOD, name: value})
    assert name in said
    assert says in said
    assert "canary" not in said


@pytest.mark.parametrize(
    "needs", [pytest.param((), id="check"), pytest.param(("DATABASE_URL",), id="report")]
)
def test_a_command_demands_only_what_it_uses(needs, tmp_path):
    wrong = dict.fromkeys(("SLACK_BOT_TOKEN", "OPENAI_BASE_URL", "BUDGETBOT_POLL", "PORT"), "canary")
    wrong |= {f"{name}_FILE": str(tmp_path / "nothing") for name in SECRETS}
    assert read(wrong, needs).slack_bot_token == "canary"


def test_an_address_is_looked_at_by_those_who_send_their_secret_there():
    wrong = {**GOOD, "SLACK_API_URL": "http://slack.example/"}
    assert read(wrong, ("OPENAI_ADMIN_KEY",)).openai_admin_key == KEY
    assert "SLACK_API_URL" in refused(wrong, ("SLACK_BOT_TOKEN",))


def test_a_secret_comes_from_a_file_too(tmp_path):
    file = tmp_path / "key"
    file.write_text(f"\ufeff{KEY}\n", encoding="utf-8")
    assert read({"OPENAI_ADMIN_KEY_FILE": str(file)}, ("OPENAI_ADMIN_KEY",)).openai_admin_key == KEY


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "cannot be read", id="nothing there"),
        pytest.param(b"", "empty file", id="empty"),
        pytest.param(b"\xff\xfe\x00canary", "cannot be read", id="no text"),
        pytest.param(b"sk-admin-canary\nsk-admin-canary-2\n", "characters", id="two keys"),
    ],
)
def test_a_file_without_a_secret_is_named(tmp_path, content, says):
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    said = refused({"OPENAI_ADMIN_KEY_FILE": str(file)}, ("OPENAI_ADMIN_KEY",))
    assert says in said
    assert said.count("OPENAI_ADMIN_KEY") == 1
    assert "canary" not in said


def env_file(folder, text):
    (folder / ".env").write_text(text, encoding="utf-8")
    return folder / ".env"


@pytest.mark.parametrize(
    ("environment", "written", "used"),
    [
        pytest.param({}, "OPENAI_ADMIN_KEY=sk-file", "sk-file", id="the file"),
        pytest.param({"OPENAI_ADMIN_KEY": "sk-env"}, "OPENAI_ADMIN_KEY=sk-file", "sk-env", id="both"),
        pytest.param({"OPENAI_ADMIN_KEY": "  "}, "OPENAI_ADMIN_KEY=sk-file", "sk-file", id="blank is absent"),
        pytest.param({}, 'export OPENAI_ADMIN_KEY="sk-file" # mine', "sk-file", id="quoted, exported"),
        pytest.param({}, "OPENAI_ADMIN_KEY=sk-$HOME-${HOME}", "sk-$HOME-${HOME}", id="a $ is a $"),
        pytest.param({}, "\ufeffOPENAI_ADMIN_KEY=sk-file\r\n", "sk-file", id="written on Windows"),
    ],
)
def test_the_environment_wins_over_the_file(tmp_path, environment, written, used):
    found = read(environment, ("OPENAI_ADMIN_KEY",), dotenv=env_file(tmp_path, written))
    assert found.openai_admin_key == used


def test_a_secrets_file_of_the_environment_wins_over_the_env_file(tmp_path):
    (tmp_path / "key").write_text("sk-mounted", encoding="utf-8")
    dotenv = env_file(tmp_path, "OPENAI_ADMIN_KEY=sk-file")
    found = read({"OPENAI_ADMIN_KEY_FILE": str(tmp_path / "key")}, ("OPENAI_ADMIN_KEY",), dotenv=dotenv)
    assert found.openai_admin_key == "sk-mounted"


def test_an_env_file_that_is_no_text_is_named_only_where_settings_are_needed(tmp_path):
    (tmp_path / ".env").write_bytes(b"OPENAI_ADMIN_KEY=\xff\xfe\xfa")
    assert read({}, (), dotenv=tmp_path / ".env").openai_admin_key == ""
    assert ".env cannot be read" in refused(GOOD, ("OPENAI_ADMIN_KEY",), dotenv=tmp_path / ".env")


def test_sqlite_is_refused_where_the_disk_is_thrown_away():
    said = refused({**GOOD, "DYNO": "worker.1"}, ("DATABASE_URL",))
    assert "disk is thrown away" in said
    assert "machine that keeps its disk" in said
    assert read({**GOOD, "DYNO": "worker.1"}, ("OPENAI_ADMIN_KEY",)).openai_admin_key == KEY


def test_what_is_wrong_can_be_listed_beside_what_is_right():
    settings, wrong = survey({"SLACK_BOT_TOKEN": BOT, "BUDGETBOT_POLL": "x"}, POLL)
    assert settings.slack_bot_token == BOT
    assert [problem.name for problem in wrong] == ["OPENAI_ADMIN_KEY", "BUDGETBOT_POLL"]


def test_no_secret_shows_in_repr():
    held = {**GOOD, "SLACK_SIGNING_SECRET": "canary-signing", "DATABASE_URL": "sqlite:////canary/db"}
    shown = repr(read(held, POLL))
    assert "canary" not in shown
    assert read(held, POLL).secrets == (KEY, BOT, APP, "canary-signing")


def test_the_default_rules_folder_may_be_absent_and_a_named_one_may_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Settings().rules_path is None
    assert read({"BUDGETBOT_RULES": "gone"}).rules_path == Path("gone")
    (tmp_path / "rules").mkdir()
    assert Settings().rules_path == Path("rules")
