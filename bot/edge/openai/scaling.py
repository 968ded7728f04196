"""Many amounts at once, as whole numbers of a small unit: in binary, where that is proven exact.

Binary fractions are only the way: what comes back is what exact decimal arithmetic says, to the last digit.
"""

from collections.abc import Sequence

LARGEST = 2.0**52
"""Below this the distance of a product to its nearest integer is exact in binary."""
ERROR = 2.3e-16
"""How far a product may lie off, as a part of itself: reading the text and multiplying each round once, by at
most 2**-53 (IEEE 754, to nearest), which makes 2**-52 and a little."""


class Unsure(Exception):
    """Binary cannot tell: the text must be read again in decimal."""


def scaled(values: Sequence[float], factor: float) -> list[int]:
    """Return each value times `factor`, to the nearest integer, half-even, as its decimal text would say it.

    `values` are texts read to the nearest binary number. Raises Unsure where one lies too near to the middle
    between two integers, is too large, or is no number.
    """
    if not values:
        return []
    products = [value * factor for value in values]
    try:
        nearest = list(map(float.__round__, products))
    except (ValueError, OverflowError):
        raise Unsure from None
    highest, lowest = max(products), min(products)
    largest = max(highest, -lowest)
    if largest >= LARGEST:
        raise Unsure
    edge = 0.5 - largest * ERROR
    near = [value for value, whole in zip(products, nearest, strict=True) if not -edge < value - whole < edge]
    if any(abs(value - round(value)) + abs(value) * ERROR >= 0.5 for value in near):
        raise Unsure
    return nearest
