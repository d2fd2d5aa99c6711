"""Word marks like a given one: found by sound, look and meaning through the index, then compared one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from api.dependencies import Access, disclosed
from api.search.engine import Candidate, Hit
from api.search.similar.compare import Likeness, Part, Sense, compare, parse, senses
from api.search.similar.filters import Narrowed, nice_symbols, of_classes
from api.search.similar.tables import Related, goods, nicknames, weights
from common.errors import QueryError
from common.messages import say
from indexer.marks import keys
from indexer.marks.sounds import readings, words

Query = dict[str, Any]

WINDOW = 200
"""Candidates of each list. Lists are ranked by the engine, so what is cut off is the least alike."""
MEANT = 100
"""Of them by meaning: telling what a mark means takes ten times as long as comparing its sound."""
MOST_SENSES = 4
TERMS_OF_A_SENSE = 60
"""Of 1,024 clauses that the engine allows, for four senses in two fields each."""
SHOWN = 0.5
"""Score of a part from which it is a reason."""
FIELDS = ("mark", "mark_translation", "nice.symbol")


class Asked(Narrowed):
    """A search for marks like one, by GET or POST."""

    mark: Annotated[str, Field(min_length=1, max_length=200)]
    """The verbal element, in any script."""
    nice: list[Annotated[str, Field(max_length=3)]] = Field(default_factory=list, max_length=45)
    """Nice classes of the goods; they weigh in the score."""
    classes: Literal["same", "related", "all"] = "related"
    """Which classes a record may have where `nice` is given."""
    min_score: Annotated[float, Field(ge=0, le=1)] | None = None
    """Marks below are not listed; None: the table's limit (tables/weights.toml)."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of a score and what it rests on. For people: every value can be shown as it is."""

    part: Literal["sound", "look", "meaning", "goods"]
    score: float
    wanted: str
    found: str
    language: str | None = None
    """Whose pronunciation, or the language of the found words."""
    note: str | None = None


@dataclass(frozen=True, slots=True)
class MarkHit:
    id: str
    score: float
    """Of the marks and their goods together, 0 to 1."""
    sign: float
    """Of the marks alone."""
    parts: dict[str, float]
    """sound, look, meaning, goods: those that there are."""
    reasons: list[Reason]
    mark: str
    """The text of the record that is alike."""
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Another search that the person may want. Says nothing about what is held."""

    mark: str
    kind: str
    language: str


@dataclass(frozen=True, slots=True)
class MarksFound:
    mark: str
    readings: list[dict[str, str]]
    """How the mark was read aloud, by language."""
    meanings: list[dict[str, Any]]
    """Pieces of the mark and the words in other languages that were looked for too."""
    total: int
    """Marks alike enough among the candidates."""
    complete: bool
    """False where a list of candidates was full: a less alike mark may be missing. Narrow the search to see it."""
    hits: list[MarkHit]
    suggestions: list[Suggestion]
    took_ms: int


@dataclass(frozen=True, slots=True)
class _Scored:
    id: str
    score: float
    mark: str
    likeness: Likeness
    related: Related | None


async def find(access: Access, asked: Asked) -> MarksFound:
    """Raises QueryError for a mark without letters, or an unknown class or facet."""
    started = time.perf_counter()
    if parse(asked.mark) is None:
        raise QueryError(say("similar.mark-empty"))
    wanted = nice_symbols(asked.nice)
    within = [*asked.clauses(), *([clause] if (clause := of_classes(wanted, asked.classes)) else [])]
    meant = senses(asked.mark)[:MOST_SENSES]
    queries = list_queries(asked.mark, meant)
    _, (scored, hits, complete) = await disclosed(
        access,
        lambda now: _search(now, asked, wanted, within, queries),
        lambda now, found: now.shown("search", found[1].values()),
    )
    access.services.used.add(access.caller.office, "searches")
    page = scored[asked.offset : asked.offset + asked.size]
    return MarksFound(
        mark=asked.mark,
        readings=[{"language": r.language, "sounds": r.sounds} for r in readings("".join(words(asked.mark)))],
        meanings=[{"words": sense.text, "terms": _terms(sense)} for sense in meant if sense.concepts],
        total=len(scored),
        complete=complete,
        hits=[_hit(entry, hits[entry.id]) for entry in page if entry.id in hits],
        suggestions=[Suggestion(n.mark, n.kind, n.language) for n in nicknames(asked.mark)],
        took_ms=round((time.perf_counter() - started) * 1000),
    )


async def _search(
    access: Access, asked: Asked, wanted: tuple[str, ...], within: list[Query], queries: list[Query]
) -> tuple[list[_Scored], dict[str, Hit], bool]:
    engine, scope = access.services.engine, access.scope
    lists = await engine.candidates(
        scope, queries, within=within, fields_wanted=FIELDS, rights=("trademark",), size=WINDOW
    )
    limit = asked.min_score if asked.min_score is not None else weights().shown
    scored = await asyncio.to_thread(score, asked.mark, wanted, lists, limit)
    page = scored[asked.offset : asked.offset + asked.size]
    hits = await engine.documents(scope, [entry.id for entry in page])
    return scored, hits, all(len(found) < WINDOW for found in lists)


def list_queries(mark: str, meant: Sequence[Sense]) -> list[Query]:
    """The candidate lists: by sound, by look, by shared words, and by meaning where something is known of it."""
    run = "".join(words(mark)[: keys.MOST_WORDS])
    sounding: list[Query] = [_grams(keys.sound_grams(run), "30%")]
    whole = list(dict.fromkeys(key for piece in (run, *words(mark)) for key in keys.sound_keys(piece)))
    if whole:
        sounding.append({"terms": {"mark_sound": whole}})
    lists: list[Query] = [
        {"bool": {"should": sounding, "minimum_should_match": 1}},
        _grams(keys.look_grams(mark), "30%"),
        {"match": {"mark": mark}},
    ]
    known = [sense for sense in meant if sense.concepts]
    if known:
        pieces: list[Query] = []
        for sense in known:
            terms = list(dict.fromkeys(t.casefold() for listed in _terms(sense).values() for t in listed))
            either = [clause for term in terms[:TERMS_OF_A_SENSE] for clause in _named(term)]
            pieces.append({"dis_max": {"queries": either}})
        # All but one of the pieces: the rest is told by the comparison.
        lists.append({"bool": {"should": pieces, "minimum_should_match": max(1, len(known) - 1)}})
    return lists


def _named(term: str) -> list[Query]:
    """Marks that have a word. The mark's own field holds pairs of ideographs, in which no single one is found."""
    if len(term) == 1 and keys.is_ideograph(term):
        return [{"term": {"mark_grams": keys.character(term)}}, {"match_phrase": {"mark": term}}]
    return [{"match_phrase": {name: term}} for name in ("mark", "mark_translation")]


def _grams(grams: Sequence[str], least: str) -> Query:
    return {"match": {"mark_grams": {"query": " ".join(dict.fromkeys(grams)), "minimum_should_match": least}}}


def _terms(sense: Sense) -> dict[str, list[str]]:
    """Language → words for what a piece of the mark may mean."""
    found: dict[str, list[str]] = {}
    for concept in sense.concepts:
        for language, terms in concept.terms.items():
            held = found.setdefault(language, [])
            held.extend(term for term in terms if term not in held)
    return found


def score(mark: str, wanted: tuple[str, ...], lists: Sequence[Sequence[Candidate]], limit: float) -> list[_Scored]:
    """Candidates alike enough, most alike first, ties by id."""
    candidates = {candidate.id: candidate for found in lists for candidate in found}
    by_meaning = {candidate.id for found in lists[3:] for candidate in found[:MEANT]}
    floor = weights().floor
    scored = []
    for candidate in candidates.values():
        document = candidate.document
        translations = document.get("mark_translation", ())
        best: tuple[float, str, Likeness] | None = None
        for text in document.get("mark", ()):
            likeness = compare(mark, text, translations=translations, by_meaning=candidate.id in by_meaning)
            if likeness is not None and (best is None or likeness.sign > best[0]):
                best = (likeness.sign, text, likeness)
        if best is None:
            continue
        sign, text, likeness = best
        related = goods(wanted, tuple(document.get("nice", {}).get("symbol", ())))
        together = sign if related is None else sign * (floor + (1 - floor) * related.strength)
        if together >= limit:
            scored.append(_Scored(candidate.id, round(together, 4), text, likeness, related))
    return sorted(scored, key=lambda entry: (-entry.score, entry.id))


def _hit(entry: _Scored, hit: Hit) -> MarkHit:
    parts = entry.likeness.parts
    reasons = [_reason(name, part) for name, part in parts.items() if part.score >= SHOWN]
    reasons.sort(key=lambda reason: -reason.score)
    shown = {name: round(part.score, 3) for name, part in parts.items()}
    if entry.related is not None:
        shown["goods"] = entry.related.strength
        related = entry.related
        reasons.append(Reason("goods", related.strength, related.wanted, related.found, note=related.reason))
    return MarkHit(hit.id, entry.score, round(entry.likeness.sign, 4), shown, reasons, entry.mark, hit.record)


def _reason(name: str, part: Part) -> Reason:
    kind: Literal["sound", "look", "meaning"] = "sound" if name == "sound" else "look" if name == "look" else "meaning"
    return Reason(kind, round(part.score, 3), part.wanted, part.found, part.language)
