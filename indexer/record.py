"""The harmonised record: one shape for patents, trademarks, designs, copyright works and geographical indications.

A reader (indexer/formats) fills a `Draft` with what a delivery says, word for word; indexer/harmonise turns it into a
`Record`: normalised, identified, traceable. Raw values stay beside the normalised ones. Nothing in it was invented:
what the office did not say is absent, and what a machine made (translation, OCR) says so in `layer`.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
"""Raised when the shape changes so that stored records must be rewritten."""


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Right(StrEnum):
    PATENT = "patent"
    """Patents, utility models, plant patents, SPCs."""
    TRADEMARK = "trademark"
    DESIGN = "design"
    COPYRIGHT = "copyright"
    GI = "gi"
    """Geographical indications and appellations of origin."""


class NumberType(StrEnum):
    PUBLICATION = "publication"
    APPLICATION = "application"
    REGISTRATION = "registration"
    """Registration of a mark, design or GI; grant number of a patent where the office numbers grants apart."""
    INTERNATIONAL = "international"
    """Madrid or Hague international registration."""
    PCT_APPLICATION = "pct-application"
    PCT_PUBLICATION = "pct-publication"
    WORK = "work"
    """Number of an orphan-work entry in its register."""
    ISBN = "isbn"
    ISSN = "issn"
    ISRC = "isrc"
    ISWC = "iswc"
    ISAN = "isan"
    OTHER = "other"


class Number(Model):
    """A number as written and in canonical form."""

    type: NumberType
    raw: str
    canonical: str
    """Office code + normalised number, e.g. `EP0007054`, `JPH05142789`, `US20090220659`, `EM018123456`.
    Capitals, digits and hyphens only."""
    office: str
    """ST.3 code."""
    kind: str | None = None
    """ST.16 kind code, e.g. `A1`."""
    date: dt.date | None = None
    forms: tuple[str, ...] = ()
    """Other canonical writings under which people look for it (epodoc, printed, with era)."""


class DateType(StrEnum):
    FILING = "filing"
    RECEIPT = "receipt"
    PUBLICATION = "publication"
    GRANT = "grant"
    REGISTRATION = "registration"
    EXPIRY = "expiry"
    RENEWAL = "renewal"
    PRIORITY = "priority"
    """The earliest priority."""
    EFFECTIVE = "effective"
    EXHIBITION = "exhibition"
    OPPOSITION_START = "opposition-start"
    OPPOSITION_END = "opposition-end"
    STATUS = "status"
    TERMINATION = "termination"
    FIRST_USE = "first-use"
    CREATION = "creation"
    LAST_UPDATE = "last-update"
    OTHER = "other"


class DatedFact(Model):
    type: DateType
    date: dt.date
    raw: str
    label: str | None = None
    """The office's own name of the date, where `type` is `other` or says less than the office did."""


class Layer(StrEnum):
    OFFICE = "office"
    MACHINE_TRANSLATION = "machine-translation"
    OCR = "ocr"


class TextType(StrEnum):
    TITLE = "title"
    """Title of invention, design or work."""
    ABSTRACT = "abstract"
    CLAIMS = "claims"
    DESCRIPTION = "description"
    GOODS_SERVICES = "goods-services"
    MARK_TEXT = "mark-text"
    """The verbal element of a mark."""
    MARK_TRANSLITERATION = "mark-transliteration"
    MARK_TRANSLATION = "mark-translation"
    MARK_DESCRIPTION = "mark-description"
    DISCLAIMER = "disclaimer"
    COLOUR_CLAIM = "colour-claim"
    PRODUCT_INDICATION = "product-indication"
    """Indication of the product that a design is applied to."""
    DESIGN_DESCRIPTION = "design-description"
    WORK_DESCRIPTION = "work-description"
    DILIGENT_SEARCH = "diligent-search"
    USAGE = "usage"
    GI_PRODUCT = "gi-product"
    KEYWORD = "keyword"
    OTHER = "other"


class Text(Model):
    type: TextType
    text: str
    language: str
    """What the text really is (ISO 639-1; `xx` unknown): declared tag, script and detector together."""
    declared_language: str | None = None
    """The tag as delivered."""
    layer: Layer = Layer.OFFICE
    class_symbol: str | None = None
    """Nice or Locarno class that the text belongs to."""
    format: str | None = None
    """Where a provider sends one text in several forms: `docdb`, `epodoc`, `original`."""


class PartyRole(StrEnum):
    APPLICANT = "applicant"
    INVENTOR = "inventor"
    OWNER = "owner"
    """Proprietor, holder, grantee, assignee."""
    REPRESENTATIVE = "representative"
    DESIGNER = "designer"
    AUTHOR = "author"
    EXAMINER = "examiner"
    OPPONENT = "opponent"
    LICENSEE = "licensee"
    CORRESPONDENT = "correspondent"
    USER = "user"
    """Beneficiary organisation of an orphan work; authorised user of a GI."""
    OTHER = "other"


class PersonalData(Model):
    """Address and contacts. Shown only to those with the personal-data field group."""

    address: tuple[str, ...] = ()
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    email: tuple[str, ...] = ()
    phone: tuple[str, ...] = ()
    fax: tuple[str, ...] = ()
    url: tuple[str, ...] = ()


class Party(Model):
    role: PartyRole
    name: str
    """As given, in its own script."""
    canonical_name: str
    """Folded, upper case, without legal form: for matching and counting."""
    legal_form: str | None = None
    """Legal form taken out of the name, normalised, e.g. `GMBH`, `LTD`, `KK`."""
    latin_name: str | None = None
    """Latin form of a name in another script, machine-made unless the office gave one."""
    other_names: tuple[str, ...] = ()
    """The same party's name in other scripts, languages or formats, as the office gave them."""
    script: str | None = None
    """ISO 15924 code of the name's script."""
    country: str | None = None
    """ST.3 code of residence or of the address."""
    nationality: str | None = None
    entity: Literal["person", "organisation", "unknown"] = "unknown"
    identifier: str | None = None
    """The office's own id of the party."""
    sequence: int | None = None
    private: PersonalData | None = None


class Classification(Model):
    scheme: str
    """`IPC`, `CPC`, `FI`, `FTERM`, `USPC`, `ECLA`, `DE`, `NICE`, `VIENNA`, `LOCARNO`, `US-DESIGN`, `WORK-KIND`, or an
    office's own."""
    symbol: str
    """Normalised: `H01M 10/0525`, `9`, `26.01.06`, `06-01`."""
    raw: str
    edition: str | None = None
    """Year and version (`2006.01`), or edition number (`12`)."""
    first: bool = False
    """First or main classification."""
    inventive: bool | None = None
    """Invention (true) or additional information (false)."""
    office: str | None = None
    """Who classified."""


class Priority(Model):
    number: Number
    date: dt.date | None = None
    sequence: int | None = None
    type: str | None = None
    """national, regional, international, internal, exhibition …, as given."""


class FamilyReference(Model):
    """A family as a provider states it: kept apart from the families the platform computes."""

    identifier: str
    definition: Literal["docdb-simple", "inpadoc-extended", "office", "other"]
    provider: str


class RelationType(StrEnum):
    CORRECTS = "corrects"
    STAGE_OF = "stage-of"
    DIVISIONAL_OF = "divisional-of"
    CONTINUATION_OF = "continuation-of"
    CONTINUATION_IN_PART_OF = "continuation-in-part-of"
    ADDITION_TO = "addition-to"
    REISSUE_OF = "reissue-of"
    NATIONAL_PHASE_OF = "national-phase-of"
    BASIC_MARK_OF = "basic-mark-of"
    """This record's international registration rests on the number named."""
    DESIGNATION_OF = "designation-of"
    CONVERSION_OF = "conversion-of"
    SENIORITY_OF = "seniority-of"
    RENEWAL_OF = "renewal-of"
    PARENT = "parent"
    CHILD = "child"
    RELATED = "related"
    OTHER = "other"


class Relation(Model):
    type: RelationType
    number: Number | None = None
    text: str | None = None
    date: dt.date | None = None


class Designation(Model):
    office: str
    """ST.3 code of the designated state or office."""
    type: str | None = None
    """regional, national, extension, validation, madrid, hague … as given."""
    date: dt.date | None = None


class Image(Model):
    type: Literal["drawing", "mark", "design-view", "photograph", "document-page", "other"]
    reference: str
    """File name or address as delivered. Never fetched by the platform."""
    format: str | None = None
    sequence: int | None = None
    caption: str | None = None
    sha256: str | None = None
    """Of the archived image, where the delivery carried it."""


class StatusEvent(Model):
    """One legal or procedural event. Never overwritten: a correction is another event that names what it corrects."""

    raw_code: str
    """The office's own code or word."""
    scheme: str
    """Code list of `raw_code`: `ST27`, `ST61`, `ST87`, `INPADOC`, or office + list, e.g. `US-TM-STATUS`."""
    office: str
    key_event: str | None = None
    """ST.27/61/87 key event mapped or given, e.g. `F10`."""
    state: Literal["active", "inactive", "terminated", "unspecified"] | None = None
    stage: str | None = None
    """ST.27 stage after the event: `filing`, `examination`, `pre-grant-challenge`, `grant`, `post-grant-challenge`,
    `terminated`."""
    event_date: dt.date | None = None
    effective_date: dt.date | None = None
    publication_date: dt.date | None = None
    description: tuple[Text, ...] = ()
    withdrawn: bool = False
    """True when a later correction took the event back."""


class Status(Model):
    """Current status, computed from the events; never stored by a reader."""

    state: Literal["active", "inactive", "terminated", "unspecified"]
    stage: str | None = None
    as_of: dt.date | None = None
    raw: str | None = None
    """The office's own words for the current status."""


class Citation(Model):
    type: Literal["patent", "literature"]
    number: Number | None = None
    text: str | None = None
    category: str | None = None
    """X, Y, A … (ST.14)."""
    phase: str | None = None
    """Who cited and when: search, examination, applicant, opposition."""
    claims: str | None = None


class MarkDetails(Model):
    feature: str | None = None
    """word, figurative, combined, three-dimensional, sound …, normalised."""
    feature_raw: str | None = None
    colours: tuple[str, ...] = ()
    kind: str | None = None
    """individual, collective, certification."""


class DesignDetails(Model):
    design_index: str | None = None
    """Number of the design within a multiple application."""
    total_designs: int | None = None
    views: int | None = None


class WorkDetails(Model):
    kinds: tuple[str, ...] = ()
    """Literary, photograph, musical …, as given."""
    usage: tuple[str, ...] = ()
    year: int | None = None
    publish: bool | None = None
    """The register's own permission to publish the entry (ST.96 `PublishIndicator`)."""


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Finding(Model):
    """One doubt about one field: the record is kept and says so."""

    rule: str
    """Name of the rule in indexer/quality's table."""
    severity: Severity
    field: str
    message: str
    value: str | None = None


class Source(Model):
    """Where the record came from, to the byte."""

    delivery: int
    file: str
    """Path inside the delivery."""
    member: str = ""
    """Path inside archives, outermost first, joined by `!`."""
    ordinal: int
    """Position of the record in its member, from 0."""
    byte_offset: int | None = None
    byte_length: int | None = None
    sha256: str
    """Of the archived original member."""
    format: str
    """Name in the table of formats, e.g. `st36-us-grant`."""
    reader_version: int


class Record(Model):
    id: str
    """Deterministic: `COLLECTION.CANONICAL-NUMBER[.KIND]`, e.g. `ep-patent-docdb.JPH05142789.A`,
    `em-trademark-default.EM018123456`."""
    schema_version: int = SCHEMA_VERSION
    right: Right
    provider: str
    """ST.3 code of who delivered."""
    office: str
    """ST.3 code of whose publication or registration it is."""
    collection: str
    """Provider's data set, the unit of access: `PROVIDER-right-NAME` in lower case, e.g. `ep-patent-docdb`."""
    kind: str | None = None
    """ST.16 kind code (patents), or the office's."""
    kind_group: str | None = None
    """What the kind code means at that office: `application`, `grant`, `utility-model`, `search-report`, `correction`,
    `translation`, `design`, `plant` …"""
    unpublished: bool = False
    """True where the delivery says that the office has not published the record."""
    language: str | None = None
    """Language of filing or publication."""
    numbers: Annotated[tuple[Number, ...], Field(min_length=1)]
    dates: tuple[DatedFact, ...] = ()
    texts: tuple[Text, ...] = ()
    parties: tuple[Party, ...] = ()
    classifications: tuple[Classification, ...] = ()
    priorities: tuple[Priority, ...] = ()
    families: tuple[FamilyReference, ...] = ()
    relations: tuple[Relation, ...] = ()
    designations: tuple[Designation, ...] = ()
    images: tuple[Image, ...] = ()
    mark: MarkDetails | None = None
    design: DesignDetails | None = None
    work: WorkDetails | None = None
    events: tuple[StatusEvent, ...] = ()
    status: Status | None = None
    citations: tuple[Citation, ...] = ()
    findings: tuple[Finding, ...] = ()
    source: Source
    additions: tuple[Source, ...] = ()
    """Where the parts came from that were laid over the record later (claims, events, a line of a hit list)."""
    partial: bool = False
    """True while only parts of the record have been delivered."""

    def number(self, *types: NumberType) -> Number | None:
        """The first number of the first of `types` that the record has."""
        return next((n for wanted in types for n in self.numbers if n.type is wanted), None)

    def date(self, *types: DateType) -> dt.date | None:
        """The first date of the first of `types` that the record has."""
        return next((d.date for wanted in types for d in self.dates if d.type is wanted), None)

    def texts_of(self, *types: TextType) -> tuple[Text, ...]:
        return tuple(text for text in self.texts if text.type in types)

    def parties_as(self, *roles: PartyRole) -> tuple[Party, ...]:
        return tuple(party for party in self.parties if party.role in roles)


class Deletion(Model):
    """A provider's instruction to take a record away (DOCDB status D, TM-XML operation Delete)."""

    id: str
    right: Right
    provider: str
    office: str
    collection: str
    source: Source


class Delivered(Model):
    """When a delivery arrived and from whom; `sequence` orders deliveries, later wins."""

    sequence: int
    provider: str
    received: dt.datetime
