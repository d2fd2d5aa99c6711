"""One delivery with good and bad records: the good ones kept, the bad ones named to file, member, record and line."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

from common.errors import InputError
from indexer.formats import st66, st86
from indexer.formats.containers import Member, members
from indexer.formats.draft import Draft
from indexer.formats.reading import Context
from indexer.formats.sniff import recognise
from indexer.formats.table import FORMATS
from indexer.harmonise import Origin, harmonise
from indexer.record import Record

TOP = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Transaction xmlns="http://www.wipo.int/standards/XMLSchema/trademarks"><TradeMarkTransactionBody>\n'
)
END = "</TradeMarkTransactionBody></Transaction>\n"


def transaction(number: int, more: str = "") -> str:
    return (
        "<TransactionContentDetails><TransactionData><TradeMarkDetails><TradeMark>"
        "<RegistrationOfficeCode>DE</RegistrationOfficeCode>"
        f"<ApplicationNumber>30202000000{number}</ApplicationNumber>{more}"
        "</TradeMark></TradeMarkDetails></TransactionData></TransactionContentDetails>\n"
    )


def read(text: str | bytes) -> list[Draft | InputError]:
    data = text.encode() if isinstance(text, str) else text
    return list(st66.read(io.BytesIO(data), Context("d.zip", "in/marks.xml")))


def harmonised(draft: Draft) -> Record:
    origin = Origin("DE", "de-trademark-test", "DE", 1, "d.zip", "in/marks.xml", 0, "0" * 64, "st66-trademark", 1)
    record = harmonise(draft, origin)
    assert isinstance(record, Record)
    return record


def test_the_good_records_around_a_broken_one_are_kept() -> None:
    broken = transaction(2).replace("</ApplicationNumber>", "</ApplicationNumbr>")
    first, error, last = read(TOP + transaction(1) + broken + transaction(3) + END)
    assert isinstance(first, Draft)
    assert isinstance(last, Draft)
    assert [draft.numbers[0].raw for draft in (first, last)] == ["302020000001", "302020000003"]
    assert isinstance(error, InputError)
    assert (error.place.file, error.place.member, error.place.ordinal, error.place.line) == (
        "d.zip",
        "in/marks.xml",
        1,
        4,
    )
    assert "ApplicationNumb" in error.message
    assert error.remedy


def test_an_entity_in_one_record_costs_only_that_record() -> None:
    text = (TOP + transaction(1) + transaction(2, "<Comment>&x;</Comment>") + transaction(3) + END).replace(
        "<Transaction ", '<!DOCTYPE Transaction [<!ENTITY x SYSTEM "file:///etc/hostname">]><Transaction ', 1
    )
    outcomes = read(text)
    assert [isinstance(one, Draft) for one in outcomes] == [True, False, True]
    assert "entity" in str(outcomes[1])


def test_impossible_dates_and_unknown_codes_are_kept_as_written_and_harmonised_with_findings() -> None:
    (draft,) = read(
        TOP
        + transaction(
            1,
            "<ApplicationDate>2020-02-31</ApplicationDate><RegistrationDate>99999999</RegistrationDate>"
            "<ExpiryDate>never</ExpiryDate><MarkCurrentStatusCode>Vaporised</MarkCurrentStatusCode>"
            "<MarkFeature>Telepathic</MarkFeature><KindMark>Imaginary</KindMark>"
            "<GoodsServicesDetails><GoodsServices><ClassDescriptionDetails><ClassDescription><ClassNumber>99</ClassNumber>"
            "</ClassDescription></ClassDescriptionDetails></GoodsServices></GoodsServicesDetails>"
            "<PriorityDetails><Priority><PriorityCountryCode>Q9</PriorityCountryCode><PriorityNumber>?</PriorityNumber>"
            "<PriorityDate>0000-00-00</PriorityDate></Priority></PriorityDetails>",
        )
        + END
    )
    assert isinstance(draft, Draft)
    assert {date.raw for date in draft.dates} == {"2020-02-31", "99999999", "never"}
    record = harmonised(draft)
    assert not record.dates
    assert {finding.value for finding in record.findings} >= {"2020-02-31", "99999999", "never"}


def test_a_hundred_thousand_parties() -> None:
    parties = "".join(
        f"<Applicant><ApplicantIdentifier>{n}</ApplicantIdentifier><ApplicantAddressBook><FormattedNameAddress><Name>"
        f"<FormattedName><OrganizationName>Sample {n} Ltd</OrganizationName></FormattedName></Name>"
        f"</FormattedNameAddress></ApplicantAddressBook></Applicant>"
        for n in range(100_000)
    )
    started = time.monotonic()
    outcomes = read(TOP + transaction(1, f"<ApplicantDetails>{parties}</ApplicantDetails>") + transaction(2) + END)
    assert time.monotonic() - started < 120
    first, second = outcomes
    assert isinstance(first, Draft)
    assert isinstance(second, Draft)
    assert len(first.parties) == 100_000
    assert first.parties[-1].name == "Sample 99999 Ltd"


def test_a_hundred_thousand_classes_and_views() -> None:
    classes = "".join(
        f"<ClassDescription><ClassNumber>{n % 50}</ClassNumber>"
        f'<GoodsServicesDescription languageCode="en">goods {n}</GoodsServicesDescription></ClassDescription>'
        for n in range(100_000)
    )
    goods = "<GoodsServicesDetails><GoodsServices><ClassDescriptionDetails>{}</ClassDescriptionDetails></GoodsServices>"
    started = time.monotonic()
    (draft,) = read(TOP + transaction(1, goods.format(classes) + "</GoodsServicesDetails>") + END)
    assert isinstance(draft, Draft)
    assert len(draft.texts) == 100_000
    assert len(draft.classifications) == 50
    views = "".join(f"<View><ViewFilename>{n}.jpg</ViewFilename></View>" for n in range(100_000))
    design = (
        "<Transaction><DesignTransactionBody><DesignDetails><Design><DesignIdentifier>1-0001</DesignIdentifier>"
        f"<ViewDetails>{views}</ViewDetails></Design></DesignDetails></DesignTransactionBody></Transaction>"
    )
    (drawn,) = st86.read(io.BytesIO(design.encode()), Context("d"))
    assert isinstance(drawn, Draft)
    assert len(drawn.images) == 100_000
    assert time.monotonic() - started < 60


def test_a_whole_delivery_of_good_and_bad_members(tmp_path: Path) -> None:
    good = TOP + transaction(1) + transaction(2) + END
    with zipfile.ZipFile(tmp_path / "delivery.zip", "w") as archive:
        archive.writestr("good.xml", good)
        archive.writestr("../escape.xml", good)
        archive.writestr("cut.xml", good[:-60])  # inside the second transaction
        archive.writestr("empty.xml", b"")
        archive.writestr("page.xml", b"<html><body>Sign in</body></html>")
        archive.writestr("noise.xml", bytes(range(256)) * 20)
        archive.writestr("README.txt", "what this is")
    read_drafts: dict[str, int] = {}
    problems: dict[str, str] = {}
    for one in members(tmp_path):
        if isinstance(one, InputError):
            problems[one.place.member] = str(one)
            continue
        assert isinstance(one, Member)
        if one.kind != "record":
            continue
        try:
            row = recognise(one.signature, FORMATS, one.place)
            with one.open() as stream:
                outcomes = list(row.read(stream, Context(one.file, one.member)))
        except InputError as error:
            outcomes = [error]
        read_drafts[one.member] = sum(isinstance(outcome, Draft) for outcome in outcomes)
        for outcome in outcomes:
            if isinstance(outcome, InputError):
                problems[one.member] = str(outcome)
    assert read_drafts == {"good.xml": 2, "cut.xml": 1, "empty.xml": 0, "page.xml": 0, "noise.xml": 0}
    assert set(problems) == {"../escape.xml", "cut.xml", "empty.xml", "page.xml", "noise.xml"}
    assert "empty" in problems["empty.xml"]
    assert "HTML" in problems["page.xml"]
    for member, message in problems.items():
        assert "delivery.zip" in message
        assert member in message
