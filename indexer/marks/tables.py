"""Reads the tables of this package: tab-separated, `#` comments, a header line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from common.errors import ConfigurationError


def rows(path: Path) -> Iterator[tuple[str, ...]]:
    """Cells of each row, the header left out. Raises ConfigurationError for a row with too many or too few."""
    width = 0
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = tuple(line.split("\t"))
        if not width:
            width = len(cells)
            continue
        if len(cells) != width:
            raise ConfigurationError(
                f"{path.name}, line {number}: {len(cells)} cells, the header has {width}.",
                remedy="Put one tab between two cells, and leave a cell empty where there is nothing to say.",
            )
        yield cells
