"""A chart as a PNG, for Slacks that do not draw charts: white, with margins, readable on light and on dark.

matplotlib is an extra (`budgetbot[charts]`), imported when the first picture is drawn. Only its objects are used: the
pyplot interface keeps every figure and is not for threads. The same chart always gives the same bytes.
"""

import io
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from bot.core.charts import Chart
from bot.core.money import NANO, show_percent, show_usd
from bot.render import blocks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, DPI = 8.0, 3.6, 200
"""Inches and dots: 1600 x 720."""
INK, GREY, FAINT = "#1f2328", "#59636e", "#e3e6ea"
SPENT, AHEAD, OVER, BUDGET, BEFORE = "#0969da", "#54aeff", "#d1242f", "#9a6700", "#d0d7de"
TITLE, TEXT = 13.5, 10.0
NAME, LINE, LINES = 26, 96, 2
"""Characters of a name beside a bar, and of a line under the title; so many lines."""
TICKS = 5
FONT = "DejaVu Sans"
"""It comes with matplotlib, so that a picture looks alike wherever it is drawn."""
_STEPS = (1, 2, 2.5, 5, 10)


class NoPicture(Exception):
    """No picture can be drawn here: matplotlib is not installed."""


def png(chart: Chart) -> bytes:
    """Return the picture. Raises NoPicture where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - an extra, and slow to load
        from matplotlib.figure import Figure  # noqa: PLC0415 - as above
    except ImportError as missing:
        raise NoPicture("matplotlib is not installed: budgetbot[charts] brings it") from missing
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.085, 0.15, 0.885, 0.57))
    _heading(figure, chart)
    if chart.kind == "bars":
        _bars(axes, chart)
    else:
        _frame(axes, chart)
        (_cumulative if chart.kind == "cumulative" else _columns)(axes, chart)
    out = io.BytesIO()
    # Without metadata: the version of matplotlib would be in every file.
    figure.savefig(out, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
    figure.clear()
    return out.getvalue()


# -- around the figures ----------------------------------------------------------------------------------


def _heading(figure: "Figure", chart: Chart) -> None:
    _write(
        figure, 0.03, 0.925, _words(chart.title, 70), fontsize=TITLE, color=INK, weight="bold", va="center"
    )
    lines = wrap(_words(chart.finding, LINE * LINES * 2), LINE, max_lines=LINES, placeholder=" …")
    for n, line in enumerate(lines):
        _write(figure, 0.03, 0.845 - 0.062 * n, line, fontsize=TEXT, color=GREY, va="center")


def _frame(axes: "Axes", chart: Chart) -> None:
    """Draw what the amounts are read against: few lines, few words."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    lowest = min((amount for amount in chart.actual if amount is not None), default=0)
    top = max(chart.highest, NANO) / NANO * 1.12
    axes.set_ylim(min(0.0, lowest / NANO * 1.12), top)
    step = _step(top)
    marks = [step * n for n in range(int(top / step) + 1)]
    axes.set_yticks(marks, [_short(mark) for mark in marks], parse_math=False)
    axes.grid(visible=True, axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", length=0, labelsize=TEXT, labelcolor=GREY, pad=5, labelfontfamily=FONT)
    places = _ticks(chart)
    labels = [_words(chart.labels[place], 14) for place in places]
    axes.set_xticks(places, labels, parse_math=False)
    axes.set_xlabel(_words(chart.axis, 80), fontsize=TEXT, color=GREY, parse_math=False, fontfamily=FONT)


def _ticks(chart: Chart) -> list[int]:
    """Return at most five places, evenly apart: each seventh day of a month, and back from the newest column."""
    count = len(chart.labels)
    if chart.kind == "cumulative":
        return list(range(0, count, 7))
    return list(range(count - 1, -1, -max(1, -(-count // TICKS))))


def _step(top: float) -> float:
    """Return a round distance of lines, of which three or four fit below `top`."""
    size = 1.0
    while size * 10 <= top / 4:
        size *= 10
    while size > top / 4:
        size /= 10
    return next(size * step for step in _STEPS if size * step >= top / 4)


# -- a month ---------------------------------------------------------------------------------------------


def _cumulative(axes: "Axes", chart: Chart) -> None:
    known, right = chart.known, len(chart.labels) - 1
    days, spent = range(known), _dollars(chart.actual[:known])
    now = max(known - 1, 0)
    axes.set_xlim(-0.4, right * 1.24)
    if chart.budget is not None:
        budget = chart.budget / NANO
        axes.plot([-0.4, right], [budget, budget], color=BUDGET, linewidth=1.6)
        _say(axes, 0, budget, f"budget {_usd(chart.budget)}", color=BUDGET, at=(0, 4), va="bottom")
    axes.fill_between(days, spent, color=SPENT, alpha=0.10, linewidth=0)
    axes.plot(days, spent, color=SPENT, linewidth=2.4, solid_capstyle="round")
    if not spent:
        return
    if chart.forecast:
        _ahead(axes, chart, known)
    axes.plot([now, now], [0, spent[-1]], color=SPENT, linewidth=0.8)
    axes.plot([now], [spent[-1]], marker="o", markersize=6, color=SPENT)
    over = chart.budget is not None and (chart.actual[now] or 0) > chart.budget
    told = f"{_usd(chart.actual[now] or 0)} spent"
    # Beside the foot of the last day: no line comes there.
    side: tuple[float, str] = (-6, "right") if now > right / 3 else (6, "left")
    if now <= 2:  # there the forecast begins
        side = (34, "left")
    _say(axes, now, 0, told, color=OVER if over else SPENT, at=(side[0], 5), ha=side[1], va="bottom")


def _ahead(axes: "Axes", chart: Chart, known: int) -> None:
    """Draw the band in which the month ends four times in five, and its middle."""
    places = range(known - 1, len(chart.labels))
    low, middle, high = (_dollars(row[known - 1 :]) for row in (chart.low, chart.forecast, chart.high))
    end, right = chart.forecast[-1] or 0, len(chart.labels) - 1
    over = chart.budget is not None and end > chart.budget
    color = OVER if over else AHEAD
    axes.fill_between(places, low, high, color=color, alpha=0.22, linewidth=0)
    axes.plot(places, middle, color=color, linewidth=2.0, linestyle=(0, (4, 2)))
    part = f" ({show_percent(end, chart.budget)})" if chart.budget else ""
    lines = [f"{_margin(end)}{part}", "forecast", f"{_short(low[-1])} to {_short(high[-1])}"]
    _say(axes, right, middle[-1], "\n".join(lines), color=OVER if over else SPENT, at=(8, 0), va="center")


# -- columns ---------------------------------------------------------------------------------------------


def _columns(axes: "Axes", chart: Chart) -> None:
    amounts = _dollars(chart.actual)
    count = len(amounts)
    end = max(count, 3) - 0.4
    axes.set_xlim(-0.7, end + (0.0 if chart.budget is None else max(count, 3) * 0.2))
    if chart.earlier:
        then = [0.0 if amount is None else amount / NANO for amount in chart.earlier]
        axes.bar(range(count), then, width=0.9, color=BEFORE, linewidth=0)
        name = f"wide and grey: {_words(chart.earlier_name, 30)}"
        _write(
            axes,
            1.0,
            1.02,
            name,
            fontsize=TEXT,
            color=GREY,
            ha="right",
            va="bottom",
            transform=axes.transAxes,
        )
    axes.bar(
        range(count), amounts, width=0.5 if chart.earlier or count < 3 else 0.74, color=SPENT, linewidth=0
    )
    if chart.budget is not None:
        pace = chart.budget / NANO
        axes.plot([-0.7, end], [pace, pace], color=BUDGET, linewidth=1.6)
        _say(axes, end, pace, f"budget\n{_margin(chart.budget)} a day", color=BUDGET, at=(5, 0), va="center")
    highest = max(range(count), key=lambda place: amounts[place])
    for place in sorted({highest, count - 1}):
        if place == highest or highest < count - max(3, count // 8):
            told = _usd(chart.actual[place] or 0)
            _say(axes, place, max(amounts[place], 0), told, color=INK, at=(0, 4), ha="center", va="bottom")


# -- the largest -----------------------------------------------------------------------------------------


def _bars(axes: "Axes", chart: Chart) -> None:
    amounts = _dollars(chart.actual)
    count = len(amounts)
    axes.set_position((0.3, 0.05, 0.6, 0.67))
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
    places = range(count)
    axes.set_ylim(max(count, 5) - 0.4, -0.6)
    axes.set_xlim(min(0.0, *amounts), max(*amounts, 1e-9) * 1.14)
    axes.barh(places, amounts, height=0.66, color=SPENT, linewidth=0)
    names = [_words(label, NAME) for label in chart.labels]
    axes.set_yticks(places, names, parse_math=False)
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0, labelsize=TEXT, labelcolor=INK, pad=6, labelfontfamily=FONT)
    for place, amount in zip(places, chart.actual, strict=True):
        _say(axes, max(amounts[place], 0), place, _usd(amount or 0), color=INK, at=(6, 0), va="center")


# -- words -----------------------------------------------------------------------------------------------


def _say(axes: "Axes", x: float, y: float, text: str, *, at: tuple[float, float], **style: Any) -> None:
    """Write beside a point, `at` so many typographic points from it; lines that pass there give way."""
    axes.annotate(
        text, (x, y), xytext=at, textcoords="offset points", fontsize=TEXT, fontfamily=FONT, parse_math=False,
        annotation_clip=False, linespacing=1.25,
        bbox={"boxstyle": "square,pad=0.08", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}, **style,
    )  # fmt: skip


def _write(where: Any, x: float, y: float, text: str, **style: Any) -> None:
    where.text(x, y, text, parse_math=False, fontfamily=FONT, **style)


def _words(text: str, limit: int) -> str:
    """Return a name or a sentence on one line, of letters that the font has."""
    return "".join(each if _drawn(each) else "□" for each in blocks.clip(blocks.clean(text), limit))


def _drawn(letter: str) -> bool:
    return letter.isascii() or ord(letter) in _letters()


def _letters() -> Any:
    from matplotlib import font_manager  # noqa: PLC0415 - an extra

    return font_manager.get_font(font_manager.findfont(FONT)).get_charmap()


def _dollars(amounts: Sequence[int | None]) -> list[float]:
    return [(amount or 0) / NANO for amount in amounts]


def _usd(amount: int) -> str:
    return show_usd(amount, cents=abs(amount) < 100 * NANO and amount % NANO != 0)


def _margin(amount: int) -> str:
    """Return an amount for the narrow margin on the right."""
    return _usd(amount) if amount < 1_000_000 * NANO else _short(amount / NANO)


def _short(dollars: float) -> str:
    """Return `$60k`, `$2.5k`, `$800`, `$0.50`: what stands beside a line."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if abs(dollars) >= size:
            return f"${dollars / size:.3g}{letter}"
    return f"${dollars:.0f}" if dollars >= 10 or dollars == int(dollars) else f"${dollars:.2f}"
