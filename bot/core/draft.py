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
    today: date
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
    versus: Span | None = None
    versus_words: str = ""
    chart: bool | None = None
    raw: bool = False
    cadence: str = ""
    day: str = ""
    clock: str = ""
    listed: bool = False
    """`subscribe list` was said."""
    every: bool = False
    to: str = ""

    @property
    def when(self) -> str:
        """Return when a subscription comes, as far as that was said."""
        return " ".join(word for word in (self.cadence, self.day, self.clock) if word)

    @property
    def said(self) -> str:
        """Return what was understood so far, without the defaults."""
        whole = self._query(None, self.range_words, tuple(self.by), self.top, self.format)
        # Of a subscription that does not say yet when it comes only the command would say `list`.
        return (
            whole.command
            if self.when or self.listed
            else whole.command.replace("subscribe list", "subscribe", 1)
        )

    def done(self) -> Query:
        """Return the question with the verb's defaults."""
        verb = self.verb
        if verb.topics:
            return Query(verb.name, topic=self.topic)
        words = self.range_words or ("" if self.about and verb.marked else verb.span)
        span = self.span or (read_range(words, self.today) if words else None)
        assert not isinstance(span, Refused)
        by = tuple(self.by) or (() if verb.schedules and not self.when else verb.by or ())
        top = self.top if self.top is not None else verb.top
        return self._query(span, words, by, top, self.format or verb.format)

    def _query(
        self, span: Span | None, words: str, by: tuple[str, ...], top: int | None, form: str | None
    ) -> Query:
        return Query(
            self.verb.name,
            span,
            words,
            by,
            tuple(self.filters),
            top,
            self.public,
            form,
            self.topic,
            self.about,
            tuple(self.ids),
            self.lasts,
            self.wake,
            self.reason,
            versus=self.versus,
            versus_words=self.versus_words,
            chart=self.chart,
            raw=self.raw,
            when=self.when,
            every=self.every,
            to=self.to,
        )


class Trouble(Exception):
    """The first word that could not be followed, and the word lists that might be meant instead."""

    def __init__(self, problem: str, repairs: tuple[list[str], ...], draft: Draft | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.repairs = repairs
        self.draft = draft
