"""`Ask for more…`: what the owner of an amount is told, and what its thread is."""

from collections.abc import Mapping
from typing import Any

from bot.core.money import show_percent
from bot.render import blocks
from bot.render.alert_words import mention, named, plain, url, usd


def notice(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message to the owner: who asks for how much and why, the figures, and the line to change."""
    wish, amount, spent = int(body["wish"]), int(body["amount"]), int(body["spent"])
    subject, period = blocks.name(str(body["subject"]), 120), blocks.escape(blocks.clean(str(body["period"])))
    line = (
        f"{named(str(body['who']))} asks for *{usd(wish)}* instead of {usd(amount)} for *{subject}*, {period}: "
        f"{blocks.escape(blocks.clean(str(body['reason'])))}"
    )
    facts = [f"*Spent*\n{usd(spent)} of {usd(amount)}, {show_percent(spent, amount)}" if amount else ""]
    if body.get("forecast"):
        foreseen = int(body["forecast"])
        facts.append(f"*On course for*\n{usd(foreseen)}, {show_percent(foreseen, wish)} of what is asked for")
    told = [blocks.section(f":money_with_wings: {line}")]
    if shown := [fact for fact in facts if fact]:
        told.append(blocks.fields(*shown))
    told.append(blocks.section(to_change(body)))
    context = [f"Budgets are changed in git, never in Slack · `{body['fingerprint']}`"]
    if body.get("permalink"):
        context.insert(0, f"<{url(str(body['permalink']))}|The alert>")
    told.append(blocks.context(" · ".join(context)))
    return blocks.message(f"{plain(line)}.", told)


def to_change(body: Mapping[str, Any]) -> str:
    """Return which line of which file is to be changed, and how it should read, in mrkdwn."""
    where = f"{blocks.name(str(body['file']), 120)} line {body['line']}"
    if body.get("link"):
        where = f"<{url(str(body['link']))}|{where}>"
    if body.get("why_not"):
        return f"To change it: {where}. {blocks.escape(str(body['why_not']))}"
    before, after = (_code(str(body[key])) for key in ("before", "after"))
    if not before:
        return f"To change it, {where} should say:\n```{after}```"
    return f"To change it, {where}:\n```- {before}\n+ {after}```"


def thread_line(body: Mapping[str, Any]) -> str:
    """Return the line of the alert's thread."""
    owner = str(body.get("owner") or "")
    asked = f" {mention(owner)}" if owner else ""
    reason = blocks.escape(blocks.clean(str(body["reason"])))
    subject = blocks.name(str(body["subject"]), 120)
    return (
        f"*{subject}*: {named(str(body['who']))} asked{asked} for {usd(int(body['wish']))} "
        f"instead of {usd(int(body['amount']))}: {reason}"
    )


def _code(text: str) -> str:
    lines = text.replace("`", "ˋ").split("\n")
    kept = [f"{line[: len(line) - len(line.lstrip(' '))]}{blocks.clean(line)}" for line in lines]
    return blocks.escape(blocks.clip("\n".join(kept), 300))
