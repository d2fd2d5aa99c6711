"""Which analysis plugins a cluster has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from typing import Any

from analyzers.analysis import ALL
from analyzers.table import table

OWN_PLUGIN = "ip-concord-analysis"
"""Our node plugin: everything of the official plugins that the table uses, under their names."""

Probe = Callable[[str, dict[str, Any]], bool]
"""Called with a plugin's name and an `_analyze` body; says whether the cluster accepted the body."""


def capabilities(plugins_by_node: Mapping[str, Collection[str]], probe: Probe | None = None) -> frozenset[str]:
    """Names of the official plugins whose components can be used.

    `plugins_by_node`: node name or id → names of its plugins (from `_nodes/plugins` or `_cat/plugins`). A plugin counts
    only where every node has it, since an index may come to live on any of them. `probe` decides for what no list
    names: managed clusters often carry plugins that they do not list.
    """
    nodes = list(plugins_by_node.values())
    common = frozenset(ALL) if nodes else frozenset[str]()
    for plugins in nodes:
        common &= ALL if OWN_PLUGIN in plugins else frozenset(plugins)
    if probe is None:
        return common
    return common | {name for name, body in probes().items() if name not in common and probe(name, body)}


def probes() -> dict[str, dict[str, Any]]:
    """Official plugin → an `_analyze` body that only a cluster with the plugin accepts; for async callers."""
    return deepcopy(table().plugins)
