"""Quality of one's office's records, how complete and how fresh the collections are, and what readers report."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from api.access.model import Group
from api.review import error_reports
from api.review import quality as api
from api.web import summary
from api.web.page import Reader, Searcher, Viewer, of_api, pages, render, speaker
from common.errors import NotFound, UsageError
from common.messages import say

router = pages()

YEARS_SHOWN = 20
OFFICES_SHOWN = 60
LISTED = 200
STEPS = (0.5, 0.8, 0.95, 0.999)
"""Shares of completeness at which the colour of a cell changes."""


# ------------------------------------------------------------------------------------------------------- findings


@router.get("/quality")
async def overview(request: Request, access: Reader) -> Response:
    """Findings by rule, collection and month; for people of an office that delivers."""
    if not any(grant.provider is not None and Group.PROVENANCE in grant.groups for grant in access.scope.grants):
        return RedirectResponse("/quality/coverage", 303)
    found = await of_api(api.quality(access))
    return render(
        request,
        access,
        "quality.html",
        rules=found["rules"],
        most=max((row["findings"] for row in found["rules"]), default=1),
        collections=found["collections"],
        deliveries=found["deliveries"][:12],
        trend=_trend(found["trend"]),
    )


def _trend(months: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Columns of a chart: findings for a thousand records, a month each, at most two years."""
    shown = [month for month in months if month["rate"] is not None][-24:]
    if not shown:
        return None
    largest = max(month["rate"] for month in shown) or 1.0
    width = 600 / max(len(shown), 6)
    columns = [
        {**month, "x": f"{position * width + width * 0.12:.1f}", "width": f"{width * 0.76:.1f}",
         "height": f"{max(1.5, 96 * month['rate'] / largest):.1f}",
         "y": f"{100 - max(1.5, 96 * month['rate'] / largest):.1f}"}
        for position, month in enumerate(shown)
    ]  # fmt: skip
    return {"columns": columns, "first": shown[0]["month"], "last": shown[-1]["month"], "largest": largest}


@router.get("/quality/findings")
async def findings(request: Request, access: Reader) -> Response:
    """Findings one by one."""
    params = request.query_params
    wanted = {name: params.get(name) or None for name in ("record", "rule", "severity", "collection")}
    found = await of_api(
        api.quality_findings(
            access,
            record=wanted["record"],
            rule=wanted["rule"],
            severity=wanted["severity"],
            collection=wanted["collection"],
            delivery=_whole(params.get("delivery")),
            after=_whole(params.get("after")) or 0,
            limit=100,
        )
    )
    return render(
        request, access, "findings.html", rows=found["findings"], following=found["next"],
        wanted={name: value for name, value in wanted.items() if value},
        about=await _about(access, wanted["rule"]),
    )  # fmt: skip


async def _about(access: Reader, rule: str | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    table = (await of_api(api.quality_rules(access)))["rules"]
    return next((row for row in table if row["rule"] == rule), None)


# ------------------------------------------------------------------------------------------------------- coverage


@router.get("/quality/coverage")
async def coverage(request: Request, access: Searcher) -> Response:
    """A map of offices by years: how much of what there should be is held."""
    found = await of_api(api.coverage(access))
    right = request.query_params.get("right", "")
    cells: dict[str, dict[int, list[int]]] = {}
    by_file: set[str] = set()
    for row in found["authority"]:
        if right in ("", "patent") and row["year"]:
            by_file.add(row["office"])
            _count(cells, row["office"], row["year"], row["held"], row["missing"])
    for row in found["runs"]:
        if right in ("", row["right"]) and row["year"]:
            _count(cells, row["office"], row["year"], row["held"], row["missing"])
    every = sorted({year for years in cells.values() for year in years})
    last = _whole(request.query_params.get("until")) or (every[-1] if every else 0)
    years = [year for year in range(last - YEARS_SHOWN + 1, last + 1) if every and every[0] <= year <= every[-1]]
    offices = sorted(cells)
    shown = [
        {"office": office, "by_file": office in by_file,
         "cells": [_cell(cells[office].get(year)) for year in years],
         "whole": _cell([sum(cell[0] for cell in cells[office].values()),
                         sum(cell[1] for cell in cells[office].values())])}
        for office in offices[:OFFICES_SHOWN]
    ]  # fmt: skip
    return render(
        request,
        access,
        "coverage.html",
        years=years,
        rows=shown,
        more=max(0, len(offices) - OFFICES_SHOWN),
        earlier=str(years[0] - 1) if years and years[0] > every[0] else None,
        later=str(min(last + YEARS_SHOWN, every[-1])) if years and last < every[-1] else None,
        right=right,
        rights=sorted({row["right"] for row in found["runs"]} | ({"patent"} if found["authority"] else set())),
        steps=len(STEPS),
    )


def _count(cells: dict[str, dict[int, list[int]]], office: str, year: int, held: int, missing: int) -> None:
    cell = cells.setdefault(office, {}).setdefault(year, [0, 0])
    cell[0] += held
    cell[1] += missing


def _cell(counted: list[int] | None) -> dict[str, Any] | None:
    if counted is None or not sum(counted):
        return None
    share = counted[0] / sum(counted)
    return {
        "held": counted[0],
        "missing": counted[1],
        "share": share,
        "step": sum(share >= bound for bound in STEPS),
        # Never "100 %" where something is missing.
        "percent": min(99, round(100 * share)) if counted[1] else 100,
    }


@router.get("/quality/coverage/{office}")
async def gaps(request: Request, office: str, access: Searcher) -> Response:
    """Which numbers of an office are missing: by its authority file where there is one, else between held ones."""
    year = _whole(request.query_params.get("year"))
    code = office.upper()
    if len(code) != 2 or not code.isalpha() or not code.isascii():
        raise UsageError(say("pages.office-code"))
    if year is not None and not 1500 <= year <= 9999:
        raise UsageError(say("pages.year-digits"))
    listed = await of_api(
        api.coverage_gaps(access, code, year=year, after=request.query_params.get("after", "")[:200], limit=LISTED)
    )
    between = await of_api(api.coverage_ranges(access, office=code, year=year, limit=LISTED))
    files = await of_api(api.authority_files(access))
    return render(
        request, access, "gaps.html", office=code, year=year, listed=listed["gaps"], following=listed["next"],
        ranges=between["ranges"], most=LISTED,
        files=[entry for entry in files["files"] if entry["office"] == code],
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------ freshness


@router.get("/quality/freshness")
async def freshness(request: Request, access: Searcher) -> Response:
    """What is late."""
    found = await of_api(api.how_fresh(access))
    rows = sorted(found["freshness"], key=lambda row: (not row["overdue"], -(row["lag_median"] or 0), row["office"]))
    return render(
        request,
        access,
        "freshness.html",
        rows=rows,
        slowest=max((row["lag_median"] or 0 for row in rows), default=0) or 1,
        schedules=found["schedules"],
    )


# --------------------------------------------------------------------------------------------------- error reports


@router.get("/reports")
async def reports(request: Request, access: Reader) -> Response:
    """What readers have reported to one's office, and what one has reported oneself."""
    state = request.query_params.get("state") or None
    found = await of_api(
        api.list_reports(access, state=state, before=_whole(request.query_params.get("before")), limit=100)
    )
    return render(
        request, access, "reports.html", reports=found["reports"], following=found["next"], state=state,
        states=error_reports.STATES,
    )  # fmt: skip


@router.get("/records/{record_id}/report")
async def report_form(request: Request, record_id: str, access: Reader) -> Response:
    return await _form_page(request, access, record_id)


async def _form_page(request: Request, access: Viewer, record_id: str, *, text: str = "", fault: str = "") -> Response:
    from api.search import records

    record = await records.view(access, record_id)
    if "id" not in record:
        raise NotFound("what is only known to exist cannot be reported")
    says = speaker(request)
    return render(
        request,
        access,
        "report_new.html",
        http_status=400 if fault else 200,
        record_id=record_id,
        number=summary.number_of(record),
        heading=summary.title_of(record, says),
        text=text,
        fault=fault,
    )


@router.post("/records/{record_id}/report")
async def report(request: Request, record_id: str, access: Reader) -> Response:
    form = await request.form()
    text, part = (str(form.get(name, "")).strip() for name in ("text", "field"))
    try:
        given = api.ReportIn(record=record_id, text=text, field=part[:100])
    except ValidationError:
        says = speaker(request)
        return await _form_page(request, access, record_id, text=text, fault=says.say("Say what is wrong."))
    made = await of_api(api.report_error(access, given))
    return RedirectResponse(f"/reports/{made['id']}", 303)


@router.get("/reports/{report_id}")
async def thread(request: Request, report_id: int, access: Reader) -> Response:
    return await _thread_page(request, access, await of_api(api.read_report(report_id, access)))


async def _thread_page(request: Request, access: Reader, shown: dict[str, Any]) -> Response:
    return render(
        request,
        access,
        "report.html",
        report=shown,
        decisions=error_reports.DECISIONS,
        handles=error_reports.handles(access.caller, shown["provider"]),
        mine=shown["reporter"] == access.caller.name,
    )


@router.post("/reports/{report_id}")
async def reply(request: Request, report_id: int, access: Reader) -> Response:
    form = await request.form()
    try:
        given = api.ReplyIn(
            text=str(form.get("text", "")).strip(),
            decision=str(form.get("decision")) if form.get("decision") else None,
            expected=str(form.get("expected")) if form.get("expected") else None,
        )
    except ValidationError as error:
        raise UsageError(say("pages.write-something")) from error
    await of_api(api.reply_to_report(report_id, access, given))
    return RedirectResponse(f"/reports/{quote(str(report_id))}", 303)


def _whole(given: str | None) -> int | None:
    """A number of an address's parameter; what is none counts as not given."""
    return int(given) if given and given.isdigit() and given.isascii() and len(given) < 19 else None
