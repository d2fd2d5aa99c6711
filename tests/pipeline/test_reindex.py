"""Rebuilding an index while everything goes on, and not at all when something fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import mappings
from cli.doctor import outgrown
from common.errors import Conflict, EngineError
from indexer.binding import bind
from indexer.reindex import alone, outdated, reindex
from mappings.sizes import Size, size_for
from tests.pipeline.conftest import Platform
from tests.pipeline.docdb import document, record_id, write


async def test_writes_that_arrive_meanwhile_are_kept(platform: Platform, tmp_path: Path) -> None:
    await platform.load(write(tmp_path / "first.xml", [document(n) for n in range(1500)]))
    stop = asyncio.Event()

    async def load_on() -> int:
        number = 0
        while not stop.is_set():
            number += 1
            await platform.load(
                write(
                    tmp_path / f"more-{number}.xml",
                    [document(n, f"Changed {number} {n}") for n in range(number % 7, 1500, 40)]
                    + [document(2000 + number), document(7 * number, status="D")],
                )
            )
        return number

    async def rebuild() -> list[str]:
        names = []
        try:
            for _ in range(3):
                names.append((await reindex(platform.database, platform.engine, platform.vectors, "patent")).index)
        finally:
            stop.set()
        return names

    loads, names = await asyncio.gather(load_on(), rebuild())

    assert loads > 1
    assert [name.rsplit("-", 1)[1] for name in names] == ["v2", "v3", "v4"]
    assert await platform.engine.versions("patent") == [names[-1]]
    assert await platform.engine.current("patent") == names[-1]
    held = dict(platform.rows("select id, seq from records where not deleted"))
    assert {id_: hit["seq"] for id_, hit in (await platform.found()).items()} == held


async def test_a_failure_leaves_the_old_index_in_use(platform: Platform, tmp_path: Path) -> None:
    path = write(tmp_path / "one.xml", [document(n) for n in range(5)])
    await platform.load(path)
    engine = platform.engine
    name = f"{engine.prefix}-dates"
    (component,) = (await engine.request("GET", f"/_component_template/{name}"))["component_templates"]
    good = {"template": component["component_template"]["template"]}
    year_only = {"publication_date": {"type": "date", "format": "yyyy"}}
    await engine.request("PUT", f"/_component_template/{name}", {"template": {"mappings": {"properties": year_only}}})
    try:
        with pytest.raises(EngineError, match="publication_date"):
            await reindex(platform.database, engine, platform.vectors, "patent")
    finally:
        await engine.request("PUT", f"/_component_template/{name}", good)

    assert await engine.versions("patent") == [f"{engine.prefix}-patent-v1"]
    assert set(await platform.found()) == {record_id(n) for n in range(5)}


async def test_one_rebuild_at_a_time(platform: Platform) -> None:
    with alone(platform.database, "patent"), pytest.raises(Conflict, match="being rebuilt"):
        await reindex(platform.database, platform.engine, platform.vectors, "patent")


async def test_an_index_says_how_it_was_built(platform: Platform, tmp_path: Path) -> None:
    await platform.load(write(tmp_path / "one.xml", [document(1)]))
    assert await outdated(platform.engine, platform.vectors, "patent") == []
    meta = {"_meta": {"embedder": "another", "dimension": 512}}
    index = await platform.engine.current("patent")
    await platform.engine.request("PUT", f"/{index}/_mapping", meta)
    assert "embedder" in await outdated(platform.engine, platform.vectors, "patent")


async def test_an_index_that_has_outgrown_its_shards_is_cut_anew(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = platform.engine
    await platform.load(write(tmp_path / "some.xml", [document(n) for n in range(6)]))
    small, larger = (
        Size("patent", up_to, shards, "0-1", refresh, 5, vectors)  # type: ignore[arg-type]
        for up_to, shards, refresh, vectors in ((5, 1, 5, "float32"), (50, 3, 15, "seven_bits"))
    )
    monkeypatch.setattr("mappings.sizes.sizes", lambda right: (small, larger))
    first = await engine.current("patent")
    assert first is not None
    before = outgrown("patent", await engine.shards(first), 6, 0.1, size_for("patent", 6, native=False))

    index = (await reindex(platform.database, engine, platform.vectors, "patent")).index

    settings = (await engine.request("GET", f"/{index}/_settings", flat_settings="true"))[index]["settings"]
    mapping = (await engine.request("GET", f"/{index}/_mapping"))[index]["mappings"]
    assert not before.ok
    assert "6 records ask for 3" in before.detail
    assert "concord reindex --right patent" in str(before.remedy)
    assert settings["index.number_of_shards"] == "3"
    assert settings["index.refresh_interval"] == "15s"
    assert mapping["properties"]["embedding"]["method"]["parameters"]["encoder"]["name"] == "sq"
    assert mapping["_meta"]["size"] == {"up_to": 50, "vectors": "seven_bits"}
    assert await outdated(engine, platform.vectors, "patent") == []
    assert outgrown("patent", await engine.shards(index), 6, 0.1, size_for("patent", 6, native=False)).ok
    assert set(await platform.found()) == {record_id(n) for n in range(6)}
    vector = platform.vectors.embedder.embed(["Valve arrangement number 3 for a heat pump"])[0].tolist()
    nearest = {"size": 6, "_source": False, "query": {"knn": {"embedding": {"vector": vector, "k": 6}}}}
    hits = (await engine.request("POST", f"/{index}/_search", nearest))["hits"]["hits"]
    assert {hit["_id"] for hit in hits} == {record_id(n) for n in range(6)}


async def test_new_fields_are_added_to_an_index_of_an_earlier_release(platform: Platform, tmp_path: Path) -> None:
    """What a record has that its index does not know would be refused."""
    engine = platform.engine
    bound = await bind(engine, platform.vectors.embedder)
    await engine.install(bound)
    body = mappings.body("patent", bound, size_for("patent", 0, native=False))
    await engine.create(f"{engine.prefix}-patent-v1", body)
    made = (await engine.request("GET", f"/{engine.prefix}-patent-v1"))[f"{engine.prefix}-patent-v1"]
    await engine.drop(f"{engine.prefix}-patent-v1")
    # The same as it was before these fields were thought of, and before there was an analyser for Japanese.
    await engine.forget_templates()
    fields, index = made["mappings"]["properties"], made["settings"]["index"]
    for name in ("application_key", "family_link", "ipc"):
        del fields[name]
    for name in [name for name, field in fields.items() if "ja" in field.get("properties", {})]:
        del fields[name]["properties"]["ja"]
    for name in [name for name in index["analysis"]["analyzer"] if name.startswith("concord_ja")]:
        del index["analysis"]["analyzer"][name]
    made["mappings"]["_meta"]["mappings"] = "of an earlier release"
    kept = {
        "settings": {"index": {k: v for k, v in index.items() if k in ("analysis", "knn", "mapping", "similarity")}}
    }
    alias = {"aliases": {f"{engine.prefix}-patent": {"is_write_index": True}}}
    await engine.create(f"{engine.prefix}-patent-v1", {**kept, "mappings": made["mappings"], **alias})

    completed = await engine.prepare(bound)
    loaded = await platform.load(write(tmp_path / "one.xml", [document(1)]))

    (one,) = completed
    assert one.right == "patent"
    assert {"application_key", "family_link", "ipc.l3"} <= set(one.added)
    assert "title.ja" in one.refused
    assert "concord_ja" in one.refused["title.ja"]
    assert loaded.summary()["indexed"] == 1
    assert set(await platform.found()) == {record_id(1)}
    assert await engine.prepare(bound) == []
    assert "mappings" in await outdated(engine, platform.vectors, "patent")
