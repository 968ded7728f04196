"""What can go wrong on the way to OpenAI, each as one sentence that never shows the key."""

import re
import unicodedata
from dataclasses import dataclass

from bot.core.errors import BotError, SetupWrong, Unanswered

CLIPPED_AT = 200
KEYS = re.compile(r"sk-[A-Za-z0-9_*.…-]{4,}")


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a failure happened: what was read, the last status (None: no answer came), and how often."""

    source: str
    status: int | None = None
    request_id: str = ""
    tries: int = 1

    def __str__(self) -> str:
        parts = [self.source, f"status {self.status}" if self.status else "no status"]
        if self.request_id:
            parts.append(f"request {self.request_id}")
        parts.append("1 try" if self.tries == 1 else f"{self.tries} tries")
        return ", ".join(parts)


class _Traced(BotError):
    def __init__(self, happened: str, remedy: str = "", *, trace: Trace) -> None:
        super().__init__(f"{happened} ({trace}).", remedy)
        self.trace = trace

    @property
    def source(self) -> str:
        return self.trace.source

    @property
    def status(self) -> int | None:
        return self.trace.status


class KeyRefused(_Traced, SetupWrong):
    """401 or 403: the same cause is answered with either."""


class AskRefused(_Traced, Unanswered):
    """The question is refused for good (400 and its like); another grouping may be allowed."""


class NotOffered(_Traced, Unanswered):
    """404: this organization does not have the source, or the id is not one of its own."""


class BadAnswer(_Traced, Unanswered):
    """The answer breaks the contract: nothing of it may be stored, and asking again would not help."""


class ForeignCurrency(BadAnswer):
    """Costs in another currency than usd."""


class Unfit(ValueError):
    """A value that the contract rules out; the text is half a sentence, `kind` what is raised of it."""

    kind: type[BadAnswer] = BadAnswer


class Foreign(Unfit):
    """An amount in another currency."""

    kind = ForeignCurrency


class NoAnswer(_Traced, Unanswered):
    """Passing trouble that outlasted every try. `retry_after`: seconds the server asked for, if it did."""

    def __init__(
        self, happened: str, remedy: str = "", *, trace: Trace, retry_after: float | None = None
    ) -> None:
        super().__init__(happened, remedy, trace=trace)
        self.retry_after = retry_after


class Stopped(Exception):
    """Not a failure: nobody waits for the answer any more. Never leaves this package."""


def quoted(text: str, key: str = "") -> str:
    """Return words from outside fit for a sentence: no control characters, no key, clipped."""
    plain = "".join(" " if unicodedata.category(one).startswith(("C", "Z")) else one for one in text)
    plain = " ".join(plain.split())
    if key:
        plain = plain.replace(key, "sk-…")
    plain = KEYS.sub("sk-…", plain).rstrip(" .")
    return plain if len(plain) <= CLIPPED_AT else plain[: CLIPPED_AT - 1] + "…"
