"""Where MLflow says something else than our database, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from integrations.mlflow_records import ModelVersionRecord
from registry.drift_rules import Aspect, Difference, differences, pointed
from registry.mirror_plan import NOTHING_LEFT, Left, Wanted
from registry.stages import Stage

START = datetime(2026, 1, 1, tzinfo=UTC)
OURS = [Wanted(1, Stage.ARCHIVED, START), Wanted(2, Stage.PRODUCTION, START + timedelta(hours=1))]


def record(number: int, stage: str, *aliases: str, source: str = "") -> ModelVersionRecord:
    source = source or f"runs:/{number}/model"
    return ModelVersionRecord("m", number, stage, "READY", "", source, "", 0, 0, {}, aliases)


AGREES = [record(1, "Archived"), record(2, "Production", "champion")]
SOURCES = {one.version: one.source for one in AGREES}


def found(
    there: list[ModelVersionRecord], *, left: Left = NOTHING_LEFT, decided: bool = True
) -> list[Difference]:
    return differences(OURS, SOURCES, there, left=left, decided=decided)


def test_there_is_no_difference_where_both_agree() -> None:
    assert found(AGREES) == []
    assert found([*AGREES, record(7, "Staging", "shadow", "challenger")]) == []


def test_each_aspect_is_told_apart() -> None:
    there = [record(1, "Production", "challenger", source="s3://elsewhere"), record(2, "None")]
    assert found(there) == [
        Difference(Aspect.ALIAS, 1, "challenger -> none", "challenger -> 1"),
        Difference(Aspect.SOURCE, 1, "runs:/1/model", "s3://elsewhere"),
        Difference(Aspect.STAGE, 1, "Archived", "Production"),
        Difference(Aspect.ALIAS, 2, "champion -> 2", "champion -> none"),
        Difference(Aspect.STAGE, 2, "Production", "None"),
    ]


def test_a_deleted_version_is_missing_and_nothing_else() -> None:
    assert found(AGREES[:1]) == [Difference(Aspect.MISSING, 2, "version 2", "")]
    assert [one.aspect for one in found([])] == [Aspect.MISSING, Aspect.MISSING]


def test_a_version_of_others_in_production_is_a_difference_where_ours_serves() -> None:
    assert found([*AGREES, record(9, "Production")]) == [
        Difference(Aspect.STAGE, 9, "Archived", "Production")
    ]


def test_the_aliases_of_a_model_that_was_only_adopted_are_its_owners_own() -> None:
    there = [record(1, "Archived", "champion"), record(2, "Production")]
    assert found(there, decided=False) == []
    assert len(found(there)) == 1


def test_what_was_accepted_is_no_difference_as_long_as_it_stays_the_same() -> None:
    there = [record(1, "Staging"), record(2, "Production")]
    left = Left(frozenset({(1, "Staging")}), frozenset({("champion", None)}))
    assert found(there, left=left) == []
    assert len(found([replace(there[0], stage="None"), record(2, "Production", "champion")], left=left)) == 1
    assert len(found([replace(there[0], aliases=("champion",)), there[1]], left=left)) == 1


@pytest.mark.parametrize(
    ("expected", "said", "stages"),
    [
        ("Production", "Staging", {"Production", "Staging"}),
        ("None", "Archived", {"Production"}),
        ("champion -> 1", "champion -> none", {"Production"}),
        ("challenger -> 1", "challenger -> 2", {"Staging"}),
    ],
)
def test_the_policies_of_the_stages_concerned_have_a_say(expected: str, said: str, stages: set[str]) -> None:
    assert Difference(Aspect.STAGE, 1, expected, said).stages == stages


def test_the_text_of_an_alias_can_be_read_back() -> None:
    assert pointed("champion -> 12") == ("champion", 12)
    assert pointed("champion -> none") == ("champion", None)
