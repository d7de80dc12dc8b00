"""Metadata of a model version: everything needed to know where it came from. No database, no Django.

The fields, their defaults and the fingerprint are the specification's. Its defaults (0.0, "", 1 GPU) look
like facts, so the metadata also remembers which fields nobody filled in (`unrecorded`): a measured loss of
0.0 is a fact, a loss that was never measured is missing. The list is part of the JSON. JSON without the list
(written by something else) is taken at its word: the fields it contains are recorded.

Absent is a field that is unrecorded, None or an empty text; see `metadata_categories` for what to write when
there is nothing to record, such as on a machine without a GPU.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from datetime import UTC, datetime
from inspect import Signature, signature
from typing import Any, Self, get_args

from registry.metadata_categories import CATEGORIES, FACTS, LABELS, NONE, Category, Completeness
from registry.metadata_checks import MetadataError, check, load_json

__all__ = [
    "CATEGORIES",
    "LABELS",
    "NONE",
    "Category",
    "Completeness",
    "MetadataError",
    "ModelMetadata",
]

#: Longest JSON document that is read, in characters.
MAX_JSON = 1024 * 1024


@dataclass
class ModelMetadata:
    """What must be recorded with a model version.

    Every value is checked when it is set, at construction and later. An integer is taken for a float; nothing
    else is converted. A field that is assigned is recorded from then on.

    :ivar learning_rate: step size at the start
    :ivar train_loss: loss on the training data after the last epoch
    :ivar val_accuracy: share of validation samples that are right
    :ivar val_cer: character error rate on the validation data (0 is perfect; may exceed 1)
    :ivar val_wer: word error rate on the validation data
    :ivar dataset_hash: hash of the training data, as DVC writes it
    :ivar split_ratio: share of the samples that training may use, from 0 to 1
    :ivar num_params: count of the model's trainable numbers
    :ivar config_json: the model's configuration, a JSON object as text
    :ivar infrastructure: the machine in a few words, such as ``Linux x86_64, 2 cores``
    :ivar created_at: ISO 8601 with time zone
    :ivar stage: development, staging, production or archived
    :ivar unrecorded: names of the fields whose value is a placeholder and not a fact; a name whose field
        differs from its placeholder is dropped from the list
    :raises MetadataError: an unknown field or a value that is not allowed; `.field` names it
    """

    model_name: str
    model_version: str
    model_architecture: str

    learning_rate: float
    batch_size: int
    epochs: int
    optimizer: str
    scheduler: str | None = None
    weight_decay: float = 0.0

    train_loss: float = 0.0
    val_loss: float = 0.0
    val_accuracy: float = 0.0
    val_cer: float | None = None
    val_wer: float | None = None

    dataset_name: str = ""
    dataset_version: str = ""
    dataset_hash: str = ""
    train_samples: int = 0
    val_samples: int = 0

    git_commit: str = ""
    git_branch: str = ""
    git_tag: str = ""

    python_version: str = ""
    torch_version: str = ""
    cuda_version: str = ""
    gpu_type: str = ""
    num_gpus: int = 1

    created_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    training_duration_seconds: float = 0.0

    stage: str = "development"

    split_ratio: float | None = None
    num_params: int | None = None
    config_json: str = ""
    infrastructure: str = ""

    # The last field: setting it ends the construction (see __setattr__).
    unrecorded: tuple[str, ...] = ()

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Self:
        """Note which fields are given: the generated __init__ sees only their values."""
        for name in kwargs:
            _known(name)
        metadata = super().__new__(cls)
        object.__setattr__(metadata, "_given", {*list(_KINDS)[: len(args)], *kwargs})
        return metadata

    def __setattr__(self, name: str, value: Any) -> None:
        _known(name)
        if name == "unrecorded":
            value = self._still_unrecorded(value)
            self.__dict__.pop("_given", None)
        else:
            value = check(name, *_KINDS[name], value)
        object.__setattr__(self, name, value)
        if name != "unrecorded" and name in self.__dict__.get("unrecorded", ()):
            object.__setattr__(self, "unrecorded", tuple(other for other in self.unrecorded if other != name))

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the metadata of what a collector found; a fact that is left out or None is unrecorded.

        Unlike the constructor this does without the training configuration and the architecture.

        :raises MetadataError: name or version is missing, or a value is not allowed
        """
        found = {name: value for name, value in facts.items() if value is not None}
        unfound = [name for name in _REQUIRED if name in FACTS and name not in found]
        _require(found.keys() | set(unfound))
        if "unrecorded" in found:
            raise MetadataError("unrecorded", "is worked out from the facts that are left out")
        return cls(**found, **{name: PLACEHOLDERS[name] for name in unfound}, unrecorded=tuple(unfound))

    @classmethod
    def from_json(cls, json_str: str) -> Self:
        """Return the metadata that `to_json` wrote.

        :raises MetadataError: not a JSON object, or what `from_dict` refuses
        """
        if not isinstance(json_str, str) or len(json_str) > MAX_JSON:
            raise MetadataError("", f"must be JSON text of at most {MAX_JSON} characters")
        return cls.from_dict(load_json("", json_str))

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Return the metadata that `to_dict` wrote.

        :raises MetadataError: not a mapping; unknown, missing or ill-typed fields; or a list of unrecorded
            fields that the values contradict
        """
        if not isinstance(document, Mapping):
            raise MetadataError("", "must be a JSON object")
        _require(document.keys())
        metadata = cls(**document)
        for name in document.get("unrecorded", ()):
            if name not in metadata.unrecorded:
                raise MetadataError("unrecorded", f"names {name}, which has a value")
        return metadata

    def to_json(self) -> str:
        """Return all fields as JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as values that JSON knows."""
        return asdict(self) | {"unrecorded": list(self.unrecorded)}

    def compute_fingerprint(self) -> str:
        """Return 12 hex digits that are equal for equal architecture, data and code.

        They are the first 12 of the SHA-256 of ``<architecture>_<dataset hash>_<commit>`` in UTF-8.
        """
        identity = f"{self.model_architecture}_{self.dataset_hash}_{self.git_commit}"
        return hashlib.sha256(identity.encode()).hexdigest()[:12]

    def is_recorded(self, name: str) -> bool:
        """Return whether field `name` holds a fact.

        :raises MetadataError: there is no such field
        """
        _known(name)
        return name not in self.unrecorded and getattr(self, name) not in (None, "")

    def by_category(self) -> dict[str, dict[str, Any]]:
        """Return category key -> field -> value, in the order of `CATEGORIES`; an absent value is None."""
        return {
            category.key: {
                name: getattr(self, name) if self.is_recorded(name) else None for name in category.fields
            }
            for category in CATEGORIES.values()
        }

    def missing(self, not_applicable: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
        """Return category key -> its required fields that are absent; a complete category is left out.

        :param not_applicable: fields that this model cannot have (a classifier has no character error rate)
        """
        absent = {
            category.key: tuple(
                name
                for name in category.required
                if name not in not_applicable and not self.is_recorded(name)
            )
            for category in CATEGORIES.values()
        }
        return {key: names for key, names in absent.items() if names}

    def completeness(self, not_applicable: Collection[str] = ()) -> Completeness:
        """Return how much of the required metadata is there.

        :param not_applicable: as in `missing`
        """
        missing = self.missing(not_applicable)
        required = {name for category in CATEGORIES.values() for name in category.required} - set(
            not_applicable
        )
        return Completeness(
            fields_found=len(required) - sum(len(names) for names in missing.values()),
            fields_required=len(required),
            categories_complete=len(CATEGORIES) - len(missing),
            categories=len(CATEGORIES),
        )

    def _still_unrecorded(self, listed: Any) -> tuple[str, ...]:
        if not isinstance(listed, list | tuple) or not all(isinstance(name, str) for name in listed):
            raise MetadataError("unrecorded", "must be a list of field names")
        for name in listed:
            if name not in FACTS:
                raise MetadataError("unrecorded", f"names {name!r}, which is not a field of any category")
        given = self.__dict__.get("_given", set(FACTS))
        return tuple(
            name
            for name in _KINDS
            if name in FACTS
            and (name in listed or name not in given)
            and getattr(self, name) == PLACEHOLDERS[name]
        )


# Without this, tools that look at the class would be shown the arguments of __new__.
_generated = signature(ModelMetadata.__init__)
ModelMetadata.__signature__ = Signature(  # type: ignore[attr-defined]
    [parameter for name, parameter in _generated.parameters.items() if name != "self"]
)


def _kind(annotation: Any) -> tuple[type, bool]:
    """Return the type of a field and whether None is a value of it."""
    members = [member for member in get_args(annotation) if member is not type(None)]
    return (members[0], True) if members else (annotation, False)


_FIELDS = [item for item in fields(ModelMetadata) if item.name != "unrecorded"]
_KINDS: dict[str, tuple[type, bool]] = {item.name: _kind(item.type) for item in _FIELDS}
_REQUIRED = tuple(
    item.name for item in _FIELDS if item.default is MISSING and item.default_factory is MISSING
)

#: What a fact holds while nobody has recorded it: the default, or the empty value of a field without one.
PLACEHOLDERS: dict[str, Any] = {
    item.name: _KINDS[item.name][0]() if item.default is MISSING else item.default
    for item in _FIELDS
    if item.name in FACTS
}


def _known(name: str) -> None:
    if name not in _KINDS and name != "unrecorded":
        raise MetadataError(name, "is not a field of the metadata")


def _require(names: Collection[str]) -> None:
    for name in _REQUIRED:
        if name not in names:
            raise MetadataError(name, "is missing")
