"""What a mark looks and sounds like and what it is for, in ST.96: representation, classes, goods and services."""

from __future__ import annotations

from collections.abc import Iterable

from api.exchange.writers import st96_parts as parts
from api.exchange.writers.codes import category, nearest
from api.exchange.writers.markup import E, Element
from api.exchange.writers.saying import iso, tag, texts
from indexer.record import Classification, DateType, Image, Record, Text, TextType

KINDS = {
    "individual": "Individual mark",
    "collective": "Collective mark",
    "certification": "Certification mark",
    "defensive": "Defensive mark",
}
"""Kinds of marks (MarkDetails.kind) and their `MarkCategory`."""


def mark_categories(record: Record) -> list[str]:
    kind = record.mark.kind if record.mark else None
    if kind is None:
        return []
    if kind in KINDS:
        return [KINDS[kind]]
    return [one for part in kind.split("; ") if (one := category("mark", part)) is not None]


def feature(record: Record) -> str | None:
    """`MarkFeatureCategory`: the office's word where it is ST.96's, else the category that it was understood as."""
    if record.mark is None:
        return None
    return category("mark_feature", record.mark.feature_raw) or nearest("mark_feature", FEATURES.get(
        record.mark.feature or "", record.mark.feature))  # fmt: skip


FEATURES = {"stylized": "Stylized characters"}
"""Features that the record calls otherwise than ST.96 in more than case and hyphens."""


# --- representation ---


def representation(record: Record) -> Element | None:
    """`MarkRepresentation`; None without words, image or sound, one of which it must have."""
    reproduction = E(
        "tmk:MarkReproduction",
        _words(record),
        E("tmk:MarkImageBag", _images(record)),
        E("tmk:MarkSoundBag", [_sound(image) for image in record.images if image.caption == "MarkSound"]),
        E(
            "tmk:MarkMultimediaBag",
            [
                E("tmk:MarkMultimedia", E("com:FileName", image.reference))
                for image in record.images
                if image.caption == "MarkMultimedia"
            ],
        ),
    )
    if reproduction is None:
        return None
    described = [
        parts.localised("tmk:MarkDescriptionText", text)
        if text.declared_language
        else E("tmk:MarkDescriptionText", text.text)
        for text in texts(record, TextType.MARK_DESCRIPTION)
    ]
    return E(
        "tmk:MarkRepresentation",
        E("tmk:MarkFeatureCategory", feature(record)),
        reproduction,
        E("tmk:MarkDescriptionBag", described),
    )


def _words(record: Record) -> list[Element | None]:
    """One specification for each writing of the words; translations and transliterations stand in the first.

    `MarkSignificantVerbalElementText` is required: where an office does not say which words count, all of them do.
    """
    found: list[Element | None] = []
    spelled = texts(record, TextType.MARK_TRANSLITERATION)
    for position, words in enumerate(texts(record, TextType.MARK_TEXT)):
        main = position == 0
        found.append(
            E(
                "tmk:WordMarkSpecification",
                parts.localised("tmk:MarkVerbalElementText", words),
                parts.localised("tmk:MarkSignificantVerbalElementText", words),
                [parts.localised("tmk:MarkTranslationText", text)
                 for text in texts(record, TextType.MARK_TRANSLATION) if main],
                [E("tmk:MarkTransliteration", text.text) for text in spelled[:1] if main],
                [E("tmk:MarkTranscription", text.text) for text in spelled[1:] if main],
            )
        )  # fmt: skip
    return found


def _images(record: Record) -> list[Element | None]:
    """Images by name; what is said of the picture (colours, figurative elements) stands in the first."""
    found: list[Element | None] = []
    images = [image for image in record.images if image.type == "mark"]
    for position, image in enumerate(sorted(images, key=lambda one: one.sequence or 0)):
        main = position == 0
        found.append(
            E(
                "tmk:MarkImage",
                E("com:FileName", image.reference),
                E("com:ImageFormatCategory", category("image", image.format)),
                [parts.localised("tmk:MarkImageColourClaimedText", text)
                 for text in texts(record, TextType.COLOUR_CLAIM) if main],
                E("tmk:MarkImageClassification", E("com:FigurativeElementClassificationBag", _vienna(record)))
                if main else None,
                E("tmk:NationalDesignSearchCodeBag", _search_codes(record)) if main else None,
            )
        )  # fmt: skip
    return found


def _vienna(record: Record) -> list[Element | None]:
    found = [one for one in record.classifications if one.scheme == "VIENNA"]
    return [
        E(
            "com:ViennaClassificationBag",
            E("com:ViennaClassificationEdition", edition),
            [_vienna_symbol(one.symbol) for one in found if one.edition == edition],
        )
        for edition in dict.fromkeys(one.edition for one in found)
    ]


def _vienna_symbol(symbol: str) -> Element | None:
    category_, _, rest = symbol.partition(".")
    division, _, section = rest.partition(".")
    return E(
        "com:ViennaClassification",
        E("com:ViennaCategory", category_),
        E("com:ViennaDivision", division),
        E("com:ViennaSection", section),
    )


def _search_codes(record: Record) -> list[Element | None]:
    """National design search codes: each must have its meaning."""
    scheme = f"{record.office}-DESIGN-SEARCH"
    meanings: dict[str | None, list[str]] = {}
    for text in texts(record, TextType.KEYWORD):
        meanings.setdefault(text.class_symbol, []).append(text.text)
    return [
        E(
            "tmk:NationalDesignSearchCode",
            E("tmk:NationalDesignCode", one.raw),
            [E("tmk:NationalDesignCodeDescriptionText", meaning) for meaning in said],
        )
        for one in record.classifications
        if one.scheme == scheme and (said := meanings.get(one.symbol) or meanings.get(one.raw))
    ]


def _sound(image: Image) -> Element | None:
    return E(
        "tmk:MarkSound",
        E("com:FileName", image.reference),
        E("tmk:SoundFileFormatCategory", category("sound", image.format)),
    )


# --- goods and services ---


def goods_and_services(record: Record) -> Element | None:
    """One `GoodsServices` a class, so that each class keeps its edition, its texts and its dates of first use."""
    written = texts(record, TextType.GOODS_SERVICES)
    nice = [one for one in record.classifications if one.scheme == "NICE"]
    national = [one for one in record.classifications if one.scheme == f"{record.office}-TM-CLASS"]
    found = [_goods(record, one, [t for t in written if t.class_symbol == one.symbol]) for one in nice]
    symbols = {one.symbol for one in nice}
    for symbol in dict.fromkeys(t.class_symbol for t in written if t.class_symbol not in symbols):
        found += [_unclassified(symbol, [text for text in written if text.class_symbol == symbol])]
    if national:
        found.append(E("tmk:GoodsServices", E("tmk:GoodsServicesClassificationBag", _national(national))))
    return E("tmk:GoodsServicesBag", found)


def _goods(record: Record, one: Classification, written: list[Text]) -> Element | None:
    classes = E(
        "tmk:GoodsServicesClassificationBag",
        E(
            "tmk:GoodsServicesClassification",
            E("tmk:ClassificationKindCode", "Nice"),
            E("com:ClassificationVersion", one.edition),
            E("tmk:ClassNumber", one.symbol),
        ),
    )
    return E(
        "tmk:GoodsServices",
        classes,
        _first_use(record, one.symbol),
        E("tmk:ProposedLeadingClassNumber", one.symbol if one.first else None),
        E("tmk:ClassDescriptionBag", _described(one.symbol, written, one.edition)),
    )


def _unclassified(symbol: str | None, written: list[Text]) -> Element | None:
    """Goods under no class of the record: what kind of class they would be in is not said."""
    return E(
        "tmk:GoodsServices",
        E(
            "tmk:GoodsServicesClassificationBag",
            E("tmk:GoodsServicesClassification", E("tmk:ClassificationKindCode", "Other")),
        ),
        E("tmk:ClassDescriptionBag", _described(symbol, written, None)),
    )


def _described(symbol: str | None, written: list[Text], edition: str | None) -> Element | None:
    if not written:
        return None
    return E(
        "tmk:ClassDescription",
        E("com:ClassificationVersion", edition),
        E("tmk:ClassNumber", symbol),
        [
            E("tmk:GoodsServicesDescriptionText", {"com:languageCode": tag(t.declared_language)}, t.text)
            for t in written
        ],
    )


def _national(found: Iterable[Classification]) -> list[Element | None]:
    return [
        E(
            "tmk:GoodsServicesClassification",
            E("tmk:ClassificationKindCode", "Domestic"),
            E("com:ClassificationVersion", one.edition),
            E("tmk:NationalClassNumber", one.raw),
        )
        for one in found
    ]


def _first_use(record: Record, symbol: str) -> Element | None:
    """Dates of first use, which a reader labels with their element and class."""
    found = []
    for label in ("FirstUsedDate", "FirstUsedCommerceDate"):
        named = (f"{label} class {symbol}", f"{label} class {symbol.zfill(3)}", f"{label} class {symbol.zfill(2)}")
        dates = [d.date for d in record.dates if d.type is DateType.FIRST_USE and d.label in named]
        found += [E(f"tmk:{label}", iso(date)) for date in dates]
    return E("tmk:NationalFilingBasis", found)


def documents(record: Record) -> list[Element | None]:
    """Attached documents by reference. A document must have a name: its own, or that of its file."""
    return [
        E(
            "tmk:TrademarkDocument",
            E("com:DocumentName", image.caption or image.reference),
            E("com:FileName", image.reference),
            E("com:DocumentFormatCategory", category("document", image.format)),
        )
        for image in record.images
        if image.type == "other" and image.caption not in ("MarkSound", "MarkMultimedia")
    ]
