"""Party names: which of them may be one applicant or owner.

The same machinery as for records: blocking, comparison by features, Fellegi–Sunter weights (those of the table: a data
set's own names are too few features to learn from), people's decisions over all of it. Equal names are not one legal
entity, so nothing here changes a record: clusters of names are a proposal, shown with every writing side by side.

Names are compared word by word, each with the word it stands for: itself, a misspelling, its initial. So a missing
initial and a contradicting one, which differ by one letter each, are told apart.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
import orjson
import zstandard
from rapidfuzz import fuzz

from indexer.duplicates import model
from indexer.duplicates.clusters import Edge, Pair, build, pair
from indexer.duplicates.compare import MISSING, name_likeness, read_table, sound, steps
from indexer.duplicates.ledger import Ledger
from indexer.duplicates.profile import OWNER_ROLES, latin_name
from store.database import Database

BLOCK = 60
"""Names of a block up to which each meets each; in a larger one, sorted, each meets its `WINDOW` next."""
WINDOW = 12
SAMPLED = 40
"""Members of the smaller group that are looked at before two groups become one."""
READ_AT_ONCE = 500
ALIKE = 0.999
"""Probability that two names written alike are one."""
MISSPELT = 80
"""Ratio (0 to 100) from which a word is taken for a misspelling of another."""
INITIAL = 1.0
"""Weight of a single letter, beside words that weigh by how rare they are."""


@dataclass(slots=True)
class Name:
    """One name as it is written, of one country, with what is known of its bearer."""

    id: str
    name: str
    canonical: str
    """Latin capitals, legal form apart."""
    legal_form: str | None = None
    latin: str | None = None
    country: str | None = None
    records: int = 1
    company: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    place: tuple[float, float] | None = None
    """Degrees of latitude and longitude."""
    person: bool = False
    """A human being's, as far as is known."""


@dataclass(frozen=True, slots=True)
class Cluster:
    cluster: str
    names: tuple[Name, ...]

    @property
    def records(self) -> int:
        return sum(name.records for name in self.names)

    def line(self) -> dict[str, Any]:
        return {
            "cluster": self.cluster,
            "records": self.records,
            "names": [
                {
                    "id": name.id,
                    "name": name.name,
                    "latin": name.latin,
                    "legal_form": name.legal_form,
                    "country": name.country,
                    "records": name.records,
                }
                for name in self.names
            ],
        }


def clusters(database: Database, least: float = 0.9) -> list[Cluster]:
    """Names of all records held, largest cluster first; with what people decided about them."""
    names = list(read(database))
    scored = match(names)
    people = {name.id for name in names if name.person}
    edges = [Edge(*about, "rule") for about in link(scored, least, people)]
    ledger = Ledger(database, "name")
    apart: set[Pair] = set()
    with database.driver() as connection:
        for about, (judgement, number) in ledger.standing(connection).items():
            if judgement == "same":
                edges.append(Edge(*about, "person", number))
            elif judgement in ("different", "related"):
                apart.add(about)
    by_id = {name.id: name for name in names}
    found = build(by_id.keys(), edges, apart)
    made = [
        Cluster(name, tuple(sorted((by_id[id_] for id_ in members), key=lambda n: (-n.records, n.id))))
        for name, members in found.members.items()
    ]
    return sorted(made, key=lambda cluster: (-len(cluster.names), -cluster.records, cluster.cluster))


def name_id(name: str, country: str | None) -> str:
    return hashlib.blake2b(f"{name}|{country or ''}".encode(), digest_size=8).hexdigest()


def read(database: Database) -> Iterator[Name]:
    """Applicants and owners of every record, each writing and country once."""
    held: dict[str, Name] = {}
    last = ""
    while True:
        with database.driver() as connection:
            rows = connection.execute(
                "select id, body from records where id > %s and not deleted order by id limit %s",
                (last, READ_AT_ONCE),
                binary=True,
            ).fetchall()
        if not rows:
            break
        for _, body in rows:
            _gather(held, orjson.loads(zstandard.decompress(body)))
        last = rows[-1][0]
    yield from held.values()


def _gather(held: dict[str, Name], record: dict[str, Any]) -> None:
    parties = record.get("parties", ())
    owners = [party for party in parties if party["role"] in OWNER_ROLES]
    people = {party["canonical_name"] for party in parties if party["role"] in ("inventor", "designer")}
    classes = {
        entry["symbol"][:4] for entry in record.get("classifications", ()) if entry["scheme"] in ("IPC", "CPC", "NICE")
    }
    seen: set[str] = set()
    for party in owners:
        country = party.get("country")
        for written in dict.fromkeys((party["name"], *party.get("other_names", ()))):
            id_ = name_id(written, country)
            if id_ in held:
                found = held[id_]
                found.records += id_ not in seen
            else:
                latin = party.get("latin_name") if written == party["name"] else None
                found = held[id_] = Name(
                    id_,
                    written,
                    latin_name(latin or written) or written,
                    party.get("legal_form"),
                    latin,
                    country,
                    person=party.get("entity") == "person" or party["canonical_name"] in people,
                )
            seen.add(id_)
            if len(found.company) < 50:
                found.company |= people
            if len(found.classes) < 50:
                found.classes |= classes


# ------------------------------------------------------------------------------------------------------------ matching


def match(names: Sequence[Name]) -> dict[Pair, float]:
    """Probability that two names are one, of every pair worth comparing.

    Names that are written alike, legal form and order of words apart, and have one country are compared once, as one:
    of them, pairs with the first are given.
    """
    groups: dict[tuple[str, str | None], list[Name]] = defaultdict(list)
    for name in sorted(names, key=lambda name: name.id):
        groups[" ".join(sorted(name.canonical.split())) or name.id, name.country].append(name)
    united = {held[0].id: _united(held) for held in groups.values()}
    weights = rarity(united.values())
    pairs = sorted(block(united.values(), weights))
    # No labels, and features that all depend on one firm's size: what a table says beats what EM makes of it.
    scored = {pair(held[0].id, other.id): ALIKE for held in groups.values() for other in held[1:]}
    for people in (False, True):
        scorer = model.untrained(read_table(table_of(people)))
        of_kind = [(a, b) for a, b in pairs if (united[a].person or united[b].person) == people]
        if of_kind:
            levels = np.asarray([compare(united[a], united[b], weights) for a, b in of_kind], dtype=np.int8)
            patterns, back = np.unique(levels, axis=0, return_inverse=True)
            scored.update(zip(of_kind, scorer.scores(patterns)[back.reshape(-1)].tolist(), strict=True))
    return scored


def table_of(people: bool) -> str:
    """The table by which names of people, or of organisations, are compared."""
    return "person_features.toml" if people else "organisation_features.toml"


def _united(held: Sequence[Name]) -> Name:
    """All that is known of names that are written alike."""
    if len(held) == 1:
        return held[0]
    places = sorted(name.place for name in held if name.place is not None)
    forms = Counter(name.legal_form for name in held if name.legal_form)
    return replace(
        held[0],
        person=any(name.person for name in held),
        legal_form=forms.most_common(1)[0][0] if forms else None,
        records=sum(name.records for name in held),
        company=set().union(*(name.company for name in held)),
        classes=set().union(*(name.classes for name in held)),
        place=places[len(places) // 2] if places else None,
    )


def rarity(names: Iterable[Name]) -> dict[str, float]:
    """Word → natural logarithm of how rare it is."""
    words = Counter(word for name in names for word in set(name.canonical.split()))
    total = max(2, words.total())
    return {word: math.log(total / count) for word, count in words.items()}


def block(names: Iterable[Name], weights: dict[str, float]) -> set[Pair]:
    """Pairs that share a rare word, its sound or beginning, a word and another's initial, or all letters but the
    order."""
    blocks: dict[str, set[str]] = defaultdict(set)
    canonical: dict[str, str] = {}
    for name in names:
        canonical[name.id] = name.canonical
        words = [word for word in name.canonical.split() if len(word) > 1] or [name.canonical]
        rarest = sorted(words, key=lambda word: -weights.get(word, 0.0))[:3]
        for word in rarest:
            blocks[f"w {word}"].add(name.id)
            blocks[f"s {sound(word)}"].add(name.id)
            blocks[f"b {word[:5]}"].add(name.id)
            for other in set(name.canonical.split()) - {word}:
                blocks[f"i {word} {other[0]}"].add(name.id)
        joined = name.canonical.replace(" ", "")
        blocks["l " + "".join(sorted(joined))].add(name.id)
        blocks[f"j {joined[:8]}"].add(name.id)
    found: set[Pair] = set()
    for members in blocks.values():
        if 1 < len(members) <= BLOCK:
            found.update(pair(one, other) for one, other in combinations(sorted(members), 2))
        elif members:
            ordered = sorted(members, key=lambda id_: (canonical[id_], id_))
            for step in range(1, WINDOW + 1):
                found.update(pair(one, other) for one, other in zip(ordered, ordered[step:], strict=False))
    return found


def compare(a: Name, b: Name, weights: dict[str, float]) -> tuple[int, ...]:
    """Levels in the order of the tables' features."""
    met = meet(a.canonical.split(), b.canonical.split(), weights)
    return (
        steps(name_likeness(a.canonical, b.canonical), (99.5, 94, 88, 72)),
        steps(met.share, (0.95, 0.7, 0.4)),
        met.initials,
        met.rest,
        MISSING if not a.country or not b.country else int(a.country != b.country),
        MISSING if not a.legal_form or not b.legal_form else int(a.legal_form != b.legal_form),
        _overlap(a.company, b.company),
        _classes(a.classes, b.classes),
        _place(a.place, b.place),
    )


@dataclass(frozen=True, slots=True)
class Met:
    """Two names word by word."""

    share: float
    """Weight of the words that have their counterpart, over the average weight of both names."""
    initials: int
    """0 each stands for a word or initial of the other, 1 one name has more of them, 2 they contradict."""
    rest: int
    """Words without counterpart: 0 none, 1 in one name, 2 in both."""


def meet(one: Sequence[str], other: Sequence[str], weights: dict[str, float]) -> Met:
    """Each word with its counterpart: itself first, then a misspelling, then an initial."""
    mine, others = list(dict.fromkeys(one)), list(dict.fromkeys(other))
    whole = _weight(mine, weights) + _weight(others, weights)
    shared = [word for word in mine if word in others]
    initials = [word for word in shared if len(word) == 1]
    mine = [word for word in mine if word not in shared]
    others = [word for word in others if word not in shared]
    weight = 2 * _weight(shared, weights)
    near = sorted(
        (-ratio, x, y)
        for x in mine
        for y in others
        if len(x) > 2 and len(y) > 2 and (ratio := fuzz.ratio(x, y)) >= MISSPELT
    )
    for ratio, x, y in near:
        if x in mine and y in others:
            mine.remove(x)
            others.remove(y)
            weight += _weight((x, y), weights) * -ratio / 100
    for short, long in ((mine, others), (others, mine)):
        for letter in [word for word in short if len(word) == 1]:
            stands = next((word for word in long if len(word) > 1 and word[0] == letter), None)
            if stands is not None:
                short.remove(letter)
                long.remove(stands)
                initials.append(letter)
                weight += 2 * _weight((letter,), weights)
    left = [sum(len(word) == 1 for word in words) for words in (mine, others)]
    long_left = [sum(len(word) > 1 for word in words) for words in (mine, others)]
    level = 2 if all(left) else 1 if any(left) else 0 if initials else MISSING
    return Met(weight / max(whole, 0.001), level, sum(map(bool, long_left)))


def _weight(words: Iterable[str], weights: dict[str, float]) -> float:
    return sum(weights.get(word, 10.0) if len(word) > 1 else INITIAL for word in words)


def _overlap(one: set[str], other: set[str]) -> int:
    if not one or not other:
        return MISSING
    shared = len(one & other)
    return 0 if shared > 1 else 1 if shared else 2


def _classes(one: set[str], other: set[str]) -> int:
    if not one or not other:
        return MISSING
    return steps(len(one & other) / min(len(one), len(other)), (0.6, 0.01))


def _place(one: tuple[float, float] | None, other: tuple[float, float] | None) -> int:
    if one is None or other is None:
        return MISSING
    north = (one[0] - other[0]) * 111.2
    east = (one[1] - other[1]) * 111.2 * math.cos(math.radians((one[0] + other[0]) / 2))
    return 2 - steps(-math.hypot(north, east), (-30, -2))


def link(scored: dict[Pair, float], least: float, people: Collection[str] = ()) -> list[Pair]:
    """Pairs to join, best first: a group takes another where all pairs between them that were compared are, on
    average, likely enough (the tables' `together`); so one chance likeness does not chain two firms together.

    `people`: names that are known to be of human beings.
    """
    together = {kind: least * read_table(table_of(kind)).together for kind in (False, True)}
    neighbours: dict[str, set[str]] = defaultdict(set)
    for a, b in scored:
        neighbours[a].add(b)
        neighbours[b].add(a)
    group: dict[str, set[str]] = {}
    joined: list[Pair] = []
    for (a, b), score in sorted(scored.items(), key=lambda entry: (-entry[1], entry[0])):
        if score < least:
            break
        first, second = group.setdefault(a, {a}), group.setdefault(b, {b})
        if first is second:
            continue
        small, large = sorted((first, second), key=len)
        between = [scored[pair(one, other)] for one in sorted(small)[:SAMPLED] for other in neighbours[one] & large]
        if between and sum(between) / len(between) < together[a in people or b in people]:
            continue
        joined.append((a, b))
        large |= small
        for member in small:
            group[member] = large
    return joined
