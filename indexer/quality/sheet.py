"""A table of a report, in the three shapes in which reports leave: JSON, CSV and ready for a page."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would run a cell that begins so."""


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    label: str
    kind: str = "text"
    """text, number, share (0 to 1), date, time, flag, list: how a page aligns and writes it."""


@dataclass(frozen=True, slots=True)
class Sheet:
    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]

    def json(self) -> list[dict[str, Any]]:
        """Rows by column key; dates as ISO 8601."""
        return [{column.key: _plain(row.get(column.key)) for column in self.columns} for row in self.rows]

    def csv(self) -> str:
        """RFC 4180 with a line of keys. Text that a spreadsheet would take for a formula gets an apostrophe."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([column.key for column in self.columns])
        for row in self.rows:
            writer.writerow([_cell(row.get(column.key)) for column in self.columns])
        return out.getvalue()

    def page(self) -> dict[str, Any]:
        """What a template needs to draw the table without knowing what it is about."""
        return {
            "name": self.name,
            "title": self.title,
            "columns": [{"key": c.key, "label": c.label, "kind": c.kind} for c in self.columns],
            "rows": [[_plain(row.get(column.key)) for column in self.columns] for row in self.rows],
        }


def as_json(sheets: Sequence[Sheet]) -> dict[str, Any]:
    return {sheet.name: sheet.json() for sheet in sheets}


def as_page(sheets: Sequence[Sheet]) -> dict[str, Any]:
    return {"sections": [sheet.page() for sheet in sheets]}


def _plain(value: Any) -> Any:
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


def _cell(value: Any) -> Any:
    value = _plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        value = " ".join(f"{key}:{_cell(inner)}" for key, inner in value.items())
    elif isinstance(value, list):
        value = "; ".join(str(_cell(inner)) for inner in value)
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
