"""Deliveries as folders and archives: every member once, each trouble named, the rest kept."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from common.errors import InputError
from indexer.formats.containers import Limits, Member, members

XML = b'<?xml version="1.0"?><Transaction><TradeMarkTransactionBody/></Transaction>'
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


USUAL = Limits()


def walked(source: Path | bytes, limits: Limits = USUAL) -> tuple[dict[str, bytes], dict[str, str]]:
    """({path: content}, {path: message})"""
    found: dict[str, bytes] = {}
    errors: dict[str, str] = {}
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    for one in members(stream, name="delivery", limits=limits):
        place = one.place
        path = place.file + (f"!{place.member}" if place.member else "")
        if isinstance(one, InputError):
            errors[path] = one.message
        else:
            with one.open() as content:
                found[path] = content.read()
            assert one.size == len(found[path])
    return found, errors


def test_a_folder_is_walked_in_order_with_what_its_archives_hold(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.xml").write_bytes(XML)
    (tmp_path / "a.zip").write_bytes(zipped({"x/1.xml": XML, "inner.zip": zipped({"deep/3.xml": XML})}))
    (tmp_path / "c.xml.gz").write_bytes(gzip.compress(XML))
    found, errors = walked(tmp_path)
    assert list(found) == ["a.zip!x/1.xml", "a.zip!inner.zip!deep/3.xml", "b/2.xml", "c.xml.gz!c.xml"]
    assert set(found.values()) == {XML}
    assert errors == {}


@pytest.mark.parametrize(
    "data",
    [
        zipped({"1.xml": XML, "2.xml": XML}),
        tarred({"1.xml": XML, "2.xml": XML}),
        tarred({"1.xml": XML, "2.xml": XML}, "w:gz"),
        tarred({"1.xml": XML, "2.xml": XML}, "w:bz2"),
        tarred({"1.xml": XML, "2.xml": XML}, "w:xz"),
        gzip.compress(zipped({"1.xml": XML, "2.xml": XML})),
    ],
    ids=["zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "zip.gz"],
)
def test_archives_are_known_by_content(data: bytes) -> None:
    found, errors = walked(data)
    assert [path.rsplit("!", 1)[-1] for path in found] == ["1.xml", "2.xml"]
    assert set(found.values()) == {XML}
    assert errors == {}


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_one_compressed_file(compress: object) -> None:
    assert callable(compress)
    found, errors = walked(compress(XML))
    assert list(found.values()) == [XML]
    assert errors == {}


def test_kinds_and_sums(tmp_path: Path) -> None:
    files = {
        "1.xml": XML,
        "1.png": PNG,
        "note.dtd": b"<?xml version='1.0'?><!-- a DTD --><!ELEMENT a (#PCDATA)>",
        "note.xsd": b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>',
        "paper.pdf": b"%PDF-1.7",
        "README.txt": b"What this is.",
        "page.html": b"<html><body>index</body></html>",
        "unknown": b"neither fish nor fowl",
        "page-as.xml": b"<html><body>Service unavailable</body></html>",
    }
    (tmp_path / "d.zip").write_bytes(zipped(files))
    kinds = {one.member: one for one in members(tmp_path / "d.zip") if isinstance(one, Member)}
    assert {name: one.kind for name, one in kinds.items()} == {
        "1.xml": "record", "1.png": "image", "note.dtd": "schema", "note.xsd": "schema", "paper.pdf": "other",
        "README.txt": "other", "page.html": "other", "unknown": "record", "page-as.xml": "record",
    }  # fmt: skip
    assert kinds["1.png"].sha256 == hashlib.sha256(PNG).hexdigest()


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.xml").write_bytes(XML)
    folder = tmp_path / "delivery"
    folder.mkdir()
    (folder / "good.xml").write_bytes(XML)
    (folder / "out.xml").symlink_to(tmp_path / "secret.xml")
    (folder / "up").symlink_to(tmp_path)
    (folder / "again.xml").symlink_to(folder / "good.xml")
    os.mkfifo(folder / "pipe")
    found, errors = walked(folder)
    assert list(found) == ["good.xml"]
    assert set(errors) == {"out.xml", "up", "pipe"}


def test_an_unreadable_path_is_named(tmp_path: Path) -> None:
    found, errors = walked(tmp_path / "missing.xml")
    assert found == {}
    assert list(errors) == ["missing.xml"]


def test_nesting_stops_at_the_limit() -> None:
    data = XML
    for level in range(5):
        data = zipped({f"level{level}.zip" if level else "1.xml": data})
    found, errors = walked(data)
    assert found == {}
    (message,) = errors.values()
    assert "no more than 3" in message
    found, errors = walked(data, Limits(depth=6))
    assert list(found.values()) == [XML]


def test_an_archive_that_is_not_read_is_named() -> None:
    found, errors = walked(zipped({"a.7z": b"7z\xbc\xaf\x27\x1c" + b"\0" * 50, "1.xml": XML}))
    assert list(found) == ["delivery!1.xml"]
    assert "7-Zip" in errors["delivery!a.7z"]


def test_a_word_processor_file_is_no_container() -> None:
    docx = zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"})
    (one,) = members(io.BytesIO(zipped({"letter.docx": docx})), name="delivery")
    assert isinstance(one, Member)
    assert (one.kind, one.member) == ("other", "letter.docx")


def test_names_that_are_not_text_are_shown_as_escapes() -> None:
    found, _ = walked(tarred({"bad\udcff\n.xml": XML}))
    assert list(found) == ["delivery!bad\\xff\\n.xml"]
