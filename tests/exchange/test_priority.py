"""Priority documents: retrieved by the right number, date and code, however the number is written, or not at all."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import select

from api.exchange.priority import canonical, patterns
from common.errors import UsageError
from store.access import AuditEntry
from tests.exchange.offices import Party, party
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")
COPY = b"%PDF-1.7 a sample certified copy"
PATH = "/exchange/priority-documents"


async def test_every_example_of_the_table_matches_its_own_pattern() -> None:
    for entry in patterns():
        assert canonical(entry.office if entry.office != "*" else "XA", entry.right, entry.example)


@pytest.mark.parametrize(
    ("office", "writings"),
    [
        ("US", ["16/123,456", "US 16123456", "16/123456"]),
        ("EP", ["EP19123456.7", "19123456", "EP 19 123 456.7"]),
        ("JP", ["特願２０１９－１２３４５６", "JP2019-123456", "2019123456"]),
        ("FR", ["FR1909731", "19 09731"]),
    ],
)
async def test_writings_of_one_number_are_one_number(office: str, writings: list[str]) -> None:
    assert len({canonical(office, "patent", number) for number in writings}) == 1
    with pytest.raises(UsageError):
        canonical(office, "patent", "no number")


async def test_deposit_retrieval_new_code_and_withdrawal(
    platform: Platform, provider: Party, beneficiary: Party
) -> None:
    given: dict[str, Any] = {
        "right": "patent",
        "number": "2026/001234",
        "date": "2026-01-05",
        "document": base64.b64encode(COPY).decode(),
        "offices": [beneficiary.office],
    }
    made = await provider.call("POST", PATH, 201, json=given)
    await provider.call("POST", PATH, 409, json=given)
    asked = {
        "office": provider.office,
        "right": "patent",
        "number": f"{provider.office} 2026-001234",
        "date": "2026-01-05",
        "code": made["access_code"].lower(),
    }
    got = await beneficiary.raw("POST", f"{PATH}/retrieval", json=asked)
    assert (got.status_code, got.content) == (200, COPY)
    assert f"{provider.office}-{made['number']}.pdf" in got.headers["content-disposition"]
    # Its own office keeps it at hand, and sees no code; others see nothing of it.
    (held,) = (await provider.call("GET", PATH))["documents"]
    assert (held["id"], held["sha256"], held["offices"]) == (made["id"], made["sha256"], [beneficiary.office])
    assert made["access_code"] not in str(held)
    own = f"{PATH}/{made['id']}/content"
    assert (await provider.raw("GET", own)).content == COPY
    assert (await beneficiary.call("GET", PATH))["documents"] == []
    await beneficiary.call("GET", own, 404)
    refused = {
        (await beneficiary.raw("POST", f"{PATH}/retrieval", json={**asked, **wrong})).content
        for wrong in (
            {"code": "A" * 16},
            {"date": "2026-01-06"},
            {"number": "2026/001235"},
            {"right": "design"},
            {"office": party(platform).office, "number": "2026/001234"},
        )
    }
    stranger = await party(platform).raw("POST", f"{PATH}/retrieval", json=asked)
    assert stranger.status_code == 404
    assert refused == {stranger.content}
    await beneficiary.call("POST", f"{PATH}/{made['id']}/code", 404)
    renewed = await provider.call("POST", f"{PATH}/{made['id']}/code")
    await beneficiary.call("POST", f"{PATH}/retrieval", 404, json=asked)
    asked["code"] = renewed["access_code"]
    assert (await beneficiary.raw("POST", f"{PATH}/retrieval", json=asked)).status_code == 200
    await provider.call("DELETE", f"{PATH}/{made['id']}")
    await beneficiary.call("POST", f"{PATH}/retrieval", 404, json=asked)
    with platform.database.session() as session:
        told = [e.action for e in session.scalars(select(AuditEntry)) if e.details.get("office_of") == provider.office]
    assert told.count("priority-retrieved") == 2
    assert told.count("priority-refused") >= 6
