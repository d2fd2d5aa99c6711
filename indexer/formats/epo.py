"""EPO full text: `ep-patent-document`, versions 1.0 to 1.5.1 (EPO Bulk Data Distribution, EP full-text data).

Bibliographic data stand in `SDOBI` under B-tags: ST.32 tags, whose numbers are INID codes (ST.9) times ten, and the
EPO's own, which end in EP. `b_tags.tsv` says what the dated ones mean and which of them are legal events. A dated or
worded tag that is not known here still comes out, as a date or text named by its tag, so that a new version of the
document type loses nothing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import BinaryIO

from lxml import etree

from common.errors import InputError
from indexer.formats import st36
from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftCitation,
    DraftClassification,
    DraftDate,
    DraftDesignation,
    DraftEvent,
    DraftNumber,
    DraftParty,
    DraftPriority,
    DraftRelation,
    DraftText,
)
from indexer.formats.reading import Context, Format
from indexer.formats.xml import attribute, every, first, local, records, text, value, values
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType


@dataclass(frozen=True, slots=True)
class Tag:
    """A dated B-tag: what it means, the type of its date, and whether it is an event of the dossier."""

    label: str
    date: DateType
    event: bool


def _tags() -> dict[str, Tag]:
    table = resources.files("indexer.formats").joinpath("b_tags.tsv").read_text("utf-8")
    return {
        row["tag"]: Tag(row["label"], DateType(row["date"] or "other"), row["event"] == "event")
        for row in csv.DictReader(table.splitlines(), delimiter="\t")
    }


TAGS = _tags()

PARTIES = {
    "B711": PartyRole.APPLICANT,
    "B711EP": PartyRole.CORRESPONDENT,
    "B721": PartyRole.INVENTOR,
    "B731": PartyRole.OWNER,
    "B741": PartyRole.REPRESENTATIVE,
    "B746": PartyRole.EXAMINER,
    "B747": PartyRole.EXAMINER,
    "B781": PartyRole.OPPONENT,
    "B784": PartyRole.REPRESENTATIVE,
    "B791": PartyRole.LICENSEE,
    "B794": PartyRole.REPRESENTATIVE,
}

RELATIONS = {
    "B610": RelationType.ADDITION_TO,
    "B620": RelationType.DIVISIONAL_OF,
    "B631": RelationType.CONTINUATION_OF,
    "B632": RelationType.CONTINUATION_IN_PART_OF,
    "B633": RelationType.REISSUE_OF,
    "B640": RelationType.REISSUE_OF,
    "B645": RelationType.RELATED,
    "B650": RelationType.STAGE_OF,
    "B655": RelationType.RELATED,
    "B660": RelationType.RELATED,
    "B666": RelationType.CORRECTS,
    "B670": RelationType.CONVERSION_OF,
}

DESIGNATIONS = {"B810": "pct", "B820": "elected", "B840": "contracting", "B845EP": "extension", "B849EP": "validation"}

CITED = re.compile(r"^([A-Z]{2})-([A-Z]\d?)-\s*(.+)$")
"""A cited patent document as B561 prints it: `EP-A- 0 460 575` (ST.14)."""

READ_BY_NAME = frozenset(
    {"B110", "B121", "B121EP", "B130", "B190", "B210", "B260", "B053EP", "B070EP", "B552"}
    | {"B051EP", "B052EP", "B541", "B542"}
)
"""Worded tags that have their own place in the Draft."""
NOT_READ = frozenset(
    {"B001EP", "B002EP", "B003EP", "B005EP", "B007EP", "B015EP", "B020EP", "B021EP", "B030EP", "B060EP", "B061EP"}
    | {"B250", "B251EP", "B862", "B872", "B551", "B571", "B575", "B591"}
    | {"B561EP", "B577", "B592", "B595", "B596", "B597", "B598"}
)
"""The publisher's production data, languages of steps, and counts of pages and figures."""
GROUPS_READ = frozenset({"B150", "B300", "B510", "B510EP", "B520", "B520EP", "B560", "B600"})
"""Groups with a reader of their own, which reads every worded tag in them."""


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ("ep-patent-document",), context):
        yield record if isinstance(record, InputError) else st36.identified(document(record.element), record, context)


def document(element: etree._Element) -> Draft:
    draft = Draft(Right.PATENT)
    draft.office, draft.kind = attribute(element, "country"), attribute(element, "kind")
    draft.language = attribute(element, "lang")
    for data in every(element, "SDOBI"):
        bibliography(draft, data)
    number = attribute(element, "doc-number")
    if number and not any(found.type is NumberType.PUBLICATION for found in draft.numbers):
        published = attribute(element, "date-publ")
        draft.numbers.insert(0, DraftNumber(NumberType.PUBLICATION, number, draft.office, draft.kind, published))
        if published:
            draft.dates.append(DraftDate(DateType.PUBLICATION, published))
    st36.full_text(draft, element)
    for section in every(element, "ep-reference-list"):
        draft.citations += reference_list(section)
    for report in every(element, "search-report-data"):
        draft.citations += [found for data in report.iter("{*}references-cited") for found in st36.citations(data)]
    return draft


def bibliography(draft: Draft, data: etree._Element) -> None:
    numbers(draft, data)
    priorities(draft, data)
    classes(draft, data)
    titles_and_notes(draft, data)
    citations(draft, data)
    relations(draft, data)
    for group in every(data, "B700"):
        draft.parties += list(parties(group))
    international(draft, data)
    events(draft, data)
    everything_else(draft, data)


def numbers(draft: Draft, data: etree._Element) -> None:
    office = value(data, "B100/B190") or draft.office
    published, filed = value(data, "B100/B140/date"), value(data, "B200/B220/date")
    draft.office = draft.office or office
    draft.kind = value(data, "B100/B130") or draft.kind
    if raw := value(data, "B100/B110"):
        draft.numbers.append(DraftNumber(NumberType.PUBLICATION, raw, office, draft.kind, published))
    if raw := value(data, "B200/B210"):
        draft.numbers.append(DraftNumber(NumberType.APPLICATION, raw, office, date=filed))
    if published:
        draft.dates.append(DraftDate(DateType.PUBLICATION, published))
    if filed:
        draft.dates.append(DraftDate(DateType.FILING, filed))
    draft.language = value(data, "B200/B260") or draft.language


def priorities(draft: Draft, data: etree._Element) -> None:
    """B310, B320 and B330 follow one another, one of each a priority."""
    for group in every(data, "B300"):
        found: list[DraftPriority] = []
        for node in group:
            tag, raw = local(node), value(node, "date", "ctry") or text(node)
            if tag == "B310" and raw:
                number = DraftNumber(NumberType.APPLICATION, raw)
                found.append(DraftPriority(number, sequence=len(found) + 1))
            elif tag == "B320" and found:
                found[-1].date = found[-1].number.date = raw
            elif tag == "B330" and found:
                found[-1].number.office = raw
        draft.priorities += found


def classes(draft: Draft, data: etree._Element) -> None:
    found: list[DraftClassification] = []
    for group in every(data, "B500/B510EP"):
        found += [one for node in every(group, "classification-ipcr") if (one := st36.ipcr(node)) is not None]
    for group in every(data, "B500/B520EP"):
        nodes = every(group, "classifications-cpc/classification-cpc") + every(group, "classification-cpc")
        found += [one for node in nodes if (one := st36.ipcr(node, "CPC")) is not None]
    for group in every(data, "B500/B510"):
        edition = value(group, "B516")
        for node in group:
            tag, raw = local(node), text(node)
            if raw and tag in ("B511", "B512", "B513", "B514", "B517EP"):
                found.append(st36.old_ipc(raw, edition, main=tag == "B511"))
    for group in every(data, "B500/B520"):
        for node in group:
            if raw := text(node):
                found.append(DraftClassification("NATIONAL", raw, first=local(node) == "B521"))
    draft.classifications += st36.unique(found)


def titles_and_notes(draft: Draft, data: etree._Element) -> None:
    """B540 alternates language (B541) and title (B542); B050EP does the same with notes (B051EP, B052EP)."""
    for path, language_tag, text_tag, text_type in (
        ("B500/B540", "B541", "B542", TextType.TITLE),
        ("B000/eptags/B050EP", "B051EP", "B052EP", TextType.OTHER),
    ):
        for group in every(data, path):
            language: str | None = None
            for node in group:
                if local(node) == language_tag:
                    language = text(node)
                elif local(node) == text_tag and (words := text(node)):
                    draft.texts.append(DraftText(text_type, words, language))
                    language = None
    for path in ("B000/eptags/B053EP", "B000/eptags/B070EP", "B100/B120/B121", "B100/B120/B121EP"):
        draft.texts += [DraftText(TextType.OTHER, words, attribute(data, "lang")) for words in values(data, path)]
    for group in every(data, "B500/B550"):
        draft.texts += [DraftText(TextType.KEYWORD, words, value(group, "B551")) for words in values(group, "B552")]


def citations(draft: Draft, data: etree._Element) -> None:
    """B561 (patents) and B562 (literature), each followed by its categories (B563) and claims (B564)."""
    for group in every(data, "B500/B560"):
        found: list[DraftCitation] = []
        for node in group:
            tag, raw = local(node), value(node, "text") or text(node)
            if raw is None:
                continue
            if tag == "B561":
                parts = CITED.match(raw)
                number = DraftNumber(NumberType.PUBLICATION, raw)
                if parts is not None:
                    number = DraftNumber(NumberType.PUBLICATION, parts[3], office=parts[1], kind=parts[2])
                found.append(DraftCitation("patent", number=number, text=raw if parts else None, phase=tag))
            elif tag == "B562":
                found.append(DraftCitation("literature", text=raw, phase=tag))
            elif tag == "B563" and found:
                found[-1].category = raw
            elif tag == "B564" and found:
                found[-1].claims = f"{found[-1].claims}, {raw}" if found[-1].claims else raw
        draft.citations += found


def reference_list(section: etree._Element) -> Iterator[DraftCitation]:
    """References cited in the description, as the EPO compiled them; crossrefs name the paragraphs."""
    for item in section.iter("{*}li", "{*}p"):
        for cited in item:
            if not isinstance(cited.tag, str) or local(cited) not in ("patcit", "nplcit"):
                continue
            citation = st36.cited_document(cited)
            written = attribute(cited, "dnum")
            if citation.number is not None and written and written != citation.number.raw:
                citation.number.forms.append(written)
            where = " ".join(values(item, "crossref"))
            citation.text = "; ".join(part for part in (citation.text, where) if part) or None
            citation.phase = "description"
            yield citation


def relations(draft: Draft, data: etree._Element) -> None:
    """B6xx: parents (`pdoc`), divisionals of this document (`cdoc`), corrected documents; B150: the correction."""
    for group in every(data, "B600"):
        for doc in group.iter("{*}pdoc", "{*}cdoc", "{*}B621EP", "{*}B622EP", "{*}B666"):
            tags = [local(node) for node in (doc, *doc.iterancestors()) if local(node).startswith("B")]
            relation = next((RELATIONS[tag] for tag in tags if tag in RELATIONS), RelationType.RELATED)
            if local(doc) == "cdoc":
                relation = RelationType.CHILD
            for numbers in _numbers(doc, draft.office):
                draft.relations += [DraftRelation(relation, number=n, text=tags[0], date=n.date) for n in numbers]
        for note in values(group, "B665/B668") + values(group, "B665/B667"):
            draft.texts.append(DraftText(TextType.OTHER, note, draft.language))
    for group in every(data, "B100/B150"):
        if words := st36.spaced(group):
            date = value(group, "B152/date")
            draft.relations.append(DraftRelation(RelationType.CORRECTS, text=f"B150: {words}", date=date))


def _numbers(doc: etree._Element, office: str | None) -> list[list[DraftNumber]]:
    """`dnum`, `date`, `ctry` and `kind` follow one another, once for each document."""
    found: list[list[DraftNumber]] = []
    for node in doc:
        tag, raw = local(node), text(node)
        if tag == "dnum":
            numbers = [DraftNumber(NumberType.APPLICATION, number, office) for number in values(node, "anum")]
            numbers += [DraftNumber(NumberType.PUBLICATION, number, office) for number in values(node, "pnum")]
            numbers += [DraftNumber(NumberType.OTHER, number, office) for number in values(node, "text")]
            found.append(numbers)
        for number in found[-1] if found else ():
            if tag == "date":
                number.date = raw
            elif tag == "ctry":
                number.office = raw
            elif tag == "kind":
                number.kind = raw
    return found


def parties(group: etree._Element) -> Iterator[DraftParty]:
    for node in group.iter():
        if not isinstance(node.tag, str) or local(node) not in PARTIES:
            continue
        names = [name for tag in ("snm", "onm", "text") if (name := value(node, tag)) is not None]
        if not names:
            continue
        given = " ".join(part for tag in ("fnm", "mnm") if (part := value(node, tag)) is not None)
        suffix = value(node, "sfx")
        name = f"{names[0]}, {given}" if given else names[0]
        if suffix and suffix != "et al":
            name = f"{name} {suffix}"
        number = value(node, "dnum/text")
        yield DraftParty(
            PARTIES[local(node)],
            name,
            other_names=names[1:],
            country=value(node, "adr/ctry", "ctry"),
            identifier=value(node, "iid"),
            sequence=st36.ordinal(number),
            address=address(node),
        )


def address(node: etree._Element) -> DraftAddress | None:
    where = first(node, "adr")
    if where is None:
        return None
    found = DraftAddress(
        lines=[line for street in every(where, "str") for line in _lines(street)] + values(where, "text"),
        city=value(where, "city"),
        region=value(where, "state") or value(where, "cnty"),
        postal_code=value(where, "pcode"),
        email=values(where, "ead"),
        phone=values(where, "tel"),
        fax=values(where, "fax"),
    )
    return found if found != DraftAddress() else None


def _lines(element: etree._Element) -> list[str]:
    whole = "".join(str(part) for part in element.itertext())
    return [line for raw in whole.splitlines() if (line := " ".join(raw.split()))]


def international(draft: Draft, data: etree._Element) -> None:
    """B860 and B870: Euro-PCT application and publication; the states of B8xx."""
    for path, number_type in (
        ("B800/B860/B861", NumberType.PCT_APPLICATION),
        ("B800/B870/B871", NumberType.PCT_PUBLICATION),
    ):
        for node in every(data, path):
            date = value(node, "date")
            raws = values(node, "dnum/anum") + values(node, "dnum/pnum")
            draft.numbers += [DraftNumber(number_type, raw, date=date) for raw in raws]
    for tag, kind in DESIGNATIONS.items():
        for node in data.iter("{*}" + tag):
            date = value(node, "date")
            draft.designations += [DraftDesignation(state, type=kind, date=date) for state in values(node, "ctry")]


def events(draft: Draft, data: etree._Element) -> None:
    """Lapses by state, oppositions."""
    for node in data.iter("{*}B475", "{*}B475EP"):
        # date and state follow one another, once for each state
        date: str | None = None
        for part in node:
            if local(part) == "date":
                date = text(part)
            elif local(part) == "ctry":
                draft.events.append(_event(local(node), date, text(part)))
    for node in every(data, "B700/B780/B781"):
        kind = value(node, "kind")
        event = _event("B781", value(node, "date"), draft.office)
        details = (value(node, "dnum/text"), value(node, "snm"), f"kind {kind}" if kind else None)
        event.description += [DraftText(TextType.OTHER, " ".join(part for part in details if part))]
        draft.events.append(event)


def _event(tag: str, date: str | None, office: str | None) -> DraftEvent:
    return DraftEvent(tag, "EP-SDOBI", office=office, event_date=date)


READ_WITH_THEIR_NUMBERS = frozenset({"B140", "B220", "B320", "B475", "B475EP", "B781", "B845EP", "B849EP"})
"""Dated tags whose date stands elsewhere in the Draft already."""


def everything_else(draft: Draft, data: etree._Element) -> None:
    """Every other dated tag by name and bulletin number, an event where the table says so; every other worded tag."""
    for node in data.iter():
        if not isinstance(node.tag, str) or not local(node).startswith("B"):
            continue
        tag = local(node)
        above = {local(ancestor) for ancestor in node.iterancestors()} | {tag}
        if tag not in READ_WITH_THEIR_NUMBERS and "B600" not in above:
            known, bulletin = TAGS.get(tag), value(node, "bnum")
            for raw in values(node, "date"):
                label = f"{tag} {known.label}" if known else tag
                label += f", bulletin {bulletin}" if bulletin else ""
                draft.dates.append(DraftDate(known.date if known else DateType.OTHER, raw, label=label))
                if known and known.event:
                    draft.events.append(_event(tag, raw, draft.office))
        raw_text = None if len(node) else text(node)
        if raw_text and tag not in READ_BY_NAME | NOT_READ and not above & GROUPS_READ:
            draft.texts.append(DraftText(TextType.OTHER, f"{tag}: {raw_text}", format=tag))
    for node in data.iter("{*}B725EP", "{*}B716EP", "{*}B717EP", "{*}B736EP", "{*}B737EP", "{*}B796"):
        if words := st36.spaced(node):
            draft.texts.append(DraftText(TextType.OTHER, f"{local(node)}: {words}", format=local(node)))


FORMATS: tuple[Format, ...] = (
    Format(
        name="ep-full-text",
        title="EPO full text (ep-patent-document 1.0 to 1.5.1)",
        rights=("patent",),
        recognises=lambda found: found.root == "ep-patent-document",
        read=read,
        version=1,
        reads=(
            "publication, application, PCT application and publication number",
            "titles, abstracts, descriptions and claims in every language; notes of the EPO",
            "applicants, inventors, proprietors, representatives, opponents and theirs, with country and address",
            "IPC (all editions) and CPC",
            "priorities",
            "contracting, extension and validation states",
            "every date of the B-tags with its bulletin",
            "lapses by state, oppositions, kind of document",
            "parent and divisional applications, corrections",
            "citations of the search report and of the description",
            "image references, pages of the search report",
        ),
    ),
)
