"""The web process loads no heavy library, whatever page it has shown."""

import json
import subprocess
import sys

from django.conf import settings

_PROGRAM = """
import json, sys
import tests.settings
import django
django.setup()
from django.urls import get_resolver
from config.wsgi import application
from drf_spectacular.generators import SchemaGenerator
import experiments.charts
get_resolver().url_patterns
SchemaGenerator().get_schema(public=True)
heavy = {"mlflow", "dvc", "torch", "celery", "sklearn", "pandas", "fickling", "optuna"}
print(json.dumps(sorted(heavy & set(sys.modules))))
"""


def test_no_heavy_library_is_loaded_with_all_pages_and_the_rest_interface():
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
