"""Offices by any name, dates by any calendar, kind codes by any office."""

from __future__ import annotations

import datetime as dt

import pytest

from indexer.harmonise.dates import read_date
from indexer.harmonise.kinds import kind_code, kind_of
from indexer.harmonise.offices import OFFICES, office_code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("EP", "EP"),
        ("ep", "EP"),
        ("UK", "GB"),
        ("USPTO", "US"),
        ("EPO", "EP"),
        ("EUIPO", "EM"),
        ("OHIM", "EM"),
        ("WIPO", "WO"),
        ("KIPO", "KR"),
        ("JPO", "JP"),
        ("CNIPA", "CN"),
        ("SIPO", "CN"),
        ("DPMA", "DE"),
        ("USA", "US"),
        ("DEU", "DE"),
        ("KOR", "KR"),
        ("日本", "JP"),
        ("日本国", "JP"),
        ("美國", "US"),
        ("中國大陸", "CN"),
        ("南韓", "KR"),
        ("대한민국", "KR"),
        ("英國", "GB"),
        ("Deutschland", "DE"),
        ("Côte d’Ivoire", "CI"),
        ("المملكة العربية السعودية", "SA"),
        ("Российская Федерация", "RU"),
        ("СССР", "SU"),
        ("Viet Nam", "VN"),
        ("Korea, Republic of", "KR"),
        ("  France ", "FR"),
        ("Atlantis", None),
        ("??", None),
        ("", None),
        (None, None),
    ],
)
def test_offices_are_known_by_codes_and_names(name: str | None, code: str | None) -> None:
    assert office_code(name) == code


def test_the_table_holds_all_of_st3() -> None:
    assert {"EP", "EA", "AP", "OA", "EM", "GC", "BX", "WO", "IB", "QZ", "XN", "EU", "XX", "XU", "XV"} <= set(OFFICES)
    former = {code for code, office in OFFICES.items() if office.former}
    assert former >= {"AN", "CS", "DL", "DD", "DT", "RH", "SU", "YD", "YU"}
    assert OFFICES["SU"].successor == "RU"
    assert OFFICES["SU"].last_year == 1991
    private = {code for code, office in OFFICES.items() if office.type == "private"}
    assert {"AA", "QM", "QY", "XA", "XM", "XW", "ZZ"} <= private
    assert all(len(code) == 2 and code.isupper() for code in OFFICES)
    assert sum(office.type == "state" for office in OFFICES.values()) >= 200


@pytest.mark.parametrize(
    ("raw", "office", "date"),
    [
        ("20200102", None, (2020, 1, 2)),
        ("2020-01-02", None, (2020, 1, 2)),
        ("2020-01-02-05:00", None, (2020, 1, 2)),
        ("2020-01-02Z", None, (2020, 1, 2)),
        ("2007-04-19T00:00:00+02:00", None, (2007, 4, 19)),
        ("2020/1/2", None, (2020, 1, 2)),
        ("103/06/01", None, (2014, 6, 1)),
        ("109.12.15", None, (2020, 12, 15)),
        ("98/06/01", "TW", (2009, 6, 1)),
        ("民國103年6月1日", None, (2014, 6, 1)),
        ("1030601", "TW", (2014, 6, 1)),
        ("平成5年6月1日", None, (1993, 6, 1)),
        ("昭和64年1月7日", None, (1989, 1, 7)),
        ("令和元年5月1日", None, (2019, 5, 1)),
        ("平成２９年９月２７日", None, (2017, 9, 27)),
        ("R2.3.4", None, (2020, 3, 4)),
        ("H5.6.1", None, (1993, 6, 1)),
        ("2021年3月18日", None, (2021, 3, 18)),
        ("2021년 3월 18일", None, (2021, 3, 18)),
        ("31.12.2020", None, (2020, 12, 31)),
        ("12/31/2020", "US", (2020, 12, 31)),
        ("03/04/2020", "US", (2020, 3, 4)),
        ("03/04/2020", "GB", (2020, 4, 3)),
        ("12 Mar 2020", None, (2020, 3, 12)),
        ("March 3, 2020", None, (2020, 3, 3)),
        ("1er août 2020", None, (2020, 8, 1)),
        ("3 de mayo de 2021", None, (2021, 5, 3)),
        ("24. Dezember 1999", None, (1999, 12, 24)),
    ],
)
def test_dates_of_every_calendar_are_read(raw: str, office: str | None, date: tuple[int, int, int]) -> None:
    assert read_date(raw, office).date == dt.date(*date)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("0001-01-01", "sentinel"),
        ("00010101", "sentinel"),
        ("9999-12-31", "sentinel"),
        ("99991231", "sentinel"),
        ("00000000", "sentinel"),
        ("0", "sentinel"),
        ("0000-00-00", "sentinel"),
        ("19990600", "incomplete"),
        ("20200001", "incomplete"),
        ("2020", "incomplete"),
        ("2020-05", "incomplete"),
        ("20210230", "impossible"),
        ("2020-13-01", "impossible"),
        ("03/04/2020", "ambiguous"),
        ("yesterday", "unreadable"),
        ("12 Foo 2020", "unreadable"),
    ],
)
def test_what_is_no_date_stays_none_and_says_why(raw: str, problem: str) -> None:
    read = read_date(raw)
    assert read.date is None
    assert read.problem == problem


def test_no_text_is_no_problem() -> None:
    assert read_date(None) == read_date("") == read_date("  ")
    assert read_date("").problem is None


@pytest.mark.parametrize(
    ("raw", "office", "code"),
    [
        ("A1", "EP", "A1"),
        ("a", "CN", "A"),
        ("公開特許公報(A)", "JP", "A"),
        ("特許公報(B2)", "JP", "B2"),
        ("公表特許公報（Ａ）", "JP", "A"),
        ("登録実用新案公報(U)", "JP", "U"),
        ("再公表特許", "JP", "A1"),
        ("发明专利申请", "CN", "A"),
        ("Something new (B9)", "XX", "B9"),
        ("gibberish", "JP", None),
        ("", "EP", None),
    ],
)
def test_kind_codes_are_read_from_words(raw: str, office: str, code: str | None) -> None:
    assert kind_code(raw, office) == code


@pytest.mark.parametrize(
    ("code", "office", "year", "group"),
    [
        ("A1", "EP", 2010, "application"),
        ("A3", "EP", 2010, "search-report"),
        ("B1", "EP", 2010, "grant"),
        ("A8", "EP", 2010, "correction"),
        ("B9", "EP", 2010, "correction"),
        ("A", "US", 1995, "grant"),
        ("A1", "US", 2005, "application"),
        ("B1", "US", 1999, "reexamination"),
        ("B1", "US", 2002, "grant"),
        ("E1", "US", 2010, "reissue"),
        ("P2", "US", 2010, "plant"),
        ("S1", "US", 2010, "design"),
        ("U", "JP", 1990, "utility-model"),
        ("B2", "JP", 1990, "examined"),
        ("B2", "JP", 2005, "grant"),
        ("C", "CN", 2005, "grant"),
        ("T2", "DE", 2005, "translation"),
        ("C1", "DE", 1990, "grant"),
        ("A1", "SU", 1985, "certificate"),
        ("C2", "RU", 2009, "grant"),
        ("T3", "ES", 2009, "translation"),
        ("A", "CA", 1980, "grant"),
        ("A", "ZW", None, "application"),
        ("Y", "ZW", None, "utility-model"),
    ],
)
def test_kinds_mean_what_they_meant_there_and_then(code: str, office: str, year: int | None, group: str) -> None:
    kind = kind_of(code, office, year)
    assert kind is not None
    assert kind.group == group


def test_a_code_that_the_office_never_used_is_read_by_its_letter_and_marked() -> None:
    kind = kind_of("B7", "US", 2020)
    assert kind is not None
    assert kind.group == "grant"
    assert not kind.known
