"""Legal status of one application: its events in order, and what they say office by office, state by state.

Computed when asked, from the logs of every publication of the application whose legal status the viewer reads: offices
deliver events with one publication or another. Corrections are honoured over the whole log, so an event that was taken
back no longer counts, wherever the correction came. There is no status of a family, and none that is said to be
complete: offices announce events late, and some never.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from api.access.model import Group
from api.access.scope import Scope
from api.dependencies import Access, disclosed
from api.search import records
from api.search.engine import Engine, Hit
from indexer.harmonise.status import categories, concerns, decides, is_correction, status_from, taken_back
from indexer.parts import FACTS
from indexer.record import Status, StatusEvent

NOTICE = (
    "Legal events as offices delivered them: not complete, and no substitute for the office's register. "
    "Nothing here is a status of a family."
)
LARGEST = 500
"""Records of one application beyond which no more are looked at."""
PARTS = (
    "application_key",
    "updated",
    *(f"record.{name}" for name in ("id", "right", "office", "provider", "collection", "kind", "numbers", "dates")),
    *(f"record.{name}" for name in ("designations", "events", "status")),
)


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and the records that tell of it."""

    event: StatusEvent
    records: tuple[str, ...]


async def find(engine: Engine, scope: Scope, record_id: str) -> tuple[Hit, ...] | None:
    """The record, first, and the others of its application within a scope; None where the caller may not know of
    it; nothing where it may know that it exists and no more."""
    start = await engine.matching(scope, {"term": {"id": record_id}}, parts=PARTS, size=1)
    if not start:
        return None if await engine.get(scope, record_id) is None else ()
    same = {"term": {"application_key": start[0].document["application_key"]}}
    rights = (start[0].document["right"],)
    found = await engine.matching(scope, same, rights=rights, parts=PARTS, size=LARGEST)
    return (start[0], *(hit for hit in found if hit.id != record_id))


async def answer(access: Access, record_id: str) -> dict[str, Any]:
    """The timeline as JSON; written to the audit. Raises NotFound, the same for hidden and missing."""
    _, found = await disclosed(
        access,
        lambda now: find(now.services.engine, now.scope, record_id),
        lambda now, found: now.shown("status", found or ()),
    )
    if found is None:
        raise records.missing()
    return as_json(found)


def as_json(found: Sequence[Hit]) -> dict[str, Any]:
    readable = [hit for hit in found if Group.LEGAL_STATUS in hit.view.groups]
    log = _log(readable)
    events = [told.event for told in log]
    corrections = taken_back(events)
    honoured = [e.model_copy(update={"withdrawn": i in corrections}) for i, e in enumerate(events)]
    main = found[0].record if found else {}
    return {
        "record": main.get("id"),
        "office": main.get("office"),
        "right": main.get("right"),
        "notice": NOTICE,
        "readable": bool(readable),
        "records": [_source(hit) for hit in sorted(found, key=_day)],
        "offices": _offices(main.get("office"), found, readable, honoured),
        "events": [
            _event(told, event, corrections.get(place))
            for place, (told, event) in enumerate(zip(log, honoured, strict=True))
        ],
    }


def _day(hit: Hit) -> tuple[str, str]:
    days = [fact["date"] for fact in hit.record.get("dates", ()) if fact["type"] == "publication"]
    return (min(days, default="9999"), hit.id)


def _source(hit: Hit) -> dict[str, Any]:
    record = hit.record
    return {
        **{name: record.get(name) for name in ("id", "provider", "collection", "kind")},
        "published": next((fact["date"] for fact in record.get("dates", ()) if fact["type"] == "publication"), None),
        "updated": hit.document.get("updated"),
    }


def _log(hits: Iterable[Hit]) -> list[Told]:
    """Events of all records, each once, in the order in which they happened."""
    same = FACTS["events"]
    held: dict[tuple[Any, ...], tuple[StatusEvent, list[str]]] = {}
    for hit in hits:
        for raw in hit.record.get("events", ()):
            event = StatusEvent.model_validate(raw)
            held.setdefault(same(event), (event, []))[1].append(hit.id)
    made = [Told(event, tuple(dict.fromkeys(ids))) for event, ids in held.values()]
    return sorted(made, key=lambda told: (_when(told.event) or dt.date.min, is_correction(told.event)))


def _when(event: StatusEvent) -> dt.date | None:
    return event.event_date or event.effective_date or event.publication_date


def _event(told: Told, event: StatusEvent, corrected_by: int | None) -> dict[str, Any]:
    category = event.key_event[:1] if event.key_event else None
    return {
        "office": event.office,
        "states": list(concerns(event)),
        "code": event.raw_code,
        "scheme": event.scheme,
        "key_event": event.key_event,
        "category": category,
        "category_name": categories().get(category) if category else None,
        "state": event.state,
        "stage": event.stage,
        "event_date": event.event_date,
        "effective_date": event.effective_date,
        "publication_date": event.publication_date,
        "description": [{"language": text.language, "text": text.text} for text in event.description],
        "correction": is_correction(event),
        "withdrawn": event.withdrawn,
        "withdrawn_by": corrected_by,
        "records": list(told.records),
    }


def _offices(
    main: str | None, found: Sequence[Hit], readable: Sequence[Hit], events: Sequence[StatusEvent]
) -> list[dict[str, Any]]:
    """One entry for the office itself, one for each designated state and for each that an event concerns. A state
    without an event of its own has no status here: the region's is not said to be its own."""
    if main is None:
        return []
    designated: dict[str, dict[str, Any]] = {}
    for hit in found:
        for entry in hit.record.get("designations", ()):
            designated.setdefault(entry["office"], {"type": entry.get("type"), "date": entry.get("date")})
    concerned = {office for event in events for office in concerns(event)}
    rest = sorted((set(designated) | concerned) - {main})
    stated = [status for hit in readable if (status := _stated(hit)) is not None]
    entries = []
    for office in (main, *rest):
        places = [place for place, event in enumerate(events) if office in concerns(event)]
        own = [events[place] for place in places]
        status, deciding = status_from(own), decides(own)
        basis = "events" if status else None
        for other in stated if office == main else ():
            if status is None or (other.as_of or dt.date.min) > (status.as_of or dt.date.min):
                status, basis, deciding = other, "stated", None
        dates = [day for event in own if not event.withdrawn and (day := _when(event))]
        entries.append(
            {
                "office": office,
                "role": "office" if office == main else "designated" if office in designated else "concerned",
                "designation": designated.get(office),
                "status": None
                if status is None
                else {
                    **status.model_dump(mode="json"),
                    "basis": basis,
                    "event": None if deciding is None else places[deciding],
                },
                "last_event": max(dates, default=None),
                "events": len(own),
                "withdrawn": sum(event.withdrawn for event in own),
            }
        )
    return entries


def _stated(hit: Hit) -> Status | None:
    """What an office states as the present status, where that is more than its events say; nothing where the event
    that stated it was taken back."""
    record = hit.record
    if record.get("status") is None:
        return None
    status = Status.model_validate(record["status"])
    log = tuple(StatusEvent.model_validate(raw) for raw in record.get("events", ()))
    return None if status == status_from(log, office=record["office"]) else status
