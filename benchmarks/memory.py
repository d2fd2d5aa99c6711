"""Resident memory while reading a file of any size: made as it is read, so that only the reader's memory counts.

    python -m benchmarks.memory [MEGABYTES] [st66|json|csv] [--json FILE]

Prints one JSON object: megabytes read, records, seconds, and the process's largest resident size in MiB, after a tenth
and at the end: memory that grows with the file shows as more than 1 between the two.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from common.errors import InputError
from indexer.formats.reading import Context
from indexer.formats.table import by_name

MIB = 1024 * 1024


def st66(number: int) -> bytes:
    goods = "".join(
        f'<GoodsServicesDescription languageCode="{tag}">goods {number} {"and services for testing " * 12}'
        "</GoodsServicesDescription>"
        for tag in ("bg", "de", "en", "es", "fr", "it", "pl", "sv")
    )
    return (
        '<TransactionContentDetails><TransactionData><TradeMarkDetails><TradeMark operationCode="Insert">'
        f"<RegistrationOfficeCode>EM</RegistrationOfficeCode><ApplicationNumber>{number:09d}</ApplicationNumber>"
        "<ApplicationDate>2020-01-02</ApplicationDate><WordMarkSpecification><MarkVerbalElementText>SAMPLE"
        f" {number}</MarkVerbalElementText></WordMarkSpecification><GoodsServicesDetails><GoodsServices>"
        "<ClassDescriptionDetails><ClassDescription><ClassNumber>9</ClassNumber>"
        f"{goods}</ClassDescription></ClassDescriptionDetails></GoodsServices></GoodsServicesDetails>"
        "</TradeMark></TradeMarkDetails></TransactionData></TransactionContentDetails>\n"
    ).encode()


def json_line(number: int) -> bytes:
    record = {
        "concord_record": 1,
        "right": "patent",
        "office": "XX",
        "numbers": [{"type": "publication", "raw": f"{number:09d}"}],
        "texts": [{"type": "abstract", "text": "a sample of text " * 150, "language": "en"}],
    }
    return json.dumps(record).encode() + b"\n"


def csv_row(number: int) -> bytes:
    return f'patent,XX,{number:09d},"{"a sample of text, " * 150}"\n'.encode()


KINDS: dict[str, tuple[str, bytes, Callable[[int], bytes], bytes]] = {
    "st66": (
        "st66-trademark",
        b'<?xml version="1.0"?><Transaction xmlns="urn:sample"><TradeMarkTransactionBody>\n',
        st66,
        b"</TradeMarkTransactionBody></Transaction>",
    ),
    "json": ("concord-json-lines", b"", json_line, b""),
    "csv": ("concord-csv", b"right,office,number.publication,text.abstract@en\n", csv_row, b""),
}


class Made(io.RawIOBase):
    """A stream of so many bytes that is made while it is read."""

    def __init__(self, size: int, top: bytes, record: Callable[[int], bytes], end: bytes) -> None:
        self.parts = self.make(size, top, record, end)
        self.left = b""
        self.length = 0

    @staticmethod
    def make(size: int, top: bytes, record: Callable[[int], bytes], end: bytes) -> Iterator[bytes]:
        yield top
        made = number = 0
        while made < size:
            batch = b"".join(record(number + i) for i in range(50))
            number += 50
            made += len(batch)
            yield batch
        yield end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        while not self.left:
            part = next(self.parts, None)
            if part is None:
                return 0
            self.left = part
        taken = self.left[: len(view)]
        self.left = self.left[len(taken) :]
        view[: len(taken)] = taken
        self.length += len(taken)
        return len(taken)


def largest_resident_mib() -> float:
    """Of this program; the resource module's figure would include what the parent held when it forked."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    if match is None:
        raise RuntimeError("this system does not say how much memory a process held")
    return round(int(match.group(1)) / 1024, 1)


def measure(megabytes: int, kind: str = "st66") -> dict[str, float]:
    """Read so many megabytes of `kind`. Raises AssertionError where a record is lost."""
    name, top, record, end = KINDS[kind]
    made = Made(megabytes * MIB, top, record, end)
    started, count, early = time.perf_counter(), 0, 0.0
    for outcome in by_name(name).read(cast(BinaryIO, io.BufferedReader(made, MIB)), Context("made")):
        if isinstance(outcome, InputError):
            raise AssertionError(str(outcome))
        count += 1
        if not early and made.length >= megabytes * MIB // 10:
            early = largest_resident_mib()
    return {
        "megabytes": round(made.length / MIB, 1),
        "records": count,
        "seconds": round(time.perf_counter() - started, 2),
        "largest_resident_mib_after_a_tenth": early,
        "largest_resident_mib": largest_resident_mib(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("megabytes", type=int, nargs="?", default=500)
    parser.add_argument("kind", nargs="?", default="st66", choices=tuple(KINDS))
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    text = json.dumps(measure(options.megabytes, options.kind))
    print(text)
    if options.json:
        options.json.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
