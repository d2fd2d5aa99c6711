"""Two pictures side by side: how alike they are, from 0 to 1, and in what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from api.search.similar.tables import PictureWeights, picture_weights
from indexer.images.describe import PARTS, Description, Vector, slices

Scores = NDArray[np.float64]

Kind = Literal["same-file", "same-picture", "layout", "edges", "shape", "turned", "recoloured", "colours"]
KINDS: tuple[Kind, ...] = (
    *("same-file", "same-picture", "layout", "edges", "shape", "turned", "recoloured", "colours"),
)


@dataclass(frozen=True, slots=True)
class Reason:
    """In what two pictures are alike. `turned`: the same shape, turned or mirrored. `recoloured`: the same drawing in
    other colours. `same-picture`: perceptual hashes that hardly differ."""

    part: Kind
    score: float


@dataclass(frozen=True, slots=True)
class Likeness:
    score: float
    parts: dict[str, float]
    reasons: list[Reason]


def queries(wanted: Sequence[Vector]) -> list[list[float]]:
    """Vectors by which candidates are looked for in the index, of unit length: all parts together, what stands where,
    and the shape, of each description. A part that a vector leaves out does not count in its inner product."""
    found = []
    for vector in wanted:
        for names in (tuple(PARTS), ("layout", "edges"), ("shape",)):
            asked = np.zeros_like(vector)
            for name in names:
                asked[slices()[name]] = vector[slices()[name]]
            length = float(np.linalg.norm(asked))
            if length > 0:
                found.append([round(float(value) / length, 6) for value in asked])
    return found


def scores(wanted: Vector, found: NDArray[np.float32], by: PictureWeights | None = None) -> tuple[Scores, Scores]:
    """(score of each row of `found`; its parts, a row each, in the order of PARTS)."""
    chosen = by or picture_weights()
    parts = np.empty((len(found), len(PARTS)))
    for number, name in enumerate(PARTS):
        cosine = found[:, slices()[name]].astype(np.float64) @ wanted[slices()[name]].astype(np.float64)
        nothing = getattr(chosen, name)
        parts[:, number] = np.clip((cosine - nothing) / (1 - nothing), 0.0, 1.0)
    layout, edges, shape, colours = parts.T
    placed, turned = (layout + edges) / 2, shape * chosen.shape_alone
    best, other = np.maximum(placed, turned), np.minimum(placed, shape)
    return chosen.best * best + chosen.second * other + chosen.colours_weight * colours, parts


def best_of(wanted: Sequence[Description], found: NDArray[np.float32]) -> tuple[Scores, Scores]:
    """As `scores`, for a picture and (after it) its largest piece: the better of the two for each row."""
    weights = picture_weights()
    total, parts = scores(wanted[0].vector, found, weights)
    for piece in wanted[1:]:
        pieced, of_piece = scores(piece.vector, found, weights)
        better = pieced * weights.piece > total
        total = np.where(better, pieced * weights.piece, total)
        parts = np.where(better[:, None], of_piece, parts)
    return total, parts


def told(score: float, parts: Scores, *, same_file: bool, bits: int | None) -> Likeness:
    """A likeness with its reasons, the strongest first. `bits`: in which the perceptual hashes differ."""
    weights = picture_weights()
    named = {name: round(float(value), 3) for name, value in zip(PARTS, parts, strict=True)}
    reasons: list[Reason] = []
    if same_file:
        reasons.append(Reason("same-file", 1.0))
    elif bits is not None and bits <= weights.same:
        reasons.append(Reason("same-picture", round(1 - bits / 64, 3)))
    placed = (named["layout"] + named["edges"]) / 2
    if named["shape"] >= weights.reason and named["shape"] > placed + 0.2:
        reasons.append(Reason("turned", named["shape"]))
    else:
        alike: tuple[Kind, ...] = ("layout", "edges", "shape")
        reasons += [Reason(name, named[name]) for name in alike if named[name] >= weights.reason]
    if named["colours"] >= weights.reason:
        reasons.append(Reason("colours", named["colours"]))
    elif placed >= weights.drawing and named["colours"] < 0.3:
        reasons.append(Reason("recoloured", round(placed, 3)))
    reasons.sort(key=lambda reason: -reason.score)
    return Likeness(round(min(score, 1.0), 4), named, reasons)
