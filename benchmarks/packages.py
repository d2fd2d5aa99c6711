"""How fast packages are made, beside a plain zip with SHA-256 of the very same bytes, and what memory that takes.

    python -m benchmarks.packages [--records 50000] [--json FILE]

Enters small DOCDB records of our own in archive and ledger, from which packages are made, builds a certified package of
all of them in a process of its own, checks it as `concord verify` does in another, then writes the same members with
zipfile and hashes them. Aim: at least 0.7 of the plain rate; where other work goes on beside it, the ratio of CPU
seconds says more than that of wall-clock seconds. Engines: those of the settings, or embedded.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import json
import multiprocessing
import os
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import psutil

from api.exchange import asic, packages
from api.exchange.packages import Builder, path_of
from api.exchange.signatures import fingerprint, load_certificate
from common.settings import load_settings
from compose.embedded.engines import Engines
from indexer.ledger import Ledger
from indexer.reading import Sender, read, survey
from store.exchange import Package
from tests.exchange.offices import agreed, party
from tests.exchange.test_packages import TERMS
from tests.pipeline import docdb
from tests.platforms import Platform, running


def enter(platform: Platform, provider: str, path: Path) -> None:
    """What the pipeline does with a delivery, but for vectors and search."""
    archive, ledger = platform.settings.archive_location, Ledger(platform.database)
    sender = Sender(provider, "default")
    entered = ledger.register(sender, str(path), list(survey([path], archive)))
    sender = Sender(provider, "default", entered.sequence)
    tasks = {task.member_id: task for task in entered.tasks}
    with ledger.alone(entered.sequence):
        for batch in read(list(entered.tasks), sender, archive):
            ledger.commit(batch, tasks[batch.member_id], entered.sequence, replay=entered.replay)


def build(settings: Any, package: str, result: Any) -> None:
    """In a process of its own: seconds, CPU seconds, and its memory after the first tenth of the pages, at most and at
    the end."""
    from api.dependencies import Services
    from api.search.engine import Engine
    from store.database import Database

    database = Database(settings.database_url.get_secret_value())
    services = Services(settings, database, Engine(settings.opensearch_url, settings.index_prefix))
    process = psutil.Process()
    seen: list[int] = []
    plain = Builder._write

    def watched(self: Builder, *arguments: Any) -> None:
        plain(self, *arguments)
        seen.append(process.memory_info().rss)

    Builder._write = watched  # type: ignore[assignment, method-assign]
    with database.session() as session:
        entry = session.get_one(Package, package)
    gc.collect()
    gc.freeze()  # as a worker does
    clock = Clock()
    Builder(services, entry).run()
    seconds = clock.read()
    early = max(seen[: max(1, len(seen) // 10)])
    result.send((seconds, (early, max(seen), seen[-1]), path_of(services, package)))


class Clock:
    """Seconds and CPU seconds of this process since it was made."""

    def __init__(self) -> None:
        self.started = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self.started[0], time.process_time() - self.started[1]


def peak() -> int:
    """Most memory that this process has held, in bytes. Not `ru_maxrss`: that begins with what the process held that
    made this one."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def verify(path: Path, certificate: str, result: Any) -> None:
    """In a process of its own: seconds and CPU seconds of `concord verify`'s check, and how much its memory grew."""
    signer = load_certificate(certificate)
    before = peak()
    clock = Clock()
    asic.check(path, {fingerprint(signer): signer})
    result.send((clock.read(), peak() - before))


def plain_zip(source: Path, target: Path) -> tuple[float, float, int]:
    """Seconds and CPU seconds that zipfile and hashlib take for the same members, and their bytes; reading them out of
    the package is not counted."""
    seconds, cpu, size = 0.0, 0.0, 0
    with zipfile.ZipFile(source) as held, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for info in held.infolist():
            content = held.read(info)
            size += len(content)
            clock = Clock()
            made.writestr(info.filename, content, info.compress_type)
            hashlib.sha256(content).digest()
            seconds, cpu = seconds + (took := clock.read())[0], cpu + took[1]
        clock = Clock()
    took = clock.read()
    return seconds + took[0], cpu + took[1], size


async def measure(opensearch_url: str, database_url: str, records: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        async with running(opensearch_url, database_url, Path(home)) as platform:
            provider, beneficiary = party(platform), party(platform)
            path = docdb.write(Path(home) / "1.xml", (docdb.document(n) for n in range(records)))
            await asyncio.to_thread(enter, platform, provider.office, path)
            number = await agreed(provider, beneficiary, **TERMS)
            caller = packages.receiver(
                Package(id="0", agreement=number, office=beneficiary.office, purpose="examination", role="office-agent")
            )
            with platform.database.session() as session:
                entry = packages.order(session, caller, "examination", number, {}, None)
            context = multiprocessing.get_context("spawn")
            here, there = context.Pipe()
            worker = context.Process(target=build, args=(platform.settings, entry.id, there))
            worker.start()
            there.close()  # so that a worker that dies is noticed
            (seconds, cpu), (early, most, last), path = await asyncio.to_thread(here.recv)
            worker.join()
            here, there = context.Pipe()
            checker = context.Process(target=verify, args=(path, provider.holder.pem, there))
            checker.start()
            there.close()
            (check_s, check_cpu), check_memory = await asyncio.to_thread(here.recv)
            checker.join()
            plain, plain_cpu, size = plain_zip(path, Path(home) / "plain.zip")
            return {
                "records": records,
                "cores": os.cpu_count(),
                "load_average": [round(value, 1) for value in os.getloadavg()],
                "bytes": size,
                "package_s": round(seconds, 2),
                "package_records_per_s": round(records / seconds),
                "plain_zip_s": round(plain, 2),
                "plain_zip_records_per_s": round(records / plain),
                "ratio": round(plain / seconds, 2),
                "package_cpu_s": round(cpu, 2),
                "plain_zip_cpu_s": round(plain_cpu, 2),
                "cpu_ratio": round(plain_cpu / cpu, 2),
                "memory_after_a_tenth_mb": early >> 20,
                "memory_most_mb": most >> 20,
                "memory_last_mb": last >> 20,
                "verify_s": round(check_s, 2),
                "verify_cpu_s": round(check_cpu, 2),
                "verify_memory_mb": round(check_memory / 2**20, 1),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    with Engines(load_settings()) as engines:
        result = asyncio.run(measure(engines.opensearch_url, engines.database_url, options.records))
    print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
