"""Reads Espacenet's and OPS's query language (CQL): `ti="electric motor" and pa=siemens and pd within "2015 2020"`.

Operators bind alike, from the left. Distances count steps from word to word, so neighbours are 1 apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lark import Token, Tree

from api.search.query.clauses import ANYWHERE, MAX_DISTANCE, Reader, Typed
from api.search.query.fields import Alias, names
from api.search.query.growing import grow
from api.search.query.tree import All, Everything, Node, Some, Without, joined
from common.errors import QueryError
from common.messages import say

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<open>\() | (?P<close>\))
    | (?P<string>"(?:\\.|[^"\\])*"|“[^”]*”|«[^»]*»)
    | (?P<prox>prox(?:\s*/\s*[A-Za-z.]+(?:\s*(?:<=|>=|=|<|>)\s*[A-Za-z0-9]+)?)*)(?=[\s(]|$)
    | (?P<relation>==|<>|<=|>=|=|<|>)
    | (?P<term>(?:\\.|[^\s()"=<>\\])+)
    )""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_MODIFIERS = re.compile(r"(?:\s*/\s*[A-Za-z.]+(?:\s*(?:<=|>=|=|<|>)\s*[A-Za-z0-9]+)?)+(?=[\s(\"]|$)")
_MODIFIER = re.compile(r"/\s*([A-Za-z.]+)(?:\s*(<=|>=|=|<|>)\s*([A-Za-z0-9]+))?")
_WORDED = frozenset({"all", "any", "exact", "within"})
_OPERATORS = frozenset({"and", "or", "not"})
ALL_RECORDS = "cql.allrecords"


@dataclass(frozen=True, slots=True)
class Piece:
    kind: str
    position: int
    length: int
    text: str = ""
    modifiers: tuple[tuple[str, str, str], ...] = ()
    """(name, comparison, value)."""


def read(text: str, reader: Reader) -> Node:
    """The tree; faults are left in `reader`. Raises QueryError where no tree can be made."""
    pieces = _pieces(text)
    if not pieces or (len(pieces) == 1 and pieces[0].text == "*"):
        return Everything()
    tree = grow("cql", pieces, text)
    (query,) = tree.children
    return _Builder(pieces, reader).query(query, ANYWHERE)


def _pieces(text: str) -> list[Piece]:
    raw: list[Piece] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            what = say("query.quotation-open-in-cql", character=start + 1)
            if text[start] not in '"“«':
                what = say("query.unreadable-in-cql", character=start + 1, text=text[start : start + 20])
            raise QueryError(what, position=start)
        kind = match.lastgroup or ""
        start, position = match.start(kind), match.end()
        if kind == "relation":
            modifiers = _MODIFIERS.match(text, position)
            position = modifiers.end() if modifiers else position
            raw.append(
                Piece(
                    "RELATION", start, position - start, match[kind], _read_modifiers(modifiers[0] if modifiers else "")
                )
            )
        elif kind == "prox":
            raw.append(Piece("PROX", start, position - start, match[kind], _read_modifiers(match[kind])))
        elif kind == "term" and match[kind].lower() in _OPERATORS:
            raw.append(Piece(match[kind].upper(), start, position - start, match[kind]))
        else:
            raw.append(Piece(kind.upper(), start, position - start, match[kind]))
    return _with_relations(raw)


def _read_modifiers(text: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((m[1].lower(), m[2] or "", m[3] or "") for m in _MODIFIER.finditer(text))


def _with_relations(raw: Sequence[Piece]) -> list[Piece]:
    """A term before a relation is the name of an index; `all`, `any`, `exact` and `within` between a term and a value
    are relations."""
    found: list[Piece] = []
    for place, piece in enumerate(raw):
        following = raw[place + 1].kind if place + 1 < len(raw) else ""
        after_term = bool(found) and found[-1].kind == "TERM"
        bare = piece.text.partition("/")[0].lower()
        if piece.kind == "TERM" and bare in _WORDED and after_term and following in ("TERM", "STRING", "OPEN"):
            found[-1] = replace(found[-1], kind="INDEX")
            piece = replace(piece, kind="RELATION", text=bare, modifiers=_read_modifiers(piece.text[len(bare) :]))
        elif piece.kind == "RELATION" and after_term:
            found[-1] = replace(found[-1], kind="INDEX")
        found.append(piece)
    return found


@dataclass(frozen=True, slots=True)
class _Search:
    """What stands between an index and its value."""

    alias: Alias
    relation: str = "="
    modifiers: tuple[tuple[str, str, str], ...] = ()
    position: int = 0
    length: int = 1


BARE = _Search(ANYWHERE)


class _Builder:
    def __init__(self, pieces: Sequence[Piece], reader: Reader) -> None:
        self.pieces = pieces
        self.reader = reader

    def piece(self, token: Token | Tree[Token]) -> Piece:
        assert isinstance(token, Token)
        assert token.start_pos is not None
        return self.pieces[token.start_pos]

    def query(self, tree: Token | Tree[Token], alias: Alias) -> Node:
        return self._query(tree, BARE if alias is ANYWHERE else _Search(alias))

    def _query(self, tree: Token | Tree[Token], search: _Search) -> Node:
        """From the left: `a and b or c` is `(a and b) or c`."""
        assert isinstance(tree, Tree)
        parts = list(tree.children)
        node = self._clause(parts.pop(0), search)
        level: tuple[str, list[Node]] = ("", [node])
        while parts:
            operator = Piece("AND", 0, 0)
            if isinstance(parts[0], Tree) and parts[0].data == "operator":
                operator = self.piece(parts[0].children[0])
                del parts[0]
            right = self._clause(parts.pop(0), search)
            kind = "AND" if operator.kind == "NOT" else operator.kind
            if kind == "PROX":
                node = self._near(_closed(level), right, operator)
                level = ("", [node])
                continue
            if level[0] not in ("", kind):
                level = ("", [_closed(level)])
            level = (kind, [*level[1], Without(right) if operator.kind == "NOT" else right])
        return _closed(level)

    def _near(self, left: Node, right: Node, operator: Piece) -> Node:
        distance, ordered = MAX_DISTANCE, False
        for name, comparison, value in operator.modifiers:
            match name:
                case "distance" if value.isdigit() and comparison in ("<", "<=", "="):
                    # Steps from word to word, of which one leads to the very next.
                    distance = max(int(value) - 1 - (comparison == "<"), 0)
                case "ordered":
                    ordered = value.lower() != "false"
                case "unordered":
                    ordered = False
                case "unit" if value.lower() == "word":
                    pass
                case "unit":
                    return self.reader.fault(say("query.prox-unit", unit=value), operator.position, operator.length)
                case _:
                    return self.reader.fault(
                        say("query.prox-modifier", modifier=f"{name}{comparison}{value}"),
                        operator.position,
                        operator.length,
                    )
        if self.reader.faults:
            return left
        return self.reader.near(left, right, distance, ordered=ordered, position=operator.position)

    def _clause(self, tree: Token | Tree[Token], search: _Search) -> Node:
        assert isinstance(tree, Tree)
        match tree.data:
            case "search":
                return self._search(tree)
            case "group":
                return self._query(tree.children[1], search)
        piece = self.piece(tree.children[0])
        if piece.kind == "TERM" and piece.text == "*" and search is BARE:
            return Everything()
        return self._value(search, piece)

    def _search(self, tree: Tree[Token]) -> Node:
        index, relation, value = tree.children
        name, how = self.piece(index), self.piece(relation)
        if name.text.lower() == ALL_RECORDS:
            return Everything()
        alias = self.reader.name(name.text, name.position)
        if alias is None:
            return Everything()
        return self._clause(value, _Search(alias, how.text, how.modifiers, how.position, how.length))

    def _value(self, search: _Search, piece: Piece) -> Node:
        alias, relation = search.alias, search.relation
        text = piece.text[1:-1] if piece.kind == "STRING" else piece.text
        place = piece.position + (piece.kind == "STRING")
        fuzzy = 0
        for name, _, value in search.modifiers:
            match name:
                case "fuzzy":
                    fuzzy = int(value) if value in ("1", "2") else 2
                case "low" | "exact":
                    relation = "==" if name == "exact" else relation
                case _:
                    return self.reader.fault(say("query.relation-modifier", name=name), search.position, search.length)
        if relation in ("<", "<=", ">", ">="):
            low, high = (text, None) if relation[0] == ">" else (None, text)
            including = relation.endswith("=")
            return self.reader.ranged(alias, low, high, place, len(text), (including, including))
        dated = bool(alias.fields) and all(name in names().dates for name in alias.fields)
        limits = re.split(r"[\s,:]+", text.strip())
        if relation == "within" or (dated and len(limits) == 2):
            if len(limits) != 2:
                return self.reader.fault(say("query.within"), place, max(len(text), 1))
            return self.reader.ranged(alias, limits[0], limits[1], place, len(text))
        if relation in ("all", "any"):
            terms = [
                self._term(alias, word.group(), place + word.start(), fuzzy=fuzzy)
                for word in re.finditer(r"(?:\\.|[^\s\\])+", text)
            ]
            if not terms:
                return self.reader.empty_phrase(place)
            return joined(All if relation == "all" else Some, terms)
        found = self._term(alias, text, place, exact=relation in ("==", "exact"), fuzzy=fuzzy)
        return Without(found) if relation == "<>" else found

    def _term(self, alias: Alias, text: str, position: int, *, exact: bool = False, fuzzy: int = 0) -> Node:
        suffix = re.fullmatch(r"(.+)/(low|exact)", text, re.IGNORECASE)
        if suffix and any(name in names().classes for name in alias.fields):
            text, exact = suffix[1], exact or suffix[2].lower() == "exact"
        several = len(text.split()) != 1
        signs = [match.start() for match in re.finditer(r"(?<!\\)[*?#]", text)]
        wild = bool(signs) and not several and not exact
        optional = [place for place in signs if text[place] == "?"] if wild else []
        if len(optional) > 1:
            return self.reader.fault(say("query.cql-signs"), position, len(text))
        if optional:
            # No letter or one: two terms.
            spellings = [text[: optional[0]] + sign + text[optional[0] + 1 :] for sign in ("", "#")]
            return joined(Some, [self._term(alias, spelling, position, fuzzy=fuzzy) for spelling in spellings])
        if wild:
            plain = "".join("?" if place in signs and sign == "#" else sign for place, sign in enumerate(text))
        else:
            plain = re.sub(r"\\(.)", r"\1", text)
        quoted = (several or exact) and not fuzzy
        typed = Typed(plain, position, len(text), quoted=quoted, wildcard=wild, fuzzy=fuzzy, exactly=exact)
        return self.reader.term(alias, typed)


def _closed(level: tuple[str, list[Node]]) -> Node:
    return joined(Some if level[0] == "OR" else All, level[1])
