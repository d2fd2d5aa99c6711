"""Quality, coverage, freshness and reported errors over HTTP, each for what its caller may see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access.audit import change
from api.access.model import Group, Permission, Tier
from api.access.routes import in_transaction
from api.dependencies import Access, Guard
from api.review import error_reports
from api.review.visibility import own_offices, visible
from api.search.routes import json_response
from common.errors import AccessDenied, NotFound, UsageError
from common.messages import say
from indexer.coverage import report as coverage_report
from indexer.coverage.authority import exceptions
from indexer.coverage.holdings import refresh
from indexer.freshness import declare, freshness
from indexer.quality import reports
from indexer.quality.sheet import Sheet, as_json, as_page
from store.quality import AuthorityFile, ErrorReport

router = APIRouter(prefix="/v1", tags=["quality"])

Anyone = Annotated[Access, Depends(Guard(Permission.SEARCH))]
Reader = Annotated[Access, Depends(Guard(Permission.VIEW, known=True))]
OfficeManager = Annotated[Access, Depends(Guard(Permission.MANAGE_OFFICE))]

CATCH_UP = 50_000
"""Changed records that a request takes into the holdings before it answers; `concord coverage refresh` takes all."""
LARGEST_PAGE = 5_000
LARGEST_ID = 2**63 - 1


class Shape(StrEnum):
    JSON = "json"
    CSV = "csv"
    PAGE = "page"


ShapeQuery = Annotated[Shape, Query(alias="format", description="json, csv (one sheet) or page (ready to draw)")]
SheetQuery = Annotated[str | None, Query(alias="sheet", max_length=50, description="One sheet only")]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE)]
Code = Annotated[str | None, Query(pattern=r"^[A-Za-z]{2}$", description="ST.3 code")]
Year = Annotated[int | None, Query(ge=1500, le=9999)]
Short = Annotated[str | None, Query(max_length=300)]


def rendered(sheets: Sequence[Sheet], shape: Shape, name: str | None, **more: Any) -> Response:
    """The sheets in the shape asked for; CSV is one sheet, the first unless named."""
    chosen = [sheet for sheet in sheets if name is None or sheet.name == name]
    if not chosen:
        raise UsageError(say("review.no-sheet", name=str(name), sheets=[s.name for s in sheets]))
    if shape is Shape.CSV:
        headers = {"content-disposition": f'attachment; filename="{chosen[0].name}.csv"'}
        return Response(chosen[0].csv(), media_type="text/csv; charset=utf-8", headers=headers)
    return json_response({**(as_page(chosen) if shape is Shape.PAGE else as_json(chosen)), **more})


def _own_provider(access: Access) -> str:
    """Findings tell file positions and values: they are for the provider's own people."""
    for grant in access.scope.grants:
        if grant.provider is not None and Group.PROVENANCE in grant.groups:
            return grant.provider
    raise AccessDenied("not a provider's own")


# ---------------------------------------------------------------------------------------------------------- quality


@router.get("/quality/rules", summary="What is checked, and what to do about it")
async def quality_rules(access: Anyone, shape: ShapeQuery = Shape.JSON) -> Response:
    """The table of rules: severity, rights, offices, explanation and fix."""
    return rendered([reports.rule_table()], shape, None)


@router.get("/quality", summary="Quality of my office's records")
async def quality(access: Reader, shape: ShapeQuery = Shape.JSON, sheet: SheetQuery = None) -> Response:
    """Findings by rule, collection and delivery, and the trend by month. For the provider's own people."""
    provider = _own_provider(access)
    sheets = await in_transaction(access, lambda s: reports.quality(s, provider))
    return rendered(sheets, shape, sheet)


@router.get("/quality/findings", summary="Findings on my office's records, one by one")
async def quality_findings(
    access: Reader,
    record: Short = None,
    rule: Short = None,
    severity: Short = None,
    collection: Short = None,
    delivery: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    after: Annotated[int, Query(ge=0, le=LARGEST_ID)] = 0,
    limit: Limit = 200,
    shape: ShapeQuery = Shape.JSON,
) -> Response:
    """Those in force, or with `delivery` those that it brought. `next` is the `after` of the next page."""
    provider = _own_provider(access)

    def work(session: Session) -> Sheet:
        return reports.findings(
            session,
            provider,
            record=record,
            rule=rule,
            severity=severity,
            collection=collection,
            delivery=delivery,
            after=after,
            limit=limit,
        )

    found = await in_transaction(access, work)
    following = found.rows[-1]["finding"] if len(found.rows) == limit else None
    return rendered([found], shape, None, next=following)


# --------------------------------------------------------------------------------------------------------- coverage


async def _level(access: Access) -> None:
    await asyncio.to_thread(refresh, access.services.database, CATCH_UP)


@router.get("/coverage", summary="How complete the collections are that I may read")
async def coverage(access: Anyone, shape: ShapeQuery = Shape.JSON, sheet: SheetQuery = None) -> Response:
    """`authority`: held ÷ (listed − excepted) by office, kind and year, where an office's authority file (WIPO ST.37)
    is in force. `runs`: numbers missing between held ones, where none is. Counted over what the caller may read: what
    is hidden counts as not held."""
    await _level(access)
    scope = access.scope
    sheets = await in_transaction(access, lambda s: coverage_report.coverage(s, visible(scope), own=own_offices(scope)))
    return rendered(sheets, shape, sheet)


@router.get("/coverage/gaps", summary="Which numbers are missing")
async def coverage_gaps(
    access: Anyone,
    office: Annotated[str, Query(pattern=r"^[A-Za-z]{2}$", description="ST.3 code")],
    kind: Annotated[str | None, Query(max_length=5)] = None,
    year: Year = None,
    excepted: Annotated[bool, Query(description="Also those that the office gave an exception code")] = True,
    after: Annotated[str, Query(max_length=200, description="`next` of the page before")] = "",
    limit: Limit = 1_000,
    shape: ShapeQuery = Shape.JSON,
) -> Response:
    """Numbers of the office's authority file that are not held, with the exception code where there is one."""
    await _level(access)
    scope = access.scope
    number, _, last_kind = after.partition("|")

    def work(session: Session) -> Sheet:
        return coverage_report.gaps(
            session,
            visible(scope),
            office.upper(),
            kind=kind.upper() if kind else None,
            year=year,
            excepted=excepted,
            own=own_offices(scope),
            after=(number, last_kind),
            limit=limit,
        )

    found = await in_transaction(access, work)
    last = found.rows[-1] if len(found.rows) == limit else None
    return rendered([found], shape, None, next=f"{last['number']}|{last['kind']}" if last else None)


@router.get("/coverage/ranges", summary="Numbers missing between held ones")
async def coverage_ranges(
    access: Anyone,
    office: Code = None,
    right: Short = None,
    year: Year = None,
    limit: Limit = 1_000,
    shape: ShapeQuery = Shape.JSON,
) -> Response:
    """Where no authority file is given: each stretch of missing numbers, by series and year."""
    await _level(access)
    scope = access.scope

    def work(session: Session) -> Sheet:
        return coverage_report.range_gaps(
            session,
            visible(scope),
            office=office.upper() if office else None,
            right=right,
            year=year,
            own=own_offices(scope),
            limit=limit,
        )

    return rendered([await in_transaction(access, work)], shape, None)


@router.get("/coverage/authority-files", summary="Authority files in force")
async def authority_files(access: Anyone) -> Response:
    """Of the offices whose coverage the caller is told, with the exception codes of ST.37."""
    await _level(access)
    scope = access.scope

    def work(session: Session) -> list[dict[str, Any]]:
        told = {
            row["office"] for row in coverage_report.coverage(session, visible(scope), own=own_offices(scope))[0].rows
        }
        statement = select(AuthorityFile).where(AuthorityFile.in_force, AuthorityFile.office.in_(sorted(told)))
        return [authority_json(entry) for entry in session.scalars(statement.order_by(AuthorityFile.id))]

    return json_response({"files": await in_transaction(access, work), "exceptions": exceptions()})


def authority_json(entry: AuthorityFile) -> dict[str, Any]:
    return {
        "id": entry.id,
        "office": entry.office,
        "name": entry.name,
        "form": entry.form,
        "category": entry.category,
        "produced": entry.produced,
        "loaded": entry.loaded,
        "entries": entry.entries,
        "excepted": entry.excepted,
        "refused": entry.refused,
        "definition": entry.definition,
    }


# -------------------------------------------------------------------------------------------------------- freshness


@router.get("/freshness", summary="How far behind each office's records are")
async def how_fresh(
    access: Anyone,
    days: Annotated[int, Query(ge=1, le=36_500, description="Publications this long before the last one held")] = 365,
    shape: ShapeQuery = Shape.JSON,
    sheet: SheetQuery = None,
) -> Response:
    """`freshness`: last publication and delivery, lag and correction lag by office and right. `schedules`: what is due
    and overdue by collection. Counted over what the caller may read."""
    await _level(access)
    scope = access.scope
    sheets = await in_transaction(access, lambda s: freshness(s, visible(scope), days=days))
    return rendered(sheets, shape, sheet)


class ScheduleIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    every: Annotated[str | None, Field(max_length=20)]
    """daily, weekly, monthly, quarterly, yearly; null takes the schedule away."""
    grace_days: Annotated[int, Field(ge=0, le=366)] = 0


@router.put("/collections/{collection}/schedule", summary="Declare how often a collection is delivered")
async def set_schedule(collection: str, access: OfficeManager, given: ScheduleIn) -> Response:
    """For the provider's steward: what the freshness report holds deliveries against."""
    provider = access.caller.office
    if provider is None:
        raise AccessDenied("no office")

    def work(session: Session) -> None:
        declare(
            session,
            collection,
            given.every,
            by=access.caller.name,
            grace_days=given.grace_days,
            provider=provider,
        )

    await in_transaction(access, work)
    details = {"collection": collection, "every": given.every, "grace_days": given.grace_days}
    await access.services.record([change(access.caller, "schedule-set", **details)])
    return json_response(details)


# ---------------------------------------------------------------------------------------------------- error reports


Words = Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]+$")]
ReportId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


class ReportIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    record: Annotated[str, Field(min_length=1, max_length=500)]
    text: Words
    field: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")] = ""
    """Field of the record that is wrong, where it is one."""


class ReplyIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Words
    decision: Annotated[str | None, Field(max_length=20)] = None
    """Of the provider: answered, corrected or declined."""
    expected: Annotated[str | None, Field(max_length=20)] = None
    """State in which the answer was written; another by now is a conflict."""


@router.post("/error-reports", status_code=201, summary="This record is wrong")
async def report_error(access: Reader, given: ReportIn) -> Response:
    """To the queue of the record's provider. Anybody who has signed in and may read the record may report it."""
    hit = (await access.services.engine.documents(access.scope, [given.record])).get(given.record)
    if hit is None or Group.BIBLIOGRAPHY not in hit.view.groups:
        raise NotFound("no such record")
    record = dict(hit.document["record"])

    def work(session: Session) -> dict[str, Any]:
        report = error_reports.open_report(session, access.caller, record, given.text, field=given.field)
        return _full(session, report)

    made = await in_transaction(access, work)
    await _note(access, "error-report-opened", made)
    return json_response(made, 201)


@router.get("/error-reports", summary="Reported errors: my office's queue, and my own")
async def list_reports(
    access: Reader,
    state: Annotated[str | None, Query(max_length=20)] = None,
    before: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Response:
    """Newest first. `next` is the `before` of the next page."""
    found = await in_transaction(
        access, lambda s: error_reports.listed(s, access.caller, state=state, before=before, limit=limit)
    )
    shown = await _still_readable(access, found)
    following = found[-1].id if len(found) == limit else None
    return json_response({"reports": [error_reports.as_json(report) for report in shown], "next": following})


@router.get("/error-reports/{report_id}", summary="One reported error with its thread")
async def read_report(report_id: ReportId, access: Reader) -> Response:
    await _readable(access, report_id)
    return json_response(
        await in_transaction(access, lambda s: _full(s, error_reports.find(s, access.caller, report_id)))
    )


@router.post("/error-reports/{report_id}/messages", status_code=201, summary="Answer, decide, or ask again")
async def reply_to_report(report_id: ReportId, access: Reader, given: ReplyIn) -> Response:
    """The provider's word makes the report answered, corrected or declined; the reporter's opens it again."""
    await _readable(access, report_id)

    def work(session: Session) -> dict[str, Any]:
        report = error_reports.reply(
            session, access.caller, report_id, given.text, decision=given.decision, expected=given.expected
        )
        return _full(session, report)

    made = await in_transaction(access, work)
    await _note(access, "error-report-message", made)
    return json_response(made, 201)


def _full(session: Session, report: ErrorReport) -> dict[str, Any]:
    messages = [error_reports.message_json(message) for message in error_reports.thread(session, report)]
    return {**error_reports.as_json(report), "messages": messages}


async def _note(access: Access, action: str, report: dict[str, Any]) -> None:
    details = {name: report[name] for name in ("record", "provider", "state")}
    await access.services.record([change(access.caller, action, report=report["id"], **details)])


async def _readable(access: Access, report_id: int) -> None:
    report = await in_transaction(access, lambda s: error_reports.find(s, access.caller, report_id))
    if not await _still_readable(access, [report]):
        raise NotFound("no such report")


async def _still_readable(access: Access, found: Sequence[ErrorReport]) -> list[ErrorReport]:
    """The reporter loses sight of the thread with sight of the record; of a record deleted since, with sight of its
    collection."""
    mine = [report for report in found if not error_reports.handles(access.caller, report.provider)]
    hits = await access.services.engine.documents(access.scope, sorted({report.record for report in mine}))
    readable = {name for name, hit in hits.items() if Group.BIBLIOGRAPHY in hit.view.groups}
    unseen = {report.record for report in mine} - readable

    def deleted(session: Session) -> set[str]:
        return {name for name in unseen if error_reports.gone(session, name)}

    left = await in_transaction(access, deleted) if unseen else set()
    return [
        report
        for report in found
        if report not in mine
        or report.record in readable
        or (report.record in left and access.scope.tier(report.collection) >= Tier.METADATA)
    ]
