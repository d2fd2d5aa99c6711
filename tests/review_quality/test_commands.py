"""`concord quality`, `coverage`, `freshness` on a platform of their own."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from common.errors import ConcordError, UsageError
from samples.authority import Line, text
from tests.commands import run
from tests.review_quality.world import World, at, doubt, held

DAY = dt.date(2020, 5, 6)
Run = Callable[..., str]


@pytest.fixture
def concord(world: World, engines: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command and returns its standard output. The platform holds EP1000001 A1, doubted once."""
    monkeypatch.setenv("CONCORD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CONCORD_OPENSEARCH_URL", engines[0])
    monkeypatch.setenv("CONCORD_DATABASE_URL", world.database.url.render_as_string(hide_password=False))
    record = held("EP", "1000001", "A1", DAY).model_copy(update={"findings": (doubt("date-sentinel", "error"),)})
    world.deliver([record], received=at("2020-06-01"))

    return run


def test_quality_reports_and_reported_errors(concord: Run) -> None:
    report = json.loads(concord("quality", "--json"))
    assert [(row["rule"], row["findings"]) for row in report["rules"]] == [("date-sentinel", 1)]
    (line,) = csv.DictReader(io.StringIO(concord("quality", "--format", "csv", "--sheet", "providers")))
    assert (line["provider"], line["errors"]) == ("EP", "1")
    assert "date-sentinel" in concord("quality", "findings", "--provider", "EP", "--format", "csv")
    assert len(json.loads(concord("quality", "rules", "--json"))["rules"]) >= 40
    made = json.loads(concord("quality", "report-error", "ep-patent-x.EP1000001.A1", "Wrong title."))
    assert json.loads(concord("quality", "answer-error", str(made["id"]), "So it was.", "--decision", "corrected")) == {
        "id": made["id"],
        "state": "corrected",
    }
    thread = json.loads(concord("quality", "show-error", str(made["id"])))["messages"]
    assert [(m["side"], m["state"]) for m in thread] == [("reporter", "open"), ("provider", "corrected")]
    assert [json.loads(line)["state"] for line in concord("quality", "errors", "--json").splitlines()] == ["corrected"]


def test_coverage_is_loaded_and_reported(concord: Run, tmp_path: Path) -> None:
    (run,) = json.loads(concord("coverage", "--json"))["runs"]
    assert (run["first"], run["held"], run["missing"]) == ("EP1000001", 1, 0)
    lines = [Line("EP", "1000001", "A1", DAY), Line("EP", "1000002", "A1", DAY), Line("EP", "1000003", "A1", DAY, "W")]
    path = tmp_path / "ep.txt"
    path.write_text(text(lines), "utf-8")
    assert json.loads(concord("coverage", "load", str(path), "--json"))["excepted"] == 1
    (row,) = json.loads(concord("coverage", "--json"))["authority"]
    assert (row["due"], row["held"], row["coverage"]) == (2, 1, 0.5)
    gaps = json.loads(concord("coverage", "gaps", "EP", "--json"))["gaps"]
    assert [(gap["number"], gap["exception"]) for gap in gaps] == [("EP1000002", ""), ("EP1000003", "W")]
    assert "50.00%" in concord("coverage", "--sheet", "authority")
    assert json.loads(concord("coverage", "files", "--json"))["in_force"] is True
    path.write_text("EP,1000001,A1,2020-02-30\n", "utf-8")
    with pytest.raises(ConcordError, match="line 1, field date"):
        concord("coverage", "load", str(path))


def test_freshness_is_held_against_the_schedule(concord: Run) -> None:
    concord("freshness", "schedule", "ep-patent-x", "weekly", "--grace-days", "2")
    report = json.loads(concord("freshness", "--json"))
    assert (report["freshness"][0]["lag_median"], report["freshness"][0]["overdue"]) == (26.0, True)
    assert (report["schedules"][0]["every"], report["schedules"][0]["due"]) == ("weekly", "2020-06-10")
    with pytest.raises(UsageError):
        concord("freshness", "schedule", "ep-patent-x", "sometimes")
