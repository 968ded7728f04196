"""One message said so that it arrives: as it was drawn, or as much more plainly as Slack asks for."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from bot.core.charts import from_json
from bot.edge.slack_trouble import SlackTrouble
from bot.edge.store.delivery import Job
from bot.render.picture import NoPicture, png
from bot.render.plainer import AS_DRAWN, CHART, PICTURED, WORDS, form, in_letters, plainer

log = logging.getLogger("budgetbot.deliver")

T = TypeVar("T")
LEVEL, PICTURE = "plain", "picture"
"""Under which names a message keeps the form that Slack took, and its uploaded picture."""


class Uploader(Protocol):
    """A place that takes pictures: Slack. A terminal does not."""

    def upload(self, content: bytes, name: str, title: str) -> str: ...


def say(
    job: Job, message: Mapping[str, Any], call: Callable[[dict[str, Any]], T], speaker: object
) -> tuple[T, dict[str, Any]]:
    """Make a call with a message in the fullest form that Slack takes.

    Returns what the call did and what is to be remembered of it, so that the next edit does not begin anew. Raises
    SlackTrouble as the call does; of kind `payload` only when Slack refuses even the bare words.
    """
    own = job.act != "reply"  # a line of a thread is a message by itself
    level = _known(job.body.get(LEVEL)) if own else AS_DRAWN
    picture = str(job.body.get(PICTURE) or "") or None if own else None
    learned: dict[str, Any] = {}
    offered: dict[str, Any] | None = None
    refused: SlackTrouble | None = None
    while level <= WORDS:
        if level == PICTURED and picture is None:
            picture = _uploaded(message, speaker)
            learned |= {PICTURE: picture} if picture else {}
        told = form(message, level, picture)
        if told != offered:
            offered = told
            try:
                done = call(told)
            except SlackTrouble as trouble:
                if trouble.kind != "payload":
                    raise
                refused = trouble
                log.warning(
                    "blocks refused",
                    extra={
                        "why": str(trouble),
                        "errors": list(trouble.errors),
                        "card": job.card_id,
                        "form": level,
                    },
                )
            else:
                if refused is not None and own:
                    learned[LEVEL] = level
                return done, learned
        level += 1
    assert refused is not None
    raise refused


def few_forms(message: Mapping[str, Any], speaker: object) -> Iterator[dict[str, Any]]:
    """Yield what everybody reads more plainly, for places that can be tried only a few times.

    Its chart as a picture, uploaded when that is asked for; then everything in letters.
    """
    if picture := _uploaded(message, speaker):
        yield form(message, PICTURED, picture)
    if plain := in_letters(message):
        yield plain


def send(message: Mapping[str, Any], call: Callable[[Mapping[str, Any]], object], speaker: object) -> None:
    """Make a call with a message, then more plainly where Slack refuses how it is drawn.

    Raises SlackTrouble as the call does; of kind `payload` only when Slack refuses even the bare words.
    """
    plain = forms(message, speaker)
    told: Mapping[str, Any] = message
    while True:
        try:
            call(told)
        except SlackTrouble as trouble:
            if trouble.kind != "payload" or (simpler := next(plain, None)) is None:
                raise
            told = simpler
        else:
            return


def forms(message: Mapping[str, Any], speaker: object) -> Iterator[dict[str, Any]]:
    """Yield a message in every form more plainly, its words last; as a picture only where `speaker` takes one."""
    picture = _uploaded(message, speaker)
    plain = plainer(message, picture)
    while plain is not None:
        yield plain
        plain = plainer(plain, picture)


def _known(level: object) -> int:
    return level if isinstance(level, int) and AS_DRAWN <= level <= WORDS else AS_DRAWN


def _uploaded(message: Mapping[str, Any], speaker: object) -> str | None:
    """Return the id of an uploaded picture of a message's chart, or None where that cannot be: then letters do."""
    held = message.get(CHART)
    upload: Callable[[bytes, str, str], str] | None = getattr(speaker, "upload", None)
    if not isinstance(held, Mapping) or upload is None:
        return None
    try:
        chart = from_json(held)
        return upload(png(chart), "spend.png", chart.title)
    except (SlackTrouble, NoPicture, ValueError) as trouble:
        log.warning("no picture", extra={"why": str(trouble)})
    except Exception:
        log.exception("no picture")  # a bug of ours, and the message goes on without it
    return None
