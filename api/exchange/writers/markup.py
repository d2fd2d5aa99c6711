"""XML elements without ceremony: names with prefixes, no trace of what is not there, only what XML allows.

`E("com:ApplicationNumber", E("com:ApplicationNumberText", raw))` is None where `raw` is None: an element is
made only if something stands in it, so a writer says in order what may stand where and need not ask whether it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree

NAMESPACES = {
    "com": "http://www.wipo.int/standards/XMLSchema/ST96/Common",
    "pat": "http://www.wipo.int/standards/XMLSchema/ST96/Patent",
    "tmk": "http://www.wipo.int/standards/XMLSchema/ST96/Trademark",
    "dgn": "http://www.wipo.int/standards/XMLSchema/ST96/Design",
    "gin": "http://www.wipo.int/standards/XMLSchema/ST96/GeographicalIndication",
    "cpy": "http://www.wipo.int/standards/XMLSchema/ST96/Copyright",
    "tm": "http://www.wipo.int/standards/XMLSchema/trademarks",
    "ds": "http://www.wipo.int/standards/XMLSchema/designs",
    "xml": "http://www.w3.org/XML/1998/namespace",
}

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may hold (XML 1.0, production 2). The readers take U+FFFD for it; so do we."""

Element = etree._Element
Content = Element | str | Iterable["Content"] | None
Attributes = Mapping[str, str | None]


def E(name: str, *content: Content | Attributes) -> Element | None:  # noqa: N802 (the builder's customary name)
    """An element with its attributes (a mapping) and content; None where there is no content.

    `content`: strings, elements and lists of them, None for what is not there. Attributes alone make no element.
    """
    texts: list[str] = []
    children: list[Element] = []
    attributes: dict[str, str] = {}
    for part in content:
        if isinstance(part, Mapping):
            attributes |= {qualified(key): clean(value) for key, value in part.items() if value is not None}
        else:
            _gather(part, texts, children)
    text = "".join(texts)
    if not children and not text.strip():
        return None
    return _made(name, attributes, text, children)


def empty(name: str, attributes: Attributes) -> Element:
    """An element that says everything in its attributes."""
    return _made(name, {qualified(key): clean(value) for key, value in attributes.items() if value}, "", [])


def _made(name: str, attributes: dict[str, str], text: str, children: list[Element]) -> Element:
    element = etree.Element(qualified(name), attributes)
    element.text = clean(text) or None
    element.extend(children)
    return element


def _gather(part: Content, texts: list[str], children: list[Element]) -> None:
    if part is None:
        return
    if isinstance(part, str):
        texts.append(part)
    elif isinstance(part, etree._Element):
        children.append(part)
    else:
        for one in part:
            _gather(one, texts, children)


def qualified(name: str) -> str:
    prefix, colon, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if colon else name


def clean(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)


def serialised(root: Element, *prefixes: str, default: str | None = None) -> bytes:
    """A document in UTF-8 with its namespaces declared once, at the root; that of `default` without prefix."""
    wanted: dict[Any, str] = {prefix: NAMESPACES[prefix] for prefix in prefixes}
    if default is not None:
        wanted[None] = NAMESPACES[default]
    top = etree.Element(root.tag, {str(k): str(v) for k, v in root.attrib.items()}, nsmap=wanted)
    top.text = root.text
    top.extend(list(root))
    etree.cleanup_namespaces(top, keep_ns_prefixes=list(prefixes))
    data: bytes = etree.tostring(top, encoding="UTF-8", xml_declaration=True)
    return data + b"\n"
