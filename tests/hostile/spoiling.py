"""Ways to read spoilt data, and to spoil it."""

from __future__ import annotations

import io
import re

from common.errors import InputError
from indexer.formats.draft import Draft
from indexer.formats.reading import Context
from indexer.formats.table import by_name

DOCTYPE = re.compile(rb"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.S)
TEXT_NODE = re.compile(rb">([^<>&\s][^<>&]{2,})</")
PROLOGUE = re.compile(rb"^(?:\xef\xbb\xbf)?\s*(?:<\?xml.*?\?>\s*)?", re.S)


def read(name: str, data: bytes) -> list[Draft | InputError]:
    """All that the reader called `name` makes of `data`; an InputError that it raises comes last."""
    outcomes: list[Draft | InputError] = []
    try:
        outcomes.extend(by_name(name).read(io.BytesIO(data), Context("spoilt", "inner/spoilt.xml")))
    except InputError as error:
        outcomes.append(error)
    return outcomes


def drafts(outcomes: list[Draft | InputError]) -> list[Draft]:
    return [one for one in outcomes if isinstance(one, Draft)]


def errors(outcomes: list[Draft | InputError]) -> list[InputError]:
    return [one for one in outcomes if isinstance(one, InputError)]


def is_xml(data: bytes) -> bool:
    return data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")


def with_doctype(data: bytes, doctype: bytes) -> bytes:
    """The document with this declaration in place of its own."""
    plain = DOCTYPE.sub(b"", data)
    end = PROLOGUE.match(plain)
    assert end is not None
    return plain[: end.end()] + doctype + plain[end.end() :]


def with_text(data: bytes, text: bytes) -> bytes:
    """The document with `text` in place of the text node in its middle, or at its end."""
    nodes = list(TEXT_NODE.finditer(data))
    if not nodes:
        end = data.rfind(b"</")
        return data[:end] + text + data[end:]
    middle = min(nodes, key=lambda match: abs(match.start() - len(data) // 2))
    return data[: middle.start(1)] + text + data[middle.end(1) :]
