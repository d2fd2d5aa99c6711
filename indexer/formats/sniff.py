"""What a member is, from its content: never from its name.

`signature` looks at the first 64 KiB only, so sniffing costs the same for any size. `recognise` asks each row of the
table of formats in turn; the first that knows the signature reads the member.
"""

from __future__ import annotations

import re

from common.errors import Place, UnknownFormat
from common.messages import say
from indexer.formats.reading import Format, Signature
from indexer.formats.xml import declared_encoding

HEAD = 64 * 1024

START_TAG = re.compile(r"<([A-Za-z_][\w.\-]*:)?([A-Za-z_][\w.\-]*)((?:\s+[^<>]*?)?)/?>", re.S)
ATTRIBUTE = re.compile(r"""([\w.\-:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
SKIPPED = re.compile(r"<!--.*?(?:-->|$)|<!\[CDATA\[.*?(?:\]\]>|$)|<\?.*?(?:\?>|$)", re.S)
DOCTYPE = re.compile(r"<!DOCTYPE\s+([^\[>]*)(?:\[.*?\]\s*)?>", re.S)
JSON_KEY = re.compile(r'"((?:[^"\\]|\\.){1,80})"\s*:')


def signature(head: bytes, name: str = "") -> Signature:
    """Signature of a member from its first bytes (at most 64 KiB are looked at)."""
    head = head[:HEAD]
    text = head.decode(_known(declared_encoding(head)), "replace").lstrip("\ufeff").lstrip()
    if text.startswith("<"):
        return _xml(head, text, name)
    if text.startswith(("{", "[")):
        keys = tuple(dict.fromkeys(JSON_KEY.findall(text[:HEAD])))[:200]
        return Signature(head=head, json_keys=keys, name=name)
    return Signature(head=head, name=name)


def recognise(found: Signature, formats: tuple[Format, ...], place: Place) -> Format:
    """The format of a member. Raises UnknownFormat saying what was seen."""
    for row in formats:
        if row.recognises(found):
            return row
    raise UnknownFormat(
        say("input.unknown-format", content=describe(found)),
        place=place,
    )


def describe(found: Signature) -> str:
    """What the content looks like, in plain words."""
    if not found.head.strip():
        return "it is empty"
    if found.root:
        if found.root.lower() == "html":
            return "an HTML page"
        return f"XML with root <{found.root}>" + (f" in namespace {found.namespace}" if found.namespace else "")
    if found.json_keys:
        return "JSON with the keys " + ", ".join(found.json_keys[:5])
    if b"\0" in found.head:
        return "binary data"
    return "text that starts " + repr(found.head[:40].decode("utf-8", "replace"))


def _known(encoding: str) -> str:
    try:
        "".encode(encoding)
    except LookupError:
        return "utf-8"
    return encoding


def _xml(head: bytes, text: str, name: str) -> Signature:
    doctype = DOCTYPE.search(text[:8192])
    plain = SKIPPED.sub(" ", text)
    if (declared := DOCTYPE.search(plain)) is not None:
        plain = plain[declared.end() :]
    tags = START_TAG.finditer(plain)
    root = next(tags, None)
    if root is None:
        return Signature(head=head, name=name, doctype=doctype.group(1).strip() if doctype else None)
    attributes = tuple((m.group(1), m.group(2) or m.group(3) or "") for m in ATTRIBUTE.finditer(root.group(3)))
    prefix = (root.group(1) or "").rstrip(":")
    wanted = f"xmlns:{prefix}" if prefix else "xmlns"
    namespace = next((found for key, found in attributes if key == wanted), None)
    children = tuple(dict.fromkeys(tag.group(2) for tag in tags))[:400]
    return Signature(
        head=head,
        root=root.group(2),
        namespace=namespace,
        children=children,
        attributes=attributes,
        doctype=doctype.group(1).strip() if doctype else None,
        name=name,
    )
