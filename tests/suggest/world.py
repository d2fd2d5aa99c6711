"""A small corpus whose every count is known."""

from __future__ import annotations

import datetime as dt

from indexer.record import Classification, Record, Right, Text, TextType
from tests.platforms import make_record


def mark(provider: str, number: int, text: str, nice: str, applicant: str = "Sample Works") -> Record:
    made = make_record(provider, number, "", right=Right.TRADEMARK, applicant=applicant)
    return made.model_copy(
        update={
            "texts": (Text(type=TextType.MARK_TEXT, text=text, language="xx"),),
            "classifications": (Classification(scheme="NICE", symbol=nice, raw=nice),),
        }
    )


def patent(provider: str, number: int, title: str, applicant: str, year: int, ipc: str, status: str) -> Record:
    day = dt.date(year, 3, 4)
    return make_record(provider, number, title, applicant=applicant, published=day, ipc=ipc, status=status)


def records() -> list[Record]:
    return [
        patent("QA", 1, "Heat pump with refrigerant sensor", "Hitorelle Ltd", 2019, "F25B 30/02", "active"),
        patent("QA", 2, "Heat pump controller", "Hitorelle Ltd", 2020, "F25B 49/02", "terminated"),
        patent("QA", 3, "Battery separator", "日立架空製作所", 2020, "H01M 50/40", "active"),
        patent("QB", 4, "Heating of a room", "Société Éclat", 2020, "F24D 3/00", "active"),
        patent("QB", 5, "Hearing device", "Hitorelle Ltd", 2021, "H04R 25/00", "active"),
        patent("QC", 6, "Heatsink of stubs", "Hitstub SA", 2022, "H05K 7/20", "active"),
        patent("QD", 7, "Heather harvester", "Hithidden AG", 2023, "A01D 45/00", "active"),
        patent("QD", 8, "Heat pump hidden", "Hitorelle Ltd", 2020, "F25B 30/02", "active"),
        mark("QA", 11, "KOLAVITA", "32"),
        mark("QA", 12, "Kolavita", "32"),
        mark("QB", 13, "Kola Bear", "28"),
        mark("QD", 14, "KOLASECRET", "13"),
    ]
