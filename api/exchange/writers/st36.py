"""Patents as an ST.36 document (WIPO ST.36, annex A): `patent-document` with `bibliographic-data` and full text.

ST.36 requires next to nothing, so every patent record can be written that has a number. Dates are `CCYYMMDD` (ST.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from api.exchange.writers.markup import E, Element, empty, serialised
from api.exchange.writers.result import Missing, unwritable
from api.exchange.writers.saying import compact, first_of, lines, number_text, texts
from indexer.record import (
    Citation,
    Classification,
    DateType,
    Image,
    Number,
    NumberType,
    Party,
    PartyRole,
    PersonalData,
    Priority,
    Record,
    RelationType,
    Right,
    Text,
    TextType,
)

PATENT = Right.PATENT
FORMAT = "st36"

PARTIES = (
    (PartyRole.APPLICANT, "applicants", "applicant"),
    (PartyRole.INVENTOR, "inventors", "inventor"),
    (PartyRole.REPRESENTATIVE, "agents", "agent"),
    (PartyRole.OWNER, "assignees", "assignee"),
    (PartyRole.OPPONENT, "opponents", "opponent"),
    (PartyRole.LICENSEE, "licensees", "licensee"),
    (PartyRole.EXAMINER, "examiners", "primary-examiner"),
    (PartyRole.CORRESPONDENT, None, "correspondence-address"),
)
"""Role, group and element of the parties, in the order of `parties`."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
"""What can be the name of an element."""

RELATIONS = {
    RelationType.ADDITION_TO: "addition",
    RelationType.DIVISIONAL_OF: "division",
    RelationType.CONTINUATION_OF: "continuation",
    RelationType.CONTINUATION_IN_PART_OF: "continuation-in-part",
    RelationType.REISSUE_OF: "reissue",
    RelationType.CONVERSION_OF: "utility-model-basis",
    RelationType.CORRECTS: "correction",
    RelationType.RELATED: "related-publication",
    RelationType.NATIONAL_PHASE_OF: "a-371-of-international",
}
"""Elements of `related-documents`."""


def write(record: Record) -> bytes:
    """Raises UnwritableRecord where the record has no publication, application or grant number."""
    wanted = (NumberType.PUBLICATION, NumberType.APPLICATION, NumberType.PCT_APPLICATION, NumberType.PCT_PUBLICATION)
    if record.number(*wanted) is None:
        raise unwritable(
            FORMAT, record.id, [Missing("numbers", "a document must refer to a publication or application")]
        )
    root = E(
        "patent-document",
        {"lang": record.language, "country": record.office},
        _bibliography(record),
        [_text("abstract", text) for text in texts(record, TextType.ABSTRACT)],
        [_text("description", text) for text in texts(record, TextType.DESCRIPTION)],
        [_text("claims", text) for text in texts(record, TextType.CLAIMS)],
        E("drawings", [_drawing(place, image) for place, image in enumerate(record.images, 1)]),
    )
    assert root is not None  # it refers to a number
    return serialised(root)


def _bibliography(record: Record) -> Element | None:
    return E(
        "bibliographic-data",
        [E("publication-reference", _publication_id(record, n)) for n in _of(record, NumberType.PUBLICATION)],
        [E("application-reference", _application_id(record, n)) for n in _filed(record)],
        E("language-of-publication", record.language),
        E("priority-claims", [_priority(one, place) for place, one in enumerate(record.priorities, 1)]),
        E("dates-of-public-availability", _availability(record)),
        E("classifications-ipcr", [_ipcr(one, "ipc") for one in _scheme(record, "IPC")]),
        E("classifications-cpc", E("further-cpc", [_cpc(one) for one in _scheme(record, "CPC")])),
        [_national(office, found) for office, found in _national_schemes(record).items()],
        _locarno(record),
        [E("invention-title", {"lang": _tag(text), "data-format": text.format}, text.text)
         for text in texts(record, TextType.TITLE)],
        E("references-cited", [_citation(one) for one in record.citations]),
        E("related-documents", _relations(record)),
        E("parties", [_group(record, *row) for row in PARTIES]),
        _designations(record),
        [
            E("pct-or-regional-filing-data", document_id(n))
            for n in _of(record, NumberType.PCT_APPLICATION)
            if not _is_world(n)
        ],
        [E("pct-or-regional-publishing-data", document_id(n)) for n in _of(record, NumberType.PCT_PUBLICATION)],
        E("date-of-grant", compact(first_of(record, DateType.GRANT))),
        E("expiry-date", compact(first_of(record, DateType.EXPIRY))),
    )  # fmt: skip


def _of(record: Record, *types: NumberType) -> list[Number]:
    return [number for number in record.numbers if number.type in types]


def _scheme(record: Record, scheme: str) -> list[Classification]:
    return [one for one in record.classifications if one.scheme == scheme]


def _tag(text: Text) -> str | None:
    return text.declared_language


# --- numbers ---


def document_id(number: Number, type: NumberType | None = None) -> Element | None:
    return E(
        "document-id",
        E("country", number.office),
        E("doc-number", number_text(number, PATENT, type)),
        E("kind", number.kind),
        E("date", compact(number.date)),
    )


def _publication_id(record: Record, number: Number) -> Element | None:
    """The publication; the first with the kind and date that some formats say of the record and not of its number."""
    if number is _of(record, NumberType.PUBLICATION)[0]:
        kind = number.kind or (record.kind if record.kind and len(record.kind) <= 2 else None)
        date = number.date or first_of(record, DateType.PUBLICATION)
        number = number.model_copy(update={"kind": kind, "date": date})
    return document_id(number)


def _is_world(number: Number) -> bool:
    """Whether a number shows by itself that it is a PCT application's."""
    return number.kind == "W" or number.raw.upper().startswith("PCT")


def _filed(record: Record) -> list[Number]:
    found = _of(record, NumberType.APPLICATION, NumberType.PCT_APPLICATION)
    return [number for number in found if number.type is NumberType.APPLICATION or _is_world(number)]


def _application_id(record: Record, number: Number) -> Element | None:
    """As for publications: the filing date stands with the first application."""
    if number is _filed(record)[0] and number.type is NumberType.APPLICATION:
        number = number.model_copy(update={"date": number.date or first_of(record, DateType.FILING)})
    return document_id(number, NumberType.APPLICATION)


def _related_id(number: Number) -> Element | None:
    """A reader takes a number with a kind for a publication and one without for an application; None for any other."""
    if number.type is NumberType.PUBLICATION and number.kind:
        return document_id(number)
    if number.type in (NumberType.APPLICATION, NumberType.PCT_APPLICATION):
        return document_id(number.model_copy(update={"kind": None}), NumberType.APPLICATION)
    return None


def _priority(one: Priority, place: int) -> Element | None:
    number = one.number
    return E(
        "priority-claim",
        {"sequence": str(one.sequence if one.sequence is not None else place), "kind": one.type},
        E("country", number.office),
        E("doc-number", number_text(number, PATENT, NumberType.APPLICATION, kind=False)),
        E("date", compact(one.date or number.date)),
    )


# --- classes ---


def _parts(one: Classification) -> list[Element | None]:
    top, _, group = one.symbol.partition(" ")
    main, _, sub = group.partition("/")
    return [
        E("section", top[:1]),
        E("class", top[1:3]),
        E("subclass", top[3:4]),
        E("main-group", main),
        E("subgroup", sub),
    ]


def _version(one: Classification) -> str | None:
    return f"{one.edition.replace('.', '')}01" if one.edition and len(one.edition) == 7 else one.edition


def _ipcr(one: Classification, name: str) -> Element | None:
    value = None if one.inventive is None else "I" if one.inventive else ("N" if name == "ipc" else "A")
    return E(
        "classification-ipcr" if name == "ipc" else "classification-cpc",
        E(f"{name}-version-indicator", E("date", _version(one))),
        _parts(one),
        E("symbol-position", "F" if one.first else None),
        E("classification-value", value),
        E("generating-office", E("country", one.office)),
    )


def _cpc(one: Classification) -> Element | None:
    return _ipcr(one, "cpc")


NATIONAL = {"USPC": "US", "FI": "JP"}


def _national_schemes(record: Record) -> dict[str, list[Classification]]:
    """Classes of an office by office: USPC, FI, and schemes that are called by an office's code."""
    found: dict[str, list[Classification]] = {}
    for one in record.classifications:
        office = NATIONAL.get(one.scheme) or (one.scheme if len(one.scheme) == 2 else None)
        if office:
            found.setdefault(office, []).append(one)
    return found


def _national(office: str, found: Iterable[Classification]) -> Element | None:
    kept = list(found)
    return E(
        "classification-national",
        E("country", office),
        E("edition", next((one.edition for one in kept if one.edition), None)),
        [E("main-classification" if one.first else "further-classification", one.raw) for one in kept],
    )


def _locarno(record: Record) -> Element | None:
    found = _scheme(record, "LOCARNO")
    return E(
        "classification-locarno",
        E("edition", next((one.edition for one in found if one.edition), None)),
        [E("main-classification", one.symbol) for one in found],
    )


# --- dates, designations, relations, citations ---


def _availability(record: Record) -> list[Element | None]:
    """Dates that have a name which can be an element; a reader labels them so."""
    return [
        E(fact.label, E("document-id", E("date", compact(fact.date))))
        for fact in record.dates
        if fact.type is DateType.OTHER and fact.label and NAME.fullmatch(fact.label)
    ]


def _designations(record: Record) -> Element | None:
    ways: dict[str, list[str]] = {}
    for one in record.designations:
        way = one.type or "designation-of-states"
        if NAME.fullmatch(way):
            ways.setdefault(way, []).append(one.office)
    return E(
        "designation-of-states", [E(way, [E("country", office) for office in offices]) for way, offices in ways.items()]
    )


def _relations(record: Record) -> list[Element | None]:
    found: list[Element | None] = []
    for one in record.relations:
        name = RELATIONS.get(one.type)
        document = _related_id(one.number) if one.number else None
        if one.type is RelationType.CHILD:
            found.append(E("continuation", E("relation", E("child-doc", document))))
        elif name is not None:
            found.append(E(name, E("relation", E("parent-doc", document))))
    return found


def _citation(one: Citation) -> Element | None:
    if one.type == "literature":
        cited = E("nplcit", E("text", one.text))
    else:
        number = document_id(one.number) if one.number else None
        cited = E("patcit", number, E("text", one.text))
    if cited is None:
        return None
    return E(
        "citation",
        {"cited-phase": one.phase},
        cited,
        [E("category", word) for word in (one.category or "").split()],
        E("rel-claims", one.claims),
    )


# --- parties ---


def _group(record: Record, role: PartyRole, group: str | None, name: str) -> Element | list[Element | None] | None:
    members = [_party(party, name) for party in record.parties if party.role is role]
    return E(group, members) if group else members


def _party(party: Party, name: str) -> Element | None:
    if not party.name:
        return None
    private = party.private or PersonalData()
    names = [E(_name_element(party), party.name), *(E("synonym", other) for other in party.other_names)]
    book = E(
        "addressbook",
        names,
        E("registered-number", party.identifier),
        E(
            "address",
            [E(f"address-{n}", line) for n, line in enumerate(private.address, 1)],
            E("city", private.city),
            E("state", private.region),
            E("postcode", private.postal_code),
            E("country", party.country),
        ),
        [E("phone", one) for one in private.phone],
        [E("fax", one) for one in private.fax],
        [E("email", one) for one in private.email],
        [E("url", one) for one in private.url],
    )
    return E(
        name,
        {"sequence": None if party.sequence is None else str(party.sequence)},
        book,
        E("nationality", E("country", party.nationality)),
    )


def _name_element(party: Party) -> str:
    """A person's whole name is written as last name: the record does not part it."""
    return {"person": "last-name", "organisation": "orgname"}.get(party.entity, "name")


# --- full text ---


def _drawing(place: int, image: Image) -> Element:
    """An image by reference: pages as `doc-page`, drawings in figures, others with what they show."""
    attributes = {"file": image.reference, "img-format": image.format}
    if image.type == "document-page":
        return empty("doc-page", {"id": f"page{place}", **attributes})
    content = {"drawing": "drawing", "other": image.caption or "other"}.get(image.type, image.type)
    img = empty("img", {"id": f"img{place}", **attributes, "img-content": content})
    if image.type == "drawing" and image.caption:
        figure = empty("figure", {"id": f"fig{place}", "num": image.caption})
        figure.append(img)
        return figure
    return img


def _text(name: str, text: Text) -> Element | None:
    attributes = {"lang": _tag(text), "data-format": text.format}
    return E(name, attributes, [E("p", line) for line in lines(text.text)])
