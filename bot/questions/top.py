"""`top`: the largest spenders; a report of which the first rows are wanted."""

from bot.questions.report import answer

__all__ = ["answer"]
