"""Packs the points of metrics, which were JSON."""

from typing import Any

from django.db import migrations, models

from experiments.series import Series

_AT_ONCE = 100


def _pack(apps: Any, schema_editor: Any) -> None:
    table = apps.get_model("experiments", "MetricSeries").objects.using(schema_editor.connection.alias)
    after = 0
    while rows := list(table.filter(pk__gt=after).order_by("pk")[:_AT_ONCE]):
        for row in rows:
            points = row.points
            # NaN and the infinities were their names, which float() reads.
            values = [float(value) for value in points.get("value", ())]
            row.packed = Series.of(points.get("step", ()), points.get("time", ()), values).pack()
        table.bulk_update(rows, ["packed"])
        after = rows[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("experiments", "0004_run_durations"),
    ]

    operations = [
        migrations.AddField(
            "metricseries", "packed", models.BinaryField(default=b""), preserve_default=False
        ),
        migrations.RunPython(_pack, elidable=True),
        migrations.RemoveField("metricseries", "points"),
    ]
