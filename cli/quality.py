"""`concord quality`, `coverage`, `freshness`: what is doubted, what is missing, what is late.

Whoever runs these runs the machine: they count everything that is held.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import select

from api.access.audit import change
from api.access.model import Caller, Role, local
from api.review import error_reports
from cli.access import STEWARD, record, show
from cli.load import output, write_line
from cli.session import errors, platform
from common.errors import NotFound, UsageError
from indexer.coverage import report as coverage_report
from indexer.coverage.holdings import refresh
from indexer.coverage.load import load_authority_file
from indexer.coverage.visible import EVERYTHING
from indexer.freshness import declare, freshness
from indexer.quality import reports
from indexer.quality.sheet import Sheet, as_json, as_page
from store.ingest import StoredRecord
from store.quality import AuthorityFile, ErrorReport

quality_app = typer.Typer(name="quality", help="Findings, reports, reported errors.", invoke_without_command=True)
coverage_app = typer.Typer(name="coverage", help="Coverage and gaps (WIPO ST.37).", invoke_without_command=True)
freshness_app = typer.Typer(name="freshness", help="Lags and overdue deliveries.", invoke_without_command=True)


class Shape(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PAGE = "page"


ShapeOption = Annotated[Shape, typer.Option("--format", help="table, json, csv (one sheet) or page.")]
SheetOption = Annotated[str | None, typer.Option(help="One sheet only.")]
ProviderOption = Annotated[str | None, typer.Option(help="ST.3 code; none: all.")]
AsJson = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
LimitOption = Annotated[int, typer.Option(min=1, help="Rows at most.")]


def register(app: typer.Typer) -> None:
    for group in (quality_app, coverage_app, freshness_app):
        app.add_typer(group)


def give(sheets: Sequence[Sheet], shape: Shape, as_json_too: bool, name: str | None = None) -> None:
    """Sheets to standard output in the shape asked for."""
    chosen = [sheet for sheet in sheets if name is None or sheet.name == name]
    if not chosen:
        raise UsageError(f"There is no sheet {name!r}.", remedy=f"Sheets: {', '.join(s.name for s in sheets)}.")
    if as_json_too or shape is Shape.JSON:
        write_line(as_json(chosen))
    elif shape is Shape.PAGE:
        write_line(as_page(chosen))
    elif shape is Shape.CSV:
        sys.stdout.write(chosen[0].csv())
    else:
        for sheet in chosen:
            _draw(sheet)


def _draw(sheet: Sheet) -> None:
    table = Table(title=sheet.title, title_justify="left")
    for column in sheet.columns:
        numeric = column.kind in ("number", "share")
        width = len("100.00%") if column.kind == "share" else None
        table.add_column(column.label, justify="right" if numeric else "left", overflow="fold", min_width=width)
    for row in sheet.rows:
        table.add_row(*(_written(row.get(column.key), column.kind) for column in sheet.columns))
    if sheet.rows:
        output.print(table)
    else:
        output.print(f"{sheet.title}: none.")


def _written(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == "share":
        return f"{value:.2%}"
    if kind == "flag":
        return "yes" if value else "no"
    if kind == "time":
        return f"{value:%Y-%m-%d %H:%M}"
    if kind == "list":
        return ", ".join(map(str, value))
    return str(value)


# ---------------------------------------------------------------------------------------------------------- quality


@quality_app.callback()
def quality(
    context: typer.Context,
    provider: ProviderOption = None,
    sheet: SheetOption = None,
    shape: ShapeOption = Shape.TABLE,
    as_json_too: AsJson = False,
) -> None:
    """Findings by rule, collection, delivery and month."""
    if context.invoked_subcommand is None:
        with platform() as running, running.database.session() as session:
            sheets = reports.quality(session, provider.upper() if provider else None)
        give(sheets, shape, as_json_too, sheet)


@quality_app.command("rules")
def rules(shape: ShapeOption = Shape.TABLE, as_json_too: AsJson = False) -> None:
    """What is checked, and what to do about it."""
    give([reports.rule_table()], shape, as_json_too)


@quality_app.command("findings")
def findings(
    provider: ProviderOption = None,
    record_id: Annotated[str | None, typer.Option("--record", help="Id of one record.")] = None,
    rule: str | None = None,
    severity: str | None = None,
    collection: str | None = None,
    delivery: Annotated[int | None, typer.Option(help="What this delivery brought, in force or not.")] = None,
    after: int = 0,
    limit: LimitOption = 200,
    shape: ShapeOption = Shape.TABLE,
    as_json_too: AsJson = False,
) -> None:
    """Findings one by one."""
    with platform() as running, running.database.session() as session:
        found = reports.findings(
            session,
            provider.upper() if provider else None,
            record=record_id,
            rule=rule,
            severity=severity,
            collection=collection,
            delivery=delivery,
            after=after,
            limit=limit,
        )
    give([found], shape, as_json_too)


@quality_app.command("errors")
def reported(provider: ProviderOption = None, state: str | None = None, as_json: AsJson = False) -> None:
    """Errors that readers reported."""
    statement = select(ErrorReport).order_by(ErrorReport.id.desc())
    if provider:
        statement = statement.where(ErrorReport.provider == provider.upper())
    if state:
        statement = statement.where(ErrorReport.state == state)
    with platform() as running, running.database.session() as session:
        rows = [error_reports.as_json(entry) for entry in session.scalars(statement)]
    show(rows, as_json)


@quality_app.command("report-error")
def report_error(
    record_id: Annotated[str, typer.Argument(metavar="RECORD", help="Id of the record.")],
    text: str,
    field: Annotated[str, typer.Option(help="Field that is wrong.")] = "",
) -> None:
    """Say that a record is wrong: into its provider's queue."""
    with platform() as running, running.database.session() as session:
        held = session.get(StoredRecord, record_id)
        if held is None or held.deleted:
            raise NotFound(f"There is no record {record_id}.")
        told = {name: getattr(held, name) for name in ("id", "provider", "collection", "right", "office")}
        entry = error_reports.open_report(session, STEWARD, told, text, field=field)
        _note(running, session, "error-report-opened", entry)
        write_line({"id": entry.id, "state": entry.state})


@quality_app.command("show-error")
def show_error(report: int) -> None:
    """One reported error with its thread."""
    with platform() as running, running.database.session() as session:
        entry = session.get(ErrorReport, report)
        if entry is None:
            raise NotFound(f"There is no report {report}.")
        messages = [error_reports.message_json(message) for message in error_reports.thread(session, entry)]
        write_line({**error_reports.as_json(entry), "messages": messages})


@quality_app.command("answer-error")
def answer_error(
    report: int,
    text: str,
    decision: Annotated[str, typer.Option(help=f"One of {', '.join(error_reports.DECISIONS)}.")] = "answered",
) -> None:
    """Answer for the provider."""
    with platform() as running, running.database.session() as session:
        entry = session.get(ErrorReport, report)
        if entry is None:
            raise NotFound(f"There is no report {report}.")
        made = error_reports.reply(session, _steward_of(entry.provider), report, text, decision=decision)
        _note(running, session, "error-report-message", made)
        write_line({"id": made.id, "state": made.state})


def _steward_of(provider: str) -> Caller:
    return local(provider, Role.PROVIDER_STEWARD)


def _note(running: Any, session: Any, action: str, entry: ErrorReport) -> None:
    record(
        running,
        session,
        change(STEWARD, action, report=entry.id, record=entry.record, provider=entry.provider, state=entry.state),
    )


# --------------------------------------------------------------------------------------------------------- coverage


@coverage_app.callback()
def coverage(
    context: typer.Context, sheet: SheetOption = None, shape: ShapeOption = Shape.TABLE, as_json_too: AsJson = False
) -> None:
    """Held ÷ (listed − excepted) by office, kind and year; runs of numbers where no authority file is given."""
    if context.invoked_subcommand is None:
        with platform() as running:
            refresh(running.database)
            with running.database.session() as session:
                sheets = coverage_report.coverage(session, EVERYTHING, own=_listed_offices(session))
        give(sheets, shape, as_json_too, sheet)


@coverage_app.command("gaps")
def gaps(
    office: Annotated[str, typer.Argument(help="ST.3 code.")],
    kind: str | None = None,
    year: int | None = None,
    only_unexplained: Annotated[bool, typer.Option(help="Without those that have an exception code.")] = False,
    limit: LimitOption = 1_000,
    shape: ShapeOption = Shape.TABLE,
    as_json_too: AsJson = False,
) -> None:
    """Missing numbers of an office: of its authority file, and between held numbers where it has none."""
    code = office.upper()
    with platform() as running:
        refresh(running.database)
        with running.database.session() as session:
            own = _listed_offices(session)
            if code in own:
                found = coverage_report.gaps(
                    session,
                    EVERYTHING,
                    code,
                    kind=kind,
                    year=year,
                    excepted=not only_unexplained,
                    own=own,
                    limit=limit,
                )
            else:
                found = coverage_report.range_gaps(session, EVERYTHING, office=code, year=year, limit=limit)
    give([found], shape, as_json_too)


@coverage_app.command("load")
def load(
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Authority file: XML or text.")],
    office: Annotated[str | None, typer.Option(help="ST.3 code, where the file does not say it.")] = None,
    category: Annotated[str | None, typer.Option(help="full, incremental or differential.")] = None,
    grouped: Annotated[
        bool | None, typer.Option("--grouped/--complete", help="One of several files that together are full.")
    ] = None,
    definition: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Its definition file.")] = None,
    skip_bad: Annotated[bool, typer.Option(help="Load the rest of a file with wrong lines.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load an authority file (WIPO ST.37)."""
    with platform() as running:
        done = load_authority_file(
            running.database,
            path,
            by=STEWARD.name,
            office=office.upper() if office else None,
            category=category,
            grouped=grouped,
            definition=definition,
            skip_bad=skip_bad,
        )
        with running.database.session() as session:
            record(
                running,
                session,
                change(STEWARD, "authority-file-loaded", file=done.id, office=done.office, entries=done.entries),
            )
    for fault in done.faults:
        errors.print(f"Left out: {fault}", soft_wrap=True)
    for note in done.notes:
        errors.print(f"Differs: {note}.", soft_wrap=True)
    row = {
        "file": done.id,
        "office": done.office,
        "category": done.category,
        "entries": done.entries,
        "excepted": done.excepted,
        "left_out": done.refused,
    }
    show([row], as_json)


@coverage_app.command("files")
def files(as_json: AsJson = False) -> None:
    """Authority files that were loaded."""
    with platform() as running, running.database.session() as session:
        rows = [
            {
                "file": entry.id,
                "office": entry.office,
                "name": entry.name,
                "category": entry.category,
                "loaded": entry.loaded,
                "entries": entry.entries,
                "excepted": entry.excepted,
                "in_force": entry.in_force,
            }
            for entry in session.scalars(select(AuthorityFile).order_by(AuthorityFile.id))
        ]
    show(rows, as_json)


@coverage_app.command("refresh")
def take_in() -> None:
    """Take the latest changes of records into what coverage and freshness count."""
    with platform() as running:
        write_line({"changes": refresh(running.database)})


def _listed_offices(session: Any) -> tuple[str, ...]:
    statement = select(AuthorityFile.office).where(AuthorityFile.in_force).distinct().order_by(AuthorityFile.office)
    return tuple(session.scalars(statement))


# -------------------------------------------------------------------------------------------------------- freshness


@freshness_app.callback()
def how_fresh(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, help="Publications this long before the last one held.")] = 365,
    sheet: SheetOption = None,
    shape: ShapeOption = Shape.TABLE,
    as_json_too: AsJson = False,
) -> None:
    """Last publication and delivery, lag and correction lag by office and right; what is overdue."""
    if context.invoked_subcommand is None:
        with platform() as running:
            refresh(running.database)
            with running.database.session() as session:
                sheets = freshness(session, EVERYTHING, days=days)
        give(sheets, shape, as_json_too, sheet)


@freshness_app.command("schedule")
def schedule(
    collection: Annotated[str, typer.Argument(help="provider-right-name, e.g. ep-patent-docdb.")],
    every: Annotated[str, typer.Argument(help="daily, weekly, monthly, quarterly, yearly or none.")],
    grace_days: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Declare how often a collection is delivered."""
    wanted = None if every == "none" else every
    with platform() as running, running.database.session() as session:
        declare(session, collection, wanted, by=STEWARD.name, grace_days=grace_days)
        record(
            running,
            session,
            change(STEWARD, "schedule-set", collection=collection, every=wanted, grace_days=grace_days),
        )
