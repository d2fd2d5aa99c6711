"""JPO: the gazette of patents and utility models (`jp-official-gazette`), and documents of a file as the API has them.

In the gazette, `kind` inside document-id is a name (its code in brackets); the ST.16 code stands in `kind-of-st16` of
the root. Amendments printed with a publication are events of it, not its claims. The API's XML documents (amendments,
responses, notices) name an application: each becomes an event on it, a partial record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from common.errors import InputError
from indexer.formats.draft import (
    Draft,
    DraftCitation,
    DraftClassification,
    DraftDesignation,
    DraftEvent,
    DraftImage,
    DraftNumber,
    DraftPriority,
    DraftRelation,
    DraftText,
)
from indexer.formats.reading import Context, Format, Signature
from indexer.formats.st36_parts import (
    add_dates,
    add_number,
    add_text,
    block_text,
    document_id,
    images,
    parties,
    start,
    unwrap,
    whole,
)
from indexer.formats.xml import XmlRecord, attribute, every, first, local, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

OFFICE = "JP"
LANGUAGE = "ja"
NAMESPACE = "http://www.jpo.go.jp"

IPC = re.compile(
    r"^(?P<symbol>.+?)\s+(?P<edition>\d{8})(?P<level>[ACS])(?P<position>[FL])(?P<value>[IN])"
    r"\d{8}[A-Z]{2}(?P<office>[A-Z]{2})"
)
"""IPC entry of ST.8 in one string: symbol, version, level, position, value, action date, status and source, office."""

RELATIONS = {
    "division": RelationType.DIVISIONAL_OF,
    "addition": RelationType.ADDITION_TO,
    "continuation": RelationType.CONTINUATION_OF,
    "utility-model-basis": RelationType.CONVERSION_OF,
    "correction": RelationType.CORRECTS,
}
GROUPED = re.compile(r"([A-Z]{2})(?:\(([^)]*)\))?")

# --- gazette ---


def read_gazette(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ("jp-official-gazette",), context):
        yield _gazette(record) if isinstance(record, XmlRecord) else record


def _gazette(record: XmlRecord) -> Draft:
    root = record.element
    unwrap(root)
    found = first(root, "bibliographic-data")
    bibliography = found if found is not None else root
    kind = attribute(root, "kind-of-st16") or attribute(root, "kind-of-jp")
    draft = start(record, Right.PATENT)
    draft.office, draft.kind = attribute(root, "country") or OFFICE, kind
    draft.language = attribute(root, "lang") or LANGUAGE
    publication = document_id(first(bibliography, "publication-reference"))
    if publication is not None:
        label, publication.kind = publication.kind, kind
        granted = (kind or "").startswith(("B", "C", "Y", "U"))
        add_number(draft, NumberType.PUBLICATION, publication, DateType.PUBLICATION, label=label)
        if granted:
            add_dates(draft, publication.date, DateType.GRANT, label=label)
    add_number(draft, NumberType.APPLICATION, _own(first(bibliography, "application-reference")), DateType.FILING)
    for element in every(bibliography, "dates-of-public-availability/*"):
        granted_by = local(element) == "printed-with-grant"
        number = _own(element)
        if number is not None:
            kind_of_number = NumberType.REGISTRATION if granted_by else NumberType.PUBLICATION
            add_number(draft, kind_of_number, number)
        dates = value(element, "document-id/date", "date")
        add_dates(draft, dates, DateType.REGISTRATION if granted_by else DateType.OTHER, label=local(element))
    _classes(draft, bibliography)
    _parties(draft, bibliography)
    for claim in every(bibliography, "priority-claims/priority-claim"):
        if raw := value(claim, "doc-number"):
            claimed = DraftNumber(NumberType.APPLICATION, raw, value(claim, "country"), date=value(claim, "date"))
            sequence = whole(attribute(claim, "sequence"))
            draft.priorities.append(DraftPriority(claimed, claimed.date, sequence, attribute(claim, "kind")))
    _related(draft, bibliography)
    _texts(draft, root, bibliography)
    draft.events = [event for element in every(root, ".//written-amendment") if (event := _amendment(element))]
    for element in every(bibliography, "request-for-examination"):
        if attribute(element, "true-or-false") == "true":
            draft.events.append(DraftEvent("request-for-examination", "JP-GAZETTE", OFFICE))
    return draft


def _own(element: etree._Element | None) -> DraftNumber | None:
    """A document-id of the JPO's own, which names no country."""
    number = document_id(element)
    if number is not None and number.office is None:
        number.office = OFFICE
    return number


def _classes(draft: Draft, bibliography: etree._Element) -> None:
    for name in ("main-clsf", "further-clsf"):
        for written in values(bibliography, f"classification-ipc/{name}"):
            draft.classifications.append(_ipc(written, name == "main-clsf"))
    for name in ("main-clsf", "further-clsf"):
        for element in every(bibliography, f"classification-national/{name}"):
            if symbol := text(element):
                main = name == "main-clsf"
                draft.classifications.append(DraftClassification("FI", symbol, first=main, office=OFFICE))
                if facet := attribute(element, "facet"):
                    draft.classifications.append(DraftClassification("FI-FACET", facet, office=OFFICE))
    for path, scheme in (("theme-code-info/theme-code", "FTERM-THEME"), ("f-term-info/f-term", "FTERM")):
        for symbol in values(bibliography, path):
            draft.classifications.append(DraftClassification(scheme, symbol, office=OFFICE))


def _ipc(written: str, main: bool) -> DraftClassification:
    found = IPC.match(written)
    if found is None:
        return DraftClassification("IPC", written, first=main)
    return DraftClassification(
        "IPC",
        found["symbol"],
        found["edition"],
        first=found["position"] == "F",
        inventive=found["value"] == "I",
        office=found["office"],
    )


def _parties(draft: Draft, bibliography: etree._Element) -> None:
    for path, role in (
        ("parties//applicants-agents/applicant", PartyRole.APPLICANT),
        ("parties/applicants/applicant", PartyRole.APPLICANT),
        ("parties//right-owner", PartyRole.OWNER),
        ("assignees/assignee", PartyRole.OWNER),
        ("parties/inventors/inventor", PartyRole.INVENTOR),
        ("parties//applicants-agents/agent", PartyRole.REPRESENTATIVE),
        ("parties/agents/agent", PartyRole.REPRESENTATIVE),
        ("parties//right-owner-agent", PartyRole.REPRESENTATIVE),
        ("examiners/*", PartyRole.EXAMINER),
    ):
        for element in every(bibliography, path):
            found = parties(element, role)
            for party in found:
                if role in (PartyRole.INVENTOR, PartyRole.EXAMINER):
                    party.entity = "person"
            draft.parties += found


def _related(draft: Draft, bibliography: etree._Element) -> None:
    for group in every(bibliography, "related-documents/*"):
        kind = RELATIONS.get(local(group), RelationType.RELATED)
        said = ", ".join(part for part in (local(group), attribute(group, "kind")) if part)
        for element in every(group, ".//parent-doc") or [group]:
            if number := _own(element):
                number.type = NumberType.APPLICATION
                draft.relations.append(DraftRelation(kind, number, said, number.date))
    for element in every(bibliography, "pct-or-regional-filing-data"):
        number = document_id(element)
        add_number(draft, NumberType.PCT_APPLICATION, number)
        if number is not None:
            draft.relations.append(DraftRelation(RelationType.NATIONAL_PHASE_OF, number, date=number.date))
    for element in every(bibliography, "pct-or-regional-publishing-data"):
        add_number(draft, NumberType.PCT_PUBLICATION, document_id(element))
    for element in every(bibliography, "designation-of-states//designated-state-code"):
        draft.designations += _designations(text(element) or "")
    add_dates(
        draft,
        value(bibliography, "translation-submission-date"),
        DateType.OTHER,
        label="translation-submission-date",
    )


def _designations(written: str) -> list[DraftDesignation]:
    """`AP(BW,GH),EP(AT,BE),AE,AG`: groups with their states, then single states."""
    found = []
    for group, states in GROUPED.findall(written):
        found.append(DraftDesignation(group, "regional" if states else "national"))
        found += [DraftDesignation(state.strip(), f"regional {group}") for state in states.split(",") if state.strip()]
    return found


def _texts(draft: Draft, root: etree._Element, bibliography: etree._Element) -> None:
    for title in every(bibliography, "invention-title"):
        add_text(draft, TextType.TITLE, text(title), attribute(title, "lang") or LANGUAGE)
    for abstract in every(root, "abstract"):
        add_text(draft, TextType.ABSTRACT, block_text(abstract), attribute(abstract, "lang") or LANGUAGE)
    add_text(draft, TextType.DESCRIPTION, block_text(first(root, "description")), LANGUAGE)
    add_text(draft, TextType.CLAIMS, block_text(first(root, "claims")), LANGUAGE)
    for path, kind in (("patcit", "patent"), ("nplcit", "literature")):
        for cited in values(root, f"description//{path}"):
            draft.citations.append(DraftCitation(kind, text=cited, phase="applicant"))  # type: ignore[arg-type]
    for element in every(bibliography, "references-cited//patcit"):
        draft.citations.append(DraftCitation("patent", document_id(element), text(first(element, "text"))))
    for cited in values(bibliography, "references-cited//nplcit"):
        draft.citations.append(DraftCitation("literature", text=cited))
    drawn = every(root, "image-of-chosen-drawing/img") + every(root, "drawings//img")
    draft.images = images(drawn)
    draft.images += images(every(root, "description//img") + every(root, "claims//img"), "other")
    draft.images += images(every(root, "image-of-bibliographic-data/img"), "document-page")
    draft.images += images(every(root, "search-report-group/search-report"), "document-page")
    for page in every(root, "foreign-language-body/doc-page"):
        above = page.getparent()
        language = attribute(above, "lang") if above is not None else None
        caption = f"foreign-language body ({language})" if language else "foreign-language body"
        if reference := attribute(page, "file"):
            draft.images.append(DraftImage("document-page", reference, attribute(page, "type"), caption=caption))


def _amendment(element: etree._Element) -> DraftEvent | None:
    """A `written-amendment`: its document codes, items and new wording."""
    said = []
    for group in every(element, ".//amendment-group"):
        parts = [value(group, name) for name in ("document-code", "item-of-amendment", "way-of-amendment")]
        said.append(DraftText(TextType.OTHER, " ".join(part for part in parts if part), LANGUAGE))
        for contents in every(group, "contents-of-amendment"):
            kind = {"claims": TextType.CLAIMS, "description": TextType.DESCRIPTION}.get(
                attribute(contents, "kind-of-document") or "", TextType.OTHER
            )
            if words := block_text(contents):
                said.append(DraftText(kind, words, LANGUAGE))
    date = value(element, "date")
    if not said and date is None:
        return None
    code = attribute(element, "kind") or "written-amendment"
    return DraftEvent(code, "JP-GAZETTE", OFFICE, event_date=date, description=[text for text in said if text.text])


# --- documents of a file ---

LAWS = {"patent": Right.PATENT, "utility": Right.PATENT, "design": Right.DESIGN, "trademark": Right.TRADEMARK}
DOCUMENTS = (
    "pat-amnd",
    "pat-rspns",
    "pat-etc",
    "pat-appd",
    "notice-pat-exam",
    "notice-pat-exam-rn",
    "cpy-notice-pat-exam",
    "cpy-notice-pat-exam-rn",
)
"""Roots of the JPO's document types; others in its namespace are read alike."""


def read_document(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, DOCUMENTS, context):
        yield _document(record) if isinstance(record, XmlRecord) else record


def _document(record: XmlRecord) -> Draft:
    root = record.element
    unwrap(root)
    law = next((found for node in root.iter() if (found := attribute(node, "kind-of-law"))), "patent")
    draft = start(record, LAWS.get(law, Right.PATENT))
    draft.identified_by = NumberType.APPLICATION
    draft.partial, draft.office, draft.language = True, OFFICE, attribute(root, "lang") or LANGUAGE
    for element in every(root, ".//application-reference"):
        number = _own(element)
        add_number(draft, NumberType.APPLICATION, number, DateType.FILING)
        if number is not None:
            break
    for path, role in (
        (".//applicants/applicant", PartyRole.APPLICANT),
        (".//agents/agent", PartyRole.REPRESENTATIVE),
    ):
        for element in every(root, path):
            for party in parties(element, role):
                if party.address is not None:
                    # 省略: contacts left out by the office
                    party.address.phone = [phone for phone in party.address.phone if "省略" not in phone]
                draft.parties.append(party)
    code = value(root, "*/document-code", ".//document-code") or local(root)
    dates = [value(root, path) for path in (".//dispatch-control-article//date", ".//submission-date", ".//date")]
    event = DraftEvent(code, "JP-DOCUMENT-CODE", OFFICE, event_date=next((date for date in dates if date), None))
    label = next((found for path in (".//addressed-to-person", ".//document-name") if (found := value(root, path))), "")
    dispatch = value(root, ".//dispatch-number")
    said = [part for part in (label, f"dispatch number {dispatch}" if dispatch else "") if part]
    event.description = [DraftText(TextType.OTHER, part, LANGUAGE) for part in said]
    amendment = first(root, ".//amendment-article")
    amended = _amendment(amendment) if amendment is not None else None
    if amended is not None:
        event.description += amended.description
    for name in ("opinion-contents-article", "drafting-body", "conclusion-part-article"):
        for element in every(root, f".//{name}"):
            if words := block_text(element):
                event.description.append(DraftText(TextType.OTHER, words, LANGUAGE))
    draft.events.append(event)
    draft.images = images(every(root, ".//img"), "other")
    return draft


def _is_document(found: Signature) -> bool:
    return found.root in DOCUMENTS


FORMATS: tuple[Format, ...] = (
    Format(
        name="jp-official-gazette",
        title="JPO gazette of patents and utility models (ST.36)",
        rights=("patent",),
        recognises=lambda found: found.root == "jp-official-gazette",
        read=read_gazette,
        version=1,
        reads=(
            "publication, application and registration number, ST.16 kind, name of the gazette, dates",
            "title, abstract, description, claims in Japanese",
            "applicants, inventors, agents with the JPO's numbers of them; addresses as personal data",
            "IPC with its indicators, FI with facets, F-term themes and F-terms",
            "priorities, divisions and conversions, PCT application and publication, designated states",
            "printed amendments as events with their wording, request for examination, date of translation",
            "documents cited in the description",
            "images of front page, drawings, search report and foreign-language original by file name",
        ),
    ),
    Format(
        name="jp-file-document",
        title="JPO document of a file (API bundle): amendment, response, notice",
        rights=("patent", "design", "trademark"),
        recognises=_is_document,
        read=read_document,
        version=1,
        reads=(
            "a partial record of the application that the document names",
            "the document as an event with its code, wording and dispatch number",
            "applicants and agents with the JPO's numbers of them",
        ),
    ),
)
