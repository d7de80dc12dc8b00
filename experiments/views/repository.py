"""The page of one repository: its pipeline at a ref, its jobs, its commits; and having it fetched."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Permission
from experiments import access, launches, lineage_links, repositories
from experiments.live import Live, Part
from experiments.models import Job, Repository
from experiments.pipeline_outline import Outline, outline
from experiments.selectors import dvc_experiments
from experiments.selectors import repository as selectors

_BUSY, _QUIET = 2, 10  # seconds
_PARTS = [
    Part("repository-head", "experiments/_repository_head.html"),
    Part("repository-ref", "experiments/_repository_ref.html"),
    Part("repository-pipeline", "experiments/_repository_pipeline.html"),
    Part("repository-jobs", "experiments/_repository_jobs.html"),
    Part("repository-experiments", "experiments/_repository_experiments.html"),
    Part("repository-commits", "experiments/_repository_commits.html"),
    Part("repository-rail", "experiments/_repository_rail.html"),
]


@require_safe
def repository(request: HttpRequest, name: str) -> HttpResponse:
    """Show a repository at `?ref=`; what a fetch or a job brings shows by itself."""
    who, row = access.repository_for(request, name)
    context = _context(request, who, row)
    live = Live(request, _PARTS, context, every=_BUSY if context["activity"].is_live else _QUIET)
    if live.is_poll:
        return live.answer()
    status = 404 if context["ref_problem"] and context["asked"] and row.fetched_at else 200
    return render(request, "experiments/repository.html", {"live": live, **context}, status=status)


@require_POST
def fetch(request: HttpRequest, name: str) -> HttpResponse:
    """Have branches, tags and commits brought up to date."""
    who, row = access.repository_for(request, name)
    job = repositories.request_fetch(row, user=who.user)
    messages.success(request, _("Job #%(id)s fetches %(name)s.") % {"id": job.pk, "name": row.name})
    return redirect(row)


def _context(request: HttpRequest, who: access.Viewer, row: Repository) -> dict[str, Any]:
    asked = request.GET.get("ref", "")
    target, problem = _target(row, asked)
    return {
        "repository": row,
        "experiment": selectors.experiment_of(row),
        "activity": selectors.activity(row, who.user),
        "lineage_url": lineage_links.of_commit(target.commit.sha, row.name) if target else "",
        "refs": selectors.refs_of(row),
        "asked": asked,
        "target": target,
        "ref_problem": problem,
        "outline": outline(target.commit.pipeline, target.commit.params_text) if target else Outline([], []),
        "maker": _maker(row, target),
        "dvc_experiments": dvc_experiments.of(row),
        "page": selectors.commits_page(row, request.GET.get("page")),
        "run_refusal": who.refusal(Permission.JOB_SUBMIT),
        "may_change": who.may(Permission.REPOSITORY_CONNECT),
        "fetch_refusal": who.refusal(Permission.REPOSITORY_FETCH),
    }


def _target(row: Repository, ref: str) -> tuple[launches.Target | None, str]:
    try:
        return launches.resolve(row, ref), ""
    except ValidationError as error:
        return None, " ".join(error.messages)


def _maker(row: Repository, target: launches.Target | None) -> Job | None:
    return selectors.makers_of(row, [target.commit.sha]).get(target.commit.sha) if target else None
