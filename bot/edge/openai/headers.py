"""What the headers of an answer say: when to come back, what time it is there, which request this was."""

import email.utils
from datetime import UTC, datetime

import httpx

from bot.edge.openai.errors import quoted


def request_id(headers: httpx.Headers) -> str:
    """Return what OpenAI's support asks for, or ''."""
    return quoted(headers.get("x-request-id", ""))[:64]


def server_time(headers: httpx.Headers) -> datetime | None:
    """Return the server's clock, to the second."""
    return _instant(headers.get("date", ""))


def asked_delay(headers: httpx.Headers) -> float | None:
    """Return the seconds a server asks to wait; a date counts from the server's own clock, not from ours."""
    for text, unit in ((headers.get("retry-after-ms"), 0.001), (headers.get("retry-after"), 1.0)):
        try:
            delay = float(text or "") * unit
        except ValueError:
            continue
        if 0 < delay < float("inf"):
            return delay
    if moment := _instant(headers.get("retry-after", "")):
        delay = (moment - (server_time(headers) or datetime.now(UTC))).total_seconds()
        return delay if delay > 0 else None
    return None


def _instant(text: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
