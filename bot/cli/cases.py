"""`test`: the command about case files."""

from dataclasses import replace
from pathlib import Path

import click

from bot.cli.common import settings
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
def test(paths: tuple[Path, ...], form: str) -> int:
    """Play the case files (*.cases.yaml): exit 0 when every expectation holds, 1 when one does not.

    A PATH is a folder, a case file, or a rule file, whose cases stand beside it. Without PATH it plays those in
    the folder of BUDGETBOT_RULES. Nothing is asked of the network or the database.

    Example: budgetbot test rules
    """
    for path in paths:
        if not path.exists():
            raise Misused(f"There is nothing at {path}.", "Give a folder, a case file, or a rule file.")
    from bot.casing import run_cases  # noqa: PLC0415 - what reads YAML
    from bot.edge.repository import inside_repository  # noqa: PLC0415
    from bot.render import cases, problems  # noqa: PLC0415

    rules = settings().rules_path
    wanted = paths or ((rules,) if rules else ())
    tested = run_cases(wanted)
    if form == "json":
        click.echo(
            cases.as_json(
                tested.problems,
                tested.failed,
                files=tested.files,
                cases=tested.cases,
                expectations=tested.expectations,
            )
        )
    elif form == "github":
        if tested.told:
            click.echo(
                problems.as_github([replace(one, file=inside_repository(one.file)) for one in tested.told])
            )
    elif not tested.files and not tested.problems:
        where = f" under {', '.join(path.as_posix() for path in wanted)}" if wanted else " here"
        click.echo(f"There are no case files (*.cases.yaml){where}.")
    else:
        click.echo(
            cases.as_text(
                tested.problems, tested.failed, cases=tested.cases, expectations=tested.expectations
            )
        )
    return PROBLEMS if tested.errors else DONE
