"""WIPO ST.66 (TM-XML): trademarks as EUIPO (V3-4), USPTO's TSDR, DPMAregister and e-filing systems write them.

The dialects share their element names and differ in the namespace and in what they add: TSDR an `…Ext` at many places,
DPMA elements of its own (`Record5f` …), EUIPO parties by id alone. Elements are found by local name, so one reader
serves all. DPMAregister's lists of hits are read too; they carry one line a mark and add to what is known of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, cast

from lxml import etree

from common.errors import InputError, MalformedInput, Place
from common.messages import say
from indexer.formats import wipo_parts as parts
from indexer.formats.draft import Draft, DraftEvent, DraftImage, DraftNumber, DraftParty, DraftRelation, DraftText
from indexer.formats.reading import Context, Format, Signature
from indexer.formats.xml import attribute, every, first, local, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

DATES = {
    "ApplicationDate": DateType.FILING,
    "ApplicationDateTime": DateType.FILING,
    "ReceivingOfficeDate": DateType.RECEIPT,
    "RegistrationDate": DateType.REGISTRATION,
    "ExpiryDate": DateType.EXPIRY,
    "TerminationDate": DateType.TERMINATION,
    "OppositionPeriodStartDate": DateType.OPPOSITION_START,
    "OppositionPeriodEndDate": DateType.OPPOSITION_END,
    "MarkCurrentStatusDate": DateType.STATUS,
    "OtherDate": DateType.OTHER,
    "StartProtectionPeriod": DateType.EFFECTIVE,
    "ApplicationPublicationDate": DateType.OTHER,
    "RelevantPriorityDate": DateType.OTHER,
    "PublicationDetails/Publication/PublicationExt/NoticeOfAllowanceDate": DateType.OTHER,
    "TradeMarkExt/AdditionalMarkDetails/RenewalDate": DateType.RENEWAL,
    "TradeMarkExt/OfficeDetails/CurrentLocationDate": DateType.OTHER,
}
TEXTS = {
    "WordMarkSpecification/MarkVerbalElementText": TextType.MARK_TEXT,
    "WordMarkSpecification/MarkTranslation": TextType.MARK_TRANSLATION,
    "WordMarkSpecification/MarkTranslationText": TextType.MARK_TRANSLATION,
    "WordMarkSpecification/MarkTransliteration": TextType.MARK_TRANSLITERATION,
    "MarkDescriptionDetails/MarkDescription": TextType.MARK_DESCRIPTION,
    "MarkDisclaimerDetails/MarkDisclaimer": TextType.DISCLAIMER,
    "MarkImageDetails/MarkImage/MarkImageColourClaimedText": TextType.COLOUR_CLAIM,
    "MarkImageDetails/MarkImage/MarkImageColourPartClaimedText": TextType.COLOUR_CLAIM,
    "MarkImageDetails/MarkImage/MarkImageColourDetails/Colour/ColourClaimedText": TextType.COLOUR_CLAIM,
}
NOTES = (
    *("ApplicationReference", "FilingPlace", "Comment", "TradeDistinctivenessText", "UseRequirementText"),
    *("UseLimitationText", "SpecialCircumstanceText", "MarkFeatureDPMA", "RestraintsDisposal", "RefusalGrounds"),
    *("ApplicationStatus", "WordMarkSpecification/MarkSignificantVerbalElement", "CorrespondenceLanguageCode"),
    "TradeMarkExt/MarkCurrentStatusExternalDescriptionText",
    "TradeMarkExt/RegisterCategory",
    "TradeMarkExt/AmentmentToRegistationCertificateText",
    "TradeMarkExt/TradeDistinctivenessScope",
    "TradeMarkExt/AdditionalMarkDetails/RestrictionStatementText",
    "TradeMarkExt/OfficeDetails/LawOfficeAssignedText",
    "TradeMarkExt/OfficeDetails/CurrentLocationText",
    "RepresentativeDetails/Representative/RepresentativeExt/RepresentativeDocketText",
)
PARTIES = {
    "ApplicantDetails/ApplicantKey": PartyRole.APPLICANT,
    "HolderDetails/Holder": PartyRole.OWNER,
    "HolderDetails/HolderKey": PartyRole.OWNER,
    "RepresentativeDetails/RepresentativeKey": PartyRole.REPRESENTATIVE,
    "CorrespondenceAddress": PartyRole.CORRESPONDENT,
    "CorrespondenceAddressKey": PartyRole.CORRESPONDENT,
    "OppositionDetails/Opposition/OpponentDetails/OpponentKey": PartyRole.OPPONENT,
    "OppositionDetails/Opposition/OpponentDetails/Opponent": PartyRole.OPPONENT,
    "LicenceDetails/Licence/LicenseeDetails/Licensee": PartyRole.LICENSEE,
    "LicenceDetails/Licence/LicenseeDetails/LicenseeKey": PartyRole.LICENSEE,
}
SOUND_AND_FILM = (
    "MarkSoundDetails/MarkSound",
    "MarkMediaDetails/MarkMedia",
    "MarkMultimediaDetails/MarkMultimedia",
    "Mark3DShapeDetails/Mark3DShape",
)


MARK_TAG = re.compile(rb"<(?:[\w.\-]+:)?TradeMark[\s>]")
TRANSACTION = "TransactionContentDetails"
BESIDE = ("ApplicantDetails", "RepresentativeDetails", "AppealDetails", "OppositionDetails", "LicenceDetails")
"""What may stand beside the marks of a transaction rather than in them."""


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """One Draft for each TradeMark element. Yields an InputError for each record that is not well-formed.

    A transaction is read as a whole, since applicants and appeals may stand beside the mark. Where one transaction
    lists many marks it is cut into marks, so that memory stays bounded.
    """
    peeked = parts.Peeked(stream)
    first_transaction = peeked.head.partition(TRANSACTION.encode())[2].partition(b"/" + TRANSACTION.encode())[0]
    whole = TRANSACTION.encode() in peeked.head and len(MARK_TAG.findall(first_transaction)) < 2
    names = (TRANSACTION,) if whole else ("TradeMark", *BESIDE)
    for record in records(cast(BinaryIO, peeked), names, context):
        if isinstance(record, InputError):
            yield record
            continue
        marks = [record.element] if local(record.element) == "TradeMark" else list(_marks(record.element))
        if not marks:
            yield MalformedInput(
                say("input.element-without-mark", element=local(record.element)),
                place=Place(context.file, context.member, record.ordinal, local(record.element), record.line),
            )
        for mark in marks:
            draft = parts.start(record, Right.TRADEMARK, mark)
            _mark(draft, mark)
            if len(marks) == 1 and mark is not record.element:
                _beside(draft, record.element)
            yield parts.finish(draft)


def _marks(element: etree._Element) -> Iterator[etree._Element]:
    return (found for found in element.iter("{*}TradeMark"))


def _mark(draft: Draft, mark: etree._Element) -> None:
    office = value(mark, "RegistrationOfficeCode") or value(mark, "ReceivingOfficeCode")
    draft.office = office
    draft.language = value(mark, "ApplicationLanguageCode")
    second = value(mark, "SecondLanguageCode")
    draft.texts += parts.note("SecondLanguageCode", second)
    _numbers(draft, mark, office)
    parts.add_dates(draft, mark, DATES)
    parts.add_texts(draft, mark, TEXTS)
    parts.add_notes(draft, mark, *NOTES)
    for series in every(mark, "MarkSeriesDetails/MarkSeries"):
        parts.add_texts(draft, series, TEXTS)
    draft.mark_feature = value(mark, "MarkFeature", "MarkFeatureDPMA")
    draft.mark_kind = value(mark, "KindMark")
    _goods(draft, mark, f"{office or ''}-TM-CLASS")
    _images(draft, mark)
    parts.add_priorities(draft, mark, "PriorityDetails/Priority")
    parts.add_exhibition_priorities(draft, mark, "ExhibitionPriorityDetails/ExhibitionPriority")
    _relations(draft, mark, office)
    parts.add_publications(draft, mark, "PublicationDetails/Publication", f"{office or ''}-TM-PUBLICATION")
    _people(draft, mark)
    parts.add_designations(draft, mark, "DesignatedCountryDetails/DesignatedCountry", "madrid")
    parts.add_designations(draft, mark, "DesignatedCountryDetails/DesignatedCountryCode", "madrid")
    _status(draft, mark, office)
    _proceedings(draft, mark, office)
    parts.add_documents(draft, mark, "TradeMarkDocumentDetails/TradeMarkDocument")
    for claim in ("PriorityDetails/Priority/PriorityDocument", "SeniorityDetails/Seniority/SeniorityDocument",
                  "ExhibitionPriorityDetails/ExhibitionPriority/ExhibitionDocument"):  # fmt: skip
        parts.add_documents(draft, mark, claim)


def _numbers(draft: Draft, mark: etree._Element, office: str | None) -> None:
    filed = value(mark, "ApplicationDate", "ApplicationDateTime")
    # DPMA's own file number comes first: its lists of hits know old marks by nothing else
    for found in values(mark, "FileNumber") + values(mark, "ApplicationNumber"):
        parts.add_number(draft, NumberType.APPLICATION, found, office, filed)
    registered = value(mark, "RegistrationNumber")
    # TSDR fills the number of a mark that is not registered with zeros
    if registered and registered.strip("0"):
        parts.add_number(draft, NumberType.REGISTRATION, registered, office, value(mark, "RegistrationDate"))
    for path in ("InternationalMarkKey", "InternationalMark"):
        for key in every(mark, path):
            number = value(
                key,
                "InternationalRegistrationNumber",
                "Identifier",
                "RegistrationNumber",
                "InternationalMarkIdentifier",
            ) or (text(key) if not len(key) else None)
            parts.add_number(draft, NumberType.INTERNATIONAL, number, "WO")
            parts.add_date(
                draft, DateType.OTHER, value(key, "InternationalRegistrationDate"), "InternationalRegistrationDate"
            )


def _goods(draft: Draft, mark: etree._Element, national: str) -> None:
    for goods in every(mark, "GoodsServicesDetails/GoodsServices"):
        edition = value(goods, "ClassificationVersion")
        scheme = "NICE" if "nice" in (value(goods, "ClassificationKindCode") or "nice").lower() else national
        leading = value(goods, "ProposedLeadingClassNumber")
        parts.add_notes(draft, goods, "Comment")
        for described in every(goods, "ClassDescriptionDetails/ClassDescription"):
            symbol = value(described, "ClassNumber")
            parts.add_symbol(draft, scheme, symbol, edition, first=symbol is not None and symbol == leading)
            for found in every(described, "GoodsServicesDescription"):
                if content := text(found):
                    draft.texts.append(
                        DraftText(TextType.GOODS_SERVICES, content, parts.language(found), class_symbol=symbol)
                    )
            for terms in every(described, "ClassificationTermDetails"):
                tag = value(terms, "ClassificationTermLanguageCode")
                for term in every(terms, "ClassificationTerm/ClassificationTermText"):
                    if content := text(term):
                        draft.texts.append(
                            DraftText(
                                TextType.GOODS_SERVICES, content, parts.language(term) or tag, class_symbol=symbol
                            )
                        )
            extension = first(described, "ClassDescriptionExt")
            if extension is not None:
                _national_class(draft, extension, symbol, national)
        parts.add_symbol(draft, scheme, leading, edition, first=True)
        for found in every(goods, "GoodsServicesNotClassifiedDescription"):
            if content := text(found):
                draft.texts.append(DraftText(TextType.GOODS_SERVICES, content, parts.language(found)))


def _national_class(draft: Draft, extension: etree._Element, symbol: str | None, national: str) -> None:
    """What TSDR adds to a class: its own classes, the class's state, first use."""
    parts.add_symbols(draft, extension, "DomesticClassNumbers", national)
    draft.texts += parts.note(
        "ClassNumberStatusDescriptionText", value(extension, "ClassNumberStatusDescriptionText"), symbol=symbol
    )
    for label in ("FirstUseDateNumber", "FirstUseInCommerceDate"):
        for found in values(extension, f"FilingBasisDetails/{label}"):
            parts.add_date(draft, DateType.FIRST_USE, found, f"{label} class {symbol}" if symbol else label)


def _images(draft: Draft, mark: etree._Element) -> None:
    for position, image in enumerate(every(mark, "MarkImageDetails/MarkImage"), 1):
        reference = value(image, "MarkImageURI", "MarkImageFilename", "MarkImageIdentifier")
        caption = value(image, "MarkImageTitle") or value(image, "MarkImageFilename", "MarkImageIdentifier")
        if reference:
            draft.images.append(
                DraftImage(
                    "mark",
                    reference,
                    value(image, "MarkImageFileFormat"),
                    position,
                    caption if caption != reference else None,
                )
            )
        for category in every(image, "MarkImageCategory"):
            scheme = (value(category, "CategoryKind") or "VIENNA").upper()
            for code in every(category, "CategoryCodeDetails/CategoryCode"):
                parts.add_symbol(draft, scheme, text(code), value(category, "CategoryVersion"))
            for searched in every(category, "CategoryCodeDetailsExt/DesignSearchDetails"):
                code_text = value(searched, "DesignSearchCode")
                parts.add_symbol(draft, "US-DESIGN-SEARCH", code_text)
                for meaning in values(searched, "DesignSearchDescriptionText"):
                    draft.texts.append(
                        DraftText(
                            TextType.KEYWORD, meaning, class_symbol=code_text, format="DesignSearchDescriptionText"
                        )
                    )
        for code in every(image, "MarkImageColourDetails/Colour/ColourCode"):
            if content := text(code):
                draft.colours.append(" ".join(filter(None, (attribute(code, "colourCodeFormat"), content))))
    for path in SOUND_AND_FILM:
        for found in every(mark, path):
            tag = local(found)
            reference = value(found, f"{tag}URI", f"{tag}Filename", f"{tag}Identifier")
            if reference:
                draft.images.append(DraftImage("other", reference, value(found, f"{tag}FileFormat"), caption=tag))


def _relations(draft: Draft, mark: etree._Element, office: str | None) -> None:
    for found in every(mark, "SeniorityDetails/Seniority"):
        country = value(found, "SeniorityCountryCode")
        about = _joined(
            found,
            "SeniorityStatusCode",
            "SeniorityStatusDate",
            "SeniorityKind",
            "InternationalTradeMarkCode",
            "Comment",
        )
        dates = {
            NumberType.REGISTRATION: ("SeniorityRegistrationNumber", value(found, "SeniorityRegistrationDate")),
            NumberType.APPLICATION: (
                "SeniorityApplicationNumber",
                value(found, "SeniorityFilingDate", "SeniorityApplicationDate"),
            ),
        }
        for kind, (path, date) in dates.items():
            if (raw := value(found, path)) is not None or (
                kind is NumberType.APPLICATION and date and not value(found, "SeniorityRegistrationNumber")
            ):
                draft.relations.append(
                    DraftRelation(
                        RelationType.SENIORITY_OF, DraftNumber(kind, raw or "", country, date=date), about, date
                    )
                )
            elif date:
                draft.relations.append(
                    DraftRelation(RelationType.SENIORITY_OF, None, " ".join(filter(None, (country, path))), date)
                )
        parts.add_dates(
            draft, found, {"SeniorityPublicationDate": DateType.OTHER, "SeniorityExpiryDate": DateType.OTHER}
        )
    for found in every(mark, "TransformationPriorityDetails/TransformationPriority"):
        _relation(draft, found, RelationType.CONVERSION_OF, "TransformationCountryCode", "WO")
        for label in ("PriorityDate", "CancellationDate"):
            parts.add_date(draft, DateType.OTHER, value(found, label), f"TransformationPriority {label}")
    for path, relation in (
        ("ConversionPriorityDetails/ConversionPriority", RelationType.CONVERSION_OF),
        ("DivisionalApplicationDetails/DivisionalApplication", RelationType.DIVISIONAL_OF),
        ("BasicRegistrationApplicationDetails/BasicRegistrationApplication", RelationType.BASIC_MARK_OF),
        ("BasicRegistrationApplicationDetails/BasicRegistrationApplication/BasicRegistrationDetails/BasicRegistration",
         RelationType.BASIC_MARK_OF),
        ("BasicRegistrationApplicationDetails/BasicRegistrationApplication/BasicApplicationDetails/BasicApplication",
         RelationType.BASIC_MARK_OF),
        ("PreviousRegistrationDetails/PreviousRegistration", RelationType.RELATED),
        ("ForeignRegistrationDetails/ForeignRegistration", RelationType.RELATED),
        ("AssociatedMarkDetails/AssociatedMark", RelationType.RELATED),
        ("TradeMarkExt/RelatedMarkDetails", RelationType.RELATED),
    ):  # fmt: skip
        for found in every(mark, path):
            _relation(draft, found, relation, None, office)


NUMBER_PATHS = (
    ("InternationalRegistrationNumber", NumberType.INTERNATIONAL),
    ("BasicRegistrationNumber", NumberType.REGISTRATION),
    ("PreviousRegistrationNumber", NumberType.REGISTRATION),
    ("ForeignRegistrationNumber", NumberType.REGISTRATION),
    ("RegistrationNumber", NumberType.REGISTRATION),
    ("AssociatedRegistrationNumber", NumberType.REGISTRATION),
    ("InternationalApplicationNumber", NumberType.APPLICATION),
    ("BasicApplicationNumber", NumberType.APPLICATION),
    ("AssociatedApplicationNumber", NumberType.APPLICATION),
    ("InitialApplicationNumber", NumberType.APPLICATION),
    ("DivisionalApplicationNumber", NumberType.APPLICATION),
    ("ConvertedApplicationNumber", NumberType.APPLICATION),
    ("ApplicationNumber", NumberType.APPLICATION),
)


def _relation(
    draft: Draft, element: etree._Element, kind: RelationType, office_path: str | None, default: str | None
) -> None:
    """A relation for each number that `element` names another mark by."""
    office = value(element, office_path) if office_path else None
    office = office or next(
        (v for child in element if local(child).endswith(("CountryCode", "OfficeCode")) and (v := text(child))), None
    )
    about = _joined(
        element,
        "RelationshipKindText",
        "AssociationCategory",
        "AssociatedMarkKind",
        "Comment",
        "DivisionalApplicationKind",
    )
    for path, number_type in NUMBER_PATHS:
        for raw in values(element, path):
            date = value(element, path.replace("Number", "Date"), path.replace("Number", "FilingDate"))
            whose = "WO" if path.startswith("International") else office or default
            draft.relations.append(DraftRelation(kind, DraftNumber(number_type, raw, whose, date=date), about, date))


def _joined(element: etree._Element, *paths: str) -> str | None:
    return "; ".join(dict.fromkeys(v for path in paths for v in values(element, path))) or None


def _people(draft: Draft, mark: etree._Element) -> None:
    for applicant in every(mark, "ApplicantDetails/Applicant"):
        _applicant(draft, applicant)
    parts.add_parties(draft, mark, PARTIES)
    for representative in every(mark, "RepresentativeDetails/Representative"):
        # TSDR lists whom it writes to among the representatives, and says so in a comment
        comment = (value(representative, "Comment") or "").lower()
        role = PartyRole.CORRESPONDENT if "correspond" in comment else PartyRole.REPRESENTATIVE
        if (found := parts.party(representative, role)) is not None:
            found.format = value(representative, "Comment")
            draft.parties.append(found)
    for staff in every(mark, "StaffDetails/Staff"):
        if name := value(staff, "StaffName"):
            draft.parties.append(
                DraftParty(PartyRole.EXAMINER, name, entity="person", identifier=value(staff, "StaffIdentifier"))
            )
            draft.texts += parts.note("OfficialTitle", value(staff, "OfficialTitle"))


def _applicant(draft: Draft, applicant: etree._Element) -> None:
    """An applicant; TSDR lists all owners there have been as applicants and says when each was one."""
    for extra in every(applicant, "ApplicantCorrespondenceAddressBook"):
        applicant.remove(extra)
        if (found := parts.party(extra, PartyRole.CORRESPONDENT)) is not None:
            draft.parties.append(found)
    stage = value(applicant, "ApplicantExt/PartyTypeDescriptionText")
    owner = stage is not None and "applicant" not in stage.lower()
    party = parts.party(applicant, PartyRole.OWNER if owner else PartyRole.APPLICANT)
    if party is not None:
        party.format = stage
        draft.parties.append(party)
    parts.add_notes(draft, applicant, "ApplicantExt/ConveyenceKindText", "Comment")


def _status(draft: Draft, mark: etree._Element, office: str | None) -> None:
    status = first(mark, "MarkCurrentStatusCode")
    if status is not None:
        for name in ("milestone", "status"):
            draft.texts += parts.note(f"MarkCurrentStatusCode {name}", attribute(status, name))
    if (code := text(status)) is not None:
        draft.events.append(
            DraftEvent(
                code,
                f"{office or ''}-TM-STATUS",
                office,
                event_date=value(mark, "MarkCurrentStatusDate"),
                description=parts.note(
                    "MarkCurrentStatusExternalDescriptionText",
                    value(mark, "TradeMarkExt/MarkCurrentStatusExternalDescriptionText"),
                ),
                current=True,
            )
        )
    for event in every(mark, "MarkEventDetails/MarkEvent"):
        code = value(event, "MarkEventCode") or value(event, "MarkEventExt/MarkEventInternalDescriptionText", "Comment")
        if code:
            draft.events.append(
                DraftEvent(
                    code,
                    f"{office or ''}-TM-EVENT",
                    office,
                    event_date=value(event, "MarkEventDate"),
                    description=parts.notes(
                        event,
                        "MarkEventExt/MarkEventInternalDescriptionText",
                        "Comment",
                        "MarkEventExt/MarkEventEntryNumber",
                        "MarkEventExt/MarkEventProceedingNumber",
                    ),
                )
            )
    for filing in every(mark, "TradeMarkExt/AdditionalMarkDetails/MaintenanceFilingDetails"):
        if code := value(filing, "SectionText"):
            draft.events.append(
                DraftEvent(
                    code,
                    f"{office or ''}-TM-MAINTENANCE",
                    office,
                    description=parts.notes(filing, "SectionDescriptionText", "DecisionStatusText"),
                )
            )
    for filing in every(mark, "MarkRecordDetails/MarkRecord"):
        _recorded(draft, filing, office)


def _recorded(draft: Draft, filing: etree._Element, office: str | None) -> None:
    """An entry in the register: transfer, licence, cancellation, correction …"""
    basic = first(filing, "BasicRecord")
    basic = filing if basic is None else basic
    publication = first(basic, "RecordPublicationDetails/RecordPublication")
    description = parts.notes(
        basic,
        "RecordIdentifier",
        "RecordReference",
        "RecordCurrentStatusCode",
        "RecordPublicationDetails/RecordPublication/PublicationIdentifier",
        "RecordPublicationDetails/RecordPublication/PublicationSection",
    )
    for kind in filing:
        if isinstance(kind.tag, str) and kind is not basic:
            for detail in kind.iter(etree.Element):
                if not len(detail) and not _within_party(detail, kind) and local(detail) not in FLAGS:
                    label = local(detail)
                    description += parts.note(label, text(detail), parts.language(detail))
            for path, role in HOLDERS.items():
                for found in every(kind, path):
                    if (party := parts.party(found, role)) is not None:
                        party.format = local(found)
                        draft.parties.append(party)
    draft.events.append(
        DraftEvent(
            value(basic, "BasicRecordKind") or local(filing),
            f"{office or ''}-TM-RECORD",
            office,
            event_date=value(basic, "RecordCurrentStatusDate", "RecordFilingDate"),
            effective_date=value(basic, "RecordEffectiveDate") or value(filing, "*/CancellationDate"),
            publication_date=value(publication, "PublicationDate") if publication is not None else None,
            description=description,
        )
    )
    parts.add_parties(
        draft,
        basic,
        {
            "ClaimantDetails/ClaimantKey": PartyRole.OTHER,
            "ClaimantDetails/Claimant": PartyRole.OTHER,
            "RepresentativeDetails/RepresentativeKey": PartyRole.OTHER,
            "RepresentativeDetails/Representative": PartyRole.OTHER,
        },
    )


HOLDERS = {
    ".//PreviousHolder": PartyRole.OTHER,
    ".//NewHolder": PartyRole.OTHER,
    ".//NewCorrespondenceAddress": PartyRole.OTHER,
    ".//NewRepresentative": PartyRole.OTHER,
    ".//PreviousRepresentative": PartyRole.OTHER,
}
FLAGS = ("ImageCorrected",)


def _within_party(detail: etree._Element, top: etree._Element) -> bool:
    for above in detail.iterancestors():
        if local(above).endswith("AddressBook"):
            return True
        if above is top:
            break
    return False


def _proceedings(draft: Draft, mark: etree._Element, office: str | None) -> None:
    for opposition in every(mark, "OppositionDetails/Opposition"):
        identifier = value(opposition, "OppositionIdentifier") or ""
        draft.events.append(
            DraftEvent(
                "Opposition",
                f"{office or ''}-TM-PROCEEDING",
                office,
                event_date=value(opposition, "OppositionDate"),
                description=parts.notes(
                    opposition,
                    "OppositionIdentifier",
                    "OppositionGroundText",
                    "OppositionCurrentStatusCode",
                    "OppositionCurrentStatusDate",
                    "ProceedingLanguageCode",
                    "Comment",
                ),
            )
        )
        for earlier in every(opposition, "EarlierMarkDetails/EarlierMark"):
            _earlier_mark(draft, earlier, identifier)
        parts.add_parties(
            draft,
            opposition,
            {
                "RepresentativeDetails/RepresentativeKey": PartyRole.OTHER,
                "RepresentativeDetails/Representative": PartyRole.OTHER,
            },
        )
    for licence in every(mark, "LicenceDetails/Licence"):
        draft.events.append(
            DraftEvent(
                value(licence, "LicenceKind") or "Licence",
                f"{office or ''}-TM-LICENCE",
                office,
                event_date=value(licence, "LicenceDate"),
                effective_date=value(licence, "PeriodLimitationStartDate"),
                description=parts.notes(
                    licence,
                    "LicenceIdentifier",
                    "LicenceNumber",
                    "LicenceStatusCode",
                    "TerritoryLimitationText",
                    "PeriodLimitationText",
                    "PeriodLimitationEndDate",
                ),
            )
        )


def _earlier_mark(draft: Draft, earlier: etree._Element, opposition: str) -> None:
    office = value(earlier, "EarlierMarkCountryCode", "RegistrationOfficeCode")
    about = "; ".join(
        dict.fromkeys(
            filter(
                None,
                (
                    f"EarlierMark, Opposition {opposition}".strip(),
                    value(earlier, "EarlierMarkKind"),
                    value(earlier, "MarkFeature"),
                    *values(earlier, "WordMarkSpecification/MarkVerbalElementText"),
                    ", ".join(values(earlier, "DesignatedCountryDetails/DesignatedCountryCode")),
                ),
            )
        )
    )
    found = [
        (NumberType.REGISTRATION, value(earlier, "RegistrationNumber"), value(earlier, "RegistrationDate")),
        (NumberType.APPLICATION, value(earlier, "ApplicationNumber"), value(earlier, "ApplicationDate")),
    ]
    for kind, raw, date in found:
        if raw:
            draft.relations.append(
                DraftRelation(RelationType.OTHER, DraftNumber(kind, raw, office, date=date), about, date)
            )
    if not any(raw for _, raw, _ in found):
        draft.relations.append(DraftRelation(RelationType.OTHER, None, " ".join(filter(None, (about, office)))))


def _beside(draft: Draft, transaction: etree._Element) -> None:
    """What a transaction says beside its one mark: TSDR's owners, EUIPO's appeals, an e-filing's number."""
    office = draft.office
    for data in every(transaction, "TransactionData"):
        for applicant in every(data, "ApplicantDetails/Applicant"):
            _applicant(draft, applicant)
        for appeal in every(data, "AppealDetails/Appeal"):
            draft.events.append(
                DraftEvent(
                    "Appeal",
                    f"{office or ''}-TM-PROCEEDING",
                    office,
                    event_date=value(appeal, "AppealDate"),
                    description=parts.notes(appeal, "AppealIdentifier", "AppealProceedingLanguageCode")
                    + [
                        one
                        for case in every(appeal, "CaseReferenceDetails/CaseReference")
                        for one in parts.note(attribute(case, "caseReferenceKind") or "CaseReference", text(case))
                    ],
                )
            )
            parts.add_parties(
                draft,
                appeal,
                {
                    "AppellantDetails/AppellantKey": PartyRole.OTHER,
                    "AppellantDetails/Appellant": PartyRole.OTHER,
                    "RepresentativeDetails/RepresentativeKey": PartyRole.OTHER,
                },
            )
        for form in every(data, "TradeMarkApplication"):
            parts.add_number(
                draft,
                NumberType.APPLICATION if not draft.numbers else NumberType.OTHER,
                value(form, "ApplicationFilingNumber"),
                office,
                value(form, "ApplicationFilingDate"),
            )
            for tag in ("ApplicationFilingDate", "ApplicationFilingDateTime"):
                parts.add_date(draft, DateType.FILING, value(form, tag))
            parts.add_documents(draft, form, "DocumentIncludedDetails/DocumentIncluded")
            draft.unpublished = not draft.dates or not any(d.type is DateType.PUBLICATION for d in draft.dates)


def read_hits(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """One partial Draft for each line of a DPMAregister list of trademark hits."""
    for record in records(stream, ("Entries",), context):
        if isinstance(record, InputError):
            yield record
            continue
        hit = record.element
        draft = parts.start(record, Right.TRADEMARK)
        draft.partial = True
        office = draft.office = value(hit, "RegistrationOfficeCode")
        parts.add_number(
            draft, NumberType.APPLICATION, value(hit, "ApplicationNumber"), office, value(hit, "ApplicationDate")
        )
        parts.add_number(
            draft, NumberType.REGISTRATION, value(hit, "RegistrationNumber"), office, value(hit, "RegistrationDate")
        )
        parts.add_dates(draft, hit, DATES)
        parts.add_texts(
            draft,
            hit,
            {
                "MarkVerbalElementText": TextType.MARK_TEXT,
                "MarkDescriptionDetails/DescriptionText": TextType.MARK_DESCRIPTION,
            },
        )
        draft.mark_feature = value(hit, "MarkFeature")
        for line in values(hit, "Classification"):
            for symbol in line.split(","):
                parts.add_symbol(draft, "NICE", symbol.strip())
        for path, role in (("Applicant", PartyRole.APPLICANT), ("Representative", PartyRole.REPRESENTATIVE)):
            draft.parties += [parts.by_hit_list_line(line, role) for line in values(hit, path)]
        if code := value(hit, "MarkCurrentStatusCode"):
            draft.events.append(DraftEvent(code, f"{office or ''}-TM-STATUS", office, current=True))
        yield parts.finish(draft)


def _is_hits(found: Signature) -> bool:
    return found.root == "HitList" and "MarkCurrentStatusCode" in found.children


def _is_st66(found: Signature) -> bool:
    return found.root == "Transaction" and (
        "TradeMarkTransactionBody" in found.children or "TradeMark" in found.children
    )


READS = (
    "application, registration, international and file numbers",
    "filing, receipt, registration, expiry, termination, opposition period, status, renewal and first-use dates",
    "verbal elements, translations, transliterations, descriptions, disclaimers, colour claims",
    "goods and services in every language, Nice and national classes, Vienna and design-search codes",
    "applicants, owners, representatives, correspondents, opponents, licensees, examiners",
    "priorities, exhibition priorities, seniorities, conversions, divisions, basic and related marks",
    "publications, register entries, history, oppositions, appeals, licences, current status",
    "images, sounds, films and attached documents (by reference)",
)

FORMATS: tuple[Format, ...] = (
    Format(
        "st66-trademark", "Trademarks (WIPO ST.66, TM-XML): EUIPO, USPTO TSDR, DPMA, e-filing", ("trademark",),
        _is_st66, read, 1, READS,
    ),
    Format(
        "dpma-trademark-hits", "DPMAregister, list of trademark hits", ("trademark",), _is_hits, read_hits, 1,
        ("numbers and dates", "verbal element", "Nice classes", "applicant and representative", "current status"),
    ),
)  # fmt: skip
