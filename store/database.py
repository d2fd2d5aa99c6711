"""Connections to PostgreSQL: sessions (sync and async), migrations, LISTEN/NOTIFY."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy import text as sql_text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import NullPool

from common.errors import EngineUnavailable
from common.messages import say

MIGRATIONS = Path(__file__).with_name("migrations")
MIGRATION_LOCK = 0x434F4E43_00000000
"""Advisory lock: one process migrates, the others wait and find nothing left to do."""


def normalise(url: str | URL) -> URL:
    """The address with the psycopg 3 driver, whatever driver (or none) it named."""
    return make_url(url).set(drivername="postgresql+psycopg")


def plain(url: str | URL) -> str:
    """The address as libpq reads it, password included."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Database:
    """One PostgreSQL database. Its pool opens on first use."""

    def __init__(self, url: str | URL, *, pool_size: int = 5) -> None:
        self.url = normalise(url)
        self._pool_size = pool_size
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            self._engine = create_engine(
                # Parameters of a failed statement are somebody's data: they stay out of messages and logs.
                self.url,
                pool_size=self._pool_size,
                max_overflow=10,
                pool_pre_ping=True,
                hide_parameters=True,
            )
            event.listen(self._engine, "checkin", self._returned)
            event.listen(self._engine, "handle_error", _told, retval=True)
        return self._engine

    def _returned(self, connection: psycopg.Connection[Any] | None, record: object) -> None:
        """A thread that was still at work when this was closed brings its connection back to no pool."""
        if self._engine is None and connection is not None:  # None: it was broken
            connection.close()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction: committed at the end of the block, rolled back when it raises."""
        with sessionmaker(self.engine, expire_on_commit=False).begin() as session:
            yield session

    @contextmanager
    def driver(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """A transaction on the pool's driver connection, for COPY and arrays: committed at the end of the block."""
        with _reached(), self.engine.begin() as connection:
            yield cast(psycopg.Connection[tuple[Any, ...]], connection.connection.driver_connection)

    def connect(self, *, autocommit: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
        """A driver connection outside the pool: for COPY and for session-wide advisory locks."""
        with _reached():
            return psycopg.connect(plain(self.url), autocommit=autocommit)

    @asynccontextmanager
    async def alone(self, lock: int) -> AsyncIterator[None]:
        """One process at a time holds `lock`, an advisory lock's key; the others wait here. A killed one lets go."""
        with _reached():
            connection = await psycopg.AsyncConnection.connect(plain(self.url), autocommit=True)
        async with connection:
            await connection.execute("select pg_advisory_lock(%s)", (lock,))
            yield

    def notify(self, channel: str, payload: str = "") -> None:
        """Tells everyone who listens on `channel`; payload up to 8000 bytes."""
        with self.engine.begin() as connection:
            connection.execute(
                sql_text("select pg_notify(:channel, :payload)"), {"channel": channel, "payload": payload}
            )

    async def listen(self, channels: Sequence[str], *, ready: bool = False) -> AsyncGenerator[tuple[str, str], None]:
        """(channel, payload) of every notification on `channels`; holds one connection until the iterator is closed.

        `ready`: first an empty one, as soon as nothing is missed any more: for what came before.
        """
        connection = await psycopg.AsyncConnection.connect(plain(self.url), autocommit=True)
        async with connection:
            for channel in channels:
                await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
            if ready:
                yield "", ""
            async for notification in connection.notifies():
                yield notification.channel, notification.payload

    def migrate(self) -> None:
        migrate(self.url)

    def close(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()


AWAY = ("08", "57P")
"""SQLSTATE of an error by which a server goes away: connection exceptions and shutdowns."""
FULL = "53"
"""The same for one that has no room: disk, memory, connections."""


def away(error: BaseException) -> EngineUnavailable | None:
    """In plain words, where the error says that the server is away or full; None for any other."""
    if not isinstance(error, psycopg.OperationalError):
        return None
    said = " ".join(str(error).split())
    # A server that turns a connection away says why in words alone.
    full = error.sqlstate.startswith(FULL) if error.sqlstate else "too many clients" in said
    if not full and (error.sqlstate is None or error.sqlstate.startswith(AWAY)):
        return EngineUnavailable(say("engines.postgresql-away", fault=said))
    if full:
        return EngineUnavailable(say("engines.postgresql-full", fault=said))
    return None


def _told(context: ExceptionContext) -> BaseException | None:
    """For the pool. A connection that broke while nobody used it is not told of: another takes its place."""
    return None if context.is_pre_ping else away(context.original_exception)


@contextmanager
def _reached() -> Iterator[None]:
    """For what does not go through the pool's own statements."""
    try:
        yield
    except psycopg.OperationalError as error:
        problem = away(error)
        if problem is None:
            raise
        raise problem from error


def migrate(url: str | URL) -> None:
    """Brings the database to the newest revision; safe when several processes do it at once."""
    engine = create_engine(normalise(url), poolclass=NullPool)
    event.listen(engine, "handle_error", _told, retval=True)
    try:
        with engine.connect() as connection:
            connection.execute(sql_text("select pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
            try:
                command.upgrade(alembic_config(connection), "head")
            finally:
                connection.rollback()
                connection.execute(sql_text("select pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
                connection.commit()
    finally:
        engine.dispose()


def alembic_config(connection: Connection) -> Config:
    """Alembic on a connection that the caller owns; no ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
