"""RIS, what reference managers read: one entry a record, tags as the format's description lists them.

TY is PAT for patents and GEN for the other rights, for which RIS has no type.
"""

from __future__ import annotations

import re

from indexer.record import DateType, NumberType, PartyRole, Record, Right, TextType

LINES = re.compile(r"\s+")
CREATORS = (PartyRole.INVENTOR, PartyRole.DESIGNER, PartyRole.AUTHOR)
HOLDERS = (PartyRole.APPLICANT, PartyRole.OWNER)
TITLES = (TextType.TITLE, TextType.MARK_TEXT, TextType.PRODUCT_INDICATION, TextType.GI_PRODUCT)
ABSTRACTS = (TextType.ABSTRACT, TextType.GOODS_SERVICES, TextType.WORK_DESCRIPTION)
PUBLISHED = (DateType.PUBLICATION, DateType.REGISTRATION, DateType.GRANT)


def entry(record: Record) -> bytes:
    """The entry of one record, with the empty line that ends it."""
    lines = [("TY", "PAT" if record.right is Right.PATENT else "GEN")]
    titles = record.texts_of(*TITLES)
    lines += [("TI" if place == 0 else "TT", text.text) for place, text in enumerate(titles[:2])]
    creators = record.parties_as(*CREATORS)
    lines += [("AU", party.name) for party in creators]
    # A reference without authors is hard to find again: then its holders stand there.
    lines += [("A2" if creators else "AU", party.name) for party in record.parties_as(*HOLDERS)]
    day = record.date(*PUBLISHED)
    if day is not None:
        lines += [("PY", f"{day:%Y}"), ("DA", f"{day:%Y/%m/%d}")]
    number = record.number(NumberType.PUBLICATION, NumberType.REGISTRATION, NumberType.APPLICATION)
    if number is not None:
        lines.append(("SN", f"{number.canonical or number.raw}{record.kind or ''}"))
    application = record.number(NumberType.APPLICATION)
    if application is not None:
        lines.append(("C1", application.canonical or application.raw))
    lines += [("AB", text.text) for text in record.texts_of(*ABSTRACTS)[:1]]
    lines += [("KW", f"{one.scheme} {one.symbol}") for one in record.classifications]
    lines += [("PB", record.office), ("LA", record.language or ""), ("ID", record.id), ("DB", "IP Concord"), ("ER", "")]
    written = [f"{tag}  - {LINES.sub(' ', value).strip()}" for tag, value in lines if value or tag == "ER"]
    return ("\r\n".join(written) + "\r\n\r\n").encode()
