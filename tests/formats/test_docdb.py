"""DOCDB exchange files, OPS answers and the European Patent Register."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from common.errors import InputError, MalformedInput, UnidentifiedRecord
from indexer.formats import docdb
from indexer.formats.draft import Draft
from indexer.formats.sniff import signature
from indexer.record import DateType, NumberType, PartyRole, RelationType, TextType
from tests.formats.coverage import assert_everything_read, drafts_of, outcomes_of

NOT_READ_DOCDB = {
    "*@doc-id": "key inside DOCDB; the numbers themselves are read",
    "*@is-representative": "which application stands for its simple family inside DOCDB",
    "*/classification-ipcr/text": "taken apart into symbol, edition, position, value, office (test_st36.py)",
    "*/classification-scheme@scheme": "CPCI becomes CPC and `inventive`",
    "*@data-format": "by the writing a number became the main one or a form of it",
    "*/action-date/date": "when the symbol was given to the document",
    "*/patcit@dnum": "the cited number again, in one string",
    "*/patcit@dnum-type": "always `publication number`",
}

NOT_READ_OPS = {
    "*@system": "always ops.epo.org",
    "*@document-id-type": "by the writing a number became the main one or a form of it",
    "*@fulltext-format": "always text-only",
    "*@doc-id": "key inside DOCDB; the numbers themselves are read",
    "*@is-representative": "which application stands for its simple family inside DOCDB",
    "*/priority-active-indicator": "whether the priority counts for DOCDB's family",
    "*/patent-classification@sequence": "order, which is kept",
    "*/classification-ipcr/text": "taken apart into symbols, position, value (test_st36.py)",
    "*/classification-scheme@scheme": "CPCI becomes CPC and `inventive`; UC becomes USPC",
    "*-name/name": "`NAME [US]` is taken apart into name and country (test_names_and_countries)",
    "*/patcit@dnum-type": "always `publication number`",
    "*/citation@cited-by": "only where it says `unknown`",
    "*/citation@cited-phase": "only where it says `undefined`",
    "family-member/legal@dateMigr": "when the event came into the EPO's database",
    "family-member/legal/pre*": "the same event laid out for print",
    "family-member/legal/L00??P@desc": "what the database calls its own columns",
    "family-member/legal/L005EP": "always PI, patent of invention",
    "family-member/legal/L01?EP*": "when the event was put into the database and last exchanged",
    "register-document@dtd-version": "version of the document type",
    "*/bibliographic-data@id": "key inside the Register",
    "*/classification-ipcr@id": "key inside the Register",
    "*/citation@id": "key inside the Register",
    "*@change-date": "when the Register last changed a group; orders the versions of parties",
    "*@change-gazette-num": "Bulletin that announced the change of a group",
    "*/patcit@url": "Espacenet address of a cited document, made of its number",
    "*/applicant@app-type": "always `applicant`",
    "*/applicant@designation": "always `all`",
    "*/agent@rep-type": "always `agent`",
    "*@declaration-of-no-search": "always `not-determined`",
}


@pytest.fixture
def ops_files(shared_data: Path) -> list[Path]:
    return sorted((shared_data / "docdb").glob("ops*/*.xml"))


def test_everything_in_a_real_back_file_is_read(shared_data: Path) -> None:
    files = [shared_data / "docdb/DE-backfile.xml"]
    assert_everything_read(files, ("exchange-document",), docdb.read_docdb, NOT_READ_DOCDB)


def test_everything_in_real_ops_answers_is_read(ops_files: list[Path]) -> None:
    assert_everything_read(ops_files, docdb.OPS_RECORDS, docdb.read_ops, NOT_READ_OPS)


def test_real_answers_yield_their_records(ops_files: list[Path]) -> None:
    counts = {file.name: len(drafts_of(file, docdb.read_ops)) for file in ops_files}
    several = {name: count for name, count in counts.items() if count != 1}
    assert several == {
        "app_EP.13844704.A_biblio.xml": 2,
        "published_ep1000000_full_cycle_result.xml": 2,
        "published_full_cycle_example.xml": 2,
        "published_search_example.xml": 15,
        "published_search_result.xml": 100,
    }
    assert len(counts) == 37


def test_fragments_with_an_undeclared_prefix_are_errors(shared_data: Path) -> None:
    for file in sorted((shared_data / "docdb").glob("WO-*.xml")):
        (error,) = outcomes_of(file, docdb.read_docdb)
        assert isinstance(error, MalformedInput)
        assert "exch" in str(error)
        assert error.place.file == file.name


def exchange(attributes: str, inner: str = "") -> Draft:
    data = (
        '<exch:exchange-documents xmlns:exch="http://www.epo.org/exchange">'
        f"<exch:exchange-document {attributes}>{inner}</exch:exchange-document></exch:exchange-documents>"
    )
    (draft,) = drafts_of(data.encode(), docdb.read_docdb)
    return draft


IDENTITY = 'country="XX" doc-number="1234" kind="A1" date-publ="20200102" family-id="777"'


@pytest.mark.parametrize(("status", "operation"), [("C", "upsert"), ("A", "upsert"), ("D", "delete"), ("DV", "delete")])
def test_create_amend_delete(status: str, operation: str) -> None:
    draft = exchange(f'{IDENTITY} status="{status}"')
    assert draft.operation == operation
    (number,) = draft.numbers
    assert (number.type, number.raw, number.office, number.kind) == (NumberType.PUBLICATION, "1234", "XX", "A1")
    assert [(date.type, date.raw) for date in draft.dates] == [(DateType.PUBLICATION, "20200102")]
    assert [(family.identifier, family.definition) for family in draft.families] == [("777", "docdb-simple")]


def test_writings_of_one_number_are_one_number() -> None:
    draft = exchange(
        IDENTITY,
        '<exch:bibliographic-data><exch:application-reference data-format="original"><document-id>'
        "<doc-number>2000/001988</doc-number></document-id></exch:application-reference>"
        '<exch:application-reference data-format="docdb"><document-id><country>XX</country>'
        "<doc-number>2000001988</doc-number><kind>A</kind><date>19980804</date></document-id>"
        "</exch:application-reference></exch:bibliographic-data>",
    )
    application = next(number for number in draft.numbers if number.type is NumberType.APPLICATION)
    assert (application.raw, application.date, application.forms) == ("2000001988", "19980804", ["2000/001988"])
    assert ("filing", "19980804") in [(date.type.value, date.raw) for date in draft.dates]


def test_priorities_repeated_for_each_writing_are_one_priority() -> None:
    def claim(writing: str, inner: str) -> str:
        return (
            f'<exch:priority-claim sequence="1" data-format="{writing}"><document-id>{inner}</document-id>'
            "</exch:priority-claim>"
        )

    draft = exchange(
        IDENTITY,
        "<exch:bibliographic-data><exch:priority-claims>"
        + claim("docdb", "<country>US</country><doc-number>8359798</doc-number><kind>A</kind><date>19980522</date>")
        + claim("epodoc", "<doc-number>US19980083597</doc-number>")
        + "</exch:priority-claims></exch:bibliographic-data>",
    )
    (priority,) = draft.priorities
    assert (priority.number.raw, priority.number.office, priority.date) == ("8359798", "US", "19980522")
    assert priority.number.forms == ["US19980083597"]


@pytest.mark.parametrize("odd", ["²", "9" * 5000, "-1", "first", "٣"])
def test_sequence_numbers_that_are_none_are_left_out(odd: str) -> None:
    draft = exchange(
        IDENTITY,
        f'<exch:bibliographic-data><exch:priority-claims><exch:priority-claim sequence="{odd}" data-format="docdb">'
        "<document-id><doc-number>1</doc-number></document-id></exch:priority-claim></exch:priority-claims>"
        "</exch:bibliographic-data>",
    )
    assert [priority.sequence for priority in draft.priorities] == [None]


def test_names_and_countries() -> None:
    def applicant(writing: str, name: str) -> str:
        return (
            f'<exch:applicant sequence="1" data-format="{writing}"><exch:applicant-name><name>{name}</name>'
            "</exch:applicant-name></exch:applicant>"
        )

    draft = exchange(
        IDENTITY,
        "<exch:bibliographic-data><exch:parties><exch:applicants>"
        + applicant("epodoc", "SAMPLE KK [JP]")
        + applicant("original", "見本株式会社, ")
        + "</exch:applicants></exch:parties></exch:bibliographic-data>",
    )
    (party,) = draft.parties
    assert (party.role, party.name, party.country) == (PartyRole.APPLICANT, "見本株式会社", "JP")
    assert (party.latin_name, party.other_names) == ("SAMPLE KK", ["SAMPLE KK"])


def test_family_members_are_relations() -> None:
    draft = exchange(
        IDENTITY,
        "<exch:patent-family><exch:family-member>"
        '<exch:application-reference data-format="docdb"><document-id><country>YY</country><doc-number>55</doc-number>'
        "<kind>A</kind></document-id></exch:application-reference>"
        '<exch:publication-reference data-format="docdb" sequence="1"><document-id><country>YY</country>'
        "<doc-number>66</doc-number><kind>B1</kind></document-id></exch:publication-reference>"
        '<exch:publication-reference data-format="epodoc" sequence="1"><document-id><doc-number>YY66</doc-number>'
        "</document-id></exch:publication-reference></exch:family-member></exch:patent-family>",
    )
    found = [(r.type, r.number and (r.number.type, r.number.raw, r.number.forms)) for r in draft.relations]
    assert found == [
        (RelationType.RELATED, (NumberType.PUBLICATION, "66", ["YY66"])),
        (RelationType.RELATED, (NumberType.APPLICATION, "55", [])),
    ]


def test_full_text_alone_is_a_partial_record(shared_data: Path) -> None:
    (draft,) = drafts_of(shared_data / "docdb/ops2019/pub_CA.2944968.A1_claims.xml", docdb.read_ops)
    assert draft.partial
    assert [(number.raw, number.office, number.kind) for number in draft.numbers] == [("2944968", "CA", "A1")]
    (claims,) = draft.texts
    assert (claims.type, claims.language) == (TextType.CLAIMS, "EN")
    assert claims.text.count("\n") >= 10


def test_legal_events(shared_data: Path) -> None:
    (draft,) = drafts_of(shared_data / "docdb/ops/legal_example_2.xml", docdb.read_ops)
    assert draft.partial
    assert len(draft.events) == 51
    first = draft.events[0]
    assert (first.code, first.scheme, first.office) == ("17Q", "INPADOC", "EP")
    assert (first.event_date, first.effective_date) == ("2002-06-05", "20020423")
    words = [text.text for event in draft.events for text in event.description]
    assert any(word.startswith("Ref Legal Event Code: FG4D (EUROPEAN PATENT") for word in words)


def test_image_inquiry_refers_to_images_and_fetches_none(shared_data: Path) -> None:
    (draft,) = drafts_of(shared_data / "docdb/ops2019/pub_CA.2944968.A1_images.xml", docdb.read_ops)
    assert [(image.type, image.reference, image.format) for image in draft.images] == [
        ("document-page", "published-data/images/CA/2944968/A1/fullimage", "application/pdf, application/tiff"),
        ("drawing", "published-data/images/CA/2944968/A1/thumbnail", "application/pdf, application/tiff"),
    ]


def test_hit_list_lines_are_partial_records_and_the_question_is_none(shared_data: Path) -> None:
    drafts = drafts_of(shared_data / "docdb/ops/published_search_example.xml", docdb.read_ops)
    assert all(draft.partial and draft.families and len(draft.numbers) == 1 for draft in drafts)
    (legal,) = drafts_of(shared_data / "docdb/ops2019/legal_publication_docdb_CA.2300029.C.xml", docdb.read_ops)
    # the publication that was asked for, kind `C#`, is no record
    assert {number.kind for number in legal.numbers} == {"C", "A"}


def test_register_dossier(shared_data: Path) -> None:
    (draft,) = drafts_of(shared_data / "docdb/ops2019/register_EP.3082535.A1_biblio.xml", docdb.read_ops)
    assert draft.identified_by is NumberType.APPLICATION
    assert draft.kind is None
    assert [(number.type, number.raw) for number in draft.numbers] == [
        (NumberType.PUBLICATION, "3082535"),
        (NumberType.APPLICATION, "14833316"),
        (NumberType.PCT_PUBLICATION, "2015095864"),
        (NumberType.PCT_APPLICATION, "WO2014US71849"),
    ]
    assert [date.raw for date in draft.dates if date.type is DateType.PUBLICATION] == ["20161026"]
    # three versions of the six inventors are six inventors
    assert Counter(party.role for party in draft.parties)[PartyRole.INVENTOR] == 6
    (status,) = [event for event in draft.events if event.current]
    assert (status.code, status.event_date) == ("14", "20180615")
    assert len(draft.designations) > 30
    assert len(draft.classifications) == 5


def test_register_steps() -> None:
    data = (
        b'<reg:register-document xmlns:reg="http://www.epo.org/register"><reg:bibliographic-data>'
        b"<reg:application-reference><reg:document-id><reg:country>EP</reg:country>"
        b"<reg:doc-number>15000001</reg:doc-number></reg:document-id></reg:application-reference></reg:bibliographic-data><reg:procedural-data>"
        b'<reg:procedural-step procedure-step-phase="undefined">'
        b"<reg:procedural-step-code>RFEE</reg:procedural-step-code>"
        b'<reg:procedural-step-text step-text-type="STEP_DESCRIPTION">Renewal fee payment</reg:procedural-step-text>'
        b'<reg:procedural-step-date step-date-type="DATE_OF_PAYMENT"><reg:date>20171113</reg:date>'
        b"</reg:procedural-step-date></reg:procedural-step></reg:procedural-data></reg:register-document>"
    )
    (draft,) = drafts_of(data, docdb.read_ops)
    (step,) = draft.events
    assert (step.code, step.scheme, step.event_date) == ("RFEE", "EP-REGISTER-STEP", "20171113")
    assert [text.text for text in step.description] == ["Renewal fee payment", "DATE_OF_PAYMENT: 20171113"]


def test_a_broken_record_costs_only_itself() -> None:
    good = f"<exchange-document {IDENTITY}/>"
    data = f"<exchange-documents>{good}<exchange-document {IDENTITY}><a></exchange-document>{good}</exchange-documents>"
    outcomes = outcomes_of(data.encode(), docdb.read_docdb)
    assert [type(outcome) for outcome in outcomes] == [Draft, MalformedInput, Draft]
    error = outcomes[1]
    assert isinstance(error, InputError)
    assert error.place.ordinal == 1


def test_a_publication_without_a_number_does_not_pass_for_its_application() -> None:
    data = (
        b'<exchange-document country="XX" doc-number="" kind="A1"><bibliographic-data><publication-reference '
        b'data-format="epodoc"><document-id><doc-number>XX</doc-number></document-id></publication-reference>'
        b'<application-reference data-format="docdb"><document-id><country>XX</country><doc-number>5</doc-number>'
        b"</document-id></application-reference></bibliographic-data></exchange-document>"
    )
    (error,) = outcomes_of(data, docdb.read_docdb)
    assert isinstance(error, UnidentifiedRecord)
    assert (error.place.ordinal, error.place.field) == (0, "publication-reference")


def test_a_hundred_thousand_parties_are_read_in_linear_time() -> None:
    many = 100_000
    inventors = "".join(
        f'<inventor sequence="{n}" data-format="docdb"><inventor-name><name>N{n}</name></inventor-name></inventor>'
        for n in range(many)
    )
    parties = f"<parties><inventors>{inventors}</inventors></parties>"
    started = time.process_time()
    draft = exchange(IDENTITY, f"<exch:bibliographic-data>{parties}</exch:bibliographic-data>")
    assert len(draft.parties) == many
    assert time.process_time() - started < 30, "seconds of CPU; a quadratic reader takes minutes"


MEMORY = """
import resource, sys
from indexer.formats import docdb
from indexer.formats.reading import Context

class Endless:
    "A back file of `size` bytes that is written while it is read."
    def __init__(self, record, size):
        self.record, self.left, self.pending = record, size // len(record), b"<exchange-documents>"
    def read(self, size=-1):
        while self.left and len(self.pending) < size:
            many = min(self.left, 64)
            self.pending += self.record * many
            self.left -= many
            if not self.left:
                self.pending += b"</exchange-documents>"
        taken, self.pending = self.pending[:size], self.pending[size:]
        return taken

text = b"<p>" + (b"w" * 499 + b" ") * 100 + b"</p>"
start = b'<exchange-document country="XX" doc-number="1" kind="A1"><abstract lang="en">'
record = start + text + b"</abstract></exchange-document>"
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(1 for _ in docdb.read_docdb(Endless(record, 200 * 1024 * 1024), Context("big.xml")))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(count, (after - before) // 1024)
"""


def test_memory_stays_flat_over_200_megabytes() -> None:
    """A process of its own, since peak memory is a process's; ru_maxrss counts KiB on Linux."""
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True, timeout=120)
    count, megabytes = map(int, done.stdout.split())
    assert count > 4000
    assert megabytes < 60


def test_recognised_by_their_roots() -> None:
    by_name = {row.name: row for row in docdb.FORMATS}
    assert by_name["docdb"].recognises(
        signature(b'<exch:exchange-documents xmlns:exch="http://www.epo.org/exchange"/>')
    )
    assert by_name["ops"].recognises(signature(b'<ops:world-patent-data xmlns:ops="http://ops.epo.org"/>'))
    assert not by_name["docdb"].recognises(signature(b"<world-patent-data/>"))
