"""Our version in MLflow: a version of its registered model; its number in our row, our name in its tags.

Idempotent: MLflow's version carries our key as a tag, and each step looks for what an earlier attempt left.
"""

from experiments.job_context import JobContext
from integrations.mlflow_records import KEY_TAG
from integrations.mlflow_registering import DUPLICATE_TAG
from integrations.mlflow_server import MLflowServer
from registry import mirror_lease, version_rows
from registry.mirror_plan import STAGE_TAG
from registry.models import ModelVersion

_OUR_KEYS = "stagegate:"


def ensure(context: JobContext, server: MLflowServer, version: ModelVersion) -> ModelVersion:
    """Have MLflow know `version`; return the row as it is then.

    :raises IntegrationError: temporary while MLflow cannot be reached or another job writes this model
    """
    with mirror_lease.held(version.model, context):
        key = f"{_OUR_KEYS}{version.run_id}:{version.version}"
        number = version.mlflow_version or _adoptable(server, version, key)
        if number is None:
            number = server.find_or_create_model_version(
                version.model.name, key=key, run_id=version.run_id, source=version.source
            ).version
        version = version_rows.set_number(context, version, number)
        tags = {KEY_TAG: key, "model_version": version.version, STAGE_TAG: version.stage}
        server.set_version_tags(version.model.name, number, tags)
    return version


def _adoptable(server: MLflowServer, version: ModelVersion, key: str) -> int | None:
    """Return the number of a version that somebody made of the same model by hand, if there is one.

    A second one beside it would say the same, and both would be found under one semantic version.
    """
    there = server.model_versions(version.model.name)
    if any(record.tags.get(KEY_TAG) == key for record in there):
        return None
    taken = version_rows.taken_numbers(version)
    for record in there:
        same = record.run_id == version.run_id and record.source == version.source
        ours = record.tags.get(KEY_TAG, "").startswith(_OUR_KEYS) or record.version in taken
        if same and not ours and DUPLICATE_TAG not in record.tags:
            return record.version
    return None
