"""Terms out of texts that are held in several languages: what stands in the same texts belongs together."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.search.expansion.bank import Bank, read
from api.search.expansion.expand import expand
from api.search.expansion.mining import Unit, as_lexicon, mine, phrases
from cli import terms
from cli.session import Platform as Operator
from common.errors import UsageError
from indexer.record import Layer, Text, TextType
from samples.world import topics
from tests.platforms import Platform, make_record

PUMPS: list[Unit] = [
    {"en": f"Heat pump with {en}", "es": f"Bomba de calor con {es}", "ja": f"{ja}を備えるヒートポンプ"}
    for en, es, ja in (("a valve", "una válvula", "弁"), ("a fan", "un ventilador", "送風機"), ("oil", "aceite", "油"))
]
FILTERS: list[Unit] = [
    {"en": f"Membrane for {en}", "es": f"Membrana para {es}", "ja": f"{ja}用の膜体"}
    for en, es, ja in (("a valve", "una válvula", "弁"), ("milk", "leche", "牛乳"), ("air", "aire", "空気"))
]


def test_phrases_that_stand_in_the_same_texts_are_one_concept() -> None:
    found = {concept.name: concept.terms for concept in mine([*PUMPS, *FILTERS])}
    assert found == {
        "heat pump": {"en": ("heat pump",), "ja": ("ヒートポンプ",), "es": ("bomba de calor",)},
        "membrane": {"en": ("membrane",), "ja": ("膜体",), "es": ("membrana",)},
    }


def test_what_too_few_texts_show_or_what_is_known_is_left_out(tmp_path: Path) -> None:
    units = [*PUMPS, *FILTERS]
    assert mine(units, least=4) == []
    path = tmp_path / "mined.tsv"
    path.write_text("".join(f"{line}\n" for line in as_lexicon(mine(units))), "utf-8")
    known = Bank()
    for concept in read(path):
        known.add(concept)
    assert mine(units, known=known) == []
    assert expand("bomba de calor", known, "broad", language="es").groups[0].terms["ja"] == ("ヒートポンプ",)


@pytest.mark.parametrize(
    ("text", "language", "there", "not_there"),
    [
        ("Method for the control, of pumps", "en", "control", "control of pumps"),
        ("bomba de calor de agua", "es", "bomba de calor", "de calor"),
        ("ヒートポンプを備える弁", "ja", "ヒートポンプ", "備える"),
    ],
)
def test_phrases_end_where_words_do(text: str, language: str, there: str, not_there: str) -> None:
    shown = {written for _, written in phrases(text, language)}
    assert (there in shown, not_there in shown) == (True, False)


def test_of_the_sample_topics_most_are_right() -> None:
    """Titles and abstracts of sixty topics in ten languages: a few hundred pairs that a person would write too."""
    units: list[Unit] = [text for topic in topics() for text in (topic.title, topic.abstract)]
    found = {concept.name: concept.terms for concept in mine(units, dice=0.9)}
    assert found["silicon carbide"]["de"] == ("Siliziumkarbid",)
    assert found["carbon dioxide"]["pt"] == ("dióxido de carbono",)
    assert len(found) > 50


@pytest.mark.asyncio(loop_scope="session")
async def test_texts_are_those_of_the_collections_named_one_by_one_and_by_family(multilingual: Platform) -> None:
    """Texts of one record in two languages, and titles of a family; a machine's translation counts for nothing, and
    collections that are not named are not looked into."""
    alone = make_record("QM", 1, "Valve", abstract="A valve closes.", collection="mined")
    german = Text(type=TextType.TITLE, text="Ventil", language="de")
    machine = Text(type=TextType.ABSTRACT, text="Un clapet", language="fr", layer=Layer.MACHINE_TRANSLATION)
    record = alone.model_copy(update={"texts": (*alone.texts, german, machine)})
    await multilingual.index([record, make_record("QM", 2, "Pump", collection="other")])
    for name in ("mined", "other"):
        multilingual.policy(f"qm-patent-{name}", "metadata")
    operator = Operator(multilingual.settings, multilingual.database, str(multilingual.settings.opensearch_url))
    try:
        assert await terms._units(operator, ["qm-patent-mined"]) == [{"en": "Valve", "de": "Ventil"}]
        assert await terms._units(operator, ["qm-patent-other"]) == []
        with pytest.raises(UsageError, match="titles of qm-patent-nothing"):
            await terms._units(operator, ["qm-patent-nothing"])
    finally:
        await multilingual.remove([record, make_record("QM", 2, "Pump", collection="other")])
