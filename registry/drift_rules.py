"""Rules: where MLflow says something else of a model than our database. No database, no Django, no I/O.

Stages are named as MLflow names them (``None`` for Development). An alias is written as ``champion -> 3``: it
points, or should point, to MLflow's version 3; ``champion -> none``: it is, or should be, nowhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from integrations.mlflow_records import ModelVersionRecord
from integrations.mlflow_registering import ALIAS_OF_STAGE
from registry.mirror_plan import Left, Wanted, holders_of
from registry.stages import Stage

NOWHERE = "none"


class Aspect(StrEnum):
    """What differs; the values are those of `registry.models.Drift.Kind`."""

    STAGE = "stage"
    ALIAS = "alias"
    SOURCE = "source"
    MISSING = "missing"


#: What the product can set in MLflow again; a source cannot be changed there, a deleted version not revived.
REPAIRABLE = frozenset({Aspect.STAGE, Aspect.ALIAS})


@dataclass(frozen=True)
class Difference:
    """One difference about MLflow's version `number`."""

    aspect: Aspect
    number: int
    expected: str
    found: str

    @property
    def stages(self) -> frozenset[str]:
        """The stages whose policies have a say: those that it is about, else Production."""
        texts = f"{self.expected} {self.found}"
        about = {
            stage for stage, alias in ALIAS_OF_STAGE.items() if stage in texts or alias in texts.split(" ")
        }
        return frozenset(about or {Stage.PRODUCTION.value})


def differences(
    wanted: Sequence[Wanted],
    sources: Mapping[int, str],
    there: Sequence[ModelVersionRecord],
    *,
    left: Left,
    decided: bool,
) -> list[Difference]:
    """Return every difference, by MLflow's number.

    :param wanted: what MLflow should say
    :param sources: MLflow's number -> where the model of our version lies
    :param left: stages and aliases that a person accepted as they are
    :param decided: whether the aliases are ours; of a model that was only adopted they are its owners'
    """
    found = {record.version: record for record in there}
    ours = {one.number: one for one in wanted}
    kept, names = left.numbers(there), left.names(there)
    result: list[Difference] = []
    for number, one in ours.items():
        if number not in found:
            result.append(Difference(Aspect.MISSING, number, f"version {number}", ""))
        else:
            result += _of_version(one, found[number], sources.get(number, ""), kept)
    present = [one for number, one in ours.items() if number in found]
    holders = holders_of(present)
    if decided:
        result += _of_aliases(holders, found, frozenset(ours), names)
        result += _intruders(holders, found, frozenset(ours), kept)
    return sorted(result, key=lambda one: (one.number, one.aspect, one.expected))


def _of_version(
    one: Wanted, record: ModelVersionRecord, source: str, kept: frozenset[int]
) -> Iterator[Difference]:
    expected = one.stage.mlflow_name
    if record.stage != expected and one.number not in kept:
        yield Difference(Aspect.STAGE, one.number, expected, record.stage)
    if source and record.source != source:
        yield Difference(Aspect.SOURCE, one.number, source, record.source)


def _of_aliases(
    holders: Mapping[Stage, int],
    found: Mapping[int, ModelVersionRecord],
    ours: frozenset[int],
    names: frozenset[str],
) -> Iterator[Difference]:
    for stage, alias in ALIAS_OF_STAGE.items():
        expected = holders.get(Stage(stage))
        there = next((number for number, record in found.items() if alias in record.aliases), None)
        # An alias that none of ours should have may be on a version of others.
        harmless = expected is None and there not in ours
        if alias not in names and there != expected and not harmless:
            number = expected if expected is not None else there
            yield Difference(Aspect.ALIAS, number or 0, _points(alias, expected), _points(alias, there))


def _intruders(
    holders: Mapping[Stage, int],
    found: Mapping[int, ModelVersionRecord],
    ours: frozenset[int],
    kept: frozenset[int],
) -> Iterator[Difference]:
    """Versions that are not registered here, in Production beside ours."""
    if Stage.PRODUCTION in holders:
        for number, record in found.items():
            if number not in ours and record.stage == Stage.PRODUCTION and number not in kept:
                yield Difference(Aspect.STAGE, number, Stage.ARCHIVED.mlflow_name, record.stage)


def _points(alias: str, number: int | None) -> str:
    return f"{alias} -> {NOWHERE if number is None else number}"


def pointed(text: str) -> tuple[str, int | None]:
    """Return alias and number that the text of a difference names.

    :raises ValueError: it is not the text of an alias
    """
    alias, _, number = text.partition(" -> ")
    return alias, None if number == NOWHERE else int(number)
