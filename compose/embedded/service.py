"""An engine process that several processes of one home may use at once: started by the first, ended after the last."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from common.errors import EngineError
from compose.embedded import locks

KEEPER = Path(__file__).with_name("keeper.py")
LOG_TAIL_LINES = 25
POLL_S = 0.1


class Service:
    """One engine in one folder. `command` is what runs it; `ready` tells whether it answers.

    The folder gets `users.lock` (shared by every user), `start.lock`, `state.json`, `answered` and `console.log`.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        command: Callable[[], Sequence[str]],
        ready: Callable[[], bool],
        *,
        logs: Sequence[Path] = (),
        environment: dict[str, str] | None = None,
        start_timeout_s: float = 180,
        stop_grace_s: float = 45,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.folder = folder
        self._command = command
        self._ready = ready
        self._logs = (folder / "console.log", *logs)
        self._environment = environment
        self._start_timeout_s = start_timeout_s
        self._stop_grace_s = stop_grace_s
        self._stop_signal = stop_signal
        self._keeper_pid: int | None = None
        self._users: int | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running engine, None when there is none."""
        engine = self._process("engine")
        return engine.pid if engine else None

    def acquire(self) -> None:
        """Becomes a user: starts the engine unless it runs already, and waits until it answers.

        Raises EngineError with the last lines of its log when it dies or does not answer in time.
        """
        if self._users is not None:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = locks.open_lock(self.folder / "users.lock")
        try:
            with locks.exclusive(self.folder / "start.lock"):
                locks.share(handle)  # waits while a keeper is still ending the last run
                self._keeper_pid = None
                if not self._kept():
                    self._end_orphan()
                    self._launch()
                self._wait_until_ready()
                # From here on the keeper starts it again should it end.
                (self.folder / "answered").touch()
        except BaseException:
            os.close(handle)
            raise
        self._users = handle

    def release(self) -> None:
        """Stops being a user; the last one waits until the engine has ended."""
        handle, self._users = self._users, None
        if handle is None:
            return
        try:
            with locks.exclusive(self.folder / "start.lock"):
                keeper = self._process("keeper")
                if keeper is None or not locks.try_alone(handle):
                    return
                with contextlib.suppress(psutil.NoSuchProcess):
                    keeper.terminate()
                    keeper.wait(self._stop_grace_s + 15)
        finally:
            os.close(handle)

    def log_tail(self) -> str:
        """The last lines of the engine's logs, for error messages."""
        parts = []
        for path in self._logs:
            if path.is_file():
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
                parts.append(f"{path}:\n" + "\n".join(lines))
        return "\n".join(parts)

    def _state(self) -> dict[str, int]:
        try:
            state = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return state if isinstance(state, dict) else {}

    def _process(self, role: str) -> psutil.Process | None:
        """The `keeper` or `engine` of the state file, if that process lives and is ours (numbers are reused)."""
        pid = self._state().get(role)
        return self._ours(pid) if pid is not None else None

    def _ours(self, pid: int) -> psutil.Process | None:
        try:
            process = psutil.Process(pid)
            ours = f"{self.folder}{os.sep}" in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return None
        return process if ours else None

    def _kept(self) -> bool:
        return self._process("keeper") is not None and self._process("engine") is not None

    def _end_orphan(self) -> None:
        """An engine whose keeper was killed still holds the data: end it before the next one starts."""
        for role in ("keeper", "engine"):
            process = self._process(role)
            if process is None:
                continue
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(self._stop_signal if role == "engine" else signal.SIGTERM)
                try:
                    process.wait(self._stop_grace_s)
                except psutil.TimeoutExpired:
                    process.kill()
                    process.wait(self._stop_grace_s)
        (self.folder / "state.json").unlink(missing_ok=True)

    def _launch(self) -> None:
        receive, send = os.pipe()
        command = [
            *(sys.executable, "-S", "-E", str(KEEPER)),
            *(str(self.folder / "state.json"), str(self.folder / "users.lock")),
            *(str(self._stop_grace_s), self._stop_signal.name, str(send), "--"),
            *self._command(),
        ]
        try:
            with (self.folder / "console.log").open("wb") as console:
                subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    cwd=self.folder,
                    env=self._environment,
                    pass_fds=[send],
                    check=True,
                )
            self._keeper_pid = int(os.read(receive, 32))
        finally:
            os.close(receive)
            os.close(send)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        while not self._ready():
            if not self._keeper_lives():
                raise EngineError(
                    f"{self.name} ended while starting. Its last words:\n{self.log_tail()}",
                    remedy="`concord doctor` names what is missing on this machine.",
                )
            if time.monotonic() > deadline:
                raise EngineError(
                    f"{self.name} did not answer within {self._start_timeout_s:.0f} s. "
                    f"Its last words:\n{self.log_tail()}",
                    remedy="Free memory or processor, or look into the log named above.",
                )
            time.sleep(POLL_S)

    def _keeper_lives(self) -> bool:
        pid = self._keeper_pid if self._keeper_pid is not None else self._state().get("keeper")
        return pid is not None and self._ours(pid) is not None
