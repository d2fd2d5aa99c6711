"""Facets and orders by name: what the API calls them and which field of the index each stands for."""

from __future__ import annotations

import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from common.errors import QueryError
from common.messages import say


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
            raise QueryError(say("query.facet-unknown", name=name, facets=sorted({*self.terms, *self.years})))
        return found

    def sort(self, name: str) -> str:
        found = self.sorts.get(name)
        if found is None:
            raise QueryError(say("query.order-unknown", name=name, orders=sorted(self.sorts)))
        return found

    def values_like(self, name: str, text: str) -> str:
        """Regular expression (Lucene's) of the values of a facet that contain a text, or begin with it where `^` stands
        before it; capitals and accents make no difference. Raises QueryError for a facet of years."""
        self.field(name)
        if self.is_year(name):
            raise QueryError(say("query.facet-of-years", name=name))
        begins = text.startswith("^")
        wanted = " ".join(text.removeprefix("^").split())
        for variants in (_variants, _cases):
            found = ("" if begins else ".*") + "".join(map(variants, wanted)) + ".*"
            if len(found) <= LONGEST_PATTERN:
                return found
        raise QueryError(say("query.facet-text-too-long"))

    def filter(self, name: str, values: list[str]) -> dict[str, Any]:
        """Records that have one of the values. Years are calendar years of the field's date."""
        field = self.field(name)
        if not self.is_year(name):
            return {"terms": {field: values}}
        spans: list[dict[str, Any]] = []
        for value in values:
            if not (value.isdigit() and len(value) == 4 and value != "0000"):
                raise QueryError(say("query.no-year", value=value))
            spans.append({"range": {field: {"gte": f"{value}-01-01", "lte": f"{value}-12-31"}}})
        return spans[0] if len(spans) == 1 else {"bool": {"should": spans, "minimum_should_match": 1}}


LONGEST_PATTERN = 1_000
"""Of what the engine takes for a regular expression (index.max_regex_length)."""


def _cases(letter: str) -> str:
    both = "".join(dict.fromkeys((letter.lower(), letter.upper())))
    if letter.isalnum():
        return letter if len(both) == 1 else f"[{both}]" if len(both) == 2 else letter
    return f"\\{letter}"


def _variants(letter: str) -> str:
    """The letter with and without accents, small and capital."""
    plain = unicodedata.normalize("NFD", letter)[0].lower()
    held = accented().get(plain)
    return f"[{held}]" if held else _cases(letter)


@lru_cache(maxsize=1)
def accented() -> dict[str, str]:
    """Plain letter → all its writings in Latin, Greek and Cyrillic."""
    found: dict[str, dict[str, None]] = {}
    for code in (*range(0x41, 0x250), *range(0x370, 0x530)):
        parts = unicodedata.normalize("NFD", chr(code))
        if parts[0].isalpha() and not unicodedata.combining(parts[0]):
            found.setdefault(parts[0].lower(), {})[chr(code)] = None
    return {plain: "".join(held) for plain, held in found.items() if len(held) > 1 and len(plain) == 1}


@lru_cache(maxsize=1)
def facet_fields() -> FacetTable:
    table: dict[str, Any] = tomllib.loads((Path(__file__).parent / "facets.toml").read_text("utf-8"))
    return FacetTable(table["terms"], table["years"], table["sort"], table["groups"])
