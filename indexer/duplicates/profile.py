"""What of a record is compared: a small, flat extract, so that a scan never reads descriptions and claims twice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast

import orjson
from anyascii import anyascii

from indexer.embedding import PARTS, text_hash, text_of
from indexer.record import Layer, Record, Right, TextType

Json = Mapping[str, Any]

OWNER_ROLES = frozenset({"applicant", "owner"})
CREATOR_ROLES = frozenset({"inventor", "designer", "author"})
GROUPED = frozenset({"IPC", "CPC"})
"""Schemes compared at their main groups: offices assign subgroups apart from each other."""
COMPARED_SCHEMES = frozenset({"IPC", "CPC", "FI", "NICE", "VIENNA", "LOCARNO", "US-DESIGN", "WORK-KIND"})
MOST_NAMES = 40
MOST_CLASSES = 60
MOST_PRIORITIES = 60
LONGEST_TITLE = 300
REMEMBERED = 4_096
"""Answers kept of a function: so few that a scan of a few thousand records needs as much memory as a longer one."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One record as the duplicates room sees it. Numbers are canonical, dates ISO 8601, texts folded."""

    id: str
    right: str
    office: str
    provider: str
    collection: str
    seq: int = 0
    kind: str | None = None
    numbers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Type → canonical numbers of the record's own office (of any office where it has none of that type)."""
    forms: tuple[str, ...] = ()
    """Other writings of its numbers."""
    dates: dict[str, str] = field(default_factory=dict)
    """Type → first date."""
    titles: dict[str, str] = field(default_factory=dict)
    """Language → title, mark text left out."""
    marks: tuple[str, ...] = ()
    owners: tuple[tuple[str, str, str], ...] = ()
    """(canonical name, Latin form or empty, country or empty) of applicants and owners."""
    creators: tuple[tuple[str, str, str], ...] = ()
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    priorities: tuple[tuple[str, str], ...] = ()
    """(canonical number, date or empty)."""
    families: tuple[str, ...] = ()
    relations: tuple[tuple[str, str], ...] = ()
    """(type, canonical number)."""
    designated: tuple[str, ...] = ()
    design_index: str | None = None
    total_designs: int | None = None
    feature: str | None = None
    """Of a mark: word, figurative …"""
    text_key: str = ""
    """Key of the record's vector in the store of vectors, hexadecimal; empty without text."""

    def number(self, type_: str) -> str | None:
        held = self.numbers.get(type_)
        return held[0] if held else None


def profile(record: Json, seq: int = 0) -> Profile:
    """The profile of a record's JSON; of a redacted one, of what is left of it."""
    office = record.get("office", "")
    numbers, forms = _numbers(record.get("numbers", ()), office)
    titles, marks = _texts(record.get("texts", ()))
    owners, creators = _parties(record.get("parties", ()))
    design = record.get("design") or {}
    mark = record.get("mark") or {}
    dates: dict[str, str] = {}
    for fact in record.get("dates", ()):
        dates.setdefault(fact["type"], fact["date"])
    for number in record.get("numbers", ()):
        if number.get("date") and number["type"] == "publication":
            dates.setdefault("publication", number["date"])
        if number.get("date") and number["type"] == "application":
            dates.setdefault("filing", number["date"])
    text = text_of_json(record)
    return Profile(
        id=record["id"],
        right=record.get("right", ""),
        office=office,
        provider=record.get("provider", ""),
        collection=record.get("collection", ""),
        seq=seq,
        kind=record.get("kind"),
        numbers=numbers,
        forms=forms,
        dates=dates,
        titles=titles,
        marks=marks,
        owners=owners,
        creators=creators,
        classes=_classes(record.get("classifications", ())),
        priorities=tuple(
            (entry["number"]["canonical"], entry.get("date") or "")
            for entry in record.get("priorities", ())[:MOST_PRIORITIES]
        ),
        families=_unique(f"{f['definition']}:{f['identifier']}" for f in record.get("families", ())),
        relations=tuple(
            (entry["type"], entry["number"]["canonical"])
            for entry in record.get("relations", ())[:MOST_PRIORITIES]
            if entry.get("number")
        ),
        designated=_unique(entry["office"] for entry in record.get("designations", ())),
        design_index=design.get("design_index"),
        total_designs=design.get("total_designs"),
        feature=mark.get("feature"),
        text_key=text_hash(text).hex() if text else "",
    )


def _numbers(numbers: Iterable[Json], office: str) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    own: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    forms: dict[str, None] = {}
    for number in numbers:
        (own if number.get("office") == office else others).setdefault(number["type"], []).append(number["canonical"])
        forms.update(dict.fromkeys(number.get("forms", ())))
    merged = {**others, **own}
    return {type_: _unique(found) for type_, found in merged.items()}, tuple(forms)


def _texts(texts: Iterable[Json]) -> tuple[dict[str, str], tuple[str, ...]]:
    """What the office said goes before what a machine made of it, so that a title is never compared with a guess."""
    titles: dict[str, str] = {}
    marks: dict[str, None] = {}
    kinds = ("title", "product-indication", "gi-product")
    for layer in ("office", "ocr", "machine-translation"):
        for text in texts:
            if text.get("layer", "office") != layer or not text.get("text"):
                continue
            if text["type"] in kinds:
                titles.setdefault(text.get("language") or "xx", fold(text["text"][:LONGEST_TITLE]))
            elif text["type"] in ("mark-text", "mark-transliteration"):
                marks[fold(text["text"][:LONGEST_TITLE])] = None
        if titles and layer == "office":
            break
    return titles, tuple(marks)


def _parties(parties: Iterable[Json]) -> tuple[tuple[tuple[str, str, str], ...], tuple[tuple[str, str, str], ...]]:
    owners: dict[tuple[str, str, str], None] = {}
    creators: dict[tuple[str, str, str], None] = {}
    for party in parties:
        target = owners if party["role"] in OWNER_ROLES else creators if party["role"] in CREATOR_ROLES else None
        if target is None or len(target) >= MOST_NAMES:
            continue
        name = party.get("canonical_name") or party.get("name") or ""
        latin = party.get("latin_name") or ""
        target[(name, latin_name(latin) if latin else "", party.get("country") or "")] = None
    return tuple(owners), tuple(creators)


def _classes(classifications: Iterable[Json]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for entry in classifications:
        scheme = entry["scheme"]
        if scheme in COMPARED_SCHEMES:
            symbol = entry["symbol"].partition("/")[0] if scheme in GROUPED else entry["symbol"]
            held = found.setdefault("IPC" if scheme == "CPC" and "IPC" not in found else scheme, {})
            if len(held) < MOST_CLASSES:
                held[symbol] = None
    return {scheme: tuple(symbols) for scheme, symbols in found.items()}


def text_of_json(record: Json) -> str:
    """`indexer.embedding.text_of` of a record that is still JSON, so that its vector can be found again."""
    right = Right(record["right"]) if record.get("right") else None
    if right is None:
        return ""
    wanted = {part.value for part in PARTS[right]}
    texts = tuple(
        SimpleNamespace(
            type=TextType(text["type"]),
            text=text["text"],
            language=text.get("language") or "xx",
            layer=Layer(text.get("layer", "office")),
        )
        for text in record.get("texts", ())
        if text["type"] in wanted
    )
    stand_in = SimpleNamespace(right=right, texts=texts, language=record.get("language"))
    return text_of(cast(Record, stand_in)) if texts else ""


@lru_cache(maxsize=REMEMBERED)
def fold(text: str) -> str:
    """Lower case, compatibility forms and blanks made one, punctuation gone; marks on Latin letters too."""
    text = unicodedata.normalize("NFKC", text).casefold()
    if not text.isascii():
        decomposed = unicodedata.normalize("NFD", text)
        text = unicodedata.normalize("NFC", "".join(c for c in decomposed if not 0x0300 <= ord(c) <= 0x036F))
    return " ".join(_NOT_WORD.sub(" ", text).split())


_NOT_WORD = re.compile(r"[\W_]+")


@lru_cache(maxsize=REMEMBERED)
def latin_name(name: str) -> str:
    """A name in Latin capitals, legal form apart, for comparison across scripts."""
    from indexer.harmonise.names import read_name

    return read_name(anyascii(unicodedata.normalize("NFKC", name))).canonical


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def dump(found: Profile) -> bytes:
    """As JSON, without what is empty."""
    held = ((name, getattr(found, name)) for name in Profile.__slots__)
    return orjson.dumps({name: value for name, value in held if value})


def load(stored: bytes) -> Profile:
    given: dict[str, Any] = orjson.loads(stored)
    for name in ("numbers", "classes"):
        given[name] = {key: tuple(values) for key, values in given.get(name, {}).items()}
    for name in ("forms", "marks", "families", "designated"):
        given[name] = tuple(given.get(name, ()))
    for name in ("owners", "creators", "priorities", "relations"):
        given[name] = tuple(tuple(entry) for entry in given.get(name, ()))
    for name in ("id", "right", "office", "provider", "collection"):
        given.setdefault(name, "")
    return Profile(**given)
