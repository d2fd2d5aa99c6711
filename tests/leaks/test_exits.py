"""What is built on the search, exit by exit: each gives every actor what the naive account says, of every tier.

One test an exit; all actors go through it, and a failure names the actor. `test_matrix.py` has the search itself.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
import pytest_asyncio
from sqlalchemy import text

from api.access.agreements import State
from api.access.model import Role
from api.saved import run as alerting
from cli import terms
from cli.session import Platform as Running
from common.errors import UsageError
from indexer.duplicates import profile
from indexer.duplicates.clusters import pair
from indexer.duplicates.compare import compare
from indexer.duplicates.ledger import Ledger
from indexer.record import MarkDetails, Record, Right, Source, Text, TextType
from store.saved import SavedSearch
from tests.exports.world import ended
from tests.leaks.test_routes import routes_of
from tests.leaks.world import (
    ACTORS,
    BIB,
    BILATERAL,
    CLOSED,
    EMBARGOED,
    EXISTENCE,
    FULL,
    FUTURE,
    PARTNER,
    PERSONAL,
    PROVIDERS,
    PUBLIC,
    RIGHTS,
    SHARED,
    TODAY,
    Actor,
    World,
    all_pages,
    canary,
)
from tests.platforms import ALL_GROUPS, make_record, told, working

pytestmark = pytest.mark.asyncio(loop_scope="session")
MISSING = "ZZ.patent.ZZ0000001.A1"


def firsts(world: World, right: Right = Right.PATENT) -> list[Record]:
    """One record of each provider."""
    return [next(r for r in world.records if (r.provider, r.right) == (name, right)) for name in PROVIDERS]


def read_by(world: World, actor: Actor, records: list[Record]) -> set[str]:
    return {record.id for record in records} & world.readable(actor)


def check_like_missing(answer: httpx.Response, missing: httpx.Response, who: str) -> None:
    assert (answer.status_code, answer.content, told(answer)) == (404, missing.content, told(missing)), who


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(world: World) -> AsyncIterator[None]:
    async with working(world.platform):
        yield


async def test_exports(world: World, worker: None) -> None:
    """Whole records in a file, each with the groups that its reader holds of it; the rest is counted and not named."""
    chosen = {
        (record.office, record.source.ordinal): record
        for record in world.records
        if record.right in (Right.PATENT, Right.TRADEMARK)
    }
    for name in ACTORS:
        actor = world.actors[name]
        async with world.client(actor) as client:
            order = {"format": "jsonl", "search": {"rights": ["patent", "trademark"]}}
            answer = await client.post("/v1/exports", json=order)
            if not actor.reads:
                assert answer.status_code == (401 if actor.key is None else 403), name
                continue
            assert answer.status_code == 202, name
            job = await ended(client, answer.json()["id"])
            content = (await client.get(job["result"]["content"])).text
        written = {}
        for line in map(orjson.loads, content.splitlines()):
            written[chosen[line["office"], int(line["numbers"][0]["raw"])].id] = json.dumps(line)
        seen = world.seen(actor)
        stubs = sum(seen.get(record.id) == set() for record in chosen.values())
        assert set(written) == read_by(world, actor, list(chosen.values())), name
        assert len(written) == job["result"]["report"]["written"], name
        assert sum(job["result"]["report"]["left_out"].values()) == stubs, name
        for record in chosen.values():
            for kind in (FULL, PERSONAL) if record.id in written else ():
                shown = canary(kind, record.provider) in written[record.id]
                assert shown == (kind in seen[record.id]), (name, record.id, kind)
        world.check_silent(actor, content)


async def test_saved_searches_and_their_alerts(world: World) -> None:
    """What comes in is told to those who read it: the results and the feed, and what the run has counted."""
    platform, services = world.platform, world.platform.services
    came = firsts(world)
    made: dict[str, str] = {}
    for name in ACTORS:
        actor = world.actors[name]
        async with world.client(actor) as client:
            saved = await client.post("/v1/saved-searches", json={"name": "mine", "search": {"q": SHARED}})
        if actor.key is None:
            assert saved.status_code == 401, name
            continue
        assert saved.status_code == 201, saved.text
        made[name] = saved.json()["id"]
    with platform.database.session() as session:
        for record in came:
            session.execute(
                text(
                    'insert into records (id, seq, "right", office, provider, collection, content_hash, delivery, '
                    "member, ordinal, confirmed, body) values (:id, nextval('change_sequence'), :right, :office, "
                    ":provider, :collection, '', 1, 1, 1, 1, '')"
                ),
                record.model_dump(include={"id", "office", "provider", "collection"}) | {"right": record.right.value},
            )
    try:
        with platform.database.session() as session:
            to = alerting.certain(session)
        for name, search in made.items():
            actor = world.actors[name]
            await alerting.one(services, search, to, dt.datetime.now(dt.UTC).date())
            expected = read_by(world, actor, came)
            async with world.client(actor) as client:
                results = await client.get(f"/v1/saved-searches/{search}/results")
                feed = await client.get(f"/v1/saved-searches/{search}/feed")
            assert {found["id"] for found in results.json()["results"]} == expected, name
            assert {record.id for record in came if record.id in feed.text} == expected, name
            with platform.database.session() as session:
                assert session.get_one(SavedSearch, search).found == len(expected), name
            world.check_silent(actor, results.text + feed.text)
    finally:
        with platform.database.session() as session:
            session.execute(text("delete from saved_results"))
            session.execute(text("delete from saved_searches"))
            session.execute(text("delete from records"))


async def test_grouped_results(world: World) -> None:
    """A family has as many members as one reads of it, and none of the others' names."""
    for name in ACTORS:
        actor = world.actors[name]
        readable = world.readable(actor)
        sizes = Counter(record.source.ordinal for record in world.records if record.id in readable)
        async with world.client(actor) as client:
            pages = await all_pages(client, 40, q=SHARED, mode="keyword", group="family", facets="provider,applicant")
        hits = [hit for page in pages for hit in page["hits"]]
        assert len(hits) == len(sizes), name
        assert all(page["groups"]["count"] == len(sizes) and page["total"] == len(readable) for page in pages), name
        for hit in hits:
            group = {hit["id"], *hit["group"]["others"]}
            assert group <= readable, name
            (number,) = {int(member.split(".")[2][2:]) for member in group}
            assert hit["group"]["records"] == len(group) == sizes[number], name
        world.check_silent(actor, json.dumps(pages))


async def test_similar_records(world: World) -> None:
    """From a record or from a passage that names every canary: only what one reads, for reasons that one reads."""
    canaries = " ".join(canary(kind, provider) for kind in (BIB, FULL) for provider in PROVIDERS)
    for name in ACTORS:
        actor = world.actors[name]
        seen, readable = world.seen(actor), world.readable(actor)
        async with world.client(actor) as client:
            missing = await client.get(f"/v1/records/{MISSING}/similar")
            for record in firsts(world):
                answer = await client.get(f"/v1/records/{record.id}/similar", params={"size": 40})
                if not seen.get(record.id):
                    check_like_missing(answer, missing, name)
                    continue
                found = {hit["id"] for hit in answer.json()["hits"]}
                assert found, name
                assert found <= readable, name
                world.check_silent(actor, answer.text)
            passage = {"text": f"{SHARED} device {canaries}", "size": 40}
            answer = await client.post("/v1/search/similar", json=passage)
            assert answer.status_code == 200, answer.text
            assert {hit["id"] for hit in answer.json()["hits"]} <= readable, name
            # Its reasons may say words of the passage itself: those of records stand in the hits' records alone.
            world.check_silent(actor, json.dumps([hit["record"] for hit in answer.json()["hits"]]))


async def test_similar_marks(world: World) -> None:
    """A mark is compared with those that one reads, whether it is the same, sounds alike or looks alike."""
    marks = []
    for provider in PROVIDERS:
        record = make_record(provider, 880, f"mark of {canary(BIB, provider)}", right=Right.TRADEMARK)
        word = Text(type=TextType.MARK_TEXT, text=f"Zanquil {canary(BIB, provider)}", language="xx")
        marks.append(record.model_copy(update={"texts": (word,), "mark": MarkDetails(feature="word")}))
    await world.platform.index(marks)
    try:
        for name in ACTORS:
            actor = world.actors[name]
            mine = actor.office if actor.reads else None
            # By the account: what `groups_seen` says of each provider's records that were published long ago.
            reads = {"XA", "XB", "XE", *(["XF"] if mine == PARTNER else []), *([mine] if mine in PROVIDERS else [])}
            expected = {record.id for record in marks if record.provider in reads}
            async with world.client(actor) as client:
                for asked in ("ZANQUIL", "Sankwil", f"zanquil {canary(BIB, BILATERAL)}"):
                    answer = await client.get(
                        "/v1/marks/similar", params={"mark": asked, "size": 100, "classes": "all"}
                    )
                    assert answer.status_code == 200, answer.text
                    found = {hit["id"] for hit in answer.json()["hits"]}
                    assert found & {record.id for record in marks} == expected, (name, asked)
                    assert found - expected <= world.readable(actor), (name, asked)
                    told_of = json.dumps([hit["record"] for hit in answer.json()["hits"]])
                    world.check_silent(actor, told_of)
    finally:
        await world.platform.remove(marks)


async def test_looking_up_numbers(world: World) -> None:
    """Hidden and missing numbers are both missing; of a record that may only be known to exist there is no id."""
    asked = [record for record in world.records if record.source.ordinal in (1, 2)]
    numbers = [record.numbers[0].canonical for record in asked]
    for name in ACTORS:
        actor = world.actors[name]
        seen = world.seen(actor)
        async with world.client(actor) as client:
            answer = await client.post("/v1/records/lookup", json={"numbers": [*numbers, "ZZ0000001"]})
        assert answer.status_code == 200, answer.text
        for record, found in zip(asked, answer.json()["numbers"], strict=False):
            wanted = [] if record.id not in seen else [record.id if seen[record.id] else None]
            assert [one["id"] for one in found["records"] + found["other_kinds"]] == wanted, (name, record.id)
            if not wanted:
                nothing = answer.json()["numbers"][-1]
                assert {**found, "typed": "", "canonical": ""} == {**nothing, "typed": "", "canonical": ""}, name


async def test_terms_of_other_languages(world: World) -> None:
    """The terms come from the term bank alone: they are the same for everybody, and bring only what one reads."""
    told_terms = set()
    for name in ACTORS:
        actor = world.actors[name]
        asked = {"q": f"device {SHARED} battery", "expand": "broad", "size": 50}
        async with world.client(actor) as client:
            answer = await client.get("/v1/search", params=asked)
        body = answer.json()
        told_terms.add(json.dumps(body["expansion"], sort_keys=True))
        assert {hit["id"] for hit in body["hits"]} <= world.readable(actor), name
        world.check_silent(actor, answer.text)
    assert len(told_terms) == 1


async def test_mined_terms_come_from_what_everybody_reads(world: World) -> None:
    """Whoever searches sees the terms: a collection that is closed to somebody, or under embargo, gives none."""
    running = Running(world.platform.settings, world.platform.database, str(world.platform.settings.opensearch_url))
    added = []
    for provider, number in ((PUBLIC, 501), (EMBARGOED, 502), (EMBARGOED, 503), (CLOSED, 504)):
        record = make_record(provider, number, f"heat pump {number}", published=FUTURE if number == 503 else TODAY)
        german = Text(type=TextType.TITLE, text=f"Wärmepumpe {number}", language="de")
        added.append(record.model_copy(update={"texts": (*record.texts, german)}))
    await world.platform.index(added)
    try:
        units = await terms._units(running, ["xa-patent-x", "xe-patent-x"])
        assert sorted(unit["en"] for unit in units) == ["heat pump 501", "heat pump 502"]
        for closed in ("xc-patent-x", "xd-patent-x", "xf-patent-x", "zz-patent-x"):
            with pytest.raises(UsageError, match="Not everybody may read"):
                await terms._units(running, ["xa-patent-x", closed])
    finally:
        await world.platform.remove(added)


async def test_originals(world: World) -> None:
    """The very bytes, of one record and not of its neighbours in the file, for those alone who hold every field group:
    here the providers' own people, and whom an agreement gives personal data too."""
    platform = world.platform
    texts = {provider: f"<record>{canary(PERSONAL, provider)}</record>".encode() for provider in PROVIDERS}
    sha256, _ = platform.services.archive.put(io.BytesIO(b"".join(texts.values())))
    records, offset = {}, 0
    for place, (provider, content) in enumerate(texts.items()):
        source = Source(
            delivery=1,
            file="all.xml",
            ordinal=place,
            byte_offset=offset,
            byte_length=len(content),
            sha256=sha256,
            format="sample",
            reader_version=1,
        )
        records[provider] = make_record(provider, 990, "of a shared file", source=source)
        offset += len(content)
    await platform.index(records.values())
    whole = platform.agreement(
        CLOSED, PARTNER, tier="content", groups=[*ALL_GROUPS, "personal-data"], collections=["xd-patent-x"]
    )
    try:
        for name in ACTORS:
            actor = world.actors[name]
            theirs = {actor.office, *([CLOSED] if actor.office == PARTNER else [])} if actor.reads else set()
            async with world.client(actor) as client:
                missing = await client.get(f"/v1/records/{MISSING}/original")
                for provider, record in records.items():
                    answer = await client.get(f"/v1/records/{record.id}/original")
                    if provider in theirs:
                        assert (answer.status_code, answer.content) == (200, texts[provider]), (name, provider)
                    else:
                        assert (answer.status_code, answer.content) == (missing.status_code, missing.content), name
    finally:
        platform.step(whole, State.REVOKED)
        await platform.remove(records.values())


async def test_basket_and_notes(world: World) -> None:
    """A kept id gives no right: what one does not read cannot be kept, and what one reads no more is not shown."""
    chosen = firsts(world)
    given = {f"xf-{right.value}-x" for right in RIGHTS}
    for name in ACTORS:
        actor = world.actors[name]
        if actor.key is None:
            continue
        expected = read_by(world, actor, chosen)
        async with world.client(actor) as client:
            missing = await client.put(f"/v1/basket/{MISSING}")
            for record in chosen:
                put = await client.put(f"/v1/basket/{record.id}")
                note = await client.post("/v1/notes", json={"record": record.id, "text": "of mine"})
                if record.id in expected:
                    assert (put.status_code, note.status_code) == (200, 201), name
                else:
                    check_like_missing(put, missing, name)
                    check_like_missing(note, missing, name)
            basket = await client.get("/v1/basket")
            assert {entry["id"] for entry in basket.json()["records"]} == expected, name
            world.check_silent(actor, basket.text)
            if actor.office == PARTNER and actor.reads:
                world.platform.step(world.agreement, State.SUSPENDED)
                try:
                    left = (await client.get("/v1/basket")).json()["records"]
                    gone = next(record for record in chosen if record.collection in given)
                    check_like_missing(await client.get("/v1/notes", params={"record": gone.id}), missing, name)
                finally:
                    world.platform.step(world.agreement, State.ACTIVE)
                assert {entry["id"] for entry in left} == expected - {gone.id}, name


async def test_the_queue_of_duplicates(world: World) -> None:
    """A pair is for those who read both of its records; nobody else learns that there is one, or how many."""
    records = firsts(world)
    profiles = {r.id: profile.profile(r.model_dump(mode="json"), 1) for r in records}
    ledger = Ledger(world.platform.database)
    with ledger.transaction() as connection:
        for found in profiles.values():
            connection.execute(
                'insert into duplicate_profiles (id, seq, "right", office, provider, collection, body) '
                "values (%s, 1, 'patent', %s, %s, %s, %s)",
                (found.id, found.office, found.provider, found.collection, profile.dump(found)),
            )
        for one, other in itertools.combinations(sorted(profiles), 2):
            a, b = pair(one, other)
            compared = compare(profiles[a], profiles[b], taken=False)
            between = "/".join(sorted((profiles[a].provider, profiles[b].provider)))
            connection.execute(
                'insert into duplicate_pairs (a, b, "right", providers, offices, relation, action, why, score, scorer, '
                "levels, values, rivals, seq_a, seq_b) values (%s, %s, 'patent', %s, %s, 'same', 'queue', 'sample', "
                "0.5, 'x', %s::jsonb, %s::jsonb, 'null', 1, 1)",
                (a, b, between, between, str(list(compared.levels)), json.dumps(compared.values)),
            )
        ledger.recompute(connection, profiles)
    try:
        for name in ACTORS:
            actor = world.actors[name]
            readable = sorted(read_by(world, actor, records))
            async with world.client(actor) as client:
                answer = await client.get("/v1/duplicates", params={"size": 100, "scores": True})
                if actor.role is not Role.DATA_QUALITY:
                    assert answer.status_code == (401 if actor.key is None else 403), name
                    continue
                queued = {(entry["a"], entry["b"]) for entry in answer.json()["pairs"]}
                assert queued == {pair(*both) for both in itertools.combinations(readable, 2)}, name
                world.check_silent(actor, answer.text)
                missing = await client.get("/v1/duplicates/pair", params={"a": MISSING, "b": readable[0]})
                for one, other in itertools.combinations(sorted(profiles), 2):
                    if not {one, other} <= set(readable):
                        a, b = pair(one, other)
                        check_like_missing(
                            await client.get("/v1/duplicates/pair", params={"a": a, "b": b}), missing, name
                        )
    finally:
        with world.platform.database.driver() as connection:
            for table in ("profiles", "pairs", "decisions", "clusters", "conflicts"):
                connection.execute(f"delete from duplicate_{table}")


QUERIES: dict[str, dict[str, str]] = {
    "/": {"q": SHARED, "view": "table"},
    "/compose": {"q": SHARED},
    "/facet/{name}": {"q": SHARED},
    "/like": {"text": f"{SHARED} device"},
    "/open": {"q": "XA0000001"},
    "/similar": {"mark": SHARED},
    "/trends": {"q": SHARED, "by": "applicant"},
    "/v1/analyse": {"by": "applicant"},
    "/v1/audit": {"days": "30"},
    "/v1/coverage/gaps": {"office": CLOSED},
    "/v1/exchange/changes": {"agreement": "1"},
    "/v1/duplicates/pair": {"a": "x", "b": "y"},
    "/v1/marks/similar": {"mark": SHARED},
    "/v1/notes": {"record": MISSING},
    "/v1/search": {"facets": "applicant,owner,year,status,ipc", "size": "200", "full": "true"},
    "/v1/suggest": {"q": "bibzz"},
}
"""What is asked of a route that wants to be asked something."""
ANY = {"name": "applicant", "place": "1", "office": CLOSED, "collection": "xd-patent-x"}
"""Parts of a path; others get a 1, which names nothing."""


async def test_no_route_sings(world: World) -> None:
    """Every route that only reads, whatever is built next: no canary in any answer, pages and errors included; and of a
    record that one may not know of, each says byte for byte what it says of one that does not exist."""
    records = [record for record in firsts(world) if record.provider in (PUBLIC, EXISTENCE, CLOSED)]
    paths = sorted({str(route.path) for route in routes_of(world.platform.app) if "GET" in (route.methods or ())})
    answered = 0
    for name in ("public", "partner-quality", "existence-steward", "platform-steward"):
        actor = world.actors[name]
        seen = world.seen(actor)
        async with world.client(actor) as client:

            async def ask(path: str, record: str, client: httpx.AsyncClient = client) -> httpx.Response:
                parts = {**ANY, "record_id": record}
                address = re.sub(r"\{(\w+)\}", lambda match: parts.get(match[1], "1"), path)
                return await client.get(address, params=QUERIES.get(path))

            for path in paths:
                of_records = "{record_id}" in path
                missing = await ask(path, MISSING)
                for record in records if of_records else ():
                    answer = await ask(path, record.id)
                    answered += answer.status_code == 200
                    assert answer.status_code < 500, (name, path, record.id, answer.text)
                    if seen.get(record.id):
                        world.check_silent(actor, answer.text)
                    elif record.id not in seen:
                        text = answer.text.replace(record.id, MISSING)
                        assert (answer.status_code, text) == (missing.status_code, missing.text), (name, path)
                world.check_silent(actor, missing.text)
                answered += missing.status_code == 200
                assert missing.status_code < 500 or path == "/readyz", (name, path, missing.text)
                assert missing.status_code != 422, (name, path, "add what it wants to QUERIES", missing.text)
    assert answered > 150
