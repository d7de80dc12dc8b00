"""Versions beside the one in Production, as tables and cards show them. Plain data, no database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registry import labels
from registry.models import ModelVersion
from registry.version_facts import KEY_METRICS, BumpReason, MetricFact, bump_reasons, key_metrics

_COLUMNS = 2


@dataclass(frozen=True)
class VersionRow:
    """One version.

    :ivar bump: word of the bump that its number makes
    :ivar cells: its metric for each column of the table, None where it has none
    """

    version: ModelVersion
    metrics: list[MetricFact]
    bump: str
    reasons: list[BumpReason]
    cells: tuple[MetricFact | None, ...] = ()


@dataclass(frozen=True)
class VersionTable:
    """A table whose metric columns are those that its versions have.

    :ivar columns: names of metrics
    """

    columns: tuple[str, ...]
    rows: list[VersionRow]


def rows_of(versions: Iterable[ModelVersion], production: ModelVersion | None) -> list[VersionRow]:
    """Return versions with their metrics beside those of `production` (which is not compared with itself)."""
    return [
        VersionRow(
            version,
            key_metrics(version, None if production and production.pk == version.pk else production),
            labels.bump(version.bump),
            bump_reasons(version),
        )
        for version in versions
    ]


def table_of(versions: Sequence[ModelVersion], production: ModelVersion | None) -> VersionTable:
    """Return a table of `versions` with a column for each of the foremost key metrics among them."""
    plain = rows_of(versions, production)
    present = {fact.name for row in plain for fact in row.metrics}
    columns = tuple(name for name in KEY_METRICS if name in present)[:_COLUMNS]
    return VersionTable(columns, [_with_cells(row, columns) for row in plain])


def _with_cells(row: VersionRow, columns: tuple[str, ...]) -> VersionRow:
    facts = {fact.name: fact for fact in row.metrics}
    cells = tuple(facts.get(name) for name in columns)
    return VersionRow(row.version, row.metrics, row.bump, row.reasons, cells)
