"""Many amounts at once, as whole numbers of a small unit: in binary, where that is proven exact.

Binary fractions are only the way: what comes back is what exact decimal arithmetic says, to the last digit.
"""

from collections.abc import Sequence

LARGE = 2.0**43
"""Below this a product that is not near the middle between two integers needs no closer look: 8,796 dollars."""
LARGEST = 2.0**51
"""Below this a binary number tells the middle between two integers, and what is added to it is rounded to one."""
ERROR = 2.3e-16
"""How far a product may lie off, as a part of itself: reading the text and multiplying each round once, by at
most 2**-53 (IEEE 754, to nearest), which makes 2**-52 and a little."""
EDGE = 0.5 - LARGE * ERROR
"""How far from an integer a product below LARGE may lie to be surely on that integer's side of the middle."""
SHIFT = 1.5 * 2.0**52
"""Added to a number and taken away again it leaves the nearest integer, half-even: no binary digits are left for
fractions."""


class Unsure(Exception):
    """Binary cannot tell: the text must be read again in decimal."""


def scaled(values: Sequence[float], factor: float) -> list[int]:
    """Return each value times `factor`, to the nearest integer, half-even, as its decimal text would say it.

    `values` are texts read to the nearest binary number. Raises Unsure where one lies too near to the middle
    between two integers, is too large, or is no number.
    """
    products = [value * factor for value in values]
    try:
        nearest = list(map(float.__round__, products))
    except (ValueError, OverflowError):
        raise Unsure from None
    near = [
        product
        for product in products
        if not (-EDGE < (product + SHIFT - SHIFT) - product < EDGE and -LARGE < product < LARGE)
    ]
    if any(abs(each) >= LARGEST or abs(each - round(each)) + abs(each) * ERROR >= 0.5 for each in near):
        raise Unsure
    return nearest
