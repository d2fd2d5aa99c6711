"""The record page: `/records/{id}`, one tab at a time so that each page stays small and works without a script."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from api.access import routes as access_routes
from api.access.agreements import State
from api.access.model import Permission
from api.basket import routes as basket_api
from api.dependencies import Access
from api.review import quality as quality_api
from api.search import families, records
from api.search import routes as search_routes
from api.search import status as legal_status
from api.search.service import Search, search
from api.search.similar import records as similar_records
from api.web import language, similar, summary
from api.web.language import Tongue
from api.web.page import OriginalReader, Viewer, of_api, pages, render, speaker

router = pages()
Json = Mapping[str, Any]

TABS = ("overview", "texts", "images", "legal", "family", "citations", "similar", "sources", "certified")
ALWAYS = ("overview", "similar", "sources", "certified")
"""Tabs of every record."""
LONGEST_SHOWN = 12_000
"""Characters of one text on a page that shows several; the whole text has a page of its own."""
LONGEST_PAGE = 60_000
LONGEST_LIST = 100
"""Entries of one kind that a tab shows; a sentence says how many more there are."""
LONG_TEXTS = (
    "title",
    "mark-text",
    "mark-transliteration",
    "mark-translation",
    "mark-description",
    "product-indication",
    "gi-product",
    "work-description",
    "abstract",
    "goods-services",
    "claims",
    "description",
    "design-description",
    "disclaimer",
    "colour-claim",
    "usage",
    "diligent-search",
    "keyword",
    "other",
)
FRONT = (
    "title",
    "mark-text",
    "mark-transliteration",
    "mark-translation",
    "mark-description",
    "disclaimer",
    "colour-claim",
    "product-indication",
    "design-description",
    "gi-product",
    "work-description",
    "usage",
)
NUMBER_ORDER = (
    "publication",
    "registration",
    "international",
    "application",
    "pct-application",
    "pct-publication",
    "work",
)


@lru_cache(maxsize=1)
def inid() -> dict[str, dict[str, Any]]:
    return tomllib.loads((language.ROOM / "inid.toml").read_text("utf-8"))


@router.get("/records/{record_id}")
async def page(request: Request, record_id: str, access: Viewer) -> Response:
    """One tab of a record, as far as the reader may see it."""
    record = await records.view(access, record_id)
    says = speaker(request)
    if "id" not in record:
        return render(request, access, "record_stub.html", record=record)
    name, tongue, kind = summary.title_of(record, says)
    offered = tabs(record)
    wanted = request.query_params.get("tab", "")
    # A kept address may name a part that this record, or this reader's view of it, does not have.
    tab = wanted if wanted in dict(offered) else "overview"
    context: dict[str, Any] = {
        "record": record,
        "record_id": record["id"],
        "heading": name,
        "name_language": tongue,
        "has_title": kind != "number",
        "record_number": summary.number_of(record),
        "status": (record.get("status") or {}).get("state"),
        "tab": tab,
        "tabs": offered,
        "here_url": f"/records/{quote(record['id'], safe='')}",
        "notices": list(access.scope.notices.get(record["collection"], ())),
        "most": LONGEST_LIST,
    }
    if access.caller.kind != "anonymous":
        context |= {"kept": await of_api(basket_api.kept(access, record["id"]))}
    match tab:
        case "overview":
            context |= {
                "facts": facts(record, says),
                "parties": parties(record),
                "thumbnail": summary.thumbnail(record),
                "classes": classes(record, says),
                "abstracts": by_language(record, "abstract", says),
                "goods": by_language(record, "goods-services", says),
            }
        case "texts":
            context |= texts(record, says, request)
        case "legal":
            context |= await legal(access, record, says)
        case "family":
            context |= await family(access, record, says, request.query_params.get("kind", ""))
        case "similar":
            found = await similar_records.like_record(access, record["id"], similar_records.Wanted(size=20))
            context |= {"hits": similar.shown(found, says)}
        case "sources":
            table = (await of_api(quality_api.quality_rules(access)))["rules"]
            context |= {"whole": "source" in record, "rules": {row["rule"]: row for row in table}}
        case "certified":
            context |= {"agreements": await giving(access, record)}
    return render(request, access, "record.html", **context)


@router.get("/records/{record_id}/original")
async def original(record_id: str, access: OriginalReader) -> Response:
    """The bytes as delivered: the API's own answer."""
    return await search_routes.original(record_id, access)


@router.get("/open")
async def open_number(request: Request, access: Viewer) -> Response:
    """The record of a number that another record names: straight there where there is just one, else a search."""
    number = " ".join(request.query_params.get("number", "").replace('"', " ").split())[:200]
    if number:
        found = await search(access, Search(q=f'number:"{number}"', size=2, mode="keyword", facets=[], highlight=False))
        if found.total == 1 and found.hits[0].id:
            return RedirectResponse(f"/records/{quote(found.hits[0].id, safe='')}", 303)
    query = f'number:"{number}"' if number else ""
    return RedirectResponse(f"/?q={quote(query)}", 303)


def tabs(record: Json) -> list[tuple[str, int]]:
    """Tabs with how much stands behind each; those without anything are left out. How many are of one family, the
    record does not say."""
    linked = len(record.get("priorities", ())) + len(record.get("relations", ())) + len(record.get("families", ()))
    counted = {
        "overview": 0,
        "texts": len(record.get("texts", ())),
        "images": len(record.get("images", ())),
        "legal": len(record.get("events", ())) + len(record.get("designations", ())),
        "family": 0,
        "citations": len(record.get("citations", ())),
        "similar": 0,
        "sources": len(record.get("findings", ())),
        "certified": 0,
    }
    there = {name for name in TABS if counted[name] or name in ALWAYS} | ({"family"} if linked else set())
    return [(name, counted[name]) for name in TABS if name in there]


def facts(record: Json, says: Tongue) -> list[dict[str, Any]]:
    """Lines of the front page: INID code, label, values."""
    codes = inid().get(record["right"], {})
    lines: list[dict[str, Any]] = []

    def line(code: str | None, label: str, values: list[Any], kind: str = "") -> None:
        if values:
            lines.append({"inid": code, "label": label, "values": values, "kind": kind})

    line(codes.get("office"), says.say("Office"), [record["office"]], "office")
    if record.get("kind"):
        line(codes.get("kind") if record["right"] != "trademark" else None, says.say("Kind"),
             [(record["kind"], says.word("kind_group", record.get("kind_group")))], "kind")  # fmt: skip
    numbers = sorted(record.get("numbers", ()), key=lambda n: _rank(NUMBER_ORDER, n["type"]))
    for number in numbers[:LONGEST_LIST]:
        line(codes.get("number", {}).get(number["type"]), says.word("number", number["type"]), [number], "number")
    for date in sorted(record.get("dates", ()), key=lambda d: d["date"])[:LONGEST_LIST]:
        label = date.get("label") if date["type"] == "other" and date.get("label") else says.word("date", date["type"])
        line(codes.get("date", {}).get(date["type"]), label, [date], "date")
    priorities = record.get("priorities", [])
    line(codes.get("priorities"), says.say("Priorities"), priorities[:LONGEST_LIST], "priority")
    for kind in FRONT:
        held = [text for text in record.get("texts", ()) if text["type"] == kind]
        if held:
            line(codes.get("text", {}).get(kind), says.word("text", kind), held[:LONGEST_LIST], "text")
    mark = record.get("mark") or {}
    features = (
        [says.word("mark_feature", mark.get("feature") or mark.get("feature_raw"))]
        if mark.get("feature") or mark.get("feature_raw")
        else []
    )
    line(codes.get("kind") if record["right"] == "trademark" else None, says.say("Kind of mark"), features)
    line(None, says.say("Category of mark"), [says.word("mark_kind", mark["kind"])] if mark.get("kind") else [])
    line("591" if mark.get("colours") else None, says.say("Colours"), list(mark.get("colours", ())))
    design = record.get("design") or {}
    if design.get("total_designs"):
        line("28", says.say("Number of designs"), [says.number(design["total_designs"])])
    work = record.get("work") or {}
    line(None, says.say("Kind of work"), list(work.get("kinds", ())))
    line(None, says.say("Uses"), list(work.get("usage", ())))
    line(None, says.say("Year"), [str(work["year"])] if work.get("year") else [])
    line(
        codes.get("designations"),
        says.say("Designated"),
        [d["office"] for d in record.get("designations", ())][:200],
        "offices",
    )
    if record.get("language"):
        line(codes.get("language"), says.say("Language of filing or publication"), [says.language(record["language"])])
    return lines


def _rank(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)


def parties(record: Json) -> list[dict[str, Any]]:
    """Parties by role, in the order of the record."""
    codes = inid().get(record["right"], {}).get("role", {})
    by_role: dict[str, list[Json]] = {}
    for party in record.get("parties", ()):
        by_role.setdefault(party["role"], []).append(party)
    return [
        {"role": role, "inid": codes.get(role), "held": held[:LONGEST_LIST], "more": max(0, len(held) - LONGEST_LIST)}
        for role, held in by_role.items()
    ]


def classes(record: Json, says: Tongue) -> list[dict[str, Any]]:
    """Classifications by scheme, the symbols of one class together with its title."""
    codes = inid().get(record["right"], {}).get("class", {})
    by_scheme: dict[str, dict[str, Json]] = {}
    for entry in record.get("classifications", ()):
        by_scheme.setdefault(entry["scheme"], {}).setdefault(entry["symbol"], entry)
    shown = []
    for scheme, held in by_scheme.items():
        groups: dict[str, list[Json]] = {}
        for entry in list(held.values())[:LONGEST_LIST]:
            groups.setdefault(summary.class_title(says, scheme.lower(), entry["symbol"]), []).append(entry)
        name = scheme.lower()
        shown.append({"scheme": scheme, "inid": codes.get(scheme), "field": name if name in SEARCHED else None,
                      "groups": list(groups.items())})  # fmt: skip
    return shown


SEARCHED = frozenset({"ipc", "cpc", "fi", "fterm", "uspc", "nice", "vienna", "locarno"})


def by_language(record: Json, kind: str, says: Tongue) -> list[dict[str, Any]]:
    """Texts of one type, one block a language, the reader's first."""
    blocks: dict[tuple[str, str], dict[str, Any]] = {}
    for text in record.get("texts", ()):
        if text["type"] != kind:
            continue
        key = (text["language"], text.get("layer", "office"))
        block = blocks.setdefault(key, {"language": key[0], "layer": key[1], "parts": []})
        block["parts"].append(
            {
                "class": text.get("class_symbol"),
                "text": text["text"][:LONGEST_SHOWN],
                "cut": len(text["text"]) > LONGEST_SHOWN,
            }
        )
    ordered = sorted(blocks.values(), key=lambda block: block["language"] != says.code)
    for block in ordered:
        block["parts"].sort(key=lambda part: int(part["class"]) if (part["class"] or "").isdigit() else 0)
    return ordered


def texts(record: Json, says: Tongue, request: Request) -> dict[str, Any]:
    """All texts: a column a language, or one text whole in pages."""
    held = list(record.get("texts", ()))
    which, part = request.query_params.get("text", ""), request.query_params.get("part", "1")
    if which.isdigit() and int(which) < len(held):
        text = held[int(which)]
        parts = max(1, -(-len(text["text"]) // LONGEST_PAGE))
        current = min(max(int(part) if part.isdigit() else 1, 1), parts)
        start = (current - 1) * LONGEST_PAGE
        return {"single": {**text, "text": text["text"][start : start + LONGEST_PAGE], "index": int(which)},
                "part": current, "parts_count": parts, "columns": [], "rows": [], "all_languages": []}  # fmt: skip
    held_languages = list(dict.fromkeys(text["language"] for text in held))
    held_languages.sort(key=lambda code: (code != says.code, code == "xx"))
    asked = [code for code in request.query_params.getlist("beside") if code in held_languages]
    columns = (asked or held_languages)[:3]
    cells: dict[str, dict[str, list[Any]]] = {}
    room = 90_000 // max(1, len(columns))
    used = dict.fromkeys(columns, 0)
    for kind in LONG_TEXTS:
        for index, text in enumerate(held):
            if text["type"] != kind or text["language"] not in columns:
                continue
            tongue = text["language"]
            allowed = min(LONGEST_SHOWN, max(0, room - used[tongue]))
            shown = text["text"][:allowed]
            used[tongue] += len(shown.encode())
            if shown:
                entry = {**text, "text": shown, "index": index, "cut": len(text["text"]) > len(shown)}
                cells.setdefault(kind, {}).setdefault(tongue, []).append(entry)
    return {
        "single": None,
        "columns": columns,
        "rows": list(cells.items()),
        "all_languages": held_languages,
        "part": 1,
        "parts": 1,
    }


async def legal(access: Access, record: Json, says: Tongue) -> dict[str, Any]:
    """What each office says of the application and of the rest of the family, and the timeline, newest first."""
    told = await legal_status.answer(access, record["id"])
    events = [{**event, "place": place} for place, event in enumerate(told["events"])]
    offices = [
        {**entry, "by": events[place] if (place := (entry["status"] or {}).get("event")) is not None else None}
        for entry in told["offices"]
    ]
    own = {source["id"] for source in told["records"]}
    found = await families.answer(access, record["id"], "simple")
    relatives = [_member(member, says) for member in found["members"] if member["id"] not in own][:LONGEST_LIST]
    return {
        "readable": told["readable"],
        "now": offices[0] if offices and offices[0]["status"] else None,
        "offices": [entry for entry in offices if entry["status"]],
        "silent": [entry for entry in offices if not entry["status"] and entry["role"] == "designated"],
        "events": events[::-1],
        "relatives": [member for member in relatives if member["status"]],
        "unknown": [member for member in relatives if not member["status"]],
    }


async def giving(access: Access, record: Json) -> list[Json]:
    """Agreements in force that give the reader's office the record's collection: under them a package is ordered."""
    if not access.caller.may(Permission.EXCHANGE):
        return []
    held = (await of_api(access_routes.list_agreements(access)))["agreements"]
    return [
        entry for entry in held
        if entry["beneficiary"] == access.caller.office and entry["provider"] == record["provider"]
        and entry["state"] == State.ACTIVE
        and record["collection"] in (entry["terms"].get("collections") or [record["collection"]])
    ]  # fmt: skip


async def family(access: Access, record: Json, says: Tongue, kind: str) -> dict[str, Any]:
    """The family as the API tells it, and drawn: priorities on one side, members on the other."""
    found = await families.answer(access, record["id"], "extended" if kind == "extended" else "simple")
    members = [_member(member, says) for member in found["members"]]
    return {"family": found, "members": members[:LONGEST_LIST], "tree": drawn(found, members, record["id"], says)}


def _member(member: dict[str, Any], says: Tongue) -> dict[str, Any]:
    titles = member["titles"]
    tongue = says.code if says.code in titles else next(iter(titles), None)
    published, filed = member["publication"] or {}, member["application"] or {}
    return {
        **member,
        "number": published.get("number") or filed.get("number") or member["id"],
        "date": published.get("date") or filed.get("date"),
        "title": titles[tongue] if tongue else "",
        "language": tongue,
        "claimed": {claim["number"] for claim in member["priorities"]},
    }


def drawn(found: dict[str, Any], members: list[dict[str, Any]], current: str, says: Tongue) -> dict[str, Any] | None:
    """The family as a drawing: priorities on one side, records on the other, a line for each claim."""
    shown = members[:24]
    priorities = [entry["number"] for entry in found["priorities"]][:24]
    if not priorities or len(shown) < 2:
        return None
    step = 34
    height = max(len(priorities), len(shown)) * step
    left = {number: round((index + 0.5) * height / len(priorities), 1) for index, number in enumerate(priorities)}
    boxes, lines = [], []
    for index, member in enumerate(shown):
        y = round((index + 0.5) * height / len(shown), 1)
        boxes.append({"y": y, "label": member["number"], "kind": member["kind"] or "", "id": member["id"],
                      "current": member["id"] == current, "date": says.date(member["date"])})  # fmt: skip
        lines += [(left[number], y, member["id"] == current) for number in priorities if number in member["claimed"]]
    return {"height": height, "priorities": list(left.items()), "boxes": boxes, "lines": lines}
