"""JPO: gazette and documents of a file."""

from __future__ import annotations

import zipfile
from pathlib import Path

from indexer.formats.draft import Draft
from indexer.formats.jp import _designations, read_document, read_gazette
from indexer.record import NumberType, PartyRole, RelationType, Right, TextType
from tests.formats.coverage import assert_everything_read, drafts_of, leftovers, unexplained, xml_leftovers

GAZETTE = """<jp-official-gazette kind-of-jp="T" kind-of-st16="A" lang="ja" country="JP" xmlns:jp="http://www.jpo.go.jp">
<bibliographic-data><publication-reference><document-id><country>JP</country><doc-number>2021509175</doc-number>
<kind>公表特許公報(A)</kind><date>20210318</date></document-id></publication-reference>
<application-reference><document-id><doc-number>2020536678</doc-number><date>20181227</date></document-id>
</application-reference>
<classification-ipc><edition/><main-clsf>H01M  10/54        20060101AFI20210219BHJP        </main-clsf>
<further-clsf>B09B   3/00        20060101ALN20210219BHJP</further-clsf></classification-ipc>
<classification-national><country>JP</country><main-clsf facet="ZAB">H01M10/54</main-clsf>
<further-clsf>B09B3/00 304H</further-clsf></classification-national>
<jp:theme-code-info><jp:theme-code>4D004</jp:theme-code></jp:theme-code-info>
<jp:f-term-info><jp:f-term>4D004AA23</jp:f-term></jp:f-term-info>
<pct-or-regional-filing-data><document-id><doc-number>KR2018016728</doc-number></document-id>
</pct-or-regional-filing-data></bibliographic-data>
<claims><claim num="1"><claim-text>請求項一<br/>二行目</claim-text></claim></claims>
<jp:written-amendment-group><jp:written-amendment jp:kind="amendment"><date>20201110</date><jp:amendment-article>
<jp:amendment-group><jp:document-code>A16333</jp:document-code><jp:item-of-amendment>全文</jp:item-of-amendment>
<jp:way-of-amendment>3</jp:way-of-amendment><jp:contents-of-amendment jp:kind-of-document="claims"><claims>
<claim num="1"><claim-text>補正後</claim-text></claim></claims></jp:contents-of-amendment>
</jp:amendment-group></jp:amendment-article>
</jp:written-amendment></jp:written-amendment-group></jp-official-gazette>"""


def gazette() -> Draft:
    [draft] = drafts_of(GAZETTE.encode(), read_gazette)
    return draft


def test_everything_in_the_gazette_is_read(shared_data: Path) -> None:
    files = sorted((shared_data / "st36" / "jp").glob("*.xml"))
    assert len(files) == 4
    assert_everything_read(
        files,
        ("jp-official-gazette",),
        read_gazette,
        {
            "*@id": "numbers the element within its document",
            "*@num": "numbers the element within its document",
            "*@he": "size of an image",
            "*@wi": "size of an image",
            "*@dtd-version": "version of the mark-up",
            "*/agent@kind": "representative",
            "*/classification-ipc/*": "symbol and indicators in one string, taken apart",
            "*/designated-state-code": "list of states, taken apart",
            "*@adopted-law": "how claims are counted",
            "*/filing-form": "on paper or on line",
            "*/total-pages": "count of pages",
            "*@true-or-false": "whether examination was asked for: an event where true",
            "*@kind-of-document": "kind of document amended: type of the text",
            "*@style": "underlining of what an amendment changed",
            "*/overflow/*": "front-page data that found no room in print; they stand in their own elements too",
            "*/claims/*": "lines within a paragraph, put together",
        },
    )


def test_everything_in_documents_of_a_file_is_read(shared_data: Path) -> None:
    [bundle] = (shared_data / "st36" / "jp_api_zip").glob("patent*.zip")
    with zipfile.ZipFile(bundle) as archive:
        members = [archive.read(name) for name in archive.namelist() if name.endswith(".xml")]
    assert len(members) == 2
    not_read = {
        "*@dtd-version": "version of the mark-up",
        "*@kind-of-law": "tells the right",
        "*@appl-type": "application",
        "*@kind-of-agent": "representative",
        "*/phone": "left out by the office, as it says",
        "*@kind-of-document": "kind of document amended: type of the text",
        "*@serial-number": "numbers the element within its document",
        "*@num": "numbers the element within its document",
    }
    for data in members:
        [draft] = drafts_of(data, read_document)
        assert draft.partial
        assert draft.identified_by is NumberType.APPLICATION
        assert [number.raw for number in draft.numbers] == ["2020123456"]
        assert draft.events[0].code in ("A153", "A1523")
        found = xml_leftovers(data, ("pat-amnd", "pat-rspns"), read_document) or leftovers([], [draft])
        assert [each.path for each in unexplained(found, not_read)] == []


def test_the_kind_is_the_code_and_the_name_of_the_gazette_is_kept() -> None:
    draft = gazette()
    assert draft.right is Right.PATENT
    assert draft.kind == "A"
    assert draft.numbers[0].kind == "A"
    assert draft.dates[0].label == "公表特許公報(A)"


def test_classes_with_their_indicators() -> None:
    found = [(each.scheme, each.symbol, each.edition, each.first, each.inventive) for each in gazette().classifications]
    assert found == [
        ("IPC", "H01M 10/54", "20060101", True, True),
        ("IPC", "B09B 3/00", "20060101", False, False),
        ("FI", "H01M10/54", None, True, None),
        ("FI-FACET", "ZAB", None, False, None),
        ("FI", "B09B3/00 304H", None, False, None),
        ("FTERM-THEME", "4D004", None, False, None),
        ("FTERM", "4D004AA23", None, False, None),
    ]


def test_an_amendment_is_an_event_and_leaves_the_claims_as_published() -> None:
    draft = gazette()
    assert [text.text for text in draft.texts if text.type is TextType.CLAIMS] == ["請求項一\n二行目"]
    [event] = draft.events
    assert (event.code, event.event_date) == ("amendment", "20201110")
    assert [(text.type, text.text) for text in event.description] == [
        (TextType.OTHER, "A16333 全文 3"),
        (TextType.CLAIMS, "補正後"),
    ]


def test_designated_states_are_taken_apart() -> None:
    found = [(each.office, each.type) for each in _designations("AP(BW,GH),EP(AT),AE")]
    assert found == [
        ("AP", "regional"),
        ("BW", "regional AP"),
        ("GH", "regional AP"),
        ("EP", "regional"),
        ("AT", "regional EP"),
        ("AE", "national"),
    ]


def test_an_international_application_is_a_number_and_a_relation() -> None:
    draft = gazette()
    assert [number.raw for number in draft.numbers if number.type is NumberType.PCT_APPLICATION] == ["KR2018016728"]
    assert draft.relations[0].type is RelationType.NATIONAL_PHASE_OF


def test_an_amendment_of_the_interface_keeps_the_office_s_blanks_out_of_contacts(shared_data: Path) -> None:
    [bundle] = (shared_data / "st36" / "jp_api_zip").glob("patent*.zip")
    with zipfile.ZipFile(bundle) as archive:
        data = archive.read(next(name for name in archive.namelist() if name.endswith(".xml")))
    [draft] = drafts_of(data, read_document)
    agents = [party for party in draft.parties if party.role is PartyRole.REPRESENTATIVE]
    assert agents
    assert not [phone for agent in agents if agent.address for phone in agent.address.phone]
