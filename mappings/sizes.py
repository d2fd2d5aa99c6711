"""How an index is cut and kept by its size: the rows of sizes.toml, and what they come to."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

Vectors = Literal["float32", "seven_bits", "on_disk"]
Json = dict[str, Any]

LINKS = 2 * 16 * 4 * 1.07
"""Bytes of a vector's links in a graph with m = 16: 2 × m of 4 bytes on the lowest level, 7 % more on those above."""
BYTES_A_DIMENSION: dict[Vectors, float] = {"float32": 4, "seven_bits": 1, "on_disk": 1 / 8}
"""Of a vector in memory. Quantised ones lie on disk whole as well."""


@dataclass(frozen=True, slots=True)
class Size:
    """One row of sizes.toml."""

    right: str
    up_to: int
    shards: int
    replicas: str
    refresh: int
    segment: int
    vectors: Vectors

    @property
    def settings(self) -> Json:
        """Settings of an index of this size, below `index`."""
        return {
            "number_of_shards": self.shards,
            "auto_expand_replicas": self.replicas,
            "refresh_interval": f"{self.refresh}s",
            "merge.policy.max_merged_segment": f"{self.segment}gb",
        }

    def gb_a_shard(self, dimension: int) -> float:
        """Of a primary when `up_to` records are held (reckoned)."""
        each = bytes_a_record()[self.right] + on_disk(self.vectors, dimension)
        return self.up_to * each / self.shards / 1e9

    def gb_of_vectors(self, dimension: int) -> float:
        """That a search of all primaries reads through memory when `up_to` records are held (reckoned)."""
        return self.up_to * (dimension * BYTES_A_DIMENSION[self.vectors] + LINKS) / 1e9


def on_disk(vectors: Vectors, dimension: int) -> float:
    """Bytes of a vector with its links on disk (reckoned)."""
    quantised = 0.0 if vectors == "float32" else dimension * BYTES_A_DIMENSION[vectors]
    return dimension * 4 + quantised + LINKS


def sizes(right: str) -> tuple[Size, ...]:
    """The rows of a right, from small to large."""
    return tuple(Size(right=right, **row) for row in _table()[right])


def size_for(right: str, records: int, *, native: bool) -> Size:
    """The row for so many records; the last one where there are more than it is made for. `native`: whether every node
    has the native libraries of k-NN."""
    rows = sizes(right)
    row = next((row for row in rows if records <= row.up_to), rows[-1])
    return row if native or row.vectors != "on_disk" else replace(row, vectors="seven_bits")


def bytes_a_record() -> dict[str, int]:
    found: dict[str, int] = _table()["bytes_a_record"]
    return found


def most_gb_a_shard() -> float:
    return float(_table()["gb_a_shard"])


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "sizes.toml").read_text("utf-8"))
