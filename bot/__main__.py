"""The entry point: a command's words in, an exit code out."""

import os
import sys

import click

from bot.cli import cli
from bot.core.errors import BUG, DONE, USAGE, BotError

INTERRUPTED = 130


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake is a sentence, ours a traceback."""
    try:
        result = cli.main(arguments, prog_name="budgetbot", standalone_mode=False)
    except click.ClickException as mistake:
        mistake.show()
        return USAGE
    except click.Abort:
        return INTERRUPTED
    except BotError as told:
        click.echo(f"budgetbot: {told}", err=True)
        return told.exit_code
    except BrokenPipeError:
        # The reader has gone (`| head`): nothing more can be said to it, and nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:  # noqa: BLE001 - ours: everything that is known of it is shown
        from bot.logs import show_bug  # noqa: PLC0415 - nobody pays for it while nothing is wrong

        show_bug()
        return BUG
    return result if isinstance(result, int) else DONE


def main() -> None:
    """Run the command the shell typed."""
    sys.exit(run())


if __name__ == "__main__":
    main()
