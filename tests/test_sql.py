"""SQL holds our own names and bound values: looked at in the source, and in what a hostile world makes of it."""

import ast
import re

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from bot.edge.store import tables
from bot.edge.store.copying import every_table
from tests.shell import ROOT, Here, environment
from tests.syncing import empty_database
from tests.world import at, world

SPOKEN = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|DROP TABLE|COPY|PRAGMA|WHERE|ORDER BY|GROUP BY|UNION|FROM|ON CONFLICT)\b"
)
COLUMNS = {"columns", "column", "names", "', '.join(names)", "', '.join(names[:keys])", "metric.name"}
OURS = {
    "billed.py": {"part.place", "part.table", "chosen", "days_of"},
    "checksums.py": {"chosen"},
    "facts.py": COLUMNS
    | {"table.fact", "table.history", "i", "parts[i].table", "marks", "counts"}
    | {
        "f'CAST(SUM({column}) AS bigint)' if added[i] else column",
        "' GROUP BY series_id' if added[i] else ''",
    }
    | {"', '.join((f'{name} = excluded.{name}' for name in names[2:]))"},
    "history.py": {"metric.name", "name", "table", "marks", "' UNION ALL '.join(parts)"},
    "hours.py": {"', '.join(metric_names)"},
    "live.py": {"', '.join(BILLED_BY)"},
    "months.py": {"chosen"},
    "postgres.py": COLUMNS | {"table", "loading", "marks", "calls", "conflict", "changes"},
    "retention.py": {"table"},
    "series_index.py": COLUMNS | {"marks"},
    "soundness.py": {"table"},
    "sqlite.py": COLUMNS | {"table", "target", "marks", "changes", "BUSY_MS", "pragma"},
}
"""File → everything that is written into its statements: tables and columns of ours, marks for bound values, numbers
that we count, and sentences made of those. Whoever adds to it makes sure that it never comes from outside."""
SOURCES = sorted((ROOT / "bot").rglob("*.py"))
SPEAKS_SQL = ROOT / "bot" / "edge" / "store"


def literal(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def written(tree):
    """Yield (line, expression) of whatever is written into a text that reads like SQL."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and SPOKEN.search("".join(map(literal, node.values))):
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    yield node.lineno, ast.unparse(part.value)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
            for side, other in ((node.left, node.right), (node.right, node.left)):
                if SPOKEN.search(literal(side)) and not literal(other):
                    yield node.lineno, ast.unparse(other)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("format", "format_map", "replace", "join")
            and SPOKEN.search(literal(node.func.value))
            and not _of_statements(node)
        ):
            yield node.lineno, ast.unparse(node)


def _of_statements(call):
    """Tell whether what is joined are f-strings, which are looked at themselves."""
    (joined,) = call.args[:1] or [None]
    return isinstance(joined, ast.GeneratorExp) and isinstance(joined.elt, ast.JoinedStr)


@pytest.mark.parametrize("path", sorted(SPEAKS_SQL.glob("*.py")), ids=lambda path: path.name)
def test_only_our_own_names_are_written_into_statements(path):
    strangers = [
        (line, said)
        for line, said in written(ast.parse(path.read_text("utf-8")))
        if said not in OURS.get(path.name, ())
    ]
    assert not strangers, f"{path.name}: bind the value, or say in OURS why it is ours"


def test_nobody_else_speaks_sql():
    spoken = ("exec_driver_sql", "executemany", "executescript")
    for path in SOURCES:
        if path.is_relative_to(SPEAKS_SQL):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(node, "attr", getattr(node, "id", ""))
            assert name not in spoken, f"{path}:{node.lineno}"
        assert "from sqlalchemy import text" not in path.read_text("utf-8"), path


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param('run(tx, f"SELECT 1 FROM t WHERE name = {user}")', ["user"], id="an f-string"),
        pytest.param('run(tx, "SELECT 1 FROM t WHERE name = %s" % user)', ["user"], id="a percent sign"),
        pytest.param('run(tx, "SELECT 1 FROM t WHERE name = " + user)', ["user"], id="a sum"),
        pytest.param('run(tx, "SELECT 1 FROM {}".format(user))', ["'SELECT 1 FROM {}'.format(user)"], id="format"),
        pytest.param('run(tx, "SELECT 1 WHERE a = ?", (user,))', [], id="bound"),
    ],
)  # fmt: skip
def test_the_walk_sees_what_is_written(source, found):
    assert [said for _, said in written(ast.parse(source))] == found


def test_names_of_tables_and_columns_need_no_quotes():
    assert tables.ORGANIZATION
    for table in every_table():
        for name in (table.name, *(column.name for column in table.columns)):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name


HOSTILE = "canary'); DROP TABLE series; --"
RULES = """\
version: 1
rules:
  - id: each
    kind: budget
    title: "canary' OR 1=1 --"
    select: {project: "canary*"}
    each: project
    period: month
    amount: 100
    thresholds: [50%]
"""


def test_what_comes_from_outside_is_bound_and_never_written(tmp_path, monkeypatch, capsys):
    said = []

    def hear(_connection, _cursor, statement, parameters, _context, _many):
        said.append((statement, str(parameters)))

    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    event.listen(Engine, "before_cursor_execute", hear)
    try:
        with world(tmp_path, offers=("costs",)) as built:
            built._clock[0] = at("2025-10-05 12:00")
            built.rules(RULES)
            built.ledger.project("proj_canary'--", HOSTILE)
            built.ledger.cost("2025-10-03", "proj_canary'--", HOSTILE, "550.25")
            here, given = Here(monkeypatch, capsys), environment(built)
            assert here(tmp_path, given, "poll", "--now", "2025-10-05T12:00:00Z").code == 0
            for words in (
                ("status", f"project={HOSTILE}"),
                ("report", "2025", f"project={HOSTILE}", f"line_item={HOSTILE}"),
                ("why", "2025-10", f"project~{HOSTILE}"),
                ("history", f"owner={HOSTILE}"),
                ("explain", HOSTILE),
                ("silence", f"project={HOSTILE}", "for", "1h", "--yes", "--", HOSTILE),
                ("alerts", f"label={HOSTILE}"),
                ("export", "2025", f"project={HOSTILE}"),
            ):
                assert here(tmp_path, given, *words, "--now", "2025-10-05T12:01:00Z").code in (0, 1, 2), words
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
    assert [statement for statement, _ in said if "canary" in statement.lower()] == []
    assert any("canary" in bound for _, bound in said), "nothing hostile came as far as the database"
    assert len(said) > 100
