"""Every verb through the real bolt app: its figures are those that are stored, whatever a project is called."""

import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.core.accuracy import Score
from bot.core.money import nano, show_usd
from bot.core.verbs import VERBS
from bot.edge.store import live
from tests.engines import look
from tests.heard import listening
from tests.standins.slack_rules import check_message
from tests.syncing import empty_database
from tests.world import LABS, SEARCH, at, world

HOSTILE = "\u202e<!channel> *_~`" + "x" * 300
RULES = """\
version: 1
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 2000}
  - {id: each, kind: budget, title: "<!here> *_~`", select: {}, each: project, period: month, amount: 20}
"""


def seconds(day):
    return int(at(str(day)).timestamp())


class Told:
    """A room of people, and what is stored."""

    def __init__(self, built):
        self.built = built

    def stored(self, since, until, project="%"):
        """What is stored of some days, both among them, in nano-dollars."""
        ((total,),) = self.rows(
            "SELECT SUM(amount_nano) FROM cost_fact f JOIN series s ON s.id = f.series_id "
            f"WHERE project_id LIKE '{project}' AND bucket BETWEEN {seconds(since)} AND {seconds(until)}"
        )
        return int(total or 0)

    def rows(self, sql):
        return [tuple(row) for row in look(self.built.settings.database_url, sql)]

    @property
    def mark(self):
        """The alert about the project with the hostile name."""
        ((found,),) = self.rows(
            f"SELECT fingerprint FROM incident WHERE state = 'firing' AND group_ids = '[\"{LABS}\"]'"
        )
        return found

    def say(self, words, longest=150):
        """What Slack shows of the answer to words, letter by letter; nothing in it is refused, or mentions anybody."""
        asked = self.built.slack.slash(words)
        assert asked.acked
        (answer,) = asked.wait(seconds=20)
        assert asked.refusals == []
        assert answer["response_type"] == "ephemeral"
        check_message({key: answer[key] for key in ("text", "blocks", "attachments") if key in answer})
        shown = json.dumps([answer["text"], answer.get("blocks", [])], ensure_ascii=False)
        assert "\u202e" not in shown
        assert "x" * longest not in shown
        assert "<!" not in json.dumps([answer["text"], list(parsed(answer))])
        return shown.replace("*", "")


def parsed(held):
    """Every text that Slack reads for mentions and formats."""
    if isinstance(held, dict):
        if held.get("type") == "mrkdwn":
            yield held["text"]
        held = list(held.values())
    if isinstance(held, list):
        for each in held:
            yield from parsed(each)


@pytest.fixture(scope="module")
def told(on_engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("verbs")
    (folder / "budgetbot.db").write_bytes(empty_database())
    with world(folder, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.project(LABS, HOSTILE)
        day = date(2025, 9, 1)
        while day < date(2025, 10, 5):
            october = day.month == 10
            built.ledger.cost(day, SEARCH, "gpt-5.2, output", "300.25" if october else "20.5")
            built.ledger.cost(day, LABS, "gpt-5-nano, input" if october else "gpt-5.2, input", "7.125")
            day += timedelta(days=1)
        built.poll("2025-10-05 12:00")
        told = Told(built)
        with listening(built):
            keep_an_estimate(told)
            yield told


def keep_an_estimate(told):
    """A day, by 10% too low."""
    first = date(2025, 9, 20)
    amount = told.stored(first, first) * 9 // 10
    with told.built.app.store.writing() as tx:
        live.keep(tx, first, [Score(first, SEARCH, "gpt-5.2, output", amount, True, at("2025-09-20 23:00"))])


OCTOBER, SEPTEMBER = ("2025-10-01", "2025-10-05"), ("2025-09-01", "2025-09-05")


def status(told):
    assert f"{show_usd(told.stored(*OCTOBER, LABS), cents=False)} of $20" in told.say("status all")
    assert f"{show_usd(told.stored(*OCTOBER), cents=False)} of $2,000" in told.say("status all")


def report(told):
    shown = told.say("report by project")
    for project in ("%", SEARCH, LABS):
        assert show_usd(told.stored(*OCTOBER, project)) in shown


def top(told):
    part, whole = told.stored(*OCTOBER, SEARCH), told.stored(*OCTOBER)
    assert f"{show_usd(part)} of {show_usd(whole)} ({100 * part // whole}%)" in told.say("top 1")


def forecast(told):
    assert f"{show_usd(told.stored(*OCTOBER), cents=False)} of $2,000" in told.say("forecast")


def compare(told):
    now, then = told.stored(*OCTOBER), told.stored(*SEPTEMBER)
    shown = told.say("compare mtd")
    assert f"{show_usd(now)}, up {show_usd(now - then)} ({round(100 * (now - then) / then)}%)" in shown
    assert show_usd(then) in shown


def why(told):
    now, then = told.stored(*OCTOBER, SEARCH), told.stored(*SEPTEMBER, SEARCH)
    assert f"+{show_usd(now - then)}" in told.say("why mtd")
    assert show_usd(told.stored(*OCTOBER, LABS)) in told.say(f"why {told.mark}")


def rules(told):
    assert "$2,000 a month" in told.say("rules")


def explain(told):
    shown = told.say(f"explain {told.mark}", longest=400)  # here a name is told in full
    assert f"{show_usd(told.stored(*OCTOBER, LABS))} so far, of $20.00" in shown
    assert show_usd(told.stored("2025-10-01", "2025-10-02", LABS)) in shown


def ack(told):
    assert "is acknowledged" in told.say(f"ack {told.mark} -- <!channel>")
    assert told.rows("SELECT by FROM acknowledgement") == [("U1ALICE",)]


def unack(told):
    assert "is acknowledged no longer" in told.say(f"unack {told.mark}")
    assert told.rows("SELECT by FROM acknowledgement") == []


def silence(told):
    assert "si_1 holds back" in told.say(f"silence project={LABS} for 1h -- <!here>")
    assert told.rows("SELECT COUNT(*) FROM silence WHERE ended_at IS NULL") == [(1,)]


def unsilence(told):
    assert "si_1 is over" in told.say("unsilence si_1")
    assert told.rows("SELECT COUNT(*) FROM silence WHERE ended_at IS NULL") == [(0,)]


def history(told):
    assert f"{show_usd(told.stored(*OCTOBER, LABS))} of $20.00" in told.say(f"history {told.mark}")
    assert f"{show_usd(told.stored(*OCTOBER, LABS))} of $20" in told.say("history 30d")


def alerts(told):
    assert f"{show_usd(told.stored(*OCTOBER, LABS), cents=False)} of $20" in told.say("alerts")


def export(told):
    assert f"{show_usd(told.stored(*OCTOBER))} in all" in told.say("export mtd by project,day csv")
    (sent,) = told.built.slack.files
    lines = csv.DictReader(io.StringIO(sent.content.decode()))
    assert sum(nano(Decimal(row["cost_usd"])) for row in lines) == told.stored(*OCTOBER)


def subscribe(told):
    assert "su_1 comes to you alone" in told.say("subscribe daily 08:30")
    assert told.rows("SELECT user_id FROM subscription WHERE ended_at IS NULL") == [("U1ALICE",)]
    assert "su_1" in told.say("subscribe list")


def unsubscribe(told):
    assert "su_1 is over" in told.say("unsubscribe su_1")
    assert told.rows("SELECT user_id FROM subscription WHERE ended_at IS NULL") == []


def refresh(told):
    before = told.stored(*OCTOBER)
    told.built.ledger.cost("2025-10-04", LABS, "gpt-5-nano, input", "3.5")
    shown = told.say("refresh")
    assert told.stored(*OCTOBER) - before == nano(Decimal("3.5"))
    assert "$3.50" in shown


def doctor(told):
    shown = told.say("doctor")
    assert "the last one, 0 minutes ago, was complete" in shown
    assert "2 rules in force" in shown


def accuracy(told):
    assert "Live spend was 10.0% too low over 1 day" in told.say("accuracy")


def help(told):  # noqa: A001 - it is called so
    shown = told.say("help")
    assert all(verb in shown for verb in VERBS)


STORIES = (
    *(status, report, top, forecast, compare, why, rules, explain, ack, unack, silence, unsilence, history),
    *(alerts, export, subscribe, unsubscribe, doctor, accuracy, help, refresh),
)


def test_every_verb_has_its_story():
    assert {story.__name__ for story in STORIES} == VERBS.keys()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_what_is_answered_is_what_is_stored(told, story):
    story(told)
