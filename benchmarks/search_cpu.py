"""CPU that the application itself uses for a search, which hardly depends on what else the machine does.

    python -m benchmarks.search_cpu [--records 20000] [--rounds 10] [--index PREFIX]

The same records and queries as benchmarks/search.py. Each query is asked once of the engine; then it is asked again and
again while the engine's answers are given from memory, as the bytes that it sent. So what is counted is everything
between a request and its answer but HTTP at both ends: routing, rights, the audit (PostgreSQL is asked), the engine's
requests made and its answers read, redaction, reasons, JSON. Printed for each case: milliseconds of CPU of the process
for a search, the least and the median of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import secrets
import statistics
import time
from pathlib import Path
from typing import Any

import orjson
from starlette.types import Message

from api.app import create_app
from benchmarks.search import CASES, fill, platform, texts
from common.settings import Settings
from common.telemetry import configure_logs
from tests.platforms import http_scope

TIME_LEFT = re.compile(rb'"cancel_after_time_interval":"\d+ms"')


class Remembered:
    """The client's transport, which sends nothing twice."""

    def __init__(self, transport: Any) -> None:
        self.transport = transport
        self.answers: dict[tuple[str, str, bytes], bytes] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    async def perform_request(self, method: str, path: str, body: Any = None, **given: Any) -> Any:
        # Written and read by the client's own means, for that is part of what a search costs.
        serializer = self.transport.serializer
        content: bytes = b"" if body is None else serializer.dumps(body)
        key = (method, path, TIME_LEFT.sub(b"", content))
        if key not in self.answers:
            self.answers[key] = orjson.dumps(await self.transport.perform_request(method, path, body=body, **given))
        return serializer.loads(self.answers[key])


async def ask(app: Any, key: str, body: bytes) -> None:
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    headers = {"content_type": "application/json", "content_length": str(len(body))}
    await app(http_scope("POST", "/v1/search", authorization=f"Bearer {key}", **headers), receive, send)
    assert status == 200, status


async def measure(settings: Settings, key: str, rounds: int) -> dict[str, dict[str, float]]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        await app.state.warming
        client = app.state.services.engine.client
        client.transport = Remembered(client.transport)
        found = {}
        for case in CASES:
            bodies = [orjson.dumps({"q": text, "help": False, **case.options}) for text in texts()]
            spent = []
            for _ in range(rounds + 1):
                begun = time.process_time()
                for body in bodies:
                    await ask(app, key, body)
                spent.append((time.process_time() - begun) / len(bodies) * 1000)
            # The first round asked the engine.
            spent = spent[1:]
            found[case.name] = {"least_ms": round(min(spent), 2), "median_ms": round(statistics.median(spent), 2)}
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=10, help="of all queries")
    parser.add_argument("--index", help="prefix of indices that are kept")
    options = parser.parse_args()
    prefix = options.index or f"benchmark-{secrets.token_hex(3)}"
    with platform(prefix, keep=bool(options.index)) as (settings, key), Path(os.devnull).open("w") as nowhere:
        # A line is written for each request, as where it is served.
        configure_logs(settings.log_level, "json", nowhere)
        asyncio.run(fill(str(settings.opensearch_url), prefix, options.records))
        measured = asyncio.run(measure(settings, key, options.rounds))
    load = [round(value, 1) for value in os.getloadavg()]
    print(json.dumps({"records": options.records, "load_average": load, **measured}))


if __name__ == "__main__":
    main()
