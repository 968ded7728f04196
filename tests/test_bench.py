"""The benchmarks run, tell the same organization again, and say what is met; how fast it is, nobody asserts here."""

import json
from datetime import date

import pytest

from tests.bench import __main__ as bench
from tests.bench.generate import Organization
from tests.bench.rows_ask import QUESTIONS
from tests.bench.table import markdown, row


def test_rows_have_a_figure_a_limit_and_a_verdict(capsys):
    assert bench.main(["--scale", "0.002", "--repeat", "1", "--json", "--only", "store", "ask"]) == 0
    told = capsys.readouterr()
    store, *answers = json.loads(told.out)["rows"]
    assert [each["what"] for each in answers] == [f"`{words}`" for words in QUESTIONS]
    assert store["ratio"] == pytest.approx(store["ours"] / store["peer"])
    assert store["met"] is (store["ratio"] >= 0.75)
    assert all(each["ratio"] == pytest.approx(each["ours"] / each["peer"]) for each in answers)
    assert len(told.err.splitlines()) == len(["store", "ask"]) + 1 + len(answers)


@pytest.mark.parametrize(
    ("ours", "least", "also", "met"),
    [
        pytest.param(3.0, False, True, False, id="over what is allowed"),
        pytest.param(2.0, False, True, True, id="just what is allowed"),
        pytest.param(2.0, False, False, False, id="allowed, but for something else"),
        pytest.param(3.0, True, True, True, id="more than is asked for"),
        pytest.param(1.9, True, True, False, id="less than is asked for"),
    ],
)
def test_a_verdict_follows_from_the_ratio(ours, least, also, met):
    one = row("a", "it", "its limit", ours, 1.0, "s", "2", 2, least=least, and_=also)
    assert one.met is met
    assert f"| {'met' if met else 'not met'} " in markdown([one])


def test_a_seed_makes_the_same_pages_again():
    day, start = date(2026, 11, 22), 1_795_305_600
    made = [Organization(seed, 0.01, day).bucket("costs", "1d", start) for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]
    assert len(json.loads(made[0])["results"]) > 5
