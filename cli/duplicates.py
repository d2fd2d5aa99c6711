"""`concord duplicates` and `concord names`: find records that are the same, and what people decided about them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.load import AsJson, output, write_line
from cli.session import Platform, errors, platform
from common.errors import UsageError
from indexer.duplicates import evaluate as estimates
from indexer.duplicates import names as party_names
from indexer.duplicates.arrivals import match
from indexer.duplicates.ledger import Ledger
from indexer.duplicates.models import Models
from indexer.duplicates.scan import Scanned
from indexer.engine import Engine
from indexer.vectors import Vectors

ROWS_AT_ONCE = 1_000
PARTS_SHOWN = 6

Fresh = Annotated[bool, typer.Option("--scan/--no-scan", help="Take up what came in since the last scan first.")]

duplicates = typer.Typer(no_args_is_help=True, help="Records that are the same: find, judge, measure.")


def register(app: typer.Typer) -> None:
    duplicates.command()(scan)
    duplicates.command()(evaluate)
    duplicates.command()(queue)
    duplicates.command()(conflicts)
    duplicates.command("export")(export_)
    duplicates.command("import")(import_)
    app.add_typer(duplicates, name="duplicates")
    app.command()(names)


def scan(
    learn: Annotated[bool, typer.Option(help="Learn the scorers again afterwards, from everything.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take up every record that came in since the last scan. Goes on where it was broken off."""
    with platform() as running:
        done = catch_up(running, progress=not as_json)
        learned = Models(running.database).learn() if learn else {}
    if as_json:
        write_line(
            {
                "records": done.records,
                "candidates": done.candidates,
                **{name: done.pairs.get(name, 0) for name in ("merge", "queue", "relate")},
                "learned": sorted(learned),
                "seconds": round(done.seconds, 3),
            }
        )
        return
    rate = done.records / max(done.seconds, 0.001)
    output.print(
        f"{done.records:,} records in {done.seconds:.1f} s ({rate:,.0f}/s), {done.candidates:,} pairs compared: "
        f"{done.pairs['merge']:,} merged by rule, {done.pairs['queue']:,} for people, "
        f"{done.pairs['relate']:,} related."
    )


def catch_up(running: Platform, *, progress: bool = False) -> Scanned:
    columns = (TextColumn("scan"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())

    async def run(bar: Progress) -> Scanned:
        task = bar.add_task("scan", total=None)
        settings = running.settings

        def report(done: Scanned, left: int) -> None:
            bar.update(task, completed=done.records, total=done.records + left)

        with Vectors(running.database, settings.embedder, processes=0) as vectors:
            async with Engine(running.opensearch_url, settings.index_prefix) as engine:
                return await match(running.database, engine, vectors, report)

    with Progress(*columns, console=errors, transient=True, disable=not (progress and errors.is_terminal)) as bar:
        return asyncio.run(run(bar))


def queue(
    as_json: AsJson = False,
    relation: Annotated[str | None, typer.Option(help="Only same, corrects, stage-of, family, …")] = None,
    right: Annotated[str | None, typer.Option(help="Only this right.")] = None,
    least: Annotated[float, typer.Option(help="Only pairs scored at least so.", min=0, max=1)] = 0.0,
    limit: Annotated[int | None, typer.Option(help="At most so many.", min=1)] = None,
    fresh: Fresh = True,
) -> None:
    """Pairs that may be the same and that nobody judged, most doubtful first; then pairs that are related."""
    query = (
        'select p.a, p.b, p.score, p.relation, p."right", p.why, p.levels, p.values from duplicate_pairs p '
        "where p.action in ('queue', 'relate') and (%(relation)s::text is null or p.relation = %(relation)s) "
        'and (%(right)s::text is null or p."right" = %(right)s) and coalesce(p.score, 1) >= %(least)s '
        "and not exists (select 1 from duplicate_decisions d where d.a = p.a and d.b = p.b and d.undone is null "
        "and d.review_of is null and d.subject = 'record') "
        "order by p.action, p.doubt, p.a, p.b limit %(limit)s"
    )
    with platform() as running:
        if fresh:
            catch_up(running)
        models = Models(running.database)
        models.load()
        with running.database.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            with driver.cursor(name="queue") as cursor:
                cursor.itersize = ROWS_AT_ONCE
                cursor.execute(query, {"relation": relation, "right": right, "least": least, "limit": limit})
                for a, b, score, kind, of_right, why, levels, values in cursor:
                    parts = models.of(of_right).explain(levels, values) if levels else []
                    told = [why] if why else []
                    told += [f"{part.about}: {part.level} ({part.weight:+.1f})" for part in parts[:PARTS_SHOWN]]
                    shown = None if score is None else round(score, 6)
                    if as_json:
                        write_line({"a": a, "b": b, "score": shown, "relation": kind, "why": "; ".join(told)})
                    else:
                        head = f"{kind} {'' if shown is None else f'{shown:.3f} '}{a}  {b}"
                        output.print(head, soft_wrap=True, markup=False)
                        output.print("    " + "; ".join(told), soft_wrap=True, markup=False)


def conflicts(as_json: AsJson = False) -> None:
    """Pairs that something says are the same, held apart because somebody judged otherwise: who, when and why."""
    query = (
        "select c.a, c.b, c.decided_by, c.against_a, c.against_b, d.id, d.judgement, d.by, d.at, d.reason "
        "from duplicate_conflicts c join lateral ("
        "select * from duplicate_decisions d where d.a = c.against_a and d.b = c.against_b and d.subject = 'record' "
        "and d.undone is null and d.review_of is null order by d.at desc, d.id desc limit 1) d on true "
        "order by c.a, c.b"
    )
    names = ("a", "b", "decided_by", "against_a", "against_b", "decision", "judgement", "by", "at", "reason")
    with platform() as running, running.database.driver() as connection:
        rows = [dict(zip(names, row, strict=True)) for row in connection.execute(query)]
    for row in rows:
        if as_json:
            write_line(row)
        else:
            output.print(f"{row['a']} = {row['b']} (a {row['decided_by']})", soft_wrap=True, markup=False)
            said = f"decision {row['decision']}, {row['by']}, {row['at']:%Y-%m-%d}: {row['reason']}"
            told = f"    but {row['against_a']} ≠ {row['against_b']} ({said})"
            output.print(told, soft_wrap=True, markup=False)
    if not rows and not as_json:
        output.print("Nothing contradicts itself.")


def export_(
    as_json: AsJson = False,
    decisions: Annotated[bool, typer.Option(help="The ledger of decisions, as `import` takes it.")] = False,
    fresh: Fresh = True,
) -> None:
    """Every record with its cluster, one line each; or every decision ever made."""
    with platform() as running:
        if decisions:
            for subject in ("record", "name"):
                for decision in Ledger(running.database, subject).decisions():
                    write_line(decision.line())
            return
        if fresh:
            catch_up(running)
        for row in _clustered(running):
            if as_json:
                write_line(row)
            else:
                output.print(f"{row['cluster']}  {row['id']}  {row['decided_by']}", soft_wrap=True, markup=False)


def _clustered(running: Platform) -> Iterator[dict[str, Any]]:
    query = (
        "select c.cluster, c.id, m.file, m.member, r.ordinal, c.decided_by from duplicate_clusters c "
        "join records r on r.id = c.id join delivery_members m on m.id = r.member "
        "where (c.cluster, c.id) > (%s, %s) order by c.cluster, c.id limit %s"
    )
    last = ("", "")
    while True:
        with running.database.driver() as connection:
            rows = connection.execute(query, (*last, ROWS_AT_ONCE)).fetchall()
        if not rows:
            return
        for row in rows:
            yield dict(zip(("cluster", "id", "file", "member", "ordinal", "decided_by"), row, strict=True))
        last = (rows[-1][0], rows[-1][1])


def import_(
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Lines of `export --decisions`.")],
) -> None:
    """Enter decisions that were exported, here or elsewhere. Those that are there already change nothing."""
    lines = []
    with path.open("rb") as source:
        for number, line in enumerate(source, 1):
            if line.strip():
                try:
                    lines.append(orjson.loads(line))
                except orjson.JSONDecodeError as error:
                    raise UsageError(f"{path}, line {number}: {error}.", remedy="Import what was exported.") from error
    with platform() as running:
        entered = sum(Ledger(running.database, subject).import_lines(lines) for subject in ("record", "name"))
        catch_up(running)
    output.print(f"{entered:,} of {len(lines):,} decisions entered.")


def evaluate(
    as_json: AsJson = False,
    sample: Annotated[int | None, typer.Option(help="Print pairs to judge instead: so many a stratum.", min=1)] = None,
    seed: Annotated[str, typer.Option(help="Another seed draws other pairs.")] = "",
) -> None:
    """Precision and recall estimated from what people judged, per pair of offices that deliver; how far scores are
    right, and how far people agree."""
    with platform() as running:
        if sample is not None:
            for a, b in estimates.sample(running.database, sample, seed):
                write_line({"a": a, "b": b})
            return
        found = estimates.estimate(estimates.stored_strata(running.database))
        opinions = estimates.second_opinions(running.database)
        scores = estimates.calibration(running.database)
    agreement = estimates.kappa(opinions)
    if as_json:
        write_line(
            {
                "estimates": [
                    {
                        "providers": entry.providers,
                        "precision": entry.precision,
                        "precision_interval": entry.precision_interval,
                        "recall": entry.recall,
                        "recall_interval": entry.recall_interval,
                        "strata": [
                            {"band": s.band, "pairs": s.pairs, "judged": s.judged, "same": s.same, "share": s.share}
                            for s in entry.strata
                        ],
                    }
                    for entry in found
                ],
                "calibration": {
                    "judged": scores.judged,
                    "error": scores.error,
                    "brier": scores.brier,
                    "tenths": [
                        {
                            "from": tenth.start,
                            "judged": tenth.judged,
                            "same": tenth.same,
                            "mean_score": tenth.mean_score,
                            "interval": tenth.interval,
                        }
                        for tenth in scores.tenths
                    ],
                },
                "second_opinions": len(opinions),
                "kappa": agreement,
            }
        )
        return
    table = Table("Providers", "Precision of merges", "Recall of merges", "Judged", "Pairs")
    for entry in found:
        table.add_row(
            entry.providers,
            _share(entry.precision, entry.precision_interval),
            _share(entry.recall, entry.recall_interval),
            f"{sum(s.judged for s in entry.strata):,}",
            f"{sum(s.pairs for s in entry.strata):,}",
        )
    output.print(table if found else "Nothing was found yet: `concord duplicates scan`.")
    if scores.error is not None and scores.brier is not None:
        reliability = Table("Scored", "Judged", "Mean score", "The same")
        for tenth in scores.tenths:
            share = _share(tenth.same / tenth.judged, tenth.interval)
            reliability.add_row(f"{tenth.start:.1f}–{tenth.start + 0.1:.1f}", f"{tenth.judged:,}",
                                f"{tenth.mean_score:.1%}", share)  # fmt: skip
        output.print(reliability)
        output.print(f"Calibration error of scores {scores.error:.3f}, Brier score {scores.brier:.3f}")
    output.print(
        f"Second opinions: {len(opinions)}" + (f", Cohen's κ {agreement:.2f}" if agreement is not None else "")
    )


def _share(value: float | None, interval: tuple[float, float]) -> str:
    shown = "–" if value is None else f"{value:.1%}"
    return f"{shown} ({interval[0]:.1%}–{interval[1]:.1%})"


def names(
    as_json: AsJson = False,
    least: Annotated[float, typer.Option(help="Probability from which names are put together.", min=0, max=1)] = 0.9,
    alone: Annotated[bool, typer.Option(help="Names that stand alone too.")] = False,
) -> None:
    """Names of applicants and owners that may be one: original script, Latin form and legal form side by side."""
    with platform() as running:
        found = party_names.clusters(running.database, least)
    for cluster in found:
        if len(cluster.names) < 2 and not alone:
            continue
        if as_json:
            write_line(cluster.line())
        else:
            output.print(f"{cluster.cluster}  {cluster.records:,} records", markup=False)
            for name in cluster.names:
                sides = [name.name, name.latin or "", name.legal_form or "", name.country or "", f"{name.records:,}"]
                output.print("    " + "  |  ".join(sides), soft_wrap=True, markup=False)
    sys.stdout.flush()
