"""US Green Book: the USPTO's full text of grants from 1976 to 2001, as lines of tagged text.

A record starts with a line `PATN`. A line of four letters opens a group (`INVT`, `CLAS`, `DETD`); other lines carry a
tag in columns 1 to 4 and its value from column 6; a line blank up to there goes on with the value before. Weekly files
start with a header line and hold thousands of records. Source: the USPTO's Patent Full-Text/APS documentation.

Numbers carry a check digit that is no part of them and is left out: the ninth place of `WKU` (043479030 is patent
4,347,903), the seventh of `APN` (with `SRC`, the series: 06/192529). Countries are two letters and a filler (`JPX`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from common.errors import InputError, MalformedInput, Place
from common.messages import say
from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftCitation,
    DraftClassification,
    DraftDate,
    DraftEvent,
    DraftNumber,
    DraftParty,
    DraftPriority,
    DraftRelation,
    DraftText,
)
from indexer.formats.reading import Context, Format, Signature
from indexer.formats.st36_parts import printed_ipc
from indexer.formats.xml import MAX_RECORD
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

OFFICE = "US"
LANGUAGE = "en"
LONGEST_LINE = 1024 * 1024

START = re.compile(rb"(?m)^PATN\s*$\s*^WKU  ")
GROUP = re.compile(r"[A-Z]{4}\s*$")
TAGGED = re.compile(r"([A-Z][A-Z0-9]{2} ?)(?: +|$)")

RELATIONS = {
    "71": RelationType.CONTINUATION_OF,
    "72": RelationType.CONTINUATION_IN_PART_OF,
    "74": RelationType.DIVISIONAL_OF,
}
"""Codes of `RLAP`/`COD`. The others (chains of parents, PCT parents) are kept with their code as related documents."""

PCT_DATES = {"PD1": "35 U.S.C. 371 date", "PD2": "35 U.S.C. 102(e) date", "PD3": "PCT filing date"}
DESCRIPTION_GROUPS = ("GOVT", "PARN", "BSUM", "DRWD", "DETD")
KEPT_LINES = ("TBL", "EQU")
"""Tags whose line ends mean something."""


@dataclass(slots=True)
class Group:
    name: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    def get(self, tag: str) -> str | None:
        return next((found for found in self.all(tag)), None)

    def all(self, *tags: str) -> list[str]:
        return [text for tag, text in self.fields if tag in tags and text]


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    ordinal = 0
    lines: list[bytes] = []
    size = offset = start = 0
    number = start_line = 0
    inside = False

    def finished() -> Draft | InputError:
        if size > MAX_RECORD:
            return MalformedInput(
                say("input.green-book-record-too-large", size=MAX_RECORD // 1024 // 1024),
                place=Place(context.file, context.member, ordinal, line=start_line),
            )
        groups, strange = _groups(b"".join(lines))
        draft = _draft(groups)
        if strange:
            draft.problems.append(("lines", f"{strange} lines have neither a tag nor a value that goes on; left out"))
        draft.byte_offset, draft.byte_length, draft.line = start, size, start_line
        return draft

    while line := stream.readline(LONGEST_LINE):
        number += 1
        if line.rstrip() == b"PATN":
            if inside:
                yield finished()
                ordinal += 1
            inside, lines, size, start, start_line = True, [], 0, offset, number
        if inside:
            size += len(line)
            if size <= MAX_RECORD:
                lines.append(line)
            else:
                lines.clear()
        offset += len(line)
    if inside:
        yield finished()
    else:
        yield MalformedInput(
            say("input.no-green-book"),
            place=Place(context.file, context.member),
        )


def _groups(data: bytes) -> tuple[list[Group], int]:
    """Groups of a record, and how many of its lines fit no rule of the format."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    groups, strange = [Group("")], 0
    for line in text.split("\n"):
        line = line.rstrip("\r")
        if not line.strip():
            continue
        if GROUP.match(line):
            groups.append(Group(line.strip()))
        elif tagged := TAGGED.match(line):
            groups[-1].fields.append((tagged.group(1).strip(), line[tagged.end() :].strip()))
        elif line[:5].strip() or not groups[-1].fields:
            strange += 1
        else:
            tag, before = groups[-1].fields[-1]
            more = line[5:].rstrip() if tag in KEPT_LINES else line.strip()
            groups[-1].fields[-1] = (tag, f"{before}\n{more}" if tag in KEPT_LINES else f"{before} {more}")
    return groups, strange


def _draft(groups: list[Group]) -> Draft:
    front = next((group for group in groups if group.name == "PATN"), Group("PATN"))
    raw = _patent_number(front.get("WKU") or "")
    design = raw.startswith("D") or front.get("APT") == "4"
    draft = Draft(Right.DESIGN if design else Right.PATENT, office=OFFICE, language=LANGUAGE)
    # kinds are not given, and the record is the publication all the same
    draft.identified_by = NumberType.PUBLICATION
    issued, filed = front.get("ISD"), front.get("APD")
    if raw:
        draft.numbers.append(DraftNumber(NumberType.PUBLICATION, raw, OFFICE, date=issued))
    if serial := front.get("APN"):
        number = f"{(front.get('SRC') or '').rjust(2, '0')}/{serial.rstrip('&')[:6]}"
        draft.numbers.append(DraftNumber(NumberType.APPLICATION, number, OFFICE, date=filed))
    for kind, date in ((DateType.FILING, filed), (DateType.PUBLICATION, issued), (DateType.GRANT, issued)):
        if date:
            draft.dates.append(DraftDate(kind, date))
    _add(draft, TextType.TITLE, front.get("TTL"))
    for tag in ("EXA", "EXP"):
        for name in front.all(tag):
            draft.parties.append(DraftParty(PartyRole.EXAMINER, _name(name), entity="person"))
    for tag, words in (("TRM", "term of grant"), ("DCD", "terminal disclaimer, date"), ("PBL", "publication level")):
        for said in front.all(tag):
            description = DraftText(TextType.OTHER, f"{words}: {said}", LANGUAGE)
            draft.events.append(DraftEvent(tag, "US-GREEN-BOOK", OFFICE, description=[description]))
    for group in groups:
        if (reader := READERS.get(group.name)) is not None:
            reader(draft, group)
    texts = {name: _prose([group for group in groups if group.name in names]) for name, names in TEXTS.items()}
    _add(draft, TextType.ABSTRACT, texts["abstract"])
    _add(draft, TextType.DESCRIPTION, texts["description"])
    _add(draft, TextType.CLAIMS, texts["claims"])
    return draft


TEXTS = {"abstract": ("ABST",), "description": DESCRIPTION_GROUPS, "claims": ("CLMS", "DCLM")}


def _add(draft: Draft, kind: TextType, text: str | None) -> None:
    if text:
        draft.texts.append(DraftText(kind, text, LANGUAGE))


def _prose(groups: list[Group]) -> str:
    lines: list[str] = []
    for group in groups:
        for place, (tag, text) in enumerate(group.fields):
            after = group.fields[place + 1][1] if place + 1 < len(group.fields) else ""
            # claims repeat their number at the start of their text
            if text and not (tag == "NUM" and after.startswith(text)):
                lines.append(text)
    return "\n".join(lines)


def _patent_number(raw: str) -> str:
    return raw[:-1] if len(raw) == 9 else raw


def _name(raw: str) -> str:
    """`Yano; Shozo` as `Yano, Shozo`."""
    return re.sub(r"\s*;\s*", ", ", raw)


def _country(raw: str | None) -> str | None:
    return raw[:2] if raw and re.fullmatch(r"[A-Z]{2}[X0-9]", raw) else raw


def _party(role: PartyRole, group: Group) -> DraftParty | None:
    name = group.get("NAM")
    if name is None:
        return None
    address = DraftAddress(group.all("STR"), group.get("CTY"), group.get("STA"), group.get("ZIP"))
    person = ";" in name
    # the format writes CNT for foreign addresses only: a state of the Union stands alone
    country = _country(group.get("CNT")) or (OFFICE if group.get("STA") else None)
    return DraftParty(
        role,
        _name(name),
        country=country,
        entity="person" if person or role is PartyRole.INVENTOR else "organisation",
        address=address if address != DraftAddress() else None,
    )


def _inventor(draft: Draft, group: Group) -> None:
    if (party := _party(PartyRole.INVENTOR, group)) is not None:
        party.sequence = sum(other.role is PartyRole.INVENTOR for other in draft.parties) + 1
        draft.parties.append(party)


def _assignee(draft: Draft, group: Group) -> None:
    if (party := _party(PartyRole.OWNER, group)) is not None:
        if group.get("COD") in ("04", "05"):
            party.entity = "person"  # Green Book, code of assignee: 04 US individual, 05 foreign individual
        draft.parties.append(party)


def _representative(draft: Draft, group: Group) -> None:
    for tag, text in group.fields:
        if tag in ("FRM", "NAM") and text:
            draft.parties.append(DraftParty(PartyRole.REPRESENTATIVE, _name(text), entity="organisation"))
        elif tag in ("FR2", "AAT", "AGT", "ATT") and text:
            draft.parties.append(DraftParty(PartyRole.REPRESENTATIVE, _name(text), entity="person"))
        elif tag == "REG" and draft.parties and draft.parties[-1].role is PartyRole.REPRESENTATIVE:
            draft.parties[-1].identifier = text
    address = DraftAddress(group.all("STR"), group.get("CTY"), group.get("STA"), group.get("ZIP"))
    if address != DraftAddress() and draft.parties:
        draft.parties[-1].address = address
        draft.parties[-1].country = _country(group.get("CNT")) or (OFFICE if group.get("STA") else None)


def _priority(draft: Draft, group: Group) -> None:
    if raw := group.get("APN"):
        number = DraftNumber(NumberType.APPLICATION, raw, _country(group.get("CNT")), date=group.get("APD"))
        draft.priorities.append(DraftPriority(number, number.date, len(draft.priorities) + 1))


def _related(draft: Draft, group: Group) -> None:
    code = group.get("COD") or ""
    kind = RelationType.REISSUE_OF if group.name == "REIS" else RELATIONS.get(code, RelationType.RELATED)
    status = group.get("PSC")
    text = ", ".join(
        part for part in (f"{group.name} {code}".strip(), f"parent status {status}" if status else "") if part
    )
    if raw := group.get("APN"):
        pct = NumberType.PCT_APPLICATION if raw.startswith("PCT") else NumberType.APPLICATION
        number = DraftNumber(pct, raw, OFFICE, date=group.get("APD"))
        draft.relations.append(DraftRelation(kind, number, text, number.date))
    if raw := group.get("PNO"):
        number = DraftNumber(NumberType.PUBLICATION, raw, OFFICE, date=group.get("ISD"))
        draft.relations.append(DraftRelation(kind, number, text, number.date))


def _classes(draft: Draft, group: Group) -> None:
    design = draft.right is Right.DESIGN
    national, international = ("US-DESIGN", "LOCARNO") if design else ("USPC", "IPC")
    for tag in ("OCL", "XCL"):
        for symbol in group.all(tag):
            draft.classifications.append(DraftClassification(national, symbol, first=tag == "OCL", office=OFFICE))
    edition = group.get("EDF")
    for position, symbol in enumerate(map(printed_ipc, group.all("ICL"))):
        draft.classifications.append(DraftClassification(international, symbol, edition, first=position == 0))
    for symbol in group.all("DCL"):
        draft.classifications.append(DraftClassification("US-DIGEST", symbol, office=OFFICE))


def _citation(draft: Draft, group: Group) -> None:
    if group.name == "OREF":
        draft.citations += [DraftCitation("literature", text=text) for text in group.all("PAL", "PAR", "PA1")]
    elif raw := group.get("PNO"):
        office = OFFICE if group.name == "UREF" else _country(group.get("CNT"))
        number = DraftNumber(NumberType.PUBLICATION, raw, office, date=group.get("ISD"))
        draft.citations.append(DraftCitation("patent", number, group.get("NAM")))


def _international(draft: Draft, group: Group) -> None:
    if raw := group.get("PCN"):
        number = DraftNumber(NumberType.PCT_APPLICATION, raw, "WO", date=group.get("PD3"))
        draft.numbers.append(number)
        draft.relations.append(DraftRelation(RelationType.NATIONAL_PHASE_OF, number, date=number.date))
    if raw := group.get("PCP"):
        draft.numbers.append(DraftNumber(NumberType.PCT_PUBLICATION, raw, "WO", date=group.get("PCD")))
    for tag in ("PD1", "PD2"):
        for date in group.all(tag):
            draft.dates.append(DraftDate(DateType.OTHER, date, PCT_DATES[tag]))


READERS = {
    "INVT": _inventor,
    "ASSG": _assignee,
    "LREP": _representative,
    "PRIR": _priority,
    "RLAP": _related,
    "REIS": _related,
    "CLAS": _classes,
    "UREF": _citation,
    "FREF": _citation,
    "OREF": _citation,
    "PCTA": _international,
}


def _recognises(found: Signature) -> bool:
    return START.search(found.head) is not None


FORMATS: tuple[Format, ...] = (
    Format(
        name="us-green-book",
        title="US Green Book full text of grants, 1976 to 2001",
        rights=("patent", "design"),
        recognises=_recognises,
        read=read,
        version=1,
        reads=(
            "patent and application number with series, without check digits",
            "dates of issue and filing",
            "title, abstract, description, claims, tables and formulas as set",
            "inventors, assignees, representatives, examiners with country; addresses as personal data",
            "foreign priorities, related applications and reissues with their codes, PCT data",
            "IPC, US and Locarno classes (not the field of search)",
            "cited patents and literature",
            "term of grant and terminal disclaimers",
        ),
    ),
)
