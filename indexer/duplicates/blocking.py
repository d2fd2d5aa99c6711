"""Fuzzy blocking: for each record, the few others that the engine finds worth comparing.

One query a record asks for any of: the same number of any type, a number one digit off, the same priority, the same
owner on one of the same dates, the same title words, the same sign by writing or sound in one of the same classes. A
second asks for the nearest vectors among records of the same date, which finds a title in another language. Both look
only at the same right and, works apart, the same office. The order is the engine's: the more ways a record was met,
the higher.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import orjson

import mappings
from indexer.duplicates.profile import Profile
from indexer.embedding import Matrix
from indexer.engine import Engine

Query = dict[str, Any]

CANDIDATES = 15
"""Most records that the word query gives."""
NEIGHBOURS = 8
"""Most records that the vector query gives."""
AT_ONCE = 40
"""Records a multi-search."""
DATES = {"publication": "publication_date", "filing": "filing_date", "registration": "registration_date"}
EDITED = {
    "publication": "publication_number",
    "pct-publication": "publication_number",
    "application": "application_number",
    "pct-application": "application_number",
    "registration": "registration_number",
    "international": "registration_number",
    "work": "number",
    "isbn": "number",
    "issn": "number",
    "isrc": "number",
    "iswc": "number",
    "isan": "number",
}
NUMBER_CHARACTERS = string.digits + string.ascii_uppercase
LONGEST_EDITED = 40
"""Characters of the longest number that is looked for with an error in it."""
CLASS_FIELDS = {"NICE": "nice.any", "LOCARNO": "locarno.any"}
FUZZY_TITLE_WORDS = 12


async def block(
    engine: Engine, profiles: Sequence[Profile], vectors: Sequence[Matrix | None], languages: frozenset[str]
) -> list[list[str]]:
    """Ids worth comparing with each profile, its own left out. Records that are not yet indexed are not found: they
    will find the others when they are scanned."""
    found: list[list[str]] = []
    for start in range(0, len(profiles), AT_ONCE):
        part = profiles[start : start + AT_ONCE]
        lines: list[bytes] = []
        owners: list[int] = []
        for position, (profile, vector) in enumerate(zip(part, vectors[start : start + AT_ONCE], strict=True)):
            for query, size in queries(profile, vector, languages):
                lines.append(orjson.dumps({"index": mappings.alias(engine.prefix, profile.right)}))
                lines.append(
                    orjson.dumps(
                        {"query": query, "size": size, "_source": False, "track_total_hits": False, "timeout": "20s"}
                    )
                )
                owners.append(position)
        met: list[dict[str, None]] = [{} for _ in part]
        for position, hits in zip(owners, await engine.msearch(b"\n".join(lines) + b"\n"), strict=True):
            met[position].update(dict.fromkeys(hits))
        found.extend([id_ for id_ in ids if id_ != own.id] for ids, own in zip(met, part, strict=True))
    return found


def queries(profile: Profile, vector: Matrix | None, languages: frozenset[str]) -> list[tuple[Query, int]]:
    """(query, size) to be asked for one record."""
    within: list[Query] = []
    if profile.right != "copyright":
        within.append({"term": {"office": profile.office}})
    dates = [{"term": {field: profile.dates[type_]}} for type_, field in DATES.items() if type_ in profile.dates]
    should = [*_numbers(profile), *_parties(profile, dates), *_titles(profile, languages), *_signs(profile)]
    asked: list[tuple[Query, int]] = []
    if should:
        without = [{"ids": {"values": [profile.id]}}]
        bool_ = {"filter": within, "should": should, "must_not": without, "minimum_should_match": 1}
        asked.append(({"bool": bool_}, CANDIDATES))
    if vector is not None and dates and profile.right != "trademark":
        near = {"bool": {"filter": [*within, {"bool": {"should": dates, "minimum_should_match": 1}}]}}
        knn = {"vector": vector.tolist(), "k": NEIGHBOURS + 1, "filter": near}
        asked.append(({"knn": {"embedding": knn}}, NEIGHBOURS + 1))
    return asked


def _constant(query: Query, boost: float) -> Query:
    return {"constant_score": {"filter": query, "boost": boost}}


def _numbers(profile: Profile) -> list[Query]:
    every = [number for held in profile.numbers.values() for number in held]
    clauses = [_constant({"terms": {"number": [*every, *profile.forms]}}, 8)] if every else []
    for type_, field in EDITED.items():
        clauses.extend(
            _constant({"terms": {field: one_off(number)}}, 3) for number in profile.numbers.get(type_, ())[:2]
        )
    if profile.priorities:
        clauses.append(_constant({"terms": {"priority_number": [n for n, _ in profile.priorities[:10]]}}, 3))
    return clauses


def one_off(number: str) -> list[str]:
    """The number, and all that differ from it by one character taken away, added or changed, or by two neighbours that
    changed places, behind the office's letters: those are right, or the record would be another office's.

    What a fuzzy query finds, in less time: to build its automaton takes the engine longer than to look for each."""
    if len(number) > LONGEST_EDITED:
        return [number]
    head, tail = number[:2], number[2:]
    found = {number}
    for place in range(len(tail) + 1):
        before, here, after = tail[:place], tail[place : place + 1], tail[place + 1 :]
        found.update(f"{head}{before}{added}{here}{after}" for added in NUMBER_CHARACTERS)
        found.update(f"{head}{before}{other}{after}" for other in ("", *NUMBER_CHARACTERS) if here)
        if after:
            found.add(f"{head}{before}{after[0]}{here}{after[1:]}")
    return sorted(found)


def _parties(profile: Profile, dates: list[Query]) -> list[Query]:
    """The same names are many; the same names on the same day are few."""
    clauses = []
    if dates:
        on_the_day: Query = {"bool": {"should": dates, "minimum_should_match": 1}}
        for names, fields in (
            (profile.owners, ("applicant.canonical", "owner.canonical")),
            (profile.creators, ("inventor.canonical", "designer.canonical", "author.canonical")),
        ):
            values = [name[0] for name in names[:5]]
            if values:
                same = {"bool": {"should": [{"terms": {field: values}} for field in fields]}}
                clauses.append(_constant({"bool": {"filter": [on_the_day, same]}}, 4))
        clauses.extend(_dated(profile, date) for date in dates)
    return clauses


def _dated(profile: Profile, date: Query) -> Query:
    """On the same day with a class in common: for names and titles that nothing can be made of."""
    symbols = {
        "patent": ("ipc.any", profile.classes.get("IPC", ())),
        "trademark": ("nice.any", profile.classes.get("NICE", ())),
        "design": ("locarno.any", profile.classes.get("LOCARNO", ())),
    }.get(profile.right, ("", ()))
    field, values = symbols
    if not values:
        return {"match_none": {}}
    return _constant({"bool": {"filter": [date, {"terms": {field: list(values[:8])}}]}}, 2)


def _titles(profile: Profile, languages: frozenset[str]) -> list[Query]:
    clauses = []
    for language, title in list(profile.titles.items())[:2]:
        words = " ".join(title.split()[:FUZZY_TITLE_WORDS])
        for field in ("title", "product") if profile.right in ("design", "gi") else ("title",):
            name = f"{field}.{language if language in languages else 'xx'}"
            clauses.append(_constant({"match": {name: {"query": words, "minimum_should_match": "75%"}}}, 3))
    return clauses


def _signs(profile: Profile) -> list[Query]:
    clauses: list[Query] = []
    for mark in profile.marks[:2]:
        clauses.append(_constant({"match": {"mark": {"query": mark, "operator": "and"}}}, 3))
        nice = profile.classes.get("NICE", ())
        if nice:
            alike = {"match": {"mark.phonetic": {"query": mark, "operator": "and"}}}
            clauses.append(_constant({"bool": {"filter": [alike, {"terms": {CLASS_FIELDS["NICE"]: list(nice)}}]}}, 2))
    return clauses
