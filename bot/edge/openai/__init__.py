"""OpenAI's organization API: what is read is complete and exact, or it is an error.

Nothing here turns a missing field, a missing day or a failed page into a zero; money is whole
nano-dollars from the literal text; a question that a source does not offer is refused before it is
sent; the key goes to one address and into no message. A span is fixed by the caller, in UTC, before
the first page.
"""

from bot.edge.openai.ask import Ask
from bot.edge.openai.client import OpenAI
from bot.edge.openai.errors import AskRefused, BadAnswer, ForeignCurrency, KeyRefused, NoAnswer, NotOffered
from bot.edge.openai.fetch import Checksums, Reading
from bot.edge.openai.limits import SpendLimit
from bot.edge.openai.names import Named
from bot.edge.openai.rows import Rows
from bot.edge.openai.sources import SECONDS, SOURCES, Limit, Source

__all__ = [
    "SECONDS",
    "SOURCES",
    "Ask",
    "AskRefused",
    "BadAnswer",
    "Checksums",
    "ForeignCurrency",
    "KeyRefused",
    "Limit",
    "Named",
    "NoAnswer",
    "NotOffered",
    "OpenAI",
    "Reading",
    "Rows",
    "Source",
    "SpendLimit",
]
