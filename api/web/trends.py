"""Trends of a result: years as columns, parted by a second facet where one is chosen."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response

from api.search import analyse
from api.web.language import Tongue
from api.web.page import Searcher, pages, render, speaker
from api.web.searching import label, read
from common.errors import QueryError

router = pages()

YEARS = ("year", "filing_year")
PARTS = ("", "office", "right", "ipc", "nice", "locarno", "applicant", "status", "language")
MOST_YEARS = 60
MOST_PARTS = 7
"""Colours that can be told apart; the rest is one more."""
WIDTH, HEIGHT = 720, 240


@router.get("/trends")
async def page(request: Request, access: Searcher) -> Response:
    asked, says = read(request), speaker(request)
    params = request.query_params
    by = params.get("by") if params.get("by") in YEARS else YEARS[0]
    part = params.get("part", "") if params.get("part", "") in PARTS else ""
    fault: QueryError | None = None
    counted = None
    try:
        found = asked.search().model_copy(update={"cursor": None, "facets": []})
        names = [by, part] if part else [by]
        counted = await analyse.analyse(access, found, [name for name in names if name], 500, 100)
    except QueryError as error:
        fault = error
    kept = [(name, value) for name, value in params.multi_items() if name not in ("by", "part", "cursor") and value]
    return render(
        request,
        access,
        "trends.html",
        http_status=400 if fault else 200,
        asked=asked,
        by=by,
        part=part,
        years=YEARS,
        parts=PARTS,
        chart=chart(counted, part, says) if counted else None,
        counted=counted,
        fault=fault,
        kept=kept,
        back=f"/?{urlencode(kept)}" if kept else "/?q=",
    )


def chart(counted: dict[str, Any], part: str, says: Tongue) -> dict[str, Any] | None:
    """Columns of stacked rectangles, at most sixty years and seven parts and the rest."""
    years = {int(b["value"][:4]): b for b in counted["buckets"] if str(b["value"])[:4].isdigit()}
    if not years:
        return None
    last = max(years)
    first = max(min(years), last - MOST_YEARS + 1)
    sums: dict[str, int] = {}
    for year, bucket in years.items():
        if year >= first:
            for inner in bucket.get("buckets", ()):
                sums[inner["value"]] = sums.get(inner["value"], 0) + inner["count"]
    shown = sorted(sums, key=lambda value: (-sums[value], value))[:MOST_PARTS]
    largest = max(_height(years[year], part) for year in years if year >= first) or 1
    width = WIDTH / (last - first + 1)
    columns = []
    for position, year in enumerate(range(first, last + 1)):
        bucket = years.get(year)
        if bucket is None:
            continue
        counts = [(value, _inner(bucket, value)) for value in shown] if part else [("", bucket["count"])]
        if part:
            counts.append(("rest", max(0, _height(bucket, part) - sum(count for _, count in counts))))
        top = float(HEIGHT)
        boxes = []
        for number, (_, count) in enumerate(counts):
            height = count / largest * (HEIGHT - 4)
            if count:
                top -= height
                boxes.append({"y": f"{top:.1f}", "height": f"{max(height, 0.8):.1f}", "number": number})
        columns.append({"year": year, "count": bucket["count"], "boxes": boxes,
                        "parts": [count for _, count in counts],
                        "x": f"{position * width + width * 0.1:.1f}", "width": f"{width * 0.8:.1f}"})  # fmt: skip
    legend = [label(says, part, value) for value in shown]
    return {"columns": columns, "first": first, "last": last, "largest": largest, "legend": legend,
            "rest": bool(part) and any(column["parts"][-1] for column in columns),
            "width": WIDTH, "height": HEIGHT}  # fmt: skip


def _inner(bucket: dict[str, Any], value: str) -> int:
    return next((int(inner["count"]) for inner in bucket.get("buckets", ()) if inner["value"] == value), 0)


def _height(bucket: dict[str, Any], part: str) -> int:
    """A record with several values counts for each of them, so that parts may add up to more than the records."""
    if not part:
        return int(bucket["count"])
    return max(
        int(bucket["count"]), sum(int(i["count"]) for i in bucket.get("buckets", ())) + int(bucket.get("rest", 0))
    )
