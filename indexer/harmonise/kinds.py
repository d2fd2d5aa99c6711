"""ST.16 kind codes: which code a delivery means, and what the code meant at that office in that year."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from indexer.harmonise.tables_reader import rows


@dataclass(frozen=True, slots=True)
class Kind:
    code: str
    group: str
    """`application`, `grant`, `utility-model` … as listed in `tables/kinds.tsv`."""
    level: int | None
    meaning: str
    known: bool
    """False where the office's own list lacks the code and only its letter is understood."""


@dataclass(frozen=True, slots=True)
class _Row:
    first: int | None
    last: int | None
    group: str
    level: int | None
    meaning: str


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, str], list[_Row]]:
    table: dict[tuple[str, str], list[_Row]] = {}
    for row in rows("kinds"):
        found = _Row(
            int(row["from"]) if row["from"] else None,
            int(row["to"]) if row["to"] else None,
            row["group"],
            int(row["level"]) if row["level"] else None,
            row["meaning"],
        )
        table.setdefault((row["office"], row["code"]), []).append(found)
    return table


@lru_cache(maxsize=1)
def _listed_offices() -> frozenset[str]:
    return frozenset(office for office, _ in _table())


@lru_cache(maxsize=1)
def _words() -> dict[tuple[str, str], str]:
    return {(row["office"], row["text"]): row["code"] for row in rows("kind_words")}


_CODE = re.compile(r"[A-Z]\d?")
_LONGER = re.compile(r"([A-Z])0?(\d)")
_IN_BRACKETS = re.compile(r"\(([A-Z]\d?)\)")


@lru_cache(maxsize=4096)
def kind_code(raw: str | None, office: str) -> str | None:
    """Kind code for a code or the office's words (`公開特許公報(A)` is A). None where neither; empty text is None."""
    if not raw:
        return None
    text = unicodedata.normalize("NFKC", raw).strip()
    upper = text.upper()
    if _CODE.fullmatch(upper):
        return upper
    word = _words().get((office, text)) or _words().get((office, upper))
    if word:
        return word
    if match := _IN_BRACKETS.search(upper):
        return match[1]
    if match := _LONGER.fullmatch(upper):
        return match[1] + match[2]
    return None


@lru_cache(maxsize=8192)
def kind_of(code: str, office: str, year: int | None = None) -> Kind | None:
    """Meaning of `code` at `office` in `year` (of publication); None where not even its letter is one of ST.16.

    Without a year the row that is open to the present is taken.
    """
    table = _table()
    listed = office in _listed_offices()
    for key, own in (
        ((office, code), True),
        ((office, code[0] + "*"), True),
        (("*", code), not listed or code[1:] in ("8", "9")),
    ):
        row = _in_year(table.get(key, []), year)
        if row:
            return Kind(code, row.group, row.level, row.meaning, own)
    row = _in_year(table.get(("*", code[0] + "*"), []), year)
    return Kind(code, row.group, row.level, row.meaning, not listed) if row else None


def _in_year(candidates: list[_Row], year: int | None) -> _Row | None:
    if year is None:
        return next((row for row in candidates if row.last is None), candidates[0] if candidates else None)
    inside = (r for r in candidates if (r.first is None or r.first <= year) and (r.last is None or year <= r.last))
    return next(inside, None)


_US_PREFIXES = {"RE": "E", "PP": "P", "D": "S", "H": "H", "T": "T", "AI": "I3"}


def kind_without_code(canonical: str, office: str, date: dt.date | None) -> str | None:
    """Kind of a US patent printed before 2 January 2001, when none was printed: DOCDB gives it A, and E, P, S, H
    by its prefix.
    """
    if office != "US" or date is None or date.year > 2000:
        return None
    prefix = re.match(r"US([A-Z]*)", canonical)
    return _US_PREFIXES.get(prefix[1], "A") if prefix else None
