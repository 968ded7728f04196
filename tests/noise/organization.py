"""An organization's spend that could be one: weekdays, growth, launches, spikes, a runaway key, late rows, credits."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import exp
from random import Random

from bot.core.money import NANO
from bot.core.period import DAY, midnight

TEAMS = (
    "search",
    "payments",
    "support",
    "research",
    "data",
    "growth",
    "mobile",
    "platform",
    "legal",
    "media",
)
SUFFIXES = ("prod", "staging", "batch", "eval", "sandbox", "bot", "ml", "api")
MODELS = (
    "gpt-5.2",
    "gpt-5.2-mini",
    "gpt-5-nano",
    "gpt-4.1",
    "o4-mini",
    "gpt-image-2",
    "text-embedding-3-large",
)
TOOLS = ("web search tool calls", "code interpreter sessions", "file search tool calls")
PAIRS_EACH = 5
"""Models of a project."""
WEEKS = (
    (1.0, 1.04, 1.05, 1.02, 0.92, 0.16, 0.12),  # an office
    (0.98, 0.97, 0.99, 1.0, 1.06, 0.86, 0.82),  # customers
    (1.0, 1.0, 1.0, 1.0, 1.0, 0.35, 0.35),  # nightly jobs
    (1.0,) * 7,  # machines
)
HISTORY = 150
"""Days that are stored when the watch begins."""
BILLED_EVERY = timedelta(hours=6)
TRAILS = timedelta(hours=5)
"""How far the bill is behind what was used."""

Key = tuple[str, str]
"""(project id, line item)"""


@dataclass(frozen=True)
class Late:
    """A day that is billed short at first."""

    share: float
    """Of its true figure."""
    until: datetime


@dataclass
class Organization:
    """What it truly spends by day, and what of it is billed when."""

    first: date
    """The first day of history."""
    begins: date
    """The day on which the bot begins to watch."""
    days: int
    names: dict[str, str] = field(default_factory=dict)
    spent: dict[tuple[Key, date], int] = field(default_factory=dict)
    """Nano-dollars."""
    late: dict[tuple[Key, date], Late] = field(default_factory=dict)
    runaway: Key = ("", "")

    @property
    def ends(self) -> date:
        return self.begins + self.days * DAY

    def billed(self, day: date, at: datetime) -> dict[Key, int]:
        """Return what is billed of a day at an instant, by series."""
        share = min(max((at - TRAILS - midnight(day)) / DAY, 0.0), 1.0)
        found = {}
        for key in self._keys:
            amount = self.spent.get((key, day), 0)
            late = self.late.get((key, day))
            part = share * (late.share if late and at < late.until else 1.0)
            if value := round(amount * part):
                found[key] = value
        return found

    def of_project(self, project: str, first: date, until: date) -> int:
        """Return what a project truly spent over some days."""
        return sum(
            self.spent.get((key, first + n * DAY), 0)
            for key in self._keys
            if key[0] == project
            for n in range((until - first).days)
        )

    def dearest(self, project: str, first: date, until: date) -> int:
        """Return the dearest day of any one model of a project."""
        return max(
            self.spent.get((key, first + n * DAY), 0)
            for key in self._keys
            if key[0] == project
            for n in range((until - first).days)
        )

    @property
    def _keys(self) -> list[Key]:
        if not self.__dict__.get("_known"):
            self.__dict__["_known"] = list(dict.fromkeys(key for key, _ in self.spent))
        return self.__dict__["_known"]


def organization(seed: int, month: int, projects: int, begins: date, days: int) -> Organization:
    """Return an organization that spends about `month` dollars a month."""
    random = Random(f"organization {seed}")
    made = Organization(begins - HISTORY * DAY, begins, days)
    weights: dict[Key, float] = {}
    weeks: dict[str, tuple[float, ...]] = {}
    for number in range(projects):
        project = f"proj_{number:03}"
        team, suffix = TEAMS[number % len(TEAMS)], SUFFIXES[number // len(TEAMS) % len(SUFFIXES)]
        made.names[project] = f"{team}-{suffix}"
        weeks[project] = random.choice(WEEKS)
        size = exp(random.gauss(0, 1.2))
        for model in random.sample(MODELS, PAIRS_EACH):
            weights[project, f"{model}, input"] = size * exp(random.gauss(0, 1.0))
        if number % 8 == 0:
            weights[project, random.choice(TOOLS)] = size * 0.1
    scale = month / 30 / sum(weights.values())
    for place, (key, weight) in enumerate(weights.items()):
        _spend(made, random, place, key, weight * scale, weeks[key[0]])
    tokens = [key for key in weights if key[1].endswith("input")]
    made.runaway = tokens[len(tokens) // 3]
    for n in range(3):  # found on the third day
        day = begins + (days // 2 + n) * DAY
        made.spent[made.runaway, day] = made.spent.get((made.runaway, day), 0) + round(0.04 * month * NANO)
    for n in range(0, days, 20):  # a credit, which is a negative row
        made.spent[("proj_000", "credit"), begins + n * DAY] = round(-0.005 * month * NANO)
    return made


def _spend(
    made: Organization, random: Random, place: int, key: Key, level: float, week: tuple[float, ...]
) -> None:
    """Lay out one series: most are steady, some are launched, ramp up, spike, or are switched off."""
    story = random.choices(("steady", "launch", "ramp", "spiky", "cooling"), weights=(78, 4, 6, 8, 4), k=1)[0]
    total = HISTORY + made.days
    noise, growth, drift = random.uniform(0.05, 0.22), random.gauss(0.0007, 0.0012), 0.0
    turn = random.randrange(30, total - 10)
    for n in range(total):
        day = made.first + n * DAY
        drift = 0.97 * drift + random.gauss(0, 0.02)
        value = level * week[day.weekday()] * exp(growth * (n - HISTORY) + drift + random.gauss(0, noise))
        if story == "launch":
            value *= 0 if n < turn else min(1.0, 0.25 + (n - turn) / 40)
        elif story == "ramp":
            value *= 1 + 0.8 * min(1.0, max(0.0, (n - turn) / 30))
        elif story == "cooling":
            value *= 1 - 0.7 * min(1.0, max(0.0, (n - turn) / 20))
        elif story == "spiky" and random.random() < 1 / 60:
            value *= exp(random.uniform(0.7, 1.8))
        amount = round(value * NANO)
        if not amount:
            continue
        made.spent[key, day] = amount
        ended = midnight(day + DAY)
        if random.random() < 0.05:  # a revision within the settling time
            made.late[key, day] = Late(
                random.uniform(0.93, 1.02), ended + timedelta(hours=random.randrange(6, 30))
            )
        elif random.random() < 0.004:  # a row that comes days late
            made.late[key, day] = Late(
                random.uniform(0.5, 0.9), ended + timedelta(days=random.randrange(2, 5))
            )
