"""Answers a command or a click at its response_url: five times within half an hour, and never in silence."""

import json
import logging
from collections.abc import Callable, Mapping
from http.client import HTTPException
from time import sleep
from typing import Any
from urllib.parse import urlsplit

from bot.edge.addresses import is_loopback
from bot.edge.slack_trouble import from_wire, retry_after

Payload = Mapping[str, Any]
Respond = Callable[[Payload], None]

_TRIES, _LONGEST_WAIT, _TIMEOUT = 3, 10.0, 10
_PICTURED = {"blocks", "attachments"}
_log = logging.getLogger(__name__)


def responder(response_url: str | None) -> Respond:
    """Return how to answer. It raises ValueError for a message without text; a refusal by Slack is logged."""

    def respond(message: Payload) -> None:
        if not message.get("text"):
            raise ValueError("an answer needs text: notifications and screen readers have nothing else")
        if response_url is None:
            _log.error("an answer has no address to go to")
            return
        refusal = _deliver(response_url, dict(message))
        if refusal:
            _log.error("Slack did not take an answer: %s", refusal)

    return respond


def _deliver(response_url: str, body: dict[str, Any]) -> str:
    """Send an answer, later or plainer where that helps; return why it was not taken, or nothing."""
    from slack_sdk.webhook import WebhookClient  # noqa: PLC0415  only a listener needs to wait for it

    # What may have arrived is repeated only when it is private: a public answer would stand there twice.
    private = body.get("response_type", "ephemeral") != "in_channel"
    client = WebhookClient(response_url, retry_handlers=[], timeout=_TIMEOUT)
    if is_loopback(urlsplit(response_url).hostname or ""):
        client.proxy = None
    refusal = ""
    for tried in range(1, _TRIES + 1):
        try:
            answer = client.send_dict(body)
        except (OSError, HTTPException, ValueError) as error:
            trouble = from_wire(error)
            refusal, wait = trouble.code, tried / 2
            if trouble.kind != "passing" and not private:
                return refusal
        else:
            # bolt's own respond() raises nothing either: the status has to be looked at.
            if answer.status_code == 200 and not _refused(answer.body):
                return ""
            refusal, wait = f"{answer.status_code} {answer.body[:200]}", 0.0
            if answer.status_code == 429:
                wait = min(_LONGEST_WAIT, retry_after(answer.headers) or 0.0)
            elif answer.status_code >= 500 and private:
                wait = tried / 2
            elif answer.status_code < 500 and answer.status_code != 404 and body.keys() & _PICTURED:
                _log.warning("Slack refused the blocks of an answer, sending its text alone: %s", refusal)
                body = {key: held for key, held in body.items() if key not in _PICTURED}
            else:
                return refusal
        if tried < _TRIES:
            sleep(wait)
    return refusal


def _refused(body: str) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return False  # the usual answer is the bare word ok
    return isinstance(answer, dict) and answer.get("ok") is False
