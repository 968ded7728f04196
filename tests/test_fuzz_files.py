"""Whatever stands in a file of rules or cases, and whatever somebody types: a value or problems at their place, soon."""

import tracemalloc
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.cases.parse import parse as parse_cases
from bot.core.query import Misread, Query, parse
from bot.core.rules.nodes import Source
from bot.core.rules.problems import Problems
from bot.edge import case_files
from bot.edge.rule_files import LARGEST, load, load_texts
from bot.edge.yaml_nodes import DEEPEST, read_yaml
from tests.shell import ROOT

TODAY = date(2026, 11, 22)
SHIPPED = [
    (ROOT / "rules" / "budgets.yaml").read_text("utf-8"),
    (ROOT / "rules/examples/openai.yaml.example").read_text("utf-8"),
]
CASES = (ROOT / "rules" / "budgets.cases.yaml").read_text("utf-8")
PIECES = st.sampled_from(
    ["version: 1", "rules:", "\n", "\n  ", "\n  - ", "- ", "id: a", "kind: budget", "kind: ratio", "select: {", "}", "[", "]", "amount: ",
     "$1,500", "*x", "&a ", "*a", "<<: ", "!!python/object/apply:os.system ", "!t ", "#x", "@x", "'", '"', ": ", ",", "\t", "thresholds: ",
     "80%", "{regex: ", "(a+)+", "é", "\u2028", "\x00", "\x85", "\ufeff", "\ud800", "| ", "> ", "%", "%YAML 9", "`", "---\n", "...\n", "? ", "0x1F",
     "1e999", "-1", "2026-13-45", "null", "~", "period: month", "digests: [", "schedule: ", "* * * * *", "routes: ", "teams: ", "expect: {", "cases:"]
)  # fmt: skip


def sound(loaded):
    """What is true of every answer of the loader."""
    assert (loaded.book is None) == any(problem.severity == "error" for problem in loaded.problems)
    for problem in loaded.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message
        assert "Traceback" not in problem.message
        assert "object at 0x" not in problem.message


@given(st.lists(PIECES | st.text(max_size=8), max_size=40).map("".join))
def test_any_text_is_rules_or_problems(text):
    sound(load_texts({"a.yaml": text}))


@pytest.mark.parametrize("shipped", SHIPPED, ids=["tutorial", "example"])
@given(data=st.data())
def test_a_file_in_which_something_else_stands_is_rules_or_problems(shipped, data):
    text = shipped
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = (
            text[:at] + data.draw(PIECES | st.text(max_size=5)) + text[at + data.draw(st.integers(0, 12)) :]
        )
    sound(load_texts({"a.yaml": text}))


@given(content=st.binary(max_size=200) | st.text(max_size=80).map(lambda text: text.encode("utf-16")))
def test_any_bytes_of_a_file_are_rules_or_problems(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp() / "any-bytes"
    folder.mkdir(exist_ok=True)
    (folder / "a.yaml").write_bytes(content)
    sound(load(folder))


@given(st.lists(PIECES | st.text(max_size=8), max_size=40).map("".join))
def test_any_text_is_cases_or_problems(text):
    problems = Problems()
    root = read_yaml(Source("a.cases.yaml", "a.cases.yaml", text), problems)
    if root is not None:
        parse_cases(root, problems)
    assert root is not None or problems.errors


@given(st.data())
def test_cases_in_which_something_else_stands_are_cases_or_problems(tmp_path_factory, data):
    at = data.draw(st.integers(0, len(CASES)))
    text = CASES[:at] + data.draw(PIECES | st.text(max_size=5)) + CASES[at + data.draw(st.integers(0, 12)) :]
    file = tmp_path_factory.getbasetemp() / "any.cases.yaml"
    file.write_bytes(text.encode(errors="replace"))
    problems = Problems()
    found = case_files.read(file, problems)
    assert found is not None or problems.errors


# -- bombs ---------------------------------------------------------------------------------------------

LAUGHS = "version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(30)
)
BOMBS = [
    pytest.param(LAUGHS, "B004", id="a billion laughs"),
    pytest.param("version: 1\na: &a [*a]\n", "B004", id="a list in itself"),
    pytest.param("version: 1\na: &a {<<: *a}\n", "B004", id="keys merged into themselves"),
    pytest.param("version: 1\nrules: " + "[" * 100_000 + "]" * 100_000, "B002", id="deep brackets"),
    pytest.param("version: 1\nrules: " + "{a: " * 100_000 + "}" * 100_000, "B002", id="deep keys"),
    pytest.param("[" * 500_000, "B002", id="brackets that never close"),
    pytest.param("- " * 200_000 + "x", "B002", id="deep dashes"),
    pytest.param("? " * 200_000 + "x", "B002", id="deep questions"),
    pytest.param("version: 1\nrules: " + "x" * 900_000, "B011", id="a huge word"),
    pytest.param("version: 1\n" + "x" * 900_000 + ": 1", "B001", id="a huge key"),
    pytest.param("version: 1\nrules: 1" + "0" * 900_000, "B011", id="a huge number"),
    pytest.param('version: 1\nrules: "' + "\\u0041" * 100_000 + '"', "B011", id="escapes"),
    pytest.param("version: 1\n" + "".join(f"k{n}: 1\n" for n in range(20_000)), "B012", id="very many keys"),
    pytest.param("version: 1\nrules: [" + "a, " * 30_000 + "]", "B011", id="very many items"),
    pytest.param(
        "version: 1\nteams: {a: {projects: [" + "*.x, " * 100_000 + "]}}", "B001", id="forgotten quotes"
    ),
    pytest.param("version: 1\n" + "\n" * 1_000_000, "", id="a million empty lines"),
    pytest.param("version: 1\n" + "#\n" * 500_000, "", id="half a million comments"),
    pytest.param("a: 1\n" * 1_000_000, "B002", id="a million lines"),
    pytest.param("version: 1\n" + "--- \n" * 20_000, "B001", id="very many documents"),
    pytest.param("!" * 500_000, "B004", id="signs of tags"),
    pytest.param("version: 1\nrules: |\n" + "  x\n" * 100_000, "B011", id="a long block"),
]


@pytest.mark.parametrize(("text", "code"), BOMBS)
def test_a_bomb_is_refused_in_bounded_memory(text, code):
    tracemalloc.start()
    try:
        loaded = load_texts({"a.yaml": text})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    sound(loaded)
    codes = [problem.code for problem in loaded.problems]
    assert not code or code in codes
    assert all(len(problem.message) < 2_000 for problem in loaded.problems)
    assert most < 700 * 2**20


def test_a_file_as_large_as_may_be_is_told_in_one_sentence(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"a: 1\n" * 1_000_000)
    (problem,) = load(tmp_path).problems
    assert problem.message == f"the file is larger than {LARGEST // 1024:,} KiB; split it"


def test_a_rule_file_may_be_nested_and_no_deeper():
    text = "version: 1\nx: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)
    assert "B002" not in {problem.code for problem in load_texts({"a.yaml": text}).problems}


# -- words ---------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["status", "report", "why", "silence", "ack", "subscribe", "unsubscribe", "export", "history", "compare", "top", "by", "for", "until",
     "in", "to", "vs", "since", "--", "all", "public", "csv", "project=", "owner!=", "severity>=", "key~", "~", "=", ">", "<@U1ADA|ada>",
     "<#C1OPS|ops>", "<!subteam^S1|@x>", "<!channel>", "<https://x.y|x>", "<mailto:a@b|a>", "&lt;", "&amp;", "“", "”", "‘", "\u00a0", "\u200b",
     "2026-10", "2026-99-99", "..", "9d", "99999999999d", "0d", "9f3c21aa01bc", "si_1", "su_999999999999999999999", "$1e9", "+$500", "25:99",
     "every", "monday", "*", "?" * 5, "*" * 5, "٣d", "²", "\ud800", "\x00", "`", "'", '"', "\\", ",", ",,", "me", "@me", "(no project)"]
)  # fmt: skip
SAID = st.lists(WORDS | st.text(max_size=6), max_size=14).map(" ".join) | st.lists(
    WORDS | st.text(max_size=6), max_size=8
).map("".join)


@given(SAID)
def test_whatever_is_typed_is_a_question_or_told_what_it_might_have_been(text):
    found = parse(text, TODAY)
    if isinstance(found, Query):
        assert parse(found.command, TODAY) == found
    else:
        assert isinstance(found, Misread)
        for correction in found.corrections:
            assert isinstance(parse(correction, TODAY), Query), correction


@given(st.lists(WORDS | st.text(max_size=10), max_size=10))
def test_whatever_words_a_shell_hands_over_are_read(words):
    assert isinstance(parse(words, TODAY), Query | Misread)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a" * 100_000, id="one word"),
        pytest.param("a " * 50_000, id="very many words"),
        pytest.param("report " + "project=a " * 20_000, id="very many filters"),
        pytest.param("report project=" + "a," * 50_000, id="very many values"),
        pytest.param("report project=" + '"' * 100_000, id="quotes"),
        pytest.param("ack -- " + "x " * 50_000, id="a long reason"),
        pytest.param("<@U1|" * 20_000, id="mentions that never end"),
        pytest.param("&amp;" * 20_000, id="entities"),
        pytest.param("report " + "(" * 100_000, id="brackets"),
        pytest.param("report by " + "model," * 20_000, id="very many dimensions"),
    ],
)
def test_as_much_as_anybody_pastes_is_answered(text):
    """How long that takes grows with the words: a hundred times as many take no longer than the suite bears."""
    found = parse(text, TODAY)
    assert isinstance(found, Query | Misread)
    if isinstance(found, Misread):
        assert len(found.problem) < 1_000


@given(SAID)
def test_whatever_a_digest_asks_is_a_digest_or_a_problem(words):
    quoted = words.replace("'", "''").replace("\n", " ")
    text = f"version: 1\nroutes: {{r: {{channel: c}}}}\ndefaults: {{route: r}}\ndigests:\n  - {{id: d, schedule: '0 9 * * *', report: '{quoted}'}}\n"
    sound(load_texts({"a.yaml": text}))
