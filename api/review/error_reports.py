"""Reported errors: a reader says that a record is wrong, its provider's quality people answer.

Open until the provider answers; the reporter's next word opens it again. Corrected and declined close it, with a
reason. Only the reporter and the stewards and data-quality people of the provider see a report; to everybody else it
does not exist.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from api.access.model import Caller, Permission, Role
from common.errors import AccessDenied, Conflict, NotFound, UsageError
from common.messages import say
from store.ingest import StoredRecord
from store.quality import ErrorReport, ErrorReportMessage

STATES = ("open", "answered", "corrected", "declined")
DECISIONS = ("answered", "corrected", "declined")
"""What the provider's answer may make of a report."""
HANDLERS = frozenset({Role.DATA_QUALITY, Role.PROVIDER_STEWARD})


def handles(caller: Caller, provider: str) -> bool:
    """Whether the caller answers for this provider."""
    return (
        caller.office == provider
        and caller.role in HANDLERS
        and (caller.may(Permission.REVIEW) or caller.may(Permission.MANAGE_OFFICE))
    )


def open_report(session: Session, caller: Caller, record: dict[str, Any], text: str, *, field: str = "") -> ErrorReport:
    """A new report on a record that the caller has just been shown."""
    seq = session.scalar(select(StoredRecord.seq).where(StoredRecord.id == record["id"]))
    report = ErrorReport(
        record=record["id"],
        seq=seq,
        provider=record["provider"],
        collection=record["collection"],
        right=record["right"],
        office=record["office"],
        field=field,
        reporter=caller.name,
        reporter_office=caller.office,
        state="open",
    )
    session.add(report)
    session.flush()
    session.add(ErrorReportMessage(report=report.id, side="reporter", author=caller.name, text=text, state="open"))
    session.flush()
    session.refresh(report)
    return report


def find(session: Session, caller: Caller, report_id: int, *, lock: bool = False) -> ErrorReport:
    """The report, for its two sides. Raises NotFound for everybody else."""
    report = session.get(ErrorReport, report_id, with_for_update=lock)
    if report is None or not (report.reporter == caller.name or handles(caller, report.provider)):
        raise NotFound("no such report")
    return report


def listed(
    session: Session, caller: Caller, *, state: str | None = None, before: int | None = None, limit: int = 100
) -> list[ErrorReport]:
    """The caller's queue and its own reports, newest first."""
    if state is not None and state not in STATES:
        raise UsageError(say("review.no-state", state=state, states=list(STATES)))
    mine = ErrorReport.reporter == caller.name
    queue = caller.office is not None and handles(caller, caller.office)
    statement = select(ErrorReport).where(or_(mine, ErrorReport.provider == caller.office) if queue else mine)
    if state is not None:
        statement = statement.where(ErrorReport.state == state)
    if before is not None:
        statement = statement.where(ErrorReport.id < before)
    return list(session.scalars(statement.order_by(ErrorReport.id.desc()).limit(limit)))


def reply(
    session: Session,
    caller: Caller,
    report_id: int,
    text: str,
    *,
    decision: str | None = None,
    expected: str | None = None,
) -> ErrorReport:
    """Adds a message. The provider's makes the report `decision` (answered unless said), the reporter's opens it.

    Raises Conflict when `expected` is given and the report is in another state by now, AccessDenied when the reporter
    decides.
    """
    report = find(session, caller, report_id, lock=True)
    if expected is not None and report.state != expected:
        raise Conflict(say("review.report-moved-on", state=report.state))
    provider = handles(caller, report.provider)
    if decision is not None and not provider:
        raise AccessDenied("the provider decides")
    if decision is not None and decision not in DECISIONS:
        raise UsageError(say("review.no-decision", decision=decision, decisions=list(DECISIONS)))
    now = dt.datetime.now(dt.UTC)
    report.state = (decision or "answered") if provider else "open"
    report.changed = now
    report.closed = now if report.state in ("corrected", "declined") else None
    side = "provider" if provider else "reporter"
    session.add(
        ErrorReportMessage(report=report.id, side=side, author=caller.name, text=text, state=report.state, at=now)
    )
    session.flush()
    return report


def thread(session: Session, report: ErrorReport) -> list[ErrorReportMessage]:
    statement = select(ErrorReportMessage).where(ErrorReportMessage.report == report.id)
    return list(session.scalars(statement.order_by(ErrorReportMessage.id)))


def gone(session: Session, record: str) -> bool:
    """Whether the record is no longer held at all."""
    return not session.scalar(
        select(func.count()).select_from(StoredRecord).where(StoredRecord.id == record, StoredRecord.deleted.is_(False))
    )


def as_json(report: ErrorReport) -> dict[str, Any]:
    return {
        "id": report.id,
        "record": report.record,
        "provider": report.provider,
        "collection": report.collection,
        "right": report.right,
        "office": report.office,
        "field": report.field,
        "reporter": report.reporter,
        "reporter_office": report.reporter_office,
        "state": report.state,
        "opened": report.opened,
        "changed": report.changed,
        "closed": report.closed,
    }


def message_json(message: ErrorReportMessage) -> dict[str, Any]:
    return {
        "side": message.side,
        "author": message.author,
        "text": message.text,
        "state": message.state,
        "at": message.at,
    }
