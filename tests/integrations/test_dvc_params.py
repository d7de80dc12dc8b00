"""Parameters are changed exactly as asked, or not at all."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from integrations.dvc_params import ParameterError, override_parameters, read_parameters, write_parameters
from integrations.errors import IntegrationError

TEXT = """\
# everything about training
prepare:
  rows: 3  # how many
train:
  learning_rate: 3.0e-4
  batch_size: 32
  optimizer: "AdamW"
  shuffle: true
  scheduler: null
  size: [224, 224]
a.b: 1
3: three
"""


def test_scalars_are_found_by_dotted_key() -> None:
    assert read_parameters(TEXT) == {
        "prepare.rows": 3,
        "train.learning_rate": 3.0e-4,
        "train.batch_size": 32,
        "train.optimizer": "AdamW",
        "train.shuffle": True,
        "train.scheduler": None,
    }


def test_only_the_asked_values_change_and_comments_stay() -> None:
    changed = override_parameters(TEXT, {"train.learning_rate": 1e-05, "prepare.rows": 4})
    expected = TEXT.replace("3.0e-4", "1.0e-05").replace("rows: 3", "rows: 4")
    assert changed == expected


@pytest.mark.parametrize(
    "key",
    [
        "train.unknown", "train", "train.size", "train.size.0", "a.b", "", ".", "train.", "3",
        "train.size[0]",
        "train:batch_size", "train.batch_size=1", "~train.batch_size", "+train.new", "${train.batch_size}",
        "train.batch_size\n", "train.batch_size;id", "params.yaml:train.batch_size", "/etc/x.yaml:a",
        "$(id)", "`id`", "../params.yaml:prepare.rows", "train.batch_size ", "__class__", "hydra.run.dir",
    ],
)  # fmt: skip
def test_keys_that_the_file_does_not_have_are_refused_by_name(key: str) -> None:
    with pytest.raises(ParameterError) as caught:
        override_parameters(TEXT, {key: 1})
    assert caught.value.key == key
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.batch_size", 1.5), ("train.batch_size", "32"), ("train.batch_size", True),
        ("train.batch_size", None), ("train.batch_size", 2**63), ("train.batch_size", [1]),
        ("train.learning_rate", "1e-4"), ("train.learning_rate", math.nan), ("train.learning_rate", math.inf),
        ("train.learning_rate", True), ("train.learning_rate", 10**400), ("train.shuffle", 1),
        ("train.shuffle", "true"), ("train.optimizer", 1), ("train.optimizer", {"a": 1}),
        ("train.scheduler", [1]), ("train.scheduler", {"a": 1}), ("train.scheduler", object()),
        ("train.optimizer", "a;id"), ("train.optimizer", "$(id)"), ("train.optimizer", "${oc.env:SECRET}"),
        ("train.optimizer", "a\nb: 1"), ("train.optimizer", "`id`"), ("train.optimizer", "--evil"),
        ("train.optimizer", "a b"), ("train.optimizer", "a|b"), ("train.optimizer", "'a'"),
        ("train.optimizer", "a\0b"), ("train.optimizer", "a>b"), ("train.optimizer", "~root"),
        ("train.optimizer", "*"), ("train.scheduler", "a&b"), ("train.optimizer", "x" * 1001),
    ],
)  # fmt: skip
def test_values_of_another_type_or_with_shell_characters_are_refused(key: str, value: object) -> None:
    with pytest.raises(ParameterError) as caught:
        override_parameters(TEXT, {key: value})  # type: ignore[dict-item]
    assert caught.value.key == key


def test_an_integer_becomes_a_float_and_null_takes_any_scalar() -> None:
    changed = override_parameters(TEXT, {"train.learning_rate": 1, "train.scheduler": "Cosine"})
    after = read_parameters(changed)
    assert repr(after["train.learning_rate"]) == "1.0"
    assert after["train.scheduler"] == "Cosine"


words = st.from_regex(r"[A-Za-z0-9_.,:/@%+=][A-Za-z0-9_.,:/@%+=-]{0,12}", fullmatch=True)
tricky = st.sampled_from(
    ["no", "on", "1e5", "1e-05", "0x1F", "0o7", "12:30", "null", "=", "2024-01-01", "%a", ""]
)


@given(
    rate=st.floats(allow_nan=False, allow_infinity=False),
    size=st.integers(-(2**63) + 1, 2**63 - 1),
    word=words | tricky,
)
def test_old_and_new_yaml_read_back_what_was_written(rate: float, size: int, word: str) -> None:
    changed = override_parameters(
        TEXT, {"train.learning_rate": rate, "train.batch_size": size, "train.optimizer": word}
    )
    for data in (yaml.safe_load(changed), YAML(typ="safe").load(changed)):
        train = data["train"]
        assert (train["learning_rate"], train["batch_size"], train["optimizer"]) == (rate, size, word)
        assert type(train["learning_rate"]) is float
        assert data["prepare"] == {"rows": 3}


def test_a_value_that_others_share_through_an_alias_is_refused() -> None:
    shared = "base: &b\n  lr: 0.1\nother: *b\nmerged:\n  <<: *b\n  k: 1\n"
    for key in ("base.lr", "other.lr"):
        with pytest.raises(ParameterError, match="alias"):
            override_parameters(shared, {key: 0.2})
    assert read_parameters(override_parameters(shared, {"merged.k": 2}))["merged.k"] == 2


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system [id]", "- 1", "a: 1\na: 2", "a: [", "[" * 2_000, "a: \x00",
        "".join(f"c{i}: &a{i} [{', '.join([f'*a{i - 1}' if i else '1'] * 9)}]\n" for i in range(9)),
        "x" * 400_000,
    ],
    ids=["tag", "list", "twice", "broken", "deep", "nul", "bomb", "large"],
)  # fmt: skip
def test_files_that_are_no_plain_mapping_are_refused(text: str) -> None:
    with pytest.raises(IntegrationError) as caught:
        read_parameters(text)
    assert caught.value.permanent
    assert len(caught.value.message) < 500


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(TEXT)
    (tmp_path / "params.yaml").symlink_to(outside)
    with pytest.raises(IntegrationError):
        write_parameters(tmp_path / "params.yaml", {"prepare.rows": 4})
    assert outside.read_text() == TEXT


def test_a_refused_key_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(TEXT)
    with pytest.raises(ParameterError):
        write_parameters(path, {"prepare.rows": 4, "absent": 1})
    assert path.read_text() == TEXT
    write_parameters(path, {"prepare.rows": 4})
    assert read_parameters(path.read_text())["prepare.rows"] == 4
    assert [file.name for file in tmp_path.iterdir()] == ["params.yaml"]
