"""What the verification of the trail found, for its page."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]

    operations = [
        migrations.CreateModel(
            name="TrailStatus",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("sequence", models.BigIntegerField(default=0)),
                (
                    "hash",
                    models.CharField(
                        default="37e450aa44b33ed1418cd63108547ef2db2fac6d740bccc404c794c9472ea074",
                        max_length=64,
                    ),
                ),
                ("looked_at", models.DateTimeField(null=True)),
                ("whole_at", models.DateTimeField(null=True)),
                ("whole_to", models.BigIntegerField(default=0)),
                ("fault_kind", models.CharField(blank=True, max_length=20)),
                ("fault_sequence", models.BigIntegerField(null=True)),
                ("fault_reason", models.TextField(blank=True)),
                ("checkpoint_sequence", models.BigIntegerField(default=0)),
                ("checkpoint_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="audit_one_status")
                ],
            },
        ),
    ]
