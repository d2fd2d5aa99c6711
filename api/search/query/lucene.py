"""Reads our own dialect and PATENTSCOPE's: `title:(solid OR liquid) AND published:[2015 TO 2020]`.

Words side by side must all be there; OR binds less than XOR, XOR less than AND, AND less than NEAR.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lark import Token, Tree

from api.search.query.clauses import ANYWHERE, NEAR_DISTANCE, Reader, Typed
from api.search.query.fields import Alias
from api.search.query.growing import grow
from api.search.query.tree import All, Everything, Node, Some, Weighted, Without, Words, joined
from common.errors import QueryError
from common.messages import say
from indexer.harmonise.numbers import number_candidates

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<open>\() | (?P<close>\))
    | (?P<minus>-)(?=[^\s)])
    | (?P<plus>\+)(?=[^\s)+])
    | (?P<field>[A-Za-z][A-Za-z_]*(?:\.[A-Za-z]{2,3})?):(?=\S)
    | (?P<quote>["“”„«])
    | (?P<in>[\[{])\s*(?P<low>"[^"]*"|[^\]}\s]+)\s+TO\s+(?P<high>"[^"]*"|[^\]}\s]+)\s*(?P<out>[\]}])
    | (?P<compare>>=|<=|>|<)\s*(?P<bound>[^\s()]+)
    | (?P<regex>/(?=[^/\s]*[][(){}|+*?^$\\])[^/\s]+/)(?=\s|\)|$)
    | (?P<word>(?:\\.|[^\s()"“”„«\\]|\\(?=\s|$))+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {'"': '"', "“": "”“", "”": "”", "„": "“”", "«": "»"}
_NEAR = {
    "concord": re.compile(r"(NEAR|BEFORE)/(\d{1,4})"),
    "patentscope": re.compile(r"(NEAR|BEFORE)/?(\d{1,4})?"),
}
_SLASHED = re.compile(r"([A-Z]{2,3}_[A-Z]{2,6}|[A-Z]{2,10}(?:_EX)?)/(?=\S)")
_BOOST = re.compile(r"\^(\d{1,3}(?:\.\d{1,3})?)(?=[\s)]|$)")
_SLOP = re.compile(r"~(\d{1,3})")
_FUZZY = re.compile(r"(?<=[^\\])~([0-2]?)$")
OPERATORS = frozenset({"AND", "OR", "NOT", "XOR", "ANDNOT"})


@dataclass(frozen=True, slots=True)
class Piece:
    """A token with what was typed."""

    kind: str
    position: int
    length: int
    text: str = ""
    typed: Typed | None = None
    alias: Alias | None = None
    limits: tuple[str | None, str | None, bool, bool] = (None, None, True, True)
    number: float = 0


def read(text: str, reader: Reader) -> Node:
    """The tree; faults are left in `reader`. Raises QueryError where no tree can be made."""
    pieces = _pieces(text, reader)
    if not pieces or (len(pieces) == 1 and pieces[0].text in ("*", "*:*")):
        return Everything()
    tree = grow("lucene", pieces, text)
    return _Builder(pieces, reader).whole(tree)


# --------------------------------------------------------------------------------------------------------------- tokens


def _pieces(text: str, reader: Reader) -> list[Piece]:
    found: list[Piece] = []
    position, end = 0, len(text.rstrip())
    near = _NEAR[reader.dialect.name]
    while position < end:
        if found and _adjoins(found[-1], position):
            boost = _BOOST.match(text, position)
            if boost and found[-1].kind in ("WORD", "PHRASE", "CLOSE", "SPAN"):
                found.append(_boost(boost, position, reader))
                position = boost.end()
                continue
        exactly = bool(found) and found[-1].kind == "FIELD" and text[position] == "=" and _adjoins(found[-1], position)
        match = _TOKEN.match(text, position + exactly)
        if match is None:
            raise QueryError(
                say("query.unreadable", character=position + 1, text=text[position : position + 20]),
                position=position,
            )
        kind = next(name for name in _KINDS if match[name] is not None)
        start = match.start(kind)
        after_field = bool(found) and found[-1].kind == "FIELD" and _adjoins(found[-1], start)
        position = match.end()
        if kind in ("minus", "plus") and after_field:
            kind, position = "word", _word_end(text, start)
        if kind == "quote":
            piece, position = _phrase(text, start)
            found.append(piece)
        elif kind == "plus":
            continue
        elif kind == "minus":
            found.append(Piece("NOT", start, 1, "-"))
        elif kind in ("open", "close"):
            found.append(Piece(kind.upper(), start, 1, match[kind]))
        elif kind == "in":
            low, high = (_unquoted(match[name]) for name in ("low", "high"))
            limits = (_open(low), _open(high), match["in"] == "[", match["out"] == "]")
            found.append(Piece("SPAN", start, position - start, limits=limits))
        elif kind == "compare":
            including = match["compare"].endswith("=")
            above = match["compare"][0] == ">"
            bound = _unquoted(match["bound"])
            limits = (bound if above else None, None if above else bound, including, including)
            found.append(Piece("COMPARE", start, position - start, limits=limits))
        elif kind == "regex":
            reader.fault(say("query.regular-expression"), start, position - start)
            found.append(Piece("WORD", start, position - start, typed=Typed("x", start, 1)))
        elif kind == "field":
            found.append(_field(match["field"], start, len(match["field"]) + 1, reader))
        else:
            found.extend(_word(text, start, position, reader, near))
            position = found[-1].position + found[-1].length
        if exactly and (typed := found[-1].typed) is not None:
            found[-1] = replace(found[-1], typed=replace(typed, exactly=True))
    return found


def _adjoins(piece: Piece, position: int) -> bool:
    return piece.position + piece.length == position


_KINDS = ("open", "close", "minus", "plus", "field", "quote", "in", "compare", "regex", "word")


def _open(limit: str) -> str | None:
    return None if limit == "*" else limit


def _unquoted(text: str) -> str:
    return text.strip('"')


def _word_end(text: str, start: int) -> int:
    match = re.compile(r"[^\s()]+").match(text, start)
    return match.end() if match else start + 1


def _boost(match: re.Match[str], position: int, reader: Reader) -> Piece:
    weight = float(match[1])
    if not 0 < weight <= 100:
        reader.fault(say("query.weight", weight=match[1]), position, len(match[0]))
        weight = 1.0
    return Piece("BOOST", position, len(match[0]), match[0], number=weight)


def _phrase(text: str, start: int) -> tuple[Piece, int]:
    closing = _CLOSING[text[start]]
    position, letters = start + 1, []
    while position < len(text) and text[position] not in closing:
        if text[position] == "\\" and position + 1 < len(text):
            position += 1
        letters.append(text[position])
        position += 1
    if position >= len(text):
        raise QueryError(say("query.quotation-open", character=start + 1), position=start)
    position += 1
    slop = _SLOP.match(text, position)
    words = Typed("".join(letters), start + 1, position - start - 2, quoted=True, slop=int(slop[1]) if slop else 0)
    end = slop.end() if slop else position
    return Piece("PHRASE", start, end - start, typed=words), end


def _field(name: str, start: int, length: int, reader: Reader) -> Piece:
    if name == "exists":
        return Piece("FIELD", start, length, "exists")
    return Piece("FIELD", start, length, name, alias=reader.name(name, start))


def _word(text: str, start: int, end: int, reader: Reader, near: re.Pattern[str]) -> list[Piece]:
    raw = text[start:end]
    slashed = _SLASHED.match(raw) if reader.dialect.name == "patentscope" else None
    if slashed and reader.dialect.find(slashed[1]) is not None:
        return [_field(slashed[1], start, len(slashed[0]), reader)]
    name = raw.removesuffix(":")
    spaced = name != raw and re.fullmatch(r"[A-Za-z_.]+", name)
    if spaced and reader.dialect.find(name) is not None and text[end:].strip():
        return [_field(name, start, len(raw), reader)]
    if raw == "ANDNOT":
        return [Piece("NOT", start, len(raw), raw)]
    if raw in OPERATORS:
        return [Piece(raw, start, len(raw), raw)]
    if operator := near.fullmatch(raw):
        distance = int(operator[2]) if operator[2] else NEAR_DISTANCE
        return [Piece("NEAR", start, len(raw), operator[1], number=distance)]
    weight = re.search(r"(?<!\\)\^\d{1,3}(?:\.\d{1,3})?$", raw)
    if weight and weight.start():
        raw = raw[: weight.start()]
    fuzzy = _FUZZY.search(raw)
    letters = raw[: fuzzy.start()] if fuzzy else raw
    wild = re.search(r"(?<!\\)(?:\\\\)*[*?]", letters) is not None
    plain = letters if wild else re.sub(r"\\(.)", r"\1", letters)
    edits = (int(fuzzy[1]) if fuzzy[1] else 2 if len(plain) > 5 else 1) if fuzzy else 0
    typed = Typed(plain, start, len(raw), wildcard=wild, fuzzy=edits)
    return [Piece("WORD", start, len(raw), raw, typed=typed)]


# ----------------------------------------------------------------------------------------------------------------- tree


class _Builder:
    """lark's tree and the pieces as our tree; the field stands for everything below it."""

    def __init__(self, pieces: Sequence[Piece], reader: Reader) -> None:
        self.pieces = pieces
        self.reader = reader

    def whole(self, tree: Tree[Token]) -> Node:
        (top,) = tree.children
        node = self.node(top, ANYWHERE)
        return self._as_number(node)

    def piece(self, token: Token | Tree[Token]) -> Piece:
        assert isinstance(token, Token)
        assert token.start_pos is not None
        return self.pieces[token.start_pos]

    def node(self, tree: Token | Tree[Token], alias: Alias | None) -> Node:
        """`alias` is None below a field that there is not: its clauses say nothing."""
        assert isinstance(tree, Tree)
        parts = tree.children
        match tree.data:
            case "either":
                return joined(Some, [self.node(part, alias) for part in parts if isinstance(part, Tree)])
            case "odd":
                sides = [self.node(part, alias) for part in parts if isinstance(part, Tree)]
                left = sides[0]
                for right in sides[1:]:
                    left = Some((All((left, Without(right))), All((right, Without(left)))))
                return left
            case "every":
                members = [part for part in parts if isinstance(part, Tree)]
                return self._number(members, alias) or joined(All, [self.node(part, alias) for part in members])
            case "near":
                return self._near(parts, alias)
            case "without":
                return Without(self.node(parts[-1], alias))
            case "weighted":
                weight = self.piece(parts[1]).number
                return Weighted(self.node(parts[0], alias), weight)
            case "field":
                return self._fielded(self.piece(parts[0]), parts[1])
            case "group":
                return self.node(parts[1], alias)
        piece = self.piece(parts[0])
        if alias is None:
            return Everything()
        if tree.data in ("span", "compare"):
            low, high, *including = piece.limits
            return self.reader.ranged(alias, low, high, piece.position, piece.length, (including[0], including[1]))
        assert piece.typed is not None
        return self.reader.term(alias, piece.typed)

    def _near(self, parts: Sequence[Token | Tree[Token]], alias: Alias | None) -> Node:
        left = self.node(parts[0], alias)
        for operator, right in zip(parts[1::2], parts[2::2], strict=True):
            piece = self.piece(operator)
            ordered = piece.text == "BEFORE"
            other = self.node(right, alias)
            if self.reader.faults:
                return left
            left = self.reader.near(left, other, int(piece.number), ordered=ordered, position=piece.position)
        return left

    def _fielded(self, piece: Piece, inner: Token | Tree[Token]) -> Node:
        if piece.text == "exists":
            return self._exists(piece, inner)
        return self.node(inner, piece.alias)

    def _exists(self, piece: Piece, inner: Token | Tree[Token]) -> Node:
        named = self.piece(inner.children[0]) if isinstance(inner, Tree) and inner.data == "word" else None
        if named is None or named.typed is None:
            return self.reader.fault(say("query.exists"), piece.position, piece.length)
        alias = self.reader.name(named.typed.text, named.position)
        star = Typed("*", named.position, named.length, wildcard=True)
        return Everything() if alias is None else self.reader.term(alias, star)

    def _number(self, members: Sequence[Tree[Token]], alias: Alias | None) -> Node | None:
        """`number:(EP 1 234 567)`: one number, where the words make one."""
        if alias is None or not alias.fields or any(member.data != "word" for member in members):
            return None
        terms = [self.piece(member.children[0]).typed for member in members]
        return self.reader.number(alias, [term for term in terms if term is not None])

    def _as_number(self, node: Node) -> Node:
        """A whole query that is a number written in several words may mean the number too."""
        if not isinstance(node, All) or not 2 <= len(node.parts) <= 6:
            return node
        words = [part for part in node.parts if isinstance(part, Words)]
        if len(words) < len(node.parts) or any(w.field or w.phrase or w.wildcard or w.fuzzy for w in words):
            return node
        text = " ".join(word.text for word in words)
        if sum(map(str.isdigit, text)) < 3 or not number_candidates(text):
            return node
        first, last = words[0], words[-1]
        length = last.position + last.length - first.position
        return Some((node, Words(text, "number", position=first.position, length=length)))
