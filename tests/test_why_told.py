"""`why` through the real parts: what OpenAI billed over HTTP is what is taken apart, to the nano-dollar."""

import csv
import io
import json
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import event

from bot.answers import answer
from bot.core.money import exact_usd, nano
from bot.core.period import DAY
from bot.core.query import Misread
from bot.core.why import DIMENSIONS, Why
from bot.edge.store import incidents
from bot.render.replies import reply
from bot.render.terminal import shell
from tests.heard import listening
from tests.spending import golden
from tests.standins.slack_rules import check_message
from tests.test_alerts import HOSTILE
from tests.test_replies import buttons, mrkdwn
from tests.world import LABS, SEARCH, at, world

RULES = """
version: 1
rules:
  - {id: cap, kind: budget, title: Daily cap, select: {}, each: project, period: day, amount: 100, thresholds: [{at: 100%, severity: warning}]}
  - {id: everything, kind: budget, title: Everything, select: {}, period: month, amount: 1000, thresholds: [50%]}
  - {id: live, kind: budget, metric: spend, title: Live, select: {project: search-prod}, period: month, amount: 500, thresholds: [100%]}
  - {id: tokens, kind: budget, metric: output_tokens, title: Tokens, select: {}, each: project, period: month, amount: 9000000, thresholds: [100%]}
  - {id: rise, kind: change, title: Doubled, each: project, window: 2d, when: {increase: 100%, at_least: $50}}
  - {id: rate, kind: ratio, title: Dear requests, numerator: cost, denominator: requests, per: 1, when: {above: 0.5}, window: 1d, min_denominator: 1}
  - {id: keys, kind: first_seen, title: New key, dimension: api_key, lookback: 30d, min_amount: $1}
"""
NOW = "2026-11-21 14:05"
FIRST, BORN, LAST = date(2026, 9, 3), date(2026, 11, 18), date(2026, 11, 21)
LINES = ("gpt-5.2, input", "gpt-5.2, output")


class Bill:
    """What is billed, and where it can be looked up again."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.rows = []

    def add(self, day, project, line, amount, key=None, quantity=None, unit="tokens"):
        quantities = {"quantity": str(quantity), "quantity_unit": unit} if quantity is not None else {}
        self.ledger.cost(day, project, line, amount, api_key_id=key, **quantities)
        self.rows.append((day, project or "", line or "", key or "", Decimal(amount)))

    def total(self, first, last, **only):
        """Dollars billed on some days, of a project, line or key."""
        names = ("project", "line", "key")
        return sum(
            amount
            for day, *values, amount in self.rows
            if first <= day <= last
            and all(dict(zip(names, values, strict=True))[key] == value for key, value in only.items())
        )


def loop(built):
    """Eleven usual weeks with quiet weekends, a dearer input since November, and a key that runs away on the 18th."""
    bill = Bill(built.ledger)
    built.ledger.api_key(SEARCH, "key_web", "web")
    built.ledger.api_key(SEARCH, "key_ingest", "ingest-worker")
    for place in range((LAST - FIRST).days + 1):
        day = FIRST + place * DAY
        tokens = 10_000_000 if day.weekday() < 5 else 2_000_000
        price = Decimal("2.1") if day.month == 11 else Decimal(2)
        bill.add(day, SEARCH, LINES[0], f"{tokens * price / 1_000_000}", "key_web", tokens)
        bill.add(day, SEARCH, LINES[1], f"{Decimal(tokens) / 1_000_000}", "key_web", tokens // 10)
        bill.add(day, LABS, "web search tool calls", "3.123456789", None, 312, "calls")
        bill.add(day, LABS, "fine tuning", "1.10")
        if day >= BORN:
            bill.add(day, SEARCH, LINES[1], "150.25", "key_ingest", 15_000_000)
        for hour in range(8, 12) if day > date(2026, 10, 1) else ():
            used(built, day, hour, "key_web", tokens // 40)
        for hour in range(9, 24) if day >= BORN else ():
            used(built, day, hour, "key_ingest", 1_000_000)
    return bill


def used(built, day, hour, key, output):
    counts = {"input_tokens": output * 10, "output_tokens": output, "num_model_requests": 3}
    built.ledger.usage(
        "completions",
        f"{day}T{hour:02}:07",
        counts,
        project_id=SEARCH,
        api_key_id=key,
        model="gpt-5.2",
        batch=False,
    )


@contextmanager
def runaway(tmp_path, rules=RULES, now="2026-11-21 14:00", **server):
    with world(tmp_path, **server) as built:
        bill = loop(built)
        built.rules(rules)
        built.start().sources = ("costs", "completions")
        done = built.poll(now, wait=0.0)
        assert done.complete, [result.why for result in done.results]
        yield built, bill


@pytest.fixture(scope="module")
def labs(tmp_path_factory):
    with runaway(tmp_path_factory.mktemp("why")) as told:
        yield told


def ask(built, words, now=NOW):
    moment = at(now)
    given, query = answer(built.app.store, built.app.rules.now(moment), words, moment)
    body = reply(given, query)
    check_message({key: value for key, value in body.items() if key != "response_type"})
    if isinstance(given, Why):
        adds_up(given, query)
    return given, query, body


def adds_up(given, query):
    """Whatever is told, in any form, its parts are the change."""
    told = json.loads(shell(given, "json", query))
    read = list(csv.DictReader(io.StringIO(shell(given, "csv", query))))
    if given.change is None:
        assert not given.breakdowns
        assert told["change"] is None
        return
    change = next(key for key in ("change_usd", "change_value") if key in told)
    total = Decimal(told[change])
    for dimension in told["by"]:
        assert sum(Decimal(part[change]) for part in told["by"][dimension]) == total
        rows = [row for row in read if row["by"] == dimension]
        assert sum(Decimal(row[change]) for row in rows) == total
    if told["effects"]:
        effects = told["effects"]
        keys = ("volume_usd", "mix_usd", "price_usd", "not_countable_usd")
        assert sum(Decimal(effects[key]) for key in keys) == total
        assert sum(Decimal(row[change]) for row in read if row["by"] == "effect") == total


def parts(given, dimension):
    (found,) = [each for each in given.breakdowns if each.dimension == dimension]
    return {part.name: (part.before, part.after) for part in found.parts}


def fingerprint(built, rule):
    with built.app.store.reading() as tx:
        rows = tx.exec_driver_sql("SELECT fingerprint FROM incident WHERE rule_id = ?", (rule,)).fetchall()
    return rows[0][0]


# -- a range ---------------------------------------------------------------------------------------


def test_a_month_is_held_against_the_same_days_of_the_last(labs):
    built, bill = labs
    given, _, body = ask(built, "why")
    now, then = (date(2026, 11, 1), LAST), (date(2026, 10, 1), date(2026, 10, 21))
    assert (given.before, given.after) == (nano(bill.total(*then)), nano(bill.total(*now)))
    for name, project in (("search-prod", SEARCH), ("labs", LABS)):
        both = tuple(nano(bill.total(*days, project=project)) for days in (then, now))
        assert parts(given, "project")[name] == both
    for line in (*LINES, "fine tuning", "web search tool calls"):
        assert parts(given, "line_item")[line] == tuple(
            nano(bill.total(*days, line=line)) for days in (then, now)
        )
    assert parts(given, "api_key")["ingest-worker"] == (0, nano(4 * Decimal("150.25")))
    assert [each.dimension for each in given.breakdowns] == list(DIMENSIONS)
    assert body["text"].startswith("Spend, 1–21 Nov: $1,")
    assert "ingest-worker" in body["text"]


def test_a_day_is_held_against_the_same_weekdays_of_the_four_weeks_before(labs):
    built, bill = labs
    given, _, body = ask(built, "why yesterday project=search-prod")
    friday = date(2026, 11, 20)
    fridays = [friday - 7 * n * DAY for n in (1, 2, 3, 4)]
    usual = sum(bill.total(day, day, project=SEARCH) for day in fridays) / 4
    assert given.before == nano(usual)
    assert given.after == nano(bill.total(friday, friday, project=SEARCH))
    assert "since" not in body["text"]
    assert "key ingest-worker" in body["text"]
    assert "first seen 18 Nov" in body["text"]
    assert "above its usual" in body["text"]
    ((dimension, part),) = given.newcomers
    assert (dimension, part.name, part.first) == ("api_key", "ingest-worker", BORN)


def test_price_volume_and_mix_are_those_of_the_bill(labs):
    built, _ = labs
    given, _, _ = ask(built, "why 2026-11-02..2026-11-06 vs=2026-10-26..2026-10-30 project=search-prod")
    # As many tokens of everything, at 2.1 instead of 2 dollars a million of input: 50 million of them.
    found = given.effects
    assert (found.volume, found.mix, exact_usd(found.price), found.uncounted) == (0, 0, "5", 0)
    given, _, _ = ask(built, "why 2026-10 vs=2026-10-05..2026-10-11 project=labs")
    assert given.effects.mix == given.effects.price == 0
    assert exact_usd(given.effects.volume) == str(24 * Decimal("3.123456789"))
    assert exact_usd(given.effects.uncounted) == str((24 * Decimal("1.10")).normalize())


def test_a_part_that_is_no_newcomer_is_told_with_the_day_it_left_the_usual(tmp_path):
    with world(tmp_path) as built:
        bill = Bill(built.ledger)
        for n in range(60):
            day = LAST - n * DAY
            bill.add(day, SEARCH, LINES[0], "20" if day < date(2026, 11, 19) else "90", "key_web")
            bill.add(day, LABS, LINES[0], "10", "key_labs")
        built.start()
        built.poll("2026-11-21 14:00", wait=0.0)
        given, _, body = ask(built, "why yesterday")
        assert given.blame.since == "2026-11-19"
        assert "mostly project search-prod, key key_web, since 19 Nov, 100% of the rise" in body["text"]
        assert "no quantity is told beside these costs" in str(body["blocks"])
        given, _, body = ask(built, "why 2026-11-18 vs=yesterday")
        assert given.blame.fell
        assert "down" in body["text"]
        assert "of the fall" in body["text"]
        given, _, body = ask(built, "why 2026-11-10 vs=2026-11-11")
        assert body["text"] == "Spend, 10 Nov: $30.00, as much as in 11 Nov."


def test_a_new_model_is_named_once(tmp_path):
    with world(tmp_path) as built:
        for n in range(70):
            built.ledger.cost(LAST - n * DAY, SEARCH, LINES[0], "10", api_key_id="key_web")
            for line in ("gpt-6, input", "gpt-6, output") if n < 4 else ():
                built.ledger.cost(LAST - n * DAY, SEARCH, line, "5", api_key_id="key_web")
        built.start()
        built.poll("2026-11-21 14:00", wait=0.0)
        given, query, body = ask(built, "why")
        assert [(dimension, part.name) for dimension, part in given.new] == [("model", "gpt-6")]
        assert len(given.newcomers) == 3
        assert "New: gpt-6, first seen 18 Nov, 100% of the rise\n" in shell(given, "table", query)
        assert "mostly gpt-6, first seen 18 Nov, 100% of the rise." in body["text"]


def test_a_hole_is_compared_with_nothing(tmp_path):
    with runaway(tmp_path, now="2026-11-21 14:00") as (built, _):
        with built.app.store.writing() as tx:
            tx.exec_driver_sql("UPDATE source_state SET since = '2026-10-10' WHERE source = 'costs'")
        given, query, body = ask(built, "why")
        assert given.before is None
        assert given.after is not None
        assert body["text"].endswith("not all costs of 1–21 Oct are stored, so nothing can be compared.")
        assert "%" not in shell(given, "table", query)
        given, _, body = ask(built, "why 2026-10-12")
        assert body["text"].endswith("too little is stored before to know what is usual.")
        given, _, _ = ask(built, "why 2026-10-20")
        assert given.against.versus.days == 10
        given, _, body = ask(built, "why 2026-09")
        assert body["text"] == "The costs of 1–30 Sep are not stored."
        given, _, body = ask(built, "why", now="2026-11-23 10:00")
        assert body["text"] == "Not all costs of 1–23 Nov are stored: what changed in them cannot be said."


@contextmanager
def counting(store):
    statements = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    event.listen(store._engine, "before_cursor_execute", note)
    yield statements
    event.remove(store._engine, "before_cursor_execute", note)


def test_it_reads_as_often_for_many_projects_as_for_two(tmp_path):
    counts = []
    for many in (2, 60):
        folder = tmp_path / str(many)
        folder.mkdir()
        with world(folder) as built:
            for n in range(many):
                for place in range(40):
                    more = {"api_key_id": f"key_{n}"}
                    built.ledger.cost(
                        LAST - place * DAY, f"proj_{n}", LINES[n % 2], str(n + 1 + (not place)), **more
                    )
            built.start()
            built.poll("2026-11-21 14:00", wait=0.0)
            with counting(built.app.store) as statements:
                ask(built, "why 7d")
            counts.append(len(statements))
    assert counts[0] == counts[1] < 15


# -- an alert --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        pytest.param("cap", ("search-prod, 21 Nov: $156.45", "above its usual $6.10", "first seen 18 Nov"), id="a day's budget, against what was before its run"),
        pytest.param("everything", ("The organization, 1–21 Nov", "above its usual", "project search-prod, key ingest-worker"), id="a month's budget"),
        pytest.param("live", ("Live", "key ingest-worker"), id="live spend"),
        pytest.param("tokens", ("76,200,000 output tokens, 60,000,000 (370%) above its usual 16,200,000;", "key ingest-worker"), id="tokens"),
        pytest.param("rise", ("search-prod", "key ingest-worker"), id="a change, against its own days before"),
        pytest.param("rate", ("nothing can be taken apart, for a ratio is not a sum of parts",), id="a ratio"),
        pytest.param("keys", ("ingest-worker", "above its usual"), id="a new key"),
    ],
)  # fmt: skip
def test_an_alert_of_every_kind(labs, rule, says):
    built, _ = labs
    mark = fingerprint(built, rule)
    given, query, body = ask(built, f"why {mark[:6]}")
    assert given.alert.fingerprint == mark
    shown = f"{body['text']} {shell(given, 'table', query)} {given.alert.rule}"
    for words in says:
        assert words in shown
    if given.change is not None:
        with built.app.store.reading() as tx:
            incident = incidents.by_fingerprint(tx, [mark])[mark]
        assert given.after == incident.value or rule == "keys"
    asked_by = {each["text"]["text"]: each["value"] for each in buttons(body)}
    assert asked_by["Explain"].endswith(f"explain {mark}")


def test_an_alert_against_days_of_ones_own_choice_and_a_part_of_it(labs):
    built, bill = labs
    mark = fingerprint(built, "everything")
    given, _, _ = ask(built, f"why {mark} vs=2026-10 project=labs")
    assert given.before == nano(bill.total(date(2026, 10, 1), date(2026, 10, 31), project=LABS))
    assert not given.against.usual


@pytest.mark.parametrize("words", ["why 0000", "why ffffffffffff"])
def test_a_fingerprint_that_is_none(labs, words):
    given, _, body = ask(labs[0], words)
    assert isinstance(given, Misread)
    assert given.corrections == ("status", "why")
    assert "No alert has a fingerprint" in body["text"]


def test_an_alert_whose_rule_is_gone(tmp_path):
    with runaway(tmp_path) as (built, _):
        mark = fingerprint(built, "cap")
        built.rules(RULES.replace("{id: cap,", "{id: other-cap,"))
        given, _, _ = ask(built, f"why {mark}")
    assert isinstance(given, Misread)
    assert given.problem.startswith(f"The rule of {mark} is gone")


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        pytest.param("{id: stored, kind: budget, metric: usage_bytes, title: Stored, select: {}, period: month, amount: 1, thresholds: [100%]}", "it is a level of each day, and no sum of parts", id="a level"),
        pytest.param("{id: late, kind: freshness, title: Late, poll: 3h, data: 1h}", "it is about no amount that can rise", id="no amount"),
    ],
)  # fmt: skip
def test_an_alert_that_is_no_sum_of_parts_says_so(tmp_path, rules, says):
    with world(tmp_path) as built:
        for n in range(10):
            built.ledger.cost(LAST - (n + 3) * DAY, SEARCH, LINES[0], "10")
            built.ledger.usage(
                "vector_stores", f"{LAST - n * DAY}T07:00", {"usage_bytes": 7}, project_id=SEARCH
            )
            used(built, LAST - n * DAY, 8, "key_web", 1_000)
        built.rules(f"version: 1\nrules:\n  - {rules}\n")
        built.start().sources = ("costs", "completions", "vector_stores")
        built.poll("2026-11-21 14:00", wait=0.0)
        with built.app.store.reading() as tx:
            (mark,) = tx.exec_driver_sql("SELECT fingerprint FROM incident").fetchone()
        given, _, body = ask(built, f"why {mark}")
        assert given.change is None
        assert body["text"].endswith(f"nothing can be taken apart, for {says}.")


# -- in Slack --------------------------------------------------------------------------------------


def test_people_ask_in_slack_press_a_pivot_and_share_it(labs):
    built, bill = labs
    with listening(built) as slack:

        def told(asked):
            (found,) = asked.wait()
            check_message({key: found[key] for key in ("text", "blocks")})
            return found

        def labelled(found, label):
            return next(each for each in buttons(found) if each["text"]["text"] == label)

        mark = fingerprint(built, "cap")
        card = told(slack.slash(f"why {mark}"))
        assert card["text"].startswith(
            "search-prod, 21 Nov: $156.45, $150.35 (2,465%) above its usual $6.10; mostly key"
        )
        answered = told(slack.slash("why yesterday project=search-prod"))
        yesterday = LAST - DAY
        assert f"20 Nov: ${bill.total(yesterday, yesterday, project=SEARCH):,.2f}, " in answered["text"]
        assert answered["response_type"] == "ephemeral"
        pivot = labelled(answered, "By API key")
        by_key = told(slack.click(pivot["action_id"], pivot["value"]))
        shown = str(by_key["blocks"])
        web = bill.total(yesterday, yesterday, project=SEARCH, key="key_web")
        assert f"${web:,.2f}" in shown
        assert "ingest-worker (new)" in shown
        share = labelled(answered, "Share in channel")
        assert told(slack.click(share["action_id"], share["value"]))["response_type"] == "in_channel"
        compared = labelled(answered, "Compare")
        both = told(slack.click(compared["action_id"], compared["value"]))
        friday, thursday = (bill.total(day, day, project=SEARCH) for day in (yesterday, yesterday - DAY))
        change = f"{'up' if friday > thursday else 'down'} ${abs(friday - thursday):,.2f}"
        assert (change in both["text"]) or friday == thursday
        assert f"${thursday:,.2f}" in str(both)


# -- how it is said --------------------------------------------------------------------------------

ASKED = {
    "why": "why",
    "why_yesterday": "why yesterday project=search-prod",
    "why_by_key": "why 7d by api_key public csv",
    "why_month_raw": "why 2026-10 raw",
    "why_cap": "cap",
    "why_tokens": "tokens",
    "why_rate": "rate",
}


def words_of(built, name):
    words = ASKED[name]
    return words if words.startswith("why") else f"why {fingerprint(built, words)}"


@pytest.mark.parametrize("name", sorted(ASKED))
def test_replies_are_the_golden_ones(labs, name):
    _, _, body = ask(labs[0], words_of(labs[0], name))
    golden(f"reply_{name}.json", json.dumps(body, indent=1, ensure_ascii=False))


def test_tables_are_the_golden_ones(labs):
    drawn = []
    for name in ASKED:
        given, query, _ = ask(labs[0], words_of(labs[0], name))
        drawn.append(f"$ {query.command}\n{shell(given, 'table', query)}\n")
    golden("answer_why.txt", "\n".join(drawn).rstrip())


def test_a_chart_is_drawn_for_people_who_ask_for_one(labs):
    built, bill = labs
    given, query, body = ask(built, "why 2026-11-01..2026-11-21 by api_key chart")
    assert given.chart.labels == ("ingest-worker", "web")
    assert given.chart.actual[0] == nano(bill.total(date(2026, 11, 1), LAST, key="key_ingest"))
    assert body["chart"]["title"] == "What moved by API key, 1–21 Nov"
    assert "▇" in shell(given, "table", query)
    assert ask(built, f"why {fingerprint(built, 'tokens')} chart")[0].chart is None
    assert ask(built, "why mtd")[0].chart is None


@pytest.mark.parametrize("name", [pytest.param(name, id=kind) for kind, name in HOSTILE.items()])
def test_hostile_names_stay_words(tmp_path, name):
    with world(tmp_path) as built:
        built.ledger.project(SEARCH, name)
        built.ledger.api_key(SEARCH, "key_new", name)
        for n in range(40):
            built.ledger.cost(LAST - n * DAY, SEARCH, name or None, "10", api_key_id="key_old")
            built.ledger.cost(
                LAST - n * DAY,
                LABS,
                LINES[0],
                "1",
                api_key_id="key_labs",
                quantity="7",
                quantity_unit=name or None,
            )
            if n < 3:
                built.ledger.cost(LAST - n * DAY, SEARCH, name or None, "80", api_key_id="key_new")
        built.start().sources = ("costs",)
        built.poll("2026-11-21 14:00", wait=0.0)
        for words in ("why yesterday", "why mtd by line_item top=40", "why 7d by api_key chart"):
            given, query, body = ask(built, words)
            assert given.change > 0
            assert given.blame.parts
            for text in (body["text"], *mrkdwn(body["blocks"])):
                assert "<!" not in text
                assert "<http" not in text
            for form in ("table", "json", "csv"):
                told = shell(given, form, query)
                assert form == "csv" or "\u202e" not in told
                assert form != "table" or all(len(line) < 700 for line in told.splitlines())
