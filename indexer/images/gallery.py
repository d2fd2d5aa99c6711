"""The pictures of one delivery: which file a record's reference names, and what that file is.

A reference names a file of the same delivery, before or after the record, in the same archive or beside it: by its
path, seen from the record's own file or as the end of the file's path, capitals and slashes aside. Where several
different files fit as well, none is taken. An address elsewhere (`https://…`) is never fetched and names no file here.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from common.errors import ConcordError, MalformedInput, NotFound
from indexer.archive import Archive
from indexer.harmonise.findings import finding
from indexer.images import decode
from indexer.images.describe import describe, pack
from indexer.record import Finding, Image, Record, Right

COMPARED = {Right.TRADEMARK: "mark", Right.DESIGN: "design-view"}
"""Right → type of its images that are described, so that like ones can be found. Of all others only the head is read:
a week of patents has a hundred thousand drawings."""
MOST_COMPARED = 100
"""Pictures of one record by which it is found."""
PICTURE_NAME = re.compile(r"(?i)\.(?:png|jpe?g|gif|tiff?|webp|bmp)$")
ELSEWHERE = re.compile(r"(?i)(?!file:)[a-z][a-z0-9+.-]+:")
"""An address with a scheme; a drive letter is none."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the delivery that no reader reads. `path`: `!` between archives, as in `delivery_members`."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of the content with this digest."""

    sha256: str
    media_type: str | None = None
    """As told from the content; None for what is no picture that is read here."""
    width: int = 0
    height: int = 0
    hash: int | None = None
    """Perceptual hash; None where it was not described."""
    vector: bytes | None = None
    problem: str = ""
    """Why it cannot be shown, for people."""


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier load found out about a content: it need not be opened again."""

    described: bool
    problem: str = ""


class Ambiguous(MalformedInput):
    """A reference fits several files of different content."""


@dataclass(slots=True)
class Gallery:
    """Belongs to one load. Memory grows with the number of files of the delivery, not with their size."""

    archive: Archive
    files: Sequence[File]
    known: Mapping[str, Known] = field(default_factory=dict)
    _by_name: dict[str, list[tuple[str, str]]] = field(init=False)
    _pictured: bool = field(init=False)
    _seen: dict[str, Known] = field(init=False)
    _fresh: dict[str, Picture] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._by_name = {}
        for file in self.files:
            path = plain(file.path)
            self._by_name.setdefault(posixpath.basename(path), []).append((path, file.sha256))
        self._pictured = any(PICTURE_NAME.search(name) for name in self._by_name)
        self._seen = dict(self.known)

    def tie(self, record: Record, path: str) -> Record:
        """The record with the digest of each image that the delivery carries, and findings for those it does not
        carry or that cannot be shown. `path`: of the record's own file."""
        if not record.images or not self.files:
            return record
        images: list[Image] = []
        doubts: list[Finding] = []
        for image in record.images:
            sha256, doubt = self._tied(record, image, path)
            images.append(image if sha256 is None else image.model_copy(update={"sha256": sha256}))
            if doubt is not None:
                doubts.append(doubt)
        if not doubts and all(image.sha256 is None for image in images):
            return record
        findings = tuple(dict.fromkeys((*record.findings, *doubts)))
        return record.model_copy(update={"images": tuple(images), "findings": findings})

    def fresh(self) -> tuple[Picture, ...]:
        """What was found out since the last call, to be stored."""
        found = tuple(self._fresh.values())
        self._fresh.clear()
        return found

    def find(self, reference: str, path: str) -> str | None:
        """Digest of the file that `reference` names in the file `path`. Raises Ambiguous."""
        for spelling in dict.fromkeys((reference, unquote(reference))):
            if ELSEWHERE.match(spelling) or "\0" in spelling:
                return None
            found = self._find(plain(re.sub(r"(?i)^file:/*", "", spelling.strip())), posixpath.dirname(plain(path)))
            if found is not None:
                return found
        return None

    def _find(self, wanted: str, folder: str) -> str | None:
        candidates = self._by_name.get(posixpath.basename(wanted))
        if not candidates or not posixpath.basename(wanted):
            return None
        beside = posixpath.normpath(posixpath.join(folder, wanted.lstrip("/")))
        exact = {sha256 for place, sha256 in candidates if place == beside}
        if len(exact) == 1:
            return exact.pop()
        named = re.sub(r"^(?:\.{0,2}/)+", "", posixpath.normpath(wanted))
        fitting = [(p, s) for p, s in candidates if p == named or p.endswith("/" + named)]
        if not fitting:
            # delivered flat: the folder of the reference was left away
            fitting = [(p, s) for p, s in candidates if posixpath.dirname(p) == folder]
        if not fitting:
            return None
        nearness = [_shared(place, folder) for place, _ in fitting]
        nearest = {sha256 for (_, sha256), near in zip(fitting, nearness, strict=True) if near == max(nearness)}
        if len(nearest) > 1:
            raise Ambiguous(f"{len(nearest)} different files of the delivery are called so.")
        return nearest.pop()

    def _tied(self, record: Record, image: Image, path: str) -> tuple[str | None, Finding | None]:
        try:
            sha256 = self.find(image.reference, path)
        except Ambiguous as error:
            return None, finding("image-ambiguous", "images", image.reference, reason=error.message)
        if sha256 is None:
            absent = self._pictured and PICTURE_NAME.search(image.reference) and not ELSEWHERE.match(image.reference)
            return None, finding("image-absent", "images", image.reference) if absent else None
        problem = self._problem(sha256, COMPARED.get(record.right) == image.type)
        if not problem:
            return sha256, None
        # A document or a sound that is named beside the pictures is what it should be.
        named = PICTURE_NAME.search(image.reference) or image.type not in ("other", "document-page")
        return None, finding("image-unusable", "images", image.reference, reason=problem) if named else None

    def _problem(self, sha256: str, compared: bool) -> str:
        """Why the content cannot be shown; empty where it can."""
        known = self._seen.get(sha256)
        if known is None or (compared and not known.described and not known.problem):
            try:
                picture = look(self.archive, sha256, compared=compared)
            except NotFound:
                return "the file is not in the archive any more. Deliver it again."
            known = Known(picture.vector is not None, picture.problem)
            self._seen[sha256] = known
            self._fresh[sha256] = picture
        return known.problem


def look(archive: Archive, sha256: str, *, compared: bool) -> Picture:
    """Opens an archived file: its head, and where it is to be compared all of it. Never raises for what is in it;
    NotFound where the archive does not hold it."""
    try:
        with archive.open(sha256) as stream:
            content = decode.read(stream)
        facts = decode.facts(content)
        picture = Picture(sha256, facts.media_type, facts.width, facts.height)
        if not compared:
            return picture
        described = describe(decode.picture(content))
    except MalformedInput as error:
        return Picture(sha256, problem=f"{error.message} {error.remedy}".strip())
    except ConcordError:
        raise
    except Exception as error:  # a decoder's own mistake costs the picture, never the record
        return Picture(sha256, problem=f"the image could not be opened ({type(error).__name__}). Deliver it again.")
    return Picture(sha256, facts.media_type, facts.width, facts.height, described.hash, pack(described.vector))


def plain(path: str) -> str:
    """A path for comparison: slashes between folders and archives, one writing of each letter, no capitals."""
    return unicodedata.normalize("NFC", path.replace("\\", "/").replace("!", "/")).casefold()


def _shared(place: str, folder: str) -> int:
    """Folders that both have in common, from the outermost on."""
    count = 0
    for one, other in zip(place.split("/")[:-1], folder.split("/") if folder else (), strict=False):
        if one != other:
            break
        count += 1
    return count


def compared(record: Record) -> tuple[tuple[int, str], ...]:
    """(place from 1, SHA-256) of the images by which a record is found, each content once."""
    kind = COMPARED.get(record.right)
    places: dict[str, int] = {}
    for place, image in enumerate(record.images, 1):
        if image.type == kind and image.sha256 is not None:
            places.setdefault(image.sha256, place)
    return tuple((place, sha256) for sha256, place in list(places.items())[:MOST_COMPARED])


def member_path(file: str, member: str) -> str:
    """Path of a member as `File.path` has it."""
    return f"{file}!{member}" if member else file


def files_of(rows: Iterable[tuple[str, str, str]]) -> list[File]:
    """(file, member, sha256) as files."""
    return [File(member_path(file, member), sha256) for file, member, sha256 in rows]
