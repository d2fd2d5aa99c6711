"""`concord prepare`, `backup`, `restore`: what an operator does before and after."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.session import Platform, errors, platform
from compose.embedded.postgres import binaries
from indexer import backup as backups
from indexer.archive import Archive
from indexer.binding import bind
from indexer.embedding import embedder
from indexer.engine import Completed, Engine, wait_until_ready
from indexer.reindex import reindex
from indexer.vectors import Vectors
from mappings import RIGHTS

output = Console(highlight=False)


def register(app: typer.Typer) -> None:
    app.command()(prepare)
    app.command()(backup)
    app.command()(restore)


def prepare() -> None:
    """Bring the database up to date, make templates and indices, add new fields to indices that lack them, try the
    archive. Says what needs a reindex."""
    with platform() as running:
        Archive(running.settings.archive_location).check()
        completed = asyncio.run(_indices(running))
    for one in completed:
        if one.added:
            output.print(f"{one.index}: new fields {', '.join(one.added)}.", soft_wrap=True)
        for path, why in one.refused.items():
            output.print(f"{one.index} cannot get {path} as it is: {why}", soft_wrap=True)
        output.print(f"Records that it holds get them by `concord reindex --right {one.right}`.", soft_wrap=True)
    output.print("Database, indices and archive are ready.")


async def _indices(running: Platform) -> list[Completed]:
    async with Engine(running.opensearch_url, running.settings.index_prefix) as engine:
        await wait_until_ready(engine, timeout_s=300)
        return await engine.prepare(await bind(engine, embedder(running.settings.embedder)))


def backup(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.", metavar="DIR")],
) -> None:
    """Write database, archive and secret key to a folder, with a digest of each file. The platform may run on."""
    with platform() as running:
        made = backups.write(
            folder, running.database, running.settings.archive_location, running.settings.home, binaries()
        )
    output.print(f"{made.records:,} records, {len(made.files):,} files, {made.size:,} bytes in {folder}.")
    output.print("It holds everything the platform holds, personal data and the secret key too: keep it as safe.")


def restore(
    folder: Annotated[Path, typer.Argument(help="What `concord backup` wrote.", metavar="DIR", exists=True)],
) -> None:
    """Check a backup, bring it into an empty platform, and rebuild every index from the stored records."""
    with platform() as running:
        found = backups.check(folder)
        errors.print(f"Backup of {found.made}: {len(found.files):,} files, every digest right.")
        backups.bring_back(
            folder, found, running.database, running.settings.archive_location, running.settings.home, binaries()
        )
        counts = asyncio.run(_rebuild(running))
    output.print(f"{found.records:,} records restored; {sum(counts.values()):,} searchable.")


async def _rebuild(running: Platform) -> dict[str, int]:
    counts = {}
    with Vectors(running.database, running.settings.embedder) as vectors:
        async with Engine(running.opensearch_url, running.settings.index_prefix) as engine:
            for right in RIGHTS:
                counts[right] = (await reindex(running.database, engine, vectors, right)).records
    return counts
