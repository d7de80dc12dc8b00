"""Rules: what a job left behind, as facts for people. No database, no markup."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FactKind = Literal["text", "digest", "number", "seconds", "moment"]

_HEX = frozenset("0123456789abcdef")
_SHORTEST_DIGEST = 32
_LONGEST_TEXT = 300

# Facts that several kinds of jobs report; others go by their own names.
_LABELS: dict[str, str | Promise] = {
    "sha": _("Commit of the result"),
    "branch": _("Branch"),
    "tag": _("Tag"),
    "dataset_hash": _("Data"),
    "lock_digest": _("dvc.lock"),
    "training_seconds": _("Training took"),
    "run_id": _("Run"),
    "model": _("Model"),
    "version": _("Version"),
    "mlflow_version": _("Number in MLflow"),
}
_SECONDS = {"training_seconds"}
# What a result repeats of what was asked for, which stands elsewhere.
_ASKED = {"repository", "base_sha", "ref", "note", "started_at", "finished_at"}


@dataclass(frozen=True)
class Fact:
    """One thing that is known, and how it is to be shown."""

    label: str | Promise
    value: Any
    kind: FactKind


def facts(result: Mapping[str, Any]) -> list[Fact]:
    """Return what `result` says in single values, then its metrics; nothing else that is nested."""
    return [*_single(result), *_metrics(result.get("metrics"))]


def rebuild_command(url: str, name: str, sha: str) -> str:
    """Return the commands that bring a result back and check it, safe to be pasted into a shell.

    :param url: where the repository is cloned from
    :param name: folder to clone it into
    """
    url, name, sha = (shlex.quote(text) for text in (url, name, sha))
    return f"git clone {url} {name} && cd {name} && git checkout {sha} && dvc pull && dvc repro"


def _single(result: Mapping[str, Any]) -> Iterator[Fact]:
    for key, value in result.items():
        if key in _ASKED or isinstance(value, bool) or value in ("", None):
            continue
        if isinstance(value, int | float):
            yield Fact(_LABELS.get(key, key), value, "seconds" if key in _SECONDS else "number")
        elif isinstance(value, str):
            kind: FactKind = "digest" if _is_digest(value) else "text"
            yield Fact(_LABELS.get(key, key), value[:_LONGEST_TEXT], kind)


def _metrics(metrics: object) -> Iterator[Fact]:
    if isinstance(metrics, dict):
        for key, value in metrics.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield Fact(key, value, "number")


def _is_digest(value: str) -> bool:
    return len(value) >= _SHORTEST_DIGEST and set(value) <= _HEX
