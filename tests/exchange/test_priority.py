"""Priority documents: retrieved by the right number, date and code, however the number is written, or not at all."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import select

from api.exchange.priority import canonical, patterns, rows_for
from common.errors import UsageError
from store.access import AuditEntry
from tests.exchange.offices import Party, party
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")
COPY = b"%PDF-1.7 a sample certified copy"
PATH = "/exchange/priority-documents"


async def test_every_example_of_the_table_matches_its_own_row() -> None:
    for entry in patterns():
        office = entry.office if entry.office != "*" else "XA"
        right = entry.right if entry.right != "*" else "trademark"
        assert canonical(office, right, entry.example.replace("{office}", office))
        assert entry in rows_for(office, right)
        assert entry.source in ("DAS", "office", "-")


@pytest.mark.parametrize(
    ("office", "right", "writings"),
    [
        ("US", "patent", ["16/123,456", "US 16123456", "16/123456"]),
        ("EP", "patent", ["EP19123456.7", "19123456", "EP 19 123 456.7"]),
        ("JP", "patent", ["特願２０１９－１２３４５６", "JP2019-123456", "2019123456"]),
        ("FR", "patent", ["FR FR1909731", "FR1909731", "19 09731"]),
        ("SK", "patent", ["SK PUV 12345-2025", "puv 12345 - 2025"]),
        ("SA", "patent", ["PCT/SA2019/012345", "pct/sa2019/012345", "PCTSA2019012345"]),
        ("AT", "design", ["AT MU 1/2019", "MU 0001/2019", "1/2019"]),
        ("BR", "design", ["BR BR 302019001234 5", "BR 302019001234-5", "3020190012345"]),
        ("CN", "design", ["CN 201930123456.7", "ZL201930123456.7", "201930123456"]),
        ("EM", "design", ["EM 008123456-0001", "EU 008123456-0001", "008123456-0001"]),
        ("FR", "design", ["FR 20191234-001", "20191234001"]),
        ("JP", "design", ["JP 2010-001234 D", "意願2010-001234", "2010001234"]),
        ("KR", "design", ["30-2019-0012345", "KR3020190012345"]),
        ("US", "design", ["US 29/010,907", "29010907"]),
        ("AT", "trademark", ["AT AM 1/2019", "AM 00001/2019", "am1/2019"]),
        ("AU", "trademark", ["AU 1909731", "1909731"]),
        ("BR", "trademark", ["BR 987654321", "987654321"]),
        ("CU", "trademark", ["CU CU/T/2022/0062087", "T/2022/0062087"]),
        ("DE", "trademark", ["DE 30 2019 012 345.6", "302019012345"]),
        ("EM", "trademark", ["EM 018123456", "018123456"]),
        ("FR", "trademark", ["FR 190973142", "FR FR190973142", "19/0973142"]),
        ("GB", "trademark", ["UK00003123456", "GB 3123456"]),
        ("KR", "trademark", ["40-2019-0123456", "4020190123456"]),
        ("SK", "trademark", ["SK POZ 3100-2025(A)", "POZ3100-2025A"]),
        # No row of its own: letters and digits count, separators do not.
        ("PL", "trademark", ["Z.401011", "PL Z-401011", "z401011"]),
    ],
)
async def test_writings_of_one_number_are_one_number(office: str, right: str, writings: list[str]) -> None:
    assert len({canonical(office, right, number) for number in writings}) == 1
    with pytest.raises(UsageError, match=f"no {right} application number of {office}"):
        canonical(office, right, "no number")


@pytest.mark.parametrize(
    ("office", "right", "number"),
    [("KR", "trademark", "30-2019-0012345"), ("KR", "design", "40-2019-0123456"), ("US", "design", "16/123,456"),
     ("FR", "trademark", "1909731"), ("EA", "design", "199600014"), ("AU", "trademark", "PCT/AU2010/001234")],
)  # fmt: skip
async def test_a_number_of_another_right_is_refused_with_an_example(office: str, right: str, number: str) -> None:
    with pytest.raises(UsageError) as refused:
        canonical(office, right, number)
    assert rows_for(office, right)[0].example in str(refused.value.remedy)


async def test_numbers_of_utility_models_and_patents_of_one_year_stay_apart() -> None:
    assert canonical("AT", "patent", "A 1/2019") != canonical("AT", "patent", "GM 1/2019")
    assert canonical("JP", "patent", "2019-001234") != canonical("JP", "patent", "2019-001234 U")


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
