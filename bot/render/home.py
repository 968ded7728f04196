"""The Home tab: the month at a glance, what is open, where every budget stands, and what comes to one person alone.

Only what Slack shows on a Home tab: no tables and no charts; bars are letters.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.ahead import Ahead
from bot.core.home import Home, Open, Trouble
from bot.core.money import show_percent
from bot.core.rules.book import rank
from bot.core.status import Standing
from bot.core.subscription import Subscription
from bot.render import alert_buttons, blocks, headlines
from bot.render.alert_words import EMOJI, Told, acknowledged, emoji, silenced
from bot.render.answering import VERSION, command, dated, run_button, said, warnings
from bot.render.answers.subscribe import when
from bot.render.figures import alone, short, whole
from bot.render.headlines import SLACK, minus
from bot.render.kinds import headline

Block = dict[str, Any]

BLOCKS = 100
"""Slack's limit for a Home tab."""
CHARACTERS = 12_000
"""Of a message; nobody says how much a view may have, so no more."""
ROWS = 30
"""Budgets that are shown one by one."""
ALERTS = 10
ROOMS = 5
NOTES = 3
NAME = 60
REFRESH, UNSUBSCRIBE = "home.refresh", "home.unsubscribe"
_MARKS = {"ok": ":large_green_circle:", "pending": ":white_circle:"}
_MODAL = frozenset(("section", "context", "header", "divider", "actions"))
TITLE = "Budget Bot"


def view(home: Home) -> Block:
    """Return the view: 100 blocks at most, whatever there is to show."""
    if home.hidden:
        return _home([blocks.section(f":wave: Hello! {said(home.hidden)}"), _buttons(reading=False)])
    for rows in range(ROWS, -1, -5):
        body = _body(home, rows)
        if len(body) <= BLOCKS and sum(map(blocks.characters, body)) <= CHARACTERS:
            break
    return _home(body[:BLOCKS])


def modal(message: Mapping[str, Any]) -> Block | None:
    """Return an answer to a click as a modal; None where it holds what a modal cannot show."""
    body = [dict(block) for block in message.get("blocks") or ()]
    if message.get("attachments") or any(block["type"] not in _MODAL for block in body):
        return None
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": TITLE, "emoji": True},
        "close": {"type": "plain_text", "text": "Close", "emoji": True},
        "blocks": body or [blocks.section(str(message.get("text") or blocks.NOTHING))],
    }


def _home(body: Sequence[Block]) -> Block:
    return {"type": "home", "blocks": list(body)}


def _body(home: Home, rows: int) -> list[Block]:
    return [
        *warnings(home.notes[:NOTES]),
        *_month(home),
        _buttons(reading=True),
        *_alerts(home),
        *_budgets(home, rows),
        *_rooms(home.rooms),
        *_subscriptions(home),
    ]


# -- the month -------------------------------------------------------------------------------------


def _month(home: Home) -> list[Block]:
    month, body = home.month, list[Block]()
    if month is None or home.as_of is None:
        body.append(blocks.section("*No costs are stored yet.* The first poll fetches them."))
    else:
        body.append(blocks.header(f"OpenAI spend in {month.period}"))
        body.append(blocks.section(_spent(month)))
    body.append(blocks.section(headlines.of_status(home.status, None, SLACK)))
    body.append(blocks.context(f"{dated(home.as_of)} · UTC days"))
    return body


def _spent(month: Ahead) -> str:
    """Return `*$41,907* so far of $60,000`, its bar, and what it is on course for."""
    estimated = f", {alone(month.estimated, month.unit, whole)} of it estimated" if month.estimated else ""
    so_far = f"*{short(month.value, month.unit)}* so far"
    lines = [f"{so_far}{estimated}"]
    if month.amount:
        lines[0] = f"{so_far} of {whole(month.amount, month.unit)}{estimated}"
        lines.append(_bar(month.value, month.amount))
    if not month.known:
        lines.append(f"No forecast: {said(month.why)}")
        return "\n".join(lines)
    likely = f"{whole(month.low, month.unit)} to {whole(month.high, month.unit)} four times in five"
    of = f", {show_percent(month.total, month.amount)} of its budget" if month.amount else ""
    mark = ":warning: " if month.over else ""
    lines.append(f"{mark}On course for *{whole(month.total, month.unit)}* ({likely}){of}")
    return "\n".join(lines)


def _bar(value: int, of: int) -> str:
    return f"`{blocks.bar(value, of)}` {minus(show_percent(value, of))}"


def _buttons(*, reading: bool) -> Block:
    refresh = blocks.button("Refresh view", REFRESH, f"{VERSION}|home")
    if not reading:
        return blocks.actions([refresh])
    return blocks.actions(
        [
            refresh,
            run_button("report mtd by project", "Spend by project", "report"),
            run_button("help", "Help", "help"),
        ]
    )


# -- alerts ----------------------------------------------------------------------------------------


def _alerts(home: Home) -> list[Block]:
    if not home.alerts:
        return []
    count = len(home.alerts)
    body: list[Block] = [blocks.divider(), blocks.section(f"*Open alerts* ({count:,})")]
    for each in home.alerts[:ALERTS]:
        told = _told(each)
        lines = [f"{emoji(each.incident)} {headline(told)}", *told.notes]
        body.append(blocks.section("\n".join(lines)))
        if home.may_act:
            body += alert_buttons.row(told, 0)
    if count > ALERTS:
        body.append(blocks.context(f"… {count - ALERTS:,} more: {command('/budget alerts')}"))
    return body


def _told(each: Open) -> Told:
    given, silence = each.acknowledgement, each.silence
    notes = [acknowledged(given)] if given else []
    notes += [silenced(silence)] if silence else []
    return Told(each.incident, each.telling, tuple(notes), given is not None, silence is not None)


# -- budgets ---------------------------------------------------------------------------------------


def _budgets(home: Home, rows: int) -> list[Block]:
    mine = home.mine[:rows]
    others = home.others[: max(0, rows - len(mine))]
    hidden = home.more + len(home.mine) + len(home.others) - len(mine) - len(others)
    body: list[Block] = []
    if home.mine:
        body += [blocks.divider(), blocks.section("*Yours*"), *map(_budget, mine)]
    if others or (home.others and not home.mine):
        body += [blocks.divider(), blocks.section("*All others*" if home.mine else "*Budgets, worst first*")]
        body += map(_budget, others)
    if hidden:
        body.append(blocks.context(f"… {hidden:,} more: {command('/budget status')}"))
    return body


def _budget(each: Standing) -> Block:
    subject = blocks.name(each.subject, NAME)
    period = said(headlines.period(each))
    state = said(headlines.state(each))
    first = f"{_mark(each)} *{subject}* · {' · '.join(words for words in (period, state) if words)}"
    figures = said(headlines.figures(each, whole))
    if each.amount is not None and headlines.used(each):
        figures = f"{_bar(each.value, each.amount)} · {figures}"
    rule = f" · {blocks.name(each.rule_name, NAME)}" if each.group_names else ""
    if not each.amount:
        return blocks.section(f"{first}\n{figures}{rule}")
    explain = run_button(f"explain {each.fingerprint}", "Explain", "explain")
    return blocks.section(f"{first}\n{figures}{rule}", accessory=explain)


def _mark(each: Standing) -> str:
    if each.state == "firing" and rank(each.severity or "") >= 0:
        return EMOJI.get(each.severity or "", ":white_circle:")
    return _MARKS.get(each.state, ":grey_question:")


# -- the bot's own ---------------------------------------------------------------------------------


def _rooms(rooms: Sequence[Trouble]) -> list[Block]:
    if not rooms:
        return []
    lines = [f"• {blocks.name(_room(each.room))}: {said(each.why)}" for each in rooms[:ROOMS]]
    if len(rooms) > ROOMS:
        lines.append(f"… {len(rooms) - ROOMS:,} more")
    told = "*Rooms that do not hear me*: invite me with /invite, or change the route in the rule file"
    return [blocks.divider(), blocks.section(":mute: " + "\n".join([told, *lines]))]


def _room(address: str) -> str:
    """Return a room as people write it; an id stays what it is."""
    return address if address.isupper() or address.startswith("#") else f"#{address}"


def _subscriptions(home: Home) -> list[Block]:
    if not home.may_act:
        return []
    body: list[Block] = [blocks.divider(), blocks.section("*Your subscriptions*")]
    if not home.subscriptions:
        body.append(
            blocks.context(f"None. {command('/budget subscribe weekly monday 09:00 by project')} makes one.")
        )
    return body + [_subscription(home, each) for each in home.subscriptions]


def _subscription(home: Home, each: Subscription) -> Block:
    told = command(f"report {each.report}")
    button = blocks.button("Unsubscribe", UNSUBSCRIBE, f"{VERSION}|{each.mark}")
    return blocks.section(f"{told}, {each.wanted}\nnext {when(each, home.now)}", accessory=button)
