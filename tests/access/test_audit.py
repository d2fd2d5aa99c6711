"""The audit: what it writes down, that nothing is shown before, and that any edit or gap is found."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from api.access import offices
from api.access.audit import AuditWriter, Entry, Moved, Verdict, append, report, verify
from api.access.model import Role
from api.access.scopes import current_version
from api.access.secret import Keys
from api.search.service import warm
from store.access import AuditEntry, AuditHead
from store.database import Database, plain
from tests.platforms import ALL_GROUPS, Platform, make_record

pytestmark = pytest.mark.asyncio(loop_scope="session")
KEYS = Keys(b"k" * 40)


def entry(number: int) -> Entry:
    return Entry(
        "view", "key:x", "examiner", "examination", "QA", "QB", "qb-patent-x", (), "content", 1, (f"id{number}",)
    )


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    opened.migrate()
    yield opened
    opened.close()


def faults(database: Database, keys: Keys = KEYS) -> tuple[str, ...]:
    with database.session() as session:
        return verify(session, keys).faults


def tamper(database: Database, statement: str) -> None:
    """As somebody with the whole database in hand: with the triggers off."""
    with psycopg.connect(plain(database.url), autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(statement)  # type: ignore[call-overload]


async def test_any_edit_or_gap_is_found(database: Database) -> None:
    with database.session() as session:
        append(session, KEYS, 3, [entry(n) for n in range(5)])
    with database.session() as session:
        append(session, KEYS, 3, [entry(n) for n in range(5, 10)])
        append(session, KEYS, 4, [entry(0)])
    assert faults(database) == ()
    with database.session() as session:
        assert verify(session, KEYS).entries == 11
    kept = "create table kept as select * from audit; create table heads as select * from audit_heads"
    tamper(database, kept)
    back = (
        "truncate audit, audit_heads; insert into audit select * from kept; insert into audit_heads select * from heads"
    )
    for change, expected in (
        ("update audit set records = 9 where chain = 3 and seq = 4", "chain 3: entry 4 was changed"),
        ("update audit set ids = '[\"other\"]' where chain = 3 and seq = 10", "chain 3: entry 10 was changed"),
        ("update audit set at = at + interval '1 s' where chain = 4", "chain 4: entry 1 was changed"),
        ("delete from audit where chain = 3 and seq = 6", "chain 3: entry 6 is missing"),
        ("delete from audit where chain = 3 and seq = 10", "chain 3: entries after 9 are missing"),
        ("delete from audit where chain = 3", "chain 3: entries after 0 are missing"),
        ("delete from audit_heads where chain = 3", "chain 3: its head is missing"),
        (
            "delete from audit where chain = 3 and seq > 5; update audit_heads set seq = 5, "
            "hash = (select hash from audit where chain = 3 and seq = 5) where chain = 3",
            "chain 3: its head was not sealed with this platform's key",
        ),
    ):
        tamper(database, change)
        assert faults(database) == (expected,), change
        tamper(database, back)
        assert faults(database) == ()
    assert faults(database, Keys(b"o" * 40)) != ()


async def test_the_database_refuses_edits(database: Database) -> None:
    with database.session() as session:
        append(session, KEYS, 0, [entry(1)])
    for statement in ("update audit set records = 2", "delete from audit", "truncate audit", "delete from audit_heads"):
        with pytest.raises(DBAPIError, match="append-only"), database.session() as session:
            session.execute(text(statement))


async def test_many_writers_keep_one_chain_whole(database: Database) -> None:
    writers = [AuditWriter(database, KEYS, chain=1) for _ in range(3)]

    async def write(writer: AuditWriter) -> None:
        for number in range(40):
            await writer.write([entry(number), entry(number)])

    def change() -> None:
        for number in range(40):
            with database.session() as session:
                append(session, KEYS, 1, [entry(number)])

    await asyncio.gather(*(write(writer) for writer in writers for _ in range(2)), asyncio.to_thread(change))
    for writer in writers:
        await writer.close()
    with database.session() as session:
        verdict = verify(session, KEYS)
    assert (verdict.entries, verdict.faults) == (3 * 2 * 40 * 2 + 40, ())


async def test_what_presumes_rights_that_were_changed_is_not_written(database: Database) -> None:
    writer = AuditWriter(database, KEYS, chain=3)

    def version() -> int:
        with database.session() as session:
            return current_version(session)

    def change(office: str) -> None:
        with database.session() as session:
            offices.add(session, office, "An office")

    old = version()
    assert await writer.write([entry(1)], version=old)
    change("QC")
    assert not await writer.write([entry(2)], version=old)
    # All at once, of both kinds and of no version at all.
    asked = [writer.write([entry(n)], version=v) for n, v in enumerate((old, version(), old, None, version(), None))]
    assert await asyncio.gather(*asked) == [False, True, False, True, True, True]
    other = AuditWriter(database, KEYS, chain=3)
    assert await other.write([entry(3)], version=version())
    # The chain ends elsewhere by now, and the rights are others.
    stale = version()
    change("QD")
    assert not await writer.write([entry(4)], version=stale)
    assert await writer.write([entry(5)], version=version())
    for one in (writer, other):
        await one.close()
    with database.session() as session:
        assert verify(session, KEYS) == Verdict(7, ())


async def test_nothing_to_write_writes_nothing(database: Database) -> None:
    writer = AuditWriter(database, KEYS, chain=4)
    assert await writer.write([])
    await writer.close()
    with database.session() as session:
        assert session.scalars(select(AuditHead)).all() == []


async def test_closing_writes_what_is_waiting(database: Database) -> None:
    writer = AuditWriter(database, KEYS, chain=2)
    waiting = [asyncio.create_task(writer.write([entry(number)])) for number in range(200)]
    await asyncio.sleep(0)
    await writer.close()
    await asyncio.gather(*waiting)
    with database.session() as session:
        assert verify(session, KEYS).entries == 200


async def test_a_writer_outlives_its_connection(database: Database) -> None:
    writer = AuditWriter(database, KEYS, chain=2)
    await writer.write([entry(1)])
    with psycopg.connect(plain(database.url), autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
    await writer.write([entry(2)])
    await writer.close()
    database.close()
    with database.session() as session:
        assert verify(session, KEYS) == Verdict(2, ())


async def test_what_was_committed_before_the_connection_broke_is_not_written_twice(database: Database) -> None:
    writer = AuditWriter(database, KEYS, chain=2)
    await writer.write([entry(1)])
    move = writer._move
    broken: list[Moved] = []

    async def committed_but_not_confirmed(*given: Any) -> Moved:
        moved = await move(*given)
        if not broken:
            broken.append(moved)
            raise psycopg.OperationalError("the connection is lost")
        return moved

    writer._move = committed_but_not_confirmed  # type: ignore[method-assign,assignment]
    await writer.write([entry(2), entry(3)])
    await writer.write([entry(4)])
    await writer.close()
    with database.session() as session:
        assert verify(session, KEYS) == Verdict(4, ())


async def test_who_saw_what_by_which_agreement_for_what(platform: Platform) -> None:
    records = [make_record("QW", number, f"moltrek {number}") for number in range(1, 4)]
    await platform.index([*records, make_record("QV", 1, "moltrek")])
    platform.policy("qv-patent-x", "content", groups=ALL_GROUPS)
    platform.policy("qw-patent-x", "none")
    agreement = platform.agreement("QW", "QA", tier="content", groups=["full-text"])
    async with platform.client(platform.key("QA"), **{"concord-purpose": "statistics"}) as client:
        assert (await client.get("/v1/search", params={"q": "moltrek", "mode": "keyword"})).json()["total"] == 4
        assert (await client.get(f"/v1/records/{records[0].id}")).status_code == 200
        assert (await client.get("/v1/records/QW.patent.QW0000099.A1")).status_code == 404
    with platform.database.session() as session:
        lines = report(session, "QW")
        by_action = {line["action"]: line for line in lines}
        assert set(by_action) == {"search", "view"}
        for line in lines:
            assert (line["office"], line["purpose"], line["collection"]) == ("QA", "statistics", "qw-patent-x")
            assert len(line["agreements"]) == 1
        assert by_action["search"]["records"] == 3
        assert by_action["view"]["records"] == 1
        viewed = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "view", AuditEntry.provider == "QW")
        ).one()
        assert viewed.ids == [records[0].id]
        listed = session.scalars(select(AuditEntry).where(AuditEntry.action == "search")).first()
        assert listed is not None
        assert listed.ids is None
        assert "moltrek" not in str([row.details for row in session.scalars(select(AuditEntry))])
        assert verify(session, platform.services.keys).faults == ()
        before = len(session.scalars(select(AuditEntry)).all())
        await warm(platform.services)
        assert len(session.scalars(select(AuditEntry)).all()) == before, "who warms the engine sees nothing"
    async with platform.client(platform.key("QW", Role.PROVIDER_STEWARD)) as client:
        mine = (await client.get("/v1/audit")).json()["accesses"]
        assert {line["provider"] for line in mine} == {"QW"}
    async with platform.client(platform.key("QV", Role.PROVIDER_STEWARD)) as client:
        theirs = (await client.get("/v1/audit")).json()["accesses"]
        assert {line["provider"] for line in theirs} == {"QV"}
    async with platform.client(platform.key("QA", Role.AUDITOR)) as client:
        every = (await client.get("/v1/audit")).json()["accesses"]
        assert {line["provider"] for line in every} >= {"QW", "QV"}
    assert agreement


async def test_nothing_is_shown_that_cannot_be_written_down(platform: Platform) -> None:
    await platform.index([make_record("QE", 1, "zaltrek")])
    platform.policy("qe-patent-x", "content", groups=ALL_GROUPS)
    async with platform.client() as client:
        assert "zaltrek" in (await client.get("/v1/search", params={"q": "zaltrek"})).text

        with platform.database.session() as session:
            session.execute(text("alter table audit rename to audit_away"))
        try:
            for path in ("/v1/search?q=zaltrek", "/v1/records/QE.patent.QE0000001.A1"):
                answer = await client.get(path)
                assert answer.status_code == 500
                assert "QE0000001" not in answer.text
        finally:
            with platform.database.session() as session:
                session.execute(text("alter table audit_away rename to audit"))
        assert "zaltrek" in (await client.get("/v1/search", params={"q": "zaltrek"})).text
