"""The sample world written in the formats that offices deliver in. One function a format; each returns the bytes of a file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from samples.world import NATIVE, Design, Indication, Mark, Person, Publication, Work

NOTE = "<!-- Sample made by samples/make.py. Not data of any office; names and numbers are made up. -->"
COM = "http://www.wipo.int/standards/XMLSchema/ST96/Common"
PAT = "http://www.wipo.int/standards/XMLSchema/ST96/Patent"
TMK = "http://www.wipo.int/standards/XMLSchema/ST96/Trademark"
DGN = "http://www.wipo.int/standards/XMLSchema/ST96/Design"
CPY = "http://www.wipo.int/standards/XMLSchema/ST96/Copyright"
GIN = "http://www.wipo.int/standards/XMLSchema/ST96/GeographicalIndication"
IPC = re.compile(r"^([A-H])(\d\d)([A-Z]) (\d+)/(\d+)$")


def x(tag: str, *content: str | None, **attributes: str | None) -> str:
    """An element; `content` is mark-up already, attributes are escaped (`_` stands for `-`, `__` for `:`)."""
    written = "".join(
        f" {key.replace('__', ':').replace('_', '-')}={quoteattr(value)}"
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(part for part in content if part)
    return f"<{tag}{written}>{inner}</{tag}>" if inner else f"<{tag}{written}/>"


def t(tag: str, value: object, **attributes: str | None) -> str:
    """An element with text; nothing where there is no text."""
    return "" if value in (None, "") else x(tag, escape(str(value)), **attributes)


def compact(date: dt.date) -> str:
    return date.strftime("%Y%m%d")


def ipc_parts(symbol: str) -> tuple[str, str, str, str, str]:
    match = IPC.match(symbol)
    assert match, symbol
    return match.groups()  # type: ignore[return-value]


def document(root: str, declaration: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    return f"{declaration}\n{NOTE}\n{root}\n".encode()


# --- patents ---------------------------------------------------------------------------------------------------------


def docdb(publications: Iterable[Publication], exchanged: dt.date, status: str = "C") -> bytes:
    """EPO DOCDB exchange file. `status`: C create, A amend, D delete."""
    records = "\n".join(docdb_record(publication, exchanged, status) for publication in publications)
    return document(
        f'<exch:exchange-documents xmlns:exch="http://www.epo.org/exchange" date-of-exchange="{compact(exchanged)}" dtd-version="2.5.9" '
        f'file="SAMPLE-DOCDB-{compact(exchanged)}">\n{records}\n</exch:exchange-documents>'
    )


def _document_id(country: str, number: str, kind: str | None = None, date: dt.date | None = None) -> str:
    return x(
        "document-id",
        t("country", country),
        t("doc-number", number),
        t("kind", kind),
        t("date", date and compact(date)),
    )


def docdb_record(p: Publication, exchanged: dt.date, status: str = "C") -> str:
    head = {
        "country": p.office,
        "doc_number": p.number,
        "kind": p.kind,
        "family_id": p.family,
        "date_publ": compact(p.date),
    }
    if status == "D":
        return x("exch:exchange-document", status="D", **head)
    titles = [
        x("exch:invention-title", escape(p.topic.title[code]), lang=code, data_format="docdba")
        for code in dict.fromkeys((*p.languages, "en"))
    ]
    body = x(
        "exch:bibliographic-data",
        x("exch:publication-reference", _document_id(p.office, p.number, p.kind, p.date), data_format="docdb"),
        x(
            "exch:publication-reference",
            x("document-id", t("doc-number", f"{p.office}{p.number}")),
            data_format="epodoc",
        ),
        x(
            "exch:classifications-ipcr",
            *(
                x(
                    "classification-ipcr",
                    t(
                        "text",
                        f"{s}{c}{u} {int(g):>3}/{h:<6}20060101A{'F' if n == 0 else 'L'}I{compact(p.date)}BH{p.office}        ",
                    ),
                    sequence=str(n + 1),
                )
                for n, (s, c, u, g, h) in enumerate(ipc_parts(symbol) for symbol in p.topic.ipc)
            ),
        ),
        x(
            "exch:patent-classifications",
            *(
                x(
                    "patent-classification",
                    t("classification-scheme", "", office="EP", scheme="CPCI"),
                    t("classification-symbol", symbol),
                    sequence=str(n + 1),
                )
                for n, symbol in enumerate(p.topic.cpc)
            ),
        ),
        x(
            "exch:application-reference",
            _document_id(p.office, p.application, "W" if p.office == "WO" else "A", p.filed),
            data_format="docdb",
        ),
        x(
            "exch:priority-claims",
            *(
                x(
                    "exch:priority-claim",
                    _document_id(office, number, "A", date),
                    t("exch:priority-active-indicator", "YES"),
                    sequence=str(n + 1),
                    data_format="docdb",
                )
                for n, (office, number, date) in enumerate(p.priorities)
            ),
        ),
        x(
            "exch:parties",
            x(
                "exch:applicants",
                x(
                    "exch:applicant",
                    x("exch:applicant-name", t("name", p.applicant.latin)),
                    x("residence", t("country", p.applicant.country)),
                    sequence="1",
                    data_format="docdb",
                ),
                x(
                    "exch:applicant",
                    x("exch:applicant-name", t("name", p.applicant.name)),
                    sequence="1",
                    data_format="original",
                ),
            ),
            x(
                "exch:inventors",
                *(
                    x(
                        "exch:inventor",
                        x("exch:inventor-name", t("name", person.latin)),
                        x("residence", t("country", person.country)),
                        sequence=str(n + 1),
                        data_format="docdb",
                    )
                    for n, person in enumerate(p.inventors)
                ),
            ),
        ),
        *titles,
        x(
            "exch:references-cited",
            *(
                x(
                    "exch:citation",
                    x("patcit", _document_id(c[:2], c[2:-2], c[-2:]), num=str(n + 1), dnum_type="publication number"),
                    t("category", "A"),
                    cited_phase="SEA",
                    sequence=str(n + 1),
                )
                for n, c in enumerate(p.cites)
            ),
        )
        if p.cites
        else "",
    )
    abstracts = "".join(
        x("exch:abstract", t("exch:p", p.topic.abstract[code]), lang=code, data_format="docdba", abstract_source="EPO")
        for code in p.languages
    )
    return x(
        "exch:exchange-document",
        body,
        abstracts,
        status=status,
        date_of_last_exchange=compact(exchanged),
        originating_office="EP",
        is_representative="NO",
        **head,
    )


def _people(tag: str, person: Person, street: str) -> str:
    return x(tag, t("snm", person.name), x("adr", t("str", street), t("city", "Sampletown"), t("ctry", person.country)))


def ep_full_text(p: Publication) -> bytes:
    """EPO full text, ep-patent-document 1.5 (ST.36, SDOBI)."""
    granted = p.kind.startswith("B")
    titles = "".join(t("B541", code) + t("B542", p.topic.title[code]) for code in ("de", "en", "fr"))
    bibliography = x(
        "SDOBI",
        x("B000", x("eptags", t("B001EP", "DEESFRGB"))),
        x(
            "B100",
            t("B110", p.number),
            x("B120", t("B121", "EUROPEAN PATENT SPECIFICATION" if granted else "EUROPEAN PATENT APPLICATION")),
            t("B130", p.kind),
            x("B140", t("date", compact(p.date))),
            t("B190", "EP"),
        ),
        x(
            "B200",
            t("B210", f"{p.application[2:]}.{sum(map(int, p.application)) % 10}"),
            x("B220", t("date", compact(p.filed))),
            t("B250", "en"),
            t("B260", "en"),
        ),
        x(
            "B300",
            *(
                t("B310", number) + x("B320", t("date", compact(date))) + x("B330", t("ctry", office))
                for office, number, date in p.priorities
            ),
        ),
        x(
            "B400",
            x(
                "B405",
                t("date", compact(p.date)),
                t("bnum", f"{p.date.isocalendar().year}{p.date.isocalendar().week:02d}"),
            ),
        ),
        x(
            "B500",
            x(
                "B510EP",
                *(
                    x(
                        "classification-ipcr",
                        t(
                            "text",
                            f"{s}{c}{u} {int(g):>3}/{h:<6}    20060101A{'F' if n == 0 else 'L'}I{compact(p.date)}BHEP        ",
                        ),
                        sequence=str(n + 1),
                    )
                    for n, (s, c, u, g, h) in enumerate(map(ipc_parts, p.topic.ipc))
                ),
            ),
            x("B540", titles),
            x("B560", *(x("B561", t("text", f"{c[:2]}-{c[-2:]}- {c[2:-2]}")) for c in p.cites)) if p.cites else "",
        ),
        x(
            "B700",
            x(
                "B710",
                x(
                    "B711",
                    t("snm", p.applicant.name),
                    t("iid", "101990001"),
                    x("adr", t("str", "1 Sample Street"), t("city", "Sampletown"), t("ctry", p.applicant.country)),
                ),
            )
            if not granted
            else "",
            x("B720", *(_people("B721", person, "2 Sample Street") for person in p.inventors)),
            x(
                "B730",
                x(
                    "B731",
                    t("snm", p.applicant.name),
                    t("iid", "101990001"),
                    x("adr", t("str", "1 Sample Street"), t("city", "Sampletown"), t("ctry", p.applicant.country)),
                ),
            )
            if granted
            else "",
            x(
                "B740",
                x(
                    "B741",
                    t("snm", "Sample & Partner Patentanwälte"),
                    t("iid", "101990009"),
                    x("adr", t("str", "3 Musterweg"), t("city", "80000 München"), t("ctry", "DE")),
                ),
            ),
        ),
        x("B800", x("B840", *(t("ctry", state) for state in p.designates))),
        lang="en",
    )
    claims = x(
        "claims",
        x("claim", t("claim-text", p.topic.abstract["en"]), id="c-en-0001", num="0001"),
        id="claims01",
        lang="en",
    )
    abstract = (
        "" if granted else x("abstract", t("p", p.topic.abstract["en"], id="pa01", num="0001"), id="abst", lang="en")
    )
    return document(
        x(
            "ep-patent-document",
            bibliography,
            abstract,
            x("description", t("p", p.topic.abstract["en"], id="p0001", num="0001"), id="desc", lang="en")
            if granted
            else "",
            claims if granted else "",
            id=f"EP{p.number}{p.kind}",
            file=f"EP{p.number}.xml",
            lang="en",
            country="EP",
            doc_number=p.number,
            kind=p.kind,
            date_publ=compact(p.date),
            status="n",
            dtd_version="ep-patent-document-v1-5",
        ),
    )


def us_red_book(p: Publication) -> bytes:
    """US Red Book, grant 4.5 or application 4.4 (ST.36)."""
    grant = p.kind.startswith("B")
    root, biblio = (
        ("us-patent-grant", "us-bibliographic-data-grant")
        if grant
        else ("us-patent-application", "us-bibliographic-data-application")
    )

    def classification(n: int, symbol: str) -> str:
        s, c, u, g, h = ipc_parts(symbol)
        return x(
            "classification-ipcr",
            x("ipc-version-indicator", t("date", "20060101")),
            t("classification-level", "A"),
            t("section", s),
            t("class", c),
            t("subclass", u),
            t("main-group", g),
            t("subgroup", h),
            t("symbol-position", "F" if n == 0 else "L"),
            t("classification-value", "I"),
            x("action-date", t("date", compact(p.date))),
            x("generating-office", t("country", "US")),
            t("classification-status", "B"),
            t("classification-data-source", "H"),
        )

    def book(name: str, country: str) -> str:
        last, _, given = name.partition(", ")
        return x(
            "addressbook",
            t("last-name", last),
            t("first-name", given),
            x("address", t("city", "Sampletown"), t("country", country)),
        )

    body = x(
        biblio,
        x("publication-reference", _document_id("US", p.number, p.kind, p.date)),
        x("application-reference", _document_id("US", p.application[4:], None, p.filed), appl_type="utility"),
        x(
            "priority-claims",
            *(
                x(
                    "priority-claim",
                    t("country", office),
                    t("doc-number", number),
                    t("date", compact(date)),
                    sequence=f"{n + 1:02d}",
                    kind="national",
                )
                for n, (office, number, date) in enumerate(p.priorities)
            ),
        ),
        x("classifications-ipcr", *(classification(n, symbol) for n, symbol in enumerate(p.topic.ipc))),
        t("invention-title", p.topic.title["en"], id="d2e43"),
        x(
            "us-references-cited",
            *(
                x(
                    "us-citation",
                    x("patcit", _document_id(c[:2], c[2:-2], c[-2:]), num=f"{n + 1:05d}"),
                    t("category", "cited by examiner"),
                )
                for n, c in enumerate(p.cites)
            ),
        )
        if grant
        else "",
        x(
            "us-parties",
            x(
                "us-applicants",
                x(
                    "us-applicant",
                    x(
                        "addressbook",
                        t("orgname", p.applicant.latin),
                        x("address", t("city", "Sampletown"), t("country", p.applicant.country)),
                    ),
                    x("residence", t("country", p.applicant.country)),
                    sequence="001",
                    app_type="applicant",
                    designation="us-only",
                ),
            ),
            x(
                "inventors",
                *(
                    x("inventor", book(person.latin, person.country), sequence=f"{n + 1:03d}", designation="us-only")
                    for n, person in enumerate(p.inventors)
                ),
            ),
            x(
                "agents",
                x(
                    "agent",
                    x("addressbook", t("orgname", "Sample Law LLC"), x("address", t("country", "US"))),
                    sequence="01",
                    rep_type="attorney",
                ),
            ),
        ),
        x(
            "assignees",
            x(
                "assignee",
                x(
                    "addressbook",
                    t("orgname", p.applicant.latin),
                    t("role", "03"),
                    x("address", t("city", "Sampletown"), t("country", p.applicant.country)),
                ),
            ),
        )
        if grant
        else "",
    )
    abstract = x("abstract", t("p", p.topic.abstract["en"], id="p-0001", num="0000"), id="abstract")
    claims = x(
        "claims",
        x("claim", t("claim-text", f"1. {p.topic.title['en']}, as described herein."), id="CLM-00001", num="00001"),
        id="claims",
    )
    return document(
        x(
            root,
            body,
            abstract,
            x("description", t("p", p.topic.abstract["en"], id="p-0002", num="0001"), id="description"),
            claims,
            lang="EN",
            dtd_version="v4.5 2014-04-03" if grant else "v4.4 2014-04-03",
            file=f"US{p.number}.XML",
            status="SAMPLE",
            id=root,
            country="US",
            date_produced=compact(p.date),
            date_publ=compact(p.date),
        ),
    )


def st96_patent(p: Publication) -> bytes:
    """ST.96 V6 PatentPublication."""

    def party(tag: str, name: str, country: str, sequence: int, *, person: bool) -> str:
        named = (
            x("com:PersonName", t("com:PersonFullName", name))
            if person
            else x("com:OrganizationName", t("com:OrganizationStandardName", name))
        )
        return x(
            tag,
            x(
                "com:Contact",
                x("com:Name", named),
                x(
                    "com:PostalAddressBag",
                    x(
                        "com:PostalAddress",
                        x(
                            "com:PostalStructuredAddress",
                            t("com:AddressLineText", "1 Sample Street", com__sequenceNumber="1"),
                            t("com:CityName", "Sampletown"),
                            t("com:CountryCode", country),
                        ),
                    ),
                ),
            ),
            com__sequenceNumber=str(sequence),
        )

    def ipcr(n: int, symbol: str) -> str:
        s, c, u, g, h = ipc_parts(symbol)
        return x(
            "pat:IPCRClassification",
            t("pat:ClassificationVersionDate", "2006-01-01"),
            t("pat:PatentClassificationLevelCode", "A"),
            t("com:SymbolPositionCode", "F" if n == 0 else "L"),
            t("pat:IPCClassificationValueCode", "I"),
            t("pat:Section", s),
            t("pat:Class", c),
            t("pat:Subclass", u),
            t("pat:MainGroup", g),
            t("pat:Subgroup", h),
            com__sequenceNumber=str(n + 1),
        )

    languages = tuple(dict.fromkeys((*p.languages, "en", "fr")))
    body = x(
        "pat:BibliographicData",
        x(
            "pat:PatentPublicationIdentification",
            t("com:IPOfficeCode", p.office),
            t("pat:PublicationNumber", f"{p.number[:4]}/{p.number[4:]}"),
            t("com:PatentDocumentKindCode", p.kind),
            t("com:PublicationDate", p.date),
        ),
        x(
            "pat:ApplicationIdentification",
            t("com:IPOfficeCode", p.office),
            x(
                "com:ApplicationNumber",
                t("com:ApplicationNumberText", f"PCT/{p.applicant.country}{p.application[:4]}/{p.application[4:]}"),
            ),
            t("pat:FilingDate", p.filed),
        ),
        x(
            "pat:PriorityClaimBag",
            *(
                x(
                    "pat:PriorityClaim",
                    t("com:IPOfficeCode", office),
                    x("com:ApplicationNumber", t("com:ApplicationNumberText", number)),
                    t("pat:FilingDate", date),
                    com__sequenceNumber=str(n + 1),
                )
                for n, (office, number, date) in enumerate(p.priorities)
            ),
        ),
        x(
            "pat:PatentClassificationBag",
            x("pat:IPCRClassificationBag", *(ipcr(n, symbol) for n, symbol in enumerate(p.topic.ipc))),
        ),
        x(
            "pat:InventionTitleBag",
            *(t("pat:InventionTitle", p.topic.title[code], com__languageCode=code) for code in languages),
        ),
        x(
            "pat:PartyBag",
            x("pat:ApplicantBag", party("pat:Applicant", p.applicant.name, p.applicant.country, 1, person=False)),
            x(
                "pat:InventorBag",
                *(
                    party("pat:Inventor", person.name, person.country, n + 1, person=True)
                    for n, person in enumerate(p.inventors)
                ),
            ),
        ),
    )
    abstracts = "".join(
        x("pat:Abstract", t("pat:P", p.topic.abstract[code]), com__languageCode=code) for code in p.languages
    )
    return document(
        x(
            "pat:PatentPublication",
            t("com:IPOfficeCode", p.office),
            body,
            abstracts,
            xmlns__pat=PAT,
            xmlns__com=COM,
            com__st96Version="V6_0",
            com__languageCode=p.languages[0],
        )
    )


def cnipa(p: Publication) -> bytes:
    """CNIPA new standard, business:PatentDocumentAndRelated."""

    def number(tag: str, value: str, kind: str | None, date: dt.date, country: str = "CN") -> str:
        return x(
            tag,
            x(
                "base:DocumentID",
                t("base:WIPOST3Code", country),
                t("base:DocNumber", value),
                t("base:Kind", kind),
                t("base:Date", compact(date)),
            ),
            dataFormat="original",
            sequence="1",
            sourceDB="national office",
        )

    def book(name: str) -> str:
        return x(
            "base:AddressBook",
            t("base:Name", name),
            x(
                "base:Address",
                t("base:WIPOST3Code", p.applicant.country),
                t("base:Street", "示例路1号"),
                t("base:PostBox", "0"),
            ),
            lang="zh",
        )

    check = sum((2 + i % 8) * int(digit) for i, digit in enumerate(p.application[:12])) % 11
    body = x(
        "business:BibliographicData",
        number("business:PublicationReference", p.number, p.kind, p.date),
        number("business:ApplicationReference", f"{p.application}.{'X' if check == 10 else check}", None, p.filed),
        x(
            "business:PriorityDetails",
            *(
                x(
                    "business:Priority",
                    t("base:WIPOST3Code", office),
                    t("base:DocNumber", value),
                    t("base:Date", compact(date)),
                    sequence=str(n + 1),
                )
                for n, (office, value, date) in enumerate(p.priorities)
                if office != "CN"
            ),
        ),
        x(
            "business:ClassificationIPCRDetails",
            *(
                x(
                    "business:ClassificationIPCR",
                    t("business:IPCVersionDate", "20060101"),
                    t("business:Section", s),
                    t("business:MainClass", c),
                    t("business:Subclass", u),
                    t("business:MainGroup", g),
                    t("business:Subgroup", h),
                    t("base:Text", f"{s}{c}{u}   {g}/{h}    (2006.01)"),
                    sequence=str(n + 1),
                )
                for n, (s, c, u, g, h) in enumerate(map(ipc_parts, p.topic.ipc))
            ),
        ),
        t("business:InventionTitle", p.topic.title["zh"], lang="zh"),
        x(
            "business:Parties",
            x("business:ApplicantDetails", x("business:Applicant", book(p.applicant.name), sequence="1")),
            x(
                "business:InventorDetails",
                *(
                    x(
                        "business:Inventor",
                        x("base:AddressBook", t("base:Name", person.name), lang="zh"),
                        sequence=str(n + 1),
                    )
                    for n, person in enumerate(p.inventors)
                ),
            ),
        ),
        x("business:Abstract", t("base:Paragraphs", p.topic.abstract["zh"]), lang="zh"),
    )
    return document(
        x(
            "business:PatentDocumentAndRelated",
            body,
            xmlns__base="http://www.sipo.gov.cn/XMLSchema/base",
            xmlns__business="http://www.sipo.gov.cn/XMLSchema/business",
            xsdVersion="V2.2.1",
            file=f"CN{p.number}{p.kind}.XML",
            dateProduced=compact(p.date),
            status="C",
            lang="zh",
            country="CN",
            docNumber=p.number,
            kind=p.kind,
            datePublication=compact(p.date),
        )
    )


def jpo_gazette(p: Publication) -> bytes:
    """JPO official gazette, jp-official-gazette (ST.36)."""
    kind = {"A": "公開特許公報(A)", "B2": "特許公報(B2)"}.get(p.kind, p.kind)

    def book(name: str, number: str | None = None) -> str:
        return x(
            "addressbook",
            t("name", name),
            t("registered-number", number),
            x("address", t("text", "東京都見本区見本町一丁目")),
            lang="ja",
        )

    body = x(
        "bibliographic-data",
        x("publication-reference", _document_id("JP", p.number, kind, p.date)),
        x("application-reference", x("document-id", t("doc-number", p.application), t("date", compact(p.filed)))),
        t("invention-title", p.topic.title["ja"]),
        x(
            "parties",
            x(
                "jp:applicants-agents-article",
                x(
                    "jp:applicants-agents",
                    x("applicant", book(p.applicant.name, "999000001"), sequence="1"),
                    sequence="1",
                ),
            ),
            x(
                "inventors",
                *(x("inventor", book(person.name), sequence=str(n + 1)) for n, person in enumerate(p.inventors)),
            ),
        ),
        x(
            "priority-claims",
            *(
                x(
                    "priority-claim",
                    t("country", office),
                    t("doc-number", number),
                    t("date", compact(date)),
                    sequence=str(n + 1),
                )
                for n, (office, number, date) in enumerate(p.priorities)
                if office != "JP"
            ),
        ),
        x(
            "classification-ipc",
            t("edition", "20060101"),
            t("main-clsf", p.topic.ipc[0]),
            *(t("further-clsf", symbol) for symbol in p.topic.ipc[1:]),
        ),
        lang="ja",
        country="JP",
    )
    return document(
        x(
            "jp-official-gazette",
            body,
            x("abstract", t("p", p.topic.abstract["ja"], num="0001")),
            xmlns__jp="http://www.jpo.go.jp",
            kind_of_jp="A",
            kind_of_st16=p.kind,
            lang="ja",
            dtd_version="1.0",
            country="JP",
        )
    )


def kipris(tag: str, rows: Iterable[Sequence[tuple[str, object]]]) -> bytes:
    items = "\n".join(
        x(
            tag,
            *(x(name, escape(str(value))) if value not in (None, "") else f"<{name}></{name}>" for name, value in row),
        )
        for row in rows
    )
    return document(
        x(
            "response",
            x("header", t("resultCode", "00"), t("resultMsg", "NORMAL SERVICE.")),
            x("body", x("items", items)),
        )
    )


def kipris_patents(publications: Iterable[Publication]) -> bytes:
    return kipris(
        "PatentUtilityInfo",
        (
            (
                ("SerialNumber", n),
                ("Applicant", p.applicant.name),
                ("ApplicationDate", compact(p.filed)),
                ("ApplicationNumber", f"10{p.application}"),
                ("Abstract", p.topic.abstract["ko"]),
                ("InventionName", p.topic.title["ko"]),
                ("InternationalpatentclassificationNumber", "|".join(p.topic.ipc)),
                ("OpeningDate", compact(p.date)),
                ("OpeningNumber", f"10{p.number}"),
                ("PublicNumber", ""),
                ("PublicDate", ""),
                ("RegistrationDate", ""),
                ("RegistrationNumber", ""),
                ("RegistrationStatus", "공개"),
            )
            for n, p in enumerate(publications, 1)
        ),
    )


def csv_patents(publications: Iterable[Publication], columns: dict[str, str], language: str) -> bytes:
    """CSV with a column map: `columns` maps our field to the heading that the office uses."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(columns.values())
    for p in publications:
        row = {
            "publication_number": f"{p.office}{p.number}",
            "kind": p.kind,
            "publication_date": p.date.strftime("%d/%m/%Y"),
            "application_number": f"{p.office}{p.application}",
            "filing_date": p.filed.strftime("%d/%m/%Y"),
            "title": p.topic.title[language],
            "abstract": p.topic.abstract[language],
            "applicant": p.applicant.name,
            "applicant_country": p.applicant.country,
            "inventor": "|".join(person.name for person in p.inventors),
            "ipc": "|".join(p.topic.ipc),
            "priority_number": "|".join(number for _, number, _ in p.priorities),
            "priority_office": "|".join(office for office, _, _ in p.priorities),
            "priority_date": "|".join(date.isoformat() for _, _, date in p.priorities),
        }
        writer.writerow([row[field] for field in columns])
    return out.getvalue().encode("utf-8-sig")


def own_patent(p: Publication) -> bytes:
    """A line of the platform's own JSON lines."""
    return _line(
        {
            "concord_record": 1,
            "right": "patent",
            "office": p.office,
            "kind": p.kind,
            "language": p.languages[0],
            "numbers": [
                {
                    "type": "publication",
                    "raw": p.number,
                    "office": p.office,
                    "kind": p.kind,
                    "date": p.date.isoformat(),
                },
                {"type": "application", "raw": p.application, "office": p.office, "date": p.filed.isoformat()},
            ],
            "dates": [
                {"type": "publication", "raw": p.date.isoformat()},
                {"type": "filing", "raw": p.filed.isoformat()},
            ],
            "texts": [
                *({"type": "title", "text": p.topic.title[code], "language": code} for code in p.languages),
                *({"type": "abstract", "text": p.topic.abstract[code], "language": code} for code in p.languages),
            ],
            "parties": [
                {
                    "role": "applicant",
                    "name": p.applicant.name,
                    "latin_name": p.applicant.latin,
                    "country": p.applicant.country,
                    "entity": "organisation",
                    "address": {"lines": ["1 Sample Street"], "city": "Sampletown"},
                },
                *(
                    {
                        "role": "inventor",
                        "name": person.name,
                        "latin_name": person.latin,
                        "country": person.country,
                        "entity": "person",
                    }
                    for person in p.inventors
                ),
            ],
            "classifications": [
                {"scheme": "IPC", "symbol": symbol, "edition": "2006.01", "first": n == 0}
                for n, symbol in enumerate(p.topic.ipc)
            ],
            "priorities": [
                {"number": {"type": "application", "raw": number, "office": office}, "date": date.isoformat()}
                for office, number, date in p.priorities
            ],
        }
    )


def mark_file(m: Mark) -> str:
    """Name of the picture that is delivered beside a figurative mark."""
    return f"{m.application.replace('/', '-')}.png"


def view_file(d: Design, number: int) -> str:
    """Name of the picture of a design's view."""
    return f"{d.application.replace('/', '')}-{d.index}_{number}.png"


def own_mark(m: Mark) -> bytes:
    """A line of the platform's own JSON lines."""
    return _line(
        {
            "concord_record": 1,
            "right": "trademark",
            "office": m.office,
            "language": "ar",
            "numbers": [{"type": "application", "raw": m.application, "office": m.office, "date": m.filed.isoformat()}],
            "dates": [
                {"type": "filing", "raw": m.filed.isoformat()},
                *([{"type": "registration", "raw": m.registered.isoformat()}] if m.registered else []),
            ],
            "texts": [
                {"type": "mark-text", "text": m.text, "language": "ar"},
                *([{"type": "mark-transliteration", "text": m.transliteration}] if m.transliteration else []),
                *(
                    {"type": "goods-services", "text": goods["ar"], "language": "ar", "class_symbol": str(number)}
                    for number, goods in m.classes.items()
                ),
            ],
            "parties": [
                {
                    "role": "applicant",
                    "name": m.holder.name,
                    "latin_name": m.holder.latin,
                    "country": m.holder.country,
                    "entity": "organisation",
                }
            ],
            "classifications": [
                *({"scheme": "NICE", "symbol": str(number)} for number in m.classes),
                *({"scheme": "VIENNA", "symbol": symbol} for symbol in m.vienna),
            ],
            "images": [{"type": "mark", "reference": mark_file(m), "format": "PNG"}] if m.vienna else [],
            "mark_feature": m.feature,
            "events": [
                {
                    "code": m.status,
                    "scheme": "SA-TM-STATUS",
                    "office": m.office,
                    "event_date": (m.registered or m.filed).isoformat(),
                    "current": True,
                }
            ],
        }
    )


def _line(content: dict[str, object]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


# --- marks -----------------------------------------------------------------------------------------------------------

ST66_STATUS = {
    "Registered": "Registered",
    "Filed": "Application filed",
    "Refused": "Application refused",
    "Expired": "Registration expired",
}


def st66_euipo(marks: Iterable[Mark], operation: str = "Insert", produced: str = "2024-02-01T08:00:00") -> bytes:
    """EUIPO TM-XML (ST.66), goods in ten languages."""

    def one(m: Mark) -> str:
        classes = "".join(
            x(
                "ClassDescription",
                t("ClassNumber", number),
                *(t("GoodsServicesDescription", text, languageCode=code) for code, text in goods.items()),
            )
            for number, goods in m.classes.items()
        )
        image = (
            x(
                "MarkImageDetails",
                x(
                    "MarkImage",
                    t("MarkImageFileFormat", "PNG"),
                    t("MarkImageURI", f"file://{mark_file(m)}"),
                    x(
                        "MarkImageCategory",
                        t("CategoryKind", "Vienna"),
                        x("CategoryCodeDetails", *(t("CategoryCode", code) for code in m.vienna)),
                    ),
                ),
            )
            if m.vienna
            else ""
        )
        return x(
            "TradeMark",
            t("RegistrationOfficeCode", m.office),
            t("ApplicationNumber", m.application),
            t("ApplicationDate", m.filed),
            t("RegistrationDate", m.registered),
            t("ApplicationLanguageCode", "en"),
            t("SecondLanguageCode", "fr"),
            t("ExpiryDate", m.registered and m.filed.replace(year=m.filed.year + 10)),
            t("MarkCurrentStatusCode", ST66_STATUS[m.status]),
            t("MarkCurrentStatusDate", m.registered or m.filed),
            t("KindMark", "Individual"),
            t("MarkFeature", m.feature),
            x("WordMarkSpecification", t("MarkVerbalElementText", m.text)),
            image,
            x(
                "GoodsServicesDetails",
                x("GoodsServices", t("ClassificationVersion", "12"), x("ClassDescriptionDetails", classes)),
            ),
            x(
                "ApplicantDetails",
                x(
                    "Applicant",
                    t("ApplicantIdentifier", "999001"),
                    x(
                        "ApplicantAddressBook",
                        x(
                            "FormattedNameAddress",
                            x("Name", x("FormattedName", t("OrganizationName", m.holder.name))),
                            x("Address", t("AddressCountryCode", m.holder.country)),
                        ),
                    ),
                ),
            ),
            operationCode=operation,
        )

    body = "\n".join(
        x(
            "TransactionContentDetails",
            t("TransactionIdentifier", m.application),
            t("TransactionCode", "EM-Trade Mark"),
            x("TransactionData", x("TradeMarkDetails", one(m))),
        )
        for m in marks
    )
    return document(
        x(
            "Transaction",
            x("TransactionHeader", x("SenderDetails", t("RequestProducerDateTime", produced))),
            x("TradeMarkTransactionBody", body),
            xmlns="http://euipo.europa.eu/trademark/data",
        )
    )


def st96_trademarks(marks: Iterable[Mark]) -> bytes:
    """ST.96 V6 TrademarkTransaction: national marks and Madrid registrations."""

    def one(m: Mark) -> str:
        language = NATIVE.get(m.office, "en")
        goods = x(
            "tmk:GoodsServicesBag",
            x(
                "tmk:GoodsServices",
                x(
                    "tmk:ClassDescriptionBag",
                    *(
                        x(
                            "tmk:ClassDescription",
                            t("tmk:ClassNumber", number),
                            *(
                                t("tmk:GoodsServicesDescriptionText", texts[code], com__languageCode=code)
                                for code in dict.fromkeys((language, "en"))
                            ),
                        )
                        for number, texts in m.classes.items()
                    ),
                ),
            ),
        )
        image = (
            x(
                "tmk:MarkImageBag",
                x(
                    "tmk:MarkImage",
                    t("com:FileName", mark_file(m)),
                    x(
                        "tmk:MarkImageClassification",
                        x(
                            "tmk:FigurativeElementClassificationBag",
                            x(
                                "tmk:ViennaClassificationBag",
                                *(
                                    x(
                                        "tmk:ViennaClassification",
                                        t("tmk:ViennaCategory", v.split(".")[0]),
                                        t("tmk:ViennaDivision", v.split(".")[1]),
                                        t("tmk:ViennaSection", v.split(".")[2]),
                                    )
                                    for v in m.vienna
                                ),
                            ),
                        ),
                    ),
                ),
            )
            if m.vienna
            else ""
        )
        associated = (
            x(
                "tmk:AssociatedMarkBag",
                x(
                    "tmk:AssociatedMark",
                    t("tmk:AssociationCategory", "Basic mark"),
                    x(
                        "com:ApplicationNumber",
                        t("com:IPOfficeCode", m.basic[0]),
                        t("com:ApplicationNumberText", m.basic[1]),
                    ),
                ),
            )
            if m.basic
            else ""
        )
        designated = (
            x(
                "tmk:DesignatedCountryBag",
                *(
                    x(
                        "tmk:DesignatedCountry",
                        t("com:DesignatedCountryCode", code),
                        t("tmk:DesignatedCountryDate", m.filed),
                    )
                    for code in m.designates
                ),
            )
            if m.designates
            else ""
        )
        return x(
            "tmk:Trademark",
            t("com:RegistrationOfficeCode", m.office),
            x("com:ApplicationNumber", t("com:IPOfficeCode", m.office), t("com:ApplicationNumberText", m.application)),
            t("com:RegistrationNumber", m.registration),
            t("com:ApplicationDate", m.filed),
            t("com:RegistrationDate", m.registered),
            t("com:ExpiryDate", m.registered and m.filed.replace(year=m.filed.year + 10)),
            t("tmk:MarkCurrentStatusCode", m.status),
            t("tmk:MarkCurrentStatusDate", m.registered or m.filed),
            associated,
            t("tmk:MarkCategory", "Trademark"),
            x(
                "tmk:MarkRepresentation",
                t("tmk:MarkFeatureCategory", m.feature),
                x(
                    "tmk:MarkReproduction",
                    x(
                        "tmk:WordMarkSpecification",
                        t("tmk:MarkVerbalElementText", m.text, com__languageCode=language),
                        t("tmk:MarkTransliteration", m.transliteration),
                    ),
                    image,
                ),
            ),
            designated,
            goods,
            x(
                "tmk:ApplicantBag",
                x(
                    "tmk:Applicant",
                    x(
                        "com:Contact",
                        x("com:Name", x("com:OrganizationName", t("com:OrganizationStandardName", m.holder.name))),
                        x(
                            "com:PostalAddressBag",
                            x(
                                "com:PostalAddress",
                                x(
                                    "com:PostalStructuredAddress",
                                    t("com:AddressLineText", "1 Sample Street", com__sequenceNumber="1"),
                                    t("com:CityName", "Sampletown"),
                                    t("com:CountryCode", m.holder.country),
                                ),
                            ),
                        ),
                    ),
                    com__sequenceNumber="1",
                ),
            ),
        )

    return document(
        x(
            "tmk:TrademarkTransaction",
            x(
                "tmk:TrademarkTransactionBody",
                x(
                    "tmk:TransactionContentBag",
                    t("com:TransactionCategory", "National trademark registration"),
                    x("tmk:TransactionData", x("tmk:TrademarkBag", "\n".join(one(m) for m in marks))),
                ),
                com__st96Version="V6_0",
            ),
            xmlns__com=COM,
            xmlns__tmk=TMK,
            com__st96Version="V6_0",
        )
    )


def kipris_marks(marks: Iterable[Mark]) -> bytes:
    status = {"Registered": "등록", "Filed": "출원", "Refused": "거절", "Expired": "소멸"}
    return kipris(
        "TradeMarkInfo",
        (
            (
                ("SerialNumber", n),
                ("ApplicationNumber", m.application),
                ("ApplicationDate", compact(m.filed)),
                ("PublicNumber", ""),
                ("PublicDate", ""),
                ("RegistrationNumber", m.registration),
                ("RegistrationDate", m.registered and compact(m.registered)),
                ("ApplicationStatus", status[m.status]),
                ("GoodClassificationCode", "|".join(f"{number:02d}" for number in m.classes)),
                ("ViennaCode", "|".join(v.replace(".", "") for v in m.vienna)),
                ("ApplicantName", m.holder.name),
                ("AgentName", "견본특허법인"),
                ("Title", m.text),
                ("FulltextExistFlag", "N"),
            )
            for n, m in enumerate(marks, 1)
        ),
    )


# --- designs ---------------------------------------------------------------------------------------------------------


def st86_euipo(designs: Iterable[Design], operation: str = "Insert") -> bytes:
    """EUIPO DS-XML (ST.86)."""

    def one(d: Design) -> str:
        identifier = f"{d.application}-{d.index}"
        views = "".join(
            x(
                "View",
                t("ViewIdentifier", f"{n:03d}"),
                t("ViewFileFormat", "PNG"),
                t("ViewURI", f"file://{view_file(d, n)}"),
            )
            for n in range(1, d.views + 1)
        )
        return x(
            "Design",
            t("RegistrationOfficeCode", "EM"),
            t("DesignIdentifier", identifier),
            t("ApplicationNumber", d.application),
            t("ApplicationLanguageCode", "en"),
            t("ApplicationDate", d.filed),
            t("RegistrationDate", d.registered),
            t("PublicationDate", d.registered),
            t("ExpiryDate", d.filed.replace(year=d.filed.year + 5)),
            t("DesignCurrentStatusCode", "Registered and fully published"),
            t("DesignCurrentStatusDate", d.registered),
            x("DesignRepresentationSheetDetails", x("DesignRepresentationSheet", x("ViewDetails", views))),
            x(
                "IndicationProductDetails",
                *(t("IndicationProduct", text, languageCode=code) for code, text in d.product.items()),
            ),
            x("ClassDescriptionDetails", x("ClassDescription", t("ClassNumber", d.locarno.replace("-", ".")))),
            x(
                "ApplicantDetails",
                x(
                    "Applicant",
                    t("ApplicantIdentifier", "999002"),
                    x(
                        "ApplicantAddressBook",
                        x(
                            "FormattedNameAddress",
                            x("Name", x("FormattedName", t("OrganizationName", d.holder.name))),
                            x("Address", t("AddressCountryCode", d.holder.country)),
                        ),
                    ),
                ),
            ),
            x(
                "DesignerDetails",
                x(
                    "Designer",
                    t("DesignerIdentifier", "999003"),
                    x(
                        "DesignerAddressBook",
                        x(
                            "FormattedNameAddress",
                            x("Name", x("FormattedName", t("LastName", d.designer.name))),
                            x("Address", t("AddressCountryCode", d.designer.country)),
                        ),
                    ),
                ),
            ),
            operationCode=operation,
        )

    body = "\n".join(
        x(
            "TransactionContentDetails",
            t("TransactionIdentifier", f"{d.application}-{d.index}"),
            t("TransactionCode", "EM-Design"),
            x("TransactionData", x("DesignDetails", one(d))),
        )
        for d in designs
    )
    return document(
        x(
            "Transaction",
            x("TransactionHeader", x("SenderDetails", t("RequestProducerDateTime", "2024-02-01T08:00:00"))),
            x("DesignTransactionBody", body),
            xmlns="http://euipo.europa.eu/design/data",
        )
    )


def st96_designs(designs: Sequence[Design]) -> bytes:
    """ST.96 V6 DesignApplication, Hague: all designs of one registration."""

    def applicants(d: Design) -> str:
        return x(
            "dgn:ApplicantBag", x("dgn:Applicant", _contact(d.holder.name, d.holder.country), com__sequenceNumber="1")
        )

    def one(d: Design) -> str:
        title = next(code for code in ("en", "fr", "es") if code in d.product)
        views = (
            x(
                "dgn:View",
                t("com:FileName", view_file(d, n)),
                t("dgn:ViewIdentifier", n),
                t("dgn:ViewFileFormatCategory", "PNG"),
            )
            for n in range(1, d.views + 1)
        )
        return x(
            "dgn:Design",
            t("dgn:DesignIdentifier", d.index),
            t("com:RegistrationNumber", d.application),
            t("com:RegistrationDate", d.registered),
            t("dgn:DesignTitleText", d.product[title], com__languageCode=title),
            *(
                t("dgn:DesignDescriptionText", text, com__languageCode=code, com__sequenceNumber=str(n))
                for n, (code, text) in enumerate(d.product.items(), 1)
            ),
            t("com:ExpiryDate", d.filed.replace(year=d.filed.year + 15)),
            t("dgn:DesignCurrentStatusCategory", "Registered"),
            t("dgn:DesignCurrentStatusDate", d.registered),
            x("dgn:DesignRepresentationBag", x("dgn:DesignRepresentation", x("dgn:ViewBag", *views))),
            x(
                "com:DesignClassificationBag",
                x(
                    "com:LocarnoClassificationBag",
                    t("com:LocarnoClassificationEdition", "13"),
                    t("com:LocarnoClassificationText", d.locarno),
                ),
            ),
            applicants(d),
            x("dgn:DesignerBag", x("dgn:Designer", _contact(d.designer.name, d.designer.country, person=True))),
        )

    first = designs[0]
    return document(
        x(
            "dgn:DesignApplication",
            t("com:RegistrationOfficeCode", first.office),
            x(
                "com:ApplicationNumber",
                t("com:IPOfficeCode", first.office),
                t("com:ApplicationNumberText", first.application),
            ),
            t("dgn:DesignTotalQuantity", len(designs)),
            x(
                "dgn:DesignatedCountryBag",
                *(x("dgn:DesignatedCountry", t("com:DesignatedCountryCode", code)) for code in first.designates),
            ),
            x("dgn:DesignBag", *(one(d) for d in designs)),
            applicants(first),
            t("com:ApplicationDate", first.filed),
            xmlns__dgn=DGN,
            xmlns__com=COM,
            com__st96Version="V6_0",
        )
    )


def kipris_designs(designs: Iterable[Design]) -> bytes:
    return kipris(
        "DesignInfo",
        (
            (
                ("number", n),
                ("applicationNumber", d.application),
                ("applicationDate", compact(d.filed)),
                ("publicationDate", compact(d.registered)),
                ("registrationDate", compact(d.registered)),
                ("registrationNumber", f"3009{n:06d}0000"),
                ("designNumber", f"M{int(d.index):02d}"),
                ("applicationStatus", "등록"),
                ("applicantName", d.holder.name),
                ("agentName", "견본특허법인"),
                ("inventorName", d.designer.name),
                ("articleName", d.product["ko"]),
                ("designMainClassification", d.locarno),
            )
            for n, d in enumerate(designs, 1)
        ),
    )


# --- works and indications --------------------------------------------------------------------------------------------


WORK_KINDS = {"literary": "LI", "photograph": "PH", "musical": "MU", "audiovisual": "AU"}


def st96_orphan_work(w: Work) -> bytes:
    """ST.96 V6 CopyrightOrphanWork."""
    confidential = t("com:ConfidentialIndicator", str(not w.publish).lower())
    languages = tuple(w.title)
    identification = w.identifier and x(
        "cpy:CreativeWorkIdentificationBag",
        x(
            "cpy:CreativeWorkIdentification",
            t("cpy:CreativeWorkIdentifier", w.identifier[1]),
            t("cpy:CreativeWorkIdentifierCategory", w.identifier[0]),
        ),
    )
    author = w.author and x(
        "cpy:RightsHolderBag",
        x(
            "cpy:RightsHolder",
            _contact(w.author, None, person=True),
            t("cpy:RightsHolderCategory", "Author"),
            t("com:ConfidentialIndicator", "false"),
            t("cpy:RightsHolderLocatedIndicator", "false"),
        ),
    )
    return document(
        x(
            "cpy:CopyrightOrphanWork",
            t("com:ApplicationNumberText", w.number),
            t("cpy:OrphanWorkApplicationStatus", "Licence Granted"),
            t("cpy:OrphanWorkIdentifier", w.number.removeprefix("OW-")),
            identification,
            t("com:ApplicationDate", f"20{19 + w.year % 4}-05-20"),
            x(
                "cpy:OrphanWorkTitleTextBag",
                *(t("cpy:OrphanWorkTitleText", text, com__languageCode=code) for code, text in w.title.items()),
            ),
            x(
                "cpy:OrphanWorkDescriptionTextBag",
                *(
                    t("cpy:OrphanWorkDescriptionText", text, com__languageCode=code)
                    for code, text in w.description.items()
                ),
            ),
            x(
                "cpy:OrphanWorkPartyBag",
                x("cpy:ApplicantBag", x("cpy:Applicant", _contact(w.user.name, w.user.country), confidential)),
                author,
            ),
            t("cpy:OrphanWorkKindCode", WORK_KINDS[w.kind]),
            x(
                "cpy:DiligenceSearch",
                t("cpy:DiligenceSearchIdentifier", f"S-{w.number}"),
                t("cpy:DiligenceSearchStatusCategory", "Orphan Work"),
                x(
                    "cpy:DiligenceSearchDocumentContact",
                    x("com:Contact", x("com:Name", t("com:EntityName", "Sample Collecting Society"))),
                    t("com:ContactDate", "2019-03-04"),
                    t("cpy:ContactCategory", "Collective Management Organization"),
                    x(
                        "cpy:DiligenceSearchDocument",
                        t("com:DocumentName", "Society catalogue"),
                        t("com:DocumentDate", "2019-02-03"),
                    ),
                ),
                t("com:SearchStartDate", "2019-01-02"),
                t("com:SearchEndDate", "2019-04-12"),
            ),
            x(
                "cpy:OrphanWorkUsageBag",
                x(
                    "cpy:OrphanWorkUsage",
                    t("cpy:AdaptedUseIndicator", "false"),
                    t("cpy:OrphanWorkUsageCategory", "Exhibition"),
                    t("cpy:OrphanWorkUsageLocationText", "Reading rooms", com__languageCode="en"),
                ),
            ),
            t("cpy:PublishIndicator", str(w.publish).lower()),
            xmlns__cpy=CPY,
            xmlns__com=COM,
            com__st96Version="V6_0",
            com__officeCode="EM",
            com__languageCode=languages[0],
        )
    )


def st96_indication(g: Indication) -> bytes:
    """ST.96 V6 GIApplication."""
    english = g.product["en"]
    nice = "33" if "spirit" in english else "30" if "tea" in english else "29"
    return document(
        x(
            "gin:GIApplication",
            x(
                "gin:GIData",
                x("com:ApplicationNumber", t("com:ApplicationNumberText", g.number)),
                t("com:ApplicationDate", g.registered),
                t("com:RegistrationNumber", g.number),
                t("com:RegistrationDate", g.registered + dt.timedelta(days=300)),
                x(
                    "gin:GINameBag",
                    t("gin:GINameText", g.name, com__languageCode=g.language, com__sequenceNumber="001"),
                ),
                x(
                    "gin:ProductIndicationBag",
                    x(
                        "tmk:GoodsServices",
                        x(
                            "tmk:GoodsServicesClassificationBag",
                            x(
                                "tmk:GoodsServicesClassification",
                                t("tmk:ClassificationKindCode", "Nice"),
                                t("tmk:ClassNumber", nice),
                            ),
                        ),
                    ),
                ),
                x(
                    "gin:FeatureDescriptionBag",
                    *(
                        x("gin:FeatureDescription", t("gin:FeatureDescriptionText", text, com__languageCode=code))
                        for code, text in g.product.items()
                    ),
                ),
                x(
                    "gin:GeographicRegionDescriptionBag",
                    x(
                        "gin:GeographicRegionDescription",
                        t(
                            "gin:GeographicRegionDescriptionText",
                            g.name.rpartition(" ")[2],
                            com__languageCode=g.language,
                            com__sequenceNumber="001",
                        ),
                    ),
                ),
                t("gin:GICategory", "Geographical Indication"),
                com__officeCode=g.office,
                com__languageCode=g.language,
            ),
            x(
                "gin:AuthorizedUser",
                x("com:Contact", x("com:Name", x("com:OrganizationName", t("com:OrganizationStandardName", g.holder)))),
            ),
            xmlns__gin=GIN,
            xmlns__tmk=TMK,
            xmlns__com=COM,
            com__st96Version="V6_0",
        )
    )


def _contact(name: str, country: str | None, *, person: bool = False) -> str:
    """ST.96 com:Contact."""
    named = (
        x("com:PersonName", t("com:PersonFullName", name))
        if person
        else x("com:OrganizationName", t("com:OrganizationStandardName", name))
    )
    address = country and x(
        "com:PostalAddressBag",
        x(
            "com:PostalAddress",
            x(
                "com:PostalStructuredAddress",
                t("com:AddressLineText", "1 Sample Street", com__sequenceNumber="1"),
                t("com:CityName", "Sampletown"),
                t("com:CountryCode", country),
            ),
        ),
    )
    return x("com:Contact", x("com:Name", named), address)
