"""Six providers, a hundred ways to be told more than one should, and a naive account of who may see what.

The account below is written from the policies in words, not from the platform's code: the tests compare the two.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import httpx

from api.access.model import Role
from indexer.record import Number, NumberType, Priority, Record, Right
from tests.platforms import ALL_GROUPS, Platform, make_record

PUBLIC, METADATA, EXISTENCE, CLOSED, EMBARGOED, BILATERAL = "XA", "XB", "XC", "XD", "XE", "XF"
PROVIDERS = (PUBLIC, METADATA, EXISTENCE, CLOSED, EMBARGOED, BILATERAL)
PARTNER, STRANGER = "QM", "QN"
"""PARTNER holds the agreement with BILATERAL; STRANGER holds none."""

TODAY = dt.datetime.now(dt.UTC).date()
FUTURE = TODAY + dt.timedelta(days=400)
PER_PROVIDER = 60
RIGHTS = (Right.PATENT, Right.TRADEMARK, Right.DESIGN, Right.COPYRIGHT)

SHARED = "quarnok"
"""A word in every title."""

BIB, FULL, IMAGES, LEGAL, PERSONAL, PROVENANCE = "bib", "full", "images", "legal", "personal", "provenance"


def canary(kind: str, provider: str) -> str:
    """A word that stands in one field group of one provider's records and nowhere else."""
    return f"{kind}zz{provider.lower()}"


def records_of(provider: str) -> list[Record]:
    made = []
    for number in range(1, PER_PROVIDER + 1):
        late = provider == EMBARGOED and number % 2 == 0
        made.append(
            make_record(
                provider,
                number,
                f"{SHARED} {canary(BIB, provider)} {'late' + canary(BIB, provider) if late else ''}".strip(),
                right=RIGHTS[number % 4],
                claims=f"a {SHARED} of {canary(FULL, provider)}",
                abstract=f"{'alpha' if number % 3 else 'omega'} device",
                published=FUTURE if late else dt.date(2001 + number % 20, 1 + number % 12, 5),
                expires=dt.date(2030 + number % 9, 1, 1),
                status="active" if number % 2 else "terminated",
                applicant=f"Applicant {canary(BIB, provider)}",
                city=canary(PERSONAL, provider),
                finding=canary(PROVENANCE, provider),
            ).model_copy(update={"priorities": (shared_priority(number),)})
        )
    return made


def shared_priority(number: int) -> Priority:
    """The records of one number of all providers are one family."""
    canonical = f"QP{number:07d}"
    filed = Number(type=NumberType.APPLICATION, raw=canonical[2:], canonical=canonical, office="QP")
    return Priority(number=filed, date=dt.date(1999, 5, 5))


@dataclass(frozen=True)
class Actor:
    name: str
    office: str | None
    role: Role
    key: str | None

    @property
    def reads(self) -> bool:
        """Whether its role reads for its office."""
        return self.office is not None and self.role in (
            Role.EXAMINER,
            Role.OFFICE_AGENT,
            Role.DATA_QUALITY,
            Role.PROVIDER_STEWARD,
        )


def groups_seen(actor: Actor, record: Record) -> set[str] | None:
    """Field groups of a record that an actor reads; an empty set: only that it exists; None: nothing at all."""
    everything = {BIB, FULL, IMAGES, LEGAL, PERSONAL, PROVENANCE}
    if actor.reads and actor.office == record.provider:
        return everything
    usual = {BIB, FULL, IMAGES, LEGAL}
    match record.provider:
        case "XA":
            return usual
        case "XB":
            return {BIB}
        case "XC":
            return set()
        case "XE":
            published = record.dates[0].date
            return usual if published <= TODAY else None
        case "XF":
            return {BIB, FULL} if actor.reads and actor.office == PARTNER else None
    return None


@dataclass
class World:
    platform: Platform
    records: list[Record]
    actors: dict[str, Actor]
    agreement: int

    def client(self, actor: Actor) -> httpx.AsyncClient:
        return self.platform.client(actor.key)

    def seen(self, actor: Actor) -> dict[str, set[str]]:
        """Record id → groups, of everything the actor may know of."""
        found = {}
        for record in self.records:
            groups = groups_seen(actor, record)
            if groups is not None:
                found[record.id] = groups
        return found

    def readable(self, actor: Actor) -> set[str]:
        return {name for name, groups in self.seen(actor).items() if BIB in groups}

    def forbidden_words(self, actor: Actor) -> set[str]:
        """Canaries that must not stand in any answer to this actor."""
        allowed: set[str] = set()
        every: set[str] = set()
        for record in self.records:
            groups = groups_seen(actor, record) or set()
            for kind in (BIB, FULL, PERSONAL, PROVENANCE):
                word = canary(kind, record.provider)
                every.add(word)
                if kind in groups:
                    allowed.add(word)
        words = every - allowed
        if not (actor.reads and actor.office == EMBARGOED):
            words.add("late" + canary(BIB, EMBARGOED))
        return words

    def check_silent(self, actor: Actor, text: str) -> None:
        """Fails on the first thing in an answer that this actor may not read."""
        for word in sorted(self.forbidden_words(actor)):
            assert word not in text, f"{actor.name} was shown {word}"
        for record in self.records:
            groups = groups_seen(actor, record)
            if not groups:
                assert record.id not in text, f"{actor.name} was shown the id {record.id}"


async def build(platform: Platform) -> World:
    records = [record for provider in PROVIDERS for record in records_of(provider)]
    await platform.index(records)
    for right in RIGHTS:
        platform.policy(f"xa-{right.value}-x", "content", groups=ALL_GROUPS)
        platform.policy(f"xb-{right.value}-x", "metadata")
        platform.policy(f"xc-{right.value}-x", "existence")
        platform.policy(f"xd-{right.value}-x", "none")
        platform.policy(f"xe-{right.value}-x", "content", groups=ALL_GROUPS, embargo="publication")
        platform.policy(f"xf-{right.value}-x", "none")
    agreement = platform.agreement(BILATERAL, PARTNER, tier="content", groups=["full-text"])
    # The embargo outranks this one.
    platform.agreement(EMBARGOED, PARTNER, tier="content", groups=ALL_GROUPS)
    actors = {"public": Actor("public", None, Role.PUBLIC, None)}
    for name, office, role in (
        ("partner-examiner", PARTNER, Role.EXAMINER),
        ("partner-agent", PARTNER, Role.OFFICE_AGENT),
        ("partner-quality", PARTNER, Role.DATA_QUALITY),
        ("partner-steward", PARTNER, Role.PROVIDER_STEWARD),
        ("partner-auditor", PARTNER, Role.AUDITOR),
        ("stranger-examiner", STRANGER, Role.EXAMINER),
        ("closed-examiner", CLOSED, Role.EXAMINER),
        ("existence-steward", EXISTENCE, Role.PROVIDER_STEWARD),
        ("embargoed-quality", EMBARGOED, Role.DATA_QUALITY),
        ("platform-steward", CLOSED, Role.PLATFORM_STEWARD),
    ):
        actors[name] = Actor(name, office, role, platform.key(office, role))
    return World(platform, records, actors, agreement)


ACTORS = (
    "public",
    "partner-examiner",
    "partner-agent",
    "partner-quality",
    "partner-steward",
    "partner-auditor",
    "stranger-examiner",
    "closed-examiner",
    "existence-steward",
    "embargoed-quality",
    "platform-steward",
)


async def all_pages(client: httpx.AsyncClient, size: int = 37, **params: Any) -> list[dict[str, Any]]:
    """Every page of a search, by cursor."""
    pages = []
    answer = await client.get("/v1/search", params={**params, "size": size})
    assert answer.status_code == 200, answer.text
    pages.append(answer.json())
    while pages[-1]["cursor"]:
        answer = await client.get("/v1/search", params={"cursor": pages[-1]["cursor"]})
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
    return pages
