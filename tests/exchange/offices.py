"""Sample offices that negotiate: each with a key for the platform, and its own key pair outside of it."""

from __future__ import annotations

import base64
import hashlib
import itertools
from dataclasses import dataclass
from typing import Any

import httpx

from api.access.model import Role
from api.exchange.signatures import sign
from tests.exchange.certificates import Holder, holder
from tests.platforms import Platform

CODES = (f"{a}{b}" for a, b in itertools.product("QXZ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


@dataclass(frozen=True)
class Party:
    platform: Platform
    holder: Holder
    key: str

    @property
    def office(self) -> str:
        return self.holder.office

    async def call(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The answer's JSON; fails on any other status than expected."""
        answer = await self.raw(method, path, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
        return answer.json()

    async def raw(self, method: str, path: str, **options: Any) -> httpx.Response:
        async with self.platform.client(self.key) as client:
            return await client.request(method, f"/v1{path}", **options)

    async def register(self, *, with_key: bool = False) -> None:
        given = {"certificate": self.holder.pem, **({"private_key": self.holder.key_pem} if with_key else {})}
        await self.call("POST", "/exchange/certificates", 201, json=given)

    async def signature(self, agreement: int, signer: Holder | None = None) -> dict[str, Any]:
        """The body of a signature over the document as it stands."""
        document = await self.raw("GET", f"/exchange/agreements/{agreement}/document")
        assert document.status_code == 200
        by = signer or self.holder
        cms = sign(hashlib.sha256(document.content).digest(), by.certificate, by.key)
        return {
            "version": int(document.headers["concord-version"]),
            "signature": base64.b64encode(cms).decode(),
        }

    async def sign(self, agreement: int, status: int = 201, signer: Holder | None = None) -> Any:
        body = await self.signature(agreement, signer)
        return await self.call("POST", f"/exchange/agreements/{agreement}/signatures", status, json=body)


def party(platform: Platform, office: str | None = None) -> Party:
    code = office or next(CODES)
    return Party(platform, holder(code), platform.key(code, Role.PROVIDER_STEWARD))


async def agreed(provider: Party, beneficiary: Party, *, keys_here: bool = True, **terms: Any) -> int:
    """An agreement in force, by the whole way: request, offer, two signatures."""
    for one in (provider, beneficiary):
        held = await one.call("GET", "/exchange/certificates")
        if not held["certificates"]:
            await one.register(with_key=keys_here and one is provider)
    asked = await beneficiary.call(
        "POST", "/exchange/requests", 201, json={"provider": provider.office, "terms": terms}
    )
    await provider.call("POST", f"/exchange/agreements/{asked['id']}/offers", 201, json={"terms": terms})
    await provider.sign(asked["id"])
    done = await beneficiary.sign(asked["id"])
    assert done["state"] == "active"
    return int(asked["id"])
