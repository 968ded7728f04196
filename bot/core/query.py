"""The words of `/budget` and of the shell: a question comes out, or what was probably meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.core.grammar import Trouble, joined, read
from bot.core.question import Query
from bot.core.tokens import LONGEST, from_slack, split

__all__ = ["Misread", "Query", "parse", "words_of"]


@dataclass(frozen=True, slots=True)
class Misread:
    """Words that make no question: what was understood, what was not, and what was probably meant."""

    understood: str
    """The part that made sense before the trouble, as a command; '' when nothing did."""
    problem: str
    """One sentence. It may quote the person, so it is escaped where that matters."""
    corrections: tuple[str, ...]
    """Whole commands that can be asked as they stand, the likeliest first; never empty."""
    verb: str = ""


def parse(words: str | Sequence[str], today: date) -> Query | Misread:
    """Return the question, or what was wrong with it; no words raise.

    A string is Slack's text, with its entities and links; a sequence holds a shell's words as they came.
    """
    tokens, unclosed = words_of(words)
    if sum(map(len, tokens)) > LONGEST:
        return Misread("", f"That is too long: {LONGEST} characters are read.", ("help",))
    if unclosed:
        return _misread(
            Trouble("A quote is opened and not closed.", (words_of(f'{words}"')[0],)), tokens, today
        )
    try:
        return read(tokens, today)
    except Trouble as trouble:
        return _misread(trouble, tokens, today)


def words_of(words: str | Sequence[str]) -> tuple[list[str], bool]:
    """Return the single words, and whether a quote stays open."""
    if isinstance(words, str):
        return split(from_slack(words))
    return [word.strip() for word in words if word.strip()], False


def _misread(trouble: Trouble, tokens: list[str], today: date) -> Misread:
    verb = trouble.draft.verb.name if trouble.draft else ""
    corrections = tuple(dict.fromkeys(_commands(trouble, today)))[:3]
    if not corrections:
        rest = _what_makes_sense(joined(tokens), today)
        corrections = (rest.command if rest else f"help {verb}".strip(),)
    return Misread(trouble.draft.said if trouble.draft else "", trouble.problem, corrections, verb)


def _commands(trouble: Trouble, today: date, depth: int = 4) -> list[str]:
    """Return the repaired commands, each repaired again while another word of it is wrong."""
    found: list[str] = []
    for tokens in trouble.repairs[:3]:
        try:
            found.append(read(tokens, today).command)
        except Trouble as another:
            found += _commands(another, today, depth - 1)[:1] if depth else []
    return found


def _what_makes_sense(tokens: list[str], today: date) -> Query | None:
    """Return the question that is left when every word that cannot be followed is dropped."""
    kept: list[str] = []
    best: Query | None = None
    for token in tokens[:40]:
        try:
            best = read([*kept, token], today)
        except Trouble:
            continue
        kept.append(token)
    return best
