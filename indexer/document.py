"""A Record as the engine's document: the fields of mappings/, filled by hand because this runs for every record.

`document` gives what depends on the record alone; `finished` adds, as bytes, what is known only later (change sequence,
vector), so that a record is written as JSON once and never parsed again on its way to the engine.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from indexer import families
from indexer.duplicates.clusters import cluster_id
from indexer.embedding import Matrix
from indexer.marks import keys
from indexer.record import Classification, DateType, NumberType, PartyRole, Record, Right, TextType

Json = dict[str, Any]

UNKNOWN_LANGUAGE = "xx"

TEXT_FIELDS: dict[TextType, str] = {
    TextType.TITLE: "title",
    TextType.ABSTRACT: "abstract",
    TextType.CLAIMS: "claims",
    TextType.DESCRIPTION: "description",
    TextType.GOODS_SERVICES: "goods",
    TextType.PRODUCT_INDICATION: "product",
    TextType.GI_PRODUCT: "product",
}
"""Every other text is searched as description, except what is in `mark`."""

MARK_TEXTS = frozenset({TextType.MARK_TEXT, TextType.MARK_TRANSLITERATION})

ROLE_FIELDS: dict[PartyRole, str] = {
    PartyRole.APPLICANT: "applicant",
    PartyRole.INVENTOR: "inventor",
    PartyRole.OWNER: "owner",
    PartyRole.REPRESENTATIVE: "representative",
    PartyRole.DESIGNER: "designer",
    PartyRole.AUTHOR: "author",
}

NUMBER_FIELDS: dict[NumberType, str] = {
    NumberType.PUBLICATION: "publication_number",
    NumberType.PCT_PUBLICATION: "publication_number",
    NumberType.APPLICATION: "application_number",
    NumberType.PCT_APPLICATION: "application_number",
    NumberType.REGISTRATION: "registration_number",
    NumberType.INTERNATIONAL: "registration_number",
}

DATE_FIELDS: dict[DateType, str] = {
    DateType.FILING: "filing_date",
    DateType.PUBLICATION: "publication_date",
    DateType.REGISTRATION: "registration_date",
    DateType.GRANT: "grant_date",
    DateType.EXPIRY: "expiry_date",
    DateType.PRIORITY: "priority_date",
}

CLASS_FIELDS = {
    "IPC": "ipc",
    "CPC": "cpc",
    "FI": "fi",
    "FTERM": "fterm",
    "USPC": "uspc",
    "NICE": "nice",
    "VIENNA": "vienna",
    "LOCARNO": "locarno",
}

IPC_SYMBOL = re.compile(r"([A-HY])(?:(\d\d)(?:([A-Z])(?:\s*(\d+)(?:/.*)?)?)?)?$")

VECTOR_DECIMALS = 5
"""Digits of a component that are sent: components lie near 0.04, and shorter requests are parsed faster."""


def document(
    record: Record,
    languages: Collection[str],
    *,
    cluster: str | None = None,
) -> Json:
    """Everything but `seq`, `delivery`, `updated`, `embedding`, `embedder` and `record`.

    `languages`: those that have a text field; text of any other goes to `xx`. `cluster`: that of a record known to have
    duplicates; every other is one of its own, so that search can group by the field.
    """
    doc: Json = {
        "id": record.id,
        "right": record.right.value,
        "office": record.office,
        "provider": record.provider,
        "collection": record.collection,
        "format": record.source.format,
        "unpublished": record.unpublished,
    }
    for name, value in (
        ("kind", record.kind),
        ("kind_group", record.kind_group),
        ("cluster", cluster or cluster_id((record.id,))),
        ("application_key", families.application_key(record)),
        ("family_simple", families.simple_key(record)),
        ("family_link", families.links(record) or None),
    ):
        if value is not None:
            doc[name] = value
    _numbers(doc, record)
    _dates(doc, record)
    _texts(doc, record, languages)
    _parties(doc, record)
    _classes(doc, record.classifications)
    if record.events:
        codes = {event.raw_code for event in record.events}
        codes.update(event.key_event for event in record.events if event.key_event)
        doc["event_code"] = sorted(codes)
    if record.status is not None:
        doc["status_state"] = record.status.state
        if record.status.stage is not None:
            doc["status_stage"] = record.status.stage
    if record.mark is not None and record.mark.feature is not None:
        doc["mark_feature"] = record.mark.feature
    if record.designations:
        doc["designated"] = _unique(designation.office for designation in record.designations)
    if record.findings:
        doc["finding"] = _unique(finding.rule for finding in record.findings)
    return doc


def finished(
    prepared: bytes,
    body: bytes,
    *,
    seq: int,
    delivery: int,
    updated: dt.datetime,
    vector: bytes,
    pictures: bytes = b"",
) -> bytes:
    """The whole document as JSON, from `document` as JSON, the Record as JSON, `vector_json` and `pictures_json`."""
    stamp = updated.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return b"".join(
        (
            prepared[:-1],
            b',"seq":%d,"delivery":%d,"updated":"%sZ"' % (seq, delivery, stamp.encode()),
            vector,
            pictures,
            b',"record":',
            body,
            b"}",
        )
    )


def vector_json(vector: Matrix | None, embedder: str) -> bytes:
    """The two vector fields as a piece of JSON; nothing for a record without text."""
    if vector is None:
        return b""
    numbers = orjson.dumps(np.round(vector, VECTOR_DECIMALS), option=orjson.OPT_SERIALIZE_NUMPY)
    return b',"embedder":%s,"embedding":%s' % (orjson.dumps(embedder), numbers)


def pictures_json(vectors: Sequence[Matrix]) -> bytes:
    """The vectors of a record's pictures as a piece of JSON; nothing for a record without."""
    if not vectors:
        return b""
    held = [{"vector": np.round(vector, VECTOR_DECIMALS)} for vector in vectors]
    return b',"picture":' + orjson.dumps(held, option=orjson.OPT_SERIALIZE_NUMPY)


def _unique(values: Any) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def _numbers(doc: Json, record: Record) -> None:
    every: dict[str, None] = {}
    for number in record.numbers:
        forms = [number.canonical, *number.forms]
        if number.kind:
            forms.append(number.canonical + number.kind)
        every.update(dict.fromkeys(forms))
        if (field := NUMBER_FIELDS.get(number.type)) is not None:
            held = doc.setdefault(field, [])
            held.extend(form for form in forms if form not in held)
    doc["number"] = list(every)
    for field, values in (
        ("priority_number", (priority.number.canonical for priority in record.priorities)),
        ("cited_number", (citation.number.canonical for citation in record.citations if citation.number)),
        ("related_number", (relation.number.canonical for relation in record.relations if relation.number)),
        ("family_stated", (family.identifier for family in record.families)),
    ):
        if found := _unique(values):
            doc[field] = found


def _dates(doc: Json, record: Record) -> None:
    for fact in record.dates:
        field = DATE_FIELDS.get(fact.type)
        if field is not None and field not in doc:
            doc[field] = fact.date.isoformat()
    claimed = [priority.date for priority in record.priorities if priority.date is not None]
    if claimed:
        earliest = min(claimed).isoformat()
        doc["priority_date"] = min(earliest, doc.get("priority_date", earliest))


def _texts(doc: Json, record: Record, languages: Collection[str]) -> None:
    found: set[str] = set()
    for text in record.texts:
        if not text.text:
            continue
        if text.type in MARK_TEXTS:
            held = doc.setdefault("mark", [])
            if text.text not in held:
                held.append(text.text)
            continue
        if text.type is TextType.MARK_TRANSLATION:
            doc.setdefault("mark_translation", []).append(text.text)
        language = text.language if text.language in languages else UNKNOWN_LANGUAGE
        found.add(text.language)
        field = doc.setdefault(TEXT_FIELDS.get(text.type, "description"), {})
        field.setdefault(language, []).append(text.text)
    if found:
        doc["languages"] = sorted(found)
    if record.right is Right.TRADEMARK and "mark" in doc:
        doc.update(keys.fields(doc["mark"]))


def _parties(doc: Json, record: Record) -> None:
    for party in record.parties:
        field = doc.setdefault(ROLE_FIELDS.get(party.role, "other_party"), {"name": {}, "canonical": {}, "country": {}})
        field["name"].update(dict.fromkeys((party.name, *party.other_names)))
        if party.latin_name:
            field["name"][party.latin_name] = None
        field["canonical"][party.canonical_name] = None
        if party.country:
            field["country"][party.country] = None
    for role in (*ROLE_FIELDS.values(), "other_party"):
        if role in doc:
            doc[role] = {key: list(values) for key, values in doc[role].items() if values}


def _classes(doc: Json, classifications: Collection[Classification]) -> None:
    for classification in classifications:
        name = CLASS_FIELDS.get(classification.scheme, "other_class")
        field = doc.get(name)
        if field is None:
            field = doc[name] = {"symbol": {}, "any": {}}
        levels, every = levels_of(name, classification.symbol)
        field["symbol"][classification.symbol] = None
        field["any"].update(dict.fromkeys(every))
        for number, level in enumerate(levels, 1):
            field.setdefault(f"l{number}", {})[level] = None
    for name in (*CLASS_FIELDS.values(), "other_class"):
        if name in doc:
            doc[name] = {key: list(values) for key, values in doc[name].items()}


@lru_cache(maxsize=65536)
def levels_of(field: str, symbol: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Levels of a class symbol, widest first (at most four), and every writing by which the record is found.

    IPC and its relatives: section, class, subclass, main group (`H`, `H01`, `H01M`, `H01M 10/00`). Vienna: category,
    division, section. Locarno: class, subclass. USPC: class. F-terms: theme, viewpoint.
    """
    levels: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    if field in ("ipc", "cpc", "fi"):
        match = IPC_SYMBOL.match(symbol)
        if match:
            section, number, subclass, group = match.groups()
            parts = [section]
            if number:
                parts.append(section + number)
            if subclass:
                parts.append(section + number + subclass)
            if group:
                parts.append(f"{section}{number}{subclass} {group}/00")
                extra = (f"{section}{number}{subclass} {group}",)
            levels = tuple(parts)
    elif field == "vienna":
        numbers = symbol.split(".")
        levels = tuple(".".join(numbers[: depth + 1]) for depth in range(min(len(numbers), 3)))
        extra = tuple(_without_zeros(level, ".") for level in levels)
    elif field == "locarno":
        numbers = symbol.split("-")
        levels = tuple("-".join(numbers[: depth + 1]) for depth in range(min(len(numbers), 2)))
        extra = tuple(_without_zeros(level, "-") for level in levels)
    elif field == "nice":
        extra = (symbol.zfill(2),) if symbol.isdecimal() else ()
    elif field == "uspc":
        levels = (symbol.partition("/")[0],)
    elif field == "fterm":
        theme, rest = symbol[:5], symbol[5:].lstrip(" /")
        levels = (theme, f"{theme} {rest[:2]}") if len(rest) >= 2 else (theme,)
    return levels, tuple(dict.fromkeys((*levels, *extra, symbol)))


def _without_zeros(symbol: str, separator: str) -> str:
    return separator.join(part.lstrip("0") or "0" for part in symbol.split(separator))
