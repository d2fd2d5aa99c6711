"""Loading a delivery: archive → read → decide and store → vectors → engine → checkpoint → duplicates.

Reading runs in a process of its own and embedding in others; this one decides, stores and sends. A batch is committed
to PostgreSQL with an entry in `pending_batches` that goes when the engine has it all. Killed anywhere, a load goes on
where it stopped: what was committed is sent again (harmless: the change sequence is the version), the rest is
read.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from common.errors import ConcordError, UsageError
from indexer.binding import bind
from indexer.duplicates.arrivals import match
from indexer.duplicates.scan import Scanned
from indexer.engine import Engine
from indexer.ledger import Changed, Committed, Counts, Ledger, Registered
from indexer.reading import Found, Sender, inline, read, remote, survey
from indexer.stored import clusters_of, document_of, pictures_of, stored_changes
from indexer.vectors import Vectors
from indexer.writer import Change, Writer, plain_errors
from mappings import aliases
from store.database import Database

T = TypeVar("T")

SMALL_DELIVERY = 2 << 20
"""Bytes up to which everything runs in this process: starting the others takes about two seconds."""
BATCHES_IN_FLIGHT = 4
"""Batches between PostgreSQL and the engine: bounds memory, lets embedding, sending and indexing overlap."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load is. Bytes are of unpacked members; total 0 while the delivery is still being archived."""

    phase: str
    """archive, read, finish or duplicates."""
    counts: Counts
    bytes_done: int = 0
    """In phase duplicates: records."""
    bytes_total: int = 0
    members_done: int = 0
    members_total: int = 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """Outcome of a load: records = indexed + updated + unchanged + rejected. A deletion counts as updated."""

    delivery: int
    replay: bool
    counts: Counts
    by_format: dict[str, int]
    """Items read by format; `unreadable` for files that no reader could begin."""
    seconds: float
    """Until everything was searchable; looking for duplicates came after."""
    scanned: Scanned | None = None
    unscanned: str | None = None
    """Why duplicates were not looked for: the next load or scan does it."""

    def summary(self) -> dict[str, Any]:
        """The object that `concord load --json` prints."""
        return {**asdict(self.counts), "by_format": self.by_format, "seconds": round(self.seconds, 3)}


@dataclass(slots=True)
class Pipeline:
    """What one load needs, and its counts. One object a load."""

    database: Database
    engine: Engine
    vectors: Vectors
    archive_url: str
    report: Callable[[Progress], None] = lambda progress: None
    duplicates: bool = True
    """Whether what came in is looked through for duplicates when it is searchable."""
    _counts: Counts = field(default_factory=Counts)
    _by_format: Counter[str] = field(default_factory=Counter)
    _ledger: Ledger = field(init=False)
    _writer: Writer = field(init=False)

    def __post_init__(self) -> None:
        self._ledger = Ledger(self.database)
        self._writer = Writer(self.engine)

    async def load(self, paths: Sequence[Path], sender: Sender) -> Loaded:
        """Loads `paths` as one delivery of `sender` (whose `delivery` is ignored). Raises UsageError, EngineError …"""
        begun = time.monotonic()
        for path in paths:
            if not path.exists():
                raise UsageError(f"There is no {path}.", remedy="Name files or folders that exist.")
        await self.prepare()
        await self.resend(abandoned=True)
        found = await self._survey([path.absolute() for path in paths], sender.options)
        entered = await asyncio.to_thread(self._ledger.register, sender, str(paths[0]), found)
        sender = Sender(sender.provider, sender.collection, entered.sequence, sender.options)
        with self._ledger.alone(entered.sequence):
            try:
                await self._go_on(entered.sequence, sender)
            except ConcordError as error:
                # the database itself may be what failed
                with suppress(ConcordError, SQLAlchemyError, psycopg.Error):
                    await asyncio.to_thread(self._ledger.set_state, entered.sequence, "failed", str(error))
                raise
        self._counts.check()
        seconds = time.monotonic() - begun
        scanned, problem = None, None
        if self.duplicates:
            try:
                scanned = await match(self.database, self.engine, self.vectors, self._matched)
            except ConcordError as error:
                # The delivery is in: what comes after it must not make it fail.
                problem = str(error)
        return Loaded(entered.sequence, entered.replay, self._counts, dict(self._by_format), seconds, scanned, problem)

    def _matched(self, done: Scanned, left: int) -> None:
        self.report(Progress("duplicates", self._counts, done.records, done.records + left))

    async def prepare(self) -> None:
        """Templates and indices, where they are missing."""
        await self.engine.prepare(await bind(self.engine, self.vectors.embedder))

    async def _survey(self, paths: list[Path], options: tuple[tuple[str, str], ...]) -> list[Found]:
        small = sum(delivered_size(path) for path in paths) <= SMALL_DELIVERY
        found: list[Found] = []
        size = 0
        async with aclosing(
            _stream((inline if small else remote)(survey, paths, self.archive_url, options))
        ) as entries:
            async for entry in entries:
                found.append(entry)
                size += entry.size
                self.report(Progress("archive", self._counts, size, 0, len(found)))
        return found

    async def _go_on(self, sequence: int, sender: Sender) -> None:
        # Registered before the lock was held: see what an earlier holder has done since.
        entered = await asyncio.to_thread(self._ledger.registered, sequence)
        self._counts.add(entered.counts)
        for name, number in entered.by_format.items():
            self._by_format[name] += number
        await self.resend(delivery=sender.delivery)
        if not entered.replay:
            await asyncio.to_thread(self._ledger.set_state, sender.delivery, "reading")
        await self._read(entered, sender)
        self.report(Progress("finish", self._counts))
        await self.engine.refresh(aliases(self.engine.prefix))
        if not entered.replay:
            await asyncio.to_thread(self._ledger.set_state, sender.delivery, "done")

    async def _read(self, entered: Registered, sender: Sender) -> None:
        tasks = {task.member_id: task for task in entered.tasks}
        total = sum(entered.sizes[member] for member in tasks)
        small = total <= SMALL_DELIVERY
        done = members = 0
        slots = asyncio.Semaphore(BATCHES_IN_FLIGHT)
        files, known = await asyncio.to_thread(self._ledger.other_files, entered.sequence)
        source = (inline if small else remote)(read, list(entered.tasks), sender, self.archive_url, files, known)
        async with aclosing(_stream(source)) as batches, plain_errors(), asyncio.TaskGroup() as group:
            async for batch in batches:
                await slots.acquire()
                committed = await asyncio.to_thread(
                    self._ledger.commit, batch, tasks[batch.member_id], sender.delivery, replay=entered.replay
                )
                self._counts.add(committed.counts)
                self._by_format[entered.formats[batch.member_id]] += committed.counts.records
                group.create_task(self._send(committed, slots))
                position = batch.position
                if batch.last:
                    done += entered.sizes[batch.member_id]
                    members += 1
                    position = 0
                self.report(Progress("read", self._counts, done + position, total, members, len(tasks)))

    async def _send(self, committed: Committed, slots: asyncio.Semaphore) -> None:
        try:
            refused = await self._deliver(committed.changes)
            if committed.pending is not None:
                correction = await asyncio.to_thread(self._ledger.confirm, committed.pending, refused)
                self._counts.add(correction)
        finally:
            slots.release()

    async def _deliver(self, changes: Sequence[Changed]) -> list[tuple[Changed, str]]:
        """Sends changes to the engine; returns what it refused."""
        if not changes:
            return []
        by_key = {(change.id, change.seq): change for change in changes}
        vectors = await self.vectors.of_records(
            [change.title for change in changes], [change.text if change.body is not None else "" for change in changes]
        )
        name = self.vectors.embedder.name
        clusters = await asyncio.to_thread(clusters_of, self.database, [change.id for change in changes])
        pictures = await asyncio.to_thread(pictures_of, self.database, changes)
        failures = await self._writer.write(
            Change(
                change.id,
                change.right,
                change.seq,
                document_of(change, vector, name, clusters.get(change.id), pictures),
            )
            for change, vector in zip(changes, vectors, strict=True)
        )
        return [(by_key[failure.change.id, failure.change.seq], failure.reason) for failure in failures]

    async def resend(self, *, delivery: int | None = None, abandoned: bool = False) -> int:
        """Sends what was committed and may not have reached the engine. Returns the number of records sent.

        `abandoned`: of every delivery that nobody is loading; otherwise of the one given.
        """
        batches = await asyncio.to_thread(
            self._ledger.abandoned if abandoned else lambda: self._ledger.unsent(delivery)
        )
        sent = 0
        for pending, _, first, last in batches:
            refused: list[tuple[Changed, str]] = []
            for changes in stored_changes(self.database, first, last):
                refused += await self._deliver(changes)
                sent += len(changes)
            correction = await asyncio.to_thread(self._ledger.confirm, pending, refused)
            if delivery is not None:
                self._counts.add(correction)
        return sent


async def _stream(source: Generator[T, None, None]) -> AsyncGenerator[T, None]:
    """Items of a blocking generator, fetched in a thread one ahead of their use."""
    end = object()
    ahead = asyncio.ensure_future(asyncio.to_thread(next, source, end))
    try:
        while (item := await ahead) is not end:
            ahead = asyncio.ensure_future(asyncio.to_thread(next, source, end))
            yield item  # type: ignore[misc]
    finally:
        if not ahead.done():
            await asyncio.wait([ahead])
        source.close()


def delivered_size(path: Path) -> int:
    """Bytes of a file or folder as delivered."""
    if path.is_dir():
        return sum(entry.stat().st_size for entry in path.rglob("*") if entry.is_file())
    return path.stat().st_size
