"""From a Draft to a Record: every part normalised, repeated facts told once, doubts kept as findings."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

from common.errors import Place, UnidentifiedRecord
from common.messages import say
from indexer import language as languages
from indexer.formats.draft import (
    Draft,
    DraftClassification,
    DraftEvent,
    DraftNumber,
    DraftRelation,
    DraftText,
)
from indexer.harmonise import classifications, marks
from indexer.harmonise.dates import read_date
from indexer.harmonise.findings import finding
from indexer.harmonise.identity import build_id, identifying_number
from indexer.harmonise.kinds import kind_code, kind_of, kind_without_code
from indexer.harmonise.numbers import canonical_number, written_out
from indexer.harmonise.offices import OFFICES, office_code
from indexer.harmonise.origin import Origin
from indexer.harmonise.parties import Parties
from indexer.harmonise.status import honour_corrections, meaning_of, status_from
from indexer.record import (
    Citation,
    Classification,
    DatedFact,
    DateType,
    Deletion,
    Designation,
    FamilyReference,
    Finding,
    Image,
    Number,
    NumberType,
    Priority,
    Record,
    Relation,
    Right,
    Source,
    Status,
    StatusEvent,
    Text,
    TextType,
)

SCHEME_OFFICE = re.compile(r"([A-Z]{2})-")
WORLD = {NumberType.PCT_APPLICATION: "WO", NumberType.PCT_PUBLICATION: "WO", NumberType.INTERNATIONAL: "WO"}


def harmonise(draft: Draft, origin: Origin) -> Record | Deletion:
    """The Record (or the instruction to delete one) that a draft means.

    Nothing is invented: what cannot be read stays raw or absent and is named by a finding. The record's findings are
    those of harmonising only; indexer.quality.check adds the rest.

    Raises UnidentifiedRecord where no number identifies the record.
    """
    return _Assembly(draft, origin).result()


class _Assembly:
    """One draft on its way to a record. Methods append to `findings`."""

    def __init__(self, draft: Draft, origin: Origin) -> None:
        self.draft = draft
        self.origin = origin
        self.findings: list[Finding] = []
        self.fallback: str | None = None
        self.written_dates: dict[tuple[NumberType, dt.date], str] = {}
        self.office = self._office(draft.office, "office", origin.default_office)

    def result(self) -> Record | Deletion:
        draft, origin = self.draft, self.origin
        self.right_design_index = marks.design_index(draft.design_index)
        numbers = self._numbers(draft.numbers)
        identifying = identifying_number(
            draft.right, numbers, self.office, draft.identified_by, kind_code(draft.kind, self.office)
        )
        if identifying is None:
            raise UnidentifiedRecord(
                say("input.unidentified"),
                place=Place(origin.file, origin.member, origin.ordinal, "numbers", draft.line),
            )
        kind = self._kind(draft.kind, identifying)
        identifier = build_id(origin.collection, draft.right, identifying, kind, self.right_design_index)
        source = Source.model_construct(
            delivery=origin.delivery,
            file=origin.file,
            member=origin.member,
            ordinal=origin.ordinal,
            byte_offset=draft.byte_offset,
            byte_length=draft.byte_length,
            sha256=origin.sha256,
            format=origin.format,
            reader_version=origin.reader_version,
        )
        if draft.operation == "delete":
            return Deletion.model_construct(
                id=identifier,
                right=draft.right,
                provider=origin.provider,
                office=self.office,
                collection=origin.collection,
                source=source,
            )
        dates = self._dates(numbers)
        self.fallback = draft.language or languages.office_language(self.office)
        texts = self._texts()
        events, status = self._events()
        record_language = languages.normalise_tag(draft.language)
        parties = Parties(self.office, self.findings).of(draft.parties)
        group = self._kind_group(kind, numbers, dates)
        for field, problem in draft.problems:
            self.findings.append(finding("reader-problem", field, None, problem=problem))
        return Record.model_construct(
            id=identifier,
            right=draft.right,
            provider=origin.provider,
            office=self.office,
            collection=origin.collection,
            kind=kind,
            kind_group=group,
            unpublished=draft.unpublished,
            partial=draft.partial,
            language=record_language,
            numbers=numbers,
            dates=dates,
            texts=texts,
            parties=parties,
            classifications=self._classifications(draft.classifications),
            priorities=self._priorities(),
            families=self._families(),
            relations=self._relations(draft.relations),
            designations=self._designations(),
            images=self._images(),
            mark=marks.mark_details(draft),
            design=marks.design_details(draft, self.right_design_index),
            work=marks.work_details(draft),
            events=events,
            status=status,
            citations=self._citations(),
            findings=tuple(dict.fromkeys(self.findings)),
            source=source,
        )

    # ── offices and kinds ────────────────────────────────────────────────────────────────────────────────────────────

    def _office(self, raw: str | None, field: str, default: str) -> str:
        if not raw or not raw.strip():
            return default
        code = office_code(raw)
        if code is None:
            self.findings.append(finding("office-unknown", field, raw))
            short = raw.strip().upper()
            return short if re.fullmatch(r"[A-Z]{2}", short) else default
        if OFFICES[code].former:
            self.findings.append(finding("office-former", field, code, name=OFFICES[code].name))
        return code

    def _kind(self, raw: str | None, identifying: Number) -> str | None:
        draft = self.draft
        code = kind_code(raw, self.office)
        if raw and code is None:
            self.findings.append(finding("kind-unreadable", "kind", raw))
        if draft.right is not Right.PATENT:
            return code or (raw.strip() if raw and raw.strip() else None)
        if identifying.type is NumberType.PUBLICATION and identifying.kind:
            return identifying.kind
        return code or identifying.kind

    def _kind_group(self, kind: str | None, numbers: tuple[Number, ...], dates: tuple[DatedFact, ...]) -> str | None:
        if self.draft.right not in (Right.PATENT, Right.DESIGN) or not kind or not re.fullmatch(r"[A-Z]\d?", kind):
            return None
        year = next((n.date.year for n in numbers if n.type is NumberType.PUBLICATION and n.date), None)
        year = year or next((d.date.year for d in dates if d.type is DateType.PUBLICATION), None)
        meaning = kind_of(kind, self.office, year)
        if meaning is None or not meaning.known:
            self.findings.append(finding("kind-unknown", "kind", kind, office=self.office))
        return meaning.group if meaning else None

    # ── dates ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _date(self, raw: str | None, field: str, office: str | None = None) -> dt.date | None:
        if not raw:
            return None
        read = read_date(raw, office or self.office)
        if read.problem:
            self.findings.append(finding(f"date-{read.problem}", field, raw))
        return read.date

    def _dates(self, numbers: tuple[Number, ...]) -> tuple[DatedFact, ...]:
        found: dict[tuple[DateType, dt.date, str | None], DatedFact] = {}
        for fact in self.draft.dates:
            date = self._date(fact.raw, f"dates.{fact.type.value}")
            if date is not None:
                key = (fact.type, date, fact.label)
                if key not in found:
                    found[key] = DatedFact.model_construct(type=fact.type, date=date, raw=fact.raw, label=fact.label)
        have = {key[0] for key in found}
        for number in sorted(numbers, key=lambda number: number.office != self.office):
            type = _DATE_OF_NUMBER.get(number.type)
            if type is DateType.REGISTRATION and self.draft.right is Right.PATENT:
                type = DateType.GRANT
            if type is None or number.date is None or type in have:
                continue
            found[(type, number.date, None)] = DatedFact.model_construct(
                type=type,
                date=number.date,
                raw=self.written_dates.get((number.type, number.date), number.date.isoformat()),
                label=None,
            )
            have.add(type)
        if DateType.PRIORITY not in have:
            earliest = min(
                (
                    (read.date, p.date)
                    for p in self.draft.priorities
                    if p.date and (read := read_date(p.date, self.office)).date
                ),
                default=None,
            )
            if earliest and earliest[0]:
                found[(DateType.PRIORITY, earliest[0], None)] = DatedFact.model_construct(
                    type=DateType.PRIORITY, date=earliest[0], raw=earliest[1], label=None
                )
        return tuple(found.values())

    # ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _number(self, draft: DraftNumber, field: str, default_office: str | None = None) -> Number | None:
        """`default_office` is that of the same number's other writing, for writings that name none."""
        raw = draft.raw.strip() if draft.raw else ""
        if not raw or not any(c.isalnum() for c in raw):
            return None
        type, body, kind_raw, office_raw = draft.type, raw, draft.kind, draft.office
        if type is NumberType.PUBLICATION and (written := written_out(raw)):
            office_raw, own_kind, body = written
            kind_raw = kind_raw or own_kind
        default = WORLD.get(type) or default_office or self.office
        office = self._office(office_raw, f"{field}.office", default)
        date = self._date(draft.date, f"{field}.date")
        kind = kind_code(kind_raw, office) if kind_raw else None
        if type is NumberType.PCT_APPLICATION or (type is NumberType.APPLICATION and _is_pct(body, kind)):
            # DOCDB names a PCT application by its receiving office, GB 0204635 W; others print it in full
            if office != "WO" and body[:1].isdigit():
                body = office + body
            type, office = NumberType.PCT_APPLICATION, "WO"
        elif type is NumberType.PCT_PUBLICATION:
            office = "WO"
        found = canonical_number(
            body, office=office, type=type, right=self.draft.right, kind=kind, date=date, format=_format(draft.format)
        )
        for note in found.notes:
            self.findings.append(finding("number-note", field, raw, note=note))
        if not found.known:
            self.findings.append(finding("number-shape", field, raw, office=office, type=type.value))
        forms = dict.fromkeys(found.forms)
        for form in draft.forms:
            other = canonical_number(form, office=office, type=type, right=self.draft.right, date=date)
            if other.known or form.startswith(office):
                forms.setdefault(other.canonical)
        forms.pop(found.canonical, None)
        kind = found.kind
        if kind is None and type is NumberType.PUBLICATION and self.draft.right is Right.PATENT:
            kind = kind_without_code(found.canonical, office, date)
        return Number.model_construct(
            type=type, raw=raw, canonical=found.canonical, office=office, kind=kind, date=date, forms=tuple(forms)
        )

    def _numbers(self, drafts: Iterable[DraftNumber]) -> tuple[Number, ...]:
        """Numbers told once: DOCDB, EPODOC and original writings of one number become one with forms."""
        kept: list[Number] = []
        places: dict[str, list[int]] = {}
        formats: list[set[str]] = []
        for draft in drafts:
            format = _format(draft.format)
            type = NumberType.APPLICATION if draft.type is NumberType.PCT_APPLICATION else draft.type
            sibling = next(
                (i for i, other in enumerate(kept) if format and _family(other.type) is type and formats[i] - {format}),
                None,
            )
            number = self._number(
                draft, f"numbers.{draft.type.value}", kept[sibling].office if sibling is not None else None
            )
            if number is None:
                continue
            if draft.date and number.date:
                self.written_dates.setdefault((number.type, number.date), draft.date)
            near = places.setdefault(number.canonical, [])
            same = next((i for i in near if _same_number(kept[i], number)), None)
            if same is None and sibling is not None and format in ("epodoc", "original"):
                same = sibling if format not in formats[sibling] and _variant(kept[sibling], number) else None
            if same is None:
                near.append(len(kept))
                kept.append(number)
                formats.append({format} if format else set())
            else:
                kept[same] = _merged_number(kept[same], number)
                if format:
                    formats[same].add(format)
        return tuple(kept)

    # ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _texts(self) -> tuple[Text, ...]:
        """One text per type, language, layer, class and wording; where forms differ the office's original comes
        first.
        """
        found: dict[tuple[object, ...], Text] = {}
        for draft in self.draft.texts:
            text = self._text(draft)
            if text is None:
                continue
            key = (text.type, text.language, text.layer, text.class_symbol, text.text)
            if key not in found:
                found[key] = text
        texts = list(found.values())
        texts.sort(key=lambda text: _FORMAT_ORDER.get(text.format or "", 0))
        return tuple(texts)

    def _text(self, draft: DraftText) -> Text | None:
        if not draft.text or not draft.text.strip():
            return None
        field = f"texts.{draft.type.value}"
        if draft.type in _NO_LANGUAGE:
            language = (
                languages.normalise_tag(draft.language)
                or languages.script_language(draft.text, languages.office_language(self.office))
                or "xx"
            )
        else:
            identified = languages.identify(draft.text, draft.language, self.fallback)
            language = identified.language
            if identified.mismatch:
                self.findings.append(finding("language-mismatch", field, draft.language, found=language))
            if identified.unknown_tag:
                self.findings.append(finding("language-unknown-tag", field, draft.language))
        return Text.model_construct(
            type=draft.type,
            text=draft.text,
            language=language,
            declared_language=draft.language,
            layer=draft.layer,
            class_symbol=_class_symbol(draft.class_symbol, self.draft.right),
            format=draft.format,
        )

    # ── classifications ──────────────────────────────────────────────────────────────────────────────────────────────

    def _classifications(self, drafts: Iterable[DraftClassification]) -> tuple[Classification, ...]:
        found: dict[tuple[str, str], Classification] = {}
        for draft in drafts:
            raw = draft.symbol.strip()
            if not raw:
                continue
            scheme = classifications.scheme_name(draft.scheme)
            symbol = classifications.normalise(scheme, raw)
            if not symbol.valid:
                self.findings.append(finding("class-shape", f"classifications.{scheme}", raw, scheme=scheme))
            edition = classifications.edition_of(draft.edition) or symbol.edition
            office = (office_code(draft.office) or draft.office) if draft.office else symbol.office
            inventive = draft.inventive if draft.inventive is not None else symbol.inventive
            first = draft.first or bool(symbol.first)
            key = (scheme, symbol.symbol)
            known = found.get(key)
            if known is None:
                found[key] = Classification.model_construct(
                    scheme=scheme,
                    symbol=symbol.symbol,
                    raw=draft.symbol,
                    edition=edition,
                    first=first,
                    inventive=inventive,
                    office=office,
                )
            else:
                found[key] = known.model_copy(
                    update={
                        "edition": known.edition or edition,
                        "first": known.first or first,
                        "inventive": known.inventive if inventive is None else bool(known.inventive) or inventive,
                        "office": known.office or office,
                    }
                )
        return tuple(found.values())

    # ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _priorities(self) -> tuple[Priority, ...]:
        kept: list[Priority] = []
        places: dict[str, list[int]] = {}
        formats: list[set[str]] = []
        for draft in self.draft.priorities:
            raw = draft.number
            if raw.date is None and draft.date:
                raw = DraftNumber(raw.type, raw.raw, raw.office, raw.kind, draft.date, raw.format, raw.forms)
            format = _format(raw.format)
            sibling = next(
                (
                    i
                    for i, other in enumerate(kept)
                    if format
                    and draft.sequence is not None
                    and other.sequence == draft.sequence
                    and formats[i]
                    and format not in formats[i]
                ),
                None,
            )
            number = self._number(raw, "priorities", kept[sibling].number.office if sibling is not None else None)
            if number is None:
                continue
            date = self._date(draft.date, "priorities.date") or number.date
            near = places.setdefault(number.canonical, [])
            same = next((i for i in near if _same_number(kept[i].number, number)), sibling)
            if same is None:
                near.append(len(kept))
                kept.append(
                    Priority.model_construct(number=number, date=date, sequence=draft.sequence, type=draft.type)
                )
                formats.append({format} if format else set())
            else:
                other = kept[same]
                kept[same] = other.model_copy(
                    update={
                        "number": _merged_number(other.number, number),
                        "date": other.date or date,
                        "type": other.type or draft.type,
                    }
                )
                if format:
                    formats[same].add(format)
        return tuple(kept)

    def _families(self) -> tuple[FamilyReference, ...]:
        return tuple(
            FamilyReference.model_construct(
                identifier=family.identifier.strip(), definition=family.definition, provider=self.origin.provider
            )
            for family in self.draft.families
            if family.identifier and family.identifier.strip()
        )

    def _relations(self, drafts: Iterable[DraftRelation]) -> tuple[Relation, ...]:
        kept: dict[tuple[object, ...], Relation] = {}
        for draft in drafts:
            number = self._number(draft.number, "relations") if draft.number else None
            date = self._date(draft.date, "relations.date")
            text = draft.text.strip() if draft.text else None
            if number is None and not text:
                continue
            key = (draft.type, number.canonical if number else None, number.kind if number else None, text)
            if key not in kept:
                kept[key] = Relation.model_construct(type=draft.type, number=number, text=text, date=date)
        return tuple(kept.values())

    def _designations(self) -> tuple[Designation, ...]:
        kept: dict[tuple[str, str | None], Designation] = {}
        for draft in self.draft.designations:
            if not draft.office or not draft.office.strip():
                continue
            office = office_code(draft.office)
            if office is None:
                self.findings.append(finding("office-unknown", "designations.office", draft.office))
                office = draft.office.strip().upper()
            key = (office, draft.type)
            if key not in kept:
                kept[key] = Designation.model_construct(
                    office=office, type=draft.type, date=self._date(draft.date, "designations.date")
                )
        return tuple(kept.values())

    def _images(self) -> tuple[Image, ...]:
        kept: dict[tuple[str, str], Image] = {}
        for draft in self.draft.images:
            reference = draft.reference.strip() if draft.reference else ""
            if not reference:
                continue
            key = (draft.type, reference)
            if key not in kept:
                kept[key] = Image.model_construct(
                    type=draft.type,
                    reference=reference,
                    format=draft.format,
                    sequence=draft.sequence,
                    caption=draft.caption,
                    sha256=None,
                )
        return tuple(kept.values())

    def _event(self, draft: DraftEvent) -> StatusEvent | None:
        code = draft.code.strip() if draft.code else ""
        if not code:
            return None
        meaning = meaning_of(code, draft.scheme)
        if meaning is None and draft.current:
            # some lists give a number and the words beside it: the words may be known
            meaning = next((m for t in draft.description if (m := meaning_of(t.text, draft.scheme))), None)
        scheme_office = SCHEME_OFFICE.match(draft.scheme)
        default = scheme_office[1] if scheme_office and scheme_office[1] in OFFICES else self.office
        descriptions = tuple(text for described in draft.description if (text := self._text(described)))
        return StatusEvent.model_construct(
            raw_code=code,
            scheme=draft.scheme,
            office=self._office(draft.office, "events.office", default),
            key_event=meaning.key_event if meaning else None,
            state=meaning.state if meaning else None,
            stage=meaning.stage if meaning else None,
            event_date=self._date(draft.event_date, "events.event_date"),
            effective_date=self._date(draft.effective_date, "events.effective_date"),
            publication_date=self._date(draft.publication_date, "events.publication_date"),
            description=descriptions,
            withdrawn=False,
        )

    def _events(self) -> tuple[tuple[StatusEvent, ...], Status | None]:
        events: list[StatusEvent] = []
        places: dict[tuple[object, ...], int] = {}
        current_at: int | None = None
        unmapped: list[StatusEvent] = []
        for draft in self.draft.events:
            event = self._event(draft)
            if event is None:
                continue
            if event.state is None and draft.current:
                unmapped.append(event)
            key = (event.raw_code, event.scheme, event.office, *_days(event), tuple(t.text for t in event.description))
            at = places.setdefault(key, len(events))
            if at == len(events):
                events.append(event)
            if draft.current and (current_at is None or events[current_at].state is None):
                current_at = at
        log = honour_corrections(events)
        current = log[current_at] if current_at is not None else None
        if current is None or current.state is None:
            self.findings.extend(finding("status-unmapped", "events", e.raw_code, scheme=e.scheme) for e in unmapped)
        raw = None
        if current is not None:
            raw = current.description[0].text if current.description else current.raw_code
        return log, status_from(log, current, raw, office=self.office)

    def _citations(self) -> tuple[Citation, ...]:
        kept: dict[tuple[object, ...], Citation] = {}
        for draft in self.draft.citations:
            number = self._number(draft.number, "citations") if draft.number else None
            text = draft.text.strip() if draft.text else None
            if number is None and not text:
                continue
            key = (
                draft.type,
                (number.canonical, number.kind) if number else text,
                draft.category,
                draft.phase,
                draft.claims,
            )
            if key not in kept:
                kept[key] = Citation.model_construct(
                    type=draft.type,
                    number=number,
                    text=text,
                    category=draft.category,
                    phase=draft.phase,
                    claims=draft.claims,
                )
        return tuple(kept.values())


def _days(event: StatusEvent) -> tuple[dt.date | None, ...]:
    return event.event_date, event.effective_date, event.publication_date


_DATE_OF_NUMBER = {
    NumberType.PUBLICATION: DateType.PUBLICATION,
    NumberType.APPLICATION: DateType.FILING,
    NumberType.REGISTRATION: DateType.REGISTRATION,
}

_FORMAT_ORDER = {"original": -1, "docdb": 1, "docdba": 1, "epodoc": 2}

_NO_LANGUAGE = frozenset({TextType.MARK_TEXT, TextType.MARK_TRANSLITERATION})
"""Words that need not be words of any language: only a declared tag or an unmistakable script gives them one."""


def _format(raw: str | None) -> str | None:
    if not raw:
        return None
    lower = raw.strip().lower()
    return "docdb" if lower in ("docdb", "docdba") else lower


def _family(type: NumberType) -> NumberType:
    """The DOCDB writing of a national application may stand beside the PCT number it came from."""
    return NumberType.APPLICATION if type is NumberType.PCT_APPLICATION else type


_PCT = re.compile(
    r"PCT[ /-]?/?[A-Z]{2}.*|[A-Z]{2} ?(?:19|20)\d\d/\d{5,6}|WO(?:19|20)\d\d[A-Z]{2}\d{5,6}", re.IGNORECASE
)


def _is_pct(body: str, kind: str | None) -> bool:
    return kind == "W" or bool(_PCT.fullmatch(body))


def _same_number(one: Number, two: Number) -> bool:
    return (
        one.type is two.type
        and one.canonical == two.canonical
        and (one.kind == two.kind or one.kind is None or two.kind is None)
    )


def _variant(one: Number, two: Number) -> bool:
    """Whether `two` may write `one` in another format: same type and office, and no dates that differ."""
    if one.type is not two.type or one.office != two.office:
        return False
    return one.date is None or two.date is None or one.date == two.date


def _merged_number(one: Number, two: Number) -> Number:
    forms = dict.fromkeys((*one.forms, two.canonical, *two.forms))
    forms.pop(one.canonical, None)
    return one.model_copy(update={"kind": one.kind or two.kind, "date": one.date or two.date, "forms": tuple(forms)})


def _class_symbol(raw: str | None, right: Right) -> str | None:
    if not raw or not raw.strip():
        return None
    scheme = {Right.TRADEMARK: "NICE", Right.DESIGN: "LOCARNO"}.get(right)
    return classifications.normalise(scheme, raw.strip()).symbol if scheme else raw.strip()
