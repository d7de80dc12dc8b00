"""Every fixed word of the registry has a translation to be, and says the same in English as the rules do."""

import pytest

from registry import labels
from registry.bump import Bump
from registry.metadata_categories import CATEGORIES, LABELS
from registry.stages import Stage


@pytest.mark.parametrize("name", LABELS)
def test_every_field_of_the_metadata_is_translated_from_its_english_label(name: str) -> None:
    assert labels.field(name) == LABELS[name]


def test_every_category_is_translated_from_its_english_label() -> None:
    assert {key: labels.category(key) for key in CATEGORIES} == {
        key: category.label for key, category in CATEGORIES.items()
    }


def test_stages_and_bumps_are_translated_from_their_english_names() -> None:
    assert [labels.stage(stage) for stage in Stage] == [stage.label for stage in Stage]
    assert [labels.bump(bump.word) for bump in Bump] == [bump.word for bump in Bump]


def test_what_nobody_has_described_keeps_its_name() -> None:
    assert labels.stage("Retired") == "Retired"
    assert labels.bump("") == ""
