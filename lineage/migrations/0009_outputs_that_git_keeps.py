"""Outputs that Git keeps become versions of data as well; those of commits that were read are written here."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

_CHUNK = 1_000


def _write(apps: Any, _editor: Any) -> None:
    files = apps.get_model("lineage", "StageFile").objects
    versions = apps.get_model("lineage", "DataVersion")
    commits = apps.get_model("lineage", "HistoryCommit").objects
    made = files.filter(role="output", cached=False, stage__kind="pipeline").exclude(hash="")
    rows = []
    for file in made.select_related("stage").order_by("stage").iterator(chunk_size=_CHUNK):
        stage = file.stage
        commit = commits.filter(repository=stage.repository_id, sha=stage.first_sha).first()
        rows.append(
            versions(
                repository_id=stage.repository_id,
                path=file.path,
                hash=file.hash,
                algorithm=file.algorithm or "md5",
                size=file.size,
                nfiles=file.nfiles,
                kind="in_git",
                stage=stage.address,
                first_sha=stage.first_sha,
                first_at=stage.first_at,
                author=commit.author if commit else "",
                message=commit.subject if commit else "",
            )
        )
        if len(rows) == _CHUNK:
            versions.objects.bulk_create(rows, ignore_conflicts=True)
            rows = []
    versions.objects.bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("lineage", "0008_kinds_of_plotted_images")]

    operations = [
        migrations.AlterField(
            model_name="dataversion",
            name="kind",
            field=models.CharField(
                choices=[
                    ("tracked", "Tracked"),
                    ("output", "Output"),
                    ("import", "Import"),
                    ("in_git", "In Git"),
                ],
                max_length=10,
            ),
        ),
        migrations.RunPython(_write, migrations.RunPython.noop),
    ]
