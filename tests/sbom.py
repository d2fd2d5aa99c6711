"""What the platform is made of, as CycloneDX: its Python packages and the embedded engine's artefacts.

    python -m tests.sbom ENVIRONMENT.json OUT.json        (`make sbom`)

ENVIRONMENT.json is what `cyclonedx-py environment` says of the environment. Of its packages those are kept that the
platform needs; the others test it. Each gets the digests with which it is pinned, and the artefacts of the embedded
engine (artifacts.tsv) are added as Maven components with theirs.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from compose.embedded.layout import read_artifacts

PROJECT = Path(__file__).resolve().parents[1]
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)")


def pinned(path: Path) -> dict[str, list[str]]:
    """Package → SHA-256 of each file that may be installed, of a list with hashes."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in path.read_text("utf-8").splitlines():
        if match := PINNED.match(line):
            name = normal(match[1])
        found.setdefault(name, []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def below(package: str, extras: tuple[str, ...] = (), seen: set[str] | None = None) -> Iterator[str]:
    """The packages that an installed one needs, at any depth, itself included."""
    known = set() if seen is None else seen
    name = normal(package)
    if name in known:
        return
    known.add(name)
    yield name
    for line in distribution(package).requires or ():
        wanted = Requirement(line)
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield from below(wanted.name, tuple(wanted.extras), known)


def artefacts() -> list[dict[str, Any]]:
    """The embedded engine's components, each once however often it stands in the engine's folders."""
    found: dict[str, dict[str, Any]] = {}
    for artefact in read_artifacts():
        group, name, version, *kind = artefact.coordinate.split(":")
        purl = f"pkg:maven/{group}/{name}@{version}" + (f"?type={kind[0]}" if kind else "")
        found[purl] = {
            "type": "library",
            "bom-ref": purl,
            "group": group,
            "name": name,
            "version": version,
            "purl": purl,
            "hashes": [{"alg": "SHA-256", "content": artefact.sha256}],
            "properties": [{"name": "ip-concord:part", "value": "embedded OpenSearch"}],
        }
    return [found[purl] for purl in sorted(found)]


def made_of(content: dict[str, Any]) -> dict[str, Any]:
    """The list of what the platform is made of, from that of its environment."""
    needed = set(below("ip-concord"))
    hashes = pinned(PROJECT / "requirements" / "dev.txt")
    packages = []
    for component in content["components"]:
        if normal(component["name"]) in needed:
            digests = hashes[normal(component["name"])]
            if len(digests) == 1:
                component["hashes"] = [{"alg": "SHA-256", "content": digests[0]}]
            else:
                # One for each platform's file: none of them is the component's alone.
                named = [{"name": "ip-concord:sha256", "value": digest} for digest in sorted(digests)]
                component.setdefault("properties", []).extend(named)
            packages.append(component)
    engine = artefacts()
    root = content["metadata"]["component"]["bom-ref"]
    kept = {component["bom-ref"] for component in packages} | {root}
    dependencies = [entry for entry in content["dependencies"] if entry["ref"] in kept]
    for entry in dependencies:
        entry["dependsOn"] = [ref for ref in entry.get("dependsOn", []) if ref in kept]
        if entry["ref"] == root:
            entry["dependsOn"] += [component["bom-ref"] for component in engine]
    dependencies += [{"ref": component["bom-ref"]} for component in engine]
    return {**content, "components": [*packages, *engine], "dependencies": dependencies}


def main(arguments: list[str]) -> int:
    """Writes OUT.json; exit status 2 where it is called in another way."""
    if len(arguments) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    given, out = (Path(name) for name in arguments)
    whole = made_of(json.loads(given.read_text("utf-8")))
    out.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", "utf-8")
    sys.stderr.write(f"{out}: {len(whole['components'])} components\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
