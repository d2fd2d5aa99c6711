"""The rule table on pairs: what merges by itself, what is related, what waits for people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from indexer.duplicates import model
from indexer.duplicates.clusters import Edge, build
from indexer.duplicates.compare import MISSING, compare, date_level, table
from indexer.duplicates.evaluate import kappa, wilson
from indexer.duplicates.profile import Profile, dump, load
from indexer.duplicates.rules import judge

TITLE = "Pump with a ceramic housing"


def told(by: str = "EP", **given: Any) -> Profile:
    fields: dict[str, Any] = {
        "id": f"{by}-{sorted(given.items())}",
        "right": "patent",
        "office": "EP",
        "provider": by,
        "collection": f"{by.lower()}-patent-x",
        "kind": "A1",
        "numbers": {"publication": ("EP1000007",), "application": ("EP2001000007",)},
        "dates": {"publication": "2002-03-06", "filing": "2001-01-02"},
        "titles": {"en": TITLE},
        "owners": (("ALDERWERKE", "", "DE"),),
    }
    return Profile(**{**fields, **given})


MARK: dict[str, Any] = {"right": "trademark", "office": "EM", "kind": None, "titles": {}, "marks": ("lumara",)}
JP: dict[str, Any] = {
    "office": "JP",
    "titles": {"ja": "ポンプ"},
    "numbers": {"publication": ("JPH05100500",), "application": ("JPH04000001",)},
}
OTHER_JP: dict[str, Any] = {
    **JP,
    "titles": {"ja": "レンズ系"},
    "numbers": {"publication": ("JPH05100500",), "application": ("JPH04000777",)},
}


@pytest.mark.parametrize(
    ("one", "other", "relation", "action"),
    [
        ({}, {}, "same", "merge"),
        ({}, {"dates": {}}, "same", "merge"),
        ({}, {"dates": {"publication": "2002-06-03"}}, "same", "queue"),
        ({}, {"kind": None}, "same", "queue"),
        ({}, {"kind": "B1", "dates": {"publication": "2005-01-05"}}, "stage-of", "relate"),
        ({}, {"kind": "A8", "dates": {"publication": "2002-09-04"}}, "corrects", "relate"),
        ({"kind": None}, {"kind": None}, "same", "merge"),
        ({"kind": None}, {"kind": None, "numbers": {"application": ("EP2001000007",)}}, "same", "merge"),
        (
            {"kind": None},
            {"kind": None, "dates": {"publication": "2002-03-13", "filing": "2001-01-02"}},
            "same",
            "queue",
        ),
        ({"kind": None}, {"kind": None, "dates": {"filing": "2001-01-05"}}, "same", "queue"),
        (
            {"kind": None},
            {"kind": None, "numbers": {"publication": ("EP1000007",), "application": ("EP2001000999",)}},
            "same",
            "queue",
        ),
        ({}, {"kind": None, "dates": {"publication": "2005-01-05"}}, "stage-of", "relate"),
        ({}, {"kind": None, "dates": {"publication": "2003-03-06"}}, "same", "queue"),
        ({}, {"kind": None, "dates": {"publication": "2002-03-13"}}, "same", "queue"),
        (
            {},
            {
                "numbers": {"publication": ("EP1000070",), "application": ("EP2001000007",)},
                "dates": {"publication": "2002-04-03"},
            },
            "same",
            "queue",
        ),
        ({**JP, "kind": "A"}, {**OTHER_JP, "kind": "B2"}, None, None),
        (
            {},
            {
                "numbers": {"publication": ("EP1000007",)},
                "titles": {"en": "lens system of reduced weight"},
                "owners": (("QUARZTEC", "", "FR"),),
            },
            "same",
            "queue",
        ),
        (
            {"priorities": (("DE1", "2000-01-01"),)},
            {
                "numbers": {"publication": ("US5",), "application": ("US6",)},
                "office": "US",
                "priorities": (("DE1", "2000-01-01"),),
            },
            "family",
            "relate",
        ),
        (
            {},
            {
                "numbers": {"publication": ("EP9",), "application": ("EP8",)},
                "relations": (("divisional-of", "EP2001000007"),),
            },
            "divisional",
            "relate",
        ),
        (
            {**MARK, "numbers": {"application": ("EM1",)}},
            {**MARK, "numbers": {"application": ("EM1",)}},
            "same",
            "merge",
        ),
        (
            {**MARK, "numbers": {"application": ("EM1",)}},
            {**MARK, "numbers": {"application": ("EM2",)}},
            None,
            None,
        ),
        (
            {**MARK, "office": "WO", "numbers": {"registration": ("WO900",)}},
            {**MARK, "office": "DE", "numbers": {"international": ("WO900",)}},
            "designation-of",
            "relate",
        ),
        (
            {
                **MARK,
                "office": "WO",
                "numbers": {"registration": ("WO900",)},
                "relations": (("basic-mark-of", "DE30"),),
            },
            {**MARK, "office": "DE", "numbers": {"application": ("DE30",)}},
            "basic-mark-of",
            "relate",
        ),
        (
            {"right": "design", "kind": None, "design_index": "0001"},
            {"right": "design", "kind": None, "design_index": "0002"},
            "sibling",
            "relate",
        ),
        (
            {"right": "copyright", "kind": None, "numbers": {"isbn": ("ISBN978",)}},
            {"right": "copyright", "kind": None, "numbers": {"isbn": ("ISBN978",)}},
            "same",
            "queue",
        ),
    ],
)
def test_the_rule_table(one: dict[str, Any], other: dict[str, Any], relation: str | None, action: str | None) -> None:
    a, b = told("EP", **one), told("XN", **other)
    found = judge(a, b)
    assert (found and found.relation, found and found.action) == (relation, action)
    assert judge(b, a) == found, "the order is of no account"


def test_nothing_merges_inside_one_collection() -> None:
    a, b = told(id="a"), told(id="b")
    found = judge(a, b)
    assert found is not None
    assert found.action == "queue"


def test_a_profile_is_the_same_after_storing() -> None:
    found = told(priorities=(("DE1", "2000-01-01"),), classes={"IPC": ("H01M 10",)}, marks=("a",))
    assert load(dump(found)) == found


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("2020-03-04", "2020-03-04", 0),
        ("2020-03-04", "2020-04-03", 1),
        ("2020-03-04", "2020-03-14", 2),
        ("2020-03-29", "2020-04-01", 3),
        ("2020-03-04", "2011-12-31", 4),
    ],
)
def test_dates(one: str, other: str, level: int) -> None:
    assert date_level(one, other) == level


def levels_of(one: dict[str, Any], other: dict[str, Any]) -> dict[str, str]:
    """Feature → level, in words."""
    found = compare(told("EP", **one), told("XN", **other)).levels
    return {f.name: f.levels[at] for f, at in zip(table().features, found, strict=True) if at != MISSING}


FIRM = (("見本織機", "MIHON SHOKKI", "JP"),)
"""Canonical name, without legal form, and its Latin form."""


@pytest.mark.parametrize(
    ("feature", "one", "other", "level"),
    [
        ("owner", {"owners": FIRM}, {"owners": (("MIHON SHOKKI", "", "JP"),)}, "equal"),
        ("owner", {"owners": (("MIHON SHOKKI", "", ""),)}, {"owners": (("SHOKKI MIHON", "", ""),)}, "equal"),
        ("owner", {"owners": (("MIHON SHOKKI", "", ""),)}, {"owners": (("MIHON SHOKI", "", ""),)}, "nearly equal"),
        ("owner", {"owners": FIRM}, {"owners": (("QUARZTEC", "", "FR"),)}, "different"),
        ("class", {"classes": {"IPC": ("H01M 10",)}}, {"classes": {"IPC": ("H01M 10",)}}, "equal"),
        ("class", {"classes": {"IPC": ("A", "B")}}, {"classes": {"IPC": ("A", "B", "C")}}, "mostly"),
        ("class", {"classes": {"IPC": ("H01M 10",)}}, {"classes": {"IPC": ("H01M 4",)}}, "partly"),
        ("class", {"classes": {"IPC": ("H01M 10",)}}, {"classes": {"IPC": ("A61K 8",)}}, "different"),
        ("sign", MARK, {**MARK, "marks": ("lumarra",)}, "nearly equal"),
        ("sign", MARK, {**MARK, "marks": ("loomarah",)}, "alike in sound"),
        ("sign", MARK, {**MARK, "marks": ("zebra",)}, "different"),
        ("creator", {"creators": (("HOLLIN M", "", ""),)}, {"creators": (("HOLLIN MARTA", "", ""),)}, "equal"),
        ("priority", {"priorities": (("DE1", ""),)}, {"priorities": (("DE1", ""),)}, "equal"),
    ],
)
def test_features_know_the_field(feature: str, one: dict[str, Any], other: dict[str, Any], level: str) -> None:
    assert levels_of(one, other)[feature] == level


@pytest.mark.parametrize(
    ("cosine", "level"), [(0.9, "same meaning"), (0.7, "near"), (0.5, "related"), (0.1, "far"), (None, None)]
)
def test_titles_without_a_common_language_are_compared_by_vector(cosine: float | None, level: str | None) -> None:
    at = table().names.index("meaning")

    def said(language: str) -> int:
        other = told("XN", titles={language: "ポンプ"})
        return compare(told(titles={"en": TITLE}), other, cosine=cosine).levels[at]

    assert said("ja") == (MISSING if level is None else table().features[at].levels.index(level))
    assert said("en") == MISSING, "words say more"


def test_a_shared_application_does_not_make_another_writing_of_the_number() -> None:
    both = {"forms": ("EP01000007", "EP20010000007")}
    other = {"publication": ("EP1999999",), "application": ("EP2001000007",)}
    assert levels_of(both, {**both, "numbers": other})["number"] == "different"
    assert levels_of({"forms": ("EP1999999",)}, {"numbers": other})["number"] == "other writing"


@pytest.mark.parametrize(
    ("publication", "application", "slips"),
    [
        ("EP1000007", "EP2001000007", "none"),
        ("EP1000070", "EP2001000007", "one of several"),
        ("EP1000009", "EP2001000009", "all of several, by the same step"),
        ("EP1000009", "EP2001000001", "all of several"),
        ("EP1000907", "EP2001000907", "all of several"),
        ("EP1000009", None, "the only one"),
    ],
)
def test_numbers_that_are_apart_by_one_step_are_no_slips(publication: str, application: str | None, slips: str) -> None:
    numbers = {"publication": (publication,), **({"application": (application,)} if application else {})}
    assert levels_of({}, {"numbers": numbers})["slips"] == slips


def test_one_number_for_application_and_publication_is_mistyped_once() -> None:
    one, other = (dict.fromkeys(("publication", "application"), (number,)) for number in ("DE107", "DE109"))
    assert levels_of({"numbers": one}, {"numbers": other})["slips"] == "all of several"


def test_parts_of_a_score_add_up_and_name_both_values() -> None:
    scorer = model.untrained()
    a, b = told(), told("XN", numbers={"publication": ("EP1000070",)})
    compared = compare(a, b)
    parts = scorer.explain(compared.levels, compared.values)
    total = scorer.prior + sum(part.weight for part in parts)
    assert 1 / (1 + np.exp(-total)) == pytest.approx(scorer.score(compared), abs=1e-3)
    number = next(part for part in parts if part.feature == "number")
    assert {number.a, number.b} == {"EP1000007", "EP1000070"}
    assert model.Model.load(scorer.dump()).version == scorer.version
    with pytest.raises(ValueError, match="levels"):
        model.Model.load({**scorer.dump(), "weights": [row[:-1] for row in scorer.weights]})


def test_decisions_move_the_model_towards_what_people_say() -> None:
    scorer = model.untrained()
    row = [MISSING] * len(table().names)
    row[table().names.index("title")] = 1
    levels = np.asarray([row] * 200, dtype=np.int8)
    before = scorer.scores(levels)[0]
    assert model.refine(scorer, levels, [True] * 190 + [False] * 10).scores(levels)[0] > before
    assert model.refine(scorer, levels, [False] * 190 + [True] * 10).scores(levels)[0] < before


def test_an_edge_against_a_persons_word_is_held_back_and_reported() -> None:
    edges = [Edge("a", "b", "rule"), Edge("b", "c", "rule")]
    found = build("abc", edges, {("a", "c")})
    assert found.cluster("a") == ("a", "b")
    assert [(c.edge.a, c.edge.b, c.against) for c in found.conflicts] == [("b", "c", ("a", "c"))]


def test_agreement_and_intervals() -> None:
    assert kappa([("same", "same"), ("different", "different")]) == 1
    assert kappa([("same", "different"), ("different", "same")]) == -1
    low, high = wilson(95, 100)
    assert (round(low, 3), round(high, 3)) == (0.888, 0.978)
