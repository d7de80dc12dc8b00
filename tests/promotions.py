"""Factories of promotions and policies for tests."""

from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from registry import promotion
from registry.models import ModelVersion, Policy, Promotion, RegisteredModel, Review
from registry.policy_rules import Rules
from tests.people import make_user


def set_rules(model: RegisteredModel | None = None, to_stage: str = "", **rules: Any) -> None:
    """Set a policy without gates, but for what `rules` says, for one stage or both; without a trace.

    :param model: None: for all models that have no policy of their own
    """
    for stage in [to_stage] if to_stage else ["Staging", "Production"]:
        before = Policy.objects.filter(model=model, to_stage=stage).first()
        Policy.objects.create(
            model=model,
            to_stage=stage,
            number=before.number + 1 if before else 1,
            rules=Rules(**rules).to_dict(),
            at=timezone.now(),
            by_name="administrator",
        )


def approve(request: Promotion, user: User, **changes: Any) -> Review:
    """Approve the evidence that `request` was read with."""
    arguments = {"user": user, "evidence_digest": request.evidence_digest, **changes}
    return promotion.review(request, Review.Verdict.APPROVE, **arguments)


def bring(version: ModelVersion, *stages: str, engineer: User | None = None) -> ModelVersion:
    """Promote `version` through `stages`, each with one approval; the policies have to let it pass."""
    engineer = engineer or make_user(Role.ENGINEER)
    for stage in stages:
        approve(promotion.open_for(version, stage, user=engineer), make_user(Role.REVIEWER))
        version.refresh_from_db()
    return version
