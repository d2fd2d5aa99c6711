"""`concord doctor`: what stands, and what to do about what does not. One line a thing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator

import typer
from rich.console import Console

import analyzers
from cli.demo import SAMPLES
from cli.session import platform
from common.errors import ConcordError
from common.settings import load_settings
from compose.embedded import check
from compose.embedded.check import Check
from indexer.binding import bind
from indexer.embedding import embedder
from indexer.engine import Engine
from mappings import RIGHTS, Bound, meta
from mappings.sizes import Size, most_gb_a_shard, size_for
from store.database import Database

output = Console(highlight=False)


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor() -> None:
    """Check Python, JRE, engines, plugins, disk, versions, index and embedder: each line ok, or what to do."""
    settings = load_settings()
    lines = [*check.check(settings), samples()]
    if all(line.ok or line.name == "plugins" for line in lines):
        try:
            with platform() as running:
                lines += asyncio.run(indices(running.opensearch_url, settings.index_prefix, settings.embedder))
                lines += list(held(running.database))
        except ConcordError as error:
            lines.append(Check("engines", False, error.message, error.remedy))
    for line in lines:
        mark = "[green]ok[/] " if line.ok else "[bold red]see[/]"
        advice = "" if line.ok or not line.remedy else f"\n     → {line.remedy}"
        output.print(f"{mark} {line.name}: {line.detail}{advice}", soft_wrap=True)
    if not all(line.ok for line in lines):
        raise typer.Exit(1)


def samples() -> Check:
    there = (SAMPLES / "deliveries").is_dir()
    found = "samples/deliveries" if there else "samples/deliveries is not there"
    return Check("samples", there, found, "Run: python -m samples.make")


async def indices(url: str, prefix: str, wanted: str) -> list[Check]:
    """Embedder, analysis, and each index against what it would be built with today."""
    try:
        model = embedder(wanted)
    except ConcordError as error:
        return [Check("embedder", False, error.message, error.remedy)]
    async with Engine(url, prefix) as engine:
        bound = await bind(engine, model)
        available = analyzers.capabilities(await engine.plugins())
        lines = [Check("embedder", True, f"{model.name}, {model.dimension} dimensions"), *analysis(available)]
        for right in RIGHTS:
            index = await engine.current(right)
            if index is None:
                lines.append(Check(f"index {right}", True, "not made yet; the first load makes it"))
            else:
                count = await engine.count(index)
                lines.append(agreement(right, index, await engine.meta(index), bound, count))
                shards, held = await engine.shards(index), await engine.primary_bytes(index)
                lines.append(outgrown(right, shards, count, held / 1e9, size_for(right, count, native=bound.native)))
    return lines


def analysis(available: frozenset[str]) -> Iterator[Check]:
    """Whether every language has its full chain; one line a missing plugin."""
    lost: dict[str, list[str]] = defaultdict(list)
    for one in analyzers.degraded(available):
        lost[one.plugin].append(one.language or one.analyzer)
    if not lost:
        yield Check("analysis", True, f"{len(analyzers.languages())} languages, none on its fallback chain")
    for plugin, languages in sorted(lost.items()):
        yield Check(
            "analysis",
            False,
            f"without {plugin}, on their fallback chains: {', '.join(dict.fromkeys(languages))}",
            f"Install {plugin} on every node, then `concord reindex`.",
        )


def agreement(right: str, index: str, found: dict[str, object], bound: Bound, count: int) -> Check:
    today = meta(right, bound)
    differing = [name for name in today if found.get(name) != today[name]]
    if not differing:
        return Check(f"index {right}", True, f"{index}, {count:,} records, built as it would be today")
    said = ", ".join(f"{name} {found.get(name)} instead of {today[name]}" for name in differing)
    return Check(f"index {right}", False, f"{index} was built with {said}", f"Run `concord reindex --right {right}`.")


def outgrown(right: str, shards: int, records: int, gb: float, size: Size) -> Check:
    """Whether an index is cut for what it holds."""
    said = f"{shards} shards, {gb / shards:.1f} GB each"
    if shards >= size.shards and gb / shards <= most_gb_a_shard():
        return Check(f"size of {right}", True, said)
    if shards < size.shards:
        asked = f"{records:,} records ask for {size.shards} ({size.vectors} vectors)"
        return Check(f"size of {right}", False, f"{said}; {asked}", f"Run `concord reindex --right {right}`.")
    return Check(
        f"size of {right}",
        False,
        f"{said}, more than the {most_gb_a_shard():.0f} GB of mappings/sizes.toml",
        "Give the row more shards, for records larger than it reckons with, then `concord reindex`.",
    )


def held(database: Database) -> Iterator[Check]:
    """Whether the engine has what the store holds."""
    with database.connect() as connection:
        row = connection.execute(
            "select count(*) filter (where not deleted), count(*) filter (where index_error is not null), "
            "(select count(*) from pending_batches) from records"
        ).fetchone()
    records, refused, pending = row or (0, 0, 0)
    yield Check(
        "records",
        not refused and not pending,
        f"{records:,} held, {refused:,} refused by the engine, {pending:,} batches on their way",
        "The next load sends what waits; `concord rejects` says why a record was refused.",
    )
