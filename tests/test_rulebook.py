"""The rules in force, and the address of a rule's line."""

import subprocess
from dataclasses import replace

import pytest

from bot.core.errors import SetupWrong
from bot.edge.rule_commit import commit_of
from bot.edge.store.store import Store
from bot.rulebook import Rules, prefix_of
from bot.settings import Settings
from tests.syncing import empty_database
from tests.world import at

NOW = at("2025-10-05 12:00")
RULES = "version: 1\nrules:\n  - {id: total, kind: budget, select: {}, period: month, amount: 100}\n"
URL = "https://git.example/blob/{rev}/{file}#L{line}"


def git(folder, *words):
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A repository whose rules lie two folders deep, committed once."""
    top = tmp_path / "repo"
    rules = top / "ops" / "rules"
    (rules / "teams").mkdir(parents=True)
    (rules / "a.yaml").write_text(RULES, encoding="utf-8")
    (rules / "teams" / "b.yaml").write_text(RULES.replace("total", "team"), encoding="utf-8")
    git(top, "init", "-q", "-b", "main")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "Rules")
    return top


def links(path, **more):
    settings = Settings(
        budgetbot_rules=str(path), budgetbot_rules_url=URL, given=frozenset({"BUDGETBOT_RULES"}), **more
    )
    in_force = Rules(settings).now(NOW)
    return {rule.id: in_force.voice.link(rule) for rule in in_force.book.rules}


def test_a_link_leads_to_the_rules_line_in_its_repository(repository):
    head = git(repository, "rev-parse", "HEAD")
    assert links(repository / "ops" / "rules") == {
        "total": f"https://git.example/blob/{head}/ops/rules/a.yaml#L3",
        "team": f"https://git.example/blob/{head}/ops/rules/teams/b.yaml#L3",
    }


def test_a_single_file_is_linked_too(repository):
    head = git(repository, "rev-parse", "HEAD")
    assert links(repository / "ops" / "rules" / "teams" / "b.yaml") == {
        "team": f"https://git.example/blob/{head}/ops/rules/teams/b.yaml#L3"
    }


def test_without_git_the_setting_says_the_commit_and_the_working_directory_is_the_top(tmp_path, monkeypatch):
    (tmp_path / "ops" / "rules").mkdir(parents=True)
    (tmp_path / "ops" / "rules" / "a.yaml").write_text(RULES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for path in ("ops/rules", "ops/rules/a.yaml"):
        assert links(path, budgetbot_rules_rev="abc123") == {
            "total": "https://git.example/blob/abc123/ops/rules/a.yaml#L3"
        }


def test_rules_far_from_everything_are_known_by_their_folder(tmp_path, monkeypatch):
    (tmp_path / "etc" / "rules").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert prefix_of(tmp_path / "etc" / "rules") == "rules/"
    assert prefix_of(None) == ""


@pytest.mark.parametrize("how", ["loose", "packed", "detached", "worktree", "branch in a folder"])
def test_the_commit_is_read_as_git_reads_it(repository, tmp_path, how):
    top = repository
    match how:
        case "packed":
            git(top, "pack-refs", "--all")
        case "detached":
            git(top, "checkout", "-q", "--detach")
        case "worktree":
            git(top, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "other")
            top = tmp_path / "tree"
            git(top, "commit", "-q", "--allow-empty", "-m", "More")
        case "branch in a folder":
            git(top, "checkout", "-q", "-b", "team/search")
    assert commit_of(top / "ops" / "rules") == git(top, "rev-parse", "HEAD")


def test_no_repository_is_no_commit(tmp_path):
    assert commit_of(tmp_path) == ""


@pytest.fixture
def store(tmp_path):
    (tmp_path / "b.db").write_bytes(empty_database())
    with Store(f"sqlite:///{tmp_path}/b.db") as opened:
        yield opened


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(RULES, encoding="utf-8")
    return Settings(budgetbot_rules=str(tmp_path / "rules"), given=frozenset({"BUDGETBOT_RULES"}))


def write(settings, text):
    (settings.rules_path / "a.yaml").write_text(text, encoding="utf-8")


def test_rules_are_read_again_only_when_they_change(settings, store):
    rules = Rules(settings, store, keep=True)
    first = rules.now(NOW)
    assert rules.now(NOW) is first
    write(settings, RULES.replace("total", "other"))
    assert rules.last(NOW) is first  # who answers goes by the last tick
    assert [rule.id for rule in rules.now(NOW).book.rules] == ["other"]
    assert rules.last(NOW) is rules.now(NOW)


def test_a_new_process_goes_on_with_the_last_good_rules(settings, store):
    Rules(settings, store, keep=True).now(NOW)
    write(settings, "version: 1\nrules: [{id: x}]\n")
    kept = Rules(settings, store, keep=True).now(NOW)
    assert [rule.id for rule in kept.book.rules] == ["total"]
    assert "a.yaml:2" in kept.trouble
    assert kept.errors


def test_what_was_never_kept_is_nothing_to_fall_back_on(settings, store):
    Rules(settings, store).now(NOW)
    write(settings, "version: 1\nrules: [{id: x}]\n")
    with pytest.raises(SetupWrong, match="budgetbot check"):
        Rules(settings, store).now(NOW)


def test_a_folder_that_comes_later_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rules = Rules(Settings())
    assert rules.now(NOW).book.built_in
    assert rules.now(NOW).trouble == ""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(RULES, encoding="utf-8")
    assert [rule.id for rule in rules.now(NOW).book.rules] == ["total"]


def test_a_named_folder_that_is_not_there_is_refused_at_first(settings, store):
    nowhere = replace(settings, budgetbot_rules="nowhere")
    with pytest.raises(SetupWrong, match="nowhere"):
        Rules(nowhere, store).now(NOW)
