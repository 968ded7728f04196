"""A question or an order while its words are read, and what stops the reading."""

from dataclasses import dataclass, field
from datetime import date

from bot.core.filters import Filter
from bot.core.period import Span
from bot.core.question import Query
from bot.core.ranges import Refused, read_range
from bot.core.verbs import Verb


@dataclass(slots=True)
class Draft:
    """A question while its words are read."""

    verb: Verb
    span: Span | None = None
    range_words: str = ""
    by: list[str] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    top: int | None = None
    public: bool = False
    format: str | None = None
    topic: str = ""
    about: str = ""
    ids: list[str] = field(default_factory=list)
    lasts: str = ""
    wake: int | None = None
    reason: str = ""

    @property
    def said(self) -> str:
        """Return what was understood so far, without the defaults."""
        filters = tuple(self.filters)
        return Query(
            self.verb.name,
            None,
            self.range_words,
            tuple(self.by),
            filters,
            self.top,
            self.public,
            self.format,
            self.topic,
            self.about,
            tuple(self.ids),
            self.lasts,
            self.wake,
            self.reason,
        ).command

    def done(self, today: date) -> Query:
        """Return the question with the verb's defaults."""
        verb = self.verb
        if verb.topics:
            return Query(verb.name, topic=self.topic)
        if verb.orders:
            return Query(
                verb.name,
                filters=tuple(self.filters),
                ids=tuple(self.ids),
                lasts=self.lasts,
                wake=self.wake,
                reason=self.reason,
            )
        words = self.range_words or verb.span
        span = self.span or (read_range(words, today) if words else None)
        assert not isinstance(span, Refused)
        return Query(
            verb.name,
            span,
            words,
            tuple(self.by) or verb.by,
            tuple(self.filters),
            self.top if self.top is not None else verb.top,
            self.public,
            self.format,
            self.topic,
            self.about,
        )


class Trouble(Exception):
    """The first word that could not be followed, and the word lists that might be meant instead."""

    def __init__(self, problem: str, repairs: tuple[list[str], ...], draft: Draft | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.repairs = repairs
        self.draft = draft
