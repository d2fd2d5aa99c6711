"""What becomes of records in a format: written, valid, read back whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from lxml import etree

from api.exchange.writers import UnwritableRecord, write
from api.exchange.writers.verify import UNEXPLAINED
from indexer.record import Record, Right
from tests.writers.corpus import REAL

SCHEMAS = {
    Right.PATENT: ("PatentPublication", "BibliographicData"),
    Right.TRADEMARK: ("TrademarkApplication",),
    Right.DESIGN: ("DesignApplication",),
    Right.COPYRIGHT: ("CopyrightOrphanWork",),
    Right.GI: ("GIApplication", "GeographicalIndication"),
}
"""Documents of ST.96 that the writer makes of each right."""


@lru_cache(maxsize=8)
def schemas(right: Right, folder: Path = REAL / "xsd" / "st96_v6_0_flattened") -> tuple[etree.XMLSchema, ...]:
    return tuple(etree.XMLSchema(etree.parse(folder / f"{name}_V6_0.xsd")) for name in SCHEMAS[right])


def valid(right: Right, data: bytes) -> bool:
    document = etree.fromstring(data)
    return any(schema.validate(document) for schema in schemas(right))


@dataclass
class Count:
    """Of records in one format."""

    records: int = 0
    written: int = 0
    valid: int = 0
    whole: int = 0
    unexplained: int = 0
    missing: Counter[str] = field(default_factory=Counter)


def counted(records: Iterable[Record], format: str) -> Count:
    found = Count()
    for record in records:
        found.records += 1
        try:
            written = write(record, format)
        except UnwritableRecord as error:
            found.missing.update({name for name, _ in error.missing})
            continue
        found.written += 1
        found.valid += format == "st96" and valid(record.right, written.data)
        found.whole += not written.lost
        found.unexplained += any(loss.reason == UNEXPLAINED for loss in written.lost)
    return found
