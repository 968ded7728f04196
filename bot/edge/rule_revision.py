"""Rule files as they stood at a git revision, read by calling git."""

import os
import subprocess  # nosec B404 # git, with words of ours
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bot.core.errors import BotError, Misused, SetupWrong, Unanswered

PATIENCE = 60
"""Seconds for one answer of git: on a network's disk it takes a while."""
FILE_MODES = ("100644", "100755")
"""Links and submodules are no files of the tree."""

CHANGES = 500
"""Commits that are looked through for who changed what."""

OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""What git tells its hooks is about where the hook runs, and relative to it."""


@dataclass(frozen=True, slots=True)
class Revision:
    """The rule files of a folder, or the one file, at a commit."""

    commit: str
    """All its hex digits."""
    files: Mapping[str, str]
    """Name below the rules folder → text; empty where there were none."""

    @property
    def short(self) -> str:
        return self.commit[:7]


def at_revision(path: Path, revision: str) -> Revision:
    """Return the rule files that stood at `path` (a folder or a file) at a revision.

    Raises Misused for a revision that does not exist, and SetupWrong without git or a repository.
    """
    path = path.resolve()
    folder = path if path.is_dir() else path.parent
    top = Path(_git(folder, "rev-parse", "--show-toplevel").rstrip("\n")).resolve()
    commit = _commit(folder, revision)
    inside = path.relative_to(top).as_posix()
    only_file = path.is_file()
    files: dict[str, str] = {}
    listed = _git(
        top, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *([] if inside == "." else [inside])
    )
    for line in listed.split("\0"):
        about, _, name = line.partition("\t")
        if not name or about.split(" ")[0] not in FILE_MODES:
            continue
        below = PurePosixPath(name).name if only_file else PurePosixPath(name).relative_to(inside).as_posix()
        if only_file or _is_rule_file(below):
            files[below] = _text(top, commit, name)
    return Revision(commit, files)


def authors_of(path: Path) -> dict[str, str]:
    """Return who last changed each rule file below `path` (a folder or a file), by its name there.

    What git cannot tell, because it is not installed, too slow or knows no repository, is left out: no alert waits
    for it.
    """
    path = path.resolve()
    folder = path if path.is_dir() else path.parent
    found: dict[str, str] = {}
    try:
        told = _git(
            folder, "log", f"-{CHANGES}", "--relative", "--format=%x00%an", "--name-only", "-z", "--", "."
        )
    except BotError:
        return {}
    author, first = "", False
    for word in told.split("\0"):
        if not word:
            first = True  # the format's own mark: an author follows
        elif first:
            author, first = word.strip(), False
        else:
            found.setdefault(word.strip("\n"), author)
    return {name: who for name, who in found.items() if _is_rule_file(name)}


def _commit(folder: Path, revision: str) -> str:
    """Return the commit a revision names."""
    missing = Misused(
        f"There is no revision {revision!r} in this repository.",
        "Name a branch, a tag or a commit; in a workflow check out with fetch-depth: 0, elsewhere git fetch.",
    )
    if not revision or not revision.isprintable():
        raise missing
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    done = _run(folder, *asked)
    if done.returncode != 0:
        raise missing
    return done.stdout.decode().strip()


def _is_rule_file(name: str) -> bool:
    """Tell whether a name below the rules folder is one the loader reads; hidden ones belong to tools."""
    hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
    return name.endswith(".yaml") and not name.endswith(".cases.yaml") and not hidden


def _text(top: Path, commit: str, name: str) -> str:
    done = _run(top, "cat-file", "blob", f"{commit}:{name}")
    if done.returncode != 0:
        raise _refused(done)
    # What is no UTF-8 was told when it was checked; here it is enough that it is no good rule file.
    return done.stdout.decode("utf-8-sig", errors="replace")


def _git(folder: Path, *words: str) -> str:
    done = _run(folder, *words)
    if done.returncode != 0:
        raise _refused(done)
    return done.stdout.decode("utf-8", errors="surrogateescape")


def _run(folder: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    given = {name: value for name, value in os.environ.items() if name not in OF_A_HOOK}
    try:
        return subprocess.run(  # nosec B603 B607 # noqa: S603 - words of ours, and a revision that git takes for nothing else
            ["git", "-C", str(folder), *words],  # noqa: S607 - the git that people use themselves
            env={**given, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except FileNotFoundError:
        raise SetupWrong(
            "Git is not installed here, so there is nothing to compare with.",
            "Install git, or leave REV out.",
        ) from None
    except subprocess.TimeoutExpired:
        raise Unanswered(f"Git did not answer within {PATIENCE} seconds.", "Try again.") from None


def _refused(done: "subprocess.CompletedProcess[bytes]") -> SetupWrong:
    said = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
    first = said[0] if said else f"exit code {done.returncode}"
    if "not a git repository" in first:
        return SetupWrong(
            "The rules lie in no git repository, so there is no version to compare with.",
            "Run it where they are checked out.",
        )
    told = "".join(char if char.isprintable() else " " for char in first)
    return SetupWrong(f"Git cannot read this repository: {told}.", "See what git status says there.")
