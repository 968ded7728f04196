"""Help, made from the same table as the parser."""

from dataclasses import dataclass

from bot.core.ranges import EXAMPLES
from bot.core.verbs import GROUPINGS, VERBS, WORDS_OF, Verb

RANGES = " ".join(EXAMPLES)
DIMENSIONS = " ".join(GROUPINGS)


@dataclass(frozen=True, slots=True)
class Help:
    """What can be asked: every verb, or everything about one."""

    verbs: tuple[Verb, ...]
    topic: str = ""

    @property
    def ranges(self) -> str:
        """Return one example of each form of a range; '' where the verb takes none."""
        return RANGES if any(verb.ranged for verb in self.verbs) else ""

    @property
    def dimensions(self) -> str:
        """Return what an answer can be grouped by; '' where it cannot."""
        return DIMENSIONS if any(verb.by is not None for verb in self.verbs) else ""

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
    def shared(self) -> bool:
        """Tell whether any of the verbs can answer in the channel."""
        return any(verb.shared for verb in self.verbs)


ENDS = "for 30m, for 4h, for 2d, for 1w, until 18:00, until tomorrow, until monday, until 2026-12-01, until month-end"
OPERATORS = "key=a,b any of them, key!=a not, key~a contains, * and ? stand for any letters"


def helped(topic: str) -> Help:
    """Return the help for a verb, or for all of them."""
    return Help((VERBS[topic],), topic) if topic in VERBS else Help(tuple(VERBS.values()))
