"""Regenerates artifacts.tsv from layout.toml: `python -m compose.embedded.refresh`.

Needs the network. Review the difference before committing it: this is where new code enters the platform.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from jgo.maven import MavenContext

from compose.embedded import maven
from compose.embedded.layout import ARTIFACTS_FILE, Layout, read_layout

RUNTIME_SCOPES = ("compile", "runtime")


def resolve_dependencies(context: MavenContext, coordinate: str, excluded: frozenset[str]) -> list[str]:
    """`coordinate` and everything it needs at run time, as coordinates without duplicates."""
    _, dependencies = context.resolver.resolve([context.create_dependency(coordinate)])
    needed = [
        f"{d.groupId}:{d.artifactId}:{d.version}"
        for d in dependencies
        if d.scope in RUNTIME_SCOPES and d.artifactId not in excluded
    ]
    return list(dict.fromkeys([coordinate, *needed]))


def resolve_layout(context: MavenContext, layout: Layout) -> list[tuple[str, str]]:
    """(folder, coordinate) of every file of the node. Nothing of lib/ is repeated elsewhere: that is jar hell."""
    placed = []
    for coordinate in layout.lib_with_dependencies:
        placed += [("lib", c) for c in resolve_dependencies(context, coordinate, layout.excluded_artifacts)]
    placed += [("lib", c) for c in layout.lib_single]

    in_lib = {_project(c) for _, c in placed}
    by_module = {
        m.name: [
            c for c in resolve_dependencies(context, m.artifact, layout.excluded_artifacts) if _project(c) not in in_lib
        ]
        for m in layout.modules
    }
    for module in layout.modules:
        inherited = {c for extended in module.extends for c in by_module[extended]}
        placed += [(f"modules/{module.name}", c) for c in by_module[module.name] if c not in inherited]

    placed += [(f"plugins/{name}", c) for name, c in layout.plugins.items()]
    placed += [(f"plugins/{layout.analysis_plugin}", c) for c in layout.analysis_jars]
    placed.append(("compiler", layout.compiler))
    return placed


def refresh(target: Path = ARTIFACTS_FILE) -> int:
    """Resolve, download, hash and write `target`; returns the number of files pinned."""
    context = maven.context()
    placed = resolve_layout(context, read_layout())
    with target.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out, delimiter="\t", lineterminator="\n")
        table.writerow(["folder", "coordinate", "sha256", "size"])
        for folder, coordinate in placed:
            path = maven.fetch(context, coordinate)
            table.writerow([folder, coordinate, maven.sha256(path), path.stat().st_size])
    return len(placed)


def _project(coordinate: str) -> str:
    return ":".join(coordinate.split(":")[:2])


if __name__ == "__main__":
    sys.stdout.write(f"{refresh()} artefacts pinned in {ARTIFACTS_FILE}\n")
