"""The desk of whoever judges duplicates: the queue, two records side by side, what a decision would do, clusters.

Going on to a pair takes it (a claim of some minutes), so that two people never judge the same one. What was skipped
stands in the address, as short digests, and is forgotten with it.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from api.review import duplicate_routes as api
from api.review.duplicates import Desk, Filters
from api.web import differences, summary
from api.web.page import Reviewer, of_api, pages, render, speaker
from common.errors import Conflict, NotFound, UsageError
from common.messages import say
from indexer.duplicates.ledger import Verdict
from indexer.record import Right

router = pages()

KEPT = ("providers", "right", "language", "days", "order", "review")
"""Filters that go with the reviewer from pair to pair."""
REASONS = ("other-invention", "other-number", "other-kind", "other-owner", "other-design", "other-edition", "other")
RELATIONS = (
    "family",
    "divisional",
    "continuation",
    "stage-of",
    "corrects",
    "renewal",
    "national-phase",
    "designation-of",
    "basic-mark-of",
    "sibling",
    "related",
)
JUDGEMENTS = ("same", "different", "unsure", "related")
QUEUE = 100
MOST_SKIPPED = 80
MOST_DAYS = 100_000


def filters_of(given: Any) -> dict[str, str]:
    """The filters among an address's parameters or a form's fields, with values."""
    return {name: value for name in KEPT if isinstance(value := given.get(name), str) and value}


def _filters(kept: dict[str, str], size: int) -> Filters:
    return Filters(
        providers=kept.get("providers"),
        right=kept.get("right"),
        language=kept.get("language"),
        days=min(int(kept["days"]), MOST_DAYS) if kept.get("days", "").isdecimal() else None,
        order="value" if kept.get("order") == "value" else "uncertainty",
        size=size,
    )


def digest(a: str, b: str) -> str:
    return hashlib.blake2b(f"{a}\n{b}".encode(), digest_size=4).hexdigest()


@router.get("/duplicates")
async def queue(request: Request, access: Reviewer) -> Response:
    """What waits, and the filters to choose among it."""
    kept = filters_of(request.query_params)
    desk = Desk(access)
    if kept.get("review"):
        pairs = await desk.reviews(QUEUE)
    else:
        pairs = await desk.queue(_filters(kept, QUEUE))
    return render(
        request,
        access,
        "duplicates.html",
        pairs=[{**entry, "address": _pair_address(entry, kept)} for entry in pairs],
        conflicts=await desk.conflicts(QUEUE),
        kept=kept,
        full=len(pairs) == QUEUE,
        rights=[right.value for right in Right],
        spent="spent" in request.query_params,
        done=request.query_params.get("done", ""),
    )


@router.post("/duplicates/next")
async def following(request: Request, access: Reviewer) -> Response:
    """Takes the next pair and goes there."""
    form = await request.form()
    return await _go_on(access, filters_of(form), _skipped(form))


@router.get("/duplicates/pair")
async def pair(request: Request, access: Reviewer) -> Response:
    """Two records side by side; no score before the reviewer has judged."""
    return await _pair_page(request, access, request.query_params)


async def _pair_page(request: Request, access: Reviewer, given: Any, *, fault: str = "", status: int = 200) -> Response:
    a, b = str(given.get("a", "")), str(given.get("b", ""))
    shown = await of_api(api.one_pair(access, a, b))
    desk = Desk(access)
    says = speaker(request)
    one, other = shown["records"]
    effects = {
        name: _effect(await desk.effect([Verdict(a, b, name, reason="preview")])) for name in ("same", "different")
    }
    standing = [entry for entry in shown["decisions"] if "undone" not in entry and "review_of" not in entry]
    return render(
        request,
        access,
        "pair.html",
        http_status=status,
        a=shown["a"],
        b=shown["b"],
        shown=shown,
        records=[
            {"id": record["id"], "number": summary.number_of(record), "record": record,
             "name": summary.title_of(record, says)} for record in (one, other)
        ],
        rows=differences.rows(one, other, says),
        effects=effects,
        decisions=shown["decisions"],
        standing=standing[-1] if standing else None,
        seen=standing[-1]["id"] if standing else 0,
        judgements=JUDGEMENTS,
        reasons=REASONS,
        relations=RELATIONS,
        kept=filters_of(given),
        skipped=_skipped(given),
        done=given.get("done", ""),
        review_of=given.get("review_of", ""),
        chosen={name: given.get(name, "") for name in ("judgement", "reason", "note", "relation")},
        fault=fault,
        largest=max((abs(part["weight"]) for part in shown.get("why", ())), default=1.0),
    )  # fmt: skip


def _effect(found: dict[str, Any]) -> dict[str, Any]:
    """Clusters that change, before and after."""
    before, after = ([tuple(cluster) for cluster in found[name]] for name in ("before", "after"))
    return {
        "before": [cluster for cluster in before if cluster not in after],
        "after": [cluster for cluster in after if cluster not in before],
        "conflicts": found["conflicts"],
    }


@router.post("/duplicates/pair")
async def decide(request: Request, access: Reviewer) -> Response:
    """Enters the judgement and goes on to the next pair; or skips, or gives the pair back."""
    form = await request.form()
    a, b = _text(form, "a"), _text(form, "b")
    kept, skipped = filters_of(form), _skipped(form)
    judgement = _text(form, "judgement")
    if _text(form, "do") == "skip":
        await Desk(access).release(a, b)
        return await _go_on(access, kept, [*skipped, digest(a, b)])
    if _text(form, "do") == "leave":
        await Desk(access).release(a, b)
        return RedirectResponse(_address("/duplicates", kept), 303)
    says = speaker(request)
    reason, note = _text(form, "reason"), _text(form, "note")
    if judgement not in JUDGEMENTS:
        return await _pair_page(request, access, form, fault=says.say("Choose a judgement first."), status=400)
    if judgement == "different" and not (reason and note):
        fault = says.say("For “different”, choose a reason and write a note: others must be able to follow it.")
        return await _pair_page(request, access, form, fault=fault, status=400)
    given = api.DecisionIn(
        a=a,
        b=b,
        judgement=judgement,
        relation=_text(form, "relation") or "related" if judgement == "related" else None,
        reason=reason if judgement == "different" else "",
        note=note,
        seen=_number(form, "seen"),
        review_of=_number(form, "review_of"),
    )
    entered = await of_api(api.decide(access, given))
    return await _go_on(access, kept, skipped, done=entered["id"])


async def _go_on(access: Reviewer, kept: dict[str, str], skipped: list[str], done: int | None = None) -> Response:
    """The first pair of the queue that can be taken; the queue itself where none is left."""
    desk = Desk(access)
    more: dict[str, Any] = {**kept, **({"done": done} if done else {})}
    if kept.get("review"):
        for entry in await desk.reviews(QUEUE):
            if digest(entry["a"], entry["b"]) not in skipped:
                return RedirectResponse(_address("/duplicates/pair", {**entry, **more}, skipped), 303)
    else:
        for entry in await desk.queue(_filters(kept, QUEUE)):
            if digest(entry["a"], entry["b"]) in skipped:
                continue
            try:
                await desk.claim(entry["a"], entry["b"])
            except Conflict:
                continue  # somebody was quicker
            chosen = {"a": entry["a"], "b": entry["b"], **more}
            return RedirectResponse(_address("/duplicates/pair", chosen, skipped), 303)
    return RedirectResponse(_address("/duplicates", {**more, "spent": "1"}), 303)


@router.post("/duplicates/undo")
async def undo(request: Request, access: Reviewer) -> Response:
    """Takes a decision or a split back, and shows what it was about."""
    form = await request.form()
    decision, batch = _number(form, "decision"), _text(form, "batch") or None
    desk = Desk(access)
    about = await desk.decided(decision, batch)
    await api.undo(access, api.UndoIn(decision=None if batch else decision, batch=batch, reason=_text(form, "reason")))
    if back := _text(form, "cluster"):
        return RedirectResponse(f"/duplicates/clusters/{quote(back, safe='')}", 303)
    kept = filters_of(form)
    # A pair that was never in the queue, or that somebody else has, can be looked at all the same.
    with suppress(Conflict, NotFound):
        await desk.claim(*about)
    return RedirectResponse(_address("/duplicates/pair", {"a": about[0], "b": about[1], **kept}, _skipped(form)), 303)


# ------------------------------------------------------------------------------------------------------- clusters


@router.get("/duplicates/clusters/{record_id}")
async def cluster(request: Request, record_id: str, access: Reviewer) -> Response:
    return await _cluster_page(request, access, record_id)


async def _cluster_page(
    request: Request,
    access: Reviewer,
    record_id: str,
    *,
    groups: dict[str, str] | None = None,
    preview: dict[str, Any] | None = None,
    said: dict[str, str] | None = None,
    fault: str = "",
) -> Response:
    shown = await of_api(api.cluster(record_id, access))
    desk = Desk(access)
    says = speaker(request)
    members = [member["id"] for member in shown["members"]]
    related = [entry["id"] for entry in shown["related"]]
    hits = await desk.seen((*members, *related))
    names = {id_: summary.title_of(hit.record, says) for id_, hit in hits.items()}
    numbers = {id_: summary.number_of(hit.record) or id_ for id_, hit in hits.items()}
    return render(
        request,
        access,
        "cluster.html",
        http_status=400 if fault else 200,
        record_id=record_id,
        shown=shown,
        names=names,
        numbers=numbers,
        records={id_: hit.record for id_, hit in hits.items()},
        golden=_golden(shown["golden"]["fields"], says),
        history=await desk.history(members),
        groups=groups or {},
        preview=preview,
        said=said or {},
        reasons=REASONS,
        fault=fault,
    )


def _golden(fields: dict[str, list[dict[str, Any]]], says: Any) -> list[dict[str, Any]]:
    """The lines of the golden view worth a look: what stands, from which record, who differs."""
    lines: list[dict[str, Any]] = []
    for part in ("numbers", "kind", "dates", "texts", "parties", "classifications", "priorities", "status"):
        for entry in fields.get(part, []):
            value = entry["value"]
            shared = {
                "provider": entry["provider"],
                "source": entry["source"],
                "agree": len(entry["agree"]),
                "differ": entry["differ"],
            }
            values = value if isinstance(value, list) else [value]
            lines.extend({**_line(part, single, says), **shared} for single in values)
    return lines[:60]


def _line(part: str, value: Any, says: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {"label": says.word("field", part), "value": str(value), "language": None}
    match part:
        case "numbers":
            return {"label": says.word("number", value["type"]), "value": value["canonical"], "language": None}
        case "dates":
            return {"label": says.word("date", value["type"]), "value": says.date(str(value["date"])), "language": None}
        case "texts":
            name = f"{says.word('text', value['type'])} ({says.language(value['language'])})"
            return {"label": name, "value": value["text"][:300], "language": value["language"]}
        case "parties":
            return {"label": says.word("role", value["role"]), "value": value["name"][:200], "language": None}
        case "classifications":
            return {"label": value["scheme"], "value": value["symbol"], "language": None}
        case "priorities":
            return {"label": says.say("Priorities"), "value": value["number"]["canonical"], "language": None}
    return {"label": says.word("field", part), "value": says.word("status", value.get("state")), "language": None}


@router.post("/duplicates/clusters/{record_id}")
async def split(request: Request, record_id: str, access: Reviewer) -> Response:
    """Shows what a split would do, or does it."""
    form = await request.form()
    members = [str(value) for value in form.getlist("member")]
    chosen = {member: _text(form, f"group-{position}") or "1" for position, member in enumerate(members)}
    groups = [[m for m in members if chosen[m] == name] for name in sorted(set(chosen.values()))]
    said = {"reason": _text(form, "reason"), "note": _text(form, "note")}
    says = speaker(request)
    if len(groups) < 2:
        fault = says.say("A split needs at least two groups.")
        return await _cluster_page(request, access, record_id, groups=chosen, said=said, fault=fault)
    if _text(form, "do") != "split":
        preview = _effect(await of_api(api.effect(access, api.EffectIn(groups=groups))))
        return await _cluster_page(request, access, record_id, groups=chosen, preview=preview, said=said)
    if not (said["reason"] and said["note"]):
        fault = says.say("For “different”, choose a reason and write a note: others must be able to follow it.")
        return await _cluster_page(request, access, record_id, groups=chosen, said=said, fault=fault)
    await api.split(access, api.SplitIn(groups=groups, **said))
    return RedirectResponse(f"/duplicates/clusters/{quote(record_id, safe='')}", 303)


# -------------------------------------------------------------------------------------------------------- helpers


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip()[:2_000] if isinstance(value, str) else ""


def _number(form: FormData, name: str) -> int | None:
    value = _text(form, name)
    if not value:
        return None
    if not value.isdigit() or len(value) > 18:
        raise UsageError(say("pages.no-number", name=name))
    return int(value)


def _skipped(given: Any) -> list[str]:
    value = given.get("skipped", "")
    parts = value.split(".") if isinstance(value, str) else []
    return [part for part in parts if len(part) == 8][-MOST_SKIPPED:]


def _pair_address(entry: dict[str, Any], kept: dict[str, str]) -> str:
    about: dict[str, Any] = {name: value for name, value in entry.items() if name in ("a", "b", "review_of")}
    return _address("/duplicates/pair", about | kept)


def _address(path: str, parameters: dict[str, Any], skipped: list[str] | None = None) -> str:
    kept = {name: value for name, value in parameters.items() if value not in (None, "")}
    if skipped:
        kept["skipped"] = ".".join(skipped[-MOST_SKIPPED:])
    return f"{path}?{urlencode(kept)}" if kept else path
