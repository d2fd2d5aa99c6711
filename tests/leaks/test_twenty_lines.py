"""Twenty ways in which other search platforms told more than they should: each once, by name.

The numbers are those of the checklist that the platform was designed against; each docstring says what went wrong
elsewhere.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging

import pytest

from api.access.agreements import State
from api.access.model import Group, Role, Tier
from api.access.scope import NOTHING, Condition, Grant, Scope
from api.dependencies import Credentials
from api.search import query
from api.search.counting import Question, Values
from api.search.engine import SearchRequest
from api.search.guard import Guard, UnsafeRequest
from tests.leaks.world import (
    BIB,
    BILATERAL,
    CLOSED,
    EMBARGOED,
    EXISTENCE,
    FULL,
    METADATA,
    PERSONAL,
    PUBLIC,
    SHARED,
    World,
    all_pages,
    canary,
)
from tests.platforms import make_record, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


def scope_of(world: World, name: str) -> Scope:
    return world.platform.services.identify(Credentials(bearer=world.actors[name].key)).scope


async def test_01_facet_on_an_owner_field_does_not_name_hidden_owners(world: World) -> None:
    """A facet on a multi-valued owner field named owners of hidden records."""
    actor = world.actors["public"]
    async with world.client(actor) as client:
        answer = await client.get(
            "/v1/search", params={"facets": "applicant,owner,inventor,provider", "facet_size": 500}
        )
    world.check_silent(actor, answer.text)
    assert {b["value"] for b in answer.json()["facets"]["applicant"]} == {
        f"Applicant {canary(BIB, provider)}" for provider in (PUBLIC, METADATA, EMBARGOED)
    }


async def test_02_no_bucket_without_documents(world: World) -> None:
    """`min_doc_count: 0` returned hidden values, also in nested aggregations that a top-level check overlooked."""
    actor = world.actors["public"]
    async with world.client(actor) as client:
        answer = await client.get(
            "/v1/search", params={"q": canary(BIB, METADATA), "facets": "provider,applicant,year"}
        )
    buckets = [bucket for facet in answer.json()["facets"].values() for bucket in facet]
    assert buckets
    assert all(bucket["count"] > 0 for bucket in buckets)
    guard = Guard(scope_of(world, "public"))
    assert guard.facet("provider", 10)["terms"]["min_doc_count"] == 1
    assert guard.facet("provider", 10, [{"exists": {"field": "ipc"}}])["aggs"]["values"]["terms"]["min_doc_count"] == 1


async def test_03_no_aggregation_looks_outside_the_filter(world: World) -> None:
    """`significant_terms` compares with the whole index, and `global` ignores the query: the API can ask for
    neither."""
    sent: list[bytes] = []
    engine = world.platform.services.engine
    original = engine.client.transport.perform_request

    async def watching(method, path, params=None, body=None, headers=None):
        if "search" in path and body is not None:
            sent.append(body if isinstance(body, bytes) else json.dumps(body).encode())
        return await original(method, path, params=params, body=body, headers=headers)

    engine.client.transport.perform_request = watching
    try:
        async with world.client(world.actors["partner-examiner"]) as client:
            await client.get("/v1/search", params={"q": SHARED, "facets": "provider,year,status", "office": PUBLIC})
            await client.get("/v1/search", params={"q": SHARED, "sort": "expires"})
    finally:
        engine.client.transport.perform_request = original
    assert sent
    for body in sent:
        for word in (b"significant", b'"global"', b"suggest", b"rescore", b"more_like_this", b'"script', b"explain"):
            assert word not in body


async def test_04_every_path_of_the_engine_is_filtered(world: World) -> None:
    """One method of a search class forgot the filter that all the others had."""
    scope = scope_of(world, "public")
    engine = world.platform.services.engine
    hidden = next(record for record in world.records if record.provider == CLOSED)
    by_id = {"terms": {"id": [hidden.id]}}
    assert (await engine.search(scope, SearchRequest(by_id))).total == 0
    assert await engine.count(scope, by_id) == 0
    assert await engine.get(scope, hidden.id) is None
    assert await engine.documents(scope, [hidden.id]) == {}
    assert await engine.matching(scope, by_id, size=1) == ()
    (counted,) = await engine.counted(scope, [Question(by_id, {"years": Values("publication_date", year=True)})])
    assert (counted.total, counted.counted["years"].readable, counted.counted["years"].values) == (0, 0, [])

    async def now() -> Scope:
        return scope

    assert [hits async for _, hits in engine.stream(now, by_id) if hits] == []


async def test_04_the_engine_refuses_to_work_without_a_scope(world: World) -> None:
    engine = world.platform.services.engine
    for nothing in (None, {}, "public", object()):
        for work in (
            engine.search(nothing, SearchRequest({"match_all": {}})),  # type: ignore[arg-type]
            engine.get(nothing, "x"),  # type: ignore[arg-type]
            engine.count(nothing, {"match_all": {}}),  # type: ignore[arg-type]
            engine.documents(nothing, ["x"]),  # type: ignore[arg-type]
            engine.matching(nothing, {"match_all": {}}, size=1),  # type: ignore[arg-type]
            engine.counted(nothing, []),  # type: ignore[arg-type]
        ):
            with pytest.raises(TypeError):
                await work


async def test_05_no_second_query_after_an_empty_result(world: World) -> None:
    """On no hits, a fallback query ran without the collection filter."""
    actor = world.actors["public"]
    for mode in ("keyword", "hybrid"):
        async with world.client(actor) as client:
            answer = await client.get("/v1/search", params={"q": canary(BIB, CLOSED) + " ipc:Z99Z", "mode": mode})
        assert answer.json()["total"] == 0
        assert answer.json()["hits"] == []


async def test_06_relations_of_a_record_do_not_carry_hidden_records(world: World) -> None:
    """Links and sets named the tenants of linked records. Here a record carries what its own office wrote, no more."""
    actor = world.actors["public"]
    async with world.client(actor) as client:
        record = next(r for r in world.records if r.provider == PUBLIC)
        body = (await client.get(f"/v1/records/{record.id}")).json()
    assert "cluster" not in body
    assert "family_simple" not in body
    for facet in ("cluster", "family_simple", "family_link", "delivery"):
        async with world.client(actor) as client:
            answer = await client.get("/v1/search", params={"facets": facet})
        assert answer.status_code == 400


async def test_07_no_engine_suggester_is_reachable(world: World) -> None:
    """Suggesters read the term dictionary and ignore document-level rights. The guard knows no such request."""
    guard = Guard(scope_of(world, "public"))
    for unsafe in (
        {"suggest": {"text": "x"}},
        {"more_like_this": {"like": [{"_id": "x"}]}},
        {"percolate": {"field": "query", "document": {}}},
        {"script": {"script": "true"}},
        {"terms": {"id": {"index": "other", "id": "1", "path": "x"}}},
        {"ids": {"values": ["x"]}},
        {"function_score": {"query": {"match_all": {}}}},
        {"nested": {"path": "parties", "query": {"match_all": {}}}},
        {"match": {"title.en": {"query": "x", "cutoff_frequency": 0.1}}},
        {"query_string": {"query": "claims.en:secret", "fields": ["title.en"]}},
        {"term": {"_id": "x"}},
        {"term": {"record.title": "x"}},
        {"bool": {"must": [{"match_all": {}}], "rescore": {}}},
    ):
        with pytest.raises(UnsafeRequest):
            guard.query(unsafe)


async def test_08_scores_and_order_ignore_hidden_documents(world: World) -> None:
    """BM25 counts hidden documents: rare or common among them could be read from scores. See also test_unseen.py."""
    actor = world.actors["stranger-examiner"]
    async with world.client(actor) as client:
        before = await client.get("/v1/search", params={"q": f"{SHARED} alpha", "size": 50, "mode": "keyword"})
        added = [make_record(CLOSED, 5_000 + n, "alpha alpha alpha", abstract="alpha") for n in range(300)]
        await world.platform.index(added)
        try:
            after = await client.get("/v1/search", params={"q": f"{SHARED} alpha", "size": 50, "mode": "keyword"})
        finally:
            await world.platform.remove(added)
    assert before.json()["hits"] == after.json()["hits"]
    assert before.json()["total"] == after.json()["total"]


async def test_09_highlights_follow_the_field_groups(world: World) -> None:
    """A `_source` allow-list left highlights, sort values and `fields` open."""
    async with world.client(world.actors["public"]) as client:
        metadata = await client.get("/v1/search", params={"q": f"{SHARED} provider:{METADATA}", "full": "true"})
        public = await client.get("/v1/search", params={"q": f"{SHARED} provider:{PUBLIC}", "full": "true"})
    for hit in metadata.json()["hits"]:
        assert not any(name.startswith("claims") for name in hit["highlights"])
        assert not any(reason.get("field") == "claims" for reason in hit["why"])
    assert any(name.startswith("claims") for hit in public.json()["hits"] for name in hit["highlights"])
    for hit in (*metadata.json()["hits"], *public.json()["hits"]):
        assert set(hit) == {"id", "score", "why", "record", "highlights"}


async def test_10_hidden_and_missing_give_the_same_answer(world: World) -> None:
    """404 against 403 told what exists; an error carried the engine's own words; another listed the caller's roles."""
    hidden = [next(r for r in world.records if r.provider == provider) for provider in (CLOSED, BILATERAL)]
    async with world.client(world.actors["stranger-examiner"]) as client:
        missing = await client.get("/v1/records/XD.patent.XD9999999.A1")
        for record in hidden:
            for path in (f"/v1/records/{record.id}", f"/v1/records/{record.id}/original"):
                answer = await client.get(path)
                assert answer.status_code == missing.status_code == 404
                assert answer.content == missing.content
                assert told(answer) == told(missing)
        broken = await client.get("/v1/search", params={"q": "published:[2020-13 TO 2021]"})
    assert broken.status_code == 400
    for word in ("opensearch", "exception", "role", "shard", "index"):
        assert word not in broken.text.lower()


async def test_11_several_records_at_once_do_not_tell_which_are_hidden(world: World) -> None:
    """`_mget` under a filter gave a shorter list. Our own look-up names only what it gives, whatever was asked."""
    engine = world.platform.services.engine
    scope = scope_of(world, "stranger-examiner")
    visible = next(r for r in world.records if r.provider == PUBLIC).id
    hidden = next(r for r in world.records if r.provider == CLOSED).id
    with_hidden = await engine.documents(scope, [visible, hidden])
    with_missing = await engine.documents(scope, [visible, "XD.patent.XD9999999.A1"])
    assert list(with_hidden) == list(with_missing) == [visible]


async def test_12_a_cursor_serves_its_owner_only_and_only_under_its_rights(world: World) -> None:
    """Cursors were plain base64 JSON: they could be read, changed and passed on."""
    partner, stranger = world.actors["partner-examiner"], world.actors["stranger-examiner"]
    async with world.client(partner) as mine, world.client(stranger) as other, world.platform.client() as public:
        first = (await mine.get("/v1/search", params={"size": 10, "sort": "id"})).json()
        cursor = first["cursor"]
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        for word in (b"XA.", b"sort", b"size", b"after"):
            assert word not in raw
        middle = len(cursor) // 2
        changed = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
        answers = [await other.get("/v1/search", params={"cursor": cursor})]
        answers.append(await public.get("/v1/search", params={"cursor": cursor}))
        answers.append(await mine.get("/v1/search", params={"cursor": changed}))
        answers.append(await mine.get("/v1/search", params={"cursor": "x"}))
        answers.append(await mine.get("/v1/search", params={"cursor": cursor, "q": "other"}))
        world.platform.step(world.agreement, State.SUSPENDED)
        try:
            answers.append(await mine.get("/v1/search", params={"cursor": cursor}))
        finally:
            world.platform.step(world.agreement, State.ACTIVE)
        assert {(a.status_code, a.content) for a in answers} == {(400, answers[0].content)}
        good = await mine.get("/v1/search", params={"cursor": cursor})
    assert good.status_code == 200


async def test_13_the_filter_stands_inside_the_knn_clause(world: World) -> None:
    """Filtered after the search, far fewer than k neighbours were left."""
    scope = scope_of(world, "public")
    clause = Guard(scope).query({"knn": {"embedding": {"vector": [0.0], "k": 5}}})
    assert clause["knn"]["embedding"]["filter"]["bool"]["filter"][0] == scope.group_filter(Group.BIBLIOGRAPHY)
    async with world.client(world.actors["public"]) as client:
        answer = await client.get("/v1/search", params={"q": f"{SHARED} device", "mode": "semantic", "size": 100})
    assert len(answer.json()["hits"]) == 100


async def test_14_a_request_s_filter_adds_to_the_scope_and_never_replaces_it(world: World) -> None:
    """A runtime filter replaced the built-in one, and two branches of a hybrid search had two filters."""
    for mode in ("keyword", "hybrid", "semantic"):
        async with world.client(world.actors["public"]) as client:
            for params in ({"provider": CLOSED}, {"collection": "xd-patent-x"}, {"offices": CLOSED}):
                answer = await client.get("/v1/search", params={"q": SHARED, "mode": mode, **params})
                assert answer.json()["total"] == 0
                assert answer.json()["hits"] == []
    inside = Guard(scope_of(world, "public")).query(
        {"knn": {"embedding": {"vector": [0.0], "k": 5, "filter": {"term": {"provider": CLOSED}}}}}
    )
    assert len(inside["knn"]["embedding"]["filter"]["bool"]["filter"]) == 2


async def test_15_deferred_work_asks_for_rights_anew(world: World) -> None:
    """An export job froze its filter when it was ordered. The stream asks again before each batch, and before it
    leaves."""
    actor = world.actors["partner-examiner"]
    services = world.platform.services

    async def scope() -> Scope:
        return (await asyncio.to_thread(services.identify, Credentials(bearer=actor.key))).scope

    before, after = [], []
    stream = services.engine.stream(scope, query.compile(f"provider:{BILATERAL}"), batch=10)
    try:
        async for _, hits in stream:
            if before:
                after.extend(hits)
            else:
                before.extend(hits)
                world.platform.step(world.agreement, State.SUSPENDED)
    finally:
        world.platform.step(world.agreement, State.ACTIVE)
    assert len(before) == 10
    assert after == []


async def test_15_rights_that_go_while_the_engine_works_are_noticed(world: World) -> None:
    actor = world.actors["partner-examiner"]
    services = world.platform.services
    calls = 0

    async def scope() -> Scope:
        nonlocal calls
        calls += 1
        if calls == 2:  # between the engine's answer and the batch
            world.platform.step(world.agreement, State.SUSPENDED)
        return (await asyncio.to_thread(services.identify, Credentials(bearer=actor.key))).scope

    try:
        found = [hit async for _, hits in services.engine.stream(scope, query.compile(""), batch=500) for hit in hits]
    finally:
        world.platform.step(world.agreement, State.ACTIVE)
    assert found
    assert not any(hit.document["provider"] == BILATERAL for hit in found)


async def test_16_nothing_is_answered_from_a_cache(world: World) -> None:
    """A record view answered 304 before it looked at rights; its ETag lived for twelve hours."""
    record = next(r for r in world.records if r.provider == BILATERAL)
    async with world.client(world.actors["partner-examiner"]) as client:
        first = await client.get(f"/v1/records/{record.id}")
        assert first.status_code == 200
        assert first.headers["cache-control"] == "no-store"
        assert "etag" not in first.headers
        world.platform.step(world.agreement, State.SUSPENDED)
        try:
            second = await client.get(f"/v1/records/{record.id}", headers={"if-none-match": "*"})
        finally:
            world.platform.step(world.agreement, State.ACTIVE)
        third = await client.get(f"/v1/records/{record.id}")
    assert (second.status_code, third.status_code) == (404, 200)


async def test_17_nothing_is_fetched_by_an_id_without_the_filter(world: World) -> None:
    """More-like-this and percolate by id fetched any id and trusted the caller."""
    scope = scope_of(world, "stranger-examiner")
    for unsafe in ({"more_like_this": {"like": []}}, {"percolate": {}}, {"terms": {"number": {"id": "x"}}}):
        with pytest.raises(UnsafeRequest):
            Guard(scope).query(unsafe)


async def test_18_every_route_has_a_guard(world: World) -> None:
    """A flag switched every check off, and one route was forgotten. tests/leaks/test_routes.py looks at each route."""
    from tests.leaks.test_routes import guards_of, routes_of

    routes = routes_of(world.platform.app)
    assert len(routes) > 20
    assert all(guards_of(route) for route in routes)
    assert not any("auth" in name or "guard" in name for name in type(world.platform.settings).model_fields)


async def test_19_secrets_are_neither_taken_from_nor_written_with_addresses(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Tokens in URLs reached the logs."""
    actor = world.actors["partner-examiner"]
    assert actor.key
    caplog.set_level(logging.DEBUG)
    async with world.platform.client() as client:
        for name in ("key", "api_key", "token", "access_token", "q"):
            answer = await client.get("/v1/search", params={name: actor.key})
            assert answer.status_code == 400
            assert actor.key not in answer.text
    async with world.client(actor) as client:
        await client.get("/v1/search", params={"q": "confidentialsubject"})
    written = capsys.readouterr()
    for text in (written.out, written.err):
        assert actor.key not in text
        assert "confidentialsubject" not in text
    assert "request" in written.out + written.err + caplog.text


async def test_20_grants_do_not_lend_each_other_their_fields(world: World) -> None:
    """Field limits of one role spread to another; `.keyword` twins and aliases lay open."""
    full = Grant(
        Tier.CONTENT,
        frozenset({Group.EXISTENCE, Group.BIBLIOGRAPHY, Group.FULL_TEXT, Group.PERSONAL_DATA}),
        Condition(classes=frozenset({("ipc", "A01B")})),
        frozenset({"xb-patent-x"}),
    )
    little = Grant(
        Tier.METADATA,
        frozenset({Group.EXISTENCE, Group.BIBLIOGRAPHY}),
        Condition(),
        frozenset({"xb-patent-x", "xd-patent-x"}),
    )
    base = scope_of(world, "partner-examiner")
    scope = Scope(base.caller, base.purpose, (full, little))
    engine = world.platform.services.engine
    special = make_record(METADATA, 900, f"{SHARED} special", claims=canary(FULL, METADATA), ipc="A01B 1/00")
    await world.platform.index([special])
    try:
        found = await engine.search(scope, SearchRequest(query.compile(canary(FULL, METADATA))))
        assert [hit.id for hit in found.hits] == [special.id]
        assert canary(FULL, CLOSED) not in json.dumps([hit.record for hit in found.hits])
        assert (await engine.search(scope, SearchRequest(query.compile(canary(FULL, CLOSED))))).total == 0
        everything = await engine.search(scope, SearchRequest({"match_all": {}}, size=100))
        for hit in everything.hits:
            text = json.dumps(hit.record)
            assert (canary(FULL, METADATA) in text) == (hit.id == special.id)
            assert canary(PERSONAL, METADATA) not in text
    finally:
        await world.platform.remove([special])
    for twin in ("claims.en.exact", "description.en", "status_state", "expiry_date"):
        assert Guard(scope_of(world, "public"), existence=True).readable(twin) == NOTHING


async def test_20_roles_without_reading_rights_get_nothing_from_their_office(world: World) -> None:
    for name in ("platform-steward", "partner-auditor"):
        scope = scope_of(world, name)
        assert scope.caller.role in (Role.PLATFORM_STEWARD, Role.AUDITOR)
        assert not any(grant.provider for grant in scope.grants)
        async with world.client(world.actors[name]) as client:
            pages = await all_pages(client, size=200, mode="keyword")
        providers = {hit["record"]["provider"] for page in pages for hit in page["hits"]}
        assert providers == {PUBLIC, METADATA, EXISTENCE, EMBARGOED}


async def test_vectors_are_made_of_the_bibliography_only() -> None:
    """A vector cannot be searched in part: were claims in it, whoever may not read them could still find by them."""
    from api.access.fields import fields
    from indexer.embedding import PARTS

    strict = fields().texts
    assert not [kind.value for parts in PARTS.values() for kind in parts if kind.value in strict]
