"""The scorers in use, one a right: kept in PostgreSQL, learned again when there is enough more to learn from."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import orjson

from indexer.duplicates import model
from indexer.duplicates.model import Model
from store.database import Database

FEWEST_PAIRS = 200
"""Compared pairs of a right from which its model is learned at all."""
FEWEST_SAME = 50
"""Pairs that rules merged from which a model is learned: without pairs known to be the same, expectation maximisation
takes whatever two heaps there are for same and other."""
GROWTH = 1.5
"""… and how many times more until it is learned again."""
FEWEST_DECISIONS = 20
"""Decisions, some each way, from which the model is refined by them."""
RESCORED = 2_000


class Models:
    """Models of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[str, Model] = {}

    def of(self, right: str) -> Model:
        return self._held.get(right) or UNTRAINED

    def load(self) -> None:
        """Reads the models in use. One that was learned for other features is passed over."""
        with self._database.driver() as connection:
            rows = connection.execute('select "right", model from duplicate_models where current').fetchall()
        self._held = {}
        for right, stored in rows:
            with suppress(ValueError):
                self._held[right] = Model.load(stored)

    def due(self) -> list[str]:
        """Rights whose models know much less than there is to know."""
        with self._database.driver() as connection:
            rows = connection.execute(
                'select "right", sum(pairs)::bigint from duplicate_patterns group by "right" '
                "having coalesce(sum(pairs) filter (where merged), 0) >= %s",
                (FEWEST_SAME,),
            )
            seen: dict[str, int] = dict(rows.fetchall())
        self.load()
        return [
            right
            for right, pairs in seen.items()
            if pairs >= FEWEST_PAIRS and pairs >= GROWTH * max(1, self.of(right).trained_on)
        ]

    def learn(self, rights: list[str] | None = None) -> dict[str, Model]:
        """Learns models from all patterns and decisions, makes them current, and scores every open pair with them."""
        self.load()
        learned: dict[str, Model] = {}
        with self._database.driver() as connection:
            known = [row[0] for row in connection.execute('select distinct "right" from duplicate_patterns')]
        for right in rights or known:
            found = self._learn(right)
            if found is None:
                continue
            learned[right] = found
            with self._database.driver() as connection:
                connection.execute('update duplicate_models set current = false where "right" = %s', (right,))
                connection.execute(
                    'insert into duplicate_models (version, "right", model) values (%s, %s, %s::jsonb) '
                    'on conflict (version, "right") do update set current = true',
                    (found.version, right, orjson.dumps(found.dump()).decode()),
                )
            self._held[right] = found
            self._rescore(right, found)
        return learned

    def _learn(self, right: str) -> Model | None:
        with self._database.driver() as connection:
            rows = connection.execute(
                'select levels, merged, pairs from duplicate_patterns where "right" = %s', (right,)
            ).fetchall()
            judged = connection.execute(
                "select distinct on (d.a, d.b) d.levels, d.judgement from duplicate_decisions d "
                "join duplicate_profiles p on p.id = d.a "
                'where p."right" = %s and d.undone is null and d.review_of is null and d.levels is not null '
                "and d.subject = 'record' order by d.a, d.b, d.at desc, d.id desc",
                (right,),
            ).fetchall()
        if sum(row[2] for row in rows) < FEWEST_PAIRS or sum(row[2] for row in rows if row[1]) < FEWEST_SAME:
            return None
        levels = np.asarray([list(map(int, row[0].split(","))) for row in rows], dtype=np.int8)
        counts = np.asarray([row[2] for row in rows], dtype=float)
        labels = model.labels_of(levels, np.asarray([row[1] for row in rows], dtype=bool))
        found = model.train(levels, counts, labels)
        told = [(row[0], row[1] == "same") for row in judged if row[1] != "unsure"]
        if len(told) >= FEWEST_DECISIONS and 0 < sum(same for _, same in told) < len(told):
            found = model.refine(found, np.asarray([row[0] for row in told], dtype=np.int8), [row[1] for row in told])
        return found

    def _rescore(self, right: str, found: Model) -> None:
        last = ("", "")
        while True:
            with self._database.driver() as connection:
                rows = connection.execute(
                    'select a, b, levels from duplicate_pairs where "right" = %s and levels is not null '
                    "and (a, b) > (%s, %s) order by a, b limit %s",
                    (right, *last, RESCORED),
                ).fetchall()
                if not rows:
                    return
                scores = found.scores(np.asarray([row[2] for row in rows], dtype=np.int8))
                connection.execute(
                    "update duplicate_pairs p set score = n.score, scorer = %s "
                    "from unnest(%s::text[], %s::text[], %s::float8[]) as n(a, b, score) "
                    "where p.a = n.a and p.b = n.b",
                    (found.version, [row[0] for row in rows], [row[1] for row in rows], scores.tolist()),
                )
            last = (rows[-1][0], rows[-1][1])


UNTRAINED = model.untrained()
