"""Every message form as it goes to Slack, kept beside the tests; and what hostile names make of it.

`python -m tests.test_alerts` writes the files anew, to be read before they are committed.
"""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.acknowledge import Acknowledgement
from bot.core.filters import Filter
from bot.core.incident import Event, Incident, Reason
from bot.core.outlook import Outlook
from bot.core.period import Span
from bot.core.silence import Silence
from bot.core.telling import Part, Telling
from bot.render.alert_lines import line
from bot.render.alert_words import Told, acknowledged, mention, silenced
from bot.render.alerts import card, overflow
from bot.render.announcements import close, ops
from tests.standins.slack_rules import check_message, rebuild

DOLLAR = 10**9
GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
NOVEMBER = Span(date(2026, 11, 1), date(2026, 12, 1))


def told(
    name="search-prod",
    value=10_284,
    amount=12_000,
    *,
    kind="month",
    period="November",
    span=NOVEMBER,
    days=(),
    percents=(50, 80, 100),
    tell=(),
    **more,
):
    telling = Telling(
        "project-month",
        "Monthly OpenAI budget of a project",
        group=(("project", name),),
        period=period,
        period_kind=kind,
        start=span.start.isoformat(),
        end=span.end.isoformat(),
        percents=tuple((f"{percent}%", percent * amount * DOLLAR // 100) for percent in percents),
        parts=(
            Part("line_item", "gpt-5.2, output", value * DOLLAR * 3 // 4),
            Part("api_key", "ingest-worker", value * DOLLAR // 2),
        ),
        team="search",
        owner="U1ALICE",
        runbook="https://wiki.example.com/openai-spend",
        link="https://git.example.com/rules/openai.yaml#L12",
        limits_url="https://platform.openai.com/settings/proj_search/limits",
        as_of="2026-11-22T13:05:00Z",
        settles_at=(datetime.combine(span.end, datetime.min.time(), UTC) + timedelta(hours=36)).isoformat(),
        commit="a1b2c3d",
    )
    incident = Incident(
        fingerprint="0a1b2c3d4e5f",
        rule_id="project-month",
        group=("proj_search",),
        occurrence="2026-11-01",
        state="firing",
        level="80%",
        severity="warning",
        said_levels=("50%", "80%"),
        value=value * DOLLAR,
        amount=amount * DOLLAR,
        said=value * DOLLAR,
        peak=value * DOLLAR,
        span=span,
        days=days or (span.start,),
        opened_at=AT,
        changed_at=AT,
        reason=Reason.FIRST,
    )
    return Told(replace(incident, **more), replace(telling, **dict(tell)))


def day(number, month=11):
    return date(2026, month, number)


DAY = {"kind": "day", "period": "22 Nov", "span": Span(day(22), day(23)), "percents": (100, 200)}
COURSE = Outlook(14_900 * DOLLAR, 13_950 * DOLLAR, 16_100 * DOLLAR, "2026-11-21", "2026-11-26T14:20:00Z")
OVER = {"value": 14_020, "level": "100%", "severity": "critical"}
SEVERAL = [
    told("payments-ml", 6_602, 5_000, fingerprint="000000000001", level="100%", severity="critical"),
    told("eval-nightly", 1_120, 1_000, fingerprint="000000000002", level="100%", severity="critical"),
    told("labs", 2_080, 2_000, fingerprint="000000000003", state="ended", reason=Reason.PERIOD_OVER),
    told("docs-bot", 200, 400, fingerprint="000000000004", level="50%", severity="info"),
]


def beside(**laid_over):
    """A warning with what people laid over it, as a delivery finds it."""
    notes = []
    if laid_over.get("acknowledged"):
        notes.append(acknowledged(Acknowledgement("0a1b2c3d4e5f", "U1ALICE", AT, 0, "warning")))
    if laid_over.get("silenced"):
        held = Filter("fingerprint", "=", ("0a1b2c3d4e5f",))
        until = AT + timedelta(hours=4)
        notes.append(silenced(Silence(3, (held,), "load <test>", "U2BOB", AT, until, with_incident=True)))
    return replace(told(), notes=tuple(notes), **laid_over)


BODY = {"month": "October 2026", "as_of": "2026-11-02T12:05:00+00:00", "rules": 1}

MESSAGES = {
    "card_info": lambda: card([told(value=6_100, level="50%", severity="info")], 1),
    "card_warning": lambda: card([told()], 1),
    "card_on_course": lambda: card([told(tell={"outlook": COURSE}.items())], 2),
    "card_over_on_course": lambda: card([told(**OVER, tell={"outlook": COURSE}.items())], 3),
    "card_in_budget": lambda: card(
        [told(tell={"outlook": replace(COURSE, total=11_000 * DOLLAR)}.items())], 2
    ),
    "card_course_over": lambda: card(
        [told(**OVER, state="ended", reason=Reason.PERIOD_OVER, tell={"outlook": COURSE}.items())], 4
    ),
    "card_critical": lambda: card([told(**OVER)], 1, ["U1ALICE", "S0PAGE", "search-leads"]),
    "card_exact": lambda: card([told(value=12_000, level="100%", severity="critical")], 1),
    "card_nothing_budgeted": lambda: card([told(value=5, amount=0, level="100%", severity="critical")], 1),
    "card_corrected": lambda: card(
        [told(value=4_000, state="ok", level="", severity="", reason=Reason.CORRECTED, peak=12_140 * DOLLAR)],
        3,
    ),
    "card_budget_raised": lambda: card(
        [told(value=4_000, state="ok", level="", severity="", reason=Reason.BUDGET_CHANGED)], 3
    ),
    "card_month_over": lambda: card(
        [
            told(
                state="ended",
                reason=Reason.PERIOD_OVER,
                peak=12_140 * DOLLAR,
                tell={"as_of": "2026-12-02T12:05:00Z"},
            )
        ],
        9,
    ),
    "card_acknowledged": lambda: card([beside(acknowledged=True)], 2),
    "card_silenced": lambda: card([beside(silenced=True)], 2),
    "card_acknowledged_and_silenced": lambda: card([beside(acknowledged=True, silenced=True)], 3),
    "card_of_tokens": lambda: card([told(tell={"unit": "input tokens|1|0|0"}.items())], 1),
    "card_of_stale_data": lambda: card([told(tell={"kind": "freshness", "group": ()}.items())], 1),
    "card_late": lambda: card([told(**OVER, state="ended", reason=Reason.LATE)], 1, ["U1ALICE"]),
    "card_rule_removed": lambda: card([told(state="ended", reason=Reason.RULE_REMOVED)], 9),
    "card_day": lambda: card([told(value=180, amount=150, **DAY)], 1),
    "card_run": lambda: card(
        [told(value=180, amount=150, **DAY, days=tuple(day(n) for n in (19, 20, 21, 22)))], 7
    ),
    "card_run_with_gaps": lambda: card(
        [told(value=180, amount=150, **DAY, days=(day(18), day(20), day(22)))], 7
    ),
    "card_run_over": lambda: card(
        [
            told(
                value=180,
                amount=150,
                **DAY,
                days=(day(21), day(22)),
                state="ended",
                reason=Reason.RUN_OVER,
                peak=210 * DOLLAR,
            )
        ],
        9,
    ),
    "card_rolling": lambda: card(
        [
            told(
                value=180,
                amount=150,
                kind="rolling",
                period="the last 7 days",
                span=Span(day(16), day(23)),
                days=(day(14), day(15), day(16)),
            )
        ],
        2,
    ),
    "card_everything": lambda: card(
        [
            told(
                "",
                tell={
                    "group": (),
                    "selects": "line item web search*, not key key_test",
                    "team": "",
                    "owner": "",
                    "limits_url": "",
                    "link": "",
                },
            )
        ],
        1,
    ),
    "table": lambda: card(SEVERAL, 4, ["U1ALICE"], card_id=71),
    "table_acknowledged": lambda: card(
        [replace(each, acknowledged=True, silenced=True) for each in SEVERAL], 5, card_id=71
    ),
    "table_over": lambda: card(
        [
            replace(each, incident=replace(each.incident, state="ended", reason=Reason.PERIOD_OVER))
            for each in SEVERAL
        ],
        4,
        card_id=71,
    ),
    "table_of_many": lambda: card(
        [told(f"team-{n}", 600 + n, 1_000, fingerprint=f"{n:012x}") for n in range(30)], 1, card_id=71
    ),
    "close_one": lambda: close({**BODY, "rows": [["search-prod", 1_095 * DOLLAR, 1_000 * DOLLAR]]}),
    "close_kept": lambda: close(
        {**BODY, "rows": [["a", 5 * DOLLAR, 10 * DOLLAR], ["b", 10 * DOLLAR, 10 * DOLLAR]]}
    ),
    "close_two_rules": lambda: close(
        {
            **BODY,
            "rules": 2,
            "rows": [
                ["search-prod (Projects)", 1_095 * DOLLAR, 1_000 * DOLLAR],
                ["the organization (All)", 5_000 * DOLLAR, 6_000 * DOLLAR],
            ],
            "unwatched": [["side-project", 77 * DOLLAR], ["(no project)", 3 * DOLLAR]],
        }
    ),
    "close_many": lambda: close(
        {**BODY, "rows": [[f"team-{n}", n * DOLLAR, 10 * DOLLAR] for n in range(60)]}
    ),
    "ops": lambda: ops(
        {"happened": "No costs could be read for 3 hours: HTTP 503 <html>.", "remedy": "Alerts are paused."}
    ),
    "ops_over": lambda: ops({"happened": "OpenAI's costs are read again.", "remedy": "", "recovered": True}),
}


@pytest.mark.parametrize("form", MESSAGES)
def test_messages_are_as_they_were_read_and_agreed(form):
    message = MESSAGES[form]()
    assert message == json.loads((GOLDEN / f"alert_{form}.json").read_text(encoding="utf-8"))


def test_no_golden_file_is_left_over():
    kept = {path.stem.removeprefix("alert_") for path in GOLDEN.glob("alert_*.json")}
    assert kept == set(MESSAGES)


def valid(message):
    """Slack's rules, and a library's opinion of every block."""
    check_message(message)
    for group in (message.get("blocks", []), *(held["blocks"] for held in message.get("attachments", []))):
        for block in group:
            if block["type"] != "table":
                rebuild(block)


@pytest.mark.parametrize("form", MESSAGES)
def test_slack_takes_every_form(form):
    valid(MESSAGES[form]())


HOSTILE = {
    "mention": "<!channel>",
    "link": "<https://evil.example|OpenAI>",
    "markup": "*_~`*_~",
    "right to left": "\u202egnp.exe\u202c",
    "long": "x" * 300,
    "empty": "",
    "lines": "a\nb\tc",
    "entity": "&lt;!here&gt;",
    "emoji": ":red_circle:",
}


@pytest.mark.parametrize("name", [pytest.param(name, id=kind) for kind, name in HOSTILE.items()])
def test_hostile_names_stay_words(name):
    hostile = told(
        name,
        tell={
            "parts": (Part("line_item", name, DOLLAR),),
            "team": name,
            "owner": name,
            "title": name,
            "period": "November",
        },
    )
    other = told(name, fingerprint="1" * 12)
    event = Event(
        "f",
        "r",
        (name,),
        "raised",
        "80%",
        0,
        AT,
        Reason.HIGHER,
        900 * DOLLAR,
        "warning",
        passed=("80%",),
        because=name,
    )
    row = [name, 5 * DOLLAR, 10 * DOLLAR]
    messages = [
        card([hostile], 1, [name]),
        card([hostile, other], 1, [name]),
        close({**BODY, "rows": [row, row], "unwatched": [[name, DOLLAR]]}),
        close({**BODY, "rows": [row]}),
        ops({"happened": name, "remedy": name}),
        {"text": line(event, hostile, named=True)},
        *({"text": text} for text in overflow([hostile] * 30)),
    ]
    for message in messages:
        valid(message)
        said = json.dumps(message, ensure_ascii=False)
        mrkdwn = "".join(texts(message))
        assert "<!" not in mrkdwn
        assert "<https://evil" not in mrkdwn
        assert "\u202e" not in said
        assert len(message["text"]) < 4_000


def texts(held):
    """Every text Slack would parse."""
    if isinstance(held, dict):
        if held.get("type") in ("raw_text", "plain_text"):
            return
        if isinstance(held.get("text"), str):
            yield held["text"]
        for value in held.values():
            yield from texts(value)
    elif isinstance(held, list):
        for value in held:
            yield from texts(value)


@pytest.mark.parametrize("form", [form for form in MESSAGES if form.startswith(("card", "table"))])
def test_colour_and_emoji_never_stand_alone(form):
    text = MESSAGES[form]()["text"]
    assert text.split(":")[0] in ("Red", "Amber", "Info", "Ended", "Corrected", "Below")
    assert "*" not in text
    assert ":red_circle:" not in text


def buttons(message):
    """The labels and action_ids of a message's buttons, and the values behind its menus."""
    groups = [message.get("blocks", []), *(held["blocks"] for held in message.get("attachments", []))]
    rows = [block for group in groups for block in group if block["type"] == "actions"]
    found = [each for block in rows for each in block["elements"]]
    names = [each["text"]["text"] for each in found if each["type"] == "button"]
    choices = [each["value"].split("|")[0] for menu in found for each in menu.get("options", ())]
    return names, choices, [block["block_id"] for block in rows]


@pytest.mark.parametrize(
    ("form", "names", "choices", "block_ids"),
    [
        pytest.param(
            "card_warning",
            ["Acknowledge", "Silence…", "Drill down"],
            ["why", "explain", "more", "csv"],
            ["alert.0a1b2c3d4e5f.1"],
            id="firing",
        ),
        pytest.param(
            "card_acknowledged",
            ["Drill down", "Un-acknowledge"],
            ["why", "explain", "silence", "more", "csv"],
            ["alert.0a1b2c3d4e5f.2"],
            id="acknowledged",
        ),
        pytest.param(
            "card_silenced",
            ["Acknowledge", "End the silence", "Drill down"],
            ["why", "explain", "more", "csv"],
            ["alert.0a1b2c3d4e5f.2"],
            id="silenced",
        ),
        pytest.param(
            "card_acknowledged_and_silenced",
            ["End the silence", "Drill down", "Un-acknowledge"],
            ["why", "explain", "more", "csv"],
            ["alert.0a1b2c3d4e5f.3"],
            id="both",
        ),
        pytest.param(
            "card_of_tokens",
            ["Acknowledge", "Silence…", "Drill down"],
            ["why", "explain", "csv"],
            ["alert.0a1b2c3d4e5f.1"],
            id="nobody asks for more tokens in dollars",
        ),
        pytest.param(
            "card_of_stale_data",
            ["Acknowledge", "Silence…"],
            ["why", "explain"],
            ["alert.0a1b2c3d4e5f.1"],
            id="what is no spend has nothing to drill into",
        ),
        pytest.param(
            "card_late", ["Drill down"], ["why", "explain"], ["alert.0a1b2c3d4e5f.1"], id="over, and news"
        ),
        pytest.param("card_month_over", [], [], [], id="over"),
        pytest.param("card_corrected", [], [], [], id="corrected"),
        pytest.param(
            "table", ["Acknowledge all 3", "Show all", "Silence…"], [], ["group.71.4"], id="a table"
        ),
        pytest.param(
            "table_acknowledged", ["Show all"], [], ["group.71.5"], id="a table that is looked after"
        ),
        pytest.param("table_over", [], [], [], id="a table that is over"),
    ],
)
def test_buttons_fit_what_the_alert_is(form, names, choices, block_ids):
    assert buttons(MESSAGES[form]()) == (names, choices, block_ids)


@pytest.mark.parametrize(
    ("who", "words"),
    [
        pytest.param("U1ALICE", "<@U1ALICE>", id="a person"),
        pytest.param("S0PAGE", "<!subteam^S0PAGE>", id="a group"),
        pytest.param("search-leads", "@search-leads", id="a handle stays words"),
        pytest.param("<!channel>", "@&lt;!channel&gt;", id="nobody calls everybody"),
    ],
)
def test_who_is_called(who, words):
    assert mention(who) == words


def event(transition, level="80%", value=10_284, before=0, reason=Reason.HIGHER, **more):
    return Event(
        "f",
        "r",
        ("p",),
        transition,
        level,
        0,
        AT,
        reason,
        value * DOLLAR,
        more.pop("severity", "warning"),
        before * DOLLAR,
        **more,
    )


@pytest.mark.parametrize(
    ("of", "incident", "words"),
    [
        pytest.param(
            event("raised", passed=("80%",)),
            told(),
            ":large_yellow_circle: Amber: passed 80%: $10,284.00 of $12,000.00 (85%)",
            id="a level higher",
        ),
        pytest.param(
            event("raised", passed=("80%", "100%"), because="the budget changed from $15,000 to $12,000"),
            told(),
            ":large_yellow_circle: Amber: passed 80 and 100% because the budget changed from $15,000 to $12,000 in a1b2c3d: $10,284.00 of $12,000.00 (85%)",
            id="because of the budget",
        ),
        pytest.param(
            event("corrected", value=11_880, before=12_140),
            told(),
            "corrected, $12,140.00 → $11,880.00 of $12,000.00 (99%), back to 80%",
            id="corrected",
        ),
        pytest.param(
            event("corrected", level="", value=100, before=12_140),
            told(),
            "corrected, $12,140.00 → $100.00 of $12,000.00 (0%), below every level",
            id="corrected to nothing",
        ),
        pytest.param(event("recrossed"), told(), "at 80% again: $10,284.00 of $12,000.00 (85%)", id="again"),
        pytest.param(
            event("continued", value=225),
            told(value=225, amount=150, **DAY, days=(day(21), day(22))),
            "22 Nov: day 2 in a row, 25% or more above the run's peak: $225.00 of $150.00 (150%)",
            id="a run goes on",
        ),
        pytest.param(
            event("restated", value=11_000, before=10_000, period="October"),
            told(),
            "October changed after its end, $10,000.00 → $11,000.00 of $12,000.00 (91%)",
            id="restated",
        ),
        pytest.param(
            event("ended", reason=Reason.PERIOD_OVER),
            told(),
            "November is over: $10,284.00 of $12,000.00 (85%)",
            id="over",
        ),
        pytest.param(
            event("ended", reason=Reason.RULE_REMOVED),
            told(reason=Reason.RULE_REMOVED),
            "rule removed in a1b2c3d: last $10,284.00 of $12,000.00 (85%)",
            id="removed",
        ),
    ],
)
def test_the_lines_of_a_thread(of, incident, words):
    assert line(of, incident, named=False) == words


def test_a_line_in_a_table_names_its_subject():
    assert line(event("recrossed"), told(), named=True).startswith("*search-prod*: at 80% again")


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for form, draw in MESSAGES.items():
        text = json.dumps(draw(), ensure_ascii=False, indent=1)
        (GOLDEN / f"alert_{form}.json").write_text(f"{text}\n", encoding="utf-8")
