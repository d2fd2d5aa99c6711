"""A picture in numbers, without a trained network: what of it is where, how its edges run, its shape, its colours.

The picture is first cut to what is drawn on its ground, so neither margins nor scale matter. Then four parts, each a
vector of length 1:

- **layout**: the low frequencies of the discrete cosine transform, as in a perceptual hash, before they are made bits;
- **edges**: histograms of orientations in a grid (Dalal and Triggs 2005, HOG), blind to light on dark or dark on light;
- **shape**: a generic Fourier descriptor (Zhang and Lu 2002): magnitudes of the Fourier transform of the polar picture
  around the centre of what is drawn. Turning or mirroring the picture does not change it;
- **colours**: how much of what is drawn is of which colour.

All four stand one after the other in one vector; weights come when pictures are compared or put into the index.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Vector = NDArray[np.float32]
Plane = NDArray[np.float64]

VERSION = 1
"""Raised when the numbers change: pictures described by another version are not compared."""

SIDE = 64
"""Pixels of the square in which a picture is looked at."""
SEEN = 256
"""Longer side to which a picture is brought before anything else."""
FREQUENCIES = 8
CELLS, ORIENTATIONS = 4, 8
RINGS, TURNS, RADIAL, ANGULAR = 24, 64, 5, 9
"""Of the polar picture (rings × turns) and of its Fourier transform (lowest frequencies that are kept)."""
HUES, GREYS = 12, 4
INK = 0.12
"""Difference from the ground, of the greatest possible, from which something is drawn."""
SAME_GROUND = 0.75
"""Share of the border that has one colour, for that to be the ground."""

GAP = 0.03
"""Breadth of an empty band that cuts a picture in two, of its longer side."""
MOST = 0.6
"""Share of what is drawn that a part must have to stand for the whole."""

PARTS = {
    "layout": FREQUENCIES * FREQUENCIES - 1,
    "edges": CELLS * CELLS * ORIENTATIONS,
    "shape": RADIAL * ANGULAR - 1,
    "colours": HUES * 2 + GREYS,
}
"""Part → numbers in it, in the order in which they stand in the vector."""
LENGTH = sum(PARTS.values())
HASH_BITS = FREQUENCIES * FREQUENCIES


@cache
def slices() -> dict[str, slice]:
    """Where each part stands in the vector."""
    found, at = {}, 0
    for name, length in PARTS.items():
        found[name] = slice(at, at + length)
        at += length
    return found


@dataclass(frozen=True, slots=True)
class Description:
    vector: Vector
    """LENGTH numbers; each part of length 1, or all 0 where there is nothing to tell (a blank picture)."""
    hash: int
    """Perceptual hash of 64 bits, of the whole picture: near ones differ in few bits."""


def describe(picture: Image.Image) -> Description:
    """A picture in RGB."""
    small = picture.copy()
    small.thumbnail((SEEN, SEEN), Image.Resampling.BOX)
    colour = np.asarray(small, dtype=np.float64) / 255
    ink = _ink(colour)
    box = _box(ink)
    drawn = _square(ink[box])
    parts = {
        "layout": _low(drawn)[1:],
        "edges": _edges(drawn),
        "shape": _shape(drawn),
        "colours": _colours(colour[box], ink[box]),
    }
    vector = np.concatenate([_unit(parts[name]) for name in PARTS])
    return Description(vector.astype(np.float32), _hash(picture))


def main_piece(picture: Image.Image) -> Image.Image | None:
    """The larger part of a picture that an empty band cuts in two, as the figure above a word; None where none does, or
    neither part has most of what is drawn."""
    small = picture.copy()
    small.thumbnail((SEEN, SEEN), Image.Resampling.BOX)
    ink = _ink(np.asarray(small, dtype=np.float64) / 255)
    box = _box(ink)
    drawn = ink[box]
    if not drawn.any():
        return None
    cuts: list[tuple[int, int, int]] = []
    for axis in (0, 1):
        empty = np.concatenate([[0], (drawn.sum(axis=1 - axis) <= drawn.shape[1 - axis] * 0.005), [0]])
        edges = np.flatnonzero(np.diff(empty))
        cuts += [
            (int(end - start), axis, int(start + end) // 2) for start, end in zip(edges[::2], edges[1::2], strict=True)
        ]
    if not cuts or max(cuts)[0] < max(drawn.shape) * GAP:
        return None
    _, axis, at = max(cuts)
    parts = (drawn[:at], drawn[at:]) if axis == 0 else (drawn[:, :at], drawn[:, at:])
    first = parts[0].sum() >= parts[1].sum()
    if max(part.sum() for part in parts) < drawn.sum() * MOST:
        return None
    scale = picture.width / small.width, picture.height / small.height
    rows, columns = [box[0].start, box[0].stop], [box[1].start, box[1].stop]
    side = rows if axis == 0 else columns
    side[1 if first else 0] = side[0] + at
    return picture.crop(
        (int(columns[0] * scale[0]), int(rows[0] * scale[1]), round(columns[1] * scale[0]), round(rows[1] * scale[1]))
    )


def pack(vector: Vector) -> bytes:
    """Little-endian float32."""
    return np.asarray(vector, dtype="<f4").tobytes()


def unpack(stored: bytes) -> Vector:
    return np.frombuffer(stored, dtype="<f4").astype(np.float32)


def _unit(values: Plane) -> Plane:
    length = float(np.linalg.norm(values))
    return np.asarray(values / length if length > 1e-9 else np.zeros_like(values))


# ---------------------------------------------------------------------------------------- what is drawn on what


def _ink(colour: Plane) -> Plane:
    """How far each pixel is from the ground, 0 to 1. A picture without a ground is taken by its darkness."""
    border = np.concatenate([colour[0], colour[-1], colour[:, 0], colour[:, -1]])
    ground = np.median(border, axis=0)
    like = np.abs(border - ground).max(axis=1) < INK
    if like.mean() >= SAME_GROUND:
        away = np.abs(colour - ground).max(axis=2)
    else:
        grey = colour @ np.array([0.299, 0.587, 0.114])
        away = grey.max() - grey
    away = np.where(away < INK, 0.0, away)
    top = float(np.quantile(away[away > 0], 0.98)) if (away > 0).any() else 0.0
    # Recoloured, the same drawing is as far from its ground as before.
    return np.minimum(away / top, 1.0) if top else away


def _box(ink: Plane) -> tuple[slice, slice]:
    """The smallest box around what is drawn; specks in less than a two-hundredth of a side are left out."""
    rows, columns = (np.flatnonzero(ink.sum(axis=axis) > ink.shape[axis] * 0.005) for axis in (1, 0))
    if not rows.size or not columns.size:
        return slice(0, ink.shape[0]), slice(0, ink.shape[1])
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _square(ink: Plane) -> Plane:
    """Brought into the middle of a square without being stretched, with a margin of one sixteenth."""
    height, width = ink.shape
    room = SIDE - SIDE // 8
    scale = room / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    scaled = Image.fromarray((ink * 255).astype(np.uint8)).resize(size, Image.Resampling.BOX)
    square = np.zeros((SIDE, SIDE))
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = np.asarray(scaled, dtype=np.float64) / 255
    return square


# ---------------------------------------------------------------------------------------------------- the parts


@cache
def _cosines(length: int) -> Plane:
    """The first rows of the orthonormal cosine transform (type II)."""
    at = (np.arange(length) + 0.5) * np.pi / length
    rows = np.cos(np.arange(FREQUENCIES)[:, None] * at[None, :]) * np.sqrt(2 / length)
    rows[0] /= np.sqrt(2)
    return np.asarray(rows)


def _low(square: Plane) -> Plane:
    """Low frequencies, row by row."""
    rows = _cosines(square.shape[0])
    return np.asarray((rows @ square @ rows.T).ravel())


def _hash(picture: Image.Image) -> int:
    """The usual perceptual hash: 32 × 32 grey, low frequencies, each above the median or not."""
    grey = np.asarray(picture.convert("L").resize((32, 32), Image.Resampling.LANCZOS), dtype=np.float64)
    low = _low(grey)
    bits = low > np.median(low[1:])
    return int("".join("1" if bit else "0" for bit in bits), 2)


def _edges(square: Plane) -> Plane:
    smooth = _blurred(square)
    down, right = np.gradient(smooth)
    strength = np.hypot(down, right)
    turned = np.mod(np.arctan2(down, right), np.pi) / np.pi * ORIENTATIONS
    lower = np.floor(turned).astype(int) % ORIENTATIONS
    share = turned - np.floor(turned)
    planes = np.zeros((ORIENTATIONS, SIDE, SIDE))
    y, x = np.indices(square.shape)
    np.add.at(planes, (lower, y, x), strength * (1 - share))
    np.add.at(planes, ((lower + 1) % ORIENTATIONS, y, x), strength * share)
    # Cells overlap: half of each also counts for its neighbours, so a small shift changes little.
    weights = _cells()
    cells = np.einsum("cy,oyx,dx->cdo", weights, planes, weights)
    return np.asarray(np.sqrt(cells.ravel()))


@cache
def _cells() -> Plane:
    """How much a row counts for each row of cells: a tent over the cell's middle."""
    middle = (np.arange(CELLS) + 0.5) * SIDE / CELLS
    away = np.abs(np.arange(SIDE)[None, :] + 0.5 - middle[:, None]) / (SIDE / CELLS)
    return np.maximum(0.0, 1.0 - away)


def _blurred(square: Plane) -> Plane:
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    padded = np.pad(square, 2)
    rows = sum(weight * padded[:, at : at + SIDE] for at, weight in enumerate(kernel))
    return np.asarray(sum(weight * rows[at : at + SIDE] for at, weight in enumerate(kernel)))


def _shape(square: Plane) -> Plane:
    total = square.sum()
    if not total:
        return np.zeros(PARTS["shape"])
    y, x = np.indices(square.shape)
    middle_y, middle_x = (square * y).sum() / total, (square * x).sum() / total
    drawn = square > 0.1
    reach = float(np.hypot(y - middle_y, x - middle_x)[drawn].max(initial=1.0)) or 1.0
    radius = (np.arange(RINGS) + 0.5) / RINGS * reach
    angle = np.arange(TURNS) * 2 * np.pi / TURNS
    at_y = middle_y + radius[:, None] * np.sin(angle)[None, :]
    at_x = middle_x + radius[:, None] * np.cos(angle)[None, :]
    polar = _sampled(_blurred(square), at_y, at_x)
    found = np.abs(np.fft.fft2(polar))[:RADIAL, :ANGULAR].ravel()
    # The first is how much is drawn at all: the others are told in shares of it, and the small ones lifted.
    return np.sqrt(found[1:] / max(float(found[0]), 1e-9))


def _sampled(square: Plane, y: Plane, x: Plane) -> Plane:
    """Between pixels, by all four neighbours; nothing is drawn outside."""
    padded = np.pad(square, 1)
    y, x = np.clip(y + 1, 0, SIDE), np.clip(x + 1, 0, SIDE)
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    down, right = y - top, x - left
    return np.asarray(
        padded[top, left] * (1 - down) * (1 - right)
        + padded[top, left + 1] * (1 - down) * right
        + padded[top + 1, left] * down * (1 - right)
        + padded[top + 1, left + 1] * down * right
    )


def _colours(colour: Plane, ink: Plane) -> Plane:
    """Shares of twelve hues, light and dark, and of four greys among what is drawn."""
    weight = ink.ravel()
    pixels = colour.reshape(-1, 3)
    high, low = pixels.max(axis=1), pixels.min(axis=1)
    chroma = high - low
    red, green, blue = pixels.T
    spread = np.where(chroma > 1e-9, chroma, 1.0)
    hue = np.where(
        high == red,
        np.mod((green - blue) / spread, 6),
        np.where(high == green, (blue - red) / spread + 2, (red - green) / spread + 4),
    )
    coloured = chroma > 0.15
    found = np.zeros(PARTS["colours"])
    place = np.minimum((hue * HUES / 6 + 0.5).astype(int) % HUES, HUES - 1) * 2 + (high > 0.6)
    np.add.at(found, place[coloured], weight[coloured])
    grey = HUES * 2 + np.minimum((high * GREYS).astype(int), GREYS - 1)
    np.add.at(found, grey[~coloured], weight[~coloured])
    return np.sqrt(found)
