"""Write the sample deliveries: `python -m samples.make` renews samples/deliveries/ from the topics, parties and lists.

The same input gives the same bytes. Errors are put in on purpose, each named where it is made.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from samples import pictures, writers
from samples.world import Design, Mark, Publication, World, world

DELIVERIES = Path(__file__).parent / "deliveries"
DOCDB_OFFICES = {"RU", "EA", "MX", "PT", "GB", "TW", "DE", "FR", "BR"}
"""Offices whose publications only the EPO's DOCDB feed delivers here."""


def of(found: World, *offices: str, kinds: str = "") -> list[Publication]:
    return [p for p in found.publications if p.office in offices and p.kind.startswith(kinds)]


def marks_of(found: World, *offices: str) -> list[Mark]:
    return [mark for mark in found.marks if mark.office in offices]


def figurative(marks: Iterable[Mark]) -> dict[str, bytes]:
    """Pictures of the figurative marks among them, by file name."""
    return {writers.mark_file(mark): pictures.mark(mark) for mark in marks if mark.vienna}


def views(designs: Iterable[Design]) -> dict[str, bytes]:
    """Pictures of every view of designs, by file name."""
    return {
        writers.view_file(design, number): pictures.view(design, number)
        for design in designs
        for number in range(1, design.views + 1)
    }


def make(folder: Path = DELIVERIES) -> None:
    """Write every delivery under `folder`, one folder a delivery, named in the order of loading."""
    found = world()
    shutil.rmtree(folder, ignore_errors=True)
    for name, write in RECIPES.items():
        target = folder / name
        target.mkdir(parents=True)
        for file, content in write(found).items():
            (target / file).write_bytes(content)


def docdb(found: World) -> dict[str, bytes]:
    own = [p for p in found.publications if p.office in DOCDB_OFFICES]
    # the same publications that their own offices deliver too: duplicates from a second provider
    twice = [p for p in found.publications if p.office in ("JP", "CN", "KR", "US", "WO")][::3]
    return {"docdb-2024-05.xml": writers.docdb(own + twice, dt.date(2024, 2, 1))}


def docdb_changes(found: World) -> dict[str, bytes]:
    publications = of(found, *DOCDB_OFFICES)
    amended = [
        dataclasses.replace(p, applicant=dataclasses.replace(p.applicant, latin=p.applicant.variants[0].upper()))
        for p in publications[2:6]
    ]
    return {
        "docdb-2024-06-amend.xml": writers.docdb(amended, dt.date(2024, 2, 8), "A"),
        "docdb-2024-06-delete.xml": writers.docdb(publications[6:8], dt.date(2024, 2, 8), "D"),
    }


def ep(found: World) -> dict[str, bytes]:
    return {f"EP{p.number}{p.kind}.xml": writers.ep_full_text(p) for p in of(found, "EP")}


def us(found: World) -> dict[str, bytes]:
    # as the weekly files come: one document after the other
    return {
        "ipa240201.xml": b"".join(writers.us_red_book(p) for p in of(found, "US", kinds="A")),
        "ipg240206.xml": b"".join(writers.us_red_book(p) for p in of(found, "US", kinds="B")),
    }


def wo(found: World) -> dict[str, bytes]:
    return {f"WO{p.number}{p.kind}.xml": writers.st96_patent(p) for p in of(found, "WO")}


def cn(found: World) -> dict[str, bytes]:
    return {f"CN{p.number}{p.kind}.xml": writers.cnipa(p) for p in of(found, "CN")}


def jp(found: World) -> dict[str, bytes]:
    return {f"JP{p.number}{p.kind}.xml": writers.jpo_gazette(p) for p in of(found, "JP")}


def kr(found: World) -> dict[str, bytes]:
    return {
        "patents.xml": writers.kipris_patents(of(found, "KR")),
        "marks.xml": writers.kipris_marks(marks_of(found, "KR")),
        "designs.xml": writers.kipris_designs([d for d in found.designs if d.office == "KR"]),
    }


def em_marks(found: World) -> dict[str, bytes]:
    marks = marks_of(found, "EM")
    return {"em-tm-2024-02.xml": writers.st66_euipo(marks), **figurative(marks)}


def em_marks_update(found: World) -> dict[str, bytes]:
    first, second, third, *_ = marks_of(found, "EM")
    return {
        "em-tm-2024-03-update.xml": writers.st66_euipo(
            [dataclasses.replace(first, status="Expired"), second], "Update", "2024-03-01T08:00:00"
        ),
        "em-tm-2024-03-delete.xml": writers.st66_euipo([third], "Delete", "2024-03-01T08:00:00"),
    }


def em_designs(found: World) -> dict[str, bytes]:
    designs = [d for d in found.designs if d.office == "EM"]
    return {"em-ds-2024-02.xml": writers.st86_euipo(designs), **views(designs)}


def wo_marks(found: World) -> dict[str, bytes]:
    marks = marks_of(found, "WO")
    return {"madrid-2024-05.xml": writers.st96_trademarks(marks), **figurative(marks)}


def wo_designs(found: World) -> dict[str, bytes]:
    filings: dict[str, list[Design]] = {}
    for design in found.designs:
        if design.office == "WO":
            filings.setdefault(design.application, []).append(design)
    files = {
        f"hague-{number.replace('/', '')}.xml": writers.st96_designs(designs) for number, designs in filings.items()
    }
    return files | views(design for designs in filings.values() for design in designs)


def national_marks(office: str) -> Callable[[World], dict[str, bytes]]:
    def write(found: World) -> dict[str, bytes]:
        marks = marks_of(found, office)
        return {f"{office.lower()}-marks.xml": writers.st96_trademarks(marks), **figurative(marks)}

    return write


def works(found: World) -> dict[str, bytes]:
    return {f"{work.number}.xml": writers.st96_orphan_work(work) for work in found.works}


def indications(found: World) -> dict[str, bytes]:
    return {f"{g.office}-{g.number}.xml": writers.st96_indication(g) for g in found.indications}


def es(found: World) -> dict[str, bytes]:
    columns = {
        "publication_number": "numero_publicacion",
        "kind": "tipo",
        "publication_date": "fecha_publicacion",
        "application_number": "numero_solicitud",
        "filing_date": "fecha_solicitud",
        "title": "titulo",
        "abstract": "resumen",
        "applicant": "solicitante",
        "applicant_country": "pais_solicitante",
        "inventor": "inventores",
        "ipc": "cip",
        "priority_number": "prioridad_numero",
        "priority_office": "prioridad_oficina",
        "priority_date": "prioridad_fecha",
    }
    return {"patentes.csv": writers.csv_patents(of(found, "ES"), columns, "es")}


def sa(found: World) -> dict[str, bytes]:
    marks = marks_of(found, "SA")
    lines = [writers.own_patent(p) for p in of(found, "SA")] + [writers.own_mark(m) for m in marks]
    return {"sa-2024-02.jsonl": b"".join(lines), **figurative(marks)}


def faulty(found: World) -> dict[str, bytes]:
    """Errors on purpose: each must be reported, and the good records beside them kept."""
    good, wrong_language, backwards, *_ = of(found, "GB", "FR", "DE")
    wrong_language = dataclasses.replace(
        wrong_language,
        topic=dataclasses.replace(
            wrong_language.topic, title=wrong_language.topic.title | {"fr": wrong_language.topic.title["ja"]}
        ),
    )  # a Japanese title tagged fr
    backwards = dataclasses.replace(
        backwards, date=backwards.filed - dt.timedelta(days=400)
    )  # published before it was filed
    text = writers.docdb([good, wrong_language, backwards], dt.date(2024, 2, 15)).decode()
    cut = writers.docdb(of(found, "RU")[:3], dt.date(2024, 2, 15))
    return {
        "odd-values.xml": text.encode(),
        "no-number.xml": writers.docdb([dataclasses.replace(good, number="")], dt.date(2024, 2, 15)),
        "cut-short.xml": cut[: len(cut) * 2 // 3],
        "not-xml.html": b"<!DOCTYPE html><html><body>503 Service Unavailable (sample)</body></html>",
    }


RECIPES: dict[str, Callable[[World], dict[str, bytes]]] = {
    "01-ep-docdb": docdb,
    "02-ep-fulltext": ep,
    "03-us-redbook": us,
    "04-wo-pct": wo,
    "05-cn-patents": cn,
    "06-jp-gazette": jp,
    "07-kr-kipris": kr,
    "08-es-csv": es,
    "09-sa-json": sa,
    "10-em-marks": em_marks,
    "11-em-designs": em_designs,
    "12-wo-madrid": wo_marks,
    "13-wo-hague": wo_designs,
    **{
        f"2{n}-{office.lower()}-marks": national_marks(office)
        for n, office in enumerate(("US", "CN", "JP", "DE", "FR", "GB", "RU", "BR", "MX"))
    },
    "29-es-sa-marks": national_marks("ES"),
    "30-orphan-works": works,
    "31-indications": indications,
    "40-ep-docdb-changes": docdb_changes,
    "41-em-marks-update": em_marks_update,
    "50-ep-faulty": faulty,
}

if __name__ == "__main__":
    make()
    print(f"{sum(1 for f in DELIVERIES.rglob('*') if f.is_file())} files in {len(RECIPES)} deliveries")
