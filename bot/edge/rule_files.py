"""Rule files on disk, or texts from elsewhere, to a rulebook or every problem in them."""

import errno
import os
import stat
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bot.core.errors import SetupWrong
from bot.core.rules.book import Problem, Rulebook
from bot.core.rules.nodes import Node, Scalar, Source
from bot.core.rules.parse import parse
from bot.core.rules.problems import Problems
from bot.core.rules.snapshot_check import Mention
from bot.edge.collector import without_collector
from bot.edge.yaml_nodes import read_yaml

LARGEST = 1024 * 1024
"""Bytes of one rule file: some four thousand rules."""


class Loaded(NamedTuple):
    """What a tree of rule files holds."""

    book: Rulebook | None
    """None when there are errors."""
    problems: tuple[Problem, ...]
    """Sorted by file and line."""
    files: Mapping[str, str]
    """Name below the rules folder → text, for those that could be read."""
    hash: str
    """SHA-256 over names and texts."""
    rules: int
    """How many rules stand in the files, right or wrong."""
    mentions: tuple[Mention, ...]
    """The names that rules write out, to be compared with those OpenAI reports."""
    shown: Mapping[str, str]
    """Name below the rules folder → the path as problems show it."""


def load(path: Path, *, compared: bool = True) -> Loaded:
    """Return what the folder or the file holds, without `hash` and `mentions` where it is `compared` with nothing.

    A folder without any rule file gives an empty rulebook. Raises SetupWrong when there is nothing at `path`.
    """
    problems = Problems()
    texts: dict[str, str] = {}
    shown: dict[str, str] = {}
    for name, file in _rule_files(path, problems):
        shown[name] = file.as_posix()
        text = read_text(file, name, problems)
        if text is not None:
            texts[name] = text
    return _loaded(texts, shown, problems, compared=compared)


def built_in() -> Loaded:
    """Return the rulebook that is in force where there is no rule file at all."""
    from bot.core.builtin import FILE, TEXT  # noqa: PLC0415 - where there are rule files nobody asks for it

    loaded = load_texts({FILE: TEXT})
    assert loaded.book is not None, loaded.problems
    return loaded._replace(book=replace(loaded.book, built_in=True))


def load_texts(files: Mapping[str, str], shown_under: str = "") -> Loaded:
    """Return what the texts hold; problems show their names below `shown_under`."""
    shown = {name: f"{shown_under}/{name}" if shown_under else name for name in files}
    return _loaded(files, shown, Problems())


def roots(paths: Iterable[Path], problems: Problems) -> tuple[list[Node], bool]:
    """Return what every rule file under the paths holds, unread as rules, and whether that is all of them.

    Raises SetupWrong when there is nothing at one of the paths.
    """
    found: dict[str, Node | None] = {}
    before = problems.errors
    for path in paths:
        for name, file in _rule_files(path, problems):
            shown = file.as_posix()
            text = None if shown in found else read_text(file, name, problems)
            if text is not None:
                found[shown] = read_yaml(Source(name, shown, text), problems)
    return [root for root in found.values() if root is not None], problems.errors == before


def fingerprint(path: Path) -> str:
    """Return a word that changes when a rule file is added, removed or written; '' when nothing is there.

    It asks the file system for names, sizes and times only, so that it may be asked at every tick.
    """
    import hashlib  # noqa: PLC0415 - as below

    digest = hashlib.sha256()
    try:
        for name, file in _rule_files(path, Problems()):
            try:
                state = file.stat()
            except OSError as error:
                digest.update(repr((name, error.errno)).encode())
            else:
                digest.update(repr((name, state.st_mtime_ns, state.st_size, state.st_ino)).encode())
    except SetupWrong:
        return ""
    return digest.hexdigest()


def _loaded(
    files: Mapping[str, str], shown: Mapping[str, str], problems: Problems, *, compared: bool = True
) -> Loaded:
    with without_collector():
        return _parsed(files, shown, problems, compared=compared)


def _hash(files: Mapping[str, str]) -> str:
    import hashlib  # noqa: PLC0415 - OpenSSL takes as long to load as a hundred rules

    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        encoded = text.encode(errors="surrogatepass")
        digest.update(f"{name}\0{len(encoded)}\0".encode(errors="surrogatepass") + encoded)
    return digest.hexdigest()


def _parsed(
    files: Mapping[str, str], shown: Mapping[str, str], problems: Problems, *, compared: bool
) -> Loaded:
    roots: list[Node] = []
    complete = problems.errors == 0
    for name, text in sorted(files.items()):
        source = Source(name, shown[name], text)
        if len(text.encode(errors="surrogatepass")) > LARGEST:
            _tell(source, f"the file is larger than {LARGEST // 1024:,} KiB; split it", problems)
            complete = False
            continue
        root = read_yaml(source, problems)
        if root is None:
            complete = False
        else:
            roots.append(root)
    text_hash = _hash(files) if compared else ""
    parsed = parse(roots, problems, text_hash=text_hash, complete=complete, mentioned=compared)
    return Loaded(
        book=parsed.book,
        problems=parsed.problems,
        files=dict(files),
        hash=text_hash,
        rules=parsed.rules,
        mentions=parsed.mentions,
        shown=shown,
    )


def _rule_files(path: Path, problems: Problems) -> Iterator[tuple[str, Path]]:
    """Yield (name below the folder, path) of every rule file, by name; hidden ones belong to tools."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise SetupWrong(
            f"There are no rules at {path}: {_reason(error)}.", "Set BUDGETBOT_RULES to a folder or a file."
        ) from None
    if not stat.S_ISDIR(mode):
        yield path.name, path
        return
    found: dict[str, Path] = {}
    entered: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(
        path, followlinks=True, onerror=lambda error: _unread(path, error, problems)
    ):
        state = Path(folder).stat()
        if (state.st_dev, state.st_ino) in entered:
            # A link to a folder above: its files are known already.
            folders.clear()
            continue
        entered.add((state.st_dev, state.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(folder, name)
            below = file.relative_to(path).as_posix()
            if name.startswith(".") or name.endswith(".cases.yaml"):
                continue
            if name.endswith(".yaml"):
                found[below] = file
            elif name.endswith(".yml"):
                problems.add(
                    "W105",
                    Scalar(Source(below, file.as_posix(), ""), 1, 1, ""),
                    "not read: its name must end in .yaml",
                )
    yield from sorted(found.items())


def read_text(file: Path, name: str, problems: Problems) -> str | None:
    """Return the file's text without a byte order mark; None, told, when it cannot be had."""
    source = Source(name, file.as_posix(), "")
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            _tell(source, "this is no file", problems)
            return None
        with file.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        _unread(file, error, problems, name)
        return None
    if len(content) > LARGEST:
        _tell(source, f"the file is larger than {LARGEST // 1024:,} KiB; split it", problems)
        return None
    try:
        # Not as "utf-8-sig", which is a codec to load.
        return content.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            _tell(source, "the file is written in UTF-16; save it as UTF-8", problems)
        else:
            line = content.count(b"\n", 0, error.start) + 1
            column = (
                len(content[content.rfind(b"\n", 0, error.start) + 1 : error.start].decode(errors="replace"))
                + 1
            )
            place = Scalar(source, line, column, "")
            problems.add("B002", place, "the file is not written in UTF-8; save it as UTF-8")
        return None


def _unread(file: Path, error: OSError, problems: Problems, name: str = "") -> None:
    shown = Path(error.filename).as_posix() if isinstance(error.filename, str) else file.as_posix()
    _tell(Source(name, shown, ""), f"the file cannot be read: {_reason(error)}", problems)


def _reason(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOENT:
        return "there is nothing of that name, or a link leads nowhere"
    return (os.strerror(number) if number else str(error)).lower()


def _tell(source: Source, message: str, problems: Problems) -> None:
    problems.add("B002", Scalar(source, 1, 1, ""), message)
