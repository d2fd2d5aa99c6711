"""Results of a saved search as an Atom feed (RFC 4287)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from lxml import etree

from indexer.record import TextType
from store.saved import SavedSearch

ATOM = "http://www.w3.org/2005/Atom"
TITLES = (TextType.TITLE, TextType.MARK_TEXT, TextType.PRODUCT_INDICATION, TextType.GI_PRODUCT)
MEDIA_TYPE = "application/atom+xml"
CONTROLS = dict.fromkeys([*range(0x20), 0xFFFE, 0xFFFF], " ")


def write(entry: SavedSearch, results: Sequence[dict[str, Any]], base: str) -> bytes:
    """`results` as the API gives them, the latest first; `base`: the platform's address, without a slash."""
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})  # type: ignore[dict-item]
    _add(root, "id", f"urn:ip-concord:saved-search:{entry.id}")
    _add(root, "title", entry.name)
    _add(root, "updated", _time(results[0]["found"] if results else entry.created))
    _add(root, "link", rel="self", href=f"{base}/v1/saved-searches/{entry.id}/feed", type=MEDIA_TYPE)
    author = _add(root, "author")
    _add(author, "name", "IP Concord")
    for result in results:
        item = _add(root, "entry")
        _add(item, "id", f"urn:ip-concord:saved-search:{entry.id}:{result['number']}")
        _add(item, "title", _title(result))
        _add(item, "updated", _time(result["found"]))
        _add(item, "link", rel="alternate", href=f"{base}/records/{quote(result['id'], safe='')}")
        _add(item, "category", term=result["change"])
        abstract = next((t["text"] for t in result["record"].get("texts", ()) if t["type"] == TextType.ABSTRACT), None)
        if abstract:
            _add(item, "summary", abstract)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _title(result: dict[str, Any]) -> str:
    texts = result["record"].get("texts", ())
    found = next((text["text"] for wanted in TITLES for text in texts if text["type"] == wanted), "")
    return f"{found or result['id']} ({result['record']['office']})"


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    made = etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    made.text = None if text is None else text.translate(CONTROLS)
    return made
