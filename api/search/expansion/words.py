"""Words in the form in which a query and the term bank meet: folded, and stemmed where the language inflects."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import Stemmer

import analyzers

STEMMERS = {
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "pt": "portuguese",
}
UNSPACED = frozenset({"zh", "ja", "ko"})
"""Languages in which a term is looked for anywhere in a run of characters. Korean has spaces, but not everybody's stand
in the same places."""

_STEMMING = Lock()

LATIN_ENDS = "\u0370"
"""Accents are taken off before this; beyond it they make other letters (й, が, 가)."""
_ONE_LETTER = str.maketrans({"ё": "е", "أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي", "ـ": None})
_ATTACHED = re.compile(r"^(?:[وف]?[بك]?ال|[وف]?لل)(?=\w{3})")
"""Article and prepositions that Arabic writes onto the word."""
_PREFIXES = re.compile(r"[وف]?[بكل]?(?=\w{3})")
_OWN = ("الكتر", "الومن", "الياف", "الماس", "الواح", "الوان", "العاب", "الغام")
"""Words that begin with the letters of the article once hamza is levelled: electron, aluminium, fibres, …"""
_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=1)
def stopwords() -> dict[str, frozenset[str]]:
    table: dict[str, Any] = tomllib.loads((Path(__file__).parent / "stopwords.toml").read_text("utf-8"))
    return {language: frozenset(words) for language, words in table.items()}


@lru_cache(maxsize=16)
def _stemmer(language: str) -> Any:
    return Stemmer.Stemmer(STEMMERS[language]) if language in STEMMERS else None


class _Folding(dict[int, str | None]):
    """Code point → what is left of it, looked up once for each letter there is: asking again for each was half of what
    building the bank took."""

    def __missing__(self, point: int) -> str | None:
        letter = chr(point).translate(_ONE_LETTER)
        if letter and letter < LATIN_ENDS:
            letter = unicodedata.normalize("NFD", letter)[0]
        left = letter if letter and not unicodedata.combining(letter) else None
        self[point] = left
        return left


_FOLDING = _Folding()


@lru_cache(maxsize=65536)
def folded(text: str) -> str:
    """Compatibility forms, lower case, no accents or vowel marks. Marks that make another kana or jamo stay."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().translate(_FOLDING)


@lru_cache(maxsize=1)
def _arabic_singulars() -> dict[str, str]:
    """Broken plurals of the analysers' own list, which no stemmer undoes."""
    lines = (Path(analyzers.__file__).parent / "words" / "ar.tsv").read_text("utf-8").splitlines()
    rows = [folded(line).split("\t") for line in lines if line.strip() and not line.startswith("#")]
    return {form: _detached(row[0]) for row in rows for form in row[1:]}


def _detached(word: str) -> str:
    """An Arabic word without what is written onto it."""
    attached = _ATTACHED.match(word)
    if attached is None or word.startswith(_OWN):
        return word
    rest = word[attached.end() :]
    whole = f"ال{rest}"
    return whole if attached[0].endswith("ال") and whole.startswith(_OWN) else rest


def _singular(word: str) -> str:
    """An Arabic word without what is written onto it, and the singular of a broken plural."""
    listed = _arabic_singulars()
    bare = _detached(word)
    return listed.get(word) or listed.get(bare, bare)


@dataclass(frozen=True, slots=True)
class _Forms:
    """What makes one of the forms of a language's words that its stemmer leaves apart."""

    words: Mapping[str, str]
    rules: Sequence[tuple[re.Pattern[str], str]]

    def regular(self, word: str) -> str:
        word = self.words.get(word, word)
        for pattern, replacement in self.rules:
            word = pattern.sub(replacement, word)
        return word


@lru_cache(maxsize=1)
def _forms() -> dict[str, _Forms]:
    table: dict[str, Any] = tomllib.loads((Path(__file__).parent / "forms.toml").read_text("utf-8"))
    return {
        language: _Forms(
            row.get("words", {}),
            [(re.compile(pattern), replacement) for pattern, replacement in row["rules"]],
        )
        for language, row in table.items()
    }


@lru_cache(maxsize=65536)
def stem(word: str, language: str) -> str:
    """Stem of a folded word."""
    if language == "ar":
        word = _singular(word)
    forms = _forms().get(language)
    if forms is not None:
        word = forms.regular(word)
    stemmer = _stemmer(language)
    if stemmer is None or len(word) <= 3:
        return word
    # A stemmer keeps the word it works on in itself.
    with _STEMMING:
        return str(stemmer.stemWord(word))


def words(text: str, language: str) -> list[str]:
    """Folded words of a text, stop words left out."""
    stops = stopwords().get(language, frozenset())
    return [word for word in _WORD.findall(folded(text)) if word not in stops]


@lru_cache(maxsize=65536)
def key(text: str, language: str) -> tuple[str, ...]:
    """What two writings of a term share: its stems in any order, or for unspaced languages its characters."""
    if language in UNSPACED:
        run = "".join(_WORD.findall(folded(text)))
        return (run,) if run else ()
    return tuple(sorted(stem(word, language) for word in words(text, language)))


@lru_cache(maxsize=65536)
def form(text: str, language: str) -> tuple[str, ...]:
    """The words of a term as they stand, in their order: what no stemmer has made one with something else."""
    if language in UNSPACED:
        return key(text, language)
    return tuple(written(word, language) for word in words(text, language))


def written(word: str, language: str) -> str:
    """A folded word without what Arabic writes onto it."""
    return _detached(word) if language == "ar" else word


def readings(word: str, language: str) -> tuple[str, ...]:
    """A folded word, and what else it may be: Arabic writes `and`, `in`, `as` and `for` onto the next word, and no
    rule tells those letters from a word's first."""
    if language != "ar":
        return (word,)
    begun = _PREFIXES.match(word)
    return (word,) if begun is None else (word, *(word[end:] for end in range(1, begun.end() + 1)))
