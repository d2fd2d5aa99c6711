"""What breaks: one function a fault. Each does the harm, and lets go where it held something; coming back is the
platform's business. What it returns says that the harm was done."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import zipfile
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import httpx
import psutil

from tests.pipeline.docdb import OPEN, document, write
from tests.soak.disks import mountable
from tests.soak.load import Broken, Load, killed, limited
from tests.soak.site import OFFICE, PREFIX, WATERMARKS, WRITE_QUEUE

Fault = Callable[[Load], Awaitable[str]]


NEEDS_DISK = ("no room for a node", "no room for PostgreSQL")
"""Where nobody may mount a small disk, nobody can fill it."""


async def until(true: Callable[[], Awaitable[bool]], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not await true():
        if time.monotonic() > end:
            raise Broken(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(0.2)


async def kill(pid: int | None) -> None:
    """kill -9, and until it is gone: what is looked at next must not be what it was."""
    assert pid is not None
    process = psutil.Process(pid)
    process.kill()
    await asyncio.to_thread(process.wait, 30)


async def data_node(load: Load) -> str:
    """kill -9 of a node that is not the manager."""
    node = load.chance.choice(await asyncio.to_thread(load.site.others))
    await kill(node.pid)
    return f"{node.name} killed"


async def manager(load: Load) -> str:
    """kill -9 of the elected manager."""
    node = await asyncio.to_thread(load.site.manager)
    await kill(node.pid)
    return f"{node.name}, the manager, killed"


async def postgres(load: Load) -> str:
    """kill -9 of PostgreSQL, all of its connections with it."""
    await kill(load.site.postgres.pid)
    return "PostgreSQL killed"


async def worker(load: Load) -> str:
    """kill -9 of the worker, with a job in its hands."""
    path, name, ids = load.make(150)
    uploading = asyncio.create_task(load.upload(path))
    running = "select 1 from jobs where kind = 'delivery' and state = 'running'"
    while not uploading.done() and not await asyncio.to_thread(load.site.rows, running):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    harmed = not uploading.done()
    load.site.processes["worker"].kill()
    load.check_counts(path.name, await uploading, len(ids))
    load.held[name] = ids
    return "the worker killed under a delivery" if harmed else "the worker killed"


async def api(load: Load) -> str:
    """kill -9 of an API process while it answers."""
    number = load.chance.choice((1, 2))
    url, process = load.site.apis[number - 1], load.site.processes[f"api-{number}"]
    headers = {"authorization": f"Bearer {load.site.key}"}
    answers: Counter[str] = Counter()

    async def ask(client: httpx.AsyncClient) -> None:
        with suppress(httpx.HTTPError):
            answer = await client.get("/v1/search", params={"q": "valve", "size": 100})
            answer.json()  # half an answer is none: this would raise
            answers["whole"] += 1
            return
        answers["none"] += 1

    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30) as client:
        asking = [asyncio.create_task(ask(client)) for _ in range(10)]
        await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        process.kill()
        await asyncio.gather(*asking)
    return f"an API process killed under ten searches: {answers['whole']} answered, {answers['none']} broken off"


async def loader(load: Load) -> str:
    """kill -9 of `concord load` in the middle of a file; the same command again completes it."""
    path, name, ids = load.make(1500)
    process = load.site.start("load", path, "--provider", OFFICE, "--json")
    committed = (
        "select coalesce(sum(m.checkpoint), 0) from delivery_members m join deliveries d on d.sequence = m.delivery "
        "where d.name = %s"
    )
    while process.poll() is None:
        with suppress(Exception):  # the database may be what another fault has just ended
            if (await asyncio.to_thread(load.site.rows, committed, str(path)))[0][0]:
                break
        await asyncio.sleep(0.05)
    harmed = process.poll() is None
    await asyncio.to_thread(killed, process)
    load.check_counts(path.name, await load.load(path), len(ids))
    load.held[name] = ids
    return "the loader killed in the middle of a file" if harmed else "the loader was done before it was killed"


async def stopped_node(load: Load) -> str:
    """A node that stands still for some seconds and goes on: the slow engine."""
    node = load.chance.choice(load.site.cluster.nodes)
    seconds = load.chance.uniform(3, 8)
    pid = node.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)
    return f"{node.name} stood still for {seconds:.0f} s"


async def read_only(load: Load) -> str:
    """A block that somebody sets and lets go, while a delivery comes in. That of the flood stage the engine would take
    off by itself as soon as it looks at its disk."""
    path = f"/{PREFIX}-patent/_settings"
    setting = "index.blocks.write"
    await asyncio.to_thread(load.site.engine, "PUT", path, {setting: True})
    try:
        delivering = asyncio.create_task(load.deliver(by_upload=True))
        await asyncio.wait([delivering], timeout=4)
        if delivering.done():
            raise Broken("a delivery was acknowledged that the engine cannot have taken")
    finally:
        await asyncio.to_thread(load.site.engine, "PUT", path, {setting: None})
    await delivering
    return "the index took nothing for 4 s, and a delivery waited"


async def flood_stage(load: Load) -> str:
    """Disks beyond the flood stage: the engine itself blocks its indices, and lets go when there is room again."""
    site = load.site
    block = f"/{PREFIX}-patent/_settings/index.blocks.read_only_allow_delete?flat_settings=true"
    marks = {name: "999tb" for name in WATERMARKS if ".watermark." in name}

    async def blocked() -> bool:
        return "true" in (await asyncio.to_thread(site.engine, "GET", block)).text

    await asyncio.to_thread(site.engine, "PUT", "/_cluster/settings", {"transient": marks}, timeout_s=60)
    try:
        await until(blocked, "the engine blocks its indices")
        delivering = asyncio.create_task(load.deliver(by_upload=True))
        await asyncio.wait([delivering], timeout=3)
        if delivering.done():
            raise Broken("a delivery was acknowledged that the engine cannot have taken")
    finally:
        let_go = {"transient": dict.fromkeys(marks)}
        await asyncio.to_thread(site.engine, "PUT", "/_cluster/settings", let_go, timeout_s=60)
    await delivering
    return "the engine blocked its indices, a delivery waited, and the block went by itself"


async def full_node(load: Load) -> str:
    """Not a byte is left on a node's disk while deliveries come in: its copies fail, and others take over."""
    seconds = load.chance.uniform(4, 8)
    with load.site.disks["opensearch/node-2"].full():
        delivering = [asyncio.create_task(load.deliver(by_upload=True)) for _ in range(2)]
        await asyncio.sleep(seconds)
    await asyncio.gather(*delivering)
    return f"a node had no room for {seconds:.0f} s, and deliveries came in"


async def full_database(load: Load) -> str:
    """Not a byte is left on PostgreSQL's disk: loads are refused in plain words, and come in when there is room."""
    disk = load.site.disks["postgres"]
    path, name, ids = load.make(1500)
    with disk.full():
        # An upload that is under way meanwhile is a job, which is tried again until there is room.
        uploading = asyncio.create_task(load.deliver(by_upload=True))
        code, _, err = await load.once(path)
        if code == 0:
            raise Broken("1,500 records were acknowledged that the database had no room for")
        if b"Traceback" in err:
            raise Broken(f"no plain words: {err.decode()[-300:]}")
    load.check_counts(path.name, await load.load(path), len(ids))
    load.held[name] = ids
    await uploading
    return "PostgreSQL had no room, a load was refused, and came in later"


async def clock(load: Load) -> str:
    """The clock of an API process and of the worker goes ahead by days, then back by as many, then right again."""
    days = load.chance.randint(2, 400)
    try:
        for by in (days, -days, 0):
            load.site.set_clock(by * 86_400)
            await load.deliver(by_upload=True)
            await load.export()
    finally:
        load.site.set_clock(0)
    return f"clocks were {days} days ahead, then behind, and jobs went on"


async def storm(load: Load) -> str:
    """So many writers at once that the nodes' short queues are full: 429, for others' requests and ours."""
    index = f"{PREFIX}-storm"
    await asyncio.to_thread(load.site.engine, "PUT", f"/{index}", {"settings": {"number_of_replicas": 0}})
    body = ('{"index":{}}\n' + '{"words":"%s"}\n' % ("storm " * 400)) * 200
    statuses: Counter[int] = Counter()
    end = time.monotonic() + 4

    async def flood(client: httpx.AsyncClient, url: str) -> None:
        while time.monotonic() < end:
            with suppress(httpx.HTTPError):
                answer = await client.post(f"{url}/{index}/_bulk?filter_path=items.*.status", content=body)
                for item in answer.json().get("items", ()) if answer.is_success else ():
                    statuses[item["index"]["status"]] += 1
                if not answer.is_success:
                    statuses[answer.status_code] += 1

    headers = {"content-type": "application/x-ndjson"}
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=60, headers=headers) as client:
            writers = 3 * WRITE_QUEUE
            flooding = [flood(client, load.site.urls[n % len(load.site.urls)]) for n in range(writers)]
            await asyncio.gather(load.deliver(by_upload=True), *flooding)
    finally:
        await asyncio.to_thread(load.site.engine, "DELETE", f"/{index}", timeout_s=60)
    if not statuses[429]:
        raise Broken(f"the storm was none: {dict(statuses)}")
    return f"{statuses[429]} writes of {statuses.total()} turned away with 429"


async def poisoned(load: Load) -> str:
    """A delivery with a file that is cut short, one that is no record, and one that says it is an archive, among good
    ones."""
    path, name, ids = load.make(10)
    folder = path.with_suffix("")
    folder.mkdir()
    path.rename(folder / "good.xml")
    first = load.make(5)
    cut = write(folder / "cut.xml", [document(900_000 + load.chance.randrange(10_000))])
    text = cut.read_text("utf-8")
    cut.write_text(text[: text.index("</exch:exchange-document>") - 40], "utf-8")
    (folder / "page.xml").write_text("<html><body>503 try later</body></html>", "utf-8")
    with zipfile.ZipFile(folder / "hollow.zip", "w") as archive:
        archive.writestr("empty.xml", OPEN)
    (folder / "broken.zip").write_bytes((folder / "hollow.zip").read_bytes()[:60])
    first[0].rename(folder / "also-good.xml")
    counts = await load.load(folder)
    if counts["indexed"] != 15 or not counts["rejected"] or counts["records"] != 15 + counts["rejected"]:
        raise Broken(f"of 15 good records and some that are none came {counts}")
    load.held[name], load.held[first[1]] = ids, first[2]
    return f"15 records taken, {counts['rejected']} rejected"


async def full_archive(load: Load) -> str:
    """A delivery that the archive has no room for is refused in plain words and leaves nothing; later it comes in."""
    path, name, ids = load.make(30)
    code, _, err = await load.once(path, **limited(512))
    if code == 0:
        raise Broken("a delivery was acknowledged that cannot be in the archive")
    if b"archive" not in err or b"Traceback" in err:
        raise Broken(f"no plain words: {err.decode()[-300:]}")
    if await asyncio.to_thread(load.site.rows, "select 1 from records where id = any(%s)", sorted(ids)):
        raise Broken("records of a refused delivery are held")
    load.check_counts(path.name, await load.load(path), len(ids))
    load.held[name] = ids
    return "a delivery refused, and taken when there was room"


FAULTS: dict[str, Fault] = {
    "data node killed": data_node,
    "manager killed": manager,
    "PostgreSQL killed": postgres,
    "worker killed": worker,
    "API killed": api,
    "loader killed": loader,
    "node stands still": stopped_node,
    "write block": read_only,
    "429 storm": storm,
    "poisoned delivery": poisoned,
    "no room in the archive": full_archive,
    "flood stage": flood_stage,
    "no room for a node": full_node,
    "no room for PostgreSQL": full_database,
    "clock jumps": clock,
}


def here() -> list[str]:
    """Names of the faults that can be made on this machine by this user."""
    return [name for name in FAULTS if name not in NEEDS_DISK or mountable()]
