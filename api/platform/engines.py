"""What those who run the platform want to know of its engines: their state, what fills them, and what waits."""

from __future__ import annotations

import asyncio
import platform
from importlib.metadata import version
from typing import Any

from sqlalchemy import Connection, text

from api.dependencies import Services
from api.jobs.kinds import KINDS
from api.observe import Held
from common.errors import EngineError

LARGEST_TABLES = 8

SIZES = """
    select current_setting('server_version') as version, pg_database_size(current_database()) as size,
           current_setting('max_connections')::int as most_connections,
           count(*) as connections, count(*) filter (where state = 'active') as active,
           coalesce(max(extract(epoch from now() - xact_start)) filter (where xact_start is not null), 0)
               as oldest_transaction
    from pg_stat_activity where datname = current_database()
"""
TABLES = """
    select relname as name, pg_total_relation_size(oid) as size, greatest(reltuples, 0)::bigint as rows
    from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
    order by size desc, name limit :most
"""
"""Rows are the planner's estimate: counting them reads the table."""


async def read(services: Services) -> dict[str, Any]:
    """All of it. An engine that does not answer is null, with `error` saying why: that is when this is read."""
    search, store = await asyncio.gather(_search(services), asyncio.to_thread(_store, services))
    return {
        "search": search,
        "store": store,
        "versions": {
            "ip-concord": version("ip-concord"),
            "python": platform.python_version(),
            "opensearch": search["version"] if search else None,
            "postgresql": store["version"] if store else None,
        },
        "embedder": services.settings.embedder,
        "archive": services.settings.archive_location.partition("://")[0] if "://" in services.settings.archive_location
        else "file",
    }  # fmt: skip


async def _search(services: Services) -> dict[str, Any] | None:
    try:
        return await services.engine.inside()
    except EngineError:
        return None


def _store(services: Services) -> dict[str, Any] | None:
    try:
        with services.reading.connect() as connection:
            found = dict(connection.execute(text(SIZES)).mappings().one())
            tables = connection.execute(text(TABLES), {"most": LARGEST_TABLES}).mappings()
            return {
                **found,
                "oldest_transaction": round(float(found["oldest_transaction"]), 1),
                "tables": [dict(row) for row in tables],
                "queue": queue(connection),
            }
    except Exception:
        return None


def queue(connection: Connection) -> dict[str, Any]:
    """What waits: jobs by kind and state, messages of webhooks, batches that are stored and not yet searchable; with
    the seconds since the oldest came."""
    jobs = [
        {"queue": KINDS[kind].queue if kind in KINDS else None, "kind": kind, "state": state, "number": number,
         "oldest": round(float(age), 1)}
        for kind, state, number, age in connection.execute(text(Held.JOBS))
    ]  # fmt: skip
    messages = [
        {"kind": kind, "state": state, "number": number, "oldest": round(float(age), 1)}
        for kind, state, number, age in connection.execute(text(Held.MESSAGES))
    ]
    pending, oldest = connection.execute(text(Held.PENDING)).one()
    waiting = [job for job in jobs if job["state"] == "queued"]
    return {
        "depth": sum(job["number"] for job in waiting),
        "oldest": max((job["oldest"] for job in waiting), default=0.0),
        "jobs": sorted(jobs, key=lambda job: (job["state"], job["kind"])),
        "messages": sorted(messages, key=lambda message: (message["state"], message["kind"])),
        "batches": {"number": pending, "oldest": round(float(oldest), 1)},
        "refused": connection.scalar(text(Held.REFUSED)) or 0,
    }
