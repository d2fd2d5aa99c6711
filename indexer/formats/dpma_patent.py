"""DPMA patents and utility models: DPMAregister / DPMAconnectPlus register extracts and hit lists.

The register extract is ST.36 with German additions (schema DE-PATGBM-RegisterExt); the hit list is a shape of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from common.errors import InputError
from indexer.formats import st36
from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftClassification,
    DraftDate,
    DraftEvent,
    DraftNumber,
    DraftParty,
    DraftRelation,
    DraftText,
)
from indexer.formats.reading import Context, Format
from indexer.formats.xml import attribute, every, local, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

# H02K0016000000: subclass, four digits of group, six of subgroup filled up with zeros (ST.8, annex)
FILLED = re.compile(r"^([A-HY]\d{2}[A-Z])(\d{4})(\d{6})$")
PUBLISHED = re.compile(r"^([A-Z]{2})(\d+)([A-Z]\d?)$")
COUNTRY_AT_END = re.compile(r",\s*([A-Z]{2})$")

DATES = {
    "date-of-first-publication": DateType.OTHER,
    "date-last-register-update": DateType.LAST_UPDATE,
    "national-filing-data": DateType.FILING,
    "date-of-grant": DateType.GRANT,
    "date-of-registration": DateType.REGISTRATION,
}


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ("dpma-patent-document",), context):
        yield record if isinstance(record, InputError) else st36.place(document(record.element), record)


def document(element: etree._Element) -> Draft:
    """A register extract: the application or patent with all its publications and steps."""
    draft = Draft(Right.PATENT, identified_by=NumberType.APPLICATION)
    for data in every(element, "bibliographic-data"):
        st36.bibliography(draft, data)
        for found in draft.classifications:
            found.symbol = printed(found.symbol)
        for extra in every(data, "office-specific-bib-data"):
            office_data(draft, extra)
    # an extract is of the file and not of one of its publications
    draft.kind = None
    st36.full_text(draft, element)
    draft.events += [event for node in every(element, "events/event-data") for event in events(draft, node)]
    return draft


def printed(symbol: str) -> str:
    """`H02K0016000000` → `H02K 16/00`: zeros that only fill the group and the subgroup are taken off."""
    match = FILLED.match("".join(symbol.split()))
    if match is None:
        return symbol
    return f"{match[1]} {int(match[2])}/{match[3].rstrip('0').ljust(2, '0')}"


def office_data(draft: Draft, extra: etree._Element) -> None:
    if status := value(extra, "status"):
        draft.events.append(st36.current_status(status, "DE-PATENT-STATUS", "DE"))
    for words in values(extra, "abstract"):
        draft.texts.append(DraftText(TextType.ABSTRACT, words, next((t.language for t in draft.texts), None)))
    for node in extra:
        if not isinstance(node.tag, str) or local(node) in ("status", "abstract"):
            continue
        name, raw = local(node), text(node)
        if raw is None:
            continue
        if name in DATES or "date" in name:
            date_type = DATES.get(name, DateType.OTHER)
            if not any(date.raw == raw and date.type is date_type for date in draft.dates):
                draft.dates.append(DraftDate(date_type, raw, label=name))
        elif name != "agent-type":
            draft.texts.append(DraftText(TextType.OTHER, f"{name}: {raw}"))


def events(draft: Draft, node: etree._Element) -> Iterator[DraftEvent]:
    """One step: its code (R000 …), the procedure it belongs to, where it was published, what it changed."""
    event = DraftEvent(value(node, "procedural-status") or "", "DE-PATENT-PROCEDURE", office="DE")
    event.event_date = value(node, "date-of-procedural-status")
    event.publication_date = value(node, "publication-info/publication-date")
    for part in node:
        if not isinstance(part.tag, str) or local(part) in ("procedural-status", "date-of-procedural-status"):
            continue
        words = st36.spaced(part)
        if words:
            event.description.append(DraftText(TextType.OTHER, f"{local(part)}: {words}"))
    yield event
    for raw in values(node, "published-documents/document"):
        match = PUBLISHED.match(raw)
        number = DraftNumber(NumberType.PUBLICATION, raw)
        if match is not None:
            number = DraftNumber(NumberType.PUBLICATION, match[2], match[1], match[3], forms=[raw])
        date = event.publication_date or event.event_date
        if not any(n.raw == number.raw and n.kind == number.kind for n in draft.numbers):
            draft.relations.append(DraftRelation(RelationType.RELATED, number, "published-documents", date))
        for own in draft.numbers:
            if own.raw == number.raw and own.kind == number.kind and own.date is None:
                own.date = event.publication_date
                if raw not in own.forms:
                    own.forms.append(raw)
                if own.date:
                    draft.dates.append(DraftDate(DateType.PUBLICATION, own.date))


# --- hit list ---


def read_hits(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ("PatentHitListRecord",), context):
        yield record if isinstance(record, InputError) else st36.place(hit(record.element), record)


def hit(element: etree._Element) -> Draft:
    """A line of a hit list: what DPMAregister shows of a file in a list of results."""
    draft = Draft(Right.PATENT, partial=True, office="DE")
    number = value(element, "registered-number") or value(element, "leading-registered-number")
    leading = value(element, "leading-registered-number")
    filed = value(element, "applicationDate")
    if number:
        forms = [leading] if leading and leading != number else []
        draft.numbers.append(DraftNumber(NumberType.APPLICATION, number, "DE", date=filed, forms=forms))
    for name, date_type in (
        ("applicationDate", DateType.FILING),
        ("publicationDate", DateType.PUBLICATION),
        ("registrationDate", DateType.REGISTRATION),
        ("grantDate", DateType.GRANT),
    ):
        draft.dates += [DraftDate(date_type, raw) for raw in values(element, name)]
    draft.texts += [
        DraftText(TextType.TITLE, words, attribute(node, "lang"))
        for node in every(element, "invention-title")
        if (words := text(node))
    ]
    if kind := value(element, "type"):
        draft.texts.append(DraftText(TextType.OTHER, f"type: {kind}"))
    if status := value(element, "legalstatus"):
        draft.events.append(st36.current_status(status, "DE-PATENT-STATUS", "DE"))
    for name in ("main-classification", "further-classification"):
        for node in every(element, name):
            edition = value(node, "edition")
            draft.classifications += [
                DraftClassification("IPC", raw, edition, first=name == "main-classification")
                for raw in values(node, "classification")
            ]
    draft.parties += [_party(raw, PartyRole.APPLICANT) for raw in values(element, "applicants/applicant")]
    draft.parties += [_party(raw, PartyRole.INVENTOR) for raw in values(element, "inventors/inventor")]
    draft.parties += [_party(raw, PartyRole.REPRESENTATIVE) for raw in values(element, "agent")]
    return draft


def _party(raw: str, role: PartyRole) -> DraftParty:
    """`NAME, 75334 TOWN, DE`: country after the last comma, town before it where it begins with a postal code."""
    country = COUNTRY_AT_END.search(raw)
    rest = raw[: country.start()] if country else raw
    name, comma, place = rest.rpartition(", ")
    if comma and place[:4].isdigit():
        return DraftParty(role, name, country=country[1] if country else None, address=DraftAddress(lines=[place]))
    return DraftParty(role, rest, country=country[1] if country else None)


FORMATS: tuple[Format, ...] = (
    Format(
        name="dpma-patent",
        title="DPMAregister patents and utility models (DPMAconnectPlus register extract)",
        rights=("patent",),
        recognises=lambda found: found.root == "dpma-patent-document",
        read=read,
        version=1,
        reads=(
            *st36.READS,
            "type of right",
            "status and every step of the procedure",
            "date of the last register update",
        ),
    ),
    Format(
        name="dpma-patent-hits",
        title="DPMAconnectPlus patent hit list",
        rights=("patent",),
        recognises=lambda found: found.root == "PatentHitList",
        read=read_hits,
        version=1,
        reads=("file number", "title", "type of right", "status", "IPC", "dates", "applicants and agent with country"),
    ),
)
