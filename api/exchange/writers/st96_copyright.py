"""Orphan works as WIPO ST.96 V6 `CopyrightOrphanWork`."""

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
    labelled,
    note,
    notes,
    number_text,
    parties,
    tag,
    texts,
)
from indexer.formats.st96_copyright import LOCATED
from indexer.record import (
    DateType,
    NumberType,
    Party,
    PartyRole,
    Record,
    Right,
    Text,
    TextType,
)

COPYRIGHT = Right.COPYRIGHT
FORMAT = "st96"
ADAPTED = "AdaptedUseIndicator"
"""How a reader says that a usage adapts the work: as one more usage."""
IDENTIFIERS = {
    NumberType.ISBN: "ISBN",
    NumberType.ISSN: "ISSN",
    NumberType.ISRC: "ISRC",
    NumberType.ISWC: "ISWC",
    NumberType.ISAN: "V_ISAN",
}


def write(record: Record) -> bytes:
    """Raises UnwritableRecord where a required part is missing: ST.96 requires much of a work."""
    work = record.work
    usages = _usages(record)
    said: dict[str, tuple[object, str]] = {
        "numbers.work": (record.number(NumberType.WORK), "OrphanWorkIdentifier is required"),
        "texts.title": (texts(record, TextType.TITLE), "OrphanWorkTitleTextBag requires a title"),
        "texts.work-description": (texts(record, TextType.WORK_DESCRIPTION), "a description of the work is required"),
        "parties": (
            _parties(record),
            "OrphanWorkPartyBag requires an applicant, licensee, representative or rights holder",
        ),
        "work.kinds": (_kind(record), "OrphanWorkKindCode is required, one of ST.96's"),
        "texts.diligent-search": (_search(record), "DiligenceSearch requires a document by name"),
        "work.usage": (usages, "OrphanWorkUsageBag requires a category of usage, one of ST.96's"),
        "work.publish": (work is not None and work.publish is not None, "PublishIndicator is required"),
    }
    missing = [
        Missing(field, why) for field, (value, why) in said.items() if value is None or value is False or value == []
    ]
    if missing:
        raise unwritable(FORMAT, record.id, missing)
    return parts.document(_work(record), "com", "cpy")


def _work(record: Record) -> Element | None:
    filed, entry = record.number(NumberType.APPLICATION), record.number(NumberType.WORK)
    status = current_event(record, "-WORK-STATUS")
    own = [text for text in texts(record, TextType.TITLE) if not text.format]
    others = [text for text in texts(record, TextType.TITLE) if text.format]
    return E(
        "cpy:CopyrightOrphanWork",
        {"com:officeCode": code("office", record.office), "com:languageCode": tag(record.language)},
        parts.VERSIONED,
        E("com:ApplicationNumberText", number_text(filed, COPYRIGHT) if filed else None),
        E("cpy:OrphanWorkApplicationStatus", category("work_status", status.raw_code) if status else None),
        E("cpy:OrphanWorkIdentifier", number_text(entry, COPYRIGHT) if entry else None),
        E("cpy:CreativeWorkIdentificationBag", _identifiers(record)),
        E("com:ApplicationDate", iso(first_of(record, DateType.FILING))),
        E(
            "cpy:OrphanWorkTitleTextBag",
            [parts.localised("cpy:OrphanWorkTitleText", text) for text in own or others[:1]],
        ),
        E(
            "cpy:OrphanWorkAlternativeTitleBag",
            [parts.localised("cpy:OrphanWorkAlternativeTitle", text) for text in (others if own else others[1:])],
        ),
        E(
            "cpy:OrphanWorkDescriptionTextBag",
            [parts.localised("cpy:OrphanWorkDescriptionText", t) for t in texts(record, TextType.WORK_DESCRIPTION)],
        ),
        _parties(record),
        E("cpy:OrphanWorkKindCode", _kind(record)),
        _search(record),
        E(
            "cpy:CopyrightExpiry",
            E("com:ExpiryDate", iso(first_of(record, DateType.EXPIRY))),
            E("com:CountryCode", _expiry(record)),
        )
        if first_of(record, DateType.EXPIRY)
        else None,
        E("cpy:OrphanWorkUsageBag", _usages(record)),
        E("cpy:PublishIndicator", _truth(bool(record.work and record.work.publish))),
        E(
            "cpy:OrphanWorkPublicationCategory",
            category("work_publication", note(record, "OrphanWorkPublicationCategory")),
        ),
        E("com:DecisionDate", iso(next((fact.date for fact in labelled(record, "DecisionDate")), None))),
        E("com:DocumentIncludedBag", [_document(image.reference, image.caption) for image in record.images]),
        [parts.localised("com:CommentText", text) for text in notes(record, "CommentText")[:1]],
    )


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _kind(record: Record) -> str | None:
    kinds = record.work.kinds if record.work else ()
    return next((found for kind in kinds if (found := category("work_kind", kind))), None)


def _expiry(record: Record) -> str | None:
    return code("country", note(record, "CopyrightExpiry"))


def _identifiers(record: Record) -> list[Element | None]:
    return [
        E(
            "cpy:CreativeWorkIdentification",
            E("cpy:CreativeWorkIdentifier", number_text(number, COPYRIGHT)),
            E("cpy:CreativeWorkIdentifierCategory", IDENTIFIERS[number.type]),
        )
        for number in record.numbers
        if number.type in IDENTIFIERS
    ]


# --- parties ---


def _parties(record: Record) -> Element | None:
    """Nobody here is confidential: the reader withholds whom the register marks so. A holder needs its category and
    whether it was found, which the reader keeps in notes.
    """
    representatives = [_represents(one) for one in parties(record, PartyRole.REPRESENTATIVE)]
    return E(
        "cpy:OrphanWorkPartyBag",
        E("cpy:ApplicantBag", [_applicant(one) for one in parties(record, PartyRole.APPLICANT)]),
        E("cpy:OrphanWorkLicenseeBag", [_licensee(one) for one in parties(record, PartyRole.LICENSEE)]),
        representatives,
        E("cpy:RightsHolderBag", [_holder(record, one) for one in parties(record, PartyRole.OWNER, PartyRole.AUTHOR)]),
    )


def _applicant(party: Party) -> Element | None:
    contacts = parts.contacts(party, resides=True)
    if not contacts:
        return None
    return E(
        "cpy:Applicant",
        parts.sequence(party),
        parts.identifier(party),
        contacts,
        parts.nationality(party),
        E("com:ResidenceCountryCode", code("country", party.country)),
        E("com:ConfidentialIndicator", "false"),
    )


def _licensee(party: Party) -> Element | None:
    contacts = parts.contacts(party)
    return E("cpy:OrphanWorkLicensee", contacts, E("com:ConfidentialIndicator", "false")) if contacts else None


def _represents(party: Party) -> Element | None:
    contacts = parts.contacts(party)
    return E("com:Representative", parts.sequence(party), parts.identifier(party), contacts) if contacts else None


def _holder(record: Record, party: Party) -> Element | None:
    kept = {tag: _of_holder(record, party, tag) for tag in ("RightsHolderCategory", "RightsHolderLocatedIndicator")}
    contacts = parts.contacts(party)
    if not contacts or not all(kept.values()):
        return None
    return E(
        "cpy:RightsHolder",
        contacts,
        E("cpy:RightsHolderCategory", kept["RightsHolderCategory"]),
        parts.nationality(party),
        E("com:ConfidentialIndicator", "false"),
        E("cpy:RightsHolderLocatedIndicator", _truth(kept["RightsHolderLocatedIndicator"] == LOCATED)),
    )


def _of_holder(record: Record, party: Party, name: str) -> str | None:
    start = f"{party.name}: "
    return next((t.text.removeprefix(start) for t in notes(record, name) if t.text.startswith(start)), None)


# --- search and usage ---


def _document(reference: str, caption: str | None) -> Element | None:
    return E("com:DocumentIncluded", E("com:DocumentName", caption or reference), E("com:FileName", reference))


def _said(record: Record, type: TextType, name: str) -> list[Text]:
    return [text for text in texts(record, type) if text.format == name]


def _search(record: Record) -> Element | None:
    """The diligent search: the document consulted, and whom one asked for it, if the register says when."""
    named = _said(record, TextType.DILIGENT_SEARCH, "DocumentName")
    if not named:
        return None
    event = next(iter(events(record, "-WORK-SEARCH")), None)
    document = E(
        "cpy:DiligenceSearchDocument",
        E("com:DocumentName", named[0].text),
        E("com:DocumentDate", iso(next((fact.date for fact in labelled(record, "DocumentDate")), None))),
    )
    asked = _asked(record, document)
    return E(
        "cpy:DiligenceSearch",
        E("cpy:DiligenceSearchIdentifier", note(event, "DiligenceSearchIdentifier") if event else None),
        E("cpy:DiligenceSearchStatusCategory", category("work_search", event.raw_code) if event else None),
        document if asked is None else asked,
        E(
            "cpy:ProvenanceCategory",
            next(
                (
                    t.text
                    for t in _said(record, TextType.DILIGENT_SEARCH, "ProvenanceCategory")
                    if category("work_provenance", t.text)
                ),
                None,
            ),
        ),
        *(
            E(f"com:{name}", iso(next((f.date for f in labelled(record, name)), None)))
            for name in ("SearchStartDate", "SearchEndDate")
        ),
    )


def _asked(record: Record, document: Element | None) -> Element | None:
    kinds = _said(record, TextType.DILIGENT_SEARCH, "ContactCategory")
    dated, asked = labelled(record, "ContactDate"), parties(record, PartyRole.OTHER)
    kind = category("work_contact", kinds[0].text) if kinds else None
    contacts = parts.contacts(asked[0]) if asked else []
    if not (kind and dated and contacts):
        return None
    return E(
        "cpy:DiligenceSearchDocumentContact",
        contacts,
        E("com:ContactDate", iso(dated[0].date)),
        E("cpy:ContactCategory", kind),
        document,
    )


def _usages(record: Record) -> list[Element]:
    """Usages. Whether the work is adapted must be said: a record read from ST.96 that does not say so denies it."""
    said = record.work.usage if record.work else ()
    adapted = ADAPTED in said
    if not adapted and record.source.format != "st96-orphan-work":
        return []
    commerce = [one for one in said if category("work_commerce", one)]
    found: list[Element] = []
    for use in said:
        if category("work_usage", use) is None:
            continue
        first = not found
        made = E(
            "cpy:OrphanWorkUsage",
            E("cpy:AdaptedUseIndicator", _truth(adapted)),
            _usage_texts(record, "AdaptedUseDescriptionText", "cpy") if first else None,
            E("cpy:OrphanWorkUsageCategory", use),
            E("cpy:OrphanWorkCommercialUsageCategory", commerce[0] if commerce else None) if first else None,
            _usage_texts(record, "OrphanWorkUsageLocationText", "cpy") if first else None,
        )
        if made is not None:
            found.append(made)
    return found


def _usage_texts(record: Record, name: str, prefix: str) -> list[Element | None]:
    return [parts.localised(f"{prefix}:{name}", text) for text in _said(record, TextType.USAGE, name)]
