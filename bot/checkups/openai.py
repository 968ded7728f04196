"""OpenAI as the bot finds it: whether the key may read, and what time it is there."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from bot.core.errors import BotError
from bot.core.health import Finding
from bot.core.money import show_usd
from bot.core.period import DAY, midnight
from bot.edge.openai import Ask, OpenAI, SpendLimit
from bot.poll import SKEW
from bot.settings import Settings


def asked(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Ask one small thing of everything a poll asks."""
    today = now.astimezone(UTC).date()
    with OpenAI(settings.openai_admin_key, settings.openai_base_url) as openai:

        def costs() -> str:
            answer = openai.read(Ask("costs", midnight(today), midnight(today + DAY)), now)
            return f"answers ({answer.pages} page)"

        yield _asked("OpenAI costs", costs)
        yield _asked("OpenAI names", lambda: f"answers ({len(openai.projects())} projects)", needed=False)
        yield _asked("OpenAI limits", lambda: _own_limit(openai.spend_limit(None)), needed=False)
        if openai.skew is not None:
            yield clock(openai.skew)


def clock(skew: timedelta) -> Finding:
    """Look at our clock by OpenAI's."""
    far = abs(skew) > SKEW
    remedy = "Set the clock by NTP: a poll is refused while it is more than 5 minutes off." if far else ""
    said = f"{abs(skew).total_seconds():.0f} s from OpenAI's"
    return Finding("clock", "wrong" if far else "ok", said, remedy)


def _own_limit(found: SpendLimit) -> str:
    if found.amount is None:
        return "answers (the organization has no hard limit)"
    return f"answers (the organization's hard limit is {show_usd(found.amount)} a month)"


def _asked(what: str, ask: Callable[[], str], *, needed: bool = True) -> Finding:
    try:
        return Finding(what, "ok", ask())
    except BotError as failed:
        return Finding(what, "wrong" if needed else "note", failed.happened, failed.remedy)
