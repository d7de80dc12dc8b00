"""A Django application that exists only in tests: it registers the kinds of `tests.job_probes`."""

from django.apps import AppConfig


class ProbeConfig(AppConfig):
    """Registers test kinds in a worker that runs with `tests.settings_engine`."""

    name = "tests"
    label = "probes"

    def ready(self) -> None:
        """Register the kinds."""
        from tests import job_probes

        job_probes.register_all()
