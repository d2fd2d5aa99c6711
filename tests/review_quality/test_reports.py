"""Quality reports: findings in force, by delivery and over time, worked out by hand."""

from __future__ import annotations

import csv
import io
from typing import Any

from indexer.quality import reports, rules
from indexer.quality.sheet import Column, Sheet, as_json, as_page
from tests.review_quality.world import World, at, doubt, held


def tell(world: World) -> dict[str, Any]:
    """Two EP deliveries and one of JP.

    EP, May: A with two doubts, B with one, C clean, one rejected. EP, June: A again, corrected to one doubt; B again,
    the same. JP, June: one record, one error.
    """
    a, b, c = (held("EP", f"100000{n}", "A1") for n in (1, 2, 3))
    world.deliver(
        [
            a.model_copy(update={"findings": (doubt("nice-over-45"), doubt("date-sentinel", "error"))}),
            b.model_copy(update={"findings": (doubt("nice-over-45"),)}),
            c,
        ],
        received=at("2024-05-02"),
        rejected=1,
    )
    world.deliver(
        [
            a.model_copy(update={"findings": (doubt("nice-over-45"),)}),
            b.model_copy(update={"findings": (doubt("nice-over-45"),)}),
        ],
        received=at("2024-06-06"),
    )
    error = held("JP", "2005000001", "A").model_copy(update={"findings": (doubt("date-sentinel", "error"),)})
    world.deliver([error], received=at("2024-06-07"), provider="JP")
    return {"a": a.id, "b": b.id, "c": c.id, "jp": error.id}


def sheets(world: World, provider: str | None) -> dict[str, list[dict[str, Any]]]:
    with world.database.session() as session:
        return as_json(reports.quality(session, provider))


def test_findings_in_force_count_once_however_often_they_were_delivered(world: World) -> None:
    tell(world)
    (rule,) = sheets(world, "EP")["rules"]
    assert (rule["rule"], rule["findings"], rule["records"], rule["share"]) == ("nice-over-45", 2, 2, round(2 / 3, 6))
    every = [(r["rule"], r["severity"], r["findings"]) for r in sheets(world, None)["rules"]]
    assert every == [("date-sentinel", "error", 1), ("nice-over-45", "warning", 2)]


def test_collections_and_providers(world: World) -> None:
    tell(world)
    found = sheets(world, None)
    counted = {"records": 3, "with_findings": 2, "errors": 0, "warnings": 2, "infos": 0, "clean": round(1 / 3, 6)}
    assert found["collections"][0] == {"collection": "ep-patent-x", **counted}
    assert [(r["provider"], r["records"], r["errors"]) for r in found["providers"]] == [("EP", 3, 0), ("JP", 1, 1)]
    assert "providers" not in sheets(world, "EP")
    assert [r["collection"] for r in sheets(world, "EP")["collections"]] == ["ep-patent-x"]


def test_deliveries_are_compared_with_the_one_before(world: World) -> None:
    tell(world)
    names = ("delivery", "records", "rejected", "with_findings", "errors", "warnings", "rate", "change")
    found = [tuple(r[name] for name in names) for r in sheets(world, "EP")["deliveries"]]
    # three findings on four items read, then two on two
    assert found == [(2, 2, 0, 2, 0, 2, 1000.0, 250.0), (1, 4, 1, 2, 1, 2, 750.0, None)]


def test_the_trend_is_by_month(world: World) -> None:
    tell(world)
    names = ("month", "deliveries", "records", "rejected", "errors", "rate", "change")
    found = [tuple(r[name] for name in names) for r in sheets(world, None)["trend"]]
    assert found == [("2024-05", 1, 4, 1, 1, 750.0, None), ("2024-06", 2, 3, 0, 1, 1000.0, 250.0)]


def test_findings_one_by_one(world: World) -> None:
    ids = tell(world)

    def listed(provider: str | None, **wanted: Any) -> list[tuple[str, str]]:
        with world.database.session() as session:
            return [(row["record"], row["rule"]) for row in reports.findings(session, provider, **wanted).rows]

    assert listed("EP") == [(ids["a"], "nice-over-45"), (ids["b"], "nice-over-45")]
    assert listed("EP", delivery=1) == [
        (ids["a"], "nice-over-45"),
        (ids["a"], "date-sentinel"),
        (ids["b"], "nice-over-45"),
    ]
    assert listed("EP", record=ids["b"]) == [(ids["b"], "nice-over-45")]
    assert listed("EP", record=ids["jp"]) == []
    assert listed("JP", delivery=1) == []
    assert listed(None, severity="error") == [(ids["jp"], "date-sentinel")]
    assert listed(None, collection="jp-patent-x") == [(ids["jp"], "date-sentinel")]


def test_a_deleted_record_has_no_findings_in_force(world: World) -> None:
    ids = tell(world)
    world.deliver([], received=at("2024-07-01"), deleted=[ids["a"]])
    (rule,) = sheets(world, "EP")["rules"]
    assert (rule["findings"], rule["share"]) == (1, 0.5)


def test_the_table_of_rules_says_what_to_do() -> None:
    found = reports.rule_table().json()
    assert [row["rule"] for row in found] == list(rules())
    assert all(row["explanation"] and row["fix"] and row["severity"] for row in found)


def test_a_sheet_has_three_shapes() -> None:
    sheet = Sheet(
        "s",
        "A sheet",
        (Column("a", "A"), Column("b", "B", "number"), Column("c", "C", "list")),
        ({"a": '=cmd("x"), y', "b": -1, "c": ["u", "v"]}, {"a": None, "b": 0.5, "c": {"W": 2}}),
    )
    assert list(csv.reader(io.StringIO(sheet.csv()))) == [
        ["a", "b", "c"],
        ['\'=cmd("x"), y', "-1", "u; v"],
        ["", "0.5", "W:2"],
    ]
    (section,) = as_page([sheet])["sections"]
    assert section["columns"][1] == {"key": "b", "label": "B", "kind": "number"}
    assert section["rows"] == [['=cmd("x"), y', -1, ["u", "v"]], [None, 0.5, {"W": 2}]]
