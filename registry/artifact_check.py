"""Are the artifacts of a version still those that were registered? Reads them where they lie."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integrations.artifacts import ArtifactFile, Artifacts, NoArtifactsError, manifest_digest
from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer
from registry.models import ModelVersion

#: A model that is larger is hashed where it lies, but not fetched to be run.
MAX_DOWNLOAD_BYTES = 20 * 1024**3
_NAMED = 3


@dataclass(frozen=True)
class CheckOutcome:
    """What a look at the artifacts found.

    :ivar summary: one English sentence, as `experiments.sentences` translates it
    :ivar details: JSON; of artifacts: `changed`, `missing` and `added` are lists of paths
    """

    passed: bool
    summary: str
    details: Mapping[str, Any] = field(default_factory=dict)


def compare(
    version: ModelVersion,
    server: MLflowServer,
    *,
    into: Path | None = None,
    between: Callable[[], object] = bool,
) -> CheckOutcome:
    """Hash every artifact of `version` and name each file that changed, is missing or was added.

    :param into: folder that receives the files, so that what was hashed is what is used afterwards
    :param between: called again and again while reading; what it raises ends the reading
    :returns: also when the artifacts cannot be read for good; `details` then say why under `problem`
    :raises IntegrationError: temporary: they cannot be reached now
    """
    artifacts = Artifacts(server)
    try:
        if into is None:
            return _outcome(version, artifacts.manifest(version.source, between=between))
        return _outcome(version, artifacts.download(version.source, into, between=between))
    except NoArtifactsError:
        return _outcome(version, ())
    except IntegrationError as error:
        if not error.permanent:
            raise
        summary = f"The artifacts cannot be read: {error.message}"
        return CheckOutcome(False, summary, {"problem": error.message})


def total_bytes(version: ModelVersion) -> int:
    """Return the size of the artifacts as they were registered."""
    return sum(int(file["size"]) for file in version.manifest)


def _outcome(version: ModelVersion, found: Sequence[ArtifactFile]) -> CheckOutcome:
    before = {file["path"]: (file["size"], file["sha256"]) for file in version.manifest}
    after = {file.path: (file.size, file.sha256) for file in found}
    changed = sorted(path for path in before.keys() & after.keys() if before[path] != after[path])
    missing, added = sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())
    digest = manifest_digest(found)
    details = {"digest": digest, "changed": changed, "missing": missing, "added": added}
    if digest == version.manifest_digest and not (changed or missing or added):
        return CheckOutcome(True, "The artifacts are those that were registered.", details)
    named = [*_named("changed", changed), *_named("missing", missing), *_named("added", added)]
    # A manifest whose rows were altered in our database has another digest than it was stored with.
    told = "; ".join(named) or "the stored manifest does not fit its digest"
    return CheckOutcome(False, f"The artifacts are not those that were registered: {told}.", details)


def _named(word: str, paths: Sequence[str]) -> list[str]:
    if not paths:
        return []
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return [f"{word} {', '.join(paths[:_NAMED])}{more}"]
