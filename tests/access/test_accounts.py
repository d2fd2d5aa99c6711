"""Local accounts: password and code, sessions with CSRF protection, lock-out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import aclosing

import pyotp
import pytest
from sqlalchemy import text, update

from api.access import accounts
from api.access.model import Role
from api.dependencies import COOKIE
from common.errors import AccessDenied, Conflict, UsageError
from store.access import Account, SignInAttempts, WebSession
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")
PASSWORD = "correct horse battery staple"


@pytest.fixture
def person(platform: Platform) -> Callable[..., tuple[str, str]]:
    """Makes an account; returns its name and the second factor's address."""

    def make(name: str, role: Role = Role.PROVIDER_STEWARD) -> tuple[str, str]:
        platform.key("QA")
        with platform.database.session() as session:
            address = accounts.create(
                session, platform.services.keys, name=name, office="QA", role=role, password=PASSWORD
            )
        assert address is not None
        return name, address

    return make


async def signed_in(platform: Platform, name: str, address: str):
    client = platform.client()
    body = {"account": name, "password": PASSWORD, "code": accounts.current_code(address)}
    return client, await client.post("/v1/session", json=body)


async def test_signing_in_and_out(platform: Platform, person: Callable[..., tuple[str, str]]) -> None:
    client, answer = await signed_in(platform, *person("anna"))
    async with aclosing(client):
        assert answer.status_code == 200
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        me = (await client.get("/v1/me")).json()
        assert (me["caller"], me["office"]) == ("user:anna", "QA")
        csrf = answer.json()["csrf"]
        assert me["csrf"] == csrf
        assert (await client.delete("/v1/session", headers={"x-csrf-token": csrf})).status_code == 200
    async with platform.client(cookie=f"{COOKIE}={cookie.split('=')[1].split(';')[0]}") as again:
        assert (await again.get("/v1/me")).status_code == 401


async def test_a_change_needs_the_csrf_token(platform: Platform, person: Callable[..., tuple[str, str]]) -> None:
    client, answer = await signed_in(platform, *person("bert"))
    async with aclosing(client):
        body = {"role": "examiner", "office": "QA"}
        for wrong in ({}, {"x-csrf-token": "wrong"}, {"x-csrf-token": ""}):
            assert (await client.post("/v1/keys", json=body, headers=wrong)).status_code == 403
        right = {"x-csrf-token": answer.json()["csrf"]}
        assert (await client.post("/v1/keys", json=body, headers=right)).status_code == 201


async def test_every_way_to_fail_looks_the_same(platform: Platform, person: Callable[..., tuple[str, str]]) -> None:
    name, address = person("cora")
    code = accounts.current_code(address)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    seen = set()
    async with platform.client() as client:
        for body in (
            {"account": name, "password": "wrong password", "code": code},
            {"account": name, "password": PASSWORD, "code": wrong},
            {"account": name, "password": PASSWORD, "code": ""},
            {"account": "nobody", "password": PASSWORD, "code": code},
            {"account": "", "password": "", "code": ""},
        ):
            answer = await client.post("/v1/session", json=body)
            assert "set-cookie" not in answer.headers
            seen.add((answer.status_code, answer.content))
    assert len(seen) == 1


async def test_a_code_opens_once(platform: Platform, person: Callable[..., tuple[str, str]]) -> None:
    name, address = person("dora")
    totp = pyotp.parse_uri(address)
    code = totp.now()
    body = {"account": name, "password": PASSWORD, "code": code}
    async with platform.client() as client:
        assert (await client.post("/v1/session", json=body)).status_code == 200
        assert (await client.post("/v1/session", json=body)).status_code == 401


async def test_lock_out_after_failures_and_for_names_that_do_not_exist(
    platform: Platform, person: Callable[..., tuple[str, str]]
) -> None:
    name, address = person("emil")
    async with platform.client() as client:
        for account in (name, "nobody-here"):
            for _ in range(accounts.FAILURES_ALLOWED):
                body = {"account": account, "password": "wrong password", "code": "000000"}
                assert (await client.post("/v1/session", json=body)).status_code == 401
            with platform.database.session() as session:
                attempts = session.get(SignInAttempts, account)
                assert attempts is not None
                assert attempts.locked_until is not None
        right = {"account": name, "password": PASSWORD, "code": accounts.current_code(address)}
        assert (await client.post("/v1/session", json=right)).status_code == 401
        with platform.database.session() as session:
            past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
            session.execute(update(SignInAttempts).where(SignInAttempts.account == name).values(locked_until=past))
        assert (await client.post("/v1/session", json=right)).status_code == 200


async def test_a_session_ends_by_age_idleness_and_the_account_s_closing(
    platform: Platform, person: Callable[..., tuple[str, str]]
) -> None:
    name, address = person("fred")
    client, _ = await signed_in(platform, name, address)
    async with aclosing(client):
        assert (await client.get("/v1/me")).status_code == 200
        now = dt.datetime.now(dt.UTC)
        for column, value in (("seen", now - accounts.SESSION_IDLE), ("expires", now)):
            with platform.database.session() as session:
                held = session.query(WebSession).filter_by(account=name).one()
                before = getattr(held, column)
                setattr(held, column, value)
            assert (await client.get("/v1/me")).status_code == 401
            with platform.database.session() as session:
                setattr(session.query(WebSession).filter_by(account=name).one(), column, before)
        with platform.database.session() as session:
            account = session.get(Account, name)
            assert account is not None
            account.active = False
        assert (await client.get("/v1/me")).status_code == 401


async def test_passwords_and_factors_are_not_stored_readably(
    platform: Platform, person: Callable[..., tuple[str, str]]
) -> None:
    name, address = person("gina")
    secret = pyotp.parse_uri(address).secret
    with platform.database.session() as session:
        row = session.execute(text("select * from accounts where name = :name"), {"name": name}).one()
    assert row.password_hash.startswith("$argon2id$")
    assert PASSWORD not in str(row)
    assert secret.encode() not in row.totp_secret


async def test_rules_of_accounts(platform: Platform, person: Callable[..., tuple[str, str]]) -> None:
    person("hans")
    with platform.database.session() as session:
        make = {"office": "QA", "role": Role.EXAMINER}
        with pytest.raises(Conflict):
            accounts.create(session, platform.services.keys, name="hans", password=PASSWORD, **make)
        with pytest.raises(UsageError):
            accounts.create(session, platform.services.keys, name="ida", password="short", **make)
        with pytest.raises(UsageError):
            accounts.create(session, platform.services.keys, name="../x", password=PASSWORD, **make)
        with pytest.raises(AccessDenied):
            accounts.sign_in(session, platform.services.keys, "ida", PASSWORD, "1")


async def test_a_password_never_comes_back_in_an_error(platform: Platform) -> None:
    async with platform.client() as client:
        answer = await client.post("/v1/session", json={"account": "x", "password": "topsecret" * 200, "code": 5})
    assert answer.status_code == 422
    assert "topsecret" not in answer.text
