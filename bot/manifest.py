"""The Slack app manifest to paste into "Create app, from a manifest": what this version uses and nothing more."""

from typing import Any
from urllib.parse import urlsplit

from bot.core.errors import Misused

REQUIRED = ("commands", "chat:write", "channels:read", "groups:read", "im:write", "users:read")
"""Without one of these a feature is missing: `doctor` compares them with what the token was granted."""

OPTIONAL = ("channels:history", "groups:history", "im:history", "usergroups:read")
"""Only to find out after a crash or a lost answer whether a message was posted, and who is in a group of operators."""

PATH = "/slack/events"

_LONG = (
    "Budget Bot reads your OpenAI organization's costs and usage, compares them with the budgets you set, and posts "
    "one clear message when a budget is crossed. Ask it with /budget. It needs no access to conversations: it "
    "writes its own messages and answers its own command and buttons. The optional history scopes serve one purpose: "
    "after a lost connection it looks for its own message before it would post it again."
)


def manifest(http_url: str | None = None) -> dict[str, Any]:
    """Return the manifest for Socket Mode, or for request-URL mode at `http_url` (https, as Slack demands)."""
    request_url = _request_url(http_url) if http_url is not None else None
    command: dict[str, Any] = {
        "command": "/budget",
        "description": "Spend, budgets and alerts",
        "usage_hint": "[status|report|top|rules|ack|silence|help] [range] [by ...]",
        "should_escape": True,  # people and channels arrive with their ids
    }
    interactivity: dict[str, Any] = {"is_enabled": True}
    if request_url is not None:
        command["url"] = request_url
        interactivity["request_url"] = request_url
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "Budget Bot",
            "description": "Watches OpenAI spend and tells you before the bill does",
            "background_color": "#0f172a",
            "long_description": _LONG,
        },
        "features": {
            # Without the messages tab a direct message fails with messages_tab_disabled.
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "Budget Bot", "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": list(REQUIRED), "bot_optional": list(OPTIONAL)}},
        "settings": {
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }


def _request_url(http_url: str) -> str:
    parts = urlsplit(http_url.strip())
    if parts.scheme != "https" or not parts.hostname:
        raise Misused(
            f"Slack sends requests to https addresses only, not to {http_url!r}.",
            "Give the address at which it will find `budgetbot serve`, like https://budgetbot.example.com.",
        )
    return f"https://{parts.netloc}{parts.path.rstrip('/').removesuffix(PATH)}{PATH}"
