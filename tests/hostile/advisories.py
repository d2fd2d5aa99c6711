"""Known advisories against the pinned packages, by pip-audit, where a source of advisories is reached.

    python -m tests.hostile.advisories [LIST…]        (in the environment of `make security`)

LIST is a list of requirements with hashes (requirements/*.txt when none is given). Exit status 1 where an advisory
stands against a package. Where no source is reached it says that nothing is known, and how to ask later: exit status 0,
for a machine without a connection is no weakness; `--must-reach` makes it 1, for a pipeline that relies on it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = ("osv", "pypi")
"""In the order in which they are asked: the first that answers counts."""


def asked(source: str, path: Path) -> Any:
    """What pip-audit says of a list; None where the source is not reached."""
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", source, "--requirement", str(path)]
    command += ["--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        return None


def told(answer: Any) -> tuple[int, list[str]]:
    """(packages about which the source knew to say something, a line for each advisory)."""
    known, lines = 0, []
    for package in answer["dependencies"]:
        if "skip_reason" in package:
            continue
        known += 1
        for advisory in package["vulns"]:
            cure = f"cured in {', '.join(advisory['fix_versions'])}" if advisory["fix_versions"] else "no cure yet"
            lines.append(f"{package['name']} {package['version']}: {advisory['id']}, {cure}")
    return known, lines


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", nargs="*", type=Path, default=sorted((PROJECT / "requirements").glob("*.txt")))
    parser.add_argument("--must-reach", action="store_true", help="no source reached is a failure too")
    options = parser.parse_args(arguments)
    for source in SOURCES:
        answers = [asked(source, path.resolve()) for path in options.lists]
        found = [told(answer) for answer in answers if answer is not None]
        if len(found) < len(answers) or not all(known for known, _ in found):
            continue  # not reached, or it knew none of the packages: a mirror without advisories says so
        lines = sorted({line for _, lines in found for line in lines})
        print(*lines, sep="\n", file=sys.stderr)
        print(f"advisories: {sum(known for known, _ in found)} entries asked at {source}, {len(lines)} advisories")
        return 1 if lines else 0
    print(f"advisories: NOT CHECKED, neither of {', '.join(SOURCES)} was reached: nothing is known about the packages")
    print(
        "    Run `make security` where one can be reached, or give dist/ip-concord.cdx.json (`make sbom`) to a service."
    )
    return 1 if options.must_reach else 0


if __name__ == "__main__":
    sys.exit(main())
