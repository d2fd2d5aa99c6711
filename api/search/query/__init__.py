"""The query language: text → tree → OpenSearch query.

    text        battery AND title:"solid electrolyte" NOT applicant:acme published:[2019 TO 2021] ipc:H01M
    tree        All(Words("battery"), Words("solid electrolyte", "title", phrase=True), …)
    query       {"bool": {…}}

Three dialects (ours, PATENTSCOPE's, Espacenet's CQL) are read into one tree and written from it: `lucene`, `cql`,
`writing`. `compiling` makes the engine's query of a tree. The names of fields in each dialect stand in tables beside
this file; which fields of the index they mean, in `api/search/fields.toml`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from api.search.query import cql, lucene
from api.search.query.clauses import MAX_LENGTH, Reader, clean
from api.search.query.compiling import NumberForms, Query, Target, default_number_forms, free_text, target, to_query
from api.search.query.fields import DIALECTS, DialectName, FieldNames, dialect, names
from api.search.query.growing import MAX_CLAUSES, MAX_DEPTH, too_many
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
    as_json,
    leaves,
)
from api.search.query.writing import Unsayable, tell, write
from common.errors import QueryError
from common.messages import Message

__all__ = [
    "DIALECTS",
    "MAX_CLAUSES",
    "MAX_DEPTH",
    "MAX_LENGTH",
    "All",
    "DialectName",
    "Everything",
    "FieldNames",
    "Near",
    "Node",
    "NumberForms",
    "Present",
    "Query",
    "Reading",
    "Some",
    "Span",
    "Target",
    "Unsayable",
    "Weighted",
    "Without",
    "Words",
    "as_json",
    "compile",
    "default_number_forms",
    "dialect",
    "free_text",
    "leaves",
    "names",
    "parse",
    "read",
    "target",
    "tell",
    "to_query",
    "write",
]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was made of a query's text."""

    tree: Node | None
    """None where there are faults."""
    faults: tuple[QueryError, ...] = ()
    """In the order of their positions."""
    notes: tuple[Message, ...] = ()
    """What a field means here that somebody might not expect."""


def read(text: str, spoken: DialectName = "concord") -> Reading:
    """The tree of a query, or all that is wrong with it. Never raises QueryError."""
    reader = Reader(dialect(spoken))
    try:
        text = clean(text)
        tree = cql.read(text, reader) if spoken == "espacenet" else lucene.read(text, reader)
    except QueryError as fault:
        reader.faults.append(fault)
        tree = None
    if tree is not None and not reader.faults and sum(1 for _ in leaves(tree)) > MAX_CLAUSES:
        reader.faults.append(too_many(0))
    faults = sorted(reader.faults, key=lambda fault: fault.position or 0)
    return Reading(None if faults else tree, tuple(faults), tuple(reader.notes))


@lru_cache(maxsize=512)
def parse(text: str, spoken: DialectName = "concord") -> Node:
    """The tree of a query; kept, as one search asks for it several times. Raises QueryError, the first where there are
    several."""
    reading = read(text, spoken)
    if reading.tree is None:
        raise reading.faults[0]
    return reading.tree


def compile(
    text: str,
    *,
    number_forms: NumberForms | None = None,
    languages: Sequence[str] | None = None,
    spoken: DialectName = "concord",
) -> Query:
    """OpenSearch query of a query text."""
    return to_query(parse(text, spoken), target(languages, number_forms))
