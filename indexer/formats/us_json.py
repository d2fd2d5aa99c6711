"""JSON of the USPTO: Open Data Portal, PEDS, Patent Public Search, Global Dossier, TSDR case status.

Month-first dates (`09/27/2017`, `06-27-2019`) are written year first here, since only the source tells their order.
Hit lists, continuity and document lists are partial records. Each source has one reader of one object, and one row at
the end.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Literal

from common.errors import InputError
from common.messages import say
from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftCitation,
    DraftEvent,
    DraftFamily,
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
from indexer.formats.us_assignment import taker_role
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

OFFICE = "US"
LANGUAGE = "en"
MONTH_FIRST = re.compile(r"(\d\d)[-/](\d\d)[-/](\d{4})")

PARENTAGE = (
    (re.compile(r"PRO\b|provisional", re.I), None),
    (re.compile(r"NST|national stage", re.I), RelationType.NATIONAL_PHASE_OF),
    (re.compile(r"CIP|continuation[ -]in[ -]part", re.I), RelationType.CONTINUATION_IN_PART_OF),
    (re.compile(r"CON\b|continuation", re.I), RelationType.CONTINUATION_OF),
    (re.compile(r"DIV|division", re.I), RelationType.DIVISIONAL_OF),
    (re.compile(r"REI|RIS|reissue", re.I), RelationType.REISSUE_OF),
)
"""Codes and words of claims of parentage; None for provisional applications, which are priorities."""


def year_first(date: str | None) -> str | None:
    found = MONTH_FIRST.fullmatch(date or "")
    return f"{found[3]}-{found[1]}-{found[2]}" if found else date


def _said(*words: str | None) -> list[DraftText]:
    return [DraftText(TextType.OTHER, each, LANGUAGE) for each in words if each]


def _application(draft: Draft, raw: str | None, date: str | None) -> None:
    """The application that a file is about: the file goes by its number."""
    if raw:
        international = raw.upper().startswith("PCT")
        number_type = NumberType.PCT_APPLICATION if international else NumberType.APPLICATION
        draft.identified_by = number_type
        add_number(draft, number_type, raw, "WO" if international else OFFICE, date)
    add_date(draft, DateType.FILING, date)


def _person(found: Object, *given: str) -> str | None:
    last, first = one(found, "lastName"), " ".join(part for name in given if (part := one(found, name)))
    return ", ".join(part for part in (last, first, one(found, "nameSuffix")) if part) or None


# --- Open Data Portal ---


def _odp(found: Object, around: Around) -> Iterator[Draft | InputError]:
    continuity = inside(found, "continuityBag")
    own = one(found, "applicationNumberText") or _own_number(continuity)
    if own is None:
        yield InputError(say("input.object-without-application"))
        return
    whole = "applicationStatusCode" in found or "transactionContentBag" in found
    kind = (one(found, "applicationTypeLabelName") or "").casefold()
    draft = Draft(Right.DESIGN if kind == "design" else Right.PATENT, office=OFFICE, partial=not whole)
    _application(draft, own, one(found, "filingDate"))
    published = one(found, "earliestPublicationDate")
    add_number(draft, NumberType.PUBLICATION, one(found, "earliestPublicationNumber"), OFFICE, published)
    add_number(draft, NumberType.REGISTRATION, one(found, "patentNumber"), OFFICE, one(found, "grantDate"))
    add_number(
        draft, NumberType.PCT_PUBLICATION, one(found, "pctPublicationNumber"), "WO", one(found, "pctPublicationDate")
    )
    for name, date_type in (
        ("earliestPublicationDate", DateType.PUBLICATION),
        ("grantDate", DateType.GRANT),
        ("effectiveFilingDate", DateType.EFFECTIVE),
    ):
        label = name if date_type is DateType.EFFECTIVE else None
        add_date(draft, date_type, one(found, name), label)
    for further in words_in(found, "publicationDateBag"):
        if further != published:
            add_date(draft, DateType.PUBLICATION, further, "publicationDateBag")
    add_text(draft, TextType.TITLE, one(found, "inventionTitle"), LANGUAGE)
    add_classes(draft, "CPC", words_in(found, "cpcClassificationBag"))
    national = one(found, "class/subclass", "uspcSymbolText")
    add_classes(draft, "USPC", [national or ""], first=True, office=OFFICE)
    _odp_parties(draft, found)
    for parentage in several(continuity, "parentContinuityBag"):
        _parentage(
            draft,
            own,
            parent=one(parentage, "parentApplicationNumberText"),
            child=one(parentage, "childApplicationNumberText"),
            code=one(parentage, "claimParentageTypeCode") or "",
            words=[one(parentage, "claimParentageTypeCodeDescription"), _status_of(parentage)],
            date=one(parentage, "filingDate", "parentApplicationFilingDate"),
            patent=one(parentage, "parentPatentNumber"),
        )
    for parentage in several(continuity, "childContinuityBag"):
        words = [one(parentage, f"claimParentageType{name}") for name in ("Code", "CodeDescription")]
        words.append(_status_of(parentage))
        _child(draft, one(parentage, "childApplicationNumberText"), words, one(parentage, "filingDate"))
    for claim in several(found, "foreignPriorityBag"):
        if raw := one(claim, "priorityNumberText", "applicationNumberText"):
            date = one(claim, "filingDate")
            office = one(claim, "countryName", "ipOfficeName", "countryCode")
            draft.priorities.append(DraftPriority(DraftNumber(NumberType.APPLICATION, raw, office, date=date), date))
    _odp_events(draft, found)
    yield draft


def _status_of(parentage: Object) -> str | None:
    parts = [one(parentage, "applicationStatusCode"), one(parentage, "applicationStatusDescriptionText")]
    status = " ".join(part for part in parts if part)
    return f"status {status}" if status else None


def _own_number(continuity: Object) -> str | None:
    """The application that a list of continuities is about: the parent of its children, else its parents' child."""
    for name, key in (
        ("childContinuityBag", "parentApplicationNumberText"),
        ("parentContinuityBag", "childApplicationNumberText"),
    ):
        for parentage in several(continuity, name):
            if number := one(parentage, key):
                return number
    return None


def _parentage(
    draft: Draft,
    own: str,
    *,
    parent: str | None,
    child: str | None,
    code: str,
    words: list[str | None],
    date: str | None,
    patent: str | None = None,
) -> None:
    """A claim of parentage. Where the child is another application, the parent is a further ancestor of this one."""
    if parent is None:
        return
    spoken = " ".join(part for part in (code, words[0]) if part)
    kind = next(((found,) for pattern, found in PARENTAGE if pattern.search(spoken)), (RelationType.RELATED,))[0]
    direct = child is None or child == own
    international = parent.upper().startswith("PCT")
    number_type = NumberType.PCT_APPLICATION if international else NumberType.APPLICATION
    number = DraftNumber(number_type, parent, "WO" if international else OFFICE, date=date)
    if kind is None and direct:
        draft.priorities.append(DraftPriority(number, date, type=spoken))
        return
    text = ", ".join(part for part in (code, *words, None if direct else f"of {child}") if part)
    draft.relations.append(DraftRelation(kind if kind and direct else RelationType.PARENT, number, text, date))
    if patent:
        granted = DraftNumber(NumberType.PUBLICATION, patent, OFFICE)
        draft.relations.append(
            DraftRelation(kind if kind and direct else RelationType.PARENT, granted, "patent of parent")
        )


def _child(draft: Draft, raw: str | None, words: list[str | None], date: str | None, patent: str | None = None) -> None:
    text = ", ".join(part for part in words if part)
    if raw:
        number = DraftNumber(NumberType.APPLICATION, raw, OFFICE, date=date)
        draft.relations.append(DraftRelation(RelationType.CHILD, number, text or None, date))
    if patent:
        granted = DraftNumber(NumberType.PUBLICATION, patent, OFFICE)
        draft.relations.append(DraftRelation(RelationType.CHILD, granted, "patent of child"))


def _odp_address(places: list[Object]) -> tuple[str | None, DraftAddress | None]:
    """(country, address) of an address bag."""
    found, country = DraftAddress(), None
    for place in places:
        country = country or one(place, "countryCode", "countryName")
        lines = [one(place, f"addressLine{count}Text") for count in ("One", "Two", "Three", "Four")]
        lines[:0] = [one(place, "nameLineTwoText")]
        if found.city:
            # a further address keeps its town with its street
            lines += [one(place, "cityName"), one(place, "geographicRegionCode"), one(place, "postalCode")]
        found.lines += [line for line in lines if line and line not in found.lines]
        found.city = found.city or one(place, "cityName")
        found.region = found.region or one(place, "geographicRegionCode", "geographicRegionName")
        found.postal_code = found.postal_code or one(place, "postalCode")
    return country, found if found != DraftAddress() else None


def _odp_parties(draft: Draft, found: Object) -> None:
    for each in several(found, "applicantBag"):
        if name := one(each, "applicant", "applicantNameText"):
            country, address = _odp_address(several(each, "correspondenceAddressBag"))
            draft.parties.append(DraftParty(PartyRole.APPLICANT, name, country=country, address=address))
    if not several(found, "applicantBag") and (name := one(found, "firstApplicantName")):
        draft.parties.append(DraftParty(PartyRole.APPLICANT, name))
    for position, each in enumerate(several(found, "inventorBag")):
        full = one(each, "inventorNameText")
        if name := _person(each, "firstName", "middleName") or full:
            country, address = _odp_address(several(each, "correspondenceAddressBag"))
            others = [full] if full and full != name else []
            draft.parties.append(
                DraftParty(
                    PartyRole.INVENTOR, name, others, None, country, None, "person", None, position + 1, None, address
                )
            )
    attorneys = inside(found, "recordAttorney")
    for each in several(attorneys, "attorneyBag"):
        if name := _person(each, "firstName", "middleName"):
            country, address = _odp_address(several(each, "attorneyAddressBag"))
            firm = next((one(place, "nameLineOneText") for place in several(each, "attorneyAddressBag")), None)
            address = address or DraftAddress()
            address.lines[:0] = [firm] if firm else []
            for contact in several(each, "telecommunicationAddressBag"):
                kept = address.fax if one(contact, "usageTypeCategory") == "FAX" else address.phone
                kept += [number for number in words_in(contact, "telecommunicationNumber") if number not in kept]
            identifier = one(each, "registrationNumber")
            draft.parties.append(
                DraftParty(
                    PartyRole.REPRESENTATIVE,
                    name,
                    country=country,
                    entity="person",
                    identifier=identifier,
                    address=address if address != DraftAddress() else None,
                )
            )
    places = several(found, "correspondenceAddressBag")
    customer = inside(attorneys, "customerNumber")
    places = places or several(customer, "powerOfAttorneyAddressBag")
    if places and (name := one(places[0], "nameLineOneText")):
        country, address = _odp_address(places)
        identifier = one(found, "customerNumber")
        draft.parties.append(
            DraftParty(PartyRole.CORRESPONDENT, name, country=country, identifier=identifier, address=address)
        )


def _odp_events(draft: Draft, found: Object) -> None:
    if status := one(found, "applicationStatusDescriptionText", "applicationStatusCode"):
        date = one(found, "applicationStatusDate")
        code = one(found, "applicationStatusCode")
        event = DraftEvent(code or status, "US-PATENT-STATUS", OFFICE, date, description=_said(status), current=True)
        draft.events.append(event)
    for action in several(found, "transactionContentBag", "eventDataBag"):
        if code := one(action, "caseActionCode", "eventCode"):
            words = one(action, "caseActionDescriptionText", "eventDescriptionText")
            date = one(action, "recordedDate", "eventDate")
            draft.events.append(DraftEvent(code, "US-PATENT-TRANSACTION", OFFICE, date, description=_said(words)))
    for assignment in several(found, "assignmentBag"):
        _odp_assignment(draft, assignment)


def _odp_assignment(draft: Draft, found: Object) -> None:
    conveyance = one(found, "conveyanceText") or "ASSIGNMENT"
    said = []
    if reel := one(found, "reelNumber/frameNumber", "reelAndFrameNumber"):
        said.append(f"reel/frame {reel}")
    dates = {step: one(found, step) for step in ("assignmentReceivedDate", "assignmentMailedDate")}
    said += [f"{step} {date}" for step, date in dates.items() if date]
    executed = None
    for assignor in several(found, "assignorBag"):
        if name := one(assignor, "assignorName"):
            executed = executed or one(assignor, "executionDate")
            said.append(f"from {name} (executed {one(assignor, 'executionDate') or 'without date'})")
            draft.parties.append(DraftParty(PartyRole.OTHER, name))
    for assignee in several(found, "assigneeBag"):
        if name := one(assignee, "assigneeNameText"):
            country, address = _odp_address([inside(assignee, "assigneeAddress")])
            said.append(f"to {name}")
            draft.parties.append(DraftParty(taker_role(conveyance), name, country=country, address=address))
    for place in several(found, "correspondenceAddress"):
        if name := one(place, "correspondentNameText"):
            country, address = _odp_address([place])
            draft.parties.append(DraftParty(PartyRole.CORRESPONDENT, name, country=country, address=address))
    recorded = one(found, "assignmentRecordedDate")
    draft.events.append(DraftEvent(conveyance, "US-ASSIGNMENT", OFFICE, recorded, executed, description=_said(*said)))


def _odp_document(found: Object, around: Around) -> Iterator[Draft | InputError]:
    draft = Draft(Right.PATENT, office=OFFICE, partial=True)
    _application(draft, one(found, "applicationNumberText"), None)
    direction, identifier = one(found, "directionCategory"), one(found, "documentIdentifier")
    draft.events.append(
        DraftEvent(
            one(found, "documentCode") or "document",
            "US-DOCUMENT-CODE",
            OFFICE,
            event_date=one(found, "officialDate"),
            description=_said(one(found, "documentCodeDescriptionText"), direction, identifier),
        )
    )
    for option in several(found, "downloadOptionBag"):
        if reference := one(option, "downloadUrl"):
            kind = one(option, "mimeTypeIdentifier")
            draft.images.append(DraftImage("document-page", reference, kind, len(draft.images) + 1, identifier))
    yield draft


# --- PEDS ---

NULL = frozenset(("null", ""))


def _peds(found: Object, around: Around) -> Iterator[Draft | InputError]:
    own = one(found, "applId") or ""
    right = Right.DESIGN if one(found, "appType") == "Design" else Right.PATENT
    draft = Draft(right, office=OFFICE)
    _application(draft, own or None, one(found, "appFilingDate"))
    for name, number_type, dated, date_type, office in (
        ("appEarlyPubNumber", NumberType.PUBLICATION, "appEarlyPubDate", DateType.PUBLICATION, OFFICE),
        ("patentNumber", NumberType.REGISTRATION, "patentIssueDate", DateType.GRANT, OFFICE),
        ("wipoEarlyPubNumber", NumberType.PCT_PUBLICATION, "wipoEarlyPubDate", DateType.OTHER, "WO"),
        ("appIntlPubNumber", NumberType.PCT_PUBLICATION, "appIntlPubDate", DateType.OTHER, "WO"),
    ):
        date = one(found, dated)
        add_number(draft, number_type, one(found, name), office, date)
        add_date(draft, date_type, date, dated if date_type is DateType.OTHER else None)
    add_date(draft, DateType.LAST_UPDATE, one(found, "LAST_MOD_TS", "lastUpdatedTimestamp"))
    add_text(draft, TextType.TITLE, one(found, "patentTitle"), LANGUAGE)
    add_classes(draft, "USPC", [one(found, "appClsSubCls") or ""], first=True, office=OFFICE)
    _peds_parties(draft, found)
    for parentage in several(found, "parentContinuity"):
        _parentage(
            draft,
            own,
            parent=one(parentage, "claimApplicationNumberText"),
            child=one(parentage, "applicationNumberText"),
            code="",
            words=[one(parentage, "applicationStatusDescription"), _peds_status(parentage)],
            date=year_first(one(parentage, "filingDate")),
            patent=one(parentage, "patentNumberText"),
        )
    for parentage in several(found, "childContinuity"):
        _child(
            draft,
            one(parentage, "claimApplicationNumberText"),
            [one(parentage, "applicationStatusDescription"), _peds_status(parentage)],
            year_first(one(parentage, "filingDate")),
            one(parentage, "patentNumberText"),
        )
    for claim in several(found, "foreignPriority"):
        if raw := one(claim, "priorityClaim", "applicationNumberText"):
            date = year_first(one(claim, "filingDate"))
            number = DraftNumber(NumberType.APPLICATION, raw, one(claim, "countryName"), date=date)
            draft.priorities.append(DraftPriority(number, date))
    _peds_events(draft, found)
    yield draft


def _peds_status(parentage: Object) -> str | None:
    status = one(parentage, "applicationStatus")
    return f"status {status}" if status else None


def _real(found: Object, *names: str) -> str | None:
    words = one(found, *names)
    return None if words is None or words.casefold() in NULL else words


def _peds_parties(draft: Draft, found: Object) -> None:
    for name, role in (("applicants", PartyRole.APPLICANT), ("inventors", PartyRole.INVENTOR)):
        for each in several(found, name):
            last, given = one(each, "nameLineOne"), one(each, "nameLineTwo")
            party = ", ".join(part for part in (last, given, one(each, "suffix")) if part)
            if party:
                lines = [line for key in ("streetOne", "streetTwo") if (line := one(each, key))]
                city = (one(each, "city") or "").rstrip(", ") or None
                address = DraftAddress(lines, city, one(each, "geoCode"))
                rank = one(each, "rankNo")
                draft.parties.append(
                    DraftParty(
                        role,
                        party,
                        country=(one(each, "country") or "").strip("()") or None,
                        entity="person" if role is PartyRole.INVENTOR or given else "unknown",
                        sequence=int(rank) if rank and rank.isdigit() else None,
                        address=address if address != DraftAddress() else None,
                    )
                )
    for each in several(found, "attrnyAddr"):
        if attorney := one(each, "fullName"):
            # 000-00-0000 stands for no number
            phone = [number for number in words_in(each, "phoneNum") if set(number) - set("0-")]
            address = DraftAddress(phone=phone) if phone else None  # type: ignore[assignment]
            identifier = one(each, "registrationNo")
            draft.parties.append(
                DraftParty(
                    PartyRole.REPRESENTATIVE,
                    attorney.rstrip(", "),
                    entity="person",
                    identifier=identifier,
                    address=address,
                )
            )
    if examiner := one(found, "appExamName"):
        draft.parties.append(DraftParty(PartyRole.EXAMINER, examiner, entity="person"))
    if correspondent := one(found, "corrAddrNameLineOne"):
        names = ("corrAddrNameLineTwo", "corrAddrStreetLineOne", "corrAddrStreetLineTwo", "corrAddrStreetLineThree")
        kept = DraftAddress(
            [line for name in names if (line := one(found, name))],
            one(found, "corrAddrCity"),
            one(found, "corrAddrGeoRegionCode"),
            one(found, "corrAddrPostalCode"),
        )
        country = one(found, "corrAddrCountryCd", "corrAddrCountryName")
        identifier = one(found, "corrAddrCustNo")
        draft.parties.append(
            DraftParty(PartyRole.CORRESPONDENT, correspondent, country=country, identifier=identifier, address=kept)
        )


def _peds_events(draft: Draft, found: Object) -> None:
    if status := one(found, "appStatus"):
        date = one(found, "appStatusDate")
        draft.events.append(DraftEvent(status, "US-PATENT-STATUS", OFFICE, date, current=True))
    for action in several(found, "transactions"):
        if code := one(action, "code"):
            words = _said(one(action, "description"))
            date = one(action, "recordDate")
            draft.events.append(DraftEvent(code, "US-PATENT-TRANSACTION", OFFICE, date, description=words))
    for step in several(found, "ptaPteTranHistory"):
        if words_of_step := one(step, "contentsDescription"):
            date = year_first(one(step, "ptaOrPteDate"))
            days = [
                f"{name} {count}" for name in ("ptoDays", "applDays") if (count := one(step, name)) and count != "0"
            ]
            draft.events.append(DraftEvent(words_of_step, "US-PATENT-TERM", OFFICE, date, description=_said(*days)))
    if place := one(found, "appLocation"):
        draft.events.append(DraftEvent(place, "US-FILE-LOCATION", OFFICE, one(found, "appLocationDate")))
    for assignment in several(found, "assignments"):
        _peds_assignment(draft, assignment)


def _peds_assignment(draft: Draft, found: Object) -> None:
    conveyance = one(found, "converyanceName", "conveyanceName") or "ASSIGNMENT"
    reel = "/".join(part for part in (one(found, "reelNumber"), one(found, "frameNumber")) if part)
    said = [f"reel/frame {reel}"] if reel else []
    said += [f"{name} {year_first(date)}" for name in ("receivedDate", "mailDate") if (date := one(found, name))]
    executed = None
    for assignor in several(found, "assignors"):
        if name := one(assignor, "assignorName"):
            date = year_first(one(assignor, "execDate"))
            executed = executed or date
            said.append(f"from {name} (executed {date or 'without date'})")
            draft.parties.append(DraftParty(PartyRole.OTHER, name))
    for assignee in several(found, "assignee"):
        if name := one(assignee, "assigneeName"):
            said.append(f"to {name}")
            lines = [line for key in ("streetLineOneText", "streetLineTwoText") if (line := _real(assignee, key))]
            # the field called countryCode holds a state of the Union or a country, by its name
            place = _real(assignee, "countryCode")
            address = DraftAddress(lines, _real(assignee, "cityName"), place, _real(assignee, "postalCode"))
            draft.parties.append(DraftParty(taker_role(conveyance), name, address=address))
    if name := _real(found, "addressNameText"):
        keys = [f"addressLine{count}Text" for count in ("One", "Two", "Three", "Four")]
        lines = [line for key in keys if (line := _real(found, key))]
        draft.parties.append(DraftParty(PartyRole.CORRESPONDENT, name, address=DraftAddress(lines) if lines else None))
    recorded = year_first(one(found, "recordedDate"))
    draft.events.append(DraftEvent(conveyance, "US-ASSIGNMENT", OFFICE, recorded, executed, description=_said(*said)))


# --- Patent Public Search ---


def _public_search(found: Object, around: Around) -> Iterator[Draft | InputError]:
    guid = (one(found, "guid") or "").split("-")
    office = guid[0] if guid[0].isalpha() and len(guid[0]) == 2 else OFFICE
    kind = next(iter(words_in(found, "kindCode")), None)
    raw = one(found, "publicationReferenceDocumentNumber", "publicationReferenceDocumentNumber1")
    design = (kind or "").startswith("S") and office == OFFICE
    draft = Draft(Right.DESIGN if design else Right.PATENT, office=office, kind=kind, partial=True)
    draft.language = one(found, "languageIndicator")
    published = one(found, "datePublished")
    add_number(draft, NumberType.PUBLICATION, raw, office, published, kind=kind)
    add_date(draft, DateType.PUBLICATION, published)
    filed = words_in(found, "applicationFilingDate")
    add_number(draft, NumberType.APPLICATION, one(found, "applicationNumber"), office, next(iter(filed), None))
    for date in filed:
        add_date(draft, DateType.FILING, date)
    for name in ("relatedApplFilingDate", "priorityClaimsDate"):
        for date in words_in(found, name):
            add_date(draft, DateType.OTHER, date, name)
    add_text(draft, TextType.TITLE, html.unescape(one(found, "inventionTitle") or ""), draft.language)
    for words in words_in(found, "governmentInterest"):
        add_text(draft, TextType.OTHER, words, LANGUAGE)
    for name, scheme, inventive in (
        ("ipcCodeFlattened", "IPC", None),
        ("cpcInventiveFlattened", "CPC", True),
        ("cpcAdditionalFlattened", "CPC", False),
        ("uspcFullClassificationFlattened", "USPC", None),
    ):
        symbols = [symbol.strip() for symbol in (one(found, name) or "").split(";")]
        add_classes(draft, "US-DESIGN" if design and scheme == "USPC" else scheme, symbols, inventive=inventive)
    # 1/1 fills the field since the US classes ended in 2015
    if (national := one(found, "mainClassificationCode")) and national != "1/1":
        add_classes(draft, "US-DESIGN" if design else "USPC", [national], first=True, office=OFFICE)
    for name, role in (
        ("applicantName", PartyRole.APPLICANT),
        ("assigneeName", PartyRole.OWNER),
        ("inventorsName", PartyRole.INVENTOR),
        ("primaryExaminer", PartyRole.EXAMINER),
        ("assistantExaminer", PartyRole.EXAMINER),
    ):
        person = role in (PartyRole.INVENTOR, PartyRole.EXAMINER)
        entity: Literal["person", "unknown"] = "person" if person else "unknown"
        draft.parties += [DraftParty(role, _semicolon(party), entity=entity) for party in words_in(found, name)]
    if not words_in(found, "inventorsName") and (short := one(found, "inventorsShort")):
        first = re.sub(r"\s+et al\.$", "", short)
        draft.parties.append(DraftParty(PartyRole.INVENTOR, _semicolon(first), entity="person"))
        if first != short:
            draft.problems.append(("parties", "the hit list names the first inventor only"))
    for cited in words_in(found, "urpn"):
        number = DraftNumber(NumberType.PUBLICATION, cited, OFFICE)
        draft.citations.append(DraftCitation("patent", number, phase="US references"))
    if family := one(found, "familyIdentifierCur", "familyIdentifierCurStr"):
        draft.families.append(DraftFamily(family, "office"))
    if place := one(found, "imageLocation"):
        reference = "/".join(part for part in (place, one(found, "imageFileName")) if part)
        draft.images.append(DraftImage("document-page", reference))
    yield draft


def _semicolon(name: str) -> str:
    """`Hurst; William` as `Hurst, William`; names stand in HTML here."""
    return re.sub(r"\s*;\s*", ", ", html.unescape(name))


# --- Global Dossier ---


def _global_dossier(found: Object, around: Around) -> Iterator[Draft | InputError]:
    """A draft for each publication of a member, or one for the application where nothing is published."""
    publications = several(found, "pubList")
    for published in publications or [{}]:
        yield _family_member(found, published, [other for other in publications if other is not published], around)


def _family_member(found: Object, published: Object, others: list[Object], around: Around) -> Draft:
    office = one(found, "countryCode") or one(inside(found, "docNum"), "country")
    draft = Draft(Right.PATENT, office=one(published, "pubCountry") or office, partial=True)
    draft.kind = one(published, "kindCode")
    if (number := _gazetted(published, office)) is not None:
        draft.numbers.append(number)
        add_date(draft, DateType.PUBLICATION, number.date)
    for other in others:
        if (number := _gazetted(other, office)) is not None:
            draft.relations.append(DraftRelation(RelationType.STAGE_OF, number, "pubList", number.date))
    raw, written = one(found, "appNum"), one(inside(found, "docNum"), "docNumber")
    filed = year_first(one(found, "appDateStr"))
    forms = [written] if written and written != raw else []
    add_number(draft, NumberType.APPLICATION, raw or written, office, filed, kind=one(found, "kindCode"), forms=forms)
    add_date(draft, DateType.FILING, filed)
    add_text(draft, TextType.TITLE, one(found, "title"))
    draft.parties += [DraftParty(PartyRole.APPLICANT, name) for name in words_in(found, "applicantNames")]
    for claim in several(found, "priorityClaimList"):
        # the application itself stands among its priorities
        if (claimed := one(claim, "docNumber")) and claimed not in (raw, written):
            priority = DraftNumber(NumberType.APPLICATION, claimed, one(claim, "country"), one(claim, "kindCode"))
            draft.priorities.append(DraftPriority(priority))
    corresponding = around.values.get("corrAppNum")
    if corresponding and corresponding != raw:
        member = DraftNumber(NumberType.APPLICATION, corresponding, around.values.get("country"))
        draft.relations.append(DraftRelation(RelationType.RELATED, member, "same family in the Global Dossier"))
    return draft


def _gazetted(published: Object, office: str | None) -> DraftNumber | None:
    raw = one(published, "pubNum")
    if raw is None:
        return None
    date = year_first(one(published, "pubDateStr"))
    place = one(published, "pubCountry") or office
    return DraftNumber(NumberType.PUBLICATION, raw, place, one(published, "kindCode"), date)


# --- TSDR case status ---

TSDR_TEXTS = (
    ("markElement", TextType.MARK_TEXT),
    ("pseudoMark", TextType.OTHER),
    ("disclaimer", TextType.DISCLAIMER),
    ("descOfMark", TextType.MARK_DESCRIPTION),
    ("colorClaimed", TextType.COLOUR_CLAIM),
    ("concurrentUse", TextType.OTHER),
    ("translation", TextType.MARK_TRANSLATION),
)
TSDR_DATES = (
    ("filingDate", DateType.FILING),
    ("usRegistrationDate", DateType.REGISTRATION),
    ("dateAbandoned", DateType.TERMINATION),
    ("dateCancelled", DateType.TERMINATION),
    ("currLocationDt", DateType.OTHER),
    ("phyLocationDt", DateType.OTHER),
    ("publishedDate", DateType.PUBLICATION),
    ("renewalDate", DateType.RENEWAL),
)
TSDR_KINDS = (
    "trademark",
    "serviceMark",
    "certificationMark",
    "collectiveMembershipMark",
    "collectiveServiceMark",
    "collectiveTradeMark",
)


def _tsdr(found: Object, around: Around) -> Iterator[Draft | InputError]:
    status = inside(found, "status")
    draft = Draft(Right.TRADEMARK, office=OFFICE)
    filed = one(status, "filingDate")
    add_number(draft, NumberType.APPLICATION, one(status, "serialNumber"), OFFICE, filed)
    registered = one(status, "usRegistrationDate")
    add_number(draft, NumberType.REGISTRATION, one(status, "usRegistrationNumber"), OFFICE, registered)
    for name, date_type in TSDR_DATES:
        add_date(draft, date_type, one(status, name), name if date_type is DateType.OTHER else None)
    for name, text_type in TSDR_TEXTS:
        add_text(draft, text_type, one(status, name), None if text_type is TextType.MARK_TEXT else LANGUAGE)
    draft.mark_feature = one(status, "markDrawDesc", "markDrawingCd")
    draft.mark_kind = ", ".join(kind for kind in TSDR_KINDS if status.get(kind) is True) or None
    for searched in several(status, "designSearchList"):
        add_classes(draft, "US-DESIGN-SEARCH", [one(searched, "code") or ""], office=OFFICE)
    _tsdr_status(draft, status)
    _tsdr_parties(draft, found, status)
    _tsdr_goods(draft, found)
    _tsdr_relations(draft, found, status)
    yield draft


def _tsdr_status(draft: Draft, status: Object) -> None:
    date = one(status, "statusDate")
    if code := one(status, "status"):
        words = _said(one(status, "extStatusDesc"), one(status, "intStatusDesc"))
        draft.events.append(DraftEvent(code, "US-TM-STATUS", OFFICE, date, description=words, current=True))
    if code := one(status, "tm5Status"):
        words = _said(one(status, "tm5StatusDesc"), one(status, "tm5StatusDef"))
        draft.events.append(DraftEvent(code, "TM5", OFFICE, date, description=words))
    flags = [name for name, value in status.items() if value is True and name not in TSDR_KINDS]
    draft.events += [DraftEvent(name, "US-TM-FLAG", OFFICE) for name in flags]
    for kept in several(status, "physicalLocationHistory"):
        code_of_place = one(kept, "physicalLocation") or "location"
        words = _said(one(kept, "physicalLocationDescription"))
        draft.events.append(
            DraftEvent(code_of_place, "US-TM-LOCATION", OFFICE, one(kept, "eventDate"), description=words)
        )
    if place := one(status, "currLocationCd"):
        words = _said(one(status, "currentLoc"))
        moved = one(status, "currLocationDt")
        draft.events.append(DraftEvent(place, "US-TM-LOCATION", OFFICE, moved, description=words))


def _tsdr_parties(draft: Draft, found: Object, status: Object) -> None:
    groups = inside(inside(found, "parties"), "ownerGroups")
    for each in (party for name in groups for party in several(groups, name)):
        if name := one(each, "name"):
            kind = one(each, "partyTypeDescription") or ""
            role = PartyRole.APPLICANT if "APPLICANT" in kind.upper() else PartyRole.OWNER
            place = inside(each, "addressStateCountry")
            lines = [line for key in ("address1", "address2") if (line := one(each, key))]
            region = one(inside(place, "stateCountry"), "code")
            others = [other for key in ("dbaAkaFormerly", "composedOf") if (other := one(each, key))]
            entity = (one(inside(each, "entityType"), "description") or "").upper()
            draft.parties.append(
                DraftParty(
                    role,
                    name,
                    other_names=others,
                    country=one(inside(place, "iso"), "code") or region,
                    nationality=one(inside(inside(each, "citizenship"), "iso"), "code"),
                    entity="person" if entity.startswith("INDIVIDUAL") else "organisation" if entity else "unknown",
                    sequence=each.get("entityNum") if isinstance(each.get("entityNum"), int) else None,
                    address=DraftAddress(lines, one(each, "city"), region, one(each, "zip")),
                )
            )
    post = inside(status, "correspondence")
    attorney, person = one(post, "attorneyName"), one(post, "individualFullName")
    place = inside(post, "address")
    address = DraftAddress(
        [line for count in range(1, 6) if (line := one(place, f"line{count}"))] + words_in(post, "freeFormAddress"),
        one(place, "city"),
        one(inside(inside(place, "region"), "stateCountry"), "code"),
        one(place, "postalCode"),
        email=words_in(inside(post, "correspondantEmail"), "addresses"),
        phone=words_in(post, "correspondantPhone"),
        fax=words_in(post, "correspondantFax"),
    )
    kept = address if address != DraftAddress() else None
    country = one(place, "countryCode")
    if attorney:
        draft.parties.append(DraftParty(PartyRole.REPRESENTATIVE, attorney, entity="person"))
    if name := person or one(post, "organizationName") or attorney:
        draft.parties.append(DraftParty(PartyRole.CORRESPONDENT, name, country=country, address=kept))
    if examiner := one(inside(inside(status, "staff"), "examiner"), "name"):
        draft.parties.append(DraftParty(PartyRole.EXAMINER, examiner, entity="person"))


def _tsdr_goods(draft: Draft, found: Object) -> None:
    for goods in several(found, "gsList"):
        classes = [one(each, "code") or "" for each in several(goods, "internationalClasses")]
        prime = one(goods, "primeClassCode")
        symbols = [symbol for symbol in (classes or [prime or ""]) if symbol]
        # 200, A and B are US classes of collective and certification marks, which stand in place of Nice classes
        add_classes(draft, "NICE", [symbol for symbol in symbols if symbol.isdigit() and int(symbol) <= 45])
        add_classes(
            draft, "US-TM-CLASS", [one(each, "code") or "" for each in several(goods, "usClasses")], office=OFFICE
        )
        add_text(
            draft, TextType.GOODS_SERVICES, one(goods, "description"), LANGUAGE, prime or next(iter(symbols), None)
        )
        for name, label in (("firstUseDate", None), ("firstUseInCommerceDate", "in commerce")):
            add_date(draft, DateType.FIRST_USE, one(goods, name), label)
        if code := one(goods, "statusCode"):
            words = _said(one(goods, "statusDescription"), f"class {prime}" if prime else None)
            date = one(goods, "statusDate")
            draft.events.append(DraftEvent(code, "US-TM-CLASS-STATUS", OFFICE, date, description=words))


def _tsdr_relations(draft: Draft, found: Object, status: Object) -> None:
    for entry in several(found, "prosecutionHistory"):
        code = "".join(part for part in (one(entry, "entryCode"), one(entry, "entryType")) if part) or "entry"
        words = _said(one(entry, "entryDesc"))
        draft.events.append(DraftEvent(code, "US-TM-EVENT", OFFICE, one(entry, "entryDate"), description=words))
    for claim in several(found, "foreignInfoList"):
        raw = one(claim, "foreignApplicationNumber", "applicationNumber")
        date = one(claim, "foreignFilingDate", "filingDate")
        country = one(claim, "foreignCountryCode", "countryCode", "countryName")
        if raw:
            draft.priorities.append(DraftPriority(DraftNumber(NumberType.APPLICATION, raw, country, date=date), date))
        if raw := one(claim, "foreignRegistrationNumber", "registrationNumber"):
            registered = DraftNumber(NumberType.REGISTRATION, raw, country, date=one(claim, "foreignRegistrationDate"))
            draft.relations.append(DraftRelation(RelationType.RELATED, registered, "foreign registration"))
    for bundle in several(found, "relationshipBundleList"):
        if raw := one(bundle, "internationalRegistrationNumber"):
            add_number(draft, NumberType.INTERNATIONAL, raw, "WO")
        if raw := one(bundle, "referenceNumber"):
            number = DraftNumber(NumberType.OTHER, raw, "WO")
            draft.relations.append(DraftRelation(RelationType.RELATED, number, "Madrid reference number"))
    for gazette in several(inside(found, "publication"), "officialGazettes"):
        date = one(gazette, "issueDate", "publicationDate", "date")
        add_date(draft, DateType.PUBLICATION, date, one(gazette, "category", "statusText"))
    for name in words_in(status, "prevRegNumList"):
        number = DraftNumber(NumberType.REGISTRATION, name, OFFICE)
        draft.relations.append(DraftRelation(RelationType.RELATED, number, "prior registration"))
    divisional = inside(found, "divisional")
    for raw, relation in (
        (one(divisional, "childOf"), RelationType.DIVISIONAL_OF),
        *((child, RelationType.CHILD) for child in words_in(divisional, "parentOfList") + words_in(status, "parentOf")),
    ):
        if raw:
            draft.relations.append(DraftRelation(relation, DraftNumber(NumberType.APPLICATION, raw, OFFICE)))


FORMATS: tuple[Format, ...] = (
    Format(
        name="json-uspto-odp",
        title="USPTO Open Data Portal: patent applications (JSON)",
        rights=("patent", "design"),
        recognises=has_keys({"patentBag"}, {"patentFileWrapperDataBag"}),
        read=reader(("patentBag.item", "patentFileWrapperDataBag.item"), _odp),
        version=1,
        reads=(
            "application, publication, grant and PCT numbers, dates, title, CPC and US classes",
            "applicants, inventors, attorneys with registration number, correspondent; addresses as personal data",
            "parents, children, provisional applications, foreign priorities",
            "status, transactions and assignments as events",
        ),
    ),
    Format(
        name="json-uspto-odp-documents",
        title="USPTO Open Data Portal: documents of a file (JSON)",
        rights=("patent",),
        recognises=has_keys({"documentBag"}),
        read=reader(("documentBag.item",), _odp_document),
        version=1,
        reads=("each document as an event on its application, with code, date, direction and addresses of its files",),
    ),
    Format(
        name="json-uspto-peds",
        title="USPTO PEDS: patent examination data (JSON)",
        rights=("patent", "design"),
        recognises=has_keys({"queryResults", "searchResponse"}),
        read=reader(("queryResults.searchResponse.response.docs.item",), _peds),
        version=1,
        reads=(
            "application, publication, grant and WIPO publication numbers, dates, title, US class",
            "applicants, inventors, attorneys, examiner, correspondent with country; addresses as personal data",
            "parents, children, provisional applications, foreign priorities",
            "status, transactions, term adjustments and assignments as events",
        ),
    ),
    Format(
        name="json-uspto-public-search",
        title="USPTO Patent Public Search: hit list (JSON)",
        rights=("patent", "design"),
        recognises=has_keys({"patents", "numFound", "totalResults"}),
        read=reader(("patents.item",), _public_search),
        version=1,
        reads=(
            "publication and application number, kind, dates, title, government interest",
            "applicants, assignees, first inventor, examiners",
            "IPC, CPC (inventive and additional), US classes; US references; family identifier; page images",
        ),
    ),
    Format(
        name="json-global-dossier",
        title="Global Dossier: family of an application (JSON)",
        rights=("patent",),
        recognises=has_keys({"corrAppNum", "list"}),
        read=reader(("list.item",), _global_dossier),
        version=1,
        reads=(
            "a partial record for each publication of the family",
            "its application, kind and dates, priorities, other publications of the application",
        ),
    ),
    Format(
        name="json-uspto-tsdr",
        title="USPTO TSDR case status: marks (JSON)",
        rights=("trademark",),
        recognises=has_keys({"trademarks", "designSearchList"}, {"trademarks", "serialNumber", "filingDate"}),
        read=reader(("trademarks.item",), _tsdr),
        version=1,
        reads=(
            "serial and registration number, dates, mark, description, disclaimer, colours, kind and drawing",
            "owners, attorney, correspondent with country and nationality; addresses as personal data",
            "goods and services with Nice and US classes and first use; design search codes",
            "status, TM5 status, prosecution history, filing bases and locations of the file as events",
            "foreign filings, international registration, related registrations",
        ),
    ),
)
