"""The words of a command: what Slack sends or a shell hands over, cut where a person meant it to be cut."""

import re

LONGEST = 900
"""Characters of a command that are read: the corrected one, quoted, must fit a button's 2,000."""

_OPENING = "\"“”„'‘’"
_CLOSES = {**dict.fromkeys('"“”„', '"“”'), **dict.fromkeys("'‘’", "'’")}
_DASHES = str.maketrans({"‐": "-", "‑": "-", "‒": "-", "–": "-", "−": "-", "—": "--", "…": ".."})
_LINK = re.compile(r"<((?:https?://|mailto:)[^|>\s]*)(?:\|([^>]*))?>")
_MENTION = re.compile(r"<[@#!][^<>]*>")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_NAME = re.compile(
    r"(?!(?:public|csv|jsonl?|(?:no)?chart|raw|help|by|in|to|rule)$)[A-Za-z0-9][A-Za-z0-9_-]*", re.IGNORECASE
)
_PLAIN = re.compile(r"[\w.*?:@/+-]+")


def undash(word: str) -> str:
    """Return the word in lower case with the dashes phones make of `-`, `--` and `..` undone."""
    return word.translate(_DASHES).lower()


def from_slack(text: str) -> str:
    """Return what the person typed: links as their words, `&amp;` `&lt;` `&gt;` undone, mentions kept."""
    text = _LINK.sub(lambda link: link[2] or link[1], text)
    return _ENTITY.sub(lambda entity: {"amp": "&", "lt": "<", "gt": ">"}[entity[1]], text)


def split(text: str) -> tuple[list[str], bool]:
    """Cut at blanks, but not inside quotes, mentions and `(no project)`; tell whether a quote stays open.

    Quotes stay in the words, for `values` to read; dashes outside them are normalised.
    """
    words: list[str] = []
    word = ""
    place, unclosed = 0, False
    while place < len(text):
        char = text[place]
        fresh = not word or word[-1] in "=~>,"
        if fresh and char in _OPENING:
            end = _quote_end(text, place)
            unclosed |= end is None and char not in "'‘’"
        elif char == "<":
            mention = _MENTION.match(text, place)
            end = mention.end() if mention else None
        elif word and fresh and char == "(":
            end = text.find(")", place) + 1 or None
        else:
            end = None
        if end is not None:
            word += text[place:end]
            place = end
            continue
        if char.isspace() or not char.isprintable():
            words += [word] if word else []
            word = ""
        else:
            word += char.translate(_DASHES)
        place += 1
    return words + ([word] if word else []), unclosed


def values(raw: str) -> tuple[str, ...]:
    """Return the values of `a,b,"two words"`: a comma before a blank belongs to the value (`gpt-5.2, input`)."""
    found: list[str] = []
    value, place = "", 0
    while place < len(raw):
        char = raw[place]
        end = _quote_end(raw, place) if not value and char in _OPENING else None
        if end is not None:
            value += re.sub(r"\\([\"“”„\\])", r"\1", raw[place + 1 : end - 1])
            place = end
            continue
        if char == "," and not raw[place + 1 : place + 2].isspace():
            found.append(value)
            value = ""
        else:
            value += char
        place += 1
    return tuple(value.strip() for value in (*found, value) if value.strip())


def unquoted(word: str) -> str:
    """Return a word without the quotes around all of it."""
    if not word or word[0] not in _OPENING or _quote_end(word, 0) != len(word):
        return word
    return " ".join(values(word))


def quoted(value: str) -> str:
    """Return the value as it can be typed: quoted where it must be; `values` reads it back."""
    if _PLAIN.fullmatch(value) and value == value.translate(_DASHES):
        return value
    # A command goes through Slack's decoding once more when its button is pressed.
    safe = _ENTITY.sub(r"&amp;\1;", value)
    safe = re.sub(r"<(?=https?://|mailto:)", "&lt;", safe)
    return '"' + re.sub(r"([\"“”„\\])", r"\\\1", safe) + '"'


def named(name: str) -> str:
    """Return a name as it can be typed where words with a meaning may stand as well; '' of none."""
    bare = quoted(name) if name else ""
    # A name that is a word of the grammar, or could be taken for a filter, says with its quotes that it is a name.
    return bare if not name or bare != name or _NAME.fullmatch(name) else f'"{name}"'


def _quote_end(text: str, start: int) -> int | None:
    closing = _CLOSES[text[start]]
    double = text[start] not in "'‘’"
    place = start + 1
    while place < len(text):
        if double and text[place] == "\\":
            place += 2
            continue
        if text[place] in closing:
            return place + 1
        place += 1
    return None
