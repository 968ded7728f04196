"""The modals of alerts, and what the owner of an amount is told, as they go to Slack; kept beside the tests.

`python -m tests.test_modals` writes the files anew, to be read before they are committed.
"""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.drilling import drill
from bot.core.outcome import Outcome
from bot.core.proposal import propose
from bot.core.until import choices, chosen, lasting
from bot.edge.rule_files import load_texts
from bot.render import alert_answers, modals, wishes
from bot.render.replies import reply
from tests.standins.slack_rules import check_message
from tests.standins.slack_views import check_view
from tests.test_alerts import AT, COURSE, DOLLAR, HOSTILE, told, valid
from tests.world import at

GOLDEN = Path(__file__).parent / "golden"
WISH = {
    "who": "U1ALICE",
    "wish": 15_000 * DOLLAR,
    "amount": 12_000 * DOLLAR,
    "spent": 10_284 * DOLLAR,
    "forecast": 14_020 * DOLLAR,
    "subject": "search-prod",
    "period": "November",
    "reason": "the launch",
    "owner": "U2BOB",
    "fingerprint": "0a1b2c3d4e5f",
    "file": "openai.yaml",
    "line": 12,
    "link": "https://git.example.com/rules/openai.yaml#L12",
    "before": "search-prod: 12000",
    "after": "search-prod: 15000",
    "why_not": "",
}


def silence(line="*search-prod* has used *85%*", **more):
    held = {"zone": "Europe/Berlin", "grows": True, "short": False} | more
    return modals.silence(
        "v1|0a1b2c3d4e5f|3|C1OPS", line, choices(AT, held["zone"]), dict(modals.SCOPES), **held
    )


VIEWS = {
    "silence": silence,
    "silence_table": lambda: modals.silence(
        "v1|c71|3|C1OPS",
        "*search-prod* has used *85%*\nand 11 more",
        choices(AT, "UTC", timedelta(hours=24)),
        {"alert": "These 12 alerts"},
        zone="UTC",
        grows=False,
        short=True,
    ),
    "more": lambda: modals.more(
        "v1|0a1b2c3d4e5f|3|C1OPS", "*search-prod*", ["*Spent*\n$10,284 of $12,000"], 15_000 * DOLLAR
    ),
    "refused": lambda: modals.refused("Guests may look, and change nothing."),
}
ANSWERS = {
    "wish": lambda: wishes.notice(WISH),
    "wish_not_found": lambda: wishes.notice(
        {**WISH, "before": "", "after": "amount:\n  search-prod: 15000", "forecast": 0, "link": ""}
    ),
    "wish_of_a_limit": lambda: wishes.notice({**WISH, "why_not": "Its amount is OpenAI's own limit."}),
    "listed": lambda: alert_answers.listed(
        [told(), told("labs", 9_000, 8_000, fingerprint="1" * 12, state="ended")], 3
    ),
    "as_it_stands": lambda: alert_answers.as_it_stands(told()),
    "asks": lambda: reply(
        Outcome(
            "That is 12 alerts. Nothing is acknowledged yet.",
            done=False,
            asks="ack all",
            does="Acknowledge 12",
        )
    ),
    "undo": lambda: reply(Outcome("search-prod is acknowledged.", changed=True, undo="unack 0a1b2c3d4e5f")),
}


@pytest.mark.parametrize("form", VIEWS)
def test_views_are_as_they_were_read_and_agreed(form):
    view = VIEWS[form]()
    check_view(view)
    assert view == json.loads((GOLDEN / f"view_{form}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("form", ANSWERS)
def test_answers_are_as_they_were_read_and_agreed(form):
    body = ANSWERS[form]()
    valid({key: held for key, held in body.items() if key != "response_type"})
    assert body == json.loads((GOLDEN / f"click_{form}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [pytest.param(name, id=kind) for kind, name in HOSTILE.items()])
def test_hostile_names_stay_words_in_modals(name):
    hostile = told(name, tell={"title": name, "team": name, "owner": name}.items())
    wish = {
        **WISH,
        **dict.fromkeys(("subject", "reason", "period", "before", "after", "file"), name),
        "link": "",
    }
    for view in (silence(alert_answers.headline(hostile)), modals.refused(name)):
        check_view(view)
        assert "<!" not in json.dumps(view)
    for body in (
        wishes.notice(wish),
        alert_answers.listed([hostile], 1),
        alert_answers.as_it_stands(hostile),
    ):
        check_message(body)
        assert "<!channel>" not in json.dumps(body)
        assert "<https://evil" not in json.dumps(body)
        assert "\u202e" not in json.dumps(body, ensure_ascii=False)
    assert "<!channel>" not in wishes.thread_line(wish)


def test_forty_alerts_and_more_are_counted():
    many = [told(f"team-{n}", 600 + n, 1_000, fingerprint=f"{n:012x}") for n in range(300)]
    body = alert_answers.listed(many, 1)
    check_message(body)
    shown = sum(block["type"] == "section" for block in body["blocks"])
    assert f"{300 - shown} more" in str(body["blocks"])


# -- until -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "now", "zone", "lasts"),
    [
        pytest.param("1h", "2026-11-20 14:00", "UTC", "for 60m", id="an hour"),
        pytest.param("tomorrow", "2026-11-20 14:00", "Europe/Berlin", "for 1080m", id="08:00 UTC"),
        pytest.param("monday", "2026-11-20 14:00", "Europe/Berlin", "for 3960m", id="a friday's monday"),
        pytest.param("over", "2026-11-20 14:00", "UTC", "until over", id="over"),
        pytest.param("tomorrow", "2026-03-28 12:00", "Europe/Berlin", "for 1140m", id="a night of 23 hours"),
    ],
)
def test_the_ends_of_a_silence(value, now, zone, lasts):
    assert lasting(chosen(value, at(now), zone), at(now)) == lasts


def test_an_end_is_never_earlier_than_it_says():
    now = at("2026-11-20 14:00") + timedelta(seconds=20)
    assert lasting(chosen("tomorrow", now, "UTC"), now) == "for 1140m"
    assert chosen("never", now, "UTC") is None


def test_on_a_sunday_tomorrow_is_monday_and_nothing_is_offered_that_is_refused():
    sunday = at("2026-11-22 13:05")
    assert [each.value for each in choices(sunday, "UTC")] == ["1h", "4h", "tomorrow", "over"]
    short = choices(at("2026-11-20 08:00"), "UTC", timedelta(hours=24))
    assert [each.value for each in short] == ["1h", "4h"]


# -- the line to change ----------------------------------------------------------------------------------

RULE = """\
version: 1
rules:
{}
  - {{id: other, kind: budget, select: {{}}, period: month, amount: 7}}
"""
BUDGET = (
    "  - id: b\n    kind: budget\n    select: {{}}\n    each: project\n    period: month\n    amount: {}\n"
)


@pytest.mark.parametrize(
    ("text", "line", "before", "after"),
    [
        pytest.param(
            "  - {id: b, kind: budget, select: {}, each: project, period: month, amount: 1000}",
            3,
            "- {id: b, kind: budget, select: {}, each: project, period: month, amount: 1000}",
            "- {id: b, kind: budget, select: {}, each: project, period: month, amount: 1500}",
            id="in one line",
        ),
        pytest.param(
            BUDGET.format("12,000   # so far"),
            8,
            "amount: 12,000   # so far",
            "amount: 1500   # so far",
            id="thousands",
        ),
        pytest.param(BUDGET.format('"$5k"'), 8, 'amount: "$5k"', "amount: 1500", id="quoted"),
        pytest.param(
            BUDGET.format("\n      search-prod: 1000\n      else: 50"),
            9,
            "search-prod: 1000",
            "search-prod: 1500",
            id="its own line of a table",
        ),
        pytest.param(
            BUDGET.format("\n      search-*: 1000\n      else: 50"),
            9,
            "",
            "search-prod: 1500    # before search-*: 1000",
            id="a pattern of several: a line of its own before it",
        ),
        pytest.param(
            BUDGET.format("\n      labs: 70\n      else: 1000"),
            3,
            "",
            "amount:\n  search-prod: 1500",
            id="what else has: a line of its own",
        ),
        pytest.param(
            BUDGET.format("{search-prod: 1000, else: 50}"),
            3,
            "",
            "amount:\n  search-prod: 1500",
            id="a table in one line",
        ),
    ],
)
def test_the_line_that_says_the_amount_and_how_it_should_read(text, line, before, after):
    file = RULE.format(text)
    loaded = load_texts({"rules.yaml": file})
    assert loaded.book is not None, loaded.problems
    found = propose(loaded.book.rule("b"), "proj_search", "search-prod", 1_500 * DOLLAR, file)
    assert (found.line, found.before, found.after, found.why_not) == (line, before, after, "")


def test_openais_own_limit_is_raised_there():
    file = RULE.format(BUDGET.format("hard_limit"))
    rule = load_texts({"rules.yaml": file}).book.rule("b")
    assert "raised there" in propose(rule, "proj_search", "search-prod", 1_500 * DOLLAR, file).why_not


def test_without_the_file_the_rule_is_told_what_to_say():
    rule = load_texts({"rules.yaml": RULE.format(BUDGET.format("1000"))}).book.rule("b")
    assert propose(rule, "p", "search-prod", 1_500_500_000_000, "").after == "amount: 1500.5"


# -- drilled ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "group", "names", "report"),
    [
        pytest.param(
            "select: {}, each: project",
            ("proj_a",),
            (("project", "a"),),
            "report 2026-11-01..2026-11-22 by model project=proj_a",
            id="a project by model",
        ),
        pytest.param(
            "select: {}", (), (), "report 2026-11-01..2026-11-22 by project", id="everything by project"
        ),
        pytest.param(
            "select: {project: [search-*, labs], model: gpt-5.2}, except: {api_key: test}",
            (),
            (),
            "report 2026-11-01..2026-11-22 by project project=search-*,labs model=gpt-5.2 api_key!=test",
            id="what is selected stays selected",
        ),
        pytest.param(
            "select: {}, each: [project, model]",
            ("proj_a", "gpt-5.2"),
            (("project", "a"), ("model", "gpt-5.2")),
            "report 2026-11-01..2026-11-22 by api_key project=proj_a model=gpt-5.2",
            id="what is named already is no cut",
        ),
        pytest.param(
            "select: {}, each: project",
            ("",),
            (("project", "(no project)"),),
            'report 2026-11-01..2026-11-22 by model project="(no project)"',
            id="without a project",
        ),
    ],
)
def test_where_an_alert_is_drilled_into(scope, group, names, report):
    text = f"  - {{id: b, kind: budget, {scope}, period: month, amount: 5}}"
    rule = load_texts({"rules.yaml": RULE.format(text)}).book.rule("b")
    telling = replace(told().telling, group=names)
    assert drill(rule, group, telling, AT.date()).report() == report


def test_a_rule_of_many_names_is_drilled_into_as_far_as_a_command_reaches():
    many = ", ".join(f"project-of-team-{n}" for n in range(300))
    text = f"  - {{id: b, kind: budget, select: {{project: [{many}], model: gpt-5.2}}, period: month, amount: 5}}"
    rule = load_texts({"rules.yaml": RULE.format(text)}).book.rule("b")
    found = drill(rule, (), replace(told().telling, group=()), AT.date())
    assert found.wider
    assert found.report() == "report 2026-11-01..2026-11-22 by project model=gpt-5.2"
    body = alert_answers.drilled({"text": "x", "blocks": []}, told(), found)
    assert "shows more than the alert is about" in str(body)


def test_a_card_on_course_proposes_what_it_is_on_course_for():
    assert modals.more("m|", "x", ["y"], COURSE.high)["blocks"][2]["element"]["initial_value"] == "16100"


if __name__ == "__main__":
    for kind, forms in (("view", VIEWS), ("click", ANSWERS)):
        for form, made in forms.items():
            text = json.dumps(made(), indent=1, ensure_ascii=False)
            (GOLDEN / f"{kind}_{form}.json").write_text(text + "\n", encoding="utf-8")
