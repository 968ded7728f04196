"""Events to an address that people set: one signed POST at a time, by the scheme of standardwebhooks.com."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from bot.core.errors import SetupWrong
from bot.edge.addresses import check_base_url, is_loopback

PATIENCE = 10.0
"""Seconds that a receiver has for each step of its answer."""
LONGEST_WAIT = 3600.0
"""Seconds that a receiver may ask us to wait at most."""
PREFIX = "whsec_"
SHORTEST_KEY = 16
"""Bytes of a key that cannot be guessed; the scheme recommends 24 to 64."""


@dataclass(frozen=True, slots=True)
class Hook:
    """Where events go, and the key they are signed with; neither ever shows."""

    name: str
    """Of the setting, which is what people are told."""
    url: str = field(repr=False)
    secret: str = field(repr=False)


class HookTrouble(Exception):
    """A delivery that did not succeed. It shows neither the address nor a word of the answer.

    `kind`: `passing` may be tried again, after `retry_after` seconds where the receiver said so; `refused` will be
    refused again; `gone` wants to hear nothing more; `setting` could not be tried at all.
    """

    def __init__(
        self,
        kind: Literal["passing", "refused", "gone", "setting"],
        why: str,
        remedy: str = "",
        *,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(why)
        self.kind, self.why, self.remedy, self.retry_after = kind, why, remedy, retry_after


def check_hook_url(name: str, url: str) -> str:
    """Return `url`, the value of the setting `name`; raises SetupWrong, which does not repeat it.

    As strict as for addresses that keys are sent to, but receivers do put their token into the query.
    """
    address, _, query = url.strip().partition("?")
    check_base_url(name, address)
    if not query.isascii() or any(not sign.isprintable() or sign in ' #\\"<>' for sign in query):
        raise SetupWrong(f"{name} is not an address.", f"Set {name} to an address that begins with https://.")
    return url.strip()


def check_secret(name: str, secret: str) -> str:
    """Return `secret`, the value of the setting `name`; raises SetupWrong when nothing can be signed with it."""
    import binascii  # noqa: PLC0415 - as below
    from base64 import b64decode  # noqa: PLC0415 - only bots with a webhook come here

    remedy = (
        f"Set {name} to {PREFIX} and the base64 of 24 to 64 random bytes, as the receiver shows it, or as "
        f"`python -c \"import base64, secrets; print('{PREFIX}' + "
        'base64.b64encode(secrets.token_bytes(32)).decode())"` prints it.'
    )
    coded = secret.removeprefix(PREFIX)
    try:
        key = b64decode(coded + "=" * (-len(coded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) < SHORTEST_KEY:
        raise SetupWrong(f"{name} is not a webhook's secret.", remedy)
    return secret


def post(
    hook: Hook, identity: str, payload: Mapping[str, Any], at: datetime, *, patience: float = PATIENCE
) -> None:
    """Send one event, signed as of `at`; raises HookTrouble unless the receiver answers 2xx.

    Nobody is followed elsewhere, and of the answer only its status and Retry-After are looked at: its body is never
    read, however long.
    """
    import httpx  # noqa: PLC0415 - most bots have no webhook
    from standardwebhooks.webhooks import Webhook  # noqa: PLC0415

    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    headers = {
        "User-Agent": "budgetbot",
        "Content-Type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(hook.secret).sign(identity, at, body),
    }
    host = urlsplit(hook.url).hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    home = {f"all://{bracketed}": None} if is_loopback(host) else None  # no proxy on the way home
    try:
        with (
            httpx.Client(timeout=patience, follow_redirects=False, mounts=home) as client,
            client.stream("POST", hook.url, content=body.encode(), headers=headers) as answer,
        ):
            status, waits = answer.status_code, answer.headers.get("retry-after", "")
    except httpx.TimeoutException:
        raise HookTrouble("passing", f"it did not answer within {patience:.0f} seconds") from None
    except Exception as failed:  # noqa: BLE001 - whatever a library makes of an address or a broken answer
        # Its words may carry the address, and so would the chain of causes.
        raise HookTrouble("passing", f"it could not be reached ({type(failed).__name__})") from None
    _judge(hook.name, status, waits)


def _judge(name: str, status: int, waits: str) -> None:
    """Raise what a status means; nothing for 2xx."""
    if 200 <= status < 300:
        return
    why = f"it answered {status}"
    if status == 410:
        remedy = f"Set {name} to another address, or take the webhook out of the rule file."
        raise HookTrouble("gone", f"{why}: it wants no more events", remedy)
    if status in (408, 425, 429) or status >= 500 or status < 200:
        raise HookTrouble("passing", why, retry_after=_seconds(waits))
    if status < 400:
        remedy = f"Set {name} to the address that it leads to: nobody is followed."
        raise HookTrouble("refused", f"{why}, which leads elsewhere", remedy)
    remedy = f"See that {name} and {name}_SECRET are what the receiver shows, and what its own log says."
    raise HookTrouble("refused", why, remedy)


def _seconds(waits: str) -> float | None:
    """Return the seconds that Retry-After asks for; None where it does not, or in words that nobody knows."""
    if waits.isascii() and waits.isdecimal():
        return min(float(waits[:9]), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(waits)
        return min(max(0.0, until.timestamp() - datetime.now(until.tzinfo).timestamp()), LONGEST_WAIT)
    except (TypeError, ValueError, OverflowError):
        return None
