"""Logs on stderr: a readable line on a terminal, one JSON object a line elsewhere; secrets never."""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

from bot.edge.redact import HIDDEN, Redaction, calm_libraries, redact

SHORTEST_SECRET = 8
"""Shorter ones are no secrets, and hiding them would blot out words."""

_hidden: set[str] = set()
_USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def hide(secrets: Iterable[str]) -> None:
    """Let none of these values be shown from now on, whatever their shape, nor what follows the host of an address."""
    for secret in secrets:
        # Libraries show what is asked of a host apart from the host.
        for part in (secret, secret.partition("://")[2].partition("/")[2]):
            if len(part) >= SHORTEST_SECRET:
                _hidden.update((part, json.dumps(part)[1:-1], quote(part, safe="")))


def clean(text: str) -> str:
    """Return `text` without secrets: those known by their value, and those known by their shape."""
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return redact(text)


class _Line(logging.Formatter):
    """One record as JSON, or as words on a terminal; extra fields follow the message."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self.as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        more = {key: value for key, value in record.__dict__.items() if key not in _USUAL}
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        trace = self.formatException(record.exc_info) if record.exc_info else record.exc_text
        if self.as_json:
            line = {
                "at": at,
                "level": record.levelname.lower(),
                "logger": record.name,
                "event": record.getMessage(),
            }
            # What a record adds never hides what every line has.
            line |= {key: value for key, value in more.items() if key not in line}
            if trace:
                line["trace"] = trace
            return clean(json.dumps(line, default=str, ensure_ascii=False))
        words = _printable(" ".join(f"{key}={value}" for key, value in more.items()))
        text = f"{at} {record.levelname.lower():7} {_printable(record.getMessage())} {words}".rstrip()
        return clean(f"{text}\n{trace}" if trace else text)


def _printable(text: str) -> str:
    """Return `text` in one line that moves no cursor and rings no bell: names come from outside."""
    return "".join(each if each.isprintable() else " " for each in text)


def configure(level: int = logging.INFO) -> None:
    """Send logs to stderr; libraries speak from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line(as_json=not sys.stderr.isatty()))
    handler.addFilter(Redaction())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("budgetbot").setLevel(level)
    logging.getLogger("bot").setLevel(level)
    calm_libraries()


def show_ended(what: threading.ExceptHookArgs) -> None:
    """Print what ended a thread, without secrets."""
    name = what.thread.name if what.thread is not None else "a thread"
    told = traceback.format_exception(what.exc_type, what.exc_value, what.exc_traceback)
    sys.stderr.write(clean("".join((f"budgetbot: {name} ended:\n", *told))))


def show_bug() -> None:
    """Print the traceback of the exception in flight, without secrets."""
    sys.stderr.write(clean(traceback.format_exc()))
    sys.stderr.write("budgetbot: this is a bug of ours; please report it with the lines above.\n")
