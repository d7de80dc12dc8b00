"""Fixtures of the journeys."""

from tests.operations.conftest import probe_kinds

__all__ = ["probe_kinds"]
