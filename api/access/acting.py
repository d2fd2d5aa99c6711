"""Acting for somebody who is not there: a job has its owner's rights as they are now, never as they were."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access import keys
from api.access.accounts import caller_of
from api.access.model import Caller
from api.access.scopes import current_version
from api.dependencies import Access, Credentials, Identity, Services
from common.errors import AccessDenied
from store.access import Account, Office


def find(session: Session, name: str, now: dt.datetime) -> Caller | None:
    """The caller of this name (`key:…`, `user:…`, `oidc:…`); None where it may do nothing any more."""
    kind, _, held = name.partition(":")
    if kind == "key":
        return keys.find_by_id(session, held, now)
    if kind not in ("user", "oidc"):
        return None
    row = session.execute(
        select(Account, Office.active).outerjoin(Office, Office.code == Account.office).where(Account.name == held)
    ).one_or_none()
    if row is None or not row[0].active or row[1] is False:
        return None
    caller = caller_of(row[0])
    return caller if kind == "user" else Caller("oidc", caller.id, caller.office, caller.role, caller.permissions)


def identify(services: Services, name: str, purpose: str) -> Identity:
    """Who acts and what that one may see, as of now. Blocks on the database. Raises AccessDenied."""
    with Session(services.reading) as session:
        version = current_version(session)
        caller = find(session, name, dt.datetime.now(dt.UTC))
        if caller is None or purpose not in caller.purposes:
            raise AccessDenied("who asked for it may do nothing any more")
        return Identity(caller, purpose, services.scopes.get(session, caller, purpose, version))


def access(services: Services, identity: Identity) -> Access:
    """The same as routes get it. It cannot be renewed by itself: `identify` again."""
    return Access(services, identity, Credentials())
