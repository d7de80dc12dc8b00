"""The public pipeline manager against a real DVC repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from integrations import process_group
from integrations.dvc_pipeline import (
    DVCError,
    DVCPipelineManager,
    ExperimentResult,
    ParameterError,
    stage_event,
)
from integrations.errors import IntegrationError
from tests.integrations.dvc_workshop import dvc, make_project
from tests.integrations.git_workshop import git

MARKER = "test-dvc-pipeline"


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose pipeline has been run and committed once; copy it before changing it."""
    project = make_project(tmp_path_factory.mktemp("pipeline") / "p")
    DVCPipelineManager(project).repro()
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "run")
    return project


@pytest.fixture
def project(reproduced: Path, tmp_path: Path) -> Iterator[Path]:
    yield Path(shutil.copytree(reproduced, tmp_path / "p", symlinks=True))
    process_group.kill_marked(MARKER)


def set_behaviour(project: Path, source: str) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("behaviour: normal", f"behaviour: {source!r}"))


def test_a_directory_without_dvc_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="not a DVC repository"):
        DVCPipelineManager(str(tmp_path))


def test_the_commands_of_a_pipeline_work_in_place(project: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    manager = DVCPipelineManager(str(project), on_line=lines.append)
    assert "Data and pipelines are up to date." in manager.repro("train")
    assert [event.kind for event in map(stage_event, lines) if event] == ["unchanged", "unchanged"]
    metrics = manager.get_metrics()
    assert metrics == {"metrics.json": {"loss": 0.0006, "rows": 3}}
    assert metrics.missing == {}
    dvc(project, "remote", "add", "--local", "--default", "r", str(tmp_path / "remote"))
    assert "pushed" in manager.push()
    shutil.rmtree(project / ".dvc" / "cache")
    shutil.rmtree(project / "data")
    manager.pull()
    assert sorted(file.name for file in (project / "data").iterdir()) == ["0.txt", "1.txt", "2.txt"]
    (project / "metrics.json").unlink()
    metrics = manager.get_metrics()
    assert metrics == {}
    assert set(metrics.missing) == {"metrics.json"}


def test_experiments_at_the_same_time_each_have_their_own_parameters(project: Path) -> None:
    manager = DVCPipelineManager(project)
    results: dict[float, ExperimentResult] = {}

    def run(rate: float) -> None:
        results[rate] = manager.run_experiment({"train.learning_rate": rate})

    threads = [threading.Thread(target=run, args=(rate,)) for rate in (0.5, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    head = git(project, "rev-parse", "HEAD")
    for rate, result in results.items():
        assert result.metrics == {"metrics.json": {"loss": rate * 2, "rows": 3}}
        assert result.params == {"train.learning_rate": rate}
        assert result.baseline == head
        assert f"training with {float(rate)}" in result.output
    assert git(project, "status", "--porcelain") == ""
    listed = {record["name"]: record for record in manager.list_experiments()}
    assert set(listed) == {result.name for result in results.values()}
    for rate, result in results.items():
        record = listed[result.name]
        assert record["params"]["params.yaml"]["train"]["learning_rate"] == rate
        assert record["metrics"] == {"metrics.json": {"loss": rate * 2, "rows": 3}}
        assert (record["rev"], record["baseline"], record["error"]) == (result.commit, head, None)
    dvc(project, "exp", "apply", results[0.5].name)
    assert (project / "model.bin").read_text() == "0.5" * 100
    assert list((project / ".dvc" / "tmp").glob("stagegate-*")) == []


def test_an_experiment_starts_from_the_files_as_they_are_now(project: Path) -> None:
    script = project / "train.py"
    script.write_text(script.read_text().replace("* 2", "* 3"))
    result = DVCPipelineManager(project).run_experiment({"prepare.rows": 4})
    assert result.metrics["metrics.json"] == {"loss": 0.0003 * 3, "rows": 4}
    assert git(project, "status", "--porcelain") == "M train.py"


@pytest.mark.parametrize(
    "overrides",
    [
        {"/tmp/settings.py:a": 1}, {"train.learning_rate": "${oc.env:HOME}"}, {"train.optimizer": "a;id"},
        {"train.unknown": 1}, {"train.learning_rate=1 --queue": 1}, {"train.learning_rate": "0.1"},
    ],
)  # fmt: skip
def test_hostile_parameters_run_nothing(project: Path, overrides: dict[str, object]) -> None:
    commands: list[int] = []
    manager = DVCPipelineManager(project, on_start=commands.append)
    with pytest.raises(ParameterError):
        manager.run_experiment(overrides)  # type: ignore[arg-type]
    assert commands == []
    assert not (project / ".dvc" / "tmp" / "exps").exists()
    assert git(project, "for-each-ref", "refs/exps") == ""


def test_an_experiment_needs_a_commit(tmp_path: Path) -> None:
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_text("a: 1\n" if name == "params.yaml" else "")
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    no_scm = true\n")
    with pytest.raises(IntegrationError, match="Git repository") as caught:
        DVCPipelineManager(tmp_path).run_experiment({"a": 2})
    assert caught.value.permanent


def test_a_failing_stage_is_a_permanent_error_with_its_last_lines(project: Path) -> None:
    set_behaviour(project, "raise ValueError('the+data+are+bad')")
    lines: list[str] = []
    with pytest.raises(DVCError) as caught:
        DVCPipelineManager(project, on_line=lines.append).repro()
    assert caught.value.permanent
    assert "failed to reproduce 'train'" in caught.value.message
    assert "ValueError: the data are bad" in caught.value.last_lines
    assert [event.kind for event in map(stage_event, lines) if event] == ["unchanged", "running", "failed"]


@pytest.mark.parametrize("stage", ["--help", "-f", "", "a b", "absent\n", "$(id)"])
def test_a_stage_that_is_no_name_is_refused(project: Path, stage: str) -> None:
    with pytest.raises(IntegrationError, match="not the name of a stage"):
        DVCPipelineManager(project).repro(stage)


def test_an_unknown_stage_is_a_permanent_error(project: Path) -> None:
    with pytest.raises(DVCError, match="absent") as caught:
        DVCPipelineManager(project).repro("absent")
    assert caught.value.permanent


def marked_processes() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("STAGEGATE_JOB") == MARKER:
                found.append(process)
        except psutil.Error:
            continue
    return found


STUBBORN = "import+signal,time;signal.signal(15,signal.SIG_IGN);print('deaf',flush=True);time.sleep(300)"


def test_a_cancelled_stage_that_ignores_term_is_gone(project: Path) -> None:
    set_behaviour(project, STUBBORN)
    lines: list[str] = []
    manager = DVCPipelineManager(
        project, grace=1.0, on_line=lines.append, should_stop=lambda: "deaf" in lines, marker=MARKER
    )
    with pytest.raises(DVCError, match="cancelled") as caught:
        manager.repro()
    assert caught.value.cancelled
    assert not caught.value.permanent
    assert marked_processes() == []
    git(project, "checkout", "--quiet", "params.yaml")
    DVCPipelineManager(project).repro()  # no lock is left that would block


def test_the_time_limit_is_the_callers(project: Path) -> None:
    set_behaviour(project, STUBBORN)
    started = time.monotonic()
    with pytest.raises(DVCError, match="longer than 4 s") as caught:
        DVCPipelineManager(project, time_limit=4, grace=0.2, marker=MARKER).repro()
    assert caught.value.timed_out
    assert not caught.value.permanent
    assert time.monotonic() - started < 12
    assert marked_processes() == []


def test_stages_see_no_secret_and_run_under_this_python(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("STAGEGATE_SECRET_KEY", "secret")
    set_behaviour(
        project, "import+os,sys;print(sorted(os.environ),os.environ['DVC_SITE_CACHE_DIR'],sys.prefix)"
    )
    output = DVCPipelineManager(project).repro()
    assert "SECRET" not in output
    assert "DVC_NO_ANALYTICS" in output
    assert str(project / ".dvc" / "tmp" / "site-cache") in output
    assert sys.prefix in output


def test_a_push_without_a_reachable_remote_may_be_retried(project: Path) -> None:
    dvc(project, "remote", "add", "--local", "--default", "r", "http://127.0.0.1:1/x")
    with pytest.raises(DVCError) as caught:
        DVCPipelineManager(project).push()
    assert not caught.value.permanent
    assert caught.value.last_lines


def test_importing_the_readers_does_not_import_dvc() -> None:
    modules = "dvc_pipeline dvc_params git_repository process_group"
    source = "import sys\n" + "\n".join(f"import integrations.{name}" for name in modules.split())
    heavy = {"dvc", "dvc_data", "django", "mlflow", "torch"}
    source += f"\nprint(sorted({{name.split('.')[0] for name in sys.modules}} & {heavy}))"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
