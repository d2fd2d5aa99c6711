"""USPTO patent assignment search: the Solr answers of assignment-api.uspto.gov, one `doc` for each reel and frame.

An assignment is no publication. It is an event on each property it names, with its parties: so each property of a
`doc` becomes a partial Draft of that patent, which adds the event, who took and who gave, and the numbers, dates and
title that the recordation cites. Lists with the same positions (`applNum`, `patNum`, `inventionTitle`, …) describe one
property each.
`NULL` and the year 1 stand for what is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from common.errors import InputError
from indexer.formats.draft import Draft, DraftAddress, DraftDate, DraftEvent, DraftNumber, DraftParty, DraftText
from indexer.formats.reading import Context, Format
from indexer.formats.st36_parts import answers, start
from indexer.formats.xml import XmlRecord, text
from indexer.record import DateType, NumberType, PartyRole, Right, TextType

OFFICE = "US"
ELEMENTS = ("doc",)
NOTHING = re.compile(r"NULL|0001-01-01.*")

PROPERTY_LISTS = ("applNum", "patNum", "publNum", "pctNum", "intlRegNum")

TAKER_ROLES = (
    (re.compile(r"SECURITY|LIEN|MORTGAGE|RELEASE|TERMINAT|COLLATERAL|PLEDGE|BANKRUPT"), PartyRole.OTHER),
    (re.compile(r"LICEN[CS]E"), PartyRole.LICENSEE),
    (re.compile(r"ASSIGNMENT|MERGER|CHANGE OF NAME|CONVERSION|SUCCESSION|DISTRIBUTION"), PartyRole.OWNER),
)
"""Role of the `patAssignee` by the words of the conveyance, first match: who holds a security does not own."""


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in answers(stream, ELEMENTS, context):
        if isinstance(record, XmlRecord):
            yield from _drafts(record)
        else:
            yield record


def _drafts(record: XmlRecord) -> Iterator[Draft]:
    fields = {str(found.get("name")): _values(found) for found in record.element if found.get("name")}
    properties = max((len(fields.get(name, ())) for name in PROPERTY_LISTS), default=0)
    for position in range(max(properties, 1)):
        yield _draft(record, fields, position)


def _values(element: etree._Element) -> list[str | None]:
    """Values of a field; None where it is filler."""
    found = [text(inner) for inner in element] if len(element) else [text(element)]
    return [None if words is None or NOTHING.fullmatch(words) else words for words in found]


def _draft(record: XmlRecord, fields: dict[str, list[str | None]], position: int) -> Draft:
    def here(name: str, at: int = position) -> str | None:
        found = fields.get(name, [])
        return found[at] if at < len(found) else None

    draft = start(record, Right.PATENT)
    draft.office, draft.partial, draft.identified_by = OFFICE, True, NumberType.APPLICATION
    for name, dated, number_type, date_type, office in (
        ("applNum", "filingDate", NumberType.APPLICATION, DateType.FILING, OFFICE),
        ("publNum", "publDate", NumberType.PUBLICATION, DateType.PUBLICATION, OFFICE),
        ("patNum", "issueDate", NumberType.REGISTRATION, DateType.GRANT, OFFICE),
        ("pctNum", "", NumberType.PCT_APPLICATION, None, "WO"),
        ("intlRegNum", "intlPublDate", NumberType.INTERNATIONAL, DateType.OTHER, "WO"),
    ):
        date = here(dated)
        if raw := here(name):
            draft.numbers.append(DraftNumber(number_type, raw, office, date=date))
        if date and date_type is not None:
            draft.dates.append(DraftDate(date_type, date, dated if date_type is DateType.OTHER else None))
    if title := here("inventionTitle"):
        draft.texts.append(DraftText(TextType.TITLE, title, here("inventionTitleLang")))
    for name in re.split(r",\s+(?!(?:Jr|Sr|II|III|IV)\b)", here("inventors") or "", flags=re.I):
        if name:
            draft.parties.append(DraftParty(PartyRole.INVENTOR, name, entity="person"))
    if updated := here("lastUpdateDate", 0):
        draft.dates.append(DraftDate(DateType.LAST_UPDATE, updated))
    draft.parties += _conveyance_parties(fields, here("conveyanceText", 0) or "")
    draft.events.append(_event(fields, here("conveyanceText", 0)))
    return draft


def taker_role(conveyance: str) -> PartyRole:
    """What the words of a conveyance make of the assignee."""
    return next((role for words, role in TAKER_ROLES if words.search(conveyance.upper())), PartyRole.OTHER)


def _conveyance_parties(fields: dict[str, list[str | None]], conveyance: str) -> list[DraftParty]:
    role = taker_role(conveyance)
    found = []
    for position, name in enumerate(fields.get("patAssigneeName", [])):
        if name is None:
            continue
        parts = {
            part: (fields.get(f"patAssignee{part}", []) + [None] * (position + 1))[position]
            for part in ("Address1", "Address2", "City", "State", "CountryName", "Postcode")
        }
        lines = [line for line in (parts["Address1"], parts["Address2"]) if line]
        address = DraftAddress(lines, parts["City"], parts["State"], parts["Postcode"])
        kept = address if address != DraftAddress() else None
        found.append(DraftParty(role, name, country=parts["CountryName"], address=kept))
    found += [DraftParty(PartyRole.OTHER, name) for name in fields.get("patAssignorName", []) if name]
    if name := (fields.get("corrName") or [None])[0]:
        lines = [line for part in "123" for line in fields.get(f"corrAddress{part}", []) if line]
        found.append(DraftParty(PartyRole.CORRESPONDENT, name, address=DraftAddress(lines) if lines else None))
    return found


def _event(fields: dict[str, list[str | None]], conveyance: str | None) -> DraftEvent:
    def only(name: str) -> str | None:
        return next(iter(fields.get(name, [])), None)

    names = fields.get("patAssignorName", [])
    said = []
    if reel := only("displayId") or only("id"):
        said.append(f"reel-frame {reel}")
    for position, name in enumerate(names):
        executed, acknowledged = (
            (fields.get(dated, []) + [None] * len(names))[position]
            for dated in ("patAssignorExDate", "patAssignorDateAck")
        )
        dates = [f"executed {executed}"] if executed else []
        dates += [f"acknowledged {acknowledged}"] if acknowledged else []
        said.append(f"from {name}" + (f" ({', '.join(dates)})" if dates else ""))
    said += [f"to {name}" for name in fields.get("patAssigneeName", []) if name]
    for name, label in (("attorneyDockNum", "attorney docket"), ("pageCount", "pages")):
        if words := only(name):
            said.append(f"{label} {words}")
    if only("purgeIndicator") == "Y":
        said.append("purged from the register of assignments")
    return DraftEvent(
        conveyance or "ASSIGNMENT",
        "US-ASSIGNMENT",
        OFFICE,
        event_date=only("recordedDate"),
        effective_date=only("patAssignorEarliestExDate"),
        description=[DraftText(TextType.OTHER, words, "en") for words in said],
    )


FORMATS: tuple[Format, ...] = (
    Format(
        name="us-assignment",
        title="USPTO patent assignment search (XML answers)",
        rights=("patent",),
        recognises=lambda found: found.root == "response" and b"patAssignor" in found.head,
        read=read,
        version=1,
        reads=(
            "a partial record for each patent that an assignment names",
            "application, publication, grant, PCT and international registration number with dates, title, inventors",
            "the conveyance as an event with its words, reel and frame, dates of recording and execution",
            "assignees (owner, licensee or other, by the words of the conveyance) and assignors, with country",
            "the correspondent; addresses as personal data",
        ),
    ),
)
