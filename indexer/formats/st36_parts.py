"""Parts that the offices' dialects of WIPO ST.36 share: document-id, addressbook, class symbols, text blocks, images.

The US Red Book, the old CNIPA files, the JPO gazette and the TIPO files write these alike; what surrounds them is each
office's own and read in its own module.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import BinaryIO

from lxml import etree

from common.errors import InputError
from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftClassification,
    DraftDate,
    DraftImage,
    DraftNumber,
    DraftParty,
    DraftText,
)
from indexer.formats.reading import Context, nothing_found
from indexer.formats.xml import (
    XmlRecord,
    attribute,
    every,
    first,
    local,
    paragraphs,
    records,
    text,
    value,
    values,
)
from indexer.record import DateType, NumberType, PartyRole, Right, TextType

BLOCKS = frozenset(
    ("p", "P", "heading", "li", "dt", "dd", "row", "entry", "br", "title", "claim", "claim-text", "tech-problem")
)
"""Elements whose text starts a new line."""

FILLERS = frozenset(("omitted", "unknown", "not-provided"))
"""What US files write in place of a country that was not given."""

CJK = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
WRAPPED = re.compile(rf"(?<=[{CJK}])[ \t]*[\r\n]\s*(?=[{CJK}])")

SYMBOL_PARTS = ("section", "class", "subclass", "main-group", "subgroup")


def start(record: XmlRecord, right: Right) -> Draft:
    """An empty Draft that knows where its record stands."""
    return Draft(
        right=right,
        byte_offset=record.byte_offset,
        byte_length=record.byte_length,
        line=record.line,
        problems=record.problems,
    )


def add_number(
    draft: Draft, kind_of_number: NumberType, number: DraftNumber | None, *dated: DateType, label: str | None = None
) -> None:
    """Add a number, and its date under each date type in `dated`."""
    if number is None:
        return
    number.type = kind_of_number
    draft.numbers.append(number)
    add_dates(draft, number.date, *dated, label=label)


def add_dates(draft: Draft, date: str | None, *types: DateType, label: str | None = None) -> None:
    if date:
        draft.dates.extend(DraftDate(date_type, date, label) for date_type in types)


def add_text(draft: Draft, text_type: TextType, content: str | None, language: str | None = None) -> None:
    if content:
        draft.texts.append(DraftText(text_type, content, language))


def document_id(element: etree._Element | None, number_type: NumberType = NumberType.OTHER) -> DraftNumber | None:
    """The `document-id` in or at an element (country, doc-number, kind, date); None where it has no number."""
    if element is None:
        return None
    found = element if local(element) == "document-id" else first(element, "document-id")
    if found is None or (raw := value(found, "doc-number")) is None:
        return None
    return DraftNumber(number_type, raw, value(found, "country"), value(found, "kind"), value(found, "date"))


def ipcr(element: etree._Element, scheme: str = "IPC") -> DraftClassification | None:
    """A `classification-ipcr` or `classification-cpc` with its parts apart (ST.36) or in one `text`."""
    parts = [value(element, part) for part in SYMBOL_PARTS]
    section, main_class, subclass, main_group, subgroup = (part or "" for part in parts)
    symbol = f"{section}{main_class}{subclass}"
    if main_group:
        symbol += f" {main_group}" + (f"/{subgroup}" if subgroup else "")
    symbol = symbol or value(element, "text") or ""
    if not symbol:
        return None
    place = value(element, "symbol-position")
    meaning = value(element, "classification-value")
    return DraftClassification(
        scheme,
        symbol,
        edition=value(element, "ipc-version-indicator/date", "cpc-version-indicator/date"),
        first=place == "F",
        inventive={"I": True, "N": False, "A": False}.get(meaning or ""),
        office=value(element, "generating-office/country"),
    )


FIXED_IPC = re.compile(r"([A-H]\d{2}[A-Z])([ \d]{2}\d)(\d{2,})")


def printed_ipc(symbol: str) -> str:
    """`G06F  728` (subclass, main group in three places, subgroup: US files to 2004) as printed, `G06F 7/28`."""
    found = FIXED_IPC.fullmatch(symbol)
    return f"{found[1]} {int(found[2])}/{found[3]}" if found else symbol


def fixed_width(element: etree._Element) -> str:
    """Text of an element in which blanks hold places, such as `714  4`."""
    return "".join(str(words) for words in element.itertext()).strip()


def parties(element: etree._Element, role: PartyRole, office: str | None = None) -> list[DraftParty]:
    """The parties that one `applicant`, `inventor`, `agent`… stands for.

    Mostly one. Two where the addressbook names an organisation and, apart, a person. A second addressbook is the same
    party in another language.
    """
    books = every(element, "addressbook") or [element]
    named = [found for book in books for found in _names(book)]
    if not named:
        return []
    country, nationality = country_of(element, books), _real(value(element, "nationality/country"))
    entity = named[0][1]
    same = [name for name, kind in named[1:] if kind == entity or len(books) > 1]
    found = [
        DraftParty(
            role,
            named[0][0],
            other_names=[name for name in dict.fromkeys(same) if name != named[0][0]],
            country=country or office,
            nationality=nationality,
            entity=entity,  # type: ignore[arg-type]
            identifier=value(element, "addressbook/registered-number", "registered-number"),
            sequence=whole(attribute(element, "sequence")),
            address=address(element, books),
        )
    ]
    if len(books) == 1:
        found += [
            DraftParty(role, name, country=country, entity=kind, sequence=found[0].sequence)  # type: ignore[arg-type]
            for name, kind in named[1:]
            if kind != entity
        ]
    return found


def country_of(element: etree._Element, books: list[etree._Element]) -> str | None:
    candidates = [value(element, "residence/country"), *(value(book, "address/country", "country") for book in books)]
    return next((real for candidate in candidates if (real := _real(candidate))), None)


def _real(country: str | None) -> str | None:
    return None if country is None or country.casefold() in FILLERS else country


def _names(book: etree._Element) -> list[tuple[str, str]]:
    """(name, person | organisation | unknown) in an addressbook."""
    found = []
    if organisation := value(book, "orgname"):
        found.append((organisation, "organisation"))
    if person := person_name(book):
        found.append((person, "person"))
    if not found and (plain := value(book, "name")):
        found.append((plain, "unknown"))
    return found


def person_name(
    element: etree._Element,
    family: str = "last-name",
    given: tuple[str, ...] = ("first-name", "middle-name"),
    suffix: str = "suffix",
) -> str | None:
    """`Family, Given Middle, Suffix`, or the family name alone."""
    last = value(element, family)
    names = " ".join(part for path in given if (part := value(element, path)))
    return ", ".join(part for part in (last, names, value(element, suffix) if last else None) if part) or None


def address(element: etree._Element, books: list[etree._Element]) -> DraftAddress | None:
    """Address and contacts of all addressbooks of a party."""
    found = DraftAddress()
    for book in books:
        for place in every(book, "address"):
            lines = [line for path in ADDRESS_LINES for line in values(place, path)]
            if not len(place):
                lines += [line] if (line := text(place)) else []
            found.lines += [line for line in lines if line not in found.lines]
            found.city = found.city or value(place, "city")
            found.region = found.region or value(place, "state", "province")
            found.postal_code = found.postal_code or value(place, "postcode", "postalcode")
        for paths, kept in ((("phone", "telephone"), found.phone), (("fax",), found.fax), (("email",), found.email)):
            for path in paths:
                kept += [
                    contact for contact in values(book, path) + values(book, f"address/{path}") if contact not in kept
                ]
        found.url += [url for url in values(book, "url") if url not in found.url]
    return found if found != DraftAddress() else None


ADDRESS_LINES = (
    *(f"address-{number}" for number in range(1, 6)),
    "mailcode",
    "pobox",
    "room",
    "address-floor",
    "building",
    "street",
    "county",
    "text",
)


def whole(number: str | None) -> int | None:
    """A whole number, or None."""
    return int(number) if number and number.isascii() and number.isdigit() else None


def block_text(element: etree._Element | None, blocks: Collection[str] = BLOCKS) -> str | None:
    return paragraphs(element, blocks)


def unwrap(element: etree._Element) -> None:
    """Take out line ends that only wrap Chinese or Japanese text, which knows no space between words."""
    for node in element.iter():
        if node.text and "\n" in node.text:
            node.text = WRAPPED.sub("", node.text)
        if node.tail and "\n" in node.tail:
            node.tail = WRAPPED.sub("", node.tail)


def images(elements: Iterable[etree._Element], kind: str = "drawing") -> list[DraftImage]:
    """Images by their file names, in order."""
    found: list[DraftImage] = []
    for element in elements:
        if reference := attribute(element, "file"):
            found.append(
                DraftImage(
                    kind,  # type: ignore[arg-type]
                    reference,
                    format=attribute(element, "img-format", "imgFormat", "imf"),
                    sequence=len(found) + 1,
                )
            )
    return found


def answers(stream: BinaryIO, names: Collection[str], context: Context) -> Iterator[XmlRecord | InputError]:
    """Records of an answer of an office's interface. One without any says so: the search found nothing."""
    some = False
    for record in records(stream, names, context):
        if isinstance(record, InputError) and not some and record.place.ordinal is None:
            yield nothing_found(context)
            return
        some = True
        yield record
