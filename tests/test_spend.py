"""Sums over stretches of days agree with adding up the rows one by one."""

from datetime import date, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.dimension import Series, model_of
from bot.core.period import Span
from bot.core.rules.book import Rulebook, Team
from bot.core.rules.select import Called, Pattern, Scope, Selector
from bot.core.spend import Names, Spend, cuts_of

FIRST = date(2026, 10, 1)
PROJECTS = ("", "proj_search", "proj_labs")
LINES = ("gpt-5.2, input", "gpt-5.2, output", "gpt-image-2 image, output", "web search tool calls")
SERIES = {
    i: Series(project_id=project, line_item=line)
    for i, (project, line) in enumerate((p, line) for p in PROJECTS for line in LINES)
}
NAMES = Names({("project", "proj_search"): "Search-Prod", ("project", "proj_labs"): "labs"})

rows = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from(sorted(SERIES)), st.integers(-(10**12), 10**15)),
    max_size=60,
)
spans = st.tuples(st.integers(0, 20), st.integers(1, 20)).map(
    lambda pair: Span(FIRST + timedelta(days=pair[0]), FIRST + timedelta(days=pair[0] + pair[1]))
)


def scan(table, wanted, book=Rulebook()):  # noqa: B008 - a frozen value
    cuts = cuts_of(wanted)
    stretches = []
    for start, end in pairwise(cuts):
        sums: dict[int, int] = {}
        for day, series, amount in table:
            if start <= FIRST + timedelta(days=day) < end:
                sums[series] = sums.get(series, 0) + amount
        stretches.append(sums)
    return Spend(cuts, stretches, SERIES, NAMES, book)


@given(rows, st.lists(spans, min_size=1, max_size=5))
def test_every_span_is_the_sum_of_its_rows(table, wanted):
    spend = scan(table, wanted)
    for span in wanted:
        expected = sum(amount for day, _, amount in table if FIRST + timedelta(days=day) in span)
        for dimensions in ((), ("project",), ("model", "project"), ("line_item",), ("team",)):
            assert sum(spend.by(dimensions, span).values()) == expected


@given(rows, spans)
def test_select_and_except_split_the_total(table, span):
    spend = scan(table, [span])
    chosen = Selector((("project", (Pattern("search-*"),)),))
    inside = spend.within(Scope(select=chosen), span)
    outside = spend.within(Scope(excluded=chosen), span)
    assert sum(inside.values()) + sum(outside.values()) == sum(spend.by((), span).values())


texts = st.text("abA?*ß", min_size=1, max_size=3)
patterns = st.lists(
    st.one_of(
        texts.map(Pattern),
        st.sampled_from(("a.*", "[ab]", ".?", "b|a")).map(lambda t: Pattern(t, regex=True)),
    ),
    min_size=1,
    max_size=3,
).map(tuple)


@given(st.dictionaries(st.text("abA", max_size=2), st.text("abAßS*", max_size=3), max_size=8), patterns)
def test_values_are_meant_that_some_pattern_matches(names, asked):
    expected = {value for value, name in names.items() if any(each.matches(value, name) for each in asked)}
    assert set(Called(names).meant(asked)) == expected


words = ("", "proj_search", "search-*", "LABS", "gpt-5.2*", "*input", "(no project)", "*", "gpt-image-2")
terms = st.dictionaries(
    st.sampled_from(("project", "line_item", "model")),
    st.lists(st.sampled_from(words).map(Pattern), min_size=1, max_size=2).map(tuple),
    max_size=2,
).map(lambda found: Selector(tuple(found.items())))


@given(rows, spans, terms, terms, st.sampled_from(((), ("project",), ("model", "project"))))
def test_a_scope_adds_up_what_it_admits(table, span, select, excluded, each):
    scope = Scope(select, excluded, each)
    expected: dict[tuple[str, ...], int] = {}
    for day, series, amount in table:
        one = SERIES[series]
        values = {
            "project": one.project_id,
            "line_item": one.line_item,
            "model": model_of(one.line_item),
        }
        if FIRST + timedelta(days=day) in span and scope.admits(values, NAMES.of):
            group = tuple(values[dimension] for dimension in each)
            expected[group] = expected.get(group, 0) + amount
    assert scan(table, [span]).within(scope, span) == expected


def test_groups_are_ids_and_rows_without_a_project_are_a_group():
    day = Span(FIRST, FIRST + timedelta(days=1))
    spend = scan([(0, 0, 5), (0, 4, 7), (0, 5, 1)], [day])
    assert spend.within(Scope(each=("project",)), day) == {("",): 5, ("proj_search",): 8}
    nobody = Scope(select=Selector((("project", (Pattern("(no project)"),)),)))
    assert spend.within(nobody, day) == {(): 5}


def test_a_team_is_the_first_that_claims_the_project_by_name():
    day = Span(FIRST, FIRST + timedelta(days=1))
    book = Rulebook(teams=(Team("search", (Pattern("search-*"),)), Team("rest", (Pattern("*"),))))
    spend = scan([(0, 4, 7), (0, 8, 2), (0, 0, 1)], [day], book)
    assert spend.by(("team",), day) == {("search",): 7, ("rest",): 2, ("",): 1}


def test_a_span_that_was_not_asked_for_is_refused():
    day = Span(FIRST, FIRST + timedelta(days=1))
    with pytest.raises(KeyError, match="no cut"):
        scan([], [day]).by((), Span(FIRST, FIRST + timedelta(days=2)))


@pytest.mark.parametrize(
    ("line_item", "model"),
    [
        pytest.param("gpt-4o-2024-08-06, input", "gpt-4o-2024-08-06", id="dated snapshot stays"),
        pytest.param(
            "gpt-4o-mini-2024-07-18, cached input", "gpt-4o-mini-2024-07-18", id="direction of two words"
        ),
        pytest.param(
            "gpt-audio-mini-2025-12-15 audio, input", "gpt-audio-mini-2025-12-15", id="modality before comma"
        ),
        pytest.param("gpt-image-2-2026-04-21 image, output", "gpt-image-2-2026-04-21", id="image"),
        pytest.param("gpt-realtime-2.1, audio input", "gpt-realtime-2.1", id="modality after comma"),
        pytest.param("ft-gpt-4o-2024-08-06, output", "ft-gpt-4o-2024-08-06", id="fine-tuned"),
        pytest.param("evals | gpt-4o-mini-2024-07-18, input", "gpt-4o-mini-2024-07-18", id="surface prefix"),
        pytest.param("assistants api | file search", "", id="a surface's tool"),
        pytest.param("web search tool calls", "", id="plain words"),
        pytest.param("whisper-1", "whisper-1", id="no comma, but usage knows it"),
        pytest.param("dall-e-2", "", id="no comma, and usage does not"),
        pytest.param("", "", id="not grouped"),
        pytest.param("audio, input", "audio", id="a lone modality is the name"),
    ],
)
def test_the_model_of_a_line_item(line_item, model):
    assert model_of(line_item, {"whisper-1"}) == model


@pytest.mark.parametrize(
    ("pattern", "value", "name", "matches"),
    [
        pytest.param(Pattern("search-*"), "proj_1", "Search-Prod", True, id="glob on the name, any case"),
        pytest.param(Pattern("proj_1"), "proj_1", "x", True, id="id exactly"),
        pytest.param(Pattern("PROJ_1"), "proj_1", "x", False, id="ids are exact"),
        pytest.param(Pattern("a?c"), "i", "abc", True, id="question mark"),
        pytest.param(Pattern("a.c"), "i", "abc", False, id="a dot is a dot"),
        pytest.param(Pattern("gpt-[45]", regex=True), "gpt-5", "gpt-5", True, id="regex"),
        pytest.param(Pattern("gpt-5", regex=True), "gpt-5-mini", "gpt-5-mini", False, id="regex is anchored"),
        pytest.param(Pattern("*"), "", "(no project)", True, id="a star takes everything"),
    ],
)
def test_patterns(pattern, value, name, matches):
    assert pattern.matches(value, name) is matches


@given(st.text("ab*?", min_size=1, max_size=12), st.text("ab\n", max_size=12))
def test_globs_agree_with_the_shells(glob, name):
    assert Pattern(glob).matches(name, name) is (fnmatchcase(name, glob) or name == glob)


def test_no_glob_takes_long():
    assert not Pattern("*a" * 40 + "b").matches("", "a" * 300)
