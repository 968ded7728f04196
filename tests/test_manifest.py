"""The manifest Slack would take: by its own schema, and by our lists of what that does not know: scopes and events."""

import importlib
import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from bot.clicks import EVENTS
from bot.core.errors import Misused
from bot.core.verbs import VERBS
from bot.manifest import OPTIONAL, REQUIRED, manifest

SCHEMA = json.loads(Path(__file__).with_name("slack_manifest.schema.json").read_text(encoding="utf-8"))

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
NEEDED_BY = {
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "app_uninstalled": (),
    "channel_archive": ("channels:read",),
    "channel_rename": ("channels:read",),
    "group_archive": ("groups:read",),
    "group_rename": ("groups:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "tokens_revoked": (),
}
"""Event → the scopes without which Slack does not take it."""
LIMITS = {"name": 35, "description": 140, "long_description": 4000}


@pytest.mark.parametrize("address", [None, "https://budgetbot.example.com"], ids=["socket", "requests"])
def test_slacks_own_schema_takes_it(address):
    Draft7Validator.check_schema(SCHEMA)

    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(manifest(address))] == []


def test_slacks_own_schema_would_notice():
    made = manifest()
    made["settings"]["sockets"] = True

    assert list(Draft7Validator(SCHEMA).iter_errors(made))


def test_socket_mode_needs_no_address():
    made = manifest()

    assert made["settings"]["socket_mode_enabled"] is True
    assert "http" not in json.dumps(made)


def test_request_url_mode_gives_slack_one_address_for_everything():
    made = manifest("https://budgetbot.example.com/")

    address = "https://budgetbot.example.com/slack/events"
    assert made["settings"]["socket_mode_enabled"] is False
    assert made["settings"]["interactivity"] == {"is_enabled": True, "request_url": address}
    assert made["settings"]["event_subscriptions"]["request_url"] == address
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

    assert scopes == {"bot": [*REQUIRED, *OPTIONAL], "bot_optional": list(OPTIONAL)}
    assert set(REQUIRED) | set(OPTIONAL) <= KNOWN_SCOPES
    assert not set(REQUIRED) & set(OPTIONAL)
    assert not [scope for scope in REQUIRED if scope.endswith((":history", ":manage", ":join"))]


def test_each_scope_says_what_it_is_for():
    assert all({**REQUIRED, **OPTIONAL}.values())


def test_people_find_the_home_tab_and_direct_messages_can_be_received():
    home = manifest()["features"]["app_home"]

    assert home == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": True,
    }


def test_every_event_is_known_allowed_and_heard_by_somebody():
    heard = manifest()["settings"]["event_subscriptions"]["bot_events"]

    assert sorted(heard) == sorted(NEEDED_BY)
    for event in heard:
        assert set(NEEDED_BY[event]) <= {*REQUIRED, *OPTIONAL}
        assert callable(importlib.import_module(f"bot.clicks.{EVENTS[event]}").heard)


def test_the_hint_teaches_the_first_verbs_and_no_others():
    hint = manifest()["features"]["slash_commands"][0]["usage_hint"]
    named = hint[1 : hint.index("|…]")].split("|")

    assert named == [*(verb.name for verb in VERBS.values() if verb.taught), "help"]
    assert len(hint) <= 1000
