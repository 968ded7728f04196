"""What somebody did with the mouse: a button, a menu, a modal that was sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Click:
    """One click as Slack told it: who it is by is true, what it carries is a reference only."""

    action: str
    """The action_id of a button, the callback_id of a modal."""
    value: str
    """Of a button, or of the chosen option."""
    user: str
    team: str
    channel: str
    """'' where there is none: in a modal, on the Home tab."""
    ts: str
    """The message that was clicked in; '' where it is ephemeral or none."""
    thread: str
    trigger: str
    """Opens a modal within three seconds, once."""
    respond: Callable[[Payload], None]
    """Answers at the response_url; a modal has none, then its flow speaks to the person itself."""
    view: Payload = field(default_factory=dict)
    """The view it was done in: a modal with its state, or the Home tab."""

    @classmethod
    def of(cls, action: str, payload: Payload, respond: Callable[[Payload], None]) -> "Click":
        """Return what a `block_actions` or `view_submission` payload tells."""
        user, container = payload.get("user") or {}, payload.get("container") or {}
        message = payload.get("message") or {}
        return cls(
            action,
            _value(payload),
            str(user.get("id") or ""),
            str(user.get("team_id") or ""),
            str((payload.get("channel") or {}).get("id") or container.get("channel_id") or ""),
            ""
            if container.get("is_ephemeral")
            else str(container.get("message_ts") or message.get("ts") or ""),
            str(message.get("thread_ts") or container.get("thread_ts") or ""),
            str(payload.get("trigger_id") or ""),
            respond,
            payload.get("view") or {},
        )


def _value(payload: Payload) -> str:
    actions = payload.get("actions") or [{}]
    first = actions[0]
    chosen = first.get("selected_option") or {}
    return str(first.get("value") or chosen.get("value") or "")
