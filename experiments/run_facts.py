"""Rules: what the tags of a run say about where it came from. No database, no markup."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

JOB = "stagegate.job"
REPOSITORY = "stagegate.repository"
NOTE = "mlflow.note.content"
_INTERNAL = ("mlflow.", "stagegate.")
_DIGEST = re.compile(r"[0-9a-f]{32,}(\.dir)?")

# What is said, and the tags that say it, the best first.
_SOURCES: tuple[tuple[str | Promise, tuple[str, ...]], ...] = (
    (_("Commit"), ("git_commit", "mlflow.source.git.commit")),
    (_("Branch"), ("git_branch", "mlflow.source.git.branch")),
    (_("Tag"), ("git_tag",)),
    (_("Data set"), ("dataset_name",)),
    (_("Data version"), ("dataset_version",)),
    (_("Data hash"), ("dataset_hash",)),
    (_("dvc.lock"), ("dvc_lock_digest",)),
    (_("Architecture"), ("model_architecture",)),
    (_("Program"), ("mlflow.source.name",)),
)


@dataclass(frozen=True)
class SourceFact:
    """One fact about the origin of a run."""

    label: str | Promise
    value: str
    is_digest: bool


def source(tags: Mapping[str, str]) -> list[SourceFact]:
    """Return what `tags` say about code, data and model."""
    found = []
    for label, names in _SOURCES:
        value = next((str(tags[name]) for name in names if tags.get(name)), "")
        if value:
            found.append(SourceFact(label, value, _DIGEST.fullmatch(value) is not None))
    return found


def own_tags(tags: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the tags that people set, by name, without those that `source` tells."""
    told = {name for _label, names in _SOURCES for name in names}
    own = (key for key in tags if key not in told and not key.startswith(_INTERNAL))
    return [(key, tags[key]) for key in sorted(own)]


def internal_tags(tags: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return all other tags, set by MLflow or by this product, by name."""
    own = {key for key, _value in own_tags(tags)}
    return [(key, tags[key]) for key in sorted(tags) if key not in own]


def sections(params: Mapping[str, str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return parameters by the part of their names before the first dot; those without one come first.

    Within a section the names are without that part.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for key in sorted(params):
        section, dot, rest = key.partition(".")
        found.setdefault(section if dot else "", []).append((rest if dot else key, str(params[key])))
    return sorted(found.items())
