"""Legal status: a log for each application, read office by office and state by state, corrections honoured."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from indexer.harmonise.status import concerns
from indexer.parts import overlay
from indexer.record import Status
from tests.families.world import CLOSED, EXISTENCE, OPEN, event, filing, with_events
from tests.platforms import Platform, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def timeline(platform: Platform, record_id: str, key: str | None = None) -> dict[str, Any]:
    async with platform.client(key) as client:
        answer = await client.get(f"/v1/records/{record_id}/status")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def states(answer: dict[str, Any]) -> dict[str, str | None]:
    return {entry["office"]: entry["status"] and entry["status"]["state"] for entry in answer["offices"]}


async def test_a_european_patent_state_by_state(platform: Platform) -> None:
    """Rechtsstand in DE/FR/GB: the grant is of the EPO, a lapse is of one state, and of DE nothing is known."""
    a1 = with_events(
        filing(OPEN, 201, "EP09201000", publication="EP2201000", kind="A1", published=dt.date(2010, 1, 6)),
        event("17P", "2010-08-04"),
        states=("DE", "FR", "GB"),
    )
    b1 = with_events(
        filing(OPEN, 201, "EP09201000", publication="EP2201000", kind="B1", published=dt.date(2012, 5, 2)),
        event("GRNT", "2012-05-02", publication_date="2012-05-02"),
        event("PG25", "2015-03-04", "Ref Country Code: FR", effective_date="2014-11-30", publication_date="2015-03-04"),
        event("PGFP", "2016-01-06", "Ref Country Code: GB"),
        states=("DE", "FR", "GB"),
    )
    await platform.index([a1, b1])
    answer = await timeline(platform, a1.id)
    assert states(answer) == {"EP": "active", "DE": None, "FR": "inactive", "GB": "active"}
    assert [entry["role"] for entry in answer["offices"]] == ["office", "designated", "designated", "designated"]
    assert [entry["status"] and entry["status"]["event"] for entry in answer["offices"]] == [1, None, 2, 3]
    assert [e["code"] for e in answer["events"]] == ["17P", "GRNT", "PG25", "PGFP"]
    lapse = answer["events"][2]
    assert (lapse["event_date"], lapse["effective_date"], lapse["publication_date"]) == (
        "2015-03-04",
        "2014-11-30",
        "2015-03-04",
    )
    assert (lapse["states"], lapse["category_name"], lapse["records"]) == (["FR"], "Right ceased", [b1.id])
    assert [record["id"] for record in answer["records"]] == [a1.id, b1.id]
    assert (await timeline(platform, b1.id))["offices"] == answer["offices"]


async def test_a_correction_in_another_delivery_takes_back_what_it_names(platform: Platform) -> None:
    """KR1020050040647 법적상태: the latest event that was not corrected decides, wherever the correction stands."""
    granted = event("A-2-4-F10-F11-exm-PR0701", "2010-05-05", scheme="ST27", office="KR")
    ceased = event("N-4-6-H10-H13-nap-PC1903", "2013-05-05", scheme="ST27", office="KR")
    back = event("A-4-4-Y10-Y11-nap-PC1903", "2013-07-01", scheme="ST27", office="KR")
    first = with_events(filing(OPEN, 211, "KR1020050040647", publication="KR1020070040647", kind="A"), granted, ceased)
    await platform.index([first])
    assert states(await timeline(platform, first.id)) == {"KR": "inactive"}
    second = with_events(filing(OPEN, 212, "KR1020050040647", publication="KR1007770000", kind="B1"), back)
    await platform.index([second])
    answer = await timeline(platform, first.id)
    assert states(answer) == {"KR": "active"}
    assert [(e["withdrawn"], e["withdrawn_by"], e["correction"]) for e in answer["events"]] == [
        (False, None, False),
        (True, 2, False),
        (False, None, True),
    ]
    entry = answer["offices"][0]
    assert (entry["status"]["as_of"], entry["last_event"], entry["withdrawn"]) == ("2010-05-05", "2013-07-01", 1)


async def test_a_part_with_a_correction_corrects_the_record_it_is_laid_over() -> None:
    granted = event("A-2-4-F10-F11-exm-PR0701", "2010-05-05", scheme="ST27", office="KR")
    ceased = event("N-4-6-H10-H13-nap-PC1903", "2013-05-05", scheme="ST27", office="KR")
    back = event("A-4-4-Y10-Y11-nap-PC1903", "2013-07-01", scheme="ST27", office="KR")
    whole = with_events(filing(OPEN, 221, "KR1020050022100"), granted, ceased)
    part = with_events(filing(OPEN, 221, "KR1020050022100"), back).model_copy(update={"partial": True})
    assert whole.status is not None
    assert whole.status.state == "inactive"
    for first, second in ((whole, part), (part, whole)):
        made = overlay(first, second)
        assert made.status is not None
        assert (made.status.state, made.status.as_of) == ("active", dt.date(2010, 5, 5))
        assert {e.raw_code for e in made.events if e.withdrawn} == {ceased.raw_code}
    again = overlay(overlay(whole, part), with_events(filing(OPEN, 221, "KR1020050022100"), ceased))
    assert {e.raw_code for e in again.events if e.withdrawn} == {ceased.raw_code}


async def test_events_of_one_day_in_two_states_are_two() -> None:
    one = event("PG25", "2015-03-04", "Ref Country Code: DE")
    other = event("PG25", "2015-03-04", "Ref Country Code: FR")
    made = overlay(
        with_events(filing(OPEN, 231, "EP10231000"), one), with_events(filing(OPEN, 231, "EP10231000"), other)
    )
    assert [concerns(e) for e in made.events] == [("DE",), ("FR",)]


async def test_what_an_office_states_later_than_its_events_counts_until_they_are_newer(platform: Platform) -> None:
    record = with_events(filing(OPEN, 241, "FI20100241"), event("GRNT", "2014-01-01", office="FI"))
    stated = record.model_copy(update={"status": Status(state="terminated", as_of=dt.date(2018, 1, 1), raw="Rauennut")})
    await platform.index([stated])
    (entry,) = (await timeline(platform, stated.id))["offices"]
    assert (entry["status"]["state"], entry["status"]["basis"], entry["status"]["raw"]) == (
        "terminated",
        "stated",
        "Rauennut",
    )
    assert entry["status"]["event"] is None


async def test_only_from_records_whose_status_may_be_read(platform: Platform) -> None:
    """A closed record of the same application changes nothing, and hidden looks like missing."""
    seen = with_events(filing(OPEN, 251, "EP11251000", kind="A1", publication="EP2251000"), event("17P", "2012-01-01"))
    await platform.index([seen])
    async with platform.client() as client:
        before = (await client.get(f"/v1/records/{seen.id}/status")).content
        others = [
            with_events(
                filing(provider, 251, "EP11251000", kind="B1", publication="EP2251000"), event("18D", "2013-01-01")
            )
            for provider in (CLOSED, EXISTENCE)
        ]
        await platform.index(others)
        assert (await client.get(f"/v1/records/{seen.id}/status")).content == before
        missing = await client.get("/v1/records/qc-patent-x.EP0000001.A1/status")
        hidden = await client.get(f"/v1/records/{others[0].id}/status")
        assert (hidden.status_code, hidden.content, told(hidden)) == (404, missing.content, told(missing))
        stub = (await client.get(f"/v1/records/{others[1].id}/status")).json()
    assert (stub["record"], stub["offices"], stub["events"], stub["records"]) == (None, [], [], [])
    own = await timeline(platform, seen.id, platform.key(CLOSED))
    assert states(own) == {"EP": "inactive"}
