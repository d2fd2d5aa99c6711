"""The one place that talks to a Maven repository, through jgo with the user's own jgo and Maven settings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext, PythonResolver

TIMEOUT_S = 60

Advance = Callable[[int], None]


def context(repo_cache: Path | None = None, advance: Advance | None = None) -> MavenContext:
    """A jgo context: the repositories and local repository of the user's settings (jgo.conf, M2_REPO, ~/.m2).

    A repository named `central` in jgo.conf stands in for the public one, which is how a mirror is set.
    `repo_cache` overrides the local repository; `advance` is called with each number of bytes received.
    """
    settings = GlobalSettings.load()

    def progress(_filename: str, _size: int) -> AbstractContextManager[Advance]:
        @contextmanager
        def updates() -> Iterator[Advance]:
            yield advance if advance is not None else lambda _count: None

        return updates()

    return MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=repo_cache or settings.repo_cache,
        remote_repos={"central": MAVEN_CENTRAL_URL, **settings.repositories},
        timeout=TIMEOUT_S,
    )


def artifact(maven: MavenContext, coordinate: str) -> Any:
    """jgo's artifact of a coordinate `group:artifact:version[:packaging]`."""
    group, name, version, *rest = coordinate.split(":")
    return maven.project(group, name).at_version(version).artifact(packaging=rest[0] if rest else "jar")


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
