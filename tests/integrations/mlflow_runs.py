"""Making and listing runs of one experiment, for tests."""

from __future__ import annotations

from integrations.mlflow_server import MLflowServer

START = 1_700_000_000_000


def make_run(server: MLflowServer, name: str, key: str = "job-1") -> str:
    return server.find_or_create_run(name, key=key, name="a run", start_time=START).run_id


def runs_of(server: MLflowServer, experiment: str, view: str = "ACTIVE_ONLY") -> list[str]:
    found = server.experiment_named(experiment)
    assert found is not None
    return [run.run_id for run in server.search_runs([found.experiment_id], view=view).runs]
