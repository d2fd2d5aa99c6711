"""From what stands in a query to clauses of the tree: one reading for every dialect, by the kind of the field.

Faults are gathered, so that one look at a query tells all that is wrong with it.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from api.search.query.fields import Alias, Dialect, names, others_that_know
from api.search.query.tree import Everything, Near, Node, Present, Some, Span, Words, in_field, joined, parts_of
from common.errors import QueryError
from common.messages import Message, say
from indexer.harmonise.numbers import number_candidates

MAX_LENGTH = 8_000
MAX_WILDCARDS = 20
"""Terms with wildcards in a query: each looks through the terms of a whole field."""
MAX_SIGNS = 4
"""Wildcards in one term."""
MAX_DISTANCE = 1_000
NEAR_DISTANCE = 5
"""Of a NEAR without a number."""

ANYWHERE = Alias(())
_CJK = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")


@dataclass(frozen=True, slots=True)
class Typed:
    """A term as it stands in the query."""

    text: str
    """Without quotation marks and escapes; with wildcards as in `Words`."""
    position: int
    length: int
    quoted: bool = False
    wildcard: bool = False
    slop: int = 0
    fuzzy: int = 0
    exactly: bool = False


@dataclass
class Reader:
    """Makes clauses, and keeps what is wrong and what must be said."""

    dialect: Dialect
    faults: list[QueryError] = field(default_factory=list)
    notes: dict[Message, None] = field(default_factory=dict)
    wildcards: int = 0

    def fault(
        self, message: Message, position: int, length: int = 1, *, remedy: str = "", suggestion: str | None = None
    ) -> Node:
        """Notes a fault; the clause itself then says nothing."""
        error = QueryError(message, position=position, length=length, remedy=remedy, suggestion=suggestion)
        self.faults.append(error)
        return Everything()

    # ----------------------------------------------------------------------------------------------------- fields

    def name(self, text: str, position: int) -> Alias | None:
        """What a field's name stands for; None and a fault for an unknown one."""
        found = self.dialect.find(text)
        if found is not None:
            if found.note:
                self.notes[say("query.field-note", field=text, note=found.note)] = None
            return found
        reason = self.dialect.reason_missing(text)
        if reason is not None:
            self.fault(say("query.field-missing", field=text), position, len(text), remedy=reason)
            return None
        suggestion = self.dialect.nearest(text)
        remedy = say("query.field-meant", field=suggestion) if suggestion else None
        for other, alias in others_that_know(text, self.dialect.name):
            own = self.dialect.write(alias.fields[0], alias.language, alias.exactly)
            remedy = say("query.field-elsewhere", field=text, dialect=other.name)
            if own:
                remedy = say("query.field-elsewhere-here", field=text, dialect=other.name, here=own)
            suggestion = own or suggestion
            break
        if remedy is None:
            known = names().all() if self.dialect.name == "concord" else [*self.dialect.texts, *self.dialect.fields]
            remedy = say("query.fields-known", fields=known)
        self.fault(say("query.field-unknown", field=text), position, len(text), remedy=remedy, suggestion=suggestion)
        return None

    def empty_phrase(self, position: int, length: int = 1) -> Node:
        """Notes quotation marks with nothing between them."""
        return self.fault(say("query.phrase-empty"), position, length)

    # ---------------------------------------------------------------------------------------------------- clauses

    def term(self, alias: Alias, typed: Typed) -> Node:
        """A word, phrase or value in the fields of an alias."""
        if not typed.quoted and typed.text == "*" and typed.wildcard:
            return self._present(alias, typed)
        if not typed.text.strip() and not typed.wildcard:
            return self.empty_phrase(typed.position, max(typed.length, 1))
        if alias.starts and not typed.wildcard:
            typed = replace(typed, text=f"{typed.text}*", wildcard=True, quoted=False)
        if typed.wildcard:
            self._wildcard(typed)
        return self._any_of(alias, lambda name: self._in_one(name, alias, typed))

    def _any_of(self, alias: Alias, make: object) -> Node:
        assert callable(make)
        return joined(Some, [make(name) for name in alias.fields or (None,)])

    def _present(self, alias: Alias, typed: Typed) -> Node:
        if alias is ANYWHERE:
            return Everything()
        return self._any_of(alias, lambda name: Present(name, alias.language, typed.position))

    def _in_one(self, name: str | None, alias: Alias, typed: Typed) -> Node:
        table = names()
        place = (typed.position, typed.length)
        if name is None or name in table.text:
            return Words(
                typed.text,
                name,
                phrase=typed.quoted or (typed.exactly and not typed.wildcard),
                slop=typed.slop,
                wildcard=typed.wildcard,
                position=typed.position,
                language=alias.language,
                fuzzy=typed.fuzzy,
                length=typed.length,
            )
        if typed.fuzzy or typed.slop:
            return self.fault(say("query.tilde-without-meaning", field=name), *place)
        if name in table.dates:
            return self.span(name, typed.text, typed.text, typed.position, typed.length)
        exactly = (alias.exactly or typed.exactly) and name in table.classes
        return Words(
            typed.text,
            name,
            wildcard=typed.wildcard,
            position=typed.position,
            exactly=exactly,
            length=typed.length,
        )

    def span(
        self,
        name: str,
        low: str | None,
        high: str | None,
        position: int,
        length: int,
        including: tuple[bool, bool] = (True, True),
    ) -> Node:
        if name not in names().dates:
            return self.fault(
                say("query.field-without-order", field=name, fields=sorted(names().dates)), position, length
            )
        limits: list[str | None] = []
        for text in (low, high):
            limit = None if text in (None, "*", "") else date_of(text or "")
            if limit is None and text not in (None, "*", ""):
                return self.fault(say("query.no-date", text=text or ""), position, len(text or ""))
            limits.append(limit)
        first, last = limits
        if first and last and days(first)[0] > days(last)[1]:
            return self.fault(say("query.range-reversed", end=high or "", begin=low or ""), position, length)
        open_ends = (including[0] or first is None, including[1] or last is None)
        return Span(name, first, last, *open_ends, position=position, length=length)

    def ranged(
        self,
        alias: Alias | None,
        low: str | None,
        high: str | None,
        position: int,
        length: int,
        including: tuple[bool, bool] = (True, True),
    ) -> Node:
        if alias is None or not alias.fields:
            return self.fault(say("query.range-without-field"), position, length)
        return joined(Some, [self.span(name, low, high, position, length, including) for name in alias.fields])

    def number(self, alias: Alias, terms: Sequence[Typed]) -> Node | None:
        """One number written in several words, `EP 1 234 567`; None where they are none."""
        if any(t.wildcard or t.quoted or t.fuzzy for t in terms) or not any(c.isdigit() for t in terms for c in t.text):
            return None
        text = " ".join(t.text for t in terms)
        if len(terms) < 2 or not alias.fields or not all(name in names().number for name in alias.fields):
            return None
        if not number_candidates(text):
            return None
        first, last = terms[0], terms[-1]
        whole = Typed(text, first.position, last.position + last.length - first.position)
        return self.term(alias, whole)

    def near(self, left: Node, right: Node, distance: int, *, ordered: bool, position: int) -> Node:
        """Both sides in one text, `distance` other words between them at most."""
        if distance > MAX_DISTANCE:
            return self.fault(say("query.near-too-far", distance=distance, most=MAX_DISTANCE), position)
        for side in (left, right):
            if not _nearable(side):
                return self.fault(say("query.near-of-what"), position)
        if in_field(left) != in_field(right) or not _same_field(left) or not _same_field(right):
            return self.fault(say("query.near-in-two-fields"), position)
        if isinstance(left, Near) and (left.distance, left.ordered) == (distance, ordered):
            return Near((*left.parts, right), distance, ordered, left.position)
        return Near((left, right), distance, ordered, position)

    def _wildcard(self, typed: Typed) -> None:
        self.wildcards += 1
        plain = re.sub(r"\\.", "x", typed.text)
        before = re.split(r"[*?]", plain, maxsplit=1)[0]
        place = (typed.position, typed.length)
        if not before or (len(before) < 2 and not _CJK.search(before)):
            code = "query.wildcard-first" if not before else "query.wildcard-wide"
            self.fault(say(code, text=typed.text), *place)
        elif sum(plain.count(sign) for sign in "*?") > MAX_SIGNS:
            self.fault(say("query.wildcards-in-term", text=typed.text, most=MAX_SIGNS), *place)
        elif self.wildcards == MAX_WILDCARDS + 1:
            self.fault(say("query.wildcards-in-query", most=MAX_WILDCARDS), *place)


def _nearable(node: Node) -> bool:
    match node:
        case Words():
            of_text = node.field is None or node.field in names().text
            return of_text and not (node.wildcard or node.fuzzy)
        case Some(parts) | Near(parts):
            return all(map(_nearable, parts))
    return False


def _same_field(node: Node) -> bool:
    return all(in_field(part) == in_field(node) and _same_field(part) for part in parts_of(node))


# ---------------------------------------------------------------------------------------------------------------- dates

_YEAR_FIRST = re.compile(r"(\d{4})(?:[-./]?(\d{1,2})(?:[-./]?(\d{1,2}))?)?")
_DAY_FIRST = re.compile(r"(?:(?:(\d{1,2})[-./])?(\d{1,2})[-./])(\d{4})")


def date_of(text: str) -> str | None:
    """`2020`, `2020-03` or `2020-03-31` of a date in any of the usual ways; None for anything else."""
    text = text.strip()
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = match.groups()
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year = match.groups()
    else:
        return None
    try:
        dt.date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    return "-".join([year, *(part.zfill(2) for part in (month, day) if part)])


def days(text: str) -> tuple[dt.date, dt.date]:
    """First and last day of a date as `date_of` writes it."""
    year, month, day = (int(part) for part in (*text.split("-"), "0", "0")[:3])
    first = dt.date(year, month or 1, day or 1)
    if day:
        return first, first
    if not month or month == 12:
        return first, dt.date(year, 12, 31)
    return first, dt.date(year, month + 1, 1) - dt.timedelta(days=1)


# ----------------------------------------------------------------------------------------------------------- characters

_DIRECTIONS = "\u202a\u202b\u202c\u2066\u2067\u2068\u2069\ufeff"
"""Marks that come along when text is copied; they part words and mean nothing more."""
_OVERRIDES = "\u202d\u202e"


def clean(text: str) -> str:
    """The query without stray marks of direction, as long as before. Raises QueryError for what hides or harms."""
    if len(text) > MAX_LENGTH:
        raise QueryError(
            say("query.too-long", length=len(text), most=MAX_LENGTH),
            position=MAX_LENGTH,
            length=len(text) - MAX_LENGTH,
        )
    for position, character in enumerate(text):
        unseen = unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n\r"
        if unseen or character in _OVERRIDES or character in "\ufffe\uffff":
            name = unicodedata.name(character, "a control character")
            code = f"U+{ord(character):04X}"
            told = say("query.unseen-character", character=position + 1, code=code, name=name.lower())
            raise QueryError(told, position=position)
    return text.translate(dict.fromkeys(map(ord, _DIRECTIONS), " "))
