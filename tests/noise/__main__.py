"""`python -m tests.noise`: print the tables."""

import argparse
import sys
from datetime import date

from tests.evaluation.tables import markdown, plain

from .organization import Organization, organization
from .rulebook import rulebook
from .simulate import Heard, simulate
from .tables import table

BEGINS = date(2026, 10, 5)
"""A Monday: the month ends within the watch, and is closed."""
MONTHS = (20_000, 300_000, 1_000_000)


def watch(seed: int, month: int, projects: int, days: int, *, teams: bool) -> tuple[Organization, Heard]:
    """Return an organization and what its rooms heard."""
    made = organization(seed, month, projects, BEGINS, days)
    return made, simulate(made, rulebook(made, teams=teams))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.noise", description=__doc__)
    parser.add_argument("--projects", type=int, default=80)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--month", type=int, nargs="+", default=MONTHS, metavar="DOLLARS")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--one-room", action="store_true", help="no teams: everything is said in one room")
    parser.add_argument("--format", choices=("table", "markdown"), default="table")
    asked = parser.parse_args(arguments)
    show = markdown if asked.format == "markdown" else plain
    for month in asked.month:
        made, heard = watch(asked.seed, month, asked.projects, asked.days, teams=not asked.one_room)
        pairs = sum(item.endswith(", input") for _, item in {key for key, _ in made.spent})
        name = (
            f"${month:,} a month, {asked.projects} projects, {pairs} project-model pairs, {asked.days} days, "
            f"{heard.polls:,} polls"
        )
        sys.stdout.write(show(*table(name, heard)) + "\n\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
