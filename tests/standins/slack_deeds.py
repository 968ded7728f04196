"""What people do in the stand-in: type, click, fill in, look and call, as Slack tells a bot of it."""

import time
from dataclasses import dataclass, field

from tests.standins import slack_elements as elements
from tests.standins.slack_rules import Refused
from tests.standins.slack_views import View, filled

ACK_SECONDS = 3.0


@dataclass
class Asked:
    """One thing a person did: when it was acked, and what was answered to its response_url."""

    kind: str
    payload: dict
    slack: "Deeds"
    ack_seconds: float | None = None
    acks: int = 0
    ack_payload: dict | None = None
    answers: list = field(default_factory=list)
    refusals: list = field(default_factory=list)
    at: float = 0

    @property
    def acked(self) -> bool:
        return self.ack_seconds is not None

    def wait(self, count: int = 1, seconds: float = 10) -> list:
        """Return the first `count` answers; raises when they do not come."""
        if not self.slack.until(lambda: len(self.answers) >= count, seconds):
            raise AssertionError(f"{len(self.answers)} of {count} answers to {self.payload}: {self.answers}")
        return list(self.answers[:count])


class Deeds:
    """Payloads of what people do; whoever has the sockets sends them."""

    def slash(
        self, text: str, *, command="/budget", user="U1ALICE", channel="C1OPS", ack_within=ACK_SECONDS
    ) -> Asked:
        payload = {
            "token": "legacy-canary",
            "command": command,
            "text": text,
            "channel_id": channel,
            "channel_name": self.slack.channels[channel].name
            if channel in self.slack.channels
            else "directmessage",
            "trigger_id": self._trigger(user),
            "api_app_id": "A1",
            "is_enterprise_install": "false",
            **self._who(user),
        }
        payload |= {"user_name": payload.pop("username"), "team_domain": "example"}
        return self._do("slash_commands", payload, ack_within)

    def click(
        self,
        action_id,
        value,
        *,
        user="U1ALICE",
        channel="C1OPS",
        message_ts="",
        element="button",
        ack_within=ACK_SECONDS,
    ) -> Asked:
        """Click on anything, also on what nobody could click: whoever forges a payload can."""
        held = {"type": element, "action_id": action_id, "block_id": "b"}
        if element == "button":
            held |= {"value": value, "text": {"type": "plain_text", "text": "…", "emoji": True}}
        else:
            label = {"type": "plain_text", "text": "…", "emoji": True}
            held["selected_option"] = {"text": label, "value": value}
        return self._clicked(held, user, ack_within, channel=channel, message_ts=message_ts)

    def press(
        self,
        where,
        action_id: str,
        *,
        option: str = "",
        text: str = "",
        user="U1ALICE",
        channel="",
        ack_within=ACK_SECONDS,
    ) -> Asked:
        """Press what stands in a message, an answer, a whisper or a view: the element with this `action_id`.

        `option` is the value that is chosen, or its beginning; `text` tells buttons with one action_id apart.
        """
        held = where if isinstance(where, dict) else vars(where)
        blocks = where.blocks if isinstance(where, View) else _all_blocks(held)
        found, known = [], []
        for place, block in enumerate(blocks):
            for each in (block.get("accessory"), *(block.get("elements") or ())):
                if isinstance(each, dict) and "action_id" in each:
                    known.append(each["action_id"])
                    if each["action_id"] == action_id and text in each.get("text", {}).get("text", ""):
                        found.append((block.get("block_id", f"b{place}"), each))
        assert found, f"there is no {action_id} {text}; there is {known}"
        block_id, each = found[0]
        pressed = {key: each[key] for key in ("type", "action_id", "value", "text") if key in each}
        pressed["block_id"] = block_id
        if each["type"] in elements.OPTIONS:
            chosen = [held for held in each["options"] if held["value"].startswith(option)]
            assert chosen, f"{option!r} is none of {[held['value'] for held in each['options']]}"
            many = elements.CHOSEN.get(each["type"], "").endswith("s")
            pressed |= {"selected_options": chosen} if many else {"selected_option": chosen[0]}
        if isinstance(where, View):
            return self._clicked(pressed, user, ack_within, view=where)
        at = channel or held.get("channel") or "C1OPS"
        # A whisper, and an answer to a command, have no address of their own.
        ts = where.ts if hasattr(where, "ts") else ""
        return self._clicked(pressed, user, ack_within, channel=at, message_ts=ts)

    def submit(self, view, values: dict | None = None, *, user="U1ALICE", ack_within=ACK_SECONDS) -> Asked:
        """Fill in a modal and send it: `view` is one, or its id or callback_id (or the beginning of that)."""
        known = self.slack.web.open_views(user)[::-1]
        shown = view if isinstance(view, View) else None
        shown = shown or next((v for v in known if v.id == view or v.callback_id.startswith(view)), None)
        assert shown is not None, f"{user} sees no {view!r} but {[v.callback_id for v in known]}"
        who = self._who(user)
        payload = {
            "type": "view_submission",
            "token": "legacy-canary",
            "user": {"id": user, "username": who["username"], "team_id": who["team_id"]},
            "team": {"id": "T1TEAM", "domain": "example"},
            "api_app_id": "A1",
            "trigger_id": self._trigger(user),
            "view": shown.shown(filled(shown.blocks, values or {})),
            "response_urls": [],
            "is_enterprise_install": False,
        }
        asked = self._do("interactive", payload, ack_within, respond=False)
        if asked.acked:
            self._submitted(asked, shown)
        return asked

    def open_home(self, user="U1ALICE", *, ack_within=ACK_SECONDS) -> Asked:
        """Look at the Home tab; what it shows then is `slack.home(user)`."""
        event = {
            "type": "app_home_opened",
            "user": user,
            "channel": self.slack.web._direct(user).id,
            "tab": "home",
        }
        shown = self.slack.home(user)
        event |= {"view": shown.shown()} if shown else {}
        return self.event(event | {"event_ts": f"{time.time():.6f}"}, ack_within=ack_within)

    def mention(
        self, text: str, *, channel="C1OPS", thread_ts=None, user="U1ALICE", ack_within=ACK_SECONDS
    ) -> Asked:
        """Say `@Budget Bot text` in a channel or a thread. Nobody hears it without the scope app_mentions:read."""
        said = self.slack.web.add(channel, f"<@U1BOT> {text}", thread_ts=thread_ts, author=user)
        event = {
            "type": "app_mention",
            "user": user,
            "text": said.text,
            "ts": said.ts,
            "channel": channel,
            "team": self._who(user)["team_id"],
            "event_ts": said.ts,
        }
        event |= {"thread_ts": thread_ts} if thread_ts else {}
        scopes = self.slack.scopes
        if scopes is not None and "app_mentions:read" not in scopes.split(","):
            return Asked("events_api", event, self)
        return self.event(event, ack_within=ack_within)

    def too_late(self, asked: Asked) -> None:
        """Let the three seconds of a trigger pass."""
        self.slack.web.triggers[asked.payload["trigger_id"]][1] -= 4

    def event(self, event: dict, *, ack_within=ACK_SECONDS) -> Asked:
        payload = {
            "type": "event_callback",
            "token": "legacy-canary",
            "team_id": "T1TEAM",
            "api_app_id": "A1",
            "event": event,
            "event_id": f"Ev{next(self._ids)}",
            "event_time": int(time.time()),
        }
        return self._do("events_api", payload, ack_within, respond=False)

    def again(self, asked: Asked) -> Asked:
        """Deliver the same thing once more, as Slack does when it thinks that it was not heard."""
        return self._send(asked, ACK_SECONDS, {"retry_attempt": 1, "retry_reason": "timeout"})

    # How Slack tells it

    def _who(self, user: str) -> dict:
        held = self.slack.web.users.get(user, {"name": user.lower(), "team_id": "T1TEAM"})
        return {"user_id": user, "username": held["name"], "team_id": held["team_id"]}

    def _trigger(self, user: str) -> str:
        return self.slack.web.pull(f"{next(self._ids)}.trigger", user)

    def _clicked(self, pressed, user, ack_within, *, channel="", message_ts="", view=None) -> Asked:
        who = self._who(user)
        payload = {
            "type": "block_actions",
            "token": "legacy-canary",
            "user": {"id": user, "username": who["username"], "team_id": who["team_id"]},
            "team": {"id": "T1TEAM", "domain": "example"},
            "api_app_id": "A1",
            "trigger_id": self._trigger(user),
            "actions": [{**pressed, "action_ts": f"{time.time():.6f}"}],
        }
        if view is not None:
            payload |= {"container": {"type": "view", "view_id": view.id}, "view": view.shown()}
            return self._do("interactive", payload, ack_within, respond=False)
        payload["container"] = {
            "type": "message",
            "message_ts": message_ts,
            "channel_id": channel,
            "is_ephemeral": not message_ts,
        }
        name = self.slack.channels[channel].name if channel in self.slack.channels else "directmessage"
        payload["channel"] = {"id": channel, "name": name}
        message = next((m for m in self.slack.web.messages if m.ts == message_ts), None)
        if message is not None:
            payload["message"] = message.shown(with_metadata=True)
            if message.thread_ts:
                payload["container"]["thread_ts"] = message.thread_ts
        return self._do("interactive", payload, ack_within)

    def _submitted(self, asked: Asked, shown: View) -> None:
        """Do what the acknowledgement says: close the modal, or show what it holds."""
        told = asked.ack_payload or {}
        act = told.get("response_action")
        try:
            if act == "update":
                self.slack.web.replace(shown, told["view"])
            elif act == "push":
                self.slack.web.show(shown.user, told["view"], over=shown)
            elif act == "clear":
                for view in self.slack.web.open_views(shown.user):
                    view.open = False
            elif act == "errors":
                known = {block.get("block_id") for block in shown.blocks if block["type"] == "input"}
                if not told.get("errors") or told["errors"].keys() - known:
                    raise Refused("invalid_response", [f"no such inputs: {told.get('errors')}"])  # noqa: TRY301
            else:
                shown.open = False
        except Refused as refusal:
            asked.refusals.append((refusal.code, refusal.errors))


def _all_blocks(held: dict) -> list:
    beside = [block for attachment in held.get("attachments") or () for block in attachment.get("blocks", ())]
    return [*(held.get("blocks") or ()), *beside]
