"""What was measured, as rows: a figure, what it is held against, and whether that is met."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter


@dataclass(frozen=True)
class Row:
    """One line of the table. `ours` and `peer` are in `unit`; `ratio` is what the target is about."""

    name: str
    what: str
    against: str
    ours: float
    peer: float | None
    unit: str
    ratio: float | None
    target: str
    met: bool
    note: str = ""


def row(name, what, against, ours, peer, unit, target, limit, *, least=False, and_=True, note="", ratio=None):
    """Return a row whose ratio of `ours` to `peer` is at most, or at least, `limit`; `and_` must be so as well."""
    ratio = (ours / peer if peer else None) if ratio is None else ratio
    held = ours if ratio is None else ratio
    met = (held >= limit if least else held <= limit) and and_
    return Row(name, what, against, ours, peer, unit, ratio, target, bool(met), note)


def child(kind, *arguments):
    """Return what a process of its own measured, with its peak memory in bytes."""
    words = [sys.executable, "-m", "tests.bench.child", kind, json.dumps(arguments)]
    root = Path(__file__).parents[2]
    done = subprocess.run(words, cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def took(work, *arguments):
    """Return the seconds that took, and what came of it."""
    began = perf_counter()
    came = work(*arguments)
    return perf_counter() - began, came


def medians(repeat, *works):
    """Run the works in turns, once to warm up when repeated; return the median seconds of each."""
    if repeat > 1:
        for work in works:
            work()
    found = [[took(work)[0] for work in works] for _ in range(repeat)]
    return [median(column) for column in zip(*found, strict=True)]


def figure(value, unit):
    if value is None:
        return ""
    if unit == "s":
        return f"{value * 1000:,.1f} ms" if value < 1 else f"{value:,.2f} s"
    if unit == "rows/s":
        return f"{value / 1000:,.0f} k rows/s"
    return f"{value:,.1f} {unit}".rstrip()


def as_dict(one):
    return asdict(one)


def markdown(rows):
    """Return the table; it reads in a terminal too."""
    head = ("row", "what", "figure", "against", "its figure", "ratio", "target", "", "note")
    lines = [head, ("---",) * len(head)]
    lines += [
        (
            one.name,
            one.what,
            figure(one.ours, one.unit),
            one.against,
            figure(one.peer, one.unit),
            "" if one.ratio is None else f"{one.ratio:.2f}",
            one.target,
            "met" if one.met else "not met",
            one.note,
        )
        for one in rows
    ]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in lines
    )
