"""What policies and agreements say, as callers meet it over HTTP: embargoes, deny lists, purposes, notices."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx
import pytest

from api.access.model import Role
from tests.platforms import ALL_GROUPS, Platform, make_record

pytestmark = pytest.mark.asyncio(loop_scope="session")
MISSING = "/v1/records/QS.patent.QS9999999.A1"


def address(number: int) -> str:
    return f"/v1/records/QS.patent.QS{number:07d}.A1"


async def answers(client: httpx.AsyncClient, number: int, word: str) -> tuple[int, int, list[Any], list[Any]]:
    """(status of the record's own address, total, facet, suggestions). A hidden record's status is a missing one's, in
    every byte."""
    record = await client.get(address(number))
    if record.status_code != 200:
        assert record.content == (await client.get(MISSING)).content
    found = (await client.get("/v1/search", params={"q": word, "mode": "keyword", "facets": "provider"})).json()
    suggested = (await client.get("/v1/suggest", params={"q": word[:5]})).json()["suggestions"]
    return record.status_code, found["total"], found["facets"]["provider"], suggested


async def test_an_embargo_until_a_day_holds_for_agreements_too_and_ends_on_it(platform: Platform) -> None:
    await platform.index([make_record("QS", 80, "kantral", collection="k")])
    today = dt.datetime.now(dt.UTC).date()
    tomorrow = today + dt.timedelta(days=1)
    platform.policy("qs-patent-k", "content", groups=ALL_GROUPS, embargo="fixed", embargo_until=tomorrow)
    platform.agreement("QS", "QT", tier="content", groups=["full-text"], collections=["qs-patent-k"])
    async with (
        platform.client() as public,
        platform.client(platform.key("QT")) as partner,
        platform.client(platform.key("QS")) as own,
    ):
        for held_back in (public, partner):
            assert await answers(held_back, 80, "kantral") == (404, 0, [], [])
        assert (await answers(own, 80, "kantral"))[:2] == (200, 1)
        platform.policy("qs-patent-k", "content", groups=ALL_GROUPS, embargo="fixed", embargo_until=today)
        for client in (public, partner, own):
            status, total, facet, suggested = await answers(client, 80, "kantral")
            assert (status, total, facet) == (200, 1, [{"value": "QS", "count": 1}])
            assert suggested


async def test_a_denied_office_sees_nothing_whatever_it_was_given(platform: Platform) -> None:
    await platform.index([make_record("QS", 81, "lentral", collection="l")])
    platform.policy("qs-patent-l", "content", groups=ALL_GROUPS, denied=["QT"])
    platform.agreement("QS", "QT", tier="content", groups=["full-text"], collections=["qs-patent-l"])
    for office, role, seen in (
        ("QT", Role.EXAMINER, 0),
        ("QT", Role.AUDITOR, 0),
        ("QU", Role.EXAMINER, 1),
        (None, None, 1),
    ):
        async with platform.client(platform.key(office, role) if role else None) as client:
            status, total, facet, suggested = await answers(client, 81, "lentral")
            assert (status == 200, total, len(facet), bool(suggested)) == (bool(seen), seen, seen, bool(seen)), office


async def test_a_purpose_decides_what_policy_and_agreement_give(platform: Platform) -> None:
    """The policy opens the bibliography for statistics; the agreement, the full text for examination."""
    await platform.index([make_record("QS", 82, "mintral", claims="nontral", collection="m")])
    limits = {"purposes": ["examination"]}
    platform.policy("qs-patent-m", "metadata", purposes=["statistics"], agreements=limits)
    terms = {"tier": "content", "groups": ["full-text"], "purposes": ["examination"], "collections": ["qs-patent-m"]}
    platform.agreement("QS", "QT", **terms)
    key = {office: platform.key(office) for office in ("QT", "QU")}
    for office, purpose, status, claims in (
        ("QT", "examination", 200, True),
        ("QT", "statistics", 200, False),
        ("QT", "priority-proof", 404, False),
        ("QU", "examination", 404, False),
        ("QU", "statistics", 200, False),
    ):
        async with platform.client(key[office], **{"concord-purpose": purpose}) as client:
            assert (await answers(client, 82, "mintral"))[:2] == (status, int(status == 200)), (office, purpose)
            assert ("nontral" in (await client.get(address(82))).text) is claims, (office, purpose)
            by_claims = (await client.get("/v1/search", params={"q": "nontral", "mode": "keyword"})).json()
            assert by_claims["total"] == int(claims), (office, purpose)


async def test_notices_stand_beside_what_they_are_about_for_those_who_see_it(platform: Platform) -> None:
    await platform.index([make_record("QS", 83, "pintral", collection="n")])
    notice = "Drawings may carry rights of third parties."
    platform.policy("qs-patent-n", "metadata", notices=[notice])
    async with platform.client() as public:
        listed = {entry["id"]: entry for entry in (await public.get("/v1/collections")).json()["collections"]}
        assert listed["qs-patent-n"]["notices"] == [notice]
        assert notice in (await public.get("/records/QS.patent.QS0000083.A1")).text
        platform.policy("qs-patent-n", "none", notices=[notice])
        assert notice not in (await public.get("/v1/collections")).text
        assert notice not in (await public.get("/records/QS.patent.QS0000083.A1")).text
