"""Real name sets with known answers, beside one plain rapidfuzz threshold. Prints figures only, never a name."""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz

from indexer.duplicates import names
from indexer.duplicates.clusters import Edge, Pair, build
from indexer.duplicates.names import Name
from indexer.duplicates.profile import latin_name

LEAST = 0.5
ALS_MENTIONS = 4_000
"""Of the largest set, the mentions of inventors whose family names begin with the first letters: whole families."""


def benchmark(folder: Path) -> dict[str, Any]:
    results = {}
    for title, (held, truth) in (
        ("PATSTAT-NL", patstat(folder / "patstat_nl")),
        ("PatentsView Lai 2011", mentions(folder / "patentsview" / "lai-2011-benchmark.csv")),
        ("PatentsView ALS, part", mentions(folder / "patentsview" / "als-inventors.csv", ALS_MENTIONS)),
    ):
        results[title] = {"names": len(held), "entities": len(set(truth.values())), **run(held, truth)}
    return results


def run(held: list[Name], truth: dict[str, str]) -> dict[str, Any]:
    begun = time.monotonic()
    scored = names.match(held)
    joined = names.link(scored, LEAST)
    seconds = time.monotonic() - begun
    by_id = {name.id: name for name in held}
    plain = {
        about: fuzz.token_sort_ratio(by_id[about[0]].name.upper(), by_id[about[1]].name.upper()) for about in scored
    }
    best = max(
        (
            {**measure([p for p, ratio in plain.items() if ratio >= threshold], truth), "threshold": threshold}
            for threshold in range(70, 101, 2)
        ),
        key=lambda found: found["pairwise"]["f1"],
    )
    return {
        "ours": measure(joined, truth),
        "rapidfuzz_at_its_best_threshold": best,
        "names_per_s": round(len(held) / seconds),
    }


def measure(joined: Iterable[Pair], truth: dict[str, str]) -> dict[str, Any]:
    """Pairwise and B³ figures of the clusters that the pairs make."""
    found = build(truth.keys(), [Edge(a, b, "rule") for a, b in joined], ())
    entities: dict[str, set[str]] = defaultdict(set)
    for id_, entity in truth.items():
        entities[entity].add(id_)
    right = sum(
        len(members & set(cluster)) * (len(members & set(cluster)) - 1) // 2
        for cluster in found.members.values()
        for members in ({truth[id_]: entities[truth[id_]] for id_ in cluster}).values()
    )
    said = sum(len(cluster) * (len(cluster) - 1) // 2 for cluster in found.members.values())
    wanted = sum(len(members) * (len(members) - 1) // 2 for members in entities.values())
    shared = {id_: len(set(found.cluster(id_)) & entities[truth[id_]]) for id_ in truth}
    return {
        "pairwise": _figures(right / said if said else 1.0, right / wanted if wanted else 1.0),
        "b3": _figures(
            sum(shared[id_] / len(found.cluster(id_)) for id_ in truth) / len(truth),
            sum(shared[id_] / len(entities[truth[id_]]) for id_ in truth) / len(truth),
        ),
    }


def _figures(precision: float, recall: float) -> dict[str, float]:
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def patstat(folder: Path) -> tuple[list[Name], dict[str, str]]:
    with (folder / "patstat_reference.csv").open(encoding="utf-8") as source:
        truth = {row["person_id"]: row["leuven_id"] for row in csv.DictReader(source)}
    held = []
    with (folder / "patstat_input.csv").open(encoding="utf-8") as source:
        for row in csv.DictReader(source):
            north, east = float(row["Lat"] or 0), float(row["Lng"] or 0)
            held.append(
                Name(
                    row["person_id"],
                    row["Name"],
                    latin_name(row["Name"]) or row["Name"],
                    company={latin_name(one) for one in row["Coauthor"].split("**") if one.strip()},
                    classes={one.strip()[:4] for one in row["Class"].split("**") if one.strip()},
                    place=(north, east) if north or east else None,
                )
            )
    return held, {name.id: truth[name.id] for name in held}


def mentions(path: Path, most: int | None = None) -> tuple[list[Name], dict[str, str]]:
    with path.open(encoding="utf-8") as source:
        rows = list(csv.DictReader(source))
    if most is not None:
        rows.sort(key=lambda row: (row["raw_inventor_name_last"].upper(), row["mention_id"]))
        last = rows[min(most, len(rows)) - 1]["raw_inventor_name_last"].upper()
        rows = [row for row in rows if row["raw_inventor_name_last"].upper() <= last]
    held, truth = [], {}
    for row in rows:
        name = f"{row['raw_inventor_name_last']} {row['raw_inventor_name_first']}".strip()
        held.append(Name(row["mention_id"], name, latin_name(name) or name))
        truth[row["mention_id"]] = row["unique_id"]
    return list({name.id: name for name in held}.values()), truth
