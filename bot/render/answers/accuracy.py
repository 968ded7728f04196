"""The score of live spend in words: for a shell, for machines, and for Slack."""

from collections.abc import Iterator
from typing import Any

from bot.core.accuracy import Accuracy, Compared, DayScore, show_error, show_listed
from bot.core.money import exact_usd, show_usd
from bot.core.period import show_day, show_span
from bot.core.question import Query
from bot.render import blocks
from bot.render.answering import asked_at, command, csv_of, dated, file_of, iso, json_of, run_button
from bot.render.drawn import table

_TITLES = ("Day", "Estimated", "Billed", "Error")
_COLUMNS = ("day", "estimated_usd", "billed_usd", "error", "own_error", "listed_usd", "missed_usd")


def headline(answer: Accuracy) -> str:
    """Return the score in one sentence, without its full stop."""
    if not answer.days:
        return (
            "No settled day was estimated before it was billed: the score begins when the first has settled"
        )
    total = answer.all
    if total.error is None:
        return f"{show_usd(total.estimated)} was estimated over {_days(len(answer.days))}, and nothing was billed"
    return (
        f"Live spend was {_verdict(total)} over {_days(len(answer.days))}: {show_usd(total.estimated)} estimated, "
        f"{show_usd(total.billed)} billed"
    )


def facts(answer: Accuracy) -> Iterator[str]:
    """Yield what else there is to know, a sentence each."""
    if answer.usual is not None and answer.worst is not None:
        worst = answer.worst
        off = show_usd(abs(worst.all.estimated - worst.all.billed))
        yield (
            f"A day was {answer.usual * 100:.1f}% off on average, up or down, and at most {off} "
            f"({show_day(worst.day)})."
        )
    if answer.listed:
        own = (
            f"; without it the error is {show_error(answer.own.error)}"
            if answer.own.error is not None
            else ""
        )
        yield (
            f"{show_listed(answer)} of the estimates ({show_usd(answer.listed)}) came from a public price list, "
            f"for want of a bill of your own{own}."
        )
    if answer.missed:
        yield f"{show_usd(answer.missed)} was billed under line items of which no usage had been seen on the day."
    if answer.days and answer.unscored:
        yield f"{_days(answer.unscored)} of {show_span(answer.span)} had no estimate."


def shell(answer: Accuracy, form: str = "table", query: Query | None = None) -> str:
    """Return the score as `table`, `json` or `csv`."""
    del query  # the answer tells
    if form == "json":
        return json_of(
            {
                "start": answer.span.start.isoformat(),
                "end": answer.span.end.isoformat(),
                "as_of": iso(answer.as_of),
                "currency": "usd",
                "estimated_usd": exact_usd(answer.all.estimated),
                "billed_usd": exact_usd(answer.all.billed),
                "error": _share(answer.all.error),
                "own_error": _share(answer.own.error),
                "mean_daily_error": _share(answer.usual),
                "listed_usd": exact_usd(answer.listed),
                "missed_usd": exact_usd(answer.missed),
                "days_without_estimate": answer.unscored,
                "days": [_row(day) for day in answer.days],
            }
        )
    if form == "csv":
        return csv_of(_COLUMNS, map(_row, answer.days), _COLUMNS[1:])
    lines = [f"{headline(answer)}."]
    if answer.days:
        right = {"align": "right"}
        lines += [
            "",
            *table([_TITLES, *map(_cells, answer.days), _total(answer)], [{}, right, right, right]),
            "",
        ]
    lines += facts(answer)
    return "\n".join([*lines, asked_at(answer.as_of)])


def slack(answer: Accuracy, query: Query | None = None) -> dict[str, Any]:
    """Return the message that answers in Slack."""
    said = f"{headline(answer)}."
    body = [blocks.section(f"*{said}*")]
    if answer.days:
        body.append(
            blocks.table(_TITLES, [*map(_cells, reversed(answer.days)), _total(answer)], right=(1, 2, 3))
        )
    told = list(facts(answer))
    if told:
        body.append(blocks.context("\n".join(told)))
    if query and query.format:
        body.append(file_of(query))
    asked = f"{command(query.command)} · " if query else ""
    estimates = "an estimate is the last one made on its day"
    body.append(blocks.context(f"{asked}{dated(answer.as_of)}, UTC days · {estimates}"))
    body.append(blocks.actions([run_button("status", "Status", "status")]))
    return blocks.message(said, body)


def _verdict(total: Compared) -> str:
    error = total.error or 0.0
    if abs(error) < 0.0005:
        return "exact to 0.1%"
    return f"{abs(error) * 100:,.1f}% too {'high' if error > 0 else 'low'}"


def _cells(day: DayScore) -> list[str]:
    return [
        show_day(day.day),
        show_usd(day.all.estimated),
        show_usd(day.all.billed),
        show_error(day.all.error),
    ]


def _total(answer: Accuracy) -> list[str]:
    total = answer.all
    return ["total", show_usd(total.estimated), show_usd(total.billed), show_error(total.error)]


def _row(day: DayScore) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "estimated_usd": exact_usd(day.all.estimated),
        "billed_usd": exact_usd(day.all.billed),
        "error": _share(day.all.error),
        "own_error": _share(day.own.error),
        "listed_usd": exact_usd(day.listed),
        "missed_usd": exact_usd(day.missed),
    }


def _share(error: float | None) -> float | None:
    return None if error is None else round(error, 4) + 0.0


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
