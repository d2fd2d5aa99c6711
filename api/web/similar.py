"""Marks like a given one, with the reasons of each likeness."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from pydantic import ValidationError

from api.search.similar import marks, records
from api.web import summary
from api.web.language import Fault, Tongue
from api.web.mine import line
from api.web.page import Searcher, pages, render, speaker
from common.errors import QueryError

router = pages()

REACHES = ("related", "same", "all")
STATES = ("any", "live", "dead")
LONGEST_TEXT = 3_000
"""Characters of a passage that an address can carry."""
PARTS = ("sound", "look", "meaning", "goods")


@router.get("/similar")
async def similar(request: Request, access: Searcher) -> Response:
    """The form, and what is like the mark in it."""
    params = request.query_params
    asked = {
        "mark": params.get("mark", "").strip(),
        "nice": params.get("nice", "").replace(",", " ").split(),
        "classes": params.get("classes") if params.get("classes") in REACHES else REACHES[0],
        "status": params.get("status") if params.get("status") in STATES else STATES[0],
        "offices": params.get("offices", "").replace(",", " ").upper().split(),
    }
    found: marks.MarksFound | None = None
    fault: Fault = ""
    if asked["mark"]:
        try:
            found = await marks.find(access, marks.Asked.model_validate({**asked, "size": 50}))
        except QueryError as error:
            fault = error
        except ValidationError as error:
            fault = error
    says = speaker(request)
    return render(
        request, access, "similar.html", http_status=400 if fault else 200, asked=asked, found=found, fault=fault,
        hits=[_hit(hit, says) for hit in found.hits] if found else [], reaches=REACHES, states=STATES, parts=PARTS,
    )  # fmt: skip


def _hit(hit: marks.MarkHit, says: Any) -> dict[str, Any]:
    record = hit.record
    return {
        "id": hit.id,
        "mark": hit.mark,
        "score": hit.score,
        "parts": hit.parts,
        "reasons": hit.reasons,
        "office": record["office"],
        "number": summary.number_of(record),
        "status": (record.get("status") or {}).get("state"),
        "holders": summary.holders(record),
        "classes": summary.classes(record),
        "right": record["right"],
        "thumbnail": summary.thumbnail(record),
    }


def shown(found: records.SimilarFound, says: Tongue) -> list[dict[str, Any]]:
    """Similar records in a line each, with the reasons."""
    return [
        {**line(hit.record, says), "reasons": hit.reasons, "holders": summary.holders(hit.record)} for hit in found.hits
    ]


@router.get("/like")
async def like(request: Request, access: Searcher) -> Response:
    """Records like a passage of text in any of ten languages."""
    text = request.query_params.get("text", "").strip()[:LONGEST_TEXT]
    found, fault = None, None
    if text:
        try:
            found = await records.like_text(access, records.Passage(text=text, size=30))
        except QueryError as error:
            fault = error
    return render(
        request, access, "like.html", http_status=400 if fault else 200, text=text, found=found, fault=fault,
        hits=shown(found, speaker(request)) if found else [], longest=LONGEST_TEXT,
    )  # fmt: skip
