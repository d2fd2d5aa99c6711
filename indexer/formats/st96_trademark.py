"""WIPO ST.96: trademarks, as V3 to V6 transactions and applications, Madrid notifications, and USPTO's TSDR.

Real files differ from the schema (TSDR gives no `st96Version`, an early flavour has the namespace `Trademark/1`), so
elements are found by local name wherever the versions put them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from common.errors import InputError
from indexer.formats import wipo_parts as parts
from indexer.formats.draft import Draft, DraftEvent, DraftImage, DraftParty, DraftRelation, DraftText
from indexer.formats.reading import Context, Format, Signature
from indexer.formats.xml import XmlRecord, every, first, local, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

MADRID = ("MadridDesignation", "MadridProtectionRenewal", "MadridDesignationTermination")
"""Notifications of the International Bureau that describe a mark themselves."""

DATES = {
    "ApplicationDate": DateType.FILING,
    "ApplicationDateTime": DateType.FILING,
    "ReceivingOfficeDate": DateType.RECEIPT,
    "RegistrationDate": DateType.REGISTRATION,
    "InternationalRegistrationDate": DateType.REGISTRATION,
    "ExpiryDate": DateType.EXPIRY,
    "TerminationDate": DateType.TERMINATION,
    "RenewalDate": DateType.RENEWAL,
    "RecordEffectiveDate": DateType.EFFECTIVE,
    "RecordNotificationDate": DateType.OTHER,
    "RecordFilingDate": DateType.OTHER,
    "OppositionPeriodStartDate": DateType.OPPOSITION_START,
    "OppositionPeriodEndDate": DateType.OPPOSITION_END,
    "MarkCurrentStatusDate": DateType.STATUS,
    "OtherDate": DateType.OTHER,
    "FeeCalculationDate": DateType.OTHER,
    "NationalTrademarkInformation/RenewalDate": DateType.RENEWAL,
    "NationalTrademarkInformation/AllowanceNoticeDate": DateType.OTHER,
    "NationalTrademarkInformation/NationalCaseLocation/CurrentLocationDate": DateType.OTHER,
    "NationalTrademarkInformation/NationalCaseLocation/PhysicalLocationDate": DateType.OTHER,
}
REPRODUCTION = "MarkRepresentation/MarkReproduction"
WORDS = f"{REPRODUCTION}/WordMarkSpecification"
IMAGES = f"{REPRODUCTION}/MarkImageBag/MarkImage"
TEXTS = {
    f"{WORDS}/MarkVerbalElementText": TextType.MARK_TEXT,
    f"{WORDS}/MarkSignificantVerbalElementText": TextType.MARK_TEXT,
    f"{WORDS}/MarkTranslationText": TextType.MARK_TRANSLATION,
    f"{WORDS}/MarkTransliteration": TextType.MARK_TRANSLITERATION,
    f"{WORDS}/MarkTranscription": TextType.MARK_TRANSLITERATION,
    "MarkRepresentation/MarkDescriptionBag/MarkDescriptionText": TextType.MARK_DESCRIPTION,
    "MarkDisclaimerBag/MarkDisclaimerText": TextType.DISCLAIMER,
    f"{IMAGES}/MarkImageColourClaimedText": TextType.COLOUR_CLAIM,
    f"{IMAGES}/MarkImageColourPartClaimedText": TextType.COLOUR_CLAIM,
    # Madrid notifications write the same without the bags
    "MarkVerbalElementText": TextType.MARK_TEXT,
    "MarkSignificantVerbalElementText": TextType.MARK_TEXT,
    "MarkTransliteration": TextType.MARK_TRANSLITERATION,
    "MarkTranslationTextBag/MarkTranslationText": TextType.MARK_TRANSLATION,
    "MarkDescriptionBag/MarkDescriptionText": TextType.MARK_DESCRIPTION,
    "MarkImageColourClaimedTextBag/MarkImageColourClaimedText": TextType.COLOUR_CLAIM,
    "MarkImageColourPartClaimedTextBag/MarkImageColourPartClaimedText": TextType.COLOUR_CLAIM,
}
NOTES = (
    *("ApplicantFileReference", "FilingPlace", "CommentText", "TradeDistinctivenessText", "UseRequirementText"),
    *("UseLimitationText", "SpecialCircumstanceText", "OfficeReferenceIdentifier", "SecondLanguageCode"),
    *("RecordAttorney/DocketText", "MarkFeatureDescription"),
    "NationalTrademarkInformation/RegisterCategory",
    "NationalTrademarkInformation/MarkCurrentStatusExternalDescriptionText",
    "NationalTrademarkInformation/RegistationCertificateAmendmentText",
    "NationalTrademarkInformation/RegistrationCertificateAmendmentText",
    "NationalTrademarkInformation/TradeDistinctivenessScopeText",
    "NationalTrademarkInformation/RestrictionStatementText",
    "NationalTrademarkInformation/NationalCaseLocation/LawOfficeAssignedText",
    "NationalTrademarkInformation/NationalCaseLocation/CurrentLocationText",
)
PARTIES = {
    "HolderBag/Holder": PartyRole.OWNER,
    "RepresentativeBag/Representative": PartyRole.REPRESENTATIVE,
    "Representative": PartyRole.REPRESENTATIVE,
    "NationalRepresentative": PartyRole.REPRESENTATIVE,
    "RecordAttorney": PartyRole.REPRESENTATIVE,
    "NationalCorrespondent": PartyRole.CORRESPONDENT,
    "CorrespondenceAddress": PartyRole.CORRESPONDENT,
    "MarkUserBag/MarkUser": PartyRole.USER,
    "LicenceBag/Licence/LicenseeBag/Licensee": PartyRole.LICENSEE,
}


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """One Draft for each mark. Yields an InputError for each record that is not well-formed."""
    for record in records(stream, ("Trademark", *MADRID), context):
        yield record if isinstance(record, InputError) else _draft(record)


def _draft(record: XmlRecord) -> Draft:
    mark = record.element
    draft = parts.start(record, Right.TRADEMARK)
    office = value(mark, "RegistrationOfficeCode", "ReceivingOfficeCode", "ApplicationNumber/IPOfficeCode")
    if local(mark) in MADRID:
        office = office or "WO"
    draft.office = office
    draft.language = value(mark, "ApplicationLanguageCode", "NotificationLanguage")
    _numbers(draft, mark, office)
    parts.add_dates(draft, mark, DATES)
    parts.add_texts(draft, mark, TEXTS)
    parts.add_notes(draft, mark, *NOTES)
    draft.mark_feature = value(
        mark, "MarkRepresentation/MarkFeatureCategory", "MarkFeatureCategoryBag/MarkFeatureCategory",
        "MarkFeatureCategory",
        "MarkRepresentation/MarkDescriptionBag/NationalMarkDescription/MarkFeatureCode",
    )  # fmt: skip
    draft.mark_kind = "; ".join(dict.fromkeys(values(mark, "MarkCategory"))) or None
    _goods(draft, mark, office)
    _images(draft, mark, office)
    parts.add_priorities(draft, mark, "PriorityBag/Priority")
    parts.add_exhibition_priorities(draft, mark, "ExhibitionPriorityBag/ExhibitionPriority")
    _relations(draft, mark, office)
    parts.add_designations(draft, mark, "DesignatedCountryBag/DesignatedCountry", "madrid")
    parts.add_designations(draft, mark, "DesignatedCountryBag/DesignatedCountryCode", "madrid")
    parts.add_publications(draft, mark, "PublicationBag/Publication", f"{office or ''}-TM-PUBLICATION")
    _people(draft, mark)
    _status(draft, mark, office)
    _proceedings(draft, mark, office)
    parts.add_documents(draft, mark, "TrademarkDocumentBag/TrademarkDocument", scheme=f"{office or ''}-TM-DOCUMENT")
    return parts.finish(draft)


def _numbers(draft: Draft, mark: etree._Element, office: str | None) -> None:
    filed = value(mark, "ApplicationDate", "ApplicationDateTime")
    for found in every(mark, "ApplicationNumber") + every(mark, "ExaminedApplicationNumber"):
        if (number := parts.application_number(found)) is not None:
            parts.add_number(draft, NumberType.APPLICATION, number.raw, number.office or office, filed)
            if (other := value(found, "ST13ApplicationNumber")) and other != number.raw:
                draft.numbers[-1].forms.append(other)
    registered = value(mark, "RegistrationNumber")
    # TSDR fills the number of a mark that is not registered with zeros
    if registered and registered.strip("0"):
        parts.add_number(draft, NumberType.REGISTRATION, registered, office, value(mark, "RegistrationDate"))
    for path in ("InternationalRegistrationNumber", "InternationalMarkIdentifierBag/InternationalMarkIdentifier"):
        for raw in values(mark, path):
            date = value(mark, "InternationalRegistrationDate")
            parts.add_number(draft, NumberType.INTERNATIONAL, raw, "WO", date)
    for raw in values(mark, "RecordIdentifier"):
        parts.add_number(draft, NumberType.OTHER, raw, office)


def _goods(draft: Draft, mark: etree._Element, office: str | None) -> None:
    national = f"{office or ''}-TM-CLASS"
    for goods in every(mark, "GoodsServicesBag/GoodsServices"):
        edition = value(goods, "ClassificationVersion")
        leading = value(goods, "ProposedLeadingClassNumber")
        for found in every(goods, "GoodsServicesClassificationBag/GoodsServicesClassification"):
            kind = value(found, "ClassificationKindCode") or ""
            own_edition = value(found, "ClassificationVersion") or edition
            # TSDR: `Primary` for the class applied for, `Nice` for what it is today, `Domestic` for its own
            symbol = value(found, "ClassNumber")
            nice = kind.lower() in ("nice", "", "primary")
            parts.add_symbol(
                draft, "NICE" if nice else national, symbol, own_edition, first=bool(symbol) and symbol == leading
            )
            parts.add_symbols(draft, found, "NationalClassNumber", national)
            parts.add_notes(draft, found, "CommentText")
        for described in every(goods, "ClassDescriptionBag/ClassDescription"):
            symbol = value(described, "ClassNumber")
            if symbol:
                parts.add_symbol(draft, "NICE", symbol, value(described, "ClassificationVersion") or edition)
            for path in (
                "GoodsServicesDescriptionText",
                "ClassificationTermBag/ClassificationTerm/ClassificationTermText",
            ):
                for found in every(described, path):
                    if content := text(found):
                        draft.texts.append(
                            DraftText(TextType.GOODS_SERVICES, content, parts.language(found), class_symbol=symbol)
                        )
            for status in every(described, "NationalStatusBag/NationalStatus"):
                draft.texts += parts.note(
                    "NationalStatusExternalDescriptionText",
                    value(status, "NationalStatusExternalDescriptionText", "NationalStatusCode"),
                    symbol=symbol,
                )
        symbols = values(goods, "ClassDescriptionBag/ClassDescription/ClassNumber") or values(
            goods, "GoodsServicesClassificationBag/GoodsServicesClassification/ClassNumber"
        )
        for label in ("FirstUsedDate", "FirstUsedCommerceDate"):
            for raw in values(goods, f"NationalFilingBasis/{label}"):
                classes = " ".join(dict.fromkeys(symbols))
                parts.add_date(draft, DateType.FIRST_USE, raw, f"{label} class {classes}" if classes else label)
        parts.add_symbol(draft, "NICE", leading, edition, first=True)
        parts.add_notes(draft, goods, "CommentTextBag/CommentText")


def _images(draft: Draft, mark: etree._Element, office: str | None) -> None:
    for position, image in enumerate(every(mark, IMAGES) + every(mark, "MarkImage"), 1):
        kind = value(image, "ImageFormatCategory", "MarkImageFileFormatCategory")
        if reference := value(image, "FileName", "MarkImageURI"):
            draft.images.append(DraftImage("mark", reference, kind, position))
        for rendition in every(image, "MarkImageRenditionBag/MarkImageRendition"):
            if reference := value(rendition, "FileName"):
                rendition_kind = value(rendition, "ImageFormatCategory", "RepresentationFileFormat")
                draft.images.append(DraftImage("mark", reference, rendition_kind, position, "MarkImageRendition"))
        for searched in every(image, "NationalDesignSearchCodeBag/NationalDesignSearchCode"):
            symbol = value(searched, "NationalDesignCode")
            parts.add_symbol(draft, f"{office or ''}-DESIGN-SEARCH", symbol)
            for meaning in values(searched, "NationalDesignCodeDescriptionText"):
                draft.texts.append(
                    DraftText(
                        TextType.KEYWORD, meaning, class_symbol=symbol, format="NationalDesignCodeDescriptionText"
                    )
                )
        _figurative(draft, image)
    _figurative(draft, mark)
    for path in ("MarkSoundBag/MarkSound", "MarkMultimediaBag/MarkMultimedia"):
        for found in every(mark, f"{REPRODUCTION}/{path}"):
            if reference := value(found, "FileName"):
                media = value(found, "SoundFileFormatCategory", "MultimediaFileFormatCategory")
                draft.images.append(DraftImage("other", reference, media, caption=local(found)))


def _figurative(draft: Draft, element: etree._Element) -> None:
    for found in every(element, "MarkImageClassification"):
        kind = (
            value(found, "FigurativeElementClassificationKindCategory", "ClassificationKindCode") or "VIENNA"
        ).upper()
        edition = value(found, "ClassificationVersion", "FigurativeElementClassificationVersion")
        for bag in found.iter("{*}ViennaClassification", "{*}NationalFigurativeElementClassification"):
            around = bag.getparent()
            if around is not None:
                edition = value(around, "ViennaClassificationEdition", "NationalClassificationEdition") or edition
            joined = ".".join(
                part
                for tag in ("ViennaCategory", "ViennaDivision", "ViennaSection")
                if (part := value(bag, tag)) is not None
            )
            parts.add_symbol(draft, "VIENNA", joined or (text(bag) if not len(bag) else None), edition)
        for code in found.iter("{*}MarkImageCategoryCode", "{*}ViennaClassificationCode", "{*}CategoryCode"):
            parts.add_symbol(draft, "VIENNA" if "VIENNA" in kind else kind, text(code), edition)


NUMBER_PATHS = (
    ("InternationalRegistrationNumber", NumberType.INTERNATIONAL, "WO"),
    ("InternationalApplicationNumber", NumberType.APPLICATION, "WO"),
    ("BasicRegistrationNumber", NumberType.REGISTRATION, None),
    ("BasicApplicationNumber", NumberType.APPLICATION, None),
    ("BasicRegistrationBag/BasicRegistration/BasicRegistrationNumber", NumberType.REGISTRATION, None),
    ("BasicApplicationBag/BasicApplication/BasicApplicationNumber", NumberType.APPLICATION, None),
    ("PreviousRegistrationNumber", NumberType.REGISTRATION, None),
    ("NationalRegistrationNumber", NumberType.REGISTRATION, None),
    ("RegistrationNumber", NumberType.REGISTRATION, None),
    ("NationalApplicationNumber", NumberType.APPLICATION, None),
    ("AssociatedApplicationNumber", NumberType.APPLICATION, None),
    ("InitialApplicationNumber", NumberType.APPLICATION, None),
    ("ApplicationNumber", NumberType.APPLICATION, None),
)
RELATIONS = (
    ("AssociatedMarkBag/AssociatedMark", RelationType.RELATED),
    ("PreviousRegistrationBag/PreviousRegistration", RelationType.RELATED),
    ("DivisionalApplicationBag/DivisionalApplication", RelationType.DIVISIONAL_OF),
    ("ConversionApplicationBag/ConversionApplication", RelationType.CONVERSION_OF),
    ("BasicRegistrationApplicationBag/BasicRegistrationApplication", RelationType.BASIC_MARK_OF),
    ("BasicRegistrationApplicationBag", RelationType.BASIC_MARK_OF),
)


def _relations(draft: Draft, mark: etree._Element, office: str | None) -> None:
    for path, relation in RELATIONS:
        for found in every(mark, path):
            _relation(draft, found, relation, office)
    for found in every(mark, "SeniorityBag/Seniority"):
        country = value(found, "SeniorityCountryCode")
        about = "; ".join(
            v
            for tag in (
                "SeniorityStatusCategory",
                "SeniorityStatusDate",
                "InternationalTrademarkCategory",
                "CommentText",
            )
            for v in values(found, tag)
        )
        for tag, kind, date in (
            ("SeniorityRegistrationNumber", NumberType.REGISTRATION, value(found, "SeniorityRegistrationDate")),
            (
                "SeniorityApplicationNumber",
                NumberType.APPLICATION,
                value(found, "SeniorityFilingDate", "SeniorityApplicationDate"),
            ),
        ):
            number = parts.application_number(first(found, tag), kind)
            if number is not None or date:
                if number is not None:
                    number.office, number.date = number.office or country, date
                words = about if number is not None else "; ".join(filter(None, (country, tag, about)))
                draft.relations.append(DraftRelation(RelationType.SENIORITY_OF, number, words or None, date))
        parts.add_dates(draft, found, {"SeniorityPublicationDate": DateType.OTHER})


def _relation(
    draft: Draft, element: etree._Element, relation: RelationType, office: str | None, context: str | None = None
) -> None:
    """A relation for each number by which `element` names another mark, with what it says of that mark."""
    said = [context] if context else []
    for tag in ("AssociationCategory", "CommentText", "NationalStatus/NationalStatusExternalDescriptionText",
                "WordMarkSpecification/MarkVerbalElementText", "OtherPriorRegistrationIndicator"):  # fmt: skip
        said += values(element, tag)
    about = "; ".join(dict.fromkeys(said)) or None
    whose = value(
        element,
        *("EarlierMarkCountryCode", "CountryCode", "IPOfficeCode", "OfficeOriginCode", "RegistrationOfficeCode"),
    )
    whose = whose or office
    for path, kind, fixed in NUMBER_PATHS:
        for found in every(element, path):
            number = parts.application_number(found, kind)
            if number is None:
                continue
            stem = local(found).removesuffix("Number")
            around = found.getparent()
            date = value(around, f"{stem}Date", f"{stem}FilingDate") if around is not None else None
            number.office, number.date = fixed or number.office or whose, date
            draft.relations.append(DraftRelation(relation, number, about, date))


def _people(draft: Draft, mark: etree._Element) -> None:
    for applicant in every(mark, "ApplicantBag/Applicant"):
        # TSDR lists all owners there have been as applicants, and says in a comment when each was one
        stage = value(applicant, "CommentText", "Version/CommentText")
        owner = stage is not None and any(word in stage.upper() for word in ("OWNER", "REGISTRANT"))
        if (found := parts.party(applicant, PartyRole.OWNER if owner else PartyRole.APPLICANT)) is not None:
            found.format = stage
            draft.parties.append(found)
    parts.add_parties(draft, mark, PARTIES)
    for attorney in every(mark, "RecordAttorney"):
        parts.add_notes(draft, attorney, "CommentText")
    for staff in every(mark, "StaffBag/Staff"):
        if name := value(staff, "StaffName"):
            draft.parties.append(
                DraftParty(
                    PartyRole.EXAMINER,
                    name,
                    entity="person",
                    identifier=value(staff, "PartyIdentifier", "StaffIdentifier"),
                )
            )
            parts.add_notes(draft, staff, "OfficialTitleText")


def _status(draft: Draft, mark: etree._Element, office: str | None) -> None:
    if code := value(mark, "MarkCurrentStatusCode"):
        draft.events.append(
            DraftEvent(
                code,
                f"{office or ''}-TM-STATUS",
                office,
                event_date=value(mark, "MarkCurrentStatusDate"),
                description=parts.notes(mark, "NationalTrademarkInformation/MarkCurrentStatusExternalDescriptionText"),
                current=True,
            )
        )
    for event in every(mark, "MarkEventBag/MarkEvent"):
        _event(draft, event, f"{office or ''}-TM-EVENT", office)
    for filing in every(mark, "NationalTrademarkInformation//MaintenanceFiling"):
        if code := value(filing, "SectionText"):
            draft.events.append(
                DraftEvent(
                    code,
                    f"{office or ''}-TM-MAINTENANCE",
                    office,
                    description=parts.notes(filing, "SectionDescriptionText", "DecisionStatusCategory"),
                )
            )
    for filing in every(mark, "MarkRecordBag/MarkRecord") + every(mark, "BasicRecordBag"):
        for basic in every(filing, "BasicRecord"):
            draft.events.append(
                DraftEvent(
                    value(basic, "BasicRecordCategory") or "BasicRecord",
                    f"{office or ''}-TM-RECORD",
                    office,
                    event_date=value(basic, "RecordFilingDate", "RecordCurrentStatusDate"),
                    effective_date=value(basic, "RecordEffectiveDate"),
                    publication_date=value(basic, "RecordPublicationBag/RecordPublication/PublicationDate"),
                    description=parts.notes(
                        basic,
                        *(
                            "RecordIdentifier",
                            "RecordReference",
                            "RecordNotificationDate",
                            "RecordCurrentStatusCategory",
                        ),
                        *("RecordCurrentStatusDate", "RecordInterestedOfficeCode"),
                        "RecordDesignatedCountryCodeBag/RecordDesignatedCountryCode",
                        "RecordPublicationBag/RecordPublication/PublicationIdentifier",
                    ),
                )
            )
            parts.add_parties(draft, basic, {"ClaimantBag/Claimant": PartyRole.OTHER})


def _event(draft: Draft, event: etree._Element, scheme: str, office: str | None) -> None:
    code = value(event, "NationalMarkEvent/MarkEventCode", "MarkEventCode", "MarkEventCategory")
    if code:
        draft.events.append(
            DraftEvent(
                code,
                scheme,
                office,
                event_date=value(event, "MarkEventDate", "MarkEventDateTime"),
                description=parts.notes(
                    event,
                    "NationalMarkEvent/MarkEventDescriptionText",
                    "MarkEventCategory",
                    "NationalMarkEvent/MarkEventEntryNumber",
                    "NationalMarkEvent/MarkEventAdditionalText",
                    "NationalMarkEvent/MarkEventDocumentIdentifier",
                    "NationalMarkEvent/CommentText",
                    "MarkEventResponseDate",
                    "CommentText",
                ),
            )
        )


def _proceedings(draft: Draft, mark: etree._Element, office: str | None) -> None:
    own = {number.raw for number in draft.numbers}
    proceedings = every(mark, "LegalProceedingsBag/LegalProceedings/*") + every(mark, "OppositionBag/Opposition")
    for proceeding in proceedings:
        identifier = next(
            (v for child in proceeding if local(child).endswith("Identifier") and (v := text(child))), None
        )
        dated = next((v for child in proceeding if local(child).endswith("Date") and (v := text(child))), None)
        draft.events.append(
            DraftEvent(
                local(proceeding),
                f"{office or ''}-TM-PROCEEDING",
                office,
                event_date=dated,
                description=parts.note("Identifier", identifier)
                + parts.notes(
                    proceeding,
                    "ProceedingStatus/NationalStatusExternalDescriptionText",
                    "ProceedingStatus/NationalStatusCode",
                    "ProceedingStatus/NationalStatusDate",
                    "OppositionCurrentStatusCategory",
                    "OppositionCurrentStatusDate",
                    "OppositionGroundsText",
                    "OppositionExtentText",
                    "OppositionBasisCategory",
                    "ProceedingLanguageCode",
                ),
            )
        )
        for event in every(proceeding, "ProceedingEventBag/ProceedingEvent") + every(proceeding, "ProceedingEvent"):
            _event(draft, event, f"{office or ''}-TM-PROCEEDING-EVENT", office)
        _sides(draft, proceeding, own, identifier, office)
        for earlier in every(proceeding, "EarlierMarkBag/EarlierMark"):
            _relation(draft, earlier, RelationType.OTHER, office, " ".join(filter(None, ("EarlierMark", identifier))))
        for staff in every(proceeding, "StaffBag/Staff"):
            if name := value(staff, "StaffName"):
                title = value(staff, "OfficialTitleText")
                number = value(staff, "PartyIdentifier", "StaffIdentifier")
                draft.parties.append(
                    DraftParty(PartyRole.OTHER, name, entity="person", identifier=number, format=title)
                )
    for assignment in every(mark, "AssignmentBag/Assignment"):
        _assignment(draft, assignment, office)


def _sides(draft: Draft, proceeding: etree._Element, own: set[str], identifier: str | None, office: str | None) -> None:
    """Plaintiffs and defendants. A plaintiff is an opponent unless the mark of this record is the one it relies on."""
    # the early flavour writes `Defendent`
    for path in ("Plaintiff", "PlaintiffBag/Plaintiff", "Defendant", "Defendent", "DefendantBag/Defendant"):
        for side in every(proceeding, path):
            marks = every(side, "AssociatedMarkBag/AssociatedMark")
            theirs = {v for one in marks for v in values(one, "NationalApplicationNumber")}
            role = PartyRole.OPPONENT if local(side) == "Plaintiff" and not theirs & own else PartyRole.OTHER
            for element, whose in ((first(side, "Contact"), role), (first(side, "Correspondent"), PartyRole.OTHER)):
                if element is not None and (found := parts.party(element, whose)) is not None:
                    found.format = local(side) if element.tag != "Correspondent" else local(element)
                    draft.parties.append(found)
            for one in marks:
                if not {*values(one, "NationalApplicationNumber"), *values(one, "NationalRegistrationNumber")} & own:
                    about = " ".join(filter(None, (local(side), identifier)))
                    _relation(draft, one, RelationType.OTHER, office, about)


def _assignment(draft: Draft, assignment: etree._Element, office: str | None) -> None:
    draft.events.append(
        DraftEvent(
            value(assignment, "AssignmentConveyanceCategory") or local(assignment),
            f"{office or ''}-TM-ASSIGNMENT",
            office,
            event_date=value(assignment, "AssignmentRecordedDate"),
            effective_date=value(assignment, "AssignmentExecutedDate"),
            description=parts.notes(
                assignment,
                *("AssignmentIdentifier", "AssignmentGroupCategory", "AssignmentReceivedDate", "AssignmentMailedDate"),
                *("AssignmentExecutedDate", "PageTotalQuantity"),
            ),
        )
    )
    for path in (
        *("AssignorBag/Assignor", "Assignor", "AssigneeBag/Assignee", "Assignee", "Registrant"),
        *("NationalRepresentative", "NationalCorrespondent"),
    ):
        for found in every(assignment, path):
            if (party := parts.party(found, PartyRole.OTHER)) is not None:
                party.format = local(found)
                draft.parties.append(party)
    parts.add_documents(draft, assignment, "AssignmentDocumentBag/TrademarkDocument")


def _recognises(found: Signature) -> bool:
    if found.root in ("TrademarkTransaction", "TrademarkApplication", "TrademarkBag", "Trademark", *MADRID):
        return True
    inside = set(found.children)
    return found.root in ("Transaction", "TrademarkApplicationBag", "MadridIBToOfficeTransaction") and bool(
        inside & {"TrademarkTransactionBody", "Trademark", *MADRID}
    )


FORMATS: tuple[Format, ...] = (
    Format(
        "st96-trademark",
        "Trademarks (WIPO ST.96 V3 to V6, USPTO TSDR, Madrid notifications)",
        ("trademark",),
        _recognises,
        read,
        2,
        (
            "application, registration and international numbers",
            "filing, receipt, registration, expiry, renewal, opposition, status and first-use dates",
            "verbal elements, translations, transliterations, descriptions, disclaimers, colour claims",
            "goods and services in every language, Nice and national classes, Vienna and design-search codes",
            "applicants, all owners, representatives, correspondents, examiners, opponents, users",
            "priorities, exhibition priorities, seniorities, basic, divided and associated marks, designations",
            "publications, history, maintenance filings, assignments, legal proceedings, current status",
            "images, sounds and documents (by reference)",
        ),
    ),
)
