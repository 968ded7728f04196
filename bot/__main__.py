"""The entry point: a command's words in, an exit code out."""

import gc
import os
import sys
import threading
from collections.abc import Callable
from threading import Timer
from types import FrameType

from bot.core.errors import BUG, DONE, USAGE, BotError

INTERRUPTED = 130
COMPLETE = "_BUDGETBOT_COMPLETE"
"""How a shell asks for what may stand next, and for the script that makes it ask."""
PATIENCE = 2.0
"""Seconds that an interrupted command has to put things away; everything stored is safe at any moment."""


def run(arguments: list[str] | None = None, begin: Callable[[], None] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake is a sentence, ours a traceback.

    `begin` is called before a command that does more than to look at files.
    """
    import click  # noqa: PLC0415 - once `main` has stilled the collector

    from bot.cli import cli  # noqa: PLC0415

    try:
        # Not click's own `main`: it takes a closed pipe for a failure.
        words = list(sys.argv[1:] if arguments is None else arguments)
        with cli.make_context("budgetbot", words, obj=begin) as context:
            result = cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as left:
        return left.exit_code
    except click.ClickException as mistake:
        mistake.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BotError as told:
        from bot.logs import clean  # noqa: PLC0415 - nobody pays for it while nothing is wrong

        click.echo(f"budgetbot: {' '.join(clean(str(told)).split())}", err=True)
        return told.exit_code
    except BrokenPipeError:
        # The reader has gone (`| head`): nothing more can be said to it, and nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception:  # noqa: BLE001 - ours: everything that is known of it is shown
        from bot.logs import show_bug  # noqa: PLC0415 - as above

        show_bug()
        return BUG
    return result if isinstance(result, int) else DONE


def main() -> None:
    """Run the command the shell typed."""
    # What is loaded stays, and would be walked for garbage again and again.
    gc.disable()
    threading.excepthook = _ended
    if asked := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete  # noqa: PLC0415 - only a Tab key needs it

        from bot.cli import cli  # noqa: PLC0415

        sys.exit(shell_complete(cli, {}, "budgetbot", COMPLETE, asked))
    code = run(begin=_begin)
    # What is left goes with the process: Python would look through it for garbage, twice.
    gc.freeze()
    sys.exit(code)


def _begin() -> None:
    """Get ready for a command that works: it leaves garbage, and may wait for somebody who never answers."""
    import signal  # noqa: PLC0415 - to look at files takes no longer than to load it

    signal.signal(signal.SIGINT, _interrupted)
    gc.enable()


def _ended(what: threading.ExceptHookArgs) -> None:
    """Tell what ended a thread: Python itself would print it with whatever secret it holds."""
    from bot.logs import show_ended  # noqa: PLC0415 - nobody pays for it while nothing is wrong

    show_ended(what)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    """Stop, and do not wait for a server that never answers: threads that read cannot be called back."""
    hurry = Timer(PATIENCE, os._exit, (INTERRUPTED,))
    hurry.daemon = True
    hurry.start()
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
