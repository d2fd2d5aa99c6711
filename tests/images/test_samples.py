"""The samples' pictures are what their maker draws, and each record finds its own."""

from __future__ import annotations

from samples.make import DELIVERIES, figurative, views
from samples.world import world
from tests.writers.corpus import samples


def test_pictures_are_drawn_anew_as_they_lie_there() -> None:
    found = world()
    marks = [mark for mark in found.marks if mark.office not in ("KR", "JP")]
    made = figurative(marks) | views(design for design in found.designs if design.office in ("EM", "WO"))
    held = {path.name: path.read_bytes() for path in DELIVERIES.rglob("*.png")}
    assert held == made
    assert sum(map(len, held.values())) < 1_000_000


def test_every_reference_of_a_mark_or_design_is_a_file_of_its_delivery() -> None:
    held = {path.name for path in DELIVERIES.rglob("*.png")}
    named = {
        image.reference.removeprefix("file://")
        for record in samples(None)
        for image in record.images
        if image.type in ("mark", "design-view") and "://office" not in image.reference
    }
    assert held <= named
    assert {name for name in named if name.endswith(".png")} <= held
