"""Personal data are what the schema of ST.96 says they are: each annotated element has its place, and what is withheld
is withheld."""

from __future__ import annotations

import io
import json
import re
import tomllib
from pathlib import Path

import pytest
from lxml import etree

from api.access import redaction
from api.access.model import Group, Tier
from api.access.scope import View
from indexer.formats.containers import Member, members
from indexer.formats.draft import Draft
from indexer.formats.reading import Context
from indexer.formats.table import FORMATS, by_name
from indexer.harmonise import Origin, harmonise
from indexer.record import Record
from tests.conftest import PROJECT

XSD = "{http://www.w3.org/2001/XMLSchema}"
CANARY = "canaryzz"


def table() -> dict[str, dict[str, list[str]]]:
    content: dict[str, dict[str, list[str]]] = tomllib.loads((PROJECT / "api/access/fields.toml").read_text("utf-8"))
    return content


def withheld() -> list[str]:
    return [name for names in table()["personal"].values() for name in names]


def groups() -> dict[str, Group]:
    """Annotated element → the group without which it is not shown."""
    others = {n: Group(group) for group in ("images", "full-text", "legal-status") for n in table()["annotated"][group]}
    return others | dict.fromkeys(withheld(), Group.PERSONAL_DATA)


def test_every_annotated_element_has_its_place(shared_data: Path) -> None:
    annotated = set()
    for path in (shared_data / "xsd" / "st96_v6_0_flattened").glob("*.xsd"):
        for element in etree.parse(str(path)).iter(f"{XSD}element", f"{XSD}attribute"):
            notes = element.findall(f"{XSD}annotation/{XSD}appinfo")
            if any((note.text or "").strip() == "PII" for note in notes):
                annotated.add(element.get("name") or element.get("ref"))
    assert len(annotated) > 50
    placed = [*withheld(), *(name for names in table()["annotated"].values() for name in names)]
    assert len(placed) == len(set(placed)), "an element has two places"
    assert set(placed) == annotated


@pytest.fixture(scope="module")
def documents(shared_data: Path) -> dict[tuple[str, str], bytes]:
    """(format, annotated element) → a small ST.96 document that has it."""
    found: dict[tuple[str, str], bytes] = {}
    places = [*groups(), *table()["annotated"]["not-held"]]
    for root in (PROJECT / "samples" / "deliveries", shared_data / "st96"):
        for member in members(root):
            if not isinstance(member, Member) or member.kind != "record" or member.size > 1_000_000:
                continue
            row = next((row for row in FORMATS if row.recognises(member.signature)), None)
            if row is not None and row.name.startswith("st96-"):
                with member.open() as stream:
                    data = stream.read()
                for name in places:
                    if re.search(rb"<(?:\w+:)?%b[ >]" % name.encode(), data):
                        found.setdefault((row.name, name), data)
    return found


def records(format: str, data: bytes) -> list[Record]:
    origin = Origin("QA", "qa-test-x", "QA", 1, "f.xml", "", 0, "0" * 64, format, 1)
    drafts = by_name(format).read(io.BytesIO(data), Context("f.xml", ""))
    made = [harmonise(draft, origin) for draft in drafts if isinstance(draft, Draft)]
    return [record for record in made if isinstance(record, Record)]


def test_what_is_annotated_is_shown_to_those_who_hold_personal_data_alone(
    documents: dict[tuple[str, str], bytes],
) -> None:
    everything = frozenset(Group)
    met = set()
    for (format, name), data in documents.items():
        element = rb"(<(?:\w+:)?%b(?: [^>]*)?>)[^<]*(</(?:\w+:)?%b>)" % (name.encode(), name.encode())
        spoken = re.sub(element, rb"\g<1>%b\g<2>" % CANARY.encode(), data)
        assert CANARY.encode() in spoken
        for record in records(format, spoken):
            held = record.model_dump(mode="json")
            if name not in groups():
                assert CANARY not in json.dumps(held), f"{format}: {name} is held after all"
                continue
            less = redaction.redact(held, View(Tier.CONTENT, everything - {groups()[name]}, ()))
            assert CANARY not in json.dumps(less), f"{format}: {name} is shown without the grant"
            if CANARY in json.dumps(redaction.redact(held, View(Tier.CONTENT, everything, ()))):
                met.add(name)
    assert met >= {"AddressLineText", "EmailAddressText", "Alt"}, "nothing was there to be withheld"
