"""How the bot speaks of rules: where those without a route do, and how a rule's line in git is linked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.rules.book import Rule


@dataclass(frozen=True, slots=True)
class Voice:
    """Where rules without a route speak, and how a rule's line in git is linked."""

    fallback: str = ""
    rules_url: str = ""
    commit: str = ""
    prefix: str = ""
    """The rules folder's path inside its repository, with a slash at its end."""
    authors: Mapping[str, str] = field(default_factory=dict)
    """A rule file's name → who last changed it."""

    def link(self, rule: Rule) -> str:
        """Return the address of a rule's line; '' when nobody said how it is formed."""
        if not self.rules_url:
            return ""
        values = {
            "rev": self.commit,
            "file": f"{self.prefix}{rule.origin.file}",
            "line": str(rule.origin.line),
        }
        address = self.rules_url
        for name, value in values.items():
            address = address.replace("{" + name + "}", value)
        return address
