"""How good the machine and the people are: precision and recall estimated from samples, agreement of second opinions.

Pairs are drawn at random inside strata (providers × band of score), judged by people, and counted with the weight of
their stratum, so that a few hundred judgements speak for millions of pairs. Intervals are Wilson's (1927), 95 %.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from indexer.duplicates.clusters import Pair
from indexer.duplicates.ledger import JUDGEMENTS, Ledger
from store.database import Database

Z = 1.959964
"""Of the normal distribution, two-sided 95 %."""
BANDS = (0.0, 0.1, 0.5, 0.9, 1.0)
"""Bounds of score between which pairs are a stratum; pairs merged by a rule are one of their own."""
MERGED = "merged by rule"


@dataclass(frozen=True, slots=True)
class Stratum:
    """Pairs of two providers in one band."""

    providers: str
    band: str
    pairs: int
    judged: int
    same: int

    @property
    def share(self) -> float | None:
        """Share that is the same, among those judged."""
        return self.same / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.same, self.judged)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of one pair of providers. None where nothing was judged that could tell."""

    providers: str
    precision: float | None
    """Of what rules merged."""
    precision_interval: tuple[float, float]
    recall: float | None
    """Share of all pairs that are the same which rules merged."""
    recall_interval: tuple[float, float]
    strata: tuple[Stratum, ...]


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share. (0, 1) where nothing was tried."""
    if not trials:
        return 0.0, 1.0
    share = successes / trials
    centre = share + Z * Z / (2 * trials)
    spread = Z * math.sqrt(share * (1 - share) / trials + Z * Z / (4 * trials * trials))
    whole = 1 + Z * Z / trials
    return max(0.0, (centre - spread) / whole), min(1.0, (centre + spread) / whole)


def kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's κ of two people's judgements of the same pairs; None for none, 1 where both always say one thing."""
    if not pairs:
        return None
    total = len(pairs)
    agreed = sum(one == other for one, other in pairs) / total
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    by_chance = sum(first[word] * second[word] for word in JUDGEMENTS) / (total * total)
    return 1.0 if by_chance == 1 else (agreed - by_chance) / (1 - by_chance)


def band(action: str, score: float | None) -> str:
    if action == "merge":
        return MERGED
    value = score or 0.0
    upper = next(high for high in BANDS[1:] if value < high or high == 1.0)
    lower = BANDS[BANDS.index(upper) - 1]
    return f"{lower:g}–{upper:g}"


def strata(rows: Iterable[tuple[str, str, float | None, str | None]]) -> list[Stratum]:
    """From (providers, action, score, judgement or None) of every pair that may be the same."""
    counted: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for providers, action, score, judgement in rows:
        entry = counted[providers, band(action, score)]
        entry[0] += 1
        entry[1] += judgement in ("same", "different", "related")
        entry[2] += judgement == "same"
    return [Stratum(*key, *entry) for key, entry in sorted(counted.items())]


def estimate(found: Sequence[Stratum]) -> list[Estimate]:
    """Precision and recall of automatic merges, for each pair of providers."""
    by_providers: dict[str, list[Stratum]] = defaultdict(list)
    for stratum in found:
        by_providers[stratum.providers].append(stratum)
    estimates = []
    for providers, parts in sorted(by_providers.items()):
        merged = [part for part in parts if part.band == MERGED]
        others = [part for part in parts if part.band != MERGED]
        precision = merged[0].share if merged else None
        precision_interval = merged[0].interval if merged else (0.0, 1.0)
        recall, recall_interval = _recall(merged, others)
        estimates.append(Estimate(providers, precision, precision_interval, recall, recall_interval, tuple(parts)))
    return estimates


def _recall(merged: Sequence[Stratum], others: Sequence[Stratum]) -> tuple[float | None, tuple[float, float]]:
    """Interval: every stratum at the end of its own that is least, or most, favourable; so it is on the safe side."""
    joined = sum(part.pairs for part in merged)
    if not joined or any(part.share is None for part in others):
        low = _share(
            sum(part.pairs * part.interval[0] for part in merged), sum(part.pairs * part.interval[1] for part in others)
        )
        return None, (low, 1.0)
    right = sum(part.pairs * (1.0 if part.share is None else part.share) for part in merged)
    missed = sum(part.pairs * (part.share or 0.0) for part in others)
    low = _share(
        sum(part.pairs * part.interval[0] for part in merged), sum(part.pairs * part.interval[1] for part in others)
    )
    high = _share(
        sum(part.pairs * part.interval[1] for part in merged), sum(part.pairs * part.interval[0] for part in others)
    )
    return _share(right, missed), (low, high)


def _share(found: float, missed: float) -> float:
    return found / (found + missed) if found + missed else 0.0


# ------------------------------------------------------------------------------------------------------- from the store


def stored_strata(database: Database, subject: str = "record") -> list[Stratum]:
    """The strata of everything found, with what people judged."""
    ledger = Ledger(database, subject)
    with database.driver() as connection:
        judged = ledger.standing(connection)
        rows = connection.execute(
            "select a, b, providers, action, score from duplicate_pairs where action in ('merge', 'queue')"
        ).fetchall()
    return strata(
        (providers, action, score, judged.get((a, b), (None, 0))[0]) for a, b, providers, action, score in rows
    )


def sample(database: Database, each: int, seed: str = "") -> list[Pair]:
    """Pairs to judge: from each stratum up to `each` that nobody judged, drawn by a hash of their ids, so that the
    same seed draws the same pairs."""
    ledger = Ledger(database)
    with database.driver() as connection:
        judged = ledger.standing(connection)
        rows = connection.execute(
            "select a, b, providers, action, score from duplicate_pairs where action in ('merge', 'queue')"
        ).fetchall()
    by_stratum: dict[tuple[str, str], list[tuple[bytes, Pair]]] = defaultdict(list)
    for a, b, providers, action, score in rows:
        if (a, b) not in judged:
            drawn = hashlib.blake2b(f"{seed}|{a}|{b}".encode(), digest_size=8).digest()
            by_stratum[providers, band(action, score)].append((drawn, (a, b)))
    return [about for held in by_stratum.values() for _, about in sorted(held)[:each]]


def second_opinions(database: Database, subject: str = "record") -> list[tuple[str, str]]:
    """(first, second) judgement of every decision that was reviewed, both standing."""
    with database.driver() as connection:
        rows = connection.execute(
            "select f.judgement, s.judgement from duplicate_decisions s "
            "join duplicate_decisions f on f.id = s.review_of "
            "where s.undone is null and f.undone is null and s.subject = %s order by s.id",
            (subject,),
        ).fetchall()
    return [(first, second) for first, second in rows]
