"""A small organization, a bot and its rooms, wired as in production; only the neighbours are stand-ins."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.app import App
from bot.demo.ledger import Ledger
from bot.demo.openai_server import OpenAIServer
from bot.poll import tick
from bot.settings import Settings
from tests.engines import database_url
from tests.standins.slack import SlackStandIn
from tests.standins.slack_web import Channel

SEARCH, LABS = "proj_search", "proj_labs"


def at(text: str) -> datetime:
    """`2026-10-05` or `2026-10-05 14:00`, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class World:
    """What a story drives: money is spent, the clock moves, messages appear."""

    def __init__(self, tmp_path, openai, slack, clock):
        self.tmp_path = tmp_path
        self.ledger = openai.world
        self.openai = openai
        self.slack = slack
        self._clock = clock
        self.rules_folder = tmp_path / "rules"
        self.rules_folder.mkdir(exist_ok=True)
        self.settings = Settings(
            openai_admin_key="sk-admin-demo",
            openai_base_url=openai.base_url,
            slack_bot_token=slack.bot_token,
            slack_app_token=slack.app_token,
            slack_api_url=slack.api_url,
            database_url=database_url(tmp_path),
            budgetbot_rules=str(self.rules_folder),
            budgetbot_channel="ai-spend",
            given=frozenset({"BUDGETBOT_RULES"}),
        )
        self.app = None

    def rules(self, text, name="rules.yaml"):
        (self.rules_folder / name).write_text(text, encoding="utf-8")

    def start(self, **changes):
        """Open the bot, as a new process would."""
        self.settings = replace(self.settings, **changes)
        self.stop()
        self.app = App.open(self.settings)
        self.app.sources = ("costs",)
        # Slack's pace is tried where it is meant; a story that waited for it would take minutes.
        self.app.pace = timedelta()
        return self.app

    def stop(self):
        if self.app is not None:
            self.app.__exit__(None, None, None)
            self.app = None

    def poll(self, now: str, wait=10.0):
        """One tick at `now`, delivered."""
        if self.app is None:
            self.start()
        moment = at(now)
        self._clock[0] = moment
        return tick(self.app, moment, wait=wait)

    @property
    def posts(self):
        """Messages that stand in rooms, without thread lines."""
        return [message for message in self.slack.messages if not message.thread_ts]

    @property
    def replies(self):
        return [message for message in self.slack.messages if message.thread_ts]


@contextmanager
def world(tmp_path, **server):
    clock = [at("2026-10-01")]
    ledger = Ledger()
    ledger.project(SEARCH, "search-prod")
    ledger.project(LABS, "labs")
    with (
        OpenAIServer(ledger, now=lambda: clock[0] + timedelta(seconds=1), **server) as openai,
        SlackStandIn() as slack,
    ):
        for place, name in enumerate(("ai-spend", "search-ops", "finance", "budget-admin")):
            slack.web.channels[f"C{place}ROOM"] = Channel(f"C{place}ROOM", name)
        built = World(tmp_path, openai, slack, clock)
        try:
            yield built
        finally:
            built.stop()
