"""Records as offices would deliver them, all made up, of which the thirty queries are asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from indexer.formats import st96_copyright
from indexer.harmonise import harmonise
from indexer.harmonise.names import read_name
from indexer.harmonise.numbers import canonical_number
from indexer.harmonise.origin import Origin
from indexer.record import (
    Classification,
    DatedFact,
    DateType,
    Designation,
    Image,
    Number,
    NumberType,
    Party,
    PartyRole,
    Priority,
    Record,
    Right,
    Source,
    Text,
    TextType,
)
from tests.families.world import application, event, with_events
from tests.formats.coverage import drafts_of
from tests.formats.test_st96_copyright import SAMPLE as ORPHAN
from tests.similar.world import mark

SCHEMES = {"ipc": "IPC", "nice": "NICE", "locarno": "LOCARNO", "vienna": "VIENNA"}


def made(
    office: str,
    number: str,
    kind: str | None = None,
    *,
    titles: Mapping[str, str],
    abstracts: Mapping[str, str] | None = None,
    right: Right = Right.PATENT,
    applicant: tuple[str, ...] = (),
    published: str = "2020-01-01",
    also: Mapping[NumberType, str] | None = None,
    designated: tuple[str, ...] = (),
    provider: str | None = None,
    **classes: str,
) -> Record:
    """A record of one office. `applicant`: the name, then the same name in other scripts; `also`: further numbers."""
    first = NumberType.PUBLICATION if right is Right.PATENT else NumberType.REGISTRATION
    written = {first: number, **(also or {})}
    numbers = []
    for type, raw in written.items():
        own = canonical_number(raw, office=office, type=type, right=right, kind=kind if type is first else None)
        numbers.append(
            Number(type=type, raw=raw, canonical=own.canonical, office=office, kind=own.kind, forms=own.forms)
        )
    kind = numbers[0].kind if right is Right.PATENT else None
    text_type = TextType.PRODUCT_INDICATION if right is Right.DESIGN else TextType.TITLE
    texts = [Text(type=text_type, text=text, language=language) for language, text in titles.items()]
    texts += [Text(type=TextType.ABSTRACT, text=t, language=language) for language, t in (abstracts or {}).items()]
    name = read_name(applicant[0]) if applicant else None
    day = dt.date.fromisoformat(published)
    canonical = numbers[0].canonical
    return Record(
        id=".".join(filter(None, (provider or office, right.value, canonical, kind))),
        right=right,
        provider=provider or office,
        office=office,
        collection=f"{(provider or office).lower()}-{right.value}-made",
        kind=kind,
        numbers=tuple(numbers),
        dates=(DatedFact(type=DateType.PUBLICATION, date=day, raw=published),),
        texts=tuple(texts),
        parties=(
            Party(
                role=PartyRole.APPLICANT,
                name=applicant[0],
                canonical_name=name.canonical,
                legal_form=name.legal_form,
                latin_name=name.latin,
                other_names=applicant[1:],
            ),
        )
        if name
        else (),
        classifications=tuple(
            Classification(scheme=SCHEMES[scheme], symbol=symbol, raw=symbol) for scheme, symbol in classes.items()
        ),
        designations=tuple(Designation(office=code) for code in designated),
        source=Source(delivery=1, file="made.xml", ordinal=1, sha256="0" * 64, format="sample", reader_version=1),
    )


def filed(record: Record, number: str, *claims: str) -> Record:
    """The record with the application that it is of, and the applications whose priority it claims."""
    return record.model_copy(
        update={
            "numbers": (*record.numbers, application(number)),
            "priorities": tuple(
                Priority(number=application(claim), sequence=place) for place, claim in enumerate(claims, 1)
            ),
        }
    )


def design(number: str, title: str, symbol: str, edition: str, views: int) -> Record:
    """A design with its views, classed by an edition of Locarno."""
    held = made("CN", number, titles={"zh": title}, right=Right.DESIGN, locarno=symbol)
    images = tuple(Image(type="design-view", reference=f"{number}-{n}.png", sequence=n) for n in range(1, views + 1))
    classed = tuple(entry.model_copy(update={"edition": edition}) for entry in held.classifications)
    return held.model_copy(update={"images": images, "classifications": classed})


def figurative(number: int, symbol: str, edition: str) -> Record:
    held = mark(number, "AOBA", 30, provider="JP")
    return held.model_copy(
        update={
            "classifications": (
                *held.classifications,
                Classification(scheme="VIENNA", symbol=symbol, raw=symbol, edition=edition),
            )
        }
    )


def orphan_work() -> Record:
    """A photograph in the register of orphan works whose applicant the register keeps confidential, as it is read."""
    told = (
        ORPHAN.replace(b"ConfidentialIndicator>false", b"ConfidentialIndicator>true", 1)
        .replace(b"PublishIndicator>false", b"PublishIndicator>true")
        .replace("Un échantillon de ports".encode(), b"Fotografia do porto, 1950")
        .replace(b'languageCode="fr"', b'languageCode="pt"')
    )
    (draft,) = drafts_of(told, st96_copyright.read)
    origin = Origin("EM", "em-copyright-made", "EM", 1, "made.xml", "", 0, "0" * 64, "st96-copyright", 1)
    record = harmonise(draft, origin)
    assert isinstance(record, Record)
    return record


EP_A1, EP_B1 = "EP.patent.EP1700001.A1", "EP.patent.EP1700001.B1"


def states() -> list[Record]:
    """A European patent: granted, lapsed in France, fees paid in the United Kingdom."""
    designated = ("DE", "FR", "GB")
    a1 = made("EP", "1700001", "A1", titles={"de": "Federbein"}, published="2006-09-13", designated=designated)
    b1 = made("EP", "1700001", "B1", titles={"de": "Federbein"}, published="2008-04-16", designated=designated)
    log = (
        event("GRNT", "2008-04-16", publication_date="2008-04-16"),
        event("PG25", "2011-03-31", "Ref Country Code: FR", effective_date="2010-09-30", publication_date="2011-07-22"),
        event("PGFP", "2012-09-28", "Ref Country Code: GB"),
    )
    return [
        filed(with_events(a1, states=designated), "EP05005000"),
        filed(with_events(b1, *log, states=designated), "EP05005000"),
    ]


def korean() -> Record:
    """Granted, then said to have lapsed, which a correction took back (ST.27, category Y)."""
    held = made("KR", "10-0777000", "B1", titles={"ko": "유압 밸브"}, published="2007-11-16")
    log = (
        event("A-2-4-F10-F11-exm-PR0701", "2007-11-09", scheme="ST27", office="KR"),
        event("N-4-6-H10-H13-nap-PC1903", "2013-05-05", scheme="ST27", office="KR"),
        event("A-4-4-Y10-Y11-nap-PC1903", "2013-07-01", scheme="ST27", office="KR"),
    )
    return filed(with_events(held, *log), "KR1020050040647")


def records() -> list[Record]:
    return [
        # ar2, en3, ko3, es2: marks by sound, look and meaning.
        mark(1, "NEJMA", 30, provider="MA"),
        mark(2, "STAR", 30, provider="GB"),
        mark(3, "نجمة الشرق", 30, provider="SA"),
        mark(4, "NAJRAN", 30, provider="SA"),
        mark(11, "COLA", 32, provider="US"),
        mark(12, "Kola Fresh", 30, provider="US"),
        mark(13, "KORA", 32, provider="US", state="terminated"),
        mark(14, "MIKOLAJ", 32, provider="US"),
        mark(21, "STARBUCKS", 43, provider="US"),
        mark(31, "RED BULL", 32, provider="AT"),
        mark(32, "BLUE BULL", 32, provider="AT"),
        mark(33, "TORERO", 32, provider="ES"),
        # zh3, ja3: designs and figurative marks by class, whatever the edition.
        design("301000001", "平板电脑", "14-02", "8", 3),
        design("301000002", "显示器", "14-02", "13", 6),
        design("301000003", "手机", "14-03", "13", 1),
        figurative(41, "26.01.06", "5"),
        figurative(42, "26.01.06", "9"),
        figurative(43, "26.01.16", "9"),
        # de3, ko2, pt3.
        *states(),
        korean(),
        orphan_work(),
        # fr2, fr3: a first filing, what claims it alone, and what claims it with another.
        filed(made("EP", "1500001", "A1", titles={"fr": "Outil portatif"}), "EP04300001", "FR0313000"),
        filed(made("US", "2005/0123456", "A1", titles={"en": "Portable tool"}), "US10900001", "FR0313000", "FR0400001"),
        filed(made("FR", "2990001", "A1", titles={"fr": "Aubage de turbine"}), "FR1909731"),
        # Numbers.
        made("JP", "特開平5-142789", "A", titles={"ja": "現像装置"}, published="1993-06-11"),
        made("JP", "特公平5-142789", "B2", titles={"ja": "織機の制御"}, published="1994-02-01"),
        made("US", "2009/0220659", "A1", titles={"en": "Bread dough improver"}, published="2009-09-03"),
        made("EP", "1234567", "B1", titles={"en": "Valve seat"}, published="2005-05-04"),
        made("DE", "801283", "B", titles={"de": "Schraubstock"}, published="1950-12-28"),
        made(
            "WO", "WO 03/035123", "A1", titles={"en": "Wound dressing"},
            also={NumberType.PCT_APPLICATION: "PCT/GB02/04635"}, published="2003-05-01",
        ),
        made("QZ", "0000001", "A1", titles={"en": "Hidden hinge"}),
        # ar1: the plural, the article, vowel signs; another year; another subject.
        made("SA", "10001", "A", titles={"ar": "خلية شمسية رقيقة"}, published="2018-03-01", ipc="H01L 31/04"),
        made("SA", "10002", "A", titles={"ar": "خَلِيَّة شَمْسِيَّة مرنة"}, published="2019-03-01"),
        made("SA", "10007", "A", titles={"ar": "الخلية الشمسية ومعالجتها"}, published="2020-03-01"),
        made("SA", "10003", "A", titles={"ar": "خلية شمسية قديمة"}, published="2010-03-01"),
        made("SA", "10004", "A", titles={"ar": "مضخة مياه"}, published="2018-03-01"),
        # ar3.
        made("SA", "10005", "A", titles={"ar": "تحلية المياه"}, applicant=("جامعة الملك سعود", "King Saud University")),
        made("SA", "10006", "A", titles={"ar": "غشاء"}, applicant=("جامعة الملك خالد", "King Khalid University")),
        # zh1, zh2.
        made("CN", "101000001", "A", titles={"zh": "锂离子电池隔膜及其制备方法"}, ipc="H01M 50/40"),
        made("TW", "201000002", "A", titles={"zh": "鋰離子電池隔離膜"}, ipc="H01M 50/40"),
        made("EP", "3000001", "A1", titles={"en": "Separator for a lithium ion battery"}, ipc="H01M 50/40"),
        made("CN", "101000003", "A", titles={"zh": "基站"}, applicant=("华为技术有限公司", "Huawei Technologies Ltd.")),
        made("CN", "101000004", "A", titles={"zh": "手机"}, applicant=("华为终端有限公司", "Huawei Device Ltd.")),
        # en1: near enough, in another order; too far; another class.
        made(
            "GB", "2500001", "A", titles={"en": "Heating"}, ipc="F25B 30/02",
            abstracts={"en": "A refrigerant circulates, and the heat reaches the pump."},
        ),
        made(
            "GB", "2500002", "A", titles={"en": "Cooling"}, ipc="F25B 30/02",
            abstracts={"en": "Heat is wasted. Behind seven thick walls, far from every refrigerant, there is a pump."},
        ),
        made(
            "GB", "2500003", "A", titles={"en": "Airing"}, ipc="F24F 1/00",
            abstracts={"en": "A heat pump refrigerant."},
        ),
        # fr1.
        filed(
            made("FR", "2862000", "A1", titles={"fr": "Marteau perforateur à percussion"}, ipc="B25D 11/00"),
            "FR0313000",
        ),
        made("US", "10000001", "B2", titles={"en": "Jackhammer with a damped handle"}, ipc="B25D 11/00"),
        made("DE", "102010000001", "A1", titles={"de": "Bohrhammer mit Schlagwerk"}, ipc="B25D 11/00"),
        # de1.
        made("AT", "500001", "A1", titles={"de": "Bremse für ein Kraftfahrzeug"}, ipc="B60T 1/06"),
        made("CH", "700001", "A", titles={"de": "Kraftfahrzeugbremse mit Belüftung"}, ipc="B60T 1/06"),
        # ja2.
        made("JP", "特開2010-000001", "A", titles={"ja": "計算機"}, applicant=("株式会社日立製作所", "Hitachi, Ltd.")),
        made("JP", "特開2010-000002", "A", titles={"ja": "油圧ショベル"}, applicant=("日立建機株式会社",)),
        # ko1.
        made("KR", "10-2018-0000001", "A", titles={"ko": "자율주행차량용 라이다 센서"}, ipc="G01S 17/93"),
        made("US", "20180000001", "A1", titles={"en": "LiDAR for an autonomous vehicle"}, ipc="G01S 17/93"),
        # pt1, pt2.
        made("BR", "PI0507004", "A2", titles={"pt": "Prótese"}, abstracts={"pt": "Uma valvula cardiaca artificial."}),
        made("PT", "105001", "A", titles={"pt": "Prótese"}, abstracts={"pt": "Uma válvula cardíaca artificial."}),
        made(
            "WO", "DM/076123", titles={"pt": "Cadeira", "en": "Chair"}, right=Right.DESIGN, designated=("BR", "FR"),
            locarno="06-01", provider="IB",
        ),
        made("BR", "302012000001", titles={"pt": "Mesa"}, right=Right.DESIGN, locarno="06-03"),
        # ru1, ru2.
        made("RU", "2300001", "C2", titles={"ru": "Способы очистки сточной воды"}, ipc="C02F 3/00"),
        made("EA", "010001", "B1", titles={"ru": "Способ биологической очистки сточных вод"}, ipc="C02F 3/00"),
        made("SU", "1100001", "A1", titles={"ru": "Устройство для сушки зерна"}, ipc="F26B 3/00"),
        made(
            "RU", "2300002", "C2", titles={"ru": "Ранжирование"},
            applicant=("Общество с ограниченной ответственностью «Яндекс»", "Yandex LLC"),
        ),
        # es1.
        made("ES", "2400001", "A1", titles={"es": "Martillo hidráulico para minería"}, ipc="E21C 1/00"),
        made("MX", "2010000001", "A", titles={"es": "Martillo de carpintero"}, ipc="B25D 1/00"),
        made("PE", "20100001", "A1", titles={"es": "Martillo con mango elástico"}, ipc="B25D 1/00"),
    ]  # fmt: skip
