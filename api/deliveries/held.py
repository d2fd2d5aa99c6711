"""What came in: deliveries with their counts, their rejects, and the original bytes where something went wrong.

A delivery and its rejects belong to the provider: its own people see them whole. Who runs the platform sees the
counts, since a reason may quote what the provider has not shown to anybody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.access.model import Caller, Permission
from common.errors import NotFound
from indexer.archive import Archive
from store.ingest import Delivery, Member, Reject

LINE = re.compile(r"\blines? (\d+)")
AROUND = 12
"""Lines shown before and after the place of an error."""
LONGEST_LINE = 400
LONGEST_READ = 50_000_000
"""Bytes of a member in which a line is looked for."""
PAGE = 200
UNDER_WAY = ("registered", "reading")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of an original around a place."""

    lines: tuple[dict[str, Any], ...]
    """`number`, `text`, and `error`: whether it is the line of the error."""
    exact: bool
    """False where the reason names no line: then it is the beginning."""


def sees(caller: Caller, provider: str) -> bool:
    """Whether deliveries of this provider are the caller's own."""
    return caller.reads_for_office and caller.office == provider


def everything(session: Session, caller: Caller, limit: int = 100) -> list[dict[str, Any]]:
    """Deliveries, the latest first: one's own office's, or all for those who run the platform."""
    statement = select(Delivery).order_by(Delivery.sequence.desc()).limit(limit)
    if not caller.may(Permission.MANAGE_PLATFORM):
        if not caller.reads_for_office:
            return []
        statement = statement.where(Delivery.provider == caller.office)
    held = [_out(entry, caller) for entry in session.scalars(statement)]
    under_way = [entry["sequence"] for entry in held if entry["state"] in UNDER_WAY]
    files = _files(session, under_way) if under_way else {}
    return [{**entry, "files": files.get(entry["sequence"])} for entry in held]


def _files(session: Session, sequences: list[int]) -> dict[int, tuple[int, int]]:
    """How many files of deliveries are read, and how many there are."""
    read = func.count().filter(Member.state.in_(("done", "failed", "skipped")))
    counted = (
        select(Member.delivery, read, func.count()).where(Member.delivery.in_(sequences)).group_by(Member.delivery)
    )
    return {sequence: (done, all_) for sequence, done, all_ in session.execute(counted)}


def _out(entry: Delivery, caller: Caller) -> dict[str, Any]:
    return {
        "sequence": entry.sequence,
        "provider": entry.provider,
        "collection": entry.collection,
        "name": entry.name.rpartition("/")[2] or entry.name,
        "state": entry.state,
        "received": entry.received,
        "finished": entry.finished,
        "records": entry.records,
        "indexed": entry.indexed,
        "updated": entry.updated,
        "unchanged": entry.unchanged,
        "rejected": entry.rejected,
        "error": entry.error if sees(caller, entry.provider) else None,
        "open": sees(caller, entry.provider),
    }


def one(session: Session, caller: Caller, sequence: int) -> dict[str, Any]:
    """One of one's own deliveries. Raises NotFound, the same for another's and for none."""
    entry = session.get(Delivery, sequence)
    if entry is None or not sees(caller, entry.provider):
        raise NotFound("no such delivery")
    return _out(entry, caller)


def rejects(session: Session, caller: Caller, sequence: int, *, findings: bool = False) -> list[dict[str, Any]]:
    """What was rejected of a delivery, or doubted (`findings`), in reading order; at most `PAGE`."""
    one(session, caller, sequence)
    statement = (
        select(Reject)
        .where(Reject.delivery == sequence, Reject.finding.is_(findings))
        .order_by(Reject.member, Reject.ordinal, Reject.id)
        .limit(PAGE)
    )
    return [_reject(entry) for entry in session.scalars(statement)]


def _reject(entry: Reject) -> dict[str, Any]:
    return {
        "id": entry.id,
        "delivery": entry.delivery,
        "file": entry.file,
        "path": entry.path,
        "ordinal": entry.ordinal,
        "record": entry.record,
        "field": entry.field,
        "severity": entry.severity,
        "rule": entry.rule,
        "reason": entry.reason,
        "has_bytes": entry.member is not None,
    }


def findings_by_rule(session: Session, caller: Caller) -> list[dict[str, Any]]:
    """Rule, severity and how many, over one's own deliveries, most frequent first."""
    if not caller.reads_for_office:
        return []
    statement = (
        select(Reject.rule, Reject.severity, func.count())
        .join(Delivery, Delivery.sequence == Reject.delivery)
        .where(Delivery.provider == caller.office, Reject.rule != "")
        .group_by(Reject.rule, Reject.severity)
        .order_by(func.count().desc(), Reject.rule)
    )
    return [{"rule": row[0], "severity": row[1], "number": row[2]} for row in session.execute(statement)]


def place(session: Session, archive: Archive, caller: Caller, sequence: int, reject: int) -> dict[str, Any]:
    """A reject with the original around its place. Raises NotFound."""
    one(session, caller, sequence)
    entry = session.get(Reject, reject)
    if entry is None or entry.delivery != sequence or entry.member is None:
        raise NotFound("no such reject")
    member = session.get(Member, entry.member)
    if member is None or not archive.holds(member.sha256):
        raise NotFound("no such original")
    found = LINE.search(entry.reason)
    with archive.open(member.sha256) as stream:
        content = stream.read(LONGEST_READ)
    return {"reject": _reject(entry), "format": member.format, "size": member.size,
            "excerpt": excerpt(content, int(found[1]) if found else None)}  # fmt: skip


def excerpt(content: bytes, line: int | None) -> Excerpt:
    """Lines around `line` (from 1), bytes that are no UTF-8 shown as their hexadecimal value."""
    lines = content.split(b"\n")
    wanted = line if line is not None and 1 <= line <= len(lines) else None
    first = max(1, (wanted or 1) - AROUND)
    last = min(len(lines), (wanted or 1) + (AROUND if wanted else 2 * AROUND))
    shown = tuple(
        {"number": number, "text": _readable(lines[number - 1]), "error": number == wanted}
        for number in range(first, last + 1)
    )
    return Excerpt(shown, wanted is not None)


def _readable(line: bytes) -> str:
    text = line[:LONGEST_LINE].rstrip(b"\r").decode("utf-8", "backslashreplace")
    # Control characters would be invisible, and they are often the error.
    text = "".join(f"\\x{ord(c):02x}" if ord(c) < 32 and c != "\t" else c for c in text)
    return text + ("…" if len(line) > LONGEST_LINE else "")
