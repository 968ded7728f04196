"""What people press and fill in: which of it Slack accepts, and what slackblocks makes of it."""

import re

import slackblocks as kit

OPTIONS = {
    "overflow": (1, 5),
    "static_select": (1, 100),
    "multi_static_select": (1, 100),
    "radio_buttons": (1, 10),
    "checkboxes": (1, 10),
}
KEYS = {
    "button": {"text", "action_id", "value", "style", "url", "confirm", "accessibility_label"},
    "overflow": {"action_id", "options", "confirm"},
    "static_select": {"action_id", "options", "initial_option", "placeholder", "confirm"},
    "multi_static_select": {"action_id", "options", "initial_options", "placeholder", "max_selected_items"},
    "radio_buttons": {"action_id", "options", "initial_option", "confirm"},
    "checkboxes": {"action_id", "options", "initial_options", "confirm"},
    "plain_text_input": {
        "action_id",
        "initial_value",
        "multiline",
        "min_length",
        "max_length",
        "placeholder",
        "focus_on_load",
    },
    "number_input": {
        "action_id",
        "is_decimal_allowed",
        "initial_value",
        "min_value",
        "max_value",
        "placeholder",
    },
    "datepicker": {"action_id", "initial_date", "placeholder", "confirm"},
    "timepicker": {"action_id", "initial_time", "placeholder", "timezone", "confirm"},
    "users_select": {"action_id", "initial_user", "placeholder", "confirm"},
    "conversations_select": {"action_id", "initial_conversation", "placeholder", "confirm"},
    "channels_select": {"action_id", "initial_channel", "placeholder", "confirm"},
}
INPUT_ONLY = {"plain_text_input", "number_input"}
"""Elements that stand in input blocks and nowhere else."""
NOT_INPUT = {"button", "overflow"}

CHOSEN = {
    "static_select": "selected_option",
    "radio_buttons": "selected_option",
    "checkboxes": "selected_options",
    "multi_static_select": "selected_options",
    "plain_text_input": "value",
    "number_input": "value",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
}
"""Under which key a view's state holds what somebody chose."""
INITIAL = {
    "static_select": "initial_option",
    "radio_buttons": "initial_option",
    "checkboxes": "initial_options",
    "multi_static_select": "initial_options",
    "plain_text_input": "initial_value",
    "number_input": "initial_value",
    "datepicker": "initial_date",
    "timepicker": "initial_time",
    "users_select": "initial_user",
    "conversations_select": "initial_conversation",
    "channels_select": "initial_channel",
}


def text_object(held, where, limit, *, plain=False):
    """Yield what is wrong with a text object."""
    if not isinstance(held, dict) or held.get("type") not in ("mrkdwn", "plain_text"):
        yield where, "must be a text object"
    elif plain and held["type"] != "plain_text":
        yield f"{where}/type", "must be plain_text"
    elif held.keys() - {"type", "text", "verbatim" if held["type"] == "mrkdwn" else "emoji"}:
        yield where, "no additional properties allowed"
    elif not isinstance(held.get("text"), str) or not 1 <= len(held["text"]) <= limit:
        yield f"{where}/text", f"must be 1 to {limit} characters"


def check(held, where, *, inside):
    """Yield what is wrong with an element `inside` a block of a kind."""
    kind = held.get("type") if isinstance(held, dict) else None
    if (
        kind not in KEYS
        or (kind in INPUT_ONLY) > (inside == "input")
        or (kind in NOT_INPUT and inside == "input")
    ):
        yield f"{where}/type", "unsupported type"
        return
    if extra := held.keys() - KEYS[kind] - {"type"}:
        yield f"{where}/{min(extra)}", "no additional properties allowed"
    if not 1 <= len(held.get("action_id", "x")) <= 255:
        yield f"{where}/action_id", "must be 1 to 255 characters"
    if kind == "button":
        yield from _button(held, where)
    if kind in OPTIONS:
        yield from _options(held, where)
    if "placeholder" in held:
        yield from text_object(held["placeholder"], f"{where}/placeholder", 150, plain=True)
    if "confirm" in held:
        yield from _confirm(held["confirm"], f"{where}/confirm")
    if kind == "plain_text_input":
        shortest, longest = held.get("min_length", 0), held.get("max_length", 3000)
        if not 0 <= shortest <= longest <= 3000 or longest < 1:
            yield f"{where}/max_length", "must be 1 to 3000"
        if not len(held.get("initial_value", "")) <= longest:
            yield f"{where}/initial_value", "must be no longer than max_length"


def _button(held, where):
    yield from text_object(held.get("text"), f"{where}/text", 75, plain=True)
    if not 1 <= len(held.get("value", "x")) <= 2000:
        yield f"{where}/value", "must be 1 to 2000 characters"
    if held.get("style", "primary") not in ("primary", "danger"):
        yield f"{where}/style", "must be primary or danger"
    if "url" in held and not re.fullmatch(r"https?://\S{1,2990}", held["url"]):
        yield f"{where}/url", "must be a URL of up to 3000 characters"


def _options(held, where):
    fewest, most = OPTIONS[held["type"]]
    options = held.get("options") or []
    if not fewest <= len(options) <= most:
        yield f"{where}/options", f"must have {fewest} to {most} items"
    mixed = held["type"] in ("radio_buttons", "checkboxes")
    for place, option in enumerate(options):
        here = f"{where}/options/{place}"
        if option.keys() - {
            "text",
            "value",
            "description",
            *(("url",) if held["type"] == "overflow" else ()),
        }:
            yield here, "no additional properties allowed"
        yield from text_object(option.get("text"), f"{here}/text", 75, plain=not mixed)
        if "description" in option:
            yield from text_object(option["description"], f"{here}/description", 75, plain=not mixed)
        if not 1 <= len(option.get("value", "")) <= 150:
            yield f"{here}/value", "must be 1 to 150 characters"
    values = [option.get("value") for option in options]
    if len(values) != len(set(values)):
        yield f"{where}/options", "values must be unique"
    chosen = held.get("initial_options") or ([held["initial_option"]] if "initial_option" in held else [])
    if "initial_options" in held and not chosen:
        yield f"{where}/initial_options", "must have 1 item or more"
    if any(option not in options for option in chosen):
        yield f"{where}/initial_option", "must be one of the options"


def _confirm(held, where):
    for key, limit in (("title", 100), ("confirm", 30), ("deny", 30)):
        yield from text_object(held.get(key), f"{where}/{key}", limit, plain=True)
    yield from text_object(held.get("text"), f"{where}/text", 300)
    if extra := held.keys() - {"title", "text", "confirm", "deny", "style"}:
        yield f"{where}/{min(extra)}", "no additional properties allowed"


def text(held):
    """Return a text object as slackblocks builds it."""
    kind = kit.TextType.MARKDOWN if held["type"] == "mrkdwn" else kit.TextType.PLAINTEXT
    return kit.Text(held["text"], kind, emoji=held.get("emoji", False), verbatim=held.get("verbatim", False))


BUILDERS = {
    "button": kit.Button,
    "overflow": kit.OverflowMenu,
    "static_select": kit.StaticSelectMenu,
    "multi_static_select": kit.StaticMultiSelectMenu,
    "radio_buttons": kit.RadioButtonGroup,
    "checkboxes": kit.CheckboxGroup,
    "plain_text_input": kit.PlainTextInput,
    "number_input": kit.NumberInput,
    "datepicker": kit.DatePicker,
    "timepicker": kit.TimePicker,
    "users_select": kit.UserSelectMenu,
    "conversations_select": kit.ConversationSelectMenu,
    "channels_select": kit.ChannelSelectMenu,
}


def rebuild(held):
    """Return an element as slackblocks builds it; raises when that library finds it invalid."""
    made = {
        "text": text,
        "placeholder": text,
        "options": lambda options: [_option(option) for option in options],
        "initial_options": lambda options: [_option(option) for option in options],
        "initial_option": _option,
        "confirm": lambda confirm: kit.ConfirmationDialogue(
            *(text(confirm[key]) for key in ("title", "text", "confirm", "deny")), confirm.get("style")
        ),
    }
    given = {key: made.get(key, lambda value: value)(value) for key, value in held.items() if key != "type"}
    if held["type"] in OPTIONS:
        given.setdefault("action_id", None)
    return BUILDERS[held["type"]](**given)


def _option(held):
    return kit.Option(
        text(held["text"]),
        held["value"],
        text(held["description"]) if "description" in held else None,
        held.get("url"),
    )
