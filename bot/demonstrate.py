"""`demo`: the real bot, polled once a simulated day, against a simulated organization on loopback."""

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from bot.answers import answer
from bot.app import App
from bot.core.asker import Asker
from bot.core.query import Query, parse
from bot.core.verbs import VERBS
from bot.demo.openai_server import OpenAIServer
from bot.demo.organization import Organization
from bot.edge.slack import Posted
from bot.orders import carry_out
from bot.poll import tick
from bot.render import replies, terminal
from bot.render.drawn import draw
from bot.settings import Settings

KEY = "sk-admin-demo"
AT = time(14, 0, tzinfo=UTC)
"""When the bot looks, each simulated day."""
REPORT = "report last-month by project"
Say = Callable[[str], None]


class Terminal:
    """A speaker that draws messages as a person would see them in Slack; edits are silent, as they are there."""

    def __init__(self, say: Say, clock: Callable[[], datetime]) -> None:
        self._say = say
        self._clock = clock
        self._day = ""
        self._count = 0
        self.edits = 0

    def post(
        self,
        channel: str,
        message: Mapping[str, Any],
        *,
        notice: str,
        thread_ts: str | None = None,
        broadcast: bool = False,
    ) -> Posted:
        """Draw a message, or a line in a thread."""
        del notice
        day = f"{self._clock():%A %d %B %Y}"
        if day != self._day:
            self._day = day
            self._say(f"\n{day}")
        self._count += 1
        self._say(draw(channel, message, in_thread=thread_ts is not None))
        if broadcast:
            self._say("    (also sent to the channel)")
        return Posted(channel, str(self._count))

    def update(self, channel: str, ts: str, message: Mapping[str, Any]) -> None:
        """Count an edit: it notifies nobody."""
        del channel, ts, message
        self.edits += 1

    def find(self, channel: str, notice: str, since: datetime, thread_ts: str | None = None) -> Posted | None:
        """Nothing is ever in doubt here."""
        del channel, notice, since, thread_ts
        return None


def play(say: Say, ask: Callable[[], str | None] | None = None) -> None:
    """Play two months, say what the bot says, then answer what is asked (`ask` returns None at the end)."""
    organization = Organization()
    clock = [datetime.combine(organization.story_begins, AT)]
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="budgetbot-demo-")))
        server = closing.enter_context(OpenAIServer(organization, now=lambda: clock[0], admin_key=KEY))
        settings = Settings(
            openai_admin_key=KEY,
            openai_base_url=server.base_url,
            slack_bot_token="",
            database_url=f"sqlite:///{folder}/demo.db",
            budgetbot_rules=str(Path(__file__).with_name("demo") / "rules.yaml"),
            budgetbot_channel="ai-spend",
            given=frozenset({"BUDGETBOT_RULES"}),
        )
        app = closing.enter_context(App.open(settings))
        screen = Terminal(say, lambda: clock[0])
        app.speaker, app.pace, app.sources = screen, timedelta(), ("costs",)
        app.names_every = timedelta(days=30)  # nobody is renamed here; a new key is asked for when it appears
        say(
            f"A simulated organization of {len(organization.projects())} projects, watched from "
            f"{organization.story_begins:%d %B} to {organization.end:%d %B %Y}, one poll a day.\n"
            "What the bot says in Slack:"
        )
        day = organization.story_begins
        while day <= organization.end:
            if day == organization.calendar.runaway:
                # From here on usage tells something that the bill does not; before, it would only take time.
                app.sources = ("costs", "completions")
            clock[0] = datetime.combine(day, AT)
            tick(app, clock[0], wait=0.0)
            day += timedelta(days=1)
        for hours in (14, 36, 60):  # the last month ends, settles and is closed
            clock[0] = datetime.combine(organization.end + timedelta(days=1), time(), UTC) + timedelta(
                hours=hours
            )
            tick(app, clock[0], wait=0.0)
        say(f"\n({screen.edits} times a message was edited in place, which notifies nobody.)\n")
        _answer(app, REPORT, clock[0], say)
        while ask is not None and (words := ask()) is not None:
            _answer(app, words, clock[0], say)


def _answer(app: App, words: str, now: datetime, say: Say) -> None:
    say(f"/budget {words}")
    asked = parse(words, now.date())
    if isinstance(asked, Query) and asked.verb in VERBS and VERBS[asked.verb].orders:
        done = carry_out(app.store, app.rules.now(now), asked, Asker("you", role="admin"), now)
        say(terminal.outcome(done))
        return
    given, query = answer(app.store, app.rules.now(now), words, now)
    say(draw("only you", replies.reply(given, query)))
