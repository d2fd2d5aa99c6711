"""TIPO: the gazette's index and the application service."""

from __future__ import annotations

from pathlib import Path

from indexer.formats import tipo_trademark
from indexer.record import DateType, NumberType, PartyRole, TextType
from tests.formats.coverage import assert_everything_read, drafts_of


def test_every_value_of_both_real_files_is_read_or_left_out_for_a_reason(shared_data: Path) -> None:
    folder = shared_data / "office_specific" / "tipo_trademark"
    assert_everything_read(
        [folder / "tipo_gazette_v49_index.xml"],
        ("RegContent",),
        tipo_trademark.read_gazette,
        {"RegContent@no": "line number", "RegContent/ServiceMark": "flag; kept as a note where true"},
    )
    assert_everything_read(
        [folder / "TmarkAppl_100000001.xml"],
        ("tmarkcontent",),
        tipo_trademark.read_applications,
        {"*/chinese-country-name": "name of the country whose code is read"},
    )


def test_the_gazette_has_2434_marks(shared_data: Path) -> None:
    path = shared_data / "office_specific" / "tipo_trademark" / "tipo_gazette_v49_index.xml"
    drafts = drafts_of(path, tipo_trademark.read_gazette)
    assert len(drafts) == 2434
    assert len({draft.numbers[0].raw for draft in drafts}) == 2434
    assert sum(len([p for p in draft.parties if p.role is PartyRole.OWNER]) for draft in drafts) == 2474
    assert sum(len(draft.classifications) for draft in drafts) == 3244  # 3,245 lines: one mark lists a class twice
    first = drafts[0]
    assert [(n.type, n.raw) for n in first.numbers] == [
        (NumberType.REGISTRATION, "02207609"),
        (NumberType.APPLICATION, "109088843"),
    ]
    assert {(d.type, d.raw) for d in first.dates} == {
        (DateType.FILING, "109.12.15"),
        (DateType.REGISTRATION, "111.03.16"),
        (DateType.EXPIRY, "121.03.15"),
    }


def test_an_application_in_three_scripts(shared_data: Path) -> None:
    path = shared_data / "office_specific" / "tipo_trademark" / "TmarkAppl_100000001.xml"
    (draft,) = drafts_of(path, tipo_trademark.read_applications)
    assert {(t.language, t.format) for t in draft.texts if t.type is TextType.MARK_TEXT} == {
        (None, "tmark-name"),
        ("zh", "tmark-draft-c"),
        ("en", "tmark-draft-e"),
    }
    assert [(c.scheme, c.symbol) for c in draft.classifications] == [("NICE", "041"), ("TW-GOODS-GROUP", "4103")]
    assert next((p.role, p.country) for p in draft.parties) == (PartyRole.APPLICANT, "TW")
    assert len([p for p in draft.parties if p.role is PartyRole.REPRESENTATIVE]) == 2
