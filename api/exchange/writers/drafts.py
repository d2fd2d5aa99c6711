"""A Record turned back into the Draft that it was harmonised from, as far as the Record remembers it.

The platform's own JSON lines and CSV are shapes of the Draft (indexer/formats/own.py); this is what they are written
from. What is computed (canonical names, status, findings, the meaning of a kind code) is left out: it is made again.
"""

from __future__ import annotations

from api.exchange.writers.markup import clean
from api.exchange.writers.saying import number_text
from api.exchange.writers.st96_parts import given_latin
from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftCitation,
    DraftClassification,
    DraftDate,
    DraftDesignation,
    DraftEvent,
    DraftFamily,
    DraftImage,
    DraftNumber,
    DraftParty,
    DraftPriority,
    DraftRelation,
    DraftText,
)
from indexer.harmonise.dates import read_date
from indexer.record import DatedFact, Number, NumberType, Party, Record, Right, StatusEvent, Text


def draft_of(record: Record) -> Draft:
    """Every value as text in the office's own writing; dates whose writing the record does not keep as ISO dates."""
    right = record.right
    mark, design, work = record.mark, record.design, record.work
    return Draft(
        right=right,
        office=record.office,
        kind=record.kind,
        partial=record.partial,
        identified_by=_identified_by(record),
        unpublished=record.unpublished,
        language=record.language,
        numbers=[_number(one, right) for one in record.numbers],
        dates=[_dated(one, record.office) for one in record.dates],
        texts=[_text(one) for one in record.texts],
        parties=[_party(one) for one in record.parties],
        classifications=[
            DraftClassification(one.scheme, one.raw, one.edition, one.first, one.inventive, one.office)
            for one in record.classifications
        ],
        priorities=[
            DraftPriority(
                _number(one.number, right), one.date.isoformat() if one.date else None, one.sequence, one.type
            )
            for one in record.priorities
        ],
        families=[DraftFamily(one.identifier, one.definition) for one in record.families],
        relations=[
            DraftRelation(
                one.type,
                _number(one.number, right) if one.number else None,
                one.text,
                one.date.isoformat() if one.date else None,
            )
            for one in record.relations
        ],
        designations=[
            DraftDesignation(one.office, one.type, one.date.isoformat() if one.date else None)
            for one in record.designations
        ],
        images=[DraftImage(one.type, one.reference, one.format, one.sequence, one.caption) for one in record.images],
        events=[_event(one, record) for one in record.events],
        citations=[
            DraftCitation(
                one.type,
                _number(one.number, right) if one.number else None,
                one.text,
                one.category,
                one.phase,
                one.claims,
            )
            for one in record.citations
        ],
        mark_feature=(mark.feature_raw or mark.feature) if mark else None,
        mark_kind=mark.kind if mark else None,
        colours=list(mark.colours) if mark else [],
        design_index=design.design_index if design else None,
        total_designs=str(design.total_designs) if design and design.total_designs is not None else None,
        work_kinds=list(work.kinds) if work else [],
        work_usage=list(work.usage) if work else [],
        work_year=str(work.year) if work and work.year is not None else None,
        work_publish=work.publish if work else None,
    )


def _identified_by(record: Record) -> NumberType | None:
    """A patent that goes by its application although it names publications: the file of a register."""
    by_application = record.right is Right.PATENT and record.id.rpartition(".")[2].startswith("application")
    named = record.number(NumberType.APPLICATION, NumberType.PCT_APPLICATION)
    return named.type if by_application and named is not None else None


def _dated(one: DatedFact, office: str) -> DraftDate:
    """The date as the office wrote it, where that reads as the same date without its delivery around it."""
    raw = one.raw if read_date(one.raw, office).date == one.date else one.date.isoformat()
    return DraftDate(one.type, raw, one.label)


def _number(one: Number, right: Right) -> DraftNumber:
    return DraftNumber(
        one.type,
        number_text(one, right),
        one.office,
        one.kind,
        one.date.isoformat() if one.date else None,
        forms=list(one.forms),
    )


def _text(one: Text) -> DraftText:
    return DraftText(one.type, clean(one.text), one.declared_language, one.layer, one.class_symbol, one.format)


def _party(one: Party) -> DraftParty:
    private = one.private
    return DraftParty(
        one.role,
        one.name,
        list(one.other_names),
        given_latin(one),
        one.country,
        one.nationality,
        one.entity,
        one.identifier,
        one.sequence,
        address=DraftAddress(
            list(private.address),
            private.city,
            private.region,
            private.postal_code,
            list(private.email),
            list(private.phone),
            list(private.fax),
            list(private.url),
        )
        if private
        else None,
    )


def _event(one: StatusEvent, record: Record) -> DraftEvent:
    """The present status is the event whose words and state the status has."""
    status = record.status
    said = one.description[0].text if one.description else one.raw_code
    current = bool(
        status
        and status.raw in (said, one.raw_code)
        and status.state == (one.state or "unspecified")
        and status.as_of == (one.event_date or one.effective_date or one.publication_date)
    )
    return DraftEvent(
        one.raw_code,
        one.scheme,
        one.office,
        one.event_date.isoformat() if one.event_date else None,
        one.effective_date.isoformat() if one.effective_date else None,
        one.publication_date.isoformat() if one.publication_date else None,
        [_text(text) for text in one.description],
        current,
    )
