"""Figures that leave the bot: a report by direct message, and every stored cost for machines, row by row."""

import csv
import io
import json
import tracemalloc
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.core.dimension import Series
from bot.core.exported import Exported, Snapshot
from bot.core.money import exact_usd
from bot.core.spend import Names
from bot.render.answers.export import COLUMNS, texts
from bot.render.replies import reply
from tests.engines import look
from tests.shell import Here, environment
from tests.spending import AS_OF, DOLLAR, ago, answered, asked, golden, number
from tests.standins.slack import refuse, scopes_without
from tests.standins.slack_rules import check_message
from tests.syncing import empty_database
from tests.test_history import listening
from tests.world import LABS, SEARCH, at, world

RULES = """\
version: 1
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 100000}
"""
FORMULA = "=HYPERLINK(1)"


@pytest.fixture(scope="module")
def spent(on_engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    (folder / "budgetbot.db").write_bytes(empty_database())
    with world(folder, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.project(LABS, FORMULA)
        for day in range(1, 31):
            built.ledger.cost(f"2025-09-{day:02}", SEARCH, "gpt-5.2, output", "12.3456789")
        built.ledger.cost("2025-09-20", LABS, "gpt-5.2, input", "0.000000001")
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "550.25")
        built.poll("2025-10-05 12:00")
        built.app.clock = lambda: at("2025-10-05 12:00")
        with listening(built) as slack:
            built.people = slack
            yield built


@pytest.fixture
def say(spent):
    spent.slack.scopes = scopes_without()
    yield lambda words, user="U1ALICE": spent.people.slash(words, user=user).wait(seconds=20)[0]
    spent.slack.scopes = scopes_without()


@pytest.fixture
def here(spent, monkeypatch, capsys):
    run = Here(monkeypatch, capsys)

    def export(*words, now="2025-10-05T12:00:00Z"):
        return run(spent.tmp_path, environment(spent), "export", *words, "--now", now)

    return export


def stored(built, where="1 = 1"):
    return look(
        built.settings.database_url,
        "SELECT bucket, project_id, amount_nano FROM cost_fact f JOIN series s ON s.id = f.series_id "
        f"WHERE {where} ORDER BY bucket, project_id",
    )


# -- Slack -------------------------------------------------------------------------------------------------


def test_a_report_comes_as_a_file_to_who_asked_alone(spent, say):
    before = len(spent.slack.files)
    answer = say("export last-month by project,day csv")
    assert answer["response_type"] == "ephemeral"
    name = "openai-spend_2025-09-01_2025-09-30_by-project-day.csv"
    assert answer["text"] == f"Sent to you: {name} (31 rows, $370.37 in all)."
    (sent,) = spent.slack.files[before:]
    assert sent.name == name
    assert spent.slack.channels[sent.channel].user == "U1ALICE"
    rows = list(csv.DictReader(io.StringIO(sent.content.decode())))
    assert len(rows) == 31
    assert sum(Decimal(row["cost_usd"]) for row in rows) == Decimal("370.370367001")
    assert {row["project"] for row in rows} == {"search-prod", "'" + FORMULA}
    total = sum(amount for *_, amount in stored(spent, "bucket < 1759276800"))
    assert exact_usd(total) == "370.370367001"


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_the_file_is_what_was_asked_for(spent, say, form):
    before = len(spent.slack.files)
    say(f"export 2025-10-01..2025-10-03 by project {form}")
    text = spent.slack.files[before].content.decode()
    rows = json.loads(text)["rows"] if form == "json" else [json.loads(line) for line in text.splitlines()]
    assert rows == [{"project_id": SEARCH, "project": "search-prod", "cost_usd": "550.25", "share": 1.0}]


def test_without_the_scope_it_says_so_and_how_else_to_have_it(spent, say):
    spent.slack.scopes = scopes_without("files:write", "files:read")
    answer = say("export 2025-10-01..2025-10-03 by project")
    check_message(answer)
    assert answer["text"].startswith(
        "This app may not send files here: it needs the scopes files:write and files:read."
    )
    said = json.dumps(answer["blocks"], ensure_ascii=False)
    assert "budgetbot export 2025-10-01..2025-10-03 by project csv" in said
    assert f"{SEARCH},search-prod,550.25,1.0" in said
    long = json.dumps(say("export last-month by project,day")["blocks"])
    assert "```" not in long


def test_a_refusal_of_slack_is_told_kindly(spent, say):
    spent.slack.fault("files.completeUploadExternal", refuse("restricted_action"))
    assert "Slack did not take the file (restricted_action)." in say("export mtd by project")["text"]


def test_what_nobody_can_be_sent_is_shown_where_it_was_asked(spent):
    from bot.desk import Desk

    desk = Desk(spent.app.store, spent.app.rules.last, spent.app.clock)
    assert desk.ask("export mtd by project", "U1ALICE")["text"].startswith("Nobody can be asked who you are")


SPENT = [
    *((ago(n), number("proj_search", "gpt-5.2, input"), 400 * DOLLAR) for n in range(20)),
    (ago(4), number("proj_labs", "gpt-5.2, input"), 7),
]


@pytest.mark.parametrize(
    ("name", "sent", "why"),
    [
        pytest.param("reply_export_sent", "sent", "", id="sent"),
        pytest.param(
            "reply_export_unsent", "unsent", "Slack did not take the file (restricted_action).", id="unsent"
        ),
    ],
)
def test_messages_are_what_a_person_has_read(name, sent, why):
    query = asked("export mtd by project csv")
    told = Exported(
        answered("export mtd by project csv", SPENT),
        "csv",
        "openai-spend_2026-11-01_2026-11-22_by-project.csv",
        sent,
        why,
    )
    body = reply(told, query)
    check_message(body)
    golden(f"{name}.json", json.dumps(body, indent=1, ensure_ascii=False))


@pytest.mark.parametrize("name", ["<!channel> ```*_~`", "\u202eright to left", "x" * 300, "", "=1+1"])
def test_names_from_outside_stay_names(name):
    names = Names({("project", "proj_search"): name, ("project", "proj_labs"): f"{name}2"})
    report = answered("export mtd by project csv", SPENT, names=names)
    body = reply(Exported(report, "csv", "x.csv", "unsent", "No."), asked("export mtd by project csv"))
    check_message(body)
    said = json.dumps(body, ensure_ascii=False)
    assert "<!channel>" not in said
    assert "\u202e" not in said
    assert said.count("```") in (0, 2)


# -- a shell -----------------------------------------------------------------------------------------------


def test_every_stored_cost_is_a_row_exact_and_in_order(spent, here):
    done = here()
    assert done.code == 0
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert tuple(rows[0]) == COLUMNS
    told = [(row["day"], row["project_id"], row["cost_usd"]) for row in rows]
    kept = [
        (
            str(date(1970, 1, 1) + timedelta(seconds=bucket)),
            project,
            exact_usd(nano),
        )
        for bucket, project, nano in stored(spent)
    ]
    assert told == sorted(kept)
    assert {row["model"] for row in rows} == {"gpt-5.2"}
    assert {row["known_at"] for row in rows} == {"2025-10-05T12:00:00Z"}
    assert {row["project"] for row in rows} == {"search-prod", "'" + FORMULA}
    assert done.err.strip() == "Data as of 2025-10-05 12:00 UTC; days are UTC days."
    assert here().out == done.out


def test_json_lines_carry_null_where_nothing_is_known(here):
    rows = [json.loads(line) for line in here("2025-10-03", "--format", "jsonl").out.splitlines()]
    assert rows == [
        {
            "day": "2025-10-03", "project_id": SEARCH, "project": "search-prod", "api_key_id": None, "api_key": "(no key)",
            "user_id": None, "user": "(no user)", "model": "gpt-5.2", "line_item": "gpt-5.2, output", "cost_usd": "550.25",
            "quantity": rows[0]["quantity"], "quantity_unit": rows[0]["quantity_unit"], "known_at": "2025-10-05T12:00:00Z",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "count"),
    [
        pytest.param((), 32, id="everything"),
        pytest.param(("mtd",), 1, id="a range"),
        pytest.param(("last-month",), 31, id="a month"),
        pytest.param(("project=search-*",), 31, id="a filter"),
        pytest.param(("last-month", "project!=search-prod"), 1, id="both"),
        pytest.param(("project=nobody",), 0, id="nothing"),
        pytest.param(("model=gpt-5.2",), 32, id="a model"),
        pytest.param(("last-month", "jsonl"), 31, id="the form as a word"),
    ],
)
def test_a_range_and_filters_choose_rows(here, words, count):
    done = here(*words)
    heading = 0 if "jsonl" in words else 1
    assert len(done.out.splitlines()) - heading == count


def test_nothing_after_now_is_told(here):
    assert len(here(now="2025-10-02T12:00:00Z").out.splitlines()) == 32  # 31 in September, and the heading


def test_with_a_grouping_it_is_the_report(here):
    rows = list(csv.DictReader(io.StringIO(here("last-month", "by", "project").out)))
    assert [(row["project_id"], row["cost_usd"]) for row in rows] == [
        (SEARCH, "370.370367"),
        (LABS, "0.000000001"),
    ]
    assert json.loads(here("mtd", "by", "project", "--format", "json").out)["total_usd"] == "550.25"
    assert json.loads(here("mtd", "project", "--format", "jsonl").out)["cost_usd"] == "550.25"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(("--format", "json"), "row by row", id="json is for reports"),
        pytest.param(("lastmonth",), "last-month", id="a typo"),
        pytest.param(("--format", "xml"), "csv", id="no such form"),
    ],
)
def test_what_cannot_be_followed_is_said(here, words, says):
    done = here(*words)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_help_teaches_with_an_example(here):
    assert "Example: budgetbot export last-month project=search-prod --format jsonl" in here("--help").out


def test_a_million_rows_need_the_memory_of_a_few():
    series = Series("proj_search", "gpt-5.2, output")
    row = Snapshot(date(2026, 11, 1), series, "gpt-5.2", 1, 1_500_000, "tokens", AS_OF)

    def most(count):
        tracemalloc.start()
        for _ in texts((replace(row, cost=n) for n in range(count)), Names(), "jsonl"):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    few = most(2_000)
    assert most(20_000) < few * 1.5
