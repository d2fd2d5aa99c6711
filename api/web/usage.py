"""How much the platform is used, over time: by every office for those who run it, by itself for an office."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from api.access import routes as access_routes
from api.dependencies import Access
from api.platform import routes as api
from api.platform import usage
from api.web.page import AuditReader, PlatformManager, of_api, pages, render, speaker
from common.errors import UsageError

router = pages()

WIDTH, HEIGHT = 600, 100
MOST_ROWS = 400


class Asked(BaseModel):
    """What the form asks for."""

    model_config = ConfigDict(extra="ignore")

    by: usage.By = "day"
    since: dt.date | None = None
    until: dt.date | None = None
    office: str | None = None

    @field_validator("since", "until", "office", mode="before")
    @classmethod
    def nothing(cls, value: str) -> str | None:
        return value or None


@router.get("/platform/usage")
async def everybody(request: Request, access: PlatformManager) -> Response:
    offices = (await of_api(access_routes.list_offices(access)))["offices"]
    return await _page(request, access, None, [office["code"] for office in offices])


@router.get("/office/usage")
async def ours(request: Request, access: AuditReader) -> Response:
    return await _page(request, access, api.own(access), [])


async def _page(request: Request, access: Access, own: str | None, offices: list[str]) -> Response:
    fault, asked, told = "", Asked(), None
    try:
        asked = Asked.model_validate(dict(request.query_params))
        given = (access, asked.by, asked.since, asked.until)
        told = await of_api(
            api.read_own_usage(*given) if own is not None else api.read_usage(*given, office=asked.office)
        )
    except (ValidationError, UsageError):
        fault = speaker(request).say("Give the first day first, and at most 366 days, or ten years by month.")
    if told is None:
        return render(request, access, "usage.html", http_status=400, own=own, offices=offices, fault=fault,
                      by=asked.by, since=asked.since or "", until=asked.until or "", office=asked.office)  # fmt: skip
    periods = list(_periods(told["by"], dt.date.fromisoformat(told["since"]), dt.date.fromisoformat(told["until"])))
    lines, measures = told["lines"], told["measures"]
    span = {"by": told["by"], "since": told["since"], "until": told["until"]}
    if asked.office and own is None:
        span["office"] = asked.office
    return render(
        request, access, "usage.html", own=own, offices=offices, fault="", **{"office": None, **span},
        measures=measures, first=periods[0], last=periods[-1], rows=lines[::-1][:MOST_ROWS],
        more=len(lines) > MOST_ROWS, by_office=_by_office(lines, measures),
        charts=[_chart(lines, measure, periods) for measure in measures],
        table_address=f"/v1/{'usage' if own is not None else 'platform/usage'}.csv?{urlencode(span)}",
    )  # fmt: skip


def _periods(by: str, first: dt.date, last: dt.date) -> Iterator[str]:
    """Every day or month, those in which nothing was done too."""
    seen = ""
    for number in range((last - first).days + 1):
        name = (first + dt.timedelta(days=number)).isoformat()[: 10 if by == "day" else 7]
        if name != seen:
            yield name
        seen = name


def _chart(lines: list[dict[str, Any]], measure: str, periods: list[str]) -> dict[str, Any]:
    sums = dict.fromkeys(periods, 0)
    for line in lines:
        sums[line["period"]] += line[measure]
    most, room = max(sums.values()), WIDTH / len(periods)
    columns = []
    for position, (period, number) in enumerate(sums.items()):
        height = number / most * (HEIGHT - 4) if most else 0.0
        columns.append({"period": period, "number": number, "x": f"{position * room:.2f}", "room": f"{room:.2f}",
                        "width": f"{room * 0.8:.2f}", "y": f"{HEIGHT - height:.1f}",
                        "height": f"{height:.1f}"})  # fmt: skip
    return {"measure": measure, "columns": columns, "most": most, "total": sum(sums.values())}


def _by_office(lines: list[dict[str, Any]], measures: list[str]) -> list[tuple[str, dict[str, int]]]:
    """Offices with their sums, the busiest first."""
    found: dict[str, dict[str, int]] = {}
    for line in lines:
        sums = found.setdefault(line["office"], dict.fromkeys(measures, 0))
        for measure in measures:
            sums[measure] += line[measure]
    return sorted(found.items(), key=lambda item: (-item[1]["searches"], -sum(item[1].values()), item[0]))
