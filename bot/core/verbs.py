"""What can be asked: one table, from which the parser, the help, the shell's commands and its completion are made."""

from dataclasses import dataclass
from typing import Literal

from bot.core.rules.book import SEVERITIES

TIMES = ("day", "week", "month")
"""What a report can be cut into besides the dimensions of cost."""

ALERT_KEYS = ("rule", "severity", "label")
"""What a silence can look at besides the dimensions of cost."""
COST_KEYS = ("project", "model", "line_item", "api_key", "user", "team")
STANDING_KEYS = ("rule", "severity", "state", "owner", "label", *COST_KEYS)
"""What budgets and alerts can be told apart by."""
GROUPINGS = (*COST_KEYS, *TIMES)
STATES = ("firing", "ok", "pending", "learning", "ended", "inactive", "nodata", "error")
WORDS_OF: dict[str, tuple[str, ...]] = {"severity": SEVERITIES, "state": STATES}
"""Keys whose values are known words."""

ORDERED = ("severity",)
"""Keys that `>` and `>=` compare."""

FLAGS = ("public", "csv", "json", "jsonl", "chart", "nochart", "raw")
"""Words that say how an answer is given."""
EVERYBODY = ("csv", "json")
"""The files that most answers can be."""

Who = Literal["viewer", "operator", "admin", "self"]
"""Who may say a verb; `self` is anybody, about themselves."""

ALIASES = {
    "projects": "project",
    "models": "model",
    "line_items": "line_item",
    "lineitem": "line_item",
    "lineitems": "line_item",
    "item": "line_item",
    "items": "line_item",
    "key": "api_key",
    "keys": "api_key",
    "api_keys": "api_key",
    "apikey": "api_key",
    "apikeys": "api_key",
    "users": "user",
    "teams": "team",
    "days": "day",
    "daily": "day",
    "weeks": "week",
    "weekly": "week",
    "months": "month",
    "monthly": "month",
    "rules": "rule",
    "states": "state",
    "owners": "owner",
    "labels": "label",
}


def canonical(word: str) -> str:
    """Return the one name of a dimension or key: `line-item`, `lineitem` and `items` are `line_item`."""
    plain = word.replace("-", "_")
    return ALIASES.get(plain, plain)


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be said: what it answers or does, what it takes, how it is typed and who may."""

    name: str
    summary: str
    examples: tuple[tuple[str, str], ...]
    """(command, what it answers); the first one teaches."""
    who: Who = "viewer"
    changes: bool = False
    """Whether it changes something: then it matters who says it."""
    taught: bool = False
    """Whether it is one of the few that help begins with."""
    span: str = ""
    """The range when none is given; '' = it takes none."""
    versus: bool = False
    """Whether it takes `vs=RANGE`."""
    by: tuple[str, ...] | None = None
    """The grouping when none is given; None = it takes none."""
    crossed: int = 2
    """How many dimensions it can be grouped by at once."""
    times: bool = True
    """Whether day, week and month are among them."""
    keys: tuple[str, ...] = ()
    """What it can be filtered by."""
    top: int | None = None
    """How many rows when no number is given; None = all."""
    counts: bool = False
    """Whether it takes `top=N`."""
    charts: bool = False
    """Whether it takes `chart`, `nochart` and `raw`."""
    shared: bool = True
    """Whether it takes `public`, `in #channel` and `to @person`."""
    formats: tuple[str, ...] = EVERYBODY
    """The files it can be."""
    format: str | None = None
    """The one it is when none is named."""
    topics: bool = False
    """Whether it takes the name of a verb."""
    named: str = ""
    """How that is called which it must be asked about: a rule, a fingerprint; '' where there is nothing of the kind."""
    marked: bool = False
    """Whether it may be asked about one alert, by its fingerprint, instead of a range."""
    ids: str = ""
    """How that is called which it takes by number or mark; '' where it takes nothing of the kind."""
    every: bool = False
    """Whether it takes `all`."""
    schedules: bool = False
    """Whether it takes `daily`, `weekly monday 09:00`, `monthly 1 09:00`."""
    lasts: bool = False
    """Whether it takes `for 2d`, `until monday` and `wake=+$500`."""
    reason: str = ""
    """Whether it `may` or `must` give a reason."""

    @property
    def orders(self) -> bool:
        """Tell whether it changes what is said of alerts: it takes a reason, and somebody answers for it."""
        return self.changes and bool(self.reason)

    @property
    def ranged(self) -> bool:
        """Tell whether it takes a range."""
        return bool(self.span) or self.schedules

    @property
    def alone(self) -> bool:
        """Tell whether it is a question that needs no further words."""
        return not (self.changes or self.named)

    @property
    def usage(self) -> str:
        """Return the line that shows what may follow the verb."""
        return f"{self.name} {self.words()}".strip()

    def words(self, *, slack: bool = True) -> str:
        """Return what may follow the verb; '' where nothing may. Only Slack has channels to answer in."""
        parts = [self.named or ("[VERB]" if self.topics else "")]
        if self.name == "top":
            parts.append("[N]")
        if self.schedules:
            parts.append("list|daily|weekly|monthly [DAY] [HH:MM]")
        if self.ranged:
            parts.append("[RANGE|FINGERPRINT]" if self.marked else "[RANGE]")
        if self.versus:
            parts.append("[vs=RANGE]")
        if self.by is not None:
            parts.append("[by DIM[,DIM]]" if self.crossed > 1 else "[by DIM]")
        parts.append(self._what())
        if self.lasts:
            parts.append("for DURATION|until WHEN [wake=+$500]")
        if self.reason:
            parts.append("-- WHY" if self.reason == "must" else "[-- WHY]")
        if self.counts and self.name != "top":
            parts.append("[top=N]")
        if self.charts:
            parts.append("[chart|nochart] [raw]")
        if self.shared and slack:
            parts.append("[public|in #CHANNEL|to @PERSON]")
        if self.formats:
            parts.append(f"[{'|'.join(self.formats)}]")
        return " ".join(part for part in parts if part)

    def _what(self) -> str:
        """Return what it is about: ids, all of them, filters."""
        filters = "KEY=VALUE …" if self.keys else ""
        if not self.ids:
            return " ".join(
                word for word in ("[all]" if self.every else "", f"[{filters}]" if filters else "") if word
            )
        if self.every:
            return f"{self.ids} …|all" + (f" [{filters}]" if filters else "")
        return f"{self.ids}|{filters}" if filters else f"{self.ids} …"


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb(
            "status",
            "every budget at a glance: yours first, the worst first",
            (
                ("status", "your budgets, and the others in a line; every budget where none is yours"),
                ("status all", "every budget, the worst first"),
                ("status severity>=warning", "only what needs a look"),
                ("status project=search-* state=firing", "the breached budgets of some projects"),
            ),
            taught=True,
            every=True,
            keys=STANDING_KEYS,
        ),
        Verb(
            "report",
            "what was spent, as a table",
            (
                ("report last-month by project", "last month, one line a project"),
                ("report 7d by model,day project=search-prod", "a project's week by model and day"),
                (
                    "report 2026-10-01..2026-10-31 by line_item top=10",
                    "the ten largest line items of those days",
                ),
            ),
            taught=True,
            span="mtd",
            by=("project",),
            keys=COST_KEYS,
            counts=True,
            charts=True,
        ),
        Verb(
            "top",
            "the largest spenders and their share",
            (
                ("top", "the five projects that spent most this month"),
                ("top 5 by api_key 7d", "the five keys that spent most in the last seven days"),
                ("top 10 by model last-month", "last month's ten dearest models"),
            ),
            span="mtd",
            by=("project",),
            keys=COST_KEYS,
            top=5,
            counts=True,
            charts=True,
        ),
        Verb(
            "forecast",
            "what each budget's running period will come to, how sure that is, and when OpenAI cuts it off",
            (
                ("forecast", "every budget that has a course, and the organization's month"),
                ("forecast project=labs", "the budgets of one project, or what its month will come to"),
                ("forecast rule=project-month team=search", "one rule's budgets of one team"),
            ),
            keys=("rule", "owner", *COST_KEYS),
        ),
        Verb(
            "compare",
            "two ranges side by side: what rose, what fell, by how much",
            (
                ("compare mtd", "this month so far with the same days of last month"),
                ("compare last-month by model", "last month with the one before it, model by model"),
                ("compare 7d vs=2026-11-01..2026-11-07 by model,project", "two weeks of your choice"),
            ),
            span="mtd",
            versus=True,
            by=("project",),
            times=False,
            keys=COST_KEYS,
            counts=True,
            charts=True,
        ),
        Verb(
            "why",
            "what made spend change: the newcomers, more use, dearer prices, other models, adding up exactly",
            (
                ("why yesterday project=search-prod", "what a project's day differs by from the day before"),
                ("why 9f3c21aa01bc", "what made an alert go off, against its usual days"),
                ("why mtd vs=2026-10 by model", "this month against all of October, model by model"),
            ),
            taught=True,
            span="mtd",
            versus=True,
            marked=True,
            by=(),
            crossed=1,
            times=False,
            keys=COST_KEYS,
            counts=True,
            charts=True,
        ),
        Verb(
            "rules",
            "what is watched, where it speaks, and the projects no budget watches",
            (
                ("rules", "every rule, and what nobody watches"),
                ("rules project=labs", "the rules that look at one project"),
            ),
            keys=("rule", "project", "team"),
        ),
        Verb(
            "explain",
            "why a rule says what it says, figure by figure, and what would make it speak",
            (
                ("explain project-month project=search-prod", "one rule and one of its groups"),
                ("explain project-month", "the rule's worst group"),
                ("explain 9f3c21aa01bc", "an alert, by its fingerprint or what that begins with"),
            ),
            taught=True,
            named="RULE|FINGERPRINT",
            keys=("rule", *COST_KEYS),
        ),
        Verb(
            "ack",
            "says that you look after an alert: no reminder, no escalation, until it becomes worse",
            (
                ("ack 9f3c21aa01bc", "you look after the alert of that fingerprint"),
                ("ack 9f3c -- known load test", "the same, with a note, by what its fingerprint begins with"),
                ("ack all project=labs -- known load test", "every open alert of a project; it asks first"),
            ),
            who="operator",
            changes=True,
            taught=True,
            keys=(*ALERT_KEYS, *COST_KEYS),
            shared=False,
            formats=(),
            ids="FINGERPRINT",
            every=True,
            reason="may",
        ),
        Verb(
            "unack",
            "takes an acknowledgement back",
            (("unack 9f3c21aa01bc", "nobody looks after it any more"),),
            who="operator",
            changes=True,
            shared=False,
            formats=(),
            ids="FINGERPRINT",
            reason="may",
        ),
        Verb(
            "silence",
            "holds alerts back for a while, 31 days at most; what it held back is said when it ends",
            (
                ("silence project=labs for 2d -- migration", "nothing about a project for two days"),
                (
                    "silence 9f3c21aa01bc until over -- accepted",
                    "nothing more about one alert until it is over",
                ),
                (
                    "silence rule=project-* severity=info until monday wake=+$500 -- planned launch",
                    "until Monday, but not about what grows by $500 meanwhile",
                ),
            ),
            who="operator",
            changes=True,
            taught=True,
            keys=(*ALERT_KEYS, *COST_KEYS),
            shared=False,
            formats=(),
            ids="FINGERPRINT",
            lasts=True,
            reason="must",
        ),
        Verb(
            "unsilence",
            "ends a silence; what it held back is said with the next poll",
            (
                ("unsilence si_3", "ends the third silence"),
                ("unsilence 9f3c21aa01bc", "ends what holds back one alert"),
            ),
            who="operator",
            changes=True,
            shared=False,
            formats=(),
            ids="si_N|FINGERPRINT",
            reason="may",
        ),
        Verb(
            "history",
            "the alerts of a while, or everything that happened to one",
            (
                ("history 30d", "the alerts of the last 30 days, the latest first"),
                ("history 9f3c21aa01bc", "one alert from its beginning: levels, acknowledgements, silences"),
                (
                    "history last-month severity>=warning owner=@me",
                    "last month's warnings about what is yours",
                ),
            ),
            span="30d",
            marked=True,
            keys=STANDING_KEYS,
        ),
        Verb(
            "alerts",
            "the alerts that are open now, the gravest first",
            (
                ("alerts", "every open alert, with its buttons"),
                ("alerts owner=@me", "only about what is yours"),
                ("alerts severity>=critical label=tier=prod", "the gravest of what is labelled so"),
            ),
            keys=STANDING_KEYS,
        ),
        Verb(
            "export",
            "the report as a file, sent to you alone",
            (
                ("export last-month by project,day csv", "last month, a line for each project and day"),
                ("export 7d by model json project=search-prod", "a project's week by model, as JSON"),
            ),
            who="self",
            span="mtd",
            by=("project", "day"),
            keys=COST_KEYS,
            shared=False,
            formats=("csv", "json", "jsonl"),
            format="csv",
        ),
        Verb(
            "subscribe",
            "a digest for you alone, by direct message; those of channels live in the rule files",
            (
                ("subscribe weekly monday 09:00 by project", "last week's spend, every Monday at nine"),
                (
                    "subscribe daily 08:30 project=search-prod chart",
                    "yesterday of one project, with its chart",
                ),
                ("subscribe list", "what you have subscribed to"),
            ),
            who="self",
            changes=True,
            schedules=True,
            by=("project",),
            keys=COST_KEYS,
            counts=True,
            charts=True,
            shared=False,
            formats=(),
        ),
        Verb(
            "unsubscribe",
            "ends a digest of yours",
            (
                ("unsubscribe su_3", "ends the third subscription"),
                ("unsubscribe all", "ends every one of yours"),
            ),
            who="self",
            changes=True,
            shared=False,
            formats=(),
            ids="su_N",
            every=True,
        ),
        Verb(
            "refresh",
            "fetches what OpenAI knows now, and says what changed; once a minute at most",
            (("refresh", "reads costs and usage now instead of with the next poll"),),
            who="operator",
            changes=True,
            shared=False,
            formats=(),
        ),
        Verb(
            "doctor",
            "whether everything works: scopes, tokens, sockets, the last polls, the clock",
            (("doctor", "every check, each trouble with its remedy"),),
            who="admin",
            shared=False,
            formats=(),
        ),
        Verb(
            "accuracy",
            "how good live spend was: what days were estimated at before they were billed, against their bills",
            (
                ("accuracy", "the last 30 settled days"),
                ("accuracy public", "the same, for everybody in the channel"),
            ),
        ),
        Verb(
            "help",
            "this page, or everything about one verb",
            (("help", "this page"), ("help report", "everything about report")),
            shared=False,
            formats=(),
            topics=True,
        ),
    )
}

DEFAULT = "status"
"""What an empty question asks."""
