"""How the audit trail names versions and promotions, also those whose names its columns cannot hold."""

import hashlib

from audit import trail
from registry.models import ModelVersion, Promotion, RegisteredModel

_LONGEST_ID = 200
# With the version and the stage it stays below the 300 characters of a target's name.
_LONGEST_MODEL = 140


def version_id(version: ModelVersion) -> str:
    """Return ``model@version``; one that is too long ends with the SHA-256 of the whole text instead."""
    return _id(str(version))


def of_model(model: RegisteredModel) -> trail.Target:
    """Return `model` as the trail names it."""
    return trail.Target("model", model.name, model.name, model.name)


def of_version(version: ModelVersion) -> trail.Target:
    """Return `version` as the trail names it."""
    return trail.Target("version", version_id(version), _label(version), version.model.name)


def of_promotion(promotion: Promotion) -> trail.Target:
    """Return `promotion` as the trail names it."""
    version = promotion.version
    label = f"{_label(version)} to {promotion.to_stage}"
    return trail.Target("promotion", str(promotion.pk), label, version.model.name)


def of_policy(model: RegisteredModel | None, to_stage: str) -> trail.Target:
    """Return the policy of `model` (None: of the installation) for a stage as the trail names it."""
    name = model.name if model else ""
    return trail.Target(
        "policy", _id(f"{name}:{to_stage}"), f"{_short(name) or 'default'} to {to_stage}", name
    )


def _id(whole: str) -> str:
    if len(whole) <= _LONGEST_ID:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return f"{whole[: _LONGEST_ID - len(digest) - 1]}~{digest}"


def _label(version: ModelVersion) -> str:
    return f"{_short(version.model.name)}@{version.version}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_MODEL else f"{name[: _LONGEST_MODEL - 1]}…"
