"""Which file of a delivery a reference names, and what is said of those that cannot be shown."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from api.exchange.pull import _item as pulled
from common.errors import MalformedInput
from indexer.archive import Archive
from indexer.images import decode
from indexer.images.gallery import Ambiguous, File, Gallery, Known
from indexer.record import Image as RecordImage
from indexer.record import Record, Right
from tests.images.deliveries import picture
from tests.platforms import make_record


def gallery(*paths: str, archive: Archive | None = None) -> Gallery:
    """Files whose digest is their own path."""
    return Gallery(archive, [File(path, path) for path in paths])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reference", "path", "named"),
    [
        ("a.png", "x.xml", "a.png"),
        ("A.PNG", "x.xml", "a.png"),
        ("file://a.png", "x.xml", "a.png"),
        (r"images\b.JPG", "sub/x.xml", "sub/images/B.jpg"),
        ("./images/B.jpg", "sub/x.xml", "sub/images/B.jpg"),
        ("../a.png", "sub/x.xml", "a.png"),
        ("other/B.jpg", "sub/images/x.xml", "sub/images/B.jpg"),  # delivered flat
        ("D0001.TIF", "us.zip!one.zip!one.xml", "us.zip!one.zip!d0001.tif"),
        ("two%20words.png", "x.xml", "two words.png"),
        ("ü.png", "x.xml", "u\u0308.png"),
        ("../../a.png", "deep/er/sub/x.xml", "a.png"),  # the end of a path, never a way out of the delivery
        ("1/c.png", "x.xml", None),  # only 2/c.png is there: another record's
        ("https://office.example/a.png", "x.xml", None),
        ("a", "x.xml", None),
        ("images/", "sub/x.xml", None),
        ("a.png\0.exe", "x.xml", None),
    ],
)
def test_a_reference_names_a_file_of_its_delivery(reference: str, path: str, named: str | None) -> None:
    held = gallery(
        "a.png", "sub/images/B.jpg", "us.zip!one.zip!d0001.tif", "us.zip!two.zip!d0001.tif", "two words.png",
        "u\u0308.png", "2/c.png",
    )  # fmt: skip
    assert held.find(reference, path) == named


def test_the_nearest_of_several_is_taken_and_none_where_two_are_as_near() -> None:
    held = gallery("a.zip!p.png", "b.zip!p.png")
    assert held.find("p.png", "b.zip!x.xml") == "b.zip!p.png"
    with pytest.raises(Ambiguous):
        held.find("p.png", "x.xml")
    same = Gallery(None, [File("a/p.png", "1"), File("b/p.png", "1")])  # type: ignore[arg-type]
    assert same.find("p.png", "x.xml") == "1"


def _mark(*references: str, right: Right = Right.TRADEMARK) -> Record:
    images = tuple(RecordImage(type="mark", reference=reference) for reference in references)
    return make_record("QX", 1, "sample", right=right).model_copy(update={"images": images})


def _bomb() -> bytes:
    """A PNG of a few bytes that says it has four thousand million pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 65_000, 65_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


SPOILT = {
    "bomb.png": (_bomb(), "pixels"),
    "cut.png": (picture("cut")[:200], "damaged"),
    "page.png": (b"<!DOCTYPE html><script>alert(1)</script>", "no image"),
    "drawing.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "no image"),
    "empty.png": (b"", "no image"),
    "photo.bmp": (b"BM" + bytes(60), "no image"),
    "huge.png": (picture("huge") + bytes(decode.LARGEST_FILE), "MiB"),
}


def test_what_cannot_be_shown_is_a_finding_in_plain_words(tmp_path: Path) -> None:
    archive = Archive((tmp_path / "archive").as_uri())
    files = []
    for name, (content, _) in {**SPOILT, "good.png": (picture("good"), "")}.items():
        files.append(File(name, archive.put(io.BytesIO(content))[0]))
    held = Gallery(archive, files)
    record = held.tie(_mark(*SPOILT, "good.png", "missing.png", "https://office.example/x.png"), "x.xml")
    assert [image.sha256 for image in record.images] == [None] * len(SPOILT) + [files[-1].sha256, None, None]
    said = {finding.value: finding for finding in record.findings}
    assert set(said) == {*SPOILT, "missing.png"}
    for name, (_, reason) in SPOILT.items():
        assert said[name].rule == "image-unusable"
        assert reason in said[name].message
    assert said["missing.png"].rule == "image-absent"
    # the same is not looked at again, and kept for the next load
    fresh = {one.sha256: one for one in held.fresh()}
    assert set(fresh) == {file.sha256 for file in files}
    assert fresh[files[-1].sha256].vector is not None
    assert held.tie(_mark(*SPOILT, "good.png"), "x.xml").images == record.images[:-2]
    assert held.fresh() == ()
    known = {sha256: Known(one.vector is not None, one.problem) for sha256, one in fresh.items()}
    unopened = Gallery(Archive((tmp_path / "empty").as_uri()), files, known)
    assert unopened.tie(_mark(*SPOILT, "good.png"), "x.xml").images == record.images[:-2]


def test_of_drawings_of_a_patent_only_the_head_is_read(tmp_path: Path) -> None:
    archive = Archive((tmp_path / "archive").as_uri())
    sha256, _ = archive.put(io.BytesIO(picture("drawing", 40)))
    held = Gallery(archive, [File("d.tif", sha256)])
    assert held.tie(_mark("d.tif", right=Right.PATENT), "x.xml").images[0].sha256 == sha256
    (head,) = held.fresh()
    assert (head.media_type, head.width, head.vector) == ("image/png", 40, None)
    # the same content as a mark is described after all
    held.tie(_mark("d.tif"), "x.xml")
    assert held.fresh()[0].vector is not None


def test_a_document_beside_the_pictures_is_no_spoilt_picture(tmp_path: Path) -> None:
    archive = Archive((tmp_path / "archive").as_uri())
    sha256, _ = archive.put(io.BytesIO(b"%PDF-1.7 sample"))
    record = _mark().model_copy(update={"images": (RecordImage(type="other", reference="search.pdf"),)})
    assert Gallery(archive, [File("search.pdf", sha256)]).tie(record, "x.xml") == record


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_every_kind_of_pixel_becomes_a_thumbnail(mode: str) -> None:
    image = Image.new(mode, (700, 300), 0 if mode not in ("RGBA", "LA") else None)  # type: ignore[arg-type]
    target = io.BytesIO()
    image.save(target, "PNG" if mode not in ("CMYK", "F") else "TIFF")
    content = target.getvalue()
    with Image.open(io.BytesIO(decode.thumbnail(content))) as small:
        assert (small.format, max(small.size)) == ("PNG", decode.THUMBNAIL)
    if mode in ("RGBA", "LA"):
        assert decode.picture(content).getpixel((1, 1)) == (255, 255, 255)


def test_a_picture_that_is_cut_off_anywhere_raises_one_kind_of_error() -> None:
    whole = picture("cut", 64)
    jpeg = io.BytesIO()
    Image.open(io.BytesIO(whole)).convert("RGB").save(jpeg, "JPEG")
    for content in (whole, jpeg.getvalue()):
        for end in range(0, len(content) - 20, 37):
            with pytest.raises(MalformedInput):
                decode.picture(content[:end])


def test_a_large_picture_is_made_smaller_and_stays_upright() -> None:
    image = Image.new("RGB", (5000, 2500), (255, 255, 255))
    image.paste((0, 0, 0), (0, 0, 1000, 500))
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter to the right
    for kind in ("JPEG", "PNG"):
        target = io.BytesIO()
        image.save(target, kind, exif=turned)
        shown = decode.picture(target.getvalue())
        assert decode.LOOKED_AT <= shown.height < 2 * decode.LOOKED_AT
        assert shown.height == 2 * shown.width
        assert shown.getpixel((shown.width - 5, 5)) == (0, 0, 0)
        assert decode.facts(target.getvalue()).width == 5000


def test_another_platforms_digests_open_nothing_here() -> None:
    """Whoever names a digest in what is pulled must not be given what is archived under it."""
    record = make_record("QX", 1, "pulled")
    named = record.model_copy(
        update={"images": (RecordImage(type="drawing", reference="d.png", sha256="a" * 64),), "id": "qx-patent-x.1"}
    )
    item = {"record_id": "qx-patent-x.1", "collection": "qx-patent-x", "change": "new",
            "record": named.model_dump(mode="json", exclude={"source"})}  # fmt: skip
    taken = pulled(item, "QX", "f", 1, {"byte_offset": 0, "byte_length": 1, "ordinal": 0, "sha256": "b" * 64})
    assert taken.images == (("d.png", None),)


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    archive = Archive((tmp_path / "archive").as_uri())
    content = picture("digest")
    assert archive.put(io.BytesIO(content))[0] == hashlib.sha256(content).hexdigest()
