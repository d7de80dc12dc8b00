"""Typed access to params.yaml; every value is checked before anything runs."""

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self, get_args, get_origin

from ruamel.yaml import YAML

from receipt_ocr.scans import SIDE

ARCHITECTURES = ("CNN", "CRNN")
OPTIMIZERS = ("AdamW", "Adam", "SGD")
SCHEDULERS = ("OneCycleLR", "CosineAnnealingLR", "none")


class SettingsError(ValueError):
    """A value of params.yaml is missing, unknown, of the wrong type or out of range."""


@dataclass(frozen=True)
class Group:
    """One top-level group of params.yaml; a subclass lists its fields."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the group named like the class. Raises SettingsError naming the key that is wrong."""
        group = cls.__name__.lower()
        # The parser of YAML 1.2 that DVC uses: it reads 1e-05 as a number, PyYAML as a text.
        values = YAML(typ="safe").load(path.read_text(encoding="utf-8")).get(group)
        if not isinstance(values, dict):
            raise SettingsError(f"{path.name}: {group} is missing or no mapping")
        known = {field.name: field.type for field in fields(cls)}
        for name in sorted(known.keys() ^ values.keys()):
            raise SettingsError(f"{path.name}: {group}.{name} is {'missing' if name in known else 'unknown'}")
        try:
            return cls(**{name: _typed(name, values[name], kind) for name, kind in known.items()})
        except SettingsError as error:
            raise SettingsError(f"{path.name}: {group}.{error}") from None


def _typed(name: str, value: Any, kind: Any) -> Any:
    """The value as `kind` (int, float, str, bool or a tuple of int); an int is accepted as a float."""
    if get_origin(kind) is tuple:
        length = None if ... in get_args(kind) else len(get_args(kind))
        if isinstance(value, list) and length in (None, len(value)):
            return tuple(_typed(name, item, int) for item in value)
        raise SettingsError(f"{name} must be a list of {length or 'some'} whole numbers, not {value!r}")
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise SettingsError(f"{name} must be {kind.__name__}, not {value!r}")
    if kind is float and not math.isfinite(value):
        raise SettingsError(f"{name} must be a finite number, not {value!r}")
    return value


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise SettingsError(message)


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    _require(value in choices, f"{name} must be one of {', '.join(choices)}, not {value!r}")


@dataclass(frozen=True)
class Data(Group):
    """Which data set this is: `name` and `version` are for people and for the model's metadata."""

    name: str
    version: str


@dataclass(frozen=True)
class Preprocess(Group):
    """How amounts are composed; lengths in pixels, `noise` as a share of full ink."""

    canvas: tuple[int, int]
    amount_digits: tuple[int, int]
    split_ratio: float
    train_samples: int
    val_samples: int
    spacing: tuple[int, int]
    margin: int
    jitter: int
    noise: float
    whole_tens: bool
    seed: int

    def __post_init__(self) -> None:
        (height, width), (shortest, longest) = self.canvas, self.amount_digits
        _require(1 <= shortest <= longest, "amount_digits must be [smallest, largest], at least 1")
        _require(-SIDE < self.spacing[0] <= self.spacing[1], f"spacing must rise and exceed {-SIDE}")
        _require(min(self.jitter, self.margin) >= 0, "jitter, margin must not be negative")
        needed = self.margin + longest * SIDE + (longest - 1) * self.spacing[1]
        _require(width >= needed, f"canvas is too narrow: {longest} digits need {needed} pixels")
        _require(
            height >= SIDE + 2 * self.jitter, f"canvas must be at least {SIDE + 2 * self.jitter} pixels high"
        )
        _require(0 < self.split_ratio < 1, "split_ratio must lie between 0 and 1")
        _require(min(self.train_samples, self.val_samples) >= 2, "train_samples, val_samples: at least 2")
        _require(0 <= self.noise <= 1, "noise must lie between 0 and 1")
        _require(self.seed >= 0, "seed must not be negative")


@dataclass(frozen=True)
class Train(Group):
    """The network and how it is trained."""

    architecture: str
    channels: tuple[int, ...]
    hidden_size: int
    bidirectional: bool
    dropout: float
    learning_rate: float
    batch_size: int
    epochs: int
    optimizer: str
    scheduler: str
    weight_decay: float
    gradient_clip: float
    seed: int

    def __post_init__(self) -> None:
        _one_of("architecture", self.architecture, ARCHITECTURES)
        _one_of("optimizer", self.optimizer, OPTIMIZERS)
        _one_of("scheduler", self.scheduler, SCHEDULERS)
        _require(bool(self.channels) and min(self.channels) > 0, "channels must be positive numbers")
        for name in ("hidden_size", "batch_size", "epochs", "learning_rate", "gradient_clip"):
            _require(getattr(self, name) > 0, f"{name} must be positive")
        _require(0 <= self.dropout < 1, "dropout must be at least 0 and below 1")
        _require(min(self.weight_decay, self.seed) >= 0, "weight_decay, seed must not be negative")


@dataclass(frozen=True)
class Evaluate(Group):
    """How the exported model is measured."""

    batch_size: int
    confusion_gaps: bool

    def __post_init__(self) -> None:
        _require(self.batch_size > 0, "batch_size must be positive")
