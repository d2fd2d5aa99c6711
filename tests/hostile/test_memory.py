"""Memory stays flat however large a file is: measured in a process of its own."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
LIMIT_MIB = 300

WALK = """
import sys
from pathlib import Path
from common.errors import InputError
from benchmarks.memory import largest_resident_mib
from indexer.formats.containers import members
size = 0
for one in members(Path(sys.argv[1])):
    if isinstance(one, InputError):
        print(one, file=sys.stderr)
    else:
        with one.open() as stream:
            while chunk := stream.read(1 << 20):
                size += len(chunk)
print(size, largest_resident_mib())
"""


def run(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["st66", "json", "csv"])
def test_a_large_file_is_read_in_little_memory(kind: str) -> None:
    small = json.loads(run("-m", "benchmarks.memory", "4", kind))
    large = json.loads(run("-m", "benchmarks.memory", "48", kind))
    assert large["records"] > 10 * small["records"]
    assert large["largest_resident_mib"] < LIMIT_MIB
    assert large["largest_resident_mib"] < small["largest_resident_mib"] + 60


def test_a_large_archive_is_walked_in_little_memory(tmp_path: Path) -> None:
    line = b"<r>" + bytes(range(97, 123)) * 20 + b"</r>\n"
    with (
        zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_STORED) as archive,
        archive.open("big.xml", "w") as member,
    ):
        for _ in range(400_000):
            member.write(line)
    with gzip.open(tmp_path / "b.xml.gz", "wb", compresslevel=1) as packed:
        for number in range(100_000):
            packed.write(line + str(number * 7919).encode())
    size, resident = run("-c", WALK, str(tmp_path)).split()
    assert int(size) > 250_000_000
    assert float(resident) < LIMIT_MIB
