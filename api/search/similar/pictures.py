"""Marks and designs whose pictures are like a given one: found through the index, then compared one by one.

The picture is uploaded, or is one of a record's. Candidates come from the index under the caller's scope, as far as it
reaches the images of each; only then are their descriptions read and compared.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from sqlalchemy import text

from api.access.model import Group
from api.dependencies import Access, Services, disclosed
from api.search import pictures
from api.search.engine import Hit
from api.search.similar import figures
from api.search.similar.figures import Likeness, Reason
from api.search.similar.filters import Narrowed, Strings
from api.search.similar.tables import picture_weights
from common.errors import MalformedInput, QueryError
from common.messages import say
from indexer.images import decode
from indexer.images.describe import VERSION, Description, describe, main_piece, unpack
from indexer.images.gallery import COMPARED

Query = dict[str, Any]

RIGHTS = tuple(right.value for right in COMPARED)
WINDOW = 500
"""Candidates of each list: with 200, one of thirty is missed among 6,000 pictures (benchmarks/images.py --index)."""
SCHEMES = ("vienna", "locarno", "nice")
LARGEST_BODY = 10_000_000
"""Bytes of a picture that is uploaded to be compared."""


class Wanted(Narrowed):
    """Filters of a search by picture."""

    rights: list[Literal["trademark", "design"]] = Field(default_factory=list, max_length=2)
    """None given: both."""
    classes: dict[Literal["vienna", "locarno", "nice"], Strings] = Field(default_factory=dict, max_length=3)
    """Scheme → symbols, at any level, any of which a record must have."""
    min_score: Annotated[float, Field(ge=0, le=1)] | None = None
    """Pictures below are not listed; None: the table's limit (tables/pictures.toml)."""


@dataclass(frozen=True, slots=True)
class PictureHit:
    id: str
    score: float
    """0 to 1."""
    parts: dict[str, float]
    """layout, edges, shape, colours."""
    reasons: list[Reason]
    image: int
    """Place of the record's picture that is most alike, from 1."""
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PicturesFound:
    source: str | None
    """Id of the record, where one was given."""
    width: int
    height: int
    """Of the given picture, in pixels."""
    total: int
    """Records with a picture alike enough, among the candidates."""
    complete: bool
    """False where a list of candidates was full: a less alike picture may be missing. Narrow the search to see it."""
    hits: list[PictureHit]
    took_ms: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked for."""

    described: tuple[Description, ...]
    """Of the whole, then of its largest piece, where it falls into several."""
    width: int
    height: int
    sha256: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    """A stored picture of a candidate."""

    record: str
    sha256: str
    hash: int | None


@dataclass(frozen=True, slots=True)
class _Scored:
    id: str
    sha256: str
    likeness: Likeness


async def like_upload(access: Access, content: bytes, wanted: Wanted) -> PicturesFound:
    """Raises QueryError for what is no picture or shows nothing."""
    subject = await asyncio.to_thread(_subject, access.services, content)
    return await _find(access, subject, wanted)


async def like_image(access: Access, record_id: str, place: int, wanted: Wanted) -> PicturesFound:
    """Like a record's image. Raises NotFound as `pictures.original`."""
    hit, sha256 = await pictures.find(access, record_id, place)
    content, _ = await asyncio.to_thread(pictures.content_of, access.services, sha256)
    subject = await asyncio.to_thread(_subject, access.services, content, sha256, hit.id)
    return await _find(access, subject, wanted)


def _subject(services: Services, content: bytes, sha256: str | None = None, source: str | None = None) -> Subject:
    try:
        with services.decoding:
            size = decode.facts(content)
            picture = decode.picture(content)
            piece = main_piece(picture)
            described = [describe(picture), *([describe(piece)] if piece is not None else [])]
    except MalformedInput as error:
        raise QueryError(say("similar.picture", reason=error.message)) from error
    if not described[0].vector.any():
        raise QueryError(say("similar.picture-empty"))
    return Subject(tuple(described), size.width, size.height, sha256, source)


async def _find(access: Access, subject: Subject, wanted: Wanted) -> PicturesFound:
    started = time.perf_counter()
    within = _within(subject, wanted)
    _, (scored, hits, complete) = await disclosed(
        access,
        lambda now: _search(now, subject, wanted, within),
        lambda now, found: now.shown("search", found[1].values()),
    )
    access.services.used.add(access.caller.office, "searches")
    page = scored[wanted.offset : wanted.offset + wanted.size]
    return PicturesFound(
        subject.source,
        subject.width,
        subject.height,
        total=len(scored),
        complete=complete,
        hits=[made for entry in page if (made := _hit(entry, hits.get(entry.id))) is not None],
        took_ms=round((time.perf_counter() - started) * 1000),
    )


def _within(subject: Subject, wanted: Wanted) -> list[Query]:
    clauses = wanted.clauses()
    clauses += [{"terms": {f"{name}.any": symbols}} for name, symbols in wanted.classes.items() if symbols]
    if subject.source is not None:
        clauses.append({"bool": {"must_not": [{"term": {"id": subject.source}}]}})
    return clauses


async def _search(
    access: Access, subject: Subject, wanted: Wanted, within: list[Query]
) -> tuple[list[_Scored], dict[str, Hit], bool]:
    engine, scope = access.services.engine, access.scope
    asked = figures.queries([one.vector for one in subject.described])
    lists = await engine.candidates(
        scope,
        [{"knn": {"picture.vector": {"vector": vector, "k": WINDOW}}} for vector in asked],
        within=within,
        rights=tuple(wanted.rights) or RIGHTS,
        size=WINDOW,
    )
    ids = list(dict.fromkeys(candidate.id for found in lists for candidate in found))
    limit = wanted.min_score if wanted.min_score is not None else picture_weights().shown
    scored = await asyncio.to_thread(_score, access.services, subject, ids, limit)
    page = scored[wanted.offset : wanted.offset + wanted.size]
    hits = await engine.documents(scope, [entry.id for entry in page])
    return scored, hits, all(len(found) < WINDOW for found in lists)


def _score(services: Services, subject: Subject, ids: Sequence[str], limit: float) -> list[_Scored]:
    """Each candidate by the picture that is most alike; the most alike first, ties by id."""
    rows, vectors = _described(services, ids)
    if not rows:
        return []
    totals, parts = figures.best_of(subject.described, vectors)
    best: dict[str, int] = {}
    for number in np.argsort(-totals, kind="stable"):
        best.setdefault(rows[number].record, int(number))
    scored = []
    for record, number in best.items():
        row, total = rows[number], float(totals[number])
        same = row.sha256 == subject.sha256
        if same or total >= limit:
            bits = None if row.hash is None else (row.hash ^ subject.described[0].hash).bit_count()
            likeness = figures.told(1.0 if same else total, parts[number], same_file=same, bits=bits)
            scored.append(_Scored(record, row.sha256, likeness))
    return sorted(scored, key=lambda entry: (-entry.likeness.score, entry.id))


def _described(services: Services, ids: Sequence[str]) -> tuple[list[_Row], Any]:
    """The pictures of records that the caller's scope has let through, and their vectors, a row each."""
    statement = text(
        "select r.record, p.sha256, p.hash, p.vector from record_images r join pictures p on p.sha256 = r.sha256 "
        "where r.record = any(:ids) and p.vector is not null and p.version = :version order by r.record, r.reference"
    )
    with services.reading.connect() as connection:
        found = connection.execute(statement, {"ids": list(ids), "version": VERSION}).all()
    rows = [_Row(row[0], row[1], None if row[2] is None else int.from_bytes(row[2], "big")) for row in found]
    return rows, np.stack([unpack(row[3]) for row in found]) if found else np.empty((0, 0))


def _hit(entry: _Scored, hit: Hit | None) -> PictureHit | None:
    """None where the record is no more what it was, or its images are not the caller's any more."""
    if hit is None or Group.IMAGES not in hit.view.groups:
        return None
    images: Sequence[Mapping[str, Any]] = hit.document["record"].get("images", ())
    places = [place for place, image in enumerate(images, 1) if image.get("sha256") == entry.sha256]
    if not places:
        return None
    likeness = entry.likeness
    return PictureHit(entry.id, likeness.score, likeness.parts, likeness.reasons, places[0], hit.record)
