"""Live spend as sums: what is billed, and what estimates add to it, told apart and together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.core.dimension import Series
from bot.core.live.estimate import Estimates, Unpriced
from bot.core.rules.book import Rulebook
from bot.core.spend import Names, Spend


@dataclass(frozen=True, slots=True)
class Live:
    """Billed where settled, billed or estimated where not, at every day; in nano-dollars."""

    live: Spend
    estimated: Spend
    """The part of `live` that is only estimated."""
    listed: Spend
    """The part of `estimated` priced by a public list, for want of a bill of the organization's own."""
    unpriced: Mapping[str, Spend]
    """The use that is in no figure, because nothing tells its price: what people call it → its counts."""
    estimates: Estimates

    @property
    def since(self) -> date:
        """Return the first day that is not settled: no figure before it is estimated."""
        return self.estimates.since


def spends(
    estimates: Estimates,
    cuts: Sequence[date],
    billed: Sequence[Mapping[int, int]],
    series: Mapping[int, Series],
    names: Names,
    book: Rulebook,
    *,
    models: Collection[str] = (),
    history_from: date | None = None,
    as_of: datetime | None = None,
) -> Live:
    """Return live spend from what is billed (series id → nano-dollars for each stretch of a day) and estimates.

    Estimates get series of their own, so that `live` is to the nano-dollar what is billed and `estimated`.
    """
    ids: dict[Series, int] = {}
    places = {day: place for place, day in enumerate(cuts[:-1])}
    live = [dict(stretch) for stretch in billed]
    estimated: list[dict[int, int]] = [{} for _ in billed]
    listed: list[dict[int, int]] = [{} for _ in billed]
    for line in estimates.lines:
        place = places.get(line.day)
        if place is None or not line.added:
            continue
        number = ids.setdefault(line.series, -1 - len(ids))
        live[place][number] = estimated[place][number] = line.added
        if not line.known:
            listed[place][number] = line.added
    for lost in estimates.unpriced:
        ids.setdefault(_series_of(lost), -1 - len(ids))
    told = {number: known for known, number in ids.items()}

    def summed(stretches: Sequence[Mapping[int, int]], of: Mapping[int, Series]) -> Spend:
        return Spend(
            cuts, stretches, of, names, book, models=models, history_from=history_from, as_of=as_of
        )  # fmt: skip

    unpriced: dict[str, list[dict[int, int]]] = {}
    for lost in estimates.unpriced:
        place = places.get(lost.day)
        if place is not None:
            stretch = unpriced.setdefault(lost.meter.words, [{} for _ in billed])[place]
            number = ids[_series_of(lost)]
            stretch[number] = stretch.get(number, 0) + lost.count
    return Live(
        summed(live, {**series, **told}),
        summed(estimated, told),
        summed(listed, told),
        {words: summed(stretches, told) for words, stretches in unpriced.items()},
        estimates,
    )


def _series_of(lost: Unpriced) -> Series:
    """Return the series that it would have on a bill."""
    return Series(lost.project_id, lost.meter.line_item, lost.api_key_id)
