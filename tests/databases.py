"""Databases for tests: each its own, empty or migrated, dropped afterwards."""

from __future__ import annotations

import atexit
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import LiteralString

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from store.database import migrate


@contextmanager
def new_database(server_url: str, *, migrated: bool = True) -> Iterator[str]:
    """Its address. A migrated one is a copy of one that was migrated once: all migrations take a second or two, and the
    copy a twentieth of that."""
    name = f"test_{secrets.token_hex(6)}"
    if migrated:
        _run(server_url, "create database {} template {}", name, _template(server_url))
    else:
        _run(server_url, "create database {}", name)
    try:
        yield _address(server_url, name)
    finally:
        _run(server_url, "drop database {} with (force)", name)


@lru_cache
def _template(server_url: str) -> str:
    """Name of the migrated, empty database of this process on that server."""
    name = f"test_template_{secrets.token_hex(6)}"
    _run(server_url, "create database {}", name)

    def drop() -> None:
        # A server that this run started has ended by then.
        with suppress(psycopg.OperationalError):
            _run(server_url, "drop database if exists {} with (force)", name)

    atexit.register(drop)
    migrate(_address(server_url, name))
    return name


def _address(server_url: str, name: str) -> str:
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def _run(server_url: str, statement: LiteralString, *names: str) -> None:
    admin = make_url(server_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
