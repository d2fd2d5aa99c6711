"""TIPO (Taiwan): the index of the trademark gazette (`RegContentList`) and the application service (`tmarkappl`).

Dates of the gazette count years from 1912 (`109.12.15` is 2020-12-15); they are kept as written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from common.errors import InputError
from indexer.formats import wipo_parts as parts
from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftEvent,
    DraftImage,
    DraftNumber,
    DraftParty,
    DraftPriority,
    DraftText,
)
from indexer.formats.reading import Context, Format, Signature
from indexer.formats.xml import XmlRecord, attribute, every, local, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, Right, TextType

OFFICE = "TW"
NAMES = ("chinese-name", "english-name", "japanese-name")


def read_gazette(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """One Draft for each registration in the gazette's index. Yields an InputError for each that is not well-formed."""
    for record in records(stream, ("RegContent",), context):
        yield record if isinstance(record, InputError) else _registration(record)


def _registration(record: XmlRecord) -> Draft:
    found = record.element
    draft = parts.start(record, Right.TRADEMARK)
    draft.office = OFFICE
    published = next((v for _, a in record.ancestors for k, v in a.items() if k in ("publish-date", "date")), None)
    parts.add_date(draft, DateType.PUBLICATION, published)
    parts.add_number(draft, NumberType.REGISTRATION, value(found, "RegisterNo"), OFFICE, value(found, "SDate"))
    parts.add_number(draft, NumberType.APPLICATION, value(found, "CaseNo"), OFFICE, value(found, "Filing_Date"))
    parts.add_dates(
        draft,
        found,
        {"Filing_Date": DateType.FILING, "SDate": DateType.REGISTRATION, "EDate": DateType.EXPIRY},
    )
    if name := value(found, "Trademark_Name"):
        draft.texts.append(DraftText(TextType.MARK_TEXT, name))
    draft.mark_feature = value(found, "Trademark_Design")
    draft.mark_kind = value(found, "Mark_Type")
    if value(found, "ServiceMark") == "true":
        draft.texts += parts.note("ServiceMark", "ServiceMark")
    parts.add_symbols(draft, found, "RegContentClassification/Class", "NICE")
    for path, role, letter in (
        ("RegContentOwner", PartyRole.OWNER, "A"),
        ("RegContentAgent", PartyRole.REPRESENTATIVE, "B"),
    ):
        for position, element in enumerate(every(found, path), 1):
            names = [
                v for v in (value(element, f"{letter}{tongue}") for tongue in ("Chinese", "English", "Japanese")) if v
            ]
            if names:
                english = value(element, f"{letter}English")
                others = [one for one in names[1:] if one != english]
                latin = english if names[0] != english else None
                draft.parties.append(
                    DraftParty(
                        role,
                        names[0],
                        other_names=others,
                        latin_name=latin,
                        country=value(element, f"{letter}Country", "Country", "country-code"),
                        sequence=position,
                        address=_address(value(element, f"{letter}Address", "Address")),
                    )
                )
    for position, reference in enumerate(values(found, "Image") + values(found, "Trademark_Image"), 1):
        draft.images.append(DraftImage("mark", reference, sequence=position))
    return parts.finish(draft)


def _address(line: str | None) -> DraftAddress | None:
    return DraftAddress(lines=[line]) if line else None


def read_applications(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """One Draft for each application of the service. Yields an InputError for each that is not well-formed."""
    for record in records(stream, ("tmarkcontent",), context):
        yield record if isinstance(record, InputError) else _application(record)


def _application(record: XmlRecord) -> Draft:
    found = record.element
    draft = parts.start(record, Right.TRADEMARK)
    draft.office = OFFICE
    parts.add_number(draft, NumberType.APPLICATION, value(found, "appl-no"), OFFICE, value(found, "appl-date"))
    for path in ("regi-no", "register-no", "exam-no"):
        kind = NumberType.OTHER if path == "exam-no" else NumberType.REGISTRATION
        parts.add_number(draft, kind, value(found, path), OFFICE, value(found, "regi-date"))
    parts.add_dates(
        draft,
        found,
        {
            "appl-date": DateType.FILING,
            "receive-date": DateType.RECEIPT,
            "regi-date": DateType.REGISTRATION,
            "publ-date": DateType.PUBLICATION,
            "valid-date": DateType.EXPIRY,
        },
    )
    for path, language in (
        ("tmark-name", None),
        ("tmark-draft-c", "zh"),
        ("tmark-draft-e", "en"),
        ("tmark-draft-j", "ja"),
    ):
        for words in values(found, path):
            draft.texts.append(DraftText(TextType.MARK_TEXT, words, language, format=path))
    for words in values(found, "word-description"):
        draft.texts.append(DraftText(TextType.MARK_DESCRIPTION, words))
    for words in values(found, "tmark-sign"):
        draft.texts.append(DraftText(TextType.MARK_TEXT, words, format="tmark-sign"))
    draft.mark_feature = value(found, "tmark-type-desc", "tmark-type")
    draft.mark_kind = value(found, "tmark-class-desc", "tmark-class")
    draft.colours = values(found, "tmark-color-desc") or values(found, "tmark-color")
    for position, image in enumerate(every(found, "tmark-image-url/*"), 1):
        if reference := text(image):
            sound = local(image) == "audio-filename"
            draft.images.append(DraftImage("other" if sound else "mark", reference, sequence=position))
    for goods in every(found, "goodsclasses/goodsclass"):
        symbol = value(goods, "goodsclass-code")
        parts.add_symbol(draft, "NICE", symbol)
        draft.texts += [
            DraftText(TextType.GOODS_SERVICES, words, class_symbol=symbol) for words in values(goods, "goods-name")
        ]
        for line in values(goods, "goods-group"):
            for group in line.replace("，", ",").replace(";", ",").split(","):
                parts.add_symbol(draft, "TW-GOODS-GROUP", group.strip())
    for element in every(found, "parties/applicants/applicant"):
        _party(draft, element, PartyRole.APPLICANT)
    for element in every(found, "parties/agents/agent"):
        _party(draft, element, PartyRole.REPRESENTATIVE)
    for element in every(found, "priorities/priority"):
        raw, date = value(element, "priority-no"), value(element, "priority-date")
        if raw or date:
            number = DraftNumber(NumberType.APPLICATION, raw or "", value(element, "country-code"), date=date)
            draft.priorities.append(DraftPriority(number, date))
    if code := value(found, "status-desc", "status"):
        draft.events.append(DraftEvent(code, "TW-TM-STATUS", OFFICE, current=True))
    return parts.finish(draft)


def _party(draft: Draft, element: etree._Element, role: PartyRole) -> None:
    names = [v for tag in NAMES for v in values(element, tag)]
    if not names:
        return
    english = value(element, "english-name")
    sequence = attribute(element, "sequence")
    draft.parties.append(
        DraftParty(
            role,
            names[0],
            other_names=[one for one in names[1:] if one != english],
            latin_name=english if english != names[0] else None,
            country=value(element, "country-code", "chinese-country-name"),
            sequence=int(sequence)
            if sequence and sequence.isascii() and sequence.isdigit() and len(sequence) < 9
            else None,
            address=_address(value(element, "address")),
        )
    )


def _is_applications(found: Signature) -> bool:
    return found.root in ("tmarkappl", "API") and "tmarkcontent" in found.children


FORMATS: tuple[Format, ...] = (
    Format(
        "tipo-trademark-gazette",
        "TIPO, index of the trademark gazette",
        ("trademark",),
        lambda found: found.root == "RegContentList",
        read_gazette,
        1,
        (
            "registration and application numbers",
            "filing, registration and expiry dates",
            "name and kind of the mark",
            "Nice classes",
            "owners and agents in Chinese and English",
        ),
    ),
    Format(
        "tipo-trademark-application",
        "TIPO, trademark applications (tmarkappl)",
        ("trademark",),
        _is_applications,
        read_applications,
        1,
        (
            "application numbers, filing and receipt dates",
            "name of the mark, words in Chinese, English and Japanese, description, colours, kind",
            "Nice classes, goods and their groups",
            "applicants and agents with country and address",
            "images and sounds (by reference)",
        ),
    ),
)
