"""A chart as a value: labels, amounts and the one sentence it is there to say, before anybody draws it.

Slack draws it natively, matplotlib as a picture, code blocks in letters; it travels as JSON beside the message that
carries it, so that whoever posts may fall back from one to the next.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Kind = Literal["cumulative", "columns", "bars"]
Amounts = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Amounts in nano-dollars, place by place with `labels`; None where nothing is known. Names are as they come."""

    kind: Kind
    title: str
    finding: str
    """One sentence, which says what the eye should see; for those who cannot see it too."""
    axis: str
    """What the labels are: `day of November, UTC`."""
    labels: tuple[str, ...]
    actual: Amounts
    earlier: Amounts = ()
    """The same of the range before, place by place; () where it is not shown."""
    earlier_name: str = ""
    budget: int | None = None
    """The line that should not be crossed: the month's, or of columns a day's share of it."""
    low: Amounts = ()
    forecast: Amounts = ()
    high: Amounts = ()
    """From the last known place on, of a month that runs: `low` to `high` holds it four times in five."""

    @property
    def known(self) -> int:
        """Return how many places, from the first, have an amount."""
        return len(self.actual) - sum(amount is None for amount in self.actual)

    @property
    def highest(self) -> int:
        """Return the largest amount there is to draw, the budget among them."""
        rows = (self.actual, self.earlier, self.high, (self.budget,))
        return max((amount for row in rows for amount in row if amount is not None), default=0)


def as_json(chart: Chart) -> dict[str, Any]:
    """Return the chart as it travels beside a message."""
    return {key: list(held) if isinstance(held, tuple) else held for key, held in asdict(chart).items()}


def from_json(held: Mapping[str, Any]) -> Chart:
    """Return the chart that `as_json` wrote. Raises ValueError for anything else: it came out of a database."""
    try:
        kind = held["kind"]
        if kind not in get_args(Kind):
            raise ValueError(f"{kind!r} is no kind of chart")
        words = {name: str(held[name]) for name in ("title", "finding", "axis")}
        rows = {name: tuple(held.get(name, ())) for name in ("actual", "earlier", "low", "forecast", "high")}
        labels = tuple(map(str, held["labels"]))
        budget = held.get("budget")
    except (KeyError, TypeError) as trouble:
        raise ValueError(f"this is no chart: {trouble}") from trouble
    if any(not isinstance(amount, int | None) for row in (*rows.values(), (budget,)) for amount in row):
        raise ValueError("this is no chart: amounts are whole nano-dollars")
    if any(len(row) not in (0, len(labels)) for row in rows.values()) or len(rows["actual"]) != len(labels):
        raise ValueError("this is no chart: every label has one amount")
    return Chart(
        kind,
        words["title"],
        words["finding"],
        words["axis"],
        labels,
        rows["actual"],
        rows["earlier"],
        str(held.get("earlier_name", "")),
        budget,
        rows["low"],
        rows["forecast"],
        rows["high"],
    )
