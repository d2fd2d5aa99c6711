"""From the tree to OpenSearch's query.

Nothing here knows who asks; the engine's guard narrows every clause to what the caller may read. Each clause carries a
`_name`, from which each hit's `why` is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import analyzers
from api.search.query.clauses import days
from api.search.query.fields import names
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
    leaves,
)
from indexer.harmonise.classifications import normalise
from indexer.harmonise.names import read_name
from indexer.harmonise.numbers import number_candidates, number_readings

Query = dict[str, Any]

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
        case Present():
            return _present(node)
        case Near():
            return _near(node, target)
        case Weighted(part, weight):
            return {"bool": {"must": [to_query(part, target)], "boost": weight}}
        case All(parts):
            parts = _without_legal_forms(parts)
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
        found = _text(node, target, label)
        if node.field is None and any(character.isdigit() for character in node.text) and not node.wildcard:
            forms = _forms(node.text, target.number_forms)
            if forms:
                number = _number("number", node.text, forms, f"number:{node.text}")
                return {"bool": {"should": [found, number], "minimum_should_match": 1}}
        return found
    if node.field in table.number:
        if node.wildcard:
            return _pattern(table.number[node.field], node.text.upper(), label)
        forms = _forms(node.text, target.number_forms)
        return _number(table.number[node.field], node.text, forms or [node.text], label)
    if node.field in table.classes:
        return _class(node, table.classes[node.field], label)
    if node.wildcard:
        return _pattern(table.exact[node.field], node.text, label)
    return {"terms": {table.exact[node.field]: _spellings(node.text), "_name": label}}


PARTIES = frozenset({"applicant", "inventor", "owner", "representative", "designer", "author", "party", "name"})


def _without_legal_forms(parts: tuple[Node, ...]) -> tuple[Node, ...]:
    """`applicant:(ООО Яндекс)`: the legal form, which each office writes in its own way, decides nothing beside a
    name."""
    kept = tuple(
        part for part in parts if not (isinstance(part, Words) and part.field in PARTIES and _is_legal_form(part.text))
    )
    return kept if any(not isinstance(part, Without) for part in kept) else parts


def _is_legal_form(text: str) -> bool:
    name = read_name(f"Zz {text}")
    return name.legal_form is not None and name.canonical == "ZZ"


OWN_NUMBERS = frozenset({"number", "publication_number"})


def _number(field: str, text: str, forms: list[str], label: str) -> Query:
    """Records with the number; with a kind code written, of that kind: in Japan, for one, an A and a B of the same
    number are two inventions."""
    boost = {"boost": 20} if field == "number" else {}
    kind = next((reading.kind for reading in number_readings(text)), None)
    if kind is None or field not in OWN_NUMBERS:
        return {"terms": {field: forms, **boost, "_name": label}}
    kinds = [kind] if len(kind) > 1 else [kind, *(f"{kind}{digit}" for digit in range(1, 10))]
    of_kind: Query = {"bool": {"must": [{"terms": {field: forms, **boost}}], "filter": [{"terms": {"kind": kinds}}]}}
    if field != "number":
        return {"bool": {**of_kind["bool"], "_name": label}}
    # Where only existence may be known, the exact number with its kind is all that can be asked for.
    whole: Query = {"terms": {field: [form + code for form in forms for code in kinds], **boost}}
    return {"bool": {"should": [whole, of_kind], "minimum_should_match": 1, "_name": label}}


def _fields(node: Words, target: Target, *, exact: bool) -> list[str]:
    """`title.*^4` as one field a language. Phrases, wildcards and inexact words look at the unstemmed twin."""
    table = names()
    fields = table.default if node.field is None else table.text[node.field]
    languages = [code for code in target.languages if node.language in (None, code)]
    found: list[str] = []
    for field in fields:
        name, caret, weight = field.partition("^")
        if name.endswith(".*"):
            tail = ".exact" if exact else ""
            found.extend(f"{name[:-1]}{code}{tail}{caret}{weight}" for code in languages)
        elif node.language is None:
            found.append(field)
    return found


def _text(node: Words, target: Target, label: str) -> Query:
    fields = _fields(node, target, exact=node.phrase or node.wildcard or bool(node.fuzzy))
    if not fields:
        return {"match_none": {}}
    if node.wildcard:
        parts = re.findall(r"\\.|.", node.text.lower(), re.DOTALL)
        query = "".join(part if part in "*?" else re.sub(r"([^\w])", r"\\\1", part[-1]) for part in parts)
        return {"query_string": {"query": query, "fields": fields, "analyze_wildcard": True, "_name": label}}
    if node.phrase and node.slop:
        rule = {"match": {"query": node.text, "max_gaps": node.slop, "ordered": False}}
        return _intervals(fields, rule, label)
    body: Query = {"query": node.text, "fields": fields, "lenient": True, "_name": label}
    if node.fuzzy:
        # The first letter stays: without that, every term of the field would have to be looked at.
        return {"multi_match": {**body, "operator": "and", "fuzziness": node.fuzzy, "prefix_length": 1}}
    if node.phrase:
        return {"multi_match": {**body, "type": "phrase"}}
    return {"multi_match": {**body, "type": "best_fields", "operator": "and"}}


def _near(node: Near, target: Target) -> Query:
    field, language = in_field(node)
    fields = _fields(Words("", field, language=language), target, exact=True)
    label = f"{field or ''}:{' '.join(leaf.text for leaf in _words_of(node))}"
    return _intervals(fields, _rule(node), label) if fields else {"match_none": {}}


def _words_of(node: Node) -> list[Words]:
    return [leaf for leaf in leaves(node) if isinstance(leaf, Words)]


def _rule(node: Node) -> Query:
    """Of an intervals query: where in a text the node stands."""
    match node:
        case Near(parts, distance, ordered):
            return {"all_of": {"intervals": [_rule(p) for p in parts], "max_gaps": distance, "ordered": ordered}}
        case Some(parts):
            return {"any_of": {"intervals": [_rule(part) for part in parts]}}
        case Words(text, slop=slop):
            return {"match": {"query": text, "max_gaps": slop, "ordered": not slop}}
    raise AssertionError(node)


def _intervals(fields: Sequence[str], rule: Query, label: str) -> Query:
    """One intervals query a field, the best of which counts."""
    queries: list[Query] = []
    for field in fields:
        name, _, weight = field.partition("^")
        queries.append({"intervals": {name: {**rule, **({"boost": float(weight)} if weight else {}), "_name": label}}})
    return queries[0] if len(queries) == 1 else {"dis_max": {"queries": queries}}


def _present(node: Present) -> Query:
    table = names()
    label = f"{node.field}:*"
    if node.field not in table.text:
        held = {**table.exact, **table.number, **table.classes, **table.dates}[node.field]
        return {"exists": {"field": held, "_name": label}}
    found = dict.fromkeys(
        name.removesuffix(".*") + (f".{node.language}" if node.language else "")
        for name in (field.partition("^")[0] for field in table.text[node.field])
        if node.language is None or name.endswith(".*")
    )
    # Fields inside others (mark.phonetic, applicant.name.latin) stand where the outer one stands.
    outer = [name for name in found if not any(name.startswith(f"{other}.") for other in found)]
    clauses: list[Query] = [{"exists": {"field": name, "_name": label}} for name in outer]
    return clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses, "minimum_should_match": 1}}


def _forms(text: str, number_forms: NumberForms) -> list[str]:
    return sorted({form for form in number_forms(text) if form})


def _spellings(text: str) -> list[str]:
    return sorted({text, text.upper(), text.lower()})


def _class(node: Words, field: str, label: str) -> Query:
    symbol = " ".join(node.text.upper().split())
    if node.exactly:
        field = field.replace(".any", ".symbol")
    if node.wildcard:
        return _pattern(field, re.sub(r"([A-HY]\d{2}[A-Z])(?=\d)", r"\1 ", symbol), label)
    compact = re.fullmatch(r"([A-HY]\d{2}[A-Z])\s*0*(\d+)[/:](\d+)", symbol)
    symbol = f"{compact[1]} {compact[2]}/{compact[3]}" if compact else symbol
    # As deliveries write it: 26.1.6 is 26.01.06, LOC (13) Cl. 14-02 is 14-02. The edition finds no less: the symbol is
    # the same in all.
    read = normalise((node.field or "").upper(), node.text)
    return {"terms": {field: sorted({symbol, read.symbol} if read.valid else {symbol}), "_name": label}}


def _pattern(field: str, pattern: str, label: str) -> Query:
    """A wildcard query; of backslashes only those before its signs are left."""
    kept = re.sub(r"\\([^*?\\])", r"\1", pattern)
    return {"wildcard": {field: {"value": kept, "case_insensitive": True, "_name": label}}}


def _span(node: Span) -> Query:
    limits: dict[str, str] = {}
    if node.low is not None:
        first, last = days(node.low)
        limits["gte" if node.include_low else "gt"] = (first if node.include_low else last).isoformat()
    if node.high is not None:
        first, last = days(node.high)
        limits["lte" if node.include_high else "lt"] = (last if node.include_high else first).isoformat()
    name = f"{node.field}:{node.low or '*'} TO {node.high or '*'}"
    return {"range": {names().dates[node.field]: {**limits, "_name": name}}}


# ------------------------------------------------------------------------------------------------------ for vectors

RUNNING_TEXT = frozenset({"title", "abstract", "claims", "description", "goods", "product", "summary", "text", "front"})


def free_text(tree: Node) -> tuple[str, Node | None]:
    """(words without a field, for the embedder; the rest as a condition that a nearest neighbour must meet too).

    Only at the top of the tree is the rest a condition: in `battery OR ipc:H01M` neither part must be met. Phrases are
    conditions as well as words: who writes quotation marks means them.
    """
    parts = tree.parts if isinstance(tree, All) else (tree,)
    words: list[str] = []
    conditions: list[Node] = []
    for part in parts:
        while isinstance(part, Weighted):
            part = part.part
        match part:
            case Words(text, None, wildcard=False, language=None, fuzzy=0):
                words.append(text)
                if part.phrase:
                    conditions.append(part)
            case Words(text, field, wildcard=False) if field is None or field in RUNNING_TEXT:
                words.append(text)
                conditions.append(part)
            case Near() if in_field(part)[0] is None or in_field(part)[0] in RUNNING_TEXT:
                words.extend(leaf.text for leaf in _words_of(part))
                conditions.append(part)
            case Some(inner) if all(isinstance(i, Words) and i.field is None and not i.wildcard for i in inner):
                words.extend(i.text for i in inner if isinstance(i, Words))
            case Some((All(), Words(text, "number"))):
                # A query that may be a number as a whole.
                words.append(text)
            case Everything():
                pass
            case _:
                conditions.append(part)
    rest: Node | None = None
    if conditions:
        rest = conditions[0] if len(conditions) == 1 else All(tuple(conditions))
    return " ".join(words), rest
