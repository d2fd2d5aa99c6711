"""Policies and agreements: decision order, states, and changes that count at once and in every process."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select

from api.access import agreements, keys
from api.access.agreements import STEPS, State, Terms
from api.access.model import Caller, Group, Role, Tier, role_rules
from api.access.policies import PolicyTerms
from api.access.scope import NOTHING, Condition, Grant, Scope, covered, merge
from api.access.scopes import AgreementRules, CollectionRules, Origin, decide
from api.search import query
from api.search.engine import MOST_CLAUSES, SearchRequest
from common.errors import Conflict, NotFound, QueryError, UsageError
from common.messages import say
from store.access import CHANNEL, AuditEntry
from store.database import Database
from tests.platforms import Platform, make_record

pytestmark = pytest.mark.asyncio(loop_scope="session")
NOW = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)


def caller(office: str | None, role: Role = Role.EXAMINER) -> Caller:
    return Caller("key", "k", office, role, role_rules()[role].permissions)


def audited(platform: Platform) -> int:
    """Entries of the audit."""
    with platform.database.session() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def rules(**changed: object) -> CollectionRules:
    return CollectionRules(**{"id": "qb-patent-x", "provider": "QB", "right": "patent", **changed})  # type: ignore[arg-type]


def given(**terms: object) -> AgreementRules:
    return AgreementRules(1, "QB", "QA", Terms.model_validate({"tier": "content", **terms}))


def tier(scope: Scope) -> Tier:
    return scope.tier("qb-patent-x")


async def test_closed_by_default() -> None:
    assert tier(decide(caller("QA"), "examination", [rules()], [], now=NOW)) is Tier.NONE
    assert decide(caller("QA"), "examination", [rules()], [], now=NOW).filter() != {"match_all": {}}


async def test_deny_beats_embargo_beats_agreement_beats_default() -> None:
    content = rules(tier=Tier.METADATA)
    assert tier(decide(caller("QA"), "examination", [content], [given()], now=NOW)) is Tier.CONTENT
    fixed = rules(tier=Tier.METADATA, embargo="fixed", embargo_until=dt.date(2024, 5, 2))
    assert tier(decide(caller("QA"), "examination", [fixed], [given()], now=NOW)) is Tier.NONE
    later = NOW + dt.timedelta(days=1)
    assert tier(decide(caller("QA"), "examination", [fixed], [given()], now=later)) is Tier.CONTENT
    denied = rules(tier=Tier.CONTENT, denied=frozenset({"QA"}))
    assert tier(decide(caller("QA"), "examination", [denied], [given()], now=NOW)) is Tier.NONE
    assert tier(decide(caller("QC"), "examination", [denied], [given()], now=NOW)) is Tier.CONTENT


async def test_a_scope_knows_when_time_alone_will_change_it() -> None:
    fixed = rules(tier=Tier.METADATA, embargo="fixed", embargo_until=dt.date(2024, 6, 1))
    scope = decide(caller("QA"), "examination", [fixed], [given(valid_until="2024-05-20")], now=NOW)
    assert scope.valid_until == dt.datetime(2024, 5, 21, tzinfo=dt.UTC)


async def test_purposes_and_roles_limit() -> None:
    limited = given(purposes=["statistics"], roles=["data-quality"])
    for who, purpose, expected in (
        (caller("QA"), "statistics", Tier.NONE),
        (caller("QA", Role.DATA_QUALITY), "examination", Tier.NONE),
        (caller("QA", Role.DATA_QUALITY), "statistics", Tier.CONTENT),
        (caller("QA", Role.AUDITOR), "statistics", Tier.NONE),
    ):
        assert tier(decide(who, purpose, [rules()], [limited], now=NOW)) is expected


async def test_what_was_given_for_one_office_is_not_passed_on() -> None:
    """Whatever policies and agreements here say: the agreement under which it came counts."""
    for onward, everybody, another_office in (("none", 0, 0), ("offices", 0, 3), ("public", 2, 3)):
        came = rules(tier=Tier.METADATA, origin=Origin(onward, frozenset({"QA"})))
        for office, agreed, expected in (("QA", True, 3), ("QC", False, everybody), ("QC", True, another_office)):
            ground = [replace(given(), beneficiary=office)] if agreed else []
            assert tier(decide(caller(office), "examination", [came], ground, now=NOW)) == Tier(expected), onward


async def test_a_provider_s_own_people_see_all_of_it() -> None:
    closed = rules(embargo="fixed", embargo_until=dt.date(2999, 1, 1), denied=frozenset({"QB"}))
    scope = decide(caller("QB"), "examination", [closed], [], now=NOW)
    document = {"provider": "QB", "collection": "qb-patent-x", "unpublished": True}
    assert scope.view(document).groups >= {Group.PERSONAL_DATA, Group.PROVENANCE}
    assert tier(decide(caller("QB", Role.PLATFORM_STEWARD), "examination", [closed], [], now=NOW)) is Tier.NONE


async def test_a_thousand_collections_with_the_same_terms_are_one_clause() -> None:
    many = [rules(id=f"qb-patent-{n}", tier=Tier.CONTENT, groups=frozenset({Group.FULL_TEXT})) for n in range(1_000)]
    scope = decide(caller("QA"), "examination", many, [given(groups=["full-text"])], now=NOW)
    own, merged = scope.grants
    assert own.provider == "QA"
    assert len(merged.collections) == 1_000


async def test_merging_drops_what_another_grant_covers_and_nothing_else() -> None:
    little = Grant(Tier.METADATA, frozenset({Group.BIBLIOGRAPHY}), Condition(), frozenset({"a", "b"}))
    more = Grant(Tier.CONTENT, frozenset({Group.BIBLIOGRAPHY, Group.FULL_TEXT}), Condition(), frozenset({"a"}))
    narrow = Grant(
        Tier.CONTENT,
        frozenset({Group.BIBLIOGRAPHY, Group.FULL_TEXT}),
        Condition(offices=frozenset({"QA"})),
        frozenset({"b"}),
    )
    merged = merge([little, more, narrow])
    assert {(grant.collections, grant.tier) for grant in merged} == {
        (frozenset({"a"}), Tier.CONTENT),
        (frozenset({"b"}), Tier.METADATA),
        (frozenset({"b"}), Tier.CONTENT),
    }


async def test_states_and_their_effect(platform: Platform) -> None:
    await platform.index([make_record("QB", 70, "fentral")])
    platform.policy("qb-patent-x", "none")
    agreement = platform.agreement("QB", "QF", tier="metadata")
    async with platform.client(platform.key("QF")) as client:

        async def total() -> int:
            return (await client.get("/v1/search", params={"q": "fentral", "mode": "keyword"})).json()["total"]

        assert await total() == 1
        platform.step(agreement, State.SUSPENDED)
        assert await total() == 0
        platform.step(agreement, State.ACTIVE)
        assert await total() == 1
        platform.step(agreement, State.REVOKED)
        assert await total() == 0
    for state in (State.ACTIVE, State.SUSPENDED, State.OFFERED):
        with pytest.raises(Conflict):
            platform.step(agreement, state)
    assert all(target in STEPS for targets in STEPS.values() for target in targets)


async def test_versions_are_kept_and_the_newest_counts(platform: Platform) -> None:
    await platform.index([make_record("QB", 71, "gontral", claims="hidden")])
    agreement = platform.agreement("QB", "QG", tier="content", groups=["full-text"])
    async with platform.client(platform.key("QG")) as client:
        record = "/v1/records/QB.patent.QB0000071.A1"
        assert "hidden" in (await client.get(record)).text
        with platform.database.session() as session:
            version = agreements.amend(session, agreement, Terms(tier="metadata"), by="test")
            assert version.version == 2
        assert "hidden" not in (await client.get(record)).text
        with pytest.raises(Exception, match="append-only"), platform.database.session() as session:
            session.get(agreements.AgreementVersion, version.id).terms = {}  # type: ignore[union-attr]


async def test_another_process_learns_of_a_change_at_once(platform: Platform) -> None:
    """By LISTEN/NOTIFY, and by the version that each request reads should a notification be lost."""
    other = Database(platform.database.url)
    heard: list[str] = []

    async def listen() -> None:
        async for channel, payload in other.listen([CHANNEL]):
            heard.append(f"{channel}:{payload}")
            return

    listening = asyncio.create_task(listen())
    while not listening.done():
        platform.policy("qb-patent-y", "existence")
        await asyncio.wait([listening], timeout=0.1)
    assert heard[0].startswith(CHANNEL)
    other.close()


@asynccontextmanager
async def nobody_listening(platform: Platform) -> AsyncIterator[None]:
    """The process hears of no change: notifications are lost."""
    services = platform.services
    services.jobs[0].cancel()
    await asyncio.gather(services.jobs[0], return_exceptions=True)
    try:
        yield
    finally:
        services.jobs[0] = asyncio.create_task(services._watch())


async def test_a_lost_notification_leaves_no_stale_right(platform: Platform) -> None:
    await platform.index([make_record("QB", 72, "hantral")])
    agreement = platform.agreement("QB", "QH", tier="metadata")
    async with nobody_listening(platform), platform.client(platform.key("QH")) as client:
        path = "/v1/records/QB.patent.QB0000072.A1"
        search = "/v1/search?q=hantral&mode=keyword"
        assert (await client.get(path)).status_code == 200
        assert (await client.get(search)).json()["total"] == 1
        before = audited(platform)
        platform.step(agreement, State.REVOKED)
        # A search begins under the rights last known, and gives nothing away before it has looked again.
        assert (await client.get(search)).json()["total"] == 0
        assert (await client.get(path)).status_code == 404
        assert audited(platform) == before


async def test_a_key_that_was_revoked_without_a_word_finds_nothing(platform: Platform) -> None:
    await platform.index([make_record("QB", 73, "hantrel")])
    platform.agreement("QB", "QH", tier="metadata")
    async with nobody_listening(platform):
        key = platform.key("QH")
        async with platform.client(key) as client:
            search = {"q": "hantrel", "mode": "keyword"}
            first = await client.post("/v1/search", json={**search, "size": 1})
            assert first.json()["total"] == 1
            with platform.database.session() as session:
                holder = keys.find(session, key, dt.datetime.now(dt.UTC))
                assert holder is not None
                keys.revoke(session, holder.id)
            for _ in range(2):
                answer = await client.post("/v1/search", json=search)
                assert answer.status_code == 401
                assert "hantrel" not in answer.text


async def test_terms_and_policies_are_checked(platform: Platform) -> None:
    for wrong in (
        {"tier": "everything"},
        {"groups": ["provenance"]},
        {"groups": ["existence"]},
        {"purposes": ["fun"]},
        {"classes": ["H01M"]},
        {"valid_from": "2024-02-01", "valid_until": "2024-01-01"},
        {"volume_cap": -1},
    ):
        with pytest.raises(ValidationError):
            Terms.model_validate(wrong)
    for wrong in ({"tier": "all"}, {"embargo": "fixed"}, {"embargo_until": "2024-01-01"}, {"denied": ["Europe"]}):
        with pytest.raises(ValidationError):
            PolicyTerms.model_validate(wrong)
    with pytest.raises(NotFound):
        platform.agreement("QB", "QA", collections=["qc-patent-x"])


async def test_a_scope_of_ten_thousand_collections_works(platform: Platform) -> None:
    """As terms of one clause: far below the engine's limit, and cursors stay small since they hold no scope."""
    many = [
        rules(id=f"qb-patent-{n}", tier=Tier.CONTENT, groups=frozenset({Group.FULL_TEXT, Group.LEGAL_STATUS}))
        for n in range(10_000)
    ]
    await platform.index([make_record("QB", 73, "intral", collection="9999")])
    scope = decide(caller("QA"), "examination", many, [])
    page = await platform.services.engine.search(scope, SearchRequest(query.compile("intral")))
    assert page.total == 1


async def test_thousands_of_agreements_with_terms_of_their_own(platform: Platform) -> None:
    """Each is a condition of its own in the filter: far more than the engine allows where it is not told."""
    await platform.index([make_record("QB", 75, "kuntral", collection="1999")])

    def scope(agreements: int) -> Scope:
        many = [rules(id=f"qb-patent-{n}") for n in range(agreements)]
        first = dt.date(1950, 1, 1)
        each = [
            AgreementRules(n + 1, "QB", "QA", Terms(collections=(name.id,), published_from=first + dt.timedelta(n)))
            for n, name in enumerate(many)
        ]
        return decide(caller("QA"), "examination", many, each, now=NOW)

    engine = platform.services.engine
    asked = SearchRequest(query.compile("kuntral"), facets=("office",))
    assert [hit.id for hit in (await engine.search(scope(2_000), asked)).hits] == ["QB.patent.QB0000075.A1"]
    assert (await engine.search(scope(1_999), asked)).total == 0


@pytest.mark.filterwarnings("ignore:Sending a large body")  # two megabytes of rights
async def test_rights_that_are_too_many_for_one_query_are_not_taken_for_too_many_words(platform: Platform) -> None:
    engine, read = platform.services.engine, frozenset({Group.EXISTENCE, Group.BIBLIOGRAPHY})
    first = dt.date(1950, 1, 1)

    def scope(agreements: int) -> Scope:
        days = [Condition(date_from=first + dt.timedelta(n)) for n in range(agreements)]
        grants = tuple(Grant(Tier.CONTENT, read, day, frozenset({f"{n}"})) for n, day in enumerate(days))
        return Scope(caller("QA"), "examination", grants)

    most, few = scope(MOST_CLAUSES + 1), scope(10)
    word, words = query.compile("kuntral"), {"bool": {"should": [{"term": {"id": "1"}}] * (MOST_CLAUSES + 1)}}
    for refused in (
        engine.search(most, SearchRequest(word)),
        engine.get(most, "QB.patent.QB0000075.A1"),
        engine.matching(most, word, size=1),
    ):
        with pytest.raises(UsageError) as told:
            await refused
        assert told.value.message == say("query.too-many-rights", rights=MOST_CLAUSES + 1)
        assert "indices.query.bool.max_clause_count" in told.value.remedy
    with pytest.raises(QueryError) as long:
        await engine.search(few, SearchRequest(words))
    assert long.value.message == say("query.too-many-words")


async def test_what_several_conditions_share_is_asked_once() -> None:
    """And says the same: every record is in the filter's clauses exactly where one of the grants covers it."""
    both: dict[str, Any] = {"classes": frozenset({("ipc", "H01M")}), "offices": frozenset({"QC"})}
    groups = frozenset({Group.EXISTENCE, Group.BIBLIOGRAPHY})
    grants = [
        Grant(Tier.METADATA, groups, Condition(unpublished=True), provider="QA"),
        Grant(Tier.METADATA, groups, Condition(), frozenset({"a"})),
        Grant(Tier.METADATA, groups, Condition(date_from=dt.date(2001, 1, 1), **both), frozenset({"b"})),
        Grant(Tier.METADATA, groups, Condition(date_from=dt.date(2002, 1, 1), **both), frozenset({"c"})),
        Grant(Tier.CONTENT, groups, Condition(), frozenset({"d"}), formats=frozenset({"csv"})),
    ]
    filter = covered(grants, dt.date(2024, 1, 1))
    text = json.dumps(filter)
    for once in ('"unpublished"', '"ipc.any"', '"office"', '["a", "d"]'):
        assert text.count(once) == 1, once

    def meets(clause: dict[str, Any], record: dict[str, Any]) -> bool:
        ((kind, body),) = clause.items()
        if kind == "bool":
            some = body.get("should")
            return all(meets(part, record) for part in body.get("filter", ())) and (
                some is None or any(meets(part, record) for part in some)
            )
        ((name, wanted),) = body.items()
        if kind == "range":
            return bool(wanted["gte"] <= record[name])
        value = record["ipc"]["any"] if name == "ipc.any" else [record[name]]
        return bool(set(value) & set(wanted if kind == "terms" else [wanted]))

    seen = 0
    for provider, collection, office, day, symbol, unpublished in itertools.product(
        ("QA", "QB"), "abcde", ("QC", "QD"), ("2001-06-01", "2003-01-01"), ("H01M", "A01B"), (False, True)
    ):
        record = {
            "provider": provider,
            "collection": collection,
            "office": office,
            "publication_date": day,
            "ipc": {"any": [symbol]},
            "unpublished": unpublished,
        }
        expected = any(grant.matches(record, dt.date(2024, 1, 1)) for grant in grants)
        assert meets(filter, record) is expected, record
        seen += expected
    assert 80 < seen < 160
    assert covered([], dt.date(2024, 1, 1)) == NOTHING


async def test_a_steward_sets_the_policy_of_its_own_collections_only(platform: Platform) -> None:
    await platform.index([make_record("QB", 74, "jantral")])
    platform.policy("qb-patent-x", "none")
    async with platform.client(platform.key("QB", Role.PROVIDER_STEWARD)) as client:
        put = await client.put("/v1/collections/qb-patent-x/policy", json={"tier": "metadata", "notices": ["Ask us"]})
        assert put.status_code == 200
        wrong = await client.put("/v1/collections/qb-patent-x/policy", json={"tier": "metadata", "groups": ["x"]})
        assert wrong.status_code == 422
    async with platform.client() as anyone:
        assert (await anyone.get("/v1/records/QB.patent.QB0000074.A1")).status_code == 200
    async with platform.client(platform.key("QA", Role.PROVIDER_STEWARD)) as client:
        theirs = await client.put("/v1/collections/qb-patent-x/policy", json={"tier": "content"})
        missing = await client.put("/v1/collections/qz-patent-x/policy", json={"tier": "content"})
        assert (theirs.status_code, theirs.content) == (missing.status_code, missing.content) == (404, missing.content)
    platform.policy("qb-patent-x", "none")
