"""Blocks: whatever comes from outside, Slack takes the message and nobody is paged by a name."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render import blocks
from bot.render.blocks import bar, clip_mrkdwn, escape, message, name, plain, table
from tests.standins.slack_rules import Refused, check_message

HOSTILE = [
    "<!channel>",
    "<@U1ALICE>",
    "`rm -rf`",
    "*bold* _it_ ~st~",
    "\u202eevil\u202c",
    "x" * 300,
    "",
    "\n\n# h",
    "&amp;",
]
texts = st.one_of(
    st.text(max_size=400), st.sampled_from(HOSTILE), st.text("<>&*_~`:\u202e\n ab", max_size=400)
)


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        pytest.param("search-prod", "search-prod", id="ordinary"),
        pytest.param("search_prod_2", "search_prod_2", id="underscores-inside-words-stay"),
        pytest.param("proj_abc123", "proj_abc123", id="an-id-can-be-copied"),
        pytest.param("ft:gpt-4o:acme::x1", "ft:gpt-4o:acme::x1", id="a-fine-tuned-model-stays"),
        pytest.param("<!channel>", "&lt;!channel&gt;", id="mention"),
        pytest.param("a & b", "a &amp; b", id="ampersand"),
        pytest.param("&lt;", "&amp;lt;", id="already-escaped-is-not-trusted"),
        pytest.param("*_~`", "∗ˍ∼ˋ", id="formatting"),
        pytest.param("_x_", "ˍxˍ", id="italics"),
        pytest.param(":red_circle: fine", "∶red_circle: fine", id="a-false-severity"),
        pytest.param("> quoted", "› quoted", id="quotation"),
        pytest.param("\u202egro\u202c.exe", "gro.exe", id="right-to-left-override"),
        pytest.param("a\u200bb\ufeff", "ab", id="zero-width"),
        pytest.param("two\nlines\x1b[31m", "two lines [31m", id="control"),
        pytest.param("", "(empty)", id="empty"),
        pytest.param(" \u200b\u3164\n", "(empty)", id="looks-empty"),
        pytest.param("x" * 300, "x" * 39 + "…", id="long"),
        pytest.param("&" * 300, "&amp;" * 39 + "…", id="long-once-escaped"),
    ],
)
def test_a_name_in_mrkdwn(given_name, shown):
    assert name(given_name) == shown


@given(texts)
def test_no_name_formats_mentions_or_hides(text):
    shown = name(text)

    assert shown
    assert "\n" not in shown
    assert not re.search(r"[<>*~`\u202a-\u202e\u2066-\u2069\u200b-\u200f]", shown)
    assert not re.search(r"&(?!amp;|lt;|gt;)", shown)
    assert not re.search(r"(?<![^\W_])_|_(?![^\W_])", shown)


@given(texts)
def test_plain_text_is_one_line_of_forty_and_never_empty(text):
    assert 1 <= len(plain(text)) <= 40
    assert "\n" not in plain(text)


@given(st.lists(texts, max_size=3), st.integers(1, 60))
def test_clipping_never_cuts_an_escape_or_a_link(parts, limit):
    text = "".join(f"{escape(part)}<https://x.example|{escape(part)}>" for part in parts)

    cut = clip_mrkdwn(text, limit)

    assert len(cut) <= max(limit, 1)
    assert cut.count("<") == cut.count(">")
    assert not re.search(r"&(?!amp;|lt;|gt;)", cut)


@given(st.lists(texts, min_size=3, max_size=3), st.lists(st.tuples(texts, texts, texts), max_size=120))
def test_any_table_is_taken(titles, rows):
    built = table(titles, rows, right={1, 2})

    check_message({"text": "t", "blocks": [built]})
    assert len(built["rows"]) >= min(2, len(rows) + 1)


def test_a_long_table_says_how_many_rows_are_left_out():
    built = table(["Project", "Spend"], [[f"p{number}", "$1"] for number in range(150)], right=[1])

    assert len(built["rows"]) == 100
    assert [cell["text"] for cell in built["rows"][-1]] == ["52 more", "—"]
    assert built["column_settings"] == [{"is_wrapped": False}, {"align": "right"}]


def test_a_table_of_exactly_a_hundred_rows_is_whole():
    built = table(["Project"], [[f"p{number}"] for number in range(99)])

    assert built["rows"][-1][0]["text"] == "p98"


@given(texts, texts, st.lists(texts, min_size=1, max_size=10))
def test_any_card_is_taken_as_it_was_built(title, fact, facts):
    built = message(
        f"Red: {name(title)}",
        [blocks.section(f":red_circle: *{name(title)}* is over"), blocks.header(title), blocks.divider()],
        [
            blocks.attachment(
                blocks.RED,
                title,
                [
                    blocks.fields(*(f"*Fact*\n{name(held)}" for held in facts)),
                    blocks.section(escape(fact) * 20),
                    blocks.context(escape(fact)),
                    blocks.actions(
                        [
                            blocks.button(title, "alert.ack", "v1|x|1", "primary"),
                            blocks.button(fact, "alert.drill", "v1|x|1"),
                        ],
                        "act.x.1",
                    ),
                ],
            )
        ],
    )

    check_message(built)
    assert "\n" not in built["text"]


@given(st.lists(st.integers(0, 4000), min_size=1, max_size=80), st.lists(st.integers(0, 4000), max_size=80))
def test_any_length_is_taken_and_the_buttons_stay(above, beside):
    buttons = blocks.actions([blocks.button("Ack", "ack", "v1")])
    built = message(
        "t" * 5000,
        [blocks.section("a" * size) for size in above],
        [blocks.attachment(blocks.AMBER, "f", [*(blocks.section("b" * size) for size in beside), buttons])],
    )

    check_message(built)
    assert len(built["text"]) <= 3900
    assert built["blocks"][0] == blocks.section("a" * above[0])
    assert built["attachments"][-1]["blocks"][-1] == buttons


def test_what_was_cut_is_said():
    built = message("t", [blocks.section("x" * 3000)] * 5)

    assert "left out" in built["blocks"][-1]["elements"][0]["text"]
    assert len(built["blocks"]) == 4


def test_mrkdwn_is_never_auto_linked():
    built = [blocks.section("#general"), blocks.fields("@here"), blocks.context("https://x")]

    assert built[0]["text"]["verbatim"]
    assert built[1]["fields"][0]["verbatim"]
    assert built[2]["elements"][0]["verbatim"]


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda: blocks.button("Ok", "a", "v" * 2001), id="a-cut-reference-would-lie"),
        pytest.param(lambda: blocks.button("Ok", "a", ""), id="no-reference"),
        pytest.param(lambda: blocks.button("Ok", "a" * 256, "v"), id="action-id"),
        pytest.param(
            lambda: blocks.actions([blocks.button("Ok", str(n), "v") for n in range(26)]), id="26-buttons"
        ),
        pytest.param(lambda: blocks.fields(*["x"] * 11), id="11-fields"),
        pytest.param(lambda: blocks.table(["x"] * 21, []), id="21-columns"),
        pytest.param(lambda: blocks.table(["a", "b"], [["1"]]), id="a-short-row"),
        pytest.param(lambda: blocks.section("x", block_id="b" * 256), id="block-id"),
    ],
)
def test_what_only_a_bug_can_cause_is_refused(build):
    with pytest.raises(ValueError):
        build()


@pytest.mark.parametrize(
    ("value", "of", "drawn"),
    [
        (0, 100, "░░░░░░░░░░"),
        (86, 100, "▇▇▇▇▇▇▇▇▄░"),
        (90, 100, "▇▇▇▇▇▇▇▇▇░"),
        (99_999, 100_000, "▇▇▇▇▇▇▇▇▇▆"),
        (100, 100, "▇▇▇▇▇▇▇▇▇▇"),
        (250, 100, "▇▇▇▇▇▇▇▇▇▇"),
        (-5, 100, "░░░░░░░░░░"),
        (0, 0, "░░░░░░░░░░"),
        (1, 0, "▇▇▇▇▇▇▇▇▇▇"),
    ],
)
def test_a_bar_is_full_only_when_it_is_full(value, of, drawn):
    assert bar(value, of) == drawn


@given(st.integers(1, 10**18), st.lists(st.integers(-(10**18), 2 * 10**18), min_size=2))
def test_a_bar_has_ten_cells_and_never_shrinks(of, values):
    heights = [[" ░▁▂▃▄▅▆▇".index(cell) for cell in bar(value, of)] for value in sorted(values)]

    assert all(len(cells) == 10 for cells in heights)
    assert all(lower <= higher for lower, higher in pairwise(heights))


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param({"type": "section", "text": {"type": "mrkdwn", "text": ""}}, id="empty-text"),
        pytest.param({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}, id="long-section"),
        pytest.param(
            {"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "colour": 1}, id="extra-key"
        ),
        pytest.param({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, id="mrkdwn-header"),
        pytest.param(
            {"type": "table", "rows": [[{"type": "raw_text", "text": ""}]], "column_settings": []},
            id="empty-cell",
        ),
        pytest.param({"type": "data_visualization"}, id="unknown-type"),
        pytest.param(
            {"type": "actions", "elements": [blocks.button("a", "x", "v") | {"value": ""}]}, id="empty-value"
        ),
        pytest.param(
            {"type": "actions", "elements": [blocks.button("a", "x", "v")] * 2}, id="same-action-id"
        ),
    ],
)
def test_the_stand_in_refuses_what_slack_refuses(bad):
    with pytest.raises(Refused) as refusal:
        check_message({"text": "t", "blocks": [bad]})

    assert refusal.value.code == "invalid_blocks"
    assert "json-pointer:/blocks/0" in refusal.value.errors[0]


def test_the_stand_in_refuses_two_tables_and_repeated_block_ids():
    for pair in ([table(["a"], [["1"]])] * 2, [blocks.section("x", block_id="b")] * 2):
        with pytest.raises(Refused):
            check_message({"text": "t", "blocks": pair})
