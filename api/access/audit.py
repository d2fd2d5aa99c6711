"""The audit: who saw which provider's records, why, on what ground, how many, and which ones where content was shown.

Append-only by trigger, and chained: each entry's hash covers its content and the hash of the entry before, and
each chain's last entry is sealed with the platform's key. `verify` finds any entry that was changed, added, left
out or cut off.

One writer a process takes all that is waiting, appends it to its chain in one statement, and only then lets the
requests go on that brought it. So nothing is shown that is not written down, and a hundred requests cost one commit.
The same statement looks whether the rights are still those under which it was found, and writes nothing where they are
not: neither is anything shown under rights that are gone, nor written down that was not shown.
There are a few chains; a process writes to one of them and remembers where it ends. The statement takes effect only if
the chain still ends there; where another process has written to it meanwhile, the end is read anew, under lock.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import orjson
import psycopg
from sqlalchemy import Result, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from api.access.model import Caller
from api.access.scope import View
from api.access.secret import Keys
from common.errors import EngineUnavailable
from common.messages import say
from store.access import AuditEntry, AuditHead
from store.database import Database, plain

CHAINS = 8
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
    shown: Iterable[tuple[str, Mapping[str, Any], View]],
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


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends."""

    seq: int
    hash: bytes


class Moved(Enum):
    """What came of an attempt to add to a chain."""

    DONE = "done"
    ELSEWHERE = "the chain ends elsewhere by now"
    UNDER_OTHER_RIGHTS = "the rights were changed"


class AuditWriter:
    """Appends to one chain, over a connection of its own. Belongs to the event loop in which it is first used. Close
    it: what is waiting is written first."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        *,
        chain: int | None = None,
        calls: Callable[[str], AbstractContextManager[None]] | None = None,
    ) -> None:
        """`calls(operation)` is entered around every statement that appends, to time and count it."""
        self._calls = calls or nullcontext
        self._url = plain(database.url)
        self._keys = keys
        self.chain = os.getpid() % CHAINS if chain is None else chain
        self._waiting: list[tuple[Sequence[Entry], int | None, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._head: Head | None = None
        self._flushed = True

    async def write(self, entries: Sequence[Entry], *, version: int | None = None) -> bool:
        """Returns when the entries are committed; raises what kept them from it. `version`: of the rights that they
        presume; where it is another by now, nothing is written and the answer is False."""
        if not entries and version is None:
            return True
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((entries, version, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._run())
        return await asyncio.shield(done)

    async def close(self) -> None:
        if self._writing is not None:
            await self._writing
        await self._disconnect()

    async def _run(self) -> None:
        while self._waiting:
            version, alike = next(itertools.groupby(self._waiting[:LARGEST_BATCH], lambda one: one[1]))
            batch = list(alike)
            del self._waiting[: len(batch)]
            try:
                written = await self._append([entry for entries, _, _ in batch for entry in entries], version)
            except Exception as error:
                self._head = None
                for _, _, done in batch:
                    done.set_exception(error)
                    done.exception()  # whoever asked may have gone
            else:
                for _, _, done in batch:
                    done.set_result(written)

    async def _append(self, entries: Sequence[Entry], version: int | None) -> bool:
        tried: Head | None = None
        for attempt in range(2):
            try:
                connection = await self._connected(flushed=any(entry.action not in LISTED for entry in entries))
                if self._head is None:
                    self._head = await self._read_head(connection)
                if tried is not None and await self._holds(connection, tried):
                    return True  # the connection broke after the commit, before it was confirmed
                rows, tried = link(self.chain, self._head, entries)
                moved = await self._move(connection, self._head, tried, rows, version)
                if moved is Moved.ELSEWHERE:
                    async with connection.transaction():
                        self._head = await self._read_head(connection, lock=True)
                        rows, tried = link(self.chain, self._head, entries)
                        moved = await self._move(connection, self._head, tried, rows, version)
                        assert moved is not Moved.ELSEWHERE
                if moved is Moved.DONE:
                    self._head = tried
                return moved is Moved.DONE
            except psycopg.OperationalError as error:
                await self._disconnect()
                if attempt:
                    raise EngineUnavailable(say("engines.database-away")) from error
        raise AssertionError

    async def _connected(self, *, flushed: bool) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, prepare_threshold=0)
            self._flushed = True
        if flushed is not self._flushed:
            await self._connection.execute(f"set synchronous_commit to {'on' if flushed else 'off'}".encode())
            self._flushed = flushed
        return self._connection

    async def _disconnect(self) -> None:
        self._head = None
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _read_head(self, connection: psycopg.AsyncConnection[Any], *, lock: bool = False) -> Head:
        """Where the chain ends; a chain that is new begins."""
        seal = _seal(self._keys, self.chain, 0, START)
        await connection.execute(BEGIN_CHAIN, {"chain": self.chain, "hash": START, "seal": seal})
        statement = READ_HEAD_LOCKED if lock else READ_HEAD
        row = await (await connection.execute(statement, {"chain": self.chain})).fetchone()
        assert row is not None
        return Head(row[0], row[1])

    async def _holds(self, connection: psycopg.AsyncConnection[Any], head: Head) -> bool:
        """Whether the chain has an entry that was to be its end."""
        place = {"chain": self.chain, "seq": head.seq, "hash": head.hash}
        return (await (await connection.execute(HOLDS, place)).fetchone()) is not None

    async def _move(
        self,
        connection: psycopg.AsyncConnection[Any],
        old: Head,
        new: Head,
        rows: Sequence[dict[str, Any]],
        version: int | None,
    ) -> Moved:
        """Adds the rows, but only to a chain that ends at `old`, and only under rights of that version."""
        content = [{**row, "hash": row["hash"].hex()} for row in rows]
        with self._calls("insert"):
            moved = await connection.execute(
                MOVE,
                {
                    "chain": self.chain,
                    "old_seq": old.seq,
                    "old_hash": old.hash,
                    "seq": new.seq,
                    "hash": new.hash,
                    "seal": _seal(self._keys, self.chain, new.seq, new.hash),
                    "rows": orjson.dumps(content).decode(),
                    "version": version,
                },
            )
        found = await moved.fetchone()
        assert found is not None
        if found[0]:
            return Moved.DONE
        return Moved.ELSEWHERE if version in (None, found[1]) else Moved.UNDER_OTHER_RIGHTS


BEGIN_CHAIN = """
insert into audit_heads (chain, seq, hash, seal) values (%(chain)s, 0, %(hash)s, %(seal)s) on conflict do nothing
"""
READ_HEAD = "select seq, hash from audit_heads where chain = %(chain)s"
READ_HEAD_LOCKED = "select seq, hash from audit_heads where chain = %(chain)s for update"
HOLDS = "select from audit where chain = %(chain)s and seq = %(seq)s and hash = %(hash)s"
MOVE = """
with rights as (
    select version from access_version where id = 1
), moved as (
    update audit_heads set seq = %(seq)s, hash = %(hash)s, seal = %(seal)s
    where chain = %(chain)s and seq = %(old_seq)s and hash = %(old_hash)s
        and (%(version)s::bigint is null or %(version)s::bigint = (select version from rights))
    returning chain
), added as (
    insert into audit (
        chain, seq, at, action, caller, office, role, purpose, provider, collection, agreements, tier, records, ids,
        details, hash
    )
    select
        chain, seq, at, action, caller, office, role, purpose, provider, collection, agreements, tier, records, ids,
        details, decode(hash, 'hex')
    from jsonb_to_recordset(%(rows)s::jsonb) as row (
        chain smallint, seq bigint, at timestamptz, action text, caller text, office text, role text, purpose text,
        provider text, collection text, agreements jsonb, tier text, records bigint, ids jsonb, details jsonb, hash text
    )
    where exists (select from moved)
)
select exists (select from moved), (select version from rights)
"""


def append(session: Session, keys: Keys, chain: int, entries: Sequence[Entry]) -> None:
    """Adds entries to a chain in the caller's transaction."""
    if not entries:
        return
    first = {"chain": chain, "seq": 0, "hash": START, "seal": _seal(keys, chain, 0, START)}
    session.execute(upsert(AuditHead).values(first).on_conflict_do_nothing())
    held = session.execute(
        select(AuditHead.seq, AuditHead.hash).where(AuditHead.chain == chain).with_for_update()
    ).one()
    rows, head = link(chain, Head(held.seq, held.hash), entries)
    session.execute(insert(AuditEntry), rows)
    values = {"seq": head.seq, "hash": head.hash, "seal": _seal(keys, chain, head.seq, head.hash)}
    session.execute(update(AuditHead).where(AuditHead.chain == chain).values(values))


def link(chain: int, head: Head, entries: Sequence[Entry]) -> tuple[list[dict[str, Any]], Head]:
    """The entries as rows that go on from `head`, and where the chain ends then."""
    seq, last = head.seq, head.hash
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
    return rows, Head(seq, last)


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
