"""How loud a level is, without the rules around it: the list of commands needs no more than these words."""

from typing import Literal

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""From the least to the most."""
