"""Whose word stands in the golden view: the issuing office's, then an authority's, then an aggregator's; inside one
source the newest correction's; each value names its source."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.duplicates.golden import golden, order


def told(provider: str, title: str, **more: Any) -> dict[str, Any]:
    record = {
        "id": f"{provider.lower()}-{title}",
        "office": "DE",
        "provider": provider,
        "kind": "A1",
        "texts": [{"type": "title", "language": "de", "text": title}],
    }
    return {**record, **more}


def title(view: dict[str, Any]) -> tuple[str, str]:
    (entry,) = view["fields"]["texts"]
    return entry["value"][0]["text"], entry["source"]


OFFICE, AUTHORITY, AGGREGATOR = told("DE", "Pumpe"), told("WO", "Pump"), told("XN", "Pumpp")


@pytest.mark.parametrize(
    ("members", "stands"),
    [
        ((AGGREGATOR, AUTHORITY, OFFICE), OFFICE),
        ((AGGREGATOR, AUTHORITY), AUTHORITY),
        ((AGGREGATOR,), AGGREGATOR),
        ((OFFICE, AGGREGATOR), OFFICE),
    ],
)
def test_the_nearest_to_the_office_stands(members: tuple[dict[str, Any], ...], stands: dict[str, Any]) -> None:
    view = golden(members, {})
    assert title(view) == (stands["texts"][0]["text"], stands["id"])
    assert golden(members[::-1], {}) == view, "the order in which they are given is of no account"
    (entry,) = view["fields"]["texts"]
    assert sorted(entry["differ"]) == sorted(member["id"] for member in members if member is not stands)


def test_every_part_of_the_table_names_its_source_and_who_says_the_same() -> None:
    full = {name: [dict.fromkeys(keys or ("a",), "x")] for name, keys in order().lists.items()}
    full |= {name: "x" for name in order().single if name not in ("office", "kind")}
    view = golden([told("DE", "Pumpe", **full), told("XN", "Pump", **full)], {})
    assert set(view["fields"]) == {*order().single, *order().lists}
    for name, entries in view["fields"].items():
        for entry in entries:
            assert (entry["source"], entry["provider"], entry["agree"]) == ("de-Pumpe", "DE", ["xn-Pump"]), name


def test_the_newest_correction_of_the_best_source_wins_but_for_what_it_does_not_correct() -> None:
    first, second = told("DE", "Pumpe neu", kind="A8"), told("DE", "Pumpe ganz neu", kind="A9")
    stranger = told("XN", "Pump corrected", kind="A8")
    dates = {name: [{"type": "publication", "date": day}, {"type": "filing", "date": day}] for name, day in
             (("old", "2020-01-01"), ("new", "2021-01-01"))}  # fmt: skip
    seqs = {OFFICE["id"]: 9, first["id"]: 3, second["id"]: 5, stranger["id"]: 20}
    view = golden(
        [{**OFFICE, "dates": dates["old"]}, AGGREGATOR], seqs, [first, {**second, "dates": dates["new"]}, stranger]
    )
    assert title(view) == ("Pumpe ganz neu", second["id"])
    (kind,) = view["fields"]["kind"]
    assert (kind["value"], kind["source"]) == ("A1", OFFICE["id"])
    dated = {entry["value"][0]["type"]: entry["value"][0]["date"] for entry in view["fields"]["dates"]}
    assert dated == {"publication": "2020-01-01", "filing": "2021-01-01"}
