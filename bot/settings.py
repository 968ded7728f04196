"""Environment (and a `.env` file) → frozen settings, read once; everything wrong is named in one message."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from bot.core.errors import SetupWrong

if TYPE_CHECKING:
    from bot.edge.webhook import Hook

SECRETS = (
    "OPENAI_ADMIN_KEY",
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "BUDGETBOT_HEARTBEAT_URL",
)

FROM = {
    "OPENAI_ADMIN_KEY": "an owner of the OpenAI organization creates it: Settings, Admin keys; read-only is enough",
    "SLACK_BOT_TOKEN": "your Slack app's page: OAuth & Permissions, it begins with xoxb-",
    "SLACK_APP_TOKEN": "your Slack app's page: Basic Information, App-Level Tokens with connections:write, it begins with xapp-",  # noqa: E501
    "SLACK_SIGNING_SECRET": "your Slack app's page: Basic Information, App Credentials",
}
"""Where a setting comes from."""

BEGINS = {"SLACK_BOT_TOKEN": "xoxb-", "SLACK_APP_TOKEN": "xapp-"}
ADDRESSES = {"OPENAI_ADMIN_KEY": "OPENAI_BASE_URL", "SLACK_BOT_TOKEN": "SLACK_API_URL"}
"""Secret → the setting that says where it is sent."""
DOTENV = Path(".env")
_HELD_IN_ADDRESS = (
    r"""://[^\s/@:]*:([^\s/@]+)@|(?:^|[?&\s])password\s*=\s*(?:'((?:\\.|[^'\\])*)'|([^\s&']+))"""
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; secrets never show in `repr`."""

    openai_admin_key: str = field(default="", repr=False)
    openai_base_url: str = field(default="https://api.openai.com/v1", repr=False)
    slack_bot_token: str = field(default="", repr=False)
    slack_app_token: str = field(default="", repr=False)
    slack_signing_secret: str = field(default="", repr=False)
    slack_api_url: str = field(default="https://slack.com/api/", repr=False)
    database_url: str = field(default="sqlite:///budgetbot.db", repr=False)
    budgetbot_rules: str = "rules"
    budgetbot_rules_url: str = field(default="", repr=False)
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

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what must never be shown; of an address also the part that holds its token."""
        held = [value for name in SECRETS if (value := getattr(self, name.lower()))]
        _, _, token = self.budgetbot_heartbeat_url.partition("://")[2].partition("/")
        return (*held, *([token] if token else []), *passwords(self.database_url))


def passwords(address: str) -> list[str]:
    """Return the passwords in the address of a database, as they are written and as they are meant."""
    if "@" not in address and "password" not in address:
        return []  # most are a file's, and an expression takes as long to make as all else here
    written = ["".join(match) for match in re.findall(_HELD_IN_ADDRESS, address)]
    return [*written, *map(unquote, written)]


def webhook(name: str, environment: Mapping[str, str], *, dotenv: Path | None = None) -> "Hook":
    """Return the webhook that a route calls `name`: its address, and the secret `NAME_SECRET` it is signed with.

    Either may stand in a file, whose path `NAME_FILE` or `NAME_SECRET_FILE` holds. Raises SetupWrong, which repeats
    no value.
    """
    from bot.edge.webhook import Hook, check_hook_url, check_secret  # noqa: PLC0415 - only for those who have one

    written, trouble = _dotenv(dotenv)
    places = (_present(environment), _present(written))
    url, secret = (_held(wanted, places) for wanted in (name, f"{name}_SECRET"))
    if trouble and not (url and secret):
        raise SetupWrong(f"{trouble.name} {trouble.said}.", f"{trouble.remedy.capitalize()}.")
    if not url:
        raise SetupWrong(
            f"{name} is not set.", f"Set {name} to the address that a route's webhook stands for."
        )
    if not secret:
        raise SetupWrong(
            f"{name}_SECRET is not set.",
            f"Set {name}_SECRET to the secret that the receiver verifies with; it begins with whsec_.",
        )
    return Hook(name, check_hook_url(name, url), check_secret(f"{name}_SECRET", secret))


def _held(name: str, places: Iterable[Mapping[str, str]]) -> str:
    """Return a secret from the first place that has it, or names a file with it; '' where none does."""
    for place in places:
        if value := place.get(name):
            return value
        if path := place.get(f"{name}_FILE"):
            content, problem = _from_file(path)
            if problem:
                raise SetupWrong(f"{name}_FILE {problem[0]}.", f"{problem[1].capitalize()}.")
            return content
    return ""


class Wrong(NamedTuple):
    """A setting that is missing or malformed; its value is not repeated."""

    name: str
    said: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name} {self.said} ({self.remedy})"


def read(
    environment: Mapping[str, str], needs: Iterable[str] = (), *, dotenv: Path | None = None
) -> Settings:
    """Return the settings; raises SetupWrong that names every missing or malformed one and where it comes from.

    `needs` are the settings the command uses; what is wrong with others is none of its business. The
    environment wins over the `.env` file; an empty value counts as absent; `NAME_FILE` holds the path of
    a file with a secret.
    """
    settings, wrong = survey(environment, needs, dotenv=dotenv)
    if wrong:
        raise SetupWrong(
            f"Settings: {'; '.join(map(str, wrong))}.", "Set them in the environment or in a .env file here."
        )
    return settings


def survey(
    environment: Mapping[str, str], needs: Iterable[str] = (), *, dotenv: Path | None = None
) -> tuple[Settings, tuple[Wrong, ...]]:
    """Return the settings as far as they can be read, and what is wrong with those in `needs`."""
    needed = set(needs)
    needed |= {address for secret, address in ADDRESSES.items() if secret in needed}
    written, trouble = _dotenv(dotenv)
    places = (_present(environment), _present(written))
    values: dict[str, str] = {}
    unread: dict[str, Wrong] = {}
    for name in _names():
        for place in places:
            if value := place.get(name):
                values[name] = value
                break
            if name in SECRETS and (path := place.get(f"{name}_FILE")):
                content, problem = _from_file(path)
                if problem:
                    unread[name] = Wrong(f"{name}_FILE", *problem)
                else:
                    values[name] = content
                break
    settings = Settings(**{name.lower(): value for name, value in values.items()}, given=frozenset(values))
    looked = [unread.get(name) or _wrong(name, settings, environment) for name in _names() if name in needed]
    wrong = [found for found in (trouble if needed else None, *looked) if found]
    return settings, tuple(wrong)


def _names() -> list[str]:
    return [known.name.upper() for known in fields(Settings) if known.name != "given"]


def _present(place: Mapping[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in place.items() if value.strip()}


def _from_file(path: str) -> tuple[str, tuple[str, str] | None]:
    """Return a file's content, or (what is wrong, the remedy)."""
    try:
        content = Path(path).read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as failed:
        return "", (f"cannot be read ({type(failed).__name__})", "give the path of a text file")
    return content, None if content else ("names an empty file", "put the secret into it")


def _wrong(name: str, settings: Settings, environment: Mapping[str, str]) -> Wrong | None:
    """Return what is wrong with one setting, None when nothing is."""
    value: str = getattr(settings, name.lower())
    match name:
        case "BUDGETBOT_HEARTBEAT_URL":
            from bot.edge.heartbeat import check_heartbeat_url  # noqa: PLC0415 - only for those who go there

            return _refused(name, lambda: check_heartbeat_url(name, value)) if value else None
        case _ if name in SECRETS:
            return _wrong_secret(name, value)
        case "OPENAI_BASE_URL" | "SLACK_API_URL":
            from bot.edge.addresses import check_base_url  # noqa: PLC0415 - only for those who go there

            return _refused(name, lambda: check_base_url(name, value))
        case "DATABASE_URL":
            from bot.edge.store.engine import parse_url  # noqa: PLC0415 - a database's libraries

            if problem := _refused(name, lambda: parse_url(value)):
                return problem
            if environment.get("DYNO", "").strip() and value.startswith("sqlite"):
                return Wrong(
                    name,
                    "is SQLite on a host whose disk is thrown away at every restart, and the bot's memory with it",
                    "give it a PostgreSQL database, or run the bot on a machine that keeps its disk",
                )
        case "BUDGETBOT_POLL":
            from bot.core.schedule import problem_of  # noqa: PLC0415 - croniter is loaded when it is asked

            if said := problem_of(value):
                return Wrong(name, said, "write five fields such as */5 * * * *")
        case "BUDGETBOT_RULES_URL" if value:
            unknown = set(re.findall(r"\{[^}]*\}?", value)) - {"{rev}", "{file}", "{line}"}
            if unknown or not re.match(r"https?://[^\s/]", value) or re.search(r"[\s<>|]", value):
                return Wrong(
                    name,
                    "is not the address of a rule's line",
                    "write one like https://github.com/you/rules/blob/{rev}/{file}#L{line}",
                )
        case "PORT" if not (value.isascii() and value.isdecimal() and int(value) < 65536):
            return Wrong(name, "is not a number from 0 to 65535", "set the port to listen at, such as 8000")
    return None


def _wrong_secret(name: str, value: str) -> Wrong | None:
    if not value:
        return Wrong(name, "is not set", FROM[name])
    if not value.startswith(BEGINS.get(name, "")):
        return Wrong(name, f"does not begin with {BEGINS[name]}", FROM[name])
    if not (value.isascii() and value.isprintable()) or " " in value:
        return Wrong(name, "holds characters that no key has", f"paste it again; {FROM[name]}")
    return None


def _refused(name: str, look: Callable[[], object]) -> Wrong | None:
    """Return what a reader of the setting says of it, fitted into the one message."""
    try:
        look()
    except SetupWrong as failed:
        said = failed.happened.removeprefix(f"{name} ").rstrip(".")
        return Wrong(name, said, failed.remedy[:1].lower() + failed.remedy[1:].rstrip("."))
    return None


def _dotenv(path: Path | None) -> tuple[dict[str, str], Wrong | None]:
    """Return what the file says, each value as it is written: a $ in a password is a $."""
    if path is None or not path.is_file():
        return {}, None
    from dotenv import dotenv_values  # noqa: PLC0415 - most hosts have no such file

    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as failed:
        return {}, Wrong(str(path), f"cannot be read ({type(failed).__name__})", "save it as UTF-8 text")
    return {name: value for name, value in values.items() if value}, None
