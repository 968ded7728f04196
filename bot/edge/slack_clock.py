"""What time it is at Slack."""

import email.utils
from datetime import UTC, datetime, timedelta

from bot.edge.slack_call import Caller


def slack_skew(token: str, base_url: str, *, timeout: float = 10) -> timedelta | None:
    """Return how far this machine's clock is ahead of Slack's, to a second or two; None when Slack does not say.

    Signed requests are refused by five minutes, and history is searched by our clock. Raises SlackTrouble.
    """
    headers = Caller(token, base_url, timeout=timeout).again("auth.test").headers
    said = next((value for name, value in headers.items() if name.lower() == "date"), "")
    try:
        moment = email.utils.parsedate_to_datetime(said)
    except (TypeError, ValueError, OverflowError):
        return None
    return datetime.now(UTC) - (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)
