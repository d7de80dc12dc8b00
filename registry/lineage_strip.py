"""Where a version came from and where it serves, step by step, each with a link. Plain data, no database."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from experiments import lineage_links
from registry import labels
from registry.models import Deployment, ModelVersion, Promotion


@dataclass(frozen=True)
class Step:
    """One step on the way to a version.

    :ivar icon: name of a heroicon
    :ivar text: what it is called; empty where nobody recorded it
    :ivar title: the whole of a text that is cut
    :ivar kind: how the text is written: ``digest``, ``version`` or empty
    """

    label: str
    icon: str
    text: str
    title: str = ""
    url: str = ""
    kind: str = ""
    note: str = ""


def of(
    version: ModelVersion, promotion: Promotion | None = None, deployments: Iterable[Deployment] = ()
) -> list[Step]:
    """Return data, commit, job, run, version, and promotion and deployments where given. No query."""
    told, here = version.lineage, [version.model.name, version.version]
    data, commit = str(told.get("dataset_hash") or ""), version.commit
    job, repository = str(told.get("stagegate.job") or ""), str(told.get("stagegate.repository") or "")
    steps = [
        Step(
            _("Data"),
            "circle-stack",
            data,
            _joined(told.get("dataset_name"), told.get("dataset_version"), data),
            lineage_links.of_data(data) or (_address("registry:version-metadata", *here) if data else ""),
            "digest",
            _joined(told.get("dataset_name"), told.get("dataset_version")),
        ),
        Step(
            _("Commit"),
            "code-bracket",
            commit,
            commit,
            lineage_links.of_commit(commit, repository),
            "digest",
            _joined(repository),
        ),
        Step(
            _("Pipeline job"),
            "queue-list",
            f"#{job}" if job else "",
            "",
            _address("experiments:job", job) if job else "",
        ),
        Step(
            _("Run"),
            "chart-bar",
            version.run_id,
            version.run_id,
            _address("experiments:run", version.run_id) if version.run_id else "",
            "digest",
        ),
        Step(_("Version"), "cube", version.version, str(version), version.get_absolute_url(), "version"),
    ]
    if promotion is not None:
        address = promotion.get_absolute_url()
        note = labels.promotion_state(promotion.state)
        steps.append(Step(_("Promotion"), "arrow-up-circle", f"#{promotion.pk}", "", address, note=note))
    served = ", ".join(dict.fromkeys(one.environment for one in deployments if not one.retired_at))
    if served:
        address = _address("registry:deployments", version.model.name)
        steps.append(Step(_("Deployment"), "server", served, served, address))
    return steps


def _joined(*texts: object) -> str:
    return " ".join(str(text) for text in texts if text)


def _address(view: str, *arguments: str) -> str:
    try:
        return reverse(view, args=arguments)
    except NoReverseMatch:
        return ""
