"""OpenAI's own hard limits, read and never written: this package knows no method but GET.

Limits are whole cents in upper-case USD, where costs are decimal dollars in lower case. What OpenAI answers
where no limit is set is not documented; 404 is taken for it, and nothing else is.
"""

import threading
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from bot.core.money import LARGEST, NANO
from bot.edge.openai.errors import BadAnswer, ForeignCurrency, NotOffered, Trace, quoted
from bot.edge.openai.transport import Request, Transport

ABOUT = "spend limits"
SCOPE = "permission to read limits"
CENT = NANO // 100
CURRENCY, INTERVAL, ENFORCING = "usd", "month", "enforcing"
NO_SUCH_ADDRESS = ("invalid url", "unknown request url")
"""How OpenAI words a 404 that means the address, and not what is at it."""


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """A hard limit: nano-dollars a calendar month; None where none is set."""

    amount: int | None
    enforcement: str = ""
    """OpenAI's word for its state, as it came: `inactive`, `enforcing`, or one that is newer."""

    @property
    def enforcing(self) -> bool:
        return self.enforcement == ENFORCING


class Enforcement(msgspec.Struct, frozen=True):
    status: str


class Wire(msgspec.Struct, frozen=True):
    """A limit as it is sent; the two kinds differ in `object` alone."""

    object: str
    threshold_amount: int
    currency: str
    interval: str
    enforcement: Enforcement


WIRE = msgspec.json.Decoder(Wire, strict=False)  # 10000.0 is a count of cents too


def spend_limit(transport: Transport, project_id: str | None) -> SpendLimit:
    """Return the hard limit of a project, or the organization's own for None.

    Raises KeyRefused, AskRefused, NoAnswer, and BadAnswer for what is no limit in dollars a month: what it
    is then is unknown. NotOffered is raised only where the API itself does not know the address.
    """
    path, kind = "/organization/spend_limit", "organization.spend_limit"
    if project_id is not None:
        path, kind = f"/organization/projects/{quote(project_id, safe='')}/spend_limit", "project.spend_limit"
    try:
        answer = transport.get(Request(path, [], ABOUT, SCOPE), WIRE.decode, threading.Event())
    except NotOffered as absent:
        if any(words in absent.happened.lower() for words in NO_SUCH_ADDRESS):
            raise
        return SpendLimit(None)
    return _checked(answer.value, kind, answer.trace)


def _checked(wire: Wire, kind: str, trace: Trace) -> SpendLimit:
    if wire.object != kind:
        raise _bad(f"{quoted(wire.object)!r} in place of a limit", trace)
    if wire.currency.lower() != CURRENCY:
        raise ForeignCurrency(
            f"OpenAI's limit is in {quoted(wire.currency)!r}", "Only USD is understood.", trace=trace
        )
    if wire.interval != INTERVAL:
        raise _bad(f"a limit by {quoted(wire.interval)!r}", trace)
    if not 1 <= wire.threshold_amount <= LARGEST // CENT:
        raise _bad("a limit below a cent, or above all that can be kept", trace)
    return SpendLimit(wire.threshold_amount * CENT, wire.enforcement.status)


def _bad(what: str, trace: Trace) -> BadAnswer:
    return BadAnswer(f"OpenAI's answer is not as agreed: {what}", "Nothing of it was kept.", trace=trace)
