"""Nothing in an answer changes when records that the caller may not see come or go, however many."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.leaks.world import ACTORS, BIB, CLOSED, METADATA, PUBLIC, SHARED, World, canary, shared_priority
from tests.platforms import make_record

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUERIES: tuple[dict[str, Any], ...] = (
    {"q": ""},
    {"q": SHARED},
    {"q": f"{SHARED} alpha"},
    {"q": f"{SHARED} OR omega"},
    {"q": "alph*"},
    {"q": '"alpha device"'},
    {"q": f"title:{SHARED} ipc:H01M"},
    {"q": f"NOT {canary(BIB, PUBLIC)}"},
    {"q": "XA0000001 OR XC0000002 OR XD0000003"},
    {"q": "", "sort": "-published"},
    {"q": "", "sort": "expires"},
    {"q": SHARED, "year": "2005"},
    {"q": SHARED, "office": METADATA},
)
BEFORE: dict[str, list[dict[str, Any]]] = {}
"""Each actor's answers without the hidden records."""
FACETS = "right,office,provider,collection,language,status,applicant,ipc,year,expiry_year,country"


async def answers(world: World, name: str) -> list[dict[str, Any]]:
    found = []
    async with world.client(world.actors[name]) as client:
        for asked in QUERIES:
            for mode in ("keyword", "hybrid", "semantic"):
                answer = await client.get("/v1/search", params={**asked, "mode": mode, "facets": FACETS, "size": 30})
                assert answer.status_code == 200, answer.text
                body = answer.json()
                body.pop("took_ms")
                # Sealed anew each time; whether there is one says whether there is more.
                body["cursor"] = body["cursor"] is not None
                found.append(body)
        for path in (
            *(f"/v1/records/XA.patent.XA0000004.A1/family?kind={kind}" for kind in ("simple", "extended")),
            "/v1/records/XA.patent.XA0000004.A1/status",
            "/v1/suggest?q=alph",
            "/v1/suggest?q=applicant",
            f"/v1/suggest?q={SHARED[:4]}",
            "/v1/suggest?q=H01",
            "/v1/analyse?by=year&by=applicant",
            f"/v1/analyse?by=office&q={SHARED}",
            "/v1/collections",
            "/v1/offices",
            "/v1/records/XD.patent.XD0700001.A1",
            "/v1/me",
        ):
            answer = await client.get(path)
            found.append({"status": answer.status_code, "body": answer.text})
    return found


@pytest.mark.parametrize("name", [name for name in ACTORS if name != "closed-examiner"])
async def test_two_thousand_hidden_records_leave_no_trace(world: World, name: str) -> None:
    """The same answers, byte for byte, with and without them: hits, order, scores, totals, facets, highlights,
    reasons."""
    assert await answers(world, name) == BEFORE[name]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def hidden(world: World) -> AsyncIterator[None]:
    """Records of a closed provider, full of the words that the queries ask for, in four languages."""
    for name in ACTORS:
        BEFORE[name] = await answers(world, name)
    added = []
    for number in range(2_000):
        words = (SHARED, f"{SHARED} alpha device", "alpha omega", "alphabet alphanumeric alphorn", f"{SHARED} " * 20)
        added.append(
            make_record(
                CLOSED,
                700_000 + number,
                words[number % 5],
                abstract="alpha device",
                claims=f"{SHARED} alpha",
                language=("en", "de", "ja", "ar")[number % 4],
                applicant=f"Applicant {canary(BIB, PUBLIC)}",
            ).model_copy(update={"priorities": (shared_priority(4), shared_priority(number))})
        )
    await world.platform.index(added)
    yield
    await world.platform.remove(added)


async def test_its_own_people_do_see_them(world: World) -> None:
    async with world.client(world.actors["closed-examiner"]) as client:
        answer = await client.get("/v1/search", params={"provider": CLOSED, "mode": "keyword", "size": 0})
    assert answer.json()["total"] == 2_060
