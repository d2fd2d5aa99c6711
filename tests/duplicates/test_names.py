"""Party names: an initial that contradicts parts two people, a misspelling does not part a firm from itself."""

from __future__ import annotations

import pytest

from indexer.duplicates import names
from indexer.duplicates.clusters import pair
from indexer.duplicates.names import Name, link, match, meet


@pytest.mark.parametrize(
    ("one", "other", "initials", "rest"),
    [
        ("HOLLIN MARTA R", "HOLLIN MARTA RUTH", 0, 0),
        ("HOLLIN MARTA", "HOLLIN MARTA R", 1, 0),
        ("HOLLIN MARTA R", "HOLLIN MARTA K", 2, 0),
        ("HOLLIN MARTA", "HOLLIN PETER", -1, 2),
        ("QUARZTECHNIK HOLDING", "QUARZTECHNIC", -1, 1),
    ],
)
def test_words_meet_what_they_stand_for(one: str, other: str, initials: int, rest: int) -> None:
    met = meet(one.split(), other.split(), {})
    assert (met.initials, met.rest) == (initials, rest)
    again = meet(other.split(), one.split(), {})
    assert (again.initials, again.rest) == (initials, rest), "the order is of no account"


def joined(*given: str, person: bool) -> set[tuple[str, str]]:
    held = [Name(name, name, name, person=person) for name in given]
    return set(link(match(held), 0.9, {name.id for name in held if name.person}))


def test_people_are_told_apart_by_an_initial_that_firms_may_have_lost() -> None:
    assert joined("HOLLIN MARTA R", "HOLLIN MARTA K", person=True) == set()
    assert joined("HOLLIN MARTA R", "HOLLIN MARTA RUTH", person=True) == {("HOLLIN MARTA R", "HOLLIN MARTA RUTH")}
    assert joined("QUARZTECHNIK WERKE", "QUARZTECHNIC WERKE", person=False)


def test_many_mentions_written_alike_do_not_hide_other_writings() -> None:
    held = [Name(f"m{n:03}", "QUARZTECHNIK WERKE", "QUARZTECHNIK WERKE") for n in range(names.BLOCK * 3)]
    held.append(Name("other", "QUARZTECHNIC WERKE", "QUARZTECHNIC WERKE"))
    scored = match(held)
    assert pair("m000", "other") in scored
    assert len(link(scored, 0.9)) == len(held) - 1
