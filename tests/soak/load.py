"""A steady load on a site, and what it was promised: what was acknowledged must be there, once, whatever breaks."""

from __future__ import annotations

import asyncio
import itertools
import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from tests.pipeline.docdb import FIRST, document, record_id, write
from tests.soak.site import OFFICE, Site

RECORDS = 40
"""Records of a delivery."""
PAGE = 100
LETTERS = "bdfgjkmpqvwxz"
"""No word of any language, no stem, and nothing that an analyser takes apart."""
PATIENCE_S = 300
"""After which a delivery or an export that is not done counts as lost."""
JOB_OVER = ("done", "failed", "cancelled")


def word(number: int) -> str:
    """A word that only the delivery of this number has."""
    letters = "".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(4))
    return f"{letters}ax"


def exported_id(line: bytes) -> str:
    """Of a record as an export has it: by the number under which it was published."""
    numbers = orjson.loads(line)["numbers"]
    (published,) = (number["raw"] for number in numbers if number["type"] == "publication")
    return record_id(int(published) - FIRST)


class Broken(AssertionError):
    """Something acknowledged is not there, is there twice, or an answer was not true."""


@dataclass
class Load:
    """Deliveries, searches and exports; `held` says what was acknowledged: word → ids of the records that have it."""

    site: Site
    folder: Path
    chance: random.Random
    held: dict[str, set[str]] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    """What the platform answered, in words."""
    broken: list[str] = field(default_factory=list)
    slowest_s: float = 0
    """Longest time from a delivery's first byte to its acknowledgement."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _next: int = 0
    _unsettled: set[str] = field(default_factory=set)
    """Words whose records are just being changed."""

    # ---------------------------------------------------------------------------------------------------- deliveries

    def make(self, records: int = RECORDS) -> tuple[Path, str, set[str]]:
        """A delivery of its own: (file, its word, its records)."""
        first, self._next = self._next, self._next + records
        name = word(next(self._numbers))
        documents = [document(first + n, f"Valve {name} number {n} for a heat pump") for n in range(records)]
        path = write(self.folder / f"{name}.xml", documents)
        return path, name, {record_id(first + n) for n in range(records)}

    async def upload(self, path: Path) -> dict[str, Any]:
        """Over the API, until it is done. A client sends again what it got no answer to: that changes nothing."""
        begun = time.monotonic()
        content = await asyncio.to_thread(path.read_bytes)
        job = await self._asked("POST", f"/v1/deliveries?name={path.name}", content=content, expected=202)
        done = await self._over(f"/v1/jobs/{job['id']}")
        if done["state"] != "done":
            raise Broken(f"the delivery {path.name} needs hands: {done['state']}, {done['error']}")
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
        return dict(done["result"])

    async def load(self, path: Path, *, most: int = 20, **options: Any) -> dict[str, Any]:
        """By `concord load`, again for as long as it fails."""
        begun = time.monotonic()
        for _ in range(most):
            code, out, err = await self.once(path, **options)
            if code == 0:
                self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
                return dict(orjson.loads(out))
            self.told["a load said why it ended, and was begun again"] += 1
            if b"Traceback" in err:
                self.broken.append(f"a load ended without plain words: {err.decode()[-300:]}")
            await asyncio.sleep(1)
        raise Broken(f"{path.name} could not be loaded: {err.decode()[-300:]}")

    async def once(self, path: Path, **options: Any) -> tuple[int, bytes, bytes]:
        process = self.site.start("load", path, "--provider", OFFICE, "--json", **options)
        out, err = await asyncio.to_thread(process.communicate)
        return process.returncode, out, err

    async def deliver(self, *, by_upload: bool, records: int = RECORDS) -> str:
        """A delivery in, counted, and acknowledged. Returns its word."""
        path, name, ids = self.make(records)
        counts = await (self.upload(path) if by_upload else self.load(path))
        self.check_counts(path.name, counts, records)
        self.held[name] = ids
        self.told["deliveries acknowledged"] += 1
        return name

    async def amend(self) -> None:
        """An earlier delivery again, with another word in each of its records."""
        old = self.chance.choice(sorted(set(self.held) - self._unsettled))
        self._unsettled.add(old)
        ids = self.held[old]
        new = word(next(self._numbers))
        self._unsettled.add(new)
        positions = sorted(int(name.split(".EP")[1].split(".")[0]) - FIRST for name in ids)
        documents = [document(n, f"Valve {new} number {n} for a heat pump", status="A") for n in positions]
        path = write(self.folder / f"{new}.xml", documents)
        counts = await self.load(path)
        self.check_counts(path.name, counts, len(ids))
        self.held[old], self.held[new] = set(), ids
        self._unsettled -= {old, new}
        self.told["deliveries acknowledged"] += 1

    def check_counts(self, name: str, counts: dict[str, Any], records: int) -> None:
        parts = sum(counts[part] for part in ("indexed", "updated", "unchanged", "rejected"))
        if counts["records"] != parts or counts["records"] != records:
            raise Broken(f"counts of {name} do not add up to {records}: {counts}")

    # ------------------------------------------------------------------------------------------------------ searches

    async def search(self) -> bool:
        """One search for the records of a delivery: whether it was answered. What it then says must be all of them."""
        known = sorted(set(self.held) - self._unsettled)
        if not known:
            return True
        name = self.chance.choice(known)
        expected = self.held[name]
        ask = {"q": f"title:{name}", "mode": "keyword", "size": PAGE}
        try:
            answer = await self._once("GET", "/v1/search", params=ask, timeout=35)
        except httpx.HTTPError:
            self.told["searches that got no answer"] += 1
            return False
        if answer.status_code != 200:
            # What it says then must be that it cannot, in the form that every error has.
            if answer.status_code not in (500, 502, 503, 504) or "detail" not in answer.json():
                self.broken.append(f"a search was answered {answer.status_code}: {answer.text[:200]}")
            elif answer.status_code == 500:
                self.broken.append(f"a fault of ours instead of plain words: {answer.text[:200]}")
            self.told["searches that were told to come again"] += 1
            return False
        found = answer.json()
        ids = [hit["id"] for hit in found["hits"]]
        if name in self._unsettled:
            return True
        shown = len(set(ids) & expected)
        if found["total"] != len(expected) or not len(ids) == shown == min(PAGE, len(expected)):
            self.broken.append(f"a search for {name} found {found['total']} of {len(expected)} and showed {shown}")
        self.told["searches answered in full"] += 1
        return True

    async def export(self) -> None:
        """An export of a delivery's records, which must be all of them, each once."""
        name = self.chance.choice(sorted(name for name in set(self.held) - self._unsettled if self.held[name]))
        self._unsettled.add(name)  # nothing changes what is being written
        try:
            order = {"format": "jsonl", "search": {"q": f"title:{name}", "mode": "keyword"}}
            job = await self._asked("POST", "/v1/exports", json=order, expected=202)
            done = await self._over(f"/v1/exports/{job['id']}")
            if done["state"] != "done":
                raise Broken(f"an export needs hands: {done['state']}, {done['error']}")
            lines = (await self._asked("GET", done["result"]["content"], raw=True)).splitlines()
        finally:
            self._unsettled.discard(name)
        ids = [exported_id(line) for line in lines]
        if set(ids) != self.held[name] or len(ids) != len(set(ids)):
            raise Broken(f"an export of {name} has {len(ids)} records of {len(self.held[name])}")
        self.told["exports acknowledged"] += 1

    # ------------------------------------------------------------------------------------------------- asking the API

    async def _once(self, method: str, path: str, *, timeout: float = 30, **options: Any) -> httpx.Response:  # noqa: ASYNC109
        url = self.chance.choice(self.site.apis)
        headers = {"authorization": f"Bearer {self.site.key}"}
        async with httpx.AsyncClient(trust_env=False, timeout=timeout, headers=headers) as client:
            return await client.request(method, url + path, **options)

    async def _asked(self, method: str, path: str, *, expected: int = 200, raw: bool = False, **options: Any) -> Any:
        """What a patient client gets: it comes again after a 5xx, a 409 (too many at once) or no answer at all."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with suppress(httpx.HTTPError):
                answer = await self._once(method, path, **options)
                if answer.status_code == expected:
                    return answer.content if raw else answer.json()
                if answer.status_code < 500 and answer.status_code != 409:
                    raise Broken(f"{method} {path} was answered {answer.status_code}: {answer.text[:200]}")
            await asyncio.sleep(0.3)
        raise Broken(f"{method} {path} was not answered within {PATIENCE_S} s")

    async def _over(self, path: str) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            found: dict[str, Any] = await self._asked("GET", path)
            if found["state"] in JOB_OVER:
                return found
            await asyncio.sleep(0.1)
        raise Broken(f"{path} is not over after {PATIENCE_S} s: {found}")

    # ------------------------------------------------------------------------------------------------------ accounting

    def verify(self) -> None:
        """Everything that was acknowledged is held and searchable, each record once, as it was said last. To be called
        while nothing is being loaded. Raises Broken."""
        acknowledged = set().union(*self.held.values()) if self.held else set()
        held = dict(self.site.rows("select id, seq from records where not deleted"))
        if lost := acknowledged - set(held):
            raise Broken(f"{len(lost)} acknowledged records are not held: {sorted(lost)[:3]}")
        if len(set(held.values())) != len(held):
            raise Broken("two records have one change number")
        if (waiting := self.site.rows("select count(*) from pending_batches")) != [(0,)]:
            raise Broken(f"{waiting[0][0]} batches still wait to be searchable after later deliveries came in")
        indexed = self.site.indexed()
        if indexed != held:
            missing, extra = set(held) - set(indexed), set(indexed) - set(held)
            raise Broken(f"the index lacks {len(missing)}, has {len(extra)} too many, or has older ones")
        told, self.broken = self.broken, []  # of one fault, not of those after it
        if told:
            raise Broken("; ".join(told))


def limited(largest_file: int) -> dict[str, Any]:
    """Options of a process that can write no file larger than so many bytes, as on a disk that is full."""
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    return {"preexec_fn": limit}


def killed(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()
