"""Parts that all of ST.96 shares: names, contacts, addresses, application numbers, localised texts."""

from __future__ import annotations

from collections.abc import Iterable

from api.exchange.writers.codes import category, code
from api.exchange.writers.markup import Attributes, E, Element, serialised
from api.exchange.writers.saying import iso, note, number_text, tag
from indexer.harmonise.names import read_name
from indexer.record import Number, NumberType, Party, PersonalData, Priority, Record, Right, StatusEvent, Text

VERSION = "V6_0"
VERSIONED: dict[str, str | None] = {"com:st96Version": VERSION}


def document(root: Element | None, *prefixes: str) -> bytes:
    assert root is not None  # every root has content that its writer has asked for
    return serialised(root, *prefixes)


# --- names and addresses ---


def name(party: Party, *, transliterated: bool = True) -> Element | None:
    """A `com:Name`: person, organisation or entity; other names beside it."""
    latin = given_latin(party) if transliterated else None
    return E("com:Name", [_one_name(party, each, latin if n == 0 else None) for n, each in enumerate(_names(party))])


def _names(party: Party) -> list[str]:
    return [party.name, *party.other_names] if party.name else []


def given_latin(party: Party) -> str | None:
    """The Latin form of a name if the office gave it: the one that harmonising makes is made again."""
    return party.latin_name if party.name and party.latin_name != read_name(party.name).latin else None


def _one_name(party: Party, words: str, latin: str | None) -> Element | None:
    transliterated = E("com:TransliterationName", latin)
    if party.entity == "person":
        return E("com:PersonName", E("com:PersonFullName", words), transliterated)
    if party.entity == "organisation":
        return E("com:OrganizationName", E("com:OrganizationStandardName", words), transliterated)
    return E("com:EntityName", words)  # a transliteration in it would read as part of the name


def contacts(
    party: Party, *, resides: bool = False, publication: bool = False, transliterated: bool = True
) -> list[Element]:
    """`com:Contact` and, where the address has no line of its own, `com:PublicationContact` (if it may have one).

    A structured address must have a line and a country (ST.96 `PostalStructuredAddressType`); one that lacks either is
    written as a `PublicationContact`, which has neither. `resides`: the country is said beside the contact too.
    """
    named = name(party, transliterated=transliterated)
    if named is None:
        return []
    private = party.private or PersonalData()
    country = code("country", party.country)
    reachable = [
        E("com:FaxNumberBag", [E("com:FaxNumber", one) for one in private.fax]),
        E("com:EmailAddressBag", [E("com:EmailAddressText", one) for one in private.email]),
        E("com:WebAddressBag", [E("com:WebAddressURI", one) for one in private.url if _is_uri(one)]),
        E("com:PhoneNumberBag", [E("com:PhoneNumber", one) for one in private.phone]),
    ]
    elsewhere = bool(private.city or private.region or private.postal_code or (country and not resides))
    if private.address and country:
        return _made(E("com:Contact", named, _structured(private, country), *reachable))
    if private.address and not elsewhere:
        return _made(E("com:Contact", named, _free(private.address), *reachable))
    if not publication:
        return _made(E("com:Contact", named, _free(private.address), *reachable))
    beside = E(
        "com:PublicationContact",
        name(party, transliterated=False),
        E("com:CityName", private.city),
        E("com:GeographicRegionName", private.region),
        E("com:CountryCode", country),
        E("com:PostalCode", private.postal_code),
    )
    if not private.address and not any(one is not None for one in reachable):
        only = E(
            "com:PublicationContact", named, *(() if beside is None else list(beside)[1:])
        )  # a contact of its own would say nothing more
        return _made(only)
    return _made(E("com:Contact", named, _free(private.address), *reachable), beside if elsewhere else None)


def _made(*found: Element | None) -> list[Element]:
    return [one for one in found if one is not None]


def _structured(private: PersonalData, country: str) -> Element | None:
    return E(
        "com:PostalAddressBag",
        E(
            "com:PostalAddress",
            E(
                "com:PostalStructuredAddress",
                [E("com:AddressLineText", {"com:sequenceNumber": str(n)}, line)
                 for n, line in enumerate(private.address, 1)],
                E("com:CityName", private.city),
                E("com:GeographicRegionName", private.region),
                E("com:CountryCode", country),
                E("com:PostalCode", private.postal_code),
            ),
        ),
    )  # fmt: skip


def _free(lines: Iterable[str]) -> Element | None:
    return E("com:PostalAddressBag", E("com:PostalAddress", [E("com:PostalAddressText", line) for line in lines]))


def _is_uri(found: str) -> bool:
    return (
        bool(found)
        and not any(c.isspace() or c in '<>"{}|\\^`' for c in found)
        and found.count("#") < 2
        and ("%" not in found)
    )


def identifier(party: Party) -> Element | None:
    return E("com:PartyIdentifier", party.identifier)


def sequence(party: Party) -> Attributes:
    return {"com:sequenceNumber": None if party.sequence is None else str(party.sequence)}


def nationality(party: Party) -> Element | None:
    return E("com:NationalityCode", code("country", party.nationality))


# --- numbers, texts, priorities ---


def application_number(number: Number | None, right: Right, name: str = "com:ApplicationNumber") -> Element | None:
    """`ApplicationNumber` with its office."""
    if number is None:
        return None
    text = E("com:ApplicationNumberText", number_text(number, right, NumberType.APPLICATION, kind=False))
    return E(name, E("com:IPOfficeCode", code("office", number.office)), text) if text is not None else None


def localised(name: str, text: Text) -> Element | None:
    return E(name, {"com:languageCode": tag(text.declared_language)}, text.text)


def priority(prefix: str, name: str, found: Priority, right: Right) -> Element | None:
    """A priority of a mark, design or indication; None where office or date are not said (both are required)."""
    office, date = code("office", found.number.office), iso(found.date)
    if office is None or date is None:
        return None
    return E(
        f"{prefix}:{name}",
        E("com:PriorityCountryCode", office),
        E(
            "com:ApplicationNumber",
            E("com:ApplicationNumberText", number_text(found.number, right, NumberType.APPLICATION, kind=False)),
        ),
        E("com:PriorityApplicationFilingDate", date),
        E("com:PriorityStatusCategory", category("priority", found.type)) if name != "GIPriority" else None,
    )


def claimed(record: Record) -> list[Priority]:
    """Priorities other than those of exhibitions, in the order of their sequence."""
    found = [one for one in record.priorities if one.number.type is NumberType.APPLICATION]
    return sorted(found, key=lambda one: one.sequence if one.sequence is not None else len(found))


def exhibitions(record: Record) -> Element | None:
    found = [one for one in record.priorities if one.type == "exhibition"]
    return E(
        "com:ExhibitionPriorityBag",
        [
            E(
                "com:ExhibitionPriority",
                E("com:ExhibitionCountryCode", code("country", one.number.office)),
                E("com:ExhibitionName", one.number.raw),
                E("com:ExhibitionDate", iso(one.date)),
            )
            for one in found
            if one.date
        ],
    )


def publication(
    prefix: str, name: str, event: StatusEvent, section: tuple[str, str] | None, *, pages: bool = True
) -> Element | None:
    """A publication in a bulletin, from the event that a reader makes of it; None without the bulletin's number."""
    identified = note(event, "PublicationIdentifier")
    if identified is None:
        return None
    return E(
        f"{prefix}:{name}",
        E("com:PublicationIdentifier", identified),
        E(f"{prefix}:{section[0]}", category(section[1], event.raw_code)) if section else None,
        E("com:PublicationSubsection", note(event, "PublicationSubsection")),
        E("com:PublicationDate", iso(event.publication_date)),
        E("com:PublicationPage", note(event, "PublicationPage")) if pages else None,
    )
