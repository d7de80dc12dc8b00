"""A registry that looks lived in: several models, every stage, every decision. For tests of pages."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from experiments.models import Run
from registry import promotion
from registry.metadata import ModelMetadata
from registry.models import ModelVersion, Promotion
from tests.people import make_user
from tests.promotions import set_rules
from tests.versions import make_run, make_version

HOSTILE = "<img src=x onerror=alert(1)>"
LONG = "a-model-whose-name-goes-on-and-on-" * 5
DATA = "9f1c4e0d2b7a8c6f5e3d1a0b9c8d7e6f.dir"


@dataclass(frozen=True)
class Story:
    """The people and things that tests look at.

    :ivar incumbent: in Production
    :ivar candidate: in Staging, with an open promotion to Production
    :ivar opened: that promotion
    """

    engineer: User
    reviewer: User
    incumbent: ModelVersion
    candidate: ModelVersion
    development: ModelVersion
    opened: Promotion


def make_story() -> Story:
    """Create the people, a model with a history, and models that are awkward to show; no policy has gates."""
    set_rules()
    engineer = make_user(Role.ENGINEER, username="engineer")
    reviewer = make_user(Role.REVIEWER, username="checker")
    story = _receipts(engineer, reviewer)
    _awkward(engineer)
    return story


def full_metadata(number: str, model: str = "receipt-ocr", **changes: Any) -> dict[str, Any]:
    """Return metadata in which all seven categories are complete."""
    facts = {
        "model_name": model,
        "model_version": number,
        "model_architecture": "CRNN",
        "learning_rate": 0.003,
        "batch_size": 64,
        "epochs": 8,
        "optimizer": "AdamW",
        "scheduler": "one-cycle",
        "weight_decay": 0.01,
        "train_loss": 0.04123,
        "val_loss": 0.0512345,
        "val_accuracy": 0.9612,
        "val_cer": 0.01123,
        "val_wer": 0.0388,
        "dataset_name": "data/receipts",
        "dataset_version": "v3",
        "dataset_hash": DATA,
        "split_ratio": 0.8,
        "train_samples": 4000,
        "val_samples": 1000,
        "git_commit": "4be1c9a7d03f2e5b6a8c1d9e7f0a3b2c5d4e6f81",
        "git_branch": "stagegate/jobs/41",
        "git_tag": "none",
        "python_version": "3.11.9",
        "torch_version": "2.13.0",
        "cuda_version": "none",
        "gpu_type": "none",
        "num_gpus": 0,
        "num_params": 412_331,
        "config_json": '{"architecture": "CRNN", "channels": [32, 64], "hidden": 128}',
        "training_duration_seconds": 37.25,
        "infrastructure": "Linux x86_64, 2 cores",
    }
    return ModelMetadata.from_facts({**facts, **changes}).to_dict()


def run_of(metadata: dict[str, Any], **changes: Any) -> Run:
    """Create the run that measured what `metadata` says, a value that is no number included."""
    names = ("train_loss", "val_loss", "val_accuracy", "val_cer", "val_wer")
    values: dict[str, Any] = {name: metadata[name] for name in names if metadata[name] is not None}
    return make_run(metrics={**values, "grad_norm": "NaN", "epoch_seconds": 4.61}, **changes)


def version_of(number: str, **changes: Any) -> ModelVersion:
    """Create a version of receipt-ocr with complete metadata and a run that measured it."""
    measured = {
        name: changes.pop(name) for name in ("val_cer", "val_accuracy", "val_loss") if name in changes
    }
    metadata = changes.pop("metadata", None) or full_metadata(number, **measured)
    lineage = {
        "git_commit": metadata["git_commit"],
        "git_branch": metadata["git_branch"],
        "dataset_name": metadata["dataset_name"],
        "dataset_version": metadata["dataset_version"],
        "dataset_hash": metadata["dataset_hash"],
        "stagegate.repository": "receipt-ocr",
    }
    manifest = [
        {"path": "MLmodel", "size": 812, "sha256": "a1" * 32},
        {"path": "data/model.pt2", "size": 1_734_551, "sha256": "b2" * 32},
        {"path": "metadata/model_metadata.json", "size": 1403, "sha256": "c3" * 32},
    ]
    defaults = {
        "run_id": run_of(metadata, name=f"crnn-{number}").run_id,
        "metadata": metadata,
        "lineage": lineage,
        "manifest": manifest,
        "created_by": "engineer",
    }
    return make_version(number, **{**defaults, **changes})


def _receipts(engineer: User, reviewer: User) -> Story:
    version_of("1.0.0", stage="Archived", val_cer=0.0412, val_accuracy=0.871)
    version_of(
        "1.1.0", stage="Archived", val_cer=0.0277, bump="minor", bump_reasons=["train.epochs 4 -> 8: MINOR"]
    )
    incumbent = version_of(
        "1.2.0",
        val_cer=0.0162,
        val_accuracy=0.9488,
        bump="minor",
        bump_reasons=["data data/receipts 51c0 -> 9f1c: MINOR"],
    )
    for stage in ("Staging", "Production"):
        _bring(incumbent, stage, engineer, reviewer, "Reads the new receipts.")
    candidate = version_of(
        "1.3.0",
        val_cer=0.01123,
        val_loss=0.0588,
        bump="minor",
        bump_reasons=["train.learning_rate 0.003 -> 0.001: MINOR", "code 51c0de -> 4be1c9a7d03f: PATCH"],
        metadata=full_metadata("1.3.0", learning_rate=0.001, val_loss=0.0588, scheduler="cosine"),
    )
    _bring(candidate, "Staging", engineer, reviewer, "")
    opened = promotion.open_for(
        candidate,
        "Production",
        user=engineer,
        comment="A third fewer wrong characters.\n\nThe loss is a little higher; **the readings are better**",
    )
    development = version_of(
        "1.4.0-rc2+cpu.7",
        bump="minor",
        required_bump="major",
        reason="The schema only got a new name.",
        bump_reasons=["input schema changed: MAJOR"],
    )
    version_of(
        "1.4.0-rc1",
        metadata=full_metadata("1.4.0-rc1", gpu_type=None, git_tag=None, val_wer=None, val_cer=None),
    )
    refused = promotion.open_for(development, "Staging", user=engineer)
    promotion.review(
        refused,
        "reject",
        user=reviewer,
        evidence_digest=refused.evidence_digest,
        comment="Not without a card.",
    )
    again = promotion.open_for(development, "Staging", user=engineer, comment="Once more.")
    promotion.review(
        again,
        "request_changes",
        user=reviewer,
        evidence_digest=again.evidence_digest,
        comment="Which receipts were added?",
    )
    return Story(engineer, reviewer, incumbent, candidate, development, opened)


def _bring(version: ModelVersion, stage: str, engineer: User, reviewer: User, comment: str) -> None:
    asked = promotion.open_for(version, stage, user=engineer, comment=comment)
    promotion.review(asked, "approve", user=reviewer, evidence_digest=asked.evidence_digest, comment="")
    Promotion.objects.filter(pk=asked.pk).update(state="applied", applied_at=timezone.now())
    version.refresh_from_db()


def _awkward(engineer: User) -> None:
    hostile = make_version("1.0.0", model=HOSTILE, reason=HOSTILE, bump_reasons=[HOSTILE], created_by=HOSTILE)
    promotion.open_for(hostile, "Staging", user=engineer, comment=HOSTILE)
    make_version("2.11.4", model=LONG, stage="Production", metadata={}, model_format="pickle", manifest=[])
    make_version("0.1.0-alpha.1.with.a.very.long.prerelease+and.a.build.as.long.as.that", model="영수증-인식")
