"""How likely two records are the same: a Fellegi–Sunter model, refined by what people decided.

A pair's evidence is the sum of one weight a feature: log(m/u) of the level it shows (Fellegi and Sunter 1969), where m
and u are learned by expectation maximisation (Winkler 1988) from pairs that nobody labelled, with pairs that a rule or
a person decided held fast, and with the table's own values counted as so many observed pairs. With decisions, a
logistic model is fitted over the features' weights, drawn towards "believe each as it is": that calibrates the
probability and corrects features that say the same twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from indexer.duplicates.compare import MISSING, Compared, table

Levels = NDArray[np.int8]
"""(pairs, features), MISSING where a feature says nothing."""
Floats = NDArray[np.float64]

LARGEST_WEIGHT = 9.0
"""Natural logarithm: no single feature outweighs odds of 8,000 to 1, since every field can be mistyped."""
RIDGE = 20.0
"""How many decisions it takes to move a feature's multiplier half-way from 1."""
ROUNDS = 60
CHOSEN_BY = ("number", "kind", "published", "filed", "collection", "rival")
"""Features by which rules choose the pairs that they merge."""


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
    """Weights by feature and level, all in natural logarithms of odds."""

    prior: float
    weights: tuple[tuple[float, ...], ...]
    multipliers: tuple[float, ...]
    trained_on: int = 0
    decisions: int = 0

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits: the same for models that score alike."""
        content = [round(self.prior, 9), self.weights, self.multipliers]
        return hashlib.sha256(orjson.dumps(content)).hexdigest()[:12]

    def score(self, compared: Compared) -> float:
        """Probability that the two are the same."""
        return probability(self.prior + sum(self._part(i, level) for i, level in enumerate(compared.levels)))

    def scores(self, levels: Levels) -> Floats:
        """The same for many pairs."""
        evidence = np.full(len(levels), self.prior)
        for index, weights in enumerate(self.weights):
            column = levels[:, index]
            held = np.asarray([*weights, 0.0]) * self.multipliers[index]
            evidence += held[column]
        return np.asarray(1 / (1 + np.exp(-np.clip(evidence, -60, 60))))

    def explain(self, compared: Compared) -> list[Part]:
        """Each feature that says something, strongest first."""
        parts = [
            Part(
                feature.name,
                feature.about,
                feature.levels[level],
                round(self._part(index, level), 4),
                *compared.values[index],
            )
            for index, (feature, level) in enumerate(zip(table().features, compared.levels, strict=True))
            if level != MISSING
        ]
        return sorted(parts, key=lambda part: -abs(part.weight))

    def _part(self, index: int, level: int) -> float:
        return 0.0 if level == MISSING else self.weights[index][level] * self.multipliers[index]

    def dump(self) -> dict[str, object]:
        return {
            "prior": self.prior,
            "weights": self.weights,
            "multipliers": self.multipliers,
            "trained_on": self.trained_on,
            "decisions": self.decisions,
            "features": table().names,
        }

    @classmethod
    def load(cls, stored: dict[str, object]) -> Model:
        """Raises ValueError for a model of other features."""
        if list(stored["features"]) != list(table().names):  # type: ignore[call-overload]
            raise ValueError("the model was learned for other features")
        weights = tuple(tuple(float(w) for w in row) for row in stored["weights"])  # type: ignore[attr-defined]
        multipliers = tuple(float(w) for w in stored["multipliers"])  # type: ignore[attr-defined]
        return cls(
            float(stored["prior"]),  # type: ignore[arg-type]
            weights,
            multipliers,
            int(stored["trained_on"]),  # type: ignore[call-overload]
            int(stored["decisions"]),  # type: ignore[call-overload]
        )


def probability(evidence: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(evidence, -60, 60))))


def untrained() -> Model:
    """The table's own values."""
    held = table()
    return Model(
        float(np.log(held.prior / (1 - held.prior))),
        tuple(_weights(np.asarray(f.m), np.asarray(f.u)) for f in held.features),
        (1.0,) * len(held.features),
    )


def train(levels: Levels, counts: Floats | None = None, labels: Floats | None = None) -> Model:
    """Learns m, u and the prior by expectation maximisation.

    `counts`: how often each row was seen (once). `labels`: 1 for pairs known to be the same, 0 for those known not to
    be, NaN for the others. What rules decided was chosen by numbers, kinds and dates, so it teaches nothing about
    those, nor about how many pairs are the same.
    """
    held = table()
    seen = np.ones(len(levels)) if counts is None else counts
    known = np.full(len(levels), np.nan) if labels is None else labels
    free = np.isnan(known)
    same = np.where(free, 0.0, known)
    m = [np.asarray(f.m, dtype=float) for f in held.features]
    u = [np.asarray(f.u, dtype=float) for f in held.features]
    prior = held.prior
    chosen_by = {table().names.index(name) for name in CHOSEN_BY}
    for _ in range(ROUNDS):
        evidence = np.full(len(levels), np.log(prior / (1 - prior)))
        for index in range(len(m)):
            weights = np.asarray([*_weights(m[index], u[index]), 0.0])
            evidence += weights[levels[:, index]]
        chance = 1 / (1 + np.exp(-np.clip(evidence, -60, 60)))
        same = np.where(free, chance, known)
        before = prior
        if free.any():
            strength = held.strength
            found = float((same * seen)[free].sum())
            prior = (found + strength * held.prior) / (float(seen[free].sum()) + strength)
        for index, feature in enumerate(held.features):
            used = free if index in chosen_by else np.ones(len(levels), dtype=bool)
            column = levels[used, index]
            there = column != MISSING
            size = len(feature.levels)
            yes = np.bincount(column[there], weights=(same * seen)[used][there], minlength=size).astype(float)
            no = np.bincount(column[there], weights=((1 - same) * seen)[used][there], minlength=size).astype(float)
            m[index] = _smoothed(yes, feature.m, held.strength)
            u[index] = _smoothed(no, feature.u, held.strength)
        if abs(prior - before) < 1e-7:
            break
    return Model(
        float(np.log(prior / (1 - prior))),
        tuple(_weights(mm, uu) for mm, uu in zip(m, u, strict=True)),
        (1.0,) * len(m),
        trained_on=int(seen.sum()),
    )


def refine(model: Model, levels: Levels, same: Sequence[bool]) -> Model:
    """Fits prior and multipliers to decisions: logistic regression by Newton's method, ridge towards the model."""
    if not len(levels):
        return model
    parts = np.ones((len(levels), len(model.weights) + 1))
    for index, weights in enumerate(model.weights):
        parts[:, index + 1] = np.asarray([*weights, 0.0])[levels[:, index]]
    wanted = np.asarray(same, dtype=float)
    start = np.asarray([model.prior, *([1.0] * len(model.weights))])
    # In units of a feature's own evidence, so that a strong feature is not easier to move than a weak one.
    ridge = RIDGE * np.maximum(0.25, np.asarray([0.05, *np.square(parts[:, 1:]).mean(axis=0)]))
    at = start.copy()
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(parts @ at, -60, 60)))
        slope = parts.T @ (wanted - chance) - ridge * (at - start)
        bend = (parts * (chance * (1 - chance))[:, None]).T @ parts + np.diag(ridge)
        step = np.linalg.solve(bend, slope)
        at += np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    # A feature that turned round would explain nothing to anybody.
    multipliers = tuple(float(value) for value in np.clip(at[1:], 0.0, 3.0))
    return Model(float(at[0]), model.weights, multipliers, model.trained_on, len(levels))


def _weights(m: Floats, u: Floats) -> tuple[float, ...]:
    return tuple(float(w) for w in np.clip(np.log(m / u), -LARGEST_WEIGHT, LARGEST_WEIGHT))


def _smoothed(counted: Floats, given: Sequence[float], strength: float) -> Floats:
    total = counted + strength * np.asarray(given)
    return np.asarray(total / total.sum())
