"""Answers in Slack: what they say, that Slack takes them, and that nothing from outside speaks in them."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.dimension import Series
from bot.core.helping import helped
from bot.core.listing import Listing, RuleLine, Uncovered
from bot.core.period import Span
from bot.core.query import Misread, parse
from bot.core.question import Query
from bot.core.spend import Names
from bot.core.status import Counts, Limited, Standing, Status
from bot.core.units import USD, Unit, counts
from bot.core.verbs import VERBS
from bot.render.blocks import characters
from bot.render.replies import HELP, RUN, VERSION, reply, trouble
from tests.spending import AS_OF, DOLLAR, TODAY, ago, answered, asked, golden, number
from tests.standins.slack_rules import check_message

NOVEMBER = Span(date(2026, 11, 1), date(2026, 11, 23))
MONTH = Span(date(2026, 11, 1), date(2026, 12, 1))
SPENT = [
    *((ago(n), number("proj_search", "gpt-5.2, input"), (400 + n) * DOLLAR) for n in range(60)),
    *((ago(n), number("proj_search", "gpt-5.2, output"), 91 * DOLLAR) for n in range(0, 60, 3)),
    *((ago(n), number("proj_labs", "web search tool calls", "key_1"), 12_340_000_000) for n in range(60)),
    (ago(4), number("", "gpt-5.2, input"), -7 * DOLLAR),
    (ago(2), number("proj_new"), 4_200_000),
]
FIRING = Standing(
    "project-month",
    "Monthly budget of a project",
    "9f00aa11bb22",
    ("project",),
    ("proj_search",),
    ("search-prod",),
    MONTH,
    "November",
    "firing",
    "first this period",
    "80%",
    "warning",
    10_284_170_000_000,
    12_000 * DOLLAR,
)
DAILY = replace(
    FIRING,
    rule_id="cap",
    rule_name="Daily cap",
    period="22 Nov",
    level="200%",
    severity="critical",
    amount=DOLLAR,
)
FINE = replace(FIRING, group_names=("labs",), state="ok", level="", severity=None, value=17 * DOLLAR)
LEARNING = Standing(
    "year", "Year", "0123456789ab", (), (), (), MONTH, "2026", "learning", "learning: history from 26 Jul, needs 1 Jan"
)  # fmt: skip
RATE = Unit("per 1,000 requests", DOLLAR, dollars=True)
WEEK = Span(date(2026, 11, 14), date(2026, 11, 21))
LIMITED = replace(
    FIRING,
    limited=Limited(12_000 * DOLLAR, datetime(2026, 11, 26, 13, 20, tzinfo=UTC)),
    estimated=312 * DOLLAR,
)
TOKENS = replace(
    FINE, rule_id="tokens", rule_name="Tokens", value=1_032_000, amount=1_200_000, unit=counts("input tokens").key,
    limited=Limited(300 * DOLLAR, enforcing=True),
)  # fmt: skip


def other(kind, value, amount, level, days, unit=USD, **more):
    """A standing of a rule that is no budget."""
    return replace(
        FIRING, kind=kind, rule_id=kind, rule_name=f"The {kind} rule", value=value, amount=amount, level=level,
        days=days, unit="" if unit is USD else unit.key, period="20 Nov", **more,
    )  # fmt: skip


KINDS = (
    LIMITED,
    other("change", 1_240 * DOLLAR, 816 * DOLLAR, "+40%", WEEK),
    other("anomaly", 310 * DOLLAR, 95 * DOLLAR, "unusual", WEEK, each=("model", "project"), group=("gpt-5.2", "proj_search"),
          group_names=("gpt-5.2", "search-prod")),
    other("ratio", 4_610_000_000, 4 * DOLLAR, "above $4.00", WEEK, RATE),
    other("ratio", 380_000_000, 350_000_000, "", WEEK, Unit("", DOLLAR, share=True), state="ok", severity=None),
    other("first_seen", 12_400_000_000, DOLLAR, "new", Span(date(2026, 11, 20), date(2026, 11, 23)), severity="info"),
    other("native_limit", 812 * DOLLAR, 0, "missing", NOVEMBER, severity="info"),
    other("freshness", 14_700, 10_800, "", None, Unit("hours", 3_600), state="ok", severity=None, each=(), group=(),
          group_names=()),
    TOKENS,
    replace(LEARNING, kind="anomaly"),
)  # fmt: skip
QUIET = tuple(replace(each, state="ok", level="", severity=None) for each in KINDS[1:4])
RULES = Listing(
    (
        RuleLine("all", "Everything", "budget", "everything", "a month", "$40,000", ("80%", "100%"), "#ai-spend", "active", "https://git.example.com/blob/a1b2/rules.yaml#L3"),
        RuleLine("project-month", "Monthly budget", "budget", "everything, each project", "a month", "search-prod $12,000, else $200", ("50%", "$500"), "the team's channel", "active"),
        RuleLine("old", "Old", "budget", "model gpt-4*", "a day", "$5", ("100%",), "#labs", "inactive since 2026-10-01"),
    ),
    (Uncovered("proj_labs", "labs", 123_450_000_000), Uncovered("", "(no project)", 1)),
    NOVEMBER,
)  # fmt: skip


def texts(held):
    """Every text a reader sees."""
    if isinstance(held, dict):
        if isinstance(held.get("text"), str):
            yield held["text"]
        for value in held.values():
            yield from texts(value)
    elif isinstance(held, list):
        for value in held:
            yield from texts(value)


def buttons(body):
    return [
        element
        for block in body.get("blocks", [])
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def accepted(body):
    """Check a reply as Slack and as a person would, and return it."""
    message = {key: value for key, value in body.items() if key != "response_type"}
    check_message(message)
    assert body["response_type"] in ("ephemeral", "in_channel")
    assert 0 < len(body["text"]) <= 4_000
    assert "\n" not in body["text"]
    assert sum(map(characters, body["blocks"])) <= 12_000
    for button in buttons(body):
        version, _, words = button["value"].partition("|")
        assert version == VERSION
        assert button["action_id"].startswith((RUN, HELP))
        words = f"help {words}" if button["action_id"].startswith(HELP) else words
        # Slack hands the value over as it is, and the listener reads it as it reads what people type.
        assert isinstance(parse(words, TODAY), Query), words
    for text in (body["text"], *texts(body["blocks"])):
        assert not re.search(r"[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", text)
    for text in (body["text"], *mrkdwn(body["blocks"])):
        assert "<!" not in text
        assert "<@" not in text
    return body


def mrkdwn(held):
    if isinstance(held, dict):
        if held.get("type") == "mrkdwn":
            yield held["text"]
        for value in held.values():
            yield from mrkdwn(value)
    elif isinstance(held, list):
        for value in held:
            yield from mrkdwn(value)


def told(words, rows=SPENT, **known):
    answer = answered(words, rows, **known)
    return accepted(reply(answer, answer.query))


def stored_from(day):
    return [row for row in SPENT if row[0] >= day]


def stood(status, words="status"):
    return accepted(reply(status, asked(words)))


REPLIES = {
    "report": lambda: told("report mtd by project"),
    "report_two": lambda: told("report 7d by project,model project!=zz public"),
    "report_day": lambda: told("report 7d by day"),
    "report_part": lambda: told(
        "report mtd", stored_from(date(2026, 11, 10)), history_from=date(2026, 11, 10)
    ),
    "report_stale": lambda: told("report mtd by day", as_of=datetime(2026, 11, 20, 8, tzinfo=UTC)),
    "report_before": lambda: told("report 2025-03", [], history_from=date(2026, 7, 26)),
    "report_none": lambda: told("report", [], history_from=None, as_of=None),
    "top": lambda: told("top 2 by line_item last-month"),
    "status_firing": lambda: stood(Status(AS_OF, (DAILY, FIRING, FINE, LEARNING))),
    "status_ok": lambda: stood(Status(AS_OF, (FINE,))),
    "status_empty": lambda: stood(Status(AS_OF, (), ("There are no rules, so nothing is watched.",))),
    "status_kinds": lambda: stood(Status(AS_OF, KINDS)),
    "status_alerts": lambda: stood(Status(AS_OF, KINDS[1:4])),
    "status_quiet": lambda: stood(Status(AS_OF, (FINE, *QUIET))),
    "status_no_budgets": lambda: stood(Status(AS_OF, QUIET)),
    "status_stale": lambda: stood(
        Status(
            AS_OF - timedelta(days=2),
            (FIRING, FINE),
            (
                "The poll of 22 Nov 13:05 UTC is not complete (costs: OpenAI answered 500).",
                "Costs were last read 2 days ago: what was spent since is not in these figures.",
            ),
        )
    ),
    "status_learning": lambda: stood(Status(AS_OF, (LEARNING,))),
    "rules": lambda: accepted(reply(RULES, asked("rules"))),
    "rules_none": lambda: accepted(reply(Listing((), span=NOVEMBER), asked("rules project=labs"))),
    "help": lambda: accepted(reply(helped(""), asked("help"))),
    **{
        f"help_{topic}": lambda topic=topic: accepted(reply(helped(topic), asked(f"help {topic}")))
        for topic in ("report", "silence", "subscribe", "doctor")
    },
    "misread": lambda: accepted(reply(parse("reprot last week by projct", TODAY))),
    "trouble": lambda: accepted(trouble("OpenAI's <database> did not answer. Try again.")),
}


@pytest.mark.parametrize("name", sorted(REPLIES))
def test_replies_are_the_golden_ones(name):
    golden(f"reply_{name}.json", json.dumps(REPLIES[name](), indent=1, ensure_ascii=False))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param(
            "report",
            "Spend by project, 1–22 Nov: $10,023.48, down 6% on 1–22 Oct. Largest: search-prod $9,759.00.",
            id="report",
        ),
        pytest.param(
            "report_part",
            "Spend by project, 1–22 Nov: $5,886.42 since 10 Nov (earlier days are not stored). "
            "Largest: search-prod $5,733.00.",
            id="part",
        ),
        pytest.param("report_before", "The costs of 1–31 Mar 2025 are not stored.", id="before-the-history"),
        pytest.param(
            "report_none",
            "No costs are stored yet. The first poll fetches them; ask again in some minutes.",
            id="nothing-yet",
        ),
        pytest.param(
            "status_firing",
            "2 of 3 budgets passed a level; worst is search-prod at 1,028,417% of its 22 Nov budget ($10,284 of $1).",
            id="status",
        ),
        pytest.param(
            "status_kinds",
            "1 of 2 budgets passed a level; worst is search-prod at 85% of its November budget ($10,284 of $12,000, "
            "$312 of it estimated); 5 other alerts, the gravest search-prod ($1,240, +51%).",
            id="kinds",
        ),
        pytest.param("status_alerts", "3 alerts, the gravest search-prod ($1,240, +51%).", id="no-budgets"),
        pytest.param(
            "status_quiet",
            "1 budget, under every level: labs at 0% of its November budget ($17 of $12,000); nothing else stands out.",
            id="quiet",
        ),
        pytest.param("status_no_budgets", "Nothing stands out among 3 watched.", id="nothing-stands-out"),
        pytest.param(
            "rules",
            "3 rules, 2 of them active; 2 projects watched by no budget spent $123.45 in 1–22 Nov.",
            id="rules",
        ),
    ],
)
def test_the_text_holds_the_figure(name, text):
    assert REPLIES[name]()["text"] == text


def test_an_answer_is_private_unless_public_was_said():
    answer = answered("report mtd", SPENT)
    assert reply(answer, answer.query)["response_type"] == "ephemeral"
    assert reply(answer, replace(answer.query, public=True))["response_type"] == "in_channel"
    assert reply(parse("reprot public", TODAY))["response_type"] == "ephemeral"


def cells(body):
    (table,) = [block for block in body["blocks"] if block["type"] == "table"]
    return [[cell["text"] for cell in row] for row in table["rows"]]


def dollars(text):
    return float(text.replace("$", "").replace(",", "").replace("−", "-"))


@pytest.mark.parametrize("length", [10, 40, 300])
@pytest.mark.parametrize(
    "words", ["report 7d", "report 7d top=100", "top 60 7d", "report 7d by project,api_key top=90"]
)
def test_hundreds_of_rows_fit_and_none_is_lost_from_the_sum(words, length):
    series = {n: Series(f"p{n}", "x" * length, "k" * length) for n in range(400)}
    names = Names({("project", f"p{n}"): f"{n}".rjust(length, "p") for n in range(400)})
    rows = [(ago(1), n, (n + 1) * DOLLAR) for n in range(400)]
    answer = answered(words, rows, series=series, names=names)
    body = accepted(reply(answer, answer.query))
    table = cells(body)[1:]
    spend = len(answer.by)
    assert re.fullmatch(r"\d+ others", table[-1][0])
    assert len(table) - 1 + int(table[-1][0].split()[0]) == 400
    assert sum(dollars(row[spend]) for row in table) == sum(range(401))


def test_a_year_of_days_shows_the_latest_and_what_came_before():
    rows = [(ago(n), 1, DOLLAR) for n in range(366)]
    table = cells(told("report 366d by day", rows))
    assert table[1][:2] == ["335 earlier", "$335.00"]
    assert table[-1][0] == str(TODAY)
    assert len(table) == 33


def test_a_thousand_standings_say_how_many_more_passed_a_level():
    many = tuple(replace(FIRING, group_names=(f"p{n}",)) for n in range(30)) + (FINE,) * 970
    body = stood(Status(AS_OF, many))
    assert body["text"].startswith("30 of 1,000 budgets passed a level")
    assert cells(body)[-1][1] == "980 others, 10 past a level"


def test_the_others_of_several_kinds_are_counted_apart():
    shown = (*KINDS[1:4] * 6, *KINDS[1:3])
    others = Counts(standings=980, judged=900, firing=7, watched=80, alerts=3)
    body = stood(Status(AS_OF, shown, others=others))
    assert body["text"].startswith(
        "7 of 900 budgets passed a level; 23 other alerts, the gravest search-prod"
    )
    assert cells(body)[-1][1] == "980 others, 10 alerting"


def test_a_thousand_rules_still_show_what_nobody_watches():
    line = replace(
        RULES.rules[1], title="t" * 200, selects="s" * 500, amount="a $1, " * 200, speaks_in="c" * 200
    )
    bare = tuple(Uncovered(f"p{n}", "n" * 300, DOLLAR) for n in range(200))
    body = accepted(reply(Listing((line,) * 1000, bare, NOVEMBER), asked("rules")))
    assert cells(body)[-1] == ["190 others", "$190.00"]
    assert any(re.search(r"\d+ more rules", text) for text in texts(body["blocks"]))
    assert buttons(body)


# -- names from outside ------------------------------------------------------------------------------

NAMES = st.one_of(
    st.sampled_from(
        (
            "<!channel>",
            "<@U1ADMIN>",
            "<https://evil.example|search-prod>",
            "`code` *bold* _it_ ~no~",
            ":red_circle: all fine",
            "&amp;&lt;!here&gt;",
            "\u202eprod-hcraes",
            "شركة البحث",
            "x" * 300,
            "",
            " ",
            "\u200b\u3164",
            "line\nbreak\r\ttab\x00",
            "> quoted",
            "|",
        )
    ),
    st.text(max_size=80),
)


@settings(max_examples=50, deadline=None)
@given(NAMES, NAMES)
def test_a_name_can_do_nothing_in_a_report(project, item):
    names = Names({("project", "p1"): project})
    rows = [(ago(1), 0, 2 * DOLLAR), (ago(1), 1, DOLLAR)]
    series = {0: Series("p1", item, "key"), 1: Series("p2", "gpt-5.2, input")}
    for words in ("report 7d by project,line_item", "top 1 7d by line_item", "report 7d by project,day"):
        told(words, rows, names=names, series=series)


@settings(max_examples=50, deadline=None)
@given(NAMES, NAMES)
def test_a_name_can_do_nothing_in_status_and_rules(name, rule):
    standing = replace(FIRING, group_names=(name,), rule_name=rule, reason=name, period=rule)
    stood(Status(AS_OF, (standing, replace(standing, state="learning", amount=None)), (f"Why: {name}",)))
    line = replace(RULES.rules[0], title=name, selects=rule, amount=name, speaks_in=rule)
    bare = (Uncovered("p", name, DOLLAR),)
    accepted(reply(Listing((line,), bare, NOVEMBER, (f"Why: {rule}",)), asked("rules")))


@settings(max_examples=50, deadline=None)
@given(st.one_of(NAMES, st.text(max_size=1200)))
def test_words_that_were_not_understood_do_nothing_and_every_button_runs(words):
    for typed in (words, f"report project={words}", f"report {words}", f"help {words}"):
        read = parse(typed, TODAY)
        if isinstance(read, Misread):
            accepted(reply(read))


@settings(max_examples=50, deadline=None)
@given(NAMES.filter(str.strip))
def test_pivots_of_a_hostile_filter_ask_what_they_say(value):
    query = parse(["report", "7d", f"project={value}"], TODAY)
    if isinstance(query, Misread) or len(query.filters) != 1:
        return
    answer = answered(query.command, SPENT)
    body = accepted(reply(answer, answer.query))
    for button in buttons(body):
        again = parse(button["value"].partition("|")[2], TODAY)
        assert again.filters == answer.query.filters


@pytest.mark.parametrize("topic", ["", *VERBS])
def test_help_offers_every_verb(topic):
    body = accepted(reply(helped(topic), asked(f"help {topic}")))
    offered = {button["value"].partition("|")[2] for button in buttons(body)}
    told = helped(topic).verbs if topic else helped(topic).taught
    assert offered == {verb.name for verb in told if verb.alone} - {"help"}
    for verb in helped(topic).verbs:
        assert verb.name in str(body)


def test_a_report_is_a_button_away_from_its_file():
    def files(words):
        actions = told(words)["blocks"][-1]["elements"]
        return [
            (each["text"]["text"], each["value"]) for each in actions if each["action_id"] == "cmd.run.file"
        ]

    assert files("report mtd") == [("CSV", "v1|export mtd by project csv")]
    assert files("report 7d by model,day project=labs json") == [
        ("JSON", "v1|export 7d by model,day project=labs json")
    ]
    assert files("top 5") == []


def test_a_file_of_anything_else_cannot_be_had_in_slack_and_the_answer_says_where():
    body = told("top 5 csv")
    assert "csv is written in a shell: `budgetbot top 5 mtd by project csv`" in list(texts(body["blocks"]))
