"""Rules: what a version that was found in MLflow becomes here. No database, no Django, no I/O.

Its number is that of its tag `model_version` or `semver`, if that is a version and nobody has it; else
``0.<n>.0`` for MLflow's version n. It keeps its stage if it was there before the model was known here; of
several in Production the newest keeps it. What appears in MLflow later comes without a stage, whatever MLflow
says: nobody approved it, and the difference is drift.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from integrations.mlflow_records import KEY_TAG, SEMVER_TAGS, ModelVersionRecord
from integrations.mlflow_registering import DUPLICATE_TAG
from registry.semver import MLModelVersion
from registry.stages import Stage

READY = "READY"
OUR_KEYS = "stagegate:"

FOUND = "Found in this stage in MLflow."
SECOND = "Found in Production in MLflow, where only one version can be here."


@dataclass(frozen=True)
class Place:
    """Where a version comes to, and why.

    :ivar reason: an English sentence
    """

    stage: Stage
    reason: str = FOUND


def is_adoptable(
    record: ModelVersionRecord, *, known: Collection[int], registered: Collection[tuple[str, str]]
) -> bool:
    """Say whether `record` is a version that nobody has registered here.

    :param known: MLflow's numbers of our versions
    :param registered: pairs of run and semantic version of our versions. A registration makes the row first,
        then MLflow's version, whose number comes last; in between the key tells whose it is.
    """
    if record.version in known or record.status != READY or DUPLICATE_TAG in record.tags:
        return False
    key = record.tags.get(KEY_TAG, "")
    if key.startswith(OUR_KEYS):
        run_id, _, version = key.removeprefix(OUR_KEYS).partition(":")
        return (run_id, version) not in registered
    return True


def numbers(records: Sequence[ModelVersionRecord], taken: Collection[str]) -> dict[int, MLModelVersion]:
    """Return MLflow's number -> the semantic version that it gets.

    :param taken: versions that exist here
    """
    used, found = set(taken), {}
    for record in records:  # all tags first: nobody loses a number to a version that has none
        tagged = _tagged(record)
        if tagged is not None and str(tagged) not in used:
            used.add(str(tagged))
            found[record.version] = tagged
    for record in records:
        if record.version not in found:
            plain = f"0.{record.version}.0"
            chosen = plain if plain not in used else f"{plain}+mlflow.{record.version}"
            used.add(chosen)
            found[record.version] = MLModelVersion(chosen)
    return found


def places(
    records: Sequence[ModelVersionRecord], *, since: int, production_is_free: bool
) -> dict[int, Place]:
    """Return MLflow's number -> where that version comes to.

    :param since: when the model became known here, milliseconds since the epoch
    :param production_is_free: whether no version of ours is in Production
    """
    early = [record for record in records if record.creation_time < since]
    there = [record for record in early if record.stage == Stage.PRODUCTION]
    newest = max(there, key=lambda one: (one.last_update_time, one.version), default=None)
    found = {record.version: Place(Stage.DEVELOPMENT, "") for record in records}
    for record in early:
        stage = _stage(record.stage)
        keeps = stage is not Stage.PRODUCTION or (production_is_free and record is newest)
        found[record.version] = Place(stage) if keeps else Place(Stage.ARCHIVED, SECOND)
    return found


def _tagged(record: ModelVersionRecord) -> MLModelVersion | None:
    for tag in SEMVER_TAGS:
        try:
            return MLModelVersion(record.tags.get(tag, "").strip())
        except ValueError:
            continue
    return None


def _stage(name: str) -> Stage:
    """Return our stage for MLflow's; one that MLflow does not have by itself counts as none."""
    try:
        return Stage(name)
    except ValueError:
        return Stage.DEVELOPMENT
