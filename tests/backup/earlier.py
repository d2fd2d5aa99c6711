"""Makes the data of an earlier release with that release's own code, for test_upgrade.py.

    git worktree add ../earlier COMMIT
    python -m tests.backup.earlier ../earlier tests/backup/earlier/REVISION.zip

Needs CONCORD_TEST_OPENSEARCH_URL and CONCORD_TEST_DATABASE_URL. Loads some of that release's own samples (all made up),
sets a policy, and keeps its `concord backup` and its indices: settings, mappings and documents, as they stood there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import httpx
import orjson

from mappings import RIGHTS
from tests.conftest import GIVEN
from tests.platforms import new_database

PREFIX = "earlier"
DELIVERIES = (
    ("01-ep-docdb", "EP", "docdb"),
    ("10-em-marks", "EM", "default"),
    ("11-em-designs", "EM", "default"),
    ("30-orphan-works", "EM", "orphan"),
    ("31-indications", "EM", "default"),
)


def index(client: httpx.Client, right: str) -> dict[str, Any]:
    """What stands behind the alias of a right: its name, its body as it could be created anew, its documents."""
    ((name, found),) = client.get(f"/{PREFIX}-{right}").json().items()
    settings = found["settings"]["index"]
    for own in ("creation_date", "uuid", "version", "provided_name"):
        settings.pop(own, None)
    client.post(f"/{name}/_refresh")
    hits = client.get(f"/{name}/_search", params={"size": 10_000, "version": True}).json()["hits"]["hits"]
    documents = [{"id": hit["_id"], "version": hit["_version"], "document": hit["_source"]} for hit in hits]
    body = {"settings": {"index": settings}, "mappings": found["mappings"]}
    return {"name": name.removeprefix(PREFIX), "body": body, "documents": documents}


def main(sources: Path, target: Path) -> None:
    opensearch, server = (os.environ[name] for name in GIVEN)
    with tempfile.TemporaryDirectory() as folder, new_database(server) as database:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CONCORD_")},
            "CONCORD_HOME": f"{folder}/home",
            "CONCORD_OPENSEARCH_URL": opensearch,
            "CONCORD_DATABASE_URL": database,
            "CONCORD_INDEX_PREFIX": PREFIX,
            "CONCORD_SECRET_KEY": "0" * 64,  # none of it is kept
        }

        def concord(*arguments: str) -> None:
            subprocess.run([sys.executable, "-m", "cli", *arguments], cwd=sources, env=environment, check=True)

        for name, provider, collection in DELIVERIES:
            path = f"samples/deliveries/{name}"
            concord("load", path, "--provider", provider, "--collection", collection, "--json")
        concord("policies", "set", "ep-patent-docdb", "--tier", "metadata")
        concord("backup", f"{folder}/backup")
        with httpx.Client(base_url=opensearch, timeout=60) as client:
            indices = {right: index(client, right) for right in RIGHTS}
            for right in RIGHTS:
                client.delete(f"/{PREFIX}{indices[right]['name']}").raise_for_status()
                client.delete(f"/_index_template/{PREFIX}-{right}").raise_for_status()
            client.delete(f"/_component_template/{PREFIX}-*").raise_for_status()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as kept:
            for path in sorted(Path(folder, "backup").rglob("*")):
                if path.is_file():
                    kept.write(path, str(Path("backup") / path.relative_to(Path(folder, "backup"))))
            for right, found in indices.items():
                kept.writestr(f"indices/{right}.json", orjson.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
