"""From tokens to lark's tree, with errors that say where and what to do: the same for every dialect."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from lark import Lark, Token, Tree, UnexpectedToken

from common.errors import QueryError
from common.messages import say

MAX_CLAUSES = 200
MAX_DEPTH = 20


class Piece(Protocol):
    """A token as a dialect's reader makes it. `kind` is its name in the grammar."""

    @property
    def kind(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def text(self) -> str: ...


PREFIXES = frozenset({"NOT", "FIELD"})
TERMS = frozenset({"WORD", "PHRASE", "SPAN", "COMPARE", "TERM", "STRING"})


@lru_cache(maxsize=2)
def _grammar(name: str) -> Lark:
    return Lark((Path(__file__).parent / f"{name}.lark").read_text("utf-8"), parser="lalr", lexer="basic")


def grow(grammar: str, pieces: Sequence[Piece], text: str) -> Tree[Token]:
    """The tree of a query's tokens; each Token's `start_pos` is the place of its piece. Raises QueryError."""
    _check(pieces)
    parser = _grammar(grammar).parse_interactive("")
    for place, piece in enumerate(pieces):
        try:
            parser.feed_token(Token(piece.kind, piece.text, start_pos=place))
        except UnexpectedToken as error:
            typed = text[piece.position : piece.position + piece.length]
            raise QueryError(
                say("query.term-expected", text=typed, character=piece.position + 1),
                position=piece.position,
                length=piece.length,
            ) from error
    try:
        tree: Tree[Token] = parser.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedToken as error:
        raise QueryError(say("query.term-expected-at-end"), position=len(text.rstrip())) from error
    return tree


def _check(pieces: Sequence[Piece]) -> None:
    """Brackets have partners, and nothing is nested too deep or too much to be worked through."""
    opened: list[Piece] = []
    prefixes = 0
    for piece in pieces:
        prefixes = prefixes + 1 if piece.kind in PREFIXES else 0
        if piece.kind == "OPEN":
            opened.append(piece)
        elif piece.kind == "CLOSE":
            if not opened:
                raise QueryError(say("query.bracket-closed", character=piece.position + 1), position=piece.position)
            opened.pop()
        if len(opened) + prefixes > MAX_DEPTH:
            raise QueryError(say("query.too-deep", most=MAX_DEPTH), position=piece.position, length=piece.length)
    if opened:
        at = opened[-1].position
        raise QueryError(say("query.bracket-open", character=at + 1), position=at)
    terms = [piece for piece in pieces if piece.kind in TERMS]
    if len(terms) > MAX_CLAUSES:
        raise too_many(terms[MAX_CLAUSES].position)


def too_many(position: int) -> QueryError:
    return QueryError(say("query.too-many-terms", most=MAX_CLAUSES), position=position)
