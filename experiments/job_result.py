"""Rules: what a job left behind, as facts for people. No database, no markup."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from experiments.run_columns import TELLING

FactKind = Literal["text", "digest", "number", "seconds", "moment"]

# Git's and DVC's; DVC writes ".dir" behind that of a folder.
_DIGEST = re.compile(r"[0-9a-f]{32,}(\.dir)?")
_LONGEST_TEXT = 300
_MAX_METRICS = 8

# Facts that several kinds of jobs report, in the order in which they are shown; others go by their own names.
_LABELS: dict[str, str | Promise] = {
    "sha": _("Commit of the result"),
    "branch": _("Branch"),
    "applied_to": _("For the branch"),
    "applied_on": _("On top of"),
    "fetch_command": _("Bring it there"),
    "dataset_hash": _("Data"),
    "lock_digest": _("dvc.lock"),
    "training_seconds": _("Training took"),
    "run_id": _("Run"),
    "model": _("Model"),
    "version": _("Version"),
    "mlflow_version": _("Number in MLflow"),
    "sha256": "SHA-256",
}
_SECONDS = {"training_seconds"}
# What a result repeats of what was asked for, or what only programs read.
_NOT_SHOWN = {
    *(
        "repository",
        "reproduction",
        "bundle",
        "verdict",
        "summary",
        "base_sha",
        "ref",
        "tag",
        "note",
        "started_at",
        "finished_at",
        "training_measured_in",
    ),
}


@dataclass(frozen=True)
class Fact:
    """One thing that is known, and how it is to be shown."""

    label: str | Promise
    value: Any
    kind: FactKind


def facts(result: Mapping[str, Any]) -> list[Fact]:
    """Return the single values of `result`, then its most telling metrics; nothing else that is nested."""
    rank = {key: number for number, key in enumerate(_LABELS)}
    keys = sorted((key for key in result if key not in _NOT_SHOWN), key=lambda key: rank.get(key, len(rank)))
    found = [fact for key in keys if (fact := _fact(key, result[key]))]
    if result.get("pushed") is False:
        found.append(Fact(_("DVC remote"), _("none: the data stay in the cache of this host"), "text"))
    return [*found, *_metrics(result.get("metrics"))]


def rebuild_commands(mirror: str, name: str, sha: str) -> list[str]:
    """Return the commands that bring a result back and check it, safe to paste into a shell of the server.

    :param mirror: the managed mirror, because only there a branch of ours holds the commit
    :param name: folder to clone it into
    """
    mirror, name, sha = (shlex.quote(text) for text in (mirror, name, sha))
    return [f"git clone {mirror} {name}", f"cd {name}", f"git checkout {sha}", "dvc pull", "dvc repro"]


def _fact(key: str, value: object) -> Fact | None:
    label = _LABELS.get(key, key)
    if isinstance(value, bool) or value == "":
        return None
    if isinstance(value, int | float):
        return Fact(label, value, "seconds" if key in _SECONDS else "number")
    if isinstance(value, str):
        kind: FactKind = "digest" if _DIGEST.fullmatch(value) else "text"
        return Fact(label, value[:_LONGEST_TEXT], kind)
    return None


def _metrics(metrics: object) -> Iterator[Fact]:
    numbers = metrics if isinstance(metrics, dict) else {}
    keys = [
        key
        for key, value in numbers.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    keys.sort(key=lambda key: TELLING.index(key) if key in TELLING else len(TELLING))
    for key in keys[:_MAX_METRICS]:
        yield Fact(key, numbers[key], "number")
