"""ModelMetadata: what it accepts, what it refuses, what it calls missing, and that JSON keeps all of it."""

import copy
import dataclasses
import hashlib
import inspect
import json
import math
import pickle
from datetime import datetime, timedelta
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.git_info import get_git_info
from registry.metadata import CATEGORIES, LABELS, NONE, MetadataError, ModelMetadata
from registry.metadata_categories import FACTS

REQUIRED: dict[str, Any] = {
    "model_name": "ocr-receipt-v1",
    "model_version": "1.2.0",
    "model_architecture": "CNN-OCR",
    "learning_rate": 3e-4,
    "batch_size": 32,
    "epochs": 50,
    "optimizer": "AdamW",
}
# What a collector finds on a machine without a GPU, at a commit without a tag.
EVERYTHING: dict[str, Any] = REQUIRED | {
    "train_loss": 0.1,
    "val_loss": 0.0,
    "val_accuracy": 0.957,
    "val_cer": 0.032,
    "val_wer": 0.078,
    "dataset_version": "3.1.0",
    "dataset_hash": "a1b2c3d4e5f6",
    "split_ratio": 0.8,
    "git_commit": "0" * 40,
    "git_branch": "main",
    "git_tag": NONE,
    "python_version": "3.11.9",
    "torch_version": "2.13.0",
    "cuda_version": NONE,
    "num_params": 123,
    "config_json": '{"channels": [16, 32]}',
    "gpu_type": NONE,
    "num_gpus": 0,
    "training_duration_seconds": 31.5,
}

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
counts = st.integers(0, 2**63 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
amounts = st.floats(0, allow_nan=False, allow_infinity=False)
aware = st.datetimes(timezones=st.timezones()).map(datetime.isoformat)
SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "model_name": words.filter(str.strip),
    "model_version": st.sampled_from(["0.1.0", "1.2.0-rc1+exp42", "10.0.3"]),
    "stage": st.sampled_from(["development", "staging", "production", "archived"]),
    "created_at": aware,
    "split_ratio": st.none() | st.floats(0, 1),
    "config_json": st.just("")
    | st.dictionaries(words, words | finite | st.none(), max_size=3).map(json.dumps),
    "train_loss": finite,
    "val_loss": finite,
}
BY_TYPE = {
    str: words,
    int: counts,
    float: amounts,
    str | None: st.none() | words,
    int | None: st.none() | counts,
    float | None: st.none() | amounts,
}
FIELDS = {item.name: item for item in dataclasses.fields(ModelMetadata) if item.name != "unrecorded"}
VALUES = {name: SPECIAL.get(name, BY_TYPE.get(item.type)) for name, item in FIELDS.items()}  # type: ignore[call-overload]
arguments = st.fixed_dictionaries(
    {name: VALUES[name] for name in REQUIRED},
    optional={name: strategy for name, strategy in VALUES.items() if name not in REQUIRED},
)


def test_the_specifications_example_is_accepted_with_the_git_facts_splatted_in() -> None:
    git = get_git_info()
    metadata = ModelMetadata(
        **REQUIRED,
        dataset_name="receipt-kr-v3",
        dataset_version="3.1.0",
        dataset_hash="a1b2c3d4e5f6",
        train_samples=150000,
        val_samples=15000,
        val_accuracy=0.957,
        val_cer=0.032,
        **git,
    )

    assert {name: getattr(metadata, name) for name in git} == dict(git)
    assert json.loads(metadata.to_json())["val_cer"] == 0.032


def test_the_specifications_fields_come_first_with_their_defaults() -> None:
    parameters = inspect.signature(ModelMetadata).parameters
    zeros = ["weight_decay", "train_loss", "val_loss", "val_accuracy", "training_duration_seconds"]
    texts = ["dataset_name", "dataset_version", "dataset_hash", "git_commit", "git_branch", "git_tag"]
    texts += ["python_version", "torch_version", "cuda_version", "gpu_type"]
    defaults = (
        dict.fromkeys(REQUIRED, inspect.Parameter.empty)
        | dict.fromkeys(["scheduler", "val_cer", "val_wer"])
        | dict.fromkeys(zeros, 0.0)
        | dict.fromkeys(texts, "")
        | {"train_samples": 0, "val_samples": 0, "num_gpus": 1, "stage": "development"}
    )

    assert list(parameters)[:7] == list(REQUIRED)
    assert {name: parameters[name].default for name in defaults} == defaults
    assert list(parameters).index("stage") == len(defaults) + len(["created_at"]) - 1


def test_the_moment_of_creation_has_a_time_zone() -> None:
    assert datetime.fromisoformat(ModelMetadata(**REQUIRED).created_at).utcoffset() == timedelta(0)


@given(arguments)
def test_json_gives_back_the_same_metadata(given_arguments: dict[str, Any]) -> None:
    metadata = ModelMetadata(**given_arguments)
    again = ModelMetadata.from_json(metadata.to_json())

    assert again == metadata
    assert again.missing() == metadata.missing()
    assert again.to_json() == metadata.to_json()
    assert ModelMetadata.from_dict(metadata.to_dict()) == metadata
    assert json.loads(metadata.to_json()) == metadata.to_dict()
    assert set(metadata.unrecorded).isdisjoint(given_arguments)


@given(arguments)
def test_copies_are_the_same_metadata(given_arguments: dict[str, Any]) -> None:
    metadata = ModelMetadata(**given_arguments)

    assert copy.deepcopy(metadata) == copy.copy(metadata) == metadata
    assert pickle.loads(pickle.dumps(metadata)) == metadata  # noqa: S301
    assert dataclasses.replace(metadata) == metadata


def test_json_is_readable_text_in_any_language() -> None:
    metadata = ModelMetadata(**(REQUIRED | {"model_name": "영수증-모델"}), dataset_name="영수증 😀")

    assert '"영수증 😀"' in metadata.to_json()
    assert ModelMetadata.from_json(metadata.to_json()).model_name == "영수증-모델"


@given(words, words, words)
def test_the_fingerprint_is_the_specifications_formula(architecture: str, data: str, commit: str) -> None:
    metadata = ModelMetadata(
        **(REQUIRED | {"model_architecture": architecture}), dataset_hash=data, git_commit=commit
    )
    expected = hashlib.sha256(f"{architecture}_{data}_{commit}".encode()).hexdigest()[:12]

    assert metadata.compute_fingerprint() == expected


def test_the_fingerprint_of_a_known_model_never_changes() -> None:
    # printf 'CRNN_a1b2c3d4e5f6_abc' | sha256sum
    metadata = ModelMetadata(
        **(REQUIRED | {"model_architecture": "CRNN"}), dataset_hash="a1b2c3d4e5f6", git_commit="abc"
    )

    assert metadata.compute_fingerprint() == "ccfa9810915f"


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("batch_size", True, "whole number, not bool"),
        ("batch_size", 32.0, "whole number, not float"),
        ("batch_size", "32", "whole number, not str"),
        ("epochs", None, "whole number, not NoneType"),
        ("epochs", -1, "negative"),
        ("num_params", 2**63, "between"),
        ("learning_rate", "3e-4", "number, not str"),
        ("learning_rate", True, "number, not bool"),
        ("val_loss", math.nan, "finite"),
        ("val_loss", math.inf, "finite"),
        ("val_loss", 10**400, "finite"),
        ("val_loss", None, "number, not NoneType"),
        ("val_cer", -0.1, "negative"),
        ("optimizer", None, "text, not NoneType"),
        ("optimizer", 3, "text, not int"),
        ("dataset_hash", "a\0b", "NUL"),
        ("dataset_name", "\ud800", "surrogate"),
        ("dataset_name", "x" * 1001, "at most 1000"),
        ("model_name", "  ", "blank"),
        ("model_version", "v1", "not a model version"),
        ("stage", "Production", "development, staging, production, archived"),
        ("created_at", "2026-01-31T09:30:00", "time zone"),
        ("created_at", "yesterday", "ISO 8601"),
        ("split_ratio", 1.5, "between 0 and 1"),
        ("config_json", "{", "not valid JSON"),
        ("config_json", "[1]", "JSON object"),
        ("config_json", '{"a": NaN}', "NaN"),
        ("config_json", '{"a": 1, "a": 2}', "twice"),
        ("config_json", "[" * 100_000, "not valid JSON"),
        ("unrecorded", "val_loss", "list of field names"),
        ("unrecorded", [1], "list of field names"),
        ("unrecorded", ["stage"], "'stage'"),
        ("accuracy", 0.9, "not a field"),
        ("self", 1, "not a field"),
        ("cls", 1, "not a field"),
    ],
)
def test_a_wrong_value_is_refused_with_the_fields_name(field: str, value: object, reason: str) -> None:
    with pytest.raises(MetadataError, match=reason) as refused:
        ModelMetadata(**(REQUIRED | {field: value}))

    assert refused.value.field == field
    assert str(refused.value).startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"batch_size": True}, "batch_size"),
        ({"val_cer": "0.1"}, "val_cer"),
        ({"accuracy": 0.9}, "accuracy"),
        ({"self": 1}, "self"),
        ({"unrecorded": ["val_accuracy"], "val_accuracy": 0.9}, "unrecorded"),
        ({"unrecorded": {"val_accuracy": 1}}, "unrecorded"),
    ],
)
def test_wrong_json_is_refused_with_the_fields_name(change: dict[str, Any], field: str) -> None:
    with pytest.raises(MetadataError) as refused:
        ModelMetadata.from_json(json.dumps(REQUIRED | change))

    assert refused.value.field == field


@pytest.mark.parametrize("field", REQUIRED)
def test_json_without_a_required_field_is_refused_with_its_name(field: str) -> None:
    with pytest.raises(MetadataError, match="is missing") as refused:
        ModelMetadata.from_json(
            json.dumps({name: value for name, value in REQUIRED.items() if name != field})
        )

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", ""),
        ("[]", ""),
        ("null", ""),
        ('{"model_name": "a"', ""),
        ("[" * 100_000, ""),
        (b"{}", ""),
        ('{"model_name": "a", "model_name": "b"}', "model_name"),
        (json.dumps(REQUIRED)[:-1] + ', "val_loss": NaN}', ""),
        (json.dumps(REQUIRED)[:-1] + ', "val_loss": 1e999}', "val_loss"),
        (json.dumps(REQUIRED)[:-1] + ', "val_loss": ' + "9" * 5000 + "}", ""),
    ],
)
def test_a_document_that_is_no_metadata_is_refused(text: Any, field: str) -> None:
    with pytest.raises(MetadataError, match=r"valid JSON|must be|finite|twice") as refused:
        ModelMetadata.from_json(text)

    assert refused.value.field == field


def test_a_document_that_is_too_long_is_not_even_parsed() -> None:
    with pytest.raises(MetadataError, match="at most 1048576 characters"):
        ModelMetadata.from_json(json.dumps(REQUIRED) + " " * 2_000_000)


def test_an_integer_is_taken_for_a_float_and_kept_as_one() -> None:
    metadata = ModelMetadata(**(REQUIRED | {"learning_rate": 1}))

    assert type(metadata.learning_rate) is float


def test_numbers_of_numpy_become_plain_numbers() -> None:
    metadata = ModelMetadata(**(REQUIRED | {"learning_rate": numpy.float32(0.5), "epochs": numpy.int64(3)}))

    assert (type(metadata.learning_rate), type(metadata.epochs)) == (float, int)


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


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"model_version": "0.1.0"}, "model_name"),
        ({"model_name": "m", "model_version": None}, "model_version"),
        ({"model_name": "m", "model_version": "0.1.0", "loss": 1}, "loss"),
        ({"model_name": "m", "model_version": "0.1.0", "unrecorded": []}, "unrecorded"),
    ],
)
def test_a_collectors_mistakes_are_refused(facts: dict[str, Any], field: str) -> None:
    with pytest.raises(MetadataError) as refused:
        ModelMetadata.from_facts(facts)

    assert refused.value.field == field


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
