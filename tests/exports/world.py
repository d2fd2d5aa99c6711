"""An open provider, one that shows only the bibliography, one whose records are only known to exist, a closed one; and
offices that get what is closed by agreement."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from api.access.model import Role
from indexer.record import Number, NumberType, Record
from tests.platforms import ALL_GROUPS, Platform, make_record, until

OPEN, SHORT, STUBS, CLOSED = "XA", "XB", "XC", "XD"
EACH = 45
WORD = "quarnok"
FORMULA = '=HYPERLINK("http://x.example","quarnok")'


def records_of(provider: str) -> list[Record]:
    made = [
        make_record(
            provider,
            number,
            FORMULA if number == 1 else f"{WORD} device {number}",
            claims=f"a claim of {provider.lower()}claims",
            abstract=f"abstract of {provider.lower()}bib",
            applicant="+Plus & Söhne" if number == 2 else f"Applicant {provider}",
            city=f"{provider.lower()}city",
            finding=f"{provider.lower()}finding",
            office="EP",
        )
        for number in range(1, EACH + 1)
    ]
    # ST.96 wants an application's number, of an office that has an ST.3 code.
    return [
        record.model_copy(
            update={
                "numbers": (
                    *record.numbers,
                    Number(
                        type=NumberType.APPLICATION,
                        raw=f"20{place:06}",
                        canonical=f"EP20{place:06}",
                        office="EP",
                    ),
                )
            }
        )
        for place, record in enumerate(made)
    ]


@dataclass
class World:
    platform: Platform
    records: dict[str, list[Record]]

    def ids(self, *providers: str) -> set[str]:
        return {record.id for name in providers for record in self.records[name]}

    def client(self, office: str, role: Role = Role.EXAMINER, **options: Any) -> httpx.AsyncClient:
        return self.platform.client(self.platform.key(office, role, **options))


async def build(platform: Platform) -> World:
    records = {name: records_of(name) for name in (OPEN, SHORT, STUBS, CLOSED)}
    await platform.index([record for group in records.values() for record in group])
    platform.policy("xa-patent-x", "content", groups=ALL_GROUPS)
    platform.policy("xb-patent-x", "metadata")
    platform.policy("xc-patent-x", "existence")
    platform.policy("xd-patent-x", "none")
    return World(platform, records)


async def order(client: httpx.AsyncClient, format: str, q: str = "", **search: Any) -> dict[str, Any]:
    answer = await client.post("/v1/exports", json={"format": format, "search": {"q": q, **search}})
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def ended(client: httpx.AsyncClient, job: str, state: str | None = "done") -> dict[str, Any]:
    """The export, once it is over; fails where it is over in another state."""

    async def look() -> dict[str, Any] | None:
        found: dict[str, Any] = (await client.get(f"/v1/exports/{job}")).json()
        return found if found["state"] in ("done", "failed", "cancelled") else None

    found = await until(look, seconds=120)
    assert state is None or found["state"] == state, found
    return found


async def made(client: httpx.AsyncClient, format: str, q: str = "", **search: Any) -> tuple[bytes, dict[str, Any]]:
    """(file, export) of a whole export."""
    job = await ended(client, (await order(client, format, q, **search))["id"])
    answer = await client.get(job["result"]["content"])
    assert answer.status_code == 200, answer.text
    return answer.content, job


class Gate:
    """Lets an export run to a batch, and holds it there."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    def wait(self) -> None:
        """From the worker's thread."""
        self.loop.call_soon_threadsafe(self.reached.set)
        asyncio.run_coroutine_threadsafe(self.open.wait(), self.loop).result(60)
