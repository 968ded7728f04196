"""Why a rule says what it says: for a shell, for machines, and for Slack."""

from typing import Any

from bot.core.dimension import described
from bot.core.explanation import Explanation
from bot.core.period import show_day
from bot.core.question import Query
from bot.core.units import unit_of
from bot.render import blocks, headlines
from bot.render.alert_words import named
from bot.render.alerts import EMOJI
from bot.render.answering import asked_at, command, csv_of, dated, file_of, iso, json_of, run_button, warnings
from bot.render.drawn import table
from bot.render.explanation_words import SLACK, SPOKEN, about, another, headline, parts, today
from bot.render.figures import alone, decimal, exact
from bot.render.headlines import PLAIN

DAYS, SLACK_DAYS = 31, 20
"""Days of a table: the latest. json and csv carry every one."""
TOLD, SLACK_TOLD = 12, 6


# -- a shell, and machines -------------------------------------------------------------------------------


def shell(answer: Explanation, form: str = "table", query: Query | None = None) -> str:
    """Return why, as `table`, `json`, or `csv` of the days."""
    del query  # the answer tells
    if form == "json":
        return json_of(_body(answer))
    if form == "csv":
        columns = [name for name, _ in answer.working.columns]
        rows = []
        for line in answer.working.days:
            figures = zip(answer.working.columns, line.figures, strict=True)
            rows.append(
                {"day": line.day.isoformat(), "note": line.note}
                | {name: decimal(value, unit) for (name, unit), value in figures}
            )
        return csv_of(["day", *columns, "note"], rows, columns)
    lines = [*(f"Warning: {blocks.clean(note)}" for note in answer.notes), f"{headline(answer, PLAIN)}.", ""]
    facts = list(about(answer, PLAIN))
    if answer.standing.fingerprint:
        facts.append(("Fingerprint", answer.standing.fingerprint))
    lines += [f"{name:<12}{text}" for name, text in facts]
    if answer.present is not None:
        lines.append(f"{'Today':<12}{today(answer, PLAIN)}")
    for title, said in parts(answer, PLAIN, blocks.clean, TOLD):
        lines += ["", title, *(f"  {line}" for line in said)]
    if answer.working.days:
        lines += ["", *_days_table(answer)]
    if more := another(answer):
        lines += ["", f"{more}: {blocks.clean(f'budgetbot {answer.another}')}"]
    as_of = next((source.read_at for source in answer.data.sources if source.name == "costs"), None)
    return "\n".join([*lines, "", asked_at(as_of)])


def _days_table(answer: Explanation) -> list[str]:
    working = answer.working
    titles = ["day", *(name for name, _ in working.columns), ""]
    right: dict[str, str] = {"align": "right"}
    settings = [{}, *(right for _ in working.columns), {}]
    return list(table([titles, *_day_rows(answer, DAYS)], settings))


def _day_rows(answer: Explanation, most: int) -> list[list[str]]:
    working = answer.working
    shown = working.days[-most:]
    rows = [
        [
            f"{line.day:%a} {show_day(line.day)}",
            *(
                alone(value, unit, exact)
                for (_, unit), value in zip(working.columns, line.figures, strict=True)
            ),
            line.note,
        ]
        for line in shown
    ]
    if (earlier := len(working.days) - len(shown)) > 0:
        rows.insert(0, [f"{earlier} earlier", *["" for _ in working.columns], ""])
    return rows


def _body(answer: Explanation) -> dict[str, Any]:
    each, rule, working = answer.standing, answer.rule, answer.working
    unit = unit_of(each.unit)
    names = dict(zip(each.each, each.group_names, strict=True))
    known = each.amount is not None
    body: dict[str, Any] = {
        "rule": each.rule_id,
        "title": each.rule_name,
        "kind": each.kind,
        "file": answer.origin.file if answer.origin and answer.origin.file else None,
        "line": answer.origin.line if answer.origin and answer.origin.file else None,
        "commit": answer.commit or None,
        "link": (rule.link or None) if rule else None,
        "selects": rule.selects if rule else None,
        "asks": headlines.budget(rule) if rule else None,
        "levels": list(rule.thresholds) if rule else [],
        "fingerprint": each.fingerprint or None,
        "group": described(each.each, each.group, lambda dimension, _value: names[dimension]),
        "period": {"start": each.span.start.isoformat(), "end": each.span.end.isoformat()}
        if each.span
        else None,
        "state": each.state,
        "level": each.level or None,
        "severity": each.severity,
        "value": decimal(each.value, unit) if known else None,
        "amount": decimal(each.amount or 0, unit) if known else None,
        "reason": each.reason,
        "data": {
            "poll": answer.data.poll,
            "polled_at": iso(answer.data.polled_at),
            "complete": answer.data.complete,
            "sources": [
                {
                    "source": source.name,
                    "as_of": iso(source.read_at),
                    "newest_day": source.newest.isoformat() if source.newest else None,
                }
                for source in answer.data.sources
            ],
        },
        "arithmetic": [{"text": step.text, "holds": step.holds} for step in working.steps],
        "would_fire": list(working.would),
        "days": [
            {
                "day": line.day.isoformat(),
                "figures": {
                    name: decimal(value, held)
                    for (name, held), value in zip(working.columns, line.figures, strict=True)
                },
                "note": line.note or None,
            }
            for line in working.days
        ],
        "speaks_in": list(answer.speaks_in),
        "overlays": [
            {
                "what": laid.what,
                "by": laid.by or None,
                "where": laid.where or None,
                "at": iso(laid.at),
                "until": iso(laid.until),
                "why": laid.why or None,
            }
            for laid in answer.laid
        ],
        "told": [
            {
                "fingerprint": spoken.fingerprint,
                "at": iso(spoken.at),
                "transition": spoken.transition,
                "level": spoken.level or None,
                "reason": spoken.reason,
                "value": decimal(spoken.value, unit),
                "poll": spoken.poll,
                "delivered": [
                    {"to": way.where, "state": way.state, "at": iso(way.at), "why": way.why or None}
                    for way in spoken.deliveries
                ],
            }
            for spoken in answer.told
        ],
        "other_groups": answer.others,
    }
    if answer.present is not None:
        body["today"] = {"state": answer.present.state, "level": answer.present.level or None}
    if answer.notes:
        body["notes"] = list(answer.notes)
    return body


# -- Slack -----------------------------------------------------------------------------------------------


def slack(answer: Explanation, query: Query | None = None) -> dict[str, Any]:
    """Return the message that answers in Slack."""
    each = answer.standing
    mark = f"{EMOJI[each.severity]} " if each.state == "firing" and each.severity else ""
    body = [*warnings(answer.notes), blocks.section(f"{mark}{headline(answer, SLACK)}")]
    facts = [f"*{name}* {text}" for name, text in about(answer, SLACK)]
    if answer.rule is not None and answer.rule.link:
        facts[0] += f" · <{blocks.escape(answer.rule.link)}|in git>"
    if answer.present is not None:
        facts.append(f"*Today* {today(answer, SLACK)}")
    body.append(blocks.section("\n".join(facts)))
    for title, said in parts(answer, SLACK, named, SLACK_TOLD):
        body.append(blocks.section("\n".join([f"*{title}*", *said])))
    if answer.working.days:
        titles = ["Day", *(name[:1].upper() + name[1:] for name, _ in answer.working.columns), "Note"]
        right = tuple(range(1, len(titles) - 1))
        body.append(blocks.table(titles, _day_rows(answer, SLACK_DAYS), right=right))
    if more := another(answer):
        body.append(blocks.context(f"{more}: {command(f'/budget {answer.another}')}"))
    if query and query.format:
        body.append(file_of(query))
    as_of = next((source.read_at for source in answer.data.sources if source.name == "costs"), None)
    asked = f"{command(query.command)} · " if query else ""
    marked = f" · `{each.fingerprint}`" if each.fingerprint else ""
    body.append(blocks.context(f"{asked}{dated(as_of)}, UTC days{marked}"))
    body.append(
        blocks.actions([run_button("status", "Status", "status"), run_button("rules", "Rules", "rules")])
    )
    return blocks.message(f"{headline(answer, SPOKEN)}.", body)
