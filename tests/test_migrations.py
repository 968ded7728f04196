"""The schema: models equal migrations, however many processes begin at once."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from bot.core.errors import SetupWrong
from bot.edge.store import engine
from bot.edge.store.store import Store


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/budgetbot.db"


def test_migrations_make_what_the_models_say(url):
    with Store(url) as store, store.reading() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_database_looks_like_one_made_from_the_models(url, tmp_path):
    """What alembic does not compare: primary keys, clustering, unique constraints, columns that may be empty."""
    made = engine.open_engine(engine.parse_url(f"sqlite:///{tmp_path}/models.db"))
    with engine.writing(made) as tx:
        SQLModel.metadata.create_all(tx)
    made.dispose()
    Store(url).close()

    def shape(path):
        with closing(sqlite3.connect(path)) as opened:
            tables = [
                row[0]
                for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
                if row[0] != "alembic_version"
            ]
            return {
                table: (
                    opened.execute(
                        f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{table}')"
                    ).fetchall(),
                    sorted(
                        (unique, opened.execute(f"SELECT name FROM pragma_index_info('{index}')").fetchall())
                        for index, unique in opened.execute(
                            f"SELECT name, \"unique\" FROM pragma_index_list('{table}')"
                        )
                    ),
                    sorted(
                        opened.execute(f'SELECT "from", "table" FROM pragma_foreign_key_list(\'{table}\')')
                    ),
                    "WITHOUT ROWID"
                    in opened.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0],
                )
                for table in tables
            }

    assert shape(tmp_path / "budgetbot.db") == shape(tmp_path / "models.db")


def test_an_empty_database_is_brought_to_the_newest_and_then_left_alone(url):
    with Store(url) as store:
        assert store.migrated
        with store.reading() as tx:
            assert tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == engine.newest()
    with Store(url) as store:
        assert not store.migrated


def test_processes_that_begin_at_once_upgrade_once(url):
    begin = (
        "import sys\n"
        "from bot.edge.store.store import Store\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        f"with Store({url!r}) as store:\n"
        "    print(store.migrated, flush=True)\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", begin], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(said) == ["False", "False", "True"]


def test_an_upgrade_that_dies_leaves_nothing_and_is_done_again(url, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    from alembic import command

    upgrade = command.upgrade

    def die(*words):
        upgrade(*words)
        raise Killed

    monkeypatch.setattr(command, "upgrade", die)
    with pytest.raises(Killed):
        Store(url)
    monkeypatch.undo()
    with closing(sqlite3.connect(tmp_path / "budgetbot.db")) as opened:
        assert opened.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)
    with Store(url) as store:
        assert store.migrated


def test_a_database_of_a_newer_version_is_refused_and_left_alone(url, tmp_path):
    Store(url).close()
    with closing(sqlite3.connect(tmp_path / "budgetbot.db")) as opened:
        opened.execute("UPDATE alembic_version SET version_num = '9999'")
        opened.commit()
    with pytest.raises(SetupWrong, match="written by a newer budgetbot") as refused:
        Store(url)
    assert "newer version" in refused.value.remedy
    with closing(sqlite3.connect(tmp_path / "budgetbot.db")) as opened:
        assert opened.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_every_migration_is_found_by_its_number():
    assert (engine.scripts() / "env.py").is_file()
    assert engine.newest().isdigit()
