"""WIPO ST.96: copyright orphan works (`CopyrightOrphanWork`, ST.96 annex III, copyright component)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from common.errors import InputError
from indexer.formats import wipo_parts as parts
from indexer.formats.draft import Draft, DraftDate, DraftEvent, DraftParty, DraftText
from indexer.formats.reading import Context, Format, Signature
from indexer.formats.xml import XmlRecord, attribute, every, first, local, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, Right, TextType

IDENTIFIERS = {
    "ISBN": NumberType.ISBN,
    "ISSN": NumberType.ISSN,
    "ISRC": NumberType.ISRC,
    "ISWC": NumberType.ISWC,
    "ISAN": NumberType.ISAN,
}
PARTIES = {
    "ApplicantBag/Applicant": PartyRole.APPLICANT,
    "OrphanWorkLicenseeBag/OrphanWorkLicensee": PartyRole.LICENSEE,
    "Representative": PartyRole.REPRESENTATIVE,
    "RightsHolderBag/RightsHolder": PartyRole.OWNER,
    "InterestedPartyBag/InterestedParty": PartyRole.OTHER,
}
LOCATED, NOT_LOCATED = "located", "not located"
AUTHORS = ("author", "creator", "composer", "writer", "artist", "photographer")
DATES = {
    "ApplicationDate": DateType.FILING,
    "DecisionDate": DateType.OTHER,
    "CopyrightExpiry/ExpiryDate": DateType.EXPIRY,
}


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """One Draft for each work. Yields an InputError for each record that is not well-formed."""
    for record in records(stream, ("CopyrightOrphanWork",), context):
        yield record if isinstance(record, InputError) else _draft(record)


def _draft(record: XmlRecord) -> Draft:
    work = record.element
    draft = parts.start(record, Right.COPYRIGHT)
    office = attribute(work, "officeCode", "receivingOfficeCode")
    draft.office, draft.language = office, parts.language(work)
    for raw in values(work, "OrphanWorkIdentifier"):
        parts.add_number(draft, NumberType.WORK, raw, office)
    for raw in values(work, "ApplicationNumberText"):
        parts.add_number(draft, NumberType.APPLICATION, raw, office, value(work, "ApplicationDate"))
    for found in every(work, "CreativeWorkIdentificationBag/CreativeWorkIdentification"):
        category = (value(found, "CreativeWorkIdentifierCategory") or "").upper()
        kind = next((one for name, one in IDENTIFIERS.items() if name in category), NumberType.OTHER)
        if number := parts.add_number(draft, kind, value(found, "CreativeWorkIdentifier")):
            number.format = category or None
    parts.add_dates(draft, work, DATES)
    for country in values(work, "CopyrightExpiry/CountryCode"):
        draft.texts += parts.note("CopyrightExpiry", country)
    parts.add_texts(
        draft,
        work,
        {
            "OrphanWorkTitleTextBag/OrphanWorkTitleText": TextType.TITLE,
            "OrphanWorkDescriptionTextBag/OrphanWorkDescriptionText": TextType.WORK_DESCRIPTION,
        },
        draft.language,
    )
    for found in every(work, "OrphanWorkAlternativeTitleBag/OrphanWorkAlternativeTitle"):
        if content := text(found):
            kind_of_title = next((str(v) for k, v in found.attrib.items() if str(k).endswith("Category")), None)
            tag = parts.language(found) or draft.language
            draft.texts.append(DraftText(TextType.TITLE, content, tag, format=kind_of_title or local(found)))
    parts.add_notes(draft, work, "CommentText")
    draft.work_kinds = values(work, "OrphanWorkKindCode")
    _publication(draft, work)
    _parties(draft, work)
    _licence(draft, work, office)
    _search(draft, work, office)
    _usage(draft, work)
    if code := value(work, "OrphanWorkApplicationStatus"):
        draft.events.append(DraftEvent(code, f"{office or ''}-WORK-STATUS", office, current=True))
    parts.add_documents(draft, work, "DocumentIncludedBag/DocumentIncluded", scheme=f"{office or ''}-WORK-DOCUMENT")
    return parts.finish(draft)


def _publication(draft: Draft, work: etree._Element) -> None:
    permission = value(work, "PublishIndicator")
    if permission is not None:
        draft.work_publish = permission.lower() in ("true", "1")
        if permission.lower() not in ("true", "false", "1", "0"):
            draft.problems.append(("work_publish", f"PublishIndicator is {permission!r}, neither true nor false"))
        # an entry that its register does not permit to publish is not shown to the public
        draft.unpublished = not draft.work_publish
    draft.texts += parts.note("OrphanWorkPublicationCategory", value(work, "OrphanWorkPublicationCategory"))
    for data in every(work, "OrphanWorkPublicationData"):
        draft.work_year = draft.work_year or value(data, "PublicationYear")
        parts.add_notes(draft, data, "CommentText")
        for tag in ("PublisherName", "ProducerName"):
            for found in every(data, tag):
                names = parts.full_names(found)[0] or [v for v in (text(found),) if v]
                draft.parties += [DraftParty(PartyRole.OTHER, one, format=tag) for one in names[:1]]


def _parties(draft: Draft, work: etree._Element) -> None:
    bag = first(work, "OrphanWorkPartyBag")
    if bag is None:
        return
    for path, role in PARTIES.items():
        for found in every(bag, path):
            if parts.withheld(draft, found, role):
                continue
            others = every(found, "InterestedPartyOtherName")
            named = [name for one in others for name in parts.full_names(one)[0]]
            other_ids = [v for one in others for v in values(one, "InterestedPartyNameNumber")]
            for one in others:
                found.remove(one)
            category = "; ".join(values(found, "RightsHolderCategory") + values(found, "UserCategory"))
            author = role is PartyRole.OWNER and any(word in category.lower() for word in AUTHORS)
            party = parts.party(found, PartyRole.AUTHOR if author else role)
            if party is None and named:
                party = DraftParty(PartyRole.AUTHOR if author else role, named.pop(0))
            if party is None:
                continue
            party.other_names += named + other_ids
            ids = values(found, "ISNI") + values(found, "InterestedPartyBaseNumber")
            if ids:
                party.identifier = "; ".join(ids)
            party.format = category or None
            draft.parties.append(party)
            _holder(draft, found, party.name)
            parts.add_notes(draft, found, "InterestJustificationText")
            parts.add_date(draft, DateType.OTHER, value(found, "DeceasedDate"), "DeceasedDate")


def _holder(draft: Draft, found: etree._Element, name: str) -> None:
    """What a register says of a rights holder and a party has no field for: its category, and whether it was found."""
    for category in values(found, "RightsHolderCategory"):
        draft.texts += parts.note("RightsHolderCategory", f"{name}: {category}")
    for flag in values(found, "RightsHolderLocatedIndicator"):
        said = LOCATED if flag.lower() in ("true", "1") else NOT_LOCATED
        draft.texts += parts.note("RightsHolderLocatedIndicator", f"{name}: {said}")


def _licence(draft: Draft, work: etree._Element, office: str | None) -> None:
    for licence in every(work, "OrphanWorkLicence"):
        for number in values(licence, "LicenceNumber"):
            parts.add_number(draft, NumberType.OTHER, number, office)
        parts.add_documents(draft, licence, "DocumentIncluded", scheme=f"{office or ''}-WORK-DOCUMENT")
    for request in every(work, "OrphanWorkLicenceRequest"):
        start = value(request, "LicenceStartDate")
        draft.events.append(
            DraftEvent(
                "OrphanWorkLicenceRequest",
                f"{office or ''}-WORK-LICENCE",
                office,
                effective_date=start,
                description=parts.notes(request, "LicenceDurationQuantity"),
            )
        )


def _search(draft: Draft, work: etree._Element, office: str | None) -> None:
    """The diligent search: what was consulted, whom one asked, from when to when."""
    for search in every(work, "DiligenceSearch"):
        draft.events.append(
            DraftEvent(
                value(search, "DiligenceSearchStatusCategory") or "DiligenceSearch",
                f"{office or ''}-WORK-SEARCH",
                office,
                event_date=value(search, "SearchEndDate", "SearchStartDate"),
                effective_date=value(search, "SearchStartDate"),
                description=parts.notes(search, "DiligenceSearchIdentifier"),
            )
        )
        for tag in ("SearchStartDate", "SearchEndDate"):
            if date := value(search, tag):
                draft.dates.append(DraftDate(DateType.OTHER, date, tag))
        for found in search.iter(etree.Element):
            name = local(found)
            words = name.endswith("Text") or name in ("ProvenanceCategory", "ContactCategory", "DocumentName")
            if words and not len(found) and not _in_contact(found, search) and (content := text(found)):
                draft.texts.append(
                    DraftText(TextType.DILIGENT_SEARCH, content, parts.language(found) or draft.language, format=name)
                )
            elif re.fullmatch(r".*(?:Document|Contact)Date", name):
                parts.add_date(draft, DateType.OTHER, text(found), name)
        for contact in every(search, "DiligenceSearchDocumentContact/Contact"):
            if (party := parts.party(contact, PartyRole.OTHER)) is not None:
                party.format = "DiligenceSearchDocumentContact"
                draft.parties.append(party)
        parts.add_documents(
            draft, search, "DiligenceSearchDocument", "DiligenceSearchDocumentContact/DiligenceSearchDocument",
            scheme=f"{office or ''}-WORK-DOCUMENT",
        )  # fmt: skip


def _in_contact(found: etree._Element, top: etree._Element) -> bool:
    for above in found.iterancestors():
        if local(above) == "Contact":
            return True
        if above is top:
            break
    return False


def _usage(draft: Draft, work: etree._Element) -> None:
    for usage in every(work, "OrphanWorkUsageBag/OrphanWorkUsage"):
        draft.work_usage += values(usage, "OrphanWorkUsageCategory") + values(
            usage, "OrphanWorkCommercialUsageCategory"
        )
        for tag in ("AdaptedUseDescriptionText", "OrphanWorkUsageLocationText", "AdditionalRemark"):
            for found in every(usage, tag):
                if content := text(found):
                    draft.texts.append(
                        DraftText(TextType.USAGE, content, parts.language(found) or draft.language, format=tag)
                    )
        if value(usage, "AdaptedUseIndicator") in ("true", "1"):
            draft.work_usage.append("AdaptedUseIndicator")


def _recognises(found: Signature) -> bool:
    return found.root == "CopyrightOrphanWork" or "CopyrightOrphanWork" in found.children


FORMATS: tuple[Format, ...] = (
    Format(
        "st96-orphan-work",
        "Copyright orphan works (WIPO ST.96)",
        ("copyright",),
        _recognises,
        read,
        2,
        (
            "register entry, application, ISBN, ISSN, ISRC, ISWC, ISAN, licence numbers",
            "application, decision, expiry and search dates, year of publication",
            "titles, other titles and descriptions in every language",
            "authors, rights holders, applicants, licensees, representatives, interested parties, publishers",
            "kinds of work, usage, diligent search with sources and contacts",
            "status, licence requests, documents (by reference), the register's permission to publish",
        ),
    ),
)
