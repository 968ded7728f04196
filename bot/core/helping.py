"""Help, made from the same table as the parser."""

from dataclasses import dataclass

from bot.core.ranges import EXAMPLES, WORDS
from bot.core.verbs import COST_KEYS, GROUPINGS, VERBS, WORDS_OF, Verb, Who

RANGES = " ".join(EXAMPLES)
MOVING = " ".join((*WORDS, "7d", "4w", "3m"))
"""Ranges that move along with the days, for what comes again and again."""


@dataclass(frozen=True, slots=True)
class Help:
    """What can be asked: every verb, or everything about one."""

    verbs: tuple[Verb, ...]
    topic: str = ""

    @property
    def taught(self) -> tuple[Verb, ...]:
        """Return the few verbs that help begins with."""
        return tuple(verb for verb in self.verbs if verb.taught)

    @property
    def others(self) -> tuple[Verb, ...]:
        """Return the verbs that are found when they are needed."""
        return tuple(verb for verb in self.verbs if not verb.taught)

    @property
    def ranges(self) -> str:
        """Return one example of each form of a range; '' where the verb takes none."""
        if any(verb.span for verb in self.verbs):
            return RANGES
        return MOVING if any(verb.schedules for verb in self.verbs) else ""

    @property
    def dimensions(self) -> str:
        """Return what an answer can be grouped by; '' where it cannot."""
        times = any(verb.by is not None and verb.times for verb in self.verbs)
        taken = GROUPINGS if times else COST_KEYS if any(verb.by is not None for verb in self.verbs) else ()
        return " ".join(taken)

    @property
    def filters(self) -> str:
        """Return the keys of filters, with the words of those that have words; '' where none is taken."""
        keys = dict.fromkeys(key for verb in self.verbs for key in verb.keys)
        return " ".join(f"{key}={'|'.join(WORDS_OF[key])}" if key in WORDS_OF else f"{key}=…" for key in keys)

    @property
    def ends(self) -> str:
        """Return how it is said when a silence ends; '' where nothing is silenced."""
        return ENDS if any(verb.lasts for verb in self.verbs) else ""

    @property
    def schedules(self) -> str:
        """Return how it is said when a digest comes; '' where nothing comes."""
        return SCHEDULES if any(verb.schedules for verb in self.verbs) else ""

    @property
    def who(self) -> str:
        """Return who may say a verb, in a sentence; '' where everybody may, or it is about them all."""
        return WHO[self.verbs[0].who] if self.topic else ""

    @property
    def shared(self) -> bool:
        """Tell whether any of the verbs can answer in the channel."""
        return any(verb.shared for verb in self.verbs)


ENDS = "for 30m, for 4h, for 2d, for 1w, until 18:00, until tomorrow, until monday, until 2026-12-01, until month-end"
SCHEDULES = "daily 09:00, weekly monday 09:00, monthly 1 09:00"
WHO: dict[Who, str] = {
    "viewer": "",
    "operator": "For operators: BUDGETBOT_OPERATORS names them; while nobody is named, every member is one.",
    "admin": "For admins: BUDGETBOT_ADMINS names them; while nobody is named, every member is one.",
    "self": "Everybody, for themselves.",
}
OPERATORS = "key=a,b any of them, key!=a not, key~a contains, * and ? stand for any letters"


def helped(topic: str) -> Help:
    """Return the help for a verb, or for all of them."""
    return Help((VERBS[topic],), topic) if topic in VERBS else Help(tuple(VERBS.values()))
