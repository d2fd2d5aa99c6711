"""WIPO ST.96: designs, as applications, transactions and Hague notifications.

Each design is a record of its own, also where several were filed in one application: what the application says (number,
date, applicants, history) is repeated on each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from common.errors import InputError, MalformedInput, Place
from common.messages import say
from indexer.formats import wipo_parts as parts
from indexer.formats.draft import (
    Draft,
    DraftCitation,
    DraftEvent,
    DraftImage,
    DraftNumber,
    DraftParty,
    DraftRelation,
    DraftText,
)
from indexer.formats.reading import Context, Format, Signature
from indexer.formats.xml import attribute, every, local, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

APPLICATIONS = ("DesignApplication", "HagueDesignApplication", "InternationalDesignRegistration")
DESIGNS = ("Design", "HagueDesign")
DATES = {
    "ApplicationDate": DateType.FILING,
    "ApplicationDateTime": DateType.FILING,
    "ReceivingOfficeDate": DateType.RECEIPT,
    "RegistrationDate": DateType.REGISTRATION,
    "InternationalRegistrationDate": DateType.REGISTRATION,
    "RightEffectiveDate": DateType.EFFECTIVE,
    "ExpiryDate": DateType.EXPIRY,
    "RenewalDate": DateType.RENEWAL,
    "PublicationDate": DateType.PUBLICATION,
    "DesignCurrentStatusDate": DateType.STATUS,
    "DesignApplicationCurrentStatusDate": DateType.STATUS,
}
TEXTS = {
    "DesignTitleText": TextType.TITLE,
    "DesignDescriptionText": TextType.DESIGN_DESCRIPTION,
    "DesignDescriptionTextBag/DesignDescriptionText": TextType.DESIGN_DESCRIPTION,
    "DesignClaim/DesignClaimTextBag/DesignClaimText": TextType.CLAIMS,
    "ProductDescriptionTextBag/ProductDescriptionText": TextType.PRODUCT_INDICATION,
    "NoveltyStatementText": TextType.DESIGN_DESCRIPTION,
    "PartialDisclaimerText": TextType.DISCLAIMER,
}
NOTES = (
    *("DesignReference", "ApplicantFileReference", "FilingPlace", "ReceiptNumber", "PublicationKindDescription"),
    *("RepresentationSheetTotalQuantity", "BlackWhiteViewTotalQuantity", "ColourViewTotalQuantity", "CommentText"),
    *("SpecimenTotalQuantity", "SecondLanguageCode", "CorrespondenceLanguageCode", "DefermentPeriod"),
    *("PublicationDefermentIndicator", "ReceivingOfficeCode"),
)
PARTIES = {
    "ApplicantBag/Applicant": PartyRole.APPLICANT,
    "HolderBag/Holder": PartyRole.OWNER,
    "DesignerBag/Designer": PartyRole.DESIGNER,
    "RepresentativeBag/Representative": PartyRole.REPRESENTATIVE,
    "CorrespondenceAddress": PartyRole.CORRESPONDENT,
    "OppositionBag/Opposition/PlaintiffBag/Plaintiff": PartyRole.OPPONENT,
}


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """One Draft for each design. Yields an InputError for each record that is not well-formed."""
    for record in records(stream, (*APPLICATIONS, *DESIGNS), context):
        if isinstance(record, InputError):
            yield record
            continue
        application = record.element if local(record.element) in APPLICATIONS else None
        designs = [record.element]
        if application is not None:
            designs = [found for bag in ("DesignBag", "HagueDesignBag") for name in DESIGNS
                       for found in every(application, f"{bag}/{name}")]  # fmt: skip
        if not designs:
            yield MalformedInput(
                say("input.application-without-design"),
                place=Place(context.file, context.member, record.ordinal, "DesignBag", record.line),
            )
        for position, design in enumerate(designs, 1):
            draft = parts.start(record, Right.DESIGN, design)
            _design(draft, design, application)
            index = re.search(r"-(\d{1,4})$", value(design, "DesignIdentifier") or "")
            if len(designs) > 1 or index:
                draft.design_index = index[1] if index else str(position)
            yield parts.finish(draft)


def _design(draft: Draft, design: etree._Element, application: etree._Element | None) -> None:
    around = (design,) if application is None else (design, application)
    office = next((v for one in around if (v := value(one, "RegistrationOfficeCode", "ReceivingOfficeCode"))), None)
    draft.office = office
    for element in around:
        _numbers(draft, element, office)
        parts.add_dates(draft, element, DATES)
        parts.add_notes(draft, element, *NOTES)
        parts.add_parties(draft, element, PARTIES)
        parts.add_priorities(draft, element, "PriorityBag/Priority")
        parts.add_exhibition_priorities(draft, element, "ExhibitionPriorityBag/ExhibitionPriority")
        parts.add_designations(draft, element, "DesignatedCountryBag/DesignatedCountry", "hague")
        parts.add_designations(draft, element, "DesignatedCountryBag/DesignatedCountryCode", "hague")
        parts.add_publications(draft, element, "PublicationBag/Publication", f"{office or ''}-DESIGN-PUBLICATION")
        parts.add_documents(
            draft, element, "DocumentIncludedBag/DocumentIncluded", scheme=f"{office or ''}-DESIGN-DOCUMENT"
        )
        draft.language = draft.language or value(element, "DesignApplicationLanguageCode", "ApplicationLanguageCode")
        draft.total_designs = draft.total_designs or value(element, "DesignTotalQuantity")
        _events(draft, element, office)
        _staff(draft, element)
        _related(draft, element, office)
    parts.add_texts(draft, design, TEXTS)
    _classes(draft, design, office)
    _views(draft, design)
    _citations(draft, design)


def _numbers(draft: Draft, element: etree._Element, office: str | None) -> None:
    """RegistrationNumber and DesignIdentifier name the single design, ApplicationNumber what it was filed in."""
    registered = value(element, "RegistrationDate")
    for raw in values(element, "RegistrationNumber"):
        parts.add_number(draft, NumberType.REGISTRATION, raw, office, registered)
    for raw in values(element, "DesignIdentifier"):
        parts.add_number(draft, NumberType.REGISTRATION, raw, office, registered)
    for raw in values(element, "InternationalRegistrationNumber"):
        parts.add_number(draft, NumberType.INTERNATIONAL, raw, "WO", value(element, "InternationalRegistrationDate"))
    for found in every(element, "ApplicationNumber"):
        if (number := parts.application_number(found)) is not None:
            filed = value(element, "ApplicationDate", "ApplicationDateTime")
            parts.add_number(draft, NumberType.APPLICATION, number.raw, number.office or office, filed)


def _classes(draft: Draft, design: etree._Element, office: str | None) -> None:
    for bag in [*design.iter("{*}LocarnoClassificationBag")]:
        edition = value(bag, "LocarnoClassificationEdition")
        parts.add_symbols(draft, bag, "LocarnoClassificationText", "LOCARNO", edition)
        for found in every(bag, "LocarnoClassification"):
            top = value(found, "LocarnoClass")
            subs = values(found, "LocarnoSubclassBag//LocarnoSubclass")
            for symbol in [f"{top}-{sub}" for sub in subs] or [top or ""]:
                parts.add_symbol(draft, "LOCARNO", symbol, edition)
            for bag_of_one in every(found, "LocarnoSubclassBag"):
                sub = value(bag_of_one, "LocarnoSubclass")
                for indicated in every(bag_of_one, "LocarnoSubclassProductIndicationText"):
                    if content := text(indicated):
                        draft.texts.append(
                            DraftText(
                                TextType.PRODUCT_INDICATION,
                                content,
                                parts.language(indicated),
                                class_symbol=f"{top}-{sub}" if sub else top,
                            )
                        )
            for described in every(found, "LocarnoSubclassBag//ProductDescriptionText"):
                if content := text(described):
                    draft.texts.append(
                        DraftText(TextType.PRODUCT_INDICATION, content, parts.language(described), class_symbol=top)
                    )
    for bag in [*design.iter("{*}NationalDesignClassificationBag")]:
        whose = value(bag, "IPOfficeCode") or office
        for symbol in values(bag, "NationalDesignClassification"):
            parts.add_symbol(draft, f"{whose or ''}-DESIGN", symbol, office=whose)


def _views(draft: Draft, design: etree._Element) -> None:
    views = every(design, "DesignRepresentationBag/DesignRepresentation/ViewBag/View") + every(design, "ViewBag/View")
    for position, view in enumerate(views, 1):
        number = value(view, "ViewIdentifier")
        sequence = int(number) if number and number.isascii() and number.isdigit() and len(number) < 9 else position
        caption = "; ".join(
            v
            for tag in ("Caption", "ViewTypeCategory", "ViewTypeTextBag/ViewTypeText", "RepresentationFormCategory")
            for v in values(view, tag)
        )
        kind = value(view, "ViewFileFormatCategory")
        for tag in ("FileName", "ThumbnailFileName"):
            if reference := value(view, tag):
                draft.images.append(DraftImage("design-view", reference, kind, sequence, caption or None))
    for sheet in every(
        design, "DesignRepresentationBag/DesignRepresentation/DesignRepresentationSheetBag/DesignRepresentationSheet"
    ):
        if reference := value(sheet, "FileName"):
            draft.images.append(DraftImage("design-view", reference, value(sheet, "ImageFormatCategory")))


def _events(draft: Draft, element: etree._Element, office: str | None) -> None:
    for tag in ("DesignCurrentStatusCategory", "DesignApplicationCurrentStatusCategory"):
        if code := value(element, tag):
            date = value(element, tag.replace("Category", "Date"))
            draft.events.append(
                DraftEvent(code, f"{office or ''}-DESIGN-STATUS", office, event_date=date, current=True)
            )
    for bag in ("DesignEvent", "DesignApplicationEvent"):
        for event in every(element, f"{bag}Bag/{bag}"):
            category, comment = value(event, f"{bag}Category"), value(event, "CommentText")
            # the category is `Undefined` where the office's own words say what happened
            code = comment if comment and (category or "Undefined") == "Undefined" else category
            if code:
                draft.events.append(
                    DraftEvent(
                        code,
                        f"{office or ''}-DESIGN-EVENT",
                        office,
                        event_date=value(event, f"{bag}Date", f"{bag}DateTime"),
                        description=[
                            one
                            for one in parts.notes(event, f"{bag}Category", "CommentText", f"{bag}ResponseDate")
                            if one.text not in (code, "Undefined")
                        ],
                    )
                )
    for basic in every(element, "DesignRecordBag/DesignRecord/DesignBasicRecord"):
        draft.events.append(
            DraftEvent(
                value(basic, "BasicRecordCategory") or "DesignBasicRecord",
                f"{office or ''}-DESIGN-RECORD",
                office,
                event_date=value(basic, "RecordFilingDate", "RecordCurrentStatusDate"),
                effective_date=value(basic, "RecordEffectiveDate"),
                description=parts.notes(basic, "RecordIdentifier", "RecordCurrentStatusCategory"),
            )
        )


def _staff(draft: Draft, element: etree._Element) -> None:
    for staff in every(element, "StaffBag/Staff"):
        if name := value(staff, "StaffName"):
            draft.parties.append(
                DraftParty(PartyRole.EXAMINER, name, entity="person", identifier=value(staff, "PartyIdentifier"))
            )
            parts.add_notes(draft, staff, "OfficialTitleText")


def _related(draft: Draft, element: etree._Element, office: str | None) -> None:
    for path, relation in (
        ("RelatedApplicationBag/RelatedApplication", RelationType.RELATED),
        ("DivisionalApplicationBag/DivisionalApplication", RelationType.DIVISIONAL_OF),
        ("PrincipalDesignRelationBag/PrincipalDesignRelation", RelationType.PARENT),
    ):
        for found in every(element, path):
            said = "; ".join(v for child in found if local(child).endswith("Category") and (v := text(child)))
            if said == "Division":
                relation = RelationType.DIVISIONAL_OF
            for tag, kind in (
                *(("ApplicationNumber", NumberType.APPLICATION), ("InitialApplicationNumber", NumberType.APPLICATION)),
                ("RelatedApplicationNumber", NumberType.APPLICATION),
                ("RelatedApplicationRegistrationNumber", NumberType.REGISTRATION),
                *(("RegistrationNumber", NumberType.REGISTRATION), ("DesignIdentifier", NumberType.REGISTRATION)),
                ("InternationalRegistrationNumber", NumberType.INTERNATIONAL),
            ):
                for one in found.iter(f"{{*}}{tag}"):
                    if (number := parts.application_number(one, kind)) is not None:
                        number.office = number.office or value(found, "IPOfficeCode") or office
                        number.date = value(
                            found,
                            *("ApplicationDate", "RegistrationDate", "ApplicationFilingDate", "RelatedApplicationDate"),
                        )
                        draft.relations.append(DraftRelation(relation, number, said or None, number.date))


def _citations(draft: Draft, design: etree._Element) -> None:
    for found in every(design, "PatentIdentificationBag/*"):
        raw = value(found, "DocumentNumber", "PatentNumber", "PublicationNumber")
        if raw:
            draft.citations.append(
                DraftCitation(
                    "patent",
                    DraftNumber(
                        NumberType.PUBLICATION,
                        raw,
                        value(found, "IPOfficeCode"),
                        value(found, "PatentDocumentKindCode"),
                        value(found, "PatentDocumentDate", "PublicationDate"),
                    ),
                    value(found, "EntityName"),
                    phase=attribute(found, "citationCategory"),
                )
            )
    for found in every(design, "NPLCitationBag/NPLCitation") + every(design, "ReferenceCitationBag//NPLCitationText"):
        if content := text(found):
            draft.citations.append(DraftCitation("literature", text=content))


def _recognises(found: Signature) -> bool:
    if found.root in ("DesignTransaction", "DesignBag", *APPLICATIONS) or (
        found.root == "Design" and "DesignTitleText" in found.children
    ):
        return True
    return found.root in ("DesignApplicationBag", "HagueIBToOfficeTransaction") and bool(
        set(found.children) & {*APPLICATIONS, *DESIGNS}
    )


FORMATS: tuple[Format, ...] = (
    Format(
        "st96-design",
        "Designs (WIPO ST.96: applications, transactions, Hague notifications)",
        ("design",),
        _recognises,
        read,
        2,
        (
            "design identifiers, registration, application and international numbers",
            "filing, receipt, registration, effective, expiry, publication and status dates",
            "titles, descriptions, claims, product indications and disclaimers in every language",
            "Locarno classes with edition, national design classes",
            "applicants, holders, designers, representatives, correspondents, examiners, opponents",
            "priorities, exhibition priorities, designations, related and principal designs, citations",
            "publications, history, current status",
            "all views and attached documents (by reference)",
        ),
    ),
)
