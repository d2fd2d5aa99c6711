"""Every reader against made-up bytes, guided by what they reach: records or clear errors, never anything else.

    python -m tests.hostile.fuzz [--seconds 20] [READER…]        (in the environment of `make security`)

Each reader has a process of its own (atheris), which starts from a small delivery of its format and keeps what reaches
new code in .fuzz/READER for the next run. It fails by a crash, any exception but an InputError, 20 s on one input,
2 GiB, an error without a place and words, or a record lost that stood whole before the first byte that was touched. The
input that did it stays in .fuzz/READER-…: add it as a case to the tests of that reader.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
KEPT = PROJECT / ".fuzz"
LONGEST_INPUT = 200_000
"""Bytes; of longer deliveries the whole is no seed."""


def one(name: str, arguments: list[str]) -> None:
    """Fuzzes a reader in this process, which ends with it."""
    import atheris

    # Only what is imported here is watched: the readers' own code is what should be reached.
    with atheris.instrument_imports(include=["indexer.formats"]):
        from tests.hostile.spoiling import Checked
    checked = Checked(name, (KEPT / name / "seed").read_bytes())
    atheris.Setup([sys.argv[0], *arguments, str(KEPT / name)], checked.check)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help="names of formats; none given: all")
    parser.add_argument("--seconds", type=int, default=20, help="for each reader")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given, rest = parser.parse_known_args()
    if given.one:
        one(given.one, rest)
        return 0
    from indexer.formats.table import FORMATS
    from tests.hostile.samples import collect

    seeds = collect(PROJECT.parent / "shared" / "data")
    failed = []
    for name in given.readers or [row.name for row in FORMATS]:
        corpus = KEPT / name
        corpus.mkdir(parents=True, exist_ok=True)
        (corpus / "seed").write_bytes(seeds[name])
        limits = ["-timeout=20", "-rss_limit_mb=2048", f"-max_total_time={given.seconds}", "-verbosity=0"]
        limits += [f"-max_len={max(4_096, min(LONGEST_INPUT, 2 * len(seeds[name])))}", f"-artifact_prefix={corpus}-"]
        command = [sys.executable, "-m", "tests.hostile.fuzz", "--one", name, *limits]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        print(f"{name}: {'well' if done.returncode == 0 else 'FAILED'}, {len(list(corpus.iterdir()))} inputs kept")
        if done.returncode:
            failed.append(name)
            # The exception is on the one, what the fuzzer says of it on the other.
            print(done.stdout[-4_000:], done.stderr[-1_000:], sep="\n", file=sys.stderr)
    print(f"{len(failed)} readers failed: {', '.join(failed)}" if failed else "no reader failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
