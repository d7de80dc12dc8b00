"""Pages of a repository's data, pipeline, GTO registry and history."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from experiments.models import Repository
from lineage import gto_tags, listings
from lineage.models import CommitInputs, DataVersion, GtoEvent, HistoryCommit, HistoryState
from lineage.selectors import gto as gto_selectors
from registry.models import RegisteredModel
from tests.history import make_data, make_history, make_snapshot, make_stage
from tests.jobs import make_repository
from tests.people import make_user
from tests.versions import make_run, make_version

pytestmark = pytest.mark.django_db

OLD, NEW = "a" * 32 + ".dir", "b" * 32 + ".dir"
NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.ENGINEER, username="someone")
    client.force_login(user)
    return user


@pytest.fixture
def repository(someone: User) -> Repository:
    """A repository of two commits: the data changed, and with it everything."""
    row = make_repository("foreign", default_ref="")
    HistoryState.objects.create(repository=row, indexed_at=timezone.now(), commits=2)
    commits: list[HistoryCommit] = []
    for number, value in enumerate((OLD, NEW)):
        raw = make_stage(row, "data/raw.dvc", {}, {"data/raw": value}, kind="tracked", command="")
        train = make_stage(
            row,
            "train",
            {"data/raw": value, "train.py": "c" * 32},
            {"model.pkl": str(number) * 32},
            definition={"params": {"params.yaml": ["train.lr"]}},
            parameters={"params.yaml": {"train.lr": 0.1}},
        )
        inputs = CommitInputs.objects.create(
            repository=row,
            digest=str(number) * 64,
            params={"params.yaml": {"train.lr": 0.1}},
            metrics={"metrics.json": {"accuracy": 0.9 + number / 100}},
            code={"train.py": "d" * 40},
        )
        parents = [one.sha for one in commits[-1:]]
        snapshot = make_snapshot(row, [raw, train])
        commits.append(make_history(row, snapshot, inputs=inputs, parents=parents))
        for path, hash_ in (("data/raw", value), ("model.pkl", str(number) * 32)):
            make_data(row, path, hash_, kind="output", first_sha=commits[-1].sha)
    return row


def words(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    text = response.content.decode()
    assert NASTY not in text
    return " ".join(re.sub(r"<[^>]+>", " ", text.partition("<main")[2]).split())


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_data_is_listed_with_its_newest_version(client: Client, repository: Repository) -> None:
    page = words(client, "/repositories/foreign/data/")
    assert "data/raw output of a stage 2 " + NEW[:12] in page
    assert "No data matches." in words(client, "/repositories/foreign/data/?q=nothing")
    assert "model.pkl" not in words(client, f"/repositories/foreign/data/?q={OLD[:6]}")


def test_versions_name_other_paths_of_the_same_content(client: Client, repository: Repository) -> None:
    make_data(repository, "data/before", OLD)
    page = words(client, "/repositories/foreign/data/versions/?path=data/raw")
    assert "it was moved or copied. data/before" in page
    assert page.index(NEW[:12]) < page.rindex(OLD[:12])
    words(client, "/repositories/foreign/data/versions/?path=none", 404)


def test_a_version_says_who_uses_it_across_repositories(client: Client, repository: Repository) -> None:
    other = make_repository("other")
    make_data(other, "inputs/raw", OLD)
    reader = make_stage(other, "evaluate", {"inputs/raw": OLD})
    commit = make_history(other, make_snapshot(other, [reader]))
    run = make_run(name="by-job", tags={"git_commit": commit.sha, "stagegate.job": "7"})
    plain = make_run(name="by-commit", tags={"git_commit": commit.sha})
    make_version("1.0.0", model="seen", run_id=run.run_id)
    make_version("1.0.0", model="hidden", run_id=run.run_id)
    make_version("1.0.0", model="unclaimed", run_id=plain.run_id)
    RegisteredModel.objects.filter(name="hidden").update(restricted=True)
    data = repository.data_versions.get(path="data/raw", hash=OLD)
    page = words(client, f"/repositories/foreign/data/{data.pk}/")
    assert "evaluate stage other" in page
    assert "inputs/raw other" in page
    made, others = page.split("Other runs at these commits")
    assert "by-job" in made
    assert "by-commit" in others
    assert "seen 1.0.0" in page
    assert "unclaimed" not in page
    assert "hidden" not in page


def test_hashes_of_data_are_copied_whole(client: Client, repository: Repository) -> None:
    newest = DataVersion.objects.get(repository=repository, hash=NEW)
    older = DataVersion.objects.get(repository=repository, hash=OLD)
    for address in (
        "/repositories/foreign/data/",
        "/repositories/foreign/data/versions/?path=data/raw",
        f"/repositories/foreign/data/changes/?old={older.pk}&new={newest.pk}",
    ):
        assert f'data-copy="{NEW}"' in client.get(address).content.decode()


def test_data_of_another_repository_is_not_found_here(client: Client, repository: Repository) -> None:
    data = make_data(make_repository("other"), "x", OLD)
    words(client, f"/repositories/foreign/data/{data.pk}/", 404)
    words(client, f"/repositories/foreign/data/{2**70}/", 404)


def test_files_of_a_folder_that_only_a_reader_names_are_not_offered_for_comparison(
    client: Client, repository: Repository
) -> None:
    path = "/repositories/foreign/pipeline/"
    answer = client.get(path).content.decode()
    [link] = re.findall(r'href="([^"]*)">Compare the files', answer)
    assert client.get(link.replace("&amp;", "&")).status_code == 200
    repository.data_versions.filter(hash=OLD).delete()
    assert f"data data/raw {OLD} → {NEW}" in words(client, path)
    assert "Compare the files" not in words(client, path)


def test_the_pipeline_says_what_changed_and_what_runs_again(client: Client, repository: Repository) -> None:
    page = words(client, "/repositories/foreign/pipeline/")
    assert f"What changed, and what runs again 1 train data data/raw {OLD} → {NEW} Compare the files" in page
    assert "accuracy 0.9100 0.9000" in page
    assert "better" in page
    first = repository.history.earliest("committed_at").sha
    assert "it has no parent" in words(client, f"/repositories/foreign/pipeline/?ref={first}")
    assert "No indexed commit is called nowhere." in words(
        client, "/repositories/foreign/pipeline/?ref=nowhere", 404
    )


def test_a_stage_without_a_result_claims_no_more_than_that(client: Client, repository: Repository) -> None:
    assert "no result in this commit" not in words(client, "/repositories/foreign/pipeline/")
    repository.pipeline_stages.update(is_locked=False)
    assert "train stage no result in this commit" in words(client, "/repositories/foreign/pipeline/")


def test_parameters_that_changed_come_before_those_that_did_not(
    client: Client, repository: Repository
) -> None:
    newest = repository.history.latest("committed_at")
    CommitInputs.objects.filter(pk=newest.inputs_id).update(
        params={"params.yaml": {"train.lr": 0.1, "train.seed": 1, "train.epochs": 9}}
    )
    page = words(client, "/repositories/foreign/pipeline/")
    rows = page.partition("Parameter Value Before ")[2]
    assert rows.startswith("train.seed changed 1 – train.epochs changed 9 – train.lr 0.1 0.1")  # noqa: RUF001


def test_stages_in_a_circle_are_named(client: Client, repository: Repository) -> None:
    stages = [
        make_stage(repository, "one", {"b": ""}, {"a": ""}),
        make_stage(repository, "two", {"a": ""}, {"b": ""}),
    ]
    commit = make_history(repository, make_snapshot(repository, stages))
    page = words(client, f"/repositories/foreign/pipeline/?ref={commit.sha}")
    assert "wait for each other in a circle, so DVC cannot run them: one two" in page


def test_foreign_text_is_only_text(client: Client, repository: Repository) -> None:
    stage = make_stage(repository, NASTY, {NASTY: ""}, {f"{NASTY}.out": NEW}, command=NASTY)
    snapshot = make_snapshot(repository, [stage], problems=[{"path": NASTY, "message": NASTY}])
    commit = make_history(repository, snapshot, subject=NASTY, author=NASTY)
    data = make_data(repository, NASTY, NEW, message=NASTY, author=NASTY)
    for path in (f"pipeline/?ref={commit.sha}", "data/", f"data/{data.pk}/", "history/?problems=1", "gto/"):
        words(client, f"/repositories/foreign/{path}")


def test_gto_shows_who_is_in_which_stage(client: Client, repository: Repository) -> None:
    HistoryState.objects.update(malformed_tags=2)
    for tag, action, stage in (("m@v1.0.0", "register", ""), ("m#prod#1", "assign", "prod")):
        GtoEvent.objects.create(
            repository=repository, tag=tag, artifact="m", action=action, version="v1.0.0", stage=stage,
            sha="e" * 40, author="Tester", at=timezone.now(), annotated=True,
        )  # fmt: skip
    page = words(client, "/repositories/foreign/gto/")
    assert "v1.0.0 prod eeeeeeee" in page
    assert "2 tags look like GTO" in page


def make_tag(repository: Repository, tag: str, sha: str, version: str = "v1.0.0") -> GtoEvent:
    parsed = gto_tags.parse(tag)
    assert parsed is not None
    return GtoEvent.objects.create(
        repository=repository, tag=tag, artifact=parsed.artifact, action=parsed.action, stage=parsed.stage,
        version=parsed.version or version, sha=sha, author="Tester", at=timezone.now(), annotated=True,
    )  # fmt: skip


def test_the_history_says_what_gto_calls_a_commit(client: Client, repository: Repository) -> None:
    old, new = repository.history.order_by("committed_at").values_list("sha", flat=True)
    for tag, sha in (("m@v1.0.0", old), ("m#prod#1", old), ("m#dev#2", old)):
        make_tag(repository, tag, sha)
    make_tag(make_repository("other"), "m@v9.9.9", new)
    make_tag(repository, "n@v0.1.0", new)
    make_tag(repository, "n@v0.1.0!#2", new)
    page = words(client, "/repositories/foreign/history/")
    assert "m@v1.0.0 (dev, prod)" in page
    assert "v9.9.9" not in page
    assert "n@v0.1.0" not in page


def test_tags_that_are_too_many_are_said_to_be(
    client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        make_tag(repository, f"m@v{number}.0.0", "e" * 40)
    monkeypatch.setattr(gto_selectors, "MAX_EVENTS", 4)
    assert "left out" not in words(client, "/repositories/foreign/gto/")
    monkeypatch.setattr(gto_selectors, "MAX_EVENTS", 2)
    page = words(client, "/repositories/foreign/gto/")
    assert "2 older tags are left out" in page
    assert "v3.0.0" in page
    assert "v0.0.0" not in page


def test_history_shows_what_cannot_be_read(client: Client, repository: Repository) -> None:
    problems = [{"path": "dvc.yaml", "message": "dvc.yaml does not hold a mapping."}]
    make_history(repository, make_snapshot(repository, [], problems=problems), subject="broken")
    page = words(client, "/repositories/foreign/history/?problems=1")
    assert "broken dvc.yaml dvc.yaml does not hold a mapping." in page
    assert "1–1 of 1" in page  # noqa: RUF001


@pytest.mark.parametrize("path", ["history/", "data/", "pipeline/", "gto/"])
def test_a_pass_that_failed_is_told_with_what_to_do(
    client: Client, repository: Repository, path: str
) -> None:
    HistoryState.objects.update(error=f"git rev-list failed: {NASTY}")
    page = words(client, f"/repositories/foreign/{path}")
    assert "what is shown is from the last pass that could. git rev-list failed" in page
    assert "To try at once, fetch the repository" in page
    HistoryState.objects.update(indexed_at=None)
    assert "The history could not be indexed. git" in words(client, f"/repositories/foreign/{path}")


def test_versions_of_a_folder_are_compared_file_by_file(client: Client, repository: Repository) -> None:
    old, new = repository.data_versions.filter(path="data/raw").order_by("pk")
    path = f"/repositories/foreign/data/changes/?old={old.pk}&new={new.pk}"
    assert "Nobody has had these lists read yet." in words(client, path)
    listings.keep_failure(OLD, "unreachable", "The remote cannot be reached (ConnectionError).")
    assert "The remote cannot be reached" in words(client, path)
    assert client.post(path).status_code == 302
    assert "reads them now" in words(client, path)
    listings.keep(OLD, [("a.png", "1"), ("b.png", "2")])
    listings.keep(NEW, [("a.png", "9"), ("c.png", "3")])
    page = words(client, path)
    assert "added 1 removed 1 modified 1" in page
    assert "+ added c.png" in page
    by_hash = f"/repositories/foreign/data/changes/?old={OLD}&new={NEW}"
    modified = words(client, f"{by_hash}&kind=modified")
    assert "± modified a.png" in modified
    assert "c.png" not in modified
    assert "c.png" in words(client, f"{by_hash}&kind=nonsense")
    assert words(client, f"/repositories/foreign/data/changes/?old={OLD}&new=nowhere", 404)


@pytest.mark.parametrize("path", ["data/", "pipeline/", "gto/", "history/", "data/versions/?path=data/raw"])
def test_a_page_takes_no_more_queries_for_more_rows(
    client: Client, repository: Repository, path: str
) -> None:
    address = f"/repositories/foreign/{path}"
    queries(client, address)
    before = queries(client, address)
    stages: list[Any] = []
    for number in range(8):
        stages.append(
            make_stage(repository, f"s{number}", {f"i{number}": NEW}, {f"o{number}": f"{number}" * 32})
        )
        make_data(repository, f"o{number}", f"{number}" * 32)
        make_data(repository, "data/raw", f"{number}" * 32)
        make_history(repository, make_snapshot(repository, list(stages)))
    assert queries(client, address) <= before + 1
    data = DataVersion.objects.get(path="data/raw", hash=NEW)
    assert queries(client, f"/repositories/foreign/data/{data.pk}/") <= 24
