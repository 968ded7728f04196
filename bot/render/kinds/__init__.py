"""What each kind of rule says in its own words. One file per kind; this table is the only list of them.

What all alerts share is in `alerts`, `alert_words` and `alert_lines`.
"""

from collections.abc import Mapping

from bot.render.alert_words import Told
from bot.render.kinds import anomaly, budget, change, first_seen, freshness, native_limit, ratio
from bot.render.kinds.words import Words

KINDS: Mapping[str, Words] = {
    "budget": budget.WORDS,
    "change": change.WORDS,
    "anomaly": anomaly.WORDS,
    "ratio": ratio.WORDS,
    "first_seen": first_seen.WORDS,
    "freshness": freshness.WORDS,
    "native_limit": native_limit.WORDS,
}

AS_IT_IS = ("first_seen", "freshness", "native_limit")
"""Kinds about what is so now: another level of them is news, and no correction."""


def words(told: Told) -> Words:
    """Return the words of an incident's kind."""
    return KINDS[told.telling.kind]


def headline(told: Told) -> str:
    """Return the first line without its emoji, escaped: what, how much, so what."""
    return words(told).headline(told)
