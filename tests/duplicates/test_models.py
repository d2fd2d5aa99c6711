"""Scorers learn from what is known without anybody, and from decisions once there are enough; what was taken back is
forgotten. A few judgements, drawn by strata, estimate precision and recall."""

from __future__ import annotations

import pytest

from indexer.duplicates.clusters import pair
from indexer.duplicates.compare import MISSING, table
from indexer.duplicates.evaluate import calibration, estimate, sample, second_opinions, stored_strata, wilson
from indexer.duplicates.ledger import Ledger, Verdict
from indexer.duplicates.models import FEWEST_DECISIONS, FEWEST_SAME, Models
from store.database import Database
from tests.duplicates.test_ledger import add


def levels(**given: int) -> list[int]:
    """What a comparison found; what is not named was not compared."""
    return [given.get(name, MISSING) for name in table().names]


ONE = levels(number=0, kind=0, published=0, title=0, owner=0, collection=0, rival=0)
TWO = levels(number=4, kind=1, published=4, title=3, owner=3, collection=1, rival=0)
DOUBTFUL = levels(number=3, kind=0, published=0, title=1, owner=2, collection=0, rival=0)


def see(database: Database, found: list[int], pairs: int, *, merged: bool = False) -> None:
    with database.driver() as connection:
        connection.execute(
            "insert into duplicate_patterns (\"right\", merged, levels, pairs) values ('patent', %s, %s, %s) "
            'on conflict ("right", merged, levels) do update set pairs = duplicate_patterns.pairs + excluded.pairs',
            (merged, ",".join(map(str, found)), pairs),
        )


def open_pair(database: Database, one: str, other: str, *, action: str = "queue", score: float = 0.5) -> None:
    a, b = pair(one, other)
    with database.driver() as connection:
        add(connection, a, b)
        connection.execute(
            'insert into duplicate_pairs (a, b, "right", providers, offices, relation, action, why, score, scorer, '
            "levels, values, seq_a, seq_b) values (%s, %s, 'patent', %s, 'EP/EP', 'same', %s, '', %s, 'x', "
            "%s::jsonb, '[]'::jsonb, 1, 1)",
            (a, b, f"EP/{one[:2]}", action, score, str(DOUBTFUL)),
        )


def score(database: Database, one: str, other: str) -> tuple[float, str]:
    with database.driver() as connection:
        row = connection.execute(
            "select score, scorer from duplicate_pairs where a = %s and b = %s", pair(one, other)
        ).fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.fixture
def models(database: Database) -> Models:
    """Enough was seen to learn from, and one open pair."""
    see(database, ONE, 300, merged=True)
    see(database, TWO, 300)
    see(database, DOUBTFUL, 60)
    open_pair(database, "q1", "q2")
    return Models(database)


def decide(database: Database, number: int, judgement: str, by: str = "ada") -> list[int]:
    """So many new pairs, judged so."""
    ledger = Ledger(database)
    made = []
    for n in range(number):
        one, other = f"{by}-{judgement}{n:02d}a", f"{by}-{judgement}{n:02d}b"
        open_pair(database, one, other)
        made.append(ledger.decide(Verdict(one, other, judgement, "sample"), by).id)
    return made


def test_decisions_move_open_pairs_once_there_are_enough_and_undone_ones_do_not(
    models: Models, database: Database
) -> None:
    unlabelled = models.learn(["patent"])["patent"]
    before, scorer = score(database, "q1", "q2")
    assert (scorer, unlabelled.decisions) == (unlabelled.version, 0)
    decide(database, FEWEST_DECISIONS - 2, "different")
    decide(database, 5, "unsure")
    decide(database, 1, "same")
    assert models.learn(["patent"])["patent"].version == unlabelled.version, "too few, and unsure is neither"
    told = decide(database, 20, "different", "bob")
    learned = models.learn(["patent"])["patent"]
    assert learned.decisions == FEWEST_DECISIONS - 2 + 1 + 20
    after, scorer = score(database, "q1", "q2")
    assert scorer == learned.version != unlabelled.version
    assert after < before
    ledger = Ledger(database)
    for number in told:
        ledger.undo("ada", decision=number)
    assert models.learn(["patent"])["patent"].version == unlabelled.version
    assert score(database, "q1", "q2")[0] == pytest.approx(before)
    with database.driver() as connection:
        kept = connection.execute("select version from duplicate_models").fetchall()
    assert {row[0] for row in kept} == {unlabelled.version, learned.version}, "every scorer is kept"


def test_nothing_is_learned_while_hardly_any_pair_is_known_to_be_the_same(database: Database) -> None:
    see(database, ONE, FEWEST_SAME - 1, merged=True)
    see(database, TWO, 10_000)
    see(database, DOUBTFUL, 300)
    models = Models(database)
    assert models.due() == []
    assert models.learn() == {}
    see(database, ONE, 1, merged=True)
    assert models.due() == ["patent"]
    assert set(models.learn()) == {"patent"}


def test_learning_is_due_when_much_more_was_seen(models: Models, database: Database) -> None:
    assert models.due() == ["patent"]
    models.learn()
    assert models.due() == []
    see(database, TWO, 200)
    assert models.due() == []
    see(database, TWO, 200)
    assert models.due() == ["patent"]


def test_a_few_judgements_speak_for_all_pairs_of_two_offices(database: Database) -> None:
    """EP/US: 12 merged, of which 4 judged, all the same; 6 scored 0.5 to 0.9, 2 judged, one the same; 9 scored lower,
    3 judged, none. Recall: 12 of 12 + 6 × ½ + 9 × 0."""
    ledger = Ledger(database)
    for band, number, action, value in (("m", 12, "merge", 1.0), ("h", 6, "queue", 0.7), ("l", 9, "queue", 0.2)):
        for n in range(number):
            open_pair(database, f"US{band}{n:02d}", f"ZZ{band}{n:02d}", action=action, score=value)
    open_pair(database, "CN00", "ZZ00", action="merge")
    for name, judgement in (
        *((f"m{n:02d}", "same") for n in range(4)),
        ("h00", "same"),
        ("h01", "related"),
        *((f"l{n:02d}", "different") for n in range(3)),
        ("l03", "unsure"),
    ):
        relation = "family" if judgement == "related" else None
        ledger.decide(Verdict(f"US{name}", f"ZZ{name}", judgement, "sample", relation=relation), "ada")
    other, found = estimate(stored_strata(database))
    assert (other.providers, other.precision, other.precision_interval) == ("EP/CN", None, (0.0, 1.0))
    assert (found.providers, found.precision, found.precision_interval) == ("EP/US", 1.0, wilson(4, 4))
    assert found.recall == pytest.approx(12 / 15)
    low, high = found.recall_interval
    assert 0 < low < 12 / 15 < high <= 1
    assert [(s.band, s.pairs, s.judged, s.same) for s in found.strata] == [
        ("0.1–0.5", 9, 3, 0),
        ("0.5–0.9", 6, 2, 1),
        ("merged by rule", 12, 4, 4),
    ]
    drawn = list(sample(database, 3, "a"))
    assert drawn == list(sample(database, 3, "a")) != list(sample(database, 3, "b"))
    assert len(drawn) == 3 * 3 + 1, "three a stratum, and all of a smaller one"
    judged = {(decision.a, decision.b) for decision in ledger.decisions()}
    assert not judged & set(drawn)
    first = ledger.history("USm00", "ZZm00")[0]
    second = ledger.decide(Verdict("USm00", "ZZm00", "unsure"), "bob", review_of=first.id)
    assert second_opinions(database) == [("same", "unsure")]
    ledger.undo("bob", decision=second.id)
    assert second_opinions(database) == []


@pytest.mark.parametrize(("score", "band"), [(0.0, "0–0.1"), (0.1, "0.1–0.5"), (0.5, "0.5–0.9"), (1.0, "0.9–1")])
def test_a_band_has_its_lower_bound_and_the_last_its_upper_too(database: Database, score: float, band: str) -> None:
    open_pair(database, "US1", "ZZ1", score=score)
    assert [stratum.band for stratum in stored_strata(database)] == [band]


def test_scores_are_held_against_what_people_said(database: Database) -> None:
    """Scored 0.3: one of four is the same, as good as said. Scored 0.9: half of two, 0.4 off. What was unsure, taken
    back, a second opinion or never scored says nothing."""
    assert (calibration(database).error, calibration(database).brier) == (None, None)
    ledger = Ledger(database)
    for name, value, judgement in (
        ("a", 0.3, "same"),
        *((name, 0.3, "different") for name in "bcd"),
        ("e", 0.9, "same"),
        ("f", 0.9, "different"),
        ("g", 0.9, "unsure"),
        ("h", 0.9, "different"),
    ):
        open_pair(database, f"US{name}", f"ZZ{name}", score=value)
        entered = ledger.decide(Verdict(f"US{name}", f"ZZ{name}", judgement, "sample"), "ada")
        if name == "a":
            ledger.decide(Verdict("USa", "ZZa", "different", "sample"), "bob", review_of=entered.id)
    ledger.undo("ada", decision=entered.id)
    ledger.decide(Verdict("USa", "USb", "different", "never met"), "ada")
    found = calibration(database)
    assert [(tenth.start, tenth.judged, tenth.same) for tenth in found.tenths] == [(0.3, 4, 1), (0.9, 2, 1)]
    assert found.error == pytest.approx((4 * 0.05 + 2 * 0.4) / 6)
    assert found.brier == pytest.approx((0.7**2 + 3 * 0.3**2 + 0.1**2 + 0.9**2) / 6)
    assert found.tenths[0].interval == wilson(1, 4)
