"""Patents as WIPO ST.96 V6 `PatentPublication`, or `BibliographicData` where the record has no claims.

A PatentPublication must have claims (or page images with their measures, which a Record does not keep), so a record
without them is written as the bibliography that it is, and an abstract that it may have is reported.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from api.exchange.writers import st96_parts as parts
from api.exchange.writers.codes import category, code
from api.exchange.writers.markup import E, Element
from api.exchange.writers.result import Missing, unwritable
from api.exchange.writers.saying import first_of, iso, labelled, lines, number_text, parties, tag, texts
from indexer.record import (
    Citation,
    Classification,
    DateType,
    Image,
    Number,
    NumberType,
    Party,
    PartyRole,
    Priority,
    Record,
    RelationType,
    Right,
    TextType,
)

PATENT = Right.PATENT
FORMAT = "st96"

RELATIONS = {
    RelationType.ADDITION_TO: "Addition",
    RelationType.DIVISIONAL_OF: "Division",
    RelationType.CONTINUATION_OF: "Continuation",
    RelationType.CONTINUATION_IN_PART_OF: "PartialContinuation",
    RelationType.CONVERSION_OF: "Conversion",
    RelationType.REISSUE_OF: "Reissue",
    RelationType.CORRECTS: "Correction",
    RelationType.RELATED: "RelatedPublication",
}
"""The element of `RelatedDocumentBag` for a relation. Those with a parent name this record as their child."""

RIGHTS_EFFECTIVE = (
    "ExaminationRequestDate",
    "FirstDespatchedExaminationReportDate",
    "PatentMaintainedAsAmendedDate",
    "ProceedingsSuspensionDate",
    "ProceedingsInterruptionDate",
    "ProceedingsResumptionDate",
    "AfterAppealRightsNotificationDate",
    "EnteredIntoForceDate",
    "SearchRequestDate",
    "PatentRestorationDate",
)
"""Dates of `RightsEffectiveDateBag` that stand in it by themselves."""
COMMON = ("ExaminationRequestDate",)

DATES_AT_THE_END = (
    ("ExhibitionFilingDate", DateType.EXHIBITION),
    ("RightsReestablishedDate", DateType.OTHER),
    ("ApplicationWithdrawnDate", DateType.OTHER),
    ("ApplicationDeemedWithdrawnDate", DateType.OTHER),
    ("PatentRevocationDate", DateType.OTHER),
    ("PCTNationalPhaseEntryDate", DateType.OTHER),
    ("ApplicationPartiallyWithdrawnDate", DateType.OTHER),
)


def write(record: Record) -> bytes:
    """Raises UnwritableRecord where application, title or every party is missing (BibliographicData requires them)."""
    missing = _missing(record)
    if missing:
        raise unwritable(FORMAT, record.id, missing)
    claims, language = texts(record, TextType.CLAIMS), tag(record.language)
    if claims and language and code("office", record.office):
        return parts.document(_publication(record, language), "com", "pat")
    return parts.document(_bibliography(record), "com", "pat")


def _missing(record: Record) -> list[Missing]:
    found = []
    filed = record.number(NumberType.APPLICATION, NumberType.PCT_APPLICATION)
    if filed is None:
        found.append(Missing("numbers.application", "BibliographicData requires the application's number"))
    elif code("office", filed.office) is None:
        found.append(Missing("numbers.application.office", f"{filed.office} is no ST.3 code that ST.96 knows"))
    if not texts(record, TextType.TITLE):
        found.append(Missing("texts.title", "BibliographicData requires a title"))
    if _parties(record) is None:
        found.append(
            Missing("parties", "BibliographicData requires an applicant, inventor, owner, examiner or address")
        )
    return found


def _publication(record: Record, language: str) -> Element | None:
    images = [image for image in record.images if _external(image) is not None]
    keywords = texts(record, TextType.KEYWORD)
    return E(
        "pat:PatentPublication",
        {"com:languageCode": language},
        parts.VERSIONED,
        E("com:IPOfficeCode", record.office),
        _bibliography(record),
        [_prose("pat:Description", one.text, one.declared_language) for one in texts(record, TextType.DESCRIPTION)],
        _prose("pat:Claims", *_in_language(record)),
        [_prose("pat:Abstract", one.text, one.declared_language) for one in texts(record, TextType.ABSTRACT)],
        E("com:ApplicantKeywordText", keywords[0].text) if keywords else None,
        E("com:ExternalDocumentBag", [_external(image) for image in images]),
    )


def _in_language(record: Record) -> tuple[str, str | None]:
    """The claims in the language of the publication: there can be only one `Claims`."""
    claims = texts(record, TextType.CLAIMS)
    chosen = next((one for one in claims if one.language == record.language), claims[0])
    return chosen.text, chosen.declared_language


def _prose(name: str, text: str, language: str | None) -> Element | None:
    paragraphs = [E("com:P", line) for line in lines(text)]
    return E(name, {"com:languageCode": tag(language)}, paragraphs)


def _external(image: Image) -> Element | None:
    kind = category("document", image.format)
    if image.type != "other" or kind is None:
        return None
    return E("com:ExternalDocument", E("com:FileName", image.reference), E("com:DocumentFormatCategory", kind))


# --- the bibliography ---


def _bibliography(record: Record) -> Element | None:
    numbers = record.numbers
    published = _of(numbers, NumberType.PUBLICATION)
    filed = record.number(NumberType.APPLICATION)
    filed_world = _of(numbers, NumberType.PCT_APPLICATION)
    main_application = filed or filed_world[0]
    regional = [number for number in _of(numbers, NumberType.APPLICATION) if number is not filed]
    granted = _of(numbers, NumberType.REGISTRATION)
    published_world = _of(numbers, NumberType.PCT_PUBLICATION)
    if filed is None:
        filed_world = filed_world[1:]
    return E(
        "pat:BibliographicData",
        {"com:officeCode": code("office", record.office)},
        parts.VERSIONED,
        publication_identification(_own_publication(record, published)),
        application_identification(_dated_by(main_application, first_of(record, DateType.FILING))),
        grant_identification(granted[0] if granted else None),
        E("pat:PriorityClaimBag", _priorities(record.priorities)),
        _classifications(record),
        E("pat:InventionTitleBag", [_title(one.text, one.declared_language) for one in texts(record, TextType.TITLE)]),
        E("pat:ReferenceCitationBag", [_citation(one) for one in record.citations]),
        E("pat:RelatedDocumentBag", _relations(record, main_application)),
        E("pat:GrantPublicationDate", iso(first_of(record, DateType.GRANT, "GrantPublicationDate"))),
        _parties(record),
        E("pat:InternationalFilingData", application_identification(filed_world[0] if filed_world else None)),
        E("pat:RegionalFilingData", application_identification(regional[0] if regional else None)),
        E("pat:InternationalPublishingData", _document_identification(published_world[:1])),
        E("pat:RegionalPublishingData", _document_identification(published[1:2])),
        E("com:PublicationLanguageCode", tag(record.language)),
        _designations(record),
        E("com:ReceivingOfficeDate", iso(first_of(record, DateType.RECEIPT))),
        E("pat:RightsEffectiveDateBag", _rights_effective(record)),
        [_dated(record, name, type) for name, type in DATES_AT_THE_END],
    )


def _own_publication(record: Record, published: list[Number]) -> Number | None:
    """The record's publication with the kind and date that some formats say of the record and not of its number."""
    if not published:
        return None
    own = published[0]
    if own.kind is None and record.kind and len(record.kind) <= 2:
        own = own.model_copy(update={"kind": record.kind})
    return _dated_by(own, first_of(record, DateType.PUBLICATION))


def _dated_by(number: Number, date: dt.date | None) -> Number:
    return number if number.date or date is None else number.model_copy(update={"date": date})


def _of(numbers: Iterable[Number], type: NumberType) -> list[Number]:
    return [number for number in numbers if number.type is type]


def _title(text: str, language: str | None) -> Element | None:
    return E("pat:InventionTitle", {"com:languageCode": tag(language)}, text)


def publication_identification(number: Number | None) -> Element | None:
    if number is None or code("office", number.office) is None:
        return None
    return E(
        "pat:PatentPublicationIdentification",
        E("com:IPOfficeCode", number.office),
        E("pat:PublicationNumber", number_text(number, PATENT)),
        E("com:PatentDocumentKindCode", number.kind),
        E("com:PublicationDate", iso(number.date)),
    )


def application_identification(number: Number | None) -> Element | None:
    if number is None or code("office", number.office) is None:
        return None
    return E(
        "pat:ApplicationIdentification",
        E("com:IPOfficeCode", number.office),
        E("com:ApplicationNumber", E("com:ApplicationNumberText", number_text(number, PATENT, kind=False))),
        E("pat:FilingDate", iso(number.date)),
    )


def grant_identification(number: Number | None) -> Element | None:
    if number is None or code("office", number.office) is None:
        return None
    return E(
        "pat:PatentGrantIdentification",
        E("com:IPOfficeCode", number.office),
        E("pat:PatentNumber", number_text(number, PATENT)),
        E("com:PatentDocumentKindCode", number.kind),
        E("pat:GrantDate", iso(number.date)),
    )


IDENTIFICATIONS = {
    NumberType.PUBLICATION: publication_identification,
    NumberType.PCT_PUBLICATION: publication_identification,
    NumberType.APPLICATION: application_identification,
    NumberType.PCT_APPLICATION: application_identification,
    NumberType.REGISTRATION: grant_identification,
}


def _identification(number: Number) -> Element | None:
    make = IDENTIFICATIONS.get(number.type)
    return make(number) if make else None


def _document_identification(numbers: Iterable[Number]) -> Element | None:
    return E("pat:PatentDocumentIdentification", [_identification(number) for number in numbers])


def _priorities(found: Iterable[Priority]) -> list[Element | None]:
    """Claims, numbered as the record numbers them, else by place. Office and date are required."""
    return [
        E(
            "pat:PriorityClaim",
            {"com:sequenceNumber": str(one.sequence if one.sequence is not None else place)},
            E("com:IPOfficeCode", one.number.office),
            E(
                "com:ApplicationNumber",
                E("com:ApplicationNumberText", number_text(one.number, PATENT, NumberType.APPLICATION, kind=False)),
            ),
            E("pat:FilingDate", iso(one.date)),
            E("pat:ApplicationFilingCategory", category("filing", one.type)),
        )
        for place, one in enumerate(found, 1)
        if one.date and code("office", one.number.office)
    ]


# --- classes ---


def _classifications(record: Record) -> Element | None:
    """IPC with version, earlier IPC editions, national and Locarno classes. CPC would need the date of each action."""
    found = record.classifications
    ipcr = [one for one in found if one.scheme == "IPC" and _version(one) is not None and _split(one.symbol)]
    bags: list[Element | None] = [E("pat:IPCRClassificationBag", [_ipcr(one) for one in ipcr])]
    other_ipc = [one for one in found if one.scheme == "IPC" and one not in ipcr]
    for edition in dict.fromkeys(str(one.edition) for one in other_ipc if one.edition):
        bags += [_old_ipc([one for one in other_ipc if one.edition == edition], edition)]
    bags.append(
        E("pat:IPCRClassificationBag",
          [E("pat:IPCRClassification", E("pat:PatentClassificationText", one.symbol)) for one in other_ipc
           if not one.edition])
    )  # fmt: skip
    for scheme, office in _national(found):
        bags += _national_classes([one for one in found if one.scheme == scheme], office)
    locarno = [one for one in found if one.scheme == "LOCARNO" and one.edition]
    for edition in dict.fromkeys(str(one.edition) for one in locarno):
        bags.append(_locarno([one for one in locarno if one.edition == edition], edition))
    return E("pat:PatentClassificationBag", bags)


def _version(one: Classification) -> str | None:
    """`2006.01` as the first of that month: the day on which every IPC version comes into force."""
    year, dot, month = (one.edition or "").partition(".")
    return f"{year}-{month}-01" if dot and len(year) == 4 and len(month) == 2 and year.isdigit() else None


def _split(symbol: str) -> tuple[str, str, str, str, str] | None:
    """Section, class, subclass, main group, subgroup of `H01M 10/0525`."""
    top, _, group = symbol.partition(" ")
    main, slash, sub = group.partition("/")
    if len(top) != 4 or top[0] not in "ABCDEFGH" or not slash or not top[1:3].isdigit() or not top[3].isalpha():
        return None
    return top[0], top[1:3], top[3], main, sub


def _ipcr(one: Classification) -> Element | None:
    section, klass, subclass, main, sub = _split(one.symbol) or ("", "", "", "", "")
    return E(
        "pat:IPCRClassification",
        E("pat:ClassificationVersionDate", _version(one)),
        E("com:SymbolPositionCode", "F" if one.first else None),
        E("pat:IPCClassificationValueCode", None if one.inventive is None else "I" if one.inventive else "N"),
        E("pat:GeneratingOfficeCode", code("office", one.office)),
        E("pat:Section", section),
        E("pat:Class", klass),
        E("pat:Subclass", subclass),
        E("pat:MainGroup", main),
        E("pat:Subgroup", sub),
    )


def _old_ipc(found: list[Classification], edition: str) -> Element | None:
    """An edition's classes need a main one; where none is called first they are written without their edition."""
    main = next((one for one in found if one.first), None)
    if main is None:
        return E(
            "pat:IPCRClassificationBag",
            [E("pat:IPCRClassification", E("pat:PatentClassificationText", one.symbol)) for one in found],
        )
    return E(
        "pat:IPCClassification",
        E("com:Edition", edition),
        E("pat:MainClassification", main.symbol),
        [E("pat:FurtherClassification", one.symbol) for one in found if one is not main],
    )


NATIONAL = {"USPC": "US", "FI": "JP"}


def _national(found: Iterable[Classification]) -> list[tuple[str, str]]:
    """(scheme, office) of the classes that `NationalClassification` can name: USPC, FI, and offices' own."""
    schemes = dict.fromkeys(one.scheme for one in found)
    named = [(scheme, code("office", NATIONAL.get(scheme, scheme))) for scheme in schemes]
    return [(scheme, office) for scheme, office in named if office is not None]


def _national_classes(found: list[Classification], office: str) -> list[Element | None]:
    main = next((one for one in found if one.first), None)
    if main is None:
        return []
    edition = main.edition
    return [
        E(
            "pat:NationalClassification",
            E("com:IPOfficeCode", office),
            E("com:Edition", edition),
            E("pat:MainNationalClassification", E("pat:PatentClassificationText", main.raw)),
            [E("pat:FurtherNationalClassification", E("pat:PatentClassificationText", one.raw))
             for one in found if one is not main],
        )
    ]  # fmt: skip


def _locarno(found: list[Classification], edition: str) -> Element | None:
    return E(
        "com:LocarnoClassificationBag",
        E("com:LocarnoClassificationEdition", edition),
        [E("com:LocarnoClassificationText", one.symbol) for one in found],
    )


# --- citations, relations, designations, dates ---


def _citation(one: Citation) -> Element | None:
    phases = [part.strip() for part in (one.phase or "").split(",")]
    attributes = {
        "pat:citedPhaseCategory": next((found for p in phases if (found := category("cited_phase", p))), None),
        "pat:citingPartyCategory": next((found for p in phases if (found := category("citing_party", p))), None),
    }
    if one.type == "literature":
        cited = E("com:NPLCitation", E("com:NPLCitationText", one.text))
    elif one.number is not None and code("office", one.number.office):
        cited = E(
            "com:PatentCitation",
            E(
                "com:CitedPatentDocumentIdentification",
                E("com:IPOfficeCode", one.number.office),
                E("com:DocumentNumber", number_text(one.number, PATENT)),
                E("com:EntityName", one.text),
                E("com:PatentDocumentKindCode", one.number.kind),
                E("com:PatentDocumentDate", iso(one.number.date)),
            ),
        )
    else:
        cited = E("com:PatentCitation", E("com:PatentCitationText", one.text))
    if cited is None:
        return None
    return E("pat:ReferenceCitation", attributes, cited, _relevance(one))


CATEGORIES = frozenset({"X", "Y", "A", "E", "L", "O", "P", "T", "D"})


def _relevance(one: Citation) -> Element | None:
    codes = (one.category or "").split()
    if not codes or not CATEGORIES.issuperset(codes):
        return None
    claims = E("pat:RelatedClaimBag", [E("pat:ClaimNumber", c.strip()) for c in (one.claims or "").split(",")])
    return E(
        "pat:DocumentRelevanceBag",
        E("pat:DocumentRelevance", [E("pat:CitationCategoryCode", found) for found in codes], claims),
    )


def _relations(record: Record, own: Number) -> list[Element | None]:
    found: list[Element | None] = []
    for one in record.relations:
        name = RELATIONS.get(one.type)
        document = _document_identification([one.number]) if one.number else None
        if name is None or document is None:
            continue
        if name == "RelatedPublication":
            found.append(E("pat:RelatedPublication", document))
        elif name == "Correction":
            found.append(E("pat:Correction", E("pat:CorrectedDocument", document)))
        else:
            child = E("pat:ChildDocument", _document_identification([own]))
            if child is not None or name == "Conversion":
                found.append(E(f"pat:{name}", E("pat:ParentDocument", document), child))
    return found


REGIONS = frozenset({"EP", "BX", "EM"})
"""Offices of which ST.96 knows regional designations (`RegionalOfficeCodeType`)."""


def _designations(record: Record) -> Element | None:
    """Regions with their states, then national designations. ST.96 readers list a region's office before its states."""
    regions: dict[str, list[str]] = {}
    national, region = [], ""
    for one in record.designations:
        if one.type == "RegionalDesignation" and one.office in REGIONS:
            region = one.office
            continue
        how, _, where = (one.type or "").partition(" ")
        if code("office", one.office) is None:
            continue
        if how in ("NationalDesignation", "national"):
            national.append(one.office)
        elif how in ("RegionalDesignation", "regional", "contracting"):
            into = where or region or (record.office if how == "contracting" else "")
            if into in REGIONS:
                regions.setdefault(into, []).append(one.office)
    return E(
        "pat:StateDesignation",
        [E("pat:RegionalDesignation", E("pat:RegionalOfficeCode", office), _states(states))
         for office, states in regions.items()],
        E("pat:NationalDesignation", _states(national)),
    )  # fmt: skip


def _states(codes: Iterable[str]) -> list[Element | None]:
    return [E("com:DesignatedCountryCode", one) for one in codes]


def _rights_effective(record: Record) -> list[Element | None]:
    found: list[Element | None] = []
    for name in RIGHTS_EFFECTIVE:
        prefix = "com" if name in COMMON else "pat"
        if name == "EnteredIntoForceDate":
            held = [fact.date for fact in record.dates if fact.type is DateType.EFFECTIVE]
        else:
            held = [fact.date for fact in labelled(record, name)]
        found += [E(f"{prefix}:{name}", iso(date)) for date in held]
    return found


def _dated(record: Record, name: str, type: DateType) -> Element | None:
    date = first_of(record, type) if type is not DateType.OTHER else first_of(record, type, name)
    return E(f"pat:{name}", iso(date))


# --- parties ---


def _parties(record: Record) -> Element | None:
    """Representatives are left out: ST.96 requires to say whether each is agent, attorney or common representative."""
    examiners = [
        E("pat:PrimaryExaminer", parts.name(one, transliterated=False)) for one in parties(record, PartyRole.EXAMINER)
    ]
    return E(
        "pat:PartyBag",
        E("pat:ApplicantBag", [_applicant(one) for one in parties(record, PartyRole.APPLICANT)]),
        E("pat:InventorBag", [_inventor(one) for one in parties(record, PartyRole.INVENTOR)]),
        E("pat:AssigneeBag", [_assignee(one) for one in parties(record, PartyRole.OWNER)]),
        E("pat:ExaminerBag", examiners),
        [_correspondence(one) for one in parties(record, PartyRole.CORRESPONDENT)],
    )


def _contacts(party: Party, *, resides: bool = False) -> list[Element]:
    return parts.contacts(party, resides=resides, publication=True, transliterated=False)


def _applicant(party: Party) -> Element | None:
    contacts = _contacts(party, resides=True)
    if not contacts:
        return None
    return E(
        "pat:Applicant",
        parts.sequence(party),
        parts.identifier(party),
        contacts,
        parts.nationality(party),
        E("com:ResidenceCountryCode", code("country", party.country)),
    )


def _inventor(party: Party) -> Element | None:
    contacts = _contacts(party)
    if not contacts:
        return None
    return E("pat:Inventor", parts.sequence(party), parts.identifier(party), contacts, parts.nationality(party))


def _assignee(party: Party) -> Element | None:
    contacts = _contacts(party)
    return E("pat:Assignee", parts.sequence(party), parts.identifier(party), contacts) if contacts else None


def _correspondence(party: Party) -> Element | None:
    contacts = parts.contacts(party, transliterated=False)
    return E("com:CorrespondenceAddress", parts.identifier(party), contacts) if contacts else None
