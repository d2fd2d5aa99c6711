"""A load leaves clusters, queue and index up to date; people's word reaches the index; nothing is scanned twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.duplicates import scan
from indexer.duplicates.arrivals import publish
from indexer.duplicates.clusters import cluster_id
from indexer.duplicates.ledger import Ledger, Verdict
from indexer.reading import Sender
from tests.pipeline.conftest import Platform
from tests.pipeline.docdb import document, record_id, write


async def told(platform: Platform) -> dict[str, str]:
    """Record → cluster as the index has it, which must be as the ledger has it."""
    indexed = {id_: found["cluster"] for id_, found in (await platform.found()).items()}
    assert indexed == dict(platform.rows("select id, cluster from duplicate_clusters"))  # type: ignore[arg-type]
    assert platform.rows("select 1 from duplicate_clusters where pending") == []
    return indexed


async def test_the_index_knows_each_cluster_whatever_changed_it(platform: Platform, tmp_path: Path) -> None:
    first = write(tmp_path / "first.xml", [document(1), document(2)])
    loaded = await platform.load(first)
    assert loaded.scanned is not None
    assert loaded.scanned.records == 2
    assert await told(platform) == {record_id(n): cluster_id((record_id(n),)) for n in (1, 2)}

    # the same two from another provider, and a third that is new: only these three are looked at
    second = write(tmp_path / "second.xml", [document(1), document(2), document(3)])
    loaded = await platform.load(second, provider="US")
    assert loaded.scanned is not None
    assert loaded.scanned.records == 3
    assert loaded.scanned.pairs["merge"] == 2
    one, other = record_id(1), record_id(1, "US")
    indexed = await told(platform)
    assert indexed[one] == indexed[other]
    assert len(set(indexed.values())) == 3

    # a person's word, and its undoing
    ledger = Ledger(platform.database)
    batch = ledger.split([[one], [other]], "ada", "two editions")
    assert await publish(platform.database, platform.engine, platform.vectors) == 1
    indexed = await told(platform)
    assert indexed[one] != indexed[other]
    ledger.undo("ada", batch=batch)
    await publish(platform.database, platform.engine, platform.vectors)
    decided = ledger.decide(Verdict(record_id(2), record_id(3, "US"), "same"), "ada")
    await publish(platform.database, platform.engine, platform.vectors)
    indexed = await told(platform)
    assert indexed[one] == indexed[other]
    assert indexed[record_id(2)] == indexed[record_id(2, "US")] == indexed[record_id(3, "US")]
    ledger.undo("ada", decision=decided.id)

    # a new version keeps its cluster; a deletion leaves the other alone; a load also publishes what was left over
    await platform.load(write(tmp_path / "third.xml", [document(1, "Valve of another title"), document(2, status="D")]))
    indexed = await told(platform)
    assert indexed[one] == indexed[other]
    assert record_id(2) not in indexed
    assert indexed[record_id(2, "US")] == cluster_id((record_id(2, "US"),))


async def test_what_was_broken_off_is_done_by_the_next_load(platform: Platform, tmp_path: Path) -> None:
    """As a process killed after its load, or between two batches of the scan, leaves it."""
    await platform.load(write(tmp_path / "first.xml", [document(n) for n in range(3)]))
    pipeline = platform.pipeline()
    pipeline.duplicates = False
    await pipeline.load([write(tmp_path / "second.xml", [document(n) for n in range(3)])], Sender("US", "default"))
    assert platform.rows("select count(*) from duplicate_clusters") == [(3,)]
    loaded = await platform.load(write(tmp_path / "third.xml", [document(7)]))
    assert loaded.scanned is not None
    assert (loaded.scanned.records, loaded.scanned.pairs["merge"]) == (4, 3)
    assert len(set((await told(platform)).values())) == 4


async def test_no_pair_is_lost_by_what_a_scan_forgets(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far more records than profiles are kept in memory for."""
    monkeypatch.setattr(scan, "PROFILES_KEPT", 1)
    monkeypatch.setattr(scan, "BATCH", 3)
    for provider in ("EP", "US"):
        path = write(tmp_path / f"{provider}.xml", [document(n) for n in range(8)])
        loaded = await platform.load(path, provider=provider)
    assert loaded.scanned is not None
    assert loaded.scanned.pairs["merge"] == 8
    assert len(set((await told(platform)).values())) == 8


async def test_corrections_and_stages_are_relations_as_they_arrive(platform: Platform, tmp_path: Path) -> None:
    await platform.load(write(tmp_path / "a.xml", [document(1)]))
    await platform.load(write(tmp_path / "b.xml", [document(1, kind="B1"), document(1, kind="A8")]))
    relations = platform.rows("select relation, count(*) from duplicate_pairs group by relation order by relation")
    assert dict(relations) == {"corrects": 1, "stage-of": 2}  # type: ignore[arg-type]
    assert len(set((await told(platform)).values())) == 3
