"""Small disks of their own for a site's engines, which a fault fills to the last byte."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MIB = 1 << 20


@dataclass
class Disk:
    """A file system in memory, of so many MiB, mounted at a folder."""

    folder: Path
    mib: int

    def mount(self) -> None:
        self.folder.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.mib}m,mode=700", "tmpfs", self.folder], check=True)

    def unmount(self) -> None:
        # Lazily: what an engine that is just ending still holds goes with it.
        subprocess.run(["umount", "--lazy", self.folder], check=True)

    def free_mib(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize // MIB

    @contextmanager
    def full(self) -> Iterator[None]:
        """No byte is left, and what its user lets go meanwhile is taken too when it is asked for again."""
        filler = self.folder / "filler"
        try:
            with filler.open("wb", buffering=0) as file:
                self._fill(file.fileno())
                yield
        finally:
            filler.unlink()

    def _fill(self, file: int) -> None:
        size = 0
        while (found := os.statvfs(self.folder)).f_bavail:
            free = found.f_bavail * found.f_frsize
            try:
                os.posix_fallocate(file, size, free)
            except OSError:  # somebody else has just taken some of it
                continue
            size += free


@cache
def mountable() -> bool:
    """Whether this user may mount: root, outside of most containers."""
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(Path(folder) / "disk", 1)
        try:
            disk.mount()
        except (OSError, subprocess.CalledProcessError):
            return False
        disk.unmount()
        return True
