"""The code lists and categories of ST.96 V6, from codes.toml."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).with_name("codes.toml")


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    categories = content.pop("category")
    return {name: frozenset(codes.split()) for name, codes in content.items()} | {
        name: frozenset(values) for name, values in categories.items()
    }


@lru_cache(maxsize=64)
def _folded(name: str) -> dict[str, str]:
    return {_fold(value): value for value in sorted(_lists()[name])}


def _fold(value: str) -> str:
    return "".join(c for c in value.casefold() if c.isalnum())


def code(name: str, value: str | None) -> str | None:
    """`value` if ST.96 lists it under `name` (office, country, language), else None."""
    return value if value in _lists()[name] else None


def category(name: str, value: str | None) -> str | None:
    """The member of category `name` that is written `value`, exactly; None where there is none."""
    return value if value in _lists()[name] else None


def nearest(name: str, value: str | None) -> str | None:
    """As `category`, whatever the case, blanks and hyphens: `three-dimensional` is `Three dimensional`."""
    return _folded(name).get(_fold(value)) if value else None
