"""Filings of ours: publications with applications and priorities, and a family by the plainest rule there is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from indexer.harmonise.status import honour_corrections, meaning_of, status_from
from indexer.record import (
    DatedFact,
    DateType,
    Designation,
    Number,
    NumberType,
    Priority,
    Record,
    Relation,
    RelationType,
    StatusEvent,
    Text,
    TextType,
)
from tests.platforms import make_record

OPEN, EXISTENCE, CLOSED = "QA", "QB", "QC"


def application(number: str, kind: str | None = None) -> Number:
    office = number[:2]
    if number.endswith("W"):
        return Number(type=NumberType.PCT_APPLICATION, raw=number, canonical=number, office="WO")
    return Number(type=NumberType.APPLICATION, raw=number[2:], canonical=number, office=office, kind=kind)


def filing(
    provider: str,
    number: int,
    filed: str | None,
    claims: Sequence[str] = (),
    *,
    office: str | None = None,
    kind: str = "A1",
    publication: str | None = None,
    published: dt.date = dt.date(2020, 1, 1),
    relations: Mapping[RelationType, str] | None = None,
    title: str = "Valve",
) -> Record:
    """A publication of the application `filed` that claims the priority of the applications `claims`."""
    office = office or (filed[:2] if filed and not filed.endswith("W") else provider)
    made = make_record(provider, number, title, office=office, published=published)
    printed = publication or f"{office}{number:07d}"
    numbers = [Number(type=NumberType.PUBLICATION, raw=printed[2:], canonical=printed, office=office, kind=kind)]
    if filed:
        numbers.append(application(filed))
    return made.model_copy(
        update={
            "id": f"{provider.lower()}-patent-x.{printed}.{kind}",
            "kind": kind,
            "numbers": tuple(numbers),
            "dates": (*made.dates, DatedFact(type=DateType.FILING, date=dt.date(2018, 6, 1), raw="2018-06-01")),
            "priorities": tuple(
                Priority(number=application(claim), date=dt.date(2017, 6, 1), sequence=place)
                for place, claim in enumerate(claims, 1)
            ),
            "relations": tuple(Relation(type=type, number=application(to)) for type, to in (relations or {}).items()),
        }
    )


def event(
    code: str, day: str | None, *said: str, scheme: str = "INPADOC", office: str = "EP", **dates: str
) -> StatusEvent:
    meaning = meaning_of(code, scheme)
    return StatusEvent(
        raw_code=code,
        scheme=scheme,
        office=office,
        key_event=meaning.key_event if meaning else None,
        state=meaning.state if meaning else None,
        stage=meaning.stage if meaning else None,
        event_date=dt.date.fromisoformat(day) if day else None,
        description=tuple(Text(type=TextType.OTHER, text=text, language="en") for text in said),
        **{name: dt.date.fromisoformat(value) for name, value in dates.items()},
    )


def with_events(record: Record, *events: StatusEvent, states: tuple[str, ...] = ()) -> Record:
    log = honour_corrections(events)
    return record.model_copy(
        update={
            "events": log,
            "status": status_from(log, office=record.office),
            "designations": tuple(Designation(office=state, type="regional") for state in states),
        }
    )


Claims = Mapping[str, tuple[str, frozenset[str]]]
"""Record → its application, and the applications whose priority it claims."""


def simple(records: Claims, one: str) -> set[str]:
    """Those with the very same priorities; who claims none is its own priority."""

    def priorities(name: str) -> frozenset[str]:
        filed, claims = records[name]
        return claims or frozenset({filed})

    return {name for name in records if priorities(name) == priorities(one)}


def extended(records: Claims, one: str) -> set[str]:
    """Union-find over every pair that shares an application, claimed or filed."""
    parent = {name: name for name in records}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for a, (filed_a, claims_a) in records.items():
        for b, (filed_b, claims_b) in records.items():
            if (claims_a | {filed_a}) & (claims_b | {filed_b}):
                parent[root(a)] = root(b)
    return {name for name in records if root(name) == root(one)}


def ids(members: Iterable[Mapping[str, object]]) -> set[str]:
    return {str(member["id"]) for member in members}


def exchanged(place: int, claims: tuple[int, ...] = (), status: str = "C", title: str = "Valve") -> str:
    """A DOCDB document that claims the priority of the applications of `claims`."""

    def priority(number: int, sequence: int) -> str:
        return (
            f'<exch:priority-claim sequence="{sequence}" data-format="docdb"><document-id><country>EP</country>'
            f"<doc-number>{22_800_000 + number}</doc-number><kind>A</kind><date>20210701</date></document-id>"
            "</exch:priority-claim>"
        )

    def identity(number: int, kind: str) -> str:
        return (
            f"<document-id><country>EP</country><doc-number>{number}</doc-number><kind>{kind}</kind>"
            "<date>20230104</date></document-id>"
        )

    claimed = "".join(priority(number, sequence) for sequence, number in enumerate(claims, 1))
    return (
        f'<exch:exchange-document country="EP" doc-number="{5_800_000 + place}" kind="A1" date-publ="20230104" '
        f'family-id="{70_800_000 + place}" status="{status}"><exch:bibliographic-data>'
        f'<exch:publication-reference data-format="docdb">{identity(5_800_000 + place, "A1")}'
        "</exch:publication-reference>"
        f'<exch:application-reference data-format="docdb">{identity(22_800_000 + place, "A")}'
        "</exch:application-reference>"
        f"{f'<exch:priority-claims>{claimed}</exch:priority-claims>' if claimed else ''}"
        f'<exch:invention-title lang="en" data-format="docdba">{title} {place}</exch:invention-title>'
        "</exch:bibliographic-data></exch:exchange-document>\n"
    )
