"""A process that stays is small: what it does without, and what it gives back."""

import subprocess
import sys

from tests.shell import ROOT

LOADED = """
import sys
from bot.edge.memory import stay_small
stay_small()
import bot.worker, httpx
print(*sorted(name for name in sys.modules if name.split(".")[0] in ("rich", "pygments", "matplotlib", "psycopg")))
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


def test_what_is_free_is_given_back():
    assert int(said(GIVEN_BACK)) < 10_000  # of 100,000 kB, though five pieces of it are in use
