"""Price, volume and mix in words."""

from bot.core.effects import Basket, Effects
from bot.core.why import Why
from bot.render.headlines import Style
from bot.render.moved import money, signed

MILLIONTHS = 1_000_000
_SIZES = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**4, "k"))
NOT_COUNTABLE = "Price, volume and mix: not countable, for no quantity is told beside these costs"


def effects_line(answer: Why, style: Style) -> str:
    """Return `Volume +$190.00 (tokens 11M → 30M) · mix +$13.10 · price +$12.00 · not countable +$0.40`; '' of none."""
    found = answer.effects
    if found is None or not answer.change:
        return ""
    if not found.known:
        return NOT_COUNTABLE
    show = money(raw=answer.query.raw)
    counted = [_counted(basket) for basket in _moved(found)[:2]]
    more = f" ({', '.join(counted)})" if counted else ""
    told = [
        f"{style.bold('Volume')} {signed(found.volume, show)}{more}",
        f"{style.bold('mix')} {signed(found.mix, show)}",
        f"{style.bold('price')} {signed(found.price, show)}",
    ]
    if found.uncounted:
        told.append(f"{style.bold('not countable')} {signed(found.uncounted, show)}")
    return " · ".join(told)


def effects_lines(answer: Why) -> list[str]:
    """Return the lines of a shell: what each of the three is, and what they come to."""
    found = answer.effects
    if found is None or not answer.change:
        return []
    if not found.known:
        return [NOT_COUNTABLE]
    return [
        *_lines(found, raw=answer.query.raw),
        *(f"  {_counted(each)}" for each in _moved(found)),
    ]


def _moved(found: Effects) -> list[Basket]:
    """Return what there is more or less of, where it is known what it is."""
    return [each for each in found.baskets if each.unit and each.quantity != each.quantity_before]


def _lines(found: Effects, *, raw: bool) -> list[str]:
    show = money(raw=raw)
    told = [
        ("volume", found.volume, "as much more of everything, at what it cost before"),
        ("mix", found.mix, "a shift between dearer and cheaper, at what each cost before"),
        ("price", found.price, "what the same costs more"),
    ]
    if found.uncounted:
        told.append(("not countable", found.uncounted, "no quantity is told beside it"))
    return [f"{name} {signed(amount, show)}: {what}" for name, amount, what in told]


def _counted(basket: Basket) -> str:
    """Return `tokens 11M → 30.4M`."""
    unit = "".join(each for each in basket.unit.replace("_", " ") if each.isalnum() or each == " ")[:40]
    return f"{unit} {_count(basket.quantity_before)} → {_count(basket.quantity)}"


def _count(millionths: int) -> str:
    """Return `1,240`, `30.4M`, `0.25`: three digits are enough to see how much more it is."""
    whole = millionths // MILLIONTHS
    for size, word in _SIZES:
        if whole >= size:
            scaled = f"{whole / (10**3 if word == 'k' else size):.3g}"
            return f"{float(scaled):,.10g}{word}"
    if whole >= 10:
        return f"{whole:,}"
    return f"{millionths / MILLIONTHS:.3g}"
