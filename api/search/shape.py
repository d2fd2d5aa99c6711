"""What kind of query it was, without what was asked: for logs of slow searches.

`title:"solid state"~3 battery NOT published:>2020` has the shape `(title:phrase[2] AND word AND NOT published:range)`.
"""

from __future__ import annotations

from api.search.query import All, Everything, Near, Node, Present, Some, Span, Weighted, Without, Words, names


def shape(node: Node) -> str:
    """Operators, field names, and how many words; no word, no value."""
    match node:
        case Everything():
            return "*"
        case Words(text, field, phrase, _, wildcard):
            kind = f"phrase[{len(text.split())}]" if phrase else "wildcard" if wildcard else "word"
            kind += "~" if node.fuzzy or node.slop else ""
            return f"{_field(field)}{kind}"
        case Span(field):
            return f"{_field(field)}range"
        case Present(field):
            return f"{_field(field)}any"
        case Near(parts, distance, ordered):
            operator = f" {'BEFORE' if ordered else 'NEAR'}/{distance} "
            return f"({operator.join(map(shape, parts))})"
        case Weighted(part):
            return f"{shape(part)}^"
        case All(parts):
            return f"({' AND '.join(map(shape, parts))})"
        case Some(parts):
            return f"({' OR '.join(map(shape, parts))})"
        case Without(part):
            return f"NOT {shape(part)}"
    raise AssertionError(node)


def _field(name: str | None) -> str:
    """Only names of the language's own table: anything else was typed by somebody."""
    if name is None:
        return ""
    table = names()
    return f"{name}:" if name in table else "?:"
