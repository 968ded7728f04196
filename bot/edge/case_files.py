"""Case files on disk: which there are, what they hold, and the rule files they are about."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.errors import SetupWrong
from bot.core.rules.nodes import Node, Scalar, Source
from bot.core.rules.problems import Problems, quoted
from bot.edge import rule_files
from bot.edge.yaml_nodes import read_yaml

if TYPE_CHECKING:
    from bot.core.cases.case import CaseFile

ENDING = ".cases.yaml"


def is_case_file(path: Path) -> bool:
    """Tell whether a file holds cases and no rules, by its name."""
    return path.name.endswith(ENDING)


def find(paths: Iterable[Path], problems: Problems) -> list[Path]:
    """Return the case files of folders, those given by name, and those beside rule files that are given."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(_under(path, problems)))
        elif is_case_file(path):
            found[path] = None
        else:
            beside = path.with_name(path.name.removesuffix(".yaml") + ENDING)
            if path.name.endswith(".yaml") and beside.is_file():
                found[beside] = None
    return list(found)


def _under(folder: Path, problems: Problems) -> Iterator[Path]:
    entered: set[str] = set()
    files: list[Path] = []
    for here, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(here)
        if real in entered:
            folders.clear()  # a link to a folder above
            continue
        entered.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.endswith(ENDING) and not name.startswith("."):
                files.append(Path(here, name))
            elif name.endswith(".cases.yml"):
                place = Scalar(Source(name, Path(here, name).as_posix(), ""), 1, 1, "")
                problems.add("W105", place, f"not read: its name must end in {ENDING}")
    yield from sorted(files)


def read(file: Path, problems: Problems) -> "CaseFile | None":
    """Return what a case file holds; None, told, when it cannot be read."""
    from bot.core.cases.parse import parse  # noqa: PLC0415 - looking for case files needs none of it

    text = rule_files.read_text(file, file.name, problems)
    if text is None:
        return None
    root = read_yaml(Source(file.name, file.as_posix(), text), problems)
    return None if root is None else parse(root, problems)


def rules_of(file: Path, held: "CaseFile", problems: Problems) -> tuple[Path, ...]:
    """Return the rule files, or the folder of them, that a case file is about; () when one is not there, told."""
    if not held.rules:
        return (file.parent,)
    found: list[Path] = []
    complete = True
    for written, place in held.rules:
        path = Path(os.path.normpath(file.parent / written))
        if path.exists() and not is_case_file(path):
            found.append(path)
        else:
            complete = False
            _tell(written, place, path, problems)
    return tuple(found) if complete else ()


def _tell(written: str, place: Node, path: Path, problems: Problems) -> None:
    what = "holds cases, not rules" if path.exists() else f"is not there: no file at {path.as_posix()}"
    problems.add("B031", place, f"rule file {quoted(written)} {what}")


def roots(paths: tuple[Path, ...], problems: Problems) -> tuple[list[Node], bool]:
    """Return what the rule files hold, and whether all of them could be read."""
    try:
        return rule_files.roots(paths, problems)
    except SetupWrong as gone:
        place = Scalar(Source(paths[0].name, paths[0].as_posix(), ""), 1, 1, "")
        problems.add("B002", place, gone.happened)
        return [], False
