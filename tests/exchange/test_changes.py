"""Changes under an agreement: everything once in order, corrections and deletions, what time and new terms bring."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from api.access import agreements
from api.access.model import Role
from api.exchange import feed
from indexer.binding import languages
from indexer.document import document
from indexer.record import Record
from store.exchange import Deferred
from tests.exchange.offices import Party, Receiver, agreed, load, party
from tests.pipeline.docdb import document as doc
from tests.pipeline.docdb import record_id
from tests.platforms import Platform, make_record

pytestmark = pytest.mark.asyncio(loop_scope="session")
TERMS: dict[str, Any] = {"tier": "content", "groups": ["full-text"], "purposes": ["examination"]}


def ids(provider: Party, *positions: int) -> list[str]:
    return [record_id(position, provider.office) for position in positions]


async def test_new_records_corrections_and_deletions_flow_in_order(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(25)])
    other = party(platform)
    await load(platform, other.office, tmp_path / "other.xml", [doc(n) for n in range(5)])
    number = await agreed(provider, beneficiary, **TERMS)
    receiver = Receiver(beneficiary, number)
    seen = await receiver.follow(limit=10)
    assert seen == [("record", name) for name in ids(provider, *range(25))]
    assert await receiver.follow() == []
    await load(platform, provider.office, tmp_path / "2.xml", [doc(3, "Corrected title"), doc(4, status="D"), doc(30)])
    assert await receiver.follow() == [
        ("correction", ids(provider, 3)[0]),
        ("deletion", ids(provider, 4)[0]),
        ("record", ids(provider, 30)[0]),
    ]
    corrected = receiver.held[ids(provider, 3)[0]]
    assert corrected["texts"][0]["text"] == "Corrected title"
    assert "source" not in corrected
    assert "private" not in str(corrected)
    assert set(receiver.held) == set(ids(provider, *range(4), *range(5, 25), 30))


async def test_the_same_cursor_gives_the_same_items_again(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(12)])
    number = await agreed(provider, beneficiary, **TERMS, volume_cap=12)
    receiver = Receiver(beneficiary, number)
    first = await receiver.page(5, ack=False)
    again = await Receiver(beneficiary, number).page(5, ack=False)
    assert [i["id"] for i in first["items"]] == [i["id"] for i in again["items"]]
    cursor = receiver.cursor
    lost = await receiver.page(5)
    receiver.cursor = cursor
    repeated = await receiver.page(5)
    assert [i["id"] for i in lost["items"]] == [i["id"] for i in repeated["items"]]
    assert all(new["order"] > old["order"] for new, old in zip(repeated["items"], lost["items"], strict=True))
    await receiver.follow()
    # Given twice, counted once: the cap of twelve is just enough.
    assert set(receiver.held) == set(ids(provider, *range(12)))


async def test_what_leaves_the_conditions_is_taken_back(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(1), doc(2)])
    number = await agreed(provider, beneficiary, **TERMS, classes=["ipc:F25B"])
    receiver = Receiver(beneficiary, number)
    await receiver.follow()
    assert set(receiver.held) == set(ids(provider, 1, 2))
    moved = doc(1).replace("F25B  41/20", "A01B   1/00")
    await load(platform, provider.office, tmp_path / "2.xml", [moved])
    assert await receiver.follow() == [("deletion", ids(provider, 1)[0])]
    await load(platform, provider.office, tmp_path / "3.xml", [doc(1, "Back again")])
    assert await receiver.follow() == [("record", ids(provider, 1)[0])]


async def test_narrower_terms_take_back_and_wider_ones_give_more(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    late = doc(2).replace("20230104", "20240104")
    await load(platform, provider.office, tmp_path / "1.xml", [doc(1), late, doc(3)])
    number = await agreed(provider, beneficiary, **TERMS)
    receiver = Receiver(beneficiary, number)
    await receiver.follow()

    def amend(**terms: Any) -> None:
        with platform.database.session() as session:
            agreements.amend(session, number, agreements.Terms.model_validate({**TERMS, **terms}), by="test")

    amend(published_from="2024-01-01")
    assert sorted(await receiver.follow()) == [("deletion", name) for name in ids(provider, 1, 3)]
    amend()
    # What was acknowledged and says the same is not given again.
    assert sorted(await receiver.follow()) == [("record", name) for name in ids(provider, 1, 3)]
    assert len(receiver.held) == 3


async def test_what_is_under_embargo_flows_on_its_day(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    today = dt.datetime.now(dt.UTC).date()
    day = today + dt.timedelta(days=30)
    platform.policy(f"{provider.office.lower()}-patent-default", embargo="publication")
    coming = doc(7).replace("20230104", f"{day:%Y%m%d}")
    await load(platform, provider.office, tmp_path / "1.xml", [doc(6), coming])
    number = await agreed(provider, beneficiary, **TERMS)
    receiver = Receiver(beneficiary, number)
    assert await receiver.follow() == [("record", ids(provider, 6)[0])]
    with platform.database.session() as session:
        held = session.get(Deferred, (number, ids(provider, 7)[0]))
        assert held is not None
        assert held.due == day
        caller = platform.services.identify(_credentials(beneficiary)).caller
        for moment, expected in ((day - dt.timedelta(days=1), []), (day, ids(provider, 7))):
            now = dt.datetime.combine(moment, dt.time(1), dt.UTC)
            given = feed.rights(session, caller, "examination", number, now=now)
            page = feed.page(session, platform.services.keys, given, receiver.cursor, 10)
            assert [item.record_id for item in page.items] == expected


def _credentials(one: Party) -> Any:
    from api.dependencies import Credentials

    return Credentials(bearer=one.key)


async def test_the_months_volume_holds_and_does_not_hold_back_corrections(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(10)])
    number = await agreed(provider, beneficiary, **TERMS, volume_cap=4)
    receiver = Receiver(beneficiary, number)
    got = await receiver.page(50)
    assert (len(got["items"]), got["deferred_by_volume"]) == (4, 6)
    await load(platform, provider.office, tmp_path / "2.xml", [doc(0, "Corrected"), doc(1, status="D"), doc(9, "New")])
    assert await receiver.follow() == [("correction", ids(provider, 0)[0]), ("deletion", ids(provider, 1)[0])]
    caller = platform.services.identify(_credentials(beneficiary)).caller
    today = dt.datetime.now(dt.UTC).date()
    later = dt.datetime.combine((today.replace(day=1) + dt.timedelta(days=40)), dt.time(), dt.UTC)
    with platform.database.session() as session:
        given = feed.rights(session, caller, "examination", number, now=later)
        page = feed.page(session, platform.services.keys, given, receiver.cursor, 50)
        assert len(page.items) == 4
        assert page.deferred_by_volume == 2


async def test_suspension_and_revocation_stop_the_next_page(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(6)])
    number = await agreed(provider, beneficiary, **TERMS)
    receiver = Receiver(beneficiary, number)
    await receiver.page(2)
    state = f"/agreements/{number}/state"
    await provider.call("POST", state, json={"to": "suspended"})
    assert (await receiver.page(2, status=409))["reason"] == "agreement-not-active"
    await provider.call("POST", state, json={"to": "active"})
    await receiver.page(2)
    await provider.call("POST", state, json={"to": "revoked"})
    await receiver.page(2, status=409)
    assert len(receiver.held) == 4
    notice = next(w for w in (await beneficiary.call("GET", "/exchange/inbox"))["waiting"] if w["what"] == "purge")
    assert (notice["agreement"], notice["records"]) == (number, 4)


async def test_cursors_purposes_and_other_offices(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(1)])
    number = await agreed(provider, beneficiary, **TERMS)
    second = await agreed(provider, beneficiary, **TERMS)
    receiver = Receiver(beneficiary, number)
    await receiver.page()
    path = f"/exchange/changes?agreement={second}&cursor={receiver.cursor}"
    assert (await beneficiary.call("GET", path, 400))["reason"] == "cursor"
    altered = ("B" if receiver.cursor[0] != "B" else "C") + receiver.cursor[1:]  # type: ignore[index]
    await beneficiary.call("GET", f"/exchange/changes?agreement={number}&cursor={altered}", 400)
    await provider.call("GET", f"/exchange/changes?agreement={number}", 404)
    await party(platform).call("GET", f"/exchange/changes?agreement={number}", 404)
    await beneficiary.call(
        "GET", f"/exchange/changes?agreement={number}", 403, headers={"concord-purpose": "statistics"}
    )
    examiner = Party(platform, beneficiary.holder, platform.key(beneficiary.office, Role.EXAMINER))
    await examiner.call("GET", f"/exchange/changes?agreement={number}", 403)


async def test_what_decides_is_what_the_index_holds() -> None:
    for record in (
        make_record("XA", 1, "Sample", ipc="H01M 10/0525"),
        make_record("XA", 2, "Sample", published=None, unpublished=True, ipc="F25B 41/20"),
    ):
        indexed = document(Record.model_validate(record.model_dump()), languages())
        found = feed.deciding(record.model_dump(mode="json"))
        for name, value in found.items():
            if isinstance(value, dict):
                assert value["any"] == indexed[name]["any"]
            else:
                assert value == indexed[name], name


async def test_statistics_and_audit_tell_each_office_of_its_own(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(1), doc(2)])
    number = await agreed(provider, beneficiary, **TERMS)
    await Receiver(beneficiary, number).follow()
    for one in (provider, beneficiary):
        pairs = (await one.call("GET", "/exchange/statistics"))["pairs"]
        assert pairs == [
            {
                "provider": provider.office,
                "beneficiary": beneficiary.office,
                "agreements": 1,
                "active": 1,
                "held": 2,
                "purged": 0,
                "withdrawn": 0,
                "acknowledged": 2,
                "packages": 0,
            }
        ]
    lines = (await provider.call("GET", "/audit"))["accesses"]
    exchanged = [line for line in lines if line["action"] == "exchange"]
    assert [(line["office"], line["records"]) for line in exchanged] == [(beneficiary.office, 2)]
