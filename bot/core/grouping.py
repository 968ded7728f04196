"""What an answer is grouped by: `by project,model`, `by` optional before a lone dimension."""

from bot.core.draft import Draft, Trouble
from bot.core.repair import by_words, dropped
from bot.core.tokens import undash, unquoted
from bot.core.verbs import GROUPINGS, TIMES, VERBS, canonical


def read(draft: Draft, tokens: list[str], place: int, start: int) -> int:
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
