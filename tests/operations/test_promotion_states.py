"""Whatever people do in whatever order: what must always be true of versions and promotions is true."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments.models import Job
from registry import bypass, deadlines, promotion, promotion_renewal, rollback, waivers
from registry.gates.gate import Status
from registry.models import ModelVersion, Promotion, StageEvent
from registry.policy_rules import GateSetting
from registry.stages import allowed
from tests.people import make_user
from tests.promotions import set_rules
from tests.versions import make_version

_models = count(1)
_REFUSALS = (promotion.ConflictError, ValidationError, PermissionDenied)
_ENDED = {"rejected", "changes_requested", "withdrawn", "expired", "approved"}


class World:
    """One model, three versions and five people who do as they are told."""

    def __init__(self) -> None:
        name = f"model-{next(_models)}"
        self.versions = [make_version(number, model=name) for number in ("1.0.0", "1.1.0", "2.0.0")]
        self.model = self.versions[0].model
        set_rules(self.model, approvals=2, gates=(GateSetting("final_version"),))
        set_rules(self.model, "Production", approvals=2, gates=(GateSetting("card"),))
        roles: list[tuple[Role, ...]] = [
            (Role.ENGINEER, Role.REVIEWER),
            (Role.REVIEWER,),
            (Role.REVIEWER, Role.ENGINEER),
            (Role.ADMINISTRATOR,),
            (Role.VIEWER,),
        ]
        self.people = [make_user(*held) for held in roles]
        self.ended: dict[int, str] = {}

    def act(self, what: str, which: int, who: int) -> None:
        """Do one thing; being refused is fine, anything else that is raised is not."""
        version = ModelVersion.objects.select_related("model").get(pk=self.versions[which].pk)
        waiting = version.promotions.filter(state="open").select_related("version__model").first()
        acts: dict[str, Callable[[], Any]] = {**self._moves(version, self.people[who])}
        if waiting is not None:
            acts |= self._decisions(waiting, self.people[who])
        try:
            acts.get(what, lambda: None)()
        except _REFUSALS:
            return

    def _moves(self, version: ModelVersion, user: User) -> dict[str, Callable[[], Any]]:
        return {
            "ask for Staging": lambda: promotion.open_for(version, "Staging", user=user),
            "ask for Production": lambda: promotion.open_for(version, "Production", user=user),
            "roll back": lambda: rollback.roll_back(self.model, version, user=user, reason="x"),
            "bypass": lambda: bypass.bypass(version, "Production", user=user, reason="x"),
            "follow up": lambda: (
                bypass.follow_up(bypass.unreviewed(self.model)[0], user=user, comment="x")
                if bypass.unreviewed(self.model)
                else None
            ),
            "train anew": lambda: ModelVersion.objects.filter(pk=version.pk).update(
                fingerprint=f"{next(_models):012x}"
            ),
        }

    def _decisions(self, waiting: Promotion, user: User) -> dict[str, Callable[[], Any]]:
        def verdict(word: str) -> Callable[[], Any]:
            return lambda: promotion.review(
                waiting, word, user=user, evidence_digest=waiting.evidence_digest, comment="x"
            )

        return {
            "approve": verdict("approve"),
            "reject": verdict("reject"),
            "request changes": verdict("request_changes"),
            "withdraw": lambda: promotion.withdraw(waiting, user=user),
            "renew": lambda: promotion_renewal.renew(waiting, user=user),
            "waive": lambda: waivers.waive(waiting, "card", user=user, reason="x"),
            "time passes": lambda: deadlines.expire(waiting, timezone.now() + timedelta(days=99)),
        }

    def check(self) -> None:
        """Check what has to be true at any time."""
        stages = list(self.model.versions.values_list("stage", flat=True))
        assert stages.count("Production") <= 1
        for version in self.model.versions.all():
            _check_history(version)
        for request in Promotion.objects.filter(version__model=self.model):
            assert self.ended.setdefault(request.pk, request.state) in (request.state, "open")
            if request.state in _ENDED:
                self.ended[request.pk] = request.state
            if request.state == "approved" and request.kind == "request":
                _check_approval(request)
        moved = Promotion.objects.filter(version__model=self.model, state="approved").count()
        assert Job.objects.filter(kind="apply", payload__model=self.model.name).count() == moved


def _check_history(version: ModelVersion) -> None:
    events = list(version.stage_events.order_by("pk"))
    stages = ["Development", *(event.to_stage for event in events)]
    assert version.stage == stages[-1]
    assert all(event.from_stage == before for event, before in zip(events, stages, strict=False))
    assert all(allowed(event.from_stage, event.to_stage, event.how) for event in events)
    assert all(earlier.at <= later.at for earlier, later in pairwise(events))
    told = AuditEntry.objects.filter(event="version.stage_changed", target_id=str(version))
    assert told.count() == len(events)


def _check_approval(request: Promotion) -> None:
    given = request.reviews.filter(verdict="approve", evidence_digest=request.evidence_digest)
    people = set(given.values_list("reviewer", flat=True))
    assert len(people) >= 2
    assert request.requested_by_id not in people
    waived = set(request.waivers.values_list("gate", flat=True))
    blocking = [
        gate["gate"]
        for gate in request.evidence["gates"]
        if gate["required"] and gate["status"] != Status.PASSED.value
    ]
    assert set(blocking) <= waived
    assert StageEvent.objects.filter(promotion=request, version=request.version).count() == 1


_STEP = st.tuples(
    st.sampled_from(
        [
            *("ask for Staging", "ask for Production", "approve", "approve", "approve", "waive"),
            *("reject", "request changes", "withdraw", "renew", "time passes"),
            *("roll back", "bypass", "follow up", "train anew"),
        ]
    ),
    st.integers(0, 2),
    st.integers(0, 4),
)


@pytest.mark.django_db
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(_STEP, min_size=10, max_size=40))
def test_no_order_of_actions_breaks_a_promise(steps: list[tuple[str, int, int]]) -> None:
    world = World()
    for what, which, who in [*_PROLOGUE, *steps]:
        world.act(what, which, who)
        world.check()
    assert trail.verify() is None


# One version serves and a second one is about to, so that most of what follows matters.
_PROLOGUE = [
    *(("ask for Staging", 0, 0), ("approve", 0, 1), ("approve", 0, 2)),
    *(("ask for Production", 0, 0), ("waive", 0, 3), ("approve", 0, 1), ("approve", 0, 2)),
    *(("ask for Staging", 1, 2), ("approve", 1, 0), ("approve", 1, 1), ("ask for Production", 1, 2)),
    ("waive", 1, 3),
]


@pytest.mark.django_db
def test_the_prologue_leads_where_it_should() -> None:
    world = World()
    for step in _PROLOGUE:
        world.act(*step)
        world.check()
    assert [version.stage for version in world.model.versions.order_by("pk")] == [
        "Production",
        "Staging",
        "Development",
    ]
