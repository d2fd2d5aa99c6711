"""Bulk writing with bounded memory: so many requests in flight, sized by bytes, slower when the engine says so.

Every document carries its change sequence as external version, so a change that arrives twice or late does no harm: the
engine keeps the highest. What the engine refuses for good comes back as a Failure; nothing is dropped.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

import mappings
from common.errors import EngineError, EngineUnavailable
from common.messages import say
from indexer.engine import Engine, ItemResult, Overloaded

MIB = 1 << 20
LARGEST_DOCUMENT = 90 * MIB
"""The engine takes requests of at most 100 MiB (http.max_content_length)."""
LARGEST_REQUEST = 8 * MIB
SMALLEST_REQUEST = MIB // 4
FIRST_REQUEST = 4 * MIB

CONFLICT, NOT_FOUND = 409, 404
BUSY = frozenset({429, 502, 503, 504})
SHAKEN = 500
"""What an engine answers that lost a shard or its disk on the way, and what it answers to a document that breaks it."""
SHAKEN_TRIES = 5
"""Times after which the document is taken to be at fault, not the engine."""


@dataclass(frozen=True, slots=True)
class Change:
    """One record to write, or to delete where `document` is None."""

    id: str
    right: str
    seq: int
    document: bytes | None

    @property
    def size(self) -> int:
        return len(self.document or b"") + len(self.id) + 128


@dataclass(frozen=True, slots=True)
class Failure:
    """A change that the engine will never take, and its reason."""

    change: Change
    reason: str


@asynccontextmanager
async def plain_errors() -> AsyncIterator[None]:
    """Around a task group: raises the first error itself, not the group around it."""
    try:
        yield
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from group


class Writer:
    """Writes through the aliases (or, for a reindex, into `indices`: right → index name).

    `patience_s`: how long an engine that is busy or away is tried again before EngineUnavailable is raised.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        in_flight: int = 2,
        patience_s: float = 300,
        indices: dict[str, str] | None = None,
    ) -> None:
        self._engine = engine
        self._slots = asyncio.Semaphore(in_flight)
        self._patience_s = patience_s
        self._indices = indices
        self._request_bytes = FIRST_REQUEST
        self.retries = 0
        """How often something was sent again."""

    async def write(self, changes: Iterable[Change]) -> list[Failure]:
        """Writes all changes; returns those refused for good. Raises EngineUnavailable when patience ends."""
        failures: list[Failure] = []
        fitting: list[Change] = []
        for change in changes:
            if change.size > LARGEST_DOCUMENT:
                failures.append(Failure(change, f"document of {change.size // MIB} MiB: the engine takes at most 90"))
            else:
                fitting.append(change)
        async with plain_errors(), asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._write_part(part)) for part in self._parts(fitting)]
        for task in tasks:
            failures.extend(task.result())
        return failures

    def _parts(self, changes: Sequence[Change]) -> Iterator[list[Change]]:
        part: list[Change] = []
        size = 0
        for change in changes:
            if part and size + change.size > self._request_bytes:
                yield part
                part, size = [], 0
            part.append(change)
            size += change.size
        if part:
            yield part

    async def _write_part(self, changes: list[Change]) -> list[Failure]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_s
        failures: list[Failure] = []
        pause_s = 0.25
        for tries in itertools.count(1):
            async with self._slots:
                busy, refused, problem = await self._send(changes, patient=tries < SHAKEN_TRIES)
            failures.extend(refused)
            if not busy:
                self._request_bytes = min(LARGEST_REQUEST, self._request_bytes + MIB // 2)
                break
            if loop.time() > deadline:
                waited = round(self._patience_s)
                raise EngineUnavailable(
                    say("engines.changes-not-taken", changes=len(busy), seconds=waited, problem=problem)
                )
            self.retries += 1
            self._request_bytes = max(SMALLEST_REQUEST, self._request_bytes // 2)
            # full jitter: several loaders that were turned away together must not come back together
            await asyncio.sleep(random.uniform(0, pause_s))  # noqa: S311
            pause_s = min(pause_s * 2, 10)
            changes = busy
        return failures

    async def _send(self, changes: list[Change], *, patient: bool) -> tuple[list[Change], list[Failure], str]:
        """(to be sent again, refused for good, why the former). `patient`: whether to try again after SHAKEN."""
        try:
            results = await self._engine.bulk(b"".join(self._lines(changes)), require_alias=self._indices is None)
        except (Overloaded, EngineUnavailable) as error:
            return changes, [], str(error)
        if results is None:
            return [], [], ""
        busy: list[Change] = []
        refused: list[Failure] = []
        problem = ""
        for change, result in zip(changes, results, strict=True):
            if result.status in BUSY or result.blocked or (result.status == SHAKEN and patient):
                busy.append(change)
                problem = result.error or problem
            elif result.status == NOT_FOUND and result.error is not None:
                await self._check_index(change.right, result.error)
                busy.append(change)  # the alias moved to another index while the request was on its way
                problem = result.error
            elif not done(result):
                refused.append(Failure(change, result.error or f"status {result.status}"))
        return busy, refused, problem

    async def _check_index(self, right: str, problem: str) -> None:
        """Raises EngineError where there is nothing to write to."""
        if self._indices is not None or await self._engine.current(right) is None:
            raise EngineError(say("engines.no-index", right=right, fault=problem))

    def _lines(self, changes: Iterable[Change]) -> Iterator[bytes]:
        for change in changes:
            action = b"delete" if change.document is None else b"index"
            yield b'{"%s":{"_index":%s,"_id":%s,"version":%d,"version_type":"external_gte"}}\n' % (
                action,
                orjson.dumps(self._target(change.right)),
                orjson.dumps(change.id),
                change.seq,
            )
            if change.document is not None:
                yield change.document
                yield b"\n"

    def _target(self, right: str) -> str:
        if self._indices is not None:
            return self._indices[right]
        return mappings.alias(self._engine.prefix, right)


def done(result: ItemResult) -> bool:
    """Whether the index now says what the change says (a deletion of nothing included), or something newer."""
    return result.status < 300 or result.status == CONFLICT or (result.status == NOT_FOUND and result.error is None)
