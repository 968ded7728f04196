"""A large organization, seeded: what it is made of, and every bucket of the API as JSON, written to files once."""

import json
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from random import Random

from bot.core.period import DAY, midnight
from bot.edge.openai import SOURCES
from bot.sync import HISTORY

DAYS = 400
HOURLY_DAYS = 5
SERIES = {"costs": 2_000, "completions": 5_333}
OTHER_SERIES = 130
"""Of every other source."""
HOURLY = 1_333
BY_PROJECT = ("vector_stores", "code_interpreter_sessions")
"""Sources that know nothing but the project."""
PRESENT = 0.75
"""The share of the series that has a row in a bucket."""
AMOUNT = (
    '{"object":"organization.costs.result",%s,"amount":{"value":"%.16f","currency":"usd"},"quantity":%.4f}'
)
USAGE = '{"object":"%s",%s,%s}'


class Organization:
    """200 projects, 600 keys, 25 models and 300 line items at scale 1, with as many rows a day as they make."""

    def __init__(self, seed, scale, today):
        self.seed, self.scale, self.today = seed, scale, today
        self.first = today - (DAYS - 1) * DAY
        self.projects = [f"proj_{n:04}" for n in range(max(4, round(200 * scale)))]
        self.names = {project: f"team{n % 20:02}-app{n:03}" for n, project in enumerate(self.projects)}
        self.keys = {project: [f"key_{project[5:]}_{n}" for n in range(3)] for project in self.projects}
        self.models = [f"gpt-{n // 5 + 3}.{n % 5}" for n in range(25)]
        self.items = [
            f"{model}, {part}"
            for model in self.models
            for part in (
                *("input", "cached input", "output", "audio input", "audio output", "image input"),
                *("image output", "batch input", "batch output", "flex input", "flex output", "training"),
            )
        ]

    def _count(self, source, width):
        whole = HOURLY if (source, width) == ("completions", "1h") else SERIES.get(source, OTHER_SERIES)
        count = max(3, round(whole * self.scale))
        return min(count, len(self.projects)) if source in BY_PROJECT else count

    @cached_property
    def series(self):
        """Source → the fields of each of its series as JSON, and its usual size; completions' first serve the hours."""
        return {source: self._series(source) for source in SOURCES}

    def _series(self, source):
        random, found = Random(f"{self.seed} {source}"), {}
        while len(found) < self._count(source, "1d"):
            project = random.choice(self.projects)
            fields = {"project_id": project, "api_key_id": random.choice(self.keys[project])}
            if source == "costs":
                fields |= {
                    "line_item": random.choice(self.items),
                    "quantity_unit": "tokens",
                    "user_id": None,
                    "organization_id": "org-bench",
                }
            else:
                fields |= {"model": random.choice(self.models), "user_id": None}
                if source in ("completions", "decisions"):
                    fields |= {
                        "batch": random.random() < 0.1,
                        "service_tier": random.choice(("default", "flex")),
                    }
            if source in BY_PROJECT:
                fields = {"project_id": project}
            found[json.dumps(fields, separators=(",", ":"))[1:-1]] = random.lognormvariate(0, 1.3)
        return list(found.items())

    def bucket(self, source, width, start):
        """Return a bucket of the API as JSON text."""
        step = 3_600 if width == "1h" else 86_400
        random = Random(f"{self.seed} {source} {width} {start}")
        chance, wobble = random.random, random.uniform
        rows = []
        series = self.series[source][: self._count(source, width)]
        form = ",".join(f'"{metric}":%d' for metric in SOURCES[source].metrics)
        count = len(SOURCES[source].metrics)
        for fields, size in series:
            if chance() > PRESENT:
                continue
            if source == "costs":
                amount = size * wobble(2, 12)
                rows.append(AMOUNT % (fields, amount, amount * 1_000))
                continue
            tokens = int(size * wobble(1e5, 1e6) * step / 86_400) + 1
            counts = form % tuple([tokens // n for n in range(1, count + 1)])
            rows.append(USAGE % (SOURCES[source].object, fields, counts))
        edges = f'"start_time":{start},"end_time":{start + step}'
        return f'{{"object":"bucket",{edges},"results":[{",".join(rows)}]}}'

    def render(self, folder: Path, what):
        """Write the buckets of what rows need: `costs`, `completions`, `poll` (the last of every source)."""
        wanted = set()
        if "costs" in what or "poll" in what:
            wanted |= {("costs", "1d", day) for day in range(DAYS)}
        if "completions" in what:
            wanted |= {("completions", "1d", day) for day in range(DAYS)}
        if "poll" in what:
            for source in SOURCES:
                days = HISTORY.days + 1 if source == "completions" else 36
                wanted |= {(source, "1d", DAYS - 1 - n) for n in range(days)}
                if source != "costs":
                    wanted |= {(source, "1h", DAYS - 1 - n) for n in range(HOURLY_DAYS)}
        for source, width, place in sorted(wanted):
            below = folder / source / width
            below.mkdir(parents=True, exist_ok=True)
            day = midnight(self.first + place * DAY)
            for start in [day + timedelta(hours=n) for n in range(24)] if width == "1h" else [day]:
                file = below / f"{int(start.timestamp())}.json"
                if not file.exists():
                    file.write_text(self.bucket(source, width, int(start.timestamp())))
        (folder / "names.json").write_text(json.dumps([self.names, self.keys]))

    def rules(self, count):
        """Return rule files for so many budgets: seven periods, every second one for each project."""
        periods = (
            *("day", "week", "month", "quarter"),
            *("{rolling: 7d}", "{rolling: 30d}", "{rolling: 90d}"),
        )
        random, files = Random(f"{self.seed} rules"), {}
        for first in range(0, count, 1_000):
            lines = ["version: 1", "defaults:", "  route: finops", "routes:", "  finops: {channel: ai-spend}"]
            lines = lines if first == 0 else lines[:1]
            lines.append("rules:")
            for n in range(first, min(count, first + 1_000)):
                if n % 2:
                    select = random.choice(("{}", f"{{line_item: '{random.choice(self.models)},*'}}"))
                    each = ["    each: project"]
                else:
                    select = f"{{project: {self.names[random.choice(self.projects)]}}}"
                    each = []
                lines += [
                    f"  - id: budget-{n:05}",
                    "    kind: budget",
                    f"    title: Budget number {n}",
                    f"    select: {select}",
                    *each,
                    f"    period: {periods[n // 2 % len(periods)]}",
                    f"    amount: {random.randrange(1, 9)}00,000,000",
                    "    thresholds: [80%, 100%]",
                    "    route: finops",
                ]
            files[f"budgets-{first:05}.yaml"] = "\n".join(lines) + "\n"
        return files


def instant():
    """Return the moment at which everything is measured: now, to the minute."""
    return datetime.now(UTC).replace(second=0, microsecond=0)
