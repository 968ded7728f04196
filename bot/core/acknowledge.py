"""An acknowledgement: somebody looks after an incident, until it becomes worse than what they have seen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bot.core.incident import Incident
from bot.core.rules.book import rank


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who looks after an incident, and how bad it was when they said so."""

    fingerprint: str
    by: str
    """A Slack user id, or a name of the shell."""
    at: datetime
    value: int
    severity: str

    @classmethod
    def of(cls, incident: Incident, by: str, at: datetime, *, falls: bool = False) -> Self:
        """Return somebody's word that they look after an incident as it is now.

        In a run the figure of today may be that of a few hours: what they have seen is the worst of its days.
        """
        run = incident.occurrence.startswith("#") and not falls
        value = max(incident.value, incident.peak) if run else incident.value
        return cls(incident.fingerprint, by, at, value, incident.severity)

    def outgrown(self, severity: str, value: int, *, falls: bool = False) -> str:
        """Return why it no longer stands, in words; '' while it does.

        It stands until the severity rises or the value has grown by a quarter; where less is worse (`falls`),
        until it is a quarter less.
        """
        if rank(severity) > rank(self.severity):
            return f"it is {severity} now"
        if falls:
            return (
                "it has fallen by 25% or more since"
                if value < self.value and value * 4 <= self.value * 3
                else ""
            )
        if value > self.value and value * 4 >= self.value * 5:
            return "it has grown by 25% or more since"
        return ""
