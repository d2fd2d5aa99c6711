"""Files that records are written into as they come: memory does not grow with their number.

A table's columns are those that any record needs, known only at the end: its rows wait on disk till then.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import quote

import orjson
import xlsxwriter

from api.exchange.writers import FORMATS, UnwritableRecord, write
from api.exchange.writers.csv_table import line, ordered, row_of
from api.exports import ris
from api.exports.report import Report
from common.errors import UsageError
from common.messages import say
from indexer.record import Record

UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
LONGEST_CELL = 32_767
MOST_ROWS = 1_048_575
MOST_COLUMNS = 16_384
"""Limits of the spreadsheet format (ECMA-376, Excel's specifications)."""
CUT = "a cell of a spreadsheet holds 32,767 characters; the rest is left out"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Sink(Protocol):
    """Takes records and writes them. `close` ends the file; without it there is none to be used."""

    report: Report

    def add(self, record: Record) -> None: ...

    def close(self) -> None: ...


ALIASES = {"jsonl": "json"}
NAMES = (*FORMATS, "jsonl", "xlsx", "ris")
"""What an export may be written as."""


def check(format: str) -> str:
    """The format's own name. Raises UsageError for one that there is not."""
    if format not in NAMES:
        raise UsageError(say("exports.no-format", format=format, formats=list(NAMES)))
    return ALIASES.get(format, format)


def kind_of(format: str) -> tuple[str, str]:
    """(extension, media type) of the one file that an export is."""
    if format == "xlsx":
        return "xlsx", XLSX
    if format == "ris":
        return "ris", "application/x-research-info-systems"
    row = FORMATS[format]
    return (row.extension, row.media_type) if row.bulk else ("zip", "application/zip")


def open_sink(format: str, path: Path) -> Sink:
    """One file of all records: bulk formats as they are, the others as a zip with a member a record."""
    if format == "xlsx":
        return Sheet(path)
    if format == "csv":
        return Table(path)
    if format == "ris" or FORMATS[format].bulk:
        return Lines(format, path)
    return Zip(format, path)


class Lines:
    """JSON lines and RIS: one entry after the other."""

    def __init__(self, format: str, path: Path) -> None:
        self.report = Report(files=1)
        self._format = format
        self._file = path.open("wb")

    def add(self, record: Record) -> None:
        if self._format == "ris":
            self._file.write(ris.entry(record))
        else:
            written = write(record, self._format)
            self.report.add_losses(written.lost)
            self._file.write(written.data)
        self.report.written += 1

    def close(self) -> None:
        self._file.close()


class Table:
    """CSV in the platform's own headings, which it reads again; safe to open in a spreadsheet."""

    def __init__(self, path: Path) -> None:
        self.report = Report(files=1)
        self._path = path
        self._rows = _Rows(path.with_name(path.name + ".rows"))

    def add(self, record: Record) -> None:
        self.report.add_losses(write(record, "csv").lost)
        self._rows.add(record)
        self.report.written += 1

    def close(self) -> None:
        columns = self._rows.columns()
        with self._path.open("wb") as file:
            file.write(line(columns))
            for row in self._rows:
                file.write(line([row.get(name, "") for name in columns]))
        self._rows.close()


class Sheet:
    """The same table as a spreadsheet. Every cell is text, so none is computed."""

    def __init__(self, path: Path) -> None:
        self.report = Report(files=1)
        self._path = path
        self._rows = _Rows(path.with_name(path.name + ".rows"))

    def add(self, record: Record) -> None:
        if self.report.written >= MOST_ROWS:
            self.report.add_unwritten(record.id, f"a spreadsheet holds {MOST_ROWS:,} records")
            return
        row = self._rows.add(record)
        for name, value in row.items():
            if len(value) > LONGEST_CELL:
                self.report.lost[name, CUT] = self.report.lost.get((name, CUT), 0) + 1
        self.report.written += 1

    def close(self) -> None:
        columns = self._rows.columns()[:MOST_COLUMNS]
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        with xlsxwriter.Workbook(str(self._path), options) as book:
            sheet = book.add_worksheet("records")
            sheet.freeze_panes(1, 0)
            bold = book.add_format({"bold": True})
            for place, name in enumerate(columns):
                sheet.write_string(0, place, name, bold)
            for number, row in enumerate(self._rows, 1):
                for place, name in enumerate(columns):
                    if name in row:
                        sheet.write_string(number, place, row[name][:LONGEST_CELL])
        self._rows.close()


class _Rows:
    """Rows of a table on disk, and the columns that they need."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] = path.open("wb+")
        self._columns: dict[str, None] = {}

    def add(self, record: Record) -> dict[str, str]:
        row = row_of(record)
        self._columns.update(dict.fromkeys(row))
        self._file.write(orjson.dumps(row) + b"\n")
        return row

    def columns(self) -> list[str]:
        return ordered(self._columns)

    def __iter__(self) -> Iterator[dict[str, str]]:
        self._file.seek(0)
        for text in self._file:
            yield orjson.loads(text)

    def close(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class Zip:
    """One member a record, and `report.json`: what could not be written and what the format cannot carry."""

    def __init__(self, format: str, path: Path) -> None:
        self.report = Report()
        self._format = format
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)

    def add(self, record: Record) -> None:
        try:
            written = write(record, self._format)
        except UnwritableRecord as error:
            self.report.add_unwritten(record.id, error.message)
            return
        self.report.add_losses(written.lost)
        self._zip.writestr(f"{quote(record.id, safe='')}.{written.extension}", written.data)
        self.report.written += 1
        self.report.files += 1

    def close(self) -> None:
        self._zip.writestr("report.json", orjson.dumps(self.report.as_json(), option=orjson.OPT_INDENT_2))
        self._zip.close()


class Folder:
    """One file a record in a folder: what the command writes for formats without files of many."""

    def __init__(self, format: str, folder: Path) -> None:
        self.report = Report()
        self._format = format
        self._folder = folder

    def add(self, record: Record) -> None:
        try:
            written = write(record, self._format)
        except UnwritableRecord as error:
            self.report.add_unwritten(record.id, error.message)
            return
        self.report.add_losses(written.lost)
        (self._folder / file_name(record.id, written.extension)).write_bytes(written.data)
        self.report.written += 1
        self.report.files += 1

    def close(self) -> None:
        pass


def file_name(record_id: str, extension: str) -> str:
    """The record's id as the name of a file, on any file system."""
    return f"{UNSAFE.sub('_', record_id)}.{extension}"
