"""Imported data: where they come from, on their page, in the graph, and as a place to read lists of files."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.roles import Role
from experiments import repositories
from lineage import import_sources, listings
from lineage.import_sources import Source
from lineage.models import DataVersion, FileListing
from tests.dvc_objects import put_folder
from tests.integrations.git_workshop import git
from tests.integrations.git_workshop import make_repository as make_git
from tests.jobs import make_repository, run_all
from tests.lineage_rows import RAW, make_stage
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)

TRACKED = "outs:\n- md5: {hash}\n  nfiles: 1\n  hash: md5\n  path: {path}\n"
IMPORT = """\
frozen: true
deps:
- path: raw
  repo:
    url: {url}
    rev_lock: {rev}
outs:
- md5: {hash}
  nfiles: 1
  hash: md5
  path: scans
"""


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user(Role.VIEWER))
    return client


def imported(url: str, rev: str = "9" * 40):
    repository = make_repository("tuning")
    stage = make_stage(repository, "scans.dvc", makes=[("scans", RAW)], kind="import")
    source = {"url": url, "rev": "", "rev_lock": rev} if rev else {}
    stage.files.create(role="input", path="data/raw" if rev else url, source=source)
    return repository.data_versions.get()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/team/receipts.git",
        "https://someone:secret@example.org/team/receipts",
        "git@EXAMPLE.org:team/receipts.git",
        "ssh://git@example.org/team/receipts/",
    ],
)
def test_the_connected_repository_is_known_by_its_address_whatever_the_protocol(url):
    make_repository("receipts", url="https://example.org/team/receipts")
    make_repository("others", url="https://example.org/team/receipts-2")
    source = import_sources.of([imported(url).hash])[RAW]
    assert (source.repository, source.path, source.rev) == ("receipts", "data/raw", "9" * 40)
    assert "secret" not in str(source)


def test_the_page_and_the_graph_tell_it_and_lead_there(client):
    make_repository("receipts", url="/srv/receipts")
    data = imported("/srv/receipts/")
    page = client.get(reverse("lineage:data-version", args=["tuning", data.pk])).content.decode()
    assert "Imported from" in page
    assert f'href="{reverse("lineage:pipeline", args=["receipts"])}?ref={"9" * 40}"' in page
    nodes = client.get(reverse("api-lineage"), {"node": data.node}).json()["nodes"]
    assert nodes[0]["facts"]["imported_from"] == f"/srv/receipts/ @ {'9' * 40}"


def test_data_that_were_downloaded_tell_the_address():
    data = imported("https://example.org/scans.zip", rev="")
    assert import_sources.of([data.hash]) == {RAW: Source("https://example.org/scans.zip")}


def test_lists_of_files_are_read_from_the_remote_of_the_repository_they_come_from(
    settings: Settings, tmp_path: Path
):
    settings.DATA_DIR = tmp_path / "var"
    value = put_folder(tmp_path / "remote", {"a.png": b"a"})
    config = f"[core]\n    remote = here\n['remote \"here\"']\n    url = {tmp_path / 'remote'}\n"
    source = make_git(
        tmp_path / "source", {"raw.dvc": TRACKED.format(hash=value, path="raw"), ".dvc/config": config}
    )
    rev = git(source, "rev-parse", "HEAD")
    importing = make_git(tmp_path / "tuning", {"scans.dvc": IMPORT.format(url=source, rev=rev, hash=value)})
    administrator = make_user(Role.ADMINISTRATOR)
    for name, path in (("receipts", source), ("tuning", importing)):
        repositories.connect(name, str(path), user=administrator)
    run_all()
    data = DataVersion.objects.select_related("repository").get(repository__name="tuning")
    listings.request([data], user=administrator)
    run_all()
    assert listings.entries(FileListing.objects.get())[0][0] == "a.png"
