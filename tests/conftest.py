"""Fixtures for every test."""

pytest_plugins = ["tests.audit_flush"]
