"""ST.97-style JSON: what the ST.96 writers write, component by component, under names in lowerCamelCase.

The shape is that of indexer/formats/st97.py: attributes beside elements, text beside attributes as `value`, an array
where a bag may hold more than one, whether it does or not.
"""

from __future__ import annotations

from typing import Any

import orjson
from lxml import etree

from indexer.formats.st97 import TEXT, lower_camel
from indexer.formats.xml import local


def convert(data: bytes) -> bytes:
    """An ST.96 document of this package as JSON."""
    root = etree.fromstring(data)
    return orjson.dumps({lower_camel(local(root)): _value(root)}, option=orjson.OPT_INDENT_2) + b"\n"


def _value(element: etree._Element) -> Any:
    said: dict[str, Any] = {etree.QName(name).localname: value for name, value in element.attrib.items()}
    text = element.text if element.text and element.text.strip() else None
    if not said and not len(element):
        return text or ""
    if text is not None:
        said[TEXT] = text
    many = local(element).endswith("Bag")
    names = [local(child) for child in element]
    for child, name in zip(element, names, strict=True):
        key, value = lower_camel(name), _value(child)
        if many or names.count(name) > 1:
            said.setdefault(key, []).append(value)
        else:
            said[key] = value
    return said
