"""What a verb is, and the words of the grammar: keys, dimensions, flags."""

from dataclasses import dataclass
from typing import Literal

from bot.core.severity import SEVERITIES

TIMES = ("day", "week", "month")
"""What a report can be cut into besides the dimensions of cost."""

ALERT_KEYS = ("rule", "severity", "label")
"""What a silence can look at besides the dimensions of cost."""
COST_KEYS = ("project", "model", "line_item", "api_key", "user", "team")
STANDING_KEYS = ("rule", "severity", "state", "owner", "label", *COST_KEYS)
"""What budgets and alerts can be told apart by."""
GROUPINGS = (*COST_KEYS, *TIMES)
STATES = ("firing", "ok", "pending", "learning", "ended", "inactive", "nodata", "error")
WORDS_OF: dict[str, tuple[str, ...]] = {"severity": SEVERITIES, "state": STATES}
"""Keys whose values are known words."""

ORDERED = ("severity",)
"""Keys that `>` and `>=` compare."""

FLAGS = ("public", "csv", "json", "jsonl", "chart", "nochart", "raw")
"""Words that say how an answer is given."""
EVERYBODY = ("csv", "json")
"""The files that most answers can be."""

Who = Literal["viewer", "operator", "admin", "self"]
"""Who may say a verb; `self` is anybody, about themselves."""

ALIASES = {
    "projects": "project",
    "models": "model",
    "line_items": "line_item",
    "lineitem": "line_item",
    "lineitems": "line_item",
    "item": "line_item",
    "items": "line_item",
    "key": "api_key",
    "keys": "api_key",
    "api_keys": "api_key",
    "apikey": "api_key",
    "apikeys": "api_key",
    "users": "user",
    "teams": "team",
    "days": "day",
    "daily": "day",
    "weeks": "week",
    "weekly": "week",
    "months": "month",
    "monthly": "month",
    "rules": "rule",
    "states": "state",
    "owners": "owner",
    "labels": "label",
}


def canonical(word: str) -> str:
    """Return the one name of a dimension or key: `line-item`, `lineitem` and `items` are `line_item`."""
    plain = word.replace("-", "_")
    return ALIASES.get(plain, plain)


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be said: what it answers or does, what it takes, how it is typed and who may."""

    name: str
    summary: str
    examples: tuple[tuple[str, str], ...]
    """(command, what it answers); the first one teaches."""
    who: Who = "viewer"
    changes: bool = False
    """Whether it changes something: then it matters who says it."""
    taught: bool = False
    """Whether it is one of the few that help begins with."""
    span: str = ""
    """The range when none is given; '' = it takes none."""
    versus: bool = False
    """Whether it takes `vs=RANGE`."""
    by: tuple[str, ...] | None = None
    """The grouping when none is given; None = it takes none."""
    crossed: int = 2
    """How many dimensions it can be grouped by at once."""
    times: bool = True
    """Whether day, week and month are among them."""
    keys: tuple[str, ...] = ()
    """What it can be filtered by."""
    top: int | None = None
    """How many rows when no number is given; None = all."""
    counts: bool = False
    """Whether it takes `top=N`."""
    charts: bool = False
    """Whether it takes `chart`, `nochart` and `raw`."""
    shared: bool = True
    """Whether it takes `public`, `in #channel` and `to @person`."""
    formats: tuple[str, ...] = EVERYBODY
    """The files it can be."""
    format: str | None = None
    """The one it is when none is named."""
    topics: bool = False
    """Whether it takes the name of a verb."""
    named: str = ""
    """How that is called which it must be asked about: a rule, a fingerprint; '' where there is nothing of the kind."""
    marked: bool = False
    """Whether it may be asked about one alert, by its fingerprint, instead of a range."""
    ids: str = ""
    """How that is called which it takes by number or mark; '' where it takes nothing of the kind."""
    every: bool = False
    """Whether it takes `all`."""
    schedules: bool = False
    """Whether it takes `daily`, `weekly monday 09:00`, `monthly 1 09:00`."""
    lasts: bool = False
    """Whether it takes `for 2d`, `until monday` and `wake=+$500`."""
    reason: str = ""
    """Whether it `may` or `must` give a reason."""

    @property
    def orders(self) -> bool:
        """Tell whether it changes what is said of alerts: it takes a reason, and somebody answers for it."""
        return self.changes and bool(self.reason)

    @property
    def ranged(self) -> bool:
        """Tell whether it takes a range."""
        return bool(self.span) or self.schedules

    @property
    def alone(self) -> bool:
        """Tell whether it is a question that needs no further words."""
        return not (self.changes or self.named)

    @property
    def usage(self) -> str:
        """Return the line that shows what may follow the verb."""
        return f"{self.name} {self.words()}".strip()

    def words(self, *, slack: bool = True) -> str:
        """Return what may follow the verb; '' where nothing may. Only Slack has channels to answer in."""
        parts = [self.named or ("[VERB]" if self.topics else "")]
        if self.name == "top":
            parts.append("[N]")
        if self.schedules:
            parts.append("list|daily|weekly|monthly [DAY] [HH:MM]")
        if self.ranged:
            parts.append("[RANGE|FINGERPRINT]" if self.marked else "[RANGE]")
        if self.versus:
            parts.append("[vs=RANGE]")
        if self.by is not None:
            parts.append("[by DIM[,DIM]]" if self.crossed > 1 else "[by DIM]")
        parts.append(self._what())
        if self.lasts:
            parts.append("for DURATION|until WHEN [wake=+$500]")
        if self.reason:
            parts.append("-- WHY" if self.reason == "must" else "[-- WHY]")
        if self.counts and self.name != "top":
            parts.append("[top=N]")
        if self.charts:
            parts.append("[chart|nochart] [raw]")
        if self.shared and slack:
            parts.append("[public|in #CHANNEL|to @PERSON]")
        if self.formats:
            parts.append(f"[{'|'.join(self.formats)}]")
        return " ".join(part for part in parts if part)

    def _what(self) -> str:
        """Return what it is about: ids, all of them, filters."""
        filters = "KEY=VALUE …" if self.keys else ""
        if not self.ids:
            return " ".join(
                word for word in ("[all]" if self.every else "", f"[{filters}]" if filters else "") if word
            )
        if self.every:
            return f"{self.ids} …|all" + (f" [{filters}]" if filters else "")
        return f"{self.ids}|{filters}" if filters else f"{self.ids} …"
