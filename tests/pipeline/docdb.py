"""Small DOCDB deliveries of our own for tests: invented numbers and words, the element names of the exchange format."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

OPEN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<exch:exchange-documents xmlns:exch="http://www.epo.org/exchange" date-of-exchange="20240101">\n'
)
CLOSE = "</exch:exchange-documents>\n"

UNIDENTIFIED = (
    '<exch:exchange-document country="EP" status="C"><exch:bibliographic-data>'
    '<exch:invention-title lang="en">A thing without any number</exch:invention-title>'
    "</exch:bibliographic-data></exch:exchange-document>\n"
)
"""A record that cannot be identified: always rejected."""


FIRST = 5_000_000
"""The number of the publication at position 0."""


def number(position: int) -> str:
    return str(FIRST + position)


def record_id(position: int, provider: str = "EP") -> str:
    return f"{provider.lower()}-patent-default.EP{number(position)}.A1"


def document(position: int, title: str = "", *, status: str = "C", kind: str = "A1") -> str:
    """One publication. `status`: C create, A amend, D delete."""
    title = title or f"Valve arrangement number {position} for a heat pump"
    identity = (
        f"<document-id><country>EP</country><doc-number>{number(position)}</doc-number><kind>{kind}</kind>"
        "<date>20230104</date></document-id>"
    )
    application = (
        f"<document-id><country>EP</country><doc-number>{22_000_000 + position}</doc-number><kind>A</kind>"
        "<date>20210701</date></document-id>"
    )
    return (
        f'<exch:exchange-document country="EP" doc-number="{number(position)}" kind="{kind}" date-publ="20230104" '
        f'family-id="{70_000_000 + position}" status="{status}">'
        "<exch:bibliographic-data>"
        f'<exch:publication-reference data-format="docdb">{identity}</exch:publication-reference>'
        "<exch:classifications-ipcr><classification-ipcr><text>F25B  41/20        20210101AFI20230104BHEP        "
        "</text></classification-ipcr></exch:classifications-ipcr>"
        f'<exch:application-reference data-format="docdb">{application}</exch:application-reference>'
        '<exch:parties><exch:applicants><exch:applicant sequence="1" data-format="docdb"><exch:applicant-name>'
        "<name>SAMPLE VALVES LTD</name></exch:applicant-name><residence><country>GB</country></residence>"
        "</exch:applicant></exch:applicants></exch:parties>"
        f'<exch:invention-title lang="en" data-format="docdba">{escape(title)}</exch:invention-title>'
        "</exch:bibliographic-data>"
        f'<exch:abstract lang="en" data-format="docdba"><exch:p>A valve with a seat and a spring. {escape(title)}.'
        "</exch:p></exch:abstract>"
        "</exch:exchange-document>\n"
    )


def write(path: Path, documents: Iterable[str]) -> Path:
    """One exchange file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as target:
        target.write(OPEN)
        target.writelines(documents)
        target.write(CLOSE)
    return path
