"""What a pipeline job does: fresh clone, own parameters, shared cache, verified outputs, commit, push."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from integrations.dvc_pipeline import (
    DVCPipelineManager,
    configure_clone,
    is_up_to_date,
    read_lock,
    stage_event,
    write_parameters,
)
from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror
from tests.integrations.dvc_workshop import dvc, environment, make_project
from tests.integrations.git_workshop import git

RESULT = ["params.yaml", "dvc.lock", "metrics.json", "plots"]
WHO = {"author_name": "Job Runner", "author_email": "jobs@example.org"}


class Workshop:
    """A mirror, a shared cache and a remote, and the way of a job through them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = root / "cache"
        self.remote = root / "remote"
        self.mirror = GitMirror.create(str(make_project(root / "upstream")), root / "m.git")
        self.mirror.fetch()

    def clone(self, name: str, ref: str = "main") -> Path:
        clone = self.mirror.clone_at(self.mirror.resolve(ref), self.root / name / "clone")
        configure_clone(
            clone, cache_dir=self.cache, site_cache_dir=self.root / name / "site", remote_url=str(self.remote)
        )
        return clone

    def run_job(self, name: str, rate: float, lines: list[str]) -> str:
        clone = self.clone(name)
        write_parameters(clone / "params.yaml", {"train.learning_rate": rate})
        manager = DVCPipelineManager(clone, env=environment(self.root / name), on_line=lines.append)
        manager.repro()
        assert manager.verify() == []
        sha = self.mirror.commit_result(clone, RESULT, name, branch=f"stagegate/{name}", **WHO)
        manager.push()
        return sha


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("jobs"))


@pytest.fixture(scope="module")
def finished(workshop: Workshop) -> dict[float, tuple[str, list[str]]]:
    """Two jobs with different parameters at the same time: hash of the result and output, by rate."""
    results: dict[float, tuple[str, list[str]]] = {}

    def work(rate: float) -> None:
        lines: list[str] = []
        results[rate] = (workshop.run_job(f"job-{rate}", rate, lines), lines)

    threads = [threading.Thread(target=work, args=(rate,)) for rate in (0.25, 1e-05)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(results) == {0.25, 1e-05}
    return results


def test_two_jobs_at_once_each_keep_their_own_parameters_and_results(
    workshop: Workshop, finished: dict[float, tuple[str, list[str]]]
) -> None:
    for rate, (sha, lines) in finished.items():
        assert f"training with {rate}" in lines
        lock = read_lock(workshop.mirror.read_file(sha, "dvc.lock") or b"")
        assert lock.stages["train"].params["params.yaml"]["train.learning_rate"] == rate
        metrics = workshop.mirror.read_file(sha, "metrics.json")
        assert metrics == f'{{"loss": {rate * 2}, "rows": 3}}'.encode()
        assert workshop.mirror.read_file(sha, "plots/curve.csv") == b"epoch,loss\n1,2\n2,1\n"


def test_the_stages_can_be_followed_in_the_output(finished: dict[float, tuple[str, list[str]]]) -> None:
    for _, lines in finished.values():
        events = [event for event in map(stage_event, lines) if event]
        assert [event.stage for event in events] == ["prepare", "train"]
        assert events[0].kind in ("running", "cached")  # the other job may have prepared the same data
        assert events[1].kind == "running"


def test_anybody_who_clones_the_mirror_gets_the_data_and_has_nothing_to_reproduce(
    workshop: Workshop, finished: dict[float, tuple[str, list[str]]], tmp_path: Path
) -> None:
    sha, _ = finished[1e-05]
    git(tmp_path, "clone", "--quiet", str(workshop.mirror.path), "plain")
    plain = tmp_path / "plain"
    git(plain, "checkout", "--quiet", sha)
    dvc(plain, "remote", "add", "--local", "--default", "theirs", str(workshop.remote))
    dvc(plain, "pull")
    assert (plain / "model.bin").read_text() == "1e-05" * 100
    assert "Data and pipelines are up to date." in dvc(plain, "repro")
    assert git(plain, "status", "--porcelain") == ""


def test_a_tampered_cache_is_noticed_where_dvc_notices_nothing(
    workshop: Workshop, finished: dict[float, tuple[str, list[str]]]
) -> None:
    sha, _ = finished[0.25]
    lock = read_lock(workshop.mirror.read_file(sha, "dvc.lock") or b"")
    model = next(out for out in lock.stages["train"].outs if out.path == "model.bin")
    assert model.md5
    row = "cfcd208495d565ef66e7dff9f98764da"  # of the file that says "0"
    originals = {}
    for md5, text in ((model.md5, "another model"), (row, "9")):
        stored = workshop.cache / "files" / "md5" / md5[:2] / md5[2:]
        originals[stored] = stored.read_bytes()
        stored.chmod(0o644)
        stored.write_text(text)
    try:
        clone = workshop.clone("tampered", "stagegate/job-0.25")
        manager = DVCPipelineManager(clone, env=environment(workshop.root / "tampered"))
        dvc(clone, "checkout", "--force")
        assert (clone / "model.bin").read_text() == "another model"
        found = {(mismatch.path, mismatch.kind) for mismatch in manager.verify(deps=False)}
        assert found == {("model.bin", "changed"), ("data", "changed")}
    finally:
        for stored, content in originals.items():
            stored.write_bytes(content)


def test_a_second_job_with_the_same_parameters_takes_the_result_from_the_run_cache(
    workshop: Workshop, finished: dict[float, tuple[str, list[str]]]
) -> None:
    lines: list[str] = []
    clone = workshop.clone("again")
    write_parameters(clone / "params.yaml", {"train.learning_rate": 0.25})
    manager = DVCPipelineManager(clone, env=environment(workshop.root / "again"), on_line=lines.append)
    manager.repro()
    events = [event for event in map(stage_event, lines) if event]
    assert [(event.stage, event.kind) for event in events] == [("prepare", "cached"), ("train", "cached")]
    assert manager.is_up_to_date()
    lines.clear()
    manager.repro("train")
    kinds = [event.kind for event in map(stage_event, lines) if event]
    assert kinds == ["unchanged", "unchanged"]
    sha = workshop.mirror.commit_result(clone, RESULT, "again", branch="stagegate/job-0.25", **WHO)
    assert sha == finished[0.25][0]
    (clone / "data" / "0.txt").write_text("changed")
    assert not is_up_to_date(clone, env=environment(workshop.root / "again"))


def test_what_a_stage_writes_into_its_input_does_not_reach_the_shared_cache(
    workshop: Workshop, finished: dict[float, tuple[str, list[str]]]
) -> None:
    clone = workshop.clone("careless", "stagegate/job-0.25")
    dvc(clone, "checkout")
    with (clone / "data" / "1.txt").open("r+") as file:
        file.write("spoiled in place")
    stored = workshop.cache / "files" / "md5" / "c4" / "ca4238a0b923820dcc509a6f75849b"
    assert stored.read_text() == "1"


def test_the_clone_uses_the_given_cache_index_and_remote_whatever_the_repository_says(
    workshop: Workshop,
) -> None:
    clone = workshop.clone("configured")
    shown = dvc(clone, "config", "--list", "--show-origin")
    assert f"cache.dir={workshop.cache}" in shown
    assert "cache.type=['reflink', 'copy']" in shown or "cache.type=reflink,copy" in shown
    assert f"remote.stagegate.url={workshop.remote}" in shown
    assert git(clone, "status", "--porcelain") == ""


@pytest.mark.parametrize("place", [".dvc", ".dvc/config.local"])
def test_a_link_in_the_repository_cannot_lead_the_configuration_elsewhere(place: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    clone = tmp_path / "clone"
    (clone / place).parent.mkdir(parents=True)
    (clone / place).symlink_to(outside if place == ".dvc" else outside / "file")
    with pytest.raises(IntegrationError) as caught:
        configure_clone(clone, cache_dir=tmp_path / "c", site_cache_dir=tmp_path / "s")
    assert caught.value.permanent
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "bad",
    [
        {"remote_url": "relative/path"},
        {"remote_url": "/a\nb"},
        {"remote_url": "s3://b/%(home)s"},
        {"remote_url": "s3://b", "remote_options": {"endpointurl\nurl": "x"}},
        {"cache_types": ("reflink", "magic")},
        {"cache_types": ()},
    ],
)
def test_values_that_would_break_the_configuration_are_refused(
    tmp_path: Path, bad: dict[str, object]
) -> None:
    (tmp_path / ".dvc").mkdir()
    with pytest.raises(IntegrationError):
        configure_clone(tmp_path, cache_dir=tmp_path / "c", site_cache_dir=tmp_path / "s", **bad)  # type: ignore[arg-type]
    assert not (tmp_path / ".dvc" / "config.local").exists()


def test_unusual_but_valid_values_survive_the_configuration_file(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p")
    strange = tmp_path / "c, #a' 100% \u00e9"
    configure_clone(
        project,
        cache_dir=strange,
        site_cache_dir=tmp_path / "s",
        remote_url="s3://bucket/a,b",
        remote_options={"endpointurl": "http://127.0.0.1:9000"},
        cache_types=("hardlink", "symlink", "copy"),
    )
    assert dvc(project, "cache", "dir").strip() == str(strange)
    assert dvc(project, "config", "remote.stagegate.url").strip() == "s3://bucket/a,b"
