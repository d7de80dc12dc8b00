"""The page of a commit's pipeline: the graph, its stages, and what changed since another commit."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from experiments.access import Viewer
from experiments.metric_goals import goal
from experiments.models import Repository
from lineage import access, pipeline_drawing
from lineage.models import HistoryCommit
from lineage.pipeline_changes import PIPELINE, Comparison, StageChange
from lineage.selectors import data as data_selectors
from lineage.selectors import pipeline as selectors
from lineage.views import plots

_STAGES_PER_PAGE = 200


@require_safe
def pipeline(request: HttpRequest, name: str) -> HttpResponse:
    """Show the pipeline of `?ref=`, compared with `?base=` (its first parent if absent)."""
    who, repository = access.repository_for(request, name)
    ref, base_ref = request.GET.get("ref", "").strip(), request.GET.get("base", "").strip()
    commit = access.commit_of(repository, ref)
    context: dict[str, Any] = {
        "repository": repository,
        "tab": "pipeline",
        "ref": ref,
        "base_ref": base_ref,
        "commit": commit,
        "state": data_selectors.state_of(repository),
    }
    if commit is not None:
        context |= _shown(who, repository, commit, base_ref)
        rows = context["pipeline"].rows
        context["page"] = Paginator(rows, _STAGES_PER_PAGE).get_page(request.GET.get("page"))
    status = 404 if commit is None and ref else 200
    return render(request, "lineage/pipeline.html", context, status=status)


def _shown(who: Viewer, repository: Repository, commit: HistoryCommit, base_ref: str) -> dict[str, Any]:
    found = selectors.pipeline_of(commit)
    base = access.commit_of(repository, base_ref) if base_ref else selectors.parent_of(repository, commit)
    comparison = selectors.compared(found, base)
    return {
        "pipeline": found,
        **plots.shown(who, repository, commit, base),
        "base_missing": bool(base_ref) and base is None,
        "comparison": comparison,
        "known_folders": selectors.known_folders(found, comparison),
        "drawing": _drawing(found, comparison),
        "metrics": _metric_rows(commit, base),
        "parameters": _parameter_rows(commit, base),
        "changed_data": _changed_data(comparison),
        "other_results": _other_results(comparison),
        "problems": selectors.problems_of(commit),
    }


def _drawing(found: selectors.Pipeline, comparison: Comparison | None) -> dict[str, Any] | None:
    drawn = pipeline_drawing.draw(len(found.rows), found.pairs)
    if drawn is None:
        return None
    boxes = [
        {"box": box, "row": row, "change": comparison.stages[row.number - 1] if comparison else None}
        for box, row in zip(drawn.boxes, found.rows, strict=True)
    ]
    return {
        "size": drawn,
        "boxes": boxes,
        "box_width": pipeline_drawing.WIDTH,
        "box_height": pipeline_drawing.HEIGHT,
    }


def _changed_data(comparison: Comparison | None) -> list[StageChange]:
    """Return the tracked data that is new or another."""
    if comparison is None:
        return []
    return [
        one
        for one in comparison.stages
        if one.stage.kind != PIPELINE and (one.is_new or one.has_other_outputs)
    ]


def _other_results(comparison: Comparison | None) -> list[StageChange]:
    """Return the stages of which nothing changed but the result."""
    stages = comparison.stages if comparison else ()
    return [one for one in stages if one.stage.kind == PIPELINE and one.has_other_outputs and not one.reruns]


def _metric_rows(commit: HistoryCommit, base: HistoryCommit | None) -> list[dict[str, Any]]:
    mine, theirs = selectors.values(commit, "metrics"), selectors.values(base, "metrics") if base else {}
    return [
        {"name": name, "value": mine.get(name), "before": theirs.get(name), "goal": goal(name)}
        for name in dict.fromkeys([*mine, *theirs])
        if _is_number(mine.get(name)) or _is_number(theirs.get(name))
    ]


def _parameter_rows(commit: HistoryCommit, base: HistoryCommit | None) -> list[dict[str, Any]]:
    mine, theirs = selectors.values(commit, "params"), selectors.values(base, "params") if base else {}
    return [
        {
            "name": name,
            "value": mine.get(name),
            "before": theirs.get(name),
            "is_changed": base is not None and mine.get(name) != theirs.get(name),
        }
        for name in dict.fromkeys([*mine, *theirs])
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
