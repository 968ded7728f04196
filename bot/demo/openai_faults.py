"""Ways for the stand-in to fail, as the real API, a proxy or a network has failed somebody."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.demo.ledger import Wire


@dataclass(frozen=True, slots=True)
class Status:
    """An error's status; `body` takes the place of the API's usual error object."""

    code: int
    body: bytes | str | Wire | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Html:
    """A proxy's page of HTML."""

    code: int = 502


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection breaks in the middle of the body."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing comes for a while, then the answer does."""

    seconds: float


@dataclass(frozen=True, slots=True)
class BadJson:
    """A 200 whose JSON ends too early."""


@dataclass(frozen=True, slots=True)
class Mutate:
    """A 200 with odd contents: `change` edits the answer in place, or returns another."""

    change: Callable[[Wire], Wire | None]


Fault = Status | Html | Cut | Hang | BadJson | Mutate


@dataclass(slots=True)
class Script:
    """One instruction: the requests whose path ends so fail so, `skip` of them spared first."""

    path_suffix: str
    fault: Fault
    times: float
    skip: int

    def strikes(self, path: str) -> bool:
        """Return whether this request fails, and count it."""
        if self.times <= 0 or not path.endswith(self.path_suffix):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True
