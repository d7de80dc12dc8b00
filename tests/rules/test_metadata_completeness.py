"""ModelMetadata: what counts as recorded, and what it calls missing in which category."""

import json
import math

import pytest

from registry.metadata import CATEGORIES, LABELS, MetadataError, ModelMetadata
from registry.metadata_categories import FACTS
from tests.rules.metadata_examples import EVERYTHING, FIELDS, REQUIRED


def test_assignments_are_checked_and_recorded() -> None:
    metadata = ModelMetadata(**REQUIRED)
    metadata.val_loss = 0.0

    assert metadata.is_recorded("val_loss")
    assert not metadata.is_recorded("train_loss")
    with pytest.raises(MetadataError, match="val_cer"):
        metadata.val_cer = math.nan
    with pytest.raises(MetadataError, match="val_car"):
        metadata.val_car = 0.1  # type: ignore[attr-defined]
    assert metadata.val_cer is None


def test_the_list_of_unrecorded_fields_may_be_set_afterwards() -> None:
    metadata = ModelMetadata(**REQUIRED, val_accuracy=0.9)
    metadata.unrecorded = ("val_loss", "val_accuracy")

    assert metadata.unrecorded == ("val_loss",)
    assert metadata.is_recorded("train_loss")


def test_a_measured_zero_is_a_fact_and_a_default_zero_is_missing() -> None:
    measured = ModelMetadata(**REQUIRED, train_loss=0.0)

    assert "train_loss" not in measured.missing()["metrics"]
    assert "val_loss" in measured.missing()["metrics"]
    assert measured.by_category()["metrics"]["train_loss"] == 0.0
    assert measured.by_category()["metrics"]["val_loss"] is None


def test_positional_arguments_count_as_given() -> None:
    metadata = ModelMetadata(*REQUIRED.values(), None, 0.0, 0.0)

    assert metadata.is_recorded("weight_decay")
    assert metadata.is_recorded("train_loss")
    assert not metadata.is_recorded("val_loss")


def test_zeroes_in_json_are_facts_unless_the_json_says_otherwise() -> None:
    document = json.dumps(REQUIRED | {"val_loss": 0.0, "train_loss": 0.0, "unrecorded": ["train_loss"]})

    assert ModelMetadata.from_json(document).is_recorded("val_loss")
    assert not ModelMetadata.from_json(document).is_recorded("train_loss")


def test_none_and_empty_text_are_missing_even_when_they_are_given() -> None:
    metadata = ModelMetadata(**(EVERYTHING | {"val_cer": None, "git_tag": ""}))

    assert metadata.missing() == {"metrics": ("val_cer",), "code": ("git_tag",)}


def test_a_training_on_a_cpu_can_be_complete() -> None:
    metadata = ModelMetadata(**EVERYTHING)

    assert metadata.missing() == {}
    assert metadata.completeness().is_complete
    assert metadata.completeness() == (24, 24, 7, 7)
    assert metadata.completeness().share == 1.0


def test_what_is_missing_is_named_by_category() -> None:
    metadata = ModelMetadata(**REQUIRED)

    assert metadata.missing()["environment"] == ("python_version", "torch_version", "cuda_version")
    assert metadata.missing()["infrastructure"] == ("gpu_type", "num_gpus", "training_duration_seconds")
    assert "training" not in metadata.missing()
    assert metadata.completeness() == (5, 24, 1, 7)
    assert not metadata.completeness().is_complete


@pytest.mark.parametrize("field", sorted({name for c in CATEGORIES.values() for name in c.required}))
def test_every_required_field_is_missed_when_it_is_left_out(field: str) -> None:
    metadata = ModelMetadata.from_facts({name: value for name, value in EVERYTHING.items() if name != field})

    assert [name for names in metadata.missing().values() for name in names] == [field]
    assert metadata.completeness() == (23, 24, 6, 7)


def test_a_field_that_the_model_cannot_have_is_not_missed() -> None:
    metadata = ModelMetadata(**(EVERYTHING | {"val_cer": None, "val_wer": None}))

    assert metadata.missing({"val_cer", "val_wer"}) == {}
    assert metadata.completeness({"val_cer", "val_wer"}) == (22, 22, 7, 7)


def test_a_collector_may_leave_out_what_it_did_not_find() -> None:
    metadata = ModelMetadata.from_facts(
        {"model_name": "m", "model_version": "0.1.0", "epochs": None, "val_loss": 1}
    )

    assert metadata.missing()["training"] == ("learning_rate", "batch_size", "epochs", "optimizer")
    assert metadata.is_recorded("val_loss")
    assert ModelMetadata.from_json(metadata.to_json()) == metadata


def test_every_item_of_the_specifications_table_is_required() -> None:
    table = [
        "learning_rate batch_size epochs optimizer",
        "train_loss val_loss val_accuracy val_cer val_wer",
        "dataset_hash dataset_version split_ratio",
        "git_commit git_branch git_tag",
        "python_version cuda_version torch_version",
        "model_architecture num_params config_json",
        "gpu_type num_gpus training_duration_seconds",
    ]

    assert [set(category.required) for category in CATEGORIES.values()] == [set(row.split()) for row in table]


def test_every_field_has_a_label_and_at_most_one_category() -> None:
    assert set(LABELS) == set(FIELDS)
    assert len(FACTS) == len(set(FACTS))
    assert set(FIELDS) - set(FACTS) == {"model_name", "model_version", "created_at", "stage"}
    assert [category.key for category in CATEGORIES.values()] == list(CATEGORIES)
