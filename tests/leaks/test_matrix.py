"""Every exit × every role × every tier: what comes out is what the naive account says, and no canary sings."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from api.access.scopes import compile
from api.search import query
from api.search.engine import Hit
from api.search.representations import TABLE
from indexer.record import Right
from tests.leaks.world import (
    ACTORS,
    BIB,
    EMBARGOED,
    FULL,
    PER_PROVIDER,
    PERSONAL,
    PROVENANCE,
    PROVIDERS,
    RIGHTS,
    SHARED,
    Actor,
    World,
    all_pages,
    canary,
)
from tests.platforms import told

pytestmark = pytest.mark.asyncio(loop_scope="session")
every_actor = pytest.mark.parametrize("name", ACTORS)
ALL_FACETS = (
    "right,office,provider,collection,language,kind,format,status,stage,event,applicant,owner,inventor,country,"
    "ipc,ipc_class,cpc,nice,year,filing_year,expiry_year,finding,designated,mark_feature"
)


def shown(pages: list[dict]) -> tuple[set[str], int]:
    """(ids, stubs) over all pages."""
    hits = [hit for page in pages for hit in page["hits"]]
    ids = [hit["id"] for hit in hits if hit["id"] is not None]
    assert len(ids) == len(set(ids)), "a record came twice"
    return set(ids), sum(hit["id"] is None for hit in hits)


def stubs_of(world: World, actor: Actor) -> int:
    return sum(not groups for groups in world.seen(actor).values())


@every_actor
async def test_search_for_everything(world: World, name: str) -> None:
    actor = world.actors[name]
    async with world.client(actor) as client:
        pages = await all_pages(client, facets=ALL_FACETS, mode="keyword")
    ids, stubs = shown(pages)
    assert ids == world.readable(actor)
    assert stubs == stubs_of(world, actor)
    assert all(page["total"] == len(ids) + stubs for page in pages)
    world.check_silent(actor, json.dumps(pages))


@every_actor
async def test_search_by_word(world: World, name: str) -> None:
    actor = world.actors[name]
    for mode in ("keyword", "hybrid", "semantic"):
        async with world.client(actor) as client:
            pages = await all_pages(client, 83, q=SHARED, mode=mode, facets=ALL_FACETS, full="true")
        ids, stubs = shown(pages)
        assert ids <= world.readable(actor), mode
        if mode != "semantic":
            assert ids == world.readable(actor), mode
        assert stubs == 0, f"{mode}: an existence-only record was found by a word of its title"
        assert all(page["total"] == len(ids) for page in pages), mode
        world.check_silent(actor, json.dumps(pages))


@every_actor
async def test_search_for_the_canaries(world: World, name: str) -> None:
    """A word of a field group finds the records of which the actor reads that group, and no others. The canaries of all
    providers are asked for at once: each stands with its own provider alone, by which the answer is counted."""
    actor, seen = world.actors[name], world.seen(world.actors[name])
    async with world.client(actor) as client:
        for kind in (BIB, FULL, PERSONAL, PROVENANCE):
            words = [canary(kind, provider) for provider in PROVIDERS]
            questions = {" OR ".join(words): kind in (BIB, FULL)}
            if kind == PROVENANCE:
                questions[" OR ".join(f"finding:{word}" for word in words)] = True
            for text, searchable in questions.items():
                asked = {"q": text, "mode": "keyword", "facets": "provider", "size": 40}
                page = (await client.get("/v1/search", params=asked)).json()
                expected = {r.id: r.provider for r in world.records if searchable and kind in (seen.get(r.id) or ())}
                assert page["total"] == len(expected), text
                assert {hit["id"] for hit in page["hits"]} <= set(expected), text
                counts = {bucket["value"]: bucket["count"] for bucket in page["facets"]["provider"]}
                assert counts == Counter(expected.values()), text


@every_actor
async def test_post_is_the_same_as_get(world: World, name: str) -> None:
    actor = world.actors[name]
    async with world.client(actor) as client:
        got = (await client.get("/v1/search", params={"q": SHARED, "facets": "office,right"})).json()
        posted = (await client.post("/v1/search", json={"q": SHARED, "facets": ["office", "right"]})).json()
    for part in ("total", "hits", "facets"):
        assert got[part] == posted[part]


@every_actor
async def test_one_record(world: World, name: str) -> None:
    """Each provider's records one by one: content, bibliography, a stub, or what a missing record gives."""
    actor = world.actors[name]
    seen = world.seen(actor)
    async with world.client(actor) as client:
        missing = await client.get("/v1/records/ZZ.patent.ZZ0000001.A1")
        assert missing.status_code == 404
        for record in (r for r in world.records if r.source.ordinal in (1, 2, 3, 4)):
            answer = await client.get(f"/v1/records/{record.id}")
            groups = seen.get(record.id)
            if groups is None:
                assert (answer.status_code, answer.content) == (404, missing.content)
                assert told(answer) == told(missing)
                continue
            assert answer.status_code == 200
            body = answer.json()
            if not groups:
                assert set(body) == {"right", "office", "provider", "collection", "tier", "notice"}
                continue
            assert body["id"] == record.id
            assert (canary(FULL, record.provider) in answer.text) == (FULL in groups)
            assert (canary(PERSONAL, record.provider) in answer.text) == (PERSONAL in groups)
            assert ("source" in body) == (PROVENANCE in groups)
            assert ("images" in body) == ("images" in groups)
            assert ("status" in body) == ("legal" in groups)
            assert any(date["type"] == "expiry" for date in body["dates"]) == ("legal" in groups)
        world.check_silent(actor, "")


@every_actor
async def test_no_format_says_more_than_json_does(world: World, name: str) -> None:
    """Writers get what the caller sees and nothing else; hidden and missing records look alike in every format. Each
    format meets each provider and, over the providers, each right that it is for."""
    actor, seen = world.actors[name], world.seen(world.actors[name])
    firsts = {(record.provider, record.right): record for record in reversed(world.records)}
    async with world.client(actor) as client:
        for format in ("st96", "csv", "jsonl"):
            answer = await client.get(
                "/v1/search", params={"format": format, "size": 60, "full": "true", "mode": "keyword"}
            )
            assert answer.status_code == 200, answer.text
            world.check_silent(actor, answer.text + str(answer.headers))
        for entry in TABLE:
            header = {"accept": entry.media_types[0]}
            missing = await client.get("/v1/records/ZZ.patent.ZZ0000001.A1", headers=header)
            assert missing.status_code == 404
            # JSON lines say everything that these records hold only of patents.
            rights = [right for right in RIGHTS if entry.of(right) and (entry.name != "jsonl" or right is Right.PATENT)]
            for place, provider in enumerate(PROVIDERS):
                record = firsts[provider, rights[place % len(rights)]]
                answer = await client.get(f"/v1/records/{record.id}", headers=header)
                world.check_silent(actor, answer.text.replace(record.id, "") + str(answer.headers))
                if record.id not in seen:
                    assert (answer.status_code, answer.content, told(answer)) == (404, missing.content, told(missing))
                elif entry.name == "jsonl" and record.id in world.readable(actor):
                    mine = PERSONAL in seen[record.id]
                    assert (canary(PERSONAL, provider) in answer.text) == mine


@every_actor
async def test_family(world: World, name: str) -> None:
    """The records of one number hang together: each actor meets those that it reads, from whichever it starts."""
    actor = world.actors[name]
    seen, readable = world.seen(actor), world.readable(actor)
    async with world.client(actor) as client:
        missing = await client.get("/v1/records/ZZ.patent.ZZ0000001.A1/family")
        for number, kind in ((1, "simple"), (4, "extended")):
            for record in (r for r in world.records if r.source.ordinal == number):
                answer = await client.get(f"/v1/records/{record.id}/family?kind={kind}")
                groups = seen.get(record.id)
                if groups is None:
                    assert (answer.status_code, answer.content, told(answer)) == (404, missing.content, told(missing))
                    continue
                family = {r.id for r in world.records if r.source.ordinal == number} & readable
                assert {member["id"] for member in answer.json()["members"]} == (family if groups else set())
                assert answer.json()["records"] == (len(family) if groups else 0)
                world.check_silent(actor, answer.text)


@every_actor
async def test_legal_status(world: World, name: str) -> None:
    """Events of those records whose legal status the actor reads; of others none, and no state."""
    actor = world.actors[name]
    seen = world.seen(actor)
    async with world.client(actor) as client:
        missing = await client.get("/v1/records/ZZ.patent.ZZ0000001.A1/status")
        for record in (r for r in world.records if r.source.ordinal in (1, 4)):
            answer = await client.get(f"/v1/records/{record.id}/status")
            groups = seen.get(record.id)
            if groups is None:
                assert (answer.status_code, answer.content, told(answer)) == (404, missing.content, told(missing))
                continue
            body = answer.json()
            assert body["record"] == (record.id if groups else None)
            assert body["readable"] == ("legal" in groups)
            assert len(body["events"]) == ("legal" in groups)
            assert any(office["status"] for office in body["offices"]) == ("legal" in groups)
            world.check_silent(actor, answer.text)


@every_actor
async def test_suggestions(world: World, name: str) -> None:
    """Words, names and classes go on only as they do in what the actor reads, and are counted there."""
    actor = world.actors[name]
    readable = world.readable(actor)
    async with world.client(actor) as client:
        for typed in ("bibzz", "latebibzz", "applicant", "quar", "fullzz", "personalzz", "xd", "H01", "device"):
            answer = await client.get("/v1/suggest", params={"q": typed, "size": 50})
            assert answer.status_code == 200, answer.text
            world.check_silent(actor, answer.text)
        names = await client.get("/v1/suggest", params={"q": "applicant", "kind": "name", "size": 50})
        held = await client.get("/v1/suggest", params={"q": "H01M", "kind": "class", "size": 50})
    counted = {entry["value"]: entry["count"] for entry in names.json()["suggestions"]}
    expected: dict[str, int] = {}
    for record in (r for r in world.records if r.id in readable):
        applicant = record.parties[0].name
        expected[applicant] = expected.get(applicant, 0) + 1
    assert counted == expected
    assert {entry["count"] for entry in held.json()["suggestions"]} == ({len(readable)} if readable else set())


@every_actor
async def test_analyses(world: World, name: str) -> None:
    actor = world.actors[name]
    seen = world.seen(actor)
    async with world.client(actor) as client:
        by_status = (await client.get("/v1/analyse", params={"by": ["status", "year"]})).json()
        by_provider = (await client.get("/v1/analyse", params={"by": ["provider", "applicant"]})).json()
        word = (await client.get("/v1/analyse", params={"by": "provider", "q": canary(FULL, EMBARGOED)})).json()
    legal = [r for r in world.records if "legal" in (seen.get(r.id) or ())]
    assert by_status["records"] == by_provider["records"] == len(seen)
    assert by_status["readable"] == len(legal)
    for bucket in by_status["buckets"]:
        held = [r for r in legal if r.status is not None and r.status.state == bucket["value"]]
        years: dict[str, int] = {}
        for record in held:
            year = str(record.dates[0].date.year)
            years[year] = years.get(year, 0) + 1
        assert bucket["count"] == len(held)
        assert {inner["value"]: inner["count"] for inner in bucket["buckets"]} == years
    providers: dict[str, int] = {}
    for record in (r for r in world.records if r.id in seen):
        providers[record.provider] = providers.get(record.provider, 0) + 1
    assert {bucket["value"]: bucket["count"] for bucket in by_provider["buckets"]} == providers
    assert word["records"] == sum(r.provider == EMBARGOED and FULL in (seen.get(r.id) or ()) for r in world.records)
    world.check_silent(actor, json.dumps([by_status, by_provider, word]))


@every_actor
async def test_facets_count_what_is_seen(world: World, name: str) -> None:
    actor = world.actors[name]
    async with world.client(actor) as client:
        answer = await client.get(
            "/v1/search", params={"facets": "provider,right,status,year", "mode": "keyword", "facet_size": 100}
        )
    facets = {
        facet: {bucket["value"]: bucket["count"] for bucket in buckets}
        for facet, buckets in answer.json()["facets"].items()
    }
    by_id = {record.id: record for record in world.records}
    providers: dict[str, int] = {}
    statuses: dict[str, int] = {}
    years: dict[str, int] = {}
    for record_id, groups in world.seen(actor).items():
        record = by_id[record_id]
        providers[record.provider] = providers.get(record.provider, 0) + 1
        if "legal" in groups:
            state = "active" if record.source.ordinal % 2 else "terminated"
            statuses[state] = statuses.get(state, 0) + 1
        if BIB in groups:
            year = str(record.dates[0].date.year)
            years[year] = years.get(year, 0) + 1
    assert facets["provider"] == providers
    assert facets["status"] == statuses
    assert facets["year"] == years
    assert sum(facets["right"].values()) == sum(providers.values())


@every_actor
async def test_order_tells_nothing(world: World, name: str) -> None:
    """Sorted by a field that is not granted, records come in the order of their ids, after those that have it
    granted."""
    actor, seen = world.actors[name], world.seen(world.actors[name])
    for order in ("published", "-published", "expires", "-expires", "number", "office", "id", "-id"):
        async with world.client(actor) as client:
            pages = await all_pages(client, 149, sort=order, mode="keyword")
        ids, stubs = shown(pages)
        assert ids == world.readable(actor), order
        assert stubs == stubs_of(world, actor), order
        listed = [hit["id"] for page in pages for hit in page["hits"]]
        first_stub = listed.index(None) if None in listed else len(listed)
        assert all(item is None for item in listed[first_stub:]), f"{order}: stubs stand among records"
        if order.endswith("expires"):
            without = [item for item in listed[:first_stub] if "legal" not in seen[item]]
            assert listed[:first_stub][len(listed[:first_stub]) - len(without) :] == sorted(without), order


@every_actor
async def test_stream_and_count(world: World, name: str) -> None:
    """What exports and jobs are made of."""
    actor = world.actors[name]
    services = world.platform.services
    from api.dependencies import Credentials

    async def scope():
        return services.identify(Credentials(bearer=actor.key)).scope

    hits: list[Hit] = []
    async for _, batch in services.engine.stream(scope, query.compile(SHARED), batch=50):
        hits.extend(batch)
    assert {hit.id for hit in hits} == world.readable(actor)
    assert len(hits) == len(world.readable(actor))
    for hit in hits:
        world.check_silent(actor, json.dumps(hit.record))
    count = await services.engine.count(await scope(), query.compile(""))
    assert count == len(world.seen(actor))


@every_actor
async def test_collections(world: World, name: str) -> None:
    actor = world.actors[name]
    async with world.client(actor) as client:
        answer = await client.get("/v1/collections")
    # An embargo hides records, not that the provider offers the collection.
    offered = {record.collection for record in world.records if record.provider == EMBARGOED}
    expected = offered | {r.collection for r in world.records if world.seen(actor).get(r.id) is not None}
    listed = {entry["id"]: entry["tier"] for entry in answer.json()["collections"]}
    assert set(listed) == expected


@every_actor
async def test_the_scope_compiled_anew_is_the_one_in_use(world: World, name: str) -> None:
    from api.dependencies import Credentials

    actor = world.actors[name]
    services = world.platform.services
    identity = services.identify(Credentials(bearer=actor.key))
    with world.platform.database.session() as session:
        fresh = compile(session, identity.caller, identity.purpose)
    assert fresh.fingerprint == identity.scope.fingerprint


async def test_numbers_of_this_world(world: World) -> None:
    assert len(world.records) == PER_PROVIDER * len(PROVIDERS) >= 300
