"""The tree of a query: one for every dialect.

Fields are names of `api/search/fields.toml`, dates are written `2015`, `2015-03` or `2015-03-31`, whatever dialect the
query was typed in. Positions count characters of the typed query from 0 and take no part in comparing trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as part_of
from typing import Any


@dataclass(frozen=True, slots=True)
class Everything:
    """No condition: an empty query or `*`."""


@dataclass(frozen=True, slots=True)
class Words:
    """Words to be found in one field or, without one, wherever text stands."""

    text: str
    """Plain, but for a wildcard: there `*` and `?` are signs, and a backslash makes the next character plain."""
    field: str | None = None
    phrase: bool = False
    slop: int = 0
    """Of a phrase: how many other words may stand between its words, which then may come in any order."""
    wildcard: bool = False
    position: int = part_of(default=0, compare=False)
    language: str | None = None
    """ISO 639-1: only text in this language."""
    fuzzy: int = 0
    """Letters that may differ: 0 to 2."""
    exactly: bool = False
    """Of a class: the symbol itself, nothing below it."""
    length: int = part_of(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Span:
    """Values from `low` to `high`; None is open. Dates may be a year, a month or a day."""

    field: str
    low: str | None
    high: str | None
    include_low: bool = True
    include_high: bool = True
    position: int = part_of(default=0, compare=False)
    length: int = part_of(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Present:
    """Records that have the field at all."""

    field: str
    language: str | None = None
    position: int = part_of(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Near:
    """Its parts in one text, with at most `distance` other words between them. Parts are Words, choices of Words, or
    Near themselves, all in the same field and language."""

    parts: tuple[Node, ...]
    distance: int
    ordered: bool = False
    position: int = part_of(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Weighted:
    """Counts `weight` times in the order of results; finds what its part finds."""

    part: Node
    weight: float


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Some:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Without:
    part: Node


Node = Everything | Words | Span | Present | Near | Weighted | All | Some | Without
Leaf = Everything | Words | Span | Present


def parts_of(node: Node) -> tuple[Node, ...]:
    match node:
        case All(parts) | Some(parts) | Near(parts):
            return parts
        case Without(part) | Weighted(part):
            return (part,)
    return ()


def leaves(node: Node) -> Iterator[Leaf]:
    """Every clause, from the left."""
    if isinstance(node, Leaf):
        yield node
    for part in parts_of(node):
        yield from leaves(part)


def in_field(node: Node) -> tuple[str | None, str | None]:
    """Field and language of the first words in a Near or a choice of words."""
    found = next(leaf for leaf in leaves(node) if isinstance(leaf, Words))
    return found.field, found.language


def as_json(node: Node) -> dict[str, Any]:
    """The tree as the API shows it: `type` in lower case, and what differs from the default."""
    kind = {"type": type(node).__name__.lower()}
    match node:
        case Words():
            plain = Words(node.text, node.field)
            given = {
                name: getattr(node, name)
                for name in ("phrase", "slop", "wildcard", "language", "fuzzy", "exactly")
                if getattr(node, name) != getattr(plain, name)
            }
            place = {"position": node.position, "length": node.length}
            return {**kind, "text": node.text, "field": node.field, **given, **place}
        case Span():
            limits = {"from": node.low, "to": node.high, "including": [node.include_low, node.include_high]}
            return {**kind, "field": node.field, **limits, "position": node.position, "length": node.length}
        case Present():
            tongue = {"language": node.language} if node.language else {}
            return {**kind, "field": node.field, **tongue, "position": node.position}
        case Near():
            shape = {"distance": node.distance, "ordered": node.ordered, "position": node.position}
            return {**kind, **shape, "parts": [as_json(part) for part in node.parts]}
        case Weighted():
            return {**kind, "weight": node.weight, "part": as_json(node.part)}
        case All(parts) | Some(parts):
            return {**kind, "parts": [as_json(part) for part in parts]}
        case Without(part):
            return {**kind, "part": as_json(part)}
    return kind


def joined(kind: type[All] | type[Some], parts: list[Node]) -> Node:
    """One part by itself, or several in a node. `Everything` beside others in an All says nothing."""
    if kind is All and len(parts) > 1:
        parts = [part for part in parts if not isinstance(part, Everything)] or [Everything()]
    return parts[0] if len(parts) == 1 else kind(tuple(parts))
