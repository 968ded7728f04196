"""`why` for machines: every part, exactly."""

from typing import Any

from bot.core.dimension import NAMED_BY_ID
from bot.core.effects import Effects
from bot.core.money import exact_usd
from bot.core.why import Moved, Why
from bot.render.answering import csv_of, iso, json_of
from bot.render.figures import decimal
from bot.render.moved import ratio

_KEYS = ("before", "cost", "change")


def json(answer: Why) -> str:
    """Return the answer as JSON: money as exact decimal strings."""
    span, versus = answer.against.span, answer.against.versus
    alert = answer.alert
    return json_of(
        {
            "start": span.start.isoformat(),
            "end": span.end.isoformat(),
            "before_start": versus.start.isoformat(),
            "before_end": versus.end.isoformat(),
            "usual": answer.against.usual,
            "alert": {
                "fingerprint": alert.fingerprint,
                "subject": alert.subject,
                "rule": alert.rule,
                "period": alert.period,
            }
            if alert
            else None,
            "as_of": iso(answer.as_of),
            "history_from": answer.history_from.isoformat() if answer.history_from else None,
            **({"currency": "usd"} if answer.unit.dollars else {"unit": answer.unit.word}),
            _key(answer, "cost"): _figure(answer, answer.after),
            _key(answer, "before"): _figure(answer, answer.before),
            _key(answer, "change"): _figure(answer, answer.change),
            "change": ratio(answer.change, answer.before),
            "because": _because(answer),
            "effects": _effects(answer.effects) if answer.effects else None,
            "newcomers": [{"dimension": by, **_part(answer, by, part)} for by, part in answer.newcomers],
            "by": {
                each.dimension: [_part(answer, each.dimension, part) for part in each.parts]
                for each in answer.breakdowns
            },
            **({"why_not": answer.why_not} if answer.why_not else {}),
            **({"notes": list(answer.notes)} if answer.notes else {}),
        }
    )


def csv(answer: Why) -> str:
    """Return every part as CSV: by dimension, and price, volume and mix as parts of `effect`."""
    figures = [_key(answer, each) for each in _KEYS]
    rows = [
        {"by": each.dimension, "id": part.value, **_part(answer, each.dimension, part), "name": part.name}
        for each in answer.breakdowns
        for part in each.parts
    ]
    if answer.effects is not None:
        told = (("volume", "volume"), ("mix", "mix"), ("price", "price"), ("uncounted", "not countable"))
        rows += [
            {"by": "effect", "id": key, "name": name, figures[2]: exact_usd(getattr(answer.effects, key))}
            for key, name in told
        ]
    numbers = (*figures, "share")
    return csv_of(["by", "id", "name", *figures, "share", "first_seen"], rows, numbers)


def _key(answer: Why, word: str) -> str:
    if answer.unit.dollars:
        return f"{word}_usd"
    return {"cost": "value", "before": "before_value", "change": "change_value"}[word]


def _figure(answer: Why, figure: int | None) -> str | None:
    return None if figure is None else decimal(figure, answer.unit)


def _part(answer: Why, dimension: str, part: Moved) -> dict[str, Any]:
    named: dict[str, Any] = {dimension: part.name}
    if dimension in NAMED_BY_ID:
        named = {NAMED_BY_ID[dimension]: part.value or None, dimension: part.name}
    return {
        **named,
        _key(answer, "before"): _figure(answer, part.before),
        _key(answer, "cost"): _figure(answer, part.after),
        _key(answer, "change"): _figure(answer, part.change),
        "share": round(part.change / answer.change, 3) + 0.0 if answer.change else None,
        "first_seen": part.first.isoformat() if part.first else None,
    }


def _because(answer: Why) -> dict[str, Any] | None:
    blame = answer.blame
    if blame is None:
        return None
    return {
        "parts": [
            {
                "dimension": part.dimension,
                "name": part.name,
                _key(answer, "change"): _figure(answer, -part.amount if blame.fell else part.amount),
            }
            for part in blame.parts
        ],
        "share": round(blame.share / 100, 3),
        "since": blame.since or None,
        "first_seen": blame.first_seen,
    }


def _effects(found: Effects) -> dict[str, Any]:
    return {
        "volume_usd": exact_usd(found.volume),
        "mix_usd": exact_usd(found.mix),
        "price_usd": exact_usd(found.price),
        "not_countable_usd": exact_usd(found.uncounted),
        "units": [
            {
                "unit": basket.unit or None,
                "before_quantity": _millionths(basket.quantity_before),
                "quantity": _millionths(basket.quantity),
                "before_usd": exact_usd(basket.before),
                "cost_usd": exact_usd(basket.amount),
                "volume_usd": exact_usd(basket.volume),
                "mix_usd": exact_usd(basket.mix),
                "price_usd": exact_usd(basket.price),
            }
            for basket in found.baskets
        ],
    }


def _millionths(quantity: int) -> str:
    return exact_usd(quantity * 1_000)
