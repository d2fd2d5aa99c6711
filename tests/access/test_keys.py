"""API keys: shown once, stored hashed, scoped, expiring, revocable."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select, text

from api.access import keys, offices
from api.access.model import Permission, Role
from common.errors import NotFound, UsageError
from store.access import ApiKey, KeyUse
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_key_says_whose_it_is(platform: Platform) -> None:
    async with platform.client(platform.key("QA", Role.EXAMINER)) as client:
        me = (await client.get("/v1/me")).json()
    assert (me["office"], me["role"]) == ("QA", "examiner")
    assert "original" in me["permissions"]


async def test_only_the_hash_is_stored(platform: Platform) -> None:
    key = platform.key("QA")
    with platform.database.session() as session:
        for (table,) in session.execute(
            text("select table_name from information_schema.tables where table_schema = 'public'")
        ).all():
            rows = session.execute(text(f'select t::text from "{table}" t')).scalars().all()
            assert not any(key in row for row in rows), f"the key stands in {table}"
        assert session.scalar(select(ApiKey).where(ApiKey.hash == keys.fingerprint(key))) is not None


@pytest.mark.parametrize(
    "credentials",
    [
        "Bearer nonsense",
        "Bearer ipc_000000000000_" + "a" * 43,
        "Bearer a.b.c",
        "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.",
        "Basic YTpi",
        "Bearer",
        "Bearer " + "x" * 20_000,
        "Bearer \u00e9".encode("latin-1"),
    ],
)
async def test_credentials_that_are_not_valid_all_get_the_same_answer(platform: Platform, credentials: str) -> None:
    """And never the public's view: who sends a wrong key should notice."""
    async with platform.client() as client:
        answer = await client.get("/v1/search", headers={"authorization": credentials})
        reference = await client.get("/v1/search", headers={"authorization": "Bearer other"})
    assert answer.status_code == 401
    assert answer.content == reference.content
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_revoked_key_ends_with_the_next_request(platform: Platform) -> None:
    key = platform.key("QA")
    async with platform.client(key) as client:
        assert (await client.get("/v1/me")).status_code == 200
        with platform.database.session() as session:
            keys.revoke(session, key.split("_")[1])
        assert (await client.get("/v1/me")).status_code == 401


async def test_an_expired_key_is_refused(platform: Platform) -> None:
    now = dt.datetime.now(dt.UTC)
    key = platform.key("QA", expires=now + dt.timedelta(hours=1))
    with platform.database.session() as session:
        assert keys.find(session, key, now) is not None
        assert keys.find(session, key, now + dt.timedelta(hours=1)) is None
        with pytest.raises(UsageError):
            keys.create(session, office="QA", role=Role.EXAMINER, by="test", expires=now - dt.timedelta(1))


async def test_the_cache_of_callers_minds_expiry(platform: Platform) -> None:
    key = platform.key("QA", expires=dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1.5))
    async with platform.client(key) as client:
        assert (await client.get("/v1/me")).status_code == 200
        for _ in range(200):
            answer = await client.get("/v1/me")
            if answer.status_code == 401:
                break
            await client.get("/healthz")
            import asyncio

            await asyncio.sleep(0.05)
        assert answer.status_code == 401


async def test_a_scoped_key_may_do_less_than_its_role(platform: Platform) -> None:
    key = platform.key("QA", permissions=[Permission.SEARCH])
    async with platform.client(key) as client:
        assert (await client.get("/v1/search")).status_code == 200
        assert (await client.get("/v1/records/x")).status_code == 403
    with platform.database.session() as session, pytest.raises(UsageError):
        keys.create(session, office="QA", role=Role.EXAMINER, by="test", permissions=[Permission.MANAGE_PLATFORM])


async def test_a_key_declares_only_its_purposes(platform: Platform) -> None:
    key = platform.key("QA", purposes=["statistics"])
    async with platform.client(key) as client:
        assert (await client.get("/v1/me")).json()["purpose"] == "statistics"
        assert (await client.get("/v1/me", headers={"concord-purpose": "examination"})).status_code == 403
        assert (await client.get("/v1/me", headers={"concord-purpose": "curiosity"})).status_code == 400


async def test_a_closed_office_s_keys_stop(platform: Platform) -> None:
    key = platform.key("QB")
    async with platform.client(key) as client:
        assert (await client.get("/v1/me")).status_code == 200
        with platform.database.session() as session:
            offices.set_active(session, "QB", False)
        assert (await client.get("/v1/me")).status_code == 401
        with platform.database.session() as session:
            offices.set_active(session, "QB", True)
        assert (await client.get("/v1/me")).status_code == 200


async def test_last_use_is_noted_without_counting_as_a_change_of_rights(platform: Platform) -> None:
    key = platform.key("QA")
    async with platform.client(key) as client:
        await client.get("/v1/me")
    with platform.database.session() as session:
        before = session.scalar(text("select version from access_version"))
    platform.services._write_key_uses()
    with platform.database.session() as session:
        assert session.get(KeyUse, key.split("_")[1]) is not None
        assert session.scalar(text("select version from access_version")) == before


async def test_an_office_s_steward_manages_its_own_keys_only(platform: Platform) -> None:
    mine, other = platform.key("QA", Role.PROVIDER_STEWARD), platform.key("QC")
    async with platform.client(mine) as client:
        made = await client.post("/v1/keys", json={"role": "examiner", "office": "QA", "days": 30})
        assert made.status_code == 201
        assert made.json()["key"].startswith("ipc_")
        for body in ({"role": "examiner", "office": "QC"}, {"role": "platform-steward", "office": "QA"}):
            assert (await client.post("/v1/keys", json=body)).status_code == 403
        listed = (await client.get("/v1/keys")).json()["keys"]
        assert {entry["office"] for entry in listed} == {"QA"}
        assert not any("key" in entry or "hash" in entry for entry in listed)
        theirs = await client.delete(f"/v1/keys/{other.split('_')[1]}")
        missing = await client.delete("/v1/keys/000000000000")
        assert (theirs.status_code, theirs.content) == (404, missing.content)
        assert (await client.delete(f"/v1/keys/{made.json()['id']}")).status_code == 200
    async with platform.client(made.json()["key"]) as client:
        assert (await client.get("/v1/me")).status_code == 401
    async with platform.client(other) as client:
        assert (await client.get("/v1/me")).status_code == 200


async def test_a_key_needs_an_office_that_exists(platform: Platform) -> None:
    with platform.database.session() as session:
        with pytest.raises(NotFound):
            keys.create(session, office="QX", role=Role.EXAMINER, by="test")
        with pytest.raises(UsageError):
            keys.create(session, office=None, role=Role.EXAMINER, by="test")
