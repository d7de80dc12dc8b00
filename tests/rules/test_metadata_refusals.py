"""ModelMetadata: what it refuses, from people, JSON and collectors, and that it names the field."""

import json
import math
from typing import Any

import pytest

from registry.metadata import MetadataError, ModelMetadata
from tests.rules.metadata_examples import REQUIRED


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
