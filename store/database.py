"""Connections to PostgreSQL: sessions (sync and async), migrations, LISTEN/NOTIFY."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy import text as sql_text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import NullPool

from common.errors import EngineUnavailable

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
    """One PostgreSQL database. Sync sessions for ingest, async ones for the API; pools open on first use."""

    def __init__(self, url: str | URL, *, pool_size: int = 5) -> None:
        self.url = normalise(url)
        self._pool_size = pool_size
        self._engine: Engine | None = None
        self._async_engine: AsyncEngine | None = None

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
        return self._engine

    @property
    def async_engine(self) -> AsyncEngine:
        if self._async_engine is None:
            self._async_engine = create_async_engine(
                self.url, pool_size=self._pool_size, max_overflow=10, pool_pre_ping=True
            )
        return self._async_engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction: committed at the end of the block, rolled back when it raises."""
        with sessionmaker(self.engine, expire_on_commit=False).begin() as session:
            yield session

    @asynccontextmanager
    async def async_session(self) -> AsyncIterator[AsyncSession]:
        """The same for the API."""
        async with async_sessionmaker(self.async_engine, expire_on_commit=False).begin() as session:
            yield session

    @contextmanager
    def driver(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """A transaction on the pool's driver connection, for COPY and arrays: committed at the end of the block."""
        with self.engine.begin() as connection:
            yield cast(psycopg.Connection[tuple[Any, ...]], connection.connection.driver_connection)

    def connect(self, *, autocommit: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
        """A driver connection outside the pool: for COPY and for session-wide advisory locks."""
        try:
            return psycopg.connect(plain(self.url), autocommit=autocommit)
        except psycopg.OperationalError as error:
            raise EngineUnavailable(
                f"PostgreSQL does not answer: {str(error).strip()}",
                remedy="Start it, or correct CONCORD_DATABASE_URL.",
            ) from error

    def notify(self, channel: str, payload: str = "") -> None:
        """Tells everyone who listens on `channel`; payload up to 8000 bytes."""
        with self.engine.begin() as connection:
            connection.execute(
                sql_text("select pg_notify(:channel, :payload)"), {"channel": channel, "payload": payload}
            )

    async def listen(self, channels: Sequence[str], *, ready: bool = False) -> AsyncIterator[tuple[str, str]]:
        """(channel, payload) of every notification on `channels`, until the caller stops; holds one connection.

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
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    async def aclose(self) -> None:
        if self._async_engine is not None:
            await self._async_engine.dispose()
            self._async_engine = None
        self.close()


def migrate(url: str | URL) -> None:
    """Brings the database to the newest revision; safe when several processes do it at once."""
    engine = create_engine(normalise(url), poolclass=NullPool)
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
    except OperationalError as error:
        raise EngineUnavailable(
            f"PostgreSQL does not answer: {str(error.orig).strip()}",
            remedy="Start it, or correct CONCORD_DATABASE_URL.",
        ) from error
    finally:
        engine.dispose()


def alembic_config(connection: Connection) -> Config:
    """Alembic on a connection that the caller owns; no ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
