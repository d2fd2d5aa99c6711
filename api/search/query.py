"""The query language: text → tree → OpenSearch query.

    text        battery AND title:"solid electrolyte" NOT applicant:acme published:[2019 TO 2021] ipc:H01M
    tree        And(Words("battery"), Words("solid electrolyte", "title", phrase=True), …)
    query       {"bool": {…}}

Parsing, the tree and the compiling know nothing of one another: another dialect is another `parse` for the same tree.
Nothing here knows who asks; the engine's guard narrows every clause to what the caller may read.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import analyzers
from common.errors import QueryError
from indexer.harmonise.numbers import number_candidates

Query = dict[str, Any]
MAX_LENGTH = 8_000
MAX_CLAUSES = 200
MAX_DEPTH = 20


# ------------------------------------------------------------------------------------------------------------- tree


@dataclass(frozen=True, slots=True)
class Everything:
    """No condition: an empty query or `*`."""


@dataclass(frozen=True, slots=True)
class Words:
    """Words to be found in one field (a name of fields.toml) or, without one, wherever text stands."""

    text: str
    field: str | None = None
    phrase: bool = False
    slop: int = 0
    wildcard: bool = False
    position: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """Values from `low` to `high`; None is open. Dates may be a year, a month or a day."""

    field: str
    low: str | None
    high: str | None
    include_low: bool = True
    include_high: bool = True
    position: int = 0


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Some:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Without:
    part: Node


Node = Everything | Words | Span | All | Some | Without


@dataclass(frozen=True, slots=True)
class FieldNames:
    text: dict[str, list[str]]
    default: list[str]
    exact: dict[str, str]
    number: dict[str, str]
    classes: dict[str, str]
    dates: dict[str, str]

    def __contains__(self, name: str) -> bool:
        return any(name in part for part in (self.text, self.exact, self.number, self.classes, self.dates))

    def all(self) -> list[str]:
        return sorted({*self.text, *self.exact, *self.number, *self.classes, *self.dates})


@lru_cache(maxsize=1)
def names() -> FieldNames:
    table: dict[str, Any] = tomllib.loads((Path(__file__).parent / "fields.toml").read_text("utf-8"))
    return FieldNames(
        table["text"], table["default"]["fields"], table["exact"], table["number"], table["class"], table["date"]
    )


# ---------------------------------------------------------------------------------------------------------- parsing

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<open>\() | (?P<close>\))
    | (?P<minus>-)(?=\S)
    | (?P<field>[A-Za-z_]+):(?=\S)
    | "(?P<phrase>[^"]*)"(?:~(?P<slop>\d{1,3}))?
    | \[(?P<low>[^\]\s]+)\s+TO\s+(?P<high>[^\]\s]+)\]
    | (?P<compare>>=|<=|>|<)(?P<bound>[^\s()]+)
    | (?P<word>[^\s()"]+)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int
    extra: str = ""


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise QueryError(
                f"Character {position + 1} of the query cannot be read: {text[position : position + 20]!r}.",
                position=position,
                remedy="A quotation mark may be missing its partner.",
            )
        kind = match.lastgroup or ""
        if match["phrase"] is not None:
            yield _Token("phrase", match["phrase"], match.start("phrase"), match["slop"] or "0")
        elif match["low"] is not None:
            yield _Token("span", match["low"], match.start("low"), match["high"])
        elif match["compare"] is not None:
            yield _Token("compare", match["bound"], match.start("compare"), match["compare"])
        elif kind == "word" and match["word"] in ("AND", "OR", "NOT"):
            yield _Token(match["word"], match["word"], match.start("word"))
        else:
            yield _Token(kind, match[kind], match.start(kind))
        position = match.end()


def parse(text: str) -> Node:
    """Tree of a query. Words side by side must all be there; `OR` binds less than `AND`; `NOT` and `-` exclude."""
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"The query has {len(text)} characters; {MAX_LENGTH} are allowed.", remedy="Split it into several queries."
        )
    tokens = list(_tokens(text))
    if len(tokens) > MAX_CLAUSES * 2:
        raise QueryError(f"The query has more than {MAX_CLAUSES} terms.", remedy="Split it into several queries.")
    if not tokens or (len(tokens) == 1 and tokens[0].text in ("*", "*:*")):
        return Everything()
    return _Parser(tokens).whole()


class _Parser:
    def __init__(self, tokens: Sequence[_Token]) -> None:
        self.tokens = tokens
        self.next = 0
        self.depth = 0

    def peek(self) -> str:
        return self.tokens[self.next].kind if self.next < len(self.tokens) else "end"

    def take(self) -> _Token:
        token = self.tokens[self.next]
        self.next += 1
        return token

    def whole(self) -> Node:
        node = self.either(None)
        if self.peek() != "end":
            token = self.tokens[self.next]
            raise QueryError(
                f"A closing bracket at character {token.position + 1} has no partner.", position=token.position
            )
        return node

    def either(self, field: str | None) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise QueryError(f"Brackets are nested more than {MAX_DEPTH} deep.")
        parts = [self.every(field)]
        while self.peek() == "OR":
            self.take()
            parts.append(self.every(field))
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def every(self, field: str | None) -> Node:
        parts = [self.one(field)]
        while self.peek() not in ("end", "close", "OR"):
            if self.peek() == "AND":
                self.take()
            parts.append(self.one(field))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def one(self, field: str | None) -> Node:
        kind = self.peek()
        if kind == "end":
            raise QueryError("The query ends where a term is expected.", remedy="Add a term or take the operator away.")
        token = self.take()
        if kind in ("NOT", "minus"):
            return Without(self.one(field))
        if kind == "open":
            node = self.either(field)
            if self.peek() != "close":
                raise QueryError(
                    f"The bracket at character {token.position + 1} is never closed.", position=token.position
                )
            self.take()
            return node
        if kind == "field":
            return self.fielded(token)
        if kind == "phrase":
            return Words(token.text, field, phrase=True, slop=int(token.extra), position=token.position)
        if kind in ("span", "compare"):
            return self.span(token, field)
        if kind == "word":
            wild = "*" in token.text or "?" in token.text
            return Words(token.text, field, wildcard=wild, position=token.position)
        raise QueryError(
            f"{token.text!r} at character {token.position + 1} stands where a term is expected.",
            position=token.position,
        )

    def fielded(self, token: _Token) -> Node:
        name = token.text.lower()
        if name not in names():
            # A colon may belong to the word: `urn:x`, `DE:102`.
            raise QueryError(
                f"There is no field {token.text!r}.",
                position=token.position,
                length=len(token.text),
                remedy=f"Known fields: {', '.join(names().all())}.",
            )
        return self.one(name)

    def span(self, token: _Token, field: str | None) -> Node:
        if field is None:
            raise QueryError(
                "A range needs a field.", position=token.position, remedy="For example published:[2019 TO 2021]."
            )
        if token.kind == "compare":
            low, high = (token.text, None) if token.extra[0] == ">" else (None, token.text)
            inclusive = token.extra.endswith("=")
            return Span(field, low, high, inclusive, inclusive, token.position)
        low, high = (None if value == "*" else value for value in (token.text, token.extra))
        return Span(field, low, high, position=token.position)


# -------------------------------------------------------------------------------------------------------- compiling

NumberForms = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Target:
    """What a query is compiled for."""

    languages: tuple[str, ...]
    """Codes of the languages in whose fields text is searched, each with its own analyzer."""
    number_forms: NumberForms


def target(languages: Sequence[str] | None = None, number_forms: NumberForms | None = None) -> Target:
    """By default every language that has fields, and the harmoniser's reading of numbers."""
    codes = tuple(language.code for language in analyzers.languages()) if languages is None else tuple(languages)
    return Target(codes, number_forms or default_number_forms())


def compile(text: str, *, number_forms: NumberForms | None = None, languages: Sequence[str] | None = None) -> Query:
    """OpenSearch query of a query text. Each clause carries a `_name`, from which each hit's `why` is told."""
    return to_query(parse(text), target(languages, number_forms))


def default_number_forms() -> NumberForms:
    """The harmoniser's reading of a number typed in any form."""
    return number_candidates


def to_query(node: Node, target: Target) -> Query:
    match node:
        case Everything():
            return {"match_all": {}}
        case Words():
            return _words(node, target)
        case Span():
            return _span(node)
        case All(parts):
            must = [to_query(p, target) for p in parts if not isinstance(p, Without)]
            must_not = [to_query(p.part, target) for p in parts if isinstance(p, Without)]
            return {"bool": {**({"must": must} if must else {}), **({"must_not": must_not} if must_not else {})}}
        case Some(parts):
            return {"bool": {"should": [to_query(part, target) for part in parts], "minimum_should_match": 1}}
        case Without(part):
            return {"bool": {"must_not": [to_query(part, target)]}}


def _words(node: Words, target: Target) -> Query:
    table = names()
    label = f"{node.field or ''}:{node.text}"
    if node.field is None or node.field in table.text:
        fields = table.default if node.field is None else table.text[node.field]
        found = _text(node, _in_languages(fields, target, exact=node.phrase or node.wildcard), label)
        if node.field is None and any(character.isdigit() for character in node.text) and not node.wildcard:
            forms = _forms(node.text, target.number_forms)
            if forms:
                number = {"terms": {"number": forms, "boost": 20, "_name": f"number:{node.text}"}}
                return {"bool": {"should": [found, number], "minimum_should_match": 1}}
        return found
    if node.field in table.number:
        if node.wildcard:
            return _pattern(table.number[node.field], node.text.upper(), label)
        return {
            "terms": {table.number[node.field]: _forms(node.text, target.number_forms) or [node.text], "_name": label}
        }
    if node.field in table.classes:
        return _class(node, table.classes[node.field], label)
    if node.field in table.dates:
        return _span(Span(node.field, node.text, node.text, position=node.position))
    if node.wildcard:
        return _pattern(table.exact[node.field], node.text, label)
    return {"terms": {table.exact[node.field]: _spellings(node.text), "_name": label}}


def _in_languages(fields: list[str], target: Target, *, exact: bool) -> list[str]:
    """`title.*^4` as one field a language. Phrases and wildcards look at the unstemmed twin."""
    found: list[str] = []
    for field in fields:
        name, caret, weight = field.partition("^")
        if name.endswith(".*"):
            tail = ".exact" if exact else ""
            found.extend(f"{name[:-1]}{code}{tail}{caret}{weight}" for code in target.languages)
        else:
            found.append(field)
    return found


def _text(node: Words, fields: list[str], label: str) -> Query:
    if node.wildcard:
        if len(node.text.strip("*?")) < 2:
            raise QueryError(
                f"{node.text!r} matches nearly everything.",
                position=node.position,
                remedy="Write at least two characters beside the wildcard.",
            )
        text = node.text.lower()
        return {
            "query_string": {
                "query": re.sub(r"([^\w*?])", r"\\\1", text),
                "fields": fields,
                "analyze_wildcard": True,
                "_name": label,
            }
        }
    body: Query = {"query": node.text, "fields": fields, "lenient": True, "_name": label}
    if node.phrase:
        return {"multi_match": {**body, "type": "phrase", "slop": node.slop}}
    return {"multi_match": {**body, "type": "best_fields", "operator": "and"}}


def _forms(text: str, number_forms: NumberForms) -> list[str]:
    return sorted({form for form in number_forms(text) if form})


def _spellings(text: str) -> list[str]:
    return sorted({text, text.upper(), text.lower()})


def _class(node: Words, field: str, label: str) -> Query:
    symbol = " ".join(node.text.upper().split())
    compact = re.fullmatch(r"([A-H,Y]\d{2}[A-Z])\s*(\d+/\d+)", symbol)
    symbol = f"{compact[1]} {compact[2]}" if compact else symbol
    if node.wildcard:
        return _pattern(field, symbol, label)
    plain = symbol.lstrip("0") or symbol
    return {"terms": {field: sorted({symbol, plain}), "_name": label}}


def _pattern(field: str, pattern: str, label: str) -> Query:
    return {"wildcard": {field: {"value": pattern, "case_insensitive": True, "_name": label}}}


def _span(node: Span) -> Query:
    table = names()
    if node.field not in table.dates:
        raise QueryError(
            f"{node.field!r} has no order to take a range of.",
            position=node.position,
            remedy=f"Ranges work on {', '.join(sorted(table.dates))}.",
        )
    limits: dict[str, str] = {}
    if node.low is not None:
        first, last = _days(node.low, node.position)
        limits["gte" if node.include_low else "gt"] = (first if node.include_low else last).isoformat()
    if node.high is not None:
        first, last = _days(node.high, node.position)
        limits["lte" if node.include_high else "lt"] = (last if node.include_high else first).isoformat()
    name = f"{node.field}:{node.low or '*'} TO {node.high or '*'}"
    return {"range": {table.dates[node.field]: {**limits, "_name": name}}}


def _days(text: str, position: int) -> tuple[dt.date, dt.date]:
    """First and last day of a year, month or day."""
    match = re.fullmatch(r"(\d{4})(?:[-./]?(\d{2})(?:[-./]?(\d{2}))?)?", text)
    if match:
        year, month, day = (int(part) if part else None for part in match.groups())
        try:
            first = dt.date(year or 0, month or 1, day or 1)
            if day:
                return first, first
            following = dt.date(first.year + (not month), 1, 1) if not month else _next_month(first)
            return first, following - dt.timedelta(days=1)
        except (ValueError, OverflowError):
            pass
    raise QueryError(
        f"{text!r} is not a date.", position=position, length=len(text), remedy="Write 2020, 2020-03 or 2020-03-31."
    )


def _next_month(first: dt.date) -> dt.date:
    return dt.date(first.year + first.month // 12, first.month % 12 + 1, 1)


# ------------------------------------------------------------------------------------------------------ for vectors


def free_text(tree: Node) -> tuple[str, Node | None]:
    """(words without a field, for the embedder; the rest as a condition that a nearest neighbour must meet too).

    Only at the top of the tree is the rest a condition: in `battery OR ipc:H01M` neither part must be met. Phrases are
    conditions as well as words: who writes quotation marks means them.
    """
    parts = tree.parts if isinstance(tree, All) else (tree,)
    words: list[str] = []
    conditions: list[Node] = []
    for part in parts:
        match part:
            case Words(text, None, wildcard=False, phrase=phrase):
                words.append(text)
                if phrase:
                    conditions.append(part)
            case Words(text, "title" | "abstract" | "claims" | "description" | "goods" | "product", wildcard=False):
                words.append(text)
                conditions.append(part)
            case Some(inner) if all(isinstance(i, Words) and i.field is None and not i.wildcard for i in inner):
                words.extend(i.text for i in inner if isinstance(i, Words))
            case Everything():
                pass
            case _:
                conditions.append(part)
    rest: Node | None = None
    if conditions:
        rest = conditions[0] if len(conditions) == 1 else All(tuple(conditions))
    return " ".join(words), rest
