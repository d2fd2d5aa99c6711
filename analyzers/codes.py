"""The languages the platform analyses, and which one a language tag means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from analyzers.analysis import PREFIX
from analyzers.table import table

PCT_LANGUAGES: tuple[str, ...] = ("ar", "zh", "en", "fr", "de", "ja", "ko", "pt", "ru", "es")
"""Languages of publication under PCT Rule 48.3(a)."""

OTHER = "xx"
"""The code under which texts in every other language are kept."""


@dataclass(frozen=True, slots=True)
class Language:
    """A row of the table. Analyzers are names in `settings()`; the exact ones serve phrases, wildcards, highlights."""

    code: str
    name: str
    own_name: str
    scripts: tuple[str, ...]
    aliases: tuple[str, ...]
    analyzer: str
    exact_analyzer: str


@cache
def languages() -> tuple[Language, ...]:
    """Every language, the PCT publication languages first, `xx` (any other) last."""
    return tuple(
        Language(
            code=code,
            name=entry.name,
            own_name=entry.own_name,
            scripts=entry.scripts,
            aliases=entry.aliases,
            analyzer=PREFIX + code,
            exact_analyzer=PREFIX + entry.exact,
        )
        for code, entry in table().languages.items()
    )


def language(tag: str) -> Language:
    """The row for a tag: ISO 639-1 or 639-2, BCP 47 (`zh-Hant-TW`), any case; `xx` for what the table has not."""
    wanted = tag.strip().lower().replace("_", "-")
    rows = _by_tag()
    return rows.get(wanted) or rows.get(wanted.partition("-")[0]) or rows[OTHER]


@cache
def _by_tag() -> dict[str, Language]:
    return {tag: row for row in languages() for tag in (row.code, *row.aliases)}
