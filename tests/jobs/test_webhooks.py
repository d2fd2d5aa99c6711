"""Webhooks: signed, delivered at least once, tried again, dead where nobody listens, never sent where they must not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text, update

from api.access import keys
from api.access.model import Role
from api.jobs import tidy
from api.webhooks import addresses, sender, signing
from common.errors import AccessDenied
from common.messages import say
from store.jobs import WebhookDelivery
from tests.platforms import Platform, until
from tests.receiver import Receiver, receiver

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def listening() -> Iterator[Receiver]:
    with receiver() as held:
        yield held


async def registered(client: httpx.AsyncClient, url: str, **given: Any) -> dict[str, Any]:
    answer = await client.post("/v1/webhooks", json={"url": url, **given})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def message(client: httpx.AsyncClient, endpoint: str, state: str) -> dict[str, Any]:
    """The endpoint's latest message, once it is in this state."""

    async def look() -> dict[str, Any] | None:
        found = (await client.get(f"/v1/webhooks/{endpoint}/messages")).json()["messages"]
        return found[0] if found and found[0]["state"] == state else None

    return await until(look)


def hurry(platform: Platform) -> None:
    """Makes every attempt that waits for its time due now."""
    with platform.database.session() as session:
        session.execute(text("update procrastinate_jobs set scheduled_at = now() where status = 'todo'"))


async def test_a_message_is_signed_and_arrives(platform: Platform, listening: Receiver) -> None:
    async with platform.client(platform.key("QA")) as client:
        made = await registered(client, listening.url, kinds=["alert"])
        await client.post(f"/v1/webhooks/{made['id']}/test")
        told = await message(client, made["id"], "delivered")
        listed = (await client.get("/v1/webhooks")).json()["endpoints"]
    (headers, body) = listening.taken[0]
    assert signing.verify(made["secret"], headers, body) == told["id"]
    assert orjson.loads(body)["type"] == "test"
    assert told["status"] == 204
    assert "secret" not in listed[0], "the secret was shown again"

    with pytest.raises(AccessDenied):
        signing.verify(made["secret"], headers, body + b" ")
    with pytest.raises(AccessDenied):
        signing.verify(made["secret"], {**headers, "webhook-id": "msg_other"}, body)
    with pytest.raises(AccessDenied):
        signing.verify(signing.new_secret(), headers, body)
    late = int(headers["webhook-timestamp"]) + signing.TOLERANCE_S + 1
    with pytest.raises(AccessDenied):
        signing.verify(made["secret"], headers, body, now=late)


async def test_what_is_refused_is_tried_again_under_the_same_id(platform: Platform, listening: Receiver) -> None:
    listening.answers = [500, 302]
    async with platform.client(platform.key("QB")) as client:
        made = await registered(client, listening.url)
        await client.post(f"/v1/webhooks/{made['id']}/test")

        async def after(attempts: int) -> dict[str, Any] | None:
            found = (await client.get(f"/v1/webhooks/{made['id']}/messages")).json()["messages"][0]
            return found if found["attempts"] == attempts else None

        first = await until(lambda: after(1))
        assert (first["state"], first["status"]) == ("waiting", 500)
        assert first["next_at"] is not None
        hurry(platform)
        second = await until(lambda: after(2))
        assert second["status"] == 302, "a redirect was followed, or taken for a yes"
        hurry(platform)
        assert (await message(client, made["id"], "delivered"))["attempts"] == 3
    assert len(listening.taken) == 3
    assert len(set(listening.ids)) == 1


async def test_a_dead_letter_is_seen_and_sent_anew(platform: Platform, listening: Receiver) -> None:
    listening.answers = [503]
    async with platform.client(platform.key("QC")) as client:
        made = await registered(client, listening.url)
        with platform.database.session() as session:
            name = sender.send(session, made["id"], sender.TEST, {})
            tried = update(WebhookDelivery).where(WebhookDelivery.id == name)
            session.execute(tried.values(attempts=len(sender.BACKOFF_S)))
        dead = await message(client, made["id"], "dead")
        said = sender.answered(listening.url, 503)
        assert dead["error"] == f"{listening.url} answered 503. {said.remedy}"
        again = await client.post(f"/v1/webhooks/{made['id']}/messages/{name}/resend")
        assert again.status_code == 202
        await message(client, made["id"], "delivered")
    assert listening.ids == [name, name]


async def test_a_message_that_is_due_and_in_no_queue_is_entered_again(platform: Platform, listening: Receiver) -> None:
    """As where the attempt's worker lost the database before it could write what became of it."""
    async with platform.client(platform.key("QH")) as client:
        made = await registered(client, listening.url)
        due = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        with platform.database.session() as session:
            lost = {"id": "msg_lost", "endpoint": made["id"], "kind": sender.TEST, "body": b"{}", "next_at": due}
            session.add(WebhookDelivery(**lost))
        tidy.remove(platform.services)
        await message(client, made["id"], "delivered")
    assert listening.ids == ["msg_lost"]


async def test_whose_key_was_revoked_is_told_nothing_more(platform: Platform, listening: Receiver) -> None:
    key = platform.key("QD")
    async with platform.client(key) as client:
        made = await registered(client, listening.url, kinds=["job.finished"])
        owner = made["owner"]
    with platform.database.session() as session:
        keys.revoke(session, key.split("_")[1])
        (name,) = sender.emit(session, sender.JOB_FINISHED, {"job": "x"}, owner=owner)

    async def dead() -> bool | None:
        with platform.database.session() as session:
            return session.get_one(WebhookDelivery, name).state == "dead" or None

    await until(dead)
    assert listening.taken == []


async def test_endpoints_are_their_owners_and_their_offices(platform: Platform, listening: Receiver) -> None:
    async with (
        platform.client(platform.key("QE")) as owner,
        platform.client(platform.key("QE")) as colleague,
        platform.client(platform.key("QE", Role.PROVIDER_STEWARD)) as steward,
        platform.client(platform.key("QF", Role.PROVIDER_STEWARD)) as stranger,
        platform.client() as nobody,
    ):
        made = await registered(owner, listening.url)
        address = f"/v1/webhooks/{made['id']}/messages"
        assert (await steward.get(address)).status_code == 200
        missing = await stranger.get("/v1/webhooks/000000000000000000000000/messages")
        for other in (colleague, stranger):
            got = await other.get(address)
            assert (got.status_code, got.content) == (404, missing.content)
            assert (await other.delete(f"/v1/webhooks/{made['id']}")).status_code == 404
            assert (await other.get("/v1/webhooks")).json()["endpoints"] == []
        assert (await nobody.get("/v1/webhooks")).status_code == 401
        assert (await owner.delete(f"/v1/webhooks/{made['id']}")).status_code == 204
        assert (await owner.get(address)).status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data/",
        "https://192.168.0.1/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://224.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "http://192.0.2.1/",
        "http://8.8.8.8/",
        "https://user:word@8.8.8.8/",
        "ftp://8.8.8.8/",
        "file:///etc/passwd",
        "https:///nothing",
        "https://8.8.8.8:99999/",
        "https://8.8.8.8/#part",
        "https://no-such-name.invalid/",
    ],
)
async def test_no_webhook_goes_where_only_the_platform_gets(url: str) -> None:
    with pytest.raises(addresses.Forbidden):
        addresses.resolve(url, "")


async def test_a_public_address_is_connected_to_by_number() -> None:
    target = addresses.resolve("https://8.8.8.8/a?b=c", "")
    assert (target.url, target.host, target.name) == ("https://8.8.8.8:443/a?b=c", "8.8.8.8", "8.8.8.8")
    inside = addresses.resolve("http://localhost:81/a", "127.0.0.0/8, ::1/128")
    assert inside.host == "localhost:81"
    assert inside.url in ("http://127.0.0.1:81/a", "http://[::1]:81/a")


async def test_an_address_that_was_allowed_once_is_looked_at_again(platform: Platform, listening: Receiver) -> None:
    """The setting is closed after the endpoint was registered: as a name that leads elsewhere now."""
    async with platform.client(platform.key("QG")) as client:
        made = await registered(client, listening.url)
        open_, platform.services.settings.webhook_networks = platform.services.settings.webhook_networks, ""
        try:
            await client.post(f"/v1/webhooks/{made['id']}/test")

            async def failed() -> dict[str, Any] | None:
                found = (await client.get(f"/v1/webhooks/{made['id']}/messages")).json()["messages"][0]
                return found if found["attempts"] else None

            told = await until(failed)
        finally:
            platform.services.settings.webhook_networks = open_
        said = say("webhooks.public-only")
        assert told["error"] == f"{said} {said.remedy}"
        assert (await client.post("/v1/webhooks", json={"url": "https://10.0.0.1/"})).status_code == 400
    assert listening.taken == []
