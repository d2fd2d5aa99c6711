"""What a delivery consists of: walks folders and archives and hands out their members one at a time.

    for member in members(path):
        if isinstance(member, InputError): …     # reported with file and member; the walk goes on
        elif member.kind == "record": …          # sniff.recognise(member.signature, …), then read member.open()

Archives are known by their content: zip, tar, gzip, bzip2 and xz, one in another down to `Limits.depth`. What is
unpacked goes to a temporary file beyond a few megabytes, so memory stays flat, and is counted as it is unpacked: sizes
in headers are never believed. Nothing is written under a name that an archive gives.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import re
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, Literal, cast

from common.errors import InputError, MalformedInput, Place
from common.messages import Message, say
from indexer.formats import sniff
from indexer.formats.reading import Signature

Kind = Literal["record", "image", "schema", "other"]

MIB = 1024 * 1024
CHUNK = 256 * 1024

READ_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    tarfile.TarError,
)
"""What the unpacking libraries raise on damaged input (NotImplementedError, for unknown methods, is a RuntimeError)."""

IMAGE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|II\*\0|MM\0\*|BM.{4}\0\0\0\0|RIFF.{4}WEBP"
    rb"|\0\0\0\x0cjP  |\xff\x4f\xff\x51|\0\0\x01\0[\x01-\x20]\0",
    re.S,
)
UNREAD_ARCHIVE = {
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"MSCF": "Cabinet",
    b"\x1f\x9d": "compress (.Z)",
}
DOCUMENT = re.compile(
    rb"%PDF-|%!PS|\xd0\xcf\x11\xe0|ID3|OggS|fLaC|RIFF|\0\x05\x16\x07|.{4}ftyp|wOF[F2]|\0\x01\0\0\0|OTTO", re.S
)
DTD_START = re.compile(r"(?:\s|<\?xml.*?\?>|<!--.*?-->)*<!(?:ELEMENT|ENTITY|ATTLIST|NOTATION|\[)", re.S)
SCHEMA_ROOTS = {"schema", "stylesheet", "transform", "grammar", "catalog"}
SIDE_FILE = re.compile(
    r"(?i)(?:^|/)(?:readme|licen[cs]e|copying|notice|changelog|thumbs\.db|\.ds_store|\.gitignore)[^/]*$"
    r"|\.(?:md|txt|rtf|css|js|html?|log|md5|sha\d*|sig|asc|properties|ini)$"
)
"""Names of text files that stand beside records. Asked only about text that no reader knows."""
OFFICE_DOCUMENTS = {"[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"}
"""A zip that starts with one of these is a word-processor file or a program, not a container of records."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a delivery may unpack to. Beyond them the member or archive is refused, and the rest goes on."""

    depth: int = 3
    """Archives in archives. A tar.gz counts once."""
    members: int = 250_000
    """In one archive."""
    member_bytes: int = 16 * 1024 * MIB
    total_bytes: int = 256 * 1024 * MIB
    """Unpacked, of one file of the delivery with all that is nested in it."""
    ratio: int = 250
    """Unpacked to packed bytes; looked at once `ratio_from` bytes are unpacked. Text rarely passes 50."""
    ratio_from: int = 32 * MIB
    spool: int = 4 * MIB
    """Bytes of one member held in memory before a temporary file takes over."""


@dataclass(slots=True)
class Member:
    """One file of a delivery, unpacked. Its content can be opened until the next member is asked for."""

    file: str
    """Path inside the delivery."""
    member: str
    """Path inside archives, outermost first, joined by `!`; empty for a plain file."""
    size: int
    kind: Kind
    """`record`: to be recognised and read; `image`; `schema` (DTD, XML Schema, style sheet); `other` (documents …)."""
    head: bytes
    """The first 64 KiB."""
    signature: Signature
    complete: bool = True
    """False where the packed data ended early and this is what came before the cut (an InputError says so too)."""
    _path: Path | None = None
    _spool: IO[bytes] | None = None
    _sha256: str | None = None

    def open(self) -> BinaryIO:
        """The content from the start, as a seekable binary stream. Closing it is the caller's affair."""
        if self._path is not None:
            return self._path.open("rb")
        assert self._spool is not None
        self._spool.seek(0)
        return io.BufferedReader(_Unclosing(self._spool), CHUNK)

    @property
    def sha256(self) -> str:
        """Of the content, in hexadecimal. Known already for unpacked members; read once for plain files."""
        if self._sha256 is None:
            with self.open() as stream:
                self._sha256 = _digest(stream)
        return self._sha256

    @property
    def place(self) -> Place:
        return Place(self.file, self.member)


def members(source: Path | BinaryIO, *, name: str = "", limits: Limits = Limits()) -> Iterator[Member | InputError]:
    """Every file in `source` (a folder, a file, or a binary stream called `name`), by name or in the archive's order.

    Yields an InputError for what cannot be walked: unreadable or damaged members, names that lead outside, links,
    devices, encrypted members, bombs. What is fit to read is always yielded too.
    """
    if not isinstance(source, Path):
        with tempfile.SpooledTemporaryFile(max_size=limits.spool) as spool:
            budget = _Budget(limits, packed=limits.total_bytes, ratio_applies=False)
            walk = _Walk(name or "stream", limits, budget)
            try:
                size, digest = walk.copy(source, cast(IO[bytes], spool))
            except _OverLimitError as error:
                yield walk.error(error.said)
                return
            except READ_ERRORS as error:
                yield walk.error(say("input.unreadable", fault=_reason(error)))
                return
            walk.budget = _Budget(limits, packed=size)
            yield from walk.content(cast(IO[bytes], spool), size, digest, "", 0)
        return
    if source.is_dir():
        yield from _folder(source.resolve(), limits)
    else:
        yield from _file(source, _printable(source.name), limits)


def _folder(root: Path, limits: Limits) -> Iterator[Member | InputError]:
    pending = [root]
    while pending:
        path = pending.pop()
        name = _printable(path.relative_to(root).as_posix())
        if path.is_symlink():
            # a link to something inside is passed over: its target is read under its own name
            if not path.resolve().is_relative_to(root):
                yield MalformedInput(
                    say("input.link-out-of-folder"),
                    place=Place(name),
                )
        elif path.is_dir():
            try:
                pending.extend(sorted(path.iterdir(), reverse=True))
            except OSError as error:
                yield InputError(
                    say("input.folder-unlistable", fault=_reason(error)),
                    place=Place(name),
                )
        else:
            yield from _file(path, name, limits)


def _file(path: Path, name: str, limits: Limits) -> Iterator[Member | InputError]:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            yield MalformedInput(say("input.no-regular-file"), place=Place(name))
            return
        stream = path.open("rb")
    except OSError as error:
        yield InputError(
            say("input.file-unopenable", fault=_reason(error)),
            place=Place(name),
        )
        return
    with stream:
        walk = _Walk(name, limits, _Budget(limits, packed=status.st_size))
        yield from walk.content(stream, status.st_size, None, "", 0, path)


class _OverLimitError(Exception):
    """A limit on unpacking was passed."""

    def __init__(self, said: Message) -> None:
        super().__init__(said)
        self.said = said


@dataclass(slots=True)
class _Budget:
    """What one file of the delivery may still unpack to."""

    limits: Limits
    packed: int
    ratio_applies: bool = True
    unpacked: int = 0
    spent: bool = False

    def take(self, length: int) -> None:
        self.unpacked += length
        if self.unpacked > self.limits.total_bytes:
            self.spent = True
            raise _OverLimitError(say("input.unpacks-whole", size=self.limits.total_bytes // MIB))
        # refused members count too, so that an archive of many bombs ends; one bomb's neighbours still pass
        if self.ratio_applies and self.unpacked > max(self.limits.ratio_from * 64, self.packed * self.limits.ratio * 2):
            self.spent = True
            raise _OverLimitError(say("input.bomb-whole", packed=self.packed, size=self.unpacked // MIB))


@dataclass(slots=True)
class _Walk:
    file: str
    limits: Limits
    budget: _Budget

    def error(self, message: Message, member: str = "") -> MalformedInput:
        return MalformedInput(message, place=Place(self.file, member))

    def copy(self, source: IO[bytes] | BinaryIO, target: IO[bytes], packed: int | None = None) -> tuple[int, str]:
        """Unpack `source` into `target`, counting. Gives (bytes, SHA-256). Raises _OverLimitError or READ_ERRORS."""
        size, digest = 0, hashlib.sha256()
        while chunk := source.read(CHUNK):
            size += len(chunk)
            self.check(size, packed)
            self.budget.take(len(chunk))
            digest.update(chunk)
            target.write(chunk)
        target.seek(0)
        return size, digest.hexdigest()

    def check(self, size: int, packed: int | None) -> None:
        if size > self.limits.member_bytes:
            raise _OverLimitError(say("input.unpacks-member", size=self.limits.member_bytes // MIB))
        if packed is not None and size > self.limits.ratio_from and size > max(packed, 1) * self.limits.ratio:
            raise _OverLimitError(say("input.bomb-member", packed=packed, size=size // MIB))

    def content(
        self,
        stream: IO[bytes],
        size: int,
        digest: str | None,
        member: str,
        depth: int,
        path: Path | None = None,
        complete: bool = True,
    ) -> Iterator[Member | InputError]:
        """One file, whatever it is: a member to hand out, or an archive to go into. `stream` stands at its start."""
        try:
            stream.seek(0)
            head = stream.read(sniff.HEAD)
            stream.seek(0)
        except READ_ERRORS as error:
            yield self.error(say("input.unreadable", fault=_reason(error)), member)
            return
        archive = _archive_type(head)
        if archive is None:
            found = sniff.signature(head, (member or self.file).rsplit("!", 1)[-1])
            yield Member(
                self.file,
                member,
                size,
                kind_of(found),
                head,
                found,
                complete,
                path,
                None if path is not None else stream,
                digest,
            )
            return
        if archive in UNREAD_ARCHIVE.values():
            yield self.error(say("input.archive-kind", kind=archive), member)
            return
        if depth >= self.limits.depth:
            yield self.error(say("input.archive-deep", depth=depth, most=self.limits.depth), member)
            return
        inside = f"{member}!" if member else ""
        if archive == "zip":
            yield from self.zip(stream, size, digest, member, inside, depth, path, head)
        elif archive == "tar":
            yield from self.tar(stream, member, inside, depth)
        else:
            yield from self.compressed(stream, archive, size, member, inside, depth)

    def member(
        self, source: IO[bytes], packed: int | None, member: str, depth: int, partial: bool = False
    ) -> Iterator[Member | InputError]:
        """Unpack one member and look at it. With `partial`, what came before a cut is handed out too."""
        with tempfile.SpooledTemporaryFile(max_size=self.limits.spool) as spooled:
            spool = cast(IO[bytes], spooled)
            complete = True
            try:
                size, digest = self.copy(source, spool, packed)
            except _OverLimitError as error:
                yield self.error(error.said, member)
                return
            except EOFError:
                yield self.error(say("input.packed-ends-early"), member)
                size = spool.tell()
                if not partial or not size:
                    return
                spool.seek(0)
                digest, complete = _digest(spool), False
            except READ_ERRORS as error:
                yield self.error(say("input.not-unpackable", fault=_reason(error)), member)
                return
            yield from self.content(spool, size, digest, member, depth, complete=complete)

    def compressed(
        self, stream: IO[bytes], archive: str, size: int, member: str, inside: str, depth: int
    ) -> Iterator[Member | InputError]:
        """gzip, bzip2 or xz: a tar in it is walked as it is unpacked, anything else is one member."""
        openers = {"bzip2": bz2.BZ2File, "xz": lzma.LZMAFile}

        def unpack() -> IO[bytes]:
            stream.seek(0)
            if archive == "gzip":
                return cast(IO[bytes], gzip.GzipFile(fileobj=stream, mode="rb"))
            return cast(IO[bytes], openers[archive](stream, "rb"))

        unpacked = unpack()
        with unpacked:
            try:
                head = unpacked.read(tarfile.BLOCKSIZE)
                unpacked.seek(0)
            except READ_ERRORS:
                head = b""  # the error is met again, and reported, below
                unpacked = unpack()
            if _archive_type(head) == "tar":
                yield from self.tar(unpacked, member, inside, depth, packed=size)
                return
            name = re.sub(r"(?i)\.(gz|bz2|xz|z)$", "", (member or self.file).rsplit("!", 1)[-1].rsplit("/", 1)[-1])
            yield from self.member(unpacked, size, inside + name, depth + 1, partial=True)

    def zip(
        self,
        stream: IO[bytes],
        size: int,
        digest: str | None,
        member: str,
        inside: str,
        depth: int,
        path: Path | None,
        head: bytes,
    ) -> Iterator[Member | InputError]:
        try:
            if (count := _zip_entries(stream, size)) > self.limits.members:
                yield self.error(say("input.too-many-members", count=count, most=self.limits.members), member)
                return
            stream.seek(0)
            archive = zipfile.ZipFile(stream)
        except READ_ERRORS as error:
            yield self.error(say("input.zip-damaged", fault=_reason(error)), member)
            return
        with archive:
            entries = archive.infolist()
            if entries and entries[0].filename in OFFICE_DOCUMENTS:
                found = sniff.signature(head, member or self.file)
                yield Member(
                    self.file,
                    member,
                    size,
                    "other",
                    head,
                    found,
                    True,
                    path,
                    None if path is not None else stream,
                    digest,
                )
                return
            seen: set[str] = set()
            for entry in entries:
                if entry.is_dir():
                    continue
                name = entry.filename.replace("\\", "/")
                place = inside + _printable(name)
                if (problem := self.unfit(name, seen)) is not None:
                    yield self.error(problem, place)
                elif stat.S_ISLNK(entry.external_attr >> 16):
                    yield self.error(say("input.archive-link"), place)
                elif entry.flag_bits & 0x1:
                    yield self.error(say("input.encrypted"), place)
                else:
                    try:
                        source = archive.open(entry)
                    except READ_ERRORS as error:
                        yield self.error(say("input.not-unpackable", fault=_reason(error)), place)
                        continue
                    with source:
                        yield from self.member(source, max(entry.compress_size, 1), place, depth + 1)
                if self.budget.spent:
                    return

    def tar(
        self, stream: IO[bytes], member: str, inside: str, depth: int, packed: int | None = None
    ) -> Iterator[Member | InputError]:
        count, seen = 0, set[str]()
        try:
            forward = _Forward(stream, self.budget)
            with tarfile.open(fileobj=cast(BinaryIO, forward), mode="r:", errorlevel=2) as archive:
                while (entry := archive.next()) is not None:
                    archive.members = []  # type: ignore[attr-defined]  # tarfile would keep every header
                    count += 1
                    if count > self.limits.members:
                        yield self.error(say("input.more-members", most=self.limits.members), member)
                        return
                    if entry.isdir():
                        continue
                    place = inside + _printable(entry.name)
                    if (problem := self.unfit(entry.name, seen)) is not None:
                        yield self.error(problem, place)
                    elif entry.issym() or entry.islnk():
                        yield self.error(say("input.archive-link"), place)
                    elif not entry.isreg() or entry.issparse():
                        yield self.error(say("input.archive-device"), place)
                    elif (source := archive.extractfile(entry)) is not None:
                        # a member cut short by the end of the archive reads as a short one: tarfile does not check
                        yield from self.tar_member(source, entry.size, place, depth)
                    if self.budget.spent:
                        return
            if forward.ended:
                yield self.error(say("input.tar-cut", count=count), member)
        except _OverLimitError as error:
            yield self.error(error.said, member)
        except READ_ERRORS as error:
            yield self.error(say("input.tar-unreadable", count=count, fault=_reason(error)), member)

    def tar_member(self, source: IO[bytes], size: int, place: str, depth: int) -> Iterator[Member | InputError]:
        yield from self.member(cast(IO[bytes], _Exactly(source, size)), None, place, depth + 1)

    def unfit(self, name: str, seen: set[str]) -> Message | None:
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
            return say("input.name-absolute")
        if ".." in parts:
            return say("input.name-leads-out")
        if not name.strip():
            return say("input.name-missing")
        if name in seen:
            return say("input.name-twice")
        seen.add(name)
        return None


def kind_of(found: Signature) -> Kind:
    """What a member is for, from its content. Unknown text counts as a record, so that it is reported."""
    from indexer.formats.table import FORMATS

    head = found.head
    if IMAGE.match(head) or found.root == "svg":
        return "image"
    if found.root is not None:
        if found.root.lower() == "html" and SIDE_FILE.search(found.name):
            return "other"
        return "schema" if found.root in SCHEMA_ROOTS else "record"
    if found.json_keys or not head.strip():
        return "record"
    if DOCUMENT.match(head):
        return "other"
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    if DTD_START.match(text):
        return "schema"
    if any(row.recognises(found) for row in FORMATS):
        return "record"
    return "other" if SIDE_FILE.search(found.name) else "record"


def _archive_type(head: bytes) -> str | None:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK")):
        return "zip"
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if re.match(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)", head):
        return "bzip2"
    if head.startswith(b"\xfd7zXZ\0"):
        return "xz"
    for magic, name in UNREAD_ARCHIVE.items():
        if head.startswith(magic):
            return name
    block = head[: tarfile.BLOCKSIZE]
    if len(block) == tarfile.BLOCKSIZE and block[0] and (block[257:262] == b"ustar" or b"\0" in block[:101]):
        try:
            tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            return None
        return "tar"
    return None


def _zip_entries(stream: IO[bytes], size: int) -> int:
    """How many members the central directory really lists, without building them. Raises BadZipFile."""
    tail_length = min(size, 66 * 1024)
    stream.seek(size - tail_length)
    tail = stream.read(tail_length)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise zipfile.BadZipFile("its directory at the end is missing; the file is cut short")
    directory, start = struct.unpack("<LL", tail[at + 12 : at + 20])
    if 0xFFFFFFFF in (directory, start):
        locator = tail.rfind(b"PK\x06\x06")
        if locator < 0:
            raise zipfile.BadZipFile("its directory at the end is missing")
        directory = struct.unpack("<Q", tail[locator + 40 : locator + 48])[0]
        at = locator
    first = size - tail_length + at - directory
    if first < 0:
        raise zipfile.BadZipFile("its directory does not fit into the file")
    stream.seek(first)
    count, carried = 0, b""
    while directory > 0 and (chunk := stream.read(min(CHUNK, directory))):
        directory -= len(chunk)
        count += (carried + chunk).count(b"PK\x01\x02")
        carried = chunk[-3:]
    return count


class _Unclosing(io.RawIOBase):
    """A stream over another that stays open when this one is closed."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        return self._stream.read(-1 if size is None else size)

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        return self._stream.read()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._stream.seek(offset, whence)
        return self._stream.tell()

    def tell(self) -> int:
        return self._stream.tell()


@dataclass(slots=True)
class _Forward:
    """What tarfile needs of a stream, going forward only, and never handing over much at once.

    tarfile reads extended headers whole, by the size that they claim: a header that claims gigabytes is refused here.
    """

    stream: IO[bytes]
    budget: _Budget
    position: int = 0
    largest: int = field(default=4 * MIB)
    ended: bool = False
    """True once a read found nothing more."""
    name: str = ""
    mode: str = "rb"

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self.largest:
            raise _OverLimitError(say("input.header-too-large"))
        data = self.stream.read(size)
        self.position += len(data)
        self.ended = not data
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or offset < self.position:
            raise tarfile.ReadError("it would have to be read backwards")
        while self.position < offset and (skipped := self.read(min(CHUNK, offset - self.position))):
            self.budget.take(len(skipped))
        return self.position

    def tell(self) -> int:
        return self.position

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """The stream belongs to whoever opened it."""


@dataclass(slots=True)
class _Exactly:
    """A member of a tar, which must have as many bytes as its header says."""

    stream: IO[bytes]
    left: int

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.left -= len(data)
        if not data and self.left > 0:
            raise EOFError
        return data


def _digest(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _printable(name: str) -> str:
    """A name that can be stored and shown: bytes that are not text, and control characters, written as escapes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return re.sub(r"\s+", " ", str(error)).rstrip(". ") or type(error).__name__
