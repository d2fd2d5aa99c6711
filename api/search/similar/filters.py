"""Which records are looked at: the same filters for every kind of likeness."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.search.facets import facet_fields
from api.search.similar.tables import related_classes
from common.errors import QueryError
from common.messages import say

Query = dict[str, Any]
Strings = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)]

GONE = ["inactive", "terminated"]


class Narrowed(BaseModel):
    """Filters, size and place in the list."""

    model_config = ConfigDict(extra="forbid")

    offices: Strings = []
    """ST.3 codes: of the record's office, or designated by it."""
    status: Literal["any", "live", "dead"] = "any"
    """live: not known to have ended. dead: known to have ended."""
    filters: Annotated[dict[str, Strings], Field(max_length=20)] = {}
    """Facet name → values, any of which a record must have."""
    published_from: dt.date | None = None
    published_to: dt.date | None = None
    filed_from: dt.date | None = None
    filed_to: dt.date | None = None
    size: Annotated[int, Field(ge=1, le=200)] = 20
    offset: Annotated[int, Field(ge=0, le=1000)] = 0

    def clauses(self) -> list[Query]:
        """Plain queries; the engine guards them. Raises QueryError for an unknown facet."""
        found: list[Query] = []
        if self.offices:
            codes = [code.upper() for code in self.offices]
            either: list[Query] = [{"terms": {"office": codes}}, {"terms": {"designated": codes}}]
            found.append({"bool": {"should": either, "minimum_should_match": 1}})
        if self.status != "any":
            occurs = "must_not" if self.status == "live" else "filter"
            found.append({"bool": {occurs: [{"terms": {"status_state": GONE}}]}})
        found.extend(facet_fields().filter(name, values) for name, values in self.filters.items() if values)
        for field, first, last in (
            ("publication_date", self.published_from, self.published_to),
            ("filing_date", self.filed_from, self.filed_to),
        ):
            span = {"gte": first.isoformat() if first else None, "lte": last.isoformat() if last else None}
            span = {bound: day for bound, day in span.items() if day is not None}
            if span:
                found.append({"range": {field: span}})
        return found


def nice_symbols(given: list[str]) -> tuple[str, ...]:
    """Nice classes as the index writes them. Raises QueryError."""
    found = []
    for symbol in given:
        number = symbol.strip().lstrip("0")
        if not (number.isascii() and number.isdecimal() and 1 <= int(number) <= 45):
            raise QueryError(say("similar.no-nice-class", symbol=symbol))
        found.append(number)
    return tuple(dict.fromkeys(found))


def of_classes(wanted: tuple[str, ...], reach: Literal["same", "related", "all"]) -> Query | None:
    """Records of the wanted Nice classes, or of related ones too. Records without any class are never left out: what
    they are for is not known."""
    if not wanted or reach == "all":
        return None
    classes = dict.fromkeys(wanted)
    if reach == "related":
        for symbol in wanted:
            classes.update(dict.fromkeys(related_classes(symbol)))
    either: list[Query] = [
        {"terms": {"nice.symbol": list(classes)}},
        {"bool": {"must_not": [{"exists": {"field": "nice.symbol"}}]}},
    ]
    return {"bool": {"should": either, "minimum_should_match": 1}}
