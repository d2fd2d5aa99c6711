"""Migrations make exactly the tables that the code declares, once, however many processes start at once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import psycopg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from store.database import Database, away, migrate
from store.ingest import SEQUENCE_LOCK
from store.tables import metadata


def ours(thing: object, name: str, kind: str, reflected: bool, other: object) -> bool:
    """Every table but the queue's, which are the library's own."""
    return not (kind == "table" and name.startswith("procrastinate_"))


def test_the_queue_is_of_the_version_that_is_installed(database_url: str) -> None:
    """Another version of the library may want other tables: then a revision must bring them."""
    migrate(database_url)
    database = Database(database_url)
    with database.engine.connect() as connection:
        said = connection.scalar(text("select obj_description('procrastinate_jobs'::regclass)"))
    assert said == f"procrastinate {version('procrastinate')}" == "procrastinate 3.10.0"
    database.close()


def test_migrated_tables_are_the_declared_ones(database_url: str) -> None:
    migrate(database_url)
    database = Database(database_url)
    with database.engine.connect() as connection:
        opts = {"compare_type": True, "include_object": ours}
        assert compare_metadata(MigrationContext.configure(connection, opts=opts), metadata) == []
    database.close()


def test_processes_that_start_at_once_migrate_once(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, [database_url] * 4))
    migrate(database_url)


async def test_a_listener_hears_what_is_notified(database_url: str) -> None:
    database = Database(database_url)
    heard = database.listen(["concord_test"])
    waiting = asyncio.ensure_future(anext(heard))
    while not waiting.done():
        await asyncio.to_thread(database.notify, "concord_test", "one")
        await asyncio.wait([waiting], timeout=0.2)
    assert waiting.result() == ("concord_test", "one")
    await heard.aclose()
    database.close()


def test_change_numbers_become_visible_in_their_order(database_url: str) -> None:
    """The second writer gets its number only after the first has committed."""
    migrate(database_url)
    database = Database(database_url)
    with database.connect() as first, database.connect() as second:
        first.execute("select pg_advisory_xact_lock(%s)", (SEQUENCE_LOCK,))
        row = second.execute("select pg_try_advisory_xact_lock(%s)", (SEQUENCE_LOCK,)).fetchone()
        assert row == (False,)
        first.commit()
        row = second.execute("select pg_try_advisory_xact_lock(%s)", (SEQUENCE_LOCK,)).fetchone()
        assert row == (True,)
    database.close()


def test_connections_that_broke_while_nobody_used_them_are_replaced_unseen(database_url: str) -> None:
    """As after a restart of the server: pools hold connections to the one before."""
    database = Database(database_url)
    with database.driver() as one, database.driver() as two:
        broken = [one.info.backend_pid, two.info.backend_pid]
    with database.connect(autocommit=True) as other:
        other.execute("select pg_terminate_backend(pid, 5000) from unnest(%s::int[]) pid", (broken,))
    with database.driver() as one, database.driver() as two:
        assert {one.info.backend_pid, two.info.backend_pid}.isdisjoint(broken)
        assert one.execute("select 1").fetchone() == two.execute("select 1").fetchone() == (1,)
    database.close()


def test_a_server_without_room_is_told_from_one_that_is_away() -> None:
    full = away(psycopg.OperationalError("FATAL:  sorry, too many clients already"))
    gone = away(psycopg.OperationalError("connection refused"))
    assert full is not None
    assert gone is not None
    assert "no room" in full.message
    assert "does not answer" in gone.message
    assert away(psycopg.errors.DeadlockDetected("deadlock")) is None
