"""What `check --diff` prints: what was edited since a revision, and which alerts would start and stop."""

import re
from collections.abc import Sequence
from typing import Any

from bot.core.backtest import Compared, Much
from bot.core.difference import Edit
from bot.core.rules.book import Problem
from bot.render import replayed
from bot.render.problems import visible

MOST = 50
"""Rows of a table in a comment, which GitHub ends at 65,536 characters."""
LONGEST = 300
"""Characters of a cell."""
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+!|<>~$&:^=-])")
_PINGS = re.compile(r"(?<=[@#])(?=\w)|(?<=www)(?=\.)")


def as_text(answer: Compared) -> str:
    """Return one line for each edit, and what the last days would have heard otherwise."""
    difference = answer.difference
    lines = [f"Compared with {visible(difference.revision)}: {_edited(difference.edits)}."]
    lines += [f"  {_line(edit)}" for edit in difference.edits]
    lines += [visible(note) for note in answer.notes]
    if answer.replayed is not None:
        lines += [f"In the last {_days(answer)}, {replayed.sums(answer.replayed)}."]
        if difference.starts or difference.stops:
            lines += replayed.differs(answer.replayed)[1:]
    return "\n".join(lines)


def described(answer: Compared) -> dict[str, Any]:
    """Return the same for machines; `starts` and `stops` are null where nothing is stored to replay."""
    more = replayed.compared(answer.replayed) if answer.replayed else {"starts": None, "stops": None}
    return {
        **more,
        "revision": answer.difference.revision,
        "edits": [
            {"how": edit.how, "what": edit.what, "name": edit.name, "words": edit.words}
            for edit in answer.difference.edits
        ],
        "notes": list(answer.notes),
    }


def as_markdown(problems: Sequence[Problem], compared: Sequence[Compared], much: Sequence[Much]) -> str:
    """Return what a pull request's comment says: mistakes, edits, and what would be said otherwise."""
    parts = ["### Budget rules"]
    if problems:
        rows = [
            [code(f"{one.file}:{one.line}"), f"{one.severity} {one.code}", prose(one.message)]
            for one in problems
        ]
        parts.append(_table(("place", "problem", ""), rows))
    for each in compared:
        parts += _compared(each)
    if much:
        lines = "\n".join(f"* {prose(line)}" for line in replayed.much(much[:MOST]))
        parts.append(f"<details><summary>What each rule would have said</summary>\n\n{lines}\n\n</details>")
    if len(parts) == 1:
        parts.append("No problem was found.")
    return "\n\n".join(parts)


def _compared(answer: Compared) -> list[str]:
    difference = answer.difference
    parts = [f"Compared with {code(difference.revision)}: {_edited(difference.edits)}."]
    if difference.edits:
        rows = [[prose(edit.subject), edit.how, prose(edit.words)] for edit in difference.edits]
        parts.append(_table(("what", "", "how"), rows))
    parts += [prose(note) for note in answer.notes]
    told = answer.replayed
    if told is None:
        return parts
    parts.append(f"In the last {_days(answer)}, **{replayed.sums(told)}**.")
    rows = [
        [word, *map(prose, replayed.cells(told, saying)), prose(told.reason(saying))]
        for word, sayings in (("starts", difference.starts), ("stops", difference.stops))
        for saying in sayings
    ]
    if rows:
        parts.append(_table(("", "when (UTC)", "rule", "whom", "level", "figure", "because"), rows))
    return parts


def code(text: str) -> str:
    """Return a text as code, whatever it holds."""
    return f"`{visible(text).replace('`', 'ˋ').replace('|', '¦') or ' '}`"


def prose(text: str) -> str:
    """Return a text as GitHub shows it word by word: no markup, no link, and nobody is called by it."""
    plain = visible(text.replace("\n", " "))
    if len(plain) > LONGEST:
        plain = f"{plain[: LONGEST - 1]}…"
    return _PUNCTUATION.sub(r"\\\1", _PINGS.sub("\u200b", plain))


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [_row(titles), _row(["---"] * len(titles)), *map(_row, rows[:MOST])]
    more = f"\n\n{len(rows) - MOST:,} others" if len(rows) > MOST else ""
    return "\n".join(lines) + more


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _line(edit: Edit) -> str:
    if edit.how == "changed":
        return visible(f"{edit.subject}: {edit.words}")
    return visible(f"{edit.how} {edit.subject}{': ' if edit.words else ''}{edit.words}")


def _edited(edits: Sequence[Edit]) -> str:
    if not edits:
        return "the rules say the same"
    counts = {
        how: len({edit.subject for edit in edits if edit.how == how})
        for how in ("added", "removed", "renamed", "changed")
    }
    return ", ".join(f"{count:,} {how}" for how, count in counts.items() if count)


def _days(answer: Compared) -> str:
    assert answer.replayed is not None
    days = max((answer.replayed.until - answer.replayed.since).days, 1)
    return f"{days:,} days" if days > 1 else "day"
