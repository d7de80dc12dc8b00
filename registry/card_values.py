"""What the placeholders of a version's card stand for."""

from collections.abc import Iterable

from registry import version_sources
from registry.card_placeholders import Value
from registry.metadata import CATEGORIES
from registry.metadata_categories import FACTS
from registry.models import ModelVersion
from registry.version_facts import metadata_of

Values = dict[str, Value]

#: Placeholders about the version itself.
PLAIN = ("model", "version", "fingerprint", "run_id", "mlflow_version", "model_format", "manifest_digest")


def of(version: ModelVersion) -> Values:
    """Return name -> value for the cards of `version`; a fact that nobody recorded is None. One query.

    `metrics.<name>` are the measurements of the metadata, then those of the run, `metadata.<field>` the
    fields of the metadata, and the names of `PLAIN` the version's own.
    """
    run = version_sources.runs_of(version).get(version.run_id)
    measured = run.metrics if run else {}
    return {**_measured(measured.items()), **_of_metadata(version), **_of_version(version)}


def _of_version(version: ModelVersion) -> Values:
    own = {name: getattr(version, name) for name in PLAIN if name != "model"}
    return {
        name: value if value != "" else None for name, value in {"model": version.model.name, **own}.items()
    }


def _measured(metrics: Iterable[tuple[str, object]]) -> Values:
    """A value that is no finite number is text, such as ``NaN``."""
    return {f"metrics.{name}": value for name, value in metrics if isinstance(value, int | float | str)}


def _of_metadata(version: ModelVersion) -> Values:
    metadata = metadata_of(version)
    fields = (*FACTS, "created_at")
    known = {
        name: getattr(metadata, name) if metadata and metadata.is_recorded(name) else None for name in fields
    }
    metrics = {
        f"metrics.{name}": known[name] for name in CATEGORIES["metrics"].fields if known[name] is not None
    }
    return {**metrics, **{f"metadata.{name}": value for name, value in known.items()}}
