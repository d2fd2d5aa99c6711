"""An export as a job: found, decided, counted, audited, written, batch by batch under the rights of that moment.

A right that goes while it runs takes what was written under it along: the file is begun anew without it. Nobody can
read the file before it is whole, and whoever asks for it is looked at again (`content`).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from api.access.audit import append, disclosures
from api.access.model import Group, Permission
from api.access.scope import Scope
from api.dependencies import Access, Services
from api.exchange import volume
from api.exchange.writers.shown import as_record
from api.exports import rights, sinks
from api.jobs.runner import Run
from api.search.engine import Hit
from api.search.service import Search
from api.search.whole import whole
from common.errors import AccessDenied, Conflict
from common.messages import say
from indexer.record import Record

BATCH = 200
MOST_RESTARTS = 3
FOLDER = "exports"
ONLY_EXISTENCE = "only their existence may be known"
FORMAT = "their provider does not allow this format"


class RightsChanged(Exception):
    """What was written so far was written under rights that are gone."""


def folder(services: Services) -> Path:
    return services.settings.home / FOLDER


def path_of(services: Services, job: str, format: str) -> Path:
    return folder(services) / f"{job}.{sinks.kind_of(format)[0]}"


async def export(run: Run) -> dict[str, Any]:
    """Result: the file's size and SHA-256, and the report."""
    format = sinks.check(run.request["format"])
    for _ in range(MOST_RESTARTS):
        with suppress(RightsChanged):
            return await _write(run, format)
    raise Conflict(say("exports.rights-changing"))


async def _write(run: Run, format: str) -> dict[str, Any]:
    services = run.services
    await asyncio.to_thread(_begin, services, run.id)
    part = folder(services) / f"{run.id}.{run.attempt}.part"
    access = await _allowed(run)
    request = await whole(access, Search.model_validate(run.request["search"]))
    basis: rights.Basis = {}
    total = (await services.engine.search(access.scope, replace(request, size=0))).total
    sink = await asyncio.to_thread(sinks.open_sink, format, part)
    done = 0
    try:

        async def scope() -> Scope:
            run.progress("write", done, total)
            return (await _allowed(run)).scope

        stream = services.engine.stream(
            scope, request.query, filters=request.filters, rights=request.rights, batch=BATCH
        )
        async for current, hits in stream:
            await asyncio.to_thread(_batch, run, current, hits, format, sink, basis)
            done += len(hits)
        run.progress("finish", done, total)
        await asyncio.to_thread(sink.close)
        if not rights.stands(basis, (await _allowed(run)).scope):
            raise RightsChanged
        size, sha256 = await asyncio.to_thread(_place, part, path_of(services, run.id, format))
    except BaseException:
        await asyncio.shield(asyncio.to_thread(_discard, sink, part))
        raise
    run.progress("finish", done, total)
    return {
        "size": size,
        "sha256": sha256,
        "media_type": sinks.kind_of(format)[1],
        "content": f"/v1/exports/{run.id}/content",
        "report": sink.report.as_json(),
        "_basis": rights.as_json(basis),
    }


async def _allowed(run: Run) -> Access:
    """The owner as it is now. Raises AccessDenied where it may not export any more."""
    access = await run.access()
    if not access.caller.may(Permission.EXPORT):
        raise AccessDenied("the permission to export was taken away")
    return access


def _batch(run: Run, scope: Scope, hits: Sequence[Hit], format: str, sink: sinks.Sink, basis: rights.Basis) -> None:
    """One batch: decided, counted and audited in one transaction, before any of it is written."""
    run.check()
    if not rights.stands(basis, scope):
        raise RightsChanged
    seen, left_out = given(scope, hits, format)
    sink.report.left_out.update(left_out)
    services = run.services
    with services.database.session() as session:
        kept = _within_volume(session, seen)
        sink.report.left_out.update({volume.OVER: len(seen) - len(kept)} if len(kept) < len(seen) else {})
        shown = [(hit.id, hit.document, hit.view) for hit in kept]
        details = {"job": run.id, "format": format}
        entries = disclosures("export", scope.caller, run.purpose, shown, content=True, details=details)
        append(session, services.keys, services.audit.chain, entries)
    rights.extend(basis, scope, {str(hit.document["collection"]) for hit in kept})
    for hit in kept:
        run.check()
        sink.add(record_of(hit))


def given(scope: Scope, hits: Sequence[Hit], format: str) -> tuple[list[Hit], Counter[str]]:
    """Those of the hits that may be given out in the format, each as it may be seen in it; why → how many may not."""
    seen: list[Hit] = []
    left_out: Counter[str] = Counter()
    in_format = rights.limited(scope, format)
    for hit in hits:
        if Group.BIBLIOGRAPHY not in hit.view.groups:
            left_out[ONLY_EXISTENCE] += 1
            continue
        view = in_format.view(hit.document)
        if Group.BIBLIOGRAPHY not in view.groups:
            left_out[FORMAT] += 1
            continue
        seen.append(Hit(hit.id, hit.rank, hit.score, hit.document, view))
    return seen, left_out


def _within_volume(session: Session, hits: Sequence[Hit]) -> list[Hit]:
    """The hits that the agreements' volumes allow. What an agreement gave before is not counted again."""
    over: set[str] = set()
    by_ground: dict[tuple[int, ...], list[Hit]] = {}
    for hit in hits:
        if hit.view.agreements:
            by_ground.setdefault(hit.view.agreements, []).append(hit)
    for ground, given in sorted(by_ground.items()):
        kept = volume.within_versions(session, ground, [(hit.id, hit.record) for hit in given])
        over |= {hit.id for hit in given} - kept
    return [hit for hit in hits if hit.id not in over]


def record_of(hit: Hit) -> Record:
    """The record as its reader may see it."""
    return as_record(hit.record)


def _place(part: Path, path: Path) -> tuple[int, str]:
    digest = hashlib.sha256()
    with part.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
        os.fsync(file.fileno())
    size = part.stat().st_size
    part.replace(path)
    return size, digest.hexdigest()


def _begin(services: Services, job: str) -> None:
    """The folder, without what an attempt left there whose worker was killed: this one holds the job's lock."""
    folder(services).mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove(folder(services), f"{job}.*.part*")


def _discard(sink: sinks.Sink, part: Path) -> None:
    with suppress(Exception):
        sink.close()
    _remove(part.parent, part.name + "*")


def _remove(place: Path, pattern: str) -> None:
    for path in place.glob(pattern):
        path.unlink(missing_ok=True)
