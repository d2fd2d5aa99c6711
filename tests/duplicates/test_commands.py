"""`concord duplicates` and `concord names` over two deliveries of the same publications."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from common.errors import UsageError
from indexer.duplicates.clusters import pair
from indexer.duplicates.ledger import Ledger, Verdict
from indexer.engine import Engine
from store.database import Database
from tests.commands import run
from tests.pipeline.docdb import document, number, record_id, write
from tests.platforms import new_database

Run = Callable[..., str]
MISTYPED = 4
EP, US = record_id(MISTYPED), record_id(MISTYPED, "US").replace(number(MISTYPED), number(40))


@pytest.fixture(scope="module")
def loaded(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Database]]:
    """Runs a command and returns its standard output. Held: four publications told by EP and by US, which has mistyped
    the last one's number; one more of each."""
    folder = tmp_path_factory.mktemp("duplicates")

    with new_database(engines[1]) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCORD_HOME", str(folder / "home"))
        patch.setenv("CONCORD_OPENSEARCH_URL", engines[0])
        patch.setenv("CONCORD_DATABASE_URL", url)
        prefix = f"test-{secrets.token_hex(4)}"
        patch.setenv("CONCORD_INDEX_PREFIX", prefix)
        database = Database(url)
        try:
            deliver(folder)
            yield run, database
        finally:
            database.close()
            asyncio.run(remove(engines[0], prefix))


async def remove(url: str, prefix: str) -> None:
    async with Engine(url, prefix) as engine:
        await engine.uninstall()


def deliver(folder: Path) -> None:
    told = [document(n) for n in range(1, MISTYPED + 1)]
    mistyped = told[-1].replace(number(MISTYPED), number(40))
    run("load", str(write(folder / "ep.xml", [*told, document(8)])), "--provider", "EP")
    others = [text.replace("SAMPLE VALVES LTD", "SAMPLE VALVES GMBH") for text in (*told[:-1], mistyped)]
    run("load", str(write(folder / "us.xml", [*others, document(9)])), "--provider", "US")


@pytest.fixture
def database(loaded: tuple[Run, Database]) -> Database:
    """With nothing decided."""
    ledger = Ledger(loaded[1])
    with ledger.transaction() as connection:
        connection.execute("delete from duplicate_decisions")
        held = [row[0] for row in connection.execute("select id from duplicate_profiles").fetchall()]
        ledger.recompute(connection, held)
    return loaded[1]


@pytest.fixture
def concord(loaded: tuple[Run, Database], database: Database) -> Run:
    return loaded[0]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_from_a_load_to_judgements_and_what_they_say(concord: Run, database: Database, tmp_path: Path) -> None:
    assert json.loads(concord("duplicates", "scan", "--json"))["records"] == 0, "loads have scanned already"
    assert json.loads(concord("duplicates", "scan", "--learn", "--json"))["learned"] == [], "too little to learn from"

    exported = lines(concord("duplicates", "export", "--json"))
    assert len(exported) == 10
    by_cluster: dict[str, set[str]] = {}
    for line in exported:
        by_cluster.setdefault(line["cluster"], set()).add(line["id"])
    joined = sorted(sorted(ids) for ids in by_cluster.values() if len(ids) > 1)
    assert joined == [[record_id(n), record_id(n, "US")] for n in (1, 2, 3)]
    assert {line["file"].rpartition("/")[2] for line in exported} == {"ep.xml", "us.xml"}

    waiting = {(line["a"], line["b"]): line for line in lines(concord("duplicates", "queue", "--json"))}
    doubted = waiting[pair(EP, US)]
    assert 0 < doubted["score"] < 1
    assert doubted["relation"] == "same"
    assert "umber" in doubted["why"]
    assert f"{EP}  {US}" in concord("duplicates", "queue", "--relation", "same", "--limit", "50")

    ledger = Ledger(database)
    ledger.decide(Verdict(EP, US, "same"), "ada")
    ledger.decide(Verdict(record_id(1), record_id(1, "US"), "different", "two editions"), "bob")
    assert pair(EP, US) not in {(line["a"], line["b"]) for line in lines(concord("duplicates", "queue", "--json"))}
    told = {line["id"]: line for line in lines(concord("duplicates", "export", "--json", "--no-scan"))}
    assert told[EP]["cluster"] == told[US]["cluster"]
    assert told[EP]["decided_by"] == told[record_id(1)]["decided_by"] == "person"
    assert told[record_id(1)]["cluster"] != told[record_id(1, "US")]["cluster"]

    assert concord("duplicates", "conflicts", "--json") == ""
    assert "Nothing contradicts itself." in concord("duplicates", "conflicts")
    contradicted = ledger.decide(Verdict(record_id(1, "US"), record_id(2), "same"), "ada")
    ledger.decide(Verdict(record_id(1), record_id(2, "US"), "same"), "ada")
    (conflict,) = lines(concord("duplicates", "conflicts", "--json"))
    assert (conflict["decided_by"], conflict["by"], conflict["reason"]) == ("rule", "bob", "two editions")
    assert [conflict["against_a"], conflict["against_b"]] == [record_id(1), record_id(1, "US")]
    assert "two editions" in concord("duplicates", "conflicts")
    ledger.undo("ada", decision=contradicted.id)

    # the ledger leaves and comes back
    ledger_lines = concord("duplicates", "export", "--decisions")
    before = lines(concord("duplicates", "export", "--json"))
    with ledger.transaction() as connection:
        connection.execute("delete from duplicate_decisions")
        ledger.recompute(connection, [line["id"] for line in before])
    assert lines(concord("duplicates", "export", "--json")) != before
    path = tmp_path / "decisions.jsonl"
    path.write_text(ledger_lines, "utf-8")
    assert "4 of 4" in concord("duplicates", "import", str(path))
    assert "0 of 4" in concord("duplicates", "import", str(path))
    assert lines(concord("duplicates", "export", "--json")) == before
    path.write_text(ledger_lines + "{no json\n", "utf-8")
    with pytest.raises(UsageError, match="line 5"):
        concord("duplicates", "import", str(path))


def test_what_was_judged_is_evaluated(concord: Run, database: Database) -> None:
    drawn = lines(concord("duplicates", "evaluate", "--sample", "2"))
    assert len({(line["a"], line["b"]) for line in drawn}) == len(drawn) >= 2
    assert drawn == lines(concord("duplicates", "evaluate", "--sample", "2"))
    ledger = Ledger(database)
    first = ledger.decide(Verdict(record_id(1), record_id(1, "US"), "same"), "ada")
    ledger.decide(Verdict(record_id(2), record_id(2, "US"), "different", "two editions"), "ada")
    ledger.decide(Verdict(record_id(1), record_id(1, "US"), "same"), "bob", review_of=first.id)
    report = json.loads(concord("duplicates", "evaluate", "--json"))
    (estimate,) = [entry for entry in report["estimates"] if entry["providers"] == "EP/US"]
    assert estimate["precision"] == 0.5
    assert estimate["precision_interval"][0] < 0.5 < estimate["precision_interval"][1]
    assert {s["band"]: (s["pairs"], s["judged"]) for s in estimate["strata"]}["merged by rule"] == (3, 2)
    assert (report["second_opinions"], report["kappa"]) == (1, 1.0)
    (tenth,) = report["calibration"]["tenths"]
    assert (report["calibration"]["judged"], tenth["judged"], tenth["same"]) == (2, 2, 1)
    assert report["calibration"]["error"] == pytest.approx(tenth["mean_score"] - 0.5)
    shown = concord("duplicates", "evaluate")
    assert "50.0%" in shown
    assert f"Calibration error of scores {report['calibration']['error']:.3f}" in shown
    assert "κ 1.00" in shown


def test_names_that_may_be_one_stand_side_by_side(concord: Run) -> None:
    (found,) = lines(concord("names", "--json"))
    assert {(name["name"], name["legal_form"]) for name in found["names"]} == {
        ("SAMPLE VALVES LTD", "LTD"),
        ("SAMPLE VALVES GMBH", "GMBH"),
    }
    assert found["records"] == 10
    assert "SAMPLE VALVES GMBH" in concord("names")
