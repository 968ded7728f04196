"""What became of an order, as people are told it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """One or two sentences. Names in them are as they came: escaped where they are drawn."""

    said: str
    """`{by}` stands for the person of `by`."""
    by: str = ""
    """A Slack user id, or a name of the shell."""
    done: bool = True
    """Something was changed, or is as it was wanted."""
    changed: bool = False
    """Something is not as it was before."""
    refused: bool = False
    """Not allowed, or not to be understood: a script must know."""
    asks: str = ""
    """The command that was not carried out yet: it is about so much that somebody must say that they are sure."""
    does: str = ""
    """What is done then, for a button: `Acknowledge 12 alerts`."""
    undo: str = ""
    """The command that takes it back."""
