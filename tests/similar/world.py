"""Marks of ours, each near to or far from another in a known way."""

from __future__ import annotations

import datetime as dt

from indexer.record import (
    Classification,
    DatedFact,
    DateType,
    Designation,
    MarkDetails,
    Number,
    NumberType,
    Record,
    Right,
    Source,
    Status,
    Text,
    TextType,
)
from tests.platforms import make_record


def mark(
    number: int,
    text: str,
    *nice: int,
    provider: str = "QA",
    state: str | None = "active",
    filed: dt.date = dt.date(2020, 1, 1),
    translation: str = "",
    designated: tuple[str, ...] = (),
    goods: str = "",
) -> Record:
    """A word mark. Its id is PROVIDER-trademark-x.PROVIDER + nine digits."""
    canonical = f"{provider}{number:09d}"
    texts = [Text(type=TextType.MARK_TEXT, text=text, language="xx")]
    if translation:
        texts.append(Text(type=TextType.MARK_TRANSLATION, text=translation, language="en"))
    if goods:
        texts.append(Text(type=TextType.GOODS_SERVICES, text=goods, language="en"))
    return Record(
        id=f"{provider.lower()}-trademark-x.{canonical}",
        right=Right.TRADEMARK,
        provider=provider,
        office=provider,
        collection=f"{provider.lower()}-trademark-x",
        numbers=(Number(type=NumberType.APPLICATION, raw=str(number), canonical=canonical, office=provider),),
        dates=(
            DatedFact(type=DateType.FILING, date=filed, raw=filed.isoformat()),
            DatedFact(type=DateType.PUBLICATION, date=filed, raw=filed.isoformat()),
        ),
        texts=tuple(texts),
        classifications=tuple(Classification(scheme="NICE", symbol=str(c), raw=str(c)) for c in nice),
        designations=tuple(Designation(office=code) for code in designated),
        mark=MarkDetails(feature="word"),
        status=Status(state=state) if state else None,  # type: ignore[arg-type]
        source=Source(delivery=1, file="marks.xml", ordinal=number, sha256="0" * 64, format="sample", reader_version=1),
    )


MARKS = [
    mark(1, "COLA", 32),
    mark(2, "Kola Fresh", 30),
    mark(3, "COLLA", 19),
    mark(4, "KORA", 32, state="terminated"),
    mark(5, "CALLE OCHO", 32),
    mark(6, "MIKOLAJ", 32),
    mark(7, "ORANGINO", 32),
    mark(8, "COLA", 32, provider="QB"),
    mark(10, "NEJMA", 30),
    mark(11, "ÉTOILE DU SUD", 30),
    mark(12, "STAR", 30),
    mark(13, "نجمة الشرق", 30),
    mark(14, "スター", 30),
    mark(15, "START", 30),
    mark(16, "NAJRAN", 30),
    mark(20, "RED BULL", 32),
    mark(21, "BLUE BULL", 32),
    mark(22, "RED FOX", 32),
    mark(23, "赤い牛", 32),
    mark(24, "TORERO", 32),
    mark(30, "STARBUCKS", 43),
    mark(31, "МОДЕРН", 25),
    mark(32, "rnodern", 25),
    mark(33, "MODERN", 25, designated=("QX",)),
    mark(40, "ZORRILLO", 3, translation="little fox"),
    mark(41, "LUMINEX", 11, filed=dt.date(2010, 5, 1)),
    mark(42, "LUMINEKS", 11, filed=dt.date(2022, 5, 1), state=None),
    *(
        mark(100 + n, f"{first}{second}", 32)
        for n, (first, second) in enumerate(
            (a, b) for a in ("BRIM", "DUST", "FELP", "GRUN", "HIZZ", "PLOV") for b in ("ETTE", "ANDO", "IXI")
        )
    ),
]
"""QB's records are closed to everybody; of QC's one may know that they exist."""

KNOWN_TO_EXIST = [mark(50, "COLA", 32, provider="QC")]


PATENTS = [
    make_record(
        "QA",
        100,
        "Heat pump with leak sensor for the refrigerant",
        abstract="When the sensor detects escaped refrigerant, a valve closes.",
        ipc="F25B 30/02",
    ),
    make_record(
        "QA",
        101,
        "Wärmepumpe mit Sensor für ein Leck des Kältemittels",
        language="de",
        abstract="Erkennt der Sensor ausgetretenes Kältemittel, schließt ein Ventil.",
        ipc="F25B 30/02",
    ),
    make_record("QA", 102, "Bicycle brake with cable", abstract="A lever pulls a cable.", ipc="B62L 1/00"),
    make_record(
        "QA",
        103,
        "Refrigerant compressor with low noise",
        abstract="The housing of the compressor is damped.",
        ipc="F04B 39/00",
        published=dt.date(2022, 1, 1),
    ),
    make_record("QB", 100, "Heat pump with leak sensor for the refrigerant", ipc="F25B 30/02"),
]
PUMP, GERMAN_PUMP = PATENTS[0].id, PATENTS[1].id
