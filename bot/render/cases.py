"""What `test` prints: each expectation that does not hold, at its place, and a sum."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from bot.core.cases.compare import Failed
from bot.core.cases.fields import show
from bot.core.cases.play import Seen
from bot.core.rules.book import Problem
from bot.core.rules.problems import quoted
from bot.render import alert_lines, alerts, problems
from bot.render.alert_words import Told
from bot.render.drawn import words


def words_of(seen: Seen) -> str:
    """Return what people read of an incident by then: its notification, its card, and the lines of its thread."""
    if seen.incident is None or seen.telling is None or not seen.lines:
        return ""
    message = alerts.card([Told(seen.incident, seen.telling)], 0)
    thread = (
        alert_lines.line(line.event, Told(line.incident, line.telling), named=False)
        for line in seen.lines
        if not line.event.opens
    )
    return "\n".join(words(text) for text in (*_texts(message), *thread))


def _texts(part: Any) -> Iterator[str]:
    """Yield every text of a message, in the order it is read."""
    if isinstance(part, dict):
        for key, held in part.items():
            if key == "text" and isinstance(held, str):
                yield held
            elif key != "fallback":
                yield from _texts(held)
    elif isinstance(part, list | tuple):
        for held in part:
            yield from _texts(held)


def as_text(told: Sequence[Problem], failed: Sequence[Failed], *, cases: int, expectations: int) -> str:
    """Return one line per failure, with its case and instant below, the problems, and a sum."""
    lines = problems.lines(told)
    for one in failed:
        place = f"{problems.visible(one.file)}:{one.line}"
        lines.append(f"{place}: {problems.visible(one.sentence)}")
        lines.append(f"    case {problems.visible(quoted(one.case))}, rule {one.rule_id}, at {show(one.at)}")
    return "\n".join([*lines, _sum(told, failed, cases, expectations)])


def _sum(told: Sequence[Problem], failed: Sequence[Failed], cases: int, expectations: int) -> str:
    played = f"{_count(cases, 'case')}, {_count(expectations, 'expectation')}"
    errors = sum(problem.severity == "error" for problem in told)
    wrong = []
    if failed:
        wrong.append(f"{len(failed)} {'does' if len(failed) == 1 else 'do'} not hold")
    if errors:
        wrong.append(_count(errors, "error"))
    return f"{played}: {', '.join(wrong)}" if wrong else f"{played}, all hold"


def as_json(
    told: Sequence[Problem], failed: Sequence[Failed], *, files: int, cases: int, expectations: int
) -> str:
    """Return the sums, what does not hold, and the problems of the files."""
    return json.dumps(
        {
            "files": files,
            "cases": cases,
            "expectations": expectations,
            "failed": [
                {
                    "file": one.file,
                    "line": one.line,
                    "column": one.column,
                    "case": one.case,
                    "rule": one.rule_id,
                    "at": one.at.isoformat().replace("+00:00", "Z"),
                    "expected": list(one.expected),
                    "got": list(one.got),
                    "standing": one.standing,
                }
                for one in failed
            ],
            "problems": [problems.described(problem) for problem in told],
        },
        ensure_ascii=True,
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
