"""Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): each list gives 1 / (60 + rank)."""

from __future__ import annotations

from collections.abc import Sequence

RANK_CONSTANT = 60


def fuse(lists: Sequence[Sequence[str]]) -> list[tuple[str, float]]:
    """(id, score), best first; equal scores by id, so that the order is the same every time."""
    scores: dict[str, float] = {}
    for ranked in lists:
        for rank, name in enumerate(ranked, 1):
            scores[name] = scores.get(name, 0.0) + 1 / (RANK_CONSTANT + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
