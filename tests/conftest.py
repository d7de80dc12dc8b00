"""What all tests share: cleaning up after them."""

import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.utils import translation

pytest_plugins = ["tests.audit_flush", "tests.browser", "tests.plotted_projects"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the data folder, once all is done: one that ends early must not take it from the others."""
    if not hasattr(session.config, "workerinput") and settings.DATA_DIR.name.startswith("stagegate-tests-"):
        shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


# The longest first, so that the processes end together and not one of them long after the others.
_FIRST = ("journeys", "integrations", "examples", "pages", "operations", "rules")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the folders in the order of `_FIRST`; tests of one file keep their order."""
    items.sort(key=lambda item: _FIRST.index(item.path.relative_to(settings.BASE_DIR / "tests").parts[0]))


@pytest.fixture(autouse=True)
def language_of_the_settings() -> Iterator[None]:
    """Undo the language that a request of the test before activated: only the next request would reset it."""
    translation.deactivate()
    yield
    translation.deactivate()
