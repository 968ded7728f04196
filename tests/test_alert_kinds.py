"""What every kind of rule says in each of its states, as people read it: one file of words for each kind.

`BUDGETBOT_GOLDEN=write` writes the files anew, to be read before they are committed.
"""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bot.core.incident import Event, Incident, Reason
from bot.core.kinds import KINDS as JUDGED
from bot.core.money import NANO
from bot.core.outlook import Outlook
from bot.core.period import Span
from bot.core.telling import Part, Telling
from bot.core.units import Unit, counts
from bot.render import kinds
from bot.render.alert_lines import line
from bot.render.alert_words import Told
from bot.render.alerts import card, overflow
from bot.render.drawn import draw, words
from tests.spending import golden
from tests.test_alerts import HOSTILE, texts, valid

DOLLAR = NANO
AT = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
NOVEMBER = Span(date(2026, 11, 1), date(2026, 12, 1))
RATE = Unit("per 1,000 requests", NANO, dollars=True)
SHARE = Unit("", NANO, share=True)
SEARCH = (("project", "search-prod"),)
MODEL = (("project", "search-prod"), ("model", "gpt-5.2"))


def on(number, month=11):
    return Span(date(2026, month, number), date(2026, month, number + 1))


def told(kind, value, amount, level, severity="warning", *, unit="", span=None, days=None, run=(), **more):
    """An incident of some kind and its card, to be varied: keys of either are taken."""
    span = span or on(20)
    facts = {key: more.pop(key) for key in list(more) if key in Telling.__dataclass_fields__}
    telling = Telling(
        kind,
        f"The {kind} rule",
        SEARCH,
        period="November" if span == NOVEMBER else f"{span.start.day} Nov",
        period_kind="month" if span == NOVEMBER else "day",
        start=span.start.isoformat(),
        end=span.end.isoformat(),
        percents=((level, amount),) if level else (),
        as_of="2026-11-22T13:05:00Z",
        settles_at="2026-11-22T12:00:00Z",
        commit="a1b2c3d",
        kind=kind,
        unit=unit.key if unit else "",
        days=(days.start.isoformat(), days.end.isoformat()) if days else None,
    )
    incident = Incident(
        fingerprint="0a1b2c3d4e5f",
        rule_id=kind,
        group=("proj_search",),
        occurrence="#1",
        state="firing",
        level=level,
        severity=severity,
        said_levels=(level,),
        value=value,
        amount=amount,
        said=value,
        peak=value,
        span=span,
        days=run or (span.start,),
        opened_at=AT,
        changed_at=AT,
        reason=Reason.FIRST,
    )
    return Told(replace(incident, **more), replace(telling, **facts))


def over(which, reason=Reason.RUN_OVER, **more):
    """The same, when it is over."""
    return replace(which, incident=replace(which.incident, state="ended", reason=reason, **more))


def corrected(which, **more):
    """The same, when a revision took it back."""
    after = {"state": "ok", "reason": Reason.CORRECTED, "level": "", "severity": "", **more}
    return replace(which, incident=replace(which.incident, **after))


def event(transition, which, *, reason=Reason.HIGHER, **more):
    made = Event(
        "f", "r", ("p",), transition, which.incident.foremost, 0, AT, reason, which.incident.value,
        which.incident.severity,
    )  # fmt: skip
    return replace(made, **more)


def days(*numbers):
    return tuple(date(2026, 11, number) for number in numbers)


WEEK = Span(date(2026, 11, 14), date(2026, 11, 21))
MONTH_SO_FAR = Span(date(2026, 11, 1), date(2026, 11, 23))
TOKENS, REQUESTS, STORED = counts("input tokens"), counts("requests"), counts("bytes stored")
AHEAD = Outlook(14_020 * DOLLAR, 13_100 * DOLLAR, 15_200 * DOLLAR, "2026-11-21", "2026-11-26T14:20:00Z")
LEVELS = (("50%", 6_000 * DOLLAR), ("80%", 9_600 * DOLLAR), ("100%", 12_000 * DOLLAR))

USED = told("budget", 10_284 * DOLLAR, 12_000 * DOLLAR, "80%", span=NOVEMBER, percents=LEVELS,
            settles_at="2026-12-02T12:00:00Z")  # fmt: skip
FORESEEN = replace(
    USED,
    incident=replace(USED.incident, value=5_000 * DOLLAR, level="", forecast="forecast 100%"),
    telling=replace(USED.telling, outlook=AHEAD),
)
LIMITED = replace(
    USED, telling=replace(USED.telling, hard_limit=12_000 * DOLLAR, cut_off_at="2026-11-26T13:20:00Z")
)
OF_TOKENS = told("budget", 1_032_000, 1_200_000, "80%", unit=TOKENS, span=NOVEMBER, settles_at="2026-12-02T12:00:00Z",
                 percents=(("80%", 960_000), ("100%", 1_200_000)))  # fmt: skip
OF_BYTES = replace(OF_TOKENS, telling=replace(OF_TOKENS.telling, unit=STORED.key))
ESTIMATED = told("budget", 172 * DOLLAR, 200 * DOLLAR, "80%", span=on(22), estimated=31 * DOLLAR,
                 percents=(("80%", 160 * DOLLAR), ("100%", 200 * DOLLAR)), settles_at="2026-11-24T12:00:00Z")  # fmt: skip
CHANGE = told("change", 1_240 * DOLLAR, 816 * DOLLAR, "+40%", days=WEEK)
ANOMALY = told("anomaly", 310 * DOLLAR, 95 * DOLLAR, "unusual", group=MODEL)
RATIO = told("ratio", 4_610_000_000, 4 * DOLLAR, "above $4.00", unit=RATE, days=WEEK,
             about=("cost", "requests"))  # fmt: skip
CACHED = told("ratio", 280_000_000, 350_000_000, "below 35%", "info", unit=SHARE,
              days=Span(date(2026, 11, 18), date(2026, 11, 21)),
              about=("cached input tokens", "input tokens"))  # fmt: skip
DEARER = told("ratio", 4_610_000_000, 3_500_000_000, "+30%", unit=RATE, days=WEEK)
NEW = told("first_seen", 12_400_000_000, DOLLAR, "new", "info", span=on(22), settles_at="", about=("model",),
           group=(("project", "search-prod"), ("model", "gpt-5.5")), note="first seen on 20 Nov",
           days=Span(date(2026, 11, 20), date(2026, 11, 23)))  # fmt: skip


def limit(level, severity, note, amount=12_000, value=10_284, **more):
    return told("native_limit", value * DOLLAR, amount * DOLLAR, level, severity, span=on(22), settles_at="",
                days=MONTH_SO_FAR, note=note, hard_limit=amount * DOLLAR, **more)  # fmt: skip


MISSING = limit("missing", "info", "OpenAI has no hard limit for this project", 0)
OUTSIDE = limit("outside", "warning",
                "the hard limit of $20,000 is above the expected $12,000 to $18,000", 20_000)  # fmt: skip
STALE = told("freshness", 14_700, 10_800, "stale", span=on(22), settles_at="", group=(),
             unit=Unit("hours", 3_600), note="costs could not be read since 22 Nov 09:00 UTC")  # fmt: skip
CUT_OFF = limit(
    "cut-off", "warning",
    "OpenAI cuts it off Tuesday 24 Nov 14:00 UTC at this pace, at its hard limit of $12,000; "
    "the hard limit of $12,000 is below the expected $13,000",
    cut_off_at="2026-11-24T13:20:00Z",
)  # fmt: skip
ENFORCING = limit("enforcing", "critical",
                  "OpenAI refuses its requests: the hard limit of $12,000 a month is reached", value=12_003,
                  enforcing=True)  # fmt: skip

CARDS = {
    "budget": {
        "forecast alone": FORESEEN,
        "forecast beside a level": replace(USED, incident=replace(USED.incident, forecast="forecast 100%"),
                                           telling=replace(USED.telling, outlook=AHEAD)),
        "forecast of less than the budget": replace(
            FORESEEN, incident=replace(FORESEEN.incident, forecast="forecast 90%"),
            telling=replace(FORESEEN.telling, outlook=replace(AHEAD, total=11_200 * DOLLAR, runs_out_at="")),
        ),
        "forecast that nobody looked into": replace(FORESEEN, telling=replace(FORESEEN.telling, outlook=None)),
        "forecast where nothing is budgeted": replace(
            FORESEEN, incident=replace(FORESEEN.incident, amount=0, forecast="", level="100%"),
        ),
        "forecast cleared": corrected(
            replace(FORESEEN, telling=replace(FORESEEN.telling, outlook=replace(AHEAD, total=11_200 * DOLLAR))),
            reason=Reason.FORECAST_CLEARED, forecast="",
        ),
        "forecast cleared, not looked into since": corrected(
            FORESEEN, reason=Reason.FORECAST_CLEARED, forecast=""
        ),
        "forecast level taken out of the rule": corrected(FORESEEN, reason=Reason.FORESEEN, forecast=""),
        "cut off this month": LIMITED,
        "not cut off this month": replace(LIMITED, telling=replace(LIMITED.telling, cut_off_at="")),
        "hard limit reached": replace(LIMITED, telling=replace(LIMITED.telling, cut_off_at="2026-11-22T12:00:00Z")),
        "requests refused": replace(LIMITED, telling=replace(LIMITED.telling, enforcing=True)),
        "the organization's limit": replace(LIMITED, telling=replace(LIMITED.telling, group=())),
        "over, with a hard limit": over(LIMITED, Reason.PERIOD_OVER),
        "estimated in part": ESTIMATED,
        "tokens": OF_TOKENS,
        "tokens, over": replace(OF_TOKENS, incident=replace(OF_TOKENS.incident, value=1_320_000, severity="critical")),
        "tokens, none allowed": replace(OF_TOKENS, incident=replace(OF_TOKENS.incident, value=5, amount=0)),
        "tokens, forecast": replace(OF_TOKENS, incident=replace(OF_TOKENS.incident, forecast="forecast 100%"),
                                    telling=replace(OF_TOKENS.telling, outlook=AHEAD)),
        "tokens, month over": over(OF_TOKENS, Reason.PERIOD_OVER),
        "tokens, most of it": replace(OF_TOKENS, telling=replace(
            OF_TOKENS.telling, parts=(Part("model", "gpt-5.2", 900_000),))),
        "bytes": OF_BYTES,
        "dollars over the budget": replace(USED, incident=replace(USED.incident, value=18_000 * DOLLAR, severity="critical",
                                                                  level="$5,000 over"),
                                           telling=replace(USED.telling, percents=(*LEVELS, ("$5,000 over", 17_000 * DOLLAR)))),
        "dollars over ahead": replace(USED, telling=replace(
            USED.telling, percents=(LEVELS[1], ("$5,000 over", 17_000 * DOLLAR)))),
        "a trace": told("budget", 4_000_000, 5 * DOLLAR, "$0.01", span=on(22), percents=(("80%", 4 * DOLLAR),)),
    },
    "change": {
        "first day": CHANGE,
        "third day": replace(CHANGE, incident=replace(CHANGE.incident, days=days(18, 19, 20), peak=1_300 * DOLLAR)),
        "far above": replace(CHANGE, incident=replace(CHANGE.incident, value=7_240 * DOLLAR, level="$5,000 over",
                                                      severity="critical")),
        "late": over(CHANGE, Reason.LATE),
        "corrected": corrected(CHANGE, value=900 * DOLLAR),
        "over": over(CHANGE, peak=1_300 * DOLLAR, days=days(18, 19, 20)),
        "taken back": over(CHANGE, days=(), value=830 * DOLLAR),
        "fallen": told("change", 400 * DOLLAR, 816 * DOLLAR, "-40%", days=WEEK),
        "no longer fallen": over(told("change", 400 * DOLLAR, 816 * DOLLAR, "-40%", days=WEEK)),
        "requests, a day": told("change", 12_400, 8_000, "+40%", unit=REQUESTS, days=on(20)),
        "from nothing": told("change", 12 * DOLLAR, 0, "+40%", days=WEEK),
        "rule removed": over(CHANGE, Reason.RULE_REMOVED),
    },
    "anomaly": {
        "first day": ANOMALY,
        "a run": replace(ANOMALY, incident=replace(ANOMALY.incident, days=days(18, 19, 20), peak=402 * DOLLAR)),
        "a run with a gap": replace(ANOMALY, incident=replace(ANOMALY.incident, days=days(17, 20))),
        "far above": replace(ANOMALY, incident=replace(ANOMALY.incident, value=1_402 * DOLLAR, level="$1,000 over",
                                                       severity="critical")),
        "a new level is accepted": replace(
            ANOMALY, incident=replace(ANOMALY.incident, days=tuple(date(2026, 11, n) for n in range(7, 21))),
            telling=replace(ANOMALY.telling, note="as much as this on 14 days since 7 Nov: from now on it counts as usual"),
        ),
        "late": over(ANOMALY, Reason.LATE),
        "corrected": corrected(ANOMALY, value=120 * DOLLAR),
        "over": over(ANOMALY, days=days(18, 19, 20), peak=402 * DOLLAR),
        "taken back": over(ANOMALY, days=(), value=97 * DOLLAR),
        "where nothing is usual": replace(ANOMALY, incident=replace(ANOMALY.incident, amount=0)),
        "requests": told("anomaly", 120_000, 40_000, "unusual", unit=REQUESTS),
        "estimated in part": replace(ANOMALY, telling=replace(ANOMALY.telling, estimated=300 * DOLLAR)),
    },
    "ratio": {
        "above": RATIO,
        "above, a run": replace(RATIO, incident=replace(RATIO.incident, days=days(19, 20), peak=4_900_000_000)),
        "below": CACHED,
        "below, a run": replace(CACHED, incident=replace(CACHED.incident, days=days(19, 20), peak=330_000_000)),
        "more than before": DEARER,
        "less than before": replace(
            CACHED, incident=replace(CACHED.incident, level="-30%", amount=420_000_000),
            telling=replace(CACHED.telling, percents=(("-30%", 0),))),
        "a request": told("ratio", 4_613_000, 4_200_000, "above $0.0042",
                          unit=Unit("per request", NANO, dollars=True), days=WEEK),
        "tokens of a request": told("ratio", 412_500_000_000, 350 * NANO, "above 350",
                                    unit=Unit("output tokens per request", NANO), days=WEEK),
        "corrected": corrected(RATIO, value=3_800_000_000),
        "corrected, moved": corrected(DEARER, value=3_600_000_000),
        "over": over(RATIO, days=days(18, 19, 20), peak=4_900_000_000),
        "below no longer": over(CACHED, days=days(19, 20)),
        "no longer dearer": over(DEARER),
    },
    "first_seen": {
        "a model in a project": NEW,
        "a project": replace(NEW, telling=replace(NEW.telling, group=(("project", "side-project"),), about=("project",))),
        "a key of a project and a model": replace(NEW, telling=replace(
            NEW.telling, about=("api_key",),
            group=(("api_key", "key_7"), ("project", "search-prod"), ("model", "gpt-5.2")))),
        "of what the rule selects": replace(NEW, telling=replace(
            NEW.telling, group=(("line_item", "web search tool calls"),), about=("line_item",), selects="project labs")),
        "the smallest together": replace(NEW, telling=replace(
            NEW.telling, group=(("project", "(other)"), ("model", "(other)")), note="")),
        "no longer new": over(NEW, Reason.OVER),
        "rule switched off": over(NEW, Reason.INACTIVE),
    },
    "freshness": {
        "not read": STALE,
        "read, and no costs": replace(
            STALE, incident=replace(STALE.incident, value=219_600, amount=144_000), telling=replace(
                STALE.telling, note="there were requests up to 22 Nov, and no costs after 19 Nov")),
        "fresh again": over(STALE, Reason.OVER),
        "rule removed": over(STALE, Reason.RULE_REMOVED),
    },
    "native_limit": {
        "missing": MISSING,
        "outside": OUTSIDE,
        "cut off": CUT_OFF,
        "enforcing": ENFORCING,
        "no longer missing": over(MISSING, Reason.OVER),
        "as expected": over(OUTSIDE, Reason.OVER),
        "no longer near": over(CUT_OFF, Reason.OVER),
        "served again": over(ENFORCING, Reason.OVER),
        "rule removed": over(CUT_OFF, Reason.RULE_REMOVED),
    },
}  # fmt: skip

LINES = {
    "budget": {
        "raised by a forecast": (event("raised", FORESEEN, reason=Reason.FORESEEN, passed=("forecast 100%",)), FORESEEN),
        "two forecasts": (event("raised", FORESEEN, passed=("forecast 90%", "forecast 100%")), FORESEEN),
        "foreseen again": (event("recrossed", FORESEEN, reason=Reason.FORESEEN), FORESEEN),
        "forecast cleared": (
            event("cleared", FORESEEN, level="forecast 100%"),
            CARDS["budget"]["forecast cleared"],
        ),
        "forecast cleared, not looked into since": (event("cleared", FORESEEN), FORESEEN),
        "tokens raised": (event("raised", OF_TOKENS, passed=("80%",)), OF_TOKENS),
        "tokens corrected": (event("corrected", OF_TOKENS, said_before=1_230_000), OF_TOKENS),
        "tokens foreseen": (
            event("raised", OF_TOKENS, passed=("forecast 100%",)), CARDS["budget"]["tokens, forecast"],
        ),
        "estimated": (event("raised", ESTIMATED, passed=("80%",)), ESTIMATED),
        "estimated, another day": (event("continued", ESTIMATED, value=190 * DOLLAR, period="21 Nov"), ESTIMATED),
    },
    "change": {
        "critical": (event("raised", CARDS["change"]["far above"], passed=("$5,000 over",)), CARDS["change"]["far above"]),
        "goes on": (event("continued", CARDS["change"]["third day"]), CARDS["change"]["third day"]),
        "an earlier day": (event("raised", CHANGE, value=1_900 * DOLLAR, period="18 Nov", level="+40%"), CHANGE),
        "corrected": (event("corrected", CHANGE, said_before=1_400 * DOLLAR, level=""), corrected(CHANGE, value=900 * DOLLAR)),
        "corrected, still so": (event("corrected", CHANGE, said_before=7_240 * DOLLAR), CHANGE),
        "again": (event("recrossed", CHANGE), CHANGE),
        "fallen, goes on": (event("continued", CARDS["change"]["fallen"]), CARDS["change"]["fallen"]),
        "over": (event("ended", CHANGE, reason=Reason.RUN_OVER), CARDS["change"]["over"]),
        "rule removed": (event("ended", CHANGE, reason=Reason.RULE_REMOVED), CARDS["change"]["rule removed"]),
    },
    "anomaly": {
        "critical": (event("raised", CARDS["anomaly"]["far above"], passed=("$1,000 over",)), CARDS["anomaly"]["far above"]),
        "goes on": (event("continued", CARDS["anomaly"]["a run"]), CARDS["anomaly"]["a run"]),
        "again": (event("recrossed", ANOMALY), ANOMALY),
        "corrected": (event("corrected", ANOMALY, said_before=310 * DOLLAR, level="", value=120 * DOLLAR), CARDS["anomaly"]["corrected"]),
        "over": (event("ended", ANOMALY, reason=Reason.RUN_OVER), CARDS["anomaly"]["over"]),
    },
    "ratio": {
        "goes on": (event("continued", CARDS["ratio"]["above, a run"]), CARDS["ratio"]["above, a run"]),
        "below, goes on": (event("continued", CARDS["ratio"]["below, a run"]), CARDS["ratio"]["below, a run"]),
        "again": (event("recrossed", DEARER), DEARER),
        "corrected": (event("corrected", RATIO, said_before=4_610_000_000, level="", value=3_800_000_000), CARDS["ratio"]["corrected"]),
        "over": (event("ended", RATIO, reason=Reason.RUN_OVER), CARDS["ratio"]["over"]),
        "below no longer": (event("ended", CACHED, reason=Reason.RUN_OVER), CARDS["ratio"]["below no longer"]),
    },
    "first_seen": {
        "rule removed": (event("ended", NEW, reason=Reason.RULE_REMOVED), over(NEW, Reason.RULE_REMOVED)),
    },
    "freshness": {
        "fresh again": (event("ended", STALE, reason=Reason.OVER), over(STALE, Reason.OVER)),
        "rule removed": (event("ended", STALE, reason=Reason.RULE_REMOVED), over(STALE, Reason.RULE_REMOVED)),
    },
    "native_limit": {
        "enforcing": (event("raised", ENFORCING, passed=("cut-off", "enforcing")), ENFORCING),
        "less grave": (event("corrected", CUT_OFF, said_before=12_003 * DOLLAR), CUT_OFF),
        "again": (event("recrossed", ENFORCING), ENFORCING),
        "served again": (event("ended", ENFORCING, reason=Reason.OVER), over(ENFORCING, Reason.OVER)),
        "as expected": (event("ended", OUTSIDE, reason=Reason.OVER), over(OUTSIDE, Reason.OVER)),
    },
}  # fmt: skip

EVERY = [
    pytest.param(which, id=f"{kind}: {form}")
    for kind, forms in CARDS.items()
    for form, which in forms.items()
]


@pytest.mark.parametrize("kind", CARDS)
def test_what_a_kind_says(kind):
    said = []
    for form, which in CARDS[kind].items():
        message = card([which], 1)
        drawn = draw("x", message).split("\n", 1)[1]
        said.append(f"## {form}\n{message['text']}\n\n{drawn}\n")
    said += [
        f"## in the thread: {form}\n{words(line(what, which, named=False))}\n"
        for form, (what, which) in LINES[kind].items()
    ]
    golden(f"words_{kind}.txt", "\n".join(said).rstrip())


def test_every_kind_that_is_judged_has_words():
    assert set(JUDGED) <= set(kinds.KINDS)


@pytest.mark.parametrize("which", EVERY)
def test_slack_takes_every_card(which):
    message = card([which], 1)
    valid(message)
    for text in texts(message):
        assert "<$" not in text
        assert "{" not in text


@pytest.mark.parametrize("which", EVERY)
def test_no_card_says_what_means_nothing(which):
    said = json.dumps(card([which], 1), ensure_ascii=False)
    assert "resolved" not in said
    assert "None" not in said
    assert "—" not in said
    assert " of $0" not in said or which.telling.kind == "budget"  # a budget may be $0
    assert "  " not in said.replace('": "', "")


@pytest.mark.parametrize(("what", "which"), [
    pytest.param(what, which, id=f"{kind}: {form}") for kind, forms in LINES.items() for form, (what, which) in forms.items()
])  # fmt: skip
def test_a_line_names_its_subject_where_the_message_has_several(what, which):
    named = words(line(what, which, named=True))
    assert f"{which.subject}: " in named
    assert named.endswith(words(line(what, which, named=False))[-20:])


@pytest.mark.parametrize("kind", CARDS)
@pytest.mark.parametrize("name", [pytest.param(name, id=which) for which, name in HOSTILE.items()])
def test_hostile_names_and_notes_stay_words(kind, name):
    for which in CARDS[kind].values():
        group = tuple((dimension, name) for dimension, _ in which.telling.group)
        about = tuple(name for _ in which.telling.about) if kind == "ratio" else which.telling.about
        hostile = replace(which, telling=replace(
            which.telling, group=group, note=name, about=about, selects=name, title=name, period=name,
            percents=((name, 1), *which.telling.percents),
        ))  # fmt: skip
        messages = [card([hostile], 1), card([hostile, hostile, which], 1)]
        messages += [{"text": text} for text in overflow([hostile] * 12)]
        messages += [{"text": line(event("raised", hostile, passed=(name,)), hostile, named=True)}]
        for message in messages:
            valid(message)
            mrkdwn = "".join(texts(message))
            assert "<!" not in mrkdwn
            assert "<https://evil" not in mrkdwn


MIXED = [
    replace(USED, incident=replace(USED.incident, value=14_020 * DOLLAR, severity="critical", level="100%",
                                   fingerprint="000000000001"), telling=LIMITED.telling),
    replace(OF_TOKENS, incident=replace(OF_TOKENS.incident, fingerprint="000000000002")),
    replace(CHANGE, incident=replace(CHANGE.incident, fingerprint="000000000003")),
    replace(ANOMALY, incident=replace(ANOMALY.incident, fingerprint="000000000004")),
    replace(RATIO, incident=replace(RATIO.incident, fingerprint="000000000005")),
    replace(NEW, incident=replace(NEW.incident, fingerprint="000000000006")),
    replace(MISSING, incident=replace(MISSING.incident, fingerprint="000000000007")),
    STALE,
    over(replace(CACHED, incident=replace(CACHED.incident, fingerprint="000000000008"))),
]  # fmt: skip
TABLES = {
    "of every kind": MIXED,
    "all over": [over(each) for each in MIXED[2:5]],
    "budgets in several units": [MIXED[0], MIXED[1]],
    "budgets of tokens": [MIXED[1], replace(MIXED[1], incident=replace(MIXED[1].incident, value=1_320_000))],
    "anomalies": [ANOMALY, replace(ANOMALY, incident=replace(ANOMALY.incident, value=90 * DOLLAR, severity="info"))],
    "ratios alone": [RATIO, CACHED],
    "more than there are rows for": [
        replace(each, incident=replace(each.incident, fingerprint=f"{place:012x}"))
        for place, each in enumerate([*MIXED, *MIXED])
    ],
}  # fmt: skip


def test_what_a_table_says():
    said = []
    for form, which in TABLES.items():
        message = card(which, 1, ["U1ALICE"])
        valid(message)
        drawn = draw("x", message).split("\n", 1)[1]
        said.append(f"## {form}\n{message['text']}\n\n{drawn}\n")
        said += [f"in the thread:\n{words(text)}\n" for text in overflow(which)]
    golden("words_tables.txt", "\n".join(said).rstrip())
