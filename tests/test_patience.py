"""Expressions and globs from rule files and commands: none that is taken takes long, whatever name it meets."""

import re
from datetime import date
from re import _constants as sre
from re import _parser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.filters import Filter
from bot.core.query import Query, parse
from bot.core.rules.regex import regex_trouble
from bot.core.rules.select import LONGEST_NAME, Pattern
from bot.edge.rule_files import load_texts


class TooLong(Exception):
    pass


class Counting:
    """A matcher that backtracks as Python's does and counts its steps; it knows what the expressions below use."""

    def __init__(self, expression, most):
        self.tree, self.most, self.steps = _parser.parse(expression), most, 0

    def fullmatch(self, text):
        self.text = text
        return any(end == len(text) for end in self._sequence(list(self.tree), 0, 0))

    def _sequence(self, nodes, which, at):
        if which == len(nodes):
            yield at
            return
        for end in self._node(nodes[which], at):
            yield from self._sequence(nodes, which + 1, end)

    def _node(self, node, at):
        self.steps += 1
        if self.steps > self.most:
            raise TooLong
        kind, held = node
        here = self.text[at : at + 1]
        if kind is sre.LITERAL:
            if here and ord(here) == held:
                yield at + 1
        elif kind in (sre.NOT_LITERAL, sre.IN, sre.ANY):
            if here and re.fullmatch(_class_of(node), here):
                yield at + 1
        elif kind is sre.SUBPATTERN:
            yield from self._sequence(list(held[-1]), 0, at)
        elif kind is sre.BRANCH:
            for branch in held[1]:
                yield from self._sequence(list(branch), 0, at)
        elif kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            low, high, inner = held
            yield from self._repeat(list(inner), low, high, at, 0, greedy=kind is sre.MAX_REPEAT)
        elif kind in (sre.ATOMIC_GROUP, sre.POSSESSIVE_REPEAT):
            inner = list(held) if kind is sre.ATOMIC_GROUP else [(sre.MAX_REPEAT, held)]
            yield from list(self._sequence(inner, 0, at))[:1]
        elif kind is sre.AT:
            yield at
        else:
            raise AssertionError(kind)

    def _repeat(self, inner, low, high, at, done, *, greedy):
        if not greedy and done >= low:
            yield at
        if done < high:
            for end in self._sequence(inner, 0, at):
                if end > at or done < low:
                    yield from self._repeat(inner, low, high, end, done + 1, greedy=greedy)
        if greedy and done >= low:
            yield at


def _class_of(node):
    kind, held = node
    if kind is sre.ANY:
        return "."
    if kind is sre.NOT_LITERAL:
        return f"[^{re.escape(chr(held))}]"
    parts = ["^" if part[0] is sre.NEGATE else re.escape(chr(part[1])) for part in held]
    return f"[{''.join(parts)}]"


STEPS = 1_000_000
NAME = "a" * 24 + "!"
"""What takes 2 to the power of its length would take 16 million steps."""


def steps(expression, name=NAME):
    counting = Counting(expression, STEPS)
    try:
        counting.fullmatch(name)
    except TooLong:
        return STEPS
    return counting.steps


FOR_EVER = [
    r"(a+)+b",
    r"(a*)*b",
    r"(a|a)*b",
    r"(a|aa)+b",
    r"((a+))+b",
    r"(?:a{1,9})+b",
    r"(?P<x>a+)+b",
    r"(?i:a+)+b",
    r"(a?){24}b",
    r"(?:a+){20}b",
    r"(?:(?:a{0,3}){0,3}){0,3}{0,3}b",
    r"(?x) (a +) + b",
    "(?ix)(a #x\n +)+b",
    r"(?x:(a +) +)b",
    "a?" * 30 + "a" * 30,
    "a*" * 8 + "b",
    r".*.*.*.*.*.*.*b",
]


@pytest.mark.parametrize("expression", FOR_EVER)
def test_what_would_take_for_ever_is_refused(expression):
    assert regex_trouble(expression)


def test_the_counting_is_true():
    assert steps(r"(a+)+b") == STEPS
    assert steps(r"(?x) (a +) + b") == STEPS
    assert steps(r"[a]+b") < 100
    assert steps("a*a*b") < 1_000


@pytest.mark.parametrize(
    "expression",
    [
        r"(a)\1",
        r"(?P<x>a)(?P=x)",
        r"(a)?(?(1)a|b)",
        "[[]a+)+",
        "[[a]",
        "(",
        "a" * 201,
        "(" * 150 + ")" * 150,
        r"\k<x>",
        "a{99999999999999999999}",
    ],
)
def test_what_cannot_be_bounded_or_read_is_refused(expression):
    assert regex_trouble(expression)


PIECES = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^b]", "(", "(?:", "(?i:", "(?>", ")", ")+", ")*", "){2}", "|", "*", "+", "?", "*?", "++", "{2}",
     "{1,3}", "{,9}", "{20}", " ", "#", "\n", "\\", "(?x)", "(?#", "(?=", "^", "$"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=10).map("".join))
def test_no_expression_that_is_taken_takes_long(expression):
    if regex_trouble(expression) or re.search(r"\(\?[=!<]", expression):
        return
    # Ten million ways are the most for names of a hundred; these are a quarter as long, and of few pieces.
    assert steps(expression) < STEPS, expression


@given(st.text(max_size=60) | st.text(alphabet="()[]{}*+?|\\^$.a,-1:=!<>PxiLu#& ", max_size=60))
def test_any_text_is_an_expression_or_a_reason(expression):
    trouble = regex_trouble(expression)
    assert "\n" not in trouble or "\n" in expression
    if not trouble:
        re.compile(expression)


@given(st.text(alphabet="a*?b", max_size=40))
def test_a_glob_tries_nothing_again(glob):
    from bot.core.rules.select import _glob

    # Each star looks once along the name for what stands between it and the next.
    assert steps(_glob(glob)) <= (len(glob) + 2) * (len(NAME) + 2) * 4


def test_any_number_of_stars_ends_soon():
    assert not isinstance(parse(f"report project={'*a' * 100}*b", date(2026, 11, 22)), Query)
    condition = Filter("project", "=", ("*a" * 100 + "*b",))
    assert not condition.admits("proj_1", "a" * 10_000)
    assert condition.admits("proj_1", "a" * 10_000 + "b")


def test_an_expression_looks_at_no_more_than_the_head_of_a_name():
    pattern = Pattern("search-[a-z]*", regex=True)
    assert pattern.matches("proj_1", "search-" + "a" * 100_000)
    assert not Pattern(".*z", regex=True).matches("p", "a" * LONGEST_NAME + "z")


def test_a_rule_file_with_such_an_expression_is_told_at_its_place():
    text = """version: 1
rules:
  - {id: a, kind: budget, select: {project: {regex: "(?x) (a +) +"}}, period: month, amount: 1, thresholds: [50%]}
"""
    (problem,) = load_texts({"a.yaml": text}).problems
    assert problem.line == 3
    assert "(?x)" in problem.message
