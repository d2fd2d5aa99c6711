"""The table of formats: every reader the platform has. To add a format, write its module and add its rows here.

Order matters only where one signature fits two rows: the more particular comes first.
"""

from __future__ import annotations

from indexer.formats import (
    cn,
    docdb,
    dpma_patent,
    epo,
    greenbook,
    jp,
    kipris,
    office_json,
    own,
    st36,
    st66,
    st86,
    st96_copyright,
    st96_design,
    st96_gi,
    st96_patent,
    st96_trademark,
    st97,
    tipo_trademark,
    tw,
    us,
    us_assignment,
    us_json,
)
from indexer.formats.reading import Format

FORMATS: tuple[Format, ...] = (
    *epo.FORMATS,
    *docdb.FORMATS,
    *dpma_patent.FORMATS,
    *st96_patent.FORMATS,
    *st96_trademark.FORMATS,
    *st96_design.FORMATS,
    *st96_gi.FORMATS,
    *st96_copyright.FORMATS,
    *st97.FORMATS,
    *st66.FORMATS,
    *st86.FORMATS,
    *tipo_trademark.FORMATS,
    *own.FORMATS,
    *us.FORMATS,
    *greenbook.FORMATS,
    *us_assignment.FORMATS,
    *us_json.FORMATS,
    *cn.FORMATS,
    *jp.FORMATS,
    *tw.FORMATS,
    *kipris.FORMATS,
    *office_json.FORMATS,
    # plain ST.36 last: any office's document type may look like it
    *st36.FORMATS,
)


def by_name(name: str) -> Format:
    """The format called `name`; KeyError if there is none."""
    return {row.name: row for row in FORMATS}[name]
