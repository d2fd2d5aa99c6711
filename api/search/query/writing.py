"""The tree as a query again, in any dialect that can say it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import analyzers
from api.search.query.fields import Dialect, DialectName, dialect, names
from api.search.query.lucene import OPERATORS
from api.search.query.tree import (
    All,
    Everything,
    Near,
    Node,
    Present,
    Some,
    Span,
    Weighted,
    Without,
    Words,
    in_field,
)
from common.errors import ConcordError


class Unsayable(ConcordError):
    """A dialect has no way to say a part of the query."""


def write(node: Node, name: DialectName = "concord") -> str:
    """The query in a dialect: reading it gives the same tree. Raises Unsayable."""
    spoken = dialect(name)
    return _cql(node, spoken) if name == "espacenet" else _lucene(node, spoken)


def _field(node: Words | Span | Present, spoken: Dialect) -> str:
    language = None if isinstance(node, Span) else node.language
    exactly = isinstance(node, Words) and node.exactly
    assert node.field is not None
    return _named(node.field, language, exactly, spoken)


def _named(field: str, language: str | None, exactly: bool, spoken: Dialect) -> str:
    # Ours and Espacenet's say by another sign than the name that nothing below a class is meant.
    found = spoken.write(field, language, exactly and spoken.name == "patentscope")
    if found is None:
        shown = f"{field}.{language}" if language else field
        raise Unsayable(f"The dialect {spoken.name} has no field for {shown}.")
    return found


# --------------------------------------------------------------------------------------------------- ours, PATENTSCOPE


def _lucene(node: Node, spoken: Dialect) -> str:
    match node:
        case Everything():
            return "*"
        case Words(field=None):
            return _lucene_words(node)
        case Words() | Span() | Present():
            return f"{_field(node, spoken)}:{_lucene_value(node, spoken)}"
        case Near(parts, distance, ordered):
            field, language = in_field(node)
            word = "BEFORE" if ordered else "NEAR"
            operator = f" {word}/{distance} " if spoken.name == "concord" else f" {word}{distance} "
            inside = f"({operator.join(_near_part(part, spoken) for part in parts)})"
            return inside if field is None else f"{_named(field, language, False, spoken)}:{inside}"
        case Weighted(part, weight):
            return f"({_lucene(part, spoken)})^{weight:g}"
        case Without(part):
            return f"NOT {_lucene_part(part, spoken)}"
        case All(parts):
            return " AND ".join(_lucene_part(part, spoken) for part in parts)
        case Some(parts) if name := _choice(parts, spoken):
            return f"{name}:{_lucene_value(parts[0], spoken)}"
        case Some(parts):
            return " OR ".join(_lucene_part(part, spoken) for part in parts)


def _lucene_value(node: Node, spoken: Dialect) -> str:
    """What stands behind a field's name."""
    match node:
        case Words():
            return ("=" if node.exactly and spoken.name == "concord" else "") + _lucene_words(node)
        case Span():
            return _lucene_span(node, spoken)
    return "*"


def _choice(parts: tuple[Node, ...], spoken: Dialect) -> str | None:
    """The one name a dialect has for the same condition on several fields."""
    fields = tuple(part.field for part in parts if isinstance(part, (Words, Span, Present)) and part.field)
    if len(fields) != len(parts):
        return None
    alike = {replace(part, field="") for part in parts if isinstance(part, (Words, Span, Present))}
    return spoken.write_many(fields) if len(alike) == 1 else None


def _lucene_part(node: Node, spoken: Dialect) -> str:
    text = _lucene(node, spoken)
    return f"({text})" if isinstance(node, (All, Some)) else text


def _near_part(node: Node, spoken: Dialect) -> str:
    """A side of NEAR; the field stands before the whole."""
    match node:
        case Words():
            return _lucene_words(node)
        case Some(parts):
            return f"({' OR '.join(_near_part(part, spoken) for part in parts)})"
        case Near(parts, distance, ordered):
            word = "BEFORE" if ordered else "NEAR"
            operator = f" {word}/{distance} " if spoken.name == "concord" else f" {word}{distance} "
            return f"({operator.join(_near_part(part, spoken) for part in parts)})"
    raise AssertionError(node)


def _lucene_words(node: Words) -> str:
    if node.phrase:
        return f'"{_escaped(node.text, chr(92) + chr(34))}"' + (f"~{node.slop}" if node.slop else "")
    if node.field is not None and node.field not in names().text and not node.wildcard and " " in node.text:
        return f'"{_escaped(node.text, chr(92) + chr(34))}"'
    # In a wildcard, signs that are letters have a backslash already.
    letters = re.findall(r"\\.|.", node.text, re.DOTALL) if node.wildcard else list(node.text)
    signs = _SIGNS.difference("*?\\") if node.wildcard else _SIGNS
    text = "".join("\\" + letter if letter in signs or letter.isspace() else letter for letter in letters)
    if text[:1] in "-+[{<>=/" or text in OPERATORS or _NEAR.fullmatch(text):
        text = "\\" + text
    text = re.sub(r"^([A-Z_]{2,})/", r"\1\\/", text)
    return text + (f"~{node.fuzzy}" if node.fuzzy else "")


_SIGNS = frozenset('()"“”„«^~:*?\\')
_NEAR = re.compile(r"(?:NEAR|BEFORE)/?\d*")


def _escaped(text: str, signs: str) -> str:
    return "".join("\\" + letter if letter in signs else letter for letter in text)


def _lucene_span(node: Span, spoken: Dialect) -> str:
    def limit(text: str | None) -> str:
        return "*" if text is None else _date(text, spoken)

    low, high = ("[" if node.include_low else "{"), ("]" if node.include_high else "}")
    return f"{low}{limit(node.low)} TO {limit(node.high)}{high}"


def _date(text: str, spoken: Dialect) -> str:
    if spoken.name == "concord":
        return text
    if spoken.name == "espacenet":
        return text.replace("-", "")
    return ".".join(reversed(text.split("-")))


# ------------------------------------------------------------------------------------------------------------------ CQL

_CQL_PLAIN = re.compile(r"[\w.,;:&%+'’*#?-]+(?:/[\w.-]+)*")
_CQL_RESERVED = frozenset({"and", "or", "not", "all", "any", "exact", "within"})


def _cql(node: Node, spoken: Dialect, name: str | None = None) -> str:
    """`name` stands in the place of the node's own field."""
    match node:
        case Everything():
            return "cql.allRecords=1"
        case Words():
            return _cql_words(node, spoken, name)
        case Span():
            return _cql_span(node, spoken, name)
        case Present():
            return f"{name or _field(node, spoken)}=*"
        case Near(parts, distance, ordered):
            order = "/ordered" if ordered else ""
            operator = f" prox/distance<={distance + 1}{order} "
            return f"({operator.join(_cql_part(part, spoken) for part in parts)})"
        case Weighted():
            raise Unsayable("The dialect espacenet has no weights.")
        case Without(part):
            return f"cql.allRecords=1 not {_cql_part(part, spoken)}"
        case All(parts):
            first, *others = parts
            text = _cql_part(first, spoken) if not isinstance(first, Without) else _cql(first, spoken)
            for part in others:
                inner = part.part if isinstance(part, Without) else part
                text += f" {'not' if isinstance(part, Without) else 'and'} {_cql_part(inner, spoken)}"
            return text
        case Some(parts) if name := _choice(parts, spoken):
            return _cql(parts[0], spoken, name)
        case Some(parts):
            return " or ".join(_cql_part(part, spoken) for part in parts)


def _cql_part(node: Node, spoken: Dialect) -> str:
    text = _cql(node, spoken)
    return f"({text})" if isinstance(node, (All, Some, Without)) else text


def _cql_words(node: Words, spoken: Dialect, name: str | None) -> str:
    if node.language:
        raise Unsayable("The dialect espacenet does not tell languages apart.")
    if node.slop:
        raise Unsayable("The dialect espacenet says distances with prox, not of a phrase.")
    field = name or ("" if node.field is None else _field(node, spoken))
    of_text = node.field is None or node.field in names().text
    exact = node.exactly or (node.phrase and of_text and len(node.text.split()) == 1)
    fuzzy = f"/fuzzy={node.fuzzy}" if node.fuzzy else ""
    if not field and (exact or fuzzy):
        raise Unsayable("The dialect espacenet says == and /fuzzy of a field only.")
    if fuzzy and len(node.text.split()) > 1:
        raise Unsayable("The dialect espacenet has no inexact phrases.")
    if node.wildcard:
        text = "".join(_cql_letter(part) for part in re.findall(r"\\.|.", node.text, re.DOTALL))
    else:
        text = re.sub(r'[\\"*?#]', lambda match: "\\" + match[0], node.text)
    suffixed = re.search(r"/(?:low|exact)$", text, re.IGNORECASE)
    if suffixed:
        raise Unsayable("The dialect espacenet takes /low and /exact at the end of a term for its own.")
    plain = _CQL_PLAIN.fullmatch(text) and text.lower() not in _CQL_RESERVED and not text.lower().startswith("prox")
    value = text if plain else f'"{text}"'
    return f"{field}{'==' if exact else '=' if field else ''}{fuzzy}{' ' if fuzzy else ''}{value}"


def _cql_letter(part: str) -> str:
    return {"?": "#", "#": "\\#", '"': '\\"'}.get(part, part)


def _cql_span(node: Span, spoken: Dialect, name: str | None) -> str:
    field = name or _field(node, spoken)
    low, high = node.low, node.high
    if low is not None and low == high and node.include_low and node.include_high:
        return f"{field}={_date(low, spoken)}"
    if low is not None and high is not None:
        if not (node.include_low and node.include_high):
            raise Unsayable("The dialect espacenet says ranges with both ends included.")
        return f'{field} within "{_date(low, spoken)} {_date(high, spoken)}"'
    if low is not None:
        return f"{field}>{'=' if node.include_low else ''}{_date(low, spoken)}"
    if high is not None:
        return f"{field}<{'=' if node.include_high else ''}{_date(high, spoken)}"
    raise Unsayable("The dialect espacenet has no range without an end.")


# ------------------------------------------------------------------------------------------------------ in plain words


def tell(node: Node) -> str:
    """What a query asks for, as a person would say it."""
    text = _told(node)
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class _Several:
    """Plain words in the same field, told in one breath."""

    words: tuple[Words, ...]
    joined: str


def _merged(parts: tuple[Node, ...], word: str) -> list[Node | _Several]:
    found: list[Node | _Several] = []
    for part in parts:
        last = found[-1] if found else None
        plain = isinstance(part, Words) and part == Words(part.text, part.field, language=part.language)
        if not (plain and isinstance(part, Words) and (part.field is None or part.field in names().text)):
            found.append(part)
        elif isinstance(last, _Several) and in_field(last.words[0]) == in_field(part):
            found[-1] = _Several((*last.words, part), word)
        else:
            found.append(_Several((part,), word))
    return found


def _told(node: Node | _Several) -> str:
    match node:
        case Everything():
            return "everything"
        case _Several(several, word):
            return _where(*in_field(several[0])).format(word.join(f"“{each.text}”" for each in several))
        case Words():
            return _told_words(node)
        case Span():
            said = names().said[node.field]
            return said.format(_told_dates(node))
        case Present():
            tongue = f" in {_language(node.language)}" if node.language else ""
            return f"has {_thing(node.field)}{tongue}"
        case Near(parts, distance, ordered):
            field, language = in_field(node)
            order = "in this order" if ordered else "in any order"
            words = ", ".join(_told_near(part) for part in parts)
            gap = "side by side" if distance == 0 else f"with at most {distance} words between them"
            return _where(field, language).format(f"{words} {gap}, {order}")
        case Weighted(part, weight):
            return f"{_grouped(part)} (counted {weight:g} times)"
        case Without(part):
            return f"not {_grouped(part)}"
        case All(parts):
            wanted = [_grouped(part) for part in _merged(parts, " and ") if not isinstance(part, Without)]
            unwanted = [_grouped(part.part) for part in parts if isinstance(part, Without)]
            text = ", and ".join(wanted)
            return text + "".join(
                f"{', but' if text or number else 'but'} not {p}" for number, p in enumerate(unwanted)
            )
        case Some(parts):
            return ", or ".join(_grouped(part) for part in _merged(parts, " or "))


def _grouped(node: Node | _Several) -> str:
    text = _told(node)
    several = isinstance(node, (All, Some)) and len(_merged(node.parts, "")) > 1
    return f"({text})" if several else text


def _where(field: str | None, language: str | None) -> str:
    said = "any text contains {}" if field is None else names().said[field]
    return f"{said} in {_language(language)}" if language else said


def _thing(field: str) -> str:
    """A field by itself: the words of its sentence before the verb."""
    said = names().said[field].replace("{}", "").strip()
    return "a value of " + field if not said else f"a value for “{said}”"


def _told_words(node: Words) -> str:
    table = names()
    shown = f"“{node.text}”"
    if node.field in table.classes:
        below = "" if node.exactly or node.wildcard else " or below"
        return table.said[node.field].format(f"{node.text}{below}")
    if node.field is not None and node.field not in table.text:
        said = table.said[node.field].format(node.text)
        return f"{said} (* any letters, ? one letter)" if node.wildcard else said
    if node.wildcard:
        shown = f"words like {shown}"
    elif node.fuzzy:
        shown = f"{shown} with up to {node.fuzzy} other letter{'s' if node.fuzzy > 1 else ''}"
    elif node.phrase and node.slop:
        shown = f"the words of {shown} with at most {node.slop} others between them"
    elif node.phrase:
        shown = f"exactly {shown}"
    return _where(node.field, node.language).format(shown)


def _told_near(node: Node) -> str:
    match node:
        case Words(text):
            return f"“{text}”"
        case Some(parts):
            return " or ".join(_told_near(part) for part in parts)
        case Near(parts, distance):
            return f"({', '.join(_told_near(part) for part in parts)} within {distance})"
    raise AssertionError(node)


def _told_dates(node: Span) -> str:
    low, high = node.low, node.high
    if low is None and high is None:
        return "on any day"
    if low is None:
        assert high is not None
        return f"{'until the end of' if node.include_high else 'before'} {high}"
    if high is None:
        return f"{'from' if node.include_low else 'after'} {low} on"
    if low == high and node.include_low and node.include_high:
        return low
    open_ends = "" if node.include_low and node.include_high else ", ends not included"
    return f"{low}–{high}{open_ends}"


def _language(code: str | None) -> str:
    return next((language.name for language in analyzers.languages() if language.code == code), code or "")
