"""`concord export`: what a search finds, written in one of WIPO's formats or the platform's own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import select

from api.access.audit import CHAINS, append, disclosures
from api.access.model import Group, Tier, local
from api.access.scope import Condition, Grant, Scope
from api.access.secret import load_keys
from api.exports import sinks
from api.exports.job import record_of
from api.exports.report import Report
from api.search import query as language
from api.search.engine import Engine, Hit
from cli.load import AsJson, output, write_line
from cli.session import Platform, platform
from store.access import Collection

STEWARD = local()
PURPOSE = "export"


def register(app: typer.Typer) -> None:
    app.command("export")(export)


def export(
    query: Annotated[str, typer.Option("--query", help="A search, as in the search field; empty finds everything.")],
    format: Annotated[str, typer.Option("--format", help=f"One of {', '.join(sinks.NAMES)}.")],
    out: Annotated[Path, typer.Option("--out", file_okay=False, help="Folder to write into; made if it is not there.")],
    as_json: AsJson = False,
) -> None:
    """Write every record that a search finds. Exit code 1 and a report where one could not be written.

    It is the platform's own operator who exports: nothing is hidden from who has a shell on the machine, and what was
    exported stands in the audit.
    """
    chosen = sinks.check(format)
    out.mkdir(parents=True, exist_ok=True)
    with platform() as running:
        report = asyncio.run(_export(running, query, chosen, out))
    if as_json:
        write_line(report.as_json())
    else:
        _show(report, out)
    if report.unwritten:
        raise typer.Exit(1)


async def _export(running: Platform, query: str, format: str, out: Path) -> Report:
    scope = full_scope(running)
    extension, _ = sinks.kind_of(format)
    sink = sinks.Folder(format, out) if extension == "zip" else sinks.open_sink(format, out / f"records.{extension}")

    async def operator() -> Scope:
        return scope

    engine = Engine(running.opensearch_url, running.settings.index_prefix)
    try:
        wanted = language.to_query(language.parse(query), language.target(await engine.languages()))
        async for _, hits in engine.stream(operator, wanted):
            _audit(running, hits)
            for hit in hits:
                sink.add(record_of(hit))
    finally:
        await engine.close()
    sink.close()
    return sink.report


def full_scope(running: Platform) -> Scope:
    """Everything of every collection: the scope of the platform's own operator."""
    with running.database.session() as session:
        collections = frozenset(session.scalars(select(Collection.id)))
    grant = Grant(Tier.CONTENT, frozenset(Group), Condition(unpublished=True), collections)
    return Scope(STEWARD, PURPOSE, (grant,) if collections else ())


def _audit(running: Platform, hits: tuple[Hit, ...]) -> None:
    shown = [(hit.id, dict(hit.document), hit.view) for hit in hits]
    with running.database.session() as session:
        append(session, load_keys(running.settings), CHAINS - 1, disclosures("export", STEWARD, PURPOSE, shown))


def _show(report: Report, out: Path) -> None:
    output.print(f"{report.written:,} records written in {report.files:,} files in {out}.")
    if report.lost:
        table = Table("What the format cannot carry", "Records", "Why")
        for (name, why), count in sorted(report.lost.items(), key=lambda item: -item[1]):
            table.add_row(name, f"{count:,}", why)
        output.print(table)
    for record_id, why in report.unwritten:
        output.print(f"[bold red]not written[/] {record_id}: {why}", soft_wrap=True)
