"""The figures as tables: for a terminal, or for the documentation."""

from .anomalies import KINDS
from .forecasts import DAYS

Rows = list[list[str]]


def tables(name: str, figures: dict) -> list[tuple[str, Rows]]:
    """Return the tables of one collection of series, each with a sentence above it; the first row heads it."""
    return [
        _forecasts(name, figures["forecast"]),
        _alerts(name, figures["alerts"]),
        _unusual(name, figures["unusual"]),
    ]


def _forecasts(name: str, figures: dict) -> tuple[str, Rows]:
    above = (
        f"Forecast of a month's total on {name}: {figures['months']} months of {figures['series']} series, "
        "mean over series of the absolute percentage error after so many settled days."
    )
    head = ["method", *(f"d{day}" for day in DAYS), "avg"]
    rows = [[method, *(f"{one:.1f}" for one in row)] for method, row in figures["mape"].items()]
    return above, [head, *rows, ["80% interval held, %", *(f"{one:.0f}" for one in figures["coverage"])]]


def _alerts(name: str, figures: dict) -> tuple[str, Rows]:
    above = (
        f"Alert that 1.1 × the previous month will be passed, on {name}: {figures['months']} months, "
        f"{figures['exceeded']} of them passed it."
    )
    head = ["alert", "precision", "recall", "recall before it passed", "false alarms", "median lead, days"]
    rows = [
        [
            method,
            *(f"{row[key]:.2f}" for key in ("precision", "recall", "recall_before")),
            str(row["false_alarms"]),
            "–" if row["median_lead"] is None else f"{row['median_lead']:g}",
        ]
        for method, row in figures["methods"].items()
    ]
    return above, [head, *rows]


def _unusual(name: str, figures: dict) -> tuple[str, Rows]:
    above = (
        f"Injected anomalies on {name}: thresholds tuned to one false alarm per series per 60 days on "
        f"{figures['tuned_on']} series, recall on the other {figures['scored_on']}; from the sixth column on, each "
        "detector at exactly that rate on the scored series themselves."
    )
    found = ("mean", *KINDS, "worst")
    head = ["detector", "threshold", "false alarms / 60 d", "recall", "worst series"]
    head += ["at equal alarms: recall", *KINDS, "worst series"]
    rows = [
        [
            detector,
            *(f"{row[key]:.2f}" for key in ("threshold", "false_alarms_per_60_days")),
            *(f"{row['recall'][key]:.2f}" for key in ("mean", "worst")),
            *(f"{row['equal_recall'][key]:.2f}" for key in found),
        ]
        for detector, row in figures["detectors"].items()
    ]
    return above, [head, *rows]


def markdown(text: str, rows: Rows) -> str:
    rule = ["---", *("---:" for _ in rows[0][1:])]
    return "\n".join([text, "", *("| " + " | ".join(row) + " |" for row in (rows[0], rule, *rows[1:]))])


def plain(text: str, rows: Rows) -> str:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in rows
    ]
    return "\n".join([text, *lines])
