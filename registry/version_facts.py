"""What pages show of a version: categories, metrics beside production, origin. Plain data, no database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments import sentences
from experiments.metric_goals import goal
from registry import labels
from registry.bump import Bump
from registry.metadata import CATEGORIES, MetadataError, ModelMetadata
from registry.models import ModelVersion

#: The measured facts that lists show, in this order, where a version has them.
KEY_METRICS = ("val_cer", "val_wer", "val_accuracy", "val_loss")


@dataclass(frozen=True)
class MetricFact:
    """One metric of a version beside the same metric of a baseline (None where it has none)."""

    name: str
    value: float
    baseline: float | None
    goal: str


@dataclass(frozen=True)
class Field:
    """One field of the metadata; `value` is None where nobody recorded it."""

    name: str
    label: str
    value: Any
    required: bool


@dataclass(frozen=True)
class CategoryFacts:
    """One of the seven categories with its fields."""

    key: str
    label: str
    fields: tuple[Field, ...]

    @property
    def found(self) -> int:
        """Count of required fields that are recorded."""
        return sum(field.required and field.value is not None for field in self.fields)

    @property
    def required(self) -> int:
        """Count of required fields."""
        return sum(field.required for field in self.fields)

    @property
    def is_complete(self) -> bool:
        """Whether no required field is missing."""
        return self.found == self.required

    @property
    def shown(self) -> tuple[Field, ...]:
        """The fields worth a line: the required ones, and what is recorded besides."""
        return tuple(field for field in self.fields if field.required or field.value is not None)

    @property
    def essential(self) -> tuple[Field, ...]:
        """The required fields, for a look at a glance."""
        return tuple(field for field in self.fields if field.required)

    @property
    def missing(self) -> tuple[str, ...]:
        """Labels of the required fields that nobody recorded."""
        return tuple(field.label for field in self.essential if field.value is None)


@dataclass(frozen=True)
class BumpReason:
    """One reason for a version's number; `bump` is the word of what it asks for, or empty."""

    text: str
    bump: str


def metadata_of(version: ModelVersion) -> ModelMetadata | None:
    """Return the metadata of `version`; None if what is stored cannot be read any more."""
    try:
        return ModelMetadata.from_dict(version.metadata)
    except MetadataError:
        return None


def categories(metadata: ModelMetadata | None) -> list[CategoryFacts]:
    """Return the seven categories in their order; of unreadable metadata everything is missing."""
    values = metadata.by_category() if metadata else {}
    return _categories({name: value for one in values.values() for name, value in one.items()})


def recorded_categories(version: ModelVersion) -> list[CategoryFacts]:
    """Return the seven categories of `version`; of unreadable metadata what is stored under their names."""
    metadata = metadata_of(version)
    return categories(metadata) if metadata else _categories(version.metadata)


def _categories(values: Mapping[str, Any]) -> list[CategoryFacts]:
    return [
        CategoryFacts(
            category.key,
            labels.category(category.key),
            tuple(
                Field(name, labels.field(name), values.get(name), name in category.required)
                for name in category.fields
            ),
        )
        for category in CATEGORIES.values()
    ]


def bump_reasons(version: ModelVersion) -> list[BumpReason]:
    """Return the reasons for the number of `version`, each apart from the bump it asks for."""
    return reasons_apart(version.bump_reasons)


def reasons_apart(reasons: Iterable[str]) -> list[BumpReason]:
    """Return reasons as `registry.bump` words them (``data changed: MINOR``), cut at the bump."""
    found = []
    for reason in reasons:
        text, _colon, name = reason.rpartition(": ")
        known = bool(text) and name in Bump.__members__
        words = sentences.translated(text if known else reason)
        found.append(BumpReason(words, labels.bump(name.lower()) if known else ""))
    return found


def key_metrics(version: ModelVersion, baseline: ModelVersion | None = None) -> list[MetricFact]:
    """Return the key metrics of `version` beside those of `baseline`."""
    return _side_by_side(version, baseline, KEY_METRICS)


def measured_metrics(version: ModelVersion, baseline: ModelVersion | None = None) -> list[MetricFact]:
    """Return every metric in the metadata of `version` beside that of `baseline`, key metrics first."""
    others = [name for name in CATEGORIES["metrics"].fields if name not in KEY_METRICS]
    return _side_by_side(version, baseline, (*KEY_METRICS, *others))


def _side_by_side(
    version: ModelVersion, baseline: ModelVersion | None, names: tuple[str, ...]
) -> list[MetricFact]:
    mine, theirs = _measured(version, names), _measured(baseline, names) if baseline else {}
    return [MetricFact(name, mine[name], theirs.get(name), goal(name)) for name in names if name in mine]


def _measured(version: ModelVersion, names: tuple[str, ...]) -> dict[str, float]:
    metadata = metadata_of(version)
    if metadata is None:
        return {}
    return {name: getattr(metadata, name) for name in names if metadata.is_recorded(name)}


def metadata_changes(version: ModelVersion, baseline: ModelVersion) -> list[tuple[Field, Any]]:
    """Return the fields that differ between two versions: the field of `version`, the value of `baseline`.

    Metrics are left out; `measured_metrics` compares them.
    """
    before = {
        field.name: field.value for facts in categories(metadata_of(baseline)) for field in facts.fields
    }
    return [
        (field, before[field.name])
        for facts in categories(metadata_of(version))
        for field in facts.fields
        if facts.key != "metrics" and field.value != before[field.name]
    ]
