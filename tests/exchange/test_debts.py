"""What a beneficiary owes: acknowledgements and purges, when they are late, and who is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import update

from api.exchange import negotiation
from store.exchange import Holding
from tests.exchange.offices import Party, Receiver, agreed, load, party
from tests.exchange.test_packages import TERMS
from tests.pipeline.docdb import document as doc
from tests.pipeline.docdb import record_id
from tests.platforms import Platform, until
from tests.receiver import Receiver as Listening
from tests.receiver import receiver

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def listening() -> Iterator[Listening]:
    with receiver() as held:
        yield held


def tick(platform: Platform, day: dt.date) -> None:
    with platform.database.session() as session:
        negotiation.tick(session, platform.services.keys, 0, day)


async def state(of: Party, agreement: int) -> dict[str, Any]:
    feeds = (await of.call("GET", "/exchange/feeds"))["feeds"]
    return dict(next(feed for feed in feeds if feed["agreement"] == agreement))


async def reminders(of: Party, agreement: int) -> list[dict[str, Any]]:
    thread = (await of.call("GET", f"/exchange/agreements/{agreement}"))["thread"]
    return [event["details"] for event in thread if event["kind"] == "reminder"]


async def waiting(of: Party) -> list[dict[str, Any]]:
    return list((await of.call("GET", "/exchange/inbox"))["waiting"])


async def test_late_acknowledgements_are_seen_by_both_and_reminded_of(
    platform: Platform, provider: Party, beneficiary: Party, listening: Listening, tmp_path: Path
) -> None:
    endpoint = await beneficiary.call("POST", "/webhooks", 201, json={"url": listening.url, "kinds": ["agreement"]})
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(3)])
    number = await agreed(provider, beneficiary, **TERMS, correction_days=3)
    other = await agreed(provider, beneficiary, **TERMS)
    assert (await state(provider, number))["owed_what"] is None
    held = Receiver(beneficiary, number)
    await held.page(ack=False)
    today = dt.datetime.now(dt.UTC).date()
    for one in (provider, beneficiary):
        shown = await state(one, number)
        assert (shown["position"], shown["acknowledged"], shown["held"], shown["owed"]) == (3, 0, 3, 3)
        assert (shown["due"], shown["late"]) == ((today + dt.timedelta(days=3)).isoformat(), False)
    assert not [entry for entry in await waiting(beneficiary) if entry["what"] == "acknowledge"]

    # Given again, it is owed since it was first given.
    with platform.database.session() as session:
        past = dt.datetime.now(dt.UTC) - dt.timedelta(days=4)
        session.execute(update(Holding).where(Holding.agreement == number).values(owed_since=past))
    held.cursor = None
    await held.page(ack=False)
    shown = await state(provider, number)
    assert (shown["owed"], shown["late"]) == (3, True)
    asked = [entry for entry in await waiting(beneficiary) if entry["what"] == "acknowledge"]
    assert [(entry["agreement"], entry["records"], entry["overdue"]) for entry in asked] == [(number, 3, True)]
    assert not [entry for entry in await waiting(provider) if entry["what"] == "acknowledge"]

    for day in (0, 0, 1, 6):
        tick(platform, today + dt.timedelta(days=day))
    due = (today - dt.timedelta(days=1)).isoformat()
    told = {"office_of": beneficiary.office, "what": "acknowledge", "due": due, "owed": 3}
    assert await reminders(provider, number) == [told]
    tick(platform, today + dt.timedelta(days=7))
    assert await reminders(provider, number) == [told, told]
    assert await reminders(provider, other) == []

    # The office's endpoint hears of it, the other office's people do not have to.
    async def heard() -> list[Any] | None:
        told = [orjson.loads(body)["data"] for _, body in listening.taken]
        steps = [one for one in told if one.get("step") == "reminder"]
        return steps if len(steps) > 1 else None

    wanted = {"agreement": number, "version": 2, "step": "reminder", "by": None, "what": "acknowledge", "due": due}
    assert await until(heard) == [wanted, wanted]
    messages = (await beneficiary.call("GET", f"/webhooks/{endpoint['id']}/messages"))["messages"]
    assert sum(message["message"]["data"].get("step") == "reminder" for message in messages) == 2

    await held.follow()
    shown = await state(provider, number)
    assert (shown["owed"], shown["owed_what"], shown["late"]) == (0, None, False)
    assert not [entry for entry in await waiting(beneficiary) if entry["what"] == "acknowledge"]
    tick(platform, today + dt.timedelta(days=30))
    assert len(await reminders(provider, number)) == 2

    # A correction and a deletion begin anew, on the day on which they were handed out.
    await load(platform, provider.office, tmp_path / "2.xml", [doc(1, "Corrected"), doc(2, status="D")])
    await held.page(ack=False)
    shown = await state(beneficiary, number)
    assert (shown["owed"], shown["held"], shown["late"]) == (2, 2, False)
    assert shown["due"] == (today + dt.timedelta(days=3)).isoformat()
    assert held.seen[-2:] == [
        ("correction", record_id(1, provider.office)),
        ("deletion", record_id(2, provider.office)),
    ]


async def test_a_purge_that_is_late_is_reminded_of_until_it_is_acknowledged(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(2)])
    number = await agreed(provider, beneficiary, **TERMS, correction_days=0)
    await Receiver(beneficiary, number).follow()
    await provider.call("POST", f"/agreements/{number}/state", json={"to": "revoked"})
    today = dt.datetime.now(dt.UTC).date()
    shown = await state(provider, number)
    assert (shown["owed_what"], shown["owed"], shown["due"], shown["late"]) == ("purge", 2, today.isoformat(), False)
    (asked,) = [entry for entry in await waiting(beneficiary) if entry["what"] == "purge"]
    assert (asked["due"], asked["overdue"], asked["records"]) == (today.isoformat(), False, 2)
    for day in (0, 1, 2):
        tick(platform, today + dt.timedelta(days=day))
    told = {"office_of": beneficiary.office, "what": "purge", "due": today.isoformat(), "owed": 2}
    assert await reminders(beneficiary, number) == [told]
    await beneficiary.call("POST", f"/exchange/agreements/{number}/purge", json={"records": 2})
    shown = await state(provider, number)
    assert shown["owed_what"] is None
    assert shown["purged"] is not None
    tick(platform, today + dt.timedelta(days=30))
    assert await reminders(beneficiary, number) == [told]


async def test_where_the_terms_name_no_time_it_is_a_week(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(1)])
    number = await agreed(provider, beneficiary, **TERMS)
    await Receiver(beneficiary, number).page(ack=False)
    week = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=7)
    assert (await state(beneficiary, number))["due"] == week.isoformat()


async def test_an_office_sees_the_feeds_of_its_own_agreements(
    platform: Platform, provider: Party, beneficiary: Party, listening: Listening
) -> None:
    number = await agreed(provider, beneficiary, **TERMS)
    endpoint = (await beneficiary.call("POST", "/webhooks", 201, json={"url": listening.url}))["id"]
    push = f"/exchange/agreements/{number}/push"
    await beneficiary.call("POST", push, 201, json={"endpoint": endpoint})
    assert (await state(beneficiary, number))["push"] == {"state": "active", "why": "", "endpoint": endpoint}
    assert (await state(provider, number))["push"] is None
    assert (await party(platform).call("GET", "/exchange/feeds")) == {"feeds": [], "sources": []}
