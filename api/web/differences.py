"""Two records side by side: the same lines of both, with what differs marked in each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from api.web.language import Tongue, direction
from api.web.page import compact

Json = Mapping[str, Any]

LONGEST_VALUE = 700
"""Characters of a text that are compared on the page."""
MOST_VALUES = 6
WORDS = re.compile(r"\w+|\W", re.UNICODE)
LETTERWISE = 40
"""Values up to so many characters are compared letter by letter: numbers, dates, names."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of one record: what is compared, and what stands beside it as it was delivered or in other letters."""

    text: str
    language: str | None = None
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison. `state`: equal, differs, one-sided."""

    label: str
    state: str
    left: tuple[Markup, ...]
    right: tuple[Markup, ...]


def rows(one: Json, other: Json, says: Tongue) -> list[Row]:
    """What the two records say on each point on which either says anything, in the order of a front page."""
    found: list[Row] = []

    def line(label: str, values: Callable[[Json], Sequence[Value]]) -> None:
        left, right = values(one)[:MOST_VALUES], values(other)[:MOST_VALUES]
        if left or right:
            found.append(_row(label, left, right))

    line(says.say("Provider"), lambda r: [Value(f"{r['provider']} {says.place(r['provider'])}")])
    line(says.say("Office"), lambda r: [Value(f"{r['office']} {says.place(r['office'])}")])
    for kind in _codes(one, other, "numbers"):
        line(says.word("number", kind), lambda r, kind=kind: _numbers(r, kind))  # type: ignore[misc]
    line(says.say("Kind"), lambda r: [Value(r["kind"], None, says.word("kind_group", r.get("kind_group")))]
         if r.get("kind") else [])  # fmt: skip
    for kind in _codes(one, other, "dates"):
        line(says.word("date", kind), lambda r, kind=kind: _dates(r, kind))  # type: ignore[misc]
    line(says.say("Priorities"), _priorities)
    for kind in ("title", "mark-text", "mark-transliteration", "product-indication", "gi-product", "work-description"):
        for tongue in _tongues(one, other, kind):
            name = f"{says.word('text', kind)} ({says.language(tongue)})"
            line(name, lambda r, kind=kind, tongue=tongue: _texts(r, kind, tongue))  # type: ignore[misc]
    for role in _codes(one, other, "parties", "role"):
        line(says.word("role", role), lambda r, role=role: _parties(r, role))  # type: ignore[misc]
    for scheme in _codes(one, other, "classifications", "scheme"):
        line(scheme, lambda r, scheme=scheme: _classes(r, scheme))  # type: ignore[misc]
    line(says.say("Status"), lambda r: [Value(says.word("status", (r.get("status") or {}).get("state")))]
         if (r.get("status") or {}).get("state") else [])  # fmt: skip
    for kind in ("abstract", "goods-services"):
        for tongue in _tongues(one, other, kind):
            name = f"{says.word('text', kind)} ({says.language(tongue)})"
            line(name, lambda r, kind=kind, tongue=tongue: _texts(r, kind, tongue))  # type: ignore[misc]
    return found


def _codes(one: Json, other: Json, part: str, key: str = "type") -> list[str]:
    return list(dict.fromkeys(str(entry[key]) for record in (one, other) for entry in record.get(part, ())))


def _tongues(one: Json, other: Json, kind: str) -> list[str]:
    held = (text["language"] for r in (one, other) for text in r.get("texts", ()) if text["type"] == kind)
    return list(dict.fromkeys(held))[:MOST_VALUES]


def _numbers(record: Json, kind: str) -> list[Value]:
    return [
        Value(n["canonical"], None, n["raw"] if n["raw"] != n["canonical"] else "")
        for n in record.get("numbers", ()) if n["type"] == kind
    ]  # fmt: skip


def _dates(record: Json, kind: str) -> list[Value]:
    return [Value(str(date["date"])) for date in record.get("dates", ()) if date["type"] == kind]


def _priorities(record: Json) -> list[Value]:
    return [Value(p["number"]["canonical"], None, str(p.get("date") or "")) for p in record.get("priorities", ())]


def _texts(record: Json, kind: str, tongue: str) -> list[Value]:
    return [
        Value(compact(text["text"], LONGEST_VALUE), tongue)
        for text in record.get("texts", ()) if text["type"] == kind and text["language"] == tongue
    ]  # fmt: skip


def _parties(record: Json, role: str) -> list[Value]:
    held = [party for party in record.get("parties", ()) if party["role"] == role]
    beside = (" ".join(filter(None, (party.get("latin_name"), party.get("country")))) for party in held)
    return [Value(compact(party["name"], 200), None, more) for party, more in zip(held, beside, strict=True)]


def _classes(record: Json, scheme: str) -> list[Value]:
    held = (entry["symbol"] for entry in record.get("classifications", ()) if entry["scheme"] == scheme)
    return [Value(symbol) for symbol in sorted(set(held))]


def _row(label: str, left: Sequence[Value], right: Sequence[Value]) -> Row:
    if not left or not right:
        return Row(label, "one-sided", tuple(map(_shown, left)), tuple(map(_shown, right)))
    said = ([value.text for value in left], [value.text for value in right])
    if sorted(said[0]) == sorted(said[1]):
        return Row(label, "equal", tuple(map(_shown, left)), tuple(map(_shown, right)))
    marked_left = tuple(_against(value, _closest(value, right), said[1]) for value in left)
    marked_right = tuple(_against(value, _closest(value, left), said[0]) for value in right)
    return Row(label, "differs", marked_left, marked_right)


def _closest(value: Value, others: Iterable[Value]) -> str:
    def likeness(text: str) -> float:
        return difflib.SequenceMatcher(None, value.text, text, autojunk=False).quick_ratio()

    return max((other.text for other in others), key=likeness)


def _against(value: Value, other: str, others: Sequence[str]) -> Markup:
    if value.text in others:
        return _shown(value)
    return _wrapped(value, marked(value.text, other))


def marked(text: str, other: str) -> Markup:
    """`text` with what `other` does not say at that place marked: by letters where both are short, else by words."""
    letterwise = max(len(text), len(other)) <= LETTERWISE
    mine, theirs = (list(text), list(other)) if letterwise else (WORDS.findall(text), WORDS.findall(other))
    out: list[Markup] = []
    for sign, start, end, _, _ in difflib.SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        part = "".join(mine[start:end])
        if part:
            out.append(escape(part) if sign == "equal" else Markup('<mark class="differs">{}</mark>').format(part))
    return Markup("").join(out)


def _shown(value: Value) -> Markup:
    return _wrapped(value, escape(value.text))


def _wrapped(value: Value, content: Markup) -> Markup:
    tag = Markup(' lang="{}"').format(value.language) if value.language and value.language != "xx" else Markup("")
    beside = Markup(' <bdi class="raw" dir="auto">{}</bdi>').format(value.beside) if value.beside else Markup("")
    return Markup('<bdi{} dir="{}">{}</bdi>{}').format(tag, direction(value.language), content, beside)
