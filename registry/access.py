"""Who may see and do what to which model, and what an address names (404 where it names nothing to them).

The rules are in `registry.member_rules`, the table for people in docs/permissions.md.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Person, explain, permissions_for, permissions_of, refuse, require, signed_in
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from experiments.models import Run
from registry import member_rules
from registry.member_rules import Part
from registry.models import Member, ModelVersion, Promotion, RegisteredModel

View = Callable[..., HttpResponseBase]

PART_LABELS = {
    Part.OWNER: gettext_lazy("owner"),
    Part.REVIEWER: gettext_lazy("reviewer"),
}
_PARTS_MAY = {
    (Part.OWNER,): gettext_lazy("So may the owners of this model."),
    (Part.REVIEWER,): gettext_lazy("So may the reviewers of this model."),
    (Part.OWNER, Part.REVIEWER): gettext_lazy("So may the owners and the reviewers of this model."),
}


def for_viewers(view: View) -> View:
    """Return `view` for those whose role may look; others get 403 with the sentence that says who may."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        signed_in(request)
        if Permission.VIEW not in permissions_for(request):
            raise PermissionDenied(explain(Permission.VIEW))
        return view(request, *args, **kwargs)

    return guarded


def permissions_on(user: Person, model: RegisteredModel) -> frozenset[Permission]:
    """Return everything `user` may do to `model`, by their roles and by their part in it. Two queries.

    Ask once where many answers about one model are needed.
    """
    return member_rules.granted(permissions_of(user), parts_in(user, model), restricted=model.restricted)


def parts_in(user: Person, model: RegisteredModel) -> frozenset[Part]:
    """Return the parts of `user` in `model`. One query."""
    if not user.is_authenticated:
        return frozenset()
    rows = Member.objects.filter(user=user.pk, model=model.pk).order_by()
    return frozenset(Part(part) for part in rows.values_list("part", flat=True))


def require_on(user: Person, permission: Permission, model: RegisteredModel, *, target: trail.Target) -> None:
    """Let pass who may do `permission` to `model`; record and refuse who may not.

    Call it before the operation opens its transaction, as `accounts.access.require`.

    :param target: what they want to do it to, for the trail
    :raises PermissionDenied: they may not; the message says who may
    :raises RuntimeError: they may not, and a transaction is open
    """
    if permission not in permissions_on(user, model):
        refuse(user, permission, target=target, sentence=explain_on(permission, model))


def require_named(user: User, permission: Permission, name: str, target: trail.Target) -> None:
    """Let pass who may do `permission` to the model called `name`; one that is not there yet needs the role.

    :raises PermissionDenied: they may not; recorded, as by `require_on`
    """
    # PostgreSQL cannot compare U+0000, and no name has it.
    model = RegisteredModel.objects.filter(name=name.replace("\0", "")).first()
    if model is None:
        require(user, permission, target=target)
    else:
        require_on(user, permission, model, target=target)


def explain_on(permission: Permission, model: RegisteredModel) -> str:
    """Return the sentences that say who may do `permission` to `model`."""
    sentences = [explain(permission)]
    parts = member_rules.parts_adding(permission)
    if parts:
        sentences.append(str(_PARTS_MAY[parts]))
    if model.restricted:
        sentences.append(_("This model is restricted: roles count for its members only."))
    return " ".join(sentences)


def refusal_to_register(user: Person, name: str) -> str:
    """Return why `user` cannot register a version of the model called `name`; empty where they can.

    :param name: also of a model that is not there yet; empty: of any model
    """
    held = permissions_of(user)
    if not name:
        owns = Member.objects.filter(user=user.pk, part=Part.OWNER)
        may = Permission.VERSION_REGISTER in held or (Permission.VIEW in held and owns.exists())
        return "" if may else explain(Permission.VERSION_REGISTER)
    model = RegisteredModel.objects.filter(name=name.replace("\0", "")).first()
    if model is None:
        return "" if Permission.VERSION_REGISTER in held else explain(Permission.VERSION_REGISTER)
    may = Permission.VERSION_REGISTER in permissions_on(user, model)
    return "" if may else explain_on(Permission.VERSION_REGISTER, model)


def visible(user: Person) -> QuerySet[RegisteredModel]:
    """Return the models that `user` may see. One query for the roles."""
    return RegisteredModel.objects.filter(visible_q(user))


def visible_q(user: Person, prefix: str = "") -> Q:
    """Return the condition that a row belongs to a model which `user` may see. One query for the roles.

    :param prefix: path from the row to its model, such as ``version__model``; empty for models themselves
    """
    held = permissions_of(user)
    if Permission.VIEW not in held:
        return Q(pk__in=[])
    if member_rules.sees_all(held):
        # Not an empty Q, which would vanish from a disjunction.
        return ~Q(pk__in=[])
    path = f"{prefix}__" if prefix else ""
    theirs = Member.objects.filter(user=user.pk).order_by().values("model")
    return Q(**{f"{path}restricted": False}) | Q(**{f"{path}pk__in": theirs})


def hidden_names(user: Person) -> frozenset[str]:
    """Return the names of the models that `user` does not see. Two queries.

    For what names models in text only, such as the payload of a job.
    """
    hidden = RegisteredModel.objects.filter(restricted=True).exclude(visible_q(user)).order_by()
    return frozenset(hidden.values_list("name", flat=True))


def sees(user: Person, model: RegisteredModel) -> bool:
    """Say whether `user` may see `model`. No query for a model that is not restricted.

    Whether they may look at all is asked by `for_viewers` and by the REST interface's permission class.
    """
    return not model.restricted or Permission.VIEW in permissions_on(user, model)


def get_model(name: str, *, user: Person) -> RegisteredModel:
    """Return the registered model called `name`.

    :param user: who asks; they get nothing that they may not see
    :raises Http404: there is none
    """
    model = RegisteredModel.objects.filter(name=name).first()
    if model is None or not sees(user, model):
        raise Http404(_("There is no model called %(name)s.") % {"name": name})
    return model


def check_not_hidden(name: str, *, user: Person) -> None:
    """Do nothing, unless there is a model called `name` which `user` does not see.

    For an address that may name a model which is not there yet.

    :raises Http404: there is
    """
    if name in hidden_names(user):
        raise Http404(_("There is no model called %(name)s.") % {"name": name})


def get_version(name: str, version: str, *, user: Person) -> ModelVersion:
    """Return a version by its semantic version, or by MLflow's integer.

    :param user: who asks; they get nothing that they may not see
    :raises Http404: there is none
    """
    versions: QuerySet[ModelVersion] = ModelVersion.objects.select_related("model").filter(model__name=name)
    found = versions.filter(version=version).first()
    # Nine digits fit into every database's integer.
    if found is None and version.isascii() and version.isdigit() and len(version) < 10:
        found = versions.filter(mlflow_version=int(version)).first()
    if found is None or not sees(user, found.model):
        raise Http404(_("%(model)s has no version %(version)s.") % {"model": name, "version": version})
    return found


def get_member(model: RegisteredModel, pk: int) -> Member:
    """Return one part in `model`.

    :raises Http404: there is none
    """
    rows = model.members.select_related("user", "model")
    found = rows.filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise Http404(_("There is no such member."))
    return found


def get_run(run_id: str) -> Run:
    """Return a mirrored run.

    :raises Http404: there is none
    """
    run = None
    if run_id.isalnum():
        run = Run.objects.select_related("experiment").filter(run_id=run_id).first()
    if run is None:
        raise Http404(_("There is no run %(run)s.") % {"run": run_id})
    return run


def get_promotion(number: int, *, user: Person) -> Promotion:
    """Return a promotion with its version, model and incumbent.

    :param user: who asks; they get nothing that they may not see
    :raises Http404: there is none
    """
    found = Promotion.objects.select_related("version__model", "incumbent__model").filter(pk=number).first()
    if found is None or not sees(user, found.version.model):
        raise Http404(_("There is no promotion %(number)s.") % {"number": number})
    return found
