"""An auditor asks where the production version came from, what else that reached, and believes none of it.

Nothing is replaced: one command has started Redis, MLflow, workers, dispatcher and web server. Two runs of
a real pipeline became versions, one of them serves. The auditor uses nothing but Chromium; the bundle is
verified by its program, away from the product.
"""

import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.roles import Role
from tests.browser import accessibility_faults
from tests.pipeline_project import WITH_METADATA, make_project
from tests.review_stack import MODEL, Scene, bring, put
from tests.site import connect_repository, make_person
from tests.stack import running, wait_until
from tests.windows import windows

ROLES = {
    "administrator": Role.ADMINISTRATOR,
    "engineer": Role.ENGINEER,
    "reviewer": Role.REVIEWER,
    "auditor": Role.AUDITOR,
}
RATES = {"1.0.0": 0.5, "1.1.0": 0.25}
GATES = [
    {"gate": "metadata"},
    {"gate": "artifacts"},
    {"gate": "lineage", "config": {"data": True, "commit": True, "dvc_lock": True}},
]
TO_PRODUCTION = re.compile(r"^#\d+ to Production")
SOON = 120_000  # milliseconds
LATER = 240  # seconds


@dataclass(frozen=True)
class Audited:
    """A stack on which 1.0.0 serves, and 1.1.0 was made from the same data.

    :ivar commit: what the run of 1.0.0 was committed as
    :ivar before: an instant before the promotion to Production
    """

    scene: Scene
    commit: str
    before: datetime


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    folder = tmp_path_factory.mktemp("audit")
    # The training of the project keeps its environment, which is never the same twice.
    train = WITH_METADATA["train.py"].replace('pathlib.Path("models/environment.json").write_text', "str")
    source = make_project(folder / "letters", folder / "remote", **{**WITH_METADATA, "train.py": train})
    with running(folder / "data") as stack:
        people = {name: make_person(stack, name, role) for name, role in ROLES.items()}
        scene = Scene(stack, people, {name: person.rest() for name, person in people.items()})
        connect_repository(people["administrator"], scene.rest["engineer"], MODEL, source)
        ask_little(scene)
        commit = register(scene)
        bring(scene, "Staging", "1.0.0", approvers=("reviewer",))
        before = datetime.fromtimestamp(int(time.time()) + 1, UTC)
        wait_until(lambda: datetime.now(UTC) > before, 10)
        bring(scene, "Production", "1.0.0", approvers=("reviewer",))
        yield Audited(scene, commit, before)


@pytest.fixture
def page(audited: Audited, chrome: Browser) -> Iterator[Page]:
    """The auditor's window."""
    with windows(chrome) as visit:
        yield visit(audited.scene.people["auditor"], "/production/")


def test_an_auditor_walks_back_to_data_and_commit_has_the_version_rebuilt_and_proves_it_elsewhere(
    audited: Audited, page: Page, tmp_path: Path
) -> None:
    page.get_by_role("main").get_by_role("link", name="1.0.0").first.click()
    page.wait_for_url("**/versions/1.0.0/")
    version = page.url
    start_the_reproduction(page)

    graph = f"{version}lineage/"
    page.goto(graph)
    walk_back_to_the_commit(page, audited.commit)
    page.goto(graph)
    look_at_the_state_before(page, audited.before)
    page.goto(graph)
    ask_what_the_data_reached(page)

    page.goto(f"{version}checks/")
    read_the_verdict(page)
    page.goto(f"{version}checks/")
    bundle = download(page, tmp_path)
    it_verifies(bundle)
    one_changed_word_is_found(bundle)


def ask_little(scene: Scene) -> None:
    """Have the administrator ask for few gates and one approval: what this is not about, others test."""
    rest = scene.rest["administrator"]
    for stage in ("Staging", "Production"):
        before = rest.get(f"/policies/{stage}/")
        rules = {**before["rules"], "approvals": 1, "gates": GATES}
        put(
            rest,
            f"/policies/{stage}/",
            {"rules": rules, "reason": "A journey.", "expected": before["number"]},
        )


def register(scene: Scene) -> str:
    """Run the pipeline once for each version and register what comes out; return the commit of 1.0.0."""
    rest = scene.rest["engineer"]
    jobs = [rest.launch(MODEL, {"train.learning_rate": rate}) for rate in RATES.values()]
    commits = [rest.ended(job)["result"]["sha"] for job in jobs]
    for version, job in zip(RATES, jobs, strict=True):
        asked = {"run_id": rest.follow_up(job, "log_run")["run_id"], "version": version}
        rest.ended(rest.post(f"/models/{MODEL}/versions/", asked)["job"])
    return str(commits[0])


def start_the_reproduction(page: Page) -> None:
    """Have the version whose page is open rebuilt; it goes on while the auditor looks around."""
    page.get_by_role("link", name="Checks").click()
    page.get_by_role("link", name="Reproduce", exact=True).click()
    page.get_by_role("button", name="Start the reproduction").click()
    expect(page.get_by_role("main")).to_contain_text("Reproduction of a version", timeout=SOON)


def walk_back_to_the_commit(page: Page, commit: str) -> None:
    """Go from the graph of the version to the commit of its run, and to its page and back."""
    title = page.get_by_role("heading", level=1)
    expect(title).to_contain_text(f"{MODEL} 1.0.0")
    expect(title).to_contain_text("Production")
    came_from = page.get_by_role("region", name="The same as a list")
    for stage in ("prepare", "train", "evaluate"):
        expect(came_from.get_by_role("link", name=stage, exact=True)).to_be_visible()
    assert accessibility_faults(page) == []
    came_from.get_by_role("link", name=re.compile(f"^Graph of {commit[:10]}")).click()
    expect(title).to_contain_text(commit[:10])
    page.get_by_role("link", name="Open its page").click()
    page.get_by_role("main").get_by_role("link", name="Lineage", exact=True).click()
    expect(title).to_contain_text(commit[:10])


def look_at_the_state_before(page: Page, before: datetime) -> None:
    """Set the date to before the promotion to Production: the version waits in Staging."""
    title = page.get_by_role("heading", level=1)
    led_to = page.get_by_role("region", name="The same as a list")
    expect(led_to.get_by_role("link", name=TO_PRODUCTION)).to_have_count(1)
    page.get_by_label("As of").fill(f"{before:%Y-%m-%dT%H:%M:%S}")
    page.get_by_label("Zone").select_option("+00:00")
    page.get_by_role("button", name="Show").click()
    expect(title).to_contain_text("Staging")
    expect(led_to.get_by_role("link", name=re.compile(r"^#\d+ to Staging"))).to_have_count(1)
    expect(led_to.get_by_role("link", name=TO_PRODUCTION)).to_have_count(0)


def ask_what_the_data_reached(page: Page) -> None:
    """Go to the raw data and ask for production models, then for all versions."""
    came_from = page.get_by_role("region", name="The same as a list")
    came_from.get_by_role("link", name=re.compile("^Graph of data.raw")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("data/raw")
    page.get_by_role("link", name="This data has a problem: which production models?").click()
    rows = page.get_by_role("region", name="Versions").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("1.0.0")
    page.get_by_label("In stage").select_option("")
    page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="1.1.0")).to_contain_text("Development")
    assert accessibility_faults(page) == []


def read_the_verdict(page: Page) -> None:
    """Wait for the report of the reproduction; its verdict is the best there is."""
    report = page.get_by_role("link", name=re.compile(r"^Report #"))
    deadline = time.monotonic() + LATER
    while not report.count():
        assert time.monotonic() < deadline, page.get_by_role("region", name="Reproductions").inner_text()
        page.wait_for_timeout(500)
        page.reload()
    report.click()
    expect(page.get_by_text(re.compile(r"^Rebuilt bit by bit:"))).to_be_visible()
    assert accessibility_faults(page) == []


def download(page: Page, folder: Path) -> Path:
    """Take bundle, verifier and key along; return the bundle, with the others beside it."""
    page.get_by_role("link", name="Evidence of this version").click()
    page.get_by_role("button", name="Make the evidence bundle").click()
    expect(page.get_by_role("link", name="Download the evidence bundle")).to_be_visible(timeout=SOON)
    assert accessibility_faults(page) == []
    for name, file in (
        ("Download the evidence bundle", "evidence.zip"),
        ("verify.py", "verify.py"),
        ("public_key.pem", "public_key.pem"),
    ):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=name, exact=True).click()
        waiting.value.save_as(folder / file)
    return folder / "evidence.zip"


def it_verifies(bundle: Path) -> None:
    """Verify the bundle where nothing else lies; reproduction and lineage are in it."""
    status, output = verified(bundle)
    assert status == 0, output
    with zipfile.ZipFile(bundle) as archive:
        names = archive.namelist()
        assert b"Rebuilt bit by bit" in archive.read("report.html")
    assert len([name for name in names if name.startswith("reproductions/")]) == 1
    assert {"lineage/prov.json", "lineage/openlineage.jsonl"} <= set(names)


def one_changed_word_is_found(bundle: Path) -> None:
    """Say something else in the report: the verifier names it."""
    changed = bundle.with_name("changed.zip")
    with zipfile.ZipFile(bundle) as archive, zipfile.ZipFile(changed, "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            other.writestr(
                name, content.replace(b"bit by bit", b"byte by byte") if name == "report.html" else content
            )
    status, output = verified(changed)
    assert status == 1
    assert "report.html" in output


def verified(bundle: Path) -> tuple[int, str]:
    """Run the verifier with nothing of the product; return its exit status and output."""
    command = [sys.executable, "-I", "verify.py", bundle.name, "public_key.pem"]
    done = subprocess.run(command, cwd=bundle.parent, env={}, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr
