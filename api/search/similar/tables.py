"""The tables of this package, read once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from api.search.expansion.bank import Bank, bank
from common.messages import say
from indexer.marks.sounds import latin, words
from indexer.marks.tables import rows

TABLES = Path(__file__).parent / "tables"


@dataclass(frozen=True, slots=True)
class Weights:
    """weights.toml; what each means stands there."""

    sound: float
    look: float
    meaning: float
    best: float
    alone: float
    cover: float
    floor: float
    exact: float
    coarse: float
    bones: float
    no_vowels: float
    shown: float


@cache
def weights() -> Weights:
    table: dict[str, Any] = tomllib.loads((TABLES / "weights.toml").read_text("utf-8"))
    parts, sound, combine = table["parts"], table["sound"], table["combine"]
    return Weights(
        **parts,
        **combine,
        floor=table["goods"]["floor"],
        **sound,
        shown=table["limits"]["shown"],
    )


@dataclass(frozen=True, slots=True)
class PictureWeights:
    """pictures.toml; what each means stands there."""

    layout: float
    edges: float
    shape: float
    colours: float
    best: float
    second: float
    colours_weight: float
    shape_alone: float
    piece: float
    shown: float
    reason: float
    drawing: float
    same: int


@cache
def picture_weights() -> PictureWeights:
    table: dict[str, Any] = tomllib.loads((TABLES / "pictures.toml").read_text("utf-8"))
    combine = table["combine"]
    return PictureWeights(
        **table["nothing"],
        **table["limits"],
        best=combine["best"],
        second=combine["second"],
        colours_weight=combine["colours"],
        shape_alone=combine["shape"],
        piece=combine["piece"],
    )


@cache
def meanings() -> Bank:
    """The term bank of the search with the names of things that marks are made of."""
    return bank(TABLES / "signs.tsv")


@cache
def weak_words() -> dict[str, float]:
    """Word in its Latin form → what it counts beside another of its length."""
    return {latin(word): float(weight) for word, weight in rows(TABLES / "weak_words.tsv")}


SAME_CLASS = say("similar.same-class")
UNRELATED = say("similar.unrelated-goods")


@dataclass(frozen=True, slots=True)
class Related:
    """Goods of two Nice classes: how near, and why."""

    wanted: str
    found: str
    strength: float
    """1 for the same class, 0 for classes that the table does not relate."""
    reason: str


@cache
def _related() -> dict[str, dict[str, tuple[float, str]]]:
    table: dict[str, dict[str, tuple[float, str]]] = {}
    for one, other, strength, reason in rows(TABLES / "nice_related.tsv"):
        for a, b in ((one, other), (other, one)):
            table.setdefault(a, {})[b] = (float(strength), reason)
    return table


def related_reasons() -> list[str]:
    """Every reason of the table once; the pages say them in their reader's language."""
    return list(dict.fromkeys(reason for found in _related().values() for _, reason in found.values()))


def related_classes(symbol: str) -> dict[str, tuple[float, str]]:
    """Nice classes related to one, with strength and reason."""
    return _related().get(symbol, {})


def goods(wanted: tuple[str, ...], found: tuple[str, ...]) -> Related | None:
    """The nearest pair of classes; None where either side names none."""
    if not wanted or not found:
        return None
    best = Related(wanted[0], found[0], 0.0, UNRELATED)
    for a in wanted:
        for b in found:
            strength, reason = (1.0, SAME_CLASS) if a == b else related_classes(a).get(b, (0.0, ""))
            if strength > best.strength:
                best = Related(a, b, strength, reason)
    return best


@dataclass(frozen=True, slots=True)
class Nickname:
    written: str
    mark: str
    language: str
    kind: str
    """nickname or local name."""


@cache
def _nicknames() -> dict[str, list[Nickname]]:
    table: dict[str, list[Nickname]] = {}
    for written, mark, language, kind in rows(TABLES / "nicknames.tsv"):
        table.setdefault("".join(words(written)), []).append(Nickname(written, mark, language, kind))
    return table


def nicknames(mark: str) -> list[Nickname]:
    """Marks that the public may mean by this name."""
    return _nicknames().get("".join(words(mark)), [])
