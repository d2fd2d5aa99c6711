"""A platform is destroyed and comes back from its backup: every row, every original, every searchable record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from common.errors import Conflict, MalformedInput, UsageError
from mappings import RIGHTS
from tests.backup.conftest import World

SAMPLE = Path(__file__).resolve().parents[2] / "samples/deliveries/01-ep-docdb"


def test_everything_destroyed_comes_back(world: Callable[[], World], tmp_path: Path) -> None:
    before = world()
    loaded = json.loads(before.concord("load", str(SAMPLE), "--provider", "EP", "--json").splitlines()[-1])
    assert loaded["records"] > 0
    before.concord("keys", "create", "--office", "EP", "--role", "examiner", "--json")
    (before.home / "secret.key").write_bytes(b"k" * 32)
    rows, archive, searchable = before.rows(), before.archive(), before.searchable()
    assert len(rows["records"]) == len(searchable) > 0
    before.concord("backup", str(tmp_path / "backup"))

    before.drop_indices()
    shutil.rmtree(before.home)
    after = world()
    assert after.database_url != before.database_url
    assert f"{len(searchable)} searchable" in after.concord("restore", str(tmp_path / "backup"))

    assert after.rows() == rows
    assert after.archive() == archive
    assert after.searchable() == searchable
    assert (after.home / "secret.key").read_bytes() == b"k" * 32
    # The platform goes on where it stopped: the same delivery is known, and sequences do not start again.
    again = json.loads(after.concord("load", str(SAMPLE), "--provider", "EP", "--json").splitlines()[-1])
    assert again["unchanged"] == loaded["records"] - loaded["rejected"]
    other = json.loads(after.concord("load", str(SAMPLE), "--provider", "EP", "--collection", "two", "--json"))
    assert other["indexed"] == loaded["indexed"]

    with pytest.raises(Conflict, match="not empty"):
        after.concord("restore", str(tmp_path / "backup"))
    with pytest.raises(UsageError, match="not empty"):
        after.concord("backup", str(tmp_path / "backup"))


@pytest.mark.parametrize("harm", ["manifest", "changed", "missing", "strange", "outside"])
def test_a_damaged_backup_changes_nothing(world: Callable[[], World], tmp_path: Path, harm: str) -> None:
    world().concord("backup", str(tmp_path / "backup"))
    dump, manifest = tmp_path / "backup/database.dump", tmp_path / "backup/manifest.json"
    match harm:
        case "manifest":
            manifest.unlink()
        case "changed":
            dump.write_bytes(dump.read_bytes()[:-1] + b"?")
        case "missing":
            dump.unlink()
        case "strange":
            (tmp_path / "backup/archive").mkdir()
            (tmp_path / "backup/archive/planted").write_bytes(b"x")
        case "outside":
            manifest.write_text(manifest.read_text().replace("database.dump", "../database.dump"))
            dump.rename(tmp_path / "database.dump")
    empty = world()
    with pytest.raises(MalformedInput):
        empty.concord("restore", str(tmp_path / "backup"))
    assert empty.rows()["records"] == []


def test_prepare_makes_an_empty_platform_ready_and_can_be_repeated(world: Callable[[], World]) -> None:
    made = world()
    for _ in range(2):
        assert "ready" in made.concord("prepare")
    answer = httpx.get(f"{made.opensearch_url}/_alias/{made.prefix}-*").json()
    assert {alias for index in answer.values() for alias in index["aliases"]} == {f"{made.prefix}-{r}" for r in RIGHTS}
