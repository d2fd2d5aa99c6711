"""Known weaknesses in our own source, as bandit finds them: none that weaknesses.toml does not explain.

    python -m tests.hostile.weaknesses        (in the environment of `make security`)

Exit status 1 and a line for each finding without an explanation, and each explanation without a finding.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = ("analyzers", "api", "cli", "common", "compose", "indexer", "mappings", "store")


def explained() -> tuple[list[str], Counter[tuple[str, str]]]:
    """(rules left out, (file, rule) → how many findings are explained)."""
    content = tomllib.loads((Path(__file__).parent / "weaknesses.toml").read_text("utf-8"))
    found: Counter[tuple[str, str]] = Counter()
    for entry in content["explained"]:
        assert entry["why"], entry["file"]
        found.update({(entry["file"], rule): count for rule, count in entry["rules"].items()})
    return content["skipped"], found


def found_by_bandit(skipped: list[str]) -> tuple[Counter[tuple[str, str]], list[str]]:
    """((file, rule) → findings, a line for each of them)."""
    command = [sys.executable, "-m", "bandit", "-q", "-r", *ROOMS, "-s", ",".join(skipped), "-f", "json"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    answer = json.loads(done.stdout)
    if answer["errors"]:
        raise SystemExit(f"bandit could not read everything: {answer['errors']}")
    results = answer["results"]
    lines = [f"{r['filename']}:{r['line_number']}: {r['test_id']} {r['issue_text']}" for r in results]
    return Counter((result["filename"], result["test_id"]) for result in results), lines


def main() -> int:
    skipped, known = explained()
    found, lines = found_by_bandit(skipped)
    more, fewer = found - known, known - found
    for file, rule in more:
        print(f"not explained in weaknesses.toml: {more[file, rule]} more of {rule} in {file}", file=sys.stderr)
        print(*(line for line in lines if line.startswith(f"{file}:") and rule in line), sep="\n", file=sys.stderr)
    for file, rule in fewer:
        print(f"explained and not there: {fewer[file, rule]} of {rule} in {file}", file=sys.stderr)
    print(f"bandit: {found.total()} findings, {known.total()} explained, {more.total()} not")
    return 1 if more or fewer else 0


if __name__ == "__main__":
    sys.exit(main())
