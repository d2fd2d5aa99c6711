"""Data of an earlier release: its database is migrated and goes on, its indices serve until they are rebuilt behind
their aliases, its backup is restored. What stands in `earlier/` was made by that release (earlier.py)."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy.engine import make_url

from compose.embedded.postgres import binaries
from mappings import RIGHTS
from store.database import Database, plain
from tests.backup.conftest import World
from tests.pipeline.docdb import document, record_id, write

HERE = Path(__file__).parent / "earlier"
SAMPLES = Path(__file__).resolve().parents[2] / "samples/deliveries"
RELEASES = sorted(HERE.glob("*.zip"))


def test_there_is_an_earlier_release() -> None:
    assert RELEASES


@pytest.fixture(params=RELEASES, ids=lambda path: path.stem)
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Folder with `backup/` and `indices/` of an earlier release."""
    with zipfile.ZipFile(request.param) as kept:
        kept.extractall(tmp_path / "earlier")
    return tmp_path / "earlier"


def indices(earlier: Path) -> dict[str, Any]:
    return {right: orjson.loads((earlier / f"indices/{right}.json").read_bytes()) for right in RIGHTS}


def in_place(earlier: Path, world: World) -> None:
    """The earlier release's database, archive and indices, as an upgrade finds them."""
    url = make_url(plain(world.database_url)).render_as_string(hide_password=False)
    restore = (str(binaries() / "pg_restore"), "--no-owner", "--no-acl", f"--dbname={url}")
    subprocess.run([*restore, str(earlier / "backup/database.dump")], check=True)
    world.home.mkdir()
    (earlier / "backup/archive").rename(world.home / "archive")
    with httpx.Client(base_url=world.opensearch_url, timeout=60) as client:
        for right, held in indices(earlier).items():
            name = world.prefix + held["name"]
            alias = {f"{world.prefix}-{right}": {"is_write_index": True}}
            client.put(f"/{name}", json={**held["body"], "aliases": alias}).raise_for_status()
            lines = b"".join(
                orjson.dumps({"index": {"_id": one["id"], "version": one["version"], "version_type": "external"}})
                + b"\n"
                + orjson.dumps(one["document"])
                + b"\n"
                for one in held["documents"]
            )
            if lines:
                kind = {"content-type": "application/x-ndjson"}
                answer = client.post(f"/{name}/_bulk?refresh=true", content=lines, headers=kind).json()
                assert not answer["errors"], answer


def test_it_goes_on_where_the_earlier_release_stopped(
    world: Callable[[], World], earlier: Path, tmp_path: Path
) -> None:
    here = world()
    in_place(earlier, here)
    held = {one["id"]: one["version"] for found in indices(earlier).values() for one in found["documents"]}
    old = {found["name"] for found in indices(earlier).values()}

    said = here.concord("prepare")
    assert "ready" in said
    assert "concord reindex --right patent" in said
    database = Database(here.database_url)
    with database.driver() as connection:
        assert dict(connection.execute("select id, seq from records where not deleted").fetchall()) == held
    database.close()
    assert {name: version for name, (version, _) in here.searchable().items()} == held

    # What comes in before its index is rebuilt has fields that the old index did not know before it was prepared.
    path = write(tmp_path / "one.xml", [document(1)])
    new = json.loads(here.concord("load", str(path), "--provider", "EP", "--json"))
    assert (new["records"], new["indexed"], new["rejected"]) == (1, 1, 0)

    for right in RIGHTS:
        here.concord("reindex", "--right", right)
    found = here.searchable()
    assert set(found) == {*held, record_id(1)}
    assert all(found[name][0] == version for name, version in held.items())
    with httpx.Client(base_url=here.opensearch_url, timeout=60) as client:
        now = {name.removeprefix(here.prefix) for name in client.get(f"/_alias/{here.prefix}-*").json()}
    assert len(now) == len(RIGHTS)
    assert not now & old

    # A delivery that was loaded then is known; one that is new is read by today's readers.
    again = json.loads(here.concord("load", str(SAMPLES / "10-em-marks"), "--provider", "EM", "--json"))
    assert again["records"] == again["updated"] + again["unchanged"]
    shown = here.concord("policies", "list", "--json")
    assert '"ep-patent-docdb"' in shown


def test_its_backup_is_restored(world: Callable[[], World], earlier: Path) -> None:
    here = world()
    held = {one["id"] for found in indices(earlier).values() for one in found["documents"]}
    assert f"{len(held)} searchable" in here.concord("restore", str(earlier / "backup"))
    assert set(here.searchable()) == held
