"""A promotion to Production as reviewers meet it: cards, checks, the real gates, people who talk."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from experiments.models import Commit
from registry import comments, promotion, promotion_renewal, waivers
from registry.models import CardRevision, CheckResult, ModelVersion, Policy, Promotion
from registry.policy_rules import DEFAULTS, GateSetting, Rules
from registry.stages import Stage
from tests.jobs import make_job, make_repository
from tests.people import make_user
from tests.registry_story import full_metadata, version_of

_CARD = """\
---
license: apache-2.0
language: ko
---
# Receipt OCR

## Intended use
Reads handwritten amounts on scanned receipts.

## Out of scope
Cheques, and anything that is not a single line.

## Training data
{data}

## Evaluation
On 1,000 receipts that the training never saw.

## Limitations
{limits}

## Bias and ethical considerations
Receipts come from two shops only.

## Owners
The receipts team.

## Licence
Apache 2.0.
"""
CLEAN = {
    "scanner": "modelscan 0.8",
    "clean": True,
    "files": [{"path": "data/model.pt2", "kind": "pt2", "suspicions": []}],
}


@dataclass(frozen=True)
class Review:
    """The people and things that tests look at.

    :ivar first: a reviewer who approved evidence that is stale by now
    :ivar opened: the promotion of `candidate`, whose policy asks for two approvals
    """

    engineer: User
    first: User
    second: User
    administrator: User
    incumbent: ModelVersion
    candidate: ModelVersion
    opened: Promotion


def make_review(*, talk: bool = True) -> Review:
    """Create a promotion that waits for two approvals; with `talk`, people have had their say already."""
    engineer = make_user(Role.ENGINEER, username="engineer")
    first = make_user(Role.REVIEWER, username="reviewer")
    second = make_user(Role.REVIEWER, username="second-reviewer")
    administrator = make_user(Role.ADMINISTRATOR, username="administrator")
    repository = make_repository()
    Commit.objects.create(
        repository=repository,
        sha=full_metadata("1.0.0")["git_commit"],
        parents=[],
        author="Engineer",
        committed_at=timezone.now(),
        subject="Train longer",
    )
    two_approvals(approvals=1)
    ready("1.1.0", stage="Development", val_cer=0.0277, val_accuracy=0.9212)
    incumbent = ready("1.2.0", val_cer=0.0162, val_accuracy=0.9488)
    for version in (ModelVersion.objects.get(version="1.1.0"), incumbent):
        for stage in ("Staging", "Production"):
            asked = promotion.open_for(version, stage, user=engineer, comment="Reads the new receipts.")
            approved(asked, first)
            Promotion.objects.filter(pk=asked.pk).update(state="applied", applied_at=timezone.now())
            version.refresh_from_db()
    candidate = ready(
        "1.3.0",
        metadata=full_metadata("1.3.0", learning_rate=0.001, val_loss=0.0521, scheduler="cosine", epochs=12),
        limits="Amounts above 999,999 are read less well; see the table.",
        bump="minor",
    )
    staging = promotion.open_for(candidate, "Staging", user=engineer)
    approved(staging, first)
    Promotion.objects.filter(pk=staging.pk).update(state="applied", applied_at=timezone.now())
    candidate.refresh_from_db()
    two_approvals(approvals=2)
    opened = promotion.open_for(
        candidate,
        "Production",
        user=engineer,
        comment="A third fewer wrong characters on the March receipts.\n\n- the loss is a little higher\n"
        "- **no retraining of the tokenizer** was needed",
    )
    story = Review(engineer, first, second, administrator, incumbent, candidate, opened)
    if talk:
        _talk(story)
    story.opened.refresh_from_db()
    return story


def ready(
    number: str, *, data: str = "4,000 receipts.", limits: str = "Poor light.", **changes: Any
) -> ModelVersion:
    """Create a version that passes every gate: card approved, artifacts checked, origin known."""
    metadata = changes.pop("metadata", None)
    measured = {
        name: changes.pop(name) for name in ("val_cer", "val_accuracy", "val_loss") if name in changes
    }
    metadata = metadata or full_metadata(number, **measured)
    version = version_of(number, metadata=metadata, inspection=CLEAN, **changes)
    version.lineage = {
        **version.lineage,
        "dvc_lock_digest": "77aa" * 16,
        "stagegate.job": str(_pipeline_job()),
    }
    version.save(update_fields=["lineage"])
    add_card(version, _CARD.format(data=data, limits=limits))
    for kind in (CheckResult.Kind.ARTIFACTS, CheckResult.Kind.SMOKE_TEST):
        add_check(version, kind)
    return version


def _pipeline_job() -> int:
    return make_job("succeeded", user=User.objects.get(username="engineer")).pk


def add_card(version: ModelVersion, text: str, state: str = "approved") -> CardRevision:
    """Give the version a card."""
    number = version.card_revisions.count() + 1
    return CardRevision.objects.create(
        version=version,
        number=number,
        text=text,
        digest=f"{number:064x}",
        state=state,
        by_name="engineer",
        at=timezone.now(),
    )


def add_check(version: ModelVersion, kind: str, *, passed: bool = True) -> CheckResult:
    """Keep what a job found out about the artifacts of the version."""
    words = {
        "artifacts": "All 3 files are as they were registered.",
        "smoke_test": "The model ran its example.",
    }
    return CheckResult.objects.create(
        version=version,
        kind=kind,
        passed=passed,
        summary=words.get(kind, kind) if passed else "A file has changed.",
        details={"digest": version.manifest_digest},
        manifest_digest=version.manifest_digest,
        at=timezone.now(),
    )


def approved(asked: Promotion, user: User, comment: str = "") -> None:
    """Approve the evidence as it is."""
    promotion.review(asked, "approve", user=user, evidence_digest=asked.evidence_digest, comment=comment)


def two_approvals(*, approvals: int = 2, extra: tuple[GateSetting, ...] = ()) -> None:
    """Set the installation's policy: the rules that ship, with so many approvals for Production."""
    rules = DEFAULTS[Stage.PRODUCTION]
    number = Policy.objects.filter(model__isnull=True, to_stage="Production").count() + 1
    changed = Rules(**{**rules.__dict__, "approvals": approvals, "gates": (*rules.gates, *extra)})
    Policy.objects.create(
        to_stage="Production",
        number=number,
        rules=changed.to_dict(),
        at=timezone.now(),
        by_name="administrator",
    )


def _talk(story: Review) -> None:
    opened = story.opened
    comments.add(
        opened,
        "Which receipts are in the **hold-out**? The accuracy did not move.",
        user=story.first,
        anchor="metric:val_accuracy",
    )
    comments.add(opened, "The same 1,000 as for 1.2.0, see `data/receipts@v3`.", user=story.engineer)
    approved(opened, story.first, "Read the card and the curves. Fine for me.")
    # A new draft of the card: the approval of the older one does not cover it.
    add_card(
        story.candidate,
        _CARD.format(data="4,000 receipts, 600 of them from March.", limits="Amounts above 999,999."),
        state="in_review",
    )
    CheckResult.objects.filter(version=story.candidate, kind="smoke_test").delete()
    promotion_renewal.renew(opened, user=story.engineer)
    opened.refresh_from_db()
    waivers.waive(
        opened,
        "smoke_test",
        user=story.administrator,
        reason="The queue of the GPU worker is blocked today; the same bytes ran as 1.3.0-rc2.",
    )
