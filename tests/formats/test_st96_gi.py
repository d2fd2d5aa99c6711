"""ST.96 geographical indications."""

from __future__ import annotations

from pathlib import Path

from indexer.formats import st96_gi
from indexer.record import PartyRole, Right, TextType
from tests.formats.coverage import assert_everything_read, drafts_of

NOT_READ = {
    "*@schemaLocation": "where the schema is",
    "*@st96Version": "version of the schema",
    "*@sequenceNumber": "order, which is kept",
    "*/ClassificationKindCode": "becomes the scheme of the class",
    "*@geographicRegionDescriptionCategory": "kind of boundary",
    "*/PaymentBag/*": "the fee's payment",
}


def test_every_value_of_the_real_file_is_read_or_left_out_for_a_reason(shared_data: Path) -> None:
    path = shared_data / "st96" / "wipo" / "GIApplication_Example.xml"
    assert_everything_read([path], ("GIApplication",), st96_gi.read, NOT_READ)


def test_the_real_file_in_detail(shared_data: Path) -> None:
    (draft,) = drafts_of(shared_data / "st96" / "wipo" / "GIApplication_Example.xml", st96_gi.read)
    assert draft.right is Right.GI
    assert (draft.office, draft.language) == ("FR", "fr")
    assert [n.raw for n in draft.numbers] == ["IG 18-002"]
    assert [c.symbol for c in draft.classifications] == ["24", "27"]
    assert len([p for p in draft.parties if p.role is PartyRole.USER]) == 10
    assert {t.language for t in draft.texts if t.type in (TextType.TITLE, TextType.MARK_TRANSLATION)} == {"fr", "en"}
    assert len([t for t in draft.texts if t.type is TextType.GI_PRODUCT]) == 2
