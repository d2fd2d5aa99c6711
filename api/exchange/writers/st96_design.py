"""Designs as WIPO ST.96 V6 `DesignApplication` with one `Design`: every record is one design."""

from __future__ import annotations

from api.exchange.writers import st96_parts as parts
from api.exchange.writers.codes import category, code
from api.exchange.writers.markup import E, Element
from api.exchange.writers.result import Missing, unwritable
from api.exchange.writers.saying import (
    current_event,
    events,
    first_of,
    iso,
    note,
    number_text,
    parties,
    tag,
    texts,
)
from indexer.record import (
    Citation,
    Classification,
    DateType,
    Image,
    NumberType,
    Party,
    PartyRole,
    Record,
    RelationType,
    Right,
    StatusEvent,
    TextType,
)

DESIGN = Right.DESIGN
FORMAT = "st96"


def write(record: Record) -> bytes:
    """Raises UnwritableRecord without a class (Locarno with its edition, or the office's own) or an applicant."""
    missing = []
    if code("office", record.office) is None:
        missing.append(Missing("office", f"{record.office} is no ST.3 code that ST.96 knows"))
    classes = _classes(record)
    if classes is None:
        missing.append(
            Missing(
                "classifications",
                "DesignClassificationBag requires a Locarno class with its edition, or a national one",
            )
        )
    applicants = E("dgn:ApplicantBag", [_applicant(one) for one in _applying(record)])
    if applicants is None:
        missing.append(Missing("parties.applicant", "DesignApplication requires an applicant"))
    if missing:
        raise unwritable(FORMAT, record.id, missing)
    return parts.document(_application(record), "com", "dgn")


def _applying(record: Record) -> list[Party]:
    """Applicants. V6 has no holder in a design."""
    return parties(record, PartyRole.APPLICANT)


def _application(record: Record) -> Element | None:
    applied, international = record.number(NumberType.APPLICATION), record.number(NumberType.INTERNATIONAL)
    total = record.design.total_designs if record.design else None
    return E(
        "dgn:DesignApplication",
        parts.VERSIONED,
        E("com:RegistrationOfficeCode", record.office),
        E("com:ReceivingOfficeDate", iso(first_of(record, DateType.RECEIPT))),
        E("dgn:ReceiptNumber", note(record, "ReceiptNumber")),
        parts.application_number(applied, DESIGN),
        E("com:InternationalRegistrationNumber", number_text(international, DESIGN) if international else None),
        E("com:FilingPlace", note(record, "FilingPlace")),
        E("com:ApplicantFileReference", note(record, "ApplicantFileReference")),
        E("dgn:DesignApplicationLanguageCode", tag(record.language)),
        E("com:SecondLanguageCode", tag(note(record, "SecondLanguageCode"))),
        E("dgn:DesignTotalQuantity", None if total is None else str(total)),
        E("com:CorrespondenceLanguageCode", tag(note(record, "CorrespondenceLanguageCode"))),
        E(
            "dgn:DesignatedCountryBag",
            [
                E(
                    "dgn:DesignatedCountry",
                    E("com:DesignatedCountryCode", one.office),
                    E("dgn:HagueAgreementActCategory", category("hague", one.type)),
                )
                for one in record.designations
                if code("office", one.office)
            ],
        ),
        E("dgn:DesignBag", _design(record)),
        E("dgn:ApplicantBag", [_applicant(one) for one in _applying(record)]),
        E("com:RepresentativeBag", [_represents(one) for one in parties(record, PartyRole.REPRESENTATIVE)]),
        E("com:DocumentIncludedBag", [_document(image) for image in record.images if image.type == "other"]),
        E("com:ApplicationDate", iso(first_of(record, DateType.FILING))),
        [_correspondence(one) for one in parties(record, PartyRole.CORRESPONDENT)[:1]],
    )


def _design(record: Record) -> Element | None:
    registered = [number for number in record.numbers if number.type is NumberType.REGISTRATION]
    status = current_event(record, "-DESIGN-STATUS")
    stated = category("design_status", status.raw_code) if status else None
    return E(
        "dgn:Design",
        E("dgn:DesignIdentifier", number_text(registered[0], DESIGN) if registered else None),
        E("dgn:DesignReference", note(record, "DesignReference")),
        E("com:RightEffectiveDate", iso(first_of(record, DateType.EFFECTIVE))),
        E("com:RegistrationNumber", number_text(registered[1], DESIGN) if registered[1:] else None),
        E("com:RegistrationDate", iso(first_of(record, DateType.REGISTRATION))),
        [parts.localised("dgn:DesignTitleText", text) for text in texts(record, TextType.TITLE)[:1]],
        [parts.localised("dgn:DesignDescriptionText", text) for text in texts(record, TextType.DESIGN_DESCRIPTION)],
        E(
            "dgn:DesignClaim",
            E(
                "dgn:DesignClaimTextBag",
                [parts.localised("dgn:DesignClaimText", text) for text in texts(record, TextType.CLAIMS)],
            ),
        ),
        [parts.localised("dgn:PartialDisclaimerText", text) for text in texts(record, TextType.DISCLAIMER)[:1]],
        E("com:ExpiryDate", iso(first_of(record, DateType.EXPIRY))),
        E("dgn:DesignCurrentStatusCategory", stated),
        E("dgn:DesignCurrentStatusDate", iso(first_of(record, DateType.STATUS))),
        E("dgn:DesignRepresentationBag", E("dgn:DesignRepresentation", E("dgn:ViewBag", _views(record)))),
        _classes(record),
        E("dgn:PriorityBag", [parts.priority("dgn", "Priority", one, DESIGN) for one in parts.claimed(record)]),
        parts.exhibitions(record),
        E("dgn:RelatedApplicationBag", _related(record)),
        E("com:StaffBag", [_staff(one) for one in parties(record, PartyRole.EXAMINER)]),
        E("dgn:PublicationBag", [_publication(event) for event in events(record, "-DESIGN-PUBLICATION")]),
        E("dgn:PatentIdentificationBag", [_cited(one) for one in record.citations]),
        E("dgn:ApplicantBag", [_applicant(one) for one in _applying(record)]),
        E("dgn:DesignerBag", [_designer(one) for one in parties(record, PartyRole.DESIGNER)]),
        E("dgn:DesignEventBag", [_event(event) for event in events(record, "-DESIGN-EVENT")]),
    )


# --- classes and products ---


def _classes(record: Record) -> Element | None:
    """Locarno classes of one edition with the products indicated under them, then national classes."""
    locarno = [one for one in record.classifications if one.scheme == "LOCARNO" and one.edition]
    edition = locarno[0].edition if locarno else None
    same = [one for one in locarno if one.edition == edition]
    national = [one for one in record.classifications if one.scheme == f"{record.office}-DESIGN"]
    return E(
        "com:DesignClassificationBag",
        E(
            "com:LocarnoClassificationBag",
            E("com:LocarnoClassificationEdition", edition),
            [_locarno(record, one, first=position == 0) for position, one in enumerate(same)],
        )
        if same
        else None,
        E(
            "com:NationalDesignClassificationBag",
            E("com:IPOfficeCode", record.office),
            [E("com:NationalDesignClassification", one.raw) for one in national],
        )
        if national
        else None,
    )


def _locarno(record: Record, one: Classification, *, first: bool) -> Element | None:
    """A class; each indication of a product stands with its subclass, which is repeated for the next language.

    Indications that name no class stand with the first.
    """
    top, _, sub = one.symbol.partition("-")
    named = {one.symbol, top} if first else {one.symbol}
    indicated = [
        text
        for text in texts(record, TextType.PRODUCT_INDICATION)
        if text.class_symbol in named or (first and text.class_symbol is None)
    ]
    if not sub:
        return E("com:LocarnoClassification", E("com:LocarnoClass", top))
    return E(
        "com:LocarnoClassification",
        E("com:LocarnoClass", top),
        [
            E(
                "com:LocarnoSubclassBag",
                E("com:LocarnoSubclass", sub),
                parts.localised("com:LocarnoSubclassProductIndicationText", text) if text else None,
            )
            for text in (*indicated,) or (None,)
        ],
    )


# --- views and documents ---


def _views(record: Record) -> list[Element | None]:
    """Views by file name. A view must have an identifier: its number, or its place."""
    return [
        E(
            "dgn:View",
            E("com:FileName", image.reference),
            E("dgn:ViewIdentifier", str(image.sequence if image.sequence is not None else place)),
            E("dgn:ViewFileFormatCategory", category("design_view", image.format)),
            E("com:Caption", image.caption),
        )
        for place, image in enumerate((one for one in record.images if one.type == "design-view"), 1)
    ]


def _document(image: Image) -> Element | None:
    return E(
        "com:DocumentIncluded",
        E("com:DocumentName", image.caption or image.reference),
        E("com:FileName", image.reference),
        E("com:DocumentFormatCategory", category("document", image.format)),
    )


# --- history, relations, citations ---


def _publication(event: StatusEvent) -> Element | None:
    identified = note(event, "PublicationIdentifier")
    if identified is None:
        return None
    section = category("design_publication", event.raw_code)
    free = event.raw_code if event.raw_code != "Publication" and section is None else None
    return E(
        "dgn:Publication",
        E("com:PublicationIdentifier", identified),
        E("dgn:PublicationSectionCategory", section),
        E("com:PublicationSubsection", note(event, "PublicationSubsection") or free),
        E("com:PublicationDate", iso(event.publication_date)),
        E("com:PublicationPage", note(event, "PublicationPage")),
    )


def _event(event: StatusEvent) -> Element | None:
    """An event; one that ST.96 has no category for is `Undefined` and says in a comment what happened."""
    known = category("design_event", event.raw_code)
    return E(
        "dgn:DesignEvent",
        E("dgn:DesignEventCategory", known or "Undefined"),
        E("com:CommentText", None if known else event.raw_code),
        E("dgn:DesignEventDate", iso(event.event_date)),
    )


def _related(record: Record) -> list[Element | None]:
    found = []
    for one in record.relations:
        said = "Division" if one.type is RelationType.DIVISIONAL_OF else category("design_relation", one.text)
        if one.number is None or said is None or one.type not in (RelationType.DIVISIONAL_OF, RelationType.RELATED):
            continue
        registered = one.number.type is NumberType.REGISTRATION
        found.append(
            E(
                "dgn:RelatedApplication",
                E("dgn:RelatedApplicationCategory", said),
                None if registered else parts.application_number(one.number, DESIGN, "dgn:RelatedApplicationNumber"),
                E("dgn:RelatedApplicationDate", iso(one.number.date)),
                E("dgn:RelatedApplicationRegistrationNumber", number_text(one.number, DESIGN) if registered else None),
            )
        )
    return found


def _cited(one: Citation) -> Element | None:
    if one.number is None or code("office", one.number.office) is None:
        return None
    return E(
        "com:CitedPatentDocumentIdentification",
        E("com:IPOfficeCode", one.number.office),
        E("com:DocumentNumber", number_text(one.number, Right.DESIGN)),
        E("com:EntityName", one.text),
        E("com:PatentDocumentKindCode", one.number.kind),
        E("com:PatentDocumentDate", iso(one.number.date)),
    )


# --- parties ---


def _applicant(party: Party) -> Element | None:
    who = [parts.identifier(party), *parts.contacts(party, publication=True)]
    if all(one is None for one in who):
        return None
    return E("dgn:Applicant", parts.sequence(party), parts.nationality(party), who)


def _designer(party: Party) -> Element | None:
    who = [parts.identifier(party), *parts.contacts(party, publication=True)]
    if all(one is None for one in who):
        return None
    return E("dgn:Designer", parts.sequence(party), parts.nationality(party), who)


def _represents(party: Party) -> Element | None:
    who = [parts.identifier(party), *parts.contacts(party)]
    if all(one is None for one in who):
        return None
    return E("com:Representative", parts.sequence(party), who, parts.nationality(party))


def _staff(party: Party) -> Element | None:
    return E("com:Staff", parts.identifier(party), E("com:StaffName", party.name))


def _correspondence(party: Party) -> Element | None:
    return E("com:CorrespondenceAddress", parts.identifier(party), parts.contacts(party))
