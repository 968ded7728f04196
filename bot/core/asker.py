"""Who asks a question or gives an order, as far as anybody knows."""

from dataclasses import dataclass

from bot.core.roles import Role


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


NOBODY = Asker()
