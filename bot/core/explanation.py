"""Why a rule says what it says for a group: the answer of `explain`, complete, before anybody puts it into words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.core.explaining.working import Working
from bot.core.listing import RuleLine
from bot.core.rules.book import Origin
from bot.core.status import Standing
from bot.core.view import Source


@dataclass(frozen=True, slots=True)
class Data:
    """The version of the data an answer rests on."""

    poll: int | None
    """The number of the last poll; None before the first."""
    polled_at: datetime | None = None
    complete: bool = False
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Laid:
    """What lies over an alert: it changes what is delivered and when, never what is true."""

    what: Literal["acknowledged", "silenced", "quiet", "gathered", "below floor", "nobody hears"]
    by: str = ""
    """Who laid it there: a Slack user id, or a name of the shell."""
    where: str = ""
    """The room it is about; '' for all of them."""
    at: datetime | None = None
    until: datetime | None = None
    why: str = ""
    """The reason of a silence with its number, or the floor."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of an event in one room."""

    where: str
    """`#search-ops`."""
    state: str
    """`sent`, `waiting`, `sending`, `held`, `dropped`."""
    at: datetime | None = None
    """When it was delivered, or is tried."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One decision to speak, and its deliveries."""

    fingerprint: str
    at: datetime
    transition: str
    level: str
    reason: str
    value: int
    poll: int | None
    """The data version it was decided on."""
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """One rule and group: what it rests on, how it was reckoned, what people were told, what would make it speak."""

    standing: Standing
    """The state, with its figures and its reason."""
    rule: RuleLine | None
    """The rule in words; None where there is no such rule any more."""
    origin: Origin | None
    commit: str
    data: Data
    working: Working
    speaks_in: tuple[str, ...] = ()
    laid: tuple[Laid, ...] = ()
    told: tuple[Spoken, ...] = ()
    """Newest first."""
    present: Standing | None = None
    """Where the rule and group stand today, where an incident that is over is explained."""
    others: int = 0
    """Other groups of the rule that could be named."""
    firing: int = 0
    """Those of them that fire."""
    another: str = ""
    """How another group is asked about: `explain project-month project=NAME`."""
    notes: tuple[str, ...] = ()
