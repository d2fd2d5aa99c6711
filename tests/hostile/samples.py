"""One small delivery of each format, to be spoilt in every way."""

from __future__ import annotations

import json
from pathlib import Path

from api.exchange.writers import write
from indexer.formats.containers import Member, members
from indexer.formats.table import FORMATS
from indexer.harmonise import harmonise
from indexer.harmonise.origin import Origin
from indexer.record import Record
from samples import writers
from samples.world import world
from tests.formats.test_own import CSV, RECORD
from tests.formats.test_st36 import SAMPLE as ST36
from tests.formats.test_st96_copyright import SAMPLE as ORPHAN_WORK
from tests.hostile.spoiling import drafts, errors, read

LARGEST = 4_000_000


GAZETTE = '<RegContentList total-count="3">{}</RegContentList>'.format(
    "".join(
        f'<RegContent no="{n}"><CaseNo>10900000{n}</CaseNo><RegisterNo>0220000{n}</RegisterNo>'
        f"<Trademark_Name>樣本 {n}</Trademark_Name><Filing_Date>109.12.15</Filing_Date>"
        f"<RegContentClassification><Class>00{n}</Class></RegContentClassification>"
        f"<RegContentOwner><AChinese>樣本公司</AChinese></RegContentOwner></RegContent>"
        for n in range(1, 4)
    )
).encode()


def collect(real: Path) -> dict[str, bytes]:
    """Format → the smallest member of it among the real files; ours where there are no real ones."""
    found: dict[str, bytes] = {
        "st96-orphan-work": ORPHAN_WORK,
        "concord-json-lines": b"".join(json.dumps(RECORD).encode() + b"\n" for _ in range(3)),
        "concord-csv": CSV.encode(),
        "tipo-trademark-gazette": GAZETTE,
        "st36": ST36.encode(),
        "st97-json": st97(),
    }
    for member in members(real):
        if not isinstance(member, Member) or member.kind != "record" or member.size > LARGEST:
            continue
        row = next((row for row in FORMATS if row.recognises(member.signature)), None)
        if row is not None and member.size < len(found.get(row.name, b" " * LARGEST)):
            with member.open() as stream:
                data = stream.read()
            outcomes = read(row.name, data)
            if drafts(outcomes) and not errors(outcomes):
                found[row.name] = data
    return found


def st97() -> bytes:
    """A sample patent as the platform writes it in ST.97-style JSON."""
    publication = next(p for p in world().publications if p.office == "EP")
    (draft,) = drafts(read("ep-full-text", writers.ep_full_text(publication)))
    origin = Origin("EP", "ep-patent-samples", "EP", 1, "f.xml", "", 0, "0" * 64, "ep-full-text", 1)
    record = harmonise(draft, origin)
    assert isinstance(record, Record)
    return write(record, "st97", verified=False).data
