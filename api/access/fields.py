"""Field groups: which field of the index, and which part of a record, a caller needs which grant for."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from api.access.model import Group


@dataclass(frozen=True, slots=True)
class FieldTable:
    index: dict[str, Group]
    record: dict[str, Group]
    texts: dict[str, Group]
    dates: dict[str, Group]
    personal: frozenset[str]

    def group_of(self, field: str) -> Group | None:
        """Group of an index field or pattern such as `claims.en` or `title.*`; None for a field nobody may use."""
        return self.index.get(_root(field))


@lru_cache(maxsize=8192)
def _root(field: str) -> str:
    return field.partition(".")[0].partition("^")[0]


@lru_cache(maxsize=1)
def fields() -> FieldTable:
    table: dict[str, Any] = tomllib.loads((Path(__file__).parent / "fields.toml").read_text("utf-8"))

    def by_name(section: str) -> dict[str, Group]:
        return {name: Group(group) for group, names in table[section].items() for name in names}

    return FieldTable(
        by_name("index"), by_name("record"), by_name("texts"), by_name("dates"), frozenset(table["personal"])
    )
