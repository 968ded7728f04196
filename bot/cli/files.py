"""`check` and `schema`: the commands about rule files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.common import moment, now_option, settings
from bot.core.errors import DONE, PROBLEMS, Misused

if TYPE_CHECKING:
    from bot.checking import Checked
    from bot.core.backtest import Compared
    from bot.core.routes import Routing


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "markdown"]),
    default="text",
    show_default=True,
    help="github annotates a pull request, markdown is a comment on one.",
)
@click.option("--diff", "revision", metavar="REV", help="Say what was edited since this git revision too.")
@click.option("--routes", is_flag=True, help="Say who hears what too, and what nobody hears.")
@click.option(
    "--no-history",
    is_flag=True,
    help="Replay nothing that is stored: only what is wrong and what was edited.",
)
@now_option
def check(
    paths: tuple[Path, ...],
    form: str,
    revision: str | None,
    now_text: str | None,
    *,
    routes: bool,
    no_history: bool,
) -> int:
    """Print every problem of the rule files at its place; exit 1 when there are errors, 0 with warnings alone.

    Without PATH it checks the folder of BUDGETBOT_RULES. Where a database has history it also says what each
    rule would have said in the last 60 days, and with --diff which alerts would start and stop.

    Example: budgetbot check rules --diff origin/main
    """
    now = moment(now_text)
    for path in paths:
        if not path.exists():
            raise Misused(f"There is nothing at {path}.", "Give a folder of rule files, or a file.")
    found = settings()
    wanted = paths or ((found.rules_path,) if found.rules_path else ())
    if not wanted and form == "text":
        click.echo(
            "No rules folder here, so the built-in rules are in force; "
            "write rules/budgets.yaml, or set BUDGETBOT_RULES."
        )
        return DONE
    from bot.checking import check as look  # noqa: PLC0415 - what reads YAML

    # Where a database is asked, it works like any other command.
    begin = click.get_current_context().obj
    checked = look(wanted, found, now, replays=not no_history and form != "github", begin=begin)
    if checked.unasked:
        click.echo(f"Names and spend are not compared: {checked.unasked}", err=True)
    if checked.unsaid:
        click.echo(f"{checked.unsaid}.".capitalize(), err=True)
    compared: Sequence[Compared] | None = None
    if revision is not None:
        from bot.comparing import compare  # noqa: PLC0415 - what judges

        compared = compare(wanted, revision, "" if no_history else checked.database, now)
    heard = None
    if routes:
        from bot.hearing import who_hears  # noqa: PLC0415 - as it is asked for

        heard = who_hears(wanted, found, now)
    _show(form, checked, compared, heard, routes=routes)
    return PROBLEMS if checked.errors else DONE


def _show(
    form: str,
    checked: "Checked",
    compared: "Sequence[Compared] | None",
    heard: "Routing | None",
    *,
    routes: bool,
) -> None:
    from bot.render import problems  # noqa: PLC0415 - as above

    if form == "text" and not (checked.much or compared or heard):
        # Most checks: the words for everything else are not even loaded.
        click.echo(problems.as_text(checked.problems, files=checked.files, rules=checked.rules))
        return
    from bot.edge.repository import inside_repository  # noqa: PLC0415
    from bot.render import changes, replayed  # noqa: PLC0415
    from bot.render import routes as told  # noqa: PLC0415

    if form == "json":
        more: dict[str, object] = {"routes": told.described(heard) if heard else None} if routes else {}
        if checked.much:
            more["would_have_said"] = replayed.much_described(checked.much)
        if compared is not None:
            more["diff"] = [changes.described(each) for each in compared]
        click.echo(problems.as_json(checked.problems, files=checked.files, rules=checked.rules, more=more))
        return
    parts: list[str] = []
    placed = [replace(one, file=inside_repository(one.file)) for one in checked.problems]
    if form == "github":
        parts = [problems.as_github(placed)] if placed else []
    elif form == "markdown":
        parts = [changes.as_markdown(placed, compared or (), checked.much)]
    else:
        parts = [problems.as_text(checked.problems, files=checked.files, rules=checked.rules)]
        parts += ["\n".join(replayed.much(checked.much))] if checked.much else []
    if form != "markdown":
        parts += [changes.as_text(each) for each in compared or ()]
    parts += [told.as_text(heard)] if heard else []
    if parts:
        click.echo("\n\n".join(parts))


@click.command()
def schema() -> int:
    """Print the JSON Schema of a rule file: with it an editor completes keys, and explains them.

    Keep it beside your rules, and begin each of them with:  # yaml-language-server: $schema=./schema.json

    Example: budgetbot schema > rules/schema.json
    """
    import json  # noqa: PLC0415 - as above

    from bot.core.rules import schema as described  # noqa: PLC0415

    click.echo(json.dumps(described.schema(), indent=2))
    return DONE
