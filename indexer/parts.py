"""Laying a part of a record (claims alone, events alone, a line of a hit list) over what is held of it.

Facts are united: none that is held goes, none is doubled. Where both say the same thing differently (a title in the
same language and layer), the part, which came later, is believed. Where each part came from stays in `additions`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from indexer.harmonise.status import concerns, honour_corrections, status_from
from indexer.quality import check, rules
from indexer.record import Record, Status, StatusEvent

Key = Callable[[Any], tuple[Any, ...]]

FACTS: dict[str, Key] = {
    "numbers": lambda n: (n.type, n.canonical, n.kind),
    "dates": lambda d: (d.type, d.date, d.label),
    "texts": lambda t: (t.type, t.language, t.layer, t.class_symbol, t.format),
    "parties": lambda p: (p.role, p.canonical_name, p.country),
    "classifications": lambda c: (c.scheme, c.symbol, c.office),
    "priorities": lambda p: (p.number.canonical,),
    "families": lambda f: (f.provider, f.definition, f.identifier),
    "relations": lambda r: (r.type, r.number and r.number.canonical, r.text),
    "designations": lambda d: (d.office, d.type),
    "images": lambda i: (i.type, i.reference),
    "events": lambda e: (
        *(e.scheme, e.raw_code, e.office, concerns(e), e.event_date, e.effective_date, e.publication_date),
    ),
    "citations": lambda c: (c.type, c.number and c.number.canonical, c.text, c.phase),
}
"""Field → what makes two of its facts the same fact."""

SINGLE = ("kind", "kind_group", "language", "mark", "design", "work")


def overlay(held: Record, part: Record) -> Record:
    """`held` with what `part` adds. Its id, source and place stay; status and findings are worked out anew."""
    changes: dict[str, Any] = {
        name: united(getattr(held, name), getattr(part, name), key)
        for name, key in FACTS.items()
        if getattr(part, name)
    }
    changes |= {name: getattr(part, name) for name in SINGLE if getattr(held, name) is None}
    origins = {(s.sha256, s.ordinal): s for s in (*held.additions, part.source, *part.additions)}
    origins.pop((held.source.sha256, held.source.ordinal), None)
    changes["additions"] = tuple(origins.values())
    changes["partial"] = held.partial and part.partial
    changes["unpublished"] = held.unpublished or part.unpublished
    changes["events"] = honour_corrections(changes.get("events", held.events))
    changes["status"] = _status(held, part, changes["events"])
    known = rules()
    kept = [finding for finding in (*held.findings, *part.findings) if finding.rule not in known]
    merged = held.model_copy(update=changes | {"findings": tuple(dict.fromkeys(kept))})
    return merged.model_copy(update={"findings": check(merged)})


def _status(held: Record, part: Record, events: tuple[StatusEvent, ...]) -> Status | None:
    """What the whole log says, or what an office stated as current, whichever is newer. What was only worked out from
    a log that is no longer the whole, or stated by an event that was taken back, no longer counts."""
    told = [status_from(events, office=held.office)]
    for record in (held, part):
        stated = record.status
        if stated is None or stated == status_from(record.events, office=record.office):
            continue
        if not any(event.withdrawn and _says(event, stated) for event in events):
            told.append(stated)
    return max((status for status in told if status is not None), key=_as_of, default=None)


def _says(event: StatusEvent, status: Status) -> bool:
    day = event.event_date or event.effective_date or event.publication_date
    return (event.state, day) == (status.state, status.as_of)


def _as_of(status: Status) -> tuple[bool, dt.date]:
    return status.state != "unspecified", status.as_of or dt.date.min


def united(held: Iterable[Any], added: Iterable[Any], key: Key) -> tuple[Any, ...]:
    """Facts of both, in the order in which they came; of two that are the same fact, the added one."""
    facts = {key(fact): fact for fact in held}
    facts.update((key(fact), fact) for fact in added)
    return tuple(facts.values())
