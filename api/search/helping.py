"""What helps where a search finds nothing: words that were perhaps meant, and the condition that is at fault.

Corrections are words and names of records that the caller reads, in fields that it reads, near in their letters to a
word of the query that stands in none of them; each is counted under the caller's scope before it is shown, with
everything else that the search asks for. Conditions are counted by leaving each out in turn. Two round trips to the
engine at most, however long the query is, and only where nothing was found.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from itertools import product
from typing import Any, Literal

from rapidfuzz.distance import OSA

from api.access.fields import fields
from api.access.model import Group
from api.access.scope import Scope
from api.search import query as language
from api.search.counting import Answer, Query, Question
from api.search.engine import Engine, SearchRequest
from api.search.expansion.words import folded
from api.search.query import All, Everything, Node, Words, leaves
from common.errors import EngineError

MOST_WORDS = 6
"""Words of a query that are looked into."""
MOST_CONDITIONS = 12
LOOKED_AT = 30
"""Records in which a word's near ones are looked for."""
MOST_PROPOSED = 4
SHORTEST = 4
"""Letters from which a word is corrected: nearly every shorter one is near another word."""
LONG = 8
"""Letters from which two may differ."""
UNLETTERED = re.compile(r"[\u0e00-\u0eff\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Scripts in which words are not told apart by single letters: nothing is proposed there."""
WORD = re.compile(r"[^\W_]+")


@dataclass(slots=True)
class Change:
    """One word of the query and the word that was perhaps meant."""

    written: str
    meant: str
    language: str | None
    """Of the text in which it stands; None for names and marks."""


@dataclass(slots=True)
class Proposal:
    """The query with words changed, and what it finds."""

    q: str
    count: int
    changes: list[Change]


@dataclass(slots=True)
class Without:
    """What would be found if one condition were left out."""

    kind: Literal["query", "filter", "exclude"]
    part: str
    """The condition: a part of the query as it was typed, or the name of a facet."""
    values: list[str]
    """Of a facet."""
    q: str
    """The query without the part; the query itself for a facet."""
    count: int
    position: int | None = None
    """Where a part of the query begins, in characters from 0."""


@dataclass(slots=True)
class Help:
    """Counts are of records whose bibliography the caller reads and that have the query's own words."""

    did_you_mean: list[Proposal] = dataclass_field(default_factory=list)
    without: list[Without] = dataclass_field(default_factory=list)
    """Most results first; conditions without which nothing is found either are left out."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as far as help looks into it."""

    q: str
    dialect: language.DialectName
    filters: Mapping[str, tuple[Sequence[str], Query]]
    """Facet name → chosen values and their clause."""
    exclude: Mapping[str, tuple[Sequence[str], Query]]
    """Facet name → unwanted values and the clause that keeps them out."""


async def find(engine: Engine, scope: Scope, asked: Asked, request: SearchRequest, *, conditions: bool) -> Help | None:
    """None where nothing helps, or where looking for it takes too long. `conditions`: whether to leave each out."""
    tree = language.parse(asked.q, asked.dialect)
    target = language.target(await engine.languages())
    try:
        corrected, without = await asyncio.gather(
            _corrections(engine, scope, asked, tree, target, request),
            _left_out(engine, scope, asked, tree, target, request) if conditions else _nothing(),
        )
    except EngineError:
        return None
    return Help(corrected, without) if corrected or without else None


async def _nothing() -> list[Without]:
    return []


# ---------------------------------------------------------------------------------------------------------- conditions


def _conditions(asked: Asked, tree: Node, target: language.Target) -> Iterator[tuple[Without, Query]]:
    parts = tree.parts if isinstance(tree, All) else () if isinstance(tree, Everything) else (tree,)
    for place, part in enumerate(parts):
        rest = [other for number, other in enumerate(parts) if number != place]
        left = rest[0] if len(rest) == 1 else All(tuple(rest)) if rest else Everything()
        position = min((leaf.position for leaf in leaves(part) if not isinstance(leaf, Everything)), default=None)
        yield (
            Without("query", _written(part, asked.dialect), [], _written(left, asked.dialect), 0, position),
            language.to_query(part, target),
        )
    for name, (values, clause) in asked.filters.items():
        yield Without("filter", name, list(values), asked.q, 0), clause
    for name, (values, clause) in asked.exclude.items():
        yield Without("exclude", name, list(values), asked.q, 0), clause


def _written(node: Node, dialect: language.DialectName) -> str:
    if isinstance(node, Everything):
        return ""
    try:
        return language.write(node, dialect)
    except language.Unsayable:
        return language.write(node, "concord")


async def _left_out(
    engine: Engine, scope: Scope, asked: Asked, tree: Node, target: language.Target, request: SearchRequest
) -> list[Without]:
    held = list(_conditions(asked, tree, target))[:MOST_CONDITIONS]
    if len(held) < 2:
        return []
    matches = {
        str(place): {"bool": {"filter": [clause for number, (_, clause) in enumerate(held) if number != place]}}
        for place in range(len(held))
    }
    (answer,) = await engine.counted(scope, [Question({"match_all": {}}, matches=matches)], rights=request.rights)
    found = [replace(told, count=answer.matches[str(place)]) for place, (told, _) in enumerate(held)]
    return sorted((told for told in found if told.count), key=lambda told: -told.count)


# ---------------------------------------------------------------------------------------------------------- corrections


@dataclass(frozen=True, slots=True)
class _Place:
    """A word of the query."""

    word: str
    node: Words

    @property
    def most(self) -> int:
        """Letters that may differ."""
        return 2 if len(self.word) >= LONG else 1


def _places(tree: Node) -> list[_Place]:
    table = language.names()
    found: list[_Place] = []
    for leaf in leaves(tree):
        if not isinstance(leaf, Words) or leaf.wildcard or leaf.fuzzy:
            continue
        if leaf.field is not None and leaf.field not in table.text:
            continue
        for word in WORD.findall(leaf.text):
            plain = not any(letter.isdigit() for letter in word) and not UNLETTERED.search(word)
            if plain and len(folded(word)) >= SHORTEST and len(found) < MOST_WORDS:
                found.append(_Place(word, leaf))
    return found


def _read_in(node: Words) -> tuple[str, ...]:
    """Fields of the index in whose texts near words are looked for: of those that the word is searched in, the ones
    that belong to the bibliography, so that whoever reads a record reads them."""
    table = language.names()
    searched = table.default if node.field is None else table.text[node.field]
    roots = dict.fromkeys(name.partition("^")[0] for name in searched)
    held: dict[str, None] = {}
    for name in roots:
        root = name.partition(".")[0]
        if fields().group_of(root) is Group.BIBLIOGRAPHY and not name.endswith((".latin", ".phonetic")):
            held[root if name.endswith(".*") or "." not in name else f"{root}.name"] = None
    return tuple(held)


async def _corrections(
    engine: Engine, scope: Scope, asked: Asked, tree: Node, target: language.Target, request: SearchRequest
) -> list[Proposal]:
    places = _places(tree)
    if not places:
        return []
    answers = await engine.counted(scope, [_near(place, target) for place in places], rights=request.rights)
    nearest = [
        (place, meant)
        for place, answer in zip(places, answers, strict=True)
        if not answer.matches["own"] and (meant := _meant(place, answer))
    ]
    if not nearest:
        return []
    proposed: dict[str, list[Change]] = {}
    for chosen in product(*(meant[:2] for _, meant in nearest)):
        changes = [(place, change) for (place, _), change in zip(nearest, chosen, strict=True)]
        text = _changed(asked.q, changes)
        if text is not None and text not in proposed and len(proposed) < MOST_PROPOSED:
            proposed[text] = [change for _, change in changes]
    also = [clause for _, clause in (*asked.filters.values(), *asked.exclude.values())]
    matches: dict[str, Query] = {}
    for text in proposed:
        reading = language.read(text, asked.dialect)
        if reading.tree is not None:
            matches[text] = {"bool": {"filter": [language.to_query(reading.tree, target), *also]}}
    (answer,) = await engine.counted(scope, [Question({"match_all": {}}, matches=matches)], rights=request.rights)
    found = [Proposal(text, answer.matches[text], proposed[text]) for text in matches if answer.matches[text]]
    return sorted(found, key=lambda proposal: -proposal.count)


def _near(place: _Place, target: language.Target) -> Question:
    """Records with a word near to this one, and how many have the word itself."""
    own = Words(place.word, place.node.field, language=place.node.language)
    near = language.to_query(replace(own, fuzzy=place.most), target)
    return Question(near, matches={"own": language.to_query(own, target)}, size=LOOKED_AT, parts=_read_in(place.node))


def _meant(place: _Place, answer: Answer) -> list[Change]:
    """Words of the records found that are nearest to this one, most frequent first."""
    wanted = folded(place.word)
    counts: Counter[tuple[str, str | None]] = Counter()
    written: dict[tuple[str, str | None], Counter[str]] = {}
    for document in answer.documents:
        seen: set[tuple[str, str | None]] = set()
        for text, tongue in _texts(document, _read_in(place.node)):
            if place.node.language not in (None, tongue):
                continue
            for word in WORD.findall(text):
                same = (folded(word), tongue)
                if abs(len(same[0]) - len(wanted)) <= place.most:
                    written.setdefault(same, Counter())[word] += 1
                    seen.add(same)
        counts.update(seen)
    near = [
        (distance, -count, *same)
        for same, count in counts.items()
        if 0 < (distance := OSA.distance(wanted, same[0])) <= place.most
    ]
    nearest = min((distance for distance, *_ in near), default=0)
    ranked = sorted(
        (count, word, tongue or "", tongue) for distance, count, word, tongue in near if distance == nearest
    )
    found: dict[str, Change] = {}
    for _, word, _, tongue in ranked:
        (usual, _), *_ = sorted(written[word, tongue].items(), key=lambda item: (-item[1], item[0]))
        found.setdefault(word, Change(place.word, usual, tongue))
    return list(found.values())


def _texts(document: Mapping[str, Any], brought: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """(text, language) of what was brought of a record."""
    for root in dict.fromkeys(name.partition(".")[0] for name in brought):
        held = document.get(root, ())
        entries = held.items() if isinstance(held, Mapping) else [("name", held)]
        for name, values in entries:
            tongue = None if name == "name" else name
            for value in values if isinstance(values, list) else [values]:
                if isinstance(value, str):
                    yield value, tongue


def _changed(text: str, changes: Sequence[tuple[_Place, Change]]) -> str | None:
    """The query with the words changed where they stand; None where one cannot be found there."""
    for place, change in sorted(changes, key=lambda pair: -pair[0].node.position):
        start, end = place.node.position, place.node.position + place.node.length
        clause, times = re.subn(rf"(?<!\w){re.escape(place.word)}(?!\w)", change.meant, text[start:end], count=1)
        if not times:
            return None
        text = text[:start] + clause + text[end:]
    return text
