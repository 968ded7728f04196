"""`db backup`, `verify`, `prune`, `copy`, on both engines: nothing that is asked afterwards has another answer."""

import sqlite3
from contextlib import closing
from datetime import date

import pytest

from bot.answers import answer
from bot.core.errors import Unanswered
from bot.edge.store.copying import copy, every_table
from bot.edge.store.retention import prune
from bot.edge.store.soundness import unsound
from bot.edge.store.store import Store
from bot.render.terminal import shell
from tests import engines
from tests.engines import database_url, look
from tests.shell import Here, environment
from tests.world import LABS, SEARCH, at, world

RULES = """\
version: 1
routes: {room: {channel: ai-spend}}
defaults: {route: room}
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 1000, thresholds: [50%, 100%]}
"""
ASKED = ("status", "report 2026-08-01..2026-10-05 by project,month", "report mtd by day", "history", "alerts")


@pytest.fixture(params=engines.ENGINES)
def lived(request, tmp_path):
    """Two months, an alert, an acknowledgement and a silence."""
    before = engines.engine()
    engines.choose(request.param)
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        for day in ("2026-08-03", "2026-09-03", "2026-10-01"):
            built.ledger.cost(day, SEARCH, "gpt-5.2, output", "250.125")
            built.ledger.cost(day, LABS, "gpt-5.2, input", "40")
        built.poll("2026-10-02 12:00")
        built.ledger.cost("2026-10-03", SEARCH, "gpt-5.2, output", "300")
        built.poll("2026-10-04 12:00")
        yield built
    engines.choose(before)


def here(lived, monkeypatch, capsys):
    given = environment(lived)
    return lambda *words: Here(monkeypatch, capsys)(lived.tmp_path, given, *words)


def answers(lived, url):
    with Store(url) as store:
        now, rules = at("2026-10-05 09:00"), lived.app.rules.now(at("2026-10-05 09:00"))
        found = {}
        for words in ASKED:
            given, query = answer(store, rules, words, now, every=True)
            found[words] = shell(given, "json", query)
        return found


def rows(url):
    names = [table.name for table in every_table()]
    return {name: look(url, f"SELECT COUNT(*) FROM {name}")[0][0] for name in names}


# -- copies ----------------------------------------------------------------------------------------


def test_a_backup_made_while_the_bot_runs_is_the_whole_database(lived, monkeypatch, capsys):
    shell_ = here(lived, monkeypatch, capsys)
    target = lived.tmp_path / "copy.db"
    with lived.app.store.reading():  # somebody is at it
        done = shell_("db", "backup", str(target))
    assert done.code == 0, done.err
    assert "is a whole copy" in done.out
    url = f"sqlite:///{target}"
    assert rows(url) == rows(lived.settings.database_url)
    assert answers(lived, url) == answers(lived, lived.settings.database_url)
    assert not list(lived.tmp_path.glob("*.half*"))


def test_a_backup_never_overwrites(lived, monkeypatch, capsys):
    (lived.tmp_path / "copy.db").write_text("mine", encoding="utf-8")
    done = here(lived, monkeypatch, capsys)("db", "backup", str(lived.tmp_path / "copy.db"))
    assert done.code == 2
    assert (lived.tmp_path / "copy.db").read_text(encoding="utf-8") == "mine"


def test_moving_to_postgres_loses_nothing_and_the_bot_goes_on_there(lived, monkeypatch, capsys):
    target = engines.new_database()
    url = lived.settings.database_url
    done = here(lived, monkeypatch, capsys)("db", "copy", "--to", target)
    assert done.code == 0, done.err
    assert rows(target) == rows(url)
    assert answers(lived, target) == answers(lived, url)
    before = len(lived.posts)
    lived.start(database_url=target)
    lived.poll("2026-10-04 13:00")
    assert len(lived.posts) == before, "what was said is not said again"
    lived.ledger.cost("2026-10-04", SEARCH, "gpt-5.2, output", "900")
    lived.poll("2026-10-04 14:00")
    assert len(lived.replies) >= 1
    with lived.app.store.reading() as tx:
        numbers = [row[0] for row in tx.exec_driver_sql("SELECT id FROM notice ORDER BY id")]
    assert len(set(numbers)) == len(numbers)


def test_nothing_is_copied_onto_something(lived, tmp_path_factory):
    url = database_url(tmp_path_factory.mktemp("other"))
    with Store(lived.settings.database_url) as source, Store(url) as target:
        copy(source, target)
        with pytest.raises(Unanswered, match="has rows already"):
            copy(source, target)


def test_a_copy_that_comes_out_different_is_not_kept(lived, tmp_path_factory, monkeypatch):
    from bot.edge.store import copying

    real = copying._batches

    def lossy(tx, table):
        for batch in real(tx, table):
            yield batch[1:] if table.name == "cost_fact" else batch

    monkeypatch.setattr(copying, "_batches", lossy)
    url = database_url(tmp_path_factory.mktemp("lossy"))
    with (
        Store(lived.settings.database_url) as source,
        Store(url) as target,
        pytest.raises(Unanswered, match="cost_fact came out different"),
    ):
        copy(source, target)
    assert set(rows(url).values()) == {0}


# -- soundness -------------------------------------------------------------------------------------


def test_a_whole_database_is_said_to_be_whole(lived, monkeypatch, capsys):
    done = here(lived, monkeypatch, capsys)("db", "verify")
    assert (done.code, done.out.strip().endswith("is whole.")) == (0, True)


def test_rows_that_contradict_each_other_are_found(lived, monkeypatch, capsys):
    with lived.app.store.writing() as tx:
        tx.exec_driver_sql(
            "INSERT INTO cost_history (bucket, series_id, observed_at, replaced_at, amount_nano) "
            "SELECT bucket, series_id, 9, 9, 1 FROM cost_fact LIMIT 1"
        )
    done = here(lived, monkeypatch, capsys)("db", "verify")
    assert done.code == 1
    assert "1 rows of cost_history end before they begin" in done.out


def test_a_damaged_file_is_found(tmp_path):
    path = tmp_path / "budgetbot.db"
    Store(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as held:
        held.execute("PRAGMA foreign_keys=OFF")
        held.execute(
            "INSERT INTO cost_fact (bucket, series_id, observed_at, amount_nano) VALUES (0, 7, 0, 1)"
        )
        held.commit()
    with Store(f"sqlite:///{path}") as store:
        assert unsound(store) == [
            "1 rows refer to rows that are not there",
            "1 rows of cost_fact belong to no series",
        ]


# -- retention -------------------------------------------------------------------------------------


def test_what_is_kept_answers_as_before_and_what_is_gone_is_said_to_be_gone(lived):
    url = lived.settings.database_url
    kept = answers(lived, url)
    counts = prune(lived.app.store, date(2026, 9, 1))
    assert counts["cost_fact"] == 2
    after = answers(lived, url)
    assert after["status"] == kept["status"]
    assert (
        after["report mtd by day"].partition('"rows"')[2] == kept["report mtd by day"].partition('"rows"')[2]
    )
    assert '"history_from": "2026-09-01"' in after[ASKED[1]]
    assert "Costs are stored from 2026-09-01 on" in after[ASKED[1]]
    assert unsound(lived.app.store) == []
    assert prune(lived.app.store, date(2026, 9, 1)).get("cost_fact", 0) == 0


def test_pruning_stopped_in_the_middle_never_shows_a_part_for_the_whole(lived, monkeypatch):
    class Killed(BaseException):
        pass

    def die(table, rows):
        raise Killed

    with pytest.raises(Killed):
        prune(lived.app.store, date(2026, 9, 1), die)
    told = answers(lived, lived.settings.database_url)[ASKED[1]]
    assert '"history_from": "2026-09-01"' in told


def test_alerts_outlive_the_figures_they_rest_on(lived):
    before = look(lived.settings.database_url, "SELECT COUNT(*) FROM event")[0][0]
    prune(lived.app.store, date(2026, 10, 5))
    assert look(lived.settings.database_url, "SELECT COUNT(*) FROM event")[0][0] == before
    assert look(lived.settings.database_url, "SELECT COUNT(*) FROM poll")[0][0] >= 1


def test_too_little_is_never_kept(lived, monkeypatch, capsys):
    assert here(lived, monkeypatch, capsys)("db", "prune", "--keep", "7").code == 2
    assert here(lived, monkeypatch, capsys)("db", "prune").code == 0
