"""Page-shaped reads of policies, each with a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Max, OuterRef, QuerySet, Subquery

from accounts.models import User
from registry import access, policies, policy_words
from registry.models import Policy, RegisteredModel
from registry.policies import Effective
from registry.policy_rules import DEFAULTS, PolicyError, Rules
from registry.policy_words import Difference

HISTORY_SHOWN = 50


@dataclass(frozen=True)
class Step:
    """One number of a policy and what it changed.

    :ivar differences: against the number before; of the first one against what the product ships with
    :ivar problem: why it cannot be read any more
    """

    policy: Policy
    differences: list[Difference]
    problem: str = ""


def installation() -> list[Effective]:
    """Return the rules of models without a policy of their own, stage by stage. One query for each stage."""
    return [policies.effective(None, stage.value) for stage in DEFAULTS]


def of_models(user: User) -> QuerySet[Policy]:
    """Return the newest policy of every model and stage that `user` may see, by model."""
    same = Policy.objects.filter(model=OuterRef("model"), to_stage=OuterRef("to_stage")).order_by()
    newest = same.values("to_stage").annotate(newest=Max("number")).values("newest")
    found = Policy.objects.filter(access.visible_q(user, "model"), model__isnull=False)
    newest_only = found.filter(number=Subquery(newest))
    return newest_only.select_related("model").order_by("model__name", "to_stage")


def steps(model: RegisteredModel | None, to_stage: str) -> list[Step]:
    """Return the newest numbers of a policy with what each of them changed. One query."""
    rows = list(policies.history(model, to_stage)[: HISTORY_SHOWN + 1])
    return [_step(row, rows[place + 1 :], to_stage) for place, row in enumerate(rows[:HISTORY_SHOWN])]


def _step(policy: Policy, older: Sequence[Policy], to_stage: str) -> Step:
    try:
        before = policies.rules_of(older[0] if older else None, to_stage)
        return Step(policy, policy_words.differences(before, Rules.from_dict(policy.rules)))
    except PolicyError as error:
        return Step(policy, [], str(error))
