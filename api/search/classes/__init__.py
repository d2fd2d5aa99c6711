"""Titles of classes in our own short words: sections, classes and many subclasses of the IPC (which the CPC shares),
Nice classes, Locarno classes. One file a scheme, one row a class, one column a language; an empty cell falls back to
English.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from api.search.expansion.words import folded

LANGUAGES = ("en", "ar", "zh", "fr", "de", "ja", "ko", "pt", "ru", "es")
SCHEMES = {"ipc": "ipc", "cpc": "ipc", "nice": "nice", "locarno": "locarno"}
"""Scheme → file of its titles."""


@dataclass(frozen=True, slots=True)
class Class:
    symbol: str
    titles: dict[str, str]
    """Language → title."""

    def title(self, language: str) -> str:
        return self.titles.get(language) or self.titles["en"]


@lru_cache(maxsize=8)
def classes(scheme: str) -> dict[str, Class]:
    """Symbol → class, of a scheme of SCHEMES."""
    path = Path(__file__).parent / f"{SCHEMES[scheme]}.tsv"
    with path.open(encoding="utf-8", newline="") as source:
        rows = csv.DictReader(source, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["symbol"]: Class(row["symbol"], {c: row[c] for c in LANGUAGES if row[c]}) for row in rows}


def title_of(scheme: str, symbol: str, language: str = "en") -> str | None:
    """Title of a class, or of the nearest class above it that has one; None where there is none."""
    if scheme not in SCHEMES:
        return None
    held = classes(scheme)
    for candidate in (symbol, symbol.partition(" ")[0], symbol.partition("-")[0], symbol[:3], symbol[:1]):
        if scheme == "nice" and candidate != symbol:
            break
        if (found := held.get(candidate)) is not None:
            return found.title(language)
    return None


@lru_cache(maxsize=1024)
def titled(scheme: str, text: str) -> tuple[str, ...]:
    """Symbols of the classes in whose title, in any language, each word of `text` begins a word (or stands anywhere,
    where a script writes without spaces)."""
    wanted = folded(text).split()
    if not wanted:
        return ()
    return tuple(
        symbol
        for symbol, entry in classes(scheme).items()
        if any(all(begins(word, folded(title)) for word in wanted) for title in entry.titles.values())
    )


def begins(word: str, text: str) -> bool:
    """Whether a folded word begins a word of a folded text, or stands in it where its script has no spaces."""
    if not word.isascii() and any(letter >= "\u2e80" for letter in word):
        return word in text
    return text.startswith(word) or any(
        text.startswith(word, at + 1) for at, letter in enumerate(text) if not letter.isalnum()
    )
