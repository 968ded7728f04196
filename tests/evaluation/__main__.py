"""`python -m tests.evaluation`: print the tables."""

import argparse
import json
import sys
from pathlib import Path

from . import alerts, anomalies, forecasts
from .generate import generate
from .series import Series, halves, load
from .tables import markdown, plain, tables


def evaluate(series: list[Series], seed: int, each: int = 8) -> dict:
    """Return the three evaluations of a collection of series."""
    return {
        "forecast": forecasts.evaluate(series),
        "alerts": alerts.evaluate(series),
        "unusual": anomalies.evaluate(*halves(series), seed, each),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation", description=__doc__)
    parser.add_argument("--series", type=Path, metavar="DIR", help="a folder of daily series: date,value")
    parser.add_argument("--seed", type=int, default=7, help="of the generated series and the injections")
    parser.add_argument("--format", choices=("table", "json", "markdown"), default="table")
    asked = parser.parse_args(arguments)
    made = generate(asked.seed)
    collections = {f"{len(made)} generated series (seed {asked.seed})": made}
    if asked.series:
        read = load(asked.series)
        if not read:
            parser.error(f"{asked.series} holds no .csv file; each needs a header date,value and a row a day")
        collections[f"{len(read)} series of the folder {asked.series.name}"] = read
        collections[f"all {len(made) + len(read)} series"] = [*made, *read]
    figures = {name: evaluate(series, asked.seed) for name, series in collections.items()}
    if asked.format == "json":
        json.dump(figures, sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
        return 0
    show = markdown if asked.format == "markdown" else plain
    shown = [show(*table) for name, found in figures.items() for table in tables(name, found)]
    sys.stdout.write("\n\n".join(shown) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
