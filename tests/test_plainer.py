"""A message that Slack refuses is said more plainly, a step at a time, and always holds its figures."""

import pytest

from bot.core.charts import Chart, as_json
from bot.core.money import NANO
from bot.render import blocks
from bot.render.charts import native
from bot.render.plainer import (
    AS_DRAWN,
    BUTTONS_KEPT,
    LETTERED,
    PICTURED,
    TABLES_LETTERED,
    WORDS,
    form,
    plainer,
)
from tests.standins.slack_rules import Refused, check_message

SPENT = Chart(
    "bars",
    "Spend by project",
    "search-prod made up two thirds of it.",
    "project",
    ("search-prod", "<!channel> `labs`"),
    (200 * NANO, 100 * NANO),
)
FILE = "F00000001"


def digest():
    return {
        "text": "Spend was $300.",
        "blocks": [
            blocks.section("*$300* were spent"),
            native(SPENT, "chart.1"),
            blocks.table(
                ["Project", "Spend"],
                [["search-prod", "$200"], ["<!channel> `labs`", "$100"]],
                right={1},
                block_id="t.1",
            ),
            blocks.actions([blocks.button("By day", "cmd.run.0", "v1|report by day")], "a.1"),
        ],
        "chart": as_json(SPENT),
    }


def kinds(message):
    beside = [block for held in message.get("attachments", ()) for block in held["blocks"]]
    return [block["type"] for block in (*message.get("blocks", ()), *beside)]


def steps(message, chart_picture=None):
    found = []
    while message is not None:
        found.append(message)
        message = plainer(message, chart_picture)
    return found


@pytest.mark.parametrize(
    ("chart_picture", "expected"),
    [
        pytest.param(
            FILE,
            [
                ["section", "data_visualization", "table", "actions"],
                ["section", "image", "table", "actions"],
                ["section", "section", "table", "actions"],
                ["section", "section", "section", "actions"],
                ["section", "actions"],
                [],
            ],
            id="with-a-picture",
        ),
        pytest.param(
            None,
            [
                ["section", "data_visualization", "table", "actions"],
                ["section", "section", "table", "actions"],
                ["section", "section", "section", "actions"],
                ["section", "actions"],
                [],
            ],
            id="without",
        ),
    ],
)
def test_each_step_gives_up_one_thing(chart_picture, expected):
    told = steps(digest(), chart_picture)

    assert [kinds(each) for each in told] == expected
    assert all(each["text"] == "Spend was $300." for each in told)


@pytest.mark.parametrize("level", [AS_DRAWN, PICTURED, LETTERED, TABLES_LETTERED, BUTTONS_KEPT, WORDS])
def test_slack_takes_every_form(level):
    check_message(form(digest(), level, FILE), files=[FILE])


def test_a_picture_says_what_is_to_be_seen_and_slack_is_never_told_what_travels_beside():
    drawn = form(digest(), PICTURED, FILE)

    assert drawn["blocks"][1] == {
        "type": "image",
        "block_id": "chart.1",
        "slack_file": {"id": FILE},
        "alt_text": "search-prod made up two thirds of it.",
    }
    assert "chart" not in drawn
    with pytest.raises(Refused):
        check_message(drawn)


def test_a_table_in_letters_keeps_its_columns_and_pages_nobody():
    text = form(digest(), TABLES_LETTERED)["blocks"][2]["text"]["text"]

    assert text == (
        "```Project            Spend\nsearch-prod         $200\n&lt;!channel&gt; ˋlabsˋ   $100```"
    )


def test_a_long_table_says_how_much_is_left_out():
    rows = [[f"project-{number:02}", f"${number}", "x" * 60] for number in range(98)]
    drawn = {"text": "t", "blocks": [blocks.table(["Project", "Spend", "What"], rows, right={1})]}

    said = form(drawn, TABLES_LETTERED)

    check_message(said)
    lines = said["blocks"][0]["text"]["text"].removesuffix("```").split("\n")
    assert lines[-1] == f"and {99 - (len(lines) - 1)} more"


def test_what_stands_beside_the_coloured_bar_is_made_plainer_too():
    message = blocks.message(
        "Red: 12 budgets",
        [blocks.section("*12 budgets*")],
        [
            blocks.attachment(
                blocks.RED,
                "12 budgets",
                [
                    blocks.table(["Budget"], [["labs"]]),
                    blocks.actions([blocks.button("Ack", "group.ack", "v1")]),
                ],
            )
        ],
    )

    assert [kinds(each) for each in steps(message)] == [
        ["section", "table", "actions"],
        ["section", "section", "actions"],
        ["section", "actions"],
        [],
    ]


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(None, id="nothing"),
        pytest.param({"kind": "cake"}, id="nonsense"),
        pytest.param("x", id="words"),
    ],
)
def test_a_chart_nobody_can_draw_again_is_left_out(held):
    message = digest()
    message["chart"] = held

    assert kinds(form(message, LETTERED)) == ["section", "table", "actions"]


def test_words_alone_have_nothing_plainer():
    assert plainer({"text": "hello"}) is None
