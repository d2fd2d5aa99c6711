"""How a mark looks, as letters: look-alike letters and digits are written as one, whatever alphabet they are of."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from indexer.marks.tables import rows


@cache
def _table() -> tuple[re.Pattern[str], dict[str, str]]:
    alike = {written: compared for written, compared, _ in rows(Path(__file__).parent / "looks.tsv")}
    longest_first = sorted(alike, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), alike


@lru_cache(maxsize=1 << 16)
def shape(mark: str) -> str:
    """What is compared of a mark's look: one letter for all that look like it; no accents, spaces or punctuation."""
    folded = unicodedata.normalize("NFKC", mark).casefold()
    bare = "".join(c for c in _without_accents(folded) if not c.isspace())
    pattern, alike = _table()
    seen = pattern.sub(lambda match: alike[match[0]], bare)
    return "".join(letter for letter in seen if letter.isalnum())


def _without_accents(text: str) -> str:
    """Accents of European letters only: elsewhere they make another letter (ガ, й)."""
    return "".join(
        unicodedata.normalize("NFD", letter)[0] if letter < "\u0400" or "\u1e00" <= letter < "\u2000" else letter
        for letter in text
    )
