"""What OpenSearch stores: component templates and one index template a right, as JSON files a person can read.

A file may use these directives, which `templates` expands:

- `"$analysis"` as a value: the analysis settings. Every component that names an analyser carries them, because the
  engine checks each component on its own.
- `"$each LIST": {…}` among properties: one property for each entry of LIST (a list of lists.json), with `{LIST}`
  replaced in its strings. `"$each language"` goes through the languages of analyzers/ and also replaces `{exact}`, the
  analyser of the language's twin field for phrases, wildcards and highlights.
- `"$dimension"`: length of the embedder's vectors; `"$picture"`: of the vectors of pictures.

How many shards an index has, and how its vectors are kept, follows from its size: sizes.toml and vectors.json.

A `search_analyzer` NAME_search is left out where the table of analyzers/ analyses queries as it does texts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from common.errors import ConfigurationError
from mappings.sizes import Size

HERE = Path(__file__).parent
COMPONENTS = tuple(sorted(path.stem for path in (HERE / "components").glob("*.json")))
RIGHTS = ("patent", "trademark", "design", "copyright", "gi")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """What the templates are bound to: one embedder, one set of analysers, the languages that have a field."""

    embedder: str
    dimension: int
    vectors: int
    """Version of how a record's vector is made of its texts."""
    analysis: Json
    languages: Mapping[str, str]
    """Language code → name of its exact analyser."""
    record_schema: int
    picture: int
    """Numbers in a picture's vector."""
    native: bool = False
    """Whether every node has the native libraries of k-NN."""


@dataclass(frozen=True, slots=True)
class Templates:
    """Bodies by name, in the order in which they must be put: components first."""

    components: dict[str, Json]
    indices: dict[str, Json]


def alias(prefix: str, right: str) -> str:
    """Name under which a right is searched and written."""
    return f"{prefix}-{right}"


def index_name(prefix: str, right: str, version: int) -> str:
    return f"{prefix}-{right}-v{version}"


def version_of(prefix: str, right: str, index: str) -> int | None:
    """Version in the name of an index of this right; None where the name is another's."""
    start = f"{prefix}-{right}-v"
    number = index.removeprefix(start)
    return int(number) if index.startswith(start) and number.isdecimal() else None


def aliases(prefix: str, rights: Sequence[str] = RIGHTS) -> list[str]:
    """Never a wildcard: `{prefix}-*` would also match another platform's `{prefix}-test-…`."""
    return [alias(prefix, right) for right in rights]


def templates(prefix: str, bound: Bound) -> Templates:
    """All templates of this platform. Raises ConfigurationError where a file names an analyser that does not exist."""
    components: dict[str, Json] = {}
    indices: dict[str, Json] = {}
    for right in RIGHTS:
        names = _read(f"indices/{right}.json")["components"]
        parts = {name: _component(name, bound) for name in names}
        components.update({f"{prefix}-{name}": {"template": body} for name, body in parts.items()})
        indices[f"{prefix}-{right}"] = {
            "index_patterns": [f"{prefix}-{right}-v*"],
            "composed_of": [f"{prefix}-{name}" for name in names],
            "priority": 500,
            "template": {"mappings": {"_meta": _meta(bound, parts)}},
        }
    return Templates(components, indices)


def meta(right: str, bound: Bound) -> Json:
    """`_meta` that an index of this right would get today: one that has another was built otherwise."""
    names = _read(f"indices/{right}.json")["components"]
    return _meta(bound, {name: _component(name, bound) for name in names})


def properties(right: str, bound: Bound) -> Json:
    """Fields that an index of this right would get today, as its mapping has them."""
    found: Json = {}
    for name in _read(f"indices/{right}.json")["components"]:
        found.update(_component(name, bound).get("mappings", {}).get("properties", {}))
    return found


def missing(wanted: Json, there: Json) -> Json:
    """What of `wanted` (fields of a mapping) `there` lacks, at any depth, in the form in which it can be added."""
    found: Json = {}
    for name, body in wanted.items():
        if name not in there:
            found[name] = body
        elif below := missing(body.get("properties", {}), there[name].get("properties", {})):
            # What a field is cannot be changed, and has to be said again where it is more than a plain object.
            kind = {"type": body["type"]} if "type" in body else {}
            found[name] = {**kind, "properties": below}
    return found


def body(right: str, bound: Bound, size: Size) -> Json:
    """What is said beside the templates when an index of this size is made."""
    vectors = _read("vectors.json")[size.vectors]
    embedding = {"type": "knn_vector", "dimension": bound.dimension, **vectors}
    held = {"up_to": size.up_to, "vectors": size.vectors}
    return {
        "settings": {"index": size.settings},
        "mappings": {"_meta": {**meta(right, bound), "size": held}, "properties": {"embedding": embedding}},
    }


def _meta(bound: Bound, parts: Mapping[str, Json]) -> Json:
    return {
        "embedder": bound.embedder,
        "dimension": bound.dimension,
        "vectors": bound.vectors,
        "record_schema": bound.record_schema,
        "mappings": hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16],
    }


def _component(name: str, bound: Bound) -> Json:
    body: Json = _expand(_read(f"components/{name}.json"), bound)
    _without_twins(body.get("mappings", {}), bound.analysis.get("analyzer", {}))
    _check_analysers(name, body.get("mappings", {}), bound.analysis)
    return body


@cache
def _read(path: str) -> Any:
    return json.loads((HERE / path).read_text(encoding="utf-8"))


def _entries(name: str, bound: Bound) -> Iterator[tuple[str, dict[str, str]]]:
    """(entry, replacements) of a list."""
    if name == "language":
        for code, exact in bound.languages.items():
            yield code, {"{language}": code, "{exact}": exact}
    else:
        for entry in _read("lists.json")[name]:
            yield entry, {"{" + name + "}": entry}


def _expand(node: Any, bound: Bound) -> Any:
    if node == "$analysis":
        return bound.analysis
    if node == "$dimension":
        return bound.dimension
    if node == "$picture":
        return bound.picture
    if isinstance(node, Mapping):
        expanded: Json = {}
        for key, value in node.items():
            if key.startswith("$each "):
                for entry, replacements in _entries(key.removeprefix("$each "), bound):
                    expanded[entry] = _expand(_fill(value, replacements), bound)
            else:
                expanded[key] = _expand(value, bound)
        return expanded
    if isinstance(node, list):
        return [_expand(item, bound) for item in node]
    return node


def _fill(node: Any, replacements: Mapping[str, str]) -> Any:
    if isinstance(node, str):
        for placeholder, entry in replacements.items():
            node = node.replace(placeholder, entry)
        return node
    if isinstance(node, Mapping):
        return {key: _fill(value, replacements) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill(item, replacements) for item in node]
    return node


def _without_twins(node: Any, defined: Mapping[str, Any]) -> None:
    if not isinstance(node, dict):
        return
    if node.get("search_analyzer") == f"{node.get('analyzer')}_search" and node["search_analyzer"] not in defined:
        del node["search_analyzer"]
    for value in node.values():
        _without_twins(value, defined)


def _check_analysers(component: str, node: Any, analysis: Json) -> None:
    """A name of ours that analyzers/ does not define is a mistake in the file."""
    if not isinstance(node, dict):
        return
    defined = analysis.get("analyzer", {})
    normalisers = analysis.get("normalizer", {})
    for key, known in (("analyzer", defined), ("search_analyzer", defined), ("normalizer", normalisers)):
        name = node.get(key)
        if isinstance(name, str) and name.startswith("concord_") and name not in known:
            raise ConfigurationError(
                f"mappings/components/{component}.json names the {key} {name}, which analyzers/ does not define.",
                remedy="Add it to analyzers/ or correct the component.",
            )
    for value in node.values():
        _check_analysers(component, value, analysis)
