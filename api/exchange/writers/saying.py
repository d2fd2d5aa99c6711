"""What a writer says of a record so that a reader understands it: numbers, dates, languages, notes.

A Record holds what an office wrote and what harmonising made of it. Written out again it must harmonise to the same;
where the office's own writing alone would not (an EPODOC number without its format beside it), the canonical one is
written instead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache

from api.exchange.writers.codes import code
from indexer.harmonise.numbers import canonical_number, written_out
from indexer.language import normalise_tag
from indexer.record import (
    DatedFact,
    DateType,
    Number,
    NumberType,
    Party,
    PartyRole,
    Record,
    Right,
    StatusEvent,
    Text,
    TextType,
)

WORLD = frozenset({NumberType.PCT_APPLICATION, NumberType.PCT_PUBLICATION, NumberType.INTERNATIONAL})
"""Types of numbers that are WIPO's whatever stands beside them."""


def number_text(number: Number, right: Right, type: NumberType | None = None, *, kind: bool = True) -> str:
    """The writing of a number that harmonises to it: as the office wrote it wherever that does.

    `type`: of the element it is written into, where that is not the number's own. `kind`: whether the format says the
    kind beside it.
    """
    said = number.kind if kind else None
    read_as = number.type if type is None or number.type in WORLD else type
    return _number_text(number.raw, number.canonical, number.office, said, number.date, read_as, right)


@lru_cache(maxsize=65536)
def _number_text(
    raw: str, canonical: str, office: str, kind: str | None, date: dt.date | None, type: NumberType, right: Right
) -> str:
    plain = canonical.removeprefix(office)
    for writing in (raw, plain, canonical):
        if writing and _reads_as(writing, office, type, kind, date, right) == canonical:
            return writing
    return raw


def _reads_as(
    raw: str, office: str, type: NumberType, kind: str | None, date: dt.date | None, right: Right
) -> str | None:
    body = raw
    if type is NumberType.PUBLICATION and (written := written_out(raw)):
        named, own_kind, body = written
        if named != office:
            return None
        kind = kind or own_kind
    return canonical_number(body, office=office, type=type, right=right, kind=kind, date=date).canonical


def iso(date: dt.date | None) -> str | None:
    """`2024-01-31`."""
    return date.isoformat() if date else None


def compact(date: dt.date | None) -> str | None:
    """`20240131`, as ST.36 writes dates (WIPO ST.2)."""
    return date.isoformat().replace("-", "") if date else None


def first_of(record: Record, type: DateType, label: str | None = None) -> dt.date | None:
    """The first date of a type (and label)."""
    return next((d.date for d in record.dates if d.type is type and (label is None or d.label == label)), None)


def labelled(record: Record, label: str) -> list[DatedFact]:
    """Dates of type `other` by the name that the office gives them."""
    return [fact for fact in record.dates if fact.type is DateType.OTHER and fact.label == label]


def tag(declared: str | None) -> str | None:
    """The ISO 639-1 tag that WIPO's schemas take for a declared language, or None."""
    if declared is None or code("language", declared):
        return declared
    return code("language", normalise_tag(declared))


def texts(record: Record, type: TextType) -> list[Text]:
    return [text for text in record.texts if text.type is type]


def lines(text: str) -> list[str]:
    return [line for part in text.split("\n") if (line := part.strip())]


def notes(found: Record | StatusEvent, label: str) -> list[Text]:
    """What a reader kept of an element that the Record has no field for: texts of type `other`, named after it."""
    held = found.texts if isinstance(found, Record) else found.description
    return [text for text in held if text.type is TextType.OTHER and text.format == label]


def note(found: Record | StatusEvent, label: str) -> str | None:
    return next((text.text for text in notes(found, label)), None)


def parties(record: Record, *roles: PartyRole) -> list[Party]:
    return [party for role in roles for party in record.parties if party.role is role]


def events(record: Record, ending: str) -> list[StatusEvent]:
    """Events whose scheme ends so: `-TM-EVENT`."""
    return [event for event in record.events if event.scheme.endswith(ending)]


def current_event(record: Record, ending: str) -> StatusEvent | None:
    """The event of the scheme that the present status rests on: the last, where several stand there."""
    found = events(record, ending)
    return found[-1] if found else None


def unique(found: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(found))


def leftover(numbers: Iterable[Number], *types: NumberType) -> list[Number]:
    return [number for number in numbers if number.type in types]
