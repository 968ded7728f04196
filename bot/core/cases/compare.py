"""What was expected against what came, in words that point at the difference."""

from dataclasses import dataclass
from datetime import datetime

from bot.core.cases.bind import in_unit
from bot.core.cases.case import Case, Expectation
from bot.core.cases.play import Seen
from bot.core.money import show_percent
from bot.core.rules.problems import quoted

LONGEST = 600
"""Characters of a message that are shown to whoever missed a word in it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An expectation that does not hold, at its place (1-based line and column)."""

    file: str
    line: int
    column: int
    case: str
    rule_id: str
    at: datetime
    expected: tuple[str, ...]
    """`state firing`, `level 80%`."""
    got: tuple[str, ...]
    """What came instead, in the same order."""
    standing: str
    """Figures and reason: `$4,800.00 of $12,000.00, 40%: below every level`."""

    @property
    def sentence(self) -> str:
        """Return `expected state firing, got state ok ($4,800.00 of ...)`."""
        context = f" ({self.standing})" if self.standing else ""
        return f"expected {', '.join(self.expected)}, got {', '.join(self.got)}{context}"


def compare(case: Case, expectation: Expectation, seen: Seen, words: str) -> Failed | None:
    """Return how an expectation fails; None when all of it holds. `words` are what people read by then."""
    pairs = [*_told(expectation, seen), *_figures(expectation, seen), *_words(expectation, words)]
    if not pairs:
        return None
    place = expectation.place
    return Failed(
        file=place.source.shown,
        line=place.line,
        column=place.column,
        case=case.name,
        rule_id=case.rule_id,
        at=expectation.at,
        expected=tuple(expected for expected, _ in pairs),
        got=tuple(got for _, got in pairs),
        standing=_standing(seen),
    )


def _told(expected: Expectation, seen: Seen) -> list[tuple[str, str]]:
    pairs = []
    if expected.state and not seen.is_in(expected.state):
        pairs.append((f"state {expected.state}", f"state {seen.state}"))
    if expected.level and expected.level != seen.level:
        pairs.append((f"level {expected.level}", f"level {seen.level}" if seen.level else "no level"))
    if expected.severity and expected.severity != seen.severity:
        got = f"severity {seen.severity}" if seen.severity else "no severity"
        pairs.append((f"severity {expected.severity}", got))
    if expected.reason and not any(_begins(reason, expected.reason) for reason in seen.reasons):
        pairs.append((f"reason {quoted(expected.reason)}", f"reason {quoted(seen.reasons[0])}"))
    for what, wanted, got_ in (
        ("message", expected.messages, seen.messages),
        ("thread line", expected.replies, seen.replies),
    ):
        if wanted is not None and wanted != got_:
            pairs.append((_count(wanted, what), _count(got_, what)))
    return pairs


def _figures(expected: Expectation, seen: Seen) -> list[tuple[str, str]]:
    unit = seen.rule.unit
    pairs = []
    for what, figure, got in (
        ("value", expected.value, seen.value),
        ("amount", expected.amount, seen.amount),
    ):
        if figure is not None and in_unit(figure, seen.rule) != got:
            came = f"{what} {unit.show(got)}" if got is not None else f"no {what}"
            pairs.append((f"{what} {unit.show(in_unit(figure, seen.rule))}", came))
    return pairs


def _words(expected: Expectation, words: str) -> list[tuple[str, str]]:
    read = _plain(words)
    shown = f"{read[:LONGEST]}…" if len(read) > LONGEST else read
    missing = [text for text in expected.says if _plain(text).casefold() not in read.casefold()]
    pairs = []
    if missing:
        wanted = " and ".join(quoted(text) for text in missing)
        pairs.append((f"the words {wanted}", f'the message "{shown}"' if read else "no message"))
    pairs += [
        (f"no word of {quoted(text)}", f'the message "{shown}"')
        for text in expected.silent
        if _plain(text).casefold() in read.casefold()
    ]
    return pairs


def _plain(text: str) -> str:
    return " ".join(text.split())


def _begins(reason: str, expected: str) -> bool:
    return _plain(reason).casefold().startswith(_plain(expected).casefold())


def _standing(seen: Seen) -> str:
    unit, why = seen.rule.unit, seen.reasons[0] if seen.reasons else ""
    if seen.value is None:
        return f"nothing is judged of this group: {why}" if why else ""
    of = (
        f"{unit.show(seen.value)} of {unit.show(seen.amount)}"
        if seen.amount is not None
        else unit.show(seen.value)
    )
    share = f", {show_percent(seen.value, seen.amount)}" if seen.amount else ""
    level = f", at {seen.level}" if seen.level else ""
    return f"{of}{share}{level}: {why}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
