"""Which record a draft is: the deterministic id."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.record import Number, NumberType, Right

_ORDER = {
    Right.PATENT: (NumberType.PUBLICATION, NumberType.REGISTRATION, NumberType.PCT_PUBLICATION),
    Right.TRADEMARK: (
        NumberType.APPLICATION,
        NumberType.REGISTRATION,
        NumberType.INTERNATIONAL,
        NumberType.PUBLICATION,
    ),
    Right.DESIGN: (NumberType.REGISTRATION, NumberType.APPLICATION, NumberType.INTERNATIONAL, NumberType.PUBLICATION),
    Right.COPYRIGHT: (
        NumberType.WORK,
        NumberType.REGISTRATION,
        NumberType.APPLICATION,
        NumberType.ISBN,
        NumberType.ISSN,
    ),
    Right.GI: (NumberType.REGISTRATION, NumberType.APPLICATION, NumberType.INTERNATIONAL, NumberType.PUBLICATION),
}
_ORDER[Right.COPYRIGHT] += (NumberType.ISRC, NumberType.ISWC, NumberType.ISAN, NumberType.OTHER)
_APPLICATIONS = (NumberType.APPLICATION, NumberType.PCT_APPLICATION)


def identifying_number(
    right: Right, numbers: Sequence[Number], office: str, identified_by: NumberType | None = None
) -> Number | None:
    """The number that identifies a record of `right`, or None.

    Patents: publication, then grant, then PCT publication; without any, the application. Marks: application, registration,
    international registration. Designs: registration (the design identifier), application, international. Works: the register's own number,
    then ISBN and its kin. Among several of one type the office's own comes first, in the order given. `identified_by` goes
    before all: the type of the number of a whole file (a register's dossier).
    """
    wanted = _ORDER[right] + (_APPLICATIONS if right is Right.PATENT else ())
    for type in ((identified_by,) if identified_by else ()) + wanted:
        own = [number for number in numbers if number.type is type]
        if own:
            return next((number for number in own if number.office == office), own[0])
    return None


def build_id(provider: str, right: Right, number: Number, kind: str | None, design_index: str | None = None) -> str:
    """`PROVIDER.right.CANONICAL[.KIND]`: the same record of the same provider always has the same id.

    - patents: publication number and kind, `EP.patent.JPH05142789.A`; without a publication the application number and the
      word application, `KR.patent.KR1020230003245.application`, so that it never meets a publication of the same digits;
    - marks: `EM.trademark.EM018226743`, by application number (registration or international number where there is none);
    - designs: `EM.design.EM001136808-0001`, the index of the design within a multiple filing included;
    - works and GIs: their register's number.
    A record that is known by application first and by publication later changes its id; indexer/duplicates relates the two.
    """
    canonical = number.canonical
    if right is Right.DESIGN and design_index and not canonical.endswith(f"-{design_index}") and "-" not in canonical:
        canonical = f"{canonical}-{design_index}"
    identifier = f"{provider}.{right.value}.{canonical}"
    if right is Right.PATENT:
        if number.type in _APPLICATIONS:
            return f"{identifier}.application"
        if kind:
            return f"{identifier}.{kind}"
    return identifier
