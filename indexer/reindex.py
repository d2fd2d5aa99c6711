"""Rebuilding the index of a right from stored records: no downtime, nothing lost, no swap after any failure.

The new index is filled in the order of the change sequence, first in bulk, then with what changed meanwhile until
nothing is left; then the alias moves in one step; then once more, for changes that were committed before the step and
written to the old index. PostgreSQL holds every change before the engine gets it, and numbers become visible in their
order, so what is read up to N after the swap is all there is up to N. The old index goes last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import mappings
from common.errors import ConcordError, Conflict, EngineError
from indexer.binding import bind
from indexer.duplicates.arrivals import clock, mark_changed, publish
from indexer.engine import Engine
from indexer.stored import clusters_of, document_of, pictures_of, stored_changes
from indexer.vectors import Vectors
from indexer.writer import Change, Failure, Writer
from mappings.sizes import Size, size_for
from store.database import Database

REINDEX_LOCK = 0x434F4E52
"""First half of the two-part advisory lock; the second is the position of the right in mappings.RIGHTS."""
BUILDING = {"refresh_interval": "-1"}
"""Nobody searches an index that is being built: no refresh, and so no small segments."""


@dataclass(frozen=True, slots=True)
class Reindexed:
    right: str
    index: str
    records: int
    """Records now in the index."""
    caught_up: int
    """Changes that came while it was built."""


async def reindex(
    database: Database,
    engine: Engine,
    vectors: Vectors,
    right: str,
    report: Callable[[int, int], None] = lambda done, total: None,
    *,
    keep_old: bool = False,
) -> Reindexed:
    """Rebuilds the index of `right` with the vectors' embedder and today's mappings, cut for what is held now.

    `report` gets (records sent, records held). Raises EngineError naming the first refused record, or whatever else
    went wrong; the alias then still points where it did, and the half-built index is gone. Conflict when a rebuild is
    running already.
    """
    with alone(database, right):
        bound = await bind(engine, vectors.embedder)
        await engine.install(bound)
        versions = await engine.versions(right)
        numbers = [mappings.version_of(engine.prefix, right, name) or 0 for name in versions]
        index = mappings.index_name(engine.prefix, right, max(numbers, default=0) + 1)
        records = await asyncio.to_thread(held, database, right)
        size = size_for(right, records, native=bound.native)
        body = mappings.body(right, bound, size)
        await engine.create(index, {**body, "settings": {"index": {**size.settings, **BUILDING}}})
        try:
            records, caught_up = await _fill(database, engine, vectors, size, index, report)
        except BaseException:
            with suppress(ConcordError):
                await asyncio.shield(engine.drop(index))
            raise
        if not keep_old:
            for name in versions:
                await engine.drop(name)
        return Reindexed(right, index, records, caught_up)


async def _fill(
    database: Database, engine: Engine, vectors: Vectors, size: Size, index: str, report: Callable[[int, int], None]
) -> tuple[int, int]:
    right = size.right
    copy = _Copy(database, vectors, Writer(engine, indices={right: index}), right)
    begun = await asyncio.to_thread(clock, database)
    total = await asyncio.to_thread(held, database, right)
    await copy.up_to_now(lambda sent: report(sent, total))
    first = copy.sent
    while await copy.up_to_now():
        pass
    await engine.set_settings(index, {"refresh_interval": size.settings["refresh_interval"]})
    await engine.refresh([index])
    expected, found = await asyncio.to_thread(held, database, right, copy.at), await engine.count(index)
    if found < expected - len(copy.refused):
        raise EngineError(
            f"The new index {index} has {found} records, but {expected} are held.",
            remedy="The old index stays in use. Run the command again; if it repeats, report it.",
        )
    await engine.swap(right, index)
    while await copy.up_to_now():
        pass
    await asyncio.to_thread(mark_changed, database, right, begun)
    await publish(database, engine, vectors)
    await engine.refresh([index])
    await asyncio.to_thread(copy.clear_marks)
    return await engine.count(index), copy.sent - first


@dataclass(slots=True)
class _Copy:
    """Sends the changes of one right in their order."""

    database: Database
    vectors: Vectors
    writer: Writer
    right: str
    at: int = 0
    """Everything up to this change is in."""
    sent: int = 0
    refused: set[str] = field(default_factory=set)
    """Records that the old index refuses too: they stay marked."""

    async def up_to_now(self, report: Callable[[int], None] = lambda sent: None) -> int:
        """Sends what is new since the last call; returns how much that was."""
        last = await asyncio.to_thread(newest, self.database)
        count = 0
        if last <= self.at:
            return 0
        source = stored_changes(self.database, self.at + 1, last, right=self.right)
        while (changes := await asyncio.to_thread(next, source, None)) is not None:
            texts = [change.text if change.body is not None else "" for change in changes]
            found = await self.vectors.of_records([change.title for change in changes], texts)
            name = self.vectors.embedder.name
            clusters = await asyncio.to_thread(clusters_of, self.database, [change.id for change in changes])
            pictures = await asyncio.to_thread(pictures_of, self.database, changes)
            failures = await self.writer.write(
                Change(
                    change.id,
                    change.right,
                    change.seq,
                    document_of(change, vector, name, clusters.get(change.id), pictures),
                )
                for change, vector in zip(changes, found, strict=True)
            )
            await asyncio.to_thread(self._check, failures)
            count += len(changes)
            self.sent += len(changes)
            report(self.sent)
        self.at = last
        return count

    def _check(self, failures: list[Failure]) -> None:
        if not failures:
            return
        with self.database.driver() as connection:
            known = {
                row[0]
                for row in connection.execute(
                    "select id from records where id = any(%s) and index_error is not null",
                    ([failure.change.id for failure in failures],),
                )
            }
        new = [failure for failure in failures if failure.change.id not in known]
        self.refused |= known
        if new:
            raise EngineError(
                f"The new index refuses record {new[0].change.id}: {new[0].reason} ({len(new)} in its batch).",
                remedy="The old index stays in use. Correct mappings/ or the record, then run the command again.",
            )

    def clear_marks(self) -> None:
        """What the old index refused and the new one took is searchable now."""
        with self.database.driver() as connection:
            connection.execute(
                'update records set index_error = null where "right" = %s '
                "and index_error is not null and id <> all(%s)",
                (self.right, list(self.refused)),
            )


def newest(database: Database) -> int:
    """The highest change sequence that is visible."""
    with database.driver() as connection:
        row = connection.execute("select coalesce(max(seq), 0) from records").fetchone()
    return int(row[0]) if row else 0


def held(database: Database, right: str, up_to: int | None = None) -> int:
    """Records of a right that are not deleted, as they stood at a change."""
    with database.driver() as connection:
        row = connection.execute(
            'select count(*) from records where "right" = %s and not deleted and (%s::bigint is null or seq <= %s)',
            (right, up_to, up_to),
        ).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def alone(database: Database, right: str) -> Iterator[None]:
    """One rebuild of a right at a time; a killed one lets go. Raises Conflict."""
    with database.connect(autocommit=True) as connection:
        row = connection.execute(
            "select pg_try_advisory_lock(%s, %s)", (REINDEX_LOCK, mappings.RIGHTS.index(right))
        ).fetchone()
        if not row or not row[0]:
            raise Conflict(f"The index of {right} records is being rebuilt already.", remedy="Wait until it has ended.")
        yield


async def outdated(engine: Engine, vectors: Vectors, right: str) -> list[str]:
    """How the index of a right was built otherwise than it would be today: names of `_meta` entries."""
    index = await engine.current(right)
    if index is None:
        return []
    there = await engine.meta(index)
    wanted = mappings.meta(right, await bind(engine, vectors.embedder))
    return sorted(key for key, value in wanted.items() if there.get(key) != value)
