"""What a figure counts: dollars, tokens, requests, or dollars for so many of them; and how people read it."""

from dataclasses import dataclass

from bot.core.money import NANO, show_usd


@dataclass(frozen=True, slots=True)
class Unit:
    """How integers are kept and shown: `scale` of them are one of `word`."""

    word: str
    """Plural, after the figure: `input tokens`; '' for dollars and bare figures."""
    scale: int = 1
    dollars: bool = False
    share: bool = False
    """Shown as a percentage."""

    def show(self, value: int, *, cents: bool = True) -> str:
        """Return what people read: `$10,284.17`, `1,200,000 input tokens`, `4.21 seconds per request`, `35%`."""
        if self.dollars:
            told = show_usd(value, cents=cents)
        elif self.share:
            return _decimal(value * 100, self.scale, 1) + "%"
        elif self.scale == 1:
            told = f"{value:,}"
        else:
            told = _decimal(value, self.scale, 2)
        return f"{told} {self.word}" if self.word else told

    def margin(self, amount: int) -> int:
        """Return how far below a level a value must fall before it is taken back: 2% of the amount, $1 at least."""
        return max(abs(amount) * 2 // 100, self.scale if self.dollars else 0)

    @property
    def key(self) -> str:
        """Return the unit as it is stored."""
        return f"{self.word}|{self.scale}|{int(self.dollars)}|{int(self.share)}"


USD = Unit("", NANO, dollars=True)


def unit_of(key: str) -> Unit:
    """Return the unit that was stored as `key`; dollars where none was."""
    if not key:
        return USD
    word, scale, dollars, share = key.rsplit("|", 3)
    return Unit(word, int(scale), dollars == "1", share == "1")


def counts(word: str) -> Unit:
    """Return the unit of a metric that is counted one by one."""
    return Unit(word)


def _decimal(value: int, scale: int, digits: int) -> str:
    sign, size = ("−", -value) if value < 0 else ("", value)
    step = 10**digits
    hundredths = (size * step + scale // 2) // scale
    whole, rest = divmod(hundredths, step)
    text = f"{rest:0{digits}d}".rstrip("0")
    return f"{sign}{whole:,}.{text}" if text else f"{sign}{whole:,}"
