"""Rules and cases laid out by hand, and the stories that are told of them."""

from bot.casing import run_cases
from bot.core.cases.bind import bind
from bot.core.rules.parse import parse
from bot.core.rules.problems import Problems
from bot.edge import case_files

RULES = """\
version: 1
teams:
  search: {projects: [search-*], channel: search-ops}
rules:
  - id: project-month
    kind: budget
    select: {}
    each: project
    period: month
    amount: {search-prod: 12000, sandbox-*: 0, else: 1000}
    thresholds: [50%, 80%, 100%]
  - {id: total-day, kind: budget, select: {}, except: {project: sandbox-*}, period: day, amount: 100, thresholds: 100%}
  - {id: model-day, kind: budget, select: {model: [gpt-5*, "o?-mini"]}, each: [project, model], period: day, amount: 100}
  - {id: team-month, kind: budget, select: {}, each: team, period: month, amount: 1000}
  - {id: calls, kind: budget, select: {project: lab-*}, metric: requests, period: day, amount: 1000}
  - {id: limited, kind: budget, select: {}, each: project, period: month, amount: hard_limit, thresholds: [80%, 100%]}
  - {id: live, kind: budget, metric: spend, select: {project: lab}, period: day, amount: 200, thresholds: 100%}
  - {id: ahead, kind: budget, select: {}, period: month, amount: 16000, thresholds: [100%, forecast 100%]}
"""
HEAD = """\
rules: [openai.yaml]
cases:
  - name: a story
"""

DAYS = "days: {from: 2026-08-01, values: 400}"
OK = "expect: {at: 2026-08-01T12:00Z, state: ok}"
TOTAL = "rule: total-day"


def rules_folder(tmp_path):
    """A folder whose rules are those above."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/openai.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path


def played(folder, text, name="openai.cases.yaml"):
    """Play one case file of the folder."""
    file = folder / "rules" / name
    file.write_text(text, encoding="utf-8")
    return run_cases([file])


def story(folder, *lines):
    """Play one case, given by its lines from line 4 on; return what does not hold, or is wrong."""
    done = played(folder, HEAD + "".join(f"    {line}\n" for line in lines))
    told = [f"{p.line}:{p.column} {p.code} {p.message}" for p in done.problems]
    return [*told, *(f"{one.line}: {one.sentence}" for one in done.failed)]


def bound_cases(folder):
    """Every case of a folder, ready to be played."""
    problems = Problems()
    for file in case_files.find([folder], problems):
        held = case_files.read(file, problems)
        roots, _ = case_files.roots(case_files.rules_of(file, held, problems), problems)
        book = parse(roots, problems).book
        for case in held.cases:
            yield bind(case, roots, book, problems)
    assert problems.errors == 0
