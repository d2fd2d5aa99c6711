"""What becomes of real office files: format × files × records × rejects, each rejected one with its reason.

    python -m benchmarks.real_files [FOLDER] [--json FILE]

FOLDER (default ../shared/data) holds files and an INDEX.tsv that says of each, among others, its `path` and its
`office`. Everything goes through the pipeline into fresh indices and a fresh database, one delivery an office, and what
the engine then holds is counted there. The command fails where a record is not accounted for, or where a file gives
neither records nor a reason. Engines: those of the settings, or embedded.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import secrets
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import orjson

from benchmarks.ingest import clean, drop_database, fresh_database
from common.settings import load_settings
from compose.embedded.engines import Engines
from indexer.engine import Engine
from indexer.pipeline import Pipeline
from indexer.reading import Sender
from indexer.vectors import Vectors
from mappings import aliases
from store.database import Database

CODES = {
    "USPTO": "US", "EUIPO": "EM", "OHIM": "EM", "EPO": "EP", "PATSTAT": "EP", "KIPO": "KR", "JPO": "JP", "WIPO": "WO",
    "CNIPA": "CN", "DPMA": "DE", "TIPO": "TW", "PRV": "SE", "PRH": "FI",
}  # fmt: skip
"""ST.3 code by the first word of the index's `office`."""

BY_FORMAT = """
select coalesce(format, case state when 'skipped' then '(no records: schemas, lists, texts)' else '(unreadable)' end),
       count(*), sum(records), sum(indexed + updated + unchanged), sum(rejected)
from delivery_members group by 1 order by 1
"""
REASONS = """
select d.provider, r.file, r.reason from rejects r join deliveries d on d.sequence = r.delivery
where r.severity = 'error' order by 1, 2, r.id
"""
SILENT = """
select m.file, m.member from delivery_members m where m.state in ('pending', 'reading')
   or (m.state in ('done', 'failed') and m.indexed + m.updated + m.unchanged = 0 and not exists (
       select 1 from rejects r where r.delivery = m.delivery and r.file = m.file and r.path = m.member))
"""


def deliveries(folder: Path) -> dict[str, list[Path]]:
    """ST.3 code → files of the office, in the order of the index."""
    found: dict[str, list[Path]] = defaultdict(list)
    with (folder / "INDEX.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            office = row["office"].replace("/", " ").split()[0]
            if (folder / row["path"]).is_file():
                found[CODES[office]].append(folder / row["path"])
    return found


async def load(database: Database, url: str, prefix: str, folder: Path, archive: Path, embedder: str) -> dict[str, Any]:
    totals: Counter[str] = Counter()
    with Vectors(database, embedder) as vectors:
        async with Engine(url, prefix) as engine:
            for code, paths in sorted(deliveries(folder).items()):
                pipeline = Pipeline(database, engine, vectors, archive.as_uri(), duplicates=False)
                loaded = await pipeline.load(paths, Sender(code, "real"))
                totals.update({key: value for key, value in loaded.summary().items() if isinstance(value, int)})
                print(f"{code}: {len(paths)} files, {loaded.counts.records} records", file=sys.stderr)
            searchable = {alias: await engine.count(alias) for alias in aliases(prefix)}
    return {**totals, "searchable": sum(searchable.values())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    settings = load_settings()
    prefix = f"benchmark-{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory() as work, Engines(settings) as engines:
        database_url, name = fresh_database(engines.database_url)
        database = Database(database_url)
        try:
            database.migrate()
            totals = asyncio.run(
                load(database, engines.opensearch_url, prefix, options.folder, Path(work) / "a", settings.embedder)
            )
            with database.driver() as connection:
                formats = connection.execute(BY_FORMAT).fetchall()
                reasons = connection.execute(REASONS).fetchall()
                silent = connection.execute(SILENT).fetchall()
                held = connection.execute("select count(*) from records where not deleted").fetchone()
        finally:
            asyncio.run(clean(engines.opensearch_url, [prefix]))
            database.close()
            drop_database(engines.database_url, name)
    print(f"{'format':44}{'files':>7}{'records':>9}{'taken':>7}{'rejects':>9}")
    for format, files, records, taken, rejected in formats:
        print(f"{format:44}{files:7}{records:9}{taken:7}{rejected:9}")
    print("\nRejected:")
    for provider, file, reason in reasons:
        print(f"  {provider} {Path(file).name}: {reason}")
    assert held is not None
    print(f"\n{orjson.dumps({**totals, 'held': held[0]}).decode()}")
    if options.json:
        result = {"formats": [[str(value) for value in row] for row in formats], **totals, "held": held[0]}
        options.json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    faults = [f"neither records nor a reason: {file} {member}" for file, member in silent]
    if held[0] != totals["searchable"]:
        faults.append(f"{held[0]} records are held, {totals['searchable']} are searchable")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
