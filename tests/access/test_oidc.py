"""Bearer tokens of a real issuer: its own HTTP server, its own keys."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from api.access import accounts
from api.access.model import Role
from store.access import IdentityProvider
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")
AUDIENCE = "ip-concord"


class Issuer:
    """An OIDC issuer on loopback: discovery document, key set, tokens."""

    def __init__(self) -> None:
        self.keys: list[Any] = [ECKey.generate_key("P-256", {"kid": "first", "use": "sig"}, auto_kid=False)]
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/.well-known/openid-configuration":
                    body = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
                elif self.path == "/keys":
                    body = {"keys": [key.as_dict(private=False) for key in issuer.keys]}
                else:
                    self.send_error(404)
                    return
                content = orjson.dumps(body)
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def token(self, *, key: Any = None, algorithm: str = "ES256", **changed: Any) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "person-1", "iat": now, "exp": now + 300, **changed}
        chosen = key or self.keys[0]
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": algorithm, "kid": chosen.kid}, claims, chosen, algorithms=[algorithm])


@pytest.fixture
def issuer(platform: Platform) -> Iterator[Issuer]:
    started = Issuer()
    platform.key("QA")
    with platform.database.session() as session:
        session.add(IdentityProvider(issuer=started.url, audience=AUDIENCE, jwks_uri=None))
        accounts.create(
            session,
            platform.services.keys,
            name=f"oidc-{started.server.server_address[1]}",
            office="QA",
            role=Role.EXAMINER,
            oidc=(started.url, "person-1"),
        )
    yield started
    started.close()


async def status(platform: Platform, token: str) -> int:
    async with platform.client(token) as client:
        return (await client.get("/v1/me")).status_code


async def test_a_token_of_a_known_issuer_for_a_known_person(platform: Platform, issuer: Issuer) -> None:
    async with platform.client(issuer.token(role="platform-steward", office="EP")) as client:
        me = (await client.get("/v1/me")).json()
    assert me["caller"].startswith("oidc:")
    assert (me["office"], me["role"]) == ("QA", "examiner"), "what a token claims about rights counts for nothing"


async def test_tokens_that_do_not_count(platform: Platform, issuer: Issuer) -> None:
    now = int(time.time())
    stranger = ECKey.generate_key("P-256", {"kid": "first"}, auto_kid=False)
    public = orjson.dumps(issuer.keys[0].as_dict(private=False))
    shared = OctKey.import_key(public, {"kid": "first"})
    good = issuer.token()
    head, body, signature = good.split(".")
    for name, token in {
        "another audience": issuer.token(aud="someone-else"),
        "no audience": issuer.token(aud=None),
        "expired": issuer.token(exp=now - 3600),
        "without expiry": issuer.token(exp=None),
        "not yet valid": issuer.token(nbf=now + 3600),
        "unknown person": issuer.token(sub="person-2"),
        "another issuer": issuer.token(iss="https://issuer.example"),
        "another's key": issuer.token(key=stranger),
        "the public key as a shared secret": issuer.token(key=shared, algorithm="HS256"),
        "changed": f"{head}.{body}.{signature[:-4]}AAAA",
        "no signature": f"{head}.{body}.",
    }.items():
        assert await status(platform, token) == 401, name
    assert await status(platform, good) == 200


async def test_an_issuer_may_change_its_keys(
    platform: Platform, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await status(platform, issuer.token()) == 200
    issuer.keys.insert(0, RSAKey.generate_key(2048, {"kid": "second", "use": "sig"}, auto_kid=False))
    monkeypatch.setattr("api.access.oidc.FETCH_AT_MOST_EVERY_S", 0)
    assert await status(platform, issuer.token(algorithm="RS256")) == 200
    issuer.keys.pop(1)


async def test_a_closed_account_s_tokens_end(platform: Platform, issuer: Issuer) -> None:
    from store.access import Account

    token = issuer.token()
    assert await status(platform, token) == 200
    with platform.database.session() as session:
        account = session.get(Account, f"oidc-{issuer.server.server_address[1]}")
        assert account is not None
        account.active = False
    assert await status(platform, token) == 401


async def test_an_issuer_that_does_not_answer_is_no_error_of_ours(platform: Platform, issuer: Issuer) -> None:
    token = issuer.token()
    issuer.close()
    try:
        assert await status(platform, token) == 401
    finally:
        issuer.close = lambda: None  # type: ignore[method-assign]
