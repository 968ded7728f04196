"""`test`: every case file under some paths, played against the rules it is about."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.core.cases.bind import Bound, bind
from bot.core.cases.case import Case
from bot.core.cases.compare import Failed, compare
from bot.core.cases.play import Player
from bot.core.rules.book import Problem, Rulebook
from bot.core.rules.nodes import Node
from bot.core.rules.parse import parse
from bot.core.rules.problems import Problems, quoted
from bot.edge import case_files
from bot.render.cases import words_of


@dataclass(frozen=True, slots=True)
class Tested:
    """What the cases came to."""

    problems: tuple[Problem, ...] = ()
    """Mistakes in case files, and in rule files that kept cases from being played; sorted by file and line."""
    failed: tuple[Failed, ...] = ()
    """Expectations that do not hold, by file and line."""
    files: int = 0
    cases: int = 0
    """Cases that stand in the files, played or not."""
    expectations: int = 0
    """Expectations of the cases that were played."""

    @property
    def errors(self) -> int:
        return len(self.failed) + sum(problem.severity == "error" for problem in self.problems)

    @property
    def told(self) -> tuple[Problem, ...]:
        """Return all of it as problems, as `check` tells them."""
        return tuple(sorted({*self.problems, *map(as_problem, self.failed)}))


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rule files a case file is about; no book where they have errors."""

    roots: tuple[Node, ...]
    book: Rulebook | None


def run_cases(paths: Iterable[Path]) -> Tested:
    """Play every case of the case files under the paths; rule files given by name bring those beside them."""
    problems = Problems()
    known: dict[tuple[Path, ...], _Rules] = {}
    failed: list[Failed] = []
    cases = expectations = 0
    files = case_files.find(paths, problems)
    for file in files:
        held = case_files.read(file, problems)
        if held is None:
            continue
        cases += held.written
        about = case_files.rules_of(file, held, problems)
        if not about:
            continue
        if about not in known:
            known[about] = _rules(about, problems)
        rules = known[about]
        if rules.book is None:
            continue
        for case in held.cases:
            bound = _bound(case, rules, rules.book, problems)
            if bound is not None:
                expectations += len(case.expects)
                failed += _played(bound)
    return Tested(
        tuple(sorted(set(problems.found))),
        tuple(sorted(failed, key=lambda one: (one.file, one.line, one.column))),
        len(files),
        cases,
        expectations,
    )


def as_problem(failed: Failed) -> Problem:
    """Return a failed expectation as `check` tells it."""
    when = f"{failed.at:%Y-%m-%dT%H:%MZ}"
    return Problem(
        file=failed.file,
        line=failed.line,
        column=failed.column,
        code="B040",
        message=f"case {quoted(failed.case)} at {when}: {failed.sentence}",
    )


def _rules(paths: tuple[Path, ...], problems: Problems) -> _Rules:
    told = Problems()
    roots, complete = case_files.roots(paths, told)
    book = parse(roots, told, complete=complete).book
    # Warnings are the business of `check`.
    problems.found += [problem for problem in told.found if problem.severity == "error"]
    return _Rules(tuple(roots), book)


def _bound(case: Case, rules: _Rules, book: Rulebook, problems: Problems) -> Bound | None:
    return bind(case, rules.roots, book, problems)


def _played(bound: Bound) -> list[Failed]:
    compared = (
        compare(bound.case, expectation, seen, words_of(seen) if expectation.reads else "")
        for expectation, seen in Player(bound).play()
    )
    return [failed for failed in compared if failed is not None]
