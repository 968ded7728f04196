"""The evaluation runs, repeats itself, and reads what it is given; its figures stand in the documentation."""

import json

import pytest
from evaluation import __main__ as evaluation
from evaluation import anomalies
from evaluation.generate import STORIES, generate
from evaluation.series import UNIT, halves, load
from evaluation.tables import markdown, plain, tables


@pytest.fixture(scope="module")
def figures():
    return evaluation.evaluate(generate(3, count=4, days=130), seed=3, each=1)


def test_the_forecast_is_ahead_of_what_most_tools_do(figures):
    mape = figures["forecast"]["mape"]
    assert mape["level × weekday"][-1] < mape["linear run-rate"][-1]
    assert figures["forecast"]["months"] == 10  # the launch has too little behind it for two


def test_tables_have_every_method_and_even_rows(figures):
    shown = tables("four series", figures)
    assert [len(rows) for _, rows in shown] == [5, 5, 5]
    for text, rows in shown:
        assert "four series" in text
        assert len({len(row) for row in rows}) == 1
        assert markdown(text, rows).count("\n") == len(rows) + 2
        assert plain(text, rows).count("\n") == len(rows)


def test_a_seed_tells_the_same_story_again():
    assert generate(5, 3, 60) == generate(5, 3, 60)
    assert generate(5, 3, 60) != generate(6, 3, 60)
    tuning, scoring = halves(generate(5, 2 * len(STORIES), 60))
    assert {one.name[3:] for one in tuning} == {one.name[3:] for one in scoring} == set(STORIES)


def test_late_rows_are_not_known_too_early():
    series = next(one for one in generate(7, 12, 120) if one.late)
    place, late = next(iter(series.late.items()))
    assert series.known(place + 1)[place] == late.value < series.values[place]
    assert series.known(late.known_on)[place] == series.values[place]


def test_an_injection_touches_nothing_before_it():
    series = generate(1, 1, 90)[0]
    injection = anomalies.Injection("burst", 60, 2.0)
    changed = injection.into(series)
    assert changed.values[:60] == series.values[:60]
    assert changed.values[60] == round(series.values[60] * 1.8)
    assert len(changed.values) == 63


def test_a_folder_is_read_and_of_a_gap_the_longer_side(tmp_path):
    rows = [f"2026-01-{day:02},{day}.5" for day in range(1, 29) if day != 8]
    (tmp_path / "one.csv").write_text("date,value\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (series,) = load(tmp_path)
    assert (series.name, series.first.day, len(series.values)) == ("one", 9, 20)
    assert series.values[0] == 9_500_000 == int(9.5 * UNIT)


def test_the_command_prints_json_and_refuses_an_empty_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(evaluation, "generate", lambda seed: generate(seed, 2, 100))
    assert evaluation.main(["--format", "json", "--seed", "4"]) == 0
    assert set(json.loads(capsys.readouterr().out)["2 generated series (seed 4)"]) == {
        "forecast",
        "alerts",
        "unusual",
    }
    with pytest.raises(SystemExit):
        evaluation.main(["--series", str(tmp_path)])
    assert "holds no .csv file" in capsys.readouterr().err
