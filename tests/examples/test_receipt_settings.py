"""Parameters: checked values, help texts, and what dvc.yaml says about them."""

import ast
from pathlib import Path
from typing import Any

import pytest
from receipt_ocr.settings import Evaluate, Preprocess, SettingsError, Train
from ruamel.yaml import YAML


def _leaves(params: dict[str, dict[str, Any]]) -> list[str]:
    return [f"{group}.{name}" for group, values in params.items() for name in values]


def _stages(project: Path) -> dict[str, Any]:
    return YAML(typ="safe").load(project / "dvc.yaml")["stages"]


def _changed(project: Path, tmp_path: Path, group: str, **values: Any) -> Path:
    yaml = YAML()
    params = yaml.load(project / "params.yaml")
    params[group].update(values)
    yaml.dump(params, tmp_path / "params.yaml")
    return tmp_path / "params.yaml"


@pytest.mark.parametrize(
    ("group", "values", "message"),
    [
        (Train, {"architecture": "RNN"}, "train.architecture must be one of CNN, CRNN, not 'RNN'"),
        (Train, {"scheduler": "StepLR"}, "train.scheduler must be one of OneCycleLR"),
        (Train, {"epochs": 2.5}, "train.epochs must be int, not 2.5"),
        (Train, {"epochs": True}, "train.epochs must be int, not True"),
        (Train, {"epochs": 0}, "train.epochs must be positive"),
        (Train, {"learning_rate": "fast"}, "train.learning_rate must be float, not 'fast'"),
        (Train, {"learning_rate": -0.1}, "train.learning_rate must be positive"),
        (Train, {"learning_rate": float("nan")}, "train.learning_rate must be a finite number"),
        (Train, {"weight_decay": float("inf")}, "train.weight_decay must be a finite number"),
        (Train, {"channels": []}, "train.channels must be positive"),
        (Train, {"channels": [16, "a"]}, "train.channels must be int, not 'a'"),
        (Train, {"dropout": 1.0}, "train.dropout must be at least 0 and below 1"),
        (Train, {"colour": "red"}, "train.colour is unknown"),
        (Preprocess, {"canvas": [16]}, "preprocess.canvas must be a list of 2 whole numbers"),
        (Preprocess, {"canvas": [16, 40]}, "preprocess.canvas is too narrow: 7 digits need 74 pixels"),
        (Preprocess, {"canvas": [10, 80]}, "preprocess.canvas must be at least 12 pixels high"),
        (Preprocess, {"amount_digits": [4, 3]}, "preprocess.amount_digits must be"),
        (Preprocess, {"spacing": [-8, 0]}, "preprocess.spacing must rise and exceed -8"),
        (Preprocess, {"split_ratio": 1}, "preprocess.split_ratio must lie between 0 and 1"),
        (Preprocess, {"train_samples": 1}, "preprocess.train_samples, val_samples: at least 2"),
        (Evaluate, {"confusion_gaps": "no"}, "evaluate.confusion_gaps must be bool, not 'no'"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(
    project: Path, tmp_path: Path, group: type[Any], values: dict[str, Any], message: str
) -> None:
    path = _changed(project, tmp_path, group.__name__.lower(), **values)
    with pytest.raises(SettingsError) as error:
        group.read(path)
    assert f"params.yaml: {message}" in str(error.value)


def test_a_missing_value_and_a_missing_group_are_named(project: Path, tmp_path: Path) -> None:
    text = (project / "params.yaml").read_text()
    path = tmp_path / "params.yaml"
    path.write_text("".join(line for line in text.splitlines(keepends=True) if "epochs:" not in line))
    with pytest.raises(SettingsError, match=r"train\.epochs is missing"):
        Train.read(path)
    path.write_text("train: 3\n")
    with pytest.raises(SettingsError, match="train is missing or no mapping"):
        Train.read(path)


def test_whole_numbers_and_exponents_are_accepted_as_decimal_numbers(project: Path, tmp_path: Path) -> None:
    text = (project / "params.yaml").read_text()
    path = tmp_path / "params.yaml"
    path.write_text(
        text.replace("learning_rate: 0.01 ", "learning_rate: 1e-05 ").replace("clip: 5.0", "clip: 5")
    )
    settings = Train.read(path)
    assert settings.learning_rate == 1e-05
    assert isinstance(settings.gradient_clip, float)


def test_every_parameter_has_a_help_text(project: Path) -> None:
    lines = [line for line in (project / "params.yaml").read_text().splitlines() if line.startswith("  ")]
    params = YAML(typ="safe").load(project / "params.yaml")
    assert len(lines) == len(_leaves(params))
    assert all(len(line.partition("#")[2].strip()) > 15 for line in lines)


def test_every_parameter_belongs_to_exactly_one_stage(project: Path) -> None:
    listed = [name for stage in _stages(project).values() for name in stage["params"]]
    assert sorted(listed) == sorted(_leaves(YAML(typ="safe").load(project / "params.yaml")))


@pytest.mark.parametrize("name", ["preprocess", "train", "evaluate"])
def test_a_stage_depends_on_every_source_file_it_imports(project: Path, name: str) -> None:
    used: set[Path] = set()
    waiting = [project / "src" / f"{name}.py"]
    while waiting:
        path = waiting.pop()
        used.add(path)
        waiting += [found for found in _imported(path, project / "src") if found not in used]
    listed = [path for path in _stages(project)[name]["deps"] if path.startswith("src/")]
    assert sorted(listed) == sorted(path.relative_to(project).as_posix() for path in used)


def _imported(path: Path, source: Path) -> list[Path]:
    tree = ast.parse(path.read_text())
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return [
        source / f"{module.replace('.', '/')}.py" for module in modules if module.startswith("receipt_ocr")
    ]
