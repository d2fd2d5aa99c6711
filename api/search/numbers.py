"""Numbers as people write them → the records that bear them, thousands at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.access.model import Group, Permission
from api.dependencies import Access, Guard, disclosed
from api.search.engine import Hit, SearchRequest
from indexer.harmonise.numbers import CanonicalNumber, number_readings

router = APIRouter(prefix="/v1", tags=["search"])

MOST = 5_000
AT_ONCE = 500
"""Numbers that are looked for with one query."""
PAGE = 1_000
NO_NUMBER = "no number of any office that is known here"


class Numbers(BaseModel):
    """Numbers to look up, each in any writing."""

    model_config = ConfigDict(extra="forbid")

    numbers: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=MOST)]


class FoundRecord(BaseModel):
    """A record that bears a number."""

    id: str | None
    """None where the caller may only know that the record exists."""
    right: str
    office: str
    provider: str
    kind: str | None = None


class LookedUp(BaseModel):
    """What became of one number."""

    typed: str
    canonical: str | None
    """How the number is kept here, as it was most likely meant; None where it is no number."""
    kind: str | None
    """Kind code: the one written, or the one that stands for it today."""
    notes: list[str]
    records: list[FoundRecord]
    """By id. With a kind code written, those of that kind."""
    other_kinds: list[FoundRecord]
    """The same number with other kind codes."""


class LookUp(BaseModel):
    found: int
    """Numbers with a record."""
    missing: int
    """Numbers without one that the caller may know of."""
    numbers: list[LookedUp]
    """In the order asked."""


@router.post("/records/lookup", response_model=LookUp, summary="Look up numbers in any writing")
async def look_up(access: Annotated[Access, Depends(Guard(Permission.SEARCH))], asked: Numbers) -> LookUp:
    """For each number as typed, the records that bear it. A record that the caller may not know of is one that does not
    exist."""
    readings = [number_readings(text.strip()) for text in asked.numbers]
    wanted = list(dict.fromkeys(form for reading in readings for number in reading for form in forms_of(number)))
    _, hits = await disclosed(access, lambda now: _bearing(now, wanted), lambda now, found: now.shown("lookup", found))
    by_form: dict[str, list[Hit]] = {}
    for hit in hits:
        for form in _borne(hit):
            by_form.setdefault(form, []).append(hit)
    numbers = [told(text, reading, by_form) for text, reading in zip(asked.numbers, readings, strict=True)]
    found = sum(bool(number.records) for number in numbers)
    return LookUp(found=found, missing=len(numbers) - found, numbers=numbers)


def forms_of(number: CanonicalNumber) -> tuple[str, ...]:
    return (number.canonical, *number.forms)


async def _bearing(access: Access, forms: Sequence[str]) -> list[Hit]:
    """Every visible record with one of the numbers, by id."""
    hits: list[Hit] = []
    for start in range(0, len(forms), AT_ONCE):
        query = {"terms": {"number": list(forms[start : start + AT_ONCE])}}
        request = SearchRequest(query, sort=(("id", "asc"),), size=PAGE, highlight=False)
        while True:
            page = await access.services.engine.search(access.scope, request)
            hits.extend(page.hits)
            if page.next is None:
                break
            request = SearchRequest(query, sort=request.sort, size=PAGE, highlight=False, position=page.next)
    return list({hit.id: hit for hit in hits}.values())


def _borne(hit: Hit) -> set[str]:
    """Every writing of the record's own numbers, as the index has them."""
    held = hit.document["record"]["numbers"]
    return {form for number in held for form in (number["canonical"], *number.get("forms", ()))}


def told(text: str, readings: Sequence[CanonicalNumber], by_form: Mapping[str, list[Hit]]) -> LookedUp:
    """What a number found; the reading that found something is the one that was meant."""
    if not readings:
        return LookedUp(typed=text, canonical=None, kind=None, notes=[NO_NUMBER], records=[], other_kinds=[])
    bearing = {
        place: {hit.id: hit for form in forms_of(number) for hit in by_form.get(form, ())}
        for place, number in enumerate(readings)
    }
    meant = next((place for place, hits in bearing.items() if hits), 0)
    number = readings[meant]
    records: list[FoundRecord] = []
    others: list[FoundRecord] = []
    for _, hit in sorted({i: hit for hits in bearing.values() for i, hit in hits.items()}.items()):
        found = _record(hit)
        (records if same_kind(number.kind, hit.document["record"].get("kind")) else others).append(found)
    notes = list(number.notes)
    written = re.search(r"[A-Z]\d?$", text.strip().upper())
    if number.kind and written and written[0] != number.kind and number.notes:
        notes.insert(0, f"{text.strip()} is {number.canonical}{number.kind}")
    if not number.known:
        notes.append("no rule of the office knows this shape of number")
    return LookedUp(
        typed=text,
        canonical=number.canonical,
        kind=number.kind,
        notes=notes,
        records=records,
        other_kinds=others,
    )


def same_kind(wanted: str | None, kind: str | None) -> bool:
    """`A` means A1, A2 … too; without a kind written or held, any will do."""
    return wanted is None or kind is None or kind == wanted or (len(wanted) == 1 and kind.startswith(wanted))


def _record(hit: Hit) -> FoundRecord:
    known = Group.BIBLIOGRAPHY in hit.view.groups
    held: Mapping[str, Any] = hit.document
    return FoundRecord(
        id=hit.id if known else None,
        right=held["right"],
        office=held["office"],
        provider=held["provider"],
        kind=held["record"].get("kind") if known else None,
    )
