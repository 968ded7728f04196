"""Line two of an alert: who and since when, or why that cannot be known."""

from datetime import UTC, date, datetime

from bot.core.period import show_day
from bot.core.telling import WORDS, Blame, Part
from bot.render import blocks
from bot.render.alert_words import Told

WHO = ("project", "team", "api_key", "user")
"""Bold, for it is who; what they asked for is code."""


def line(told: Told) -> str:
    """Return ``key *ingest-worker*, `gpt-5.2` output, since 18 Nov 09:00 UTC, 74% of the rise``; '' where not known."""
    blame = told.telling.blame
    if blame is None or told.incident.state == "ok":
        return ""
    return words(blame)


def person(told: Told) -> str:
    """Return the line where it names a key, a person or a project; '' where it knows but what they asked for."""
    blame = told.telling.blame
    return line(told) if blame and any(part.dimension in WHO for part in blame.parts) else ""


def words(blame: Blame) -> str:
    """Return who and since when, escaped; '' where that is not known."""
    if not blame.parts:
        return ""
    said: list[str] = []
    for part in blame.parts:
        if part.dimension != "direction":
            said.append(part_words(part))
            continue
        direction = blocks.name(part.name, 40)
        of_model = said and blame.parts[len(said) - 1].dimension == "model"
        said[-1:] = [f"{said[-1]} {direction}"] if of_model else [*said[-1:], direction]
    said += [since(blame)] if blame.since else []
    return ", ".join([*said, share(blame)])


def share(blame: Blame) -> str:
    """Return `74% of the rise`; what is more than all of it (others fell) says so."""
    rise = "fall" if blame.fell else "rise"
    return f"{blame.share}% of the {rise}" if blame.share <= 100 else f"more than the whole {rise}"


def unknown(told: Told) -> str:
    """Return why who and since when is not known, or not in full; '' where it is, or is of no interest any more."""
    blame = told.telling.blame
    if blame is None or not blame.why_not or (told.incident.state != "firing" and not told.incident.late):
        return ""
    why = blocks.escape(blocks.clean(blame.why_not))
    if blame.parts:
        return f"Which key: {why}"
    return f"Who and since when: {', '.join([why, *([since(blame)] if blame.since else [])])}"


def since(blame: Blame) -> str:
    """Return `since 18 Nov 09:00 UTC`, `since 18 Nov`; `first seen 18 Nov` of what never was there before."""
    began = "first seen" if blame.first_seen else "since"
    if not blame.since_hour:
        return f"{began} {show_day(date.fromisoformat(blame.since))}"
    at = datetime.fromisoformat(blame.since).astimezone(UTC)
    return f"{began} {show_day(at.date())} {at:%H:%M} UTC"


def repeats(blame: Blame | None, parts: tuple[Part, ...]) -> bool:
    """Tell whether line two names every one of these parts already."""
    named = {(part.dimension, part.name) for part in blame.parts} if blame else set()
    return bool(parts) and all((part.dimension, part.name) in named for part in parts)


def part_words(part: Part) -> str:
    """Return ``key *ingest-worker*``, `` `gpt-5.2` ``, escaped."""
    name = blocks.name(part.name, 80)
    if part.dimension in WHO:
        return f"{WORDS[part.dimension]} *{name}*"
    return f"`{name}`" if part.dimension == "model" else f"{WORDS[part.dimension]} `{name}`"
