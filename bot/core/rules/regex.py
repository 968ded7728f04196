"""Which regular expressions a rule may use: those that answer soon whatever name they meet.

Python's engine tries every way to match, and names come from outside. So an expression is refused when a
repeated group repeats, branches or is optional inside (`(a+)+`, `(a|b)*`), when it refers back to a group,
when it is longer than 200 characters or lets blanks mean nothing, or when its ways to match may pass ten million
for a name of a hundred characters: each repetition counts 100 ways, each branch and each optional part multiplies.
"""

import re
import warnings

LONGEST = 200
_MOST_WAYS = 10_000_000
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_GROUP_OPENING = re.compile(r"\((?:\?(?:P<\w+>|[:=!>]|<[=!]|[a-zA-Z-]*:?))?")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{[0-9]*,?[0-9]*\})[?+]?")


def regex_trouble(text: str) -> str:
    """Return why an expression may not be used, to be said after it; '' when it may."""
    if len(text) > LONGEST:
        return f"is longer than {LONGEST} characters"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # `[[a]`: Python says that it will read it otherwise one day
            re.compile(text)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        return f"is not a regular expression: {error}"
    if re.search(r"\(\?[a-zA-Z]*x", text):
        return "is written with (?x), where blanks mean nothing; write it without"
    if re.search(r"\\[1-9]|\(\?P=|\(\?\(", text):
        return "refers back to one of its groups, which may take for ever"
    # Escapes and character classes are one character each, whatever is written inside.
    ways = _ways(_CLASS.sub("x", re.sub(r"\\.", "x", text, flags=re.DOTALL)))
    if ways is None:
        return "repeats a group that repeats or branches inside, which may take for ever"
    return "has too many ways to match, which may take for ever" if ways > _MOST_WAYS else ""


def _ways(bare: str) -> int | None:
    """Return about how many ways to match there are; None when a repeated group has several of its own."""
    # One [branches, ways] for each open group.
    groups = [[1, 1]]
    at = 0
    while at < len(bare):
        inner = 1
        if bare[at] == "(":
            opening = _GROUP_OPENING.match(bare, at)
            groups.append([1, 1])
            at = opening.end() if opening else at + 1
            continue
        if bare[at] == "|":
            groups[-1][0] += 1
        elif bare[at] == ")" and len(groups) > 1:
            branches, ways = groups.pop()
            inner = branches * ways
        at += 1
        quantifier = _QUANTIFIER.match(bare, at)
        if quantifier:
            at = quantifier.end()
            sign = quantifier[0]
            if sign[0] == "?":
                inner *= 2
            elif inner > 1:
                return None
            elif sign[0] in "*+" or "," in sign:
                inner = 100
        groups[-1][1] *= inner
    branches, ways = groups[0]
    return branches * ways
