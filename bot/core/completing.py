"""What may stand next in a command: the words a shell offers at the Tab key, from the table of verbs."""

from collections.abc import Sequence

from bot.core.filters import OPS
from bot.core.ranges import WEEKDAYS, WORDS
from bot.core.timing import CADENCES
from bot.core.verbs import GROUPINGS, ORDERED, TIMES, VERBS, WORDS_OF, Verb, canonical

RANGES = (*WORDS, "7d", "30d", "since")
DURATIONS = ("30m", "4h", "24h", "2d", "1w")
WHENS = ("tomorrow", *WEEKDAYS, "month-end", "over")


def completions(verb: Verb, before: Sequence[str], incomplete: str) -> list[str]:
    """Return the words that begin so and may follow those before, in the order of the help."""
    last = before[-1].lower() if before else ""
    if incomplete in OPS and canonical(last) in (*verb.keys, "vs"):
        # bash cuts at `=`: the key stands before, the value after it.
        return list(_values(verb, canonical(last)))
    if last in OPS and len(before) > 1:
        return _beginning(_values(verb, canonical(before[-2])), incomplete)
    for op in OPS:
        key, found, value = incomplete.partition(op)
        if found:
            listed, comma, value = value.rpartition(",")
            return [
                f"{key}{op}{listed}{comma}{word}" for word in _beginning(_values(verb, canonical(key)), value)
            ]
    if last == "by" and verb.by is not None:
        listed, comma, word = incomplete.rpartition(",")
        return [f"{listed}{comma}{each}" for each in _beginning(_groupings(verb), word)]
    if last in ("for", "until") and verb.lasts:
        return _beginning(DURATIONS if last == "for" else WHENS, incomplete)
    taken = {word.lower() for word in before}
    return [word for word in _beginning(_words(verb), incomplete) if word not in taken]


def _words(verb: Verb) -> list[str]:
    """Return what may stand anywhere after the verb."""
    words: list[str] = [*VERBS] if verb.topics else []
    if verb.schedules:
        words += ["list", *CADENCES, *WEEKDAYS]
    if verb.every:
        words.append("all")
    if verb.ranged:
        words += RANGES
    if verb.versus:
        words.append("vs=")
    if verb.by is not None:
        words += ["by", *_groupings(verb)]
    words += [f"{key}{'>=' if key in ORDERED else '='}" for key in verb.keys]
    if verb.lasts:
        words += ["for", "until", "wake=+$"]
    if verb.counts:
        words.append("top=")
    if verb.charts:
        words += ["chart", "nochart", "raw"]
    return [*words, *verb.formats]


def _values(verb: Verb, key: str) -> Sequence[str]:
    if key in ("vs", "versus") and verb.versus:
        return RANGES[:-1]
    if key == "by" and verb.by is not None:
        return _groupings(verb)
    return WORDS_OF.get(key, ()) if key in verb.keys else ()


def _groupings(verb: Verb) -> list[str]:
    return [each for each in GROUPINGS if verb.times or each not in TIMES]


def _beginning(words: Sequence[str], incomplete: str) -> list[str]:
    return [word for word in dict.fromkeys(words) if word.startswith(incomplete.lower())]
