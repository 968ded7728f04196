"""Rules that are alike: what depends on the clock and the sources is the same for all of them, and asked once."""

from collections.abc import Hashable
from dataclasses import dataclass, replace

from bot.core.rules.book import Budget, Rule, Rulebook

MOST_BOOKS = 8
"""Books that are remembered as sorted: one that is in force, one it is compared with, and those somebody tries."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """The rules of a book, each with the number of those it is alike."""

    rules: tuple[Rule, ...]
    numbers: tuple[int, ...]
    """By the place of the rule."""
    firsts: tuple[Rule, ...]
    """The first rule of each number."""


def alike(rule: Rule) -> Hashable:
    """Return what rules have in common that need the same, and are judged over the same days, at every instant."""
    applies = (rule.kind, rule.settle, rule.enabled, rule.from_day, rule.to_day)
    if not isinstance(rule, Budget):
        return (*applies, rule.id)
    return (
        *applies, rule.period, rule.metric, rule.foresees, rule.hold_days, rule.amount.by_hard_limit,
    )  # fmt: skip


def one_of_each(book: Rulebook) -> Rulebook:
    """Return a book that needs the same and has the same boundaries, with fewer rules."""
    return replace(book, rules=sort(book).firsts)


def sort(book: Rulebook) -> Sorted:
    """Return the rules of a book by what they are alike in; a book never changes, so it is sorted once."""
    known = _SORTED.get(id(book.rules))
    if known is None:
        numbers: dict[Hashable, int] = {}
        firsts: list[Rule] = []
        places: list[int] = []
        for rule in book.rules:
            number = numbers.setdefault(alike(rule), len(firsts))
            if number == len(firsts):
                firsts.append(rule)
            places.append(number)
        known = Sorted(book.rules, tuple(places), tuple(firsts))
        if len(_SORTED) >= MOST_BOOKS:
            _SORTED.clear()
        _SORTED[id(book.rules)] = known  # which holds the rules, so that no others get their id
    return known


_SORTED: dict[int, Sorted] = {}
