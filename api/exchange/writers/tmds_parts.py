"""Parts that ST.66 (TM-XML) and ST.86 (DS-XML) share: transactions, parties with their address books, priorities.

Element order is that of the standards' schemas (WIPO ST.66 and ST.86, annex A). `ns`: the prefix of the standard's
namespace, `tm` or `ds`.
"""

from __future__ import annotations

from collections.abc import Iterable

from api.exchange.writers.markup import E, Element, serialised
from api.exchange.writers.saying import events, iso, note, notes, number_text, tag
from indexer.record import Number, NumberType, Party, PersonalData, Priority, Record, StatusEvent, Text


def transaction(ns: str, body: str, details: str, content: Element | None, number: Number, what: str) -> bytes:
    """A transaction with one record. Its identifier is the record's number; when it was made is not said."""
    root = E(
        f"{ns}:Transaction",
        E(
            f"{ns}:{body}",
            E(
                f"{ns}:TransactionContentDetails",
                E(f"{ns}:TransactionIdentifier", number.raw),
                E(f"{ns}:TransactionCode", what),
                E(f"{ns}:TransactionData", E(f"{ns}:{details}", content)),
            ),
        ),
    )
    assert root is not None  # it has a number
    return serialised(root, default=ns)


# --- parties ---


def party(ns: str, kind: str, one: Party) -> Element | None:
    """`Applicant`, `Representative`, `Designer` …: sequence, identifier, nationality, comment and address book."""
    identifier = E(f"{ns}:{kind}Identifier", one.identifier)
    sequence = E(f"{ns}:{kind}SequenceNumber", None if one.sequence is None else str(one.sequence))
    nationality = E(f"{ns}:{kind}NationalityCode", one.nationality)
    book = address_book(ns, f"{kind}AddressBook", one)
    if identifier is None and book is None:
        return None
    return E(f"{ns}:{kind}", identifier, sequence, nationality, book)


def address_book(ns: str, name: str, one: Party) -> Element | None:
    private = one.private or PersonalData()
    formatted = E(
        f"{ns}:FormattedAddress",
        [E(f"{ns}:AddressLine", line) for line in private.address],
        E(f"{ns}:AddressCity", private.city),
        E(f"{ns}:AddressState", private.region),
        E(f"{ns}:AddressPostcode", private.postal_code),
        E(f"{ns}:FormattedAddressCountryCode", one.country),
    )
    whole = E(
        f"{ns}:FormattedNameAddress",
        _name(ns, one),
        E(f"{ns}:Address", E(f"{ns}:AddressCountryCode", one.country), formatted),
    )
    contacts = E(
        f"{ns}:ContactInformationDetails",
        [E(f"{ns}:Phone", found) for found in private.phone],
        [E(f"{ns}:Fax", found) for found in private.fax],
        [E(f"{ns}:Email", found) for found in private.email],
        [E(f"{ns}:URL", found) for found in private.url],
    )
    return E(f"{ns}:{name}", whole, contacts)


def _name(ns: str, one: Party) -> Element | None:
    """A person's whole name stands as last name (the record does not part it); a name of unknown kind is free."""
    if not one.name:
        return None
    synonyms = [E(f"{ns}:NameSynonym", other) for other in one.other_names]
    if one.entity == "unknown":
        free = E(
            f"{ns}:FreeFormatName",
            E(f"{ns}:FreeFormatNameDetails", E(f"{ns}:FreeFormatNameLine", one.name)),
        )
        return E(f"{ns}:Name", free, E(f"{ns}:FormattedName", synonyms))
    element = "OrganizationName" if one.entity == "organisation" else "LastName"
    return E(f"{ns}:Name", E(f"{ns}:FormattedName", E(f"{ns}:{element}", one.name), synonyms))


def parties(ns: str, kind: str, found: Iterable[Party]) -> Element | None:
    return E(f"{ns}:{kind}Details", [party(ns, kind, one) for one in found])


# --- priorities, publications, texts ---


def priorities(ns: str, record: Record) -> Element | None:
    found = [one for one in record.priorities if one.number.type is NumberType.APPLICATION]
    return E(
        f"{ns}:PriorityDetails",
        [_priority(ns, one, record) for one in sorted(found, key=lambda one: one.sequence or 0)],
    )


def _priority(ns: str, one: Priority, record: Record) -> Element | None:
    return E(
        f"{ns}:Priority",
        E(f"{ns}:PriorityCountryCode", one.number.office),
        E(f"{ns}:PriorityNumber", number_text(one.number, record.right, NumberType.APPLICATION, kind=False)),
        E(f"{ns}:PriorityDate", iso(one.date)),
        E(f"{ns}:PriorityStatusCode", one.type),
        E(f"{ns}:PrioritySequenceNumber", None if one.sequence is None else str(one.sequence)),
    )


def exhibitions(ns: str, record: Record) -> Element | None:
    return E(
        f"{ns}:ExhibitionPriorityDetails",
        [
            E(
                f"{ns}:ExhibitionPriority",
                E(f"{ns}:ExhibitionCountryCode", one.number.office),
                E(f"{ns}:ExhibitionName", one.number.raw),
                E(f"{ns}:ExhibitionDate", iso(one.date)),
            )
            for one in record.priorities
            if one.type == "exhibition"
        ],
    )


def publications(ns: str, record: Record, ending: str) -> Element | None:
    """Publications; section and number of the bulletin where they are said."""
    return E(f"{ns}:PublicationDetails", [_publication(ns, event) for event in events(record, ending)])


def _publication(ns: str, event: StatusEvent) -> Element | None:
    return E(
        f"{ns}:Publication",
        E(f"{ns}:PublicationIdentifier", note(event, "PublicationIdentifier")),
        E(f"{ns}:PublicationSequenceNumber", note(event, "PublicationSequenceNumber")),
        E(f"{ns}:PublicationSection", event.raw_code if event.raw_code != "Publication" else None),
        E(f"{ns}:PublicationSubsection", note(event, "PublicationSubsection")),
        E(f"{ns}:PublicationDate", iso(event.publication_date)),
        E(f"{ns}:PublicationPage", note(event, "PublicationPage")),
    )


def localised(name: str, text: Text) -> Element | None:
    return E(name, {"languageCode": tag(text.declared_language)}, text.text)


def noted(ns: str, record: Record, *names: str) -> list[Element | None]:
    """Elements that a reader keeps as notes, word for word."""
    return [E(f"{ns}:{name}", text.text) for name in names for text in notes(record, name)]


def comment(event: StatusEvent) -> str | None:
    """An event's comment, or else the first words that describe it."""
    return note(event, "Comment") or next((text.text for text in event.description), None)


def register_entries(ns: str, record: Record, ending: str, outer: str, inner: str) -> list[Element | None]:
    """Entries in the register: what was entered, when, and where it was published."""
    return [
        E(
            f"{ns}:{outer}",
            E(
                f"{ns}:{inner}",
                E(f"{ns}:RecordIdentifier", note(event, "RecordIdentifier")),
                E(f"{ns}:RecordFilingDate", iso(event.event_date)),
                E(f"{ns}:RecordEffectiveDate", iso(event.effective_date)),
                E(f"{ns}:BasicRecordKind", event.raw_code),
                E(f"{ns}:RecordReference", note(event, "RecordReference")),
                E(f"{ns}:RecordLanguageCode", note(event, "RecordLanguageCode")),
                E(
                    f"{ns}:RecordPublicationDetails",
                    E(
                        f"{ns}:RecordPublication",
                        E(f"{ns}:PublicationIdentifier", note(event, "PublicationIdentifier")),
                        E(f"{ns}:PublicationSequenceNumber", note(event, "PublicationSequenceNumber")),
                        E(f"{ns}:PublicationSection", note(event, "PublicationSection")),
                        E(f"{ns}:PublicationSubsection", note(event, "PublicationSubsection")),
                        E(f"{ns}:PublicationDate", iso(event.publication_date)),
                    ),
                ),
                E(f"{ns}:RecordCurrentStatusCode", note(event, "RecordCurrentStatusCode")),
                E(f"{ns}:RecordCurrentStatusDate", note(event, "RecordCurrentStatusDate")),
                E(f"{ns}:RenewalSequenceNumber", note(event, "RenewalSequenceNumber")),
            ),
        )
        for event in events(record, ending)
    ]
