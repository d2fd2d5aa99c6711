"""Rights that go while an export runs, or after it: what they gave is not in the file, and the file is not given."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
import pytest_asyncio

from api import downloads
from api.access import keys
from api.access.agreements import State
from api.exports import job as exporting
from store.access import AuditEntry
from tests.exports.world import CLOSED, EACH, OPEN, Gate, World, ended, made, order

pytestmark = pytest.mark.asyncio(loop_scope="session")
TERMS: dict[str, Any] = {"tier": "content", "groups": ["full-text"]}


@pytest_asyncio.fixture(loop_scope="session")
async def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Small batches, and a halt after the first one that brings records of the closed provider."""
    held = Gate(asyncio.get_running_loop())
    monkeypatch.setattr(exporting, "BATCH", 10)
    batch = exporting._batch

    def halting(run: Any, scope: Any, hits: Any, *rest: Any) -> None:
        batch(run, scope, hits, *rest)
        if not held.open.is_set() and any(hit.document["provider"] == CLOSED for hit in hits):
            held.wait()

    monkeypatch.setattr(exporting, "_batch", halting)
    return held


async def at_gate(gate: Gate) -> None:
    await asyncio.wait_for(gate.reached.wait(), 60)


async def test_an_agreement_that_ends_takes_what_it_gave_along(world: World, gate: Gate) -> None:
    number = world.platform.agreement(CLOSED, "QR", **TERMS)
    async with world.client("QR") as client:
        job = await order(client, "jsonl", "device")
        await at_gate(gate)
        world.platform.step(number, State.REVOKED)
        gate.open.set()
        done = await ended(client, job["id"])
        content = (await client.get(done["result"]["content"])).content
    text = content.decode()
    assert "xdbib" not in text, "written before the right went, and left in the file"
    assert text.count("xabib") == EACH - 1


async def test_a_key_that_is_revoked_ends_its_export(world: World, gate: Gate) -> None:
    world.platform.agreement(CLOSED, "QK", **TERMS)
    key = world.platform.key("QK")
    async with world.platform.client(key) as client, world.client("QK") as other:
        job = await order(client, "jsonl", "device")
        await at_gate(gate)
        with world.platform.database.session() as session:
            keys.revoke(session, key.split("_")[1])
        gate.open.set()
        assert (await client.get(f"/v1/exports/{job['id']}")).status_code == 401
        assert (await other.get(f"/v1/exports/{job['id']}/content")).status_code == 404

        async def failed() -> bool | None:
            with world.platform.database.session() as session:
                from store.jobs import Job

                entry = session.get_one(Job, job["id"])
                return True if (entry.state, entry.error) == ("failed", "The rights that it needs are gone.") else None

        from tests.platforms import until

        assert await until(failed)
    assert list(exporting.folder(world.platform.services).glob(f"{job['id']}*")) == []


async def test_an_export_is_cancelled_on_the_way(world: World, gate: Gate) -> None:
    async with world.client(CLOSED) as client:
        job = await order(client, "jsonl", "xdbib")
        await at_gate(gate)
        cancelled = await client.post(f"/v1/jobs/{job['id']}/cancel")
        assert cancelled.json()["cancelling"]
        over = await ended(client, job["id"], "cancelled")
        gate.open.set()
        assert over["done"] < EACH
        assert (await client.get(f"/v1/exports/{job['id']}/content")).status_code == 409
        assert (await client.post(f"/v1/jobs/{job['id']}/cancel")).status_code == 409
        again = await client.post(f"/v1/jobs/{job['id']}/retry")
        assert again.status_code == 202
        assert (await ended(client, job["id"]))["result"]["report"]["written"] == EACH
    assert [path.name for path in exporting.folder(world.platform.services).glob(f"{job['id']}*")] == [
        f"{job['id']}.jsonl"
    ]


async def test_a_finished_file_is_not_given_to_whom_has_lost_the_right(world: World) -> None:
    number = world.platform.agreement(CLOSED, "QF", **TERMS)
    async with world.client("QF") as client:
        whole, job = await made(client, "jsonl", "device")
        assert b"xdclaims" in whole
        _, open_only = await made(client, "jsonl", "xabib")
        # Rights of another collection come: nothing that was given is less allowed.
        world.platform.policy("xb-patent-x", "content", groups=["full-text"])
        assert (await client.get(job["result"]["content"])).status_code == 200
        world.platform.policy("xb-patent-x", "metadata")
        world.platform.step(number, State.SUSPENDED)
        refused = await client.get(job["result"]["content"], headers={"range": "bytes=10-20"})
        assert refused.status_code == 409
        assert b"xd" not in refused.content
        assert (await client.get(open_only["result"]["content"])).status_code == 200
        world.platform.step(number, State.ACTIVE)
        assert (await client.get(job["result"]["content"])).content == whole


async def test_a_download_on_the_way_ends_with_the_right(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the next byte: whether the agreement goes, the key, or a right that has nothing to do with it."""
    number = world.platform.agreement(CLOSED, "QE", **TERMS)
    key = world.platform.key("QE")
    monkeypatch.setattr(downloads, "CHUNK", 20_000)
    async with world.platform.client(key) as client:
        whole, job = await made(client, "jsonl", "device")
    address = job["result"]["content"]
    assert len(whole) > 40_000

    def unrelated() -> None:
        world.platform.policy("xb-patent-x", "metadata", notices=["Ask us."])

    def revoked() -> None:
        with world.platform.database.session() as session:
            keys.revoke(session, key.split("_")[1])

    assert await world.platform.taken(address, key, unrelated) == whole
    assert (
        await world.platform.taken(address, key, lambda: world.platform.step(number, State.SUSPENDED)) == whole[:20_000]
    )
    world.platform.step(number, State.ACTIVE)
    assert await world.platform.taken(address, key, lambda: None) == whole
    assert await world.platform.taken(address, key, revoked) == whole[:20_000]


async def test_every_record_in_a_file_stands_in_the_audit(world: World) -> None:
    async with world.client("QU") as client:
        content, job = await made(client, "jsonl", "xabib")
    with world.platform.database.session() as session:
        lines = session.query(AuditEntry).filter(AuditEntry.details["job"].astext == job["id"]).all()
    named = [name for line in lines if line.action == "export" for name in line.ids or ()]
    assert sorted(named) == sorted(world.ids(OPEN))
    assert len(content.splitlines()) == len(named)
    assert [line.action for line in lines].count("export-downloaded") == 1
    assert all(orjson.loads(orjson.dumps(line.details))["job"] == job["id"] for line in lines)
