"""Messages that are about no single incident: the month's close, and the bot's own trouble."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from bot.core.money import show_percent, show_usd
from bot.core.period import show_day
from bot.render import blocks
from bot.render.alert_words import Told, instant, plain, show_instant, sums, usd
from bot.render.kinds import headline

MOST_LINES = 30
"""Of a message: the rest is counted."""


def close(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the month's close for one room: totals, and who was over."""
    if "projects" in body:
        return _totals(body)
    rows = [tuple(row) for row in body["rows"]]
    over = [row for row in rows if row[1] > row[2]]
    total, amount = sum(row[1] for row in rows), sum(row[2] for row in rows)
    month = f"*{blocks.escape(body['month'])}* is closed"
    if len(rows) == 1:
        kept = f"*{usd(total - amount)} over*" if over else "kept"
        said = f"{month}: the budget of *{blocks.name(rows[0][0], 120)}* was {kept}, {sums(total, amount)}"
    else:
        passed = (
            f"*{len(over)} of {len(rows)} budgets* were passed"
            if over
            else f"none of {len(rows)} budgets was passed"
        )
        together = f": {sums(total, amount)} together" if body.get("rules") == 1 else ""
        said = f"{month}, {passed}{together}"
    # A message of an earlier version waits without a forecast.
    foretold = any(row[3:] and row[3] is not None for row in rows)
    if foretold:
        rows = [row if row[3:] else (*row, None) for row in rows]
    cells = [
        [
            name,
            show_usd(value),
            show_usd(of),
            show_percent(value, of),
            f"+{show_usd(value - of)}" if value > of else "",
            *([_foretold(forecast[0], value)] if foretold else []),
        ]
        for name, value, of, *forecast in rows
    ]
    shown = cells[:30]
    if len(cells) > len(shown):
        rest = rows[len(shown) :]
        added = (
            [show_usd(sum(row[place] for row in rest)) for place in (1, 2)]
            if body.get("rules") == 1
            else ["", ""]
        )
        shown.append([f"{len(rest)} others", *added, "", "", *([""] if foretold else [])])
    known = instant(str(body["as_of"]))
    dated = f"Settled · data as of {show_instant(known)} UTC" if known else "Settled"
    above = [
        blocks.section(f":checkered_flag: {said}"),
        blocks.table(
            [
                "Budget",
                "Spent",
                "Budgeted",
                "Used",
                "Over by",
                *([_foretold_title(body)] if foretold else []),
            ],
            shown,
            right=(1, 2, 3, 4, 5) if foretold else (1, 2, 3, 4),
        ),
    ]
    if bare := [tuple(row) for row in body.get("unwatched", ())]:
        above.append(blocks.section(unwatched(bare)))
    if (usual := body.get("foretold_error")) is not None:
        above.append(blocks.context(_usual(float(usual), len(rows), body)))
    above.append(blocks.context(f"{dated} · UTC days"))
    return blocks.message(f"{plain(said)}.", above)


def unwatched(projects: Sequence[tuple[str, int]]) -> str:
    """Return the projects that spend money and that no budget watches, dearest first."""
    few = ", ".join(f"{blocks.name(project)} {show_usd(value)}" for project, value in projects[:10])
    more = f" and {len(projects) - 10} more" if len(projects) > 10 else ""
    return f"*No budget watches* {few}{more}"


def _foretold(forecast: int | None, actual: int) -> str:
    """Return `$14,020 (+3%)`: what was foretold, and by how much that was above what came."""
    if forecast is None:
        return ""
    if actual <= 0:
        return show_usd(forecast, cents=False)
    off = round((forecast / actual - 1) * 100)
    told = f"+{off}%" if off > 0 else f"−{-off}%" if off else "±0%"
    return f"{show_usd(forecast, cents=False)} ({told})"


def _foretold_title(body: Mapping[str, Any]) -> str:
    return f"Foretold on {show_day(date.fromisoformat(body['foretold_until']))}"


def _usual(error: float, count: int, body: Mapping[str, Any]) -> str:
    """Return how good the forecasts of mid-month were."""
    on = show_day(date.fromisoformat(body["foretold_until"]))
    off = "under 1%" if error < 0.005 else f"{error:.0%}"
    if count == 1:
        return f"The forecast of {on} was off by {off}"
    return f"The forecasts of {on} were off by {off}, half of them by less"


def _totals(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the close of a month without budgets: what it came to, and the dearest projects."""
    rows = [tuple(row) for row in body["projects"]]
    total = int(body["total"])
    said = f"*{blocks.escape(body['month'])}* is closed: *{usd(total)}* in {_projects(len(rows))}"
    cells = [[name, show_usd(value), show_percent(value, total)] for name, value in rows[:10]]
    if len(rows) > len(cells):
        rest = sum(value for _, value in rows[10:])
        cells.append([f"{len(rows) - 10} others", show_usd(rest), show_percent(rest, total)])
    known = instant(str(body["as_of"]))
    dated = f"Settled · data as of {show_instant(known)} UTC" if known else "Settled"
    return blocks.message(
        f"{plain(said)}.",
        [
            blocks.section(f":checkered_flag: {said}"),
            blocks.table(["Project", "Spent", "Share"], cells, right=(1, 2)),
            *_foretold_total(body, total),
            blocks.context(f"{dated} · UTC days · no budget was set"),
        ],
    )


def _foretold_total(body: Mapping[str, Any], total: int) -> list[dict[str, Any]]:
    if "foretold" not in body:
        return []
    return [blocks.context(f"{_foretold_title(body)}: {_foretold(int(body['foretold']), total)}")]


def _projects(count: int) -> str:
    return f"{count} project{'' if count == 1 else 's'}"


def ops(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message about the bot's own trouble, or its recovery: what happened, and what to do."""
    happened, remedy = _words(body["happened"]), _words(body.get("remedy", ""))
    mark = ":white_check_mark:" if body.get("recovered") else ":warning:"
    return blocks.message(
        f"budgetbot: {happened} {remedy}".strip(),
        [blocks.section(f"{mark} *budgetbot*: {happened}" + (f"\n{remedy}" if remedy else ""))],
    )


def remind(told: Sequence[Told]) -> dict[str, Any]:
    """Return the message about critical alerts that nobody acknowledged, the worst first."""
    count = (
        f"*{len(told)} red alerts* that nobody has" if len(told) != 1 else "*One red alert* that nobody has"
    )
    said = [f"• {headline(each)} · `{each.incident.fingerprint}`" for each in told[:MOST_LINES]]
    if len(told) > MOST_LINES:
        said.append(f"and {len(told) - MOST_LINES} more: /budget status severity=critical")
    first = told[0].incident.fingerprint if told else ""
    return blocks.message(
        f"{plain(count)} acknowledged.",
        [
            blocks.section(f":bell: {count} acknowledged"),
            *_sections(said),
            blocks.context(f"`/budget ack {first}` says that you look after it"),
        ],
    )


def lines(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message with what a silence or quiet hours held back, and is no message of its own."""
    said = [str(line) for line in body["lines"]]
    spoken = plain(said[0]) if len(said) == 1 else f"{len(said)} things were held back until now."
    return blocks.message(spoken, held_back(said))


def held_back(said: Sequence[str]) -> list[dict[str, Any]]:
    """Return the blocks that tell what was held back, one line each."""
    shown = [f"• {line}" for line in said[:MOST_LINES]]
    if len(said) > MOST_LINES:
        shown.append(f"and {len(said) - MOST_LINES} more, in the threads")
    return [blocks.section(":zzz: *Held back until now*"), *_sections(shown)]


def _sections(said: Sequence[str]) -> list[dict[str, Any]]:
    return [blocks.section("\n".join(said[start : start + 8])) for start in range(0, len(said), 8)]


def _words(said: object) -> str:
    return blocks.escape(blocks.clean(str(said)))
