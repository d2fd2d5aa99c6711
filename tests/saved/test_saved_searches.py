"""Saved searches: each change told once and none missed, under the rights of the moment."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from lxml import etree
from sqlalchemy import text

from api.access import keys
from api.access.agreements import State
from api.access.model import Permission
from api.saved import run as running
from api.saved.feed import ATOM
from common.messages import say
from store.saved import SavedSearch
from tests.exchange.offices import load
from tests.pipeline.docdb import document as doc
from tests.pipeline.docdb import record_id
from tests.platforms import Platform, until, working
from tests.receiver import Receiver, receiver

pytestmark = pytest.mark.asyncio(loop_scope="session")
PROVIDERS = (f"X{letter}" for letter in "ABCDEFGHIJKLMNOPQRST")
POSITIONS = itertools.count(1_000, 100)


class Feeder:
    """A provider of its own for each test, with words that nobody else's records have."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self.platform = platform
        self.office = next(PROVIDERS)
        self.collection = f"{self.office.lower()}-patent-default"
        self.word = f"zork{self.office.lower()}"
        self.first = next(POSITIONS)
        self.folder = folder
        self.deliveries = 0

    def id(self, place: int) -> str:
        return record_id(self.first + place, self.office)

    async def deliver(self, *places: int, title: str = "valve") -> None:
        self.deliveries += 1
        path = self.folder / f"{self.deliveries}.xml"
        await load(self.platform, self.office, path, [doc(self.first + n, f"{self.word} {title} {n}") for n in places])


@pytest.fixture
def feeder(platform: Platform, tmp_path: Path) -> Feeder:
    return Feeder(platform, tmp_path)


@pytest.fixture
def listening() -> Iterator[Receiver]:
    with receiver() as held:
        yield held


async def saved(client: httpx.AsyncClient, q: str, **given: Any) -> dict[str, Any]:
    answer = await client.post("/v1/saved-searches", json={"name": "mine", "search": {"q": q}, **given})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def results(client: httpx.AsyncClient, one: dict[str, Any], after: int = 0) -> list[tuple[str, str]]:
    answer = await client.get(one["results"], params={"after": after})
    assert answer.status_code == 200, answer.text
    return [(found["id"], found["change"]) for found in answer.json()["results"]]


async def alerts(platform: Platform) -> None:
    """What the queue's job does, here and now: every saved search that has something to look at."""
    services = platform.services
    with services.database.session() as session:
        to = running.certain(session)
        names = [entry.id for entry in session.query(SavedSearch).filter(SavedSearch.seq < to)]
    if names:
        await running.searchable(services)
    for name in names:
        await running.one(services, name, to, dt.datetime.now(dt.UTC).date())


async def test_what_comes_in_is_told_once_and_what_was_there_is_not(platform: Platform, feeder: Feeder) -> None:
    await feeder.deliver(0, 1)
    async with platform.client(platform.key(feeder.office)) as client:
        plain = await saved(client, f"{feeder.word} AND title:valve")
        with_changes = await saved(client, feeder.word, changes=True)
        await alerts(platform)
        assert await results(client, plain) == []
        await feeder.deliver(2, 3)
        await feeder.deliver(4, title="pump")
        await alerts(platform)
        await alerts(platform)
        new = [(feeder.id(2), "new"), (feeder.id(3), "new")]
        assert await results(client, plain) == new
        assert await results(client, with_changes) == [*new, (feeder.id(4), "new")]
        await feeder.deliver(0, 2, title="valve, amended")
        await alerts(platform)
        assert await results(client, plain) == new
        assert await results(client, with_changes, after=3) == [(feeder.id(0), "changed"), (feeder.id(2), "changed")]
        listed = (await client.get("/v1/saved-searches")).json()["saved_searches"]
        assert [(one["found"], one["error"]) for one in listed] == [(2, None), (5, None)]


async def test_nothing_is_missed_or_told_twice_while_loading_goes_on(platform: Platform, feeder: Feeder) -> None:
    """Runs among the batches of loads, several at once: the union of what they tell is exactly what came."""
    async with platform.client(platform.key(feeder.office)) as client:
        one = await saved(client, feeder.word, changes=True)

        async def loading() -> None:
            for round_ in range(4):
                await feeder.deliver(*range(round_ * 10, round_ * 10 + 12), title=f"valve of round {round_}")

        async def watching() -> None:
            while not load_.done():
                await alerts(platform)
                # A round with nothing to look at awaits nothing: without this the load would never go on.
                await asyncio.sleep(0)

        load_ = asyncio.ensure_future(loading())
        await asyncio.gather(load_, watching(), watching())
        await alerts(platform)
        told = await results(client, one)
    with platform.database.engine.connect() as connection:
        wanted = connection.execute(
            text("select id, seq from records where provider = :office"), {"office": feeder.office}
        ).all()
        kept = connection.execute(
            text("select record, max(seq) from saved_results where search = :one group by record"), {"one": one["id"]}
        ).all()
    assert len(wanted) == 42
    assert {tuple(row) for row in kept} == {tuple(row) for row in wanted}
    assert len(told) == len({(name, change, place) for place, (name, change) in enumerate(told)})


async def test_a_batch_that_the_engine_has_not_confirmed_waits(platform: Platform, feeder: Feeder) -> None:
    async with platform.client(platform.key(feeder.office)) as client:
        one = await saved(client, feeder.word)
        await feeder.deliver(0)
        with platform.database.session() as session:
            session.execute(
                text(
                    "insert into pending_batches (delivery, first_seq, last_seq) "
                    "select delivery, seq, seq from records where id = :id"
                ),
                {"id": feeder.id(0)},
            )
        await alerts(platform)
        assert await results(client, one) == []
        with platform.database.session() as session:
            session.execute(text("delete from pending_batches"))
        await alerts(platform)
        assert await results(client, one) == [(feeder.id(0), "new")]


async def test_a_few_results_among_many_changes(
    platform: Platform, feeder: Feeder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where more changed than the search finds at all, the results are gone through instead of the changes."""
    monkeypatch.setattr(running, "IDS_AT_ONCE", 5)
    async with platform.client(platform.key(feeder.office)) as client:
        few = await saved(client, f"{feeder.word} AND title:pump")
        many = await saved(client, feeder.word)
        await feeder.deliver(*range(12))
        await feeder.deliver(20, 21, title="pump")
        await alerts(platform)
        assert await results(client, few) == [(feeder.id(20), "new"), (feeder.id(21), "new")]
        assert len(await results(client, many)) == 14


async def test_rights_are_those_of_the_run_and_of_the_reading(platform: Platform, feeder: Feeder) -> None:
    reader = platform.key("QM")
    number = platform.agreement(feeder.office, "QM", tier="content")
    async with platform.client(reader) as client:
        one = await saved(client, feeder.word)
        await feeder.deliver(0)
        await alerts(platform)
        assert await results(client, one) == [(feeder.id(0), "new")]
        platform.step(number, State.REVOKED)
        await feeder.deliver(1)
        await alerts(platform)
        shown = (await client.get(one["results"])).text + (await client.get(one["feed"])).text
        assert feeder.id(0) not in shown
        assert feeder.id(1) not in shown
        assert (await client.get(f"/v1/saved-searches/{one['id']}")).json()["found"] == 1


async def test_who_may_search_no_more_is_told_nothing(platform: Platform, feeder: Feeder, listening: Receiver) -> None:
    key = platform.key(feeder.office)
    async with platform.client(key) as client:
        hook = (await client.post("/v1/webhooks", json={"url": listening.url, "kinds": ["alert"]})).json()
        one = await saved(client, feeder.word, webhook=hook["id"])
    with platform.database.session() as session:
        keys.revoke(session, key.split("_")[1])
    await feeder.deliver(0)
    await alerts(platform)
    with platform.database.session() as session:
        entry = session.get_one(SavedSearch, one["id"])
        assert (entry.found, entry.error) == (0, say("saved.gone"))
        assert session.execute(text("select count(*) from webhook_deliveries")).scalar() == 0


async def test_what_an_embargo_held_back_is_told_on_its_day(platform: Platform, feeder: Feeder) -> None:
    await feeder.deliver(9)
    platform.policy(feeder.collection, "metadata", embargo="publication", embargo_days=36_500)
    async with platform.client(platform.key("QN")) as client:
        one = await saved(client, feeder.word)
        await feeder.deliver(0)
        await alerts(platform)
        assert await results(client, one) == []
        # As if the days had gone by: what was published on 2023-01-04 is free, and the last run was before that.
        today = dt.datetime.now(dt.UTC).date()
        held = (today - dt.date(2023, 1, 4)).days
        platform.policy(feeder.collection, "metadata", embargo="publication", embargo_days=held)
        with platform.database.session() as session:
            session.get_one(SavedSearch, one["id"]).day = today - dt.timedelta(days=1)
            to = running.certain(session)
        await running.one(platform.services, one["id"], to, today)
        await running.one(platform.services, one["id"], to, today)
        assert sorted(await results(client, one)) == [(feeder.id(0), "new"), (feeder.id(9), "new")]


async def test_the_queue_runs_it_and_a_webhook_says_where_to_look(
    platform: Platform, feeder: Feeder, listening: Receiver
) -> None:
    async with platform.client(platform.key(feeder.office)) as client, working(platform):
        await client.post("/v1/webhooks", json={"url": listening.url, "kinds": ["alert"]})
        one = await saved(client, feeder.word)
        await feeder.deliver(0, 1)
        await client.post(f"/v1/saved-searches/{one['id']}/run")

        async def told() -> bool | None:
            return bool(listening.taken) or None

        await until(told)
        message = orjson.loads(listening.taken[0][1])
        assert message["type"] == "alert"
        assert message["data"] == {"saved_search": one["id"], "results": f"{one['results']}?after=0"}
        assert feeder.word.encode() not in listening.taken[0][1]
        fetched = (await client.get(message["data"]["results"])).json()
        assert [found["id"] for found in fetched["results"]] == [feeder.id(0), feeder.id(1)]
        feed = etree.fromstring((await client.get(one["feed"])).content)
    entries = feed.findall(f"{{{ATOM}}}entry")
    assert [entry.findtext(f"{{{ATOM}}}title") for entry in entries] == [
        f"{feeder.word} valve 1 (EP)",
        f"{feeder.word} valve 0 (EP)",
    ]
    assert len(listening.taken) == 1


async def test_saved_searches_are_their_owners(platform: Platform, feeder: Feeder) -> None:
    async with (
        platform.client(platform.key(feeder.office)) as owner,
        platform.client(platform.key(feeder.office)) as colleague,
        platform.client(platform.key(feeder.office, permissions=[Permission.VIEW])) as viewer,
        platform.client() as nobody,
    ):
        one = await saved(owner, feeder.word)
        for path in ("", "/results", "/feed"):
            assert (await colleague.get(f"/v1/saved-searches/{one['id']}{path}")).status_code == 404
        assert (await colleague.delete(f"/v1/saved-searches/{one['id']}")).status_code == 404
        assert (await colleague.get("/v1/saved-searches")).json() == {"saved_searches": []}
        assert (await viewer.get("/v1/saved-searches")).status_code == 403
        assert (await nobody.get("/v1/saved-searches")).status_code == 401
        wrong = await owner.post("/v1/saved-searches", json={"name": "x", "search": {"q": "title:("}})
        assert wrong.status_code == 400
        foreign = {"name": "x", "search": {"q": "y"}, "webhook": "0" * 24}
        assert (await owner.post("/v1/saved-searches", json=foreign)).status_code == 404
        assert (await owner.delete(f"/v1/saved-searches/{one['id']}")).status_code == 204
        assert (await owner.get(f"/v1/saved-searches/{one['id']}")).status_code == 404
