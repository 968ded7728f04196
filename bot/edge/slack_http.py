"""Slack's requests to our own address: signed, in time, shaped as Slack shapes them; then they are bolt's."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.edge.web import Answering, Page, Request

if TYPE_CHECKING:
    from slack_bolt import App

PATH = "/slack/events"
"""Where Slack sends everything."""

_TIMESTAMP = re.compile(r"[0-9]{1,15}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_REFUSED = Page(401, "This is not signed as Slack signs.\n")


def slack_route(app: "App") -> Answering:
    """Return who answers `POST /slack/events`: commands, clicks, modals and events.

    Slack's SDK checks the signature and that it is at most five minutes old. It raises, and so answers 500, on a
    timestamp that is no number and on a signature with other letters: their shape is looked at before.
    """
    from slack_bolt import BoltRequest  # noqa: PLC0415  a third of a second that only a listener needs to pay

    def answer(request: Request) -> Page:
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
            return _REFUSED
        try:
            body = request.body.decode()
        except UnicodeDecodeError:
            return _REFUSED
        headers: dict[str, str | Sequence[str]] = dict(request.headers)
        try:
            # Bolt reads the body before it looks at the signature: anybody may send what it cannot read.
            asked = BoltRequest(body=body, query=request.query, headers=headers, mode="http")
        except (ValueError, AttributeError, TypeError, LookupError, RecursionError):
            return _REFUSED
        if not isinstance(asked.body, dict) or not isinstance(asked.body.get("event", {}), dict):
            return _REFUSED
        given = app.dispatch(asked)
        kind = given.first_headers().get("content-type", "text/plain; charset=utf-8")
        return Page(given.status, given.body or "", kind)

    return answer
