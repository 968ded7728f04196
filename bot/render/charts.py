"""Charts in Slack: drawn by Slack itself, as a picture, or in letters; whichever of the three still arrives.

Slack's own takes 20 places, labels of 20 characters and one point for every place of every line. So a month is
drawn every second day, and its one line is what was spent and then what is likely; the forecast opens around it.
"""

from collections.abc import Sequence
from typing import Any

from bot.core.chart import Amounts, Chart, as_json
from bot.core.money import NANO, show_percent, show_usd
from bot.render import blocks

DRAWN = "data_visualization"
PLACES, LABEL, TITLE, AXIS = 20, 20, 50, 50
ALT_TEXT = 2_000
NAME = 28
"""Characters of a name beside a bar of letters."""
_SPARKS = "▁▂▃▄▅▆▇█"
_WIDTH = 20
"""Cells of the longest bar."""


def carrying(message: dict[str, Any], chart: Chart | None) -> dict[str, Any]:
    """Return the message with its chart beside the blocks too: who posts it takes that off, and may need it.

    Without a chart, or where there was no room for its block, the message is as it was.
    """
    shown = any(block["type"] == DRAWN for block in message.get("blocks", ()))
    return {**message, "chart": as_json(chart)} if chart is not None and shown else message


# -- drawn by Slack --------------------------------------------------------------------------------------


def native(chart: Chart, block_id: str) -> dict[str, Any]:
    """Return the chart as a block that Slack draws, follows light and dark, and reads out as a table."""
    if chart.kind == "cumulative":
        places, lines, axis = _cumulative(chart)
    else:
        places, lines, axis = _columns(chart)
    labels = _labels([chart.labels[place] for place in places])
    whole = chart.highest >= 100 * NANO
    series = [
        {
            "name": blocks.plain(name, LABEL),
            "data": [
                {"label": label, "value": _dollars(row[place] or 0, whole=whole)}
                for label, place in zip(labels, places, strict=True)
            ],
        }
        for name, row in lines
    ]
    return {
        "type": DRAWN,
        "block_id": block_id,
        "title": blocks.plain(chart.title, TITLE),
        "chart": {
            "type": "bar" if chart.kind == "bars" or len(places) == 1 else "line",
            "series": series,
            "axis_config": {
                "categories": labels,
                "x_label": blocks.clip(axis[:1].upper() + axis[1:], AXIS),
                "y_label": "USD",
            },
        },
    }


def _cumulative(chart: Chart) -> tuple[list[int], list[tuple[str, Amounts]], str]:
    """Return the places of a month that are drawn, and its lines: the forecast goes on where what was spent ends."""
    known = chart.known
    ahead = bool(chart.forecast)
    last = len(chart.labels) - 1 if ahead else known - 1
    places = _thinned(last, known - 1)
    lines: list[tuple[str, Amounts]] = [("Spent", chart.actual)]
    axis = chart.axis
    if ahead:

        def then(row: Amounts) -> Amounts:
            return (*chart.actual[:known], *row[known:])

        lines = [
            ("Spent, then forecast", then(chart.forecast)),
            ("Forecast, low", then(chart.low)),
            ("Forecast, high", then(chart.high)),
        ]
        axis = f"{axis}; forecast from {chart.labels[known]}" if known < len(chart.labels) else axis
    if chart.budget is not None:
        lines.append(("Budget", (chart.budget,) * len(chart.labels)))
    return places, lines, axis


def _thinned(last: int, always: int) -> list[int]:
    """Return every place up to `last`, or every second one back from it; `always` is among them."""
    if last < PLACES:
        return list(range(last + 1))
    kept = set(range(last, -1, -2)) | {always}
    if len(kept) > PLACES:
        kept.discard(min(kept))
    return sorted(kept)


def _columns(chart: Chart) -> tuple[list[int], list[tuple[str, Amounts]], str]:
    """Return the last places of a range, or the largest groups, with what they are compared with."""
    count = len(chart.labels)
    places = list(range(count))[-PLACES:]
    axis = chart.axis if len(places) == count else f"{chart.axis}; the last {len(places)} of {count}"
    lines: list[tuple[str, Amounts]] = [("Spent", chart.actual)]
    if chart.earlier and None not in chart.earlier:
        lines.append((chart.earlier_name or "Before", chart.earlier))
    if chart.budget is not None:
        lines.append(("Budget, a day", (chart.budget,) * count))
    return places, lines, axis


def _labels(labels: Sequence[str]) -> list[str]:
    """Return labels of at most 20 characters, no two alike: names may differ only where they are cut."""
    found: list[str] = []
    for label in labels:
        told, n = blocks.plain(label, LABEL), 1
        while told in found:
            n += 1
            told = f"{blocks.plain(label, LABEL - len(str(n)) - 1)} {n}"
        found.append(told)
    return found


def _dollars(amount: int, *, whole: bool) -> int | float:
    return round(amount / NANO) if whole else round(amount / NANO, 2)


# -- a picture -------------------------------------------------------------------------------------------


def picture(chart: Chart, file_id: str, block_id: str) -> dict[str, Any]:
    """Return the block that shows an uploaded picture of the chart, and says what is to be seen."""
    return {
        "type": "image",
        "block_id": block_id,
        "slack_file": {"id": file_id},
        "alt_text": blocks.clip(blocks.clean(chart.finding), ALT_TEXT),
    }


# -- letters ---------------------------------------------------------------------------------------------


def lettered(chart: Chart, block_id: str | None = None) -> dict[str, Any]:
    """Return the chart in letters, in a block that any Slack shows."""
    return blocks.section(f"```{blocks.escape(bars(chart))}```", block_id=block_id)


def bars(chart: Chart) -> str:
    """Return the chart in letters of one width, not escaped: no line of it ends a code block."""
    title = blocks.clean(chart.title)
    lines = _of_month(chart) if chart.kind == "cumulative" else _of_columns(chart)
    return "\n".join([title, *lines]).replace("`", "ˋ")


def _of_month(chart: Chart) -> list[str]:
    days = _by_day(chart.actual[: chart.known])
    if not days:
        return ["nothing is known yet"]
    lines = [f"by day    {_sparks(days)}  {chart.labels[0]} to {chart.labels[chart.known - 1]}"]
    total = chart.actual[chart.known - 1] or 0
    told = [("spent", total)]
    if chart.forecast and (end := chart.forecast[-1]) is not None:
        told.append(("forecast", end))
    if chart.budget is None:
        return [*lines, *(f"{what:<9} {_usd(amount)}{_band(chart, what)}" for what, amount in told)]
    width = max(len(_usd(amount)) for _, amount in told)
    of = f"of {_usd(chart.budget)}"
    for what, amount in told:
        part = f"{blocks.bar(amount, chart.budget)} {show_percent(amount, chart.budget):>4}"
        lines.append(f"{what:<9} {part}  {_usd(amount):>{width}} {of}{_band(chart, what)}")
    return lines


def _band(chart: Chart, what: str) -> str:
    if what != "forecast" or not chart.low or not chart.high:
        return ""
    low, high = chart.low[-1], chart.high[-1]
    return f" ({_usd(low)} to {_usd(high)})" if low is not None and high is not None else ""


def _of_columns(chart: Chart) -> list[str]:
    amounts = [amount or 0 for amount in chart.actual]
    if chart.kind == "columns" and len(amounts) > PLACES:
        first, last = chart.labels[0], chart.labels[-1]
        return [
            f"{_sparks(amounts)}  {first} to {last}",
            f"highest {_usd(max(amounts))}, last {_usd(amounts[-1])}",
        ]
    names = [blocks.plain(label, NAME) for label in chart.labels]
    wide = max(map(len, names), default=0)
    money = max((len(_usd(amount)) for amount in amounts), default=0)
    most = max(amounts, default=0)
    return [
        f"{name:<{wide}}  {_usd(amount):>{money}}  {_cells(amount, most)}".rstrip()
        for name, amount in zip(names, amounts, strict=True)
    ]


def _by_day(sums: Sequence[int | None]) -> list[int]:
    known = [amount or 0 for amount in sums]
    return [now - then for now, then in zip(known, [0, *known], strict=False)]


def _sparks(amounts: Sequence[int]) -> str:
    """Return a letter for each amount; what is nothing or less stands lowest."""
    most = max((*amounts, 0))
    return "".join(_SPARKS[min(7, max(0, amount) * 8 // most)] if most else _SPARKS[0] for amount in amounts)


def _cells(amount: int, most: int) -> str:
    """Return a bar as long as its share of the largest; a trace of something is still to be seen."""
    if amount <= 0 or most <= 0:
        return ""
    return "▇" * max(1, round(amount * _WIDTH / most))


def _usd(amount: int) -> str:
    return show_usd(amount, cents=abs(amount) < 100 * NANO and amount % NANO != 0)
