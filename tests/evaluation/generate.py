"""Spend that could be an organization's: weekdays, launches, ramps, spikes, outages, late rows. Seeded."""

from datetime import date
from math import exp, log
from random import Random

from bot.core.money import NANO

from .series import Late, Series

WEEKS = (
    (1.0, 1.04, 1.05, 1.02, 0.92, 0.16, 0.12),  # an office
    (0.98, 0.97, 0.99, 1.0, 1.06, 0.86, 0.82),  # customers
    (1.0, 1.0, 1.0, 1.0, 1.0, 0.35, 0.35),  # nightly jobs
    (1.0,) * 7,  # machines
)
STORIES = ("steady", "launch", "ramp", "spikes", "outage", "late", "steps", "cooling")
FIRST = date(2025, 1, 1)


def generate(seed: int, count: int = 24, days: int = 425) -> list[Series]:
    """Return `count` series of `days` days; each story is told by as many of them."""
    random = Random(f"spend {seed}")
    return [_one(random, number, days) for number in range(count)]


def _one(random: Random, number: int, days: int) -> Series:
    # Neighbours tell the same story, so that each half of the series hears them all.
    story = STORIES[number // 2 % len(STORIES)]
    week, noise = random.choice(WEEKS), random.uniform(0.05, 0.2)
    level = exp(random.uniform(log(20), log(5000)))
    growth, drift = random.uniform(-0.0005, 0.002), 0.0
    ramp_at = random.randrange(60, max(61, days - 60))
    step_at = sorted(random.sample(range(40, days), k=max(1, days // 140)))
    values, late, unusual = [], {}, set()
    for day in range(days):
        drift = 0.97 * drift + random.gauss(0, 0.03)
        value = level * week[day % 7] * exp(growth * day + drift + random.gauss(0, noise))
        if story == "launch":
            born = days // 5
            value *= 0 if day < born else min(1.0, 0.25 + (day - born) / 40)
        elif story == "ramp":
            value *= 1 + 1.5 * min(1.0, max(0.0, (day - ramp_at) / 45))
        elif story == "cooling":
            value *= 1 - 0.6 * min(1.0, max(0.0, (day - ramp_at) / 30))
        elif story == "steps":
            value *= 1.5 ** sum((-1) ** n for n, at in enumerate(step_at) if day >= at)
            unusual |= {at + n for at in step_at for n in range(14)}
        elif story == "spikes" and random.random() < 1 / 45:
            value *= exp(random.uniform(log(2), log(6)))
            unusual |= {day, day + 1}
        elif story == "outage" and day % 90 in (50, 51):
            value *= 0.03
        amount = round(value * NANO)
        if story == "late" and random.random() < 0.12:
            late[day] = Late(round(amount * random.uniform(0.6, 0.97)), day + random.randrange(2, 6))
        values.append(amount)
    return Series(f"{number:02} {story}", FIRST, tuple(values), late, frozenset(unusual))
