"""/v1/duplicates: who sees one of two records knows of no pair; who sees both works on it; hidden members leave no
trace."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from api.access.model import Role
from api.review import duplicates
from api.review.duplicates import wants_review
from indexer.duplicates import profile
from indexer.duplicates.clusters import pair
from indexer.duplicates.compare import compare
from indexer.duplicates.evaluate import second_opinions
from indexer.duplicates.ledger import Ledger
from indexer.record import Record
from tests.platforms import Platform, make_record, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

REASON = {"reason": "two inventions", "note": "The drawings show two pumps."}


def told_by(provider: str, number: int, title: str) -> Record:
    """EP's publication as `provider` tells it."""
    record = make_record("EP", number, title)
    return record.model_copy(
        update={
            "id": f"{provider.lower()}-patent-x.EP{number:07d}.A1",
            "provider": provider,
            "collection": f"{provider.lower()}-patent-x",
        }
    )


RECORDS = [told_by(provider, 7, "Solid electrolyte battery") for provider in ("EP", "US", "XN")]
EP, US, XN = (record.id for record in RECORDS)


def enter(platform: Platform) -> None:
    """What a scan would leave: EP and XN open, US merged with both."""
    ledger = Ledger(platform.database)
    profiles = {r.id: profile.profile(r.model_dump(mode="json"), 1) for r in RECORDS}
    with ledger.transaction() as connection:
        for found in profiles.values():
            connection.execute(
                'insert into duplicate_profiles (id, seq, "right", office, provider, collection, body) '
                "values (%s, 1, 'patent', 'EP', %s, %s, %s)",
                (found.id, found.provider, found.collection, profile.dump(found)),
            )
        for one, other, action in ((EP, US, "merge"), (US, XN, "merge"), (EP, XN, "queue")):
            a, b = pair(one, other)
            compared = compare(profiles[a], profiles[b], taken=action == "queue")
            connection.execute(
                'insert into duplicate_pairs (a, b, "right", providers, offices, relation, action, why, score, scorer, '
                "levels, values, rivals, seq_a, seq_b, languages, found) values (%s, %s, 'patent', %s, 'EP/EP', "
                "'same', %s, 'sample', 0.5, 'x', %s::jsonb, %s::jsonb, %s::jsonb, 1, 1, '[\"en\"]', "
                "now() - interval '3 days')",
                (
                    a,
                    b,
                    "/".join(sorted((profiles[a].provider, profiles[b].provider))),
                    action,
                    str(list(compared.levels)),
                    json.dumps(compared.values),
                    f'["{US}"]' if action == "queue" else "null",
                ),
            )
        ledger.recompute(connection, profiles)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    async with running(*engines, tmp_path_factory.mktemp("duplicates")) as platform:
        await platform.index(RECORDS)
        for provider in ("EP", "US", "XN"):
            platform.policy(f"{provider.lower()}-patent-x")
        platform.agreement("EP", "XN", tier="content", groups=["bibliography"])
        platform.agreement("EP", "US", tier="content", groups=["bibliography"])
        platform.agreement("XN", "US", tier="content", groups=["bibliography"])
        yield platform


@pytest_asyncio.fixture(loop_scope="session")
async def platform(base: Platform) -> Platform:
    """The same records for every test, and nothing decided yet."""
    with base.database.driver() as connection:
        for table in ("profiles", "pairs", "decisions", "clusters", "conflicts"):
            connection.execute(f"delete from duplicate_{table}")
    enter(base)
    return base


async def test_only_pairs_whose_both_records_are_seen(platform: Platform) -> None:
    """XN sees EP's record and its own: their pair is open for it, since what joins them is hidden from it. US sees
    all three: they are one cluster already. EP sees only its own."""
    seen = {}
    for office in ("EP", "US", "XN"):
        async with platform.client(platform.key(office, Role.DATA_QUALITY)) as client:
            answer = await client.get("/v1/duplicates?scores=true")
            assert answer.status_code == 200, answer.text
            seen[office] = [(entry["a"], entry["b"]) for entry in answer.json()["pairs"]]
            if office == "XN":
                features = {part["feature"]: part["level"] for part in answer.json()["pairs"][0]["why"]}
                assert features["rival"] == "free", "a hidden rival must not speak"
                assert US not in answer.text
    assert seen == {"EP": [], "US": [], "XN": [pair(EP, XN)]}


async def test_a_hidden_member_leaves_no_trace_in_cluster_and_golden_view(platform: Platform) -> None:
    async with platform.client(platform.key("XN", Role.DATA_QUALITY)) as client:
        alone = (await client.get(f"/v1/duplicates/clusters/{XN}")).json()
        assert [member["id"] for member in alone["members"]] == [XN]
        hidden = await client.get(f"/v1/duplicates/clusters/{US}")
        missing = await client.get("/v1/duplicates/clusters/nothing")
        assert (hidden.status_code, hidden.content) == (404, missing.content)
    async with platform.client(platform.key("US", Role.DATA_QUALITY)) as client:
        whole = (await client.get(f"/v1/duplicates/clusters/{XN}")).json()
        assert sorted(member["id"] for member in whole["members"]) == sorted((EP, US, XN))
        assert whole["golden"]["fields"]["texts"][0]["source"] == EP, "the issuing office's word stands"
        assert sorted(whole["golden"]["fields"]["texts"][0]["agree"]) == sorted((US, XN))


async def test_deciding_seeing_the_effect_splitting_and_undoing(platform: Platform) -> None:
    async with platform.client(platform.key("US", Role.DATA_QUALITY)) as client:
        groups = {"groups": [[EP, US], [XN]]}
        effect = (await client.post("/v1/duplicates/effect", json=groups)).json()
        assert effect["before"] == [sorted((EP, US, XN))]
        assert sorted(effect["after"]) == sorted([sorted((EP, US)), [XN]])
        split = await client.post("/v1/duplicates/split", json={**groups, **REASON})
        assert split.status_code == 201, split.text
        after = (await client.get(f"/v1/duplicates/clusters/{XN}")).json()
        assert [member["id"] for member in after["members"]] == [XN]
        undone = await client.post("/v1/duplicates/undo", json={"batch": split.json()["batch"]})
        assert undone.json() == {"undone": 2}
        again = (await client.get(f"/v1/duplicates/clusters/{XN}")).json()
        assert len(again["members"]) == 3


async def test_what_one_does_not_see_cannot_be_decided_claimed_or_undone(platform: Platform) -> None:
    async with platform.client(platform.key("US", Role.DATA_QUALITY)) as client:
        given = {"a": EP, "b": US, "judgement": "different", **REASON}
        decision = (await client.post("/v1/duplicates/decisions", json=given)).json()
    async with platform.client(platform.key("XN", Role.DATA_QUALITY)) as client:
        for path, body in (
            ("decisions", {**given}),
            ("claim", {"a": EP, "b": US}),
            ("release", {"a": EP, "b": US}),
            ("undo", {"decision": decision["id"]}),
            ("effect", {"groups": [[EP], [US]]}),
            ("split", {"groups": [[EP], [US]], **REASON}),
        ):
            answer = await client.post(f"/v1/duplicates/{path}", json=body)
            assert answer.status_code == 404, path
        assert (await client.get("/v1/duplicates/pair", params={"a": EP, "b": US})).status_code == 404


async def test_a_claim_keeps_others_off_and_scores_wait_for_the_judgement(platform: Platform) -> None:
    first = platform.key("XN", Role.DATA_QUALITY)
    about = {"a": EP, "b": XN}
    async with platform.client(first) as client:
        assert (await client.post("/v1/duplicates/claim", json=about)).status_code == 200
        assert len((await client.get("/v1/duplicates")).json()["pairs"]) == 1
        shown = (await client.get("/v1/duplicates/pair", params=about)).json()
        assert "score" not in shown
        assert len(shown["records"]) == 2
    async with platform.client(platform.key("XN", Role.DATA_QUALITY)) as other:
        assert (await other.get("/v1/duplicates")).json()["pairs"] == []
        taken = await other.post("/v1/duplicates/decisions", json={**about, "judgement": "same"})
        assert taken.status_code == 409
    async with platform.client(first) as client:
        for missing in REASON:
            lacking = {**about, "judgement": "different", **REASON, missing: ""}
            refused = await client.post("/v1/duplicates/decisions", json=lacking)
            assert (refused.status_code, "note" in refused.text) == (400, True), refused.text
        given = {**about, "judgement": "different", **REASON, "seen": 0}
        assert (await client.post("/v1/duplicates/decisions", json=given)).status_code == 201
        shown = (await client.get("/v1/duplicates/pair", params=about)).json()
        assert 0 <= shown["score"] <= 1
        assert shown["decisions"][0]["reason"] == REASON["reason"]


async def test_examiners_do_not_judge(platform: Platform) -> None:
    async with platform.client(platform.key("US", Role.EXAMINER)) as client:
        assert (await client.get("/v1/duplicates")).status_code == 403


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("", 1),
        ("providers=EP/XN", 1),
        ("providers=EP/EP", 1),
        ("providers=EP/US", 0),
        ("right=patent", 1),
        ("right=design", 0),
        ("language=en", 1),
        ("language=fr", 0),
        ("days=2", 1),
        ("days=4", 0),
        ("providers=EP/XN&right=patent&language=en&days=3&order=value", 1),
        ("relation=family", 0),
    ],
)
async def test_the_queue_is_narrowed_by_offices_right_language_and_age(
    platform: Platform, filters: str, found: int
) -> None:
    async with platform.client(platform.key("XN", Role.DATA_QUALITY)) as client:
        answer = await client.get(f"/v1/duplicates?{filters}")
        assert len(answer.json()["pairs"]) == found, answer.text
        page = await client.get(f"/duplicates?{filters}")
        assert page.status_code == 200
        assert (XN in page.text) == bool(found) or "relation" in filters


def enter_queue(platform: Platform, pairs: list[tuple[str, str, str, float]]) -> None:
    """(one, other, action, score)."""
    ids = sorted({id_ for one, other, _, _ in pairs for id_ in (one, other)})
    ledger = Ledger(platform.database)
    with ledger.transaction() as connection:
        for id_ in ids:
            collection = id_.partition(".")[0]
            connection.execute(
                'insert into duplicate_profiles (id, seq, "right", office, provider, collection, body) '
                "values (%s, 1, 'patent', 'EP', %s, %s, '{}') on conflict do nothing",
                (id_, collection[:2].upper(), collection),
            )
        for one, other, action, score in pairs:
            connection.execute(
                'insert into duplicate_pairs (a, b, "right", providers, offices, relation, action, why, score, seq_a, '
                "seq_b) values (%s, %s, 'patent', 'EP/XN', 'EP/EP', 'same', %s, 'sample', %s, 1, 1)",
                (*pair(one, other), action, score),
            )
        ledger.recompute(connection, ids)


async def test_the_most_valuable_pair_is_first_of_the_whole_queue_for_everybody(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve doubtful pairs join two records each, a sure one behind them joins four. XN does not see US's record,
    which makes the first of the twelve join three for who does."""
    monkeypatch.setattr(duplicates, "CHUNK", 2)
    told = {(p, n): told_by(p, 20 + n, "Sample") for p in ("EP", "XN") for n in range(13)}
    more = [told_by("US", 20, "Sample"), told_by("EP", 40, "Sample"), told_by("XN", 40, "Sample")]
    await platform.index([*told.values(), *more])
    id_of = {about: record.id for about, record in told.items()}
    doubted = [(id_of["EP", n], id_of["XN", n], "queue", 0.5 + n / 100) for n in range(12)]
    sure = (id_of["EP", 12], id_of["XN", 12], "queue", 0.99)
    joined = [
        (id_of["EP", 0], more[0].id, "merge", 1.0),
        (id_of["EP", 12], more[1].id, "merge", 1.0),
        (id_of["XN", 12], more[2].id, "merge", 1.0),
    ]
    with platform.database.driver() as connection:
        connection.execute("delete from duplicate_pairs")
    enter_queue(platform, [*doubted, sure, *joined])
    first, best = pair(*doubted[0][:2]), pair(*sure[:2])
    for office, first_value in (("US", 3), ("XN", 2)):
        async with platform.client(platform.key(office, Role.DATA_QUALITY)) as client:
            for size in (1, 2, 5, 20):
                answer = await client.get(f"/v1/duplicates?order=value&size={size}")
                found = [(entry["a"], entry["b"], entry["value"]) for entry in answer.json()["pairs"]]
                wanted = [(*best, 4), (*first, first_value), *((*pair(*about[:2]), 2) for about in doubted[1:])]
                assert found == wanted[:size], office
            doubtful = (await client.get("/v1/duplicates?size=3")).json()["pairs"]
            assert [(e["a"], e["b"]) for e in doubtful] == [pair(*about[:2]) for about in doubted[:3]]
            refused = await client.get("/v1/duplicates?order=value&relation=family")
            assert (refused.status_code, refused.json()["code"]) == (400, "review.related-by-value")
    async with platform.client(platform.key("XN", Role.DATA_QUALITY)) as client:
        apart = {"a": id_of["EP", 12], "b": more[1].id, "judgement": "different", **REASON}
        assert (await client.post("/v1/duplicates/decisions", json=apart)).status_code == 201
        (top,) = (await client.get("/v1/duplicates?order=value&size=1")).json()["pairs"]
        assert top["value"] == 3, "what was parted joins fewer"


async def test_who_sees_little_is_shown_all_it_sees(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs of collections that a caller does not read fill no page of its own."""
    monkeypatch.setattr(duplicates, "CHUNK", 2)
    monkeypatch.setattr(duplicates, "MOST_READ", 4)
    hidden = [(f"us-patent-x.EP{n:07d}.A1", f"zz-patent-x.EP{n:07d}.A1", "queue", 0.5) for n in range(60, 70)]
    enter_queue(platform, hidden)
    async with platform.client(platform.key("XN", Role.DATA_QUALITY)) as client:
        found = (await client.get("/v1/duplicates")).json()["pairs"]
        assert [(entry["a"], entry["b"]) for entry in found] == [pair(EP, XN)]


async def test_conflicts_are_listed_for_who_sees_all_of_one(platform: Platform) -> None:
    """Rules join EP with US and US with XN; somebody judges EP and XN different."""
    async with platform.client(platform.key("US", Role.DATA_QUALITY)) as client:
        given = {"a": EP, "b": XN, "judgement": "different", **REASON}
        effect = (await client.post("/v1/duplicates/effect", json={"decision": given})).json()
        held_apart = {"pair": list(pair(US, XN)), "against": list(pair(EP, XN))}
        assert effect["conflicts"] == [held_apart]
        assert (await client.get("/v1/duplicates/conflicts")).json() == {"conflicts": []}
        made = (await client.post("/v1/duplicates/decisions", json=given)).json()
        listed = (await client.get("/v1/duplicates/conflicts")).json()["conflicts"]
        assert listed == [{**held_apart, "decided_by": "rule"}]
        assert "but somebody judged different" in (await client.get("/duplicates")).text
        for office in ("EP", "XN"):
            async with platform.client(platform.key(office, Role.DATA_QUALITY)) as other:
                answer = await other.get("/v1/duplicates/conflicts")
                assert answer.json() == {"conflicts": []}, office
        assert (await client.post("/v1/duplicates/undo", json={"decision": made["id"]})).status_code == 200
        assert (await client.get("/v1/duplicates/conflicts")).json() == {"conflicts": []}


async def test_a_second_opinion_is_asked_for_blind_and_measured(platform: Platform) -> None:
    first, second = platform.key("US", Role.DATA_QUALITY), platform.key("US", Role.DATA_QUALITY)
    about = {"a": EP, "b": XN}
    async with platform.client(first) as client:
        while True:  # one decision in ten is drawn, by its number
            made = (await client.post("/v1/duplicates/decisions", json={**about, "judgement": "same"})).json()
            if wants_review(made["id"]):
                break
            await client.post("/v1/duplicates/undo", json={"decision": made["id"]})
        assert (await client.get("/v1/duplicates?review=true")).json() == {"pairs": []}, "not of oneself"
        own = await client.post(
            "/v1/duplicates/decisions", json={**about, "judgement": "same", "review_of": made["id"]}
        )
        assert own.status_code == 409
    async with platform.client(second) as client:
        waiting = (await client.get("/v1/duplicates?review=true")).json()["pairs"]
        assert waiting == [dict(zip("ab", pair(EP, XN), strict=True), review_of=made["id"])]
        shown = (await client.get("/v1/duplicates/pair", params=about)).json()
        assert shown["decisions"] == [], "blind"
        assert "score" not in shown
        given = {**about, "judgement": "different", **REASON, "review_of": made["id"]}
        assert (await client.post("/v1/duplicates/decisions", json=given)).status_code == 201
        assert (await client.get("/v1/duplicates?review=true")).json() == {"pairs": []}
        judged = (await client.get("/v1/duplicates/pair", params=about)).json()
        assert judged["decisions"][-1]["judgement"] == "different"
        members = (await client.get(f"/v1/duplicates/clusters/{XN}")).json()["members"]
        assert len(members) == 3, "a second opinion changes no cluster"
    assert second_opinions(platform.database) == [("same", "different")]
