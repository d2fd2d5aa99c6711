"""EPO DOCDB exchange files, and the answers of Open Patent Services and of the European Patent Register.

DOCDB delivers one `exchange-document` a publication, with create, amend and delete in its `status` (DOCDB manual,
chapter on exchange files). OPS wraps the same element, and has answers that carry one part of a publication only: full
text, INPADOC family with legal events, image inquiries, hit lists. Those come out as partial Drafts of the publication.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from common.errors import InputError
from indexer.formats import st36
from indexer.formats.draft import (
    Draft,
    DraftClassification,
    DraftDate,
    DraftEvent,
    DraftFamily,
    DraftImage,
    DraftNumber,
    DraftParty,
    DraftRelation,
    DraftText,
)
from indexer.formats.reading import Context, Format, Signature
from indexer.formats.xml import XmlRecord, attribute, every, first, local, records, text, value
from indexer.record import DateType, NumberType, RelationType, Right, TextType

DELETED = ("D", "DV")
"""`exchange-document@status` of a deletion: D of a publication, DV of a virtual one."""


def read_docdb(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, ("exchange-document",), context):
        yield (
            record
            if isinstance(record, InputError)
            else st36.identified(exchange_document(record.element), record, context)
        )


OPS_RECORDS = (
    "exchange-document",
    "fulltext-document",
    "register-document",
    "family-member",
    "inquiry-result",
    "publication-reference",
)


def read_ops(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    for record in records(stream, OPS_RECORDS, context):
        if isinstance(record, InputError):
            yield record
            continue
        draft = answer(record)
        if draft is not None:
            yield st36.identified(draft, record, context)


def answer(record: XmlRecord) -> Draft | None:
    """What one element of an OPS answer says; None for the echo of the question."""
    element = record.element
    match local(element):
        case "exchange-document":
            return exchange_document(element)
        case "fulltext-document":
            return fulltext_document(element)
        case "register-document":
            return register_document(element)
        case "family-member":
            return family_member(element)
        case "inquiry-result":
            return inquiry_result(element)
    if record.ancestors and record.ancestors[-1][0] == "search-result":
        return publication(element)
    return None


# --- DOCDB ---


def exchange_document(element: etree._Element) -> Draft:
    draft = Draft(Right.PATENT)
    draft.office, draft.kind = attribute(element, "country"), attribute(element, "kind")
    if attribute(element, "status") in DELETED:
        draft.operation = "delete"
    for data in every(element, "bibliographic-data"):
        st36.bibliography(draft, data)
        more_bibliography(draft, data)
    number, published = attribute(element, "doc-number"), attribute(element, "date-publ")
    if number and not any(n.type is NumberType.PUBLICATION and n.raw == number for n in draft.numbers):
        draft.numbers.insert(0, DraftNumber(NumberType.PUBLICATION, number, draft.office, draft.kind, published))
    if published and not any(date.type is DateType.PUBLICATION for date in draft.dates):
        draft.dates.insert(0, DraftDate(DateType.PUBLICATION, published))
    for name, date_type in (
        ("date-of-last-exchange", DateType.LAST_UPDATE),
        ("date-added-docdb", DateType.OTHER),
        ("date-of-previous-exchange", DateType.OTHER),
    ):
        if raw := attribute(element, name):
            draft.dates.append(DraftDate(date_type, raw, label=name))
    family(draft, element)
    st36.full_text(draft, element)
    for members in every(element, "patent-family"):
        draft.relations += family_relations(members)
        for abstract in every(members, "abstract"):
            draft.texts += st36.texts([abstract], TextType.ABSTRACT)
    return draft


def more_bibliography(draft: Draft, data: etree._Element) -> None:
    """What DOCDB has beyond ST.36."""
    for previous in every(data, "previously-filed-app"):
        if raw := text(previous):
            number = DraftNumber(NumberType.APPLICATION, raw)
            draft.relations.append(DraftRelation(RelationType.OTHER, number=number, text="previously-filed-app"))
    for preceding in every(data, "preceding-publication-date"):
        if raw := value(preceding, "date") or text(preceding):
            draft.dates.append(DraftDate(DateType.OTHER, raw, label="preceding-publication-date"))


def family(draft: Draft, element: etree._Element) -> None:
    """`family-id` is DOCDB's simple family (same priorities exactly)."""
    if (identifier := attribute(element, "family-id")) is not None:
        draft.families.append(DraftFamily(identifier, "docdb-simple"))


def family_relations(element: etree._Element) -> list[DraftRelation]:
    """The other members of a `patent-family`: each publication, or each application that has none."""
    found = []
    for member in every(element, "family-member"):
        for name, number_type in (
            ("publication-reference", NumberType.PUBLICATION),
            ("application-reference", NumberType.APPLICATION),
        ):
            writings: dict[str, list[DraftNumber]] = {}
            for reference in every(member, name):
                for position, number in enumerate(st36.document_ids(reference, number_type)):
                    writings.setdefault(attribute(reference, "sequence") or str(position), []).append(number)
            for same in writings.values():
                one = st36.one_number(same)
                found.append(DraftRelation(RelationType.RELATED, number=one, text="family-member"))
    return found


# --- OPS ---


def publication(element: etree._Element) -> Draft:
    """A partial Draft of the publication that an element refers to."""
    draft = Draft(Right.PATENT, partial=True)
    references = [element] if local(element) == "publication-reference" else every(element, "publication-reference")
    for reference in references:
        number = st36.one_number(st36.document_ids(reference, NumberType.PUBLICATION))
        draft.numbers += [number] if number else []
    st36.first_date(draft, DateType.PUBLICATION, draft.numbers)
    draft.office = next((number.office for number in draft.numbers if number.office), None)
    draft.kind = next((number.kind for number in draft.numbers if number.kind), None)
    family(draft, element)
    return draft


def fulltext_document(element: etree._Element) -> Draft:
    """Claims or description of a publication. They come as plain text: one line a paragraph or claim."""
    data = first(element, "bibliographic-data")
    draft = publication(element if data is None else data)
    for name, text_type in (("description", TextType.DESCRIPTION), ("claims", TextType.CLAIMS)):
        for found in every(element, name):
            if plain := lines(found):
                draft.texts.append(DraftText(text_type, plain, st36.language_of(found)))
    return draft


def lines(element: etree._Element) -> str | None:
    """Text of an element, line breaks kept, white space within lines collapsed."""
    parts = []
    for node in element.iter():
        if isinstance(node.tag, str) and local(node) in ("p", "claim-text", "heading"):
            split = "".join(str(part) for part in node.itertext()).splitlines()
            parts += [plain for line in split if (plain := " ".join(line.split()))]
    return "\n".join(parts) or text(element)


def inquiry_result(element: etree._Element) -> Draft:
    """Image inquiry: which page images OPS has of a publication."""
    draft = publication(element)
    for instance in every(element, "document-instance"):
        formats = [name for node in every(instance, "document-format-options/document-format") if (name := text(node))]
        sections = [
            f"{attribute(section, 'name')} {attribute(section, 'start-page')}"
            for section in every(instance, "document-section")
        ]
        pages = attribute(instance, "number-of-pages")
        caption = [attribute(instance, "desc"), f"{pages} pages" if pages else None, ", ".join(sections)]
        if reference := attribute(instance, "link"):
            draft.images.append(
                DraftImage(
                    "drawing" if attribute(instance, "desc") == "Drawing" else "document-page",
                    reference,
                    format=", ".join(formats) or None,
                    sequence=len(draft.images) + 1,
                    caption="; ".join(part for part in caption if part),
                )
            )
    return draft


def family_member(element: etree._Element) -> Draft:
    """A member of an INPADOC family: its references, priorities, legal events, and its biblio where asked for."""
    inside = first(element, "exchange-document")
    if inside is not None:
        draft = exchange_document(inside)
    else:
        draft = Draft(Right.PATENT, partial=True)
        st36.bibliography(draft, element)
        family(draft, element)
    draft.events += [legal_event(legal) for legal in every(element, "legal")]
    return draft


def legal_event(element: etree._Element) -> DraftEvent:
    """An INPADOC legal event; its fields L5xx are kept as `name: value` (OPS 3.2 manual, legal service)."""
    event = DraftEvent(
        (attribute(element, "code") or value(element, "L008EP") or "").strip(),
        "INPADOC",
        office=value(element, "L001EP"),
        publication_date=value(element, "L007EP"),
    )
    event.event_date = event.publication_date
    if words := attribute(element, "desc"):
        event.description.append(DraftText(TextType.OTHER, words))
    for fields in every(element, "L500EP"):
        for node in fields:
            raw = text(node)
            if raw is None:
                continue
            name = attribute(node, "desc") or local(node)
            if local(node) == "L525EP":
                event.effective_date = raw
            meaning = attribute(node, "descData")
            event.description.append(DraftText(TextType.OTHER, f"{name}: {raw}" + (f" ({meaning})" if meaning else "")))
    return event


# --- EPO Register ---


def register_document(element: etree._Element) -> Draft:
    """A dossier of the European Patent Register: the application with all its publications, statuses and steps.

    Groups that the Register changed appear once for each change (`change-date`); all are kept, newest first, since the
    older ones are the dossier's history.
    """
    draft = Draft(Right.PATENT, identified_by=NumberType.APPLICATION)
    draft.office = "EP"
    for data in every(element, "bibliographic-data"):
        st36.bibliography(draft, data)
        draft.parties = newest_first(data)
        for number in draft.numbers:
            if number.office == "WO":
                number.type = (
                    NumberType.PCT_PUBLICATION if number.type is NumberType.PUBLICATION else NumberType.PCT_APPLICATION
                )
        draft.classifications = register_classes(data)
        search_reports(draft, data)
    # the dossier is no one of its publications, and its dates are those of the European phase
    draft.kind = None
    draft.dates = [date for date in draft.dates if date.type not in (DateType.PUBLICATION, DateType.FILING)]
    for number in draft.numbers:
        if number.date and number.type in (NumberType.PCT_PUBLICATION, NumberType.PCT_APPLICATION):
            draft.dates.append(DraftDate(DateType.OTHER, number.date, label=number.raw))
    own = [number for number in draft.numbers if number.office == "EP"]
    st36.first_date(draft, DateType.PUBLICATION, [n for n in own if n.type is NumberType.PUBLICATION])
    st36.first_date(draft, DateType.FILING, [n for n in own if n.type is NumberType.APPLICATION])
    draft.numbers.sort(key=lambda number: number.office != "EP")
    statuses = every(element, "ep-patent-statuses/ep-patent-status")
    newest = max(statuses, key=lambda status: attribute(status, "change-date") or "", default=None)
    for status in statuses:
        words = text(status)
        draft.events.append(
            DraftEvent(
                attribute(status, "status-code") or words or "",
                "EP-REGISTER-STATUS",
                office="EP",
                event_date=attribute(status, "change-date"),
                description=[DraftText(TextType.OTHER, words, "en")] if words else [],
                current=status is newest,
            )
        )
    if (produced := attribute(element, "date-produced")) is not None:
        draft.dates.append(DraftDate(DateType.LAST_UPDATE, produced, label="date-produced"))
    draft.events += [procedural_step(step) for step in every(element, "procedural-data/procedural-step")]
    draft.events += [dossier_event(event) for event in every(element, "events-data/dossier-event")]
    return draft


def newest_first(data: etree._Element) -> list[DraftParty]:
    """Parties of all versions of each group, the version in force first. A party that stays is one party: how its name
    was written before becomes another name, its former addresses follow the present one."""
    found: dict[tuple[str, str], DraftParty] = {}
    for container in every(data, "parties"):
        groups = [group for group in container if isinstance(group.tag, str)]
        groups.sort(key=lambda group: attribute(group, "change-date") or "", reverse=True)
        for group in groups:
            alone = etree.Element("parties")
            alone.append(group)
            for party in st36.parties(alone):
                key = (party.role, "".join(filter(str.isalnum, party.name)).casefold())
                same = found.setdefault(key, party)
                if same is party:
                    continue
                if party.name not in (same.name, *same.other_names):
                    same.other_names.append(party.name)
                if same.address is not None and party.address is not None:
                    same.address.lines += [line for line in party.address.lines if line not in same.address.lines]
    return list(found.values())


def register_classes(data: etree._Element) -> list[DraftClassification]:
    """The Register lists the symbols of one scheme in one text: `G01C25/00, E21B47/024`."""
    found = []
    for path, scheme in (
        ("classifications-ipcr/classification-ipcr", "IPC"),
        ("classifications-cpc/classification-cpc", "CPC"),
    ):
        for element in every(data, path):
            symbols = (value(element, "text") or "").split(",")
            found += [DraftClassification(scheme, st36.printed(symbol)) for symbol in symbols if symbol.strip()]
    return st36.unique(found)


def search_reports(draft: Draft, data: etree._Element) -> None:
    for report in every(data, "search-reports-information/search-report-information"):
        event = DraftEvent(
            attribute(report, "search-type") or "search-report",
            "EP-REGISTER-SEARCH",
            office=attribute(report, "office"),
            event_date=value(report, "date-search-report-mailed/date"),
        )
        for reference in every(report, "search-report-publication"):
            for number in st36.document_ids(reference, NumberType.PUBLICATION):
                event.publication_date = event.publication_date or number.date
                draft.relations.append(
                    DraftRelation(
                        RelationType.RELATED, number=number, text="search-report-publication", date=number.date
                    )
                )
        draft.events.append(event)


def procedural_step(element: etree._Element) -> DraftEvent:
    event = DraftEvent(value(element, "procedural-step-code") or "", "EP-REGISTER-STEP", office="EP")
    phase = attribute(element, "procedure-step-phase")
    for words in every(element, "procedural-step-text"):
        if found := text(words):
            event.description.append(DraftText(TextType.OTHER, found, "en"))
    if phase and phase != "undefined":
        event.description.append(DraftText(TextType.OTHER, f"phase: {phase}", "en"))
    for when in every(element, "procedural-step-date"):
        raw, name = value(when, "date"), attribute(when, "step-date-type") or "date"
        if raw is None:
            continue
        if event.event_date is None:
            event.event_date = raw
        event.description.append(DraftText(TextType.OTHER, f"{name}: {raw}", "en"))
    if states := [state for node in every(element, "procedural-step-affected-states/country") if (state := text(node))]:
        event.description.append(DraftText(TextType.OTHER, "affected states: " + " ".join(states), "en"))
    return event


def dossier_event(element: etree._Element) -> DraftEvent:
    """`events-data/dossier-event`: what the European Patent Bulletin announced."""
    event = DraftEvent(value(element, "event-code") or "", "EP-REGISTER-EVENT", office="EP")
    event.event_date = value(element, "event-date/date")
    for gazette in every(element, "gazette-reference"):
        event.publication_date = value(gazette, "date")
        if number := value(gazette, "gazette-num"):
            event.description.append(DraftText(TextType.OTHER, f"bulletin {number}", "en"))
    for words in every(element, "event-text"):
        if found := text(words):
            event.description.append(DraftText(TextType.OTHER, found, "en"))
    return event


def recognises_docdb(found: Signature) -> bool:
    return found.root in ("exchange-documents", "exchange-document")


def recognises_ops(found: Signature) -> bool:
    return found.root in (
        "world-patent-data",
        "register-documents",
        "register-document",
        "fulltext-documents",
        "fulltext-document",
    )


FORMATS: tuple[Format, ...] = (
    Format(
        name="docdb",
        title="EPO DOCDB exchange documents (create, amend, delete)",
        rights=("patent",),
        recognises=recognises_docdb,
        read=read_docdb,
        version=1,
        reads=(
            *st36.READS,
            "create, amend and delete",
            "each name in its docdb, docdba and original writing",
            "simple family and its members",
            "dates of exchange",
        ),
    ),
    Format(
        name="ops",
        title="EPO Open Patent Services and European Patent Register",
        rights=("patent",),
        recognises=recognises_ops,
        read=read_ops,
        version=1,
        reads=(
            *st36.READS,
            "claims and descriptions (full-text service)",
            "families and legal events (INPADOC)",
            "image inquiries, hit lists",
            "Register: statuses, procedural steps, events, history of parties",
        ),
    ),
)
