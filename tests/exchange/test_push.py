"""Changes pushed to a real receiver: in order, signed, again where it failed, never what the rights no longer give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text, update

from api.access import agreements, keys
from api.access.model import Role
from api.exchange import feed, push
from api.webhooks import sender, signing
from store.jobs import WebhookDelivery
from tests.exchange.offices import Party, Receiver, agreed, load, party
from tests.pipeline.docdb import document as doc
from tests.pipeline.docdb import record_id
from tests.platforms import Platform, until
from tests.receiver import Receiver as Listening
from tests.receiver import receiver

pytestmark = pytest.mark.asyncio(loop_scope="session")
TERMS: dict[str, Any] = {"tier": "content", "groups": ["full-text"], "purposes": ["examination"]}


@pytest.fixture
def listening() -> Iterator[Listening]:
    with receiver() as held:
        yield held


class Pushed:
    """A push to a receiver, seen from both ends."""

    def __init__(self, beneficiary: Party, listening: Listening, agreement: int, endpoint: dict[str, Any]) -> None:
        self.beneficiary = beneficiary
        self.listening = listening
        self.agreement = agreement
        self.endpoint = endpoint
        self.path = f"/exchange/agreements/{agreement}/push"

    @property
    def pages(self) -> list[Any]:
        """What came in, checked as a receiver would: signature, and the id that the body repeats."""
        found = []
        for headers, body in self.listening.taken:
            told = orjson.loads(body)
            assert signing.verify(self.endpoint["secret"], headers, body) == told["id"]
            assert told["type"] == "exchange.changes"
            found.append(told["data"])
        return found

    @property
    def changes(self) -> list[tuple[str, str]]:
        return [(item["change"], item["record_id"]) for page in self.pages for item in page["items"]]

    async def state(self) -> Any:
        return await self.beneficiary.call("GET", self.path)

    async def settled(self, **expected: Any) -> Any:
        """How the push stands, once it is so."""

        async def look() -> Any:
            found = await self.state()
            return found if all(found[name] == value for name, value in expected.items()) else None

        return await until(look)

    async def idle(self) -> Any:
        return await self.settled(message=None)

    async def tried(self, times: int) -> Any:
        """The latest message, after so many attempts."""

        async def look() -> Any:
            path = f"/webhooks/{self.endpoint['id']}/messages"
            found = (await self.beneficiary.call("GET", path))["messages"][0]
            return found if found["attempts"] == times else None

        return await until(look)

    def hurry(self) -> None:
        """Makes what waits for its time due now."""
        with self.beneficiary.platform.database.session() as session:
            session.execute(text("update procrastinate_jobs set scheduled_at = now() where status = 'todo'"))

    def last_attempt(self) -> None:
        """The message that waits has been tried as often as it is but once."""
        with self.beneficiary.platform.database.session() as session:
            waiting = update(WebhookDelivery).where(WebhookDelivery.endpoint == self.endpoint["id"])
            session.execute(waiting.where(WebhookDelivery.state == "waiting").values(attempts=len(sender.BACKOFF_S)))


async def pushed(beneficiary: Party, listening: Listening, agreement: int, **given: Any) -> Pushed:
    endpoint = await beneficiary.call("POST", "/webhooks", 201, json={"url": listening.url})
    made = Pushed(beneficiary, listening, agreement, endpoint)
    await beneficiary.call("POST", made.path, 201, json={"endpoint": endpoint["id"], **given})
    return made


async def test_changes_arrive_in_order_and_corrections_follow(
    platform: Platform, provider: Party, beneficiary: Party, listening: Listening, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(7)])
    number = await agreed(provider, beneficiary, **TERMS)
    going = await pushed(beneficiary, listening, number, items=3)
    held = await going.idle()
    assert going.changes == [("record", record_id(n, provider.office)) for n in range(7)]
    assert [len(page["items"]) for page in going.pages] == [3, 3, 1]
    assert "private" not in str(going.pages)
    # Taken is not stored: that is the receiver's to say, with the cursor it got.
    assert held["unacknowledged"] == 7
    told = await beneficiary.call(
        "POST", "/exchange/changes/ack", json={"agreement": number, "cursor": going.pages[-1]["cursor"]}
    )
    assert told["acknowledged"] == 7
    await load(platform, provider.office, tmp_path / "2.xml", [doc(3, "Corrected"), doc(4, status="D"), doc(9)])
    push.wake(platform.services)
    await going.idle()
    assert going.changes[7:] == [
        ("correction", record_id(3, provider.office)),
        ("deletion", record_id(4, provider.office)),
        ("record", record_id(9, provider.office)),
    ]
    # Where nothing is new nothing is sent; and who pulls from the pushed cursor gets nothing twice.
    assert push.wake(platform.services) == 0
    pulling = Receiver(beneficiary, number)
    pulling.cursor = going.pages[-1]["cursor"]
    assert await pulling.follow() == []
    await beneficiary.call("POST", going.path, 409, json={"endpoint": going.endpoint["id"]})
    assert (await beneficiary.raw("DELETE", going.path)).status_code == 204
    await beneficiary.call("GET", going.path, 404)
    lines = (await provider.call("GET", "/audit"))["accesses"]
    assert sum(line["records"] for line in lines if line["action"] == "exchange") == 9


async def test_what_failed_comes_again_with_the_same_ids_and_a_dead_letter_holds_back_the_rest(
    platform: Platform, provider: Party, beneficiary: Party, listening: Listening, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(4)])
    number = await agreed(provider, beneficiary, **TERMS)
    listening.answers = [500, 503]
    going = await pushed(beneficiary, listening, number, items=2)
    await going.tried(1)
    going.last_attempt()
    # With another number of attempts behind it, the attempt that waits is of a message that is dead if it fails.
    going.hurry()
    assert (await going.settled(state="stopped"))["why"] == push.STOPPED
    await load(platform, provider.office, tmp_path / "2.xml", [doc(9)])
    assert push.wake(platform.services) == 0, "something overtook a dead letter"
    messages = f"/webhooks/{going.endpoint['id']}/messages"
    (dead,) = (await beneficiary.call("GET", f"{messages}?state=dead"))["messages"]
    assert (dead["kind"], dead["message"]["data"]["agreement"]) == ("exchange.changes", number)
    assert "heat pump" not in str(dead), "a message that lies holds records"
    await beneficiary.call("POST", f"{messages}/{dead['id']}/resend", 202)
    await going.settled(state="active", message=None)
    first, second, third, *rest = going.pages
    assert [item["id"] for item in first["items"]] == [item["id"] for item in second["items"]]
    assert [item["id"] for item in first["items"]] == [item["id"] for item in third["items"]]
    assert listening.ids[:3] == [dead["id"]] * 3
    seen = [item["record_id"] for page in (third, *rest) for item in page["items"]]
    assert seen == [record_id(n, provider.office) for n in (0, 1, 2, 3, 9)]
    # Sent once more by hand: it comes as it is now, and the push stands where it stood.
    before = await going.state()
    await beneficiary.call("POST", f"{messages}/{dead['id']}/resend", 202)
    await until(lambda: _more(listening, len(first["items"]), going))
    assert await going.idle() == {**before, "unacknowledged": before["unacknowledged"] + 2}


async def _more(listening: Listening, items: int, going: Pushed) -> bool | None:
    return True if len(going.pages[-1]["items"]) == items and listening.ids[-1] == listening.ids[0] else None


async def test_another_attempt_holds_nothing_that_the_first_did_not(
    platform: Platform, provider: Party, beneficiary: Party, listening: Listening, tmp_path: Path
) -> None:
    """A receiver that stored the first attempt, whose answer was lost, passes over the second by its id."""
    await load(platform, provider.office, tmp_path / "1.xml", [doc(0), doc(1)])
    number = await agreed(provider, beneficiary, **TERMS)
    listening.answers = [500]
    going = await pushed(beneficiary, listening, number)
    await going.tried(1)
    await load(platform, provider.office, tmp_path / "2.xml", [doc(0, "Corrected"), doc(5)])
    going.hurry()
    await going.idle()
    first, second, third = going.pages
    assert listening.ids[0] == listening.ids[1] != listening.ids[2]
    assert [item["id"] for item in second["items"]] == [first["items"][1]["id"]]
    assert [(item["change"], item["record_id"]) for item in third["items"]] == [
        ("correction", record_id(0, provider.office)),
        ("record", record_id(5, provider.office)),
    ]


async def test_a_receiver_refuses_what_is_replayed_altered_late_or_unsigned(
    provider: Party, beneficiary: Party, listening: Listening
) -> None:
    endpoint = await beneficiary.call("POST", "/webhooks", 201, json={"url": listening.url})
    listening.secret = endpoint["secret"]
    await beneficiary.call("POST", f"/webhooks/{endpoint['id']}/test", 202)

    async def came() -> bool | None:
        return bool(listening.taken) or None

    await until(came)
    headers, body = listening.taken[0]
    sent = {name: value for name, value in headers.items() if name.startswith("webhook-")}
    late = int(headers["webhook-timestamp"]) - 2 * signing.TOLERANCE_S
    async with httpx.AsyncClient() as anybody:
        for given, content in (
            (sent, body),
            (sent, body + b" "),
            (signing.headers(endpoint["secret"], "msg_old", body, now=late), body),
            ({}, body),
        ):
            await anybody.post(listening.url, headers=given, content=content)
    assert listening.refused == ["replayed", "signature-wrong", "too-old", "unsigned"]
    assert len(listening.taken) == 1


async def test_each_attempt_holds_what_the_rights_give_at_that_moment(
    platform: Platform, provider: Party, beneficiary: Party, listening: Listening, tmp_path: Path
) -> None:
    late = doc(2).replace("20230104", "20240104")
    await load(platform, provider.office, tmp_path / "1.xml", [doc(1), late])
    number = await agreed(provider, beneficiary, **TERMS)
    state = f"/agreements/{number}/state"
    listening.answers = [500]
    going = await pushed(beneficiary, listening, number)
    await going.tried(1)
    with platform.database.session() as session:
        narrower = agreements.Terms.model_validate({**TERMS, "published_from": "2024-01-01"})
        agreements.amend(session, number, narrower, by="test")
    going.hurry()
    await going.idle()
    assert sorted(going.changes[2:]) == [
        ("deletion", record_id(1, provider.office)),
        ("record", record_id(2, provider.office)),
    ]

    body = {"agreement": number, "cursor": going.pages[-1]["cursor"]}
    await beneficiary.call("POST", "/exchange/changes/ack", json=body)
    # Suspended while a message waits for its next attempt: nothing goes out, until it is in force again.
    listening.answers = [500]
    await load(platform, provider.office, tmp_path / "2.xml", [late.replace("Valve", "Better valve")])
    push.wake(platform.services)
    await going.tried(1)
    sent = len(listening.taken)
    await provider.call("POST", state, json={"to": "suspended"})
    going.hurry()
    assert "suspended" in (await going.idle())["why"]
    push.wake(platform.services)
    assert len(listening.taken) == sent
    await provider.call("POST", state, json={"to": "active"})
    assert push.wake(platform.services) == 1
    await going.idle()
    assert going.changes[-1] == ("correction", record_id(2, provider.office))

    sent = len(listening.taken)
    await load(platform, provider.office, tmp_path / "3.xml", [late.replace("Valve", "Best valve")])
    await provider.call("POST", state, json={"to": "revoked"})
    push.wake(platform.services)
    assert (await going.idle())["state"] == "ended"
    assert len(listening.taken) == sent


async def test_who_does_not_acknowledge_gets_no_more_and_messages_are_no_larger_than_may_be(
    platform: Platform,
    provider: Party,
    beneficiary: Party,
    listening: Listening,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(8)])
    number = await agreed(provider, beneficiary, **TERMS)
    monkeypatch.setattr(feed, "MOST_UNACKNOWLEDGED", 4)
    monkeypatch.setattr(push, "LARGEST_MESSAGE", 3_500)
    going = await pushed(beneficiary, listening, number)
    assert "not acknowledged" in (await going.idle())["why"]
    assert 4 <= len(going.changes) < 8
    assert push.wake(platform.services) == 0
    while len(going.changes) < 8:
        body = {"agreement": number, "cursor": going.pages[-1]["cursor"]}
        await beneficiary.call("POST", "/exchange/changes/ack", json=body)
        push.wake(platform.services)
        await going.idle()
    assert going.changes == [("record", record_id(n, provider.office)) for n in range(8)]
    assert len(going.pages) > 2
    assert max(len(body) for _, body in listening.taken) < 4_000


async def test_nothing_is_pushed_for_a_key_that_was_revoked(
    platform: Platform, provider: Party, beneficiary: Party, listening: Listening, tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(1)])
    number = await agreed(provider, beneficiary, **TERMS)
    listening.answers = [500]
    going = await pushed(beneficiary, listening, number)
    await going.tried(1)
    with platform.database.session() as session:
        keys.revoke(session, beneficiary.key.split("_")[1])
    going.hurry()
    other = Party(platform, beneficiary.holder, platform.key(beneficiary.office, Role.PROVIDER_STEWARD))
    going.beneficiary = other
    assert (await going.settled(state="stopped"))["why"] == push.STOPPED
    assert len(listening.taken) == 1


async def test_a_push_is_the_beneficiarys_to_its_own_endpoint(
    platform: Platform, provider: Party, beneficiary: Party, listening: Listening
) -> None:
    number = await agreed(provider, beneficiary, **TERMS)
    path = f"/exchange/agreements/{number}/push"
    foreign = await provider.call("POST", "/webhooks", 201, json={"url": listening.url})
    for one in (beneficiary, provider, party(platform)):
        await one.call("POST", path, 404, json={"endpoint": foreign["id"]})
    going = await pushed(beneficiary, listening, number)
    for one in (provider, party(platform)):
        for method in ("GET", "DELETE"):
            await one.call(method, path, 404)
    other = await agreed(provider, beneficiary, **TERMS)
    await Receiver(beneficiary, other).page()
    cursor = (await beneficiary.call("GET", f"/exchange/changes?agreement={other}"))["cursor"]
    await beneficiary.raw("DELETE", going.path)
    body = {"endpoint": going.endpoint["id"], "cursor": cursor}
    assert (await beneficiary.call("POST", path, 400, json=body))["reason"] == "cursor"
    assert listening.taken == []


async def test_steps_of_an_agreement_are_told_to_the_other_office(
    provider: Party, beneficiary: Party, listening: Listening
) -> None:
    await provider.call("POST", "/webhooks", 201, json={"url": listening.url, "kinds": ["agreement"]})
    number = await agreed(provider, beneficiary, **TERMS)

    async def told() -> Any:
        steps = [orjson.loads(body)["data"] for _, body in listening.taken]
        return steps if len(steps) == 3 else None

    steps = await until(told)
    assert {step["agreement"] for step in steps} == {number}
    assert {(step["step"], step["by"]) for step in steps} == {
        ("request", beneficiary.office),
        ("signature", beneficiary.office),
        ("active", beneficiary.office),
    }
    await beneficiary.call("POST", "/webhooks", 201, json={"url": listening.url, "kinds": ["agreement"]})
    await provider.call("POST", f"/agreements/{number}/state", json={"to": "revoked"})

    async def ended() -> Any:
        last = orjson.loads(listening.taken[-1][1])["data"]
        return last if last["step"] == "revoked" else None

    assert (await until(ended))["by"] == provider.office
