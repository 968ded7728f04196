"""Readings as tests write them: keyed by (bucket's start, *group)."""

from bot.edge.openai import Reading


def reading(source, width, start, end, buckets, columns, metrics, rows, pages=1, **more):
    """Return a reading of `rows`: (bucket, *group) → values; the others of `buckets` are empty."""
    groups = {key[1:]: None for key in rows}
    numbers = {group: number for number, group in enumerate(groups)}
    filled = {bucket: {} for bucket in buckets}
    for key, values in rows.items():
        filled[key[0]][numbers[key[1:]]] = values
    return Reading(
        source,
        width,
        start,
        end,
        columns,
        metrics,
        {number: group for group, number in numbers.items()},
        filled,
        pages,
        **more,
    )


def rows_of(read):
    """Return (bucket, *group) → values."""
    return {
        (bucket, *read.groups[number]): values
        for bucket, rows in read.rows.items()
        for number, values in rows.items()
    }
