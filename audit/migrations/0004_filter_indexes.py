"""Indexes for the filters of the audit page. Creating one leaves the table, and so its triggers, alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_trail_status")]

    operations = [
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["actor_name", "sequence"], name="audit_person"),
        ),
        migrations.AddIndex(
            model_name="auditentry", index=models.Index(fields=["event", "sequence"], name="audit_event")
        ),
        migrations.AddIndex(
            model_name="auditentry", index=models.Index(fields=["model_name", "sequence"], name="audit_model")
        ),
    ]
