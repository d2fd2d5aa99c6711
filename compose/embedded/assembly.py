"""Puts the node's files together: once per version, checked, atomic, safe when two processes start at once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
from jgo.maven import MavenContext
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from common.errors import EngineError
from compose.embedded import locks, maven, plugin
from compose.embedded.java import Java
from compose.embedded.layout import ARTIFACTS_FILE, LAYOUT_FILE, Artifact, Layout, Module, read_artifacts, read_layout

# Unpacked plugin zips are published artefacts with a pinned hash, yet no zip may write outside its folder.
MAX_PLUGIN_BYTES = 512 * 1024 * 1024
DOWNLOADS = "downloads"


@dataclass(frozen=True)
class Assembly:
    """An assembled distribution: `home` holds lib/, modules/ and plugins/."""

    home: Path
    version: str
    plugins: tuple[str, ...]


def fingerprint(plugin_source: Path | None) -> str:
    """First 12 hex digits of the SHA-256 over everything that goes into an assembly."""
    digest = hashlib.sha256()
    for path in (LAYOUT_FILE, ARTIFACTS_FILE, *plugin.source_files(plugin_source)):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def assemble(
    engines_home: Path,
    java: Java,
    *,
    plugin_source: Path | None = plugin.SOURCE,
    repo_cache: Path | None = None,
    console: Console | None = None,
) -> Assembly:
    """The assembly for the current pinned list, built under `engines_home` unless it is there already.

    `plugin_source` is the folder of the node plugin's Java source. `repo_cache` overrides the user's local Maven
    repository. Raises EngineError, naming the file, when something cannot be downloaded, checked or compiled.
    """
    layout = read_layout()
    result = locate(engines_home, plugin_source)
    home = result.home
    if home.is_dir():
        return result

    try:
        _assemble(engines_home, home, layout, java, plugin_source, repo_cache, console)
    except OSError as error:
        raise EngineError(
            f"The embedded OpenSearch cannot be assembled in {engines_home}: {error}.",
            remedy="Check that the folder may be written and has 500 MB free, or set CONCORD_HOME to another one.",
        ) from error
    return result


def _assemble(
    engines_home: Path,
    home: Path,
    layout: Layout,
    java: Java,
    plugin_source: Path | None,
    repo_cache: Path | None,
    console: Console | None,
) -> None:
    engines_home.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(engines_home / "assembly.lock"):
        if home.is_dir():  # another process was faster
            return
        _remove_leftovers(engines_home)
        build = Path(tempfile.mkdtemp(prefix="building-", dir=engines_home))
        try:
            _place_artifacts(build, engines_home / DOWNLOADS, repo_cache, console)
            _write_descriptors(build, layout)
            if plugin_source is not None:
                plugin.build(plugin_source, build, layout, java)
            else:
                shutil.rmtree(build / "plugins" / layout.analysis_plugin)
            shutil.rmtree(build / "compiler")
            _make_durable(build)
            build.rename(home)
            _fsync(engines_home)
        finally:
            shutil.rmtree(build, ignore_errors=True)
            shutil.rmtree(engines_home / DOWNLOADS, ignore_errors=True)


def damaged_files(assembly: Assembly) -> list[Path]:
    """Jars of the assembly that are missing or whose SHA-256 is not the pinned one."""
    damaged = []
    for artifact in read_artifacts():
        if artifact.folder == "compiler" or not artifact.filename.endswith(".jar"):
            continue
        path = assembly.home / artifact.folder / artifact.filename
        if not path.is_file() or maven.sha256(path) != artifact.sha256:
            damaged.append(path)
    return damaged


def locate(engines_home: Path, plugin_source: Path | None = plugin.SOURCE) -> Assembly:
    """Where the assembly for the current pinned list is, or will be."""
    layout = read_layout()
    home = engines_home / f"opensearch-{layout.opensearch}-{fingerprint(plugin_source)}"
    return Assembly(home, layout.opensearch, (*layout.plugins, layout.analysis_plugin))


def _remove_leftovers(engines_home: Path) -> None:
    """Half-built folders of killed runs; the caller holds the lock, so nobody is building."""
    for leftover in engines_home.glob("building-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _place_artifacts(build: Path, downloads: Path, repo_cache: Path | None, console: Console | None) -> None:
    artifacts = read_artifacts()
    user_cache = maven.context(repo_cache)
    with _progress(console, sum(a.size for a in artifacts)) as advance:
        fresh = maven.context(downloads, advance)
        for artifact in artifacts:
            folder = build / artifact.folder
            folder.mkdir(parents=True, exist_ok=True)
            source = _cached(user_cache, artifact)
            if source is not None:
                advance(artifact.size)
            else:
                source = _download(fresh, artifact)
                _keep_in_cache(user_cache, artifact, source)
            if source.suffix == ".zip":
                _unpack(source, folder)
            else:
                shutil.copyfile(source, folder / artifact.filename)


def _cached(context: MavenContext, artifact: Artifact) -> Path | None:
    """The file in the user's local repository, if it is there and undamaged."""
    path = maven.cached_path(context, artifact.coordinate)
    if path.is_file() and maven.sha256(path) == artifact.sha256:
        return path
    return None


def _download(context: MavenContext, artifact: Artifact) -> Path:
    """Downloads into a private folder and checks; one more try after a damaged or broken download."""
    problem = ""
    for _attempt in range(2):
        maven.cached_path(context, artifact.coordinate).unlink(missing_ok=True)
        try:
            path = maven.download(context, artifact.coordinate)
        except (requests.RequestException, RuntimeError, OSError) as error:
            problem = str(error)
            continue
        found = maven.sha256(path)
        if found == artifact.sha256:
            return path
        problem = f"SHA-256 is {found}, expected {artifact.sha256}"
    raise EngineError(
        f"Cannot get {artifact.coordinate}, which the embedded OpenSearch needs: {problem}.",
        remedy=(
            "Check the network, or name a Maven mirror as `central` in the [repositories] section of jgo's settings "
            "file; or set CONCORD_OPENSEARCH_URL to use an OpenSearch of yours."
        ),
    )


def _keep_in_cache(context: MavenContext, artifact: Artifact, source: Path) -> None:
    """Leaves a checked file in the user's local repository, in one step, for the next assembly."""
    target = maven.cached_path(context, artifact.coordinate)
    with contextlib.suppress(OSError):  # a read-only local repository only costs the next download
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".concord-")
        os.close(handle)
        try:
            shutil.copyfile(source, name)
            Path(name).chmod(0o644)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)


def _unpack(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as members:
        if sum(m.file_size for m in members.infolist()) > MAX_PLUGIN_BYTES:
            raise EngineError(f"{archive.name} unpacks to more than {MAX_PLUGIN_BYTES} bytes.")
        members.extractall(folder)  # zipfile strips drive letters, leading slashes and `..`


def _write_descriptors(build: Path, layout: Layout) -> None:
    for module in layout.modules:
        text = _descriptor(module, layout.opensearch)
        (build / "modules" / module.name / "plugin-descriptor.properties").write_text(text, encoding="utf-8")


def _descriptor(module: Module, version: str) -> str:
    return (
        f"name={module.name}\n"
        f"description={module.name} of the distribution\n"
        f"version={version}\n"
        f"opensearch.version={version}\n"
        "java.version=21\n"
        f"classname={module.plugin_class}\n"
        f"extended.plugins={','.join(module.extends)}\n"
        "has.native.controller=false\n"
    )


def _make_durable(folder: Path) -> None:
    """Files and folders reach the disk before the rename does, so that no power cut leaves a half node behind it."""
    for parent, _folders, files in os.walk(folder):
        for name in files:
            _fsync(Path(parent) / name)
        _fsync(Path(parent))


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _progress(console: Console | None, total: int) -> Iterator[maven.Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    shown = console or Console(stderr=True)
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as progress:
        task = progress.add_task("OpenSearch", total=total)
        yield lambda count: progress.update(task, advance=count)
