"""A project as it is found in public: fetched, indexed, and every page of it shown."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.roles import Role
from experiments import repositories
from experiments.models import Repository
from lineage import listings
from lineage.models import FileListing, HistoryState
from tests.foreign_project import make_foreign_project
from tests.jobs import run_all
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/repositories/scans/"
API = "/api/v1/repositories/scans/"


class Project:
    """The repository as the product has it, and its commits by the age of DVC."""

    def __init__(self, folder: Path) -> None:
        self.commits = make_foreign_project(folder / "upstream")
        administrator = make_user(Role.ADMINISTRATOR, username="administrator")
        self.row: Repository = repositories.connect("scans", str(folder / "upstream"), user=administrator)
        self.ran = run_all()

    def problems(self, sha: str) -> list[str]:
        """Return the files of a commit that could not be read."""
        commit = self.row.history.select_related("snapshot", "inputs").get(sha=sha)
        found = [*(commit.snapshot.problems if commit.snapshot else [])]
        found += commit.inputs.problems if commit.inputs else []
        return sorted({one["path"] for one in found})


@pytest.fixture
def project(client: Client, settings: Settings, tmp_path: Path) -> Project:
    settings.DATA_DIR = tmp_path / "var"
    made = Project(tmp_path)
    client.force_login(make_user(Role.ENGINEER, username="engineer"))
    return made


def addresses(project: Project) -> Iterator[str]:
    """Yield every page of the repository, and of its commits and data in the graph."""
    yield from (BASE, "/repositories/", f"{BASE}gto/", f"{BASE}data/", f"{BASE}history/", f"{BASE}updates/")
    yield from (f"{BASE}history/?problems=1", f"{BASE}run/", f"{BASE}sweep/", f"{API}data/", f"{API}gto/")
    previous = ""
    for sha in project.row.history.values_list("sha", flat=True):
        yield f"{BASE}pipeline/?ref={sha}"
        yield f"{BASE}pipeline/?ref={sha}&base={previous or sha}"
        yield f"{BASE}run/?ref={sha}"
        yield f"{API}pipeline/?ref={sha}"
        yield f"/lineage/?node=commit:scans@{sha}"
        yield f"/lineage/impact/?node=commit:scans@{sha}"
        previous = sha
    rows = list(project.row.data_versions.order_by("path", "pk"))
    for old, new in pairwise(rows):
        if old.path == new.path:
            yield f"{BASE}data/changes/?old={old.pk}&new={new.pk}"
    for data in rows:
        node = quote(f"data:scans:{data.path}@{data.hash}")
        yield f"{BASE}data/{data.pk}/"
        yield f"{API}data/{data.pk}/"
        yield f"{BASE}data/versions/?path={quote(data.path)}"
        yield f"/lineage/?node={node}"
        yield f"/lineage/impact/?node={node}"


def words(client: Client, address: str) -> str:
    text = client.get(address).content.decode().partition("<main")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_every_page_of_a_public_project_is_shown(client: Client, project: Project) -> None:
    assert project.ran == ["fetch", "index"]
    seen = 0
    for address in addresses(project):
        assert client.get(address).status_code == 200, address
        seen += 1
    assert seen > 100
    for number in range(len(client.get(f"{API}pipeline/").json()["plots"])):
        for part in ("", "points/"):
            assert client.get(f"{BASE}pipeline/plots/{number}/{part}").status_code in (200, 404)


def test_files_of_every_age_are_read_and_broken_ones_are_named(client: Client, project: Project) -> None:
    found = {age: project.problems(sha) for age, sha in project.commits.items()}
    broken = found.pop("broken")
    assert broken == ["dvc.lock", "empty.dvc", "odd.dvc"]
    assert set(map(tuple, found.values())) == {()}
    ancient = project.row.history.earliest("committed_at")
    assert (ancient.author, ancient.subject) == ("José", "André was here")
    data = {(one.kind, one.path) for one in project.row.data_versions.all()}
    assert data == {
        *(("tracked", path) for path in ("scans.zip", "nested/deep/video.mp4", "query.csv", "sub/words")),
        ("tracked", "cloud/images"),
        *(("import", path) for path in ("labels.csv", "letters")),
        *(("output", path) for path in ("ready", "folds/0.csv", "grid/cnn-2.pt", "model.pkl")),
        ("output", "sub/report.html"),
        *(("in_git", path) for path in ("auc.json", "auc.metric")),
    }
    assert project.row.data_versions.filter(path="model.pkl").count() == 4


def test_the_pipeline_has_stages_of_every_form(client: Client, project: Project) -> None:
    shown = client.get(f"{API}pipeline/?ref={project.commits['3']}").json()
    stages = {stage["address"]: stage for stage in shown["stages"]}
    assert {"prepare", "fold@0", "language@ko", "grid@crnn-4", "train", "sub/dvc.yaml:score"} <= set(stages)
    told = stages["prepare"]["parameters"]
    assert (told["settings.toml:crop.left"], told["constants.py:Net.LAYERS"]) == (4, 3)
    assert told["src/params.yaml:prepare"] == {"rows": 3, "names": ["a", "b"]}
    plots = {plot["name"]: plot["look"] for plot in shown["plots"]}
    assert plots == {
        "curve.tsv": "lines",
        "eval/plots/loss.csv": "lines",
        "ROC": "lines",
        "Confusion": "matrix",
        "eval/importance.png": "nothing",  # it is no picture
    }
    page = words(client, f"{BASE}pipeline/?ref={project.commits['3']}&base={project.commits['1']}")
    assert "settings.toml" in page
    assert "sub/scores.yaml" in page
    assert "in https://git.invalid/registry 3c3c3c3c" in page


def test_the_registry_in_its_tags_is_shown(client: Client, project: Project) -> None:
    registry = {one["name"]: one for one in client.get(f"{API}gto/").json()}
    assert registry["ocr"]["versions"] == ["v2.0.0", "v1.1.0-rc.1", "v1.0.0"]
    assert registry["ocr"]["stages"] == {"dev": "v1.0.0", "prod": "v1.1.0-rc.1", "staging": "v2.0.0"}
    assert registry["ocr"]["told"]["type"] == "model"
    assert (registry["scans"]["versions"], registry["scans"]["stages"]) == ([], {})
    assert {"old", "sub:scorer"} <= set(registry)
    assert HistoryState.objects.get(repository=project.row).malformed_tags == 2
    assert "ocr@v1.1.0-rc.1 (prod)" in words(client, f"{BASE}history/")


def test_data_that_nobody_can_reach_are_said_to_be_away(client: Client, project: Project) -> None:
    data = project.row.data_versions.select_related("repository").get(path="letters")
    listings.request([data], user=make_user(Role.ENGINEER))
    assert run_all() == ["list_files"]
    assert FileListing.objects.get().reason == "The remote cannot be reached (ConnectionError)."
