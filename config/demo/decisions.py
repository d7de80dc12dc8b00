"""How the demo people decide about promotions: by a policy, on real checks, two of them for Production."""

from collections.abc import Callable
from typing import Any

from accounts.models import User
from config.demo import cards
from experiments.models import Job
from registry import policies, promotion, promotion_renewal
from registry.conflicts import ConflictError
from registry.models import ModelVersion, Policy, Promotion, RegisteredModel, Review
from registry.policy_rules import DEFAULTS, GateSetting, Rules
from registry.stages import Stage

# Somebody may always change something between two looks; not this often.
_PATIENCE = 5

_METRICS: dict[str, Any] = {
    "rules": [
        # Each data version has validation amounts of its own, so a small difference says little. The losses
        # of a CNN and of a CRNN are not the same quantity and are not compared at all.
        {"metric": "val_cer", "compare": True, "goal": "min", "tolerance": 0.01, "unit": "absolute"},
        {"metric": "val_accuracy", "compare": True, "goal": "max", "tolerance": 0.05, "unit": "absolute"},
    ]
}

Person = Callable[[str], User]
Finish = Callable[[Job], Job]


def set_policy(model: RegisteredModel, person: Person) -> None:
    """Ask for two approvals before Production, unless the model has a policy of its own already."""
    if Policy.objects.filter(model=model, to_stage=Stage.PRODUCTION).exists():
        return
    gates = tuple(
        GateSetting(one.gate, one.required, _METRICS) if one.gate == "metrics" else one
        for one in DEFAULTS[Stage.PRODUCTION].gates
    )
    policies.change(
        model,
        Stage.PRODUCTION,
        Rules(approvals=2, gates=gates),
        user=person("administrator"),
        reason="Amounts are money: two people look before a version reads them.",
    )


def promoted(version: ModelVersion, stage: Stage, person: Person, finish: Finish) -> bool:
    """Bring `version` to `stage` by request and approval; return whether anything was left to do."""
    if version.stage_events.filter(to_stage=stage).exists():
        return False
    request = requested(version, stage, person, finish)
    for _attempt in range(_PATIENCE):
        try:
            _approve(request, person)
            return True
        except ConflictError as error:
            # Something changed meanwhile, such as the mirror of the run: look again.
            _renew(request, error, person)
    raise ConflictError(f"The evidence for {version} keeps changing.")


def requested(version: ModelVersion, stage: Stage, person: Person, finish: Finish) -> Promotion:
    """Return the request to move `version` to `stage`, with its card approved and its checks done."""
    if stage == Stage.PRODUCTION:
        cards.ensure(version, author=person("engineer"), reviewer=person("reviewer"))
    found = version.promotions.filter(to_stage=stage).first()
    if found is None:
        comment = f"Please move {version.version} to {stage}."
        found = promotion.open_for(version, stage, user=person("engineer"), comment=comment)
    payload = {"payload__model": version.model.name, "payload__version": version.version}
    for job in Job.objects.filter(kind="check", **payload):
        finish(job)
    return found


def _renew(request: Promotion, reason: ConflictError, person: Person) -> None:
    try:
        promotion_renewal.renew(request, user=person("engineer"))
    except ConflictError:
        # The evidence is what it was, so that is not what stood in the way.
        raise reason from None


def _approve(request: Promotion, person: Person) -> None:
    for name in ("reviewer", "second-reviewer"):
        request.refresh_from_db()
        given = {"verdict": Review.Verdict.APPROVE, "evidence_digest": request.evidence_digest}
        if (
            request.state == Promotion.State.OPEN
            and not request.reviews.filter(reviewer=person(name), **given).exists()
        ):
            promotion.review(
                request, user=person(name), comment="Metrics, data and code are as expected.", **given
            )
