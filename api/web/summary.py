"""A record in a few lines: what the result list shows of a hit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from api.search.service import HitOut, Why
from api.web.language import Tongue, isolated
from api.web.page import compact

Json = Mapping[str, Any]

TITLES = ("title", "mark-text", "product-indication", "gi-product", "mark-transliteration", "work-description")
"""Types of text that may stand as a record's name, best first."""
TITLE_FIELDS = frozenset({"title", "mark", "product"})
NUMBERS = ("publication", "registration", "international", "application", "pct-publication", "pct-application", "work")
HOLDERS = ("applicant", "owner", "designer", "author", "inventor", "user", "other")
SNIPPETS = 2
MARKED = re.compile(r"<em>(.*?)</em>", re.DOTALL)


def hit(found: HitOut, says: Tongue, contacts: Mapping[str, str]) -> dict[str, Any]:
    """What the templates show of one hit."""
    record = found.record
    shown: dict[str, Any] = {"id": found.id, "right": record["right"], "office": record["office"], "record": record}
    if found.id is None:
        return {**shown, "contact": contacts.get(record.get("provider", ""), record.get("provider", ""))}
    name, tongue, kind = title_of(record, says)
    highlighted = _highlighted_title(found.highlights, name)
    return {
        **shown,
        "title": highlighted or isolated(compact(name, 300), tongue),
        "language": tongue if tongue != says.code and kind != "number" else None,
        "other_titles": _other_titles(record, name, says),
        "number": number_of(record),
        "kind": record.get("kind"),
        "kind_group": record.get("kind_group"),
        "date": date_of(record, "publication", "registration", "grant", "filing"),
        "filed": date_of(record, "filing"),
        "published": date_of(record, "publication", "registration"),
        "holders": holders(record),
        "classes": classes(record),
        "status": (record.get("status") or {}).get("state"),
        "snippets": _snippets(found.highlights) or _opening(record, says, name),
        "why": [sentence for reason in told(found.why) for sentence in why(reason, says)],
        "picture": record["right"] in ("trademark", "design") or thumbnail(record) is not None,
        "mark_text": next((text["text"] for text in record.get("texts", ()) if text["type"] == "mark-text"), None),
        "feature": (record.get("mark") or {}).get("feature"),
        "images": len(record.get("images", ())),
        "thumbnail": thumbnail(record),
        "group": found.group,
    }


def title_of(record: Json, says: Tongue) -> tuple[str, str, str]:
    """(name, its language, type of text): in the reader's language where the office gave one."""
    texts = [text for text in record.get("texts", ()) if text["text"].strip()]
    for kind in TITLES:
        held = [text for text in texts if text["type"] == kind]
        if held:
            best = min(held, key=lambda text: (text.get("layer", "office") != "office", text["language"] != says.code))
            return best["text"], best["language"], kind
    return number_of(record) or record["id"], "xx", "number"


def _other_titles(record: Json, shown: str, says: Tongue) -> list[Markup]:
    """Titles in other languages, one each."""
    seen: dict[str, str] = {}
    for text in record.get("texts", ()):
        if text["type"] in ("title", "product-indication", "gi-product") and text["text"] != shown:
            seen.setdefault(text["language"], text["text"])
    return [isolated(compact(text, 120), tongue) for tongue, text in list(seen.items())[:2]]


def number_of(record: Json) -> str:
    """The number under which people know the record, as the platform writes it."""
    numbers = record.get("numbers", ())
    for wanted in NUMBERS:
        for number in numbers:
            if number["type"] == wanted:
                return str(number["canonical"])
    return str(numbers[0]["canonical"]) if numbers else ""


def date_of(record: Json, *types: str) -> str | None:
    dates = record.get("dates", ())
    return next((str(d["date"]) for wanted in types for d in dates if d["type"] == wanted), None)


def thumbnail(record: Json) -> str | None:
    """Address of the small picture of the first image that was delivered."""
    for place, image in enumerate(record.get("images", ()), 1):
        if image.get("sha256") and image["type"] not in ("document-page", "other"):
            return f"/v1/records/{quote(record['id'], safe='')}/images/{place}/thumbnail"
    return None


def holders(record: Json, limit: int = 2) -> list[Markup]:
    """Who holds or applied: parties of the first role that there is."""
    for role in HOLDERS:
        held = [party for party in record.get("parties", ()) if party["role"] == role]
        if held:
            names = [isolated(compact(party["name"], 80), None, "auto") for party in held[:limit]]
            return [*names, Markup("+{}").format(len(held) - limit)] if len(held) > limit else names
    return []


def classes(record: Json, limit: int = 4) -> list[str]:
    """Class symbols worth a line: the first of each scheme that examiners search by."""
    shown: list[str] = []
    for scheme, prefix in (("IPC", ""), ("NICE", "Nice "), ("LOCARNO", "Locarno "), ("CPC", "CPC ")):
        held = [entry["symbol"] for entry in record.get("classifications", ()) if entry["scheme"] == scheme]
        if held and (scheme != "CPC" or not shown):
            shown.extend(f"{prefix}{symbol}" for symbol in dict.fromkeys(held))
    return shown[:limit]


# ----------------------------------------------------------------------------------------------------- highlights


def marked(fragment: str) -> Markup:
    """A highlighted fragment: the engine's <em> become <mark>, all else is text, whatever it looks like."""
    out: list[Markup] = []
    end = 0
    for match in MARKED.finditer(fragment):
        out.append(escape(fragment[end : match.start()]))
        out.append(Markup("<mark>{}</mark>").format(match[1]))
        end = match.end()
    out.append(escape(fragment[end:]))
    return Markup("").join(out)


def _language_of(field: str) -> str | None:
    name, _, tongue = field.removesuffix(".exact").partition(".")
    return tongue if len(tongue) in (2, 3) and name not in HOLDERS else None


def _isolated_mark(fragment: str, field: str) -> Markup:
    return isolated(marked(fragment), _language_of(field))


def _highlighted_title(highlights: Mapping[str, Iterable[str]], name: str) -> Markup | None:
    for field, fragments in highlights.items():
        if field.partition(".")[0] in TITLE_FIELDS:
            for fragment in fragments:
                if MARKED.sub(r"\1", fragment).strip() == name.strip() and len(fragment) < 600:
                    return _isolated_mark(fragment, field)
    return None


def _snippets(highlights: Mapping[str, Iterable[str]]) -> list[Markup]:
    """Fragments of longer texts, one language after the other."""
    found = [
        _isolated_mark(fragment, field)
        for field, fragments in highlights.items()
        if field.partition(".")[0] in ("abstract", "goods", "claims", "description")
        for fragment in fragments
    ]
    return found[:SNIPPETS]


def _opening(record: Json, says: Tongue, name: str) -> list[Markup]:
    """The beginning of the abstract or of the goods, where nothing was highlighted."""
    for kind in ("abstract", "goods-services", "product-indication", "mark-description"):
        held = [text for text in record.get("texts", ()) if text["type"] == kind and text["text"] != name]
        if held:
            best = min(held, key=lambda text: text["language"] != says.code)
            return [isolated(compact(best["text"], 220), best["language"])]
    return []


def told(reasons: Sequence[Why]) -> list[Why]:
    """Without what another reason says better: a term that stands for a word of the query is told with that word, and a
    word of the query is no term for itself."""
    better = {
        (reason.field, reason.language, word.casefold())
        for reason in reasons if reason.by == "expansion"
        for word in reason.words if word.casefold() != (reason.source or "").casefold()
    }  # fmt: skip

    def needed(reason: Why) -> bool:
        words = {word.casefold() for word in reason.words}
        if reason.by == "expansion":
            return (reason.source or "").casefold() not in words
        return reason.by != "term" or any((reason.field, reason.language, word) not in better for word in words)

    return [reason for reason in reasons if needed(reason)]


def why(reason: Why, says: Tongue) -> list[Markup]:
    """One reason in plain words."""
    if reason.by == "vector":
        return [escape(says.say("close in meaning (no. %(rank)s)", rank=says.number(reason.rank or 0)))]
    field = says.word("field", (reason.field or "").partition(".")[0])
    words = isolated(", ".join(dict.fromkeys(reason.words))[:200], reason.language, None if reason.language else "auto")
    if reason.by == "field":
        return [Markup("{} = {}").format(field, words)]
    where = f"{field} ({says.language(reason.language)})" if reason.language else field
    if reason.by == "expansion":
        source = isolated(compact(reason.source or "", 60), None, "auto")
        return [Markup('{}: {} <span class="stands-for">= {}</span>').format(where, words, source)]
    return [Markup("{}: {}").format(where, words)]
