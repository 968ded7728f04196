"""What moved, drawn: each of the largest changes beside what it was."""

from collections.abc import Iterable

from bot.core.chart import Chart
from bot.core.money import show_usd
from bot.core.period import Span, show_span

MOST = 10

Mover = tuple[str, int, int]
"""(name, nano-dollars before, nano-dollars now)"""


def movers(by: str, rows: Iterable[Mover], span: Span, before: str, only: str = "") -> Chart | None:
    """Return a chart of the largest changes, the largest first; None where there is nothing to draw.

    `before` is what people call the days they are held against; credits cannot be drawn and are left out.
    """
    shown = sorted(
        (row for row in rows if row[1] >= 0 and row[2] >= 0 and row[1] != row[2]),
        key=lambda row: (-abs(row[2] - row[1]), row[0]),
    )[:MOST]
    if not shown:
        return None
    name, was, now = shown[0]
    moved = f"{'up' if now > was else 'down'} {show_usd(abs(now - was), cents=False)}"
    finding = (
        f"{name} is {moved} on {before}, from {show_usd(was, cents=False)} to {show_usd(now, cents=False)}."
    )
    return Chart(
        "bars",
        f"What moved by {by}, {show_span(span)}{only}",
        finding,
        by,
        tuple(row[0] for row in shown),
        tuple(row[2] for row in shown),
        tuple(row[1] for row in shown),
        before,
    )


def called(dimension: str) -> str:
    """Return a dimension as an axis calls it: `line item`, `API key`."""
    return "API key" if dimension == "api_key" else dimension.replace("_", " ")
