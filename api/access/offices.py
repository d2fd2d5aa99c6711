"""Offices: added, renamed, closed and opened."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.errors import Conflict, NotFound, UsageError
from common.messages import say
from store.access import Office


def add(session: Session, code: str, name: str, contact: str = "") -> Office:
    """A new office by its ST.3 code. Raises UsageError for what is no code, Conflict for one that exists."""
    code = code.upper()
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise UsageError(say("access.no-office-code", code=code))
    if session.get(Office, code) is not None:
        raise Conflict(say("access.office-exists", code=code))
    office = Office(code=code, name=name, contact=contact)
    session.add(office)
    session.flush()
    return office


def ensure(session: Session, code: str, name: str | None = None) -> Office:
    """The office, added first where it is new."""
    return session.get(Office, code.upper()) or add(session, code, name or code.upper())


def set_active(session: Session, code: str, active: bool) -> None:
    """Closes an office (its keys and accounts stop at once) or opens it again."""
    office = session.get(Office, code.upper())
    if office is None:
        raise NotFound(f"There is no office {code}.")
    office.active = active


def everyone(session: Session) -> list[Office]:
    return list(session.scalars(select(Office).order_by(Office.code)))
