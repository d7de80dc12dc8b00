"""What all tests share: cleaning up after them."""

import shutil

import pytest
from django.conf import settings

pytest_plugins = ["tests.audit_flush", "tests.browser"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the data folder, once all is done: one that ends early must not take it from the others."""
    if not hasattr(session.config, "workerinput") and settings.DATA_DIR.name.startswith("stagegate-tests-"):
        shutil.rmtree(settings.DATA_DIR, ignore_errors=True)
