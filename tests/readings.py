"""Readings as tests write them: keyed by (bucket's start, *group)."""

from bot.edge.openai import Reading
from bot.edge.openai.rows import bucket


def reading(source, width, start, end, buckets, columns, metrics, rows, pages=1, **more):
    """Return a reading of `rows`: (bucket, *group) → values; the others of `buckets` are empty."""
    groups = {key[1:]: None for key in rows}
    numbers = {group: number for number, group in enumerate(groups)}
    filled = {start: {} for start in buckets}
    for key, values in rows.items():
        filled[key[0]][numbers[key[1:]]] = values
    empty = [()] * len(metrics)
    return Reading(
        source,
        width,
        start,
        end,
        columns,
        metrics,
        {number: group for group, number in numbers.items()},
        {
            start: bucket(list(held), list(zip(*held.values(), strict=True)) or empty)
            for start, held in filled.items()
        },
        pages,
        **more,
    )


def rows_of(read):
    """Return (bucket, *group) → values."""
    return {
        (bucket, *read.groups[number]): values
        for bucket, rows in read.rows.items()
        for number, values in rows.by_group().items()
    }
