"""Reading the data files beside the code: tab-separated, a header line, `#` for comments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from common.errors import ConfigurationError

FOLDER = Path(__file__).parent / "tables"


def rows(name: str, folder: Path = FOLDER) -> Iterator[dict[str, str]]:
    """Rows of `tables/NAME.tsv` as mappings from column to text; missing columns at the end are empty.

    Raises ConfigurationError where a row has more cells than the header.
    """
    path = folder / f"{name}.tsv"
    header: list[str] | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if header is None:
            header = cells
            continue
        if len(cells) > len(header):
            raise ConfigurationError(
                f"{path.name}, line {number}: {len(cells)} cells under {len(header)} headings.",
                remedy="Separate the cells by one tab each.",
            )
        yield dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=True))
