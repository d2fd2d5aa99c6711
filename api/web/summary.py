"""A record in a few lines: what the result list shows of a hit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import unescape
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from api.search.expansion.words import UNSPACED, folded, key
from api.search.service import HitOut, Why
from api.web.language import Tongue, isolated, vocabulary
from api.web.page import compact

Json = Mapping[str, Any]

TITLES = ("title", "mark-text", "product-indication", "gi-product", "mark-transliteration", "work-description")
"""Types of text that may stand as a record's name, best first."""
TITLE_FIELDS = frozenset({"title", "mark", "product"})
NUMBERS = ("publication", "registration", "international", "application", "pct-publication", "pct-application", "work")
HOLDERS = ("applicant", "owner", "designer", "author", "inventor", "user", "other")
SNIPPETS = 2
WORD = re.compile(r"[^\W_]+")
MARKED = re.compile(r"<em>(.*?)</em>", re.DOTALL)


@dataclass(frozen=True)
class Question:
    """What was asked, as far as reasons are told with it."""

    text: str = ""
    language: str | None = None
    """Language that the query was read in, where terms of others were looked for."""

    def written(self, piece: str) -> str:
        """A piece of the query as the reader wrote it: pieces are known by their folded form."""
        own = {folded(word): word for word in WORD.findall(self.text)}
        return " ".join(own.get(word, word) for word in piece.split())


def hit(found: HitOut, says: Tongue, contacts: Mapping[str, str], question: Question) -> dict[str, Any]:
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
        "why": reasons(told(found.why), says, question),
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


def class_title(says: Tongue, scheme: str, symbol: str) -> str:
    """What a class is about, in the reader's language; nothing where it is not known. The CPC has the IPC's classes."""
    section, code = {
        "ipc": ("class_ipc", symbol[:3]),
        "cpc": ("class_ipc", symbol[:3]),
        "nice": ("class_nice", symbol.lstrip("0")),
        "locarno": ("class_locarno", symbol.partition("-")[0].lstrip("0")),
    }.get(scheme, ("", ""))
    return says.word(section, code) if code in vocabulary().get(section, {}) else ""


# ----------------------------------------------------------------------------------------------------- highlights


def marked(fragment: str) -> Markup:
    """A highlighted fragment: the engine's <em> become <mark>, all else is text, whatever it looks like. The engine
    writes the text as HTML."""
    out: list[Markup] = []
    end = 0
    for match in MARKED.finditer(fragment):
        out.append(escape(unescape(fragment[end : match.start()])))
        out.append(Markup("<mark>{}</mark>").format(unescape(match[1])))
        end = match.end()
    out.append(escape(unescape(fragment[end:])))
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
                if unescape(MARKED.sub(r"\1", fragment)).strip() == name.strip() and len(fragment) < 600:
                    return _isolated_mark(fragment, field)
    return None


def _snippets(highlights: Mapping[str, Iterable[str]]) -> list[Markup]:
    """Fragments of longer texts, one language after the other."""
    found: dict[str, Markup] = {}
    for field, fragments in highlights.items():
        if field.partition(".")[0] in ("abstract", "goods", "claims", "description"):
            for fragment in fragments:
                # The field and its twin without stems mark different words of one text.
                found.setdefault(fragment.replace("<em>", "").replace("</em>", ""), _isolated_mark(fragment, field))
    return list(found.values())[:SNIPPETS]


def _opening(record: Json, says: Tongue, name: str) -> list[Markup]:
    """The beginning of the abstract or of the goods, where nothing was highlighted."""
    for kind in ("abstract", "goods-services", "product-indication", "mark-description"):
        held = [text for text in record.get("texts", ()) if text["type"] == kind and text["text"] != name]
        if held:
            best = min(held, key=lambda text: text["language"] != says.code)
            return [isolated(compact(best["text"], 220), best["language"])]
    return []


def told(reasons: Sequence[Why]) -> list[Why]:
    """Each reason once. A term that stands for a word of the query is told with that word, so it is no reason of its
    own; a word of the query is no term for itself; what stands for the same word in the same texts is told together."""
    standing: dict[tuple[str | None, str | None, str], list[str]] = {}
    for reason in reasons:
        for word in reason.words if reason.by == "expansion" else ():
            if not _covered(word, reason.language, [reason.source or ""]):
                standing.setdefault((reason.field, reason.language, reason.source or ""), []).append(word)
    better: dict[tuple[str | None, str | None], list[str]] = {}
    for (field, tongue, _), words in standing.items():
        better.setdefault((field, tongue), []).extend(words)
    kept: list[Why] = []
    for reason in reasons:
        words = reason.words
        if reason.by == "expansion":
            words = standing.pop((reason.field, reason.language, reason.source or ""), [])
        elif reason.by == "term":
            terms = better.get((reason.field, reason.language), [])
            words = [word for word in words if not _covered(word, reason.language, terms)]
        if words or reason.by == "vector":
            kept.append(replace(reason, words=list(dict.fromkeys(words))))
    return kept


def _covered(word: str, tongue: str | None, terms: Sequence[str]) -> bool:
    """Whether a word is, in whatever form, one of some terms or a part of one."""
    if tongue in UNSPACED:
        return any(folded(word) in folded(term) or folded(term) in folded(word) for term in terms)
    stems = {stem for term in terms for stem in key(term, tongue or "")}
    return bool(stems) and set(key(word, tongue or "")) <= stems


def reasons(found: Sequence[Why], says: Tongue, question: Question) -> list[Markup]:
    """Reasons in plain words: what is said of several fields alike is said once, titles first and meaning last."""
    alike: dict[tuple[Any, ...], list[Why]] = {}
    for reason in sorted(found, key=lambda reason: (reason.by == "vector", reason.field not in TITLE_FIELDS)):
        same = (reason.by, reason.language, reason.source, frozenset(word.casefold() for word in reason.words))
        apart = reason.field if reason.by == "field" else None
        alike.setdefault((*same, apart), []).append(reason)
    return [why(group, says, question) for group in alike.values()]


def why(alike: Sequence[Why], says: Tongue, question: Question) -> Markup:
    """One reason in plain words, for all the fields that have it."""
    reason = alike[0]
    if reason.by == "vector":
        return escape(says.say("close in meaning (no. %(rank)s)", rank=says.number(reason.rank or 0)))
    fields = ", ".join(dict.fromkeys(says.word("field", (one.field or "").partition(".")[0]) for one in alike))
    words = isolated(", ".join(reason.words)[:200], reason.language, None if reason.language else "auto")
    if reason.by == "field":
        return Markup("{} = {}").format(fields, words)
    where = f"{fields} ({says.language(reason.language)})" if reason.language else fields
    if reason.by != "expansion":
        return Markup("{}: {}").format(where, words)
    source = isolated(compact(question.written(reason.source or ""), 60), None, "auto")
    if reason.language == question.language:
        stands = says.say("other words for %(source)s")
    else:
        stands = says.say("translation of %(source)s")
    told_for = escape(stands) % {"source": source}
    return Markup('{}: {} <span class="stands-for">– {}</span>').format(where, words, told_for)
