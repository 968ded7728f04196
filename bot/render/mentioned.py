"""What is said to who speaks to the bot by its name, where an answer is not all."""

from typing import Any

from bot.core.mentioned import Topic
from bot.render import blocks
from bot.render.answering import command, run_button, said

_REST = f"; {command('help')} tells the rest"


def hello(topic: Topic | None) -> dict[str, Any]:
    """Return what can be said here: the two words that help most."""
    if topic is None:
        told = f"Say {command('status')} or {command('report last-month by project')} after my name{_REST}."
        buttons = [run_button("status", "Status", "status"), run_button("help", "Help", "help")]
    else:
        mark = topic.fingerprints[0]
        told = f"Say {command('why')} or {command('ack')} after my name, and it is about this alert{_REST}."
        buttons = [
            run_button(f"why {mark}", "Why", "why", primary=True),
            run_button(f"explain {mark}", "Explain", "explain"),
        ]
    return blocks.message(told.replace("`", ""), [blocks.section(told), blocks.actions(buttons)])


def which(topic: Topic, every: str) -> dict[str, Any]:
    """Return the question whether all alerts of a message are meant, or the worst of them."""
    told = f"This message tells of {topic.open:,} open alerts. Which of them do you look after?"
    buttons = []
    if every:
        buttons.append(run_button(every, f"Acknowledge all {topic.open:,}", "all", primary=True))
    else:
        value = f"v1|c{topic.card}|{topic.revision}"
        buttons.append(blocks.button(f"Acknowledge all {topic.open:,}", "group.ack", value, "primary"))
    buttons.append(run_button(f"ack {topic.fingerprints[0]}", "Only the worst", "worst"))
    return blocks.message(told, [blocks.section(told), blocks.actions(buttons)])


def stranger() -> dict[str, Any]:
    """Return the refusal for people of another workspace."""
    told = "You are of another workspace, and these figures are of this one: ask somebody here."
    return blocks.message(told, [blocks.section(told)])


def trouble(sentence: str) -> dict[str, Any]:
    """Return that a question could not be answered."""
    return blocks.message(said(sentence), [blocks.section(f":warning: {said(sentence)}")])
