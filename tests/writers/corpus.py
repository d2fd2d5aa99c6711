"""Records to write: every one that the readers find in the samples and in the real files beside the project."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

from cli.load import _options
from common.errors import InputError
from indexer.formats import containers, sniff
from indexer.formats.draft import Draft
from indexer.formats.reading import Context
from indexer.formats.table import FORMATS, by_name
from indexer.harmonise import Origin, harmonise
from indexer.record import Record

PROJECT = Path(__file__).resolve().parents[2]
SAMPLES = PROJECT / "samples"
REAL = PROJECT.parent / "shared" / "data"
Options = tuple[tuple[str, str], ...]
MOST = 6
"""Records taken of one file: gazettes repeat themselves two thousand times."""


@lru_cache(maxsize=1)
def samples(most: int | None = MOST) -> tuple[Record, ...]:
    """`most`: records of one file; None: all."""
    found: list[Record] = []
    for row in tomllib.loads((SAMPLES / "deliveries.toml").read_text(encoding="utf-8"))["delivery"]:
        options = _options(SAMPLES / row["column_map"]) if "column_map" in row else ()
        folder = SAMPLES / "deliveries" / row["folder"]
        found += _records(folder, row["provider"], row.get("collection", "x"), options, most)
    return tuple(found)


@lru_cache(maxsize=1)
def real(most: int | None = MOST) -> tuple[Record, ...]:
    assert REAL.is_dir(), "real files are expected in ../shared/data beside the project"
    found: list[Record] = []
    with (REAL / "INDEX.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            code = row["office"][:2].upper()
            path = REAL / row["path"]
            if path.is_file():
                found += _records(path, code if len(code) == 2 and code.isalpha() else "EP", "x", (), most)
    return tuple(found)


def _records(path: Path, provider: str, collection: str, options: Options, most: int | None) -> Iterator[Record]:
    for member in containers.members(path):
        if isinstance(member, InputError) or member.kind != "record":
            continue
        try:
            csv_file = options and not member.signature.root and not member.signature.json_keys
            row = by_name("concord-csv") if csv_file else sniff.recognise(member.signature, FORMATS, member.place)
            with member.open() as stream:
                data = stream.read()
            drafts = row.read(io.BytesIO(data), Context(member.file, member.member, provider, options))
            for draft in islice(drafts, most):
                if isinstance(draft, Draft) and (record := _harmonised(draft, provider, collection, row.name)):
                    yield record
        except InputError:
            continue


def _harmonised(draft: Draft, provider: str, collection: str, format: str) -> Record | None:
    origin = Origin(
        provider, f"{provider}-{draft.right}-{collection}".lower(), provider, 1, "f", "", 0, "0" * 64, format, 1
    )
    try:
        found = harmonise(draft, origin)
    except InputError:
        return None
    return found if isinstance(found, Record) else None
