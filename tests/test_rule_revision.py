"""Rule files as they stood at a git revision, from a real repository."""

import subprocess

import pytest

from bot.core.errors import SETUP, USAGE, Misused, SetupWrong
from bot.edge.rule_revision import at_revision, authors_of
from tests.world import SEARCH, world


def git(folder, *words):
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def put(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def commit(folder, files=()):
    put(folder, dict(files))
    git(folder, "add", "-A", ".")
    git(
        folder,
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.com",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "x",
    )
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


FILES = {
    "deploy/rules/a.yaml": "version: 1\n",
    "deploy/rules/teams/b ü.yaml": "version: 1 # ü\n",
    "deploy/rules/a.cases.yaml": "cases: []\n",
    "deploy/rules/.hidden/c.yaml": "version: 1\n",
    "deploy/rules/notes.md": "# no\n",
    "deploy/rules-old/d.yaml": "version: 1\n",
}


def test_a_folder_is_read_as_the_loader_reads_it(repository):
    first = commit(repository, FILES)
    commit(repository, {"deploy/rules/a.yaml": "version: 2\n", "deploy/rules/new.yaml": "version: 1\n"})
    found = at_revision(repository / "deploy" / "rules", first[:10])
    assert found.commit == first
    assert found.files == {"a.yaml": "version: 1\n", "teams/b ü.yaml": "version: 1 # ü\n"}
    assert set(at_revision(repository / "deploy" / "rules", "main").files) == {*found.files, "new.yaml"}


def test_one_file_and_the_top_of_the_repository_are_read_too(repository):
    commit(repository, FILES | {"top.yaml": "version: 1\n"})
    assert at_revision(repository / "deploy/rules/a.yaml", "HEAD").files == {"a.yaml": "version: 1\n"}
    assert "top.yaml" in at_revision(repository, "HEAD").files


def test_a_link_to_the_rules_and_a_hooks_environment_lead_to_the_same(
    repository, tmp_path_factory, monkeypatch
):
    commit(repository, FILES)
    link = tmp_path_factory.mktemp("elsewhere") / "rules"
    link.symlink_to(repository / "deploy" / "rules")
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert set(at_revision(link, "HEAD").files) == {"a.yaml", "teams/b ü.yaml"}


def test_links_are_no_rule_files(repository):
    put(repository, FILES)
    (repository / "deploy/rules/linked.yaml").symlink_to("a.yaml")
    commit(repository)
    assert "linked.yaml" not in at_revision(repository / "deploy/rules", "HEAD").files


def test_before_there_were_rules_there_are_none(repository):
    commit(repository, {"README.md": "x"})
    first = git(repository, "rev-parse", "HEAD")
    commit(repository, FILES)
    assert at_revision(repository / "deploy/rules", first).files == {}


@pytest.mark.parametrize(
    "revision",
    [
        pytest.param("no-such-branch", id="unknown"),
        pytest.param("", id="empty"),
        pytest.param("--output=x", id="an option"),
        pytest.param("HEAD:deploy", id="a tree"),
        pytest.param("a\0b", id="nul"),
        pytest.param("HEAD; rm -rf /", id="words of a shell"),
    ],
)
def test_what_names_no_commit_is_misused(repository, revision):
    commit(repository, FILES)
    with pytest.raises(Misused) as told:
        at_revision(repository / "deploy/rules", revision)
    assert told.value.exit_code == USAGE
    assert "fetch" in told.value.remedy


def test_outside_of_a_repository_the_remedy_is_told(tmp_path):
    put(tmp_path, FILES)
    with pytest.raises(SetupWrong, match="no git repository") as told:
        at_revision(tmp_path / "deploy/rules", "HEAD")
    assert told.value.exit_code == SETUP


def test_without_git_the_remedy_is_told(repository, monkeypatch):
    commit(repository, FILES)
    monkeypatch.setenv("PATH", str(repository))
    with pytest.raises(SetupWrong, match="Git is not installed"):
        at_revision(repository / "deploy/rules", "HEAD")


def test_who_last_changed_each_rule_file_is_known(repository):
    rules = repository / "deploy" / "rules"
    commit(repository, FILES)
    git(repository, "config", "user.name", "Ada & *Co*")
    git(repository, "config", "user.email", "ada@example.com")
    (rules / "a.yaml").write_text("version: 1 # changed\n", encoding="utf-8")
    git(repository, "commit", "-q", "-am", "y")
    assert authors_of(rules) == {"a.yaml": "Ada & *Co*", "teams/b ü.yaml": "a"}


def test_where_git_cannot_tell_nobody_is_named(tmp_path, monkeypatch):
    assert authors_of(tmp_path) == {}
    monkeypatch.setenv("PATH", "")
    assert authors_of(tmp_path) == {}


def test_an_alert_names_the_rules_commit_and_who_last_changed_it(tmp_path):
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(
            "version: 1\nrules:\n  - {id: total, kind: budget, select: {}, period: month, amount: 100, thresholds: [50%]}\n"
        )
        git(tmp_path, "init", "-q", "-b", "main")
        git(tmp_path, "config", "user.name", "Ada & *Co*")
        git(tmp_path, "config", "user.email", "ada@example.com")
        git(tmp_path, "add", "rules")
        git(tmp_path, "commit", "-q", "-m", "x")
        built.ledger.cost("2026-10-02", SEARCH, "gpt-5.2, output", "60")
        built.poll("2026-10-03 12:00")
        (card,) = built.posts
    at = git(tmp_path, "rev-parse", "HEAD")[:7]
    assert f"(last changed by Ada &amp; ∗Co∗, at {at})" in str(card.attachments)
