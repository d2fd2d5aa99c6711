"""ST.96 patents: publications of V3 to V6, USPTO PEDS (`PatentBulkData`, V3 with extensions) and XML4IP documents.

Names are local (ST.96 splits them over `com`, `pat` and the office's own namespaces, which changed between versions),
and nothing is required: real PEDS has no public schema and real publications leave mandatory parts out. What identifies
a record is checked by harmonising, not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Literal

from lxml import etree

from common.errors import InputError, Place, UnidentifiedRecord
from common.messages import say
from indexer.formats import st36
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
from indexer.formats.reading import Context, Format, Signature
from indexer.formats.xml import attribute, every, first, local, records, text, value, values
from indexer.record import DateType, Layer, NumberType, PartyRole, RelationType, Right, TextType

PUBLICATIONS = ("PatentPublication", "PatentGrantPublication", "ApplicationPublication", "Patent")
BIBLIOGRAPHY = "BibliographicData"
"""In a publication, or a document of its own where there is no full text."""

ROLES = {
    "Applicant": PartyRole.APPLICANT,
    "Inventor": PartyRole.INVENTOR,
    "Owner": PartyRole.OWNER,
    "Assignee": PartyRole.OWNER,
    "RegisteredPractitioner": PartyRole.REPRESENTATIVE,
    "PrimaryExaminer": PartyRole.EXAMINER,
    "AssistantExaminer": PartyRole.EXAMINER,
    "AuthorizedOfficer": PartyRole.EXAMINER,
    "CorrespondenceAddress": PartyRole.CORRESPONDENT,
    "Licensee": PartyRole.LICENSEE,
    "Opponent": PartyRole.OPPONENT,
}

RELATIONS = {
    "Addition": RelationType.ADDITION_TO,
    "Division": RelationType.DIVISIONAL_OF,
    "Continuation": RelationType.CONTINUATION_OF,
    "PartialContinuation": RelationType.CONTINUATION_IN_PART_OF,
    "ContinuationInPart": RelationType.CONTINUATION_IN_PART_OF,
    "Conversion": RelationType.CONVERSION_OF,
    "UtilityModelBasis": RelationType.CONVERSION_OF,
    "ContinuingReissue": RelationType.REISSUE_OF,
    "Reissue": RelationType.REISSUE_OF,
    "DivisionalReissue": RelationType.REISSUE_OF,
    "Correction": RelationType.CORRECTS,
}
"""Kinds of `RelatedDocumentBag`; those that are not here are `related`."""

DATES = {
    "GrantDate": DateType.GRANT,
    "GrantPublicationDate": DateType.GRANT,
    "ReceivingOfficeDate": DateType.RECEIPT,
    "ExhibitionFilingDate": DateType.EXHIBITION,
    "ExpiryDate": DateType.EXPIRY,
    "PatentExpiryDate": DateType.EXPIRY,
    "EnteredIntoForceDate": DateType.EFFECTIVE,
}

EVENTS = frozenset(
    {"ApplicationWithdrawnDate", "ApplicationDeemedWithdrawnDate", "ApplicationPartiallyWithdrawnDate"}
    | {"PatentRevocationDate", "RightsReestablishedDate", "PCTNationalPhaseEntryDate", "ExaminationRequestDate"}
    | {"FirstDespatchedExaminationReportDate", "PatentMaintainedAsAmendedDate", "ProceedingsSuspensionDate"}
    | {"ProceedingsInterruptionDate", "ProceedingsResumptionDate", "SearchRequestDate", "PatentRestorationDate"}
    | {"NationalApplicationConversionRequestDate", "OppositionFilingDate", "OppositionInadmissibleDate"}
    | {"OppositionRejectionDate", "OppositionTerminationDate", "LORDate", "LORCancellationDate", "DisclaimerDate"}
)
"""Dates of `BibliographicData` that are steps of the dossier."""

DATED_ELSEWHERE = frozenset(
    {"PatentPublicationIdentification", "PatentGrantIdentification", "ApplicationIdentification", "PriorityClaim"}
    | {"PatentClassificationBag", "ReferenceCitation", "RelatedDocumentBag", "SearchField", "PatentFamily"}
    | {"InternationalFilingData", "RegionalFilingData", "InternationalPublishingData", "RegionalPublishingData"}
)

SKIPPED = frozenset(
    {"BoundaryData", "ClaimTypeCategory", "ClaimStatusCategory", "ImageFormatCategory", "FileName", "HeightMeasure"}
    | {"WidthMeasure", "Alt", "ImageContentCategory", "DocumentFormatCategory", "DocumentContentCategory"}
    | {"ImageResolutionQuantity", "ColourIndicator", "Image", "PageImage", "DocumentURI"}
)
"""What stands between the words of a text without being words of it: page headers, kinds of claims, image files."""
BLOCKS = frozenset(
    {"P", "Heading", "Claim", "ClaimText", "LI", "Entry", "Row", "DT", "DD", "Br", "Table", "TableExternalDoc"}
    | {"Math", "Claims", "ClaimStatement", "entry", "row", "table", "InventionTitle"}
)


# --- publications ---


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, (*PUBLICATIONS, BIBLIOGRAPHY), context):
        yield record if isinstance(record, InputError) else st36.place(publication(record.element), record)


def publication(element: etree._Element) -> Draft:
    draft = Draft(Right.PATENT)
    draft.office = value(element, "IPOfficeCode") or attribute(element, "officeCode")
    draft.language = attribute(element, "languageCode")
    for data in [element] if local(element) == BIBLIOGRAPHY else every(element, BIBLIOGRAPHY):
        bibliography(draft, data)
    for name, text_type in (
        ("Abstract", TextType.ABSTRACT),
        ("Description", TextType.DESCRIPTION),
        ("Claims", TextType.CLAIMS),
        ("ApplicantKeywordText", TextType.KEYWORD),
    ):
        for found in every(element, name):
            if words := prose(found):
                draft.texts.append(DraftText(text_type, words, attribute(found, "languageCode")))
    draft.images += images(element)
    return draft


def bibliography(draft: Draft, data: etree._Element) -> None:
    """Read a `BibliographicData` into `draft`."""
    published = [number for node in every(data, "PatentPublicationIdentification") for number in _publication(node)]
    granted = [number for node in every(data, "PatentGrantIdentification") for number in _grant(node)]
    filed = [number for node in every(data, "ApplicationIdentification") for number in _application(node)]
    draft.numbers += published + granted + filed
    st36.first_date(draft, DateType.PUBLICATION, published)
    st36.first_date(draft, DateType.GRANT, granted)
    st36.first_date(draft, DateType.FILING, filed)
    draft.office = draft.office or next((n.office for n in draft.numbers if n.office), None)
    draft.kind = next((n.kind for n in published + granted if n.kind), None)
    draft.language = value(data, "PublicationLanguageCode", "FilingLanguageCode") or draft.language
    titles(draft, data)
    for bag in every(data, "PatentClassificationBag"):
        draft.classifications += classifications(bag)
    draft.priorities += [found for node in every(data, "PriorityClaimBag/PriorityClaim") if (found := _priority(node))]
    draft.citations += [
        found for node in every(data, "ReferenceCitationBag/ReferenceCitation") for found in citations(node)
    ]
    for bag in every(data, "PartyBag") + every(data, "LicenceBag"):
        draft.parties += parties(bag)
    for bag in every(data, "RelatedDocumentBag"):
        draft.relations += relations(bag)
    international(draft, data)
    designations(draft, data)
    family(draft, data)
    other_dates(draft, data)
    for node in every(data, "PlainLanguageDesignationText"):
        if words := text(node):
            draft.texts.append(DraftText(TextType.OTHER, words, attribute(node, "languageCode")))


def titles(draft: Draft, data: etree._Element) -> None:
    for path in ("InventionTitleBag/InventionTitle", "InventionTitle"):
        for node in every(data, path):
            if words := prose(node):
                draft.texts.append(DraftText(TextType.TITLE, words, attribute(node, "languageCode")))
    for path in ("PlantName/LatinPlantName", "PlantName/VarietyName", "PlantName/PlantLatinName"):
        draft.texts += [DraftText(TextType.OTHER, words) for words in values(data, path)]


def _publication(node: etree._Element) -> list[DraftNumber]:
    return [
        DraftNumber(
            NumberType.PUBLICATION,
            raw,
            value(node, "IPOfficeCode"),
            value(node, "PatentDocumentKindCode"),
            value(node, "PublicationDate"),
        )
        for raw in values(node, "PublicationNumber")
    ]


def _grant(node: etree._Element) -> list[DraftNumber]:
    return [
        DraftNumber(
            NumberType.REGISTRATION,
            raw,
            value(node, "IPOfficeCode"),
            value(node, "PatentDocumentKindCode"),
            value(node, "GrantDate"),
        )
        for raw in values(node, "PatentNumber")
    ]


def _application(node: etree._Element, number_type: NumberType = NumberType.APPLICATION) -> list[DraftNumber]:
    raws = values(node, "ApplicationNumber/ApplicationNumberText") + values(node, "ApplicationNumberText")
    forms = values(node, "ApplicationNumber/ST13ApplicationNumber") + values(node, "ST13ApplicationNumber")
    if not raws:
        raws, forms = (forms, []) if forms else (values(node, "ApplicationNumber"), [])
    office = value(node, "IPOfficeCode", "ApplicationNumber/IPOfficeCode")
    return [DraftNumber(number_type, raw, office, date=value(node, "FilingDate"), forms=list(forms)) for raw in raws]


def _priority(node: etree._Element) -> DraftPriority | None:
    numbers = _application(node)
    if not numbers:
        return None
    numbers[0].office = numbers[0].office or value(node, "IPOfficeName")
    sequence = attribute(node, "sequenceNumber")
    return DraftPriority(
        numbers[0],
        date=value(node, "FilingDate"),
        sequence=st36.ordinal(sequence),
        type=value(node, "ApplicationFilingCategory"),
    )


# --- classifications ---


def classifications(bag: etree._Element) -> list[DraftClassification]:
    """The classes of a `PatentClassificationBag`, ranks of combination sets included."""
    found: list[DraftClassification] = []
    for name, scheme in (("IPCRClassification", "IPC"), ("CPCClassification", "CPC"), ("ECLAClassification", "ECLA")):
        found += [_symbol(node, scheme) for node in bag.iter("{*}" + name)]
    for node in bag.iter("{*}IPCClassification"):
        edition = value(node, "Edition")
        for name in ("MainClassification", "FurtherClassification"):
            for part in every(node, name):
                raw = text(part) if not len(part) else None
                one = st36.old_ipc(raw, edition) if raw else _symbol(part, "IPC")
                one.edition, one.first = one.edition or edition, name == "MainClassification"
                found.append(one)
    for node in bag.iter("{*}NationalClassification"):
        office = value(node, "IPOfficeCode")
        scheme = {"US": "USPC", "JP": "FI"}.get(office or "", office or "NATIONAL")
        for name in ("MainNationalClassification", "FurtherNationalClassification"):
            for part in every(node, name):
                symbol = "/".join(s for tag in ("NationalClass", "NationalSubclass") if (s := value(part, tag)))
                if symbol := symbol or text(part) or "":
                    first_one = name == "MainNationalClassification"
                    found.append(
                        DraftClassification(scheme, symbol, value(node, "Edition"), first=first_one, office=office)
                    )
    for node in bag.iter("{*}LocarnoClassificationBag"):
        edition = value(node, "LocarnoClassificationEdition", "Edition")
        found += [DraftClassification("LOCARNO", raw, edition) for raw in values(node, ".//LocarnoClassificationText")]
    return st36.unique(one for one in found if one.symbol)


def _symbol(node: etree._Element, scheme: str) -> DraftClassification:
    section = value(node, "Section", "CPCSection", "IPCSection")
    symbol = "".join(part for part in (section, value(node, "Class"), value(node, "Subclass")) if part)
    group, subgroup = value(node, "MainGroup"), value(node, "Subgroup")
    if group:
        symbol += f" {group}/{subgroup}" if subgroup else f" {group}"
    code = value(node, "IPCClassificationValueCode", "CPCClassificationValueCode", "ClassificationValueCode")
    return DraftClassification(
        scheme,
        symbol or value(node, "PatentClassificationText", "ClassificationText") or text(node) or "",
        edition=value(node, "ClassificationVersionDate", "Edition"),
        first=value(node, "SymbolPositionCode") == "F",
        inventive={"I": True, "N": False, "A": False}.get(code or ""),
        office=value(node, "GeneratingOfficeCode"),
    )


# --- citations, relations ---


def citations(node: etree._Element) -> Iterator[DraftCitation]:
    """The documents of one `ReferenceCitation`."""
    said = (attribute(node, "citedPhaseCategory"), attribute(node, "citingPartyCategory"))
    phase = ", ".join(part for part in said if part) or None
    relevance = every(node, "DocumentRelevanceBag/DocumentRelevance") + every(node, "DocumentRelevance")
    category = (
        " ".join(
            c
            for part in relevance
            for c in values(part, "RelevanceCategoryCode") + values(part, "CitationCategoryCode")
        )
        or None
    )
    claims = ", ".join(values(node, ".//RelatedClaimBag/ClaimNumber") + values(node, ".//RelatedClaimText")) or None
    passages = [words for part in every(node, "CitedPassageBag") if (words := st36.spaced(part)) is not None]
    passages += values(node, "CommentText")
    for cited in every(node, "PatentCitation"):
        said_of_it = values(cited, "PatentCitationText")
        number: DraftNumber | None = None
        for where in every(cited, "CitedPatentDocumentIdentification"):
            said_of_it += values(where, "EntityName")
            if raw := value(where, "DocumentNumber"):
                number = number or DraftNumber(
                    NumberType.PUBLICATION,
                    raw,
                    value(where, "IPOfficeCode"),
                    value(where, "PatentDocumentKindCode"),
                    value(where, "PatentDocumentDate"),
                )
        yield DraftCitation("patent", number, "; ".join(said_of_it + passages) or None, category, phase, claims)
    for cited in every(node, "NPLCitation"):
        whole = st36.spaced(cited, ", ")
        literature = [whole] if whole else []
        yield DraftCitation("literature", None, "; ".join(literature + passages) or None, category, phase, claims)


def _documents(node: etree._Element) -> list[DraftNumber]:
    """Every number that stands in a parent, child or related document."""
    found = []
    for part in node.iter("{*}ApplicationIdentification"):
        pct = any(local(above).startswith("PCTDocument") for above in part.iterancestors())
        found += _application(part, NumberType.PCT_APPLICATION if pct else NumberType.APPLICATION)
    for part in node.iter("{*}PatentPublicationIdentification"):
        found += _publication(part)
    for part in node.iter("{*}PatentGrantIdentification"):
        found += _grant(part)
    return found


def relations(bag: etree._Element) -> list[DraftRelation]:
    """`RelatedDocumentBag`: parents under what they are parents of, the child (often this record itself) as child."""
    found = []
    for kind in bag:
        if not isinstance(kind.tag, str):
            continue
        relation = RELATIONS.get(local(kind), RelationType.RELATED)
        status = value(kind, "ParentDocument/ParentDocumentStatusCode")
        for child in every(kind, "ChildDocument"):
            found += [DraftRelation(RelationType.CHILD, n, local(kind), n.date) for n in _documents(child)]
        for part in every(kind, "ParentDocument") or ([] if every(kind, "ChildDocument") else [kind]):
            words = f"{local(kind)} {status}" if status else local(kind)
            found += [DraftRelation(relation, n, words, n.date) for n in _documents(part)]
    return found


def international(draft: Draft, data: etree._Element) -> None:
    """PCT and regional filing and publishing data (INID 86, 87)."""
    for name, number_type in (
        ("InternationalFilingData", NumberType.PCT_APPLICATION),
        ("RegionalFilingData", NumberType.APPLICATION),
    ):
        for node in every(data, name):
            inner = [*node.iter("{*}ApplicationIdentification")] or [node]
            for numbers in (_application(part, number_type) for part in inner):
                draft.numbers += numbers
                draft.dates += [DraftDate(DateType.OTHER, n.date, name) for n in numbers if n.date]
    for name in ("InternationalPublishingData", "RegionalPublishingData"):
        for node in every(data, name):
            inner = [*node.iter("{*}PatentPublicationIdentification")] or [node]
            for number in (number for part in inner for number in _publication(part)):
                number.type = NumberType.PCT_PUBLICATION if name.startswith("Int") else NumberType.PUBLICATION
                draft.numbers.append(number)
                if number.date:
                    draft.dates.append(DraftDate(DateType.OTHER, number.date, name))


def designations(draft: Draft, data: etree._Element) -> None:
    """`StateDesignation`: states by the element that says how they are designated."""
    for node in every(data, "StateDesignation"):
        for part in node.iter():
            if not isinstance(part.tag, str) or len(part) or not local(part).endswith("Code"):
                continue
            above = part.getparent()
            kind = local(above) if above is not None and above is not node else local(part)
            if state := text(part):
                draft.designations.append(DraftDesignation(state, type=kind))


def family(draft: Draft, data: etree._Element) -> None:
    for node in every(data, "PatentFamily"):
        draft.families += [DraftFamily(words, "other") for words in values(node, "PatentFamilyText")]
        for part in every(node, "PatentFamilyMember") + every(node, "PriorityApplication"):
            numbers = _documents(part) or _application(part) + _publication(part)
            draft.relations += [DraftRelation(RelationType.RELATED, n, local(part), n.date) for n in numbers]


def other_dates(draft: Draft, data: etree._Element) -> None:
    """Every date of the bibliography that does not belong to a number, named by its element."""
    for node in data.iter():
        if not isinstance(node.tag, str) or len(node) or not local(node).endswith("Date"):
            continue
        name, raw = local(node), text(node)
        if raw is None or {local(above) for above in node.iterancestors()} & DATED_ELSEWHERE:
            continue
        draft.dates.append(DraftDate(DATES.get(name, DateType.OTHER), raw, label=name))
        if name in EVENTS:
            draft.events.append(DraftEvent(name, "ST96-DATE", office=draft.office, event_date=raw))


# --- parties ---


def parties(bag: etree._Element) -> list[DraftParty]:
    """The parties of a `PartyBag`, `LicenceBag` or the like, wherever in it they stand."""
    found = []
    for node in bag.iter():
        role = ROLES.get(local(node)) if isinstance(node.tag, str) else None
        if role is not None and (party := _party(node, role)) is not None:
            found.append(party)
    return found


def _party(node: etree._Element, role: PartyRole) -> DraftParty | None:
    contacts = every(node, "Contact") + every(node, "PublicationContact")
    names: list[str] = []
    entity: Literal["person", "organisation", "unknown"] = "unknown"
    for source in contacts or [node]:
        for name_node in every(source, "Name"):
            names += [name for name in names_of(name_node) if name not in names]
            if first(name_node, "PersonName") is not None:
                entity = "person"
            elif first(name_node, "OrganizationName") is not None:
                entity = "organisation"
        names += [name for name in values(source, "ContactText") if name not in names]
    if not names:
        return None
    people = every(node, ".//PersonStructuredName")
    if entity == "person" and people and not any(value(person, "FirstName") for person in people):
        # PEDS puts companies into LastName
        entity = "unknown"
    sequence = attribute(node, "sequenceNumber")
    identifier = value(node, "PartyIdentifier", "RegisteredPractitionerRegistrationNumber")
    return DraftParty(
        role,
        names[0],
        other_names=names[1:],
        country=value(node, "ResidenceCountryCode")
        or next((code for source in contacts for code in values(source, ".//CountryCode")), None),
        nationality=value(node, "NationalityCode"),
        entity=entity,
        identifier=identifier,
        sequence=st36.ordinal(sequence),
        address=_address(contacts),
    )


def names_of(node: etree._Element) -> list[str]:
    """The names in a `Name`: structured (`Family, Given`), full, of an organisation or an entity, transliterated."""
    found: list[str] = []
    for person in node.iter("{*}PersonStructuredName"):
        family_name = " ".join(
            values(person, "LastName") + values(person, "FirstLastName") + values(person, "SecondLastName")
        )
        given = " ".join(values(person, "FirstName") + values(person, "MiddleName"))
        prefix, suffix = value(person, "NamePrefix"), value(person, "NameSuffix")
        whole = ", ".join(part for part in (family_name, given, suffix, prefix) if part)
        found += [whole] if whole else []
        found += values(person, "PersonOtherName")
    for path in (
        ".//PersonFullName",
        ".//OrganizationStandardName",
        ".//OrganizationOtherName",
        ".//PreferredName",
        ".//TransliterationName",
    ):
        found += values(node, path)
    for entity in every(node, "EntityName"):
        if (own := " ".join((entity.text or "").split())) or (own := text(entity) or ""):
            found.append(own)
    return list(dict.fromkeys(found))


def _address(contacts: list[etree._Element]) -> DraftAddress | None:
    found = DraftAddress()
    for contact in contacts:
        for line in values(contact, ".//AddressLineText") + values(contact, ".//PostalAddressText"):
            if line not in found.lines:
                found.lines.append(line)
        found.city = found.city or value(contact, ".//CityName")
        found.region = found.region or value(contact, ".//GeographicRegionName")
        found.postal_code = found.postal_code or value(contact, ".//PostalCode")
        found.phone += values(contact, ".//PhoneNumber")
        found.fax += values(contact, ".//FaxNumber")
        found.email += values(contact, ".//EmailAddressText")
        found.url += values(contact, ".//WebAddressURI") + values(contact, ".//WebAddressText")
    return found if found != DraftAddress() else None


# --- texts and images ---


def prose(element: etree._Element) -> str | None:
    """The words of a text, one line a paragraph, claim, heading or cell; without page headers and image files."""
    parts = [""]

    def walk(node: etree._Element) -> None:
        name = local(node)
        if name in SKIPPED:
            return
        # a claim's number opens the line of its text
        block = name in BLOCKS and not (name == "ClaimText" and parts[-1].endswith(CLAIM_NUMBER_END))
        if name == "ClaimNumber":
            parts[-1] += _claim_number(node)
            return
        if block:
            parts.append("")
        parts[-1] += node.text or ""
        for child in node:
            if isinstance(child.tag, str):
                walk(child)
            tail = child.tail or ""
            if not parts[-1].endswith(CLAIM_NUMBER_END) or tail.strip():
                parts[-1] += tail
        if block:
            parts.append("")

    walk(element)
    return "\n".join(line for part in parts if (line := " ".join(part.split()))) or None


CLAIM_NUMBER_END = ".\u00a0"


def _claim_number(node: etree._Element) -> str:
    """`1. ` before a claim whose text does not say its number itself."""
    claim = node.getparent()
    number, words = text(node), None if claim is None else text(first(claim, "ClaimText"))
    return f"{number}{CLAIM_NUMBER_END}" if number and words and not words.startswith(number) else ""


def images(element: etree._Element) -> list[DraftImage]:
    """Page images of drawings, images in texts, and external documents."""
    found: list[DraftImage] = []
    for node in element.iter("{*}FileName"):
        holder = node.getparent()
        reference = text(node)
        if holder is None or reference is None:
            continue
        above = {local(ancestor) for ancestor in node.iterancestors()}
        content = value(holder, "DocumentContentCategory") or attribute(holder, "imageContentCategory")
        drawn = bool(above & {"Drawings", "Figure"})
        found.append(
            DraftImage(
                "drawing" if drawn else "document-page" if local(holder) == "PageImage" else "other",
                reference,
                format=value(holder, "ImageFormatCategory", "DocumentFormatCategory"),
                sequence=len(found) + 1,
                caption=value(holder, "Caption", "Alt") or content,
            )
        )
    return found


# --- USPTO PEDS ---


def read_peds(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ("PatentRecord",), context):
        yield record if isinstance(record, InputError) else st36.place(patent_record(record.element), record)


PARENTS = (
    ("continuation in part", RelationType.CONTINUATION_IN_PART_OF),
    ("continuation-in-part", RelationType.CONTINUATION_IN_PART_OF),
    ("continuation", RelationType.CONTINUATION_OF),
    ("division", RelationType.DIVISIONAL_OF),
    ("reissue", RelationType.REISSUE_OF),
    ("national stage", RelationType.NATIONAL_PHASE_OF),
)
"""What a PEDS `DescriptionText` says of a parent, the more particular words first."""


def patent_record(element: etree._Element) -> Draft:
    """A PEDS `PatentRecord`: the file of one US application."""
    draft = Draft(Right.PATENT, identified_by=NumberType.APPLICATION)
    draft.office = "US"
    for data in every(element, "PatentCaseMetadata"):
        filed = value(data, "FilingDate")
        draft.numbers += [
            DraftNumber(NumberType.APPLICATION, raw, "US", date=filed) for raw in values(data, "ApplicationNumberText")
        ]
        draft.numbers += [n for node in every(data, "PatentPublicationIdentification") for n in _publication(node)]
        grants = [n for node in every(data, "PatentGrantIdentification") for n in _grant(node)]
        draft.numbers += grants
        if filed:
            draft.dates.append(DraftDate(DateType.FILING, filed))
        published = [n for n in draft.numbers if n.type is NumberType.PUBLICATION]
        st36.first_date(draft, DateType.PUBLICATION, published)
        st36.first_date(draft, DateType.GRANT, grants)
        for number in published:
            if number.office == "WO":
                number.type = NumberType.PCT_PUBLICATION
        titles(draft, data)
        for bag in every(data, "PatentClassificationBag"):
            draft.classifications += classifications(bag)
        draft.priorities += [p for node in every(data, "PriorityClaimBag/PriorityClaim") if (p := _priority(node))]
        for bag in every(data, "PartyBag"):
            draft.parties += parties(bag)
        for kind, parent in (("ParentDocumentData", True), ("ChildDocumentData", False)):
            for node in every(data, f"RelatedDocumentData/{kind}"):
                draft.relations += _peds_relation(node, parent=parent)
        if status := value(data, "ApplicationStatusCategory"):
            event = st36.current_status(status, "US-PATENT-STATUS", "US")
            event.event_date = value(data, "ApplicationStatusDate")
            draft.events.append(event)
        draft.dates += [
            DraftDate(DateType.OTHER, raw, label="OfficialFileLocationDate")
            for raw in values(data, "OfficialFileLocationDate")
        ]
        if category := value(data, "ApplicationTypeCategory"):
            draft.texts.append(DraftText(TextType.OTHER, f"ApplicationTypeCategory: {category}"))
    for step in every(element, "ProsecutionHistoryDataBag/ProsecutionHistoryData"):
        draft.events.append(_prosecution(step))
    for term in every(element, "PatentTermData/PatentTermAdjustmentData"):
        counts = [f"{local(n)} {v}" for n in term if isinstance(n.tag, str) and not len(n) and (v := text(n))]
        if counts:
            draft.texts.append(DraftText(TextType.OTHER, "PatentTermAdjustment: " + ", ".join(counts)))
    return draft


def _prosecution(step: etree._Element) -> DraftEvent:
    """`Notice of Allowance , MN/=.`: words and the office's code, which follows the last comma."""
    words = value(step, "EventDescriptionText") or ""
    said, comma, code = words.rpartition(" , ")
    event = DraftEvent(code if comma else words, "US-PROSECUTION", office="US", event_date=value(step, "EventDate"))
    if comma:
        event.description.append(DraftText(TextType.OTHER, said, "en"))
    return event


def _peds_relation(node: etree._Element, *, parent: bool) -> list[DraftRelation]:
    words = value(node, "DescriptionText") or ""
    lowered = words.lower()
    relation = (
        next((r for said, r in PARENTS if said in lowered), RelationType.PARENT) if parent else RelationType.CHILD
    )
    status = value(node, "ParentDocumentStatusCode", "ChildDocumentStatusCode")
    note = f"{words} ({status})" if status and status != "-" else words
    date = value(node, "FilingDate")
    numbers = [
        DraftNumber(
            NumberType.PCT_APPLICATION if raw.upper().startswith("PCT") else NumberType.APPLICATION,
            raw,
            "US",
            date=date,
        )
        for raw in values(node, "ApplicationNumberText")
    ]
    numbers += [DraftNumber(NumberType.REGISTRATION, raw, "US") for raw in values(node, "PatentNumber")]
    return [DraftRelation(relation, number, note, date) for number in numbers]


# --- USPTO XML4IP ---


def read_xml4ip(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ("ClaimsDocument", "SpecificationDocument"), context):
        if isinstance(record, InputError):
            yield record
            continue
        draft = filed_document(record.element)
        if draft.numbers:
            yield st36.place(draft, record)
        else:
            yield UnidentifiedRecord(
                say("input.document-without-application"),
                place=Place(context.file, context.member, record.ordinal, "ApplicationNumber", record.line),
            )


def filed_document(element: etree._Element) -> Draft:
    """Claims, specification or abstract as filed in an application, read by machine from page images."""
    draft = Draft(Right.PATENT, partial=True, identified_by=NumberType.APPLICATION)
    draft.office = "US"
    for raw in values(element, "DocumentHeaderDetails/ApplicationHeaderDetails/ApplicationNumber"):
        draft.numbers.append(DraftNumber(NumberType.APPLICATION, raw, "US"))
    code, received = value(element, "DocumentCode"), value(element, "MailRoomDate")
    for name in ("MailRoomDate", "DocumentCreateDateText"):
        if date := value(element, name):
            draft.dates.append(DraftDate(DateType.OTHER, date, label=f"{code} {name}" if code else name))
    text_type = {"CLM": TextType.CLAIMS, "ABST": TextType.ABSTRACT, "SPEC": TextType.DESCRIPTION}.get(
        code or "", TextType.CLAIMS if local(element) == "ClaimsDocument" else TextType.DESCRIPTION
    )
    version = " ".join(part for part in (code, received) if part) or None
    for body in every(element, "ClaimSet") + every(element, "Specification"):
        if (words := prose(body)) is not None:
            draft.texts.append(DraftText(text_type, words, layer=Layer.OCR, format=version))
    draft.images += images(element)
    return draft


def recognises_publication(found: Signature) -> bool:
    return found.root == BIBLIOGRAPHY or (found.root in PUBLICATIONS and BIBLIOGRAPHY in found.children)


FORMATS: tuple[Format, ...] = (
    Format(
        name="st96-patent",
        title="ST.96 patent publication, V3 to V6",
        rights=("patent",),
        recognises=recognises_publication,
        read=read,
        version=2,
        reads=(
            "publication, grant, application, PCT and regional numbers with office, kind, date",
            "titles, abstract, description, claims, keywords in every language",
            "applicants, inventors, owners, assignees, practitioners, examiners, licensees, with country and address",
            "IPC (all editions), CPC with combination sets, ECLA, national and Locarno classes",
            "priorities",
            "patent and literature citations with category, claims and passages",
            "related documents, family members",
            "designated states",
            "every date of the bibliography, steps of the dossier as events",
            "drawings, images and external documents",
        ),
    ),
    Format(
        name="us-peds",
        title="USPTO PEDS (ST.96 V3 PatentBulkData)",
        rights=("patent",),
        recognises=lambda found: found.root in ("PatentBulkData", "PatentData", "PatentRecord"),
        read=read_peds,
        version=1,
        reads=(
            "application, publication and grant numbers with dates",
            "title",
            "applicants, inventors, practitioners, examiner, correspondence address, with country and address",
            "US classes",
            "foreign priorities",
            "parents and children with their status",
            "status and prosecution history",
            "patent term adjustment",
        ),
    ),
    Format(
        name="us-xml4ip",
        title="USPTO XML4IP documents (claims, specification, abstract as filed)",
        rights=("patent",),
        recognises=lambda found: found.root in ("ClaimsDocument", "SpecificationDocument"),
        read=read_xml4ip,
        version=1,
        reads=("application number", "claims, description or abstract, marked as read by machine", "dates of receipt"),
    ),
)
