"""Charts as PNG: of one size, the same bytes for the same chart, and only where matplotlib is installed."""

import io
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from matplotlib.image import imread

from bot.core.charts import Chart
from bot.render.picture import NoPicture, png
from tests.test_charts import DRAWN, HOSTILE, grouped


def size(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


@pytest.mark.parametrize(("chart", "name"), DRAWN)
def test_every_chart_becomes_a_picture(chart, name):
    data = png(chart)

    assert size(data) == (1600, 720)
    assert len(data) < 200_000


def test_a_picture_is_the_same_bytes_whenever_and_wherever_it_is_drawn():
    charts = [param.values[0] for param in (DRAWN[0], DRAWN[3])]
    once = [png(chart) for chart in charts]

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(png, charts * 2)) == once * 2


@pytest.mark.parametrize("times", [1, 1_000, 60_000])
@pytest.mark.parametrize("place", [0, 1, 3, 7])
def test_a_picture_is_opaque_with_white_margins_however_large_its_figures(place, times):
    pixels = imread(io.BytesIO(png(larger(DRAWN[place].values[0], times))))

    inside = pixels[12:-12, 16:-12]
    assert (pixels[..., 3] == 1).all()
    assert (pixels != 1).sum() == (inside != 1).sum() > 0


def larger(chart, times):
    rows = {
        name: tuple(None if amount is None else amount * times for amount in getattr(chart, name))
        for name in ("actual", "earlier", "low", "forecast", "high")
    }
    return replace(chart, budget=None if chart.budget is None else chart.budget * times, **rows)


def test_nothing_but_what_is_told_is_drawn_differently():
    chart = grouped([("one", 3), ("two", 1)])
    assert png(chart) != png(replace(chart, actual=(2, 1)))


def test_names_that_no_font_has_and_formulas_are_letters_like_any_others():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png(grouped([*HOSTILE, ("検索", 2), ("$x^2$ \\frac{1}", 1), ("👩‍💻", 1)]))


@pytest.mark.parametrize("kind", ["cumulative", "columns", "bars"])
@pytest.mark.parametrize(
    "amounts",
    [
        pytest.param((0, 0, 0), id="nothing"),
        pytest.param((-5_000_000_000, 1, 0), id="credits"),
        pytest.param((9_000_000_000_000_000_000, 0, 1), id="billions"),
        pytest.param((1, 1, 1), id="traces"),
    ],
)
def test_any_amounts_can_be_drawn(kind, amounts):
    assert size(png(Chart(kind, "t", "f.", "day", ("a", "b", "c"), amounts))) == (1600, 720)


def test_without_matplotlib_there_is_no_picture(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(NoPicture, match=r"budgetbot\[charts\]"):
        png(grouped([("one", 3)]))


def test_nothing_loads_matplotlib_before_a_picture_is_drawn():
    script = "import sys, bot.__main__, bot.app, bot.render.picture; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
