"""Write the sample authority files (WIPO ST.37): `python -m samples.authority` renews samples/authority/.

They list the sample publications of this folder's world and some more numbers, so that there are gaps to be found: they
are samples, not any office's own lists. The same input gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from samples.world import Publication, world

FOLDER = Path(__file__).parent / "authority"
NOTICE = "Sample: made up for IP Concord, not an office's list."


@dataclass(frozen=True)
class Line:
    office: str
    number: str
    kind: str
    date: dt.date | None
    exception: str = ""


def listed(office: str) -> list[Line]:
    """The sample publications of an office; after each third one a number that is not held, some with the reason."""
    reasons = ("", "N", "W", "", "M")
    found: list[Line] = []
    extra = 0
    held = {publication.number for publication in of(office)}
    for position, publication in enumerate(sorted(of(office), key=lambda p: (p.number, p.kind))):
        found.append(Line(office, publication.number, publication.kind, publication.date))
        if position % 3 == 2 and publication.number.isdigit():
            number = str(int(publication.number) + 1).zfill(len(publication.number))
            if number in held:
                continue
            reason = reasons[extra % len(reasons)]
            extra += 1
            date = None if reason == "N" else publication.date
            found.append(Line(office, number, "" if reason == "N" else publication.kind, date, reason))
    return found


def of(office: str) -> list[Publication]:
    return [publication for publication in world().publications if publication.office == office]


def text(lines: Iterable[Line]) -> str:
    """ST.37 Annex II: office, number, kind, date, exception code, one publication a line."""
    rows = [f"# {NOTICE}"]
    for line in lines:
        date = f"{line.date:%Y%m%d}" if line.date else ""
        rows.append(",".join((line.office, line.number, line.kind, date, line.exception)).rstrip(","))
    return "\r\n".join(rows) + "\r\n"


def by_schema(office: str, lines: list[Line], produced: dt.date) -> str:
    """ST.37 Annex III: element names as in ST.96."""
    spaces = (
        'xmlns:afp="http://www.wipo.int/standards/XMLSchema/ST37/AuthorityFile" '
        'xmlns:com="http://www.wipo.int/standards/XMLSchema/ST96/Common" '
        'xmlns:pat="http://www.wipo.int/standards/XMLSchema/ST96/Patent"'
    )
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<!-- {NOTICE} -->",
        f"<afp:AuthorityFile {spaces}>",
        "<afp:AuthorityFileDefinition>",
        f"<com:IPOfficeCode>{office}</com:IPOfficeCode>",
        f"<afp:ProductionDate>{produced.isoformat()}</afp:ProductionDate>",
        "<afp:UpdateCategory>Full</afp:UpdateCategory>",
        "</afp:AuthorityFileDefinition>",
    ]
    for line in lines:
        date = f"<pat:PublicationDate>{line.date.isoformat()}</pat:PublicationDate>" if line.date else ""
        kind = f"<com:PatentDocumentKindCode>{line.kind}</com:PatentDocumentKindCode>" if line.kind else ""
        code = (
            f"<afp:PublicationExceptionCode>{line.exception}</afp:PublicationExceptionCode>" if line.exception else ""
        )
        out.append(
            "<afp:AuthorityFileEntry><afp:PatentPublicationIdentification>"
            f"<com:IPOfficeCode>{line.office}</com:IPOfficeCode>"
            f"<pat:PublicationNumber>{escape(line.number)}</pat:PublicationNumber>"
            f"{kind}{date}</afp:PatentPublicationIdentification>{code}</afp:AuthorityFileEntry>"
        )
    return "\n".join([*out, "</afp:AuthorityFile>"]) + "\n"


def by_dtd(office: str, lines: list[Line], produced: dt.date) -> str:
    """ST.37 Annex IV, with the totals by kind and exception that its definition declares."""
    kinds: dict[str, int] = {}
    codes: dict[str, int] = {}
    for line in lines:
        kinds[line.kind] = kinds.get(line.kind, 0) + bool(line.kind)
        codes[line.exception] = codes.get(line.exception, 0) + bool(line.exception)
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<!-- {NOTICE} -->",
        f'<authority-file country="{office}" date-produced="{produced:%Y%m%d}">',
        '<authority-file-definition update-af-category="full" grouped-af-indicator="no">',
        "<data-coverage>",
    ]
    for kind, count in sorted(kinds.items()):
        if count:
            out.append(
                f"<kind-code-coverage><kind>{kind}</kind><document-total-quantity>{count}</document-total-quantity>"
                "</kind-code-coverage>"
            )
    for code, count in sorted(codes.items()):
        if count:
            out.append(
                f"<exception-code-coverage><exception-code>{code}</exception-code>"
                f"<document-total-quantity>{count}</document-total-quantity></exception-code-coverage>"
            )
    out += ["</data-coverage>", "</authority-file-definition>"]
    for line in lines:
        kind = f"<kind>{line.kind}</kind>" if line.kind else ""
        date = f"<date>{line.date:%Y%m%d}</date>" if line.date else ""
        code = f"<exception-code>{line.exception}</exception-code>" if line.exception else ""
        out.append(
            "<authority-file-entry><publication-reference><document-id>"
            f"<country>{line.office}</country><doc-number>{escape(line.number)}</doc-number>{kind}{date}"
            f"</document-id></publication-reference>{code}</authority-file-entry>"
        )
    return "\n".join([*out, "</authority-file>"]) + "\n"


PRODUCED = dt.date(2024, 3, 1)


def contents() -> dict[str, bytes]:
    """File name → content."""
    return {
        "EP_AF_20240301.xml": by_schema("EP", listed("EP"), PRODUCED).encode(),
        "JP_AF_20240301.xml": by_dtd("JP", listed("JP"), PRODUCED).encode(),
        "US_AF_20240301.txt": text(listed("US")).encode(),
    }


def make(folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    make()
