"""The user's failures: one sentence that says what happened, one that says what to do."""

DONE, PROBLEMS, USAGE, SETUP, UNAVAILABLE, BUG = 0, 1, 2, 3, 4, 70
"""Exit codes: scripts rely on them."""


class BotError(Exception):
    """A failure that is not our bug; printed as `happened` and `remedy`, never as a traceback."""

    exit_code = SETUP

    def __init__(self, happened: str, remedy: str = "") -> None:
        super().__init__(f"{happened} {remedy}".strip())
        self.happened = happened
        self.remedy = remedy


class Misused(BotError):
    """The words of a command cannot be followed."""

    exit_code = USAGE


class SetupWrong(BotError):
    """A setting is missing or wrong, or a key is refused."""

    exit_code = SETUP


class Unanswered(BotError):
    """OpenAI, Slack or the database did not answer: nothing was lost, try again."""

    exit_code = UNAVAILABLE
