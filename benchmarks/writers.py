"""How many records can be written in which format, are valid, and come back whole: the table of docs/benchmarks.md.

    python -m benchmarks.writers [MOST]

Of all records of the samples and of ../shared/data, or of at most MOST of each file. written: had what the format
requires; valid: against the schemas of ST.96 V6.0 in ../shared/data/xsd; whole: read again, the same record field by
field; said: the rest, each difference of which api/exchange/writers/losses.toml explains. unexplained must be nothing.
"""

from __future__ import annotations

import sys

from api.exchange.writers import FORMATS
from tests.writers.corpus import real, samples
from tests.writers.counts import counted


def main(most: int | None) -> None:
    print("| format | right | from | records | written | valid | whole | said | unexplained | most often missing |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, source in (("samples", samples), ("real files", real)):
        held = source(most)
        for format, row in FORMATS.items():
            for right in row.writers:
                found = counted((record for record in held if record.right is right), format)
                if not found.records:
                    continue
                cells = (
                    *(format, right, name, f"{found.records:,}", f"{found.written:,}"),
                    f"{found.valid:,}" if format == "st96" else "",
                    *(f"{found.whole:,}", f"{found.written - found.whole:,}", f"{found.unexplained:,}"),
                    ", ".join(f"{field} {n:,}" for field, n in found.missing.most_common(2)),
                )
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else None)
