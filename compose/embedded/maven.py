"""The one place that talks to a Maven repository, through jgo with the user's own jgo and Maven settings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import Artifact, MavenContext, PythonResolver

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


def cached_path(maven: MavenContext, coordinate: str) -> Path:
    """Where the local repository keeps the file of a coordinate, whether it is there or not."""
    path = _artifact(maven, coordinate).cached_path
    assert path is not None  # only without a local repository, which `context` always sets
    return path


def download(maven: MavenContext, coordinate: str) -> Path:
    """Fetches the file of a coordinate into the local repository; RuntimeError when no repository has it."""
    path = maven.resolver.download(_artifact(maven, coordinate))
    assert path is not None  # None only for resolvers that may find nothing; PythonResolver raises
    return path


def fetch(maven: MavenContext, coordinate: str) -> Path:
    """The file of a coordinate, downloaded unless the local repository has it. Unchecked: for `refresh` only."""
    return Path(_artifact(maven, coordinate).resolve())


def _artifact(maven: MavenContext, coordinate: str) -> Artifact:
    group, name, version, *rest = coordinate.split(":")
    return maven.project(group, name).at_version(version).artifact(packaging=rest[0] if rest else "jar")


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
