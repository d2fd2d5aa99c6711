"""The version of rights as it is now, read once for everybody who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import psycopg

from common.errors import ConfigurationError, EngineUnavailable
from common.messages import say
from store.database import Database, plain

STATEMENT = "select version from access_version where id = 1"


class VersionReader:
    """Reads over one connection of its own. Belongs to the event loop in which it is first used."""

    def __init__(self, database: Database, calls: Callable[[str], AbstractContextManager[None]] | None = None) -> None:
        """`calls(operation)` is entered around every statement, to time and count it."""
        self._calls = calls or nullcontext
        self._url = plain(database.url)
        self._connection: psycopg.AsyncConnection[tuple[int]] | None = None
        self._waiting: asyncio.Future[int] | None = None
        self._reading: asyncio.Task[None] | None = None
        self.last: int | None = None
        """What was read last. For who looks again before anything leaves."""

    async def read(self) -> int:
        """The version at some moment after this was called. Raises EngineUnavailable without a database."""
        # A read that is under way may have begun before: whoever comes now shares the next one.
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
        waiting = self._waiting
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._serve())
        return await asyncio.shield(waiting)

    async def close(self) -> None:
        if self._reading is not None:
            await self._reading
        if self._connection is not None:
            await self._connection.close()

    async def _serve(self) -> None:
        while self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            try:
                version = await self._read()
            except Exception as error:
                waiting.set_exception(error)
                waiting.exception()  # whoever asked may have gone
            else:
                self.last = version
                waiting.set_result(version)

    async def _read(self) -> int:
        kept = self._connection is not None
        try:
            return await self._ask()
        except psycopg.OperationalError as error:
            # A connection that was kept may have been closed from the other end; a new one has no such excuse.
            if not kept:
                raise EngineUnavailable(say("engines.database-away")) from error
        return await self._read()

    async def _ask(self) -> int:
        try:
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, prepare_threshold=0
                )
            with self._calls("select"):
                cursor = await self._connection.execute(STATEMENT, binary=True)
                row = await cursor.fetchone()
        except psycopg.OperationalError:
            if self._connection is not None:
                await self._connection.close()
                self._connection = None
            raise
        if row is None:
            raise ConfigurationError("The database has no access version.", remedy="Run the migrations: concord up.")
        return row[0]
