"""A poll that posts nothing and keeps nothing: played on a copy of the database, its messages drawn."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.app import App
from bot.edge.slack import Posted
from bot.edge.store.copying import clone
from bot.poll import Tick, deliver, fetch_and_judge
from bot.render.drawn import draw
from bot.settings import Settings
from bot.sync import Progress


@dataclass(slots=True)
class Recorder:
    """A speaker that keeps what it is given, in order."""

    messages: list[tuple[str, Mapping[str, Any], str]]
    """(room, message, `post`, `reply` or `edit`)"""

    def post(
        self,
        channel: str,
        message: Mapping[str, Any],
        *,
        notice: str,
        thread_ts: str | None = None,
        broadcast: bool = False,
    ) -> Posted:
        """Keep a message or a thread line."""
        del notice, broadcast
        self.messages.append((channel, message, "post" if thread_ts is None else "reply"))
        return Posted(channel, str(len(self.messages)))

    def update(self, channel: str, ts: str, message: Mapping[str, Any]) -> None:
        """Keep an edit."""
        del ts
        self.messages.append((channel, message, "edit"))

    def find(self, channel: str, notice: str, since: datetime, thread_ts: str | None = None) -> Posted | None:
        """Nothing was ever sent."""
        del channel, notice, since, thread_ts
        return None


def rehearse(settings: Settings, now: datetime, progress: Progress | None = None) -> tuple[Tick, list[str]]:
    """Return what a poll at `now` would do, and its messages as a person would see them."""
    with tempfile.TemporaryDirectory(prefix="budgetbot-") as folder:
        copy = Path(folder) / "rehearsal.db"
        clone(settings.database_url, copy)
        with App.open(replace(settings, database_url=f"sqlite:///{copy}")) as app:
            recorder = Recorder([])
            app.speaker = recorder
            done = deliver(app, fetch_and_judge(app, now, progress))
    return done, [
        draw(room, message, in_thread=act == "reply", edited=act == "edit")
        for room, message, act in recorder.messages
    ]
