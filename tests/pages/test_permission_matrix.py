"""Every persona tries every act, over page and REST, on an open and on a restricted model."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.events import Event
from audit.models import AuditEntry
from registry.models import Member, Policy
from tests.acts import ACTS, MEMBERS, MODEL, PERSONAS, SEEING, Act, Call, make_persona, restrict
from tests.drifts import make_drift
from tests.jobs import make_job
from tests.people import make_user
from tests.versions import make_version

pytestmark = pytest.mark.django_db

_ACTS = [act for act in ACTS if not act.by_stranger]
_ON_MODELS = [act for act in _ACTS if act.on_model]
# The model is named by what is sent, not by the address, so nothing can be missing: who may not is refused.
_BY_NAME = {"registry:register"}


def named(act: Act) -> str:
    return f"{act.method}-{act.route}"


def attempt(act: Act, call: Call, user: User | None) -> int:
    client = Client()
    if user is not None:
        client.force_login(user)
    return act.send(client, call).status_code


def told_since(count: int) -> set[str]:
    return set(AuditEntry.objects.order_by("sequence").values_list("event", flat=True)[count:])


def refuse_everybody_but(act: Act, allowed: frozenset[str], expected: dict[str, int]) -> None:
    """Let everybody try who is not among `allowed`; no more is left than entries of refusals."""
    maker = make_user()
    call = act.prepare(maker)
    for persona in sorted(PERSONAS - allowed):
        user = make_persona(persona)
        if expected is _RESTRICTED:
            restrict()
        before = AuditEntry.objects.count()
        status = attempt(act, call, user)
        assert status == expected.get(persona, 403), persona
        assert told_since(before) <= {Event.PERMISSION_DENIED}, persona
        Member.objects.filter(user=user).delete()
    before = AuditEntry.objects.count()
    assert attempt(act, call, None) == (401 if act.is_rest else 302)
    assert AuditEntry.objects.count() == before


_OPEN: dict[str, int] = {}
# To those it does not exist, but not to those who see it and those who have no role at all.
_RESTRICTED = dict.fromkeys(PERSONAS - SEEING - {"nobody"}, 404)


@pytest.mark.parametrize("act", _ACTS, ids=named)
def test_who_may_not_is_refused_and_nothing_happens(act: Act) -> None:
    refuse_everybody_but(act, act.who, _OPEN)


@pytest.mark.parametrize(
    ("act", "persona"),
    [(act, persona) for act in _ACTS for persona in sorted(act.who)],
    ids=lambda value: named(value) if isinstance(value, Act) else value,
)
def test_who_may_does_it(act: Act, persona: str) -> None:
    user = make_persona(persona)
    call = act.prepare(user)
    before = AuditEntry.objects.count()
    assert attempt(act, call, user) < 400
    assert Event.PERMISSION_DENIED not in told_since(before)
    assert act.event is None or act.event in told_since(before)


def able_when_restricted(act: Act) -> frozenset[str]:
    """Parts and administration count; of the others who see it, only what everybody who looks may do."""
    return act.who & (SEEING if "viewer" in act.who else MEMBERS | {"administrator"})


@pytest.mark.parametrize("act", [act for act in _ON_MODELS if act.route not in _BY_NAME], ids=named)
def test_a_restricted_model_does_not_exist_for_those_without_a_part(act: Act) -> None:
    refuse_everybody_but(act, able_when_restricted(act), _RESTRICTED)


@pytest.mark.parametrize(
    ("act", "persona"),
    [
        (act, persona)
        for act in _ON_MODELS
        for persona in sorted(able_when_restricted(act) - {"administrator"})
    ],
    ids=lambda value: named(value) if isinstance(value, Act) else value,
)
def test_a_part_counts_on_a_restricted_model(act: Act, persona: str) -> None:
    user = make_persona(persona)
    call = act.prepare(user)
    if act.event != Event.MODEL_CHANGED:  # the act itself
        restrict()
    before = AuditEntry.objects.count()
    assert attempt(act, call, user) < 400
    assert act.event is None or act.event in told_since(before)


@pytest.mark.parametrize("role", ["engineer", "reviewer"])
def test_a_role_counts_on_a_restricted_model_for_its_members_only(role: str) -> None:
    for act in _ON_MODELS:
        if act.route in ("api-promotions", "api-reviews") and role in act.who:
            user = make_persona(role)
            call = act.prepare(user)
            restrict()
            assert attempt(act, call, user) == 404
            part = "reviewer" if role == "engineer" else "owner"
            Member.objects.create(model=make_version("9.0.0", model=MODEL).model, user=user, part=part)
            assert attempt(act, call, user) < 400


def test_registering_as_a_restricted_model_is_refused_by_its_name() -> None:
    act = next(act for act in _ACTS if act.route == "registry:register")
    call = act.prepare(make_user())
    restrict()
    for persona in ("engineer", "reviewer", "viewer"):
        before = AuditEntry.objects.count()
        assert attempt(act, call, make_persona(persona)) == 403
        assert told_since(before) == {Event.PERMISSION_DENIED}


def test_a_part_in_another_model_counts_for_nothing() -> None:
    act = next(act for act in _ACTS if act.route == "api-promotions")
    call = act.prepare(make_user())
    user = make_persona("viewer")
    Member.objects.create(model=make_version(model="other").model, user=user, part="owner")
    assert attempt(act, call, user) == 403


def test_who_is_switched_off_or_loses_their_roles_may_nothing_although_they_are_members() -> None:
    act = next(act for act in _ACTS if act.route == "api-promotions")
    call = act.prepare(make_user())
    for persona in ("owner", "administrator"):
        user = make_persona(persona)
        user.groups.clear()
        assert attempt(act, call, user) == 403
        User.objects.filter(pk=user.pk).update(is_active=False)
        assert attempt(act, call, user) == 401


# Pages of one list stand together: where a row is depends on whose turn it is.
LISTS = (
    "/models/",
    "/promotions/?tab=needs-review /promotions/?tab=waiting",
    "/production/",
    "/policies/",
    "/",
    "/api/v1/models/",
    "/api/v1/promotions/",
    "/api/v1/production/",
    "/api/v1/drifts/",
    "/jobs/",
    "/api/v1/jobs/",
)


@pytest.mark.parametrize("addresses", LISTS)
def test_lists_name_a_restricted_model_to_those_only_who_see_it(addresses: str) -> None:
    act = next(act for act in _ACTS if act.route == "api-promotions")
    people = {persona: make_persona(persona) for persona in sorted(PERSONAS - {"nobody"})}
    maker = make_persona("engineer")
    assert attempt(act, act.prepare(maker), maker) < 400
    version = make_version("2.0.0", model=MODEL, stage="Production")
    make_drift(version)
    make_job(kind="apply", payload={"model": MODEL})
    Policy.objects.filter(to_stage="Staging").update(model=version.model)

    def names_it(user: User) -> bool:
        client = Client()
        client.force_login(user)
        answers = [client.get(address) for address in addresses.split()]
        assert {answer.status_code for answer in answers} == {200}
        return any(MODEL in answer.content.decode() for answer in answers)

    assert all(names_it(user) for user in people.values())
    restrict()
    assert {persona for persona, user in people.items() if names_it(user)} == SEEING


PAGES = (
    ("registry:model", (MODEL,)),
    ("registry:members", (MODEL,)),
    ("registry:model-production", (MODEL,)),
    ("registry:model-policy", (MODEL, "Production")),
    ("registry:drift", (MODEL,)),
    ("registry:version", (MODEL, "1.0.0")),
    ("registry:version-metadata", (MODEL, "1.0.0")),
    ("registry:version-metrics", (MODEL, "1.0.0")),
    ("registry:version-card", (MODEL, "1.0.0")),
    ("registry:version-files", (MODEL, "1.0.0")),
    ("registry:version-history", (MODEL, "1.0.0")),
    ("registry:version-checks", (MODEL, "1.0.0")),
    ("api-version-checks", (MODEL, "1.0.0")),
    ("registry:promotion", (None,)),
    ("registry:promotion-card", (None,)),
    ("api-model", (MODEL,)),
    ("api-members", (MODEL,)),
    ("api-production", (MODEL,)),
    ("api-model-policy", (MODEL, "Production")),
    ("api-versions", (MODEL,)),
    ("api-version", (MODEL, "1.0.0")),
    ("api-version-metadata", (MODEL, "1.0.0")),
    ("api-version-files", (MODEL, "1.0.0")),
    ("api-version-history", (MODEL, "1.0.0")),
    ("api-rollback", (MODEL,)),
    ("api-promotion", (None,)),
    ("api-evidence", (None,)),
    ("api-comments", (None,)),
    ("api-waivers", (None,)),
)


@pytest.mark.parametrize(("route", "arguments"), PAGES, ids=[route for route, _arguments in PAGES])
def test_what_is_about_a_restricted_model_is_not_found_by_others(
    route: str, arguments: tuple[str | None, ...]
) -> None:
    act = next(act for act in _ACTS if act.route == "registry:review")
    number = act.prepare(make_user()).arguments[0]
    address = reverse(route, args=[number if one is None else one for one in arguments])
    people = {persona: make_persona(persona) for persona in sorted(PERSONAS - {"nobody"})}

    def status(user: User) -> int:
        client = Client()
        client.force_login(user)
        return client.get(address).status_code

    assert {status(user) for user in people.values()} == {200}
    restrict()
    assert {persona: status(user) for persona, user in people.items()} == {
        persona: 200 if persona in SEEING else 404 for persona in people
    }
