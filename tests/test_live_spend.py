"""Live spend, lived through: a key that runs away is heard with the poll that shows its usage, and billed later."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.accuracy import read_accuracy
from bot.answers import answer
from bot.core.live.meters import Meter
from bot.demo.openai_faults import Status
from bot.edge.store import records
from bot.render.replies import reply
from tests.shell import environment, shell
from tests.spending import golden
from tests.standins.slack_rules import check_message
from tests.syncing import empty_database
from tests.world import SEARCH, at, world

LAB, CALM, RUNAWAY = "proj_lab", "key_notebooks", "key_ingest"
LINE = "gpt-5.2, input"
MILLION = 1_000_000
LAB_LIVE = """\
  - id: lab-live
    kind: budget
    metric: spend
    select: {project: lab}
    period: day
    amount: 200
    thresholds: [{at: 100%, severity: critical}]
"""
HEAD = """\
version: 1
defaults: {route: finops}
routes:
  finops: {channel: ai-spend, remind: never}
rules:
"""


@pytest.fixture(autouse=True)
def _edits_at_once(monkeypatch):
    monkeypatch.setattr("bot.edge.store.delivery.EDIT_PACE", timedelta(0))
    monkeypatch.setattr("bot.deliver.LOOK_AGAIN", 0)


@pytest.fixture
def w(tmp_path):
    """An organization that pays $10 a million tokens, and whose bill comes a day late."""
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path) as built:
        built.rules(HEAD + LAB_LIVE)
        built.ledger.project(LAB, "lab")
        built.ledger.api_key(LAB, CALM, "notebooks")
        built.ledger.api_key(LAB, RUNAWAY, "ingest-worker")
        for day in range(1, 20):
            use(built, f"2026-10-{day:02}T10:00", 2)
            use(built, f"2026-10-{day:02}T10:00", 1, project=SEARCH, key="key_search")
            if day < 19:
                built.ledger.cost(f"2026-10-{day:02}", LAB, LINE, 20)
                built.ledger.cost(f"2026-10-{day:02}", SEARCH, LINE, 10)
        built.start()
        built.app.sources = ("costs", "completions")
        yield built


def use(w, moment, millions, key=CALM, project=LAB, model="gpt-5.2"):
    w.ledger.usage(
        "completions",
        moment,
        {"input_tokens": int(millions * MILLION), "output_tokens": 0, "num_model_requests": 10},
        project_id=project,
        api_key_id=key,
        model=model,
        batch=False,
    )


def heard(done):
    return [(event.rule_id, event.transition, event.level) for event in done.events]


def standing(w, moment, rule="lab-live"):
    status, _ = answer(w.app.store, w.app.rules.now(at(moment)), "status", at(moment), every=True)
    return next(each for each in status.standings if each.rule_id == rule)


def stored_version(w):
    with w.app.store.reading() as tx:
        return records.version(tx)


def billed_today(w):
    with w.app.store.reading() as tx:
        return tx.exec_driver_sql("SELECT COUNT(*) FROM cost_fact WHERE bucket = 1792454400").scalar()


def test_an_injected_runaway_key_fires_within_one_poll_of_the_usage_that_shows_it(w):
    use(w, "2026-10-20T08:50", 0.6)
    assert heard(w.poll("2026-10-20 09:00")) == []
    for minute in range(5, 13):  # from 09:05 on, three million tokens a minute
        use(w, f"2026-10-20T09:{minute:02}", 3, RUNAWAY)
    done = w.poll("2026-10-20 09:20")
    assert billed_today(w) == 0, "the costs API still knows nothing"
    assert heard(done) == [("lab-live", "fired", "100%")]
    (post,) = w.posts
    card = {"text": post.text, "blocks": post.blocks, "attachments": post.attachments}
    check_message(card)
    golden("card_live.json", json.dumps(card, indent=1, ensure_ascii=False))
    said = str(post)
    assert "$46 over" in said
    assert "$246" in said
    assert "of it estimated" in said
    assert "ingest-worker" in said, "who it is"
    told = standing(w, "2026-10-20 09:20")
    assert (told.state, told.value, told.estimated) == ("firing", 246 * 10**9, 246 * 10**9)
    assert heard(w.poll("2026-10-20 09:25")) == []
    assert len(w.posts) == 1


def test_the_bill_corrects_the_figure_in_place_without_a_second_message(w):
    use(w, "2026-10-20T08:50", 0.6)
    w.poll("2026-10-20 09:00")
    use(w, "2026-10-20T09:10", 24, RUNAWAY)
    w.poll("2026-10-20 09:20")
    w.ledger.cost("2026-10-19", LAB, LINE, 20)
    w.ledger.cost("2026-10-20", LAB, LINE, "240.50")  # tiered: less than it was estimated at
    w.poll("2026-10-21 12:00")
    (card,) = w.posts
    assert "$246.00 of $200.00" in str(card), "the larger of bill and estimate counts until it has settled"
    assert "$5.50 of it estimated" in str(card)
    w.poll("2026-10-22 12:05")
    (card,) = w.posts
    assert "$240.50 of $200.00" in str(card)
    assert "estimated" not in str(card)
    assert w.replies == []


@pytest.fixture
def soon(w):
    """A day on which an overspend has begun that no poll has seen."""
    w.rules(HEAD + LAB_LIVE + "  - {id: cost, kind: budget, select: {}, period: day, amount: 30}\n")
    w.poll("2026-10-20 09:00")
    use(w, "2026-10-20T09:10", 24, RUNAWAY)
    w.ledger.cost("2026-10-20", SEARCH, LINE, 40)
    return w


def test_a_rule_that_reads_what_could_not_be_read_waits_for_the_next_poll_and_the_others_go_on(soon):
    soon.openai.break_down(Status(400), "/usage/completions")
    done = soon.poll("2026-10-20 09:20")
    assert {rule for rule, *_ in heard(done)} == {"cost"}
    soon.openai.recover()
    assert heard(soon.poll("2026-10-20 09:25")) == [("lab-live", "fired", "100%")]


def test_what_waited_is_judged_although_nothing_has_changed_since(soon):
    soon.rules(HEAD + LAB_LIVE.replace("amount: 200", "amount: 1000"))
    assert heard(soon.poll("2026-10-20 09:20")) == []
    soon.ledger.cost("2026-10-20", LAB, LINE, 1010)
    soon.openai.break_down(Status(400), "/usage/completions")
    assert heard(soon.poll("2026-10-20 09:25")) == []
    version = stored_version(soon)
    soon.openai.recover()
    assert heard(soon.poll("2026-10-20 09:30")) == [("lab-live", "fired", "100%")]
    assert stored_version(soon) == version


def test_usage_is_judged_while_costs_cannot_be_read(soon):
    rule = "  - {id: tokens, kind: budget, metric: input_tokens, select: {}, period: day, amount: 20000000}\n"
    soon.rules(HEAD + LAB_LIVE + rule)
    soon.openai.break_down(Status(400), "/organization/costs")
    done = soon.poll("2026-10-20 09:20")
    assert {rule for rule, *_ in heard(done)} == {"tokens"}
    assert not done.complete


def test_usage_that_cannot_be_read_for_hours_is_said_once_and_its_figure_stays_marked(soon):
    soon.poll("2026-10-20 09:20")
    before = len(soon.posts)
    soon.openai.break_down(Status(400), "/usage/completions")
    for hour in range(10, 15):
        soon.poll(f"2026-10-20 {hour}:20")
    (said,) = soon.posts[before:]
    assert "No usage of completions could be read for 3 hours" in str(said)
    told = standing(soon, "2026-10-20 14:20")
    assert (told.state, told.estimated) == ("nodata", told.value)
    soon.openai.recover()
    soon.poll("2026-10-20 15:20")
    assert len(soon.posts) == before + 2
    assert "usage is read again" in str(soon.posts[-1])
    assert standing(soon, "2026-10-20 15:20").state == "firing"


def test_a_month_of_live_spend_with_levels_counts_days_billed_and_days_estimated(w):
    rule = LAB_LIVE.replace("period: day", "period: month").replace("amount: 200", "amount: 500")
    w.rules(HEAD + rule + "    each: project\n")
    use(w, "2026-10-20T08:50", 1)
    w.poll("2026-10-20 09:00")
    told = standing(w, "2026-10-20 09:00")
    # Eighteen days at $20, and two that are not billed: $20 and $10.
    assert (told.value, told.estimated) == (390 * 10**9, 30 * 10**9)
    use(w, "2026-10-20T09:10", 12, RUNAWAY)
    assert heard(w.poll("2026-10-20 09:20")) == [("lab-live", "fired", "100%")]
    assert "$150 of it estimated" in str(w.posts[0])
    assert "Where it went" in str(w.posts[0])


def test_what_has_no_price_is_said_and_not_counted(w):
    w.rules(HEAD + LAB_LIVE.replace("amount: 200", "amount: 100"))
    w.poll("2026-10-20 09:00")
    use(w, "2026-10-20T09:10", 11, RUNAWAY)
    use(w, "2026-10-20T09:11", 0.5, RUNAWAY, model="nobody-knows-it-9")
    w.poll("2026-10-20 09:20")
    said = str(w.posts[0])
    assert "$110" in said
    assert "500,000 input tokens of nobody-knows-it-9 have no known price and are not counted" in said


@pytest.mark.parametrize(
    ("meter", "words"),
    [
        pytest.param(Meter("gpt-image-9", "images"), "images of gpt-image-9", id="images"),
        pytest.param(Meter("gpt-9", "cached input"), "cached input tokens of gpt-9", id="tokens"),
        pytest.param(Meter("", "web searches"), "web searches", id="a tool"),
    ],
)
def test_what_is_counted_has_words(meter, words):
    assert meter.words == words


def test_live_spend_that_grows_with_the_hours_is_looked_at_again(w):
    w.poll("2026-10-20 09:00")
    assert w.poll("2026-10-20 09:30").skipped == "nothing changed and no boundary passed"
    assert w.poll("2026-10-20 10:00").skipped == ""


# The score


def test_the_score_is_kept_although_no_rule_is_about_live_spend(w):
    w.rules(HEAD + "  - {id: cost, kind: budget, select: {}, period: month, amount: 99999}\n")
    use(w, "2026-10-20T08:50", 5)
    for moment in ("2026-10-20 23:30", "2026-10-21 00:30"):
        w.poll(moment)
    w.ledger.cost("2026-10-19", LAB, LINE, 20)
    w.ledger.cost("2026-10-19", SEARCH, LINE, 10)
    w.ledger.cost("2026-10-20", LAB, LINE, 49)
    w.poll("2026-10-22 12:05")
    score = read_accuracy(w.app.store, at("2026-10-22 12:05"))
    days = {day.day.day: day for day in score.days}
    assert days[20].all.estimated == 50 * 10**9
    assert days[20].all.error == pytest.approx(1 / 49)
    assert days[19].all.error == 0


@pytest.fixture
def scored(w):
    """One day that was estimated 2% too high, and is settled."""
    w.rules(HEAD + LAB_LIVE)
    use(w, "2026-10-20T08:50", 5)
    w.poll("2026-10-21 00:30")
    w.ledger.cost("2026-10-19", LAB, LINE, 20)
    w.ledger.cost("2026-10-19", SEARCH, LINE, 10)
    w.ledger.cost("2026-10-20", LAB, LINE, 49)
    w.poll("2026-10-22 12:05")
    return w


def test_the_score_is_asked_for_in_slack(scored):
    now = at("2026-10-22 12:10")
    given, query = answer(scored.app.store, scored.app.rules.now(now), "accuracy public", now)
    body = reply(given, query)
    check_message(body)
    assert body["response_type"] == "in_channel"
    assert body["text"].startswith("Live spend was ")
    assert "`accuracy public` · data as of 22 Oct 12:05 UTC" in str(body)
    given, query = answer(scored.app.store, scored.app.rules.now(now), "accuracy 7d", now)
    assert "accuracy" in query_of(given)


def query_of(misread):
    """What was meant by words that make no question."""
    return misread.corrections[0]


def test_the_score_is_asked_for_in_a_shell(scored):
    scored.stop()
    asked = ("accuracy", "--now", "2026-10-22T12:10:00Z")
    told = shell(scored.tmp_path, environment(scored), *asked)
    assert told.code == 0, told.err
    assert told.out.startswith("Live spend was ")
    assert "20 Oct" in told.out
    rows = shell(scored.tmp_path, environment(scored), *asked, "--format", "json").json
    assert rows["days"][-1] == {
        "day": "2026-10-20", "estimated_usd": "50", "billed_usd": "49", "error": 0.0204, "own_error": 0.0204,
        "listed_usd": "0", "missed_usd": "0",
    }  # fmt: skip
    columns = shell(scored.tmp_path, environment(scored), *asked, "--format", "csv").out.splitlines()[0]
    assert columns == "day,estimated_usd,billed_usd,error,own_error,listed_usd,missed_usd"


def test_a_day_is_scored_by_what_was_known_in_its_last_hour(w):
    """Between two looks of an hour nothing is scored; in the hour after midnight, every poll is."""
    use(w, "2026-10-20T08:50", 1)
    seen = {}
    for moment, more in (
        ("2026-10-20 22:00", 1), ("2026-10-20 22:30", 1), ("2026-10-20 23:00", 0),
        ("2026-10-21 00:05", 1), ("2026-10-21 00:55", 1), ("2026-10-21 01:05", 0),
    ):  # fmt: skip
        w.poll(moment)
        with w.app.store.reading() as tx:
            kept = tx.exec_driver_sql("SELECT SUM(estimated_nano) FROM estimate WHERE day = '2026-10-20'")
            seen[moment[8:]] = Decimal(kept.scalar() or 0) / 10**9
        if more:
            use(w, "2026-10-20T23:00", more)
    assert list(seen.values()) == [10, 10, 30, 30, 40, 40]


def test_an_estimate_of_usage_that_could_not_be_read_is_no_score(w):
    use(w, "2026-10-20T08:50", 1)
    w.poll("2026-10-20 22:00")
    use(w, "2026-10-20T22:10", 3)
    w.openai.break_down(Status(400), "/usage/completions")
    w.poll("2026-10-21 00:30")
    w.openai.recover()
    with w.app.store.reading() as tx:
        kept = tx.exec_driver_sql(
            "SELECT SUM(estimated_nano) FROM estimate WHERE day = '2026-10-20'"
        ).scalar()
    assert kept == 10 * 10**9


SETTLED_RULES = """\
  - {id: change, kind: change, metric: spend, each: project, window: 3d, when: {increase: 40%}}
  - {id: anomaly, kind: anomaly, metric: spend, each: project, ignore_below: $1}
  - {id: ratio, kind: ratio, numerator: spend, denominator: requests, each: project, window: 3d, when: {above: 1.50},
     min_denominator: 1}
  - {id: month, kind: budget, metric: spend, select: {}, period: month, amount: 9000, thresholds: [100%, forecast 100%]}
"""


def test_rules_about_settled_days_take_live_spend_as_it_is_billed(w):
    """What is estimated is in none of their figures, however much it is."""
    w.rules(HEAD + SETTLED_RULES)
    w.ledger.cost("2026-10-19", LAB, LINE, 20)
    w.ledger.cost("2026-10-19", SEARCH, LINE, 10)
    use(w, "2026-10-20T09:10", 90, RUNAWAY)
    assert heard(w.poll("2026-10-21 12:30")) == [("ratio", "fired", "above $1.50")]
    told = standing(w, "2026-10-21 12:30", "ratio")
    assert (told.group, told.value, told.estimated) == ((LAB,), 2 * 10**9, 0)
    for rule in ("change", "anomaly"):
        assert standing(w, "2026-10-21 12:30", rule).state == "ok"
    month = standing(w, "2026-10-21 12:30", "month")
    assert (month.state, month.estimated) == ("ok", 900 * 10**9)
