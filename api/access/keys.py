"""API keys: made, shown once, checked by their hash, revoked."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from api.access.model import PURPOSES, Caller, Permission, Role, role_rules
from common.errors import NotFound, UsageError
from common.messages import say
from store.access import ApiKey, Office

PREFIX = "ipc_"
"""So that a key that leaked into a file can be found by searching for it."""
SHAPE = re.compile(r"ipc_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class NewKey:
    id: str
    key: str
    """Shown this once; only its hash is kept."""
    expires: dt.datetime | None


def create(
    session: Session,
    *,
    office: str | None,
    role: Role,
    by: str,
    label: str = "",
    permissions: list[Permission] | None = None,
    purposes: list[str] | None = None,
    expires: dt.datetime | None = None,
) -> NewKey:
    """A key of an office in a role.

    Raises NotFound for an unknown office, UsageError for permissions beyond the role's or an expiry in the past.
    """
    if office is not None and session.get(Office, office) is None:
        raise NotFound(f"There is no office {office}.", remedy=f"Add it: concord offices add {office} NAME.")
    if office is None and role_rules()[role].reads_for_office:
        raise UsageError(say("access.key-without-office", role=role))
    beyond = set(permissions or ()) - role_rules()[role].permissions
    if beyond:
        raise UsageError(say("access.role-beyond", role=role, permissions=sorted(beyond)))
    unknown = set(purposes or ()) - set(PURPOSES)
    if unknown:
        raise UsageError(say("access.purpose-unknown", names=sorted(unknown), known=list(PURPOSES)))
    if expires is not None and expires <= dt.datetime.now(dt.UTC):
        raise UsageError(say("access.key-expired"))
    key_id = secrets.token_hex(6)
    key = f"{PREFIX}{key_id}_{secrets.token_urlsafe(32)}"
    session.add(
        ApiKey(
            id=key_id,
            hash=fingerprint(key),
            office=office,
            role=role.value,
            label=label,
            permissions=[p.value for p in permissions] if permissions is not None else None,
            purposes=list(purposes) if purposes else None,
            created_by=by,
            expires=expires,
        )
    )
    session.flush()
    return NewKey(key_id, key, expires)


def revoke(session: Session, key_id: str, *, office: str | None = None) -> None:
    """Ends a key at once. With `office`, only one of that office; NotFound otherwise."""
    statement = (
        update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked.is_(None)).values(revoked=dt.datetime.now(dt.UTC))
    )
    if office is not None:
        statement = statement.where(ApiKey.office == office)
    if session.execute(statement.returning(ApiKey.id)).scalar() is None:
        raise NotFound(f"There is no key {key_id} in use.")


def fingerprint(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def find(session: Session, key: str, now: dt.datetime) -> Caller | None:
    """Who a key stands for; None for a key that is unknown, expired or revoked, or whose office is closed."""
    if not SHAPE.fullmatch(key):
        return None
    return _caller(session, ApiKey.hash == fingerprint(key), now)


def find_by_id(session: Session, key_id: str, now: dt.datetime) -> Caller | None:
    """The same for a key known by its id: a browser's session remembers no more of it."""
    return _caller(session, ApiKey.id == key_id, now)


def _caller(session: Session, which: ColumnElement[bool], now: dt.datetime) -> Caller | None:
    row = session.execute(
        select(ApiKey, Office.active).outerjoin(Office, Office.code == ApiKey.office).where(which)
    ).one_or_none()
    if row is None:
        return None
    entry, office_active = row
    if entry.revoked is not None or (entry.expires is not None and entry.expires <= now) or office_active is False:
        return None
    role = Role(entry.role)
    allowed = role_rules()[role].permissions
    if entry.permissions is not None:
        allowed = allowed & {Permission(name) for name in entry.permissions}
    purposes = frozenset(entry.purposes) if entry.purposes else frozenset(PURPOSES)
    return Caller("key", entry.id, entry.office, role, allowed, purposes)
