"""The Slack app manifest to paste into "Create app, from a manifest": what this version uses and nothing more."""

from typing import Any
from urllib.parse import urlsplit

from bot.clicks import EVENTS
from bot.core.errors import Misused
from bot.core.verbs import VERBS

REQUIRED = {
    "commands": "hears /budget",
    "chat:write": "writes its own messages and edits them",
    "channels:read": "finds public channels by their names, and hears that one was archived or renamed",
    "groups:read": "the same of private channels it was invited to",
    "im:write": "writes to one person alone",
    "users:read": "knows members of the workspace from guests, bots and strangers, and whose clock is when",
}
"""Scope → what it is for. Without one of these something that people rely on is missing."""

OPTIONAL = {
    "usergroups:read": "user groups that are named as operators, admins or owners count for nobody",
    "files:write": "a chart that Slack does not draw itself is letters instead of a picture, and export sends no file",
    "files:read": "a chart that Slack does not draw itself is letters instead of a picture, and export sends no file",
    "channels:history": "after a crash or a lost answer a message may be repeated, and says so",
    "groups:history": "after a crash or a lost answer a message may be repeated, and says so",
    "im:history": "after a crash or a lost answer a message may be repeated, and says so",
    "channels:join": "somebody has to /invite the app into each channel",
    "app_mentions:read": "nobody is answered who mentions the app in a thread",
}
"""Scope → what is off without it. Whoever installs the app may refuse each."""

PATH = "/slack/events"

_LONG = (
    "Budget Bot reads your OpenAI organization's costs and usage, compares them with the budgets you set, and posts "
    "one clear message when a budget is crossed, forecast to be crossed, or a day is out of the ordinary. The message "
    "is edited as the figures move. Its buttons say who looks after it, silence it for a while, or show what made "
    "spend rise. Ask with /budget, or open the Home tab for the month at a glance.\n\n"
    "It needs no access to conversations: it writes its own messages and answers its own command and buttons. What "
    "is optional serves one purpose each. History scopes: after a lost connection it looks for its own message before "
    "it would post it again. Mentions: it answers in the thread where somebody calls it. Files: it sends exports, and "
    "charts as pictures. User groups: operators and owners may be named by group. Joining: it enters the public "
    "channels that your rules name."
)


def manifest(http_url: str | None = None) -> dict[str, Any]:
    """Return the manifest for Socket Mode, or for request-URL mode at `http_url` (https, as Slack demands)."""
    request_url = _request_url(http_url) if http_url is not None else None
    command: dict[str, Any] = {
        "command": "/budget",
        "description": "Spend, forecasts, budgets and alerts",
        "usage_hint": _hint(),
        "should_escape": True,  # people and channels arrive with their ids
    }
    interactivity: dict[str, Any] = {"is_enabled": True}
    events: dict[str, Any] = {"bot_events": list(EVENTS)}
    if request_url is not None:
        command["url"] = request_url
        interactivity["request_url"] = request_url
        events["request_url"] = request_url
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
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "Budget Bot", "always_online": True},
            "slash_commands": [command],
        },
        # `bot_optional` marks scopes of `bot`: Slack takes no event whose scope the app does not ask for.
        "oauth_config": {"scopes": {"bot": [*REQUIRED, *OPTIONAL], "bot_optional": list(OPTIONAL)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }


def _hint() -> str:
    """Return what Slack shows while somebody types: the verbs that help teaches first."""
    taught = "|".join([*(verb.name for verb in VERBS.values() if verb.taught), "help"])
    return f"[{taught}|…] [range] [by …] [project=…]"


def _request_url(http_url: str) -> str:
    parts = urlsplit(http_url.strip())
    if parts.scheme != "https" or not parts.hostname:
        raise Misused(
            f"Slack sends requests to https addresses only, not to {http_url!r}.",
            "Give the address at which it will find `budgetbot serve`, like https://budgetbot.example.com.",
        )
    return f"https://{parts.netloc}{parts.path.rstrip('/').removesuffix(PATH)}{PATH}"
