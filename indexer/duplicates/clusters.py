"""Clusters from what says "the same" and what says "not": deterministic, whatever order anything arrived in.

Edges are taken one by one: what people said, oldest first, then what rules say, in the order of the ids. An edge that
would bring a pair judged different into one cluster is held back and reported as a conflict: nothing is joined against
a person's word, and nobody's word is dropped in silence. The same edges give the same clusters in any database, and a
part of the graph that hangs together can be computed alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Edge:
    """Something that says two records are the same. a < b. `order`: for people's, when (ledger order)."""

    a: str
    b: str
    by: str
    """person or rule."""
    order: int = 0


@dataclass(frozen=True, slots=True)
class Conflict:
    """An edge held back, and the pair judged different that stands in its way."""

    edge: Edge
    against: Pair


@dataclass(frozen=True, slots=True)
class Clusters:
    members: dict[str, tuple[str, ...]]
    """Cluster id → its records, sorted."""
    of: dict[str, str]
    """Record → cluster id."""
    decided_by: dict[str, str]
    """Record → person, where a person's word joins it to its cluster or keeps it out of one; otherwise rule."""
    conflicts: tuple[Conflict, ...]

    def cluster(self, record: str) -> tuple[str, ...]:
        """All records of its cluster; itself alone where nothing is known of it."""
        return self.members[self.of[record]] if record in self.of else (record,)


@dataclass(slots=True)
class _Group:
    members: set[str]
    foes: dict[str, str] = field(default_factory=dict)
    """Record that must stay out → the member that it was judged different from."""


def cluster_id(members: Iterable[str]) -> str:
    """Sixteen hexadecimal digits, from the smallest id of those that are seen: says nothing of those that are not."""
    return hashlib.blake2b(min(members).encode(), digest_size=8).hexdigest()


def build(nodes: Collection[str], edges: Iterable[Edge], apart: Collection[Pair]) -> Clusters:
    """Clusters of `nodes`. Edges and pairs judged different that touch anything else are left out.

    A pair that is judged different is no edge, whatever a rule says of it.
    """
    groups = {node: _Group({node}) for node in nodes}
    kept_apart = {pair for pair in apart if pair[0] in groups and pair[1] in groups}
    for one, other in sorted(kept_apart):
        groups[one].foes.setdefault(other, one)
        groups[other].foes.setdefault(one, other)
    conflicts: list[Conflict] = []
    person: set[str] = set()
    ordered = sorted(edges, key=lambda edge: (edge.by != "person", edge.order, edge.a, edge.b))
    for edge in ordered_edges(ordered):
        if edge.a not in groups or edge.b not in groups:
            continue
        if (edge.a, edge.b) in kept_apart:
            if edge.by == "rule":
                person.update((edge.a, edge.b))
            continue
        first, second = groups[edge.a], groups[edge.b]
        if first is not second:
            if len(first.members) < len(second.members):
                first, second = second, first
            foes = sorted(second.members & first.foes.keys())
            if foes:
                against = min(
                    tuple(sorted((foe, mine)))
                    for foe in foes
                    for mine in first.members
                    if tuple(sorted((foe, mine))) in kept_apart
                )
                conflicts.append(Conflict(edge, (against[0], against[1])))
                continue
            first.members |= second.members
            first.foes.update(second.foes)
            for member in second.members:
                groups[member] = first
        if edge.by == "person":
            person.update((edge.a, edge.b))
    members: dict[str, tuple[str, ...]] = {}
    of: dict[str, str] = {}
    for node in sorted(groups):
        if node not in of:
            found = tuple(sorted(groups[node].members))
            name = cluster_id(found)
            members[name] = found
            of.update(dict.fromkeys(found, name))
    decided = {node: "person" if node in person else "rule" for node in groups}
    return Clusters(members, of, decided, tuple(conflicts))


def ordered_edges(edges: list[Edge]) -> list[Edge]:
    """Each pair once: what a person says goes before what a rule says of the same pair."""
    seen: set[Pair] = set()
    kept = []
    for edge in edges:
        if (edge.a, edge.b) not in seen:
            seen.add((edge.a, edge.b))
            kept.append(edge)
    return kept


def pair(one: str, other: str) -> Pair:
    """In the order in which pairs are kept."""
    return (one, other) if one < other else (other, one)
