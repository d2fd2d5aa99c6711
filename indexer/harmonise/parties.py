"""Parties: one for each person or organisation in a role, whatever number of formats and scripts it is delivered in."""

from __future__ import annotations

from collections.abc import Iterable

from indexer.formats.draft import DraftAddress, DraftParty
from indexer.harmonise.findings import finding
from indexer.harmonise.names import entity_of, read_name
from indexer.harmonise.offices import office_code
from indexer.record import Finding, Party, PersonalData

_FILLERS = frozenset({"0", "00", "000000", "-", "--", ".", "N/A", "NA", "NULL", "NONE", "無", "无", "なし"})
"""What offices write into a field that must not be empty; CNIPA fills every part of an address with 0."""


class Parties:
    """Builds the parties of one record; doubts go to `findings`."""

    def __init__(self, office: str, findings: list[Finding]) -> None:
        self.office = office
        self.findings = findings

    def of(self, drafts: Iterable[DraftParty]) -> tuple[Party, ...]:
        """Parties in the order of the delivery; the DOCDB and EPODOC writings of one party join the original one.

        They belong together where role and sequence agree and the formats differ, or where role and canonical name
        are the same.
        """
        kept: list[Party] = []
        formats: list[set[str]] = []
        by_sequence: dict[tuple[object, int], int] = {}
        by_name: dict[tuple[object, ...], int] = {}
        for draft in drafts:
            party = self._party(draft)
            if party is None:
                continue
            format = (draft.format or "").strip().lower()
            name_key = (party.role, party.canonical_name, party.identifier, party.country)
            at = by_name.get(name_key)
            if at is None and party.sequence is not None and format:
                near = by_sequence.get((party.role, party.sequence))
                if near is not None and format not in formats[near] and formats[near]:
                    at = near
            if at is None:
                at = len(kept)
                kept.append(party)
                formats.append({format} if format else set())
            elif format == "original" and "original" not in formats[at]:
                kept[at] = _merged(party, kept[at])
                formats[at].add(format)
            else:
                kept[at] = _merged(kept[at], party)
                if format:
                    formats[at].add(format)
            by_name.setdefault(name_key, at)
            if party.sequence is not None:
                by_sequence.setdefault((party.role, party.sequence), at)
        return tuple(kept)

    def _party(self, draft: DraftParty) -> Party | None:
        text = " ".join(draft.name.split()) if draft.name else ""
        if (not text or text in _FILLERS) and not draft.identifier:
            return None
        private = _private(draft.address)
        if not text or text in _FILLERS:
            canonical, name = "", None
        else:
            name = read_name(text)
            canonical = name.canonical
        country = self._country(draft.country, draft.role.value)
        nationality = self._country(draft.nationality, draft.role.value)
        given_latin = draft.latin_name.strip() if draft.latin_name and draft.latin_name.strip() else None
        return Party.model_construct(
            role=draft.role,
            name=text,
            canonical_name=canonical,
            legal_form=name.legal_form if name else None,
            latin_name=given_latin or (name.latin if name else None),
            other_names=tuple(
                dict.fromkeys(o for other in draft.other_names if (o := " ".join(other.split())) and o != text)
            ),
            script=name.script if name else None,
            country=country,
            nationality=nationality,
            entity=entity_of(draft.entity, name) if name else draft.entity,
            identifier=_filled(draft.identifier),
            sequence=draft.sequence,
            private=private,
        )

    def _country(self, raw: str | None, role: str) -> str | None:
        value = _filled(raw)
        if value is None:
            return None
        code = office_code(value)
        if code is None:
            self.findings.append(finding("country-unknown", f"parties.{role}.country", value))
        return code


def _filled(raw: str | None) -> str | None:
    if raw is None:
        return None
    value = " ".join(raw.split())
    return None if not value or value.upper() in _FILLERS or not value.strip("0 ") else value


def _list(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for raw in values if (value := _filled(raw))))


def _private(address: DraftAddress | None) -> PersonalData | None:
    if address is None:
        return None
    lines = _list(address.lines)
    city, region, postal = _filled(address.city), _filled(address.region), _filled(address.postal_code)
    email, phone, fax, url = _list(address.email), _list(address.phone), _list(address.fax), _list(address.url)
    if not (lines or city or region or postal or email or phone or fax or url):
        return None
    return PersonalData.model_construct(
        address=lines, city=city, region=region, postal_code=postal, email=email, phone=phone, fax=fax, url=url
    )


def _merged(one: Party, two: Party) -> Party:
    """`one` with what only `two` says; the other writing of the name is kept among other_names."""
    others = dict.fromkeys((*one.other_names, two.name, *two.other_names))
    others.pop(one.name, None)
    others.pop("", None)
    return one.model_copy(
        update={
            "other_names": tuple(others),
            "legal_form": one.legal_form or two.legal_form,
            "latin_name": one.latin_name or two.latin_name,
            "country": one.country or two.country,
            "nationality": one.nationality or two.nationality,
            "entity": two.entity if one.entity == "unknown" else one.entity,
            "identifier": one.identifier or two.identifier,
            "sequence": one.sequence if one.sequence is not None else two.sequence,
            "private": _merged_private(one.private, two.private),
        }
    )


def _merged_private(one: PersonalData | None, two: PersonalData | None) -> PersonalData | None:
    if one is None or two is None or one == two:
        return one or two

    def both(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*first, *second)))

    return PersonalData.model_construct(
        address=both(one.address, two.address),
        city=one.city or two.city,
        region=one.region or two.region,
        postal_code=one.postal_code or two.postal_code,
        email=both(one.email, two.email),
        phone=both(one.phone, two.phone),
        fax=both(one.fax, two.fax),
        url=both(one.url, two.url),
    )
