"""CNIPA patents: the old `cn-patent-document` (ST.36 in Chinese dress) and the new `business:PatentDocumentAndRelated`.

Both hold one publication with its full text. The new files give each number twice (`original` and, reformatted,
`standard`) and fill what they do not know with `0`, `00000000` or `0000000000`.
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
    DraftDate,
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
    ipcr,
    parties,
    start,
    unwrap,
    whole,
)
from indexer.formats.xml import XmlRecord, attribute, every, first, local, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

OFFICE = "CN"
LANGUAGE = "zh"
GRANTS = frozenset("BCUYS")
"""First letters of the kinds of granted rights (CNIPA, ZC 0008-2012): their publication announces the grant."""

AGENCY = re.compile(r"(.+?)\s+(\d{5})")
IPC_TEXT = re.compile(r"^\s*([A-H]\d{2}[A-Z])\s*(\d+\s*/\s*\d+)?\s*(?:\((\d{4}\.\d{2})\))?\s*([A-Z])?")


def _right(applied_for: str | None, kind: str | None) -> Right:
    return Right.DESIGN if (kind or "").startswith("S") or "外观" in (applied_for or "") else Right.PATENT


def _publication_dates(kind: str | None) -> tuple[DateType, ...]:
    return (DateType.PUBLICATION, DateType.GRANT) if kind and kind[0] in GRANTS else (DateType.PUBLICATION,)


def _ipc(written: str, first_one: bool) -> DraftClassification:
    """`A43D    1/02    (2006.01)` as symbol and edition; what is written otherwise is kept whole."""
    found = IPC_TEXT.match(written)
    if found is None:
        return DraftClassification("IPC", written, first=first_one)
    symbol = " ".join(part.replace(" ", "") for part in (found.group(1), found.group(2)) if part)
    return DraftClassification("IPC", symbol, found.group(3), first=first_one)


def _agency(role: PartyRole, written: str) -> DraftParty:
    """An agency, whose code CNIPA writes after its name."""
    found = AGENCY.fullmatch(written)
    name, code = (found[1], found[2]) if found else (written, None)
    return DraftParty(role, name, entity="organisation", identifier=code)


# --- old: cn-patent-document ---

OLD_RELATIONS = {
    "division": RelationType.DIVISIONAL_OF,
    "addition": RelationType.ADDITION_TO,
    "substitution": RelationType.RELATED,
    "continuation": RelationType.CONTINUATION_OF,
    "correction": RelationType.CORRECTS,
}


def read_old(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ("cn-patent-document",), context):
        yield _old(record) if isinstance(record, XmlRecord) else record


def _old(record: XmlRecord) -> Draft:
    root = record.element
    unwrap(root)
    found = first(root, "cn-bibliographic-data")
    bibliography = found if found is not None else root
    publication = document_id(first(bibliography, "cn-publication-reference"))
    application = first(bibliography, "application-reference")
    applied_for = attribute(application, "appl-type") if application is not None else None
    kind = publication.kind if publication else None
    draft = start(record, _right(applied_for, kind))
    draft.office = publication.office if publication and publication.office else attribute(root, "country")
    draft.kind, draft.language = kind, attribute(root, "lang") or LANGUAGE
    add_number(draft, NumberType.PUBLICATION, publication, *_publication_dates(kind))
    add_number(draft, NumberType.APPLICATION, document_id(application), DateType.FILING)
    for gazette in every(bibliography, ".//gazette-reference"):
        label = " ".join(part for part in ("gazette", value(gazette, "gazette-num")) if part)
        add_dates(draft, value(gazette, "date"), DateType.PUBLICATION, label=label)
    for element in every(bibliography, "classifications-ipcr/classification-ipcr"):
        parts = ipcr(element)
        written = value(element, "text")
        if written and value(element, "section") is None:
            draft.classifications.append(_ipc(written, not draft.classifications))
        elif parts is not None:
            draft.classifications.append(parts)
    for element in every(bibliography, "classification-locarno"):
        for symbol in values(element, "main-classification") + values(element, "further-classification"):
            edition = value(element, "edition")
            draft.classifications.append(DraftClassification("LOCARNO", symbol, edition))
    for element in every(bibliography, "priority-claims/priority-claim"):
        if raw := value(element, "doc-number"):
            number = DraftNumber(
                NumberType.APPLICATION, raw, value(element, "country"), value(element, "kind"), value(element, "date")
            )
            sequence = whole(attribute(element, "sequence"))
            draft.priorities.append(DraftPriority(number, number.date, sequence, attribute(element, "kind")))
    _old_related(draft, bibliography)
    _old_international(draft, bibliography)
    _old_parties(draft, bibliography)
    for element in every(bibliography, "references-cited/citation"):
        for cited in every(element, "patcit"):
            if number_cited := document_id(cited, NumberType.PUBLICATION):
                draft.citations.append(DraftCitation("patent", number_cited, phase=value(element, "category")))
        draft.citations += [DraftCitation("literature", text=words) for words in values(element, "nplcit")]
    _old_texts(draft, root, bibliography)
    return draft


def _old_related(draft: Draft, bibliography: etree._Element) -> None:
    for relation in every(bibliography, "cn-related-documents//relation"):
        above = relation.getparent()
        name = local(above) if above is not None else ""
        domestic = any(local(node).startswith("cn-domestic-priority") for node in relation.iterancestors())
        # a domestic priority names the earlier application as a document that this one stands in for
        for path in ("parent-doc", "child-doc") if domestic else ("parent-doc",):
            if number := document_id(first(relation, path), NumberType.APPLICATION):
                if domestic:
                    draft.priorities.append(DraftPriority(number, number.date, type="domestic"))
                else:
                    kind = OLD_RELATIONS.get(name, RelationType.RELATED)
                    draft.relations.append(DraftRelation(kind, number, name, number.date))
    for element in every(bibliography, "cn-related-publication//document-id"):
        if number := document_id(element, NumberType.PUBLICATION):
            draft.relations.append(DraftRelation(RelationType.STAGE_OF, number, date=number.date))


def _old_international(draft: Draft, bibliography: etree._Element) -> None:
    for element in every(bibliography, "pct-or-regional-filing-data"):
        number = document_id(element)
        add_number(draft, NumberType.PCT_APPLICATION, number)
        if number is not None:
            draft.relations.append(DraftRelation(RelationType.NATIONAL_PHASE_OF, number, date=number.date))
    for element in every(bibliography, "pct-or-regional-publishing-data"):
        published = document_id(element)
        add_number(draft, NumberType.PCT_PUBLICATION, published)
        language = attribute(element, "lang") or next((attribute(found, "lang") for found in element), None)
        if published is not None and language:
            add_dates(draft, published.date, DateType.OTHER, label=f"PCT publication, in {language}")
    for element in every(bibliography, "date-pct-article-22-39-fulfilled"):
        add_dates(draft, value(element, "date"), DateType.OTHER, label="date-pct-article-22-39-fulfilled")


def _old_parties(draft: Draft, bibliography: etree._Element) -> None:
    for path, role in (
        ("cn-parties/cn-applicants/*", PartyRole.APPLICANT),
        ("cn-parties/cn-inventors/*", PartyRole.INVENTOR),
        ("cn-parties/cn-agents/*", PartyRole.REPRESENTATIVE),
        ("cn-parties/cn-patentees/*", PartyRole.OWNER),
        ("assignees/assignee", PartyRole.OWNER),
        ("examiners/*", PartyRole.EXAMINER),
    ):
        for element in every(bibliography, path):
            draft.parties += [_agency(role, agency) for agency in values(element, "cn-agency/name")]
            found = parties(element, role)
            for party in found:
                if role in (PartyRole.INVENTOR, PartyRole.REPRESENTATIVE, PartyRole.EXAMINER):
                    party.entity = "person"
            draft.parties += found


def _old_texts(draft: Draft, root: etree._Element, bibliography: etree._Element) -> None:
    for title in every(bibliography, "invention-title"):
        add_text(draft, TextType.TITLE, text(title), attribute(title, "lang") or LANGUAGE)
    for abstract in every(bibliography, "abstract"):
        add_text(draft, TextType.ABSTRACT, block_text(abstract), attribute(abstract, "lang") or LANGUAGE)
    add_text(draft, TextType.DESCRIPTION, block_text(first(root, "application-body/description")), LANGUAGE)
    add_text(draft, TextType.CLAIMS, block_text(first(root, "application-body/claims")), LANGUAGE)
    drawn = every(root, "application-body/drawings//img") + every(bibliography, "cn-abstract-drawing//img")
    draft.images = images(drawn, "design-view" if draft.right is Right.DESIGN else "drawing")
    inline = every(root, "application-body/description//img") + every(root, "application-body/claims//img")
    draft.images += images(inline, "other")


# --- new: business:PatentDocumentAndRelated ---

FILLER = re.compile(r"0+")
NEW_RELATIONS = {
    "Division": RelationType.DIVISIONAL_OF,
    "Addition": RelationType.ADDITION_TO,
    "Continuation": RelationType.CONTINUATION_OF,
    "ContinuationInPart": RelationType.CONTINUATION_IN_PART_OF,
    "Reissue": RelationType.REISSUE_OF,
    "Correction": RelationType.CORRECTS,
    "UtilityModelBasis": RelationType.RELATED,
}
NEW_ROLES = {
    "Applicant": PartyRole.APPLICANT,
    "Inventor": PartyRole.INVENTOR,
    "Designer": PartyRole.DESIGNER,
    "Agent": PartyRole.REPRESENTATIVE,
    "Assignee": PartyRole.OWNER,
    "Patentee": PartyRole.OWNER,
    "PrimaryExaminer": PartyRole.EXAMINER,
    "AssistantExaminer": PartyRole.EXAMINER,
    "Examiner": PartyRole.EXAMINER,
}
NEW_ADDRESS_LINES = (
    "Text",
    "AddressLine",
    "PostBox",
    "AddressRoom",
    "AddressFloor",
    "AddressBuilding",
    "Street",
    "County",
)
NEW_BLOCKS = frozenset(("Paragraphs", "ClaimText", "Claim", "row", "entry", "Title", "InventionTitle", "br", "Heading"))


def read_new(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ("PatentDocumentAndRelated",), context):
        yield _new(record) if isinstance(record, XmlRecord) else record


def _given(element: etree._Element, *paths: str) -> str | None:
    """`value`, but for the zeros that fill empty places."""
    found = value(element, *paths)
    return None if found is None or FILLER.fullmatch(found) else found


def _new_number(element: etree._Element, number_type: NumberType) -> DraftNumber | None:
    """A `DocumentID`, or the same parts directly in the element (priorities)."""
    inner = first(element, "DocumentID")
    source = inner if inner is not None else element
    raw = _given(source, "DocNumber")
    if raw is None:
        return None
    return DraftNumber(
        number_type,
        raw,
        _given(source, "WIPOST3Code"),
        _given(source, "Kind"),
        _given(source, "Date"),
        attribute(element, "dataFormat"),
    )


def _once(elements: list[etree._Element], number_type: NumberType) -> list[DraftNumber]:
    """One number for each `sequence`: the original writing, the others as its forms."""
    found: dict[str | None, DraftNumber] = {}
    for element in sorted(elements, key=lambda each: attribute(each, "dataFormat") != "original"):
        number = _new_number(element, number_type)
        if number is None:
            continue
        kept = found.setdefault(attribute(element, "sequence"), number)
        if kept is not number and number.raw != kept.raw and number.raw not in kept.forms:
            kept.forms.append(number.raw)
            kept.date, kept.kind = kept.date or number.date, kept.kind or number.kind
    return list(found.values())


def _new(record: XmlRecord) -> Draft:
    root = record.element
    unwrap(root)
    found = first(root, "BibliographicData")
    bibliography = found if found is not None else root
    language = attribute(root, "lang") or LANGUAGE
    published = _once(every(bibliography, "PublicationReference"), NumberType.PUBLICATION)
    kind = (published[0].kind if published else None) or attribute(root, "kind")
    draft = start(record, Right.DESIGN if (kind or "").startswith("S") else Right.PATENT)
    draft.office = (published[0].office if published else None) or attribute(root, "country")
    draft.kind, draft.language = kind, language
    for number in published:
        add_number(draft, NumberType.PUBLICATION, number, *_publication_dates(kind))
    for number in _once(every(bibliography, "ApplicationReference"), NumberType.APPLICATION):
        add_number(draft, NumberType.APPLICATION, number, DateType.FILING)
    for gazette in every(bibliography, ".//GazetteReference"):
        label = " ".join(part for part in ("gazette", _given(gazette, "GazetteNumber")) if part)
        add_dates(draft, _given(gazette, "Date"), DateType.PUBLICATION, label=label)
    _new_priorities(draft, bibliography)
    _new_classes(draft, bibliography)
    _new_related(draft, bibliography)
    for element in every(bibliography, "Parties/*/*"):
        if (role := NEW_ROLES.get(local(element))) is not None:
            draft.parties += _new_parties(element, role)
    for element in every(bibliography, "Assignees/*") + every(bibliography, "Examiners/*"):
        if (role := NEW_ROLES.get(local(element))) is not None:
            draft.parties += _new_parties(element, role)
    for customer in values(bibliography, "Parties/AgentDetails/CustomerNumber"):
        for party in draft.parties:
            if party.role is PartyRole.REPRESENTATIVE and party.entity == "organisation":
                party.identifier = party.identifier or customer
    for element in every(bibliography, "ReferencesCited//PatentCitation"):
        if cited := _new_number(element, NumberType.PUBLICATION):
            draft.citations.append(DraftCitation("patent", cited, category=_given(element, "Category")))
    for words in values(bibliography, "ReferencesCited//NonPatentLiteratureCitation"):
        draft.citations.append(DraftCitation("literature", text=words))
    _new_texts(draft, root, bibliography, language)
    return draft


def _new_priorities(draft: Draft, bibliography: etree._Element) -> None:
    elements = every(bibliography, "PriorityDetails/Priority")
    kinds = {attribute(element, "sequence"): attribute(element, "kind") for element in elements}
    numbers = _once(elements, NumberType.APPLICATION)
    for sequence, number in zip(dict.fromkeys(_sequences(elements)), numbers, strict=False):
        draft.priorities.append(DraftPriority(number, number.date, whole(sequence), kinds.get(sequence)))


def _sequences(elements: list[etree._Element]) -> list[str | None]:
    ordered = sorted(elements, key=lambda each: attribute(each, "dataFormat") != "original")
    return [attribute(each, "sequence") for each in ordered if _given(each, "DocNumber")]


def _new_classes(draft: Draft, bibliography: etree._Element) -> None:
    for element in every(bibliography, "ClassificationIPCRDetails/ClassificationIPCR"):
        parts = [value(element, part) or "" for part in ("Section", "MainClass", "Subclass", "MainGroup", "Subgroup")]
        symbol = "".join(parts[:3]) + (f" {parts[3]}" + (f"/{parts[4]}" if parts[4] else "") if parts[3] else "")
        symbol = symbol or value(element, "Text") or ""
        if symbol:
            place = value(element, "SymbolPosition")
            meaning = value(element, "ClassificationValue")
            draft.classifications.append(
                DraftClassification(
                    "IPC",
                    symbol,
                    _given(element, "IPCVersionDate"),
                    first=place == "F" if place else attribute(element, "sequence") == "1",
                    inventive={"I": True, "N": False}.get(meaning or ""),
                    office=value(element, "GeneratingOffice/WIPOST3Code"),
                )
            )
    for element in every(bibliography, ".//ClassificationLocarno"):
        edition = _given(element, "LocarnoEdition", "Edition")
        symbols = values(element, "MainClassification") + values(element, "FurtherClassification")
        draft.classifications += [DraftClassification("LOCARNO", symbol, edition) for symbol in symbols]


def _new_related(draft: Draft, bibliography: etree._Element) -> None:
    for group in every(bibliography, "RelatedDocuments/*"):
        for element in every(group, ".//ParentDocument"):
            if number := _new_number(element, NumberType.APPLICATION):
                kind = NEW_RELATIONS.get(local(group), RelationType.RELATED)
                draft.relations.append(DraftRelation(kind, number, local(group), number.date))
        for element in every(group, ".//ChildDocument"):
            if number := _new_number(element, NumberType.APPLICATION):
                draft.relations.append(
                    DraftRelation(RelationType.RELATED, number, f"{local(group)} child", number.date)
                )
    for element in every(bibliography, "PCTOrRegionalApplicationData"):
        number = _new_number(element, NumberType.PCT_APPLICATION)
        add_number(draft, NumberType.PCT_APPLICATION, number)
        if number is not None:
            draft.relations.append(DraftRelation(RelationType.NATIONAL_PHASE_OF, number, date=number.date))
    for element in every(bibliography, "PCTOrRegionalPublishingData"):
        add_number(draft, NumberType.PCT_PUBLICATION, _new_number(element, NumberType.PCT_PUBLICATION))
    for element in every(bibliography, "NationalStageEntryDate"):
        add_dates(draft, _given(element, "Date"), DateType.OTHER, label="NationalStageEntryDate")


def _new_parties(element: etree._Element, role: PartyRole) -> list[DraftParty]:
    agencies = [_given(book, "OrganizationName", "Name") for book in every(element, "Agency/AddressBook")]
    found = [_agency(role, agency) for agency in agencies if agency]
    books = every(element, "AddressBook")
    names = [name for book in books if (name := _given(book, "Name", "OrganizationName"))]
    if names:
        person = role in (PartyRole.INVENTOR, PartyRole.DESIGNER, PartyRole.REPRESENTATIVE, PartyRole.EXAMINER)
        found.append(
            DraftParty(
                role,
                names[0],
                other_names=names[1:],
                country=next((code for book in books if (code := _given(book, "Address/WIPOST3Code"))), None),
                nationality=_given(element, "Nationality/WIPOST3Code"),
                entity="person" if person else "unknown",
                identifier=_given(element, "OrganizationCode"),
                sequence=whole(attribute(element, "sequence")),
                address=_new_address(books),
            )
        )
    return found


def _new_address(books: list[etree._Element]) -> DraftAddress | None:
    found = DraftAddress()
    for place in (place for book in books for place in every(book, "Address")):
        lines = [line for name in NEW_ADDRESS_LINES if (line := _given(place, name))]
        found.lines += [line for line in lines if line not in found.lines]
        found.city = found.city or _given(place, "City", "AddressCity")
        found.region = found.region or _given(place, "Province")
        found.postal_code = found.postal_code or _given(place, "PostCode", "AddressMailCode")
    return found if found != DraftAddress() else None


def _new_texts(draft: Draft, root: etree._Element, bibliography: etree._Element, language: str) -> None:
    for title in every(bibliography, "InventionTitle") + every(bibliography, "DesignTitle"):
        add_text(draft, TextType.TITLE, text(title), attribute(title, "lang") or language)
    for name, kind in (
        ("Abstract", TextType.ABSTRACT),
        ("Description", TextType.DESCRIPTION),
        ("Claims", TextType.CLAIMS),
        ("DesignBriefExplanation", TextType.DESIGN_DESCRIPTION),
    ):
        for element in every(root, name):
            add_text(draft, kind, block_text(element, NEW_BLOCKS), attribute(element, "lang") or language)
    if published_in := value(bibliography, "PCTPublicationLanguage"):
        draft.dates += [
            DraftDate(DateType.OTHER, number.date, f"PCT publication, in {published_in}")
            for number in draft.numbers
            if number.type is NumberType.PCT_PUBLICATION and number.date
        ]
    drawn = every(root, "Drawings//Image") + every(root, "DesignFigure//Image") + every(root, "Abstract//Image")
    draft.images = images(drawn, "design-view" if draft.right is Right.DESIGN else "drawing")
    draft.images += images(every(root, "Description//Image") + every(root, "Claims//Image"), "other")


_COMMON = (
    "publication and application number, kind and dates, gazette",
    "title, abstract, description, claims, in the language tagged",
    "applicants, inventors, agencies and agents with country; addresses as personal data",
    "priorities, domestic ones too, divisions and other relations",
    "PCT application and publication, entry into the national phase",
    "IPC and Locarno classes",
    "citations",
    "drawings by file name",
)

FORMATS: tuple[Format, ...] = (
    Format(
        name="cn-patent-document",
        title="CNIPA cn-patent-document (ST.36), to about 2017",
        rights=("patent", "design"),
        recognises=lambda found: found.root == "cn-patent-document",
        read=read_old,
        version=1,
        reads=_COMMON,
    ),
    Format(
        name="cn-business",
        title="CNIPA business:PatentDocumentAndRelated",
        rights=("patent", "design"),
        recognises=lambda found: found.root == "PatentDocumentAndRelated",
        read=read_new,
        version=1,
        reads=(*_COMMON, "numbers in original and standard writing; zeros that fill empty places are not read"),
    ),
)
