"""What scripts may rely on: names, JSON shapes and exit codes of the commands, run as a shell runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from samples import writers
from samples.world import world

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Shell:
    environment: dict[str, str]

    def __call__(self, *words: str | Path, status: int = 0, given: bytes | None = None) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cli", *map(str, words)],
            cwd=PROJECT,
            env=self.environment,
            input=given,
            capture_output=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == status, (done.returncode, done.stdout.decode(), done.stderr.decode())
        return (done.stdout if status == 0 or done.stdout else done.stderr).decode()

    def lines(self, *words: str | Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*words).splitlines()]


@pytest.fixture(scope="module")
def shell(engines: tuple[str, str], index_prefix: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A platform of its own on the session's engines, from an empty home."""
    import psycopg

    server = make_url(engines[1])
    name = f"{index_prefix}-cli"
    admin = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')  # type: ignore[call-overload]
    yield Shell(
        {
            **{key: value for key, value in os.environ.items() if not key.startswith("CONCORD_")},
            "CONCORD_HOME": str(tmp_path_factory.mktemp("home")),
            "CONCORD_OPENSEARCH_URL": engines[0],
            "CONCORD_DATABASE_URL": server.set(database=name).render_as_string(hide_password=False),
            "CONCORD_INDEX_PREFIX": name,
            "COLUMNS": "100",
        }
    )
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)')  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two European publications, and a web page in place of a third."""
    folder = tmp_path_factory.mktemp("delivery")
    for number, publication in enumerate([p for p in world().publications if p.office == "EP"][:2]):
        (folder / f"{number}.xml").write_bytes(writers.ep_full_text(publication))
    (folder / "page.xml").write_bytes(b"<html><body>503</body></html>")
    return folder


@pytest.fixture(scope="module")
def loaded(shell: Shell, delivery: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(shell("load", delivery, "--provider", "EP", "--json"))
    return answer


def test_load_prints_one_object_that_accounts_for_every_record(loaded: dict[str, Any]) -> None:
    assert list(loaded) == ["records", "indexed", "updated", "unchanged", "rejected", "by_format", "seconds"]
    assert loaded | {"seconds": 0} == {
        "records": 3,
        "indexed": 2,
        "updated": 0,
        "unchanged": 0,
        "rejected": 1,
        "by_format": {"ep-full-text": 2, "unreadable": 1},
        "seconds": 0,
    }


def test_loading_again_changes_nothing(shell: Shell, delivery: Path, loaded: dict[str, Any]) -> None:
    again = json.loads(shell("load", delivery, "--provider", "EP", "--json"))
    assert (again["indexed"], again["updated"], again["unchanged"], again["rejected"]) == (0, 0, 2, 1)


def test_more_rejects_than_allowed_exit_with_1(shell: Shell, delivery: Path, loaded: dict[str, Any]) -> None:
    shell("load", delivery, "--provider", "EP", "--json", "--max-rejects", "0", status=1)


@pytest.mark.parametrize(
    "words",
    [
        ("load", "--provider", "EP"),
        ("load", "nowhere.xml", "--provider", "EP"),
        ("load", "pyproject.toml"),
        ("load", "pyproject.toml", "--provider", "Atlantis"),
        ("frobnicate",),
    ],
)
def test_misuse_exits_with_2_and_says_what_was_wrong(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell(*words, status=2).strip()


def test_standard_input_is_a_delivery(shell: Shell, loaded: dict[str, Any]) -> None:
    publication = next(p for p in world().publications if p.office == "JP")
    said = shell("load", "-", "--provider", "JP", "--json", given=writers.jpo_gazette(publication))
    assert (json.loads(said)["indexed"], json.loads(said)["by_format"]) == (1, {"jp-official-gazette": 1})


def test_rejects_name_the_file_and_the_reason(shell: Shell, loaded: dict[str, Any]) -> None:
    found = shell.lines("rejects", "--json", "--only-rejects")
    assert {"delivery", "file", "member", "ordinal", "field", "severity", "reason"} <= set(found[0])
    assert [(row["file"], row["severity"]) for row in found] == [("page.xml", "error")]
    assert "an HTML page" in found[0]["reason"]


def test_records_come_one_a_line_with_their_place(shell: Shell, loaded: dict[str, Any]) -> None:
    found = shell.lines("records", "--json", "--delivery", "1")
    assert {tuple(row) for row in found} == {("id", "file", "member", "ordinal", "record")}
    assert [(row["file"], row["ordinal"]) for row in found] == [("0.xml", 0), ("1.xml", 0)]
    assert all(row["record"]["id"] == row["id"] for row in found)
    assert found[0]["id"].startswith("ep-patent-default.EP")


def test_status_tells_what_is_held(shell: Shell, loaded: dict[str, Any]) -> None:
    (answer,) = shell.lines("status", "--json")
    held = {(row["office"], row["right"]): row["records"] for row in answer["held"]}
    assert held[("EP", "patent")] == 2


def test_a_key_is_made_for_an_office(shell: Shell, loaded: dict[str, Any]) -> None:
    shell("offices", "add", "EP", "European Patent Office")
    answer = json.loads(shell("keys", "create", "--office", "EP", "--role", "examiner", "--json"))
    assert len(answer["key"]) > 30


def test_doctor_finds_everything_well(shell: Shell, loaded: dict[str, Any]) -> None:
    said = shell("doctor")
    for name in ("Python", "OpenSearch", "plugins", "PostgreSQL", "embedder", "index patent", "records"):
        assert f"ok  {name}: " in said
    assert "see " not in said


def test_formats_lists_what_is_read(shell: Shell) -> None:
    found = json.loads(shell("formats", "--json"))
    names = {row["name"] for row in found}
    assert {"docdb", "ep-full-text", "st96-patent", "st66-trademark", "st86-design", "concord-json-lines"} <= names
    assert all(row["reads"] for row in found)
