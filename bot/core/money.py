"""Money inside is an integer number of nano-dollars (10**-9 USD): exact, ordered, summed without drift."""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

NANO = 1_000_000_000
LONGEST = 60
"""Characters of an amount that people write."""
_PER_DOLLAR = Decimal(NANO)
# One context for all: making one for each amount takes longer than the arithmetic.
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
LARGEST = 2**63 - 1
"""What a 64-bit column holds: 9.2 billion dollars."""


def nano(amount: Decimal) -> int:
    """Return `amount` dollars as nano-dollars, half-even.

    Raises ValueError for NaN, infinities and amounts that no 64-bit column holds. The live API sends
    zero as `0E-6176` and amounts with 39 decimals, so only the magnitude is bounded, not the digits.
    """
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount of money")
    if amount == 0:
        return 0
    if amount.adjusted() > 10:
        raise ValueError(f"{amount:.3e} dollars is more than can be stored")
    scaled = int(_EXACT.to_integral_value(_EXACT.multiply(amount, _PER_DOLLAR)))
    if abs(scaled) > LARGEST:
        raise ValueError(f"{amount:.3e} dollars is more than can be stored")
    return scaled


def parse_usd(text: str) -> int | None:
    """Return the nano-dollars of `12,000`, `$1,500.50` or `$5k`; None when it is no amount."""
    if len(text) > LONGEST:
        return None
    digits = text.strip().removeprefix("$").strip()
    factor = 1
    if digits[-1:].lower() in ("k", "m"):
        factor = 1_000 if digits[-1].lower() == "k" else 1_000_000
        digits = digits[:-1]
    whole, _, fraction = digits.partition(".")
    groups = whole.split(",")
    if len(groups) > 1 and not (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])):
        return None
    plain = "".join(groups) + (f".{fraction}" if fraction else "")
    if not plain.isascii() or not plain.replace(".", "", 1).isdigit():
        return None
    try:
        return nano(Decimal(plain) * factor)
    except (InvalidOperation, ValueError):
        return None


def exact_usd(amount: int) -> str:
    """Return the exact decimal, with no more digits than it has: `10284.17`, `0`, `-0.000000001`."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    whole, fraction = divmod(amount, NANO)
    text = f"{fraction:09d}".rstrip("0")
    return f"{sign}{whole}.{text}" if text else f"{sign}{whole}"


def show_usd(amount: int, *, cents: bool = True) -> str:
    """Return what people read: `$10,284.17`, `−$4.00`; `$10,284` without cents; `<$0.01` for a trace."""
    unit = NANO // 100 if cents else NANO
    size = abs(amount)
    rounded, rest = divmod(size, unit)
    if rest * 2 > unit or (rest * 2 == unit and rounded % 2):
        rounded += 1
    sign = "−" if amount < 0 else ""
    if size and not rounded:
        return f"{sign}<${'0.01' if cents else '1'}"
    if not cents:
        return f"{sign}${rounded:,}"
    return f"{sign}${rounded // 100:,}.{rounded % 100:02d}"


def show_exact(amount: int) -> str:
    """Return what people read to its last digit: `$10,284.170000001`, `−$4.00`."""
    whole, _, fraction = exact_usd(abs(amount)).partition(".")
    return f"{'−' if amount < 0 else ''}${int(whole):,}.{fraction:0<2}"


def show_percent(value: int, of: int) -> str:
    """Return `86%`, rounded down so that nothing reads as reached before it is; `—` of nothing."""
    if of <= 0:
        return "—"
    percent = value * 100 // of if value >= 0 else -(-value * 100 // of)
    return f"{percent:,}%"
