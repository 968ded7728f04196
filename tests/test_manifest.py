"""The manifest Slack would take: shape, lengths and scopes (Slack's own schema lists neither scopes nor events)."""

import json

import pytest

from bot.core.errors import Misused
from bot.manifest import OPTIONAL, REQUIRED, manifest

KNOWN_SCOPES = {
    *("app_mentions:read", "commands", "chat:write", "channels:history", "channels:join", "channels:read"),
    *(
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:write",
        "usergroups:read",
    ),
    "users:read",
}
LIMITS = {"name": 35, "description": 140, "long_description": 4000}


def test_socket_mode_needs_no_address():
    made = manifest()

    assert made["settings"]["socket_mode_enabled"] is True
    assert "http" not in json.dumps(made)


def test_request_url_mode_gives_slack_one_address_for_everything():
    made = manifest("https://budgetbot.example.com/")

    address = "https://budgetbot.example.com/slack/events"
    assert made["settings"]["socket_mode_enabled"] is False
    assert made["settings"]["interactivity"] == {"is_enabled": True, "request_url": address}
    assert made["features"]["slash_commands"][0]["url"] == address


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("https://b.example.com", id="bare"),
        pytest.param("https://b.example.com/slack/events", id="already-whole"),
        pytest.param(" https://b.example.com/slack/events/ ", id="pasted"),
    ],
)
def test_the_address_is_completed_once(given):
    assert manifest(given)["features"]["slash_commands"][0]["url"] == "https://b.example.com/slack/events"


@pytest.mark.parametrize("given", ["http://b.example.com", "b.example.com", "", "https://"])
def test_an_address_slack_would_refuse_is_refused_first(given):
    with pytest.raises(Misused, match="https"):
        manifest(given)


def test_lengths_are_within_slacks_limits():
    shown = manifest()["display_information"]

    assert all(0 < len(shown[key]) <= limit for key, limit in LIMITS.items())
    assert len(shown["long_description"]) >= 175


def test_scopes_are_known_least_and_not_asked_twice():
    scopes = manifest()["oauth_config"]["scopes"]

    assert scopes == {"bot": list(REQUIRED), "bot_optional": list(OPTIONAL)}
    assert set(REQUIRED) | set(OPTIONAL) <= KNOWN_SCOPES
    assert not set(REQUIRED) & set(OPTIONAL)
    assert not [scope for scope in REQUIRED if scope.endswith((":history", ":manage", ":join"))]


def test_direct_messages_can_be_received():
    assert manifest()["features"]["app_home"]["messages_tab_enabled"] is True


def test_nothing_is_subscribed_to_that_nobody_handles():
    assert "event_subscriptions" not in manifest()["settings"]
