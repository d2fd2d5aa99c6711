"""A query read back in plain words of the reader's language, from its tree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

from markupsafe import Markup, escape

from api.search.query import All, Everything, Near, Node, Present, Some, Span, Weighted, Without, Words
from api.web.language import Tongue, isolated

TAG = re.compile(r"<[^>]*>")
BDI = re.compile(r"<bdi[^>]*>")


def plain(tree: Node | None) -> bool:
    """Whether there is nothing to explain: words, each wherever it stands."""
    match tree:
        case None | Everything():
            return True
        case Words():
            return tree.field is None and not (tree.phrase or tree.wildcard or tree.fuzzy or tree.language)
        case All(parts):
            return all(plain(part) for part in parts)
    return False


def told(node: Node, says: Tongue) -> Markup:
    """The tree as one sentence; parts of it in brackets where they belong together."""
    match node:
        case Everything():
            return escape(says.say("everything"))
        case Words():
            return _words(node, says)
        case Span():
            low, high = (says.date(end) if end else "\u2026" for end in (node.low, node.high))
            return Markup("{}: <bdi>{}</bdi> \u2013 <bdi>{}</bdi>").format(says.word("field", node.field), low, high)
        case Present():
            return Markup("{}: {}").format(says.word("field", node.field), says.say("any value"))
        case Without(part):
            return Markup("<b>{}</b> {}").format(says.say("not"), _grouped(part, says))
        case Weighted(part, _):
            return _grouped(part, says)
        case Near(parts, distance, _):
            near = says.say("with at most %(count)s words between", count=says.number(distance))
            return Markup("{} ({})").format(_joined(parts, says.say("and"), says), near)
        case All(parts):
            return _joined(parts, says.say("and"), says)
        case Some(parts):
            return _joined(parts, says.say("or"), says)


def plainly(node: Node, says: Tongue) -> str:
    """The same as text without marks of HTML; what is isolated in the page stands between isolates (UAX #9, 2.4)."""
    text = str(told(node, says))
    if says.direction == "rtl":
        text = BDI.sub("\u2068", text).replace("</bdi>", "\u2069")
    return unescape(TAG.sub("", text))


def _joined(parts: Sequence[Node], word: str, says: Tongue) -> Markup:
    return Markup(" <b>{}</b> ").format(word).join(_grouped(part, says) for part in parts)


def _grouped(node: Node, says: Tongue) -> Markup:
    text = told(node, says)
    return Markup("({})").format(text) if isinstance(node, (All, Some)) and len(node.parts) > 1 else text


def _words(node: Words, says: Tongue) -> Markup:
    field = says.word("field", node.field) if node.field else says.say("any text")
    tongue = f" ({says.language(node.language)})" if node.language else ""
    shown = Markup("\u201c{}\u201d").format(isolated(node.text, node.language, None if node.language else "auto"))
    told_so = []
    if node.phrase:
        told_so.append(says.say("side by side"))
    if node.phrase and node.slop:
        told_so[-1] = says.say("with at most %(count)s words between", count=says.number(node.slop))
    if node.wildcard:
        told_so.append(says.say("* stands for any letters"))
    if node.fuzzy:
        told_so.append(says.say("letters may differ"))
    more = f" ({', '.join(told_so)})" if told_so else ""
    return Markup("{}{}: {}{}").format(field, tongue, shown, more)
