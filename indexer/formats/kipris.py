"""KIPRIS Plus: answers of the Korean office's open interface for patents and utility models, marks and designs.

One flat element a right; several values in one field are set apart by `|`. Two spellings of the field names are in use
(`OpeningNumber`, `openNumber`), so names are compared without case and by the tables below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, Literal

from common.errors import InputError
from indexer.formats.draft import (
    Draft,
    DraftClassification,
    DraftDate,
    DraftEvent,
    DraftImage,
    DraftNumber,
    DraftParty,
    DraftPriority,
    DraftText,
)
from indexer.formats.reading import Context, Format, Signature, nothing_found
from indexer.formats.st36_parts import start
from indexer.formats.xml import XmlRecord, local, records, text, value
from indexer.record import DateType, NumberType, PartyRole, Right, TextType

OFFICE = "KR"
LANGUAGE = "ko"
RIGHTS = {"PatentUtilityInfo": Right.PATENT, "TradeMarkInfo": Right.TRADEMARK, "DesignInfo": Right.DESIGN}
ELEMENTS = (*RIGHTS, "item", "header")
PREFIXES = {"10": Right.PATENT, "20": Right.PATENT, "30": Right.DESIGN, "40": Right.TRADEMARK, "41": Right.TRADEMARK}
"""First digits of Korean application numbers; marks go on to 45 (services, collective, business emblem)."""

NUMBERS: tuple[tuple[str, str, NumberType, DateType, str | None], ...] = (
    ("openingnumber opennumber", "openingdate opendate", NumberType.PUBLICATION, DateType.PUBLICATION, "openingDate"),
    (
        "publicnumber publicationnumber",
        "publicdate publicationdate",
        NumberType.PUBLICATION,
        DateType.PUBLICATION,
        None,
    ),
    (
        "registrationpublicnumber",
        "registrationpublicdate",
        NumberType.PUBLICATION,
        DateType.PUBLICATION,
        "registration",
    ),
    ("applicationnumber", "applicationdate", NumberType.APPLICATION, DateType.FILING, None),
    (
        "registrationnumber registernumber",
        "registrationdate registerdate",
        NumberType.REGISTRATION,
        DateType.REGISTRATION,
        None,
    ),
    (
        "internationalregisternumber internationalregistrationnumber",
        "internationalregisterdate internationalregistrationdate",
        NumberType.INTERNATIONAL,
        DateType.OTHER,
        "internationalRegisterDate",
    ),
    (
        "internationalapplicationnumber",
        "internationalapplicationdate",
        NumberType.PCT_APPLICATION,
        DateType.OTHER,
        "internationalApplicationDate",
    ),
    (
        "internationalopennumber internationalopeningnumber",
        "internationalopendate internationalopeningdate",
        NumberType.PCT_PUBLICATION,
        DateType.OTHER,
        "internationalOpenDate",
    ),
    ("appreferencenumber", "", NumberType.OTHER, DateType.OTHER, None),
    ("regreferencenumber", "", NumberType.OTHER, DateType.OTHER, None),
)

PARTIES = (
    ("applicant applicantname", PartyRole.APPLICANT),
    ("registrationrightholdername rightholdername", PartyRole.OWNER),
    ("agentname", PartyRole.REPRESENTATIVE),
)

CLASSES = (
    ("internationalpatentclassificationnumber ipcnumber", "IPC"),
    ("cpcnumber", "CPC"),
    ("goodclassificationcode classificationcode", "NICE"),
    ("viennacode", "VIENNA"),
    ("designmainclassification", "KR-DESIGN"),
    ("dsshpclsscd", "KR-DESIGN-SHAPE"),
    ("locarnoclassification locarnocode", "LOCARNO"),
)

BILINGUAL = re.compile(r"(.*[\uac00-\ud7a3)])\s+([A-Za-z][^\uac00-\ud7a3]*)")
LEGAL_FORM = re.compile(r"주식회사|유한회사|\(주\)|\(유\)")

IMAGES = ("drawingpath", "drawing", "bigdrawing", "imagepath", "imagepathlarge", "thumbnailpath")
STATUS = "registrationstatus registerstatus applicationstatus"


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    found = False
    said: str | None = None
    for record in records(stream, ELEMENTS, context):
        if isinstance(record, InputError):
            found = True
            yield record
        elif local(record.element) == "header":
            said = value(record.element, "resultMsg") or said
        else:
            found = True
            yield _draft(record)
    if not found:
        yield nothing_found(context, said)


def _draft(record: XmlRecord) -> Draft:
    # a field of only blanks is an empty one
    fields = {local(field).lower(): words for field in record.element if (words := text(field))}

    def one(names: str) -> str | None:
        return next((fields[name] for name in names.split() if name in fields), None)

    def several(names: str) -> list[str]:
        return [part.strip() for part in (one(names) or "").split("|") if part.strip()]

    serial = one("applicationnumber") or ""
    default = PREFIXES.get(serial[:2], Right.TRADEMARK if serial.startswith("4") else Right.PATENT)
    right = RIGHTS.get(local(record.element), default)
    draft = start(record, right)
    draft.office = OFFICE
    if right is Right.PATENT:
        draft.identified_by = NumberType.APPLICATION
    for number_names, date_names, number_type, date_type, label in NUMBERS:
        date = one(date_names)
        for raw in several(number_names):
            office = "WO" if number_type.value.startswith(("international", "pct")) else OFFICE
            draft.numbers.append(DraftNumber(number_type, raw, office, date=date))
        if date:
            draft.dates.append(DraftDate(date_type, date, label))
    dates = several("priorityclaimdate prioritydate")
    for position, raw in enumerate(several("priorityclaimnumber prioritynumber")):
        claimed = dates[position] if position < len(dates) else None
        number = DraftNumber(NumberType.APPLICATION, raw, date=claimed)
        draft.priorities.append(DraftPriority(number, claimed, position + 1))
    for names, role in PARTIES:
        draft.parties += [_party(role, name) for name in several(names)]
    makers = PartyRole.DESIGNER if right is Right.DESIGN else PartyRole.INVENTOR
    for position, name in enumerate(several("inventorname designername inventor")):
        draft.parties.append(DraftParty(makers, name, entity="person", sequence=position + 1))
    for names, scheme in CLASSES:
        by = OFFICE if scheme.startswith("KR-") else None
        for position, symbol in enumerate(several(names)):
            draft.classifications.append(DraftClassification(scheme, symbol, first=position == 0, office=by))
    _texts(draft, one)
    kind: Literal["mark", "design-view", "drawing"] = "drawing"
    if right is not Right.PATENT:
        kind = "mark" if right is Right.TRADEMARK else "design-view"
    for name in IMAGES:
        if reference := one(name):
            caption = "thumbnail" if name.startswith("thumb") else None
            draft.images.append(DraftImage(kind, reference, sequence=len(draft.images) + 1, caption=caption))
    if status := one(STATUS):
        draft.events.append(DraftEvent(status, "KR-KIPRIS-STATUS", OFFICE, current=True))
    draft.design_index = one("designnumber")
    return draft


def _party(role: PartyRole, written: str) -> DraftParty:
    """A party; right holders carry their English name after the Korean one."""
    found = BILINGUAL.fullmatch(written) if role is PartyRole.OWNER else None
    if found is None or not LEGAL_FORM.sub("", found[1]).strip():
        return DraftParty(role, written)
    return DraftParty(role, found[1], latin_name=found[2])


def _texts(draft: Draft, one: Callable[[str], str | None]) -> None:
    for names, kind, language in (
        ("inventionname inventiontitle", TextType.TITLE, LANGUAGE),
        ("abstract astrtcont", TextType.ABSTRACT, LANGUAGE),
        ("articlename", TextType.PRODUCT_INDICATION, LANGUAGE),
        ("title trademarktitle", TextType.MARK_TEXT, None),
    ):
        if words := one(names):
            draft.texts.append(DraftText(kind, words, language))


def _recognises(found: Signature) -> bool:
    if found.root != "response":
        return False
    names = set(found.children)
    return bool(names & set(RIGHTS)) or {"header", "resultCode"} <= names


FORMATS: tuple[Format, ...] = (
    Format(
        name="kipris",
        title="KIPRIS Plus answers: Korean patents, utility models, marks, designs",
        rights=("patent", "trademark", "design"),
        recognises=_recognises,
        read=read,
        version=1,
        reads=(
            "application, laid-open, publication, registration and international numbers with dates",
            "title and abstract; name of a design's article and its number in the application; wording of a mark",
            "applicants, right holders, agents, inventors or designers",
            "IPC, CPC, Nice, Vienna, Locarno and Korean design classes",
            "priorities",
            "present status in the office's words",
            "images by address",
        ),
    ),
)
