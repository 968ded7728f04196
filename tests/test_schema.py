"""The JSON Schema of a rule file: it explains every key, accepts what `check` accepts, and stops a misspelt word."""

import ast
import json
import pkgutil
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from jsonschema import Draft202012Validator

import bot.core.kinds
import bot.core.rules
from bot.core.kinds import KINDS
from bot.core.rules.digests import DIGEST_KEYS
from bot.core.rules.metric_keys import NAMES, dimensions_of
from bot.core.rules.nodes import Source
from bot.core.rules.parse import SECTIONS, parse
from bot.core.rules.problems import Problems
from bot.core.rules.routes import QUIET_KEYS, ROUTE_KEYS
from bot.core.rules.schema import schema
from bot.core.rules.sections import DEFAULTS, FRESHNESS_KEYS, TEAM_KEYS
from bot.core.rules.selecting import SELECTOR
from bot.core.rules.table import Table
from bot.edge.rule_files import load, load_texts
from bot.edge.yaml_nodes import read_yaml
from tests.shell import Here

ROOT = Path(__file__).parents[1]
VALID = Draft202012Validator(schema())


THE_LANGUAGE = r"""version: 1
defaults:
  timezone: Europe/Berlin        # clocks, schedules, quiet hours, wording; NOT period boundaries (section 7)
  route: finops
  settle: 36h                    # a UTC day counts as settled this long after it ended
  thresholds: [50%, 80%, 100%, forecast 100%]
teams:                           # a project belongs to the first team that matches
  search:   {projects: [search-*, ranker], channel: search-ops, owner: search-leads, page: search-oncall}
  payments: {projects: [payments-*, fraud], channel: pay-alerts, owner: pay-leads}
routes:
  finops: {channel: ai-spend, quiet: nights, remind: 09:00}
  exec:   {channel: finance-exec, only: critical}
  ops:    {channel: budget-admin}
quiet:
  nights: {hours: 20:00-08:00, weekends: true}     # critical always passes; so does $500 more than when it began (wake)
calendars:
  fy: {year_starts: 02-01}       # fiscal year: quarters start 1 Feb, 1 May, 1 Aug, 1 Nov

rules:
  - id: project-month            # 1 eighty projects, one rule, each team hears its own
    kind: budget
    title: Monthly OpenAI budget of a project
    runbook: https://wiki.example.com/openai-spend
    labels: {tier: prod}
    select: {}                   # everything, said explicitly
    each: project
    period: month
    amount:                      # first match wins
      search-prod: 12,000
      payments-ml: 5,000
      sandbox-*: 200
      else: hard_limit           # OpenAI's own limit of that project; none set = listed as uncovered
    route: team

  - id: model-day                # 2 per model and project, a daily cap
    kind: budget
    select: {model: gpt-5*}
    except: {model: gpt-5-nano*}
    each: [project, model]
    period: day
    amount: {batch-*: 900, sandbox-*: 25, else: 150}
    thresholds: [{at: 100%, severity: warning}, {at: 200%, severity: critical}]
    route: team

  - id: tools                    # 3 line items, a dollar level beside a percent level
    kind: budget
    select: {line_item: ["web search tool calls*", "code interpreter*", "file search*"]}
    each: line_item
    period: month
    amount: 400
    thresholds: [{at: $100, severity: info}, {at: 100%, severity: warning}]

  - id: org-fy-quarter           # 4 the organization's fiscal quarter, with a plan
    kind: budget
    select: {}
    period: quarter
    calendar: fy
    amount: [{from: 2026-02-01, amount: 350000}, {from: 2026-08-01, amount: 400000}]
    thresholds: [90%, 100%, forecast 100%]
    route: exec

  - id: lab-live                 # 5 live spend: billed where settled, estimated where not (section 6)
    kind: budget
    metric: spend
    select: {project: lab}
    period: day
    amount: 200
    thresholds: [{at: 100%, severity: critical}]

  - id: project-week             # 6 change: trailing settled days against the same number before them
    kind: change
    each: project
    window: 7d
    when: {increase: 40%, at_least: $250}      # both must hold
    critical_above: $5,000
    route: team

  - id: unusual-spend            # 7 anomaly: unusual for this series and this weekday
    kind: anomaly
    each: [project, model]
    at_most: 3 per week          # what the reader feels; a cap, not a quota
    ignore_below: 1% of org      # or $50
    critical_above: $1,000       # more than that over the expected day
    route: team

  - id: new-model                # 8 first seen
    kind: first_seen
    dimension: model
    each: project
    lookback: 90d
    min_amount: $1
    severity: info

  - id: support-cost-per-1k      # 9 unit economics
    kind: ratio
    select: {project: support-bot}
    each: model
    numerator: cost
    denominator: requests
    per: 1000
    window: 7d
    when: {above: 4.00}          # above | below | increase: 30%
    min_denominator: 10,000
    severity: warning
  - id: support-cache-hit
    kind: ratio
    select: {project: support-bot}
    numerator: input_cached_tokens
    denominator: input_tokens
    window: 3d
    when: {below: 35%}
    for: 2d
    severity: info

  - id: hard-limits              # 10 OpenAI's own hard limits
    kind: native_limit
    each: project
    expect: 100%..150% of project-month        # of that rule's amount for the project; both sides
    route: team                  # built in: missing = info, outside = warning, cut-off forecast within 3 days = warning, enforcing = critical

digests:
  - {id: finance-weekly, schedule: "0 9 * * MON", report: "last-week by project", route: finops}
"""
"""Everything that a rule file can say, with every kind."""


class Yaml11(yaml.CSafeLoader):
    """How an editor that speaks YAML 1.1 reads: `20:00` is 1200, `on` is true, `0010` is 8."""

    def construct_mapping(self, node, deep=False):
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


# JSON knows no dates: editors hand them over as text.
Yaml11.add_constructor("tag:yaml.org,2002:timestamp", lambda _loader, node: node.value)
Yaml11.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node))
Yaml11.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)


class Yaml12(Yaml11):
    """How an editor that speaks YAML 1.2 reads: `on` is a word, `0010` is 10."""

    yaml_implicit_resolvers: ClassVar = {}


Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), None
)
Yaml12.add_implicit_resolver("tag:core:int", re.compile(r"[-+]?[0-9]+$"), None)
Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"), None
)
Yaml12.add_constructor("tag:core:int", lambda _loader, node: int(node.value))
EDITORS = [pytest.param(Yaml11, id="YAML 1.1"), pytest.param(Yaml12, id="YAML 1.2")]


def complaints(text, editor=Yaml12, validator=VALID):
    """What an editor underlines."""
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in validator.iter_errors(yaml.load(text, editor))
    ]


def good_files():
    """Every rule file that ships, stands in README, or is written out in a test, and is good."""
    found = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "rules").rglob("*.yaml")}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for number, block in enumerate(re.findall(r"(?ms)^( *)```yaml\n(.*?)^\1```", readme)):
        found[f"README {number}"] = re.sub(f"(?m)^{block[0]}", "", block[1])
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found[f"{path.name}:{node.lineno}"] = node.value
    return [
        pytest.param(text, id=name)
        for name, text in found.items()
        if text.startswith(("version: 1\n", "# ")) and load_texts({"a.yaml": text}).book is not None
    ]


GOOD = good_files()


def test_it_is_a_json_schema():
    Draft202012Validator.check_schema(schema())


def test_the_good_files_are_found():
    names = {each.id.split(":")[0] for each in GOOD}
    assert {"budgets.yaml", "README 0", "test_checking.py", "test_problems.py"} <= names


@pytest.mark.parametrize("editor", EDITORS)
@pytest.mark.parametrize("text", GOOD)
def test_what_check_accepts_no_editor_underlines(text, editor):
    assert complaints(text, editor) == []


def parts_of(text):
    """Each section by its name, and each rule by its id, alone in a file."""
    for section in re.split(r"(?m)^(?=[a-z])", text):
        name = section.partition(":")[0]
        if name in ("", "version"):
            continue
        for part in re.split(r"(?m)^(?=  - id: )", section)[1:] if name == "rules" else [section]:
            rule = re.match(r"  - id: (\S+)", part)
            head = "version: 1\nrules:\n" if rule else "version: 1\n"
            yield (rule[1] if rule else name), head + part


def test_what_check_accepts_of_the_whole_language_no_editor_underlines():
    accepted = set()
    for name, text in parts_of(THE_LANGUAGE):
        problems = Problems()
        parse([read_yaml(Source("a", "a", text), problems)], problems, complete=False)
        if not problems.errors:
            accepted.add(name)
            assert complaints(text, Yaml11) == complaints(text, Yaml12) == [], name
    assert accepted >= {
        "defaults",
        "teams",
        "routes",
        "quiet",
        "digests",
        "project-month",
        "tools",
        "lab-live",
    }


FILE = """\
version: 1
defaults: {timezone: UTC, route: finops, settle: 36h, thresholds: [50%, {at: $100}], week_starts: monday}
teams:
  search: {projects: [search-*, {regex: rank.*}], channel: search-ops, owner: leads, page: oncall}
routes:
  finops: {channel: ai-spend, mention: [cfo], only: info, gather: 30m}
calendars:
  fy: {year_starts: 02-01}
rules:
  - id: one
    kind: budget
    title: One
    labels: {tier: prod}
    select: {project: search-*}
    except: {model: [gpt-5-nano*]}
    each: [project, model]
    period: {rolling: 30d}
    amount: {search-prod: [{from: 2026-01-01, amount: 5}], else: $1,500}
    thresholds: [80%, {at: 100%, basis: actual, severity: critical}]
    enabled: true
  - id: two
    kind: budget
    select: {}
    route: team
    period: {from: 2026-01-01, to: 2026-02-01}
    amount: 4.00
"""
FILE = FILE.replace("else: $1,500", 'else: "$1,500"')


def test_the_whole_is_good():
    assert load_texts({"a.yaml": FILE}).problems == ()
    assert complaints(FILE) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param(right, wrong, id=wrong)
        for right, wrong in (
            ("version: 1", "versoin: 1"),
            ("version: 1", "version: 2"),
            ("calendars:", "calender:"),
            ("timezone:", "timezoen:"),
            ("36h", "36 hours"),
            ("projects:", "project:"),
            ("channel: search-ops", "chanel: search-ops"),
            ("channel: ai-spend", "channel: ai spend"),
            ("regex:", "rexeg:"),
            ("gather:", "gathre:"),
            ("only: info", "only: infos"),
            ("year_starts:", "year_start:"),
            ("02-01}", "2-1}"),
            ("id: two", "name: two"),
            ("id: two", "id: Two"),
            ("kind: budget\n    title: One", "title: One"),
            ("kind: budget\n    select: {}", "kind: bugdet\n    select: {}"),
            ("title:", "titel:"),
            ("{tier: prod}", "{tier: [prod]}"),
            ("select: {project:", "select: {projekt:"),
            ("except: {model:", "except: {modle:"),
            ("each: [project, model]", "each: [project, modle]"),
            ("{rolling: 30d}", "{roling: 30d}"),
            ("{rolling: 30d}", "fortnight"),
            ("{from: 2026-01-01, to: 2026-02-01}", "{from: 2026-01-01, until: 2026-02-01}"),
            ("{from: 2026-01-01, amount: 5}", "{from: 2026-01-01, amout: 5}"),
            ("amount: 4.00", "amount: a lot"),
            ("amount: 4.00", "amount: -4"),
            ("amount: 4.00", "amount:"),
            ("80%,", "80,"),
            ("basis: actual", "bases: actual"),
            ("basis: actual", "basis: guess"),
            ("enabled: true", "enabled: maybe"),
        )
    ],
)
def test_a_misspelt_word_is_underlined(right, wrong):
    assert right in FILE
    text = FILE.replace(right, wrong)
    assert load_texts({"a.yaml": text}).book is None
    assert complaints(text) != []


def tables():
    """Every table of keys that a rule file is read by."""
    found = {}
    for package in (bot.core.rules, bot.core.kinds):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for name, value in vars(import_module(module.name)).items():
                if isinstance(value, Table):
                    found.setdefault(value, f"{module.name.rpartition('.')[2]}.{name}")
    return [pytest.param(table, id=name) for table, name in found.items()]


TABLES = tables()
SECTION_NAMES = [name for name in SECTIONS.keys if name != "version"]


def described(node):
    """Every sentence that an editor can show."""
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from described(value)
    if isinstance(node, dict) and isinstance(node.get("description"), str):
        yield node["description"]


@pytest.mark.parametrize("table", TABLES)
def test_every_key_is_explained_wherever_it_stands(table):
    told = list(described(json.loads(json.dumps(schema()))))
    for name, key in table.keys.items():
        assert key.name == name
        assert key.about.endswith("."), f'"{name}" lacks a sentence'
        assert key.field.schema, f'"{name}" does not say what may stand there'
        # KIND is explained by the kinds themselves; a table nested in a field must be part of its schema.
        assert any(key.about in each for each in told), f'the schema does not hold "{name}"'


@pytest.mark.parametrize("name", SECTION_NAMES)
def test_every_section_says_which_keys_it_takes(name):
    section = schema()["properties"][name]
    held = section.get("items") or section.get("additionalProperties") or section.get("properties")
    assert held, name


WORDS = """
a 0 1 7 10 0010 08 1e3 4.00 .5 5. 1_000 0x1f 0.1 -1 1,500 12,000 $5 $1,500.50 $1.5k 5K 2m hard_limit cost spend requests
input_tokens on off yes no true false "true" "1" "7" "0010" y n null "null" ~ infinity .inf 20:00 9:30 09:00 00:00 23:59
2026-01-01 2100-12-31 02-01 12-28 5m 36h 7d 30d 366d 80% 33.3% 100.50% $100 "$ 5" 40% ai-spend "#ai-spend" "@ceo" C012345
UTC Europe/Berlin monday sunday day week month quarter year info warning critical actual forecast never always team project
model line_item finops "(no project)" search-* "*-prod" "a b" "a, b" " " https://example.com/a?b=c#d HTTPS://example.com/ü
"forecast 100%" "forecast $500" nights above below "3 per week" "1 per day" "1% of org" $50 "0 9 * * MON" "last-week by project"
"100%..150% of project-month" 20:00-08:00 90d 14d any_metric BUDGETBOT_HOOK
"""
NODES = [
    *re.findall(r'"[^"]*"|\S+', WORDS),
    "[a, b]",
    "[project, model]",
    "[monday, tuesday]",
    "[a-1]",
    "{regex: a.*}",
    "[{regex: a.*}, b, 7]",
    "{}",
    "{project: lab}",
    "{project: [lab, 0010, on], model: {regex: gpt.*}}",
    "{rolling: 30d}",
    "{from: 2026-01-01, to: 2026-02-01}",
    "{a-*: 5, else: 20}",
    "{a-*: hard_limit, else: 20}",
    "{from: 2026-01-01, amount: 5}",
    "[{from: 2026-01-01, amount: 5}, {from: 2026-02-01, amount: 7.5}]",
    "[50%, $100, {at: 80%, severity: info}]",
    "[50%, forecast 100%]",
    "{at: 80%, basis: forecast, confidence: 90%}",
    "{at: $100}",
    "{tier: prod, on: 7}",
    "{increase: 40%, at_least: $250}",
    "{decrease: 40%}",
    "{above: 4.00}",
    "{below: 35%}",
    "{hours: 20:00-08:00, weekends: true}",
    "{after: 24h, to: exec}",
    "{poll: 3h, data: 40h}",
    "100%..150% of project-month",
]
"""What might stand behind some key: each is tried behind every key."""
SELECTS = [
    "{}",
    "{project: lab}",
    "{project: [lab, 0010, on], model: {regex: gpt.*}}",
    "{batch: true, service_tier: flex}",
]
DIMENSIONAL = {"select": SELECTS, "except": SELECTS, "each": ["model", "[project, model]", "[team]"]}
"""Which dimensions there are depends on what a rule counts, so its kind refuses the others, and not the key."""


@pytest.mark.parametrize("metric", NAMES)
def test_every_dimension_of_every_metric_may_be_written(metric):
    each = schema()["$defs"]["key.each"]
    for dimension in dimensions_of(metric):
        assert Draft202012Validator(each).is_valid(dimension)
        assert Draft202012Validator(dict(SELECTOR.schema)).is_valid({dimension: "x"})


KEYS = [
    pytest.param(key, id=f"{table.id}.{name}")
    for table in TABLES
    for name, key in table.values[0].keys.items()
    # Sections are read key by key; and any word may stand behind `kind`, as far as its own field knows.
    if name != "kind" and (table.values[0] is not SECTIONS or name == "version")
]


@pytest.mark.parametrize("key", KEYS)
def test_what_a_key_takes_its_schema_takes(key):
    validator = Draft202012Validator(dict(key.field.schema))
    taken = 0
    for text in DIMENSIONAL.get(key.name, NODES):
        problems = Problems()
        root = read_yaml(Source("a", "a", f"k: {text}"), problems)
        value = key.field.read(root.entries["k"].value, key.name, problems)
        if value is None or problems.errors:
            continue
        for editor in (Yaml11, Yaml12):
            seen = yaml.load(f"k: {text}", editor)["k"]
            # No editor can tell the word null from nothing.
            if seen is not None:
                taken += 1
                assert validator.is_valid(seen), f"{text} is taken, and the schema refuses {seen!r}"
    assert taken, f"nothing that is tried may stand behind {key.name}: add something to NODES"


def minimal(kind):
    """The example of a kind's own page, alone in a file."""
    page = import_module(KINDS[kind].parse.__module__).__doc__
    found = re.search(r"(?ms)^- id: .*?(?=^\S(?<!-)|\Z)", page)
    assert found, f"the page of {kind} shows no rule"
    return "version: 1\nrules:\n" + re.sub("(?m)^(?=.)", "  ", found[0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_each_kind_is_a_good_rule(kind):
    text = minimal(kind)
    problems = Problems()
    parse([read_yaml(Source("a", "a", text), problems)], problems, complete=False)
    assert problems.found == []
    assert complaints(text) == []
    assert f"kind: {kind}" in text


AROUND = {
    DEFAULTS: "defaults: {HERE}\n",
    FRESHNESS_KEYS: "defaults: {freshness: {HERE}}\n",
    TEAM_KEYS: "teams: {t: {projects: a, HERE}}\n",
    ROUTE_KEYS: "routes: {r: {channel: c, HERE}}\n",
    QUIET_KEYS: "quiet: {q: {hours: 20:00-08:00, HERE}}\n",
    DIGEST_KEYS: 'digests: [{id: d, schedule: "0 9 * * *", report: mtd, HERE}]\n',
}
RULE = "rules:\n  - {id: a, kind: budget, select: {}, period: week, amount: 1}\n"
LEANED_ON = "  - {id: project-month, kind: budget, select: {}, each: project, period: month, amount: 1}\n"
"""The budget that examples of other kinds name."""


def around(table, key):
    """A file in which `HERE` stands where the table's keys may be written."""
    if table in AROUND:
        return AROUND[table] + RULE
    kind = next(word for word in KINDS if KINDS[word].keys is table)
    bare = re.sub(rf"(?m)^    {key.name}:.*\n?", "", minimal(kind)).removeprefix("version: 1\nrules:\n")
    other = "" if "id: project-month" in bare else LEANED_ON
    return f"routes: {{finops: {{channel: c}}}}\nrules:\n{other}{bare.rstrip()}\n    HERE\n"


@pytest.mark.parametrize(
    ("key", "table"),
    [
        pytest.param(key, table.values[0], id=f"{table.id}.{name}")
        for table in TABLES
        for name, key in table.values[0].keys.items()
        if key.default is not None
    ],
)
def test_what_holds_where_a_key_is_not_written_is_told_as_it_is(key, table):
    """Writing the default changes nothing."""
    text = "version: 1\n" + around(table, key)
    bare, full = (
        load_texts({"a.yaml": text.replace("HERE", written)})
        for written in ("", f"{key.name}: {json.dumps(key.default)}")
    )
    assert bare.book is not None, bare.problems
    assert full.book is not None, full.problems
    assert replace(bare.book, hash="") == replace(full.book, hash="")


def test_the_command_prints_what_ships_beside_the_rules(tmp_path, monkeypatch, capsys):
    done = Here(monkeypatch, capsys)(tmp_path, {}, "schema")
    assert (done.code, done.err) == (0, "")
    assert done.json == json.loads(json.dumps(schema()))
    shipped = (ROOT / "rules" / "schema.json").read_text(encoding="utf-8")
    assert shipped == done.out, "the language has changed: budgetbot schema > rules/schema.json"


def test_shipped_rules_point_editors_to_it_and_the_reader_passes_it_by():
    pointed = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")
    for path in (ROOT / "rules").rglob("*.yaml"):
        if not path.name.endswith(".cases.yaml"):
            found = pointed.match(path.read_text(encoding="utf-8"))
            assert found, path
            assert (path.parent / found[1]).resolve() == ROOT / "rules" / "schema.json"
    assert "schema.json" not in load(ROOT / "rules").files


def test_readme_names_every_key_of_every_kind():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme[readme.index("## Writing rules") : readme.index("## Live spend")]
    told = {
        cells[1].strip().strip("`"): [set(re.findall(r"`(\w+)`", cell)) for cell in cells[3:5]]
        for line in section.splitlines()
        if line.startswith("| `") and (cells := line.split("|"))[1].strip() != "`kind`"
    }
    common = set(re.findall(r"`(\w+)`", section.rpartition("Every rule has")[2]))
    language = schema()
    kinds = {
        name.partition(".")[2]: each for name, each in language["$defs"].items() if name.startswith("kind.")
    }
    dimensions = set(language["$defs"]["key.select"]["properties"])
    assert common - dimensions - {"freshness"} <= set(kinds["budget"]["properties"])
    assert set(told) == set(kinds)
    for kind, each in kinds.items():
        required, optional = told[kind]
        assert required == set(each["required"]) - {"id", "kind"}, kind
        assert required | optional == set(each["properties"]) - (common - required) - {"kind"}, kind
    files = set(re.findall(r"`(\w+)`", section.partition("A mistake is told")[0]))
    assert files >= set(language["properties"])
