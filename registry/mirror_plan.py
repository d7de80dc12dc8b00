"""Rules: what has to change in MLflow so that it says of a model what our database says. No I/O.

    Development -> None          Staging -> Staging, alias challenger
    Archived -> Archived         Production -> Production, alias champion

Of several versions in Staging the one that came last is the challenger. The changes come in an order that
leaves a usable model in Production, and the champion pointing to it, after each of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from integrations.mlflow_records import ModelVersionRecord
from integrations.mlflow_registering import ALIAS_OF_STAGE
from registry.stages import Stage

STAGE_TAG = "stagegate.stage"


class Kind(StrEnum):
    """What a change does to a version of MLflow."""

    STAGE = "stage"
    ALIAS = "alias"
    NO_ALIAS = "no alias"
    TAG = "tag"


_OF_STAGES = (Kind.STAGE, Kind.TAG)


@dataclass(frozen=True)
class Wanted:
    """One of our versions.

    :ivar number: MLflow's number of it
    :ivar since: when it came to its stage
    """

    number: int
    stage: Stage
    since: datetime


@dataclass(frozen=True)
class Left:
    """What a person accepted as MLflow says it: nothing of it is changed as long as MLflow says the same.

    :ivar stages: pairs of a version's number and the stage that it may stay in, with its tag
    :ivar aliases: pairs of an alias and the number it may point to; None: nowhere
    """

    stages: frozenset[tuple[int, str]] = frozenset()
    aliases: frozenset[tuple[str, int | None]] = frozenset()

    def numbers(self, there: Iterable[ModelVersionRecord]) -> frozenset[int]:
        """Return the versions whose stage stays."""
        return frozenset(one.version for one in there if (one.version, one.stage) in self.stages)

    def names(self, there: Iterable[ModelVersionRecord]) -> frozenset[str]:
        """Return the aliases that stay where they point."""
        at = {alias: one.version for one in there for alias in one.aliases}
        return frozenset(alias for alias, number in self.aliases if at.get(alias) == number)


NOTHING_LEFT = Left()


@dataclass(frozen=True)
class Change:
    """One thing to write: the stage, alias or tag value `value` of MLflow's version `number`."""

    kind: Kind
    number: int
    value: str

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


def plan(
    wanted: Sequence[Wanted], there: Sequence[ModelVersionRecord], left: Left = NOTHING_LEFT
) -> list[Change]:
    """Return the changes, in order; none when MLflow agrees.

    Versions that MLflow does not have are left out. Versions that only MLflow has are left alone, except that
    none of them stays in Production or keeps an alias that one of ours must have.

    :param left: what a person accepted as it is
    """
    numbers, names = left.numbers(there), left.names(there)
    return [
        change
        for change in _all_changes(wanted, there)
        if not (change.number in numbers if change.kind in _OF_STAGES else change.value in names)
    ]


def _all_changes(wanted: Sequence[Wanted], there: Sequence[ModelVersionRecord]) -> list[Change]:
    found = {record.version: record for record in there}
    ours = {one.number: one for one in wanted if one.number in found}
    holders = holders_of(ours.values())
    champion = holders.get(Stage.PRODUCTION)
    first = [champion] if champion is not None else []
    changes: list[Change] = []
    for number in (*first, *sorted(ours.keys() - {champion})):
        changes += _stage(found[number], ours[number].stage.mlflow_name)
        changes += _aliases(found[number], holders)
    changes += _stale_aliases(found, ours, holders)
    if champion is not None:
        for number in sorted(found.keys() - ours.keys()):
            if found[number].stage == Stage.PRODUCTION:
                changes += _stage(found[number], Stage.ARCHIVED.mlflow_name)
    changes += [
        Change(Kind.TAG, number, one.stage)
        for number, one in sorted(ours.items())
        if found[number].tags.get(STAGE_TAG) != one.stage
    ]
    return changes


def missing(wanted: Sequence[Wanted], there: Sequence[ModelVersionRecord]) -> set[int]:
    """Return the numbers of our versions that MLflow does not have."""
    return {one.number for one in wanted} - {record.version for record in there}


def holders_of(ours: Iterable[Wanted]) -> dict[Stage, int]:
    """Return stage -> number of the version that came to it last."""
    return {one.stage: one.number for one in sorted(ours, key=lambda one: (one.since, one.number))}


def _stage(record: ModelVersionRecord, stage: str) -> list[Change]:
    return [] if record.stage == stage else [Change(Kind.STAGE, record.version, stage)]


def _aliases(record: ModelVersionRecord, holders: Mapping[Stage, int]) -> Iterator[Change]:
    for stage, alias in ALIAS_OF_STAGE.items():
        if holders.get(Stage(stage)) == record.version and alias not in record.aliases:
            yield Change(Kind.ALIAS, record.version, alias)


def _stale_aliases(
    found: Mapping[int, ModelVersionRecord], ours: Mapping[int, Wanted], holders: Mapping[Stage, int]
) -> Iterator[Change]:
    """Aliases on one of our versions that no version should have now; a moved alias leaves by itself."""
    for stage, alias in ALIAS_OF_STAGE.items():
        if Stage(stage) not in holders:
            for number in sorted(ours):
                if alias in found[number].aliases:
                    yield Change(Kind.NO_ALIAS, number, alias)
