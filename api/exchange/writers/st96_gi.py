"""Geographical indications as WIPO ST.96 V6 `GIApplication`, or `GIData` where nobody is named as applicant."""

from __future__ import annotations

from api.exchange.writers import st96_parts as parts
from api.exchange.writers.codes import category, code
from api.exchange.writers.markup import E, Element
from api.exchange.writers.result import Missing, unwritable
from api.exchange.writers.saying import (
    current_event,
    events,
    first_of,
    iso,
    note,
    notes,
    number_text,
    parties,
    tag,
    texts,
)
from indexer.record import (
    DateType,
    NumberType,
    Party,
    PartyRole,
    Record,
    RelationType,
    Right,
    StatusEvent,
    Text,
    TextType,
)

GI = Right.GI
FORMAT = "st96"

FEATURES = (
    "UniquenessText",
    "OriginProofText",
    "ProductPhysicalCharacteristicText",
    "ProductOrganolepticCharacteristicText",
    "ProductChemicalCharacteristicText",
    "ProductMaterialText",
    "ProductProcessingRuleText",
    "ProductLabelingRuleText",
)
"""What a FeatureDescription may say besides the description itself, in the order of the schema."""
TERRITORY = (
    "CausalInteractionText",
    "ReputationFactorText",
    "QualityFactorText",
    "ReservationNameText",
    "DemarcatedAreaDescriptionText",
)


def write(record: Record) -> bytes:
    """Raises UnwritableRecord where a required part is missing: office, language, name, product, area, kind."""
    said: dict[str, tuple[object, str]] = {
        "office": (code("office", record.office), "GIData requires an office that ST.96 knows"),
        "language": (tag(record.language), "GIData requires the language of the entry"),
        "texts.title": (texts(record, TextType.TITLE), "GINameBag requires a name"),
        "classifications": (record.classifications, "ProductIndicationBag requires a class of the product"),
        "texts.gi-product (FeatureDescriptionText)": (
            _features(record),
            "FeatureDescriptionBag requires a description",
        ),
        "texts.gi-product (GeographicRegionDescriptionText)": (
            _said(record, "GeographicRegionDescriptionText"),
            "GeographicRegionDescriptionBag requires a description of the area",
        ),
        "texts.other (GICategory)": (
            category("gi", note(record, "GICategory")),
            "GIData requires the kind of indication",
        ),
    }
    missing = [Missing(field, why) for field, (value, why) in said.items() if not value]
    if missing:
        raise unwritable(FORMAT, record.id, missing)
    applicants = [one for party in parties(record, PartyRole.APPLICANT) if (one := _applicant(party)) is not None]
    if not applicants:
        return parts.document(_data(record, alone=True), "com", "gin", "tmk")
    filed = record.number(NumberType.APPLICATION)
    root = E(
        "gin:GIApplication",
        {"com:officeCode": record.office, "com:languageCode": tag(record.language)},
        parts.VERSIONED,
        parts.application_number(filed, GI),
        E("com:ApplicationDate", iso(first_of(record, DateType.FILING))),
        E("gin:ContractingPartyOriginCode", _origin(record)),
        _data(record, alone=False),
        [_user(one) for one in parties(record, PartyRole.USER)],
        _parent(record),
        E("gin:ApplicantBag", applicants),
        E("com:RepresentativeBag", [_represents(one) for one in parties(record, PartyRole.REPRESENTATIVE)]),
        [_correspondence(one) for one in parties(record, PartyRole.CORRESPONDENT)[:1]],
        E("gin:GIPublicationBag", [_publication(event) for event in events(record, "-GI-PUBLICATION")]),
        E("gin:GIPriorityBag", [parts.priority("gin", "GIPriority", one, GI) for one in parts.claimed(record)]),
        E(
            "gin:GIDisclaimerBag",
            [parts.localised("gin:GIDisclaimerText", t) for t in texts(record, TextType.DISCLAIMER)],
        ),
        E("gin:ConformityDeclarationText", note(record, "ConformityDeclarationText")),
        [
            _plain("gin:NationalProtectionDescriptionText", t)
            for t in notes(record, "NationalProtectionDescriptionText")
        ],
        [_plain("gin:TraditionalUseDescriptionText", t) for t in notes(record, "TraditionalUseDescriptionText")[:1]],
    )
    return parts.document(root, "com", "gin", "tmk")


def _data(record: Record, *, alone: bool) -> Element | None:
    filed, registered = record.number(NumberType.APPLICATION), record.number(NumberType.REGISTRATION)
    filing = first_of(record, DateType.FILING)
    status = current_event(record, "-GI-STATUS")
    return E(
        "gin:GIData",
        {"com:officeCode": record.office, "com:languageCode": tag(record.language)},
        [parts.application_number(filed, GI), E("com:ApplicationDate", iso(filing))] if filed and filing else None,
        E("com:RegistrationNumber", number_text(registered, GI) if registered else None),
        E("com:RegistrationDate", iso(first_of(record, DateType.REGISTRATION)) if registered else None),
        _names(record),
        E("gin:ProductIndicationBag", _product(record), _categories(record)),
        E("gin:FeatureDescriptionBag", _features(record)),
        _area(record),
        E("gin:GICategory", note(record, "GICategory")),
        [parts.localised("com:CommentText", text) for text in notes(record, "CommentText")[:1]],
        [_user(one) for one in parties(record, PartyRole.USER)] if alone else None,
        E("gin:GIPublicationBag", [_publication(event) for event in events(record, "-GI-PUBLICATION")])
        if alone
        else None,
        E("gin:GIStatusCategory", category("gi_status", status.raw_code) if status else None),
        E("gin:WithdrawalDate", iso(first_of(record, DateType.TERMINATION))),
        E("com:ExpiryDate", iso(first_of(record, DateType.EXPIRY))),
        E("com:WebURI", note(record, "WebURI")),
    )


def _said(record: Record, name: str) -> list[Text]:
    """What a reader found in the element called `name`."""
    return [text for text in texts(record, TextType.GI_PRODUCT) if text.format == name]


def _plain(name: str, text: Text) -> Element | None:
    return E(name, text.text)


def _names(record: Record) -> Element | None:
    return E(
        "gin:GINameBag",
        [parts.localised("gin:GINameText", text) for text in texts(record, TextType.TITLE)],
        [
            parts.localised("gin:GINameTransliterationText", text)
            for text in texts(record, TextType.MARK_TRANSLITERATION)
        ],
        [parts.localised("gin:GINameTranslationText", text) for text in texts(record, TextType.MARK_TRANSLATION)],
    )


def _product(record: Record) -> list[Element | None]:
    """One `GoodsServices` a class, with the product's descriptions under it."""
    found = []
    for one in record.classifications:
        described = [
            t for t in texts(record, TextType.GI_PRODUCT) if t.class_symbol in (one.symbol, one.raw) and not t.format
        ]
        found.append(
            E(
                "tmk:GoodsServices",
                E(
                    "tmk:GoodsServicesClassificationBag",
                    E(
                        "tmk:GoodsServicesClassification",
                        E("tmk:ClassificationKindCode", "Nice" if one.scheme == "NICE" else one.scheme),
                        E("com:ClassificationVersion", one.edition),
                        E("tmk:ClassNumber", one.symbol),
                    ),
                ),
                E(
                    "tmk:ClassDescriptionBag",
                    E(
                        "tmk:ClassDescription",
                        E("tmk:ClassNumber", one.symbol),
                        [parts.localised("tmk:GoodsServicesDescriptionText", text) for text in described],
                    )
                    if described
                    else None,
                ),
            )
        )
    return found


def _categories(record: Record) -> list[Element | None]:
    return [E("gin:ProductCategory", category("gi_product", text.text)) for text in _said(record, "ProductCategory")]


def _features(record: Record) -> list[Element]:
    """One description of the features a language, with what else is said of the product in the first."""
    main = _said(record, "MainFeatureDescriptionText")
    production = _said(record, "ProductionDescriptionText")
    found: list[Element | None] = []
    extras = [E(f"gin:{name}", t.text) for name in FEATURES for t in _said(record, name)]
    for position, text in enumerate(main if len(main) == len(production) else ()):
        found.append(
            E(
                "gin:FeatureDescription",
                parts.localised("gin:MainFeatureDescriptionText", text),
                parts.localised("gin:ProductionDescriptionText", production[position]),
                extras if not position else None,
            )
        )
    for position, text in enumerate(_said(record, "FeatureDescriptionText")):
        first = not found and not position
        found.append(
            E("gin:FeatureDescription", parts.localised("gin:FeatureDescriptionText", text), extras if first else None)
        )
    return [one for one in found if one is not None]


def _area(record: Record) -> Element | None:
    return E(
        "gin:GeographicRegionDescriptionBag",
        [
            E("gin:GeographicRegionDescription", parts.localised("gin:GeographicRegionDescriptionText", text))
            for text in _said(record, "GeographicRegionDescriptionText")
        ],
        [parts.localised(f"gin:{name}", t) for name in TERRITORY for t in _said(record, name)[:1]],
    )


def _origin(record: Record) -> str | None:
    named = [one.office for one in record.designations if one.type == "ContractingPartyOriginCode"]
    return code("office", named[0]) if named else None


def _parent(record: Record) -> Element | None:
    for one in record.relations:
        if one.type is RelationType.PARENT and one.number is not None:
            return parts.application_number(one.number, GI, "gin:ParentApplicationNumber")
    return None


def _publication(event: StatusEvent) -> Element | None:
    return parts.publication("gin", "GIPublication", event, None)


def _user(party: Party) -> Element | None:
    return E("gin:AuthorizedUser", parts.contacts(party))


def _applicant(party: Party) -> Element | None:
    contacts = parts.contacts(party, resides=True, publication=True)
    if not contacts:
        return None
    return E(
        "gin:Applicant",
        parts.sequence(party),
        parts.identifier(party),
        contacts,
        parts.nationality(party),
        E("com:ResidenceCountryCode", code("country", party.country)),
    )


def _represents(party: Party) -> Element | None:
    who = [parts.identifier(party), *parts.contacts(party)]
    return E("com:Representative", parts.sequence(party), who, parts.nationality(party)) if any(
        one is not None for one in who
    ) else None  # fmt: skip


def _correspondence(party: Party) -> Element | None:
    return E("com:CorrespondenceAddress", parts.identifier(party), parts.contacts(party))
