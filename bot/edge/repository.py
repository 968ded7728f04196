"""Where a file lies inside its repository, asked of the folders alone, without calling git."""

from pathlib import Path


def inside_repository(path: str) -> str:
    """Return the path from the top of the repository the file lies in, as GitHub knows it; `path` outside of any.

    A command may run in a folder of the repository, and be given `../rules` or an absolute path.
    """
    file = Path(path).resolve()
    for folder in file.parents:
        if (folder / ".git").exists():  # a file in worktrees and submodules
            return file.relative_to(folder).as_posix()
    return path
