"""Whether a query in one language finds the record that exists only in another: recall@1/5/10 per language pair.

    python benchmarks/crosslang.py [--modes bm25,hybrid,…] [--topics unseen] [--filtered] [--json FILE]

600 records: each of the 60 topics of samples/topics in each of ten languages, one language a record, four topics a
neighbourhood, so that the nearest wrong answer is a near one. They are loaded as JSON lines through the pipeline, and
asked for over the API with the short query of the topic in every language. For a pair (query language, record
language) the record of the topic in that language competes with all 590 records of other topics in all languages; the
topic's records in the remaining languages are right answers too, and are taken out of the ranking rather than counted
for or against. With --filtered each search is also narrowed to the record's language, so that 60 records compete.
`--topics unseen`: topics of benchmarks/data/unseen, written apart from the lexicon, in place of the samples'.
`all ten` in the summary is the share of a topic's ten records among the first ten hits, nothing taken out.
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
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from api.access import keys, offices
from api.access.model import Role
from api.app import create_app
from common.settings import load_settings
from compose.embedded.engines import Engines
from indexer.engine import Engine
from indexer.pipeline import Pipeline
from indexer.reading import Sender
from indexer.vectors import Vectors
from samples.world import LANGUAGES, TOPICS, Topic, topics
from store.database import Database

PROVIDER = "XA"
"""A code for private use (ST.3): the records are nobody's."""
CUTS = (1, 5, 10)
DEPTH = 30
"""Hits asked for: ten, the nine other records of the topic that are taken out, and some more."""
AT_ONCE = 2
SETS = {"samples": TOPICS, "unseen": Path(__file__).parent / "data" / "unseen"}
"""Folders of topics. Whoever writes terms for the lexicon must not look into `unseen`."""

MODES: dict[str, dict[str, str]] = {
    "bm25": {"mode": "keyword", "expand": "none"},
    "vectors": {"mode": "semantic", "expand": "none"},
    "hybrid": {"mode": "hybrid", "expand": "none"},
    "terms": {"mode": "keyword", "expand": "broad"},
    "precise": {"mode": "hybrid", "expand": "precise"},
    "broad": {"mode": "hybrid", "expand": "broad"},
    "default": {},
}

Ranks = dict[tuple[str, str], list[int | None]]
"""(query language, record language) → rank of each topic's record, None where it is not among the first DEPTH."""


def write_delivery(folder: Path, chosen: Sequence[Topic]) -> dict[str, tuple[int, str]]:
    """One JSON lines file a language. Returns number → (topic, language)."""
    held: dict[str, tuple[int, str]] = {}
    for part, language in enumerate(LANGUAGES, 1):
        with (folder / f"{language}.jsonl").open("w", encoding="utf-8") as target:
            for position, topic in enumerate(chosen):
                number = f"{part:02d}{position + 1:05d}"
                held[number] = (position, language)
                line = {
                    "concord_record": 1,
                    "right": "patent",
                    "office": PROVIDER,
                    "kind": "A1",
                    "language": language,
                    "numbers": [{"type": "publication", "raw": number, "office": PROVIDER, "kind": "A1"}],
                    "dates": [{"type": "publication", "raw": "2024-05-02"}],
                    "texts": [
                        {"type": "title", "text": topic.title[language], "language": language},
                        {"type": "abstract", "text": topic.abstract[language], "language": language},
                    ],
                    "classifications": [{"scheme": "IPC", "symbol": symbol} for symbol in topic.ipc],
                }
                target.write(json.dumps(line, ensure_ascii=False) + "\n")
    return held


async def ranked(
    client: httpx.AsyncClient, query: str, options: dict[str, str], depth: int = DEPTH, **more: str
) -> list[str]:
    params = {"q": query, "size": str(depth), "facets": "", "highlight": "false", "help": "false", **options, **more}
    answer = await client.get("/v1/search", params=params)
    if answer.status_code == 503:  # a busy machine; the figures are about ranks
        await asyncio.sleep(2)
        answer = await client.get("/v1/search", params=params)
    if answer.status_code != 200:
        raise SystemExit(f"{query!r}: {answer.status_code} {answer.text}")
    return [hit["record"]["numbers"][0]["raw"] for hit in answer.json()["hits"]]


async def measure(
    client: httpx.AsyncClient,
    chosen: Sequence[Topic],
    held: dict[str, tuple[int, str]],
    options: dict[str, str],
    *,
    filtered: bool,
    depth: int = DEPTH,
    only: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Ranks of the topics asked for, in their order. `only`: places of those in `chosen`; None: all."""
    positions = range(len(chosen)) if only is None else only
    places_of = {position: place for place, position in enumerate(positions)}
    ranks: Ranks = {(asked, kept): [None] * len(places_of) for asked in LANGUAGES for kept in LANGUAGES}
    narrowed: Ranks = {pair: [None] * len(places_of) for pair in ranks}
    shares: list[float] = []
    spent: list[float] = []
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(position: int, asked: str) -> None:
        query = chosen[position].query[asked]
        async with gate:
            begun = time.perf_counter()
            found = await ranked(client, query, options, depth)
            spent.append(time.perf_counter() - begun)
        wrong = 0
        for number in found:
            topic, language = held[number]
            if topic == position:
                ranks[asked, language][places_of[position]] = wrong + 1
            else:
                wrong += 1
        shares.append(sum(held[number][0] == position for number in found[:10]) / len(LANGUAGES))
        for kept in LANGUAGES if filtered else ():
            async with gate:
                found = await ranked(client, query, options, depth, languages=kept)
            places = [rank for rank, number in enumerate(found, 1) if held[number][0] == position]
            narrowed[asked, kept][places_of[position]] = places[0] if places else None

    await asyncio.gather(*(one(position, asked) for position in positions for asked in LANGUAGES))
    spent.sort()
    result = {
        "ranks": ranks,
        "recall": recalls(ranks),
        "summary": summary(ranks),
        "all_ten_in_first_ten": round(sum(shares) / len(shares), 3),
        "ms_p50": round(spent[len(spent) // 2] * 1000),
        "missed": [
            [asked, kept, chosen[position].key, rank]
            for (asked, kept), places in ranks.items()
            for position, rank in zip(positions, places, strict=True)
            if rank is None or rank > 10
        ],
    }
    if filtered:
        result["filtered"] = {"recall": recalls(narrowed), "summary": summary(narrowed)}
    return result


def recall(places: Sequence[int | None], cut: int) -> float:
    return round(sum(rank is not None and rank <= cut for rank in places) / len(places), 4)


def recalls(ranks: Ranks) -> dict[str, dict[str, dict[str, float]]]:
    """Query language → record language → {"1", "5", "10"}."""
    return {
        asked: {kept: {str(cut): recall(ranks[asked, kept], cut) for cut in CUTS} for kept in LANGUAGES}
        for asked in LANGUAGES
    }


def summary(ranks: Ranks) -> dict[str, Any]:
    across = {pair: places for pair, places in ranks.items() if pair[0] != pair[1]}
    at_ten = {pair: recall(places, 10) for pair, places in ranks.items()}
    worst = min(at_ten, key=lambda pair: at_ten[pair])
    return {
        **{
            f"mean_recall_{cut}": round(sum(recall(places, cut) for places in across.values()) / len(across), 4)
            for cut in CUTS
        },
        "worst_pair": "→".join(worst),
        "worst_recall_10": at_ten[worst],
        "pairs_below_0.95": sum(value < 0.95 for value in at_ten.values()),
    }


def table(title: str, found: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = [f"\n{title}: recall@1/5/10 in percent; rows: query, columns: record"]
    lines.append("   " + "".join(f"{kept:>13}" for kept in LANGUAGES))
    for asked in LANGUAGES:
        cells = ["/".join(f"{found[asked][kept][str(cut)] * 100:.0f}" for cut in CUTS) for kept in LANGUAGES]
        lines.append(f"{asked} " + "".join(f"{cell:>13}" for cell in cells))
    return "\n".join(lines)


@asynccontextmanager
async def platform(
    url: str, database_url: str, work: Path, chosen: Sequence[Topic]
) -> AsyncIterator[tuple[httpx.AsyncClient, dict[str, tuple[int, str]]]]:
    """The topics loaded into a platform of their own: its client, and number → (topic, language)."""
    folder = work / "delivery"
    folder.mkdir()
    held = write_delivery(folder, chosen)
    prefix = f"benchmark-{secrets.token_hex(3)}-crosslang"
    settings = load_settings(
        home=work,
        opensearch_url=url,
        database_url=SecretStr(database_url),
        index_prefix=prefix,
        rate_limit=1_000_000,
        public_rate_limit=1_000_000,
        search_limit=30,
        secret_key=SecretStr(secrets.token_hex(32)),
    )
    database = Database(database_url)
    try:
        database.migrate()
        with Vectors(database, settings.embedder) as vectors:
            async with Engine(url, prefix) as engine:
                pipeline = Pipeline(database, engine, vectors, (work / "archive").as_uri())
                await pipeline.prepare()
                loaded = await pipeline.load([folder], Sender(PROVIDER, "crosslang"))
        if loaded.counts.indexed != len(held):
            raise SystemExit(f"{loaded.counts} of {len(held)} records")
        with database.session() as session:
            offices.ensure(session, PROVIDER)
            key = keys.create(session, office=PROVIDER, role=Role.EXAMINER, by="benchmark").key
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            headers = {"authorization": f"Bearer {key}"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://benchmark", headers=headers, timeout=60
            ) as client:
                yield client, held
    finally:
        database.close()
        async with Engine(url, prefix) as engine:
            await engine.uninstall()


@contextmanager
def engines_and_database() -> Iterator[tuple[str, str]]:
    """(OpenSearch URL, URL of a new PostgreSQL database that is dropped afterwards)."""
    with Engines(load_settings()) as engines:
        server = make_url(engines.database_url)
        name = f"benchmark_{secrets.token_hex(4)}"
        admin = server.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'create database "{name}"'.encode())
        try:
            yield engines.opensearch_url, server.set(database=name).render_as_string(hide_password=False)
        finally:
            with psycopg.connect(admin, autocommit=True) as connection:
                connection.execute(f'drop database "{name}" with (force)'.encode())


async def run(url: str, database_url: str, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    chosen = topics(SETS[options.topics])
    results: dict[str, Any] = {}
    async with platform(url, database_url, work, chosen) as (client, held):
        for mode in options.modes.split(","):
            found = await measure(client, chosen, held, MODES[mode], filtered=options.filtered)
            del found["ranks"]
            results[mode] = found
            print(table(mode, found["recall"]), file=sys.stderr)
            if options.filtered:
                narrowed = f"{mode}, narrowed to the record's language"
                print(table(narrowed, found["filtered"]["recall"]), file=sys.stderr)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modes", default="bm25,vectors,hybrid,default", help=", ".join(MODES))
    parser.add_argument("--topics", choices=SETS, default="samples", help="which set of topics")
    parser.add_argument("--filtered", action="store_true", help="also search narrowed to the record's language")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    unknown = set(options.modes.split(",")) - set(MODES)
    if unknown:
        parser.error(f"unknown modes: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as work, engines_and_database() as (url, address):
        results = asyncio.run(run(url, address, Path(work), options))
    print(
        json.dumps(
            {"cores": os.cpu_count(), "topics": len(topics(SETS[options.topics])), "modes": results}, ensure_ascii=False
        )
    )
    if options.json:
        options.json.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", "utf-8")
    head = f"\n{'':10}{'@1':>8}{'@5':>8}{'@10':>8}{'worst @10':>18}{'<0.95':>8}{'all ten':>9}{'p50 ms':>8}"
    print(head, file=sys.stderr)
    for mode, found in results.items():
        s = found["summary"]
        worst = f"{s['worst_recall_10']:.2f} {s['worst_pair']}"
        print(
            f"{mode:10}{s['mean_recall_1']:8.3f}{s['mean_recall_5']:8.3f}{s['mean_recall_10']:8.3f}{worst:>18}"
            f"{s['pairs_below_0.95']:8}{found['all_ten_in_first_ten']:9.3f}{found['ms_p50']:8}",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
