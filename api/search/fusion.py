"""Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): each list gives weight / (constant + rank)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RANK_CONSTANT = 60


@dataclass(frozen=True, slots=True)
class Ranked:
    """A list of ids, best first, and what a place in it is worth."""

    ids: Sequence[str]
    weight: float = 1.0
    constant: int = RANK_CONSTANT
    """The smaller, the more the first places are worth against later ones."""
    shares: Sequence[float] | None = None
    """For each id how much of the weight it deserves, 0 to 1; None: all of it."""


def fuse(lists: Sequence[Ranked]) -> list[tuple[str, float]]:
    """(id, score), best first; equal scores by id, so that the order is the same every time."""
    scores: dict[str, float] = {}
    for ranked in lists:
        weight, constant, shares = ranked.weight, ranked.constant, ranked.shares
        for rank, name in enumerate(ranked.ids, 1):
            share = weight if shares is None else shares[rank - 1] * weight
            scores[name] = scores.get(name, 0.0) + share / (constant + rank)
    return [(name, -negative) for negative, name in sorted((-score, name) for name, score in scores.items())]
