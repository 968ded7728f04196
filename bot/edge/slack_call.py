"""One call to Slack's Web API: made once or again, and what came of it."""

from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bot.edge.addresses import check_base_url, is_loopback
from bot.edge.slack_trouble import SlackTrouble, from_answer, from_wire

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.web import SlackResponse

_PAGES = 200


class Caller:
    """Calls methods with one token. Safe to share between threads; every call may raise SlackTrouble."""

    def __init__(self, token: str, base_url: str, *, timeout: float = 30) -> None:
        """Make the clients; nothing is sent. Raises SetupWrong unless `base_url` is https or loopback."""
        # Imported here because commands that never speak should not wait for it.
        from slack_sdk import WebClient  # noqa: PLC0415
        from slack_sdk.http_retry.builtin_handlers import ConnectionErrorRetryHandler  # noqa: PLC0415
        from slack_sdk.http_retry.builtin_interval_calculators import (  # noqa: PLC0415
            FixedValueRetryIntervalCalculator,
        )

        address = check_base_url("SLACK_API_URL", base_url).rstrip("/") + "/"

        def client(*handlers: ConnectionErrorRetryHandler) -> "WebClient":
            made = WebClient(token.strip(), base_url=address, retry_handlers=[*handlers])
            made.timeout = timeout  # type: ignore[assignment]  # declared whole, handed to urllib as it is
            if is_loopback(urlsplit(address).hostname or ""):
                made.proxy = None  # slack_sdk takes a proxy from the environment, whatever no_proxy says
            return made

        self.base_url = address
        self.timeout = timeout
        # Slack has no idempotency key: a post whose answer is lost must not be repeated by the library.
        self._once = client()
        self._again = client(
            ConnectionErrorRetryHandler(interval_calculator=FixedValueRetryIntervalCalculator(0.2))
        )

    def once(self, method: str, **asked: Any) -> "SlackResponse":
        """Call a method that must not be repeated by itself."""
        return _call(self._once, method, **asked)

    def again(self, method: str, **asked: Any) -> "SlackResponse":
        """Call a method that may be repeated after a cut connection: a question, or what changes nothing twice."""
        return _call(self._again, method, **asked)

    def pages(self, method: str, asked: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
        """Return what stands under `key` on every page."""
        cursor, seen = "", set[str]()
        for _ in range(_PAGES):
            answer = self.again(method, params={**asked, "cursor": cursor} if cursor else asked)
            yield from answer.get(key) or ()
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return
            if cursor in seen:
                break
            seen.add(cursor)
        raise SlackTrouble("passing", "endless_pages", detail=method)


def word(answer: "Mapping[str, Any] | SlackResponse", key: str) -> str:
    """Return what an ok answer must hold. Without it, what happened is not certain."""
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise SlackTrouble("uncertain", "unreadable_answer", detail=f"no {key}")
    return value


def _call(client: "WebClient", method: str, **asked: Any) -> "SlackResponse":
    from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415  as above

    try:
        return client.api_call(method, **asked)
    except SlackApiError as error:
        raise from_answer(error) from None
    except (OSError, HTTPException, ValueError, SlackClientError) as error:
        # `from None`: the cause may quote a header with the token in it.
        raise from_wire(error) from None
