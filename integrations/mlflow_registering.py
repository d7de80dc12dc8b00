"""Writing MLflow's model registry: versions, stages, aliases, tags; each call may be repeated."""

from __future__ import annotations

import re
from collections.abc import Mapping

from integrations import mlflow_records as records
from integrations.errors import IntegrationError
from integrations.mlflow_http import Json, MLflowError
from integrations.mlflow_limits import MAX_VERSION_TAG_VALUE, checked_key, checked_name, fitted
from integrations.mlflow_reading import API, MLflowReader
from integrations.mlflow_records import KEY_TAG, ModelVersionRecord, RegisteredModelRecord
from integrations.mlflow_writing import found_after

DUPLICATE_TAG = "stagegate.duplicate_of"
STAGES = ("None", "Staging", "Production", "Archived")
_LOGGED_MODEL = re.compile(r"models:/(m-[^/@]+)")
ALIAS_OF_STAGE: Mapping[str, str] = {"Production": "champion", "Staging": "challenger"}


class VersionWriter(MLflowReader):
    """The half of `MLflowServer` that writes registered models and their versions."""

    def find_or_create_registered_model(self, name: str) -> RegisteredModelRecord:
        """The registered model of that name, created if there is none."""
        found = self.registered_model(name)
        if found is None:
            try:
                self.http.post(API + "registered-models/create", {"name": name}, repeatable=True)
            except MLflowError as error:
                if error.code != "RESOURCE_ALREADY_EXISTS":
                    raise
            found = self.registered_model(name)
        if found is None:
            raise IntegrationError(f"MLflow did not keep the registered model {name!r}.", permanent=False)
        return found

    def find_or_create_model_version(
        self,
        name: str,
        *,
        key: str,
        run_id: str,
        source: str,
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersionRecord:
        """The one version of `name` that carries `key`, created if there is none.

        Parameters
        ----------
        key:
            Idempotency key, stored as the tag `stagegate.key` of the version.
        run_id, source:
            The run and its model: `runs:/<run_id>/model`, or `models:/m-<id>` for a logged model.
        tags:
            Set on the version whether it was found or created.

        The lowest number wins. A twin that two writers made at the same moment is kept, because
        deleting a version erases its provenance, and marked with the tag `stagegate.duplicate_of`.
        """
        checked_key(key)
        self.find_or_create_registered_model(name)
        found = self._version_with_key(name, key)
        if found is None:
            found = self._create_version(name, key, run_id, source)
        if tags:
            found = self.set_version_tags(name, found.version, tags)
        return found

    def set_version_tags(self, name: str, version: int, tags: Mapping[str, str]) -> ModelVersionRecord:
        """Set tags of a version, replacing earlier values, and read the version back."""
        present = self.model_version(name, version).tags
        for key, value in tags.items():
            fit = fitted(value, MAX_VERSION_TAG_VALUE)
            if present.get(checked_name(key, "tag")) != fit:
                body: Json = {"name": name, "version": str(version), "key": key, "value": fit}
                self.http.post(API + "model-versions/set-tag", body, repeatable=True)
        return self.model_version(name, version)

    def set_stage(
        self, name: str, version: int, stage: str, *, archive_existing: bool = False
    ) -> ModelVersionRecord:
        """Move a version to one of MLflow's stages and read it back.

        Parameters
        ----------
        archive_existing:
            Let MLflow archive the other versions of that stage. It does so without a lock: two such
            calls at once can leave two Production versions.

        Raises a temporary `IntegrationError` if the version is in another stage afterwards.
        """
        if stage not in STAGES:
            raise IntegrationError(
                f"{stage!r} is not a stage of MLflow: {', '.join(STAGES)}.", permanent=True
            )
        body: Json = {
            "name": name,
            "version": str(version),
            "stage": stage,
            "archive_existing_versions": archive_existing,
        }
        self.http.post(API + "model-versions/transition-stage", body, repeatable=True)
        there = self.model_version(name, version)
        if there.stage != stage:
            raise IntegrationError(
                f"{name} version {version} is in {there.stage}, not {stage}: somebody else moved it.",
                permanent=False,
            )
        return there

    def set_alias(self, name: str, alias: str, version: int) -> ModelVersionRecord:
        """Point an alias to a version, away from any other, and read the version back."""
        body: Json = {"name": name, "alias": alias, "version": str(version)}
        self.http.post(API + "registered-models/alias", body, repeatable=True)
        return self.model_version(name, version)

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias; no error if there is none."""
        self.http.call("DELETE", API + "registered-models/alias", body={"name": name, "alias": alias})

    def mirror_stage(self, name: str, version: int, stage: str) -> ModelVersionRecord:
        """Make MLflow say that `version` is in `stage`, by stage and alias, and read it back.

        Production carries the alias `champion` and Staging `challenger`; the version loses the alias
        of the stage it left. Entering Production archives every other Production version. Repeatable.
        """
        model = self.find_or_create_registered_model(name)
        self.set_stage(name, version, stage, archive_existing=stage == "Production")
        for owner, alias in ALIAS_OF_STAGE.items():
            if owner == stage:
                self.set_alias(name, alias, version)
            elif model.aliases.get(alias) == version:
                self.delete_alias(name, alias)
        if stage == "Production":
            self._archive_others(name, version)
        there = self.model_version(name, version)
        if there.stage != stage:
            raise IntegrationError(
                f"{name} version {version} is in {there.stage}, not {stage}: somebody else moved it.",
                permanent=False,
            )
        return there

    def _archive_others(self, name: str, version: int) -> None:
        for other in self.model_versions(name):
            if other.stage != "Production" or other.version == version:
                continue
            # the alias has one holder; whoever moved it last decides which version stays
            if "champion" in self.model_version(name, version).aliases:
                self.set_stage(name, other.version, "Archived")

    def _create_version(self, name: str, key: str, run_id: str, source: str) -> ModelVersionRecord:
        body: Json = {
            "name": name,
            "source": source,
            "run_id": run_id,
            "tags": [{"key": KEY_TAG, "value": key}],
        }
        if logged := _LOGGED_MODEL.fullmatch(source):
            body["model_id"] = logged[1]  # without it MLflow refuses such a source
        try:
            answer = self.http.post(API + "model-versions/create", body, repeatable=False)
        except MLflowError as error:
            if not error.ambiguous:
                raise
            return found_after(error, lambda: self._version_with_key(name, key))
        created = records.all_of([answer.get("model_version")], records.model_version)[0]
        winner = self._version_with_key(name, key) or created
        if winner.version != created.version:
            self.set_version_tags(name, created.version, {DUPLICATE_TAG: str(winner.version)})
        return winner

    def _version_with_key(self, name: str, key: str) -> ModelVersionRecord | None:
        found = self.model_versions(name, tag=(KEY_TAG, key))
        return found[0] if found else None
