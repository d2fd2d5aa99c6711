"""Designs as WIPO ST.86 (DS-XML): a transaction with one `Design`, in WIPO's namespace."""

from __future__ import annotations

from api.exchange.writers import tmds_parts as parts
from api.exchange.writers.markup import E, Element
from api.exchange.writers.result import Missing, unwritable
from api.exchange.writers.saying import current_event, events, first_of, iso, labelled, number_text, tag, texts
from api.exchange.writers.saying import parties as of_role
from indexer.record import DateType, Number, NumberType, PartyRole, Record, RelationType, Right, StatusEvent, TextType

DESIGN = Right.DESIGN
FORMAT = "st86"


def write(record: Record) -> bytes:
    """Raises UnwritableRecord where the design has no number that ST.86 knows."""
    number = record.number(NumberType.REGISTRATION, NumberType.APPLICATION, NumberType.INTERNATIONAL)
    if number is None:
        raise unwritable(
            FORMAT,
            record.id,
            [Missing("numbers", "a design must have a registration, application or international number")],
        )
    return parts.transaction("ds", "DesignTransactionBody", "DesignDetails", _design(record), number, "Design")


def _numbers(record: Record, type: NumberType) -> list[Number]:
    return [number for number in record.numbers if number.type is type]


def _design(record: Record) -> Element | None:
    registered = _numbers(record, NumberType.REGISTRATION)
    status = _status(record)
    details = record.design
    return E(
        "ds:Design",
        {"operationCode": "Insert"},
        E("ds:RegistrationOfficeCode", record.office),
        E("ds:ReceivingOfficeDate", iso(first_of(record, DateType.RECEIPT))),
        E("ds:DesignIdentifier", number_text(registered[0], DESIGN) if registered else None),
        E("ds:DesignSequenceNumber", details.design_index if details else None),
        [E("ds:RegistrationNumber", number_text(number, DESIGN)) for number in registered[1:]],
        [
            E("ds:InternationalRegistrationNumber", number_text(number, DESIGN))
            for number in _numbers(record, NumberType.INTERNATIONAL)
        ],
        [E("ds:ApplicationNumber", number_text(n, DESIGN)) for n in _numbers(record, NumberType.APPLICATION)],
        E("ds:ApplicationLanguageCode", tag(record.language)),
        parts.noted("ds", record, "SecondLanguageCode", "CorrespondenceLanguageCode"),
        E("ds:ApplicationDate", iso(first_of(record, DateType.FILING))),
        E("ds:RegistrationDate", iso(first_of(record, DateType.REGISTRATION))),
        [E("ds:PublicationDate", iso(f.date)) for f in record.dates if f.type is DateType.PUBLICATION],
        parts.noted("ds", record, "ApplicationReference", "DesignReference", "FilingPlace", "Comment"),
        [parts.localised("ds:DesignTitle", text) for text in texts(record, TextType.TITLE)],
        E(
            "ds:DesignDescriptionDetails",
            [parts.localised("ds:DesignDescription", text) for text in texts(record, TextType.DESIGN_DESCRIPTION)],
        ),
        [parts.localised("ds:VerbalElementText", text) for text in texts(record, TextType.MARK_TEXT)],
        parts.noted("ds", record, "PublicationDefermentIndicator", "DefermentPeriod", "RenewalCurrentStatusCode"),
        parts.noted("ds", record, "TotalSpecimen", "TotalRepresentationSheet", "NumberOfRenewals", "DesignTypeCode"),
        E("ds:ExpiryDate", iso(first_of(record, DateType.EXPIRY))),
        E("ds:TerminationDate", iso(first_of(record, DateType.TERMINATION))),
        E("ds:EffectiveDate", iso(first_of(record, DateType.EFFECTIVE))),
        E("ds:RenewalDate", iso(first_of(record, DateType.RENEWAL))),
        [E("ds:DefermentExpirationDate", iso(f.date)) for f in labelled(record, "DefermentExpirationDate")],
        [E("ds:OtherDate", iso(fact.date)) for fact in labelled(record, "OtherDate")],
        E("ds:TotalDesign", str(details.total_designs) if details and details.total_designs else None),
        E("ds:DesignCurrentStatusCode", status.raw_code if status else None),
        E(
            "ds:DesignCurrentStatusDate",
            iso((status.event_date if status else None) or first_of(record, DateType.STATUS)),
        ),
        E(
            "ds:DesignRepresentationSheetDetails",
            E("ds:DesignRepresentationSheet", E("ds:ViewDetails", _views(record))),
        ),
        E("ds:IndicationProductDetails", _products(record)),
        parts.priorities("ds", record),
        parts.exhibitions("ds", record),
        E("ds:RelatedApplicationDetails", _related(record, RelationType.RELATED, "RelatedApplication")),
        parts.publications("ds", record, "-DESIGN-PUBLICATION"),
        parts.parties("ds", "Applicant", of_role(record, PartyRole.APPLICANT)),
        parts.parties("ds", "Holder", of_role(record, PartyRole.OWNER)),
        parts.parties("ds", "Representative", of_role(record, PartyRole.REPRESENTATIVE)),
        parts.parties("ds", "Designer", of_role(record, PartyRole.DESIGNER)),
        E("ds:DesignEventDetails", [_event(event) for event in events(record, "-DESIGN-EVENT")]),
        E(
            "ds:DesignRecordDetails",
            parts.register_entries("ds", record, "-DESIGN-RECORD", "DesignRecord", "DesignBasicRecord"),
        ),
        [parts.address_book("ds", "CorrespondenceAddress", one) for one in of_role(record, PartyRole.CORRESPONDENT)],
        E("ds:DivisionalApplicationDetails", _related(record, RelationType.DIVISIONAL_OF, "DivisionalApplication")),
        _designations(record),
        E("ds:DocumentIncludedDetails", _documents(record)),
    )


def _status(record: Record) -> StatusEvent | None:
    found = current_event(record, "-DESIGN-STATUS")
    return found if found is not None and found.scheme == f"{record.office}-DESIGN-STATUS" else None


def _event(event: StatusEvent) -> Element | None:
    return E(
        "ds:DesignEvent",
        E("ds:DesignEventDate", iso(event.event_date)),
        E("ds:DesignEventCode", event.raw_code),
        E("ds:Comment", parts.comment(event)),
    )


# --- views, products ---


def _views(record: Record) -> list[Element | None]:
    return [
        E(
            "ds:View",
            E("ds:ViewURI", image.reference),
            E("ds:ViewFileFormat", image.format),
            E("ds:ViewTitle", image.caption),
            E("ds:ViewSequenceNumber", None if image.sequence is None else str(image.sequence)),
        )
        for image in record.images
        if image.type == "design-view"
    ]


def _products(record: Record) -> list[Element | None]:
    """Classes by scheme and edition with the indications under them; indications under no class stand by themselves."""
    indicated = texts(record, TextType.PRODUCT_INDICATION)
    schemes = [one for one in record.classifications if one.scheme in ("LOCARNO", f"{record.office}-DESIGN")]
    symbols = {one.symbol for one in schemes}
    found = [parts.localised("ds:IndicationProduct", text) for text in indicated if text.class_symbol not in symbols]
    for scheme, edition in dict.fromkeys((one.scheme, one.edition) for one in schemes):
        classes = [one for one in schemes if (one.scheme, one.edition) == (scheme, edition)]
        found.append(
            E(
                "ds:IndicationProduct",
                E("ds:ClassificationKindCode", "Locarno" if scheme == "LOCARNO" else scheme),
                E("ds:ClassificationVersion", edition),
                E(
                    "ds:ClassDescriptionDetails",
                    [
                        E(
                            "ds:ClassDescription",
                            E("ds:ClassNumber", one.symbol if scheme == "LOCARNO" else one.raw),
                            [parts.localised("ds:GoodsServicesDescription", text) for text in indicated
                             if text.class_symbol == one.symbol],
                        )
                        for one in classes
                    ],
                ),
            )
        )  # fmt: skip
    return found


# --- relations, states, documents ---


def _related(record: Record, type: RelationType, name: str) -> list[Element | None]:
    found = []
    for one in record.relations:
        if one.type is not type or one.number is None or one.number.office != record.office:
            continue
        kind = {NumberType.APPLICATION: "Application", NumberType.REGISTRATION: "Registration"}.get(one.number.type)
        if kind is None:
            continue
        found.append(
            E(
                f"ds:{name}",
                E(f"ds:{kind}Number", number_text(one.number, DESIGN)),
                E(f"ds:{kind}Date", iso(one.number.date)),
                E("ds:Comment", one.text),
            )
        )
    return found


def _designations(record: Record) -> Element | None:
    return E(
        "ds:DesignatedCountryDetails",
        [
            E(
                "ds:DesignatedCountry",
                E("ds:DesignatedCountryCode", one.office),
                E("ds:DesignationDate", iso(one.date)),
            )
            for one in record.designations
        ],
    )


def _documents(record: Record) -> list[Element | None]:
    return [
        E(
            "ds:DocumentIncluded",
            E("ds:DocumentName", image.caption or image.reference),
            E("ds:DocumentFilename", image.reference),
            E("ds:DocumentFileFormat", image.format),
        )
        for image in record.images
        if image.type == "other"
    ]
