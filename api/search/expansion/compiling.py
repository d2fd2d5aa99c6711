"""The engine's query for an expansion: per language, the groups that must or may be there, any term of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from api.search.expansion.expand import Expansion, Group
from api.search.expansion.words import UNSPACED, folded
from api.search.kept import kept

Query = dict[str, Any]

WORTH = {"title": 1.25, "product": 1.25, "abstract": 1.0, "goods": 1.0}
"""Fields in which terms are looked for, and what a group is worth that is met there. A group counts once, however often
its terms stand there: which groups are met says more about another language's record than how often."""
TIE = 0.1
"""Of the lesser fields' worth, added where both are met. Together less than what one group more is worth: three groups
in an abstract say more than two in a title."""
MOST_LEAVES = 600
"""Pairs of term and field in one query. The engine allows 1,024 clauses in all
(indices.query.bool.max_clause_count), and some pairs are two."""
COMPOUNDING = frozenset({"de"})
"""Languages whose compounds begin with the term that is looked for (Bodenfeuchte, Bodenfeuchtesonde)."""
COMPOUND_START = 6
"""Letters from which the beginning of a word is taken for the word."""
LABEL = "expansion"
_SEPARATOR = "\x1f"


def needed(groups: int, breadth: str) -> int:
    """Groups of a language that must be met: all, or in the broad reading all but one of two or three, then 60 %."""
    if breadth == "precise" or groups == 1:
        return groups
    return groups - 1 if groups <= 3 else math.ceil(groups * 0.6)


@kept(128)
def to_query(expansion: Expansion, languages: tuple[str, ...]) -> Query | None:
    """None where nothing of the query is known. `read_label` reads the names of its clauses."""
    held = [language for language in languages if any(language in group.terms for group in expansion.groups)]
    if not held:
        return None
    expansion = _bounded(expansion, held)
    parts = [part for part in (_in_language(expansion, language) for language in held) if part is not None]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else {"dis_max": {"queries": parts}}


def worth(expansion: Expansion) -> float:
    """Score of a record that has all groups in its title."""
    return sum(group.weight for group in expansion.groups) * WORTH["title"]


def _in_language(expansion: Expansion, language: str) -> Query | None:
    known = [group for group in expansion.groups if language in group.terms]
    unknown = [group for group in expansion.groups if not group.terms]
    clauses = [_group(group, language) for group in known]
    # A word that the bank does not know may be the same in any language: it lifts, and is never asked for.
    clauses += [_group(group, language) for group in unknown]
    total = len(known)
    return {"bool": {"should": clauses, "minimum_should_match": needed(total, expansion.breadth)}} if total else None


def _group(group: Group, language: str) -> Query:
    terms = group.terms.get(language, (group.source,))
    fields: list[Query] = []
    for name, worth in WORTH.items():
        clauses = [clause for term in terms for clause in _term(term, group, language, name)]
        met = clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses, "minimum_should_match": 1}}
        fields.append({"constant_score": {"filter": met, "boost": round(worth * group.weight, 2)}})
    return {"dis_max": {"queries": fields, "tie_breaker": TIE}}


def _bounded(expansion: Expansion, languages: Sequence[str]) -> Expansion:
    """The same with as many terms of each group as the engine can take: the usual ones come first in each."""
    longest = max(len(terms) for group in expansion.groups for terms in group.terms.values())
    for most in range(longest, 0, -1):
        groups = tuple(
            replace(group, terms={language: terms[:most] for language, terms in group.terms.items()})
            for group in expansion.groups
        )
        leaves = sum(len(group.terms.get(code, (group.source,))) for group in groups for code in languages)
        if leaves * len(WORTH) <= MOST_LEAVES or most == 1:
            break
    return replace(expansion, groups=groups[: MOST_LEAVES // (len(WORTH) * len(languages)) or 1])


def _term(term: str, group: Group, language: str, name: str) -> list[Query]:
    """Clauses any of which finds a term in a field."""
    fields = [f"{name}.{language}{tail}" for tail in _tails(term, language)]
    found: list[Query] = []
    for way, writing in enumerate(_writings(term, language)):
        body: Query = {"query": writing, "fields": fields, "_name": label(language, name, way, group.source, term)}
        if language in UNSPACED or " " in term or "-" in term:
            found.append({"multi_match": {**body, "type": "phrase", "slop": 0 if language in UNSPACED else 2}})
        else:
            found.append({"multi_match": {**body, "type": "best_fields", "operator": "and"}})
    start = folded(term)
    if language in COMPOUNDING and start.isalpha() and len(start) >= COMPOUND_START:
        options = {"value": start, "_name": label(language, name, len(found), group.source, term)}
        found.append({"prefix": {f"{name}.{language}.exact": options}})
    return found


def label(language: str, field: str, way: int, source: str, term: str) -> str:
    """Name of a clause, from which `why` is told. The engine keeps one clause a name, so each has its own."""
    return _SEPARATOR.join((LABEL, language, field, str(way), source, term))


@lru_cache(maxsize=10_000)
def read_label(name: str) -> tuple[str, str, str, str] | None:
    """(language, field, source, term) of a clause's name; None for the names of others."""
    parts = name.split(_SEPARATOR)
    return (parts[1], parts[2], parts[4], parts[5]) if len(parts) == 6 and parts[0] == LABEL else None


def _tails(term: str, language: str) -> tuple[str, ...]:
    """The twin field of an unspaced language holds pairs of characters, which find a term however the text was cut;
    Korean texts are spaced at will, so there both are needed."""
    if language not in UNSPACED or len(term) == 1:
        return ("",)
    return ("", ".exact") if language == "ko" else (".exact",)


def _writings(term: str, language: str) -> tuple[str, ...]:
    """Arabic writes `for` onto the next word, and no stemmer takes that one letter off: it may belong to the word."""
    return (term, f"ل{term}") if language == "ar" and not term.startswith("ال") else (term,)
