"""Environment (and a `.env` file) → frozen settings, read once; everything wrong is named in one message."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from bot.core.errors import SetupWrong

SECRETS = ("OPENAI_ADMIN_KEY", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")

FROM = {
    "OPENAI_ADMIN_KEY": "an owner of the OpenAI organization creates it: Settings, Admin keys; read-only is enough",
    "SLACK_BOT_TOKEN": "your Slack app's page: OAuth & Permissions, it begins with xoxb-",
    "SLACK_APP_TOKEN": "your Slack app's page: Basic Information, App-Level Tokens with connections:write, it begins with xapp-",  # noqa: E501
    "SLACK_SIGNING_SECRET": "your Slack app's page: Basic Information, App Credentials",
}
"""Where a setting comes from."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; secrets never show in `repr`."""

    openai_admin_key: str = field(default="", repr=False)
    openai_base_url: str = "https://api.openai.com/v1"
    slack_bot_token: str = field(default="", repr=False)
    slack_app_token: str = field(default="", repr=False)
    slack_signing_secret: str = field(default="", repr=False)
    slack_api_url: str = "https://slack.com/api/"
    database_url: str = field(default="sqlite:///budgetbot.db", repr=False)
    budgetbot_rules: str = "rules"
    budgetbot_rules_url: str = ""
    budgetbot_rules_rev: str = ""
    budgetbot_poll: str = "*/5 * * * *"
    budgetbot_channel: str = ""
    budgetbot_operators: str = ""
    budgetbot_admins: str = ""
    budgetbot_heartbeat_url: str = field(default="", repr=False)
    port: str = "8000"
    given: frozenset[str] = frozenset()
    """The names that were set, by anyone."""

    @property
    def rules_path(self) -> Path | None:
        """Return where the rules are; None when nobody said and the default folder is not there."""
        path = Path(self.budgetbot_rules)
        return path if path.exists() or "BUDGETBOT_RULES" in self.given else None

    @property
    def channel(self) -> str:
        """Return the channel of rules without any route, without its #."""
        return self.budgetbot_channel.strip().removeprefix("#")


def read(
    environment: Mapping[str, str], needs: Iterable[str] = (), *, dotenv: Path | None = None
) -> Settings:
    """Return the settings; raises SetupWrong that names every missing or malformed one and where it comes from.

    `needs` are the settings the command cannot do without. The environment wins over the `.env` file; an
    empty value counts as absent; `NAME_FILE` holds the path of a file with a secret.
    """
    both = {**_dotenv(dotenv), **{name: value for name, value in environment.items() if value}}
    values: dict[str, str] = {}
    wrong: list[str] = []
    for known in fields(Settings):
        name = known.name.upper()
        if known.name == "given":
            continue
        value = both.get(name, "").strip()
        if not value and name in SECRETS and (path := both.get(f"{name}_FILE", "").strip()):
            try:
                value = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as failed:
                wrong.append(
                    f"{name}_FILE cannot be read ({type(failed).__name__}): give the path of a text file"
                )
                continue
            if not value:
                wrong.append(f"{name}_FILE names an empty file: put the secret into it")
                continue
        if value:
            values[known.name] = value
    settings = Settings(**values, given=frozenset(name.upper() for name in values))
    needed = list(needs)
    named = " ".join(wrong)
    wrong += [
        f"{name} is not set ({FROM.get(name, 'see README, Settings')})"
        for name in needed
        if not getattr(settings, name.lower()) and f"{name}_FILE" not in named
    ]
    wrong += _malformed(settings, needed, environment)
    if wrong:
        raise SetupWrong(
            f"Settings: {'; '.join(wrong)}.", "Set them in the environment or in a .env file here."
        )
    return settings


def _malformed(settings: Settings, needs: list[str], environment: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the settings the command uses; the others are none of its business."""
    wrong: list[str] = []
    for name, prefix in (("SLACK_BOT_TOKEN", "xoxb-"), ("SLACK_APP_TOKEN", "xapp-")):
        value = getattr(settings, name.lower())
        if name in needs and value and not value.startswith(prefix):
            wrong.append(f"{name} does not begin with {prefix} ({FROM[name]})")
    for name in SECRETS:
        value = getattr(settings, name.lower())
        if name in needs and (not (value.isascii() and value.isprintable()) or " " in value):
            wrong.append(f"{name} holds characters no key has: paste it again")
    if "PORT" in needs and not (settings.port.isdecimal() and int(settings.port) < 65536):
        wrong.append("PORT is not a number from 0 to 65535")
    if "BUDGETBOT_POLL" in needs and (problem := _cron(settings.budgetbot_poll)):
        wrong.append(f"BUDGETBOT_POLL {problem}: write five fields such as */5 * * * *")
    if "DATABASE_URL" in needs and environment.get("DYNO") and settings.database_url.startswith("sqlite"):
        wrong.append(
            "DATABASE_URL is SQLite on a host whose disk is thrown away at every restart, and its memory with it: "
            "run the bot on a machine that keeps its disk"
        )
    return wrong


def _cron(expression: str) -> str:
    from bot.core.schedule import problem_of  # noqa: PLC0415 - croniter is loaded only when it is asked

    return problem_of(expression)


def _dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    from dotenv import dotenv_values  # noqa: PLC0415 - most hosts have no such file

    return {name: value for name, value in dotenv_values(path).items() if value}
