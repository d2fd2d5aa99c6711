"""From the concepts of a query to terms per language: precise or broad, by field of technology, open to editing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from api.search.expansion.bank import GENERAL, LANGUAGES, Bank, Concept
from api.search.expansion.recognise import Unit, recognise

Breadth = Literal["precise", "broad"]

GENERAL_WEIGHT = 0.8
"""Against 1 for terms of one field: `device` says less than `transistor`."""


@dataclass(frozen=True, slots=True)
class Group:
    """One piece of the query with the terms that stand for it: any of them will do."""

    source: str
    field: str | None
    """Field of technology; None where the bank does not know the piece."""
    terms: Mapping[str, tuple[str, ...]]
    """Language → terms. Empty: the piece itself is looked for in every language."""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Expansion:
    language: str
    breadth: Breadth
    groups: tuple[Group, ...]

    @property
    def known(self) -> bool:
        return any(group.terms for group in self.groups)

    def gloss(self, language: str) -> str:
        """The query in one language, word for word; words that are not known stay as they are."""
        return " ".join(group.terms[language][0] if language in group.terms else group.source for group in self.groups)

    def glosses(self) -> tuple[str, ...]:
        """The different ones; none where nothing is known."""
        return tuple(dict.fromkeys(map(self.gloss, LANGUAGES))) if self.known else ()


def expand(
    text: str, bank: Bank, breadth: Breadth, *, language: str | None = None, field: str | None = None
) -> Expansion:
    """Terms for a query's concepts. `precise`: the usual term of the likeliest sense. `broad`: synonyms of all senses.

    The likeliest sense of a piece is the one of `field`, or of the field that most other pieces are of.
    """
    found = recognise(text, bank, language)
    votes = Counter(concept.field for unit in found.units for concept in unit.concepts if concept.field != GENERAL)
    return Expansion(found.language, breadth, tuple(_group(unit, breadth, votes, field) for unit in found.units))


def _group(unit: Unit, breadth: Breadth, votes: Mapping[str, int], field: str | None) -> Group:
    if not unit.concepts:
        return Group(unit.text, None, {})
    ranked = sorted(unit.concepts, key=lambda concept: (concept.field != field, -votes.get(concept.field, 0)))
    chosen = ranked[:1] if breadth == "precise" else ranked
    terms: dict[str, tuple[str, ...]] = {}
    for language in LANGUAGES:
        listed = [term for concept in chosen for term in _terms(concept, language, breadth)]
        if listed:
            terms[language] = tuple(dict.fromkeys(listed))
    weight = GENERAL_WEIGHT if all(concept.field == GENERAL for concept in chosen) else 1.0
    return Group(unit.text, ranked[0].field, terms, weight)


def _terms(concept: Concept, language: str, breadth: Breadth) -> Sequence[str]:
    terms = concept.terms.get(language, ())
    return terms[:1] if breadth == "precise" else terms
