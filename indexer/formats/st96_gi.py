"""WIPO ST.96: geographical indications and appellations of origin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from common.errors import InputError
from indexer.formats import wipo_parts as parts
from indexer.formats.draft import Draft, DraftDesignation, DraftEvent, DraftImage, DraftRelation, DraftText
from indexer.formats.reading import Context, Format, Signature
from indexer.formats.xml import XmlRecord, attribute, every, first, local, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

DATES = {
    "ApplicationDate": DateType.FILING,
    "RegistrationDate": DateType.REGISTRATION,
    "ExpiryDate": DateType.EXPIRY,
    "WithdrawalDate": DateType.TERMINATION,
    "RecordEventDate": DateType.OTHER,
}
TEXTS = {
    "GINameBag/GINameText": TextType.TITLE,
    "GINameBag/GINameRichText": TextType.TITLE,
    "GINameBag/GINameTransliterationText": TextType.MARK_TRANSLITERATION,
    "GINameBag/GINameTranslationText": TextType.MARK_TRANSLATION,
}
LINK_TO_TERRITORY = (
    "GeographicRegionDescriptionBag",
    "OriginCertificateBag",
    "FeatureDescriptionBag",
    "TSGClaim",
)
"""Parts that describe the product and its territory: every text in them is read."""
PARTIES = {
    "ApplicantBag/Applicant": PartyRole.APPLICANT,
    "RepresentativeBag/Representative": PartyRole.REPRESENTATIVE,
    "CorrespondenceAddress": PartyRole.CORRESPONDENT,
}


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """One Draft for each indication. Yields an InputError for each record that is not well-formed."""
    names = ("GIApplication", "GIData", "GeographicalIndication")
    for record in records(stream, names, context):
        yield record if isinstance(record, InputError) else _draft(record)


def _draft(record: XmlRecord) -> Draft:
    top = record.element
    data = top if local(top) == "GIData" else first(top, "GIData")
    draft = parts.start(record, Right.GI)
    around = [element for element in (data, top) if element is not None]
    if data is top:
        around = [top]
    main = around[0]
    office = attribute(main, "officeCode") or attribute(top, "officeCode")
    draft.office = office = (
        office or value(main, "ApplicationNumber/IPOfficeCode") or value(top, "ContractingPartyOriginCode")
    )
    draft.language = parts.language(main) or parts.language(top)
    for element in around:
        for filed in every(element, "ApplicationNumber"):
            if (number := parts.application_number(filed)) is not None:
                parts.add_number(
                    draft,
                    NumberType.APPLICATION,
                    number.raw,
                    number.office or office,
                    value(element, "ApplicationDate"),
                )
        for raw in values(element, "RegistrationNumber"):
            parts.add_number(draft, NumberType.REGISTRATION, raw, office, value(element, "RegistrationDate"))
        for raw in values(element, "RecordIdentifier"):
            parts.add_number(draft, NumberType.OTHER, raw, office)
        parts.add_dates(draft, element, DATES)
        parts.add_parties(draft, element, PARTIES)
        for user in every(element, "AuthorizedUser"):
            if (found := parts.party(user, PartyRole.USER)) is not None:
                found.format = (
                    "; ".join(values(user, "AuthorizedUserCategory") + values(user, "AuthorizedUserStatusCategory"))
                    or None
                )
                draft.parties.append(found)
        parts.add_publications(draft, element, "GIPublicationBag/GIPublication", f"{office or ''}-GI-PUBLICATION")
        parts.add_priorities(draft, element, "GIPriorityBag/GIPriority")
        parts.add_documents(
            draft, element, "DocumentIncludedBag/DocumentIncluded", scheme=f"{office or ''}-GI-DOCUMENT"
        )
        parts.add_texts(draft, element, {"GIDisclaimerBag/GIDisclaimerText": TextType.DISCLAIMER}, draft.language)
        parts.add_notes(
            draft,
            element,
            *("CommentText", "WebURI", "ConformityDeclarationText", "NationalProtectionDescriptionText"),
            *("TraditionalUseDescriptionText",),
        )
        _relations(draft, element, office)
    origin = value(top, "ContractingPartyOriginCode")
    if origin:
        draft.designations.append(DraftDesignation(origin, "ContractingPartyOriginCode"))
    parts.add_texts(draft, main, TEXTS, draft.language)
    _products(draft, main)
    for path in LINK_TO_TERRITORY:
        for part in every(main, path) + ([] if top is main else every(top, path)):
            _described(draft, part)
    draft.mark_kind = value(main, "GICategory")
    parts.add_notes(draft, main, "GICategory")
    if code := value(main, "GIStatusCategory"):
        draft.events.append(DraftEvent(code, f"{office or ''}-GI-STATUS", office, current=True))
    return parts.finish(draft)


def _products(draft: Draft, main: etree._Element) -> None:
    for goods in every(main, "ProductIndicationBag/GoodsServices"):
        edition = value(goods, "ClassificationVersion")
        for found in every(goods, "GoodsServicesClassificationBag/GoodsServicesClassification"):
            kind = (value(found, "ClassificationKindCode") or "NICE").upper()
            parts.add_symbols(draft, found, "ClassNumber", kind, value(found, "ClassificationVersion") or edition)
        for described in every(goods, "ClassDescriptionBag/ClassDescription"):
            symbol = value(described, "ClassNumber")
            parts.add_symbol(draft, "NICE", symbol, value(described, "ClassificationVersion") or edition)
            for one in every(described, "GoodsServicesDescriptionText"):
                if content := text(one):
                    draft.texts.append(
                        DraftText(
                            TextType.GI_PRODUCT, content, parts.language(one) or draft.language, class_symbol=symbol
                        )
                    )
    for category in every(main, "ProductIndicationBag/ProductCategory"):
        if content := text(category):
            draft.texts.append(
                DraftText(TextType.GI_PRODUCT, content, parts.language(category), format="ProductCategory")
            )


def _described(draft: Draft, part: etree._Element) -> None:
    for found in part.iter(etree.Element):
        name = local(found)
        if name == "FileName" and (reference := text(found)):
            draft.images.append(DraftImage("other", reference, caption=local(found.getparent())))  # type: ignore[arg-type]
        elif name.endswith("Date") and not len(found):
            parts.add_date(draft, DateType.OTHER, text(found), name)
        elif not name.endswith("Indicator") and (not len(found) or name.endswith("Text")) and (content := text(found)):
            if found.getparent() is not None and local(found.getparent()).endswith("Text"):  # type: ignore[arg-type]
                continue
            tag = parts.language(found) or draft.language
            draft.texts.append(DraftText(TextType.GI_PRODUCT, content, tag, format=name))


def _relations(draft: Draft, element: etree._Element, office: str | None) -> None:
    for found in every(element, "ParentApplicationNumber"):
        if (number := parts.application_number(found)) is not None:
            number.office = number.office or office
            draft.relations.append(DraftRelation(RelationType.PARENT, number))
    for basis in every(element, "GIGrantProtectionLegalBasis"):
        for law in every(basis, "GILegalBasisLegislativeProvision"):
            date = value(law, "DocumentDate")
            for words in values(law, "LegalProvisionText") or [local(law)]:
                draft.relations.append(DraftRelation(RelationType.OTHER, None, words, date))
        for decision in every(basis, "GILegalBasisJudicialDecision"):
            date = value(decision, "DecisionDate")
            draft.relations.append(DraftRelation(RelationType.OTHER, None, local(decision), date))
        for registration in every(basis, "GILegalBasisRegistrationOffice"):
            number = parts.application_number(first(registration, "ApplicationNumber"))
            date = value(registration, "ApplicationDate")
            draft.relations.append(DraftRelation(RelationType.RELATED, number, local(registration), date))
        for contact in basis.iter("{*}Contact"):
            if (party := parts.party(contact, PartyRole.OTHER)) is not None:
                party.format = local(basis)
                draft.parties.append(party)


def _recognises(found: Signature) -> bool:
    return found.root in ("GIApplication", "GIData", "GeographicalIndication", "GITransaction") or (
        found.root in ("GIApplicationBag", "GIDataBag", "GIBag")
        and bool({"GIApplication", "GIData"} & set(found.children))
    )


FORMATS: tuple[Format, ...] = (
    Format(
        "st96-gi",
        "Geographical indications (WIPO ST.96)",
        ("gi",),
        _recognises,
        read,
        2,
        (
            "application, registration and record numbers",
            "filing, registration, withdrawal, expiry and publication dates",
            "names, transliterations and translations, products, features, territory and link in every language",
            "product classes",
            "applicants, authorised users, representatives, legal basis",
            "priorities, parent applications, publications, current status",
            "maps, images and attached documents (by reference)",
        ),
    ),
)
