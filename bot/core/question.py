"""A question as it was understood."""

from dataclasses import dataclass

from bot.core.filters import Filter
from bot.core.money import NANO, show_usd
from bot.core.period import Span
from bot.core.tokens import named, quoted


@dataclass(frozen=True, slots=True)
class Query:
    """A question, defaults filled in."""

    verb: str
    span: Span | None = None
    range_words: str = ""
    """The range as it was said: `mtd`, `since 2026-10-01`."""
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    top: int | None = None
    """The largest so many rows; None = all."""
    public: bool = False
    format: str | None = None
    """`csv`, `json` or `jsonl` where a file was asked for."""
    topic: str = ""
    """The verb that help is about."""
    about: str = ""
    """The rule that is to be explained; the fingerprint, or what it begins with, of the alert that is asked about."""
    ids: tuple[str, ...] = ()
    """Fingerprints, or what they begin with; numbers of silences, `si_3`, or of subscriptions, `su_3`."""
    lasts: str = ""
    """`for 2d`, `until monday`, `until over`."""
    wake: int | None = None
    """Nano-dollars of growth that end a silence."""
    reason: str = ""
    versus: Span | None = None
    """The range it is compared with, where `vs=` names one."""
    versus_words: str = ""
    """That range as it was said."""
    chart: bool | None = None
    """`chart` or `nochart`; None where nobody said."""
    raw: bool = False
    """Amounts to their last digit."""
    when: str = ""
    """When a subscription comes: `daily 09:00`, `weekly monday 09:00`, `monthly 1 09:00`; '' lists them."""
    every: bool = False
    """`all`: every open alert that the filters leave; every subscription."""
    to: str = ""
    """Where a public answer goes: the id of a channel or of a person, as Slack escapes them."""

    @property
    def command(self) -> str:
        """Return the words that ask exactly this, nothing left to defaults: `report mtd by project`."""
        words = [self.verb, self.topic, named(self.about), *self.ids]
        if self.verb == "subscribe" and not self.when:
            words.append("list")
        words.append("all" if self.every else "")
        if self.top is not None and self.verb == "top":
            words.append(str(self.top))
        words += [self.when, self.range_words, f"vs={quoted(self.versus_words)}" if self.versus_words else ""]
        words += [f"by {','.join(self.by)}" if self.by else "", *map(str, self.filters)]
        if self.top is not None and self.verb != "top":
            words.append(f"top={self.top}")
        if self.chart is not None:
            words.append("chart" if self.chart else "nochart")
        words += ["raw" if self.raw else "", "public" if self.public else ""]
        if self.to:
            words += ["to" if self.to[0] in "UW" else "in", self.to]
        words += [self.format or "", self.lasts]
        if self.wake is not None:
            words.append(f"wake=+{show_usd(self.wake, cents=bool(self.wake % NANO)).replace(',', '')}")
        if self.reason:
            words += ["--", quoted(self.reason)]
        return " ".join(word for word in words if word)
