"""The stages of a version, and which moves between them are allowed."""

from importlib.resources import files
from itertools import product
from zipfile import ZipFile

import pytest

from registry.stages import LOOKS, TRANSITIONS, Move, Stage, allowed, targets


def test_a_version_is_promoted_one_stage_at_a_time() -> None:
    assert targets(Stage.DEVELOPMENT, Move.PROMOTION) == (Stage.STAGING,)
    assert targets(Stage.STAGING, Move.PROMOTION) == (Stage.PRODUCTION,)
    assert targets(Stage.PRODUCTION, Move.PROMOTION) == ()
    assert targets(Stage.ARCHIVED, Move.PROMOTION) == ()


def test_only_a_rollback_or_a_bypass_leads_out_of_the_archive_and_only_to_production() -> None:
    ways = [(target, how) for target, how in product(Stage, Move) if allowed(Stage.ARCHIVED, target, how)]

    assert ways == [(Stage.PRODUCTION, Move.ROLLBACK), (Stage.PRODUCTION, Move.BYPASS)]


def test_a_bypass_skips_the_review_but_never_leads_out_of_production() -> None:
    assert targets(Stage.DEVELOPMENT, Move.BYPASS) == (Stage.STAGING, Stage.PRODUCTION)
    assert targets(Stage.STAGING, Move.BYPASS) == (Stage.PRODUCTION,)
    assert targets(Stage.PRODUCTION, Move.BYPASS) == ()


def test_an_import_moves_only_what_has_just_been_found() -> None:
    assert {source for source, _target, how in TRANSITIONS if how is Move.IMPORT} == {Stage.DEVELOPMENT}


def test_only_the_incumbent_of_production_is_replaced() -> None:
    replaced = [pair for pair in product(Stage, Stage) if allowed(*pair, Move.REPLACEMENT)]

    assert replaced == [(Stage.PRODUCTION, Stage.ARCHIVED)]


def test_a_person_may_retire_a_version_from_every_stage_but_the_archive() -> None:
    retired = [stage for stage in Stage if targets(stage, Move.RETIREMENT) == (Stage.ARCHIVED,)]

    assert retired == [Stage.DEVELOPMENT, Stage.STAGING, Stage.PRODUCTION]


def test_no_move_leads_back_to_development_or_stays_where_it_is() -> None:
    assert all(target is not Stage.DEVELOPMENT for _, target, _ in TRANSITIONS)
    assert all(source is not target for source, target, _ in TRANSITIONS)


def test_stored_words_do_as_well_as_members() -> None:
    assert allowed("Staging", "Production", "promotion")
    assert not allowed("Development", "Production", "promotion")


@pytest.mark.parametrize(
    "words", [("staging", "Production", "promotion"), ("Staging", "Production", "force")]
)
def test_unknown_words_are_an_error_and_not_a_refusal(words: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="not a valid"):
        allowed(*words)


@pytest.mark.parametrize("text", ["Production", "production", " PRODUCTION "])
def test_a_stage_is_found_by_its_name_in_any_case(text: str) -> None:
    assert Stage.parse(text) is Stage.PRODUCTION


@pytest.mark.parametrize("text", ["", "None", "Prod"])
def test_an_unknown_stage_is_refused_and_the_known_ones_are_named(text: str) -> None:
    with pytest.raises(ValueError, match="Development, Staging, Production, Archived"):
        Stage.parse(text)


def test_every_stage_has_its_name_in_mlflow_and_in_the_metadata() -> None:
    assert [stage.mlflow_name for stage in Stage] == ["None", "Staging", "Production", "Archived"]
    assert [stage.metadata_name for stage in Stage] == ["development", "staging", "production", "archived"]
    assert [stage.label for stage in Stage] == ["Development", "Staging", "Production", "Archived"]


def test_every_stage_has_its_own_colour_and_an_icon_that_exists() -> None:
    with ZipFile(str(files("heroicons") / "heroicons.zip")) as icons:
        names = set(icons.namelist())

    assert set(LOOKS) == set(Stage)
    assert len({stage.look.colour for stage in Stage}) == len(Stage)
    assert {f"outline/{stage.look.icon}.svg" for stage in Stage} <= names
