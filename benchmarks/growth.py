"""How search grows with what is held: the same queries at 10,000, 100,000, 1,000,000 records, the API beside raw.

    python -m benchmarks.growth [--records 10000,100000] [--seconds 12] [--json FILE]

One index grows from size to size, by the generator of the ingest benchmark; at each size `concord serve`, a process of
its own, is asked beside the very requests that the engine module sends for the same queries, by turns, through one
client (as in `python -m benchmarks.search`). The index is not merged: it stands as loading left it. Aim: p95 at most
twice as long from 100,000 to 1,000,000. That takes hours of filling on two cores: `--records 10000,100000,1000000`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.search import CASES, Clients, grow, one_client, platform, prepare_cases, ready, served
from common.settings import Settings

FACETED = [case for case in CASES if "facets" in case.name]


async def measure(settings: Settings, key: str, seconds: float) -> dict[str, Any]:
    """p50 and p95 of each case, raw and over the API."""
    prepared = await prepare_cases(settings, key, FACETED)
    found: dict[str, Any] = {}
    with served(settings) as (url, _):
        async with aiohttp.ClientSession() as session:
            await ready(session, url)
            clients = Clients(session, str(settings.opensearch_url), url, key)
            for name, pairs in prepared.items():
                for body, sent in pairs:
                    await clients.raw(sent)
                    await clients.ours(body)
                raw, ours = await one_client(clients, pairs, seconds)
                found[name] = {"raw": raw.figures(), "api": ours.figures()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", default="10000,100000", help="sizes, from small to large")
    parser.add_argument("--seconds", type=float, default=12, help="for each case at each size")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    sizes = sorted(int(size) for size in options.records.split(","))
    result: dict[str, Any] = {"cores": os.cpu_count(), "sizes": []}
    with platform(f"benchmark-{secrets.token_hex(3)}") as (settings, key):
        held = 0
        for size in sizes:
            filled_s = asyncio.run(grow(str(settings.opensearch_url), settings.index_prefix, held, size))
            cases = asyncio.run(measure(settings, key, options.seconds))
            load = [round(value, 1) for value in os.getloadavg()]
            result["sizes"].append({"records": size, "filled_s": round(filled_s), "load_average": load, **cases})
            for case, found in cases.items():
                raw, ours = found["raw"], found["api"]
                print(
                    f"{size:>9,} {case:18} p50 {raw['p50_ms']:7.1f} raw {ours['p50_ms']:7.1f} API  "
                    f"p95 {raw['p95_ms']:7.1f} raw {ours['p95_ms']:7.1f} API",
                    file=sys.stderr,
                    flush=True,
                )
            held = size
    first, last = result["sizes"][0], result["sizes"][-1]
    result["p95_growth"] = {
        case.name: {
            side: round(last[case.name][side]["p95_ms"] / first[case.name][side]["p95_ms"], 2)
            for side in ("raw", "api")
        }
        for case in FACETED
    }
    text = json.dumps(result)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
