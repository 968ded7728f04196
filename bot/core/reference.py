"""What a button of an alert carries: a reference, never a fact; what it means is read from the database.

A message can be looked at for days, and whoever forges a click can write anything: so a reference names an alert or
a message and the revision somebody saw, and everything else is asked anew.
"""

import re
from dataclasses import dataclass
from typing import Self

VERSION = "v1"
"""In front of a reference, so that a button of another version is known as such."""

_VALUE = re.compile(r"(?:([a-z]{2,10})\|)?v1\|(?:c([0-9]{1,9})|([0-9a-f]{12}))\|([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reference:
    """One alert, or all those of one message, at a revision of the message."""

    fingerprint: str = ""
    """'' where it is about a message."""
    card_id: int = 0
    """0 where it is about one alert."""
    revision: int = 0
    """0 where nobody counts: in an answer that is gone when it is looked away from."""
    choice: str = ""
    """What was chosen from a menu: `why`."""

    def __str__(self) -> str:
        """Return it as a button's value."""
        about = self.fingerprint or f"c{self.card_id}"
        return f"{f'{self.choice}|' if self.choice else ''}{VERSION}|{about}|{self.revision}"

    @classmethod
    def read(cls, value: str) -> Self | None:
        """Return what a value refers to; None where it is no reference, whoever wrote it."""
        found = _VALUE.fullmatch(value)
        if found is None:
            return None
        return cls(found[3] or "", int(found[2] or 0), int(found[4]), found[1] or "")
