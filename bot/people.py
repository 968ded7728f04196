"""Who asks: a full member of this workspace, and whether they are an operator or an admin. Unknown means no."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.asker import Asker
from bot.core.roles import role_of
from bot.edge.slack import Identity, Person
from bot.edge.slack_trouble import SlackTrouble
from bot.settings import Settings

log = logging.getLogger("budgetbot.people")

KEPT = timedelta(minutes=10)
"""How long the members of a group are believed."""
STALE = timedelta(hours=1)
"""How long they are still believed when Slack does not answer."""


class Directory(Protocol):
    """What is asked of Slack."""

    def user(self, user_id: str) -> Person: ...
    def whoami(self) -> Identity: ...
    def groups(self) -> dict[str, str]: ...
    def members(self, group_id: str) -> frozenset[str]: ...


class People:
    """Looks people up. Safe to be called from many threads at once."""

    def __init__(self, slack: Directory, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._slack = slack
        self._operators = _listed(settings.budgetbot_operators)
        self._admins = _listed(settings.budgetbot_admins)
        self._clock = clock
        self._team = ""
        self._groups: tuple[datetime, dict[str, str]] | None = None
        self._members: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def look_up(self, user_id: str) -> Asker:
        """Return what a person may do; when Slack cannot be asked, nothing."""
        try:
            person = self._slack.user(user_id)
            with self._lock:
                self._team = self._team or self._slack.whoami().team_id
                if stranger := _stranger(person, self._team):
                    return Asker(user_id, zone=person.tz, why=stranger)
                mine = {user_id, *self._groups_of(user_id)}
        except SlackTrouble as trouble:
            log.warning("not looked up", extra={"why": str(trouble)})
            why = "Slack does not say who you are, so nothing was changed. Try again in a minute."
            return Asker(user_id, why=why)
        role = role_of(mine, self._operators, self._admins)
        return Asker(user_id, frozenset(mine), person.tz, role)

    def _groups_of(self, user_id: str) -> set[str]:
        """Return the user groups among operators and admins that a person is in: their ids and handles."""
        named = {each for each in self._operators | self._admins if not _is_user(each)}
        if not named:
            return set()
        ids = {each: each for each in named if _is_group(each)}
        handles = named - ids.keys()
        if handles:
            known = self._all_groups()
            ids |= {handle: known[handle.lower()] for handle in handles if handle.lower() in known}
        return {name for name, group_id in ids.items() if user_id in self._in_group(group_id)}

    def _all_groups(self) -> dict[str, str]:
        now = self._clock()
        if self._groups is None or now - self._groups[0] > KEPT:
            try:
                self._groups = (now, self._slack.groups())
            except SlackTrouble:
                if self._groups is None or now - self._groups[0] > STALE:
                    raise
        return self._groups[1]

    def _in_group(self, group_id: str) -> frozenset[str]:
        now = self._clock()
        known = self._members.get(group_id)
        if known is None or now - known[0] > KEPT:
            try:
                known = self._members[group_id] = (now, self._slack.members(group_id))
            except SlackTrouble:
                if known is None or now - known[0] > STALE:
                    raise
        return known[1]


def _stranger(person: Person, team_id: str) -> str:
    """Return why somebody is not one of us; '' for a full member of this workspace."""
    if person.deleted:
        return "Your account is deactivated."
    if person.is_bot:
        return "Bots may look, and change nothing."
    if person.team_id != team_id:
        return "You are of another workspace: you may look, and change nothing."
    if person.is_restricted:
        return "Guests may look, and change nothing."
    return ""


def _listed(setting: str) -> frozenset[str]:
    return frozenset(word for part in setting.split(",") if (word := part.strip().lstrip("@")))


def _is_user(word: str) -> bool:
    return word[:1] in ("U", "W") and word.isalnum() and word.isupper()


def _is_group(word: str) -> bool:
    return word[:1] == "S" and word.isalnum() and word.isupper() and len(word) > 2
