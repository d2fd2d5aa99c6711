"""How likely two records are the same: a Fellegi–Sunter model, refined by what people decided.

A feature's evidence is log(m/u) of the level it shows (Fellegi and Sunter 1969), where m and u are learned by
expectation maximisation (Winkler 1988) from pairs that nobody labelled, with pairs that are known held fast, and with
the table's own values counted as so many observed pairs. The sum over features would be the pair's evidence if features
were independent. They are not: two inventions that one firm files on one day share title, inventors and classes. So
the sum over each group of features is calibrated as a whole, by a rising curve learned in the same way. With
decisions, a logistic model is fitted over groups and single features, drawn towards "believe each as it is".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from indexer.duplicates.compare import MISSING, Compared, Table, table

Levels = NDArray[np.int8]
"""(pairs, features), MISSING where a feature says nothing."""
Floats = NDArray[np.float64]

LARGEST_WEIGHT = 9.0
"""Natural logarithm: no single feature outweighs odds of 8,000 to 1, since every field can be mistyped."""
KNOTS: Floats = np.asarray([-20, -14, -10, -7, -5, -3, -1.5, 0, 1.5, 3, 5, 7, 10, 14, 20], dtype=float)
"""Sums of a group's evidence at which its curve is held."""
EDGES: Floats = (KNOTS[1:] + KNOTS[:-1]) / 2
BELIEF = 0.25
"""How much of a group's sum is believed before anything is learned."""
CURVE_STRENGTH = 10.0
"""Pairs that this belief counts for, spread over the curve as the pairs are."""
RIDGE = 20.0
"""How many decisions it takes to move a multiplier half-way from 1."""
ROUNDS = 60
SAME_CHOSEN_BY = frozenset({"number", "slips", "kind", "published", "filed", "collection", "rival"})
"""Features by which rules choose the pairs that they merge."""
SAME_CHOSEN_BY_GROUP = frozenset({"identity"})
OTHER_CHOSEN_BY = frozenset({"collection", "rival"})
"""Features by which pairs are known to be two: see `labels_of`."""
SAME_STEP = 4
"""Level of the feature `slips`."""


@dataclass(frozen=True, slots=True)
class Part:
    """One feature's part in a score."""

    feature: str
    about: str
    level: str
    weight: float
    """Natural logarithm of the odds it adds or takes."""
    a: str
    b: str


@dataclass(frozen=True)
class Model:
    """Evidence by feature and level, and curves by group, in natural logarithms of odds."""

    prior: float
    weights: tuple[tuple[float, ...], ...]
    curves: dict[str, tuple[float, ...]]
    """Group → evidence at each of KNOTS."""
    multipliers: tuple[float, ...]
    """Of each of `terms`."""
    trained_on: int = 0
    decisions: int = 0
    held: Table = field(default_factory=table)
    """The features that it is a model of."""

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits: the same for models that score alike."""
        content = [round(self.prior, 9), self.weights, self.curves, self.multipliers]
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]

    def score(self, compared: Compared) -> float:
        """Probability that the two are the same."""
        return float(self.scores(np.asarray([compared.levels], dtype=np.int8))[0])

    def scores(self, levels: Levels) -> Floats:
        """The same for many pairs."""
        evidence = self.prior + self.evidence(levels) @ np.asarray(self.multipliers)
        return _chance(evidence)

    def evidence(self, levels: Levels) -> Floats:
        """(pairs, terms): what each group and each single feature says."""
        columns = []
        for group, features in terms(self.held):
            said = sum((_looked_up(self.weights[i], levels[:, i]) for i in features), np.zeros(len(levels)))
            columns.append(said if group is None else np.interp(said, KNOTS, self.curves[group]))
        return np.stack(columns, axis=1)

    def explain(self, levels: Sequence[int], values: Sequence[Sequence[str]]) -> list[Part]:
        """Each feature that says something, strongest first; parts add up to the score's evidence less the prior.

        What a group's curve gives or takes is shared among its features by their own evidence.
        """
        row = np.asarray([levels], dtype=np.int8)
        total = self.evidence(row)[0] * np.asarray(self.multipliers)
        parts = []
        for (_, features), whole in zip(terms(self.held), total, strict=True):
            said = [_looked_up(self.weights[i], row[:, i])[0] for i in features]
            weight = sum(abs(value) for value in said) or 1.0
            shift = (whole - sum(said)) / weight
            for index, value in zip(features, said, strict=True):
                feature = self.held.features[index]
                if levels[index] != MISSING:
                    level = feature.levels[levels[index]]
                    part = float(value + abs(value) * shift)
                    parts.append(Part(feature.name, feature.about, level, round(part, 4), *values[index]))
        return sorted(parts, key=lambda part: -abs(part.weight))

    def dump(self) -> dict[str, Any]:
        return {
            "prior": self.prior,
            "weights": self.weights,
            "curves": self.curves,
            "multipliers": self.multipliers,
            "trained_on": self.trained_on,
            "decisions": self.decisions,
            "features": self.held.names,
        }

    @classmethod
    def load(cls, stored: dict[str, Any]) -> Model:
        """Raises ValueError for a model of other features."""
        if list(stored["features"]) != list(table().names) or stored["curves"].keys() != set(table().groups):
            raise ValueError("the model was learned for other features")
        if [len(row) for row in stored["weights"]] != [len(feature.levels) for feature in table().features]:
            raise ValueError("the model was learned for other levels of the features")
        return cls(
            float(stored["prior"]),
            tuple(tuple(map(float, row)) for row in stored["weights"]),
            {group: tuple(map(float, curve)) for group, curve in stored["curves"].items()},
            tuple(map(float, stored["multipliers"])),
            int(stored["trained_on"]),
            int(stored["decisions"]),
        )


@lru_cache(maxsize=8)
def terms(held: Table) -> tuple[tuple[str | None, tuple[int, ...]], ...]:
    """(group, its features by index); each feature without a group is a term of its own."""
    features = held.features
    groups: list[tuple[str | None, tuple[int, ...]]] = [
        (group, tuple(i for i, feature in enumerate(features) if feature.group == group)) for group in held.groups
    ]
    return (*groups, *((None, (i,)) for i, feature in enumerate(features) if feature.group is None))


def untrained(held: Table | None = None) -> Model:
    """The table's own values."""
    held = held or table()
    return Model(
        float(np.log(held.prior / (1 - held.prior))),
        tuple(_weights(np.asarray(f.m), np.asarray(f.u)) for f in held.features),
        {group: tuple((0.5 * KNOTS).tolist()) for group in held.groups},
        (1.0,) * len(terms(held)),
        held=held,
    )


def labels_of(levels: Levels, merged: NDArray[np.bool_]) -> Floats:
    """What is known without asking anybody, as `train` takes it.

    Merged by a rule: the same. One data set holds both, or one of the two has its counterpart in the other's data set
    already, or all their numbers are apart by the same step, as those of applications that were filed together are:
    two. Without these the strongest pattern among pairs that meet is not "one publication told twice" but
    "two publications of one invention" (stages, siblings, families), and that is what would be learned.
    """
    names = table().names
    apart = (levels[:, names.index("collection")] == 1) | (levels[:, names.index("rival")] == 1)
    apart |= levels[:, names.index("slips")] == SAME_STEP
    return np.where(merged, 1.0, np.where(apart, 0.0, np.nan))


def train(
    levels: Levels, counts: Floats | None = None, labels: Floats | None = None, held: Table | None = None
) -> Model:
    """Learns weights, curves and prior by expectation maximisation: weights first, as if features were independent,
    then the curves of groups, which say how far they are.

    `counts`: how often each row was seen (once). `labels`: 1 for pairs known to be the same, 0 for those known not to
    be, NaN for the others (see `labels_of`). Known pairs teach nothing about what they were chosen by, nor about how
    many pairs are the same.
    """
    held = held or table()
    seen = np.ones(len(levels)) if counts is None else counts
    known = np.full(len(levels), np.nan) if labels is None else labels
    sample = _Sample(levels, seen, known, held)
    start = untrained(held)
    single = [np.asarray(weights) for weights in start.weights]
    independent = [(None, (index,)) for index in range(len(single))]
    _, prior, single, _ = _maximise(sample, independent, single, {}, start.prior)
    curves = dict.fromkeys(held.groups, BELIEF * KNOTS)
    _, prior, single, curves = _maximise(sample, terms(held), single, curves, prior)
    return Model(
        prior,
        tuple(tuple(map(float, weights)) for weights in single),
        {group: tuple(map(float, curve)) for group, curve in curves.items()},
        (1.0,) * len(terms(held)),
        trained_on=int(seen.sum()),
        held=held,
    )


@dataclass(frozen=True, slots=True)
class _Sample:
    levels: Levels
    seen: Floats
    known: Floats
    held: Table

    @property
    def free(self) -> NDArray[np.bool_]:
        return np.isnan(self.known)

    def counted(self, chance: Floats, column: NDArray[Any], size: int, teaches: NDArray[np.bool_]) -> Floats:
        return np.bincount(column[teaches], weights=(chance * self.seen)[teaches], minlength=size).astype(float)


def _maximise(
    sample: _Sample,
    by: Sequence[tuple[str | None, tuple[int, ...]]],
    single: list[Floats],
    curves: dict[str, Floats],
    prior: float,
) -> tuple[Floats, float, list[Floats], dict[str, Floats]]:
    """Rounds of expectation and maximisation. Weights inside a group stand; its curve moves."""
    held, free = sample.held, sample.free
    single, curves = list(single), dict(curves)
    teaches_same: Callable[[bool], NDArray[np.bool_]] = lambda chosen: free if chosen else free | (sample.known > 0.5)  # noqa: E731
    teaches_other: Callable[[bool], NDArray[np.bool_]] = lambda chosen: free if chosen else free | (sample.known < 0.5)  # noqa: E731
    sums = {
        group: sum((_looked_up(single[i], sample.levels[:, i]) for i in features), np.zeros(len(sample.levels)))
        for group, features in by
        if group is not None
    }
    bins = {group: np.digitize(said, EDGES) for group, said in sums.items()}
    same = np.zeros(len(sample.levels))
    for _ in range(ROUNDS):
        evidence = np.full(len(sample.levels), prior)
        for group, features in by:
            if group is None:
                evidence += _looked_up(single[features[0]], sample.levels[:, features[0]])
            else:
                evidence += np.interp(sums[group], KNOTS, curves[group])
        same = np.where(free, _chance(evidence), sample.known)
        before = prior
        share = float((same * sample.seen)[free].sum()) + held.strength * held.prior
        share /= float(sample.seen[free].sum()) + held.strength
        prior = float(np.log(share / (1 - share)))
        for group, features in by:
            if group is not None:
                yes = sample.counted(same, bins[group], len(KNOTS), teaches_same(group in SAME_CHOSEN_BY_GROUP))
                no = sample.counted(1 - same, bins[group], len(KNOTS), teaches_other(False))
                curves[group] = _curve(yes, no)
                continue
            feature = held.features[features[0]]
            column = sample.levels[:, features[0]]
            there, size = column != MISSING, len(feature.levels)
            yes = sample.counted(same, column, size, there & teaches_same(feature.name in SAME_CHOSEN_BY))
            no = sample.counted(1 - same, column, size, there & teaches_other(feature.name in OTHER_CHOSEN_BY))
            m, u = _smoothed(yes, feature.m, held.strength), _smoothed(no, feature.u, held.strength)
            single[features[0]] = np.asarray(_weights(m, u))
        if abs(prior - before) < 1e-7:
            break
    return same, prior, single, curves


def _curve(yes: Floats, no: Floats) -> Floats:
    """log(m/u) at each knot, never falling; where pairs are few, near the belief that there was before."""
    odds = np.exp(BELIEF * KNOTS)
    spread = yes + no + 0.1
    as_same, as_other = spread * odds / (1 + odds), spread / (1 + odds)
    yes = yes + CURVE_STRENGTH * as_same / as_same.sum()
    no = no + CURVE_STRENGTH * as_other / as_other.sum()
    return _rising(np.log((yes / yes.sum()) / (no / no.sum())), yes + no)


def _rising(values: Floats, weights: Floats) -> Floats:
    """The closest values that never fall (pool adjacent violators)."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append((float(value), float(weight), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (v1, w1, n1), (v2, w2, n2) = blocks[-2:]
            blocks[-2:] = [((v1 * w1 + v2 * w2) / (w1 + w2), w1 + w2, n1 + n2)]
    return np.concatenate([np.full(size, value) for value, _, size in blocks])


def refine(model: Model, levels: Levels, same: Sequence[bool]) -> Model:
    """Fits prior and multipliers to decisions: logistic regression by Newton's method, ridge towards the model."""
    if not len(levels):
        return model
    parts = np.column_stack([np.ones(len(levels)), model.evidence(levels)])
    wanted = np.asarray(same, dtype=float)
    start = np.asarray([model.prior, *model.multipliers])
    # In units of a term's own evidence, so that a strong one is not easier to move than a weak one.
    ridge = RIDGE * np.maximum(0.25, np.asarray([0.05, *np.square(parts[:, 1:]).mean(axis=0)]))
    at = start.copy()
    for _ in range(50):
        chance = _chance(parts @ at)
        slope = parts.T @ (wanted - chance) - ridge * (at - start)
        bend = (parts * (chance * (1 - chance))[:, None]).T @ parts + np.diag(ridge)
        step = np.clip(np.linalg.solve(bend, slope), -1, 1)
        at += step
        if np.abs(step).max() < 1e-8:
            break
    # A feature that turned round would explain nothing to anybody.
    multipliers = tuple(float(value) for value in np.clip(at[1:], 0.0, 3.0))
    return replace(model, prior=float(at[0]), multipliers=multipliers, decisions=len(levels))


def _looked_up(weights: Sequence[float] | Floats, column: NDArray[Any]) -> Floats:
    """The last entry is that of MISSING, which is -1."""
    found: Floats = np.asarray([*weights, 0.0])[column]
    return found


def _chance(evidence: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(evidence, -60, 60))))


def _weights(m: Floats, u: Floats) -> tuple[float, ...]:
    return tuple(float(w) for w in np.clip(np.log(m / u), -LARGEST_WEIGHT, LARGEST_WEIGHT))


def _smoothed(counted: Floats, given: Sequence[float], strength: float) -> Floats:
    total = counted + strength * np.asarray(given)
    return np.asarray(total / total.sum())
