"""ModelMetadata: its fields, its fingerprint, and that JSON and copies keep all of it."""

import copy
import dataclasses
import hashlib
import inspect
import json
import pickle
from datetime import datetime, timedelta
from typing import Any

import numpy
from hypothesis import given
from hypothesis import strategies as st

from integrations.git_info import get_git_info
from registry.metadata import ModelMetadata
from tests.rules.metadata_examples import FIELDS, REQUIRED

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


def test_an_integer_is_taken_for_a_float_and_kept_as_one() -> None:
    metadata = ModelMetadata(**(REQUIRED | {"learning_rate": 1}))

    assert type(metadata.learning_rate) is float


def test_numbers_of_numpy_become_plain_numbers() -> None:
    metadata = ModelMetadata(**(REQUIRED | {"learning_rate": numpy.float32(0.5), "epochs": numpy.int64(3)}))

    assert (type(metadata.learning_rate), type(metadata.epochs)) == (float, int)
