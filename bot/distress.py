"""What keeps a process from polling, said in Slack past the database, which may be what fails; and its end."""

import logging
from collections.abc import Mapping
from datetime import datetime

from bot import refusing
from bot.app import App
from bot.core.errors import BotError
from bot.core.rooms import ops_room
from bot.core.schedule import next_due
from bot.deliver import Speaker
from bot.edge.slack_trouble import SlackTrouble
from bot.edge.store.trouble import Damaged
from bot.render import announcements

log = logging.getLogger("budgetbot.run")


class Distress:
    """Remembers since when polls fail, and whether that was said.

    A process that ends forgets it; its next start is refused with the same sentence where whoever runs it looks.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._since: datetime | None = None
        self._said = self._tried = False

    def failed(self, why: Exception, now: datetime) -> None:
        """Say why polls fail, if the next one that was due fails too; damage does not pass, and is said at once."""
        if self._since is None:
            self._since, self._said, self._tried = now, False, False
        lasts = now >= next_due(self._app.settings.budgetbot_poll, self._since)
        if self._said or not (lasts or isinstance(why, Damaged)):
            return
        body = {
            "happened": f"Nothing is watched: polls fail since {self._since:%H:%M} UTC because of a bug of ours "
            f"({type(why).__name__}).",
            "remedy": "Report it with the log of that time; budgetbot doctor shows what else is wrong.",
        }
        if isinstance(why, BotError):
            body = {
                "happened": f"Nothing is watched since {self._since:%H:%M} UTC. {why.happened}",
                "remedy": why.remedy,
            }
        self._said = self._say("", body, now)

    def worked(self, now: datetime) -> None:
        """Say that polls go on, if it was said that they fail."""
        if self._since is None:
            return
        over = {"happened": f"Polls go on; they failed since {self._since:%H:%M} UTC.", "recovered": True}
        if not self._said or self._say(" over", over, now):
            self._since = None

    def _say(self, part: str, body: Mapping[str, object], now: datetime) -> bool:
        """Speak to those who look after the bot; tell whether they have heard it, or nobody is there to hear."""
        assert self._since is not None
        speaker = self._app.speaker or self._app.slack
        try:
            rules = self._app.rules.last(now)
            room = ops_room(rules.book, rules.voice.fallback)
            if room is None:
                return True
            where, notice = refusing.address(room.target), f"trouble:polls{part}:{self._since.isoformat()}"
            if self._tried and self._stands(speaker, where, notice):
                return True
            self._tried = True
            speaker.post(where, announcements.ops(body), notice=notice)
        except (BotError, SlackTrouble) as failed:
            log.warning("trouble not told", extra={"why": str(failed)})
            return False
        self._tried = False
        log.info("trouble told", extra={"target": str(room.target), "over": bool(part)})
        return True

    def _stands(self, speaker: Speaker, where: str, notice: str) -> bool:
        """Tell whether a message whose answer was lost has arrived; where nobody may look, it is said again."""
        assert self._since is not None
        try:
            return speaker.find(where, notice, self._since) is not None
        except SlackTrouble:
            return False
