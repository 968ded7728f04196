"""The grammar of a command: one word after another, until all are understood or one is not."""

import re
from datetime import date

from bot.core import manner, ordering, timing
from bot.core.draft import Draft, Trouble
from bot.core.filters import Filter
from bot.core.period import Span
from bot.core.question import Query
from bot.core.ranges import MONTHS, WORDS, Refused, read_range
from bot.core.repair import (
    by_words,
    dropped,
    filter_words,
    nearest,
    phrase,
    replaced,
    unknown_verb,
    unknown_word,
)
from bot.core.tokens import undash, unquoted, values
from bot.core.verbs import DEFAULT, FLAGS, GROUPINGS, ORDERED, TIMES, VERBS, WORDS_OF, canonical

__all__ = ["Draft", "Trouble", "joined", "read"]

_VERSUS = ("vs", "versus")
_AGAINST = ("vs", "vs.", "versus", "with", "against")
_MARK = re.compile(r"[0-9a-f]{4,12}")
"""A fingerprint, or what it begins with."""
_MOVES = re.compile(rf"{'|'.join(WORDS)}|[0-9]{{1,4}}[dwm]")
"""Ranges that move along with the days."""
_ESCAPED = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>|<!subteam\^(S[A-Z0-9]+)(?:\|[^>]*)?>")

MOST_STARS = 3
"""Of a filter's value: each more multiplies the time its matching can take."""


def joined(tokens: list[str]) -> list[str]:
    """Return the words with `project = labs` and `project=a, b` written without their blanks."""
    found: list[str] = []
    for token in tokens:
        before = found[-1] if found else ""
        condition = filter_words(before)
        opens = before.endswith(("=", "~", ">")) and condition is not None
        continues = token.startswith(("=", "~", ">", "!=")) and condition is None and before not in VERBS
        listed = condition is not None and before.endswith(",") and not _known(token)
        if before and (opens or continues or listed):
            found[-1] += token
        else:
            found.append(token)
    return found


def _known(token: str) -> bool:
    """Tell whether a word means something by itself, so that it is no value."""
    word = undash(token)
    return (
        word in ("by", "since", "top", *FLAGS, *WORDS)
        or canonical(word.strip(",")) in GROUPINGS
        or filter_words(token) is not None
    )


def read(tokens: list[str], today: date) -> Query:
    """Return the question that the words ask; raises Trouble at the first that cannot be followed."""
    tokens, tail = ordering.parted(tokens)
    try:
        return _read(joined(tokens), tail, today)
    except Trouble as trouble:
        if not tail:
            raise
        repairs = tuple([*words, *tail] if words[:1] == tokens[:1] else words for words in trouble.repairs)
        raise Trouble(trouble.problem, repairs, trouble.draft) from None


def _read(tokens: list[str], tail: list[str], today: date) -> Query:
    if not tokens:
        return Draft(VERBS[DEFAULT], today).done()
    first = undash(tokens[0]).lstrip("/-")
    verb = VERBS["help"] if first in ("?", "h", "help") else VERBS.get(first)
    if verb is None:
        problem, repairs = unknown_verb(tokens, today)
        raise Trouble(problem, repairs)
    draft = Draft(verb, today)
    place = 1
    while place < len(tokens):
        place = _argument(draft, tokens, place, today)
    if draft.verb.named:
        _named_by_filter(draft, tokens)
    if draft.verb.orders:
        ordering.give_reason(draft, tokens, tail)
    if draft.verb.ids:
        ordering.complete(draft, tokens)
    if draft.verb.schedules:
        timing.complete(draft, tokens)
    if verb.marked:
        _either(draft, tokens)
    if draft.versus is not None and draft.versus == draft.done().span:
        raise Trouble("That is the same range twice.", (_without_versus(tokens),), draft)
    return draft.done()


def _argument(draft: Draft, tokens: list[str], place: int, today: date) -> int:
    """Read the argument at `place` into the draft and return the place of the next one."""
    verb, token, word = draft.verb, tokens[place], undash(unquoted(tokens[place]).rstrip(","))
    following = undash(tokens[place + 1]) if place + 1 < len(tokens) else ""
    if verb.topics:
        return _topic(draft, tokens, place)
    if verb.named and unquoted(token) != token:
        return _named(draft, tokens, place)
    if word in ("help", "?", "--help", "-h"):
        draft.topic, draft.verb = verb.name, VERBS["help"]
        return len(tokens)
    if verb.every and word == "all":
        draft.every = True
        return place + 1
    if verb.lasts and word == "all":
        problem = "To hold back every alert is said with a filter: severity>=info."
        raise Trouble(problem, (replaced(tokens, place, ["severity>=info"]),), draft)
    if verb.changes and (after := ordering.argument(draft, tokens, place)) is not None:
        return after
    if verb.versus and word in _AGAINST and following:
        return _versus(draft, tokens, place, 1)
    if (found := filter_words(token)) is not None:
        return _condition(draft, tokens, place, found)
    if (meant := phrase(tokens, place, verb, today)) is not None:
        raise Trouble(meant[0], meant[1], draft)
    if word == "by":
        return _grouping(draft, tokens, place + 1, place)
    if word == "top" and verb.counts:
        return manner.count(draft, tokens, place, following, 2)
    if verb.schedules and (after := timing.argument(draft, tokens, place)) is not None:
        return after
    if word.isascii() and word.isdigit() and verb.name == "top" and not _is_year(word):
        return manner.count(draft, tokens, place, word, 1)
    if word in FLAGS:
        return manner.flag(draft, tokens, place, word)
    if word in ("in", "to") and (following or not verb.named):
        return manner.receiver(draft, tokens, place)
    if verb.named:
        return _named(draft, tokens, place)
    if all(canonical(part) in GROUPINGS for part in word.strip(",").split(",")):
        return _grouping(draft, tokens, place, place)
    if word in ("and", "&") and draft.by and canonical(following) in GROUPINGS:
        return place + 1
    words, length, span = _days(tokens, place, today)
    if span is None and verb.marked and _MARK.fullmatch(word):
        return _marked(draft, tokens, place, word)
    if span is None:
        problem, repairs = unknown_word(tokens, place, verb)
        raise Trouble(problem, repairs, draft)
    _range(draft, tokens, place, words, span)
    return place + length


def _named(draft: Draft, tokens: list[str], place: int) -> int:
    """Read the rule or the fingerprint that is asked about; `rule` before it says nothing more."""
    said = " ".join(values(tokens[place]))
    if tokens[place].lower() == "rule" and not draft.about and place + 1 < len(tokens):
        return place + 1
    if not said:
        raise Trouble(f"“{tokens[place]}” is no name.", (dropped(tokens, place), ["rules"]), draft)
    if draft.about and said != draft.about:
        filtered = replaced(tokens, place, [f"project={tokens[place]}"])
        problem = f"{draft.verb.name} speaks of one thing at a time: “{draft.about}” or “{said}”."
        raise Trouble(problem, (filtered, dropped(tokens, place)), draft)
    draft.about = said
    return place + 1


def _named_by_filter(draft: Draft, tokens: list[str]) -> None:
    """Take `rule=project-month` for the rule itself; refuse a question about nothing."""
    if draft.about:
        return
    named = next((each for each in draft.filters if (each.key, each.op) == ("rule", "=")), None)
    if named is None or len(named.values) > 1:
        name = draft.verb.name
        problem = (
            f"{name} needs a rule or a fingerprint: rules lists the rules, status shows the fingerprints."
        )
        raise Trouble(problem, (["rules"], ["status", *tokens[1:]]), draft)
    draft.filters.remove(named)
    draft.about = named.values[0]


def _topic(draft: Draft, tokens: list[str], place: int) -> int:
    topic = undash(tokens[place]).lstrip("/-")
    if draft.topic:
        raise Trouble("help explains one verb at a time.", (tokens[:2], ["help", topic]), draft)
    if topic not in VERBS:
        near = tuple(["help", each] for each in nearest(topic, VERBS))
        raise Trouble(f"There is no “{unquoted(tokens[place])}” to explain.", near or (["help"],), draft)
    draft.topic = topic
    return place + 1


def _days(tokens: list[str], place: int, today: date) -> tuple[str, int, Span | Refused | None]:
    """Return the words of the range at `place`, how many they are, and what they mean."""
    word = undash(unquoted(tokens[place]).rstrip(","))
    following = undash(tokens[place + 1]) if place + 1 < len(tokens) else ""
    length = 2 if word == "since" or (word in MONTHS and _is_year(following)) else 1
    words = f"{word} {following}" if length == 2 else word
    return words, length, read_range(words, today)


def _marked(draft: Draft, tokens: list[str], place: int, mark: str) -> int:
    """Read the fingerprint of the alert that is asked about instead of a range."""
    if draft.about not in ("", mark):
        problem = f"{draft.verb.name} speaks of one alert at a time: {draft.about} or {mark}."
        raise Trouble(problem, (dropped(tokens, place), [draft.verb.name, mark]), draft)
    draft.about = mark
    return place + 1


def _either(draft: Draft, tokens: list[str]) -> None:
    """Refuse an alert and a range at once."""
    if draft.about and draft.span is not None:
        name = draft.verb.name
        problem = f"{name} speaks of an alert or of a range: {draft.about} or {draft.range_words}."
        raise Trouble(problem, ([name, draft.about], [t for t in tokens if undash(t) != draft.about]), draft)


def _versus(draft: Draft, tokens: list[str], place: int, skipped: int = 0) -> int:
    """Read the range that another is compared with; `skipped` words before it say only that it is one."""
    words, length, span = _days(tokens, place + skipped, draft.today)
    glued = "-".join(map(undash, tokens[place + skipped : place + skipped + 2]))
    if span is None and glued in WORDS:
        words, length, span = glued, 2, read_range(glued, draft.today)
    length += skipped
    if not isinstance(span, Span):
        problem = span.problem if span else f"“{words}” is no range to compare with."
        instead = span.instead if span else nearest(words, WORDS) or ("last-month",)
        repairs = [replaced(tokens, place, [f"vs={each}"], length) for each in instead]
        raise Trouble(problem, (*repairs, dropped(tokens, place, length)), draft)
    if draft.versus not in (None, span):
        raise Trouble("It is compared with one other range.", (dropped(tokens, place, length),), draft)
    since = words.startswith("since ")
    draft.versus = span
    draft.versus_words = f"{words.removeprefix('since ')}.." if since else words.replace(" ", "-")
    return place + length


def _without_versus(tokens: list[str]) -> list[str]:
    places = [place for place, token in enumerate(tokens) if undash(token) in _AGAINST]
    if places:
        return dropped(tokens, places[0], 2)
    return [token for token in tokens if (known := filter_words(token)) is None or known[0] not in _VERSUS]


def _range(draft: Draft, tokens: list[str], place: int, words: str, span: Span | Refused) -> None:
    length = words.count(" ") + 1
    if not draft.verb.ranged:
        others = tuple([other.name, *tokens[1:]] for other in VERBS.values() if other.span)
        problem = f"{draft.verb.name} takes no range: it speaks of now."
        raise Trouble(problem, (dropped(tokens, place, length), *others), draft)
    if draft.verb.schedules and not _MOVES.fullmatch(words):
        moving = (replaced(tokens, place, ["7d"], length), dropped(tokens, place, length))
        raise Trouble(f"A digest comes again and again: “{words}” stays where it is.", moving, draft)
    if isinstance(span, Refused):
        repairs = tuple(replaced(tokens, place, [word], length) for word in span.instead)
        raise Trouble(span.problem, repairs, draft)
    if draft.span is not None and draft.span != span:
        one, other = f"“{draft.range_words}”", f"“{words}”"
        if draft.verb.versus:
            rest = [token for token in dropped(tokens, place, length) if undash(token) != draft.range_words]
            dashed = words.replace(" ", "-")
            pairs = ((draft.range_words, dashed), (dashed, draft.range_words))
            both = tuple([*rest, each, f"vs={against}"] for each, against in pairs)
            raise Trouble(f"Which of {one} and {other} is compared with the other?", both, draft)
        earlier = [
            t for t in tokens[1:place] if read_range(undash(t), date(2099, 12, 31)) is None and t != "since"
        ]
        both = (dropped(tokens, place, length), [draft.verb.name, *earlier, *tokens[place:]])
        raise Trouble(f"There are two ranges: {one} and {other}.", both, draft)
    draft.span, draft.range_words = span, words.replace(" ", "-") if not words.startswith("since ") else words


def _grouping(draft: Draft, tokens: list[str], place: int, start: int) -> int:
    """Read `project,model` at `place`; `start` is where the argument, with its `by`, begins."""
    verb = draft.verb
    named = undash(unquoted(tokens[place])).strip(",").split(",") if place < len(tokens) else []
    if verb.by is None:
        others = tuple([other.name, *tokens[1:]] for other in VERBS.values() if other.by is not None)
        raise Trouble(
            f"{verb.name} cannot be grouped.",
            (dropped(tokens, start, place + 1 - start), *others),
            draft,
        )
    dimensions = [canonical(part.strip()) for part in named]
    for position, dimension in enumerate(dimensions):
        if dimension not in GROUPINGS:
            problem, repairs = by_words(tokens, place, named, position)
            raise Trouble(problem, repairs, draft)
    if not dimensions:
        problem = f"“by” needs a dimension: {', '.join(GROUPINGS)}."
        raise Trouble(problem, ([*tokens, *(verb.by or ("project",))], dropped(tokens, start, 1)), draft)
    everything = list(dict.fromkeys((*draft.by, *dimensions)))
    _fits(draft, tokens, place, start, everything)
    if len(everything) > 2 or len(set(everything) & set(TIMES)) > 1:
        rest = [*tokens[:start], *tokens[place + 1 :]]
        two = everything[:2]
        problem = (
            f"Two dimensions can be crossed, not {len(everything)}."
            if len(everything) > 2
            else f"“{two[0]}” and “{two[1]}” cannot be crossed."
        )
        pairs = [two] if len(set(two) & set(TIMES)) < 2 else [[two[0]], [two[1]]]
        repairs = tuple(
            [*(t for t in rest if canonical(undash(t)) not in (*GROUPINGS, "by")), "by", ",".join(pair)]
            for pair in pairs
        )
        raise Trouble(problem, repairs, draft)
    draft.by = everything
    return place + 1


def _fits(draft: Draft, tokens: list[str], place: int, start: int, dimensions: list[str]) -> None:
    """Refuse more dimensions than the verb crosses, and days where it speaks of whole ranges."""
    verb = draft.verb
    rest = dropped(tokens, start, place + 1 - start)
    if not verb.times and (wrong := [each for each in dimensions if each in TIMES]):
        kept = ",".join(each for each in dimensions if each not in TIMES)
        report = ["report", *tokens[1:]]
        instead = [*rest, "by", kept] if kept else rest
        raise Trouble(
            f"{verb.name} speaks of whole ranges, not of each {wrong[0]}.", (instead, report), draft
        )
    if verb.crossed < len(dimensions) <= 2:
        single = tuple([*_ungrouped(rest), "by", each] for each in dimensions)
        raise Trouble(f"{verb.name} is cut by one dimension at a time.", single, draft)


def _ungrouped(tokens: list[str]) -> list[str]:
    return [*tokens[:1], *(t for t in tokens[1:] if canonical(undash(t)) not in (*GROUPINGS, "by"))]


def _condition(draft: Draft, tokens: list[str], place: int, found: tuple[str, str, str]) -> int:
    """Read `KEY OP VALUE`, and `by=`, `top=`, `format=`, which look like it."""
    key, op, raw = found
    verb = draft.verb
    if op == "=" and key == "by":
        return _grouping(draft, replaced(tokens, place, [raw]), place, place)
    if op == "=" and key == "top" and verb.counts:
        return manner.count(draft, tokens, place, undash(raw), 1)
    if op == "=" and key in _VERSUS and verb.versus:
        return _versus(draft, replaced(tokens, place, [raw]), place)
    if op == "=" and key == "format" and raw in ("csv", "json", "jsonl"):
        return manner.flag(draft, tokens, place, raw)
    if key not in verb.keys:
        askable = [
            other for other in VERBS.values() if key in other.keys and other.alone and not verb.changes
        ]
        others = tuple([other.name, *tokens[1:]] for other in askable)
        if others:
            problem = f"{verb.name} cannot be filtered by “{key}”."
            raise Trouble(problem, (*others, dropped(tokens, place)), draft)
        problem, repairs = unknown_word(tokens, place, verb)
        raise Trouble(problem, repairs, draft)
    wanted = _people(raw) if key == "owner" else values(raw)
    if not wanted:
        raise Trouble(f"“{key}{op}” has no value.", (dropped(tokens, place),), draft)
    if op in (">", ">=") and key not in ORDERED:
        repairs = (replaced(tokens, place, [f"{key}={raw}"]), dropped(tokens, place))
        raise Trouble(f"“{op}” compares severity, not {key}.", repairs, draft)
    if key in WORDS_OF and op != "~":
        for value in wanted:
            if value.lower() not in WORDS_OF[key]:
                problem, repairs = by_words(
                    tokens, place, list(wanted), wanted.index(value), key, f"{key}{op}"
                )
                raise Trouble(problem, repairs, draft)
        wanted = tuple(value.lower() for value in wanted)
    if any(value.count("*") > MOST_STARS for value in wanted):
        problem = f"A value may hold {MOST_STARS} stars; key~word finds every name with the word in it."
        raise Trouble(problem, (dropped(tokens, place),), draft)
    same = next((each for each in draft.filters if each.key == key and each.op == op == "="), None)
    condition = Filter(key, op, wanted)  # type: ignore[arg-type]  # filter_words reads only the known ones
    if same is not None and same != condition:
        either = Filter(key, "=", tuple(dict.fromkeys((*same.values, *wanted))))
        rest = [
            t for t in dropped(tokens, place) if (known := filter_words(t)) is None or known[:2] != (key, "=")
        ]
        raise Trouble(f"No spend has two values of “{key}”.", ([*rest, str(either)],), draft)
    if condition not in draft.filters:
        draft.filters.append(condition)
    return place + 1


def _people(raw: str) -> tuple[str, ...]:
    """Return owners: of a person or group that Slack has escaped the id, `@me` for whoever asks."""
    bare = _ESCAPED.sub(lambda found: found[1] or found[2], raw)
    return tuple("@me" if value.lower() in ("me", "@me") else value for value in values(bare))


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isascii() and word.isdigit() and word[:2] in ("19", "20")
