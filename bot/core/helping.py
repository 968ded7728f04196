"""Help, made from the same table as the parser."""

from dataclasses import dataclass

from bot.core.verbs import VERBS, Verb

RANGES = (
    "today yesterday 7d 4w 3m this-week last-week mtd last-month qtd ytd 2026 2026-10 nov "
    "2026-10-31 2026-10-01..2026-10-31 since 2026-10-01"
)
DIMENSIONS = "project model line_item user api_key team day week month"


@dataclass(frozen=True, slots=True)
class Help:
    """What can be asked: every verb, or everything about one."""

    verbs: tuple[Verb, ...]
    topic: str = ""


def helped(topic: str) -> Help:
    """Return the help for a verb, or for all of them."""
    return Help((VERBS[topic],), topic) if topic in VERBS else Help(tuple(VERBS.values()))
