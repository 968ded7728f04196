"""What the rules that compare days print where they are written wrongly: every key, at its place."""

import pytest

from bot.core.period import DAY
from bot.edge.rule_files import load_texts
from tests.test_schema import THE_LANGUAGE

CHANGE = ("kind: change", "window: 7d", "when: {increase: 40%, at_least: $250}")
ANOMALY = ("kind: anomaly",)
RATIO = ("kind: ratio", "numerator: cost", "denominator: requests", "per: 1000", "when: {above: 4.00}")
HEAD = "version: 1\nrules:\n  - id: r\n"
FIRST = 4


def told(lines):
    """The problems of a file with one rule, as `line:column code message`; the kind stands in line 4."""
    text = HEAD + "".join(f"    {line}\n" for line in lines)
    found = load_texts({"a.yaml": text}, "rules").problems
    return [
        f"{p.line}:{p.column} {p.code} {p.message}" + (f" ({p.suggestion}?)" if p.suggestion else "")
        for p in found
    ]


def instead(lines, key, line=None):
    """The lines with that of a key written otherwise, or taken out."""
    return [
        line or "" if part.startswith(f"{key}:") else part
        for part in lines
        if line or not part.startswith(key)
    ]


CASES = [
    pytest.param(
        instead(CHANGE, "when"),
        ['3:5 B010 rule "r" needs "when": by how much it must change, like {increase: 40%, at_least: $250}'],
        id="change-needs-when",
    ),
    pytest.param(
        instead(CHANGE, "when", "when: 40%"),
        ['6:11 B011 "when" takes keys and values, not "40%"'],
        id="when-is-no-percentage",
    ),
    pytest.param(
        instead(CHANGE, "when", "when: {at_least: $250}"),
        ['6:11 B010 "when" needs "increase" or "decrease": a percentage like 40%'],
        id="when-without-a-percentage",
    ),
    pytest.param(
        instead(CHANGE, "when", "when: {increase: 40%, decrease: 40%}"),
        ['6:37 B033 "when" takes increase or decrease: write two rules for both'],
        id="both-ways",
    ),
    pytest.param(
        instead(CHANGE, "when", "when: {increase: 40}"),
        ['6:22 B023 "40" is no percentage; write 40%'],
        id="percentage-without-its-sign",
    ),
    pytest.param(
        instead(CHANGE, "when", "when: {increase: 0%}"),
        ['6:22 B023 "0%" is no percentage above zero; write one like 40%'],
        id="nothing-is-no-increase",
    ),
    pytest.param(
        instead(CHANGE, "when", "when: {decrease: 101%}"),
        ["6:22 B023 nothing falls by more than 100%"],
        id="falls-too-far",
    ),
    pytest.param(
        instead(CHANGE, "when", "when: {increase: 40%, at_least: lots}"),
        ['6:37 B022 "lots" is not an amount of dollars; write one like 12,000 or $1,500.50'],
        id="at-least",
    ),
    pytest.param(
        instead(CHANGE, "when", "when: {increas: 40%}"),
        [
            '6:11 B010 "when" needs "increase" or "decrease": a percentage like 40%',
            '6:12 B012 unknown key "increas" in "when" (increase?)',
        ],
        id="misspelt-in-when",
    ),
    pytest.param(
        instead(CHANGE, "window", "window: 36h"),
        ['5:13 B021 "36h" is not a number of whole days; write one like 2d'],
        id="window-of-hours",
    ),
    pytest.param(
        instead(CHANGE, "window", "window: 93d"),
        ['5:13 B021 "window" counts whole days, 1d to 92d'],
        id="window-too-long",
    ),
    pytest.param(
        instead(CHANGE, "window", "window: 0d"),
        ['5:13 B021 "0d" is not a number of whole days; write one like 2d'],
        id="window-of-nothing",
    ),
    pytest.param(
        [*CHANGE, "min_base: 10%"],
        ['7:15 B022 "10%" is not an amount of dollars; write one like 12,000 or $1,500.50'],
        id="min-base",
    ),
    pytest.param(
        [*CHANGE, "min_base: 99999999999"], ["7:15 B022 that is more dollars than can be stored"], id="too-much"
    ),
    pytest.param(
        [*CHANGE, "metric: request"],
        [
            ('7:13 B013 "request" is no metric; write cost, spend, or one of usage, like input_tokens or requests '
            "(requests?)")
        ],
        id="metric",
    ),
    pytest.param(
        [*CHANGE, "metric: requests", "each: line_item"],
        [
            ('8:11 B034 num_model_requests has no dimension "line_item"; it has project, model, api_key, team, '
            "batch, service_tier")
        ],
        id="dimension-usage-does-not-have",
    ),
    pytest.param(
        [*CHANGE, "metric: requests", "critical_above: $5"],
        ['8:21 B033 "critical_above" is in dollars'],
        id="dollars-over-requests",
    ),
    pytest.param(
        [*instead(CHANGE, "when", "when: {decrease: 40%}"), "critical_above: $5"],
        ['7:21 B033 "critical_above" is for an increase'],
        id="dollars-over-a-decrease",
    ),
    pytest.param([*CHANGE, "for: 12h"], ['7:10 B021 "12h" is not a number of whole days; write one like 2d'], id="for"),
    pytest.param(
        [*CHANGE, "severity: high"],
        ['7:15 B013 "high" is no severity; write info, warning or critical'],
        id="severity",
    ),
    pytest.param([*CHANGE, "thresholds: [80%]"], ['7:5 B012 unknown key "thresholds" in rule "r"'], id="of-a-budget"),
    pytest.param(
        [*ANOMALY, "at_most: 3 a week"],
        ['5:14 B025 "3 a week" is not how often; write one like 3 per week, or per day or month'],
        id="how-often",
    ),
    pytest.param(
        [*ANOMALY, "at_most: 0 per week"],
        ['5:14 B025 "0 per week" is not how often; write one like 3 per week, or per day or month'],
        id="never",
    ),
    pytest.param(
        [*ANOMALY, "at_most: 1 per year"],
        ['5:14 B025 "1 per year" is not how often; write one like 3 per week, or per day or month'],
        id="per-year",
    ),
    pytest.param(
        [*ANOMALY, "ignore_below: 1%"],
        ['5:19 B023 "1%" is no share of the organization\'s day; write 1% of org'],
        id="share-of-what",
    ),
    pytest.param(
        [*ANOMALY, "ignore_below: x% of org"],
        ['5:19 B023 "x%" is no percentage above zero; write one like 40%'],
        id="no-share",
    ),
    pytest.param(
        [*ANOMALY, "ignore_below: few"],
        ['5:19 B022 "few" is not an amount of dollars; write one like 12,000 or $1,500.50'],
        id="no-amount",
    ),
    pytest.param(
        [*ANOMALY, "metric: bytes", "critical_above: 5"],
        ['6:21 B033 "critical_above" is in dollars'],
        id="dollars-over-bytes",
    ),
    pytest.param([*ANOMALY, "window: 7d"], ['5:5 B012 unknown key "window" in rule "r" (kind?)'], id="anomaly-has-no-window"),
    pytest.param(
        ["kind: ratio"],
        [
            '3:5 B010 rule "r" needs "denominator": a metric, like requests',
            '3:5 B010 rule "r" needs "numerator": a metric, like cost',
            '3:5 B010 rule "r" needs "when": which ratio is one too many, like {above: 4.00}',
        ],
        id="ratio-needs",
    ),
    pytest.param(
        instead(RATIO, "denominator", "denominator: bytes"),
        ["6:18 B033 bytes stored are a level and no flow: nothing can be counted per bytes stored"],
        id="a-level-is-no-flow",
    ),
    pytest.param(
        instead(RATIO, "denominator", "denominator: cost"), ["6:18 B033 that is the same over itself"], id="itself"
    ),
    pytest.param(
        instead(RATIO, "denominator", "denominator: spend"),
        ["6:18 B033 that is the same over itself"],
        id="money-over-money",
    ),
    pytest.param(
        [*RATIO, "each: line_item"],
        [
            ('9:11 B034 num_model_requests has no dimension "line_item"; it has project, model, api_key, team, '
            "batch, service_tier")
        ],
        id="dimension-of-the-numerator-alone",
    ),
    pytest.param(
        [*RATIO, "select: {service_tier: flex}"],
        ['9:14 B034 cost has no dimension "service_tier"; it has project, line_item, model, api_key, user, team'],
        id="dimension-of-the-denominator-alone",
    ),
    pytest.param(instead(RATIO, "per", "per: 0"), ['7:10 B025 "0" is not a whole number from 1 to 1,000,000,000'], id="per"),
    pytest.param(
        instead(RATIO, "when", "when: {}"),
        ['8:11 B010 "when" takes one of above, below, increase and decrease'],
        id="when-of-nothing",
    ),
    pytest.param(
        instead(RATIO, "when", "when: {above: 4, below: 2}"),
        ['8:11 B033 "when" takes one of above, below, increase and decrease'],
        id="when-of-two",
    ),
    pytest.param(
        instead(RATIO, "when", "when: {above: 35%}"),
        ['8:19 B033 "above" takes no percentage: the ratio is dollars per 1,000 requests'],
        id="percentage-of-dollars",
    ),
    pytest.param(
        ["kind: ratio", "numerator: output_tokens", "denominator: input_tokens", "when: {below: 0.35}"],
        ['7:19 B033 "below" is of a share here: write a percentage, like "35%"'],
        id="share-without-percent",
    ),
    pytest.param(
        ["kind: ratio", "numerator: output_tokens", "denominator: input_tokens", "when: {below: 0.00000001%}"],
        ['7:19 B023 "0.00000001%" is finer than can be told: 7 decimals at most'],
        id="share-too-fine",
    ),
    pytest.param(
        instead(RATIO, "when", "when: {below: some}"),
        ['8:19 B022 "some" is not an amount of dollars; write one like 12,000 or $1,500.50'],
        id="no-bound",
    ),
    pytest.param(
        [*RATIO, "min_denominator: many"],
        ['9:22 B022 "many" is not an amount of dollars; write one like 12,000 or $1,500.50'],
        id="min-denominator",
    ),
    pytest.param([*RATIO, "critical_above: 5"], ['9:5 B012 unknown key "critical_above" in rule "r"'], id="of-others"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "problems"), CASES)
def test_a_mistake_is_told_at_its_place(lines, problems):
    assert told(lines) == problems


@pytest.mark.parametrize("lines", [CHANGE, ANOMALY, RATIO], ids=["change", "anomaly", "ratio"])
def test_the_bare_rules_of_this_page_are_good(lines):
    assert told(lines) == []


def test_a_level_that_nobody_hears_is_told():
    routes = "routes: {exec: {channel: c, only: critical}}\n"
    rules = "".join(f"    {line}\n" for line in (*CHANGE, "critical_above: $5,000", "route: exec"))
    found = load_texts({"a.yaml": f"{HEAD.replace('rules:', f'{routes}rules:')}{rules}"}, "rules").problems
    assert [(p.code, p.message) for p in found] == [
        ("W101", 'nobody hears +40% of "r": route "exec" says only critical')
    ]


def test_the_rules_of_the_language_say_what_they_mean():
    book = load_texts({"a.yaml": THE_LANGUAGE}, "rules").book
    week, unusual, cost, cached = (
        book.rule(name)
        for name in ("project-week", "unusual-spend", "support-cost-per-1k", "support-cache-hit")
    )
    dollar = 10**9
    assert (week.window, week.percent, week.at_least, week.min_base) == (7, "40", 250 * dollar, 10 * dollar)
    assert (week.critical_above, week.scope.each, week.route) == (5_000 * dollar, ("project",), "team")
    assert (str(unusual.at_most), unusual.ignore_percent, unusual.ignore_below) == ("3 per week", "1", 0)
    assert (unusual.critical_above, unusual.scope.each) == (1_000 * dollar, ("project", "model"))
    assert (cost.metric, cost.denominator, cost.per) == ("cost", "num_model_requests", 1000)
    assert (cost.how, cost.bound, cost.min_denominator, cost.back) == ("above", 4 * dollar, 10_000, 6 * DAY)
    assert (cached.how, cached.bound, cached.hold_days, cached.window) == ("below", dollar * 35 // 100, 2, 3)
    assert (cached.unit.share, cached.severity) == (True, "info")
