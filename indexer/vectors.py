"""Vectors for texts: from memory, from PostgreSQL, or made in a worker process, in this order."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from threading import Thread
from types import TracebackType
from typing import Self

from indexer.embedding import Embedder, Matrix, embedder, pack, text_hash, unpack, vector_of, workers
from store.database import Database

KEPT = 20_000
"""Vectors held in memory: 40 MB at 512 dimensions. Stages and corrections of one publication often share their text."""


class Vectors:
    """Cache and workers of one embedder. Use as a context manager.

    `processes` 0 embeds in a thread: for small loads, where starting a process and loading the model twice costs more.
    """

    def __init__(self, database: Database, name: str, *, processes: int | None = None) -> None:
        self._database = database
        self._processes = workers() if processes is None else processes
        self._recent: OrderedDict[bytes, bytes] = OrderedDict()
        self._executor: Executor | None = None
        self.name = name
        self.made = 0
        """Texts embedded, not found in a cache."""

    @property
    def embedder(self) -> Embedder:
        """The embedder in this process (for its name and dimension)."""
        return embedder(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None

    async def of(self, texts: Sequence[str]) -> list[Matrix | None]:
        """A unit vector for each text; None for an empty one."""
        keys = [text_hash(text) if text else None for text in texts]
        wanted = {key: text for key, text in zip(keys, texts, strict=True) if key is not None}
        found = {key: self._recent[key] for key in wanted if key in self._recent}
        missing = [key for key in wanted if key not in found]
        if missing:
            stored = await asyncio.to_thread(self._load, missing)
            found.update(stored)
            new = [key for key in missing if key not in stored]
            if new:
                made = await self._make([wanted[key] for key in new])
                fresh = dict(zip(new, made, strict=True))
                await asyncio.to_thread(self.keep, fresh)
                found.update(fresh)
                self.made += len(fresh)
        for key, vector in found.items():
            self._recent[key] = vector
            self._recent.move_to_end(key)
        while len(self._recent) > KEPT:
            self._recent.popitem(last=False)
        return [None if key is None else unpack(found[key]) for key in keys]

    async def of_records(self, titles: Sequence[str], texts: Sequence[str]) -> list[Matrix | None]:
        """The vector of each record, of its `title_of` and its `text_of`."""
        found = await self.of([*titles, *texts])
        return [vector_of(title, text) for title, text in zip(found[: len(titles)], found[len(titles) :], strict=True)]

    async def _make(self, texts: list[str]) -> list[bytes]:
        if self._executor is None:
            self._executor = (
                ProcessPoolExecutor(self._processes, multiprocessing.get_context("spawn"), end_with_parent)
                if self._processes
                else ThreadPoolExecutor(1)
            )
        loop = asyncio.get_running_loop()
        size = max(16, -(-len(texts) // max(1, self._processes)))
        parts = [texts[start : start + size] for start in range(0, len(texts), size)]
        made = await asyncio.gather(*(loop.run_in_executor(self._executor, embed, self.name, part) for part in parts))
        return [vector for part in made for vector in part]

    def _load(self, keys: list[bytes]) -> dict[bytes, bytes]:
        with self._database.driver() as connection:
            rows = connection.execute(
                "select text_hash, vector from embeddings where embedder = %s and text_hash = any(%s)",
                (self.name, keys),
                binary=True,
            )
            return dict(rows.fetchall())

    def keep(self, vectors: dict[bytes, bytes]) -> None:
        """Stores vectors (`pack`) under the hashes of their texts."""
        with self._database.driver() as connection:
            connection.execute(
                "insert into embeddings (embedder, text_hash, vector) "
                "select %s, * from unnest(%s::bytea[], %s::bytea[]) on conflict do nothing",
                (self.name, list(vectors), list(vectors.values())),
            )


def end_with_parent() -> None:
    """In a worker: a parent that was killed cannot end its workers, and they would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        Thread(target=watch, daemon=True).start()


def embed(name: str, texts: list[str]) -> list[bytes]:
    """The vectors of texts, packed. Runs in a worker."""
    model = embedder(name)
    vectors: list[bytes] = []
    for start in range(0, len(texts), model.batch):
        vectors.extend(pack(row) for row in model.embed(texts[start : start + model.batch]))
    return vectors
