"""Groups beyond a rule's limit: the largest are judged, the others are one."""

from bot.core.spend import Group

OTHER = "(other)"
"""The group into which the smallest fold when a rule has more groups than its limit."""


def fold(groups: dict[Group, int], limit: int) -> list[tuple[Group, int]]:
    """Return the largest `limit` groups, and the sum of the others as one group."""
    if len(groups) <= limit:
        return list(groups.items())
    ranked = sorted(groups.items(), key=lambda item: (-item[1], item[0]))
    kept, rest = ranked[:limit], ranked[limit:]
    width = len(rest[0][0])
    return [*kept, ((OTHER,) * width, sum(value for _, value in rest))]
