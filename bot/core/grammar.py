"""The grammar of a command: one word after another, until all are understood or one is not."""

import re
from datetime import date

from bot.core import grouping, manner, ordering, ranging, timing
from bot.core.draft import Draft, Trouble
from bot.core.filters import Filter
from bot.core.question import Query
from bot.core.ranges import WORDS
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
from bot.core.verbs import DEFAULT, FLAGS, GROUPINGS, ORDERED, VERBS, WORDS_OF, canonical

__all__ = ["Draft", "Trouble", "joined", "read"]

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
        ranging.either(draft, tokens)
    if draft.versus is not None and draft.versus == draft.done().span:
        raise Trouble("That is the same range twice.", (ranging.without_versus(tokens),), draft)
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
    if verb.versus and word in ranging.AGAINST and following:
        return ranging.versus(draft, tokens, place, 1)
    if (found := filter_words(token)) is not None:
        return _condition(draft, tokens, place, found)
    if (meant := phrase(tokens, place, verb, today)) is not None:
        raise Trouble(meant[0], meant[1], draft)
    if word == "by":
        return grouping.read(draft, tokens, place + 1, place)
    if word == "top" and verb.counts:
        return manner.count(draft, tokens, place, following, 2)
    if verb.schedules and (after := timing.argument(draft, tokens, place)) is not None:
        return after
    if word.isascii() and word.isdigit() and verb.name == "top" and not ranging.is_year(word):
        return manner.count(draft, tokens, place, word, 1)
    if word in FLAGS:
        return manner.flag(draft, tokens, place, word)
    if word in ("in", "to") and (following or not verb.named):
        return manner.receiver(draft, tokens, place)
    if verb.named:
        return _named(draft, tokens, place)
    if all(canonical(part) in GROUPINGS for part in word.strip(",").split(",")):
        return grouping.read(draft, tokens, place, place)
    if word in ("and", "&") and draft.by and canonical(following) in GROUPINGS:
        return place + 1
    words, length, span = ranging.days(tokens, place, today)
    if span is None and verb.marked and ranging.MARK.fullmatch(word):
        return ranging.marked(draft, tokens, place, word)
    if span is None:
        problem, repairs = unknown_word(tokens, place, verb)
        raise Trouble(problem, repairs, draft)
    ranging.take(draft, tokens, place, words, span)
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
            f"{name} needs a rule or a fingerprint: rules lists the rules, alerts shows the fingerprints."
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


def _condition(draft: Draft, tokens: list[str], place: int, found: tuple[str, str, str]) -> int:
    """Read `KEY OP VALUE`, and `by=`, `top=`, `format=`, which look like it."""
    key, op, raw = found
    verb = draft.verb
    if op == "=" and key == "by":
        return grouping.read(draft, replaced(tokens, place, [raw]), place, place)
    if op == "=" and key == "top" and verb.counts:
        return manner.count(draft, tokens, place, undash(raw), 1)
    if op == "=" and key in ranging.VERSUS and verb.versus:
        return ranging.versus(draft, replaced(tokens, place, [raw]), place)
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
