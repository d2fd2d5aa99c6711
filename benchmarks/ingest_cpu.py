"""CPU that coming in costs for each record, stage by stage: a figure that hardly depends on what else the machine does.

    python -m benchmarks.ingest_cpu [--records 4000] [--rounds 3] [--json FILE]

The records of benchmarks/ingest.py go through the stages of a load one after the other, in this one process: archived,
read, harmonised, checked, written as JSON, handed to another process and taken over, decided and stored, embedded,
joined to documents, sent. Printed for each: milliseconds of CPU of this process a record, the least and the median of
the rounds; each round has a database and an index of its own, and caches that are empty. What PostgreSQL and the engine
spend is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import gc
import json
import os
import pickle
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from benchmarks.ingest import clean, drop_database, fresh_database, write_files
from common.settings import load_settings
from compose.embedded.engines import Engines
from indexer.archive import Archive
from indexer.embedding import text_hash
from indexer.engine import Engine
from indexer.formats.draft import Draft
from indexer.formats.reading import Context
from indexer.formats.table import by_name
from indexer.harmonise import harmonise
from indexer.ledger import Ledger
from indexer.pipeline import Pipeline
from indexer.reading import Batch, Sender, checked, origin_of, prepare, survey
from indexer.record import Record
from indexer.stored import document_of
from indexer.vectors import Vectors, embed
from indexer.writer import Change, Writer
from mappings import aliases
from store.database import Database

SENDER = Sender("EP", "benchmark")


class Spent:
    """Stage → seconds of CPU of this process."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0) + time.process_time() - begun


def forget() -> None:
    """Empties every cache of functions that the stages fill, so that a round finds them as the first did."""
    for found in gc.get_objects():
        if isinstance(found, functools._lru_cache_wrapper) and found.cache_parameters()["maxsize"] not in (None, 1, 2):
            found.cache_clear()


async def round_of(folder: Path, archive: Path, database: Database, url: str, prefix: str, embedder: str) -> Spent:
    """All stages once."""
    spent, ledger = Spent(), Ledger(database)
    with spent.on("archived"):
        found = list(survey([folder], archive.as_uri()))
    entered = ledger.register(SENDER, "benchmark", found)
    sender = Sender(SENDER.provider, SENDER.collection, entered.sequence)
    changes: list[Change] = []
    async with Engine(url, prefix) as engine:
        with Vectors(database, embedder, processes=0) as vectors:
            await Pipeline(database, engine, vectors, archive.as_uri()).prepare()
            embed(embedder, ["warm up"])
            for task in entered.tasks:
                row = by_name(task.format)
                with spent.on("read"), Archive(archive.as_uri()).open(task.sha256) as stream:
                    drafts = list(row.read(stream, Context(task.file, task.member, sender.provider)))
                with spent.on("harmonised"):
                    records = [
                        harmonise(draft, origin_of(draft, ordinal, task, sender, row))
                        for ordinal, draft in enumerate(drafts)
                        if isinstance(draft, Draft)
                    ]
                with spent.on("checked"):
                    whole = [checked(record) for record in records if isinstance(record, Record)]
                with spent.on("written as JSON"):
                    items = tuple(prepare(record, ordinal) for ordinal, record in enumerate(whole))
                assert len(items) == len(drafts)
                with spent.on("handed over"):
                    batch = pickle.loads(pickle.dumps(Batch(task.member_id, items, last=True, position=0)))
                with spent.on("decided and stored"):
                    committed = ledger.commit(batch, task, entered.sequence, replay=False)
                titles, texts = ([getattr(item, name) for item in items] for name in ("title", "text"))
                # Here and not in a thread, to which the allocator gives its memory page by page, each time anew.
                with spent.on("embedded"):
                    fresh = embed(embedder, titles + texts)
                with spent.on("vectors kept and taken"):
                    vectors.keep(dict(zip(map(text_hash, titles + texts), fresh, strict=True)))
                    made = await vectors.of_records(titles, texts)
                with spent.on("made documents"):
                    changes += [
                        Change(change.id, change.right, change.seq, document_of(change, vector, embedder))
                        for change, vector in zip(committed.changes, made, strict=True)
                    ]
        with spent.on("sent"):
            assert not await Writer(engine).write(changes)
        await engine.refresh(aliases(prefix))
        assert await engine.count(f"{prefix}-patent") == len(changes)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    settings = load_settings()
    rounds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as work, Engines(settings) as engines:
        folder = Path(work) / "delivery"
        folder.mkdir()
        write_files(folder, options.records)
        for number in range(options.rounds):
            forget()
            prefix = f"benchmark-{secrets.token_hex(3)}"
            address, name = fresh_database(engines.database_url)
            database = Database(address)
            try:
                database.migrate()
                archive = Path(work) / f"archive-{number}"
                spent = asyncio.run(
                    round_of(folder, archive, database, engines.opensearch_url, prefix, settings.embedder)
                )
            finally:
                asyncio.run(clean(engines.opensearch_url, [prefix]))
                database.close()
                drop_database(engines.database_url, name)
            rounds.append({stage: value / options.records * 1000 for stage, value in spent.seconds.items()})
            rounds[-1]["together"] = sum(rounds[-1].values())
    figures = {
        stage: (round(min(of), 2), round(statistics.median(of), 2))
        for stage in rounds[0]
        for of in ([one[stage] for one in rounds],)
    }
    result = {
        "records": options.records,
        "cores": os.cpu_count(),
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "ms_cpu_a_record": {stage: {"least": least, "median": median} for stage, (least, median) in figures.items()},
    }
    print(json.dumps(result))
    if options.json:
        options.json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    for stage, (least, median) in figures.items():
        print(f"{stage:24}{least:8.2f}{median:8.2f}", file=sys.stderr)


if __name__ == "__main__":
    main()
