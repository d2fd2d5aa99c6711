"""What a reader yields: a record in the delivery's own words.

Readers copy; they do not normalise, guess or translate. Every value is a string exactly as it stands in the file (white
space at the ends and runs of it inside collapsed, for texts in mark-up). indexer/harmonise does the rest. The names of
types and roles are those of indexer/record.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from indexer.record import DateType, Layer, NumberType, PartyRole, RelationType, Right, TextType


@dataclass(slots=True)
class DraftNumber:
    type: NumberType
    raw: str
    office: str | None = None
    kind: str | None = None
    date: str | None = None
    format: str | None = None
    """`docdb`, `epodoc`, `original` where the delivery says so."""
    forms: list[str] = field(default_factory=list)
    """Other writings of the same number that stand beside it (epodoc, original)."""


@dataclass(slots=True)
class DraftDate:
    type: DateType
    raw: str
    label: str | None = None


@dataclass(slots=True)
class DraftText:
    type: TextType
    text: str
    language: str | None = None
    layer: Layer = Layer.OFFICE
    class_symbol: str | None = None
    format: str | None = None


@dataclass(slots=True)
class DraftAddress:
    lines: list[str] = field(default_factory=list)
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    email: list[str] = field(default_factory=list)
    phone: list[str] = field(default_factory=list)
    fax: list[str] = field(default_factory=list)
    url: list[str] = field(default_factory=list)


@dataclass(slots=True)
class DraftParty:
    role: PartyRole
    name: str
    """Full name as one would write it; family name first, then a comma and given names, where the file keeps them
    apart."""
    other_names: list[str] = field(default_factory=list)
    latin_name: str | None = None
    country: str | None = None
    nationality: str | None = None
    entity: Literal["person", "organisation", "unknown"] = "unknown"
    identifier: str | None = None
    sequence: int | None = None
    format: str | None = None
    address: DraftAddress | None = None


@dataclass(slots=True)
class DraftClassification:
    scheme: str
    symbol: str
    """As written, or its parts joined the way the scheme prints them (`H01M 10/0525`)."""
    edition: str | None = None
    first: bool = False
    inventive: bool | None = None
    office: str | None = None


@dataclass(slots=True)
class DraftPriority:
    number: DraftNumber
    date: str | None = None
    sequence: int | None = None
    type: str | None = None


@dataclass(slots=True)
class DraftFamily:
    identifier: str
    definition: Literal["docdb-simple", "inpadoc-extended", "office", "other"]


@dataclass(slots=True)
class DraftRelation:
    type: RelationType
    number: DraftNumber | None = None
    text: str | None = None
    date: str | None = None


@dataclass(slots=True)
class DraftDesignation:
    office: str
    type: str | None = None
    date: str | None = None


@dataclass(slots=True)
class DraftImage:
    type: Literal["drawing", "mark", "design-view", "photograph", "document-page", "other"]
    reference: str
    format: str | None = None
    sequence: int | None = None
    caption: str | None = None


@dataclass(slots=True)
class DraftEvent:
    code: str
    scheme: str
    office: str | None = None
    event_date: str | None = None
    effective_date: str | None = None
    publication_date: str | None = None
    description: list[DraftText] = field(default_factory=list)
    current: bool = False
    """True where the file gives the code as the present status rather than as an event in a history."""


@dataclass(slots=True)
class DraftCitation:
    type: Literal["patent", "literature"]
    number: DraftNumber | None = None
    text: str | None = None
    category: str | None = None
    phase: str | None = None
    claims: str | None = None


@dataclass(slots=True)
class Draft:
    right: Right
    office: str | None = None
    """Office as the file names it: a code of any list, or a name; None where the file leaves it to the provider."""
    kind: str | None = None
    operation: Literal["upsert", "delete"] = "upsert"
    partial: bool = False
    """True where the delivery carries only one part of what the provider holds of the record (claims alone, legal
    events alone, a line of a hit list): it adds to the stored record and must not take the other parts away."""
    identified_by: NumberType | None = None
    """Set where the delivery describes a whole file (a register's dossier) and not one of its publications: the type of
    the number that the file goes by. The publications it names are then numbers of the file, not its identity."""
    unpublished: bool = False
    language: str | None = None
    numbers: list[DraftNumber] = field(default_factory=list)
    dates: list[DraftDate] = field(default_factory=list)
    texts: list[DraftText] = field(default_factory=list)
    parties: list[DraftParty] = field(default_factory=list)
    classifications: list[DraftClassification] = field(default_factory=list)
    priorities: list[DraftPriority] = field(default_factory=list)
    families: list[DraftFamily] = field(default_factory=list)
    relations: list[DraftRelation] = field(default_factory=list)
    designations: list[DraftDesignation] = field(default_factory=list)
    images: list[DraftImage] = field(default_factory=list)
    events: list[DraftEvent] = field(default_factory=list)
    citations: list[DraftCitation] = field(default_factory=list)
    mark_feature: str | None = None
    mark_kind: str | None = None
    colours: list[str] = field(default_factory=list)
    design_index: str | None = None
    total_designs: str | None = None
    work_kinds: list[str] = field(default_factory=list)
    work_usage: list[str] = field(default_factory=list)
    work_year: str | None = None
    work_publish: bool | None = None
    byte_offset: int | None = None
    byte_length: int | None = None
    line: int | None = None
    problems: list[tuple[str, str]] = field(default_factory=list)
    """(field, what is wrong) noticed while reading: becomes findings."""
