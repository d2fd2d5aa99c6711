"""Reports of quality findings, by rule, collection, delivery, provider and month, from the ledger of rejects.

A finding counts while the version of the record that it was found on is the one in force: a delivery that says the same
again does not double it, one that corrects the record ends it. By delivery, each delivery's own findings count.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from indexer.quality.rules import rules
from indexer.quality.sheet import Column, Sheet

CURRENT = """
    from rejects j join records r on r.id = j.record and r.delivery = j.delivery and r.member = j.member
        and r.ordinal = j.ordinal
    where j.finding and not r.deleted and (cast(:provider as text) is null or r.provider = :provider)
"""
BY_SEVERITY = """
    count(*) filter (where j.severity = 'error') as errors,
    count(*) filter (where j.severity = 'warning') as warnings,
    count(*) filter (where j.severity = 'info') as infos
"""
RANK = "array_position(array['error', 'warning', 'info'], j.severity)"


def rule_table() -> Sheet:
    """Every rule: what is doubted, how badly, about which rights and offices, and what to do."""
    columns = (
        Column("rule", "Rule"),
        Column("severity", "Severity"),
        Column("rights", "Rights", "list"),
        Column("offices", "Offices", "list"),
        Column("field", "Field"),
        Column("explanation", "Explanation"),
        Column("fix", "What to do"),
    )
    rows = tuple(
        {
            "rule": rule.name,
            "severity": rule.severity.value,
            "rights": sorted(right.value for right in rule.rights),
            "offices": sorted(rule.offices),
            "field": rule.field,
            "explanation": rule.explanation,
            "fix": rule.fix,
        }
        for rule in rules().values()
    )
    return Sheet("rules", "Quality rules", columns, rows)


def quality(session: Session, provider: str | None) -> tuple[Sheet, ...]:
    """All sheets about one provider's records, or about everybody's (None)."""
    sheets: tuple[Sheet, ...] = (by_rule(session, provider), by_collection(session, provider))
    if provider is None:
        sheets += (by_provider(session),)
    return (*sheets, by_delivery(session, provider), by_month(session, provider))


def by_rule(session: Session, provider: str | None) -> Sheet:
    """Findings in force, worst first. `share`: of the records held."""
    held = session.execute(
        text(
            "select count(*) from records where not deleted "
            "and (cast(:provider as text) is null or provider = :provider)"
        ),
        {"provider": provider},
    ).scalar_one()
    found = session.execute(
        text(
            f"select j.rule, j.severity, count(*) as findings, count(distinct r.id) as records {CURRENT} "
            f"group by j.rule, j.severity order by {RANK}, 3 desc, 1"
        ),
        {"provider": provider},
    )
    known = rules()
    rows = tuple(
        {
            "rule": row.rule,
            "severity": row.severity,
            "findings": row.findings,
            "records": row.records,
            "share": share(row.records, held),
            "explanation": known[row.rule].explanation if row.rule in known else "",
            "fix": known[row.rule].fix if row.rule in known else "",
        }
        for row in found
    )
    columns = (
        Column("rule", "Rule"),
        Column("severity", "Severity"),
        Column("findings", "Findings", "number"),
        Column("records", "Records", "number"),
        Column("share", "Of all records", "share"),
        Column("explanation", "Explanation"),
        Column("fix", "What to do"),
    )
    return Sheet("rules", "Findings by rule", columns, rows)


COUNTED = (
    Column("records", "Records", "number"),
    Column("with_findings", "With findings", "number"),
    Column("errors", "Errors", "number"),
    Column("warnings", "Warnings", "number"),
    Column("infos", "Notes", "number"),
    Column("clean", "Without findings", "share"),
)


def by_collection(session: Session, provider: str | None) -> Sheet:
    """Records held and findings in force of each collection."""
    return _by(session, provider, "collection", "Findings by collection")


def by_provider(session: Session) -> Sheet:
    return _by(session, None, "provider", "Findings by provider")


def _by(session: Session, provider: str | None, column: str, title: str) -> Sheet:
    found = session.execute(
        text(
            f"with held as (select {column}, count(*) as records from records where not deleted "  # noqa: S608
            f"and (cast(:provider as text) is null or provider = :provider) group by 1), "
            f"doubted as (select r.{column}, count(distinct r.id) as with_findings, {BY_SEVERITY} "
            f"{CURRENT} group by 1) "
            f"select h.{column} as name, h.records, coalesce(d.with_findings, 0) as with_findings, "
            f"coalesce(d.errors, 0) as errors, coalesce(d.warnings, 0) as warnings, coalesce(d.infos, 0) as infos "
            f"from held h left join doubted d using ({column}) order by 1"
        ),
        {"provider": provider},
    )
    rows = tuple(
        {column: row.name, **_counts(row), "clean": share(row.records - row.with_findings, row.records)}
        for row in found
    )
    return Sheet(f"{column}s", title, (Column(column, column.capitalize()), *COUNTED), rows)


def _counts(row: Any) -> dict[str, int]:
    return {name: getattr(row, name) for name in ("records", "with_findings", "errors", "warnings", "infos")}


DELIVERED = """
    select d.sequence, d.provider, d.collection, d.name, d.received, d.state, d.records, d.rejected,
        count(distinct j.record) filter (where j.finding) as with_findings,
        count(*) filter (where j.finding and j.severity = 'error') as errors,
        count(*) filter (where j.finding and j.severity = 'warning') as warnings,
        count(*) filter (where j.finding and j.severity = 'info') as infos
    from deliveries d left join rejects j on j.delivery = d.sequence
    where (cast(:provider as text) is null or d.provider = :provider)
    group by d.sequence
"""


def by_delivery(session: Session, provider: str | None, limit: int = 200) -> Sheet:
    """The latest deliveries, newest first, with how each compares with the one before of the same collection.

    `rate`: findings for a thousand records; `change`: in the rate since the delivery before.
    """
    found = session.execute(
        text(
            f"with counted as ({DELIVERED}), rated as (select *, "  # noqa: S608
            "case when records > 0 then 1000.0 * (errors + warnings + infos) / records end as rate from counted) "
            "select *, rate - lag(rate) over (partition by provider, collection order by sequence) as change "
            "from rated order by sequence desc limit :limit"
        ),
        {"provider": provider, "limit": limit},
    )
    rows = tuple(
        {
            "delivery": row.sequence,
            "provider": row.provider,
            "collection": row.collection,
            "name": row.name,
            "received": row.received,
            "state": row.state,
            **_counts(row),
            "rejected": row.rejected,
            "rate": _rounded(row.rate),
            "change": _rounded(row.change),
        }
        for row in found
    )
    columns = (
        Column("delivery", "Delivery", "number"),
        Column("provider", "Provider"),
        Column("collection", "Data set"),
        Column("name", "Name"),
        Column("received", "Received", "time"),
        Column("state", "State"),
        *COUNTED[:2],
        Column("rejected", "Rejected", "number"),
        *COUNTED[2:5],
        Column("rate", "Findings per 1,000", "number"),
        Column("change", "Change", "number"),
    )
    return Sheet("deliveries", "Findings by delivery", columns, rows)


def by_month(session: Session, provider: str | None) -> Sheet:
    """Deliveries of each calendar month (UTC), oldest first: the trend."""
    found = session.execute(
        text(
            f"with counted as ({DELIVERED}), monthly as (select "  # noqa: S608
            "to_char(received at time zone 'UTC', 'YYYY-MM') as month, count(*) as deliveries, "
            "sum(records)::bigint as records, sum(rejected)::bigint as rejected, "
            "sum(with_findings)::bigint as with_findings, sum(errors)::bigint as errors, "
            "sum(warnings)::bigint as warnings, sum(infos)::bigint as infos from counted group by 1), "
            "rated as (select *, "
            "case when records > 0 then 1000.0 * (errors + warnings + infos) / records end as rate from monthly) "
            "select *, rate - lag(rate) over (order by month) as change from rated order by month"
        ),
        {"provider": provider},
    )
    rows = tuple(
        {
            "month": row.month,
            "deliveries": row.deliveries,
            **_counts(row),
            "rejected": row.rejected,
            "rate": _rounded(row.rate),
            "change": _rounded(row.change),
        }
        for row in found
    )
    columns = (
        Column("month", "Month"),
        Column("deliveries", "Deliveries", "number"),
        *COUNTED[:2],
        Column("rejected", "Rejected", "number"),
        *COUNTED[2:5],
        Column("rate", "Findings per 1,000", "number"),
        Column("change", "Change", "number"),
    )
    return Sheet("trend", "Trend by month", columns, rows)


FINDING_COLUMNS = (
    Column("finding", "No.", "number"),
    Column("record", "Record"),
    Column("rule", "Rule"),
    Column("severity", "Severity"),
    Column("field", "Field"),
    Column("reason", "What is doubted"),
    Column("delivery", "Delivery", "number"),
    Column("file", "File"),
    Column("member", "Inside"),
    Column("ordinal", "Position", "number"),
)


def findings(
    session: Session,
    provider: str | None,
    *,
    record: str | None = None,
    rule: str | None = None,
    severity: str | None = None,
    collection: str | None = None,
    delivery: int | None = None,
    after: int = 0,
    limit: int = 200,
) -> Sheet:
    """Findings one by one, from number `after` on. In force, or of one `delivery` as it found them."""
    if delivery is None:
        source = CURRENT
    else:
        source = (
            "from rejects j join deliveries d on d.sequence = j.delivery "
            "left join records r on r.id = j.record where j.finding and j.delivery = :delivery "
            "and (cast(:provider as text) is null or d.provider = :provider)"
        )
    wanted = {"record": ("j.record", record), "rule": ("j.rule", rule), "severity": ("j.severity", severity)}
    wanted["collection"] = ("r.collection", collection)
    given = {name: value for name, (_, value) in wanted.items() if value is not None}
    clauses = "".join(f" and {wanted[name][0]} = :{name}" for name in given)
    found = session.execute(
        text(
            "select j.id as finding, j.record, j.rule, j.severity, j.field, j.reason, j.delivery, j.file, "
            f"j.path as member, j.ordinal {source} and j.id > :after{clauses} order by j.id limit :limit"
        ),
        {"provider": provider, "delivery": delivery, "after": after, "limit": limit, **given},
    )
    return Sheet("findings", "Findings", FINDING_COLUMNS, tuple(dict(row._mapping) for row in found))


def share(part: int, whole: int) -> float | None:
    """Part of the whole, to six decimals; None of nothing."""
    return round(part / whole, 6) if whole else None


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), 3)
