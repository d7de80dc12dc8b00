"""What all tests share: cleaning up after them."""

import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.utils import translation

pytest_plugins = ["tests.audit_flush", "tests.browser"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the data folder, once all is done: one that ends early must not take it from the others."""
    if not hasattr(session.config, "workerinput") and settings.DATA_DIR.name.startswith("stagegate-tests-"):
        shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture(autouse=True)
def language_of_the_settings() -> Iterator[None]:
    """Undo the language that a request of the test before activated: only the next request would reset it."""
    translation.deactivate()
    yield
    translation.deactivate()
