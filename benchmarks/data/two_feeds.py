"""A labelled world of our own, reported by two feeds in several formats, with the errors and traps of real ones.

Feed A: DOCDB (patents), ST.66 (marks), ST.86 (designs), JSON lines (works). Feed B, an aggregator's: JSON lines, with
mistyped numbers and dates, other languages, other writings of names, missing kinds, priorities and inventors. About a
tenth of what is published stands in one feed only, so that a mistyped number may meet a stranger.

Traps, all of which must stay apart: publication stages, corrections, families, divisionals, siblings (one firm, one day,
neighbouring numbers, the same title), Japanese numbers used again, the same sign filed twice, designs of one
application, works of one title.

Invented throughout: no firm, person or number is anybody's.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from samples.world import Design, Firm, Mark, Person, Publication, Topic
from samples.writers import docdb, st66_euipo, st86_euipo

Json = dict[str, Any]

THINGS = {
    "en": "pump|valve|sensor|battery cell|heat exchanger|bearing|antenna|lens system|filter element|rotor blade|gear train|coating|"
    "display panel|laser diode|clutch|brake disc|fuel injector|catheter|mixing vessel|robot arm|conveyor|switch cabinet|compressor|nozzle",
    "de": "Pumpe|Ventil|Sensor|Batteriezelle|Wärmetauscher|Lager|Antenne|Linsensystem|Filterelement|Rotorblatt|Getriebe|Beschichtung|"
    "Anzeigefeld|Laserdiode|Kupplung|Bremsscheibe|Kraftstoffinjektor|Katheter|Mischbehälter|Roboterarm|Förderer|Schaltschrank|Verdichter|Düse",
    "fr": "Pompe|Soupape|Capteur|Cellule de batterie|Échangeur de chaleur|Palier|Antenne|Système de lentilles|Élément filtrant|Pale de rotor|"
    "Train d'engrenages|Revêtement|Panneau d'affichage|Diode laser|Embrayage|Disque de frein|Injecteur de carburant|Cathéter|"
    "Cuve de mélange|Bras de robot|Convoyeur|Armoire électrique|Compresseur|Buse",
    "ja": "ポンプ|弁|センサ|電池セル|熱交換器|軸受|アンテナ|レンズ系|フィルタ要素|回転翼|歯車列|被膜|表示パネル|レーザダイオード|クラッチ|"
    "ブレーキディスク|燃料噴射装置|カテーテル|混合容器|ロボットアーム|搬送装置|配電盤|圧縮機|ノズル",
}
FEATURES = {
    "en": "with a ceramic housing|with automatic cleaning|with low noise|having two chambers|with a porous membrane|made of recycled plastic|"
    "with wireless control|with a curved surface|having a magnetic seal|with temperature monitoring|with variable speed|of reduced weight|"
    "with a spring element|having a double wall|with leak detection|with a replaceable insert|with optical feedback|having a cooling channel",
    "de": "mit keramischem Gehäuse|mit automatischer Reinigung|mit geringem Geräusch|mit zwei Kammern|mit poröser Membran|"
    "aus wiederverwertetem Kunststoff|mit drahtloser Steuerung|mit gekrümmter Oberfläche|mit magnetischer Dichtung|"
    "mit Temperaturüberwachung|mit veränderlicher Drehzahl|mit verringertem Gewicht|mit Federelement|mit doppelter Wand|"
    "mit Leckerkennung|mit austauschbarem Einsatz|mit optischer Rückmeldung|mit Kühlkanal",
    "fr": "à boîtier céramique|à nettoyage automatique|à faible bruit|à deux chambres|à membrane poreuse|en plastique recyclé|"
    "à commande sans fil|à surface courbe|à joint magnétique|à surveillance de température|à vitesse variable|de poids réduit|"
    "à élément de ressort|à double paroi|à détection de fuite|à insert remplaçable|à retour optique|à canal de refroidissement",
    "ja": "セラミック筐体を備えた|自動洗浄機能を備えた|低騒音の|二つの室を有する|多孔質膜を備えた|再生プラスチック製の|無線制御式の|曲面を有する|磁気シールを有する|"
    "温度監視機能付きの|可変速の|軽量化された|ばね要素を備えた|二重壁を有する|漏れ検知機能付きの|交換可能なインサートを備えた|光学フィードバック式の|冷却路を有する",
}
USES = {
    "en": "electric vehicles|water treatment|medical imaging|wind power plants|aircraft|agricultural machines|food processing|"
    "mobile telephones|steel production|hydrogen storage|textile machines|railway vehicles|household appliances|underwater use|"
    "solar power plants|printing machines",
    "de": "Elektrofahrzeuge|die Wasseraufbereitung|die medizinische Bildgebung|Windkraftanlagen|Flugzeuge|Landmaschinen|"
    "die Lebensmittelverarbeitung|Mobiltelefone|die Stahlerzeugung|die Wasserstoffspeicherung|Textilmaschinen|Schienenfahrzeuge|"
    "Haushaltsgeräte|den Unterwassereinsatz|Solarkraftwerke|Druckmaschinen",
    "fr": "véhicules électriques|le traitement de l'eau|l'imagerie médicale|centrales éoliennes|aéronefs|machines agricoles|"
    "la transformation alimentaire|téléphones mobiles|la production d'acier|le stockage d'hydrogène|machines textiles|"
    "véhicules ferroviaires|appareils ménagers|l'usage sous-marin|centrales solaires|machines d'impression",
    "ja": "電気自動車|水処理|医用画像|風力発電所|航空機|農業機械|食品加工|携帯電話|製鋼|水素貯蔵|繊維機械|鉄道車両|家電|水中用途|太陽光発電所|印刷機",
}
WORDS = {
    name: {language: text.split("|") for language, text in table.items()}
    for name, table in (("thing", THINGS), ("feature", FEATURES), ("use", USES))
}
IPC = "F04D 29/{}|F16K 31/{}|G01N 27/{}|H01M 10/{}|F28D 9/{}|F16C 33/{}|H01Q 1/{}|G02B 13/{}|B01D 63/{}|F03D 1/{}|F16H 1/{}|C09D 5/{}"
IPC += "|G09F 9/{}|H01S 5/{}|F16D 13/{}|F16D 65/{}|F02M 61/{}|A61M 25/{}|B01F 27/{}|B25J 9/{}|B65G 15/{}|H02B 1/{}|F04B 39/{}|B05B 1/{}"
GROUPS = IPC.split("|")
ROOTS = "Alder|Brenn|Corvo|Dalm|Estra|Fjord|Gral|Hestia|Ibex|Jorun|Kelda|Lumen|Mistra|Norvik|Ostara|Pellin|Quarz|Rivane|Solvik|Tarn"
ENDS = "werke|tec|lab|ik|on|ex|mec|nova|mond|optik|chem|dyn|plast|form"
FORMS = {
    "DE": ("GmbH", "AG", "GmbH & Co. KG"),
    "FR": ("SA", "SAS"),
    "US": ("Inc.", "LLC", "Corp."),
    "EP": ("SE", "B.V."),
}
KANJI = "青空:AOZORA|山河:YAMAKAWA|星野:HOSHINO|白浜:SHIRAHAMA|松風:MATSUKAZE|泉田:IZUMIDA|朝霧:ASAGIRI|竹林:TAKEBAYASHI|海鳴:UMINARI|雪原:YUKIHARA"
TRADES = "電機:DENKI|製作所:SEISAKUSHO|化学:KAGAKU|工業:KOGYO|精密:SEIMITSU"
GIVEN = (
    "Anna|Bruno|Clara|David|Elena|Felix|Greta|Hugo|Ines|Jonas|Karla|Leon|Maria|Nils|Olga|Paul|Rita|Simon|Tina|Viktor"
)
FAMILY = "Ahlgren|Berthold|Castell|Dornfeld|Eschen|Falkner|Grünwald|Hövel|Iversen|Jansson|Kästner|Lindqvist|Moreau|Nyström|Orlov"
FAMILY += (
    "|Peyrac|Quandt|Rössler|Savary|Thibaud|Ullmann|Vasseur|Wendt|Ylinen|Zeller|Bjerke|Caumont|Delorme|Engström|Faure"
)
SIGNS = "LUMARA|VESTIGO|KALORIN|BRIZELLE|ORTANO|FELMORA|TAVISK|QUENDRO|MIRALUX|SORELLE|PANTERA ROSA|GOLDEN OTTER|RED KITE|NOVAFERM|ZELIOS"
SIGNS += "|HARVEST MOON|BLUE LANTERN|CASTELMAR|DRAVIO|ELMSTAR|FIORDAL|GRANVIA|HELIANT|ISOLDE|JUNIPERA|KESTRELLO|LAVENDRY|MONTERIS"
PRODUCTS = "chairs|lamps|bottles|handles|watches|shoes|phone cases|door fittings|kettles|bicycles|sunglasses|bags|clocks|taps|toys|tables"
LOCARNO = "06-01|26-05|09-01|08-06|10-02|02-04|14-03|08-07|07-02|12-11|16-06|03-01|10-01|23-01|21-01|06-03"
WORKS = "Letters from the harbour|The winter orchard|Street scenes|Songs of the mill|A journey north|Portrait of a dancer|Night trains"
WORKS += "|The salt road|Gardens in rain|Market day|The silent bell|Notes on rivers"

LANGUAGES = {"EP": "en", "US": "en", "WO": "en", "DE": "de", "FR": "fr", "JP": "ja"}
EN = "en"


@dataclass(frozen=True)
class Truth:
    """What a line of a feed really is: two lines are the same where `entity` is."""

    entity: str
    right: str
    trap: str = ""


@dataclass
class Feed:
    """One feed: files to load, by provider and collection, and the truth of each of their records in order."""

    name: str
    files: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    """(provider, collection, file name, content)."""
    truths: dict[str, list[Truth]] = field(default_factory=dict)
    """File name → truth by ordinal."""

    def add(self, provider: str, collection: str, file: str, content: bytes, truths: list[Truth]) -> None:
        self.files.append((provider, collection, file, content))
        self.truths[file] = truths

    def write(self, folder: Path) -> list[tuple[str, str, Path]]:
        found = []
        for provider, collection, file, content in self.files:
            path = folder / self.name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            found.append((provider, collection, path))
        return found


@dataclass
class Item:
    """A publication with its truth."""

    publication: Publication
    truth: Truth


class World:
    """Everything is drawn from one seed: the same world each time."""

    def __init__(self, seed: int = 20240201, inventions: int = 1300) -> None:
        self.chance = random.Random(seed)
        self.firms = list(self._firms())
        self.people = [
            Person(
                self.chance.choice(("DE", "FR", "US", "EP")), f"{family}, {given}", f"{family.upper()} {given.upper()}"
            )
            for family in FAMILY.split("|")
            for given in GIVEN.split("|")
        ]
        self.serial = 100
        self.items: list[Item] = []
        for _ in range(inventions):
            self._invention()
        self._used_again()
        self.marks = list(self._marks(inventions // 5))
        self.designs = list(self._designs(inventions // 10))
        self.works = list(self._works(inventions // 20))

    # --- the world ---

    def _firms(self) -> Iterator[Firm]:
        for root in ROOTS.split("|"):
            for end in self.chance.sample(ENDS.split("|"), 4):
                country = self.chance.choice(list(FORMS))
                form = self.chance.choice(FORMS[country])
                yield Firm(
                    "NL" if country == "EP" else country, f"{root}{end} {form}", f"{root}{end} {form}".upper(), ()
                )
        for kanji, latin in (entry.split(":") for entry in KANJI.split("|")):
            for trade, word in (entry.split(":") for entry in TRADES.split("|")):
                yield Firm("JP", f"{kanji}{trade}株式会社", f"{latin} {word} KK", ())

    def _topic(self) -> Topic:
        thing, feature, use = (self.chance.randrange(len(WORDS[name][EN])) for name in ("thing", "feature", "use"))
        titles = {
            "en": f"{WORDS['thing']['en'][thing].capitalize()} {WORDS['feature']['en'][feature]} for {WORDS['use']['en'][use]}",
            "de": f"{WORDS['thing']['de'][thing]} {WORDS['feature']['de'][feature]} für {WORDS['use']['de'][use]}",
            "fr": f"{WORDS['thing']['fr'][thing]} {WORDS['feature']['fr'][feature]} pour {WORDS['use']['fr'][use]}",
            "ja": f"{WORDS['use']['ja'][use]}用の{WORDS['feature']['ja'][feature]}{WORDS['thing']['ja'][thing]}",
        }
        codes = self.chance.sample(range(2, 60), 2)
        ipc = [GROUPS[thing].format(f"{codes[0]:02d}")]
        if self.chance.random() < 0.5:
            ipc.append(GROUPS[(thing + 7) % len(GROUPS)].format(f"{codes[1]:02d}"))
        return Topic(titles["en"], "", tuple(ipc), tuple(ipc), titles, titles, titles)

    def _invention(self) -> None:
        topic, firm = self._topic(), self.chance.choice(self.firms)
        inventors = tuple(self.chance.sample(self.people, self.chance.randint(1, 4)))
        filed = dt.date(2005, 1, 3) + dt.timedelta(days=self.chance.randrange(0, 5400))
        twins = 2 if self.chance.random() < 0.15 else 1
        offices = self.chance.sample(list(LANGUAGES), self.chance.choice((1, 1, 2, 3)))
        for twin in range(twins):
            own = topic
            if twin and self.chance.random() < 0.6:
                own = replace(topic, title={code: f"{title} (II)" for code, title in topic.title.items()})
            self._family(own, firm, inventors, filed, offices, "sibling" if twins > 1 else "")

    def _family(
        self, topic: Topic, firm: Firm, inventors: tuple[Person, ...], filed: dt.date, offices: list[str], trap: str
    ) -> None:
        self.serial += 1
        serial = self.serial
        first = offices[0]
        priority = (first, application(first, filed.year, serial), filed)
        for step, office in enumerate(offices):
            day = filed if step == 0 else filed + dt.timedelta(days=340 + step * 5)
            published = thursday(filed + dt.timedelta(days=550 + step * 7))
            kind = "A" if office in ("JP",) else "A1"
            base = Publication(
                topic=topic,
                office=office,
                number=number(office, kind, published.year, serial),
                kind=kind,
                date=published,
                application=application(office, day.year, serial),
                filed=day,
                priorities=(priority,),
                applicant=firm,
                inventors=inventors,
                languages=(),
                family=str(70_000_000 + serial),
            )
            entity = f"P{serial}/{office}"
            self._put(base, f"{entity}-1", trap or ("family" if len(offices) > 1 else ""))
            if self.chance.random() < 0.25 and office != "WO":
                granted = thursday(published + dt.timedelta(days=900 + self.chance.randrange(300)))
                kind = "B2" if office in ("US", "JP") else "B1" if office == "EP" else "B4" if office == "DE" else "B1"
                stage = replace(base, kind=kind, date=granted)
                if office == "US":
                    stage = replace(stage, number=str(9_000_000 + serial))
                self._put(stage, f"{entity}-2", "stage")
                if office == "EP" and self.chance.random() < 0.2:
                    self._put(
                        replace(stage, kind="B9", date=thursday(granted + dt.timedelta(days=120))),
                        f"{entity}-4",
                        "correction",
                    )
            if office in ("EP", "WO") and self.chance.random() < 0.12:
                later = thursday(published + dt.timedelta(days=90))
                self._put(replace(base, kind="A8" if office == "WO" else "A9", date=later), f"{entity}-3", "correction")
            if office == "EP" and self.chance.random() < 0.08:
                self.serial += 1
                divided = day + dt.timedelta(days=600)
                self._put(
                    replace(
                        base,
                        number=number(office, "A1", divided.year, self.serial),
                        application=application(office, divided.year, self.serial),
                        filed=divided,
                        date=thursday(divided + dt.timedelta(days=200)),
                    ),
                    f"{entity}-5",
                    "divisional",
                )

    def _used_again(self) -> None:
        """Japanese numbers of the nineties: one writing for an application published and another one examined."""
        for serial in range(100_500, 100_540):
            for kind, offset in (("A", 0), ("B2", 220)):
                filed = dt.date(1992, 3, 2) + dt.timedelta(days=serial % 97 + offset)
                self._put(
                    Publication(
                        topic=self._topic(),
                        office="JP",
                        number=f"H05{serial}",
                        kind=kind,
                        date=dt.date(1993, 6, 8) + dt.timedelta(days=7 * (serial % 20)),
                        application=f"H04{serial - 90_000 + offset * 7:06d}",
                        filed=filed,
                        priorities=(),
                        applicant=self.chance.choice(self.firms),
                        inventors=tuple(self.chance.sample(self.people, 2)),
                        languages=(),
                        family=str(69_000_000 + serial + offset),
                    ),
                    f"J{serial}{kind}/JP",
                    "number used again",
                )

    def _put(self, publication: Publication, entity: str, trap: str) -> None:
        self.items.append(Item(publication, Truth(entity, "patent", trap)))

    def _marks(self, size: int) -> Iterator[tuple[Mark, Truth]]:
        signs = SIGNS.split("|")
        for position in range(size):
            sign = signs[position % len(signs)] if position < 3 * len(signs) else self._coined()
            filed = self._day(dt.date(2010, 1, 4), 4500)
            firm = self.chance.choice(self.firms)
            twice = self.chance.random() < 0.15
            for turn in range(2 if twice else 1):
                self.serial += 1
                nice = sorted(self.chance.sample(range(1, 46), self.chance.randint(1, 3)))
                yield (
                    Mark(
                        office="EM",
                        application=f"0{18_000_000 + self.serial}",
                        registration=None,
                        filed=filed,
                        registered=filed + dt.timedelta(days=150 + self.chance.randrange(90)),
                        text=sign,
                        feature=self.chance.choice(("Word", "Figurative")),
                        classes={number_: {EN: f"Goods of class {number_}"} for number_ in nice},
                        vienna=(),
                        holder=firm,
                        status="Registered",
                    ),
                    Truth(f"M{self.serial}", "trademark", "same sign twice" if twice and turn else ""),
                )

    def _day(self, first: dt.date, span: int) -> dt.date:
        """Never a 29 February: terms are counted from it."""
        day = first + dt.timedelta(days=self.chance.randrange(span))
        return day.replace(day=28) if (day.month, day.day) == (2, 29) else day

    def _coined(self) -> str:
        syllables = [
            "ba",
            "be",
            "bo",
            "da",
            "de",
            "do",
            "fa",
            "fi",
            "ga",
            "go",
            "ka",
            "ki",
            "la",
            "li",
            "lo",
            "ma",
            "mi",
            "na",
            "no",
            "pa",
            "pe",
            "ra",
            "ri",
            "ro",
            "sa",
            "se",
            "ta",
            "ti",
            "va",
            "vi",
            "xo",
            "za",
            "zu",
        ]
        return "".join(self.chance.sample(syllables, self.chance.choice((3, 3, 4)))).upper()

    def _designs(self, size: int) -> Iterator[tuple[Design, Truth]]:
        products, classes = PRODUCTS.split("|"), LOCARNO.split("|")
        for _ in range(size):
            self.serial += 1
            kind = self.chance.randrange(len(products))
            filed = self._day(dt.date(2012, 2, 1), 3800)
            firm, designer = self.chance.choice(self.firms), self.chance.choice(self.people)
            several = self.chance.choice((1, 1, 2, 4))
            for index in range(1, several + 1):
                yield (
                    Design(
                        office="EM",
                        application=f"00{5_000_000 + self.serial}",
                        index=f"{index:04d}",
                        filed=filed,
                        registered=filed + dt.timedelta(days=60),
                        product={EN: products[kind]},
                        locarno=classes[kind],
                        views=3,
                        holder=firm,
                        designer=designer,
                    ),
                    Truth(f"D{self.serial}-{index}", "design", "design of one application" if several > 1 else ""),
                )

    def _works(self, size: int) -> Iterator[tuple[Json, Truth]]:
        titles = WORKS.split("|")
        for _ in range(size):
            self.serial += 1
            author = self.chance.choice(self.people).name
            entry = {
                "number": f"{20_200_000 + self.serial}",
                "title": f"{titles[self.serial % len(titles)]}, volume {self.serial % 37}",
                "author": author,
                "isbn": isbn(self.serial) if self.chance.random() < 0.7 else None,
                "date": (dt.date(2015, 1, 1) + dt.timedelta(days=self.serial * 3 % 3000)).isoformat(),
            }
            yield entry, Truth(f"W{self.serial}", "copyright", "")

    # --- the feeds ---

    def feeds(self) -> tuple[Feed, Feed]:
        return self._feed_a(), self._feed_b()

    def _feed_a(self) -> Feed:
        feed = Feed("a")
        held = [item for item in self.items if self._kept()]
        for start in range(0, len(held), 1000):
            part = held[start : start + 1000]
            publications = [
                replace(
                    item.publication,
                    languages=() if self.chance.random() < 0.45 else (LANGUAGES[item.publication.office],),
                )
                for item in part
            ]
            content = docdb(publications, dt.date(2024, 2, 1))
            feed.add("EP", "docdb", f"docdb-{start}.xml", content, [item.truth for item in part])
        marks = [entry for entry in self.marks if self._kept()]
        feed.add("EM", "register", "marks.xml", st66_euipo(m for m, _ in marks), [t for _, t in marks])
        designs = [entry for entry in self.designs if self._kept()]
        feed.add("EM", "register", "designs.xml", st86_euipo(d for d, _ in designs), [t for _, t in designs])
        works = [entry for entry in self.works if self._kept()]
        lines = b"".join(line(work(w, "EM")) for w, _ in works)
        feed.add("EM", "register", "works.jsonl", lines, [t for _, t in works])
        return feed

    def _kept(self) -> bool:
        return self.chance.random() < 0.93

    def _feed_b(self) -> Feed:
        feed = Feed("b")
        spoil = Spoil(self.chance)
        self.used: set[str] = set()
        for name, entries in (
            ("patents.jsonl", [(patent(item.publication, spoil), item.truth) for item in self.items if self._kept()]),
            ("marks.jsonl", [(mark(m, spoil), t) for m, t in self.marks if self._kept()]),
            ("designs.jsonl", [(design(d, spoil), t) for d, t in self.designs if self._kept()]),
            ("works.jsonl", [(work(w, "EM", spoil), t) for w, t in self.works if self._kept()]),
        ):
            self.chance.shuffle(entries)
            feed.add("XN", "mirror", f"b-{name}", b"".join(line(e) for e, _ in entries), [t for _, t in entries])
        return feed


# -------------------------------------------------------------------------------------------------------------- errors


class Spoil:
    """Errors as they are made: mistyped, swapped, cut, left out, told in another language."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.numbers: set[tuple[str, str]] = set()
        """Numbers that feed B holds: no data set holds one twice."""

    def often(self, share: float) -> bool:
        return self.chance.random() < share

    def number(self, written: str, space: str, share: float) -> str:
        """Mistyped, with that share; never into a number that the feed holds already."""
        found = written
        for _ in range(20):
            found = self._mistyped(written) if self.often(share) or (space, found) in self.numbers else written
            if (space, found) not in self.numbers:
                break
        self.numbers.add((space, found))
        return found

    def _mistyped(self, written: str) -> str:
        digits = [n for n, c in enumerate(written) if c.isdigit()][-6:]
        at = self.chance.choice(digits[:-1])
        letters = list(written)
        if self.often(0.4) and letters[at] != letters[at + 1]:
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        else:
            at = self.chance.choice(digits)
            letters[at] = self.chance.choice([d for d in "0123456789" if d != letters[at]])
        return "".join(letters)

    def date(self, day: dt.date, missing: float = 0.03) -> str | None:
        if self.often(missing):
            return None
        if self.often(0.015) and day.day <= 12:
            return day.replace(month=day.day, day=day.month).isoformat()
        if self.often(0.015):
            return (day + dt.timedelta(days=self.chance.choice((-7, -1, 1, 7, 10)))).isoformat()
        return day.isoformat()

    def title(self, text: str) -> str:
        if self.often(0.04) and len(text.split()) > 5:
            text = " ".join(text.split()[:-2])
        if self.often(0.05):
            text = text.upper()
        return self.typo(text, 0.1)

    def typo(self, text: str, share: float) -> str:
        if not self.often(share) or len(text) < 6:
            return text
        at = self.chance.randrange(1, len(text) - 2)
        if self.often(0.5):
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        return text[:at] + text[at + 1 :]

    def firm(self, firm: Firm) -> tuple[str, str | None]:
        """(name, Latin name)."""
        if firm.country == "JP":
            return (firm.name, firm.latin if self.often(0.4) else None) if self.often(0.7) else (firm.latin, None)
        name = firm.name
        if self.often(0.2):
            name = name.rpartition(" ")[0] if "&" not in name else name.split(" ")[0]
        if self.often(0.15):
            name = name.upper()
        return self.typo(name, 0.06), None

    def person(self, person: Person) -> str:
        family, _, given = person.name.partition(", ")
        if self.often(0.15):
            return f"{family}, {given[0]}."
        if self.often(0.3):
            return f"{given} {family}"
        return self.typo(person.name, 0.04)


def patent(p: Publication, spoil: Spoil) -> Json:
    own = LANGUAGES[p.office]
    languages = [own] if spoil.often(0.6) else [EN]
    kind = None if spoil.often(0.015) else p.kind
    written = spoil.number(p.number, f"{p.office}.{kind}", 0.05)
    numbers: list[Json] = [{"type": "publication", "raw": written, "office": p.office}]
    if kind:
        numbers[0]["kind"] = kind
    dates: list[Json] = []
    if day := spoil.date(p.date):
        numbers[0]["date"] = day
        dates.append({"type": "publication", "raw": day})
    if not spoil.often(0.08):
        wrong = spoil._mistyped(p.application) if spoil.often(0.04) else p.application
        numbers.append({"type": "application", "raw": wrong, "office": p.office})
    if day := spoil.date(p.filed, 0.06):
        dates.append({"type": "filing", "raw": day})
    name, latin = spoil.firm(p.applicant)
    parties = [{"role": "applicant", "name": name, "country": p.applicant.country, "entity": "organisation"}]
    if latin:
        parties[0]["latin_name"] = latin
    if not spoil.often(0.12):
        people = list(p.inventors)
        if len(people) > 2 and spoil.often(0.1):
            people.pop()
        parties += [{"role": "inventor", "name": spoil.person(one), "entity": "person"} for one in people]
    entry: Json = {
        "concord_record": 1,
        "right": "patent",
        "office": p.office,
        "language": own,
        "numbers": numbers,
        "dates": dates,
        "texts": [{"type": "title", "text": spoil.title(p.topic.title[code]), "language": code} for code in languages],
        "parties": parties,
        "classifications": [
            {"scheme": "IPC", "symbol": symbol} for symbol in (p.topic.ipc[:1] if spoil.often(0.2) else p.topic.ipc)
        ],
        "priorities": [
            {
                "number": {
                    "type": "application",
                    "raw": spoil._mistyped(claimed) if spoil.often(0.04) else claimed,
                    "office": office,
                },
                "date": day.isoformat(),
            }
            for office, claimed, day in ([] if spoil.often(0.1) else p.priorities)
        ],
    }
    if kind:
        entry["kind"] = kind
    return entry


def mark(m: Mark, spoil: Spoil) -> Json:
    name, _ = spoil.firm(m.holder)
    dates = [("filing", spoil.date(m.filed)), ("registration", spoil.date(m.registered, 0.1) if m.registered else None)]
    return {
        "concord_record": 1,
        "right": "trademark",
        "office": "EM",
        "numbers": [{"type": "application", "raw": spoil.number(m.application, "EM.tm", 0.06), "office": "EM"}],
        "dates": [{"type": type_, "raw": day} for type_, day in dates if day],
        "texts": [{"type": "mark-text", "text": spoil.typo(m.text.title() if spoil.often(0.2) else m.text, 0.06)}],
        "parties": [{"role": "applicant", "name": name, "country": m.holder.country, "entity": "organisation"}],
        "classifications": [
            {"scheme": "NICE", "symbol": str(nice)}
            for nice in (list(m.classes)[:1] if spoil.often(0.08) else m.classes)
        ],
        "mark_feature": m.feature,
    }


def design(d: Design, spoil: Spoil) -> Json:
    name, _ = spoil.firm(d.holder)
    dates = [("filing", spoil.date(d.filed)), ("registration", spoil.date(d.registered, 0.05))]
    written = spoil.number(d.application, f"EM.ds.{d.index}", 0.05)
    return {
        "concord_record": 1,
        "right": "design",
        "office": "EM",
        "numbers": [
            {"type": "registration", "raw": f"{written}-{d.index}", "office": "EM"},
            {"type": "application", "raw": written, "office": "EM"},
        ],
        "dates": [{"type": type_, "raw": day} for type_, day in dates if day],
        "texts": [{"type": "product-indication", "text": spoil.typo(d.product[EN], 0.05), "language": EN}],
        "parties": [
            {"role": "applicant", "name": name, "country": d.holder.country, "entity": "organisation"},
            {"role": "designer", "name": spoil.person(d.designer), "entity": "person"},
        ],
        "classifications": [{"scheme": "LOCARNO", "symbol": d.locarno}],
        "design_index": d.index,
    }


def work(w: Json, office: str, spoil: Spoil | None = None) -> Json:
    title = spoil.title(w["title"]) if spoil else w["title"]
    written = spoil.number(w["number"], "EM.work", 0.05) if spoil else w["number"]
    numbers = [{"type": "work", "raw": written, "office": office}]
    if w["isbn"] and not (spoil and spoil.often(0.1)):
        numbers.append({"type": "isbn", "raw": w["isbn"]})
    return {
        "concord_record": 1,
        "right": "copyright",
        "office": office,
        "numbers": numbers,
        "dates": [{"type": "filing", "raw": w["date"]}],
        "texts": [{"type": "title", "text": title, "language": EN}],
        "parties": [{"role": "author", "name": w["author"], "entity": "person"}],
    }


def line(content: Json) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


# ------------------------------------------------------------------------------------------------------------- numbers


def number(office: str, kind: str, year: int, serial: int) -> str:
    """A publication number in the office's pattern, as DOCDB writes it."""
    return {
        "EP": f"{3_400_000 + serial}",
        "US": f"{year}{300_000 + serial:07d}",
        "WO": f"{year}{200_000 + serial:06d}",
        "DE": f"10{year}{100_000 + serial:06d}",
        "FR": f"{3_100_000 + serial}",
        "JP": f"{year}{500_000 + serial:06d}",
    }[office]


def application(office: str, year: int, serial: int) -> str:
    return {
        "EP": f"{year}{150_000 + serial:06d}",
        "US": f"{year}{17_100_000 + serial}",
        "WO": f"{year}{50_000 + serial:06d}",
        "DE": f"10{year}{100_000 + serial:06d}",
        "FR": f"{year % 100:02d}{50_000 + serial:05d}",
        "JP": f"{year}{100_000 + serial:06d}",
    }[office]


def thursday(day: dt.date) -> dt.date:
    return day + dt.timedelta(days=(3 - day.weekday()) % 7)


def isbn(serial: int) -> str:
    digits = f"978{300_000_000 + serial:09d}"
    check = (10 - sum(int(d) * (3 if n % 2 else 1) for n, d in enumerate(digits)) % 10) % 10
    return f"{digits}{check}"
