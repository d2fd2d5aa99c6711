"""Keeps one engine process alive for as long as somebody uses it, and not a moment longer.

Runs as its own process in its own session. It starts the engine, writes a state file, and ends the engine when
nobody shares the users' lock any more: the last user closed, crashed or was killed. An engine that ends although it
is used (killed, out of memory) is started again, if it has once answered: the file `answered` beside the state file
says so. Should the keeper itself be killed, the kernel sends the engine the stop signal (PR_SET_PDEATHSIG on Linux).

    python keeper.py STATE_FILE USERS_LOCK GRACE_SECONDS STOP_SIGNAL PID_FD -- COMMAND...

Its own process number goes to the descriptor PID_FD.

Standard library only, because it may run where the project's own packages are not on the path.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Before the first new start; twice as long before each further one. It never gives up: what ends an engine again and
again may be a full disk, and that gets room."""
WELL_AFTER_S = 60
"""An engine that ran for so long is started at once again when it ends."""
WRITE_AGAIN_S = 1.0


def main() -> int:
    state_file, users_lock, grace = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    stop = signal.Signals[sys.argv[4]]
    command = sys.argv[sys.argv.index("--") + 1 :]
    _detach(int(sys.argv[5]))
    signal.signal(signal.SIGTERM, _on_terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answered = state_file.with_name("answered")
    answered.unlink(missing_ok=True)
    engine = _start(command, stop, state_file)
    threading.Thread(target=_terminate_when_unused, args=(users_lock,), daemon=True).start()
    try:
        pause = FIRST_PAUSE_S
        begun = time.monotonic()
        engine.wait()
        while answered.exists():
            if time.monotonic() - begun > WELL_AFTER_S:
                pause = FIRST_PAUSE_S
            _say(f"ended with exit code {engine.returncode}; is started again")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
            begun = time.monotonic()
            engine = _start(command, stop, state_file)
            engine.wait()
    except SystemExit:
        _end(engine, stop, grace)
    with contextlib.suppress(FileNotFoundError):
        state_file.unlink()
    _say(f"ended with exit code {engine.returncode}")
    return engine.returncode


def _say(words: str) -> None:
    with contextlib.suppress(OSError):  # the disk may be full
        sys.stdout.write(f"{words}\n")
        sys.stdout.flush()


def _start(command: list[str], stop: signal.Signals, state_file: Path) -> subprocess.Popen[bytes]:
    engine = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=lambda: _die_with_parent(stop))
    partial = state_file.with_suffix(".new")
    while True:
        try:
            partial.write_text(json.dumps({"keeper": os.getpid(), "engine": engine.pid}), encoding="utf-8")
            partial.replace(state_file)
            return engine
        except OSError:
            if engine.poll() is not None:  # neither does the engine run on a full disk
                return engine
            time.sleep(WRITE_AGAIN_S)


def _detach(pid_fd: int) -> None:
    """Becomes nobody's child: whoever started the engine may leave before its other users do. Prints the number."""
    child = os.fork()
    if child:
        os.write(pid_fd, str(child).encode())
        os._exit(0)
    os.close(pid_fd)
    os.setsid()  # Ctrl-C in the terminal must not reach the engine before its user ends it in order


def _on_terminate(_signal: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit


def _die_with_parent(stop: signal.Signals) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, stop)


def _terminate_when_unused(users_lock: Path) -> None:
    """Users share the lock; getting it alone means there are none. Held until this process ends."""
    handle = os.open(users_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.kill(os.getpid(), signal.SIGTERM)


def _end(engine: subprocess.Popen[bytes], stop: signal.Signals, grace: float) -> None:
    engine.send_signal(stop)
    try:
        engine.wait(grace)
    except subprocess.TimeoutExpired:
        engine.kill()
        engine.wait()


if __name__ == "__main__":
    sys.exit(main())
