"""TIPO patents and designs: `tw-patent-grant` (ST.36 in Chinese and English).

Dates are of the Republic of China (`103/06/01`), countries of priorities are names (`日本`): kept as written,
indexer/harmonise reads them. Names and titles stand in Chinese and English side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from common.errors import InputError
from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftCitation,
    DraftClassification,
    DraftNumber,
    DraftParty,
    DraftPriority,
    DraftRelation,
)
from indexer.formats.reading import Context, Format
from indexer.formats.st36_parts import (
    add_dates,
    add_number,
    add_text,
    block_text,
    document_id,
    images,
    start,
    unwrap,
    whole,
)
from indexer.formats.xml import XmlRecord, attribute, every, first, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

OFFICE = "TW"
ROOTS = ("tw-patent-grant", "tw-patent-application")
EDITION = re.compile(r"(\d{4})(\d{2})(\d)(\d{8})?([A-Z])?")
"""IPC edition and indicators in one: `200601120140220V` is 2006.01, position 1, dated 2014-02-20."""


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ROOTS, context):
        yield _draft(record) if isinstance(record, XmlRecord) else record


def _draft(record: XmlRecord) -> Draft:
    root = record.element
    unwrap(root)
    found = first(root, "tw-bibliographic-data-grant")
    found = found if found is not None else first(root, "tw-bibliographic-data-application")
    bibliography = found if found is not None else root
    application = first(bibliography, "application-reference")
    applied_for = attribute(application, "appl-type") if application is not None else None
    kind = value(bibliography, "kindcode")
    design = applied_for == "design" or (kind or "").startswith(("S", "D"))
    draft = start(record, Right.DESIGN if design else Right.PATENT)
    draft.office, draft.kind, draft.language = OFFICE, kind, "zh"
    gazette = [value(bibliography, "volno"), value(bibliography, "isuno")]
    label = f"gazette {'-'.join(part for part in gazette if part)}" if any(gazette) else None
    granted = first(bibliography, "certificate-number") is not None or root.tag == "tw-patent-grant"
    publication = _own(first(bibliography, "publication-reference"))
    if publication is not None:
        publication.kind = publication.kind or kind
    add_number(draft, NumberType.PUBLICATION, publication, DateType.PUBLICATION, label=label)
    if granted and publication is not None:
        add_dates(draft, publication.date, DateType.GRANT)
    add_number(draft, NumberType.APPLICATION, _own(application), DateType.FILING)
    certificate = _own(first(bibliography, "certificate-number"))
    if certificate is not None:
        add_number(draft, NumberType.REGISTRATION, certificate, DateType.REGISTRATION)
    laid_open = _own(first(bibliography, "application-publication-reference"))
    if laid_open is not None:
        laid_open.type = NumberType.PUBLICATION
        said = "application-publication-reference"
        draft.relations.append(DraftRelation(RelationType.STAGE_OF, laid_open, said, laid_open.date))
    _classes(draft, bibliography)
    _parties(draft, bibliography)
    for claim in every(bibliography, "priority-claims/priority-claim"):
        if raw := value(claim, "doc-number"):
            number = DraftNumber(NumberType.APPLICATION, raw, value(claim, "country"), date=value(claim, "date"))
            draft.priorities.append(DraftPriority(number, number.date, whole(attribute(claim, "sequence"))))
    for cited in every(bibliography, "refs/ref"):
        if raw := value(cited, "doc-number"):
            number = DraftNumber(NumberType.PUBLICATION, raw, value(cited, "country"), value(cited, "kind"))
            draft.citations.append(DraftCitation("patent", number))
        elif words := text(cited):
            draft.citations.append(DraftCitation("literature", text=words))
    _texts(draft, root, bibliography)
    return draft


def _own(element: etree._Element | None) -> DraftNumber | None:
    number = document_id(element)
    if number is not None and number.office is None:
        number.office = OFFICE
    return number


def _classes(draft: Draft, bibliography: etree._Element) -> None:
    for holder, scheme in (
        ("classification-ipc", "IPC"),
        ("classifications-ipcr/classification-ipcr", "IPC"),
        ("classification-cpc", "CPC"),
        ("classification-locarno", "LOCARNO"),
    ):
        for name in ("main-classification", "further-classification"):
            for element in every(bibliography, f"{holder}/{name}"):
                if symbol := text(element):
                    edition = attribute(element, "edition")
                    long = EDITION.fullmatch(edition or "")
                    shown = f"{long[1]}.{long[2]}" if long else edition
                    main = name == "main-classification"
                    draft.classifications.append(DraftClassification(scheme, symbol, shown, first=main))


def _parties(draft: Draft, bibliography: etree._Element) -> None:
    design = draft.right is Right.DESIGN
    for path, role in (
        ("parties/applicants/applicant", PartyRole.APPLICANT),
        ("parties/inventors/inventor", PartyRole.DESIGNER if design else PartyRole.INVENTOR),
        ("parties/agents/agent", PartyRole.REPRESENTATIVE),
        ("examiners/examiner", PartyRole.EXAMINER),
    ):
        for element in every(bibliography, path):
            found = first(element, "addressbook")
            book = found if found is not None else element
            chinese = _name(first(book, "chinese-name"), "")
            english = _name(first(book, "english-name"), " ")
            if name := chinese or english:
                lines = [line for tag in ("address", "english-address") for line in values(book, tag)]
                person = role in (PartyRole.INVENTOR, PartyRole.DESIGNER, PartyRole.EXAMINER)
                draft.parties.append(
                    DraftParty(
                        role,
                        name,
                        latin_name=english if chinese else None,
                        country=value(book, "english-country", "country", "chinese-country"),
                        entity="person" if person else "unknown",
                        sequence=whole(attribute(element, "sequence")),
                        address=DraftAddress(list(dict.fromkeys(lines))) if lines else None,
                    )
                )


def _name(element: etree._Element | None, between: str) -> str | None:
    if element is None:
        return None
    last, given = value(element, "last-name"), values(element, "first-name") + values(element, "middle-name")
    if between and last and given:
        return f"{last}, {between.join(given)}"
    return between.join(part for part in (last, *given) if part) or None


def _texts(draft: Draft, root: etree._Element, bibliography: etree._Element) -> None:
    add_text(draft, TextType.TITLE, value(bibliography, "invention-title/chinese-title"), "zh")
    add_text(draft, TextType.TITLE, value(bibliography, "invention-title/english-title"), "en")
    for element in every(root, "abstract") + every(bibliography, "abstract"):
        chinese, english = first(element, "chinese-abstract"), first(element, "english-abstract")
        if chinese is None and english is None:
            add_text(draft, TextType.ABSTRACT, block_text(element), attribute(element, "lang") or "zh")
        add_text(draft, TextType.ABSTRACT, block_text(chinese), "zh")
        add_text(draft, TextType.ABSTRACT, block_text(english), "en")
    add_text(draft, TextType.DESCRIPTION, block_text(first(root, "description")), "zh")
    for element in every(root, "drawings/drawing-description"):
        kind = TextType.DESIGN_DESCRIPTION if draft.right is Right.DESIGN else TextType.DESCRIPTION
        add_text(draft, kind, block_text(element), "zh")
    add_text(draft, TextType.CLAIMS, block_text(first(root, "claims")), "zh")
    for element in every(bibliography, "tw-bio-deposit"):
        add_text(draft, TextType.OTHER, block_text(element), "zh")
    kind_of_image = "design-view" if draft.right is Right.DESIGN else "drawing"
    draft.images = images(every(root, "drawings//img") + every(root, "representative-drawing//img"), kind_of_image)
    draft.images += images(every(root, "description//img") + every(root, "claims//img"), "other")


FORMATS: tuple[Format, ...] = (
    Format(
        name="tw-patent-grant",
        title="TIPO patent and design (tw-patent-grant, ST.36)",
        rights=("patent", "design"),
        recognises=lambda found: found.root in ROOTS,
        read=read,
        version=1,
        reads=(
            "publication, application, certificate and laid-open number, kind, gazette, dates",
            "title in Chinese and English, abstract, description, claims, explanation of a design's views",
            "applicants, inventors or designers, agents, examiners in Chinese and English, with country",
            "addresses as personal data",
            "priorities, cited patents",
            "IPC and Locarno classes with edition",
            "drawings and views by file name",
        ),
    ),
)
