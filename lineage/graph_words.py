"""The words of the lineage graph: kinds of nodes, names of facts, directions."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from lineage.graph import Direction
from lineage.node_ids import Kind

ICONS: Mapping[Kind, str] = {
    Kind.DATA: "circle-stack",
    Kind.COMMIT: "code-bracket",
    Kind.STAGE: "cog-6-tooth",
    Kind.RUN: "chart-bar",
    Kind.VERSION: "cube",
    Kind.PROMOTION: "arrow-up-circle",
    Kind.DEPLOYMENT: "server",
}

KINDS: Mapping[Kind, Promise] = {
    Kind.DATA: _("Data"),
    Kind.COMMIT: _("Commit"),
    Kind.STAGE: _("Pipeline stage"),
    Kind.RUN: _("Run"),
    Kind.VERSION: _("Version"),
    Kind.PROMOTION: _("Promotion"),
    Kind.DEPLOYMENT: _("Deployment"),
}

DIRECTIONS: Mapping[Direction, Promise] = {
    Direction.BOTH: _("Both ways"),
    Direction.UPSTREAM: _("Upstream: where it came from"),
    Direction.DOWNSTREAM: _("Downstream: what it reached"),
}

_FACTS: Mapping[str, Promise] = {
    "hash": _("Hash"),
    "name": _("Name"),
    "repository": _("Repository"),
    "path": _("Path"),
    "size": _("Size"),
    "files": _("Files"),
    "kind": _("Kind"),
    "imported_from": _("Imported from"),
    "first_commit": _("First commit"),
    "first_at": _("First seen"),
    "author": _("Author"),
    "message": _("Message"),
    "also_at": _("Also at"),
    "source": _("Source"),
    "source_type": _("Kind of source"),
    "sha": _("SHA"),
    "committed_at": _("Committed"),
    "also_in": _("Also in"),
    "gto": _("Registry (GTO)"),
    "command": _("Command"),
    "run_id": _("Run"),
    "experiment": _("Experiment"),
    "user": _("User"),
    "started_at": _("Started"),
    "ended_at": _("Ended"),
    "deleted": _("Deleted"),
    "model": _("Model"),
    "version": _("Version"),
    "stage": _("Stage"),
    "fingerprint": _("Fingerprint"),
    "artifacts": _("Artifacts"),
    "registered_at": _("Registered"),
    "registered_by": _("Registered by"),
    "mlflow_version": _("MLflow version"),
    "to_stage": _("To"),
    "state": _("State"),
    "requested_by": _("Requested by"),
    "opened_at": _("Opened"),
    "decided_at": _("Decided"),
    "approved_by": _("Approved by"),
    "evidence_digest": _("Evidence"),
    "environment": _("Environment"),
    "since": _("Since"),
    "until": _("Until"),
    "url": _("Address"),
    "note": _("Note"),
    "recorded_by": _("Recorded by"),
}


def fact(name: str) -> str:
    """Return what a fact is called; a metric by its own name."""
    kind, colon, rest = name.partition(":")
    return rest if colon and kind == "metric" else str(_FACTS.get(name, name))


def more(kind: Kind, count: int) -> str:
    """Return the name of a group."""
    words = {
        Kind.DATA: ngettext("+%(count)s data version", "+%(count)s data versions", count),
        Kind.COMMIT: ngettext("+%(count)s commit", "+%(count)s commits", count),
        Kind.STAGE: ngettext("+%(count)s stage", "+%(count)s stages", count),
        Kind.RUN: ngettext("+%(count)s run", "+%(count)s runs", count),
        Kind.VERSION: ngettext("+%(count)s version", "+%(count)s versions", count),
        Kind.PROMOTION: ngettext("+%(count)s promotion", "+%(count)s promotions", count),
        Kind.DEPLOYMENT: ngettext("+%(count)s deployment", "+%(count)s deployments", count),
    }
    return words[kind] % {"count": f"{count:,}"}


def hidden() -> str:
    """Return the name of a version that the reader may not see."""
    return translate("of a restricted model")


def file_count(count: int) -> str:
    """Return how many files a folder has."""
    return ngettext("%(count)s file", "%(count)s files", count) % {"count": f"{count:,}"}


def file_difference(count: int) -> str:
    """Return how many files more (or fewer) a folder has than another, with the sign."""
    sign = "+" if count > 0 else "\N{MINUS SIGN}"
    words = ngettext("%(count)s file", "%(count)s files", abs(count))
    return words % {"count": f"{sign}{abs(count):,}"}


def input_kind(name: str) -> str:
    """Return the word for a kind of input of a version."""
    words = {
        "commit": translate("code"),
        "data": translate("data"),
        "parameters": translate("parameters"),
        "commands": translate("commands"),
        "environment": translate("environment"),
    }
    return words[name]
