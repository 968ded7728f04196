"""Who asks a question or gives an order, as far as anybody knows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from bot.core.roles import NO_ADMIN, Role, may


@dataclass(frozen=True, slots=True)
class Asker:
    """A person. In Slack they are who the verified payload says, in a shell who the system says."""

    who: str = ""
    """A Slack user id, or the name somebody has in the shell; '' where nobody is known."""
    known_as: frozenset[str] = frozenset()
    """Every id and handle that names them in rule files: their own, and those of their user groups."""
    zone: str = ""
    """IANA name of the clocks they live by; '' where that is not known."""
    role: Role = "viewer"
    why: str = ""
    """Why they may change nothing, whatever it is; '' where the role decides."""
    trusted: frozenset[str] = frozenset()
    """Those of `known_as` that nobody can give themselves: what they own is told by these."""
    no_admins: bool = False
    """Nobody is named an admin: what is for admins to look at, operators may."""

    def owns(self, names: Iterable[str]) -> bool:
        """Tell whether one of these, as rule files name owners, is them or a user group of theirs."""
        return any(word in self.trusted for name in names if (word := name.lstrip("@").lower()))

    def lacks(self, who: Literal["viewer", "operator", "admin", "self"], *, looks: bool = False) -> str:
        """Return why they may not say what is for `who` to say; '' when they may.

        `looks`: it changes nothing, so the trouble with strangers is not that they would change something.
        """
        if who == "viewer":
            return ""
        if self.why:
            return NO_ADMIN if looks and who == "admin" else self.why
        if who == "self":
            return ""
        if who == "operator":
            return may(self.role)
        stands_in = looks and self.no_admins and self.role == "operator"
        return "" if self.role == "admin" or stands_in else NO_ADMIN

    def clocks(self, otherwise: str) -> str:
        """Return the time zone they mean when they name a time: their own, else that of the rules."""
        try:
            return ZoneInfo(self.zone).key if self.zone else otherwise
        except (KeyError, OSError, ValueError):  # Slack may name a zone that is not known here
            return otherwise


NOBODY = Asker()
