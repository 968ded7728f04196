"""`python -m tests.bench`: print the table of what is measured, each figure beside its limit."""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import rows_ask, rows_fetch, rows_judge, rows_start, rows_store
from tests.bench.place import Place
from tests.bench.table import as_dict, figure, markdown

ROWS = rows_store.ROWS | rows_fetch.ROWS | rows_judge.ROWS | rows_ask.ROWS | rows_start.ROWS
LONG = ("official", "memory", "backtest", "load", "rest", "rules-10000")
"""What takes half a minute and more at full size."""


def measure(place, names, told=lambda _: None):
    """Return the rows of the named measurements, telling each as it comes."""
    found = []
    for name in names:
        told(f"{name}{' (takes a while)' if name in LONG and place.scale > 0.3 else ''}")
        for one in ROWS[name](place):
            told(f"  {one.name}: {'met' if one.met else 'not met'}, {figure(one.ours, one.unit)}")
            found.append(one)
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        epilog=f"Rows: {', '.join(ROWS)}. Long at full size: {', '.join(LONG)}.",
    )
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 600,000 cost rows in 400 days")
    parser.add_argument("--only", nargs="+", choices=tuple(ROWS), metavar="ROW")
    parser.add_argument("--skip", nargs="+", choices=tuple(ROWS), metavar="ROW", default=[])
    parser.add_argument("--repeat", type=int, default=5, help="runs of which the median counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    names = [name for name in asked.only or ROWS if name not in asked.skip]
    began = time.monotonic()

    def told(text):
        sys.stderr.write(f"{time.monotonic() - began:6.0f} s  {text}\n")

    with (
        tempfile.TemporaryDirectory(prefix="bb-bench-") as folder,
        Place(Path(folder), asked.scale, asked.repeat, asked.seed) as place,
    ):
        rows = measure(place, names, told)
        machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
        about = f"{place.now.date()}, {machine}, scale {asked.scale:g}, medians of {asked.repeat}, seed {asked.seed}"
    if asked.json:
        json.dump(
            {"about": about, "rows": [as_dict(one) for one in rows]}, sys.stdout, indent=2, ensure_ascii=False
        )
        sys.stdout.write("\n")
    else:
        sys.stdout.write(f"{about}\n\n{markdown(rows)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
