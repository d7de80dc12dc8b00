"""From a request to Production by two approvals, back again, and to an auditor who believes none of it.

Nothing is replaced: one command has started Redis, MLflow, workers, dispatcher and web server. The runs come
from MLflow's own client, people decide in Chromium, MLflow's own interface says what serves, and the trail
is verified by the program of the bundle, away from the product.
"""

import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from audit import standing_alone
from tests.browser import accessibility_faults
from tests.review_stack import MODEL, PRODUCTION_GATES, Scene, served, stages_in_mlflow
from tests.stack import frozen_mlflow, wait_until
from tests.windows import OpenWindow, windows

REQUEST = "Half as many wrong characters."
REASON = "It misreads sevens."
SOON = 30_000  # milliseconds


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with served(tmp_path_factory.mktemp("review")) as found:
        yield found


@pytest.fixture
def open_window(chrome: Browser) -> Iterator[OpenWindow]:
    with windows(chrome) as visit:
        yield visit


def test_two_reviewers_put_a_version_into_production_and_back_and_an_auditor_proves_it_elsewhere(
    scene: Scene, open_window: OpenWindow, tmp_path: Path
) -> None:
    assert scene.champion() == scene.number("1.0.0")
    ask_for_production(open_window(scene.people["engineer"], f"/models/{MODEL}/versions/1.1.0/"))

    first = open_review(open_window(scene.people["reviewer"], "/promotions/"))
    remark(first)
    approve(first, "Approve", "Read the card.")
    expect(first.get_by_role("heading", name="Waits for another reviewer")).to_be_visible()
    assert scene.champion() == scene.number("1.0.0"), "one approval of two changes nothing"

    second = open_review(open_window(scene.people["second-reviewer"], "/promotions/"))
    expect(second.get_by_text("Which receipts are in the hold-out?")).to_be_visible()
    with frozen_mlflow(scene.stack):  # or it might be over before anybody could see it
        approve(second, "Approve and put into Production", "The same from me.")
        expect(second.get_by_role("heading", name="Approved; MLflow is being brought")).to_be_visible()
    watch_it_being_applied(second, first)
    assert scene.champion() == scene.number("1.1.0") != scene.number("1.0.0")
    assert stages_in_mlflow(scene) == {"1.0.0": "Archived", "1.1.0": "Production"}

    clicked = roll_back(second)
    wait_until(lambda: scene.champion() == scene.number("1.0.0"), 60 - (time.monotonic() - clicked))
    watch_the_rollback(second)
    assert stages_in_mlflow(scene) == {"1.0.0": "Production", "1.1.0": "Archived"}

    bundle = download_the_bundle(open_window(scene.people["auditor"], "/audit/"), tmp_path / "bundle")
    everything_is_told(bundle)
    it_verifies(bundle)
    one_changed_byte_is_found(bundle)


def ask_for_production(page: Page) -> None:
    """Ask for the promotion of the version whose page is open."""
    page.get_by_role("link", name="Promote to Production").click()
    page.get_by_label("Comment").fill(REQUEST)
    page.get_by_role("button", name="Ask for the promotion").click()
    page.wait_for_url("**/promotions/*/")
    expect(page.get_by_role("button", name="Withdraw the request")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def open_review(inbox: Page) -> Page:
    """Open the promotion that waits in the inbox; everything it needs but approvals is there."""
    [row] = inbox.get_by_role("main").get_by_role("listitem").all()
    expect(row).to_contain_text(REQUEST)
    row.get_by_role("link", name=f"{MODEL} 1.1.0").click()
    expect(inbox.get_by_role("heading", level=1)).to_contain_text(f"{MODEL} 1.1.0")
    expect(inbox.get_by_role("heading", name="Ready for your decision")).to_be_visible()
    facts = inbox.get_by_role("region", name="Ready for your decision")
    expect(facts).to_contain_text(f"{len(PRODUCTION_GATES)} gates passed")
    expect(facts).to_contain_text("5 metrics better, 0 worse")
    assert accessibility_faults(inbox) == []
    return inbox


def remark(page: Page) -> None:
    """Ask the engineer something."""
    form = page.locator("#comment")
    form.get_by_label("Comment").fill("Which receipts are in the **hold-out**?")
    form.get_by_role("button", name="Comment").click()
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline.get_by_text("Which receipts are in the hold-out?")).to_be_visible()


def approve(page: Page, button: str, words: str) -> None:
    """Approve by typing the version; another one does not do. From then on the page is left alone."""
    page.get_by_role("region", name="Your decision").get_by_label("Comment").fill(words)
    page.get_by_role("button", name="Approve…").click()
    dialog = page.get_by_role("dialog")
    typed = dialog.get_by_label("Type 1.1.0 to confirm")
    confirm = dialog.get_by_role("button", name=button, exact=True)
    typed.fill("1.0.0")
    expect(confirm).to_be_disabled()
    typed.fill("1.1.0")
    confirm.click()
    expect(page.get_by_role("region", name="Timeline")).to_contain_text(words)
    page.evaluate("window.neverLoadedAgain = true")


def watch_it_being_applied(*pages: Page) -> None:
    """See the pages of both reviewers arrive at the end by themselves."""
    for page in pages:
        expect(page.get_by_role("heading", name="Approved and applied to MLflow")).to_be_visible(timeout=SOON)
        assert page.evaluate("window.neverLoadedAgain")


def roll_back(page: Page) -> float:
    """Roll back from the page of the model; return when it was clicked."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Models").click()
    page.get_by_role("main").get_by_role("link", name=MODEL).first.click()
    page.get_by_role("link", name="Roll back").click()
    expect(page.get_by_role("radio", checked=True)).to_have_value("1.0.0")
    page.get_by_label("Reason").fill(REASON)
    clicked = time.monotonic()
    page.get_by_role("button", name="Roll Production back").click()
    page.wait_for_url("**/promotions/*/")
    return clicked


def watch_the_rollback(page: Page) -> None:
    """See the decision arrive, with its reason."""
    expect(page.get_by_role("heading", name="Rolled back and applied to MLflow")).to_be_visible(timeout=SOON)
    expect(page.get_by_role("region", name="Reason")).to_contain_text(REASON)


def download_the_bundle(page: Page, folder: Path) -> Path:
    """Take the whole trail along and return where it lies unpacked."""
    expect(page.get_by_role("main")).to_contain_text(REASON)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Bundle to verify").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        archive.extractall(folder)
    assert (folder / "verifier.py").read_text(encoding="utf-8") == standing_alone.trail()
    return folder


def everything_is_told(bundle: Path) -> None:
    """Find each decision in the export: what was done, by whom, in order."""
    rows = [json.loads(line) for line in (bundle / "export.jsonl").read_text().splitlines()]
    about = [row for row in rows if row["target_kind"] == "promotion"]
    [asked] = [row["target_id"] for row in about if row["data"].get("comment") == REQUEST]
    told = [
        (row["event"], row["actor_name"], row["data"].get("verdict"))
        for row in about
        if row["target_id"] == asked and row["event"] in ("promotion.opened", "promotion.reviewed")
    ]
    assert told == [
        ("promotion.opened", "engineer", None),
        ("promotion.reviewed", "reviewer", "approve"),
        ("promotion.reviewed", "second-reviewer", "approve"),
    ]
    [back] = [row for row in about if row["event"] == "production.rolled_back"]
    facts = [back["data"][name] for name in ("from", "to", "reason")]
    assert [back["actor_name"], *facts] == ["second-reviewer", "1.1.0", "1.0.0", REASON]


def it_verifies(bundle: Path) -> None:
    """Verify the bundle where nothing else lies; every entry is there, and signed."""
    status, output = verified(bundle)
    assert status == 0, output
    count = len((bundle / "export.jsonl").read_text().splitlines())
    assert f"OK: {count} entries form one unbroken chain." in output
    assert "Not signed yet: 0." in output


def one_changed_byte_is_found(bundle: Path) -> None:
    """Put another word into somebody's mouth: the verifier names the entry."""
    export = bundle / "export.jsonl"
    whole = export.read_bytes()
    changed = whole.replace(b"The same from me.", b"The lame from me.")
    assert sum(one != other for one, other in zip(whole, changed, strict=True)) == 1
    export.write_bytes(changed)
    [row] = [json.loads(line) for line in changed.splitlines() if b"The lame from me." in line]
    status, output = verified(bundle)
    assert status == 1
    assert output.startswith(f"FAULT at entry {row['sequence']}: ")


def verified(bundle: Path) -> tuple[int, str]:
    """Run the verifier of the bundle with nothing of the product; return its exit status and output."""
    command = [sys.executable, "-I", "verifier.py", "export.jsonl", "checkpoints.jsonl", "public_key.pem"]
    done = subprocess.run(command, cwd=bundle, env={}, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr
