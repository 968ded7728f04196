"""Dividing integers: half-even, so that sums of many rounded figures do not drift."""


def half_even(numerator: int, denominator: int) -> int:
    """Return the nearest integer to a fraction, the even one of two; the denominator is positive."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))
