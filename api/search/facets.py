"""Facets and orders by name: what the API calls them and which field of the index each stands for."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from common.errors import QueryError


@dataclass(frozen=True, slots=True)
class FacetTable:
    terms: dict[str, str]
    years: dict[str, str]
    sorts: dict[str, str]
    groups: dict[str, str]

    def is_year(self, name: str) -> bool:
        return name in self.years

    def field(self, name: str) -> str:
        """Index field of a facet; raises QueryError for an unknown name."""
        found = self.terms.get(name) or self.years.get(name) or self.groups.get(name)
        if found is None:
            raise QueryError(
                f"There is no facet {name!r}.", remedy=f"Facets: {', '.join(sorted({*self.terms, *self.years}))}."
            )
        return found

    def sort(self, name: str) -> str:
        found = self.sorts.get(name)
        if found is None:
            raise QueryError(
                f"Results cannot be sorted by {name!r}.", remedy=f"Orders: relevance, {', '.join(sorted(self.sorts))}."
            )
        return found

    def filter(self, name: str, values: list[str]) -> dict[str, Any]:
        """Records that have one of the values. Years are calendar years of the field's date."""
        field = self.field(name)
        if not self.is_year(name):
            return {"terms": {field: values}}
        spans: list[dict[str, Any]] = []
        for value in values:
            if not (value.isdigit() and len(value) == 4 and value != "0000"):
                raise QueryError(f"{value!r} is not a year.", remedy="Write four digits, e.g. 2021.")
            spans.append({"range": {field: {"gte": f"{value}-01-01", "lte": f"{value}-12-31"}}})
        return spans[0] if len(spans) == 1 else {"bool": {"should": spans, "minimum_should_match": 1}}


@lru_cache(maxsize=1)
def facet_fields() -> FacetTable:
    table: dict[str, Any] = tomllib.loads((Path(__file__).parent / "facets.toml").read_text("utf-8"))
    return FacetTable(table["terms"], table["years"], table["sort"], table["groups"])
