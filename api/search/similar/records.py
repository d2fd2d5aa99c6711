"""Records like a record, or like a passage of text: by vector, by words and terms of ten languages, by classes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from api.access.model import Group
from api.dependencies import Access, disclosed
from api.search import records
from api.search.engine import Candidate, Hit
from api.search.expansion import compiling
from api.search.expansion.bank import LANGUAGES, bank
from api.search.expansion.expand import Expansion, expand
from api.search.expansion.recognise import Unit, recognise
from api.search.expansion.words import key, words
from api.search.fusion import Ranked, fuse
from api.search.service import hit_out
from api.search.similar.filters import Narrowed, Strings
from common.errors import NotFound, QueryError
from common.messages import say
from indexer.embedding import TEXT_LIMIT, text_of
from indexer.record import Record, Right, Text

Query = dict[str, Any]

WINDOW = 100
"""Records of each list that take part."""
MOST_WORDS = 25
"""Words of the text that are looked for as they stand."""
MOST_UNITS = 12
"""Pieces of the text that are looked for in other languages."""
PASSAGES = 5
"""Parts of a long text of which a vector is made: their mean is looked for."""
FLOOR = 0.25
"""Cosine of two records' vectors below which they are no evidence of the same subject: records say more than queries,
and lie nearer to one another."""
MOST_SYMBOLS = 30
CLASS_FIELDS = {"IPC": "ipc.symbol", "CPC": "cpc.symbol", "NICE": "nice.symbol", "LOCARNO": "locarno.symbol"}
CLASS_WEIGHT = 0.5
"""Of the list by classes: one class holds thousands."""
SEARCHED = ("title", "abstract", "goods", "product")
KNOWN_RIGHTS = frozenset(right.value for right in Right)


class Wanted(Narrowed):
    """Filters of a search for similar records."""

    rights: Strings = Field(default_factory=list)
    """patent, trademark, design, copyright, gi; none given: a record's own right, any for a text."""
    languages: Strings = Field(default_factory=list)
    """ISO 639-1 codes of texts that a record must have."""
    classes: dict[str, Strings] = Field(default_factory=dict, max_length=8)
    """ipc, cpc, nice, locarno, vienna → symbols, at any level, any of which a record must have."""


class Passage(Wanted):
    """A search for records like a passage of free text."""

    text: Annotated[str, Field(min_length=1, max_length=20_000)]


@dataclass(frozen=True, slots=True)
class Reason:
    by: Literal["vector", "words", "terms", "classes"]
    values: list[str] = dataclass_field(default_factory=list)
    """Words both have; `ours → theirs` for terms of another language; class symbols."""
    similarity: float | None = None
    """Cosine of the vectors."""


@dataclass(frozen=True, slots=True)
class SimilarHit:
    id: str
    score: float
    """Reciprocal-rank sum: depends on the order of what the caller sees and on nothing else."""
    reasons: list[Reason]
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SimilarFound:
    source: str | None
    """Id of the record, where one was given."""
    language: str
    """Language in which the text was read."""
    total: int
    """Records that a list brought up; no search says how many are unlike."""
    hits: list[SimilarHit]
    took_ms: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked for."""

    text: str
    language: str
    symbols: Mapping[str, tuple[str, ...]]
    """Index field → class symbols."""
    expansion: Expansion
    units: tuple[Unit, ...]
    source: str | None = None


async def like_record(access: Access, record_id: str, wanted: Wanted) -> SimilarFound:
    """Raises NotFound, the same for hidden and missing records and for those of which nothing may be read."""
    hit = await records.find(access, record_id)
    if Group.BIBLIOGRAPHY not in hit.view.groups:
        raise NotFound("no such record")
    subject = _subject_of(hit)
    rights = tuple(wanted.rights) or (str(hit.document["right"]),)
    return await _find(access, subject, wanted, rights)


async def like_text(access: Access, wanted: Passage) -> SimilarFound:
    """Raises QueryError for a text without words."""
    if not any(letter.isalnum() for letter in wanted.text):
        raise QueryError(say("similar.no-word"))
    return await _find(access, _subject(wanted.text, {}), wanted, tuple(wanted.rights))


def _subject_of(hit: Hit) -> Subject:
    """From what the caller may read of the record."""
    record = hit.record
    texts = tuple(Text.model_validate(text) for text in record.get("texts", ()))
    # Only what text_of reads: the rest of the record may be hidden.
    said: dict[str, Any] = {"right": Right(hit.document["right"]), "texts": texts, "language": record.get("language")}
    shown: Record = Record.model_construct(None, **said)
    symbols: dict[str, list[str]] = {}
    for entry in record.get("classifications", ()):
        name = CLASS_FIELDS.get(entry["scheme"])
        if name is not None:
            symbols.setdefault(name, []).append(entry["symbol"])
    unique = {name: tuple(dict.fromkeys(held))[:MOST_SYMBOLS] for name, held in symbols.items()}
    return _subject(text_of(shown), unique, hit.id)


def _subject(text: str, symbols: Mapping[str, tuple[str, ...]], source: str | None = None) -> Subject:
    start = " ".join(text.split())[: TEXT_LIMIT * 2]
    read = recognise(start, bank())
    made = expand(start, bank(), "broad", language=read.language)
    known = [group for group in made.groups if group.terms]
    # The same concept said twice counts once.
    distinct = {tuple(sorted(group.terms.items())): group for group in known}
    groups = tuple(distinct.values())[:MOST_UNITS]
    return Subject(text, read.language, symbols, Expansion(made.language, "broad", groups), read.units, source)


Searched = tuple[list[tuple[str, float]], dict[str, float], dict[str, Hit]]
"""(ids with scores, cosine of those near by vector, the page's records)."""


async def _find(access: Access, subject: Subject, wanted: Wanted, rights: tuple[str, ...]) -> SimilarFound:
    started = time.perf_counter()
    unknown = sorted(set(rights) - KNOWN_RIGHTS)
    if unknown:
        raise QueryError(say("similar.right-unknown", right=unknown[0], rights=sorted(KNOWN_RIGHTS)))
    within = _within(subject, wanted)

    async def look(now: Access) -> tuple[Subject, Searched]:
        current = subject
        if now is not access and subject.source is not None:
            # The record itself may have been taken away.
            current = _subject_of(await _readable(now, subject.source))
        return current, await _search(now, await _queries(now, current), within, rights, wanted)

    _, (subject, (order, near, hits)) = await disclosed(
        access, look, lambda now, found: now.shown("search", found[1][2].values())
    )
    page = order[wanted.offset : wanted.offset + wanted.size]
    access.services.used.add(access.caller.office, "searches")
    return SimilarFound(
        source=subject.source,
        language=subject.language,
        total=len(order),
        hits=[
            SimilarHit(name, round(score, 6), reasons(subject, hits[name], near.get(name)), hit_out(hits[name]).record)
            for name, score in page
            if name in hits
        ],
        took_ms=round((time.perf_counter() - started) * 1000),
    )


async def _readable(access: Access, record_id: str) -> Hit:
    hit = await records.find(access, record_id)
    if Group.BIBLIOGRAPHY not in hit.view.groups:
        raise NotFound("no such record")
    return hit


def _within(subject: Subject, wanted: Wanted) -> list[Query]:
    clauses = wanted.clauses()
    if wanted.languages:
        clauses.append({"terms": {"languages": wanted.languages}})
    for name, symbols in wanted.classes.items():
        if name not in ("ipc", "cpc", "nice", "locarno", "vienna"):
            raise QueryError(say("similar.scheme-unknown", scheme=name))
        clauses.append({"terms": {f"{name}.any": symbols}})
    if subject.source is not None:
        clauses.append({"bool": {"must_not": [{"term": {"id": subject.source}}]}})
    return clauses


async def _queries(access: Access, subject: Subject) -> dict[str, Query]:
    """Candidate lists by the reason that they give."""
    held = set(await access.services.engine.languages())
    queries: dict[str, Query] = {}
    passages = _passages(subject.text)
    if passages:
        vectors = [await access.services.vector_of(passage) for passage in passages]
        mean = np.mean(np.asarray(vectors, dtype=np.float32), axis=0)
        length = float(np.linalg.norm(mean)) or 1.0
        queries["vector"] = {"knn": {"embedding": {"vector": [float(v) / length for v in mean], "k": WINDOW}}}
    language = subject.language if subject.language in held else "xx"
    listed = " ".join(list(dict.fromkeys(words(subject.text, subject.language)))[:MOST_WORDS])
    if listed:
        queries["words"] = {
            "multi_match": {
                "query": listed,
                "fields": [f"{name}.{language}" for name in SEARCHED],
                "type": "most_fields",
                "minimum_should_match": "20%",
            }
        }
    if subject.expansion.known:
        terms = compiling.to_query(subject.expansion, tuple(code for code in LANGUAGES if code in held))
        if terms is not None:
            queries["terms"] = terms
    shared: list[Query] = [
        {"constant_score": {"filter": {"term": {name: symbol}}, "boost": 1.0}}
        for name, symbols in subject.symbols.items()
        for symbol in symbols
    ]
    if shared:
        queries["classes"] = {"bool": {"should": shared, "minimum_should_match": 1}}
    return queries


def _passages(text: str) -> list[str]:
    """Parts of the text as long as those of which records' vectors are made."""
    plain = " ".join(text.split())
    return [plain[at : at + TEXT_LIMIT] for at in range(0, min(len(plain), TEXT_LIMIT * PASSAGES), TEXT_LIMIT)]


async def _search(
    access: Access, queries: Mapping[str, Query], within: Sequence[Query], rights: tuple[str, ...], wanted: Wanted
) -> Searched:
    engine, scope = access.services.engine, access.scope
    lists = await engine.candidates(scope, list(queries.values()), within=within, rights=rights, size=WINDOW)
    by_reason: dict[str, list[Candidate]] = dict(zip(queries, lists, strict=True))
    # Lucene's score of an inner product p from 0 on is 1 + p.
    close = {c.id: round(c.score - 1, 3) for c in by_reason.get("vector", ()) if c.score - 1 >= FLOOR}
    ranked = []
    for reason, found in by_reason.items():
        ids = [c.id for c in found if reason != "vector" or c.id in close]
        ranked.append(Ranked(ids, CLASS_WEIGHT if reason == "classes" else 1.0))
    order = fuse(ranked)
    page = order[wanted.offset : wanted.offset + wanted.size]
    return order, close, await engine.documents(scope, [name for name, _ in page])


def reasons(subject: Subject, hit: Hit, similarity: float | None) -> list[Reason]:
    """Why a hit is like the subject, told from what the caller may read of it."""
    record = hit.record
    made: list[Reason] = []
    if similarity is not None:
        made.append(Reason("vector", similarity=similarity))
    texts = [text for text in record.get("texts", ()) if text["type"] not in ("claims", "description")]
    own = [text["text"][: TEXT_LIMIT * 2] for text in texts if text["language"] == subject.language]
    ours = {key(word, subject.language): word for word in words(subject.text[: TEXT_LIMIT * 2], subject.language)}
    theirs = {key(word, subject.language) for text in own for word in words(text, subject.language)}
    if same := sorted(word for stem, word in ours.items() if stem in theirs):
        made.append(Reason("words", same))
    if pairs := _pairs(subject, texts):
        made.append(Reason("terms", pairs))
    symbols = {entry["symbol"] for entry in record.get("classifications", ())}
    if held := [s for listed in subject.symbols.values() for s in listed if s in symbols]:
        made.append(Reason("classes", list(dict.fromkeys(held))))
    return made


def _pairs(subject: Subject, texts: Sequence[Mapping[str, Any]]) -> list[str]:
    """`ours → theirs` for concepts that a text in another language names."""
    wanted = {id(concept): unit.text for unit in subject.units for concept in unit.concepts}
    found: dict[str, None] = {}
    for text in texts:
        if text["language"] == subject.language or text["language"] not in LANGUAGES:
            continue
        for unit in recognise(text["text"][:TEXT_LIMIT], bank(), text["language"]).units:
            for concept in unit.concepts:
                if id(concept) in wanted:
                    found[f"{wanted[id(concept)]} → {unit.text}"] = None
    return list(found)
