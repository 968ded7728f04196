"""Modals and Home tabs: opened by a trigger, looked at, filled in; what Slack takes as a view."""

import itertools
import json
import time
from dataclasses import dataclass

from tests.standins import slack_elements as elements
from tests.standins.slack_rules import Refused, repeated, wrong

TRIGGER_SECONDS = 3.0
STACK = 3
KEYS = {
    "modal": {
        "type",
        "title",
        "blocks",
        "submit",
        "close",
        "callback_id",
        "private_metadata",
        "external_id",
        "clear_on_close",
        "notify_on_close",
    },
    "home": {"type", "blocks", "callback_id", "private_metadata", "external_id"},
}


@dataclass
class View:
    """One view as somebody sees it."""

    id: str
    user: str
    held: dict
    hash: str
    root: str
    previous: str = ""
    open: bool = True

    @property
    def blocks(self):
        return self.held["blocks"]

    @property
    def callback_id(self):
        return self.held.get("callback_id", "")

    def shown(self, state: dict | None = None) -> dict:
        """Return the view as payloads hold it."""
        kept = {"private_metadata": "", "callback_id": "", **self.held}
        return kept | {
            "id": self.id,
            "team_id": "T1TEAM",
            "app_id": "A1",
            "bot_id": "B1BOT",
            "hash": self.hash,
            "root_view_id": self.root,
            "previous_view_id": self.previous or None,
            "state": {"values": state or {}},
        }


def check_view(view: dict, files=()) -> None:
    """Raise Refused unless Slack would show this view."""
    kind = view.get("type")
    if kind not in KEYS:
        raise Refused("invalid_arguments", ["unsupported view type [json-pointer:/view/type]"])
    if len(json.dumps(view).encode()) > 250_000:
        raise Refused("view_too_large")
    errors = []
    if extra := view.keys() - KEYS[kind]:
        errors.append(f"no additional properties allowed [json-pointer:/view/{min(extra)}]")
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or not 0 < len(blocks) <= 100:
        raise Refused("invalid_arguments", [*errors, "must have 1 to 100 items [json-pointer:/view/blocks]"])
    errors += wrong(blocks, "/view/blocks", kind, files) + repeated(blocks)
    for key, limit in (("callback_id", 255), ("private_metadata", 3000), ("external_id", 255)):
        if len(view.get(key, "")) > limit:
            errors.append(f"must be less than {limit + 1} characters [json-pointer:/view/{key}]")
    if kind == "modal":
        wanted = ["title", *(key for key in ("submit", "close") if key in view)]
        for key in wanted:
            errors += [
                f"{said} [json-pointer:/view{where}]"
                for where, said in elements.text_object(view.get(key), f"/{key}", 24, plain=True)
            ]
        if "submit" not in view and any(block.get("type") == "input" for block in blocks):
            errors.append("missing submit [json-pointer:/view]")
    if errors:
        raise Refused("invalid_arguments", errors)


def filled(blocks: list, values: dict) -> dict:
    """Return the state that a person leaves in a view: `values` by block_id, action_id, or {block_id: {action_id: …}}.

    Raises AssertionError for what nobody could fill in: no such field or option, or a field that must not be empty.
    """
    left = dict(values)
    state: dict = {}
    for place, block in enumerate(blocks):
        found = [block.get("element"), block.get("accessory"), *(block.get("elements") or ())]
        for held in found:
            if not isinstance(held, dict) or held.get("type") not in elements.CHOSEN:
                continue
            block_id, action_id = block.get("block_id", f"b{place}"), held.get("action_id", "a")
            given = held.get(elements.INITIAL[held["type"]])
            for key in (block_id, action_id):
                if key in left:
                    given = left.pop(key)
                    given = given[action_id] if isinstance(given, dict) and "value" not in given else given
                    given = _chosen(held, given)
                    break
            if block["type"] == "input" and not block.get("optional") and given in (None, "", []):
                raise AssertionError(f"{block_id} must be filled in")
            kept = {"type": held["type"], elements.CHOSEN[held["type"]]: given}
            state.setdefault(block_id, {})[action_id] = kept
    assert not left, f"the view has no field {sorted(left)}; it has {state}"
    return state


def _chosen(held, given):
    if held["type"] not in elements.OPTIONS:
        if held["type"] == "plain_text_input" and given:
            assert len(given) <= held.get("max_length", 3000), "nobody can type that much"
        return given
    known = {option["value"]: option for option in held["options"]}
    wanted = given if isinstance(given, list) else [given]
    assert set(wanted) <= known.keys(), f"{given!r} is none of {list(known)}"
    chosen = [known[value] for value in wanted]
    return chosen if elements.CHOSEN[held["type"]].endswith("s") else chosen[0]


class ViewMethods:
    """views.* of the Web API."""

    def __init__(self) -> None:
        self.views: dict[str, View] = {}
        self.homes: dict[str, View] = {}
        """User → what their Home tab shows."""
        self.triggers: dict[str, list] = {}
        """Trigger → who pulled it, when, and whether it opened something."""
        self._view_ids = itertools.count(1)

    def pull(self, trigger: str, user: str) -> str:
        """Mint a trigger: for three seconds and one view."""
        self.triggers[trigger] = [user, time.monotonic(), False]
        return trigger

    def open_views(self, user: str) -> list[View]:
        """Return the modals on somebody's screen, the topmost last."""
        return [view for view in self.views.values() if view.user == user and view.open]

    def show(self, user: str, view: dict, *, over: View | None = None) -> View:
        check_view(view, self.ready_files())
        if view["type"] != "modal":
            raise Refused("invalid_arguments", ["must be a modal [json-pointer:/view/type]"])
        known = f"V{next(self._view_ids)}VIEW"
        shown = View(known, user, view, self._hash(), over.root if over else known, over.id if over else "")
        self.views[known] = shown
        return shown

    def replace(self, shown: View, view: dict) -> View:
        check_view(view, self.ready_files())
        shown.held, shown.hash = view, self._hash()
        return shown

    def _hash(self) -> str:
        return f"{int(time.time())}.{next(self._view_ids):08x}"

    def _pulled(self, args: dict) -> str:
        held = self.triggers.get(args.get("trigger_id", ""))
        if held is None:
            raise Refused("invalid_trigger_id")
        user, at, used = held
        if used:
            raise Refused("exchanged_trigger_id")
        if time.monotonic() - at > TRIGGER_SECONDS:
            raise Refused("expired_trigger_id")
        return user

    def _views_open(self, args):
        return self._opened(args, pushed=False)

    def _views_push(self, args):
        return self._opened(args, pushed=True)

    def _opened(self, args, *, pushed):
        user = self._pulled(args)
        standing = self.open_views(user)
        if pushed and len(standing) >= STACK:
            raise Refused("push_limit_reached")
        shown = self.show(user, _object(args.get("view")), over=standing[-1] if pushed and standing else None)
        self.triggers[args["trigger_id"]][2] = True
        if not pushed:
            for view in standing:
                view.open = False
        return {"view": shown.shown()}

    def _views_update(self, args):
        shown = self.views.get(args.get("view_id", ""))
        if shown is None or not shown.open:
            raise Refused("not_found")
        if args.get("hash") and args["hash"] != shown.hash:
            raise Refused("hash_conflict")
        return {"view": self.replace(shown, _object(args.get("view"))).shown()}

    def _views_publish(self, args):
        user, view = args.get("user_id", ""), _object(args.get("view"))
        if user not in self.users:
            raise Refused("invalid_arguments", ["user_not_found [json-pointer:/user_id]"])
        if not isinstance(view, dict) or view.get("type") != "home":
            raise Refused("invalid_arguments", ["must be a home view [json-pointer:/view/type]"])
        known = self.homes.get(user)
        if args.get("hash") and (known is None or args["hash"] != known.hash):
            raise Refused("hash_conflict")
        check_view(view, self.ready_files())
        if known is None:
            name = f"V{next(self._view_ids)}HOME"
            known = self.homes[user] = View(name, user, view, self._hash(), name)
        else:
            self.replace(known, view)
        return {"view": known.shown()}


def _object(held):
    return json.loads(held) if isinstance(held, str) and held else held
