"""What `check` asks the database: whose names OpenAI knows, what new rules say at once, what all said lately."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.core.backtest import Much
from bot.core.evaluate import evaluate
from bot.core.incident import Finding
from bot.core.listing import Uncovered, left_out
from bot.core.money import show_usd
from bot.core.period import DAY, Span
from bot.core.rules.book import Budget, Problem, Rulebook
from bot.core.rules.snapshot_check import Mention, warnings_from_snapshot
from bot.core.spend import cuts_of
from bot.edge.store import incidents, limits
from bot.edge.store.records import names as read_names
from bot.edge.store.store import Store
from bot.loading import load_spend, load_view
from bot.volume import how_much as replayed


def how_much(database: str, book: Rulebook, now: datetime) -> tuple[tuple[Much, ...], str]:
    """Return what each rule would have said of what is stored, or why that is not told."""
    with Store(database) as store:
        return replayed(store, book, now)


def compared(
    database: str,
    book: Rulebook | None,
    mentions: tuple[Mention, ...],
    shown: Mapping[str, str],
    now: datetime,
) -> list[Problem]:
    """Return what the last poll stored that the rules do not fit."""
    with Store(database) as store, store.reading() as tx:
        names = read_names(tx)
        series, models = store.index.refresh(tx)
        known = {
            "project": [(key, name) for (kind, key), name in names.current.items() if kind == "project"],
            "api_key": [(key, name) for (kind, key), name in names.current.items() if kind == "api_key"],
            "user": [(key, name) for (kind, key), name in names.current.items() if kind == "user"],
            "line_item": [(s.line_item, s.line_item) for s in series.values() if s.line_item],
            "model": [(model, model) for model in models],
        }
        found = list(warnings_from_snapshot(mentions, {key: set(pairs) for key, pairs in known.items()}))
        if book is not None:
            said = incidents.said(tx, now.astimezone(UTC).date())
            new = [rule for rule in book.rules if rule.id not in said.rules]
            if new:
                view = load_view(tx, store, book, now, answering=True)
                if view.history_from is not None:
                    # By what is stored, however old: a draft is read where nobody polls.
                    findings = evaluate(book, replace(view, sources={}), now).findings
                    found += _already_passed(findings, {rule.id for rule in new}, shown)
            today = now.astimezone(UTC).date()
            month = Span(today.replace(day=1), today + DAY)
            spend = load_spend(tx, store, book, cuts_of([month]), now=now)
            found += _uncovered(book, left_out(book, spend, month, today, limits.read(tx, now)), shown)
    return found


def _uncovered(book: Rulebook, bare: Sequence[Uncovered], shown: Mapping[str, str]) -> list[Problem]:
    """Say which projects with spend this month no budget watches, at the first that goes project by project."""
    apart = (rule for rule in book.rules if isinstance(rule, Budget))
    rule = next((rule for rule in apart if {"project", "team"} & set(rule.scope.dimensions)), None)
    if not bare or rule is None:
        return []
    told = ", ".join(f"{each.name} ({show_usd(each.amount)})" for each in bare[:5])
    more = f" and {len(bare) - 5} more" if len(bare) > 5 else ""
    return [
        Problem(
            file=shown.get(rule.origin.file, rule.origin.file),
            line=rule.origin.line,
            column=5,
            code="W109",
            message=f"no budget watches {told}{more}, which spent this month",
            severity="warning",
        )
    ]


def _already_passed(findings: Iterable[Finding], new: set[str], shown: Mapping[str, str]) -> list[Problem]:
    """Say which new rules would speak the moment they are loaded."""
    passed: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.rule.id in new and not finding.closed and finding.top is not None:
            passed.setdefault(finding.rule.id, []).append(finding)
    problems: list[Problem] = []
    for rule_id, mine in passed.items():
        worst = max(mine, key=_height)
        assert worst.top is not None
        rule = worst.rule
        groups = f"{len(mine)} {_things(rule.scope.each, len(mine))}"
        where = f" for {groups}" if rule.scope.each else ""
        at = rule.unit.show(worst.top.at(worst.amount), cents=False)
        said = f'{worst.top.label} ({at}) of "{rule_id}" is already passed'
        if worst.holding is not None:  # no figure says where such a level is
            said = f'"{rule_id}" already has something to say ({worst.top.label})'
        file = rule.origin.file
        problems.append(
            Problem(
                file=shown.get(file, file),
                line=rule.origin.line,
                column=5,
                code="W110",
                message=f"{said}{where}; loading this file sends 1 message",
                severity="warning",
            )
        )
    return problems


def _height(finding: Finding) -> tuple[int, int]:
    """Return how high the level stands that a finding is at."""
    top = finding.top
    assert top is not None
    return finding.place(top.label) if finding.holding is not None else 0, top.at(finding.amount)


def _things(each: tuple[str, ...], count: int) -> str:
    word = each[0].replace("_", " ") if len(each) == 1 else "group"
    return word if count == 1 else f"{word}s"
