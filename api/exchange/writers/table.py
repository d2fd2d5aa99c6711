"""The table of formats that can be written, by name, and the one function that writes a record in any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from api.exchange.writers import (
    csv_table,
    json_lines,
    st36,
    st66,
    st86,
    st96_copyright,
    st96_design,
    st96_gi,
    st96_patent,
    st96_trademark,
    st97,
    verify,
)
from api.exchange.writers.result import Missing, Written, unwritable
from common.errors import UsageError
from common.messages import say
from indexer.record import Record, Right

Writer = Callable[[Record], bytes]

ST96: dict[Right, Writer] = {
    Right.PATENT: st96_patent.write,
    Right.TRADEMARK: st96_trademark.write,
    Right.DESIGN: st96_design.write,
    Right.COPYRIGHT: st96_copyright.write,
    Right.GI: st96_gi.write,
}


def _as_json(writer: Writer) -> Writer:
    return lambda record: st97.convert(writer(record))


@dataclass(frozen=True, slots=True)
class OutFormat:
    """One row: what a format is called, what it writes, and of which rights."""

    name: str
    title: str
    media_type: str
    extension: str
    writers: dict[Right, Writer]
    bulk: bool = False
    """Whether one file holds many records (`write_many`); else there is one file a record."""


FORMATS: dict[str, OutFormat] = {
    row.name: row
    for row in (
        OutFormat("st96", "WIPO ST.96 V6.0 XML", "application/xml", "xml", ST96),
        OutFormat("st36", "WIPO ST.36 XML", "application/xml", "xml", {Right.PATENT: st36.write}),
        OutFormat("st66", "WIPO ST.66 (TM-XML)", "application/xml", "xml", {Right.TRADEMARK: st66.write}),
        OutFormat("st86", "WIPO ST.86 (DS-XML)", "application/xml", "xml", {Right.DESIGN: st86.write}),
        OutFormat(
            "st97",
            "ST.97-style JSON of ST.96",
            "application/json",
            "json",
            {right: _as_json(writer) for right, writer in ST96.items()},
        ),
        OutFormat(
            "json",
            "The platform's own JSON lines",
            "application/jsonl",
            "jsonl",
            dict.fromkeys(Right, json_lines.write),
            bulk=True,
        ),
        OutFormat(
            "csv", "CSV, headings of the platform", "text/csv", "csv", dict.fromkeys(Right, csv_table.write), bulk=True
        ),
    )
}  # fmt: skip


def media_type(format: str) -> str:
    return _row(format).media_type


def _row(format: str) -> OutFormat:
    try:
        return FORMATS[format]
    except KeyError:
        raise UsageError(say("exports.no-format", format=format, formats=list(FORMATS))) from None


def write(record: Record, format: str, *, verified: bool = True) -> Written:
    """`record` in `format`.

    `verified`: read back and compared, so that `lost` is known; without it `lost` is empty and the record is written
    in about a third of the time. Raises UnwritableRecord where the record lacks what the format requires, or is of a
    right that the format does not know; UsageError for a format that there is not.
    """
    row = _row(format)
    writer = row.writers.get(record.right)
    if writer is None:
        rights = ", ".join(row.writers)
        raise unwritable(format, record.id, [Missing("right", f"{row.title} is a format of {rights} records")])
    data = writer(record)
    lost = verify.losses(format, record, data) if verified else ()
    return Written(format, data, row.media_type, row.extension, lost)


def write_many(records: Iterable[Record], format: str) -> Iterator[bytes]:
    """The pieces of one file with all `records`, for a format that has such files. Raises UsageError for another."""
    row = _row(format)
    if not row.bulk:
        raise UsageError(say("exports.one-record-a-file", format=row.title))
    if row.name == "csv":
        yield from csv_table.table(records)
    else:
        for record in records:
            yield json_lines.write(record)
