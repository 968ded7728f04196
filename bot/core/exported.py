"""What leaves the bot as a file: a report for a person, or every stored figure for a machine."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from bot.core.dimension import Series
from bot.core.report import Report

Sent = Literal["sent", "unsent", "unknown"]


@dataclass(frozen=True, slots=True)
class Exported:
    """A report that was to be sent as a file, and what became of that."""

    report: Report
    """Every row of it."""
    form: str
    """`csv`, `json` or `jsonl`."""
    name: str
    """Of the file."""
    sent: Sent
    why: str = ""
    """Why it was not sent, or nobody knows: a sentence."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One stored cost of one UTC day."""

    day: date
    series: Series
    model: str
    """The model its line item speaks of; '' where it speaks of none."""
    cost: int
    """Nano-dollars."""
    quantity: int | None
    """Millionths of `unit`; None where OpenAI tells no quantity."""
    unit: str
    known_at: datetime
    """When this figure was first seen."""


def file_name(report: Report, form: str) -> str:
    """Return how a report's file is called: `openai-spend_2026-10-01_2026-10-31_by-project-day.csv`."""
    by = f"_by-{'-'.join(report.by)}".replace("_key", "-key").replace("_item", "-item") if report.by else ""
    span = report.span
    days = f"{span.start}_{span.last}" if span.days > 1 else f"{span.start}"
    return f"openai-spend_{days}{by}.{form}"
