"""What can be asked: one table, from which the parser, the help and the usage lines are made."""

from dataclasses import dataclass

from bot.core.rules.book import SEVERITIES

TIMES = ("day", "week", "month")
"""What a report can be cut into besides the dimensions of cost."""

ALERT_KEYS = ("rule", "severity", "label")
"""What a silence can look at besides the dimensions of cost."""
COST_KEYS = ("project", "model", "line_item", "api_key", "user", "team")
GROUPINGS = (*COST_KEYS, *TIMES)
STATES = ("firing", "ok", "pending", "learning", "ended", "inactive", "nodata", "error")
WORDS_OF: dict[str, tuple[str, ...]] = {"severity": SEVERITIES, "state": STATES}
"""Keys whose values are known words."""

ORDERED = ("severity",)
"""Keys that `>` and `>=` compare."""

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
    """One thing that can be asked: what it says, what it takes and how it is typed."""

    name: str
    summary: str
    examples: tuple[tuple[str, str], ...]
    """(command, what it answers); the first one teaches."""
    span: str = ""
    """The range when none is given; '' = it takes none."""
    by: tuple[str, ...] = ()
    """The grouping when none is given; () = it takes none."""
    keys: tuple[str, ...] = ()
    """What it can be filtered by."""
    top: int | None = None
    """How many rows when no number is given; None = all."""
    counts: bool = False
    """Whether it takes `top=N`."""
    shared: bool = True
    """Whether it takes `public`, `csv` and `json`."""
    topics: bool = False
    """Whether it takes the name of a verb."""
    named: str = ""
    """How that is called which it is asked about: a rule, a fingerprint; '' where it takes nothing of the kind."""
    ids: str = ""
    """How that is called which it takes; '' where it takes nothing by name. Such a verb changes something."""
    lasts: bool = False
    """Whether it takes `for 2d`, `until monday` and `wake=+$500`."""
    reason: str = ""
    """Whether it `may` or `must` give a reason."""

    @property
    def orders(self) -> bool:
        """Tell whether it changes something: then it matters who says it."""
        return bool(self.ids)

    @property
    def alone(self) -> bool:
        """Tell whether it is a question that needs no further words."""
        return not (self.orders or self.named)

    @property
    def usage(self) -> str:
        """Return the line that shows what may follow the verb."""
        parts = [self.name]
        if self.topics:
            parts.append("[VERB]")
        if self.named:
            parts.append(self.named)
        if self.name == "top":
            parts.append("[N]")
        if self.span:
            parts.append("[RANGE]")
        if self.by:
            parts.append("[by DIM[,DIM]]")
        if self.ids and self.keys:
            parts.append(f"{self.ids}|KEY=VALUE …")
        elif self.ids:
            parts.append(self.ids)
        elif self.keys:
            parts.append("[KEY=VALUE …]")
        if self.lasts:
            parts.append("for DURATION|until WHEN [wake=+$500]")
        if self.reason:
            parts.append("-- WHY" if self.reason == "must" else "[-- WHY]")
        if self.counts and self.name != "top":
            parts.append("[top=N]")
        if self.shared:
            parts.append("[public] [csv|json]")
        return " ".join(parts)


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb(
            "status",
            "every budget at a glance, the worst first",
            (
                ("status", "every budget, the worst first"),
                ("status severity>=warning", "only what needs a look"),
                ("status project=search-* state=firing", "the breached budgets of some projects"),
            ),
            keys=("rule", "severity", "state", "owner", *COST_KEYS),
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
            span="mtd",
            by=("project",),
            keys=COST_KEYS,
            counts=True,
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
            "explain",
            "why a rule says what it says, figure by figure, and what would make it speak",
            (
                ("explain project-month project=search-prod", "one rule and one of its groups"),
                ("explain project-month", "the rule's worst group"),
                ("explain 9f3c21aa01bc", "an alert, by its fingerprint or what that begins with"),
            ),
            named="RULE|FINGERPRINT",
            keys=("rule", *COST_KEYS),
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
            "rules",
            "what is watched, where it speaks, and the projects no budget watches",
            (
                ("rules", "every rule, and what nobody watches"),
                ("rules project=labs", "the rules that look at one project"),
            ),
            keys=("rule", "project", "team"),
        ),
        Verb(
            "ack",
            "says that you look after an alert: no reminder, no escalation, until it becomes worse",
            (
                ("ack 9f3c21aa01bc", "you look after the alert of that fingerprint"),
                ("ack 9f3c -- known load test", "the same, with a note, by what its fingerprint begins with"),
            ),
            shared=False,
            ids="FINGERPRINT",
            reason="may",
        ),
        Verb(
            "unack",
            "takes an acknowledgement back",
            (("unack 9f3c21aa01bc", "nobody looks after it any more"),),
            shared=False,
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
            keys=(*ALERT_KEYS, *COST_KEYS),
            shared=False,
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
            shared=False,
            ids="si_N|FINGERPRINT",
            reason="may",
        ),
        Verb(
            "help",
            "this page, or everything about one verb",
            (("help", "this page"), ("help report", "everything about report")),
            shared=False,
            topics=True,
        ),
    )
}

DEFAULT = "status"
"""What an empty question asks."""
