"""Parts that WIPO's XML standards for marks, designs, indications and works share: ST.96 and, before it, ST.66, ST.86.

The three describe names, addresses, parties, priorities, publications and documents alike, under slightly different
element names; each function here takes the element of any of them. What is said nowhere else in the Draft (a bulletin's
number, a procedure's file number) is kept as a note: a text of type `other` whose `format` is the element's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO, Literal, TypeVar

from lxml import etree

from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftClassification,
    DraftDate,
    DraftDesignation,
    DraftEvent,
    DraftImage,
    DraftNumber,
    DraftParty,
    DraftPriority,
    DraftRelation,
    DraftText,
)
from indexer.formats.xml import XmlRecord, attribute, every, first, local, text, value, values
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

Element = etree._Element

ADDRESS_LINES = frozenset(
    [
        "AddressLine",
        "AddressLineText",
        "FreeFormatAddressLine",
        "PostalAddressText",
        "AddressMailCode",
        "AddressPostOfficeBox",
        "AddressRoom",
        "AddressFloor",
        "AddressBuilding",
        "AddressStreet",
        "AddressStreetNumber",
        "AddressStreetType",
        "FreeFormatNameAddressLine",
    ]
)
CITY = ("AddressCity", "CityName")
REGION = ("AddressState", "AddressCounty", "GeographicRegionName")
POSTAL_CODE = ("AddressPostcode", "PostalCode")
COUNTRY = (
    *("FormattedAddressCountryCode", "AddressCountryCode", "CountryCode", "CountryName"),
    "FreeFormatAddressCountryCode",
)
IDENTIFIERS = (
    *("ApplicantIdentifier", "RepresentativeIdentifier", "DesignerIdentifier", "LicenseeIdentifier"),
    *("OpponentIdentifier", "PartyIdentifier", "Identifier", "ISNI", "InterestedPartyBaseNumber", "ProducerIdentifier"),
)
NATIONALITY = ("NationalityCode", "ApplicantNationalityCode", "DesignerNationalityCode", "IncorporationCountryCode",
               "ApplicantIncorporationCountryCode", "HolderNationalityCode")  # fmt: skip
PERSON_PARTS = ("FirstName", "MiddleName")
FAMILY_PARTS = ("LastName", "FirstLastName", "SecondLastName")
OPERATION = ("operationCode", "operationCategory")
NAME_ELEMENTS = ("Name", "SignatoryName")


def start(record: XmlRecord, right: Right, element: Element | None = None) -> Draft:
    """An empty Draft that knows where its record stands, and whether the delivery takes it back.

    `element` is the part of the record that the Draft is about, where a record holds several.
    """
    element = record.element if element is None else element
    draft = Draft(
        right=right,
        byte_offset=record.byte_offset,
        byte_length=record.byte_length,
        line=record.line,
        problems=list(record.problems),
    )
    around = [element, *element.iterancestors()]
    operation = next((found for one in around if (found := attribute(one, *OPERATION))), None)
    for _, attributes in reversed(record.ancestors):
        operation = operation or next((v for k, v in attributes.items() if k.endswith(OPERATION)), None)
    set_operation(draft, operation)
    return draft


class Peeked:
    """A stream whose first bytes were looked at and are read again."""

    def __init__(self, stream: BinaryIO, size: int = 64 * 1024) -> None:
        self.stream = stream
        self.head = stream.read(size)
        self._left = self.head

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            return self.stream.read(size)
        taken = self._left if size < 0 else self._left[:size]
        self._left = self._left[len(taken) :]
        return taken if size >= 0 else taken + self.stream.read()


def set_operation(draft: Draft, operation: str | None) -> None:
    """Operation codes of ST.66 and ST.86: Insert, Update, Delete; ST.96: `Create`, `Update`, `Delete`."""
    if operation is None:
        return
    if operation.strip().lower() == "delete":
        draft.operation = "delete"
    elif operation.strip().lower() not in ("insert", "update", "create", "upsert", "none"):
        draft.problems.append(("operation", f"unknown operation code {operation!r}; read as an update"))


def finish(draft: Draft) -> Draft:
    """The Draft with what was met twice in the record kept once, in the order in which it was first met."""
    symbols: dict[tuple[str, str], DraftClassification] = {}
    for one in draft.classifications:
        known = symbols.setdefault((one.scheme, one.symbol), one)
        known.first = known.first or one.first
        known.edition = known.edition or one.edition
    draft.classifications = list(symbols.values())
    numbers: dict[tuple[str, str], DraftNumber] = {}
    for number in draft.numbers:
        same = numbers.setdefault((number.type, number.raw), number)
        same.office, same.date = same.office or number.office, same.date or number.date
    draft.numbers = list(numbers.values())
    draft.dates = _once(draft.dates)
    draft.texts = _once(draft.texts)
    draft.parties = _once(draft.parties)
    draft.images = _once(draft.images)
    draft.relations = _once(draft.relations)
    draft.events = _once(draft.events)
    draft.designations = _once(draft.designations)
    draft.priorities = _once(draft.priorities)
    return draft


T = TypeVar("T")


def _once(found: list[T]) -> list[T]:
    return list({repr(one): one for one in reversed(found)}.values())[::-1]


def language(element: Element | None) -> str | None:
    return attribute(element, "languageCode", "lang") if element is not None else None


def note(label: str, found: str | None, tag: str | None = None, symbol: str | None = None) -> list[DraftText]:
    return [DraftText(TextType.OTHER, found, tag, class_symbol=symbol, format=label)] if found else []


def notes(element: Element | None, *paths: str) -> list[DraftText]:
    """A note for each element at `paths` that has text, named after it."""
    if element is None:
        return []
    return [
        one
        for path in paths
        for found in every(element, path)
        for one in note(local(found), text(found), language(found))
    ]


def add_notes(draft: Draft, element: Element | None, *paths: str) -> None:
    draft.texts += notes(element, *paths)


def add_date(draft: Draft, kind: DateType, found: str | None, label: str | None = None) -> None:
    if found:
        draft.dates.append(DraftDate(kind, found, label))


def add_dates(draft: Draft, element: Element, table: dict[str, DateType], *, label: bool = False) -> None:
    """Every date that `table` (path -> type) finds; those of type `other` carry the element's name as label."""
    for path, kind in table.items():
        for found in every(element, path):
            add_date(draft, kind, text(found), local(found) if label or kind is DateType.OTHER else None)


def add_number(
    draft: Draft, kind: NumberType, raw: str | None, office: str | None = None, date: str | None = None
) -> DraftNumber | None:
    if not raw:
        return None
    draft.numbers.append(DraftNumber(kind, raw, office, date=date))
    return draft.numbers[-1]


def application_number(element: Element | None, kind: NumberType = NumberType.APPLICATION) -> DraftNumber | None:
    """An ST.96 ApplicationNumber (office, ST.13 number, text) or an element that is the number itself."""
    if element is None:
        return None
    raw = value(element, "ApplicationNumberText", "ST13ApplicationNumber") or (
        text(element) if not len(element) else None
    )
    if raw is None:
        return None
    return DraftNumber(kind, raw, value(element, "IPOfficeCode"))


def add_texts(draft: Draft, element: Element, table: dict[str, TextType], tag: str | None = None) -> None:
    """Every text that `table` (path -> type) finds, with its language; `tag` where it has none of its own."""
    for path, kind in table.items():
        for found in every(element, path):
            if (content := text(found)) is not None:
                draft.texts.append(DraftText(kind, content, language(found) or tag))


# --- parties ---


def party(element: Element, role: PartyRole, sequence: int | None = None) -> DraftParty | None:
    """A party of any of the standards: applicant, representative, designer …; None where nothing is said of it.

    Where the office gives nothing but its own id of the party (EUIPO's data files), the name is empty. A party that the
    office marks as confidential is None; `withheld` says so on the record.
    """
    if confidential(element):
        return None
    names = [n for tag in NAME_ELEMENTS for n in every(element, f".//{tag}")] or [element]
    spelled: list[str] = []
    entity = "unknown"
    for name in names:
        written, kind = full_names(name)
        spelled += written
        entity = kind if entity == "unknown" else entity
    if not spelled:
        spelled = values(element, ".//FreeFormatNameAddressLine")[:1]
    spelled = list(dict.fromkeys(spelled))
    identifier = next(
        (found for tag in IDENTIFIERS for found in values(element, tag) + values(element, f"*/{tag}")), None
    )
    nationality = value(element, *NATIONALITY)
    address, country = address_of(element)
    country = value(element, "ResidenceCountryCode", "ApplicantDomicileCountry") or country
    if not spelled and not identifier:
        if address is None:
            return None
        spelled = [""]
    number = attribute(element, "sequenceNumber") or value(element, "ApplicantSequenceNumber", "DesignerSequenceNumber")
    return DraftParty(
        role,
        spelled[0] if spelled else "",
        other_names=spelled[1:] + values(element, ".//NameSynonym") + values(element, ".//OrganizationOtherName"),
        latin_name=value(element, ".//TransliterationName"),
        country=country,
        nationality=nationality,
        entity=_entity(element, entity),
        identifier=identifier,
        sequence=int(number) if number and number.isascii() and number.isdigit() and len(number) < 10 else sequence,
        address=address,
    )


def full_names(name: Element) -> tuple[list[str], Literal["person", "organisation", "unknown"]]:
    """Names in a Name element, fullest first, and what kind of party they show."""
    organisation = values(name, ".//OrganizationStandardName") + [
        found for element in every(name, ".//OrganizationName") if not len(element) and (found := text(element))
    ]
    entity = values(name, ".//EntityName")
    whole = values(name, ".//PersonFullName")
    structured = [
        joined
        for element in every(name, ".//PersonStructuredName") + every(name, ".//FormattedName")
        if (joined := _person(element))
    ]
    free = [
        " ".join(lines)
        for element in every(name, ".//FreeFormatNameDetails") + every(name, ".//FreeFormatName")
        if (lines := values(element, "FreeFormatNameLine"))
    ]
    if local(name) in NAME_ELEMENTS and not len(name) and (plain := text(name)):
        free.append(plain)
    people = whole + structured
    spelled = list(dict.fromkeys(organisation + people + entity + free))
    if not spelled:
        return [], "unknown"
    return spelled, "organisation" if organisation else "person" if people else "unknown"


def _person(element: Element) -> str | None:
    family = " ".join(found for tag in FAMILY_PARTS for found in values(element, tag))
    given = " ".join(found for tag in PERSON_PARTS for found in values(element, tag))
    before, after = value(element, "NamePrefix"), value(element, "NameSuffix")
    joined = ", ".join(part for part in (family, given) if part)
    if not joined:
        return None
    return " ".join(part for part in (joined, before, after) if part)


def _entity(element: Element, found: str) -> Literal["person", "organisation", "unknown"]:
    kind = (value(element, ".//NameKind", "LegalEntityName", "ApplicantLegalEntity") or "").lower()
    if kind in ("individual", "natural person", "natural entity", "person"):
        return "person"
    if kind and found == "unknown":
        return "organisation"
    return "person" if found == "person" else "organisation" if found == "organisation" else "unknown"


def address_of(element: Element) -> tuple[DraftAddress | None, str | None]:
    """(address and contacts, country) anywhere in a party's own part of the file."""

    lines: list[str] = []
    by_name: dict[str, list[str]] = {}
    for node in element.iter(etree.Element):
        if not len(node) and (content := text(node)):
            name = local(node)
            by_name.setdefault(name, []).append(content)
            if name in ADDRESS_LINES:
                lines.append(content)

    def found(tags: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(v for tag in tags for v in by_name.get(tag, ())))

    city, region, code, country = found(CITY), found(REGION), found(POSTAL_CODE), found(COUNTRY)
    # DPMAregister writes the country where the state or county belongs
    states = [one for one in region if not country and len(one) == 2 and one.isalpha() and one.isupper()]
    region = [one for one in region if one not in states]
    country += states
    address = DraftAddress(
        lines=list(dict.fromkeys(lines)),
        city=next(iter(city), None),
        region=", ".join(region) or None,
        postal_code=next(iter(code), None),
        email=found(("Email", "EmailAddressText")),
        phone=found(("Phone", "PhoneNumber", "Mobile")),
        fax=found(("Fax", "FaxNumber")),
        url=found(("URL", "WebAddressURI", "OtherElectronicAddress", "OtherElectronicAddressText")),
    )
    address.lines += city[1:] + code[1:] + country[1:]
    empty = not (
        address.lines or city or region or code or address.email or address.phone or address.fax or address.url
    )
    return None if empty else address, next(iter(country), None)


def confidential(element: Element) -> bool:
    """ST.96 `ConfidentialIndicator`."""
    return (value(element, "ConfidentialIndicator") or "").lower() in ("true", "1")


def withheld(draft: Draft, element: Element, role: PartyRole) -> bool:
    """Whether the office marks a party as confidential: it is left out, and the record says so."""
    if not confidential(element):
        return False
    draft.problems.append((f"parties.{role}", "marked as confidential by the office; withheld"))
    return True


def add_parties(draft: Draft, element: Element, table: dict[str, PartyRole]) -> None:
    """Every party that `table` (path -> role) finds, numbered in order where the file does not number them."""
    for path, role in table.items():
        nodes = every(element, path)
        shown = [node for node in nodes if not withheld(draft, node, role)]
        found = [one for node in shown if (one := party(node, role)) is not None]
        for position, one in enumerate(found, 1):
            if one.sequence is None and len(found) > 1:
                one.sequence = position
            draft.parties.append(one)


# --- priorities, publications, documents ---


def add_priorities(draft: Draft, element: Element, path: str) -> None:
    """Convention priorities. `path` leads to the Priority elements."""
    for position, found in enumerate(every(element, path), 1):
        office = value(found, "PriorityCountryCode", "OtherPriorityCountryCode")
        raw = value(found, "PriorityNumber") or getattr(
            application_number(first(found, "ApplicationNumber")), "raw", None
        )
        date = value(found, "PriorityDate", "PriorityApplicationFilingDate", "PriorityExt/ForeignApplicationFilingDate")
        registered = value(found, "PriorityRegistrationNumber", "PriorityExt/ForeignRegistartionNumber")
        number = value(found, "PrioritySequenceNumber")
        if raw or date or office:
            draft.priorities.append(
                DraftPriority(
                    DraftNumber(NumberType.APPLICATION, raw or "", office, date=date),
                    date,
                    int(number) if number and number.isascii() and number.isdigit() and len(number) < 9 else position,
                    value(found, "PriorityStatusCode", "PriorityStatusCategory"),
                )
            )
        if registered:
            draft.relations.append(
                DraftRelation(
                    RelationType.RELATED,
                    DraftNumber(NumberType.REGISTRATION, registered, office),
                    "PriorityRegistrationNumber",
                    value(found, "PriorityRegistrationDate"),
                )
            )
        add_notes(
            draft,
            found,
            "PriorityHolderName",
            "Comment",
            "CommentText",
            "PriorityExt/PriorityCountryName",
            "PriorityPartialGoodsServices//GoodsServicesDescription",
            "PriorityPartialGoodsServices//GoodsServicesDescriptionText",
        )
        add_dates(
            draft,
            found,
            {
                "PriorityStatusDate": DateType.OTHER,
                "PriorityRegistrationExpiredDate": DateType.OTHER,
                "PriorityRegistrationRenewedDate": DateType.OTHER,
                "PriorityRegistrationRenewalExpiredDate": DateType.OTHER,
            },
        )
        add_symbols(draft, found, "PriorityPartialGoodsServices//ClassNumber", "NICE")


def add_exhibition_priorities(draft: Draft, element: Element, path: str) -> None:
    for found in every(element, path):
        date = value(found, "ExhibitionFirstDisplayDate", "ExhibitionDate", "FirstDisplayDate")
        office = value(found, "ExhibitionCountryCode", "CountryCode")
        draft.priorities.append(
            DraftPriority(
                DraftNumber(NumberType.OTHER, value(found, "ExhibitionName") or "", office, date=date),
                date,
                type="exhibition",
            )
        )
        add_date(draft, DateType.EXHIBITION, date)
        add_date(draft, DateType.EXHIBITION, value(found, "ExhibitionDate"), "ExhibitionDate")
        add_notes(draft, found, "ExhibitionCityName", "Comment", "CommentText")


def add_publications(draft: Draft, element: Element, path: str, scheme: str) -> None:
    """Publications in a bulletin: each an event named by its section; the first also dates the record."""
    for found in every(element, path):
        date = value(found, "PublicationDate", "RecordPublicationDate")
        section = value(found, "PublicationSection", "PublicationSectionCategory", "PublicationSubsection")
        identifier = value(found, "PublicationIdentifier")
        # later ones publish entries in the register; each is an event
        if not any(one.type is DateType.PUBLICATION for one in draft.dates):
            add_date(draft, DateType.PUBLICATION, date)
        if section or identifier or date:
            draft.events.append(
                DraftEvent(
                    section or local(found),
                    scheme,
                    publication_date=date,
                    office=draft.office,
                    event_date=date,
                    description=notes(
                        found,
                        "PublicationIdentifier",
                        "PublicationSequenceNumber",
                        "PublicationSubsection",
                        "PublicationPage",
                        "PublicationAmendmentReasonText",
                        "PublicationStartPageText",
                        "PublicationEndPageText",
                    ),
                )
            )


def add_documents(draft: Draft, element: Element, *paths: str, scheme: str | None = None) -> None:
    """Attached documents: an image reference where the file names a file, an event where it names only the document."""
    for path in paths:
        for found in every(element, path):
            reference = value(
                found,
                "DocumentURI",
                "DocumentLocationURI",
                "DocumentFilename",
                "FileName",
                "DocumentFileName",
                "DocumentIdentifier",
            )
            caption = " ".join(
                dict.fromkeys(
                    part
                    for tag in (
                        "DocumentKind",
                        "DocumentKindCategory",
                        "DocumentName",
                        "DocumentFilename",
                        "Comment",
                        "CommentText",
                    )
                    for part in values(found, tag)
                    if part != reference
                )
            )
            date = value(found, "DocumentDate", "DocumentCreatedDate")
            if reference:
                kind = value(found, "DocumentFileFormat", "DocumentFormatCategory")
                draft.images.append(DraftImage("other", reference, kind, caption=caption or None))
                if date:
                    add_date(draft, DateType.OTHER, date, value(found, "DocumentName") or local(found))
            elif caption and scheme:
                draft.events.append(DraftEvent(caption, scheme, event_date=date))
            elif caption:
                draft.texts += note(local(found), caption)
                add_date(draft, DateType.OTHER, date, caption)


def add_symbols(draft: Draft, element: Element, path: str, scheme: str, edition: str | None = None) -> list[str]:
    """Class symbols at `path`; returns those found."""
    found = values(element, path)
    for symbol in found:
        add_symbol(draft, scheme, symbol, edition)
    return found


def add_symbol(
    draft: Draft,
    scheme: str,
    symbol: str | None,
    edition: str | None = None,
    *,
    first: bool = False,
    office: str | None = None,
) -> None:
    if symbol:
        draft.classifications.append(DraftClassification(scheme, symbol, edition, first, office=office))


def add_designations(draft: Draft, element: Element, path: str, kind: str | None = None) -> None:
    for found in every(element, path):
        code = value(found, "DesignatedCountryCode", "CountryCode") or (text(found) if not len(found) else None)
        if code:
            draft.designations.append(
                DraftDesignation(
                    code,
                    value(found, "HagueAgreementActCategory", "MadridSystemCategory") or kind,
                    value(found, "DesignationDate"),
                )
            )


def by_hit_list_line(line: str, role: PartyRole) -> DraftParty:
    """DPMA's lists of hits write a party as `Name, 12345 City, CC`."""
    parts = [part.strip() for part in line.rsplit(",", 2)]
    if len(parts) == 3 and len(parts[2]) == 2 and parts[2].isupper():
        return DraftParty(role, parts[0], country=parts[2], address=DraftAddress(lines=[parts[1]]))
    return DraftParty(role, line)
