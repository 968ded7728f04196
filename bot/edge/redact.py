"""Secrets out of logs: tokens, keys, one-use addresses and passwords, wherever a library put them."""

import logging
import re
import traceback
from collections.abc import Mapping

HIDDEN = "[redacted]"

_SECRET = re.compile(
    r"""
    (?<![A-Za-z0-9])(?:xox[a-z]-|xapp-)(?=[A-Za-z0-9])[^\s"'<>,;)\]}\\]+  # Slack's tokens, not their bare beginnings
  | hooks\.slack\.com(?:/|%2[Ff])[^\s"'<>&\\]+                # addresses that anyone may answer to
  | files\.slack\.com(?:/|%2[Ff])upload[^\s"'<>&\\]+          # where anyone may put a file for a while
  | wss://[^\s"'<>\\]+                                        # a socket's ticket
  | (?<![A-Za-z0-9])sk-(?!admin-(?![A-Za-z0-9_-]))[A-Za-z0-9_-]+  # OpenAI's keys; `sk-admin-` alone is no key
  | (?<=Bearer\ )[^\s"'<>\\]+
  | (?<="token":")[^"]+ | (?<="token":\ ")[^"]+               # the legacy token in a payload, as JSON,
  | (?<='token':')[^']+ | (?<='token':\ ')[^']+               # as a dictionary's repr
  | (?<![A-Za-z0-9_])(?<=token=)[^\s&"']+                     # and as a form
  | (?<![A-Za-z0-9])whsec_[A-Za-z0-9+/=_-]+                   # what a webhook is signed with
  | (?<![A-Za-z0-9_])(?<=password=)(?:'[^']*'|[^\s&"']+)      # of a database, among its other words
  | (?<=://)[^\s/@:"']*:[^\s/@"']+(?=@)                       # the password of a database or proxy address
    """,
    re.VERBOSE,
)
_LIBRARIES = ("slack_bolt", "slack_sdk")
_OURS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


def redact(text: str) -> str:
    """Return `text` with every secret that is known by its shape replaced."""
    return _SECRET.sub(HIDDEN, text)


class Redaction(logging.Filter):
    """Redacts what a record will say. Put it on every handler: a logger's filter misses its children's records."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with its message, arguments, traceback and extra words redacted."""
        try:
            said = record.getMessage()
        except Exception:  # noqa: BLE001  a record whose arguments do not fit is still worth its words
            said = f"{record.msg} {record.args}"
        record.msg, record.args = redact(said), None
        if record.exc_info and record.exc_info[0] is not None:
            told = record.exc_text or "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            # Formatters that render exc_info themselves would show it whole.
            record.exc_text, record.exc_info = redact(told), None
        elif record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        for key in record.__dict__.keys() - _OURS:
            record.__dict__[key] = _redact_value(record.__dict__[key])
        return True


def _redact_value(value: object) -> object:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: _redact_value(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_redact_value(held) for held in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


def calm_libraries() -> None:
    """Keep Slack's libraries at INFO or above: at DEBUG they print payloads, one-use addresses and tickets."""
    for library in _LIBRARIES:
        logger = logging.getLogger(library)
        if logger.level < logging.INFO:
            logger.setLevel(logging.INFO)
    # At INFO bolt prints the whole body of a request whose signature is wrong.
    logging.getLogger("slack_bolt.RequestVerification").setLevel(logging.WARNING)
