"""`check` and `schema`: the commands about rule files."""

from dataclasses import replace
from pathlib import Path

import click

from bot.cli.common import moment, now_option, settings
from bot.core.errors import DONE, PROBLEMS, Misused


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="github annotates a pull request.",
)
@click.option("--routes", is_flag=True, help="Say who hears what too, and what nobody hears.")
@now_option
def check(paths: tuple[Path, ...], form: str, now_text: str | None, *, routes: bool) -> int:
    """Print every problem of the rule files at its place; exit 1 when there are errors, 0 with warnings alone.

    Without PATH it checks the folder of BUDGETBOT_RULES.

    Example: budgetbot check rules --format github
    """
    now = moment(now_text)
    for path in paths:
        if not path.exists():
            raise Misused(f"There is nothing at {path}.", "Give a folder of rule files, or a file.")
    from bot.checking import check as look  # noqa: PLC0415 - what reads YAML
    from bot.edge.repository import inside_repository  # noqa: PLC0415
    from bot.hearing import who_hears  # noqa: PLC0415
    from bot.render import problems  # noqa: PLC0415
    from bot.render import routes as told  # noqa: PLC0415

    found = settings()
    wanted = paths or ((found.rules_path,) if found.rules_path else ())
    if not wanted and form == "text":
        click.echo(
            "No rules folder here, so the built-in rules are in force; "
            "write rules/budgets.yaml, or set BUDGETBOT_RULES."
        )
        return DONE
    checked = look(wanted, found, now)
    if checked.unasked:
        click.echo(f"Names and spend are not compared: {checked.unasked}", err=True)
    heard = who_hears(wanted, found, now) if routes else None
    if form == "json":
        more = {"routes": told.described(heard) if heard else None} if routes else {}
        click.echo(problems.as_json(checked.problems, files=checked.files, rules=checked.rules, more=more))
    elif form == "github":
        text = problems.as_github(
            [replace(one, file=inside_repository(one.file)) for one in checked.problems]
        )
        if text:
            click.echo(text)
    else:
        click.echo(problems.as_text(checked.problems, files=checked.files, rules=checked.rules))
    if heard and form != "json":
        click.echo(f"\n{told.as_text(heard)}")
    return PROBLEMS if checked.errors else DONE


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
