from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# Files that DVC may keep, what may be a folder, and images: more is read of them now.
_READ_AGAIN = {"cached", "format", "image"}
_CHUNK = 500


def read_again(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Forget plots of which more is read now; the next index reads those of their commits again."""
    plots = apps.get_model("lineage", "CommitPlots")
    rows = plots.objects.values_list("pk", "files").iterator(chunk_size=_CHUNK)
    keys = [pk for pk, files in rows if _READ_AGAIN & {file["state"] for file in files.values()}]
    for start in range(0, len(keys), _CHUNK):
        plots.objects.filter(pk__in=keys[start : start + _CHUNK]).delete()


class Migration(migrations.Migration):
    dependencies = [("lineage", "0005_plots")]
    operations = [migrations.RunPython(read_again, migrations.RunPython.noop)]
