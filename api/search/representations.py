"""In which format an answer leaves: content negotiation (RFC 9110 §12.5.1) over what can be written.

`Accept` with its weights, or `?format=NAME`, which wins. There are no registered media types for ST.36, ST.66, ST.86,
ST.96 and ST.97; the names in this table are the platform's, and `application/xml` means ST.96, or where a record cannot
be written in that, the XML format of its right.

A format changes how a record is said, never what of it is seen: the writers get the record as the caller may see it,
under those grants alone that let it leave in the format.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import orjson
from lxml import etree

from api.access.audit import Entry
from api.access.model import Group, Tier
from api.access.redaction import redact
from api.dependencies import Access, disclosed
from api.exchange.writers import FORMATS, UnwritableRecord, Written, write_many
from api.exchange.writers.shown import as_record, write_shown
from api.search import records
from api.search.engine import Hit
from api.search.service import Results
from common.errors import NotAcceptable, UsageError
from common.messages import say
from indexer.record import Record, Right

RESULTS = "urn:ip-concord:results:1"
LONGEST_HEADER = 4_000
"""Characters of a header that lists what a format cannot carry, or why records are not in it."""
NOT_GIVEN = "You are not given it in this format: your agreement, or the policy of its collection, names others."


@dataclass(frozen=True, slots=True)
class Representation:
    """One way in which a record or a page of results can be said."""

    name: str
    """As in `?format=`."""
    writer: str | None
    """Name in api/exchange/writers; None: the JSON that the API speaks anyway."""
    media_types: tuple[str, ...]

    def of(self, right: Right) -> bool:
        return self.writer is None or right in FORMATS[self.writer].writers


TABLE = (
    Representation("json", None, ("application/json",)),
    Representation("st96", "st96", ("application/vnd.wipo.st96+xml", "application/xml", "text/xml")),
    Representation("st36", "st36", ("application/vnd.wipo.st36+xml", "application/xml", "text/xml")),
    Representation("st66", "st66", ("application/vnd.wipo.st66+xml", "application/xml", "text/xml")),
    Representation("st86", "st86", ("application/vnd.wipo.st86+xml", "application/xml", "text/xml")),
    Representation("st97", "st97", ("application/vnd.wipo.st97+json",)),
    Representation("jsonl", "json", ("application/jsonl", "application/x-ndjson")),
    Representation("csv", "csv", ("text/csv",)),
)
NAMES = frozenset(entry.name for entry in TABLE)
Choice = tuple[Representation, str]
"""What to write, and the media type to call it."""


@lru_cache(maxsize=256)
def choices(accept: str | None, named: str | None = None) -> tuple[Choice, ...]:
    """What the caller takes, best first: by weight, then by how exactly it was named, then in the table's order.

    Raises UsageError for a format that there is not, NotAcceptable where nothing remains.
    """
    if named is not None:
        entry = next((entry for entry in TABLE if entry.name == named), None)
        if entry is None:
            raise UsageError(say("exports.format-unknown", format=named, formats=[e.name for e in TABLE]))
        return ((entry, entry.media_types[0]),)
    ranges = _ranges(accept)
    found: list[tuple[float, int, int, Choice]] = []
    for place, entry in enumerate(TABLE):
        weighed = [(*_weight(media, ranges), -order, media) for order, media in enumerate(entry.media_types)]
        weight, exactness, _, media = max(weighed)
        if weight > 0:
            found.append((-weight, -exactness, place, (entry, media)))
    if not found:
        raise NotAcceptable(say("exports.nothing-acceptable"), available())
    return tuple(choice for *_, choice in sorted(found, key=lambda row: row[:3]))


def best(accept: str | None, media_types: Sequence[str]) -> str:
    """Of something that can be called by several media types: the one that the caller likes best. Raises
    NotAcceptable where it takes none."""
    ranges = _ranges(accept)
    weighed = [(*_weight(media, ranges), -place, media) for place, media in enumerate(media_types)]
    weight, _, _, chosen = max(weighed)
    if weight <= 0:
        raise NotAcceptable(say("exports.nothing-acceptable"), [{"media_type": name} for name in media_types])
    return chosen


def _ranges(accept: str | None) -> list[tuple[str, float]]:
    """(media range, weight) of the members that can be read; what cannot be read is as if it were not there."""
    found = []
    for member in (accept or "*/*").split(","):
        name, *parameters = (part.strip().lower() for part in member.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    weight = min(1.0, max(0.0, float(value)))
                except ValueError:
                    weight = 0.0
        if name.count("/") == 1:
            found.append((name, weight))
    return found


def _weight(media: str, ranges: Iterable[tuple[str, float]]) -> tuple[float, int]:
    """Weight of the most exact range that `media` falls under, and how exact that is; 0 where it falls under none."""
    kind = media.partition("/")[0]
    exactness = {media: 2, f"{kind}/*": 1, "*/*": 0}
    return max(((exactness[name], weight) for name, weight in ranges if name in exactness), default=(-1, 0.0))[::-1]


def available(right: Right | None = None) -> list[dict[str, str]]:
    return [
        {"format": entry.name, "media_type": entry.media_types[0]}
        for entry in TABLE
        if right is None or entry.of(right)
    ]


@dataclass(frozen=True, slots=True)
class Answer:
    """A body that is ready, with what its reader should know."""

    content: bytes
    media_type: str
    headers: dict[str, str]


# ------------------------------------------------------------------------------------------------------- one record


async def record(access: Access, record_id: str, wanted: Sequence[Choice]) -> Answer:
    """The record in the first of the formats wanted that can carry it. Raises NotFound, the same for hidden and missing
    and before anything is said of formats; NotAcceptable where none can."""

    async def look(now: Access) -> tuple[Hit, Representation, Answer]:
        return await _first(now, await records.find(now, record_id), wanted)

    def told(now: Access, found: tuple[Hit, Representation, Answer]) -> list[Entry]:
        hit, entry, _ = found
        details = {"format": entry.name} if entry.writer is not None else None
        return now.shown("view", [hit], content=hit.view.tier is Tier.CONTENT, details=details)

    _, (_, _, answer) = await disclosed(access, look, told)
    return answer


async def _first(access: Access, hit: Hit, wanted: Sequence[Choice]) -> tuple[Hit, Representation, Answer]:
    """The record as it may leave in that format."""
    reasons: list[str] = []
    for entry, media in wanted:
        if entry.writer is None:
            return hit, entry, Answer(orjson.dumps(hit.record), media, {"vary": "accept"})
        view = access.scope.view(hit.document, format=entry.writer)
        if Group.BIBLIOGRAPHY not in view.groups:
            reasons.append(f"{entry.name}: you may not have it in this format")
            continue
        try:
            written = await asyncio.to_thread(write_shown, redact(hit.document["record"], view), entry.writer)
        except UnwritableRecord as error:
            reasons.append(f"{entry.name}: {'; '.join(why for _, why in error.missing)}")
            continue
        headers = {"vary": "accept", "concord-format": entry.name, **_losses(written)}
        return replace(hit, view=view), entry, Answer(written.data, media, headers)
    raise NotAcceptable(
        f"The record cannot be given so. {'. '.join(reasons)}.",
        available(Right(hit.document["right"])),
        remedy=say("exports.nothing-acceptable").remedy,
    )


def _losses(written: Written) -> dict[str, str]:
    """What the format cannot carry, as a header: `parties.representative;count=2, texts.other`."""
    told: list[str] = []
    for loss in written.lost:
        member = loss.field + (f";count={loss.count}" if loss.count > 1 else "")
        if sum(map(len, told)) + 2 * len(told) + len(member) > LONGEST_HEADER:
            break
        told.append(member)
    return {"concord-not-carried": ", ".join(told)} if told else {}


# -------------------------------------------------------------------------------------------------- a page of results


def page(found: Results, choice: Choice) -> Answer:
    """A page of results in one format. What a record lacks for it is said in its place; where a format has no place for
    that, the header `concord-unwritten` counts and `concord-unwritten-why` names the reasons. Blocks: call it off the
    event loop."""
    entry, media = choice
    assert entry.writer is not None
    written: list[tuple[str, Written]] = []
    unwritten: list[tuple[str | None, dict[str, Any], str]] = []
    whole: list[Record] = []
    for hit in found.hits:
        if hit.id is None:
            unwritten.append((None, hit.record, str(hit.record.get("notice", NOT_GIVEN))))
            continue
        if FORMATS[entry.writer].bulk:
            whole.append(as_record(hit.record))
            continue
        try:
            written.append((hit.id, write_shown(hit.record, entry.writer, verified=False)))
        except UnwritableRecord as error:
            unwritten.append((hit.id, hit.record, error.message))
    headers = {"vary": "accept", "concord-format": entry.name, "concord-total": str(found.total)}
    if found.cursor is not None:
        headers["concord-cursor"] = found.cursor
    if unwritten:
        headers["concord-unwritten"] = str(len(unwritten))
        reasons = " ".join(sorted({why for _, _, why in unwritten}))
        headers["concord-unwritten-why"] = reasons.encode("ascii", "replace").decode()[:LONGEST_HEADER]
    if FORMATS[entry.writer].bulk:
        content = b"".join(write_many(whole, entry.writer))
    elif entry.writer == "st97":
        content = _as_json(found, written, unwritten)
    else:
        content = _as_xml(entry, found, written, unwritten)
    return Answer(content, media, headers)


Unwritten = Sequence[tuple[str | None, dict[str, Any], str]]


def _as_json(found: Results, written: Iterable[tuple[str, Written]], unwritten: Unwritten) -> bytes:
    return orjson.dumps(
        {
            "total": found.total,
            "cursor": found.cursor,
            "records": [{"id": name, "record": orjson.Fragment(one.data.strip())} for name, one in written],
            "unwritten": [{"id": name, "collection": r.get("collection"), "why": why} for name, r, why in unwritten],
        }
    )


def _as_xml(
    entry: Representation, found: Results, written: Iterable[tuple[str, Written]], unwritten: Unwritten
) -> bytes:
    """`results` of `record`s, each holding one document of the format as it stands alone."""
    target = io.BytesIO()
    head = {"total": str(found.total), "format": entry.name, **({"cursor": found.cursor} if found.cursor else {})}
    with etree.xmlfile(target, encoding="UTF-8") as out:
        out.write_declaration()
        with out.element(f"{{{RESULTS}}}results", head, nsmap={None: RESULTS}):
            for name, one in written:
                with out.element(f"{{{RESULTS}}}record", {"id": name}):
                    out.write(etree.fromstring(one.data))
            for missing, shown, why in unwritten:
                said = {"id": missing, "collection": shown.get("collection"), "why": why}
                out.write(etree.Element(f"{{{RESULTS}}}unwritten", {k: str(v) for k, v in said.items() if v}))
    return target.getvalue()
