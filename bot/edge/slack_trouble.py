"""What a failed call to Slack means for the one who made it: the table of errors, in one place."""

import errno
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Literal
from urllib.error import URLError

from bot.edge.redact import redact

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError

Kind = Literal["uncertain", "passing", "payload", "permanent", "revoked", "gone"]

_UNCERTAIN = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
_PASSING = {"ratelimited", "rate_limited", "message_limit_exceeded", "team_added_to_org"}
_PAYLOAD = {
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_attachments",
    "msg_blocks_too_long",
    "msg_too_long",
    "too_many_attachments",
    "too_many_contact_cards",
    "attachment_payload_limit_exceeded",
    "markdown_text_conflict",
    "invalid_metadata_format",
    "invalid_metadata_schema",
    "metadata_too_large",
    "metadata_must_be_sent_from_app",
    "no_text",
    "invalid_arguments",
    "invalid_message",
    "invalid_view",
    "view_too_large",
}
_REVOKED = {
    "token_revoked",
    "account_inactive",
    "invalid_auth",
    "token_expired",
    "not_authed",
    "app_uninstalled",
    "team_access_not_granted",
}
_GONE = {
    "message_not_found",
    "cant_update_message",
    "edit_window_closed",
    "thread_not_found",
    "cannot_reply_to_message",
    "expired_trigger_id",
    "exchanged_trigger_id",
    "hash_conflict",
}
_NOT_SENT = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_CODE = re.compile(r"[a-z][a-z0-9_]{1,80}")
_DETAIL = 1_000


class SlackTrouble(Exception):
    """A call to Slack that did not succeed. It never shows a token.

    `kind` says what to do: `uncertain` it may have happened, look before repeating; `passing` it did not happen, try
    again (after `retry_after` seconds where Slack said so); `payload` Slack will not take these words, say them more
    plainly; `permanent` this target will not hear us; `revoked` nobody will until the token is renewed; `gone` the
    message to change or reply to, or the trigger that would open a view, is not there any more, or closed. `code` is
    Slack's own word or ours for the wire; `errors` are its sentences, with pointers into what it refused.
    """

    def __init__(
        self,
        kind: Kind,
        code: str,
        *,
        retry_after: float | None = None,
        detail: str = "",
        errors: Sequence[str] = (),
    ) -> None:
        super().__init__(f"Slack: {code} ({kind}){f': {detail}' if detail else ''}")
        self.kind: Kind = kind
        self.code = code
        self.retry_after = retry_after
        self.detail = detail
        self.errors = tuple(errors)


def kind_of(code: str) -> Kind:
    """Return what Slack's error code means. One we do not know is a refusal, so it is permanent."""
    if code in _UNCERTAIN:
        return "uncertain"
    if code in _PASSING:
        return "passing"
    if code in _PAYLOAD:
        return "payload"
    if code in _REVOKED:
        return "revoked"
    if code in _GONE:
        return "gone"
    return "permanent"


def from_answer(error: "SlackApiError") -> SlackTrouble:
    """Return what an answer that is not ok means: by its status first, then by its code, never by its text."""
    response = error.response
    data: Any = response.data
    body: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
    status = int(response.status_code)
    code = str(body.get("error", ""))
    known = bool(_CODE.fullmatch(code))
    if status == 429:
        return SlackTrouble("passing", "ratelimited", retry_after=retry_after(response.headers))
    if status >= 500:
        return SlackTrouble("uncertain", code if known else f"http_{status}")
    if not known:  # something between us and Slack answered in its place
        return SlackTrouble("uncertain" if status < 300 else "passing", f"http_{status}")
    kind = kind_of(code)
    waits = retry_after(response.headers) if kind == "passing" else None
    errors = _errors(body)
    return SlackTrouble(kind, code, retry_after=waits, detail=_detail(body, errors), errors=errors)


def from_wire(error: Exception) -> SlackTrouble:
    """Return what a failure without an answer means: only one before the sending is certain.

    The error's own text is not repeated: http.client quotes a malformed header with the token in it.
    """
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    if isinstance(cause, ConnectionRefusedError):
        return SlackTrouble("passing", "refused")
    if isinstance(cause, socket.gaierror):
        return SlackTrouble("passing", "unknown_host")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return SlackTrouble("passing", "certificate", detail=cause.verify_message)
    if isinstance(cause, OSError) and cause.errno in _NOT_SENT:
        return SlackTrouble("passing", "unreachable")
    if isinstance(cause, TimeoutError):
        return SlackTrouble("uncertain", "timeout")
    if isinstance(cause, OSError | HTTPException):
        return SlackTrouble("uncertain", "lost_answer", detail=type(cause).__name__)
    return SlackTrouble("uncertain", "unreadable_answer", detail=type(cause).__name__)


def retry_after(headers: Mapping[str, Any]) -> float | None:
    """Return the seconds Slack asks us to wait, or None when it does not say."""
    for name, value in headers.items():
        if name.lower() == "retry-after" and str(value).strip().isdigit():
            return float(value)
    return None


def _detail(body: Mapping[str, Any], errors: Sequence[str]) -> str:
    parts = [f"{key} {body[key]}" for key in ("needed", "provided") if body.get(key)]
    return redact("; ".join((*parts, *errors)))[:_DETAIL]


def _errors(body: Mapping[str, Any]) -> list[str]:
    """Return what Slack found wrong with a payload: sentences, or of blocks.validate objects with a pointer."""
    metadata = body.get("response_metadata")
    told = metadata.get("messages") if isinstance(metadata, Mapping) else None
    errors = body.get("errors") or told
    found: list[str] = []
    for each in errors if isinstance(errors, list) else ():
        said = f"{each.get('pointer', '')} {each.get('message', '')}" if isinstance(each, dict) else str(each)
        found.append(redact(said.strip())[:_DETAIL])
    return list(filter(None, dict.fromkeys(found)))
