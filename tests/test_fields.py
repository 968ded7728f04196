"""What a key may hold, and what it becomes."""

from datetime import date, time, timedelta

import pytest

from bot.core.kinds import KINDS
from bot.core.rules import fields
from bot.core.rules.digests import DIGEST_KEYS
from bot.core.rules.nodes import Scalar, Source
from bot.core.rules.parse import SECTIONS
from bot.core.rules.problems import Problems, closest
from bot.core.rules.regex import regex_trouble
from bot.core.rules.routes import QUIET_KEYS, ROUTE_KEYS
from bot.core.rules.sections import CALENDAR_KEYS, DEFAULTS, FRESHNESS_KEYS, TEAM_KEYS
from bot.core.rules.table import Key, Table
from bot.edge.yaml_nodes import read_yaml

GOOD = [
    pytest.param(fields.DURATION, "5m", timedelta(minutes=5), id="minutes"),
    pytest.param(fields.DURATION, "36h", timedelta(hours=36), id="hours"),
    pytest.param(fields.DURATION, "7d", timedelta(days=7), id="days"),
    pytest.param(fields.USD, "12,000", 12_000 * 10**9, id="dollars-with-comma"),
    pytest.param(fields.USD, "$0.000000001", 1, id="a-nano-dollar"),
    pytest.param(fields.USD, "0010", 10 * 10**9, id="leading-zeros-are-decimal"),
    pytest.param(fields.USD, "4.00", 4 * 10**9, id="trailing-zeros"),
    pytest.param(fields.USD, "0", 0, id="zero-dollars-are-legal"),
    pytest.param(fields.DATE, "2028-02-29", date(2028, 2, 29), id="leap-day"),
    pytest.param(fields.YEAR_START, "02-01", (2, 1), id="fiscal-year"),
    pytest.param(fields.CLOCK, "09:00", time(9), id="clock"),
    pytest.param(fields.ZONE, "Europe/Berlin", "Europe/Berlin", id="zone"),
    pytest.param(fields.HANDLE, "#ai-spend", "ai-spend", id="channel-with-hash"),
    pytest.param(fields.HANDLE, "@search-leads", "search-leads", id="group-with-at"),
    pytest.param(fields.HANDLE, "C0123ABCD", "C0123ABCD", id="channel-id"),
    pytest.param(fields.TEXT, "on", "on", id="on-is-a-word"),
    pytest.param(fields.YES_NO, "false", False, id="no"),
    pytest.param(fields.WEEKDAY, "sunday", 6, id="sunday"),
    pytest.param(fields.whole(1, 10_000), "10,000", 10_000, id="whole-number-with-comma"),
    pytest.param(
        fields.HTTPS, "https://wiki.example.com/x?y=1", "https://wiki.example.com/x?y=1", id="https"
    ),
]

BAD = [
    pytest.param(fields.DURATION, "5 minutes", '"5 minutes" is not a duration; write 5m', id="words"),
    pytest.param(fields.DURATION, "2 weeks", '"2 weeks" is not a duration; write 14d', id="weeks"),
    pytest.param(fields.DURATION, "999999d", '"999999d" is longer than 3660d', id="too-long"),
    pytest.param(
        fields.DURATION, "90s", '"90s" is not a duration; write one like 5m, 36h or 7d', id="seconds"
    ),
    pytest.param(
        fields.USD,
        "-5",
        '"-5" is not an amount of dollars; write one like 12,000 or $1,500.50',
        id="negative",
    ),
    pytest.param(
        fields.QUANTITY,
        "1.500,00",
        '"1.500,00" is not an amount of dollars; write one like 12,000 or $1,500.50',
        id="thousands-by-point",
    ),
    pytest.param(
        fields.USD,
        "12,00",
        '"12,00" is not an amount of dollars; write one like 12,000 or $1,500.50',
        id="comma",
    ),
    pytest.param(
        fields.USD,
        "9" * 1_100_000,
        f'"{"9" * 79}…" is not an amount of dollars; write one like 12,000 or $1,500.50',
        id="a-million-digits",
    ),
    pytest.param(
        fields.DATE, "2026-02-29", '"2026-02-29" is not a date; write one like 2026-02-01', id="no-such-day"
    ),
    pytest.param(
        fields.YEAR_START,
        "02-29",
        '"02-29" is not a day on which a year can begin; write month-day, 01-01 to 12-28',
        id="not-in-every-year",
    ),
    pytest.param(fields.CLOCK, "24:00", '"24:00" is not a time of day; write one like 09:00', id="24:00"),
    pytest.param(
        fields.ZONE,
        "Europe",
        '"Europe" is not a time zone; write one like Europe/Berlin or UTC',
        id="a-folder",
    ),
    pytest.param(fields.YES_NO, "on", '"on" is no answer; write true or false', id="on-is-not-yes"),
]


def read(field: fields.Field, text: str) -> tuple[object, list[str]]:
    problems = Problems()
    node = Scalar(Source("a.yaml", "a.yaml", text), 1, 1, text)
    return field.read(node, "key", problems), [problem.message for problem in problems.found]


@pytest.mark.parametrize(("field", "text", "value"), GOOD)
def test_a_text_becomes_a_value(field, text, value):
    assert read(field, text) == (value, [])


@pytest.mark.parametrize(("field", "text", "message"), BAD)
def test_a_wrong_text_is_told_with_the_right_one(field, text, message):
    assert read(field, text) == (None, [message])


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        pytest.param("80%", "80", id="whole"),
        pytest.param("33.30 %", "33.3", id="decimal"),
        pytest.param("0080%", "80", id="zeros"),
        pytest.param("80", None, id="without-sign"),
        pytest.param("٨٠%", None, id="other-digits"),
    ],
)
def test_percentages_keep_their_exact_decimal(text, percent):
    assert fields.percent_of(text) == percent


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("(search|rank)-(prod|stage)", id="branches"),
        pytest.param("proj-[0-9]{4}-.*", id="counted-class"),
        pytest.param(r"a\+b(\(c\))+", id="escaped-signs"),
        pytest.param("[*+(]+x?", id="signs-in-a-class"),
        pytest.param("(?i:gpt)-.*-v[0-9]+", id="flags"),
        pytest.param("(?P<name>gpt)-.*", id="named-group"),
    ],
)
def test_ordinary_expressions_may_be_used(text):
    assert regex_trouble(text) == ""


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        pytest.param("(a+)+$", "repeats a group", id="nested-repeat"),
        pytest.param("((a|b)c)*", "repeats a group", id="repeated-branches"),
        pytest.param("(a?){30}", "repeats a group", id="repeated-option"),
        pytest.param("a?" * 30 + "a" * 30, "too many ways", id="many-options"),
        pytest.param("(a|a)" * 30, "too many ways", id="many-branches"),
        pytest.param(".*a.*b.*c.*d", "too many ways", id="many-repeats"),
        pytest.param(r"(a+)\1", "refers back", id="back-reference"),
        pytest.param("x" * 201, "longer than 200", id="long"),
        pytest.param("(a", "is not a regular expression: missing ), unterminated", id="broken"),
    ],
)
def test_expressions_that_may_take_for_ever_are_refused(text, trouble):
    assert trouble in regex_trouble(text)


def test_the_closest_word_ignores_case_and_is_silent_when_none_is_near():
    assert closest("MODLE", ["model", "project"]) == "model"
    assert closest("xyz", ["model", "project"]) == ""


def test_every_key_can_describe_itself_to_an_editor():
    tables = [
        SECTIONS,
        DEFAULTS,
        TEAM_KEYS,
        ROUTE_KEYS,
        QUIET_KEYS,
        DIGEST_KEYS,
        FRESHNESS_KEYS,
        CALENDAR_KEYS,
        *(kind.keys for kind in KINDS.values()),
    ]
    for table in tables:
        for name, key in table.keys.items():
            assert key.name == name
            assert key.about.endswith("."), name
            assert isinstance(key.field.schema, dict)
            assert name not in table.absent


def test_a_wording_is_read_once_and_a_mistake_is_told_wherever_it_stands():
    read = []

    def size(text):
        read.append(text)
        return {"big": 9}.get(text)

    table = Table(Key("size", fields.from_text(size, "B013", str, {}), "How big."))
    problems = Problems()
    for text in ("size: big", "size: big", "size: huge", "size: huge"):
        node = read_yaml(Source("a.yaml", "a.yaml", text), problems)
        table.read(node, "it", problems)
    assert read == ["big", "huge", "huge"]
    assert [problem.message for problem in problems.found] == ["huge", "huge"]
