"""Fixtures of the operation tests."""

import pytest

from experiments import runners
from tests import job_probes


@pytest.fixture
def probe_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the kinds of `tests.job_probes` for one test."""
    monkeypatch.setattr(runners, "_kinds", dict(runners._kinds))
    job_probes.register_all()
