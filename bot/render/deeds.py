"""What people did, in words: for a shell and for Slack alike."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from bot.core.history import Deed
from bot.core.money import show_usd
from bot.core.period import show_day
from bot.render import blocks
from bot.render.alert_words import named

Who = Callable[[str], str]
"""How a person is written: mentioned, or by the name they have."""
Quote = Callable[[str], str]
"""How words from outside are written."""

NOTE = 120
"""Characters of a reason."""


def when(at: datetime) -> str:
    """Return `22 Nov 13:05`, UTC."""
    at = at.astimezone(UTC)
    return f"{show_day(at.date())} {at:%H:%M}"


def quoted(text: str) -> str:
    """Return words from outside as mrkdwn."""
    return blocks.name(text, NOTE)


def plain(text: str) -> str:
    """Return words from outside for a terminal."""
    return blocks.clip(blocks.clean(text), NOTE)


def slack(deed: Deed) -> str:
    """Return what somebody did, with a mention of them."""
    return done(deed, named, quoted)


def shell(deed: Deed) -> str:
    """Return what somebody did, for a terminal."""
    return done(deed, blocks.clean, plain)


def done(deed: Deed, who: Who, quote: Quote) -> str:
    """Return `alice acknowledged search-prod: known load test`."""
    name = quote(deed.about or deed.subject)
    by = who(deed.who) if deed.who else "nobody known"
    if deed.after.get("refused"):
        return f"{by} was refused: {deed.what} {name}{_note(deed.after, quote, ('refused',))}".rstrip()
    return f"{by} {act(deed.what, name, deed.before, deed.after, quote)}"


def act(what: str, name: str, before: Mapping[str, object], after: Mapping[str, object], quote: Quote) -> str:
    """Return `acknowledged search-prod: known load test`: what was done, without who did it."""
    match what:
        case "ack":
            return f"acknowledged {name}{_note(after, quote)}"
        case "unack":
            return f"took back the acknowledgement of {name}{_note(after, quote)}"
        case "silence":
            return (
                f"silenced {_matched(after, quote) or name}{_until(after)}{_note(after, quote)}{_mark(name)}"
            )
        case "unsilence":
            return f"ended the silence of {_matched(before, quote) or name}{_note(after, quote)}{_mark(name)}"
        case "subscribe":
            return f"subscribed to {quote(_first(after, 'report', 'when')) or name}"
        case "unsubscribe":
            return f"ended a subscription, {quote(_first(before, 'report', 'when')) or name}{_note(after, quote)}"
        case "refresh":
            return f"had OpenAI's figures read{_note(after, quote, ('said',))}"
        case "share":
            return f"posted {quote(_first(after, 'asked') or 'an answer')} in {name}"
        case "more":
            wish = after.get("wish")
            money = show_usd(wish) if isinstance(wish, int) else "more"
            return f"asked for {money} for {name}{_note(after, quote)}"
    return f"{quote(what)}: {name}{_note(after, quote)}"


def _first(held: Mapping[str, object], *keys: str) -> str:
    return " ".join(str(held[key]) for key in keys if held.get(key))


def _mark(name: str) -> str:
    return f" ({name})" if name.startswith("si_") else ""


def _matched(held: Mapping[str, object], quote: Quote) -> str:
    matchers = held.get("matchers")
    if not isinstance(matchers, Mapping):
        return ""
    told = []
    for key, values in matchers.items():
        joined = ",".join(map(str, values)) if isinstance(values, list) else str(values)
        told.append(f"{key}{joined}" if str(key).endswith(("=", "~", ">")) else f"{key}={joined}")
    return quote(" ".join(told))


def _until(held: Mapping[str, object]) -> str:
    ends = held.get("ends_at")
    try:
        return f" until {when(datetime.fromisoformat(str(ends)))}" if ends else ""
    except ValueError:
        return ""


def _note(held: Mapping[str, object], quote: Quote, keys: tuple[str, ...] = ("note", "reason", "why")) -> str:
    told = next((held[key] for key in keys if isinstance(held.get(key), str) and held[key]), "")
    return f": {quote(str(told))}" if told else ""
