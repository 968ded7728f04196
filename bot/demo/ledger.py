"""What an organization spent and used, as the stand-in for OpenAI's API serves it."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from threading import Lock
from typing import Any, Protocol

EXACT = Context(prec=200)
"""Adds what the API sends without losing a digit: its amounts reach 39 decimals."""

LONG_AGO = 1_704_067_200
"""When a hand-made project, person or key came to be: 1 January 2024."""

Wire = dict[str, Any]
"""An object as the API's JSON has it."""


@dataclass(frozen=True, slots=True)
class CostRow:
    """One billed line of a UTC day; `amount` is the exact decimal literal, in dollars."""

    day: date
    project_id: str | None
    line_item: str | None
    amount: str
    api_key_id: str | None = None
    user_id: str | None = None
    quantity: str | None = None
    quantity_unit: str | None = None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What was used in the minute that begins at `at`; metrics and dimensions bear the wire's names."""

    source: str
    at: datetime
    dims: Mapping[str, str | bool | None]
    metrics: Mapping[str, int]


class World(Protocol):
    """Whatever the stand-in serves. Lists are complete: paging and hiding is the server's work."""

    def cost_rows(self, day: date, now: datetime) -> Sequence[CostRow]:
        """Return the lines of the UTC day as they are known at `now`."""
        ...

    def usage_rows(self, source: str, start: datetime, end: datetime, now: datetime) -> Iterable[UsageRow]:
        """Return what was used from `start` up to before `end`, as it is known at `now`."""
        ...

    def projects(self) -> Sequence[Wire]:
        """Return every project, archived ones too."""
        ...

    def users(self) -> Sequence[Wire]:
        """Return the organization's members."""
        ...

    def api_keys(self, project_id: str) -> Sequence[Wire]:
        """Return the project's keys, whatever their owner's access."""
        ...

    def service_accounts(self, project_id: str) -> Sequence[Wire]:
        """Return the project's service accounts."""
        ...

    def spend_limit(self, project_id: str | None) -> Wire | None:
        """Return the hard limit of a project, or of the organization for None; None where none is set."""
        ...


class Ledger:
    """A world that tests fill by hand, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._costs: dict[date, list[CostRow]] = {}
        self._usage: dict[str, list[UsageRow]] = {}
        self._projects: dict[str, Wire] = {}
        self._users: dict[str, Wire] = {}
        self._api_keys: dict[str, dict[str, Wire]] = {}
        self._service_accounts: dict[str, dict[str, Wire]] = {}
        self._limits: dict[str | None, Wire] = {}

    # Filling it

    def cost(
        self,
        day: str | date,
        project: str | None,
        line_item: str | None,
        amount: str | int | Decimal,
        **more: str | None,
    ) -> CostRow:
        """Add a line to a day and return it; `more` are CostRow's other fields."""
        row = CostRow(_day(day), project, line_item, _literal(amount), **more)
        with self._lock:
            self._costs.setdefault(row.day, []).append(row)
        return row

    def set_day(
        self, day: str | date, rows: Iterable[tuple[str | None, str | None, str | int | Decimal]]
    ) -> None:
        """Replace the whole day by (project, line item, amount) rows: what a revision does."""
        of_day = _day(day)
        fresh = [CostRow(of_day, project, item, _literal(amount)) for project, item, amount in rows]
        with self._lock:
            self._costs[of_day] = fresh

    def revise(self, row: CostRow, amount: str | int | Decimal) -> CostRow:
        """Put another amount in the place of a row's own, and return the new row."""
        revised = replace(row, amount=_literal(amount))
        with self._lock:
            rows = self._costs[row.day]
            rows[rows.index(row)] = revised
        return revised

    def usage(
        self, source: str, at: str | datetime, metrics: Mapping[str, int], **dims: str | bool | None
    ) -> None:
        """Add what was used in the minute of `at`; source is an endpoint's name: `completions`."""
        instant = datetime.fromisoformat(at) if isinstance(at, str) else at
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        row = UsageRow(source, instant.replace(second=0, microsecond=0), dims, dict(metrics))
        with self._lock:
            insort(self._usage.setdefault(source, []), row, key=_at)

    def project(self, project_id: str, name: str | None, *, archived: bool = False) -> None:
        """Add or rename a project."""
        with self._lock:
            self._projects[project_id] = project(
                project_id, name, archived_at=LONG_AGO + 86_400 if archived else None
            )

    def user(self, user_id: str, name: str | None, email: str | None) -> None:
        with self._lock:
            self._users[user_id] = user(user_id, name, email)

    def remove_user(self, user_id: str) -> None:
        with self._lock:
            del self._users[user_id]

    def api_key(
        self, project_id: str, key_id: str, name: str, *, active: bool = True, owner: Wire | None = None
    ) -> None:
        """Add a key; one whose owner lost access (`active=False`) is hidden unless asked for."""
        with self._lock:
            keys = self._api_keys.setdefault(project_id, {})
            keys[key_id] = api_key(key_id, name, active=active, owner=owner)

    def service_account(self, project_id: str, account_id: str, name: str) -> None:
        with self._lock:
            accounts = self._service_accounts.setdefault(project_id, {})
            accounts[account_id] = service_account(account_id, name)

    def limit(self, project_id: str | None, cents: int, *, status: str = "inactive") -> None:
        """Set OpenAI's own hard limit of a project, or of the organization for None."""
        with self._lock:
            self._limits[project_id] = spend_limit(project_id, cents, status)

    def total(self) -> Decimal:
        """Return the exact sum of every cost row."""
        with self._lock:
            amounts = [row.amount for rows in self._costs.values() for row in rows]
        total = Decimal(0)
        for amount in amounts:
            total = EXACT.add(total, Decimal(amount))
        return total

    # Being served

    def cost_rows(self, day: date, now: datetime) -> Sequence[CostRow]:
        """Return the lines of the day; what is in the ledger is known."""
        del now
        with self._lock:
            return list(self._costs.get(day, ()))

    def usage_rows(self, source: str, start: datetime, end: datetime, now: datetime) -> Sequence[UsageRow]:
        del now
        with self._lock:
            rows = self._usage.get(source, [])
            return rows[bisect_left(rows, start, key=_at) : bisect_left(rows, end, key=_at)]

    def projects(self) -> Sequence[Wire]:
        with self._lock:
            return list(self._projects.values())

    def users(self) -> Sequence[Wire]:
        with self._lock:
            return list(self._users.values())

    def api_keys(self, project_id: str) -> Sequence[Wire]:
        with self._lock:
            return list(self._api_keys.get(project_id, {}).values())

    def service_accounts(self, project_id: str) -> Sequence[Wire]:
        with self._lock:
            return list(self._service_accounts.get(project_id, {}).values())

    def spend_limit(self, project_id: str | None) -> Wire | None:
        with self._lock:
            return self._limits.get(project_id)


def project(
    project_id: str,
    name: str | None,
    *,
    created_at: int = LONG_AGO,
    archived_at: int | None = None,
    residency: str = "GLOBAL",
) -> Wire:
    """Return a project in the wire's shape."""
    return {
        "object": "organization.project",
        "id": project_id,
        "name": name,
        "created_at": created_at,
        "archived_at": archived_at,
        "status": "archived" if archived_at else "active",
        "external_key_id": None,
        "residency": residency,
    }


def user(user_id: str, name: str | None, email: str | None, *, role: str = "reader") -> Wire:
    """Return a member in the wire's shape."""
    return {
        "object": "organization.user",
        "id": user_id,
        "name": name,
        "email": email,
        "role": role,
        "added_at": LONG_AGO,
    }


def service_account(account_id: str, name: str, *, created_at: int = LONG_AGO) -> Wire:
    """Return a service account in the wire's shape."""
    return {
        "object": "organization.project.service_account",
        "id": account_id,
        "name": name,
        "role": "member",
        "created_at": created_at,
    }


def api_key(
    key_id: str,
    name: str,
    *,
    created_at: int = LONG_AGO,
    active: bool = True,
    owner: Wire | None = None,
) -> Wire:
    """Return a project's key in the wire's shape; `owner` is a user or a service account of this page."""
    holder = owner or service_account("svc_acct_unnamed", "unnamed")
    kind = "user" if holder["object"] == "organization.user" else "service_account"
    details = {"id": holder["id"], "name": holder["name"] or "", "role": holder["role"] or "member"}
    if kind == "user":
        details |= {"email": holder["email"] or "", "created_at": holder["added_at"]}
    else:
        details |= {"created_at": holder["created_at"]}
    return {
        "object": "organization.project.api_key",
        "id": key_id,
        "name": name,
        "redacted_value": f"sk-proj-***{key_id[-3:]}",
        "created_at": created_at,
        "last_used_at": None,
        "owner_project_access": "active" if active else "inactive",
        "owner": {"type": kind, kind: details},
    }


def spend_limit(project_id: str | None, cents: int, status: str = "inactive") -> Wire:
    """Return a hard limit in the wire's shape: whole cents and upper-case USD, unlike costs."""
    return {
        "object": "project.spend_limit" if project_id else "organization.spend_limit",
        "threshold_amount": cents,
        "currency": "USD",
        "interval": "month",
        "enforcement": {"status": status},
    }


def _at(row: UsageRow) -> datetime:
    return row.at


def _day(day: str | date) -> date:
    return date.fromisoformat(day) if isinstance(day, str) else day


def _literal(amount: str | int | Decimal) -> str:
    if isinstance(amount, float):  # a type checker refuses it, a test written in haste may not
        raise TypeError(f"{amount!r} is a float: write an amount of money as text, an int or a Decimal")
    return str(amount)
