"""WIPO ST.86 (DS-XML): designs as EUIPO's data files (V2-1), DPMAregister and e-filing systems write them.

Each design is a record of its own, also where several were filed in one application: what the application says (number,
date, applicants, representatives) is repeated on each. DPMAregister's lists of hits are read too; they carry one line a
design and add to what is known of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, cast

from lxml import etree

from common.errors import InputError, MalformedInput, Place
from common.messages import say
from indexer.formats import wipo_parts as parts
from indexer.formats.draft import Draft, DraftEvent, DraftImage, DraftNumber, DraftRelation, DraftText
from indexer.formats.reading import Context, Format, Signature
from indexer.formats.xml import every, first, local, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

APPLICATION_DATES = {
    "ApplicationDate": DateType.FILING,
    "DesignApplicationDate": DateType.FILING,
    "DesignApplicationDateTime": DateType.FILING,
    "ReceivingOfficeDate": DateType.RECEIPT,
    "DesignApplicationCurrentStatusDate": DateType.STATUS,
}
DATES = APPLICATION_DATES | {
    "RegistrationDate": DateType.REGISTRATION,
    "PublicationDate": DateType.PUBLICATION,
    "ExpiryDate": DateType.EXPIRY,
    "TerminationDate": DateType.TERMINATION,
    "EffectiveDate": DateType.EFFECTIVE,
    "RightEffectiveDate": DateType.EFFECTIVE,
    "RenewalDate": DateType.RENEWAL,
    "DesignCurrentStatusDate": DateType.STATUS,
    "DefermentExpirationDate": DateType.OTHER,
    "OtherDate": DateType.OTHER,
    "DE_ST86Extension/DateOfCaptureInSystem": DateType.OTHER,
    "DE_ST86Extension/PaymentDeadline": DateType.OTHER,
    "DE_ST86Extension/KindOfFee": DateType.OTHER,
    "DE_ST86Extension/DestructionPaperFile": DateType.OTHER,
    "DE_ST86Extension/CancellationDate": DateType.TERMINATION,
}
TEXTS = {
    "DesignTitle": TextType.TITLE,
    "VerbalElementText": TextType.MARK_TEXT,
    "IndicationProductDetails/IndicationProduct/ClassDescriptionDetails/ClassDescription/ProductDescription": (
        TextType.PRODUCT_INDICATION
    ),
    "DesignNoveltyStatement": TextType.DESIGN_DESCRIPTION,
    "DesignDescriptionDetails/DesignDescription": TextType.DESIGN_DESCRIPTION,
}
NOTES = (
    *(
        "ApplicationReference",
        "DesignApplicationReference",
        "DesignReference",
        "DesignTypeCode",
        "FilingPlace",
        "Comment",
    ),
    *("RenewalCurrentStatusCode", "SecondLanguageCode", "CorrespondenceLanguageCode", "NumberOfRenewals"),
    *("TotalSpecimen", "TotalRepresentationSheet", "DefermentPeriod", "PublicationDefermentIndicator"),
    "DE_ST86Extension/TypeOfDeposit",
    "DE_ST86Extension/DefermentStatus",
    "DE_ST86Extension/TermProtectionObtained",
    "IndicationProductDetails/IndicationProduct/Comment",
)
PARTIES = {
    "ApplicantDetails/Applicant": PartyRole.APPLICANT,
    "ApplicantDetails/ApplicantKey": PartyRole.APPLICANT,
    "HolderDetails/Holder": PartyRole.OWNER,
    "HolderDetails/HolderKey": PartyRole.OWNER,
    "RepresentativeDetails/Representative": PartyRole.REPRESENTATIVE,
    "RepresentativeDetails/RepresentativeKey": PartyRole.REPRESENTATIVE,
    "DesignerDetails/Designer": PartyRole.DESIGNER,
    "DesignerDetails/DesignerKey": PartyRole.DESIGNER,
    "CorrespondenceAddress": PartyRole.CORRESPONDENT,
    "LicenceDetails/Licence/LicenseeDetails/Licensee": PartyRole.LICENSEE,
}
TRUTH = {"true", "false", "0", "1"}
IN_A_FILE = re.compile(rb"<(?:[\w.\-]+:)?DesignApplication[\s>]")


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """One Draft for each Design element. Yields an InputError for each record that is not well-formed."""
    peeked = parts.Peeked(stream)
    names = ("DesignApplication",) if IN_A_FILE.search(peeked.head) else ("Design",)
    for record in records(cast(BinaryIO, peeked), names, context):
        if isinstance(record, InputError):
            yield record
            continue
        application = record.element if local(record.element) == "DesignApplication" else None
        designs = [record.element] if application is None else every(application, "DesignDetails/Design")
        if not designs:
            yield MalformedInput(
                say("input.application-without-design"),
                place=Place(context.file, context.member, record.ordinal, "DesignDetails", record.line),
            )
        for position, design in enumerate(designs, 1):
            draft = parts.start(record, Right.DESIGN, design)
            _design(draft, design, application)
            if draft.design_index is None and len(designs) > 1:
                draft.design_index = str(position)
            yield parts.finish(draft)


def _design(draft: Draft, design: etree._Element, application: etree._Element | None) -> None:
    office = value(design, "RegistrationOfficeCode")
    if application is not None:
        office = office or value(application, "RegistrationOfficeCode")
    draft.office = office
    for element in (design,) if application is None else (design, application):
        _numbers(draft, element, office)
        parts.add_dates(draft, element, DATES)
        for label in ("DE_ST86Extension/KindOfFee",):
            parts.add_notes(draft, element, label)
        parts.add_notes(draft, element, *NOTES)
        parts.add_parties(draft, element, PARTIES)
        parts.add_priorities(draft, element, "PriorityDetails/Priority")
        parts.add_exhibition_priorities(draft, element, "ExhibitionPriorityDetails/ExhibitionPriority")
        parts.add_designations(draft, element, "DesignatedCountryDetails/DesignatedCountry", "hague")
        parts.add_designations(draft, element, "DesignatedCountryDetails/DesignatedCountryCode", "hague")
        parts.add_documents(
            draft, element, "DocumentIncludedDetails/DocumentIncluded", "DesignDocumentDetails/DesignDocument"
        )
        parts.add_publications(draft, element, "PublicationDetails/Publication", f"{office or ''}-DESIGN-PUBLICATION")
        draft.language = draft.language or value(element, "ApplicationLanguageCode", "DesignApplicationLanguageCode")
        draft.total_designs = draft.total_designs or value(element, "TotalDesign")
        _events(draft, element, office)
        _relations(draft, element, office)
    parts.add_texts(draft, design, TEXTS)
    _products(draft, design)
    _views(draft, design)
    draft.design_index = _index(value(design, "DesignIdentifier"), value(design, "DesignSequenceNumber"))


def _numbers(draft: Draft, element: etree._Element, office: str | None) -> None:
    """DesignIdentifier names the single design (`001063390-0002`), ApplicationNumber what it was filed in."""
    registered = value(element, "RegistrationDate")
    for path, kind, date in (
        ("DesignIdentifier", NumberType.REGISTRATION, registered),
        ("RegistrationNumber", NumberType.REGISTRATION, registered),
        ("InternationalRegistrationNumber", NumberType.INTERNATIONAL, value(element, "InternationalRegistrationDate")),
        ("ApplicationNumber", NumberType.APPLICATION, value(element, "ApplicationDate")),
        ("DesignApplicationNumber", NumberType.APPLICATION, value(element, "DesignApplicationDate")),
        ("DE_ST86Extension/DesignInfo/DesignFileNumber", NumberType.APPLICATION, None),
        ("DE_ST86Extension/DesignInfo/RegisterNumber", NumberType.REGISTRATION, None),
        ("DE_ST86Extension/DesignInfo/DesignNumber", NumberType.REGISTRATION, None),
    ):
        for raw in values(element, path):
            parts.add_number(draft, kind, raw, "WO" if kind is NumberType.INTERNATIONAL else office, date)


def _index(identifier: str | None, sequence: str | None) -> str | None:
    """Number of the design within its application: the part of the identifier after the last hyphen."""
    if sequence:
        return sequence
    match = re.search(r"-(\d{1,4})$", identifier or "")
    return match.group(1) if match else None


def _products(draft: Draft, design: etree._Element) -> None:
    for found in every(design, "IndicationProductDetails/IndicationProduct"):
        if not len(found) and (content := text(found)):
            draft.texts.append(DraftText(TextType.PRODUCT_INDICATION, content, parts.language(found)))
        edition, kind = value(found, "ClassificationVersion"), value(found, "ClassificationKindCode")
        _classes(draft, found, kind, edition)
        for described in values(found, "IndicationProductText"):
            draft.texts.append(DraftText(TextType.PRODUCT_INDICATION, described, parts.language(found)))
    _classes(draft, design, None, value(design, "ClassificationVersion"))
    description = value(design, "DesignDescription")
    # EUIPO says only whether there is a description
    if description and description.lower() not in TRUTH:
        for found in every(design, "DesignDescription"):
            if content := text(found):
                draft.texts.append(DraftText(TextType.DESIGN_DESCRIPTION, content, parts.language(found)))


def _classes(draft: Draft, element: etree._Element, kind: str | None, edition: str | None) -> None:
    scheme = (kind or "LOCARNO").upper()
    for described in every(element, "ClassDescriptionDetails/ClassDescription"):
        symbol = value(described, "ClassNumber")
        parts.add_symbol(draft, scheme, symbol, edition or value(described, "ClassificationVersion"))
        for found in every(described, "GoodsServicesDescription"):
            if content := text(found):
                draft.texts.append(
                    DraftText(TextType.PRODUCT_INDICATION, content, parts.language(found), class_symbol=symbol)
                )


def _views(draft: Draft, design: etree._Element) -> None:
    sheets = "DesignRepresentationSheetDetails/DesignRepresentationSheet"
    views = every(design, f"{sheets}/ViewDetails/View") + every(design, "ViewDetails/View")
    preferred = every(design, "DE_ST86Extension/DesignPreferedRepresentation")
    for position, view in enumerate(views + preferred, 1):
        reference = value(view, "ViewURI", "ViewFilename", "ViewIdentifier")
        number = value(view, "ViewNumber", "ViewSequenceNumber")
        sequence = int(number) if number and number.isascii() and number.isdigit() and len(number) < 9 else position
        titles = [value(view, "ViewTitle", "ViewKind"), value(view, "ViewIdentifier")]
        caption = "; ".join(one for one in titles if one and one != reference)
        if reference:
            draft.images.append(
                DraftImage("design-view", reference, value(view, "ViewFileFormat"), sequence, caption or None)
            )
        for category in every(view, "ViewCategory"):
            for code in values(category, "CategoryCodeDetails/CategoryCode"):
                parts.add_symbol(draft, (value(category, "CategoryKind") or "VIENNA").upper(), code)
    for sheet in every(design, sheets):
        if not every(sheet, "ViewDetails/View") and (
            reference := value(sheet, "RepresentationSheetURI", "RepresentationSheetFilename")
        ):
            draft.images.append(DraftImage("design-view", reference, value(sheet, "RepresentationSheetFileFormat")))


def _events(draft: Draft, element: etree._Element, office: str | None) -> None:
    for path in ("DesignCurrentStatusCode", "DE_ST86Extension/DesignStatus", "DesignApplicationCurrentStatusCode"):
        if code := value(element, path):
            draft.events.append(
                DraftEvent(
                    code,
                    f"{office or ''}-DESIGN-STATUS",
                    office,
                    event_date=value(element, "DesignCurrentStatusDate", "DesignApplicationCurrentStatusDate"),
                    current=True,
                )
            )
    entries = every(element, "DesignRecordDetails/DesignRecord")
    for entry in entries + every(element, "DE_ST86Extension/DesignRecordDetails/DesignRecord"):
        basic = first(entry, "DesignBasicRecord")
        basic = entry if basic is None else basic
        publication = "RecordPublicationDetails/RecordPublication"
        draft.events.append(
            DraftEvent(
                value(basic, "BasicRecordKind", "LegalStatus") or local(entry),
                f"{office or ''}-DESIGN-RECORD",
                office,
                event_date=value(basic, "RecordFilingDate", "RecordCurrentStatusDate"),
                effective_date=value(basic, "RecordEffectiveDate"),
                publication_date=value(basic, f"{publication}/PublicationDate"),
                description=parts.notes(
                    basic,
                    "RecordIdentifier",
                    "RecordReference",
                    "RecordCurrentStatusCode",
                    "RecordCurrentStatusDate",
                    "RenewalSequenceNumber",
                    "RecordLanguageCode",
                    "LegalStatus",
                    "Comment",
                    f"{publication}/PublicationIdentifier",
                    f"{publication}/PublicationSection",
                    f"{publication}/PublicationSubsection",
                    f"{publication}/PublicationSequenceNumber",
                ),
            )
        )
        parts.add_parties(
            draft,
            basic,
            {
                "ClaimantDetails/Claimant": PartyRole.OTHER,
                "ClaimantDetails/ClaimantKey": PartyRole.OTHER,
                "RepresentativeDetails/Representative": PartyRole.OTHER,
                "RepresentativeDetails/RepresentativeKey": PartyRole.OTHER,
            },
        )
    for event in every(element, "DesignEventDetails/DesignEvent"):
        if code := value(event, "DesignEventCode", "DesignEventKind"):
            draft.events.append(
                DraftEvent(
                    code,
                    f"{office or ''}-DESIGN-EVENT",
                    office,
                    event_date=value(event, "DesignEventDate"),
                    description=parts.notes(event, "Comment"),
                )
            )


def _relations(draft: Draft, element: etree._Element, office: str | None) -> None:
    for path, relation in (
        ("DivisionalApplicationDetails/DivisionalApplication", RelationType.DIVISIONAL_OF),
        ("RelatedApplicationDetails/RelatedApplication", RelationType.RELATED),
        ("PreviousRegistrationDetails/PreviousRegistration", RelationType.RELATED),
    ):
        for found in every(element, path):
            for tag, kind in (
                ("InitialApplicationNumber", NumberType.APPLICATION),
                ("ApplicationNumber", NumberType.APPLICATION),
                ("RegistrationNumber", NumberType.REGISTRATION),
                ("PreviousRegistrationNumber", NumberType.REGISTRATION),
            ):
                for raw in values(found, tag):
                    date = value(found, tag.replace("Number", "Date"))
                    draft.relations.append(
                        DraftRelation(
                            relation, DraftNumber(kind, raw, office, date=date), value(found, "Comment"), date
                        )
                    )


def read_hits(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """One partial Draft for each line of a DPMAregister list of design hits."""
    for record in records(stream, ("DesignHitListRecord",), context):
        if isinstance(record, InputError):
            yield record
            continue
        hit = record.element
        draft = parts.start(record, Right.DESIGN)
        draft.partial = True
        _numbers(draft, hit, None)
        parts.add_dates(draft, hit, DATES)
        draft.design_index = _index(value(hit, "DesignIdentifier"), None)
        for line in values(hit, "ClassNumber"):
            for symbol in re.split("[,;]", line):
                parts.add_symbol(draft, "LOCARNO", symbol.strip())
        draft.texts += [DraftText(TextType.PRODUCT_INDICATION, found) for found in values(hit, "ProductDescription")]
        parts.add_notes(draft, hit, "TotalRepresentationSheet")
        for reference in re.split(r";\s*", value(hit, "FirstRepresentationSheetFilename") or ""):
            if reference:
                draft.images.append(DraftImage("design-view", reference, sequence=1))
        for path, role in (("OwnerOrApplicant", PartyRole.OWNER), ("Representative", PartyRole.REPRESENTATIVE),
                           ("Designer", PartyRole.DESIGNER)):  # fmt: skip
            draft.parties += [parts.by_hit_list_line(line, role) for line in values(hit, path)]
        if code := value(hit, "DesignStatus"):
            draft.events.append(DraftEvent(code, "DE-DESIGN-STATUS", "DE", current=True))
        yield parts.finish(draft)


def _is_st86(found: Signature) -> bool:
    return found.root == "Transaction" and (
        "DesignTransactionBody" in found.children or "DesignDetails" in found.children
    )


FORMATS: tuple[Format, ...] = (
    Format(
        "st86-design",
        "Designs (WIPO ST.86, DS-XML): EUIPO, DPMA, e-filing",
        ("design",),
        _is_st86,
        read,
        1,
        (
            "identifier of each design, application, registration and international numbers",
            "filing, receipt, registration, publication, effective, expiry and status dates, deferment",
            "titles, product indications in every language, descriptions, verbal elements",
            "Locarno and national classes, Vienna codes of views",
            "applicants, owners, designers, representatives, correspondents, licensees",
            "priorities, exhibition priorities, designations, divisions",
            "publications, register entries, renewals, current status",
            "all views and attached documents (by reference)",
        ),
    ),
    Format(
        "dpma-design-hits",
        "DPMAregister, list of design hits",
        ("design",),
        lambda found: found.root == "DesignHitList",
        read_hits,
        1,
        ("numbers and dates", "product and Locarno class", "owner and representative", "first view", "current status"),
    ),
)
