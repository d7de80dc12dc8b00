"""What a version of MLflow becomes here, without a database."""

from dataclasses import replace
from typing import Any

import pytest

from integrations.mlflow_records import KEY_TAG, ModelVersionRecord
from integrations.mlflow_registering import DUPLICATE_TAG
from registry import model_names
from registry.import_rules import is_adoptable, numbers, places
from registry.stages import Stage

LONG_AGO, NOW, LATER = 1_000, 2_000, 3_000


def record(number: int, stage: str = "None", *, updated: int = LONG_AGO, **tags: str) -> ModelVersionRecord:
    return ModelVersionRecord(
        "m", number, stage, "READY", "r", "runs:/r/model", "", LONG_AGO, updated, tags, ()
    )


def named(*records: ModelVersionRecord, taken: tuple[str, ...] = ()) -> dict[int, str]:
    return {number: str(version) for number, version in numbers(records, taken).items()}


def stages(*records: ModelVersionRecord, free: bool = True) -> dict[int, str]:
    found = places(records, since=NOW, production_is_free=free)
    return {number: place.stage.value for number, place in found.items()}


def test_a_valid_tag_names_the_version_else_its_number_does() -> None:
    assert named(
        record(1, model_version="1.2.0"),
        record(2, semver="1.3.0-rc1"),
        record(3, model_version="v2"),
        record(4),
    ) == {1: "1.2.0", 2: "1.3.0-rc1", 3: "0.3.0", 4: "0.4.0"}


def test_a_tag_that_is_not_a_version_gives_way_to_the_other_tag() -> None:
    assert named(record(1, model_version="final", semver="2.0.0")) == {1: "2.0.0"}


def test_two_versions_never_get_one_number() -> None:
    assert named(
        record(1, semver="0.3.0"), record(2, semver="0.3.0"), record(3), record(4), taken=("0.4.0",)
    ) == {1: "0.3.0", 2: "0.2.0", 3: "0.3.0+mlflow.3", 4: "0.4.0+mlflow.4"}


def test_the_stage_is_kept_and_the_newest_of_several_in_production_stays() -> None:
    assert stages(
        record(1, "Production", updated=10), record(2, "Staging"), record(3, "Archived"), record(4)
    ) == {1: "Production", 2: "Staging", 3: "Archived", 4: "Development"}
    assert stages(record(1, "Production", updated=20), record(2, "Production", updated=10)) == {
        1: "Production",
        2: "Archived",
    }
    assert stages(record(1, "Production"), free=False) == {1: "Archived"}


def test_what_appears_later_has_no_stage_whatever_mlflow_says() -> None:
    late = replace(record(1, "Production"), creation_time=LATER)
    assert stages(late) == {1: "Development"}
    assert stages(replace(late, stage="Staging")) == {1: "Development"}


def test_a_stage_that_is_none_of_mlflows_counts_as_none() -> None:
    assert stages(record(1, "Deleted_Internal")) == {1: Stage.DEVELOPMENT}


@pytest.mark.parametrize(
    ("changes", "adoptable"),
    [
        ({}, True),
        ({"version": 7}, False),
        ({"status": "PENDING_REGISTRATION"}, False),
        ({"tags": {DUPLICATE_TAG: "3"}}, False),
        ({"tags": {KEY_TAG: "training:1"}}, True),
        ({"tags": {KEY_TAG: "stagegate:r:1.0.0"}}, False),
        ({"tags": {KEY_TAG: "stagegate:r:1.1.0"}}, True),
    ],
)
def test_only_finished_versions_that_nobody_registers_are_adopted(
    changes: dict[str, Any], adoptable: bool
) -> None:
    one = replace(record(1), **changes)
    assert is_adoptable(one, known={7}, registered={("r", "1.0.0")}) is adoptable


@pytest.mark.parametrize("name", ["", " x", "a/b", "a@b", "a:b", "50%", "x" * 201, "a\nb", "..", "\u200b"])
def test_a_name_that_no_address_can_hold_is_refused(name: str) -> None:
    assert model_names.problem_of(name)


def test_names_in_other_scripts_are_fine() -> None:
    assert model_names.problem_of("영수증-인식") == ""
