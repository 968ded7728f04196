"""A sign of life for somebody outside: one GET of an address that holds a token, so nobody ever writes it down."""

import logging
import threading
import time
from urllib.parse import urlsplit

from bot.core.errors import SetupWrong
from bot.edge.addresses import is_loopback

log = logging.getLogger("budgetbot.heartbeat")

PATIENCE = 10.0
"""Seconds that the receiver has to answer."""
HURRY = 0.5
"""Seconds that it has when the process is to end."""


def check_heartbeat_url(name: str, url: str) -> str:
    """Return `url`, the value of the setting `name`, or raise SetupWrong, which does not repeat it.

    It must be https, or loopback: its path is as good as a password. Unlike a base URL it may carry a query.
    """
    wanted = f"Set {name} to the address to fetch, one that begins with https://."
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise SetupWrong(f"{name} is not an address.", wanted)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise SetupWrong(f"{name} is not an address.", wanted) from None
    if not host or parts.scheme not in {"https", "http"}:
        raise SetupWrong(f"{name} is not an address.", wanted)
    if "@" in parts.netloc:
        raise SetupWrong(
            f"{name} carries a user or a password.", f"Take the part before the @ out of {name}."
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise SetupWrong(
            f"{name} is neither https nor on this machine: its token would travel in clear.", wanted
        )
    return url


def begin(url: str) -> threading.Thread:
    """Fetch the address in a thread of its own, which is returned; what goes wrong is logged, and that is all."""
    beat = threading.Thread(target=_fetch, args=(url,), name="heartbeat", daemon=True)
    beat.start()
    return beat


def _fetch(url: str) -> None:
    import httpx  # noqa: PLC0415 - most bots have nobody to tell

    began = time.monotonic()
    why = ""
    try:
        host = urlsplit(url).hostname or ""
        bracketed = f"[{host}]" if ":" in host else host
        home = {f"all://{bracketed}": None} if is_loopback(host) else None  # no proxy on the way home
        # Only whether it answers matters: the body is never read, and nobody is followed elsewhere.
        with (
            httpx.Client(timeout=PATIENCE, follow_redirects=False, mounts=home) as client,
            client.stream("GET", url, headers={"User-Agent": "budgetbot"}) as answer,
        ):
            if not answer.is_success:
                why = f"it answered {answer.status_code}"
    except httpx.TimeoutException:
        why = f"it did not answer within {PATIENCE:.0f} seconds"
    except Exception as failed:  # noqa: BLE001 - a poll that succeeded is no failure because of this
        why = type(failed).__name__  # the words of some carry the address
    seconds = round(time.monotonic() - began, 3)
    if why:
        log.warning("heartbeat not sent", extra={"why": why, "seconds": seconds})
    else:
        log.info("heartbeat sent", extra={"seconds": seconds})
