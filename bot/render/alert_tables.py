"""Several alerts in one message: a table, of one kind or of many, the most dollars over first."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from bot.core.incident import Incident
from bot.core.money import show_percent
from bot.core.rules.book import rank
from bot.core.telling import WORDS
from bot.core.units import USD
from bot.render import alert_blame, alert_buttons, alert_limits, blocks
from bot.render.alert_words import Told, as_of, emoji, mention, plain, rule_line, usd, who, word
from bot.render.figures import short
from bot.render.kinds import AS_IT_IS, KINDS, headline, words
from bot.render.kinds.settled import window

ROWS = 10
SHARED = 3
"""Fewer incidents than this share something by chance."""


def table(
    unsorted: Sequence[Told], revision: int, mentions: Sequence[str], card_id: int = 0
) -> dict[str, Any]:
    """Return the message that holds several incidents."""
    told = sorted(unsorted, key=worst_first)
    alive = [each for each in told if each.incident.state == "firing" or each.incident.late]
    gravest = max((each.incident for each in alive or told), key=lambda i: rank(i.severity))
    line = _headline(told, alive)
    called = f" {' '.join(mention(each) for each in mentions)}" if mentions else ""
    above = [blocks.section(f"{emoji(gravest)} {line}{called}"), _rows(told, revision)]
    if ahead := [_cut_off(each) for each in told[:ROWS] if alert_limits.line(each)]:
        above.append(blocks.section("\n".join(dict.fromkeys(ahead))))
    if shared := _in_common(alive):
        above.append(blocks.section(shared))
    laid_over = [f"{blocks.name(each.subject, 80)}: {note}" for each in told[:ROWS] for note in each.notes]
    if laid_over:
        above.append(blocks.context("\n".join(laid_over)))
    rules = list(dict.fromkeys(rule_line(each.telling) for each in told))
    notes = rules if len(rules) <= SHARED else []
    notes += [as_of(told[0].telling), "each is tracked on its own, its history in the thread"]
    notes.append(" ".join(f"`{each.incident.fingerprint}`" for each in told[:ROWS]))
    above.append(blocks.context(" · ".join(notes)))
    above += alert_buttons.table_row(told, card_id, revision)
    return blocks.message(f"{word(gravest)}: {plain(line)}.", above)


def overflow(told: Sequence[Told]) -> list[str]:
    """Return the thread lines for incidents that the table has no row for, ten to a line."""
    rest = sorted(told, key=worst_first)[ROWS:] if len(told) > 1 else []
    lines = [f"• {headline(each)} · `{each.incident.fingerprint}`" for each in rest]
    return ["\n".join(lines[start : start + 10]) for start in range(0, len(lines), 10)]


def worst_first(told: Told) -> tuple[int, str]:
    """Order by dollars over, so that a row moves only when its money does; what is not in dollars by none."""
    return (-(words(told).over(told) or 0), told.incident.fingerprint)


# -- rows ------------------------------------------------------------------------------------------


def _rows(told: Sequence[Told], revision: int) -> dict[str, Any]:
    """Return the table itself: columns that say something of at least one of its rows."""
    budgets = [each for each in told if _is_budget(each)]
    only = len(budgets) == len(told)
    dollars = all(each.unit == USD for each in told)
    has_over = only or any(words(each).over(each) is not None for each in told)
    titles = ["State", "Budget" if only else "What"]
    titles += ["Used"] if budgets else []
    titles.append("Spent" if only and dollars else "So far" if only else "Figures")
    titles += ["Over by"] if has_over else []
    titles.append("Period" if only else "When")

    def cells(each: Told) -> list[str]:
        row = [_state(each.incident), each.subject]
        if budgets:
            row.append(show_percent(each.incident.value, each.incident.amount) if _is_budget(each) else "")
        row.append(words(each).cell(each.figures, short))
        if has_over:
            row.append(_over(words(each).over(each)))
        return [*row, _when(each)]

    rows = [cells(each) for each in told[:ROWS]]
    if rest := told[ROWS:]:
        row = [""] * len(titles)
        row[1] = f"{len(rest)} more, in the thread"
        if has_over:
            row[-2] = _over(sum(max(0, words(each).over(each) or 0) for each in rest))
        rows.append(row)
    right = tuple(place for place, title in enumerate(titles) if title in RIGHT)
    return blocks.table(titles, rows, right=right, block_id=f"incidents.{revision}")


RIGHT = ("Used", "Spent", "So far", "Over by")
"""Columns of figures that can be compared down the column."""


def _when(told: Told) -> str:
    """Return `November`, `7 days to 20 Nov`, `now`."""
    if told.telling.kind in AS_IT_IS:
        return "now" if told.incident.state == "firing" else ""
    if told.telling.kind != "anomaly" and told.telling.days:
        return window(told).removeprefix("in the ").removeprefix("on ")
    return told.telling.period


def _is_budget(told: Told) -> bool:
    return told.telling.kind == "budget"


def _state(incident: Incident) -> str:
    if incident.state == "firing" or incident.late:
        return f"{word(incident)}, {incident.foremost}" if incident.foremost else word(incident)
    return word(incident)


def _over(over: int | None) -> str:
    return f"+{usd(over)}" if over is not None and over > 0 else ""


# -- words around it -------------------------------------------------------------------------------


def _headline(told: Sequence[Told], alive: Sequence[Told]) -> str:
    what, budgets = _called(told), all(map(_is_budget, told))
    if not alive:
        return f"*{what}*: all of them ended or were corrected"
    count = (
        f"*{what}*" if len(alive) == len(told) else f"*{len(alive)} of {what}*{'' if budgets else ' stand'}"
    )
    if budgets:
        worst = max(alive, key=lambda each: (_ratio(each.incident), each.incident.value))
        share = show_percent(worst.incident.value, worst.incident.amount)
        value = short(worst.incident.value, worst.unit)
        zero = "$0" if worst.unit.dollars else "0"
        of = f"at *{share}*" if worst.incident.amount else f"with *{value}* of {zero}"
        return f"{count} are past a level; the furthest is *{blocks.name(worst.subject, 80)}* {of}"
    worst = min(alive, key=lambda each: (-rank(each.incident.severity), worst_first(each)))
    first = f"{who(worst)}, {blocks.escape(words(worst).cell(worst.figures, short))}"
    if len({each.telling.kind for each in told}) > 1:
        kinds = Counter(each.telling.kind for each in alive)
        parts = [_count(kind, kinds[kind]) for kind in KINDS if kinds[kind]]
        listed = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
        return f"{count}: {listed}; the gravest is {first}"
    return f"{count}; the gravest is {first}"


def _called(told: Sequence[Told]) -> str:
    """Return `4 budgets`, `3 anomalies`, `5 alerts` of several kinds."""
    kinds = {each.telling.kind for each in told}
    return _count(kinds.pop(), len(told)) if len(kinds) == 1 else f"{len(told)} alerts"


def _count(kind: str, count: int) -> str:
    return f"{count} {KINDS[kind].one if count == 1 else KINDS[kind].several}"


def _ratio(incident: Incident) -> float:
    return incident.value / incident.amount if incident.amount else float("inf")


def _cut_off(told: Told) -> str:
    line = alert_limits.line(told)
    return f"{who(told)}: {line.replace('At this pace', 'at this pace', 1)}"


def _in_common(told: Sequence[Told]) -> str:
    """Return what most of three or more incidents share: the part that rose, or that most was spent on; else ''."""
    blames = [each.telling.blame for each in told if each.telling.blame]
    rose = [part for blame in blames for part in blame.parts[:1] if part.dimension in alert_blame.WHO]
    mostly = [part for each in told for part in each.telling.parts if part.amount * 2 >= each.incident.value]
    for parts, did in ((rose, "rose above all by"), (mostly, "spent at least half on")):
        counts = Counter((part.dimension, part.name) for part in parts)
        (dimension, name), shared = max(counts.items(), key=lambda item: item[1], default=(("", ""), 0))
        if shared >= SHARED and shared * 3 >= len(told) * 2:
            how_many = "all of them" if shared == len(told) else f"{shared} of the {len(told)}"
            return f"*In common:* {how_many} {did} {WORDS[dimension]} `{blocks.name(name, 80)}`"
    return ""
