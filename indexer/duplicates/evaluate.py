"""How good the machine and the people are: precision and recall estimated from samples, agreement of second opinions.

Pairs are drawn at random inside strata (providers × band of score), judged by people, and counted with the weight of
their stratum, so that a few hundred judgements speak for millions of pairs. Intervals are Wilson's (1927), 95 %.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from indexer.duplicates.clusters import Pair
from indexer.duplicates.ledger import JUDGEMENTS, STANDING
from store.database import Database

Z = 1.959964
"""Of the normal distribution, two-sided 95 %."""
BANDS = (0.0, 0.1, 0.5, 0.9, 1.0)
"""Bounds of score between which pairs are a stratum; pairs merged by a rule are one of their own."""
MERGED = "merged by rule"
DRAWN_AT_ONCE = 1_000


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


JUDGED = f"with standing as ({STANDING.format(where='true')}) "
BAND = "case when p.action = 'merge' then -1 else width_bucket(coalesce(p.score, 0), %(bounds)s::float8[]) end"
"""Place of a pair's band among `BANDS`; -1: merged by a rule."""


def band(place: int) -> str:
    return MERGED if place < 0 else f"{BANDS[place]:g}–{BANDS[place + 1]:g}"


def stored_strata(database: Database) -> list[Stratum]:
    """The strata of everything that may be the same, with what people judged; counted in the database."""
    with database.driver() as connection:
        rows = connection.execute(
            f"{JUDGED} select p.providers, {BAND}, count(*), "  # noqa: S608 - constants
            "count(*) filter (where s.judgement in ('same', 'different', 'related')), "
            "count(*) filter (where s.judgement = 'same') "
            "from duplicate_pairs p left join standing s on s.a = p.a and s.b = p.b "
            "where p.action in ('merge', 'queue') group by 1, 2",
            {"bounds": list(BANDS[1:-1]), "subject": "record"},
        ).fetchall()
    return sorted(
        (Stratum(providers, band(place), *counts) for providers, place, *counts in rows),
        key=lambda stratum: (stratum.providers, stratum.band),
    )


def sample(database: Database, each: int, seed: str = "") -> Iterator[Pair]:
    """Pairs to judge: from each stratum up to `each` that nobody judged, drawn by a hash of their ids, so that the
    same seed draws the same pairs. The database draws them; they come a few at a time."""
    with database.driver() as connection, connection.cursor(name="sample") as cursor:
        cursor.itersize = DRAWN_AT_ONCE
        cursor.execute(
            f"{JUDGED}, drawn as (select p.a, p.b, p.providers, {BAND} as band, row_number() over ("  # noqa: S608
            f"partition by p.providers, {BAND} order by md5(concat_ws('|', %(seed)s::text, p.a, p.b)), p.a) as nth "
            "from duplicate_pairs p where p.action in ('merge', 'queue') "
            "and not exists (select 1 from standing s where s.a = p.a and s.b = p.b)) "
            "select a, b from drawn where nth <= %(each)s order by providers, band, nth",
            {"bounds": list(BANDS[1:-1]), "subject": "record", "seed": seed, "each": each},
        )
        yield from cursor


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far scores are what they say, by what people decided: the mean distance between the mean score of a tenth and
    the share of its pairs that is the same, each tenth by the pairs judged in it (expected calibration error), and the
    mean square of score less answer (Brier 1950). None where nothing was judged."""

    tenths: tuple[Tenth, ...]

    @property
    def judged(self) -> int:
        return sum(tenth.judged for tenth in self.tenths)

    @property
    def error(self) -> float | None:
        off = sum(tenth.judged * abs(tenth.mean_score - tenth.same / tenth.judged) for tenth in self.tenths)
        return off / self.judged if self.judged else None

    @property
    def brier(self) -> float | None:
        return sum(tenth.squares for tenth in self.tenths) / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class Tenth:
    """Pairs scored from `start` to a tenth above it, as scored when they were judged."""

    start: float
    judged: int
    same: int
    mean_score: float
    squares: float
    """Sum of squares of score less answer."""

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.same, self.judged)


def calibration(database: Database) -> Calibration:
    """Of every decision that stands on a pair that was scored when it was judged, and that says yes or no."""
    with database.driver() as connection:
        rows = connection.execute(
            f"{JUDGED} select least(width_bucket(d.score, 0, 1, 10), 10), count(*), "  # noqa: S608 - constants
            "count(*) filter (where d.judgement = 'same'), avg(d.score), "
            "sum(power(d.score - (d.judgement = 'same')::int, 2)) "
            "from standing join duplicate_decisions d using (id) "
            "where d.score is not null and d.judgement <> 'unsure' group by 1 order by 1",
            {"subject": "record"},
        ).fetchall()
    return Calibration(tuple(Tenth((place - 1) / 10, *figures) for place, *figures in rows))


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
