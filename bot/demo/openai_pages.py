"""Pages of costs and usage: the buckets of a window, filtered, grouped and summed exactly."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from bot.demo.ledger import EXACT, CostRow, UsageRow, Wire, World
from bot.demo.openai_endpoints import COSTS, SECONDS
from bot.demo.openai_questions import Question, Refused, seal, unseal

DAY = 86_400
ORGANIZATION = ("org-Xk29demoQvT7", "Budgetbot Demo")

UNSAID: Mapping[str, str | bool] = {"batch": False, "service_tier": "default", "api_source": "unlabeled"}
"""What the API says of usage that says nothing itself."""

Key = tuple[str | bool | None, ...]
Results = Callable[[int, int], list[Wire] | msgspec.Raw]
"""The results of the bucket from, to (Unix seconds)."""
Memo = dict[tuple[object, ...], tuple[Sequence[CostRow], msgspec.Raw]]
"""Days already written as JSON. A world that answers with the very tuple it gave before says that nothing
has changed: the demo's bot reads each day some thirty times."""

JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Voice:
    """The liberties the live API takes: amounts as text or as numbers, a key in more than one row."""

    amounts: Literal["string", "number"] = "string"
    duplicate_rows: bool = False


def page(world: World, question: Question, now: datetime, voice: Voice, memo: Memo | None = None) -> Wire:
    """Return the page of the question as it is answered at `now`, or refuse its window.

    With a memo, results may come as JSON already written.
    """
    results = (
        _costs(world, question, now, voice, memo)
        if question.endpoint is COSTS
        else _usage(world, question, now, voice)
    )
    start, end = unseal(question) if question.page else _window(question, now)
    data: list[Wire] = []
    following = None
    for since, until in _buckets(question, start, end, int(now.timestamp())):
        if len(data) == question.limit:
            following = since
            break
        data.append(
            {
                "object": "bucket",
                "start_time": since,
                "end_time": until,
                "start_time_iso": _iso(since) + "+00:00",
                "end_time_iso": _iso(until),  # live bodies mix both forms: nobody may read these
                "results": results(since, until),
            }
        )
    return {
        "object": "page",
        "data": data,
        "has_more": following is not None,
        "next_page": None if following is None else seal(question, following, end),
    }


def _window(question: Question, now: datetime) -> tuple[int, int]:
    instant = int(now.timestamp())
    if question.endpoint is not COSTS:
        end = instant if question.end is None else question.end
        if end <= question.start:
            raise Refused(400, "'start_time' must be before 'end_time'.", "start_time", "invalid_value")
        return question.start - question.start % 60, end
    if question.end is not None and question.end // DAY <= question.start // DAY:
        # the real one compares dates: today's costs are asked for up to tomorrow's midnight
        raise Refused(400, "'start_time' must be on a date before 'end_time'.", "end_time", "invalid_value")
    if question.end is None and question.start > instant:
        raise Refused(400, "'start_time' is in the future.", "start_time", "invalid_value")
    end = instant + 1 if question.end is None else question.end
    return question.start - question.start % DAY, -(-end // DAY) * DAY


def _buckets(question: Question, start: int, end: int, now: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each bucket from `start`, none of them in the future.

    Costs speak in whole days, so their window's edges are midnights; usage clips its edge buckets.
    """
    width = SECONDS[question.width]
    while start < end and start <= now:
        until = min((start // width + 1) * width, end)
        yield start, until
        start = until


def _costs(world: World, question: Question, now: datetime, voice: Voice, memo: Memo | None) -> Results:
    names = {project["id"]: project["name"] for project in world.projects()}
    # live, a grouping by line item alone comes apart by project too
    dims = ("project_id", "line_item") if question.group_by == ("line_item",) else question.group_by

    def of_bucket(since: int, until: int) -> list[Wire] | msgspec.Raw:
        del until  # always the next midnight
        rows = world.cost_rows(datetime.fromtimestamp(since, UTC).date(), now)
        if memo is None or not isinstance(rows, tuple):
            return of_rows(rows)
        key = (since, question.group_by, *sorted((dim, *sorted(keep)) for dim, keep in question.keep.items()))
        kept = memo.get(key)
        if kept is None or kept[0] is not rows:
            kept = memo[key] = (rows, msgspec.Raw(JSON.encode(of_rows(rows))))
        return kept[1]

    def of_rows(of_day: Sequence[CostRow]) -> list[Wire]:
        summed: dict[Key, list[CostRow]] = {}
        for row in of_day:
            if all(getattr(row, dim) in values for dim, values in question.keep.items()):
                key = tuple(None if dim == "api_source" else getattr(row, dim) for dim in dims)
                summed.setdefault(key, []).append(row)
        results = []
        for key, rows in summed.items():
            by = dict(zip(dims, key, strict=True))
            for nth, amount in enumerate(_parts(_sum(Decimal(row.amount) for row in rows), voice)):
                results.append(
                    {
                        "object": COSTS.result,
                        "amount": {"value": _amount(amount, voice), "currency": "usd"},
                        "line_item": by.get("line_item"),
                        "project_id": by.get("project_id"),
                        "api_key_id": by.get("api_key_id"),
                        "user_id": by.get("user_id"),
                        "organization_id": ORGANIZATION[0],
                        "organization_name": ORGANIZATION[1],
                        "project_name": names.get(str(by.get("project_id"))),
                        **_quantity(rows if "line_item" in dims and not nth else ()),
                    }
                )
        return results

    return of_bucket


def _quantity(rows: Sequence[CostRow]) -> Wire:
    units = {row.quantity_unit for row in rows}
    if len(units) != 1 or any(row.quantity is None for row in rows):
        return {"quantity": None, "quantity_unit": None}
    return {
        "quantity": float(_sum(Decimal(row.quantity or 0) for row in rows)),
        "quantity_unit": units.pop(),
    }


def _amount(amount: Decimal, voice: Voice) -> str | Decimal:
    """Return the amount as live bodies have it: a number, or the text of a 128-bit decimal.

    Seen: `"0E-6176"` for zero, 34 significant digits for a trace, 16 decimals otherwise.
    """
    if voice.amounts == "number":
        return amount or Decimal("0.0")
    if not amount:
        return "0E-6176"
    decimals = 33 - amount.adjusted() if abs(amount) < Decimal("0.01") else 16
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and -exponent < decimals:
        amount = amount.quantize(Decimal(1).scaleb(-decimals), context=EXACT)
    return f"{amount:f}"


def _usage(world: World, question: Question, now: datetime, voice: Voice) -> Results:
    endpoint = question.endpoint

    def of_bucket(since: int, until: int) -> list[Wire]:
        start, end = datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC)
        rows = [row for row in world.usage_rows(endpoint.source, start, end, now) if _kept(row, question)]
        if endpoint.source == "vector_stores":  # a level, not a flow: a bucket shows where it stood last
            rows = list({tuple(sorted(row.dims.items())): row for row in rows}.values())
        summed: dict[Key, dict[str, int]] = {}
        for row in rows:
            key = tuple(_dimension(row, dim) for dim in question.group_by)
            counts = summed.setdefault(key, dict.fromkeys(endpoint.metrics, 0))
            for metric, count in row.metrics.items():
                counts[metric] = counts.get(metric, 0) + count
        nulls: dict[str, str | bool | None] = dict.fromkeys(endpoint.group_by)  # unless grouped by it
        return [
            {"object": endpoint.result, **part, **nulls, **dict(zip(question.group_by, key, strict=True))}
            for key, counts in summed.items()
            for part in (_halves(counts) if voice.duplicate_rows else (counts,))
        ]

    return of_bucket


def _kept(row: UsageRow, question: Question) -> bool:
    if question.batch is not None and bool(row.dims.get("batch")) is not question.batch:
        return False
    return all(row.dims.get(dim) in values for dim, values in question.keep.items())


def _dimension(row: UsageRow, dim: str) -> str | bool | None:
    if dim in row.dims:
        return row.dims[dim]
    return UNSAID.get(dim)


def _parts(amount: Decimal, voice: Voice) -> tuple[Decimal, ...]:
    if not voice.duplicate_rows:
        return (amount,)
    half = EXACT.multiply(amount, Decimal("0.5"))
    return (half, EXACT.subtract(amount, half))


def _halves(counts: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    half = {metric: count // 2 for metric, count in counts.items()}
    return half, {metric: count - half[metric] for metric, count in counts.items()}


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def _iso(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%S")
