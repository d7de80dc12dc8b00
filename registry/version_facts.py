"""What pages show of a version: categories, metrics beside production, origin. Plain data, no database."""

from dataclasses import dataclass
from typing import Any

from experiments.metric_goals import goal
from registry.metadata import CATEGORIES, LABELS, MetadataError, ModelMetadata
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


def metadata_of(version: ModelVersion) -> ModelMetadata | None:
    """Return the metadata of `version`; None if what is stored cannot be read any more."""
    try:
        return ModelMetadata.from_dict(version.metadata)
    except MetadataError:
        return None


def categories(metadata: ModelMetadata | None) -> list[CategoryFacts]:
    """Return the seven categories in their order; of unreadable metadata everything is missing."""
    values = metadata.by_category() if metadata else {}
    return [
        CategoryFacts(
            category.key,
            category.label,
            tuple(
                Field(name, LABELS[name], values.get(category.key, {}).get(name), name in category.required)
                for name in category.fields
            ),
        )
        for category in CATEGORIES.values()
    ]


def key_metrics(version: ModelVersion, baseline: ModelVersion | None = None) -> list[MetricFact]:
    """Return the key metrics of `version` beside those of `baseline`."""
    mine, theirs = _measured(version), _measured(baseline) if baseline else {}
    return [
        MetricFact(name, mine[name], theirs.get(name), goal(name)) for name in KEY_METRICS if name in mine
    ]


def _measured(version: ModelVersion) -> dict[str, float]:
    metadata = metadata_of(version)
    if metadata is None:
        return {}
    return {name: getattr(metadata, name) for name in KEY_METRICS if metadata.is_recorded(name)}


def metadata_changes(version: ModelVersion, baseline: ModelVersion) -> list[tuple[Field, Any]]:
    """Return the fields that differ between two versions: the field of `version`, the value of `baseline`."""
    before = {
        field.name: field.value for facts in categories(metadata_of(baseline)) for field in facts.fields
    }
    return [
        (field, before[field.name])
        for facts in categories(metadata_of(version))
        for field in facts.fields
        if field.value != before[field.name]
    ]
