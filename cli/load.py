"""`concord load`, `status`, `rejects`, `records`: deliveries in, and what became of them."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
import zstandard
from rich.console import Console
from rich.progress import BarColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from cli.session import Platform, errors, platform
from common.errors import UsageError
from indexer.engine import Engine
from indexer.harmonise.offices import office_code
from indexer.pipeline import SMALL_DELIVERY, Loaded, Pipeline, Progress, delivered_size
from indexer.reading import Sender
from indexer.vectors import Vectors

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
ROWS_AT_ONCE = 500
STANDARD_INPUT = Path("-")

output = Console(highlight=False)


def register(app: typer.Typer) -> None:
    app.command()(load)
    app.command()(status)
    app.command()(rejects)
    app.command()(records)


def load(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; - reads standard input.", metavar="PATH…")],
    provider: Annotated[str, typer.Option(help="Who delivers: ST.3 code, e.g. EP.")],
    collection: Annotated[str, typer.Option(help="NAME of the provider's data set PROVIDER-right-NAME.")] = "default",
    as_json: AsJson = False,
    max_rejects: Annotated[
        int | None,
        typer.Option(min=0, help="Exit with 1 when more are rejected. Default: when nothing but rejects came in."),
    ] = None,
    column_map: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Column map of CSV files.")
    ] = None,
) -> None:
    """Load files and folders as one delivery. Loading it again goes on where it stopped, or changes nothing."""
    sender = sender_of(provider, collection, column_map)
    if missing := [path for path in paths if path != STANDARD_INPUT and not path.exists()]:
        raise UsageError(f"There is no {missing[0]}.", remedy="Name files or folders that exist.")
    with _with_standard_input(paths) as there, platform() as running:
        if as_json:
            loaded = asyncio.run(load_delivery(running, there, sender, None))
            sys.stdout.buffer.write(orjson.dumps(loaded.summary(), option=orjson.OPT_APPEND_NEWLINE))
            sys.stdout.flush()
        else:
            with progress_bar() as bar:
                loaded = asyncio.run(load_delivery(running, there, sender, bar))
            output.print(_sentence(loaded))
        if loaded.unscanned is not None:
            errors.print(f"Not looked through for duplicates: {loaded.unscanned}", soft_wrap=True, markup=False)
    counts = loaded.counts
    accepted = counts.records - counts.rejected
    if counts.rejected > (max_rejects if max_rejects is not None else counts.rejected if accepted else 0):
        raise typer.Exit(1)


def sender_of(provider: str, collection: str, column_map: Path | None) -> Sender:
    code = office_code(provider)
    if code is None:
        raise UsageError(f"{provider!r} is no office that the platform knows.", remedy="Give its ST.3 code, e.g. EP.")
    if not collection or not all(part.isalnum() for part in collection.split("-")):
        raise UsageError(f"{collection!r} is no collection name.", remedy="Use letters, digits and single hyphens.")
    return Sender(code, collection.lower(), options=_options(column_map) if column_map else ())


def _options(column_map: Path) -> tuple[tuple[str, str], ...]:
    """The options of a delivery that a column map stands for: `[columns]` with heading = what it holds, and above it
    what holds for the whole file (`right`, `office`, `delimiter`, `list`, `encoding`)."""
    try:
        content = tomllib.loads(column_map.read_text(encoding="utf-8"))
        columns = {f"column.{name}": target for name, target in content.pop("columns", {}).items()}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise UsageError(f"{column_map} is no column map: {error}.", remedy="docs/formats.md shows one.") from error
    options = {**content, **columns}
    if wrong := [name for name, value in options.items() if not isinstance(value, str)]:
        raise UsageError(f"{column_map}: {wrong[0]} is not text.", remedy="docs/formats.md shows a column map.")
    return tuple(sorted(options.items()))


async def load_delivery(running: Platform, paths: list[Path], sender: Sender, bar: Bar | None) -> Loaded:
    settings = running.settings
    small = sum(delivered_size(path) for path in paths) <= SMALL_DELIVERY
    with Vectors(running.database, settings.embedder, processes=0 if small else None) as vectors:
        async with Engine(running.opensearch_url, settings.index_prefix) as engine:
            pipeline = Pipeline(running.database, engine, vectors, settings.archive_location)
            if bar is not None:
                pipeline.report = _reporter(bar)
            return await pipeline.load(paths, sender)


@contextmanager
def _with_standard_input(paths: list[Path]) -> Iterator[list[Path]]:
    """`-` becomes a file: a delivery is archived whole before it is read, and may be read again."""
    if STANDARD_INPUT not in paths:
        yield paths
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "stdin"
        with copy.open("wb") as target:
            shutil.copyfileobj(sys.stdin.buffer, target)
        yield [copy if path == STANDARD_INPUT else path for path in paths]


class _Numbers(TextColumn):
    """Records, rate and rejects, from the task's own fields."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Any:
        fields = task.fields
        seconds = time.monotonic() - fields["begun"]
        rate = fields["records"] / seconds if seconds > 0 else 0
        self.text_format = f"{fields['records']:,} records · {rate:,.0f}/s · {fields['rejected']:,} rejected"
        return super().render(task)


def progress_bar() -> Bar:
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        _Numbers(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )


def _reporter(bar: Bar) -> Any:
    task = bar.add_task("archive", total=None, records=0, rejected=0, begun=time.monotonic())

    def report(progress: Progress) -> None:
        bar.update(
            task,
            description=progress.phase,
            total=progress.bytes_total or None,
            completed=progress.bytes_done,
            records=progress.counts.records,
            rejected=progress.counts.rejected,
        )

    return report


def _sentence(loaded: Loaded) -> str:
    counts = loaded.counts
    before = ", loaded before" if loaded.replay else ""
    hint = "; `concord rejects` says why" if counts.rejected else ""
    pairs = loaded.scanned.pairs if loaded.scanned is not None else {}
    told = f" Duplicates: {pairs['merge']:,} pairs joined by rule, {pairs['queue']:,} for people." if pairs else ""
    return (
        f"Delivery {loaded.delivery}{before}: {counts.records:,} records in {loaded.seconds:.1f} s "
        f"({counts.records / max(loaded.seconds, 0.001):,.0f}/s): {counts.indexed:,} indexed, "
        f"{counts.updated:,} updated, {counts.unchanged:,} unchanged, {counts.rejected:,} rejected{hint}.{told}"
    )


def status(as_json: AsJson = False) -> None:
    """What is held: records per office and right, deliveries, what waits for the engine."""
    with platform() as running, running.database.driver() as connection:
        held = connection.execute(
            'select office, "right", count(*) filter (where not deleted), count(*) filter (where deleted), '
            "count(*) filter (where index_error is not null), max(updated) "
            'from records group by office, "right" order by office, "right"'
        ).fetchall()
        deliveries = connection.execute(
            "select state, count(*) from deliveries group by state order by state"
        ).fetchall()
        waiting = connection.execute(
            "select count(*) from pending_batches p join records r on r.seq between p.first_seq and p.last_seq"
        ).fetchone()
    rows = [
        {
            "office": office,
            "right": right,
            "records": records,
            "deleted": deleted,
            "not_searchable": refused,
            "updated": updated.isoformat(),
        }
        for office, right, records, deleted, refused, updated in held
    ]
    if as_json:
        write_line({"held": rows, "deliveries": dict(deliveries), "waiting_for_engine": waiting[0] if waiting else 0})
        return
    table = Table("Office", "Right", "Records", "Deleted", "Not searchable", "Last change")
    for row in rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()))
    output.print(table if rows else "Nothing is held yet. `concord load PATH --provider CODE` loads a delivery.")
    if deliveries:
        output.print("Deliveries: " + ", ".join(f"{number} {state}" for state, number in deliveries))
    if waiting and waiting[0]:
        output.print(f"{waiting[0]:,} records wait for the engine; the next load sends them.")


def rejects(
    as_json: AsJson = False,
    delivery: Annotated[int | None, typer.Option(help="Only of this delivery.")] = None,
    only_rejects: Annotated[bool, typer.Option("--only-rejects", help="Leave out findings on kept records.")] = False,
) -> None:
    """What was rejected, and findings on what was kept, one line each."""
    names = ("delivery", "file", "member", "ordinal", "field", "severity", "reason", "rule", "record", "kept")
    query = (
        "select delivery, file, path, ordinal, field, severity, reason, rule, record, finding, id from rejects "
        "where id > %s and (%s::bigint is null or delivery = %s) and not (%s and finding) order by id limit %s"
    )
    with platform() as running:
        last = 0
        while True:
            with running.database.driver() as connection:
                rows = connection.execute(query, (last, delivery, delivery, only_rejects, ROWS_AT_ONCE)).fetchall()
            if not rows:
                return
            for row in rows:
                if as_json:
                    write_line(dict(zip(names, row[:-1], strict=True)))
                else:
                    place = ", ".join(str(part) for part in (row[1], row[2]) if part)
                    where = f"{place}, record {row[3]}" if row[3] is not None else place
                    about = f" {row[4]}:" if row[4] else ""
                    output.print(f"{row[0]} {where}: {row[5]}:{about} {row[6]}", soft_wrap=True, markup=False)
            last = rows[-1][-1]


def records(
    as_json: AsJson = False,
    delivery: Annotated[int | None, typer.Option(help="Only what this delivery brought or changed.")] = None,
) -> None:
    """Every record held, one line each."""
    query = (
        "select r.id, m.file, m.member, r.ordinal, r.body from records r join delivery_members m on m.id = r.member "
        "where r.id > %s and not r.deleted and (%s::bigint is null or r.delivery = %s) order by r.id limit %s"
    )
    with platform() as running:
        last = ""
        while True:
            with running.database.driver() as connection:
                rows = connection.execute(query, (last, delivery, delivery, ROWS_AT_ONCE), binary=True).fetchall()
            if not rows:
                return
            for id_, file, member, ordinal, body in rows:
                if as_json:
                    line = {"id": id_, "file": file, "member": member, "ordinal": ordinal}
                    write_line({**line, "record": orjson.Fragment(zstandard.decompress(body))})
                else:
                    place = ", ".join(part for part in (file, member) if part)
                    output.print(f"{id_}  {place}, record {ordinal}", soft_wrap=True, markup=False)
            last = rows[-1][0]


def write_line(value: Any) -> None:
    """One JSON line on standard output."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
