"""What `doctor` looks at, one neighbour a file; each yields findings and hides no other's."""

from datetime import timedelta


def spell(span: timedelta) -> str:
    """Return a span as people say it: `12 minutes`, `3 hours`, `4 days`."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes != 1 else ''}"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"


def many(count: int, what: str) -> str:
    """Return `1 rule`, `12 rules`."""
    return f"{count:,} {what}{'s' if count != 1 else ''}"
