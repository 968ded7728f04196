"""`explain`: what it finds, what it knows, and what people and machines read of it."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.__main__ import run
from bot.answers import answer
from bot.core.asker import Asker
from bot.core.explaining.working import DayLine, Step, Working
from bot.core.explanation import Data, Delivery, Explanation, Laid, Spoken
from bot.core.listing import RuleLine
from bot.core.period import Span
from bot.core.query import Misread, parse
from bot.core.question import Query
from bot.core.rules.book import Origin
from bot.core.status import Standing
from bot.core.units import USD
from bot.core.view import Source
from bot.orders import carry_out
from bot.render.answers import explain as explanation
from bot.render.replies import reply
from tests.shell import environment
from tests.spending import DOLLAR, golden
from tests.standins.slack_rules import check_message
from tests.world import LABS, SEARCH, at, world

RULES = """
version: 1
teams:
  search: {projects: ["search-*"], channel: search-ops, owner: search-leads}
routes:
  finance: {channel: finance, only: critical}
  night: {channel: ai-spend, quiet: always}
quiet:
  always: {hours: "00:00-23:59"}
rules:
  - id: project-month
    kind: budget
    title: Monthly budget
    select: {}
    each: project
    period: month
    amount: {search-prod: "1,000", labs: 50}
    thresholds: [{at: 80%, severity: warning}, {at: 100%, severity: critical}]
    route: team
  - {id: floor, kind: budget, select: {project: labs}, period: month, amount: 10, thresholds: [{at: 100%, severity: info}], route: finance}
  - {id: later, kind: budget, select: {project: labs}, period: month, amount: 11, thresholds: [{at: 100%, severity: info}], route: night}
  - {id: off, kind: budget, select: {}, period: month, amount: 11, thresholds: [100%], enabled: false}
  - {id: grown, kind: change, each: project, when: {increase: 40%}}
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """search-prod at 80% since the 17th, labs quiet: polled three times."""
    with world(tmp_path_factory.mktemp("explained")) as built:
        for n in range(50):
            day = date(2026, 9, 1) + timedelta(days=n)
            built.ledger.cost(day, SEARCH, "gpt-5.2, input", "40")
            built.ledger.cost(day, LABS, "gpt-5.2, output", "1")
        built.rules(RULES)
        built.poll("2026-10-19 18:00", wait=10.0)
        built.ledger.cost("2026-10-20", SEARCH, "gpt-5.2, input", "50.25")
        built.poll("2026-10-20 18:00", wait=10.0)
        yield built


def ask(built, words, now="2026-10-20 18:05", **how):
    moment = at(now)
    given, query = answer(built.app.store, built.app.rules.now(moment), words, moment, **how)
    body = reply(given, query)
    check_message({key: value for key, value in body.items() if key != "response_type"})
    return given


def mark_of(built, rule, project):
    return ask(built, f"explain {rule} project={project}").standing.fingerprint


# -- what is meant -------------------------------------------------------------------------------------


def test_a_rule_alone_is_its_worst_group_and_how_to_name_another(filled):
    given = ask(filled, "explain project-month")
    assert isinstance(given, Explanation)
    assert (given.standing.subject, given.standing.state, given.standing.level) == (
        "search-prod",
        "firing",
        "80%",
    )
    assert (given.others, given.firing) == (1, 0)
    again = ask(filled, given.another)
    assert again.standing.subject == "labs"
    assert (again.standing.state, again.standing.reason) == ("ok", "below every level")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("explain project-month project=search-prod", id="by-group"),
        pytest.param("explain rule project-month project=proj_search", id="by-the-groups-id"),
        pytest.param("explain rule=project-month project=search-*", id="by-a-pattern"),
        pytest.param('explain "Monthly budget" project~search', id="by-the-title"),
        pytest.param("explain {mark}", id="by-fingerprint"),
        pytest.param("explain {short}", id="by-what-the-fingerprint-begins-with"),
    ],
)
def test_the_same_group_is_found_by_any_name(filled, words):
    mark = mark_of(filled, "project-month", "search-prod")
    given = ask(filled, words.format(mark=mark, short=mark[:7]))
    assert isinstance(given, Explanation), given
    assert (given.standing.rule_id, given.standing.group) == ("project-month", (SEARCH,))


def test_what_nobody_was_told_of_is_found_by_its_fingerprint_too(filled):
    mark = mark_of(filled, "project-month", "labs")
    given = ask(filled, f"explain {mark}")
    assert (given.standing.subject, given.standing.fingerprint, given.told) == ("labs", mark, ())


@pytest.mark.parametrize(
    ("words", "problem", "correction"),
    [
        pytest.param("explain project-mnth", "no rule “project-mnth”", "explain project-month", id="a-rules-name"),
        pytest.param("explain zzz", "no rule “zzz”", "rules", id="nothing-like-it"),
        pytest.param("explain 00000000", "begins with 00000000", "rules", id="a-fingerprint"),
        pytest.param("explain project-month project=serch-prod", "no group with project=serch-prod", "explain project-month project=search-prod", id="a-group"),
        pytest.param("explain project-month model=gpt-5.2", "apart by model: it does by project", "explain project-month", id="a-dimension"),
        pytest.param("explain floor project=labs", "apart by project: it has no groups", "explain floor", id="a-rule-without-groups"),
    ],
)  # fmt: skip
def test_what_names_nothing_is_answered_in_a_sentence_with_the_closest(filled, words, problem, correction):
    given = ask(filled, words)
    assert isinstance(given, Misread)
    assert problem in given.problem
    assert given.corrections[0] == correction
    assert isinstance(parse(given.corrections[0], date(2026, 10, 20)), Query)


def test_a_shell_says_the_same_and_exits_with_a_misuse(filled, monkeypatch, capsys):
    for name, value in environment(filled).items():
        monkeypatch.setenv(name, value)
    assert run(["explain", "project-mnth", "--now", "2026-10-20T18:05Z"]) == 2
    assert "There is no rule “project-mnth”. Try: budgetbot explain project-month" in capsys.readouterr().err
    assert run(["explain", "project-month", "project=labs", "--now", "2026-10-20T18:05Z"]) == 0
    assert "project-month says nothing of labs in October" in capsys.readouterr().out


# -- what it knows -------------------------------------------------------------------------------------


def test_an_explanation_names_the_data_the_rule_and_what_was_said(filled):
    given = ask(filled, "explain project-month")
    assert given.data.poll is not None
    assert (given.data.polled_at, given.data.complete) == (at("2026-10-20 18:00"), True)
    (costs,) = [source for source in given.data.sources if source.name == "costs"]
    assert (costs.read_at, costs.newest) == (at("2026-10-20 18:00"), date(2026, 10, 20))
    assert (given.origin.file, given.origin.line) == ("rules.yaml", 11)
    assert given.speaks_in == ("#search-ops",)
    texts = [step.text for step in given.working.steps]
    assert texts[0] == "$850.25 so far, of $1,000.00"
    assert "80% of $1,000.00 = $800.00: reached on 20 Oct" in texts
    assert given.working.would == ("$149.75 more by 31 Oct reaches 100%",)
    assert sum(line.figures[0] for line in given.working.days) == given.standing.value
    assert given.working.days[-1].figures[1] == given.standing.value
    (fired,) = given.told
    assert (fired.transition, fired.level, fired.reason) == ("fired", "80%", "first this period")
    assert (fired.at, fired.poll, fired.value) == (at("2026-10-20 18:00"), given.data.poll, 850_250_000_000)
    (delivery,) = fired.deliveries
    assert (delivery.where, delivery.state) == ("search-ops", "sent")
    assert delivery.at is not None


@pytest.mark.parametrize(
    ("rule", "state", "reason"),
    [
        pytest.param("grown project=labs", "learning", "$7.00 in the days before, needs $10", id="learning"),
        pytest.param("off", "inactive", "switched off", id="inactive"),
        pytest.param("grown", "ok", "below every level", id="nothing-to-say"),
    ],
)
def test_silence_is_explained_as_well(filled, rule, state, reason):
    given = ask(filled, f"explain {rule}")
    assert given.standing.state == state
    assert reason in given.standing.reason


def test_stale_data_is_named_and_nothing_is_claimed(filled):
    given = ask(filled, "explain project-month", now="2026-10-22 18:05")
    assert (given.standing.state, given.standing.reason) == (
        "nodata",
        "source stale: costs last read on 20 Oct 18:00 UTC",
    )


def test_the_past_is_explained_without_what_came_later(filled):
    given = ask(filled, "explain project-month project=labs", now="2026-10-19 18:05")
    assert given.working.days[-1].day == date(2026, 10, 19)
    assert given.data.polled_at == at("2026-10-19 18:00")


def test_what_keeps_an_alert_from_being_said_is_named(filled):
    (floor,) = ask(filled, "explain floor").laid
    assert (floor.what, floor.where, floor.why) == ("below floor", "#finance", "critical")
    assert [each.what for each in ask(filled, "explain later").laid] == ["quiet"]


def test_who_looks_after_it_and_which_silence_holds_it_back(tmp_path):
    with world(tmp_path) as built:
        built.ledger.cost("2026-10-05", SEARCH, "gpt-5.2, input", "850")
        built.rules(RULES)
        built.poll("2026-10-05 18:00")
        now = at("2026-10-05 18:10")
        for words in ("ack {mark} -- mine", "silence project=search-prod for 4h -- load test"):
            mark = mark_of(built, "project-month", "search-prod")
            order = parse(words.format(mark=mark), now.date())
            done = carry_out(
                built.app.store, built.app.rules.now(now), order, Asker("U1ALICE", role="admin"), now
            )
            assert done.done, done
        given = ask(built, "explain project-month", now="2026-10-05 18:15")
    acknowledged, silenced = given.laid
    assert (acknowledged.what, acknowledged.by, acknowledged.at) == ("acknowledged", "U1ALICE", now)
    assert (silenced.what, silenced.until, silenced.why) == (
        "silenced",
        now + timedelta(hours=4),
        "load test (si_1)",
    )


def test_an_incident_that_is_over_is_told_by_its_own_period_and_beside_today(tmp_path):
    with world(tmp_path) as built:
        built.ledger.cost("2026-09-03", SEARCH, "gpt-5.2, input", "850")
        built.rules(RULES)
        built.poll("2026-09-03 18:00", wait=0.0)
        mark = mark_of_at(built, "2026-09-03 18:05")
        built.poll("2026-10-03 18:00", wait=0.0)
        given = ask(built, f"explain {mark}", now="2026-10-03 18:05")
        assert (given.standing.state, given.standing.period) == ("ended", "September")
        assert given.present is not None
        assert (given.present.state, given.present.period) == ("ok", "October")
        assert [each.transition for each in given.told] == ["ended", "fired"]
        assert given.working.steps[0].text == "$850.00 in all, of $1,000.00"
        assert len(given.working.days) == 30


def mark_of_at(built, now):
    return ask(built, "explain project-month", now=now).standing.fingerprint


def test_an_incident_whose_rule_is_gone_still_has_its_story(tmp_path):
    with world(tmp_path) as built:
        built.ledger.cost("2026-10-05", SEARCH, "gpt-5.2, input", "850")
        built.rules(RULES)
        built.poll("2026-10-05 18:00", wait=0.0)
        mark = mark_of_at(built, "2026-10-05 18:05")
        built.rules(RULES.replace("id: project-month", "id: another-name"))
        built.poll("2026-10-05 18:10", wait=0.0)
        given = ask(built, f"explain {mark}", now="2026-10-05 18:15")
    assert given.rule is None
    assert given.standing.reason == "rule removed"
    assert [each.transition for each in given.told] == ["ended", "fired"]
    assert "there is no such rule any more" in explanation.shell(given, "table")


# -- what people and machines read -----------------------------------------------------------------------

STANDING = Standing(
    "project-month", "Monthly OpenAI budget of a project", "9f00aa11bb22", ("project",), ("proj_search",),
    ("search-prod",), Span(date(2026, 11, 1), date(2026, 12, 1)), "November", "firing", "higher level", "80%",
    "warning", 10_284_170_000_000, 12_000 * DOLLAR, "search", "search-leads",
)  # fmt: skip
POLLED = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
EXPLAINED = Explanation(
    STANDING,
    RuleLine(
        "project-month", "Monthly OpenAI budget of a project", "budget", "everything, each project", "a month",
        "search-prod $12,000, else $200", ("80%", "100%", "forecast 100%"), "the team's channel", "active",
        "https://git.example.com/rules/blob/a1b2c3d/rules.yaml#L12",
    ),
    Origin("rules.yaml", 12),
    "a1b2c3d",
    Data(812, POLLED, True, (Source("costs", POLLED, date(2026, 11, 20)), Source("completions", POLLED, date(2026, 11, 20)))),
    Working(
        (
            Step("$10,284.17 so far, of $12,000.00"),
            Step("80% of $12,000.00 = $9,600.00: reached on 18 Nov", True),
            Step("100% of $12,000.00 = $12,000.00: $1,715.83 to go", False),
            Step("forecast 100% ($12,000.00 or more): 62% on 17 Nov and 84% on 18 Nov; needs 80% on two settled days in a row", False),
        ),
        ("$1,715.83 more by 30 Nov reaches 100%", "forecast 100%: a probability of 80% on two settled days in a row; it is on course for $12,920"),
        (("cost", USD), ("sum", USD)),
        tuple(
            DayLine(date(2026, 11, n), ((514 + n) * DOLLAR, sum(514 + k for k in range(1, n + 1)) * DOLLAR), "80%" if n == 18 else "not settled" if n > 18 else "")
            for n in range(1, 21)
        ),
    ),
    ("#search-ops",),
    (
        Laid("acknowledged", by="U1ALICE", at=datetime(2026, 11, 18, 15, 10, tzinfo=UTC)),
        Laid("silenced", by="bob", at=POLLED, until=datetime(2026, 11, 21, 9, tzinfo=UTC), why="load test (si_3)"),
        Laid("quiet", where="#search-ops", until=datetime(2026, 11, 21, 8, tzinfo=UTC)),
        Laid("below floor", where="#finance-exec", why="critical"),
    ),
    (
        Spoken("9f00aa11bb22", datetime(2026, 11, 18, 14, 5, tzinfo=UTC), "raised", "80%", "higher level", 9_612 * DOLLAR, 790, (Delivery("search-ops", "held", None, "silenced until 2026-11-21T09:00Z"),)),
        Spoken("9f00aa11bb22", datetime(2026, 11, 12, 9, 5, tzinfo=UTC), "fired", "50%", "first this period", 6_040 * DOLLAR, 700, (Delivery("search-ops", "sent", datetime(2026, 11, 12, 9, 5, tzinfo=UTC)),)),
        Spoken("01abcdef0123", datetime(2026, 11, 1, 14, 0, tzinfo=UTC), "ended", "80%", "the period is over", 9_900 * DOLLAR, 500),
    ),
    others=79,
    firing=2,
    another="explain project-month project=labs",
)  # fmt: skip
LEARNING = replace(
    EXPLAINED,
    standing=replace(STANDING, each=(), group=(), group_names=(), state="learning", level="", severity=None, amount=None, reason="learning: history from 5 Nov, needs 1 Nov"),
    working=Working(), laid=(), told=(), others=0, firing=0, another="", commit="",
    notes=("The rule files have 1 error (rules.yaml:3:1 B012: unknown key); the last good rules go on.",),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "given"), [pytest.param("firing", EXPLAINED, id="firing"), pytest.param("learning", LEARNING, id="learning")]
)  # fmt: skip
def test_the_golden_explanations(name, given):
    golden(
        f"answer_explain_{name}.txt",
        "\n\n".join(explanation.shell(given, form) for form in ("json", "csv", "table")),
    )
    body = reply(given, parse("explain project-month", date(2026, 11, 20)))
    check_message({key: value for key, value in body.items() if key != "response_type"})
    golden(f"reply_explain_{name}.json", json.dumps(body, ensure_ascii=False, indent=1))


DAY = Span(date(2026, 11, 18), date(2026, 11, 19))
WEEK = Span(date(2026, 11, 12), date(2026, 11, 19))


@pytest.mark.parametrize(
    ("standing", "first"),
    [
        pytest.param(
            replace(STANDING, state="ok", level="", severity=None, reason="below every level"),
            "project-month says nothing of search-prod in November, $10,284.17 of $12,000.00: below every level",
            id="quiet",
        ),
        pytest.param(
            replace(STANDING, span=DAY, period="18 Nov", level="100%", severity="critical"),
            "project-month fires at 100% (critical) for search-prod on 18 Nov, $10,284.17 of $12,000.00: higher level",
            id="a-day",
        ),
        pytest.param(
            replace(
                STANDING,
                kind="change",
                span=DAY,
                period="18 Nov",
                days=WEEK,
                state="pending",
                level="",
                reason="pending",
            ),
            "project-month holds for search-prod, and waits in the 7 days to 18 Nov, $10,284.17, −14%: pending",
            id="a-window",
        ),
        pytest.param(
            replace(
                STANDING,
                kind="first_seen",
                span=DAY,
                period="18 Nov",
                level="new",
                reason="first this period",
            ),
            "project-month fires at new (warning) for search-prod now, $10,284.17: first this period",
            id="now",
        ),
        pytest.param(
            replace(STANDING, state="ended", reason="the period is over"),
            "project-month has ended for search-prod in November, $10,284.17 of $12,000.00: the period is over",
            id="over",
        ),
        pytest.param(
            replace(
                STANDING,
                state="error",
                amount=None,
                each=(),
                group=(),
                group_names=(),
                span=None,
                reason="could not be evaluated: X",
            ),
            "project-month is not judged: could not be evaluated: X",
            id="an-error",
        ),
    ],
)
def test_the_first_line_says_what_of_whom_and_why(standing, first):
    given = replace(EXPLAINED, standing=standing)
    assert explanation.shell(given, "table").splitlines()[0] == f"{first}."
    assert reply(given, None)["text"] == f"{first}."


def test_names_from_outside_say_nothing_of_their_own():
    evil = "<!channel> *bold* `x`\n>"
    hostile = replace(
        EXPLAINED,
        standing=replace(STANDING, group_names=(evil,), reason=evil),
        working=replace(EXPLAINED.working, steps=(Step(evil),), would=(evil,)),
        laid=(Laid("silenced", by=evil, why=evil),),
        speaks_in=(evil,),
    )
    body = reply(hostile, None)
    check_message({key: value for key, value in body.items() if key != "response_type"})
    assert (
        "<!" not in json.dumps([block for block in body["blocks"] if block["type"] != "table"]) + body["text"]
    )


def test_the_keys_of_the_json_are_as_agreed():
    body = json.loads(explanation.shell(EXPLAINED, "json"))
    assert list(body) == [
        "rule", "title", "kind", "file", "line", "commit", "link", "selects", "asks", "levels", "fingerprint",
        "group", "period", "state", "level", "severity", "value", "amount", "reason", "data", "arithmetic",
        "would_fire", "days", "speaks_in", "overlays", "told", "other_groups",
    ]  # fmt: skip
    assert (body["value"], body["amount"], body["data"]["poll"]) == ("10284.17", "12000", 812)
    assert body["data"]["sources"][0] == {
        "source": "costs",
        "as_of": "2026-11-20T14:00:00Z",
        "newest_day": "2026-11-20",
    }
    assert body["days"][0] == {"day": "2026-11-01", "figures": {"cost": "515", "sum": "515"}, "note": None}
    assert body["told"][1]["delivered"] == [
        {"to": "search-ops", "state": "sent", "at": "2026-11-12T09:05:00Z", "why": None}
    ]
