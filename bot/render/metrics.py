"""What Prometheus scrapes: budgets as they stand, and how the bot itself is."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.core.pulse import Pulse
from bot.core.severity import SEVERITIES
from bot.core.status import Standing
from bot.core.units import unit_of
from bot.render.figures import decimal

if TYPE_CHECKING:
    from prometheus_client.core import Metric

KIND = "text/plain; version=0.0.4; charset=utf-8"


def exposition(version: str, pulse: Pulse, standings: Iterable[Standing]) -> str:
    """Return the metrics as text, one value a line, in Prometheus' own format."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415  only who is scraped needs it

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected([*_itself(version, pulse), *_budgets(list(standings))]))
    return generate_latest(registry).decode()


class _Collected:
    def __init__(self, metrics: list["Metric"]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator["Metric"]:
        return iter(self._metrics)


Rows = Sequence[tuple[Mapping[str, str], float]]
"""Labels and value; every row has the same labels."""


def _gauge(name: str, says: str, rows: Rows) -> "Metric":
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415  as above

    made = GaugeMetricFamily(f"budgetbot_{name}", says, labels=list(rows[0][0]) if rows else [])
    for labels, value in rows:
        made.add_metric(list(labels.values()), value)
    return made


def _counter(name: str, says: str, rows: Rows) -> "Metric":
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415  as above

    made = CounterMetricFamily(f"budgetbot_{name}", says, labels=list(rows[0][0]) if rows else [])
    for labels, value in rows:
        made.add_metric(list(labels.values()), value)
    return made


def _one(value: float) -> Rows:
    return [({}, value)]


def _itself(version: str, pulse: Pulse) -> Iterator["Metric"]:
    yield _gauge("info", "Always 1; the version as a label.", [({"version": version}, 1)])
    complete = [({"complete": "true"}, pulse.polls - pulse.failed), ({"complete": "false"}, pulse.failed)]
    yield _counter("polls", "Polls made, by whether everything was read.", complete)
    if pulse.last_poll is not None:
        yield _gauge("poll_seconds", "How long the last poll took.", _one(pulse.seconds))
    if pulse.last_complete is not None:
        ended = _one(pulse.last_complete.timestamp())
        yield _gauge("last_complete_poll_timestamp_seconds", "When the last complete poll ended.", ended)
    ages = [({"source": source}, _age(pulse.at, at)) for source, at in sorted(pulse.read_at.items())]
    yield _gauge("data_age_seconds", "Since a source was last read completely.", ages)
    yield _gauge("notices_waiting", "Notices that are due and not delivered.", _one(pulse.waiting))
    waited = _age(pulse.at, pulse.waiting_since) if pulse.waiting_since and pulse.waiting else 0.0
    yield _gauge("notices_waiting_seconds", "How long the oldest of them waits.", _one(waited))
    yield _gauge("rooms_in_trouble", "Rooms that will not hear the bot.", _one(pulse.rooms_in_trouble))
    yield _counter("writes_refused", "Orders of people who may not give them.", _one(pulse.refused_writes))
    yield _gauge("rules", "Rules in force.", _one(pulse.rules))
    in_force = _one(0 if pulse.rules_trouble else 1)
    yield _gauge(
        "rule_files_in_force", "1; 0 while older rules go on because the files have errors.", in_force
    )


def _budgets(standings: Sequence[Standing]) -> Iterator["Metric"]:
    firing = Counter(each.severity for each in standings if each.state == "firing")
    counts = [({"severity": severity}, firing[severity]) for severity in SEVERITIES]
    yield _gauge("alerts_firing", "Alerts that stand, by severity.", counts)
    values: list[tuple[Mapping[str, str], float]] = []
    amounts: list[tuple[Mapping[str, str], float]] = []
    ratios: list[tuple[Mapping[str, str], float]] = []
    for each in standings:
        if each.amount is None:
            continue  # what was not judged has no figure: a zero would read as one
        unit = unit_of(each.unit)
        labels = {
            "rule": each.rule_id,
            "group": " · ".join(each.group_names),
            "group_id": " · ".join(each.group),
            "unit": "usd" if unit.dollars else unit.word or "share",
        }
        values.append((labels, float(decimal(each.value, unit))))
        amounts.append((labels, float(decimal(each.amount, unit))))
        if each.ratio is not None:
            ratios.append((labels, each.ratio))
    yield _gauge(
        "value", "What a rule's group comes to: dollars spent, or what else the rule counts.", values
    )
    yield _gauge("amount", "What it is held against: the budget.", amounts)
    yield _gauge("ratio", "Value by amount: 1 is a budget that is used up.", ratios)


def _age(now: datetime, then: datetime) -> float:
    return max(0.0, (now - then).total_seconds())
