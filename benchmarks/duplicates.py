"""How well duplicates are found: on two labelled feeds of our own beside Splink, on real names, and how fast.

    python -m benchmarks.duplicates [--seeds 7,8,9] [--inventions 1300] [--no-splink] [--names FOLDER] [--json FILE]
    python -m benchmarks.duplicates --scan 100000

1. Two feeds (benchmarks/data/two_feeds.py) are loaded and scanned by the platform itself. Printed: pairwise precision,
   recall and F1 of "the same" (merged by a rule, or scored at least 0.5), automatic merges that are false, recall of
   blocking, records a second.
2. Splink (DuckDB) links the same records on the same fields in the same run, at 0.5 and at the threshold that is best
   for it in hindsight.
3. Names: PATSTAT-NL and PatentsView sets, where their folder is there, beside one plain rapidfuzz threshold.
4. With --scan: one world of about so many records, and only how long the scan takes beside loading them, records a
   second and memory of the process by tenths; printed, and written to --json, after each tenth.

Each seed makes another world on a database and indices of its own, which go again. Seed 20240201 is the one that the
features and rules were made with: figures to quote are of others.

Engines: those of the settings (CONCORD_OPENSEARCH_URL, CONCORD_DATABASE_URL), or embedded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy.engine import make_url

from benchmarks.data.two_feeds import Feed, Truth, World
from common.settings import load_settings
from compose.embedded.engines import Engines
from indexer.duplicates import profile
from indexer.duplicates.clusters import Pair, pair
from indexer.duplicates.profile import Profile
from indexer.duplicates.scan import Scan, Scanned
from indexer.engine import Engine
from indexer.pipeline import Pipeline
from indexer.reading import Sender
from indexer.vectors import Vectors
from store.database import Database

T = TypeVar("T")

TENTHS = 10
RECORDS_AN_INVENTION = 5.8
SAME = 0.5
"""Probability from which a scored pair counts as found."""


@dataclass
class Held:
    """The platform after loading and scanning, with the truth of each record."""

    truth: dict[str, Truth]
    profiles: dict[str, Profile]
    merged: set[Pair]
    scored: dict[Pair, float]
    by_key: set[Pair]
    by_engine: set[Pair]
    scanned: Scanned
    load_s: float


def figures(found: Iterable[Pair], wanted: set[Pair]) -> dict[str, float]:
    held = set(found)
    right = len(held & wanted)
    precision = right / len(held) if held else 1.0
    recall = right / len(wanted) if wanted else 1.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def true_pairs(truth: dict[str, Truth]) -> set[Pair]:
    by_entity: dict[str, list[str]] = {}
    for record, what in truth.items():
        by_entity.setdefault(what.entity, []).append(record)
    return {
        pair(one, other)
        for records in by_entity.values()
        for n, one in enumerate(records)
        for other in records[n + 1 :]
    }


# ---------------------------------------------------------------------------------------------------------- platform


async def load(database: Database, engine: Engine, feeds: Iterable[Feed], folder: Path) -> float:
    """Loads the feeds without looking for duplicates, which is timed apart. Returns the seconds."""
    files = [entry for feed in feeds for entry in feed.write(folder)]
    begun = time.monotonic()
    with Vectors(database, load_settings().embedder) as vectors:
        for provider, collection, path in files:
            pipeline = Pipeline(database, engine, vectors, (folder / "archive").as_uri(), duplicates=False)
            loaded = await pipeline.load([path], Sender(provider, collection))
            assert loaded.counts.rejected == 0, (path, loaded.counts)
    return time.monotonic() - begun


async def load_and_scan(database: Database, engine: Engine, feeds: tuple[Feed, ...], folder: Path) -> Held:
    truths = {file: what for feed in feeds for file, what in feed.truths.items()}
    load_s = await load(database, engine, feeds, folder)
    by_key: set[Pair] = set()
    by_engine: set[Pair] = set()

    def notice(keyed: Iterable[Pair], met: Iterable[Pair]) -> None:
        by_key.update(keyed)
        by_engine.update(met)

    scanned = await Scan(database, engine, load_settings().embedder, notice=notice).run()
    truth: dict[str, Truth] = {}
    profiles: dict[str, Profile] = {}
    with database.driver() as connection:
        for id_, file, ordinal in connection.execute(
            "select r.id, m.file, r.ordinal from records r join delivery_members m on m.id = r.member"
        ):
            truth[id_] = truths[file][ordinal]
        for (body,) in connection.execute("select body from duplicate_profiles"):
            found = profile.load(body)
            profiles[found.id] = found
        merged = {
            (a, b) for a, b in connection.execute("select a, b from duplicate_pairs where action = 'merge'").fetchall()
        }
        scored = {
            (a, b): score
            for a, b, score in connection.execute("select a, b, score from duplicate_pairs where action = 'queue'")
        }
    return Held(truth, profiles, merged, scored, by_key, by_engine, scanned, load_s)


async def scan_alone(
    database: Database, engine: Engine, feeds: tuple[Feed, ...], folder: Path, *, keep: Callable[[Any], None]
) -> dict[str, Any]:
    """Seconds of loading and of scanning; by tenths of the scan, records a second and resident memory. What is known is
    printed and given to `keep` after loading and after each tenth: a run that is broken off has told so much."""
    result: dict[str, Any] = {"load_s": round(await load(database, engine, feeds, folder), 1)}
    marks: list[tuple[int, float, int]] = [(0, time.monotonic(), resident())]
    first_batch: list[int] = []
    spent = os.times()

    def tell(records: int, seconds: float, pairs: Counter[str]) -> None:
        used, memory = os.times(), [held for _, _, held in marks]
        result.update(
            {
                "records": records,
                "scan_s": round(seconds, 1),
                "scan_over_load": round(seconds / result["load_s"], 2),
                "scan_cpu_of_this_process_s": round(used.user + used.system - spent.user - spent.system, 1),
                "pairs": dict(pairs),
                "records_per_s_by_tenth": [
                    round((now[0] - before[0]) / (now[1] - before[1])) for before, now in pairwise(marks)
                ],
                "resident_mib_before_and_by_tenth": memory,
                "resident_mib_first_batch": first_batch[0] if first_batch else None,
                "resident_mib_last_over_first_tenth": round(memory[-1] / memory[1], 3) if len(memory) > 1 else None,
                "load_average": [round(value, 1) for value in os.getloadavg()],
            }
        )
        keep({"scan": result})
        print(
            f"{records:,} records scanned in {seconds:.1f} s ({records / max(seconds, 0.001):,.0f}/s), "
            f"{result['scan_over_load']} of loading; {memory[-1]} MiB",
            file=sys.stderr,
            flush=True,
        )

    def report(done: Scanned, left: int) -> None:
        if not first_batch:
            first_batch.append(resident())
        if done.records >= (done.records + left) * len(marks) / TENTHS:
            marks.append((done.records, time.monotonic(), resident()))
            tell(done.records, marks[-1][1] - marks[0][1], done.pairs)

    keep({"scan": result})
    print(f"loaded in {result['load_s']} s", file=sys.stderr, flush=True)
    scanned = await Scan(database, engine, load_settings().embedder, report).run()
    tell(scanned.records, scanned.seconds, scanned.pairs)
    result["candidates_a_record"] = round(scanned.candidates / scanned.records, 1)
    return result


def resident() -> int:
    """Memory of this process, MiB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def report_platform(held: Held, show: int) -> dict[str, Any]:
    wanted = true_pairs(held.truth)
    found = held.merged | {about for about, score in held.scored.items() if score >= SAME}
    false_merges = held.merged - wanted
    result: dict[str, Any] = {
        "records": len(held.truth),
        "same_pairs": len(wanted),
        "traps": dict(Counter(what.trap for what in held.truth.values() if what.trap)),
        **figures(found, wanted),
        "merged_by_rule": len(held.merged),
        "false_automatic_merges": len(false_merges),
        "blocking_recall": round(len(wanted & (held.by_key | held.by_engine)) / len(wanted), 5),
        "blocking_recall_engine_alone": round(len(wanted & held.by_engine) / len(wanted), 5),
        "queue": len(held.scored),
        "queue_calibration": (bands := calibration(held.scored, wanted)),
        "queue_calibration_error": round(
            sum(band["pairs"] * abs(band["mean_score"] - band["same"]) for band in bands) / max(1, len(held.scored)), 4
        ),
        "by_right": {},
        "load_s": round(held.load_s, 1),
        "scan_s": round(held.scanned.seconds, 1),
        "scan_records_per_s": round(held.scanned.records / held.scanned.seconds),
    }
    for right in sorted({what.right for what in held.truth.values()}):
        of_right = {about for about in wanted if held.truth[about[0]].right == right}
        result["by_right"][right] = figures({p for p in found if held.truth[p[0]].right == right}, of_right)
    for title, pairs in (
        ("not met", wanted - held.by_key - held.by_engine),
        ("missed", (wanted & (held.by_key | held.by_engine)) - found),
        ("wrong", found - wanted),
    ):
        for about in sorted(pairs)[:show]:
            a, b = held.profiles[about[0]], held.profiles[about[1]]
            print(f"\n{title}: {held.scored.get(about)} {held.truth[about[0]]} {held.truth[about[1]]}\n  {a}\n  {b}")
    return result


def calibration(scored: dict[Pair, float], wanted: set[Pair]) -> list[dict[str, Any]]:
    """By tenths of the score: pairs, their mean score, and the share of them that is the same."""
    bands: dict[int, list[Pair]] = {}
    for about, score in scored.items():
        bands.setdefault(min(int(score * TENTHS), TENTHS - 1), []).append(about)
    return [
        {
            "from": band / TENTHS,
            "pairs": len(pairs),
            "mean_score": round(sum(scored[about] for about in pairs) / len(pairs), 3),
            "same": round(len(wanted & set(pairs)) / len(pairs), 3),
        }
        for band, pairs in sorted(bands.items())
    ]


# ------------------------------------------------------------------------------------------------------------ splink


def splink(held: Held) -> dict[str, Any]:
    """Splink 5 with its DuckDB back end, linking the two feeds on the fields that our own comparison reads.

    It is given the same number, date and name fields (the first of each list where it takes one value), blocking rules
    wide enough for errors in any of them, u from random pairs and m by expectation maximisation over three blockings.
    """
    import duckdb
    import pyarrow as pa
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    begun = time.monotonic()
    rows: dict[str, list[dict[str, Any]]] = {"a": [], "b": []}
    for found in held.profiles.values():
        rows["b" if found.provider == "XN" else "a"].append(_row(found))
    database = DuckDBAPI(connection=duckdb.connect())
    tables = [database.register(pa.Table.from_pylist(rows[name]), dataset_display_name=name) for name in ("a", "b")]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.DamerauLevenshteinAtThresholds("number", [1]),
            cl.DamerauLevenshteinAtThresholds("application", [1]),
            cl.ExactMatch("kind"),
            cl.DamerauLevenshteinAtThresholds("published", [1, 2]),
            cl.DamerauLevenshteinAtThresholds("filed", [1, 2]),
            cl.JaroWinklerAtThresholds("title", [0.97, 0.9, 0.8]),
            cl.JaroWinklerAtThresholds("owner", [0.97, 0.88]).configure(term_frequency_adjustments=True),
            cl.ArrayIntersectAtSizes("creators", [3, 2, 1]),
            cl.ArrayIntersectAtSizes("classes", [2, 1]),
            cl.DamerauLevenshteinAtThresholds("priority", [1]),
            cl.JaroWinklerAtThresholds("sign", [0.97, 0.88]),
            cl.ExactMatch("design"),
            cl.DamerauLevenshteinAtThresholds("identifier", [1]),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("office", "number"),
            block_on("office", "application"),
            block_on("office", "published", "owner"),
            block_on("office", "filed", "owner"),
            block_on("office", "published", "class"),
            block_on("office", "filed", "class"),
            block_on("office", "title"),
            block_on("office", "priority"),
            block_on("office", "sign"),
            block_on("identifier"),
        ],
        probability_two_random_records_match=1 / max(1, len(rows["a"])),
    )
    linker = Linker(tables, settings)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6)
    for blocking in (block_on("office", "number"), block_on("office", "filed", "owner"), block_on("office", "title")):
        linker.training.estimate_parameters_using_expectation_maximisation(blocking)
    predicted = linker.inference.predict(threshold_match_probability=0.01).as_record_list()
    seconds = time.monotonic() - begun
    wanted = true_pairs(held.truth)
    chances = {pair(row["unique_id_l"], row["unique_id_r"]): row["match_probability"] for row in predicted}
    at_half = figures({about for about, chance in chances.items() if chance >= SAME}, wanted)
    best = max(
        (
            {**figures({about for about, chance in chances.items() if chance >= threshold}, wanted), "at": threshold}
            for threshold in (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 0.99999, 0.999999)
        ),
        key=lambda found: found["f1"],
    )
    return {
        "at_0.5": at_half,
        "at_its_best_threshold": best,
        "blocking_recall": round(len(wanted & chances.keys()) / len(wanted), 5),
        "seconds": round(seconds, 1),
        "records_per_s": round(len(held.profiles) / seconds),
    }


def _row(found: Profile) -> dict[str, Any]:
    def first(values: Iterable[str]) -> str | None:
        return next(iter(values), None)

    numbers = {
        "patent": ("publication",),
        "trademark": ("application",),
        "design": ("registration",),
        "copyright": ("work",),
    }
    classes = sorted({symbol for held in found.classes.values() for symbol in held})
    owner = found.owners[0] if found.owners else None
    return {
        "unique_id": found.id,
        "office": f"{found.right} {found.office}",
        "number": first(n for type_ in numbers[found.right] for n in found.numbers.get(type_, ())),
        "application": first(found.numbers.get("application", found.numbers.get("pct-application", ()))),
        "kind": found.kind,
        "published": found.dates.get("publication") or found.dates.get("registration"),
        "filed": found.dates.get("filing"),
        "title": found.titles.get("en") or first(found.titles.values()),
        "owner": (owner[1] or owner[0]) if owner else None,
        "creators": [name[1] or name[0] for name in found.creators] or None,
        "classes": classes or None,
        "class": classes[0] if classes else None,
        "priority": first(number for number, _ in found.priorities),
        "sign": first(found.marks),
        "design": found.design_index,
        "identifier": first(found.numbers.get("isbn", ())),
    }


# -------------------------------------------------------------------------------------------------------------- main


async def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    results: dict[str, Any] = {}
    with Engines(load_settings()) as engines:
        if options.scan:
            made = World(options.seeds[0], round(options.scan / RECORDS_AN_INVENTION))
            scan = partial(scan_alone, keep=partial(write, options.json))
            return {"scan": await in_a_database_of_its_own(engines, scan, made)}
        for seed in options.seeds:
            held = await in_a_database_of_its_own(engines, load_and_scan, World(seed, options.inventions))
            results[f"seed {seed}"] = {"platform": report_platform(held, options.show)}
            if options.splink:
                results[f"seed {seed}"]["splink"] = splink(held)
            write(options.json, results)
    if options.names is not None:
        from benchmarks.data.names import benchmark as names

        results["names"] = names(options.names)
    return results


async def in_a_database_of_its_own(engines: Engines, do: Callable[..., Awaitable[T]], world: World) -> T:
    """Gives a world's feeds to `do`; database and indices go again."""
    server = make_url(engines.database_url)
    name = f"bench_{secrets.token_hex(4)}"
    admin = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')  # type: ignore[call-overload]
    database = Database(server.set(database=name))
    try:
        database.migrate()
        async with Engine(engines.opensearch_url, f"bench-{secrets.token_hex(4)}") as engine:
            try:
                with tempfile.TemporaryDirectory() as folder:
                    return await do(database, engine, world.feeds(), Path(folder))
            finally:
                await engine.uninstall()
    finally:
        database.close()
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')  # type: ignore[call-overload]


def write(path: Path | None, results: Any) -> str:
    """As JSON, into `path` where there is one."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    if path:
        path.write_text(text, "utf-8")
    return text


def seeds(given: str) -> list[int]:
    return [int(seed) for seed in given.split(",") if seed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=[7, 8, 9], help="one world each; '': none")
    parser.add_argument("--inventions", type=int, default=1300, help="about six records each")
    parser.add_argument("--scan", type=int, metavar="RECORDS", help="only time and memory of a scan of about so many")
    parser.add_argument("--show", type=int, default=0, help="so many wrong and missed pairs of each sort")
    parser.add_argument("--no-splink", dest="splink", action="store_false")
    parser.add_argument("--names", type=Path, help="folder with patstat_nl/ and patentsview/")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    results = asyncio.run(benchmark(options))
    sys.stdout.write(write(options.json, results) + "\n")


if __name__ == "__main__":
    main()
