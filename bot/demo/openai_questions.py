"""A query string read as strictly as the real API reads it."""

import base64
import binascii
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.demo.openai_endpoints import COSTS, VALUES, Endpoint

Pairs = Sequence[tuple[str, str]]


class Refused(Exception):
    """An answer other than 200, in the API's own shape of an error."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code

    def body(self) -> dict[str, object]:
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


@dataclass(frozen=True, slots=True)
class Words:
    """Parameters by name: those that hold one value, and those that hold several."""

    one: Mapping[str, str]
    many: Mapping[str, tuple[str, ...]]

    def number(self, name: str) -> int | None:
        """Return a parameter as a whole number, None when it was not sent."""
        text = self.one.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 12):
            raise Refused(400, f"Invalid type for '{name}': expected an integer.", name, "invalid_type")
        return int(text)

    def word(self, name: str, allowed: Collection[str], default: str) -> str:
        """Return a parameter that must be one of a few words."""
        text = self.one.get(name, default)
        if text not in allowed:
            raise unsupported(name, text, allowed)
        return text


@dataclass(frozen=True, slots=True)
class Question:
    """What one request for costs or usage asks; `keep` is dimension → values, times are Unix seconds."""

    endpoint: Endpoint
    start: int
    end: int | None
    width: str
    limit: int
    group_by: tuple[str, ...]
    keep: Mapping[str, frozenset[str]]
    batch: bool | None
    page: str | None


def read(pairs: Pairs, one: Collection[str], many: Collection[str] = ()) -> Words:
    """Return the parameters sent, or refuse an unknown, empty or repeated one.

    Lists come as a repeated bare name or as `name[]`: the specification's form and the official client's.
    """
    single: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    for name, value in pairs:
        bare = name.removesuffix("[]")
        if bare not in many and name not in one:
            raise Refused(400, f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        if value == "":
            raise Refused(400, f"Invalid '{name}': empty string.", bare, "empty_string")
        if bare in many:
            several.setdefault(bare, []).append(value)
        elif name in single:
            raise Refused(400, f"Duplicate parameter: '{name}'.", name, "duplicate_parameter")
        else:
            single[name] = value
    return Words(single, {name: tuple(values) for name, values in several.items()})


def ask(endpoint: Endpoint, pairs: Pairs, cost_group_by: Collection[str]) -> Question:
    """Return the question, or refuse what the endpoint does not offer."""
    once = {"start_time", "end_time", "bucket_width", "limit", "page"}
    words = read(pairs, once | ({"batch"} if endpoint.batch else set()), {"group_by", *endpoint.filters})
    start = words.number("start_time")
    if start is None:
        raise Refused(400, "Missing required parameter: 'start_time'.", "start_time", "missing_required")
    width = words.word("bucket_width", endpoint.limits, "1d")
    usual, most = endpoint.limits[width]
    limit = words.number("limit")
    if limit is not None and not 1 <= limit <= most:
        raise Refused(400, f"'limit' must be from 1 to {most} when 'bucket_width' is {width}.", "limit")
    batch = words.word("batch", ("true", "false"), "true") == "true" if "batch" in words.one else None
    return Question(
        endpoint,
        start,
        words.number("end_time"),
        width,
        usual if limit is None else limit,
        _grouping(endpoint, words.many.get("group_by", ()), cost_group_by),
        _filters(endpoint, words.many),
        batch,
        words.one.get("page"),
    )


def seal(question: Question, start: int, end: int) -> str:
    """Return the cursor of the page that begins at `start`, good for this question only."""
    plain = f"{start}:{end}:{_fingerprint(question)}"
    plain += ":" * (2 - (len(plain) + 1) % 3)  # as the real ones, it ends in '=': to be percent-encoded
    return "page_" + base64.b64encode(plain.encode()).decode()


def unseal(question: Question) -> tuple[int, int]:
    """Return (start of the page, end of the window) of the question's cursor, or refuse a foreign one."""
    refused = Refused(400, "Invalid 'page' for this request.", "page", "invalid_value")
    try:
        prefix, _, coded = (question.page or "").partition("_")
        start, end, fingerprint = base64.b64decode(coded, validate=True).decode().rstrip(":").split(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise refused from None
    if prefix != "page" or fingerprint != _fingerprint(question):
        raise refused
    return int(start), int(end)


def unsupported(name: str, value: str, allowed: Collection[str]) -> Refused:
    offered = ", ".join(f"'{word}'" for word in sorted(allowed))
    return Refused(400, f"Invalid value: '{value}'. Supported values are: {offered}.", name, "invalid_value")


def _grouping(endpoint: Endpoint, wanted: Sequence[str], cost_group_by: Collection[str]) -> tuple[str, ...]:
    offered = [dim for dim in endpoint.group_by if endpoint is not COSTS or dim in cost_group_by]
    for dim in wanted:
        if dim not in offered:
            raise unsupported("group_by", dim, offered)
    return tuple(dict.fromkeys(wanted))


def _filters(endpoint: Endpoint, many: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    keep = {}
    for name, dim in endpoint.filters.items():
        values = many.get(name, ())
        for value in values:
            if name in VALUES and value not in VALUES[name]:
                raise unsupported(name, value, VALUES[name])
            if "," in value and name != "line_items":  # only a line item's name holds commas
                raise Refused(400, f"Invalid '{name}': repeat the parameter for each value.", name)
        if values:
            keep[dim] = frozenset(values)
    return keep


def _fingerprint(question: Question) -> str:
    """Return what two requests share when one's cursor continues the other: all but the page and its size."""
    kept = sorted((dim, sorted(values)) for dim, values in question.keep.items())
    same = (
        question.endpoint.path,
        question.start,
        question.end,
        question.width,
        sorted(question.group_by),
        kept,
        question.batch,
    )
    return hashlib.sha256(repr(same).encode()).hexdigest()[:16]
