"""JSON answers of offices' open interfaces: JPO, PRH (Finland), PRV (Sweden), TIPO, EUIPO. The USPTO's are in us_json.

Lines of hit lists and single facts of a file are partial records: they add to what is held and take nothing away.
Each source has one reader of one object, and one row at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from common.errors import InputError
from common.messages import say
from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftEvent,
    DraftImage,
    DraftNumber,
    DraftParty,
    DraftPriority,
    DraftRelation,
    DraftText,
)
from indexer.formats.json_records import (
    Around,
    Object,
    add_classes,
    add_date,
    add_number,
    add_text,
    has_keys,
    inside,
    one,
    reader,
    several,
    words_in,
)
from indexer.formats.reading import Format
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

# --- JPO (ip-data.jpo.go.jp) ---

JPO_NOTHING = "107"
JPO_ROLES = {"1": PartyRole.APPLICANT, "2": PartyRole.REPRESENTATIVE}
JPO_NUMBERS = (
    ("ADPublicationNumber", "publicationNumber", NumberType.PUBLICATION, "JP", "publicationDate"),
    (
        "ADNationalPublicationNumber",
        "nationalPublicationNumber",
        NumberType.PUBLICATION,
        "JP",
        "nationalPublicationDate",
    ),
    ("applicationNumber", "", NumberType.APPLICATION, "JP", "filingDate"),
    ("registrationNumber", "", NumberType.REGISTRATION, "JP", "registrationDate"),
    ("internationalApplicationNumber", "", NumberType.PCT_APPLICATION, "WO", ""),
    ("internationalPublicationNumber", "", NumberType.PCT_PUBLICATION, "WO", "internationalPublicationDate"),
)
"""Number with the year of the Christian era, the JPO's inner writing of it, type, office, date."""
JPO_DATES = (
    ("filingDate", DateType.FILING),
    ("publicationDate", DateType.PUBLICATION),
    ("registrationDate", DateType.REGISTRATION),
    ("expireDate", DateType.EXPIRY),
    ("disappearanceDate", DateType.TERMINATION),
)


def _jpo(found: Object, around: Around) -> Iterator[Draft | InputError]:
    data = inside(found, "data")
    if one(data, "applicationNumber") is None:
        status = ": ".join(part for part in (one(found, "statusCode"), one(found, "errorMessage")) if part)
        of_a_party = "applicantAttorney" in data or "applicantAttorneyName" in data
        yield InputError(say("input.jpo-party" if of_a_party else "input.jpo-nothing", status=status))
        return
    draft = Draft(_jpo_right(data), office="JP", partial=True, identified_by=NumberType.APPLICATION)
    for name, inner, number_type, office, dated in JPO_NUMBERS:
        written = one(data, inner)
        raw = one(data, name) or written
        forms = [written] if written and written != raw else []
        add_number(draft, number_type, raw, office, one(data, dated), forms=forms)
    for dated, date_type in JPO_DATES:
        add_date(draft, date_type, one(data, dated))
    if international := one(data, "internationalApplicationNumber"):
        number = DraftNumber(NumberType.PCT_APPLICATION, international, "WO")
        draft.relations.append(DraftRelation(RelationType.NATIONAL_PHASE_OF, number))
    add_text(draft, TextType.TITLE, one(data, "inventionTitle"), "ja")
    add_text(draft, TextType.PRODUCT_INDICATION, one(data, "designArticle", "articleName"), "ja")
    add_text(draft, TextType.MARK_TEXT, one(data, "trademarkForDisplay"))
    for words in words_in(data, "transliteration"):
        add_text(draft, TextType.MARK_TRANSLITERATION, words, "ja")
    add_classes(draft, "VIENNA", words_in(data, "viennaClass"))
    for goods in several(data, "goodsServiceInformation"):
        symbol = one(goods, "goodsServiceClass")
        add_classes(draft, "NICE", [symbol or ""])
        add_text(draft, TextType.GOODS_SERVICES, one(goods, "goodsServiceName"), "ja", symbol)
        add_classes(draft, "JP-SIMILAR-GROUP", (one(goods, "similarCode") or "").split(), office="JP")
    for party in several(data, "applicantAttorney"):
        if called := one(party, "name"):
            role = JPO_ROLES.get(one(party, "applicantAttorneyClass") or "", PartyRole.OTHER)
            sequence = one(party, "repeatNumber")
            identifier = one(party, "applicantAttorneyCd")
            draft.parties.append(
                DraftParty(role, called, identifier=identifier, sequence=int(sequence) if sequence else None)
            )
    _jpo_relations(draft, data)
    if state := one(data, "erasureIdentifier"):
        draft.events.append(DraftEvent(state, "JP-ERASURE", "JP", current=True))
    for group in several(data, "bibliographyInformation"):
        for document in several(group, "documentList"):
            draft.events.append(_jpo_document(document))
    yield draft


def _jpo_right(data: Object) -> Right:
    """The path of the call, which is not in the answer, tells the right; the fields of the answer tell most of it."""
    if any(name in data for name in ("trademarkForDisplay", "goodsServiceInformation", "viennaClass")):
        return Right.TRADEMARK
    if any(name in data for name in ("designArticle", "articleName", "designClass")):
        return Right.DESIGN
    return Right.PATENT


def _jpo_relations(draft: Draft, data: Object) -> None:
    for claim in several(data, "priorityRightInformation"):
        date: str | None = one(claim, "parisPriorityDate")
        if raw := one(claim, "parisPriorityApplicationNumber"):
            number = DraftNumber(NumberType.APPLICATION, raw, one(claim, "parisPriorityCountryCd"), date=date)
            draft.priorities.append(DraftPriority(number, date, type="Paris Convention"))
        date = one(claim, "nationalPriorityDate")
        law = one(claim, "nationalPriorityLawCd")
        kind = f"national (law {law})" if law else "national"
        if raw := one(claim, "nationalPriorityApplicationNumber"):
            number = DraftNumber(NumberType.APPLICATION, raw, "JP", date=date)
            draft.priorities.append(DraftPriority(number, date, type=kind))
        if raw := one(claim, "nationalPriorityInternationalApplicationNumber"):
            number = DraftNumber(NumberType.PCT_APPLICATION, raw, "WO", date=date)
            draft.priorities.append(DraftPriority(number, date, type=kind))
    parent = inside(data, "parentApplicationInformation")
    if raw := one(parent, "parentApplicationNumber", "applicationNumber"):
        number = DraftNumber(NumberType.APPLICATION, raw, "JP", date=one(parent, "filingDate"))
        draft.relations.append(
            DraftRelation(RelationType.DIVISIONAL_OF, number, "parentApplicationInformation", number.date)
        )
    for child in several(data, "divisionalApplicationInformation"):
        if raw := one(child, "applicationNumber"):
            number = DraftNumber(NumberType.APPLICATION, raw, "JP", date=one(child, "filingDate"))
            generation = one(child, "divisionalGeneration")
            text = f"divisional application, generation {generation}" if generation else "divisional application"
            draft.relations.append(DraftRelation(RelationType.CHILD, number, text, number.date))


def _jpo_document(document: Object) -> DraftEvent:
    said = [one(document, "documentDescription")]
    if number := one(document, "documentNumber"):
        said.append(f"document {number}")
    return DraftEvent(
        one(document, "documentCode") or "document",
        "JP-DOCUMENT-CODE",
        "JP",
        event_date=one(document, "legalDate"),
        description=[DraftText(TextType.OTHER, words, "ja") for words in said if words],
    )


# --- PRH (Finland) ---

PRH_ROLES = (
    ("applicants", PartyRole.APPLICANT),
    ("owners", PartyRole.OWNER),
    ("holders", PartyRole.OWNER),
    ("representatives", PartyRole.REPRESENTATIVE),
    ("inventors", PartyRole.INVENTOR),
    ("designers", PartyRole.DESIGNER),
)
PRH_DATES = (
    ("publicationDate", DateType.PUBLICATION, None),
    ("grantDate", DateType.GRANT, None),
    ("registrationDate", DateType.REGISTRATION, None),
    ("expirationDate", DateType.EXPIRY, None),
    ("t3PublicationDate", DateType.OTHER, "t3PublicationDate"),
)


def _prh(found: Object, around: Around) -> Iterator[Draft | InputError]:
    designs = several(found, "designs")
    if not designs:
        yield _prh_draft(found, None)
    for design in designs:
        yield _prh_draft(found, design)


def _prh_draft(found: Object, design: Object | None) -> Draft:
    mark = (
        bool(one(found, "trademarkWord"))
        or found.get("trademarkHasImage") is True
        or "Trademark" in str(found.get("dossierType"))
    )
    right = Right.DESIGN if design is not None else Right.TRADEMARK if mark else Right.PATENT
    draft = Draft(right, office="FI", partial="patentTitle" not in found)
    draft.identified_by = NumberType.APPLICATION if right is Right.PATENT else None
    draft.language = one(found, "filingLanguage")
    filed, applied = one(found, "filingDate"), one(found, "applicationDate")
    add_number(draft, NumberType.APPLICATION, one(found, "applicationNumber"), "FI", applied)
    granted = one(found, "grantDate", "registrationDate")
    add_number(draft, NumberType.REGISTRATION, one(found, "registrationNumber"), "FI", granted)
    add_date(draft, DateType.FILING, filed or applied)
    if filed:
        add_date(draft, DateType.OTHER, applied, "applicationDate")
    for name, date_type, label in PRH_DATES:
        add_date(draft, date_type, one(found, name), label)
    for title in several(found, "patentTitle", "titles"):
        for words in words_in(title, "title"):
            add_text(draft, TextType.TITLE, words, one(title, "language"))
    for abstract in several(found, "abstracts"):
        add_text(draft, TextType.ABSTRACT, one(abstract, "content"), one(abstract, "language"))
    for name, role in PRH_ROLES:
        draft.parties += [party for each in several(found, name) if (party := _prh_party(each, role))]
    if examiner := one(inside(found, "examiner"), "fullName"):
        draft.parties.append(DraftParty(PartyRole.EXAMINER, examiner, entity="person"))
    add_classes(draft, "IPC", words_in(found, "ipcClassifications"))
    add_classes(draft, "CPC", words_in(found, "cpcClassifications"))
    add_classes(draft, "IPC", [one(each, "classification") or "" for each in several(found, "classifications")])
    for locarno in several(found, "locarnos"):
        parts = [one(locarno, "classNumber"), one(locarno, "subClassNumber")]
        add_classes(draft, "LOCARNO", ["-".join(part for part in parts if part)])
    for goods in several(found, "goodsAndServices"):
        symbol = one(goods, "classNumber", "niceClass", "class")
        add_classes(draft, "NICE", [symbol or ""])
        add_text(draft, TextType.GOODS_SERVICES, one(goods, "text", "description"), None, symbol)
    add_text(draft, TextType.MARK_TEXT, one(found, "trademarkWord"))
    for claim in several(found, "priorityClaims", "priorities"):
        if raw := one(claim, "applicationNumber", "number"):
            date = one(claim, "filingDate", "date")
            number = DraftNumber(NumberType.APPLICATION, raw, one(claim, "officeCode", "country"), date=date)
            ordinal = claim.get("ordinal")
            draft.priorities.append(DraftPriority(number, date, ordinal if isinstance(ordinal, int) else None))
    _prh_events(draft, found)
    if raw := one(found, "basePatentNumber"):
        number = DraftNumber(NumberType.PUBLICATION, raw, None)
        draft.relations.append(DraftRelation(RelationType.RELATED, number, "basePatentNumber"))
    for name in ("relatedDossiers", "spcAuthorizations"):
        for related in several(found, name):
            words = ", ".join(str(value) for value in related.values() if isinstance(value, str | int) and value)
            raw = one(related, "applicationNumber", "registrationNumber")
            related_number = DraftNumber(NumberType.APPLICATION, raw, "FI") if raw else None
            draft.relations.append(DraftRelation(RelationType.RELATED, related_number, words or name))
    if design is not None:
        _prh_design(draft, design)
    for name in ("imageUrl", "largeThumbnailUrl", "thumbnailUrl"):
        if reference := one(found, name):
            draft.images.append(DraftImage("mark" if right is Right.TRADEMARK else "drawing", reference))
    return draft


def _prh_design(draft: Draft, design: Object) -> None:
    draft.design_index = one(design, "number", "ordinal")
    add_text(draft, TextType.TITLE, one(design, "title"))
    add_text(draft, TextType.TITLE, one(design, "titleSecondLng"))
    names = ("dominantViewImageUrl", "dominantViewMediumThumbnailUrl", "dominantViewSmallThumbnailUrl")
    draft.images += [DraftImage("design-view", reference) for name in names if (reference := one(design, name))]


def _prh_party(found: Object, role: PartyRole) -> DraftParty | None:
    first, last = one(found, "firstName"), one(found, "lastName")
    person = f"{last}, {first}" if first and last else one(found, "fullName")
    company = one(found, "companyName")
    name = company or person or one(found, "name")
    if name is None:
        return None
    ordinal = found.get("ordinal")
    full = one(found, "fullName")
    return DraftParty(
        role,
        name,
        other_names=[full] if full and full != name else [],
        country=one(found, "country"),
        entity="organisation" if company else "person" if person else "unknown",
        sequence=ordinal if isinstance(ordinal, int) else None,
    )


def _prh_events(draft: Draft, found: Object) -> None:
    if status := one(found, "dossierStatus"):
        date = one(found, "dossierStatusDate", "statusDate")
        kind = [
            words for name in ("dossierSubType", "relatedDossierType", "applicationType") if (words := one(found, name))
        ]
        description = [DraftText(TextType.OTHER, status, "en")]
        if kind:
            description.append(DraftText(TextType.OTHER, ", ".join(kind), "en"))
        draft.events.append(
            DraftEvent(status, "FI-STATUS", "FI", event_date=date, description=description, current=True)
        )
    for published in several(found, "publications"):
        code = one(published, "publicationSection") or "publication"
        kind_text = one(published, "type")
        draft.events.append(
            DraftEvent(
                code,
                "FI-PUBLICATION-SECTION",
                "FI",
                publication_date=one(published, "publicationDate"),
                description=[DraftText(TextType.OTHER, kind_text, "en")] if kind_text else [],
            )
        )
        if code.startswith("PT_AvailableToPublic"):
            add_date(draft, DateType.PUBLICATION, one(published, "publicationDate"), code)
    for event in several(found, "events"):
        words = ", ".join(str(value) for value in event.values() if isinstance(value, str) and value)
        code = one(event, "code", "eventCode", "type", "name") or "event"
        date = one(event, "date", "eventDate")
        draft.events.append(DraftEvent(code, "FI-EVENT", "FI", date, description=[DraftText(TextType.OTHER, words)]))
    for document in several(inside(found, "documents"), "document"):
        name, language = one(document, "name"), one(document, "languageCode")
        draft.events.append(
            DraftEvent(
                one(document, "documentSubKind", "documentKind") or "document",
                "FI-DOCUMENT",
                "FI",
                event_date=one(document, "documentDate"),
                description=[DraftText(TextType.OTHER, name, language)] if name else [],
            )
        )
        if reference := one(document, "url"):
            draft.images.append(DraftImage("document-page", reference, caption=one(document, "documentKind")))
    for state in ("paid", "payable"):
        for fee in several(inside(found, "paymentDetails"), state):
            due = [f"{name} {date}" for name in ("limitDate", "lateFeePaymentDueDate") if (date := one(fee, name))]
            draft.events.append(
                DraftEvent(
                    f"fee {one(fee, 'identifier') or ''} {state}".replace("  ", " "),
                    "FI-FEE",
                    "FI",
                    event_date=one(fee, "paymentDate"),
                    effective_date=one(fee, "dueDate"),
                    description=[DraftText(TextType.OTHER, ", ".join(due), "en")] if due else [],
                )
            )


# --- PRV (Sweden) ---

PRV_ENDING = re.compile(r"(?:,|\s)\s*([A-Z]{2})(?:,\s*(\d{6}-\d{4}))?$")
"""End of a PRV address of marks: country code, then perhaps the number in the register of companies."""


def _prv(found: Object, around: Around) -> Iterator[Draft | InputError]:
    mark, certificate = "idTrademark" in found, "idSpc" in found
    draft = Draft(Right.TRADEMARK if mark else Right.PATENT, office="SE", partial=True)
    draft.identified_by = NumberType.APPLICATION
    if certificate:
        _prv_certificate(draft, found)
    else:
        applied = one(found, "applicationNumberFormatted", "applicationNumber")
        add_number(draft, NumberType.APPLICATION, applied, "SE", one(found, "filingDate"))
        published = one(found, "publicationDate")
        add_number(draft, NumberType.PUBLICATION, one(found, "publicationNumber"), "SE", published)
    add_number(draft, NumberType.REGISTRATION, one(found, "registrationNumber"), "SE", one(found, "registrationDate"))
    for name, date_type in (
        ("filingDate", DateType.FILING),
        ("publicationDate", DateType.PUBLICATION),
        ("grantDate", DateType.GRANT),
        ("registrationDate", DateType.REGISTRATION),
        ("expiryDate", DateType.EXPIRY),
        ("validFromDate", DateType.EFFECTIVE),
        ("validUntilDate", DateType.EXPIRY),
    ):
        add_date(draft, date_type, one(found, name))
    add_text(draft, TextType.TITLE, one(found, "title", "substance"))
    add_text(draft, TextType.MARK_TEXT, one(found, "markSpecification"))
    draft.mark_feature = one(found, "markFeatureEn", "markFeatureSv")
    for name, scheme in (("ipcClasses", "IPC"), ("cpcClasses", "CPC"), ("dpkClasses", "SE-DPK"), ("classes", "NICE")):
        symbols = words_in(found, name) + [one(each, "symbol", "class", "name") or "" for each in several(found, name)]
        add_classes(draft, scheme, symbols)
    for name, role in (
        ("applicants", PartyRole.APPLICANT),
        ("inventors", PartyRole.INVENTOR),
        ("representatives", PartyRole.REPRESENTATIVE),
    ):
        draft.parties += _prv_parties(found, name, role, mark)
    _prv_status(draft, found)
    yield draft


def _prv_certificate(draft: Draft, found: Object) -> None:
    """A supplementary protection certificate and the basic patent it rests on."""
    add_number(draft, NumberType.APPLICATION, one(found, "applicationNumberSpcFormatted"), "SE")
    basic = one(found, "applicationNumberFormatted")
    office = basic[:2] if basic and basic[:2].isalpha() else None
    for number_type, raw in (
        (NumberType.APPLICATION, basic),
        (NumberType.PUBLICATION, one(found, "publicationNumber")),
    ):
        if raw:
            number = DraftNumber(number_type, raw, office)
            draft.relations.append(DraftRelation(RelationType.RELATED, number, "basic patent of the certificate"))
    draft.events.append(DraftEvent("SPC", "SE-RIGHT-TYPE", "SE"))


def _prv_parties(found: Object, name: str, role: PartyRole, mark: bool) -> list[DraftParty]:
    parties = []
    for each in several(found, name):
        if party := one(each, "name"):
            address = one(each, "address")
            ending = PRV_ENDING.search(address or "")
            # patents end an address with the country's Swedish name, marks with its code
            country = ending[1] if ending else None if mark or not address else address.rpartition(",")[2].strip()
            kept = DraftAddress([address]) if address else None
            identifier = ending[2] if ending else None
            parties.append(DraftParty(role, party, country=country or None, identifier=identifier, address=kept))
            parties[-1].entity = "person" if role is PartyRole.INVENTOR else "unknown"
    for words in words_in(found, name):
        ending = PRV_ENDING.search(words)
        country, identifier = (ending[1], ending[2]) if ending else (None, None)
        who, _, where = words.partition(",")
        address_kept = DraftAddress([where.strip()]) if where.strip() else None
        parties.append(DraftParty(role, who.strip(), country=country, identifier=identifier, address=address_kept))
    return parties


def _prv_status(draft: Draft, found: Object) -> None:
    status = inside(found, "status")
    code = one(status, "status") or one(found, "statusEn", "statusSv")
    said = []
    for name, language in (
        ("statusDisplayTextEn", "en"),
        ("statusDisplayTextSv", "sv"),
        ("statusText", None),
        ("statusDisplaySubTextEn", "en"),
        ("statusDisplaySubTextSv", "sv"),
        ("statusSubText", None),
    ):
        if words := one(status, name):
            said.append(DraftText(TextType.OTHER, words, language))
    for name, language in (("statusEn", "en"), ("statusSv", "sv")):
        if words := one(found, name):
            said.append(DraftText(TextType.OTHER, words, language))
    if code:
        scheme = "SE-TM-STATUS" if draft.right is Right.TRADEMARK else "SE-PATENT-STATUS"
        draft.events.append(DraftEvent(code, scheme, "SE", description=said, current=True))
    for name, scheme in (("applicationType", "SE-APPLICATION-TYPE"), ("dossierTypeEn", "SE-DOSSIER-TYPE")):
        if words := one(found, name):
            swedish = one(found, "dossierTypeSv") if name == "dossierTypeEn" else None
            more = [DraftText(TextType.OTHER, swedish, "sv")] if swedish else []
            draft.events.append(DraftEvent(words, scheme, "SE", description=more))


# --- TIPO (cloud.tipo.gov.tw) ---

NICE_FROM = 1995
"""Taiwan classifies marks by Nice since 1994; what was filed before has classes of its own list."""


def _tipo_patent(found: Object, around: Around) -> Iterator[Draft | InputError]:
    draft = Draft(Right.PATENT, office="TW", partial=True, identified_by=NumberType.APPLICATION)
    applied = one(found, "appl-date")
    for name, number_type, dated in (
        ("appl-no", NumberType.APPLICATION, "appl-date"),
        ("notice-no", NumberType.PUBLICATION, "notice-date"),
        ("publish-no", NumberType.PUBLICATION, "publish-date"),
        ("patent-no", NumberType.REGISTRATION, "patent-bdate"),
    ):
        add_number(draft, number_type, one(found, name), "TW", one(found, dated))
    add_date(draft, DateType.FILING, applied)
    add_date(draft, DateType.PUBLICATION, one(found, "notice-date"), "notice-date")
    add_date(draft, DateType.PUBLICATION, one(found, "publish-date"), "publish-date")
    add_date(draft, DateType.EFFECTIVE, one(found, "patent-bdate"))
    add_date(draft, DateType.EXPIRY, one(found, "patent-edate"))
    add_text(
        draft, TextType.TITLE, one(inside(found, "patent-title"), "title") or one(found, "patent-name-chinese"), "zh"
    )
    add_text(draft, TextType.TITLE, one(inside(found, "patent-title"), "english-title"), "en")
    for each in several(found, "classification-ipc"):
        symbol = one(each, "ipc-full") or "".join(
            one(each, f"ipc-{part}") or "" for part in ("section", "class", "subclass")
        )
        main = one(each, "-sequence") == "1"
        add_classes(draft, "IPC", [symbol], edition=one(each, "ipc-version"), first=main)
    _tipo_parties(draft, inside(found, "parties"))
    if flag := one(found, "publish-flag"):
        draft.events.append(DraftEvent(flag, "TW-PUBLISH-FLAG", "TW"))
    yield draft


def _tipo_parties(draft: Draft, parties: Object) -> None:
    for name, role in (
        ("applicants", PartyRole.APPLICANT),
        ("inventors", PartyRole.INVENTOR),
        ("agents", PartyRole.REPRESENTATIVE),
    ):
        for each in several(parties, name):
            names = [one(each, f"{language}-name") for language in ("chinese", "japanese", "english")]
            given = [party for party in names if party]
            if given:
                english = one(each, "english-name")
                address, sequence = one(each, "address"), one(each, "-sequence")
                draft.parties.append(
                    DraftParty(
                        role,
                        given[0],
                        other_names=[other for other in given[1:] if other != english],
                        latin_name=english if english != given[0] else None,
                        country=one(each, "country-code", "chinese-country-name"),
                        sequence=int(sequence) if sequence and sequence.isdigit() else None,
                        address=DraftAddress([address]) if address else None,
                    )
                )


def _tipo_mark(found: Object, around: Around) -> Iterator[Draft | InputError]:
    draft = Draft(Right.TRADEMARK, office="TW")
    applied = one(found, "appl-date")
    add_number(draft, NumberType.APPLICATION, one(found, "appl-no"), "TW", applied)
    add_number(draft, NumberType.REGISTRATION, one(found, "exam-no", "regi-no"), "TW", one(found, "regi-date"))
    add_date(draft, DateType.FILING, applied)
    add_date(draft, DateType.RECEIPT, one(found, "receive-date"))
    for name, kind, language in (
        ("tmark-name", TextType.MARK_TEXT, None),
        ("tmark-draft-c", TextType.MARK_TEXT, "zh"),
        ("tmark-draft-e", TextType.MARK_TEXT, "en"),
        ("tmark-draft-j", TextType.MARK_TEXT, "ja"),
        ("tmark-sign", TextType.OTHER, "zh"),
        ("word-description", TextType.MARK_DESCRIPTION, "zh"),
        ("tmark-desc", TextType.MARK_DESCRIPTION, "zh"),
        ("out-off-draft", TextType.DISCLAIMER, "zh"),
    ):
        words = one(found, name)
        if words and not any(text.text == words and text.type is kind for text in draft.texts):
            add_text(draft, kind, words, language)
    draft.mark_kind = one(found, "tmark-class-desc", "tmark-class")
    draft.mark_feature = one(found, "tmark-type-desc", "tmark-type")
    if colour := one(found, "tmark-color-desc", "tmark-color"):
        draft.colours.append(colour)
    year = int(applied[:4]) if applied and applied[:4].isdigit() else 0
    scheme = "NICE" if year >= NICE_FROM else "TW-GOODS-CLASS"
    for goods in several(found, "goodsclasses"):
        symbol = one(goods, "goodsclass-code")
        add_classes(draft, scheme, [symbol or ""], office="TW")
        add_text(draft, TextType.GOODS_SERVICES, one(goods, "goods-name"), "zh", symbol)
        groups = re.split(r"[,;、\s]+", one(goods, "goods-group") or "")
        add_classes(draft, "TW-GOODS-GROUP", groups, office="TW")
    for pictures in several(found, "tmark-image-url"):
        for name, reference in pictures.items():
            if isinstance(reference, str) and reference.strip():
                kind_of_image = "mark" if name.startswith("image") else "other"
                image = DraftImage(kind_of_image, reference.strip(), sequence=len(draft.images) + 1)  # type: ignore[arg-type]
                draft.images.append(image)
    _tipo_parties(draft, inside(found, "parties"))
    for claim in several(found, "priority-claims", "priorities"):
        if raw := one(claim, "priority-no", "doc-number"):
            date = one(claim, "priority-date", "date")
            country = one(claim, "country-code", "chinese-country-name")
            draft.priorities.append(DraftPriority(DraftNumber(NumberType.APPLICATION, raw, country, date=date), date))
    yield draft


# --- EUIPO (trade mark search) ---


def _euipo(found: Object, around: Around) -> Iterator[Draft | InputError]:
    draft = Draft(Right.TRADEMARK, office="EM", partial=True)
    applied, filed = one(found, "applicationNumber"), one(found, "applicationDate")
    add_number(draft, NumberType.APPLICATION, applied, "EM", filed)
    if one(found, "markBasis") == "INTERNATIONAL_TRADEMARK" and applied and applied.startswith("W"):
        # the EUIPO numbers designations of the EU by the international registration, with a W before it
        number = DraftNumber(NumberType.INTERNATIONAL, applied[1:], "WO")
        draft.relations.append(DraftRelation(RelationType.DESIGNATION_OF, number))
    for name, date_type, label in (
        ("applicationDate", DateType.FILING, None),
        ("registrationDate", DateType.REGISTRATION, None),
        ("expiryDate", DateType.EXPIRY, None),
        ("designationDate", DateType.EFFECTIVE, "designationDate"),
    ):
        add_date(draft, date_type, one(found, name), label)
    add_text(draft, TextType.MARK_TEXT, one(inside(found, "wordMarkSpecification"), "verbalElement"))
    draft.mark_feature, draft.mark_kind = one(found, "markFeature"), one(found, "markKind")
    add_classes(draft, "NICE", words_in(found, "niceClasses"))
    for name, role in (("applicants", PartyRole.APPLICANT), ("representatives", PartyRole.REPRESENTATIVE)):
        for each in several(found, name):
            if party := one(each, "name"):
                identifier = "-".join(part for part in (one(each, "office"), one(each, "identifier")) if part)
                draft.parties.append(DraftParty(role, party, identifier=identifier or None))
    if status := one(found, "status"):
        draft.events.append(DraftEvent(status, "EM-TM-STATUS", "EM", current=True))
    for published in several(found, "publications"):
        bulletin = one(published, "bulletinNumber")
        draft.events.append(
            DraftEvent(
                one(published, "publicationSection") or "publication",
                "EM-TM-PUBLICATION",
                "EM",
                publication_date=one(published, "publicationDate"),
                description=[DraftText(TextType.OTHER, f"Bulletin {bulletin}", "en")] if bulletin else [],
            )
        )
    yield draft


FORMATS: tuple[Format, ...] = (
    Format(
        name="json-jpo-api",
        title="JPO patent information interface (JSON)",
        rights=("patent", "trademark", "design"),
        recognises=has_keys({"result", "statusCode", "remainAccessCount"}),
        read=reader(("result",), _jpo),
        version=1,
        reads=(
            "application, publication, registration and international numbers (with the JPO's inner writing), dates",
            "title, name of article, mark and its reading",
            "goods and services with Nice class and similar-group codes, Vienna classes",
            "applicants and agents with the JPO's numbers of them",
            "priorities, parent and divisional applications",
            "documents of the file as events; whether and how the right ended",
        ),
    ),
    Format(
        name="json-prh-search",
        title="PRH (Finland) open data, hit list: patents, designs, marks (JSON)",
        rights=("patent", "design", "trademark"),
        recognises=has_keys({"results", "totalResults"}),
        read=reader(("results.item",), _prh),
        version=1,
        reads=(
            "application and registration number, dates, titles or mark",
            "applicants, owners, representatives; IPC, Locarno and Nice classes",
            "status and publications as events",
            "one record for each design of a registration, views by address",
        ),
    ),
    Format(
        name="json-prh",
        title="PRH (Finland) open data, one file: patents (JSON)",
        rights=("patent", "design", "trademark"),
        recognises=has_keys({"dossierStatus", "patentTitle"}),
        read=reader(("",), _prh),
        version=1,
        reads=(
            "application and registration number, dates",
            "titles and abstracts in Finnish, Swedish and English",
            "applicants, owners, representatives, inventors, examiner with country",
            "IPC, CPC, Locarno classes; priorities",
            "status, publications, documents and fees as events (no amounts)",
            "one record for each design of a registration, views by address",
        ),
    ),
    Format(
        name="json-prv",
        title="PRV (Sweden) search: patents, supplementary protection certificates, marks (JSON)",
        rights=("patent", "trademark"),
        recognises=has_keys({"searchPatentDTOS"}, {"searchSpcDTOS"}, {"trademarks", "idTrademark"}),
        read=reader(("searchPatentDTOS.item", "searchSpcDTOS.item", "trademarks.item"), _prv),
        version=1,
        reads=(
            "application, publication and registration number, dates, term of a certificate",
            "title, substance of a certificate and its basic patent, mark",
            "applicants, inventors, representatives with country; addresses as personal data",
            "IPC, CPC, DPK and Nice classes",
            "status in the office's code and words",
        ),
    ),
    Format(
        name="json-tipo-patent",
        title="TIPO open data: patents (JSON)",
        rights=("patent",),
        recognises=has_keys({"patentcontent", "appl-no"}, {"patentcontent", "total-count"}),
        read=reader(("*.patentcontent.item",), _tipo_patent),
        version=1,
        reads=("numbers, dates and IPC classes with edition", "parties where given", "publication flag as an event"),
    ),
    Format(
        name="json-tipo-trademark",
        title="TIPO open data: marks (JSON)",
        rights=("trademark",),
        recognises=has_keys({"tmarkcontent", "appl-no"}, {"tmarkcontent", "total-count"}),
        read=reader(("*.tmarkcontent.item",), _tipo_mark),
        version=1,
        reads=(
            "application number and dates",
            "the mark's wording in Chinese, English, Japanese; descriptions, disclaimer, colour, kind",
            "goods with class (Nice from 1995, Taiwan's own before) and group",
            "applicants and agents with country; addresses as personal data",
            "images and sounds by address",
        ),
    ),
    Format(
        name="json-euipo",
        title="EUIPO trade mark search (JSON)",
        rights=("trademark",),
        recognises=has_keys({"trademarks", "totalElements"}),
        read=reader(("trademarks.item",), _euipo),
        version=1,
        reads=(
            "application number and dates, the international registration behind a designation",
            "verbal element, feature, kind, Nice classes",
            "applicants and representatives with the EUIPO's identifiers",
            "status and publications in the Bulletin as events",
        ),
    ),
)
