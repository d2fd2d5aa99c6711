"""US patents in mark-up: Red Book (ST.36, from 2005), PAP v1.5 (2001 to 2004), PATDOC (ST.32, 2001 to 2004).

Weekly files are many XML documents one after the other; each document is one record. Sources: the USPTO's Red Book
documentation (v4.0–v4.6), Grant Red Book specification v2.5 (ST.32), Patent Application Publication DTD v1.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from common.errors import InputError
from indexer.formats.draft import (
    Draft,
    DraftCitation,
    DraftClassification,
    DraftEvent,
    DraftImage,
    DraftNumber,
    DraftParty,
    DraftPriority,
    DraftRelation,
    DraftText,
)
from indexer.formats.reading import Context, Format
from indexer.formats.st36_parts import (
    add_dates,
    add_number,
    add_text,
    address,
    block_text,
    document_id,
    fixed_width,
    images,
    ipcr,
    parties,
    person_name,
    printed_ipc,
    start,
    whole,
)
from indexer.formats.xml import XmlRecord, attribute, every, first, local, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

OFFICE = "US"
LANGUAGE = "en"
"""Of US files that do not tag it: the USPTO publishes in English alone (37 CFR 1.52)."""

RELATIONS = {
    "addition": RelationType.ADDITION_TO,
    "division": RelationType.DIVISIONAL_OF,
    "continuation": RelationType.CONTINUATION_OF,
    "continuation-in-part": RelationType.CONTINUATION_IN_PART_OF,
    "continuing-reissue": RelationType.REISSUE_OF,
    "reissue": RelationType.REISSUE_OF,
    "us-divisional-reissue": RelationType.REISSUE_OF,
    "us-reexamination-reissue-merger": RelationType.REISSUE_OF,
    "reexamination": RelationType.OTHER,
    "substitution": RelationType.OTHER,
    "utility-model-basis": RelationType.OTHER,
    "correction": RelationType.CORRECTS,
}

# --- Red Book ---

ROLES = {
    "applicant": PartyRole.APPLICANT,
    "us-applicant": PartyRole.APPLICANT,
    "inventor": PartyRole.INVENTOR,
    "us-inventor": PartyRole.INVENTOR,
    "deceased-inventor": PartyRole.INVENTOR,
    "us-deceased-inventor": PartyRole.INVENTOR,
    "agent": PartyRole.REPRESENTATIVE,
    "assignee": PartyRole.OWNER,
    "correspondence-address": PartyRole.CORRESPONDENT,
    "primary-examiner": PartyRole.EXAMINER,
    "assistant-examiner": PartyRole.EXAMINER,
    "authorized-officer": PartyRole.EXAMINER,
}

FLAGS = (
    "us-issued-on-continued-prosecution-application",
    "rule-47-flag",
    "us-sir-flag",
    "us-publication-filing-type/*",
)
PCT_DATES = ("us-371c124-date", "us-371c12-date")


def read_red_book(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ("us-patent-grant", "us-patent-application"), context):
        yield _red_book(record) if isinstance(record, XmlRecord) else record


def _red_book(record: XmlRecord) -> Draft:
    root = record.element
    granted = local(root) == "us-patent-grant"
    found = first(root, "us-bibliographic-data-grant" if granted else "us-bibliographic-data-application")
    bibliography = found if found is not None else root
    language = attribute(root, "lang") or LANGUAGE
    publication = document_id(first(bibliography, "publication-reference"))
    application = first(bibliography, "application-reference")
    design = application is not None and "design" in (attribute(application, "appl-type") or "")
    draft = start(record, Right.DESIGN if design else Right.PATENT)
    draft.identified_by = NumberType.PUBLICATION
    draft.office = publication.office if publication else attribute(root, "country")
    draft.kind = publication.kind if publication else None
    draft.language = language
    published = (DateType.PUBLICATION, DateType.GRANT) if granted else (DateType.PUBLICATION,)
    add_number(draft, NumberType.PUBLICATION, publication, *published)
    add_number(draft, NumberType.APPLICATION, document_id(application), DateType.FILING)
    _international(draft, bibliography)
    _red_book_classes(draft, bibliography)
    _red_book_parties(draft, bibliography)
    _red_book_relations(draft, bibliography)
    for claim in every(bibliography, "priority-claims/priority-claim"):
        if number := value(claim, "doc-number"):
            date = value(claim, "date")
            draft.priorities.append(
                DraftPriority(
                    DraftNumber(NumberType.APPLICATION, number, value(claim, "country"), date=date),
                    date,
                    whole(attribute(claim, "sequence")),
                    attribute(claim, "kind"),
                )
            )
    draft.citations = _red_book_citations(bibliography)
    draft.events = _red_book_events(bibliography)
    for title in every(bibliography, "invention-title"):
        add_text(draft, TextType.TITLE, text(title), attribute(title, "lang") or language)
    for abstract in every(root, "abstract"):
        add_text(draft, TextType.ABSTRACT, block_text(abstract), attribute(abstract, "lang") or language)
    add_text(draft, TextType.DESCRIPTION, block_text(first(root, "description")), language)
    claims = [block_text(first(root, "us-claim-statement")), block_text(first(root, "claims"))]
    add_text(draft, TextType.CLAIMS, "\n".join(part for part in claims if part), language)
    for path in ("us-botanic/latin-name", "us-botanic/variety"):
        add_text(draft, TextType.KEYWORD, value(bibliography, path))
    drawings = every(root, "drawings//img")
    draft.images = images(drawings, "design-view" if design else "drawing")
    draft.images += images((img for img in every(root, ".//img") if not _within(img, "drawings")), "other")
    return draft


def _within(element: etree._Element, name: str) -> bool:
    return any(local(above) == name for above in element.iterancestors())


def _international(draft: Draft, bibliography: etree._Element) -> None:
    for filing in every(bibliography, "pct-or-regional-filing-data"):
        number = document_id(filing)
        add_number(draft, NumberType.PCT_APPLICATION, number)
        if number is not None:
            draft.relations.append(DraftRelation(RelationType.NATIONAL_PHASE_OF, number, date=number.date))
        for name in PCT_DATES:
            add_dates(draft, value(filing, f"{name}/date"), DateType.OTHER, label=name)
    for publishing in every(bibliography, "pct-or-regional-publishing-data"):
        add_number(draft, NumberType.PCT_PUBLICATION, document_id(publishing))
    for hague in every(bibliography, "hague-agreement-data"):
        registered = value(hague, "international-registration-date/date", "international-registration-date")
        if number_text := value(hague, "international-registration-number"):
            draft.numbers.append(DraftNumber(NumberType.INTERNATIONAL, number_text, "WO", date=registered))
        add_dates(draft, registered, DateType.REGISTRATION, label="international-registration-date")
        for name in ("international-filing-date", "international-registration-publication-date"):
            add_dates(draft, value(hague, f"{name}/date", name), DateType.OTHER, label=name)


def _red_book_classes(draft: Draft, bibliography: etree._Element) -> None:
    for found in every(bibliography, "classifications-ipcr/classification-ipcr"):
        _keep(draft, ipcr(found))
    for found in every(bibliography, "classification-ipc"):
        _plain_classes(draft, found, "IPC", value(found, "edition"))
    for found in every(bibliography, "classifications-cpc/main-cpc//classification-cpc"):
        _keep(draft, ipcr(found, "CPC"))
    for found in every(bibliography, "classifications-cpc/further-cpc//classification-cpc"):
        _keep(draft, ipcr(found, "CPC"))
    for found in every(bibliography, "classification-national"):
        _plain_classes(draft, found, "US-DESIGN" if draft.right is Right.DESIGN else "USPC", None)
    for found in every(bibliography, "classification-locarno"):
        _plain_classes(draft, found, "LOCARNO", value(found, "edition"))


def _keep(draft: Draft, found: DraftClassification | None) -> None:
    if found is not None:
        draft.classifications.append(found)


def _plain_classes(draft: Draft, found: etree._Element, scheme: str, edition: str | None) -> None:
    for name in ("main-classification", "further-classification"):
        for symbol in (fixed_width(element) for element in every(found, name)):
            if not symbol:
                continue
            main = name == "main-classification"
            draft.classifications.append(
                DraftClassification(scheme, symbol, edition, first=main, office=value(found, "country"))
            )


def _red_book_parties(draft: Draft, bibliography: etree._Element) -> None:
    holders = ("parties", "us-parties")
    paths = [f"{holder}/{group}" for holder in holders for group in ("applicants/*", "us-applicants/*", "inventors/*")]
    paths += [f"{holder}/{name}" for holder in holders for name in ("agents/*", "correspondence-address")]
    for path in (*paths, "us-deceased-inventors/*", "assignees/assignee", "examiners/*"):
        for element in every(bibliography, path):
            role = ROLES.get(local(element))
            if role is None:
                continue
            found = parties(element, role)
            if role is PartyRole.EXAMINER and not found and (name := person_name(element)):
                found = [DraftParty(role, name, entity="person")]
            if role is PartyRole.APPLICANT and attribute(element, "app-type") == "applicant-inventor":
                # until 2012 US applicants were the inventors, listed once for both
                found += parties(element, PartyRole.INVENTOR)
            draft.parties += found


def _red_book_relations(draft: Draft, bibliography: etree._Element) -> None:
    own = value(bibliography, "application-reference/document-id/doc-number")
    for group in every(bibliography, "us-related-documents"):
        for element in group:
            if not isinstance(element.tag, str):
                continue
            name = local(element)
            if name == "related-publication":
                for number in _document_ids(element, NumberType.PUBLICATION):
                    draft.relations.append(DraftRelation(RelationType.STAGE_OF, number, name, number.date))
            elif name in ("us-provisional-application", "provisional-application"):
                for number in _document_ids(element, NumberType.APPLICATION):
                    draft.priorities.append(DraftPriority(number, number.date, type=name))
            else:
                for relation in every(element, "relation") or [element]:
                    _relation(draft, relation, name, own)


def _document_ids(element: etree._Element, number_type: NumberType) -> Iterator[DraftNumber]:
    for found in every(element, "document-id"):
        if (number := document_id(found, number_type)) is not None:
            yield number


def _relation(draft: Draft, relation: etree._Element, name: str, own: str | None) -> None:
    """Parent of a `relation`. Where the child is not this application, the parent is one of its further ancestors."""
    parent = first(relation, "parent-doc")
    child = document_id(first(relation, "child-doc"), NumberType.APPLICATION)
    direct = child is None or own is None or child.raw.lstrip("0") == own.lstrip("0")
    kind = RELATIONS.get(name, RelationType.RELATED) if direct else RelationType.PARENT
    words = [name]
    if parent is not None and (status := value(parent, "parent-status")):
        words.append(f"parent status {status}")
    if child is not None and (not direct or child.date or child.kind):
        words.append(" ".join(part for part in ("of", child.office, child.raw, child.kind, child.date) if part))
    source = parent if parent is not None else relation
    for path, number_type in (
        ("document-id", NumberType.APPLICATION),
        ("parent-grant-document", NumberType.PUBLICATION),
        ("parent-pct-document", NumberType.PCT_APPLICATION),
    ):
        for found in every(source, path):
            if (number := document_id(found, number_type)) is not None:
                said = words if path == "document-id" else [name, path]
                draft.relations.append(DraftRelation(kind, number, ", ".join(said), number.date))


def _red_book_citations(bibliography: etree._Element) -> list[DraftCitation]:
    found = []
    for holder in ("references-cited/citation", "us-references-cited/us-citation"):
        for citation in every(bibliography, holder):
            phase = value(citation, "category")
            for cited in every(citation, "patcit"):
                number = document_id(cited, NumberType.PUBLICATION)
                name = value(cited, "document-id/name")
                if number or name:
                    found.append(DraftCitation("patent", number, name, phase=phase))
            found += [
                DraftCitation("literature", text=words, phase=phase) for words in values(citation, "nplcit/othercit")
            ]
    return found


def _red_book_events(bibliography: etree._Element) -> list[DraftEvent]:
    """Terms, disclaimers and flags of the front page; they carry no date of their own."""
    found = [
        DraftEvent(local(flag), "US-RED-BOOK", OFFICE, description=_said(text(flag)))
        for path in FLAGS
        for flag in every(bibliography, path)
    ]
    for term in every(bibliography, "us-term-of-grant"):
        parts = [part for part in term if isinstance(part.tag, str)]
        found += [DraftEvent(local(part), "US-RED-BOOK", OFFICE, description=_said(text(part))) for part in parts]
    return found


def _said(words: str | None) -> list[DraftText]:
    return [DraftText(TextType.OTHER, words, LANGUAGE)] if words else []


# --- PAP v1.5 ---

PAP_RELATIONS = {
    "division-of": RelationType.DIVISIONAL_OF,
    "continuation-of": RelationType.CONTINUATION_OF,
    "continuation-in-part-of": RelationType.CONTINUATION_IN_PART_OF,
    "reissue-of": RelationType.REISSUE_OF,
    "a-reissue-of": RelationType.REISSUE_OF,
    "addition-of": RelationType.ADDITION_TO,
    "a-371-of-international": RelationType.NATIONAL_PHASE_OF,
    "correction-of": RelationType.CORRECTS,
}
PAP_BLOCKS = frozenset(("paragraph", "heading", "claim", "row", "entry", "li"))


def read_pap(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ("patent-application-publication",), context):
        yield _pap(record) if isinstance(record, XmlRecord) else record


def _pap(record: XmlRecord) -> Draft:
    root = record.element
    found = first(root, "subdoc-bibliographic-information")
    bibliography = found if found is not None else root
    draft = start(record, Right.PATENT)
    draft.office, draft.language = OFFICE, LANGUAGE
    publication = _pap_document(first(bibliography, "document-id"), OFFICE)
    draft.kind = publication.kind if publication else None
    add_number(draft, NumberType.PUBLICATION, publication, DateType.PUBLICATION)
    filing = first(bibliography, "domestic-filing-data")
    if filing is not None and (raw := value(filing, "application-number/doc-number")):
        number = DraftNumber(NumberType.APPLICATION, raw, OFFICE, date=value(filing, "filing-date"))
        add_number(draft, NumberType.APPLICATION, number, DateType.FILING)
    for path in ("publication-filing-type", "technical-information/*/cpa-indicator"):
        draft.events += [
            DraftEvent(words, "US-PAP-FILING-TYPE", OFFICE, publication_date=publication.date if publication else None)
            for words in values(bibliography, path)
        ]
    _pap_classes(draft, bibliography)
    for title in every(bibliography, "technical-information/title-of-invention"):
        add_text(draft, TextType.TITLE, text(title), LANGUAGE)
    _pap_family(draft, bibliography)
    _pap_parties(draft, bibliography)
    for name, kind in (
        ("subdoc-abstract", TextType.ABSTRACT),
        ("subdoc-description", TextType.DESCRIPTION),
        ("subdoc-claims", TextType.CLAIMS),
    ):
        add_text(draft, kind, block_text(first(root, name), PAP_BLOCKS), LANGUAGE)
    draft.images = images(every(root, "subdoc-drawings//image"))
    draft.images += images((img for img in every(root, ".//image") if not _within(img, "subdoc-drawings")), "other")
    return draft


def _pap_document(element: etree._Element | None, office: str | None = None) -> DraftNumber | None:
    """A PAP `document-id`; the publication's own names no country."""
    if element is None or (raw := value(element, "doc-number")) is None:
        return None
    return DraftNumber(
        NumberType.APPLICATION,
        raw,
        value(element, "country-code") or office,
        value(element, "kind-code"),
        value(element, "document-date"),
    )


def _pap_classes(draft: Draft, bibliography: etree._Element) -> None:
    technical = first(bibliography, "technical-information")
    if technical is None:
        return
    edition = value(technical, "classification-ipc/classification-ipc-edition")
    for group in ("primary", "secondary"):
        for symbol in values(technical, f"classification-ipc/classification-ipc-{group}/ipc"):
            draft.classifications.append(DraftClassification("IPC", symbol, edition, first=group == "primary"))
    for group in ("primary", "secondary"):
        for found in every(technical, f"classification-us/classification-us-{group}/uspc"):
            symbol = "/".join(part for part in (value(found, "class"), value(found, "subclass")) if part)
            if symbol:
                draft.classifications.append(
                    DraftClassification("USPC", symbol, first=group == "primary", office=OFFICE)
                )


def _pap_family(draft: Draft, bibliography: etree._Element) -> None:
    own = value(bibliography, "domestic-filing-data/application-number/doc-number")
    for claim in every(bibliography, "foreign-priority-data"):
        if raw := value(claim, "priority-application-number/doc-number"):
            date = value(claim, "filing-date")
            claimed = DraftNumber(NumberType.APPLICATION, raw, value(claim, "country-code"), date=date)
            draft.priorities.append(DraftPriority(claimed, date))
    for found in every(bibliography, "continuity-data/non-provisional-of-provisional"):
        if number := _pap_document(first(found, "document-id")):
            draft.priorities.append(DraftPriority(number, number.date, type="non-provisional-of-provisional"))
    for pair in every(bibliography, "continuity-data//parent-child"):
        above = pair.getparent()
        name = local(above) if above is not None else ""
        parent = _pap_document(first(pair, "parent/document-id"))
        child = _pap_document(first(pair, "child/document-id"))
        direct = child is None or own is None or child.raw.lstrip("0") == own.lstrip("0")
        words = [name]
        if status := value(pair, "parent-status"):
            words.append(f"parent status {status}")
        if child is not None:
            words.append(" ".join(part for part in ("of", child.office, child.raw, child.kind, child.date) if part))
        if parent is not None:
            kind = PAP_RELATIONS.get(name, RelationType.RELATED) if direct else RelationType.PARENT
            draft.relations.append(DraftRelation(kind, parent, ", ".join(words), parent.date))
        for granted in every(pair, "parent/parent-patent") + every(pair, "parent-patent"):
            if number := _pap_document(first(granted, "document-id"), OFFICE):
                number.type = NumberType.PUBLICATION
                draft.relations.append(
                    DraftRelation(RelationType.RELATED, number, f"{name}, parent-patent", number.date)
                )
    for path, number_type in (
        ("cooperative-treaty-data/pct-filing-data", NumberType.PCT_APPLICATION),
        ("international-conventions/foreign-pct-filing", NumberType.PCT_APPLICATION),
        ("cooperative-treaty-data/pct-publication-data", NumberType.PCT_PUBLICATION),
    ):
        for found in every(bibliography, path):
            if number := _pap_document(first(found, ".//document-id")):
                add_number(draft, number_type, number)
                if number_type is NumberType.PCT_APPLICATION:
                    draft.relations.append(DraftRelation(RelationType.NATIONAL_PHASE_OF, number, date=number.date))
    for found in every(bibliography, "prior-publication/document-id"):
        if number := _pap_document(found, OFFICE):
            number.type = NumberType.PUBLICATION
            draft.relations.append(DraftRelation(RelationType.STAGE_OF, number, "prior-publication", number.date))


def _pap_parties(draft: Draft, bibliography: etree._Element) -> None:
    for path in ("inventors/first-named-inventor", "inventors/inventor", "inventors/*/legal-representative"):
        for element in every(bibliography, path):
            name = person_name(element, "name/family-name", ("name/given-name", "name/middle-name"), "name/name-suffix")
            if name is None:
                continue
            kind = PartyRole.INVENTOR if "legal" not in path else PartyRole.REPRESENTATIVE
            place = address(element, [element])
            residence = first(element, "residence/*")
            home = address(residence.getparent(), [_as_book(residence)]) if residence is not None else None  # type: ignore[arg-type]
            if place is not None and home is not None:
                place.lines += [
                    line for line in (home.city, home.region) if line and line not in (place.city, place.region)
                ]
            draft.parties.append(
                DraftParty(
                    kind,
                    name,
                    country=value(element, "residence/*/country-code", "address/country/country-code"),
                    nationality=value(element, "residence/citizenship/country-code", "citizenship/country-code"),
                    entity="person",
                    sequence=len(draft.parties) + 1 if kind is PartyRole.INVENTOR else None,
                    address=place or home,
                )
            )
    for element in every(bibliography, "assignee"):
        organisation = value(element, "organization-name")
        person = person_name(element, "name/family-name", ("name/given-name", "name/middle-name"), "name/name-suffix")
        if name := organisation or person:
            draft.parties.append(
                DraftParty(
                    PartyRole.OWNER,
                    name,
                    country=value(element, "address/country/country-code", "country-code"),
                    entity="organisation" if organisation else "person",
                    address=address(element, [element]),
                )
            )
    for element in every(bibliography, "correspondence-address"):
        names = values(element, "name-1") + values(element, "name-2")
        if names:
            place = address(element, [element])
            if place is not None:
                place.lines[:0] = names[1:]
            country = value(element, "address/country/country-code")
            draft.parties.append(DraftParty(PartyRole.CORRESPONDENT, names[0], country=country, address=place))


def _as_book(residence: etree._Element) -> etree._Element:
    """A residence, dressed as an addressbook so that its parts are read as those of an address are."""
    book = etree.Element("addressbook")
    place = etree.SubElement(book, "address")
    for part in residence:
        if isinstance(part.tag, str) and local(part) in ("city", "state", "military-service"):
            etree.SubElement(place, local(part).replace("military-service", "text")).text = part.text
    return book


# --- PATDOC (ST.32) ---

PATDOC_RELATIONS = {
    "B610": RelationType.ADDITION_TO,
    "B620": RelationType.DIVISIONAL_OF,
    "B631": RelationType.CONTINUATION_OF,
    "B632": RelationType.CONTINUATION_IN_PART_OF,
    "B633": RelationType.REISSUE_OF,
    "B640": RelationType.REISSUE_OF,
    "B641US": RelationType.REISSUE_OF,
    "B645": RelationType.OTHER,
    "B660": RelationType.OTHER,
}
PATDOC_TERMS = {
    "B472/B473": "disclaimer",
    "B472/B473US": "terminal disclaimer",
    "B472/B474": "length of grant",
    "B472/B474US": "term extension",
    "B472/B475": "lapse of patent",
}
PATDOC_ROLES = {
    "B711": PartyRole.APPLICANT,
    "B721": PartyRole.INVENTOR,
    "B731": PartyRole.OWNER,
    "B741": PartyRole.REPRESENTATIVE,
    "B746": PartyRole.EXAMINER,
    "B747": PartyRole.EXAMINER,
}
PATDOC_BLOCKS = frozenset(("PARA", "H", "CLM", "CLMSTEP", "row", "entry", "LI"))


def read_patdoc(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ("PATDOC",), context):
        yield _patdoc(record) if isinstance(record, XmlRecord) else record


def _patdoc(record: XmlRecord) -> Draft:
    root = record.element
    found = first(root, "SDOBI")
    bibliography = found if found is not None else root
    kind = value(bibliography, "B100/B130")
    design = (kind or "").startswith("S")
    draft = start(record, Right.DESIGN if design else Right.PATENT)
    draft.identified_by = NumberType.PUBLICATION
    draft.office, draft.kind, draft.language = value(bibliography, "B100/B190") or OFFICE, kind, LANGUAGE
    if raw := value(bibliography, "B100/B110"):
        number = DraftNumber(NumberType.PUBLICATION, raw, draft.office, kind, value(bibliography, "B100/B140"))
        add_number(draft, NumberType.PUBLICATION, number, DateType.PUBLICATION, DateType.GRANT)
    if raw := value(bibliography, "B200/B210"):
        number = DraftNumber(NumberType.APPLICATION, raw, OFFICE, date=value(bibliography, "B200/B220"))
        add_number(draft, NumberType.APPLICATION, number, DateType.FILING)
    for claim in every(bibliography, "B300"):
        if raw := value(claim, "B310"):
            date = value(claim, "B320")
            number = DraftNumber(NumberType.APPLICATION, raw, value(claim, "B330"), date=date)
            draft.priorities.append(DraftPriority(number, date))
    for path, name in PATDOC_TERMS.items():
        for term in every(bibliography, f"B400/{path}"):
            draft.events.append(
                DraftEvent(local(term), "US-ST32", OFFICE, description=_said(f"{name}: {text(term) or 'yes'}"))
            )
    _patdoc_technical(draft, bibliography, design)
    _patdoc_family(draft, bibliography)
    for element in every(bibliography, "B700/*/*"):
        if (role := PATDOC_ROLES.get(local(element))) is not None:
            draft.parties += _patdoc_parties(element, role)
    for name, kind_of_text in (
        ("SDOAB", TextType.ABSTRACT),
        ("SDODE", TextType.DESCRIPTION),
        ("SDOCL", TextType.CLAIMS),
    ):
        add_text(draft, kind_of_text, block_text(first(root, name), PATDOC_BLOCKS), LANGUAGE)
    for element in every(root, ".//EMI"):
        if reference := attribute(element, "FILE"):
            drawn = _within(element, "SDODR")
            what = ("design-view" if design else "drawing") if drawn else "other"
            image = DraftImage(what, reference, sequence=len(draft.images) + 1, caption=attribute(element, "LEGEND"))  # type: ignore[arg-type]
            draft.images.append(image)
    return draft


def _patdoc_technical(draft: Draft, bibliography: etree._Element, design: bool) -> None:
    edition = value(bibliography, "B500/B510/B516")
    international = "LOCARNO" if design else "IPC"
    national = "US-DESIGN" if design else "USPC"
    for name in ("B511", "B512"):
        for element in every(bibliography, f"B500/B510/{name}"):
            if symbol := printed_ipc(fixed_width(element)):
                draft.classifications.append(DraftClassification(international, symbol, edition, first=name == "B511"))
    for name in ("B521", "B522"):
        for element in every(bibliography, f"B500/B520/{name}"):
            if symbol := fixed_width(element):
                draft.classifications.append(DraftClassification(national, symbol, first=name == "B521", office=OFFICE))
    for title in every(bibliography, "B500/B540"):
        add_text(draft, TextType.TITLE, text(title), LANGUAGE)
    for citation in every(bibliography, "B500/B560/*"):
        by = [local(part).lower().replace("-", " ") for part in citation if local(part).startswith("CITED-BY")]
        phase = by[0] if by else None
        for cited in every(citation, "PCIT"):
            number = _patdoc_document(first(cited, "DOC"), NumberType.PUBLICATION)
            name_of = ", ".join(values(cited, "PARTY-US/NAM")) or None
            draft.citations.append(DraftCitation("patent", number, name_of, phase=phase))
        for cited in every(citation, "NCIT"):
            draft.citations.append(DraftCitation("literature", text=text(cited), phase=phase))


def _patdoc_document(element: etree._Element | None, number_type: NumberType) -> DraftNumber | None:
    if element is None or (raw := value(element, "DNUM")) is None:
        return None
    return DraftNumber(number_type, raw, value(element, "CTRY"), value(element, "KIND"), value(element, "DATE"))


def _patdoc_family(draft: Draft, bibliography: etree._Element) -> None:
    own = value(bibliography, "B200/B210") or ""
    for found in every(bibliography, "B600//PARENT-US"):
        above = found.getparent()
        code = local(above) if above is not None else ""
        parent = _patdoc_document(first(found, "PDOC/DOC"), NumberType.APPLICATION)
        child = _patdoc_document(first(found, "CDOC/DOC"), NumberType.APPLICATION)
        direct = child is None or _digits(child.raw)[-6:] == _digits(own)[-6:]
        words = [code]
        if status := value(found, "PSTA"):
            words.append(f"parent status {status}")
        if child is not None:
            words.append(f"of {child.raw}")
        kind = PATDOC_RELATIONS.get(code, RelationType.RELATED) if direct else RelationType.PARENT
        if parent is not None:
            if parent.raw.startswith("PCT"):
                parent.type = NumberType.PCT_APPLICATION
            draft.relations.append(DraftRelation(kind, parent, ", ".join(words), parent.date))
        for path in ("PPUB/DOC", "PDOC/PPUB/DOC"):
            if number := _patdoc_document(first(found, path), NumberType.PUBLICATION):
                draft.relations.append(DraftRelation(kind, number, f"{code}, parent publication", number.date))
    for found in every(bibliography, "B600/B680US/DOC"):
        if number := _patdoc_document(found, NumberType.APPLICATION):
            draft.priorities.append(DraftPriority(number, number.date, type="provisional"))
    for found in every(bibliography, "B600/B650/DOC"):
        if number := _patdoc_document(found, NumberType.PUBLICATION):
            draft.relations.append(DraftRelation(RelationType.STAGE_OF, number, "B650", number.date))
    for found in every(bibliography, "B800/B860/B861/DOC"):
        if number := _patdoc_document(found, NumberType.PCT_APPLICATION):
            draft.numbers.append(number)
            draft.relations.append(DraftRelation(RelationType.NATIONAL_PHASE_OF, number, date=number.date))
    for found in every(bibliography, "B800/B870/B871/DOC"):
        if number := _patdoc_document(found, NumberType.PCT_PUBLICATION):
            draft.numbers.append(number)
    for found in every(bibliography, "B800/B860/*"):
        if local(found) != "B861":
            add_dates(draft, value(found, "DATE"), DateType.OTHER, label=local(found))


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))


def _patdoc_parties(element: etree._Element, role: PartyRole) -> list[DraftParty]:
    found = []
    for party in every(element, "PARTY-US"):
        organisation = value(party, "NAM/ONM")
        person = person_name(party, "NAM/SNM", ("NAM/FNM",), "NAM/SFX")
        residence = address(party, [_patdoc_book(party)])
        country = value(party, "ADR/CTRY")
        for name, entity in ((organisation, "organisation"), (person, "person")):
            if name:
                found.append(DraftParty(role, name, country=country, entity=entity, address=residence))  # type: ignore[arg-type]
    return found


PATDOC_ADDRESS = {
    "STR": "street",
    "CITY": "city",
    "STATE": "state",
    "PCODE": "postcode",
    "EMAIL": "email",
    "TEL": "phone",
    "FAX": "fax",
    "OMC": "text",
}


def _patdoc_book(party: etree._Element) -> etree._Element:
    book = etree.Element("addressbook")
    place = etree.SubElement(book, "address")
    for path, name in PATDOC_ADDRESS.items():
        for words in values(party, f"ADR/{path}"):
            etree.SubElement(place, name).text = words
    return book


_COMMON = (
    "publication and application number, kind and dates",
    "title, abstract, description, claims",
    "applicants, inventors, assignees, representatives, examiners, correspondents with country",
    "addresses and contacts as personal data",
    "foreign priorities and provisional applications",
    "divisions, continuations, reissues and other related applications, earlier publications",
    "PCT application and publication",
    "citations with who cited them",
    "drawings and other images by file name",
)

FORMATS: tuple[Format, ...] = (
    Format(
        name="st36-us-grant",
        title="US Red Book grant (ST.36), v4.0 to v4.6",
        rights=("patent", "design"),
        recognises=lambda found: found.root == "us-patent-grant",
        read=read_red_book,
        version=1,
        reads=(
            *_COMMON,
            "IPC, CPC (combination sets too), US and Locarno classes",
            "term extensions, disclaimers, flags",
            "Hague data",
        ),
    ),
    Format(
        name="st36-us-application",
        title="US Red Book application publication (ST.36), v4.0 to v4.6",
        rights=("patent",),
        recognises=lambda found: found.root == "us-patent-application",
        read=read_red_book,
        version=1,
        reads=(*_COMMON, "IPC, CPC (combination sets too) and US classes", "dates of entry into the national phase"),
    ),
    Format(
        name="us-pap",
        title="US patent application publication (PAP v1.5), 2001 to 2004",
        rights=("patent",),
        recognises=lambda found: found.root == "patent-application-publication",
        read=read_pap,
        version=1,
        reads=(*_COMMON, "IPC and US classes", "type of filing and publication"),
    ),
    Format(
        name="us-patdoc",
        title="US grant in ST.32 mark-up (PATDOC v2.4, v2.5), 2001 to 2004",
        rights=("patent", "design"),
        recognises=lambda found: found.root == "PATDOC",
        read=read_patdoc,
        version=1,
        reads=(*_COMMON, "IPC, US and Locarno classes", "term of grant and disclaimers"),
    ),
)
