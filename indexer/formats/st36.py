"""The vocabulary of WIPO ST.36, read once for the many formats that speak it, and a reader for plain ST.36 documents.

ST.36 lets every office build its own document types out of common elements: `document-id`, `addressbook`,
`classification-ipcr`, `priority-claim`, `citation`, `related-documents` and so on (ST.36, annex A). The functions here
read those elements wherever they stand; DOCDB, OPS, the EPO Register, DPMA and others call them and add their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Literal, cast

from lxml import etree

from common.errors import InputError, Place, UnidentifiedRecord
from common.messages import say
from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftCitation,
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
from indexer.formats.reading import Context, Format, Signature
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
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

BLOCKS = frozenset(
    {"p", "P", "claim", "claim-text", "heading", "li", "dt", "dd", "entry", "row", "br", "title", "table"}
    | {"maths", "chemistry", "patcit", "nplcit", "citation", "passage"}
)
"""Elements whose text stands on a line of its own."""
WRITINGS = ("docdb", None, "epodoc", "original", "docdba", "intermediate")
"""Which of several writings of a number is the main one; the others become its `forms`. `original` names no country."""
NAME_WRITINGS = ("original", "docdba", None, "docdb", "intermediate", "epodoc")
"""Which of several writings of one name is the main one: the office's own before the provider's standardised ones."""
COUNTRY_IN_NAME = re.compile(r"\s*\[([A-Z]{2})\]$")

# ST.8: symbol, version, level, position, value, action date, status, source, office. OPS leaves the version out.
ST8 = re.compile(
    r"^\s*(?P<subclass>[A-HY]\s*\d{2}\s*[A-Z])\s*(?P<group>\d+)\s*/\s*(?P<subgroup>\d+)"
    r"(?:\s+(?P<version>\d{8}))?\s*(?P<level>[ACS](?=[ FL]))?\s?(?P<position>[FL](?=[ INA]))?\s?"
    r"(?P<value>[INA](?=\d{8}|\s*$))?(?P<rest>.*)$",
    re.S,
)
ST8_REST = re.compile(r"^(?P<action>\d{8})?(?P<status>[A-Z])?(?P<source>[A-Z])?(?P<office>[A-Z]{2})?\s*$")
# editions one to seven of the IPC: edition digit, symbol, and a letter that says main (A) or further (B)
OLD_IPC = re.compile(r"^(?://\s*)?(?P<edition>\d)?\s*(?P<symbol>[A-H]\s*\d{2}\s*[A-Z]\s*\d+\s*/\s*\d+)\s*[A-Z\-]?$")
SYMBOL = re.compile(r"^([A-HY])\s*(\d{2})\s*([A-Z])\s*(\d+)\s*/\s*(\d+)$")

SCHEMES = {
    "UC": "USPC",
    "EC": "ECLA",
    "ECNO": "ECLA",
    "DEKLA": "DE",
    "DE": "DE",
    "FI": "FI",
    "FTERM": "FTERM",
    "F-TERM": "FTERM",
}
"""DOCDB names of schemes (DOCDB manual, `classification-scheme`) → names of indexer/record.py; any `CPC…` is CPC."""

ROLES = {
    "applicant": PartyRole.APPLICANT,
    "inventor": PartyRole.INVENTOR,
    "deceased-inventor": PartyRole.INVENTOR,
    "agent": PartyRole.REPRESENTATIVE,
    "assignee": PartyRole.OWNER,
    "grantee": PartyRole.OWNER,
    "proprietor": PartyRole.OWNER,
    "owner": PartyRole.OWNER,
    "correspondence-address": PartyRole.CORRESPONDENT,
    "opponent": PartyRole.OPPONENT,
    "licensee": PartyRole.LICENSEE,
    "examiner": PartyRole.EXAMINER,
    "primary-examiner": PartyRole.EXAMINER,
    "assistant-examiner": PartyRole.EXAMINER,
    "authorized-officer": PartyRole.EXAMINER,
    "dead-inventor": PartyRole.INVENTOR,
}
GROUPS_OF_PARTIES = frozenset(
    {"applicants", "inventors", "agents", "assignees", "grantees", "proprietors", "owners", "opponents", "licensees"}
    | {"examiners"}
)

RELATIONS = {
    "addition": RelationType.ADDITION_TO,
    "division": RelationType.DIVISIONAL_OF,
    "continuation": RelationType.CONTINUATION_OF,
    "continuation-in-part": RelationType.CONTINUATION_IN_PART_OF,
    "continuing-reissue": RelationType.REISSUE_OF,
    "reissue": RelationType.REISSUE_OF,
    "us-divisional-reissue": RelationType.REISSUE_OF,
    "reexamination": RelationType.RELATED,
    "substitution": RelationType.RELATED,
    "us-provisional-application": RelationType.RELATED,
    "utility-model-basis": RelationType.CONVERSION_OF,
    "correction": RelationType.CORRECTS,
    "related-publication": RelationType.RELATED,
    "a-371-of-international": RelationType.NATIONAL_PHASE_OF,
    "us-371-of-international": RelationType.NATIONAL_PHASE_OF,
}

DATES = {
    "printed-with-grant": DateType.OTHER,
    "date-of-grant": DateType.GRANT,
    "grant-date": DateType.GRANT,
    "expiry-date": DateType.EXPIRY,
}


# --- numbers ---


def document_id(element: etree._Element, number_type: NumberType, writing: str | None = None) -> DraftNumber | None:
    """A `document-id` as a number; None where its `doc-number` has no digit. `writing`: format of what is around it."""
    parts: dict[str, str] = {}
    for child in element:
        name = local(child) if isinstance(child.tag, str) else ""
        if name in NUMBER_PARTS and name not in parts and (said := text(child)):
            parts[name] = said
    raw = parts.get("doc-number")
    if raw is None or not any(character.isdigit() for character in raw):
        return None
    writing = attribute(element, "document-id-type", "data-format", "format") or writing
    office = parts.get("country")
    if office is None and writing == "epodoc" and raw[:2].isalpha():
        # EPODOC writes the country into the number
        office = raw[:2]
    return DraftNumber(number_type, raw, office, kind=parts.get("kind"), date=parts.get("date"), format=writing)


NUMBER_PARTS = frozenset({"doc-number", "country", "kind", "date"})


def document_ids(reference: etree._Element, number_type: NumberType) -> list[DraftNumber]:
    """The numbers of a reference: its `document-id`s, or its own `country` and `doc-number` where it has none."""
    writing = attribute(reference, "data-format", "document-id-type")
    found = [document_id(element, number_type, writing) for element in every(reference, "document-id")]
    if not found:
        found = [document_id(reference, number_type, writing)]
    return [number for number in found if number is not None]


def one_number(numbers: Iterable[DraftNumber]) -> DraftNumber | None:
    """One number out of its writings: the first by `WRITINGS`, the others as its forms; what it lacks, they give."""
    ordered = sorted(numbers, key=lambda number: _rank(WRITINGS, number.format))
    if not ordered:
        return None
    main = ordered[0]
    for other in ordered[1:]:
        if other.raw != main.raw and other.raw not in main.forms:
            main.forms.append(other.raw)
        main.date = main.date or other.date
        main.office = main.office or other.office
        main.kind = main.kind or other.kind
    return main


def _rank(order: tuple[str | None, ...], writing: str | None) -> int:
    return order.index(writing) if writing in order else len(order)


def references(bibliography: etree._Element, name: str, number_type: NumberType) -> list[DraftNumber]:
    """The numbers in the references called `name` (`publication-reference`).

    The `document-id`s of one reference write one number; so do the references that DOCDB repeats, one a `data-format`.
    """
    numbers: list[list[DraftNumber]] = []
    formats: list[set[str]] = []
    for path in (name, f"{name}s/{name}"):
        for reference in every(bibliography, path):
            found, writing = document_ids(reference, number_type), attribute(reference, "data-format")
            if not writing or not formats or not formats[-1] or writing in formats[-1]:
                numbers.append([])
                formats.append(set())
            numbers[-1] += found
            formats[-1] |= {writing} if writing else set()
    return [number for writings in numbers if (number := one_number(writings)) is not None]


# --- parties ---


def party(element: etree._Element, role: PartyRole) -> DraftParty | None:
    """An `applicant`, `inventor`, `agent` … None where it has no name."""
    books = every(element, "addressbook")
    sources = books or [element]
    names = list(dict.fromkeys(name for source in sources for name in names_of(source)))
    if not names:
        return None
    book = sources[0]
    country = value(element, "residence/country") or value(book, "address/country", "country")
    sequence, writing = attribute(element, "sequence"), attribute(element, "data-format")
    if (bracket := COUNTRY_IN_NAME.search(names[0])) is not None:
        names[0] = names[0][: bracket.start()]
        country = country or bracket.group(1)
    if writing == "original":
        names[0] = names[0].rstrip(", ")
    plain = writing is not None and not books
    # DOCDB and OPS give names and countries only
    addresses = [] if plain else [found for source in sources if (found := address(source)) is not None]
    for other in addresses[1:]:
        addresses[0].lines += [line for line in other.lines if line not in addresses[0].lines]
    identifier = attribute(book, "cdsid")
    if identifier is None and not plain:
        identifier = value(book, "iid", "registered-number")
    return DraftParty(
        role=role,
        name=names[0],
        other_names=names[1:],
        country=country,
        nationality=value(element, "nationality/country"),
        entity="unknown" if plain else _entity(book),
        identifier=identifier,
        sequence=ordinal(sequence),
        format=writing,
        address=addresses[0] if addresses else None,
    )


def names_of(book: etree._Element) -> list[str]:
    """The names in an `addressbook` or in what stands in its place, the first the fullest."""
    parts: dict[str, list[str]] = {}
    for child in book:
        name = local(child) if isinstance(child.tag, str) else ""
        if name in NAME_PARTS:
            parts.setdefault(name, []).extend([found for found in (text(child),) if found])
    found: list[str] = []
    if family := next(iter(parts.get("last-name", ())), None):
        given = " ".join(part for name in ("first-name", "middle-name") for part in parts.get(name, ())[:1])
        prefix, suffix = (next(iter(parts.get(name, ())), None) for name in ("prefix", "suffix"))
        whole = f"{family}, {given}" if given else family
        found.append(" ".join(part for part in (whole, suffix) if part) + (f", {prefix}" if prefix else ""))
    for name in ("orgname", "name", "applicant-name", "inventor-name", "agent-name", "synonym"):
        found += parts.get(name, ())
    if not found and not len(book) and (alone := text(book)):
        found.append(alone)
    return found + parts.get("department", [])


NAME_PARTS = frozenset(
    {"last-name", "first-name", "middle-name", "prefix", "suffix", "orgname", "name", "synonym", "department"}
    | {"applicant-name", "inventor-name", "agent-name"}
)


def _entity(book: etree._Element) -> Literal["person", "organisation", "unknown"]:
    if value(book, "last-name"):
        return "person"
    return "organisation" if value(book, "orgname") else "unknown"


def address(book: etree._Element) -> DraftAddress | None:
    """The address and contacts in an `addressbook`; None where it has none."""
    found = DraftAddress()
    where = first(book, "address")
    if where is not None:
        for child in where:
            if not isinstance(child.tag, str):
                continue
            name, line = local(child), text(child)
            if not line:
                continue
            if name == "city":
                found.city = line
            elif name in ("county", "state", "province", "region"):
                found.region = line if found.region is None else f"{found.region}, {line}"
            elif name in ("postcode", "postal-code", "zipcode"):
                found.postal_code = line
            elif name != "country":
                found.lines.append(line)
        if not len(where) and (line := text(where)):
            found.lines.append(line)
    if whole := value(book, "text"):
        found.lines.append(whole)
    found.phone = values(book, "phone")
    found.fax = values(book, "fax")
    found.email = values(book, "email")
    found.url = values(book, "url")
    return found if found != DraftAddress() else None


def parties(container: etree._Element) -> list[DraftParty]:
    """All parties in a `parties` element (or in one that plays its part), writings of one name under one party."""
    found: list[DraftParty] = []
    for group in container:
        if not isinstance(group.tag, str):
            continue
        name = local(group)
        if name in ROLES:
            found += one_party_each([group], ROLES[name])
        elif name in GROUPS_OF_PARTIES or name.removeprefix("us-") in GROUPS_OF_PARTIES:
            for member_name in dict.fromkeys(local(child) for child in group if isinstance(child.tag, str)):
                role = ROLES.get(member_name.removeprefix("us-"))
                if role is not None:
                    found += one_party_each(every(group, member_name), role)
    return found


def one_party_each(elements: Iterable[etree._Element], role: PartyRole) -> list[DraftParty]:
    """Parties of one role. Those that share a sequence number and differ in `data-format` are one party."""
    groups: dict[object, list[DraftParty]] = {}
    for element in elements:
        found = party(element, role)
        if found is None:
            continue
        key: object = (found.sequence,) if found.sequence is not None and found.format is not None else id(found)
        if key in groups and any(other.format == found.format for other in groups[key]):
            key = id(found)
        groups.setdefault(key, []).append(found)
        if attribute(element, "app-type") == "applicant-inventor":
            both = party(element, PartyRole.INVENTOR)
            if both is not None:
                groups[id(both)] = [both]
    return [_one_party(writings) for writings in groups.values()]


def _one_party(writings: list[DraftParty]) -> DraftParty:
    ordered = sorted(writings, key=lambda found: _rank(NAME_WRITINGS, found.format))
    main = ordered[0]
    for other in ordered[1:]:
        for name in (other.name, *other.other_names):
            if name != main.name and name not in main.other_names:
                main.other_names.append(name)
        if main.latin_name is None and other.name.isascii() and not _latin(main.name):
            main.latin_name = other.name
        main.country = main.country or other.country
        main.nationality = main.nationality or other.nationality
        main.identifier = main.identifier or other.identifier
        main.address = main.address or other.address
    return main


def _latin(name: str) -> bool:
    return all(character < "\u0250" or not character.isalpha() for character in name)


# --- classifications ---


def st8(raw: str, scheme: str = "IPC") -> DraftClassification:
    """A classification in the fixed positions of ST.8 (`A61K   9/16        20060101A I20051008RMEP`)."""
    match = ST8.match(raw)
    if match is None:
        return DraftClassification(scheme, " ".join(raw.split()))
    rest = ST8_REST.match(match["rest"])
    symbol = f"{''.join(match['subclass'].split())} {match['group']}/{match['subgroup']}"
    if rest is None:
        # not positions but words after the symbol: keep them all
        return DraftClassification(scheme, " ".join(raw.split()))
    return DraftClassification(
        scheme,
        symbol,
        edition=match["version"],
        first=match["position"] == "F",
        inventive=_inventive(match["value"]),
        office=rest["office"],
    )


def _inventive(code: str | None) -> bool | None:
    """ST.8 and CPC: I invention information; N (IPC) and A (CPC) additional information."""
    return {"I": True, "N": False, "A": False}.get(code or "")


def old_ipc(raw: str, edition: str | None = None, *, main: bool = False) -> DraftClassification:
    """A symbol of IPC editions one to seven, as EPO and DOCDB write it (`7A 61K   9/16   A`)."""
    match = OLD_IPC.match(raw.strip())
    if match is None:
        return DraftClassification("IPC", " ".join(raw.split()), edition=edition, first=main)
    return DraftClassification("IPC", printed(match["symbol"]), edition=edition or match["edition"], first=main)


def printed(symbol: str) -> str:
    """An IPC or CPC symbol as the scheme prints it: `A 61K   9/16` → `A61K 9/16`. Anything else as it is."""
    match = SYMBOL.match(symbol.strip())
    return f"{match[1]}{match[2]}{match[3]} {match[4]}/{match[5]}" if match else " ".join(symbol.split())


def structured(element: etree._Element, scheme: str) -> DraftClassification | None:
    """A classification whose symbol stands in parts: `section`, `class`, `subclass`, `main-group`, `subgroup`."""
    section, klass = value(element, "section"), value(element, "class")
    if section is None and klass is None:
        return None
    symbol = "".join(part for part in (section, klass, value(element, "subclass")) if part)
    group, subgroup = value(element, "main-group"), value(element, "subgroup")
    if group:
        symbol += f" {group}/{subgroup}" if subgroup else f" {group}"
    return DraftClassification(
        scheme,
        symbol,
        edition=edition_of(element),
        first=value(element, "symbol-position") == "F",
        inventive=_inventive(value(element, "classification-value")),
        office=value(element, "generating-office/country", "generating-office"),
    )


def edition_of(element: etree._Element) -> str | None:
    return value(
        element,
        "ipc-version-indicator/date",
        "ipc-version-indicator",
        "cpc-version-indicator/date",
        "cpc-version-indicator",
        "classification-scheme/date",
        "edition",
    )


def ipcr(element: etree._Element, scheme: str = "IPC") -> DraftClassification | None:
    """A `classification-ipcr` or `classification-cpc`."""
    found = structured(element, scheme)
    if found is not None:
        return found
    where = first(element, "text")
    raw = "".join(str(part) for part in (element if where is None else where).itertext())
    if not raw.strip():
        return None
    found = st8(raw, scheme)
    found.edition = found.edition or edition_of(element)
    return found


def patent_classification(element: etree._Element) -> DraftClassification | None:
    """A DOCDB `patent-classification`: the scheme is named inside, the symbol whole or in parts."""
    named = first(element, "classification-scheme")
    name = (attribute(named, "scheme") if named is not None else None) or ""
    scheme = "CPC" if name.startswith("CPC") else SCHEMES.get(name, name or "CPC")
    symbol = value(element, "classification-symbol")
    if symbol is not None:
        found: DraftClassification | None = DraftClassification(
            scheme,
            printed(symbol),
            edition=value(element, "classification-scheme/date"),
            first=value(element, "symbol-position") == "F",
            inventive=_inventive(value(element, "classification-value")),
            office=value(element, "generating-office/country", "generating-office"),
        )
    else:
        found = structured(element, scheme)
    if found is None:
        return None
    if found.inventive is None and name in ("CPCI", "CPCA"):
        found.inventive = name == "CPCI"
    if found.office is None and named is not None:
        found.office = attribute(named, "office")
    return found


def ipc(element: etree._Element) -> list[DraftClassification]:
    """A `classification-ipc` (editions one to seven)."""
    edition = value(element, "edition")
    found = [old_ipc(raw, edition, main=True) for raw in values(element, "main-classification")]
    found += [
        old_ipc(raw, edition)
        for name in (
            "further-classification",
            "additional-info",
            "linked-indexing-code-group",
            "unlinked-indexing-code",
        )
        for raw in values(element, name)
    ]
    found += [old_ipc(raw, edition) for raw in values(element, "text")]
    if not found and (part := structured(element, "IPC")) is not None:
        found.append(part)
    return found


def national(element: etree._Element) -> list[DraftClassification]:
    """A `classification-national`: the scheme is the country's own (`USPC`, `FI` for JP, else the country code)."""
    country = value(element, "country")
    scheme = {"US": "USPC", "JP": "FI"}.get(country or "", country or "NATIONAL")
    edition = value(element, "edition")
    found = []
    for name, main in (
        ("main-classification", True),
        ("further-classification", False),
        ("additional-info", False),
        ("text", False),
    ):
        found += [
            DraftClassification(scheme, raw, edition=edition, first=main, office=country)
            for raw in values(element, name)
        ]
    return found


def classifications(bibliography: etree._Element) -> list[DraftClassification]:
    """All classifications that stand in a `bibliographic-data`, in document order of their kinds."""
    found: list[DraftClassification | None] = []
    for path in ("classifications-ipcr/classification-ipcr", "classification-ipcr"):
        found += [ipcr(element) for element in every(bibliography, path)]
    for path in ("classification-ipc", "classifications-ipc/classification-ipc"):
        for element in every(bibliography, path):
            found += ipc(element)
    for path in ("main-cpc", "further-cpc", "."):
        found += [ipcr(e, "CPC") for e in every(bibliography, f"classifications-cpc/{path}/classification-cpc")]
    for path in ("patent-classification", "combination-set/combination-rank/patent-classification"):
        found += [patent_classification(e) for e in every(bibliography, f"patent-classifications/{path}")]
    for path in ("classification-national", "classifications-national/classification-national"):
        for element in every(bibliography, path):
            found += national(element)
    for element in every(bibliography, "classification-locarno"):
        edition = value(element, "edition")
        for index, raw in enumerate(values(element, "main-classification") + values(element, "text")):
            found.append(DraftClassification("LOCARNO", raw, edition=edition, first=index == 0))
    return unique(classification for classification in found if classification is not None)


def unique(found: Iterable[DraftClassification]) -> list[DraftClassification]:
    """Without exact repeats: OPS lists a CPC symbol once for each office that gave it, and those stay apart."""
    kept: dict[tuple[object, ...], DraftClassification] = {}
    for one in found:
        kept.setdefault((one.scheme, one.symbol, one.edition, one.first, one.inventive, one.office), one)
    return list(kept.values())


# --- priorities, citations, relations, designations ---


def priorities(bibliography: etree._Element) -> list[DraftPriority]:
    """Priority claims. DOCDB repeats a claim for each writing of its number, under one sequence number: one claim."""
    groups: dict[object, list[etree._Element]] = {}
    for element in every(bibliography, "priority-claims/priority-claim") + every(bibliography, "priority-claim"):
        sequence, writing = attribute(element, "sequence"), attribute(element, "data-format")
        groups.setdefault(sequence if sequence and writing else id(element), []).append(element)
    found = []
    for elements in groups.values():
        number = one_number(
            [number for element in elements for number in document_ids(element, NumberType.APPLICATION)]
        )
        if number is None:
            continue
        sequence = attribute(elements[0], "sequence")
        kinds = [attribute(element, "kind") or value(element, "priority-linkage-type") for element in elements]
        found.append(
            DraftPriority(
                number,
                date=number.date or next((date for e in elements if (date := value(e, "date"))), None),
                sequence=ordinal(sequence),
                type=next((kind for kind in kinds if kind), None),
            )
        )
    return found


def spaced(element: etree._Element, separator: str = " ") -> str | None:
    """Text of an element whose children are words apart: their texts joined by `separator`."""
    parts = [part for chunk in element.itertext() if (part := " ".join(str(chunk).split()))]
    return separator.join(parts) or None


def citations(container: etree._Element) -> list[DraftCitation]:
    """The citations in a `references-cited` (or `search-report-data`): each `citation`, or each `patcit`, `nplcit`."""
    found = []
    for element in every(container, "citation") or [container]:
        phase = attribute(element, "cited-phase")
        who = attribute(element, "cited-by") or value(element, "cited-by")
        said = ", ".join(dict.fromkeys(part for part in (phase, who) if part and part not in ("undefined", "unknown")))
        category = " ".join(values(element, "category")) or None
        claims = ", ".join(values(element, "rel-claims")) or None
        passages = [
            passage for where in every(element, "rel-passage") if (passage := spaced(where)) is not None
        ] + values(element, "passage")
        for cited in element:
            if isinstance(cited.tag, str) and local(cited) in ("patcit", "nplcit"):
                citation = cited_document(cited, passages)
                citation.category, citation.phase, citation.claims = category, said or None, claims
                found.append(citation)
    return found


def cited_document(element: etree._Element, passages: Iterable[str] = ()) -> DraftCitation:
    """A `patcit` or `nplcit`."""
    words = [*passages]
    if local(element) == "nplcit":
        text_of = spaced(element, ", ")
        return DraftCitation("literature", text="; ".join([part for part in (text_of, *words) if part]) or None)
    number = one_number(document_ids(element, NumberType.PUBLICATION))
    names = list(dict.fromkeys(values(element, "document-id/name")))
    if number is None and (written := attribute(element, "dnum")):
        number = DraftNumber(NumberType.PUBLICATION, written)
    words = [*names, *values(element, "text"), *words]
    if number is None and not words and (whole := spaced(element)):
        words = [whole]
    return DraftCitation("patent", number=number, text="; ".join(words) or None)


def relations(container: etree._Element) -> list[DraftRelation]:
    """The relations in a `related-documents`: what this record's parents, children and neighbours are."""
    found: list[DraftRelation] = []
    for kind in container:
        if not isinstance(kind.tag, str):
            continue
        name = local(kind)
        relation = RELATIONS.get(name, RelationType.OTHER)
        ids = [element for element in kind.iter() if isinstance(element.tag, str) and local(element) == "document-id"]
        for element in ids:
            number = document_id(element, NumberType.OTHER)
            if number is None:
                continue
            above = [local(ancestor) for ancestor in element.iterancestors() if ancestor is not kind]
            above = above[: above.index(name)] if name in above else above
            of_type = relation
            if "child-doc" in above or "child" in above:
                of_type = RelationType.CHILD
            number.type = NumberType.PUBLICATION if number.kind else NumberType.APPLICATION
            status = value(kind, ".//parent-status")
            words = " ".join(part for part in (name, status) if part)
            found.append(DraftRelation(of_type, number=number, text=words, date=number.date))
    return found


def designations(container: etree._Element) -> list[DraftDesignation]:
    """The states in a `designation-of-states`, each with the element that names how it is designated."""
    found = []
    for element in container.iter():
        if not isinstance(element.tag, str) or local(element) not in ("country", "any-other-state"):
            continue
        office = text(element)
        if office:
            above = [local(a) for a in element.iterancestors() if a is not container]
            above = above[: above.index("designation-of-states")] if "designation-of-states" in above else above
            named = [name for name in above if name not in ("contracting-states", "region")]
            found.append(DraftDesignation(office, type=named[0] if named else None))
    return found


def dates(container: etree._Element) -> list[DraftDate]:
    """The dates in `dates-of-public-availability`, `dates-rights-effective` and their like, named by their elements."""
    found = []
    for element in container:
        if isinstance(element.tag, str):
            raw = value(element, "document-id/date", "date", ".//date") or (None if len(element) else text(element))
            if raw:
                name = local(element)
                found.append(DraftDate(DATES.get(name, DateType.OTHER), raw, label=name))
    return found


def ordinal(raw: str | None) -> int | None:
    """A sequence number; None where it is no plain number of up to nine digits."""
    return int(raw) if raw and raw.isascii() and raw.isdigit() and len(raw) < 10 else None


def language_of(element: etree._Element) -> str | None:
    return attribute(element, "lang", "languageCode")


def texts(elements: Iterable[etree._Element], text_type: TextType) -> Iterator[DraftText]:
    """Titles, abstracts, claims or descriptions with the language and writing they declare."""
    for element in elements:
        found = paragraphs(element, BLOCKS)
        if found:
            yield DraftText(text_type, found, language_of(element), format=attribute(element, "data-format"))


def images(element: etree._Element) -> list[DraftImage]:
    """The images that an element refers to (`img@file`, `doc-page@file`), in document order."""
    found: list[DraftImage] = []
    for node in element.iter("{*}img", "{*}image", "{*}doc-page"):
        reference = attribute(node, "file", "href")
        if not reference:
            continue
        content = attribute(node, "img-content")
        above = [local(ancestor) for ancestor in node.iterancestors()]
        kind: Literal["drawing", "document-page", "other"] = "other"
        if local(node) == "doc-page":
            kind = "document-page"
        elif content in (None, "drawing", "dr") and not {"chemistry", "maths", "tables"} & set(above):
            kind = "drawing"
        figure = next((a for a in node.iterancestors() if local(a) == "figure"), None)
        caption = None if figure is None else attribute(figure, "figure-labels", "num")
        found.append(
            DraftImage(
                kind,
                reference,
                format=attribute(node, "img-format", "type"),
                sequence=len(found) + 1,
                caption=caption or (content if kind == "other" else None),
            )
        )
    return found


# --- a whole `bibliographic-data` ---


def bibliography(draft: Draft, element: etree._Element) -> None:
    """Read an ST.36 `bibliographic-data` into `draft`."""
    publications = references(element, "publication-reference", NumberType.PUBLICATION)
    applications = references(element, "application-reference", NumberType.APPLICATION)
    draft.numbers += publications + applications
    first_date(draft, DateType.PUBLICATION, publications)
    first_date(draft, DateType.FILING, applications)
    main = next((number for number in publications if number.kind), None)
    draft.office = draft.office or next(
        (number.office for number in publications + applications if number.office), None
    )
    draft.kind = draft.kind or (main.kind if main else None)
    draft.language = draft.language or value(element, "language-of-publication", "language-of-filing")
    draft.texts += texts(every(element, "invention-title"), TextType.TITLE)
    draft.texts += texts(every(element, "invention-titles/invention-title"), TextType.TITLE)
    draft.texts += texts(every(element, "abstract"), TextType.ABSTRACT)
    draft.classifications += classifications(element)
    draft.priorities += priorities(element)
    for container in every(element, "parties"):
        draft.parties += parties(container)
    draft.parties += parties(element)
    for name in ("dates-of-public-availability", "dates-rights-effective"):
        for container in every(element, name):
            draft.dates += dates(container)
    for name in ("date-of-grant", "grant-date", "expiry-date"):
        draft.dates += [DraftDate(DATES[name], raw) for raw in values(element, name)]
    for container in every(element, "designation-of-states"):
        draft.designations += designations(container)
    for container in every(element, "references-cited"):
        draft.citations += citations(container)
    for container in every(element, "related-documents"):
        draft.relations += relations(container)
    international(draft, element)


def international(draft: Draft, element: etree._Element) -> None:
    """PCT or regional filing and publishing data (INID 86 and 87)."""
    for name, number_type in (("filing", NumberType.PCT_APPLICATION), ("publishing", NumberType.PCT_PUBLICATION)):
        for reference in every(element, f"pct-or-regional-{name}-data"):
            found = document_ids(reference, number_type)
            draft.numbers += found
            draft.dates += [
                DraftDate(DateType.OTHER, number.date, label=f"pct-or-regional-{name}-data")
                for number in found
                if number.date
            ]


def first_date(draft: Draft, date_type: DateType, numbers: Iterable[DraftNumber]) -> None:
    """Add the first date that stands beside `numbers`; further, different ones with the number as their label."""
    seen: list[str] = []
    for number in numbers:
        if number.date and number.date not in seen:
            draft.dates.append(DraftDate(date_type, number.date, label=number.raw if seen else None))
            seen.append(number.date)


def current_status(code: str, scheme: str, office: str | None, words: str | None = None) -> DraftEvent:
    """The status that a file gives as the present one."""
    event = DraftEvent(code, scheme, office=office, current=True)
    if words:
        event.description.append(DraftText(TextType.OTHER, words))
    return event


def place(draft: Draft, record: XmlRecord) -> Draft:
    """Note in `draft` where its record stands in the file."""
    draft.byte_offset, draft.byte_length, draft.line = record.byte_offset, record.byte_length, record.line
    draft.problems += record.problems
    return draft


def identified(draft: Draft, record: XmlRecord, context: Context) -> Draft | UnidentifiedRecord:
    """A publication must say its number: without it, it would pass for its application."""
    if draft.identified_by or any(number.type is NumberType.PUBLICATION for number in draft.numbers):
        return place(draft, record)
    return UnidentifiedRecord(
        say("input.publication-without-number"),
        place=Place(context.file, context.member, record.ordinal, "publication-reference", record.line),
    )


# --- plain ST.36 documents ---


def document(element: etree._Element) -> Draft:
    """A whole ST.36 document: root attributes, `bibliographic-data`, abstract, description, claims, drawings."""
    draft = Draft(Right.PATENT)
    draft.language = language_of(element)
    for data in every(element, "bibliographic-data"):
        bibliography(draft, data)
    number = attribute(element, "doc-number")
    if number and not any(found.type is NumberType.PUBLICATION for found in draft.numbers):
        raw_date = attribute(element, "date-publ")
        draft.office = draft.office or attribute(element, "country")
        draft.kind = draft.kind or attribute(element, "kind")
        draft.numbers.insert(0, DraftNumber(NumberType.PUBLICATION, number, draft.office, draft.kind, raw_date))
        if raw_date:
            draft.dates.append(DraftDate(DateType.PUBLICATION, raw_date))
    full_text(draft, element)
    for report in every(element, "search-report-data"):
        draft.citations += [found for data in every(report, ".//references-cited") for found in citations(data)]
    return draft


def full_text(draft: Draft, element: etree._Element) -> None:
    """Abstracts, descriptions and claims under `element`, and every image it refers to."""
    draft.texts += texts(every(element, "abstract"), TextType.ABSTRACT)
    draft.texts += texts(every(element, "description"), TextType.DESCRIPTION)
    draft.texts += texts(every(element, "claims"), TextType.CLAIMS)
    draft.texts += texts(every(element, "amended-claims"), TextType.CLAIMS)
    draft.texts += texts(every(element, "amended-claims-statement"), TextType.OTHER)
    draft.images += images(element)


RECORD_BEFORE = re.compile(rb"<(/?)((?:[A-Za-z_][\w.\-]*:)?[A-Za-z_][\w.\-]*)((?:\s[^<>]*?)?)(/?)>")


def record_element(head: bytes) -> str | None:
    """Local name of the element that holds the first `bibliographic-data` of a file."""
    stack: list[str] = []
    for match in RECORD_BEFORE.finditer(head):
        closing, name, _, empty = match.groups()
        plain = name.decode("utf-8", "replace").rpartition(":")[2]
        if plain == "bibliographic-data":
            return stack[-1] if stack else None
        if closing and stack:
            stack.pop()
        elif not closing and not empty:
            stack.append(plain)
    return None


class _Peeked:
    """A stream whose beginning has been looked at."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self.head, self.stream = head, stream

    def read(self, size: int = -1) -> bytes:
        if self.head:
            taken, self.head = self.head, b""
            return taken
        return self.stream.read(size)


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """Read plain ST.36 documents: the elements that hold a `bibliographic-data`."""
    head = stream.read(64 * 1024)
    name = record_element(head) or "patent-document"
    for record in records(cast(BinaryIO, _Peeked(head, stream)), (name,), context):
        yield record if isinstance(record, InputError) else place(document(record.element), record)


def read_contents(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """Read the table of contents of a WIPO/EPO exchange package: number, kind, classes and the names of the files."""
    for record in records(stream, ("Application-body",), context):
        if isinstance(record, InputError):
            yield record
            continue
        element = record.element
        draft = Draft(Right.PATENT, partial=True)
        draft.office, draft.kind = attribute(element, "country"), attribute(element, "kind")
        draft.language = attribute(element, "lang")
        if number := attribute(element, "id"):
            draft.numbers.append(
                DraftNumber(NumberType.PUBLICATION, number, draft.office, draft.kind, attribute(element, "pubdate"))
            )
        if number := attribute(element, "appnum"):
            draft.numbers.append(DraftNumber(NumberType.APPLICATION, number, draft.office))
        if date := attribute(element, "pubdate"):
            draft.dates.append(DraftDate(DateType.PUBLICATION, date))
        symbols = " ".join(s for name in ("mainipc", "ipc") if (s := attribute(element, name)))
        draft.classifications += [DraftClassification("IPC", s, first=not i) for i, s in enumerate(symbols.split())]
        if status := attribute(element, "status"):
            draft.events.append(current_status(status, "ST36-PACKAGE", draft.office))
        files = [name for reference in every(element, "Document/ExtRef") if (name := attribute(reference, "FileName"))]
        draft.images += [
            DraftImage(
                "drawing" if name.lower().endswith((".tif", ".tiff", ".jpg", ".png")) else "other", name, sequence=n
            )
            for n, name in enumerate(files, 1)
        ]
        yield place(draft, record)


OTHERS = frozenset(
    {
        "exchange-documents",
        "exchange-document",
        "world-patent-data",
        "us-patent-grant",
        "us-patent-application",
        "cn-patent-document",
        "jp-official-gazette",
        "tw-patent-grant",
        "dpma-patent-document",
        "ep-patent-document",
    }
)
"""Roots that have a reader of their own."""


def recognises(found: Signature) -> bool:
    return (
        found.root is not None
        and found.root not in OTHERS
        and "bibliographic-data" in (found.root, *found.children)
        and any(name in found.children for name in ("publication-reference", "application-reference"))
    )


READS = (
    "publication, application, PCT numbers with office, kind, date, in each writing",
    "titles, abstracts, claims, descriptions in every language",
    "applicants, inventors, agents, assignees, examiners, correspondence address, with country and address",
    "IPC (all editions), CPC, national and Locarno classes",
    "priorities",
    "designated states by kind of designation",
    "dates of public availability, dates from which rights have effect",
    "patent and literature citations with category, claims and passages",
    "related documents: division, continuation, addition, reissue, correction …",
    "image references",
)


FORMATS: tuple[Format, ...] = (
    Format(
        name="st36-package-contents",
        title="Table of contents of a WIPO/EPO exchange package (ST.36)",
        rights=("patent",),
        recognises=lambda found: found.root == "Application-body",
        read=read_contents,
        version=1,
        reads=("publication and application number", "kind", "date", "IPC symbols", "names of the files"),
    ),
    Format(
        name="st36",
        title="Patent document in the plain vocabulary of ST.36",
        rights=("patent",),
        recognises=recognises,
        read=read,
        version=1,
        reads=READS,
    ),
)
