"""Marks as WIPO ST.66 (TM-XML): a transaction with one `TradeMark`, in WIPO's namespace."""

from __future__ import annotations

from api.exchange.writers import tmds_parts as parts
from api.exchange.writers.markup import E, Element
from api.exchange.writers.result import Missing, unwritable
from api.exchange.writers.saying import current_event, events, first_of, iso, labelled, number_text, tag, texts
from api.exchange.writers.saying import parties as of_role
from indexer.record import (
    Classification,
    DateType,
    Number,
    NumberType,
    PartyRole,
    Record,
    Relation,
    RelationType,
    Right,
    StatusEvent,
    Text,
    TextType,
)

TRADEMARK = Right.TRADEMARK
FORMAT = "st66"


def write(record: Record) -> bytes:
    """Raises UnwritableRecord where the mark has no number at all that ST.66 knows."""
    number = record.number(NumberType.APPLICATION, NumberType.REGISTRATION, NumberType.INTERNATIONAL)
    if number is None:
        raise unwritable(
            FORMAT,
            record.id,
            [Missing("numbers", "a mark must have an application, registration or international number")],
        )
    return parts.transaction("tm", "TradeMarkTransactionBody", "TradeMarkDetails", _mark(record), number, "Trade Mark")


def _mark(record: Record) -> Element | None:
    registered = record.number(NumberType.REGISTRATION)
    status = _status(record)
    applications = [number for number in record.numbers if number.type is NumberType.APPLICATION]
    mark = record.mark
    return E(
        "tm:TradeMark",
        {"operationCode": "Insert"},
        E("tm:RegistrationOfficeCode", record.office),
        E("tm:ReceivingOfficeDate", iso(first_of(record, DateType.RECEIPT))),
        [E("tm:ApplicationNumber", number_text(number, TRADEMARK)) for number in applications],
        E("tm:ApplicationDate", iso(first_of(record, DateType.FILING))),
        E("tm:RegistrationNumber", number_text(registered, TRADEMARK) if registered else None),
        E("tm:RegistrationDate", iso(first_of(record, DateType.REGISTRATION))),
        [E("tm:OtherDate", iso(fact.date)) for fact in labelled(record, "OtherDate")],
        parts.noted("tm", record, "FilingPlace", "ApplicationReference"),
        E("tm:ApplicationLanguageCode", tag(record.language)),
        parts.noted("tm", record, "SecondLanguageCode", "CorrespondenceLanguageCode"),
        E("tm:ExpiryDate", iso(first_of(record, DateType.EXPIRY))),
        E("tm:TerminationDate", iso(first_of(record, DateType.TERMINATION))),
        E("tm:MarkCurrentStatusCode", status.raw_code if status else None),
        E(
            "tm:MarkCurrentStatusDate",
            iso((status.event_date if status else None) or first_of(record, DateType.STATUS)),
        ),
        _designations(record),
        E("tm:PreviousRegistrationDetails", _previous(record)),
        E("tm:DivisionalApplicationDetails", _initial(record)),
        E("tm:BasicRegistrationApplicationDetails", _basic(record)),
        [
            E("tm:InternationalMarkKey", E("tm:InternationalRegistrationNumber", number_text(number, TRADEMARK)))
            for number in record.numbers
            if number.type is NumberType.INTERNATIONAL
        ],
        E("tm:KindMark", mark.kind if mark else None),
        E("tm:MarkFeature", (mark.feature_raw or mark.feature) if mark else None),
        E("tm:MarkDescriptionDetails", _each("tm:MarkDescription", record, TextType.MARK_DESCRIPTION)),
        E("tm:MarkDisclaimerDetails", _each("tm:MarkDisclaimer", record, TextType.DISCLAIMER)),
        parts.noted("tm", record, "SpecialCircumstanceText", "TradeDistinctivenessText"),
        parts.noted("tm", record, "UseRequirementText", "UseLimitationText", "Comment"),
        E("tm:OppositionPeriodStartDate", iso(first_of(record, DateType.OPPOSITION_START))),
        E("tm:OppositionPeriodEndDate", iso(first_of(record, DateType.OPPOSITION_END))),
        _words(record),
        E("tm:MarkImageDetails", _images(record)),
        _goods_and_services(record),
        parts.priorities("tm", record),
        parts.exhibitions("tm", record),
        E("tm:SeniorityDetails", _seniorities(record)),
        parts.publications("tm", record, "-TM-PUBLICATION"),
        parts.parties("tm", "Applicant", of_role(record, PartyRole.APPLICANT)),
        parts.parties("tm", "Holder", of_role(record, PartyRole.OWNER)),
        parts.parties("tm", "Representative", of_role(record, PartyRole.REPRESENTATIVE)),
        E(
            "tm:StaffDetails",
            [
                E("tm:Staff", E("tm:StaffIdentifier", one.identifier), E("tm:StaffName", one.name))
                for one in of_role(record, PartyRole.EXAMINER)
            ],
        ),
        [parts.address_book("tm", "CorrespondenceAddress", one) for one in of_role(record, PartyRole.CORRESPONDENT)],
        E("tm:MarkRecordDetails", parts.register_entries("tm", record, "-TM-RECORD", "MarkRecord", "BasicRecord")),
        E("tm:MarkEventDetails", [_event(event) for event in events(record, "-TM-EVENT")]),
        E("tm:TradeMarkDocumentDetails", _documents(record)),
        E("tm:ConversionPriorityDetails", _converted(record)),
    )


def _each(name: str, record: Record, type: TextType) -> list[Element | None]:
    return [parts.localised(name, text) for text in texts(record, type)]


def _status(record: Record) -> StatusEvent | None:
    found = current_event(record, "-TM-STATUS")
    return found if found is not None and found.scheme == f"{record.office}-TM-STATUS" else None


def _event(event: StatusEvent) -> Element | None:
    return E(
        "tm:MarkEvent",
        E("tm:MarkEventDate", iso(event.event_date)),
        E("tm:MarkEventCode", event.raw_code),
        E("tm:Comment", parts.comment(event)),
    )


# --- words, images, goods ---


def _words(record: Record) -> list[Element | None]:
    """One specification for each writing of the words; translations and transliterations in the first."""
    words = texts(record, TextType.MARK_TEXT)
    spelled = texts(record, TextType.MARK_TRANSLITERATION)
    translated = texts(record, TextType.MARK_TRANSLATION)
    count = max(len(words), len(spelled), 1 if translated else 0)
    return [
        E(
            "tm:WordMarkSpecification",
            parts.localised("tm:MarkVerbalElementText", words[n]) if n < len(words) else None,
            [parts.localised("tm:MarkTranslation", text) for text in translated] if n == 0 else None,
            parts.localised("tm:MarkTransliteration", spelled[n]) if n < len(spelled) else None,
        )
        for n in range(count)
    ]


def _images(record: Record) -> list[Element | None]:
    images = sorted((one for one in record.images if one.type == "mark"), key=lambda one: one.sequence or 0)
    return [
        E(
            "tm:MarkImage",
            E("tm:MarkImageURI", image.reference),
            E("tm:MarkImageFileFormat", image.format),
            _each("tm:MarkImageColourClaimedText", record, TextType.COLOUR_CLAIM) if n == 0 else None,
            _vienna(record) if n == 0 else None,
            _colours(record) if n == 0 else None,
            E("tm:MarkImageTitle", image.caption),
        )
        for n, image in enumerate(images)
    ]


def _vienna(record: Record) -> list[Element | None]:
    found = [one for one in record.classifications if one.scheme == "VIENNA"]
    return [
        E(
            "tm:MarkImageCategory",
            E("tm:CategoryKind", "Vienna"),
            E("tm:CategoryVersion", edition),
            E(
                "tm:CategoryCodeDetails",
                [E("tm:CategoryCode", one.symbol) for one in found if one.edition == edition],
            ),
        )
        for edition in dict.fromkeys(one.edition for one in found)
    ]


def _colours(record: Record) -> Element | None:
    colours = record.mark.colours if record.mark else ()
    return E("tm:MarkImageColourDetails", [E("tm:Colour", E("tm:ColourCode", one)) for one in colours])


def _goods_and_services(record: Record) -> Element | None:
    """Nice classes by edition, each with its texts; then the office's own classes; then goods under no class."""
    written = texts(record, TextType.GOODS_SERVICES)
    nice = [one for one in record.classifications if one.scheme == "NICE"]
    national = [one for one in record.classifications if one.scheme == f"{record.office}-TM-CLASS"]
    known = {one.symbol for one in nice}
    found = [
        _goods("Nice", edition, [one for one in nice if one.edition == edition], written)
        for edition in dict.fromkeys(one.edition for one in nice)
    ]
    if national:
        found.append(_goods("Domestic", None, national, []))
    loose = [text for text in written if text.class_symbol not in known]
    if loose:
        described = [
            E(
                "tm:ClassDescription",
                E("tm:ClassNumber", symbol),
                [_description(text) for text in loose if text.class_symbol == symbol],
            )
            for symbol in dict.fromkeys(text.class_symbol for text in loose)
        ]
        found.append(E("tm:GoodsServices", E("tm:ClassDescriptionDetails", described)))
    return E("tm:GoodsServicesDetails", found)


def _goods(kind: str, edition: str | None, classes: list[Classification], written: list[Text]) -> Element | None:
    leading = next((one.symbol for one in classes if one.first), None)
    return E(
        "tm:GoodsServices",
        E("tm:ClassificationKindCode", kind),
        E("tm:ClassificationVersion", edition),
        E("tm:ProposedLeadingClassNumber", leading),
        E(
            "tm:ClassDescriptionDetails",
            [
                E(
                    "tm:ClassDescription",
                    E("tm:ClassNumber", one.symbol if kind == "Nice" else one.raw),
                    [_description(text) for text in written if text.class_symbol == one.symbol],
                )
                for one in classes
            ],
        ),
    )


def _description(text: Text) -> Element | None:
    return parts.localised("tm:GoodsServicesDescription", text)


def _documents(record: Record) -> list[Element | None]:
    return [
        E(
            "tm:TradeMarkDocument",
            E("tm:DocumentName", image.caption or image.reference),
            E("tm:DocumentFilename", image.reference),
            E("tm:DocumentFileFormat", image.format),
        )
        for image in record.images
        if image.type == "other"
    ]


# --- other marks and states ---


def _designations(record: Record) -> Element | None:
    return E(
        "tm:DesignatedCountryDetails",
        [
            E(
                "tm:DesignatedCountry",
                E("tm:DesignatedCountryCode", one.office),
                E("tm:DesignationDate", iso(one.date)),
            )
            for one in record.designations
        ],
    )


def _numbered(record: Record, type: RelationType, *types: NumberType) -> list[tuple[Relation, Number]]:
    return [
        (one, one.number)
        for one in record.relations
        if one.type is type and one.number is not None and one.number.type in types
    ]


def _previous(record: Record) -> list[Element | None]:
    return [
        E(
            "tm:PreviousRegistration",
            E("tm:PreviousRegistrationCountryCode", number.office),
            E("tm:PreviousRegistrationNumber", number_text(number, TRADEMARK)),
            E("tm:PreviousRegistrationDate", iso(number.date)),
            E("tm:Comment", one.text),
        )
        for one, number in _numbered(record, RelationType.RELATED, NumberType.REGISTRATION)
    ]


def _initial(record: Record) -> list[Element | None]:
    return [
        E(
            "tm:DivisionalApplication",
            E("tm:InitialApplicationNumber", number_text(number, TRADEMARK)),
            E("tm:InitialApplicationDate", iso(number.date)),
            E("tm:Comment", one.text),
        )
        for one, number in _numbered(record, RelationType.DIVISIONAL_OF, NumberType.APPLICATION)
    ]


def _converted(record: Record) -> list[Element | None]:
    return [
        E(
            "tm:ConversionPriority",
            E("tm:ConvertedApplicationNumber", number_text(number, TRADEMARK)),
            E("tm:ConvertedApplicationDate", iso(number.date)),
            E("tm:Comment", one.text),
        )
        for one, number in _numbered(record, RelationType.CONVERSION_OF, NumberType.APPLICATION)
    ]


def _basic(record: Record) -> list[Element | None]:
    found = []
    for one, number in _numbered(record, RelationType.BASIC_MARK_OF, NumberType.APPLICATION, NumberType.REGISTRATION):
        name = "Application" if number.type is NumberType.APPLICATION else "Registration"
        found.append(
            E(
                "tm:BasicRegistrationApplication",
                E("tm:RegistrationOfficeCode", number.office),
                E(f"tm:Basic{name}Number", number_text(number, TRADEMARK)),
                E(f"tm:Basic{name}Date", iso(number.date)),
                E("tm:Comment", one.text),
            )
        )
    return found


def _seniorities(record: Record) -> list[Element | None]:
    found = []
    for one, number in _numbered(record, RelationType.SENIORITY_OF, NumberType.APPLICATION, NumberType.REGISTRATION):
        applied = number.type is NumberType.APPLICATION
        found.append(
            E(
                "tm:Seniority",
                E("tm:SeniorityCountryCode", number.office),
                E("tm:SeniorityApplicationNumber", number_text(number, TRADEMARK) if applied else None),
                E("tm:SeniorityFilingDate", iso(number.date) if applied else None),
                E("tm:SeniorityRegistrationNumber", None if applied else number_text(number, TRADEMARK)),
                E("tm:SeniorityRegistrationDate", None if applied else iso(number.date)),
                E("tm:Comment", one.text),
            )
        )
    return found
