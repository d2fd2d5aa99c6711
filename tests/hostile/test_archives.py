"""Archives that lie, lead outside, or never end: each trouble named, every good member kept."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import tarfile
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from indexer.formats.containers import Limits
from tests.formats.test_containers import XML, tarred, walked, zipped

SMALL = Limits(ratio_from=1024 * 1024, member_bytes=64 * 1024 * 1024)


@pytest.mark.parametrize(
    "name", ["../out.xml", "a/../../out.xml", "/etc/out.xml", "..\\out.xml", "C:\\out.xml", "\\\\host\\out.xml"]
)
def test_names_that_lead_outside(name: str, tmp_path: Path) -> None:
    for data in (zipped({name: XML, "good.xml": XML}), tarred({name: XML, "good.xml": XML})):
        found, errors = walked(data)
        assert list(found) == ["delivery!good.xml"]
        assert len(errors) == 1
        assert "name" in next(iter(errors.values()))
    assert list(tmp_path.iterdir()) == []


def test_links_and_devices_in_a_tar() -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for kind, name in (
            (tarfile.SYMTYPE, "sym.xml"),
            (tarfile.LNKTYPE, "hard.xml"),
            (tarfile.CHRTYPE, "device"),
            (tarfile.BLKTYPE, "disk"),
            (tarfile.FIFOTYPE, "pipe"),
        ):
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = "/etc/hostname"
            archive.addfile(info)
        info = tarfile.TarInfo("good.xml")
        info.size = len(XML)
        archive.addfile(info, io.BytesIO(XML))
    found, errors = walked(target.getvalue())
    assert list(found) == ["delivery!good.xml"]
    assert {path.split("!")[1] for path in errors} == {"sym.xml", "hard.xml", "device", "disk", "pipe"}


def test_a_link_in_a_zip() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        link = zipfile.ZipInfo("link.xml")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/hostname")
        archive.writestr("good.xml", XML)
    found, errors = walked(target.getvalue())
    assert list(found) == ["delivery!good.xml"]
    assert "link" in errors["delivery!link.xml"]


def beside_a_good_one(bomb: bytes) -> bytes:
    return zipped({"bomb.xml": bomb, "good.xml": XML})


def nested_beside_a_good_one(bomb: bytes) -> bytes:
    return zipped({"in.zip": zipped({"bomb.xml": bomb}), "good.xml": XML})


@pytest.mark.parametrize("pack", [beside_a_good_one, nested_beside_a_good_one])
def test_a_bomb_is_refused_and_its_neighbour_kept(pack: object) -> None:
    assert callable(pack)
    found, errors = walked(pack(b"\0" * (40 * 1024 * 1024)), SMALL)
    assert list(found) == ["delivery!good.xml"]
    assert "bombs" in "".join(errors.values())


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_a_compressed_bomb(compress: object) -> None:
    assert callable(compress)
    found, errors = walked(compress(b"\0" * (40 * 1024 * 1024)), SMALL)
    assert found == {}
    assert "bombs" in "".join(errors.values())


def test_a_bomb_of_bombs_ends_early() -> None:
    inner = zipped({f"{i}.xml": b"\0" * (30 * 1024 * 1024) for i in range(5)})
    outer = zipped({f"{i}.zip": inner for i in range(50)})
    started = time.monotonic()
    _, errors = walked(outer, Limits(total_bytes=100 * 1024 * 1024))
    assert time.monotonic() - started < 30
    assert "unpacks to more than" in "".join(errors.values())


def test_sizes_in_headers_are_not_believed() -> None:
    data = bytearray(zipped({"liar.xml": b"\0" * (20 * 1024 * 1024), "good.xml": XML}))
    directory = data.find(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<L", 10)
    found, errors = walked(bytes(data), SMALL)
    assert found["delivery!good.xml"] == XML
    assert "delivery!liar.xml" in errors


def test_an_encrypted_member_is_named() -> None:
    data = bytearray(zipped({"locked.xml": XML, "good.xml": XML}))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(magic)
        data[at + offset] |= 1
    found, errors = walked(bytes(data))
    assert list(found) == ["delivery!good.xml"]
    assert errors == {"delivery!locked.xml": "it is encrypted."}


def test_a_wrong_checksum_is_named() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("bad.xml", XML)
        archive.writestr("good.xml", XML + b" ")
    data = target.getvalue().replace(XML, XML[:-3] + b"XX>", 1)
    found, errors = walked(data)
    assert list(found) == ["delivery!good.xml"]
    assert "CRC" in errors["delivery!bad.xml"]


def test_two_members_of_one_name() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("twice.xml", XML)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("twice.xml", XML + b" ")
    found, errors = walked(target.getvalue())
    assert found == {"delivery!twice.xml": XML}
    assert "same name" in errors["delivery!twice.xml"]


def test_too_many_members() -> None:
    files = {f"{i}.xml": b"x" for i in range(200)}
    for data in (zipped(files), tarred(files)):
        found, errors = walked(data, Limits(members=100))
        assert len(found) <= 100
        assert "members" in "".join(errors.values())


def test_a_directory_that_counts_wrongly_is_counted_anew() -> None:
    data = bytearray(zipped({f"{i}.xml": b"x" for i in range(200)}))
    end = data.rfind(b"PK\x05\x06")
    data[end + 8 : end + 12] = struct.pack("<HH", 1, 1)
    found, errors = walked(bytes(data), Limits(members=100))
    assert found == {}
    assert "200 members" in "".join(errors.values())


def test_an_extended_header_that_claims_gigabytes() -> None:
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE
    header.size = 6 * 1024**3
    packer = zlib.compressobj(wbits=31)
    data = packer.compress(header.tobuf(tarfile.GNU_FORMAT))
    data += b"".join(packer.compress(b"\0" * 1024 * 1024) for _ in range(64)) + packer.flush()
    _, errors = walked(data)
    assert "header" in "".join(errors.values())


@pytest.mark.parametrize("twentieth", range(1, 20))
def test_truncated_archives_keep_what_can_be_read(twentieth: int) -> None:
    files = {f"{i}.xml": XML + bytes(str(i), "ascii") * 3000 for i in range(6)}
    for data in (zipped(files), tarred(files), tarred(files, "w:gz"), gzip.compress(b"".join(files.values()))):
        found, errors = walked(data[: len(data) * twentieth // 20])
        assert errors or len(found) == len(files), "a cut goes unnoticed"
        for path, content in found.items():
            name = path.split("!")[-1]
            assert content == files.get(name, content)


def test_half_a_compressed_file_is_handed_out_as_incomplete() -> None:
    text = b"".join(b"<r>%d</r>" % i for i in range(200_000))
    found, errors = walked(gzip.compress(text)[:100_000])
    (content,) = found.values()
    assert text.startswith(content)
    assert len(content) > 10_000
    assert "ends early" in "".join(errors.values())
