"""Speed is never paid for with a digit: what is read quickly is what is read exactly, and what came before is known."""

import random
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import httpcore
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from readings import rows_of
from wire_server import NOW, WireServer, bucket, cost, day, page, tokens

from bot.core.money import nano
from bot.edge.openai import Ask
from bot.edge.openai.errors import Unfit
from bot.edge.openai.rows import Groups
from bot.edge.openai.scaling import Unsure, scaled
from bot.edge.openai.transport import PIECE
from bot.edge.openai.wire import Amount, shape

digits = st.text("0123456789", min_size=1, max_size=12)
decimals = st.builds(
    lambda sign, whole, part, power: f"{sign}{int(whole)}.{part}{power}",
    st.sampled_from(["", "-"]),
    digits,
    st.text("0123456789", min_size=1, max_size=40),
    st.sampled_from(["", "", "", "E-3", "E-12", "e5", "E-6176"]),
)
middles = st.integers(-(10**15), 10**15).map(lambda n: f"{Decimal(2 * n + 1) / Decimal(2 * 10**9):f}")
"""Amounts that lie between two nano-dollars, and beside."""
near = st.builds(lambda middle, tail: middle + tail, middles, st.sampled_from(["", "0", "1", "0000000001"]))


def exactly(text):
    with localcontext() as context:
        context.prec = 80
        return int((Decimal(text) * 10**9).to_integral_value(ROUND_HALF_EVEN))


@given(st.lists(decimals | near, min_size=1, max_size=6))
@example(["0.0000000005"])
@example(["0.0000000015"])
@example(["4503.599627370496"])
@example(["0.49999999999999994"])
def test_what_is_scaled_in_binary_is_what_decimals_say_or_nobody_is_sure(texts):
    try:
        found = scaled([float(text) for text in texts], 1e9)
    except Unsure:
        return
    assert found == [exactly(text) for text in texts]


def test_almost_every_amount_is_scaled_in_binary():
    """Or the exact way would be the usual one, and nobody would notice but the clock."""
    random_ = random.Random(1)
    sure = 0
    for _ in range(1_000):
        text = f"{random_.lognormvariate(0, 2):.16f}"
        try:
            assert scaled([float(text)], 1e9) == [exactly(text)]
            sure += 1
        except Unsure:
            pass
    assert sure > 990


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 4_503_600.0, 5e-10])
def test_what_binary_cannot_tell_is_left_to_decimals(value):
    with pytest.raises(Unsure):
        scaled([1.0, value], 1e9)


def row(value, project="p", quantity="7.25"):
    amount = f'{{"value": {value}, "currency": "usd"}}'
    return (
        f'{{"object": "organization.costs.result", "amount": {amount}, "project_id": {msgspec.json.encode(project).decode()}, '
        f'"line_item": "x", "quantity": {quantity}}}'
    )


@given(st.lists(st.tuples(decimals | near, st.booleans(), st.sampled_from(["p", "q", None, ""])), max_size=8))
def test_a_bucket_read_quickly_is_the_bucket_read_exactly(told):
    """As texts and as numbers, with groups that come twice, and with amounts no column holds."""
    rows = [row(f'"{text}"' if quoted else text, project) for text, quoted, project in told]
    raw = msgspec.Raw(f"[{','.join(rows)}]".encode())
    expected: dict[str, int] = {}
    try:
        for text, _, project in told:
            expected[project or ""] = expected.get(project or "", 0) + nano(Decimal(text))
    except ValueError:
        with pytest.raises(Unfit):
            shape("costs", ("project_id", "line_item")).rows(raw, Groups())
        return
    groups = Groups()
    found = shape("costs", ("project_id", "line_item")).rows(raw, groups)
    assert {
        groups.of([found])[number][0]: values[0] for number, values in found.by_group().items()
    } == expected


def test_a_page_says_amounts_as_the_exact_reader_says_them():
    for text in ('"0.5617712500000000"', "12", "-0.25", '"1e3"', "0E-6176"):
        raw = msgspec.Raw(f"[{row(text)}]".encode())
        ((worth, quantity),) = (
            shape("costs", ("project_id", "line_item")).rows(raw, Groups()).by_group().values()
        )
        amount = msgspec.json.decode(f'{{"value": {text}, "currency": "usd"}}', type=Amount, strict=False)
        assert (worth, quantity) == (nano(amount.value), 7_250_000)


# -- bytes that came before -----------------------------------------------------------------------------


def read(server, ask, known):
    with server.client() as client:
        (reading,) = client.read_span(ask, NOW, known=known)
        return reading


def test_a_bucket_that_comes_in_the_same_bytes_is_not_decoded_again():
    ask = Ask("costs", day(1), day(3), group_by=("project_id",))
    first = bucket(day(1), cost("5", project_id="p"))
    answers = [
        page(first, bucket(day(2), cost("1", project_id="p"))),
        page(first, bucket(day(2), cost("2", project_id="p"))),
    ]
    with WireServer(*answers) as server:
        before = read(server, ask, {})
        after = read(server, ask, before.checksums)

    one, two = before.buckets
    assert set(before.checksums) == {one, two}
    assert before.same == frozenset()
    assert (after.same, set(after.checksums), after.buckets) == ({one}, {two}, (one, two))
    assert rows_of(after) == {(two, "p"): (2_000_000_000, None)}


def test_who_knows_nothing_has_no_checksums_to_keep():
    ask = Ask("costs", day(1), day(2))
    with WireServer(page(bucket(day(1), cost("5")))) as server:
        assert read(server, ask, None).checksums == {}


def test_the_same_bytes_asked_for_otherwise_are_read_again():
    """What they mean hangs on what was asked: a grouping, a width, a filter."""
    body = page(bucket(day(1), tokens("m", 5)))
    asks = [
        Ask("completions", day(1), day(2)),
        Ask("completions", day(1), day(2), group_by=("model",)),
        Ask("completions", day(1), day(2), group_by=("model",), filters={"models": ("m",)}),
    ]
    with WireServer(*[body] * 6) as server:
        told = [read(server, ask, {}) for ask in asks]
        assert len({checksum for each in told for checksum in each.checksums.values()}) == 3
        for ask, other in zip(asks, told[1:] + told[:1], strict=True):
            assert read(server, ask, other.checksums).same == frozenset()


def test_an_empty_bucket_that_stays_empty_is_known():
    ask = Ask("costs", day(1), day(2))
    with WireServer(*[page(bucket(day(1)))] * 2) as server:
        before = read(server, ask, {})
        assert (before.buckets, before.count) == (tuple(before.rows), 0)
        assert read(server, ask, before.checksums).same == frozenset(before.buckets)


def test_a_fault_in_a_row_is_told_at_its_place_in_the_page():
    body = page(bucket(day(1), cost("5")), bucket(day(2), cost("5"), {"object": "organization.costs.result"}))
    with (
        WireServer(body) as server,
        server.client() as client,
        pytest.raises(Exception, match=r"\$\.data\[1\]\.results\[1\]"),
    ):
        client.read(Ask("costs", day(1), day(3)), NOW)


def test_a_body_is_taken_in_large_pieces():
    """httpcore has no setting for it: should it stop asking for what we say, this tells, and not only the clock."""
    asked = []

    class Wire(httpcore.MockStream):
        def read(self, max_bytes, timeout=None):
            asked.append(max_bytes)
            return super().read(max_bytes, timeout)

    wire = Wire([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"{}"])
    with httpcore.HTTP11Connection(httpcore.Origin(b"http", b"here", 80), wire) as held:
        assert held.request("GET", "http://here/").content == b"{}"
    assert set(asked) == {PIECE}


@given(
    st.lists(st.integers(-(2**54), 2**54) | st.integers(-(2**43) - 9, -(2**43) + 9), min_size=1, max_size=4)
)
def test_large_amounts_are_whole_or_left_to_decimals(numbers):
    """Around the bounds below which one look at all of them is enough."""
    texts = [f"{Decimal(2 * number + 1) / Decimal(2 * 10**9):f}" for number in numbers]
    try:
        found = scaled([float(text) for text in texts], 1e9)
    except Unsure:
        return
    assert found == [exactly(text) for text in texts]
