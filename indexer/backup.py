"""Backup and restore of what cannot be made again: PostgreSQL, the archive, the secret key. Indices are rebuilt.

    DIR/database.dump     pg_dump's custom format, one snapshot
    DIR/archive/…         the archive's objects as they are stored
    DIR/secret.key        only where the platform keeps it in its home folder
    DIR/manifest.json     written last: without it the backup is not whole

The dump is taken first. Originals are archived before the database knows of them and are never changed, so the archive
copied afterwards holds every original that the dump names.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

import fsspec
import orjson
from sqlalchemy.engine import URL

from common.errors import Conflict, EngineError, MalformedInput, UsageError
from store.database import Database

MANIFEST = "manifest.json"
DUMP = "database.dump"
KEY = "secret.key"
VERSION = 1
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    path: str
    """Relative to the backup's folder, with slashes."""
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    made: str
    """UTC, ISO 8601."""
    revision: str
    """Of the database's schema."""
    records: int
    """Not deleted, in the dump's own snapshot."""
    files: tuple[Entry, ...]

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.files)


def write(folder: Path, database: Database, archive_url: str, home: Path, binaries: Path) -> Manifest:
    """Raises UsageError where `folder` holds something, EngineError where a part cannot be copied."""
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty.", remedy="Name a new folder; old backups are never overwritten.")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    made = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    with database.connect() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        (snapshot,) = connection.execute("select pg_export_snapshot()").fetchone() or ("",)
        (records,) = connection.execute("select count(*) from records where not deleted").fetchone() or (0,)
        (revision,) = connection.execute("select version_num from alembic_version").fetchone() or ("",)
        _run(
            database.url,
            binaries / "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-acl",
            f"--snapshot={snapshot}",
            f"--file={folder / DUMP}",
        )
    entries = [_entry(folder, folder / DUMP)]
    key = home / KEY
    if key.exists():
        shutil.copy2(key, folder / KEY)
        (folder / KEY).chmod(0o600)
        entries.append(_entry(folder, folder / KEY))
    files, root = cast(Any, fsspec.core).url_to_fs(archive_url)
    for found in sorted(files.find(root)):
        inside = PurePosixPath(found).relative_to(root)
        if inside.parts[0] == "incoming":
            continue
        target = folder / "archive" / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        with files.open(found, "rb") as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, CHUNK)
        entries.append(_entry(folder, target))
    manifest = Manifest(made, revision, records, tuple(entries))
    whole = {"version": VERSION, **asdict(manifest)}
    unfinished = folder / f"{MANIFEST}.part"
    unfinished.write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2) + b"\n")
    unfinished.rename(folder / MANIFEST)
    return manifest


def check(folder: Path) -> Manifest:
    """The manifest, when every file is there with its digest and no other is. Raises MalformedInput."""
    path = folder / MANIFEST
    if not path.is_file():
        raise MalformedInput(f"{folder} has no {MANIFEST}.", remedy="The backup was broken off, or this is none.")
    try:
        given = orjson.loads(path.read_bytes())
        if given["version"] != VERSION:
            raise MalformedInput(f"{path} is of version {given['version']}.", remedy="Use the release that wrote it.")
        entries = tuple(Entry(**entry) for entry in given["files"])
        manifest = Manifest(given["made"], given["revision"], given["records"], entries)
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise MalformedInput(f"{path} cannot be read: {error}", remedy="Use another backup.") from error
    for entry in entries:
        named = folder / entry.path
        if not named.resolve().is_relative_to(folder.resolve()) or not named.is_file():
            raise MalformedInput(f"{named} is missing.", remedy="Use another backup.")
        if _entry(folder, named) != entry:
            raise MalformedInput(f"{named} is not what was backed up.", remedy="Use another backup.")
    present = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}
    strange = present - {entry.path for entry in entries} - {MANIFEST}
    if strange:
        raise MalformedInput(f"{folder} holds files that are not of it: {min(strange)}.", remedy="Take them away.")
    return manifest


def bring_back(
    folder: Path, manifest: Manifest, database: Database, archive_url: str, home: Path, binaries: Path
) -> None:
    """Fills an empty platform from a checked backup, and migrates what an earlier release wrote. Raises Conflict where
    the platform holds something already, or another secret key."""
    _require_empty(database)
    entries = {entry.path for entry in manifest.files}
    key = home / KEY
    if KEY in entries and key.exists() and key.read_bytes() != (folder / KEY).read_bytes():
        raise Conflict(
            f"{key} is another key than the backup's: what it sealed could not be opened.",
            remedy="Move it away, if nothing needs it any more.",
        )
    files, root = cast(Any, fsspec.core).url_to_fs(archive_url)
    for path in sorted(entries):
        if not path.startswith("archive/"):
            continue
        target = f"{root}/{path.removeprefix('archive/')}"
        if not files.exists(target):
            files.makedirs(target.rpartition("/")[0], exist_ok=True)
            files.put_file(str(folder / path), target)
    if KEY in entries and not key.exists():
        home.mkdir(parents=True, exist_ok=True)
        key.touch(0o600)
        key.write_bytes((folder / KEY).read_bytes())
    # Pools may hold connections to what is about to be dropped.
    database.close()
    with database.connect(autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    _run(
        database.url,
        binaries / "pg_restore",
        "--no-owner",
        "--no-acl",
        "--exit-on-error",
        "--single-transaction",
        str(folder / DUMP),
    )
    database.migrate()


def _require_empty(database: Database) -> None:
    with database.driver() as connection:
        for table in ("deliveries", "records", "offices", "audit"):
            row = connection.execute(
                "select count(*) from information_schema.tables where table_schema = 'public' and table_name = %s",
                (table,),
            ).fetchone()
            if row and row[0] and connection.execute(f"select 1 from {table} limit 1").fetchone():  # noqa: S608
                raise Conflict(
                    f"This platform is not empty: its table {table} has rows.",
                    remedy="Restore into a new database and a new CONCORD_HOME.",
                )


def _entry(folder: Path, path: Path) -> Entry:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return Entry(path.relative_to(folder).as_posix(), path.stat().st_size, digest.hexdigest())


def _run(url: URL, program: Path, *arguments: str) -> None:
    """PostgreSQL's own program on a database. The password goes by the environment: arguments can be seen by all."""
    shown = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    done = subprocess.run(  # noqa: S603 - a program of ours, arguments without a shell
        [program, f"--dbname={shown}", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EngineError(
            f"{program.name} failed: {done.stderr.strip()[-500:]}",
            remedy="See that the server's major version is not newer than the program's, and that the disk has room.",
        )
