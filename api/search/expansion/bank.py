"""The term bank: concepts with their terms in each language, looked up by any of them."""

from __future__ import annotations

import csv
import gc
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice, takewhile
from pathlib import Path

from api.search.expansion.words import UNSPACED, folded, form, key, words
from common.errors import ConfigurationError
from common.settings import settings

LANGUAGES = ("en", "ar", "zh", "fr", "de", "ja", "ko", "pt", "ru", "es")
LEXICON = Path(__file__).parent / "lexicon"
GENERAL = "general"
"""Field of the terms that every technology uses."""


@dataclass(frozen=True, slots=True)
class Concept:
    field: str
    """Field of technology: the name of the lexicon's file."""
    terms: Mapping[str, tuple[str, ...]]
    """Language → terms, the usual one first."""

    @property
    def name(self) -> str:
        return next(iter(self.terms.get("en") or next(iter(self.terms.values()))))


@dataclass(slots=True)
class Bank:
    """Concepts by language and key. Build it with `bank`, look into it with `find`."""

    concepts: list[Concept] = field(default_factory=list)
    by_key: dict[str, dict[tuple[str, ...], list[Concept]]] = field(default_factory=dict)
    by_form: dict[str, dict[tuple[str, ...], list[Concept]]] = field(default_factory=dict)
    """The same by the words as they stand: stemmers make one of *suela* (sole) and *suelo* (floor)."""
    longest: dict[str, int] = field(default_factory=dict)
    """Language → words (characters, where words are not told apart) of its longest term."""
    sorted_terms: list[tuple[str, str]] = field(default_factory=list)
    """(folded, as written) of every term once, in order: what begins with something stands together."""
    compounding: dict[str, list[Concept]] = field(default_factory=dict)
    """Folded German words, which stand inside others."""

    def add(self, concept: Concept) -> None:
        self.concepts.append(concept)
        self.sorted_terms = []
        for language, terms in concept.terms.items():
            held, forms = self.by_key.setdefault(language, {}), self.by_form.setdefault(language, {})
            for term in terms:
                found = key(term, language)
                if not found:
                    continue
                for place, name in ((held, found), (forms, form(term, language))):
                    same = place.setdefault(name, [])
                    if concept not in same:
                        same.append(concept)
                length = len(found[0]) if language in UNSPACED else len(found)
                self.longest[language] = max(self.longest.get(language, 0), length)
                if language == "de" and len(words(term, "de")) == 1 and len(folded(term)) >= 3:
                    self.compounding.setdefault(words(term, "de")[0], []).append(concept)

    def arrange(self) -> None:
        """Sorts the terms for `beginning`, which otherwise does it when it is first asked."""
        every = {term for concept in self.concepts for terms in concept.terms.values() for term in terms}
        self.sorted_terms = sorted((folded(term), term) for term in every)

    def beginning(self, typed: str) -> list[str]:
        """Terms of all languages that begin with folded letters, shortest first."""
        if not self.sorted_terms:
            self.arrange()
        start = bisect_left(self.sorted_terms, (typed,))
        found = takewhile(lambda pair: pair[0].startswith(typed), islice(self.sorted_terms, start, None))
        return [term for _, term in sorted(found, key=lambda pair: (len(pair[0]), pair))]

    def find(self, language: str, wanted: tuple[str, ...], written: tuple[str, ...] | None = None) -> list[Concept]:
        """Concepts with a term of this `key`; if any has it in the very words `written` (a `form`), only those."""
        same = self.by_form.get(language, {}).get(written, []) if written is not None else []
        return same or self.by_key.get(language, {}).get(wanted, [])


def read(path: Path) -> Iterable[Concept]:
    """Concepts of one file. Raises ConfigurationError for a row that cannot be one."""
    with path.open(encoding="utf-8", newline="") as source:
        rows = csv.DictReader(source, delimiter="\t", quoting=csv.QUOTE_NONE)
        for number, row in enumerate(rows, 2):
            if None in row or None in row.values():
                raise ConfigurationError(
                    f"{path.name}, line {number}: the row has not as many cells as the header.",
                    remedy="One cell a language, tabs between; leave a cell empty where there is no term.",
                )
            terms = {
                language: tuple(dict.fromkeys(term.strip() for term in cell.split("|") if term.strip()))
                for language, cell in row.items()
                if cell.strip()
            }
            if len(terms) < 2:
                raise ConfigurationError(f"{path.name}, line {number}: a concept needs terms in two languages.")
            yield Concept(path.stem, terms)


@lru_cache(maxsize=2)
def bank(*more: Path) -> Bank:
    """The seed lexicon, the files of the folder that the setting `terms` names, and further files in their form."""
    own = settings().terms
    made = Bank()
    # It is kept for good: collecting garbage among what only grows took a third of the time.
    collected = gc.isenabled()
    gc.disable()
    try:
        for path in (*sorted(LEXICON.glob("*.tsv")), *(sorted(own.glob("*.tsv")) if own else ()), *more):
            for concept in read(path):
                made.add(concept)
        made.arrange()
    finally:
        if collected:
            gc.enable()
    return made
