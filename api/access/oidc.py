"""OIDC bearer tokens: signed by a configured issuer, for our audience, of a subject that has an account here.

Roles come from the account, never from the token: an issuer says who somebody is, not what it may do.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access.accounts import caller_of
from api.access.model import Caller
from common.errors import UsageError
from store.access import Account, IdentityProvider, Office

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by the issuer's private key only; a shared secret or `none` is refused."""
KEYS_KEPT_S = 600
FETCH_AT_MOST_EVERY_S = 30
TIMEOUT_S = 5
LEEWAY_S = 60
LONGEST_TOKEN = 16_384


@dataclass(slots=True)
class _Held:
    keys: KeySet
    fetched: float


class TokenVerifier:
    """Checks tokens; keeps each issuer's keys, and fetches them again for a key id that it does not know."""

    def __init__(self, client: httpx.Client | None = None) -> None:
        self._client = client or httpx.Client(timeout=TIMEOUT_S, follow_redirects=False)
        self._held: dict[str, _Held] = {}
        self._lock = Lock()

    def close(self) -> None:
        self._client.close()

    def find(self, session: Session, token: str) -> Caller | None:
        """Who a token stands for; None where anything about it is not right. Blocks while keys are fetched."""
        if len(token) > LONGEST_TOKEN or token.count(".") != 2:
            return None
        try:
            issuer = _unverified_issuer(token)
            provider = session.get(IdentityProvider, issuer) if issuer else None
            if provider is None:
                return None
            claims = self._claims(provider, token)
        except (JoseError, ValueError, KeyError, TypeError, httpx.HTTPError):
            return None
        if claims is None:
            return None
        row = session.execute(
            select(Account, Office.active)
            .outerjoin(Office, Office.code == Account.office)
            .where(Account.oidc_issuer == provider.issuer, Account.oidc_subject == claims.get("sub"))
        ).one_or_none()
        if row is None or not row[0].active or row[1] is False:
            return None
        caller = caller_of(row[0])
        return Caller("oidc", caller.id, caller.office, caller.role, caller.permissions)

    def _claims(self, provider: IdentityProvider, token: str) -> dict[str, Any] | None:
        keys = self._keys(provider)
        try:
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # The issuer may have a new key since.
            newer = self._keys(provider, older_than=FETCH_AT_MOST_EVERY_S)
            if newer is keys:
                return None
            decoded = jwt.decode(token, newer, algorithms=ALGORITHMS)
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        registry.validate(decoded.claims)
        return dict(decoded.claims)

    def _keys(self, provider: IdentityProvider, older_than: float = KEYS_KEPT_S) -> KeySet:
        with self._lock:
            held = self._held.get(provider.issuer)
            if held is not None and time.monotonic() - held.fetched < older_than:
                return held.keys
            address = (
                provider.jwks_uri
                or self._get(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")["jwks_uri"]
            )
            keys = KeySet.import_key_set(self._get(address))
            self._held[provider.issuer] = _Held(keys, time.monotonic())
            return keys

    def _get(self, address: str) -> Any:
        check_address(address)
        answer = self._client.get(address)
        answer.raise_for_status()
        return answer.json()


def check_address(address: str) -> None:
    """Issuers are reached over https, or on this machine. Raises UsageError."""
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise UsageError(f"{address} is not an https address.")


def _unverified_issuer(token: str) -> str | None:
    """Whose keys to check with. Nothing else is believed before the signature is."""
    import orjson

    claims = orjson.loads(extract_compact(token.encode()).payload)
    issuer = claims.get("iss")
    return issuer if isinstance(issuer, str) else None
