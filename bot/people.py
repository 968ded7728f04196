"""Who asks: a full member of this workspace, and whether they are an operator or an admin. Unknown means no."""

import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from bot.core.asker import Asker
from bot.core.roles import role_of
from bot.edge.slack import Identity, Person
from bot.edge.slack_trouble import SlackTrouble
from bot.settings import Settings

log = logging.getLogger("budgetbot.people")

T = TypeVar("T")

KEPT = timedelta(minutes=10)
"""How long it is believed who somebody is, and who is in a group; it is asked again before that, if anybody asks."""
STALE = timedelta(hours=1)
"""How long that is still believed when Slack does not answer."""
PATIENCE = timedelta(minutes=1)
"""After Slack did not answer it is asked again only then: nobody's click waits for it twice."""

GUEST = "Guests may look, and change nothing."
"""Why a guest of this workspace may change nothing."""
FOREIGN = "You are of another workspace: what this organization spends is shown to its own members alone."
"""Why somebody of another one, in a shared channel, is shown nothing and may change nothing."""


class Directory(Protocol):
    """What is asked of Slack."""

    def user(self, user_id: str) -> Person: ...
    def whoami(self) -> Identity: ...
    def groups(self) -> dict[str, str]: ...
    def members(self, group_id: str) -> frozenset[str]: ...


class People:
    """Looks people up. Safe to be called from many threads at once."""

    def __init__(self, slack: Directory, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._operators = _listed(settings.budgetbot_operators)
        self._admins = _listed(settings.budgetbot_admins)
        self._persons = Kept(slack.user, clock)
        self._members = Kept(slack.members, clock)
        self._handles = Kept(lambda _: slack.groups(), clock)
        self._team = Kept(lambda _: slack.whoami().team_id, clock, kept=timedelta.max)

    def look_up(self, user_id: str, owners: Collection[str] = ()) -> Asker:
        """Return what a person may do; when Slack cannot be asked, nothing.

        `owners` are those whom the rules name: what is theirs is told by the user groups among them.
        """
        try:
            person = self._persons.get(user_id)
            if stranger := _stranger(person, self._team.get("")):
                return Asker(user_id, frozenset({user_id}), person.tz, why=stranger)
        except SlackTrouble as trouble:
            log.warning("not looked up", extra={"why": str(trouble)})
            why = "Slack does not say who you are, so nothing was changed. Try again in a minute."
            return Asker(user_id, why=why)
        return self._asker(person, self._operators | self._admins, {each.lstrip("@") for each in owners})

    def foreign(self, user_id: str) -> bool:
        """Tell whether somebody is of another workspace; who cannot be looked up just now is taken for a member."""
        try:
            return self._persons.get(user_id).team_id != self._team.get("")
        except SlackTrouble as trouble:
            log.warning("not looked up", extra={"why": str(trouble)})
            return False

    def known(self, user_id: str, owners: Collection[str] = ()) -> Asker | None:
        """Return what `look_up` would, if that needs nobody to be asked: a modal must open at once."""
        fresh = self._persons.fresh(user_id) is not None and self._team.fresh("") is not None
        named = {each.lstrip("@") for each in owners} | self._operators | self._admins
        groups = [each for each in named if not _is_user(each)]
        return self.look_up(user_id, owners) if fresh and self._groups_known(groups) else None

    def _asker(self, person: Person, deciding: Collection[str], owning: Collection[str]) -> Asker:
        mine, untold = {person.id}, ""
        for name in sorted({*deciding, *owning}):
            if _is_user(name):
                continue
            try:
                if person.id in self._in(name):
                    mine |= {name, name.lower()}
            except SlackTrouble as trouble:
                log.warning("group not looked up", extra={"group": name, "why": str(trouble)})
                # What is for operators is not given to whom nobody can tell apart; whose a budget is, is a plus.
                untold = untold or name if name in deciding else untold
        role = role_of(mine, self._operators, self._admins)
        why = ""
        if untold and role == "viewer":
            why = "Slack does not say which groups you are in, so nothing was changed. Try again in a minute."
        trusted = frozenset(each.lower() for each in mine)
        return Asker(
            person.id,
            frozenset({*mine, *trusted, *({person.name} if person.name else ())}),
            person.tz,
            role,
            why,
            trusted,
            no_admins=not (self._admins or self._operators),
        )

    def _in(self, name: str) -> frozenset[str]:
        """Return the members of a group that is named by its id or its handle; nobody where there is none."""
        group_id = name if _is_group(name) else self._handles.get("").get(name.lower(), "")
        return self._members.get(group_id) if group_id else frozenset()

    def _groups_known(self, named: Collection[str]) -> bool:
        handles = self._handles.fresh("")
        for name in named:
            group_id = name if _is_group(name) else (handles or {}).get(name.lower(), "")
            if (not _is_group(name) and handles is None) or (
                group_id and self._members.fresh(group_id) is None
            ):
                return False
        return True


@dataclass(slots=True)
class _Held(Generic[T]):
    """One answer, and the last try to have a newer one."""

    value: T | None = None
    at: datetime | None = None
    failed: tuple[datetime, SlackTrouble] | None = None
    asking: threading.Lock = field(default_factory=threading.Lock)


class Kept(Generic[T]):
    """What Slack answered, for a while: asked again in good time by a thread of its own, so that no click waits."""

    def __init__(
        self, ask: Callable[[str], T], clock: Callable[[], datetime], *, kept: timedelta = KEPT
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._kept = kept
        self._held: dict[str, _Held[T]] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> T:
        """Return the answer. Raises SlackTrouble where there is none, or none that may be believed any more."""
        held = self._of(key)
        value = self._young(held, self._kept)
        if value is not None:
            if self._young(held, self._kept / 2) is None and held.asking.acquire(blocking=False):
                threading.Thread(
                    target=self._ahead, args=(key, held), name="slack-people", daemon=True
                ).start()
            return value
        with held.asking:
            value = self._young(held, self._kept)
            if value is not None:
                return value
            if held.failed is None or self._clock() - held.failed[0] > PATIENCE:
                self._renew(key, held)
            value = self._young(held, self._kept if held.failed is None else STALE)
            if value is None:
                assert held.failed is not None
                raise held.failed[1]
            return value

    def fresh(self, key: str) -> T | None:
        """Return the answer if it is known and need not be asked for now."""
        return self._young(self._of(key), self._kept)

    def _ahead(self, key: str, held: _Held[T]) -> None:
        try:
            self._renew(key, held)
        finally:
            held.asking.release()

    def _renew(self, key: str, held: _Held[T]) -> None:
        try:
            held.value, held.at, held.failed = self._ask(key), self._clock(), None
        except SlackTrouble as trouble:
            held.failed = (self._clock(), trouble)

    def _young(self, held: _Held[T], age: timedelta) -> T | None:
        return held.value if held.at is not None and self._clock() - held.at <= age else None

    def _of(self, key: str) -> _Held[T]:
        with self._lock:
            return self._held.setdefault(key, _Held())


def _stranger(person: Person, team_id: str) -> str:
    """Return why somebody is not one of us; '' for a full member of this workspace."""
    if person.deleted:
        return "Your account is deactivated."
    if person.is_bot:
        return "Bots may look, and change nothing."
    if person.team_id != team_id:
        return FOREIGN
    if person.is_restricted:
        return GUEST
    return ""


def _listed(setting: str) -> frozenset[str]:
    return frozenset(word for part in setting.split(",") if (word := part.strip().lstrip("@")))


def _is_user(word: str) -> bool:
    return word[:1] in ("U", "W") and word.isalnum() and word.isupper()


def _is_group(word: str) -> bool:
    return word[:1] == "S" and word.isalnum() and word.isupper() and len(word) > 2
