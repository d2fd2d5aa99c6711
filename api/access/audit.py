"""The audit: who saw which provider's records, why, on what ground, how many, and which ones where content was shown.

Append-only by trigger, and chained: each entry's hash covers its content and the hash of the entry before, and
each chain's last entry is sealed with the platform's key. `verify` finds any entry that was changed, added, left
out or cut off.

Writing is off the request's thread: one writer a process takes all that is waiting, appends it to its chain in one
transaction, and only then lets the requests go on that brought it. So nothing is shown that is not written down, and a
hundred requests cost one commit. There are a few chains; a process writes to one of them, so two rarely wait.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
import queue
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Engine, Result, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from api.access.model import Caller
from api.access.scope import View
from api.access.secret import Keys
from store.access import AuditEntry, AuditHead
from store.database import Database

CHAINS = 8
LOCK = 0x434F4E43
"""First half of the advisory lock of a chain; the second is its number."""
START = bytes(32)
LARGEST_BATCH = 500
LISTED = frozenset({"search"})
"""Actions that show a list, not a record: their entries are committed before the answer, but the answer does not wait
for the disk. A crash of the database server (not of ours) can lose those of its last half second; no chain breaks."""
COLUMNS = (
    "chain",
    "seq",
    "at",
    "action",
    "caller",
    "office",
    "role",
    "purpose",
    "provider",
    "collection",
    "agreements",
    "tier",
    "records",
    "ids",
    "details",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit, before it has its place in a chain."""

    action: str
    caller: str
    role: str
    purpose: str
    office: str | None = None
    provider: str | None = None
    collection: str | None = None
    agreements: tuple[int, ...] = ()
    tier: str | None = None
    records: int = 0
    ids: tuple[str, ...] | None = None
    details: dict[str, Any] = field(default_factory=dict)
    at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))


def disclosures(
    action: str,
    caller: Caller,
    purpose: str,
    shown: Iterable[tuple[str, dict[str, Any], View]],
    *,
    content: bool = False,
    details: dict[str, Any] | None = None,
) -> list[Entry]:
    """One entry for each collection, tier and ground among what was shown: (record id, index document, view)."""
    groups: dict[tuple[str, str, str, tuple[int, ...]], list[str]] = {}
    for record_id, document, view in shown:
        key = (document["provider"], document["collection"], view.tier.label, view.agreements)
        groups.setdefault(key, []).append(record_id)
    return [
        Entry(
            action,
            caller.name,
            caller.role.value,
            purpose,
            caller.office,
            provider,
            collection,
            agreements,
            tier,
            len(ids),
            tuple(ids) if content else None,
            details or {},
        )
        for (provider, collection, tier, agreements), ids in sorted(groups.items())
    ]


def change(caller: Caller, action: str, **details: Any) -> Entry:
    """An entry about a change of rights or accounts."""
    return Entry(action, caller.name, caller.role.value, "", caller.office, details=details)


class AuditWriter:
    """Appends to one chain from a thread of its own. Close it: what is waiting is written first."""

    def __init__(self, database: Database, keys: Keys, *, chain: int | None = None) -> None:
        self._engine: Engine = database.engine
        self._keys = keys
        self.chain = os.getpid() % CHAINS if chain is None else chain
        self._waiting: queue.SimpleQueue[tuple[Sequence[Entry], Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def write(self, entries: Sequence[Entry]) -> Future[None]:
        """Done when the entries are committed; carries the error where they could not be."""
        done: Future[None] = Future()
        if entries:
            self._waiting.put((entries, done))
        else:
            done.set_result(None)
        return done

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch: list[tuple[Sequence[Entry], Future[None]]] = []
            item = self._waiting.get()
            while True:
                if item is None:
                    stopping = True
                    break
                batch.append(item)
                if len(batch) >= LARGEST_BATCH or self._waiting.empty():
                    break
                item = self._waiting.get()
            if batch:
                self._append(batch)

    def _append(self, batch: list[tuple[Sequence[Entry], Future[None]]]) -> None:
        try:
            with Session(self._engine) as session, session.begin():
                if all(entry.action in LISTED for entries, _ in batch for entry in entries):
                    session.execute(text("set local synchronous_commit to off"))
                append(session, self._keys, self.chain, [entry for entries, _ in batch for entry in entries])
        except Exception as error:
            for _, done in batch:
                done.set_exception(error)
        else:
            for _, done in batch:
                done.set_result(None)


def append(session: Session, keys: Keys, chain: int, entries: Sequence[Entry]) -> None:
    """Adds entries to a chain in the caller's transaction."""
    if not entries:
        return
    session.execute(text("select pg_advisory_xact_lock(:kind, :chain)"), {"kind": LOCK, "chain": chain})
    head = session.execute(select(AuditHead.seq, AuditHead.hash).where(AuditHead.chain == chain)).one_or_none()
    seq, last = (head.seq, head.hash) if head else (0, START)
    rows = []
    for entry in entries:
        seq += 1
        row = {
            "chain": chain,
            "seq": seq,
            "at": entry.at,
            "action": entry.action,
            "caller": entry.caller,
            "office": entry.office,
            "role": entry.role,
            "purpose": entry.purpose,
            "provider": entry.provider,
            "collection": entry.collection,
            "agreements": list(entry.agreements),
            "tier": entry.tier,
            "records": entry.records,
            "ids": list(entry.ids) if entry.ids is not None else None,
            "details": entry.details,
        }
        last = _hash(last, row)
        rows.append({**row, "hash": last})
    session.execute(insert(AuditEntry), rows)
    values = {"chain": chain, "seq": seq, "hash": last, "seal": _seal(keys, chain, seq, last)}
    session.execute(upsert(AuditHead).values(values).on_conflict_do_update(index_elements=["chain"], set_=values))


def _hash(previous: bytes, row: dict[str, Any]) -> bytes:
    content = {**row, "at": row["at"].astimezone(dt.UTC).isoformat(timespec="microseconds")}
    return hashlib.sha256(previous + orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()


def _seal(keys: Keys, chain: int, seq: int, last: bytes) -> bytes:
    return keys.sign("audit", b"%d:%d:" % (chain, seq) + last)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found in all chains."""

    entries: int
    faults: tuple[str, ...]


def verify(session: Session, keys: Keys) -> Verdict:
    """Reads every chain from its start; names the first fault of each."""
    heads = {head.chain: head for head in session.scalars(select(AuditHead))}
    chains = sorted({*heads, *session.scalars(select(AuditEntry.chain).distinct())})
    entries, faults = 0, []
    for chain in chains:
        last, seq = START, 0
        fault = ""
        with _entries_of(session, chain) as rows:
            for row in rows:
                content = {name: getattr(row, name) for name in COLUMNS}
                if row.seq != seq + 1:
                    fault = f"chain {chain}: entry {seq + 1} is missing"
                elif row.hash != _hash(last, content):
                    fault = f"chain {chain}: entry {row.seq} was changed"
                if fault:
                    break
                seq, last = row.seq, row.hash
                entries += 1
        head = heads.get(chain)
        if not fault and head is None:
            fault = f"chain {chain}: its head is missing"
        elif not fault and head is not None:
            if not hmac.compare_digest(head.seal, _seal(keys, chain, head.seq, head.hash)):
                fault = f"chain {chain}: its head was not sealed with this platform's key"
            elif (head.seq, head.hash) != (seq, last):
                fault = f"chain {chain}: entries after {seq} are missing"
        if fault:
            faults.append(fault)
    return Verdict(entries, tuple(faults))


def _entries_of(session: Session, chain: int) -> Result[Any]:
    columns = [getattr(AuditEntry, name) for name in (*COLUMNS, "hash")]
    statement = select(*columns).where(AuditEntry.chain == chain).order_by(AuditEntry.seq)
    return session.execute(statement.execution_options(yield_per=5_000))


def report(
    session: Session, provider: str | None, *, since: dt.date | None = None, until: dt.date | None = None
) -> list[dict[str, Any]]:
    """Who read a provider's records: one line per day, office, purpose, action, collection and ground."""
    day = func.date(func.timezone("UTC", AuditEntry.at)).label("day")
    keys = (
        day,
        AuditEntry.provider,
        AuditEntry.office,
        AuditEntry.purpose,
        AuditEntry.action,
        AuditEntry.collection,
        AuditEntry.agreements,
    )
    statement = (
        select(*keys, func.sum(AuditEntry.records).label("records"), func.count().label("requests"))
        .where(AuditEntry.provider.is_not(None))
        .group_by(*keys)
        .order_by(*keys)
    )
    if provider is not None:
        statement = statement.where(AuditEntry.provider == provider)
    if since is not None:
        statement = statement.where(AuditEntry.at >= dt.datetime.combine(since, dt.time(), dt.UTC))
    if until is not None:
        end = dt.datetime.combine(until + dt.timedelta(days=1), dt.time(), dt.UTC)
        statement = statement.where(AuditEntry.at < end)
    return [
        {
            "day": row.day.isoformat(),
            "provider": row.provider,
            "office": row.office,
            "purpose": row.purpose,
            "action": row.action,
            "collection": row.collection,
            "agreements": row.agreements,
            "records": int(row.records),
            "requests": row.requests,
        }
        for row in session.execute(statement)
    ]
