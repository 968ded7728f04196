"""A process that stays is small: what it does without, and what it gives back."""

import subprocess
import sys
import tracemalloc
from datetime import UTC, date, datetime, timedelta

from bot.core.dimension import Series
from bot.core.live.estimate import Used, estimate
from tests.shell import ROOT

LOADED = """
import sys
from bot.edge.memory import stay_small
stay_small()
import bot.worker, httpx
print(*sorted(name for name in sys.modules if name.split(".")[0] in ("rich", "pygments", "matplotlib", "psycopg")))
"""
VALIDATED = """
from sqlmodel import SQLModel
from bot.edge.store import tables
made = [mapper.class_ for mapper in SQLModel._sa_registry.mappers]
assert tables.IncidentRow in made
print([table.__name__ for table in made if table.__pydantic_complete__])
"""
GIVEN_BACK = """
from pathlib import Path
from bot.edge.memory import give_back, settled, stay_small
def held():
    return int(next(line for line in Path("/proc/self/status").open() if line.startswith("VmRSS")).split()[1])
stay_small()
settled()
before = held()
pieces = [bytearray(50_000) for _ in range(2_000)]
kept = pieces[::400]
del pieces
give_back()
print(held() - before)
"""


def said(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_process_that_stays_loads_nothing_that_draws():
    assert said(LOADED) == ""


def test_no_validators_are_made_of_tables():
    assert said(VALIDATED) == "[]"


def test_what_is_free_is_given_back():
    assert int(said(GIVEN_BACK)) < 10_000  # of 100,000 kB, though five pieces of it are in use


def test_estimates_are_worked_out_a_meter_at_a_time():
    first, projects, models = date(2026, 11, 1), range(30), range(10)
    days = [first + timedelta(days) for days in range(16)]
    kinds = ("input_cached_tokens", "input_audio_tokens", "input_image_tokens", "output_audio_tokens")
    told = {"input_tokens": 9_000, "output_tokens": 900} | dict.fromkeys(kinds, 100)
    asked = [
        Series(project_id=f"p{project}", endpoint="completions", model=f"gpt-{model}")
        for project in projects
        for model in models
    ]
    bill = {Series(f"p{project}", f"gpt-{model}, input"): 1_000 for project in projects for model in models}
    billed = {day: bill if day < days[-1] else {} for day in days}
    rows = (Used(day, series, told) for day in days for series in asked)
    tracemalloc.start()
    try:
        found = estimate(rows, billed, days[-2], datetime(2026, 11, 16, 12, tzinfo=UTC), lambda *_: None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found.lines) == len(asked) * 2
    counts = len(days) * len(asked) * 6
    assert peak < counts * 75  # bytes; made things of all at once, each count takes 300
