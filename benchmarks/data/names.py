"""Real name sets with known answers, beside a plain rapidfuzz threshold. Prints figures only, never a name.

Entities fall into two halves by a hash of their id. The tables of `indexer/duplicates` were learned from the first halves
(`TRAIN`); figures are of the second, which nothing was chosen by. The plain threshold is given twice: the one that is
best on the first half, and the one that is best on the second in hindsight, which nobody could have known.
"""

from __future__ import annotations

import csv
import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.process import cdist

from indexer.duplicates import names
from indexer.duplicates.clusters import Edge, Pair, build, pair
from indexer.duplicates.names import Name
from indexer.duplicates.profile import latin_name

LEAST = 0.9
"""As `concord names` asks for."""
ALS_MENTIONS = 6_000
"""Of the largest set, the mentions of inventors whose family names begin with the first letters: whole families."""
TRAIN, TEST = 0, 1
THRESHOLDS = range(50, 101, 2)


def benchmark(folder: Path) -> dict[str, Any]:
    views = folder / "patentsview"
    return {
        "PATSTAT-NL": run(*patstat(folder / "patstat_nl")),
        "PatentsView ALS, part": run(*mentions(views / "als-inventors.csv", ALS_MENTIONS)),
        "PatentsView Lai 2011": run(*mentions(views / "lai-2011-benchmark.csv")),
    }


def half(entity: str) -> int:
    return hashlib.blake2b(entity.encode(), digest_size=1).digest()[0] % 2


def run(held: list[Name], truth: dict[str, str]) -> dict[str, Any]:
    parts = {h: [name for name in held if half(truth[name.id]) == h] for h in (TRAIN, TEST)}
    answers = {h: {name.id: truth[name.id] for name in part} for h, part in parts.items()}
    begun = time.monotonic()
    scored = names.match(parts[TEST])
    joined = names.link(scored, LEAST, {name.id for name in parts[TEST] if name.person})
    seconds = time.monotonic() - begun
    plain = {h: plainly(part, answers[h]) for h, part in parts.items()}
    chosen = max(plain[TRAIN], key=lambda threshold: plain[TRAIN][threshold]["pairwise"]["f1"])
    best = max(plain[TEST], key=lambda threshold: plain[TEST][threshold]["pairwise"]["f1"])
    return {
        "names": len(parts[TEST]),
        "entities": len(set(answers[TEST].values())),
        "ours": measure(joined, answers[TEST]),
        f"rapidfuzz at {chosen}, best on the training half": plain[TEST][chosen],
        f"rapidfuzz at {best}, best in hindsight": plain[TEST][best],
        "names_per_s": round(len(parts[TEST]) / seconds),
    }


def plainly(held: list[Name], truth: dict[str, str]) -> dict[int, dict[str, Any]]:
    """Threshold → figures, every pair of names that are written differently compared."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for name in held:
        by_name[name.name.upper()].append(name.id)
    written = sorted(by_name)
    ratios = cdist(written, written, scorer=fuzz.token_sort_ratio, score_cutoff=THRESHOLDS[0], dtype=np.float32)
    alike = [pair(ids[0], other) for ids in by_name.values() for other in ids[1:]]
    found = {}
    for threshold in THRESHOLDS:
        near = np.argwhere(np.triu(ratios >= threshold, 1)).tolist()
        found[threshold] = measure(
            [*alike, *(pair(by_name[written[x]][0], by_name[written[y]][0]) for x, y in near)], truth
        )
    return found


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
        held.append(Name(row["mention_id"], name, latin_name(name) or name, person=True))
        truth[row["mention_id"]] = row["unique_id"]
    return list({name.id: name for name in held}.values()), truth
