"""File locks between processes. The system drops them when the holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Waits for and holds the lock on `path` alone."""
    handle = open_lock(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def open_lock(path: Path) -> int:
    """A descriptor to lock on; children started with exec do not inherit it."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def share(handle: int) -> None:
    """Waits for and holds the lock together with other sharers."""
    fcntl.flock(handle, fcntl.LOCK_SH)


def hold_alone(handle: int) -> None:
    """Waits until nobody else holds the lock, then holds it alone."""
    fcntl.flock(handle, fcntl.LOCK_EX)


def try_alone(handle: int) -> bool:
    """Turns a shared lock into one held alone if nobody else shares it; False when others do (and the share stays)."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(handle, fcntl.LOCK_SH)  # a failed conversion may have dropped the share
        return False
    return True
