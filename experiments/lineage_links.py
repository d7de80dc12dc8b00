"""Addresses of the lineage of runs, commits and data: pages of an app to the left, if it is there."""

from urllib.parse import quote

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode


def of_run(run_id: str) -> str:
    """Return the address of the graph around a run; empty where there is none."""
    return _graph(f"run:{quote(run_id)}")


def of_commit(sha: str, repository: str = "") -> str:
    """Return the address of the graph around a commit; empty where there is none."""
    return _graph(f"commit:{quote(repository)}@{sha}") if sha else ""


def of_data(md5: str) -> str:
    """Return the address of the graph around data, wherever they lie; empty where there is none."""
    return _graph(f"data::@{quote(md5)}") if md5 else ""


def reached_by_run(run_id: str) -> str:
    """Return the address that tells which production models came of a run; empty where there is none."""
    return _address("lineage:impact", {"node": f"run:{quote(run_id)}", "stage": "Production"})


def _graph(node: str) -> str:
    return _address("lineage:lineage", {"node": node})


def _address(page: str, query: dict[str, str]) -> str:
    try:
        return f"{reverse(page)}?{urlencode(query)}"
    except NoReverseMatch:
        return ""
