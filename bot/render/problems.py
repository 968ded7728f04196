"""What `check` prints: for people, for programs, and for GitHub's annotations."""

from collections.abc import Mapping, Sequence

from bot.core.rules.book import Problem

LONGEST_EXCERPT = 160
"""Characters of a line that are shown."""


def as_text(problems: Sequence[Problem], *, files: int, rules: int) -> str:
    """Return one line per problem, with the excerpt where a word is suggested or libyaml stumbled, and a sum."""
    counted = f"{_count(_errors(problems), 'error')}, {_count(_warnings(problems), 'warning')}"
    return "\n".join([*lines(problems), f"{counted} in {_count(files, 'file')}, {_count(rules, 'rule')}"])


def lines(problems: Sequence[Problem]) -> list[str]:
    """Return the lines that tell the problems."""
    return [line for problem in problems for line in _lines(problem)]


def as_json(
    problems: Sequence[Problem], *, files: int, rules: int, more: Mapping[str, object] | None = None
) -> str:
    """Return the object that `check --format json` promises, and what else was asked for under its own keys.

    `suggestion` is null where there is none.
    """
    import json  # noqa: PLC0415 - most who check read the words

    return json.dumps(
        {
            "errors": _errors(problems),
            "warnings": _warnings(problems),
            "files": files,
            "rules": rules,
            "problems": [described(problem) for problem in problems],
            **(more or {}),
        },
        ensure_ascii=True,
    )


def described(problem: Problem) -> dict[str, object]:
    """Return a problem as JSON tells it; `suggestion` is null where there is none."""
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "suggestion": problem.suggestion or None,
    }


def as_github(problems: Sequence[Problem]) -> str:
    """Return one workflow command per problem, which GitHub shows at its line of a pull request."""
    return "\n".join(
        f"::{problem.severity} file={_property(problem.file)},line={problem.line},col={problem.column},"
        f"title={problem.code}::{_data(problem.message + _hint(problem))}"
        for problem in problems
    )


def _lines(problem: Problem) -> list[str]:
    place = f"{visible(problem.file)}:{problem.line}:{problem.column}"
    told = [f"{place}: {problem.severity} {problem.code}: {visible(problem.message)}"]
    hint = _hint(problem).removeprefix("; ")
    if not problem.excerpt or not (hint or problem.code == "B001"):
        return told
    start = max(0, problem.column - 1 - LONGEST_EXCERPT // 2) if problem.column > LONGEST_EXCERPT // 2 else 0
    excerpt = visible(problem.excerpt[start : start + LONGEST_EXCERPT])
    column = problem.column - 1 - start
    carets = "^" * max(1, min(problem.width, LONGEST_EXCERPT - column))
    under = f"{' ' * column}{carets} {visible(hint)}".rstrip()
    return [*told, f"{problem.line:>5} | {excerpt}", f"      | {under}"]


def _hint(problem: Problem) -> str:
    """Return the suggestion in words, where the message does not hold it already."""
    known = not problem.suggestion or f'"{problem.suggestion}"' in problem.message
    return "" if known else f'; did you mean "{problem.suggestion}"?'


def visible(text: str) -> str:
    """Return the text with everything that could steer a terminal shown as a harmless sign, width unchanged."""
    return "".join(char if char.isprintable() else " " if char == "\t" else "�" for char in text)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _errors(problems: Sequence[Problem]) -> int:
    return sum(problem.severity == "error" for problem in problems)


def _warnings(problems: Sequence[Problem]) -> int:
    return len(problems) - _errors(problems)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
