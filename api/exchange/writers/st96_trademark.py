"""Marks as WIPO ST.96 V6 `TrademarkApplication` with one `Trademark`."""

from __future__ import annotations

import datetime as dt

from api.exchange.writers import st96_marks as goods
from api.exchange.writers import st96_parts as parts
from api.exchange.writers.codes import category, code
from api.exchange.writers.markup import E, Element
from api.exchange.writers.result import Missing, unwritable
from api.exchange.writers.saying import (
    current_event,
    events,
    first_of,
    iso,
    labelled,
    note,
    notes,
    number_text,
    parties,
    tag,
    texts,
)
from indexer.record import (
    DateType,
    Number,
    NumberType,
    Party,
    PartyRole,
    Record,
    Relation,
    RelationType,
    Right,
    StatusEvent,
    TextType,
)

TRADEMARK = Right.TRADEMARK
FORMAT = "st96"
HISTORY = "National prosecution history entry"
"""Category of an event that ST.96 has no name for: it is an entry in the office's own history of the mark."""


def write(record: Record) -> bytes:
    """Raises UnwritableRecord where the mark has neither an application number nor a registration number."""
    if record.number(NumberType.APPLICATION, NumberType.REGISTRATION) is None:
        raise unwritable(
            FORMAT,
            record.id,
            [Missing("numbers", "Trademark requires an application number or a registration number")],
        )
    root = E("tmk:TrademarkApplication", parts.VERSIONED, E("tmk:TrademarkBag", _mark(record)))
    return parts.document(root, "com", "tmk")


def _mark(record: Record) -> Element | None:
    registered = record.number(NumberType.REGISTRATION)
    status = _status(record)
    applications = [n for n in record.numbers if n.type is NumberType.APPLICATION]
    return E(
        "tmk:Trademark",
        E("com:RegistrationOfficeCode", code("office", record.office)),
        E("com:ReceivingOfficeDate", iso(first_of(record, DateType.RECEIPT))),
        [parts.application_number(number, TRADEMARK) for number in applications],
        E("com:RegistrationNumber", number_text(registered, TRADEMARK) if registered else None),
        E("com:ApplicationDate", iso(first_of(record, DateType.FILING))),
        E("com:RegistrationDate", iso(first_of(record, DateType.REGISTRATION))),
        [E("tmk:OtherDate", iso(fact.date)) for fact in labelled(record, "OtherDate")],
        E("com:FilingPlace", note(record, "FilingPlace")),
        E("com:ApplicantFileReference", note(record, "ApplicantFileReference")),
        E("com:ApplicationLanguageCode", tag(record.language)),
        E("com:SecondLanguageCode", tag(note(record, "SecondLanguageCode"))),
        E("com:ExpiryDate", iso(first_of(record, DateType.EXPIRY))),
        E("tmk:TerminationDate", iso(first_of(record, DateType.TERMINATION))),
        E("tmk:MarkCurrentStatusCode", status.raw_code if status else None),
        E("tmk:MarkCurrentStatusDate", iso(_status_date(record, status))),
        _designations(record),
        E("tmk:PreviousRegistrationBag", _previous(record)),
        E("tmk:AssociatedMarkBag", _associated(record)),
        _initial(record, RelationType.DIVISIONAL_OF, "tmk:DivisionalApplicationBag"),
        _initial(record, RelationType.CONVERSION_OF, "tmk:ConversionApplicationBag"),
        E("tmk:BasicRegistrationApplicationBag", _basic(record)),
        E(
            "tmk:InternationalMarkIdentifierBag",
            [
                E("tmk:InternationalMarkIdentifier", number_text(number, TRADEMARK))
                for number in record.numbers
                if number.type is NumberType.INTERNATIONAL
            ],
        ),
        [E("tmk:MarkCategory", one) for one in goods.mark_categories(record)],
        goods.representation(record),
        E(
            "tmk:MarkDisclaimerBag",
            [parts.localised("tmk:MarkDisclaimerText", t) for t in texts(record, TextType.DISCLAIMER)],
        ),
        E("tmk:SpecialCircumstanceText", note(record, "SpecialCircumstanceText")),
        E("tmk:TradeDistinctivenessText", note(record, "TradeDistinctivenessText")),
        E("tmk:UseRequirementText", note(record, "UseRequirementText")),
        E("tmk:UseLimitationText", note(record, "UseLimitationText")),
        [parts.localised("com:CommentText", text) for text in notes(record, "CommentText")[:1]],
        E("tmk:OppositionPeriodStartDate", iso(first_of(record, DateType.OPPOSITION_START))),
        E("tmk:OppositionPeriodEndDate", iso(first_of(record, DateType.OPPOSITION_END))),
        goods.goods_and_services(record),
        E("tmk:PriorityBag", [parts.priority("tmk", "Priority", one, TRADEMARK) for one in parts.claimed(record)]),
        parts.exhibitions(record),
        E("tmk:SeniorityBag", _seniorities(record)),
        E("tmk:PublicationBag", [_publication(event) for event in events(record, "-TM-PUBLICATION")]),
        E("tmk:ApplicantBag", [_applicant(one) for one in parties(record, PartyRole.APPLICANT, PartyRole.OWNER)]),
        E(
            "com:RepresentativeBag",
            [_represents(one) for one in parties(record, PartyRole.REPRESENTATIVE)],
        ),
        E("com:StaffBag", [_staff(one) for one in parties(record, PartyRole.EXAMINER)]),
        E("tmk:MarkRecordBag", [_register_entry(event) for event in events(record, "-TM-RECORD")]),
        E("tmk:MarkEventBag", [_event(event) for event in events(record, "-TM-EVENT")]),
        E("tmk:TrademarkDocumentBag", goods.documents(record)),
        E("tmk:MarkFeatureDescription", note(record, "MarkFeatureDescription")),
        [_correspondence(one) for one in parties(record, PartyRole.CORRESPONDENT)[:1]],
    )


# --- status and history ---


def _status(record: Record) -> StatusEvent | None:
    found = current_event(record, "-TM-STATUS")
    return found if found is not None and found.scheme == f"{record.office}-TM-STATUS" else None


def _status_date(record: Record, status: StatusEvent | None) -> dt.date | None:
    return (status.event_date if status else None) or first_of(record, DateType.STATUS)


def _publication(event: StatusEvent) -> Element | None:
    """A bulletin's section that ST.96 does not list stands as its subsection, which is free."""
    identified = note(event, "PublicationIdentifier")
    if identified is None:
        return None
    section = category("mark_publication", event.raw_code)
    free = event.raw_code if event.raw_code != "Publication" and section is None else None
    return E(
        "tmk:Publication",
        E("com:PublicationIdentifier", identified),
        E("tmk:PublicationSectionCategory", section),
        E("com:PublicationSubsection", note(event, "PublicationSubsection") or free),
        E("com:PublicationDate", iso(event.publication_date)),
        E("com:PublicationPage", note(event, "PublicationPage")),
    )


def _event(event: StatusEvent) -> Element | None:
    given = category("mark_event", note(event, "MarkEventCategory")) or category("mark_event", event.raw_code)
    entry = note(event, "MarkEventEntryNumber") or ""
    said = note(event, "MarkEventDescriptionText") or next((text.text for text in event.description), event.raw_code)
    return E(
        "tmk:MarkEvent",
        E("tmk:MarkEventCategory", given or HISTORY),
        E(
            "tmk:NationalMarkEvent",
            E("tmk:MarkEventCode", event.raw_code),
            E("tmk:MarkEventDescriptionText", said),
            E("tmk:MarkEventEntryNumber", entry if entry.isdigit() and int(entry) > 0 else None),
            E("tmk:MarkEventAdditionalText", note(event, "MarkEventAdditionalText")),
            E("tmk:MarkEventDocumentIdentifier", note(event, "MarkEventDocumentIdentifier")),
        ),
        E("tmk:MarkEventDate", iso(event.event_date)),
    )


def _register_entry(event: StatusEvent) -> Element | None:
    """An entry in the register; None without its identifier, which ST.96 requires."""
    identified = note(event, "RecordIdentifier")
    if identified is None:
        return None
    return E(
        "tmk:MarkRecord",
        E(
            "tmk:BasicRecord",
            E("com:RecordIdentifier", identified),
            E("com:RecordFilingDate", iso(event.event_date)),
            E("com:RecordEffectiveDate", iso(event.effective_date)),
            E("tmk:BasicRecordCategory", category("basic_record", event.raw_code)),
            E("com:RecordReference", note(event, "RecordReference")),
        ),
    )


# --- other marks and states ---


def _designations(record: Record) -> Element | None:
    return E(
        "tmk:DesignatedCountryBag",
        [
            E(
                "tmk:DesignatedCountry",
                E("com:DesignatedCountryCode", one.office),
                E("tmk:MadridSystemCategory", category("madrid", one.type)),
            )
            for one in record.designations
            if code("office", one.office)
        ],
    )


def _numbered(record: Record, type: RelationType, *types: NumberType) -> list[tuple[Relation, Number]]:
    return [
        (one, one.number)
        for one in record.relations
        if one.type is type and one.number is not None and one.number.type in types and one.number.raw
    ]


def _previous(record: Record) -> list[Element | None]:
    return [
        E(
            "tmk:PreviousRegistration",
            E("com:RegistrationOfficeCode", code("office", number.office)),
            E("tmk:PreviousRegistrationNumber", number_text(number, TRADEMARK)),
            E("tmk:PreviousRegistrationDate", iso(number.date)),
        )
        for one, number in _numbered(record, RelationType.RELATED, NumberType.REGISTRATION)
        if category("mark_association", one.text) is None
    ]


def _associated(record: Record) -> list[Element | None]:
    """Marks whose association ST.96 has a word for."""
    return [
        E(
            "tmk:AssociatedMark",
            E("tmk:AssociationCategory", association),
            parts.application_number(number, TRADEMARK, "tmk:NationalApplicationNumber"),
            E("tmk:NationalApplicationFilingDate", iso(number.date)),
        )
        for one, number in _numbered(record, RelationType.RELATED, NumberType.APPLICATION)
        if (association := category("mark_association", one.text)) is not None
    ]


def _initial(record: Record, type: RelationType, name: str) -> Element | None:
    """The application that this one was divided or converted from: there is room for one."""
    for _, number in _numbered(record, type, NumberType.APPLICATION):
        return E(
            name,
            parts.application_number(number, TRADEMARK, "tmk:InitialApplicationNumber"),
            E("tmk:InitialApplicationDate", iso(number.date)),
        )
    return None


def _basic(record: Record) -> list[Element | None]:
    """Basic applications and registrations of an international one, each with its office. A registration is dated."""
    found = []
    for _, number in _numbered(record, RelationType.BASIC_MARK_OF, NumberType.APPLICATION, NumberType.REGISTRATION):
        office = E("com:RegistrationOfficeCode", code("office", number.office))
        if number.type is NumberType.APPLICATION:
            body = E(
                "tmk:BasicApplicationBag",
                E(
                    "tmk:BasicApplication",
                    parts.application_number(number, TRADEMARK, "tmk:BasicApplicationNumber"),
                    E("tmk:BasicApplicationDate", iso(number.date)),
                ),
            )
        elif number.date:
            body = E(
                "tmk:BasicRegistrationBag",
                E(
                    "tmk:BasicRegistration",
                    E("tmk:BasicRegistrationNumber", number_text(number, TRADEMARK)),
                    E("tmk:BasicRegistrationDate", iso(number.date)),
                ),
            )
        else:
            continue
        found.append(E("tmk:BasicRegistrationApplication", office, body))
    return found


def _seniorities(record: Record) -> list[Element | None]:
    found = []
    for one, number in _numbered(record, RelationType.SENIORITY_OF, NumberType.APPLICATION, NumberType.REGISTRATION):
        applied = number.type is NumberType.APPLICATION
        office = code("office", number.office)
        if office is None:
            continue
        said = [part.strip() for part in (one.text or "").split(";")]
        found.append(
            E(
                "tmk:Seniority",
                E("tmk:SeniorityCountryCode", office),
                parts.application_number(number, TRADEMARK, "tmk:SeniorityApplicationNumber") if applied else None,
                E("tmk:SeniorityFilingDate", iso(number.date)) if applied else None,
                E("tmk:SeniorityRegistrationNumber", None if applied else number_text(number, TRADEMARK)),
                E("tmk:SeniorityRegistrationDate", None if applied else iso(number.date)),
                E("tmk:SeniorityStatusCategory", next((c for s in said if (c := category("seniority", s))), None)),
            )
        )
    return found


# --- parties ---


def _applicant(party: Party) -> Element | None:
    """An applicant; an owner says so in a comment, as the USPTO's data does: V6 has no holder in a mark."""
    who = [parts.identifier(party), *parts.contacts(party, publication=True)]
    if all(one is None for one in who):
        return None
    return E(
        "tmk:Applicant",
        parts.sequence(party),
        who,
        parts.nationality(party),
        E("com:CommentText", "Owner" if party.role is PartyRole.OWNER else None),
    )


def _represents(party: Party) -> Element | None:
    who = [parts.identifier(party), *parts.contacts(party)]
    if all(one is None for one in who):
        return None
    return E("com:Representative", parts.sequence(party), who, parts.nationality(party))


def _staff(party: Party) -> Element | None:
    return E("com:Staff", parts.identifier(party), E("com:StaffName", party.name))


def _correspondence(party: Party) -> Element | None:
    return E("com:CorrespondenceAddress", parts.identifier(party), parts.contacts(party))
