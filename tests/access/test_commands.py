"""`concord offices`, `users`, `keys`, `policies`, `audit`, `demo`, beside a running API that minds them at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import delete, select
from typer.testing import CliRunner

from api.access import accounts
from cli.main import application
from common.errors import ConcordError
from store.access import Policy, ensure_collections
from store.database import plain
from tests.commands import run
from tests.platforms import Platform, make_record

pytestmark = pytest.mark.asyncio(loop_scope="session")
Run = Callable[..., list[dict[str, Any]]]
PASSWORD = "correct horse battery staple"


@pytest.fixture
def concord(
    platform: Platform, engines: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[dict[str, Any]]]:
    """Runs a command on the running API's platform; what it prints, line by line."""
    secret = platform.settings.secret_key
    assert secret is not None
    for name, value in {
        "HOME": str(tmp_path / "home"),
        "OPENSEARCH_URL": engines[0],
        "DATABASE_URL": platform.database.url.render_as_string(hide_password=False),
        "INDEX_PREFIX": platform.settings.index_prefix,
        "SECRET_KEY": secret.get_secret_value(),
        "NEW_PASSWORD": PASSWORD,
    }.items():
        monkeypatch.setenv(f"CONCORD_{name}", value)
    return lambda *words: [json.loads(line) for line in run(*words).splitlines()]


async def test_offices_and_keys(platform: Platform, concord: Run) -> None:
    added = concord("offices", "add", "QK", "Sample Office", "--contact", "data@office.example", "--json")
    assert added == [{"code": "QK", "name": "Sample Office", "contact": "data@office.example"}]
    words = ("--office", "QK", "--role", "examiner", "--permissions", "search", "--purposes", "statistics")
    (made,) = concord("keys", "create", *words, "--days", "7", "--json")
    async with platform.client(made["key"]) as client:
        me = (await client.get("/v1/me")).json()
        assert (me["office"], me["role"], me["purpose"]) == ("QK", "examiner", "statistics")
        assert (await client.get("/v1/records/x")).status_code == 403
        platform.services._write_key_uses()
        (listed,) = concord("keys", "list", "--office", "QK", "--json")
        assert made["key"] not in json.dumps(listed)
        assert (listed["revoked"], bool(listed["last_used"]), bool(listed["expires"])) == (None, True, True)
        run("offices", "close", "QK")
        assert (await client.get("/v1/me")).status_code == 401
        run("offices", "open", "QK")
        assert (await client.get("/v1/me")).status_code == 200
        run("keys", "revoke", made["id"])
        assert (await client.get("/v1/me")).status_code == 401
    with pytest.raises(ConcordError, match="role"):
        run("keys", "create", "--office", "QK", "--role", "king")


async def test_users(platform: Platform, concord: Run) -> None:
    run("offices", "add", "QL", "Another Sample Office")
    (made,) = concord("users", "create", "Nora", "--role", "provider-steward", "--office", "QL", "--json")
    body = {"account": "nora", "password": PASSWORD, "code": accounts.current_code(made["second_factor"])}
    async with platform.client() as client:
        assert (await client.post("/v1/session", json=body)).status_code == 200
        assert (await client.get("/v1/me")).json()["caller"] == "user:nora"
        run("users", "close", "nora")
        assert (await client.get("/v1/me")).status_code == 401
    (listed,) = concord("users", "list", "--office", "QL", "--json")
    assert listed == {"name": "nora", "office": "QL", "role": "provider-steward", "active": False}


async def test_policies_and_the_audit(platform: Platform, concord: Run) -> None:
    """What was shown is reported by office, day and purpose; an edit of it is found, and the command fails."""
    await platform.index([make_record("QN", 1, "rontral")])
    run("policies", "set", "qn-patent-x", "--tier", "content", "--groups", "full-text", "--denied", "QO")
    key = platform.key("QM")
    async with platform.client(key, **{"concord-purpose": "statistics"}) as client:
        assert (await client.get("/v1/records/QN.patent.QN0000001.A1")).status_code == 200
    async with platform.client(platform.key("QO")) as denied:
        assert (await denied.get("/v1/records/QN.patent.QN0000001.A1")).status_code == 404
    (line,) = concord("audit", "report", "--provider", "QN", "--json")
    assert (line["office"], line["purpose"], line["collection"], line["records"]) == (
        "QM",
        "statistics",
        "qn-patent-x",
        1,
    )
    assert line["day"]
    (whole,) = concord("audit", "verify", "--json")
    assert whole["entries"] > 0
    assert whole["faults"] == []
    edit = "update audit set office = '{}' where provider = 'QN' and office = '{}'"
    with psycopg.connect(plain(platform.database.url), autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(edit.format("QP", "QM"))  # type: ignore[call-overload]
        try:
            found = CliRunner().invoke(application(), ["audit", "verify"])
        finally:
            connection.execute(edit.format("QM", "QP"))  # type: ignore[call-overload]
    assert found.exit_code == 1
    assert "was changed" in found.stdout
    assert concord("audit", "verify", "--json")[0]["faults"] == []


async def test_demo_offices_come_with_a_key_each_and_open_what_nobody_decided_on(
    platform: Platform, concord: Run
) -> None:
    await platform.index([make_record("QN", 2, "santral", collection="undecided"), make_record("QN", 3, "santral")])
    platform.policy("qn-patent-x", "none")
    with platform.database.session() as session:
        ensure_collections(session, [("qn-patent-undecided", "QN", "patent", "undecided")])
        decided = session.scalars(select(Policy.collection)).all()
    try:
        made = concord("demo", "--json")
        assert [entry["office"] for entry in made] == ["EP", "JP", "SA"]
        for entry in made:
            async with platform.client(entry["key"]) as client:
                assert (await client.get("/v1/me")).json()["office"] == entry["office"]
                assert (await client.get("/v1/records/QN.patent.QN0000002.A1")).status_code == 200
                assert (await client.get("/v1/records/QN.patent.QN0000003.A1")).status_code == 404
    finally:
        with platform.database.session() as session:
            session.execute(delete(Policy).where(Policy.collection.not_in(decided)))
