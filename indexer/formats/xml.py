"""The only place that makes XML parsers: one record at a time out of a file of any size; no entities, DTDs or network.

A file is cut into its record elements by scanning the bytes for their tags (comments, CDATA sections and processing
instructions respected), and each slice is parsed on its own. That gives three things that a streaming parse of the
whole file does not: the byte offset of every record, memory bounded by the largest record, and a broken record that
costs only itself. What stands between the records is parsed too, so that nothing between them goes unread: a misspelt
or half record is reported, not skipped.

Document type declarations are never acted on. A record that refers to an entity which its file declares is refused
(entity expansion, external entities); the character entities of HTML and ISO 8879 that old SGML-born files use are
known by name.
"""

from __future__ import annotations

import codecs
import html.entities
import re
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from common.errors import InputError, MalformedInput, Place
from common.messages import say
from indexer.formats.reading import Context

CHUNK = 256 * 1024
MAX_RECORD = 64 * 1024 * 1024
"""Bytes of one record. The largest real ones (sequence listings) stay under 40 MB."""
MAX_DOCTYPE = 1024 * 1024
LONGEST_TOKEN = 512
"""No tag name that is looked for is longer; what is kept when a token may be cut by the end of a chunk."""

SINGLE_BYTE = re.compile(r"(?i)^(us-ascii|ascii|iso-8859-\d+|latin-?1|windows-125\d|cp125\d|koi8-r)$")
WIDE = re.compile(r"(?i)^(utf|ucs|iso-10646-ucs)[-_]?(16|32|2|4)([-_]?[lb]e)?$")
ENTITY = re.compile(rb"&([A-Za-z][\w.\-]*);")
XML_ENTITIES = {b"amp", b"lt", b"gt", b"quot", b"apos"}
DECLARED_ENTITY = re.compile(rb"<!ENTITY\s+(?:%\s+)?([\w.\-:]+)\s+(?:(?:SYSTEM|PUBLIC)\b[^>]*?\bNDATA\b)?")
TAG_END = re.compile(rb"""[^>"']*(?:"[^"]*"[^>"']*|'[^']*'[^>"']*)*>""")
DOCTYPE_END = re.compile(
    rb"""(?:[^>\["']|"[^"]*"|'[^']*')*(?:\[(?:[^\]"'<]|"[^"]*"|'[^']*'|<!--.*?-->|<)*\]\s*)?>""", re.S
)
DECLARATION = re.compile(rb"""^<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._\-]+)["']""")
BLANK = re.compile(r"\s+")


@dataclass(slots=True)
class XmlRecord:
    """One record element, parsed. Positions are bytes of the member as stored; None where it had to be re-encoded."""

    element: etree._Element
    ordinal: int
    byte_offset: int | None
    byte_length: int | None
    line: int
    ancestors: tuple[tuple[str, dict[str, str]], ...] = ()
    """(local name, attributes) of the elements around it, outermost first."""
    problems: list[tuple[str, str]] = field(default_factory=list)


def parser(encoding: str | None = None) -> etree.XMLParser:
    """A parser that resolves no entities, loads no DTD and opens nothing."""
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def records(
    stream: BinaryIO, names: Collection[str], context: Context, *, max_record: int = MAX_RECORD
) -> Iterator[XmlRecord | InputError]:
    """Yield each outermost element whose local name is in `names`, in file order, an InputError for each broken one.

    Concatenated XML documents in one file (as in the US weekly files) are read one after the other.
    """
    return _Cutter(stream, names, context, max_record).run()


class _Cutter:
    def __init__(self, stream: BinaryIO, names: Collection[str], context: Context, max_record: int) -> None:
        self.context = context
        self.max_record = max_record
        self.names = names
        self.stream, self.encoding, self.exact = _as_parseable(stream, context)
        wanted = b"|".join(re.escape(name.encode()) for name in sorted(names, key=len, reverse=True))
        self.token = re.compile(
            rb"<(?:(!--)|(!\[CDATA\[)|(!DOCTYPE)|(\?)|(/?)((?:[A-Za-z_][\w.\-]*:)?(?:" + wanted + rb"))(?=[\s/>]))"
        )
        self.buffer = b""
        self.taken = 0  # bytes of the buffer already dropped; positions below count from here
        self.base = 0  # offset in the file of the first byte not dropped
        self.base_line = 1
        self.finished = False
        self.ordinal = 0
        self.entities: set[bytes] = set()
        self.surroundings = _Surroundings()
        self.parser = parser(self.encoding)

    def fill(self) -> bool:
        chunk = self.stream.read(CHUNK)
        if not chunk:
            self.finished = True
            return False
        self.buffer = self.buffer[self.taken :] + chunk
        self.taken = 0
        return True

    @property
    def held(self) -> int:
        return len(self.buffer) - self.taken

    def drop(self, length: int) -> bytes:
        dropped = self.buffer[self.taken : self.taken + length]
        self.taken += length
        self.base += length
        self.base_line += dropped.count(b"\n")
        return dropped

    def place(self, line: int | None = None, field: str = "") -> Place:
        return Place(self.context.file, self.context.member, self.ordinal, field, line)

    def run(self) -> Iterator[XmlRecord | InputError]:
        position = 0
        while True:
            match = self.token.search(self.buffer, self.taken + position)
            if match is None:
                if self.finished:
                    yield from self.between(self.drop(self.held))
                    break
                keep = max(position, self.held - LONGEST_TOKEN)
                yield from self.between(self.drop(keep))
                position = 0
                self.fill()
                continue
            start = match.start() - self.taken
            comment, cdata, doctype, instruction, closing, name = match.groups()
            if name is not None and not closing:
                yield from self.between(self.drop(start))
                outcome = yield from self.record(name)
                position = 0
                if not outcome:
                    return
                continue
            if doctype:
                yield from self.between(self.drop(start))
                failure = self.doctype()
                if failure is not None:
                    yield failure
                    return
                position = 0
                continue
            ending = b"-->" if comment else b"]]>" if cdata else b"?>" if instruction else b">"
            end = self.find(ending, match.end() - self.taken)
            if end < 0:
                yield MalformedInput(
                    say("input.ends-in-markup"),
                    place=self.place(self.base_line),
                )
                return
            position = end
        if problem := self.surroundings.unclosed():
            yield MalformedInput(
                say("input.ends-before", element=problem, record=self.ordinal),
                place=self.place(self.base_line),
            )
        elif not self.ordinal:
            yield MalformedInput(
                say("input.no-element", elements=" or ".join(f"<{name}>" for name in sorted(self.names))),
                place=Place(self.context.file, self.context.member),
            )

    def find(self, ending: bytes, position: int) -> int:
        """Position just after `ending`, reading on as needed; -1 at the end of the file or past the size limit."""
        while (end := self.buffer.find(ending, self.taken + position)) < 0:
            position = max(position, self.held - len(ending) + 1)
            if self.held > self.max_record or not self.fill():
                return -1
        return end + len(ending) - self.taken

    def between(self, gap: bytes) -> Iterator[InputError]:
        line_before = self.base_line - gap.count(b"\n")
        if (failure := self.surroundings.feed(gap, self.encoding)) is not None:
            message, line = failure
            yield MalformedInput(
                say("input.between-records", fault=message),
                place=self.place(line_before + line - 1),
            )

    def doctype(self) -> MalformedInput | None:
        """Pass over a document type declaration, remembering the entities it declares. It is never acted on."""
        while (match := DOCTYPE_END.match(self.buffer, self.taken + len(b"<!DOCTYPE"))) is None:
            if self.held > MAX_DOCTYPE or not self.fill():
                return MalformedInput(
                    say("input.doctype-too-long", most=MAX_DOCTYPE),
                    place=self.place(self.base_line),
                )
        declaration = self.drop(match.end() - self.taken)
        for entity in DECLARED_ENTITY.finditer(declaration):
            self.entities.add(entity.group(1))
        return None

    def record(self, name: bytes) -> Generator[XmlRecord | InputError, None, bool]:
        """The buffer starts with the record's start tag. Yields the record or an error; False at the file's end."""
        depth = 0
        position = 0
        start, start_line = self.base, self.base_line
        tag = re.compile(rb"<(?:(!--)|(!\[CDATA\[)|(\?)|(/?)" + re.escape(name) + rb"(?=[\s/>]))")
        oversized = False
        while True:
            match = tag.search(self.buffer, self.taken + position)
            if match is None:
                keep = max(position, self.held - LONGEST_TOKEN)
                if oversized or self.held > self.max_record:
                    oversized = True
                    self.drop(keep)
                    keep = 0
                position = keep
                if not self.fill():
                    yield self.cut_short(name, start_line)
                    return False
                continue
            comment, cdata, instruction, closing = match.groups()
            if comment or cdata or instruction:
                end = self.find(b"-->" if comment else b"]]>" if cdata else b"?>", match.end() - self.taken)
                if end < 0:
                    yield self.cut_short(name, start_line)
                    return False
                position = end
                continue
            opened = match.end() - self.taken
            while (tag_end := TAG_END.match(self.buffer, self.taken + opened)) is None:
                if self.held > self.max_record or not self.fill():
                    yield self.cut_short(name, start_line)
                    return False
            position = tag_end.end() - self.taken
            if closing:
                depth -= 1
            elif self.buffer[tag_end.end() - 2 : tag_end.end() - 1] != b"/":
                depth += 1
            if depth == 0:
                break
        if oversized or position > self.max_record:
            self.drop(position)
            yield MalformedInput(
                say("input.record-too-large", size=self.max_record // 1024 // 1024),
                place=self.place(start_line),
            )
        else:
            yield self.parse(self.drop(position), start, start_line)
        self.ordinal += 1
        self.surroundings.record_seen()
        return True

    def cut_short(self, name: bytes, line: int) -> MalformedInput:
        return MalformedInput(
            say("input.ends-inside", element=name.decode("utf-8", "replace"), line=str(line)),
            place=self.place(line),
        )

    def parse(self, data: bytes, start: int, line: int) -> XmlRecord | InputError:
        opening = self.surroundings.namespace_wrapper()
        problems: list[tuple[str, str]] = []
        try:
            element = etree.fromstring(opening + data + b"</_>", self.parser)
        except etree.XMLSyntaxError as error:
            if b"&" not in data or not ENTITY.search(data):
                return self.broken(error, line)
            used = {entity for entity in ENTITY.findall(data) if entity in self.entities}
            if used:
                return MalformedInput(
                    say("input.entity-of-its-own", entity=sorted(used)[0].decode()),
                    place=self.place(line),
                )
            data_resolved, unknown = _resolve_character_entities(data, self.encoding)
            problems += [("text", f"unknown character entity &{name}; kept as written") for name in sorted(unknown)]
            try:
                element = etree.fromstring(opening + data_resolved + b"</_>", self.parser)
            except etree.XMLSyntaxError as second:
                return self.broken(second, line)
        return XmlRecord(
            element=element[0],
            ordinal=self.ordinal,
            byte_offset=start if self.exact else None,
            byte_length=len(data) if self.exact else None,
            line=line,
            ancestors=self.surroundings.ancestors(),
            problems=problems,
        )

    def broken(self, error: etree.XMLSyntaxError, line: int) -> MalformedInput:
        at = line + (error.lineno or 1) - 1
        return MalformedInput(
            say("input.not-well-formed-xml", fault=_plain(error)),
            place=self.place(at),
        )


class _Surroundings:
    """What stands around the records, parsed as it comes: gives the namespaces in scope, finds what is ill-formed."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.pull: etree.XMLPullParser | None = None
        self.stack: list[etree._Element] = []
        self.lines = 0
        self.trusted = True
        self.closed = False
        self._wrapper: bytes | None = None
        self._ancestors: tuple[tuple[str, dict[str, str]], ...] | None = None

    def feed(self, gap: bytes, encoding: str) -> tuple[str, int] | None:
        """Take in bytes from between records. Returns (message, line within the gap) once they are not well-formed."""
        ended, declaration, following = gap.partition(b"<?xml ")
        if declaration and ended.strip():
            # one document ends and the next begins, with no record in between
            if (failure := self._feed(ended, encoding)) is not None:
                return failure
            self.reset()
            return self._feed(declaration + following, encoding)
        return self._feed(gap, encoding)

    def _feed(self, gap: bytes, encoding: str) -> tuple[str, int] | None:
        if not self.trusted:
            return None
        if self.pull is None or self.closed:
            stripped = gap.lstrip(b"\xef\xbb\xbf \t\r\n")
            if not stripped:
                return None
            self.reset()
            # the declaration has done its work; in concatenated files white space may precede it
            if stripped.startswith(b"<?xml"):
                stripped = stripped[stripped.find(b"?>") + 2 :].lstrip()
                if not stripped:
                    return None
            gap = stripped
            self.pull = etree.XMLPullParser(
                ("start", "end"),
                encoding=encoding,
                resolve_entities=False,
                no_network=True,
                load_dtd=False,
                remove_comments=True,
                remove_pis=True,
            )
        try:
            self.pull.feed(gap)
            for event, element in self.pull.read_events():
                self._wrapper = self._ancestors = None
                if not isinstance(element, etree._Element):
                    continue
                if event == "start":
                    self.stack.append(element)
                else:
                    self.stack.pop()
                    if self.stack:
                        self.stack[-1].remove(element)
                    else:
                        self.closed = True
        except etree.XMLSyntaxError as error:
            self.trusted = False
            return _plain(error), max(1, (error.lineno or 1) - self.lines)
        self.lines += gap.count(b"\n")
        return None

    def record_seen(self) -> None:
        if not self.stack:
            # the record was the root: the next one belongs to a new document
            self.reset()

    def unclosed(self) -> str | None:
        return local(self.stack[0]) if self.trusted and self.stack else None

    def namespace_wrapper(self) -> bytes:
        if self._wrapper is None:
            declarations = ""
            if self.stack:
                for prefix, address in self.stack[-1].nsmap.items():
                    quoted = address.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
                    declarations += f' xmlns:{prefix}="{quoted}"' if prefix else f' xmlns="{quoted}"'
            self._wrapper = f"<_{declarations}>".encode("ascii", "xmlcharrefreplace")
        return self._wrapper

    def ancestors(self) -> tuple[tuple[str, dict[str, str]], ...]:
        if self._ancestors is None:
            self._ancestors = tuple((local(e), {str(k): str(v) for k, v in e.attrib.items()}) for e in self.stack)
        return self._ancestors


class _Transcoded:
    """A byte stream re-encoded to UTF-8 as it is read. Invalid bytes become U+FFFD, which quality rules report."""

    def __init__(self, head: bytes, stream: BinaryIO, encoding: str, place: Place) -> None:
        self.place = place
        self.decoder = codecs.getincrementaldecoder(encoding)("replace")
        self.pending = head
        self.stream = stream
        self.done = False
        self.started = False

    def read(self, size: int) -> bytes:
        while not self.done:
            data, self.pending = self.pending or self.stream.read(size), b""
            self.done = not data
            try:
                text = self.decoder.decode(data, final=self.done)
            except UnicodeError as error:
                raise MalformedInput(
                    say("input.not-in-its-encoding", fault=str(getattr(error, "reason", error))),
                    place=self.place,
                ) from None
            if not self.started:
                text = text.lstrip("\ufeff")
                self.started = bool(text)
            if text:
                try:
                    return text.encode()
                except UnicodeEncodeError:
                    # UTF-7 can say half of a surrogate pair, which is no character
                    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
        return b""


class _Prefixed:
    """A stream whose first bytes were already taken."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self.head, self.stream = head, stream

    def read(self, size: int) -> bytes:
        if self.head:
            taken, self.head = self.head, b""
            return taken
        return self.stream.read(size)


def _as_parseable(stream: BinaryIO, context: Context) -> tuple[_Prefixed | _Transcoded, str, bool]:
    """(bytes in an encoding in which ASCII stands for itself, that encoding, whether offsets are the file's own)."""
    head = stream.read(1024)
    encoding = declared_encoding(head)
    if encoding.lower() in ("utf-8", "utf8"):
        return _Prefixed(head, stream), "utf-8", True
    if SINGLE_BYTE.match(encoding):
        return _Prefixed(head, stream), encoding, True
    try:
        "".encode(encoding)  # LookupError too for codecs that are not of text, such as zlib
    except (LookupError, UnicodeError):
        raise MalformedInput(
            say("input.encoding-unknown", encoding=encoding),
            place=Place(context.file, context.member, line=1),
        ) from None
    return _Transcoded(head, stream, encoding, Place(context.file, context.member)), "utf-8", False


def declared_encoding(head: bytes) -> str:
    """Encoding by byte order mark, else by the XML declaration, else UTF-8 (XML 1.0, appendix F)."""
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head.startswith(b"<\x00?\x00"):
        return "utf-16-le"
    if head.startswith(b"\x00<\x00?"):
        return "utf-16-be"
    match = DECLARATION.match(head.removeprefix(b"\xef\xbb\xbf").lstrip())
    declared = match.group(1).decode() if match else "utf-8"
    # a declaration that can be read byte by byte is not in an encoding of two or four bytes a character
    return "utf-8" if WIDE.match(declared) else declared


@lru_cache(maxsize=1)
def _iso8879() -> dict[str, str]:
    """Character entities of ISO 8879 that HTML does not know, such as `&agr;`."""
    table = (Path(__file__).parent / "entities_iso8879.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {name: "".join(chr(int(point, 16)) for point in points.split()) for name, points, _ in rows}


def _resolve_character_entities(data: bytes, encoding: str) -> tuple[bytes, set[str]]:
    unknown: set[str] = set()

    def character(match: re.Match[bytes]) -> bytes:
        name = match.group(1)
        if name in XML_ENTITIES:
            return match.group(0)
        value = html.entities.html5.get(name.decode() + ";") or _iso8879().get(name.decode())
        if value is None:
            unknown.add(name.decode())
            return b"&amp;" + name + b";"
        return "".join(f"&#{ord(c)};" for c in value).encode()

    return ENTITY.sub(character, data), unknown


def _plain(error: etree.XMLSyntaxError) -> str:
    return BLANK.sub(" ", re.sub(r", line \d+, column \d+.*$", "", error.msg or "unreadable")).rstrip(". ")


# --- looking into a record, by local names: offices use the same names under many namespaces ---


@lru_cache(maxsize=4096)
def _path(path: str) -> str:
    return "/".join(
        step if step in (".", "..", "*") or step.startswith("{") else "{*}" + step for step in path.split("/")
    ).replace("/{*}/", "//")


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[str, ...] | None:
    """The steps of a path that only goes from parents to children; None for any other."""
    steps = path.split("/")
    return None if {".", "..", "*", ""} & set(steps) else tuple(s if s.startswith("{") else "{*}" + s for s in steps)


def first(element: etree._Element, path: str) -> etree._Element | None:
    """The first element at `path` (local names, `A/B`, `.//A`), or None."""
    steps = _steps(path)
    if steps is not None and len(steps) == 1:
        return next(element.iterchildren(steps[0]), None)
    return element.find(_path(path))


def every(element: etree._Element, path: str) -> list[etree._Element]:
    """All elements at `path`, in document order."""
    steps = _steps(path)
    if steps is None:
        return element.findall(_path(path))
    # less than half the time that findall takes: most paths lead nowhere in most records
    found = list(element.iterchildren(steps[0]))
    for step in steps[1:]:
        if not found:
            break
        found = [child for one in found for child in one.iterchildren(step)]
    return found


def local(element: etree._Element) -> str:
    """Local name of an element, with its prefix where nothing declares that: lxml's QName refuses such a name."""
    tag = str(element.tag)
    return tag[tag.rfind("}") + 1 :]


def text(element: etree._Element | None) -> str | None:
    """All text in an element, white space collapsed; None where there is none."""
    if element is None:
        return None
    whole = "".join(str(part) for part in element.itertext()) if len(element) else element.text or ""
    return " ".join(whole.split()) or None


def value(element: etree._Element, *paths: str) -> str | None:
    """Text at the first of `paths` that has any."""
    for path in paths:
        for found in every(element, path):
            if result := text(found):
                return result
    return None


def values(element: etree._Element, path: str) -> list[str]:
    """Text of every element at `path` that has any."""
    return [found_text for found in every(element, path) if (found_text := text(found))]


def paragraphs(
    element: etree._Element | None, blocks: Collection[str] = ("p", "P", "claim", "heading", "li")
) -> str | None:
    """Text of an element with each of its `blocks` on a line of its own."""
    if element is None:
        return None
    parts: list[str] = [""]

    def walk(node: etree._Element) -> None:
        block = isinstance(node.tag, str) and local(node) in blocks
        if block:
            parts.append("")
        parts[-1] += node.text or ""
        for child in node:
            walk(child)
            parts[-1] += child.tail or ""
        if block:
            parts.append("")

    walk(element)
    joined = "\n".join(line for part in parts if (line := BLANK.sub(" ", part).strip()))
    return joined or None


def attribute(element: etree._Element, *names: str) -> str | None:
    """Value of the first attribute whose local name is one of `names`, in that order."""
    for name in names:
        if (whole := element.get(name)) is not None and (whole := whole.strip()):
            return whole
        for key, found in element.attrib.items():
            plain = str(key)
            if plain == name or plain.endswith("}" + name):
                stripped = str(found).strip()
                if stripped:
                    return stripped
    return None
