"""What rooms heard, as tables."""

from collections import Counter
from collections.abc import Sequence
from statistics import mean

from .organization import TEAMS
from .simulate import Heard, Said

KINDS = ("budget", "anomaly", "change", "first_seen", "native_limit", "several", "remind", "close")
WORDS = {
    "anomaly": "unusual",
    "first_seen": "new",
    "native_limit": "limits",
    "several": "of several kinds",
    "remind": "reminders",
    "close": "month's close",
}
Rows = list[list[str]]


def table(name: str, heard: Heard) -> tuple[str, Rows]:
    """Return a sentence and the table: messages and broadcasts a room gets, by week and by what they are about."""
    weeks = -(-heard.days // 7)
    head = ["room", *(f"week {n}" for n in range(1, weeks + 1)), "a week"]
    head += [WORDS.get(kind, kind) for kind in KINDS] + ["thread lines a week"]
    rows = [_row(room, [said], weeks, heard) for room, said in _rooms(heard).items()]
    teams = [[one for one in heard.said if one.room == team] for team in TEAMS]
    if any(teams):
        rows.append(_row("a team, on average", teams, weeks, heard))
        busiest = max(teams, key=lambda said: sum(one.form != "thread" for one in said))
        rows.append(_row("the busiest team", [busiest], weeks, heard))
    return f"{name}: messages in the room, and the lines of threads that are sent to it too.", [head, *rows]


def _rooms(heard: Heard) -> dict[str, list[Said]]:
    rooms = ["finops", *(["exec"] if any(one.room in TEAMS for one in heard.said) else [])]
    return {room: [one for one in heard.said if one.room == room] for room in rooms}


def _row(name: str, rooms: Sequence[list[Said]], weeks: int, heard: Heard) -> list[str]:
    first = heard.first
    aloud = [[one for one in said if one.form != "thread"] for said in rooms]
    by_week = [Counter((one.at - first).days // 7 for one in said) for said in aloud]
    by_kind = [Counter(one.kind for one in said) for said in aloud]

    def shown(counts: Sequence[int]) -> str:
        found = mean(counts)
        return f"{found:.1f}" if len(counts) > 1 else f"{found:g}"

    per_week = heard.days / 7
    return [
        name,
        *(shown([found[week] for found in by_week]) for week in range(weeks)),
        f"{mean(len(said) for said in aloud) / per_week:.1f}",
        *(shown([found[kind] for found in by_kind]) for kind in KINDS),
        f"{mean(sum(one.form == 'thread' for one in said) for said in rooms) / per_week:.1f}",
    ]
