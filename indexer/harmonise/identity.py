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
    right: Right,
    numbers: Sequence[Number],
    office: str,
    identified_by: NumberType | None = None,
    kind: str | None = None,
) -> Number | None:
    """The number that identifies a record of `right`, or None.

    A reader that describes a whole file says by which type of number the file goes (`identified_by`). Otherwise:

    - Patents: a publication whose kind is known; else the application, since registers give one entry an application
      and name publications without kinds as they come; else publication, grant or PCT publication as they are.
    - Marks: application, registration, international registration.
    - Designs: registration (the design identifier), application, international registration.
    - Works: the register's own number, then ISBN and its kin. GIs: registration, application.

    Among several of one type the office's own comes first, in the order given.
    """
    if identified_by is not None and (named := [n for n in numbers if n.type is identified_by]):
        return _own(named, office)
    if right is Right.PATENT:
        kinded = [n for n in numbers if n.type is NumberType.PUBLICATION and (n.kind or kind)]
        if kinded:
            return _own(kinded, office)
        wanted = (NumberType.APPLICATION, *_ORDER[right], NumberType.PCT_APPLICATION)
    else:
        wanted = _ORDER[right]
    for type in wanted:
        found = [number for number in numbers if number.type is type]
        if found:
            return _own(found, office)
    return None


def _own(numbers: Sequence[Number], office: str) -> Number:
    return next((number for number in numbers if number.office == office), numbers[0])


def build_id(collection: str, right: Right, number: Number, kind: str | None, design_index: str | None = None) -> str:
    """`COLLECTION.CANONICAL[.KIND]`: the same record of the same collection always has the same id.

    The collection (provider, right and data set) stands in it, since access is granted by collection: a publication
    that a provider delivers in two data sets is two records, of which neither may overwrite the other, and which
    indexer/duplicates brings together.

    - Patents: publication number and kind, `ep-patent-docdb.JPH05142789.A`. Without a publication the application
      number and the word application, `kr-patent-kipris.KR1020230003245.application` (`.application-U` for utility
      models), so that it never meets a publication of the same digits.
    - Marks: `em-trademark-default.EM018226743`, by application number (registration or international number where
      there is none).
    - Designs: `em-design-default.EM001136808-0001`, the index of the design within a multiple filing included.
    - Works and GIs: their register's number.

    A record that is known by application first and by publication later changes its id; indexer/duplicates relates
    the two.
    """
    canonical = number.canonical
    if right is Right.DESIGN and design_index and not canonical.endswith(f"-{design_index}"):
        canonical = f"{canonical}-{design_index}"
    identifier = f"{collection}.{canonical}"
    if right is Right.PATENT:
        if number.type in _APPLICATIONS:
            # offices such as JP number applications for patents and for utility models alike
            model = (number.kind or "")[:1] in ("U", "Y", "Z")
            return f"{identifier}.application-U" if model else f"{identifier}.application"
        if kind:
            return f"{identifier}.{kind}"
    return identifier
