"""Who asks, and may they see it: every page and REST endpoint of this app begins here.

A refusal to show something leaves no entry in the trail: nothing changed, and a page that renews itself would
fill it.
"""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from experiments import job_visibility
from experiments.models import Experiment, Job, Repository, Run, SavedView, Sweep
from experiments.selectors import saved_views


@dataclass(frozen=True)
class Viewer:
    """The signed-in person and everything they may do, asked once for a request."""

    user: User
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        """Say whether they may do `permission`."""
        return permission in self.permissions

    def refusal(self, permission: Permission) -> str:
        """Return the sentence that says why they may not do `permission`; empty if they may."""
        return "" if self.may(permission) else access.explain(permission)


def viewer(request: HttpRequest) -> Viewer:
    """Return the person behind `request`. One query.

    :raises PermissionDenied: nobody is signed in, or they have no role that may look
    """
    user = access.signed_in(request)
    permissions = access.permissions_for(request)
    if Permission.VIEW not in permissions:
        raise PermissionDenied(access.explain(Permission.VIEW))
    return Viewer(user, permissions)


def job_for(request: HttpRequest, pk: int) -> tuple[Viewer, Job]:
    """Return the viewer and job number `pk`. Two queries, four for a job that works on a model.

    :raises Http404: there is no such job, or none that they may see
    """
    who = viewer(request)
    # A number beyond the column's range is no job, and no error of the database either.
    if pk >= 2**63:
        raise Http404
    job = get_object_or_404(Job.objects.select_related("repository", "parent"), pk=pk)
    if not job_visibility.sees(who.user, job):
        raise Http404
    return who, job


def run_for(request: HttpRequest, run_id: str) -> tuple[Viewer, Run]:
    """Return the viewer and the run that MLflow calls `run_id`. Two queries.

    :raises Http404: the mirror has no such run
    """
    who = viewer(request)
    return who, get_object_or_404(Run.objects.select_related("experiment"), run_id=run_id)


def experiment_for(request: HttpRequest, experiment_id: str) -> tuple[Viewer, Experiment | None]:
    """Return the viewer and the experiment that MLflow calls `experiment_id` (empty: None). Two queries.

    :raises Http404: the mirror has no such experiment
    """
    who = viewer(request)
    return who, get_object_or_404(Experiment, experiment_id=experiment_id) if experiment_id else None


def saved_view_for(request: HttpRequest, pk: int) -> tuple[Viewer, SavedView]:
    """Return the viewer and saved view number `pk`. Two queries.

    :raises Http404: there is no such view, or none that they may see
    """
    who = viewer(request)
    if pk >= 2**63:
        raise Http404
    return who, get_object_or_404(saved_views.visible(who.user), pk=pk)


def sweep_for(request: HttpRequest, pk: int) -> tuple[Viewer, Sweep]:
    """Return the viewer and sweep number `pk`. Two queries.

    :raises Http404: there is none
    """
    who = viewer(request)
    if pk >= 2**63:
        raise Http404
    rows = Sweep.objects.select_related("repository", "commit")
    return who, get_object_or_404(rows.defer("commit__params_text", "commit__pipeline"), pk=pk)


def repository_for(request: HttpRequest, name: str) -> tuple[Viewer, Repository]:
    """Return the viewer and the repository called `name`. Two queries.

    :raises Http404: there is none
    """
    return viewer(request), get_object_or_404(Repository, name=name)
