"""`concord export`: what a search finds, written in one of WIPO's formats or the platform's own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import select

from api.access.audit import CHAINS, append, disclosures
from api.access.model import Group, Tier, local
from api.access.scope import Condition, Grant, Scope
from api.access.secret import load_keys
from api.exchange.writers import FORMATS, Loss, UnwritableRecord, write, write_many
from api.search import query as language
from api.search.engine import Engine, Hit, SearchRequest
from cli.load import AsJson, output, write_line
from cli.session import Platform, platform
from common.errors import UsageError
from indexer.record import Record
from store.access import Collection

PAGE = 200
STEWARD = local()
PURPOSE = "export"
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def register(app: typer.Typer) -> None:
    app.command("export")(export)


@dataclass
class Report:
    """What became of the records that were found."""

    written: int = 0
    files: int = 0
    unwritten: list[tuple[str, str]] = field(default_factory=list)
    """(id, why)"""
    lost: dict[tuple[str, str], int] = field(default_factory=dict)
    """(field, why) → records that lose it."""

    def add_losses(self, losses: tuple[Loss, ...]) -> None:
        for loss in losses:
            self.lost[loss.field, loss.reason] = self.lost.get((loss.field, loss.reason), 0) + 1

    def as_json(self) -> dict[str, Any]:
        return {
            "written": self.written,
            "files": self.files,
            "unwritten": [{"id": record_id, "reason": why} for record_id, why in self.unwritten],
            "lost": [{"field": name, "reason": why, "records": n} for (name, why), n in sorted(self.lost.items())],
        }


def export(
    query: Annotated[str, typer.Option("--query", help="A search, as in the search field; empty finds everything.")],
    format: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")],
    out: Annotated[Path, typer.Option("--out", file_okay=False, help="Folder to write into; made if it is not there.")],
    as_json: AsJson = False,
) -> None:
    """Write every record that a search finds. Exit code 1 and a report where one could not be written.

    It is the platform's own operator who exports: nothing is hidden from who has a shell on the machine, and what was
    exported stands in the audit.
    """
    if format not in FORMATS:
        raise UsageError(f"There is no format {format!r} to write.", remedy=f"Formats: {', '.join(FORMATS)}.")
    out.mkdir(parents=True, exist_ok=True)
    with platform() as running:
        report = asyncio.run(_export(running, query, format, out))
    if as_json:
        write_line(report.as_json())
    else:
        _show(report, out)
    if report.unwritten:
        raise typer.Exit(1)


async def _export(running: Platform, query: str, format: str, out: Path) -> Report:
    report = Report()
    bulk: list[Record] = []
    engine = Engine(running.opensearch_url, running.settings.index_prefix)
    try:
        async for hits in _pages(engine, full_scope(running), query):
            for record in (Record.model_validate(hit.record) for hit in hits):
                try:
                    written = write(record, format)
                except UnwritableRecord as error:
                    report.unwritten.append((record.id, error.message))
                    continue
                report.written += 1
                report.add_losses(written.lost)
                if FORMATS[format].bulk:
                    bulk.append(record)
                else:
                    (out / file_name(record.id, written.extension)).write_bytes(written.data)
                    report.files += 1
            _audit(running, hits)
    finally:
        await engine.close()
    if bulk:
        with (out / f"records.{FORMATS[format].extension}").open("wb") as file:
            file.writelines(write_many(bulk, format))
        report.files = 1
    return report


async def _pages(engine: Engine, scope: Scope, query: str) -> AsyncIterator[tuple[Hit, ...]]:
    """Every hit, from a snapshot of the indices. Raises QueryError for a query that cannot be understood."""
    target = language.target(await engine.languages())
    wanted = language.to_query(language.parse(query), target)
    snapshot = await engine.snapshot()
    try:
        request = SearchRequest(query=wanted, size=PAGE, highlight=False, snapshot=snapshot)
        while True:
            page = await engine.search(scope, request)
            if page.hits:
                yield page.hits
            if page.next is None or not page.hits:
                return
            request = SearchRequest(query=wanted, size=PAGE, highlight=False, snapshot=snapshot, position=page.next)
    finally:
        await engine.release(snapshot)


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


def file_name(record_id: str, extension: str) -> str:
    """The record's id as the name of a file, on any file system."""
    return f"{UNSAFE.sub('_', record_id)}.{extension}"


def _show(report: Report, out: Path) -> None:
    output.print(f"{report.written:,} records written in {report.files:,} files in {out}.")
    if report.lost:
        table = Table("What the format cannot carry", "Records", "Why")
        for (name, why), count in sorted(report.lost.items(), key=lambda item: -item[1]):
            table.add_row(name, f"{count:,}", why)
        output.print(table)
    for record_id, why in report.unwritten:
        output.print(f"[bold red]not written[/] {record_id}: {why}", soft_wrap=True)
