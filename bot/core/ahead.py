"""What each budget's running period will come to: the answer of `forecast`, before anybody puts it into words."""

from dataclasses import dataclass
from datetime import date, datetime

from bot.core.limits import CutOff
from bot.core.period import Span
from bot.core.spend import Group
from bot.core.units import Unit


@dataclass(frozen=True, slots=True)
class Ahead:
    """What one budget's running period will come to. Figures are in `unit`; `low` to `high` holds it 4 times in 5."""

    rule_id: str
    """'' of what no rule is about: the organization's month, or what was asked for."""
    rule_name: str
    each: tuple[str, ...]
    group: Group
    group_names: tuple[str, ...]
    span: Span
    period: str
    """How people call the span: `November`."""
    metric: str
    unit: Unit
    value: int
    """So far."""
    estimated: int = 0
    """How much of it is estimated."""
    amount: int | None = None
    """None where no budget is set."""
    why: str = ""
    """Why there is no forecast: `needs 14 settled days, has 6`; '' where there is one."""
    settled_until: date | None = None
    """The first day that was not settled."""
    total: int = 0
    low: int = 0
    high: int = 0
    probability: float | None = None
    """Of coming to the amount or more; None without an amount."""
    reached_at: datetime | None = None
    """When the amount is used up, or was; None where it is not within the period."""
    past_error: float | None = None
    """The median error of this budget's own past forecasts so long before the end, as a ratio."""
    origins: int = 0
    """How many past forecasts that rests on."""
    cut: CutOff | None = None
    """When OpenAI cuts it off; None where no hard limit is known to be set."""
    team: str = ""
    owner: str = ""
    whole: bool = False
    """It is the organization's month."""

    @property
    def known(self) -> bool:
        """Tell whether there is a forecast."""
        return not self.why

    @property
    def ratio(self) -> float | None:
        """Return forecast / amount; None where either is missing."""
        return self.total / self.amount if self.known and self.amount else None

    @property
    def over(self) -> bool:
        """Tell whether it is on course to come to more than its amount."""
        return self.known and self.amount is not None and self.total > self.amount

    @property
    def subject(self) -> str:
        """Return what the line speaks of: `search-prod`; the rule's name without a group."""
        return " · ".join(self.group_names) if self.group_names else self.rule_name


@dataclass(frozen=True, slots=True)
class Forecasts:
    """What is ahead: the organization's month first, then budgets, those most likely to be passed first."""

    as_of: datetime | None
    rows: tuple[Ahead, ...]
    notes: tuple[str, ...] = ()
    others: int = 0
    """Budgets that are not told one by one; none of them is more likely to be passed."""
    over: int = 0
    """Budgets on course past their amount, those not shown among them."""
    budgets: int = 0
    """Budgets with a forecast, those not shown among them."""
    unseen: int = 0
    """Budgets so far below their amount that nobody looked ahead."""
