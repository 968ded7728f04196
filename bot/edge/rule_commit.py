"""The commit a rule file stands at, read from `.git` without calling git."""

from pathlib import Path


def commit_of(path: Path) -> str:
    """Return the commit checked out where `path` lives, '' where there is no repository to ask."""
    start = path.resolve()
    for folder in (start, *start.parents):
        git = folder / ".git"
        if git.is_file():  # a worktree or submodule points elsewhere
            words = _read(git).split(":", 1)
            git = (folder / words[1].strip()).resolve() if len(words) == 2 else git
        if git.is_dir():
            return _head(git)
    return ""


def _head(git: Path) -> str:
    head = _read(git / "HEAD").strip()
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    common = _read(git / "commondir").strip()
    for place in (git, (git / common).resolve() if common else git):
        if found := _read(place / name).strip():
            return found
        for line in _read(place / "packed-refs").splitlines():
            commit, _, ref = line.partition(" ")
            if ref == name:
                return commit
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
