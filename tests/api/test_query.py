"""The query language: what each text means, and what is said about one that means nothing."""

from __future__ import annotations

import pytest

from api.access.fields import fields
from api.search.facets import facet_fields
from api.search.query import All, Everything, Some, Span, Without, Words, compile, free_text, names, parse
from common.errors import QueryError


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", Everything()),
        ("  * ", Everything()),
        ("battery", Words("battery", position=0)),
        ("solid battery", All((Words("solid", position=0), Words("battery", position=6)))),
        ("a AND b", All((Words("a", position=0), Words("b", position=6)))),
        ("a OR b", Some((Words("a", position=0), Words("b", position=5)))),
        ("a b OR c", Some((All((Words("a", position=0), Words("b", position=2))), Words("c", position=7)))),
        ("a (b OR c)", All((Words("a", position=0), Some((Words("b", position=3), Words("c", position=8)))))),
        ("NOT a", Without(Words("a", position=4))),
        ("a -b", All((Words("a", position=0), Without(Words("b", position=3))))),
        ("x-ray", Words("x-ray", position=0)),
        ('title:"solid state"~3', Words("solid state", "title", phrase=True, slop=3, position=7)),
        ("TITLE:(a b)", All((Words("a", "title", position=7), Words("b", "title", position=9)))),
        ("batt*", Words("batt*", wildcard=True, position=0)),
        ("published:[2019 TO *]", Span("published", "2019", None, position=11)),
        ("filed:>=2020-02", Span("filed", "2020-02", None, position=6)),
        ("filed:<2020", Span("filed", None, "2020", True, False, position=6)),
    ],
)
def test_trees(text: str, tree: object) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("a AND", 5, "ends where"),
        ("(a", 0, "never closed"),
        ("a)", 1, "no partner"),
        ('"a', 0, "no partner"),
        ("nosuch:a", 0, "no field"),
        ("[1 TO 2]", 0, "needs a field"),
        ("title:[a TO b]", 6, "no order"),
        ("published:[2020-13 TO 2021]", 10, "not a date"),
        ("published:tomorrow", 10, "not a date"),
        ("a*", 0, "nearly everything"),
        ("OR a", 0, "where a term"),
        ("(" * 25 + "a" + ")" * 25, 20, "deep"),
        ("x " * 500, 400, "more than"),
        ("x" * 9_000, 8_000, "characters"),
    ],
)
def test_faults_say_where_and_what_to_do(text: str, position: int | None, says: str) -> None:
    with pytest.raises(QueryError, match=says) as caught:
        compile(text, languages=["en"])
    assert caught.value.position == position


def test_dates_cover_the_year_month_or_day_written() -> None:
    def limits(text: str) -> dict[str, str]:
        found = compile(text)["range"]["publication_date"]
        return {name: value for name, value in found.items() if name != "_name"}

    assert limits("published:2020") == {"gte": "2020-01-01", "lte": "2020-12-31"}
    assert limits("published:2020-02") == {"gte": "2020-02-01", "lte": "2020-02-29"}
    assert limits("published:[2019 TO 2020-03-05]") == {"gte": "2019-01-01", "lte": "2020-03-05"}
    assert limits("published:>2020") == {"gt": "2020-12-31"}
    assert limits("published:<2020-12") == {"lt": "2020-12-01"}


def test_a_number_in_any_form_is_looked_for_as_a_number_too() -> None:
    found = compile("EP1234567", languages=["en"])
    assert "EP1234567" in found["bool"]["should"][1]["terms"]["number"]
    (whole, of_kind) = compile("number:EP1234567A1")["bool"]["should"]
    assert whole["terms"]["number"] == ["EP1234567A1"]
    assert of_kind["bool"]["filter"] == [{"terms": {"kind": ["A1"]}}]


def test_text_is_looked_for_in_every_language_given() -> None:
    found = compile("title:battery", languages=["en", "ja"])
    assert found["multi_match"]["fields"] == ["title.en", "title.ja"]
    phrase = compile('title:"a b"', languages=["en"])
    assert phrase["multi_match"]["fields"] == ["title.en.exact"]


def test_a_class_finds_what_is_below_it() -> None:
    assert compile("ipc:h01m")["terms"]["ipc.any"] == ["H01M"]
    assert compile('ipc:"H01M10/0525"')["terms"]["ipc.any"] == ["H01M 10/0525"]
    assert "9" in compile("nice:09")["terms"]["nice.any"]


def test_operators_inside_a_wildcard_are_plain_characters() -> None:
    found = compile("foo/bar\\*baz*", languages=["en"])
    assert ":" not in found["query_string"]["query"].replace("\\:", "")
    assert "\\/" in found["query_string"]["query"]


def test_free_text_for_the_embedder_leaves_conditions() -> None:
    words, rest = free_text(parse('solid "lithium ion" ipc:H01M NOT fuel'))
    assert words == "solid lithium ion"
    assert isinstance(rest, All)
    assert len(rest.parts) == 3
    assert free_text(parse("battery OR ipc:H01M")) == ("", Some(parse("battery OR ipc:H01M").parts))  # type: ignore[union-attr]


def test_every_field_that_can_be_asked_for_belongs_to_a_group() -> None:
    """A field of the language or a facet that access does not know would be refused at run time."""
    table, facets = names(), facet_fields()
    asked = [field for group in table.text.values() for field in group] + table.default
    asked += [*table.exact.values(), *table.number.values(), *table.classes.values(), *table.dates.values()]
    asked += [*facets.terms.values(), *facets.years.values(), *facets.sorts.values()]
    unknown = [field for field in asked if fields().group_of(field) is None]
    assert unknown == []


def test_every_field_of_the_index_belongs_to_a_group() -> None:
    """Default closed: a new field cannot be searched until somebody decides who may."""
    import json

    import mappings

    found: set[str] = set()
    for path in sorted((mappings.HERE / "components").glob("*.json")):
        found |= set(json.loads(path.read_text("utf-8")).get("mappings", {}).get("properties", {}))
    named = {name for name in found if not name.startswith("$")} - {"record"}
    lists = json.loads((mappings.HERE / "lists.json").read_text("utf-8"))
    named |= set(lists["role"]) | set(lists["levelled_scheme"]) | set(lists["flat_scheme"])
    assert sorted(name for name in named if fields().group_of(name) is None) == []


def test_every_part_of_a_record_belongs_to_a_group() -> None:
    from indexer.record import DateType, Record, TextType

    table = fields()
    assert set(Record.model_fields) == set(table.record)
    assert set(table.texts) <= {kind.value for kind in TextType}
    assert set(table.dates) <= {kind.value for kind in DateType}
