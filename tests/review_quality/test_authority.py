"""Authority files (WIPO ST.37): every form is read alike, faults name their lines, updates do what they say."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest

from common.errors import Conflict, MalformedInput, UsageError
from indexer.coverage.authority import Definition, Entry, read, read_definition
from indexer.coverage.load import RefusedAuthorityFile, load_authority_file
from samples.authority import FOLDER, Line, by_dtd, by_schema, contents, listed, text
from tests.review_quality.world import World

DAY = dt.date(2020, 5, 6)
LINES = [
    Line("EP", "1000001", "A1", DAY),
    Line("EP", "1000002", "A2", DAY),
    Line("EP", "1000003", "", None, "N"),
    Line("EP", "1000004", "A1", DAY, "W"),
]


def entries(content: str | bytes, name: str = "f.txt") -> list[Entry]:
    found = list(read(io.BytesIO(content.encode() if isinstance(content, str) else content), name))
    assert not [item for item in found if isinstance(item, MalformedInput)]
    return [item for item in found if isinstance(item, Entry)]


def faults(content: str | bytes, name: str = "f.txt") -> list[str]:
    found = read(io.BytesIO(content.encode() if isinstance(content, str) else content), name)
    return [str(item) for item in found if isinstance(item, MalformedInput)]


def told(found: list[Entry]) -> list[tuple[Any, ...]]:
    return [(e.office, e.number, e.kind, e.date, e.exception) for e in found]


EXPECTED = [
    ("EP", "EP1000001", "A1", DAY, ""),
    ("EP", "EP1000002", "A2", DAY, ""),
    ("EP", "EP1000003", "", None, "N"),
    ("EP", "EP1000004", "A1", DAY, "W"),
]


@pytest.mark.parametrize(
    "content",
    [
        text(LINES),
        text(LINES).replace(",", "\t"),
        text(LINES).replace(",", ";"),
        text(LINES).replace("\r\n", "\n"),
        text(LINES).replace("\r\n", "\r"),
        "\ufeff" + text(LINES),
        "office,publication number,kind code,publication date,exception code\n" + text(LINES),
        "date,kind,number,country,exception\n20200506,A1,1000001,EP,\n2020-05-06,A2,1000002,EP,\n"
        ",,1000003,EP,N\n2020/05/06,A1,1000004,EP,W\n",
        "EP 1000001 A1 20200506\nEP 1000002 A2 20200506\n".replace(" ", ",")
        + "EP,1000003,,00000000,N\nEP,1000004,A1,20200506,w",
        by_schema("EP", LINES, DAY),
        by_dtd("EP", LINES, DAY),
    ],
)
def test_every_form_says_the_same(content: str) -> None:
    assert told(entries(content, "f.xml")) == EXPECTED


def test_lines_are_those_of_the_file() -> None:
    assert [entry.line for entry in entries(text(LINES))] == [2, 3, 4, 5]
    assert [entry.line for entry in entries(by_schema("EP", LINES, DAY), "f.xml")] == [9, 10, 11, 12]


def test_numbers_of_application_and_priorities_are_not_taken_for_the_publication() -> None:
    content = (
        "<authority-file country='EP'><authority-file-entry><publication-reference><document-id><country>EP</country>"
        "<doc-number>1000001</doc-number><kind>A1</kind><date>20200506</date></document-id></publication-reference>"
        "<application-reference><country>EP</country><doc-number>99123456</doc-number></application-reference>"
        "<priority-claims><priority-claim><country>US</country><doc-number>5</doc-number><kind>A</kind>"
        "<date>20190101</date></priority-claim></priority-claims></authority-file-entry></authority-file>"
    )
    assert told(entries(content, "f.xml")) == EXPECTED[:1]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("EJ,1,A1,20200506", "f.txt, line 2, field office: 'EJ' is no office of ST.3"),
        ("EP,1000001,A1,20201306", "f.txt, line 2, field date: '20201306' is no date"),
        ("EP,1000001,A1,", "f.txt, line 2, field date: the date is missing"),
        ("EP,1000001,,20200506", "f.txt, line 2, field kind: '' is no kind code"),
        ("EP,1000001,A12,20200506", "f.txt, line 2, field kind: 'A12' is no kind code"),
        ("EP,,A1,20200506", "f.txt, line 2, field number: '' is no publication number"),
        ("EP,1000001,A1,20200506,Q", "f.txt, line 2, field exception: 'Q' is no exception code"),
        ("EP,1000001", "f.txt, line 2: 2 of the four mandatory elements"),
        ("EP,10\0,A1,20200506", "f.txt, line 2: the line holds a NUL byte"),
        ("x" * 20_000, "f.txt, line 2: the line is longer than 10000 bytes"),
    ],
)
def test_a_wrong_line_is_told_with_its_number(line: str, words: str) -> None:
    (fault,) = faults(f"EP,1000000,A1,20200506\n{line}\n")
    assert fault.startswith(words)


def test_a_line_that_is_not_utf_8_costs_only_itself() -> None:
    content = b"EP,1000000,A1,20200506\nEP,\xff\xfe,A1,20200506\nEP,1000001,A1,20200506\n"
    found = list(read(io.BytesIO(content), "f.txt"))
    assert [type(item).__name__ for item in found] == ["Entry", "MalformedInput", "Entry"]


def test_a_broken_or_hostile_xml_file_is_told_with_its_line() -> None:
    whole = by_schema("EP", LINES, DAY)
    (cut,) = faults(whole[: whole.rindex("<afp:AuthorityFileEntry>") + 40], "f.xml")
    assert "line 12" in cut
    assert "cut" in cut or "ends inside" in cut
    bomb = "<!DOCTYPE a [<!ENTITY n '1000001'>]>" + by_dtd("EP", LINES, DAY).partition("?>")[2].replace(
        "1000001", "&n;"
    )
    assert any("Entities are not expanded" in fault for fault in faults(bomb, "f.xml"))


def test_a_definition_says_category_totals_and_codes() -> None:
    content = (
        "<authority-file country='UA' date-produced='20240301'><authority-file-definition "
        "update-af-category='differential' grouped-af-indicator='yes'><exception-code-list><exception-code-definition>"
        "<exception-code>N</exception-code><exception-code-description>Not used here</exception-code-description>"
        "</exception-code-definition></exception-code-list><data-coverage><publication-number-range "
        "begin-range-number='1' end-range-number='9'/><kind-code-coverage><kind>A</kind><document-total-quantity>7"
        "</document-total-quantity></kind-code-coverage></data-coverage></authority-file-definition></authority-file>"
    )
    found = read_definition(io.BytesIO(content.encode()), "d.xml")
    assert (found.office, found.produced, found.category, found.grouped) == (
        "UA",
        dt.date(2024, 3, 1),
        "differential",
        True,
    )
    assert found.exceptions == {"N": "Not used here"}
    assert found.totals == {"A": 7}
    assert found.ranges == ({"begin-range-number": "1", "end-range-number": "9"},)
    assert read_definition(io.BytesIO(b"Numbers run from 1."), "d.txt") == Definition(text="Numbers run from 1.")


# ------------------------------------------------------------------------------------------------- in the database


def put(world: World, folder: Path, lines: list[Line], name: str, **options: Any) -> Any:
    path = folder / name
    path.write_text(text(lines), "utf-8")
    return load_authority_file(world.database, path, by="test", **options)


def in_force(world: World) -> dict[str, str]:
    with world.database.driver() as connection:
        rows = connection.execute("select number, exception from authority_entries where current order by 1").fetchall()
    assert len(rows) == len({row[0] for row in rows})
    return {row[0]: row[1] for row in rows}


def one(number: int, exception: str = "") -> Line:
    return Line("EP", str(number), "A1", DAY, exception)


def test_full_replaces_incremental_adds_differential_starts_from_the_full(world: World, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no full authority file of EP"):
        put(world, tmp_path, [one(1000001)], "too-early.txt", category="incremental")
    put(world, tmp_path, [one(1000001), one(1000002)], "full.txt")
    assert in_force(world) == {"EP1000001": "", "EP1000002": ""}
    put(world, tmp_path, [one(1000002, "D"), one(1000003)], "week1.txt", category="incremental")
    assert in_force(world) == {"EP1000001": "", "EP1000002": "D", "EP1000003": ""}
    put(world, tmp_path, [one(1000004)], "week2.txt", category="incremental")
    assert in_force(world) == {"EP1000001": "", "EP1000002": "D", "EP1000003": "", "EP1000004": ""}
    # all that changed since the full file: what the weeks said and is not here was taken back
    put(world, tmp_path, [one(1000003), one(1000005)], "all.txt", category="differential")
    assert in_force(world) == {"EP1000001": "", "EP1000002": "", "EP1000003": "", "EP1000005": ""}
    put(world, tmp_path, [one(1000009)], "next-full.txt")
    assert in_force(world) == {"EP1000009": ""}


def test_a_group_of_files_is_full_together(world: World, tmp_path: Path) -> None:
    grants = [Line("EP", "900001", "B1", DAY)]
    put(world, tmp_path, [one(1000001), one(1000002)], "a.txt", grouped=True)
    put(world, tmp_path, grants, "b.txt", grouped=True)
    assert set(in_force(world)) == {"EP1000001", "EP1000002", "EP0900001"}
    put(world, tmp_path, [one(1000002), one(1000003)], "a2.txt", grouped=True)
    assert set(in_force(world)) == {"EP1000002", "EP1000003", "EP0900001"}


def test_a_wrong_file_changes_nothing_and_names_its_lines(world: World, tmp_path: Path) -> None:
    put(world, tmp_path, [one(1000001)], "full.txt")
    bad = [one(1000002), Line("EP", "x", "A1", DAY), Line("DE", "1", "A1", DAY), one(1000002)]
    with pytest.raises(RefusedAuthorityFile) as caught:
        put(world, tmp_path, bad, "bad.txt")
    words = str(caught.value)
    assert "3 wrong lines; nothing was loaded" in words
    assert "line 3, field number: 'x' is no publication number" in words
    assert "line 4, field office: the entry is of DE, the file of EP" in words
    assert "line 5, field number: 1000002 A1 stands on line 2 already" in words
    assert in_force(world) == {"EP1000001": ""}
    done = put(world, tmp_path, bad, "bad.txt", skip_bad=True)
    assert (done.entries, done.refused, len(done.faults)) == (1, 3, 3)
    assert in_force(world) == {"EP1000002": ""}


def test_the_same_file_is_not_loaded_twice(world: World, tmp_path: Path) -> None:
    put(world, tmp_path, [one(1000001)], "full.txt")
    with pytest.raises(Conflict, match="in force already"):
        put(world, tmp_path, [one(1000001)], "copy.txt")


def test_an_empty_file_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="no publication is listed"):
        put(world, tmp_path, [], "empty.txt")


def test_the_samples_are_what_their_maker_writes_and_load_whole(world: World) -> None:
    for name, content in contents().items():
        assert (FOLDER / name).read_bytes() == content
        done = load_authority_file(world.database, FOLDER / name, by="test")
        assert done.notes == ()
        assert done.entries == len(listed(done.office))
        assert done.excepted == sum(bool(line.exception) for line in listed(done.office))


def test_totals_that_differ_from_the_definition_are_told(world: World, tmp_path: Path) -> None:
    path = tmp_path / "ep.xml"
    path.write_text(by_dtd("EP", LINES, DAY).replace("quantity>2<", "quantity>5<"), "utf-8")
    done = load_authority_file(world.database, path, by="test")
    assert done.notes == ("kind A1: the definition declares 5, the file lists 2",)
