"""Reads layout.toml (what the node is made of) and artifacts.tsv (the pinned, resolved list)."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LAYOUT_FILE = HERE / "layout.toml"
ARTIFACTS_FILE = HERE / "artifacts.tsv"


@dataclass(frozen=True)
class Artifact:
    """One pinned file: where it goes in the node's home, its Maven coordinate, SHA-256 (hex) and size (bytes)."""

    folder: str
    coordinate: str
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        """Maven's file name, e.g. `lucene-core-10.4.0.jar`."""
        _, artifact, version, *rest = self.coordinate.split(":")
        return f"{artifact}-{version}.{rest[0] if rest else 'jar'}"


@dataclass(frozen=True)
class Module:
    """A module of the distribution: its folder name, plugin class and the modules whose class loader it extends."""

    name: str
    artifact: str
    plugin_class: str
    extends: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """layout.toml as typed values; coordinates are `group:artifact:version[:packaging]`."""

    opensearch: str
    lib_with_dependencies: tuple[str, ...]
    lib_single: tuple[str, ...]
    excluded_artifacts: frozenset[str]
    modules: tuple[Module, ...]
    plugins: dict[str, str]
    analysis_plugin: str
    analysis_jars: tuple[str, ...]
    compiler: str


def read_layout(path: Path = LAYOUT_FILE) -> Layout:
    """The layout as written in `path`."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    return Layout(
        opensearch=raw["opensearch"],
        lib_with_dependencies=tuple(raw["lib"]["with_dependencies"]),
        lib_single=tuple(raw["lib"]["single"]),
        excluded_artifacts=frozenset(raw["exclude"]["artifacts"]),
        modules=tuple(Module(m["name"], m["artifact"], m["class"], tuple(m.get("extends", ()))) for m in raw["module"]),
        plugins={p["name"]: p["artifact"] for p in raw["plugin"]},
        analysis_plugin=raw["analysis_plugin"]["name"],
        analysis_jars=tuple(raw["analysis_plugin"]["jars"]),
        compiler=raw["analysis_plugin"]["compiler"],
    )


def read_artifacts(path: Path = ARTIFACTS_FILE) -> tuple[Artifact, ...]:
    """The pinned list: one tab-separated line a file, columns folder, coordinate, sha256, size."""
    with path.open(encoding="utf-8", newline="") as lines:
        return tuple(
            Artifact(row["folder"], row["coordinate"], row["sha256"], int(row["size"]))
            for row in csv.DictReader(lines, delimiter="\t")
        )
