"""`concord reindex`: rebuilds indices from stored records while everything goes on."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.load import AsJson, output, write_line
from cli.session import Platform, errors, platform
from common.errors import UsageError
from indexer.engine import Engine
from indexer.reindex import Reindexed, reindex
from indexer.vectors import Vectors
from mappings import RIGHTS


def register(app: typer.Typer) -> None:
    app.command("reindex")(rebuild)


def rebuild(
    right: Annotated[list[str] | None, typer.Option(help=f"Only this right: {', '.join(RIGHTS)}.")] = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild indices from stored records, after a change of embedder, mappings or analysis; search goes on."""
    for name in right or ():
        if name not in RIGHTS:
            raise UsageError(f"There is no right {name!r}.", remedy=f"Choose from {', '.join(RIGHTS)}.")
    with platform() as running:
        rebuilt = asyncio.run(_rebuild(running, tuple(right or RIGHTS)))
    for entry in rebuilt:
        if as_json:
            write_line(
                {
                    "right": entry.right,
                    "index": entry.index,
                    "records": entry.records,
                    "caught_up": entry.caught_up,
                }
            )
        else:
            output.print(f"{entry.right}: {entry.records:,} records in {entry.index}.")


async def _rebuild(running: Platform, rights: tuple[str, ...]) -> list[Reindexed]:
    settings = running.settings
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    rebuilt = []
    with Vectors(running.database, settings.embedder) as vectors, Progress(*columns, console=errors) as bar:
        async with Engine(running.opensearch_url, settings.index_prefix) as engine:
            for right in rights:
                task = bar.add_task(right, total=None)

                def report(done: int, total: int, task: object = task) -> None:
                    bar.update(task, completed=done, total=max(total, done))  # type: ignore[arg-type]

                rebuilt.append(await reindex(running.database, engine, vectors, right, report))
    return rebuilt
