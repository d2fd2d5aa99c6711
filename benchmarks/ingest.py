"""How fast records come in: the pipeline from XML on disk to searchable, against raw `_bulk` of the same documents.

    python benchmarks/ingest.py [--records 20000] [--json FILE]

Writes its own DOCDB files, loads them with an empty cache, then sends exactly the documents that came of it to a fresh
index with the same writer (same requests, same number in flight). Both end with a refresh, when everything is
searchable; looking for duplicates comes after that and is not counted (`python -m benchmarks.duplicates` does). A third
figure loads with every vector already cached, as a re-load or a reindex does. Engines: those of the settings, or
embedded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
import psycopg
from sqlalchemy.engine import make_url

from common.settings import load_settings
from compose.embedded.engines import Engines
from indexer.engine import Engine
from indexer.pipeline import Pipeline
from indexer.reading import Sender
from indexer.reindex import newest
from indexer.stored import document_of, stored_changes
from indexer.vectors import Vectors
from indexer.writer import Change, Writer
from mappings import aliases
from store.database import Database

FILES = 10
PARTS = {
    "thing": "valve pump separator electrode antenna bearing lens turbine catalyst membrane housing sensor coil rotor",
    "quality": "ceramic flexible sealed adaptive coated modular porous resilient composite tubular layered magnetic",
    "use": "refrigeration|storage cells|water treatment|vehicle brakes|optical measurement|wind power|medical imaging",
    "verb": "comprises supports receives drives filters guides cools measures connects encloses separates releases",
    "who": "NORTH SAMPLE WORKS|Alder Made Up AG|Beispiel Geraete GmbH|Exemplaire Mecanique SA|Invented Optics Ltd",
}
WORDS = {key: value.split("|") if "|" in value else value.split() for key, value in PARTS.items()}


def sentence(chance: random.Random) -> str:
    pick = {key: chance.choice(words) for key, words in WORDS.items()}
    return (
        f"The {pick['quality']} {pick['thing']} {pick['verb']} a {chance.choice(WORDS['quality'])} "
        f"{chance.choice(WORDS['thing'])} for {pick['use']} with a ratio of {chance.randrange(1, 90)} percent."
    )


RECORD = """<exch:exchange-document country="EP" doc-number="{publication}" kind="A1" date-publ="20230104" \
family-id="{number}" status="C"><exch:bibliographic-data><exch:publication-reference data-format="docdb"><document-id>\
<country>EP</country><doc-number>{publication}</doc-number><kind>A1</kind><date>20230104</date></document-id>\
</exch:publication-reference><exch:classifications-ipcr>{symbols}</exch:classifications-ipcr>\
<exch:application-reference data-format="docdb"><document-id><country>EP</country>\
<doc-number>{application}</doc-number><kind>A</kind><date>20210701</date></document-id></exch:application-reference><exch:priority-claims>\
<exch:priority-claim sequence="1" data-format="docdb"><document-id><country>DE</country>\
<doc-number>1020200{number:05d}</doc-number><kind>A</kind><date>20200702</date></document-id></exch:priority-claim>\
</exch:priority-claims><exch:parties><exch:applicants>{applicants}</exch:applicants></exch:parties>\
<exch:invention-title lang="en" data-format="docdba">{title}</exch:invention-title>\
<exch:invention-title lang="de" data-format="docdba">Vorrichtung {number} mit {title}</exch:invention-title>\
<exch:references-cited>{citations}</exch:references-cited></exch:bibliographic-data>\
<exch:abstract lang="en" data-format="docdba"><exch:p>{abstract}</exch:p></exch:abstract></exch:exchange-document>
"""
SYMBOL = """<classification-ipcr sequence="{position}"><text>{symbol:<19}20060101A{first}I20230104BHEP        </text>\
</classification-ipcr>"""
APPLICANT = """<exch:applicant sequence="{position}" data-format="docdb"><exch:applicant-name><name>{name}</name>\
</exch:applicant-name><residence><country>DE</country></residence></exch:applicant>"""
CITATION = """<exch:citation sequence="{position}" cited-phase="SEA"><patcit num="{position}"><document-id>\
<country>US</country><doc-number>{cited}</doc-number><kind>A</kind></document-id></patcit></exch:citation>"""


def publication(number: int, chance: random.Random) -> str:
    """A DOCDB record of about 3 kB: two titles, an abstract of 500 characters, parties, classes, citations."""
    quality, thing, use = (chance.choice(WORDS[key]) for key in ("quality", "thing", "use"))
    return RECORD.format(
        number=number,
        publication=3_000_000 + number,
        application=21_000_000 + number,
        title=f"{quality} {thing} for {use} {number}",
        abstract=" ".join(sentence(chance) for _ in range(5)),
        symbols="".join(
            SYMBOL.format(
                position=position,
                symbol=f"{letter}{chance.randrange(1, 99):02d}{chance.choice('BCDKM')}  {chance.randrange(1, 90):2d}/"
                f"{chance.randrange(1, 99):02d}",
                first="FL"[position > 1],
            )
            for position, letter in enumerate(chance.choices("ABCFGH", k=3), 1)
        ),
        applicants="".join(
            APPLICANT.format(position=position, name=name)
            for position, name in enumerate(chance.sample(WORDS["who"], 2), 1)
        ),
        citations="".join(
            CITATION.format(position=position, cited=chance.randrange(5_000_000, 9_999_999)) for position in range(1, 5)
        ),
    )


def write_files(folder: Path, records: int) -> int:
    """Writes the delivery; returns its bytes."""
    chance = random.Random(7)  # the same records every time
    for part in range(FILES):
        with (folder / f"part-{part:02d}.xml").open("w", encoding="utf-8") as target:
            target.write('<?xml version="1.0" encoding="UTF-8"?>\n')
            target.write('<exch:exchange-documents xmlns:exch="http://www.epo.org/exchange">\n')
            for number in range(part * records // FILES, (part + 1) * records // FILES):
                target.write(publication(number, chance))
            target.write("</exch:exchange-documents>\n")
    return sum(path.stat().st_size for path in folder.iterdir())


async def load(database: Database, url: str, prefix: str, folder: Path, archive: Path, embedder: str) -> dict[str, Any]:
    """The pipeline into fresh indices, which are made before the clock starts, as are the models."""
    with Vectors(database, embedder) as vectors:
        async with Engine(url, prefix) as engine:
            pipeline = Pipeline(database, engine, vectors, archive.as_uri(), duplicates=False)
            await pipeline.prepare()
            await vectors.of(["warm up"])
            made_before = vectors.made
            begun, spent = time.monotonic(), os.times()
            loaded = await pipeline.load([folder], Sender("EP", "benchmark"))
            seconds, after = time.monotonic() - begun, os.times()
    assert loaded.counts.indexed == loaded.counts.records, loaded
    return {
        "seconds": round(seconds, 2),
        "records_per_second": round(loaded.counts.records / seconds, 1),
        "main_process_cpu_s": round(after.user + after.system - spent.user - spent.system, 1),
        "embedded_texts": vectors.made - made_before,
    }


async def raw(database: Database, url: str, prefix: str, embedder: str) -> dict[str, Any]:
    """The documents that the pipeline made, finished beforehand, through the writer alone."""
    changes: list[Change] = []
    with Vectors(database, embedder) as vectors:
        for part in stored_changes(database, 1, newest(database)):
            found = await vectors.of_records([change.title for change in part], [change.text for change in part])
            changes += [
                Change(change.id, change.right, change.seq, document_of(change, vector, embedder))
                for change, vector in zip(part, found, strict=True)
            ]
        async with Engine(url, prefix) as engine:
            await Pipeline(database, engine, vectors, "memory://unused").prepare()
            writer = Writer(engine)
            begun = time.monotonic()
            failures = await writer.write(changes)
            await engine.refresh(aliases(prefix))
            seconds = time.monotonic() - begun
            assert not failures
            assert await engine.count(f"{prefix}-patent") == len(changes)
    return {
        "seconds": round(seconds, 2),
        "records_per_second": round(len(changes) / seconds, 1),
        "bytes_per_document": sum(len(change.document or b"") for change in changes) // len(changes),
    }


async def clean(url: str, prefixes: list[str]) -> None:
    for prefix in prefixes:
        async with Engine(url, prefix) as engine:
            await engine.uninstall()


def fresh_database(server: str) -> tuple[str, str]:
    """(URL of a new database, its name)."""
    name = f"benchmark_{secrets.token_hex(4)}"
    address = make_url(server)
    admin = address.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'create database "{name}"'.encode())
    return address.set(database=name).render_as_string(hide_password=False), name


def drop_database(server: str, name: str) -> None:
    admin = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)'.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    settings = load_settings()
    run = secrets.token_hex(3)
    prefixes = [f"benchmark-{run}-{name}" for name in ("pipeline", "raw", "cached")]
    with tempfile.TemporaryDirectory() as work, Engines(settings) as engines:
        folder = Path(work) / "delivery"
        folder.mkdir()
        size = write_files(folder, options.records)
        url = engines.opensearch_url
        database_url, name = fresh_database(engines.database_url)
        database = Database(database_url)
        try:
            database.migrate()
            embedder = settings.embedder
            full = asyncio.run(load(database, url, prefixes[0], folder, Path(work) / "archive", embedder))
            alone = asyncio.run(raw(database, url, prefixes[1], embedder))
            with database.driver() as connection:
                connection.execute("truncate deliveries, delivery_members, records, record_versions, rejects")
            cached = asyncio.run(load(database, url, prefixes[2], folder, Path(work) / "archive", embedder))
        finally:
            asyncio.run(clean(url, prefixes))
            database.close()
            drop_database(engines.database_url, name)
    result = {
        "records": options.records,
        "xml_bytes": size,
        "cores": os.cpu_count(),
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "raw": alone,
        "pipeline": full,
        "pipeline_with_cached_vectors": cached,
        "ratio": round(full["records_per_second"] / alone["records_per_second"], 3),
        "ratio_with_cached_vectors": round(cached["records_per_second"] / alone["records_per_second"], 3),
    }
    print(json.dumps(result))
    if options.json:
        options.json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    print(f"\n{'':32}{'records/s':>12}{'of raw':>10}", file=sys.stderr)
    for label, entry in (
        ("raw _bulk", alone),
        ("pipeline, XML to searchable", full),
        ("pipeline, vectors cached", cached),
    ):
        ratio = entry["records_per_second"] / alone["records_per_second"]
        print(f"{label:32}{entry['records_per_second']:12,.0f}{ratio:10.2f}", file=sys.stderr)


if __name__ == "__main__":
    main()
